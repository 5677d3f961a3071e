//! The sounds that come with krach, as text. They are compiled like any other, with our own library alone.

/// A sound that is built in.
pub(super) struct Factory {
    /// Its name: `faust:<name>` is its type.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All of them, by name.
pub(super) static FACTORY: &[Factory] = include!(concat!(env!("OUT_DIR"), "/factory.rs"));

/// The one of that name.
pub(super) fn find(name: &str) -> Option<&'static Factory> {
    FACTORY.iter().find(|sound| sound.name == name)
}

//! The sounds that come with krach: their text, and the bitcode that was made of it when krach was built.

/// A sound that is built in.
pub(super) struct Factory {
    /// Its name: `faust:<name>` is its type.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
    /// What FAUST made of the text.
    pub bitcode: &'static [u8],
}

/// All of them, by name.
pub(super) static FACTORY: &[Factory] = include!(concat!(env!("OUT_DIR"), "/factory.rs"));

/// The one of that name.
pub(super) fn find(name: &str) -> Option<&'static Factory> {
    FACTORY.iter().find(|sound| sound.name == name)
}

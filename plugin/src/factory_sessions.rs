//! The sessions that come with krach: which there are, and what they are called.

use krach_core::ir::did_you_mean;

/// What stands before a key where a file may be named.
pub const MARK: &str = "factory:";

/// A session that comes with krach.
#[derive(Debug)]
pub struct FactorySession {
    /// What hosts find it by.
    pub key: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Its document.
    pub text: &'static str,
}

/// All of them, by key. Made of `dsp/sessions` by the build.
pub static FACTORY: &[FactorySession] = include!(concat!(env!("OUT_DIR"), "/sessions.rs"));

/// The one of that key.
///
/// # Errors
/// If there is none: what would work.
pub fn find(key: &str) -> Result<&'static FactorySession, String> {
    FACTORY.iter().find(|session| session.key == key).ok_or_else(|| {
        let keys = || FACTORY.iter().map(|session| session.key);
        did_you_mean(key, keys())
            .unwrap_or_else(|| format!("there are {}", keys().collect::<Vec<_>>().join(", ")))
    })
}

//! Folders of the musician's own, below `~/.krach`.

use std::path::PathBuf;

use crate::socket::address::home_folder;

/// Where sessions are saved that are given by name: `~/.krach/sessions`.
pub fn sessions() -> Option<PathBuf> {
    below("sessions")
}

/// Where hosts look for presets: `~/.krach/presets`.
pub fn presets() -> Option<PathBuf> {
    below("presets")
}

fn below(name: &str) -> Option<PathBuf> {
    Some(home_folder()?.join(".krach").join(name))
}

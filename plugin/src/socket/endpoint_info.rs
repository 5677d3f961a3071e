//! What others see of an instance's socket.

use std::path::PathBuf;

/// Where clients reach an instance, and how many do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointInfo {
    /// The name to attach by.
    pub name: String,
    /// The instance's socket.
    pub path: Option<PathBuf>,
    /// Clients that are connected.
    pub clients: usize,
    /// What is wrong with the socket.
    pub problem: Option<String>,
}

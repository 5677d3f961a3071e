//! The local socket of an instance: where it listens, who may connect, and one thread per client that
//! turns bytes into lines and replies into bytes.
//!
//! Own address and contested name ([`address`]) → listening ([`endpoint`], [`claim`]) → accepting
//! ([`server`]) → one connection ([`client`]) whose replies stay in order ([`replies`]). What a line
//! means is not known here: that is the [`Service`].

pub mod address;
mod claim;
mod client;
mod endpoint;
mod endpoint_info;
mod folder;
pub mod lines;
mod os;
mod pushes;
pub mod registry;
mod replies;
mod server;

pub use address::Addresses;
pub use endpoint_info::EndpointInfo;
pub(crate) use pushes::{Lost, Urgency};
pub(crate) use replies::{Replies, ReplySlot};
pub(crate) use server::{Announcer, Server};

use std::sync::Arc;

use lines::Line;

/// Most clients of one instance at a time; the next is told so and let go.
pub const MAX_CLIENTS: usize = 64;

/// What is to become of a connection after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// Read on.
    Continue,
    /// Send what is owed, then close.
    Close,
}

/// The side that understands lines. Called from the threads of the clients; never blocks for long.
pub(crate) trait Service: Send + Sync + 'static {
    /// The line that greets a client, without newline.
    fn hello(&self) -> String;

    /// Takes in one line; every reply goes through `replies`, in the order of the lines.
    fn line(&self, connection: u64, line: Line, replies: &Arc<Replies>) -> After;

    /// The line that says how much a client has missed by not reading, without newline.
    fn lost(&self, lost: Lost) -> String;

    /// The connection is gone.
    fn closed(&self, connection: u64);
}

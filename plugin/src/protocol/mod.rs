//! What clients say and what they are answered: **a line is parsed on the client's thread, the control thread runs it
//! in its context, and the answer is one line again.**
//!
//! Three families share the socket, told apart by their tag: `cmd` and `type` ([`legacy`]) are fixed by clients that
//! exist; `jsonrpc` ([`rpc`]) is ours and has a [`table`] of [`methods`]. A method is one file: parameters, result,
//! handler, and its row with the text of the documentation, from which page and schema are made.
//!
//! Each part uses only what stands below it (`xtask/arrows.toml`):
//!
//! | part | question it answers |
//! |---|---|
//! | [`dispatch`] | which family does a line belong to? |
//! | [`rpc`] | what is a request of JSON-RPC, and how is it answered? |
//! | [`table`] | which methods are there? |
//! | [`methods`] | what does each take, do and answer? |
//! | `method` | what is a row of the table? |
//! | [`mutation`] | what do all methods that change the session have in common? |
//! | [`legacy`] | what do the older families say? |
//! | [`request`], [`answer`] | what is left to do on the control thread? |
//! | [`context`], [`connection`] | what does a request find there, and what was its connection promised? |
//! | [`events`] | what is told without being asked? |
//! | [`error`], [`refusal`] | why has a request no result? |
//! | [`params`], [`notation`], [`at`] | how are parameters, patterns and times read? |

mod answer;
mod at;
pub(crate) mod background;
mod connection;
pub(crate) mod context;
mod dispatch;
#[cfg(test)]
mod doc_page;
mod error;
pub(crate) mod events;
mod interface;
mod json;
mod legacy;
mod method;
mod methods;
mod mutation;
mod notation;
mod params;
mod refusal;
mod request;
mod rpc;
#[cfg(test)]
mod schema;
mod state;
mod table;

pub(crate) use connection::Connection;
pub(crate) use dispatch::{capabilities, parse};
pub(crate) use request::{Action, Deferred, Outcome, Parsed};

//! krach as a plugin: **the host calls [`clap`], which hands sample positions to the engine's
//! processor and state chunks to the [`instance`], which owns the engine and serves clients over a
//! [`socket`].**
//!
//! | module | question it answers |
//! |---|---|
//! | [`clap`], [`vst3`] | what does a host of the format see and call? |
//! | `standalone` (a feature) | how does it play without a DAW? |
//! | `signals` (the same feature) | how does Ctrl-C end that? |
//! | [`shell`] | what plugin is this (names, ids, what nice-plug needs to know)? |
//! | [`params`], [`ports`] | which parameters and ports does it have, for ever? |
//! | [`param_values`] | what do the parameters stand at, and who may change them? |
//! | [`block`] | what becomes of a block, whatever the format? |
//! | `problems` | what is wrong, and since when is it over? |
//! | [`state`] | which bytes does the host store? |
//! | [`presets`] | which sessions do hosts offer? |
//! | `factory_sessions` | which sessions come with krach? |
//! | [`session_file`], `folders` | which file is a session, and where do they lie? |
//! | [`instance`] | who owns the engine and its thread? |
//! | [`editor`] | what does the window show, and when does it paint? |
//! | [`protocol`], [`socket`] | what do clients say, and where do they connect? |

pub mod block;
pub mod clap;
pub mod editor;
mod factory_sessions;
mod folders;
mod guard;
pub mod instance;
mod library;
mod midi_file;
pub mod param_values;
pub mod params;
pub mod ports;
pub mod presets;
mod problems;
pub mod protocol;
pub mod session_file;
pub mod shell;
#[cfg(feature = "standalone")]
pub mod signals;
pub mod socket;
#[cfg(feature = "standalone")]
pub mod standalone;
pub mod state;
pub mod vst3;

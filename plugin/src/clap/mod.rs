//! What a CLAP host sees and calls: our own entry point, without nice-plug's.
//!
//! Everything that has to do with time, sound or state is read from and answered to the host here:
//! nice-plug derives positions in sub-blocks wrongly, has no `mark_dirty`, cannot refuse a state, and
//! names parameters once. It keeps the parameters, their texts and the port layout.
//!
//! | file | question it answers |
//! |---|---|
//! | `entry` | which plugins does the library hold? (no work at scan) |
//! | `object` | what does the host call on one instance, and when does what live? |
//! | `extensions` | parameters, ports, state, render mode: which function answers? |
//! | `process` | what happens in one block on the audio thread? |
//! | `transport` | what does the host say of time? |
//! | `events` | what else came with the block, and what goes back? |
//! | `buffers` | where do the channels lie, and what stands in for those that are missing? |
//! | `gui` | how does a host open, size and close the window? |
//! | `host` | how do our threads reach the host's main thread? |
//! | `preset_discovery`, `presets` | which presets are there, and how is one loaded? |
//! | `stream` | how do state bytes come and go? |
//!
//! Threads: functions marked main thread and audio thread run at the same time. They share atomics
//! and one [`std::sync::Mutex`] that the audio thread only ever tries, see `object`.

mod buffers;
mod entry;
mod events;
mod extensions;
mod gui;
mod host;
mod object;
mod preset_discovery;
mod presets;
mod process;
mod stream;
mod transport;

pub use entry::ENTRY;

use crate::guard::guard;

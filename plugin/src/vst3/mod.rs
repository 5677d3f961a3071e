//! What a VST3 host sees and calls: our own factory and component around nice-plug's.
//!
//! As in [`crate::clap`], everything that has to do with time, sound or state is read from and
//! answered to the host here. nice-plug's `process` allocates in every block (it receives from a
//! channel without capacity), wakes a thread for every automated parameter, forgets the position of
//! parameter changes and passes a panic on; its state is a document of its own that cannot be
//! refused. It keeps the parameters, their texts and units, and the buses.
//!
//! | file | question it answers |
//! |---|---|
//! | `entry` | which plugins does the library hold? |
//! | `object` | what does one instance consist of, and when does what live? |
//! | `component` | buses, activation, state: which function answers? |
//! | `controller` | parameters, units: which function answers? |
//! | `view` | how does a host open, size and close the window? |
//! | `process` | what happens in one block on the audio thread? |
//! | `played` | in which order do a block's notes and controllers act, and what if there are too many? |
//! | `transport` | what does the host say of time? |
//! | `events` | what else came with the block, and what goes back? |
//! | `midi` | which parameters stand for MIDI controllers? |
//! | `buffers` | where do the channels lie, and what stands in for those that are missing? |
//! | `stream` | how do state bytes come and go? |
//!
//! What the format lacks against CLAP: no new names of parameters while it runs, few controllers in, no
//! MIDI clock out, one position per block.

#![allow(clippy::unnecessary_cast, reason = "VST3's constants are signed on Windows and unsigned elsewhere")]

mod buffers;
mod component;
mod controller;
mod entry;
mod events;
mod midi;
mod object;
mod played;
mod process;
mod stream;
mod transport;
mod view;

pub use entry::plugin_factory;

use nice_plug::wrapper::vst3::vst3 as com;

use crate::guard::guard;
use com::Steinberg::{kResultFalse, kResultOk, tresult};

/// What the host is told of success.
fn ok(success: bool) -> tresult {
    if success { kResultOk } else { kResultFalse }
}

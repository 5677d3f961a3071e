//! Does a program with nothing to do stay as it is? Then it need not be run.
//!
//! After a while of zeros in and zeros out, one frame is rendered by itself and the state before it compared with the state
//! after it. If both are the same, so is every frame to come, to the bit, until something comes in or is set. Programs with
//! delay lines count their frames and are never found so; states that are too large are not compared.

use crate::error::CompileError;
use crate::program::State;

/// Frames of silence before a look, and between looks.
const PATIENCE: u64 = 4096;
/// Largest state in bytes that is compared.
const LARGEST: usize = 16 << 10;

/// What is known of an instance's stillness.
pub(crate) struct Stillness {
    /// Zeros would follow zeros, and the state stays.
    pub still: bool,
    /// Frames of zeros so far.
    quiet: u64,
    /// Room for a state to compare with, if it is not too large.
    room: Option<State>,
}

impl Stillness {
    /// For instances of this state.
    pub fn of(state: &State) -> Result<Self, CompileError> {
        let room = (Self::room_for(state.bytes()) > 0).then(|| state.another()).transpose()?;
        Ok(Self { still: false, quiet: 0, room })
    }

    /// Bytes of the room for instances of a state of so many.
    pub fn room_for(bytes: usize) -> usize {
        if bytes <= LARGEST { bytes } else { 0 }
    }

    /// Something was set: nothing is known.
    pub fn disturbed(&mut self) {
        (self.still, self.quiet) = (false, 0);
    }

    /// Is the next frame to be rendered by itself?
    pub fn looks(&self) -> bool {
        self.quiet >= PATIENCE && !self.still && self.room.is_some()
    }

    /// The state before such a frame.
    pub fn before(&mut self, state: &State) {
        if let Some(room) = &mut self.room {
            room.copy_from(state);
        }
    }

    /// Frames were rendered; `zeros`: nothing came in, nothing went out, no control moves.
    pub fn after(&mut self, state: &State, zeros: bool, frames: u64, looked: bool) {
        let still = looked && zeros && self.room.as_ref().is_some_and(|before| before.same(state));
        self.quiet = if zeros && !looked { self.quiet.saturating_add(frames) } else { 0 };
        self.still = zeros && (still || self.still);
    }
}

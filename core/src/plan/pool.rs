//! Voices that were made ahead of the plans that use them.

use crate::voice::Voice;

/// Voices that wait for the plan of a scene that needs them, by number. They have never sounded.
pub struct Pool(Vec<Waiting>);

/// Voices of a node that is to be.
#[derive(Default)]
pub struct Waiting {
    /// The node's uid; 0: nothing waits.
    pub uid: u64,
    /// Its voices.
    pub voices: Vec<Voice>,
}

impl Pool {
    /// Most nodes that wait.
    pub const SIZE: usize = 8192;

    /// Nothing waits.
    pub fn new() -> Self {
        Self((0..Self::SIZE).map(|_| Waiting::default()).collect())
    }

    /// Puts voices there, and gives back what was there.
    pub fn swap(&mut self, index: u32, waiting: &mut Waiting) {
        if let Some(place) = self.0.get_mut(index as usize) {
            std::mem::swap(place, waiting);
        }
    }

    /// Do the voices of that node wait there?
    pub fn has(&self, index: u32, uid: u64) -> bool {
        self.0.get(index as usize).is_some_and(|waiting| waiting.uid == uid)
    }

    /// Takes them out.
    pub(super) fn take(&mut self, index: u32) -> Vec<Voice> {
        self.0.get_mut(index as usize).map(std::mem::take).unwrap_or_default().voices
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self::new()
    }
}

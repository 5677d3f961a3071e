//! Edges of a waveform on their way out: the part of each band-limited step that is still to sound.

use super::minblep::{MinBlep, SPAN};

/// Most frames that are looked at in one go.
pub const CHUNK: usize = 64;

/// What the edges so far add to the frames to come.
///
/// Each frame's sum is made in the order of the edges, whatever the chunks, and so is the same to the
/// bit for every partition.
pub struct Edges {
    /// Zero from `SPAN` on between chunks.
    ahead: [f32; CHUNK + SPAN],
}

impl Default for Edges {
    fn default() -> Self {
        Self::new()
    }
}

impl Edges {
    /// None yet.
    pub fn new() -> Self {
        Self { ahead: [0.0; CHUNK + SPAN] }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.ahead.fill(0.0);
    }

    /// An edge of `height`, `since` frames (0…1) before frame `frame` < [`CHUNK`] of this chunk.
    #[inline]
    pub fn add(&mut self, table: &MinBlep, frame: usize, since: f64, height: f32) {
        if let Some(frames) = self.ahead[frame..].first_chunk_mut() {
            table.add(frames, since, height);
        }
    }

    /// What the edges add to this chunk's frames; valid once all its edges are known.
    #[inline]
    pub fn chunk(&self) -> &[f32] {
        &self.ahead[..CHUNK]
    }

    /// This chunk of `frames` ≤ [`CHUNK`] frames is out; the next begins.
    #[inline]
    pub fn pass(&mut self, frames: usize) {
        self.ahead.copy_within(frames..frames + SPAN, 0);
        self.ahead[SPAN..SPAN + frames].fill(0.0);
    }
}

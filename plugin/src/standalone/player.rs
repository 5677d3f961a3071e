//! Plays blocks of any length. What asks for them says how long they are: JACK, a card or a clock.

use std::sync::Arc;

use crossbeam_queue::ArrayQueue;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{HostEventKind, MidiEvent, Processor};

use super::options::{METER, Options, TEMPO};
use super::time::{Clock, Position, Shared};
use crate::block::{BlockProcessor, Surroundings};
use crate::param_values::ParamValues;
use crate::params::KrachParams;
use crate::ports::{CHANNELS, Kind, STEMS};

/// Longest stretch that is rendered at once; longer blocks are several of them, which sound the same.
pub const MAX_FRAMES: usize = 1024;
/// MIDI messages that one block may bring; what is beyond is lost.
const INBOX: usize = 2048;

/// Everything that plays, on whichever audio thread. Nothing but [`Player::new`] allocates.
pub struct Player {
    block: BlockProcessor,
    values: ParamValues,
    clock: Clock,
    shared: Arc<Shared>,
    inbox: Vec<(u32, [u8; 3])>,
    /// The stems, which no port takes.
    scratch: Vec<f32>,
}

impl Player {
    /// Plays with that processor at `rate` Hz, from where `shared` is.
    pub fn new(
        processor: Option<Processor>,
        rate: f64,
        options: &Options,
        params: &Arc<KrachParams>,
        shared: &Arc<Shared>,
    ) -> Self {
        let values = ParamValues::new(Arc::clone(params));
        Self {
            block: BlockProcessor::new(processor, &values, Kind::Instrument).without_stems(),
            values,
            clock: Clock::new(shared, rate, options.tempo.unwrap_or(TEMPO), options.meter.unwrap_or(METER)),
            shared: Arc::clone(shared),
            inbox: Vec::with_capacity(INBOX),
            scratch: vec![0.0; STEMS * CHANNELS * MAX_FRAMES],
        }
    }

    /// Frames per second.
    pub fn rate(&self) -> f64 {
        self.clock.rate()
    }

    /// A MIDI message of the next block; frames rise. System messages are none of ours.
    pub fn hear(&mut self, frame: u32, message: &[u8]) {
        let mut bytes = [0; 3];
        let length = message.len().min(3);
        bytes[..length].copy_from_slice(&message[..length]);
        if (0x80..0xf0).contains(&bytes[0]) && self.inbox.len() < self.inbox.capacity() {
            self.inbox.push((frame, bytes));
        }
    }

    /// Fills a block; `sends` is called for each MIDI message that it sends, in order. The transport is JACK's,
    /// or ours if there is none.
    pub fn play(
        &mut self,
        [left, right]: [&mut [f32]; 2],
        jack: Option<Position>,
        mut sends: impl FnMut(u32, &[u8]),
    ) {
        let frames = left.len().min(right.len());
        let mut done = 0;
        while done < frames {
            let stretch = MAX_FRAMES.min(frames - done);
            let range = done..done + stretch;
            let transport = match jack {
                Some(at) => self.clock.following(at.after(done as u32)),
                None => self.clock.now(),
            };
            self.stretch([&mut left[range.clone()], &mut right[range]], done as u32, transport);
            for message in self.block.midi_out() {
                sends(done as u32 + message.offset, wire(message));
            }
            self.clock.advance(stretch, &self.shared);
            done += stretch;
        }
        self.inbox.clear();
    }

    fn stretch(&mut self, main: [&mut [f32]; 2], from: u32, transport: HostTransport) {
        let frames = main[0].len();
        if self.values.params().take_panic() {
            self.block.panic();
        }
        self.block.begin(&self.values);
        for &(frame, bytes) in &self.inbox {
            if (from..from + frames as u32).contains(&frame) {
                self.block.hear(frame - from, HostEventKind::Midi(bytes));
            }
        }
        let transport = [TransportAt { offset: 0, transport }];
        let around = Surroundings { transport: &transport, offline: false, sidechain: [&[]; 2] };
        let mut spare = self.scratch.chunks_exact_mut(MAX_FRAMES);
        let mut stem = || spare.next().map_or(&mut [][..], |stem| &mut stem[..frames]);
        let stems = std::array::from_fn(|_| std::array::from_fn(|_| stem()));
        self.block.render(&around, main, stems);
    }
}

/// Where the audio thread of a port or stream finds its player, which is built only once the port or stream is
/// open.
#[derive(Clone)]
pub struct Seat(Arc<ArrayQueue<Box<Player>>>);

impl Default for Seat {
    fn default() -> Self {
        Self(Arc::new(ArrayQueue::new(1)))
    }
}

impl Seat {
    /// From its next block on the audio thread has this one.
    pub fn give(&self, player: Player) {
        // There is room: each seat is given one player.
        let _ = self.0.push(Box::new(player));
    }

    /// The player, as soon as there is one. For the audio thread.
    pub fn find<'a>(&self, found: &'a mut Option<Box<Player>>) -> Option<&'a mut Player> {
        if found.is_none() {
            *found = self.0.pop();
        }
        found.as_deref_mut()
    }
}

/// A message as long as its status says.
fn wire(message: &MidiEvent) -> &[u8] {
    let length = match message.bytes[0] {
        0xc0..0xe0 | 0xf1 | 0xf3 => 2,
        0xf4.. => 1,
        _ => 3,
    };
    &message.bytes[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_as_long_as_their_status_says() {
        let length = |status| wire(&MidiEvent { offset: 0, bytes: [status, 1, 2] }).len();
        assert_eq!([0x90, 0xb0, 0xe0, 0xf2].map(length), [3; 4]);
        assert_eq!([0xc0, 0xdf, 0xf1, 0xf3].map(length), [2; 4]);
        assert_eq!([0xf8, 0xfa, 0xfc].map(length), [1; 3]);
    }
}

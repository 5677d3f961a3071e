//! The host's parameters that act inside the engine, each at its frame.
//!
//! The master fader moves from its sample on, in front of the limiter. What is an action (panic) ends
//! the stretch before it, so that it acts between two frames whatever the blocks are.

use super::fader::Fader;
use super::renderer::Renderer;

/// Changes kept of one block; of more, the last value of a parameter counts at the last frame kept.
pub const MAX_PARAM_EVENTS: usize = 1024;

/// A parameter of the host's that acts inside the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostParam {
    /// The master fader: a linear gain.
    Master,
    /// Gates shut and tails cut at this frame if the value is above one half.
    Panic,
}

/// A change of a parameter at a frame of the block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParamEvent {
    /// Frame within the block.
    pub offset: u32,
    /// The parameter.
    pub param: HostParam,
    /// Its value, modulation included.
    pub value: f32,
}

/// The changes of the present block, and where the fader is.
pub(super) struct Params {
    /// (sample since activation, parameter, value), in order.
    events: Vec<(i64, HostParam, f32)>,
    /// Events before this one have reached the fader.
    faded: usize,
    /// Events before this one have acted.
    acted: usize,
    fader: Fader,
}

impl Params {
    pub fn new(sample_rate: f64) -> Self {
        Self {
            events: Vec::with_capacity(MAX_PARAM_EVENTS),
            faded: 0,
            acted: 0,
            fader: Fader::new(1.0, sample_rate),
        }
    }

    /// Takes the changes of the block that begins at sample `begin`, sorted by offset.
    pub fn begin_block(&mut self, begin: i64, events: &[ParamEvent]) {
        self.events.clear();
        (self.faded, self.acted) = (0, 0);
        for event in events {
            let at = begin + i64::from(event.offset);
            if self.events.len() < self.events.capacity() {
                self.events.push((at, event.param, event.value));
            } else if let Some(last) = self.events.iter_mut().rfind(|(_, param, _)| *param == event.param) {
                last.2 = event.value;
            }
        }
    }

    /// The value is there at once, without a move.
    pub fn settle(&mut self, param: HostParam, value: f32) {
        if param == HostParam::Master {
            self.fader.settle(gain(value));
        }
    }

    /// The fader stands, or moves on, where that of another engine does.
    pub fn take_over(&mut self, old: &Self) {
        self.fader = old.fader.clone();
    }

    /// The fader over a stretch that begins at sample `at`.
    pub fn fade(&mut self, at: i64, left: &mut [f32], right: &mut [f32]) {
        let mut done = 0;
        while let Some(&(sample, param, value)) = self.events.get(self.faded) {
            let until = usize::try_from(sample - at).unwrap_or(0).max(done);
            if until >= left.len() {
                break;
            }
            self.faded += 1;
            if param == HostParam::Master {
                self.fader.apply(&mut left[done..until], &mut right[done..until]);
                self.fader.set(gain(value));
                done = until;
            }
        }
        self.fader.apply(&mut left[done..], &mut right[done..]);
    }

    /// Takes the next action that is due at sample `at`, with its value.
    fn take_due(&mut self, at: i64) -> Option<(HostParam, f32)> {
        while let Some(&(sample, param, value)) = self.events.get(self.acted) {
            if sample > at {
                return None;
            }
            self.acted += 1;
            if param != HostParam::Master {
                return Some((param, value));
            }
        }
        None
    }

    /// The sample of the next action.
    fn next_action(&self) -> Option<i64> {
        let mut rest = self.events[self.acted..].iter();
        rest.find(|(_, param, _)| *param != HostParam::Master).map(|(sample, ..)| *sample)
    }
}

/// No host makes the fader louder than the parameter's range allows, and none sets it to what is not a number.
fn gain(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 16.0) } else { 1.0 }
}

impl Renderer {
    /// Does what the host's parameters ask at sample `at`; returns where the next one acts, at most `until`.
    pub(super) fn act_on_params(&mut self, at: i64, until: i64) -> i64 {
        while let Some((param, value)) = self.params.take_due(at) {
            match param {
                HostParam::Panic if value > 0.5 => self.panic(at),
                HostParam::Panic | HostParam::Master => {}
            }
        }
        self.params.next_action().map_or(until, |next| until.min(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(list: &[(u32, f32)]) -> Vec<ParamEvent> {
        let event = |&(offset, value): &(u32, f32)| ParamEvent { offset, param: HostParam::Master, value };
        list.iter().map(event).collect()
    }

    #[test]
    fn a_move_begins_at_its_frame_however_the_block_is_cut() {
        let faded = |cuts: &[usize]| {
            let mut params = Params::new(48_000.0);
            params.begin_block(100, &events(&[(0, 1.0), (40, 0.0), (40, 0.2), (63, 0.5)]));
            let (mut left, mut right) = ([1.0_f32; 64], [1.0_f32; 64]);
            let mut at = 0;
            for n in cuts {
                params.fade(100 + at as i64, &mut left[at..at + n], &mut right[at..at + n]);
                at += n;
            }
            assert_eq!(left, right);
            (left.map(f32::to_bits), params.fader)
        };
        let (whole, fader) = faded(&[64]);
        let left = whole.map(f32::from_bits);
        assert!(left[..40].iter().all(|&sample| sample == 1.0));
        assert!(left[40..63].windows(2).all(|w| w[1] < w[0]) && left[40] < 1.0);
        for cuts in [&[1; 64][..], &[40, 24], &[39, 1, 1, 23], &[63, 1]] {
            let (cut, other) = faded(cuts);
            assert_eq!((cut, format!("{other:?}")), (whole, format!("{fader:?}")));
        }
    }

    #[test]
    fn of_too_many_changes_the_last_value_counts() {
        let mut params = Params::new(48_000.0);
        let mut flood: Vec<(u32, f32)> = (0..2000).map(|n| (n, 0.5)).collect();
        flood.push((2000, 0.25));
        let room = params.events.capacity();
        params.begin_block(0, &events(&flood));
        assert_eq!((params.events.len(), params.events.capacity()), (room, room));
        assert_eq!(params.events.last().map(|event| event.2), Some(0.25));
    }
}

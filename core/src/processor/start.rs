//! Where time starts from standstill: with `restart`, and always offline, every node begins as after a
//! reset, so that the same place sounds the same each time.

use super::controls::{SlotSet, Write};
use super::renderer::Renderer;
use super::voices::Player;
use crate::clock::Segment;
use crate::model::Start;
use crate::voice::Phase;
use krach_dsp::ramp::Ramp;

/// Seconds in which what rang before a start dies away.
const FADE: f64 = 0.005;

/// The last sample of the sum, dying away on a straight line over a start.
pub(super) struct Ringing {
    /// Last sample of each side.
    last: [f32; 2],
    /// What dies away.
    from: [f32; 2],
    /// Frames of that which are still to come, of `frames`.
    left: u32,
    frames: u32,
}

impl Ringing {
    pub fn new(sample_rate: f64) -> Self {
        Self { last: [0.0; 2], from: [0.0; 2], left: 0, frames: ((FADE * sample_rate) as u32).max(1) }
    }

    /// What sounded last dies away from the next frame on.
    fn begin(&mut self) {
        self.from = self.last.map(|x| if x.is_finite() { x } else { 0.0 });
        self.left = if self.from == [0.0; 2] { 0 } else { self.frames };
    }

    /// What sounded last is gone with the next frame.
    fn cut(&mut self) {
        self.left = 0;
    }

    /// Adds it to a stretch, which is remembered.
    pub fn pass(&mut self, sides: [&mut [f32]; 2]) {
        let frames = sides[0].len();
        let ringing = (self.left as usize).min(frames);
        for ((side, from), last) in sides.into_iter().zip(self.from).zip(&mut self.last) {
            for (i, x) in side[..ringing].iter_mut().enumerate() {
                *x += from * ((self.left as usize - i) as f32 / (self.frames + 1) as f32);
            }
            *last = side.last().copied().unwrap_or(*last);
        }
        self.left -= ringing as u32;
    }
}

impl Renderer {
    /// Time starts at the beginning of `segment`. Bounded by what the plan holds: each instance's state is
    /// set anew once.
    pub(super) fn start(&mut self, segment: &Segment) {
        if self.retired || self.start == Start::Continue && !self.offline {
            return;
        }
        match self.offline {
            // What is rendered is the same to the sample, whatever was rendered before.
            true => self.ringing.cut(),
            false => self.ringing.begin(),
        }
        self.notes.at = segment.start;
        self.close_gates();
        self.release_controls(SlotSet::ALL);
        self.restart_automations(segment);
        for node in 0..self.plan.nodes.len() {
            self.with_player(node, |player| player.restart());
        }
        // Notes of patterns that last over the start begin again, also where time goes on from where it was.
        self.discontinuity = true;
        self.master = Ramp::resting(f64::from(self.own_master));
        self.limiter.reset();
    }

    /// What repeats over seconds begins here, and every control that repeats has its value from the first
    /// sample on. What goes to its end once goes on.
    fn restart_automations(&mut self, segment: &Segment) {
        let at = segment.start;
        let bars = self.clock.bars().count_at(segment.epoch.beats_at(at));
        for index in self.automations_in_use() {
            let Some(running) = &mut self.automations[index] else { continue };
            if running.automation.one_shot {
                continue;
            }
            let value = match running.bars {
                Some(_) => running.value_over_bars(bars),
                None => {
                    running.automation.start_frame = at;
                    running.automation.value_at(at)
                }
            };
            if let Some(control) = self.plan.find(running.target, running.path) {
                self.write(control, Write::Automation { index: index as u32, value, ramp: 0 });
            }
        }
    }
}

impl Player<'_> {
    /// As if just created with the controls it has. Keys that are held, and gates that base values and
    /// automations hold open, begin their notes again.
    fn restart(&mut self) {
        for at in 0..self.voices.len() {
            if self.voiced && self.voices[at].phase != Phase::Held {
                self.free(at);
            }
            let voice = &mut self.voices[at];
            if let Some(instance) = &mut voice.instance {
                instance.reset();
            }
            voice.health.last.fill(0.0);
            (voice.health.fading, voice.health.faults) = (0, [None; 2]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rang_dies_away_in_5_ms_however_it_is_cut() {
        let passed = |cuts: &[usize]| {
            let mut ringing = Ringing::new(48_000.0);
            ringing.pass([&mut [0.25, 0.5], &mut [0.0, -0.5]]);
            ringing.begin();
            let (mut left, mut right) = (vec![0.0_f32; 300], vec![0.0_f32; 300]);
            let mut at = 0;
            for n in cuts {
                ringing.pass([&mut left[at..at + n], &mut right[at..at + n]]);
                at += n;
            }
            assert!(left.iter().zip(&right).all(|(l, r)| *l == -r));
            left
        };
        let whole = passed(&[300]);
        assert!((0.49..0.5).contains(&whole[0]) && whole[239] > 0.0 && whole[240] == 0.0);
        assert!(whole[..241].windows(2).all(|w| w[1] < w[0]));
        assert_eq!(passed(&[1; 300]), whole);
        assert_eq!(passed(&[200, 39, 2, 59]), whole);
    }
}

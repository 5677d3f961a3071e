//! What leaves the engine: the main output and the stems, each with its own limiter at the end.
//!
//! Every bus goes the same way: *what nodes of its role give → session's master → what rang before a
//! start → what passes through an effect → host's master fader → what an engine that leaves still sounds → safety limiter*. Both gains are the same
//! for all buses, so that stems add up to what the main output would have been. The limiter is last.

use super::fader::Fader;
use super::renderer::RendererSettings;
use super::through::Through;
use crate::bus::Bus;
use crate::limiter::Limiter;
use crate::limits::BUSES;
use krach_dsp::ramp::{Ramp, declick_frames};
use std::ops::Range;

/// Seconds in which what rang before a start dies away.
const RING_SECONDS: f64 = 0.005;

/// The channels of a block that the buses fill.
pub(super) struct Channels<'a, 'b> {
    /// Main, left and right.
    pub main: &'a mut [&'b mut [f32]; 2],
    /// Stems; those that the host does not want are left out.
    pub stems: &'a mut [[&'b mut [f32]; 2]],
}

impl Channels<'_, '_> {
    /// Both sides of a bus over these frames; `None` if nobody wants them.
    pub fn bus(&mut self, index: usize, frames: Range<usize>) -> Option<[&mut [f32]; 2]> {
        let sides = match index.checked_sub(1) {
            None => &mut *self.main,
            Some(stem) => self.stems.get_mut(stem)?,
        };
        let [left, right] = sides;
        Some([left.get_mut(frames.clone())?, right.get_mut(frames)?])
    }
}

/// What happens to the gains within a stretch: (frame, gain), in order.
pub(super) struct GainMoves<M, F> {
    /// The session's master, with the frames of the move where that is no declick.
    pub master: M,
    /// The host's fader.
    pub fader: F,
}

/// All buses, and the gains that they have in common.
pub(super) struct Output {
    buses: [BusSum; BUSES],
    /// The session's own master gain; patterns move `master` away from it.
    own_master: f32,
    master: Ramp,
    /// Frames of a move of the master.
    declick: u32,
    /// The host's master.
    fader: Fader,
    /// What leads to a stem leaves at the main output.
    pub folds_stems: bool,
    /// What comes in and passes by the nodes, to the main output.
    pub through: Through,
    /// Up to this sample the channels hold what an engine that leaves still sounds.
    pub joined_until: i64,
}

impl Output {
    /// At rest; `frames` is the longest stretch, and `fade` how many frames what passes takes to come and go.
    pub fn new(settings: &RendererSettings, frames: usize, fade: u32) -> Self {
        let &RendererSettings { sample_rate, master, limiter, .. } = settings;
        Self {
            buses: std::array::from_fn(|_| BusSum::new(sample_rate, frames, limiter)),
            own_master: master,
            master: Ramp::resting(f64::from(master)),
            declick: declick_frames(sample_rate),
            fader: Fader::new(1.0, sample_rate),
            folds_stems: false,
            through: Through::new(fade),
            joined_until: 0,
        }
    }

    /// The sum of a bus in the present stretch.
    pub fn sum(&mut self, bus: Bus, frames: usize) -> &mut [Box<[f32]>; 2] {
        let bus = if self.folds_stems { Bus::MAIN } else { bus };
        self.buses[bus.index()].sum(frames)
    }

    /// The session's master goes there.
    pub fn set_own_master(&mut self, gain: f32) {
        self.own_master = gain;
        go(&mut self.master, gain, self.declick);
    }

    /// The session's master is that gain, to which it has gone by itself.
    pub fn own_master_is(&mut self, gain: f32) {
        self.own_master = gain;
    }

    /// Where the master is.
    pub fn present_master(&self) -> f32 {
        self.master.present() as f32
    }

    /// Switches the limiters on or off.
    pub fn set_limiter(&mut self, on: bool) {
        self.buses.iter_mut().for_each(|bus| bus.limiter.set_enabled(on));
    }

    /// The host's fader stands there at once.
    pub fn settle_fader(&mut self, gain: f32) {
        self.fader.settle(gain);
    }

    /// The host's fader moves to that gain from the next frame on, if it does not already.
    pub fn set_fader(&mut self, gain: f32) {
        self.fader.set(gain);
    }

    /// The host's fader, and what passes, stand or move on where those of another engine do.
    pub fn take_over(&mut self, old: &Self) {
        (self.fader, self.through) = (old.fader.clone(), old.through.clone());
    }

    /// Time starts: the gains are the session's own, and what rang dies away, or is gone at once.
    pub fn restart(&mut self, rings: bool) {
        self.master = Ramp::resting(f64::from(self.own_master));
        for bus in &mut self.buses {
            if rings { bus.ringing.begin() } else { bus.ringing.cut() }
        }
        self.reset_limiters();
    }

    /// What the limiters took away is forgotten.
    pub fn reset_limiters(&mut self) {
        self.buses.iter_mut().for_each(|bus| bus.limiter.reset());
    }

    /// Ends a stretch that begins at sample `at`: brings what was summed into these frames of the channels.
    pub fn finish<M, F>(
        &mut self,
        at: i64,
        moves: &GainMoves<M, F>,
        input: [&[f32]; 2],
        channels: &mut Channels<'_, '_>,
        frames: Range<usize>,
    ) where
        M: Iterator<Item = (usize, f32, Option<u32>)> + Clone,
        F: Iterator<Item = (usize, f32)> + Clone,
    {
        let joined = usize::try_from(self.joined_until - at).unwrap_or(0).min(frames.len());
        let (master, fader) = (self.master, self.fader.clone());
        for (index, bus) in self.buses.iter_mut().enumerate() {
            if index > 0 && joined == 0 && bus.is_silent() {
                continue;
            }
            // Each bus sees the same gains from the same frame on.
            (self.master, self.fader) = (master, fader.clone());
            bus.sum(frames.len());
            let [left, right] = bus.sum.each_mut().map(|side| &mut side[..frames.len()]);
            let mut done = 0;
            for (frame, gain, ramp) in moves.master.clone() {
                let frame = frame.clamp(done, left.len());
                amplify(&mut self.master, &mut left[done..frame], &mut right[done..frame]);
                go(&mut self.master, gain, ramp.unwrap_or(self.declick));
                done = frame;
            }
            amplify(&mut self.master, &mut left[done..], &mut right[done..]);
            bus.ringing.pass([&mut *left, &mut *right]);
            if index == 0 {
                self.through.add(input, [&mut *left, &mut *right]);
            }
            self.fader.follow(moves.fader.clone(), [left, right]);
            bus.leave(joined, channels.bus(index, frames.clone()));
        }
    }
}

/// What one bus sums, and what it remembers from stretch to stretch.
struct BusSum {
    sum: [Box<[f32]>; 2],
    /// The sum holds what nodes gave in this stretch.
    used: bool,
    ringing: Ringing,
    limiter: Limiter,
}

impl BusSum {
    fn new(sample_rate: f64, frames: usize, limited: bool) -> Self {
        let mut limiter = Limiter::new(sample_rate);
        limiter.set_enabled(limited);
        let sum = [vec![0.0; frames].into(), vec![0.0; frames].into()];
        Self { sum, used: false, ringing: Ringing::new(sample_rate), limiter }
    }

    /// What was summed; silence where nothing was.
    fn sum(&mut self, frames: usize) -> &mut [Box<[f32]>; 2] {
        if !std::mem::replace(&mut self.used, true) {
            self.sum.iter_mut().for_each(|side| side[..frames].fill(0.0));
        }
        &mut self.sum
    }

    /// It gives zeros, and would go on so: its channels are zeros already.
    fn is_silent(&self) -> bool {
        !self.used && self.ringing.is_silent() && self.limiter.gain() == 1.0
    }

    /// Brings the sum into the channels; up to frame `joined` something is in them.
    fn leave(&mut self, joined: usize, channels: Option<[&mut [f32]; 2]>) {
        self.used = false;
        let Some([left, right]) = channels else { return };
        let frames = left.len();
        for (to, from) in [&mut *left, &mut *right].into_iter().zip(&self.sum) {
            // Beside silence the very bits: no sum keeps the sign of a zero.
            let join = |(to, from): (&mut f32, &f32)| *to = if *to == 0.0 { *from } else { *to + *from };
            to[..joined].iter_mut().zip(&from[..joined]).for_each(join);
            to[joined..].copy_from_slice(&from[joined..frames]);
        }
        self.limiter.process(left, right);
    }
}

fn go(master: &mut Ramp, gain: f32, frames: u32) {
    let gain = if gain.is_finite() { gain.clamp(0.0, 16.0) } else { 1.0 };
    master.go(f64::from(gain), frames);
}

/// Applies the session's master to both sides.
fn amplify(master: &mut Ramp, left: &mut [f32], right: &mut [f32]) {
    let mut at = 0;
    while at < left.len() {
        let n = master.uniform(left.len() - at);
        if master.at_rest() {
            let gain = master.present() as f32;
            if gain != 1.0 {
                left[at..at + n].iter_mut().for_each(|x| *x *= gain);
                right[at..at + n].iter_mut().for_each(|x| *x *= gain);
            }
        } else {
            for i in at..at + n {
                let gain = master.advance() as f32;
                left[i] *= gain;
                right[i] *= gain;
            }
        }
        at += n;
    }
}

/// The last sample of a bus, dying away on a straight line over a start.
struct Ringing {
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
        Self { last: [0.0; 2], from: [0.0; 2], left: 0, frames: ((RING_SECONDS * sample_rate) as u32).max(1) }
    }

    /// What sounded last dies away from the next frame on.
    fn begin(&mut self) {
        self.from = self.last.map(|x| if x.is_finite() { x } else { 0.0 });
        self.left = if self.from == [0.0; 2] { 0 } else { self.frames };
    }

    /// Nothing is there to die away, and nothing sounded last.
    fn is_silent(&self) -> bool {
        self.left == 0 && self.last == [0.0; 2]
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

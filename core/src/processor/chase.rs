//! After a jump: continuous controls get the value that their pattern gave them last before.

use super::control_writes::ControlWrite;
use super::patterns::{MAX_CHASED, cycles, window};
use super::renderer::Renderer;
use super::slots::Slot;
use crate::clock::Segment;
use crate::limits::NONE;
use crate::slot::{LOOK_BACK, Target};

impl Renderer {
    /// Chases the controls and controllers of all slots for a landing at sample `at`: by looking back
    /// [`LOOK_BACK`] cycles, further back in the slots' tables. Gates, triggers and notes are left alone.
    pub(super) fn chase(&mut self, segment: &Segment, at: i64) {
        let landing = self.timeline.meter.count_at(segment.epoch.beats_at(at));
        for index in self.slots.held() {
            let Some(slot) = self.slots.get_mut(index) else { continue };
            if slot.from.is_finite() && slot.from > landing {
                // It began later than time now is: there it plays from now on.
                slot.from = f64::NEG_INFINITY;
            }
            if slot.pattern.chased == 0 || slot.origin.is_nan() {
                continue;
            }
            let start_of_song = if landing >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
            let oldest = slot.from.max(start_of_song);
            let mut found = [NONE; MAX_CHASED];
            self.look_back(index, landing, oldest, &mut found);
            let Some(slot) = self.slots.get(index) else { continue };
            recall(slot, landing, oldest, self.seed, &mut found);
            for value in found.into_iter().filter(|&value| value != NONE) {
                self.tell_again(index, value, at);
            }
        }
    }

    /// What was said within the last cycles, as an index among the pattern's values for each label.
    fn look_back(&mut self, index: usize, landing: f64, oldest: f64, found: &mut [u32; MAX_CHASED]) {
        let Some(slot) = self.slots.get(index) else { return };
        let mut missing = slot.pattern.chased;
        for back in 0..LOOK_BACK {
            let end = landing - f64::from(back);
            let begin = (end - 1.0).max(oldest);
            if begin >= end || missing == 0 {
                return;
            }
            let span = window(begin - slot.origin, end - slot.origin);
            self.events.clear();
            if slot.pattern.program.onsets(span, self.seed, &mut self.events).is_err() {
                return;
            }
            let mut latest = [f64::NEG_INFINITY; MAX_CHASED];
            for event in self.events.as_slice() {
                let target = slot.pattern.targets.get(event.value as usize);
                let Some(label) = target.and_then(Target::chased).map(|label| label as usize) else {
                    continue;
                };
                let position = slot.origin + cycles(event.whole.begin);
                if !(position >= begin && position < end) || label >= MAX_CHASED {
                    continue;
                }
                // Known from a later cycle, or from later in this one.
                let is_new = found[label] == NONE;
                if (is_new || latest[label] > f64::NEG_INFINITY) && position >= latest[label] {
                    missing -= u32::from(is_new);
                    (found[label], latest[label]) = (event.value, position);
                }
            }
        }
    }

    /// Says at sample `at` what a pattern said last.
    fn tell_again(&mut self, index: usize, value: u32, at: i64) {
        let Some(slot) = self.slots.get(index) else { return };
        let Some(&target) = slot.pattern.targets.get(value as usize) else { return };
        match target {
            Target::Control { value, name, note, .. } => {
                // What belongs to a note is that note's, and notes are not chased.
                let lasting = |c: u32| {
                    let control = &self.plan.controls[c as usize];
                    !(control.gate || note && self.plan.nodes[control.node as usize].voiced)
                };
                if let Some((control, via)) = self.control_of(&target).filter(|c| lasting(c.0))
                    && let Some(value) = self.value_of(control, value, name)
                {
                    let slot = index as u32;
                    self.write(
                        control,
                        ControlWrite::Pattern { value, slot, via, gate: false, ramp: 0, onset: f64::NAN },
                    );
                }
            }
            Target::Cc { channel, controller, value, .. } if !self.retired => {
                self.midi.control_change(at, channel, controller, value);
            }
            _ => {}
        }
    }
}

/// What was said earlier than that, where nothing was found.
fn recall(slot: &Slot, landing: f64, oldest: f64, seed: u64, found: &mut [u32; MAX_CHASED]) {
    let (position, oldest) = (landing - slot.origin, oldest - slot.origin);
    for label in 0..slot.pattern.chased.min(MAX_CHASED as u32) {
        let found = &mut found[label as usize];
        if *found == NONE {
            *found = slot.pattern.chase.last(label, position, oldest, seed).unwrap_or(NONE);
        }
    }
}

//! Where time starts from standstill: with `restart`, and always offline, every node begins as after a
//! reset, so that the same place sounds the same each time.

use super::control_writes::{ControlWrite, SlotSet};
use super::renderer::Renderer;
use super::voice_allocation::VoiceAllocator;
use crate::clock::Segment;
use crate::model::Start;
use crate::voice::{Phase, Repose};

impl Renderer {
    /// Time starts at the beginning of `segment`. Bounded by what the plan holds: each instance's state is
    /// set anew once.
    pub(super) fn start(&mut self, segment: &Segment) {
        if self.retired || self.start == Start::Continue && !self.offline {
            return;
        }
        // Offline, what is rendered is the same to the sample, whatever was rendered before.
        self.output.restart(!self.offline);
        self.notes.at = segment.start;
        self.close_gates();
        self.release_controls(SlotSet::ALL);
        self.restart_automations(segment);
        for node in 0..self.plan.nodes.len() {
            self.with_allocator(node, |player| player.restart());
        }
        // Notes of patterns that last over the start begin again, also where time goes on from where it was.
        self.timeline.discontinuity = true;
    }

    /// What repeats over seconds begins here, and every control that repeats has its value from the first
    /// sample on. What goes to its end once goes on.
    fn restart_automations(&mut self, segment: &Segment) {
        let at = segment.start;
        let bars = self.timeline.clock.bars().count_at(segment.epoch.beats_at(at));
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
                self.write(control, ControlWrite::Automation { index: index as u32, value, ramp: 0 });
            }
        }
    }
}

impl VoiceAllocator<'_> {
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
            voice.repose = Repose::default();
            voice.health.last.fill(0.0);
            (voice.health.fading, voice.health.faults) = (0, [None; 2]);
        }
    }
}

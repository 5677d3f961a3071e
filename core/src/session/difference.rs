//! What it takes to make one session of another: for undo, for loads, for clearing.

use super::Session;
use crate::edit::Edit;
use crate::model::{NoteRouteState, SlotState};
use crate::node::Registry;
use std::collections::BTreeMap;

impl Session {
    /// The edits that make `target` of this session, each only if something differs. Where a pattern that
    /// counts from its own zero began is found anew, and texts of types stay as they are.
    pub fn difference(&self, target: &Self) -> Vec<Edit> {
        // A field that is forgotten here could not be undone.
        let Self {
            name,
            raw,
            nodes,
            routes,
            graph: _,
            values,
            slots,
            automations,
            bpm,
            beats_per_cycle,
            host_meter,
            midi_clock,
            start,
            osc_target,
            master,
            clock_source,
            free_run,
            limiter,
            seed,
            input,
            midi_maps,
            note_routes,
            crossfade,
            sources: _,
            libraries: _,
            kept,
            kept_krach: _,
        } = target;
        let mut edits = Vec::new();
        let mut unless = |same: bool, edit: &dyn Fn() -> Edit| {
            if !same {
                edits.push(edit());
            }
        };
        let same = self.raw == *raw && self.nodes == *nodes && self.routes == *routes && self.kept == *kept;
        unless(same, &|| Edit::ReplaceGraph(Box::new(target.foundation())));
        let same_values = !same || self.values == *values;
        unless(same_values, &|| Edit::SetValues(self.values_to(values)));
        for slot in self.slots.keys().filter(|slot| !slots.contains_key(*slot)) {
            unless(false, &|| Edit::RemoveSlot { slot: slot.clone() });
        }
        for (slot, state) in slots {
            let SlotState { pattern, swing, playing, from_zero, origin: _ } = state;
            let now = self.slots.get(slot);
            let plays_it =
                now.is_some_and(|s| s.pattern == *pattern && s.swing == *swing && s.from_zero == *from_zero);
            let is_playing = now.is_some_and(|s| s.playing);
            if !plays_it || (*playing && !is_playing) {
                unless(false, &|| Edit::SetPattern {
                    slot: slot.clone(),
                    pattern: (**pattern).clone(),
                    from_zero: *from_zero,
                    swing: *swing,
                });
            }
            if !*playing && (is_playing || !plays_it) {
                unless(false, &|| Edit::Hush { slot: slot.clone() });
            }
        }
        for id in self.automations.keys().filter(|id| !automations.contains_key(*id)) {
            unless(false, &|| Edit::ClearAutomation { id: id.clone() });
        }
        for (id, a) in automations {
            unless(self.automations.get(id) == Some(a), &|| Edit::from((&**id, a)));
        }
        unless(self.bpm == *bpm, &|| Edit::SetBpm(*bpm));
        let meter = self.beats_per_cycle == *beats_per_cycle && (*host_meter || !self.host_meter);
        unless(meter, &|| Edit::SetBeatsPerCycle(*beats_per_cycle));
        unless(!*host_meter || (self.host_meter && meter), &|| Edit::FollowHostMeter);
        unless(self.midi_clock == *midi_clock, &|| Edit::SetMidiClock(*midi_clock));
        unless(self.start == *start, &|| Edit::SetStart(*start));
        unless(self.osc_target == *osc_target, &|| Edit::SetOscTarget(osc_target.clone()));
        unless(self.master == *master, &|| Edit::SetMasterGain(*master));
        unless(self.clock_source == *clock_source, &|| Edit::SetClockSource(*clock_source));
        unless(self.free_run == *free_run, &|| Edit::SetFreeRun(*free_run));
        unless(self.limiter == *limiter, &|| Edit::SetLimiter(*limiter));
        unless(self.seed == *seed, &|| Edit::SetSeed(*seed));
        unless(self.input == *input, &|| match input {
            Some(input) => Edit::StartInput { channel: input.channel },
            None => Edit::StopInput,
        });
        unless(self.midi_maps == *midi_maps, &|| Edit::MidiMaps(midi_maps.clone()));
        let channel_of = |routes: &[NoteRouteState]| routes.iter().map(|r| r.channel).collect::<Vec<_>>();
        for channel in channel_of(&self.note_routes) {
            let gone = !channel_of(note_routes).contains(&channel);
            unless(!gone, &|| Edit::RouteNotes { channel, node: None });
        }
        for route in note_routes {
            let (channel, node) = (route.channel, Some(route.node.clone()));
            unless(self.note_routes.contains(route), &|| Edit::RouteNotes { channel, node: node.clone() });
        }
        unless(self.crossfade == *crossfade, &|| Edit::SetCrossfade(*crossfade));
        unless(self.name == *name, &|| Edit::SetName(name.clone()));
        edits
    }
}

impl Session {
    /// The base values that are others, or are not there, in `target`.
    fn values_to(&self, target: &BTreeMap<String, f64>) -> BTreeMap<String, Option<f64>> {
        let gone = self.values.keys().filter(|path| !target.contains_key(*path));
        let other = target.iter().filter(|(path, value)| self.values.get(*path) != Some(value));
        let other = other.map(|(path, value)| (path.clone(), Some(*value)));
        gone.map(|path| (path.clone(), None)).chain(other).collect()
    }

    /// Base values as a difference says them.
    pub(super) fn set_values(&mut self, values: &BTreeMap<String, Option<f64>>, registry: &Registry) {
        for (path, value) in values {
            match value {
                Some(value) => drop(self.values.insert(path.clone(), *value)),
                None => drop(self.values.remove(path)),
            }
        }
        self.settle_values(registry);
    }
}

//! What it takes to make one session of another: for undo, for loads, for clearing.

use super::Session;
use crate::edit::{Edit, NodeEdit, Nodes, SceneEdit, SessionNode};
use crate::model::Values;
use crate::model::{NoteRouteState, SlotState};
use crate::node::Registry;
use imbl::OrdMap;
use imbl::ordmap::DiffItem;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Session {
    /// The edits that make `target` of this session, each only if something differs. Where a pattern that
    /// counts from its own zero began is found anew, and texts of types stay as they are.
    pub fn difference(&self, target: &Self) -> Vec<Edit> {
        // A field that is forgotten here could not be undone.
        let Self {
            settings,
            raw,
            nodes,
            routes,
            graph: _,
            basis: _,
            values,
            slots,
            automations,
            midi_maps,
            macros,
            note_routes,
            scenes,
            sources: _,
            libraries: _,
            kept,
        } = target;
        let mut edits = Vec::new();
        let mut unless = |same: bool, edit: &dyn Fn() -> Edit| {
            if !same {
                edits.push(edit());
            }
        };
        let same = same(&self.raw, raw) && self.routes == *routes && same(&self.kept, kept);
        let mutes = if same { self.mutes_to(nodes) } else { None };
        let same = mutes.is_some();
        unless(same, &|| Edit::ReplaceGraph(Box::new(target.foundation())));
        let mutes = mutes.unwrap_or_default();
        unless(mutes.is_empty(), &|| Edit::Nodes(mutes.clone()));
        if same && !self.values.ptr_eq(values) {
            let mut other = self.values_to(values);
            for (path, value) in self.plain_mutes(&mutes).unwrap_or_default() {
                if values.get(&path).copied() == value {
                    other.remove(&path);
                }
            }
            unless(other.is_empty(), &|| Edit::SetValues(other.clone()));
        }
        let (gone, other) = changes(&self.slots, slots);
        for slot in gone {
            unless(false, &|| Edit::RemoveSlot { slot: slot.clone() });
        }
        for (slot, state) in other {
            let SlotState { pattern, swing, playing, from_zero, origin } = state;
            let now = self.slots.get(slot);
            let plays_it =
                now.is_some_and(|s| s.pattern == *pattern && s.swing == *swing && s.from_zero == *from_zero);
            let is_playing = now.is_some_and(|s| s.playing);
            if !plays_it || (*playing && !is_playing) {
                unless(false, &|| Edit::SetPattern {
                    slot: slot.clone(),
                    pattern: (**pattern).clone(),
                    from_zero: *from_zero,
                    origin: *origin,
                    swing: *swing,
                });
            }
            if !*playing && (is_playing || !plays_it) {
                unless(false, &|| Edit::Hush { slot: slot.clone() });
            }
        }
        let (gone, other) = changes(&self.automations, automations);
        for id in gone {
            unless(false, &|| Edit::ClearAutomation { id: id.clone() });
        }
        for (id, a) in other {
            unless(false, &|| Edit::from((&**id, a)));
        }
        unless(self.midi_maps == *midi_maps, &|| Edit::MidiMaps((**midi_maps).clone()));
        let channel_of = |routes: &[NoteRouteState]| routes.iter().map(|r| r.channel).collect::<Vec<_>>();
        for channel in channel_of(&self.note_routes) {
            let gone = !channel_of(note_routes).contains(&channel);
            unless(!gone, &|| Edit::RouteNotes { channel, node: None });
        }
        for route in note_routes {
            let (channel, node) = (route.channel, Some(route.node.clone()));
            unless(self.note_routes.contains(route), &|| Edit::RouteNotes { channel, node: node.clone() });
        }
        unless(Arc::ptr_eq(&self.scenes, scenes) || self.scenes == *scenes, &|| {
            SceneEdit::All(Arc::clone(scenes)).into()
        });
        edits.extend(self.macros_to(macros));
        let settings = self.settings.difference(settings);
        edits.extend(settings.into_iter().map(Edit::Setting));
        edits
    }
}

/// Equal, and at once known to be where both are one.
fn same<T: PartialEq>(a: &Arc<T>, b: &Arc<T>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

/// Keys that only `from` has, and what `to` has anew or otherwise; what both share is not looked at.
fn changes<'a, T: PartialEq>(
    from: &'a OrdMap<String, T>,
    to: &'a OrdMap<String, T>,
) -> (Vec<&'a String>, Vec<(&'a String, &'a T)>) {
    let (mut gone, mut other) = (Vec::new(), Vec::new());
    for item in from.diff(to) {
        match item {
            DiffItem::Remove(key, _) => gone.push(key),
            DiffItem::Add(key, value) | DiffItem::Update { new: (key, value), .. } => {
                other.push((key, value))
            }
        }
    }
    (gone, other)
}

impl Session {
    /// The mutes that make the nodes those of `target`; `None` if more than mutes differ, or a mute changes more than
    /// its own node.
    fn mutes_to(&self, target: &Nodes) -> Option<Vec<NodeEdit>> {
        if self.nodes.ptr_eq(target) {
            return Some(Vec::new());
        }
        if self.nodes.len() != target.len() {
            return None;
        }
        let mut mutes = Vec::new();
        let in_place = self.nodes.changes(target).all(|change| change.old.is_some() && change.new.is_some());
        let pairs: Vec<_> = match in_place {
            true => {
                self.nodes.changes(target).filter_map(|change| Some((change.old?, change.new?))).collect()
            }
            // Equal lists may have come about in other ways.
            false => self.nodes.iter().zip(target).collect(),
        };
        for (now, then) in pairs {
            if same(now, then) {
                continue;
            }
            if *then != Arc::new(SessionNode { muted: then.muted, ..(**now).clone() }) {
                return None;
            }
            mutes.push(NodeEdit::Mute { name: then.name.clone(), on: then.muted });
        }
        (mutes.is_empty() || !target.any_solo()).then_some(mutes)
    }

    /// The base values that are others, or are not there, in `target`.
    fn values_to(&self, target: &Values) -> BTreeMap<String, Option<f64>> {
        let other = self.values.diff(target).map(|item| match item {
            DiffItem::Add(path, value) | DiffItem::Update { new: (path, value), .. } => (path, Some(*value)),
            DiffItem::Remove(path, _) => (path, None),
        });
        other.map(|(path, value)| (path.clone(), value)).collect()
    }

    /// Base values as a difference says them.
    pub(super) fn set_values(&mut self, values: &BTreeMap<String, Option<f64>>, registry: &Registry) {
        for (path, value) in values {
            match value {
                Some(value) => drop(self.values.insert(path.clone(), *value)),
                None => drop(self.values.remove(path)),
            }
        }
        self.settle([].iter(), values.keys().cloned().collect(), registry);
    }
}

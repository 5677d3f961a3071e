//! Labels that lead nowhere, or to several controls, and names of values that are no more, since types have other code;
//! paths that two controls have.

use super::Engine;
use super::named::{may_name, named_values};
use crate::graph::{Clash, Controls, IndexedGraph, Meant};
use crate::node::{NodeType, Registry};
use crate::notice::{Missing, Notice};
use crate::session::visit_labels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What types were before other code came, by id; `None`: nothing.
pub(super) type Former = BTreeMap<String, Option<Arc<dyn NodeType>>>;

/// By who says a label, and the label: what is missing.
type Meanings = BTreeMap<(String, String), Option<Missing>>;

/// What says the labels of a pattern; its slot follows.
const PATTERN_OF: &str = "the pattern of ";

/// Parts of notes that a node may well do without, and what is said of notes.
const OPTIONAL: [&str; 5] = ["freq", "vel", "note", "chord", "legato"];

impl Engine {
    /// Says which labels of patterns, automations, maps and macros have lost their control or may mean several, and
    /// which names of values are no more, since those types have other code; and which paths two controls have.
    pub(super) fn tell_names(&mut self, former: Former) {
        let mut before = self.registry.clone();
        for (id, ty) in &former {
            before.remove(id);
            match ty {
                Some(ty) => before.add(Arc::clone(ty)),
                None => before.expect(id),
            }
        }
        let of_these = |type_id: &str| former.contains_key(type_id);
        let meanings = |registry: &Registry| {
            let mut meanings = self.meanings(registry, of_these);
            meanings.extend(self.value_names(registry, of_these, |_| true));
            meanings
        };
        let (was, is) = (meanings(&before), meanings(&self.registry));
        let changed = is.into_iter().filter_map(|(of, missing)| {
            let missing = missing?;
            // A control that nobody knew had no names to lose.
            let known = was.get(&of).or(matches!(missing, Missing::Value(_)).then_some(&None));
            match known {
                // It led somewhere, or nobody knew.
                Some(None) => Some(Notice::Unnamed { of: of.0, label: of.1, missing }),
                _ => None,
            }
        });
        let changed: Vec<Notice> = changed.collect();
        self.told.notices.extend(changed);
        self.tell_clashes();
    }

    /// The same where types are what they were, with the graph as it was when this was said last.
    pub(super) fn tell_clashes_since(&mut self, before: &IndexedGraph) {
        let controls = Controls::of(&self.session.graph, &self.registry);
        let changed = before.changed_ids(&self.session.graph);
        let touched: Vec<_> = changed.iter().flat_map(|id| controls.touched_by(id)).collect();
        let clashes: BTreeSet<Clash> = touched.iter().flat_map(|node| controls.clashes_of(node)).collect();
        let new = clashes.iter().filter(|clash| !self.told.clashes.contains(clash));
        self.told.notices.extend(new.cloned().map(Notice::Clash));
        if !self.told.clashes.is_empty() {
            let ids: BTreeSet<&str> = touched
                .iter()
                .map(|node| node.id.as_str())
                .chain(changed.iter().map(String::as_str))
                .collect();
            self.told.clashes.retain(|clash| !ids.contains(clash.hidden.as_str()));
        }
        self.told.clashes.extend(clashes);
    }

    /// Says which paths two controls have that had one when this was said last.
    pub(super) fn tell_clashes(&mut self) {
        let clashes = Controls::of(&self.session.graph, &self.registry).clashes();
        let new = clashes.iter().filter(|clash| !self.told.clashes.contains(clash));
        self.told.notices.extend(new.cloned().map(Notice::Clash));
        self.told.clashes = clashes.into_iter().collect();
    }

    /// Does a notice still tell the truth? One that tells of a moment does for ever.
    pub fn stands(&self, notice: &Notice) -> bool {
        match notice {
            Notice::Late { .. } | Notice::EditFailed { .. } | Notice::NodeFault { silenced: false, .. } => {
                true
            }
            Notice::NodeFault { node, silenced: true } => {
                self.told.silenced.values().any(|id| self.session.owner_of(id) == *node)
            }
            Notice::MissingPort(missing_port) => self.missing_ports(|_| true).contains(missing_port),
            Notice::Unfit { .. } => self.unfit_settings(|_| true).contains(notice),
            Notice::SendWithoutInput { source, target } => {
                let unheard = self.session.unheard_sends(&self.registry);
                unheard.iter().any(|(from, to)| from == source && to == target)
            }
            Notice::Unnamed { of, label, missing } => {
                let now = match missing {
                    Missing::Value(_) => {
                        let slot = of.strip_prefix(PATTERN_OF);
                        self.value_names(&self.registry, |_| true, |name| Some(name) == slot)
                    }
                    _ => self.meanings(&self.registry, |_| true),
                };
                now.get(&(of.clone(), label.clone())) == Some(&Some(missing.clone()))
            }
            Notice::Clash(clash) => self.told.clashes.contains(clash),
            Notice::Panicked { .. } => self.poisoned(),
            Notice::Recalled { .. } => true,
        }
    }

    /// By who says a label, and the label: what is missing, of labels that mean nodes of those types.
    fn meanings(&self, registry: &Registry, types: impl Fn(&str) -> bool) -> Meanings {
        let controls = Controls::of(&self.session.graph, registry);
        let mut meanings = BTreeMap::new();
        let mut note = |of: String, label: &str, meant: Meant<'_>| {
            let (node, missing) = match meant {
                Meant::Control { node, .. } | Meant::Unsure { node, .. } => (node, None),
                Meant::Lacks { node, .. } => (node, Some(Missing::Control(node.id.clone()))),
                Meant::Several { node, paths } => (node, Some(Missing::Choice(paths))),
                Meant::Nothing => return,
            };
            if types(&node.type_id) {
                meanings.insert((of, label.to_owned()), missing);
            }
        };
        for (slot, state) in self.session.slots.iter().filter(|(_, state)| state.playing) {
            let mut labels = BTreeSet::new();
            visit_labels(&state.pattern, &mut |label| {
                labels.insert(label.to_owned());
            });
            if labels.contains("note") || labels.contains("chord") {
                labels.insert("gate".to_owned());
            }
            for label in labels.iter().filter(|label| !OPTIONAL.contains(&label.as_str())) {
                note(pattern_of(slot), label, controls.of_pattern(slot, label));
            }
            for label in labels.iter().filter(|label| OPTIONAL.contains(&label.as_str())) {
                // What a node never had is not missed.
                if let meant @ (Meant::Control { .. } | Meant::Several { .. } | Meant::Lacks { .. }) =
                    controls.of_pattern(slot, label)
                {
                    note(pattern_of(slot), label, meant);
                }
            }
        }
        for (id, automation) in &self.session.automations {
            note(format!("the automation {id}"), &automation.label, controls.find(&automation.label));
        }
        for map in self.session.midi_maps.iter() {
            let of = format!("controller {} of channel {}", map.cc, map.channel);
            note(of, &map.label, controls.find(&map.label));
        }
        for state in self.session.macros.iter() {
            for target in &state.targets {
                note(format!("macro {}", state.number), &target.label, controls.find(&target.label));
            }
        }
        meanings
    }

    /// The same of names of values, of the patterns of slots that are asked for.
    fn value_names(
        &self,
        registry: &Registry,
        types: impl Fn(&str) -> bool,
        slots: impl Fn(&str) -> bool,
    ) -> Meanings {
        let controls = Controls::of(&self.session.graph, registry);
        let mut names = BTreeMap::new();
        let playing = self.session.slots.iter().filter(|(slot, state)| state.playing && slots(slot));
        for (slot, state) in playing.filter(|(_, state)| may_name(&state.pattern)) {
            // What plays was compiled before.
            let Ok(program) = krach_patterns::compile_swung(&state.pattern, state.swing) else { continue };
            for value in named_values(&program, slot, &controls).filter(|value| types(&value.node.type_id)) {
                let missing = value.control.value_of(value.name).is_none();
                let label = format!("{} for {}", value.name, value.label);
                names.insert((pattern_of(slot), label), missing.then_some(Missing::Value(value.path)));
            }
        }
        names
    }
}

/// Who says the labels of a slot's pattern.
fn pattern_of(slot: &str) -> String {
    format!("{PATTERN_OF}{slot}")
}

//! Who moves a control by itself, as far as the session says: an automation, else a pattern.

use super::Session;
use crate::graph::Controls;
use crate::node::Registry;
use krach_patterns::Pattern;
use std::collections::BTreeMap;

/// What moves a control.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writer {
    /// An automation, by its id.
    Automation(String),
    /// The pattern of a slot that plays.
    Pattern(String),
}

impl Session {
    /// Everything that moves a control, by the control's path. Where several patterns do, the last slot by name
    /// is told; automations come before patterns.
    pub fn writers(&self, registry: &Registry) -> BTreeMap<String, Writer> {
        let mut writers = BTreeMap::new();
        let controls = Controls::of(&self.graph, registry);
        for (slot, state) in self.slots.iter().filter(|(_, state)| state.playing) {
            visit_labels(&state.pattern, &mut |label| {
                let path = controls.of_pattern(slot, label).path();
                writers.extend(path.map(|path| (path, Writer::Pattern(slot.clone()))));
            });
        }
        for (id, automation) in &self.automations {
            let path = controls.find(&automation.label).path();
            writers.extend(path.map(|path| (path, Writer::Automation(id.clone()))));
        }
        writers
    }
}

/// Hands every label of a pattern to `labels`.
pub fn visit_labels(pattern: &Pattern, labels: &mut dyn FnMut(&str)) {
    if let Some(label) = pattern.label() {
        labels(label);
    }
    pattern.children().into_iter().for_each(|child| visit_labels(child, labels));
}

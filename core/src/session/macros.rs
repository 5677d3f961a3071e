//! What the host's macros move, as the session keeps it.

use super::Session;
use crate::edit::Edit;
use crate::model::{MacroState, MacroTarget};
use crate::node::Registry;
use std::sync::Arc;

impl Session {
    /// The macro of that number, if it moves something or has a name.
    pub fn macro_of(&self, number: u8) -> Option<&MacroState> {
        self.macros.iter().find(|known| known.number == number)
    }

    /// Says what a macro is; without anything to move and without a name and a unit it is none.
    pub(super) fn set_macro(&mut self, number: u8, to: Option<&MacroState>, registry: &Registry) {
        let nothing = |state: &&MacroState| **state != MacroState::new(number);
        let state = to.filter(nothing).map(|state| self.macro_in_long_form(state, registry));
        let macros = Arc::make_mut(&mut self.macros);
        macros.retain(|known| known.number != number);
        let at = macros.partition_point(|known| known.number < number);
        macros.splice(at..at, state.map(|state| MacroState { number, ..state }));
    }

    /// A macro with its labels as they are stored; of two of one label the later counts.
    pub(crate) fn macro_in_long_form(&self, state: &MacroState, registry: &Registry) -> MacroState {
        let mut long = MacroState { targets: Vec::new(), ..state.clone() };
        for target in &state.targets {
            long.aim(MacroTarget { label: self.long_form(&target.label, registry), ..target.clone() });
        }
        long
    }

    /// The edits that make macros of these, each only if it differs.
    pub(super) fn macros_to(&self, target: &Arc<Vec<MacroState>>) -> Vec<Edit> {
        if Arc::ptr_eq(&self.macros, target) {
            return Vec::new();
        }
        let gone = self.macros.iter().filter(|now| target.iter().all(|then| then.number != now.number));
        let gone = gone.map(|now| Edit::Macro { number: now.number, to: None });
        let other = target.iter().filter(|then| self.macro_of(then.number) != Some(then));
        let other = other.map(|then| Edit::Macro { number: then.number, to: Some(Box::new(then.clone())) });
        gone.chain(other).collect()
    }

    /// Labels of what controllers and macros move.
    pub(crate) fn labels_moved_from_outside(&self) -> impl Iterator<Item = &String> {
        let targets = self.macros.iter().flat_map(|state| &state.targets);
        self.midi_maps.iter().map(|map| &map.label).chain(targets.map(|target| &target.label))
    }
}

//! What the host's macros move, as clients and the host's list of parameters see it, and what waits for one.

use super::Engine;
use super::check::flat;
use crate::address::{self, Part};
use crate::edit::{At, Edit, EditError};
use crate::graph::{Controls, Meant};
use crate::model::{Curve, MacroState, MacroTarget, Way, check_number};
use crate::processor::{Action, MacroTargets, MacroWay, TimedAction, ToAudio};
use crate::session::Session;
use crate::symbol::Symbol;
use std::collections::{HashMap, HashSet};

/// What waits for a macro, or a macro for what.
#[derive(Clone, Debug, PartialEq)]
pub enum MacroLearning {
    /// A control, for the next macro that the host moves.
    Control(MacroTarget),
    /// The macro of that number, for the next control that is set.
    Macro(u8),
}

/// A macro as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct MacroStatus {
    /// What the session says of it.
    pub state: MacroState,
    /// What the host calls it: its name, or what it moves.
    pub title: String,
    /// Unit of its value in the host.
    pub unit: String,
    /// The way of the first target that there is: what a value of the macro means.
    pub way: Option<Way>,
    /// Of each target: is its control there? Also one whose node is still being compiled is.
    pub awake: Vec<bool>,
}

/// What a macro moves, as audio knows it.
pub(super) fn macro_targets(state: Option<&MacroState>) -> MacroTargets {
    let targets = state.into_iter().flat_map(|state| &state.targets);
    MacroTargets::new(targets.map(|t| MacroWay {
        target: Symbol::of(&t.label),
        lo: t.lo,
        hi: t.hi,
        curve: t.curve,
    }))
}

/// What a target is called where its macro has no name: `bass cutoff`, `bass gain`, `bass to verb`.
fn title_of(label: &str) -> String {
    match address::parse(label) {
        Some((node, Part::Gain)) => format!("{node} gain"),
        Some((node, Part::Mute)) => format!("{node} mute"),
        Some((node, Part::Send(target))) => format!("{node} to {target}"),
        None => label.replace('/', " "),
    }
}

impl Engine {
    /// All macros that move something or have a name, by rising number.
    pub fn macros(&self) -> Vec<MacroStatus> {
        let controls = self.session.controls(&self.registry);
        self.session.macros.iter().map(|state| self.shown(state, &controls)).collect()
    }

    fn shown(&self, state: &MacroState, controls: &Controls<'_>) -> MacroStatus {
        let awake = |target: &MacroTarget| {
            matches!(controls.find(&target.label), Meant::Control { .. } | Meant::Unsure { .. })
        };
        let way = state.targets.iter().find_map(|target| way_of(target, controls));
        let title = match (state.name.as_str(), state.targets.first()) {
            ("", Some(target)) => title_of(&target.label),
            (name, _) => name.to_owned(),
        };
        let own = way.as_ref().map(|way| way.control.unit.as_str()).unwrap_or_default();
        let unit = if state.unit.is_empty() { own } else { &state.unit };
        MacroStatus {
            title,
            unit: unit.to_owned(),
            awake: state.targets.iter().map(awake).collect(),
            way,
            state: state.clone(),
        }
    }

    /// The numbers of the macros that move a control, by the control's path, rising.
    pub fn macros_by_path(&self) -> HashMap<String, Vec<u8>> {
        let controls = self.session.controls(&self.registry);
        let mut by_path: HashMap<String, Vec<u8>> = HashMap::new();
        for state in self.session.macros.iter() {
            for path in state.targets.iter().filter_map(|target| controls.find(&target.label).path()) {
                let numbers = by_path.entry(path).or_default();
                if numbers.last() != Some(&state.number) {
                    numbers.push(state.number);
                }
            }
        }
        by_path
    }

    /// A control waits for the next macro that the host moves, or a macro for the next control that is set; `None`
    /// waits no longer. Not part of the session, which gets the target when there is one.
    ///
    /// # Errors
    /// A range that is not finite, or a macro that there is not.
    pub fn learn_macro(&mut self, learning: Option<MacroLearning>) -> Result<(), EditError> {
        let checked = match &learning {
            Some(MacroLearning::Control(target)) => {
                MacroState { targets: vec![target.clone()], ..MacroState::new(1) }.check()
            }
            Some(MacroLearning::Macro(number)) => check_number(*number),
            None => Ok(()),
        };
        checked.map_err(|(field, expected)| EditError::Value { field, expected })?;
        self.learn.by_macro = learning;
        let action = Action::LearnMacro(self.learning_macro_by_audio());
        if self.is_listening() {
            self.send(ToAudio::Edit(TimedAction::now(action)));
        }
        Ok(())
    }

    /// What waits for a macro, or the macro that waits.
    pub fn learning_macro(&self) -> Option<&MacroLearning> {
        self.learn.by_macro.as_ref()
    }

    pub(super) fn learning_macro_by_audio(&self) -> bool {
        matches!(self.learn.by_macro, Some(MacroLearning::Control(_)))
    }

    /// The host has moved that macro.
    pub(super) fn learned_macro(&mut self, number: u8) {
        if let Some(MacroLearning::Control(target)) =
            self.learn.by_macro.take_if(|learning| matches!(learning, MacroLearning::Control(_)))
        {
            self.aim_macro(number, target);
        }
    }

    /// An edit was accepted: a control that it sets is what the macro that waits will move.
    pub(super) fn learn_from(&mut self, edit: &Edit) {
        let Some(MacroLearning::Macro(number)) = self.learn.by_macro else { return };
        let set = flat(edit).into_iter().find_map(|edit| match edit {
            Edit::SetControl { label, .. } | Edit::Fade { label, .. } => {
                let label = self.session.long_form(label, &self.registry);
                let (lo, hi) = self.range_of(&label)?;
                Some(MacroTarget { label, lo, hi, curve: Curve::Auto })
            }
            _ => None,
        });
        if let Some(target) = set {
            self.learn.by_macro = None;
            self.aim_macro(number, target);
        }
    }

    /// Notes which labels an edit has taken from controllers and macros.
    pub(super) fn note_leaving(&mut self, seq: u64, before: &Session) {
        let now: HashSet<&String> = self.session.labels_moved_from_outside().collect();
        let gone = before.labels_moved_from_outside().filter(|label| !now.contains(label));
        let gone: Vec<String> = gone.cloned().collect();
        if !gone.is_empty() {
            self.ledger.leaving.insert(seq, gone);
        }
    }

    fn aim_macro(&mut self, number: u8, target: MacroTarget) {
        let mut state = self.session.macro_of(number).cloned().unwrap_or_else(|| MacroState::new(number));
        state.aim(MacroTarget { label: self.session.long_form(&target.label, &self.registry), ..target });
        // Refused only if it has as many targets as it can have; then there is nothing to be lost.
        let _ = self.edit(Edit::Macro { number, to: Some(Box::new(state)) }, At::Now);
    }
}

fn way_of(target: &MacroTarget, controls: &Controls<'_>) -> Option<Way> {
    let Meant::Control { node, index, .. } = controls.find(&target.label) else { return None };
    let control = controls.decl(node)?.controls[index].clone();
    Some(Way { control, lo: target.lo, hi: target.hi, curve: target.curve })
}

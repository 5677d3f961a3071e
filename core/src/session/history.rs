//! Undo: what each change did, and how to take it back.
//!
//! A step holds the edits that lead from the session before to the one after, and those that lead back: no
//! copies of sessions. Changes of the same control that follow each other closely are one step.

use super::Session;
use super::size::memory_of;
use crate::edit::Edit;
use crate::model::Setting;
use std::time::{Duration, Instant};

/// How long a flood of changes of one control stays one step.
pub const COALESCE: Duration = Duration::from_millis(300);
/// Most steps that are remembered.
pub const MAX_STEPS: usize = 20_000;
/// Most bytes of memory in all steps together.
const MAX_WEIGHT: usize = 256 << 20;

/// One change that can be taken back.
#[derive(Clone, Debug)]
pub struct Step {
    /// What was done, for people.
    pub label: String,
    /// Parts that take it back.
    undo: Vec<Edit>,
    /// Parts that do it again.
    redo: Vec<Edit>,
    weight: usize,
    /// The number of the transition that it is.
    transition: Option<u64>,
    /// The number of the edit that it is, or that it began with.
    asked: u64,
}

/// What makes two changes one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CoalesceKey {
    /// The same control, soon after.
    Control(String),
    /// Parts of the same batch, which act one by one.
    Batch(u64),
    /// Recalls of scenes, without another change between them.
    Recall,
}

/// The steps so far, and where in them the session is.
#[derive(Default)]
pub struct History {
    steps: Vec<Step>,
    /// Steps that are done; those after it were undone.
    done: usize,
    weight: usize,
    last: Option<Last>,
    /// The number of the edit that is recorded next.
    asked: u64,
}

/// The newest step, while more may join it.
struct Last {
    key: CoalesceKey,
    began: Instant,
    before: Session,
}

impl History {
    /// Would a change of that kind join the newest step? Then nobody need remember the session before it.
    pub fn joins(&self, key: Option<&CoalesceKey>, now: Instant) -> bool {
        let (Some(last), Some(key)) = (&self.last, key) else { return false };
        let soon = match key {
            CoalesceKey::Control(_) => now.saturating_duration_since(last.began) < COALESCE,
            CoalesceKey::Batch(_) | CoalesceKey::Recall => true,
        };
        last.key == *key && soon && self.done == self.steps.len()
    }

    /// Remembers a change; was there any? `before` may be left out where the change joins the newest step.
    pub fn record(
        &mut self,
        label: String,
        key: Option<CoalesceKey>,
        before: Option<Session>,
        after: &Session,
        now: Instant,
    ) -> bool {
        let joins = self.joins(key.as_ref(), now);
        let Some(base) = (if joins { self.last.as_ref().map(|l| &l.before) } else { before.as_ref() }) else {
            return false;
        };
        let (undo, redo) = (after.difference(base), base.difference(after));
        let weight = label.len() + memory_of(&undo, &redo) + memory_of(&redo, &undo);
        let step = Step { label, undo, redo, weight, transition: None, asked: self.asked };
        if joins {
            if let Some(last) = self.steps.pop() {
                self.weight -= last.weight;
                self.done -= 1;
            }
        } else if step.undo.is_empty() && step.redo.is_empty() {
            // Nothing is different: no step, and what was undone can still be redone.
            return false;
        } else {
            self.weight -= self.steps.drain(self.done..).map(|s| s.weight).sum::<usize>();
            self.last = key.zip(before).map(|(key, before)| Last { key, began: now, before });
        }
        self.weight += step.weight;
        self.steps.push(step);
        self.done += 1;
        while self.steps.len() > MAX_STEPS || (self.weight > MAX_WEIGHT && self.steps.len() > 1) {
            self.weight -= self.steps.remove(0).weight;
            self.done -= 1;
        }
        true
    }

    /// What is recorded next began with the edit of that number.
    pub fn asked(&mut self, number: u64) {
        self.asked = number;
    }

    /// The number of the edit that the last step began with; 0 at the start.
    pub fn last_asked(&self) -> u64 {
        self.done.checked_sub(1).and_then(|at| self.steps.get(at)).map_or(0, |step| step.asked)
    }

    /// Takes the steps that were undone out, so that another is recorded before them.
    pub fn take_undone(&mut self) -> Vec<Step> {
        let undone = self.steps.split_off(self.done);
        self.weight -= undone.iter().map(|step| step.weight).sum::<usize>();
        undone
    }

    /// Puts steps back that can be done again.
    pub fn put_undone(&mut self, steps: Vec<Step>) {
        self.weight += steps.iter().map(|step| step.weight).sum::<usize>();
        self.steps.extend(steps);
        self.last = None;
    }

    /// Steps that are done.
    pub fn done(&self) -> usize {
        self.done
    }

    /// The edit that takes the last step back, with the step's label; `None` at the start.
    pub fn undo(&self) -> Option<(&str, Edit)> {
        let step = self.steps.get(self.done.checked_sub(1)?)?;
        Some((&step.label, Edit::Batch(step.undo.clone())))
    }

    /// The edit that does the next step again, with the step's label; `None` at the end.
    pub fn redo(&self) -> Option<(&str, Edit)> {
        let step = self.steps.get(self.done)?;
        Some((&step.label, Edit::Batch(step.redo.clone())))
    }

    /// Remembers a transition: it is what the session becomes in the end, also while that is still to come.
    pub fn record_transition(&mut self, number: u64, label: String, before: Session, after: &Session) {
        if self.record(label, None, Some(before), after, Instant::now())
            && let Some(step) = self.steps.last_mut()
        {
            step.transition = Some(number);
        }
    }

    /// The number of the transition that undo takes back, if it is one.
    pub fn transition_to_undo(&self) -> Option<u64> {
        self.steps.get(self.done.checked_sub(1)?)?.transition
    }

    /// The edit of [`History::undo`] was accepted.
    pub fn went_back(&mut self) {
        self.done -= 1;
        self.last = None;
    }

    /// The edit of [`History::redo`] was accepted.
    pub fn went_forward(&mut self) {
        self.done += 1;
        self.last = None;
    }

    /// Labels of all steps, oldest first, and how many of them are done.
    pub fn list(&self) -> (Vec<&str>, usize) {
        (self.steps.iter().map(|s| s.label.as_str()).collect(), self.done)
    }

    /// No change joins the newest step any more.
    pub fn seal(&mut self) {
        self.last = None;
    }

    /// A new history begins.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

/// What an edit does, in a few words.
pub fn label_of(edit: &Edit, session: &Session) -> String {
    use crate::edit::NodeEdit;
    let (spoken, slot_named) =
        (|label: &String| session.spoken(label), |slot: &String| session.spoken_slot(slot));
    match edit {
        Edit::SetPattern { slot, .. } => format!("play {}", slot_named(slot)),
        Edit::Hush { slot } => format!("hush {}", slot_named(slot)),
        Edit::HushAll => "hush all".to_owned(),
        Edit::RemoveSlot { slot } => format!("stop {}", slot_named(slot)),
        Edit::Setting(setting) => setting.label(),
        Edit::Scene(edit) => edit.label(|number| format!("scene {number}")),
        Edit::SetControl { label, .. } => format!("set {}", spoken(label)),
        Edit::SetAutomation { label, .. } => format!("automate {}", spoken(label)),
        Edit::ClearAutomation { id } => format!("clear automation {}", spoken(id)),
        Edit::LoadGraph(_) => "load graph".to_owned(),
        Edit::Graph(_) => "change the raw graph".to_owned(),
        Edit::ReplaceGraph(_) => "change the nodes".to_owned(),
        Edit::SetSources(_) => "texts".to_owned(),
        Edit::SetValues(_) => "values".to_owned(),
        Edit::Macro { number, to: Some(_) } => format!("macro {number}"),
        Edit::Macro { number, to: None } => format!("unmacro {number}"),
        Edit::Fade { label, .. } => format!("fade {}", spoken(label)),
        Edit::MasterLine { .. } => "master gain".to_owned(),
        Edit::TempoLine { bpm, .. } => format!("tempo {bpm}"),
        Edit::MidiMap { label, .. } => format!("map {}", spoken(label)),
        Edit::MidiUnmap { label: Some(label), .. } => format!("unmap {}", spoken(label)),
        Edit::MidiUnmap { cc, label: None, .. } => format!("unmap controller {cc}"),
        Edit::MidiMaps(_) => "controllers".to_owned(),
        Edit::RouteNotes { node: Some(node), .. } => format!("notes to {node}"),
        Edit::RouteNotes { node: None, .. } => "notes to no node".to_owned(),
        Edit::Panic => "panic".to_owned(),
        Edit::Rebuild => "rebuild".to_owned(),
        Edit::Nodes(edits) => match edits.as_slice() {
            [NodeEdit::Set(spec)] => format!("node {}", spec.node.name),
            [NodeEdit::Remove { name }] => format!("remove {name}"),
            [NodeEdit::Connect(route)] => format!("connect {} to {}", route.source, route.target),
            [NodeEdit::Disconnect { source, target, .. }] => format!("disconnect {source} from {target}"),
            [NodeEdit::Mute { name, on }] => format!("{} {name}", if *on { "mute" } else { "unmute" }),
            [NodeEdit::Solo { name, on }] => format!("{} {name}", if *on { "solo" } else { "unsolo" }),
            edits => format!("{} changes of nodes", edits.len()),
        },
        Edit::EndTransitions(_) => "end of transitions".to_owned(),
        Edit::Transition { edits, .. } => format!("transition: {}", label_of_all(edits, session)),
        Edit::Titled { title, .. } => title.clone(),
        Edit::Batch(edits) => label_of_all(edits, session),
    }
}

fn label_of_all(edits: &[Edit], session: &Session) -> String {
    match &parts(edits)[..] {
        [] => "nothing".to_owned(),
        [edit] => label_of(edit, session),
        [first, rest @ ..] => format!("{} and {} more", label_of(first, session), rest.len()),
    }
}

/// What a batch does, each part with its own words.
fn parts(edits: &[Edit]) -> Vec<&Edit> {
    let parts = edits.iter().flat_map(|edit| match edit {
        Edit::Batch(edits) => parts(edits),
        Edit::EndTransitions(_) => Vec::new(),
        edit => vec![edit],
    });
    parts.collect()
}

/// What makes an edit join the step before it.
pub fn coalesce_key(edit: &Edit) -> Option<CoalesceKey> {
    match edit {
        Edit::SetControl { label, .. } => Some(CoalesceKey::Control(label.clone())),
        Edit::Setting(Setting::Master(_)) => Some(CoalesceKey::Control(String::new())),
        Edit::Scene(edit) if edit.is_recall() => Some(CoalesceKey::Recall),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::{NodeEdit, NodeSpec, SceneEdit};
    use crate::ir::{NodeIr, Source};
    use crate::node::Registry;

    #[test]
    fn a_step_counts_a_scene_that_it_alone_holds_as_a_whole() {
        let registry = Registry::with_builtins();
        let mut session = Session::default();
        let apply = |session: &mut Session, edit: Edit| session.apply(&edit, &registry).expect("it is right");
        let save = || SceneEdit::Save { number: 1, name: "verse".into(), transport: false };
        for number in 0..200 {
            let source = Source::Type("oscillator".into());
            let node = NodeIr { name: format!("node {number}"), source, ..NodeIr::default() };
            let spec = NodeSpec { node, ..NodeSpec::default() };
            apply(&mut session, Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))]));
        }
        let without = session.clone();
        apply(&mut session, save().into());
        let with = session.clone();
        let weight = |label: &str, before: &Session, after: &Session| {
            let mut history = History::default();
            history.record(label.into(), None, Some(before.clone()), after, Instant::now());
            history.weight
        };
        let whole = 200 * 200;
        assert!(weight("save", &without, &with) > whole, "it is undone, and the session has another");
        apply(&mut session, SceneEdit::Delete { number: 1 }.into());
        assert!(weight("delete", &with, &session) > whole, "nobody else has it");
        // A step beside which both sessions have the scene does not.
        apply(&mut session, SceneEdit::All(std::sync::Arc::clone(&with.scenes)).into());
        apply(&mut session, SceneEdit::Rename { number: 1, name: "chorus".into() }.into());
        assert!(weight("rename", &with, &session) < 2_000);
    }
}

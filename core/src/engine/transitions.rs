//! Transitions: changes over some time.
//!
//! A transition begins and ends with edits like any other. At its beginning values, faders, sends, master and tempo set
//! off on lines that the audio thread draws up to the moment of the end; nodes that come are there with their fader at
//! 0 and their patterns. What is done at the end waits, on the audio thread too, until time has moved so far. A line
//! ends where its value is set again; what waits is cancelled when what it changes is changed again. The history knows
//! a transition, from its beginning on, as one step to what the session becomes in the end (`outcome.rs`).

use super::check::flat;
use super::history::Undoable;
use super::{Engine, Pending, touches_graph};
use crate::address::slot_owner;
use crate::edit::{Edit, EditError, NodeEdit, NodeSpec, Route, SessionNode, gain_path, level_path};
use crate::ir::{DEFAULT_GAIN, Fault, RouteKind};
use crate::model::{FadeLength, Setting};
use crate::processor::{Action, MAX_FADES, TimedAction, ToAudio};
use crate::session::Session;
use std::collections::BTreeSet;

/// Most quarter notes or cycles of a transition.
const LONGEST: f64 = 1e6;

/// What a pending edit is of a transition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct OfTransition {
    /// Its number: that of its first edit.
    pub number: u64,
    /// What the edit does at the end; `None`: it is one of the beginning.
    pub end: Option<End>,
}

/// What is done at the end of a transition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct End {
    /// How far time has moved then.
    pub moved: f64,
    /// What it changes.
    pub what: What,
}

/// What an end changes: another change of that cancels it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// A node goes.
    Node(String),
    /// A route goes.
    Route(String, String),
    /// A slot gets another pattern, or none.
    Slot(String),
}

/// The edits of a transition.
#[derive(Default)]
struct Parts {
    /// Nodes and routes at the beginning, as one change of the graph.
    graph: Vec<NodeEdit>,
    /// What else is done at the beginning.
    begin: Vec<Edit>,
    /// What is done at the end.
    end: Vec<(What, Edit)>,
}

/// Takes edits apart.
struct Taking<'a> {
    engine: &'a Engine,
    /// The session as the edits so far make it.
    session: Session,
    moved: f64,
    /// Nodes that come.
    coming: BTreeSet<String>,
    /// Nodes that go.
    going: BTreeSet<String>,
    parts: Parts,
}

impl Taking<'_> {
    /// The node of these that a slot plays, or one of whose controls it moves.
    fn owner(&self, slot: &str, nodes: &BTreeSet<String>) -> Option<String> {
        let there = self.session.nodes.iter().map(|node| &*node.name);
        let owner = slot_owner(slot, there.chain(nodes.iter().map(String::as_str)))?;
        nodes.get(owner).cloned()
    }

    fn line(&mut self, label: String, from: Option<f64>, value: f64) {
        let length = FadeLength::Until { moved: self.moved, from };
        self.parts.begin.push(Edit::Fade { label, value, length });
    }

    fn take(&mut self, edit: &Edit) {
        let moved = self.moved;
        match edit {
            Edit::SetControl { label, value } => self.line(label.clone(), None, *value),
            Edit::Setting(Setting::Bpm(bpm)) => self.parts.begin.push(Edit::TempoLine { bpm: *bpm, moved }),
            Edit::Setting(Setting::Master(gain)) => {
                self.parts.begin.push(Edit::MasterLine { gain: *gain, moved });
            }
            Edit::SetPattern { slot, .. } if self.owner(slot, &self.coming).is_some() => {
                self.parts.begin.push(edit.clone());
            }
            Edit::SetPattern { slot, .. } | Edit::Hush { slot } | Edit::RemoveSlot { slot } => {
                let what = self.owner(slot, &self.going).map_or(What::Slot(slot.clone()), What::Node);
                self.parts.end.push((what, edit.clone()));
            }
            Edit::HushAll => {
                let playing = self.session.slots.iter().filter(|(_, slot)| slot.playing);
                let hush = |slot: &String| (What::Slot(slot.clone()), Edit::Hush { slot: slot.clone() });
                self.parts.end.extend(playing.map(|(slot, _)| hush(slot)));
            }
            // Of a node that goes.
            Edit::ClearAutomation { .. } if !self.going.is_empty() => {
                let what = self.going.iter().next_back().map_or(String::new(), Clone::clone);
                self.parts.end.push((What::Node(what), edit.clone()));
            }
            Edit::Nodes(edits) => edits.iter().for_each(|edit| self.take_node(edit)),
            edit => self.parts.begin.push(edit.clone()),
        }
    }

    fn take_node(&mut self, edit: &NodeEdit) {
        match edit {
            NodeEdit::Set(spec) => self.take_spec(spec),
            NodeEdit::Remove { name } => {
                self.going.insert(name.clone());
                self.line(gain_path(name), None, 0.0);
                self.parts.end.push((What::Node(name.clone()), Edit::Nodes(vec![edit.clone()])));
            }
            NodeEdit::Connect(route) if route.kind == RouteKind::Send => {
                let mut route = route.clone();
                let known = self.session.routes.from(&route.source);
                let is_it = |r: &Route| r.target == route.target && r.kind == RouteKind::Send;
                let stands = known.map(|(_, r)| r).any(|r| is_it(r));
                let level = route.level;
                let path = level_path(&route.source, &route.target);
                if self.coming.contains(&route.source) {
                    // Behind a fader that comes from 0.
                    self.parts.graph.push(edit.clone());
                } else if stands {
                    self.line(path, None, level);
                } else {
                    route.level = 0.0;
                    self.parts.graph.push(NodeEdit::Connect(route));
                    self.line(path, Some(0.0), level);
                }
            }
            NodeEdit::Disconnect { source, target, port } => {
                if port.is_none() {
                    self.line(level_path(source, target), None, 0.0);
                }
                let what = What::Route(source.clone(), target.clone());
                self.parts.end.push((what, Edit::Nodes(vec![edit.clone()])));
            }
            edit => self.parts.graph.push(edit.clone()),
        }
    }

    fn take_spec(&mut self, spec: &NodeSpec) {
        let name = &spec.node.name;
        let mut begins = spec.clone();
        let mut stands = self.session.node(name).map(SessionNode::type_id);
        if self.going.remove(name) {
            // It goes and comes: it is replaced.
            self.parts.end.retain(|(what, _)| *what != What::Node(name.clone()));
            let path = gain_path(name);
            self.parts.begin.retain(|edit| !matches!(edit, Edit::Fade { label, .. } if *label == path));
            stands = self.engine.session.node(name).map(SessionNode::type_id);
            begins.gain = begins.gain.or(Some(DEFAULT_GAIN));
        }
        match stands {
            None => {
                self.coming.insert(name.clone());
                begins.gain = Some(0.0);
                self.line(gain_path(name), Some(0.0), spec.gain.unwrap_or(DEFAULT_GAIN));
            }
            Some(before) => {
                if let Some(gain) = begins.gain.take() {
                    self.line(gain_path(name), None, gain);
                }
                if self.engine.node_of(spec).type_id() == before && !spec.keeps_values {
                    begins.keeps_values = true;
                    for (control, value) in &spec.node.init {
                        self.line(format!("{name}/{control}"), None, *value);
                    }
                }
            }
        }
        self.parts.graph.push(NodeEdit::Set(Box::new(begins)));
    }
}

impl Pending {
    /// The number of the transition that it is a part of.
    pub(super) fn number(&self) -> Option<u64> {
        self.transition.as_ref().map(|of| of.number)
    }

    /// What it changes as an end of a transition.
    pub(super) fn end(&self) -> Option<&What> {
        self.transition.as_ref().and_then(|of| of.end.as_ref()).map(|end| &end.what)
    }
}

impl Engine {
    /// Is it a transition that can be?
    pub(super) fn check_transition(&self, length: FadeLength, edits: &[Edit]) -> Result<(), EditError> {
        let counts =
            matches!(length, FadeLength::Beats(x) | FadeLength::Cycles(x) if x > 0.0 && x <= LONGEST);
        if !counts {
            let fault = Fault::new("$", format!("{} is no length of a transition", length.number()));
            return Err(fault.hint("a number of beats or cycles above 0, at most 1000000").into());
        }
        let parts = self.take_apart(edits, 0.0)?;
        let lines = parts.begin.iter().filter(|edit| matches!(edit, Edit::Fade { .. })).count();
        if lines > MAX_FADES {
            return Err(EditError::Limit { what: "values that go on a line", limit: MAX_FADES });
        }
        let waiting = self.waiting.edits.len() + parts.begin.len() + parts.end.len() + 2;
        if waiting > super::MAX_PENDING {
            return Err(EditError::Limit { what: "edits waiting for their time", limit: super::MAX_PENDING });
        }
        Ok(())
    }

    fn take_apart(&self, edits: &[Edit], moved: f64) -> Result<Parts, EditError> {
        let (session, parts) = (self.session.clone(), Parts::default());
        let (coming, going) = (BTreeSet::new(), BTreeSet::new());
        let mut taking = Taking { engine: self, session, moved, coming, going, parts };
        for edit in edits.iter().flat_map(flat) {
            taking.take(edit);
            taking.session.apply(edit, &self.registry)?;
        }
        Ok(taking.parts)
    }

    /// Begins a transition, now or at a position; where nothing sounds it is done at once.
    pub(super) fn commit_transition(
        &mut self,
        edits: &[Edit],
        length: FadeLength,
        due: Option<f64>,
        relative: bool,
        undoable: Undoable,
    ) -> Result<Option<f64>, EditError> {
        if !self.is_listening() {
            return self.commit(Edit::Batch(edits.to_vec()), due, relative, undoable);
        }
        let number = self.seq + 1;
        let per_cycle = self.beats_per_cycle();
        let now = self.link.position();
        let beats = match length {
            FadeLength::Cycles(cycles) => cycles * per_cycle,
            length => length.number(),
        };
        let begins = due.map_or(0.0, |due| due * per_cycle - now.beats);
        let moved = now.moved + begins + beats;
        let parts = self.take_apart(edits, moved)?;
        let begin = OfTransition { number, end: None };
        self.in_hand.transition = Some(begin.clone());
        let begun = || {
            if due.is_some() {
                // When its time comes it is a step, and takes over from those before.
                let whole = Edit::Transition { edits: edits.to_vec(), length };
                self.commit_one(whole, due, relative, undoable, None)?;
            }
            if !parts.graph.is_empty() {
                self.commit_one(Edit::Nodes(parts.graph), due, relative, Undoable::No, None)?;
            }
            for edit in parts.begin {
                self.commit_one(edit, due, relative, Undoable::No, None)?;
            }
            Ok(())
        };
        let begun: Result<(), EditError> = begun();
        self.in_hand.transition = None;
        begun?;
        self.flush();
        let expected = due.unwrap_or(now.beats / per_cycle) + beats / per_cycle;
        if due.is_none() {
            parts.end.iter().for_each(|(what, _)| self.cancel(|p| p.end() == Some(what)));
        }
        for (what, edit) in parts.end {
            self.seq += 1;
            let of = OfTransition { number, end: Some(End { moved, what }) };
            let pending = Pending {
                seq: self.seq,
                due: expected,
                relative: false,
                edit,
                undoable: Undoable::No,
                transition: Some(of),
            };
            self.send_end(&pending);
            self.waiting.edits.push(pending);
        }
        Ok(due)
    }

    /// What is done at the end of a transition goes to audio, to wait there.
    pub(super) fn send_end(&mut self, pending: &Pending) {
        let Some(End { moved, .. }) = pending.transition.as_ref().and_then(|of| of.end.clone()) else {
            return;
        };
        let Pending { seq, due, edit, .. } = pending;
        let action = match touches_graph(edit) {
            true => None,
            false => self.action(edit, *seq, Some(*due)),
        };
        // A change of the graph is done here when its time has come: what goes is silent by then.
        let action = action.unwrap_or(Action::AtTime);
        let (seq, due, moved) = (*seq, Some(*due), Some(moved));
        self.send(ToAudio::Edit(TimedAction { seq, due, relative: false, starts: false, moved, action }));
    }

    /// A transition that had a time begins: the session before it is known to the history with what it becomes.
    pub(super) fn transition_begins(&mut self, number: u64, edit: &Edit, undoable: Undoable) {
        let (own, others): (Vec<&Pending>, Vec<&Pending>) =
            self.waiting.edits.iter().partition(|p| p.number() == Some(number));
        let ends: Vec<u64> = own.iter().filter(|p| p.is_end()).map(|p| p.seq).collect();
        let what: Vec<&What> = own.iter().filter_map(|p| p.end()).collect();
        let overtaken = |p: &&&Pending| p.end().is_some_and(|end| what.contains(&end));
        let overtaken: Vec<u64> = others.iter().filter(overtaken).map(|p| p.seq).collect();
        let begin = own.iter().filter(|p| !p.is_end()).map(|p| p.edit.clone()).collect();
        let before = self.outcome_of(&Edit::Batch(Vec::new()), None, &ends);
        let after = self.outcome_of(&Edit::Batch(begin), Some(number), &overtaken);
        self.cancel(|p| overtaken.contains(&p.seq));
        if undoable != Undoable::No {
            self.undo.history.record_transition(number, self.label_of(edit), before, &after);
        }
    }
}

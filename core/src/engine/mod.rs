//! The control side of one instance: edits go into the session, plans and actions go to audio,
//! what audio returns comes back here to be counted and freed.

mod acknowledge;
mod activation;
mod audio_link;
mod bind_pattern;
mod check;
mod dispatch;
mod fades;
mod gone;
mod history;
mod index_pool;
mod ledger;
mod macros;
mod meters;
mod midi_learn;
mod named;
mod names;
mod node_types;
mod osc;
mod outcome;
mod pending;
mod present;
mod recalls;
mod room;
mod scenes;
mod status;
mod transitions;
mod withdraw;

pub use crate::edit::*;
pub use crate::graph::*;
pub use crate::link::{Link, Position};
pub use crate::model::{ClockSource, FadeLength, Period, Start};
pub use crate::notice::*;
#[cfg(test)]
pub(crate) use bind_pattern::slot_pattern;

use crate::ir::ModuleIr;
use crate::model::{Setting, Values};
use crate::node::{CreateContext, Registry};
use crate::processor::chunk_of;
use crate::session::{Programs, Session};
use audio_link::AudioLink;
use dispatch::Planning;
use history::{Undo, Undoable};
use imbl::ordmap::DiffItem;
use ledger::SentLedger;
pub use macros::{MacroLearning, MacroStatus};
use midi_learn::Learn;
pub use midi_learn::Learning;
use node_types::NewTypes;
use osc::Outbox;
use pending::{InHand, Pending, Waiting, sorted};
use room::Measured;
use scenes::SceneBook;
use status::Told;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Edits that may wait for a position.
pub const MAX_PENDING: usize = 4096;
/// Graph edits that may wait for a position: each is a plan of its own.
pub const MAX_PENDING_PLANS: usize = 64;
/// The control side of one instance. Owned by its control thread.
///
/// ```
/// use krach_core::edit::{At, Edit};
/// use krach_core::engine::Engine;
/// use krach_core::model::Setting;
/// use krach_core::node::Registry;
///
/// let mut engine = Engine::new(Registry::with_builtins());
/// let processor = engine.activate(48_000.0, 512); // goes to the audio thread
/// let receipt = engine.edit(Edit::Setting(Setting::Bpm(90.0)), At::Now)?;
/// assert_eq!(engine.session().settings.bpm, 90.0);
/// // Audio has not answered yet: until it has, call `tick` every 1 to 2 ms.
/// assert!(!engine.is_done(receipt));
/// assert!(engine.tick().is_empty());
///
/// engine.undo(At::Now)?;
/// assert_eq!(engine.session().settings.bpm, 120.0);
/// # drop(processor);
/// # Ok::<(), krach_core::edit::EditError>(())
/// ```
pub struct Engine {
    registry: Registry,
    session: Session,
    link: Arc<Link>,
    /// Number of the newest edit.
    seq: u64,
    /// The edit that is being made.
    in_hand: InHand,
    /// What waits for its time.
    waiting: Waiting,
    /// What audio was sent, and has not answered.
    ledger: SentLedger,
    /// What plans are made with.
    plans: Planning,
    /// Lines that controls are on, by their paths.
    lines: BTreeMap<String, present::Line>,
    audio: Option<AudioLink>,
    /// Sample rate and longest block of the processor, also where `audio` is in hand.
    form: Option<(f64, usize)>,
    /// What the client was told, or will be.
    told: Told,
    /// Patterns that a load has just compiled, for the engine that is built from it.
    programs: Programs,
    /// MIDI clock whatever the session says.
    midi_clock_always: bool,
    /// What waits for the controller, or the macro, that is to move it.
    learn: Learn,
    /// OSC messages of patterns.
    outbox: Outbox,
    /// What undo and redo go along.
    undo: Undo,
    /// What the session is as a document.
    extent: Measured,
    scenes: SceneBook,
    /// Types that have come.
    types: NewTypes,
}

impl Engine {
    /// An engine with an empty session.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            session: Session::default(),
            link: Arc::new(Link::default()),
            seq: 0,
            in_hand: InHand::default(),
            waiting: Waiting::default(),
            ledger: SentLedger::new(),
            plans: Planning::default(),
            lines: BTreeMap::new(),
            audio: None,
            form: None,
            told: Told::default(),
            programs: Programs::new(),
            midi_clock_always: false,
            learn: Learn::default(),
            outbox: Outbox::default(),
            undo: Undo::default(),
            extent: Measured { size: Session::default().extent(), measured: 0 },
            scenes: SceneBook::default(),
            types: NewTypes::default(),
        }
    }

    /// Validates and commits one edit, or leaves everything as it was. Never blocks, never compiles code.
    ///
    /// # Errors
    /// What is wrong with the edit.
    pub fn edit(&mut self, edit: Edit, at: At) -> Result<Receipt, EditError> {
        self.in_hand.at_once = at == At::AtOnce;
        let receipt = self.edit_as(edit, at, Undoable::Step);
        self.in_hand.at_once = false;
        receipt
    }

    fn commit(
        &mut self,
        edit: Edit,
        due: Option<f64>,
        relative: bool,
        undoable: Undoable,
    ) -> Result<Option<f64>, EditError> {
        if let Edit::Batch(edits) = edit {
            let mut position = due;
            for edit in edits {
                position = self.commit(edit, due, relative, undoable)?.or(position);
            }
            return Ok(position);
        }
        if let Edit::Transition { edits, length } = &edit {
            return self.commit_transition(edits, *length, due, relative, undoable);
        }
        self.commit_one(edit, due, relative, undoable, None)
    }

    /// One edit that is no batch; `after` is the session as it makes it at once, where that is known.
    pub(super) fn commit_one(
        &mut self,
        edit: Edit,
        due: Option<f64>,
        relative: bool,
        undoable: Undoable,
        after: Option<Session>,
    ) -> Result<Option<f64>, EditError> {
        let edit = in_long_form(edit, &self.session, &self.registry);
        if let (Some(due), true) = (due, acts_on_audio(&edit)) {
            self.seq += 1;
            let (seq, graph) = (self.seq, touches_graph(&edit));
            if graph && let Some(audio) = &mut self.audio {
                audio.reschedule = true;
            }
            let transition = self.in_hand.transition.clone();
            self.waiting.edits.push(Pending { seq, due, relative, edit: edit.clone(), undoable, transition });
            if !graph && self.is_listening() {
                if self.is_near(due) {
                    // In the order of the edits: what came before goes first.
                    self.flush();
                }
                self.send_action(&edit, seq, Some(due), relative);
            }
            return Ok(Some(due));
        }
        if let Edit::Nodes(edits) = &edit
            && edits.len() > 1
            && self.session.plain_mutes(edits).is_some()
        {
            let mut position = None;
            for edit in edits {
                position =
                    self.commit(Edit::Nodes(vec![edit.clone()]), due, relative, undoable)?.or(position);
            }
            return Ok(position);
        }
        if let Edit::Scene(SceneEdit::Recall { number, .. }) = &edit
            && self.is_listening()
        {
            self.recall_now(&edit, *number)?;
            self.end_transitions_by(&edit, None);
            return Ok(None);
        }
        self.end_transitions_by(&edit, self.in_hand.transition.as_ref().map(|of| of.number));
        if let Edit::EndTransitions(_) = edit {
            self.seq += 1;
            return Ok(None);
        }
        let start = self.start_of_slot(&edit);
        let current = self.session.scenes.current();
        let graph = touches_graph(&edit) && self.mute_by(&edit).is_none();
        let moved = matches!(edit, Edit::Macro { .. } | Edit::MidiUnmap { .. } | Edit::MidiMaps(_))
            .then(|| self.session.clone());
        let sets_off = self.sets_off_from(&edit);
        if let Edit::Fade { .. } = &edit {
            // A node that comes before it begins with the value that it sets off from.
            self.flush();
        }
        let before = self.before_waiting(graph);
        let line = self.line_of(&edit);
        if graph {
            self.apply_to_graph(&edit, after)?;
        } else if let Edit::Scene(SceneEdit::Save { .. }) = &edit {
            self.save_scene(&edit)?;
        } else {
            self.session.apply(&edit, &self.registry)?;
        }
        self.note_line(&edit, line);
        self.seq += 1;
        let seq = self.seq;
        let set = self.value_set_by(&edit);
        if let Some((path, value)) = &set
            && let Some(reset) = self.ledger.resets.get_mut(path)
        {
            // A fade sets off after the plan that brings the value before it.
            let by = if matches!(edit, Edit::Fade { .. }) { reset.1 } else { seq };
            *reset = (*value, by);
        }
        if let Edit::Setting(Setting::Seed(_)) = &edit {
            self.seed_changed();
        }
        if let Edit::Scene(change) = &edit {
            // Names and the order are nothing to the audio thread.
            if !matches!(change, SceneEdit::Rename { .. } | SceneEdit::Order(_)) {
                self.scenes_changed();
            }
            if let SceneEdit::Recall { number, .. } = change {
                self.tell_recalled(*number, seq, false);
            } else if matches!(change, SceneEdit::All(_)) && self.session.scenes.current() != current {
                self.send_current_scene();
            }
        }
        if !self.is_listening() {
            self.withdraw_for_gone(before.as_ref(), seq);
            if edit == Edit::Rebuild {
                self.replace();
            }
            return Ok(None);
        }
        if let Some((path, _)) = &set {
            match sets_off {
                Some((from, true)) => {
                    self.await_code(path.clone(), edit, from);
                    return Ok(None);
                }
                Some((from, false)) => self.await_plan(path.clone(), edit.clone(), from, Some(seq)),
                None => drop(self.waiting.fades.remove(path)),
            }
        }
        if edit == Edit::Rebuild {
            self.replace();
        } else if graph {
            self.ledger.graphs.insert(seq);
            self.remember_unanswered(seq, &edit);
            if let Some(audio) = &mut self.audio {
                audio.dirty = true;
            }
            self.withdraw_for_gone(before.as_ref(), seq);
        } else if acts_on_audio(&edit) {
            // In the order of the edits: what came before goes first.
            self.flush();
            self.ledger.actions.insert(seq);
            if let Some(before) = moved {
                self.note_leaving(seq, &before);
            }
            self.remember_unanswered(seq, &edit);
            if let Some((path, _)) = set {
                self.ledger.sets.insert(seq, path);
            }
            if let (Edit::HushAll, false) = (&edit, self.waiting.starting.is_empty()) {
                for (slot, (_, due)) in std::mem::take(&mut self.waiting.starting) {
                    self.send_start(&Edit::Hush { slot }, seq, due);
                }
            }
            match start {
                Some(due) => {
                    self.ledger.starts.insert(seq);
                    self.send_start(&edit, seq, due);
                }
                None => self.send_action(&edit, seq, None, false),
            }
            return Ok(start);
        }
        Ok(None)
    }

    /// The path of the base value that an edit sets, and the value.
    fn value_set_by(&self, edit: &Edit) -> Option<(String, f64)> {
        match edit {
            Edit::SetControl { label, value } | Edit::Fade { label, value, .. } => {
                Some((self.session.path_of(label, &self.registry)?, *value))
            }
            edit => self.mute_by(edit),
        }
    }

    /// The mute that an edit sets, if it does nothing else: audio needs no other plan for it.
    fn mute_by(&self, edit: &Edit) -> Option<(String, f64)> {
        let Edit::Nodes(edits) = edit else { return None };
        match self.session.plain_mutes(edits)?.as_slice() {
            [(path, value)] => Some((path.clone(), value.unwrap_or(0.0))),
            _ => None,
        }
    }

    /// Quarter notes per cycle, as they are now.
    fn beats_per_cycle(&self) -> f64 {
        let now = self.link.position().beats_per_cycle;
        if self.session.settings.host_meter && now > 0.0 {
            now
        } else {
            self.session.settings.beats_per_cycle
        }
    }

    /// MIDI clock goes to the host from the next activation on, whatever sessions say.
    pub fn always_send_midi_clock(&mut self) {
        self.midi_clock_always = true;
    }

    /// Is there an engine that takes edits?
    fn is_listening(&self) -> bool {
        self.audio.as_ref().is_some_and(|a| !a.poisoned)
    }

    /// Changes the session's graph and notes what audio cannot see from the new graph alone.
    fn apply_to_graph(&mut self, edit: &Edit, after: Option<Session>) -> Result<(), EditError> {
        let before = Arc::clone(&self.session.graph);
        let values = self.session.values.clone();
        match after {
            Some(after) => self.session = after,
            None => self.session.apply(edit, &self.registry)?,
        }
        self.tell_graph_since(&before);
        if self.is_listening() {
            self.note_graph_change(edit, &values, &before, self.seq + 1);
            self.end_fades_of_new_nodes(&before);
        }
        Ok(())
    }

    /// What of a graph is new and not heard, or means two things.
    fn tell_graph_since(&mut self, before: &IndexedGraph) {
        for (source, target) in self.session.newly_unheard_sends(before) {
            self.told.notices.push(Notice::SendWithoutInput { source, target });
        }
        self.tell_clashes_since(before);
    }

    /// Notes what the next plan must know of an edit of that number beyond what the graph is then.
    fn note_graph_change(&mut self, edit: &Edit, values: &Values, before: &IndexedGraph, seq: u64) {
        self.note_resets(edit, seq);
        self.note_changes(values, seq);
        let graph = &self.session.graph;
        let changed = before.changed_ids(graph).into_iter();
        self.ledger.removed.extend(changed.filter(|id| graph.node(id).is_none()).map(|id| (id, seq)));
    }

    fn context(&self) -> CreateContext {
        let (sample_rate, max_frames) = self.form.unwrap_or((48_000.0, 1024));
        CreateContext { sample_rate, max_frames: chunk_of(max_frames) }
    }

    /// Base values that a change of nodes brought, took back or silenced.
    fn note_changes(&mut self, before: &Values, seq: u64) {
        let session = &self.session;
        for item in before.diff(&session.values) {
            let (path, value) = match item {
                DiffItem::Add(path, value) | DiffItem::Update { new: (path, value), .. } => {
                    (path, Some(*value))
                }
                DiffItem::Remove(path, _) => (path, session.default_of(path, &self.registry)),
            };
            self.waiting.fades.remove(path);
            self.ledger.resets.extend(value.map(|value| (path.clone(), (value, seq))));
        }
    }

    fn note_resets(&mut self, edit: &Edit, seq: u64) {
        let raw = &self.session.raw;
        let mut note = |node: &GraphNode| {
            for (control, value) in &node.controls {
                self.ledger.resets.insert(format!("{}/{control}", node.id), (*value, seq));
            }
        };
        match edit {
            Edit::LoadGraph(graph) => graph.nodes.iter().for_each(&mut note),
            Edit::Graph(edits) => edits.iter().for_each(|e| {
                // One that was removed again says nothing of another of its name.
                if let GraphEdit::AddNode(node) = e
                    && raw.node(&node.id) == Some(node)
                {
                    note(node);
                }
            }),
            _ => {}
        }
    }

    /// Something is in flight or pending: tick, every 1–2 ms while [`Engine::in_flight`].
    pub fn busy(&self) -> bool {
        self.in_flight() || !self.waiting.edits.is_empty()
    }

    /// Audio has been sent something that it has not answered yet.
    pub fn in_flight(&self) -> bool {
        let audio = self.audio.as_ref().filter(|a| !a.poisoned).is_some_and(|a| {
            a.dirty || a.reschedule || !a.sent.is_empty() || !a.backlog.is_empty() || a.base.has_ghosts()
        });
        audio || !self.ledger.cancelled.is_empty() || !self.ledger.is_answered()
    }

    /// Has this edit been adopted, or has it failed? Of a batch: all of it.
    pub fn is_done(&self, receipt: Receipt) -> bool {
        let edits = receipt.first..=receipt.seq;
        self.ledger.has_answered(edits.clone()) && !self.is_pending(edits)
    }

    /// Everything that follows from the edits so far has been handed to audio.
    pub fn settled(&self) -> bool {
        self.audio.as_ref().is_none_or(|a| a.poisoned || !a.dirty && !a.reschedule && a.backlog.is_empty())
    }

    /// BLAKE3 of [`Engine::save`], in hexadecimal: equal sessions have equal digests.
    pub fn digest(&self) -> String {
        blake3::hash(&self.save()).to_hex().to_string()
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session, frozen, as it is once the transitions under way have ended. Edits that wait for their position are not
    /// in it.
    pub fn capture(&self) -> ModuleIr {
        self.outcome().as_ref().unwrap_or(&self.session).to_module()
    }

    /// What [`Engine::capture`] gives, as ModuleIr JSON; equal sessions give equal bytes.
    pub fn save(&self) -> Vec<u8> {
        self.outcome().as_ref().unwrap_or(&self.session).to_json()
    }

    /// Replaces the session, all or nothing. Edits that wait for a position are dropped.
    ///
    /// # Errors
    /// What is wrong with the document.
    pub fn load(&mut self, json: &[u8]) -> Result<Receipt, LoadError> {
        let (session, programs) = Session::read(json, &self.registry)?;
        let unsavable = |error| LoadError::Invalid { place: "$".to_owned(), error };
        self.extent.size = room::loadable(&session).map_err(unsavable)? + session.moving_growth();
        (self.session, self.programs) = (session, programs);
        self.registry.forget_stand_ins();
        self.scenes_changed();
        self.undo.history.clear();
        self.waiting.edits.clear();
        self.waiting.starting.clear();
        self.seq += 1;
        self.replace();
        self.programs.clear();
        Ok(Receipt { seq: self.seq, first: self.seq, position: None })
    }

    /// Atomics shared with the audio thread.
    pub fn link(&self) -> Arc<Link> {
        self.link.clone()
    }
}

fn touches_graph(edit: &Edit) -> bool {
    matches!(
        edit,
        Edit::Graph(_) | Edit::LoadGraph(_) | Edit::Nodes(_) | Edit::ReplaceGraph(_) | Edit::SetValues(_)
    )
}

/// Is there anything for the audio thread to do at a time?
fn acts_on_audio(edit: &Edit) -> bool {
    match edit {
        Edit::Setting(Setting::Name(_)) | Edit::SetSources(_) | Edit::Rebuild => false,
        Edit::Scene(edit) => edit.is_recall(),
        _ => true,
    }
}

/// An edit with its labels as the session stores them, so that audio follows the same.
fn in_long_form(edit: Edit, session: &Session, registry: &Registry) -> Edit {
    let long = |label: String| session.long_form(&label, registry);
    match edit {
        Edit::SetAutomation { id, label, shape, lo, hi, period, one_shot } => {
            Edit::SetAutomation { id, label: long(label), shape, lo, hi, period, one_shot }
        }
        Edit::MidiMap { channel, cc, label, lo, hi } => {
            Edit::MidiMap { channel, cc, label: long(label), lo, hi }
        }
        Edit::MidiUnmap { channel, cc, label } => Edit::MidiUnmap { channel, cc, label: label.map(long) },
        Edit::Macro { number, to: Some(state) } => {
            Edit::Macro { number, to: Some(Box::new(session.macro_in_long_form(&state, registry))) }
        }
        edit => edit,
    }
}

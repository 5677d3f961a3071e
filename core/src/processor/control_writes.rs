//! Who writes a control: base value ← pattern ← automation, decided in the order of time.

use super::renderer::Renderer;
use super::voice_allocation::VoiceAllocator;
use crate::automation::GRID;
use crate::limits::{MAX_AUTOMATIONS, MAX_SLOTS, NONE};
use crate::node::Change;
use crate::plan::{ControlState, Modulation, Plan};
use crate::symbol::Symbol;
use crate::voice::{NOBODY, NoteKey, by_slot};
use krach_patterns::Full;

/// Something that one of a control's writers does.
#[derive(Clone, Copy, Debug)]
pub(super) enum ControlWrite {
    /// A new base value.
    Base(f32),
    /// A pattern's event. `onset`: where it is, in cycles; NaN if it opens no gate.
    Pattern { value: f32, slot: u32, via: Symbol, gate: bool, ramp: u32, onset: f64 },
    /// A pattern's event that belongs to a note. `onset`: where the note begins, in cycles. `missed_note_off`: time has
    /// left the place where it ends.
    Note { value: f32, slot: u32, via: Symbol, gate: bool, note: NoteKey, onset: f64, missed_note_off: bool },
    /// A note is over: its gate closes, if it is still open.
    Over { note: NoteKey },
    /// The pattern that held it was hushed.
    Hushed,
    /// An open gate closes because time jumped or stopped.
    Close,
    /// The next stretch of an automation.
    Automation { index: u32, value: f32, ramp: u32 },
    /// The automation ended; a one-shot leaves its last value as the base.
    AutomationEnds { index: u32, arrived: Option<f32> },
    /// The host's modulation is this from now on.
    Modulate(Modulation),
    /// The host plays the node: the number of the event.
    Host(u32),
}

/// Some of the slots.
#[derive(Clone, Copy)]
pub(super) struct SlotSet([u64; MAX_SLOTS / 64]);

impl SlotSet {
    pub const NONE: Self = Self([0; MAX_SLOTS / 64]);
    pub const ALL: Self = Self([u64::MAX; MAX_SLOTS / 64]);

    pub fn add(&mut self, slot: usize) {
        if let Some(bits) = self.0.get_mut(slot / 64) {
            *bits |= 1 << (slot % 64);
        }
    }

    pub fn remove(&mut self, slot: usize) {
        if let Some(bits) = self.0.get_mut(slot / 64) {
            *bits &= !(1 << (slot % 64));
        }
    }

    /// Its slots, in order, as they are now.
    pub fn indices(self) -> impl Iterator<Item = usize> + use<> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let at = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
                bits &= bits - 1;
                Some(word * 64 + at)
            })
        })
    }

    pub fn has(&self, slot: u32) -> bool {
        self.0.get(slot as usize / 64).is_some_and(|bits| bits & 1 << (slot % 64) != 0)
    }
}

/// What the queue of a stretch holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControlEvent {
    /// Sample since activation.
    pub sample: i64,
    /// Exact time within it, in beats.
    pub beats: f64,
    /// Order among equals: slot (automations after all slots) and number.
    pub order: (u32, u32),
    /// Node index in the active plan; [`NONE`] is the master.
    pub node: u32,
    /// Index of the node's control.
    pub control: u32,
    /// What happens to it, or to the node.
    pub write: ControlWrite,
}

impl ControlEvent {
    /// What is written to a control of the plan, by its index there; [`NONE`] is the master gain.
    pub fn new(
        plan: &Plan,
        control: u32,
        (sample, beats): (i64, f64),
        order: (u32, u32),
        write: ControlWrite,
    ) -> Self {
        let (node, control) = plan.controls.get(control as usize).map_or((NONE, 0), |c| (c.node, c.index));
        Self { sample, beats, order, node, control, write }
    }
}

/// What happens to controls and nodes within a stretch. Never grows.
#[derive(Default)]
pub(super) struct EventQueue(Vec<ControlEvent>);

impl EventQueue {
    /// With room for that many events.
    pub fn with_capacity(events: usize) -> Self {
        Self(Vec::with_capacity(events))
    }

    /// Forgets all; keeps the room.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds an event.
    pub fn push(&mut self, event: ControlEvent) -> Result<(), Full> {
        if self.0.len() == self.0.capacity() {
            return Err(Full);
        }
        self.0.push(event);
        Ok(())
    }

    /// All events.
    pub fn events(&self) -> &[ControlEvent] {
        &self.0
    }

    /// Brings the events into the order in which they are rendered: by node, then by time.
    pub fn sort(&mut self) {
        self.0.sort_unstable_by(|a, b| {
            let time = a.sample.cmp(&b.sample).then(a.beats.total_cmp(&b.beats)).then(a.order.cmp(&b.order));
            a.node.cmp(&b.node).then(time)
        });
    }

    /// The events of one node, by time, once they are sorted.
    pub fn of(&self, node: u32) -> &[ControlEvent] {
        let first = self.0.partition_point(|e| e.node < node);
        let len = self.0[first..].partition_point(|e| e.node == node);
        &self.0[first..first + len]
    }
}

/// Applies a write to the state of a control that is the same for all voices; what they are to be
/// told, if anything.
pub(super) fn resolve(c: &mut ControlState, write: ControlWrite) -> Option<Change> {
    let jump = |value| Some(Change { value, ramp: 0 });
    match write {
        ControlWrite::Base(value) => {
            (c.base, c.set) = (value, true);
            end_fade(c);
            if c.pattern.is_some() { None } else { unless_automated(c) }
        }
        ControlWrite::Pattern { value, slot, via, gate, ramp, onset } => {
            c.pattern = Some(value);
            (c.slot, c.via, c.onset) = (slot, via, onset);
            c.drawn = ramp > 0;
            (c.open, c.note) = ((gate || c.gate) && value > 0.0, NOBODY);
            unless_automated(c).map(|change| Change { ramp, ..change })
        }
        ControlWrite::Note { value, slot, via, gate, note, onset, .. } => {
            let change = resolve(c, ControlWrite::Pattern { value, slot, via, gate, ramp: 0, onset });
            c.note = note;
            change
        }
        ControlWrite::Over { note } if c.open && c.note == note => resolve(c, ControlWrite::Close),
        ControlWrite::Over { .. } => None,
        ControlWrite::Host(_) => None,
        ControlWrite::Modulate(modulation) => {
            c.modulation = modulation;
            Some(present(c))
        }
        ControlWrite::Hushed => {
            c.pattern = None;
            c.slot = NONE;
            c.open = false;
            unless_automated(c)
        }
        ControlWrite::Close => {
            c.open = false;
            c.pattern = Some(0.0);
            unless_automated(c)
        }
        ControlWrite::Automation { index, value, ramp } => {
            if c.automation == NONE && !is_fade(index) {
                c.automation = index;
            }
            if c.automation != index {
                return None;
            }
            c.automated = c.clamp(value);
            Some(Change { value: c.automated, ramp })
        }
        ControlWrite::AutomationEnds { index, arrived } => {
            if c.automation != index {
                return None;
            }
            c.automation = NONE;
            if let Some(value) = arrived {
                (c.base, c.set) = (value, true);
            }
            jump(c.held())
        }
    }
}

/// A fade that has lost its control does not get it back.
pub(super) fn is_fade(index: u32) -> bool {
    (MAX_AUTOMATIONS as u32..NONE).contains(&index)
}

/// A base value is the last word: no fade goes on to another.
pub(super) fn end_fade(c: &mut ControlState) {
    if is_fade(c.automation) {
        c.automation = NONE;
    }
}

/// What the present writer of a control says, to be told again. Where an automation or a shape of a pattern is on its
/// way, its line is gone on with: it has said where that ends.
pub(super) fn present(c: &ControlState) -> Change {
    let ramp = if c.pattern.is_some() && c.drawn { GRID as u32 } else { 0 };
    match c.automation {
        NONE => Change { value: c.held(), ramp },
        _ => Change { value: c.automated, ramp: GRID as u32 },
    }
}

fn unless_automated(c: &ControlState) -> Option<Change> {
    (c.automation == NONE).then(|| Change { value: c.held(), ramp: 0 })
}

impl Renderer {
    /// Does something to the voices of a node between two stretches.
    pub(super) fn with_allocator<T>(
        &mut self,
        node: usize,
        act: impl FnOnce(&mut VoiceAllocator<'_>) -> T,
    ) -> T {
        let mut voices = std::mem::take(&mut self.plan.nodes[node].voices);
        let Plan { nodes, controls, .. } = &mut *self.plan;
        let done = act(&mut VoiceAllocator::new(&nodes[node], controls, &mut voices, &mut self.notes));
        self.plan.nodes[node].voices = voices;
        done
    }

    /// Writes to a control between two stretches: the node hears of it at once.
    pub(super) fn write(&mut self, control: u32, write: ControlWrite) {
        let c = &self.plan.controls[control as usize];
        let (node, index) = (c.node as usize, c.index as usize);
        self.with_allocator(node, |player| player.write(index, write));
    }

    /// Gates that patterns opened are closed.
    pub(super) fn close_gates(&mut self) {
        for control in 0..self.plan.controls.len() {
            if self.plan.controls[control].open {
                self.write(control as u32, ControlWrite::Close);
            }
        }
        self.release_notes(SlotSet::ALL);
    }

    /// Notes of these slots' patterns let go.
    fn release_notes(&mut self, slots: SlotSet) {
        for node in 0..self.plan.nodes.len() {
            let its = |v: &crate::voice::Voice| slots.has(v.slot);
            if self.plan.nodes[node].voiced && self.plan.nodes[node].voices.iter().any(its) {
                self.with_allocator(node, |player| player.release_notes(its));
            }
        }
    }

    /// What these slots held goes back to its base value.
    pub(super) fn release_controls(&mut self, slots: SlotSet) {
        self.release_notes(slots);
        for control in 0..self.plan.controls.len() {
            let c = &self.plan.controls[control];
            if c.pattern.is_some() && slots.has(c.slot) {
                self.write(control as u32, ControlWrite::Hushed);
            }
        }
    }

    /// After an adoption: voices that are new hear what their controls hold by now, and controls that were
    /// set anew are told.
    pub(super) fn bring_nodes_up_to_date(&mut self) {
        self.end_notes_of_ghosts();
        self.release_lost_controls();
        for at in 0..self.plan.control_moves.len() {
            let c = &mut self.plan.controls[self.plan.control_moves[at].0 as usize];
            let (value, index) = (c.held(), c.index as usize);
            let node = &mut self.plan.nodes[c.node as usize];
            if !node.voiced && node.fresh_from == 0 {
                c.opened = c.gate && value > 0.0;
                let value = c.modulated(value);
                for instance in node.voices.iter_mut().filter_map(|v| v.instance.as_mut()) {
                    instance.set(index, Change { value, ramp: 0 });
                }
            } else if c.renewed && !c.gate && c.pattern.is_none() && c.automation == NONE {
                // Who took over whole holds what the old default was, unless a note has set it.
                let value = c.modulated(value);
                let successors = node.fresh_from as usize;
                for voice in node.voices.iter_mut().take(successors) {
                    let by_note = voice.held.get(index).copied().flatten().is_some();
                    if let Some(instance) = voice.instance.as_mut().filter(|_| !by_note) {
                        instance.set(index, Change { value, ramp: 0 });
                    }
                }
            }
        }
        for node in 0..self.plan.nodes.len() {
            let n = &self.plan.nodes[node];
            let first = n.fresh_from as usize;
            if n.voiced && !n.ghost && first < n.voices.len() {
                self.with_allocator(node, |player| player.tell_new_voices(first));
            }
        }
        for at in 0..self.plan.resets.len() {
            let control = self.plan.resets[at].0;
            let base = self.plan.controls[control as usize].base;
            self.write(control, ControlWrite::Base(base));
        }
    }

    /// Labels may lead elsewhere in a new plan: patterns and automations let go of what is no longer
    /// theirs.
    fn release_lost_controls(&mut self) {
        for control in 0..self.plan.controls.len() as u32 {
            let ControlState { pattern, via, automation: index, .. } = self.plan.controls[control as usize];
            if pattern.is_some() && self.plan.control(via) != Some(control) {
                self.write(control, ControlWrite::Hushed);
            }
            if index == NONE {
                continue;
            }
            let running = self.automations.get(index as usize).and_then(Option::as_ref);
            if running.and_then(|r| self.plan.find(r.target, r.path)) != Some(control) {
                self.write(control, ControlWrite::AutomationEnds { index, arrived: None });
            }
        }
    }
}

/// Who plays the gate that a pattern's event outside of a note opens.
pub(super) fn loose(slot: u32) -> NoteKey {
    by_slot(slot)
}

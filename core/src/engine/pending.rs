//! Edits that wait for a position, and where "now", the next cycle and the next bar are.

use super::fades::Awaiting;
use super::history::Undoable;
use super::transitions::OfTransition;
use super::{At, Edit, Engine, touches_graph};
use std::collections::{BTreeMap, HashMap};

/// A "next" cycle or bar that is nearer than this many seconds is missed; the one after it is meant.
const NEXT_MARGIN: f64 = 0.02;
/// Positions less than this many seconds ahead may pass at any moment.
const NEAR: f64 = 0.5;

/// The edit that is being made.
#[derive(Default)]
pub(super) struct InHand {
    /// It does not wait for the next cycle.
    pub at_once: bool,
    /// It is one of a transition's beginning.
    pub transition: Option<OfTransition>,
}

/// What waits for its time.
#[derive(Default)]
pub(super) struct Waiting {
    /// Edits that wait for a position, in the order they came.
    pub edits: Vec<Pending>,
    /// Slots that wait for the next cycle to start: (edit, position in cycles).
    pub starting: HashMap<String, (u64, f64)>,
    /// The last start of each slot that waited for one, also when it is past.
    pub started: HashMap<String, (u64, f64)>,
    /// Fades that wait for the code of their nodes, and those that audio has not answered, by the path of their control.
    pub fades: BTreeMap<String, Awaiting>,
}

/// An edit that waits.
#[derive(Clone)]
pub(super) struct Pending {
    pub seq: u64,
    pub due: f64,
    pub relative: bool,
    pub edit: Edit,
    pub undoable: Undoable,
    /// It is a part of a transition.
    pub transition: Option<OfTransition>,
}

impl Pending {
    /// It acts by a plan that is sent ahead: an end of a transition is planned when it has come.
    pub fn is_plan(&self) -> bool {
        touches_graph(&self.edit) && !self.is_end()
    }

    /// It is done at the end of a transition.
    pub fn is_end(&self) -> bool {
        self.transition.as_ref().is_some_and(|of| of.end.is_some())
    }
}

impl Engine {
    /// Where an edit acts, in cycles, and whether that was relative to where the clock is.
    pub(super) fn resolve(&self, at: At) -> (Option<f64>, bool) {
        let published = self.link.position();
        // A meter that was set a moment ago counts already.
        let now = match published.beats_per_cycle > 0.0 {
            true => published.under(self.session.settings.beats_per_cycle, self.session.settings.host_meter),
            false => published,
        };
        let per_cycle = if now.beats_per_cycle > 0.0 { now.beats_per_cycle } else { self.beats_per_cycle() };
        let next = |start: f64, unit: f64| {
            let margin = NEXT_MARGIN * now.tempo / 60.0 / per_cycle;
            start + ((now.cycles + margin - start) / unit).ceil() * unit
        };
        match at {
            At::Now | At::AtOnce => (None, false),
            At::Position(p) => (Some(p), false),
            // Before a host has said what its bars are, they have four quarter notes.
            At::Bars(n) if now.bar_cycles <= 0.0 => (Some(n * 4.0 / per_cycle), false),
            At::Bars(n) => (Some(now.bar_start + (n - now.bar_count) * now.bar_cycles), false),
            At::Cycle | At::Bar if !now.running || self.audio.is_none() => (None, false),
            At::Cycle => (Some(next(0.0, 1.0)), true),
            At::Bar => (Some(next(now.bar_start, now.bar_cycles.max(1e-6))), true),
        }
    }

    /// May that position pass before the next tick?
    pub(super) fn is_near(&self, due: f64) -> bool {
        let now = self.link.position();
        let seconds = (due - now.cycles) * self.beats_per_cycle() * 60.0 / now.tempo.max(1.0);
        seconds < NEAR
    }

    /// A slot that is not playing starts at the next cycle; while it waits for that, what else is
    /// done to it waits too.
    pub(super) fn start_of_slot(&mut self, edit: &Edit) -> Option<f64> {
        let (slot, sets) = match edit {
            Edit::SetPattern { slot, .. } => (slot, true),
            Edit::Hush { slot } | Edit::RemoveSlot { slot } => (slot, false),
            _ => return None,
        };
        let seq = self.seq + 1;
        if let Some((waiting, _)) = self.waiting.starting.get_mut(slot) {
            *waiting = seq;
        } else if sets && !self.in_hand.at_once && !self.session.slots.get(slot).is_some_and(|s| s.playing) {
            let due = self.resolve(At::Cycle).0?;
            self.waiting.starting.insert(slot.clone(), (seq, due));
            self.waiting.started.retain(|known, _| self.session.slots.contains_key(known));
            self.waiting.started.insert(slot.clone(), (seq, due));
        }
        self.waiting.starting.get(slot).map(|(_, due)| *due)
    }

    /// Does one of these edits wait for its position? They wait in the order of their numbers. Of a transition that is its
    /// beginning.
    pub(super) fn is_pending(&self, edits: std::ops::RangeInclusive<u64>) -> bool {
        let at = self.waiting.edits.partition_point(|p| p.seq < *edits.start());
        let mut waiting = self.waiting.edits[at..].iter().take_while(|p| p.seq <= *edits.end());
        waiting.any(|p| !p.is_end())
    }

    /// How many edits wait for their position.
    pub fn waiting(&self) -> usize {
        self.waiting.edits.len()
    }

    /// The last start of a slot that waited, or waits, for the next cycle: its number, and where it was to be,
    /// in cycles.
    pub fn last_start(&self, slot: &str) -> Option<(u64, f64)> {
        self.waiting.started.get(slot).copied()
    }
}

/// Pending edits in the order in which they will act.
pub(super) fn sorted(pending: &[Pending]) -> Vec<&Pending> {
    let mut order: Vec<&Pending> = pending.iter().collect();
    order.sort_by(|a, b| a.due.total_cmp(&b.due).then(a.seq.cmp(&b.seq)));
    order
}

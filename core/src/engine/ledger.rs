//! The book of what audio was sent and has not answered, and by which numbers audio knows what it has.

use super::index_pool::IndexPool;
use crate::limits::{MAX_AUTOMATIONS, MAX_SLOTS};
use crate::processor::MAX_FADES;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What audio was sent.
pub(super) struct SentLedger {
    /// Source of numbers for patterns and automations that are sent.
    pub serial: u64,
    /// Edits that were cancelled, until audio says whether they have acted all the same.
    pub cancelled: BTreeSet<u64>,
    /// Slots' starts that were sent, until audio says that they have acted.
    pub starts: BTreeSet<u64>,
    /// Labels that controllers and macros do not move any more, by the edit that says so, until audio knows: values
    /// that are on their way here are still those of the session.
    pub leaving: BTreeMap<u64, Vec<String>>,
    /// Edits of today that audio has not answered yet: actions, and changes of the graph.
    pub actions: BTreeSet<u64>,
    pub graphs: BTreeSet<u64>,
    /// The last pattern sent for each slot: its origin comes back under its number.
    pub slot_serials: HashMap<String, u64>,
    pub slots: IndexPool,
    pub automations: IndexPool,
    /// Automations that were sent, by their number.
    pub drawn: BTreeMap<u64, SentAutomation>,
    /// The number of the session's automation of an id, as audio knows it.
    pub in_effect: HashMap<String, u64>,
    /// Controls that fade, by path (or label), and the fades that were sent: number → control, target.
    pub fades: IndexPool,
    pub fading: BTreeMap<u64, (String, f64)>,
    /// Base values on their way to audio: edit → path.
    pub sets: BTreeMap<u64, String>,
    /// Base values that a graph edit set on controls that live on: path → (value, edit).
    pub resets: BTreeMap<String, (f64, u64)>,
    /// Nodes that a graph edit removed: id → edit. Until audio knows, one of that id is another node.
    pub removed: BTreeMap<String, u64>,
}

impl SentLedger {
    /// Nothing was sent.
    pub fn new() -> Self {
        Self {
            serial: 0,
            cancelled: BTreeSet::new(),
            starts: BTreeSet::new(),
            leaving: BTreeMap::new(),
            actions: BTreeSet::new(),
            graphs: BTreeSet::new(),
            slot_serials: HashMap::new(),
            slots: IndexPool::below(MAX_SLOTS),
            automations: IndexPool::below(MAX_AUTOMATIONS),
            drawn: BTreeMap::new(),
            in_effect: HashMap::new(),
            fades: IndexPool::below(MAX_FADES),
            fading: BTreeMap::new(),
            sets: BTreeMap::new(),
            resets: BTreeMap::new(),
            removed: BTreeMap::new(),
        }
    }

    /// Has audio answered all of these edits that it was sent?
    pub fn has_answered(&self, edits: std::ops::RangeInclusive<u64>) -> bool {
        self.actions.range(edits.clone()).next().is_none() && self.graphs.range(edits).next().is_none()
    }

    /// Has audio answered everything?
    pub fn is_answered(&self) -> bool {
        self.actions.is_empty() && self.graphs.is_empty()
    }
}

/// An automation that was sent.
pub(super) struct SentAutomation {
    pub id: String,
    pub label: String,
    /// Where it comes to rest if it is drawn once.
    pub end: f64,
    /// The edit that set it.
    pub seq: u64,
}

//! The compiled program's insides: nodes in one flat array, time in whole ticks.

use crate::chord::Order;
use crate::draft::Structure;
use crate::tick::{Grid, Tick};

/// "No node": a silent child.
pub(crate) const NONE: u32 = u32::MAX;

/// A node with its own cycle, in ticks.
///
/// One tick lasts equally long above and below every node but `Rev` (which mirrors) and `Warp`
/// (which bends), so to go into a child is to add a constant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<T> {
    pub op: Op<T>,
    /// Ticks per cycle of the node's own time.
    pub cycle: T,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op<T> {
    Atom {
        leaf: u32,
    },
    Shape {
        leaf: u32,
    },
    /// Children: `kids[first..first + len]`.
    Stack {
        first: u32,
        len: u32,
    },
    /// Children, `NONE` for silence: `kids[first..first + len]`, each `slot` ticks long.
    Cat {
        first: u32,
        slot: T,
    },
    /// Sounding steps in rising order: `hits[first..first + len]`, each `slot` ticks long.
    Euclid {
        first: u32,
        len: u32,
        slot: T,
        child: u32,
    },
    Every {
        n: T,
        transform: u32,
        child: u32,
    },
    /// While the selector has an event of leaf `leaf + i`, `kids[first + i]` plays.
    Join {
        selector: u32,
        first: u32,
        leaf: u32,
    },
    /// What each pair of leaves makes: `cells[cell + (l - left) * width + r - right]`.
    Combine {
        structure: Structure,
        sides: [u32; 2],
        /// `left` and `right`.
        leaves: [u32; 2],
        width: u32,
        cell: u32,
    },
    /// What each event of leaf `leaf + i` becomes: `splits[split + i]`, a piece of `cells`.
    Split {
        child: u32,
        leaf: u32,
        split: u32,
    },
    /// The notes of each event of leaf `leaf + i`: `splits[split + i]`, a piece of `cells`.
    Arp {
        child: u32,
        leaf: u32,
        split: u32,
        order: Order,
        n: u32,
    },
    /// What each event of leaf `leaf + i` is in a chord: `inversions[first + i]`.
    Invert {
        child: u32,
        leaf: u32,
        first: u32,
    },
    Segment {
        slot: T,
        child: u32,
    },
    /// As `Split`, with pieces of `voices`.
    Notes {
        child: u32,
        leaf: u32,
        split: u32,
        len: u32,
    },
    /// Child tick: `tick + number * step + shift` in cycle `number`.
    Zoom {
        step: T,
        shift: T,
        child: u32,
    },
    Shuffle {
        n: u32,
        slot: T,
        scramble: bool,
        seed: u64,
        child: u32,
    },
    /// Each cycle one of `kids[first..first + len]`, whose shares are `shares[share..share + len]`.
    Choose {
        first: u32,
        len: u32,
        share: u32,
        seed: u64,
    },
    /// `child tick = tick + shift`.
    Line {
        shift: T,
        child: u32,
    },
    /// `reach`: how far units stick out of the cycle they begin in; `frozen`: are there units?
    Rev {
        child: u32,
        frozen: bool,
        reach: T,
    },
    Freeze {
        child: u32,
    },
    Degrade {
        prob: f64,
        seed: u64,
        child: u32,
    },
    Chance {
        prob: f64,
        seed: u64,
        invert: bool,
        child: u32,
    },
    Warp {
        bend: Bend<T>,
        child: u32,
    },
}

/// Swing as two straight lines per pair of steps; all in ticks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bend<T> {
    /// One step in the child's ticks; a pair is two.
    pub step: T,
    /// How many ticks one tick of the child lasts in the first and in the second step of a pair.
    pub first: T,
    pub second: T,
}

/// A note of an event: `cells[begins.0..begins.1]` at its beginning, those of `ends` after the share `num / den`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voice<T> {
    pub begins: [u32; 2],
    pub ends: [u32; 2],
    pub num: T,
    pub den: T,
    /// What its unit is known by; 0 if it is none.
    pub freeze: u32,
}

/// How often a chord is turned over, and the notes that a leaf has in it: a piece of `pitches`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inversion {
    pub by: i32,
    pub notes: [u32; 2],
}

/// A note of a chord. Its leaf `lowest + i` octaves higher is `cells[cell + i]`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pitch {
    pub pitch: f64,
    pub lowest: i32,
    pub cell: u32,
}

#[derive(Debug)]
pub(crate) struct Arena<T> {
    pub nodes: Vec<Node<T>>,
    pub kids: Vec<u32>,
    pub hits: Vec<u32>,
    /// Where the share of each kid of a `Choose` ends.
    pub shares: Vec<f64>,
    /// Leaves in the tables of `Combine`, `Split`, `Arp`, `Invert` and `Notes`.
    pub cells: Vec<u32>,
    /// Pieces: of `cells` for a `Split` or an `Arp`, of `voices` for `Notes`; `[begin, end)`.
    pub splits: Vec<[u32; 2]>,
    pub voices: Vec<Voice<T>>,
    pub inversions: Vec<Inversion>,
    pub pitches: Vec<Pitch>,
    /// The root's ticks.
    pub grid: Grid<T>,
    pub root: u32,
}

/// An event while a query works on it; times in ticks of the node that has it in hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawEvent<T> {
    pub whole: [T; 2],
    pub part: [T; 2],
    /// The outermost unit so far; without one, the whole.
    pub unit: [T; 2],
    /// The innermost unit.
    pub inner: [T; 2],
    /// The innermost unit's `Freeze` node + 1; 0: none.
    pub freeze: u32,
    pub leaf: u32,
    pub period: i64,
    pub from: f64,
    pub to: f64,
}

impl<T: Tick> RawEvent<T> {
    pub fn translate(&mut self, by: T) {
        for t in self.whole.iter_mut().chain(&mut self.part).chain(&mut self.unit).chain(&mut self.inner) {
            *t = *t + by;
        }
    }
}

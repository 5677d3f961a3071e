//! Which events can make a chord: how many of them can have one whole at one moment. An arpeggio divides wholes by the
//! number of their notes, so it has to be known before.

use std::collections::{BTreeSet, HashMap};

use super::{Draft, DraftOp, Structure};
use crate::chord::{MAX_CHORD, Order};

/// More than a chord can have; counts stop here.
const TOO_MANY: usize = MAX_CHORD + 1;

/// What is known of the events of a node at any one moment.
#[derive(Debug, Clone)]
pub(super) struct Chords {
    /// How many there are at most.
    layers: usize,
    /// How many of them can have the same whole.
    sizes: BTreeSet<usize>,
    /// All of them have it always, and it is the node's cycle.
    solid: bool,
    /// Those that have it have the same part.
    even: bool,
}

impl Chords {
    fn one() -> Self {
        Self { layers: 1, sizes: BTreeSet::from([1]), solid: true, even: true }
    }

    /// The same where events may be shorter than the cycle, or not be.
    fn loose(self) -> Self {
        Self { solid: false, ..self }
    }

    /// So many layers, any of which may make a chord.
    fn any(layers: usize) -> Self {
        let layers = layers.min(TOO_MANY);
        Self { layers, sizes: (1..=layers).collect(), solid: false, even: layers == 1 }
    }

    /// One of several at a time.
    fn either(kids: impl IntoIterator<Item = Self>) -> Self {
        let none = Self { layers: 0, sizes: BTreeSet::new(), solid: false, even: true };
        kids.into_iter().fold(none, |all, kid| Self {
            layers: all.layers.max(kid.layers),
            sizes: &all.sizes | &kid.sizes,
            solid: false,
            even: all.even && kid.even,
        })
    }

    /// All of several at once.
    fn stacked(kids: Vec<Self>) -> Self {
        let layers = kids.iter().map(|kid| kid.layers).sum::<usize>().min(TOO_MANY);
        if kids.iter().all(|kid| kid.solid) {
            return Self { layers, sizes: BTreeSet::from([layers]), solid: true, even: true };
        }
        let mut sizes = BTreeSet::from([0]);
        for kid in &kids {
            let more = sizes.iter().flat_map(|size| kid.sizes.iter().map(move |more| size + more));
            let more: BTreeSet<usize> = more.map(|size| size.min(TOO_MANY)).collect();
            sizes.extend(more);
        }
        sizes.remove(&0);
        Self { layers, sizes, solid: false, even: layers <= 1 }
    }

    /// The events of the first cut by those of the second.
    fn cut(first: Self, second: &Self, holes: bool) -> Self {
        let layers = (first.layers * second.layers).min(TOO_MANY);
        if second.layers > 1 || (holes && first.layers > 1) {
            return Self { even: !holes && second.layers <= 1 && first.even, ..Self::any(layers) };
        }
        Self { layers, solid: first.solid && second.solid && !holes, ..first }
    }

    /// The numbers of notes that a chord can have, rising, of events with these numbers of notes.
    pub fn totals(&self, lengths: &[usize]) -> Vec<usize> {
        let lengths: BTreeSet<usize> = lengths.iter().copied().collect();
        let mut totals = BTreeSet::new();
        let mut sums = BTreeSet::from([0]);
        for size in 1..=self.sizes.last().copied().unwrap_or(0) {
            let longer = sums.iter().flat_map(|sum| lengths.iter().map(move |length| sum + length));
            sums = longer.map(|sum: usize| sum.min(TOO_MANY)).collect();
            if self.sizes.contains(&size) {
                totals.extend(&sums);
            }
        }
        totals.into_iter().collect()
    }

    /// The same where each event becomes notes with its whole, as many as one of these numbers says.
    fn noted(self, lengths: &[usize]) -> Self {
        let longest = lengths.iter().copied().max().unwrap_or(1);
        let layers = (self.layers * longest).min(TOO_MANY);
        if !self.even && layers > 1 {
            // What sounds is cut where the others begin and end.
            return Self { even: false, ..Self::any(layers) };
        }
        let solid = self.solid && lengths.iter().all(|length| *length == longest);
        Self { layers, sizes: self.totals(lengths).into_iter().collect(), solid, even: true }
    }

    /// The most events that an arpeggio makes of one event with one of these numbers of notes.
    pub fn pieces(&self, order: Order, n: u32, lengths: &[usize]) -> u32 {
        let longest = lengths.iter().copied().max().unwrap_or(1);
        let rounds = if order.rolls() { 1 } else { n as usize };
        let pieces = match self.layers {
            0 | 1 => order.places(longest),
            // An order has at most twice as many places as notes.
            _ if matches!(order, Order::UpDown | Order::DownUp) => 2 * longest,
            _ => longest,
        };
        // Where parts differ, each end of one may cut a piece, and so may its beginning, on both sides.
        let cuts = match (self.even, order.rolls()) {
            (true, _) => 0,
            (false, false) => 4,
            // All that sounds is cut.
            (false, true) => 2 * self.layers * longest,
        };
        (pieces * rounds + cuts) as u32
    }
}

impl Draft {
    /// What is known of the events of a node. The node lies below operators on values: without units.
    pub(super) fn chords(&self, node: usize) -> Chords {
        self.chords_of(node, &mut HashMap::new())
    }

    /// Recursion is bounded: a draft is at most `MAX_DEPTH` deep.
    fn chords_of(&self, node: usize, known: &mut HashMap<usize, Chords>) -> Chords {
        if let Some(chords) = known.get(&node) {
            return chords.clone();
        }
        let mut of = |node: usize| self.chords_of(node, known);
        let chords = match &self.nodes[node].op {
            DraftOp::Leaf(_) => Chords::one(),
            DraftOp::Stack(kids) => Chords::stacked(kids.iter().map(|kid| of(*kid)).collect()),
            DraftOp::Cat(kids) | DraftOp::Choose { kids, .. } => {
                Chords::either(kids.iter().flatten().map(|kid| of(*kid)))
            }
            DraftOp::Every { transform, child, .. } => {
                Chords::either(transform.iter().chain(child).map(|kid| of(*kid)))
            }
            DraftOp::Join { selector, kids, .. } => {
                let either = Chords::either(kids.iter().flatten().map(|kid| of(*kid)));
                match of(*selector).layers {
                    1 => either,
                    layers => Chords::any(layers * either.layers),
                }
            }
            DraftOp::Combine { structure, left, right, holes, .. } => {
                let (left, right) = (of(*left), of(*right));
                match structure {
                    Structure::Left => Chords::cut(left, &right, *holes),
                    Structure::Right => Chords::cut(right, &left, *holes),
                    Structure::Both => Chords::any(left.layers * right.layers),
                }
            }
            DraftOp::Split { child, .. } => match of(*child) {
                below if below.solid || below.layers <= 1 => below.loose(),
                below => Chords::any(below.layers),
            },
            DraftOp::Arp { child, order, notes, .. } => {
                let below = of(*child);
                let longest = notes.iter().map(Vec::len).max().unwrap_or(1);
                let layers = below.layers * if order.rolls() { longest } else { 1 };
                // Notes of one chord never have the same whole.
                match below.solid || below.layers <= 1 {
                    true => Chords { layers: layers.min(TOO_MANY), even: true, ..Chords::one().loose() },
                    false => Chords::any(layers),
                }
            }
            DraftOp::Invert { child, turned, .. } => {
                let lengths: Vec<usize> = turned.iter().flatten().map(|one| one.notes.len()).collect();
                of(*child).noted(&lengths)
            }
            DraftOp::Segment { child, .. } => match of(*child) {
                below if below.solid => below.loose(),
                below => Chords { even: true, ..Chords::any(below.layers) },
            },
            op => op.children().into_iter().map(of).next().map_or_else(Chords::one, Chords::loose),
        };
        known.insert(node, chords.clone());
        chords
    }
}

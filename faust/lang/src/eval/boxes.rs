//! Diagrams and values of the evaluator, each kept once.

use super::env::Env;
use super::names::Sym;
use crate::hash::Map;
use crate::num::Num;
use crate::prim::Prim;
use crate::syntax::{Composition, GroupKind, SliderKind};

/// A diagram or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BoxId(pub u32);

/// A list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct List(pub u32);

/// A function of the text: [`super::Evaluator::func`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FuncId(pub u32);

/// A foreign function that programs may call: place in `foreign::FUNCTIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ForeignId(pub u32);

/// What a box is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A whole number.
    Int(i32),
    /// A number with a point, as its bits.
    Real(u64),
    /// One signal goes through.
    Wire,
    /// One signal ends.
    Cut,
    /// Nothing in, nothing out: `par(i, 0, …)`.
    Empty,
    /// A parameter of a [`Node::Symbolic`] around it.
    Slot(u32),
    /// A diagram whose first input is the slot.
    Symbolic(u32, BoxId),
    /// A primitive.
    Prim(Prim),
    /// Two diagrams.
    Compose(Composition, BoxId, BoxId),
    /// `button`
    Button(Sym),
    /// `checkbox`
    Checkbox(Sym),
    /// A widget with first value, least, largest and step.
    Slider(SliderKind, Sym, List),
    /// Shows a signal between two numbers; whether horizontally.
    Bargraph(bool, Sym, List),
    /// Widgets of a diagram in a group.
    Group(GroupKind, Sym, BoxId),
    /// A foreign function.
    Foreign(ForeignId),
    /// The sampling rate.
    SampleRate,
    /// Numbers, one after the other, for ever.
    Waveform(List),
    /// Inputs to outputs, by pairs.
    Route(u32, u32, List),
    /// A function with so many of its parameters in the environment.
    Closure(FuncId, Env, u32),
    /// `case` with the arguments so far.
    Matcher(FuncId, Env, List),
    /// Definitions.
    Environment(Env),
    /// A variable of a pattern.
    Var(Sym),
}

/// Facts about a box that follow from what it is made of.
#[derive(Clone, Copy, Default)]
struct Facts {
    /// There is a function, `case` or environment inside.
    closure: bool,
    /// There is something inside whose value is not known at compile time.
    live: bool,
}

/// All boxes of a compile.
#[derive(Default)]
pub struct Boxes {
    nodes: Vec<Node>,
    facts: Vec<Facts>,
    ids: Map<Node, BoxId>,
    lists: Vec<Box<[BoxId]>>,
    list_ids: Map<Box<[BoxId]>, List>,
}

impl Boxes {
    /// The box that is this.
    pub fn add(&mut self, node: Node) -> BoxId {
        if let Some(id) = self.ids.get(&node) {
            return *id;
        }
        let id = BoxId(self.nodes.len() as u32);
        self.facts.push(self.facts_of(node));
        self.nodes.push(node);
        self.ids.insert(node, id);
        id
    }

    fn facts_of(&self, node: Node) -> Facts {
        let of = |id: BoxId| self.facts[id.0 as usize];
        let live = Facts { closure: false, live: true };
        match node {
            Node::Int(_)
            | Node::Real(_)
            | Node::Wire
            | Node::Cut
            | Node::Slot(_)
            | Node::Route(..)
            | Node::Empty => Facts::default(),
            Node::Prim(Prim::Mem | Prim::Rdtable | Prim::Rwtable | Prim::Prefix) => live,
            Node::Prim(_) => Facts::default(),
            Node::Symbolic(_, body) => of(body),
            Node::Compose(how, a, b) => Facts {
                closure: of(a).closure || of(b).closure,
                live: of(a).live || of(b).live || how == Composition::Rec,
            },
            Node::Group(_, _, body) => Facts { closure: of(body).closure, live: true },
            Node::Closure(..) | Node::Matcher(..) | Node::Environment(_) => {
                Facts { closure: true, live: false }
            }
            _ => live,
        }
    }

    /// What a box is.
    pub fn node(&self, id: BoxId) -> Node {
        self.nodes[id.0 as usize]
    }

    /// There is a function, `case` or environment inside.
    pub fn has_closure(&self, id: BoxId) -> bool {
        self.facts[id.0 as usize].closure
    }

    /// There is something inside whose value is not known at compile time.
    pub fn is_live(&self, id: BoxId) -> bool {
        self.facts[id.0 as usize].live
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.nodes.len()
    }

    /// The list of these.
    pub fn list(&mut self, items: &[BoxId]) -> List {
        if let Some(id) = self.list_ids.get(items) {
            return *id;
        }
        let id = List(self.lists.len() as u32);
        self.lists.push(items.into());
        self.list_ids.insert(items.into(), id);
        id
    }

    /// What is in a list.
    pub fn items(&self, list: List) -> &[BoxId] {
        &self.lists[list.0 as usize]
    }

    /// A number.
    pub fn number(&mut self, value: Num) -> BoxId {
        self.add(match value {
            Num::Int(value) => Node::Int(value),
            Num::Real(value) => Node::Real(value.to_bits()),
        })
    }

    /// The number that a box is.
    pub fn as_number(&self, id: BoxId) -> Option<Num> {
        match self.node(id) {
            Node::Int(value) => Some(Num::Int(value)),
            Node::Real(bits) => Some(Num::Real(f64::from_bits(bits))),
            _ => None,
        }
    }
}

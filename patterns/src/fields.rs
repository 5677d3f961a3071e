//! Which operator has which fields, and a node made of them.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Visitor};

use crate::Value;
use crate::ir::{Fraction, Pattern, SourceSpan};

/// An enum of names: `of` finds one, `name` gives it back.
macro_rules! names {
    ($(#[$doc:meta])* $kind:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $kind { $($variant),* }

        impl $kind {
            pub fn of(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }

            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            #[allow(dead_code, reason = "not every list of names is asked for")]
            pub const NAMES: &[&str] = &[$($name),*];
        }
    };
}
pub(crate) use names;

/// Names of all operators, as the `op` of a tree.
pub fn op_names() -> impl Iterator<Item = &'static str> {
    Op::NAMES.iter().copied()
}

names! {
    /// The operator of a node.
    Op {
        Atom = "Atom", Silence = "Silence", Cat = "Cat", Stack = "Stack", Fast = "Fast", Slow = "Slow",
        Early = "Early", Late = "Late", Rev = "Rev", Every = "Every", Euclid = "Euclid",
        Degrade = "Degrade", Chance = "Chance", Number = "Number", Name = "Name", Vary = "Vary",
        Pick = "Pick", Choose = "Choose", Label = "Label", Combine = "Combine",
        Split = "Split", Zoom = "Zoom", Segment = "Segment", Tune = "Tune", Shuffle = "Shuffle", Freeze = "Freeze", Warp = "Warp", Shape = "Shape",
    }
}

names! {
    /// A key of a node.
    Key {
        Op = "op", Span = "span", Child = "child", Children = "children", Transform = "transform",
        Value = "value", Factor = "factor", Offset = "offset", N = "n", Pulses = "pulses",
        Steps = "steps", Rotation = "rotation", Prob = "prob", Seed = "seed", Kind = "kind",
        Amount = "amount", Grid = "grid", Lo = "lo", Hi = "hi", Label = "label", Duty = "duty",
        Table = "table", Invert = "invert", By = "by", Index = "index", Name = "name",
        Weights = "weights", Plain = "plain", Tuning = "tuning", Map = "map",
        Left = "left", Right = "right", Structure = "structure", From = "from", To = "to",
    }
}

impl Op {
    /// The fields of such a node other than `op` and `span`; what lies below comes first, in order.
    pub fn keys(self) -> &'static [Key] {
        match self {
            Op::Atom => &[Key::Value],
            Op::Silence => &[],
            Op::Cat | Op::Stack => &[Key::Children],
            Op::Fast | Op::Slow => &[Key::Child, Key::Factor],
            Op::Early | Op::Late => &[Key::Child, Key::Offset],
            Op::Rev | Op::Freeze => &[Key::Child],
            Op::Every => &[Key::Transform, Key::Child, Key::N],
            Op::Euclid => &[Key::Child, Key::Pulses, Key::Steps, Key::Rotation],
            Op::Degrade => &[Key::Child, Key::Prob, Key::Seed],
            Op::Chance => &[Key::Child, Key::Prob, Key::Seed, Key::Invert],
            Op::Number => &[Key::Value],
            Op::Name => &[Key::Name],
            Op::Vary => &[Key::By, Key::Transform, Key::Child, Key::Kind, Key::Seed],
            Op::Pick => &[Key::Index, Key::Children],
            Op::Choose => &[Key::Children, Key::Weights, Key::Seed],
            Op::Label => &[Key::Child, Key::Label, Key::Plain],
            Op::Combine => &[Key::Left, Key::Right, Key::Kind, Key::Structure],
            Op::Split => &[Key::Child, Key::Kind, Key::N],
            Op::Zoom => &[Key::Child, Key::From, Key::To],
            Op::Segment => &[Key::Child, Key::N],
            Op::Tune => &[Key::Child, Key::Tuning, Key::Map],
            Op::Shuffle => &[Key::Child, Key::Kind, Key::N, Key::Seed],
            Op::Warp => &[Key::Child, Key::Kind, Key::Amount, Key::Grid],
            Op::Shape => &[Key::Kind, Key::Lo, Key::Hi, Key::Label, Key::Duty, Key::Seed, Key::Table],
        }
    }
}

impl Op {
    /// May such a node be without this field, though it is a pattern?
    pub fn may_lack(self, key: Key) -> bool {
        (self, key) == (Op::Vary, Key::Transform)
    }
}

impl Key {
    /// Is it a pattern or a list of patterns?
    pub fn is_below(self) -> bool {
        self.is_list() || matches!(self, Key::Child | Key::Transform | Key::Index | Key::Left | Key::Right)
    }

    /// Is it a list of patterns?
    pub fn is_list(self) -> bool {
        matches!(self, Key::Children | Key::By)
    }
}

impl<'de> Deserialize<'de> for Op {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OpVisitor;
        impl Visitor<'_> for OpVisitor {
            type Value = Op;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of an operator as `op`")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Op, E> {
                Op::of(name).ok_or_else(|| E::custom(format_args!("unknown op `{name}`")))
            }
        }
        deserializer.deserialize_str(OpVisitor)
    }
}

/// The fields of one node as far as they are read.
#[derive(Default)]
pub(crate) struct Fields {
    child: Option<Box<Pattern>>,
    transform: Option<Box<Pattern>>,
    children: Option<Vec<Pattern>>,
    index: Option<Box<Pattern>>,
    left: Option<Box<Pattern>>,
    right: Option<Box<Pattern>>,
    by: Option<Vec<Pattern>>,
    name: Option<String>,
    value: Option<Value>,
    /// A factor, an offset or `from`.
    fraction: Option<Fraction>,
    /// `n`, `pulses` or `grid`.
    count: Option<u32>,
    steps: Option<u32>,
    rotation: Option<i64>,
    /// `prob`, `amount` or `lo`.
    number: Option<f64>,
    hi: Option<f64>,
    duty: Option<f64>,
    seed: Option<u64>,
    kind: Option<String>,
    label: Option<String>,
    table: Option<Vec<f64>>,
    invert: Option<bool>,
    plain: Option<bool>,
    weights: Option<Vec<f64>>,
    structure: Option<String>,
    to: Option<Fraction>,
    tuning: Option<String>,
    map: Option<String>,
}

/// Reads one field that is not below the node.
pub(crate) struct Field<'a>(pub &'a mut Fields, pub Key, pub Op);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Self(fields, key, op) = self;
        match key {
            Key::Value if op == Op::Number => fields.number = Some(f64::deserialize(json)?),
            Key::Name => fields.name = Some(String::deserialize(json)?),
            Key::Weights => fields.weights = Option::deserialize(json)?,
            Key::Value => fields.value = Some(Value::deserialize(json)?),
            Key::Structure => fields.structure = Some(String::deserialize(json)?),
            Key::Tuning => fields.tuning = Some(String::deserialize(json)?),
            Key::Map => fields.map = Option::deserialize(json)?,
            Key::To => fields.to = Some(Fraction::deserialize(json)?),
            Key::Factor | Key::Offset | Key::From => fields.fraction = Some(Fraction::deserialize(json)?),
            Key::N | Key::Pulses | Key::Grid => fields.count = Some(u32::deserialize(json)?),
            Key::Steps => fields.steps = Some(u32::deserialize(json)?),
            Key::Prob | Key::Amount | Key::Lo => fields.number = Some(f64::deserialize(json)?),
            Key::Hi => fields.hi = Some(f64::deserialize(json)?),
            Key::Kind => fields.kind = Some(String::deserialize(json)?),
            Key::Label => fields.label = Some(String::deserialize(json)?),
            // These may be left out, or null.
            Key::Rotation => fields.rotation = Option::deserialize(json)?,
            Key::Duty => fields.duty = Option::deserialize(json)?,
            Key::Seed => fields.seed = Option::deserialize(json)?,
            Key::Invert => fields.invert = Option::deserialize(json)?,
            Key::Plain => fields.plain = Option::deserialize(json)?,
            Key::Table => fields.table = Option::deserialize(json)?,
            Key::Op
            | Key::Span
            | Key::Child
            | Key::Children
            | Key::Transform
            | Key::Index
            | Key::Left
            | Key::Right
            | Key::By => {
                de::IgnoredAny::deserialize(json)?;
            }
        }
        Ok(())
    }
}

impl Fields {
    /// Puts in what lies below the node.
    pub fn put(&mut self, key: Key, node: Pattern) {
        let place = match key {
            Key::Transform => &mut self.transform,
            Key::Index => &mut self.index,
            Key::Left => &mut self.left,
            Key::Right => &mut self.right,
            _ => &mut self.child,
        };
        *place = Some(Box::new(node));
    }

    /// Puts in a list of what lies below the node.
    pub fn put_list(&mut self, key: Key, nodes: Vec<Pattern>) {
        match key {
            Key::By => self.by = Some(nodes),
            _ => self.children = Some(nodes),
        }
    }

    /// The node, or the key of the field that it lacks.
    pub fn node(self, op: Op, span: Option<SourceSpan>) -> Result<Pattern, Key> {
        let child = self.child.ok_or(Key::Child);
        let (factor, offset) = (self.fraction.ok_or(Key::Factor), self.fraction.ok_or(Key::Offset));
        Ok(match op {
            Op::Atom => Pattern::Atom { value: self.value.ok_or(Key::Value)?, span },
            Op::Silence => Pattern::Silence { span },
            Op::Cat => Pattern::Cat { children: self.children.ok_or(Key::Children)?, span },
            Op::Stack => Pattern::Stack { children: self.children.ok_or(Key::Children)?, span },
            Op::Fast => Pattern::Fast { child: child?, factor: factor?, span },
            Op::Slow => Pattern::Slow { child: child?, factor: factor?, span },
            Op::Early => Pattern::Early { child: child?, offset: offset?, span },
            Op::Late => Pattern::Late { child: child?, offset: offset?, span },
            Op::Rev => Pattern::Rev { child: child?, span },
            Op::Freeze => Pattern::Freeze { child: child?, span },
            Op::Every => Pattern::Every {
                transform: self.transform.ok_or(Key::Transform)?,
                child: child?,
                n: self.count.ok_or(Key::N)?,
                span,
            },
            Op::Euclid => Pattern::Euclid {
                child: child?,
                pulses: self.count.ok_or(Key::Pulses)?,
                steps: self.steps.ok_or(Key::Steps)?,
                rotation: self.rotation.unwrap_or(0),
                span,
            },
            Op::Degrade => Pattern::Degrade {
                child: child?,
                prob: self.number.ok_or(Key::Prob)?,
                seed: self.seed.unwrap_or(0),
                span,
            },
            Op::Chance => Pattern::Chance {
                child: child?,
                prob: self.number.ok_or(Key::Prob)?,
                seed: self.seed.unwrap_or(0),
                invert: self.invert.unwrap_or(false),
                span,
            },
            Op::Number => Pattern::Number { value: self.number.ok_or(Key::Value)?, span },
            Op::Name => Pattern::Name { name: self.name.ok_or(Key::Name)?, span },
            Op::Vary => Pattern::Vary {
                by: self.by.ok_or(Key::By)?,
                transform: self.transform,
                child: child?,
                kind: self.kind.ok_or(Key::Kind)?,
                seed: self.seed.unwrap_or(0),
                span,
            },
            Op::Pick => Pattern::Pick {
                index: self.index.ok_or(Key::Index)?,
                children: self.children.ok_or(Key::Children)?,
                span,
            },
            Op::Choose => Pattern::Choose {
                children: self.children.ok_or(Key::Children)?,
                weights: self.weights,
                seed: self.seed.unwrap_or(0),
                span,
            },
            Op::Label => Pattern::Label {
                child: child?,
                label: self.label.ok_or(Key::Label)?,
                plain: self.plain.unwrap_or(false),
                span,
            },
            Op::Combine => Pattern::Combine {
                left: self.left.ok_or(Key::Left)?,
                right: self.right.ok_or(Key::Right)?,
                kind: self.kind.ok_or(Key::Kind)?,
                structure: self.structure.ok_or(Key::Structure)?,
                span,
            },
            Op::Split => Pattern::Split {
                child: child?,
                kind: self.kind.ok_or(Key::Kind)?,
                n: self.count.ok_or(Key::N)?,
                span,
            },
            Op::Zoom => Pattern::Zoom {
                child: child?,
                from: self.fraction.ok_or(Key::From)?,
                to: self.to.ok_or(Key::To)?,
                span,
            },
            Op::Segment => Pattern::Segment { child: child?, n: self.count.ok_or(Key::N)?, span },
            Op::Tune => {
                Pattern::Tune { child: child?, tuning: self.tuning.ok_or(Key::Tuning)?, map: self.map, span }
            }
            Op::Shuffle => Pattern::Shuffle {
                child: child?,
                kind: self.kind.ok_or(Key::Kind)?,
                n: self.count.ok_or(Key::N)?,
                seed: self.seed.unwrap_or(0),
                span,
            },
            Op::Warp => Pattern::Warp {
                child: child?,
                kind: self.kind.ok_or(Key::Kind)?,
                amount: self.number.ok_or(Key::Amount)?,
                grid: self.count.ok_or(Key::Grid)?,
                span,
            },
            Op::Shape => Pattern::Shape {
                kind: self.kind.ok_or(Key::Kind)?,
                lo: self.number.ok_or(Key::Lo)?,
                hi: self.hi.ok_or(Key::Hi)?,
                label: self.label.ok_or(Key::Label)?,
                duty: self.duty,
                seed: self.seed,
                table: self.table,
                span,
            },
        })
    }
}

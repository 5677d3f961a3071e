//! The pattern tree as clients send it and sessions keep it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::shape::SHAPE_KINDS;
use crate::{Value, schema};

/// The deepest a pattern may nest: the number of steps from the root to the lowest node.
pub const MAX_DEPTH: usize = 256;

/// The longest label or name, in bytes: as long as the engine's longest path, an id and a control of 1024 bytes each
/// with a `/` between.
pub const MAX_LABEL: usize = 2049;

/// `[numerator, denominator]`, as in JSON. Not reduced and not checked: [`crate::compile()`] does that.
pub type Fraction = [i64; 2];

/// Where in a text a node came from: `[start, end)` in bytes.
pub type SourceSpan = [u32; 2];

/// The longest text of a tuning or of its map, in bytes.
pub const MAX_TUNING: usize = 1 << 16;

/// The kinds of a `Vary` node.
pub const VARY_KINDS: [&str; 7] = ["fast", "slow", "early", "late", "chance", "euclid", "every"];

/// The kinds of a `Combine` node.
pub const COMBINE_KINDS: [&str; 12] =
    ["add", "sub", "mul", "div", "mod", "set", "keep", "mask", "scale", "inv", "voicing", "inv_stack"];

/// Whose events those of a `Combine` node are.
pub const STRUCTURES: [&str; 3] = ["left", "right", "both"];

/// The kinds of a `Split` node.
pub const SPLIT_KINDS: [&str; 9] =
    ["ply", "up", "down", "updown", "downup", "converge", "diverge", "rolled", "rolled_down"];

/// The kinds of a `Shuffle` node.
pub const SHUFFLE_KINDS: [&str; 2] = ["shuffle", "scramble"];

/// A pattern: a tree of operators over atoms. In JSON tagged by `op`.
///
/// Every node may carry the `span` of text it came from; a span changes nothing but the
/// `source` of the events. `Clone`, `PartialEq` and `Debug` recurse; dropping does not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "op")]
#[schemars(transform = schema::of_pattern)]
#[allow(missing_docs)] // `span` and `child` say the same everywhere
pub enum Pattern {
    /// One event per cycle, filling it.
    Atom {
        value: Value,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Nothing.
    Silence {
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// All children within one cycle, one after the other, each getting the same share.
    Cat {
        #[schemars(length(min = 1))]
        children: Vec<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// All children at once.
    Stack {
        #[schemars(length(min = 1))]
        children: Vec<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// `factor` cycles of the child in one cycle.
    Fast {
        factor: Fraction,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// One cycle of the child in `factor` cycles.
    Slow {
        factor: Fraction,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The child `offset` cycles sooner.
    Early {
        offset: Fraction,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The child `offset` cycles later.
    Late {
        offset: Fraction,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Every cycle mirrored in itself; frozen units change place but stay as they are inside.
    Rev {
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Cycles divisible by `n` take `transform`, the others `child`.
    Every {
        #[schemars(range(min = 1))]
        n: u32,
        transform: Box<Pattern>,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The child on `pulses` of `steps` equal steps, spread as evenly as can be (Bjorklund), the
    /// row rotated left by `rotation`.
    Euclid {
        pulses: u32,
        #[schemars(range(min = 1))]
        steps: u32,
        #[schemars(with = "Option<i64>")]
        rotation: i64,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Drops units with probability `prob`, decided by a hash of the onset and `seed`.
    Degrade {
        #[schemars(range(min = 0, max = 1))]
        prob: f64,
        #[schemars(with = "Option<u64>")]
        seed: u64,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Drops units with probability `prob`, or with `invert` keeps just those. The throw is a hash of the onset,
    /// `seed` and the session's seed, in which neighbours are independent.
    Chance {
        #[schemars(range(min = 0, max = 1))]
        prob: f64,
        #[schemars(with = "Option<u64>")]
        seed: u64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[schemars(with = "Option<bool>")]
        invert: bool,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// A number once per cycle: a value for operators that take one. It plays nothing by itself.
    Number {
        value: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// A name once per cycle: a value for operators that take one. It plays nothing by itself.
    Name {
        #[schemars(length(max = MAX_LABEL))]
        name: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// An operator whose numbers are patterns. While the patterns in `by` have these numbers, the child plays as if
    /// they were written there; where one of them has none, nothing plays. Kinds, with what `by` holds: `fast`,
    /// `slow` (a factor), `early`, `late` (cycles), `chance` (a probability), `euclid` (pulses, steps, perhaps
    /// rotation; with negative pulses the other steps), `every` (n; then `transform` plays in cycles divisible by n).
    Vary {
        #[schemars(extend("enum" = VARY_KINDS))]
        kind: String,
        #[schemars(length(min = 1, max = 3))]
        by: Vec<Pattern>,
        /// Of `chance`.
        #[schemars(with = "Option<u64>")]
        seed: u64,
        /// Of `every`, which has it; the other kinds have none.
        #[serde(skip_serializing_if = "Option::is_none")]
        transform: Option<Box<Pattern>>,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// While the pattern `index` has the number k, child k plays, counted from 0 and around.
    Pick {
        index: Box<Pattern>,
        #[schemars(length(min = 1))]
        children: Vec<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Each cycle one child at random, in proportion to its weight; without `weights` all alike.
    Choose {
        #[serde(skip_serializing_if = "Option::is_none")]
        weights: Option<Vec<f64>>,
        #[schemars(with = "Option<u64>")]
        seed: u64,
        #[schemars(length(min = 1))]
        children: Vec<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The child's numbers, and for pitch its names, become the control `label`. A `note` is a MIDI key, a `chord` is
    /// a name such as `C:m7`; they play as notes, with a gate that closes at half of the event, or at the part of it
    /// that the control `legato` says. With `plain` each value is one event of the control, whatever its name.
    Label {
        #[schemars(length(min = 1, max = MAX_LABEL))]
        label: String,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        #[schemars(with = "Option<bool>")]
        plain: bool,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Each event of one pattern meets the values that the other has then. Kinds: `add`, `sub`, `mul`, `div`, `mod`
    /// on numbers; `set` takes the right value, `keep` the left; controls meet by name, and the others are joined.
    /// `mask` leaves what meets a value other than 0 and `f`. `scale` makes numbers, or notes, degrees of a scale
    /// that the right names. `inv` moves the lowest notes of a chord up an octave, as many as the right says, or with
    /// a negative number the highest down. `voicing` moves each note by octaves into the octave that ends with the
    /// note that the right says. `inv_stack` is `inv` of what begins and ends together, as one chord.
    /// With the structure `left` the events are those of the left pattern, with `right` of the right, with `both`
    /// what is common to an event of each.
    Combine {
        #[schemars(extend("enum" = COMBINE_KINDS))]
        kind: String,
        #[schemars(extend("enum" = STRUCTURES))]
        structure: String,
        left: Box<Pattern>,
        right: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Each event divided: `ply` repeats it `n` times within itself. The other kinds take all that begins and ends
    /// together as one chord. `up`, `down`, `updown`, `downup`, `converge` and `diverge` play its notes one after the
    /// other, `n` times. With `rolled` and `rolled_down` they begin one after the other within the first `1/n` of it,
    /// and last to its end.
    Split {
        #[schemars(extend("enum" = SPLIT_KINDS))]
        kind: String,
        #[schemars(range(min = 1, max = 256))]
        n: u32,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The piece from `from` to `to` of each cycle of the child fills the cycle.
    Zoom {
        from: Fraction,
        to: Fraction,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// `n` times per cycle what the child has at that moment, held until the next. A shape stands still meanwhile.
    Segment {
        #[schemars(range(min = 1, max = 4096))]
        n: u32,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// The child's notes in a tuning: a name such as `19edo`, or the text of a Scala file (.scl). Keys go to its degrees
    /// one by one, 60 to the first, or as the text of a keyboard mapping (.kbm) says.
    Tune {
        #[schemars(length(min = 1, max = MAX_TUNING))]
        tuning: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = MAX_TUNING))]
        map: Option<String>,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Each cycle cut into `n` pieces that chance puts into another order: `shuffle` plays each once, `scramble` takes
    /// any for each place.
    Shuffle {
        #[schemars(extend("enum" = SHUFFLE_KINDS))]
        kind: String,
        #[schemars(range(min = 1, max = 64))]
        n: u32,
        #[schemars(with = "Option<u64>")]
        seed: u64,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Each cycle of the child is one indivisible unit.
    Freeze {
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// Bends time within each pair of `grid` steps; the one kind is `swing`.
    Warp {
        #[schemars(extend("const" = "swing"))]
        kind: String,
        #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
        amount: f64,
        #[schemars(range(min = 2), extend("multipleOf" = 2))]
        grid: u32,
        child: Box<Pattern>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
    /// A control that moves continuously, one period per cycle. See [`crate::Shape`].
    Shape {
        #[schemars(extend("enum" = SHAPE_KINDS))]
        kind: String,
        lo: f64,
        hi: f64,
        #[schemars(length(max = MAX_LABEL))]
        label: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 0, max = 1))]
        duty: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seed: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        table: Option<Vec<f64>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        span: Option<SourceSpan>,
    },
}

impl Pattern {
    /// The node's operator, as the `op` tag spells it.
    pub fn op(&self) -> &'static str {
        match self {
            Pattern::Atom { .. } => "Atom",
            Pattern::Silence { .. } => "Silence",
            Pattern::Cat { .. } => "Cat",
            Pattern::Stack { .. } => "Stack",
            Pattern::Fast { .. } => "Fast",
            Pattern::Slow { .. } => "Slow",
            Pattern::Early { .. } => "Early",
            Pattern::Late { .. } => "Late",
            Pattern::Rev { .. } => "Rev",
            Pattern::Every { .. } => "Every",
            Pattern::Euclid { .. } => "Euclid",
            Pattern::Degrade { .. } => "Degrade",
            Pattern::Chance { .. } => "Chance",
            Pattern::Number { .. } => "Number",
            Pattern::Name { .. } => "Name",
            Pattern::Vary { .. } => "Vary",
            Pattern::Pick { .. } => "Pick",
            Pattern::Choose { .. } => "Choose",
            Pattern::Label { .. } => "Label",
            Pattern::Combine { .. } => "Combine",
            Pattern::Split { .. } => "Split",
            Pattern::Zoom { .. } => "Zoom",
            Pattern::Segment { .. } => "Segment",
            Pattern::Tune { .. } => "Tune",
            Pattern::Shuffle { .. } => "Shuffle",
            Pattern::Freeze { .. } => "Freeze",
            Pattern::Warp { .. } => "Warp",
            Pattern::Shape { .. } => "Shape",
        }
    }

    /// The piece of text the node came from, if it says so.
    pub fn span(&self) -> Option<SourceSpan> {
        match self {
            Pattern::Atom { span, .. }
            | Pattern::Silence { span }
            | Pattern::Cat { span, .. }
            | Pattern::Stack { span, .. }
            | Pattern::Fast { span, .. }
            | Pattern::Slow { span, .. }
            | Pattern::Early { span, .. }
            | Pattern::Late { span, .. }
            | Pattern::Rev { span, .. }
            | Pattern::Every { span, .. }
            | Pattern::Euclid { span, .. }
            | Pattern::Degrade { span, .. }
            | Pattern::Chance { span, .. }
            | Pattern::Number { span, .. }
            | Pattern::Name { span, .. }
            | Pattern::Vary { span, .. }
            | Pattern::Pick { span, .. }
            | Pattern::Choose { span, .. }
            | Pattern::Label { span, .. }
            | Pattern::Combine { span, .. }
            | Pattern::Split { span, .. }
            | Pattern::Zoom { span, .. }
            | Pattern::Segment { span, .. }
            | Pattern::Tune { span, .. }
            | Pattern::Shuffle { span, .. }
            | Pattern::Freeze { span, .. }
            | Pattern::Warp { span, .. }
            | Pattern::Shape { span, .. } => *span,
        }
    }

    /// The same node with its `span` set.
    #[must_use]
    pub fn with_span(mut self, at: SourceSpan) -> Self {
        match &mut self {
            Pattern::Atom { span, .. }
            | Pattern::Silence { span }
            | Pattern::Cat { span, .. }
            | Pattern::Stack { span, .. }
            | Pattern::Fast { span, .. }
            | Pattern::Slow { span, .. }
            | Pattern::Early { span, .. }
            | Pattern::Late { span, .. }
            | Pattern::Rev { span, .. }
            | Pattern::Every { span, .. }
            | Pattern::Euclid { span, .. }
            | Pattern::Degrade { span, .. }
            | Pattern::Chance { span, .. }
            | Pattern::Number { span, .. }
            | Pattern::Name { span, .. }
            | Pattern::Vary { span, .. }
            | Pattern::Pick { span, .. }
            | Pattern::Choose { span, .. }
            | Pattern::Label { span, .. }
            | Pattern::Combine { span, .. }
            | Pattern::Split { span, .. }
            | Pattern::Zoom { span, .. }
            | Pattern::Segment { span, .. }
            | Pattern::Tune { span, .. }
            | Pattern::Shuffle { span, .. }
            | Pattern::Freeze { span, .. }
            | Pattern::Warp { span, .. }
            | Pattern::Shape { span, .. } => *span = Some(at),
        }
        self
    }

    /// The nodes directly below, in order; `Every` gives its transform first, `Vary` its numbers, `Pick` its index.
    pub fn children(&self) -> Vec<&Pattern> {
        match self {
            Pattern::Atom { .. }
            | Pattern::Silence { .. }
            | Pattern::Shape { .. }
            | Pattern::Number { .. }
            | Pattern::Name { .. } => Vec::new(),
            Pattern::Cat { children, .. }
            | Pattern::Stack { children, .. }
            | Pattern::Choose { children, .. } => children.iter().collect(),
            Pattern::Vary { by, transform, child, .. } => {
                by.iter().chain(transform.as_deref()).chain([child.as_ref()]).collect()
            }
            Pattern::Pick { index, children, .. } => [index.as_ref()].into_iter().chain(children).collect(),
            Pattern::Every { transform, child, .. } => vec![transform, child],
            Pattern::Combine { left, right, .. } => vec![left, right],
            Pattern::Fast { child, .. }
            | Pattern::Slow { child, .. }
            | Pattern::Early { child, .. }
            | Pattern::Late { child, .. }
            | Pattern::Rev { child, .. }
            | Pattern::Euclid { child, .. }
            | Pattern::Degrade { child, .. }
            | Pattern::Chance { child, .. }
            | Pattern::Label { child, .. }
            | Pattern::Split { child, .. }
            | Pattern::Zoom { child, .. }
            | Pattern::Segment { child, .. }
            | Pattern::Tune { child, .. }
            | Pattern::Shuffle { child, .. }
            | Pattern::Freeze { child, .. }
            | Pattern::Warp { child, .. } => vec![child],
        }
    }

    /// [`Pattern::children`], to be changed in place.
    pub fn children_mut(&mut self) -> Vec<&mut Pattern> {
        match self {
            Pattern::Atom { .. }
            | Pattern::Silence { .. }
            | Pattern::Shape { .. }
            | Pattern::Number { .. }
            | Pattern::Name { .. } => Vec::new(),
            Pattern::Cat { children, .. }
            | Pattern::Stack { children, .. }
            | Pattern::Choose { children, .. } => children.iter_mut().collect(),
            Pattern::Vary { by, transform, child, .. } => {
                by.iter_mut().chain(transform.as_deref_mut()).chain([child.as_mut()]).collect()
            }
            Pattern::Pick { index, children, .. } => {
                [index.as_mut()].into_iter().chain(children.iter_mut()).collect()
            }
            Pattern::Every { transform, child, .. } => vec![transform, child],
            Pattern::Combine { left, right, .. } => vec![left, right],
            Pattern::Fast { child, .. }
            | Pattern::Slow { child, .. }
            | Pattern::Early { child, .. }
            | Pattern::Late { child, .. }
            | Pattern::Rev { child, .. }
            | Pattern::Euclid { child, .. }
            | Pattern::Degrade { child, .. }
            | Pattern::Chance { child, .. }
            | Pattern::Label { child, .. }
            | Pattern::Split { child, .. }
            | Pattern::Zoom { child, .. }
            | Pattern::Segment { child, .. }
            | Pattern::Tune { child, .. }
            | Pattern::Shuffle { child, .. }
            | Pattern::Freeze { child, .. }
            | Pattern::Warp { child, .. } => vec![child],
        }
    }

    /// The label of the node, if it is one that has a label.
    pub fn label(&self) -> Option<&str> {
        match self {
            Pattern::Atom { value: Value::Control { label, .. }, .. }
            | Pattern::Shape { label, .. }
            | Pattern::Label { label, .. } => Some(label),
            _ => None,
        }
    }

    /// [`Pattern::label`], to be changed in place.
    pub fn label_mut(&mut self) -> Option<&mut String> {
        match self {
            Pattern::Atom { value: Value::Control { label, .. }, .. }
            | Pattern::Shape { label, .. }
            | Pattern::Label { label, .. } => Some(label),
            _ => None,
        }
    }

    fn take_children(&mut self, into: &mut Vec<Pattern>) {
        let taken = self.children_mut().into_iter();
        into.extend(taken.map(|child| std::mem::replace(child, Pattern::Silence { span: None })));
    }
}

/// A tree of any depth is taken apart level by level: the default would recurse.
impl Drop for Pattern {
    fn drop(&mut self) {
        if matches!(self, Pattern::Atom { .. } | Pattern::Silence { .. } | Pattern::Shape { .. }) {
            return;
        }
        let mut pending = Vec::new();
        self.take_children(&mut pending);
        while let Some(mut next) = pending.pop() {
            next.take_children(&mut pending);
        }
    }
}

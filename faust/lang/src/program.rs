//! What a text becomes: operations in the order in which they are done.

use crate::eval::foreign::FUNCTIONS;
use crate::options::Precision;
use crate::prim::Prim;
use crate::signal::{Ui, WidgetId};
use crate::types::Nature;

/// The value of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub u32);

/// What is done. Operands are values that were computed before, of the kind that the operation takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// A whole number.
    Int(i32),
    /// A number with a point, rounded to the program's precision.
    Real(f64),
    /// An input of the program.
    Input(u32),
    /// The sampling rate, whole.
    SampleRate,
    /// A control.
    Control(u32),
    /// A function of one value; [`Prim::Int`] and [`Prim::Float`] change its kind.
    Unary(Prim, Value),
    /// A function of two values of the kind that is named.
    Binary(Prim, Nature, Value, Value),
    /// A foreign function, place in `foreign::FUNCTIONS`, of up to two values.
    Foreign(u32, [Value; 2]),
    /// The second where the first (whole) is 0, else the third.
    Select(Value, Value, Value),
    /// What was written to a line so many writes before; held between 1 and the line's length.
    Read(u32, Value),
    /// The same, but 0 is the last value, which is written later.
    ReadNow(u32, Value, Value),
    /// Writes to a line; no line is read after it is written.
    Write(u32, Value),
    /// The first value where this is done first, else the second; the slot.
    First(u32, Value, Value),
    /// The next number of a waveform.
    Waveform(u32),
    /// The entry of a table, index held inside.
    Table(u32, Value),
    /// Writes an entry of an own table, index held inside: index, value.
    Store(u32, Value, Value),
    /// The entry of an own table after that write, index held inside: the write, index.
    Load(u32, Value, Value),
    /// Shows a value; it goes on.
    Show(u32, Value),
    /// The first value where the second (whole) is not 0, else what it was last; the slot.
    Hold(u32, Value, Value),
}

impl Op {
    /// The same with other operands.
    #[must_use]
    pub fn map(self, mut to: impl FnMut(Value) -> Value) -> Self {
        match self {
            Self::Int(_)
            | Self::Real(_)
            | Self::Input(_)
            | Self::SampleRate
            | Self::Control(_)
            | Self::Waveform(_) => self,
            Self::Unary(prim, a) => Self::Unary(prim, to(a)),
            Self::Binary(prim, nature, a, b) => Self::Binary(prim, nature, to(a), to(b)),
            Self::Foreign(at, args) => {
                let count = FUNCTIONS[at as usize].args.len();
                Self::Foreign(at, [0, 1].map(|arg| if arg < count { to(args[arg]) } else { args[arg] }))
            }
            Self::Select(a, b, c) => Self::Select(to(a), to(b), to(c)),
            Self::Read(line, a) => Self::Read(line, to(a)),
            Self::ReadNow(line, a, b) => Self::ReadNow(line, to(a), to(b)),
            Self::Write(line, a) => Self::Write(line, to(a)),
            Self::First(slot, a, b) => Self::First(slot, to(a), to(b)),
            Self::Table(table, a) => Self::Table(table, to(a)),
            Self::Store(table, a, b) => Self::Store(table, to(a), to(b)),
            Self::Load(table, a, b) => Self::Load(table, to(a), to(b)),
            Self::Show(widget, a) => Self::Show(widget, to(a)),
            Self::Hold(slot, a, b) => Self::Hold(slot, to(a), to(b)),
        }
    }
}

/// An operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// What is done.
    pub op: Op,
    /// Kind of its value.
    pub nature: Nature,
    /// It is done where this whole number is not 0, else its value and state stay.
    pub when: Option<Value>,
}

/// A delay line. Its samples are 0 before the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Kind of its values.
    pub nature: Nature,
    /// Longest delay that is read.
    pub longest: u32,
    /// What it belongs to: equal keys in two programs are one state.
    pub key: u64,
}

/// What a table holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// These.
    Numbers(Vec<f64>),
    /// What this program gives first.
    Program(Box<Program>),
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Kind of its entries.
    pub nature: Nature,
    /// How many there are.
    pub size: u32,
    /// What it holds at first.
    pub content: Content,
    /// What it belongs to, as [`Line::key`].
    pub key: u64,
}

/// A waveform.
#[derive(Clone, Debug, PartialEq)]
pub struct Waveform {
    /// Its numbers.
    pub numbers: Vec<f64>,
    /// What it belongs to, as [`Line::key`].
    pub key: u64,
}

/// A program.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Width of its numbers.
    pub precision: Precision,
    /// How many signals go in.
    pub inputs: u32,
    /// What comes out, with a point.
    pub outputs: Vec<Value>,
    /// Everything that is done.
    pub steps: Vec<Step>,
    /// The first of them that follows the controls: those before follow the sampling rate alone.
    pub controls: usize,
    /// The first of them that is done for every sample.
    pub samples: usize,
    /// Delay lines.
    pub lines: Vec<Line>,
    /// Tables that instances share.
    pub tables: Vec<Table>,
    /// Tables that the program writes to.
    pub own: Vec<Table>,
    /// Waveforms.
    pub waveforms: Vec<Waveform>,
    /// Values that are held, with their keys.
    pub holds: Vec<(Nature, u64)>,
    /// Keys of the slots that know whether something is done first.
    pub firsts: Vec<u64>,
    /// Widgets and their groups.
    pub ui: Ui,
    /// Which widgets the text uses, in rising order. What is only attached may need no step.
    pub used: Vec<WidgetId>,
    /// What the text declares about itself: key and value.
    pub metadata: Vec<(String, String)>,
}

impl Program {
    /// Bytes of memory that the program takes, nearly.
    pub fn bytes(&self) -> usize {
        let table = |table: &Table| match &table.content {
            Content::Numbers(numbers) => numbers.len() * 8,
            Content::Program(program) => program.bytes(),
        };
        let tables: usize = self.tables.iter().chain(&self.own).map(table).sum();
        let waveforms: usize = self.waveforms.iter().map(|waveform| waveform.numbers.len() * 8).sum();
        let steps = self.steps.len() * size_of::<Step>() + self.lines.len() * size_of::<Line>();
        // A widget with its texts is a few hundred bytes.
        steps + tables + waveforms + self.ui.widgets.len() * 256 + 1024
    }

    /// Bytes of state of one instance.
    pub fn state_bytes(&self) -> u64 {
        let wide = |nature| match (nature, self.precision) {
            (Nature::Real, Precision::Double) => 8,
            _ => 4,
        };
        let lines: u64 =
            self.lines.iter().map(|line| (u64::from(line.longest) + 1) * wide(line.nature)).sum();
        let tables: u64 = self.own.iter().map(|table| u64::from(table.size) * wide(table.nature)).sum();
        let holds: u64 = self.holds.iter().map(|(nature, _)| wide(*nature)).sum();
        lines + tables + holds + 4 * (self.waveforms.len() + self.firsts.len()) as u64
    }
}

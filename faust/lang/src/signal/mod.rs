//! Signals: what a diagram computes, each kept once.

mod build;
mod propagate;
mod widgets;

pub use build::{Group, Signals};
pub use propagate::{Propagated, propagate};
pub use widgets::{Folder, Item, Ui, Widget, WidgetId, WidgetKind};

use crate::prim::Prim;

/// A signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SigId(pub u32);

/// A list of signals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SigList(pub u32);

/// A group of signals that are defined by one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct GroupId(pub u32);

/// What a signal is. Operands come before it in [`Signals`], but for those of [`Sig::Proj`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sig {
    /// A whole number.
    Int(i32),
    /// A number with a point, as its bits.
    Real(u64),
    /// An input of the program.
    Input(u32),
    /// The sampling rate.
    SampleRate,
    /// A function of one signal.
    Unary(Prim, SigId),
    /// A function of two signals.
    Binary(Prim, SigId, SigId),
    /// A foreign function, place in `foreign::FUNCTIONS`.
    Foreign(u32, SigList),
    /// The first signal by as many samples as the second says later.
    Delay(SigId, SigId),
    /// The first signal's first sample, then the second one sample later.
    Prefix(SigId, SigId),
    /// `select2`: the second where the first is 0, else the third.
    Select(SigId, SigId, SigId),
    /// A table that is only read: size, what fills it, index.
    Table(SigId, SigId, SigId),
    /// A table that is written: size, what fills it; index and value to write; index to read.
    Written([SigId; 5]),
    /// Numbers, one after the other, for ever.
    Waveform(SigList),
    /// A control.
    Widget(WidgetId),
    /// A signal that is shown.
    Shown(WidgetId, SigId),
    /// A signal of a group.
    Proj(GroupId, u32),
    /// The first signal; the second is computed as well.
    Attach(SigId, SigId),
    /// The first signal where the second is not 0, else its last value there.
    Held(SigId, SigId),
    /// The least value of a signal, as far as is known.
    Lowest(SigId),
    /// The largest value of a signal, as far as is known.
    Highest(SigId),
    /// The third signal, which the text says lies between the first two.
    Bounded(SigId, SigId, SigId),
}

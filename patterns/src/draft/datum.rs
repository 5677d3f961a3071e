//! What the leaves of a draft say to the operators above them.

use std::sync::Arc;

/// What a leaf says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    /// A value or a shape: it plays.
    Played,
    /// A number or a name: an operator takes it.
    Number(f64),
    Name(Arc<str>),
    /// Controls with what they are given.
    Controls(Vec<Control>),
}

/// A label, shared by all that carry it, and what it is given.
pub(crate) type Control = (Arc<str>, Given);

/// What an event gives to a control.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Given {
    /// Numbers, at least one; of a pitch there may be several, a chord.
    Numbers(Vec<f64>),
    /// One of the names that the control's values have.
    Name(Arc<str>),
}

impl Given {
    /// How many notes it makes at least.
    pub fn count(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Name(_) => 1,
        }
    }

    /// Its numbers; a name has none.
    pub fn numbers(&self) -> &[f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Name(_) => &[],
        }
    }

    /// See [`Self::numbers`].
    pub fn numbers_mut(&mut self) -> &mut [f64] {
        match self {
            Self::Numbers(numbers) => numbers,
            Self::Name(_) => &mut [],
        }
    }

    /// What it gives to one note of a chord: what is given once is given to every note.
    pub fn of_note(&self, note: usize) -> Self {
        match self {
            Self::Numbers(numbers) => Self::Numbers(vec![numbers[note % numbers.len()]]),
            name => name.clone(),
        }
    }
}

impl std::fmt::Display for Datum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Datum::Played => f.write_str("what plays"),
            Datum::Number(number) => write!(f, "the number {number}"),
            Datum::Name(name) => write!(f, "the name {name}"),
            Datum::Controls(controls) => {
                let labels: Vec<&str> = controls.iter().take(8).map(|(label, _)| &**label).collect();
                let more = if controls.len() > 8 { ", …" } else { "" };
                write!(f, "the controls {}{more}", labels.join(", "))
            }
        }
    }
}

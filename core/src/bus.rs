//! The outputs of the engine: main and stems.

use crate::limits::STEMS;

/// A stereo output of the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bus(u8);

impl Bus {
    /// The main output.
    pub const MAIN: Self = Self(0);

    /// The stem of that number, 1…8.
    pub fn stem(number: usize) -> Option<Self> {
        (1..=STEMS).contains(&number).then_some(Self(number as u8))
    }

    /// 0 for the main output, else the stem's number.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

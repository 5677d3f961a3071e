//! The outputs of the engine: main and stems.

use crate::limits::STEMS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A stereo output of the engine. In documents and requests it is a number: 0 for the main output, else the stem's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Bus(u8);

impl Bus {
    /// The main output.
    pub const MAIN: Self = Self(0);

    /// The stem of that number, 1…8.
    pub fn stem(number: usize) -> Option<Self> {
        (1..=STEMS).contains(&number).then_some(Self(number as u8))
    }

    /// All outputs, the main one first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..=STEMS).map(|index| Self(index as u8))
    }

    /// 0 for the main output, else the stem's number.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

impl TryFrom<u64> for Bus {
    type Error = String;

    fn try_from(number: u64) -> Result<Self, String> {
        let bus = Self::all().nth(usize::try_from(number).unwrap_or(usize::MAX));
        bus.ok_or_else(|| format!("there is no stem {number}: 1 to {STEMS} are stems, 0 is the main output"))
    }
}

impl From<Bus> for u64 {
    fn from(bus: Bus) -> Self {
        u64::from(bus.0)
    }
}

impl JsonSchema for Bus {
    fn schema_name() -> Cow<'static, str> {
        "Bus".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 0, "maximum": STEMS })
    }
}

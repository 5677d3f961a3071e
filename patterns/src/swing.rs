//! Swing as a setting of its own, for what plays a pattern rather than for the pattern.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{CompileError, Pattern, Program, compile};

/// Swing around a whole pattern: of each two steps of `grid` the first takes the share `amount`.
///
/// In JSON a number, the amount at a grid of 8, or `{"amount":0.6,"grid":16}`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swing {
    /// Share of the first of two steps, in (0, 1); 0.5 is straight.
    pub amount: f64,
    /// Steps per cycle: even, 2 or more. 8 swings eighths, 16 sixteenths.
    pub grid: u32,
}

impl Swing {
    /// The grid where none is named: eighths.
    pub const GRID: u32 = 8;

    /// Swung eighths.
    pub fn eighths(amount: f64) -> Self {
        Self { amount, grid: Self::GRID }
    }
}

/// Compiles a pattern as it sounds under a swing: as [`Pattern::swing`] around it.
///
/// # Errors
/// As [`compile()`]; a swing that cannot be is blamed on the `Warp` it makes.
pub fn compile_swung(pattern: &Pattern, swing: Option<Swing>) -> Result<Program, CompileError> {
    match swing {
        None => compile(pattern),
        Some(Swing { amount, grid }) => compile(&pattern.clone().swing(amount, grid)),
    }
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Full {
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    amount: f64,
    #[serde(default = "eighths")]
    #[schemars(range(min = 2), extend("multipleOf" = 2))]
    grid: u32,
}

fn eighths() -> u32 {
    Swing::GRID
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a swing is a number such as 0.6, or {\"amount\":0.6,\"grid\":16}")]
enum Written {
    Amount(f64),
    Full(Full),
}

impl JsonSchema for Swing {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Swing".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let full = Full::json_schema(generator);
        schemars::json_schema!({
            "description": "Swing around a whole pattern: of each two steps of `grid` the first takes the share \
                `amount`. A number is the amount at a grid of 8.",
            "if": {"type": "object"},
            "then": full,
            "else": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        })
    }
}

impl Serialize for Swing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match *self {
            Self { amount, grid: Self::GRID } => serializer.serialize_f64(amount),
            Self { amount, grid } => Full { amount, grid }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Swing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Written::deserialize(deserializer)? {
            Written::Amount(amount) => Self::eighths(amount),
            Written::Full(Full { amount, grid }) => Self { amount, grid },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builders::hit;

    #[test]
    fn a_swing_is_written_as_short_as_it_can_be_and_read_in_both_ways() {
        for (swing, text) in
            [(Swing::eighths(0.6), "0.6"), (Swing { amount: 0.55, grid: 16 }, r#"{"amount":0.55,"grid":16}"#)]
        {
            assert_eq!(serde_json::to_string(&swing).unwrap(), text);
            assert_eq!(serde_json::from_str::<Swing>(text).unwrap(), swing);
        }
        assert_eq!(serde_json::from_str::<Swing>(r#"{"amount":0.6}"#).unwrap(), Swing::eighths(0.6));
        let error = serde_json::from_str::<Swing>("\"shuffle\"").unwrap_err().to_string();
        assert!(error.contains("such as 0.6"), "{error}");
    }

    #[test]
    fn swing_around_a_pattern_is_the_operator_around_it() {
        let hits = hit("gate") * 8;
        let around = compile_swung(&hits, Some(Swing { amount: 0.6, grid: 4 })).unwrap();
        assert_eq!(
            around.events_per_cycle(),
            compile(&hits.clone().swing(0.6, 4)).unwrap().events_per_cycle()
        );
        let wrong = compile_swung(&hits, Some(Swing { amount: 1.0, grid: 4 })).unwrap_err();
        assert_eq!(
            (wrong.to_string().as_str(), wrong.path.as_str()),
            ("warp: amount must be in (0, 1)", "Warp")
        );
    }
}

//! When: the `at` parameter of JSON-RPC methods.

use krach_core::edit::At;
use serde_json::Value;

/// Furthest position, in cycles, that may be asked for.
const FURTHEST: f64 = (1_u32 << 31) as f64;

/// What [`read`] takes.
pub(crate) const EXPECTED: &str =
    "\"now\", \"cycle\", \"bar\", a position in cycles, {\"cycles\": x} or {\"bars\": x}";

/// Reads a time; absent or null is now, or for the pattern of a silent slot the next cycle. `None` if it is none. A bar is one of the host's, counted
/// from 0, by the signature of the moment.
pub(crate) fn read(value: Option<&Value>) -> Option<At> {
    let position = |value: &Value| {
        let cycles = value.as_f64()?;
        (cycles.abs() < FURTHEST).then_some(At::Position(cycles))
    };
    match value {
        None | Some(Value::Null) => Some(At::Now),
        Some(Value::String(word)) => match word.as_str() {
            "now" => Some(At::AtOnce),
            "cycle" => Some(At::Cycle),
            "bar" => Some(At::Bar),
            _ => None,
        },
        Some(Value::Object(fields)) if fields.len() == 1 => {
            let (cycles, bars) = (fields.get("cycles"), fields.get("bars"));
            let counted = |at| if let At::Position(bars) = at { At::Bars(bars) } else { at };
            cycles.map(position).unwrap_or_else(|| position(bars?).map(counted))
        }
        Some(number) => position(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_way_to_say_when_is_understood() {
        assert_eq!(read(None), Some(At::Now));
        assert_eq!(read(Some(&json!("now"))), Some(At::AtOnce));
        assert_eq!(read(Some(&json!("cycle"))), Some(At::Cycle));
        assert_eq!(read(Some(&json!("bar"))), Some(At::Bar));
        assert_eq!(read(Some(&json!(8))), Some(At::Position(8.0)));
        assert_eq!(read(Some(&json!({"cycles": 2.5}))), Some(At::Position(2.5)));
        assert_eq!(read(Some(&json!({"bars": 4}))), Some(At::Bars(4.0)));
    }

    #[test]
    fn anything_else_is_not_a_time() {
        for odd in [json!("soon"), json!(true), json!([1]), json!({}), json!({"beats": 1}), json!(1e300)] {
            assert_eq!(read(Some(&odd)), None, "{odd}");
        }
    }
}

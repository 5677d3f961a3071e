//! Fields that this version does not know: kept as they are, within a bound for a whole document. An object in an
//! object takes some 650 bytes of memory for the six that it has in the text.

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::Cell;
use std::fmt;

/// Most values, names within included, that the unknown fields of one document may have.
pub const MAX_UNKNOWN: usize = 1 << 17;

thread_local! {
    /// Sections that are being read around the present place on this thread.
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    /// Unknown values in the outermost of them so far.
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// While one lives, an object with sections is being read; the outermost begins to count anew.
pub(super) struct Reading(());

impl Reading {
    pub(super) fn begin() -> Self {
        DEPTH.with(|depth| {
            if depth.replace(depth.get() + 1) == 0 {
                COUNT.set(0);
            }
        });
        Self(())
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// A value of an unknown field.
pub(super) struct Unknown(pub(super) Value);

impl<'de> Deserialize<'de> for Unknown {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Counted.deserialize(deserializer).map(Self)
    }
}

/// Reads a value and counts all that is in it.
#[derive(Clone, Copy)]
struct Counted;

fn count<E: Error>() -> Result<(), E> {
    let count = COUNT.get() + 1;
    COUNT.set(count);
    match count > MAX_UNKNOWN {
        true => Err(E::custom(format!(
            "fields that this version does not know have more than {MAX_UNKNOWN} values"
        ))),
        false => Ok(()),
    }
}

impl<'de> DeserializeSeed<'de> for Counted {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Counted {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            values.insert(name, map.next_value_seed(self)?);
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::MAX_UNKNOWN;
    use crate::ir::ModuleIr;

    #[test]
    fn what_is_unknown_is_kept_as_it_is_up_to_a_bound_for_the_whole_document() {
        let some =
            r#"{"x":[null,true,-1,2,3.5,"a",{"b":{}}],"nodes":[{"name":"a","source":"gain","y":[[]]}]}"#;
        let module: ModuleIr = serde_json::from_str(some).unwrap();
        let written = serde_json::to_value(&module).unwrap();
        assert_eq!(written["x"], serde_json::json!([null, true, -1, 2, 3.5, "a", {"b": {}}]));
        assert_eq!(written["nodes"][0]["y"], serde_json::json!([[]]));
        // In many fields, in many places: each way the bound is of all together.
        let half = vec!["0"; MAX_UNKNOWN / 2 + 1].join(",");
        for (document, fits) in [
            (format!(r#"{{"x":[{half}]}}"#), true),
            (format!(r#"{{"x":[{half}],"y":[{half}]}}"#), false),
            (format!(r#"{{"x":[{half}],"nodes":[{{"name":"a","source":"gain","y":[{half}]}}]}}"#), false),
            (format!(r#"{{"krach":{{"x":[{half}],"y":[{half}]}}}}"#), false),
        ] {
            let read = serde_json::from_str::<ModuleIr>(&document);
            assert_eq!(read.is_ok(), fits, "{}", read.map_or_else(|e| e.to_string(), |_| String::new()));
            assert!(serde_json::from_str::<ModuleIr>(some).is_ok(), "each document is counted by itself");
        }
    }
}

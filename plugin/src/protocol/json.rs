//! Values of the protocol as JSON.

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An answer as JSON.
pub(super) fn to_json(result: &impl Serialize) -> Value {
    // Nothing that methods answer can fail here: names of fields are texts.
    serde_json::to_value(result).unwrap_or_default()
}

/// The text of a JSON string.
pub(super) fn string(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

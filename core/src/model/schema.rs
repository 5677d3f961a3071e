//! What the schema says of records that serde describes too strictly.

use schemars::Schema;
use serde_json::Value;

/// "Exactly one of these keys" becomes "one of them at least": the reader takes the first.
pub(crate) fn one_or_both(schema: &mut Schema) {
    let Some(Value::Array(mut kinds)) = schema.remove("oneOf") else { return };
    for kind in &mut kinds {
        if let Some(kind) = kind.as_object_mut() {
            kind.remove("additionalProperties");
        }
    }
    schema.insert("anyOf".to_owned(), kinds.into());
}

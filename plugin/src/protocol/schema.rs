//! Schemas of what the server reads and says, made from its types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

/// The schema of a type.
pub(super) type Schema = fn(&mut Types) -> Value;

/// Makes schemas.
pub(super) struct Types {
    read: SchemaGenerator,
    said: SchemaGenerator,
}

impl Types {
    pub fn new() -> Self {
        let said = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
            settings.inline_subschemas = true;
            settings.meta_schema = None;
        });
        let read = SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None);
        Self { read: read.into_generator(), said: said.into_generator() }
    }
}

/// What is said has the fields that its type has, and no others. A choice of types says so itself.
fn nothing_else(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    if let Some([inner, other]) = schema.get_mut("anyOf").and_then(Value::as_array_mut).map(Vec::as_mut_slice)
        && other.get("type").is_some_and(|kind| kind == "null")
    {
        return nothing_else(inner);
    }
    if ["allOf", "anyOf", "oneOf", "if"].iter().any(|choice| schema.contains_key(*choice)) {
        return;
    }
    if let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        fields.values_mut().for_each(nothing_else);
        schema.entry("additionalProperties").or_insert(false.into());
    }
    for within in ["items", "additionalProperties"] {
        schema.get_mut(within).filter(|schema| schema.is_object()).into_iter().for_each(nothing_else);
    }
}

/// Of a type that is read.
pub(super) fn read<T: JsonSchema>(types: &mut Types) -> Value {
    types.read.root_schema_for::<T>().into()
}

/// Of a type that is said: it has the fields of the type and no others.
pub(super) fn said<T: JsonSchema>(types: &mut Types) -> Value {
    let mut schema = types.said.root_schema_for::<T>().into();
    nothing_else(&mut schema);
    schema
}

/// Of an object without fields.
pub(super) fn none(_: &mut Types) -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

/// What is played: a value of a tree, but a control may take one by its name.
pub(super) fn played(types: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let mut schema = <krach_patterns::Value as schemars::JsonSchema>::json_schema(types);
    let fields = krach_patterns::schema::cases(&mut schema).filter_map(|case| case.get_mut("properties"));
    for value in fields.filter(|fields| fields.get("label").is_some()).filter_map(|f| f.get_mut("value")) {
        *value = serde_json::json!({
            "description": "The value, in the control's own unit, or the name of one.",
            "type": ["number", "string"],
        });
    }
    schema
}

/// A list of what is played.
pub(super) fn all_played(types: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let items = played(types);
    schemars::json_schema!({"type": "array", "items": items})
}

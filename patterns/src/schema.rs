//! What derived JSON Schemas do not say by themselves: tagged kinds without a search, numbers with
//! their bounds.

use schemars::Schema;
use serde_json::{Map, Value as Json, json};

/// Rewrites "one of these tagged kinds" as "if the tag is this, then that".
///
/// Both say the same. But a validator may try each kind of a `oneOf`, with all that lies below, whatever the
/// tag: the time of a tree of patterns would be exponential in its depth. And what is wrong is told of the one
/// kind that was meant.
pub fn by_tag(tag: &'static str) -> impl Fn(&mut Schema) {
    move |schema| rewrite(schema, tag)
}

fn rewrite(schema: &mut Schema, tag: &str) {
    let Some(Json::Array(kinds)) = schema.remove("oneOf") else { return };
    let mut names = Vec::with_capacity(kinds.len());
    let mut cases = Vec::with_capacity(kinds.len());
    for kind in kinds {
        let Json::Object(mut kind) = kind else { continue };
        kind.remove("type");
        let properties = kind.get_mut("properties").and_then(Json::as_object_mut);
        let name = properties.and_then(|properties| properties.remove(tag)?.get("const").cloned());
        if let Some(Json::Array(required)) = kind.get_mut("required") {
            required.retain(|name| name != tag);
        }
        kind.retain(|_, said| !matches!(said, Json::Array(list) if list.is_empty()) && *said != json!({}));
        let name = name.unwrap_or_default();
        cases.push(json!({"if": {"properties": {tag: {"const": name}}, "required": [tag]}, "then": kind}));
        names.push(name);
    }
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), json!({tag: {"enum": names}}));
    schema.insert("required".to_owned(), json!([tag]));
    schema.insert("allOf".to_owned(), cases.into());
}

/// The fields that each kind of a schema by tag has for itself.
pub fn cases(schema: &mut Schema) -> impl Iterator<Item = &mut Map<String, Json>> {
    let cases = schema.get_mut("allOf").and_then(Json::as_array_mut);
    cases.into_iter().flatten().filter_map(|case| case.get_mut("then")?.as_object_mut())
}

/// Every node may have a span, and one that is not understood refuses nothing.
pub(crate) fn of_pattern(schema: &mut Schema) {
    rewrite(schema, "op");
    for case in cases(schema) {
        if let Some(properties) = case.get_mut("properties").and_then(Json::as_object_mut) {
            properties.remove("span");
        }
        case.retain(|_, said| *said != json!({}));
    }
    let span = "Where in a text the node came from: `[start, end)` in bytes. Anything else says nothing.";
    if let Some(properties) = schema.get_mut("properties").and_then(Json::as_object_mut) {
        properties.insert("span".to_owned(), json!({"description": span}));
    }
}

/// Names of machine types become bounds, which every validator knows.
pub fn bounds_for_formats(schema: &mut Schema) {
    let (least, most) = match schema.get("format").and_then(Json::as_str) {
        Some("uint8") => (json!(0), json!(u8::MAX)),
        Some("uint32") => (json!(0), json!(u32::MAX)),
        Some("uint64") => (json!(0), json!(u64::MAX)),
        Some("int64") => (json!(i64::MIN), json!(i64::MAX)),
        Some("float" | "double") => {
            schema.remove("format");
            return;
        }
        _ => return,
    };
    schema.remove("format");
    for (bound, value) in [("minimum", least), ("maximum", most)] {
        if schema.get(bound).is_none() {
            schema.insert(bound.to_owned(), value);
        }
    }
}

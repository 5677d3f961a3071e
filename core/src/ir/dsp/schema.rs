//! What the JSON Schema of a graph says beyond its types: which primitive takes how much, and what is read of
//! parameters of any kind.

use super::primitive::{Arity, Primitive};
use krach_patterns::schema::{by_tag, cases};
use schemars::Schema;
use serde_json::{Map, Value, json};

/// What limits a value, rather than saying what it is.
const LIMITS: [&str; 6] = ["minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"];

/// The reader knows all fields whatever the kind: each is of its type or null, and each kind says which it
/// needs. (Said once for all kinds, a body within a body is looked at once.)
pub(super) fn of_params(schema: &mut Schema) {
    by_tag("type")(schema);
    let mut fields = Map::new();
    for case in cases(schema) {
        let required: Vec<String> = case
            .get("required")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        let Some(Value::Object(own)) = case.remove("properties") else { continue };
        let mut needs = Map::new();
        for (name, field) in own {
            let Value::Object(mut field) = field else { continue };
            if required.contains(&name) {
                let mut need: Map<String, Value> =
                    LIMITS.iter().filter_map(|limit| field.remove_entry(*limit)).collect();
                need.insert("not".to_owned(), json!({"type": "null"}));
                needs.insert(name.clone(), need.into());
                or_null(&mut field);
            }
            fields.insert(name, field.into());
        }
        if !needs.is_empty() {
            case.insert("properties".to_owned(), needs.into());
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.extend(fields);
    }
}

fn or_null(field: &mut Map<String, Value>) {
    let nothing = json!({"type": "null"});
    if let Some(of) = field.remove("$ref") {
        field.insert("anyOf".to_owned(), json!([{"$ref": of}, nothing]));
    } else if let Some(ty) = field.get_mut("type") {
        *ty = json!([*ty, "null"]);
    }
}

/// How many inputs each primitive takes, and which need parameters of their own.
pub(super) fn of_equation(schema: &mut Schema) {
    let named = |names: &[Primitive]| json!({"properties": {"primitive": {"properties": {"name": {"enum": names}}, "required": ["name"]}}});
    let mut rules = Vec::new();
    for n in 0..=4 {
        let takes = |p: &Primitive| p.arity() == Arity::Exactly(n);
        let names: Vec<Primitive> = Primitive::ALL.iter().copied().filter(takes).collect();
        let inputs = json!({"properties": {"inputs": {"minItems": n, "maxItems": n}}});
        rules.push(json!({"if": named(&names), "then": inputs}));
    }
    for own in Primitive::ALL.iter().filter(|p| p.has_params()) {
        let params = json!({"properties": {"type": {"const": own}}, "required": ["type"]});
        let then = json!({"properties": {"params": params}, "required": ["params"]});
        rules.push(json!({"if": named(&[*own]), "then": then}));
    }
    let delay = json!({"properties": {"params": {"properties": {"type": {"enum": ["delay", "no"]}}}}});
    rules.push(json!({"if": named(&[Primitive::Delay]), "then": delay}));
    schema.insert("allOf".to_owned(), rules.into());
}

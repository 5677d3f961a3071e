//! The JSON Schema of a session's document, made from the types that read it.

use super::ModuleIr;
use krach_patterns::schema::bounds_for_formats;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Value, json};

/// JSON Schema (draft 2020-12) of [`ModuleIr`] in the present format, with all that a module holds.
///
/// It says the shape of a document, and those limits that hold wherever the thing stands: what it refuses is
/// refused by the reader. The other way there are two things that it cannot say: a whole number is written
/// without a point (`1`, not `1.0`), and no key stands twice in one object.
pub fn schema() -> Value {
    let settings = SchemaSettings::default().with_transform(RecursiveTransform(|schema: &mut Schema| {
        bounds_for_formats(schema);
        told_at_its_place(schema);
    }));
    settings.into_generator().into_root_schema_for::<ModuleIr>().to_value()
}

/// "That, or null" becomes "if it is not null, that": what is wrong within is then told where it is, and not as
/// "none of the two" of the whole.
fn told_at_its_place(schema: &mut Schema) {
    let nothing = json!({"type": "null"});
    let inner = match schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([inner, other]) if *other == nothing => inner.clone(),
        _ => return,
    };
    schema.remove("anyOf");
    schema.insert("if".to_owned(), json!({"not": nothing}));
    schema.insert("then".to_owned(), inner);
}

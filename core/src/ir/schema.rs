//! The JSON Schema of a session's document, made from the types that read it.

use super::ModuleIr;
use krach_patterns::schema::bounds_for_formats;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

/// JSON Schema (draft 2020-12) of [`ModuleIr`] in the present format, with all that a module holds.
///
/// It says the shape of a document, and those limits that hold wherever the thing stands: what it refuses is
/// refused by the reader. The other way there are two things that it cannot say: a whole number is written
/// without a point (`1`, not `1.0`), and no key stands twice in one object.
pub fn schema() -> Value {
    let settings = SchemaSettings::default().with_transform(RecursiveTransform(bounds_for_formats));
    settings.into_generator().into_root_schema_for::<ModuleIr>().to_value()
}

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

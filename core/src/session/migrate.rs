//! Documents of earlier formats, step by step to the present one.
//!
//! | from | to | what changed |
//! |---|---|---|
//! | 1 | 2 | Format 1 knew raw graphs only. Nodes, routes and mutes that other programs had written were kept and not heard; they are now. Nothing of its own is spelt differently. |
//! | 2 | 3 | Format 2 knew no scenes. Nothing is spelt differently. |
//!
//! A step sees the document as plain JSON, since types are those of today. Whoever changes what a field
//! means, or how it is spelt, adds a step here and a stored document of the format before to
//! `core/tests/documents`.

use crate::ir::FORMAT;
use serde_json::{Map, Value};

/// Changes a document of one format into the next; the version is counted up by itself.
type Step = fn(&mut Map<String, Value>);

/// What leads from each format, beginning with 1, to the one after it.
const STEPS: [Step; FORMAT as usize - 1] = [nodes_are_heard, scenes_are_known];

/// 1 → 2.
fn nodes_are_heard(_: &mut Map<String, Value>) {}

/// 2 → 3.
fn scenes_are_known(_: &mut Map<String, Value>) {}

/// The document, and the modules in it, in the present format.
pub(super) fn migrate(document: &mut Map<String, Value>) {
    for list in ["sub_modules", "sub_graphs"] {
        let subs = document.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        subs.filter_map(|sub| sub.get_mut("module")?.as_object_mut()).for_each(migrate);
    }
    let scenes = document.get_mut("krach").and_then(|krach| krach.get_mut("scenes"));
    let scenes = scenes.and_then(Value::as_array_mut).into_iter().flatten();
    scenes.filter_map(|scene| scene.get_mut("module")?.as_object_mut()).for_each(migrate);
    let version = document.get("krach").and_then(|krach| krach.get("version")).and_then(Value::as_u64);
    let Some(version) = version else { return };
    for step in STEPS.iter().skip((version.max(1) - 1) as usize) {
        step(document);
    }
    if let Some(Value::Object(krach)) = document.get_mut("krach") {
        krach.insert("version".to_owned(), FORMAT.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_format_before_this_one_ends_in_this_one() {
        for version in 0..FORMAT {
            let within = json!([{"prefix": "a", "module": {"krach": {"version": version}}}]);
            let mut document =
                json!({"krach": {"version": version, "name": "x"}, "future": 1, "sub_modules": within});
            migrate(document.as_object_mut().expect("an object"));
            assert_eq!(document["krach"], json!({"version": FORMAT, "name": "x"}));
            assert_eq!(document["sub_modules"][0]["module"]["krach"], json!({"version": FORMAT}));
            let scenes = json!([{"number": 1, "module": {"krach": {"version": version}}}]);
            let mut other = json!({"krach": {"version": version, "scenes": scenes}});
            migrate(other.as_object_mut().expect("an object"));
            assert_eq!(other["krach"]["scenes"][0]["module"]["krach"]["version"], FORMAT);
            assert_eq!(document["future"], 1);
        }
    }
}

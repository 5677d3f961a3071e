//! docs/module.schema.json: it is what the types give, it takes what the reader takes, and it refuses what the
//! reader refuses for its shape.

mod ir_support;

use ir_support::module;
use jsonschema::Validator;
use krach_core::ir::dsp::{Arity, DspGraph, Primitive, canonical_bytes};
use krach_core::ir::{ModuleIr, schema};
use krach_core::node::Registry;
use krach_core::session::Session;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/module.schema.json");

fn validator() -> &'static Validator {
    static ONCE: OnceLock<Validator> = OnceLock::new();
    ONCE.get_or_init(|| jsonschema::draft202012::new(&schema()).expect("a schema by its own rules"))
}

fn complaints(document: &Value) -> Vec<String> {
    validator().iter_errors(document).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

fn stored(name: &str) -> Value {
    let path = format!("{}/tests/documents/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("it is stored")).expect("JSON")
}

fn documents() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/documents");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .expect("there are documents")
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.into_iter().map(|name| (name.clone(), stored(&name))).collect()
}

/// A module with one node of each graph whose key is known.
fn traced() -> Value {
    let nodes: Vec<Value> = include_str!("vectors/dsp_keys.jsonl")
        .lines()
        .enumerate()
        .map(|(i, line)| {
            let case: Value = serde_json::from_str(line).unwrap();
            json!({"name": format!("n{i}"), "source": case["graph"]})
        })
        .collect();
    json!({"nodes": nodes})
}

fn loads(document: &Value) -> Result<(), String> {
    let text = document.to_string();
    Session::from_json(text.as_bytes(), &Registry::with_builtins()).map(drop).map_err(|e| e.to_string())
}

fn has_the_shape(document: &Value) -> Result<(), String> {
    serde_json::from_str::<ModuleIr>(&document.to_string()).map(drop).map_err(|e| e.to_string())
}

/// Rewritten with `cargo xtask schema`.
#[test]
fn the_committed_schema_is_that_of_the_types() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(FILE, &text).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(FILE).expect("the schema is there");
    for (i, (is, was)) in text.lines().zip(committed.lines()).enumerate() {
        assert_eq!(is, was, "docs/module.schema.json, line {}: run `cargo xtask schema`", i + 1);
    }
    assert_eq!(text, committed, "docs/module.schema.json: run `cargo xtask schema`");
}

#[test]
fn documents_of_clients_and_one_with_everything_are_valid() {
    let all = documents();
    assert!(all.len() >= 6);
    for (name, document) in all {
        assert_eq!(complaints(&document), [""; 0], "{name}");
        assert_eq!(loads(&document), Ok(()), "{name}");
    }
    assert_eq!(complaints(&traced()), [""; 0]);
    // What the document leaves out would not be tried below.
    let everything = stored("everything");
    let known = |schema: &Value| schema["properties"].as_object().expect("an object").clone();
    let of = |name: &str| known(&schema()["$defs"][name]);
    for (part, known) in [
        (&everything, known(&schema())),
        (&everything["krach"], of("Krach")),
        (&everything["nodes"][0], of("NodeIr")),
        (&everything["krach"]["nodes"]["traced"], of("NodeEntry")),
        (&everything["krach"]["slots"]["bass"], of("SlotEntry")),
        (&everything["krach"]["raw_graph"]["nodes"][0], of("GraphNode")),
        (&everything["krach"]["scenes"][0], of("SceneIr")),
    ] {
        for name in known.keys().filter(|name| *name != "sub_graphs") {
            assert!(part.get(name).is_some(), "everything.json has no {name}");
        }
    }
}

#[test]
fn what_is_not_known_is_allowed_wherever_the_reader_keeps_or_skips_it() {
    let mut document = stored("everything");
    for place in [
        "",
        "/nodes/0",
        "/routing/0",
        "/patterns/0",
        "/patterns/0/pattern",
        "/krach",
        "/krach/raw_graph",
        "/krach/scenes/0",
    ] {
        document.pointer_mut(place).unwrap()["unheard_of"] = json!({"a": [1]});
    }
    assert_eq!(complaints(&document), [""; 0]);
    assert_eq!(has_the_shape(&document), Ok(()));
}

/// One change at one place of a document.
enum Wound {
    ReplaceGraph(Value),
    Lose,
}

/// Every place of a document.
fn places(document: &Value) -> Vec<String> {
    fn walk(at: String, value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    walk(format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), inner, into);
                }
            }
            Value::Array(list) => {
                list.iter().enumerate().for_each(|(i, inner)| walk(format!("{at}/{i}"), inner, into));
            }
            _ => {}
        }
        into.push(at);
    }
    let mut into = Vec::new();
    walk(String::new(), document, &mut into);
    into
}

fn wound(document: &Value, place: &str, wound: &Wound) -> Option<Value> {
    let mut wounded = document.clone();
    match wound {
        Wound::ReplaceGraph(value) => *wounded.pointer_mut(place)? = value.clone(),
        Wound::Lose => {
            let (above, key) = place.rsplit_once('/')?;
            let key = key.replace("~1", "/").replace("~0", "~");
            match wounded.pointer_mut(above)? {
                Value::Object(map) => drop(map.remove(&key)?),
                Value::Array(list) => drop(list.remove(key.parse().ok()?)),
                _ => return None,
            }
        }
    }
    (wounded != *document).then_some(wounded)
}

fn wounds() -> Vec<Wound> {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(3),
        json!(1.5),
        json!(300),
        json!(1_u64 << 33),
        json!(1e20),
        json!(""),
        json!("a/"),
        json!("sine"),
        json!([]),
        json!([1, 2]),
        json!(["a", 1.5]),
        json!({}),
        json!({"type": "no"}),
        json!({"sine": {}}),
    ];
    values.into_iter().map(Wound::ReplaceGraph).chain([Wound::Lose]).collect()
}

/// How often each verdict was given.
#[derive(Default)]
struct Tally {
    taken: usize,
    refused_by_both: usize,
    refused_by_the_reader: usize,
}

/// Holds the schema to the reader at one wounded document.
fn compare(document: &Value, place: &str, how: &Wound, tally: &mut Tally) {
    let Some(wounded) = wound(document, place, how) else { return };
    let said = complaints(&wounded);
    let shape = has_the_shape(&wounded);
    let new = wounded.pointer(place).map_or("nothing".to_owned(), Value::to_string);
    // What the reader takes from a list of fields in order (an accident of its making) is no part of the format.
    let list_for_object = document.pointer(place).is_some_and(Value::is_object)
        && wounded.pointer(place).is_some_and(Value::is_array);
    // Of the free signals of a loop only the ids are read.
    let unread = place.contains("/free_var_signals/") && place.ends_with("/channels");
    match (said.is_empty(), shape) {
        (true, Err(why)) => panic!("{place} = {new}: the reader says {why}, the schema nothing"),
        (false, Ok(())) if !list_for_object && !unread => {
            assert!(
                loads(&wounded).is_err(),
                "{place} = {new}: the schema says {said:?}, the reader loads it"
            );
            tally.refused_by_both += 1;
        }
        (false, _) => tally.refused_by_both += 1,
        (true, Ok(())) if loads(&wounded).is_err() => tally.refused_by_the_reader += 1,
        (true, Ok(())) => tally.taken += 1,
    }
}

#[test]
fn a_document_wounded_anywhere_is_refused_by_the_schema_as_by_the_reader() {
    let mut tally = Tally::default();
    let wounds = wounds();
    let document = stored("everything");
    for place in places(&document) {
        wounds.iter().for_each(|how| compare(&document, &place, how, &mut tally));
    }
    // The others are long, and much in them is alike.
    for document in documents().into_iter().map(|(_, d)| d).chain([traced()]) {
        for (i, place) in places(&document).iter().enumerate() {
            if i % 7 == 3 {
                compare(&document, place, &wounds[i / 7 % wounds.len()], &mut tally);
            }
        }
    }
    let Tally { taken, refused_by_both, refused_by_the_reader } = tally;
    println!("{taken} taken, {refused_by_both} refused by both, {refused_by_the_reader} by the reader alone");
    assert!(taken > 300 && refused_by_both > 2000, "{taken} taken, {refused_by_both} refused");
}

#[test]
fn an_older_name_counts_and_both_names_at_once_do_not() {
    let within = json!([{"prefix": "a", "module": {}}]);
    let both = json!({"sub_modules": within, "sub_graphs": within});
    assert_eq!(complaints(&json!({"sub_graphs": within})), [""; 0]);
    assert!(!complaints(&json!({"sub_graphs": [{"prefix": "a"}]})).is_empty());
    assert!(has_the_shape(&both).is_err() && !complaints(&both).is_empty());
}

/// A tree whose every level is tried in every way would never be done.
#[test]
fn deep_patterns_are_validated_in_time() {
    let mut pattern = json!({"op": "Silence"});
    for _ in 0..200 {
        pattern = json!({"op": "Rev", "child": pattern});
    }
    let document = json!({"patterns": [{"target": "a", "pattern": pattern}]});
    assert_eq!(complaints(&document), [""; 0]);
    let wrong = json!({"patterns": [{"target": "a", "pattern": {"op": "Rev", "child": {"op": "Zorp"}}}]});
    assert!(
        complaints(&wrong).iter().any(|c| c.starts_with("/patterns/0/pattern/child/op: ")),
        "{:?}",
        complaints(&wrong)
    );
}

#[test]
fn what_is_wrong_deep_inside_is_told_at_its_place() {
    let document = stored("everything");
    for (place, new) in [
        ("/nodes/2/source/equations/1/params/body_graph/equations/0/inputs", json!([])),
        ("/nodes/2/source/equations/0/params/hi", json!("high")),
        ("/patterns/0/pattern/children/0/children/0/child/value/note", json!(128)),
        ("/patterns/0/swing/amount", json!(1)),
        ("/krach/automations/sweep/shape/pulse/duty", json!(2)),
        ("/sub_modules/0/module/nodes/0/name", json!("a//b")),
    ] {
        let said = complaints(&wound(&document, place, &Wound::ReplaceGraph(new)).expect(place));
        assert!(said.iter().any(|c| c.starts_with(&format!("{place}: "))), "{place}: {said:?}");
    }
}

/// What the schema cannot say; docs/ir.md says it.
#[test]
fn what_only_the_reader_sees_is_little() {
    for text in [r#"{"nodes":[{"name":"a","source":"gain","count":1.0}]}"#, r#"{"tempo":1,"tempo":2}"#] {
        assert!(serde_json::from_str::<ModuleIr>(text).is_err(), "{text}");
        assert_eq!(complaints(&serde_json::from_str(text).unwrap()), [""; 0], "{text}");
    }
}

fn page() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/ir.md")).expect("the page is there")
}

/// The blocks of a page of that kind.
fn blocks<'a>(page: &'a str, kind: &str) -> Vec<&'a str> {
    let open = format!("```{kind}\n");
    page.split(&open).skip(1).map(|rest| rest.split("```").next().expect("a block")).collect()
}

#[test]
fn the_page_for_authors_of_clients_names_every_field_and_shows_valid_documents() {
    let page = page();
    for text in blocks(&page, "json") {
        let json: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let document = match json["type"] == "dsp_graph" {
            true => json!({"nodes": [{"name": "n", "source": json}]}),
            false => json,
        };
        assert_eq!(complaints(&document), [""; 0], "{text}");
        assert_eq!(loads(&document), Ok(()), "{text}");
    }
    let schema = schema();
    // Patterns have a page of their own.
    let elsewhere = ["Pattern", "PatternIr", "Value", "OscArg", "Swing", "Shape"];
    let parts =
        schema["$defs"].as_object().unwrap().iter().filter(|(name, _)| !elsewhere.contains(&name.as_str()));
    for (part, said) in parts.chain([(&"ModuleIr".to_owned(), &schema)]) {
        for field in said["properties"].as_object().into_iter().flatten().map(|(field, _)| field) {
            let written = [format!("`{field}`"), format!("\"{field}\":")];
            assert!(written.iter().any(|w| page.contains(w)), "docs/ir.md says nothing of {field} of {part}");
        }
    }
}

#[test]
fn the_page_has_the_inputs_of_each_primitive_and_a_key_that_is_one() {
    let page = page();
    let mut told = Vec::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let names: Vec<&str> = cells[1].split(' ').map(|name| name.trim_matches('`')).collect();
        let primitive = |name: &&str| serde_json::from_value::<Primitive>(json!(name)).ok();
        for p in names.iter().filter_map(primitive) {
            let takes = match cells[2] {
                "" => Arity::Exactly(0),
                "any" | "the free variables of its body" => Arity::Any,
                list => Arity::Exactly(list.split(',').count()),
            };
            assert_eq!(takes, p.arity(), "{row}");
            told.push(p);
        }
    }
    told.sort();
    let mut all = Primitive::ALL.to_vec();
    all.sort();
    assert_eq!(told, all);

    let form: String = blocks(&page, "form")
        .concat()
        .lines()
        .flat_map(|line| {
            line.split("   ").next().expect("bytes").chars().filter(|c| *c != ' ').collect::<Vec<_>>()
        })
        .collect();
    let graph: DspGraph = serde_json::from_str(blocks(&page, "json").last().expect("a graph")).unwrap();
    let bytes: String = canonical_bytes(&graph).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(form, bytes);
    assert!(page.contains(&format!("key `{}`", graph.graph_key())), "{}", graph.graph_key());
}

#[test]
fn what_the_page_says_is_kept_is_kept() {
    let mut document = stored("everything");
    let places = ["", "/krach", "/nodes/0", "/routing/0", "/automations/0"];
    for place in places {
        document.pointer_mut(place).unwrap()["unheard_of"] = json!({"a": [1.5]});
    }
    let session = Session::from_json(document.to_string().as_bytes(), &Registry::with_builtins()).unwrap();
    let saved: Value = serde_json::from_slice(&session.to_json()).unwrap();
    for place in places {
        assert_eq!(saved.pointer(place).unwrap()["unheard_of"], json!({"a": [1.5]}), "{place}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn modules_that_are_written_are_valid(module in module()) {
        let document = serde_json::to_value(&module).unwrap();
        prop_assert_eq!(complaints(&document), Vec::<String>::new());
        let (at, how): (Vec<String>, Vec<Wound>) = (places(&document), wounds());
        let dice = document.to_string().len();
        compare(&document, &at[dice % at.len()], &how[dice / 3 % how.len()], &mut Tally::default());
    }
}

/// Keywords of JSON Schema that ask for nothing, or are spelt wrong, would be ignored.
#[test]
fn the_schema_uses_known_words_only() {
    const WORDS: [&str; 32] = [
        "$defs",
        "$ref",
        "$schema",
        "additionalProperties",
        "allOf",
        "anyOf",
        "const",
        "default",
        "deprecated",
        "description",
        "else",
        "enum",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "if",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "not",
        "oneOf",
        "pattern",
        "prefixItems",
        "properties",
        "required",
        "then",
    ];
    fn walk(schema: &Map<String, Value>, at: &str) {
        for (word, said) in schema {
            let here = format!("{at}/{word}");
            assert!(WORDS.contains(&word.as_str()) || word == "title" || word == "type", "{here}");
            match (word.as_str(), said) {
                ("properties" | "$defs", Value::Object(named)) => {
                    for (name, schema) in named {
                        schema.as_object().into_iter().for_each(|s| walk(s, &format!("{here}/{name}")));
                    }
                }
                ("default" | "const" | "enum", _) => {}
                (_, Value::Object(schema)) => walk(schema, &here),
                (_, Value::Array(list)) => {
                    list.iter().filter_map(Value::as_object).for_each(|schema| walk(schema, &here));
                }
                _ => {}
            }
        }
    }
    walk(schema().as_object().unwrap(), "#");
}

//! The tables of methods and events in `docs/protocol.md`, and `docs/protocol.schema.json`, made from the types
//! that the server reads and says. With `KRACH_WRITE_DOCS=1` the test writes them; without, it holds them to
//! the types.

use std::fmt::Write;

use serde_json::{Map, Value, json};

use crate::protocol::error::ErrorObject;
use crate::protocol::events::{self, payloads};
use crate::protocol::method::{Group, Kind, Method};
use crate::protocol::schema::{Schema, Types, none, said};
use crate::protocol::table;

const METHODS: [&str; 2] = ["<!-- methods: made from the types -->", "<!-- end of methods -->"];
const EVENTS: [&str; 2] = ["<!-- events: made from the types -->", "<!-- end of events -->"];

/// One topic: when something is told of it, and what.
struct Topic {
    name: &'static str,
    when: &'static str,
    fields: Schema,
}

const GROUPS: [(Group, &str); 9] = [
    (Group::Session, "Session"),
    (Group::Nodes, "Nodes"),
    (Group::Patterns, "Patterns"),
    (Group::Modulation, "Controls that move"),
    (Group::Midi, "MIDI"),
    (Group::Macros, "Macros"),
    (Group::Engine, "Time and the whole"),
    (Group::Sounds, "Sounds"),
    (Group::Events, "Events"),
];

const TOPICS: &[Topic] = &[
    Topic {
        name: events::COMPILES,
        when: "a sound has new code, and plays it from the next block on",
        fields: said::<payloads::Compiled>,
    },
    Topic {
        name: events::ERRORS,
        when: "a sound's text does not compile or cannot be played, an edit could not act when its time came, \
               something broke",
        fields: said::<payloads::Problem>,
    },
    Topic { name: events::LOG, when: "a request has changed the session", fields: said::<payloads::Logged> },
    Topic { name: events::SESSION, when: "the session is another", fields: said::<payloads::Changed> },
    Topic { name: events::SCENES, when: "a scene was recalled", fields: said::<payloads::Recalled> },
    Topic {
        name: events::TRANSPORT,
        when: "thirty times a second while time moves, else when something changes and once a second",
        fields: said::<payloads::Transport>,
    },
    Topic {
        name: events::METERS,
        when: "thirty times a second while levels change",
        fields: said::<payloads::Meters>,
    },
    Topic { name: events::ONSETS, when: "patterns have begun something", fields: said::<payloads::Onsets> },
    Topic {
        name: events::LOST,
        when: "lines are gone before this one, as the client did not read. It comes with every topic",
        fields: said::<payloads::Lost>,
    },
];

/// Is it a mutation, with `at` and `dry_run`?
fn is_change(method: &Method) -> bool {
    matches!(method.kind, Kind::Change(_)) || ["undo", "redo"].contains(&method.name)
}

fn params(row: &Method, types: &mut Types) -> Value {
    let mut schema = (row.doc.params)(types);
    if is_change(row) {
        schema["properties"]["at"] = json!({"description": "When it acts; as soon as it can without."});
        schema["properties"]["dry_run"] = json!({
            "type": ["boolean", "null"], "description": "Only says whether it would be accepted.",
        });
    }
    schema
}

/// A change answers where it acts and what it says beside that; a trial only the latter. `transport` has an
/// answer of its own.
fn result(row: &Method, types: &mut Types) -> Value {
    let told = (row.doc.result)(types);
    if !is_change(row) {
        return told;
    }
    let beside = |told: &Value, fields: Value| {
        let mut schema = told.clone();
        schema["type"] = "object".into();
        let names: Vec<Value> =
            fields.as_object().into_iter().flatten().map(|(name, _)| json!(name)).collect();
        let required = told["required"].as_array().cloned().unwrap_or_default();
        schema["required"] = required.into_iter().chain(names).collect();
        for (name, field) in fields.as_object().into_iter().flatten() {
            schema["properties"][name] = field.clone();
        }
        schema
    };
    let trial = json!({"dry_run": {"const": true, "description": "It would be accepted."}});
    let done = json!({
        "position": {"type": ["number", "null"], "description": "Where it acts, in cycles; null at once."},
        "seq": {"type": "integer", "minimum": 0, "description": "Number of the edit."},
    });
    let [done, trial] = match row.name {
        "transport" => [told, beside(&none(types), trial)],
        _ => [beside(&told, done), beside(&told, trial)],
    };
    json!({"anyOf": [done, trial]})
}

/// What may be there, without the null that stands for nothing.
fn something(schema: &Value) -> &Value {
    match schema["anyOf"].as_array().map(Vec::as_slice) {
        Some([inner, other]) if other["type"] == "null" => inner,
        _ => schema,
    }
}

fn kind(schema: &Value) -> String {
    match &something(schema)["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}

/// A row for each field, with those of objects within.
fn rows(schema: &Value, within: &str, text: &mut String) {
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let optional = if required.contains(&name.as_str()) { "" } else { "?" };
        let about = field["description"].as_str().unwrap_or_default().replace('\n', " ").replace('|', "\\|");
        let _ = writeln!(text, "| `{within}{name}`{optional} | {} | {about} |", kind(field));
        let inner = something(field);
        rows(inner, &format!("{within}{name}."), text);
        rows(something(&inner["items"]), &format!("{within}{name}[]."), text);
    }
}

fn table(title: &str, schema: &Value, text: &mut String) {
    if schema["properties"].as_object().is_some_and(|fields| !fields.is_empty()) {
        let _ = write!(text, "\n| {title} | | |\n|---|---|---|\n");
        rows(schema, "", text);
    }
}

/// What the documentation says of it: lines of a comment, each with a space before it.
fn about(row: &Method) -> String {
    row.doc.about.trim().to_owned()
}

fn capital(text: &str) -> String {
    format!("{}{}", text[..1].to_uppercase(), &text[1..])
}

fn methods_section(types: &mut Types) -> String {
    let mut text = String::new();
    for (group, title) in GROUPS {
        let _ = write!(text, "\n### {title}\n");
        for row in table::methods().filter(|row| row.doc.group == group) {
            let change = is_change(row);
            let timed = if change { " Takes `at` and `dry_run`." } else { "" };
            let _ = write!(text, "\n#### `{}`\n\n{}.{timed}\n", row.name, capital(&about(row)));
            table("parameter", &(row.doc.params)(types), &mut text);
            let result = result(row, types);
            table("answer", if change { &result["anyOf"][0] } else { &result }, &mut text);
        }
    }
    text
}

fn events_section(types: &mut Types) -> String {
    let mut text = String::new();
    for Topic { name, when, fields } in TOPICS {
        let _ = write!(text, "\n#### `{name}`\n\n{}.\n", capital(when));
        table("field", &fields(types), &mut text);
    }
    text
}

fn schemas(types: &mut Types) -> Value {
    let mut defs = Map::new();
    for row in table::methods() {
        defs.insert(format!("{}.params", row.name), params(row, types));
        defs.insert(format!("{}.result", row.name), result(row, types));
    }
    for Topic { name, fields, .. } in TOPICS {
        let mut schema = fields(types);
        schema["properties"]["topic"] = json!({"const": name});
        if let Some(required) = schema["required"].as_array_mut() {
            required.push("topic".into());
        }
        defs.insert(format!("event.{name}"), schema);
    }
    defs.insert("error".to_owned(), said::<ErrorObject<'_>>(types));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "krach's JSON-RPC: parameters and results of methods, parameters of events by topic, errors",
        "$defs": defs,
    })
}

fn held(path: &str, wanted: &str) {
    let path = format!("{}/../docs/{path}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("KRACH_WRITE_DOCS").is_some() {
        std::fs::write(&path, wanted).expect("writes");
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == wanted, "{path} is not what the types say: run with KRACH_WRITE_DOCS=1");
}

/// The page with a text between two marks.
fn with_section(page: &str, [begin, end]: [&str; 2], text: &str) -> String {
    let (before, rest) = page.split_once(begin).expect("the place of the tables");
    let (_, after) = rest.split_once(end).expect("the end of the tables");
    format!("{before}{begin}\n{text}\n{end}{after}")
}

#[test]
fn the_page_and_the_schema_are_what_the_types_say() {
    let types = &mut Types::new();
    let page = format!("{}/../docs/protocol.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).expect("the page is there");
    let page = with_section(&page, METHODS, &methods_section(types));
    held("protocol.md", &with_section(&page, EVENTS, &events_section(types)));
    let schemas = serde_json::to_string_pretty(&schemas(types)).expect("text");
    held("protocol.schema.json", &format!("{schemas}\n"));
}

#[test]
fn every_method_and_topic_is_on_the_page_and_nothing_else() {
    let mut names: Vec<&str> = table::methods().map(|row| row.name).collect();
    names.sort_unstable();
    let mut once = names.clone();
    once.dedup();
    assert_eq!(names, once, "each has a name of its own");
    assert!(table::methods().all(|row| GROUPS.iter().any(|(group, _)| *group == row.doc.group)));
    let mut topics: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    topics.sort_unstable();
    let mut known: Vec<&str> = events::TOPICS.iter().copied().chain([events::LOST]).collect();
    known.sort_unstable();
    assert_eq!(topics, known);
}

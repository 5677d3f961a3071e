//! The tables of methods and events in `docs/protocol.md`, and `docs/protocol.schema.json`, made from the types
//! that the server reads and says. With `KRACH_WRITE_DOCS=1` the test writes them; without, it holds them to
//! the types.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{
    answers, change, describe, engine_methods, events, methods, midi, modulation, news, nodes, play, query,
    rpc, session, sounds, transport,
};

const METHODS: [&str; 2] = ["<!-- methods: made from the types -->", "<!-- end of methods -->"];
const EVENTS: [&str; 2] = ["<!-- events: made from the types -->", "<!-- end of events -->"];

/// One method: what it is for, what it takes, what it answers.
struct Row {
    method: &'static str,
    about: &'static str,
    params: fn(&mut Types) -> Value,
    /// Of a change: beside `position` and `seq`.
    result: fn(&mut Types) -> Value,
}

/// One topic: when something is told of it, and what.
struct Topic {
    name: &'static str,
    when: &'static str,
    fields: fn(&mut Types) -> Value,
}

/// Makes schemas.
struct Types {
    read: SchemaGenerator,
    said: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
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

fn read<T: JsonSchema>(types: &mut Types) -> Value {
    types.read.root_schema_for::<T>().into()
}

fn said<T: JsonSchema>(types: &mut Types) -> Value {
    let mut schema = types.said.root_schema_for::<T>().into();
    nothing_else(&mut schema);
    schema
}

fn none(_: &mut Types) -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

macro_rules! rows {
    ($($group:literal { $($method:literal $params:tt $about:literal => $result:tt;)* })*) => {
        &[$(($group, &[$(Row {
            method: $method, about: $about, params: rows!(@ read $params), result: rows!(@ said $result),
        }),*])),*]
    };
    (@ $how:ident ()) => { none };
    (@ $how:ident ($type:ty)) => { $how::<$type> };
}

const GROUPS: &[(&str, &[Row])] = rows! {
    "Session" {
        "capture" () "the whole session as a document ([ir.md](ir.md)); changes that wait for their time are not in it" => (answers::Captured);
        "load" (session::Load<'_>) "the session becomes that of the document, as one change" => ();
        "instantiate" (session::Instantiate<'_>) "the document's nodes beside the session's, under a name" => (answers::Instantiated);
        "clear" (session::Nothing) "nothing that sounds is left; settings stay" => ();
        "undo" (session::Nothing) "takes the last step back. A flood of one control is one step; what the host moves is none; a loaded project begins anew" => (answers::Undone);
        "redo" (session::Nothing) "does again what was undone last" => (answers::Redone);
        "history" () "the steps" => (answers::History);
        "batch" (change::Batch<'_>) "several changes as one: all or nothing, one step, one crossfade; each is checked in turn" => (answers::Results);
        "adopt" (nodes::Adopt) "what an older client built as a raw graph becomes nodes of the session and sounds the same" => (answers::Adopted);
    }
    "Nodes" {
        "node" (nodes::Node) "adds a node, or gives the one of that name another source: routes, mute and values that are not given stay. It goes to the master and wherever it is connected" => ();
        "remove" (nodes::Named) "removes it with its routes, patterns and automations" => (answers::Meant);
        "connect" (nodes::Connect) "a send after the fader (a mute silences it), or with `port` a wire before it. A send into a node without inputs is accepted, told as an error event, and does nothing" => ();
        "disconnect" (nodes::Disconnect) "takes routes away" => ();
        "set" (nodes::Set) "base values of controls; what moves a control by itself goes on moving it" => ();
        "gain" (nodes::Gain) "the fader" => (answers::Meant);
        "mute" (nodes::Switch) "silent, and so are its sends" => (answers::Meant);
        "solo" (nodes::Switch) "only what is solo, what it feeds, and what feeds it through it, is heard" => (answers::Meant);
        "describe" (describe::Describe) "what nodes are, where they lead, and every control" => (answers::Described);
    }
    "Patterns" {
        "play" (play::Play<'_>) "[plays a pattern](#play)" => (answers::Played);
        "hush" (play::Hush) "the slot, or every slot of that group, falls silent and stays listed" => ();
        "stop" (play::Stop) "all slots fall silent and stay listed" => ();
        "query" (query::Query<'_>) "[what a pattern plays](#query) in a window, for drawing" => (answers::Queried);
    }
    "Controls that move" {
        "fade" (modulation::Fade) "goes on a straight line to a value and [stays there](voices.md#who-writes-a-control)" => ();
        "automate" (modulation::Automate) "a shape drives a control" => ();
        "clear_automation" (modulation::Clear) "its control goes back to the pattern's or the base value" => ();
    }
    "MIDI" {
        "midi_route" (midi::Route) "the host's notes [play a node](voices.md#notes-of-the-host)" => ();
        "midi_map" (midi::Map) "a controller moves a control" => ();
        "midi_unmap" (midi::Unmap) "it moves that control no more, or none" => ();
        "midi_learn" (midi::Learn) "the next controller that moves is mapped; not bank, data entry, or channel modes" => (answers::MidiList);
        "midi_list" () "routes, maps and what waits for a controller" => (answers::MidiList);
    }
    "Time and the whole" {
        "transport" (transport::Wanted) "sets what is given, all or nothing" => (answers::Transport);
        "master" (engine_methods::Master) "loudness of everything" => ();
        "crossfade" (engine_methods::CrossfadeParams) "how long what is replaced fades into what replaces it, from now on" => ();
        "input" (engine_methods::Input) "the plugin's audio input reaches `adc_input` nodes" => ();
        "limiter" (engine_methods::Limiter) "the safety limiter at +6 dBFS" => ();
        "name" (engine_methods::Name) "what the instance is called, saved with the session" => ();
        "panic" (engine_methods::Nothing) "every gate shut, every note ended, every tail cut; patterns go on" => ();
        "rebuild" () "the whole engine anew from the session: the way back after a fault" => (answers::Accepted);
        "status" () "the State object" => (answers::State<'_>);
        "sync" (methods::SyncParams) "answers when every earlier edit of this connection is adopted or has failed" => (answers::Synced);
        "at" (methods::AtParams<'_>) "a request of an older family at a time" => (answers::TimedReply);
    }
    "Sounds" {
        "types" (sounds::TypesParams) "what nodes can be" => (answers::Types);
        "source" (sounds::SourceParams) "the text of a sound" => (answers::SourceText);
        "compile" (sounds::TextParams) "does a text compile? Nothing uses it" => (answers::Compiled);
        "define" (sounds::TextParams) "from now on `faust:<name>` is this text in this session, whatever the folder has; without a `text` it is the folder's or the built-in one again" => (answers::Defined);
    }
    "Events" {
        "subscribe" (events::Subscribe) "[events](#events) on this connection" => (answers::Topics);
        "unsubscribe" (events::Unsubscribe) "no more of these" => (answers::Topics);
    }
};

const TOPICS: &[Topic] = &[
    Topic {
        name: events::COMPILES,
        when: "a sound has new code, and plays it from the next block on",
        fields: said::<news::Compiled>,
    },
    Topic {
        name: events::ERRORS,
        when: "a sound's text does not compile or cannot be played, an edit could not act when its time came, \
               something broke",
        fields: said::<news::Problem>,
    },
    Topic { name: events::LOG, when: "a request has changed the session", fields: said::<news::Logged> },
    Topic { name: events::SESSION, when: "the session is another", fields: said::<news::Changed> },
    Topic {
        name: events::TRANSPORT,
        when: "thirty times a second while time moves, else when something changes and once a second",
        fields: said::<news::Transport>,
    },
    Topic {
        name: events::METERS,
        when: "thirty times a second while levels change",
        fields: said::<news::Meters>,
    },
    Topic { name: events::ONSETS, when: "patterns have begun something", fields: said::<news::Onsets> },
    Topic {
        name: events::LOST,
        when: "lines are gone before this one, as the client did not read. It comes with every topic",
        fields: said::<news::Lost>,
    },
];

/// Is it a change, with `at` and `dry_run`?
fn is_change(method: &str) -> bool {
    matches!(methods::change_of(method), Ok(Some(_))) || ["undo", "redo"].contains(&method)
}

fn params(row: &Row, types: &mut Types) -> Value {
    let mut schema = (row.params)(types);
    if is_change(row.method) {
        schema["properties"]["at"] = json!({"description": "When it acts; as soon as it can without."});
        schema["properties"]["dry_run"] = json!({
            "type": ["boolean", "null"], "description": "Only says whether it would be accepted.",
        });
    }
    schema
}

/// A change answers where it acts and what it says beside that; a trial only the latter. `transport` has an
/// answer of its own.
fn result(row: &Row, types: &mut Types) -> Value {
    let told = (row.result)(types);
    if !is_change(row.method) {
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
    let [done, trial] = match row.method {
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

fn capital(text: &str) -> String {
    format!("{}{}", text[..1].to_uppercase(), &text[1..])
}

fn methods_section(types: &mut Types) -> String {
    let mut text = String::new();
    for (group, rows) in GROUPS {
        let _ = write!(text, "\n### {group}\n");
        for row in *rows {
            let change = is_change(row.method);
            let timed = if change { " Takes `at` and `dry_run`." } else { "" };
            let _ = write!(text, "\n#### `{}`\n\n{}.{timed}\n", row.method, capital(row.about));
            table("parameter", &(row.params)(types), &mut text);
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
    for row in GROUPS.iter().flat_map(|(_, rows)| *rows) {
        defs.insert(format!("{}.params", row.method), params(row, types));
        defs.insert(format!("{}.result", row.method), result(row, types));
    }
    for Topic { name, fields, .. } in TOPICS {
        let mut schema = fields(types);
        schema["properties"]["topic"] = json!({"const": name});
        if let Some(required) = schema["required"].as_array_mut() {
            required.push("topic".into());
        }
        defs.insert(format!("event.{name}"), schema);
    }
    defs.insert("error".to_owned(), said::<rpc::ErrorObject<'_>>(types));
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
    let mut told: Vec<&str> = GROUPS.iter().flat_map(|(_, rows)| rows.iter().map(|row| row.method)).collect();
    told.sort_unstable();
    let mut known: Vec<&str> = methods::names().collect();
    known.sort_unstable();
    assert_eq!(told, known);
    let mut topics: Vec<&str> = TOPICS.iter().map(|topic| topic.name).collect();
    topics.sort_unstable();
    let mut known: Vec<&str> = events::TOPICS.iter().copied().chain([events::LOST]).collect();
    known.sort_unstable();
    assert_eq!(topics, known);
}

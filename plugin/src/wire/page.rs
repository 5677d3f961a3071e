//! The tables of methods in `docs/protocol.md` and `docs/protocol.schema.json`, made from the types that the
//! server reads. With `KRACH_WRITE_DOCS=1` the test writes them; without, it holds them to the types.

use std::fmt::Write;

use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::{
    change, describe, engine_methods, events, methods, midi, modulation, nodes, play, query, session, sounds,
    transport,
};

const BEGIN: &str = "<!-- methods: made from the types -->";
const END: &str = "<!-- end of methods -->";

/// One method: what it is for, what it takes, what it answers.
struct Row {
    method: &'static str,
    about: &'static str,
    schema: fn(&mut SchemaGenerator) -> Value,
    result: &'static str,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    Value::from(generator.root_schema_for::<T>())
}

fn none(_: &mut SchemaGenerator) -> Value {
    json!({"type": "object", "properties": {}, "additionalProperties": false})
}

macro_rules! rows {
    ($($group:literal { $($method:literal $params:tt $about:literal => $result:literal;)* })*) => {
        &[$(($group, &[$(Row { method: $method, about: $about, schema: rows!(@ $params), result: $result }),*])),*]
    };
    (@ ()) => { none };
    (@ ($type:ty)) => { schema::<$type> };
}

/// What every change answers.
const DONE: &str = "`position` (cycles, null at once), `seq`";

const GROUPS: &[(&str, &[Row])] = rows! {
    "Session" {
        "capture" () "the whole session as a document ([ir.md](ir.md)); changes that wait for their time are not in it" => "`module`";
        "load" (session::Load<'_>) "the session becomes that of the document, as one change" => "";
        "instantiate" (session::Instantiate<'_>) "the document's nodes beside the session's, under a name" => "`prefix`, `nodes`, `inputs`, `outputs` (null if the document declares none)";
        "clear" (session::Nothing) "nothing that sounds is left; settings stay" => "";
        "undo" (session::Nothing) "takes the last step back. A flood of one control is one step; what the host moves is none; a loaded project begins anew" => "`undone`: what it was, null at the start";
        "redo" (session::Nothing) "does again what was undone last" => "`redone`: what it is, null at the end";
        "history" () "the steps" => "`steps` (oldest first, the last 1000), `first`, `done`, `undo`, `redo`";
        "batch" (change::Batch<'_>) "several changes as one: all or nothing, one step, one crossfade; each is checked in turn" => "`results`, one for each";
        "adopt" (nodes::Adopt) "what an older client built as a raw graph becomes nodes of the session and sounds the same" => "`adopted`, `left` (`node`, `why`), `notes`";
    }
    "Nodes" {
        "node" (nodes::Node) "adds a node, or gives the one of that name another source: routes, mute and values that are not given stay. It goes to the master and wherever it is connected" => "";
        "remove" (nodes::Named) "removes it with its routes, patterns and automations" => "`nodes`";
        "connect" (nodes::Connect) "a send after the fader (a mute silences it), or with `port` a wire before it. A send into a node without inputs is accepted, told as an error event, and does nothing" => "";
        "disconnect" (nodes::Disconnect) "takes routes away" => "";
        "set" (nodes::Set) "base values of controls; what moves a control by itself goes on moving it" => "";
        "gain" (nodes::Gain) "the fader" => "`nodes`";
        "mute" (nodes::Switch) "silent, and so are its sends" => "`nodes`";
        "solo" (nodes::Switch) "only what is solo, what it feeds, and what feeds it through it, is heard" => "`nodes`";
        "describe" (describe::Describe) "what nodes are, where they lead, and every control" => "`nodes`: each with `state` (`ready`, `pending`, `failed`), `sends`, `wires` and `controls` (`path`, `unit`, `min`, `max`, `default`, `value`, `gate`, `moved_by`, `midi`)";
    }
    "Patterns" {
        "play" (play::Play<'_>) "[plays a pattern](#play)" => "`events_per_cycle`";
        "hush" (play::Hush) "the slot, or every slot of that group, falls silent and stays listed" => "";
        "stop" (play::Stop) "all slots fall silent and stay listed" => "";
        "query" (query::Query<'_>) "[what a pattern plays](#query) in a window, for drawing" => "`from`, `to`, `events`, `events_per_cycle`";
    }
    "Controls that move" {
        "fade" (modulation::Fade) "goes on a straight line to a value and [stays there](voices.md#who-writes-a-control)" => "";
        "automate" (modulation::Automate) "a shape drives a control" => "";
        "clear_automation" (modulation::Clear) "its control goes back to the pattern's or the base value" => "";
    }
    "MIDI" {
        "midi_route" (midi::Route) "the host's notes [play a node](voices.md#notes-of-the-host)" => "";
        "midi_map" (midi::Map) "a controller moves a control" => "";
        "midi_unmap" (midi::Unmap) "it moves that control no more, or none" => "";
        "midi_learn" (midi::Learn) "the next controller that moves is mapped; not bank, data entry, or channel modes" => "as `midi_list`";
        "midi_list" () "routes, maps and what waits for a controller" => "`routes`, `maps`, `learning`";
    }
    "Time and the whole" {
        "transport" (transport::Wanted) "sets what is given, all or nothing" => "[all settings and the position](#transport)";
        "master" (engine_methods::Master) "loudness of everything" => "";
        "crossfade" (engine_methods::CrossfadeParams) "how long what is replaced fades into what replaces it, from now on" => "";
        "input" (engine_methods::Input) "the plugin's audio input reaches `adc_input` nodes" => "";
        "limiter" (engine_methods::Limiter) "the safety limiter at +6 dBFS" => "";
        "name" (engine_methods::Name) "what the instance is called, saved with the session" => "";
        "panic" (engine_methods::Nothing) "every gate shut, every note ended, every tail cut; patterns go on" => "";
        "rebuild" () "the whole engine anew from the session: the way back after a fault" => "`position`, `seq`";
        "status" () "the State object" => "as `{\"cmd\":\"Status\"}`";
        "sync" (methods::SyncParams) "answers when every earlier edit of this connection is adopted or has failed" => "`synced`, `position`, `failed`";
        "at" (methods::AtParams<'_>) "a request of an older family at a time" => "`reply`, `position`, `seq`";
    }
    "Sounds" {
        "types" (sounds::TypesParams) "what nodes can be" => "`types` with ports and controls, `folder`";
        "source" (sounds::SourceParams) "the text of a sound" => "`type`, `origin`, `text`, `imports`";
        "compile" (sounds::TextParams) "does a text compile? Nothing uses it" => "ports and controls, `ms`, `cached`, `state_bytes`";
        "define" (sounds::TextParams) "from now on `faust:<name>` is this text in this session, whatever the folder has; without a `text` it is the folder's or the built-in one again" => "as `compile`";
    }
    "Events" {
        "subscribe" (events::Subscribe) "[events](#events) on this connection" => "`topics`: all that it has now";
        "unsubscribe" (events::Unsubscribe) "no more of these" => "`topics`";
    }
};

/// Is it a change, with `at` and `dry_run`?
fn is_change(method: &str) -> bool {
    matches!(methods::change_of(method), Ok(Some(_))) || ["undo", "redo"].contains(&method)
}

fn kind(schema: &Value) -> String {
    match &schema["type"] {
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).filter(|k| *k != "null").collect::<Vec<_>>().join(" or ")
        }
        _ => String::new(),
    }
}

fn section(generator: &mut SchemaGenerator) -> String {
    let mut text = String::new();
    for (group, rows) in GROUPS {
        let _ = write!(text, "\n### {group}\n");
        for Row { method, about, schema, result } in *rows {
            let change = is_change(method);
            let _ = write!(text, "\n#### `{method}`\n\n");
            let about = format!("{}{}.", about[..1].to_uppercase(), &about[1..]);
            let answers = match (change, result.is_empty()) {
                (true, true) => format!(" Answers {DONE}."),
                (true, false) if ["transport"].contains(method) => format!(" Answers {result}."),
                (true, false) => format!(" Answers {result}, {DONE}."),
                (false, _) => format!(" Answers {result}."),
            };
            let timed = if change { " Takes `at` and `dry_run`." } else { "" };
            let _ = writeln!(text, "{about}{answers}{timed}");
            let schema = schema(generator);
            let required: Vec<&str> =
                schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let fields = schema["properties"].as_object().cloned().unwrap_or_default();
            if fields.is_empty() {
                continue;
            }
            let _ = write!(text, "\n| parameter | | |\n|---|---|---|\n");
            for (name, field) in &fields {
                let optional = if required.contains(&name.as_str()) { "" } else { "?" };
                let about = field["description"].as_str().unwrap_or_default().replace('\n', " ");
                let about = about.replace('|', "\\|");
                let _ = writeln!(text, "| `{name}`{optional} | {} | {about} |", kind(field));
            }
        }
    }
    text
}

fn schemas(generator: &mut SchemaGenerator) -> Value {
    let mut methods = Map::new();
    for Row { method, schema, .. } in GROUPS.iter().flat_map(|(_, rows)| *rows) {
        let mut schema = schema(generator);
        if let Some(object) = schema.as_object_mut() {
            object.remove("$schema");
        }
        if is_change(method) {
            schema["properties"]["at"] = json!({"description": "When it acts; as soon as it can without."});
            schema["properties"]["dry_run"] = json!({
                "type": "boolean", "description": "Only says whether it would be accepted.",
            });
        }
        methods.insert((*method).to_owned(), schema);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Parameters of krach's JSON-RPC methods",
        "$defs": methods,
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

#[test]
fn the_page_and_the_schema_are_what_the_types_say() {
    let mut generator = SchemaGenerator::default();
    let page = format!("{}/../docs/protocol.md", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(page).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the place of the tables");
    let (_, after) = rest.split_once(END).expect("the end of the tables");
    held("protocol.md", &format!("{before}{BEGIN}\n{}\n{END}{after}", section(&mut generator)));
    let schemas = serde_json::to_string_pretty(&schemas(&mut generator)).expect("text");
    held("protocol.schema.json", &format!("{schemas}\n"));
}

#[test]
fn every_method_is_on_the_page_and_nothing_else() {
    let mut told: Vec<&str> = GROUPS.iter().flat_map(|(_, rows)| rows.iter().map(|row| row.method)).collect();
    told.sort_unstable();
    let mut known: Vec<&str> = methods::names().collect();
    known.sort_unstable();
    assert_eq!(told, known);
}

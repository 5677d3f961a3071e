//! docs/protocol.schema.json, held against every line of JSON-RPC that a client of these tests says and hears.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, LazyLock, Mutex};

use jsonschema::Validator;
use serde::Deserialize;
use serde_json::{Value, json};

/// The schema, with that of documents within.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
    let read = |name: &str| -> Value {
        let path = format!("{}/../docs/{name}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).expect("the schema is there")).expect("JSON")
    };
    let mut schema = read("protocol.schema.json");
    schema["$id"] = "https://krach.invalid/protocol.schema.json".into();
    let mut documents = read("module.schema.json");
    documents["$id"] = "https://krach.invalid/module.schema.json".into();
    schema["$defs"]["documents"] = documents;
    schema
});

/// Names of what the schema defines: `play.params`, `play.result`, `event.log`, `error` …
pub fn names() -> impl Iterator<Item = &'static str> {
    SCHEMA["$defs"].as_object().expect("definitions").keys().map(String::as_str)
}

/// The validator of one definition, made when it is first asked for.
fn validator(name: &str) -> Arc<Validator> {
    static KNOWN: Mutex<BTreeMap<String, Arc<Validator>>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let made = known.entry(name.to_owned()).or_insert_with(|| {
        assert!(SCHEMA["$defs"].get(name).is_some(), "the schema does not know {name}");
        let mut root = SCHEMA.clone();
        root["$ref"] = format!("#/$defs/{name}").into();
        Arc::new(jsonschema::draft202012::new(&root).expect("a schema by its own rules"))
    });
    Arc::clone(made)
}

/// What is wrong with a value, by the schema; empty if nothing is.
pub fn faults(name: &str, value: &Value) -> Vec<String> {
    let validator = validator(name);
    validator.iter_errors(value).map(|fault| format!("{}: {fault}", fault.instance_path())).collect()
}

/// A request that has not been answered.
struct Asked {
    id: Value,
    method: String,
    params: Value,
}

/// Follows what one connection says and hears.
#[derive(Default)]
pub struct Watcher {
    begun: Vec<u8>,
    asked: VecDeque<Asked>,
    /// Names of the definitions that something was held against, and fitted.
    pub seen: BTreeSet<String>,
}

impl Watcher {
    /// These bytes are sent.
    pub fn says(&mut self, bytes: &[u8]) {
        self.begun.extend_from_slice(bytes);
        while let Some(end) = self.begun.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.begun.drain(..=end).collect();
            let Ok(mut request) = read(&line) else { continue };
            let (Some(method), Some(id)) = (request["method"].as_str(), request.get("id")) else { continue };
            if request.get("jsonrpc").is_some() {
                let (id, method) = (id.clone(), method.to_owned());
                let params = match request["params"].take() {
                    Value::Null => json!({}),
                    params => params,
                };
                self.asked.push_back(Asked { id, method, params });
            }
        }
    }

    /// This line has come.
    ///
    /// # Panics
    /// If it is not what the schema says, or answers what the schema would not let pass.
    pub fn hears(&mut self, line: &Value) {
        if line.get("jsonrpc").is_none() {
            return;
        }
        assert_eq!(line["jsonrpc"], "2.0", "{line}");
        let Some(id) = line.get("id") else {
            assert_eq!(line["method"], "event", "only events come unasked: {line}");
            let topic = line["params"]["topic"].as_str().unwrap_or_else(|| panic!("no topic: {line}"));
            return self.fits(&format!("event.{topic}"), &line["params"]);
        };
        let asked = self.asked.iter().position(|asked| asked.id == *id);
        let asked = asked.and_then(|at| self.asked.drain(..=at).next_back());
        if let Some(error) = line.get("error") {
            assert!(line.get("result").is_none(), "{line}");
            return self.fits("error", error);
        }
        let Asked { method, params, .. } = asked.unwrap_or_else(|| panic!("nobody asked for {line}"));
        self.fits(&format!("{method}.params"), &params);
        self.fits(&format!("{method}.result"), &line["result"]);
    }

    fn fits(&mut self, name: &str, value: &Value) {
        let faults = faults(name, value);
        let shown: String = value.to_string().chars().take(2000).collect();
        assert!(faults.is_empty(), "not a {name} by the schema: {faults:#?}\n{shown}");
        self.seen.insert(name.to_owned());
    }
}

/// Deeper than any line that a server understands.
const MAX_DEPTH: usize = 1024;

/// Patterns nest deeper than serde_json's own limit; what nests deeper than the server's is read by nobody.
fn read(line: &[u8]) -> serde_json::Result<Value> {
    let mut depth = 0usize;
    let deepest = line.iter().map(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    let mut reader = serde_json::Deserializer::from_slice(line);
    if deepest.max().is_some_and(|deepest| deepest <= MAX_DEPTH) {
        reader.disable_recursion_limit();
    }
    let value = Value::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

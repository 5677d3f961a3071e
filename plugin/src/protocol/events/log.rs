//! The log: every request that changed the session, so that another client can follow.

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{Event, LOG, payloads};
use crate::protocol::json::string;

/// Who changed the session.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Author<'a> {
    /// A client, by the line that it sent.
    Client {
        /// Number of its connection.
        number: u64,
        /// The request.
        line: &'a [u8],
    },
    /// The host: a parameter, or a project.
    Host,
    /// The window.
    Window,
}

impl Author<'_> {
    /// Number of the client's connection, if it is one.
    pub(crate) fn client(&self) -> Option<u64> {
        if let Self::Client { number, .. } = self { Some(*number) } else { None }
    }

    /// The JSON-RPC method that the client called.
    pub(crate) fn method(&self) -> Option<String> {
        let Self::Client { line, .. } = self else { return None };
        #[derive(serde::Deserialize)]
        struct Called<'a> {
            #[serde(borrow)]
            method: Option<&'a RawValue>,
        }
        serde_json::from_slice::<Called<'_>>(line).ok()?.method.and_then(string)
    }
}

/// What was changed.
pub(crate) struct Entry<'a> {
    /// Number of the edit; of a batch, of its last part.
    pub seq: u64,
    /// By whom.
    pub author: Author<'a>,
    /// What it was, where no client said so.
    pub label: &'a str,
    /// Where it acts, in cycles; at once without.
    pub position: Option<f64>,
}

impl Entry<'_> {
    /// The event, without digest.
    pub(crate) fn event(&self) -> Event {
        let (family, method, params) = match self.author {
            Author::Client { line, .. } => called(line).unwrap_or_default(),
            Author::Host => ("host".to_owned(), self.label.to_owned(), Value::Null),
            Author::Window => ("window".to_owned(), self.label.to_owned(), Value::Null),
        };
        let (seq, position, client) = (self.seq, self.position, self.author.client());
        Event::new(LOG, &payloads::Logged { seq, position, client, family, method, params, digest: None })
    }
}

/// Family, method and parameters of a request.
fn called(line: &[u8]) -> Option<(String, String, Value)> {
    let text = std::str::from_utf8(line).ok()?;
    // Patterns nest deeper than serde_json's own limit; how deep was checked when they were read.
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let mut fields: Map<String, Value> = serde::Deserialize::deserialize(&mut reader).ok()?;
    if fields.remove("jsonrpc").is_some() {
        let params = fields.remove("params").unwrap_or_else(|| json!({}));
        return Some(("jsonrpc".to_owned(), fields.remove("method")?.as_str()?.to_owned(), params));
    }
    let family = if fields.contains_key("cmd") { "cmd" } else { "type" };
    let method = fields.remove(family)?.as_str()?.to_owned();
    Some((family.to_owned(), method, Value::Object(fields)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(line: &str) -> Value {
        let author = Author::Client { number: 3, line: line.as_bytes() };
        Value::Object(Entry { seq: 7, author, label: "", position: Some(2.0) }.event().fields)
    }

    #[test]
    fn a_request_of_each_family_is_told_as_it_was_made() {
        let rpc = r#"{"jsonrpc":"2.0","id":9,"method":"gain","params":{"node":"bass","gain":0.5}}"#;
        let told = json!({"seq": 7, "position": 2.0, "client": 3, "family": "jsonrpc", "method": "gain",
            "params": {"node": "bass", "gain": 0.5}});
        assert_eq!(entry(rpc), told);
        let cmd = entry(r#"{"cmd":"Hush","slot":"kick"}"#);
        assert_eq!((&cmd["family"], &cmd["method"]), (&json!("cmd"), &json!("Hush")));
        assert_eq!(cmd["params"], json!({"slot": "kick"}));
        let low = entry(r#"{"type":"set_control","label":"a","value":1}"#);
        assert_eq!(low["params"], json!({"label": "a", "value": 1}));
    }

    #[test]
    fn a_pattern_of_the_deepest_nesting_is_told_whole() {
        let deep = 200;
        let pattern = format!(
            "{}{}{}",
            r#"{"op":"Rev","child":"#.repeat(deep),
            r#"{"op":"Silence"}"#,
            "}".repeat(deep)
        );
        let told = entry(&format!(r#"{{"cmd":"SetPattern","slot":"a","pattern":{pattern}}}"#));
        let mut at = &told["params"]["pattern"];
        for _ in 0..deep {
            at = &at["child"];
        }
        assert_eq!(at["op"], "Silence");
    }
}

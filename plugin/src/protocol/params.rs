//! How parameters are read: an object by name, with the way to what does not fit.

use krach_core::ir::did_you_mean;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, RpcError};

pub(super) fn read_params<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, RpcError> {
    let raw = raw.map_or("{}", RawValue::get);
    if !raw.trim_start().starts_with('{') {
        let error = RpcError::new(INVALID_PARAMS, "parameters are an object, by name").at("params");
        return Err(error.hint("such as {\"node\": \"bass\"}; leave `params` out where there are none"));
    }
    read_object(raw)
}

/// Reads an object of parameters, with the way to what does not fit.
pub(super) fn read_object<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, RpcError> {
    let mut reader = serde_json::Deserializer::from_str(raw);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "params".to_owned() } else { format!("params.{path}") };
        // The line and column are those of what is left of the request.
        let message = error.into_inner().to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        let (message, hint) = wrong_and_right(&message[..end]);
        RpcError::new(INVALID_PARAMS, format!("parameters not understood: {message}")).at(place).hint(hint)
    })
}

/// A number of a scene. Of those that are none, what eight bits hold is refused where its scene is looked for.
pub(super) fn scene<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u8>, D::Error> {
    small(from, "1 to 127")
}

/// A MIDI channel.
pub(super) fn channel<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    given(from, "a MIDI channel from 0 to 15")
}

/// A controller.
pub(super) fn controller<'de, D: Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
    given(from, "a controller from 0 to 127")
}

/// A number of voices.
pub(super) fn voices<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u32>, D::Error> {
    small(from, "1 to 64")
}

/// One that is not null.
fn given<'de, D: Deserializer<'de>>(from: D, range: &'static str) -> Result<u8, D::Error> {
    small(from, range)?.ok_or_else(|| D::Error::custom(format!("null is no number, expected {range}")))
}

/// A whole number; one that does not fit is refused with what would.
fn small<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    from: D,
    range: &'static str,
) -> Result<Option<T>, D::Error> {
    let Some(number) = Option::<serde_json::Number>::deserialize(from)? else { return Ok(None) };
    let wrong = || D::Error::custom(format!("{number} is out of range, expected {range}"));
    number.as_i64().and_then(|number| T::try_from(number).ok()).ok_or_else(wrong).map(Some)
}

/// What serde says is wrong, and what would be right in a musician's words.
fn wrong_and_right(said: &str) -> (&str, String) {
    let (wrong, right) = said.split_once(", expected ").unwrap_or((said, ""));
    let quoted = |text: &str| text.split('`').nth(1).map(str::to_owned);
    if wrong.starts_with("unknown field") || wrong.starts_with("unknown variant") {
        let known: Vec<&str> = right.split('`').skip(1).step_by(2).collect();
        let near = quoted(wrong).and_then(|wanted| did_you_mean(&wanted, known.iter().copied()));
        return match near {
            Some(near) => (wrong, near),
            None if known.is_empty() => (wrong, "it takes no parameters".to_owned()),
            None => (wrong, format!("expected {}", known.join(", "))),
        };
    }
    if let Some(field) = quoted(wrong).filter(|_| wrong.starts_with("missing field")) {
        return (wrong, format!("give `{field}`"));
    }
    let kind = match right {
        "" => return (wrong, "docs/protocol.md lists what each method takes".to_owned()),
        "f64" | "f32" => "a number",
        "u8" => "a whole number from 0 to 255",
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i32" | "i64" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        "a map" => "an object, {…}",
        "a sequence" => "a list, […]",
        other => other,
    };
    (wrong, format!("expected {kind}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Taken {
        #[serde(rename = "node")]
        _node: String,
        #[serde(default, rename = "gain")]
        _gain: f64,
        #[serde(default, rename = "on")]
        _on: bool,
        #[serde(default, rename = "values")]
        _values: BTreeMap<String, u8>,
    }

    #[test]
    fn whatever_is_wrong_with_parameters_has_a_hint() {
        for (text, place, hint) in [
            (r#"{"nod":"a"}"#, "params.nod", "did you mean node?"),
            (r#"{"node":"a","elephant":1}"#, "params.elephant", "expected node, gain, on, values"),
            (r#"{}"#, "params", "give `node`"),
            (r#"{"node":1}"#, "params.node", "expected a text in quotes"),
            (r#"{"node":"a","gain":"1"}"#, "params.gain", "expected a number"),
            (r#"{"node":"a","on":1}"#, "params.on", "expected true or false"),
            (r#"{"node":"a","values":[]}"#, "params.values", "expected an object, {…}"),
            (r#"{"node":"a","values":{"b":-1}}"#, "params.values.b", "expected a whole number from 0 to 255"),
        ] {
            let error = read_object::<Taken>(text).unwrap_err();
            assert_eq!(error.place.as_deref(), Some(place), "{text}: {error:?}");
            assert_eq!(error.hint.as_deref(), Some(hint), "{text}: {error:?}");
        }
    }
}

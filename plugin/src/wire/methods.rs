//! The table of JSON-RPC methods. A new one is a row here: its name, and how its parameters become work
//! for the control thread.

use std::time::{Duration, Instant};

use krach_core::edit::EditError;
use krach_core::graph::GraphError;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answers::{FailedEdit, OkReply, Synced, TimedReply};
use super::change::{self, ReadChange};
use super::desk::Desk;
use super::low::{Low, Refusal};
use super::rpc::{Answer, INVALID_PARAMS, METHOD_NOT_FOUND, REFUSED, RpcError, TIMED_OUT, Work, told};
use super::{
    at, describe, engine_methods, events, low, midi, modulation, nodes, play, query, reply, session, sounds,
    state, tagged, transport,
};

struct Method {
    name: &'static str,
    kind: Kind,
}

/// How parameters become work.
enum Kind {
    /// By themselves.
    Ask(fn(Option<&RawValue>) -> Result<Work, RpcError>),
    /// As a change, which takes `at` and `dry_run` beside its own.
    Change(ReadChange),
}

use Kind::{Ask, Change as Edits};

const METHODS: &[Method] = &[
    Method { name: "adopt", kind: Edits(nodes::read_adopt) },
    Method { name: "at", kind: Ask(read_at) },
    Method { name: "automate", kind: Edits(modulation::read_automate) },
    Method { name: "batch", kind: Edits(change::read_batch) },
    Method { name: "capture", kind: Ask(session::read_capture) },
    Method { name: "clear", kind: Edits(session::read_clear) },
    Method { name: "clear_automation", kind: Edits(modulation::read_clear) },
    Method { name: "compile", kind: Ask(sounds::read_compile) },
    Method { name: "connect", kind: Edits(nodes::read_connect) },
    Method { name: "crossfade", kind: Edits(engine_methods::read_crossfade) },
    Method { name: "define", kind: Ask(sounds::read_define) },
    Method { name: "describe", kind: Ask(describe::read_describe) },
    Method { name: "disconnect", kind: Edits(nodes::read_disconnect) },
    Method { name: "fade", kind: Edits(modulation::read_fade) },
    Method { name: "gain", kind: Edits(nodes::read_gain) },
    Method { name: "history", kind: Ask(session::read_history) },
    Method { name: "hush", kind: Edits(play::read_hush) },
    Method { name: "input", kind: Edits(engine_methods::read_input) },
    Method { name: "instantiate", kind: Edits(session::read_instantiate) },
    Method { name: "limiter", kind: Edits(engine_methods::read_limiter) },
    Method { name: "load", kind: Edits(session::read_load) },
    Method { name: "master", kind: Edits(engine_methods::read_master) },
    Method { name: "midi_learn", kind: Ask(midi::read_learn) },
    Method { name: "midi_list", kind: Ask(midi::read_list) },
    Method { name: "midi_map", kind: Edits(midi::read_map) },
    Method { name: "midi_route", kind: Edits(midi::read_route) },
    Method { name: "midi_unmap", kind: Edits(midi::read_unmap) },
    Method { name: "mute", kind: Edits(nodes::read_mute) },
    Method { name: "name", kind: Edits(engine_methods::read_name) },
    Method { name: "node", kind: Edits(nodes::read_node) },
    Method { name: "panic", kind: Edits(engine_methods::read_panic) },
    Method { name: "play", kind: Edits(play::read_play) },
    Method { name: "query", kind: Ask(query::read_query) },
    Method { name: "rebuild", kind: Ask(engine_methods::read_rebuild) },
    Method { name: "redo", kind: Ask(session::read_redo) },
    Method { name: "remove", kind: Edits(nodes::read_remove) },
    Method { name: "set", kind: Edits(nodes::read_set) },
    Method { name: "solo", kind: Edits(nodes::read_solo) },
    Method { name: "source", kind: Ask(sounds::read_source) },
    Method { name: "status", kind: Ask(|_| Ok(Box::new(|desk| Answer::Now(Ok(state::state(desk)))))) },
    Method { name: "stop", kind: Edits(play::read_stop) },
    Method { name: "subscribe", kind: Ask(events::read_subscribe) },
    Method { name: "sync", kind: Ask(read_sync) },
    Method { name: "transport", kind: Edits(transport::read_transport) },
    Method { name: "types", kind: Ask(sounds::read_types) },
    Method { name: "undo", kind: Ask(session::read_undo) },
    Method { name: "unsubscribe", kind: Ask(events::read_unsubscribe) },
];

/// Finds the method and reads its parameters.
pub(super) fn read(method: &str, params: Option<&RawValue>) -> Result<Work, RpcError> {
    match METHODS.iter().find(|known| known.name == method).map(|known| &known.kind) {
        Some(Ask(read)) => read(params),
        Some(Edits(read)) => change::work(params, *read),
        None => Err(unknown(method)),
    }
}

/// How a method's parameters become a change; `None` if it is none.
///
/// # Errors
/// If there is no such method.
pub(super) fn change_of(method: &str) -> Result<Option<ReadChange>, RpcError> {
    match METHODS.iter().find(|known| known.name == method).map(|known| &known.kind) {
        Some(Edits(read)) => Ok(Some(*read)),
        Some(Ask(_)) => Ok(None),
        None => Err(unknown(method)),
    }
}

/// Names of all methods, for the hello line and for error texts.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    METHODS.iter().map(|method| method.name)
}

fn unknown(method: &str) -> RpcError {
    let shown: String = method.chars().take(64).collect();
    let known: Vec<_> = names().collect();
    let nearest = names()
        .map(|name| (strsim::damerau_levenshtein(name, &shown), name))
        .min()
        .filter(|&(distance, name)| distance <= 1 + name.len() / 3);
    let meant = nearest.map(|(_, name)| format!("did you mean \"{name}\"? ")).unwrap_or_default();
    RpcError::new(METHOD_NOT_FOUND, format!("unknown method: {shown}"))
        .at("method")
        .hint(format!("{meant}known methods: {}", known.join(", ")))
}

pub(super) fn params<'a, T: Deserialize<'a>>(raw: Option<&'a RawValue>) -> Result<T, RpcError> {
    let raw = raw.map_or("{}", RawValue::get);
    if !raw.trim_start().starts_with('{') {
        return Err(RpcError::new(INVALID_PARAMS, "parameters are an object, by name").at("params"));
    }
    typed(raw)
}

/// Reads an object of parameters, with the way to what does not fit.
pub(super) fn typed<'a, T: Deserialize<'a>>(raw: &'a str) -> Result<T, RpcError> {
    let mut reader = serde_json::Deserializer::from_str(raw);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let place = if path == "." { "params".to_owned() } else { format!("params.{path}") };
        // The line and column are those of what is left of the request.
        let message = error.into_inner().to_string();
        let end = message.rfind(" at line ").unwrap_or(message.len());
        RpcError::new(INVALID_PARAMS, format!("parameters not understood: {}", &message[..end])).at(place)
    })
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AtParams<'a> {
    /// When.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    at: Option<Value>,
    /// A request of the `cmd` or `type` family, or `{method: "transport", params}`.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    request: &'a RawValue,
}

/// `at {at, request}`: a request of an older family that acts at a time.
fn read_at(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let AtParams { at, request } = params(raw)?;
    let not_understood = |message: String| RpcError::new(INVALID_PARAMS, message).at("params.request");
    let at = at::read(at.as_ref()).ok_or_else(|| {
        RpcError::new(INVALID_PARAMS, "not a time").at("params.at").hint(format!("expected {}", at::EXPECTED))
    })?;
    let text = request.get();
    let low = tagged(text).and_then(|tags| low::read(text, &tags));
    let change = match low {
        None if method_of(text).as_deref() == Some("transport") => {
            let Called { params } = serde_json::from_str(text).map_err(|e| not_understood(e.to_string()))?;
            transport::low_change(params)?
        }
        Some(Low::Change(change)) => change,
        Some(Low::Known(line)) => match known_error(&line) {
            Some(message) => return Err(RpcError::new(REFUSED, message).at("params.request")),
            None => return Err(not_an_edit()),
        },
        Some(_) => return Err(not_an_edit()),
        None => return Err(not_understood(message_of(&reply::unrecognized(text)))),
    };
    Ok(Box::new(move |desk| {
        Answer::Now(match change.run(at, desk) {
            Ok((msg, receipt)) => {
                Ok(told(&TimedReply { reply: OkReply { status: "Ok", msg }, accepted: receipt.into() }))
            }
            Err(refusal) => Err(refused(refusal, desk)),
        })
    }))
}

/// A request of this family within `at`: its method.
fn method_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        method: String,
    }
    serde_json::from_str::<Named>(text).ok().map(|named| named.method)
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

fn not_an_edit() -> RpcError {
    RpcError::new(INVALID_PARAMS, "only an edit can have a time")
        .at("params.request")
        .hint("send this request by itself")
}

/// The text of a reply line of the older families, if it is an error.
fn known_error(line: &str) -> Option<String> {
    let reply: Value = serde_json::from_str(line).ok()?;
    (reply["status"] == "Error").then(|| reply["msg"].as_str().unwrap_or_default().to_owned())
}

fn message_of(line: &str) -> String {
    known_error(line).unwrap_or_default()
}

fn refused(refusal: Refusal, desk: &Desk<'_>) -> RpcError {
    let Refusal { message, error } = refusal;
    let mut answer = RpcError::new(REFUSED, message);
    answer.still_playing = !desk.engine.poisoned();
    match *error {
        EditError::Pattern(error) => answer.at(error.path),
        EditError::Graph(GraphError::TypeNotFound(wanted)) => match nearest_type(&wanted, desk) {
            Some(near) => answer.hint(format!("did you mean {near}?")),
            None => answer.hint("list_nodes tells which types there are"),
        },
        EditError::Graph(GraphError::UnknownPort { node, .. }) => answer.at(node),
        EditError::Graph(GraphError::DuplicateNode(id) | GraphError::UnknownNode(id)) => answer.at(id),
        EditError::Value { field, expected } => answer.at(field).hint(format!("expected {expected}")),
        _ => answer,
    }
}

fn nearest_type(wanted: &str, desk: &Desk<'_>) -> Option<String> {
    let near =
        desk.engine.type_ids().into_iter().map(|id| (strsim::damerau_levenshtein(&id, wanted), id)).min();
    near.filter(|(distance, id)| *distance <= 1 + id.len() / 3).map(|(_, id)| id)
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SyncParams {
    /// Seconds to wait at most.
    #[serde(default)]
    timeout: Option<f64>,
}

/// `sync {timeout?}`: answers when every earlier edit of the connection is adopted or has failed.
fn read_sync(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let SyncParams { timeout } = params(raw)?;
    let deadline = match timeout.map(Duration::try_from_secs_f64) {
        None => None,
        Some(Ok(limit)) => Instant::now().checked_add(limit),
        Some(Err(_)) => {
            let error = RpcError::new(INVALID_PARAMS, "not a time to wait").at("params.timeout");
            return Err(error.hint("expected seconds, 0 or more"));
        }
    };
    Ok(Box::new(move |desk| {
        let last = desk.connection.last();
        Answer::Later(Box::new(move |desk| {
            if desk.connection.is_done(last) {
                return Some(Ok(synced(last, desk)));
            }
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            late.then(|| {
                Err(RpcError::new(TIMED_OUT, "some edits are not adopted yet").hint(
                    "is the host processing audio, and is the transport on its way to their positions?",
                ))
            })
        }))
    }))
}

fn synced(last: u64, desk: &mut Desk<'_>) -> Value {
    let failed = desk.connection.take_failures(last).into_iter();
    let failed = failed.map(|failure| FailedEdit { seq: failure.seq, message: failure.message }).collect();
    let position = desk.engine.status().position.cycles;
    told(&Synced { synced: true, position, failed })
}

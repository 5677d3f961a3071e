//! JSON-RPC methods for the engine as a whole: silence, recovery, protection, name. Each may carry `at`.

use krach_core::edit::{At, Edit};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::at;
use super::desk::Desk;
use super::methods::params;
use super::rpc::{Answer, INVALID_PARAMS, REFUSED, RpcError, Work};

/// Longest name of an instance, in characters.
const MAX_NAME: usize = 64;

#[derive(Deserialize)]
struct Timed {
    #[serde(default)]
    at: Option<Value>,
}

#[derive(Deserialize)]
struct Limiter {
    on: bool,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// `panic {at?}`: every gate shut, every note ended, every tail cut. Patterns go on.
pub(super) fn read_panic(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    Ok(work(Edit::Panic, time(raw)?))
}

/// `rebuild`: the whole engine anew from the session; the way back after a panic or a silenced node.
pub(super) fn read_rebuild(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Timed { at } = params(raw)?;
    if at.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "a rebuild acts at once").at("params.at");
        return Err(error.hint("leave `at` out"));
    }
    Ok(work(Edit::Rebuild, At::Now))
}

/// `limiter {on, at?}`: the safety limiter at +6 dBFS.
pub(super) fn read_limiter(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Limiter { on } = params(raw)?;
    Ok(work(Edit::SetLimiter(on), time(raw)?))
}

/// `name {name}`: what the instance is called; saved with the session.
pub(super) fn read_name(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Name { name } = params(raw)?;
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        let error = RpcError::new(INVALID_PARAMS, "not a name").at("params.name");
        return Err(error.hint(format!("expected 1 to {MAX_NAME} printable characters")));
    }
    Ok(work(Edit::SetName(name), At::Now))
}

fn time(raw: Option<&RawValue>) -> Result<At, RpcError> {
    let Timed { at } = params(raw)?;
    at::read(at.as_ref()).ok_or_else(|| {
        RpcError::new(INVALID_PARAMS, "not a time").at("params.at").hint(format!("expected {}", at::EXPECTED))
    })
}

fn work(edit: Edit, at: At) -> Work {
    Box::new(move |desk: &mut Desk<'_>| {
        Answer::Now(match desk.edit(edit, at) {
            Ok(receipt) => Ok(json!({"position": receipt.position, "seq": receipt.seq})),
            Err(error) => Err(RpcError::new(REFUSED, error.to_string())),
        })
    })
}

//! JSON-RPC methods for the engine as a whole: silence, recovery, protection, name, loudness, input, fades.

use krach_core::edit::Edit;
use krach_core::model::Crossfade;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answers::Accepted;
use super::change::{Change, fields};
use super::methods::params;
use super::rpc::{Answer, INVALID_PARAMS, REFUSED, RpcError, Work, told};

/// Longest name of an instance, in characters.
const MAX_NAME: usize = 64;
/// Longest crossfade, in whatever it counts.
const MAX_CROSSFADE: f64 = 64.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Nothing {}

#[derive(Deserialize)]
struct Timed {
    #[serde(default)]
    at: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Limiter {
    /// On or off.
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Name {
    /// 1 to 64 printable characters.
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Master {
    /// Linear, 0 to 16.
    gain: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct CrossfadeParams {
    /// Quarter notes, 0 to 64.
    #[serde(default)]
    beats: Option<f64>,
    /// Seconds, 0 to 64.
    #[serde(default)]
    secs: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Input {
    /// On or off.
    on: bool,
    /// 0 (left) or 1 (right) on both sides; both as they are without.
    #[serde(default)]
    channel: Option<u32>,
}

/// `panic`: every gate shut, every note ended, every tail cut. Patterns go on.
pub(super) fn read_panic(rest: &str) -> Result<Change, RpcError> {
    let Nothing {} = fields(rest)?;
    Ok(Change::of(Edit::Panic))
}

/// `rebuild`: the whole engine anew from the session; the way back after a panic or a silenced node.
pub(super) fn read_rebuild(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Timed { at } = params(raw)?;
    if at.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "a rebuild acts at once").at("params.at");
        return Err(error.hint("leave `at` out"));
    }
    Ok(Box::new(move |desk| {
        Answer::Now(match desk.edit(Edit::Rebuild, krach_core::edit::At::Now) {
            Ok(receipt) => Ok(told(&Accepted::from(receipt))),
            Err(error) => Err(RpcError::new(REFUSED, error.to_string())),
        })
    }))
}

/// `limiter {on}`: the safety limiter at +6 dBFS.
pub(super) fn read_limiter(rest: &str) -> Result<Change, RpcError> {
    let Limiter { on } = fields(rest)?;
    Ok(Change::of(Edit::SetLimiter(on)))
}

/// `name {name}`: what the instance is called; saved with the session.
pub(super) fn read_name(rest: &str) -> Result<Change, RpcError> {
    let Name { name } = fields(rest)?;
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        let error = RpcError::new(INVALID_PARAMS, "not a name").at("params.name");
        return Err(error.hint(format!("expected 1 to {MAX_NAME} printable characters")));
    }
    Ok(Change::of(Edit::SetName(name)))
}

/// `master {gain}`: loudness of everything, linear.
pub(super) fn read_master(rest: &str) -> Result<Change, RpcError> {
    let Master { gain } = fields(rest)?;
    Ok(Change::of(Edit::SetMasterGain(gain)))
}

/// `crossfade {beats | secs}`: how long what is replaced fades into what replaces it, from now on.
pub(super) fn read_crossfade(rest: &str) -> Result<Change, RpcError> {
    let CrossfadeParams { beats, secs } = fields(rest)?;
    let (length, crossfade) = match (beats, secs) {
        (Some(beats), None) => (beats, Crossfade::Beats(beats)),
        (None, Some(secs)) => (secs, Crossfade::Seconds(secs)),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, "a crossfade has one length").at("params");
            return Err(error.hint("give beats or secs, and one of them"));
        }
    };
    if !(0.0..=MAX_CROSSFADE).contains(&length) {
        let error = RpcError::new(INVALID_PARAMS, format!("{length} is no length")).at("params");
        return Err(error.hint(format!("expected 0 to {MAX_CROSSFADE}")));
    }
    Ok(Change::of(Edit::SetCrossfade(crossfade)))
}

/// `input {on, channel?}`: the plugin's audio input reaches `adc_input` nodes: both sides as they are, or one
/// channel on both.
pub(super) fn read_input(rest: &str) -> Result<Change, RpcError> {
    let Input { on, channel } = fields(rest)?;
    if channel.is_some_and(|channel| channel > 1) {
        let error = RpcError::new(INVALID_PARAMS, "no such channel").at("params.channel");
        return Err(error.hint("expected 0 (left) or 1 (right)"));
    }
    Ok(Change::of(if on { Edit::StartInput { channel } } else { Edit::StopInput }))
}

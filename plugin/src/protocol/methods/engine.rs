//! JSON-RPC methods for the engine as a whole: silence, recovery, protection, name, loudness, input, fades.

use krach_core::edit::Edit;
use krach_core::ir::shown;
use krach_core::model::{Crossfade, InputState, Setting};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::{Accepted, Mutation};
use crate::protocol::params::{read_object, read_params};

methods! {
    /// loudness of everything
    Engine "master" Change(read_master) (Master) => ();
    /// how long what is replaced fades into what replaces it, from now on
    Engine "crossfade" Change(read_crossfade) (CrossfadeParams) => ();
    /// the plugin's audio input reaches `adc_input` nodes
    Engine "input" Change(read_input) (Input) => ();
    /// the safety limiter at +6 dBFS
    Engine "limiter" Change(read_limiter) (Limiter) => ();
    /// what the instance is called, saved with the session
    Engine "name" Change(read_name) (Name) => ();
    /// every gate shut, every note ended, every tail cut; patterns go on
    Engine "panic" Change(read_panic) (Nothing) => ();
    /// the whole engine anew from the session: the way back after a fault
    Engine "rebuild" Ask(read_rebuild) () => (Accepted);
}

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
    /// 0 (left) or 1 (right) on both sides. Default: both as they are.
    #[serde(default)]
    channel: Option<u32>,
}

/// `panic`: every gate shut, every note ended, every tail cut. Patterns go on.
fn read_panic(rest: &str) -> Result<Mutation, RpcError> {
    let Nothing {} = read_object(rest)?;
    Ok(Mutation::of(Edit::Panic))
}

/// `rebuild`: the whole engine anew from the session; the way back after a panic or a silenced node.
fn read_rebuild(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Timed { at } = read_params(raw)?;
    if at.is_some() {
        let error = RpcError::new(INVALID_PARAMS, "a rebuild acts at once").at("params.at");
        return Err(error.hint("leave `at` out"));
    }
    Ok(Box::new(move |context| {
        Answer::Now(match context.edit(Edit::Rebuild, krach_core::edit::At::Now) {
            Ok(receipt) => Ok(to_json(&Accepted::from(receipt))),
            Err(error) => Err(RpcError::new(REFUSED, error.to_string())),
        })
    }))
}

/// `limiter {on}`: the safety limiter at +6 dBFS.
fn read_limiter(rest: &str) -> Result<Mutation, RpcError> {
    let Limiter { on } = read_object(rest)?;
    Ok(Mutation::of(Edit::Setting(Setting::Limiter(on))))
}

/// `name {name}`: what the instance is called; saved with the session.
fn read_name(rest: &str) -> Result<Mutation, RpcError> {
    let Name { name } = read_object(rest)?;
    let fits = (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        let error = RpcError::new(INVALID_PARAMS, "not a name").at("params.name");
        return Err(error.hint(format!("expected 1 to {MAX_NAME} printable characters")));
    }
    Ok(Mutation::of(Edit::Setting(Setting::Name(name))))
}

/// `master {gain}`: loudness of everything, linear.
fn read_master(rest: &str) -> Result<Mutation, RpcError> {
    let Master { gain } = read_object(rest)?;
    Ok(Mutation::of(Edit::Setting(Setting::Master(gain))))
}

/// `crossfade {beats | secs}`: how long what is replaced fades into what replaces it, from now on.
fn read_crossfade(rest: &str) -> Result<Mutation, RpcError> {
    let CrossfadeParams { beats, secs } = read_object(rest)?;
    let (length, crossfade) = match (beats, secs) {
        (Some(beats), None) => (beats, Crossfade::Beats(beats)),
        (None, Some(secs)) => (secs, Crossfade::Seconds(secs)),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, "a crossfade has one length").at("params");
            return Err(error.hint("give beats or secs, and one of them"));
        }
    };
    if !(0.0..=MAX_CROSSFADE).contains(&length) {
        let error = RpcError::new(INVALID_PARAMS, format!("{} is no length", shown(length))).at("params");
        return Err(error.hint(format!("expected 0 to {MAX_CROSSFADE}")));
    }
    Ok(Mutation::of(Edit::Setting(Setting::Crossfade(crossfade))))
}

/// `input {on, channel?}`: the plugin's audio input reaches `adc_input` nodes: both sides as they are, or one
/// channel on both.
fn read_input(rest: &str) -> Result<Mutation, RpcError> {
    let Input { on, channel } = read_object(rest)?;
    if channel.is_some_and(|channel| channel > 1) {
        let error = RpcError::new(INVALID_PARAMS, "no such channel").at("params.channel");
        return Err(error.hint("expected 0 (left) or 1 (right)"));
    }
    Ok(Mutation::of(if on {
        Edit::Setting(Setting::Input(Some(InputState { channel })))
    } else {
        Edit::Setting(Setting::Input(None))
    }))
}

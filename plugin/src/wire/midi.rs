//! JSON-RPC methods for what the host plays and turns: where notes go, which controller moves what.

use krach_core::edit::Edit;
use krach_core::engine::{Engine, Learning};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answers::{self, MidiList, NoteRoute};
use super::change::{Change, fields};
use super::desk::Desk;
use super::methods::params;
use super::rpc::{Answer, INVALID_PARAMS, REFUSED, RpcError, Work, told};

/// A MIDI channel, or all that have no route of their own.
#[derive(Deserialize)]
#[serde(untagged)]
enum Channel {
    Number(u8),
    Word(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Route {
    /// 0 to 15, or `"omni"`: all without a route of their own.
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    channel: Channel,
    /// Who plays them; null: nobody.
    node: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Map {
    /// 0 to 15.
    channel: u8,
    /// Controller, 0 to 127.
    cc: u8,
    /// The control.
    label: String,
    /// Value at 0; the control's least without.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 127; the control's largest without.
    #[serde(default)]
    hi: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Unmap {
    /// 0 to 15.
    channel: u8,
    /// Controller, 0 to 127.
    cc: u8,
    /// Only this control; without it all that the controller moves.
    #[serde(default)]
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Learn {
    /// The control; null waits no longer.
    label: Option<String>,
    /// Value at 0.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 127.
    #[serde(default)]
    hi: Option<f64>,
}

/// `midi_route {channel, node, at?, dry_run?}`: the host's notes on a channel (0…15, or "omni": all
/// without a route of their own) play a node; null takes the route away.
pub(super) fn read_route(rest: &str) -> Result<Change, RpcError> {
    let Route { channel, node } = fields(rest)?;
    let channel = match channel {
        Channel::Number(channel @ 0..=15) => Some(channel),
        Channel::Word(word) if word == "omni" => None,
        Channel::Number(_) | Channel::Word(_) => {
            let error = RpcError::new(INVALID_PARAMS, "no such channel").at("params.channel");
            return Err(error.hint("expected 0 to 15, or \"omni\""));
        }
    };
    Ok(Change::of(Edit::RouteNotes { channel, node }))
}

/// `midi_map {channel, cc, label, lo?, hi?, at?, dry_run?}`: a controller moves a control, over its whole
/// range unless `lo` and `hi` say otherwise.
pub(super) fn read_map(rest: &str) -> Result<Change, RpcError> {
    let Map { channel, cc, label, lo, hi } = fields(rest)?;
    Ok(Change::new(move |ground| {
        let (lo, hi) = range(&label, lo, hi, ground.engine())?;
        Ok(Edit::MidiMap { channel, cc, label, lo, hi }.into())
    }))
}

/// `midi_unmap {channel, cc, label?, at?, dry_run?}`: a controller moves that control no more, or nothing.
pub(super) fn read_unmap(rest: &str) -> Result<Change, RpcError> {
    let Unmap { channel, cc, label } = fields(rest)?;
    Ok(Change::of(Edit::MidiUnmap { channel, cc, label }))
}

/// `midi_learn {label, lo?, hi?}`: the next controller that moves is mapped; `label` null waits no longer.
pub(super) fn read_learn(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Learn { label, lo, hi } = params(raw)?;
    Ok(Box::new(move |desk| {
        let wanted = match label {
            Some(label) => {
                range(&label, lo, hi, desk.engine).map(|(lo, hi)| Some(Learning { label, lo, hi }))
            }
            None => Ok(None),
        };
        Answer::Now(wanted.and_then(|wanted| {
            desk.engine.learn(wanted).map_err(|error| RpcError::new(REFUSED, error.to_string()))?;
            Ok(told(&list(desk)))
        }))
    }))
}

/// `midi_list`: routes of notes, maps of controllers, and what waits for a controller.
pub(super) fn read_list(_: Option<&RawValue>) -> Result<Work, RpcError> {
    Ok(Box::new(|desk| Answer::with(&list(desk))))
}

fn list(desk: &Desk<'_>) -> MidiList {
    let session = desk.engine.session();
    let channel =
        |channel: Option<u8>| channel.map_or(answers::Channel::Word("omni"), answers::Channel::Number);
    let routes = session.note_routes.iter();
    let routes = routes.map(|r| NoteRoute { channel: channel(r.channel), node: r.node.clone() }).collect();
    let learning = desk.engine.learning();
    let learning = learning.map(|l| answers::Learning { label: l.label.clone(), lo: l.lo, hi: l.hi });
    MidiList { routes, maps: (*session.midi_maps).clone(), learning }
}

/// The values at both ends of a controller.
fn range(label: &str, lo: Option<f64>, hi: Option<f64>, engine: &Engine) -> Result<(f64, f64), RpcError> {
    let own = engine.range_of(label);
    match (lo.or(own.map(|own| own.0)), hi.or(own.map(|own| own.1))) {
        (Some(lo), Some(hi)) => Ok((lo, hi)),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, format!("no control is called {label}"));
            Err(error.at("params.label").hint("say lo and hi to map it all the same"))
        }
    }
}

//! JSON-RPC methods for what the host plays and turns: where notes go, which controller moves what.

use krach_core::edit::Edit;
use krach_core::engine::Learning;
use krach_core::model::MidiMapState;
use krach_core::node::Registry;
use krach_core::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::Mutation;
use crate::protocol::params;
use crate::protocol::params::{read_object, read_params};

methods! {
    /// the host's notes [play a node](voices.md#notes-of-the-host)
    Midi "midi_route" Change(read_route) (Route) => ();
    /// a controller moves a control
    Midi "midi_map" Change(read_map) (Map) => ();
    /// it moves that control no more, or none
    Midi "midi_unmap" Change(read_unmap) (Unmap) => ();
    /// the next controller that moves is mapped; not bank, data entry, or channel modes
    Midi "midi_learn" Ask(read_learn) (Learn) => (MidiList);
    /// routes, maps and what waits for a controller
    Midi "midi_list" Ask(read_list) () => (MidiList);
}

/// A MIDI channel, or all that have no route of their own.
#[derive(Deserialize)]
#[serde(untagged, expecting = "not a channel, expected 0 to 15, or \"omni\"")]
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
    #[serde(deserialize_with = "params::channel")]
    channel: u8,
    /// Controller, 0 to 127.
    #[serde(deserialize_with = "params::controller")]
    cc: u8,
    /// The control.
    label: String,
    /// Value at 0. Default: the control's minimum; 0 for faders and sends.
    #[serde(default)]
    lo: Option<f64>,
    /// Value at 127. Default: the control's maximum; 1 for faders and sends.
    #[serde(default)]
    hi: Option<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Unmap {
    /// 0 to 15.
    #[serde(deserialize_with = "params::channel")]
    channel: u8,
    /// Controller, 0 to 127.
    #[serde(deserialize_with = "params::controller")]
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
fn read_route(rest: &str) -> Result<Mutation, RpcError> {
    let Route { channel, node } = read_object(rest)?;
    let channel = match channel {
        Channel::Number(channel @ 0..=15) => Some(channel),
        Channel::Word(word) if word == "omni" => None,
        Channel::Number(_) | Channel::Word(_) => {
            let error = RpcError::new(INVALID_PARAMS, "no such channel").at("params.channel");
            return Err(error.hint("expected 0 to 15, or \"omni\""));
        }
    };
    Ok(Mutation::of(Edit::RouteNotes { channel, node }))
}

/// `midi_map {channel, cc, label, lo?, hi?, at?, dry_run?}`: a controller moves a control, over its whole
/// range unless `lo` and `hi` say otherwise.
fn read_map(rest: &str) -> Result<Mutation, RpcError> {
    let Map { channel, cc, label, lo, hi } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let (lo, hi) = range(&label, "params.label", (lo, hi), session_preview.session()?, registry)?;
        Ok(Edit::MidiMap { channel, cc, label, lo, hi }.into())
    }))
}

/// `midi_unmap {channel, cc, label?, at?, dry_run?}`: a controller moves that control no more, or nothing.
fn read_unmap(rest: &str) -> Result<Mutation, RpcError> {
    let Unmap { channel, cc, label } = read_object(rest)?;
    Ok(Mutation::of(Edit::MidiUnmap { channel, cc, label }))
}

/// `midi_learn {label, lo?, hi?}`: the next controller that moves is mapped; `label` null waits no longer.
fn read_learn(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Learn { label, lo, hi } = read_params(raw)?;
    Ok(Box::new(move |context| {
        let wanted = match label {
            Some(label) => {
                let (session, registry) = (context.engine.session(), context.engine.registry());
                range(&label, "params.label", (lo, hi), session, registry)
                    .map(|(lo, hi)| Some(Learning { label, lo, hi }))
            }
            None => Ok(None),
        };
        Answer::Now(wanted.and_then(|wanted| {
            context.engine.learn(wanted).map_err(|error| RpcError::new(REFUSED, error.to_string()))?;
            Ok(to_json(&list(context)))
        }))
    }))
}

/// `midi_list`: routes of notes, maps of controllers, and what waits for a controller.
fn read_list(_: Option<&RawValue>) -> Result<Work, RpcError> {
    Ok(Box::new(|context| Answer::with(&list(context))))
}

fn list(context: &RequestContext<'_>) -> MidiList {
    let session = context.engine.session();
    let channel = |channel: Option<u8>| channel.map_or(RouteChannel::Word("omni"), RouteChannel::Number);
    let routes = session.note_routes.iter();
    let routes = routes.map(|r| NoteRoute { channel: channel(r.channel), node: r.node.clone() }).collect();
    let learning = context.engine.learning();
    let learning = learning.map(|l| LearningNow { label: l.label.clone(), lo: l.lo, hi: l.hi });
    MidiList { routes, maps: (*session.midi_maps).clone(), learning }
}

/// The values at both ends of a controller or a macro, where they are not said those of the control.
pub(super) fn range(
    label: &str,
    place: &str,
    (lo, hi): (Option<f64>, Option<f64>),
    session: &Session,
    registry: &Registry,
) -> Result<(f64, f64), RpcError> {
    let own = session.range_of(label, registry);
    match (lo.or(own.map(|own| own.0)), hi.or(own.map(|own| own.1))) {
        (Some(lo), Some(hi)) => Ok((lo, hi)),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, format!("no control is called {label}"));
            Err(error.at(place).hint("say lo and hi to map it all the same"))
        }
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct MidiList {
    /// Who plays the host's notes.
    pub routes: Vec<NoteRoute>,
    /// What controllers move.
    pub maps: Vec<MidiMapState>,
    /// What waits for a controller.
    pub learning: Option<LearningNow>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct NoteRoute {
    /// 0 to 15, or `"omni"`.
    pub channel: RouteChannel,
    /// The node.
    pub node: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(crate) enum RouteChannel {
    Number(u8),
    Word(&'static str),
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LearningNow {
    /// The control.
    pub label: String,
    /// Value at 0.
    pub lo: f64,
    /// Value at 127.
    pub hi: f64,
}

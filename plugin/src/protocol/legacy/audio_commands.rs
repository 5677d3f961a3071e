//! The `type` family: audio commands.

use krach_core::automation::{ShapeError, ShapeSpec};
use krach_core::edit::Edit;
use krach_core::graph::{Connection, GraphEdit, GraphNode, RawGraph};
use krach_core::model::{InputState, Period, Setting};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::reply;
use crate::protocol::json::string;
use crate::protocol::legacy::{LegacyEdit, LegacyRequest, RefusalPrefix};
use crate::protocol::request::tagged;

/// How refusals of automations begin.
const AUTOMATION: &str = "set_automation: ";

#[derive(Deserialize)]
struct RemoveNode {
    id: String,
}

#[derive(Deserialize)]
struct ExposeControl {
    label: String,
    node_id: String,
    control_name: String,
}

#[derive(Deserialize)]
struct GraphBatch<'a> {
    #[serde(borrow)]
    commands: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct SetControl {
    label: String,
    value: f64,
}

#[derive(Deserialize)]
struct SetMasterGain {
    gain: f64,
}

#[derive(Deserialize)]
struct SetAutomation {
    id: String,
    label: String,
    shape: String,
    duty: Option<f64>,
    table: Option<Vec<f32>>,
    lo: f64,
    hi: f64,
    period_secs: f64,
    #[serde(default)]
    one_shot: bool,
}

#[derive(Deserialize)]
struct ClearAutomation {
    id: String,
}

#[derive(Deserialize)]
struct ListNodes {
    #[serde(rename = "reply_port")]
    _reply_port: u16,
}

#[derive(Deserialize)]
struct StartInput {
    #[serde(default)]
    channel: Option<u32>,
}

#[derive(Deserialize)]
struct MidiMap {
    channel: u8,
    cc: u8,
    label: String,
    lo: f64,
    hi: f64,
}

fn fields<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads the command that `text` holds; `None` if it is not understood.
pub(super) fn read(kind: &str, text: &str) -> Option<LegacyRequest> {
    let change = |edit, ok: String, prefix| {
        Some(LegacyRequest::Edit(LegacyEdit { edit, ok, refused: RefusalPrefix::As(prefix) }))
    };
    let plain = |edit, prefix| change(edit, "ok".to_owned(), prefix);
    match kind {
        "load_graph" => {
            change(Edit::LoadGraph(fields::<RawGraph>(text)?), "graph loaded".to_owned(), "load_graph: ")
        }
        "graph_batch" => {
            let GraphBatch { commands } = serde_json::from_str(text).ok()?;
            let edits: Option<Vec<_>> =
                commands.into_iter().map(RawValue::get).map(tagged_graph_edit).collect();
            plain(Edit::Graph(edits?), "handle_message: ")
        }
        "set_control" => {
            let SetControl { label, value } = fields(text)?;
            plain(Edit::SetControl { label, value }, "set_control: ")
        }
        "set_master_gain" => {
            let SetMasterGain { gain } = fields(text)?;
            plain(Edit::Setting(Setting::Master(gain)), "set_master_gain: ")
        }
        "set_automation" => set_automation(fields(text)?),
        "clear_automation" => {
            let ClearAutomation { id } = fields(text)?;
            plain(Edit::ClearAutomation { id }, "clear_automation: ")
        }
        "list_nodes" => fields::<ListNodes>(text).map(|_| LegacyRequest::NodeTypes),
        "start_input" => {
            let StartInput { channel } = fields(text)?;
            let ok = format!("input started (ch {})", channel.unwrap_or(0));
            change(Edit::Setting(Setting::Input(Some(InputState { channel }))), ok, "start_input: ")
        }
        "midi_map" => {
            let MidiMap { channel, cc, label, lo, hi } = fields(text)?;
            let ok = format!("midi_map: ch{channel} cc{cc} → {label}");
            change(Edit::MidiMap { channel, cc, label, lo, hi }, ok, "midi_map: ")
        }
        "register_node_type" => Some(LegacyRequest::Known(reply::ok("ok"))),
        "ping" => Some(LegacyRequest::Known(reply::pong())),
        "shutdown" => Some(LegacyRequest::Shutdown),
        _ => plain(Edit::Graph(vec![graph_edit(kind, text)?]), "handle_message: "),
    }
}

fn tagged_graph_edit(text: &str) -> Option<GraphEdit> {
    graph_edit(&string(tagged(text)?.kind?)?, text)
}

/// One of the five that may also stand in a `graph_batch`.
fn graph_edit(kind: &str, text: &str) -> Option<GraphEdit> {
    Some(match kind {
        "add_node" => GraphEdit::AddNode(fields::<GraphNode>(text)?),
        "remove_node" => GraphEdit::RemoveNode { id: fields::<RemoveNode>(text)?.id },
        "connect" => GraphEdit::Connect(fields::<Connection>(text)?),
        "disconnect" => GraphEdit::Disconnect(fields::<Connection>(text)?),
        "expose_control" => {
            let ExposeControl { label, node_id, control_name } = fields(text)?;
            GraphEdit::ExposeControl { label, node_id, control_name }
        }
        _ => return None,
    })
}

/// A shape that is not known makes the message unrecognized; one that cannot be drawn says why.
fn set_automation(wanted: SetAutomation) -> Option<LegacyRequest> {
    let SetAutomation { id, label, shape, duty, table, lo, hi, period_secs, one_shot } = wanted;
    let shape = match ShapeSpec::named(&shape, duty, table) {
        Ok(shape) => shape,
        Err(ShapeError::Unknown { .. }) => return None,
        Err(error) => return Some(LegacyRequest::Known(reply::error(&format!("{AUTOMATION}{error}")))),
    };
    let edit = Edit::SetAutomation { id, label, shape, lo, hi, period: Period::Secs(period_secs), one_shot };
    Some(LegacyRequest::Edit(LegacyEdit {
        edit,
        ok: "ok".to_owned(),
        refused: RefusalPrefix::As(AUTOMATION),
    }))
}

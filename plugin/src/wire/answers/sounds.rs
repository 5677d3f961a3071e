//! Answers about FAUST sounds and what else nodes can be.

use std::collections::BTreeMap;

use krach_core::node::{ControlKind, NodeDecl, Port};
use krach_faust::{Interface, Scale, Style, Timings, Widget};
use serde::Serialize;

use crate::library::Failure;

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Types {
    /// Each type.
    pub types: Vec<TypeInfo>,
    /// The folder for sounds; null where there are none.
    pub folder: Option<Folder>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TypeInfo {
    /// Its id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// `builtin`, `factory`, `file`, `session`, `node` (the source of single nodes) or `nowhere`.
    pub origin: &'static str,
    /// What has become of it: `ready`, `compiling`, `waiting`, `failed`.
    pub state: &'static str,
    /// Ports and controls.
    #[serde(flatten)]
    pub interface: InterfaceInfo,
    /// The nodes whose own source it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<Vec<String>>,
    /// Why it does not compile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Folder {
    /// Its path.
    pub path: Option<String>,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Ports and controls; null while nobody knows them.
#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct InterfaceInfo {
    /// Audio inputs; null while nobody knows them.
    pub inputs: Option<Vec<PortInfo>>,
    /// Audio outputs.
    pub outputs: Option<Vec<PortInfo>>,
    /// Controls.
    pub controls: Option<Vec<Control>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PortInfo {
    /// What wires call it.
    pub name: String,
    /// 1 or 2.
    pub channels: usize,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Control {
    /// Its name.
    pub name: String,
    /// Unit of its values; empty if it has none.
    pub unit: String,
    /// Least value.
    pub min: f32,
    /// Largest value.
    pub max: f32,
    /// Value that it begins with.
    pub default: f32,
    /// It is opened and shut, and not ramped.
    pub gate: bool,
    /// Step of the widget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<f32>,
    /// Scale of the widget: `linear`, `log` or `exp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<&'static str>,
    /// `button`, `checkbox`, `slider`, `knob`, `number` or `menu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<&'static str>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SourceText {
    /// The type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Where the text is from: `factory`, `file`, `session` or `node`.
    pub origin: &'static str,
    /// FAUST text.
    pub text: String,
    /// Texts that it imports, by name.
    pub imports: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Compiled {
    /// Ports and controls.
    #[serde(flatten)]
    pub interface: InterfaceInfo,
    /// How long it took.
    pub ms: Milliseconds,
    /// It was known already.
    pub cached: bool,
    /// Memory of one voice.
    pub state_bytes: u64,
}

/// Durations, in milliseconds.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Milliseconds {
    /// Of the texts' reading.
    pub gather: f64,
    /// Of FAUST.
    pub front: f64,
    /// Of the code's making.
    pub back: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Defined {
    /// The type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// Without a text: whose sound it is again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<&'static str>,
    /// With one: what came of it.
    #[serde(flatten)]
    pub compiled: Option<Compiled>,
}

impl From<Timings> for Milliseconds {
    fn from(Timings { gather, front, back }: Timings) -> Self {
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1e3;
        Self { gather: ms(gather), front: ms(front), back: ms(back) }
    }
}

impl From<&krach_core::node::Control> for Control {
    fn from(c: &krach_core::node::Control) -> Self {
        Self {
            name: c.name.clone(),
            unit: c.unit.clone(),
            min: c.min,
            max: c.max,
            default: c.default,
            gate: c.kind == ControlKind::Gate,
            step: None,
            scale: None,
            style: None,
        }
    }
}

impl From<&Widget> for Control {
    fn from(widget: &Widget) -> Self {
        Self {
            step: Some(widget.step),
            scale: Some(match widget.scale {
                Scale::Linear => "linear",
                Scale::Logarithmic => "log",
                Scale::Exponential => "exp",
            }),
            style: Some(match widget.style {
                Style::Button => "button",
                Style::Checkbox => "checkbox",
                Style::Slider => "slider",
                Style::Knob => "knob",
                Style::Number => "number",
                Style::Menu => "menu",
            }),
            ..Self::from(&widget.control)
        }
    }
}

impl From<&NodeDecl> for InterfaceInfo {
    fn from(decl: &NodeDecl) -> Self {
        Self {
            inputs: Some(ports(&decl.inputs)),
            outputs: Some(ports(&decl.outputs)),
            controls: Some(decl.controls.iter().map(Control::from).collect()),
        }
    }
}

impl From<&Interface> for InterfaceInfo {
    fn from(interface: &Interface) -> Self {
        let controls = Some(interface.widgets.iter().map(Control::from).collect());
        Self { controls, ..Self::from(&interface.decl) }
    }
}

fn ports(ports: &[Port]) -> Vec<PortInfo> {
    ports.iter().map(|port| PortInfo { name: port.name.clone(), channels: port.channels }).collect()
}

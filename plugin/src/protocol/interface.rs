//! Answers about FAUST sounds and what else nodes can be.

use krach_core::node::{
    ControlKind, DeclaredMidi, MidiInput, NodeDecl, Port, Scale, SettingDecl, SettingValue,
};
use krach_faust::{Interface, Style, Timings, Widget};
use serde::Serialize;

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
    /// Settings: texts and lists beside the controls.
    pub settings: Option<Vec<SettingInfo>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PortInfo {
    /// What wires call it.
    pub name: String,
    /// 1 or 2.
    pub channels: usize,
}

/// A setting.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SettingInfo {
    /// Its name.
    pub name: String,
    /// What it is where a node says nothing: a text or a list of texts.
    pub default: SettingValue,
    /// What it takes, in words.
    pub takes: String,
}

impl From<&SettingDecl> for SettingInfo {
    fn from(setting: &SettingDecl) -> Self {
        let SettingDecl { name, default, takes } = setting.clone();
        Self { name, default, takes }
    }
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
    /// Distance of neighbouring values; 0: any value.
    pub step: f32,
    /// How a controller that moves it spreads its values: `linear`, `log` or `exp`.
    pub scale: &'static str,
    /// Only whole numbers mean something.
    pub integer: bool,
    /// Names that some of its values have, by rising value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<LabelInfo>,
    /// What of the host's MIDI moves it where nothing is mapped, as its text says: `ctrl 41`, `ctrl 41 3` for channel 3 of 16, `pitchwheel`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub declared_midi: Vec<String>,
    /// `button`, `checkbox`, `slider`, `knob`, `number` or `menu`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub style: Option<&'static str>,
}

/// The name of a value.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct LabelInfo {
    /// The name, which patterns may say.
    pub name: String,
    /// The value.
    pub value: f32,
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
            step: c.step,
            scale: match c.scale {
                Scale::Linear => "linear",
                Scale::Log => "log",
                Scale::Exp => "exp",
            },
            integer: c.integer,
            labels: c.labels.iter().map(LabelInfo::from).collect(),
            declared_midi: c.midi.iter().map(midi_words).collect(),
            style: None,
        }
    }
}

fn midi_words(midi: &DeclaredMidi) -> String {
    let what = match midi.input {
        MidiInput::Controller(number) => format!("ctrl {number}"),
        MidiInput::PitchWheel => "pitchwheel".to_owned(),
    };
    match midi.channel {
        Some(channel) => format!("{what} {}", channel + 1),
        None => what,
    }
}

impl From<&krach_core::node::Label> for LabelInfo {
    fn from(label: &krach_core::node::Label) -> Self {
        Self { name: label.name.clone(), value: label.value }
    }
}

impl From<&Widget> for Control {
    fn from(widget: &Widget) -> Self {
        Self {
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
            settings: Some(decl.settings.iter().map(SettingInfo::from).collect()),
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

//! What FAUST says about a program, as ports and controls.
//!
//! A control's name is its path in the program's groups, without the outermost one, joined by `/`;
//! characters outside letters, digits, `_`, `-` and `.` become `_`. A button, and anything whose last
//! name is `gate`, is a gate. One or two channels are one port, `in` or `out`; more are mono ports
//! `in0`, `in1`… and `out0`, `out1`…

use crate::budget::{Budget, within};
use crate::error::CompileError;
use krach_core::node::{
    Bargraph, Control, ControlKind, DeclaredMidi, MidiInput, NodeDecl, Port, Role, Scale,
};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How a control wants to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A momentary button.
    Button,
    /// On or off.
    Checkbox,
    /// A slider (`hslider`, `vslider`).
    Slider,
    /// A knob (`[style:knob]`).
    Knob,
    /// A number to type (`nentry`).
    Number,
    /// A choice from a list (`[style:menu{…}]`, `[style:radio{…}]`).
    Menu,
}

/// What a program says about a control beyond what the engine needs.
#[derive(Clone, Debug, PartialEq)]
pub struct Widget {
    /// The control, as in [`NodeDecl::controls`].
    pub control: Control,
    /// Wanted appearance.
    pub style: Style,
    /// Byte offset of the value in the state.
    pub(crate) zone: usize,
}

/// Ports, controls and state of a program.
#[derive(Clone, Debug, PartialEq)]
pub struct Interface {
    /// For the engine.
    pub decl: NodeDecl,
    /// For people; in the order of `decl.controls`.
    pub widgets: Vec<Widget>,
    /// What it shows of itself.
    pub bargraphs: Vec<Bargraph>,
    /// Byte offsets of their values in the state.
    pub(crate) shown: Vec<usize>,
    /// The program computes in 64 bits.
    pub double: bool,
}

/// FAUST's description of a program.
#[derive(Deserialize)]
pub(crate) struct Description {
    #[serde(default)]
    pub(crate) inputs: u64,
    #[serde(default)]
    pub(crate) outputs: u64,
    /// Samples and controls have 64 bits.
    #[serde(default)]
    pub(crate) double: bool,
    #[serde(default)]
    ui: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    label: String,
    index: Option<u64>,
    #[serde(default)]
    meta: Vec<BTreeMap<String, String>>,
    init: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    step: Option<f64>,
    #[serde(default)]
    items: Vec<Item>,
}

impl Item {
    /// What it says of a key in brackets.
    fn meta(&self, key: &str) -> Option<&str> {
        self.meta.iter().find_map(|entry| entry.get(key)).map(String::as_str)
    }
}

impl Description {
    /// Reads it. Groups may stand about sixty deep in each other.
    ///
    /// # Errors
    /// If it is not a description.
    pub(crate) fn parse(json: &str) -> Result<Self, CompileError> {
        serde_json::from_str(json)
            .map_err(|error| CompileError::Code(format!("its description is damaged: {error}")))
    }
}

impl Interface {
    /// Reads FAUST's description of the program `name`, whose instances have `state` bytes.
    ///
    /// # Errors
    /// If it is not a description, has more channels or controls than the budget allows, or zones outside
    /// the state.
    pub(crate) fn read(name: &str, json: &str, state: u64, budget: &Budget) -> Result<Self, CompileError> {
        let description = Description::parse(json)?;
        for (what, size) in [("inputs", description.inputs), ("outputs", description.outputs)] {
            within(what, size, budget.channels)?;
        }
        let mut found = Found::default();
        let zones = Zones { state, size: if description.double { 8 } else { 4 } };
        // FAUST wraps everything in one group that has the program's name: not part of the path.
        for item in description.ui.iter() {
            if item.index.is_some() {
                collect(item, "", zones, &mut found)?;
            }
            for inner in &item.items {
                collect(inner, "", zones, &mut found)?;
            }
        }
        let Found { mut widgets, mut bargraphs, shown } = found;
        within("controls", widgets.len() as u64, budget.controls)?;
        within("bargraphs", bargraphs.len() as u64, budget.controls)?;
        make_unique(widgets.iter_mut().map(|widget| &mut widget.control.name));
        make_unique(bargraphs.iter_mut().map(|bargraph| &mut bargraph.name));
        let decl = NodeDecl {
            type_id: format!("faust:{name}"),
            inputs: ports("in", description.inputs as usize),
            outputs: ports("out", description.outputs as usize),
            controls: widgets.iter().map(|widget| widget.control.clone()).collect(),
            settings: Vec::new(),
            role: Role::Process,
        };
        Ok(Self { decl, widgets, bargraphs, shown, double: description.double })
    }
}

fn ports(name: &str, channels: usize) -> Vec<Port> {
    if channels == 2 { ports_of(name, &[2]) } else { ports_of(name, &vec![1; channels]) }
}

/// Ports with so many channels each: one is `name`, several are `name0`, `name1`…
pub(crate) fn ports_of(name: &str, channels: &[usize]) -> Vec<Port> {
    match channels {
        [channels] => vec![Port { name: name.to_owned(), channels: *channels }],
        many => {
            (0..).zip(many).map(|(at, &channels)| Port { name: format!("{name}{at}"), channels }).collect()
        }
    }
}

/// Where controls have their values: so many bytes each, in so many of state.
#[derive(Clone, Copy)]
struct Zones {
    state: u64,
    size: u64,
}

impl Zones {
    /// The place of a value, if it lies in the state.
    fn place(self, index: Option<u64>) -> Option<usize> {
        let fits = |zone: &u64| {
            zone.is_multiple_of(4) && zone.checked_add(self.size).is_some_and(|end| end <= self.state)
        };
        index.filter(fits).map(|zone| zone as usize)
    }
}

/// What a description has of controls and bargraphs.
#[derive(Default)]
struct Found {
    widgets: Vec<Widget>,
    bargraphs: Vec<Bargraph>,
    shown: Vec<usize>,
}

fn collect(item: &Item, group: &str, zones: Zones, found: &mut Found) -> Result<(), CompileError> {
    let label = clean(&item.label);
    let path = match (group, label.as_str()) {
        (group, "") => group.to_owned(),
        ("", label) => label.to_owned(),
        (group, label) => format!("{group}/{label}"),
    };
    if item.kind.ends_with("group") {
        return item.items.iter().try_for_each(|inner| collect(inner, &path, zones, found));
    }
    let style = match item.kind.as_str() {
        "button" => Style::Button,
        "checkbox" => Style::Checkbox,
        "nentry" => Style::Number,
        "hslider" | "vslider" => Style::Slider,
        "soundfile" => return Err(CompileError::Code("it reads sound files, which programs may not".into())),
        "hbargraph" | "vbargraph" => return collect_bargraph(item, path, zones, found),
        _ => return Ok(()),
    };
    let zone = zones
        .place(item.index)
        .ok_or_else(|| CompileError::Code(format!("its control {path} has no place in the state")))?;
    let meta = |key: &str| item.meta(key);
    let (style, labels) = match meta("style") {
        Some("knob") => (Style::Knob, Vec::new()),
        Some(list) if list.starts_with("menu") || list.starts_with("radio") => (Style::Menu, menu(list)),
        _ => (style, Vec::new()),
    };
    let scale = match meta("scale") {
        Some("log") => Scale::Log,
        Some("exp") => Scale::Exp,
        _ => Scale::Linear,
    };
    let midi =
        item.meta.iter().filter_map(|entry| entry.get("midi")).filter_map(|words| declared_midi(words));
    let switch = matches!(style, Style::Button | Style::Checkbox);
    let (a, b) = if switch { (0.0, 1.0) } else { (number(item.min, 0.0), number(item.max, 1.0)) };
    let (min, max) = (a.min(b), a.max(b));
    let gate = style == Style::Button || path.rsplit('/').next() == Some("gate");
    let name = if path.is_empty() { "control" } else { &path };
    let control = Control::continuous(name, min, max, number(item.init, 0.0).clamp(min, max))
        .unit(&short(meta("unit").unwrap_or_default(), LONGEST_UNIT))
        .scale(scale)
        .step(if switch { 1.0 } else { number(item.step, 0.0) })
        .labels(labels.iter().map(|(name, value)| (name.as_str(), *value)))
        .midi(midi);
    let kind = if gate { ControlKind::Gate } else { ControlKind::Continuous };
    found.widgets.push(Widget { control: Control { kind, ..control }, style, zone });
    Ok(())
}

/// A bargraph shows a value of the state, and takes nothing.
fn collect_bargraph(item: &Item, path: String, zones: Zones, found: &mut Found) -> Result<(), CompileError> {
    let zone = zones
        .place(item.index)
        .ok_or_else(|| CompileError::Code(format!("its bargraph {path} has no place in the state")))?;
    let (a, b) = (number(item.min, 0.0), number(item.max, 1.0));
    found.bargraphs.push(Bargraph {
        name: if path.is_empty() { "bargraph".to_owned() } else { path },
        unit: short(item.meta("unit").unwrap_or_default(), LONGEST_UNIT),
        min: a.min(b),
        max: a.max(b),
    });
    found.shown.push(zone);
    Ok(())
}

fn number(value: Option<f64>, other: f32) -> f32 {
    value.map(|value| value as f32).filter(|value| value.is_finite()).unwrap_or(other)
}

/// `ctrl 41`, `ctrl 41 3`, `pitchwheel`, `pitchwheel 3`: what FAUST's hosts understand of it, channels from 1; 0 is any.
/// What else they understand moves nothing here.
fn declared_midi(words: &str) -> Option<DeclaredMidi> {
    let mut words = words.split_whitespace();
    let input = match words.next()? {
        "ctrl" => MidiInput::Controller(words.next()?.parse().ok().filter(|number| *number < 128)?),
        "pitchwheel" | "pitchbend" => MidiInput::PitchWheel,
        _ => return None,
    };
    let channel = match words.next() {
        Some(number) => number.parse::<u8>().ok().filter(|number| *number <= 16)?.checked_sub(1),
        None => None,
    };
    words.next().is_none().then_some(DeclaredMidi { input, channel })
}

/// Most characters of a name between two `/`.
const LONGEST_LABEL: usize = 64;
/// Most characters of a unit.
const LONGEST_UNIT: usize = 16;

fn short(text: &str, most: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(most).collect()
}

/// The names of `menu{'sine':0;'saw':1}`, as far as they can be read.
fn menu(list: &str) -> Vec<(String, f32)> {
    let Some(mut rest) = list.split_once('{').map(|(_, rest)| rest) else { return Vec::new() };
    let mut labels = Vec::new();
    while let Some((_, quoted)) = rest.split_once('\'') {
        let Some((name, after)) = quoted.split_once('\'') else { break };
        let Some(after) = after.trim_start().strip_prefix(':') else { break };
        let end = after.find([';', '}']).unwrap_or(after.len());
        if let Ok(value) = after[..end].trim().parse::<f64>() {
            labels.push((short(name.trim(), LONGEST_LABEL), value as f32));
        }
        rest = &after[end..];
    }
    labels
}

/// FAUST gives a group without a name the label `0x00`.
fn clean(label: &str) -> String {
    if label == "0x00" {
        return String::new();
    }
    let allowed = |c: char| if c.is_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' };
    label.trim().chars().map(allowed).take(LONGEST_LABEL).collect()
}

/// A second one of the same path becomes `path_2`.
fn make_unique<'a>(names: impl Iterator<Item = &'a mut String>) {
    let mut taken = BTreeSet::new();
    let mut last = BTreeMap::new();
    for name in names {
        let first = name.clone();
        let number = last.entry(first.clone()).or_insert(1u32);
        while !taken.insert(name.clone()) {
            *number += 1;
            *name = format!("{first}_{number}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOICE: &str = r#"{"inputs":1,"outputs":2,"ui":[{"type":"vgroup","label":"voice","items":[
        {"type":"button","label":"gate","index":8},
        {"type":"hslider","label":"freq","index":12,"meta":[{"scale":"log"},{"unit":"Hz"}],"init":440,"min":20,"max":20000,"step":0.1},
        {"type":"hgroup","label":"low pass","items":[
            {"type":"vslider","label":"cut","index":16,"meta":[{"style":"knob"}],"init":1,"min":0,"max":2},
            {"type":"vslider","label":"cut","index":20,"init":9,"min":2,"max":0},
            {"type":"hbargraph","label":"level","index":24,"min":0,"max":1}]}]}]}"#;

    #[test]
    fn controls_are_named_by_their_groups_and_a_button_is_a_gate() {
        let interface = Interface::read("voice", VOICE, 28, &Budget::default()).expect("reads");
        let names: Vec<_> = interface.decl.controls.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["gate", "freq", "low_pass/cut", "low_pass/cut_2"]);
        assert_eq!(interface.decl.controls[0].kind, ControlKind::Gate);
        let freq = &interface.widgets[1];
        let freq = &freq.control;
        assert_eq!((freq.unit.as_str(), freq.scale, freq.step), ("Hz", Scale::Log, 0.1));
        assert_eq!(interface.widgets[2].style, Style::Knob);
        let odd = &interface.decl.controls[3];
        assert_eq!((odd.min, odd.max, odd.default), (0.0, 2.0, 2.0), "a range that is upside down is turned");
        assert_eq!(interface.decl.type_id, "faust:voice");
    }

    #[test]
    fn bargraphs_have_the_names_that_controls_would_have() {
        let interface = Interface::read("voice", VOICE, 28, &Budget::default()).expect("reads");
        let level = Bargraph { name: "low_pass/level".into(), unit: String::new(), min: 0.0, max: 1.0 };
        assert_eq!((interface.bargraphs, interface.shown), (vec![level], vec![24]));
        let two = r#"{"ui":[{"type":"vbargraph","label":"l","index":0,"meta":[{"unit":"dB"}],"min":6,"max":-60},
            {"type":"hbargraph","label":"l","index":4},{"type":"hslider","label":"l","index":8}]}"#;
        let interface = Interface::read("x", two, 12, &Budget::default()).expect("reads");
        let names: Vec<_> = interface.bargraphs.iter().map(|b| (b.name.as_str(), b.min, b.max)).collect();
        assert_eq!(names, [("l", -60.0, 6.0), ("l_2", 0.0, 1.0)]);
        assert_eq!(
            (interface.bargraphs[0].unit.as_str(), interface.widgets[0].control.name.as_str()),
            ("dB", "l")
        );
        assert!(Interface::read("x", two, 4, &Budget::default()).is_err(), "outside of the state");
    }

    #[test]
    fn a_menu_names_its_values_and_a_whole_step_makes_whole_ones() {
        let wave = |style: &str, step: &str| {
            let json = format!(
                r#"{{"ui":[{{"type":"nentry","label":"wave","index":0,"meta":[{{"style":"{style}"}}],
                "init":1,"min":0,"max":3,"step":{step}}}]}}"#
            );
            Interface::read("x", &json, 4, &Budget::default()).expect("reads").widgets.remove(0)
        };
        let names = |widget: &Widget| -> Vec<(String, f32)> {
            widget.control.labels.iter().map(|label| (label.name.clone(), label.value)).collect()
        };
        let owned = |names: &[(&str, f32)]| -> Vec<(String, f32)> {
            names.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect()
        };
        let menu = wave("menu{'sine':0;'saw':1;'a;b}c':2.5}", "1");
        assert_eq!((menu.style, menu.control.integer), (Style::Menu, true));
        assert_eq!(names(&menu), owned(&[("sine", 0.0), ("saw", 1.0), ("a;b}c", 2.5)]));
        let radio = wave("radio{ 'on' : 1 ; 'off' : 0 ; 'beyond' : 9 }", "0.5");
        assert_eq!((radio.style, radio.control.integer), (Style::Menu, false));
        assert_eq!(names(&radio), owned(&[("off", 0.0), ("on", 1.0)]));
        for odd in
            ["menu", "menu{", "menu{'a", "menu{'a'", "menu{'a':", "menu{'a':x", "menu{a:1}", "radio{''}"]
        {
            let widget = wave(odd, "0");
            assert_eq!((widget.style, widget.control.labels.len()), (Style::Menu, 0), "{odd}");
        }
        assert!(wave("knob", "1").control.labels.is_empty());
    }

    #[test]
    fn a_control_says_which_controller_or_wheel_moves_it() {
        let midi = |meta: &str| {
            let json = format!(
                r#"{{"ui":[{{"type":"hslider","label":"a","index":0,"meta":[{meta}],"init":0,"min":0,"max":1}}]}}"#
            );
            let mut read = Interface::read("x", &json, 4, &Budget::default()).expect("reads");
            read.widgets.remove(0).control.midi
        };
        let of = |input, channel| DeclaredMidi { input, channel };
        let wheel = MidiInput::PitchWheel;
        assert_eq!(midi(r#"{"midi":"ctrl 41"}"#), [of(MidiInput::Controller(41), None)]);
        assert_eq!(
            midi(
                r#"{"midi":"ctrl 7 16"},{"midi":"pitchwheel 1"},{"midi":" ctrl  0  0 "},{"midi":"pitchbend"}"#
            ),
            [
                of(MidiInput::Controller(7), Some(15)),
                of(wheel, Some(0)),
                of(MidiInput::Controller(0), None),
                of(wheel, None)
            ]
        );
        for other in
            ["", "ctrl", "ctrl 128", "ctrl -1", "ctrl x", "ctrl 1 17", "ctrl 1 2 3", "keyon 60", "clock"]
        {
            assert_eq!(midi(&format!(r#"{{"midi":"{other}"}}"#)), [], "{other}");
        }
    }

    #[test]
    fn two_channels_are_one_port_and_three_are_three() {
        let port = |inputs| format!(r#"{{"inputs":{inputs},"outputs":2,"ui":[]}}"#);
        let three = Interface::read("x", &port(3), 0, &Budget::default()).expect("reads").decl;
        assert_eq!(three.outputs, [Port::stereo("out")]);
        assert_eq!(three.inputs, [Port::mono("in0"), Port::mono("in1"), Port::mono("in2")]);
        assert!(Interface::read("x", &port(65), 0, &Budget::default()).is_err());
    }

    #[test]
    fn a_zone_outside_the_state_is_refused() {
        let read = |json: &str, state| Interface::read("voice", json, state, &Budget::default());
        // The bargraph is last, at 24: it is read where the others are written.
        let double = VOICE.replacen('{', r#"{"double":true,"#, 1);
        let (gate, cut, level) = ("control gate", "control low_pass/cut", "bargraph low_pass/level");
        for (json, end, missing) in [
            (VOICE, 28, [(0, gate), (11, gate), (19, cut), (23, cut), (24, level), (27, level)]),
            (&double, 32, [(0, gate), (15, gate), (19, "control freq"), (27, cut), (28, level), (31, level)]),
        ] {
            for (state, what) in missing {
                let error = read(json, state).expect_err("is refused");
                let said = format!("its {what} has no place in the state");
                assert_eq!(error, CompileError::Code(said), "{state} of {end}");
            }
            assert!(read(json, end).is_ok(), "{end} bytes are enough");
        }
        let crooked = VOICE.replace(r#""index":20"#, r#""index":18"#);
        let said = "its control low_pass/cut has no place in the state".to_owned();
        assert_eq!(read(&crooked, 28), Err(CompileError::Code(said)));
        let beyond = VOICE.replace(r#""index":20"#, r#""index":18446744073709551612"#);
        assert!(read(&beyond, 28).is_err(), "its end is no number");
    }

    #[test]
    fn groups_without_end_and_thousands_of_controls_are_refused_not_suffered() {
        let deep = |depth: usize| {
            let (open, close) =
                (r#"{"type":"vgroup","label":"g","items":["#.repeat(depth), "]}".repeat(depth));
            Interface::read("x", &format!(r#"{{"ui":[{open}{close}]}}"#), 0, &Budget::default())
        };
        assert!(deep(50).is_ok());
        assert!(deep(100_000).is_err());
        let many = |count: usize| {
            let one = r#"{"type":"nentry","label":"a","index":0}"#;
            let json = format!(r#"{{"ui":[{}]}}"#, vec![one; count].join(","));
            Interface::read("x", &json, 4, &Budget::default()).map(|interface| interface.widgets.len())
        };
        assert_eq!(many(4096), Ok(4096));
        assert!(matches!(many(4097), Err(CompileError::TooLarge { what: "controls", .. })));
    }
}

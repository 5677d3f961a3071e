//! ModuleIr: the document of a session, section by section.
//!
//! Every section may be missing. What this version does not know is kept and written again, in the
//! document as in its entries. Our own additions stand under the one key `krach`, which other readers
//! ignore.

use super::dsp::DspGraph;
use super::name::NAME;
use super::sections::{self, sections};
use super::traced::Traced;
use crate::automation::SHAPES;
use crate::bus::Bus;
use crate::graph::{RawGraph, Rest};
use crate::limits::{MAX_COUNT, MAX_GAIN, MAX_NAME};
use crate::model::{
    AutomationState, ClockSource, Crossfade, InputState, MacroState, MidiMapState, NoteRouteState,
    ProgramChanges, Start, TypeSource,
};
use crate::node::NodeSettings;
use krach_patterns::{Pattern, Swing};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, MapAccess, Visitor, value::MapAccessDeserializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// One whole session, frozen.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<ModuleIr>)]
pub struct ModuleIr {
    /// Nodes, in the order they were added.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeIr>,
    /// Routes between nodes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routing: Vec<RouteIr>,
    /// Patterns by the slot that plays them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<PatternIr>,
    /// Values of controls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub controls: Vec<ControlIr>,
    /// Automations over bars.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub automations: Vec<AutomationIr>,
    /// Nodes that are muted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub muted: Vec<MutedIr>,
    /// Free-run tempo, quarter notes per minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tempo: Option<f64>,
    /// Quarter notes per cycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<f64>,
    /// Master gain, linear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<f64>,
    /// Nodes that take what is routed into the module. `None`: not declared; empty: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Vec<String>>,
    /// Nodes that stand for the module's output. `None`: not declared; empty: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Vec<String>>,
    /// Modules within, each under its prefix; also read as `sub_graphs`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sub_modules: Vec<SubModuleIr>,
    /// What only we know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub krach: Option<Box<Krach>>,
    /// Sections that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What makes a node's sound.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A type id, such as `oscillator` or `faust:kick`.
    Type(String),
    /// A traced function.
    Graph(Traced),
    /// A FAUST program, or the YAML of a patch.
    Text(Arc<str>),
}

/// A node.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<NodeIr>)]
pub struct NodeIr {
    /// Its name; may contain `/`.
    #[schemars(length(min = 1, max = MAX_NAME), regex(pattern = NAME))]
    pub name: String,
    /// What makes its sound.
    pub source: Source,
    /// Its fader, linear, 0 to 16.
    #[schemars(range(min = 0.0, max = MAX_GAIN))]
    pub gain: f64,
    /// Voices, 1 to 64.
    #[schemars(range(min = 1, max = MAX_COUNT))]
    pub count: u32,
    /// Audio inputs, as the writer counted them. Tells readers that cannot ask the source.
    pub num_inputs: u32,
    /// Values that controls begin with: (control, value).
    pub init: Vec<(String, f64)>,
    /// Text of the function that the source was traced from. Kept for the client that wrote it.
    pub source_text: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Format of the `krach` section that this version writes.
pub const FORMAT: u32 = 3;
/// Gain of a node that says none.
pub const DEFAULT_GAIN: f64 = 0.5;
/// Port of a route that names none: the only input, or the first.
pub const DEFAULT_PORT: &str = "in0";

impl Default for NodeIr {
    fn default() -> Self {
        Self {
            name: String::new(),
            source: Source::Type(String::new()),
            gain: DEFAULT_GAIN,
            count: 1,
            num_inputs: 0,
            init: Vec::new(),
            source_text: String::new(),
            other: Map::new(),
        }
    }
}

/// How a route leads its sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RouteKind {
    /// After the fader, through a gain of its own.
    #[default]
    Send,
    /// Before the fader, straight into a port.
    Wire,
}

/// A route from a node to another.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<RouteIr>)]
pub struct RouteIr {
    /// The node that sounds.
    pub source: String,
    /// The node that hears it.
    pub target: String,
    /// How.
    pub kind: RouteKind,
    /// Gain of a send, linear, 0 to 16.
    #[schemars(range(min = 0.0, max = MAX_GAIN))]
    pub level: f64,
    /// Input port that a wire leads to.
    pub port: String,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for RouteIr {
    fn default() -> Self {
        Self {
            source: String::new(),
            target: String::new(),
            kind: RouteKind::Send,
            level: 1.0,
            port: DEFAULT_PORT.to_owned(),
            other: Map::new(),
        }
    }
}

/// A pattern on a slot.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<PatternIr>)]
pub struct PatternIr {
    /// The slot; that of a node has the node's name.
    pub target: String,
    /// The pattern.
    pub pattern: Arc<Pattern>,
    /// Swing around the pattern: a number, the share of the first of two eighths, or with another grid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub swing: Option<Swing>,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for PatternIr {
    fn default() -> Self {
        let pattern = Arc::new(Pattern::Silence { span: None });
        Self { target: String::new(), pattern, swing: None, other: Map::new() }
    }
}

/// The value of a control.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<ControlIr>)]
pub struct ControlIr {
    /// `node/control`.
    pub path: String,
    /// Value in the control's unit.
    pub value: f64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A control that moves by itself, a period every so many bars.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<AutomationIr>)]
pub struct AutomationIr {
    /// `node/control`.
    pub path: String,
    /// Name of the shape.
    #[schemars(extend("enum" = SHAPES))]
    pub shape: String,
    /// Value at the shape's 0.
    pub lo: f64,
    /// Value at the shape's 1.
    pub hi: f64,
    /// Bars per period, above 0.
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub bars: f64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for AutomationIr {
    fn default() -> Self {
        Self { path: String::new(), shape: String::new(), lo: 0.0, hi: 1.0, bars: 1.0, other: Map::new() }
    }
}

/// A node that is muted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<MutedIr>)]
pub struct MutedIr {
    /// The node.
    pub name: String,
    /// The gain that it comes back to.
    #[schemars(range(min = 0.0, max = MAX_GAIN))]
    pub saved_gain: f64,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for MutedIr {
    fn default() -> Self {
        Self { name: String::new(), saved_gain: DEFAULT_GAIN, other: Map::new() }
    }
}

/// A module within another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<SubModuleIr>)]
pub struct SubModuleIr {
    /// What its names begin with, without the `/`.
    #[schemars(length(min = 1, max = MAX_NAME), regex(pattern = NAME))]
    pub prefix: String,
    /// The module.
    pub module: ModuleIr,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a session has beyond what others read.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<Krach>)]
pub struct Krach {
    /// Format that it was written in.
    #[schemars(range(max = FORMAT))]
    pub version: u32,
    /// The instance's name.
    #[serde(skip_serializing_if = "is_default")]
    pub name: String,
    /// Nodes and wires given literally.
    #[serde(skip_serializing_if = "is_default")]
    pub raw_graph: RawGraph,
    /// More about nodes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub nodes: BTreeMap<String, NodeEntry>,
    /// More about slots.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub slots: BTreeMap<String, SlotEntry>,
    /// Automations over seconds, by id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub automations: BTreeMap<String, AutomationState>,
    /// Who is the clock.
    pub clock_source: ClockSource,
    /// An own clock while the host does not run.
    pub free_run: bool,
    /// The safety limiter.
    pub limiter: bool,
    /// Added to every pattern's seed.
    pub seed: u64,
    /// The plugin's input reaches `adc_input` nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<InputState>,
    /// What a cycle is.
    #[serde(skip_serializing_if = "is_default")]
    pub meter: MeterSource,
    /// MIDI clock on the MIDI output.
    #[serde(skip_serializing_if = "is_default")]
    pub midi_clock: bool,
    /// Whose program changes recall scenes: `omni`, `off`, or a MIDI channel, 0…15.
    #[serde(skip_serializing_if = "is_default")]
    pub programs: ProgramChanges,
    /// What nodes do where time starts from standstill.
    #[serde(skip_serializing_if = "is_default")]
    pub start: Start,
    /// Where OSC messages go, as `address:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub osc_target: Option<String>,
    /// Controller mappings.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub midi_maps: Vec<MidiMapState>,
    /// What the host's macros move.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub macros: Vec<MacroState>,
    /// Where notes of the host go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub note_routes: Vec<NoteRouteState>,
    /// Length of crossfades.
    pub crossfade: Crossfade,
    /// Texts of the types that come from text, by type id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub sources: BTreeMap<String, TypeSource>,
    /// The scenes in the order in which they are shown. A document without the section leaves those of the session that
    /// it is loaded into; the state of a host without it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scenes: Option<Vec<SceneIr>>,
    /// Number of the scene that was recalled or saved last.
    #[serde(skip_serializing_if = "is_default")]
    pub scene: u8,
    /// FAUST texts of the scenes' nodes, each once: a node of a scene names its text by its key here.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub scene_texts: BTreeMap<String, String>,
    /// Which of FAUST's own libraries the session's texts were first compiled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub libraries: Option<String>,
    /// Sections that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for Krach {
    fn default() -> Self {
        Self {
            version: FORMAT,
            name: String::new(),
            raw_graph: RawGraph::default(),
            nodes: BTreeMap::new(),
            slots: BTreeMap::new(),
            automations: BTreeMap::new(),
            clock_source: ClockSource::default(),
            free_run: false,
            limiter: true,
            seed: 0,
            input: None,
            meter: MeterSource::Fixed,
            midi_clock: false,
            programs: ProgramChanges::Omni,
            start: Start::Continue,
            osc_target: None,
            midi_maps: Vec::new(),
            macros: Vec::new(),
            note_routes: Vec::new(),
            crossfade: Crossfade::default(),
            sources: BTreeMap::new(),
            scenes: None,
            scene: 0,
            scene_texts: BTreeMap::new(),
            libraries: None,
            other: Map::new(),
        }
    }
}

/// A scene of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(default, transform = sections::as_read::<SceneIr>)]
pub struct SceneIr {
    /// Its number, which stays for ever: the host's automation means it.
    #[schemars(range(min = 1, max = 127))]
    pub number: u8,
    /// Its name, which no other scene has.
    pub name: String,
    /// What a recall puts in place: nodes, routes, patterns, controls, automations, mutes, master; `tempo` and
    /// `meter` only where they were saved with it. It has no modules within it, and no scenes.
    pub module: ModuleIr,
    /// Fields that this version does not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// What a cycle is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MeterSource {
    /// The document's `meter`, in quarter notes.
    #[default]
    Fixed,
    /// The host's bar.
    Host,
}

/// What is known of a node beyond what others read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NodeEntry {
    /// A traced function on one channel is played on both.
    #[serde(skip_serializing_if = "is_default")]
    pub stereo: bool,
    /// It is heard through what it feeds only.
    #[serde(skip_serializing_if = "is_default")]
    pub off_master: bool,
    /// The stem where it leaves, 1 to 8, instead of the main output.
    #[serde(skip_serializing_if = "is_default")]
    pub stem: Bus,
    /// Only this node and what it feeds are heard.
    #[serde(skip_serializing_if = "is_default")]
    pub solo: bool,
    /// What one voice does with keys that overlap: goes on (true) or begins again (false), and goes back to
    /// the key that is still held. Without it the last key alone counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legato: Option<bool>,
    /// Whether it may rest when it has fallen silent. Without it one voice never rests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
    /// Its settings by name: texts and lists that its source takes, such as the steps of a sequencer.
    #[serde(skip_serializing_if = "NodeSettings::is_empty")]
    pub settings: NodeSettings,
}

/// What is known of a slot beyond its pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SlotEntry {
    /// It does not play.
    #[serde(skip_serializing_if = "is_default")]
    pub hushed: bool,
    /// Its pattern counts from where it began.
    #[serde(skip_serializing_if = "is_default")]
    pub from_zero: bool,
    /// Where it began, in cycles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<f64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Source {
    /// The source that a text stands for: a program or a patch if it holds what no type id does.
    pub fn of_text(text: &str) -> Self {
        if text.contains(['=', ';', '\n', '{']) {
            Self::Text(text.into())
        } else {
            Self::Type(text.to_owned())
        }
    }
}

impl Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Type(id) => serializer.serialize_str(id),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Graph(graph) => graph.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Source;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a type id, FAUST text, a patch or a dsp_graph")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Source, E> {
                Ok(Source::of_text(text))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                DspGraph::deserialize(MapAccessDeserializer::new(map))
                    .map(|graph| Source::Graph(graph.into()))
            }
        }
        deserializer.deserialize_any(Either)
    }
}

impl JsonSchema for Source {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let graph = generator.subschema_for::<DspGraph>();
        json_schema!({
            "description": "What makes a node's sound: a type id, such as `oscillator` or `faust:kick`; a FAUST \
                program or the YAML of a patch, which are texts that hold `=`, `;`, `{` or a line break, and of which a \
                patch begins with a key and a colon, `{`, `#` or `---`; or a traced function.",
            "if": {"type": "object"},
            "then": graph,
            "else": {"type": "string", "minLength": 1},
        })
    }
}

sections!(ModuleIr: nodes, routing, patterns, controls, automations, muted, tempo, meter, master,
    inputs, outputs, sub_modules = sub_graphs, krach);
sections!(NodeIr: name(required), source(required), gain, count, num_inputs, init, source_text);
sections!(RouteIr: source(required), target(required), kind, level, port);
sections!(PatternIr: target(required), pattern(required), swing);
sections!(ControlIr: path(required), value(required));
sections!(AutomationIr: path(required), shape(required), lo, hi, bars(required));
sections!(MutedIr: name(required), saved_gain);
sections!(SubModuleIr: prefix(required), module(required));
sections!(SceneIr: number(required), name(required), module(required));
sections!(Krach: version, name, raw_graph, nodes, slots, automations, clock_source, free_run,
    limiter, seed, input, meter, midi_clock, programs, start, osc_target, midi_maps, macros, note_routes, crossfade,
    sources, scenes, scene, scene_texts, libraries);

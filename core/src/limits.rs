//! Every bound that more than one part holds: how many, how long, from where to where.

use std::ops::RangeInclusive;

/// Most nodes of a graph.
pub const MAX_NODES: usize = 4096;
/// Most voices of a node.
pub const MAX_COUNT: u32 = 64;
/// Largest gain of a node or a send.
pub const MAX_GAIN: f64 = 16.0;
/// Longest name of a node, in bytes.
pub const MAX_NAME: usize = 256;
/// Most modules within modules.
pub const MAX_MODULES: usize = 32;
/// Most routes of a session.
pub const MAX_ROUTES: usize = 32_768;
/// Most connections of a raw graph.
pub const MAX_CONNECTIONS: usize = 65_536;
/// Most base values, and most labels of a raw graph.
pub const MAX_VALUES: usize = 1 << 18;
/// Most values that one node begins with.
pub const MAX_INIT: usize = 4096;
/// Most bytes that a session may have as a document, and that prefixes may add to one.
pub const MAX_DOCUMENT: usize = 63 << 20;
/// Most commas and opening brackets of a document: each may take some hundred bytes of memory.
pub const MAX_PARTS: usize = 1 << 21;
/// Most MIDI maps.
pub const MAX_MIDI_MAPS: usize = 4096;
/// Most slots of a session.
pub const MAX_SLOTS: usize = 1024;
/// Most automations of a session.
pub const MAX_AUTOMATIONS: usize = 1024;
/// Most channels that the inputs, or the outputs, of one node may have in all.
pub const MAX_CHANNELS: usize = 32;
/// Most voices of a node.
pub const MAX_VOICES: usize = 64;
/// Longest id, label and name of a control in a raw graph, in bytes.
pub const MAX_ID: usize = 1024;
/// Tempos in bpm that are believed.
pub const TEMPO_RANGE: RangeInclusive<f64> = 1e-3..=1e5;
/// Quarter notes that a cycle may have.
pub const METER_RANGE: RangeInclusive<f64> = 1.0 / 64.0..=4096.0;
/// Macros of an instance, each a parameter of the host's.
pub const MACROS: usize = 64;
/// Most controls that one macro moves.
pub const MACRO_TARGETS: usize = 16;
/// Values of the host's scene parameter.
pub const SCENES: usize = 128;
/// Bottom of the host's master fader in dB; there and below it is silent.
pub const MASTER_MIN_DB: f32 = -84.0;
/// Top of the host's master fader in dB. The range is a power of two's multiple of 0 dB's place in it, so that the
/// default survives the way through the host's 0…1 to the bit: 84 / 96 = 0.875.
pub const MASTER_MAX_DB: f32 = 12.0;
/// Stereo outputs beside the main one.
pub const STEMS: usize = 8;
/// Stereo outputs in all.
pub const BUSES: usize = 1 + STEMS;
/// No such index.
pub const NONE: u32 = u32::MAX;

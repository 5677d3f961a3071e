//! Audio ports: main out, eight stems, and in: a sidechain, or what the effect works on. Fixed for ever: sessions in hosts refer to
//! them by index and id. Held by `tests/golden/host_visible.txt`.

use std::num::NonZeroU32;

use nice_plug::prelude::{AudioIOLayout, PortNames, new_nonzero_u32};

pub use krach_core::limits::{BUSES as OUTPUTS, STEMS};

/// Input ports: the sidechain, or the effect's input.
pub const INPUTS: usize = 1;

/// Most frames of one block that a host may announce: 22 s at 48 kHz. Some say the largest number there is.
pub const MAX_BLOCK: usize = 1 << 20;

/// Channels of every port.
pub const CHANNELS: usize = 2;

const STEREO: NonZeroU32 = new_nonzero_u32(CHANNELS as u32);

const STEM_NAMES: [&str; STEMS] =
    ["Stem 1", "Stem 2", "Stem 3", "Stem 4", "Stem 5", "Stem 6", "Stem 7", "Stem 8"];

/// Which of the two plugins it is: the same engine, parameters and state in both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Plays; what comes in is a sidechain.
    Instrument,
    /// Stands in a chain: what comes in goes out again, as long as no node takes it.
    Effect,
}

/// A port as a CLAP host sees it. (nice-plug's own answer takes the main output's name from the main
/// input.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Unique over inputs and outputs.
    pub id: u32,
    /// Name in the host.
    pub name: &'static str,
    /// The one that a host with a single track uses.
    pub is_main: bool,
}

/// The port of that index, if there is one: inputs are the sidechain or the effect's main input (id 0), outputs main
/// (id 1) and the stems (ids 2…9).
pub fn port(index: usize, is_input: bool, kind: Kind) -> Option<Port> {
    match (is_input, index) {
        (true, 0) if kind == Kind::Effect => Some(Port { id: 0, name: INPUT_NAME, is_main: true }),
        (true, 0) => Some(Port { id: 0, name: SIDECHAIN_NAME, is_main: false }),
        (false, 0) => Some(Port { id: 1, name: MAIN_NAME, is_main: true }),
        (false, 1..OUTPUTS) => {
            Some(Port { id: 1 + index as u32, name: STEM_NAMES[index - 1], is_main: false })
        }
        _ => None,
    }
}

const MAIN_NAME: &str = "Main";
const INPUT_NAME: &str = "Input";
const SIDECHAIN_NAME: &str = "Sidechain";

/// The only layout, as nice-plug wants it.
pub const LAYOUTS: &[AudioIOLayout] = &[AudioIOLayout {
    main_input_channels: None,
    main_output_channels: Some(STEREO),
    aux_input_ports: &[STEREO; INPUTS],
    aux_output_ports: &[STEREO; STEMS],
    names: PortNames {
        layout: Some("Stereo, 8 stems, sidechain"),
        main_input: None,
        main_output: Some(MAIN_NAME),
        aux_inputs: &[SIDECHAIN_NAME],
        aux_outputs: &STEM_NAMES,
    },
}];

/// The layout of formats that have the main output alone.
pub const MAIN_ONLY: &[AudioIOLayout] = &[AudioIOLayout {
    main_input_channels: None,
    main_output_channels: Some(STEREO),
    aux_input_ports: &[],
    aux_output_ports: &[],
    names: PortNames {
        layout: Some("Stereo"),
        main_input: None,
        main_output: Some(MAIN_NAME),
        aux_inputs: &[],
        aux_outputs: &[],
    },
}];

//! What a module is, and what it sees of the patch on one sample.

use std::ops::Range;

use crate::midi::MidiEvent;
use crate::notes::Step;
use crate::transport::Stretch;

/// Most samples that are rendered in one go.
pub(crate) const CHUNK: usize = 64;

/// One output's samples: entry 0 is the last sample before this chunk, entry `i + 1` is sample `i`.
///
/// A cable delays by one sample, so whoever reads an output on sample `i` reads entry `i`.
pub(crate) type Line = [f32; CHUNK + 1];

/// What arrives at an input in a chunk: what the cable brings, times its scale.
///
/// Longer than a chunk: loops go sample by sample through all inputs, and distances of 256 bytes would crowd a
/// quarter of the cache.
pub(crate) type Arrived = [f32; CHUNK + 16];

/// Nothing.
pub(crate) const NOTHING: Arrived = [0.0; CHUNK + 16];

/// The line that is always zero: unconnected inputs read it.
pub(crate) const SILENCE: u32 = 0;

/// What a cable carries at most, and the least that is not zero. See [`Io::set`].
const LOUDEST: f32 = 1e6;
const QUIETEST: f32 = 1e-20;

/// A small piece of signal processing with named ports and parameters, which its
/// [`Descriptor`](crate::Descriptor) states.
///
/// A module is built and prepared on the control side. Then it belongs to the audio thread, where no method may
/// allocate, free, lock, wait or panic, until it is handed back to be dropped. Ports and parameters have the index
/// that they have in the descriptor, with indexed ones (`in/0`, `in/1`) counted one by one.
pub trait Module: Send {
    /// Called once, after the parameters are set and before everything else. May allocate.
    fn prepare(&mut self, sample_rate: f64);

    /// Goes back to the state after [`Module::prepare`]; parameters stay.
    fn reset(&mut self);

    /// Which ports have a cable. A module skips the work of those that have none; what the others give does not
    /// depend on it.
    fn connect(&mut self, _ports: Connected) {}

    /// Sets a float, int, bool (0 or 1) or enum (index of the name) parameter to a value within its range.
    fn set(&mut self, _param: usize, _value: f32) {}

    /// Exchanges a list parameter with `list`.
    fn set_list(&mut self, _param: usize, _list: &mut Vec<Step>) {}

    /// A note, or a move of a controller, before the next sample.
    fn midi(&mut self, _event: MidiEvent) {}

    /// Computes one sample: reads inputs and sets every connected output.
    fn process(&mut self, io: &mut Io<'_>);

    /// Computes samples one after the other. It is here so that each module gets a loop of its own, without a
    /// virtual call per sample.
    fn render(&mut self, io: &mut Io<'_>, samples: Range<usize>) {
        for at in samples {
            io.at = at;
            self.process(io);
        }
    }
}

/// Which ports of a module have a cable: one bit per port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connected {
    /// Inputs.
    pub inputs: u64,
    /// Outputs.
    pub outputs: u64,
}

impl Connected {
    /// All of them.
    pub const ALL: Self = Self { inputs: u64::MAX, outputs: u64::MAX };

    /// Has this input a cable?
    #[inline]
    pub fn input(self, port: usize) -> bool {
        self.inputs >> port & 1 == 1
    }

    /// Has this output a cable?
    #[inline]
    pub fn output(self, port: usize) -> bool {
        self.outputs >> port & 1 == 1
    }
}

/// Where an input reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Input {
    pub line: u32,
    pub scale: f32,
}

impl Input {
    pub const OPEN: Self = Self { line: SILENCE, scale: 0.0 };
}

/// What a module sees on one sample.
pub struct Io<'a> {
    pub(crate) inputs: &'a [Arrived],
    pub(crate) outputs: &'a mut [Line],
    pub(crate) at: usize,
    pub(crate) stretch: Stretch,
}

impl Io<'_> {
    /// What the cable at an input brings: the sample before, times the cable's scale; 0 without a cable.
    #[inline(always)]
    pub fn input(&self, port: usize) -> f32 {
        self.inputs[port][self.at % CHUNK]
    }

    /// Sets an output. What a cable carries is 0, or of a size from 1e-20 to 1e6: less is 0, so that no loop decays
    /// into denormal numbers; more is 1e6, and what is not a number is 0, so that no loop stays broken.
    #[inline(always)]
    pub fn set(&mut self, port: usize, value: f32) {
        // Without branches, so that loops of simple modules become vectors. Not a number is not at least 1e-20.
        let value = if value.abs() >= QUIETEST { value } else { 0.0 };
        self.outputs[port][self.at % CHUNK + 1] = value.clamp(-LOUDEST, LOUDEST);
    }

    /// The host's position in quarter notes on this sample, if there is a host that tells it.
    #[inline]
    pub fn host(&self) -> Option<crate::transport::Position> {
        self.stretch.at(self.at)
    }
}

/// A trigger or gate: high from 0.5 on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Edge {
    high: bool,
}

impl Edge {
    /// Is this the first sample on which it is high?
    #[inline]
    pub fn rises(&mut self, value: f32) -> bool {
        let before = std::mem::replace(&mut self.high, is_high(value));
        self.high && !before
    }
}

/// Is a gate of this value high?
#[inline]
pub(crate) fn is_high(value: f32) -> bool {
    value >= 0.5
}

/// A module's state that decays, without its denormal end.
#[inline(always)]
pub(crate) fn flush(value: f64) -> f64 {
    if value.abs() < 1e-20 { 0.0 } else { value }
}

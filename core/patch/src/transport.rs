//! Where the host is in its time, as the modules of a patch see it.

/// A stretch of the host's time, from an anchor on: a start, a jump, a change of tempo.
///
/// Sample `n` after the anchor is at `anchor + n × (step + ramp / 2 × n)`. Whoever renders a stretch in parts keeps anchor and step
/// and counts `frames`, so that every sample's position is the same to the bit however it was cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// Does time run?
    pub playing: bool,
    /// Position at the anchor, in quarter notes.
    pub anchor: f64,
    /// Samples from the anchor to the first sample that is rendered.
    pub frames: i64,
    /// Quarter notes per sample at the anchor: bpm / 60 / sample rate.
    pub step: f64,
    /// What the step grows by with every sample: a ramp of the tempo.
    pub ramp: f64,
    /// The position at which some bar begins, in quarter notes.
    pub bar: f64,
    /// Quarter notes from that bar to the next; 0 where the host tells no meter.
    pub meter: f64,
}

impl Transport {
    /// A stretch that begins at `anchor` quarter notes, with bars counted from 0, and without a meter.
    pub fn playing(anchor: f64, bpm: f64, sample_rate: f64) -> Self {
        Self {
            playing: true,
            anchor,
            frames: 0,
            step: bpm / 60.0 / sample_rate,
            ramp: 0.0,
            bar: 0.0,
            meter: 0.0,
        }
    }

    /// The same stretch, `frames` samples later.
    #[must_use]
    pub fn after(self, frames: usize) -> Self {
        Self { frames: self.frames + frames as i64, ..self }
    }
}

/// Where one sample is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// Does time run?
    pub playing: bool,
    /// In quarter notes.
    pub quarters: f64,
    /// Where some bar begins.
    pub bar: f64,
    /// Quarter notes in a bar; 0 where the host tells no meter.
    pub meter: f64,
    /// Quarter notes per sample.
    pub step: f64,
}

/// The transport as the samples of a chunk see it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stretch(pub Option<Transport>);

impl Stretch {
    #[inline]
    pub fn at(self, sample: usize) -> Option<Position> {
        self.0.map(|t| {
            let n = (t.frames + sample as i64) as f64;
            Position {
                playing: t.playing,
                // The integral of a tempo that changes evenly.
                quarters: t.anchor + n * (t.step + 0.5 * t.ramp * n),
                bar: t.bar,
                meter: t.meter,
                step: t.step + t.ramp * n,
            }
        })
    }
}

//! What the host says of time: one context per block, in its own words.

use krach_core::clock::{HostTransport, TransportAt};

use super::com::Steinberg::Vst::ProcessContext;
use super::com::Steinberg::Vst::ProcessContext_::StatesAndFlags_::{
    kBarPositionValid, kCycleActive, kCycleValid, kPlaying, kProjectTimeMusicValid, kTempoValid,
    kTimeSigValid,
};

/// Reads one block's context after the other.
#[derive(Debug, Default)]
pub struct Transport {
    /// Samples and beats of the block before, while the host plays.
    before: Option<(i64, Option<f64>)>,
    block: Option<TransportAt>,
}

impl Transport {
    /// Takes the context of a block, if the host gives one.
    pub fn begin(&mut self, context: Option<&ProcessContext>) {
        self.block = context.map(|context| {
            let mut transport = read(context);
            // Hosts that do not know the position in samples leave it at one value, although the
            // format says that it is always there.
            let stands = self.before.is_some_and(|(samples, beats)| {
                transport.samples == Some(samples) && transport.beats != beats
            });
            self.before =
                transport.samples.filter(|_| transport.playing).map(|samples| (samples, transport.beats));
            if stands {
                transport.samples = None;
            }
            TransportAt { offset: 0, transport }
        });
        if context.is_none() {
            self.before = None;
        }
    }

    /// Of this block; empty if the host gave none.
    pub fn as_slice(&self) -> &[TransportAt] {
        self.block.as_slice()
    }
}

/// Reads one context; what is missing or makes no sense is `None`.
fn read(raw: &ProcessContext) -> HostTransport {
    // On Windows the flags are signed.
    let has = |flag| raw.state & flag as u32 != 0;
    let finite = |value: f64| Some(value).filter(|value| value.is_finite());
    let beats = if has(kProjectTimeMusicValid) { finite(raw.projectTimeMusic) } else { None };
    let loop_range = Some((raw.cycleStartMusic, raw.cycleEndMusic)).filter(|(start, end)| {
        has(kCycleActive) && has(kCycleValid) && start.is_finite() && end.is_finite() && end > start
    });
    let signature = u32::try_from(raw.timeSigNumerator).ok().zip(u32::try_from(raw.timeSigDenominator).ok());
    HostTransport {
        playing: has(kPlaying),
        tempo: Some(raw.tempo).filter(|tempo| has(kTempoValid) && tempo.is_finite() && *tempo > 0.0),
        tempo_inc: 0.0,
        beats,
        seconds: None,
        samples: Some(raw.projectTimeSamples),
        loop_range,
        time_signature: signature.filter(|&(n, d)| has(kTimeSigValid) && n > 0 && d > 0),
        bar_start: if has(kBarPositionValid) { finite(raw.barPositionMusic) } else { None },
        // The format has no number of the bar.
        bar_number: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(state: u32) -> ProcessContext {
        // SAFETY: all fields are numbers, for which zero is a value.
        let zero: ProcessContext = unsafe { std::mem::zeroed() };
        ProcessContext { state, tempo: 137.5, timeSigNumerator: 7, timeSigDenominator: 8, ..zero }
    }

    #[test]
    fn everything_that_the_flags_promise_is_read_and_nothing_else() {
        let all = read(&ProcessContext {
            projectTimeSamples: -480,
            projectTimeMusic: -0.25,
            barPositionMusic: -4.0,
            cycleStartMusic: 1.0,
            cycleEndMusic: 5.0,
            ..context(u32::MAX)
        });
        let expected = HostTransport {
            playing: true,
            tempo: Some(137.5),
            beats: Some(-0.25),
            samples: Some(-480),
            loop_range: Some((1.0, 5.0)),
            time_signature: Some((7, 8)),
            bar_start: Some(-4.0),
            ..HostTransport::default()
        };
        assert_eq!(all, expected);
        let none = HostTransport { samples: Some(0), ..HostTransport::default() };
        assert_eq!(read(&context(0)), none);
    }

    #[test]
    fn values_that_make_no_sense_are_missing() {
        let odd = read(&ProcessContext {
            tempo: f64::NAN,
            projectTimeMusic: f64::INFINITY,
            barPositionMusic: f64::NAN,
            timeSigNumerator: -3,
            cycleStartMusic: 4.0,
            cycleEndMusic: 4.0,
            ..context(u32::MAX)
        });
        assert_eq!(odd, HostTransport { playing: true, samples: Some(0), ..HostTransport::default() });
    }

    #[test]
    fn samples_that_stand_while_beats_move_are_not_believed() {
        let mut transport = Transport::default();
        let mut told = |samples: i64, beats: f64, playing: bool| {
            let state = kProjectTimeMusicValid as u32 | if playing { kPlaying as u32 } else { 0 };
            transport.begin(Some(&ProcessContext {
                projectTimeSamples: samples,
                projectTimeMusic: beats,
                ..context(state)
            }));
            transport.as_slice()[0].transport.samples
        };
        assert_eq!(told(0, 0.0, true), Some(0), "the first block may well be the song's");
        assert_eq!(told(0, 0.1, true), None);
        assert_eq!(told(0, 0.2, true), None);
        assert_eq!(told(480, 0.3, true), Some(480));
        assert_eq!(told(480, 0.3, true), Some(480), "the host may tell one moment twice");
        assert_eq!(told(480, 0.3, false), Some(480));
        assert_eq!(told(480, 0.5, false), Some(480), "while it stands still, either may be moved");
    }

    #[test]
    fn without_a_context_there_is_no_transport() {
        let mut transport = Transport::default();
        transport.begin(Some(&context(u32::MAX)));
        assert_eq!(transport.as_slice().len(), 1);
        transport.begin(None);
        assert!(transport.as_slice().is_empty());
    }
}

//! How much of the truth a host tells, and in VST3's words: `ProcessContext`.

use vst3::Steinberg::Vst::ProcessContext;
use vst3::Steinberg::Vst::ProcessContext_::StatesAndFlags_::{
    kBarPositionValid, kContTimeValid, kCycleActive, kCycleValid, kPlaying, kProjectTimeMusicValid,
    kRecording, kTempoValid, kTimeSigValid,
};

use crate::transport::{Moment, Report};

/// What a plugin is told of this moment, the block's first; `frame` counts from the first one ever.
/// The position in samples is always there, rounded to the nearest; seconds and the change of the tempo
/// have no place in it.
pub fn tell(report: &Report, moment: &Moment, frame: u64, rate: f64) -> ProcessContext {
    let on = |condition: bool, flag: u32| if condition { flag } else { 0 };
    let when = |condition: bool, value: f64| if condition { value } else { 0.0 };
    let told_beats = match report.beat_grid {
        Some(grid) => (moment.beats * grid).round() / grid,
        None => moment.beats,
    };
    let looping = moment.looping.filter(|_| report.beats);
    let (loop_start, loop_end) = looping.unwrap_or_default();
    let (numerator, denominator) = moment.time_signature;
    let bar_length = f64::from(numerator) * 4.0 / f64::from(denominator);
    let signature = |number: u16| if report.time_signature { i32::from(number) } else { 0 };
    // SAFETY: all fields are numbers, for which zero is a value.
    let zero: ProcessContext = unsafe { std::mem::zeroed() };
    ProcessContext {
        state: on(moment.playing, kPlaying as u32)
            | on(moment.playing && report.recording, kRecording as u32)
            | on(report.tempo, kTempoValid as u32)
            | on(report.beats, (kProjectTimeMusicValid | kBarPositionValid) as u32)
            | on(looping.is_some(), (kCycleActive | kCycleValid) as u32)
            | on(report.time_signature, kTimeSigValid as u32)
            | kContTimeValid as u32,
        sampleRate: rate,
        projectTimeSamples: (moment.seconds * rate).round() as i64,
        continousTimeSamples: frame as i64,
        projectTimeMusic: when(report.beats, told_beats),
        barPositionMusic: when(report.beats, (moment.beats / bar_length).floor() * bar_length),
        cycleStartMusic: loop_start,
        cycleEndMusic: loop_end,
        tempo: when(report.tempo, moment.tempo * report.tempo_factor),
        timeSigNumerator: signature(numerator),
        timeSigDenominator: signature(denominator),
        ..zero
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(beats: f64) -> Moment {
        Moment {
            playing: true,
            beats,
            seconds: beats / 2.0,
            tempo: 120.0,
            tempo_inc: 0.5,
            looping: Some((1.0, 5.0)),
            time_signature: (3, 4),
        }
    }

    #[test]
    fn everything_is_told_exactly() {
        let told = tell(&Report::default(), &moment(-0.5), 77, 48_000.0);
        assert_eq!((told.projectTimeSamples, told.continousTimeSamples), (-12_000, 77));
        assert_eq!((told.projectTimeMusic, told.barPositionMusic), (-0.5, -3.0));
        assert_eq!((told.cycleStartMusic, told.cycleEndMusic), (1.0, 5.0));
        assert_eq!((told.tempo, told.timeSigNumerator, told.timeSigDenominator), (120.0, 3, 4));
    }

    #[test]
    fn what_is_not_told_is_neither_flagged_nor_filled_in() {
        let told = tell(&Report::seconds_only(), &moment(1.0), 0, 48_000.0);
        assert_eq!(told.state, (kPlaying | kContTimeValid) as u32);
        assert_eq!((told.projectTimeMusic, told.tempo, told.cycleEndMusic), (0.0, 0.0, 0.0));
        assert_eq!(told.projectTimeSamples, 24_000);
    }

    #[test]
    fn ardour_tells_positions_on_its_grid() {
        let told = tell(&Report::ardour(), &moment(1.0 / 7.0), 0, 48_000.0);
        assert_eq!(told.projectTimeMusic, 274.0 / 1920.0);
    }
}

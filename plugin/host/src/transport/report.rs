//! How much of the truth a host tells, and in which words: `clap_event_transport`.

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_TRANSPORT, CLAP_TRANSPORT_HAS_BEATS_TIMELINE,
    CLAP_TRANSPORT_HAS_SECONDS_TIMELINE, CLAP_TRANSPORT_HAS_TEMPO, CLAP_TRANSPORT_HAS_TIME_SIGNATURE,
    CLAP_TRANSPORT_IS_LOOP_ACTIVE, CLAP_TRANSPORT_IS_PLAYING, CLAP_TRANSPORT_IS_RECORDING, clap_event_header,
    clap_event_transport,
};
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};

/// Which fields a host fills in, and how precisely.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Report {
    /// False: the transport pointer is null and there are no transport events.
    pub present: bool,
    /// Tempo, and `tempo_inc` during a ramp.
    pub tempo: bool,
    /// The tempo that is told is the true one times this (Ardour: 1 + 1.0e-12 at 137 bpm).
    pub tempo_factor: f64,
    /// Position in quarter notes, with loop range and bar.
    pub beats: bool,
    /// Told positions are rounded to the nearest multiple of `1/grid` quarter notes (Ardour: 1920).
    pub beat_grid: Option<f64>,
    /// Position in seconds.
    pub seconds: bool,
    /// Time signature.
    pub time_signature: bool,
    /// The recording flag while playing.
    pub recording: bool,
}

impl Default for Report {
    /// Everything, to the precision of CLAP's fixed point.
    fn default() -> Self {
        Self {
            present: true,
            tempo: true,
            tempo_factor: 1.0,
            beats: true,
            beat_grid: None,
            seconds: true,
            time_signature: true,
            recording: false,
        }
    }
}

impl Report {
    /// No transport at all: the plugin is handed a null pointer.
    pub fn null() -> Self {
        Self { present: false, ..Self::default() }
    }

    /// Ardour's: positions rounded to 1/1920 quarter note, the tempo a trifle off.
    pub fn ardour() -> Self {
        Self { beat_grid: Some(1920.0), tempo_factor: 137.000_000_137_530_72 / 137.0, ..Self::default() }
    }

    /// Seconds and nothing else.
    pub fn seconds_only() -> Self {
        Self { tempo: false, beats: false, time_signature: false, ..Self::default() }
    }
}

/// The transport on one frame, as it truly is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// Whether it plays.
    pub playing: bool,
    /// Position in quarter notes.
    pub beats: f64,
    /// Position in seconds.
    pub seconds: f64,
    /// Quarter notes per minute on this frame.
    pub tempo: f64,
    /// Change of the tempo per frame.
    pub tempo_inc: f64,
    /// Loop range in quarter notes, while looping is switched on.
    pub looping: Option<(f64, f64)>,
    /// Numerator and denominator.
    pub time_signature: (u16, u16),
}

/// Quarter notes in CLAP's fixed point (2^-31), to the nearest, ties away from zero.
pub fn beat_time(beats: f64) -> i64 {
    (beats * CLAP_BEATTIME_FACTOR as f64).round() as i64
}

/// Seconds in CLAP's fixed point (2^-31), to the nearest, ties away from zero.
pub fn second_time(seconds: f64) -> i64 {
    (seconds * CLAP_SECTIME_FACTOR as f64).round() as i64
}

impl Report {
    /// What the plugin is told of this moment, as an event at this offset (a block's own transport
    /// has offset 0), or nothing where the host has no transport.
    pub fn tell(&self, moment: &Moment, offset: u32) -> Option<clap_event_transport> {
        if !self.present {
            return None;
        }
        let on = |condition: bool, flag: u32| if condition { flag } else { 0 };
        let told_beats = |beats: f64| match self.beat_grid {
            Some(grid) => beat_time((beats * grid).round() / grid),
            None => beat_time(beats),
        };
        let when = |condition: bool, value: i64| if condition { value } else { 0 };
        let (loop_start, loop_end) = moment.looping.unwrap_or((0.0, 0.0));
        let looping = moment.looping.is_some() && self.beats;
        let (numerator, denominator) = moment.time_signature;
        let bar_length = f64::from(numerator) * 4.0 / f64::from(denominator);
        let bar = (moment.beats / bar_length).floor();
        let seconds_per_beat = 60.0 / moment.tempo;
        let loop_seconds =
            |beats: f64| second_time(moment.seconds + (beats - moment.beats) * seconds_per_beat);
        Some(clap_event_transport {
            header: clap_event_header {
                size: size_of::<clap_event_transport>() as u32,
                time: offset,
                space_id: CLAP_CORE_EVENT_SPACE_ID,
                type_: CLAP_EVENT_TRANSPORT,
                flags: 0,
            },
            flags: on(self.tempo, CLAP_TRANSPORT_HAS_TEMPO)
                | on(self.beats, CLAP_TRANSPORT_HAS_BEATS_TIMELINE)
                | on(self.seconds, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE)
                | on(self.time_signature, CLAP_TRANSPORT_HAS_TIME_SIGNATURE)
                | on(moment.playing, CLAP_TRANSPORT_IS_PLAYING)
                | on(moment.playing && self.recording, CLAP_TRANSPORT_IS_RECORDING)
                | on(looping, CLAP_TRANSPORT_IS_LOOP_ACTIVE),
            song_pos_beats: when(self.beats, told_beats(moment.beats)),
            song_pos_seconds: when(self.seconds, second_time(moment.seconds)),
            tempo: if self.tempo { moment.tempo * self.tempo_factor } else { 0.0 },
            tempo_inc: if self.tempo { moment.tempo_inc } else { 0.0 },
            loop_start_beats: when(looping, beat_time(loop_start)),
            loop_end_beats: when(looping, beat_time(loop_end)),
            loop_start_seconds: when(looping && self.seconds, loop_seconds(loop_start)),
            loop_end_seconds: when(looping && self.seconds, loop_seconds(loop_end)),
            bar_start: when(self.beats, beat_time(bar * bar_length)),
            bar_number: if self.beats { bar as i32 } else { 0 },
            tsig_num: if self.time_signature { numerator } else { 0 },
            tsig_denom: if self.time_signature { denominator } else { 0 },
        })
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
            tempo_inc: 0.0,
            looping: None,
            time_signature: (4, 4),
        }
    }

    #[test]
    fn fixed_point_rounds_to_the_nearest_on_both_sides_of_zero() {
        assert_eq!(beat_time(1.0), 1 << 31);
        assert_eq!(beat_time(-1.0), -(1 << 31));
        let third = (1_i64 << 31) / 3; // 715827882.67 is cut
        assert_eq!(beat_time(1.0 / 3.0), third + 1);
        assert_eq!(beat_time(-1.0 / 3.0), -(third + 1));
        assert_eq!(second_time(0.5), 1 << 30);
    }

    #[test]
    fn a_negative_position_lies_in_a_negative_bar() {
        let told = Report::default().tell(&moment(-0.5), 0).unwrap();
        assert_eq!(told.bar_number, -1);
        assert_eq!(told.bar_start, beat_time(-4.0));
        assert_eq!(told.song_pos_beats, -(1 << 30));
    }

    #[test]
    fn ardour_tells_positions_on_its_grid_and_nearly_the_tempo() {
        let told = Report::ardour().tell(&moment(1.0 / 7.0), 0).unwrap();
        assert_eq!(told.song_pos_beats, beat_time(274.0 / 1920.0));
        assert_ne!(told.tempo, 120.0);
        assert!((told.tempo - 120.0).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_told_is_neither_flagged_nor_filled_in() {
        assert!(Report::null().tell(&moment(1.0), 0).is_none());
        let told = Report::seconds_only().tell(&moment(1.0), 0).unwrap();
        assert_eq!(told.flags, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE | CLAP_TRANSPORT_IS_PLAYING);
        assert_eq!((told.song_pos_beats, told.tempo), (0, 0.0));
        assert_eq!(told.song_pos_seconds, 1 << 30);
    }
}

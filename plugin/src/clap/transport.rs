//! What the host says of time: the block's own transport and those among its events.

use clap_sys::events::{
    CLAP_TRANSPORT_HAS_BEATS_TIMELINE, CLAP_TRANSPORT_HAS_SECONDS_TIMELINE, CLAP_TRANSPORT_HAS_TEMPO,
    CLAP_TRANSPORT_HAS_TIME_SIGNATURE, CLAP_TRANSPORT_IS_LOOP_ACTIVE, CLAP_TRANSPORT_IS_PLAYING,
    clap_event_transport,
};
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};
use krach_core::clock::{HostTransport, TransportAt};

/// Transports kept of one block. More change the last one, so that the block ends where the host says.
const CAPACITY: usize = 512;

/// The transports of one block, sorted by offset, one per offset: of several at one frame the last
/// counts. Empty if the host gave none.
#[derive(Debug)]
pub struct Transports(Vec<TransportAt>);

impl Transports {
    /// Room for a block's transports.
    pub fn new() -> Self {
        Self(Vec::with_capacity(CAPACITY))
    }

    /// Begins a block with the transport at its first frame, if there is one. Does not allocate.
    pub fn begin(&mut self, transport: Option<&clap_event_transport>) {
        self.0.clear();
        if let Some(transport) = transport {
            self.push(0, transport);
        }
    }

    /// Adds the transport of frame `offset`. One that comes before its predecessor, which no host
    /// may send, counts from the predecessor's frame on. Does not allocate.
    pub fn push(&mut self, offset: u32, transport: &clap_event_transport) {
        let transport = read(transport);
        let full = self.0.len() == self.0.capacity();
        match self.0.last_mut() {
            Some(last) if full || offset <= last.offset => last.transport = transport,
            _ => self.0.push(TransportAt { offset, transport }),
        }
    }

    /// In order of offset.
    pub fn as_slice(&self) -> &[TransportAt] {
        &self.0
    }
}

/// Reads one transport; what is missing or makes no sense is `None`. CLAP's fixed point has 31
/// binary places, so its values are exact in `f64` up to 2^22 beats or seconds.
pub fn read(raw: &clap_event_transport) -> HostTransport {
    let has = |flag| raw.flags & flag != 0;
    let beats = |fixed: i64| fixed as f64 / CLAP_BEATTIME_FACTOR as f64;
    let on_beats = has(CLAP_TRANSPORT_HAS_BEATS_TIMELINE);
    let loops = has(CLAP_TRANSPORT_IS_LOOP_ACTIVE) && on_beats && raw.loop_end_beats > raw.loop_start_beats;
    HostTransport {
        playing: has(CLAP_TRANSPORT_IS_PLAYING),
        tempo: Some(raw.tempo)
            .filter(|tempo| has(CLAP_TRANSPORT_HAS_TEMPO) && tempo.is_finite() && *tempo > 0.0),
        tempo_inc: if raw.tempo_inc.is_finite() { raw.tempo_inc } else { 0.0 },
        beats: on_beats.then(|| beats(raw.song_pos_beats)),
        seconds: has(CLAP_TRANSPORT_HAS_SECONDS_TIMELINE)
            .then(|| raw.song_pos_seconds as f64 / CLAP_SECTIME_FACTOR as f64),
        // CLAP knows no song position in samples; `steady_time` runs on while the song stands still.
        samples: None,
        loop_range: loops.then(|| (beats(raw.loop_start_beats), beats(raw.loop_end_beats))),
        time_signature: Some((u32::from(raw.tsig_num), u32::from(raw.tsig_denom)))
            .filter(|&(n, d)| has(CLAP_TRANSPORT_HAS_TIME_SIGNATURE) && n > 0 && d > 0),
        bar_start: on_beats.then(|| beats(raw.bar_start)),
        bar_number: (on_beats && has(CLAP_TRANSPORT_HAS_TIME_SIGNATURE)).then_some(raw.bar_number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(flags: u32) -> clap_event_transport {
        // SAFETY: all fields are numbers, for which zero is a value.
        let zero: clap_event_transport = unsafe { std::mem::zeroed() };
        clap_event_transport { flags, tempo: 137.5, tempo_inc: 0.25, tsig_num: 7, tsig_denom: 8, ..zero }
    }

    #[test]
    fn fixed_point_beats_are_exact_to_the_last_of_31_places() {
        let fixed = (3i64 << 31) + 1;
        let transport = read(&clap_event_transport {
            song_pos_beats: fixed,
            bar_start: -(2i64 << 31),
            song_pos_seconds: -1,
            ..raw(CLAP_TRANSPORT_HAS_BEATS_TIMELINE | CLAP_TRANSPORT_HAS_SECONDS_TIMELINE)
        });
        assert_eq!(transport.beats, Some(3.0 + 2f64.powi(-31)));
        assert_eq!(transport.bar_start, Some(-2.0));
        assert_eq!(transport.seconds, Some(-(2f64.powi(-31))));
        assert_eq!(transport.samples, None);
    }

    #[test]
    fn what_the_flags_do_not_promise_is_missing() {
        assert_eq!(read(&raw(0)), HostTransport { tempo_inc: 0.25, ..HostTransport::default() });
        let all = read(&raw(u32::MAX));
        assert_eq!((all.playing, all.tempo, all.time_signature), (true, Some(137.5), Some((7, 8))));
    }

    #[test]
    fn values_that_make_no_sense_are_missing() {
        for tempo in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let transport = read(&clap_event_transport {
                tempo,
                tempo_inc: f64::NAN,
                tsig_denom: 0,
                ..raw(CLAP_TRANSPORT_HAS_TEMPO | CLAP_TRANSPORT_HAS_TIME_SIGNATURE)
            });
            assert_eq!((transport.tempo, transport.tempo_inc, transport.time_signature), (None, 0.0, None));
        }
    }

    #[test]
    fn a_loop_counts_only_while_it_is_on_and_has_a_length() {
        let looped =
            |flags, end| read(&clap_event_transport { loop_end_beats: end, ..raw(flags) }).loop_range;
        let on = CLAP_TRANSPORT_IS_LOOP_ACTIVE | CLAP_TRANSPORT_HAS_BEATS_TIMELINE;
        assert_eq!(looped(on, 4 << 31), Some((0.0, 4.0)));
        assert_eq!(looped(on, 0), None);
        assert_eq!(looped(CLAP_TRANSPORT_HAS_BEATS_TIMELINE, 4 << 31), None);
    }

    #[test]
    fn of_several_transports_at_one_frame_the_last_counts() {
        let mut block = Transports::new();
        let at = |beats: i64| clap_event_transport {
            song_pos_beats: beats << 31,
            ..raw(CLAP_TRANSPORT_HAS_BEATS_TIMELINE)
        };
        block.begin(Some(&at(1)));
        block.push(0, &at(2));
        block.push(64, &at(3));
        block.push(32, &at(4));
        let seen: Vec<_> = block.as_slice().iter().map(|t| (t.offset, t.transport.beats)).collect();
        assert_eq!(seen, [(0, Some(2.0)), (64, Some(4.0))]);
        block.begin(None);
        assert!(block.as_slice().is_empty());
    }

    #[test]
    fn a_flood_of_transports_ends_where_the_host_says_without_allocating() {
        let mut block = Transports::new();
        let room = block.0.capacity();
        for offset in 0..5000 {
            let beats = i64::from(offset) << 31;
            block.push(offset, &clap_event_transport { song_pos_beats: beats, ..raw(2) });
        }
        assert_eq!((block.0.len(), block.0.capacity()), (room, room));
        assert_eq!(block.as_slice()[room - 1].transport.beats, Some(4999.0));
    }
}

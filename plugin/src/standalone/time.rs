//! Where the music is. It outlives whoever plays: when JACK goes and comes back, the music goes on from where
//! it was, at whatever rate.

use std::sync::atomic::{AtomicU64, Ordering};

use krach_core::clock::HostTransport;

/// What whoever plays leaves for the next, and for who looks whether it plays at all.
#[derive(Debug, Default)]
pub struct Shared {
    /// Quarter notes at the end of the last block; the bits of an `f64`.
    beats: AtomicU64,
    /// Blocks so far.
    blocks: AtomicU64,
}

impl Shared {
    /// Blocks so far: if they do not rise, nobody plays.
    pub fn blocks(&self) -> u64 {
        self.blocks.load(Ordering::Acquire)
    }
}

/// A clock that runs while blocks are played, from where the last one ended.
pub struct Clock {
    tempo: f64,
    meter: (u32, u32),
    rate: f64,
    /// Quarter notes at frame 0.
    start: f64,
    /// Frames since.
    frames: i64,
}

impl Clock {
    /// At `rate` Hz, from where `shared` is.
    pub fn new(shared: &Shared, rate: f64, tempo: f64, meter: (u32, u32)) -> Self {
        let start = f64::from_bits(shared.beats.load(Ordering::Acquire));
        Self { tempo, meter, rate, start, frames: 0 }
    }

    /// Frames per second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// The next frame, as a host would say it.
    pub fn now(&self) -> HostTransport {
        HostTransport {
            playing: true,
            tempo: Some(self.tempo),
            beats: Some(self.beats()),
            time_signature: Some(self.meter),
            ..HostTransport::default()
        }
    }

    fn beats(&self) -> f64 {
        self.start + self.frames as f64 * self.tempo / (60.0 * self.rate)
    }

    /// So many frames were played.
    pub fn advance(&mut self, frames: usize, shared: &Shared) {
        self.frames += frames as i64;
        shared.beats.store(self.beats().to_bits(), Ordering::Release);
        shared.blocks.fetch_add(1, Ordering::Release);
    }
}

/// JACK's transport, as far as its position says it; what it leaves out is ours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// It rolls.
    pub rolls: bool,
    /// Frames from its beginning.
    pub frame: u32,
    /// Bar and beat, if somebody there counts them.
    pub bars: Option<Bars>,
}

/// Bar, beat and tick, as JACK's timebase counts them: bars and beats from 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bars {
    /// Bar.
    pub bar: usize,
    /// Beat within it.
    pub beat: usize,
    /// Tick within that.
    pub tick: usize,
    /// Beats per bar.
    pub beats_per_bar: f64,
    /// Which note is a beat.
    pub beat_type: f64,
    /// Ticks per beat.
    pub ticks_per_beat: f64,
    /// Beats per minute.
    pub beats_per_minute: f64,
    /// Frames from that place to the block's first.
    pub offset: u32,
}

impl Position {
    /// So many frames later within the block.
    pub fn after(self, frames: u32) -> Self {
        if !self.rolls {
            return self;
        }
        let later = |bars: Bars| Bars { offset: bars.offset.saturating_add(frames), ..bars };
        Self { frame: self.frame.wrapping_add(frames), bars: self.bars.map(later), ..self }
    }
}

impl Clock {
    /// What a host would say where JACK says this.
    pub fn following(&self, at: Position) -> HostTransport {
        let Some(bars) = at.bars else {
            let beats = f64::from(at.frame) * self.tempo / (60.0 * self.rate);
            return HostTransport { playing: at.rolls, beats: Some(beats), ..self.now() };
        };
        // Quarter notes per beat of theirs.
        let quarters = 4.0 / bars.beat_type;
        let tempo = bars.beats_per_minute * quarters;
        let beats = (bars.bar as f64 - 1.0) * bars.beats_per_bar
            + (bars.beat as f64 - 1.0)
            + bars.tick as f64 / bars.ticks_per_beat;
        let within = f64::from(bars.offset) * tempo / (60.0 * self.rate);
        let whole = |number: f64| (number.fract() == 0.0 && number >= 1.0).then_some(number as u32);
        HostTransport {
            playing: at.rolls,
            tempo: Some(tempo).filter(|tempo| tempo.is_finite() && *tempo > 0.0),
            beats: Some(beats * quarters + within),
            time_signature: whole(bars.beats_per_bar).zip(whole(bars.beat_type)),
            ..HostTransport::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_clock_goes_on_where_the_last_one_ended_at_another_rate() {
        let shared = Shared::default();
        let mut clock = Clock::new(&shared, 48_000.0, 120.0, (4, 4));
        assert_eq!(clock.now().beats, Some(0.0));
        clock.advance(48_000, &shared);
        assert_eq!((clock.now().beats, shared.blocks()), (Some(2.0), 1));
        let mut next = Clock::new(&shared, 44_100.0, 120.0, (4, 4));
        assert_eq!(next.now().beats, Some(2.0));
        next.advance(22_050, &shared);
        assert_eq!(next.now().beats, Some(3.0));
    }

    #[test]
    fn the_position_of_jack_counts_bars_from_one_and_beats_in_its_own_notes() {
        let clock = Clock::new(&Shared::default(), 48_000.0, 120.0, (4, 4));
        let bars = Bars {
            bar: 3,
            beat: 2,
            tick: 960,
            beats_per_bar: 7.0,
            beat_type: 8.0,
            ticks_per_beat: 1920.0,
            beats_per_minute: 180.0,
            offset: 0,
        };
        let at = Position { rolls: true, frame: 5, bars: Some(bars) };
        let said = clock.following(at);
        // Two bars of seven eighths, one eighth, and half of one.
        assert_eq!(said.beats, Some(7.75));
        assert_eq!((said.playing, said.tempo, said.time_signature), (true, Some(90.0), Some((7, 8))));
        // Sixteen thousand frames at 90 quarter notes a minute are half a one.
        assert_eq!(clock.following(at.after(16_000)).beats, Some(8.25));
        let stands = Position { rolls: false, ..at };
        assert_eq!(clock.following(stands.after(16_000)).beats, Some(7.75));
    }

    #[test]
    fn a_jack_that_counts_no_bars_gives_the_place_and_we_the_tempo() {
        let clock = Clock::new(&Shared::default(), 48_000.0, 90.0, (3, 4));
        let said = clock.following(Position { rolls: false, frame: 96_000, bars: None });
        assert_eq!((said.playing, said.beats), (false, Some(3.0)));
        assert_eq!((said.tempo, said.time_signature), (Some(90.0), Some((3, 4))));
    }
}

//! Exact musical time: cycles, and the samples at which they fall.

use num_rational::Ratio;

/// Cycles, quarter notes or samples, exactly.
pub type Time = Ratio<i128>;

/// Quarter notes per cycle. The performance does not change it.
pub const BEATS_PER_CYCLE: i128 = 4;

/// The exact value of a float. `None` if it is not finite or beyond ±2^60.
pub fn exact(value: f64) -> Option<Time> {
    const SCALE: i128 = 1 << 40;
    if !value.is_finite() || value.abs() > 2_f64.powi(60) {
        return None;
    }
    // Exact for every number that a person writes into a performance with up to 40 binary places;
    // others are taken to the nearest 2^-40.
    let scaled = value * SCALE as f64;
    Some(Time::new(scaled.round() as i128, SCALE))
}

/// The host's tempo over the whole performance, which starts at cycle 0 on sample 0.
#[derive(Clone, Debug)]
pub struct TempoMap {
    sample_rate: i128,
    /// Cycle, sample and samples per cycle of each stretch of constant tempo.
    stretches: Vec<(Time, Time, Time)>,
}

impl TempoMap {
    /// One tempo from the start. `bpm` > 0 in quarter notes per minute, `sample_rate` in Hz.
    pub fn new(sample_rate: u32, bpm: Time) -> Self {
        let mut map = Self { sample_rate: sample_rate.into(), stretches: Vec::new() };
        map.stretches.push((Time::ZERO, Time::ZERO, map.samples_per_cycle(bpm)));
        map
    }

    /// From `cycle` on another tempo. Changes come in the order of time.
    pub fn change(&mut self, cycle: Time, bpm: Time) {
        let stretch = (cycle, self.sample(cycle), self.samples_per_cycle(bpm));
        self.stretches.push(stretch);
    }

    /// The exact position of a cycle, in samples.
    pub fn sample(&self, cycle: Time) -> Time {
        let at = self.stretches.partition_point(|&(begin, ..)| begin <= cycle).max(1) - 1;
        let (begin, sample, per_cycle) = self.stretches[at];
        sample + (cycle - begin) * per_cycle
    }

    fn samples_per_cycle(&self, bpm: Time) -> Time {
        Time::from(self.sample_rate * 60 * BEATS_PER_CYCLE) / bpm
    }
}

/// A time as a float, for printing and drawing.
pub fn float(time: Time) -> f64 {
    *time.numer() as f64 / *time.denom() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_keep_their_value() {
        assert_eq!(exact(137.5), Some(Time::new(275, 2)));
        assert_eq!(exact(-0.0625), Some(Time::new(-1, 16)));
        assert_eq!(exact(f64::NAN), None);
    }

    #[test]
    fn a_bar_at_120_lasts_two_seconds() {
        let map = TempoMap::new(48_000, Time::from(120));
        assert_eq!(map.sample(Time::from(1)), Time::from(96_000));
        assert_eq!(map.sample(Time::new(1, 7)), Time::new(96_000, 7));
    }

    #[test]
    fn after_a_tempo_change_only_what_follows_is_faster() {
        let mut map = TempoMap::new(48_000, Time::from(120));
        map.change(Time::from(12), Time::from(140));
        assert_eq!(map.sample(Time::from(11)), Time::from(11 * 96_000));
        assert_eq!(map.sample(Time::from(12)), Time::from(12 * 96_000));
        assert_eq!(map.sample(Time::from(13)), Time::from(12 * 96_000) + Time::new(576_000, 7));
    }
}

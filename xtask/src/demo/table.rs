//! What the demo measured, against what it must be.

use std::fmt;

use super::onsets::Timing;
use super::render::Saved;

/// Everything that was measured.
#[derive(Clone, Debug)]
pub struct Table {
    /// Voices in the order of the score.
    pub voices: Vec<(String, Timing)>,
    /// Largest sample of the mix less all voices: what is heard of them alone is what the mix is made of.
    pub difference: f32,
    /// Largest sample of the mix, 1 = full scale.
    pub peak: f32,
    /// Moments at which clicks were looked for, in the darkest voice.
    pub moments: usize,
    /// Clicks found there.
    pub clicks: usize,
    /// Of one planted click per moment, how many were found.
    pub planted_found: usize,
    /// Requests that had to be refused, and the error replies that came.
    pub refused: (usize, usize),
    /// FAUST programs that were saved: what to call it, whether it had to be refused, what came of it.
    pub saves: Vec<(String, bool, Option<Saved>)>,
    /// Whether those that were refused changed no sample.
    pub broken_unheard: bool,
    /// Whether other block sizes gave the same samples to the bit, with words for which.
    pub same_for_blocks: Vec<(String, bool)>,
    /// Seconds of sound per second of computing.
    pub real_time_factor: f64,
}

impl Table {
    /// The rows, each with whether it is as it must be.
    fn rows(&self) -> Vec<(String, bool)> {
        let mut rows = Vec::new();
        for (voice, timing) in &self.voices {
            let text = format!(
                "{voice:<12} {:>8} {:>8} {:>8} {:>14.3}",
                timing.expected, timing.found, timing.early, timing.largest_error
            );
            // A voice that the score never plays would hold by saying nothing.
            rows.push((text, timing.holds() && timing.expected > 0));
        }
        let decibels = |factor: f32| 20.0 * f64::from(factor).log10();
        let rounding = 1e-6;
        rows.push((
            format!("the voices add up to the mix, but for {:.0} dBFS", decibels(self.difference)),
            self.difference < rounding,
        ));
        let decibels = decibels(self.peak);
        rows.push((format!("peak {decibels:.2} dBFS"), self.peak > 0.0 && self.peak < 1.0));
        rows.push((
            format!("clicks in the bass at {} moments: {}", self.moments, self.clicks),
            self.clicks == 0 && self.moments > 0,
        ));
        rows.push((
            format!("planted clicks found: {} of {}", self.planted_found, self.moments),
            self.planted_found == self.moments,
        ));
        for (name, broken, saved) in &self.saves {
            let text = match saved {
                None => format!("{name}: the host says nothing"),
                Some(Saved { milliseconds, refused: None }) => {
                    format!("{name}: from save to new sound {milliseconds:.1} ms")
                }
                Some(Saved { milliseconds, refused: Some(why) }) => {
                    format!("{name}: refused after {milliseconds:.1} ms: {why}")
                }
            };
            let refused = saved.as_ref().map(|saved| saved.refused.is_some());
            rows.push((text, refused == Some(*broken)));
        }
        let verdict = if self.broken_unheard { "the same samples" } else { "OTHER samples" };
        rows.push((format!("without the broken program: {verdict}"), self.broken_unheard));
        let (wanted, came) = self.refused;
        rows.push((format!("error replies: {came} of {wanted} wanted"), came == wanted));
        for (blocks, same) in &self.same_for_blocks {
            let verdict = if *same { "the same samples" } else { "OTHER samples" };
            rows.push((format!("{blocks}: {verdict}"), *same));
        }
        let factor = self.real_time_factor;
        rows.push((format!("{factor:.0} times as fast as real time"), factor > 1.0));
        rows
    }

    /// Whether every row is as it must be.
    pub fn holds(&self) -> bool {
        self.rows().iter().all(|&(_, holds)| holds)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head =
            format!("{:<12} {:>8} {:>8} {:>8} {:>14}", "onsets", "score", "heard", "early", "max error/smp");
        writeln!(f, "       {head}")?;
        for (row, holds) in self.rows() {
            writeln!(f, "{}   {row}", if holds { "  ok" } else { "FAIL" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Table {
        let timing = Timing { expected: 64, found: 64, matched: 64, early: 0, largest_error: 0.857 };
        Table {
            voices: vec![("kick".to_owned(), timing)],
            difference: 1e-7,
            peak: 0.5,
            moments: 4,
            clicks: 0,
            planted_found: 4,
            refused: (1, 1),
            saves: vec![
                ("a.dsp".to_owned(), false, Some(Saved { milliseconds: 40.0, refused: None })),
                ("b.dsp".to_owned(), true, Some(Saved { milliseconds: 9.0, refused: Some("no".to_owned()) })),
            ],
            broken_unheard: true,
            same_for_blocks: vec![("blocks of 64".to_owned(), true)],
            real_time_factor: 80.0,
        }
    }

    #[test]
    fn a_performance_on_time_without_clicks_holds() {
        let table = good();
        assert!(table.holds());
        let text = table.to_string();
        assert!(text.contains("kick               64       64        0          0.857"), "{text}");
        assert!(text.contains("peak -6.02 dBFS"), "{text}");
    }

    #[test]
    fn each_fault_alone_is_enough_to_fail() {
        let faults: [fn(&mut Table); 10] = [
            |table| table.voices[0].1.early = 1,
            |table| table.voices[0].1 = Timing::default(),
            |table| table.voices[0].1.found = 63,
            |table| table.difference = 0.01,
            |table| table.peak = 1.0,
            |table| table.clicks = 1,
            |table| table.planted_found = 3,
            |table| table.refused.1 = 0,
            |table| table.same_for_blocks[0].1 = false,
            |table| table.real_time_factor = 0.9,
        ];
        for (i, fault) in faults.iter().enumerate() {
            let mut table = good();
            fault(&mut table);
            assert!(!table.holds(), "fault {i}");
            assert_eq!(table.to_string().matches("FAIL").count(), 1, "fault {i}");
        }
    }
}

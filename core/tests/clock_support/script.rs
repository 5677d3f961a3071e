//! Where the music is at every sample, and what should therefore sound: nothing in here is shared
//! with the engine, and positions are compared sample by sample rather than solved for.

use super::probe::{Gate, transitions};

/// Tolerance of an onset, in samples.
const TOLERANCE: f64 = 1e-6;

/// A stretch in which time goes on evenly or stands still.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub start: i64,
    pub end: i64,
    pub playing: bool,
    /// Position at `start` in quarter notes.
    pub beats: f64,
    /// Position of the host's song time at `start` in seconds.
    pub seconds: f64,
    pub bpm: f64,
    /// bpm per sample.
    pub inc: f64,
    pub loop_range: Option<(f64, f64)>,
    pub begins: Begins,
    pub rate_hz: f64,
}

/// How a run follows from the one before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Begins {
    /// Start, stop or jump.
    Anew,
    /// Time goes on.
    On,
    /// The loop wrapped.
    Wrapped,
}

/// What the transport does, written down step by step.
#[derive(Clone, Debug)]
pub struct Script {
    pub rate: f64,
    pub runs: Vec<Run>,
    /// Hosts that land exactly on the loop's start.
    pub drop_overshoot: bool,
    now: i64,
    here: f64,
    seconds: f64,
    bpm: f64,
    looping: Option<(f64, f64)>,
    begins: Begins,
}

impl Run {
    pub fn beats_at(&self, sample: i64) -> f64 {
        if !self.playing {
            return self.beats;
        }
        let n = (sample - self.start) as f64;
        self.beats + (self.bpm * n + self.inc * n * n / 2.0) / self.minute()
    }

    fn minute(&self) -> f64 {
        60.0 * self.rate_hz
    }
}

impl Script {
    /// A host that stands at `beats`.
    pub fn at(rate: f64, beats: f64, bpm: f64) -> Self {
        Self {
            rate,
            runs: Vec::new(),
            drop_overshoot: false,
            now: 0,
            here: beats,
            seconds: beats * 60.0 / bpm,
            bpm,
            looping: None,
            begins: Begins::Anew,
        }
    }

    /// Hosts that land exactly on the loop's start.
    pub fn drop_overshoot(mut self) -> Self {
        self.drop_overshoot = true;
        self
    }

    /// Length in samples.
    pub fn frames(&self) -> i64 {
        self.now
    }

    /// The loop is set, or off, from here on.
    pub fn looping(mut self, range: Option<(f64, f64)>) -> Self {
        self.looping = range;
        self.begins = if self.runs.is_empty() { Begins::Anew } else { self.begins };
        self
    }

    /// Elsewhere from here on.
    pub fn jump(mut self, beats: f64) -> Self {
        self.here = beats;
        self.seconds = beats * 60.0 / self.bpm;
        self.begins = Begins::Anew;
        self
    }

    /// Another tempo from here on.
    pub fn tempo(mut self, bpm: f64) -> Self {
        self.bpm = bpm;
        self
    }

    /// Stands still.
    pub fn stop(mut self, frames: i64) -> Self {
        let run = self.run(frames, 0.0, false, Begins::Anew);
        self.runs.push(run);
        self.now += frames;
        self.begins = Begins::Anew;
        self
    }

    /// Plays at the tempo.
    pub fn play(self, frames: i64) -> Self {
        self.ramp(frames, 0.0)
    }

    /// Plays at a tempo that changes by `inc` bpm per sample.
    pub fn ramp(mut self, frames: i64, inc: f64) -> Self {
        let end = self.now + frames;
        while self.now < end {
            let begins = std::mem::replace(&mut self.begins, Begins::On);
            let mut run = self.run(end - self.now, inc, true, begins);
            if let Some((a, b)) = self.looping.filter(|(_, b)| self.here < *b) {
                let tolerance = TOLERANCE * run.bpm / (60.0 * self.rate);
                let wrap = (run.start + 1..=run.end).find(|&n| run.beats_at(n) >= b - tolerance);
                if let Some(n) = wrap {
                    run.end = n;
                    let over = (run.beats_at(n) - b).max(0.0);
                    self.go_to(&run);
                    self.here = if self.drop_overshoot { a } else { a + over };
                    self.seconds = self.here * 60.0 / self.bpm;
                    self.begins = Begins::Wrapped;
                    self.runs.push(run);
                    continue;
                }
            }
            self.go_to(&run);
            self.runs.push(run);
        }
        self
    }

    /// Plays while the tempo goes to `bpm`.
    pub fn ramp_to(self, bpm: f64, frames: i64) -> Self {
        let inc = (bpm - self.bpm) / frames as f64;
        self.ramp(frames, inc)
    }

    /// One run as it is, whatever the loop says: for hosts that wrap late or not at all.
    pub fn straight(mut self, frames: i64) -> Self {
        let begins = std::mem::replace(&mut self.begins, Begins::On);
        let run = self.run(frames, 0.0, true, begins);
        self.go_to(&run);
        self.runs.push(run);
        self
    }

    fn run(&self, frames: i64, inc: f64, playing: bool, begins: Begins) -> Run {
        Run {
            start: self.now,
            end: self.now + frames,
            playing,
            beats: self.here,
            seconds: self.seconds,
            bpm: self.bpm,
            inc,
            loop_range: self.looping,
            begins,
            rate_hz: self.rate,
        }
    }

    fn go_to(&mut self, run: &Run) {
        let frames = (run.end - run.start) as f64;
        self.here = run.beats_at(run.end);
        self.seconds += frames / self.rate;
        self.bpm += run.inc * frames;
        self.now = run.end;
    }

    /// The run that a sample belongs to.
    pub fn run_at(&self, sample: i64) -> &Run {
        let at = self.runs.partition_point(|r| r.end <= sample);
        &self.runs[at.min(self.runs.len() - 1)]
    }

    /// The gates of `hits` evenly spaced hits per cycle of `cycle` quarter notes, each open for half its step.
    pub fn gates_of(&self, hits: u32, cycle: f64) -> Vec<Gate> {
        self.gates_within(TOLERANCE, hits, cycle)
    }

    /// The same with another tolerance, in samples.
    pub fn gates_within(&self, samples: f64, hits: u32, cycle: f64) -> Vec<Gate> {
        let half = |j: i64| cycle * j as f64 / f64::from(2 * hits);
        let mut found = Vec::new();
        let mut add = |sample, j: i64| found.push(Gate { sample, open: j % 2 == 0 });
        let after = |position: f64| {
            let mut j = (position / half(1)).floor() as i64 - 2;
            while half(j) <= position {
                j += 1;
            }
            j
        };
        let mut previous: Option<&Run> = None;
        for run in &self.runs {
            if run.begins != Begins::On {
                add(run.start, 1); // whatever is open closes
            }
            if !run.playing {
                previous = None;
                continue;
            }
            let tolerance = samples * run.bpm / run.minute();
            let before = previous.map(|p| p.beats_at(p.end - 1) + tolerance);
            let mut reached = match run.begins {
                Begins::On => before.expect("something goes on"),
                Begins::Anew => run.beats_at(run.start - 1) + tolerance,
                Begins::Wrapped => {
                    let (start, end) = run.loop_range.expect("a loop");
                    let mut j = after(before.expect("a pass before"));
                    while half(j) < end - tolerance {
                        add(run.start, j);
                        j += 1;
                    }
                    start - tolerance
                }
            };
            let mut j = after(reached);
            for sample in run.start..run.end {
                reached = reached.max(run.beats_at(sample) + tolerance);
                while half(j) <= reached {
                    add(sample, j);
                    j += 1;
                }
            }
            previous = Some(run);
        }
        transitions(found)
    }
}

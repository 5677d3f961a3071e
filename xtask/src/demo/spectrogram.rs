//! How loud each frequency is at each moment.

use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

use super::onsets::Sound;

/// Frames in one look at the sound: 85 ms at 48 kHz.
const WINDOW: usize = 4096;

/// Levels in dB relative to a full-scale sine, one column per moment.
#[derive(Clone, Debug)]
pub struct Spectrogram {
    sample_rate: f64,
    /// For each column the levels of the frequencies `bin × sample rate / WINDOW`.
    columns: Vec<Vec<f32>>,
}

impl Spectrogram {
    /// Looks at the mean of all channels at `columns` moments, evenly spread over the sound.
    ///
    /// Each look is a Hann window around its moment; silence lies before and after the sound.
    pub fn new(sound: &Sound, columns: usize) -> Self {
        let mono: Vec<f32> =
            sound.iter().map(|frame| frame.iter().sum::<f32>() / sound.channels as f32).collect();
        let hann: Vec<f32> = (0..WINDOW)
            .map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / WINDOW as f32).cos())
            .collect();
        let fft = FftPlanner::new().plan_fft_forward(WINDOW);
        // A full-scale sine has half its amplitude at the positive frequency, times the window's sum.
        let full_scale = 0.5 * hann.iter().sum::<f32>();
        let look = |column: usize| {
            let centre = (2 * column + 1) * mono.len() / (2 * columns);
            let mut frames: Vec<Complex<f32>> = (0..WINDOW)
                .map(|i| {
                    let frame = (centre + i).checked_sub(WINDOW / 2);
                    let sample = frame.and_then(|frame| mono.get(frame)).copied().unwrap_or(0.0);
                    Complex::new(sample * hann[i], 0.0)
                })
                .collect();
            fft.process(&mut frames);
            let level = |bin: &Complex<f32>| 20.0 * (bin.norm() / full_scale).max(1e-7).log10();
            frames[..WINDOW / 2].iter().map(level).collect()
        };
        Self { sample_rate: sound.sample_rate.into(), columns: (0..columns).map(look).collect() }
    }

    /// The loudest level in `low..high` Hz in this column. A range between two known frequencies takes
    /// the nearest one.
    pub fn level(&self, column: usize, low: f64, high: f64) -> f32 {
        let bin = |frequency: f64| frequency * WINDOW as f64 / self.sample_rate;
        let last = WINDOW / 2 - 1;
        let first = (bin(low).round() as usize).min(last);
        let end = (bin(high).round() as usize).clamp(first + 1, last + 1);
        self.columns[column][first..end].iter().copied().fold(f32::NEG_INFINITY, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_scale_sine_stands_at_its_frequency_and_moment_with_0_db() {
        let (rate, frequency) = (48_000, 1_000.0);
        let sample = |n: usize| {
            let sine = (std::f64::consts::TAU * frequency * n as f64 / f64::from(rate)).sin();
            if n < 48_000 { sine as f32 } else { 0.0 }
        };
        let samples = (0..96_000).map(sample).collect();
        let sound = Sound { sample_rate: rate, channels: 1, samples };
        let spectrogram = Spectrogram::new(&sound, 20);
        let level = spectrogram.level(4, 950.0, 1_050.0);
        assert!((-1.5..0.1).contains(&level), "{level} dB");
        assert!(spectrogram.level(4, 2_000.0, 20_000.0) < -80.0);
        assert!(spectrogram.level(15, 20.0, 20_000.0) < -100.0);
    }
}

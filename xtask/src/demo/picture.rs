//! The performance as a picture: waveform with bars and moments, onsets per voice, spectrogram.

use super::canvas::{Canvas, Colour};
use super::onsets::Sound;
use super::spectrogram::Spectrogram;

const WIDTH: usize = 1600;
const HEIGHT: usize = 1000;
const LEFT: usize = 90;
const PLOT: usize = WIDTH - LEFT - 20;

const REMARKS_TOP: usize = 50;
const REMARK_STEP: usize = 22;
const WAVE_TOP: usize = 220;
const WAVE_HEIGHT: usize = 220;
const LANES_TOP: usize = 460;
const LANE_STEP: usize = 26;
const SPECTRUM_TOP: usize = 580;
const SPECTRUM_HEIGHT: usize = 370;

const PAPER: Colour = [18, 18, 24];
const GRID: Colour = [52, 52, 64];
const INK: Colour = [222, 222, 230];
const FAINT: Colour = [140, 140, 155];
const WAVE: Colour = [96, 180, 255];
const MOMENT: Colour = [255, 176, 64];
const ONSET: Colour = [120, 230, 140];

/// Frequencies at the bottom and the top of the spectrogram, in Hz.
const RANGE: (f64, f64) = (30.0, 16_000.0);
/// Levels that are drawn darkest and brightest, in dB of a full-scale sine.
const LEVELS: (f32, f32) = (-100.0, -12.0);

/// What the picture shows beside the sound.
#[derive(Clone, Debug)]
pub struct Legend {
    /// First line.
    pub title: String,
    /// Frame at which each bar begins, in order, from bar 1.
    pub bars: Vec<f64>,
    /// Frames at which the performer does something, with words.
    pub moments: Vec<(f64, String)>,
    /// Voices with the frames at which they begin to sound.
    pub voices: Vec<(String, Vec<usize>)>,
}

/// Draws the sound.
pub fn draw(sound: &Sound, legend: &Legend) -> Canvas {
    let mut canvas = Canvas::new(WIDTH, HEIGHT, PAPER);
    let frames = sound.frames().max(1) as f64;
    let column = |frame: f64| LEFT + (frame / frames * PLOT as f64) as usize;

    spectrum(&mut canvas, sound);
    for (i, &bar) in legend.bars.iter().enumerate() {
        let x = column(bar);
        canvas.fill(x, WAVE_TOP, 1, LANES_TOP + LANE_STEP * legend.voices.len() - WAVE_TOP, GRID);
        canvas.text(x + 4, WAVE_TOP + WAVE_HEIGHT - 10, 1, &(i + 1).to_string(), FAINT);
    }
    wave(&mut canvas, sound);
    canvas.text(LEFT, 14, 2, &legend.title, INK);
    for (i, (frame, remark)) in legend.moments.iter().enumerate() {
        let (x, y) = (column(*frame), REMARKS_TOP + i * REMARK_STEP);
        for row in (y..WAVE_TOP + WAVE_HEIGHT).step_by(4) {
            canvas.fill(x, row, 1, 2, MOMENT);
        }
        let width = Canvas::text_width(remark, 1);
        let text = if x + 6 + width < WIDTH { x + 6 } else { x.saturating_sub(width + 6) };
        canvas.text(text, y, 1, remark, MOMENT);
    }
    for (i, (voice, onsets)) in legend.voices.iter().enumerate() {
        let y = LANES_TOP + i * LANE_STEP;
        canvas.text(8, y + 5, 1, voice, ONSET);
        for &onset in onsets {
            canvas.fill(column(onset as f64), y, 2, LANE_STEP - 8, ONSET);
        }
    }
    for second in (0..).step_by(5).take_while(|second| second * sound.sample_rate as usize <= sound.frames())
    {
        let x = column((second * sound.sample_rate as usize) as f64);
        let text = format!("{second} s");
        canvas.text(x, SPECTRUM_TOP + SPECTRUM_HEIGHT + 10, 1, &text, FAINT);
    }
    canvas
}

/// Lowest and highest sample of each column, full scale over the whole height.
fn wave(canvas: &mut Canvas, sound: &Sound) {
    let middle = WAVE_TOP + WAVE_HEIGHT / 2;
    let half = WAVE_HEIGHT as f32 / 2.0;
    for (text, level) in [("+1", 1.0), ("0", 0.0), ("-1", -1.0)] {
        let y = (middle as f32 - level * half) as usize;
        canvas.fill(LEFT, y, PLOT, 1, GRID);
        canvas.text(LEFT - 10 - Canvas::text_width(text, 1), y - 4, 1, text, FAINT);
    }
    for column in 0..PLOT {
        let range = column * sound.frames() / PLOT..(column + 1) * sound.frames() / PLOT;
        let samples = &sound.samples[range.start * sound.channels..range.end * sound.channels];
        let low = samples.iter().copied().fold(0.0, f32::min).max(-1.0);
        let high = samples.iter().copied().fold(0.0, f32::max).min(1.0);
        let top = (middle as f32 - high * half) as usize;
        let bottom = (middle as f32 - low * half) as usize;
        canvas.fill(LEFT + column, top, 1, bottom - top + 1, WAVE);
    }
}

fn spectrum(canvas: &mut Canvas, sound: &Sound) {
    let spectrogram = Spectrogram::new(sound, PLOT);
    let ratio = RANGE.1 / RANGE.0;
    let frequency = |row: usize| RANGE.0 * ratio.powf(1.0 - row as f64 / SPECTRUM_HEIGHT as f64);
    for row in 0..SPECTRUM_HEIGHT {
        let (high, low) = (frequency(row), frequency(row + 1));
        for column in 0..PLOT {
            let level = spectrogram.level(column, low, high);
            let share = (level - LEVELS.0) / (LEVELS.1 - LEVELS.0);
            canvas.dot(LEFT + column, SPECTRUM_TOP + row, heat(share));
        }
    }
    let labels = [(50.0, "50 Hz"), (100.0, "100"), (200.0, "200"), (500.0, "500")];
    let more = [(1_000.0, "1 kHz"), (2_000.0, "2"), (5_000.0, "5"), (10_000.0, "10")];
    for (hertz, text) in labels.into_iter().chain(more) {
        let share = (hertz / RANGE.0).ln() / ratio.ln();
        let y = SPECTRUM_TOP + ((1.0 - share) * SPECTRUM_HEIGHT as f64) as usize;
        canvas.fill(LEFT - 6, y, 6, 1, FAINT);
        canvas.text(LEFT - 10 - Canvas::text_width(text, 1), y - 4, 1, text, FAINT);
    }
}

/// From the paper's colour over violet and orange to white; `share` is cut to 0…1.
fn heat(share: f32) -> Colour {
    const STOPS: [[f32; 3]; 5] = [
        [18.0, 18.0, 24.0],
        [70.0, 24.0, 110.0],
        [180.0, 50.0, 90.0],
        [250.0, 150.0, 50.0],
        [255.0, 250.0, 210.0],
    ];
    let place = share.clamp(0.0, 1.0) * (STOPS.len() - 1) as f32;
    let stop = (place as usize).min(STOPS.len() - 2);
    let along = place - stop as f32;
    std::array::from_fn(|i| (STOPS[stop][i] + along * (STOPS[stop + 1][i] - STOPS[stop][i])) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legend() -> Legend {
        Legend {
            title: "title".to_owned(),
            bars: vec![0.0, 24_000.0],
            moments: vec![(24_000.0, "bar 2: enough".to_owned())],
            voices: vec![("kick".to_owned(), vec![12_000])],
        }
    }

    #[test]
    fn the_wave_is_drawn_where_there_is_sound_and_nowhere_else() {
        let samples = (0..48_000).map(|n| if n < 24_000 { [0.5, -0.5][n % 2] } else { 0.0 });
        let sound = Sound { sample_rate: 48_000, channels: 1, samples: samples.collect() };
        let canvas = draw(&sound, &legend());
        let quarter = WAVE_TOP + WAVE_HEIGHT / 2 - WAVE_HEIGHT / 5;
        assert_eq!(canvas.at(LEFT + PLOT / 3, quarter), WAVE);
        assert_eq!(canvas.at(LEFT + PLOT * 2 / 3, quarter), PAPER);
        assert_eq!(canvas.at(LEFT + PLOT / 4, LANES_TOP), ONSET);
    }

    #[test]
    fn louder_is_brighter() {
        let brightness = |share: f32| heat(share).iter().map(|&part| u32::from(part)).sum::<u32>();
        let steps: Vec<u32> = (-1..12).map(|i| brightness(i as f32 / 10.0)).collect();
        assert!(steps.is_sorted(), "{steps:?}");
        assert_eq!(heat(-1.0), PAPER);
    }
}

//! Where a program plays its patches: on the sound card, or into a file.

pub mod follow;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use krach_patch::sound::Card;
use krach_patch::{MidiEvent, PatchEngine, midi_note};

/// Sample rate of files.
const RATE: u32 = 48_000;
/// Samples between two looks at what is to play, in a file: ten milliseconds.
const BLOCK: usize = 480;
/// Time between two looks at what is to play, on a card.
const TICK: Duration = Duration::from_millis(10);

/// What a program was asked for.
#[derive(Debug, Default, PartialEq)]
pub struct Options {
    /// A file to write instead of playing.
    pub output: Option<PathBuf>,
    /// For how long, in seconds; `None`: into a file as long as the program thinks right, else until it is stopped.
    pub seconds: Option<f64>,
    /// Keys that are played one after the other, in semitones, 60 is C4.
    pub keys: Vec<f32>,
    /// Whatever is no option.
    pub files: Vec<PathBuf>,
    /// Only to tell how it is used.
    pub help: bool,
}

impl Options {
    /// Reads the arguments of a program, without its name.
    ///
    /// # Errors
    /// Which of them is wrong.
    pub fn read<I>(args: I) -> Result<Self, String>
    where
        I: IntoIterator,
        I::Item: Into<std::ffi::OsString>,
    {
        use lexopt::Arg::{Long, Short, Value};
        let mut parser = lexopt::Parser::from_args(args);
        let mut options = Self::default();
        let told = |error: lexopt::Error| error.to_string();
        while let Some(arg) = parser.next().map_err(told)? {
            match arg {
                Short('o') | Long("output") => options.output = Some(parser.value().map_err(told)?.into()),
                Short('s') | Long("seconds") => {
                    let text = parser.value().map_err(told)?;
                    let seconds = text.to_str().and_then(|text| text.parse::<f64>().ok());
                    let fits = seconds.filter(|seconds| (0.0..=3_600.0).contains(seconds));
                    options.seconds = Some(fits.ok_or("--seconds: a number from 0 to 3600 is allowed")?);
                }
                Short('k') | Long("keys") => {
                    let text = parser.value().map_err(told)?;
                    let keys = text.to_str().unwrap_or_default().split(',').map(midi_note);
                    options.keys =
                        keys.collect::<Option<_>>().ok_or("--keys: notes like C4,Eb4,G4 are allowed")?;
                }
                Short('h') | Long("help") => options.help = true,
                Value(file) => options.files.push(file.into()),
                other => return Err(other.unexpected().to_string()),
            }
        }
        Ok(options)
    }
}

/// Plays. `tick` is called with the seconds played so far, every ten milliseconds and once at the very beginning,
/// and loads what is to play from then on; its errors end it.
///
/// # Errors
/// What `tick` says; where there is no sound card and no file was asked for; if the file cannot be written.
pub fn play(
    options: &Options,
    usual_seconds: f64,
    mut tick: impl FnMut(f64, &mut PatchEngine) -> Result<(), String>,
) -> Result<(), String> {
    let mut keyboard = Keyboard { keys: &options.keys, begun: 0, held: None };
    let mut tick = |seconds: f64, engine: &mut PatchEngine| {
        tick(seconds, engine)?;
        keyboard.play(seconds, engine);
        Ok(())
    };
    match &options.output {
        Some(path) => write(path, options.seconds.unwrap_or(usual_seconds), tick),
        None => {
            let card = Card::find().map_err(|why| format!("{why}; `-o out.wav` writes a file instead"))?;
            let (mut engine, player) = PatchEngine::new(card.sample_rate());
            tick(0.0, &mut engine)?;
            let playing = card.play(player)?;
            println!("plays on {} at {} Hz; Ctrl-C ends it", card.name(), card.sample_rate());
            let begin = Instant::now();
            loop {
                let seconds = begin.elapsed().as_secs_f64();
                if options.seconds.is_some_and(|end| seconds >= end) {
                    return Ok(());
                }
                if let Some(why) = playing.lost() {
                    return Err(format!("{}: {why}", card.name()));
                }
                tick(seconds, &mut engine)?;
                engine.poll();
                std::thread::sleep(TICK);
            }
        }
    }
}

/// Plays keys one after the other, over and over: one each half second, held for 0.4.
struct Keyboard<'a> {
    keys: &'a [f32],
    /// So many were pressed.
    begun: usize,
    held: Option<f32>,
}

impl Keyboard<'_> {
    fn play(&mut self, seconds: f64, engine: &mut PatchEngine) {
        if let Some(note) = self.held.take_if(|_| seconds >= self.begun as f64 * 0.5 - 0.1) {
            engine.midi(MidiEvent::NoteOff { note });
        }
        if !self.keys.is_empty() && seconds >= self.begun as f64 * 0.5 {
            let note = self.keys[self.begun % self.keys.len()];
            engine.midi(MidiEvent::NoteOn { note, velocity: 0.8 });
            (self.begun, self.held) = (self.begun + 1, Some(note));
        }
    }
}

/// Renders into a stereo file of 32-bit floats.
fn write(
    path: &Path,
    seconds: f64,
    mut tick: impl FnMut(f64, &mut PatchEngine) -> Result<(), String>,
) -> Result<(), String> {
    let told = |error: hound::Error| format!("{}: {error}", path.display());
    let (bits_per_sample, sample_format) = (32, hound::SampleFormat::Float);
    let spec = hound::WavSpec { channels: 2, sample_rate: RATE, bits_per_sample, sample_format };
    let (mut engine, mut player) = PatchEngine::new(RATE.into());
    // Before there is a file: what does not load writes none.
    tick(0.0, &mut engine)?;
    let mut file = hound::WavWriter::create(path, spec).map_err(told)?;
    let samples = (seconds * f64::from(RATE)).round() as usize;
    let (mut left, mut right) = ([0.0; BLOCK], [0.0; BLOCK]);
    let mut done = 0;
    while done < samples {
        let count = BLOCK.min(samples - done);
        tick(done as f64 / f64::from(RATE), &mut engine)?;
        player.render(None, [&[], &[]], [&mut left[..count], &mut right[..count]]);
        engine.poll();
        for sample in left[..count].iter().zip(&right[..count]).flat_map(|(left, right)| [left, right]) {
            file.write_sample(*sample).map_err(told)?;
        }
        done += count;
    }
    file.finalize().map_err(told)?;
    println!("{}: {seconds} s", path.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_any_order_and_wrong_ones_are_told() {
        let options = Options::read(["a.yaml", "-o", "x.wav", "--seconds=2.5"]).unwrap();
        assert_eq!(options.output, Some("x.wav".into()));
        assert_eq!((options.seconds, options.files), (Some(2.5), vec!["a.yaml".into()]));
        assert_eq!(Options::read(["-k", "C4,F#3"]).unwrap().keys, [60.0, 54.0]);
        assert!(Options::read(["--keys", "C4,X"]).unwrap_err().contains("C4,Eb4,G4"));
        assert!(Options::read(["--seconds", "long"]).unwrap_err().contains("0 to 3600"));
        assert!(Options::read(["--loud"]).unwrap_err().contains("--loud"));
    }
}

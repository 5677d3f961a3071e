//! Where rendered sound goes: into memory, or into files as it comes.

use std::path::{Path, PathBuf};

use crate::error::HostError;
use crate::instance::AudioPort;
use crate::wav::{self, stem_path};

/// What of a render is kept, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Every output in memory, for [`crate::Rendered`].
    #[default]
    Memory,
    /// WAV files, written block by block. Memory does not grow with their length. A render that fails, or
    /// is ended from outside, leaves files that can be read: what was rendered until then, less at most the
    /// last second where the process was killed.
    Files {
        /// The main output.
        main: PathBuf,
        /// A folder for the other outputs, too: each that sounds has a file of the whole length, see [`stem_path`].
        stems: Option<PathBuf>,
    },
    /// Nothing but the peak of the main output.
    Nothing,
}

/// One output.
enum Track {
    Memory(Vec<Vec<f32>>),
    File(wav::Writer),
    /// A file that comes with the first sound; so many frames were silent until now.
    Awaited {
        path: PathBuf,
        rate: f64,
        channels: usize,
        silent: u64,
    },
    Off,
}

/// A file that begins with so many silent frames.
fn after_silence(path: &Path, rate: f64, channels: usize, mut silent: u64) -> Result<wav::Writer, HostError> {
    const ZEROS: [f32; 4096] = [0.0; 4096];
    let mut writer = wav::Writer::create(path, rate, channels)?;
    while silent > 0 {
        let frames = silent.min(ZEROS.len() as u64);
        writer.write(frames as usize, |_| &ZEROS)?;
        silent -= frames;
    }
    Ok(writer)
}

/// All outputs of a render.
/// Do both paths lead to one file, which may not be there yet?
fn same(a: &Path, b: &Path) -> bool {
    let whole = |path: &Path| {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        folder.canonicalize().ok().zip(path.file_name().map(ToOwned::to_owned))
    };
    a == b || whole(a).is_some_and(|a| whole(b) == Some(a))
}

pub(crate) struct Tape {
    tracks: Vec<Track>,
    /// The largest absolute sample of the main output, of what is written as it comes.
    peak: f32,
}

impl Tape {
    pub(crate) fn open(record: &Record, rate: f64, outputs: &[AudioPort]) -> Result<Self, HostError> {
        let failed = |path: &Path, error: &std::io::Error| HostError::File {
            path: path.to_owned(),
            reason: error.to_string(),
        };
        if let Record::Files { stems: Some(folder), .. } = record {
            std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        if let Record::Files { main, stems: Some(folder) } = record
            && let Some(stem) = (1..outputs.len()).map(|n| stem_path(folder, n)).find(|stem| same(stem, main))
        {
            let reason = "this is the file of a stem: give the main output another name".to_owned();
            return Err(HostError::File { path: stem, reason });
        }
        let track = |(index, port): (usize, &AudioPort)| match record {
            Record::Memory => Ok(Track::Memory(vec![Vec::new(); port.channels])),
            _ if port.channels == 0 => Ok(Track::Off),
            Record::Files { main, .. } if index == 0 => {
                wav::Writer::create(main, rate, port.channels).map(Track::File)
            }
            Record::Files { stems: Some(folder), .. } => {
                let path = stem_path(folder, index);
                // Of another render, in which it sounded.
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&path, &error)),
                    _ => Ok(Track::Awaited { path, rate, channels: port.channels, silent: 0 }),
                }
            }
            Record::Files { .. } | Record::Nothing => Ok(Track::Off),
        };
        let tracks = outputs.iter().enumerate().map(track).collect::<Result<_, _>>()?;
        Ok(Self { tracks, peak: 0.0 })
    }

    /// Takes a block, of which the first `wanted` frames belong to the render: only these are written to
    /// files.
    pub(crate) fn take<'a>(
        &mut self,
        wanted: usize,
        output: impl Fn(usize, usize) -> &'a [f32],
    ) -> Result<(), HostError> {
        for (port, track) in self.tracks.iter_mut().enumerate() {
            if let Track::Awaited { path, rate, channels, silent } = track {
                let zeros = |samples: &[f32]| samples.iter().take(wanted).all(|sample| *sample == 0.0);
                if (0..*channels).all(|channel| zeros(output(port, channel))) {
                    *silent += wanted as u64;
                    continue;
                }
                *track = Track::File(after_silence(path, *rate, *channels, *silent)?);
            }
            match track {
                Track::Memory(channels) => {
                    for (channel, samples) in channels.iter_mut().enumerate() {
                        samples.extend_from_slice(output(port, channel));
                    }
                    continue;
                }
                Track::File(writer) => writer.write(wanted, |channel| output(port, channel))?,
                Track::Awaited { .. } | Track::Off => {}
            }
            if port == 0 {
                let channels =
                    (0..).map(|channel| output(0, channel)).take_while(|samples| !samples.is_empty());
                let samples = channels.flat_map(|samples| &samples[..wanted.min(samples.len())]);
                self.peak = peak_of(self.peak, samples);
            }
        }
        Ok(())
    }

    /// What is in memory of one channel of an output.
    pub(crate) fn recorded(&self, port: usize, channel: usize) -> &[f32] {
        match self.tracks.get(port) {
            Some(Track::Memory(channels)) => channels.get(channel).map_or(&[], Vec::as_slice),
            _ => &[],
        }
    }

    /// How many samples are in memory.
    #[cfg(test)]
    fn held(&self) -> usize {
        let held = |track: &Track| match track {
            Track::Memory(channels) => channels.iter().map(Vec::capacity).sum(),
            Track::File(_) | Track::Awaited { .. } | Track::Off => 0,
        };
        self.tracks.iter().map(held).sum()
    }

    /// Empties what is in memory.
    pub(crate) fn forget(&mut self) {
        for track in &mut self.tracks {
            if let Track::Memory(channels) = track {
                channels.iter_mut().for_each(Vec::clear);
            }
        }
    }

    /// The outputs in memory, cut to so many frames, and the peak of the main one. Files are complete.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub(crate) fn finish(self, frames: usize) -> Result<(Vec<Channels>, f32), HostError> {
        let (mut outputs, mut peak) = (Vec::with_capacity(self.tracks.len()), self.peak);
        for track in self.tracks {
            match track {
                Track::Memory(mut channels) => {
                    channels.iter_mut().for_each(|samples| samples.truncate(frames));
                    if outputs.is_empty() {
                        peak = peak_of(0.0, channels.iter().flatten());
                    }
                    outputs.push(channels);
                }
                Track::File(writer) => writer.finish()?,
                Track::Awaited { .. } | Track::Off => {}
            }
        }
        Ok((outputs, peak))
    }
}

/// The samples of an output, by channel.
pub(crate) type Channels = Vec<Vec<f32>>;

/// The largest absolute sample; NaN if one is not a number.
fn peak_of<'a>(before: f32, samples: impl IntoIterator<Item = &'a f32>) -> f32 {
    samples.into_iter().fold(before, |peak, sample| {
        if peak.is_nan() || sample.is_nan() { f32::NAN } else { peak.max(sample.abs()) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports() -> Vec<AudioPort> {
        let port = |name: &str, main| AudioPort { id: 0, name: name.to_owned(), channels: 2, main };
        vec![port("Main", true), port("Stem 1", false), port("Stem 2", false), port("Stem 3", false)]
    }

    fn play(tape: &mut Tape, blocks: usize, wanted: usize) {
        play_on(tape, &mut 0, blocks, wanted);
    }

    fn play_on(tape: &mut Tape, played: &mut usize, blocks: usize, wanted: usize) {
        let (ramp, half, late) = ([0.25, -0.75, 0.5, 0.125], [0.5; 4], [0.0, 0.25, 0.5, 0.0]);
        for _ in 0..blocks {
            *played += 1;
            let output = |port, channel| match (port, channel) {
                (0, 0 | 1) => &ramp[..],
                (1, 0 | 1) => &half[..],
                // It sounds from frame 40,001 on, on one side.
                (2, 1) if *played == 10_000 => &late[..],
                (2 | 3, 0 | 1) => &[0.0; 4][..],
                _ => &[][..],
            };
            tape.take(wanted, output).unwrap();
        }
    }

    #[test]
    fn the_main_output_is_no_stem_s_file() {
        let folder = std::env::temp_dir().join(format!("krach-tape-main-{}", std::process::id()));
        let main = folder.join(".").join(stem_path(&folder, 1).file_name().unwrap());
        let record = Record::Files { main, stems: Some(folder.clone()) };
        let refused = Tape::open(&record, 48_000.0, &ports()).err().expect("it would be lost");
        assert!(refused.to_string().contains("another name"), "{refused}");
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "nothing was made or removed");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn files_hold_what_memory_would_and_nothing_stays_in_memory() {
        let folder = std::env::temp_dir().join(format!("krach-tape-{}", std::process::id()));
        // The main output may go into the folder of the stems, which need not be there.
        let stems = folder.join("stems");
        let main = stems.join("main.wav");
        let record = Record::Files { main: main.clone(), stems: Some(stems.clone()) };
        drop(Tape::open(&record, 48_000.0, &ports()).unwrap());
        // Of an earlier render.
        std::fs::write(stem_path(&stems, 3), "old").unwrap();
        let mut played = [0, 0];
        let (mut kept, mut written) = (
            Tape::open(&Record::Memory, 48_000.0, &ports()).unwrap(),
            Tape::open(&record, 48_000.0, &ports()).unwrap(),
        );
        for (blocks, wanted) in [(30_000, 4), (1, 3), (5, 0)] {
            play_on(&mut kept, &mut played[0], blocks, wanted);
            play_on(&mut written, &mut played[1], blocks, wanted);
            assert_eq!(written.held(), 0, "after {blocks} blocks");
        }
        assert!(kept.held() >= 2 * 4 * 4 * 30_000);
        let (outputs, peak) = kept.finish(120_003).unwrap();
        assert_eq!(written.finish(120_003).unwrap(), (Vec::new(), peak));
        assert_eq!(peak, 0.75);
        for (path, output) in [main, stem_path(&stems, 1), stem_path(&stems, 2)].iter().zip(&outputs) {
            assert!(wav::read(path).unwrap() == (48_000.0, output.clone()), "{}", path.display());
        }
        assert!(outputs[2][1].iter().any(|x| *x != 0.0) && !stem_path(&stems, 3).exists());
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn only_what_is_asked_for_is_written() {
        let folder = std::env::temp_dir().join(format!("krach-tape-main-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let main = folder.join("song.wav");
        let mut tape =
            Tape::open(&Record::Files { main: main.clone(), stems: None }, 48_000.0, &ports()).unwrap();
        play(&mut tape, 10, 4);
        tape.finish(40).unwrap();
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files, [main]);
        let mut tape = Tape::open(&Record::Nothing, 48_000.0, &ports()).unwrap();
        play(&mut tape, 10, 4);
        assert_eq!((tape.held(), tape.finish(40).unwrap()), (0, (Vec::new(), 0.75)));
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_was_never_finished_can_be_read() {
        let path = std::env::temp_dir().join(format!("krach-torn-{}.wav", std::process::id()));
        let mut tape =
            Tape::open(&Record::Files { main: path.clone(), stems: None }, 100.0, &ports()).unwrap();
        play(&mut tape, 60, 4);
        // As when the process is killed: nothing is run at the end.
        std::mem::forget(tape);
        let (_, channels) = wav::read(&path).unwrap();
        assert!((140..=240).contains(&channels[0].len()), "{}", channels[0].len());
        std::fs::remove_file(&path).unwrap();
    }
}

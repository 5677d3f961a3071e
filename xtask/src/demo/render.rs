//! Runs `krach-host` as a child and reads what it leaves: the sound, and what the plugin answered.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use super::onsets::Sound;
use crate::failure::{Failure, Result};
use crate::workspace::{Workspace, line};

/// Renders performances with one plugin into one folder.
#[derive(Clone, Debug)]
pub struct Renderer {
    host: PathBuf,
    plugin: PathBuf,
    folder: PathBuf,
    /// Length of every rendering, in bars.
    bars: f64,
}

/// What came of one performance.
#[derive(Clone, Debug)]
pub struct Rendering {
    /// The WAV file.
    pub path: PathBuf,
    /// What it holds.
    pub sound: Sound,
    /// What the host says of requests that were refused.
    pub errors: Vec<String>,
    /// What the host says of the FAUST programs that it saved.
    pub saves: Vec<Saved>,
    /// Seconds of sound per second that the rendering took, start and end of the host included.
    pub real_time_factor: f64,
}

/// What came of a FAUST program that was saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Milliseconds from the save until the new sound was ready, or until it was refused.
    pub milliseconds: f64,
    /// Why it was refused, if it was.
    pub refused: Option<String>,
}

impl Renderer {
    /// Renders `bars` bars with `plugin`; files go to `folder`.
    pub fn new(workspace: &Workspace, plugin: PathBuf, folder: &Path, bars: f64) -> Self {
        let host = format!("krach-host{}", std::env::consts::EXE_SUFFIX);
        let host = workspace.target.join("release").join(host);
        Self { host, plugin, folder: folder.to_owned(), bars }
    }

    /// Renders one performance to `name.wav`, in blocks after `krach-host`'s rule `blocks`.
    ///
    /// # Errors
    /// If the host fails, or leaves something that cannot be read.
    pub fn render(&self, name: &str, performance: &str, blocks: &str) -> Result<Rendering> {
        let file = |ending: &str| self.folder.join(format!("{name}.{ending}"));
        let (script, path) = (file("jsonl"), file("wav"));
        fs::write(&script, performance).map_err(|source| Failure::file("write", &script, source))?;
        let mut host = Command::new(&self.host);
        host.arg("render").arg(&script).arg("--plugin").arg(&self.plugin).arg("-o").arg(&path);
        host.args(["--bars", &self.bars.to_string(), "--blocks", blocks, "--quiet"]);
        // Sounds are saved into a folder that begins empty, and nothing is known of them from earlier.
        for (variable, folder) in [("NOISE_DSP_DIR", "dsp"), ("XDG_CACHE_HOME", "cache")] {
            let folder = self.folder.join(folder);
            if folder.is_dir() {
                fs::remove_dir_all(&folder).map_err(|source| Failure::file("empty", &folder, source))?;
            }
            fs::create_dir_all(&folder).map_err(|source| Failure::file("create", &folder, source))?;
            host.env(variable, &folder);
        }
        let begin = Instant::now();
        let Played { errors, saves } = play(&mut host)?;
        let seconds = begin.elapsed().as_secs_f64();
        let sound = read_wav(&path)?;
        let real_time_factor = sound.frames() as f64 / f64::from(sound.sample_rate) / seconds;
        Ok(Rendering { path, sound, errors, saves, real_time_factor })
    }
}

/// What a host said.
#[derive(Debug, Default, PartialEq)]
struct Played {
    errors: Vec<String>,
    saves: Vec<Saved>,
}

/// Runs the host; returns what it says of refused requests and of saves.
fn play(host: &mut Command) -> Result<Played> {
    let line = line(host);
    println!("$ {line}");
    let failed = |ended: String| Failure::Program { line: line.clone(), ended };
    let output = match host.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return Err(failed(format!("could not start: {error}"))),
    };
    print!("{}", String::from_utf8_lossy(&output.stdout));
    let saves = String::from_utf8_lossy(&output.stdout).lines().filter_map(saved).collect();
    let complaints = String::from_utf8_lossy(&output.stderr);
    let refused = refusals(&complaints);
    match output.status.code() {
        Some(0) => Ok(Played { errors: Vec::new(), saves }),
        // Rendered, but requests were refused: for the table to judge.
        Some(2) if !refused.is_empty() => Ok(Played { errors: refused, saves }),
        _ => Err(failed(format!("ended with {}\n{complaints}", output.status))),
    }
}

/// The lines in which the host names a request that was refused, and the reply that it got.
fn refusals(complaints: &str) -> Vec<String> {
    let of = |line: &str| {
        let rest = line.strip_prefix("krach-host: line ")?;
        rest.contains(" was refused: ").then(|| format!("line {rest}"))
    };
    complaints.lines().filter_map(of).collect()
}

/// A line in which the host tells what came of a save.
fn saved(line: &str) -> Option<Saved> {
    let (_, came) = line.strip_prefix("krach-host: line ")?.split_once(" saved at beat ")?;
    let (_, came) = came.split_once(": ")?;
    let (refused, time) = match came.strip_prefix("new sound after ") {
        Some(time) => (None, time.strip_suffix(" ms")?),
        None => {
            let (time, why) = came.strip_prefix("refused after ")?.split_once(" ms: ")?;
            (Some(why.to_owned()), time)
        }
    };
    Some(Saved { milliseconds: time.parse().ok()?, refused })
}

/// Reads a WAV file of 32-bit floats.
fn read_wav(path: &Path) -> Result<Sound> {
    let failed = |problem: String| Failure::Content { path: path.to_owned(), line: None, problem };
    let mut reader = hound::WavReader::open(path).map_err(|error| failed(error.to_string()))?;
    let spec = reader.spec();
    let samples: std::result::Result<Vec<f32>, _> = reader.samples::<f32>().collect();
    Ok(Sound {
        sample_rate: spec.sample_rate,
        channels: usize::from(spec.channels),
        samples: samples.map_err(|error| failed(error.to_string()))?,
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Played> {
        play(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn a_refused_request_is_told_and_the_sound_counts() {
        let refusing = "echo 'krach-host: line 7 was refused: {\"status\":\"Error\"}' >&2; exit 2";
        assert_eq!(shell(refusing).unwrap().errors, ["line 7 was refused: {\"status\":\"Error\"}"]);
        assert_eq!(shell("echo done").unwrap(), Played::default());
    }

    #[test]
    fn what_came_of_saves_is_read() {
        let line = "krach-host: line 31: bass.dsp saved at beat 32.00: ";
        assert_eq!(
            saved(&format!("{line}new sound after 41.5 ms")),
            Some(Saved { milliseconds: 41.5, refused: None })
        );
        let why = "faust:bass: bass.dsp:3: syntax error".to_owned();
        assert_eq!(
            saved(&format!("{line}refused after 9.0 ms: {why}")),
            Some(Saved { milliseconds: 9.0, refused: Some(why) })
        );
        assert_eq!(saved("krach-host: line 3 was refused: x"), None);
    }

    #[test]
    fn a_host_that_fails_is_an_error_with_its_words() {
        let text = shell("echo 'krach-host: no plugin' >&2; exit 1").unwrap_err().to_string();
        assert!(text.contains("exit status: 1") && text.contains("no plugin"), "{text}");
        assert!(shell("exit 2").is_err());
    }

    #[test]
    fn a_file_of_floats_is_read_to_the_bit() {
        let path = std::env::temp_dir().join(format!("krach-render-{}.wav", std::process::id()));
        let format = hound::SampleFormat::Float;
        let spec =
            hound::WavSpec { channels: 2, sample_rate: 48_000, bits_per_sample: 32, sample_format: format };
        let mut writer = hound::WavWriter::create(&path, spec).unwrap();
        let samples = [0.0, -1.0, f32::MIN_POSITIVE, 0.3];
        samples.iter().for_each(|&sample| writer.write_sample(sample).unwrap());
        writer.finalize().unwrap();
        let sound = read_wav(&path).unwrap();
        assert_eq!((sound.samples.as_slice(), sound.frames()), (&samples[..], 2));
    }
}

//! Samples to and from WAV files.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

use crate::error::HostError;

/// Writes channels of equal length as one file of 32-bit floats.
///
/// # Errors
/// [`HostError::File`]; [`HostError::Usage`] if the channels differ in length or there is none.
pub fn write(path: &Path, sample_rate: f64, channels: &[Vec<f32>]) -> Result<(), HostError> {
    let frames = channels.first().map_or(0, Vec::len);
    if channels.is_empty() || channels.iter().any(|channel| channel.len() != frames) {
        return Err(HostError::Usage(format!("{}: a WAV file needs channels of one length", path.display())));
    }
    let mut writer = Writer::create(path, sample_rate, channels.len())?;
    writer.write(frames, |channel| channels[channel].as_slice())?;
    writer.finish()
}

/// Most bytes of samples in a file: its header counts in 32 bits.
const MAX_BYTES: u64 = u32::MAX as u64 - 4096;

/// A file of 32-bit floats that is written as the samples come. Its header is right once a second and at
/// the end, so that a file that is not finished can be read as far as that.
pub struct Writer {
    path: PathBuf,
    writer: WavWriter<BufWriter<File>>,
    channels: usize,
    /// Frames from one header to the next, and since the last.
    second: usize,
    since: usize,
    bytes: u64,
}

impl Writer {
    /// Creates the file, in place of any that is there.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn create(path: &Path, sample_rate: f64, channels: usize) -> Result<Self, HostError> {
        let writer =
            WavWriter::create(path, spec(sample_rate, channels)).map_err(|error| failed(path, &error))?;
        let second = (sample_rate as usize).max(1);
        Ok(Self { path: path.to_owned(), writer, channels, second, since: 0, bytes: 0 })
    }

    /// Writes the first `frames` of each channel.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn write<'a>(
        &mut self,
        frames: usize,
        channel: impl Fn(usize) -> &'a [f32],
    ) -> Result<(), HostError> {
        self.bytes += 4 * (frames * self.channels) as u64;
        if self.bytes > MAX_BYTES {
            let reason = "a WAV file holds 4 GiB at most; render it in parts".to_owned();
            return Err(HostError::File { path: self.path.clone(), reason });
        }
        for frame in 0..frames {
            for number in 0..self.channels {
                let written = self.writer.write_sample(channel(number)[frame]);
                written.map_err(|error| failed(&self.path, &error))?;
            }
        }
        self.since += frames;
        if self.since >= self.second {
            self.since = 0;
            self.writer.flush().map_err(|error| failed(&self.path, &error))?;
        }
        Ok(())
    }

    /// Completes the header.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn finish(self) -> Result<(), HostError> {
        self.writer.finalize().map_err(|error| failed(&self.path, &error))
    }
}

fn failed(path: &Path, error: &hound::Error) -> HostError {
    HostError::File { path: path.to_owned(), reason: error.to_string() }
}

/// Where stem `number`, from 1, goes in a folder.
pub fn stem_path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("stem-{number}.wav"))
}

/// How [`write()`] writes this many channels.
fn spec(sample_rate: f64, channels: usize) -> WavSpec {
    WavSpec {
        channels: channels as u16,
        sample_rate: sample_rate.round() as u32,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    }
}

/// Reads a file of floats or integers: frames per second, and the channels as floats (integers
/// scaled to −1…1).
///
/// # Errors
/// [`HostError::File`].
pub fn read(path: &Path) -> Result<(f64, Vec<Vec<f32>>), HostError> {
    let failed = |error: hound::Error| HostError::File { path: path.to_owned(), reason: error.to_string() };
    let mut reader = WavReader::open(path).map_err(failed)?;
    let spec = reader.spec();
    let samples: Result<Vec<f32>, hound::Error> = match spec.sample_format {
        SampleFormat::Float => reader.samples::<f32>().collect(),
        SampleFormat::Int => {
            let scale = 1.0 / (1_u64 << (spec.bits_per_sample - 1)) as f32;
            let integers = reader.samples::<i32>();
            integers.map(|sample| sample.map(|value| value as f32 * scale)).collect()
        }
    };
    let samples = samples.map_err(failed)?;
    let count = usize::from(spec.channels);
    let channels =
        (0..count).map(|channel| samples.iter().skip(channel).step_by(count).copied().collect()).collect();
    Ok((f64::from(spec.sample_rate), channels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_to_the_bit() {
        let path = std::env::temp_dir().join(format!("krach-wav-{}.wav", std::process::id()));
        let left = vec![0.0, 1.5, -0.25, f32::MIN_POSITIVE];
        let right = vec![1.0e-20, -1.0, 0.1, 3.0];
        write(&path, 44_100.0, &[left.clone(), right.clone()]).unwrap();
        assert_eq!(read(&path).unwrap(), (44_100.0, vec![left, right]));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn ragged_channels_are_refused() {
        let path = std::env::temp_dir().join("krach-ragged.wav");
        assert!(write(&path, 48_000.0, &[vec![0.0; 3], vec![0.0; 2]]).is_err());
        assert!(write(&path, 48_000.0, &[]).is_err());
        assert!(!path.exists());
    }
}

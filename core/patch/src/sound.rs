//! A sound card plays a patch, by ALSA, CoreAudio or WASAPI.

use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Device, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};

use crate::engine::PatchPlayer;

/// Why there is no card, where there is none.
pub const NONE: &str = "there is no sound card";
/// Longest block that is rendered in one go.
const MAX_FRAMES: usize = 1_024;

/// A card that is there, before anything is played.
pub struct Card {
    device: Device,
    name: String,
    format: SampleFormat,
    config: StreamConfig,
}

/// A card that plays, until this is dropped.
pub struct Playing {
    _stream: Stream,
    lost: Arc<Mutex<Option<String>>>,
}

impl Card {
    /// The system's own choice.
    ///
    /// # Errors
    /// Why there is none.
    pub fn find() -> Result<Self, String> {
        be_quiet();
        let device = cpal::default_host().default_output_device().ok_or(NONE)?;
        let name = device
            .description()
            .map_or_else(|_| "the sound card".to_owned(), |known| known.name().to_owned());
        // ALSA has a default device also where there is no card; such a one has no format.
        let config = device.default_output_config().map_err(|_| NONE.to_owned())?;
        Ok(Self { device, name, format: config.sample_format(), config: config.config() })
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> f64 {
        f64::from(self.config.sample_rate)
    }

    /// The card's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Has the card ask `player` for its sound.
    ///
    /// # Errors
    /// Why it does not play.
    pub fn play(&self, player: PatchPlayer) -> Result<Playing, String> {
        let lost = Arc::new(Mutex::new(None));
        let stream = match self.format {
            SampleFormat::F32 => self.build::<f32>(player, &lost),
            SampleFormat::F64 => self.build::<f64>(player, &lost),
            SampleFormat::I8 => self.build::<i8>(player, &lost),
            SampleFormat::I16 => self.build::<i16>(player, &lost),
            SampleFormat::I24 => self.build::<cpal::I24>(player, &lost),
            SampleFormat::I32 => self.build::<i32>(player, &lost),
            SampleFormat::U8 => self.build::<u8>(player, &lost),
            SampleFormat::U16 => self.build::<u16>(player, &lost),
            SampleFormat::U32 => self.build::<u32>(player, &lost),
            other => return Err(format!("{} plays {other} only", self.name)),
        };
        let fails = |error: cpal::Error| format!("{}: {error}", self.name);
        let stream = stream.map_err(fails)?;
        stream.play().map_err(fails)?;
        Ok(Playing { _stream: stream, lost })
    }

    fn build<T: SizedSample + FromSample<f32>>(
        &self,
        mut player: PatchPlayer,
        lost: &Arc<Mutex<Option<String>>>,
    ) -> Result<Stream, cpal::Error> {
        let channels = usize::from(self.config.channels);
        let (mut left, mut right) = (vec![0.0; MAX_FRAMES], vec![0.0; MAX_FRAMES]);
        let lost = Arc::clone(lost);
        self.device.build_output_stream(
            self.config,
            move |data: &mut [T], _| {
                for part in data.chunks_mut(MAX_FRAMES * channels) {
                    let frames = part.len() / channels;
                    player.render(None, [&[], &[]], [&mut left[..frames], &mut right[..frames]]);
                    lay(part, channels, &left, &right);
                }
            },
            move |error| {
                // These say that it plays on.
                let plays = matches!(
                    error.kind(),
                    ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied
                );
                if !plays {
                    *lost.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.to_string());
                }
            },
            None,
        )
    }
}

impl Playing {
    /// Why it does not play any more, if so.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Left and right into the first two channels; one channel gets their middle. Beyond full scale is cut.
fn lay<T: SizedSample + FromSample<f32>>(out: &mut [T], channels: usize, left: &[f32], right: &[f32]) {
    for ((frame, &left), &right) in out.chunks_exact_mut(channels).zip(left).zip(right) {
        let (left, right) = (left.clamp(-1.0, 1.0), right.clamp(-1.0, 1.0));
        if let [only] = frame {
            *only = T::from_sample(f32::midpoint(left, right));
            continue;
        }
        for (channel, sample) in frame.iter_mut().enumerate() {
            *sample = match channel {
                0 => T::from_sample(left),
                1 => T::from_sample(right),
                _ => T::EQUILIBRIUM,
            };
        }
    }
}

/// ALSA's library writes on the terminal what it tries in vain; on this thread no longer.
fn be_quiet() {
    #[cfg(target_os = "linux")]
    {
        // What it collects instead is thrown away with it.
        let _ = alsa::Output::local_error_handler();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn left_and_right_are_the_first_two_channels_whatever_their_number() {
        let (left, right) = ([0.5, -2.0], [0.25, 0.75]);
        let laid = |channels: usize| {
            let mut out = vec![9.0_f32; 2 * channels];
            lay(&mut out, channels, &left, &right);
            out
        };
        assert_eq!(laid(2), [0.5, 0.25, -1.0, 0.75]);
        assert_eq!(laid(1), [0.375, -0.125]);
        assert_eq!(laid(4), [0.5, 0.25, 0.0, 0.0, -1.0, 0.75, 0.0, 0.0]);
    }
}

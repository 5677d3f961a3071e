//! A sound card asks for blocks, by ALSA, CoreAudio or WASAPI.

use std::sync::{Arc, Mutex, PoisonError};

use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{
    BufferSize, Device, ErrorKind, FromSample, SampleFormat, SizedSample, Stream, StreamConfig,
    SupportedStreamConfig,
};

use super::midi::Link;
use super::options::Options;
use super::player::{MAX_FRAMES, Player, Seat};

/// Why there is no card, where there is none at all.
pub const NONE: &str = "there is no sound card";

/// A card that is there, and how it is to be asked, before anything is played.
pub struct Found {
    device: Device,
    name: String,
    format: SampleFormat,
    config: StreamConfig,
}

/// A card that plays, until this is dropped.
pub struct Playing {
    stream: Stream,
    seat: Seat,
    name: String,
    lost: Arc<Mutex<Option<String>>>,
}

impl Found {
    /// The card that the options ask for, or the system's own choice.
    ///
    /// # Errors
    /// Why there is none.
    pub fn look(options: &Options) -> Result<Self, String> {
        be_quiet();
        let host = cpal::default_host();
        let device = match &options.card {
            None => host.default_output_device().ok_or(NONE)?,
            Some(name) => named(&host, name)?,
        };
        let name = name(&device);
        // ALSA has a default device also where there is no card; such a one has no format.
        let own = device.default_output_config().map_err(|_| NONE.to_owned())?;
        let chosen = configuration(&device, own, options.rate)
            .ok_or_else(|| format!("{name} does not play {} Hz", options.rate.unwrap_or_default()))?;
        let buffer_size = options.period.map_or(BufferSize::Default, BufferSize::Fixed);
        let config = StreamConfig { buffer_size, ..chosen.config() };
        Ok(Self { device, name, format: chosen.sample_format(), config })
    }

    /// Frames per second.
    pub fn rate(&self) -> u32 {
        self.config.sample_rate
    }

    /// Has the card ask for blocks, which are silent until [`Playing::begin`].
    ///
    /// # Errors
    /// Why it does not play.
    pub fn play(self, link: Link) -> Result<Playing, String> {
        let lost = Arc::new(Mutex::new(None));
        let seat = Seat::default();
        let stream = match self.format {
            SampleFormat::F32 => self.build::<f32>(&seat, link, &lost),
            SampleFormat::F64 => self.build::<f64>(&seat, link, &lost),
            SampleFormat::I8 => self.build::<i8>(&seat, link, &lost),
            SampleFormat::I16 => self.build::<i16>(&seat, link, &lost),
            SampleFormat::I24 => self.build::<cpal::I24>(&seat, link, &lost),
            SampleFormat::I32 => self.build::<i32>(&seat, link, &lost),
            SampleFormat::U8 => self.build::<u8>(&seat, link, &lost),
            SampleFormat::U16 => self.build::<u16>(&seat, link, &lost),
            SampleFormat::U32 => self.build::<u32>(&seat, link, &lost),
            other => return Err(format!("{} plays {other} only", self.name)),
        };
        let fails = |error: cpal::Error| format!("{}: {error}", self.name);
        let stream = stream.map_err(fails)?;
        stream.play().map_err(fails)?;
        Ok(Playing { stream, seat, name: self.name, lost })
    }

    fn build<T: SizedSample + FromSample<f32>>(
        &self,
        seat: &Seat,
        link: Link,
        lost: &Arc<Mutex<Option<String>>>,
    ) -> Result<Stream, cpal::Error> {
        let channels = usize::from(self.config.channels);
        let (mut left, mut right) = (vec![0.0; MAX_FRAMES], vec![0.0; MAX_FRAMES]);
        let (seat, mut player) = (seat.clone(), None);
        let lost = Arc::clone(lost);
        self.device.build_output_stream(
            self.config,
            move |data: &mut [T], _| {
                let Some(player) = seat.find(&mut player) else { return data.fill(T::EQUILIBRIUM) };
                for part in data.chunks_mut(MAX_FRAMES * channels) {
                    let frames = part.len() / channels;
                    let main = [&mut left[..frames], &mut right[..frames]];
                    link.hear(player);
                    player.play(main, None, |_, bytes| link.send(bytes));
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
    /// Has `player` play.
    pub fn begin(&self, player: Player) {
        self.seat.give(player);
    }

    /// The card's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Why it does not play any more, if so.
    pub fn lost(&self) -> Option<String> {
        self.lost.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops asking, so that what comes next finds the card free.
    pub fn stop(self) {
        // It is dropped in any case.
        let _ = self.stream.pause();
    }
}

/// Left and right in turn; one channel has both, further ones are silent.
fn lay<T: SizedSample + FromSample<f32>>(out: &mut [T], channels: usize, left: &[f32], right: &[f32]) {
    for ((frame, &left), &right) in out.chunks_exact_mut(channels).zip(left).zip(right) {
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

fn name(device: &Device) -> String {
    device.description().map_or_else(|_| "the sound card".to_owned(), |known| known.name().to_owned())
}

fn named(host: &cpal::Host, part: &str) -> Result<Device, String> {
    let devices = host.output_devices().map_err(|error| error.to_string())?;
    let devices: Vec<Device> = devices.collect();
    let names: Vec<String> = devices.iter().map(name).collect();
    let found = devices.into_iter().zip(&names).find(|(_, name)| name.contains(part));
    found.map(|(device, _)| device).ok_or_else(|| match names.as_slice() {
        [] => NONE.to_owned(),
        names => format!("there is no sound card called {part}; there are {}", names.join(", ")),
    })
}

/// The card's own choice, or one that has the rate asked for: with two channels if it can be.
fn configuration(
    device: &Device,
    own: SupportedStreamConfig,
    rate: Option<u32>,
) -> Option<SupportedStreamConfig> {
    let wanted = rate.unwrap_or(own.sample_rate());
    if own.sample_rate() == wanted && own.channels() == 2 {
        return Some(own);
    }
    let all = device.supported_output_configs().ok()?;
    let fitting = all.filter_map(|range| range.try_with_sample_rate(wanted));
    let best =
        fitting.min_by_key(|config| (config.channels() != 2, config.sample_format() != own.sample_format()));
    best.or_else(|| (own.sample_rate() == wanted).then_some(own))
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
        let (left, right) = ([0.5, -0.5], [0.25, 0.75]);
        let laid = |channels: usize| {
            let mut out = vec![9.0_f32; 2 * channels];
            lay(&mut out, channels, &left, &right);
            out
        };
        assert_eq!(laid(2), [0.5, 0.25, -0.5, 0.75]);
        assert_eq!(laid(1), [0.375, 0.125]);
        assert_eq!(laid(4), [0.5, 0.25, 0.0, 0.0, -0.5, 0.75, 0.0, 0.0]);
        let mut out = [7_u8; 4];
        lay(&mut out, 2, &[0.0, 1.0], &[-1.0, 0.0]);
        assert_eq!(out, [128, 0, 255, 128]);
    }
}

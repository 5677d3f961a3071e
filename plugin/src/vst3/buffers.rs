//! Where the channels of a block lie. What the host left out, gave twice or made overlap is replaced by
//! scratch memory, prepared when the plugin is activated.

use super::com::Steinberg::Vst::{AudioBusBuffers, ProcessData};
use crate::ports::{CHANNELS, STEMS};

/// Scratch memory: for the main output, for stems, which this format has no buses for, and for the effect's input.
pub struct Buffers {
    max_frames: usize,
    scratch: Vec<f32>,
}

/// The channels of one block: distinct memory of exactly the block's frames each.
pub struct Channels<'a> {
    /// Main output.
    pub main: [&'a mut [f32]; CHANNELS],
    /// Stem outputs.
    pub stems: [[&'a mut [f32]; CHANNELS]; STEMS],
    /// What comes in, a copy, or empty slices if the host gives none. Mono is spread.
    pub input: [&'a [f32]; CHANNELS],
}

impl Buffers {
    /// Room for blocks of up to `max_frames`.
    pub fn new(max_frames: usize) -> Self {
        Self { max_frames, scratch: vec![0.0; (2 + STEMS) * CHANNELS * max_frames] }
    }

    /// The channels of a block of `frames`. `None` if that is more than was agreed. Channels and buses
    /// beyond ours are silenced, and no bus is marked as silent. Does not allocate.
    ///
    /// # Safety
    /// `data` is the host's, of 32-bit samples, valid for this call; non-null channel pointers are readable or
    /// writable for its frames, and nobody else uses them until the call of `process` ends.
    pub unsafe fn bind<'a>(&'a mut self, data: &'a ProcessData, frames: usize) -> Option<Channels<'a>> {
        if frames > self.max_frames {
            return None;
        }
        let scratch = self.scratch.as_mut_ptr();
        // SAFETY: `scratch` holds that many stretches of `max_frames`.
        let spare = |index: usize| unsafe { scratch.add(index * self.max_frames) };
        // The input first, by copy: hosts give one memory for input and output.
        const INPUT: usize = (1 + STEMS) * CHANNELS;
        // SAFETY: the host's promise, passed on by the caller.
        let given = unsafe { input_bus(data) };
        let mut comes_in = given.is_some();
        for channel in 0..CHANNELS {
            let from = given.and_then(|bus| {
                let last = usize::try_from(bus.numChannels).unwrap_or(0).saturating_sub(1);
                // SAFETY: the host's promise, passed on by the caller.
                unsafe { channel_of(&bus, channel.min(last)) }
            });
            match from {
                // SAFETY: `frames` are readable there, and writable in our own stretch.
                Some(from) => unsafe { std::ptr::copy(from, spare(INPUT + channel), frames) },
                None => comes_in = false,
            }
        }
        let mut main = [std::ptr::null_mut::<f32>(); CHANNELS];
        for channel in 0..CHANNELS {
            // SAFETY: the host's promise, passed on by the caller.
            let given = unsafe { bus(data, 0).and_then(|bus| channel_of(&bus, channel)) }
                .filter(|&given| main[..channel].iter().all(|&other| apart(given, other, frames)));
            main[channel] = given.unwrap_or_else(|| spare(channel));
        }
        // SAFETY: the host's promise, passed on by the caller.
        unsafe { silence_rest(data, frames, &main) };
        // SAFETY: every pointer is the host's or our stretch, good for `frames`, aligned, and apart
        // from all others: checked among the host's, and ours overlap nothing.
        let slice = |pointer| unsafe { std::slice::from_raw_parts_mut(pointer, frames) };
        Some(Channels {
            main: main.map(slice),
            stems: std::array::from_fn(|stem| {
                std::array::from_fn(|side| slice(spare((1 + stem) * CHANNELS + side)))
            }),
            input: std::array::from_fn(|side| match comes_in {
                true => &*slice(spare(INPUT + side)),
                false => &[],
            }),
        })
    }
}

/// Zeroes every output channel that the host gave.
///
/// # Safety
/// As for [`Buffers::bind`].
pub unsafe fn silence(data: &ProcessData) {
    // SAFETY: as promised by the caller.
    unsafe { silence_rest(data, usize::try_from(data.numSamples).unwrap_or(0), &[]) };
}

/// Zeroes every output channel that is not among `kept`.
///
/// # Safety
/// As for [`Buffers::bind`].
unsafe fn silence_rest(data: &ProcessData, frames: usize, kept: &[*mut f32]) {
    for index in 0.. {
        // SAFETY: the host's promise, passed on by the caller.
        let Some(bus) = (unsafe { bus(data, index) }) else { return };
        // SAFETY: the bus is there.
        unsafe { (&raw mut (*data.outputs.add(index)).silenceFlags).write(0) };
        for channel in 0..usize::try_from(bus.numChannels).unwrap_or(0) {
            // SAFETY: the host's promise, passed on by the caller.
            if let Some(given) = unsafe { channel_of(&bus, channel) }
                && kept.iter().all(|&kept| apart(given, kept, frames))
            {
                // SAFETY: writable for `frames`.
                unsafe { given.write_bytes(0, frames) };
            }
        }
    }
}

unsafe fn bus(data: &ProcessData, index: usize) -> Option<AudioBusBuffers> {
    let count = usize::try_from(data.numOutputs).unwrap_or(0);
    if data.outputs.is_null() || index >= count {
        return None;
    }
    // SAFETY: the host has as many buses as it says.
    Some(unsafe { data.outputs.add(index).read() })
}

/// The first bus that comes in.
unsafe fn input_bus(data: &ProcessData) -> Option<AudioBusBuffers> {
    if data.inputs.is_null() || data.numInputs < 1 {
        return None;
    }
    // SAFETY: the host has as many buses as it says.
    Some(unsafe { data.inputs.read() })
}

unsafe fn channel_of(bus: &AudioBusBuffers, channel: usize) -> Option<*mut f32> {
    // SAFETY: samples of 32 bits, as the caller promises.
    let channels = unsafe { bus.__field0.channelBuffers32 };
    if channels.is_null() || channel >= usize::try_from(bus.numChannels).unwrap_or(0) {
        return None;
    }
    // SAFETY: `numChannels` pointers are there, as the caller promises.
    let given = unsafe { channels.add(channel).read() };
    (!given.is_null() && given.is_aligned()).then_some(given)
}

/// Do two stretches of `frames` samples share no byte?
fn apart(a: *mut f32, b: *mut f32, frames: usize) -> bool {
    a.addr().abs_diff(b.addr()) >= frames * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use super::super::com::Steinberg::Vst::AudioBusBuffers__type0;
    use super::*;

    const FRAMES: usize = 8;

    /// A block of a host that gives these channels per output bus, which all get numbers of their own.
    fn bound(outputs: &mut [Vec<*mut f32>]) {
        let mut buses: Vec<_> = outputs
            .iter_mut()
            .map(|channels| AudioBusBuffers {
                numChannels: channels.len() as i32,
                silenceFlags: 3,
                __field0: AudioBusBuffers__type0 {
                    channelBuffers32: if channels.is_empty() {
                        std::ptr::null_mut()
                    } else {
                        channels.as_mut_ptr()
                    },
                },
            })
            .collect();
        // SAFETY: all fields are numbers and pointers, for which zero is a value.
        let zero: ProcessData = unsafe { std::mem::zeroed() };
        let data = ProcessData {
            numSamples: FRAMES as i32,
            numOutputs: buses.len() as i32,
            outputs: buses.as_mut_ptr(),
            ..zero
        };
        let mut buffers = Buffers::new(FRAMES);
        // SAFETY: the tests' channels are null or hold `FRAMES` samples.
        unsafe {
            assert!(buffers.bind(&data, FRAMES + 1).is_none());
            let mut channels = buffers.bind(&data, FRAMES).expect("not too many frames");
            let stems = channels.stems.iter_mut().flatten();
            let mut all: Vec<_> = channels.main.iter_mut().chain(stems).collect();
            assert_eq!(all.len(), 18);
            for (number, channel) in all.iter_mut().enumerate() {
                assert_eq!(channel.len(), FRAMES);
                channel.fill(number as f32 + 1.0);
            }
            for (number, channel) in all.iter().enumerate() {
                assert!(channel.iter().all(|&sample| sample == number as f32 + 1.0), "channel {number}");
            }
        }
        assert!(buses.iter().all(|bus| bus.silenceFlags == 0));
    }

    #[test]
    fn buses_that_are_missing_or_without_memory_are_served_from_scratch() {
        bound(&mut []);
        bound(&mut [vec![]]);
        let mut left = [9.0_f32; FRAMES];
        bound(&mut [vec![left.as_mut_ptr(), std::ptr::null_mut()]]);
        assert_eq!(left, [1.0; FRAMES], "the channel that is there is the first");
    }

    #[test]
    fn one_memory_for_both_channels_is_used_once() {
        let mut both = [9.0_f32; FRAMES];
        bound(&mut [vec![both.as_mut_ptr(); 2]]);
        assert_eq!(both, [1.0; FRAMES]);
    }

    #[test]
    fn channels_and_buses_beyond_ours_are_silenced() {
        let mut channels = [[9.0_f32; FRAMES]; 5];
        let [a, b, c, d, e] = channels.each_mut().map(|channel| channel.as_mut_ptr());
        bound(&mut [vec![a, b, c], vec![d, e]]);
        let expected = [[1.0; FRAMES], [2.0; FRAMES], [0.0; FRAMES], [0.0; FRAMES], [0.0; FRAMES]];
        assert_eq!(channels, expected);
    }
}

//! Where the channels of a block lie. What the host left out, gave twice or made overlap is replaced
//! by scratch memory, prepared when the plugin is activated.

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::process::clap_process;

use crate::ports::{CHANNELS, INPUTS, OUTPUTS, STEMS};

const OUT: usize = OUTPUTS * CHANNELS;
const IN: usize = INPUTS * CHANNELS;

/// Scratch memory for every channel.
pub struct Buffers {
    max_frames: usize,
    scratch: Vec<f32>,
}

/// The channels of one block: distinct memory of exactly the block's frames each.
pub struct Channels<'a> {
    /// Main output.
    pub main: [&'a mut [f32]; 2],
    /// Stem outputs.
    pub stems: [[&'a mut [f32]; 2]; STEMS],
    /// Sidechain, a copy, or empty slices if the host gives none.
    pub sidechain: [&'a [f32]; 2],
}

impl Buffers {
    /// Room for blocks of up to `max_frames`.
    pub fn new(max_frames: usize) -> Self {
        Self { max_frames, scratch: vec![0.0; (OUT + IN) * max_frames] }
    }

    /// The channels of a block. `None` if it has more frames than was agreed; nothing can be
    /// rendered then. Channels beyond ours are silenced. Does not allocate.
    ///
    /// # Safety
    /// `process` is the host's, valid for this call; non-null channel pointers are readable or
    /// writable for its frames, and nobody else uses them until the call of `process` ends.
    pub unsafe fn bind<'a>(&'a mut self, process: &'a clap_process) -> Option<Channels<'a>> {
        let frames = process.frames_count as usize;
        if frames > self.max_frames {
            return None;
        }
        let scratch = self.scratch.as_mut_ptr();
        // SAFETY: `scratch` holds `OUT + IN` stretches of `max_frames`.
        let spare = |index: usize| unsafe { scratch.add(index * self.max_frames) };

        // The input first, by copy: a host may give one memory for input and output.
        let mut heard = true;
        for channel in 0..IN {
            // SAFETY: the host's promise, passed on by the caller.
            match unsafe { input(process, channel) } {
                // SAFETY: `frames` are readable there, and writable in our own stretch.
                Some(from) => unsafe { std::ptr::copy(from, spare(OUT + channel), frames) },
                None => heard = false,
            }
        }

        let mut taken = [std::ptr::null_mut::<f32>(); OUT];
        for channel in 0..OUT {
            // SAFETY: the host's promise, passed on by the caller.
            let given = unsafe { output(process, channel) }
                .filter(|&given| taken[..channel].iter().all(|&other| apart(given, other, frames)));
            taken[channel] = given.unwrap_or_else(|| spare(channel));
        }
        // SAFETY: the host's promise, passed on by the caller.
        unsafe { silence_rest(process, &taken) };

        // SAFETY: every pointer is the host's or our stretch, good for `frames`, aligned, and apart
        // from all others: checked among the host's, and ours overlap nothing.
        let out = |channel: usize| unsafe { std::slice::from_raw_parts_mut(taken[channel], frames) };
        let sidechain = |channel: usize| -> &[f32] {
            // SAFETY: our own stretch, which no output uses.
            if heard { unsafe { std::slice::from_raw_parts(spare(OUT + channel), frames) } } else { &[] }
        };
        Some(Channels {
            main: [out(0), out(1)],
            stems: std::array::from_fn(|stem| [out(2 + 2 * stem), out(3 + 2 * stem)]),
            sidechain: [sidechain(0), sidechain(1)],
        })
    }
}

/// Zeroes every output channel that the host gave.
///
/// # Safety
/// As for [`Buffers::bind`].
pub unsafe fn silence(process: &clap_process) {
    // SAFETY: as promised by the caller.
    unsafe { silence_rest(process, &[]) };
}

/// Zeroes every output channel that is not among `kept`.
///
/// # Safety
/// As for [`Buffers::bind`].
unsafe fn silence_rest(process: &clap_process, kept: &[*mut f32]) {
    if process.audio_outputs.is_null() {
        return;
    }
    let frames = process.frames_count as usize;
    for port in 0..process.audio_outputs_count as usize {
        // SAFETY: the host has as many ports as it says. A raw write, since ports may share memory.
        let buffer = unsafe {
            let buffer = process.audio_outputs.add(port);
            (&raw mut (*buffer).constant_mask).write(0);
            buffer.read()
        };
        for channel in 0..buffer.channel_count as usize {
            // SAFETY: the host's promise, passed on by the caller.
            if let Some(given) = unsafe { channel_of(&buffer, channel) }
                && kept.iter().all(|&kept| apart(given, kept, frames))
            {
                // SAFETY: writable for `frames`.
                unsafe { given.write_bytes(0, frames) };
            }
        }
    }
}

/// The host's memory of output channel `channel`, counted over our ports.
unsafe fn output(process: &clap_process, channel: usize) -> Option<*mut f32> {
    let (ports, count) = (process.audio_outputs, process.audio_outputs_count);
    // SAFETY: the host has as many ports as it says.
    unsafe {
        port_of(ports, count, channel / CHANNELS).and_then(|port| channel_of(&port, channel % CHANNELS))
    }
}

/// The host's memory of input channel `channel`; mono is spread.
unsafe fn input(process: &clap_process, channel: usize) -> Option<*const f32> {
    let (ports, count) = (process.audio_inputs, process.audio_inputs_count);
    // SAFETY: the host has as many ports as it says.
    let port = unsafe { port_of(ports, count, channel / CHANNELS) }?;
    let channel = (channel % CHANNELS).min((port.channel_count as usize).saturating_sub(1));
    // SAFETY: as above.
    unsafe { channel_of(&port, channel) }.map(|channel| channel.cast_const())
}

unsafe fn port_of(ports: *const clap_audio_buffer, count: u32, port: usize) -> Option<clap_audio_buffer> {
    if ports.is_null() || port >= count as usize {
        return None;
    }
    // SAFETY: `count` ports are there, as the caller promises.
    Some(unsafe { ports.add(port).read() })
}

unsafe fn channel_of(port: &clap_audio_buffer, channel: usize) -> Option<*mut f32> {
    if port.data32.is_null() || channel >= port.channel_count as usize {
        return None;
    }
    // SAFETY: `channel_count` pointers are there, as the caller promises.
    let given = unsafe { port.data32.add(channel).read() };
    (!given.is_null() && given.is_aligned()).then_some(given)
}

/// Do two stretches of `frames` samples share no byte?
fn apart(a: *mut f32, b: *mut f32, frames: usize) -> bool {
    a.addr().abs_diff(b.addr()) >= frames * size_of::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAMES: usize = 8;

    /// A block of a host that gives these channels per output port.
    fn bound(outputs: &mut [Vec<*mut f32>], inputs: &mut [Vec<*mut f32>], check: impl FnOnce(Channels<'_>)) {
        let port = |channels: &mut Vec<*mut f32>| clap_audio_buffer {
            data32: if channels.is_empty() { std::ptr::null_mut() } else { channels.as_mut_ptr() },
            data64: std::ptr::null_mut(),
            channel_count: channels.len() as u32,
            latency: 0,
            constant_mask: 3,
        };
        let ins: Vec<_> = inputs.iter_mut().map(port).collect();
        let mut outs: Vec<_> = outputs.iter_mut().map(port).collect();
        let process = clap_process {
            steady_time: -1,
            frames_count: FRAMES as u32,
            transport: std::ptr::null(),
            audio_inputs: ins.as_ptr(),
            audio_outputs: outs.as_mut_ptr(),
            audio_inputs_count: ins.len() as u32,
            audio_outputs_count: outs.len() as u32,
            in_events: std::ptr::null(),
            out_events: std::ptr::null(),
        };
        let mut buffers = Buffers::new(FRAMES);
        // SAFETY: the tests' channels are null or hold `FRAMES` samples.
        check(unsafe { buffers.bind(&process) }.expect("not too many frames"));
        assert!(outs.iter().all(|port| port.constant_mask == 0));
    }

    /// Every channel gets a number of its own, then each still has it.
    fn fill_apart(channels: &mut Channels<'_>) {
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

    #[test]
    fn a_host_that_gives_no_ports_at_all_is_served_from_scratch() {
        bound(&mut [], &mut [], |mut channels| {
            fill_apart(&mut channels);
            assert_eq!(channels.sidechain, [&[] as &[f32]; 2]);
        });
    }

    #[test]
    fn ports_without_memory_or_with_a_missing_channel_are_served_from_scratch() {
        let mut left = [9.0f32; FRAMES];
        let null = std::ptr::null_mut();
        bound(&mut [vec![left.as_mut_ptr(), null], vec![], vec![null]], &mut [vec![]], |mut channels| {
            fill_apart(&mut channels);
        });
        assert_eq!(left, [1.0; FRAMES], "the channel that is there is the first");
    }

    #[test]
    fn one_memory_for_several_ports_is_used_once() {
        let mut dummy = [9.0f32; FRAMES];
        let all = vec![vec![dummy.as_mut_ptr(); 2]; OUTPUTS];
        bound(&mut all.clone(), &mut [], |mut channels| fill_apart(&mut channels));
        assert_eq!(dummy, [1.0; FRAMES], "main left has it");
    }

    #[test]
    fn a_sidechain_in_the_memory_of_an_output_is_heard_unharmed() {
        let (mut a, mut b) = ([0.25f32; FRAMES], [0.5f32; FRAMES]);
        let ports = vec![a.as_mut_ptr(), b.as_mut_ptr()];
        bound(&mut [ports.clone()], &mut [ports], |mut channels| {
            fill_apart(&mut channels);
            assert_eq!(channels.sidechain, [&[0.25; FRAMES][..], &[0.5; FRAMES][..]]);
        });
    }

    #[test]
    fn a_mono_sidechain_is_spread() {
        let mut mono = [0.25f32; FRAMES];
        bound(&mut [], &mut [vec![mono.as_mut_ptr()]], |channels| {
            assert_eq!(channels.sidechain, [&[0.25; FRAMES][..]; 2]);
        });
    }

    #[test]
    fn channels_beyond_ours_are_silenced() {
        let mut channels = [[9.0f32; FRAMES]; 3];
        let ports = channels.iter_mut().map(|channel| channel.as_mut_ptr()).collect();
        bound(&mut [ports], &mut [], |mut channels| fill_apart(&mut channels));
        assert_eq!(channels, [[1.0; FRAMES], [2.0; FRAMES], [0.0; FRAMES]]);
    }
}

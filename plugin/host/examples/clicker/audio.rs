//! The audio side: where the clicks fall.

use clack_extensions::params::PluginAudioProcessorParams;
use clack_plugin::events::event_types::{
    MidiEvent, NoteOffEvent, NoteOnEvent, TransportEvent, TransportFlags,
};
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::prelude::*;

use crate::main_thread::MainThread;
use crate::{LEVEL, MISBEHAVE, Shared};

/// A click this little (in frames) before a frame is on it: CLAP's fixed point is no finer.
const TOLERANCE: f64 = 1e-4;

pub(crate) struct Audio<'a> {
    shared: &'a Shared<'a>,
    rate: f64,
}

impl<'a> PluginAudioProcessor<'a, Shared<'a>, MainThread<'a>> for Audio<'a> {
    fn activate(
        _host: HostAudioProcessorHandle<'a>,
        _main_thread: &MainThread<'a>,
        shared: &'a Shared<'a>,
        configuration: PluginAudioConfiguration,
    ) -> Result<Self, PluginError> {
        Ok(Self { shared, rate: configuration.sample_rate })
    }

    fn process(
        &mut self,
        process: Process,
        mut audio: clack_plugin::process::Audio,
        events: Events,
    ) -> Result<ProcessStatus, PluginError> {
        self.misbehave()?;
        for port in 0..2 {
            if let Some(mut port) = audio.output_port(port)
                && let Ok(SampleType::F32(mut channels)) = port.channels()
            {
                for channel in channels.iter_mut() {
                    channel.fill(0.0);
                }
            }
        }
        pass_sidechain(&mut audio);
        let frames = audio.frames_count();
        let mut transport = process.transport;
        let mut from = 0;
        for event in events.input {
            let time = event.header().time();
            match event.as_core_event() {
                Some(CoreEventSpace::Transport(next)) => {
                    self.click(&mut audio, transport, from, time);
                    transport = Some(next);
                    from = time;
                }
                Some(CoreEventSpace::ParamValue(param)) => {
                    // A change of level counts from here on only: what lies before is played first.
                    if let Some(told) = transport.filter(|_| param.param_id() == Some(LEVEL)) {
                        self.click(&mut audio, Some(told), from, time);
                        transport = Some(told);
                    }
                    self.set(param.param_id(), param.value());
                }
                Some(CoreEventSpace::NoteOn(note)) => {
                    let _ = events.output.try_push(NoteOnEvent::new(time, note.pckn(), note.velocity()));
                }
                Some(CoreEventSpace::NoteOff(note)) => {
                    let _ = events.output.try_push(NoteOffEvent::new(time, note.pckn(), note.velocity()));
                }
                Some(CoreEventSpace::Midi(midi)) => {
                    let _ = events.output.try_push(MidiEvent::new(time, 0, midi.data()));
                }
                _ => {}
            }
        }
        self.click(&mut audio, transport, from, frames);
        Ok(ProcessStatus::Continue)
    }
}

impl Audio<'_> {
    fn set(&self, id: Option<ClapId>, value: f64) {
        if id == Some(LEVEL) {
            self.shared.values.level.set(value);
            self.shared.host.request_callback();
        } else if id == Some(MISBEHAVE) {
            self.shared.values.misbehave.set(value);
        }
    }

    fn misbehave(&self) -> Result<(), PluginError> {
        match self.shared.values.misbehave.get() as i32 {
            1 => drop(std::hint::black_box(Box::new([0_u64; 16]))),
            // SAFETY: getpid has no arguments and cannot fail.
            #[cfg(unix)]
            2 => drop(std::hint::black_box(unsafe { libc::syscall(libc::SYS_getpid) })),
            3 => return Err(PluginError::Message("asked to fail")),
            _ => {}
        }
        Ok(())
    }

    /// Clicks on the whole quarter notes in the frames `from..to`, where `told` holds since the
    /// block's start or since its own event; edits of the level act on the way.
    fn click(
        &self,
        audio: &mut clack_plugin::process::Audio,
        told: Option<&TransportEvent>,
        from: u32,
        to: u32,
    ) {
        let Some(told) = told else { return };
        let needed =
            TransportFlags::IS_PLAYING | TransportFlags::HAS_TEMPO | TransportFlags::HAS_BEATS_TIMELINE;
        if !told.flags.contains(needed) {
            return;
        }
        let start = told.song_pos_beats.to_float();
        let anchor = told.header.time();
        let beats = |frame: f64| {
            let k = frame - f64::from(anchor);
            start + (told.tempo * k + told.tempo_inc * k * k / 2.0) / (60.0 * self.rate)
        };
        let hair = TOLERANCE * told.tempo / (60.0 * self.rate);
        let mut edits = self.shared.values.edits.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        for frame in from..to {
            let now = beats(f64::from(frame)) + hair;
            while let Some(due) = edits.iter().position(|edit| edit.beats <= now) {
                self.shared.values.level.set(edits.remove(due).level);
            }
            let before = beats(f64::from(frame) - 1.0) + hair;
            // The first frame of a stretch also takes what lies exactly on it.
            if now.floor() > before.floor() {
                write(audio, frame, self.shared.values.level.get() as f32);
            }
        }
    }
}

fn write(audio: &mut clack_plugin::process::Audio, frame: u32, sample: f32) {
    if let Some(mut port) = audio.output_port(0)
        && let Ok(SampleType::F32(mut channels)) = port.channels()
    {
        for channel in channels.iter_mut() {
            channel[frame as usize] = sample;
        }
    }
}

fn pass_sidechain(audio: &mut clack_plugin::process::Audio) {
    let (inputs, outputs) = audio.raw_buffers();
    let (Some(input), Some(output)) = (inputs.first(), outputs.get(1)) else {
        return;
    };
    if input.data32.is_null() || output.data32.is_null() {
        return;
    }
    let (input, output, frames) = (*input, *output, audio.frames_count() as usize);
    for channel in 0..input.channel_count.min(output.channel_count) as usize {
        // SAFETY: the host hands over that many channels of `frames` samples each where the array
        // and the pointers in it are not null; inputs and outputs of this host do not overlap.
        unsafe {
            let (from, to) = (*input.data32.add(channel), *output.data32.add(channel));
            if !from.is_null() && !to.is_null() {
                std::ptr::copy_nonoverlapping(from, to, frames);
            }
        }
    }
}

impl PluginAudioProcessorParams for Audio<'_> {
    fn flush(&mut self, input: &InputEvents, _output: &mut OutputEvents) {
        for event in input {
            if let Some(CoreEventSpace::ParamValue(param)) = event.as_core_event() {
                self.set(param.param_id(), param.value());
            }
        }
    }
}

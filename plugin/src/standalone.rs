//! krach without a DAW: nice-plug's standalone gives it a window, a sound card and MIDI ports, and a
//! transport that always plays (JACK's own where there is a JACK server).
//!
//! Here nice-plug's audio path is the one that is entered: it has one transport per block with the position
//! in samples, no automation within blocks, and no state to keep.

use std::sync::Arc;

use krach_core::clock::{HostTransport, TransportAt};
use krach_core::node::Registry;
use krach_core::processor::{HostEventKind, HostParam};
use nice_plug::midi::MidiResult;
use nice_plug::prelude::{
    ActivateContext, AsyncExecutor, AudioIOLayout, AuxiliaryBuffers, Buffer, BufferConfig, MidiConfig,
    NoteEvent, Params, Plugin, ProcessContext, ProcessStatus, Transport,
};

use crate::editor::{KrachEditor, has_display};
use crate::end;
use crate::instance::{HostHooks, Instance, InstanceConfig};
use crate::params::KrachParams;
use crate::ports::{CHANNELS, MAIN_ONLY, STEMS};
use crate::render::{Renderer, Surroundings};
use crate::shell::{NAME, VENDOR, text};

/// The plugin that plays by itself.
#[derive(Default)]
pub struct Standalone {
    params: Arc<KrachParams>,
    /// From the first `activate` on.
    instance: Option<Instance>,
    /// While active.
    side: Option<Side>,
}

/// What a block needs.
struct Side {
    renderer: Renderer,
    /// The stems, which no port takes.
    scratch: Vec<f32>,
    max_frames: usize,
}

impl Plugin for Standalone {
    const NAME: &'static str = text(NAME);
    const VENDOR: &'static str = text(VENDOR);
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = MAIN_ONLY;
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;
    const SAMPLE_ACCURATE_AUTOMATION: bool = false;

    type Editor = KrachEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    /// It shows the instance that the first `activate` starts, which comes before the window opens.
    fn editor(&mut self, _tasks: AsyncExecutor<Self>) -> Option<KrachEditor> {
        // Without a window nice-plug runs until a block fails.
        if has_display() { KrachEditor::new(self.params.clone()) } else { None }
    }

    fn activate(
        &mut self,
        _layout: &AudioIOLayout,
        config: &BufferConfig,
        _context: &mut impl ActivateContext<Self>,
    ) -> bool {
        let instance = self.instance.get_or_insert_with(|| {
            let instance = Instance::start(InstanceConfig {
                format: "standalone",
                host: None,
                registry: Registry::with_builtins(),
                hooks: HostHooks::default(),
            });
            self.params.view.set(Some(instance.view().clone()));
            instance
        });
        let (rate, max_frames) = (f64::from(config.sample_rate), config.max_buffer_size as usize);
        let processor = instance.activate(rate, max_frames);
        self.side = Some(Side {
            renderer: Renderer::new(processor, self.params.master_gain()),
            scratch: vec![0.0; STEMS * CHANNELS * max_frames],
            max_frames,
        });
        true
    }

    fn deactivate(&mut self) {
        self.side = None;
        if let Some(instance) = &self.instance {
            instance.deactivate();
        }
    }

    fn reset(&mut self) {
        if let Some(side) = &mut self.side {
            side.renderer.reset(self.params.master_gain());
        }
    }

    fn process(
        &mut self,
        buffer: &mut Buffer,
        _aux: &mut AuxiliaryBuffers,
        context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        // The one way to end a nice-plug that has no window.
        if end::asked() {
            return ProcessStatus::Error("asked to end");
        }
        let Some(side) = &mut self.side else { return ProcessStatus::Error("not active") };
        let frames = buffer.samples();
        let [left, right] = buffer.as_slice() else { return ProcessStatus::Error("not stereo") };
        if frames > side.max_frames {
            return ProcessStatus::Error("more frames than agreed");
        }
        side.renderer.begin(self.params.master_gain());
        if self.params.take_panic() {
            side.renderer.change(0, HostParam::Panic, 1.0);
        }
        while let Some(event) = context.next_event() {
            if let Some(MidiResult::Basic(bytes)) = event.as_midi() {
                side.renderer.hear(event.timing(), HostEventKind::Midi(bytes));
            }
        }
        let transport = [TransportAt { offset: 0, transport: read(context.transport()) }];
        let around = Surroundings {
            transport: &transport,
            offline: false,
            free_run: self.params.free_run.value(),
            sidechain: [&[]; 2],
        };
        let mut spare = side.scratch.chunks_exact_mut(side.max_frames);
        let mut stretch = || spare.next().map_or(&mut [][..], |stretch| &mut stretch[..frames]);
        let stems = std::array::from_fn(|_| std::array::from_fn(|_| stretch()));
        side.renderer.render(&around, [left, right], stems);
        for message in side.renderer.midi_out() {
            if let Ok(event) = NoteEvent::from_midi(message.offset, &message.bytes) {
                // What the port has no room for is lost.
                let _ = context.try_send_event(event);
            }
        }
        ProcessStatus::KeepAlive
    }
}

/// What nice-plug says of time.
fn read(transport: &Transport) -> HostTransport {
    let signature = transport.time_sig_numerator.zip(transport.time_sig_denominator);
    let signature = signature.and_then(|(n, d)| u32::try_from(n).ok().zip(u32::try_from(d).ok()));
    HostTransport {
        playing: transport.playing,
        tempo: transport.tempo.filter(|tempo| tempo.is_finite() && *tempo > 0.0),
        beats: transport.pos_beats(),
        samples: transport.pos_samples(),
        time_signature: signature.filter(|&(n, d)| n > 0 && d > 0),
        ..HostTransport::default()
    }
}

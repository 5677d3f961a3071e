//! What plugin this is: names, ids, and what nice-plug has to know.
//!
//! In CLAP nice-plug keeps the parameters and their texts (and later the editor); ports,
//! time, events, audio and state pass it by, see [`crate::clap`]. Its own audio path is therefore
//! never entered.

use std::ffi::CStr;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use nice_plug::prelude::{
    AudioIOLayout, AuxiliaryBuffers, Buffer, ClapFeature, ClapPlugin, MidiConfig, Params, Plugin,
    ProcessContext, ProcessStatus, TaskExecutor,
};

use crate::params::KrachParams;
use crate::ports;

/// CLAP id of the instrument; fixed for ever.
pub const CLAP_ID: &CStr = c"io.krach.krach";
/// CLAP id kept for the effect variant; fixed for ever.
pub const CLAP_ID_FX: &CStr = c"io.krach.krach-fx";
/// VST3 class id kept for the instrument; fixed for ever.
pub const VST3_CLASS_ID: [u8; 16] = *b"KrachInstrument0";
/// VST3 class id kept for the effect variant; fixed for ever.
pub const VST3_CLASS_ID_FX: [u8; 16] = *b"KrachAudioEffect";

/// Name in the host's list.
pub const NAME: &CStr = c"krach";
/// Maker in the host's list.
pub const VENDOR: &CStr = c"krach";
/// One line for the host's list.
pub const DESCRIPTION: &CStr = c"Live-coded patterns and sound, in time with the host";

/// nice-plug's view of the plugin.
#[derive(Default)]
pub struct Shell {
    params: Arc<KrachParams>,
}

/// The one task that nice-plug ever runs for us: it hands out the parameters that it keeps. The
/// shim runs it directly; nothing is ever posted to nice-plug's background worker.
pub struct HandOutParams(pub SyncSender<Arc<KrachParams>>);

impl Plugin for Shell {
    const NAME: &'static str = text(NAME);
    const VENDOR: &'static str = text(VENDOR);
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = ports::LAYOUTS;
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;
    const SAMPLE_ACCURATE_AUTOMATION: bool = false;

    type Editor = ();
    type SysExMessage = ();
    type BackgroundTask = HandOutParams;

    fn task_executor(&mut self) -> TaskExecutor<Self> {
        let params = self.params.clone();
        Box::new(move |HandOutParams(to)| {
            // Refused only if nobody waits for it any more.
            let _ = to.try_send(params.clone());
        })
    }

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    /// Not entered in CLAP, the only format exported: [`crate::clap`] has its own. Silence, should a
    /// format be exported without one.
    fn process(
        &mut self,
        buffer: &mut Buffer,
        aux: &mut AuxiliaryBuffers,
        _context: &mut impl ProcessContext<Self>,
    ) -> ProcessStatus {
        let silence =
            |output: &mut Buffer| output.as_slice().iter_mut().for_each(|channel| channel.fill(0.0));
        silence(buffer);
        aux.outputs.iter_mut().for_each(silence);
        ProcessStatus::KeepAlive
    }
}

impl ClapPlugin for Shell {
    const CLAP_ID: &'static str = text(CLAP_ID);
    const CLAP_DESCRIPTION: Option<&'static str> = Some(text(DESCRIPTION));
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::Instrument, ClapFeature::Synthesizer, ClapFeature::Stereo];
}

const fn text(c: &'static CStr) -> &'static str {
    match c.to_str() {
        Ok(text) => text,
        Err(_) => panic!("plugin texts are UTF-8"),
    }
}

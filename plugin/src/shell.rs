//! What plugin this is: names, ids, and what nice-plug has to know.
//!
//! nice-plug keeps the parameters and their texts; ports, time, events, audio, state and window pass it
//! by, see [`crate::clap`] and [`crate::vst3`]. Its own audio path is therefore never
//! entered.

use std::cell::RefCell;
use std::ffi::CStr;
use std::marker::PhantomData;
use std::sync::Arc;

use nice_plug::prelude::{
    AsyncExecutor, AudioIOLayout, AuxiliaryBuffers, Buffer, ClapFeature, ClapPlugin, MidiConfig, Params,
    Plugin, ProcessContext, ProcessStatus, Vst3Plugin, Vst3SubCategory,
};

use crate::editor::KrachEditor;
use crate::params::KrachParams;
use crate::ports;

/// CLAP id of the instrument; fixed for ever.
pub const CLAP_ID: &CStr = c"io.krach.krach";
/// CLAP id of the effect; fixed for ever.
pub const CLAP_ID_FX: &CStr = c"io.krach.krach-fx";
/// VST3 class id of the instrument; fixed for ever.
pub const VST3_CLASS_ID: [u8; 16] = *b"KrachInstrument0";
/// VST3 class id of the effect; fixed for ever.
pub const VST3_CLASS_ID_FX: [u8; 16] = *b"KrachAudioEffect";

/// Name in the host's list.
pub const NAME: &CStr = c"krach";
/// Name of the effect in the host's list.
pub const NAME_FX: &CStr = c"krach FX";
/// Maker in the host's list.
pub const VENDOR: &CStr = c"krach";
/// One line for the host's list.
pub const DESCRIPTION: &CStr = c"Live-coded patterns and sound, in time with the host";

/// A plugin format, as far as it differs to nice-plug.
pub trait Format: Send + 'static {
    /// Name in the host's list.
    const NAME: &'static CStr = NAME;
    /// Layouts of the audio ports.
    const LAYOUTS: &'static [AudioIOLayout];
    /// What comes in beside audio.
    const MIDI_INPUT: MidiConfig;
}

/// CLAP: all ports, controllers in.
pub struct Clap;

impl Format for Clap {
    const LAYOUTS: &'static [AudioIOLayout] = ports::LAYOUTS;
    const MIDI_INPUT: MidiConfig = MidiConfig::MidiCCs;
}

/// VST3: the main output alone, since hosts leave other buses inactive in ways that nice-plug does not
/// survive; notes in but no controllers, which would be 2080 hidden parameters.
pub struct Vst3;

impl Format for Vst3 {
    const LAYOUTS: &'static [AudioIOLayout] = ports::MAIN_ONLY;
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
}

/// The effect in VST3, as far as nice-plug describes it to hosts; its component is that of [`Vst3`].
pub struct Vst3Fx;

impl Format for Vst3Fx {
    const NAME: &'static CStr = NAME_FX;
    const LAYOUTS: &'static [AudioIOLayout] = ports::MAIN_ONLY;
    const MIDI_INPUT: MidiConfig = MidiConfig::Basic;
}

/// nice-plug's view of the plugin.
pub struct Shell<F = Clap> {
    params: Arc<KrachParams>,
    format: PhantomData<F>,
}

thread_local! {
    /// Parameters laid ready for the shell that is made next on this thread: nice-plug makes it by
    /// `Default`, and hands nothing in.
    static LAID_READY: RefCell<Option<Arc<KrachParams>>> = const { RefCell::new(None) };
}

impl<F> Shell<F> {
    /// Runs what has nice-plug make one shell, on this thread; that shell has these parameters.
    pub fn made_with<T>(params: &Arc<KrachParams>, make: impl FnOnce() -> T) -> T {
        LAID_READY.set(Some(params.clone()));
        let made = make();
        LAID_READY.take();
        made
    }
}

impl<F> Default for Shell<F> {
    fn default() -> Self {
        Self { params: LAID_READY.take().unwrap_or_default(), format: PhantomData }
    }
}

impl<F: Format> Plugin for Shell<F> {
    const NAME: &'static str = text(F::NAME);
    const VENDOR: &'static str = text(VENDOR);
    const URL: &'static str = "";
    const EMAIL: &'static str = "";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const AUDIO_IO_LAYOUTS: &'static [AudioIOLayout] = F::LAYOUTS;
    const MIDI_INPUT: MidiConfig = F::MIDI_INPUT;
    const MIDI_OUTPUT: MidiConfig = MidiConfig::MidiCCs;
    const SAMPLE_ACCURATE_AUTOMATION: bool = false;

    type Editor = KrachEditor;
    type SysExMessage = ();
    type BackgroundTask = ();

    fn params(&self) -> Arc<dyn Params> {
        self.params.clone()
    }

    /// The formats open the window themselves.
    fn editor(&mut self, _tasks: AsyncExecutor<Self>) -> Option<KrachEditor> {
        None
    }

    /// Never entered: [`crate::clap`] and [`crate::vst3`] have their own. Silence, should a format be
    /// exported without one.
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

impl ClapPlugin for Shell<Clap> {
    const CLAP_ID: &'static str = text(CLAP_ID);
    const CLAP_DESCRIPTION: Option<&'static str> = Some(text(DESCRIPTION));
    const CLAP_MANUAL_URL: Option<&'static str> = None;
    const CLAP_SUPPORT_URL: Option<&'static str> = None;
    const CLAP_FEATURES: &'static [ClapFeature] =
        &[ClapFeature::Instrument, ClapFeature::Synthesizer, ClapFeature::Stereo];
}

impl Vst3Plugin for Shell<Vst3> {
    const VST3_CLASS_ID: [u8; 16] = VST3_CLASS_ID;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Synth, Vst3SubCategory::Stereo];
}

impl Vst3Plugin for Shell<Vst3Fx> {
    const VST3_CLASS_ID: [u8; 16] = VST3_CLASS_ID_FX;
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[Vst3SubCategory::Fx, Vst3SubCategory::Stereo];
}

/// A constant of this module as nice-plug wants it.
pub const fn text(c: &'static CStr) -> &'static str {
    match c.to_str() {
        Ok(text) => text,
        Err(_) => panic!("plugin texts are UTF-8"),
    }
}

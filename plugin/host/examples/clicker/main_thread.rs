//! The main-thread side: ports, parameters, state, a timer.

use std::cell::Cell;
use std::ffi::CStr;
use std::fmt::Write as _;
use std::io::{Read, Write as _};

use clack_extensions::audio_ports::{
    AudioPortFlags, AudioPortInfo, AudioPortInfoWriter, AudioPortType, PluginAudioPortsImpl,
};
use clack_extensions::log::{HostLog, LogSeverity};
use clack_extensions::note_ports::{
    NoteDialect, NoteDialects, NotePortInfo, NotePortInfoWriter, PluginNotePortsImpl,
};
use clack_extensions::params::{
    HostParams, ParamDisplayWriter, ParamInfo, ParamInfoFlags, ParamInfoWriter, ParamRescanFlags,
    PluginMainThreadParams,
};
use clack_extensions::render::{PluginRenderImpl, RenderMode};
use clack_extensions::state::{HostState, PluginStateImpl};
use clack_extensions::timer::{HostTimer, PluginTimerImpl, TimerId};
use clack_plugin::events::spaces::CoreEventSpace;
use clack_plugin::plugin::PluginError;
use clack_plugin::prelude::*;
use clack_plugin::stream::{InputStream, OutputStream};
use clack_plugin::utils::Cookie;

use crate::{LEVEL, MISBEHAVE, Shared, TICKS};

const MAGIC: &[u8; 4] = b"CLIK";

pub(crate) struct MainThread<'a> {
    host: HostMainThreadHandle<'a>,
    shared: &'a Shared<'a>,
    ticks: Cell<f64>,
}

impl<'a> MainThread<'a> {
    pub(crate) fn new(host: HostMainThreadHandle<'a>, shared: &'a Shared<'a>) -> Self {
        if let Some(timer) = host.get_extension::<HostTimer>() {
            let _ = timer.register_timer(&host, 10);
        }
        if let Some(log) = host.get_extension::<HostLog>() {
            log.log(&host, LogSeverity::Info, c"clicker made");
        }
        Self { host, shared, ticks: Cell::new(0.0) }
    }
}

impl<'a> PluginMainThread<'a, Shared<'a>> for MainThread<'a> {
    fn on_main_thread(&self) {
        if let Some(state) = self.host.get_extension::<HostState>() {
            state.mark_dirty(&self.host);
        }
        if let Some(params) = self.host.get_extension::<HostParams>() {
            params.rescan(&self.host, ParamRescanFlags::VALUES);
        }
    }
}

impl PluginTimerImpl for MainThread<'_> {
    fn on_timer(&self, _timer_id: TimerId) {
        self.ticks.set(self.ticks.get() + 1.0);
        self.shared.values.ticks.set(self.ticks.get());
    }
}

impl PluginRenderImpl for MainThread<'_> {
    fn has_hard_realtime_requirement(&self) -> bool {
        false
    }

    fn set(&self, _mode: RenderMode) -> Result<(), PluginError> {
        Ok(())
    }
}

impl PluginAudioPortsImpl for MainThread<'_> {
    fn count(&self, is_input: bool) -> u32 {
        if is_input { 1 } else { 2 }
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut AudioPortInfoWriter) {
        let name: &[u8] = match (is_input, index) {
            (true, _) => b"Sidechain",
            (false, 0) => b"Main",
            (false, _) => b"Stem 1",
        };
        let main = !is_input && index == 0;
        writer.set(&AudioPortInfo {
            id: ClapId::new(index),
            name,
            channel_count: 2,
            flags: if main { AudioPortFlags::IS_MAIN } else { AudioPortFlags::empty() },
            port_type: Some(AudioPortType::STEREO),
            in_place_pair: None,
        });
    }
}

impl PluginNotePortsImpl for MainThread<'_> {
    fn count(&self, _is_input: bool) -> u32 {
        1
    }

    fn get(&self, index: u32, is_input: bool, writer: &mut NotePortInfoWriter) {
        writer.set(&NotePortInfo {
            id: ClapId::new(index),
            name: if is_input { b"Notes in" } else { b"Notes out" },
            preferred_dialect: Some(NoteDialect::Clap),
            supported_dialects: NoteDialects::CLAP | NoteDialects::MIDI,
        });
    }
}

impl PluginMainThreadParams for MainThread<'_> {
    fn count(&self) -> u32 {
        3
    }

    fn get_info(&self, index: u32, info: &mut ParamInfoWriter) {
        let (id, name, max): (ClapId, &[u8], f64) = match index {
            0 => (LEVEL, b"Level", 1.0),
            1 => (MISBEHAVE, b"Misbehave", 3.0),
            _ => (TICKS, b"Ticks", 1.0e9),
        };
        let flags = match index {
            0 => ParamInfoFlags::IS_AUTOMATABLE,
            1 => ParamInfoFlags::IS_STEPPED,
            _ => ParamInfoFlags::IS_READONLY | ParamInfoFlags::IS_HIDDEN,
        };
        info.set(&ParamInfo {
            id,
            flags,
            cookie: Cookie::empty(),
            name,
            module: b"",
            min_value: 0.0,
            max_value: max,
            default_value: if index == 0 { 1.0 } else { 0.0 },
        });
    }

    fn get_value(&self, id: ClapId) -> Option<f64> {
        let values = &self.shared.values;
        match id {
            LEVEL => Some(values.level.get()),
            MISBEHAVE => Some(values.misbehave.get()),
            TICKS => Some(values.ticks.get()),
            _ => None,
        }
    }

    fn value_to_text(&self, _id: ClapId, value: f64, writer: &mut ParamDisplayWriter) -> std::fmt::Result {
        write!(writer, "{:.0} %", value * 100.0)
    }

    fn text_to_value(&self, _id: ClapId, text: &CStr) -> Option<f64> {
        let percent: f64 = text.to_str().ok()?.trim_end_matches(" %").parse().ok()?;
        Some(percent / 100.0)
    }

    fn flush(&self, input: &InputEvents, _output: &mut OutputEvents) {
        for event in input {
            if let Some(CoreEventSpace::ParamValue(param)) = event.as_core_event() {
                match param.param_id() {
                    Some(LEVEL) => self.shared.values.level.set(param.value()),
                    Some(MISBEHAVE) => self.shared.values.misbehave.set(param.value()),
                    _ => {}
                }
            }
        }
    }
}

impl PluginStateImpl for MainThread<'_> {
    fn save(&self, output: &mut OutputStream) -> Result<(), PluginError> {
        output.write_all(MAGIC)?;
        output.write_all(&self.shared.values.level.get().to_le_bytes())?;
        Ok(())
    }

    fn load(&self, input: &mut InputStream) -> Result<(), PluginError> {
        let mut chunk = Vec::new();
        input.read_to_end(&mut chunk)?;
        let level = chunk.strip_prefix(MAGIC).and_then(|rest| rest.try_into().ok());
        let level = level.ok_or(PluginError::Message("not a clicker's state"))?;
        self.shared.values.level.set(f64::from_le_bytes(level));
        Ok(())
    }
}

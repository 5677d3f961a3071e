//! Parameters of an instance: listed, read, put into words; set from outside `process`.

use std::ffi::CString;

use clack_extensions::params::{ParamInfoBuffer, ParamInfoFlags, PluginParams};
use clack_host::prelude::*;

use crate::error::HostError;
use crate::events::{InputEvent, InputList, OutputEvent, OutputList};
use crate::instance::Instance;

/// A parameter as the plugin declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Stable id.
    pub id: u32,
    /// Name for people.
    pub name: String,
    /// Group path, separated by `/`; may be empty.
    pub module: String,
    /// Smallest plain value.
    pub min: f64,
    /// Largest plain value.
    pub max: f64,
    /// Plain value of a fresh instance.
    pub default: f64,
    /// Takes whole numbers only.
    pub stepped: bool,
    /// May be automated.
    pub automatable: bool,
    /// May be modulated.
    pub modulatable: bool,
    /// Not shown to people.
    pub hidden: bool,
}

impl Instance {
    /// All parameters in the plugin's order.
    pub fn params(&mut self) -> Vec<Param> {
        let Some(params) = self.extension::<PluginParams>() else {
            return Vec::new();
        };
        let handle = self.plugin.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (0..params.count(&handle))
            .filter_map(|index| {
                let info = params.get_info(&handle, index, &mut buffer)?;
                Some(Param {
                    id: info.id.get(),
                    name: text(info.name),
                    module: text(info.module),
                    min: info.min_value,
                    max: info.max_value,
                    default: info.default_value,
                    stepped: info.flags.contains(ParamInfoFlags::IS_STEPPED),
                    automatable: info.flags.contains(ParamInfoFlags::IS_AUTOMATABLE),
                    modulatable: info.flags.contains(ParamInfoFlags::IS_MODULATABLE),
                    hidden: info.flags.contains(ParamInfoFlags::IS_HIDDEN),
                })
            })
            .collect()
    }

    /// The plain value of a parameter, if there is one with this id.
    pub fn param_value(&mut self, id: u32) -> Option<f64> {
        let params = self.extension::<PluginParams>()?;
        params.get_value(&self.plugin.plugin_handle(), ClapId::from_raw(id)?)
    }

    /// How the plugin writes this plain value of a parameter.
    pub fn param_text(&mut self, id: u32, value: f64) -> Option<String> {
        let params = self.extension::<PluginParams>()?;
        let mut buffer = [0_u8; 256];
        let handle = self.plugin.plugin_handle();
        let text = params.value_to_text(&handle, ClapId::from_raw(id)?, value, &mut buffer).ok()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// What the plugin reads from this text as a plain value.
    pub fn param_from_text(&mut self, id: u32, text: &str) -> Option<f64> {
        let params = self.extension::<PluginParams>()?;
        let text = CString::new(text).ok()?;
        params.text_to_value(&self.plugin.plugin_handle(), ClapId::from_raw(id)?, &text)
    }

    /// Sends parameter events to a plugin that is not active (one that is active gets them in
    /// `process`), and returns what it sent back.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] if there are no parameters, or the plugin is active.
    pub fn flush_params(&mut self, events: &[InputEvent]) -> Result<Vec<OutputEvent>, HostError> {
        let missing = || HostError::NoExtension { extension: "clap.params (or the plugin is active)" };
        let params = self.extension::<PluginParams>().ok_or_else(missing)?;
        let mut handle = self.plugin.inactive_plugin_handle().ok_or_else(missing)?;
        let mut input = InputList::with_capacity(events.len().max(1));
        input.fill(&[], events);
        let mut output = OutputList::with_capacity(1024);
        params.flush(
            &mut handle,
            &InputEvents::from_buffer(input.buffer()),
            &mut OutputEvents::from_buffer(&mut output),
        );
        Ok(output.events)
    }
}

//! The window of a CLAP instance.

use std::ffi::c_ulong;

use clack_extensions::gui::{
    GuiApiType, GuiConfiguration, GuiError, GuiSize, PluginGui, Window as ClapWindow,
};

use super::{Asked, Size, Windowed};
use crate::error::HostError;
use crate::instance::Instance;

const X11: GuiConfiguration<'static> = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };

fn failed(what: &'static str) -> impl Fn(GuiError) -> HostError {
    move |error| HostError::Window { what, reason: error.to_string() }
}

fn gui(instance: &Instance) -> Result<PluginGui, HostError> {
    instance.extension::<PluginGui>().ok_or(HostError::NoExtension { extension: "clap.gui" })
}

impl Windowed for Instance {
    fn make_window(&mut self, scale: Option<f64>) -> Result<Size, HostError> {
        let gui = gui(self)?;
        let plugin = self.plugin.plugin_handle();
        if !gui.is_api_supported(&plugin, X11) {
            return Err(HostError::Window { what: "open", reason: "the plugin knows no X11".to_owned() });
        }
        gui.create(&plugin, X11).map_err(failed("open"))?;
        if let Some(scale) = scale {
            gui.set_scale(&plugin, scale).map_err(failed("scale"))?;
        }
        let size = gui.get_size(&plugin).ok_or_else(|| HostError::Window {
            what: "size",
            reason: "the plugin does not tell its size".to_owned(),
        })?;
        Ok((size.width, size.height))
    }

    unsafe fn embed_window(&mut self, parent: u32) -> Result<(), HostError> {
        let gui = gui(self)?;
        let plugin = self.plugin.plugin_handle();
        // SAFETY: as promised by the caller.
        unsafe { gui.set_parent(&plugin, ClapWindow::from_x11_handle(c_ulong::from(parent))) }
            .map_err(failed("embed"))?;
        gui.show(&plugin).map_err(failed("show"))
    }

    fn resize_window(&mut self, (width, height): Size) -> Result<Size, HostError> {
        let gui = gui(self)?;
        let plugin = self.plugin.plugin_handle();
        let asked = GuiSize { width, height };
        let size = gui.adjust_size(&plugin, asked).unwrap_or(asked);
        gui.set_size(&plugin, size).map_err(failed("resize"))?;
        Ok((size.width, size.height))
    }

    fn show_window(&mut self, visible: bool) -> Result<(), HostError> {
        let gui = gui(self)?;
        let plugin = self.plugin.plugin_handle();
        if visible {
            gui.show(&plugin).map_err(failed("show"))
        } else {
            gui.hide(&plugin).map_err(failed("hide"))
        }
    }

    fn window_asks(&mut self) -> Asked {
        Asked { size: self.observed().take_resize(), closed: self.observed().take_gui_closed() }
    }

    fn destroy_window(&mut self) {
        if let Ok(gui) = gui(self) {
            gui.destroy(&self.plugin.plugin_handle());
        }
    }
}

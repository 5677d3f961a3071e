//! A window with the plugin's in it, as a host has one: under X11, which a virtual server shows to nobody.

use std::ffi::c_ulong;
use std::io::BufWriter;
use std::path::Path;

use clack_extensions::gui::{
    GuiApiType, GuiConfiguration, GuiError, GuiSize, PluginGui, Window as ClapWindow,
};
use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, ImageFormat, InputFocus,
    PropMode, Window as WindowId, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::error::HostError;
use crate::instance::Instance;

const X11: GuiConfiguration<'static> = GuiConfiguration { api_type: GuiApiType::X11, is_floating: false };

/// The host's window. Close it with [`Window::close`] before the instance goes.
pub struct Window {
    connection: RustConnection,
    id: WindowId,
    delete: u32,
    size: GuiSize,
    /// The size that we have asked the display for and not heard of yet: what comes before is old.
    asked: Option<GuiSize>,
    keys: Vec<u8>,
    closed: bool,
}

/// What a window shows, in rows of red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Three bytes per pixel.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Red, green and blue of a pixel.
    pub fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = 3 * (y * self.width + x) as usize;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// Writes it as PNG.
    ///
    /// # Errors
    /// [`HostError::File`].
    pub fn write(&self, path: &Path) -> Result<(), HostError> {
        let failed = |reason: String| HostError::File { path: path.to_owned(), reason };
        let file = std::fs::File::create(path).map_err(|error| failed(error.to_string()))?;
        let mut encoder = png::Encoder::new(BufWriter::new(file), self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::High);
        let mut writer = encoder.write_header().map_err(|error| failed(error.to_string()))?;
        writer.write_image_data(&self.rgb).map_err(|error| failed(error.to_string()))
    }
}

fn failed(what: &'static str) -> impl Fn(GuiError) -> HostError {
    move |error| HostError::Window { what, reason: error.to_string() }
}

fn lost(what: &'static str) -> impl Fn(&dyn std::error::Error) -> HostError {
    move |error| HostError::Window { what, reason: error.to_string() }
}

impl Window {
    /// Opens the plugin's window inside one of ours, at `scale` times its natural size.
    ///
    /// # Errors
    /// [`HostError::Window`] if there is no display or the plugin refuses, [`HostError::NoExtension`].
    pub fn open(instance: &mut Instance, scale: Option<f64>) -> Result<Self, HostError> {
        Self::open_on(instance, scale, None)
    }

    /// The same with our window on that display, whichever the plugin finds.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub fn open_on(
        instance: &mut Instance,
        scale: Option<f64>,
        display: Option<&str>,
    ) -> Result<Self, HostError> {
        let gui = gui(instance)?;
        let mut window = Self::make(display)?;
        let plugin = instance.plugin.plugin_handle();
        if !gui.is_api_supported(&plugin, X11) {
            return Err(HostError::Window { what: "open", reason: "the plugin knows no X11".to_owned() });
        }
        gui.create(&plugin, X11).map_err(failed("open"))?;
        let opened = (|| {
            if let Some(scale) = scale {
                gui.set_scale(&plugin, scale).map_err(failed("scale"))?;
            }
            let size = gui.get_size(&plugin).ok_or_else(|| HostError::Window {
                what: "size",
                reason: "the plugin does not tell its size".to_owned(),
            })?;
            window.take_size(size)?;
            // SAFETY: our window lives until `close`, which destroys the plugin's first.
            unsafe { gui.set_parent(&plugin, ClapWindow::from_x11_handle(c_ulong::from(window.id))) }
                .map_err(failed("embed"))?;
            gui.show(&plugin).map_err(failed("show"))
        })();
        match opened {
            Ok(()) => Ok(window),
            Err(error) => {
                gui.destroy(&plugin);
                Err(error)
            }
        }
    }

    fn make(display: Option<&str>) -> Result<Self, HostError> {
        let lost = |error: &dyn std::error::Error| lost("connect")(error);
        let (connection, screen) = x11rb::connect(display).map_err(|error| lost(&error))?;
        let id = connection.generate_id().map_err(|error| lost(&error))?;
        let made = (|| {
            let screen = &connection.setup().roots[screen];
            let size = (480, 320);
            let events = EventMask::STRUCTURE_NOTIFY | EventMask::KEY_PRESS | EventMask::FOCUS_CHANGE;
            let look = CreateWindowAux::new().event_mask(events).background_pixel(screen.black_pixel);
            connection
                .create_window(
                    screen.root_depth,
                    id,
                    screen.root,
                    0,
                    0,
                    size.0,
                    size.1,
                    0,
                    WindowClass::INPUT_OUTPUT,
                    screen.root_visual,
                    &look,
                )?
                .check()?;
            let atom = |name: &[u8]| {
                Ok::<_, x11rb::errors::ReplyError>(connection.intern_atom(false, name)?.reply()?.atom)
            };
            let (protocols, delete) = (atom(b"WM_PROTOCOLS")?, atom(b"WM_DELETE_WINDOW")?);
            connection.change_property32(PropMode::REPLACE, id, protocols, AtomEnum::ATOM, &[delete])?;
            connection.change_property8(
                PropMode::REPLACE,
                id,
                AtomEnum::WM_NAME,
                AtomEnum::STRING,
                b"krach-host",
            )?;
            connection.map_window(id)?.check()?;
            Ok::<_, x11rb::errors::ReplyError>(delete)
        })();
        let delete = made.map_err(|error| lost(&error))?;
        let size = GuiSize { width: 480, height: 320 };
        Ok(Self { connection, id, delete, size, asked: None, keys: Vec::new(), closed: false })
    }

    /// Id of our window.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Id of the plugin's window.
    ///
    /// # Errors
    /// [`HostError::Window`] if there is none.
    pub fn inner(&self) -> Result<u32, HostError> {
        let ask = || self.connection.query_tree(self.id)?.reply();
        let tree = ask().map_err(|error| lost("look")(&error))?;
        tree.children.first().copied().ok_or_else(|| HostError::Window {
            what: "look",
            reason: "the plugin's window is not in ours".to_owned(),
        })
    }

    /// Size in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.size.width, self.size.height)
    }

    /// Somebody has closed the window.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Key codes of presses that came to our window since the last call.
    pub fn take_keys(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.keys)
    }

    /// Asks the plugin for another size, as a host does while its window is dragged; the size that both
    /// agree on.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses what it has itself proposed.
    pub fn resize(
        &mut self,
        instance: &mut Instance,
        width: u32,
        height: u32,
    ) -> Result<(u32, u32), HostError> {
        let gui = gui(instance)?;
        let plugin = instance.plugin.plugin_handle();
        let asked = GuiSize { width, height };
        let size = gui.adjust_size(&plugin, asked).unwrap_or(asked);
        gui.set_size(&plugin, size).map_err(failed("resize"))?;
        self.take_size(size)?;
        Ok((size.width, size.height))
    }

    /// Hides or shows the plugin's window.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses.
    pub fn set_visible(&self, instance: &mut Instance, visible: bool) -> Result<(), HostError> {
        let gui = gui(instance)?;
        let plugin = instance.plugin.plugin_handle();
        if visible {
            gui.show(&plugin).map_err(failed("show"))
        } else {
            gui.hide(&plugin).map_err(failed("hide"))
        }
    }

    fn take_size(&mut self, size: GuiSize) -> Result<(), HostError> {
        let change = ConfigureWindowAux::new().width(size.width).height(size.height);
        let done = self.connection.configure_window(self.id, &change).map_err(|e| lost("resize")(&e))?;
        done.check().map_err(|error| lost("resize")(&error))?;
        if size != self.size {
            (self.size, self.asked) = (size, Some(size));
        }
        Ok(())
    }

    /// Gives our window the keys, as a window manager does when somebody clicks on it.
    ///
    /// # Errors
    /// [`HostError::Window`].
    pub fn focus(&self) -> Result<(), HostError> {
        let ask = || {
            self.connection.set_input_focus(InputFocus::PARENT, self.id, x11rb::CURRENT_TIME)?.check()?;
            Ok::<_, x11rb::errors::ReplyError>(())
        };
        ask().map_err(|error| lost("focus")(&error))
    }

    /// Handles what has happened to our window, and what the plugin asked of it. Never waits.
    ///
    /// # Errors
    /// [`HostError::Window`] if the display is gone.
    pub fn idle(&mut self, instance: &mut Instance) -> Result<(), HostError> {
        while let Some(event) = self.connection.poll_for_event().map_err(|error| lost("listen")(&error))? {
            match event {
                Event::KeyPress(key) => self.keys.push(key.detail),
                Event::ClientMessage(message) if message.data.as_data32()[0] == self.delete => {
                    self.closed = true;
                }
                Event::ConfigureNotify(now) if now.window == self.id => {
                    let now = GuiSize { width: u32::from(now.width), height: u32::from(now.height) };
                    if self.asked == Some(now) {
                        self.asked = None;
                    } else if self.asked.is_none() && now != self.size {
                        self.resize(instance, now.width, now.height)?;
                    }
                }
                _ => {}
            }
        }
        if let Some((width, height)) = instance.observed().take_resize() {
            self.take_size(GuiSize { width, height })?;
        }
        self.closed |= instance.observed().take_gui_closed();
        Ok(())
    }

    /// What the plugin's window shows now.
    ///
    /// # Errors
    /// [`HostError::Window`] if it is not on the screen.
    pub fn picture(&self) -> Result<Picture, HostError> {
        let inner = self.inner()?;
        let ask = || {
            let size = self.connection.get_geometry(inner)?.reply()?;
            let (width, height) = (size.width, size.height);
            let image =
                self.connection.get_image(ImageFormat::Z_PIXMAP, inner, 0, 0, width, height, !0)?.reply()?;
            Ok::<_, x11rb::errors::ReplyError>((u32::from(width), u32::from(height), image.data))
        };
        let (width, height, data) = ask().map_err(|error| lost("look")(&error))?;
        // Four bytes per pixel: blue, green, red, nothing. So on every server that a PC has.
        let rgb = data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
        Ok(Picture { width, height, rgb })
    }

    /// Closes the plugin's window, then ours.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] if the plugin never had a window.
    pub fn close(self, instance: &mut Instance) -> Result<(), HostError> {
        let gui = gui(instance)?;
        gui.destroy(&instance.plugin.plugin_handle());
        drop(self);
        Ok(())
    }

    /// Destroys our window under the plugin's, as a careless host does, and only then the plugin's.
    ///
    /// # Errors
    /// [`HostError::NoExtension`] if the plugin never had a window.
    pub fn destroy_first(self, instance: &mut Instance) -> Result<(), HostError> {
        let gui = gui(instance)?;
        let _ = self.connection.destroy_window(self.id);
        let _ = self.connection.sync();
        drop(self);
        gui.destroy(&instance.plugin.plugin_handle());
        Ok(())
    }
}

fn gui(instance: &Instance) -> Result<PluginGui, HostError> {
    instance.extension::<PluginGui>().ok_or(HostError::NoExtension { extension: "clap.gui" })
}

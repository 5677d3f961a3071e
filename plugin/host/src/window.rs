//! A window with the plugin's in it, as a host has one: under X11, which a virtual server shows to nobody.

use std::io::BufWriter;
use std::path::Path;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConfigureWindowAux, ConnectionExt, CreateWindowAux, EventMask, ImageFormat, InputFocus,
    PropMode, Window as WindowId, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::error::HostError;
use crate::hosted::MainThread;

mod clap;

/// Width and height in pixels.
pub type Size = (u32, u32);

/// What a window asks of its host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// To be of that size.
    pub size: Option<Size>,
    /// It is gone.
    pub closed: bool,
}

/// An instance that has a window, whatever its format.
pub trait Windowed: MainThread {
    /// Makes the window at `scale` times its natural size, in nobody's window yet; its size.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses, [`HostError::NoExtension`].
    fn make_window(&mut self, scale: Option<f64>) -> Result<Size, HostError>;

    /// Puts it into that X11 window, and shows it.
    ///
    /// # Safety
    /// `parent` lives for as long as the window does.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses.
    unsafe fn embed_window(&mut self, parent: u32) -> Result<(), HostError>;

    /// Asks for another size; the one that both agree on.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses what it has itself proposed.
    fn resize_window(&mut self, size: Size) -> Result<Size, HostError>;

    /// Shows or hides it.
    ///
    /// # Errors
    /// [`HostError::Window`] if the plugin refuses or the format has no word for it.
    fn show_window(&mut self, visible: bool) -> Result<(), HostError>;

    /// What it has asked for since the last call.
    fn window_asks(&mut self) -> Asked;

    /// Destroys it; nothing happens if there is none.
    fn destroy_window(&mut self);
}

/// The host's window. Close it with [`Window::close`] before the instance goes.
pub struct Window {
    connection: RustConnection,
    id: WindowId,
    delete: u32,
    size: Size,
    /// The size that we have asked the display for and not heard of yet: what comes before is old.
    asked: Option<Size>,
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

fn lost(what: &'static str) -> impl Fn(&dyn std::error::Error) -> HostError {
    move |error| HostError::Window { what, reason: error.to_string() }
}

impl Window {
    /// Opens the plugin's window inside one of ours, at `scale` times its natural size.
    ///
    /// # Errors
    /// [`HostError::Window`] if there is no display or the plugin refuses, [`HostError::NoExtension`].
    pub fn open(instance: &mut (impl Windowed + ?Sized), scale: Option<f64>) -> Result<Self, HostError> {
        Self::open_on(instance, scale, None)
    }

    /// The same with our window on that display, whichever the plugin finds.
    ///
    /// # Errors
    /// As [`Window::open`].
    pub fn open_on(
        instance: &mut (impl Windowed + ?Sized),
        scale: Option<f64>,
        display: Option<&str>,
    ) -> Result<Self, HostError> {
        let mut window = Self::make(display)?;
        let opened = instance.make_window(scale).and_then(|size| {
            window.take_size(size)?;
            // SAFETY: our window lives until `close`, which destroys the plugin's first.
            unsafe { instance.embed_window(window.id) }
        });
        match opened {
            Ok(()) => Ok(window),
            Err(error) => {
                instance.destroy_window();
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
        Ok(Self { connection, id, delete, size: (480, 320), asked: None, keys: Vec::new(), closed: false })
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
    pub fn size(&self) -> Size {
        self.size
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
        instance: &mut (impl Windowed + ?Sized),
        width: u32,
        height: u32,
    ) -> Result<Size, HostError> {
        let size = instance.resize_window((width, height))?;
        self.take_size(size)?;
        Ok(size)
    }

    fn take_size(&mut self, size: Size) -> Result<(), HostError> {
        let change = ConfigureWindowAux::new().width(size.0).height(size.1);
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
    pub fn idle(&mut self, instance: &mut (impl Windowed + ?Sized)) -> Result<(), HostError> {
        while let Some(event) = self.connection.poll_for_event().map_err(|error| lost("listen")(&error))? {
            match event {
                Event::KeyPress(key) => self.keys.push(key.detail),
                Event::ClientMessage(message) if message.data.as_data32()[0] == self.delete => {
                    self.closed = true;
                }
                Event::ConfigureNotify(now) if now.window == self.id => {
                    let now = (u32::from(now.width), u32::from(now.height));
                    if self.asked == Some(now) {
                        self.asked = None;
                    } else if self.asked.is_none() && now != self.size {
                        self.resize(instance, now.0, now.1)?;
                    }
                }
                _ => {}
            }
        }
        let asked = instance.window_asks();
        if let Some(size) = asked.size {
            self.take_size(size)?;
        }
        self.closed |= asked.closed;
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
    pub fn close(self, instance: &mut (impl Windowed + ?Sized)) {
        instance.destroy_window();
        drop(self);
    }

    /// Destroys our window under the plugin's, as a careless host does, and only then the plugin's.
    pub fn destroy_first(self, instance: &mut (impl Windowed + ?Sized)) {
        let _ = self.connection.destroy_window(self.id);
        let _ = self.connection.sync();
        drop(self);
        instance.destroy_window();
    }
}

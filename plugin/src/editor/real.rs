//! Is the window as large as we think? A window inside a host's is resized by others at any time, and we hear of
//! it later. What is painted meanwhile goes into memory of another size, which the driver throws away with the
//! next change: it must not count as shown.

#[cfg(target_os = "linux")]
mod x11 {
    use std::time::Duration;

    use nice_plug_egui::baseview::{WindowContext, WindowWaker};
    use x11rb::protocol::xproto::{ConnectionExt as _, Window};
    use x11rb::xcb_ffi::XCBConnection;

    use super::super::focus::connection_of;

    /// Between a frame that may not be shown and the next.
    const AFTERWARDS: Duration = Duration::from_millis(40);

    /// The window's size as the display has it.
    pub struct Real {
        connection: XCBConnection,
        window: Window,
        waker: WindowWaker,
    }

    impl Real {
        /// `None` if it is no window of X11's.
        pub fn of(window_context: &WindowContext) -> Option<Self> {
            let (connection, window) = connection_of(window_context)?;
            Some(Self { connection, window, waker: window_context.waker() })
        }

        /// Has it another size than this, in pixels, just now? Then another frame is asked for. On the window's
        /// thread, while it is open.
        pub fn differs(&self, size: [u32; 2]) -> bool {
            let at = self.connection.get_geometry(self.window).ok().and_then(|asked| asked.reply().ok());
            let differs = at.is_some_and(|at| [at.width, at.height].map(u32::from) != size);
            if differs {
                self.waker.request_redraw_after(AFTERWARDS);
            }
            differs
        }
    }
}

#[cfg(target_os = "linux")]
pub use x11::Real;

/// Elsewhere it is told before it is done.
#[cfg(not(target_os = "linux"))]
pub struct Real;

#[cfg(not(target_os = "linux"))]
impl Real {
    /// None is needed.
    pub fn of(_window: &nice_plug_egui::baseview::WindowContext) -> Option<Self> {
        None
    }

    /// It does not.
    pub fn differs(&self, _size: [u32; 2]) -> bool {
        false
    }
}

//! How frames are asked for. baseview asks X11 by Present, and where a display has none by a timer. A display
//! that has it and never answers would leave the window blank: there the timer is wanted, too.

use std::time::Duration;

use egui::Context;
use nice_plug_egui::baseview::WindowContext;

use super::Shared;

/// Between two frames of the timer, which comes far more often and paints whether or not anything has changed.
const SLOW: Duration = Duration::from_millis(40);

/// How the frames of one window come.
pub struct Pace {
    /// By the timer.
    slow: bool,
}

impl Pace {
    /// Decides it, on the window's thread, before the window is shown.
    pub fn of(window: &WindowContext, shared: &Shared) -> Self {
        #[cfg(target_os = "linux")]
        return Self { slow: x11::settle(window, shared).unwrap_or(false) };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (window, shared);
            Self { slow: false }
        }
    }

    /// Before a frame: one of the timer's waits, unless somebody has done something in the window.
    pub fn wait(&self, context: &Context) {
        if self.slow && context.input(|input| input.events.is_empty()) {
            std::thread::sleep(SLOW);
        }
    }
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::sync::atomic::{AtomicBool, Ordering};

    use nice_plug_egui::baseview::WindowContext;
    use x11rb::protocol::xproto::{ConnectionExt as _, Window};
    use x11rb::xcb_ffi::XCBConnection;

    use super::super::focus::connection_of;
    use super::super::{Shared, stall};

    /// A display has answered this process: it is not asked again.
    static ANSWERED: AtomicBool = AtomicBool::new(false);

    /// Whether the window goes by the timer; it does then.
    pub fn settle(window: &WindowContext, shared: &Shared) -> Option<bool> {
        let (connection, id) = connection_of(window)?;
        shared.window.store(id, Ordering::Relaxed);
        if !ANSWERED.load(Ordering::Relaxed) && !stall::answers() {
            return Some(forgo_present(&connection, id).is_some());
        }
        ANSWERED.store(true, Ordering::Relaxed);
        Some(false)
    }

    /// baseview listens to Present under the number that follows the window's, once the window is shown, and takes
    /// the timer if it cannot: with something else under that number it cannot.
    fn forgo_present(connection: &XCBConnection, window: Window) -> Option<()> {
        connection.create_pixmap(1, window + 1, window, 1, 1).ok()?.check().ok()
    }
}

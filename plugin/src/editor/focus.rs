//! Keys belong to the host, whose space bar plays and stops, except while a text field of ours has the focus.
//!
//! macOS and Windows hand a key that we do not want on by themselves. X11 does not: keys go to the focused
//! window, or to whichever window below the pointer wants them. So outside a text field ours must neither
//! want them nor have the focus; it is given back to whoever had it.

use std::time::Duration;

use nice_plug_egui::baseview::WindowContext;

#[cfg(target_os = "linux")]
mod x11;
#[cfg(target_os = "linux")]
pub(super) use x11::connection_of;

/// Looks after the keys of one open window.
pub struct Focus {
    #[cfg(target_os = "linux")]
    keys: Option<x11::Keys>,
}

impl Focus {
    /// For that window.
    pub fn new(window: &WindowContext) -> Self {
        #[cfg(target_os = "linux")]
        return Self { keys: x11::Keys::of(window) };
        #[cfg(not(target_os = "linux"))]
        {
            let _ = window;
            Self {}
        }
    }

    /// After each frame: `typing` says whether a text field wants the keys. If there is more to do, says when.
    pub fn follow(&mut self, window: &WindowContext, typing: bool) -> Option<Duration> {
        let _ = (window, typing);
        #[cfg(target_os = "linux")]
        return self.keys.as_mut()?.follow(typing);
        #[cfg(not(target_os = "linux"))]
        None
    }
}

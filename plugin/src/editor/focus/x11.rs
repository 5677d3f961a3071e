//! The keyboard under X11, over the window's own connection: what a window wants to hear of is a matter of
//! the connection that asks.

use std::time::Duration;

use nice_plug_egui::baseview::WindowContext;
use raw_window_handle::{HasDisplayHandle, HasWindowHandle, RawDisplayHandle, RawWindowHandle};
use x11_dl::xlib_xcb::Xlib_xcb;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask, InputFocus, Window};
use x11rb::xcb_ffi::XCBConnection;

/// Between a click, after which the windowing crate may take the focus, and the look whether it did.
const AFTERWARDS: Duration = Duration::from_millis(60);

/// Looks after the keys of one window.
pub struct Keys {
    connection: XCBConnection,
    window: Window,
    /// What the window hears of besides keys.
    others: EventMask,
    wanted: bool,
    /// Who had the focus before we did.
    owner: Option<Window>,
}

/// A window, if it is one of X11's, and its own connection, to be used on its thread while it is open.
pub fn connection_of(window: &WindowContext) -> Option<(XCBConnection, Window)> {
    let display = match window.display_handle().ok()?.as_raw() {
        RawDisplayHandle::Xlib(handle) => handle.display?.as_ptr(),
        _ => return None,
    };
    let id = match window.window_handle().ok()?.as_raw() {
        RawWindowHandle::Xlib(handle) => u32::try_from(handle.window).ok()?,
        _ => return None,
    };
    let xcb = Xlib_xcb::open().ok()?;
    // SAFETY: the display is that of the window, which is open; its connection lives as long as it does, and what
    // uses this one is used by frames of the window alone. `false`: the connection is not ours to close.
    let connection = unsafe {
        let raw = (xcb.XGetXCBConnection)(display.cast());
        XCBConnection::from_raw_xcb_connection(raw.cast(), false).ok()?
    };
    Some((connection, id))
}

impl Keys {
    /// For a window, if it is one of X11's. `None` also if something fails: then keys go where they go.
    pub fn of(window: &WindowContext) -> Option<Self> {
        let (connection, id) = connection_of(window)?;
        let heard = connection.get_window_attributes(id).ok()?.reply().ok()?.your_event_mask;
        let keys = u32::from(EventMask::KEY_PRESS | EventMask::KEY_RELEASE);
        let others = EventMask::from(u32::from(heard) & !keys);
        let mut keys = Self { connection, window: id, others, wanted: true, owner: None };
        keys.want(false)?;
        Some(keys)
    }

    /// After a frame; if there is more to do, says when.
    pub fn follow(&mut self, typing: bool) -> Option<Duration> {
        let changed = typing != self.wanted;
        if changed {
            self.want(typing)?;
        }
        let focus = self.connection.get_input_focus().ok()?.reply().ok()?.focus;
        if focus != self.window {
            self.owner = Some(focus);
            return changed.then_some(AFTERWARDS);
        }
        if !typing {
            self.give_back()?;
            return Some(AFTERWARDS);
        }
        None
    }

    fn want(&mut self, keys: bool) -> Option<()> {
        let more = EventMask::KEY_PRESS | EventMask::KEY_RELEASE;
        let mask = if keys { self.others | more } else { self.others };
        let change = ChangeWindowAttributesAux::new().event_mask(mask);
        self.connection.change_window_attributes(self.window, &change).ok()?.check().ok()?;
        self.wanted = keys;
        Some(())
    }

    /// To whoever had it, else to the window that we are in.
    fn give_back(&mut self) -> Option<()> {
        if self.owner.take().is_some_and(|owner| self.set(owner).is_some()) {
            return Some(());
        }
        let parent = self.connection.query_tree(self.window).ok()?.reply().ok()?.parent;
        self.set(parent)
    }

    fn set(&self, window: Window) -> Option<()> {
        let request = self.connection.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
        request.ok()?.check().ok()
    }
}

//! The window of one instance, as hosts of every format open, size and close it. Main thread.

use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{Editor, EditorHandle, HostMethods, ParentWindowHandle, SpawnedEditor};

use super::{KrachEditor, KrachHandle};

/// Room for one window, which can be opened and closed any number of times.
pub struct Slot {
    editor: Option<KrachEditor>,
    /// Held only to take a copy: calls into the window may come back to us through the host.
    window: Mutex<Option<Rc<SpawnedEditor<KrachHandle>>>>,
    scale: Mutex<Option<f64>>,
}

impl Slot {
    /// Nothing is opened.
    pub fn new(editor: Option<KrachEditor>) -> Self {
        Self { editor, window: Mutex::default(), scale: Mutex::default() }
    }

    /// Is there a window to be opened at all?
    pub fn is_usable(&self) -> bool {
        self.editor.is_some()
    }

    fn window(&self) -> Option<Rc<SpawnedEditor<KrachHandle>>> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the window, inside `parent` or inside one that comes later; false if it is open already or
    /// fails. What it fails with is among the instance's problems.
    pub fn open(&self, parent: Option<ParentWindowHandle>, context: GuiContext, host: HostMethods) -> bool {
        let Some(editor) = self.editor.as_ref().filter(|_| self.window().is_none()) else { return false };
        let later = parent.is_none();
        let Ok(spawned) = editor.spawn(parent, later, self.scale(), context, Some(host)) else {
            return false;
        };
        *self.window.lock().unwrap_or_else(PoisonError::into_inner) = Some(Rc::new(spawned));
        true
    }

    /// Closes the window, if it is open.
    pub fn close(&self) {
        let window = self.window.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(window);
    }

    /// The window's thread wants something of the host.
    pub fn on_main_thread(&self) {
        if let Some(window) = self.window() {
            window.handle.host_main_thread_callback(&window.window);
        }
    }

    fn scale(&self) -> Option<f64> {
        *self.scale.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pixels per point, as the host has it; false if that makes no sense or the window refuses.
    pub fn set_scale(&self, scale: f64) -> bool {
        if !(scale.is_finite() && scale > 0.0) {
            return false;
        }
        *self.scale.lock().unwrap_or_else(PoisonError::into_inner) = Some(scale);
        self.window()
            .is_none_or(|window| window.handle.set_fallback_scale_factor(scale, &window.window).is_ok())
    }

    /// The size in pixels that the window has, or will have when it is opened.
    pub fn size(&self) -> Option<NativeSize<u32>> {
        let editor = self.editor.as_ref()?;
        let open = self.window().and_then(|open| open.window.size());
        Some(open.unwrap_or_else(|| editor.size_to_be(self.scale())))
    }

    /// The size nearest to this one that the window can have, in pixels; `None` if it is not open.
    pub fn adjust(&self, asked: NativeSize<u32>) -> Option<NativeSize<u32>> {
        self.window().and_then(|window| window.handle.adjust_size(asked, &window.window))
    }

    /// Gives the window a size in pixels; false if it is not open, refuses, or cannot have that one.
    pub fn set_size(&self, size: NativeSize<u32>) -> bool {
        self.adjust(size) == Some(size)
            && self.window().is_some_and(|window| window.handle.set_size(size, &window.window).is_ok())
    }

    /// Puts the window into the host's.
    pub fn set_parent(&self, parent: ParentWindowHandle) -> bool {
        self.window().is_some_and(|window| window.handle.set_parent(parent, &window.window).is_ok())
    }

    /// Shows the window.
    pub fn show(&self) -> bool {
        self.window().is_some_and(|window| window.handle.show(&window.window).is_ok())
    }

    /// Hides the window.
    pub fn hide(&self) -> bool {
        self.window().is_some_and(|window| window.handle.hide(&window.window).is_ok())
    }
}

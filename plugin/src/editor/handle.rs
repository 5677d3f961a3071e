//! The open window as a host handles it. A panic on the window's thread comes back when that thread is
//! joined; it ends here.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{EditorHandle, ParentWindowHandle};
use nice_plug_egui::{EguiEditorHandle, baseview};

use super::watcher::Watcher;
use super::{Shared, sizes};

/// A window whose end does not panic.
pub struct GuardedWindow {
    window: ManuallyDrop<baseview::Window>,
    shared: Arc<Shared>,
}

impl GuardedWindow {
    pub(super) fn new(window: baseview::Window, shared: Arc<Shared>) -> Self {
        Self { window: ManuallyDrop::new(window), shared }
    }
}

impl GuardedWindow {
    /// In pixels, as it is now; `None` while somebody has made it smaller or larger than it can be.
    pub(super) fn size(&self) -> Option<NativeSize<u32>> {
        let size = self.window.size();
        let possible = sizes::can_be(size.logical.cast());
        possible.then(|| NativeSize::from_logical_or_physical(size.logical, size.physical))
    }
}

impl Drop for GuardedWindow {
    fn drop(&mut self) {
        // SAFETY: taken once, here.
        let window = unsafe { ManuallyDrop::take(&mut self.window) };
        // Mostly joins the window's thread, and panics as it did.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(window)));
        self.shared.thread.wait();
        self.shared.window.store(0, Ordering::Relaxed);
        let left = self.shared.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        let _ = catch_unwind(AssertUnwindSafe(|| drop(left)));
    }
}

/// A handle to the open window. Dropping it ends the watching.
pub struct KrachHandle {
    inner: EguiEditorHandle,
    shared: Arc<Shared>,
    watcher: Mutex<Watcher>,
}

impl KrachHandle {
    pub(super) fn new(inner: EguiEditorHandle, shared: Arc<Shared>, watcher: Watcher) -> Self {
        Self { inner, shared, watcher: Mutex::new(watcher) }
    }

    fn watcher(&self) -> std::sync::MutexGuard<'_, Watcher> {
        self.watcher.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EditorHandle for KrachHandle {
    type Window = GuardedWindow;
    type Error = baseview::Error;

    /// Until the window is closed; on X11 also until the program is asked to end.
    fn run_until_closed(window: GuardedWindow) -> Result<(), baseview::Error> {
        #[cfg(all(feature = "standalone", target_os = "linux"))]
        {
            window.window.show()?;
            while window.window.is_open() && !crate::signals::asked() {
                std::thread::sleep(crate::signals::LOOK);
            }
            Ok(())
        }
        #[cfg(not(all(feature = "standalone", target_os = "linux")))]
        {
            let mut guarded = ManuallyDrop::new(window);
            // SAFETY: taken once; the drop that would take it again does not run.
            let window = unsafe { ManuallyDrop::take(&mut guarded.window) };
            EguiEditorHandle::run_until_closed(window)
        }
    }

    fn set_parent(&self, parent: ParentWindowHandle, window: &GuardedWindow) -> Result<(), baseview::Error> {
        self.inner.set_parent(parent, &window.window)
    }

    fn show(&self, window: &GuardedWindow) -> Result<(), baseview::Error> {
        self.watcher().resume();
        self.inner.show(&window.window)
    }

    fn hide(&self, window: &GuardedWindow) -> Result<(), baseview::Error> {
        self.watcher().pause();
        self.inner.hide(&window.window)
    }

    fn set_size(&self, size: NativeSize<u32>, window: &GuardedWindow) -> Result<(), baseview::Error> {
        self.inner.set_size(size, &window.window)
    }

    fn host_main_thread_callback(&self, window: &GuardedWindow) {
        self.inner.host_main_thread_callback(&window.window);
    }

    fn adjust_size(&self, size: NativeSize<u32>, _window: &GuardedWindow) -> Option<NativeSize<u32>> {
        // Not the window's own idea of its scale: on X11 that stays behind when the host sets one.
        Some(sizes::nearest(size, self.shared.size.get(), self.shared.scale()))
    }

    fn set_fallback_scale_factor(&self, scale: f64, window: &GuardedWindow) -> Result<(), baseview::Error> {
        self.inner.set_fallback_scale_factor(scale, &window.window)
    }

    fn state_changed(&self) {
        self.inner.state_changed();
    }

    fn param_value_changed(&self, id: &str, normalized: f32) {
        self.inner.param_value_changed(id, normalized);
    }

    fn param_modulation_changed(&self, id: &str, offset: f32) {
        self.inner.param_modulation_changed(id, offset);
    }
}

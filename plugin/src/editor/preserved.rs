//! Whether the screen's memory holds the last frame when the next is painted. EGL can promise that, and does
//! where OpenGL is done in software; then nothing has to be copied, if egui's clearing is kept away from it.

use std::ffi::{c_int, c_uint, c_void};

use egui_glow::glow::{self, HasContext as _};
use nice_plug_egui::Frame;

const EGL_DRAW: c_int = 0x3059;
const EGL_SWAP_BEHAVIOR: c_int = 0x3093;
const EGL_BUFFER_PRESERVED: c_int = 0x3094;

/// Asks for the promise; false where there is no EGL or it does not give it.
pub fn ask(frame: &Frame) -> bool {
    within(frame, |frame| {
        let context = frame.baseview_window().gl_context()?;
        let find = |name| Some(context.get_proc_address(name)).filter(|address| !address.is_null());
        let (display, surface) = (find(c"eglGetCurrentDisplay")?, find(c"eglGetCurrentSurface")?);
        let set = find(c"eglSurfaceAttrib")?;
        // SAFETY: EGL 1.4 gives these functions these types; the window's context is current.
        unsafe {
            let display: extern "system" fn() -> *mut c_void = std::mem::transmute(display);
            let surface: extern "system" fn(c_int) -> *mut c_void = std::mem::transmute(surface);
            let set: extern "system" fn(*mut c_void, *mut c_void, c_int, c_int) -> c_uint =
                std::mem::transmute(set);
            let (display, surface) = (display(), surface(EGL_DRAW));
            if display.is_null() || surface.is_null() {
                return None;
            }
            Some(set(display, surface, EGL_SWAP_BEHAVIOR, EGL_BUFFER_PRESERVED) == 1)
        }
    })
    .unwrap_or(false)
}

/// Keeps what is painted next from being cleared before.
pub fn keep(frame: &Frame) {
    within(frame, |frame| {
        let gl = frame.gl();
        // SAFETY: the window's context is current. Clearing heeds the scissors; egui sets them before it paints.
        unsafe {
            gl.enable(glow::SCISSOR_TEST);
            gl.scissor(0, 0, 0, 0);
        }
        Some(())
    });
}

/// With the window's context current.
fn within<T>(frame: &Frame, what: impl FnOnce(&Frame) -> Option<T>) -> Option<T> {
    let context = frame.baseview_window().gl_context()?;
    // SAFETY: called on the window's thread, outside of painting, where no other context is current.
    unsafe { context.make_current() }.ok()?;
    let done = what(frame);
    // SAFETY: as above.
    let _ = unsafe { context.make_not_current() };
    done
}

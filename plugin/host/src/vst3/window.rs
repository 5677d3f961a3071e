//! The window of a VST3 instance: the host's frame and its run loop, which is timers alone.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::time::{Duration, Instant};

use vst3::Steinberg::Linux::{
    FileDescriptor, IEventHandler, IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait, TimerInterval,
};
use vst3::Steinberg::Vst::IEditControllerTrait;
use vst3::Steinberg::Vst::ViewType::kEditor;
use vst3::Steinberg::{
    IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport, IPlugViewContentScaleSupportTrait,
    IPlugViewTrait, ViewRect, kInvalidArgument, kNotImplemented, kPlatformTypeX11EmbedWindowID, kResultFalse,
    kResultOk, tresult,
};
use vst3::{Class, ComPtr, ComRef, ComWrapper};

use super::instance::Vst3Instance;
use crate::error::HostError;
use crate::window::{Asked, Size, Windowed};

/// An open window and what it was given.
pub struct Open {
    view: ComPtr<IPlugView>,
    frame: ComWrapper<Frame>,
    attached: bool,
}

/// The host's side of a window.
#[derive(Default)]
struct Frame {
    asked: Cell<Option<Size>>,
    timers: RefCell<Vec<Timer>>,
}

struct Timer {
    handler: ComPtr<ITimerHandler>,
    every: Duration,
    due: Instant,
}

impl Class for Frame {
    type Interfaces = (IPlugFrame, IRunLoop);
}

impl IPlugFrameTrait for Frame {
    unsafe fn resizeView(&self, _view: *mut IPlugView, size: *mut ViewRect) -> tresult {
        // SAFETY: null or the plugin's, valid for this call.
        let Some(size) = (unsafe { size.as_ref() }).and_then(size_of) else { return kInvalidArgument };
        self.asked.set(Some(size));
        kResultOk
    }
}

impl IRunLoopTrait for Frame {
    unsafe fn registerEventHandler(&self, _: *mut IEventHandler, _: FileDescriptor) -> tresult {
        kNotImplemented
    }

    unsafe fn unregisterEventHandler(&self, _: *mut IEventHandler) -> tresult {
        kNotImplemented
    }

    unsafe fn registerTimer(&self, handler: *mut ITimerHandler, milliseconds: TimerInterval) -> tresult {
        // SAFETY: null or the plugin's.
        let Some(handler) = (unsafe { ComRef::from_raw(handler) }) else { return kInvalidArgument };
        let every = Duration::from_millis(milliseconds);
        let timer = Timer { handler: handler.to_com_ptr(), every, due: Instant::now() + every };
        self.timers.borrow_mut().push(timer);
        kResultOk
    }

    unsafe fn unregisterTimer(&self, handler: *mut ITimerHandler) -> tresult {
        let mut timers = self.timers.borrow_mut();
        let before = timers.len();
        timers.retain(|timer| timer.handler.as_ptr() != handler);
        if timers.len() < before { kResultOk } else { kResultFalse }
    }
}

impl Frame {
    /// Calls whose time has come, as a host's main loop does.
    fn run(&self) {
        let now = Instant::now();
        let due: Vec<ComPtr<ITimerHandler>> = self
            .timers
            .borrow_mut()
            .iter_mut()
            .filter(|timer| timer.due <= now)
            .map(|timer| {
                timer.due = now + timer.every;
                timer.handler.clone()
            })
            .collect();
        for handler in due {
            // SAFETY: the plugin's object, of which we hold a reference, on the main thread.
            unsafe { handler.onTimer() };
        }
    }
}

fn size_of(rect: &ViewRect) -> Option<Size> {
    Some((u32::try_from(rect.right - rect.left).ok()?, u32::try_from(rect.bottom - rect.top).ok()?))
}

fn failed(what: &'static str) -> HostError {
    HostError::Window { what, reason: "the plugin refuses".to_owned() }
}

fn rect((width, height): Size) -> ViewRect {
    ViewRect { left: 0, top: 0, right: width as i32, bottom: height as i32 }
}

impl Vst3Instance {
    /// Timers of the plugin's in our run loop.
    pub fn timers(&self) -> usize {
        self.open.as_ref().map_or(0, |open| open.frame.timers.borrow().len())
    }

    pub(super) fn run_timers(&self) {
        if let Some(open) = &self.open {
            open.frame.run();
        }
    }

    fn view(&self) -> Result<&ComPtr<IPlugView>, HostError> {
        self.open.as_ref().map(|open| &open.view).ok_or_else(|| failed("find"))
    }
}

impl Windowed for Vst3Instance {
    fn make_window(&mut self, scale: Option<f64>) -> Result<Size, HostError> {
        // SAFETY: an initialised plugin; the view is ours to release.
        let view = unsafe { ComPtr::from_raw(self.controller.createView(kEditor)) };
        let view = view.ok_or(HostError::NoExtension { extension: "IPlugView" })?;
        let frame = ComWrapper::new(Frame::default());
        let told = frame.to_com_ptr::<IPlugFrame>().expect("it has this interface");
        let mut size = rect((0, 0));
        // SAFETY: VST3's order: the system, the frame, the scale, the size.
        unsafe {
            if view.isPlatformTypeSupported(kPlatformTypeX11EmbedWindowID) != kResultOk {
                return Err(HostError::Window { what: "open", reason: "the plugin knows no X11".to_owned() });
            }
            view.setFrame(told.as_ptr());
            if let (Some(scale), Some(scaled)) = (scale, view.cast::<IPlugViewContentScaleSupport>())
                && scaled.setContentScaleFactor(scale as f32) != kResultOk
            {
                return Err(failed("scale"));
            }
            if view.getSize(&mut size) != kResultOk {
                return Err(failed("size"));
            }
        }
        self.open = Some(Open { view, frame, attached: false });
        size_of(&size).ok_or_else(|| failed("size"))
    }

    unsafe fn embed_window(&mut self, parent: u32) -> Result<(), HostError> {
        // SAFETY: as promised by the caller.
        let result =
            unsafe { self.view()?.attached(parent as usize as *mut c_void, kPlatformTypeX11EmbedWindowID) };
        if result != kResultOk {
            return Err(failed("embed"));
        }
        if let Some(open) = &mut self.open {
            open.attached = true;
        }
        Ok(())
    }

    fn resize_window(&mut self, size: Size) -> Result<Size, HostError> {
        let view = self.view()?;
        let mut size = rect(size);
        // SAFETY: an attached view.
        unsafe {
            view.checkSizeConstraint(&mut size);
            if view.onSize(&mut size) != kResultOk {
                return Err(failed("resize"));
            }
        }
        size_of(&size).ok_or_else(|| failed("size"))
    }

    /// The format has no word for it.
    fn show_window(&mut self, _visible: bool) -> Result<(), HostError> {
        Err(failed("show"))
    }

    fn window_asks(&mut self) -> Asked {
        Asked { size: self.open.as_ref().and_then(|open| open.frame.asked.take()), closed: false }
    }

    fn destroy_window(&mut self) {
        let Some(open) = self.open.take() else { return };
        // SAFETY: VST3's order: removed, the frame goes, the last reference.
        unsafe {
            if open.attached {
                open.view.removed();
            }
            open.view.setFrame(std::ptr::null_mut());
        }
        drop(open.view);
        assert!(open.frame.timers.borrow().is_empty(), "the plugin has left a timer with the host");
    }
}

//! The window as a VST3 host opens it. nice-plug has a view, too; what it tells the host goes through a worker
//! that all instances share, and each of its views leaves two sockets and a handler with the host for good.
//!
//! The window's thread puts what it wants of the host on a desk. On X11 the host's run loop calls a timer of
//! ours while the window is open, which takes it from there; on other systems the window lives on the host's
//! own thread, which takes it at once. What has to do with no window (the session has been edited, the panic
//! switch is back) goes the same way; while no timer runs it is told when the host next calls the controller on
//! the thread that gave it its handler.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::ffi::{CStr, c_void};
use std::rc::{Rc, Weak};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::ThreadId;

use crossbeam_queue::ArrayQueue;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::editor::dpi::{NativeSize, Size};
use nice_plug::editor::{HostCallbacks, HostMainThreadCaller, HostMethods, ParentWindowHandle};
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use super::com::Steinberg::Linux::{IRunLoop, IRunLoopTrait, ITimerHandler, ITimerHandlerTrait};
use super::com::Steinberg::Vst::{
    IComponentHandler, IComponentHandler2, IComponentHandler2Trait, IComponentHandlerTrait, RestartFlags_,
};
use super::com::Steinberg::{
    FIDString, IPlugFrame, IPlugFrameTrait, IPlugView, IPlugViewContentScaleSupport,
    IPlugViewContentScaleSupport_::ScaleFactor, IPlugViewContentScaleSupportTrait, IPlugViewTrait, TBool,
    ViewRect, char16, int16, kInternalError, kInvalidArgument, kNotImplemented, kPlatformTypeHWND,
    kPlatformTypeNSView, kPlatformTypeX11EmbedWindowID, kResultFalse, kResultOk, tresult,
};
use super::com::{Class, ComPtr, ComRef, ComWrapper};
use super::guard;
use super::ok;
use crate::editor::{KrachEditor, Slot};
use crate::param_values::ParamValues;
use krach_core::processor::place_of_scene;

/// Between two looks at the desk under X11, in milliseconds.
const LOOK: u64 = 40;
/// Gestures that wait for the host to hear of them.
const GESTURES: usize = 256;

/// What the host is to hear of a parameter, values normalised.
#[derive(Clone, Copy)]
enum Gesture {
    Begin(u32),
    Value(u32, f64),
    End(u32),
    /// All three in one, so that none finds room without the others.
    Jump(u32, f64),
}

/// Where other threads leave what they want of the host.
pub struct Desk {
    values: Arc<ParamValues>,
    gestures: ArrayQueue<Gesture>,
    handler: Mutex<Option<Handler>>,
    /// The session is no longer what the host saved or loaded.
    dirty: AtomicBool,
    /// The panic switch is back, and the host has not heard of it.
    panic_over: AtomicBool,
    /// Parameters are called otherwise.
    titles: AtomicBool,
}

/// Whom to tell, and on which thread.
#[derive(Clone)]
struct Handler {
    host: ComPtr<IComponentHandler>,
    thread: ThreadId,
}

impl Desk {
    fn new(values: &Arc<ParamValues>) -> Self {
        Self {
            values: Arc::clone(values),
            gestures: ArrayQueue::new(GESTURES),
            handler: Mutex::default(),
            dirty: AtomicBool::new(false),
            panic_over: AtomicBool::new(false),
            titles: AtomicBool::new(false),
        }
    }

    /// Without room the host has not listened for hundreds of them; it reads values when it does.
    fn leave(&self, gesture: Gesture) {
        let _ = self.gestures.push(gesture);
        if !cfg!(target_os = "linux") {
            self.tell();
        }
    }

    /// A scene was recalled: its parameter stands there, and the host hears of it at its next call.
    pub fn scene_recalled(&self, number: u8) {
        if self.values.scene_recalled(number).is_some() {
            self.tell_scene(number);
        }
    }

    /// The host hears of the scene at its next call. For the audio thread, too: neither allocates nor waits.
    pub fn tell_scene(&self, number: u8) {
        let jump = Gesture::Jump(self.values.scene_id(), f64::from(place_of_scene(number)));
        let _ = self.gestures.push(jump);
        self.mark_dirty();
    }

    /// The session has been edited.
    pub fn mark_dirty(&self) {
        self.dirty.store(true, Ordering::Release);
    }

    /// The host is about to save or load the session. True if it was still to hear of edits.
    pub fn settle(&self) -> bool {
        self.dirty.swap(false, Ordering::AcqRel)
    }

    /// The panic switch is back. For the audio thread, too: one atomic store.
    pub fn panic_is_over(&self) {
        self.panic_over.store(true, Ordering::Release);
    }

    /// Parameters are called otherwise.
    pub fn titles_changed(&self) {
        self.titles.store(true, Ordering::Release);
    }

    /// The instance ends: the host has no use for names any more, and may be taking us down.
    pub fn forget_titles(&self) {
        self.titles.store(false, Ordering::Release);
    }

    fn handler(&self) -> Option<Handler> {
        self.handler.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A call of the host's: the moment to tell it what waits, if this is the main thread.
    fn called(&self) {
        let waits = [&self.dirty, &self.panic_over, &self.titles].map(|waits| waits.load(Ordering::Acquire));
        let waits = waits.contains(&true);
        if waits && self.handler().is_some_and(|handler| handler.thread == std::thread::current().id()) {
            self.tell();
        }
    }

    /// Tells the host. Main thread; the lock is not held, since the host may answer with calls.
    fn tell(&self) {
        let handler = self.handler();
        while let Some(gesture) = self.gestures.pop() {
            if let Some(handler) = &handler {
                gesture.tell(&handler.host);
            }
        }
        let Some(handler) = handler else { return };
        if self.panic_over.swap(false, Ordering::AcqRel) {
            Gesture::Jump(self.values.panic_id(), 0.0).tell(&handler.host);
        }
        if self.titles.swap(false, Ordering::AcqRel) {
            // SAFETY: the host's object, of which we hold a reference, on its main thread.
            unsafe { handler.host.restartComponent(RestartFlags_::kParamTitlesChanged as i32) };
        }
        if self.dirty.swap(false, Ordering::AcqRel)
            && let Some(host) = handler.host.cast::<IComponentHandler2>()
        {
            // SAFETY: the host's object, of which we hold a reference, on its main thread.
            unsafe { host.setDirty(1) };
        }
    }
}

impl Gesture {
    /// Main thread.
    fn tell(self, host: &ComPtr<IComponentHandler>) {
        // SAFETY: the host's object, of which we hold a reference, on its main thread.
        unsafe {
            match self {
                Self::Begin(id) => host.beginEdit(id),
                Self::Value(id, value) => host.performEdit(id, value),
                Self::End(id) => host.endEdit(id),
                Self::Jump(id, value) => {
                    host.beginEdit(id);
                    host.performEdit(id, value);
                    host.endEdit(id)
                }
            };
        }
    }
}

/// How the window changes parameters.
impl GuiContextInner for Desk {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Vst3
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        if let Some(id) = self.values.id_of(param) {
            self.leave(Gesture::Begin(id));
        }
    }

    /// Acts at once: a host that does not process hands no change on.
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        if let Some(id) = self.values.id_of(param) {
            let value = f64::from(normalized);
            self.values.set(id, value);
            self.leave(Gesture::Value(id, value));
        }
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        if let Some(id) = self.values.id_of(param) {
            self.leave(Gesture::End(id));
        }
    }

    /// The state goes another way; see [`crate::instance`].
    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: Default::default(), fields: Default::default() }
    }

    fn set_state(&self, _state: PluginState) {}

    fn request_restart(&self) {}
}

/// The window of one instance. Main thread.
pub struct Gui {
    slot: Slot,
    desk: Arc<Desk>,
    frame: RefCell<Option<ComPtr<IPlugFrame>>>,
    timer: RefCell<Option<Timer>>,
    /// The view that the window was opened through.
    view: Cell<*mut IPlugView>,
}

impl Gui {
    /// Nothing is opened.
    pub fn new(values: &Arc<ParamValues>) -> Rc<Self> {
        Rc::new(Self {
            slot: Slot::new(KrachEditor::new(values.params().clone())),
            desk: Arc::new(Desk::new(values)),
            frame: RefCell::default(),
            timer: RefCell::default(),
            view: Cell::new(std::ptr::null_mut()),
        })
    }

    /// Where others leave what they want of the host.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// The host calls the controller or a view.
    pub fn called(&self) {
        self.desk.called();
    }

    /// Whom to tell of what the window does to parameters, and of what has to do with no window. Main thread.
    ///
    /// # Safety
    /// `handler` is null or the host's.
    pub unsafe fn set_handler(&self, handler: *mut IComponentHandler) {
        // SAFETY: as promised by the caller.
        let handler = unsafe { ComRef::from_raw(handler) }
            .map(|handler| Handler { host: handler.to_com_ptr(), thread: std::thread::current().id() });
        let old = std::mem::replace(
            &mut *self.desk.handler.lock().unwrap_or_else(PoisonError::into_inner),
            handler,
        );
        drop(old);
    }

    /// A view for the host to open the window through; null if there is no window.
    pub fn make_view(self: &Rc<Self>) -> *mut IPlugView {
        if !self.slot.is_usable() {
            return std::ptr::null_mut();
        }
        let view = ComWrapper::new(View { gui: Rc::clone(self), this: Cell::new(std::ptr::null_mut()) });
        let made = view.to_com_ptr::<IPlugView>().map_or(std::ptr::null_mut(), ComPtr::into_raw);
        view.this.set(made);
        made
    }

    fn open(self: &Rc<Self>, parent: ParentWindowHandle) -> bool {
        let host = HostMethods {
            callbacks: Box::new(Callbacks(Rc::downgrade(self))),
            main_thread_caller: Box::new(MainThread),
        };
        if !self.slot.open(Some(parent), GuiContext::new(self.desk.clone()), host) {
            return false;
        }
        if !self.slot.show() {
            self.slot.close();
            return false;
        }
        let frame = self.frame.borrow().clone();
        *self.timer.borrow_mut() = frame.and_then(|frame| Timer::start(&frame, self));
        true
    }

    /// Closes the window, if it is open.
    pub fn close(&self) {
        self.view.set(std::ptr::null_mut());
        self.slot.close();
        self.desk.tell();
        let timer = self.timer.borrow_mut().take();
        drop(timer);
    }

    /// Takes from the desk what lies there.
    fn look(&self) {
        self.slot.on_main_thread();
        self.desk.tell();
    }

    /// Asks the host for another size; false if it refuses.
    fn resize(&self, size: NativeSize<u32>) -> bool {
        let (frame, view) = (self.frame.borrow().clone(), self.view.get());
        let Some(frame) = frame.filter(|_| !view.is_null()) else { return false };
        let mut rect = whole(size);
        // SAFETY: the host's object, of which we hold a reference; the view lives while its window is open.
        unsafe { frame.resizeView(view, &mut rect) == kResultOk }
    }
}

/// What the window asks of the host, on the main thread.
struct Callbacks(Weak<Gui>);

impl HostCallbacks for Callbacks {
    fn request_resize(&mut self, new_size: Size, scale_factor: f64) -> Result<(), Box<dyn Error>> {
        let size = NativeSize::<u32>::from_size(new_size, scale_factor);
        let taken = self.0.upgrade().is_some_and(|gui| gui.resize(size));
        if taken { Ok(()) } else { Err("the host refuses".into()) }
    }

    /// The format has no word for it.
    fn destroyed(&mut self) {}
}

/// The timer looks by itself.
struct MainThread;

impl HostMainThreadCaller for MainThread {
    fn call_main_thread(&mut self) {}
}

/// Our timer in the host's run loop, from its start to its drop.
struct Timer {
    run_loop: ComPtr<IRunLoop>,
    handler: ComPtr<ITimerHandler>,
}

impl Timer {
    /// `None` where the host has no run loop: it is X11's alone.
    fn start(frame: &ComPtr<IPlugFrame>, gui: &Rc<Gui>) -> Option<Self> {
        let run_loop = frame.cast::<IRunLoop>()?;
        let handler = ComWrapper::new(Look(Rc::downgrade(gui))).to_com_ptr::<ITimerHandler>()?;
        // SAFETY: the host's object; the handler lives until it has been taken out again.
        let started = unsafe { run_loop.registerTimer(handler.as_ptr(), LOOK) } == kResultOk;
        started.then_some(Self { run_loop, handler })
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        // SAFETY: the host's object, and the handler that it was given.
        unsafe { self.run_loop.unregisterTimer(self.handler.as_ptr()) };
    }
}

struct Look(Weak<Gui>);

impl Class for Look {
    type Interfaces = (ITimerHandler,);
}

impl ITimerHandlerTrait for Look {
    unsafe fn onTimer(&self) {
        guard((), || {
            if let Some(gui) = self.0.upgrade() {
                gui.look();
            }
        });
    }
}

/// What the host opens the window through.
struct View {
    gui: Rc<Gui>,
    /// This object as the host has it.
    this: Cell<*mut IPlugView>,
}

impl View {
    /// Was the window opened through this view?
    fn is_open(&self) -> bool {
        !self.this.get().is_null() && self.gui.view.get() == self.this.get()
    }
}

/// For hosts that forget `removed`.
impl Drop for View {
    fn drop(&mut self) {
        if self.is_open() {
            guard((), || self.gui.close());
        }
    }
}

impl Class for View {
    type Interfaces = (IPlugView, IPlugViewContentScaleSupport);
}

/// From the origin.
fn whole(size: NativeSize<u32>) -> ViewRect {
    let pixels = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    ViewRect { left: 0, top: 0, right: pixels(size.width), bottom: pixels(size.height) }
}

/// `None` for what no window can have.
fn size_of(rect: &ViewRect) -> Option<NativeSize<u32>> {
    let pixels = |from: i32, to: i32| u32::try_from(to.checked_sub(from)?).ok().filter(|&pixels| pixels > 0);
    Some(NativeSize::new(pixels(rect.left, rect.right)?, pixels(rect.top, rect.bottom)?))
}

/// The windowing system that windows are made with here.
fn is_ours(system: FIDString) -> bool {
    let ours = if cfg!(target_os = "macos") {
        kPlatformTypeNSView
    } else if cfg!(target_os = "windows") {
        kPlatformTypeHWND
    } else {
        kPlatformTypeX11EmbedWindowID
    };
    // SAFETY: null or a string of the host's; a constant string.
    !system.is_null() && unsafe { CStr::from_ptr(system) == CStr::from_ptr(ours) }
}

fn handle_of(parent: *mut c_void) -> Option<ParentWindowHandle> {
    if cfg!(target_os = "macos") {
        std::ptr::NonNull::new(parent).map(ParentWindowHandle::AppKitNsView)
    } else if cfg!(target_os = "windows") {
        std::num::NonZeroIsize::new(parent as isize).map(ParentWindowHandle::Win32Hwnd)
    } else {
        let window = parent as std::ffi::c_ulong;
        (window != 0).then_some(ParentWindowHandle::XlibWindow(window))
    }
}

impl IPlugViewTrait for View {
    unsafe fn isPlatformTypeSupported(&self, system: FIDString) -> tresult {
        ok(is_ours(system))
    }

    unsafe fn attached(&self, parent: *mut c_void, system: FIDString) -> tresult {
        guard(kInternalError, || {
            let Some(parent) = handle_of(parent).filter(|_| is_ours(system)) else { return kInvalidArgument };
            let opened = self.gui.open(parent);
            if opened {
                self.gui.view.set(self.this.get());
            }
            ok(opened)
        })
    }

    unsafe fn removed(&self) -> tresult {
        guard(kInternalError, || {
            let open = self.is_open();
            if open {
                self.gui.close();
            }
            ok(open)
        })
    }

    /// The window hears of wheel and keys from the system.
    unsafe fn onWheel(&self, _distance: f32) -> tresult {
        kResultFalse
    }

    unsafe fn onKeyDown(&self, _key: char16, _code: int16, _modifiers: int16) -> tresult {
        kResultFalse
    }

    unsafe fn onKeyUp(&self, _key: char16, _code: int16, _modifiers: int16) -> tresult {
        kResultFalse
    }

    unsafe fn getSize(&self, size: *mut ViewRect) -> tresult {
        guard(kInternalError, || {
            let Some(known) = self.gui.slot.size().filter(|_| !size.is_null()) else {
                return kInvalidArgument;
            };
            // SAFETY: the host's room for it, not null.
            unsafe { size.write(whole(known)) };
            kResultOk
        })
    }

    unsafe fn onSize(&self, size: *mut ViewRect) -> tresult {
        guard(kInternalError, || {
            // SAFETY: null or the host's, valid for this call.
            let size = unsafe { size.as_ref() }.and_then(size_of);
            size.map_or(kInvalidArgument, |size| ok(self.gui.slot.set_size(size)))
        })
    }

    unsafe fn onFocus(&self, _state: TBool) -> tresult {
        kNotImplemented
    }

    unsafe fn setFrame(&self, frame: *mut IPlugFrame) -> tresult {
        guard(kInternalError, || {
            // SAFETY: null or the host's.
            let frame = unsafe { ComRef::from_raw(frame) }.map(|frame| frame.to_com_ptr());
            let old = self.gui.frame.replace(frame);
            drop(old);
            kResultOk
        })
    }

    unsafe fn canResize(&self) -> tresult {
        kResultOk
    }

    unsafe fn checkSizeConstraint(&self, rect: *mut ViewRect) -> tresult {
        guard(kInternalError, || {
            // SAFETY: null or the host's, valid for this call.
            let Some(rect) = (unsafe { rect.as_mut() }) else { return kInvalidArgument };
            let Some(size) = size_of(rect).and_then(|asked| self.gui.slot.adjust(asked)) else {
                return kResultFalse;
            };
            let fits = whole(size);
            (rect.right, rect.bottom) = (rect.left + fits.right, rect.top + fits.bottom);
            kResultOk
        })
    }
}

impl IPlugViewContentScaleSupportTrait for View {
    unsafe fn setContentScaleFactor(&self, scale: ScaleFactor) -> tresult {
        guard(kInternalError, || ok(self.gui.slot.set_scale(f64::from(scale))))
    }
}

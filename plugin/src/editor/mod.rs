//! The window: **a watcher takes a [`view_model::ViewModel`] of the instance, and the window draws the
//! last one.** Nothing of it runs while it is closed.
//!
//! | file | question it answers |
//! |---|---|
//! | `picture` | what is there to be seen, as coarse as it is shown? |
//! | `watcher` | when is a new picture taken, and who is told? |
//! | `app` | what happens in a frame, and what if it panics? |
//! | `canvas` | how is only what has changed painted? |
//! | `damage` | what has changed? |
//! | `preserved` | is the last frame still there? |
//! | `pace` | how are frames asked for? |
//! | `real` | is the window as large as we think? |
//! | `stall` | what if a frame that was asked for does not come? |
//! | `files` | which session files are there, and how is one opened and saved? |
//! | `sizes` | which sizes can the window have, and which had it last? |
//! | `layout` | where is what? |
//! | `panels` | what does each part look like? |
//! | `style` | colours, sizes, fonts |
//! | `focus` | who gets the keys that are typed over the window? |
//! | `scale` | how many pixels will a point have? |
//! | `slot` | how does a host open and close the window? |
//! | `thread` | has the window's thread ended? |
//! | `handle` | what may a host do with the open window? |
//!
//! The window lives on a thread of its own where the system allows that (X11), else on the host's main
//! thread. It asks the instance by posting and never waits for an answer.

mod app;
mod canvas;
mod damage;
mod files;
mod focus;
mod handle;
mod layout;
mod pace;
mod panels;
mod preserved;
mod real;
mod scale;
mod sizes;
mod slot;
mod stall;
mod style;
mod thread;
mod view_model;
mod watcher;

pub use handle::{GuardedWindow, KrachHandle};
pub use scale::has_display;
pub use slot::Slot;

use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::NativeSize;
use nice_plug::editor::{Editor, EditorHandle, HostMethods, ParentWindowHandle, ResizeHint, SpawnedEditor};
use nice_plug_egui::{
    EguiEditorState, EguiNiceSettings, GlConfig, GraphicsConfig, RepaintNotifier, create_egui_editor,
};

use crate::params::KrachParams;
use app::App;
use view_model::ViewModel;
use watcher::Watcher;

/// The editor of one plugin instance; its window can be opened and closed any number of times.
pub struct KrachEditor {
    notifier: RepaintNotifier,
    shared: Arc<Shared>,
    params: Arc<KrachParams>,
}

/// What the window, its watcher and its handle share.
pub(crate) struct Shared {
    /// The picture to draw.
    pub picture: Mutex<ViewModel>,
    /// Frames of the open window that were begun; written where the picture is held.
    pub drawn: AtomicU64,
    /// The open window as X11 knows it; 0 if there is none.
    pub window: AtomicU32,
    /// Wishes for session files.
    pub files: files::Desk,
    /// The size that it has or had last.
    pub size: sizes::Last,
    /// Pixels per point, as the window last heard; the bits of an `f32`.
    pub scale: AtomicU32,
    /// Pixels of the window if OpenGL is done without a graphics card, so that frames are dear; else 0.
    pub in_software: Arc<AtomicU32>,
    /// What lives as long as the window is open.
    pub open: Mutex<Option<app::Open>>,
    /// The window's thread, where it has one of its own.
    pub thread: thread::Number,
}

impl Shared {
    /// Pixels per point, as the window last heard.
    pub fn scale(&self) -> f64 {
        f64::from(f32::from_bits(self.scale.load(Ordering::Relaxed)))
    }
}

/// Why no window was opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The instance is not there.
    #[error("no window: there is no instance to show")]
    NoInstance,
    /// Something of the window panicked.
    #[error("no window: it failed while it was opened; the sound plays on")]
    Panicked,
    /// The windowing system or OpenGL refused.
    #[error("no window: {0}; a display with OpenGL is needed, the sound does without")]
    System(String),
}

impl KrachEditor {
    /// An editor for the instance that stands in `params.view` when the window is opened.
    pub fn new(params: Arc<KrachParams>) -> Option<Self> {
        let shared = Arc::new(Shared {
            picture: Mutex::default(),
            drawn: AtomicU64::new(0),
            window: AtomicU32::new(0),
            files: files::Desk::default(),
            size: sizes::Last::default(),
            scale: AtomicU32::new(1f32.to_bits()),
            in_software: Arc::default(),
            open: Mutex::default(),
            thread: thread::Number::default(),
        });
        Some(Self { notifier: RepaintNotifier::new(), shared, params })
    }

    fn open(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        scale: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<KrachHandle>, OpenError> {
        let view = self.params.view.get().ok_or(OpenError::NoInstance)?;
        self.shared.drawn.store(0, Ordering::Relaxed);
        // Taken before the window is there, so that its first frame has something to show.
        let watcher = Watcher::start(
            Arc::clone(&view),
            Arc::clone(&self.shared),
            Arc::clone(&self.params),
            self.notifier.clone(),
        );
        // Made for each window: what keeps its size there keeps any.
        let settings = EguiNiceSettings::new()
            .with_tile("krach")
            .with_graphics_config(graphics())
            .with_resize_hint(sizes::hint())
            .with_repaint_poll_interval(watcher::FRAME);
        let app = App::new(Arc::clone(&self.shared), Arc::clone(&self.params));
        let state = EguiEditorState::from_size(self.shared.size.get(), 1.0);
        let inner = create_egui_editor(state, self.notifier.clone(), settings, app)
            .ok_or_else(|| OpenError::System("egui has no editor".to_owned()))?;
        let host = host.map(sizes::guarded);
        let spawned = inner.spawn(parent, wait_for_parent, None, gui_context, host);
        let spawned = spawned.map_err(|error| OpenError::System(error.to_string()))?;
        let handle = KrachHandle::new(spawned.handle, Arc::clone(&self.shared), watcher);
        let window = GuardedWindow::new(spawned.window, Arc::clone(&self.shared));
        // A scale given at creation is not applied to the size by the X11 side, one given later is. And a
        // window that is closed before its loop runs would never hear of it: a request is answered by the
        // loop, so that from here on it runs.
        let settled = match scale.filter(|scale| scale.is_finite() && *scale > 0.0) {
            Some(scale) => handle.set_fallback_scale_factor(scale, &window),
            None => handle.set_size(self.size_to_be(None), &window),
        };
        settled.map_err(|error| OpenError::System(error.to_string()))?;
        Ok(SpawnedEditor { handle, window })
    }

    /// The size in pixels that a window will have if it is opened now in a host that has this scale.
    fn size_to_be(&self, of_host: Option<f64>) -> NativeSize<u32> {
        let scale = scale::of_desktop().or(of_host).unwrap_or_else(|| self.shared.scale());
        NativeSize::from_size(self.shared.size.get().into(), scale)
    }
}

/// No more than flat shapes need. Colours come as they are shown, so that the screen's memory has to be no
/// other than our buffer's; dithering is the dearest part of the shader where there is no graphics card.
fn graphics() -> GraphicsConfig {
    let gl_config = GlConfig { depth_bits: 0, stencil_bits: 0, srgb: false, ..GlConfig::default() };
    GraphicsConfig { gl_config, dithering: false, ..GraphicsConfig::default() }
}

impl Editor for KrachEditor {
    type Handle = KrachHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<KrachHandle>, Box<dyn Error>> {
        let open =
            AssertUnwindSafe(|| self.open(parent, wait_for_parent, fallback_scale_factor, gui_context, host));
        let opened = catch_unwind(open).unwrap_or(Err(OpenError::Panicked));
        if let (Err(error), Some(view)) = (&opened, self.params.view.get()) {
            view.report(error.to_string());
        }
        Ok(opened?)
    }

    fn size(&self) -> NativeSize<u32> {
        NativeSize::from_size(self.shared.size.get().into(), self.shared.scale())
    }

    fn resize_hint(&self) -> ResizeHint {
        sizes::hint()
    }
}

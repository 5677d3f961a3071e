//! The window, and the end: when it is closed, or when somebody asks the program to end.

use std::sync::Arc;

use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::editor::{Editor, EditorHandle};
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;

use crate::editor::{KrachEditor, KrachHandle, has_display};
use crate::param_values::{ParamValues, Standing};
use crate::params::KrachParams;
use crate::signals;

const BLIND: &str = "\
krach: there is no display, so there is no window; sound, socket and patterns work all the same. Ctrl-C ends it.";

/// How the window changes parameters: at once, since nobody else does.
struct Context(ParamValues);

impl GuiContextInner for Context {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Standalone
    }

    unsafe fn raw_begin_set_parameter(&self, _param: ParamPtr) {}

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        let Some(id) = self.0.id_of(param) else { return };
        if self.0.set(id, f64::from(normalized)) == Some(Standing::PANIC) {
            // The next block takes it and switches it off.
            // SAFETY: one of our parameters. The function is kept for nice-plug's wrappers, in whose place we stand.
            unsafe { param._internal_set_normalized_value(normalized) };
        }
    }

    unsafe fn raw_end_set_parameter(&self, _param: ParamPtr) {}

    /// No project is saved.
    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: Default::default(), fields: Default::default() }
    }

    fn set_state(&self, _state: PluginState) {}

    fn request_restart(&self) {}
}

/// Opens the window, and comes back when the program is to end.
pub fn until_the_end(params: &Arc<KrachParams>, scale: Option<f64>) {
    if has_display() {
        match KrachEditor::new(Arc::clone(params)).map(|editor| show(&editor, params, scale)) {
            Some(Ok(())) => return,
            Some(Err(error)) => eprintln!("krach: {error}"),
            None => eprintln!("krach: there is no window"),
        }
    } else {
        eprintln!("{BLIND}");
    }
    while !signals::asked() {
        std::thread::sleep(signals::LOOK);
    }
}

fn show(
    editor: &KrachEditor,
    params: &Arc<KrachParams>,
    scale: Option<f64>,
) -> Result<(), Box<dyn std::error::Error>> {
    let context = GuiContext::new(Arc::new(Context(ParamValues::new(Arc::clone(params)))));
    let spawned = editor.spawn(None, false, scale, context, None)?;
    let ended = KrachHandle::run_until_closed(spawned.window);
    drop(spawned.handle);
    // A window that fails later was seen to: what plays goes on until it is asked to end.
    ended.map_err(Into::into)
}

//! A frame of the window. Whatever panics in it is shown, and ends there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use egui::{Align2, Color32, Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};

use super::focus::Focus;
use super::layout::{self, Copied, NameField};
use super::picture::Picture;
use super::{Shared, style};
use crate::instance::View;
use crate::params::KrachParams;
use krach_core::edit::Edit;

/// Draws the open window.
pub struct App {
    shared: Arc<Shared>,
    params: Arc<KrachParams>,
}

/// What lives as long as the window is open.
pub struct Open {
    view: Arc<View>,
    gui: GuiContext,
    focus: Focus,
    name: NameField,
    copied: Copied,
    /// A frame panicked.
    broken: bool,
}

/// What a frame asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// The instance is to be called that.
    Rename(String),
    /// All gates shut, tails cut.
    Panic,
    /// The engine is to be built anew, after it stopped.
    Rebuild,
    /// Free run on or off.
    FreeRun(bool),
}

impl App {
    /// Ready to be opened.
    pub fn new(shared: Arc<Shared>, params: Arc<KrachParams>) -> Self {
        Self { shared, params }
    }

    fn grant(&self, wish: Wish, picture: &Picture, open: &Open) {
        match wish {
            Wish::Rename(name) => open.view.edit(Edit::SetName(name)),
            Wish::Panic => open.view.edit(Edit::Panic),
            Wish::Rebuild => open.view.edit(Edit::Rebuild),
            Wish::FreeRun(on) => {
                if self.params.free_run.value() != on {
                    let setter = open.gui.param_setter();
                    setter.begin_set_parameter(&self.params.free_run);
                    setter.set_parameter(&self.params.free_run, on);
                    setter.end_set_parameter(&self.params.free_run);
                }
                if picture.session_free_run && !on {
                    open.view.edit(Edit::SetFreeRun(false));
                }
            }
        }
    }

    fn frame(&mut self, ui: &mut Ui, frame: &mut Frame) {
        let Some(mut open) = self.opened().take() else { return };
        let picture = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let draw = AssertUnwindSafe(|| layout::draw(ui, &picture, &mut open.name, &mut open.copied));
        if open.broken {
            apologise(ui);
        } else {
            match catch_unwind(draw) {
                Ok(wishes) => wishes.into_iter().for_each(|wish| self.grant(wish, &picture, &open)),
                Err(_) => {
                    open.broken = true;
                    open.view.report("the window failed; the sound plays on".to_owned());
                    ui.ctx().request_repaint();
                }
            }
        }
        let typing = ui.ctx().egui_wants_keyboard_input();
        if let Some(again) = open.focus.follow(frame.baseview_window(), typing) {
            ui.ctx().request_repaint_after(again);
        }
        if open.copied.is_shown() {
            ui.ctx().request_repaint_after(Duration::from_millis(200));
        }
        *self.opened() = Some(open);
    }

    fn opened(&self) -> MutexGuard<'_, Option<Open>> {
        self.shared.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        egui_ctx: Context,
        nice_gui_ctx: GuiContext,
        frame: &mut Frame,
    ) -> Result<(), HandlerError> {
        let view = self.params.view.get().ok_or_else(|| HandlerError::from_boxed("no instance".into()))?;
        // Nobody says so before the first change.
        self.resized(frame.baseview_window().size());
        egui_ctx.set_theme(egui::Theme::Dark);
        egui_ctx.all_styles_mut(|style| style.visuals = style::visuals());
        frame.set_clear_color(style::as_cleared(style::GROUND));
        *self.opened() = Some(Open {
            view,
            gui: nice_gui_ctx,
            focus: Focus::new(frame.baseview_window()),
            name: NameField::default(),
            copied: Copied::default(),
            broken: false,
        });
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        let whole = AssertUnwindSafe(|| self.frame(ui, frame));
        if catch_unwind(whole).is_err() {
            // Not even the apology: an empty window is still a window.
            self.opened().take();
        }
    }

    fn resized(&mut self, size: WindowSize) {
        self.shared.scale.store((size.scale_factor as f32).to_bits(), Ordering::Relaxed);
    }
}

fn apologise(ui: &Ui) {
    let rect = ui.max_rect();
    let text = "The window has failed; the sound plays on.\nClose it and open it again.";
    ui.painter().rect_filled(rect, 0.0, style::GROUND);
    let color: Color32 = style::DIM;
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, style::body(), color);
}

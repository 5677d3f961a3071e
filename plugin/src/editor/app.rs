//! A frame of the window. Whatever panics in it is shown, and ends there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use egui::{Align2, Color32, Context, Ui};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};

use super::canvas::Canvas;
use super::files::FileCommand;
use super::focus::Focus;
use super::layout::{self, Copied, NameField};
use super::panels::sessions::Sheet;
use super::real::Real;
use super::view_model::ViewModel;
use super::{Shared, pace, preserved, style};
use crate::instance::View;
use crate::params::KrachParams;
use krach_core::edit::{Edit, SceneEdit};
use krach_core::engine::MacroLearning;
use krach_core::model::{MacroTarget, Setting};

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
    sheet: Sheet,
    copied: Copied,
    canvas: Canvas,
    health: Health,
    pace: pace::Pace,
}

/// What a frame asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum UiCommand {
    /// The instance is to be called that.
    Rename(String),
    /// All gates shut, tails cut.
    Panic,
    /// The engine is to be built anew, after it stopped.
    Rebuild,
    /// Free run on or off.
    FreeRun(bool),
    /// The scene of that number is to play.
    Recall(u8),
    /// What sounds is to be that scene, or a new one.
    SaveScene(Option<u8>),
    /// The scene is to be called that.
    RenameScene(u8, String),
    /// The list of session files is to be shown, or no more.
    Sessions(bool),
    /// A session is to be opened or saved.
    File(FileCommand),
    /// The macro of that number waits for the next control that is set; `None`: nothing waits any more.
    LearnMacro(Option<u8>),
    /// A macro moves nothing and has no name from now on.
    ForgetMacro(u8),
    /// A target of a macro is another from now on, or gone.
    Target { number: u8, label: String, to: Option<MacroTarget> },
}

impl App {
    /// Ready to be opened.
    pub fn new(shared: Arc<Shared>, params: Arc<KrachParams>) -> Self {
        Self { shared, params }
    }

    fn perform(&self, wish: UiCommand, picture: &ViewModel, open: &mut Open) {
        match wish {
            UiCommand::Rename(name) => open.view.edit(Edit::Setting(Setting::Name(name))),
            UiCommand::Panic => open.view.edit(Edit::Panic),
            UiCommand::Rebuild => open.view.edit(Edit::Rebuild),
            UiCommand::Recall(number) => open.view.edit(SceneEdit::Recall { number, fade: None }.into()),
            UiCommand::RenameScene(number, name) => {
                open.view.edit(SceneEdit::Rename { number, name }.into());
            }
            UiCommand::SaveScene(number) => open.view.save_scene(number),
            UiCommand::Sessions(shown) => open.sheet.shown = shown,
            UiCommand::File(wish) => self.shared.files.ask(wish),
            UiCommand::LearnMacro(number) => open.view.learn_macro(number.map(MacroLearning::Macro)),
            UiCommand::ForgetMacro(number) => open.view.edit(Edit::Macro { number, to: None }),
            UiCommand::Target { number, label, to } => open.view.change_target(number, label, to),
            UiCommand::FreeRun(on) => {
                if self.params.free_run.value() != on {
                    let setter = open.gui.param_setter();
                    setter.begin_set_parameter(&self.params.free_run);
                    setter.set_parameter(&self.params.free_run, on);
                    setter.end_set_parameter(&self.params.free_run);
                }
                if picture.session_free_run && !on {
                    open.view.edit(Edit::Setting(Setting::FreeRun(false)));
                }
            }
        }
    }

    fn frame(&mut self, ui: &mut Ui, frame: &mut Frame) {
        let Some(mut open) = self.opened().take() else { return };
        open.pace.wait(ui.ctx());
        let picture = {
            let shown = self.shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
            self.shared.drawn.fetch_add(1, Ordering::Relaxed);
            shown.clone()
        };
        let Open { canvas, name, sheet, copied, health, .. } = &mut open;
        let wishes = canvas.draw(
            ui,
            || preserved::keep(frame),
            |ui| health.draw(ui, |ui| layout::draw(ui, &picture, name, sheet, copied)),
        );
        match wishes {
            Ok(wishes) => wishes.into_iter().for_each(|wish| self.perform(wish, &picture, &mut open)),
            Err(Failed) => open.view.report("the window failed; the sound plays on".to_owned()),
        }
        self.shared.files.shown.store(open.sheet.shown, Ordering::Relaxed);
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
        self.shared.thread.tell();
        let pace = pace::Pace::of(frame.baseview_window(), &self.shared);
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
            sheet: Sheet::default(),
            copied: Copied::default(),
            canvas: Canvas::new(
                Arc::clone(&self.shared.in_software),
                preserved::ask(frame),
                Real::of(frame.baseview_window()),
            ),
            health: Health::default(),
            pace,
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
        self.shared.size.keep(size.logical.cast());
    }
}

/// Whether frames can be drawn: one that panics is the last.
#[derive(Default)]
struct Health {
    broken: bool,
}

/// A frame panicked, just now.
#[derive(Debug, PartialEq, Eq)]
struct Failed;

impl Health {
    /// Draws, or says that it cannot any more.
    fn draw(
        &mut self,
        ui: &mut Ui,
        draw: impl FnOnce(&mut Ui) -> Vec<UiCommand>,
    ) -> Result<Vec<UiCommand>, Failed> {
        if self.broken {
            apologise(ui);
            return Ok(Vec::new());
        }
        catch_unwind(AssertUnwindSafe(|| draw(ui))).map_err(|_| {
            self.broken = true;
            ui.ctx().request_repaint();
            Failed
        })
    }
}

fn apologise(ui: &Ui) {
    let rect = ui.max_rect();
    let text = "The window has failed; the sound plays on.\nClose it and open it again.";
    ui.painter().rect_filled(rect, 0.0, style::GROUND);
    let color: Color32 = style::DIM;
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, style::body(), color);
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::{RawInput, Rect, Shape, pos2};
    use krach_core::model::MacroState;

    fn frame(context: &Context, draw: impl FnMut(&mut Ui)) -> Vec<String> {
        let screen = Rect::from_min_max(pos2(0.0, 0.0), pos2(480.0, 620.0));
        let input = RawInput { screen_rect: Some(screen), ..RawInput::default() };
        let mut output = context.run_ui(input, draw);
        output.textures_delta.clear();
        let text = |shape: &egui::epaint::ClippedShape| match &shape.shape {
            Shape::Text(text) => Some(text.galley.text().to_owned()),
            _ => None,
        };
        output.shapes.iter().filter_map(text).collect()
    }

    #[test]
    fn a_panic_in_a_frame_is_told_once_and_the_window_says_so_from_then_on() {
        let (context, mut health) = (Context::default(), Health::default());
        let mut told = Vec::new();
        frame(&context, |ui| {
            told.push(health.draw(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.label("half a frame");
                    panic!("injected");
                });
                Vec::new()
            }));
        });
        assert_eq!(told, [Err(Failed)]);
        for _ in 0..3 {
            let texts = frame(&context, |ui| {
                let wishes = health.draw(ui, |_| panic!("not asked again"));
                assert_eq!(wishes, Ok(Vec::new()));
            });
            assert!(texts.iter().any(|text| text.contains("the sound plays on")), "{texts:?}");
        }
    }

    #[test]
    fn no_size_of_a_window_makes_a_frame_panic() {
        use super::super::files::{Outcome, Sessions};
        use super::super::view_model::{Decibels, Macro, Node, Reading, Scene};
        use krach_core::model::{Curve, MacroTarget};
        let target = MacroTarget { label: "a long/label".to_owned(), lo: -1e9, hi: 1e9, curve: Curve::Auto };
        let shown = |number: u8| Macro {
            title: "a macro of a name that is longer than its column".to_owned(),
            awake: vec![number.is_multiple_of(2); usize::from(number % 17)],
            waits: number == 3,
            state: MacroState {
                targets: vec![target.clone(); usize::from(number % 17)],
                ..MacroState::new(number)
            },
        };
        let context = Context::default();
        let loud = Reading { peak: Decibels::of(2.0), rms: Decibels::of(0.5) };
        let node = |n: usize| Node {
            name: format!("node {n}"),
            type_id: "faust:a long name of a sound".to_owned(),
            meter: Some(n as u32),
            muted: n.is_multiple_of(2),
            solo: n.is_multiple_of(3),
            silent: n.is_multiple_of(5),
            silenced: n == 1,
        };
        let sessions = Sessions {
            yours: (0..30).map(|n| format!("a session of a name that is long {n}")).collect(),
            presets: vec!["one".to_owned()],
            outcome: Some(Outcome::Failed("a reason that is longer than the window is wide".repeat(3))),
        };
        for (poisoned, listed) in [(false, false), (true, false), (false, true)] {
            let picture = ViewModel {
                nodes: Arc::new((0..100).map(node).collect()),
                levels: vec![loud; 100],
                output: [loud; 2],
                scenes: Arc::new(
                    (1..20)
                        .map(|n| Scene { number: n, name: format!("scene {n}"), ready: n % 2 == 0 })
                        .collect(),
                ),
                scene: (3, true),
                macros: Arc::new((1..=64).map(shown).collect()),
                problems: Arc::new((0..20).map(|n| format!("problem {n}")).collect()),
                sessions: Arc::new(sessions.clone()),
                poisoned,
                ..ViewModel::default()
            };
            let (mut name, mut copied) = (NameField::default(), Copied::default());
            let mut sheet = Sheet { shown: listed, ..Sheet::default() };
            for width in (1..700_u16).step_by(23) {
                for height in (1..900_u16).step_by(61) {
                    let screen = Rect::from_min_max(pos2(0.0, 0.0), pos2(width.into(), height.into()));
                    let input = RawInput { screen_rect: Some(screen), ..RawInput::default() };
                    let mut output = context.run_ui(input, |ui| {
                        layout::draw(ui, &picture, &mut name, &mut sheet, &mut copied);
                    });
                    output.textures_delta.clear();
                    context.tessellate(output.shapes, output.pixels_per_point);
                }
            }
        }
    }
}

//! Free run and panic.

use egui::{Rect, Ui, pos2, vec2};

use super::{Look, button};
use crate::editor::app::UiCommand;
use crate::editor::view_model::ViewModel;

/// Height of the row.
pub const HEIGHT: f32 = 30.0;
const PANIC: f32 = 110.0;
const FREE_RUN: f32 = 130.0;

/// Draws it.
pub fn draw(ui: &Ui, rect: Rect, picture: &ViewModel, wishes: &mut Vec<UiCommand>) {
    let left = Rect::from_min_size(rect.min, vec2(FREE_RUN, HEIGHT));
    let look = if picture.free_run { Look::On } else { Look::Plain };
    let text = if picture.free_run { "Free run is on" } else { "Free run" };
    let free = button(ui, left, "free run", text, look);
    if free.clicked() {
        wishes.push(UiCommand::FreeRun(!picture.free_run));
    }
    free.on_hover_text("Patterns play on a clock of their own while the host stands");
    let right = Rect::from_min_size(pos2(rect.right() - PANIC, rect.top()), vec2(PANIC, HEIGHT));
    let panic = button(ui, right, "panic", "Panic", Look::Alarm);
    if panic.clicked() {
        wishes.push(UiCommand::Panic);
    }
    panic.on_hover_text("Shuts all gates and cuts all tails; patterns go on");
}

//! Free run and panic.

use egui::{Rect, Ui, pos2, vec2};

use super::{Look, button};
use crate::editor::app::Wish;
use crate::editor::picture::Picture;

/// Height of the row.
pub const HEIGHT: f32 = 30.0;
const PANIC: f32 = 110.0;
const FREE_RUN: f32 = 130.0;

/// Draws it.
pub fn draw(ui: &Ui, rect: Rect, picture: &Picture, wishes: &mut Vec<Wish>) {
    let left = Rect::from_min_size(rect.min, vec2(FREE_RUN, HEIGHT));
    let look = if picture.free_run { Look::On } else { Look::Plain };
    let text = if picture.free_run { "Free run is on" } else { "Free run" };
    let free = button(ui, left, "free run", text, look);
    if free.clicked() {
        wishes.push(Wish::FreeRun(!picture.free_run));
    }
    free.on_hover_text("Patterns play on a clock of their own while the host stands");
    let right = Rect::from_min_size(pos2(rect.right() - PANIC, rect.top()), vec2(PANIC, HEIGHT));
    let panic = button(ui, right, "panic", "Panic", Look::Alarm);
    if panic.clicked() {
        wishes.push(Wish::Panic);
    }
    panic.on_hover_text("Shuts all gates and cuts all tails; patterns go on");
}

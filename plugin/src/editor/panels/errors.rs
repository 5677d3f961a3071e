//! What went wrong lately, newest first.

use egui::{Align2, Label, Rect, RichText, ScrollArea, Ui, UiBuilder, pos2, vec2};

use super::{card, heading};
use crate::editor::style;
use crate::editor::view_model::ViewModel;

const NONE: f32 = 30.0;

/// Height of the card in a window of that height: one line while there is nothing to tell.
pub fn height(picture: &ViewModel, window: f32) -> f32 {
    match picture.problems.len() {
        0 => NONE,
        1 => 62.0,
        _ => (window * 0.17).clamp(70.0, 150.0),
    }
}

/// Draws it.
pub fn draw(ui: &mut Ui, rect: Rect, problems: &[String]) {
    let inside = card(ui.painter(), rect);
    let width = heading(ui.painter(), pos2(inside.left(), inside.top() + 7.0), "errors");
    let beside = pos2(inside.left() + width + 4.0, inside.top() + 7.0);
    if problems.is_empty() {
        ui.painter().text(beside, Align2::LEFT_CENTER, "none", style::heading(), style::DIM);
        return;
    }
    let count = problems.len().to_string();
    ui.painter().text(beside, Align2::LEFT_CENTER, count, style::heading(), style::WRONG);
    let list = Rect::from_min_max(pos2(inside.left(), inside.top() + 16.0), inside.max);
    ui.scope_builder(UiBuilder::new().max_rect(list), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 4.0);
        ScrollArea::vertical().id_salt("errors").auto_shrink(false).show(ui, |ui| {
            for (age, problem) in problems.iter().enumerate() {
                let color = if age == 0 { style::WRONG } else { style::DIM };
                ui.add(Label::new(RichText::new(problem).font(style::small()).color(color)).wrap());
            }
        });
    });
}

//! What each part looks like.

pub mod errors;
pub mod footer;
pub mod header;
pub mod levels;
pub mod macros;
pub mod nodes;
pub mod scenes;
pub mod sessions;
pub mod socket;
pub mod transport;

use egui::{
    Align2, Color32, FontId, Painter, Pos2, Rect, Response, Sense, Stroke, StrokeKind, Ui, pos2, vec2,
};

use super::app::UiCommand;
use super::style::{self, PAD, ROUND, SMALL_ROUND};
use super::view_model::{METER_FLOOR, Reading};

/// Top of the meters in dB.
const METER_TOP: f32 = 6.0;

/// A card; its inside.
fn card(painter: &Painter, rect: Rect) -> Rect {
    painter.rect_filled(rect, ROUND, style::CARD);
    rect.shrink2(vec2(PAD, PAD - 4.0))
}

/// The heading at a card's top; how wide it is.
fn heading(painter: &Painter, at: Pos2, text: &str) -> f32 {
    let mut spaced = String::with_capacity(text.len() * 2);
    for letter in text.to_uppercase().chars() {
        spaced.push(letter);
        // A hair space: capitals want air.
        spaced.push('\u{200a}');
    }
    painter.text(at, Align2::LEFT_CENTER, spaced, style::heading(), style::FAINT).width()
}

/// The heading of a list, with how many there are, or a word for none, beside it.
fn list_heading(painter: &Painter, inside: Rect, text: &str, count: usize, none: &str) {
    let top = inside.top() + 6.0;
    let width = heading(painter, pos2(inside.left(), top), text);
    let count = if count == 0 { none.to_owned() } else { count.to_string() };
    painter.text(
        pos2(inside.left() + width + 4.0, top),
        Align2::LEFT_CENTER,
        count,
        style::heading(),
        style::DIM,
    );
}

/// Text that ends in an ellipsis where it would be wider than `width`.
fn elided(painter: &Painter, at: Pos2, text: &str, font: FontId, color: Color32, width: f32) -> Rect {
    use egui::text::{LayoutJob, TextFormat, TextWrapping};
    let mut job = LayoutJob::single_section(text.to_owned(), TextFormat::simple(font, color));
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0));
    let galley = painter.layout_job(job);
    let rect = Align2::LEFT_CENTER.anchor_size(at, galley.size());
    painter.galley(rect.min, galley, color);
    rect
}

/// A button with text in the middle.
fn button(ui: &Ui, rect: Rect, id: &str, text: &str, look: Look) -> Response {
    let response = ui.interact(rect, egui::Id::unique(id), Sense::click());
    let over = response.hovered() || response.is_pointer_button_down_on();
    let (fill, line, color) = match look {
        Look::Plain if over => (style::LIFTED, style::LIFTED, style::TEXT),
        Look::Plain => (style::RAISED, style::RAISED, style::TEXT),
        Look::On if over => (style::WARM.linear_multiply(0.30), style::WARM, style::WARM),
        Look::On => (style::WARM.linear_multiply(0.20), style::WARM, style::WARM),
        Look::Alarm if over => (style::WRONG.linear_multiply(0.30), style::WRONG, style::WRONG),
        Look::Alarm => (style::WRONG.linear_multiply(0.10), style::WRONG.linear_multiply(0.6), style::WRONG),
    };
    let painter = ui.painter();
    painter.rect(rect, SMALL_ROUND, fill, Stroke::new(1.0, line), StrokeKind::Inside);
    painter.text(rect.center(), Align2::CENTER_CENTER, text, style::body(), color);
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// How a button looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    On,
    Alarm,
}

/// Place of a level on a meter, 0…1.
fn place(db: f32) -> f32 {
    ((db - METER_FLOOR) / (METER_TOP - METER_FLOOR)).clamp(0.0, 1.0)
}

/// A horizontal meter: the bar is the RMS, the line the peak.
fn meter(painter: &Painter, rect: Rect, reading: Reading) {
    painter.rect_filled(rect, 2.0, style::WELL);
    let x = |db: f32| rect.left() + rect.width() * place(db);
    if let Some(rms) = reading.rms.value() {
        let end = x(rms);
        painter.rect_filled(Rect::from_min_max(rect.min, pos2(end, rect.bottom())), 2.0, style::COOL);
    }
    if let Some(peak) = reading.peak.value() {
        let color = match peak {
            peak if peak > 0.0 => style::WRONG,
            peak if peak > -6.0 => style::HOT,
            _ => style::COOL,
        };
        let end = x(peak).max(rect.left() + 2.0).min(rect.right());
        painter.rect_filled(
            Rect::from_min_max(pos2(end - 2.0, rect.top()), pos2(end, rect.bottom())),
            0.0,
            color,
        );
    }
}

/// A level in figures.
fn figures(reading: Reading) -> String {
    reading.peak.value().map_or_else(|| "–∞".to_owned(), |db| format!("{db:.1}"))
}

/// Over everything: the engine has stopped.
pub fn dead(ui: &Ui, area: Rect, wishes: &mut Vec<UiCommand>) {
    let painter = ui.painter();
    painter.rect_filled(area.expand(style::GAP), 0.0, style::GROUND.linear_multiply(0.8));
    let card = Rect::from_center_size(area.center(), vec2(area.width().min(320.0), 110.0));
    painter.rect(card, ROUND, style::CARD, Stroke::new(1.0, style::WRONG), StrokeKind::Inside);
    let at = |dy: f32| pos2(card.center().x, card.top() + dy);
    painter.text(at(26.0), Align2::CENTER_CENTER, "The engine has stopped", style::body(), style::TEXT);
    painter.text(
        at(46.0),
        Align2::CENTER_CENTER,
        "Nothing of the session is lost.",
        style::small(),
        style::DIM,
    );
    let rect = Rect::from_center_size(at(82.0), vec2(150.0, 28.0));
    if button(ui, rect, "rebuild", "Start it again", Look::On).clicked() {
        wishes.push(UiCommand::Rebuild);
    }
}

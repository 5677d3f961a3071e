//! What goes out, and what it costs.

use egui::{Align2, Painter, Rect, Ui, pos2, vec2};

use super::{card, figures, heading, meter};
use crate::editor::style::{self, GAP, SMALL_ROUND};
use crate::editor::view_model::{Busy, ViewModel};

/// Height of the cards.
pub const HEIGHT: f32 = 70.0;
/// Width of the load.
const LOAD: f32 = 150.0;

/// Draws them side by side.
pub fn draw(ui: &Ui, rect: Rect, picture: &ViewModel) {
    let (mut left, mut right) = (rect, rect);
    left.max.x = rect.right() - LOAD - GAP;
    right.min.x = rect.right() - LOAD;
    output(ui.painter(), left, picture);
    load(ui.painter(), right, picture.busy);
}

fn output(painter: &Painter, rect: Rect, picture: &ViewModel) {
    let inside = card(painter, rect);
    heading(painter, pos2(inside.left(), inside.top() + 6.0), "output");
    let right = pos2(inside.right(), inside.top() + 6.0);
    painter.text(right, Align2::RIGHT_CENTER, "dB", style::heading(), style::FAINT);
    for (side, reading) in picture.output.into_iter().enumerate() {
        let y = inside.top() + 26.0 + 18.0 * side as f32;
        painter.text(
            pos2(inside.left(), y),
            Align2::LEFT_CENTER,
            ["L", "R"][side],
            style::small(),
            style::DIM,
        );
        let bar =
            Rect::from_min_max(pos2(inside.left() + 16.0, y - 4.0), pos2(inside.right() - 48.0, y + 4.0));
        meter(painter, bar, reading);
        let at = pos2(inside.right(), y);
        painter.text(at, Align2::RIGHT_CENTER, figures(reading), style::digits(), style::TEXT);
    }
}

fn load(painter: &Painter, rect: Rect, busy: Busy) {
    let inside = card(painter, rect);
    heading(painter, pos2(inside.left(), inside.top() + 6.0), "cpu");
    if busy.overruns > 0 {
        let text = format!("{} late", busy.overruns);
        let at = pos2(inside.right(), inside.top() + 6.0);
        painter.text(at, Align2::RIGHT_CENTER, text, style::small(), style::WRONG);
    }
    for (line, (word, tenths)) in [("mean", busy.mean), ("worst", busy.worst)].into_iter().enumerate() {
        let y = inside.top() + 26.0 + 18.0 * line as f32;
        painter.text(pos2(inside.left(), y), Align2::LEFT_CENTER, word, style::small(), style::DIM);
        let color = if tenths > 1000 { style::WRONG } else { style::TEXT };
        let text = format!("{}.{} %", tenths / 10, tenths % 10);
        painter.text(pos2(inside.right(), y), Align2::RIGHT_CENTER, text, style::digits(), color);
        let track = Rect::from_min_size(pos2(inside.left() + 40.0, y - 2.0), vec2(28.0, 4.0));
        painter.rect_filled(track, SMALL_ROUND, style::WELL);
        let mut part = track;
        part.max.x = track.left() + track.width() * (tenths as f32 / 1000.0).min(1.0);
        painter.rect_filled(part, SMALL_ROUND, if tenths > 700 { style::HOT } else { style::COOL });
    }
}

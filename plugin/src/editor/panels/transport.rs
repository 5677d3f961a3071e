//! The transport as the plugin sees it, and where in the cycle it is.

use egui::{Align2, Painter, Pos2, Rect, Shape, Stroke, Ui, pos2, vec2};

use super::{card, heading};
use crate::editor::style;
use crate::editor::view_model::{Motion, Transport};

/// Height of the card.
pub const HEIGHT: f32 = 82.0;
/// More ticks than this would be a grey smear.
const MAX_TICKS: f64 = 64.0;

/// Draws it.
pub fn draw(ui: &Ui, rect: Rect, transport: &Transport) {
    let painter = ui.painter();
    let inside = card(painter, rect);
    let row = inside.top() + 10.0;
    let (word, color) = match transport.motion {
        Motion::Idle => ("Not running", style::FAINT),
        Motion::Stopped => ("Stopped", style::DIM),
        Motion::Playing => ("Playing", style::TEXT),
        Motion::FreeRun => ("Free run", style::WARM),
    };
    symbol(painter, pos2(inside.left() + 6.0, row), transport.motion);
    painter.text(pos2(inside.left() + 20.0, row), Align2::LEFT_CENTER, word, style::body(), color);
    if transport.motion == Motion::Idle {
        heading(painter, pos2(inside.left() + 110.0, row), "the host does not call the plugin");
    } else {
        figures(painter, inside, row, transport);
    }
    let track = Rect::from_min_max(pos2(inside.left(), inside.bottom() - 32.0), inside.right_bottom());
    cycle(painter, track, transport);
}

fn figures(painter: &Painter, inside: Rect, row: f32, transport: &Transport) {
    let mut x = inside.left() + 110.0;
    let mut pair = |value: String, unit: &str| {
        let value = painter.text(pos2(x, row), Align2::LEFT_CENTER, value, style::digits(), style::TEXT);
        let at = pos2(value.right() + 4.0, row);
        let unit = painter.text(at, Align2::LEFT_CENTER, unit, style::small(), style::FAINT);
        x = unit.right() + 16.0;
    };
    pair(format!("{:.2}", transport.tempo), "bpm");
    pair(plain(transport.beats_per_cycle), "beats per cycle");
    let cycle = format!("{}", transport.cycle);
    let right = pos2(inside.right(), row);
    let number = painter.text(right, Align2::RIGHT_CENTER, cycle, style::digits(), style::TEXT);
    let at = pos2(number.left() - 5.0, row);
    painter.text(at, Align2::RIGHT_CENTER, "cycle", style::small(), style::FAINT);
}

/// A number without more places than it needs.
fn plain(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn symbol(painter: &Painter, at: Pos2, motion: Motion) {
    match motion {
        Motion::Playing | Motion::FreeRun => {
            let color = if motion == Motion::FreeRun { style::WARM } else { style::COOL };
            let corners = vec![at + vec2(-4.5, -5.5), at + vec2(5.5, 0.0), at + vec2(-4.5, 5.5)];
            painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
        }
        Motion::Stopped | Motion::Idle => {
            let color = if motion == Motion::Idle { style::LINE } else { style::DIM };
            painter.rect_filled(Rect::from_center_size(at, vec2(9.0, 9.0)), 1.0, color);
        }
    }
}

/// The cycle from left to right, a tick per beat, a line where time is.
fn cycle(painter: &Painter, track: Rect, transport: &Transport) {
    painter.rect_filled(track, style::SMALL_ROUND, style::WELL);
    let moving = matches!(transport.motion, Motion::Playing | Motion::FreeRun);
    let x = track.left() + track.width() * transport.phase;
    if moving {
        let past = Rect::from_min_max(track.min, pos2(x, track.bottom()));
        painter.rect_filled(past, style::SMALL_ROUND, style::WARM.linear_multiply(0.13));
    }
    let beats = transport.beats_per_cycle;
    if beats > 1.0 && beats <= MAX_TICKS {
        let mut beat = 1.0;
        while beat < beats - 1e-6 {
            let tick = track.left() + track.width() * (beat / beats) as f32;
            let y = track.y_range().shrink(7.0);
            painter.vline(tick, y, Stroke::new(1.0, style::LINE));
            beat += 1.0;
        }
    }
    let color = if moving { style::WARM } else { style::FAINT };
    if transport.motion != Motion::Idle {
        let line = Rect::from_min_max(pos2(x - 1.0, track.top()), pos2(x + 1.0, track.bottom()));
        painter.rect_filled(line, 0.0, color);
    }
}

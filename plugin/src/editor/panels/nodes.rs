//! The nodes by their names, with their meters and what is muted or solo.

use egui::{Align2, Color32, Painter, Pos2, Rect, ScrollArea, Ui, UiBuilder, pos2, vec2};

use super::{card, elided, figures, list_heading, meter};
use crate::editor::style::{self, ROW};
use crate::editor::view_model::{Node, Reading, ViewModel};

/// Draws them into all of `rect`.
pub fn draw(ui: &mut Ui, rect: Rect, picture: &ViewModel) {
    let inside = card(ui.painter(), rect);
    let count = picture.nodes.len();
    list_heading(ui.painter(), inside, "nodes", count, "");
    let list = Rect::from_min_max(pos2(inside.left(), inside.top() + 16.0), inside.max);
    if count == 0 {
        let text = if picture.answered { "Nothing plays yet: attach and load a graph." } else { "…" };
        let at = pos2(list.center().x, list.center().y - 4.0);
        ui.painter().text(at, Align2::CENTER_CENTER, text, style::small(), style::FAINT);
        return;
    }
    ui.scope_builder(UiBuilder::new().max_rect(list), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ScrollArea::vertical().auto_shrink(false).show_rows(ui, ROW, count, |ui, rows| {
            for row in rows {
                let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), egui::Sense::hover());
                let reading = picture.levels.get(row).copied().unwrap_or_default();
                node(ui, rect, &picture.nodes[row], reading);
            }
        });
    });
}

/// Width that the mark of a mute or a solo takes.
const MARK: f32 = 22.0;

/// The letter of a mute or a solo in a box, with its middle there.
fn mark(painter: &Painter, at: Pos2, letter: &str, color: Color32) {
    let rect = Rect::from_center_size(pos2(at.x + 3.0, at.y), vec2(MARK - 6.0, 14.0));
    painter.rect_filled(rect, style::SMALL_ROUND, color.linear_multiply(0.20));
    painter.text(rect.center(), Align2::CENTER_CENTER, letter, style::small(), color);
}

fn node(ui: &Ui, rect: Rect, node: &Node, reading: Reading) {
    let painter = ui.painter();
    let y = rect.center().y;
    let figures_at = rect.right() - 2.0;
    let bar_right = figures_at - 46.0;
    let bar_width = (rect.width() * 0.36).clamp(60.0, 220.0);
    let bar_left = bar_right - bar_width;
    let names = bar_left - rect.left() - 10.0;
    let color = match node {
        Node { silenced: true, .. } => style::WRONG,
        Node { silent: true, .. } => style::FAINT,
        _ => style::TEXT,
    };
    let mut room = names * 0.62;
    let marks = [(node.muted, "M", style::HOT), (node.solo, "S", style::WARM)];
    room -= MARK * marks.iter().filter(|(on, ..)| *on).count() as f32;
    let name = elided(painter, pos2(rect.left(), y), &node.name, style::body(), color, room);
    let mut end = name.right();
    for (_, letter, color) in marks.into_iter().filter(|(on, ..)| *on) {
        mark(painter, pos2(end + MARK / 2.0, y), letter, color);
        end += MARK;
    }
    let left = (rect.left() + names * 0.5).max(end + 8.0);
    let what = if node.silenced { "silenced: NaN" } else { node.type_id.as_str() };
    let color = if node.silenced { style::WRONG } else { style::FAINT };
    elided(painter, pos2(left, y), what, style::small(), color, bar_left - 10.0 - left);
    if node.meter.is_some() {
        meter(painter, Rect::from_min_max(pos2(bar_left, y - 3.0), pos2(bar_right, y + 3.0)), reading);
        let text = figures(reading);
        painter.text(pos2(figures_at, y), Align2::RIGHT_CENTER, text, style::digits(), style::DIM);
    }
}

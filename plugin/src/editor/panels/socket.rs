//! Where clients come in.

use std::time::Instant;

use egui::{Rect, Ui, pos2, vec2};

use super::{Look, button, card, elided, heading};
use crate::editor::layout::Copied;
use crate::editor::style;
use crate::editor::view_model::ViewModel;

/// Height of the card.
pub const HEIGHT: f32 = 64.0;

/// Draws it.
pub fn draw(ui: &Ui, rect: Rect, picture: &ViewModel, copied: &mut Copied) {
    let inside = card(ui.painter(), rect);
    let (y, left) = (inside.top() + 6.0, inside.left());
    let door = &picture.door;
    let width = heading(ui.painter(), pos2(left, y), "socket");
    let at = pos2(left + width + 8.0, y);
    let room = inside.right() - at.x;
    let path = door.path.as_ref().map(|path| path.display().to_string());
    match (&path, &door.problem) {
        (_, Some(problem)) => {
            let area = elided(ui.painter(), at, problem, style::small(), style::WRONG, room);
            ui.interact(area, egui::Id::unique("problem"), egui::Sense::hover()).on_hover_text(problem);
        }
        (Some(path), None) => {
            elided(ui.painter(), at, path, style::small(), style::DIM, room);
        }
        (None, None) => {}
    }
    let Some(path) = path else { return };
    let height = 26.0;
    let attach = format!("krach attach {}", quoted(&door.name));
    let path_width = 100.0;
    let attach_width = inside.width() - path_width - 8.0;
    let row = inside.bottom() - height;
    let mut copy = |x: f32, width: f32, what: &'static str, label: &str, text: String| {
        let label = if copied.is(what) { "copied" } else { label };
        let place = Rect::from_min_size(pos2(x, row), vec2(width, height));
        let response = button(ui, place, what, label, Look::Plain);
        if response.clicked() {
            ui.ctx().copy_text(text);
            copied.0 = Some((what, Instant::now()));
        }
    };
    copy(left, attach_width, "attach", &format!("Copy  “{}”", shortened(&attach, 38)), attach.clone());
    copy(left + attach_width + 8.0, path_width, "path", "Copy path", path);
}

/// The name as a shell wants it.
fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    if !name.is_empty() && name.chars().all(plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', r"'\''"))
    }
}

fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_name_reaches_the_shell_as_one_word() {
        assert_eq!(quoted("bass-2"), "bass-2");
        assert_eq!(quoted("my bass"), "'my bass'");
        assert_eq!(quoted("a'b; rm"), r"'a'\''b; rm'");
        assert_eq!(quoted(""), "''");
    }
}

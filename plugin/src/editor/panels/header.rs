//! Who is this: the instance's name, which can be typed over, and how many clients listen.

use egui::text::{CCursor, CCursorRange};
use egui::{Align2, Id, Key, Margin, Rect, TextEdit, Ui, pos2, vec2};

use super::{Look, button};
use crate::editor::app::UiCommand;
use crate::editor::layout::NameField;
use crate::editor::style;
use crate::editor::view_model::ViewModel;
use std::time::{Duration, Instant};

/// Height of the header.
pub const HEIGHT: f32 = 30.0;
/// Width of the button that shows the session files.
const SESSIONS: f32 = 72.0;
/// Longest name that can be typed; the engine has the last word.
const MAX_NAME: usize = 64;
/// How long a wished name is shown although the instance does not have it yet.
const PATIENCE: Duration = Duration::from_secs(2);

/// Draws it.
pub fn draw(
    ui: &mut Ui,
    rect: Rect,
    picture: &ViewModel,
    (field, listed): (&mut NameField, bool),
    wishes: &mut Vec<UiCommand>,
) {
    let middle = rect.center().y;
    let painter = ui.painter().clone();
    let at = pos2(rect.left() + 2.0, middle - 1.0);
    let brand = painter.text(at, Align2::LEFT_CENTER, "krach", style::brand(), style::WARM);

    let clients = match picture.door.clients {
        0 => "no clients".to_owned(),
        1 => "1 client".to_owned(),
        n => format!("{n} clients"),
    };
    let color = if picture.door.clients > 0 { style::TEXT } else { style::FAINT };
    let right = pos2(rect.right() - 2.0, middle);
    let text = painter.text(right, Align2::RIGHT_CENTER, clients, style::small(), color);
    let dot = if picture.door.clients > 0 { style::COOL } else { style::LINE };
    painter.circle_filled(pos2(text.left() - 9.0, middle), 3.5, dot);

    let left = brand.right() + 14.0;
    let width = (text.left() - 28.0 - SESSIONS - 8.0 - left).clamp(60.0, 200.0);
    let field_rect = Rect::from_min_size(pos2(left, rect.top() + 2.0), vec2(width, HEIGHT - 4.0));
    name(ui, field_rect, picture, field, wishes);
    let place =
        Rect::from_min_size(pos2(field_rect.right() + 8.0, field_rect.top()), vec2(SESSIONS, HEIGHT - 4.0));
    if place.right() > rect.right() {
        return;
    }
    let sessions = button(ui, place, "sessions", "Sessions", if listed { Look::On } else { Look::Plain });
    if sessions.clicked() {
        wishes.push(UiCommand::Sessions(!listed));
    }
    sessions.on_hover_text("Opens and saves sessions");
}

fn name(ui: &mut Ui, rect: Rect, picture: &ViewModel, field: &mut NameField, wishes: &mut Vec<UiCommand>) {
    let known = &picture.door.name;
    if field
        .asked
        .as_ref()
        .is_some_and(|(asked, since)| asked == known || since.is_some_and(|since| since.elapsed() > PATIENCE))
    {
        field.asked = None;
    }
    let shown = field.asked.as_ref().map_or(known, |(asked, _)| asked);
    let mut text = field.typed.clone().unwrap_or_else(|| shown.clone());
    let edit = TextEdit::singleline(&mut text)
        .id(egui::Id::unique("name"))
        .font(style::body())
        .char_limit(MAX_NAME)
        .margin(Margin::symmetric(8, 4))
        .align(egui::Align2::LEFT_CENTER)
        .hint_text("name of this instance")
        .desired_width(rect.width());
    let response = ui.put(rect, edit);
    if response.gained_focus() {
        select_all(ui, response.id, text.chars().count());
    }
    if response.has_focus() {
        field.typed = Some(text);
    } else if response.lost_focus() {
        field.typed = None;
        let kept = !ui.input(|input| input.key_pressed(Key::Escape));
        let name = text.trim();
        if kept && !name.is_empty() && name != known {
            wishes.push(UiCommand::Rename(name.to_owned()));
            field.asked = Some((name.to_owned(), Some(Instant::now())));
        }
    } else {
        field.typed = None;
    }
}

/// Whoever clicks on a name wants another.
fn select_all(ui: &Ui, id: Id, characters: usize) {
    let mut state = TextEdit::load_state(ui.ctx(), id).unwrap_or_default();
    let all = CCursorRange::two(CCursor::new(0), CCursor::new(characters));
    state.cursor.set_char_range(Some(all));
    state.store(ui.ctx(), id);
}

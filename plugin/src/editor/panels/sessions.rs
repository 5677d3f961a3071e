//! The list of session files: a click opens one, and a name keeps what there is. It takes the place of what lies below
//! the meters while it is shown.

use egui::{Align2, Key, Margin, Rect, ScrollArea, Sense, TextEdit, Ui, UiBuilder, pos2, vec2};

use super::{Look, button, card, elided, heading};
use crate::editor::app::UiCommand;
use crate::editor::files::{Choice, FileCommand, Outcome, Sessions, factory};
use crate::editor::style::{self, ROW};

/// Height below which it is not drawn.
pub const LEAST: f32 = 120.0;
/// Longest name that can be typed; the folder has the last word.
const MAX_NAME: usize = 64;
const FIELD: f32 = 26.0;
const SAVE: f32 = 72.0;
const CLOSE: f32 = 26.0;
const SPACE: f32 = 6.0;

/// The list, as far as it is not in files.
#[derive(Debug, Default)]
pub struct Sheet {
    /// It is shown.
    pub shown: bool,
    /// What stands in the field for a name.
    pub typed: String,
}

/// Draws it.
pub fn draw(ui: &mut Ui, rect: Rect, sessions: &Sessions, sheet: &mut Sheet, wishes: &mut Vec<UiCommand>) {
    let inside = card(ui.painter(), rect);
    let top = inside.top() + FIELD / 2.0;
    let head = heading(ui.painter(), pos2(inside.left(), top), "Sessions");
    let at =
        |right: f32, width: f32| Rect::from_min_size(pos2(right - width, inside.top()), vec2(width, FIELD));
    let close = button(ui, at(inside.right(), CLOSE), "sessions close", "×", Look::Plain);
    if close.clicked() {
        wishes.push(UiCommand::Sessions(false));
    }
    close.on_hover_text("Back to the nodes");
    let right = inside.right() - CLOSE - SPACE;
    let left = inside.left() + head + 12.0;
    let place =
        Rect::from_min_max(pos2(left, inside.top()), pos2(right - SAVE - SPACE, inside.top() + FIELD));
    let id = egui::Id::unique("session name");
    // Before the field takes it. Letters and the key may come in one frame.
    let entered = ui.memory(|memory| memory.has_focus(id)) && ui.input(|input| input.key_pressed(Key::Enter));
    let edit = TextEdit::singleline(&mut sheet.typed)
        .id(id)
        .font(style::body())
        .char_limit(MAX_NAME)
        .margin(Margin::symmetric(8, 4))
        .align(Align2::LEFT_CENTER)
        .hint_text("name to save under");
    ui.put(place, edit);
    let name = sheet.typed.trim().to_owned();
    let replace = sessions.yours.contains(&name);
    let (text, look) = match (replace, name.is_empty()) {
        (true, _) => ("Replace", Look::On),
        (false, true) => ("Save", Look::Plain),
        (false, false) => ("Save", Look::On),
    };
    let save = button(ui, at(right, SAVE), "session save", text, look);
    if (save.clicked() || entered) && !name.is_empty() {
        wishes.push(UiCommand::File(FileCommand::Save { name, replace }));
    }
    save.on_hover_text(match replace {
        true => "Writes the session over the file of that name, which is kept as .bak",
        false => "Writes the session into ~/.krach/sessions",
    });
    let mut below = inside.top() + FIELD + SPACE;
    if let Some(outcome) = &sessions.outcome {
        let (text, color) = match outcome {
            Outcome::Done(text) => (text, style::COOL),
            Outcome::Failed(text) => (text, style::WRONG),
        };
        let at = pos2(inside.left(), below + 8.0);
        elided(ui.painter(), at, text, style::small(), color, inside.width());
        let line = Rect::from_min_size(pos2(inside.left(), below), vec2(inside.width(), 16.0));
        ui.interact(line, egui::Id::unique("session outcome"), Sense::hover()).on_hover_text(text);
        below += 16.0 + SPACE;
    }
    let list = Rect::from_min_max(pos2(inside.left(), below), inside.max);
    if list.height() > ROW {
        entries(ui, list, sessions, wishes);
    }
}

fn entries(ui: &mut Ui, rect: Rect, sessions: &Sessions, wishes: &mut Vec<UiCommand>) {
    let yours = sessions.yours.iter().map(|name| (name.as_str(), Choice::Yours(name.clone()))).collect();
    let presets = sessions.presets.iter().map(|name| (name.as_str(), Choice::Preset(name.clone()))).collect();
    let krachs = factory().map(|(key, name)| (name, Choice::Factory(key))).collect();
    let groups: [(&str, Vec<(&str, Choice)>); 3] =
        [("yours", yours), ("presets", presets), ("come with krach", krachs)];
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ScrollArea::vertical().id_salt("sessions").auto_shrink(false).show(ui, |ui| {
            for (title, entries) in groups {
                if entries.is_empty() {
                    continue;
                }
                let (head, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
                heading(ui.painter(), head.left_center(), title);
                for (name, choice) in entries {
                    let (row, _) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::hover());
                    let id = egui::Id::unique(format!("session {choice:?}"));
                    let entry = ui.interact(row, id, Sense::click());
                    if entry.hovered() {
                        ui.painter().rect_filled(row, style::SMALL_ROUND, style::RAISED);
                    }
                    let at = pos2(row.left() + 8.0, row.center().y);
                    elided(ui.painter(), at, name, style::body(), style::TEXT, row.width() - 16.0);
                    if entry.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                        wishes.push(UiCommand::File(FileCommand::Open(choice)));
                    }
                }
            }
        });
    });
}

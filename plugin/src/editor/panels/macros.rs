//! The host's macros: what each moves, over which range, by which curve; and a button that has one wait for a control.

use egui::{Align2, Color32, DragValue, Rect, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use krach_core::model::{Curve, MacroTarget};

use super::{Look, button, card, elided, list_heading};
use crate::editor::app::UiCommand;
use crate::editor::style::{self, ROW};
use crate::editor::view_model::{Macro, ViewModel};

/// Height of the card while there is nothing to show.
const NONE: f32 = 30.0;
/// Lines that are shown without scrolling, at most.
const LINES: f32 = 5.0;
/// Width that the scroll bar takes.
const SCROLL_BAR: f32 = 8.0;
/// Macros of the host.
const MACROS: u8 = krach_core::limits::MACROS as u8;

/// Height of the card where there is so much room for it and the nodes.
pub fn height(picture: &ViewModel, room: f32) -> f32 {
    let lines: usize = picture.macros.iter().map(lines).sum();
    match lines {
        0 => NONE,
        lines => (NONE + ROW * (lines as f32).min(LINES)).min(room * 0.5),
    }
}

/// Lines that a macro takes: one for each target, and one at least.
fn lines(shown: &Macro) -> usize {
    shown.state.targets.len().max(1)
}

/// Draws it.
pub fn draw(ui: &mut Ui, rect: Rect, picture: &ViewModel, wishes: &mut Vec<UiCommand>) {
    let inside = card(ui.painter(), rect);
    let count = picture.macros.len();
    list_heading(ui.painter(), inside, "macros", count, "none");
    learn_next(ui, inside, picture, wishes);
    if count == 0 || inside.height() < ROW {
        return;
    }
    let list = Rect::from_min_max(pos2(inside.left(), inside.top() + 18.0), inside.max);
    ui.scope_builder(UiBuilder::new().max_rect(list), |ui| {
        ui.spacing_mut().item_spacing = vec2(0.0, 0.0);
        ui.style_mut().override_font_id = Some(style::small());
        ScrollArea::vertical().id_salt("macros").auto_shrink(false).show(ui, |ui| {
            for shown in picture.macros.iter() {
                for line in 0..lines(shown) {
                    // The scroll bar lies over the right end.
                    let size = vec2(ui.available_width() - SCROLL_BAR, ROW);
                    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                    draw_line(ui, rect, shown, line, wishes);
                }
            }
        });
    });
}

/// The button at the card's top: the first macro that is free waits for a control.
fn learn_next(ui: &Ui, inside: Rect, picture: &ViewModel, wishes: &mut Vec<UiCommand>) {
    let waits = picture.macros.iter().any(|shown| shown.waits);
    let taken = |number: u8| picture.macros.iter().any(|shown| shown.state.number == number);
    let Some(next) = (1..=MACROS).find(|number| !taken(*number)).or(waits.then_some(0)) else { return };
    let rect = Rect::from_min_max(
        pos2(inside.right() - 104.0, inside.top() - 4.0),
        pos2(inside.right(), inside.top() + 15.0),
    );
    let (text, look) = match waits {
        true => ("set a control…", Look::On),
        false => ("learn", Look::Plain),
    };
    let hint = "The next control that is set is moved by the first free macro";
    if button(ui, rect, "learn macro", text, look).on_hover_text(hint).clicked() {
        wishes.push(UiCommand::LearnMacro((!waits).then_some(next)));
    }
}

/// One target of a macro, or the macro itself where it has none.
fn draw_line(ui: &mut Ui, rect: Rect, shown: &Macro, line: usize, wishes: &mut Vec<UiCommand>) {
    let painter = ui.painter().clone();
    let painter = &painter;
    let y = rect.center().y;
    let number = shown.state.number;
    let column = |share: f32| rect.left() + rect.width() * share;
    let width = rect.width();
    if line == 0 {
        painter.text(
            pos2(rect.left(), y),
            Align2::LEFT_CENTER,
            number.to_string(),
            style::digits(),
            style::DIM,
        );
        let at = pos2(rect.left() + 22.0, y);
        elided(painter, at, &shown.title, style::body(), style::TEXT, width * 0.30 - 26.0);
    }
    let right = rect.right() - 22.0;
    let Some(target) = shown.state.targets.get(line) else {
        if shown.waits {
            elided(
                painter,
                pos2(column(0.30), y),
                "waits for a control",
                style::small(),
                style::WARM,
                width * 0.4,
            );
        }
        if number > 0 && !shown.waits {
            forget(ui, rect, number, 0, wishes, UiCommand::ForgetMacro(number));
        }
        return;
    };
    let awake = shown.awake.get(line).copied().unwrap_or(true);
    let color = if awake { style::DIM } else { style::FAINT };
    let label = if awake { target.label.clone() } else { format!("{} (not there)", target.label) };
    let room = right - 122.0 - column(0.30);
    elided(painter, pos2(column(0.30), y), &label, style::small(), color, room * 0.52);
    let with = |change: &dyn Fn(&mut MacroTarget)| {
        let mut to = target.clone();
        change(&mut to);
        UiCommand::Target { number, label: target.label.clone(), to: Some(to) }
    };
    let field = |n: f32| {
        let left = column(0.30) + room * (0.54 + 0.23 * n);
        Rect::from_min_max(pos2(left, y - 8.5), pos2(left + room * 0.22, y + 8.5))
    };
    if let Some(lo) = number_field(ui, field(0.0), ("lo", number, line), target.lo, "Value at 0") {
        wishes.push(with(&|target| target.lo = lo));
    }
    if let Some(hi) = number_field(ui, field(1.0), ("hi", number, line), target.hi, "Value at 1") {
        wishes.push(with(&|target| target.hi = hi));
    }
    let curve = Rect::from_min_max(pos2(right - 118.0, y - 8.5), pos2(right - 68.0, y + 8.5));
    let id = |what: &str| format!("{what} {number} {line}");
    if small_button(ui, curve, &id("curve"), name_of(target.curve), "Curve").clicked() {
        let next = next_of(target.curve);
        wishes.push(with(&|target| target.curve = next));
    }
    let inverse = Rect::from_min_max(pos2(right - 64.0, y - 8.5), pos2(right - 40.0, y + 8.5));
    if small_button(ui, inverse, &id("inverse"), "inv", "The other way round").clicked() {
        wishes.push(with(&|target| std::mem::swap(&mut target.lo, &mut target.hi)));
    }
    if line == 0 {
        let learn = Rect::from_min_max(pos2(right - 36.0, y - 8.5), pos2(right, y + 8.5));
        let (text, hint) = match shown.waits {
            true => ("…", "Waits for the next control that is set"),
            false => ("learn", "Moves the next control that is set, too"),
        };
        if small_button(ui, learn, &id("learn"), text, hint).clicked() {
            wishes.push(UiCommand::LearnMacro((!shown.waits).then_some(number)));
        }
    }
    let gone = UiCommand::Target { number, label: target.label.clone(), to: None };
    forget(ui, rect, number, line, wishes, gone);
}

/// The button at the end of a line that takes the target away.
fn forget(ui: &Ui, rect: Rect, number: u8, line: usize, wishes: &mut Vec<UiCommand>, wish: UiCommand) {
    let y = rect.center().y;
    let place = Rect::from_min_max(pos2(rect.right() - 18.0, y - 8.5), pos2(rect.right(), y + 8.5));
    if small_button(ui, place, &format!("forget {number} {line}"), "×", "Moves it no more").clicked() {
        wishes.push(wish);
    }
}

fn small_button(ui: &Ui, rect: Rect, id: &str, text: &str, hint: &str) -> egui::Response {
    let response = ui.interact(rect, egui::Id::unique(id), Sense::click());
    let over = response.hovered() || response.is_pointer_button_down_on();
    let fill: Color32 = if over { style::LIFTED } else { style::RAISED };
    ui.painter().rect_filled(rect, style::SMALL_ROUND, fill);
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, style::small(), style::TEXT);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(hint)
}

/// A number that is dragged or typed; the new one, once the hand lets go.
fn number_field(ui: &mut Ui, rect: Rect, id: (&str, u8, usize), value: f64, hint: &str) -> Option<f64> {
    if rect.width() < 4.0 {
        return None;
    }
    let id = egui::Id::unique(id);
    let mut shown = ui.data(|data| data.get_temp::<f64>(id)).unwrap_or(value);
    let speed = 0.01 * value.abs().max(0.1);
    let field = DragValue::new(&mut shown).speed(speed).max_decimals(3);
    let response = ui.put(rect, field).on_hover_text(hint);
    if response.dragged() || response.has_focus() {
        ui.data_mut(|data| data.insert_temp(id, shown));
        return None;
    }
    ui.data_mut(|data| data.remove_temp::<f64>(id));
    let done = response.drag_stopped() || response.lost_focus();
    (done && shown.is_finite() && shown != value).then_some(shown)
}

fn name_of(curve: Curve) -> &'static str {
    match curve {
        Curve::Auto => "auto",
        Curve::Linear => "linear",
        Curve::Log => "log",
        Curve::Exp => "exp",
        Curve::S => "s",
    }
}

fn next_of(curve: Curve) -> Curve {
    match curve {
        Curve::Auto => Curve::Linear,
        Curve::Linear => Curve::Log,
        Curve::Log => Curve::Exp,
        Curve::Exp => Curve::S,
        Curve::S => Curve::Auto,
    }
}

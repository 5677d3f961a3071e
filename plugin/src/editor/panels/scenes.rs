//! The scenes as a row of buttons: a click recalls, the other button renames, and Save keeps what sounds.

use egui::{Align2, FontSelection, Key, Margin, Rect, ScrollArea, TextEdit, Ui, UiBuilder, pos2, vec2};

use super::{Look, button, card, heading};
use crate::editor::app::UiCommand;
use crate::editor::style;
use crate::editor::view_model::{Scene, ViewModel};

/// Height of the card.
pub const HEIGHT: f32 = 52.0;
/// Longest name that can be typed; the engine has the last word.
const MAX_NAME: usize = 64;
const BUTTON: f32 = 24.0;
const SAVE: f32 = 56.0;
const NEW: f32 = 26.0;
const SPACE: f32 = 6.0;

/// The scene whose name is being typed, and what stands in the field.
#[derive(Clone, Default)]
struct Typed(Option<(u8, String)>);

/// Draws it.
pub fn draw(ui: &mut Ui, rect: Rect, picture: &ViewModel, wishes: &mut Vec<UiCommand>) {
    let inside = card(ui.painter(), rect);
    let middle = inside.center().y;
    let head = heading(ui.painter(), pos2(inside.left(), middle), "Scenes");
    let at = |right: f32, width: f32| {
        Rect::from_min_size(pos2(right - width, middle - BUTTON / 2.0), vec2(width, BUTTON))
    };
    let new = button(ui, at(inside.right(), NEW), "scene new", "+", Look::Plain);
    if new.clicked() {
        wishes.push(UiCommand::SaveScene(None));
    }
    new.on_hover_text("Keeps what sounds as a new scene");
    let (current, changed) = picture.scene;
    let mut right = inside.right() - NEW - SPACE;
    if let Some(scene) = picture.scenes.iter().find(|scene| scene.number == current) {
        let look = if changed { Look::On } else { Look::Plain };
        let save = button(ui, at(right, SAVE), "scene save", "Save", look);
        if save.clicked() {
            wishes.push(UiCommand::SaveScene(Some(current)));
        }
        let state = if changed { "has changed since" } else { "is as it was saved" };
        save.on_hover_text(format!("Keeps what sounds as {}, which {state}", scene.name));
        right -= SAVE + SPACE;
    }
    let left = inside.left() + head + 12.0;
    let row = Rect::from_min_max(pos2(left, middle - BUTTON / 2.0), pos2(right, middle + BUTTON / 2.0));
    if row.width() < 40.0 {
        return;
    }
    if picture.scenes.is_empty() {
        let text = "none yet: + keeps what sounds now";
        super::elided(
            ui.painter(),
            pos2(row.left(), middle),
            text,
            style::small(),
            style::FAINT,
            row.width(),
        );
        return;
    }
    ui.scope_builder(UiBuilder::new().max_rect(row), |ui| {
        ScrollArea::horizontal().id_salt("scenes").show(ui, |ui| {
            let widths: Vec<f32> = picture.scenes.iter().map(|scene| width_of(ui, scene)).collect();
            let whole = widths.iter().map(|width| width + SPACE).sum::<f32>();
            let (space, _) = ui.allocate_exact_size(vec2(whole, BUTTON), egui::Sense::hover());
            let mut x = space.left();
            for (scene, width) in picture.scenes.iter().zip(widths) {
                let place = Rect::from_min_size(pos2(x, space.top()), vec2(width, BUTTON));
                entry(ui, place, scene, (scene.number == current, changed), wishes);
                x += width + SPACE;
            }
        });
    });
}

fn width_of(ui: &Ui, scene: &Scene) -> f32 {
    let font = FontSelection::from(style::body()).resolve(ui.style());
    let galley = ui.painter().layout_no_wrap(format!("{} *", scene.name), font, style::TEXT);
    (galley.size().x + 20.0).clamp(44.0, 160.0)
}

fn entry(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene,
    (current, changed): (bool, bool),
    wishes: &mut Vec<UiCommand>,
) {
    let id = egui::Id::unique("scene typed");
    let typed = ui.data(|data| data.get_temp::<Typed>(id)).unwrap_or_default();
    if let Typed(Some((number, mut text))) = typed
        && number == scene.number
    {
        let edit = TextEdit::singleline(&mut text)
            .id(egui::Id::unique("scene name"))
            .font(style::body())
            .char_limit(MAX_NAME)
            .margin(Margin::symmetric(6, 3))
            .align(Align2::LEFT_CENTER);
        let field = ui.put(rect, edit);
        if !field.has_focus() && !field.lost_focus() {
            field.request_focus();
        }
        let done = field.lost_focus();
        if done && !ui.input(|input| input.key_pressed(Key::Escape)) {
            let name = text.trim();
            if !name.is_empty() && name != scene.name {
                wishes.push(UiCommand::RenameScene(scene.number, name.to_owned()));
            }
        }
        let typed = Typed((!done).then_some((number, text)));
        ui.data_mut(|data| data.insert_temp(id, typed));
        return;
    }
    let mark = if current && changed { " *" } else { "" };
    let look = if current { Look::On } else { Look::Plain };
    let text = format!("{}{mark}", scene.name);
    let shown = button(ui, rect, &format!("scene {}", scene.number), "", look);
    let (at, width) = (pos2(rect.left() + 10.0, rect.center().y), rect.width() - 16.0);
    let color = if current { style::WARM } else { style::TEXT };
    super::elided(ui.painter(), at, &text, style::body(), color, width);
    if shown.clicked() {
        wishes.push(UiCommand::Recall(scene.number));
    }
    if shown.secondary_clicked() {
        let typed = Typed(Some((scene.number, scene.name.clone())));
        ui.data_mut(|data| data.insert_temp(id, typed));
    }
    let ready =
        if scene.ready { "switches on its sample" } else { "is not ready: it begins as soon as it can" };
    shown.on_hover_text(format!("Scene {} {ready}. The other mouse button renames it", scene.number));
}

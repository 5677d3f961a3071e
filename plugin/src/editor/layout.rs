//! Where is what: cards from top to bottom, of which the nodes take what the others leave.

use std::time::{Duration, Instant};

use egui::{Pos2, Rect, Ui, pos2, vec2};

use super::app::UiCommand;
use super::panels::sessions::{self, Sheet};
use super::panels::{self, errors, footer, header, levels, macros, nodes, scenes, socket, transport};
use super::style::{GAP, ROW};
use super::view_model::ViewModel;

/// How long a button says that it has copied.
const THANKS: Duration = Duration::from_millis(1400);
/// Height that the nodes have at least, or they are not drawn.
const NODES: f32 = 2.0 * ROW;

/// Width and height below which nothing is drawn.
const LEAST: f32 = 200.0;

/// The name as it is being typed.
#[derive(Debug, Default)]
pub struct NameField {
    /// What stands in the field, while it has the keys.
    pub typed: Option<String>,
    /// What was asked for last, shown until the instance has it.
    pub asked: Option<(String, Option<Instant>)>,
}

/// What was copied last, and when.
#[derive(Debug, Default)]
pub struct Copied(pub Option<(&'static str, Instant)>);

impl Copied {
    /// Is one of the buttons to say so?
    pub fn is_shown(&self) -> bool {
        self.0.is_some_and(|(_, then)| then.elapsed() < THANKS)
    }

    /// Is this button to say so?
    pub fn is(&self, what: &str) -> bool {
        self.is_shown() && self.0.is_some_and(|(copied, _)| copied == what)
    }
}

/// Draws a picture into the whole of `ui`; tells what was wished for.
pub fn draw(
    ui: &mut Ui,
    picture: &ViewModel,
    name: &mut NameField,
    sheet: &mut Sheet,
    copied: &mut Copied,
) -> Vec<UiCommand> {
    let mut wishes = Vec::new();
    let area = ui.max_rect().shrink(GAP);
    // Hosts make their own window first, and sometimes of no size to speak of.
    if area.width() < LEAST || area.height() < LEAST {
        return wishes;
    }
    let mut top = Stack { area, y: area.top() };
    header::draw(ui, top.take(header::HEIGHT), picture, (name, sheet.shown), &mut wishes);
    transport::draw(ui, top.take(transport::HEIGHT), &picture.transport);
    levels::draw(ui, top.take(levels::HEIGHT), picture);

    let mut bottom = area.bottom();
    let below = |bottom: &mut f32, height: f32| {
        let rect = Rect::from_min_max(pos2(area.left(), *bottom - height), pos2(area.right(), *bottom));
        *bottom -= height + GAP;
        rect
    };
    footer::draw(ui, below(&mut bottom, footer::HEIGHT), picture, &mut wishes);
    errors::draw(ui, below(&mut bottom, errors::height(picture, area.height())), &picture.problems);
    let rest = Rect::from_min_max(pos2(area.left(), top.y), pos2(area.right(), bottom));
    if sheet.shown && rest.height() >= sessions::LEAST {
        sessions::draw(ui, rest, &picture.sessions, sheet, &mut wishes);
        if picture.poisoned {
            panels::dead(ui, area, &mut wishes);
        }
        return wishes;
    }
    scenes::draw(ui, top.take(scenes::HEIGHT), picture, &mut wishes);
    socket::draw(ui, below(&mut bottom, socket::HEIGHT), picture, copied);
    if bottom - top.y >= NODES {
        let room = bottom - top.y;
        let height = macros::height(picture, room);
        let mut end = bottom;
        if room - height - GAP >= NODES {
            end -= height + GAP;
            let rect = pos2(area.left(), bottom - height);
            macros::draw(ui, Rect::from_min_max(rect, pos2(area.right(), bottom)), picture, &mut wishes);
        }
        let rest = Rect::from_min_max(pos2(area.left(), top.y), pos2(area.right(), end));
        nodes::draw(ui, rest, picture);
    }
    if picture.poisoned {
        panels::dead(ui, area, &mut wishes);
    }
    wishes
}

struct Stack {
    area: Rect,
    y: f32,
}

impl Stack {
    fn take(&mut self, height: f32) -> Rect {
        let min: Pos2 = pos2(self.area.left(), self.y);
        self.y += height + GAP;
        Rect::from_min_size(min, vec2(self.area.width(), height))
    }
}

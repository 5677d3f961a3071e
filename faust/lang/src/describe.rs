//! A program's ports and widgets as FAUST describes them, in JSON: what hosts and the engine read.

use crate::options::Precision;
use crate::program::Program;
use crate::signal::{Item, Ui, WidgetKind};
use crate::syntax::{GroupKind, SliderKind};
use std::fmt::Write;

/// FAUST's name for what has none.
const UNNAMED: &str = "0x00";

impl Program {
    /// The description. `name` stands for the program where its text declares none. Values of widgets lie first in
    /// the state, in the order of [`Ui::widgets`]: `index` is a byte offset.
    pub fn describe(&self, name: &str) -> String {
        let declared = self.metadata.iter().find(|(key, _)| key == "name").map(|(_, value)| value.as_str());
        let mut text = String::new();
        let _ = write!(text, "{{\"name\":{},", quoted(declared.unwrap_or(name)));
        let double = self.precision == Precision::Double;
        let _ = write!(
            text,
            "\"inputs\":{},\"outputs\":{},\"double\":{double},",
            self.inputs,
            self.outputs.len()
        );
        text.push_str("\"meta\":");
        metadata(&mut text, &self.metadata);
        text.push_str(",\"ui\":[");
        let shown = |item: &Item| self.is_shown(*item);
        let top = sorted(&self.ui, 0);
        let tops: Vec<Item> = top.iter().copied().filter(shown).collect();
        // One group alone is the outermost; anything else gets one with the program's name around it.
        match tops.as_slice() {
            [only @ Item::Folder(_)] => self.item(&mut text, *only, declared.unwrap_or(name)),
            all => {
                let label = declared.unwrap_or(name);
                let _ = write!(text, "{{\"type\":\"vgroup\",\"label\":{},\"items\":", quoted(label));
                self.items(&mut text, all);
                text.push('}');
            }
        }
        text.push_str("]}");
        text
    }

    fn is_shown(&self, item: Item) -> bool {
        let mut open = vec![item];
        while let Some(item) = open.pop() {
            match item {
                Item::Widget(widget) if self.used.binary_search(&widget).is_ok() => return true,
                Item::Widget(_) => {}
                Item::Folder(folder) => open.extend(&self.ui.folders[folder as usize].items),
            }
        }
        false
    }

    fn items(&self, text: &mut String, items: &[Item]) {
        text.push('[');
        let mut first = true;
        for item in items.iter().filter(|item| self.is_shown(**item)) {
            if !std::mem::take(&mut first) {
                text.push(',');
            }
            self.item(text, *item, UNNAMED);
        }
        text.push(']');
    }

    /// `unnamed` is the name of a group without a label.
    fn item(&self, text: &mut String, item: Item, unnamed: &str) {
        match item {
            Item::Folder(at) => {
                let folder = &self.ui.folders[at as usize];
                let kind = match folder.kind {
                    GroupKind::Horizontal => "hgroup",
                    GroupKind::Vertical => "vgroup",
                    GroupKind::Tab => "tgroup",
                };
                let label = if folder.label.is_empty() { unnamed } else { &folder.label };
                let _ = write!(text, "{{\"type\":\"{kind}\",\"label\":{},", quoted(label));
                if !folder.metadata.is_empty() {
                    text.push_str("\"meta\":");
                    metadata(text, &folder.metadata);
                    text.push(',');
                }
                text.push_str("\"items\":");
                self.items(text, &sorted(&self.ui, at));
                text.push('}');
            }
            Item::Widget(at) => {
                let widget = &self.ui.widgets[at.0 as usize];
                let kind = match widget.kind {
                    WidgetKind::Button => "button",
                    WidgetKind::Checkbox => "checkbox",
                    WidgetKind::Slider(SliderKind::Horizontal) => "hslider",
                    WidgetKind::Slider(SliderKind::Vertical) => "vslider",
                    WidgetKind::Slider(SliderKind::Number) => "nentry",
                    WidgetKind::Bargraph(true) => "hbargraph",
                    WidgetKind::Bargraph(false) => "vbargraph",
                };
                let size = if self.precision == Precision::Double { 8 } else { 4 };
                let label = quoted(if widget.label.is_empty() { UNNAMED } else { &widget.label });
                let _ = write!(text, "{{\"type\":\"{kind}\",\"label\":{label},\"index\":{}", at.0 * size);
                if !widget.metadata.is_empty() {
                    text.push_str(",\"meta\":");
                    metadata(text, &widget.metadata);
                }
                let [init, low, high, step] = widget.range;
                if matches!(widget.kind, WidgetKind::Slider(_)) {
                    let _ = write!(text, ",\"init\":{},\"step\":{}", number(init), number(step));
                }
                if matches!(widget.kind, WidgetKind::Slider(_) | WidgetKind::Bargraph(_)) {
                    let _ = write!(text, ",\"min\":{},\"max\":{}", number(low), number(high));
                }
                text.push('}');
            }
        }
    }
}

/// What is in a folder, by the labels as they are written.
fn sorted(ui: &Ui, folder: u32) -> Vec<Item> {
    let mut items = ui.folders[folder as usize].items.clone();
    items.sort_by_key(|item| match item {
        Item::Folder(at) => ui.folders[*at as usize].written.as_str(),
        Item::Widget(at) => ui.widgets[at.0 as usize].written.as_str(),
    });
    items
}

fn metadata(text: &mut String, entries: &[(String, String)]) {
    text.push('[');
    for (at, (key, value)) in entries.iter().enumerate() {
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{{{}:{}}}", quoted(key), quoted(value));
    }
    text.push(']');
}

/// JSON has no number without an end.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:?}") } else { "null".into() }
}

fn quoted(text: &str) -> String {
    let mut made = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => made.extend(['\\', letter]),
            // Texts over several lines.
            letter if letter.is_control() => made.push(' '),
            letter => made.push(letter),
        }
    }
    made.push('"');
    made
}

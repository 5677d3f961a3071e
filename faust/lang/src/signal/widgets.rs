//! Controls and what is shown, in their groups.

use crate::eval::{Names, Sym};
use crate::hash::Map;
use crate::syntax::{GroupKind, SliderKind};

/// A control, or something that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WidgetId(pub u32);

/// What a widget is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WidgetKind {
    /// A button.
    Button,
    /// A checkbox.
    Checkbox,
    /// A slider or number.
    Slider(SliderKind),
    /// A bargraph; whether it is horizontal.
    Bargraph(bool),
}

impl WidgetKind {
    /// It is written to from outside.
    pub fn is_control(self) -> bool {
        !matches!(self, Self::Bargraph(_))
    }
}

/// A widget.
#[derive(Clone, Debug, PartialEq)]
pub struct Widget {
    /// What it is.
    pub kind: WidgetKind,
    /// Its label without metadata.
    pub label: String,
    /// Its label as it is written, without the path before it: the order within a folder.
    pub written: String,
    /// What its label says in brackets: key and value.
    pub metadata: Vec<(String, String)>,
    /// First value, least, largest, step.
    pub range: [f64; 4],
    /// The folder it is in.
    pub folder: u32,
}

/// A group of widgets.
#[derive(Clone, Debug, PartialEq)]
pub struct Folder {
    /// How it is laid out.
    pub kind: GroupKind,
    /// Its label without metadata.
    pub label: String,
    /// Its label as it is written.
    pub written: String,
    /// What its label says in brackets.
    pub metadata: Vec<(String, String)>,
    /// The folder around it; the first is in none.
    pub parent: Option<u32>,
    /// What is in it, in the order of the text.
    pub items: Vec<Item>,
}

/// What is in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// Another folder.
    Folder(u32),
    /// A widget.
    Widget(WidgetId),
}

/// All widgets of a program. The first folder is that of the program and has no label.
#[derive(Clone, Debug, PartialEq)]
pub struct Ui {
    /// Every widget.
    pub widgets: Vec<Widget>,
    /// Every folder.
    pub folders: Vec<Folder>,
    ids: Map<(u32, WidgetKind, Sym, [u64; 4]), WidgetId>,
    folder_ids: Map<(u32, GroupKind, String), u32>,
}

impl Default for Ui {
    fn default() -> Self {
        let root = Folder {
            kind: GroupKind::Vertical,
            label: String::new(),
            written: String::new(),
            metadata: Vec::new(),
            parent: None,
            items: Vec::new(),
        };
        Self { widgets: Vec::new(), folders: vec![root], ids: Map::default(), folder_ids: Map::default() }
    }
}

impl Ui {
    /// The folder of a group in a folder.
    pub fn folder(&mut self, parent: u32, kind: GroupKind, label: &str) -> u32 {
        self.enter(parent, kind, label)
    }

    fn enter(&mut self, parent: u32, kind: GroupKind, label: &str) -> u32 {
        let key = (parent, kind, label.to_owned());
        if let Some(id) = self.folder_ids.get(&key) {
            return *id;
        }
        let id = self.folders.len() as u32;
        let (plain, metadata) = split(label);
        let written = label.to_owned();
        self.folders.push(Folder {
            kind,
            label: plain,
            written,
            metadata,
            parent: Some(parent),
            items: Vec::new(),
        });
        self.folders[parent as usize].items.push(Item::Folder(id));
        self.folder_ids.insert(key, id);
        id
    }

    /// Follows the path that a widget's label begins with: `/` is the outermost folder, `..` the one around,
    /// `h:name/`, `v:name/` and `t:name/` are groups. What follows is the label, with the slashes in it.
    fn walk<'a>(&mut self, from: u32, label: &'a str) -> (u32, &'a str) {
        let (mut at, mut rest) = match label.strip_prefix('/') {
            Some(rest) => (0, rest),
            None => (from, label),
        };
        while let Some((part, after)) = segment(rest) {
            at = match part.split_once(':') {
                _ if part == ".." => self.folders[at as usize].parent.unwrap_or(0),
                Some(("h", name)) => self.enter(at, GroupKind::Horizontal, name),
                Some(("v", name)) => self.enter(at, GroupKind::Vertical, name),
                Some(("t", name)) => self.enter(at, GroupKind::Tab, name),
                _ => break,
            };
            rest = after;
        }
        (at, rest)
    }

    /// The widget of this label and range in a folder.
    pub fn widget(
        &mut self,
        folder: u32,
        kind: WidgetKind,
        label: Sym,
        range: [f64; 4],
        names: &Names,
    ) -> WidgetId {
        let key = (folder, kind, label, range.map(f64::to_bits));
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        let (folder, last) = self.walk(folder, names.text(label));
        let (label, metadata) = split(last);
        let id = WidgetId(self.widgets.len() as u32);
        let written = last.to_owned();
        self.widgets.push(Widget { kind, label, written, metadata, range, folder });
        self.folders[folder as usize].items.push(Item::Widget(id));
        self.ids.insert(key, id);
        id
    }
}

/// The first part of a path, and what follows its slash. A slash in brackets is none.
fn segment(path: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    for (at, byte) in path.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            b'/' if depth <= 0 => return Some((&path[..at], &path[at + 1..])),
            _ => {}
        }
    }
    None
}

/// A label and what it says in brackets, by key. What follows a bracket that is not closed is left out.
fn split(label: &str) -> (String, Vec<(String, String)>) {
    let (mut plain, mut metadata, mut rest) = (String::new(), Vec::new(), label);
    while let Some(open) = rest.find('[') {
        plain.push_str(&rest[..open]);
        let Some(length) = closing(&rest[open..]) else {
            rest = "";
            break;
        };
        let inside = &rest[open + 1..open + length];
        let (key, value) = inside.split_once(':').unwrap_or((inside, ""));
        metadata.push((key.trim().to_owned(), value.trim().to_owned()));
        rest = &rest[open + length + 1..];
    }
    plain.push_str(rest);
    metadata.sort();
    metadata.dedup();
    (plain.trim().to_owned(), metadata)
}

/// Where the bracket that begins here is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' if depth == 1 => return Some(at),
            b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

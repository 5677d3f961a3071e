//! Names and labels, each kept once.

use std::collections::HashMap;
use std::sync::Arc;

/// A name or label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sym(pub u32);

/// All names of a compile.
#[derive(Default)]
pub struct Names {
    texts: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, Sym>,
}

impl Names {
    /// The name that is written like this.
    pub fn intern(&mut self, text: &str) -> Sym {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = Sym(self.texts.len() as u32);
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.ids.insert(text, id);
        id
    }

    /// The name, if it was met before.
    pub fn known(&self, text: &str) -> Option<Sym> {
        self.ids.get(text).copied()
    }

    /// As it is written.
    pub fn text(&self, id: Sym) -> &str {
        &self.texts[id.0 as usize]
    }
}

/// How many letters must change to make one word of the other; more than 3 is told as 4.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > 3 {
        return 4;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = corner + usize::from(x != y);
            corner = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()].min(4)
}

/// The word that is most like this one, if any is like it.
pub fn similar<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = match word.chars().count() {
        0..=3 => 1,
        4..=5 => 2,
        _ => 3,
    };
    known
        .filter(|other| *other != word && 2 * other.chars().count() > word.chars().count())
        .map(|other| (distance(word, other), other))
        .filter(|(apart, _)| *apart <= most && *apart < word.chars().count())
        .min()
        .map(|(_, other)| other)
}

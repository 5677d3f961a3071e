//! Where texts come from, and texts that were read before.

use crate::options::Precision;
use crate::syntax::{Syntax, parse};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A text and its name.
#[derive(Clone, Debug)]
pub struct Text {
    /// Name: two texts with one name are one text. Errors show it.
    pub name: String,
    /// What is written.
    pub text: Arc<str>,
}

/// Gives texts by the name that an import, a library or a component has in the text `from`.
pub trait Texts {
    /// The text, `None` if there is no such text.
    ///
    /// # Errors
    /// If there is one that cannot be given, with the reason.
    fn find(&mut self, name: &str, from: &str) -> Result<Option<Text>, String>;
}

/// Texts that were read, kept by what is written in them. A process needs one.
#[derive(Default)]
pub struct Shelf {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    syntaxes: HashMap<(Precision, Arc<str>), Arc<Syntax>>,
    bytes: usize,
}

/// Bytes of texts that are kept; beyond that all are dropped, and those that are used come again.
const ROOM: usize = 8 << 20;

impl Shelf {
    /// The text read, now or before.
    pub fn read(&self, text: &Arc<str>, precision: Precision) -> Arc<Syntax> {
        let key = (precision, Arc::clone(text));
        let lock = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(syntax) = lock().syntaxes.get(&key) {
            return Arc::clone(syntax);
        }
        let syntax = Arc::new(parse(text, precision));
        let mut kept = lock();
        if kept.bytes + text.len() > ROOM {
            *kept = Kept::default();
        }
        kept.bytes += text.len();
        kept.syntaxes.insert(key, Arc::clone(&syntax));
        syntax
    }

    /// How many texts are kept.
    pub fn count(&self) -> usize {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).syntaxes.len()
    }
}

//! Sessions that hosts offer as presets: those that come with krach, and the musician's own.

use std::path::Path;

use krach_core::ir::ModuleIr;
use krach_core::session::Session;

use crate::factory_sessions;
pub use crate::factory_sessions::{FACTORY, FactorySession};
use crate::instance::Document;
use crate::session_file::{self, FileFault, SUFFIX};

/// Stack for reading a document of the deepest legal nesting.
const DEEP_STACK: usize = 16 << 20;

/// One that comes with krach.
///
/// # Errors
/// If there is none of that key.
pub fn factory(key: &str) -> Result<Document, String> {
    let found = factory_sessions::find(key)
        .map_err(|hint| format!("no session of krach's is called {key:?}; {hint}"))?;
    Ok(Document { name: found.name.to_owned(), text: found.text.to_owned() })
}

/// One in a file.
///
/// # Errors
/// If it cannot be read.
pub fn in_file(path: &Path) -> Result<Document, String> {
    let text = session_file::read(path).map_err(|fault: FileFault| fault.to_string())?;
    Ok(Document { name: name_of(path), text })
}

/// What a preset in a file is called.
pub fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let stem = name.strip_suffix(SUFFIX).or_else(|| name.strip_suffix(".json"));
    stem.unwrap_or(&name).to_owned()
}

/// What a document holds, checked as far as that needs no instance.
///
/// # Errors
/// What is wrong with it.
pub fn examine(document: Document) -> Result<ModuleIr, String> {
    let Document { name, text } = document;
    let read = move || {
        let module = Session::read_module(&text).map_err(|error| format!("{name}: {error}"))?;
        module.check().map_err(|fault| format!("{name}: {fault}"))?;
        Ok(module)
    };
    let thread = std::thread::Builder::new().stack_size(DEEP_STACK).spawn(read);
    let thread = thread.map_err(|error| format!("no thread to read with: {error}"))?;
    thread.join().unwrap_or_else(|_| Err("internal error: the preset was not read".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_session_of_krachs_is_in_order_and_has_a_name_and_a_line() {
        for FactorySession { key, name, about, text } in FACTORY {
            assert!(!name.is_empty() && !about.is_empty(), "{key}");
            let module = examine(factory(key).unwrap()).unwrap();
            assert!(!module.nodes.is_empty(), "{key}");
            assert!(module.krach.is_some_and(|krach| krach.name.is_empty()), "{key} names no instance");
            assert!(text.len() < 100_000, "{key}");
        }
        assert!(factory("elephant").is_err_and(|why| why.contains("elephant")));
    }

    #[test]
    fn a_preset_is_called_as_its_file() {
        assert_eq!(name_of(Path::new("/a/my song.krach.json")), "my song");
        assert_eq!(name_of(Path::new("/a/b.json")), "b");
        assert_eq!(name_of(Path::new("/a/b")), "b");
    }
}

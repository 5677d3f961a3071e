//! The compiler of our own as a front half.

use super::child::ChildLimits;
use super::closure::{Closure, KnowsLibraries};
use super::half::{FrontHalf, IsCancelled, Translation};
use super::libraries::Libraries;
use crate::error::{CompileError, Diagnostic};
use crate::source::Standard;
use krach_faust_lang::error::{Diagnostic as Fault, Error, Place};
use krach_faust_lang::{Compiler, Limits, Precision, Shelf, Text, Texts, own};
use std::sync::Arc;

/// Changes whenever the programs that come out may.
const VERSION: &str = "krach-faust-lang 4";

/// The compiler of our own, with the libraries that it knows.
pub(crate) struct OwnFront {
    libraries: Libraries,
    shelf: Shelf,
}

impl OwnFront {
    pub(crate) fn new(libraries: Libraries) -> Self {
        Self { libraries, shelf: Shelf::default() }
    }
}

impl KnowsLibraries for OwnFront {
    fn has_library(&self, name: &str, standard: Standard) -> Result<bool, CompileError> {
        let installed = match standard {
            Standard::Installed => self.libraries.installed(name),
            Standard::Own => Ok(None),
        };
        match installed {
            Ok(found) => Ok(found.is_some() || own::text(name).is_some() || own::is_elsewhere(name)),
            Err(error) => Err(CompileError::File { path: name.into(), error }),
        }
    }

    fn imported(&self, standard: Standard) -> Vec<&'static str> {
        match standard {
            Standard::Installed => own::standard().collect(),
            Standard::Own => Vec::new(),
        }
    }
}

impl FrontHalf for OwnFront {
    fn identity(&self, standard: Standard) -> blake3::Hash {
        let libraries = match standard {
            Standard::Installed => self.libraries.identity(),
            Standard::Own => Libraries::own_identity(),
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(VERSION.as_bytes()).update(libraries.as_bytes());
        hasher.finalize()
    }

    fn library_version(&self) -> &str {
        self.libraries.version()
    }

    fn translate(
        &self,
        closure: &Closure,
        _limits: ChildLimits,
        cancelled: IsCancelled<'_>,
    ) -> Result<Translation, CompileError> {
        let precision = if closure.double { Precision::Double } else { Precision::Single };
        let limits = Limits::default();
        let compiler = Compiler { shelf: &self.shelf, limits, precision, cancelled };
        let main = format!("{}.dsp", closure.name);
        let text = Text { name: main.clone(), text: closure.text.main.as_str().into() };
        let mut texts = Found { closure, libraries: &self.libraries };
        match compiler.compile(text, &mut texts) {
            Ok(program) => Ok(Translation::Program(Arc::new(program))),
            Err(error) => Err(told(error, &main)),
        }
    }
}

/// What the text imports first, then libraries.
struct Found<'a> {
    closure: &'a Closure,
    libraries: &'a Libraries,
}

impl Texts for Found<'_> {
    fn find(&mut self, name: &str, _from: &str) -> Result<Option<Text>, String> {
        if let Some(text) = self.closure.text.imports.get(name) {
            return Ok(Some(Text { name: name.to_owned(), text: text.as_str().into() }));
        }
        if self.closure.standard == Standard::Installed
            && let Some((path, text)) = self.libraries.installed(name)?
        {
            return Ok(Some(Text { name: path.display().to_string(), text }));
        }
        Ok(own::text(name))
    }
}

fn told(error: Error, main: &str) -> CompileError {
    let Error::Text(faults) = error else { return CompileError::Cancelled };
    let mut faults = faults.into_iter().map(|fault| diagnostic(fault, main));
    match faults.next() {
        Some(first) => CompileError::Program(Diagnostic { further: faults.collect(), ..first }),
        None => CompileError::Code("the compiler gave up without a reason".to_owned()),
    }
}

/// At the place in the musician's own text that led there, if the fault shows in a library.
fn diagnostic(fault: Fault, main: &str) -> Diagnostic {
    let Fault { place, via, text, hint } = fault;
    let (place, text) = match (via, place) {
        (Some(via), Some(Place { file, line, column, .. })) => {
            (Some(via), format!("{text} (found at {file}:{line}:{column})"))
        }
        (_, place) => (place, text),
    };
    Diagnostic {
        line: place.as_ref().map(|place| place.line),
        column: place.as_ref().map(|place| place.column),
        span: place.as_ref().map(|place| place.span),
        file: place.map_or_else(|| main.to_owned(), |place| place.file),
        text,
        hint,
        further: Box::default(),
    }
}

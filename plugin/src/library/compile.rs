//! The compiler that all instances of this process share, and what its errors are for a musician.

use std::env;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use krach_faust::{
    CompileError, Compiled, Compiler, Diagnostic, FaustCommand, FaustType, FindCommand, Front, Libraries,
    ObjectCache, Ready, Workers,
};
use krach_patch::yaml::Diagnostics;
use serde::Serialize;

use super::inline::InlineSource;
use super::listing::file_of;

/// Chooses what translates FAUST texts: the compiler of our own (`own`, or not set), the `faust` command where one is found
/// (`command`), the command at a path, or a command that is not there (`none`). What comes with krach is always translated by our own.
const FRONT: &str = "KRACH_FAUST";

/// How long the end of an instance waits for a compile that cannot be stopped.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// Why nothing can be compiled here.
struct NoCompiler(String);

impl From<io::Error> for NoCompiler {
    fn from(error: io::Error) -> Self {
        Self(format!("no thread to compile on: {error}"))
    }
}

/// The compile threads of this process.
///
/// # Errors
/// Why there are none, for the musician.
pub(super) fn workers() -> Result<Arc<Workers>, String> {
    let make = || Compiler::new(front(), cache()).map_err(|error| NoCompiler(error.to_string()));
    Workers::of_process(make).map_err(|NoCompiler(why)| why)
}

fn front() -> Front {
    let set = env::var_os(FRONT).unwrap_or_default();
    let find: FindCommand = match set.to_str() {
        Some("" | "own") => return Front::Own(Libraries::find()),
        Some("command") => Box::new(FaustCommand::find),
        Some("none") => Box::new(|| None),
        _ => Box::new(move || FaustCommand::at(Path::new(&set))),
    };
    Front::Command(find)
}

fn cache() -> ObjectCache {
    match ObjectCache::usual_folder() {
        Some(folder) => ObjectCache::in_folder(&folder),
        None => ObjectCache::in_memory(),
    }
}

/// A compiled sound as a type, and its code linked.
pub(super) struct Linked {
    pub ty: FaustType,
    /// Holds the code until a node has it. Where linking failed, creating a node says why.
    pub ready: Option<Ready>,
}

impl Linked {
    /// The type `id` of a compiled program; linking takes its time, so that is done where it was compiled.
    ///
    /// # Errors
    /// If the program is not what its source says.
    pub(super) fn new(
        id: &str,
        compiled: &Compiled,
        held: Option<&InlineSource>,
        sample_rate: f64,
    ) -> Result<Self, String> {
        let ty = FaustType::new(Arc::clone(&compiled.object)).and_then(|ty| InlineSource::dressed(held, ty));
        let ty = ty.map_err(|error| error.to_string())?.called(id);
        let ready = ty.link(sample_rate).ok();
        Ok(Self { ty, ready })
    }
}

/// What a sound is called where only letters, digits, `_` and `-` are allowed.
pub(super) fn program_name(name: &str) -> String {
    let last = name.rsplit('/').next().unwrap_or(name);
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
    let plain: String = last.chars().take(64).map(plain).collect();
    match plain.strip_prefix('-') {
        Some(rest) => format!("_{rest}"),
        None if plain.is_empty() => "_".to_owned(),
        None => plain,
    }
}

/// Why a sound is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Failure {
    /// Its type id.
    #[serde(rename = "type")]
    pub type_id: String,
    /// The nodes whose own source it is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// The first thing that is wrong.
    #[serde(flatten)]
    pub first: Mistake,
    /// What else is wrong, in the order in which it was found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<Mistake>,
}

/// One thing that is wrong with a text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Mistake {
    /// JSON path in that source, if it is a graph.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// The file at fault: by its path in the folder if it is a sound's, else as it is imported.
    pub file: Option<String>,
    /// Line, from 1.
    pub line: Option<u32>,
    /// Column in characters, from 1.
    pub column: Option<u32>,
    /// `[start, end)` in bytes of the file or the text at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<[u32; 2]>,
    /// What is wrong.
    pub text: String,
    /// What would work.
    pub hint: Option<String>,
}

impl Mistake {
    /// With nothing but a text.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// What, where and what would work.
    pub(crate) fn reason(&self) -> String {
        let mut reason = String::new();
        let numbers = || [self.line, self.column].into_iter().flatten();
        if let Some(file) = self.file.as_ref().or(self.place.as_ref()) {
            reason.push_str(file);
            numbers().for_each(|number| reason.push_str(&format!(":{number}")));
            reason.push_str(": ");
        } else if self.line.is_some() {
            // Of the node's own text.
            let words = ["line", "column"].into_iter().zip(numbers());
            reason = words.map(|(word, number)| format!("{word} {number}")).collect::<Vec<_>>().join(" ");
            reason.push_str(": ");
        }
        reason.push_str(&self.text);
        if let Some(hint) = &self.hint {
            reason.push_str(&format!(" ({hint})"));
        }
        reason
    }
}

impl Failure {
    /// One mistake.
    pub(super) fn of_mistake(type_id: &str, first: Mistake) -> Self {
        Self { type_id: type_id.to_owned(), nodes: Vec::new(), first, further: Vec::new() }
    }

    /// With nothing but a text.
    pub(super) fn new(type_id: &str, text: impl Into<String>) -> Self {
        Self::of_mistake(type_id, Mistake::new(text))
    }

    /// Of all that is wrong with a program, each as `of` tells it.
    pub(super) fn of_program(
        type_id: &str,
        diagnostic: &Diagnostic,
        of: impl Fn(&Diagnostic) -> Mistake,
    ) -> Self {
        let further = diagnostic.further.iter().map(&of).collect();
        Self { further, ..Self::of_mistake(type_id, of(diagnostic)) }
    }

    /// Of a patch; `file` is where its text is, if it has a file.
    pub(super) fn of_patch(type_id: &str, file: Option<&str>, wrong: &Diagnostics) -> Self {
        let number = |place: usize| u32::try_from(place).ok();
        let mut all = wrong.0.iter().map(|one| {
            let of_node = one.node.as_ref().map(|node| format!("node `{node}`: ")).unwrap_or_default();
            Mistake {
                file: file.map(str::to_owned),
                line: number(one.line),
                column: number(one.column),
                hint: Some(one.fault.hint.clone()).filter(|hint| !hint.is_empty()),
                ..Mistake::new(format!("{of_node}{}", one.fault.problem))
            }
        });
        let first = all.next().unwrap_or_else(|| Mistake::new("it is no patch"));
        Self { further: all.collect(), ..Self::of_mistake(type_id, first) }
    }

    /// Of the sound `name`.
    pub(super) fn of(type_id: &str, name: &str, error: &CompileError) -> Self {
        let CompileError::Program(diagnostic) = error else { return Self::new(type_id, error.to_string()) };
        let own = format!("{}.dsp", program_name(name));
        Self::of_program(
            type_id,
            diagnostic,
            |Diagnostic { file, line, column, span, text, hint, .. }| Mistake {
                place: None,
                file: Some(if *file == own { file_of(name) } else { file.clone() }),
                line: *line,
                column: *column,
                span: *span,
                text: text.clone(),
                hint: hint.clone(),
            },
        )
    }

    /// What, where and what would work, without the type; of further mistakes a line each.
    pub(crate) fn reason(&self) -> String {
        let all = [&self.first].into_iter().chain(&self.further);
        all.map(Mistake::reason).collect::<Vec<_>>().join("\n")
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let who = if self.nodes.is_empty() { self.type_id.clone() } else { self.nodes.join(", ") };
        write!(f, "{who}: {}", self.reason())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_name_makes_a_name_for_a_program() {
        for (name, program) in [
            ("bass", "bass"),
            ("sub/kick-2", "kick-2"),
            ("my kick", "my_kick"),
            ("-x", "_x"),
            ("über", "_ber"),
            ("", "_"),
        ] {
            assert_eq!(program_name(name), program);
        }
        assert_eq!(program_name(&"x".repeat(200)).len(), 64);
    }

    #[test]
    fn an_error_names_the_file_by_its_place_in_the_folder() {
        let error = CompileError::Program(Diagnostic {
            line: Some(3),
            column: Some(5),
            hint: Some("is its ; there?".into()),
            ..Diagnostic::new("my_kick.dsp", "syntax error")
        });
        let failure = Failure::of("faust:drums/my kick", "drums/my kick", &error);
        assert_eq!(
            failure.to_string(),
            "faust:drums/my kick: drums/my kick.dsp:3:5: syntax error (is its ; there?)"
        );
    }
}

//! Sources that stand in the session's nodes: traced functions and FAUST texts.
//!
//! They are compiled like files, by the same workers and through the same cache. Graphs of one meaning are
//! one type and share their code. A graph is all that its sound depends on; a text may import files of the
//! folder, which then belong to the session like those of any other sound.

use std::collections::VecDeque;
use std::path::Path;

use krach_core::edit::{Edit, EditError, NodeEdit};
use krach_core::engine::Engine;
use krach_core::ir::{Fault, Source as NodeSource};
use krach_core::model::TypeSource;
use krach_faust::{CompileError, Diagnostic, FaustType, Lowered, Source, Standard, lower};

use super::compile::{Failure, Mistake};

/// Names of the programs: the same for all, so that equal texts are one program whoever has them.
const GRAPH: &str = "graph";
const TEXT: &str = "text";

/// Sources that did not compile which are remembered.
const MAX_BAD: usize = 256;

/// A source of nodes, as a program.
pub(super) enum InlineSource {
    /// A traced function.
    Graph(Box<Lowered>),
    /// A text.
    Text(String),
}

impl InlineSource {
    /// The program of a node's source; `None` if it is the name of a type.
    pub(super) fn of(source: &NodeSource) -> Option<Self> {
        match source {
            NodeSource::Type(_) => None,
            NodeSource::Graph(graph) => Some(Self::Graph(Box::new(lower(graph)))),
            NodeSource::Text(text) => Some(Self::Text(text.to_string())),
        }
    }

    /// The FAUST text.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Graph(lowered) => &lowered.text,
            Self::Text(text) => text,
        }
    }

    /// What is to be compiled: imports as `saved` has them, else from `folder`.
    pub(super) fn source(&self, saved: Option<&TypeSource>, folder: Option<&Path>) -> Source {
        match self {
            Self::Graph(lowered) => Source {
                double: lowered.double,
                standard: Standard::Own,
                ..Source::inline(GRAPH, &lowered.text)
            },
            Self::Text(text) => {
                let imports = saved.map(|saved| saved.imports.clone()).unwrap_or_default();
                let folders = folder.map(Path::to_owned).into_iter().collect();
                Source { imports, folders, ..Source::inline(TEXT, text) }
            }
        }
    }

    /// The compiled program with the ports that its graph says.
    pub(super) fn dressed(held: Option<&Self>, ty: FaustType) -> Result<FaustType, CompileError> {
        match held {
            Some(Self::Graph(lowered)) => ty.with_ports(&lowered.inputs, &lowered.outputs),
            _ => Ok(ty),
        }
    }

    /// Why it does not compile, with the nodes that have it and the place in it.
    pub(super) fn failure(&self, type_id: &str, error: &CompileError, engine: &Engine) -> Failure {
        let nodes = engine.session().graph.nodes.iter().filter(|node| node.type_id == type_id);
        Failure { nodes: nodes.map(|node| node.id.clone()).collect(), ..self.fault(type_id, error) }
    }

    /// The same, without the nodes.
    pub(super) fn fault(&self, type_id: &str, error: &CompileError) -> Failure {
        let CompileError::Program(diagnostic) = error else {
            return Failure::new(type_id, error.to_string());
        };
        let own = format!("{TEXT}.dsp");
        Failure::of_program(
            type_id,
            diagnostic,
            |Diagnostic { file, line, column, span, text, hint, .. }| {
                let plain = Mistake { hint: hint.clone(), ..Mistake::new(text.clone()) };
                match self {
                    Self::Graph(lowered) => {
                        let place = line.and_then(|line| lowered.place_of(line)).unwrap_or("$");
                        Mistake { place: Some(place.to_owned()), ..plain }
                    }
                    Self::Text(_) => {
                        let file = (*file != own).then(|| file.clone());
                        Mistake { file, line: *line, column: *column, span: *span, ..plain }
                    }
                }
            },
        )
    }
}

/// Sources that did not compile, newest last: who asks for one again is told at once. Only of graphs is
/// that for ever true: what a text imports may be there next time.
#[derive(Default)]
pub(super) struct KnownBad(VecDeque<Failure>);

impl KnownBad {
    pub(super) fn remember(&mut self, failure: &Failure) {
        if failure.first.place.is_none() || self.find(&failure.type_id).is_some() {
            return;
        }
        if self.0.len() == MAX_BAD {
            self.0.pop_front();
        }
        self.0.push_back(failure.clone());
    }

    fn find(&self, type_id: &str) -> Option<&Failure> {
        self.0.iter().find(|failure| failure.type_id == type_id)
    }

    /// Does the edit ask for one? What an undo or a load brings plays as far as it can.
    ///
    /// # Errors
    /// If so, with its place in the edit.
    pub(super) fn check(&self, edit: &Edit, engine: &Engine) -> Result<(), EditError> {
        match edit {
            Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
                edits.iter().try_for_each(|edit| self.check(edit, engine))
            }
            Edit::Nodes(edits) if !self.0.is_empty() => {
                for (i, edit) in edits.iter().enumerate().filter(|(_, e)| matches!(e, NodeEdit::Set(_))) {
                    let ids = engine.types_of(&Edit::Nodes(vec![edit.clone()]));
                    let Some(failure) = ids.iter().find_map(|id| self.find(id)) else { continue };
                    let at = if edits.len() == 1 { String::new() } else { format!("[{i}]") };
                    let place = failure.first.place.as_deref().unwrap_or("$").trim_start_matches('$');
                    let fault = Fault::new(format!("${at}.source{place}"), failure.first.text.clone());
                    return Err(Fault { hint: failure.first.hint.clone(), ..fault }.into());
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

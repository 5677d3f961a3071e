//! Why an edit, a document or a pattern was refused, as an error of JSON-RPC: what, where, and what would work.

use krach_core::edit::{EditError, LoadError};
use krach_core::graph::GraphError;
use krach_core::ir::{Fault, ModuleIr, did_you_mean};
use krach_core::session::Session;
use krach_patterns::CompileError;
use serde_json::value::RawValue;

use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError, TextPlace};

/// Why an edit was refused, with its place among the parameters.
pub(super) fn refused_edit(error: &EditError, root: &str, text: Option<&str>) -> RpcError {
    let message = match error {
        EditError::Graph(GraphError::DuplicateNode(id)) if is_of_lowering(id) => {
            format!("the name {id} is taken")
        }
        error => error.to_string(),
    };
    let answer = RpcError::new(REFUSED, message).or_hint(|| hint_of(error));
    match error {
        EditError::Pattern(error) => refused_pattern(error, text),
        EditError::Fault(Fault { place, span, .. }) => {
            let answer = answer.at(format!("{root}{}", place.strip_prefix('$').unwrap_or(place)));
            in_text(answer, text, *span)
        }
        EditError::Graph(GraphError::UnknownPort { node, .. }) => answer.at(node.clone()),
        EditError::Graph(GraphError::DuplicateNode(id) | GraphError::UnknownNode(id)) => {
            answer.at(id.clone())
        }
        EditError::Graph(GraphError::TypeNotFound(_) | GraphError::CreationFailed(_)) => {
            answer.at(format!("{root}.source"))
        }
        EditError::Graph(GraphError::Cycle) => answer.at(root),
        EditError::Value { field, .. } => answer.at(format!("{root}.{field}")),
        EditError::Shape(_) => answer.at(format!("{root}.shape")),
        EditError::Limit { .. } => answer.at(root),
    }
}

/// Reads the document that came as the parameter `module`.
pub(super) fn read_module(raw: &RawValue) -> Result<ModuleIr, RpcError> {
    Session::read_module(raw.get()).map_err(|error| refused_document(&error))
}

/// Why a document was refused that came as the parameter `module`.
pub(super) fn refused_document(error: &LoadError) -> RpcError {
    let within = |place: &str| match place.strip_prefix('$') {
        Some(rest) => format!("params.module{rest}"),
        None => format!("params.module: {place}"),
    };
    refused_document_at(error, within)
}

/// Why the document in a file was refused: its place is in the file.
pub(super) fn refused_file(error: &LoadError, file: &str) -> RpcError {
    let error = refused_document_at(error, |place| format!("{file}: {place}"));
    error.or_hint(|| Some("mend the file, or open another".to_owned()))
}

fn refused_document_at(error: &LoadError, within: impl Fn(&str) -> String) -> RpcError {
    match error {
        LoadError::Malformed { place, message } => {
            RpcError::new(INVALID_PARAMS, format!("module not understood: {message}")).at(within(place))
        }
        LoadError::Newer { .. } => {
            RpcError::new(REFUSED, error.to_string()).at(within("$.krach.version")).hint("update krach")
        }
        LoadError::Invalid { place, error } => {
            RpcError { hint: hint_of(error), ..RpcError::new(REFUSED, error.to_string()) }.at(within(place))
        }
    }
}

/// Is it called as what lowering adds to nodes?
fn is_of_lowering(id: &str) -> bool {
    id.ends_with("_g") || id.contains("_send_") || id.starts_with('_')
}

/// What would work instead of a refused edit. Which type or node was meant is known to whoever has the session.
fn hint_of(error: &EditError) -> Option<String> {
    let hint = match error {
        EditError::Pattern(error) => return Some(error.hint()),
        EditError::Fault(fault) => return fault.hint.clone(),
        EditError::Value { expected, .. } => return Some(format!("expected {expected}")),
        EditError::Graph(GraphError::TypeNotFound(_)) => return None,
        EditError::Graph(GraphError::CreationFailed(_)) => "mend its text, or use another type",
        EditError::Graph(GraphError::DuplicateNode(id)) if is_of_lowering(id) => {
            let hint = "krach calls faders, sends and outputs so: give one of the two another name";
            return Some(hint.to_owned());
        }
        EditError::Graph(GraphError::DuplicateNode(_)) => "give one of the two another name",
        EditError::Graph(GraphError::Cycle) => "take a connection of the circle away",
        EditError::Graph(GraphError::UnknownPort { .. }) => "`types` tells which ports a type has",
        EditError::Graph(GraphError::UnknownNode(_)) => "`describe` tells which nodes there are",
        EditError::Shape(error) => return Some(error.hint().to_owned()),
        EditError::Limit { .. } => "remove some that are not needed first",
    };
    Some(hint.to_owned())
}

/// The nearest type, or why a file of the folder is none, where a type was not found.
pub(super) fn type_hint(error: &EditError, context: &RequestContext<'_>) -> Option<String> {
    let EditError::Graph(GraphError::TypeNotFound(wanted)) = error else { return None };
    let engine = &*context.engine;
    if let Some(why) = context.sounds.as_ref().and_then(|sounds| sounds.why_no_sound(wanted)) {
        return Some(why);
    }
    let near = did_you_mean(wanted, engine.registry().type_ids());
    Some(near.unwrap_or_else(|| "`types` tells which there are".to_owned()))
}

/// A pattern that was read and does not compile: where in the tree, and in the text if there is one.
pub(super) fn refused_pattern(error: &CompileError, text: Option<&str>) -> RpcError {
    let answer =
        RpcError::new(REFUSED, format!("compile error: {error}")).at(error.path.clone()).hint(error.hint());
    in_text(answer, text, error.span)
}

/// With the place in the text that a pattern was written as.
fn in_text(answer: RpcError, text: Option<&str>, span: Option<[u32; 2]>) -> RpcError {
    match (text, span) {
        (Some(text), Some(span)) => answer.in_text(TextPlace::of(text, span.map(|at| at as usize))),
        _ => answer,
    }
}

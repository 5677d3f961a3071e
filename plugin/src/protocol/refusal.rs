//! Why an edit, a document or a pattern was refused, as an error of JSON-RPC: what, where, and what would work.

use krach_core::edit::{EditError, LoadError};
use krach_core::engine::Engine;
use krach_core::graph::GraphError;
use krach_core::ir::{Fault, did_you_mean};
use krach_patterns::CompileError;

use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError, TextPlace};

/// Why an edit was refused, with its place among the parameters.
pub(super) fn refused_edit(error: &EditError, root: &str, text: Option<&str>) -> RpcError {
    let answer = RpcError::new(REFUSED, error.to_string());
    match error {
        EditError::Pattern(error) => refused_pattern(error, text),
        EditError::Fault(Fault { place, hint, .. }) => {
            let place = format!("{root}{}", place.strip_prefix('$').unwrap_or(place));
            RpcError { hint: hint.clone(), ..answer.at(place) }
        }
        EditError::Graph(GraphError::UnknownPort { node, .. }) => answer.at(node.clone()),
        EditError::Graph(GraphError::DuplicateNode(id) | GraphError::UnknownNode(id)) => {
            answer.at(id.clone())
        }
        EditError::Graph(GraphError::TypeNotFound(_)) => answer.at(format!("{root}.source")),
        EditError::Value { field, expected } => {
            answer.at(format!("{root}.{field}")).hint(format!("expected {expected}"))
        }
        _ => answer,
    }
}

/// Why a document was refused.
pub(super) fn refused_document(error: &LoadError) -> RpcError {
    let within = |place: &str| match place.strip_prefix('$') {
        Some(rest) => format!("params.module{rest}"),
        None => format!("params.module: {place}"),
    };
    match error {
        LoadError::Malformed { place, message } => {
            RpcError::new(INVALID_PARAMS, format!("module not understood: {message}")).at(within(place))
        }
        LoadError::Newer { .. } => {
            RpcError::new(REFUSED, error.to_string()).at("params.module.krach.version").hint("update krach")
        }
        LoadError::Invalid { place, error } => {
            RpcError { hint: hint_of(error), ..RpcError::new(REFUSED, error.to_string()) }.at(within(place))
        }
    }
}

fn hint_of(error: &EditError) -> Option<String> {
    match error {
        EditError::Fault(fault) => fault.hint.clone(),
        EditError::Value { expected, .. } => Some(format!("expected {expected}")),
        _ => None,
    }
}

pub(super) fn type_hint(error: &EditError, engine: &Engine) -> Option<String> {
    let EditError::Graph(GraphError::TypeNotFound(wanted)) = error else { return None };
    let near = did_you_mean(wanted, engine.registry().type_ids());
    Some(near.unwrap_or_else(|| "`types` tells which there are".to_owned()))
}

/// A pattern that was read and does not compile: where in the tree, and in the text if there is one.
pub(super) fn refused_pattern(error: &CompileError, text: Option<&str>) -> RpcError {
    let answer = RpcError::new(REFUSED, format!("compile error: {error}")).at(error.path.clone());
    match (text, error.span) {
        (Some(text), Some(span)) => answer.in_text(TextPlace::of(text, span.map(|at| at as usize))),
        _ => answer,
    }
}

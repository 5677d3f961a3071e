//! The table of JSON-RPC methods, put together from the files of the methods.

use serde_json::value::RawValue;

use crate::protocol::answer::Work;
use crate::protocol::error::{METHOD_NOT_FOUND, RpcError};
use crate::protocol::method::{Kind, Method};
use crate::protocol::methods::{
    batch, describe, engine, files, freeze, legacy_at, macros, midi, modulation, nodes, play, query, scenes,
    session, sounds, status, subscribe, sync, transport,
};
use crate::protocol::mutation::{ReadMutation, mutation_work};

/// The methods that other methods are part of: they are handed the way to find those.
mod of_methods {
    use super::{batch, find_mutation};
    use crate::protocol::method::methods;

    methods! {
        /// several changes as one: all or nothing, one step, one crossfade; each is checked in turn
        Session "batch" Change(|rest| batch::read_batch(rest, find_mutation)) (batch::Batch<'_>) => (batch::Results);
        /// [several changes over some time](#what-a-transition-does): values, faders, sends, master and tempo go on lines and arrive
        /// together, nodes fade in and out, patterns change at the end; all or nothing, one step
        Session "transition" Change(|rest| batch::read_transition(rest, find_mutation)) (batch::Transition<'_>) => (batch::Results);
    }
}

const TABLES: &[&[Method]] = &[
    session::METHODS,
    files::METHODS,
    of_methods::METHODS,
    scenes::METHODS,
    nodes::METHODS,
    describe::METHODS,
    play::METHODS,
    query::METHODS,
    freeze::METHODS,
    modulation::METHODS,
    midi::METHODS,
    macros::METHODS,
    transport::METHODS,
    engine::METHODS,
    status::METHODS,
    sync::METHODS,
    legacy_at::METHODS,
    sounds::METHODS,
    subscribe::METHODS,
];

/// All methods.
pub(super) fn methods() -> impl Iterator<Item = &'static Method> {
    TABLES.iter().copied().flatten()
}

fn find(name: &str) -> Result<&'static Method, RpcError> {
    methods().find(|method| method.name == name).ok_or_else(|| unknown(name))
}

/// Finds the method and reads its parameters.
pub(super) fn read(method: &str, params: Option<&RawValue>) -> Result<Work, RpcError> {
    match find(method)?.kind {
        Kind::Ask(read) => read(params),
        Kind::Change(read) => mutation_work(params, read),
    }
}

/// How a method's parameters become a mutation; `None` if it is none.
///
/// # Errors
/// If there is no such method.
fn find_mutation(method: &str) -> Result<Option<ReadMutation>, RpcError> {
    Ok(match find(method)?.kind {
        Kind::Change(read) => Some(read),
        Kind::Ask(_) => None,
    })
}

/// Names of all methods, sorted, for the hello line and for error texts.
pub(super) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = methods().map(|method| method.name).collect();
    names.sort_unstable();
    names
}

fn unknown(method: &str) -> RpcError {
    let shown: String = method.chars().take(64).collect();
    let known = names();
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, &shown), name))
        .min()
        .filter(|&(distance, name)| distance <= 1 + name.len() / 3);
    let meant = nearest.map(|(_, name)| format!("did you mean \"{name}\"? ")).unwrap_or_default();
    RpcError::new(METHOD_NOT_FOUND, format!("unknown method: {shown}"))
        .at("method")
        .hint(format!("{meant}known methods: {}", known.join(", ")))
}

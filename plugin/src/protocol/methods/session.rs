//! JSON-RPC methods for the session as a whole: frozen, loaded, put into another, undone.

use krach_core::engine::Engine;
use krach_core::ir::{ModuleIr, check_name, prefix_ir};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::{HistoryStep, RequestContext};
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::{
    Accepted, Mutation, Prepared, When, done_answer, dry_run_answer, split_when,
};
use crate::protocol::params::read_object;
use crate::protocol::refusal::{read_module, refused_document, refused_edit};

methods! {
    /// the whole session as a document ([ir.md](ir.md)); changes that wait for their time are not in it
    Session "capture" Ask(read_capture) () => (Captured);
    /// the session becomes that of the document, as one change
    Session "load" Change(read_load) (Load<'_>) => ();
    /// the document's nodes beside the session's, under a name
    Session "instantiate" Change(read_instantiate) (Instantiate<'_>) => (Instantiated);
    /// nothing that sounds is left; settings stay
    Session "clear" Change(read_clear) (Nothing) => ();
    /// takes the last step back. What was asked for after it and waits for its time is cancelled instead; redo asks for
    /// it again, at its time or at once where that has passed. A flood of one control is one step; what the host moves
    /// is none; a loaded project begins anew
    Session "undo" Ask(read_undo) (Nothing) => (Undone);
    /// does again what was undone last
    Session "redo" Ask(read_redo) (Nothing) => (Redone);
    /// the steps
    Session "history" Ask(read_history) () => (History);
}

/// Steps of the history that are told.
const MAX_STEPS: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Load<'a> {
    /// A ModuleIr ([ir.md](ir.md)).
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    module: &'a RawValue,
    /// What is equal in both plays on untouched, to the bit. So it does without; false is refused: `clear` begins anew.
    #[serde(default = "yes")]
    keep: bool,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Instantiate<'a> {
    /// A ModuleIr.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    module: &'a RawValue,
    /// What its names get before them.
    prefix: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Nothing {}

/// `capture`: the whole session as a ModuleIr. Changes that wait for their time are not in it.
fn read_capture(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Nothing {} = read_object(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(|context| Answer::with(&Captured { module: context.engine.capture() })))
}

/// `load {module, keep?}`: the session becomes that of the module, as one change that can be undone.
fn read_load(rest: &str) -> Result<Mutation, RpcError> {
    let Load { module: raw, keep } = read_object(rest)?;
    if !keep {
        let error = RpcError::new(INVALID_PARAMS, "a load keeps what is equal").at("params.keep");
        return Err(error.hint("clear first to begin anew"));
    }
    let module = read_module(raw)?;
    let change = Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let edit =
            session_preview.session()?.loading(module, registry).map_err(|error| refused_document(&error))?;
        Ok(edit.titled("load").into())
    });
    Ok(change.within("params.module").anew())
}

/// `instantiate {module, prefix}`: the module's nodes beside the session's, under `prefix/`.
fn read_instantiate(rest: &str) -> Result<Mutation, RpcError> {
    let Instantiate { module: raw, prefix } = read_object(rest)?;
    let module = read_module(raw)?;
    check_name(&prefix).map_err(|fault| {
        let error = RpcError::new(INVALID_PARAMS, fault.message).at("params.prefix");
        error.or_hint(|| fault.hint)
    })?;
    let change = Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let (edit, nodes) =
            session.instantiating(&module, &prefix, registry).map_err(|error| refused_document(&error))?;
        let taken = nodes.iter().find(|name| session.node(name).is_some());
        if let Some(name) = taken {
            let error = RpcError::new(REFUSED, format!("the session has a node {name} already"));
            return Err(error.at("params.prefix").hint("choose another prefix, or remove the group first"));
        }
        let ModuleIr { inputs, outputs, .. } = prefix_ir(&ModuleIr { nodes: Vec::new(), ..module }, &prefix);
        let edit = edit.titled(format!("instantiate {prefix}"));
        Ok(Prepared::and(edit, &Instantiated { prefix, nodes, inputs, outputs }))
    });
    Ok(change.within("params.module"))
}

/// `clear`: nothing that sounds is left; settings stay.
fn read_clear(rest: &str) -> Result<Mutation, RpcError> {
    let Nothing {} = read_object(rest)?;
    let change =
        Mutation::new(|session_preview| Ok(session_preview.session()?.clearing().titled("clear").into()));
    Ok(change.anew())
}

/// `undo`: takes the last step back.
fn read_undo(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let answer = |undone| to_json(&Undone { undone });
    step(raw, answer, Engine::undo, |engine| engine.next_steps().0)
}

/// `redo`: does again what was undone last.
fn read_redo(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let answer = |redone| to_json(&Redone { redone });
    step(raw, answer, Engine::redo, |engine| engine.next_steps().1)
}

fn step(
    raw: Option<&RawValue>,
    answer: fn(Option<String>) -> Value,
    go: HistoryStep,
    next: fn(&Engine) -> Option<String>,
) -> Result<Work, RpcError> {
    let (rest, When { at, dry_run }) = split_when(raw)?;
    let Nothing {} = read_object(&rest)?;
    Ok(Box::new(move |context: &mut RequestContext<'_>| {
        if dry_run {
            return Answer::Now(Ok(dry_run_answer(answer(next(context.engine)))));
        }
        let gone = context.step(go, at).map_err(|error| refused_edit(&error, "params", None));
        Answer::Now(gone.map(|gone| {
            let nothing = || (None, Accepted { position: None, seq: *context.last_edit });
            let (label, accepted) =
                gone.map_or_else(nothing, |(label, receipt)| (Some(label), receipt.into()));
            done_answer(answer(label), accepted)
        }))
    }))
}

/// `history`: the steps, oldest first, and how many of them are done.
fn read_history(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Nothing {} = read_object(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(|context| Answer::with(&history(context))))
}

fn history(context: &RequestContext<'_>) -> History {
    let (steps, done) = context.engine.history();
    let (undo, redo) = context.engine.next_steps();
    let first = steps.len().saturating_sub(MAX_STEPS);
    let steps = steps[first..].iter().map(|label| (*label).to_owned()).collect();
    History { steps, first, done, undo, redo }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Captured {
    /// The session, as a ModuleIr.
    #[cfg_attr(test, schemars(schema_with = "document"))]
    pub module: ModuleIr,
}

/// Documents have a schema of their own.
#[cfg(test)]
fn document(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"$ref": "module.schema.json"})
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Instantiated {
    /// What the names got before them.
    pub prefix: String,
    /// Names of the nodes that came.
    pub nodes: Vec<String>,
    /// Nodes that hear what is sent into the module; null if the document declares none.
    pub inputs: Option<Vec<String>>,
    /// Nodes that sound out of it; null if the document declares none.
    pub outputs: Option<Vec<String>>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Undone {
    /// What it was; null at the start.
    pub undone: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Redone {
    /// What it is; null at the end.
    pub redone: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct History {
    /// What was done, oldest first, the last 1000.
    pub steps: Vec<String>,
    /// Number of the first of them, from 0.
    pub first: usize,
    /// How many are done; those beyond were undone.
    pub done: usize,
    /// What `undo` would take back.
    pub undo: Option<String>,
    /// What `redo` would do again.
    pub redo: Option<String>,
}

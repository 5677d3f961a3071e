//! JSON-RPC methods for the session as a whole: frozen, loaded, put into another, undone.

use krach_core::engine::Engine;
use krach_core::ir::{ModuleIr, check_name, prefix_ir};
use krach_core::session::Session;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answers::{Accepted, Captured, History, Instantiated, Redone, Undone};
use super::change::{Change, Made, When, done, fields, refused, refused_document, split, tried};
use super::desk::{Desk, Go};
use super::methods::typed;
use super::rpc::{Answer, INVALID_PARAMS, RpcError, Work, told};

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

fn module(raw: &RawValue) -> Result<ModuleIr, RpcError> {
    Session::read_module(raw.get()).map_err(|error| refused_document(&error))
}

/// `capture`: the whole session as a ModuleIr. Changes that wait for their time are not in it.
pub(super) fn read_capture(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Nothing {} = typed(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(|desk| Answer::with(&Captured { module: desk.engine.capture() })))
}

/// `load {module}`: the session becomes that of the module, as one change that can be undone.
pub(super) fn read_load(rest: &str) -> Result<Change, RpcError> {
    let Load { module: raw } = typed(rest)?;
    let module = module(raw)?;
    let change = Change::new(move |ground| {
        let registry = ground.engine().registry();
        let edit = ground.session()?.loading(module, registry).map_err(|error| refused_document(&error))?;
        Ok(edit.into())
    });
    Ok(change.within("params.module"))
}

/// `instantiate {module, prefix}`: the module's nodes beside the session's, under `prefix/`.
pub(super) fn read_instantiate(rest: &str) -> Result<Change, RpcError> {
    let Instantiate { module: raw, prefix } = typed(rest)?;
    let module = module(raw)?;
    check_name(&prefix).map_err(|fault| {
        let error = RpcError::new(INVALID_PARAMS, fault.message).at("params.prefix");
        error.or_hint(|| fault.hint)
    })?;
    let change = Change::new(move |ground| {
        let registry = ground.engine().registry();
        let session = ground.session()?;
        let (edit, nodes) =
            session.instantiating(&module, &prefix, registry).map_err(|error| refused_document(&error))?;
        let taken = nodes.iter().find(|name| session.node(name).is_some());
        if let Some(name) = taken {
            let error = RpcError::new(super::rpc::REFUSED, format!("the session has a node {name} already"));
            return Err(error.at("params.prefix").hint("choose another prefix, or remove the group first"));
        }
        let ModuleIr { inputs, outputs, .. } = prefix_ir(&ModuleIr { nodes: Vec::new(), ..module }, &prefix);
        Ok(Made::and(edit, &Instantiated { prefix, nodes, inputs, outputs }))
    });
    Ok(change.within("params.module"))
}

/// `clear`: nothing that sounds is left; settings stay.
pub(super) fn read_clear(rest: &str) -> Result<Change, RpcError> {
    let Nothing {} = fields(rest)?;
    Ok(Change::new(|ground| Ok(ground.session()?.clearing().into())))
}

/// `undo`: takes the last step back.
pub(super) fn read_undo(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let told = |undone| told(&Undone { undone });
    step(raw, told, Engine::undo, |engine| engine.next_steps().0.map(str::to_owned))
}

/// `redo`: does again what was undone last.
pub(super) fn read_redo(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let told = |redone| told(&Redone { redone });
    step(raw, told, Engine::redo, |engine| engine.next_steps().1.map(str::to_owned))
}

fn step(
    raw: Option<&RawValue>,
    told: fn(Option<String>) -> Value,
    go: Go,
    next: fn(&Engine) -> Option<String>,
) -> Result<Work, RpcError> {
    let (rest, When { at, dry_run }) = split(raw)?;
    let Nothing {} = fields(&rest)?;
    Ok(Box::new(move |desk: &mut Desk<'_>| {
        if dry_run {
            return Answer::Now(Ok(tried(told(next(desk.engine)))));
        }
        let gone = desk.step(go, at).map_err(|error| refused(&error, "params", None));
        Answer::Now(gone.map(|gone| {
            let nothing = || (None, Accepted { position: None, seq: *desk.last_edit });
            let (label, accepted) =
                gone.map_or_else(nothing, |(label, receipt)| (Some(label), receipt.into()));
            done(told(label), accepted)
        }))
    }))
}

/// `history`: the steps, oldest first, and how many of them are done.
pub(super) fn read_history(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Nothing {} = typed(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(|desk| Answer::with(&history(desk))))
}

fn history(desk: &Desk<'_>) -> History {
    let (steps, done) = desk.engine.history();
    let (undo, redo) = desk.engine.next_steps();
    let first = steps.len().saturating_sub(MAX_STEPS);
    let own = |label: &str| label.to_owned();
    let steps = steps[first..].iter().map(|label| own(label)).collect();
    History { steps, first, done, undo: undo.map(own), redo: redo.map(own) }
}

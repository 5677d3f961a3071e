//! Changes: what all JSON-RPC methods that change the session have in common. Each is all or nothing, may
//! have a time (`at`), and can be tried (`dry_run`) without anything being changed.

use std::collections::{BTreeMap, HashSet};

use krach_core::edit::{At, Edit, EditError, LoadError, NodeEdit};
use krach_core::engine::Engine;
use krach_core::graph::GraphError;
use krach_core::ir::{Fault, did_you_mean};
use krach_core::session::Session;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::answers::{Accepted, Results};
use super::at;
use super::desk::Desk;
use super::methods::params;
use super::play::refused_pattern;
use super::rpc::{Answer, INVALID_PARAMS, REFUSED, RpcError, Work, told};

/// What a change is made against: the session as those before it in a batch leave it.
pub(super) struct Ground<'a> {
    engine: &'a Engine,
    /// The session with all that waits, once somebody has asked for it.
    ahead: Option<Session>,
    waiting: Parts,
}

/// Edits one after the other. Those that only add nodes and routes are put together: where all of them can
/// be, each could have been by itself, and the graph is looked at once.
struct Parts {
    edits: Vec<Edit>,
    /// Names of nodes that there are or have been.
    names: HashSet<String>,
    /// The last edit only adds.
    open: bool,
}

impl Parts {
    fn on(session: &Session) -> Self {
        let names = session.nodes.iter().map(|node| node.name.clone()).collect();
        Self { edits: Vec::new(), names, open: false }
    }

    fn push(&mut self, edit: Edit) {
        let edit = match edit {
            Edit::Nodes(edits) => edits,
            Edit::Batch(parts) => return parts.into_iter().for_each(|part| self.push(part)),
            edit => {
                self.open = false;
                return self.edits.push(edit);
            }
        };
        let adds = edit.iter().all(|edit| match edit {
            NodeEdit::Set(spec) => self.names.insert(spec.node.name.clone()),
            NodeEdit::Connect(_) | NodeEdit::Mute { .. } | NodeEdit::Solo { .. } => true,
            NodeEdit::Remove { .. } | NodeEdit::Disconnect { .. } => false,
        });
        match self.edits.last_mut() {
            Some(Edit::Nodes(last)) if self.open && adds => last.extend(edit),
            _ => self.edits.push(Edit::Nodes(edit)),
        }
        self.open = adds;
    }

    fn take(&mut self) -> Vec<Edit> {
        self.open = false;
        std::mem::take(&mut self.edits)
    }
}

impl<'a> Ground<'a> {
    fn new(engine: &'a Engine) -> Self {
        Self { engine, ahead: None, waiting: Parts::on(engine.session()) }
    }

    /// The engine, without the changes before this one.
    pub(super) fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// The session.
    ///
    /// # Errors
    /// If a change before this one does not work out.
    pub(super) fn session(&mut self) -> Result<&Session, RpcError> {
        if !self.waiting.edits.is_empty() {
            let ahead = self.ahead.get_or_insert_with(|| self.engine.session().clone());
            for edit in self.waiting.take() {
                ahead
                    .apply(&edit, self.engine.registry())
                    .map_err(|error| refused(&error, "params", None))?;
            }
        }
        Ok(self.ahead.as_ref().unwrap_or(self.engine.session()))
    }
}

/// What a change comes to.
pub(super) struct Made {
    /// What is done.
    pub edit: Edit,
    /// What the answer says beside its number and position.
    pub more: Map<String, Value>,
}

impl From<Edit> for Made {
    fn from(edit: Edit) -> Self {
        Self { edit, more: Map::new() }
    }
}

impl Made {
    /// With fields for the answer, a struct.
    pub(super) fn and(edit: Edit, more: &impl Serialize) -> Self {
        let Value::Object(more) = told(more) else { return edit.into() };
        Self { edit, more }
    }
}

/// Makes the edit on the control thread.
type Making = Box<dyn FnOnce(&mut Ground<'_>) -> Result<Made, RpcError> + Send>;

/// A change that was read.
pub(super) struct Change {
    making: Making,
    /// What a fault's `$` stands for.
    root: &'static str,
    /// The notation that its pattern came from.
    text: Option<String>,
    /// Answers in place of what [`Made`] says.
    answer: Option<fn(&Desk<'_>) -> Value>,
}

impl Change {
    /// One that is made against the session.
    pub(super) fn new(
        making: impl FnOnce(&mut Ground<'_>) -> Result<Made, RpcError> + Send + 'static,
    ) -> Self {
        Self { making: Box::new(making), root: "params", text: None, answer: None }
    }

    /// One that is always the same.
    pub(super) fn of(edit: Edit) -> Self {
        Self::new(|_| Ok(edit.into()))
    }

    /// Faults are within this parameter.
    pub(super) fn within(mut self, root: &'static str) -> Self {
        self.root = root;
        self
    }

    /// Its pattern was written so.
    pub(super) fn written(mut self, text: Option<String>) -> Self {
        self.text = text;
        self
    }

    /// Answers with this.
    pub(super) fn answering(mut self, answer: fn(&Desk<'_>) -> Value) -> Self {
        self.answer = Some(answer);
        self
    }

    fn carry_out(self, When { at, dry_run }: When, desk: &mut Desk<'_>) -> Result<Value, RpcError> {
        let Self { making, root, text, answer } = self;
        let Made { edit, more } = making(&mut Ground::new(desk.engine))?;
        let refuse = |error: &EditError, desk: &Desk<'_>| {
            let mut refused = refused(error, root, text.as_deref());
            refused.still_playing = !desk.engine.poisoned();
            refused.or_hint(|| type_hint(error, desk.engine))
        };
        if dry_run {
            desk.try_edit(&edit, at).map_err(|error| refuse(&error, desk))?;
            return Ok(tried(Value::Object(more)));
        }
        let nothing = matches!(&edit, Edit::Batch(edits) if edits.is_empty());
        let accepted = if nothing {
            Accepted { position: None, seq: *desk.last_edit }
        } else {
            desk.edit(edit, at).map_err(|error| refuse(&error, desk))?.into()
        };
        if let Some(answer) = answer {
            return Ok(answer(desk));
        }
        Ok(done(Value::Object(more), accepted))
    }
}

/// What a change answers that was tried only: what it tells beside.
pub(super) fn tried(mut told: Value) -> Value {
    told["dry_run"] = true.into();
    told
}

/// What a change answers: what it tells beside, and where it acts.
pub(super) fn done(mut told: Value, Accepted { position, seq }: Accepted) -> Value {
    told["position"] = json!(position);
    told["seq"] = json!(seq);
    told
}

/// When a change acts, and whether it does.
#[derive(Clone, Copy)]
pub(super) struct When {
    /// The time.
    pub at: At,
    /// Only tried.
    pub dry_run: bool,
}

/// Reads the parameters of a change.
pub(super) type ReadChange = fn(&str) -> Result<Change, RpcError>;

/// A change with its `at` and `dry_run`, as work for the control thread.
pub(super) fn work(raw: Option<&RawValue>, read: ReadChange) -> Result<Work, RpcError> {
    let (rest, when) = split(raw)?;
    let change = read(&rest)?;
    Ok(Box::new(move |desk| Answer::Now(change.carry_out(when, desk))))
}

/// The parameters without `at` and `dry_run`, and these.
pub(super) fn split(raw: Option<&RawValue>) -> Result<(String, When), RpcError> {
    let mut all: BTreeMap<String, &RawValue> = params(raw)?;
    let at = all.remove("at").map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap_or(json!(false)));
    let at = at::read(at.as_ref()).ok_or_else(|| {
        RpcError::new(INVALID_PARAMS, "not a time").at("params.at").hint(format!("expected {}", at::EXPECTED))
    })?;
    let dry_run = match all.remove("dry_run").map(RawValue::get) {
        None | Some("false" | "null") => false,
        Some("true") => true,
        Some(_) => {
            let error = RpcError::new(INVALID_PARAMS, "dry_run is true or false");
            return Err(error.at("params.dry_run"));
        }
    };
    let rest = serde_json::to_string(&all).unwrap_or_default();
    Ok((rest, When { at, dry_run }))
}

/// Reads parameters that are an object, with the way to what does not fit.
pub(super) fn fields<T: DeserializeOwned>(rest: &str) -> Result<T, RpcError> {
    super::methods::typed(rest)
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Batch<'a> {
    /// `{method, params}` of changes, each without `at` and `dry_run`.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    requests: Vec<Part<'a>>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Part<'a> {
    method: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// `batch {requests: [{method, params}]}`: several changes as one, all or nothing, one step of the history.
pub(super) fn read_batch(rest: &str) -> Result<Change, RpcError> {
    let Batch { requests } = super::methods::typed(rest)?;
    let mut changes = Vec::with_capacity(requests.len());
    for (i, Part { method, params }) in requests.into_iter().enumerate() {
        let place = format!("params.requests[{i}]");
        let not_here = |message: String, field: &str, hint: &str| {
            let error = RpcError::new(INVALID_PARAMS, message).at(format!("{place}.{field}"));
            Err(error.hint(hint))
        };
        let read = match super::methods::change_of(&method)? {
            Some(read) if method != "batch" => read,
            _ => {
                return not_here(
                    format!("{method} cannot be part of a batch"),
                    "method",
                    "send it by itself",
                );
            }
        };
        let own: BTreeMap<String, &RawValue> = super::methods::params(params)?;
        if let Some(field) = ["at", "dry_run"].into_iter().find(|field| own.contains_key(*field)) {
            let message = format!("{field} is the whole batch's");
            return not_here(message, &format!("params.{field}"), "give it beside `requests`");
        }
        let rest = params.map_or("{}", RawValue::get);
        changes.push(read(rest).map_err(|error| error.within("params", &format!("{place}.params")))?);
    }
    Ok(Change::new(move |ground| {
        let (mut parts, mut answers) = (Parts::on(ground.engine.session()), Vec::new());
        for (i, change) in changes.into_iter().enumerate() {
            let place = format!("params.requests[{i}].params");
            let made = (change.making)(ground).map_err(|error| error.within("params", &place))?;
            ground.waiting.push(made.edit.clone());
            parts.push(made.edit);
            answers.push(Value::Object(made.more));
        }
        Ok(Made::and(Edit::Batch(parts.take()), &Results { results: answers }))
    }))
}

/// Why an edit was refused, with its place among the parameters.
pub(super) fn refused(error: &EditError, root: &str, text: Option<&str>) -> RpcError {
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

fn type_hint(error: &EditError, engine: &Engine) -> Option<String> {
    let EditError::Graph(GraphError::TypeNotFound(wanted)) = error else { return None };
    let near = did_you_mean(wanted, engine.registry().type_ids());
    Some(near.unwrap_or_else(|| "`types` tells which there are".to_owned()))
}

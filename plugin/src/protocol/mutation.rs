//! Changes: what all JSON-RPC methods that change the session have in common. Each is all or nothing, may
//! have a time (`at`), and can be tried (`dry_run`) without anything being changed.

use std::collections::{BTreeMap, HashSet};

use krach_core::edit::{At, Edit, EditError, NodeEdit, Receipt};
use krach_core::engine::Engine;
use krach_core::session::Session;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::protocol::answer::{Answer, Work};
use crate::protocol::at;
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::params::read_params;
use crate::protocol::refusal::{refused_edit, type_hint};

/// What a change is made against: the session as those before it in a batch leave it.
pub(super) struct SessionPreview<'a> {
    engine: &'a Engine,
    /// The session with all that waits, once somebody has asked for it.
    ahead: Option<Session>,
    waiting: EditBatch,
}

/// Edits one after the other. Those that only add nodes and routes are put together: where all of them can
/// be, each could have been by itself, and the graph is looked at once.
pub(super) struct EditBatch {
    edits: Vec<Edit>,
    /// Names of nodes that there are or have been.
    names: HashSet<String>,
    /// The last edit only adds.
    open: bool,
}

impl EditBatch {
    /// An empty one for that session.
    pub(super) fn on(session: &Session) -> Self {
        let names = session.nodes.iter().map(|node| node.name.clone()).collect();
        Self { edits: Vec::new(), names, open: false }
    }

    /// Puts an edit behind the others.
    pub(super) fn push(&mut self, edit: Edit) {
        let edit = match edit {
            Edit::Nodes(edits) => edits,
            Edit::Batch(parts) | Edit::Titled { edits: parts, .. } => {
                return parts.into_iter().for_each(|part| self.push(part));
            }
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

    /// The edits, which leave.
    pub(super) fn take(&mut self) -> Vec<Edit> {
        self.open = false;
        std::mem::take(&mut self.edits)
    }
}

impl<'a> SessionPreview<'a> {
    /// The session as it will be at that time, as far as is known.
    fn at(engine: &'a Engine, at: At) -> Self {
        let ahead = engine.session_at(at);
        let waiting = EditBatch::on(ahead.as_ref().unwrap_or(engine.session()));
        Self { engine, ahead, waiting }
    }

    /// The engine, without the changes before this one.
    pub(super) fn engine(&self) -> &'a Engine {
        self.engine
    }

    /// What comes next is made against the session as this edit leaves it.
    pub(super) fn follow(&mut self, edit: Edit) {
        self.waiting.push(edit);
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
                    .map_err(|error| refused_edit(&error, "params", None))?;
            }
        }
        Ok(self.ahead.as_ref().unwrap_or(self.engine.session()))
    }
}

/// What a change comes to.
pub(super) struct Prepared {
    /// What is done.
    pub edit: Edit,
    /// What the answer says beside its number and position.
    pub more: Map<String, Value>,
}

impl From<Edit> for Prepared {
    fn from(edit: Edit) -> Self {
        Self { edit, more: Map::new() }
    }
}

impl Prepared {
    /// With fields for the answer, a struct.
    pub(super) fn and(edit: Edit, more: &impl Serialize) -> Self {
        let Value::Object(more) = to_json(more) else { return edit.into() };
        Self { edit, more }
    }
}

/// Makes the edit on the control thread.
type Making = Box<dyn FnOnce(&mut SessionPreview<'_>) -> Result<Prepared, RpcError> + Send>;

/// A change that was read.
pub(super) struct Mutation {
    making: Making,
    /// What a fault's `$` stands for.
    root: &'static str,
    /// The notation that its pattern came from.
    text: Option<String>,
    /// Answers in place of what [`Prepared`] says.
    answer: Option<fn(&RequestContext<'_>) -> Value>,
    /// The session begins anew: what waits for its time does not act.
    anew: bool,
}

impl Mutation {
    /// One that is made against the session.
    pub(super) fn new(
        making: impl FnOnce(&mut SessionPreview<'_>) -> Result<Prepared, RpcError> + Send + 'static,
    ) -> Self {
        Self { making: Box::new(making), root: "params", text: None, answer: None, anew: false }
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

    /// The session begins anew with it: changes asked for before that wait for its time, or for a later one, do not act.
    pub(super) fn anew(mut self) -> Self {
        self.anew = true;
        self
    }

    /// Does the session begin anew with it?
    pub(super) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Its pattern was written so.
    pub(super) fn written(mut self, text: Option<String>) -> Self {
        self.text = text;
        self
    }

    /// Answers with this.
    pub(super) fn answering(mut self, answer: fn(&RequestContext<'_>) -> Value) -> Self {
        self.answer = Some(answer);
        self
    }

    /// What it comes to against that session, without its time and its answer.
    pub(super) fn prepare(self, session_preview: &mut SessionPreview<'_>) -> Result<Prepared, RpcError> {
        (self.making)(session_preview)
    }

    fn carry_out(
        self,
        When { at, dry_run }: When,
        context: &mut RequestContext<'_>,
    ) -> Result<Value, RpcError> {
        let Self { making, root, text, answer, anew } = self;
        let Prepared { edit, more } = making(&mut SessionPreview::at(context.engine, at))?;
        let refuse = |error: &EditError, context: &RequestContext<'_>| {
            let mut refused = refused_edit(error, root, text.as_deref());
            refused.still_playing = !context.engine.poisoned();
            refused.or_hint(|| type_hint(error, context))
        };
        if dry_run {
            context.try_edit(&edit, at).map_err(|error| refuse(&error, context))?;
            return Ok(dry_run_answer(Value::Object(more)));
        }
        let before = context.engine.last_waiting();
        let nothing = matches!(&edit, Edit::Batch(edits) if edits.is_empty());
        let accepted = if nothing {
            Accepted { position: None, seq: *context.last_edit }
        } else {
            context.edit(edit, at).map_err(|error| refuse(&error, context))?.into()
        };
        if anew {
            context.engine.cancel_waiting(before, at);
        }
        if let Some(answer) = answer {
            return Ok(answer(context));
        }
        Ok(done_answer(Value::Object(more), accepted))
    }
}

/// What a change answers that was tried only: what it tells beside.
pub(super) fn dry_run_answer(mut answer: Value) -> Value {
    answer["dry_run"] = true.into();
    answer
}

/// What a change answers: what it tells beside, and where it acts.
pub(super) fn done_answer(mut answer: Value, Accepted { position, seq }: Accepted) -> Value {
    answer["position"] = json!(position);
    answer["seq"] = json!(seq);
    answer
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
pub(super) type ReadMutation = fn(&str) -> Result<Mutation, RpcError>;

/// A change with its `at` and `dry_run`, as work for the control thread.
pub(super) fn mutation_work(raw: Option<&RawValue>, read: ReadMutation) -> Result<Work, RpcError> {
    let (rest, when) = split_when(raw)?;
    let change = read(&rest)?;
    Ok(Box::new(move |context| Answer::Now(change.carry_out(when, context))))
}

/// The parameters without `at` and `dry_run`, and these.
pub(super) fn split_when(raw: Option<&RawValue>) -> Result<(String, When), RpcError> {
    let mut all: BTreeMap<String, &RawValue> = read_params(raw)?;
    let at = all.remove("at").map(|raw| serde_json::from_str::<Value>(raw.get()).unwrap_or(json!(false)));
    let at = at::read(at.as_ref()).ok_or_else(|| {
        RpcError::new(INVALID_PARAMS, "not a time").at("params.at").hint(format!("expected {}", at::EXPECTED))
    })?;
    let dry_run = match all.remove("dry_run").map(RawValue::get) {
        None | Some("false" | "null") => false,
        Some("true") => true,
        Some(_) => {
            let error = RpcError::new(INVALID_PARAMS, "dry_run is true or false");
            return Err(error.at("params.dry_run").hint("expected true or false"));
        }
    };
    let rest = serde_json::to_string(&all).unwrap_or_default();
    Ok((rest, When { at, dry_run }))
}

/// What was accepted.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Accepted {
    /// Where it acts, in cycles; null at once.
    pub position: Option<f64>,
    /// Number of the edit.
    pub seq: u64,
}

impl From<Receipt> for Accepted {
    fn from(Receipt { position, seq, .. }: Receipt) -> Self {
        Self { position, seq }
    }
}

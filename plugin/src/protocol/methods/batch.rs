//! `batch` and `transition`: several changes as one, at once or over some time.

use std::collections::BTreeMap;

use krach_core::edit::Edit;
use krach_core::model::{FadeLength, Setting};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::mutation::{EditBatch, Mutation, Prepared, ReadMutation, SessionPreview};
use crate::protocol::params::{read_object, read_params};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::protocol) struct Batch<'a> {
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
pub(in crate::protocol) fn read_batch(
    rest: &str,
    find: fn(&str) -> Result<Option<ReadMutation>, RpcError>,
) -> Result<Mutation, RpcError> {
    let Batch { requests } = read_object(rest)?;
    let changes = Changes::read(requests, find)?;
    let anew = changes.0.iter().any(Mutation::is_anew);
    let change = Mutation::new(move |session_preview| {
        let (edits, results) = changes.prepare(session_preview)?;
        Ok(Prepared::and(Edit::Batch(edits), &Results { results }))
    });
    Ok(if anew { change.anew() } else { change })
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(in crate::protocol) struct Transition<'a> {
    /// `{method, params}` of changes, each without `at` and `dry_run`: `node`, `remove`, `connect`, `disconnect`, `gain`,
    /// `set`, `play`, `hush`, `stop`, `master`, and `transport` with a `tempo` alone.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "Vec<serde_json::Value>"))]
    requests: Vec<Part<'a>>,
    /// How long, in quarter notes.
    #[serde(default)]
    beats: Option<f64>,
    /// How long, in cycles.
    #[serde(default)]
    cycles: Option<f64>,
}

/// What may be part of a transition.
const OVER_TIME: [&str; 11] =
    ["node", "remove", "connect", "disconnect", "gain", "set", "play", "hush", "stop", "master", "transport"];

/// `transition {requests: [{method, params}], beats | cycles}`: several changes as one, over some time.
pub(in crate::protocol) fn read_transition(
    rest: &str,
    find: fn(&str) -> Result<Option<ReadMutation>, RpcError>,
) -> Result<Mutation, RpcError> {
    let Transition { requests, beats, cycles } = read_object(rest)?;
    let length = match (beats, cycles) {
        (Some(beats), None) => FadeLength::Beats(beats),
        (None, Some(cycles)) => FadeLength::Cycles(cycles),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, "a transition has one length").at("params");
            return Err(error.hint("give beats or cycles, and one of them"));
        }
    };
    for (i, Part { method, .. }) in requests.iter().enumerate() {
        // What is no method at all is told as everywhere.
        if !OVER_TIME.contains(&method.as_str()) && find(method).is_ok() {
            let error = RpcError::new(INVALID_PARAMS, format!("{method} cannot be part of a transition"));
            let hint = format!("send it by itself; over time go {}", OVER_TIME.join(", "));
            return Err(error.at(format!("params.requests[{i}].method")).hint(hint));
        }
    }
    let changes = Changes::read(requests, find)?;
    Ok(Mutation::new(move |session_preview| {
        let places = changes.places();
        let (edits, results) = changes.prepare_each(session_preview)?;
        for (edit, place) in edits.iter().zip(places) {
            over_time(edit).map_err(|error| error.at(place))?;
        }
        Ok(Prepared::and(Edit::Transition { edits, length }, &Results { results }))
    }))
}

/// Is an edit one that a transition does?
fn over_time(edit: &Edit) -> Result<(), RpcError> {
    match edit {
        Edit::Batch(edits) => edits.iter().try_for_each(over_time),
        Edit::Setting(Setting::Bpm(_) | Setting::Master(_)) => Ok(()),
        Edit::Setting(_) => {
            let error = RpcError::new(INVALID_PARAMS, "only the tempo goes over time");
            Err(error.hint("send the other settings by themselves"))
        }
        _ => Ok(()),
    }
}

/// Changes that were read, each with its place.
struct Changes(Vec<Mutation>);

impl Changes {
    fn read(
        requests: Vec<Part<'_>>,
        find: fn(&str) -> Result<Option<ReadMutation>, RpcError>,
    ) -> Result<Self, RpcError> {
        let mut changes = Vec::with_capacity(requests.len());
        let mut opened = 0;
        for (i, Part { method, params }) in requests.into_iter().enumerate() {
            let place = format!("params.requests[{i}]");
            let not_here = |message: String, field: &str, hint: &str| {
                let error = RpcError::new(INVALID_PARAMS, message).at(format!("{place}.{field}"));
                Err(error.hint(hint))
            };
            let read = match find(&method)? {
                Some(read) if method != "batch" && method != "transition" => read,
                _ => {
                    return not_here(
                        format!("{method} cannot be part of a batch"),
                        "method",
                        "send it by itself",
                    );
                }
            };
            // Each of them is in memory, whole, until the batch acts.
            opened += usize::from(method == "open_file");
            if opened > 1 {
                return not_here(
                    "a batch opens one file".to_owned(),
                    "method",
                    "open the file that is to play",
                );
            }
            let own: BTreeMap<String, &RawValue> = read_params(params)?;
            if let Some(field) = ["at", "dry_run"].into_iter().find(|field| own.contains_key(*field)) {
                let message = format!("{field} is the whole batch's");
                return not_here(message, &format!("params.{field}"), "give it beside `requests`");
            }
            let rest = params.map_or("{}", RawValue::get);
            changes.push(read(rest).map_err(|error| error.within("params", &format!("{place}.params")))?);
        }
        Ok(Self(changes))
    }

    /// The places of what they say.
    fn places(&self) -> Vec<String> {
        (0..self.0.len()).map(|i| format!("params.requests[{i}].params")).collect()
    }

    /// The edit of each, against the session as those before it leave it, and what it answers.
    fn prepare_each(
        self,
        session_preview: &mut SessionPreview<'_>,
    ) -> Result<(Vec<Edit>, Vec<Value>), RpcError> {
        let (mut edits, mut answers) = (Vec::new(), Vec::new());
        let places = self.places();
        for (change, place) in self.0.into_iter().zip(places) {
            let made = change.prepare(session_preview).map_err(|error| error.within("params", &place))?;
            session_preview.follow(made.edit.clone());
            edits.push(made.edit);
            answers.push(Value::Object(made.more));
        }
        Ok((edits, answers))
    }

    /// All of them as few edits, and what each answers.
    fn prepare(self, session_preview: &mut SessionPreview<'_>) -> Result<(Vec<Edit>, Vec<Value>), RpcError> {
        let mut parts = EditBatch::on(session_preview.engine().session());
        let (edits, answers) = self.prepare_each(session_preview)?;
        edits.into_iter().for_each(|edit| parts.push(edit));
        Ok((parts.take(), answers))
    }
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Results {
    /// What each answers beside `position` and `seq`, in order.
    pub results: Vec<Value>,
}

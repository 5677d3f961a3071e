//! `batch`: several changes as one.

use std::collections::BTreeMap;

use krach_core::edit::Edit;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::error::{INVALID_PARAMS, RpcError};
use crate::protocol::mutation::{EditBatch, Mutation, Prepared, ReadMutation};
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
    let mut changes = Vec::with_capacity(requests.len());
    let mut opened = 0;
    for (i, Part { method, params }) in requests.into_iter().enumerate() {
        let place = format!("params.requests[{i}]");
        let not_here = |message: String, field: &str, hint: &str| {
            let error = RpcError::new(INVALID_PARAMS, message).at(format!("{place}.{field}"));
            Err(error.hint(hint))
        };
        let read = match find(&method)? {
            Some(read) if method != "batch" => read,
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
            return not_here("a batch opens one file".to_owned(), "method", "open the file that is to play");
        }
        let own: BTreeMap<String, &RawValue> = read_params(params)?;
        if let Some(field) = ["at", "dry_run"].into_iter().find(|field| own.contains_key(*field)) {
            let message = format!("{field} is the whole batch's");
            return not_here(message, &format!("params.{field}"), "give it beside `requests`");
        }
        let rest = params.map_or("{}", RawValue::get);
        changes.push(read(rest).map_err(|error| error.within("params", &format!("{place}.params")))?);
    }
    Ok(Mutation::new(move |session_preview| {
        let (mut parts, mut answers) = (EditBatch::on(session_preview.engine().session()), Vec::new());
        for (i, change) in changes.into_iter().enumerate() {
            let place = format!("params.requests[{i}].params");
            let made = change.prepare(session_preview).map_err(|error| error.within("params", &place))?;
            session_preview.follow(made.edit.clone());
            parts.push(made.edit);
            answers.push(Value::Object(made.more));
        }
        Ok(Prepared::and(Edit::Batch(parts.take()), &Results { results: answers }))
    }))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Results {
    /// What each answers beside `position` and `seq`, in order.
    pub results: Vec<Value>,
}

//! `at`: a request of an older family at a time.

use krach_core::edit::EditError;
use krach_core::graph::GraphError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::transport;
use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::legacy::{LegacyError, LegacyRequest, reply};
use crate::protocol::method::methods;
use crate::protocol::mutation::Accepted;
use crate::protocol::params::read_params;
use crate::protocol::request::tagged;
use crate::protocol::{at, legacy};

methods! {
    /// a request of an older family at a time
    Engine "at" Ask(read_at) (AtParams<'_>) => (TimedReply);
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AtParams<'a> {
    /// When.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    at: Option<Value>,
    /// A request of the `cmd` or `type` family, or `{method: "transport", params}`.
    #[serde(borrow)]
    #[cfg_attr(test, schemars(with = "serde_json::Value"))]
    request: &'a RawValue,
}

/// `at {at, request}`: a request of an older family that acts at a time.
fn read_at(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let AtParams { at, request } = read_params(raw)?;
    let not_understood = |message: String| RpcError::new(INVALID_PARAMS, message).at("params.request");
    let at = at::read(at.as_ref()).ok_or_else(|| {
        RpcError::new(INVALID_PARAMS, "not a time").at("params.at").hint(format!("expected {}", at::EXPECTED))
    })?;
    let text = request.get();
    let request = tagged(text).and_then(|tags| legacy::read(text, &tags));
    let change = match request {
        None if method_of(text).as_deref() == Some("transport") => {
            let Called { params } = serde_json::from_str(text).map_err(|e| not_understood(e.to_string()))?;
            transport::legacy_edit(params)?
        }
        Some(LegacyRequest::Edit(change)) => change,
        Some(LegacyRequest::Known(line)) => match known_error(&line) {
            Some(message) => return Err(RpcError::new(REFUSED, message).at("params.request")),
            None => return Err(not_an_edit()),
        },
        Some(_) => return Err(not_an_edit()),
        None => return Err(not_understood(message_of(&reply::unrecognized(text)))),
    };
    Ok(Box::new(move |context| {
        Answer::Now(match change.run(at, context) {
            Ok((msg, receipt)) => {
                Ok(to_json(&TimedReply { reply: OkReply { status: "Ok", msg }, accepted: receipt.into() }))
            }
            Err(refusal) => Err(refused(refusal, context)),
        })
    }))
}

/// A request of this family within `at`: its method.
fn method_of(text: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Named {
        method: String,
    }
    serde_json::from_str::<Named>(text).ok().map(|named| named.method)
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

fn not_an_edit() -> RpcError {
    RpcError::new(INVALID_PARAMS, "only an edit can have a time")
        .at("params.request")
        .hint("send this request by itself")
}

/// The text of a reply line of the older families, if it is an error.
fn known_error(line: &str) -> Option<String> {
    let reply: Value = serde_json::from_str(line).ok()?;
    (reply["status"] == "Error").then(|| reply["msg"].as_str().unwrap_or_default().to_owned())
}

fn message_of(line: &str) -> String {
    known_error(line).unwrap_or_default()
}

fn refused(refusal: LegacyError, context: &RequestContext<'_>) -> RpcError {
    let LegacyError { message, error } = refusal;
    let mut answer = RpcError::new(REFUSED, message);
    answer.still_playing = !context.engine.poisoned();
    match *error {
        EditError::Pattern(error) => answer.at(error.path),
        EditError::Graph(GraphError::TypeNotFound(wanted)) => match nearest_type(&wanted, context) {
            Some(near) => answer.hint(format!("did you mean {near}?")),
            None => answer.hint("list_nodes tells which types there are"),
        },
        EditError::Graph(GraphError::UnknownPort { node, .. }) => answer.at(node),
        EditError::Graph(GraphError::DuplicateNode(id) | GraphError::UnknownNode(id)) => answer.at(id),
        EditError::Value { field, expected } => answer.at(field).hint(format!("expected {expected}")),
        _ => answer,
    }
}

fn nearest_type(wanted: &str, context: &RequestContext<'_>) -> Option<String> {
    let near =
        context.engine.type_ids().into_iter().map(|id| (strsim::damerau_levenshtein(&id, wanted), id)).min();
    near.filter(|(distance, id)| *distance <= 1 + id.len() / 3).map(|(_, id)| id)
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct TimedReply {
    /// As the older family answers.
    pub reply: OkReply,
    #[serde(flatten)]
    pub accepted: Accepted,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct OkReply {
    /// `Ok`.
    pub status: &'static str,
    /// What was done.
    pub msg: String,
}

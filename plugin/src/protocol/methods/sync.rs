//! `sync`: answers when what was asked before is in effect.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, RpcError, TIMED_OUT};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::params::read_params;

methods! {
    /// answers when every earlier edit of this connection is adopted or has failed
    Engine "sync" Ask(read_sync) (SyncParams) => (Synced);
}

#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SyncParams {
    /// Seconds to wait at most.
    #[serde(default)]
    timeout: Option<f64>,
}

/// `sync {timeout?}`: answers when every earlier edit of the connection is adopted or has failed.
fn read_sync(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let SyncParams { timeout } = read_params(raw)?;
    let deadline = match timeout.map(Duration::try_from_secs_f64) {
        None => None,
        Some(Ok(limit)) => Instant::now().checked_add(limit),
        Some(Err(_)) => {
            let error = RpcError::new(INVALID_PARAMS, "not a time to wait").at("params.timeout");
            return Err(error.hint("expected seconds, 0 or more"));
        }
    };
    Ok(Box::new(move |context| {
        let last = context.connection.last();
        Answer::Later(Box::new(move |context| {
            if context.connection.is_done(last) {
                return Some(Ok(synced(last, context)));
            }
            let late = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            late.then(|| {
                Err(RpcError::new(TIMED_OUT, "some edits are not adopted yet").hint(
                    "is the host processing audio, and is the transport on its way to their positions?",
                ))
            })
        }))
    }))
}

fn synced(last: u64, context: &mut RequestContext<'_>) -> Value {
    let failed = context.connection.take_failures(last).into_iter();
    let failed = failed.map(|failure| FailedEdit { seq: failure.seq, message: failure.message }).collect();
    let position = context.engine.status().position.cycles;
    to_json(&Synced { synced: true, position, failed })
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Synced {
    /// True.
    pub synced: bool,
    /// Where time is, in cycles.
    pub position: f64,
    /// Edits of this connection that could not act, told once.
    pub failed: Vec<FailedEdit>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct FailedEdit {
    /// Its number.
    pub seq: u64,
    /// Why.
    pub message: String,
}

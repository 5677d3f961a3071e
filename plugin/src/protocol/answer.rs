//! What a method of JSON-RPC comes to on the control thread: an answer now, or later.

use serde::Serialize;
use serde_json::Value;

use crate::protocol::context::RequestContext;
use crate::protocol::error::RpcError;
use crate::protocol::json::to_json;

/// What a method came to.
pub(super) enum Answer {
    /// At once.
    Now(Result<Value, RpcError>),
    /// When it can: asked at every tick.
    Later(Question),
}

impl Answer {
    /// At once, and so.
    pub(super) fn with(result: &impl Serialize) -> Self {
        Self::Now(Ok(to_json(result)))
    }
}

/// Asked again and again; answers when it can.
pub(super) type Question = Box<dyn FnMut(&mut RequestContext<'_>) -> Option<Result<Value, RpcError>> + Send>;

/// A method's work on the control thread.
pub(super) type Work = Box<dyn FnOnce(&mut RequestContext<'_>) -> Answer + Send>;

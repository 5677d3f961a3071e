//! What the two older families have in common: nearly every request is one edit, the text of its
//! success, and a prefix for its failure.

mod audio_commands;
mod pattern_commands;
pub(super) mod reply;

use krach_core::edit::{At, Edit, EditError, Receipt};
use krach_core::graph::GraphError;

use crate::protocol::context::RequestContext;
use crate::protocol::json::string;
use crate::protocol::request::{Outcome, Parsed, Request, Tagged};
use crate::protocol::state::state_of;

/// A request of the `cmd` or `type` family.
#[allow(clippy::large_enum_variant, reason = "one per line that is read, and spent at once")]
pub(crate) enum LegacyRequest {
    /// Changes the session.
    Edit(LegacyEdit),
    /// The reply is known.
    Known(String),
    /// The State object.
    Status,
    /// The list of node types.
    NodeTypes,
    /// The client wants to go.
    Shutdown,
}

/// An edit with its texts.
pub(crate) struct LegacyEdit {
    /// The edit.
    pub edit: Edit,
    /// `msg` of the reply if it is accepted.
    pub ok: String,
    /// What comes before the engine's text if it is refused.
    pub refused: RefusalPrefix,
}

/// How a refusal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalPrefix {
    /// With this text.
    As(&'static str),
    /// With `compile error: ` if a pattern is at fault, else with nothing.
    AsPattern,
}

impl RefusalPrefix {
    /// The text for the client.
    pub(crate) fn text(self, error: &EditError) -> String {
        match (self, error) {
            (Self::As(prefix), error) => format!("{prefix}{}", text_of(error)),
            (Self::AsPattern, EditError::Pattern(error)) => format!("compile error: {error}"),
            (Self::AsPattern, error) => text_of(error),
        }
    }
}

/// The text of a refusal as existing clients know it.
fn text_of(error: &EditError) -> String {
    match error {
        EditError::Graph(GraphError::TypeNotFound(ty)) => {
            format!("registry error: node type not found: {ty}")
        }
        EditError::Graph(GraphError::CreationFailed(why)) => {
            format!("registry error: node creation failed: {why}")
        }
        error => error.to_string(),
    }
}

/// Why a change did not happen.
pub(crate) struct LegacyError {
    /// The text for the client.
    pub message: String,
    /// The engine's reason.
    pub error: Box<EditError>,
}

impl LegacyEdit {
    /// Carries it out.
    pub(crate) fn run(
        self,
        at: At,
        context: &mut RequestContext<'_>,
    ) -> Result<(String, Receipt), LegacyError> {
        match context.edit(self.edit, at) {
            Ok(receipt) => Ok((self.ok, receipt)),
            Err(error) => Err(LegacyError { message: self.refused.text(&error), error: Box::new(error) }),
        }
    }
}

/// Reads a request by its tag; `None` if it is not understood.
pub(crate) fn read(text: &str, tags: &Tagged<'_>) -> Option<LegacyRequest> {
    match (tags.cmd, tags.kind) {
        (Some(cmd), _) => pattern_commands::read(&string(cmd)?, text),
        (None, Some(kind)) => audio_commands::read(&string(kind)?, text),
        (None, None) => None,
    }
}

impl LegacyRequest {
    /// What the client's thread does with it.
    pub(crate) fn into_parsed(self) -> Parsed {
        let action: super::Action = match self {
            Self::Known(line) => return Parsed::Reply(line),
            Self::Shutdown => return Parsed::Close(reply::ok("shutting down")),
            Self::Edit(change) => Box::new(|context| {
                Outcome::Reply(match change.run(At::Now, context) {
                    Ok((msg, _)) => reply::ok(&msg),
                    Err(refusal) => reply::error(&refusal.message),
                })
            }),
            Self::Status => Box::new(|context| Outcome::Reply(state_of(context).to_string())),
            Self::NodeTypes => {
                Box::new(|context| Outcome::Reply(reply::node_types(&context.named_type_ids())))
            }
        };
        Parsed::Request(Request { action, fallback: reply::internal() })
    }
}

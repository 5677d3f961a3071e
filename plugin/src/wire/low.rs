//! What the two older families have in common: nearly every request is one edit, the text of its
//! success, and a prefix for its failure.

use krach_core::edit::{At, Edit, EditError, Receipt};

use super::desk::Desk;
use super::{Ask, Heard, Outcome, Tagged, audio, pattern, reply, state, string};

/// A request of the `cmd` or `type` family.
#[allow(clippy::large_enum_variant, reason = "one per line that is read, and spent at once")]
pub(crate) enum Low {
    /// Changes the session.
    Change(Change),
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
pub(crate) struct Change {
    /// The edit.
    pub edit: Edit,
    /// `msg` of the reply if it is accepted.
    pub ok: String,
    /// What comes before the engine's text if it is refused.
    pub refused: Refused,
}

/// How a refusal begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// With this text.
    As(&'static str),
    /// With `compile error: ` if a pattern is at fault, else with nothing.
    AsPattern,
}

impl Refused {
    /// The text for the client.
    pub(crate) fn text(self, error: &EditError) -> String {
        match (self, error) {
            (Self::As(prefix), error) => format!("{prefix}{error}"),
            (Self::AsPattern, EditError::Pattern(error)) => format!("compile error: {error}"),
            (Self::AsPattern, error) => error.to_string(),
        }
    }
}

/// Why a change did not happen.
pub(crate) struct Refusal {
    /// The text for the client.
    pub message: String,
    /// The engine's reason.
    pub error: Box<EditError>,
}

impl Change {
    /// Carries it out.
    pub(crate) fn run(self, at: At, desk: &mut Desk<'_>) -> Result<(String, Receipt), Refusal> {
        match desk.edit(self.edit, at) {
            Ok(receipt) => Ok((self.ok, receipt)),
            Err(error) => Err(Refusal { message: self.refused.text(&error), error: Box::new(error) }),
        }
    }
}

/// Reads a request by its tag; `None` if it is not understood.
pub(crate) fn read(text: &str, tags: &Tagged<'_>) -> Option<Low> {
    match (tags.cmd, tags.kind) {
        (Some(cmd), _) => pattern::read(&string(cmd)?, text),
        (None, Some(kind)) => audio::read(&string(kind)?, text),
        (None, None) => None,
    }
}

impl Low {
    /// What the client's thread does with it.
    pub(crate) fn into_heard(self) -> Heard {
        let action: super::Action = match self {
            Self::Known(line) => return Heard::Reply(line),
            Self::Shutdown => return Heard::Farewell(reply::ok("shutting down")),
            Self::Change(change) => Box::new(|desk| {
                Outcome::Reply(match change.run(At::Now, desk) {
                    Ok((msg, _)) => reply::ok(&msg),
                    Err(refusal) => reply::error(&refusal.message),
                })
            }),
            Self::Status => Box::new(|desk| Outcome::Reply(state::state(desk).to_string())),
            Self::NodeTypes => Box::new(|desk| Outcome::Reply(reply::node_types(&desk.named_type_ids()))),
        };
        Heard::Ask(Ask { action, fallback: reply::internal() })
    }
}

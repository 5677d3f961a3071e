//! What plays can be saved: an edit that would make more of the session than a document may be is refused.

use super::{Engine, Pending};
use crate::edit::{Edit, EditError};
use crate::ir::Fault;
use crate::limits::MAX_DOCUMENT;
use crate::model::TypeSource;
use crate::session::{Extent, Session, source_extent};
use std::sync::Arc;

/// What the session is as a document, at most.
pub(super) struct Measured {
    /// As it was when it was last measured, and what edits have added since.
    pub size: Extent,
    /// How often it was measured.
    pub measured: u64,
}

impl Engine {
    /// Is there room for edits? Only where what edits have added since the session was last measured comes
    /// near the limit it is measured again, as it will be (`after` makes it): edits cost what they change.
    ///
    /// # Errors
    /// If there is not, unless they make it smaller.
    pub(super) fn room(
        &mut self,
        growth: Extent,
        after: impl FnOnce(&Self) -> Result<Session, EditError>,
    ) -> Result<(), EditError> {
        if (self.extent.size + growth).fits(Extent::MOST) {
            return Ok(());
        }
        self.measure();
        if (self.extent.size + growth).fits(Extent::MOST) {
            return Ok(());
        }
        // What is more than twice as much is not even tried.
        if !growth.fits(Extent { bytes: 2 * MAX_DOCUMENT, parts: 2 * Extent::MOST.parts }) {
            return Err(too_large(growth));
        }
        self.extent.measured += 1;
        let after = after(self)?;
        let extent = after.extent() + self.waiting_growth() + self.moving_growth(&after);
        match extent.fits(Extent::MOST) || extent.fits(self.extent.size) {
            true => Ok(()),
            false => Err(too_large(extent)),
        }
    }

    /// Edits were accepted.
    pub(super) fn grow(&mut self, growth: Extent) {
        self.extent.size += growth;
    }

    /// Is there room for the text of a type?
    ///
    /// # Errors
    /// If the session could not be saved with it.
    pub fn room_for_source(&mut self, type_id: &str, source: &Arc<TypeSource>) -> Result<(), EditError> {
        self.room(source_extent(type_id, source), |engine| {
            let mut after = engine.session.clone();
            after.sources.insert(type_id.to_owned(), Arc::clone(source));
            Ok(after)
        })
    }

    /// The session was measured, or is measured now.
    pub(super) fn measure(&mut self) {
        self.extent.measured += 1;
        self.extent.size = self.session.extent() + self.waiting_growth() + self.moving_growth(&self.session);
    }

    /// How often the whole session was measured, for tests: that costs what the session is, not what an edit
    /// changes.
    pub fn measured(&self) -> u64 {
        self.extent.measured
    }

    /// What controllers, one-shots and fades may yet add to `session`: a value where they arrive.
    fn moving_growth(&self, session: &Session) -> Extent {
        let fading = self.ledger.fading.values().map(|(path, _)| session.value_growth(path));
        fading.sum::<Extent>() + session.moving_growth() + self.listening_growth_in(session)
    }

    /// What controls may add that the host's MIDI moves because their types say so.
    fn listening_growth_in(&self, session: &Session) -> Extent {
        session.graph.nodes.iter().map(|node| self.listening_growth(&node.id, &node.type_id)).sum()
    }

    fn waiting_growth(&self) -> Extent {
        self.waiting.edits.iter().map(|Pending { edit, .. }| self.session.growth(edit)).sum()
    }
}

/// What a session is that is to be loaded.
///
/// # Errors
/// If it could not be saved again.
pub(super) fn loadable(session: &Session) -> Result<Extent, EditError> {
    let extent = session.extent();
    if extent.fits(Extent::LOADED) { Ok(extent) } else { Err(too_large(extent)) }
}

fn too_large(extent: Extent) -> EditError {
    let what = match extent.bytes > MAX_DOCUMENT {
        true => format!("{} bytes of at most {MAX_DOCUMENT}", extent.bytes),
        false => format!("{} entries of at most {}", extent.parts, Extent::MOST.parts),
    };
    let fault = Fault::new("$", format!("the session would be too large to be saved ({what})"));
    EditError::Fault(fault.hint("remove something first, or make texts and patterns shorter"))
}

/// The growth of edits, before they act.
pub(super) fn growth_of(session: &Session, edits: &[&Edit]) -> Extent {
    edits.iter().map(|edit| session.growth(edit)).sum()
}

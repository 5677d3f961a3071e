//! A control waits for the controller that is to move it: the next one that moves.

use super::{Engine, MacroLearning};
use crate::edit::{At, Edit, EditError};
use crate::processor::{Action, TimedAction, ToAudio};

/// What the next controller that moves will move.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// The control, by label or path.
    pub label: String,
    /// Value at controller 0.
    pub lo: f64,
    /// Value at controller 127.
    pub hi: f64,
}

/// What waits for the controller, or the macro, that is to move it.
#[derive(Default)]
pub(super) struct Learn {
    /// What the next controller that moves will move.
    pub controller: Option<Learning>,
    /// What waits for a macro, or the macro that waits.
    pub by_macro: Option<MacroLearning>,
}

impl Engine {
    /// Maps the next controller that moves; `None` waits no longer. Not part of the session, which gets
    /// the map when there is one.
    ///
    /// # Errors
    /// `lo` or `hi` is not a finite number.
    pub fn learn(&mut self, learning: Option<Learning>) -> Result<(), EditError> {
        if let Some(Learning { lo, hi, .. }) = &learning
            && !(lo.is_finite() && hi.is_finite())
        {
            return Err(EditError::Value { field: "lo, hi", expected: "finite numbers" });
        }
        let action = Action::Learn(learning.is_some());
        self.learn.controller = learning;
        if self.is_listening() {
            self.send(ToAudio::Edit(TimedAction::now(action)));
        }
        Ok(())
    }

    /// What waits for a controller.
    pub fn learning(&self) -> Option<&Learning> {
        self.learn.controller.as_ref()
    }

    /// As [`Session::range_of`](crate::session::Session::range_of), in the session as it is.
    pub fn range_of(&self, label: &str) -> Option<(f64, f64)> {
        self.session.range_of(label, &self.registry)
    }

    /// The controller has moved.
    pub(super) fn learned(&mut self, channel: u8, cc: u8) {
        if let Some(Learning { label, lo, hi }) = self.learn.controller.take() {
            // Refused only if there are too many maps; then there is nothing to be lost.
            let _ = self.edit(Edit::MidiMap { channel, cc, label, lo, hi }, At::Now);
        }
    }
}

//! The way to the processor: what is on its way there, and the plans that it was sent.

use crate::planner::PlanShadow;
use crate::processor::{FromAudio, ToAudio};
use rtrb::{Consumer, Producer};
use std::collections::VecDeque;
use std::sync::Arc;

/// What is known of the processor.
pub(super) struct AudioLink {
    pub to: Producer<ToAudio>,
    pub from: Consumer<FromAudio>,
    pub backlog: VecDeque<ToAudio>,
    pub sample_rate: f64,
    pub max_frames: usize,
    /// The plan that plays, as far as is known.
    pub base: Arc<PlanShadow>,
    /// Plans that are on their way.
    pub sent: Vec<SentPlan>,
    /// The session's graph is ahead of what was sent.
    pub dirty: bool,
    /// The pending graph edits are ahead of what was sent.
    pub reschedule: bool,
    /// The engine that plays has panicked.
    pub poisoned: bool,
    /// A whole engine is on its way, with this edit as its last.
    pub replacing: Option<u64>,
    /// How many messages have come that are answered with a plan.
    pub heeded: u64,
}

/// A plan that was sent, and that audio has not adopted yet.
pub(super) struct SentPlan {
    pub shadow: Arc<PlanShadow>,
    pub seq: u64,
    /// The pending graph edit that it carries out; `None`: it is for now.
    pub pending: Option<u64>,
    /// It was called back; audio may have adopted it all the same.
    pub dropped: bool,
}

impl AudioLink {
    pub fn push_backlog(&mut self) {
        while let Some(message) = self.backlog.pop_front() {
            if let Err(rtrb::PushError::Full(message)) = self.to.push(message) {
                self.backlog.push_front(message);
                return;
            }
        }
    }
}

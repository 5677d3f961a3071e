//! What crosses between the control thread and the audio thread: one enum each way.

use super::action::{Action, Garbage, TimedAction};
use super::renderer::Renderer;
use super::scene::{Recall, SceneParts};
use crate::plan::{Plan, Waiting};
use crate::symbol::Symbol;
use std::any::Any;

/// Slots of the ring to audio. An overflow waits on the control side.
pub const TO_AUDIO: usize = 1024;
/// Slots of the ring back. Audio takes no message while fewer than [`RETURNS_PER_MESSAGE`] are free.
pub const RETURNS: usize = 2048;
/// Returns that one message can cause at most.
pub const RETURNS_PER_MESSAGE: usize = 3;

/// Control thread → audio thread, in the order of the edits.
pub enum ToAudio {
    /// A plan, now or scheduled.
    Plan(Box<Plan>),
    /// Scheduled plans are void; newer ones follow.
    DropScheduled,
    /// An edit that needs no plan.
    Edit(TimedAction),
    /// Voices for nodes of scenes: each goes to its number in the pool.
    Voices(Vec<(u32, Waiting)>),
    /// What a scene puts in place beside its graph.
    Scene(Box<SceneParts>),
    /// A whole engine, after a load or a fault.
    Replace {
        /// Its session's last edit.
        seq: u64,
        /// The engine.
        renderer: Box<Renderer>,
    },
}

/// Audio thread → control thread. Answers and garbage are never lost: what finds no room stays with the
/// audio thread. Faults and OSC messages may be.
pub enum FromAudio {
    /// A plan was adopted.
    Adopted {
        /// Its number.
        generation: u64,
        /// The last edit in it.
        seq: u64,
        /// It was due earlier.
        late: bool,
        /// It had waited for a position.
        timed: bool,
        /// What played before, to be freed.
        old: Box<Plan>,
    },
    /// A plan that was overtaken.
    Stale(Box<Plan>),
    /// A crossfade has ended: ghosts of that plan can go.
    Faded {
        /// Number of the plan.
        generation: u64,
    },
    /// An edit acted.
    Applied {
        /// Number of the edit.
        seq: u64,
        /// Where, in cycles.
        position: f64,
        /// After its time.
        late: bool,
        /// Number of the pattern that it has put into a slot.
        serial: Option<u64>,
        /// What it replaced, to be freed.
        garbage: Option<Garbage>,
    },
    /// A pattern that was hushed, to be freed.
    Hushed(Garbage),
    /// An engine was replaced.
    Replaced {
        /// The last edit in the new one.
        seq: u64,
        /// An old engine, to be freed (it may come later, after its fade).
        old: Option<Box<Renderer>>,
    },
    /// A scene was recalled.
    Recalled {
        /// Which, and why.
        recall: Recall,
        /// Number of the plan that plays now.
        generation: u64,
        /// Where, in cycles; NaN where time stands.
        position: f64,
        /// Its parts as far as they were not needed, and what they replaced, to be freed.
        parts: Box<SceneParts>,
    },
    /// A scene was to be recalled and was not ready, or is not there.
    Missed(Recall),
    /// Voices that were in the pool, to be freed.
    Voices(Vec<(u32, Waiting)>),
    /// Parts of a scene that others have replaced, to be freed.
    Scene(Box<SceneParts>),
    /// A one-shot automation has arrived.
    AutomationDone {
        /// Its number.
        serial: u64,
        /// The base value of its control by now; `None` if there is no such control.
        base: Option<f32>,
    },
    /// A pattern that counts from its own zero has begun.
    Origin {
        /// Its number.
        serial: u64,
        /// Where it began, in cycles.
        position: f64,
    },
    /// An OSC message is due.
    Osc {
        /// Sample since activation.
        sample: i64,
        /// Number of the pattern.
        serial: u64,
        /// Index of the value.
        value: u32,
    },
    /// The controller that was waited for has moved.
    Learned {
        /// MIDI channel, 0…15.
        channel: u8,
        /// Controller number, 0…127.
        cc: u8,
    },
    /// The macro that was waited for has moved.
    MacroLearned {
        /// The macro, counted from 0.
        index: u8,
    },
    /// A controller or a macro has set a base value.
    Moved {
        /// The control, by label or path.
        target: Symbol,
        /// The value.
        value: f32,
    },
    /// What came for an engine that has panicked, to be freed.
    Unheard {
        /// Number of the edit.
        seq: u64,
        /// What it was.
        action: Action,
    },
    /// A node produced NaN or infinity.
    NodeFault {
        /// The node.
        uid: u64,
        /// It is not rendered any more.
        silenced: bool,
    },
    /// The engine panicked.
    Panicked(Box<dyn Any + Send>),
}

//! What a session is made of, record by record.

mod macros;
mod schema;
mod settings;
mod state;

pub use macros::{Curve, MacroState, MacroTarget, Way, check_number};
pub use settings::{ClockSource, Crossfade, FadeLength, Period, ProgramChanges, Setting, Settings, Start};
pub use state::{AutomationState, InputState, MidiMapState, NoteRouteState, SlotState, TypeSource, Values};

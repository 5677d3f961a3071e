//! Rational-time music patterns.
//!
//! The data flow in one sentence: **JSON, mini-notation or builders make a [`Pattern`], [`compile()`]
//! turns it into an immutable [`Program`], and [`Program::query`] and [`Program::onsets`] fill an
//! [`EventBuffer`] with exact [`Event`]s without allocating.**
//!
//! ```
//! use krach_patterns::{EventBuffer, Span, Time, builders, compile};
//!
//! let program = compile(&(builders::hit("kick/gate") * 4)).unwrap();
//! let mut events = EventBuffer::with_capacity(64);
//! let cycle = Span { begin: Time::from_integer(0), end: Time::from_integer(1) };
//! program.onsets(cycle, 0, &mut events).unwrap();
//! assert_eq!(events.len(), 8); // four gates on, four gates off
//! assert_eq!(events.as_slice()[1].whole.begin, Time::new(1, 8));
//! ```
//!
//! What a time cannot hold, or what would cost too much, is refused by [`compile()`] by the name of
//! the offending node; a program that compiled is exact for every window within
//! [`MAX_CYCLE`] and never panics (`lattice.rs` has the argument).

mod arena;
pub mod builders;
mod chance;
mod chord;
mod compile;
mod count;
mod draft;
mod error;
mod euclid;
mod event;
mod fields;
mod fraction;
mod hint;
mod ir;
mod json;
pub mod language;
mod lattice;
mod mini;
mod period;
mod pitch;
mod program;
mod query;
mod query_chords;
mod query_values;
mod scales;
pub mod schema;
mod shape;
mod stream;
mod swing;
mod tick;
mod time;
mod tuning;
mod unit;
mod validate;
mod value;
mod warp;

pub use compile::compile;
pub use error::{CompileError, CompileErrorKind};
pub use euclid::euclid_hits;
pub use event::{Event, EventBuffer, Full, ShapeRef};
pub use fields::op_names;
pub use ir::{
    COMBINE_KINDS, Fraction, MAX_DEPTH, MAX_LABEL, MAX_TUNING, Pattern, SHUFFLE_KINDS, SPLIT_KINDS,
    STRUCTURES, SourceSpan, VARY_KINDS,
};
pub use json::{JsonError, JsonExtent, MAX_JSON_DEPTH, json_depth, json_extent, parse_json};
pub use mini::{MiniError, mini, mini_values};
pub use pitch::{PitchError, midi_to_hz, parse_pitch};
pub use program::{MAX_CYCLE, MAX_EVENTS_PER_CYCLE, Program};
pub use shape::{SHAPE_KINDS, Shape, ShapeKind};
pub use swing::{Swing, compile_swung};
pub use time::{Span, Time};
pub use tuning::{TUNINGS, Tuning};
pub use value::{OscArg, Value};

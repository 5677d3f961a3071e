//! What drives a control by itself: a shape, drawn over and over or once, on a grid of frames.
//!
//! # Shapes
//! A shape is a function of the phase t in [0, 1) with values in 0…1, which are mapped to `lo…hi`:
//!
//! | name | value at t | begins | once, ends at |
//! |---|---|---|---|
//! | `sine` | ½ + ½·sin 2πt | ½, rising | ½ |
//! | `tri` | 2t, then 2 - 2t | 0, rising | 0 |
//! | `ramp` | t | 0 | 1 |
//! | `ramp_down` | 1 - t | 1 | 0 |
//! | `square` | 1 for t < ½, then 0 | 1 | 0 |
//! | `exp` | t²: slowly, then fast | 0 | 1 |
//! | `pulse` | 1 for t < duty, then 0 | 1 | 0 |
//! | `custom` | a table, linear in between | first entry | last entry |
//!
//! A custom table of n entries that repeats has entry i at t = i/n, and its last leads back to its
//! first; drawn once it has entry i at t = i/(n - 1), and its last is its end. These are the
//! definitions of the shapes in patterns.
//!
//! # Grid
//! The shape is evaluated on the last frame of every cell of [`GRID`] frames, counted from an anchor
//! (the clock's), and is linear in between: the line that [`Change::ramp`] draws. Cells are cut where
//! the automation starts and where it ends, so that both are exact to the frame.

use crate::node::Change;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// Frames from one evaluation of a shape to the next.
pub const GRID: i64 = 32;
/// Most entries of a custom table.
pub const MAX_TABLE: usize = 4096;
/// Names of the shapes, as [`ShapeSpec::named`] knows them.
pub const SHAPES: [&str; 8] = ["sine", "tri", "ramp", "ramp_down", "square", "exp", "pulse", "custom"];
/// Default part of the period that a pulse is high.
pub const DEFAULT_DUTY: f64 = 0.5;

/// A shape as clients name it and sessions save it.
///
/// In JSON a name (`"ramp"`), or `{"pulse":{"duty":0.25}}`, `{"custom":{"table":[0.0,1.0]}}`. Where
/// `duty` or `table` stand beside the name, see [`ShapeSpec::named`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapeSpec {
    /// ½ + ½·sin 2πt.
    Sine,
    /// Up, then down.
    Tri,
    /// Up.
    Ramp,
    /// Down.
    RampDown,
    /// High, then low.
    Square,
    /// Up, slowly, then fast.
    Exp,
    /// High for `duty` of the period, then low.
    Pulse {
        /// 0…1.
        duty: f64,
    },
    /// A table.
    Custom {
        /// 1…[`MAX_TABLE`] values in 0…1.
        table: Vec<f32>,
    },
}

/// Why a shape cannot be.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ShapeError {
    /// There is no shape of that name.
    #[error(
        "unknown shape '{name}': use sine, tri, ramp, ramp_down, square, exp, pulse (with duty) or custom (with table)"
    )]
    Unknown {
        /// The name.
        name: String,
    },
    /// The duty is not in 0…1.
    #[error("pulse: duty {duty} is not between 0 and 1")]
    Duty {
        /// The duty.
        duty: f64,
    },
    /// A custom shape without a table, or one that is empty.
    #[error("custom: needs a table of 1 to {MAX_TABLE} values between 0 and 1")]
    NoTable,
    /// The table is too long.
    #[error("custom: a table of {len} values is too long, at most {MAX_TABLE} work")]
    LongTable {
        /// Its length.
        len: usize,
    },
    /// A table entry is not in 0…1.
    #[error("custom: table entry {index} is {value}; entries lie between 0 and 1, lo and hi scale them")]
    Entry {
        /// Its index.
        index: usize,
        /// Its value.
        value: f32,
    },
}

impl ShapeError {
    /// What would work.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "expected sine, tri, ramp, ramp_down, square, exp, pulse or custom",
            Self::Duty { .. } => "expected a duty from 0 to 1, such as 0.25",
            Self::NoTable | Self::LongTable { .. } => "expected a table of 1 to 4096 values",
            Self::Entry { .. } => "expected values from 0 to 1; lo and hi say what they stand for",
        }
    }
}

impl ShapeSpec {
    /// The shape of a name, with the `duty` or `table` that stood beside it. Those of other shapes are
    /// ignored; a pulse without a duty has [`DEFAULT_DUTY`].
    ///
    /// # Errors
    /// If the name is unknown, or duty or table are out of bounds.
    pub fn named(name: &str, duty: Option<f64>, table: Option<Vec<f32>>) -> Result<Self, ShapeError> {
        let spec = match name {
            "sine" => Self::Sine,
            "tri" => Self::Tri,
            "ramp" => Self::Ramp,
            "ramp_down" => Self::RampDown,
            "square" => Self::Square,
            "exp" => Self::Exp,
            "pulse" => Self::Pulse { duty: duty.unwrap_or(DEFAULT_DUTY) },
            "custom" => Self::Custom { table: table.ok_or(ShapeError::NoTable)? },
            _ => return Err(ShapeError::Unknown { name: name.to_owned() }),
        };
        spec.check()?;
        Ok(spec)
    }

    /// Its name, without duty or table.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sine => "sine",
            Self::Tri => "tri",
            Self::Ramp => "ramp",
            Self::RampDown => "ramp_down",
            Self::Square => "square",
            Self::Exp => "exp",
            Self::Pulse { .. } => "pulse",
            Self::Custom { .. } => "custom",
        }
    }

    /// Is it all said by its name?
    pub fn is_plain(&self) -> bool {
        !matches!(self, Self::Pulse { .. } | Self::Custom { .. })
    }

    /// Is every number within its bounds?
    ///
    /// # Errors
    /// Names the first that is not.
    pub fn check(&self) -> Result<(), ShapeError> {
        match self {
            Self::Pulse { duty } if !(0.0..=1.0).contains(duty) => Err(ShapeError::Duty { duty: *duty }),
            Self::Custom { table } if table.is_empty() => Err(ShapeError::NoTable),
            Self::Custom { table } if table.len() > MAX_TABLE => {
                Err(ShapeError::LongTable { len: table.len() })
            }
            Self::Custom { table } => match table.iter().position(|v| !(0.0..=1.0).contains(v)) {
                Some(index) => Err(ShapeError::Entry { index, value: table[index] }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// The form for the audio thread.
    ///
    /// # Errors
    /// As [`ShapeSpec::check`].
    pub fn build(&self) -> Result<Waveform, ShapeError> {
        self.check()?;
        Ok(match self {
            Self::Sine => Waveform::Sine,
            Self::Tri => Waveform::Tri,
            Self::Ramp => Waveform::Ramp,
            Self::RampDown => Waveform::RampDown,
            Self::Square => Waveform::Pulse { duty: 0.5 },
            Self::Exp => Waveform::Exp,
            Self::Pulse { duty } => Waveform::Pulse { duty: *duty },
            Self::Custom { table } => Waveform::Custom(Arc::from(table.as_slice())),
        })
    }
}

impl JsonSchema for ShapeSpec {
    fn schema_name() -> Cow<'static, str> {
        "Shape".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = SHAPES.into_iter().filter(|name| *name != "custom").collect();
        let fields = |duty: Value, table: Value| {
            let properties = json!({"duty": duty, "table": table});
            json!({"type": "object", "properties": properties, "additionalProperties": false})
        };
        let any = || fields(json!({"type": ["number", "null"]}), numbers_or_null());
        let mut shapes: Map<String, Value> = SHAPES.iter().map(|name| ((*name).to_owned(), any())).collect();
        let duty = json!({"type": ["number", "null"], "minimum": 0, "maximum": 1, "default": DEFAULT_DUTY});
        shapes.insert("pulse".to_owned(), fields(duty, numbers_or_null()));
        let entry = json!({"type": "number", "minimum": 0, "maximum": 1});
        let table = json!({"type": "array", "items": entry, "minItems": 1, "maxItems": MAX_TABLE});
        let mut custom = fields(json!({"type": ["number", "null"]}), table);
        custom["required"] = json!(["table"]);
        shapes.insert("custom".to_owned(), custom);
        json_schema!({
            "description": "A shape by its name, or with its number or table: `{\"pulse\":{\"duty\":0.25}}`, \
                `{\"custom\":{\"table\":[0.0,1.0]}}`.",
            "if": {"type": "object"},
            "then": {
                "properties": shapes, "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            },
            "else": {"enum": names},
        })
    }
}

fn numbers_or_null() -> Value {
    json!({"type": ["array", "null"], "items": {"type": "number"}})
}

impl<'de> Deserialize<'de> for ShapeSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Name(String),
            Full(std::collections::BTreeMap<String, Fields>),
        }
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            duty: Option<f64>,
            table: Option<Vec<f32>>,
        }
        let spec = match Form::deserialize(deserializer)? {
            Form::Name(name) => Self::named(&name, None, None),
            Form::Full(map) => {
                let mut shapes = map.into_iter();
                let (Some((name, fields)), None) = (shapes.next(), shapes.next()) else {
                    return Err(de::Error::custom(
                        "a shape is one name, such as {\"pulse\":{\"duty\":0.25}}",
                    ));
                };
                Self::named(&name, fields.duty, fields.table)
            }
        };
        spec.map_err(de::Error::custom)
    }
}

/// A shape in the form for the audio thread: evaluating it allocates nothing. A custom one holds its
/// table, so drop it elsewhere.
#[derive(Clone, Debug, PartialEq)]
pub enum Waveform {
    /// ½ + ½·sin 2πt.
    Sine,
    /// Up, then down.
    Tri,
    /// Up.
    Ramp,
    /// Down.
    RampDown,
    /// Up, slowly, then fast.
    Exp,
    /// High, then low; with duty ½ the square.
    Pulse {
        /// Part of the period that is high, 0…1.
        duty: f64,
    },
    /// Values in 0…1, spread over the period; an empty one is 0.
    Custom(Arc<[f32]>),
}

impl Waveform {
    /// The value, 0…1, at a phase in [0, 1) of a shape that repeats. The same to the bit on every
    /// machine.
    pub fn value(&self, phase: f64) -> f64 {
        match self {
            Self::Sine => 0.5 + 0.5 * libm::sin(std::f64::consts::TAU * phase),
            Self::Tri => 1.0 - (2.0 * phase - 1.0).abs(),
            Self::Ramp => phase,
            Self::RampDown => 1.0 - phase,
            Self::Exp => phase * phase,
            Self::Pulse { duty } => f64::from(u8::from(phase < *duty)),
            Self::Custom(table) => interpolate(table, phase * table.len() as f64),
        }
    }

    /// The value, 0…1, at a phase in [0, 1) of a shape that is drawn once: a table is stretched so that
    /// its last entry is the end.
    pub fn value_once(&self, phase: f64) -> f64 {
        match self {
            Self::Custom(table) => interpolate(table, phase * table.len().saturating_sub(1) as f64),
            _ => self.value(phase),
        }
    }

    /// Where a shape that is drawn once comes to rest.
    pub fn end(&self) -> f64 {
        match self {
            Self::Sine => 0.5,
            Self::Tri | Self::RampDown => 0.0,
            Self::Ramp | Self::Exp => 1.0,
            Self::Pulse { duty } => f64::from(u8::from(*duty >= 1.0)),
            Self::Custom(table) => table.last().map_or(0.0, |&v| f64::from(v)),
        }
    }
}

/// The table at `position` entries from its first, linear in between; after the last comes the first.
fn interpolate(table: &[f32], position: f64) -> f64 {
    let index = position as usize;
    let entry = |i: usize| table.get(i).or(table.first()).map_or(0.0, |&v| f64::from(v));
    let (a, b) = (entry(index), entry(index + 1));
    a + (b - a) * (position - index as f64)
}

/// A shape at work on a control.
#[derive(Clone, Debug, PartialEq)]
pub struct Automation {
    /// The shape.
    pub shape: Waveform,
    /// Value of the control at the shape's 0.
    pub lo: f64,
    /// Value of the control at the shape's 1; may be below `lo`.
    pub hi: f64,
    /// Frames of one period, above 0; need not be whole.
    pub period_frames: f64,
    /// Ends after one period and holds its last value.
    pub one_shot: bool,
    /// Frame at which the phase is 0; before, the first value is held.
    pub start_frame: i64,
}

/// A stretch of frames in which the control moves on one line, as [`Change`] draws it: frame `begin`
/// is one step from `from` along, frame `end - 1` has `to`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// First frame.
    pub begin: i64,
    /// Frame after the last; [`i64::MAX`] for what is held for good.
    pub end: i64,
    /// Value on the frame before `begin`.
    pub from: f32,
    /// Value on the frame before `end`.
    pub to: f32,
}

impl Segment {
    /// The change that makes a node follow this segment if set before `frame` is rendered,
    /// `begin <= frame < end`. To be followed by the next segment's at `end`.
    pub fn change_at(&self, frame: i64) -> Change {
        let ramp =
            if self.from == self.to { 0 } else { u32::try_from(self.end.saturating_sub(frame)).unwrap_or(0) };
        Change { value: self.to, ramp }
    }

    /// The value on a frame of the segment.
    pub fn value_at(&self, frame: i64) -> f32 {
        let after = frame.saturating_add(1);
        if self.from == self.to || after >= self.end {
            return self.to;
        }
        let along = after.saturating_sub(self.begin) as f64 / self.end.saturating_sub(self.begin) as f64;
        (f64::from(self.from) + (f64::from(self.to) - f64::from(self.from)) * along) as f32
    }
}

impl Automation {
    /// The exact value on a frame, in the control's unit.
    pub fn value_at(&self, frame: i64) -> f32 {
        let elapsed = frame.saturating_sub(self.start_frame).max(0) as f64;
        let share = if self.one_shot {
            let phase = elapsed / self.period_frames;
            if phase < 1.0 { self.shape.value_once(phase) } else { self.shape.end() }
        } else {
            // The remainder of floats is exact; the quotient may still round up to 1.
            let phase = elapsed % self.period_frames / self.period_frames;
            self.shape.value(if phase < 1.0 { phase } else { 0.0 })
        };
        (self.lo * (1.0 - share) + self.hi * share) as f32
    }

    /// The first frame that has the last value, for a one-shot.
    pub fn end_frame(&self) -> Option<i64> {
        self.one_shot.then(|| self.start_frame.saturating_add(self.period_frames.ceil() as i64))
    }

    /// The segment that `frame` lies in, on the grid that has a border at `anchor`. Depends on nothing
    /// else: not on blocks, nor on which frames were asked for before.
    pub fn segment(&self, anchor: i64, frame: i64) -> Segment {
        if frame <= self.start_frame {
            return self.held(i64::MIN, self.start_frame.saturating_add(1), self.start_frame);
        }
        let last = self.end_frame();
        if let Some(last) = last
            && frame > last
        {
            return self.held(last + 1, i64::MAX, last);
        }
        let into_cell = frame.wrapping_sub(anchor).rem_euclid(GRID);
        let cell_end = frame.saturating_add(GRID - into_cell);
        let begin = (frame - into_cell).max(self.start_frame + 1);
        let end = last.map_or(cell_end, |last| cell_end.min(last.saturating_add(1)));
        Segment { begin, end, from: self.value_at(begin - 1), to: self.value_at(end - 1) }
    }

    fn held(&self, begin: i64, end: i64, frame: i64) -> Segment {
        let value = self.value_at(frame);
        Segment { begin, end, from: value, to: value }
    }
}

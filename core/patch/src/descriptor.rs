//! What a module says of itself, once: the documentation, the checks of files and the controls read it here.

use std::borrow::Cow;

use crate::fault::{Fault, Part, shown};
use crate::module::Module;
use crate::notes::{self, Step};

/// Most indexed ports of a module.
pub const MAX_CHANNELS: u16 = 32;
/// Most entries of a list.
pub const MAX_LENGTH: u16 = 256;

/// A module type: its name, ports, parameters.
pub struct Descriptor {
    /// As files name it.
    pub name: &'static str,
    /// What it does, in a sentence or two.
    pub about: &'static str,
    /// Its place in the patch.
    pub role: Role,
    /// Inputs.
    pub inputs: &'static [Port],
    /// Outputs.
    pub outputs: &'static [Port],
    /// Parameters.
    pub params: &'static [Param],
    /// How many indexed ports and parameters it can have; `None`: it has none.
    pub channels: Option<Extent>,
    /// How long its lists can be made; `None`: that is not for the file to say.
    pub length: Option<Extent>,
    /// Makes one, with every parameter at its default.
    pub build: fn(&Shape) -> Box<dyn Module>,
}

/// What a module is for the patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Cables in, cables out.
    Plain,
    /// Where the sound leaves: inputs left and right.
    Sink,
    /// Where sound comes in: outputs left and right.
    Source,
}

/// An input or output.
pub struct Port {
    /// As files name it.
    pub name: &'static str,
    /// `NAME/0`, `NAME/1` and so on, as many as the node has channels.
    pub indexed: bool,
    /// Unit and meaning.
    pub about: &'static str,
}

impl Port {
    /// A port.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, indexed: false, about }
    }

    /// As many ports as there are channels.
    pub const fn indexed(name: &'static str, about: &'static str) -> Self {
        Self { name, indexed: true, about }
    }
}

/// A parameter.
pub struct Param {
    /// As files name it.
    pub name: &'static str,
    /// `NAME/0`, `NAME/1` and so on, as many as the node has channels.
    pub indexed: bool,
    /// Type, range and default.
    pub kind: Kind,
    /// Unit: `Hz`, `s`, `ms`, `V`; empty for none.
    pub unit: &'static str,
    /// Meaning.
    pub about: &'static str,
}

impl Param {
    /// A parameter that exists once.
    pub const fn new(name: &'static str, kind: Kind, unit: &'static str, about: &'static str) -> Self {
        Self { name, indexed: false, kind, unit, about }
    }

    /// A parameter of each channel.
    pub const fn indexed(name: &'static str, kind: Kind, unit: &'static str, about: &'static str) -> Self {
        Self { name, indexed: true, kind, unit, about }
    }
}

/// Type, range and default of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number; whole numbers are numbers, too.
    Float {
        /// Least.
        min: f32,
        /// Most.
        max: f32,
        /// Without a value.
        default: f32,
        /// Equal steps of a controller multiply: frequencies, times.
        log: bool,
    },
    /// A whole number.
    Int {
        /// Least.
        min: i32,
        /// Most.
        max: i32,
        /// Without a value.
        default: i32,
    },
    /// `true` or `false`.
    Bool {
        /// Without a value.
        default: bool,
    },
    /// One of some names.
    Enum {
        /// The names; a control's value is the index.
        names: &'static [&'static str],
        /// Index of the name without a value.
        default: usize,
    },
    /// A list of strings: a setting, not a control.
    List {
        /// What the entries are.
        entries: Entries,
        /// Without a value.
        default: &'static [&'static str],
    },
}

impl Kind {
    /// A number on a linear scale.
    pub const fn float(min: f32, max: f32, default: f32) -> Self {
        Self::Float { min, max, default, log: false }
    }

    /// A number on a logarithmic scale.
    pub const fn log(min: f32, max: f32, default: f32) -> Self {
        Self::Float { min, max, default, log: true }
    }

    /// The value without a value.
    pub fn default(&self) -> Value {
        match *self {
            Self::Float { default, .. } => Value::Float(default),
            Self::Int { default, .. } => Value::Int(default),
            Self::Bool { default } => Value::Bool(default),
            Self::Enum { names, default } => Value::Name(names[default].to_owned()),
            Self::List { default, .. } => {
                Value::List(default.iter().map(|&entry| entry.to_owned()).collect())
            }
        }
    }
}

/// What the entries of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entries {
    /// Notes, rests and ties, as many as the node's length.
    Steps,
    /// Pitch classes, at most twelve.
    PitchClasses,
}

impl Entries {
    fn parse(self, entry: &str) -> Option<Step> {
        match self {
            Self::Steps => notes::step(entry),
            Self::PitchClasses => notes::pitch_class(entry),
        }
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Steps => {
                "a note like `C3`, `Eb3` or `F#-1` (octaves -1 to 9), \"-\" for a rest or \"_\" for a tie"
            }
            Self::PitchClasses => "a pitch class like `C`, `Eb` or `F#`, without octave",
        }
    }

    /// Most entries in a node of this shape.
    pub(crate) fn capacity(self, shape: &Shape) -> usize {
        match self {
            Self::Steps => shape.length.into(),
            Self::PitchClasses => 12,
        }
    }
}

/// How large something can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Least.
    pub min: u16,
    /// Most.
    pub max: u16,
    /// Where the file does not say.
    pub default: u16,
}

/// How large a node is. Two nodes of one module but another shape are not the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Shape {
    /// Number of indexed ports; 0 where there are none.
    pub channels: u16,
    /// Capacity of its lists; 0 where the file does not say.
    pub length: u16,
}

/// A parameter's value as a file has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number with a fraction or exponent.
    Float(f32),
    /// A whole number.
    Int(i32),
    /// `true` or `false`.
    Bool(bool),
    /// A string: a name of an enumeration.
    Name(String),
    /// A list of strings.
    List(Vec<String>),
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Float(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Name(value.to_owned())
    }
}

impl<const N: usize> From<[&str; N]> for Value {
    fn from(value: [&str; N]) -> Self {
        Self::List(value.map(str::to_owned).to_vec())
    }
}

/// A value as a module takes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Setting {
    /// Of a control.
    Number(f32),
    /// Of a list.
    List(Vec<Step>),
}

impl Kind {
    /// The value as modules take it, and as the same kind is always written: an int for a float becomes a float.
    pub(crate) fn check(&self, value: &Value, shape: &Shape) -> Result<(Value, Setting), Fault> {
        let wrong = || Fault::new(Part::Value, format!("found {}", found(value)), self.allowed(shape));
        match (*self, value) {
            (Self::Float { min, max, .. }, &Value::Float(number)) if (min..=max).contains(&number) => {
                Ok((Value::Float(number), Setting::Number(number)))
            }
            (Self::Float { min, max, .. }, &Value::Int(number)) if (min..=max).contains(&(number as f32)) => {
                Ok((Value::Float(number as f32), Setting::Number(number as f32)))
            }
            (Self::Int { min, max, .. }, &Value::Int(number)) if (min..=max).contains(&number) => {
                Ok((Value::Int(number), Setting::Number(number as f32)))
            }
            (Self::Bool { .. }, &Value::Bool(on)) => {
                Ok((Value::Bool(on), Setting::Number(f32::from(u8::from(on)))))
            }
            (Self::Enum { names, .. }, Value::Name(name)) => {
                match names.iter().position(|known| known == name) {
                    Some(index) => Ok((Value::Name(name.clone()), Setting::Number(index as f32))),
                    None => Err(Fault::unknown(Part::Value, "name", name, names.iter().copied())),
                }
            }
            (Self::List { entries, .. }, Value::List(list)) => {
                let capacity = entries.capacity(shape);
                if list.len() > capacity {
                    let what = format!("{} entries where {capacity} are allowed", list.len());
                    let hint = match entries {
                        Entries::Steps => format!("give the node a `length` (up to {MAX_LENGTH})"),
                        Entries::PitchClasses => "name each pitch class once".to_owned(),
                    };
                    return Err(Fault::new(Part::Value, what, hint));
                }
                let steps = list.iter().enumerate().map(|(index, entry)| {
                    entries.parse(entry).ok_or_else(|| {
                        let hint = format!("an entry is {}", entries.allowed());
                        Fault::new(Part::Entry(index), format!("found `{}`", shown(entry)), hint)
                    })
                });
                Ok((value.clone(), Setting::List(steps.collect::<Result<_, _>>()?)))
            }
            _ => Err(wrong()),
        }
    }

    /// What is allowed, in words.
    pub fn allowed(&self, shape: &Shape) -> String {
        match *self {
            Self::Float { min, max, .. } => format!("a number from {min} to {max} is allowed"),
            Self::Int { min, max, .. } => format!("a whole number from {min} to {max} is allowed"),
            Self::Bool { .. } => "true or false is allowed".to_owned(),
            Self::Enum { names, .. } => format!("one of {} is allowed", names.join(", ")),
            Self::List { entries, .. } => {
                format!(
                    "a list of up to {} strings is allowed: {}",
                    entries.capacity(shape),
                    entries.allowed()
                )
            }
        }
    }
}

fn found(value: &Value) -> Cow<'static, str> {
    match value {
        Value::Float(number) => format!("the number {number:?}").into(),
        Value::Int(number) => format!("the whole number {number}").into(),
        Value::Bool(on) => format!("{on}").into(),
        Value::Name(name) => format!("the string `{}`", shown(name)).into(),
        Value::List(_) => "a list".into(),
    }
}

impl Descriptor {
    /// The shape of a node for which a file says this much.
    pub(crate) fn shape(&self, channels: Option<i64>, length: Option<i64>) -> Result<Shape, Fault> {
        let one = |extent: Option<Extent>, given: Option<i64>, part: Part, name: &str| match (extent, given) {
            (None, None) => Ok(0),
            (None, Some(_)) => {
                let what = format!("{} has no `{name}`", self.name);
                Err(Fault::new(part, what, "leave it out"))
            }
            (Some(extent), None) => Ok(extent.default),
            (Some(Extent { min, max, .. }), Some(number)) => {
                match u16::try_from(number).ok().filter(|number| (min..=max).contains(number)) {
                    Some(number) => Ok(number),
                    None => {
                        let hint = format!("a whole number from {min} to {max} is allowed");
                        Err(Fault::new(part, format!("found `{name}` {number}"), hint))
                    }
                }
            }
        };
        Ok(Shape {
            channels: one(self.channels, channels, Part::Channels, "channels")?,
            length: one(self.length, length, Part::Length, "length")?,
        })
    }

    /// The names of the inputs of a node of this shape, by index.
    pub fn input_names(&self, shape: &Shape) -> Vec<Cow<'static, str>> {
        expand(self.inputs.iter().map(|port| (port.name, port.indexed)), shape)
    }

    /// The names of the outputs of a node of this shape, by index.
    pub fn output_names(&self, shape: &Shape) -> Vec<Cow<'static, str>> {
        expand(self.outputs.iter().map(|port| (port.name, port.indexed)), shape)
    }

    /// The names of the parameters of a node of this shape, by index.
    pub fn param_names(&self, shape: &Shape) -> Vec<Cow<'static, str>> {
        expand(self.params.iter().map(|param| (param.name, param.indexed)), shape)
    }

    /// The parameters of a node of this shape, by index.
    pub(crate) fn params(&self, shape: &Shape) -> impl Iterator<Item = &'static Param> {
        let channels = usize::from(shape.channels);
        self.params
            .iter()
            .flat_map(move |param| std::iter::repeat_n(param, if param.indexed { channels } else { 1 }))
    }

    pub(crate) fn input(&self, shape: &Shape, name: &str) -> Result<usize, Fault> {
        let what = format!("input of {}", self.name);
        find(Part::Input, &what, name, self.inputs.iter().map(|port| (port.name, port.indexed)), shape)
    }

    pub(crate) fn output(&self, shape: &Shape, name: &str) -> Result<usize, Fault> {
        let what = format!("output of {}", self.name);
        find(Part::Output, &what, name, self.outputs.iter().map(|port| (port.name, port.indexed)), shape)
    }

    pub(crate) fn param(&self, shape: &Shape, name: &str) -> Result<(usize, &'static Param), Fault> {
        let what = format!("parameter of {}", self.name);
        let named = self.params.iter().map(|param| (param.name, param.indexed));
        let index = find(Part::Param, &what, name, named, shape)?;
        Ok((index, self.params(shape).nth(index).expect("as many as there are names")))
    }
}

fn expand(names: impl Iterator<Item = (&'static str, bool)>, shape: &Shape) -> Vec<Cow<'static, str>> {
    names
        .flat_map(|(name, indexed)| {
            let count = if indexed { shape.channels } else { 1 };
            (0..count).map(move |n| if indexed { format!("{name}/{n}").into() } else { name.into() })
        })
        .collect()
}

/// The index of a name; that of an indexed port without a number is number 0.
fn find(
    part: Part,
    what: &str,
    name: &str,
    known: impl Iterator<Item = (&'static str, bool)>,
    shape: &Shape,
) -> Result<usize, Fault> {
    let names = expand(known, shape);
    let found = |name: &str| names.iter().position(|known| known == name);
    found(name)
        .or_else(|| found(&format!("{name}/0")))
        .ok_or_else(|| Fault::unknown(part, what, name, names.iter().map(|name| &**name)))
}

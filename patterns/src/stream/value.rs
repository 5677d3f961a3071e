//! Values read the same way: `type` first, as we write them, or else through JSON.

use std::fmt;

use serde::de::value::MapDeserializer;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::Value as Json;

use crate::fields::names;
use crate::{OscArg, Value};

names! {
    /// The type of a value.
    Type { Note = "Note", Cc = "Cc", Osc = "Osc", Control = "Control" }
}

names! {
    /// A key of a value.
    Key {
        Type = "type", Channel = "channel", Note = "note", Velocity = "velocity", Dur = "dur",
        Controller = "controller", Value = "value", Address = "address", Args = "args",
        Label = "label",
    }
}

impl Type {
    fn keys(self) -> &'static [Key] {
        match self {
            Type::Note => &[Key::Channel, Key::Note, Key::Velocity, Key::Dur],
            Type::Cc => &[Key::Channel, Key::Controller, Key::Value],
            Type::Osc => &[Key::Address, Key::Args],
            Type::Control => &[Key::Label, Key::Value],
        }
    }
}

/// The fields of a value as far as they are read.
#[derive(Default)]
struct Fields {
    channel: Option<u8>,
    /// A note or a controller.
    number: Option<u8>,
    /// A velocity or a controller's value.
    level: Option<u8>,
    /// A duration or a control's value.
    float: Option<f64>,
    /// An address or a label.
    text: Option<String>,
    args: Option<Vec<OscArg>>,
}

impl Fields {
    /// The value, or the key of the field that it lacks.
    fn value(self, ty: Type) -> Result<Value, Key> {
        Ok(match ty {
            Type::Note => Value::Note {
                channel: self.channel.ok_or(Key::Channel)?,
                note: self.number.ok_or(Key::Note)?,
                velocity: self.level.ok_or(Key::Velocity)?,
                dur: self.float.ok_or(Key::Dur)?,
            },
            Type::Cc => Value::Cc {
                channel: self.channel.ok_or(Key::Channel)?,
                controller: self.number.ok_or(Key::Controller)?,
                value: self.level.ok_or(Key::Value)?,
            },
            Type::Osc => {
                Value::Osc { address: self.text.ok_or(Key::Address)?, args: self.args.unwrap_or_default() }
            }
            Type::Control => {
                Value::Control { label: self.text.ok_or(Key::Label)?, value: self.float.ok_or(Key::Value)? }
            }
        })
    }
}

struct Field<'a>(&'a mut Fields, Type, Key);

impl<'de> DeserializeSeed<'de> for Field<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let Self(fields, ty, key) = self;
        match key {
            Key::Channel => fields.channel = Some(u8::deserialize(json)?),
            Key::Note | Key::Controller => fields.number = Some(u8::deserialize(json)?),
            Key::Velocity => fields.level = Some(u8::deserialize(json)?),
            Key::Value if ty == Type::Cc => fields.level = Some(u8::deserialize(json)?),
            Key::Value | Key::Dur => fields.float = Some(f64::deserialize(json)?),
            Key::Address | Key::Label => fields.text = Some(String::deserialize(json)?),
            Key::Args => fields.args = Some(Vec::deserialize(json)?),
            Key::Type => drop(IgnoredAny::deserialize(json)?),
        }
        Ok(())
    }
}

/// Unknown fields are ignored; of a field given twice the last counts, but a value with two
/// different `type`s is refused.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_map(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, which is an object with a \"type\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while let Some(AnyKey(key)) = map.next_key()? {
            match key {
                Some(Key::Type) => {
                    let ty = map.next_value()?;
                    return fields(ty, map);
                }
                Some(key) => return shuffled(key, map),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Err(A::Error::missing_field(Key::Type.name()))
    }
}

/// The fields of a value whose `type` is known.
fn fields<'de, A: MapAccess<'de>>(ty: Type, mut map: A) -> Result<Value, A::Error> {
    let mut fields = Fields::default();
    while let Some(AnyKey(key)) = map.next_key()? {
        match key {
            Some(key) if ty.keys().contains(&key) => map
                .next_value_seed(Field(&mut fields, ty, key))
                .map_err(|e| A::Error::custom(format_args!("`{}`: {e}", key.name())))?,
            Some(Key::Type) => {
                let again: Type = map.next_value()?;
                if again != ty {
                    let (one, other) = (ty.name(), again.name());
                    return Err(A::Error::custom(format_args!("`type` is both {one} and {other}")));
                }
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    fields.value(ty).map_err(|key| A::Error::missing_field(key.name()))
}

/// A value whose `type` is not its first field that matters: its fields as JSON, `type` in front.
#[inline(never)]
fn shuffled<'de, A: MapAccess<'de>>(first: Key, mut map: A) -> Result<Value, A::Error> {
    let mut entries = vec![(first.name(), map.next_value::<Json>()?)];
    let mut ty = None;
    while let Some(AnyKey(key)) = map.next_key()? {
        match key {
            Some(Key::Type) => ty = Some(map.next_value::<Type>()?),
            Some(key) => entries.push((key.name(), map.next_value()?)),
            None => drop(map.next_value::<IgnoredAny>()?),
        }
    }
    let ty = ty.ok_or_else(|| A::Error::missing_field(Key::Type.name()))?;
    fields(ty, MapDeserializer::<_, serde_json::Error>::new(entries.into_iter())).map_err(A::Error::custom)
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct TypeVisitor;
        impl Visitor<'_> for TypeVisitor {
            type Value = Type;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a kind of value as `type`")
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Type, E> {
                const KNOWN: &[&str] = &["Note", "Cc", "Osc", "Control"];
                Type::of(name).ok_or_else(|| E::unknown_variant(name, KNOWN))
            }
        }
        json.deserialize_str(TypeVisitor)
    }
}

/// A key of a value, known or not.
struct AnyKey(Option<Key>);

impl<'de> Deserialize<'de> for AnyKey {
    fn deserialize<D: Deserializer<'de>>(key: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl Visitor<'_> for KeyVisitor {
            type Value = AnyKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E: Error>(self, key: &str) -> Result<AnyKey, E> {
                Ok(AnyKey(Key::of(key)))
            }
        }
        key.deserialize_identifier(KeyVisitor)
    }
}

//! Patterns read straight from a text: **key by key, node by node, without a tree of JSON between.**
//!
//! A node says first what it is (`op`), as we write it, and its fields then have known types. Where
//! the first field that matters is another, that one object is read as JSON and built from there
//! (`json.rs`). Both ways are linear and give equal patterns. Reading straight recurses, so it refuses
//! what is deeper than [`MAX_DEPTH`] at once.

mod span;
mod value;

use std::cell::Cell;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess};
use serde_json::{Map, Value as Json};

use crate::fields::{Field, Fields, Key, Op};
use crate::ir::{MAX_DEPTH, Pattern, SourceSpan};
use crate::json::{JsonError, build};
use span::LenientSpan;

/// Unknown fields are ignored; of a field given twice the last counts, but a node with two different
/// `op`s is refused, and so is a pattern deeper than [`MAX_DEPTH`]. The error names the place.
impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let told = Cell::new(false);
        Node { at: &Trail::Root, depth: 0, told: &told }.deserialize(deserializer)
    }
}

/// The way from the root of the pattern to where we are.
enum Trail<'a> {
    Root,
    Key(&'a Trail<'a>, Key),
    Item(&'a Trail<'a>, usize),
}

impl Trail<'_> {
    /// As a JSON pointer.
    fn pointer(&self) -> String {
        let (mut steps, mut at) = (Vec::new(), self);
        loop {
            at = match at {
                Trail::Root => break,
                Trail::Key(above, key) => {
                    steps.push(format!("/{}", key.name()));
                    above
                }
                Trail::Item(above, place) => {
                    steps.push(format!("/{place}"));
                    above
                }
            };
        }
        steps.reverse();
        steps.concat()
    }
}

/// A node to be read.
#[derive(Clone, Copy)]
struct Node<'a> {
    at: &'a Trail<'a>,
    depth: usize,
    /// The error that is on its way up already names its place.
    told: &'a Cell<bool>,
}

/// A list of nodes to be read; `at` is where the list is.
struct List<'a> {
    at: &'a Trail<'a>,
    key: Key,
    depth: usize,
    told: &'a Cell<bool>,
}

impl Node<'_> {
    /// The error with its place, unless it has it.
    #[cold]
    fn locate<E: Error>(&self, error: E) -> E {
        if self.told.replace(true) {
            return error;
        }
        let (pointer, message) = (self.at.pointer(), error.to_string());
        E::custom(JsonError::Shape { pointer, message })
    }

    fn build<E: Error>(&self, json: &Json) -> Result<Pattern, E> {
        build(json).map_err(|error| {
            self.told.set(true);
            E::custom(match error {
                JsonError::Shape { pointer, message } => {
                    JsonError::Shape { pointer: self.at.pointer() + &pointer, message }
                }
                other => other,
            })
        })
    }

    /// The fields of a node whose `op` is known.
    fn fields<'de, A: MapAccess<'de>>(
        &self,
        op: Op,
        mut span: Option<SourceSpan>,
        map: &mut A,
    ) -> Result<Pattern, A::Error> {
        // Boxed, as this recurses and stacks are small.
        let mut fields = Box::<Fields>::default();
        let (depth, told) = (self.depth + 1, self.told);
        while let Some(AnyKey(key)) = map.next_key()? {
            let at = |key| Trail::Key(self.at, key);
            match key {
                Some(Key::Span) => LenientSpan(span) = map.next_value()?,
                Some(Key::Op) => {
                    let again: Op = map.next_value()?;
                    if again != op {
                        let (one, other) = (op.name(), again.name());
                        return Err(A::Error::custom(format_args!("`op` is both {one} and {other}")));
                    }
                }
                Some(key) if op.keys().contains(&key) => match key {
                    key if key.is_list() => {
                        let list = List { at: &at(key), key, depth, told };
                        fields.put_list(key, map.next_value_seed(list)?);
                    }
                    key if op.may_lack(key) => {
                        let node = Node { at: &at(key), depth, told };
                        if let Some(node) = map.next_value_seed(Maybe(node))? {
                            fields.put(key, node);
                        }
                    }
                    key if key.is_below() => {
                        let node = Node { at: &at(key), depth, told };
                        fields.put(key, map.next_value_seed(node)?);
                    }
                    key => field(&mut fields, key, op, map)?,
                },
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        fields.node(op, span).map_err(|key| A::Error::missing_field(key.name()))
    }

    /// The same for a node that has nothing below: most are such, and this does not recurse.
    #[inline(never)]
    fn leaf<'de, A: MapAccess<'de>>(
        op: Op,
        mut span: Option<SourceSpan>,
        map: &mut A,
    ) -> Result<Pattern, A::Error> {
        let mut fields = Fields::default();
        while let Some(AnyKey(key)) = map.next_key()? {
            match key {
                Some(Key::Span) => LenientSpan(span) = map.next_value()?,
                Some(key) if op.keys().contains(&key) => field(&mut fields, key, op, map)?,
                Some(Key::Op) => same(op, map)?,
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        fields.node(op, span).map_err(|key| A::Error::missing_field(key.name()))
    }

    /// A node whose `op` is not its first field that matters: from JSON.
    #[inline(never)]
    fn shuffled<'de, A: MapAccess<'de>>(
        &self,
        first: Key,
        span: Option<SourceSpan>,
        map: &mut A,
    ) -> Result<Pattern, A::Error> {
        let mut node = Map::new();
        if let Some(span) = span {
            node.insert(Key::Span.name().to_owned(), span.as_slice().into());
        }
        node.insert(first.name().to_owned(), map.next_value()?);
        while let Some(AnyKey(key)) = map.next_key()? {
            match key {
                Some(key) => drop(node.insert(key.name().to_owned(), map.next_value()?)),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        self.build(&Json::Object(node))
    }
}

/// A field that is not a pattern.
fn field<'de, A: MapAccess<'de>>(fields: &mut Fields, key: Key, op: Op, map: &mut A) -> Result<(), A::Error> {
    let named = |error| A::Error::custom(format_args!("`{}`: {error}", key.name()));
    map.next_value_seed(Field(fields, key, op)).map_err(named)
}

/// An `op` after the `op`.
fn same<'de, A: MapAccess<'de>>(op: Op, map: &mut A) -> Result<(), A::Error> {
    let again: Op = map.next_value()?;
    if again == op {
        return Ok(());
    }
    let (one, other) = (op.name(), again.name());
    Err(A::Error::custom(format_args!("`op` is both {one} and {other}")))
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Pattern;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Pattern, D::Error> {
        if self.depth > MAX_DEPTH {
            self.told.set(true);
            return Err(D::Error::custom(JsonError::TooDeep { depth: self.depth }));
        }
        json.deserialize_map(self).map_err(|error| self.locate(error))
    }
}

impl<'de> de::Visitor<'de> for Node<'_> {
    type Value = Pattern;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern, which is an object with an \"op\"")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pattern, A::Error> {
        let mut span = None;
        while let Some(AnyKey(key)) = map.next_key()? {
            match key {
                Some(Key::Op) => {
                    return match map.next_value()? {
                        op @ (Op::Atom | Op::Silence | Op::Shape | Op::Number | Op::Name) => {
                            Self::leaf(op, span, &mut map)
                        }
                        op => self.fields(op, span, &mut map),
                    };
                }
                // These two mean the same in every node.
                Some(Key::Span) => LenientSpan(span) = map.next_value()?,
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(key) => return self.shuffled(key, span, &mut map),
            }
        }
        Err(A::Error::missing_field(Key::Op.name()))
    }
}

/// A node, or null.
struct Maybe<'a>(Node<'a>);

impl<'de> DeserializeSeed<'de> for Maybe<'_> {
    type Value = Option<Pattern>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_option(self)
    }
}

impl<'de> de::Visitor<'de> for Maybe<'_> {
    type Value = Option<Pattern>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a pattern, which is an object with an \"op\", or null")
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(json).map(Some)
    }
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<Pattern>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Vec<Pattern>, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> de::Visitor<'de> for List<'_> {
    type Value = Vec<Pattern>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of patterns as `{}`", self.key.name())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Pattern>, A::Error> {
        let Self { at, depth, told, .. } = self;
        let mut children = Vec::new();
        loop {
            let at = Trail::Item(at, children.len());
            match list.next_element_seed(Node { at: &at, depth, told })? {
                Some(child) => children.push(child),
                None => return Ok(children),
            }
        }
    }
}

/// A key of a node, known or not.
struct AnyKey(Option<Key>);

impl<'de> Deserialize<'de> for AnyKey {
    fn deserialize<D: Deserializer<'de>>(key: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl de::Visitor<'_> for KeyVisitor {
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

//! Spans: one that is not understood changes nothing, so it must not refuse a pattern either.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ir::SourceSpan;

/// `[start, end)`, or `None` from whatever else stands there.
pub(super) struct LenientSpan(pub Option<SourceSpan>);

impl<'de> Deserialize<'de> for LenientSpan {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        json.deserialize_any(Lenient(Bounds)).map(Self)
    }
}

/// What may be understood of some JSON; of anything else it is `None`.
trait Understand {
    type Value;

    fn number(&self, _: u64) -> Option<Self::Value> {
        None
    }

    fn list<'de, A: SeqAccess<'de>>(&self, mut list: A) -> Result<Option<Self::Value>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

struct Bounds;

impl Understand for Bounds {
    type Value = SourceSpan;

    fn list<'de, A: SeqAccess<'de>>(&self, mut list: A) -> Result<Option<SourceSpan>, A::Error> {
        let mut bounds = [None; 2];
        for bound in &mut bounds {
            *bound = list.next_element::<Place>()?.and_then(|Place(place)| place);
        }
        let mut more = false;
        while list.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(match bounds {
            [Some(start), Some(end)] if !more => Some([start, end]),
            _ => None,
        })
    }
}

/// A place in the text.
struct Place(Option<u32>);

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Bytes;
        impl Understand for Bytes {
            type Value = u32;

            fn number(&self, place: u64) -> Option<u32> {
                place.try_into().ok()
            }
        }
        json.deserialize_any(Lenient(Bytes)).map(Self)
    }
}

struct Lenient<U>(U);

impl<'de, U: Understand> Visitor<'de> for Lenient<U> {
    type Value = Option<U::Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(self.0.number(number))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(number.try_into().ok().and_then(|number| self.0.number(number)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        self.0.list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

//! Sections read one after the other, each straight into what it is; only what this version does
//! not know is kept as JSON. (serde's `flatten` would read everything twice: 15 ms for 5 MB.)

use super::{Document, KrachSection};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// An object with sections of known names, and others.
trait Sections: Default {
    /// The known names.
    const NAMES: &[&str];

    /// Reads the section of that name; one that is not known is kept as it is.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// `sections!(Type: a, b, c)`: each of the names is a field.
macro_rules! sections {
    ($type:ident: $($name:ident),*) => {
        // A field that is missing here would be written and never read.
        const _: fn($type) = |$type { $($name: _,)* other: _ }| {};

        impl Sections for $type {
            const NAMES: &[&str] = &[$(stringify!($name)),*];

            fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
                match name {
                    $(stringify!($name) => self.$name = map.next_value()?,)*
                    _ => drop(self.other.insert(name.to_owned(), map.next_value()?)),
                }
                Ok(())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_map(SectionsVisitor(PhantomData))
            }
        }
    };
}

sections!(Document: patterns, controls, tempo, meter, master, krach);
sections!(KrachSection: version, name, raw_graph, slots, automations, clock_source, free_run,
    limiter, seed, input, meter, midi_clock, osc_target, midi_maps, crossfade, sources);

struct SectionsVisitor<T>(PhantomData<T>);

impl<'de, T: Sections> Visitor<'de> for SectionsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with any of {}", T::NAMES.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut sections = T::default();
        let mut seen = vec![false; T::NAMES.len()];
        while let Some(name) = map.next_key::<String>()? {
            if let Some(at) = T::NAMES.iter().position(|known| *known == name)
                && std::mem::replace(&mut seen[at], true)
            {
                return Err(A::Error::duplicate_field(T::NAMES[at]));
            }
            sections.read(&name, &mut map)?;
        }
        Ok(sections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        serde_json::from_str::<Document>(text).err().expect(text).to_string()
    }

    #[test]
    fn sections_stand_in_any_order_and_unknown_ones_are_kept() {
        let text = r#"{"later":[1,{"a":null}],"krach":{"aura":"blue","seed":7},"tempo":99,
            "patterns":[{"swing":0.5,"pattern":{"op":"Silence"},"target":"a"}]}"#;
        let doc: Document = serde_json::from_str(text).unwrap();
        assert_eq!((doc.tempo, doc.meter, doc.krach.seed), (Some(99.0), None, 7));
        assert_eq!(doc.patterns[0].target, "a");
        assert_eq!(serde_json::Value::from(doc.other), serde_json::json!({"later": [1, {"a": null}]}));
        assert_eq!(serde_json::Value::from(doc.krach.other), serde_json::json!({"aura": "blue"}));
    }

    #[test]
    fn what_a_document_leaves_out_is_at_its_default() {
        let doc: Document = serde_json::from_str(r#"{"krach":{}}"#).unwrap();
        assert!(doc.krach.limiter && doc.krach.version == super::super::FORMAT && doc.patterns.is_empty());
    }

    #[test]
    fn a_section_given_twice_or_of_another_shape_is_refused() {
        assert!(error(r#"{"tempo":1,"tempo":2}"#).contains("duplicate field `tempo`"));
        assert!(error(r#"{"krach":{"seed":1,"seed":1}}"#).contains("duplicate field `seed`"));
        assert!(error("[]").contains("an object with any of patterns, controls, tempo"));
        let wrong = error(r#"{"patterns":[{"target":"a","pattern":{"op":"Rev","child":{"op":"Zorp"}}}]}"#);
        assert!(wrong.contains("not a pattern (at /child): unknown op `Zorp`"), "{wrong}");
    }

    #[test]
    fn every_section_that_is_written_is_known_when_read() {
        let written = serde_json::to_value(Document::default()).unwrap();
        let read: Document = serde_json::from_value(written).unwrap();
        assert!(read.other.is_empty() && read.krach.other.is_empty());
    }
}

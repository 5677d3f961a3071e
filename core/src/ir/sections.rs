//! Sections read one after the other, each straight into what it is; only what this version does
//! not know is kept as JSON. (serde's `flatten` would read everything twice: 15 ms for 5 MB.)

use super::unknown::Reading;
use schemars::Schema;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::{Value, json};
use std::fmt;
use std::marker::PhantomData;

/// An object with sections of known names, and others.
pub(super) trait Sections: Default {
    /// The known names.
    const NAMES: &[&str];

    /// Those that must be there.
    const REQUIRED: &[&str];

    /// Other names that sections were given: (then, now).
    const ONCE: &[(&str, &str)];

    /// Reads the section of that name; one that is not known is kept as it is.
    fn read<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

/// `sections!(Type: a(required), b, c = once)`: each of the names is a field; `a` must be there, and
/// `c` was called `once` by others.
macro_rules! sections {
    (@required $name:ident required) => {
        stringify!($name)
    };
    ($type:ident: $($name:ident $(($must:ident))? $(= $once:ident)?),*) => {
        // A field that is missing here would be written and never read.
        const _: fn($type) = |$type { $($name: _,)* other: _ }| {};

        impl $crate::ir::sections::Sections for $type {
            const NAMES: &[&str] = &[$(stringify!($name)),*];
            const REQUIRED: &[&str] = &[$($(sections!(@required $name $must),)?)*];
            const ONCE: &[(&str, &str)] = &[$($((stringify!($once), stringify!($name)),)?)*];

            fn read<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                name: &str,
                map: &mut A,
            ) -> Result<(), A::Error> {
                match name {
                    $(stringify!($name) => self.$name = map.next_value()?,)*
                    _ => {
                        let $crate::ir::unknown::Unknown(value) = map.next_value()?;
                        self.other.insert(name.to_owned(), value);
                    }
                }
                Ok(())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::ir::sections::read(deserializer)
            }
        }
    };
}

pub(super) use sections;

/// Says in the schema what [`sections!`] says to the reader: what must be there, and older names.
pub(super) fn as_read<T: Sections>(schema: &mut Schema) {
    match T::REQUIRED {
        [] => drop(schema.remove("required")),
        names => drop(schema.insert("required".to_owned(), json!(names))),
    }
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for name in T::REQUIRED {
        if let Some(Value::Object(field)) = properties.get_mut(*name) {
            field.remove("default");
        }
    }
    for (then, now) in T::ONCE {
        let mut field = properties.get(*now).cloned().unwrap_or_default();
        if let Value::Object(field) = &mut field {
            field.insert("description".to_owned(), json!(format!("`{now}`, as it was called before.")));
            field.insert("deprecated".to_owned(), json!(true));
        }
        properties.insert((*then).to_owned(), field);
    }
    let both: Vec<Value> = T::ONCE.iter().map(|(then, now)| json!({"required": [then, now]})).collect();
    if !both.is_empty() {
        schema.insert("not".to_owned(), json!({"anyOf": both}));
    }
}

/// Reads an object section by section.
pub(super) fn read<'de, T: Sections, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_map(SectionsVisitor(PhantomData))
}

struct SectionsVisitor<T>(PhantomData<T>);

impl<'de, T: Sections> Visitor<'de> for SectionsVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with any of {}", T::NAMES.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let _reading = Reading::begin();
        let mut sections = T::default();
        let mut seen = vec![false; T::NAMES.len()];
        while let Some(mut name) = map.next_key::<String>()? {
            if let Some((_, now)) = T::ONCE.iter().find(|(then, _)| *then == name) {
                (*now).clone_into(&mut name);
            }
            if let Some(at) = T::NAMES.iter().position(|known| *known == name)
                && std::mem::replace(&mut seen[at], true)
            {
                return Err(A::Error::duplicate_field(T::NAMES[at]));
            }
            sections.read(&name, &mut map)?;
        }
        match T::NAMES.iter().zip(&seen).find(|(name, seen)| !**seen && T::REQUIRED.contains(*name)) {
            Some((missing, _)) => Err(A::Error::missing_field(missing)),
            None => Ok(sections),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::automation::ShapeSpec;
    use crate::graph::{GraphNode, RawGraph};
    use crate::ir::{
        AutomationIr, ControlIr, Krach, MeterSource, ModuleIr, MutedIr, NodeEntry, NodeIr, PatternIr,
        RouteIr, RouteKind, SceneIr, SlotEntry, Source, SubModuleIr,
    };
    use crate::model::{
        AutomationState, ClockSource, Crossfade, Curve, InputState, MacroState, MacroTarget, MidiMapState,
        NoteRouteState, Period, ProgramChanges, Start, TypeSource,
    };
    use krach_patterns::{Swing, builders};
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::Map;
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    fn error(text: &str) -> String {
        serde_json::from_str::<ModuleIr>(text).expect_err(text).to_string()
    }

    #[test]
    fn sections_stand_in_any_order_and_unknown_ones_are_kept() {
        let text = r#"{"later":[1,{"a":null}],"krach":{"aura":"blue","seed":7},"tempo":99,
            "patterns":[{"swing":0.5,"pattern":{"op":"Silence"},"target":"a"}]}"#;
        let doc: ModuleIr = serde_json::from_str(text).unwrap();
        let krach = doc.krach.unwrap();
        assert_eq!((doc.tempo, doc.meter, krach.seed), (Some(99.0), None, 7));
        assert_eq!(doc.patterns[0].target, "a");
        assert_eq!(serde_json::Value::from(doc.other), serde_json::json!({"later": [1, {"a": null}]}));
        assert_eq!(serde_json::Value::from(krach.other), serde_json::json!({"aura": "blue"}));
    }

    #[test]
    fn what_a_document_leaves_out_is_at_its_default() {
        let doc: ModuleIr = serde_json::from_str(r#"{"krach":{}}"#).unwrap();
        let krach = doc.krach.unwrap();
        assert!(krach.limiter && krach.version == crate::ir::FORMAT && doc.patterns.is_empty());
    }

    #[test]
    fn a_section_given_twice_or_of_another_shape_is_refused() {
        assert!(error(r#"{"tempo":1,"tempo":2}"#).contains("duplicate field `tempo`"));
        assert!(error(r#"{"krach":{"seed":1,"seed":1}}"#).contains("duplicate field `seed`"));
        assert!(error("[]").contains("an object with any of nodes, routing, patterns"));
        let wrong = error(r#"{"patterns":[{"target":"a","pattern":{"op":"Rev","child":{"op":"Zorp"}}}]}"#);
        assert!(wrong.contains("not a pattern (at /child): unknown op `Zorp`"), "{wrong}");
    }

    /// Every section is written under its name, and what is read is what was written. `all` has no
    /// section at its default: one that is would not be written, or not be missed.
    fn assert_whole<T>(all: &T)
    where
        T: Sections + Serialize + DeserializeOwned + PartialEq + fmt::Debug,
    {
        let written = serde_json::to_value(all).unwrap();
        let defaults = serde_json::to_value(T::default()).unwrap();
        let names: BTreeSet<&str> = written.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, T::NAMES.iter().copied().collect());
        for name in T::NAMES {
            assert_ne!(Some(&written[*name]), defaults.get(*name), "{name} is at its default");
        }
        assert_eq!(&serde_json::from_value::<T>(written).unwrap(), all);
    }

    #[test]
    fn every_section_that_is_written_is_known_when_read() {
        let (text, other) = (str::to_owned, Map::new);
        let node = NodeIr {
            name: text("a"),
            source: Source::Type(text("oscillator")),
            gain: 0.25,
            count: 2,
            num_inputs: 1,
            init: vec![(text("freq"), 110.0)],
            source_text: text("def a(): ..."),
            other: other(),
        };
        let route = RouteIr {
            source: text("a"),
            target: text("b"),
            kind: RouteKind::Wire,
            level: 0.25,
            port: text("side"),
            other: other(),
        };
        let hit = Arc::new(builders::hit("a/gate"));
        let swing = Some(Swing { amount: 0.6, grid: 16 });
        let pattern = PatternIr { target: text("a"), pattern: hit, swing, other: other() };
        let control = ControlIr { path: text("a/freq"), value: 220.0, other: other() };
        let automation = AutomationIr {
            path: text("a/freq"),
            shape: text("sine"),
            lo: 100.0,
            hi: 200.0,
            bars: 4.0,
            other: other(),
        };
        let muted = MutedIr { name: text("a"), saved_gain: 0.75, other: other() };
        let within = ModuleIr { tempo: Some(90.0), ..ModuleIr::default() };
        let sub_module = SubModuleIr { prefix: text("p"), module: within, other: other() };
        let sweep = AutomationState {
            label: text("a/freq"),
            shape: ShapeSpec::Tri,
            lo: 0.0,
            hi: 1.0,
            period: Period::Secs(3.0),
            one_shot: true,
        };
        let source =
            TypeSource { text: text("process = 1;"), imports: BTreeMap::new(), own: true, factory: false };
        let within = ModuleIr { tempo: Some(90.0), ..ModuleIr::default() };
        let scene = SceneIr { number: 3, name: text("verse"), module: within, other: other() };
        let krach = Krach {
            version: 1,
            name: text("bass"),
            raw_graph: RawGraph { nodes: vec![GraphNode::new("a", "dac")], ..RawGraph::default() },
            nodes: BTreeMap::from([(text("a"), NodeEntry { solo: true, ..NodeEntry::default() })]),
            slots: BTreeMap::from([(text("a"), SlotEntry { hushed: true, ..SlotEntry::default() })]),
            automations: BTreeMap::from([(text("sweep"), sweep)]),
            clock_source: ClockSource::Internal,
            free_run: true,
            limiter: false,
            seed: 7,
            input: Some(InputState { channel: Some(1) }),
            meter: MeterSource::Host,
            midi_clock: true,
            programs: ProgramChanges::Channel(3),
            start: Start::Restart,
            osc_target: Some(text("127.0.0.1:9")),
            midi_maps: vec![MidiMapState { channel: 1, cc: 2, label: text("a/freq"), lo: 0.0, hi: 1.0 }],
            macros: vec![MacroState {
                number: 3,
                name: text("Cutoff"),
                unit: text("Hz"),
                targets: vec![MacroTarget { label: text("a/freq"), lo: 1.0, hi: 0.0, curve: Curve::S }],
            }],
            note_routes: vec![NoteRouteState { channel: Some(3), node: text("a") }],
            crossfade: Crossfade::Seconds(0.5),
            sources: BTreeMap::from([(text("family:a"), source)]),
            scenes: Some(vec![scene.clone()]),
            scene: 3,
            scene_texts: BTreeMap::from([(text("family:text-a"), text("process = 1;"))]),
            libraries: Some(text("2.80")),
            other: other(),
        };
        let module = ModuleIr {
            nodes: vec![node.clone()],
            routing: vec![route.clone()],
            patterns: vec![pattern.clone()],
            controls: vec![control.clone()],
            automations: vec![automation.clone()],
            muted: vec![muted.clone()],
            tempo: Some(128.0),
            meter: Some(3.0),
            master: Some(0.5),
            inputs: Some(vec![text("a")]),
            outputs: Some(vec![]),
            sub_modules: vec![sub_module.clone()],
            krach: Some(Box::new(krach.clone())),
            other: other(),
        };
        assert_whole(&node);
        assert_whole(&route);
        assert_whole(&pattern);
        assert_whole(&control);
        assert_whole(&automation);
        assert_whole(&muted);
        assert_whole(&sub_module);
        assert_whole(&scene);
        assert_whole(&krach);
        assert_whole(&module);
    }
}

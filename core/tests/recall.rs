//! Documents come back as the same session and the same sound, those of earlier formats too; and whatever
//! is wrong with one is told at its place, costs little, and changes nothing.

mod ir_support;
#[path = "recall/keep.rs"]
mod keep;
mod support;

use ir_support::module;
use krach_core::engine::*;
use krach_core::ir::{FORMAT, ModuleIr, Source};
use krach_core::model::TypeSource;
use krach_core::session::Session;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use support::probes::{registry, text_type};
use support::*;

/// What this thread has allocated, and the most of it at a time.
struct Counting;

thread_local! {
    static NOW: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

// SAFETY: the system's allocator, with counters that neither allocate nor panic.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's contract is ours.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's contract is ours.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(bytes: isize) {
    NOW.set(NOW.get() + bytes);
    MOST.set(MOST.get().max(NOW.get()));
}

/// The most bytes that `work` had at a time.
fn memory_of<T>(work: impl FnOnce() -> T) -> (T, isize) {
    let before = NOW.get();
    MOST.set(before);
    let result = work();
    (result, MOST.get() - before)
}

fn stored(name: &str) -> String {
    let path = format!("{}/tests/documents/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("it is stored")
}

/// The documents that clients wrote.
const DOCUMENTS: [&str; 4] = ["bass_into_reverb", "drums", "full_band", "older_client"];

/// Code for every type that is made from what the session holds, each with a level of its own.
fn supply(engine: &mut Engine) {
    for (id, source) in engine.types_wanted() {
        let inputs = match &source {
            Source::Graph(graph) => graph.inputs.len().min(1),
            _ => 0,
        };
        let level = 0.01 * f32::from(id.bytes().fold(0u8, u8::wrapping_add) % 50 + 1);
        engine.set_type(text_type(&id, inputs, level)).expect("plays");
    }
}

fn loaded(json: &[u8]) -> Engine {
    let mut engine = Engine::new(registry());
    engine.load(json).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(json)));
    supply(&mut engine);
    engine
}

fn heard(engine: Engine, frames: usize, blocks: &[usize]) -> [Vec<f32>; 2] {
    Rig::of(engine).render(frames, blocks)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn any_session_comes_back_as_the_same_document_and_the_same_sound(
        module in module(), settings in settings(),
    ) {
        let mut document = serde_json::to_value(&module).unwrap();
        document["krach"] = settings;
        let document = document.to_string();
        let first = loaded(document.as_bytes());
        let saved = first.save();
        let again = loaded(&saved);
        prop_assert_eq!(String::from_utf8(again.save()).unwrap(), String::from_utf8(saved.clone()).unwrap());
        prop_assert_eq!(again.session(), first.session());
        let (first, again) = (heard(first, 700, &[256]), heard(again, 700, &[256]));
        for (a, b) in first.iter().zip(&again) {
            prop_assert_eq!(first_difference(a, b), None);
        }
    }

    #[test]
    fn a_session_that_a_document_was_loaded_into_while_it_played_saves_the_same(module in module()) {
        let mut direct = Engine::new(registry());
        direct.load(serde_json::to_string(&module).unwrap().as_bytes()).unwrap();
        let mut rig = Rig::with(registry());
        rig.edit(Edit::LoadGraph(voice("before", 220.0)));
        rig.render(512, &[256]);
        let own = rig.engine.session().clone();
        let edit = rig.engine.session().loading(module.clone(), rig.engine.registry()).expect("right");
        rig.edit(edit);
        let mut expected = direct.capture();
        // A module that says nothing of tempo, meter and master leaves them.
        let flat = krach_core::ir::flatten(&module);
        expected.tempo = Some(flat.tempo.filter(|_| module.tempo.is_some()).unwrap_or(own.settings.bpm));
        expected.meter = Some(flat.meter.filter(|_| module.meter.is_some()).unwrap_or(own.settings.beats_per_cycle));
        // Settings stay the session's own.
        let krach = expected.krach.as_mut().expect("a session's document has it");
        krach.start = own.settings.start;
        prop_assert_eq!(rig.engine.capture(), expected);
    }

    #[test]
    fn a_document_with_anything_wrong_in_it_is_refused_at_its_place_or_loads(
        which in 0..DOCUMENTS.len() + 1, wounds in prop::collection::vec((any::<u64>(), junk()), 1..4),
    ) {
        let text = DOCUMENTS.get(which).map_or_else(|| stored("format_1"), |name| stored(name));
        let mut document: Value = serde_json::from_str(&text).unwrap();
        for (place, junk) in wounds {
            wound(&mut document, place, junk);
        }
        refused_or_loaded(document.to_string().as_bytes())?;
    }

    #[test]
    fn damaged_bytes_are_refused_or_load(
        which in 0..DOCUMENTS.len(), cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let mut text = stored(DOCUMENTS[which]).into_bytes();
        for (at, byte) in flips {
            let at = at.index(text.len());
            text[at] ^= byte;
        }
        text.truncate(cut.index(text.len()) + 1);
        refused_or_loaded(&text)?;
    }
}

fn settings() -> impl Strategy<Value = Value> {
    let node = prop::sample::select(vec!["bass", "verb", "sub0/bass", "nobody"]);
    (any::<u64>(), any::<bool>(), any::<bool>(), node, 0.01..16.0_f64).prop_map(
        |(seed, on, off, node, number)| {
            json!({
                "version": FORMAT, "seed": seed, "limiter": on, "free_run": off,
                "clock_source": if on { "external" } else { "internal" },
                "crossfade": {"beats": number},
                "nodes": {"bass": {"solo": on}, "verb": {"off_master": off}},
                "automations": {"sweep": {"label": format!("{node}/freq"), "shape": "tri", "lo": number, "hi": 9.0,
                                           "period_secs": number, "one_shot": off}},
                "midi_maps": [{"channel": 1, "cc": 7, "label": format!("{node}/gain"), "lo": 0.0, "hi": number}],
                "macros": [{"number": 2, "name": "Loud", "targets": [
                    {"label": format!("{node}/gain"), "lo": number, "hi": 0.0, "curve": if on { "s" } else { "exp" }}]}],
                "note_routes": [{"channel": 2, "node": node}, {"node": "bass"}],
                "libraries": if on { json!("2.15.0 (0011aabb)") } else { Value::Null },
                "aura": {"colour": number},
            })
        },
    )
}

/// What does not belong anywhere.
fn junk() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        2 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => prop::sample::select(vec![-1.0, 0.0, 0.5, 1e308, -1e308, 1e18, 65_537.0])
            .prop_map(|x| Some(json!(x))),
        1 => prop::sample::select(vec![i64::MIN, -1, 0, 7, i64::MAX]).prop_map(|x| Some(json!(x))),
        1 => prop::sample::select(vec!["", "dac", "bass", "a/", "process = _;", "\u{0}", "🎹"])
            .prop_map(|x| Some(json!(x))),
        1 => Just(Some(json!([]))),
        1 => Just(Some(json!({}))),
        1 => Just(Some(json!([[[[[{"a": [1, 2, {}]}]]]]]))),
        1 => Just(Some(json!(true))),
    ]
}

/// Replaces or removes the value at the `place`th place of a document.
fn wound(document: &mut Value, place: u64, junk: Option<Value>) {
    fn places(value: &Value) -> u64 {
        1 + match value {
            Value::Array(items) => items.iter().map(places).sum(),
            Value::Object(fields) => fields.values().map(places).sum::<u64>(),
            _ => 0,
        }
    }
    let mut at = place % places(document).max(2);
    let mut value = document;
    loop {
        if at == 0 {
            *value = junk.unwrap_or(Value::Null);
            return;
        }
        at -= 1;
        let key = |size: u64, at: &mut u64| {
            let inside = *at < size;
            if !inside {
                *at -= size;
            }
            inside
        };
        let found = match value {
            Value::Array(items) => {
                items.iter().position(|item| key(places(item), &mut at)).map(|i| (i, String::new()))
            }
            Value::Object(fields) => {
                fields.iter().find(|(_, item)| key(places(item), &mut at)).map(|(k, _)| (0, k.clone()))
            }
            _ => None,
        };
        let Some((index, name)) = found else { return };
        if at == 0 && junk.is_none() {
            match value {
                Value::Array(items) => drop(items.remove(index)),
                Value::Object(fields) => drop(fields.remove(&name)),
                _ => {}
            }
            return;
        }
        value = match value {
            Value::Array(items) => &mut items[index],
            Value::Object(fields) => fields.get_mut(&name).expect("found above"),
            _ => return,
        };
    }
}

/// A document is refused, with its place, and nothing has changed; or it loads, plays, and comes back.
fn refused_or_loaded(document: &[u8]) -> Result<(), TestCaseError> {
    let mut engine = loaded(br#"{"nodes":[{"name":"kept","source":"dc","gain":0.5}],"tempo":99}"#);
    let before = engine.save();
    match engine.load(document) {
        Err(LoadError::Malformed { place, .. } | LoadError::Invalid { place, .. }) => {
            let starts = ["$", "line ", "byte "].iter().any(|begin| place.starts_with(begin));
            prop_assert!(starts, "{place}");
            prop_assert_eq!(engine.save(), before);
        }
        Err(LoadError::Newer { version }) => {
            prop_assert!(version > FORMAT);
            prop_assert_eq!(engine.save(), before);
        }
        Ok(_) => {
            let saved = engine.save();
            let again = loaded(&saved);
            prop_assert_eq!(String::from_utf8(again.save()).unwrap(), String::from_utf8(saved).unwrap());
            supply(&mut engine);
            Rig::of(engine).render(300, &[128]);
        }
    }
    Ok(())
}

#[test]
fn the_documents_of_clients_have_the_names_that_their_authors_expect() {
    let nodes = |name: &str| -> Vec<String> {
        loaded(stored(name).as_bytes()).session().nodes.iter().map(|n| n.name.clone()).collect()
    };
    assert_eq!(nodes("bass_into_reverb"), ["bass", "verb"]);
    assert_eq!(nodes("drums"), ["kick", "hat", "verb"]);
    let mut band = nodes("full_band");
    band.sort();
    assert_eq!(band, ["band/bass", "band/drums/hat", "band/drums/kick", "band/verb"]);
    let mut older = nodes("older_client");
    older.sort();
    assert_eq!(older, ["echo", "kit/kick", "tone"]);
    let band = loaded(stored("full_band").as_bytes());
    assert_eq!(
        (band.session().settings.bpm, band.session().settings.master),
        (120.0, 0.9),
        "the outer one decides, where it says"
    );
    assert_eq!(band.session().routes[0].source, "band/drums/kick");
    let bass = loaded(stored("bass_into_reverb").as_bytes());
    let at = |path: &str| bass.session().values.get(path).copied();
    assert_eq!(at("bass_send_verb/gain"), Some(0.4));
    assert_eq!((at("bass_g/gain"), at("bass/cutoff")), (Some(0.3), Some(1200.0)));
    let older = loaded(stored("older_client").as_bytes());
    let echo = older.session().node("echo").expect("there");
    assert!(echo.muted, "a muted node is muted, and has its fader back");
    assert_eq!(older.session().gain_of("echo"), 0.6);
}

/// The kit inside the band is the kit by itself, under its names.
#[test]
fn a_module_put_into_a_session_is_the_module_of_the_document() {
    let band: ModuleIr = serde_json::from_str(&stored("full_band")).unwrap();
    let inner = &band.sub_modules[0].module;
    let mut engine = Engine::new(registry());
    engine.expect_type("faust:bass");
    let (edit, names) = engine.session().instantiating(inner, "band", engine.registry()).expect("right");
    engine.edit(edit, At::Now).expect("right");
    assert_eq!(names.len(), 4);
    let whole = loaded(stored("full_band").as_bytes());
    assert_eq!(engine.session().nodes.len(), whole.session().nodes.len());
    for node in &whole.session().nodes {
        assert_eq!(engine.session().node(&node.name), Some(&**node));
    }
    assert_eq!(
        engine.session().slots.keys().collect::<Vec<_>>(),
        whole.session().slots.keys().collect::<Vec<_>>()
    );
    for slot in whole.session().slots.keys() {
        assert_eq!(engine.session().slots[slot].pattern, whole.session().slots[slot].pattern);
    }
}

/// As it was saved before nodes and routes were the session's.
#[test]
fn a_document_of_format_1_is_the_session_that_it_was_and_is_saved_in_the_present_format() {
    let engine = loaded(stored("format_1").as_bytes());
    let s = engine.session();
    assert_eq!(
        (s.settings.name.as_str(), s.settings.bpm, s.settings.beats_per_cycle, s.settings.master),
        ("first", 133.0, 3.0, 0.7)
    );
    assert_eq!(
        (s.settings.seed, s.settings.free_run, s.settings.input),
        (u64::MAX, true, Some(krach_core::model::InputState { channel: Some(1) }))
    );
    let ids: Vec<(&str, &str, u32)> =
        s.raw.nodes.iter().map(|n| (n.id.as_str(), n.type_id.as_str(), n.count)).collect();
    assert_eq!(
        ids,
        [
            ("out", "dac", 1),
            ("lead", "oscillator", 1),
            ("lead_g", "gain", 1),
            ("tone", "faust:tone", 4),
            ("bus/fx", "gain", 1)
        ]
    );
    assert_eq!(s.raw.connections.len(), 4);
    assert_eq!(s.path_of("lead/gate", engine.registry()).as_deref(), Some("lead_g/gain"));
    let values: Vec<(&str, f64)> = s.values.iter().map(|(path, x)| (path.as_str(), *x)).collect();
    assert_eq!(
        values,
        [
            ("bus/fx/gain", 0.25),
            ("lead/amp", 0.4),
            ("lead/freq", 330.0),
            ("lead/waveform", 1.0),
            ("lead_g/gain", 0.0)
        ]
    );
    assert_eq!(
        (s.slots["lead"].playing, s.slots["hushed"].playing, s.slots["hushed"].from_zero),
        (true, false, true)
    );
    let of = |id: &str| (s.automations[id].label.as_str(), s.automations[id].period);
    assert_eq!(of("sweep"), ("lead/freq", Period::Secs(0.375)));
    assert_eq!(of("bars"), ("lead/amp", Period::Bars(2.0)));
    assert_eq!((s.midi_maps[0].cc, s.note_routes[0].node.as_str()), (74, "tone"));
    let TypeSource { text, own, .. } = &*s.sources["faust:tone"];
    assert!(*own && text.starts_with("import(\"stdfaust.lib\");"));

    let saved: Value = serde_json::from_slice(&engine.save()).unwrap();
    assert_eq!((&saved["krach"]["version"], &saved["krach"]["aura"]), (&json!(FORMAT), &json!(7)));
    assert_eq!(saved["future"], json!({"colour": "blue"}));
    assert_eq!(loaded(&engine.save()).session(), engine.session());
    let mut rig = Rig::of(loaded(&engine.save()));
    let [left, _] = rig.render(48_000, &[480]);
    assert!(rig.notices.is_empty(), "{:?}", rig.notices);
    assert!(left.iter().any(|x| x.abs() > 0.05), "and it sounds");
}

#[test]
fn a_module_of_a_newer_format_is_refused_wherever_it_stands() {
    let newer = json!({"krach": {"version": FORMAT + 1}});
    let text = json!({"sub_modules": [{"prefix": "a", "module": newer}]}).to_string();
    let mut engine = Engine::new(registry());
    assert_eq!(engine.load(text.as_bytes()), Err(LoadError::Newer { version: FORMAT + 1 }));
    let older = json!({"krach": {"version": 1}, "nodes": [{"name": "n", "source": "dc"}]});
    let text = json!({"sub_modules": [{"prefix": "a", "module": older}]}).to_string();
    engine.load(text.as_bytes()).expect("an older one is read");
    assert_eq!(engine.session().nodes[0].name, "a/n");
}

const TEN_MEGABYTES: usize = 10 << 20;

/// Fills a document up to ten megabytes with one thing.
fn ten_megabytes(begin: &str, one: impl Fn(usize) -> String, end: &str) -> String {
    let mut text = begin.to_owned();
    for n in 0.. {
        if text.len() > TEN_MEGABYTES {
            break;
        }
        if n > 0 {
            text.push(',');
        }
        text.push_str(&one(n));
    }
    text + end
}

/// Modules in one another, and in the innermost so many controls.
fn prefixed(depth: usize, prefix: usize, controls: usize) -> String {
    let (open, close) =
        (format!("{{\"sub_modules\":[{{\"prefix\":\"{}\",\"module\":", "p".repeat(prefix)), "}]}");
    let controls = vec!["{\"path\":\"a/b\",\"value\":1}"; controls].join(",");
    format!("{}{{\"controls\":[{controls}]}}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn modules_in_one_another_are_made_one_in_memory_that_does_not_grow_with_their_depth() {
    let memory = |depth| {
        let module = Session::read_module(&prefixed(depth, 4, 20_000)).expect("it can be");
        module.check().expect("nothing is wrong");
        let (flat, memory) = memory_of(|| krach_core::ir::flatten(&module));
        assert_eq!(flat.controls.len(), 20_000);
        assert_eq!(flat.controls[0].path, format!("{}a/b", "pppp/".repeat(depth)));
        memory
    };
    let (shallow, deep) = (memory(1), memory(32));
    println!("1 deep: {} kB, 32 deep: {} kB", shallow >> 10, deep >> 10);
    // Longer names, and no copy more.
    assert!(deep < shallow + 20_000 * 2 * 5 * 32, "{shallow}, {deep}");
}

#[test]
fn ten_megabytes_of_anything_are_refused_at_their_place_in_little_memory() {
    let same = |text: &'static str| move |_: usize| text.to_owned();
    let nested = |open: &str, close: &str| {
        let depth = TEN_MEGABYTES / open.len() / 2;
        format!("{}{}", open.repeat(depth), close.repeat(depth))
    };
    for (what, text, place) in [
        ("lists in lists", nested("[", "]"), "$"),
        ("objects in objects", format!("{{\"a\":{}}}", nested("{\"a\":", "}").replace(":}", ":1}")), "$"),
        ("modules in modules", nested("{\"sub_modules\":[{\"prefix\":\"a\",\"module\":", "}]}"), "$"),
        ("an end that never comes", "[".repeat(TEN_MEGABYTES), "$"),
        ("letters", "x".repeat(TEN_MEGABYTES), "line 1"),
        ("zeros", "\0".repeat(TEN_MEGABYTES), "line 1"),
        ("a number without end", format!("{{\"tempo\":{}}}", "9".repeat(TEN_MEGABYTES)), "$.tempo"),
        (
            "a name without end",
            format!("{{\"nodes\":[{{\"name\":\"{}\",\"source\":\"dc\"}}]}}", "n".repeat(TEN_MEGABYTES)),
            "$.nodes[0].name",
        ),
        (
            "controls of nobody",
            ten_megabytes("{\"controls\":[", same("{\"path\":\"x/y\",\"value\":1e308}"), ",{\"path\":1}]}"),
            "$.controls",
        ),
        ("values in a section that nobody knows", ten_megabytes("{\"future\":[", same("[]"), "]}"), "$"),
        (
            "values that a node begins with",
            ten_megabytes(
                "{\"nodes\":[{\"name\":\"n\",\"source\":\"dc\",\"init\":[",
                |n| format!("[\"a control of that node {n}\",0]"),
                "]}]}",
            ),
            "$.nodes",
        ),
        (
            "values of a node with a long id",
            format!(
                "{{\"krach\":{{\"version\":2,\"raw_graph\":{{\"nodes\":[{{\"id\":\"{}\",\"type_id\":\"dc\",\"controls\":{{{}}}}}]}}}}}}",
                "i".repeat(1000),
                (0..200_000).map(|n| format!("\"c{n}\":0")).collect::<Vec<_>>().join(",")
            ),
            "$.krach.raw_graph",
        ),
        (
            "modules beside modules",
            ten_megabytes("{\"sub_modules\":[", same("{\"prefix\":\"a\",\"module\":{\"tempo\":100}}"), "]}"),
            "$.sub_modules[4095].module",
        ),
        (
            "prefixes that multiply",
            prefixed(31, 250, 200_000),
            "$.sub_modules[0].module.sub_modules[0].prefix",
        ),
        ("prefixes that are just short enough", prefixed(1, 254, 260_000), "$.sub_modules[0].module"),
        ("numbers too large", ten_megabytes("{\"future\":[", same("1e999"), "]}"), "$.future[0]"),
        (
            "nodes",
            ten_megabytes("{\"nodes\":[", |n| format!("{{\"name\":\"n{n}\",\"source\":\"dc\"}}"), "]}"),
            "$.nodes",
        ),
        (
            "nodes of one name",
            ten_megabytes("{\"nodes\":[", same("{\"name\":\"n\",\"source\":\"dc\"}"), "]}"),
            "$.nodes",
        ),
        (
            "routes of nobody",
            ten_megabytes(
                "{\"nodes\":[{\"name\":\"n\",\"source\":\"dc\"}],\"routing\":[",
                |n| format!("{{\"source\":\"n\",\"target\":\"n{n}\"}}"),
                "]}",
            ),
            "$.routing",
        ),
        (
            "patterns",
            ten_megabytes(
                "{\"patterns\":[",
                |n| format!("{{\"target\":\"t{n}\",\"pattern\":{{\"op\":\"Silence\"}}}}"),
                "]}",
            ),
            "$.patterns",
        ),
        (
            "automations",
            ten_megabytes(
                "{\"krach\":{\"version\":2,\"automations\":{",
                |n| {
                    format!(
                        "\"a{n}\":{{\"label\":\"x\",\"shape\":\"sine\",\"lo\":0,\"hi\":1,\"period_secs\":1}}"
                    )
                },
                "}}}",
            ),
            "$.krach.automations",
        ),
        (
            "MIDI maps",
            ten_megabytes(
                "{\"krach\":{\"version\":2,\"midi_maps\":[",
                |n| format!("{{\"channel\":1,\"cc\":1,\"label\":\"l{n}\",\"lo\":0,\"hi\":1}}"),
                "]}}",
            ),
            "$.krach.midi_maps",
        ),
        (
            "equations",
            ten_megabytes(
                "{\"nodes\":[{\"name\":\"n\",\"source\":{\"type\":\"dsp_graph\",\"inputs\":[],\"outputs\":[],\"equations\":[",
                |n| {
                    format!(
                        "{{\"primitive\":{{\"name\":\"const\"}},\"inputs\":[],\"outputs\":[{{\"id\":{n}}}],\"params\":{{\"type\":\"const\",\"value\":1}}}}"
                    )
                },
                "]}}]}",
            ),
            "$.nodes[0].source",
        ),
    ] {
        let mut engine = loaded(br#"{"nodes":[{"name":"kept","source":"dc","gain":0.5}]}"#);
        let before = engine.save();
        let (outcome, memory) = memory_of(|| engine.load(text.as_bytes()));
        let found = match outcome {
            Err(LoadError::Malformed { place, .. } | LoadError::Invalid { place, .. }) => place,
            other => panic!("{what}: {other:?}"),
        };
        assert!(found.starts_with(place), "{what}: {found}");
        assert!(found.len() < 1_000, "{what}: {} bytes of place", found.len());
        assert_eq!(engine.save(), before, "{what}");
        println!("{what}: {} MB", memory >> 20);
        assert!(memory < 48 * TEN_MEGABYTES as isize, "{what}: {} MB", memory >> 20);
    }
}

#[test]
fn the_documents_of_the_page_for_authors_of_clients_load() {
    let page =
        std::fs::read_to_string(format!("{}/../docs/ir.md", env!("CARGO_MANIFEST_DIR"))).expect("there");
    let mut loaded = 0;
    for block in page.split("```json\n").skip(1) {
        let text = block.split("```").next().expect("a block");
        let document: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let document = match document["type"] == "dsp_graph" {
            true => json!({"nodes": [{"name": "n", "source": document}]}),
            false => document,
        };
        let mut engine = Engine::new(registry());
        engine.load(document.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}: {text}"));
        assert!(!engine.session().nodes.is_empty());
        loaded += 1;
    }
    assert!(loaded >= 4, "{loaded}");
    let primitives = krach_core::ir::dsp::Primitive::ALL.iter().map(|p| format!("`{}`", p.name()));
    let missing: Vec<String> = primitives.filter(|name| !page.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

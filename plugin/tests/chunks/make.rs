//! Chunks of every kind: of bytes without sense, of documents that were changed, spliced and grown.

use krach::state::encode;
use serde_json::{Map, Value, json};

use super::patterns::pattern;

/// Most bytes of a document that is made: what a chunk may hold.
const MOST: usize = 63 << 20;

/// A source of numbers, the same for each seed.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Mostly small, seldom up to `most`.
    pub fn size(&mut self, most: usize) -> usize {
        let bits = (most.max(2) as f64).log2();
        let share = self.next() as f64 / u64::MAX as f64;
        (2_f64.powf(bits * share * share) as usize).min(most)
    }
}

/// Chunk of that number.
pub fn chunk(number: u64) -> Vec<u8> {
    let mut dice = Dice(number);
    match dice.below(20) {
        0 => (0..dice.size(100_000)).map(|_| dice.next() as u8).collect(),
        1 => {
            let mut chunk = encode(&payload(&document(&mut dice).to_string()));
            for _ in 0..=dice.below(4) {
                let at = dice.below(chunk.len());
                chunk[at] = dice.next() as u8;
            }
            chunk
        }
        2 => {
            let mut text = document(&mut dice).to_string().into_bytes();
            for _ in 0..=dice.below(6) {
                let at = dice.below(text.len());
                text[at] = *dice.one(b"\"{}[]:,0123456789eE.-+ntf\\ \xff\0abc");
            }
            encode(&payload(&String::from_utf8_lossy(&text)))
        }
        3..=5 => encode(&payload(&grown_text(&mut dice))),
        _ => {
            let mut document = document(&mut dice);
            for _ in 0..dice.below(8) {
                change(&mut document, &mut dice);
            }
            encode(&payload(&document.to_string()))
        }
    }
}

fn payload(document: &str) -> Vec<u8> {
    format!("{{\"params\":{{\"m1\":0.5}},\"session\":{document}}}").into_bytes()
}

/// A document with some of everything.
fn document(dice: &mut Dice) -> Value {
    let names = ["bass", "verb", "drums/kick", "a", "lead"];
    let types = ["oscillator", "gain", "faust:bass", "adc_input", "process = _*0.5;"];
    let mut nodes = Vec::new();
    for name in names.iter().take(dice.below(6)) {
        let mut node = json!({"name": name, "source": dice.one(&types), "gain": 0.5});
        if dice.below(3) == 0 {
            node["init"] = json!([["freq", 100.0], ["cutoff", 1.5]]);
            node["count"] = json!(dice.below(70));
        }
        nodes.push(node);
    }
    let known = nodes.len();
    let mut document = json!({"nodes": nodes, "tempo": 120.0});
    if known > 1 {
        let kind = ["send", "wire"][dice.below(2)];
        document["routing"] = json!([{"source": names[0], "target": names[1], "kind": kind}]);
        document["muted"] = json!([{"name": names[1], "saved_gain": 0.25}]);
    }
    if dice.below(2) == 0 {
        document["patterns"] = json!([{"target": "bass", "pattern": pattern(dice, 4)}]);
    }
    if dice.below(2) == 0 {
        document["automations"] =
            json!([{"path": "bass/freq", "shape": "sine", "lo": 1, "hi": 2, "bars": 2}]);
        document["controls"] = json!([{"path": "bass/freq", "value": 99.5}]);
    }
    if dice.below(2) == 0 {
        document["krach"] = json!({"version": dice.below(4), "seed": 7, "name": "one",
            "raw_graph": {"nodes": [{"id": "o", "type_id": "oscillator", "controls": {"freq": 100}},
                {"id": "out", "type_id": "dac"}],
                "connections": [{"from_node": "o", "from_port": "out", "to_node": "out", "to_port": "in"}],
                "exposed_controls": {"pitch": ["o", "freq"]}},
            "automations": {"x": {"label": "pitch", "shape": {"custom": {"table": [0, 1]}}, "lo": 0, "hi": 1, "bars": 1}},
            "midi_maps": [{"channel": 0, "cc": 1, "label": "pitch", "lo": 0, "hi": 1}],
            "note_routes": [{"node": "o"}],
            "sources": {"faust:bass": {"text": "process = _;", "imports": {"a.lib": "x = 1;"}, "own": true}}});
    }
    if dice.below(4) == 0 {
        document["sub_modules"] = json!([{"prefix": "sub", "module": document.clone()}]);
    }
    if dice.below(5) == 0 {
        document["future"] = json!({"x": [1, null, {"y": "z"}]});
    }
    document
}

/// The value at a random place.
fn somewhere<'a>(value: &'a mut Value, dice: &mut Dice) -> &'a mut Value {
    let inner = match value {
        Value::Array(list) => list.len(),
        Value::Object(map) => map.len(),
        _ => 0,
    };
    if inner == 0 || dice.below(4) == 0 {
        return value;
    }
    let at = dice.below(inner);
    match value {
        Value::Array(list) => somewhere(&mut list[at], dice),
        Value::Object(map) => somewhere(map.values_mut().nth(at).expect("counted"), dice),
        _ => unreachable!("it has something within"),
    }
}

/// One change of a document.
fn change(document: &mut Value, dice: &mut Dice) {
    let size = document.to_string().len();
    match dice.below(8) {
        0 => *somewhere(document, dice) = Value::Null,
        1 => {
            let number = *dice.one(&[0.0, -1.0, 1e308, -1e308, 1e-300, 4096.0, 65.0, 0.5]);
            *somewhere(document, dice) = json!(number);
        }
        2 => {
            // Something of another.
            let mut other = self::document(dice);
            *somewhere(document, dice) = somewhere(&mut other, dice).clone();
        }
        3 => {
            let text = "x/".repeat(dice.size(MOST / 64) / 2);
            *somewhere(document, dice) = json!(text);
        }
        4 => {
            // Lists grow by themselves.
            let times = dice.size((1 << 20) / size.max(1));
            if let Value::Array(list) = somewhere(document, dice)
                && let Some(last) = list.last().cloned()
            {
                list.extend((0..times).map(|n| renamed(&last, n)));
            }
        }
        5 => {
            // Modules go into one another.
            let prefix = "p".repeat(1 + dice.size(300));
            for _ in 0..dice.size(40) {
                *document = json!({"sub_modules": [{"prefix": prefix, "module": document}]});
            }
        }
        6 => {
            for _ in 0..dice.size(600) {
                let place = somewhere(document, dice);
                if place.get("op").is_some() {
                    *place = json!({"op": "Rev", "child": place});
                }
            }
        }
        _ => {
            if let Value::Object(map) = somewhere(document, dice) {
                let mut more = Map::new();
                for n in 0..dice.size((1 << 20) / size.max(1)) {
                    more.insert(format!("k{n}"), json!([n]));
                }
                map.extend(more);
            }
        }
    }
}

/// The same under another name, where it has one.
fn renamed(value: &Value, number: usize) -> Value {
    let mut value = value.clone();
    for key in ["name", "target", "path", "id", "label", "prefix"] {
        if let Some(Value::String(name)) = value.get_mut(key) {
            name.push_str(&number.to_string());
        }
    }
    value
}

/// One thing up to any size, in prefixes of any length.
fn grown_text(dice: &mut Dice) -> String {
    type One = (&'static str, fn(usize) -> String, &'static str);
    const THINGS: [One; 20] = [
        ("{\"controls\":[", |n| format!("{{\"path\":\"bass/c{n}\",\"value\":{n}}}"), "]}"),
        (
            "{\"nodes\":[{\"name\":\"bass\",\"source\":\"gain\"}],\"controls\":[",
            |n| format!("{{\"path\":\"bass/c{n}\",\"value\":1}}"),
            "]}",
        ),
        ("{\"nodes\":[", |n| format!("{{\"name\":\"n{n}\",\"source\":\"gain\"}}"), "]}"),
        ("{\"future\":[", |_| "[]".to_owned(), "]}"),
        ("{\"future\":{", |n| format!("\"k{n}\":0"), "}}"),
        ("{\"sub_modules\":[", |n| format!("{{\"prefix\":\"p{n}\",\"module\":{{}}}}"), "]}"),
        (
            "{\"patterns\":[{\"target\":\"a\",\"pattern\":{\"op\":\"Cat\",\"children\":[",
            |_| "{\"op\":\"Silence\"}".to_owned(),
            "]}}]}",
        ),
        (
            "{\"krach\":{\"version\":2,\"raw_graph\":{\"nodes\":[{\"id\":\"o\",\"type_id\":\"gain\",\"controls\":{",
            |n| format!("\"c{n}\":0"),
            "}}]}}}",
        ),
        (
            "{\"krach\":{\"version\":2,\"raw_graph\":{\"exposed_controls\":{",
            |n| format!("\"l{n}\":[\"o\",\"c\"]"),
            "}}}}",
        ),
        (
            "{\"krach\":{\"version\":2,\"sources\":{",
            |n| format!("\"faust:s{n}\":{{\"text\":\"\",\"own\":true}}"),
            "}}}",
        ),
        (
            "{\"nodes\":[{\"name\":\"n\",\"source\":{\"type\":\"dsp_graph\",\"inputs\":[],\"outputs\":[],\"equations\":[",
            |n| format!("{{\"primitive\":{{\"name\":\"sr\"}},\"inputs\":[],\"outputs\":[{{\"id\":{n}}}]}}"),
            "]}}]}",
        ),
        (
            "{\"patterns\":[{\"target\":\"a\",\"pattern\":{\"op\":\"Pick\",\"index\":{\"op\":\"Number\",\"value\":1},\"children\":[",
            |n| {
                format!(
                    "{{\"op\":\"Label\",\"label\":\"l{n}\",\"child\":{{\"op\":\"Number\",\"value\":{n}}}}}"
                )
            },
            "]}}]}",
        ),
        (
            "{\"patterns\":[{\"target\":\"a\",\"pattern\":{\"op\":\"Choose\",\"children\":[",
            |n| {
                format!(
                    "{{\"op\":\"Atom\",\"value\":{{\"type\":\"Control\",\"label\":\"c{n}\",\"value\":1}}}}"
                )
            },
            "]}}]}",
        ),
        (
            "{\"patterns\":[{\"target\":\"a\",\"pattern\":{\"op\":\"Vary\",\"kind\":\"fast\",\"child\":{\"op\":\"Silence\"},\"by\":[{\"op\":\"Cat\",\"children\":[",
            |n| format!("{{\"op\":\"Number\",\"value\":{n}}}"),
            "]}]}}]}",
        ),
        (
            "{\"patterns\":[{\"target\":\"a\",\"pattern\":{\"op\":\"Combine\",\"kind\":\"add\",\"structure\":\"both\",\"right\":{\"op\":\"Fast\",\"factor\":[97,1],\"child\":{\"op\":\"Number\",\"value\":1}},\"left\":{\"op\":\"Cat\",\"children\":[",
            |n| format!("{{\"op\":\"Number\",\"value\":{n}}}"),
            "]}}}]}",
        ),
        (
            "{\"krach\":{\"version\":2,\"raw_graph\":{\"nodes\":[",
            |n| format!("{{\"id\":\"{n:01000}\",\"type_id\":\"gain\"}}"),
            "]}}}",
        ),
        (
            "{\"nodes\":[{\"name\":\"bass\",\"source\":\"gain\"}],\"patterns\":[",
            |n| format!("{{\"target\":\"bass/{n:01000}\",\"pattern\":{{\"op\":\"Silence\"}}}}"),
            "]}",
        ),
        (
            "{\"krach\":{\"version\":2,\"midi_maps\":[",
            |n| format!("{{\"channel\":0,\"cc\":1,\"label\":\"l{n}\",\"lo\":0,\"hi\":1}}"),
            "]}}",
        ),
        ("{\"muted\":[", |n| format!("{{\"name\":\"n{n}\",\"saved_gain\":0.5}}"), "]}"),
        ("{\"automations\":[", |n| format!("{{\"path\":\"a/b{n}\",\"shape\":\"sine\",\"bars\":1}}"), "]}"),
    ];
    let (begin, one, end) = *dice.one(&THINGS);
    let size = dice.size(MOST - 100_000);
    let mut text = begin.to_owned();
    for n in 0.. {
        if n > 0 {
            text.push(',');
        }
        text.push_str(&one(n));
        if text.len() >= size {
            break;
        }
    }
    text.push_str(end);
    let prefix = "p".repeat(1 + dice.size(300));
    for _ in 0..dice.size(40) {
        if dice.below(2) == 0 {
            text = format!("{{\"sub_modules\":[{{\"prefix\":\"{prefix}\",\"module\":{text}}}]}}");
        }
    }
    text
}

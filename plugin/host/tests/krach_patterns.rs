//! Patterns through CLAP: what is heard and sent is what a slow model over big fractions says, on its
//! frame, for two hours and through jumps.

mod krach_support;
#[path = "../../../patterns/tests/model/mod.rs"]
mod model;
#[path = "krach_patterns/operators.rs"]
mod operators;

use std::collections::BTreeMap;

use krach_host::transport::{Action, Blocks, Script, When};
use krach_host::{Length, OutputKind, Performance, RenderOptions, Rendered, Stage, render_performance};
use krach_patterns::{Pattern, Span, Time, Value, builders, mini};
use krach_support::gates::opens;
use krach_support::session::{gate_graph, hits, play, wire};
use krach_support::sounds::{self, sound_stage, types, write};
use krach_support::{Dice, ask_all, assert_same_sound, plugin, render_with, stage_with};
use num_bigint::BigInt;
use num_traits::ToPrimitive;
use serde_json::json;

const RATE: u64 = 48_000;
/// The transport stands for this long first, in which a gate's voice comes to rest.
const PREPARE: u64 = 4_800;

fn options(tempo: u32, blocks: Blocks, seconds: f64) -> RenderOptions {
    RenderOptions {
        script: Script::playing(f64::from(tempo)),
        blocks,
        length: Length::Seconds(seconds),
        ..RenderOptions::default()
    }
}

/// The same with a transport that starts after the preparation.
fn prepared(tempo: u32, blocks: Blocks, seconds: f64) -> RenderOptions {
    let script = Script::stopped(f64::from(tempo)).at(When::Frame(PREPARE), Action::Play);
    RenderOptions { script, ..options(tempo, blocks, seconds) }
}

/// The same with a transport that starts a moment before the preparation ends, and is at 0 then: where it starts
/// every node begins as after a reset, and a voice needs some frames to come to rest.
fn rested(tempo: u32, blocks: Blocks, seconds: f64) -> RenderOptions {
    const LEAD: u64 = 75;
    let lead = LEAD as f64 / RATE as f64 * f64::from(tempo) / 60.0;
    let start = When::Frame(PREPARE - LEAD);
    let script = Script::stopped(f64::from(tempo)).from_beat(-lead).at(start, Action::Play);
    RenderOptions { script, ..options(tempo, blocks, seconds) }
}

/// The first frame at or after a position in cycles of four quarter notes.
fn frame_of(position: &model::Big, tempo: u32) -> i64 {
    let frames = position * model::int(4 * 60 * RATE as i64) / model::int(i64::from(tempo));
    frames.ceil().to_integer().to_i64().expect("within hours")
}

/// What begins in the first cycles of a pattern: (frame, value as text), sorted.
fn begins(pattern: &Pattern, cycles: i64, tempo: u32) -> Vec<(i64, String)> {
    let window = Span::new(Time::from_integer(0), Time::from_integer(cycles));
    let events = model::query(pattern, window, 0).into_iter().filter(model::ModelEvent::has_onset);
    let mut begins: Vec<_> = events.map(|e| (frame_of(&e.whole.0, tempo), e.value)).collect();
    begins.sort();
    begins
}

fn midi(rendered: &Rendered) -> Vec<(i64, [u8; 3])> {
    let note = |status: u8, channel: i16, key: i16, velocity: f64| {
        [status | channel as u8, key as u8, (velocity * 127.0).round() as u8]
    };
    let midi = rendered.midi_out.iter().filter_map(|event| {
        let bytes = match event.kind {
            OutputKind::Midi(bytes) => bytes,
            OutputKind::NoteOn { channel, key, velocity } => note(0x90, channel, key, velocity),
            OutputKind::NoteOff { channel, key, velocity } => note(0x80, channel, key, velocity),
            _ => return None,
        };
        Some((event.frame as i64, bytes))
    });
    midi.collect()
}

/// Four notes of a channel, each a unit with a controller in its second half.
fn notes(channel: u8) -> Vec<Pattern> {
    let atom = |value| Pattern::Atom { value, span: None };
    (0..4)
        .map(|step| {
            let note = Value::Note { channel, note: 40 + step, velocity: 90, dur: 0.01 };
            let cc = Value::Cc { channel, controller: 20 + step, value: 3 };
            builders::freeze(builders::cat(vec![atom(note), atom(cc)]))
        })
        .collect()
}

fn every_operator(channel: u8) -> Pattern {
    let [a, b, c, d] = <[Pattern; 4]>::try_from(notes(channel)).expect("four");
    let all = || builders::cat(notes(channel));
    let warp = |amount, grid, child: Pattern| child.swing(amount, grid);
    match channel {
        0 => builders::stack(vec![a, builders::cat(vec![b, builders::rest(), c])]),
        1 => Pattern::Fast { factor: [7, 3], child: Box::new(all()), span: None },
        2 => Pattern::Slow { factor: [5, 2], child: Box::new(all()), span: None },
        3 => Pattern::Early { offset: [3, 7], child: Box::new(all()), span: None },
        4 => Pattern::Late { offset: [5, 3], child: Box::new(all()), span: None },
        5 => all().rev(),
        6 => all().every(3, |p| p.rev().fast(2.0)),
        7 => a.spread_rotated(5, 13, 4),
        8 => builders::cat(vec![all(), all(), all()]).thin(0.4, 11),
        9 => builders::freeze(all()).thin(0.5, 3),
        10 => warp(0.66, 8, builders::cat(vec![all(), all()])),
        11 => builders::cat(vec![a.over(3.0), b, builders::cat(vec![c, d]).over(2.0)]),
        12 => warp(0.3, 2, all().shift(1.0 / 3.0)).rev(),
        13 => all().fast(1.5).every(2, |p| p.thin(0.5, 9)).over(0.75),
        14 => builders::stack(vec![all().spread(3, 7), d.over(4.0).shift(0.1)]),
        _ => builders::freeze(builders::stack(vec![all(), builders::cat(vec![b, a])])).rev().fast(3.0),
    }
}

#[test]
fn every_operator_sends_what_the_model_says_each_note_on_its_frame() {
    const TEMPO: u32 = 137;
    const CYCLES: i64 = 8;
    let patterns: Vec<Pattern> = (0..16).map(every_operator).collect();
    let requests: Vec<String> = patterns
        .iter()
        .enumerate()
        .map(|(channel, pattern)| {
            let tree = serde_json::to_value(pattern).expect("patterns are JSON");
            play(&format!("p{channel}"), &tree)
        })
        .collect();
    let end = frame_of(&model::int(CYCLES), TEMPO);
    for blocks in [Blocks::Fixed(256), Blocks::Random { seed: 8, min: 1, max: 3000 }] {
        let seconds = end as f64 / RATE as f64;
        let rendered = render_with(&options(TEMPO, blocks.clone(), seconds), &requests);
        let mut heard: BTreeMap<u8, Vec<(i64, String)>> = BTreeMap::new();
        for (frame, [status, first, second]) in midi(&rendered) {
            let channel = status & 15;
            let value = match status & 0xf0 {
                0x90 => Value::Note { channel, note: first, velocity: second, dur: 0.01 },
                0xb0 => Value::Cc { channel, controller: first, value: second },
                _ => continue,
            };
            heard.entry(channel).or_default().push((frame, format!("{value:?}")));
        }
        for (channel, pattern) in patterns.iter().enumerate() {
            let mut found = heard.remove(&(channel as u8)).unwrap_or_default();
            found.sort();
            let mut expected = begins(pattern, CYCLES, TEMPO);
            expected.retain(|(frame, _)| *frame < end);
            assert!(expected.len() > 10, "channel {channel}: {} events show little", expected.len());
            assert_eq!(found, expected, "channel {channel}, {blocks:?}: {pattern:?}");
        }
    }
}

#[test]
fn mini_notation_and_the_swing_of_a_slot_are_heard_where_the_model_says() {
    const TEMPO: u32 = 120;
    for (line, swing) in [
        ("x . [x x] .", None),
        ("<x [x x]> x(3,8)", None),
        ("x*3 <x ~>", None),
        ("x@3 x", None),
        ("x x x x", Some((0.66, 4))),
        ("x(5,8) x", Some((0.6, 8))),
        ("x*8?", Some((0.55, 8))),
    ] {
        let pattern = mini(line).expect("it reads");
        let heard_as = match swing {
            Some((amount, grid)) => pattern.swing(amount, grid),
            None => pattern,
        };
        let open = |(frame, value): &(i64, String)| (value == "gate=1").then_some(*frame as u64 + PREPARE);
        let expected: Vec<u64> = begins(&heard_as, 4, TEMPO).iter().filter_map(open).collect();
        let swing = swing.map(|(amount, grid)| json!({"amount": amount, "grid": grid}));
        let call = json!({"jsonrpc": "2.0", "id": 1, "method": "play",
            "params": {"target": "x", "pattern": line, "swing": swing}});
        for blocks in [Blocks::Fixed(256), Blocks::Fixed(17)] {
            let requests = [gate_graph(), call.to_string()];
            let rendered = render_with(&rested(TEMPO, blocks.clone(), 8.1), &requests);
            assert_eq!(opens(&rendered.channels[0]), expected, "{line}, {blocks:?}");
        }
    }
}

/// A note over two cycles; the fourth line sends its pattern again while it sounds.
const SENT_AGAIN: [&str; 5] = [
    r#"{"jsonrpc":"2.0","id":1,"method":"node","params":{"name":"tone","source":"import(\"stdfaust.lib\"); freq = hslider(\"freq\", 220, 20, 4000, 0.01); process = os.osc(freq) * en.asr(0.002, 1, 0.01, button(\"gate\")) * 0.2;","gain":1}}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"sync"}"#,
    r#"{"jsonrpc":"2.0","id":3,"method":"play","params":{"target":"tone","pattern":"A3/2","at":1}}"#,
    r#"{"jsonrpc":"2.0","id":4,"method":"play","params":{"target":"tone","pattern":"A3/2","at":2.25}}"#,
    r#"{"jsonrpc":"2.0","id":5,"method":"sync"}"#,
];

#[test]
fn a_pattern_that_is_sent_again_within_its_note_sounds_the_same_to_the_bit() {
    sounds::folder();
    let render = |lines: &[&str], blocks: Blocks| {
        let performance = Performance::parse(&lines.join("\n")).expect("lines of JSON");
        let options = RenderOptions { plugin: Some(plugin()), performance, ..options(120, blocks, 7.0) };
        let rendered = render_performance(&options).expect("it renders");
        let refused: Vec<_> = rendered.replies.iter().filter(|reply| reply.refused).collect();
        assert!(refused.is_empty(), "{refused:?}");
        rendered.channels
    };
    let rms = |sound: &[f32], from: f64, to: f64| {
        let piece = &sound[(from * RATE as f64) as usize..(to * RATE as f64) as usize];
        (piece.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / piece.len() as f64).sqrt()
    };
    let once = [&SENT_AGAIN[..3], &SENT_AGAIN[4..]].concat();
    let once = render(&once, Blocks::Fixed(256));
    for blocks in [Blocks::Fixed(256), Blocks::Random { seed: 4, min: 1, max: 3000 }] {
        let again = render(&SENT_AGAIN, blocks.clone());
        // A sine of 0.2 from beat 8, 4 s, for half of its two cycles.
        let level = rms(&again[0], 4.01, 6.0);
        assert!((level - 0.1414).abs() < 2e-4, "{blocks:?}: {level}");
        assert!(rms(&again[0], 0.0, 3.99) == 0.0 && rms(&again[0], 6.1, 7.0) < 1e-6, "{blocks:?}");
        assert_same_sound(&again, &once, &format!("{blocks:?}"));
    }
    // Where another note is sent instead, the one that sounds ends there, after a release of 10 ms.
    let other =
        SENT_AGAIN.map(|line| if line.contains("2.25") { line.replace("A3/2", "A4/2") } else { line.into() });
    let other = render(&other.each_ref().map(String::as_str), Blocks::Fixed(256));
    assert!(rms(&other[0], 4.01, 4.5) > 0.14 && rms(&other[0], 4.6, 7.0) < 1e-6);
}

#[test]
fn a_shape_is_heard_as_the_curve_it_is() {
    let curve = |kind: &str, phase: f64| match kind {
        "sine" => 0.5 + 0.5 * (std::f64::consts::TAU * phase).sin(),
        "tri" => 1.0 - (2.0 * phase - 1.0).abs(),
        "ramp" => phase,
        "ramp_down" => 1.0 - phase,
        _ => phase * phase,
    };
    for kind in ["sine", "tri", "ramp", "ramp_down", "exp"] {
        let shape = json!({"op": "Slow", "factor": [3, 2], "child":
            {"op": "Shape", "kind": kind, "lo": 0.1, "hi": 0.6, "label": "x_g/gain"}});
        let rendered =
            render_with(&options(120, Blocks::Fixed(333), 6.0), &[gate_graph(), play("x", &shape)]);
        let left = &rendered.channels[0];
        // The constant that goes through the gain, from one place in the middle.
        let value = |frame: usize| 0.1 + 0.5 * curve(kind, (frame as f64 / 144_000.0).fract());
        let level = f64::from(left[100_000]) / value(100_000);
        for frame in (2_000..280_000).step_by(601).filter(|frame| frame % 144_000 > 600) {
            let (found, expected) = (f64::from(left[frame]) / level, value(frame));
            assert!((found - expected).abs() < 1e-3, "{kind}, frame {frame}: {found} for {expected}");
        }
    }
}

/// A voice that is heard as its frequency in thousandths while its gate is up.
const VOICE: &str =
    "process = (hslider(\"gate\", 0, 0, 1, 1) > 0.5) * hslider(\"freq\", 0, 0, 2000, 0.0001) / 1000;";

/// Voices as the contract has them: an end frees its note's voice, a beginning takes a free one, or else
/// steals from the note that is held longest.
fn voices(notes: &[(i64, i64, f64)], count: usize, frame: i64) -> f64 {
    let mut held: Vec<(i64, f64)> = Vec::new();
    for &(on, off, hz) in notes.iter().filter(|note| note.0 <= frame) {
        held.retain(|(end, _)| *end > on);
        if held.len() == count {
            held.remove(0);
        }
        held.push((off, hz));
    }
    held.iter().filter(|(end, _)| *end > frame).map(|(_, hz)| hz / 1000.0).sum()
}

#[test]
fn chords_have_a_voice_for_each_note_and_steal_the_oldest() {
    const TEMPO: u32 = 120;
    write("pipe.dsp", VOICE);
    for (line, count) in [
        ("[60, 64, 67] <72 74> ~ [48, 55]", 4),
        ("[40, 47, 52, 56, 59]", 3),
        ("40, ~ 47, ~ ~ 52 ~, ~ ~ ~ 55", 2),
        ("<40 45>, [60 62 64 65]*2", 2),
        ("40 43 [47, 52]*3", 1),
    ] {
        let pattern = mini(line).expect("it reads");
        // The notes: a frequency and an open gate at once, the gate's end half way through the unit.
        let window = Span::new(Time::from_integer(0), Time::from_integer(3));
        let events: Vec<_> =
            model::query(&pattern, window, 0).into_iter().filter(|e| e.has_onset()).collect();
        let mut notes: Vec<(model::Big, model::Big, f64)> = Vec::new();
        for pair in events.windows(2) {
            if let (Some(hz), "gate=1") = (pair[0].value.strip_prefix("freq="), pair[1].value.as_str()) {
                let (begin, end) = pair[1].whole.clone();
                notes.push((begin, end, hz.parse().expect("a number")));
            }
        }
        notes.sort_by(|a, b| a.0.cmp(&b.0));
        let notes: Vec<(i64, i64, f64)> =
            notes.iter().map(|(on, off, hz)| (frame_of(on, TEMPO), frame_of(off, TEMPO), *hz)).collect();
        let graph = json!({"type": "load_graph", "nodes": [
            {"id": "p", "type_id": "faust:pipe", "count": count}, {"id": "out", "type_id": "dac"},
        ], "connections": [wire("p", "out")]});
        let mut stage = sound_stage(&options(TEMPO, Blocks::Fixed(256), 6.0));
        types(&mut stage);
        let call =
            json!({"jsonrpc": "2.0", "id": 1, "method": "play", "params": {"target": "p", "pattern": line}});
        ask_all(&mut stage, &[graph.to_string(), call.to_string()]);
        stage.render_to_end().expect("it renders");
        let rendered = stage.finish();
        let left = &rendered.channels[0];
        assert!(notes.len() > 6, "{line}");
        let mut wrong = Vec::new();
        for frame in (1_000..280_000).step_by(997) {
            let near = |event: i64| (event - frame as i64).abs() < 300;
            if notes.iter().any(|(on, off, _)| near(*on) || near(*off)) {
                continue;
            }
            let expected = voices(&notes, count, frame as i64);
            if (f64::from(left[frame]) - expected).abs() > 1e-4 {
                wrong.push((frame, left[frame], expected));
            }
        }
        assert_eq!(wrong, [], "{line} with {count} voices");
    }
}

#[test]
fn a_hundred_jumps_a_second_leave_no_note_behind() {
    let mut dice = Dice(77);
    let mut script = Script::playing(120.0);
    let seconds = 20;
    for jump in 1..100 * seconds {
        let to = dice.below(64_000) as f64 / 1000.0 - 8.0;
        script = script.at(When::Frame(jump * 480 + dice.below(400) as u64), Action::Jump(to));
    }
    script = script.at(When::Frame(seconds * RATE - 600), Action::Stop);
    let notes = |channel: u8, dur: f64| {
        let note = |key: u8| Pattern::Atom {
            value: Value::Note { channel, note: key, velocity: 80, dur },
            span: None,
        };
        builders::cat((0..16).map(|step| note(30 + step * 3)).collect())
    };
    let patterns = [
        notes(0, 0.3).fast(2.0).thin(0.3, 4).rev(),
        notes(1, 8.0),
        notes(2, 0.0).every(2, Pattern::rev).shift(0.01),
        (notes(3, 0.02) | notes(3, 0.5)).fast(4.0),
    ];
    let played = |(n, p): (usize, &Pattern)| {
        play(&format!("p{n}"), &serde_json::to_value(p).expect("patterns are JSON"))
    };
    write("jumped.dsp", VOICE);
    let graph = json!({"type": "load_graph", "nodes": [
        {"id": "v", "type_id": "faust:jumped", "count": 4}, {"id": "out", "type_id": "dac"},
    ], "connections": [wire("v", "out")]});
    // Chords over the borders of cycles and steps, turned and thinned.
    let chords = (builders::chord([60, 64, 67]) + builders::chord([40, 47]).over(2.0)).shift(0.4);
    let chords = serde_json::to_value(chords.thin(0.2, 5).rev().fast(4.0)).expect("patterns are JSON");
    let mut requests = vec![graph.to_string(), play("v", &chords)];
    requests.extend(patterns.iter().enumerate().map(played));
    for blocks in [Blocks::Fixed(256), Blocks::Random { seed: 3, min: 1, max: 2048 }] {
        let options =
            RenderOptions { script: script.clone(), ..options(120, blocks.clone(), seconds as f64) };
        let mut stage = sound_stage(&options);
        types(&mut stage);
        ask_all(&mut stage, &requests);
        stage.render_to_end().expect("it renders");
        let rendered = stage.finish();
        let sound = &rendered.channels[0];
        assert!(sound.iter().filter(|x| **x != 0.0).count() > 5_000, "{blocks:?}: the voices are heard");
        let end = (seconds * RATE - 590) as usize;
        assert!(sound[end..].iter().all(|x| *x == 0.0), "{blocks:?}: a voice sounds after the stop");
        let sent = midi(&rendered);
        let mut sounding: BTreeMap<(u8, u8), i64> = BTreeMap::new();
        let mut begun = 0;
        let mut before = 0;
        for (frame, [status, key, _]) in sent {
            assert!(frame >= before, "{blocks:?}: in order");
            before = frame;
            match status & 0xf0 {
                0x90 => {
                    begun += 1;
                    let twice = sounding.insert((status & 15, key), frame);
                    assert_eq!(twice, None, "{blocks:?}: {key} begins twice");
                }
                0x80 => drop(sounding.remove(&(status & 15, key))),
                _ => {}
            }
        }
        assert!(begun > 1_000, "{blocks:?}: {begun} notes");
        assert!(sounding.is_empty(), "{blocks:?}: {sounding:?}");
    }
}

#[test]
fn osc_messages_leave_in_the_order_of_their_time() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port of our own");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(10))).expect("a timeout");
    let port = socket.local_addr().expect("bound").port();
    let osc =
        |n: i64| json!({"op": "Atom", "value": {"type": "Osc", "address": "/step", "args": [{"Int": n}]}});
    let steps = json!({"op": "Cat", "children": (0..8).map(osc).collect::<Vec<_>>()});
    let target = json!({"jsonrpc": "2.0", "id": 1, "method": "transport",
        "params": {"osc_target": format!("127.0.0.1:{port}")}});
    let mut stage =
        stage_with(&options(120, Blocks::Fixed(256), 4.0), &[target.to_string(), play("o", &steps)]);
    stage.render_to_end().expect("it renders");
    let mut packet = [0_u8; 64];
    let found: Vec<u8> = (0..16)
        .map(|_| {
            let length = socket.recv(&mut packet).expect("a message");
            // "/step", ",i" and a number of 32 bits, each padded to four bytes.
            assert_eq!((&packet[..8], &packet[8..12], length), (&b"/step\0\0\0"[..], &b",i\0\0"[..], 16));
            packet[15]
        })
        .collect();
    assert_eq!(found, [0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
    drop(stage.finish());
}

/// What was heard of a long performance.
#[derive(Debug, PartialEq)]
struct Heard {
    opens: Vec<u64>,
    sent: Vec<(i64, [u8; 3])>,
    hash: u64,
}

/// Hours of a gate that opens sixteen times a cycle, and of a note on every fourth.
fn hours(seconds: u64, blocks: Blocks) -> Heard {
    write("one.dsp", "process = 1.0;");
    let graph = json!({"type": "load_graph", "nodes": [
        {"id": "one", "type_id": "faust:one"},
        {"id": "g", "type_id": "gain", "controls": {"gain": 0.0}},
        {"id": "out", "type_id": "dac"},
    ], "connections": [wire("one", "g"), wire("g", "out")], "exposed_controls": {"x/gate": ["g", "gain"]}});
    let note =
        Pattern::Atom { value: Value::Note { channel: 5, note: 60, velocity: 80, dur: 0.01 }, span: None };
    let note = serde_json::to_value(note.fast(4.0)).expect("patterns are JSON");
    let mut stage: Stage = sound_stage(&prepared(137, blocks, seconds as f64));
    types(&mut stage);
    ask_all(&mut stage, &[graph.to_string(), play("x", &hits("x/gate", 16)), play("n", &note)]);
    let (mut opens, mut frame, mut hash) = (Vec::new(), 0_u64, 0xcbf2_9ce4_8422_2325_u64);
    let (mut before, mut rose) = (0.0_f32, false);
    while frame < seconds * RATE {
        stage.advance().expect("it renders");
        for &sample in stage.recorded(0, 0) {
            let rises = sample > before;
            if rises && !rose {
                opens.push(frame);
            }
            (before, rose) = (sample, rises);
            hash = (hash ^ u64::from(sample.to_bits())).wrapping_mul(0x0000_0100_0000_01b3);
            frame += 1;
            if frame == seconds * RATE {
                break;
            }
        }
        stage.forget();
    }
    let sent = midi(&stage.finish());
    Heard { opens, sent, hash }
}

#[test]
fn after_a_quarter_of_an_hour_an_onset_is_as_exact_as_the_first_and_the_performance_can_be_repeated() {
    onsets_stay_exact(900);
}

#[test]
#[ignore = "soak: two hours of sound"]
fn soak_after_two_hours_an_onset_is_as_exact_as_the_first_and_the_performance_can_be_repeated() {
    onsets_stay_exact(7200);
}

fn onsets_stay_exact(seconds: u64) {
    let heard = hours(seconds, Blocks::Fixed(2048));
    // ceil(n · 240 · 48000 / (137 · 16)), in whole numbers.
    let exact = |n: u64, per_cycle: u64| {
        let over = BigInt::from(n) * 240_u32 * RATE;
        let under = BigInt::from(137 * per_cycle);
        let frame: BigInt = (over + &under - 1_u32) / under + PREPARE;
        frame.to_u64().expect("within hours")
    };
    let expected: Vec<u64> = (0..).map(|n| exact(n, 16)).take_while(|f| *f < seconds * RATE).collect();
    // 137 / 240 · 16 = 9.13 onsets a second.
    assert!(expected.len() as u64 > 9 * seconds);
    let differs = expected.iter().zip(&heard.opens).find(|(a, b)| a != b);
    assert_eq!((differs, heard.opens.len()), (None, expected.len()));
    let notes: Vec<i64> = heard.sent.iter().filter(|(_, b)| b[0] == 0x95).map(|(frame, _)| *frame).collect();
    let expected: Vec<i64> =
        (0..).map(|n| exact(n, 4) as i64).take_while(|f| *f < (seconds * RATE) as i64).collect();
    assert_eq!(notes, expected);
    let again = hours(seconds, Blocks::Random { seed: 9, min: 1500, max: 4096 });
    assert_eq!(again, heard, "the same samples and the same messages");
}

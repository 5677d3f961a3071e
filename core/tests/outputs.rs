//! The outputs: main and eight stems, each the same way, with its own limiter at the end.

mod support;
use krach_core::model::Setting;

use krach_core::engine::*;
use krach_core::ir::{NodeIr, RouteIr, Source};
use krach_core::node::{Bus, Registry};
use krach_core::processor::{ParamEvent, ParamId};
use krach_patterns::{OscArg, Pattern, Value};
use support::*;

fn registry() -> Registry {
    let mut registry = probes::registry();
    (1..=8).for_each(|number| registry.add(probes::stem_type(number)));
    registry
}

/// An engine whose host takes that many stems.
fn rig(stems: usize) -> Rig {
    let mut rig = Rig::with(registry());
    rig.stems = vec![[Vec::new(), Vec::new()]; stems];
    rig
}

/// Three sounds, each into one of these outputs: `dac`, or `stem1` to `stem8`.
fn three(outputs: [&str; 3]) -> RawGraph {
    let sounds = [("a", 110.0, 0.3), ("b", 277.0, 0.25), ("c", 1_013.0, 0.2)];
    let mut nodes: Vec<_> =
        sounds.map(|(id, freq, amp)| node(id, "oscillator", &[("freq", freq), ("amp", amp)])).into();
    let mut ends: Vec<&str> = outputs.into();
    ends.sort_unstable();
    ends.dedup();
    nodes.extend(ends.iter().map(|end| node(end, end, &[])));
    let wires: Vec<_> = sounds.iter().zip(outputs).map(|((id, ..), end)| (*id, end)).collect();
    graph(nodes, &wires)
}

fn master_pattern() -> Pattern {
    let gain = |gain| {
        let value = Value::Osc { address: "/audio/gain".into(), args: vec![OscArg::Float(gain)] };
        Pattern::Atom { value, span: None }
    };
    Pattern::Cat { children: vec![gain(0.75), gain(1.25), gain(0.5)], span: None }
}

type Change = (i64, ParamId, f32);

/// Main and stems, left and right, over these frames.
fn buses(rig: &mut Rig, frames: usize, blocks: &[usize], changes: &[Change]) -> Vec<Vec<f32>> {
    let mut out = vec![Vec::new(); 2 * (1 + rig.stems.len())];
    let mut sizes = blocks.iter().cycle();
    while out[0].len() < frames {
        let n = (*sizes.next().expect("some")).min(frames - out[0].len());
        let begin = rig.rendered;
        let within = changes.iter().filter(|(at, ..)| (begin..begin + n as i64).contains(at));
        rig.params.extend(within.map(|&(at, param, value)| ParamEvent {
            offset: (at - begin) as u32,
            param,
            value,
            modulation: 0.0,
        }));
        let main = rig.block(n);
        let sides = main.iter().chain(rig.stems.iter().flatten());
        out.iter_mut().zip(sides).for_each(|(whole, part)| whole.extend(part));
    }
    out
}

fn peak(side: &[f32]) -> f32 {
    side.iter().fold(0.0, |peak, x| peak.max(x.abs()))
}

#[test]
fn each_output_has_what_leads_to_it_and_all_of_them_add_up_to_the_mix() {
    let played = |outputs: [&str; 3]| {
        let mut rig = rig(8);
        rig.edit(Edit::LoadGraph(three(outputs)));
        rig.edit(Edit::Setting(Setting::Master(0.8)));
        rig.edit(play("m", master_pattern()));
        let moves =
            [(9_000, ParamId::Master, 0.75), (9_100, ParamId::Master, 0.9), (40_000, ParamId::Master, 0.875)];
        buses(&mut rig, 150_000, &[480], &moves)
    };
    let mix = played(["dac", "dac", "dac"]);
    assert!(
        mix[2..].iter().flatten().all(|x| *x == 0.0),
        "no stem has anything, whatever the host left there"
    );
    let apart = played(["dac", "stem1", "stem8"]);
    let [main, first, eighth] = [0, 2, 16].map(|side| &apart[side]);
    assert!([main, first, eighth].iter().all(|side| peak(side) > 0.2));
    assert!(apart[4..16].iter().flatten().all(|x| *x == 0.0));
    for (at, whole) in mix[0].iter().enumerate() {
        let sum = main[at] + first[at] + eighth[at];
        assert!((whole - sum).abs() < 1e-6, "frame {at}: {whole} is not {sum}");
    }
    assert_eq!(apart[16], apart[17], "both sides");
}

#[test]
fn every_output_sounds_the_same_in_any_partition() {
    let changes = [
        (3_001, ParamId::Master, 0.8),
        (30_011, ParamId::Panic, 1.0),
        (61_003, ParamId::Master, 0.9),
        (61_500, ParamId::Master, 0.7),
    ];
    let played = |blocks: &[usize]| {
        let mut rig = rig(8);
        rig.edit(Edit::LoadGraph(three(["dac", "stem3", "stem3"])));
        rig.edit(play("m", master_pattern()));
        // One sound goes elsewhere while it plays, in a crossfade; one output comes to be by it.
        let first = buses(&mut rig, 20_000, blocks, &changes);
        rig.edit(Edit::LoadGraph(three(["stem5", "stem3", "dac"])));
        let second = buses(&mut rig, 40_000, blocks, &changes);
        // One engine leaves while the next one sounds.
        let session = rig.engine.save();
        rig.engine.load(&session).expect("it was just saved");
        let third = buses(&mut rig, 20_000, blocks, &changes);
        // Time starts anew: what rang dies away.
        rig.playing = false;
        let fourth = buses(&mut rig, 2_048, blocks, &changes);
        rig.playing = true;
        let fifth = buses(&mut rig, 10_000, blocks, &changes);
        let parts = [first, second, third, fourth, fifth];
        (0..18)
            .map(|side| parts.iter().flat_map(|part| part[side].clone()).collect())
            .collect::<Vec<Vec<f32>>>()
    };
    let whole = played(&[512]);
    for sounding in [0, 6, 10] {
        assert!(peak(&whole[sounding]) > 0.2, "side {sounding}");
    }
    for blocks in [&[1_usize][..], &[64], &[1_009], &[2_048], &[7, 2_000, 1]] {
        for (side, (expected, found)) in whole.iter().zip(played(blocks)).enumerate() {
            assert_eq!(first_difference(expected, &found), None, "side {side}, blocks {blocks:?}");
        }
    }
}

#[test]
fn each_output_has_its_own_limiter_and_it_is_last() {
    let played = |loud: f64| {
        let mut rig = rig(2);
        let mut sounds = three(["dac", "stem2", "stem2"]);
        sounds.nodes[1].controls.insert("amp".into(), 0.9);
        sounds.nodes.push(node("more", "gain", &[("gain", loud)]));
        sounds.connections.retain(|wire| wire.from_node != "b");
        sounds.connections.extend([wire("b", "more"), wire("more", "stem2")]);
        rig.edit(Edit::LoadGraph(sounds));
        // +12 dB.
        buses(&mut rig, 20_000, &[333], &[(5_000, ParamId::Master, 1.0)])
    };
    let (quiet, loud) = (played(0.1), played(4.0));
    assert_eq!(peak(&loud[4]), 2.0, "+6 dBFS and no more");
    assert!(peak(&quiet[4]) < 2.0 && quiet[4] != loud[4]);
    assert_eq!(quiet[0], loud[0], "the main output's limiter has no part in it");
}

#[test]
fn a_limiter_lets_go_although_nothing_leads_to_its_output_any_more() {
    let played = |loud: f64| {
        let mut rig = rig(2);
        let mut sounds = three(["dac", "stem2", "dac"]);
        sounds.nodes.push(node("more", "gain", &[("gain", loud)]));
        sounds.connections.retain(|wire| wire.from_node != "b");
        sounds.connections.extend([wire("b", "more"), wire("more", "stem2")]);
        rig.edit(Edit::LoadGraph(sounds));
        let first = buses(&mut rig, 5_000, &[333], &[]);
        rig.edit(Edit::LoadGraph(three(["dac", "dac", "dac"])));
        buses(&mut rig, 96_000, &[333], &[]);
        rig.edit(Edit::LoadGraph(three(["dac", "stem2", "dac"])));
        (peak(&first[4]), buses(&mut rig, 20_000, &[333], &[]).swap_remove(4))
    };
    let ((low, quiet), (high, loud)) = (played(0.1), played(40.0));
    assert!(low < 0.1 && high == 2.0, "{low} {high}: the limiter was at work, and at +6 dBFS");
    assert!(peak(&quiet) > 0.2);
    assert_eq!(first_difference(&quiet, &loud), None, "as if there had been nothing loud");
}

#[test]
fn a_stem_that_the_host_does_not_take_is_silent_and_changes_nothing_else() {
    let played = |stems| {
        let mut rig = rig(stems);
        rig.edit(Edit::LoadGraph(three(["dac", "stem1", "stem8"])));
        buses(&mut rig, 10_000, &[480], &[(100, ParamId::Master, 0.8)])
    };
    let all = played(8);
    for stems in [0, 1, 7] {
        assert_eq!(played(stems)[..], all[..2 * (1 + stems)], "{stems} stems");
    }
}

#[test]
fn each_output_has_a_meter() {
    let mut rig = rig(8);
    let _watch = rig.engine.link().watch();
    rig.edit(Edit::LoadGraph(three(["dac", "stem2", "stem2"])));
    buses(&mut rig, 96_000, &[256], &[]);
    let link = rig.engine.link();
    let peak = |bus: Bus| link.telemetry().bus(bus).map(|side| side.peak);
    let stem = |number| Bus::stem(number).expect("there are eight");
    assert_eq!(peak(Bus::MAIN), link.telemetry().output().map(|side| side.peak));
    assert!((0.29..0.31).contains(&peak(Bus::MAIN)[0]), "{:?}", peak(Bus::MAIN));
    assert!((0.4..0.46).contains(&peak(stem(2))[1]), "{:?}", peak(stem(2)));
    for other in [1, 3, 4, 5, 6, 7, 8] {
        assert_eq!(peak(stem(other)), [0.0; 2], "stem {other}");
    }
    assert_eq!((Bus::stem(0), Bus::stem(9)), (None, None));
}

#[test]
fn a_session_that_is_replaced_fades_out_on_every_output() {
    let mut rig = rig(8);
    let empty = rig.engine.save();
    rig.edit(Edit::LoadGraph(three(["dac", "stem4", "stem8"])));
    buses(&mut rig, 4_800, &[480], &[]);
    rig.engine.load(&empty).expect("it was just saved");
    let out = buses(&mut rig, 2_000, &[480], &[]);
    for side in [0, 8, 16] {
        // 960 frames.
        let level = |range: std::ops::Range<usize>| peak(&out[side][range]);
        assert!(level(0..480) > 0.15 && level(480..960) > 0.05, "side {side}");
        assert!(level(900..960) < 0.1 * level(0..480) && level(960..2_000) == 0.0, "side {side}");
    }
}

#[test]
fn a_panic_inside_the_engine_silences_every_output() {
    probes::hush_probes();
    let mut rig = rig(8);
    let mut sounds = three(["dac", "stem1", "stem8"]);
    sounds.nodes.push(node("p", "panicky", &[]));
    sounds.connections.push(wire("p", "stem1"));
    rig.edit(Edit::LoadGraph(sounds));
    assert!(buses(&mut rig, 4_800, &[480], &[]).iter().step_by(16).all(|side| peak(side) > 0.1));
    // Within a block of which a part has been rendered already.
    let within = At::Position((4_800.0 + 1_500.0) / 96_000.0);
    rig.edit_at(Edit::SetControl { label: "p/when".into(), value: 1.0 }, within);
    for _ in 0..2 {
        assert!(buses(&mut rig, 2_048, &[2_048], &[]).iter().flatten().all(|x| *x == 0.0));
    }
    assert!(rig.engine.status().poisoned);
}

/// A node of the session with that level, which leaves at that output.
fn put(name: &str, type_id: &str, level: f64, stem: usize) -> NodeEdit {
    let init = if type_id == "dc" { vec![("level".into(), level)] } else { vec![] };
    let node = NodeIr { name: name.into(), source: Source::Type(type_id.into()), init, ..NodeIr::default() };
    let stem = Some(Bus::stem(stem).unwrap_or_default());
    NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(1.0), stem, ..NodeSpec::default() }))
}

/// What a node that there is moves to.
fn leave(rig: &Rig, name: &str, stem: usize) -> Edit {
    let node = rig.engine.session().node(name).expect("it is there");
    let node = NodeIr { name: name.into(), source: node.source.clone(), ..NodeIr::default() };
    let stem = Some(Bus::stem(stem).unwrap_or_default());
    Edit::Nodes(vec![NodeEdit::Set(Box::new(NodeSpec {
        node,
        stem,
        keeps_values: true,
        ..NodeSpec::default()
    }))])
}

/// The last frame of each output, left, once all fades are over.
fn levels(rig: &mut Rig) -> Vec<f32> {
    let out = buses(rig, 30_000, &[512], &[]);
    assert!(out.chunks(2).all(|sides| sides[0] == sides[1]));
    out.iter().step_by(2).map(|side| *side.last().expect("some")).collect()
}

#[test]
fn a_node_on_a_stem_keeps_its_sends_its_mute_and_its_solo() {
    let mut rig = rig(8);
    let send = NodeEdit::Connect(RouteIr {
        source: "bass".into(),
        target: "verb".into(),
        level: 0.5,
        ..RouteIr::default()
    });
    rig.edit(Edit::Nodes(vec![
        put("bass", "dc", 0.25, 2),
        put("hat", "dc", 0.125, 0),
        put("verb", "thru", 1.0, 3),
        send,
    ]));
    let at = |levels: Vec<f32>| (levels[0], levels[2], levels[3], levels.iter().sum::<f32>());
    assert_eq!(at(levels(&mut rig)), (0.125, 0.25, 0.125, 0.5));
    let mute = |on| Edit::Nodes(vec![NodeEdit::Mute { name: "bass".into(), on }]);
    rig.edit(mute(true));
    assert_eq!(at(levels(&mut rig)), (0.125, 0.0, 0.0, 0.125));
    rig.edit(mute(false));
    let solo = |name: &str, on| NodeEdit::Solo { name: name.into(), on };
    rig.edit(Edit::Nodes(vec![solo("hat", true)]));
    assert_eq!(at(levels(&mut rig)), (0.125, 0.0, 0.0, 0.125));
    rig.edit(Edit::Nodes(vec![solo("hat", false), solo("verb", true)]));
    assert_eq!(at(levels(&mut rig)), (0.0, 0.0, 0.125, 0.125), "nothing dry, on no output");
    rig.edit(Edit::Nodes(vec![solo("verb", false)]));
    // It is the master's, too, and each edit is taken back.
    rig.edit(Edit::Setting(Setting::Master(0.5)));
    assert_eq!(at(levels(&mut rig)), (0.0625, 0.125, 0.0625, 0.25));
    rig.edit(leave(&rig, "bass", 0));
    assert_eq!(at(levels(&mut rig)), (0.1875, 0.0, 0.0625, 0.25));
    rig.engine.undo(At::Now).expect("it can be undone");
    assert_eq!(at(levels(&mut rig)), (0.0625, 0.125, 0.0625, 0.25));
    // A document holds it, and another session has it from there.
    let saved = rig.engine.save();
    let text = String::from_utf8(saved.clone()).expect("it is JSON");
    assert!(text.contains(r#""bass":{"stem":2,"#) && !text.contains(r#""stem":0"#), "{text}");
    let mut other = Rig::with(registry());
    other.stems = vec![[Vec::new(), Vec::new()]; 8];
    other.engine.load(&saved).expect("it was just saved");
    assert_eq!(levels(&mut other), levels(&mut rig));
    let module = rig.engine.session().to_module();
    let (edit, _) =
        other.engine.session().instantiating(&module, "x", other.engine.registry()).expect("it fits");
    other.edit(edit);
    assert_eq!(at(levels(&mut other)), (0.125, 0.25, 0.125, 0.5), "twice, each where it was");
}

#[test]
fn a_stem_that_is_none_is_refused_with_its_place() {
    let document = |stem: &str| {
        let text = format!(
            r#"{{"nodes":[{{"name":"a","source":"gain"}}],"krach":{{"version":2,"nodes":{{"a":{{"stem":{stem}}}}}}}}}"#
        );
        Engine::new(registry()).load(text.as_bytes()).map(drop).map_err(|error| error.to_string())
    };
    assert_eq!(document("8"), Ok(()));
    for stem in ["9", "18446744073709551615"] {
        let refused = document(stem).expect_err("there are eight");
        let said = format!("there is no stem {stem}: 1 to 8 are stems, 0 is the main output");
        assert!(refused.contains("$.krach.nodes.a.stem") && refused.contains(&said), "{refused}");
    }
    for stem in ["-1", "1.5", "\"drums\"", "null"] {
        let refused = document(stem).expect_err("that is no number of a stem");
        assert!(refused.contains("$.krach.nodes.a.stem"), "{refused}");
    }
}

/// Steps come faster than crossfades end, and outputs come and go with the node.
#[test]
fn a_node_that_moves_between_outputs_fades_in_step_and_cuts_nothing() {
    let played = |blocks: &[usize]| {
        let mut rig = rig(8);
        rig.edit(Edit::Nodes(vec![put("bass", "dc", 0.5, 0), put("hat", "dc", 0.25, 4)]));
        let mut out = buses(&mut rig, 30_000, blocks, &[]);
        for (stem, frames) in [
            (2, 5_000),
            (0, 3_000),
            (2, 1_000),
            (4, 2_500),
            (2, 14_000),
            (8, 100),
            (0, 100),
            (8, 20_000),
            (0, 30_000),
        ] {
            rig.edit(leave(&rig, "bass", stem));
            let more = buses(&mut rig, frames, blocks, &[]);
            out.iter_mut().zip(more).for_each(|(whole, part)| whole.extend(part));
        }
        out
    };
    let whole = played(&[512]);
    for frame in 29_000..whole[0].len() {
        let sum: f32 = whole.iter().step_by(2).map(|side| side[frame]).sum();
        assert!((sum - 0.75).abs() < 1e-5, "frame {frame}: {sum}");
    }
    for (bus, side) in whole.iter().step_by(2).enumerate() {
        let step = largest_step(&side[29_000..]);
        assert!(step < 0.5 / 12_000.0 * 2.0, "output {bus}: a step of {step}");
    }
    assert_eq!([0, 4, 8, 16].map(|side| *whole[side].last().expect("some")), [0.5, 0.0, 0.25, 0.0]);
    for blocks in [&[1_usize][..], &[64], &[1_009], &[7, 2_000, 1]] {
        for (side, (expected, found)) in whole.iter().zip(played(blocks)).enumerate() {
            assert_eq!(first_difference(expected, &found), None, "side {side}, blocks {blocks:?}");
        }
    }
}

#[test]
fn nodes_on_stems_add_up_to_what_they_are_on_the_main_output() {
    let played_in = |stems: [usize; 3], folds| {
        let mut rig = rig(8);
        if folds {
            rig.processor.fold_stems();
        }
        let node = |(name, freq, stem): (&str, f64, usize)| {
            let init = vec![("freq".into(), freq), ("amp".into(), 0.25)];
            let source = Source::Type("oscillator".into());
            let node = NodeIr { name: name.into(), source, init, ..NodeIr::default() };
            let stem = Bus::stem(stem);
            NodeEdit::Set(Box::new(NodeSpec { node, gain: Some(0.9), stem, ..NodeSpec::default() }))
        };
        let nodes = [("a", 110.0, stems[0]), ("b", 277.0, stems[1]), ("c", 1_013.0, stems[2])];
        rig.edit(Edit::Nodes(nodes.map(node).into()));
        rig.edit(play("m", master_pattern()));
        buses(&mut rig, 150_000, &[480], &[(9_000, ParamId::Master, 0.9), (40_000, ParamId::Master, 0.875)])
    };
    let played = |stems| played_in(stems, false);
    let mix = played([0, 0, 0]);
    assert!(peak(&mix[0]) > 0.5 && mix[2..].iter().flatten().all(|x| *x == 0.0));
    for stems in [[1, 2, 8], [3, 3, 0]] {
        let apart = played(stems);
        for (frame, whole) in mix[0].iter().enumerate() {
            let sum: f32 = apart.iter().step_by(2).map(|side| side[frame]).sum();
            assert!((whole - sum).abs() < 1e-6, "{stems:?}, frame {frame}: {whole} is not {sum}");
        }
    }
    // A host without stems has it all on the main output.
    let folded = played_in([1, 2, 8], true);
    assert!(folded[2..].iter().flatten().all(|x| *x == 0.0));
    for (frame, (whole, found)) in mix[0].iter().zip(&folded[0]).enumerate() {
        assert!((whole - found).abs() < 1e-6, "frame {frame}: {whole} is not {found}");
    }
}

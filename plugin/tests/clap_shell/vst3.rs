//! The VST3 as a host calls it: what this format asks that CLAP does not.

#![allow(clippy::unnecessary_cast, reason = "VST3's constants are signed on Windows and unsigned elsewhere")]

use super::raw_host::vst3::{Asked, Input, Shape, Vst3, wide};
use super::requests::until;
use super::*;

use nice_plug::wrapper::vst3::vst3::Steinberg::Vst::ParameterInfo_::ParameterFlags_::{
    kCanAutomate, kIsHidden,
};

/// An active instance that plays a chunk.
pub(super) fn active(chunk: &[u8], max: i32) -> Vst3 {
    let plugin = Vst3::new();
    assert!(plugin.load(chunk) && plugin.set_up(RATE, max) && plugin.active(true));
    plugin.processing(true);
    plugin
}

fn id(plugin: &Vst3, name: &str) -> u32 {
    plugin.infos().iter().find(|info| wide(&info.title) == name).expect("a parameter of that name").id
}

/// Two sines, whose pitch the host's notes set, and whose level controller 7 does.
fn played() -> Vec<u8> {
    chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "osc", "type_id": "oscillator", "count": 2, "controls": {"amp": 0.2}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [{"from_node": "osc", "from_port": "out", "to_node": "out", "to_port": "in"}],
            "exposed_controls": {"osc/amp": ["osc", "amp"]},
        })),
        Edit::RouteNotes { channel: None, node: Some("osc".into()) },
        Edit::MidiMap { channel: 0, cc: 7, label: "osc/amp".into(), lo: 0.0, hi: 1.0 },
    ])
}

fn midi(plugin: &Vst3, frame: i32, channel: i16, number: i16, value: f64) -> (i32, Input) {
    let id = plugin.controller_id(0, channel, number).expect("it is mapped");
    (frame, Input::Value(id, value))
}

#[test]
fn an_automated_panic_acts_on_its_frame_and_the_host_is_told() {
    let _turn = alone();
    let song = |sizes: &[usize], panics: &[i32]| {
        let mut plugin = active(&sine(), 1024);
        let panic = id(&plugin, "Panic");
        let (mut sound, mut told, mut sizes) = (Vec::new(), Vec::new(), sizes.iter().cycle());
        while sound.len() < 4096 {
            let (from, size) = (sound.len() as i32, (*sizes.next().unwrap()).min(4096 - sound.len()));
            let due = panics.iter().filter(|&&at| (from..from + size as i32).contains(&at));
            let points: Vec<_> = due.map(|at| (at - from, Input::Value(panic, 1.0))).collect();
            let [left, _] = plugin.render(size, &points, Shape::Whole).expect("it renders");
            told.extend(
                plugin.changes_out.iter().map(|&(id, frame, value)| (id == panic, from + frame, value)),
            );
            sound.extend(left);
        }
        assert_eq!(plugin.value(panic), 0.0);
        assert_eq!(told, panics.iter().map(|&at| (true, at, 0.0)).collect::<Vec<_>>());
        sound
    };
    let plain = song(&[1024], &[]);
    let cut = song(&[1024], &[701]);
    assert_eq!(cut[..701], plain[..701]);
    assert_ne!(cut[701..760], plain[701..760], "the sine begins anew");
    for sizes in [&[17][..], &[333, 64, 1000]] {
        assert_eq!(song(sizes, &[701]), cut, "blocks of {sizes:?}");
    }
    // The same samples as in CLAP.
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 1024);
    let events = [Event::value(701, plugin.param("Panic"), 1.0)];
    assert_eq!(render(&plugin, &mut block, 4096, &[1024], &events), cut);
    plugin.destroy();
}

/// A square wave that sounds while time moves: a pattern opens it where each cycle begins.
fn while_time_moves() -> Vec<u8> {
    let open = json!({"op": "Atom", "value": {"type": "Control", "label": "level/gain", "value": 0.5}});
    chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "osc", "type_id": "oscillator", "controls": {"waveform": 2.0}},
                {"id": "level", "type_id": "gain", "controls": {"gain": 0.0}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [
                {"from_node": "osc", "from_port": "out", "to_node": "level", "to_port": "in"},
                {"from_node": "level", "from_port": "out", "to_node": "out", "to_port": "in"},
            ],
            "exposed_controls": {"level/gain": ["level", "gain"]},
        })),
        Edit::SetPattern {
            slot: "s".into(),
            pattern: serde_json::from_value(open).unwrap(),
            from_zero: false,
            origin: None,
            swing: None,
        },
    ])
}

#[test]
fn free_run_and_the_master_act_on_their_frames_in_both_formats_alike() {
    let _turn = alone();
    // Without a transport the host stands.
    let moves =
        [(701, "Free Run", 1.0), (1_200, "Master", 0.8), (1_201, "Master", 0.75), (2_003, "Free Run", 0.0)];
    let in_vst3 = |sizes: &[usize]| {
        let mut plugin = active(&while_time_moves(), 1024);
        let (mut sound, mut sizes) = (Vec::new(), sizes.iter().cycle());
        while sound.len() < 4096 {
            let (from, size) = (sound.len() as i32, (*sizes.next().unwrap()).min(4096 - sound.len()));
            let due = moves.iter().filter(|(at, ..)| (from..from + size as i32).contains(at));
            let points: Vec<_> =
                due.map(|&(at, name, value)| (at - from, Input::Value(id(&plugin, name), value))).collect();
            let [left, _] = plugin.render(size, &points, Shape::Whole).expect("it renders");
            sound.extend(left);
        }
        sound
    };
    let host = Host::new();
    let in_clap = |sizes: &[usize], moves: &[(i32, &str, f64)]| {
        let (plugin, mut block) = playing(&host, &while_time_moves(), 1024);
        let events: Vec<_> = moves
            .iter()
            .map(|&(at, name, value)| Event::value(at as u32, plugin.param(name), value))
            .collect();
        let sound = render(&plugin, &mut block, 4096, sizes, &events);
        plugin.destroy();
        sound
    };
    let sound = in_clap(&[1024], &moves);
    let unmoved = in_clap(&[1024], &[moves[0], moves[3]]);
    assert!(sound[..701].iter().all(|x| *x == 0.0) && sound[701] != 0.0, "time begins on the frame");
    assert_eq!(sound[..1_200], unmoved[..1_200]);
    assert_ne!(sound[1_200], unmoved[1_200], "the fader moves on its frame");
    assert!(peak(&sound[1_700..2_003]) < 0.3 * peak(&unmoved[1_700..2_003]), "to -12 dB");
    for sizes in [&[1024][..], &[1], &[17], &[333, 64, 1000], &[701, 1, 498, 1]] {
        assert_eq!(in_clap(sizes, &moves), sound, "CLAP in blocks of {sizes:?}");
        assert_eq!(in_vst3(sizes), sound, "VST3 in blocks of {sizes:?}");
    }
}

#[test]
fn a_host_that_takes_no_changes_hears_that_panic_is_over_at_its_next_call() {
    let _turn = alone();
    let mut plugin = active(&sine(), 64);
    let panic = id(&plugin, "Panic");
    let over = [Asked::Begin(panic), Asked::Perform(panic, 0.0), Asked::End(panic)];
    plugin.render(64, &[(3, Input::Value(panic, 1.0))], Shape::NoChangesOut);
    assert_eq!(plugin.asked(), [], "not from a block");
    assert_eq!(plugin.value(panic), 0.0);
    assert_eq!(plugin.asked(), over);
    // Set by a knob while nothing is rendered, it acts on the next frame.
    plugin.render(64, &[], Shape::Whole);
    plugin.processing(false);
    assert!(plugin.set(panic, 1.0));
    assert_eq!((plugin.value(panic), plugin.asked()), (0.0, over.to_vec()));
    let mut other = active(&sine(), 64);
    for _ in 0..2 {
        other.render(64, &[], Shape::Whole);
    }
    let after = plugin.render(64, &[], Shape::Whole);
    assert_eq!(after, other.render(64, &[(0, Input::Value(panic, 1.0))], Shape::Whole));
    assert_ne!(after, other.render(64, &[], Shape::Whole));
}

#[test]
fn an_edit_by_a_client_is_told_at_the_hosts_next_call_of_the_controller() {
    let _turn = alone();
    let plugin = Vst3::new();
    let mut client = client();
    let mut edit = |bpm: u32| {
        let line = format!("{{\"cmd\":\"SetBpm\",\"bpm\":{bpm}}}\n");
        client.get_mut().write_all(line.as_bytes()).unwrap();
        client.read_line(&mut String::new()).unwrap();
    };
    plugin.value(0);
    assert_eq!(plugin.asked(), []);
    edit(99);
    let told = |plugin: &Vst3| {
        let mut told = Vec::new();
        until(|| {
            plugin.value(0);
            told = plugin.asked();
            !told.is_empty()
        });
        told
    };
    assert_eq!(told(&plugin), [Asked::Dirty(true)]);
    assert!(!until_soon(|| !told_now(&plugin).is_empty()), "once");
    // What the host saves before it hears of it is known to it.
    edit(98);
    std::thread::sleep(Duration::from_millis(300));
    let saved = plugin.save().expect("a state");
    assert!(!until_soon(|| !told_now(&plugin).is_empty()), "saved");
    // A load is no edit; what was edited before and is refused a load is still unsaved.
    edit(97);
    std::thread::sleep(Duration::from_millis(300));
    assert!(plugin.load(&saved));
    assert!(!until_soon(|| !told_now(&plugin).is_empty()), "loaded");
    edit(96);
    std::thread::sleep(Duration::from_millis(300));
    assert!(!plugin.load(b"no state"));
    assert_eq!(told(&plugin), [Asked::Dirty(true)]);
}

fn told_now(plugin: &Vst3) -> Vec<Asked> {
    plugin.value(0);
    plugin.asked()
}

/// Calls `step` for a fifth of a second.
fn until_soon(mut step: impl FnMut() -> bool) -> bool {
    (0..20).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        step()
    })
}

#[test]
fn what_comes_without_frames_or_outputs_acts_on_the_next_frame() {
    let _turn = alone();
    let song = |early: Option<(usize, Shape)>| {
        let mut plugin = active(&played(), 64);
        let panic = id(&plugin, "Panic");
        let (master, free) = (id(&plugin, "Master"), id(&plugin, "Free Run"));
        plugin.render(64, &[], Shape::Whole);
        let mut input = vec![
            midi(&plugin, 0, 0, 7, 100.0 / 127.0),
            midi(&plugin, 0, 0, 129, 0.75),
            (0, Input::NoteOn(80)),
            (0, Input::NoteOff(80)),
            (0, Input::Value(panic, 1.0)),
            (0, Input::Value(master, 0.5)),
            (0, Input::Value(free, 1.0)),
        ];
        if let Some((frames, shape)) = early {
            // Where a block has no frames, no frame is too late.
            input.iter_mut().for_each(|(frame, _)| *frame = 7);
            let done = plugin.render(frames, &input, shape);
            assert_eq!(done.is_some(), frames <= 64);
            assert_eq!(plugin.changes_out, [(panic, if frames == 65 { 7 } else { 0 }, 0.0)]);
            input.clear();
        }
        let mut sound = plugin.render(64, &input, Shape::Whole).expect("it renders")[0].clone();
        for _ in 0..20 {
            sound.extend(plugin.render(64, &[], Shape::Whole).expect("it renders")[0].clone());
        }
        assert_eq!((plugin.value(master), plugin.value(free)), (0.5, 1.0));
        sound
    };
    let expected = song(None);
    for early in [(0, Shape::Whole), (0, Shape::NoOutputs), (64, Shape::NoOutputs), (65, Shape::Whole)] {
        assert_eq!(song(Some(early)), expected, "{early:?}");
    }
}

#[test]
fn hosts_may_activate_before_they_set_up() {
    let _turn = alone();
    let turns = |rate: f64, before: Option<(f64, i32)>, after: Option<(f64, i32)>| {
        let mut plugin = Vst3::new();
        assert!(plugin.load(&sine()));
        if let Some((rate, max)) = before {
            assert!(plugin.set_up(rate, max));
        }
        assert!(plugin.active(true), "{before:?}, {after:?}");
        if let Some((rate, max)) = after {
            assert!(plugin.set_up(rate, max));
        }
        plugin.processing(true);
        let mut sound = Vec::new();
        while sound.len() < rate as usize {
            sound.extend(plugin.render(512, &[], Shape::Whole).expect("it renders")[0].clone());
        }
        let rises = sound[..rate as usize].windows(2).filter(|w| w[0] <= 0.0 && w[1] > 0.0).count();
        assert!((439..=441).contains(&rises), "{rises} turns a second at {rate} Hz");
        assert!(
            plugin.render(4096, &[], Shape::Whole).is_some()
                == (after.or(before).is_some_and(|s| s.1 >= 4096))
        );
    };
    turns(44_100.0, None, None);
    turns(96_000.0, None, Some((96_000.0, 4096)));
    turns(48_000.0, Some((96_000.0, 512)), Some((48_000.0, 512)));
    turns(48_000.0, Some((48_000.0, 4096)), Some((48_000.0, 512)));
    // What makes no sense is refused, and what was set up stays.
    let mut plugin = active(&sine(), 64);
    assert!(!plugin.set_up(0.0, 64) && !plugin.set_up(RATE, 0) && !plugin.set_up(f64::NAN, 64));
    assert!(plugin.render(64, &[], Shape::Whole).is_some());
    // Processing before activation, and activation twice.
    let mut plugin = Vst3::new();
    plugin.processing(true);
    assert!(plugin.load(&sine()) && plugin.active(true) && plugin.active(true));
    assert!(plugin.set(id(&plugin, "Master"), 0.25));
    assert_eq!(plugin.value(id(&plugin, "Master")), 0.25);
    assert!(plugin.render(64, &[], Shape::Whole).is_some());
    assert!(plugin.active(false) && plugin.active(false));
    assert!(plugin.render(64, &[], Shape::Whole).is_none());
}

#[test]
fn controllers_are_a_bounded_hidden_set_after_the_parameters_of_both_formats() {
    let _turn = alone();
    let plugin = Vst3::new();
    let infos = plugin.infos();
    assert_eq!(infos.len(), 68 + 71);
    let hidden = |flags: i32| flags & kIsHidden as i32 != 0;
    assert!(infos[..68].iter().all(|info| !hidden(info.flags)));
    let mapped: Vec<u32> = (-1..17)
        .flat_map(|channel| (-1..140).map(move |number| (channel, number)))
        .filter_map(|(channel, number)| plugin.controller_id(0, channel, number))
        .collect();
    let mut listed: Vec<u32> = infos[68..].iter().map(|info| info.id).collect();
    for info in &infos[68..] {
        assert!(hidden(info.flags) && info.flags & kCanAutomate as i32 == 0);
        assert!(wide(&info.title).starts_with("MIDI CC "), "{}", wide(&info.title));
        assert_eq!(plugin.value(info.id), info.defaultNormalizedValue);
        assert!(plugin.set(info.id, 1.0) && !plugin.set(info.id, f64::NAN));
        assert_eq!(plugin.value(info.id), info.defaultNormalizedValue, "a message, no state");
    }
    listed.sort_unstable();
    let mut sorted = mapped.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, listed);
    assert_eq!(plugin.controller_id(1, 0, 64), None, "no such bus");
    let saved = plugin.save().expect("a state");
    assert_eq!(Payload::decode(&saved).unwrap().params.len(), 67, "none of them is saved");
}

#[test]
fn controllers_act_as_midi_does_in_clap() {
    let _turn = alone();
    let host = Host::new();
    // Frame, the VST3's number, channel, MIDI value, the CLAP's message.
    let bend = |value: u16| [0xe0, (value & 127) as u8, (value >> 7) as u8];
    let song: [(u32, i16, f64, [u8; 3]); 8] = [
        (5, 7, 90.0 / 127.0, [0xb0, 7, 90]),
        (20, 129, 12_000.0 / 16_383.0, bend(12_000)),
        (50, 64, 1.0, [0xb0, 64, 127]),
        (50, 128, 40.0 / 127.0, [0xd0, 40, 0]),
        (70, 74, 11.0 / 127.0, [0xb0, 74, 11]),
        (90, 129, 0.0, bend(0)),
        (110, 64, 0.0, [0xb0, 64, 0]),
        (120, 129, 1.0, bend(16_383)),
    ];
    let frames = 128;
    let clap = {
        let (plugin, mut block) = playing(&host, &played(), frames);
        block.events = song.iter().map(|&(time, _, _, bytes)| Event::midi(time, bytes)).collect();
        block.events.extend([Event::note_on(30, 76), Event::note_off(60, 76)]);
        let Event::Note(_) = block.events[8] else { unreachable!() };
        block.events.sort_by_key(|event| match event {
            Event::Midi(midi) => (midi.header.time, 0),
            Event::Note(note) => (note.header.time, 1),
            _ => unreachable!(),
        });
        block.render(&plugin, true);
        let mut sound = block.main().to_vec();
        sound.extend(render(&plugin, &mut block, 4096, &[frames], &[]));
        plugin.destroy();
        sound
    };
    let vst3 = |silent: &[i16]| {
        let mut plugin = active(&played(), frames as i32);
        let mut input = vec![(30, Input::NoteOn(76)), (60, Input::NoteOff(76))];
        for &(time, number, value, _) in song.iter().filter(|row| !silent.contains(&row.1)) {
            input.push(midi(&plugin, time as i32, 0, number, value));
        }
        let mut sound = plugin.render(frames, &input, Shape::Whole).expect("it renders")[0].clone();
        while sound.len() < clap.len() {
            sound.extend(plugin.render(frames, &[], Shape::Whole).expect("it renders")[0].clone());
        }
        sound
    };
    assert!(peak(&clap) > 0.1, "it sounds");
    assert_eq!(vst3(&[]), clap);
    for number in [7, 129, 64] {
        assert_ne!(vst3(&[number]), clap, "controller {number} is heard");
    }
}

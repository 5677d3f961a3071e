//! krach as a VST3 beside krach as a CLAP: the same samples, the same states, the same parameters; and what
//! only this format can ask.

mod krach_support;

use std::path::Path;

use krach_host::transport::{Action, Announce, Blocks, Player, Report, Script, When};
use krach_host::{
    Hosted, InputKind, Instance, Length, MainThread, OutputEvent, OutputKind, Playing, RenderOptions, Stage,
    TimedInput, Vst3Instance, Vst3Library,
};
use krach_support::chunk::{node, of_document};
use krach_support::elsewhere::{elsewhere, is_elsewhere};
use krach_support::session::{atom, cat, hits, play, two_voices};
use krach_support::{Dice, Format, ask_all, assert_same_sound, home, render_in, stage, stage_of};
use serde_json::json;

/// Longer than a session that is replaced takes to fade, in frames.
const BLOCK: usize = 4096;
/// An engine that is replaced fades out within 20 ms.
const FADE: usize = 960;

fn options(beats: f64, blocks: &Blocks, seconds: f64) -> RenderOptions {
    RenderOptions {
        script: Script::playing(120.0).from_beat(beats),
        blocks: blocks.clone(),
        length: Length::Seconds(seconds),
        ..RenderOptions::default()
    }
}

fn vst3(options: &RenderOptions) -> Stage<Vst3Instance> {
    stage_of(Format::Vst3, options)
}

/// Two voices with rhythm, melody, chance and an automation.
fn session() -> Vec<String> {
    let melody = cat([220.0, 277.5, 330.0, 440.0].map(|pitch| atom("a/freq", pitch)).to_vec());
    let chance = json!({"op": "Degrade", "prob": 0.4, "seed": 3, "child": hits("b/gate", 16)});
    vec![
        two_voices(),
        play("rhythm", &hits("a/gate", 6)),
        play("melody", &melody),
        play("chance", &chance),
        json!({"type": "set_automation", "id": "sweep", "label": "b/freq", "shape": "sine",
               "lo": 40.0, "hi": 90.0, "period_secs": 0.7})
        .to_string(),
        json!({"type": "set_master_gain", "gain": 0.8}).to_string(),
        json!({"cmd": "SetBpm", "bpm": 97.5}).to_string(),
    ]
}

/// An instance that nobody has activated.
fn fresh<I: Hosted>(format: Format) -> I {
    home::enter();
    I::open(&format.plugin(), None, None).expect("an instance")
}

#[test]
fn both_formats_render_the_same_samples() {
    let script = Script::playing(137.0)
        .from_beat(-0.6)
        .announced(Announce::Split)
        .at(When::Seconds(0.9), Action::Tempo(60.0))
        .at(When::Seconds(1.6), Action::Jump(9.3))
        .at(When::Seconds(2.1), Action::Stop)
        .at(When::Seconds(2.3), Action::Play);
    for blocks in [Blocks::Fixed(256), Blocks::Fixed(1), Blocks::random(4)] {
        let seconds = if blocks == Blocks::Fixed(1) { 0.5 } else { 3.0 };
        let options = RenderOptions { script: script.clone(), ..options(0.0, &blocks, seconds) };
        let [clap, vst3] = Format::ALL.map(|format| render_in(format, &options, &session()).channels);
        assert!(clap[0].iter().any(|sample| sample.abs() > 0.1), "it sounds");
        assert_same_sound(&vst3, &clap, &format!("{blocks:?}"));
    }
}

#[test]
fn a_state_is_the_same_bytes_in_both_formats_and_loads_in_each() {
    let options = options(0.0, &Blocks::Fixed(256), 1.0);
    let mut clap = stage(&options);
    ask_all(&mut clap, &session());
    clap.render_to_end().unwrap();
    let chunk = clap.instance().save_state().unwrap();
    let mut other = vst3(&options);
    ask_all(&mut other, &session());
    other.render_to_end().unwrap();
    assert_eq!(other.instance().save_state().unwrap(), chunk, "the same edits give the same bytes");

    let mut from_clap = fresh::<Vst3Instance>(Format::Vst3);
    from_clap.load_state(&chunk).unwrap();
    assert_eq!(from_clap.save_state().unwrap(), chunk);
    let mut from_vst3 = fresh::<Instance>(Format::Clap);
    from_vst3.load_state(&from_clap.save_state().unwrap()).unwrap();
    assert_eq!(from_vst3.save_state().unwrap(), chunk);
}

fn what_is_too_large<I: Hosted>(format: Format) {
    let mut stage = stage_of::<I>(format, &options(0.0, &Blocks::Fixed(256), 1.0));
    let mut dice = Dice(5);
    let mut bytes =
        |count: usize| -> Vec<u8> { (0..count >> 3).flat_map(|_| dice.roll().to_le_bytes()).collect() };
    let large = bytes((64 << 20) + 4096);
    assert!(stage.instance().load_state(&large).is_err());
    assert!(stage.instance().save_state().unwrap() == large, "{format:?}: not saved back");
    assert!(stage.instance().load_state(&bytes((256 << 20) + 4096)).is_err());
    let status = stage.client().unwrap().request(r#"{"cmd":"Status"}"#).unwrap();
    assert!(status["problems"].to_string().contains("larger than 268435456 bytes"), "{format:?}: {status}");
    assert!(stage.instance().save_state().unwrap() == large, "{format:?}: what was kept is gone");
}

#[test]
fn a_state_that_is_too_large_is_saved_back_or_told_as_lost() {
    what_is_too_large::<Instance>(Format::Clap);
    what_is_too_large::<Vst3Instance>(Format::Vst3);
}

/// The sound of a state in a CLAP instance that had it before it was activated.
fn reference(chunk: &[u8], beats: f64, blocks: &Blocks, seconds: f64) -> Vec<Vec<f32>> {
    let options = RenderOptions { state: Some(chunk.to_vec()), ..options(beats, blocks, seconds) };
    let mut stage = stage(&options);
    stage.render_to_end().unwrap();
    stage.finish().channels
}

fn saved() -> Vec<u8> {
    let mut stage = vst3(&options(0.0, &Blocks::Fixed(256), 1.0));
    ask_all(&mut stage, &session());
    stage.render_to_end().unwrap();
    stage.instance().save_state().unwrap()
}

#[test]
fn a_state_sounds_the_same_loaded_before_activation_after_it_and_while_playing() {
    let chunk = saved();
    for blocks in [Blocks::Fixed(240), Blocks::Fixed(2_000)] {
        let expected = reference(&chunk, 0.0, &blocks, 2.0);
        assert!(expected[0].iter().any(|sample| sample.abs() > 0.1), "it sounds");

        let before = RenderOptions { state: Some(chunk.clone()), ..options(0.0, &blocks, 2.0) };
        let mut stage = vst3(&before);
        stage.render_to_end().unwrap();
        assert_same_sound(&stage.finish().channels, &expected, &format!("before, {blocks:?}"));

        let mut stage = vst3(&options(0.0, &blocks, 2.0));
        stage.instance().load_state(&chunk).unwrap();
        stage.render_to_end().unwrap();
        assert_same_sound(&stage.finish().channels, &expected, &format!("after, {blocks:?}"));

        let mut stage = vst3(&options(0.0, &blocks, 3.0));
        ask_all(&mut stage, &[two_voices(), play("other", &hits("b/gate", 5))]);
        while stage.player().frame() < 48_000 {
            stage.advance().unwrap();
        }
        assert_eq!(stage.player().frame(), 48_000);
        stage.instance().load_state(&chunk).unwrap();
        stage.render_to_end().unwrap();
        let settled = |sound: &[Vec<f32>], from: usize| -> Vec<Vec<f32>> {
            sound.iter().map(|side| side[from..].to_vec()).collect()
        };
        let found = settled(&stage.finish().channels, 48_000 + FADE);
        let expected = settled(&reference(&chunk, 2.0, &blocks, 2.0), FADE);
        assert_same_sound(&found, &expected, &format!("while playing, {blocks:?}"));
    }
}

#[test]
fn what_is_refused_changes_nothing_and_is_saved_back() {
    let chunk = saved();
    let mut stage = vst3(&options(0.0, &Blocks::Fixed(256), 1.0));
    ask_all(&mut stage, &session());
    let mut damaged = chunk.clone();
    damaged[chunk.len() / 2] ^= 4;
    let mut newer = chunk.clone();
    newer[8] = 9;
    for bad in [&damaged, &newer, &chunk[..40].to_vec(), &Vec::new()] {
        assert!(stage.instance().load_state(bad).is_err());
        assert_eq!(&stage.instance().save_state().unwrap(), bad);
    }
    stage.render_to_end().unwrap();
    let undisturbed = render_in(Format::Vst3, &options(0.0, &Blocks::Fixed(256), 1.0), &session());
    assert_same_sound(&stage.finish().channels, &undisturbed.channels, "with refused states");
}

#[test]
fn parameters_are_the_same_in_both_formats() {
    let (mut clap, mut vst3) = (fresh::<Instance>(Format::Clap), fresh::<Vst3Instance>(Format::Vst3));
    let (known, found) = (clap.params(), MainThread::params(&mut vst3));
    let (shown, hidden) = found.split_at(known.len());
    assert!(shown.iter().all(|param| !param.hidden));
    assert!(hidden.iter().all(|param| param.hidden && !param.automatable), "those of MIDI controllers");
    assert_eq!(hidden.len(), 71);
    for (known, found) in known.iter().zip(shown) {
        let facts = |param: &krach_host::Param| {
            (param.id, param.name.clone(), param.min, param.max, param.default, param.stepped)
        };
        assert_eq!(facts(known), facts(found));
        for value in [known.min, known.default, known.max] {
            assert_eq!(vst3.param_text(known.id, value), clap.param_text(known.id, value), "{}", known.name);
        }
        assert_eq!(vst3.param_value(known.id), Some(known.default), "{}", known.name);
    }
}

fn id(params: &[krach_host::Param], name: &str) -> u32 {
    params.iter().find(|param| param.name == name).expect("a parameter of that name").id
}

#[test]
fn automation_acts_as_in_clap() {
    let params = fresh::<Instance>(Format::Clap).params();
    let event =
        |frame, name, value| TimedInput { frame, kind: InputKind::Param { id: id(&params, name), value } };
    let events = vec![
        event(1_000, "Master", 0.8),
        event(9_001, "Master", 0.4),
        event(9_100, "Master", 0.9),
        event(20_000, "Panic", 1.0),
        event(21_000, "Panic", 0.0),
        event(30_000, "Scene", 3.0),
    ];
    for blocks in [Blocks::Fixed(256), Blocks::Fixed(2_048)] {
        let options = RenderOptions { events: events.clone(), ..options(0.0, &blocks, 1.0) };
        let requests = [two_voices(), play("on", &atom("a/gate", 1.0))];
        let [clap, vst3] = Format::ALL.map(|format| render_in(format, &options, &requests));
        assert_same_sound(&vst3.channels, &clap.channels, "master and panic");
        let silent = |from: usize, sound: &[f32]| sound[from..].iter().all(|sample| *sample == 0.0);
        assert!(silent(20_000, &vst3.channels[0]), "panic on its frame");
        assert!(!silent(19_990, &vst3.channels[0]));
        for rendered in [clap, vst3] {
            let back = rendered.midi_out.iter().filter_map(|event| match event.kind {
                OutputKind::Param { id, value } => Some((event.frame, id, value)),
                _ => None,
            });
            assert_eq!(back.collect::<Vec<_>>(), [(20_000, id(&params, "Panic"), 0.0)], "the switch is back");
        }
    }
}

#[test]
fn an_edit_marks_the_project_as_changed_at_the_next_call() {
    let mut stage = vst3(&options(0.0, &Blocks::Fixed(256), 0.1));
    let told = |stage: &mut Stage<Vst3Instance>, patience: u32| {
        (0..patience).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            stage.instance().param_value(0);
            stage.instance().dirty() > 0
        })
    };
    assert!(!told(&mut stage, 10));
    ask_all(&mut stage, &[two_voices()]);
    assert!(told(&mut stage, 1_000), "the host was not told of an edit");
    assert_eq!(stage.instance().wrong_thread(), 0);
}

#[test]
fn a_knob_turned_while_nothing_is_rendered_is_saved_and_shown() {
    let mut stage = vst3(&options(0.0, &Blocks::Fixed(256), 1.0));
    stage.render_to_end().unwrap();
    let params = MainThread::params(stage.instance());
    let (master, scene) = (id(&params, "Master"), id(&params, "Scene"));
    assert!(stage.instance().set_param(master, 0.5));
    assert!(stage.instance().set_param(scene, 12.0));
    assert_eq!(stage.instance().param_value(master), Some(0.5));
    let chunk = stage.instance().save_state().unwrap();
    let mut other = fresh::<Vst3Instance>(Format::Vst3);
    other.load_state(&chunk).unwrap();
    assert_eq!((other.param_value(master), other.param_value(scene)), (Some(0.5), Some(12.0)));
    // A host hands it to `process`, too; one that does not has not meant it.
    for _ in 0..3 {
        stage.advance().unwrap();
    }
    assert_eq!(stage.instance().param_value(master), Some(0.875));
}

#[test]
fn a_knob_turned_while_the_host_is_off_counts_at_once() {
    let mut instance = fresh::<Vst3Instance>(Format::Vst3);
    let params = MainThread::params(&mut instance);
    let free_run = id(&params, "Free Run");
    assert!(instance.set_param(free_run, 1.0));
    assert!(!instance.set_param(12_345, 1.0), "no such parameter");
    assert!(!instance.set_param(free_run, f64::NAN));
    assert_eq!(instance.param_value(free_run), Some(1.0));
    let processor = instance.activate(48_000.0, 64).unwrap();
    assert_eq!(instance.param_value(free_run), Some(1.0));
    instance.deactivate(processor);
}

#[test]
fn ports_latency_and_tail_are_as_declared() {
    let mut instance = fresh::<Vst3Instance>(Format::Vst3);
    let ports = instance.ports();
    assert!(ports.inputs.is_empty());
    let outputs: Vec<_> =
        ports.outputs.iter().map(|port| (port.name.as_str(), port.channels, port.main)).collect();
    assert_eq!(outputs, [("Main", 2, true)]);
    assert_eq!((ports.note_inputs.len(), ports.note_outputs.len()), (1, 1));
    assert_eq!((instance.latency(), instance.tail()), (0, u32::MAX));
    assert_eq!(instance.restarts(), 0);
    assert_eq!(instance.plugin_id(), "4B72616368496E737472756D656E7430");
    let library = Vst3Library::load(&Format::Vst3.plugin()).unwrap();
    let plugins = library.plugins();
    let names: Vec<_> = plugins.iter().map(|plugin| (plugin.name.as_str(), plugin.vendor.as_str())).collect();
    assert_eq!(names, [("krach", "krach"), ("krach FX", "krach")]);
    assert!(Vst3Library::load(Path::new("/nowhere.vst3")).is_err());
}

/// The effect's id in a format.
fn effect(format: Format) -> String {
    match format {
        Format::Clap => "io.krach.krach-fx".to_owned(),
        Format::Vst3 => "4B72616368417564696F456666656374".to_owned(),
    }
}

#[test]
fn the_effect_has_an_input_and_lets_it_pass_until_a_node_takes_it_in_both_formats_alike() {
    let mut dice = Dice(11);
    let mut noise = || (0..48_000).map(|_| dice.below(1 << 16) as f32 / 36_000.0 - 0.9).collect::<Vec<f32>>();
    let sound = vec![noise(), noise()];
    let taken = json!({"type": "load_graph",
        "nodes": [{"id": "in", "type_id": "adc_input"}, {"id": "half", "type_id": "gain", "controls": {"gain": 0.5}},
                  {"id": "out", "type_id": "dac"}],
        "connections": [{"from_node": "in", "from_port": "out", "to_node": "half", "to_port": "in"},
                        {"from_node": "half", "from_port": "out", "to_node": "out", "to_port": "in"}]});
    let halves: Vec<Vec<f32>> = sound.iter().map(|side| side.iter().map(|x| 0.5 * x).collect()).collect();
    for format in Format::ALL {
        for blocks in [Blocks::Fixed(256), Blocks::random(6)] {
            let options = RenderOptions {
                plugin_id: Some(effect(format)),
                sidechain: Some(sound.clone()),
                ..options(0.0, &blocks, 1.0)
            };
            let empty = render_in(format, &options, &[]);
            assert_same_sound(&empty.channels, &sound, &format!("{format:?}, {blocks:?}"));
            let half = render_in(format, &options, &[taken.to_string()]);
            // The change takes 5 ms.
            let later =
                |sides: &[Vec<f32>]| sides.iter().map(|side| side[240..].to_vec()).collect::<Vec<_>>();
            let what = format!("{format:?}, {blocks:?}, taken");
            assert_same_sound(&later(&half.channels), &later(&halves), &what);
        }
    }
    let mut instance = Vst3Instance::open(&Format::Vst3.plugin(), Some(&effect(Format::Vst3)), None).unwrap();
    let (ports, latency) = (instance.ports(), instance.latency());
    let inputs: Vec<_> =
        ports.inputs.iter().map(|port| (port.name.as_str(), port.channels, port.main)).collect();
    assert_eq!((inputs, latency), (vec![("Input", 2, true)], 0));
    let mut instance = Instance::open(&Format::Clap.plugin(), Some(&effect(Format::Clap)), None).unwrap();
    let (ports, latency) = (instance.ports(), instance.latency());
    assert_eq!((ports.inputs.len(), ports.inputs[0].main, ports.outputs.len(), latency), (1, true, 9, 0));
}

#[test]
fn notes_and_controllers_leave_on_the_frames_that_clap_has() {
    let note = json!({"op": "Atom", "value":
        {"type": "Note", "channel": 3, "note": 60, "velocity": 90, "dur": 0.1}});
    let controller =
        json!({"op": "Atom", "value": {"type": "Cc", "channel": 3, "controller": 20, "value": 77}});
    let requests = [
        play("notes", &json!({"op": "Fast", "factor": [5, 1], "child": note})),
        play("cc", &json!({"op": "Fast", "factor": [3, 1], "child": controller})),
    ];
    let options = options(0.0, &Blocks::random(6), 4.0);
    let [clap, vst3] = Format::ALL.map(|format| render_in(format, &options, &requests).midi_out);
    let as_midi = |event: &OutputEvent| {
        let (status, key, velocity) = match event.kind {
            OutputKind::NoteOn { channel, key, velocity } => (0x90, (channel, key), velocity),
            OutputKind::NoteOff { channel, key, velocity } => (0x80, (channel, key), velocity),
            OutputKind::Midi(bytes) => return Some((event.frame, bytes)),
            _ => return None,
        };
        let (channel, key) = key;
        Some((event.frame, [status | channel as u8, key as u8, (velocity * 127.0).round() as u8]))
    };
    let clap: Vec<_> = clap.iter().filter_map(as_midi).collect();
    let vst3: Vec<_> = vst3.iter().filter_map(as_midi).collect();
    assert!(clap.len() >= 20, "only {} messages", clap.len());
    assert_eq!(vst3, clap);
}

#[test]
fn a_host_without_transport_free_runs_as_in_clap() {
    let free_run = id(&fresh::<Instance>(Format::Clap).params(), "Free Run");
    let on = TimedInput { frame: 1_237, kind: InputKind::Param { id: free_run, value: 1.0 } };
    let options = RenderOptions {
        script: Script::playing(120.0).reporting(Report::null()),
        events: vec![on],
        ..options(0.0, &Blocks::Fixed(256), 2.0)
    };
    let [clap, vst3] = Format::ALL.map(|format| render_in(format, &options, &session()).channels);
    assert!(clap[0].iter().any(|sample| sample.abs() > 0.1), "it runs");
    assert_same_sound(&vst3, &clap, "free run");
}

#[test]
fn activation_is_repeated_at_any_rate_and_length() {
    let mut instance = fresh::<Vst3Instance>(Format::Vst3);
    let chunk = saved();
    instance.load_state(&chunk).unwrap();
    let mut dice = Dice(7);
    for _ in 0..12 {
        let rate = [22_050.0, 44_100.0, 48_000.0, 192_000.0][dice.below(4)];
        let longest = 1 + dice.below(4_096);
        let mut processor = instance.activate(rate, longest).unwrap();
        let mut player =
            krach_host::transport::Player::new(&Script::playing(120.0), &Blocks::Fixed(longest), rate);
        for _ in 0..3 {
            processor.process(&player.next_block(), &[]).unwrap();
            let heard = processor.output(0, 0);
            assert!(heard.len() == longest && heard.iter().all(|sample| sample.is_finite()));
        }
        instance.deactivate(processor);
    }
    assert_eq!(instance.save_state().unwrap(), chunk);
}

/// Of ten states that are loaded while it plays, each with a FAUST program of its own, those of which the end of
/// the block right after hears nothing.
fn late_states<I: Hosted>(format: Format, offline: bool) -> usize {
    let mut instance = fresh::<I>(format);
    instance.set_offline(offline).unwrap();
    let mut processor = instance.activate(48_000.0, BLOCK).unwrap();
    let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(BLOCK), 48_000.0);
    let mut late = 0;
    for turn in 1..=10 {
        let level = f64::from(turn) / 64.0;
        // Programs that no other run of this has compiled before.
        let salt = u64::from(offline) * 2 + u64::from(format == Format::Vst3);
        let source = json!(format!("process = {level} + 0 * {}.0;", 1000 * salt + turn as u64));
        let nodes = [node("dc", &source, 1.0)];
        let document = json!({"nodes": nodes, "krach": {"version": 2, "limiter": false}});
        instance.load_state(&of_document(&document)).unwrap();
        processor.process(&player.next_block(), &[]).unwrap();
        late += usize::from(processor.output(0, 0)[BLOCK - 1] != level as f32);
    }
    instance.deactivate(processor);
    late
}

#[test]
fn offline_a_block_waits_for_the_sounds_of_the_state_before_it() {
    // Otherwise the test would show nothing: in real time the old session plays until they are compiled.
    assert!(late_states::<Vst3Instance>(Format::Vst3, false) > 0);
    assert_eq!(late_states::<Vst3Instance>(Format::Vst3, true), 0, "VST3");
    assert_eq!(late_states::<Instance>(Format::Clap, true), 0, "CLAP");
}

/// Song position, clock, start, continue, stop.
fn is_clock(event: &&OutputEvent) -> bool {
    matches!(event.kind, OutputKind::Midi([0xf2 | 0xf8 | 0xfa | 0xfb | 0xfc, ..]))
}

#[test]
fn the_environment_turns_midi_clock_on_where_the_format_has_it() {
    for name in ["NOISE_MIDI_CLOCK", "PATTERN_ENGINE_MIDI_CLOCK"] {
        elsewhere("midi_clock_by_the_environment", &[(name, "1".as_ref())]);
    }
    elsewhere("no_midi_clock_without", &[("NOISE_MIDI_CLOCK", "0".as_ref())]);
}

#[test]
#[ignore = "run by the_environment_turns_midi_clock_on_where_the_format_has_it"]
fn midi_clock_by_the_environment() {
    assert!(is_elsewhere(), "a body for another process");
    let options = RenderOptions {
        script: Script::playing(137.0).at(When::Seconds(1.0), Action::Stop).announced(Announce::Split),
        ..options(0.0, &Blocks::random(9), 1.5)
    };
    let [clap, vst3] = Format::ALL.map(|format| render_in(format, &options, &session()));
    let sent: Vec<_> = clap.midi_out.iter().filter(is_clock).map(|event| (event.frame, event.kind)).collect();
    // A tick is 48000 * 60 / (137 * 24) frames = 120000 / 137, and comes on the first frame at or after its time.
    let ticks = (0_u64..55).map(|n| (n * 120_000).div_ceil(137)).filter(|frame| *frame < 48_000);
    let mut expected = vec![(0, OutputKind::Midi([0xfa, 0, 0]))];
    expected.extend(ticks.map(|frame| (frame, OutputKind::Midi([0xf8, 0, 0]))));
    expected.push((48_000, OutputKind::Midi([0xfc, 0, 0])));
    assert_eq!(sent, expected);
    // VST3 has no words for it; nothing else changes.
    assert_eq!(vst3.midi_out.iter().filter(is_clock).count(), 0);
    assert!(clap.channels[0].iter().any(|sample| sample.abs() > 0.1), "it sounds");
    assert_same_sound(&vst3.channels, &clap.channels, "with MIDI clock");
}

#[test]
#[ignore = "run by the_environment_turns_midi_clock_on_where_the_format_has_it"]
fn no_midi_clock_without() {
    assert!(is_elsewhere(), "a body for another process");
    let sent = render_in(Format::Clap, &options(0.0, &Blocks::Fixed(256), 1.0), &session()).midi_out;
    assert_eq!(sent.iter().filter(is_clock).count(), 0);
}

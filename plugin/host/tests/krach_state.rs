//! What a project stores: it comes back as the same sound and the same bytes, and what is refused
//! changes nothing and is not lost.

mod krach_support;

use std::sync::atomic::Ordering;
use std::time::Duration;

use krach_host::transport::{Blocks, Script};
use krach_host::{InputEvent, InputKind, Instance, Length, Library, RenderOptions, Stage};
use krach_support::session::{atom, cat, hits, play, two_voices};
use krach_support::{Dice, ask_all, assert_same_sound, home, plugin, stage, stage_with};
use serde_json::{Value, json};

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

/// Rhythm, melody, chance, an automation, a hushed slot, settings of all kinds.
fn session() -> Vec<String> {
    let melody = cat([220.0, 277.5, 330.0, 440.0].map(|pitch| atom("a/freq", pitch)).to_vec());
    let chance = json!({"op": "Degrade", "prob": 0.4, "seed": 3, "child": hits("b/gate", 16)});
    let slow = json!({"op": "Slow", "factor": [3, 1], "child": cat(vec![atom("b/freq", 41.0), atom("b/freq", 65.5)])});
    [
        two_voices(),
        play("rhythm", &hits("a/gate", 6)),
        play("melody", &melody),
        play("chance", &chance),
        play("slow", &slow),
        play("asleep", &hits("b/gate", 3)),
        json!({"cmd": "Hush", "slot": "asleep"}).to_string(),
        json!({"type": "set_automation", "id": "sweep", "label": "b/freq", "shape": "sine",
               "lo": 40.0, "hi": 90.0, "period_secs": 0.7})
        .to_string(),
        json!({"type": "set_automation", "id": "gone", "label": "a/freq", "shape": "tri",
               "lo": 40.0, "hi": 90.0, "period_secs": 0.7})
        .to_string(),
        json!({"type": "clear_automation", "id": "gone"}).to_string(),
        json!({"type": "set_master_gain", "gain": 0.8}).to_string(),
        json!({"cmd": "SetBeatsPerCycle", "beats": 3}).to_string(),
        json!({"cmd": "SetBpm", "bpm": 97.5}).to_string(),
        json!({"type": "midi_map", "channel": 2, "cc": 7, "label": "a/freq", "lo": 100.0, "hi": 900.0})
            .to_string(),
    ]
    .to_vec()
}

/// The session's chunk, saved in the middle of playing it.
fn saved_while_playing() -> Vec<u8> {
    let mut stage = stage_with(&options(0.0, &Blocks::Fixed(256), 1.0), &session());
    stage.render_to_end().unwrap();
    stage.instance().save_state().unwrap()
}

/// The sound of a state in an instance that had it before it was activated.
fn fresh(chunk: &[u8], beats: f64, blocks: &Blocks, seconds: f64) -> Vec<Vec<f32>> {
    let mut stage = stage(&RenderOptions { state: Some(chunk.to_vec()), ..options(beats, blocks, seconds) });
    stage.render_to_end().unwrap();
    stage.finish().channels
}

fn some_blocks() -> [Blocks; 3] {
    [Blocks::Fixed(256), Blocks::Fixed(333), Blocks::random(8)]
}

fn advance_to(stage: &mut Stage, frame: u64) {
    while stage.player().frame() < frame {
        stage.advance().unwrap();
    }
}

/// What `Status` says of the session; not where the transport stands, nor what went wrong.
fn status(stage: &mut Stage) -> Value {
    let mut state = stage.client().unwrap().request("{\"cmd\":\"Status\"}").unwrap();
    assert_eq!(state["status"], "State");
    state.as_object_mut().unwrap().remove("problems");
    for moving in ["cycles", "running", "free_running", "tempo"] {
        state["transport"].as_object_mut().unwrap().remove(moving);
    }
    state
}

#[test]
fn saving_while_playing_does_not_touch_the_sound() {
    let options = options(0.0, &Blocks::Fixed(256), 2.0);
    let mut quiet = stage_with(&options, &session());
    quiet.render_to_end().unwrap();
    let mut busy = stage_with(&options, &session());
    for second in 1..20 {
        advance_to(&mut busy, second * 4_800);
        busy.instance().save_state().unwrap();
    }
    busy.render_to_end().unwrap();
    assert_same_sound(&busy.finish().channels, &quiet.finish().channels, "with saves in between");
}

#[test]
fn a_state_loaded_before_activation_sounds_as_the_session_did() {
    for blocks in some_blocks() {
        let mut original = stage_with(&options(0.0, &blocks, 4.0), &session());
        original.render_to_end().unwrap();
        let original = original.finish().channels;
        assert!(original[0].iter().any(|sample| sample.abs() > 0.1), "the session sounds");
        let loaded = fresh(&saved_while_playing(), 0.0, &blocks, 4.0);
        // An edit is heard with the 5 ms in which its new nodes fade in; a state is there at once.
        let settled =
            |sound: &[Vec<f32>]| sound.iter().map(|side| side[4_800..].to_vec()).collect::<Vec<_>>();
        let (original, loaded) = (settled(&original), settled(&loaded));
        let far = original[0].iter().zip(&loaded[0]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 1e-3, "{blocks:?}: up to {far} apart");
    }
}

#[test]
fn a_state_loaded_after_activation_equals_a_fresh_render() {
    let chunk = saved_while_playing();
    for blocks in some_blocks() {
        let mut late = stage(&options(0.0, &blocks, 3.0));
        late.instance().load_state(&chunk).unwrap();
        late.render_to_end().unwrap();
        let what = format!("loaded after activation, {blocks:?}");
        assert_same_sound(&late.finish().channels, &fresh(&chunk, 0.0, &blocks, 3.0), &what);
    }
}

#[test]
fn a_state_loaded_while_playing_equals_a_fresh_render_once_the_old_sound_has_left() {
    let chunk = saved_while_playing();
    let other = [two_voices(), play("other", &hits("b/gate", 5)), play("more", &hits("a/gate", 9))];
    // A second: two beats to the bit.
    for frames in [240, 480, 2_000] {
        let blocks = Blocks::Fixed(frames);
        let mut stage = stage_with(&options(0.0, &blocks, 3.0), &other);
        advance_to(&mut stage, 48_000);
        assert_eq!(stage.player().frame(), 48_000);
        stage.instance().load_state(&chunk).unwrap();
        stage.render_to_end().unwrap();
        let sound = stage.finish().channels;
        let expected = fresh(&chunk, 2.0, &blocks, 2.0);
        let after = |sound: &[Vec<f32>], from: usize| -> Vec<Vec<f32>> {
            sound.iter().map(|side| side[from..].to_vec()).collect()
        };
        let what = format!("loaded while playing, blocks of {frames}");
        assert_same_sound(&after(&sound, 48_000 + FADE), &after(&expected, FADE), &what);
        // The old engine leaves under a straight line: nothing jumps where the new one comes.
        let step = sound[0][47_900..48_100].windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        let usual = sound[0][..48_000].windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        let coming = expected[0][..100].windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
        assert!(step <= 1.1 * (usual + coming) + expected[0][0].abs(), "a step of {step}");
    }
}

#[test]
fn one_state_after_the_other_while_playing_ends_in_the_last() {
    let first = saved_while_playing();
    let second = {
        let mut stage = stage_with(
            &options(0.0, &Blocks::Fixed(256), 0.1),
            &[two_voices(), play("only", &hits("a/gate", 7))],
        );
        stage.instance().save_state().unwrap()
    };
    let blocks = Blocks::Fixed(240);
    let mut stage = stage_with(&options(0.0, &blocks, 3.0), &session());
    for turn in 0..20 {
        advance_to(&mut stage, 24_000 + turn * 1_200);
        stage.instance().load_state(if turn % 2 == 0 { &first } else { &second }).unwrap();
    }
    advance_to(&mut stage, 48_000);
    stage.instance().load_state(&second).unwrap();
    stage.render_to_end().unwrap();
    let sound = stage.finish().channels;
    let expected = fresh(&second, 2.0, &blocks, 2.0);
    // Engines leave one at a time: two of them may be on their way when the last one comes.
    let late = 3 * FADE;
    let found: Vec<_> = sound.iter().map(|side| side[48_000 + late..].to_vec()).collect();
    let expected: Vec<_> = expected.iter().map(|side| side[late..].to_vec()).collect();
    assert_same_sound(&found, &expected, "after many loads");
}

#[test]
fn save_load_save_gives_the_same_bytes() {
    let chunk = saved_while_playing();
    let mut other = stage(&options(0.0, &Blocks::Fixed(256), 1.0));
    let empty = other.instance().save_state().unwrap();
    assert_ne!(chunk, empty);
    other.instance().load_state(&chunk).unwrap();
    assert_eq!(other.instance().save_state().unwrap(), chunk, "at once");
    other.render_to_end().unwrap();
    assert_eq!(other.instance().save_state().unwrap(), chunk, "after playing it");
    other.instance().load_state(&empty).unwrap();
    assert_eq!(other.instance().save_state().unwrap(), empty, "an empty session is a state, too");
    assert_eq!(saved_while_playing(), chunk, "the same edits give the same bytes");
}

/// Everything that is no state: its name, and its bytes.
fn refused(chunk: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut dice = Dice(77);
    let mut bad: Vec<(String, Vec<u8>)> = Vec::new();
    for length in [1, 8, 12, 24, 25, 1_000, 70_000] {
        let bytes = (0..length).map(|_| dice.roll() as u8).collect();
        bad.push((format!("{length} random bytes"), bytes));
    }
    for length in [0, 1, 7, 8, 11, 12, 20, 23, 24, chunk.len() / 2, chunk.len() - 1] {
        bad.push((format!("cut to {length} bytes"), chunk[..length].to_vec()));
    }
    let mut places: Vec<usize> = (0..24).collect();
    places.extend((0..40).map(|_| dice.below(chunk.len())));
    for place in places {
        let mut flipped = chunk.to_vec();
        flipped[place] ^= 1 << dice.below(8);
        bad.push((format!("a bit of byte {place} flipped"), flipped));
    }
    // The version is the four bytes after the magic of eight.
    for version in [2_u32, 7, u32::MAX] {
        let mut newer = chunk.to_vec();
        newer[8..12].copy_from_slice(&version.to_le_bytes());
        bad.push((format!("version {version}"), newer));
    }
    bad
}

#[test]
fn what_is_refused_leaves_the_session_sounding_and_is_saved_back_until_the_next_edit() {
    let blocks = Blocks::Fixed(256);
    let chunk = {
        let mut stage = stage_with(
            &options(0.0, &blocks, 0.1),
            &[two_voices(), play("something else", &hits("b/gate", 11))],
        );
        stage.instance().save_state().unwrap()
    };
    let mut untouched = stage_with(&options(0.0, &blocks, 4.0), &session());
    untouched.render_to_end().unwrap();
    let mut tried = stage_with(&options(0.0, &blocks, 4.0), &session());
    advance_to(&mut tried, 4_800);
    let good = tried.instance().save_state().unwrap();
    let before = status(&mut tried);
    for (turn, (what, bad)) in refused(&chunk).iter().enumerate() {
        assert!(tried.instance().load_state(bad).is_err(), "{what} was taken");
        assert_eq!(status(&mut tried), before, "{what} changed the session");
        assert_eq!(&tried.instance().save_state().unwrap(), bad, "{what} is not saved back");
        advance_to(&mut tried, 4_800 + turn as u64 * 1_920);
    }
    tried.render_to_end().unwrap();
    assert_same_sound(&tried.finish().channels, &untouched.finish().channels, "with refused states");

    let mut edited = stage_with(&options(0.0, &blocks, 1.0), &session());
    assert_eq!(edited.instance().save_state().unwrap(), good);
    for (what, bad) in refused(&chunk).iter().step_by(9) {
        assert!(edited.instance().load_state(bad).is_err(), "{what} was taken");
        assert_eq!(&edited.instance().save_state().unwrap(), bad, "{what} is not saved back");
        let master = |gain: f64| json!({"type": "set_master_gain", "gain": gain}).to_string();
        ask_all(&mut edited, &[master(0.8)]);
        assert_eq!(&edited.instance().save_state().unwrap(), bad, "{what}: the session is what it was");
        ask_all(&mut edited, &[master(0.7)]);
        assert_ne!(&edited.instance().save_state().unwrap(), bad, "after {what} and an edit");
        ask_all(&mut edited, &[master(0.8)]);
        assert_eq!(edited.instance().save_state().unwrap(), good, "after {what} and back");
    }
}

#[test]
fn a_refused_state_is_kept_by_an_instance_that_was_never_activated() {
    home::enter();
    let library = Library::load(&plugin()).unwrap();
    let mut newer = saved_while_playing();
    newer[8] = 9;
    let mut instance = Instance::create(&library, None).unwrap();
    assert!(instance.load_state(&newer).is_err());
    assert_eq!(instance.save_state().unwrap(), newer);
    let mut good = saved_while_playing();
    instance.load_state(&good).unwrap();
    assert_eq!(instance.save_state().unwrap(), good, "a good state takes the place of a refused one");
    // Bytes after the end, which some hosts add, do no harm.
    let exact = good.clone();
    good.extend([0; 7]);
    instance.load_state(&good).unwrap();
    assert_eq!(instance.save_state().unwrap(), exact);
}

#[test]
fn parameters_come_back_with_the_state() {
    home::enter();
    let library = Library::load(&plugin()).unwrap();
    let mut first = Instance::create(&library, None).unwrap();
    let params = first.params();
    let mut dice = Dice(4);
    let mut changes = Vec::new();
    for param in params.iter().filter(|param| param.name != "Panic") {
        let part = (dice.below(1000) + 1) as f64 / 1001.0;
        let value = param.min + (param.max - param.min) * part;
        let value = match param.name.as_str() {
            "Free Run" => 1.0,
            _ if param.stepped => value.round(),
            _ => value,
        };
        assert_ne!(value, param.default, "{}", param.name);
        changes.push(InputEvent { offset: 0, kind: InputKind::Param { id: param.id, value } });
    }
    first.flush_params(&changes).unwrap();
    let values = |instance: &mut Instance| -> Vec<(String, f64)> {
        params.iter().map(|param| (param.name.clone(), instance.param_value(param.id).unwrap())).collect()
    };
    let set = values(&mut first);
    let chunk = first.save_state().unwrap();

    let mut second = Instance::create(&library, None).unwrap();
    let defaults = values(&mut second);
    let same = set.iter().zip(&defaults).filter(|(a, b)| a == b).count();
    assert_eq!(same, 1, "all but Panic were changed");
    second.load_state(&chunk).unwrap();
    assert_eq!(values(&mut second), set);
    assert_eq!(second.save_state().unwrap(), chunk);
    assert!(second.observed().param_rescans.load(Ordering::Acquire) > 0, "the host is told to look again");

    // While it processes, too: a project is reloaded without stopping the engine.
    let mut playing = stage(&options(0.0, &Blocks::Fixed(64), 0.2));
    playing.render_to_end().unwrap();
    playing.instance().load_state(&chunk).unwrap();
    playing.advance().unwrap();
    assert_eq!(values(playing.instance()), set);
    assert_eq!(playing.instance().save_state().unwrap(), chunk);
}

#[test]
fn the_master_and_free_run_of_a_state_are_heard() {
    home::enter();
    let library = Library::load(&plugin()).unwrap();
    let mut instance = Instance::create(&library, None).unwrap();
    instance.load_state(&saved_while_playing()).unwrap();
    let params = instance.params();
    let id = |name: &str| params.iter().find(|param| param.name == name).unwrap().id;
    let set = |id, value| InputEvent { offset: 0, kind: InputKind::Param { id, value } };
    // 0.8125 of 96 dB above -84 is -6 dB.
    instance.flush_params(&[set(id("Master"), 0.8125), set(id("Free Run"), 1.0)]).unwrap();
    let chunk = instance.save_state().unwrap();
    let blocks = Blocks::Fixed(256);
    let stopped =
        RenderOptions { script: Script::stopped(120.0), state: Some(chunk), ..options(0.0, &blocks, 1.0) };
    let mut stage = stage(&stopped);
    stage.render_to_end().unwrap();
    let running = stage.finish().channels;
    let peak = running[0].iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(peak > 0.05, "free run plays while the host stands: {peak}");
    // The session's own tempo is 97.5 bpm, so this is what a host at that tempo hears, 6 dB down.
    let loud = RenderOptions {
        script: Script::playing(97.5),
        state: Some(saved_while_playing()),
        ..options(0.0, &blocks, 1.0)
    };
    let mut stage = krach_support::stage(&loud);
    stage.render_to_end().unwrap();
    let loud = stage.finish().channels;
    let gain = 10_f32.powf(-6.0 / 20.0);
    let far = running[0].iter().zip(&loud[0]).map(|(a, b)| (a - b * gain).abs()).fold(0.0, f32::max);
    assert!(far < 1e-4, "up to {far} apart");
}

#[test]
fn an_edit_marks_the_project_as_changed_and_a_load_does_not() {
    let chunk = saved_while_playing();
    let mut stage = stage(&options(0.0, &Blocks::Fixed(256), 0.1));
    let dirty = |stage: &mut Stage| stage.instance().observed().dirty.load(Ordering::Acquire);
    stage.instance().load_state(&chunk).unwrap();
    stage.instance().idle_until(Duration::from_millis(300), |_| false);
    assert_eq!(dirty(&mut stage), 0, "a load is what the host knows already");
    ask_all(&mut stage, &[play("new", &hits("a/gate", 2))]);
    let told = stage.instance().idle_until(Duration::from_secs(10), |instance| {
        instance.observed().dirty.load(Ordering::Acquire) > 0
    });
    assert!(told, "the host was not told of an edit");
    assert_eq!(stage.instance().observed().wrong_thread.load(Ordering::Acquire), 0);
}

//! Session files and presets, from the outside; and whether the sessions that come with krach are music.

use std::collections::BTreeMap;
use std::path::Path;

use krach_host::presets::{Place, time_of};
use krach_host::transport::Script;
use krach_host::{
    Client, HostError, Instance, Length, Library, RenderOptions, Stage, render_performance, wav,
};
use serde_json::{Value, json};

use super::{home, host, plugin};
use crate::krach_support::{Format, assert_same_sound};

const TONE: &str = r#"{"nodes":[{"name":"tone","source":"oscillator","gain":0.5}],"tempo":96,"meter":3}"#;
const LOST: &str = r#"{"nodes":[{"name":"a","source":"gain"}],"routing":[{"source":"a","target":"b"}]}"#;

#[test]
fn a_session_file_is_rendered_at_its_own_time_and_a_broken_one_is_refused() {
    let folder = home::enter().path();
    let (file, out) = (folder.join("tone.krach.json"), folder.join("tone.wav"));
    std::fs::write(&file, TONE).unwrap();
    let render = |format: Format, file: &Path, out: &Path| {
        let arguments = ["render", "--quiet", "--bars", "2", "--plugin"];
        host().args(arguments).arg(format.plugin()).arg(file).arg(out).output().unwrap()
    };
    for format in [Format::Clap, Format::Vst3] {
        let ran = render(format, &file, &out);
        assert_eq!(ran.status.code(), Some(0), "{}", String::from_utf8_lossy(&ran.stderr));
        let (rate, channels) = wav::read(&out).unwrap();
        assert_eq!(channels[0].len() as f64, 6.0 * 60.0 / 96.0 * rate, "two bars of three quarters at 96");
        assert!(channels[0].iter().any(|x| x.abs() > 0.1), "{format:?}: it sounds");
        std::fs::remove_file(&out).unwrap();
    }
    std::fs::write(&file, LOST).unwrap();
    for format in [Format::Clap, Format::Vst3] {
        let ran = render(format, &file, &out);
        let told = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(1), "{format:?}: {told}");
        assert!(told.contains("$.routing[0].target") && told.contains("there is no node b"), "{told}");
        assert!(!out.exists(), "{format:?}: nothing is written");
    }
}

#[test]
fn presets_are_found_and_loaded_through_the_factory() {
    let folder = home::enter().path().join(".krach").join("presets");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mine.krach.json"), TONE).unwrap();
    std::fs::write(folder.join("broken.krach.json"), LOST).unwrap();
    let ran = host().arg("presets").arg("--plugin").arg(plugin()).output().unwrap();
    let (listed, told) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
    assert!(ran.status.success(), "{told}");
    assert!(listed.contains("mine\t96 bpm\t") && listed.contains("--preset acid"), "{listed}");
    assert!(told.contains("broken.krach.json") && told.contains("there is no node b"), "{told}");

    let library = Library::load(&plugin()).unwrap();
    let found = library.presets().unwrap();
    assert_eq!(found.presets.len(), 9, "eight that come with krach, and one");
    let mut effect = Instance::create(&library, Some("io.krach.krach-fx")).unwrap();
    let mut instance = Instance::create(&library, None).unwrap();
    for preset in &found.presets {
        assert_eq!(preset.plugins, ["io.krach.krach", "io.krach.krach-fx"], "{}", preset.name);
        effect.load_preset(&preset.place).unwrap();
        instance.load_preset(&preset.place).unwrap();
    }
    drop(effect);
    let loaded = instance.observed().presets_loaded.load(std::sync::atomic::Ordering::Acquire);
    assert_eq!(loaded, 9);
    let before = instance.save_state().unwrap();
    let refused = instance.load_preset(&Place::File(folder.join("broken.krach.json")));
    let Err(HostError::Preset { reason, .. }) = refused else { panic!("{refused:?}") };
    assert!(reason.contains("there is no node b"), "{reason}");
    assert_eq!(instance.save_state().unwrap(), before, "nothing has changed");
    std::fs::remove_dir_all(folder).unwrap();
}

/// The document of a session that comes with krach.
fn document(key: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp/sessions");
    serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{key}.krach.json"))).unwrap()).unwrap()
}

const BARS: usize = 16;

/// A session of krach's, played from its beginning.
fn played(key: &str) -> (Stage, f64) {
    home::enter();
    let (tempo, meter) = time_of(&document(key).to_string());
    let (tempo, meter) = (tempo.expect("it says its tempo"), meter.unwrap_or(4));
    let options = RenderOptions {
        plugin: Some(plugin()),
        preset: Some(Place::Bundled(key.to_owned())),
        length: Length::Bars(BARS as f64),
        script: Script { time_signature: (meter, 4), ..Script::playing(tempo) },
        ..RenderOptions::default()
    };
    let frames_per_bar = f64::from(meter) * 60.0 / tempo * options.sample_rate;
    (Stage::open(&options, true).unwrap(), frames_per_bar)
}

/// Frames at which a gate opens, of all slots.
fn onsets(client: &mut Client, slots: &[String], frames_per_bar: f64) -> Vec<usize> {
    let mut frames = Vec::new();
    for slot in slots {
        let query = json!({"jsonrpc": "2.0", "id": 1, "method": "query",
            "params": {"target": slot, "from": 0, "to": BARS}});
        let reply = client.request(&query.to_string()).unwrap();
        let events = reply["result"]["events"].as_array().unwrap_or_else(|| panic!("{slot}: {reply}"));
        for event in events.iter().filter(|event| event["onset"] == true) {
            let number = |at: &Value| at[0].as_f64().unwrap() / at[1].as_f64().unwrap();
            frames.push((number(&event["whole"][0]) * frames_per_bar) as usize);
        }
    }
    frames.sort_unstable();
    frames
}

/// Frames at which the sound jumps, away from what begins: where its fourth difference is above what a step of two
/// samples of -46 dBFS leaves, and above twelve times that of the 5 ms around: where edges of six saws meet it is nine.
fn clicks(sound: &[f32], onsets: &[usize], rate: f64) -> Vec<usize> {
    const OWN: usize = 6;
    let at = |n: usize| sound.get(n).map_or(0.0, |x| f64::from(*x));
    let residual: Vec<f64> = (2..sound.len().saturating_sub(2))
        .map(|n| at(n - 2) - 4.0 * at(n - 1) + 6.0 * at(n) - 4.0 * at(n + 1) + at(n + 2))
        .collect();
    let mut energy = vec![0.0];
    energy.extend(residual.iter().scan(0.0, |sum, x| {
        *sum += x * x;
        Some(*sum)
    }));
    let (around, begins) = ((rate * 0.005) as usize, (rate * 0.03) as usize);
    let stands_out = |n: &usize| {
        let (first, last) = (n.saturating_sub(around), (n + around).min(residual.len()));
        let (own_first, own_last) = (n.saturating_sub(OWN), (n + OWN).min(residual.len()));
        let beside = energy[own_first] - energy[first] + energy[last] - energy[own_last];
        let count = (own_first - first + last - own_last).max(1);
        residual[*n].abs() > 0.015 && residual[*n].abs() > 12.0 * (beside / count as f64).sqrt()
    };
    let begun = |n: &usize| {
        let next = onsets.partition_point(|onset| *onset <= n + 2 + OWN);
        next > 0 && n.saturating_sub(onsets[next - 1]) < begins
    };
    (0..residual.len()).filter(stands_out).filter(|n| !begun(n)).map(|n| n + 2).collect()
}

#[test]
fn the_finder_finds_a_click_away_from_an_onset_and_no_other() {
    let sine = |n: usize| (n as f32 * 0.02).sin() * 0.3;
    let mut sound: Vec<f32> = (0..48_000).map(sine).collect();
    assert_eq!(clicks(&sound, &[], 48_000.0), [0_usize; 0]);
    for n in [20_000, 30_000] {
        sound[n] += 0.02;
        sound[n + 1] += 0.02;
    }
    let found = clicks(&sound, &[19_990], 48_000.0);
    assert!(!found.is_empty() && found.iter().all(|n| n.abs_diff(30_000) < 8), "{found:?}");
}

fn decibels(x: f64) -> f64 {
    20.0 * x.max(1e-9).log10()
}

/// Plays a session to its end and holds it to what is expected of music.
fn is_music(key: &str) {
    let document = document(key);
    let names = |list: &str, field: &str| -> Vec<String> {
        let entries = document[list].as_array().unwrap().iter();
        entries.map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
    };
    let (nodes, slots) = (names("nodes", "name"), names("patterns", "target"));
    assert!((5..=12).contains(&nodes.len()), "{key}: {nodes:?}");
    let (mut stage, frames_per_bar) = played(key);
    let rate = 48_000.0;
    let onsets = onsets(stage.client().unwrap(), &slots, frames_per_bar);
    let subscribe = r#"{"jsonrpc":"2.0","id":"s","method":"subscribe","params":{"topics":["meters"]}}"#;
    let socket = stage.instance().socket().unwrap().to_owned();
    let mut meters = Client::connect(&socket).unwrap();
    meters.request(subscribe).unwrap();
    // A peak falls by 12 dB in a second: twice a bar is enough to see each.
    let mut loudest: BTreeMap<String, f64> = BTreeMap::new();
    let beats_per_bar = document["meter"].as_f64().unwrap_or(4.0);
    for half in 1..=2 * BARS {
        stage.render_up_to(half as f64 * beats_per_bar / 2.0).unwrap();
        let event: Value = serde_json::from_str(&meters.wait("meters", crate::PATIENCE).unwrap()).unwrap();
        let mut newest = event;
        while let Some(line) = meters.poll().unwrap() {
            newest = serde_json::from_str(&line).unwrap();
        }
        for (name, level) in newest["params"]["nodes"].as_object().unwrap_or(&serde_json::Map::new()) {
            let peak = level["peak"].as_f64().unwrap_or(0.0);
            let loud = loudest.entry(name.clone()).or_default();
            *loud = loud.max(peak);
        }
    }
    stage.render_to_end().unwrap();
    let rendered = stage.complete().unwrap();
    for name in &nodes {
        let peak = decibels(loudest.get(name).copied().unwrap_or_default());
        assert!((-50.0..0.0).contains(&peak), "{key}: {name} peaks at {peak:.1} dBFS");
    }
    let peak = decibels(f64::from(rendered.peak()));
    assert!((-12.0..-1.0).contains(&peak), "{key}: it peaks at {peak:.1} dBFS");
    for (side, sound) in rendered.channels.iter().enumerate() {
        let rms = |part: &[f32]| {
            let sum: f64 = part.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
            decibels((sum / part.len() as f64).sqrt())
        };
        let crest = peak - rms(sound);
        assert!((8.0..24.0).contains(&crest), "{key}: {crest:.1} dB between its peak and its RMS");
        for (bar, part) in sound.chunks(frames_per_bar as usize).take(BARS).enumerate() {
            assert!(rms(part) > -40.0, "{key}: bar {} is at {:.1} dBFS", bar + 1, rms(part));
        }
        let constant = sound.iter().map(|x| f64::from(*x)).sum::<f64>() / sound.len() as f64;
        assert!(constant.abs() < 1e-3, "{key}: a constant part of {constant}");
        let found = clicks(sound, &onsets, rate);
        assert_eq!(found, [0_usize; 0], "{key}: channel {side} clicks");
    }
    println!("{key}: peak {peak:.1} dBFS, {} onsets, {} nodes heard", onsets.len(), nodes.len());
}

#[test]
fn two_sessions_of_krachs_are_music() {
    is_music("acid");
    is_music("machine_room");
}

#[test]
#[ignore = "soak: renders every session"]
fn soak_every_session_of_krachs_is_music() {
    for session in
        ["acid", "breaks", "dub", "five_eight", "glass_waltz", "house", "machine_room", "slow_light"]
    {
        is_music(session);
    }
}

/// The same, begun anew, is the same.
#[test]
fn a_session_of_krachs_sounds_the_same_in_any_partition() {
    home::enter();
    let options = |blocks: &str| RenderOptions {
        plugin: Some(plugin()),
        preset: Some(Place::Bundled("five_eight".to_owned())),
        length: Length::Bars(2.0),
        script: Script::playing(108.0),
        blocks: blocks.parse().unwrap(),
        ..RenderOptions::default()
    };
    let whole = render_performance(&options("512")).unwrap();
    let pieces = render_performance(&options("1,17,64,333")).unwrap();
    assert_same_sound(&whole.channels, &pieces.channels, "five_eight");
}

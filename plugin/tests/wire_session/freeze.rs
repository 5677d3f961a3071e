//! Patterns frozen to MIDI files over the socket.

use serde_json::{Value, json};

use super::wire_client::{Client, Home, client_of};
use super::{ok, refused};

/// Channel, key, velocity, and the ticks where it begins and ends.
type MidiNote = (u8, u8, u8, u64, u64);

/// The notes of a MIDI file by track: channel, key, velocity, begin and end in ticks.
fn notes_of(file: &std::path::Path) -> Vec<(String, Vec<MidiNote>)> {
    let bytes = std::fs::read(file).expect("it was written");
    let smf = midly::Smf::parse(&bytes).expect("it is MIDI");
    assert_eq!(smf.header.timing, midly::Timing::Metrical(960.into()));
    let mut tracks = Vec::new();
    for track in &smf.tracks[1..] {
        let (mut name, mut at, mut open, mut notes) = (String::new(), 0, Vec::new(), Vec::new());
        for event in track {
            at += u64::from(event.delta.as_int());
            match event.kind {
                midly::TrackEventKind::Meta(midly::MetaMessage::TrackName(text)) => {
                    name = String::from_utf8(text.to_vec()).unwrap();
                }
                midly::TrackEventKind::Midi { channel, message: midly::MidiMessage::NoteOn { key, vel } } => {
                    open.push((channel.as_int(), key.as_int(), vel.as_int(), at));
                }
                midly::TrackEventKind::Midi { channel, message: midly::MidiMessage::NoteOff { key, .. } } => {
                    let of = |note: &(u8, u8, u8, u64)| (note.0, note.1) == (channel.as_int(), key.as_int());
                    let (channel, key, vel, begin) =
                        open.remove(open.iter().position(of).expect("it is open"));
                    notes.push((channel, key, vel, begin, at));
                }
                _ => {}
            }
        }
        assert!(open.is_empty(), "every note ends");
        notes.sort_unstable();
        tracks.push((name, notes));
    }
    tracks
}

/// The same of what `query` tells of a slot over 16 cycles of four quarters.
fn notes_told(client: &mut Client, slot: &str) -> Vec<(u8, u8, u8, u64, u64)> {
    let told = ok(client, "query", json!({"target": slot, "from": 0, "to": 16}));
    let ticks = |time: &Value| {
        let (n, d) = (time[0].as_i64().unwrap(), time[1].as_i64().unwrap());
        ((2 * n * 3840 + d) / (2 * d)) as u64
    };
    let mut notes = Vec::new();
    let events: Vec<&Value> =
        told["events"].as_array().unwrap().iter().filter(|e| e["onset"] == true).collect();
    for event in &events {
        let value = &event["value"];
        let begin = ticks(&event["whole"][0]);
        let number = |field: &str| value[field].as_u64().unwrap() as u8;
        if value["type"] == "Note" {
            let end = begin + (value["dur"].as_f64().unwrap() * 3840.0).round() as u64;
            notes.push((number("channel"), number("note"), number("velocity"), begin, end));
        } else if value["label"].as_str().is_some_and(|label| label.ends_with("gate"))
            && value["value"] == 1.0
        {
            let beside = |label: &str| {
                let it = |e: &&&Value| {
                    e["unit"] == event["unit"]
                        && e["whole"][0] == event["whole"][0]
                        && e["value"]["label"] == label
                };
                events.iter().find(it).map(|e| e["value"]["value"].as_f64().unwrap())
            };
            let shut = |e: &&&Value| {
                e["unit"] == event["unit"]
                    && e["value"]["label"] == value["label"]
                    && e["value"]["value"] == 0.0
                    && ticks(&e["whole"][0]) > begin
            };
            let key = beside("freq").map_or(60, |hz| (69.0 + 12.0 * (hz / 440.0).log2()).round() as u8);
            let velocity = (beside("vel").unwrap_or(1.0) * 127.0).round() as u8;
            let end = events.iter().find(shut).map_or(16 * 3840, |e| ticks(&e["whole"][0]));
            notes.push((0, key, velocity, begin, end));
        }
    }
    notes.sort_unstable();
    notes
}

#[test]
fn sixteen_bars_that_are_frozen_to_midi_are_the_notes_of_the_query_tick_for_tick() {
    let home = Home::new("freeze");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let note = |channel, note, velocity, dur| json!({"op": "Atom", "value": {"type": "Note", "channel": channel, "note": note, "velocity": velocity, "dur": dur}});
    let cc = json!({"op": "Atom", "value": {"type": "Cc", "channel": 3, "controller": 74, "value": 99}});
    let keys = json!({"op": "Stack", "children": [
        {"op": "Fast", "factor": [7, 2], "child": note(3, 61, 100, 0.1)}, note(9, 36, 1, 0.25), cc]});
    for (target, play) in [
        ("bass", json!({"pattern": "A2 [D3 E3 G3] ~ <C4 G3>", "swing": {"amount": 0.6, "grid": 8}})),
        ("pad", json!({"pattern": "<[A3,C4,E4] [F3,A3,C4]>/2"})),
        ("drums/kick", json!({"pattern": "x(3,8)"})),
        ("drums/hat", json!({"pattern": "[x*5 . x]?0.3"})),
        ("keys", json!({"pattern": keys})),
        ("gone", json!({"pattern": "x*4"})),
    ] {
        let mut params = play;
        (params["target"], params["free"]) = (target.into(), true.into());
        ok(&mut client, "play", params);
    }
    ok(&mut client, "hush", json!({"target": "gone"}));
    let file = home.path().join("song.mid");
    let path = file.to_str().unwrap();
    let written = ok(&mut client, "freeze", json!({"bars": 16, "path": path}));
    let slots = ["bass", "drums/hat", "drums/kick", "keys", "pad"];
    assert_eq!((written["slots"].clone(), written["detuned"].as_u64()), (json!(slots), Some(0)));
    let tracks = notes_of(&file);
    assert_eq!(tracks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), slots);
    for (slot, notes) in &tracks {
        assert!(notes.len() >= 16, "{slot}: {}", notes.len());
        assert_eq!(*notes, notes_told(&mut client, slot), "{slot}");
    }
    let count: usize = tracks.iter().map(|(_, notes)| notes.len()).sum();
    assert_eq!(written["notes"], count);
    assert_eq!(written["bytes"], std::fs::metadata(&file).unwrap().len());
    // A group, from another bar on: what begins there is at the file's begin.
    let drums = home.path().join("drums.mid");
    let some = json!({"target": "drums", "bars": 2, "from": 3, "path": drums.to_str().unwrap()});
    assert_eq!(ok(&mut client, "freeze", some)["slots"], json!(["drums/hat", "drums/kick"]));
    let part = |notes: &[(u8, u8, u8, u64, u64)]| {
        let within = notes.iter().filter(|note| (3 * 3840..5 * 3840).contains(&note.3));
        within.map(|note| (note.0, note.1, note.2, note.3 - 3 * 3840, note.4 - 3 * 3840)).collect::<Vec<_>>()
    };
    for ((_, some), (_, all)) in notes_of(&drums).iter().zip(&tracks[1..3]) {
        assert_eq!(*some, part(all));
    }
    // A file that is there stays, unless it is to be replaced.
    let before = std::fs::read(&file).unwrap();
    let (place, message, hint) = refused(&mut client, "freeze", json!({"bars": 1, "path": path}));
    assert!(place == "params.path" && message.contains("there is a file") && hint.contains("overwrite"));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let again = ok(&mut client, "freeze", json!({"bars": 1, "path": path, "overwrite": true}));
    assert_eq!(std::fs::read(again["kept"].as_str().unwrap()).unwrap(), before);
    let link = home.path().join("link.mid");
    std::os::unix::fs::symlink(home.path().join("target.mid"), &link).unwrap();
    assert_eq!(
        refused(&mut client, "freeze", json!({"bars": 1, "path": link.to_str().unwrap()})).0,
        "params.path"
    );
    assert!(!home.path().join("target.mid").exists(), "no link is followed");
    let elsewhere = home.path().join("nowhere/song.mid");
    for (params, at) in [
        (json!({"bars": 16, "path": "song.mid"}), "params.path"),
        (json!({"bars": 16, "path": "/tmp/song.txt"}), "params.path"),
        (json!({"bars": 16, "path": "/tmp/.mid"}), "params.path"),
        (json!({"bars": 16, "path": elsewhere.to_str().unwrap()}), "params.path"),
        (json!({"bars": 0, "path": "/tmp/song.mid"}), "params.bars"),
        (json!({"bars": 2000, "path": "/tmp/song.mid"}), "params.bars"),
        (json!({"bars": 1, "from": 1e300, "path": "/tmp/song.mid"}), "params.from"),
        (json!({"bars": 1, "target": "nobody", "path": "/tmp/song.mid"}), "params.target"),
    ] {
        assert_eq!(refused(&mut client, "freeze", params.clone()).0, at, "{params}");
    }
}

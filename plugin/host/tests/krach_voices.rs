//! Notes of the host through CLAP, played by a FAUST sound with voices: each at its frame, each with one
//! end, the same in any blocks, and nothing of it touches what an audio thread must not touch.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
krach_host::interpose_malloc!();

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod krach_support;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use krach_host::guard::{Case, Flood, Scenario, run_guarded};
    use krach_host::transport::{Action, Blocks, Script, When};
    use krach_host::{InputKind, Length, OutputKind, RenderOptions, Rendered, TimedInput};
    use serde_json::{Value, json};

    use super::krach_support::session::{cat, play, wire};
    use super::krach_support::sounds::{folder, sound_stage, types, write};
    use super::krach_support::{Dice, ask_all, assert_same_sound, plugin};

    pub const ALL: [Case; 4] = [
        (
            "each_note_of_the_host_is_on_its_frame_and_ends_once",
            each_note_of_the_host_is_on_its_frame_and_ends_once,
        ),
        ("a_pattern_and_the_host_play_on_the_same_voices", a_pattern_and_the_host_play_on_the_same_voices),
        ("what_is_played_sounds_the_same_in_any_blocks", what_is_played_sounds_the_same_in_any_blocks),
        ("a_flood_of_notes_touches_nothing_forbidden", a_flood_of_notes_touches_nothing_forbidden),
    ];

    const SECOND: u64 = 48_000;
    /// `freq` × `vel` in parts of this, while the gate is open.
    const WHOLE: f32 = 16_384.0;

    /// A sound that says who plays it: what comes out is a sum of frequencies.
    fn write_pipe() {
        write(
            "pipe.dsp",
            "freq = hslider(\"freq\", 440, 1, 20000, 0.001);\n\
             vel = hslider(\"vel\", 1, 0, 1, 0.001);\n\
             pressure = hslider(\"pressure\", 0, 0, 1, 0.001);\n\
             gate = button(\"gate\");\n\
             process = gate * (freq * vel + 1024 * pressure) / 16384 <: _, _;\n",
        );
    }

    fn graph(type_id: &str, count: u32) -> String {
        json!({
            "type": "load_graph",
            "nodes": [{"id": "out", "type_id": "dac"}, {"id": "p", "type_id": type_id, "count": count}],
            "connections": [wire("p", "out")],
        })
        .to_string()
    }

    fn call(method: &str, params: &Value) -> String {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    }

    /// All notes of the host play `p`, which has so many voices.
    fn setup(type_id: &str, count: u32) -> Vec<String> {
        vec![
            json!({"type": "list_nodes", "reply_port": 0}).to_string(),
            call("limiter", &json!({"on": false})),
            graph(type_id, count),
            call("midi_route", &json!({"channel": "omni", "node": "p"})),
        ]
    }

    fn render(options: &RenderOptions, requests: &[String]) -> Rendered {
        write_pipe();
        let mut stage = sound_stage(options);
        types(&mut stage);
        ask_all(&mut stage, requests);
        stage.render_to_end().expect("it renders");
        stage.finish()
    }

    fn ends(rendered: &Rendered) -> Vec<(u64, i32)> {
        let end = |event: &krach_host::OutputEvent| match event.kind {
            OutputKind::NoteEnd { note_id, .. } => Some((event.frame, note_id)),
            _ => None,
        };
        rendered.midi_out.iter().filter_map(end).collect()
    }

    fn on(frame: u64, note_id: u32, key: u16, velocity: f64) -> TimedInput {
        let kind = InputKind::NumberedNoteOn { note_id, channel: (note_id % 2) as u16, key, velocity };
        TimedInput { frame, kind }
    }

    fn at(frame: u64, kind: InputKind) -> TimedInput {
        TimedInput { frame, kind }
    }

    fn off(frame: u64, note_id: u32) -> TimedInput {
        at(frame, InputKind::NumberedNoteOff { note_id })
    }

    fn each_note_of_the_host_is_on_its_frame_and_ends_once() {
        let expression =
            |frame, expression, value| at(frame, InputKind::Expression { note_id: 2, expression, value });
        let midi = |frame, bytes| at(frame, InputKind::Midi(bytes));
        let mut events = vec![
            on(10_000, 2, 69, 1.0),
            on(10_100, 3, 81, 0.5),
            // Channel 0 up by two semitones, and back.
            midi(10_200, [0xe0, 127, 127]),
            midi(10_300, [0xe0, 0, 64]),
            expression(10_400, 2, 12.0),
            expression(10_500, 6, 0.5),
            midi(10_600, [0xb0, 64, 127]),
            off(10_650, 2),
            off(10_650, 3),
            midi(10_700, [0xb0, 64, 0]),
            on(11_000, 4, 69, 1.0),
            at(11_100, InputKind::NumberedChoke { note_id: 4 }),
        ];
        // Six notes for four voices.
        events.extend((0..6).map(|n| on(40_000 + 100 * u64::from(n), 10 + n, 33 + 12 * n as u16, 1.0)));
        events.push(at(41_000, InputKind::Midi([0xb0, 123, 0])));
        events.push(at(41_000, InputKind::Midi([0xb1, 123, 0])));
        let options = RenderOptions {
            script: Script::stopped(120.0),
            length: Length::Seconds(2.0),
            events,
            ..RenderOptions::default()
        };
        let rendered = render(&options, &setup("faust:pipe", 4));
        let heard = |frame: usize| rendered.channels[0][frame] * WHOLE;
        assert_eq!((heard(9_999), heard(10_000), heard(10_099)), (0.0, 440.0, 440.0));
        assert_eq!((heard(10_100), heard(10_199)), (880.0, 880.0));
        let bent = (440.0 * 2.0_f64.powf(2.0 / 12.0)) as f32 + 440.0;
        assert!((heard(10_200) - bent).abs() < 1e-2, "{} instead of {bent}", heard(10_200));
        assert_eq!((heard(10_300), heard(10_400), heard(10_500)), (880.0, 1320.0, 1832.0));
        // The pedal of channel 0 holds note 2; note 3 is on channel 1.
        assert_eq!((heard(10_649), heard(10_650), heard(10_699)), (1832.0, 1392.0, 1392.0));
        assert_eq!((heard(10_700), heard(11_000)), (0.0, 440.0));
        assert!(heard(11_150) < 440.0 && heard(11_150) > 0.0 && heard(11_340) == 0.0, "the choke");
        assert_eq!(heard(40_399), 55.0 + 110.0 + 220.0 + 440.0);
        assert_eq!(
            (heard(40_499), heard(40_599)),
            (110.0 + 220.0 + 440.0 + 880.0, 220.0 + 440.0 + 880.0 + 1760.0)
        );
        assert_eq!((heard(40_999), heard(41_000)), (220.0 + 440.0 + 880.0 + 1760.0, 0.0));
        let quiet = SECOND / 4;
        let expected = [
            (11_340, 4),
            (10_650 + quiet, 3),
            (10_700 + quiet, 2),
            (40_400, 10),
            (40_500, 11),
            (41_000 + quiet, 12),
            (41_000 + quiet, 14),
            (41_000 + quiet, 13),
            (41_000 + quiet, 15),
        ];
        assert_eq!(ends(&rendered), expected);
    }

    /// A note of a pattern that is open for half a cycle.
    fn note(hz: f64) -> Value {
        let control = |label: &str, value: f64| json!({"op": "Atom", "value": {"type": "Control", "label": label, "value": value}});
        let start = json!({"op": "Stack", "children": [control("freq", hz), control("gate", 1.0)]});
        json!({"op": "Freeze", "child": cat(vec![start, control("gate", 0.0)])})
    }

    fn a_pattern_and_the_host_play_on_the_same_voices() {
        let chord =
            json!({"op": "Freeze", "child": {"op": "Stack", "children": [note(1024.0), note(2048.0)]}});
        let master = json!({"op": "Atom", "value":
            {"type": "Osc", "address": "/audio/set", "args": [{"Str": "p/pressure"}, {"Float": 0.25}]}});
        let options = RenderOptions {
            script: Script::playing(120.0),
            length: Length::Seconds(2.5),
            events: vec![on(10_000, 1, 69, 1.0), on(20_000, 2, 81, 1.0), off(60_000, 2)],
            ..RenderOptions::default()
        };
        let requests = [setup("faust:pipe", 3), vec![play("p", &chord), play("x", &master)]].concat();
        let rendered = render(&options, &requests);
        let heard = |frame: usize| rendered.channels[0][frame] * WHOLE;
        let each = 256.0;
        assert_eq!(heard(9_999), 1024.0 + 2048.0 + 2.0 * each);
        assert_eq!(heard(10_000), 1024.0 + 2048.0 + 440.0 + 3.0 * each);
        // Three voices: the oldest goes, and its end closes nothing.
        assert_eq!(heard(20_001), 2048.0 + 440.0 + 880.0 + 3.0 * each);
        assert_eq!(heard(48_000), 440.0 + 880.0 + 2.0 * each);
        assert_eq!(heard(60_000), 440.0 + each);
        assert_eq!(heard(96_001), 440.0 + 1024.0 + 2048.0 + 3.0 * each);
        assert_eq!(ends(&rendered), [(60_000 + SECOND / 4, 2)]);
    }

    /// Notes in and out of tune, pedals and chokes.
    fn music(turns: u64, every: u64) -> Vec<TimedInput> {
        let mut dice = Dice(3);
        let mut event = |turn: u64| {
            let (note_id, near) = (turn as u32, (turn as u32).saturating_sub(dice.below(8) as u32));
            let channel = dice.below(3) as u8;
            match dice.below(10) {
                0..=3 => InputKind::NumberedNoteOn {
                    note_id,
                    channel: u16::from(channel),
                    key: 40 + dice.below(40) as u16,
                    velocity: dice.below(100) as f64 / 99.0,
                },
                4 | 5 => InputKind::NumberedNoteOff { note_id: near },
                6 => InputKind::Midi([0xe0 | channel, 0, dice.below(128) as u8]),
                7 => InputKind::Midi([0xb0 | channel, 64, dice.below(128) as u8]),
                8 => InputKind::Expression {
                    note_id: near,
                    expression: dice.below(7) as i32,
                    value: dice.below(100) as f64 / 99.0,
                },
                _ => InputKind::NumberedChoke { note_id: near },
            }
        };
        (0..turns).map(|turn| at(turn * every + turn % 13, event(turn))).collect()
    }

    fn what_is_played_sounds_the_same_in_any_blocks() {
        let sound = |blocks: Blocks| {
            let options = RenderOptions {
                script: Script::playing(133.0).at(When::Frame(2 * SECOND + 77), Action::Jump(1.3)),
                length: Length::Seconds(4.0),
                events: music(240, 700),
                blocks,
                ..RenderOptions::default()
            };
            let chord = json!({"op": "Fast", "factor": [5, 1],
                "child": {"op": "Stack", "children": [note(110.0), note(165.0), note(333.3)]}});
            let requests = [setup("faust:pad", 5), vec![play("p", &chord)]].concat();
            render(&options, &requests)
        };
        let reference = sound(Blocks::Fixed(256));
        assert!(reference.peak() > 0.05, "{}", reference.peak());
        let ended = ends(&reference).len();
        assert!(ended > 40, "{ended} ends");
        for blocks in [Blocks::Fixed(1), Blocks::Fixed(333), Blocks::Fixed(2048), Blocks::random(5)] {
            let other = sound(blocks.clone());
            assert_same_sound(&other.channels, &reference.channels, &format!("{blocks:?}"));
            assert_eq!(ends(&other), ends(&reference), "{blocks:?}");
        }
    }

    fn a_flood_of_notes_touches_nothing_forbidden() {
        write_pipe();
        let _ = folder();
        let frames = 6 * SECOND;
        let chord = json!({"op": "Fast", "factor": [64, 1],
            "child": {"op": "Stack", "children": [note(1.0), note(2.0), note(4.0)]}});
        let changes = vec![
            graph("faust:pipe", 4),
            call("midi_route", &json!({"channel": 0, "node": null})),
            play("p", &chord),
            graph("faust:pipe", 64),
            call("midi_route", &json!({"channel": 0, "node": "p"})),
            call("panic", &json!({})),
            call("fade", &json!({"label": "p/vel", "value": 0.5, "secs": 0.01})),
            graph("oscillator", 16),
            call("midi_route", &json!({"channel": 1, "node": "nobody"})),
            call("midi_learn", &json!({"label": "p/freq", "lo": 1, "hi": 2})),
            call("midi_unmap", &json!({"channel": 0, "cc": 64})),
            call("automate", &json!({"label": "p/vel", "shape": "tri", "lo": 0, "hi": 1, "bars": 0.01})),
            json!({"cmd": "Hush", "slot": "p"}).to_string(),
        ];
        let flood = Flood { lines: changes.clone(), clients: 2, read_replies: true };
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Random { seed: 4, min: 1, max: 300 },
            script: Script::playing(140.0),
            frames,
            events: music(frames / 25, 25),
            setup: [setup("faust:pipe", 16), changes].concat(),
            floods: vec![flood],
            requests_per_second: 200.0,
            speed: 2.0,
            ..Scenario::of(plugin())
        })
        .unwrap();
        guarded.assert_clean();
        assert!(guarded.flooded > 1000, "only {} edits", guarded.flooded);
        let sounding = guarded.channels[0].iter().filter(|sample| **sample != 0.0).count();
        assert!(sounding > guarded.channels[0].len() / 10, "only {sounding} frames sound");
    }
}

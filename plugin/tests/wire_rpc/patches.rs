//! Patches: files of the folder, texts of nodes and of the session; what plays while they change.

use std::path::PathBuf;

use krach::instance::{HostHooks, Instance};
use krach::socket::Addresses;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{Block, HostEvent, HostEventKind, MidiOut, ParamEvent, ParamId, Processor};
use serde_json::{Value, json};

use crate::wire_client::{self, Client, Home, client_of};

const FRAMES: usize = 256;

/// An instance with a folder for patches, and a host that renders when it is told to.
struct Stage {
    client: Client,
    processor: Processor,
    midi_out: MidiOut,
    samples: i64,
    /// What the host plays, and moves, in the next block.
    played: Vec<HostEvent>,
    params: Vec<ParamEvent>,
    instance: Instance,
    folder: PathBuf,
    home: Home,
}

impl Stage {
    fn new(name: &str) -> Self {
        let home = Home::new(name);
        let folder = home.path().join("patches");
        std::fs::create_dir(&folder).unwrap();
        let addresses = Addresses {
            dsp_problem: Some("no folder for FAUST sounds in this test"),
            patch_folder: Some(folder.clone()),
            ..home.addresses()
        };
        let instance = Instance::start_at(wire_client::config(HostHooks::default()), addresses);
        let processor = instance.activate(48_000.0, FRAMES).expect("the engine answers");
        let client = client_of(&instance);
        let midi_out = MidiOut::with_capacity(64);
        let (played, params) = (Vec::new(), Vec::new());
        Self { client, processor, midi_out, samples: 0, played, params, instance, folder, home }
    }

    fn ok(&mut self, method: &str, params: Value) -> Value {
        let mut reply = self.client.call(method, params);
        assert!(reply["result"].is_object(), "{method}: {reply}");
        reply["result"].take()
    }

    fn refused(&mut self, method: &str, params: Value) -> Value {
        let mut reply = self.client.call(method, params);
        assert!(reply["error"].is_object(), "{method}: {reply}");
        reply["error"].take()
    }

    /// The next blocks of a host that plays at 120 bpm in 4/4.
    fn render(&mut self, blocks: usize) -> [Vec<f32>; 2] {
        self.render_in((4, 4), None, blocks)
    }

    /// The same in that meter, with where its present bar begins in each block.
    fn render_in(&mut self, meter: (u32, u32), bar: Option<f64>, blocks: usize) -> [Vec<f32>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..blocks {
            let (mut left, mut right) = (vec![0.0; FRAMES], vec![0.0; FRAMES]);
            let transport = HostTransport {
                playing: true,
                tempo: Some(120.0),
                beats: Some(self.samples as f64 / 24_000.0),
                seconds: Some(self.samples as f64 / 48_000.0),
                samples: Some(self.samples),
                time_signature: Some(meter),
                bar_start: bar,
                ..HostTransport::default()
            };
            let (played, params) = (std::mem::take(&mut self.played), std::mem::take(&mut self.params));
            self.midi_out.clear();
            self.processor.process(Block {
                frames: FRAMES,
                transport: &[TransportAt { offset: 0, transport }],
                offline: false,
                input: [&[], &[]],
                main: [&mut left, &mut right],
                stems: &mut [],
                params: &params,
                played: &played,
                midi_out: &mut self.midi_out,
            });
            self.samples += FRAMES as i64;
            all[0].extend(left);
            all[1].extend(right);
        }
        all
    }

    /// Renders until what was asked for sounds, and gives all of it.
    fn until(&mut self, what: &str, mut done: impl FnMut(&[f32], &[f32]) -> bool) -> [Vec<f32>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        wire_client::until(what, || {
            let block = self.render(1);
            let heard = done(&block[0], &block[1]);
            all.iter_mut().zip(block).for_each(|(all, block)| all.extend(block));
            heard
        });
        all
    }

    fn save(&self, name: &str, text: &str) {
        // As editors do: the file is whole at once.
        let hidden = self.folder.join(".new");
        std::fs::write(&hidden, text).unwrap();
        std::fs::rename(hidden, self.folder.join(name)).unwrap();
    }

    fn info(&mut self, type_id: &str) -> Value {
        self.ok("types", json!({"type": type_id}))["types"][0].take()
    }

    fn level(&mut self) {
        // Full scale, so that samples are those of the patch.
        self.ok("master", json!({"gain": 1.0}));
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.instance.deactivate();
        let _ = &self.home;
    }
}

fn tone(hz: f32, more: &str) -> String {
    format!(
        "nodes:\n  osc: {{module: SineOscillator, params: {{frequency: {hz:?}}}}}\n  out: {{module: AudioOut}}\n{}cables:\n  \
         - {{from: osc, output: out, to: out, input: left, scale: 0.5}}\n{}",
        if more.is_empty() { "" } else { "  one: {module: Tuner, params: {octave: 1}}\n" },
        more
    )
}

const RIGHT: &str = "  - {from: one, output: out, to: out, input: right, scale: 0.25}\n";

/// Is this a sine of that frequency without a seam? Every sample follows from the two before it.
fn is_sine(samples: &[f32], hz: f64) -> Result<(), String> {
    let turn = 2.0 * (std::f64::consts::TAU * hz / 48_000.0).cos();
    for (at, w) in samples.windows(3).enumerate() {
        let expected = turn * f64::from(w[1]) - f64::from(w[0]);
        if (expected - f64::from(w[2])).abs() > 2e-5 {
            return Err(format!("sample {}: {} where {expected} follows", at + 2, w[2]));
        }
    }
    if samples.iter().any(|x| x.abs() > 0.3) { Ok(()) } else { Err("silence".to_owned()) }
}

#[test]
fn a_saved_patch_is_replaced_under_the_sound_and_a_bad_save_changes_nothing() {
    let mut stage = Stage::new("patch-save");
    stage.save("tone.yaml", &tone(300.0, ""));
    stage.level();
    stage.ok("node", json!({"name": "tone", "source": "patch:tone", "gain": 1.0}));
    stage.until("it sounds", |left, _| {
        left.iter().all(|x| x.is_finite()) && left.iter().any(|x| x.abs() > 0.4)
    });
    stage.render(20);
    let info = stage.info("patch:tone");
    assert_eq!((&info["origin"], &info["state"]), (&json!("file"), &json!("ready")));
    assert_eq!(info["controls"][0]["name"], "osc/frequency");

    // A module more: it fades in within 5 ms, and the sine does not notice.
    stage.save("tone.yaml", &tone(300.0, RIGHT));
    let [mut left, right] =
        stage.until("the new module", |_, right| right.last().is_some_and(|x| *x > 0.2499));
    left.extend(stage.render(4)[0].iter());
    is_sine(&left, 300.0).unwrap();
    let rise: Vec<f32> = right.iter().copied().filter(|x| *x > 0.0 && *x < 0.2499).collect();
    assert!((200..=240).contains(&rise.len()) && rise.is_sorted(), "{rise:?}");

    // A mistake: told with its place, and what plays plays on.
    let mut listener = client_of(&stage.instance);
    listener.call("subscribe", json!({"topics": ["errors", "compiles"]}));
    stage.save("tone.yaml", &tone(300.0, RIGHT).replace("SineOscillator", "SinOscillator"));
    let told = loop {
        let line = listener.line();
        if line["params"]["topic"] == "errors" {
            break line["params"].clone();
        }
    };
    let sound = &told;
    assert_eq!((&sound["type"], &sound["file"]), (&json!("patch:tone"), &json!("tone.yaml")), "{told}");
    assert_eq!((&sound["line"], &sound["column"]), (&json!(2), &json!(17)), "{told}");
    assert!(sound.to_string().contains("did you mean `SineOscillator`?"), "{told}");
    let [left, _] = stage.render(40);
    is_sine(&left, 300.0).unwrap();
    assert_eq!(stage.info("patch:tone")["state"], "failed");
    assert!(stage.ok("status", json!({}))["problems"].to_string().contains("SinOscillator"));

    // Another frequency in the file, which nobody has set: the same phase goes on, and the problem is over.
    stage.save("tone.yaml", &tone(400.0, RIGHT));
    wire_client::until("the new frequency", || is_sine(&stage.render(8)[0], 400.0).is_ok());
    assert_eq!(stage.info("patch:tone")["state"], "ready");
    // Set by hand it stays, whatever the file says.
    stage.ok("set", json!({"values": {"tone/osc/frequency": 500.0}}));
    wire_client::until("the value", || is_sine(&stage.render(8)[0], 500.0).is_ok());
    stage.save("tone.yaml", &tone(450.0, ""));
    let [left, _] = stage.until("one module less", |_, right| right.iter().all(|x| *x == 0.0));
    is_sine(&left, 500.0).unwrap();
    // The project has the text.
    let saved = stage.ok("capture", json!({}))["module"]["krach"]["sources"]["patch:tone"]["text"].take();
    assert_eq!(saved, json!(tone(450.0, "")));
}

#[test]
fn a_node_has_a_patch_as_its_text_and_what_is_wrong_in_it_is_refused_with_line_and_column() {
    let mut stage = Stage::new("patch-text");
    stage.level();
    let wrong = tone(300.0, "").replace("frequency", "frequncy").replace("0.5", "5.0");
    let refused = stage.refused("node", json!({"name": "it", "source": wrong}));
    assert_eq!(refused["data"]["place"], "params.source", "{refused}");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("line 2, column") && message.contains("did you mean `frequency`"), "{refused}");
    assert!(message.contains("line 5, column"), "all at once: {refused}");
    stage.ok("node", json!({"name": "it", "source": tone(300.0, ""), "gain": 1.0}));
    stage.until("it sounds", |left, _| left.iter().any(|x| x.abs() > 0.4));
    stage.render(20);
    let node = stage.ok("describe", json!({"node": "it"}))["nodes"][0].take();
    assert_eq!(node["source"], "patch", "{node}");
    // Another text is another type, and goes on in the same phase.
    stage.ok("node", json!({"name": "it", "source": tone(300.0, RIGHT)}));
    let [left, _] = stage.until("the new text", |_, right| right.last().is_some_and(|x| *x > 0.2499));
    is_sine(&left, 300.0).unwrap();
    // In the document, and played from there.
    let module = stage.ok("capture", json!({}))["module"].take();
    assert_eq!(module["nodes"][0]["source"], json!(tone(300.0, RIGHT)));
    let mut other = Stage::new("patch-load");
    other.ok("load", json!({"module": module}));
    other.until("it sounds there", |left, right| left.iter().any(|x| x.abs() > 0.1) && right[0] > 0.05);
    // One line is enough of a text.
    let line = "{nodes: {one: {module: Tuner}, out: {module: AudioOut}}}";
    stage.ok("node", json!({"name": "line", "source": line}));
}

#[test]
fn patches_are_listed_compiled_defined_and_read() {
    let mut stage = Stage::new("patch-types");
    stage.save("mine.yaml", &tone(300.0, ""));
    let listed = stage.client.ask(r#"{"type":"list_nodes","reply_port":0}"#)["types"].take();
    for id in ["patch:mine", "patch:acid", "patch:demo_synth"] {
        assert!(listed.as_array().unwrap().contains(&json!(id)), "{listed}");
    }
    assert_eq!(stage.info("patch:mine")["origin"], "file");
    let acid = stage.info("patch:acid");
    assert_eq!((&acid["origin"], &acid["state"]), (&json!("factory"), &json!("listed")));
    let names: Vec<&str> =
        acid["controls"].as_array().unwrap().iter().filter_map(|c| c["name"].as_str()).collect();
    assert!(names.contains(&"filter/cutoff"), "{names:?}");
    let types = stage.ok("types", json!({"type": "patch:acid"}));
    assert_eq!(types["patch_folder"]["path"], json!(stage.folder));
    assert!(stage.ok("source", json!({"type": "patch:acid"}))["text"].as_str().unwrap().contains("nodes:"));
    // Compiled by what the text is.
    let compiled = stage.ok("compile", json!({"text": tone(300.0, "")}));
    assert_eq!(compiled["controls"][0]["name"], "osc/frequency");
    assert!(compiled["state_bytes"].as_u64().unwrap() > 100);
    let refused = stage.refused("compile", json!({"text": "nodes: {x: {module: Nothing}}"}));
    assert!(refused["message"].as_str().unwrap().contains("unknown module"), "{refused}");
    // Defined for this session, also in the place of the folder's; and given back.
    let defined = stage.ok("define", json!({"name": "patch:mine", "text": tone(400.0, "")}));
    assert_eq!(defined["type"], "patch:mine");
    stage.ok("define", json!({"name": "own", "text": tone(500.0, "")}));
    stage.level();
    stage.ok("node", json!({"name": "a", "source": "patch:mine", "gain": 1.0}));
    wire_client::until("the session's", || is_sine(&stage.render(8)[0], 400.0).is_ok());
    assert_eq!(stage.info("patch:own")["origin"], "session");
    stage.ok("define", json!({"name": "patch:mine"}));
    wire_client::until("the folder's again", || is_sine(&stage.render(8)[0], 300.0).is_ok());
    assert_eq!(stage.info("patch:mine")["origin"], "file");
}

#[test]
fn patterns_play_notes_and_parameters_and_a_clock_is_in_step_with_the_host() {
    let mut stage = Stage::new("patch-notes");
    stage.level();
    let text = "nodes:\n  keys: {module: MidiIn}\n  clock: {module: ClockSequencer}\n  out: {module: AudioOut}\ncables:\n  \
                - {from: keys, output: gate, to: out, input: left, scale: 0.5}\n  \
                - {from: clock, output: beat, to: out, input: right, scale: 0.5}\n";
    stage.ok("node", json!({"name": "it", "source": text, "gain": 1.0}));
    stage.ok("play", json!({"target": "it", "pattern": "C2 ~ C2 ~"}));
    stage.until("it plays", |left, _| left.iter().any(|x| *x > 0.4));
    // From here on: two bars. A cycle is two seconds, a note a quarter of it; a beat is half a second.
    let from = stage.samples;
    let [left, right] = stage.render(2 * 96_000 / FRAMES);
    let at = |frame: usize| (from as usize + frame) as i64;
    let rises = (1..left.len()).filter(|&n| left[n] > 0.4 && left[n - 1] < 0.1).map(at);
    // The cable is one sample late.
    assert!(
        rises.clone().count() >= 3 && rises.clone().all(|n| (n - 1) % 48_000 == 0),
        "{:?}",
        rises.collect::<Vec<_>>()
    );
    let beats: Vec<i64> = (0..right.len()).filter(|&n| right[n] > 0.4).map(at).collect();
    assert!(beats.len() == 8 && beats.iter().all(|n| (n - 1) % 24_000 == 0), "{beats:?}");
}

/// Two constants of a patch: an octave on the left, cents on the right, made visible by scales of a tenth and one.
const CONSTANTS: &str = "nodes:\n  whole: {module: Tuner}\n  fine: {module: Tuner}\n  out: {module: AudioOut}\ncables:\n  \
                         - {from: whole, output: out, to: out, input: left, scale: 0.1}\n  \
                         - {from: fine, output: out, to: out, input: right}\n";

#[test]
fn patterns_automations_macros_and_controllers_move_the_parameters_of_a_patch() {
    let mut stage = Stage::new("patch-moves");
    stage.level();
    stage.ok("node", json!({"name": "it", "source": CONSTANTS, "gain": 1.0}));
    // A pattern, with whole numbers on their frames: a cycle is two seconds.
    let octave = |value: f64| json!({"op": "Atom", "value": {"type": "Control", "label": "it/whole/octave", "value": value}});
    let pattern = json!({"op": "Cat", "children": [octave(1.0), octave(3.0)]});
    stage.ok("play", json!({"target": "it", "pattern": pattern}));
    stage.until("the pattern", |left, _| left.iter().all(|x| (x - 0.3).abs() < 1e-6));
    let from = stage.samples;
    let [left, _] = stage.render(2 * 96_000 / FRAMES);
    let moved: Vec<i64> =
        (1..left.len()).filter(|&n| left[n] != left[n - 1]).map(|n| n as i64 + from).collect();
    // Each half of a cycle, and a frame later by the cable.
    assert!(moved.len() == 4 && moved.iter().all(|n| (n - 1) % 48_000 == 0), "{moved:?}");
    stage.ok("hush", json!({"target": "it"}));
    // An automation: a ramp over a bar, from where the bar begins.
    stage.ok("automate", json!({"label": "it/fine/cent", "shape": "ramp", "lo": 0, "hi": 100, "bars": 1}));
    let mut top = 0.0_f32;
    stage.until("the automation", |_, right| {
        top = right.iter().copied().fold(top, f32::max);
        top > 0.08 && right[0] < 0.02
    });
    let described = stage.ok("describe", json!({"node": "it"}))["nodes"][0]["controls"].take();
    let cent = described.as_array().unwrap().iter().find(|control| control["name"] == "fine/cent").unwrap();
    assert!(cent["moved_by"]["automation"].is_string(), "{cent}");
    let id = cent["moved_by"]["automation"].as_str().unwrap().to_owned();
    stage.ok("clear_automation", json!({"id": id}));
    // A macro of the host, over the whole range; and one of a whole number, in equal parts.
    stage.ok("macro", json!({"macro": 1, "label": "it/fine/cent"}));
    stage.ok("macro", json!({"macro": 1, "label": "it/whole/octave", "lo": 0, "hi": 4}));
    for (value, cents, octave) in [(1.0, 100.0, 4.0), (0.5, 0.0, 2.0), (0.25, -50.0, 1.0)] {
        let event = ParamEvent { offset: 100, param: ParamId::Macro(0), value, modulation: 0.0 };
        stage.params.push(event);
        stage.until("the macro", |left, right| {
            left.iter().all(|x| (x - 0.1 * octave).abs() < 1e-6)
                && right.iter().all(|x| (x - cents / 1_200.0).abs() < 1e-6)
        });
    }
    // A controller that was learned.
    stage.ok("midi_learn", json!({"label": "it/fine/cent", "lo": 0, "hi": 50}));
    stage.render(1);
    let controller = |value: u8| HostEvent { offset: 3, what: HostEventKind::Midi([0xb0, 21, value]) };
    stage.played.push(controller(64));
    wire_client::until("it is learned", || {
        stage.render(1);
        stage.ok("midi_list", json!({}))["maps"].to_string().contains("it/fine/cent")
    });
    stage.played.push(controller(127));
    stage.until("the controller", |_, right| right.iter().all(|x| (x - 50.0 / 1_200.0).abs() < 1e-6));
}

const STEPS: &str = "nodes:\n  clock: {module: ClockSequencer}\n  seq: {module: StepSequencer, length: 4, params: {steps: \
                     [C3, C4]}}\n  out: {module: AudioOut}\ncables:\n  - {from: clock, output: beat, to: seq, input: clock}\n  \
                     - {from: seq, output: pitch, to: out, input: left, scale: 0.1}\n";

#[test]
fn the_steps_of_a_patch_are_settings_of_its_node() {
    let mut stage = Stage::new("patch-settings");
    stage.level();
    stage.save("steps.yaml", STEPS);
    let info = stage.info("patch:steps");
    assert_eq!(info["settings"][0]["name"], "seq/steps");
    assert_eq!(info["settings"][0]["default"], json!(["C3", "C4"]));
    // A patch that nothing plays yet, and a text: what it does not take is refused with its place.
    let node = |source: &str, settings: Value| json!({"name": "it", "source": source, "gain": 1.0, "settings": settings});
    for source in ["patch:steps", STEPS] {
        let refused = stage.refused("node", node(source, json!({"seq/steps": ["C3", "H3"]})));
        assert_eq!(refused["data"]["place"], "params.settings[\"seq/steps\"][1]", "{refused}");
        assert_eq!(refused["message"], "found `H3`", "{refused}");
        assert!(refused["data"]["hint"].as_str().unwrap().contains("a note like `C3`"), "{refused}");
        let refused = stage.refused("node", node(source, json!({"seq/step": ["C3"]})));
        assert_eq!(refused["data"]["hint"], "did you mean seq/steps?", "{refused}");
    }
    let refused = stage.refused("node", node("patch:steps", json!({"seq/steps": 7})));
    assert!(refused["message"].as_str().unwrap().contains("a text or a list of texts"), "{refused}");
    assert!(stage.ok("describe", json!({}))["nodes"].as_array().unwrap().is_empty());
    // C3 is one octave, which the cable makes 0.1.
    stage.ok("node", node("patch:steps", json!({"seq/steps": ["C3"]})));
    stage.until("C3", |left, _| left.iter().all(|x| (x - 0.1).abs() < 1e-4));
    // While it plays: the clock goes on, the next beat has the new step, and nothing else changes.
    stage.ok("node", json!({"name": "it", "settings": {"seq/steps": ["C5"]}}));
    let [left, _] = stage.until("C5", |left, _| left.iter().all(|x| (x - 0.3).abs() < 1e-4));
    let other: Vec<f32> =
        left.iter().copied().filter(|x| (x - 0.1).abs() > 1e-4 && (x - 0.3).abs() > 1e-4).collect();
    assert!(other.is_empty(), "no fade: {other:?}");
    let refused = stage
        .refused("node", json!({"name": "it", "settings": {"seq/steps": ["C3", "C3", "C3", "C3", "C3"]}}));
    assert_eq!(refused["data"]["place"], "params.settings[\"seq/steps\"]", "{refused}");
    let described = stage.ok("describe", json!({"node": "it"}))["nodes"][0]["settings"].take();
    assert_eq!(
        (&described[0]["value"], &described[0]["given"]),
        (&json!(["C5"]), &json!(true)),
        "{described}"
    );
    // Saved with the project; a save of the file leaves what the node says.
    let module = stage.ok("capture", json!({}))["module"].take();
    assert_eq!(module["krach"]["nodes"]["it"]["settings"], json!({"seq/steps": ["C5"]}));
    stage.save("steps.yaml", &STEPS.replace("C3, C4", "C6"));
    wire_client::until("the new file", || {
        stage.info("patch:steps")["settings"][0]["default"] == json!(["C6"])
    });
    let [left, _] = stage.render(400);
    assert!(left.iter().all(|x| (x - 0.3).abs() < 1e-4));
    // A file without the sequencer: the setting is told, not lost, and counts again.
    stage.save("steps.yaml", &tone(300.0, ""));
    stage.until("the tone", |left, _| left.iter().any(|x| *x < -0.4));
    let problems = stage.ok("status", json!({}))["problems"].to_string();
    assert!(problems.contains("the setting seq/steps of node 'it' is not played"), "{problems}");
    let described = stage.ok("describe", json!({"node": "it"}))["nodes"][0]["settings"].take();
    assert!(described[0]["unfit"].is_string() && described[0]["takes"].is_null(), "{described}");
    stage.save("steps.yaml", STEPS);
    stage.until("C5 again", |left, _| left.iter().all(|x| (x - 0.3).abs() < 1e-4));
    wire_client::until("the problem is over", || {
        stage.render(1);
        stage.ok("status", json!({}))["problems"] == json!([])
    });
    // A step back, past what was refused.
    stage.ok("undo", json!({}));
    stage.until("C3 again", |left, _| left.iter().all(|x| (x - 0.1).abs() < 1e-4));
    // In another session, played from the document.
    let mut other = Stage::new("patch-settings-load");
    other.ok("load", json!({"module": module}));
    other.until("it sounds there", |left, _| left.iter().all(|x| *x > 0.05));
    let described = other.ok("describe", json!({"node": "it"}))["nodes"][0]["settings"].take();
    assert_eq!(described[0]["value"], json!(["C5"]));
}

/// Bars on the left and beats on the right, each a frame late by its cable.
const BARS: &str = "nodes:\n  clock: {module: ClockSequencer}\n  out: {module: AudioOut}\ncables:\n  \
                    - {from: clock, output: bar, to: out, input: left, scale: 0.5}\n  \
                    - {from: clock, output: beat, to: out, input: right, scale: 0.5}\n";

#[test]
fn the_bars_of_a_patch_are_the_hosts_through_a_change_of_meter_and_a_jump() {
    let mut stage = Stage::new("patch-bars");
    stage.level();
    stage.ok("node", json!({"name": "it", "source": BARS, "gain": 1.0}));
    stage.until("it plays", |left, _| left.iter().any(|x| *x > 0.4));
    // From position 8 on, which is a whole block: two bars of 4/4, then 7/8 from 16 on.
    let beat = 24_000;
    stage.samples = 8 * beat;
    let mut sides = [Vec::new(), Vec::new()];
    let mut add = |sound: [Vec<f32>; 2]| sides.iter_mut().zip(sound).for_each(|(all, part)| all.extend(part));
    let blocks = 8 * beat as usize / FRAMES;
    add(stage.render_in((4, 4), Some(8.0), blocks / 2));
    add(stage.render_in((4, 4), Some(12.0), blocks / 2));
    add(stage.render_in((7, 8), Some(16.0), blocks));
    // Back, by a jump, into the last bar of 4/4.
    stage.samples = 12 * beat;
    add(stage.render_in((4, 4), Some(12.0), blocks / 2));
    add(stage.render_in((7, 8), Some(16.0), blocks / 2));
    let at = |side: &[f32]| -> Vec<f64> {
        let high = (0..side.len()).filter(|&n| side[n] > 0.4);
        // In quarter notes since the first block; those of the second and a half bar of 7/8 are between frames of blocks.
        high.map(|n| (n as f64 - 1.0) / beat as f64).collect()
    };
    assert_eq!(at(&sides[0]), [0.0, 4.0, 8.0, 11.5, 15.0, 16.0, 20.0, 23.5]);
    let beats = [
        0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 11.5, 12.5, 13.5, 14.5, 15.0, 16.0,
        17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 23.5,
    ];
    assert_eq!(at(&sides[1]), beats);
}

#[test]
fn the_hosts_keys_play_a_patch() {
    let mut stage = Stage::new("patch-keys");
    stage.level();
    let text = "nodes:\n  keys: {module: MidiIn}\n  out: {module: AudioOut}\ncables:\n  \
                - {from: keys, output: pitch, to: out, input: left, scale: 0.1}\n  \
                - {from: keys, output: gate, to: out, input: right, scale: 0.5}\n";
    stage.ok("node", json!({"name": "it", "source": text, "gain": 1.0}));
    stage.ok("midi_route", json!({"channel": "omni", "node": "it"}));
    stage.render(20);
    let midi = |offset: u32, bytes: [u8; 3]| HostEvent { offset, what: HostEventKind::Midi(bytes) };
    // C4 is two octaves above C2. It sounds from its frame on, a frame later by the cable.
    stage.played.push(midi(100, [0x90, 60, 100]));
    let [pitch, gate] = stage.render(1);
    assert_eq!((gate[100], gate[101]), (0.0, 0.5));
    assert!((pitch[101] - 0.2).abs() < 1e-6, "{}", pitch[101]);
    // The wheel bends it by two semitones.
    stage.played.push(midi(7, [0xe0, 127, 127]));
    stage.until("the bend", |pitch, _| pitch.iter().all(|x| (x - 0.1 * (2.0 + 2.0 / 12.0)).abs() < 1e-4));
    stage.played.push(midi(50, [0x80, 60, 0]));
    let [_, gate] = stage.render(1);
    assert_eq!((gate[50], gate[51]), (0.5, 0.0));
}

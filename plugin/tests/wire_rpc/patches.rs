//! Patches: files of the folder, texts of nodes and of the session; what plays while they change.

use std::path::PathBuf;

use krach::instance::{HostHooks, Instance};
use krach::socket::Addresses;
use krach_core::clock::{HostTransport, TransportAt};
use krach_core::processor::{Block, MidiOut, Processor};
use serde_json::{Value, json};

use crate::wire_client::{self, Client, Home, client_of};

const FRAMES: usize = 256;

/// An instance with a folder for patches, and a host that renders when it is told to.
struct Stage {
    client: Client,
    processor: Processor,
    midi_out: MidiOut,
    samples: i64,
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
        Self { client, processor, midi_out, samples: 0, instance, folder, home }
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

    /// The next blocks of a host that plays at 120 bpm.
    fn render(&mut self, blocks: usize) -> [Vec<f32>; 2] {
        let mut all = [Vec::new(), Vec::new()];
        for _ in 0..blocks {
            let (mut left, mut right) = (vec![0.0; FRAMES], vec![0.0; FRAMES]);
            let transport = HostTransport {
                playing: true,
                tempo: Some(120.0),
                beats: Some(self.samples as f64 / 24_000.0),
                seconds: Some(self.samples as f64 / 48_000.0),
                samples: Some(self.samples),
                time_signature: Some((4, 4)),
                ..HostTransport::default()
            };
            self.midi_out.clear();
            self.processor.process(Block {
                frames: FRAMES,
                transport: &[TransportAt { offset: 0, transport }],
                offline: false,
                input: [&[], &[]],
                main: [&mut left, &mut right],
                stems: &mut [],
                params: &[],
                played: &[],
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

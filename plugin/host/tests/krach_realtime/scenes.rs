//! Scenes that the host switches on every sixteenth, by its parameter and by program changes: each is ready on its sample,
//! and nothing forbidden happens.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use krach_host::guard::{MainWork, Scenario, run_guarded};
use krach_host::transport::Blocks;
use krach_host::{Client, InputKind, MainThread, TimedInput};
use serde_json::{Value, json};

use super::cases::{SECOND, assert_all_taken, assert_quiet_thread_and_sound, own_home};
use super::krach_support::session::{atom, cat, hits, play};
use super::krach_support::{Dice, plugin};

/// A sixteenth at 120 bpm.
const SIXTEENTH: u64 = SECOND / 8;
/// A scene switches so many frames behind a sixteenth: more than the longest block has.
const BEHIND: u64 = 400;

/// nice-plug's hash of `scene`: projects hold it.
pub const SCENE: u32 = 109_254_796;

const NAMES: [&str; 4] = ["verse", "chorus", "bridge", "end"];

/// A request of JSON-RPC.
pub fn call(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

/// Four scenes: code that was compiled, voices for the host's notes, patterns, an automation, a mute, a send, a stem, tempo
/// and master differ from one to the next.
fn four_scenes() -> Vec<String> {
    let define = |name: &str, text: &str| call("define", &json!({"name": name, "text": text}));
    let node = |name: &str, source: &str, more: Value| {
        let mut params = json!({"name": name, "source": source, "gain": 0.25});
        params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call("node", &params)
    };
    let save = |at: usize, transport: bool| {
        call("scene_save", &json!({"name": NAMES[at], "number": at + 1, "transport": transport}))
    };
    let pitches = cat((1..6).map(|n| atom("drone/freq", f64::from(n) * 55.0)).collect());
    vec![
        define(
            "swell",
            "process = button(\"gate\") * hslider(\"level\", 0.5, 0, 1, 0.001) * 0.001 : + ~ *(0.999);",
        ),
        define("echo", "process = + ~ (@(4800) : *(0.5));"),
        node("drone", "oscillator", json!({})),
        node("bass", "faust:swell", json!({})),
        play("bass", &hits("bass/gate", 8)),
        call("macro", &json!({"macro": 1, "label": "drone/freq", "lo": 60, "hi": 600, "name": "Pitch"})),
        call("macro", &json!({"macro": 2, "label": "bass/gain", "lo": 0, "hi": 1})),
        save(0, false),
        node("lead", "oscillator", json!({"count": 4, "stem": 1})),
        call("midi_route", &json!({"channel": "omni", "node": "lead"})),
        save(1, true),
        call("remove", &json!({"node": "lead"})),
        call("mute", &json!({"node": "bass", "on": true})),
        call("automate", &json!({"label": "drone/freq", "shape": "sine", "lo": 100, "hi": 300, "bars": 1})),
        save(2, false),
        call("mute", &json!({"node": "bass", "on": false})),
        node("echo", "faust:echo", json!({"num_inputs": 1})),
        call("connect", &json!({"source": "bass", "target": "echo", "level": 0.5})),
        call("clear_automation", &json!({"id": "drone/freq"})),
        play("drone", &pitches),
        call("master", &json!({"gain": 0.5})),
        save(3, false),
    ]
}

/// The scene that is recalled on that sixteenth.
fn number(sixteenth: u64) -> u8 {
    1 + (sixteenth % 4) as u8
}

/// The scenes on each sixteenth but the first, and notes, macros and modulation between.
fn performance(sixteenths: u64) -> Vec<TimedInput> {
    let switch = |at: u64| {
        let kind = match (at / 4 + at) % 2 {
            0 => InputKind::Param { id: SCENE, value: f64::from(number(at)) },
            _ => InputKind::Midi([0xc0, number(at) - 1, 0]),
        };
        TimedInput { frame: at * SIXTEENTH + BEHIND, kind }
    };
    let mut dice = Dice(23);
    let mut between = |at: u64| {
        let amount = dice.below(1000) as f64 / 1000.0;
        let key = 48 + dice.below(24) as u16;
        let kind = match dice.below(5) {
            0 => InputKind::NoteOn { channel: 0, key, velocity: 0.8 },
            1 => InputKind::NoteOff { channel: 0, key, velocity: 0.0 },
            2 => InputKind::Param { id: 3428, value: amount },
            3 => InputKind::Param { id: 3429, value: amount },
            _ => InputKind::ParamMod { id: 3428, amount: amount - 0.5 },
        };
        TimedInput { frame: at * SIXTEENTH / 4 + dice.below(SIXTEENTH as usize / 4) as u64, kind }
    };
    (1..=sixteenths).map(switch).chain((0..4 * sixteenths).map(&mut between)).collect()
}

/// A client that follows what is recalled.
struct Follower {
    client: Client,
    /// Recalls that it was told of, and how many of them were late.
    recalled: u64,
    late: u64,
}

thread_local! {
    static FOLLOWER: RefCell<Option<Follower>> = const { RefCell::new(None) };
}

impl Follower {
    fn of(instance: &dyn MainThread) -> Self {
        let client = Client::connect(instance.socket().expect("it has one")).expect("it answers");
        let mut follower = Self { client, recalled: 0, late: 0 };
        follower.ask("subscribe", &json!({"topics": ["scenes"]}));
        follower
    }

    /// The answer to a request; events that come before it are counted.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.client.send(&call(method, params)).expect("it is taken");
        loop {
            let line = self.client.wait(method, Duration::from_secs(30)).expect("an answer");
            let line: Value = serde_json::from_str(&line).expect("JSON");
            if line["method"] != "event" {
                assert!(line["error"].is_null(), "{line}");
                return line["result"].clone();
            }
            self.recalled += 1;
            self.late += u64::from(line["params"]["late"] == true);
        }
    }
}

/// Waits until the scene of the last sixteenth plays and all are ready again. No block with the next one is processed
/// meanwhile, so that how fast the machine is does not matter.
fn wait_for_the_scenes(instance: &mut dyn MainThread, turn: u64) {
    if !turn.is_multiple_of(2) {
        return;
    }
    FOLLOWER.with_borrow_mut(|follower| {
        let follower = follower.get_or_insert_with(|| Follower::of(instance));
        // None is recalled on the first: what was saved last plays.
        let plays = NAMES[usize::from(if turn == 0 { 4 } else { number(turn / 2) }) - 1];
        let since = Instant::now();
        loop {
            let list = follower.ask("scenes", &json!({}));
            let scenes = list["scenes"].as_array().expect("a list");
            // The event of a recall may come after the answer.
            let told = follower.recalled >= turn / 2;
            if told && list["current"] == plays && scenes.iter().all(|scene| scene["ready"] == true) {
                return;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "{plays} is awaited: {list}");
            std::thread::sleep(Duration::from_micros(500));
        }
    });
}

fn switch(sixteenths: u64) {
    let _home = own_home();
    let guarded = run_guarded(&Scenario {
        blocks: Blocks::Random { seed: 3, min: 1, max: 200 },
        // So far that the last one was waited for.
        frames: (sixteenths + 1) * SIXTEENTH + SIXTEENTH / 2 + 1,
        events: performance(sixteenths),
        setup: four_scenes(),
        main_work: Some(MainWork { every: SIXTEENTH / 2, act: wait_for_the_scenes }),
        speed: f64::INFINITY,
        ..Scenario::of(plugin())
    })
    .unwrap();
    assert_all_taken(&guarded);
    assert_quiet_thread_and_sound(&guarded);
    FOLLOWER.with_borrow(|follower| {
        let Follower { recalled, late, .. } = follower.as_ref().expect("it has waited");
        println!(
            "{recalled} recalls, {late} late; worst block of {}: {:?}",
            guarded.blocks, guarded.worst_block
        );
        assert_eq!((*recalled, *late), (sixteenths, 0));
    });
}

pub fn scenes_that_switch_on_every_sixteenth_touch_nothing_forbidden() {
    switch(64);
}

pub fn soak_five_minutes_of_scenes_that_switch_on_every_sixteenth() {
    switch(5 * 60 * 8);
}

/// Saves, recalls and changes of scenes and macros, as clients make them; each line may follow each other.
pub fn edits() -> Vec<String> {
    let mut lines = Vec::new();
    for number in 1..5 {
        let name = NAMES[number - 1];
        lines.push(call("scene_save", &json!({"name": name, "number": number, "transport": number == 2})));
        lines.push(call("scene_recall", &json!({"scene": number, "secs": 0.01 * number as f64})));
        lines.push(call("scenes", &json!({})));
        lines.push(call(
            "macro",
            &json!({"macro": number, "label": "a/freq", "lo": 100 * number, "hi": 2000}),
        ));
        lines.push(call("macros", &json!({})));
        lines.push(call("unmacro", &json!({"macro": number})));
        lines.push(call("undo", &json!({})));
        lines.push(call("redo", &json!({})));
    }
    lines
}

/// Scenes that the host asks for, with and without a chance that they are ready.
pub fn asked_for(frames: u64) -> impl Iterator<Item = TimedInput> {
    (1..frames / 1_500).map(|turn| {
        let kind = match turn % 3 {
            0 => InputKind::Midi([0xc0, (turn % 5) as u8, 0]),
            _ => InputKind::Param { id: SCENE, value: (turn % 5) as f64 },
        };
        TimedInput { frame: turn * 1_500, kind }
    })
}

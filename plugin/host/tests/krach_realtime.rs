//! krach's audio thread neither allocates nor frees nor locks nor makes a system call, whatever
//! clients, the host's main thread and the transport do meanwhile. That the guards catch what they
//! are for is shown by the program `guards`.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
krach_host::interpose_malloc!();

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod krach_support;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[path = "krach_realtime/patches.rs"]
mod patches;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[path = "krach_realtime/scenes.rs"]
mod scenes;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use krach_host::guard::{Case, Flood, Guarded, MainWork, Scenario, Stall, alloc, run_guarded};
    use krach_host::transport::{Action, Announce, Blocks, Landing, LoopStyle, Report, Script, When};
    use krach_host::{InputKind, Instance, Library, MainThread, TimedInput};
    use serde_json::{Value, json};

    use super::krach_support::home::Home;
    use super::krach_support::session::{at, atom, cat, gate_session, hits, play, two_voices, wire};
    use super::krach_support::{Dice, Format, plugin};
    use super::{patches, scenes};

    pub const ALL: [Case; 14] = [
        (
            "a_thousand_edits_of_every_kind_a_second_touch_nothing_forbidden",
            a_thousand_edits_of_every_kind_a_second_touch_nothing_forbidden,
        ),
        (
            "graphs_that_overtake_each_other_are_freed_elsewhere",
            graphs_that_overtake_each_other_are_freed_elsewhere,
        ),
        ("states_loaded_while_playing_are_freed_elsewhere", states_loaded_while_playing_are_freed_elsewhere),
        ("full_rings_hold_nothing_up", full_rings_hold_nothing_up),
        (
            "a_sounding_node_reloaded_500_times_is_never_more_than_its_crossfade",
            a_sounding_node_reloaded_500_times_is_never_more_than_its_crossfade,
        ),
        (
            "a_host_without_transport_or_with_odd_ports_is_no_exception",
            a_host_without_transport_or_with_odd_ports_is_no_exception,
        ),
        ("as_a_vst3_it_touches_nothing_forbidden_either", as_a_vst3_it_touches_nothing_forbidden_either),
        (
            "a_patch_saved_500_times_under_its_sound_touches_nothing_forbidden",
            patches::a_patch_saved_500_times_under_its_sound_touches_nothing_forbidden,
        ),
        (
            "scenes_that_switch_on_every_sixteenth_touch_nothing_forbidden",
            scenes::scenes_that_switch_on_every_sixteenth_touch_nothing_forbidden,
        ),
        (
            "scenes_that_are_asked_for_while_clients_edit_touch_nothing_forbidden",
            scenes_that_are_asked_for_while_clients_edit_touch_nothing_forbidden,
        ),
        ("nor_do_they_as_a_vst3", nor_do_they_as_a_vst3),
        (
            "soak_five_minutes_of_scenes_that_switch_on_every_sixteenth",
            scenes::soak_five_minutes_of_scenes_that_switch_on_every_sixteenth,
        ),
        ("an_allocation_in_this_plugin_would_be_caught", an_allocation_in_this_plugin_would_be_caught),
        (
            "a_system_call_in_this_plugins_process_would_be_caught",
            a_system_call_in_this_plugins_process_would_be_caught,
        ),
    ];

    pub const SECOND: u64 = 48_000;

    /// Patterns, set and hushed: cheap ones and one near the limit of events.
    fn patterns() -> Vec<String> {
        let mut lines = Vec::new();
        for count in [1, 3, 16, 64, 500] {
            lines.push(play("a", &hits("a/gate", count)));
            lines.push(play("pitch", &cat((1..9).map(|n| atom("a/freq", f64::from(n) * 110.0)).collect())));
            let chance = json!({"op": "Degrade", "prob": 0.5, "seed": count, "child": hits("b/gate", count)});
            lines.push(json!({"cmd": "SetPatternFromZero", "slot": "b", "pattern": chance}).to_string());
            lines.push(json!({"cmd": "Hush", "slot": "a"}).to_string());
            let note = json!({"op": "Atom", "value":
                {"type": "Note", "channel": 1, "note": 40 + count % 40, "velocity": 90, "dur": 0.1}});
            lines.push(play("notes", &json!({"op": "Fast", "factor": [16, 1], "child": note})));
            let both: Vec<Value> = ["a", "c", "d"]
                .iter()
                .map(|slot| json!({"cmd": "SetPattern", "slot": slot, "pattern": hits("b/gate", count)}))
                .collect();
            lines.push(json!({"cmd": "Batch", "commands": both}).to_string());
            lines.push(json!({"cmd": "HushAll"}).to_string());
            lines.push(json!({"cmd": "Status"}).to_string());
        }
        lines
    }

    /// Controls by hand and by automation, the master, tempo and meter.
    fn controls() -> Vec<String> {
        let mut lines = Vec::new();
        for turn in 1..6 {
            let turn = f64::from(turn);
            for label in ["a/gate", "b/gate", "a/freq", "nobody/knows"] {
                lines.push(json!({"type": "set_control", "label": label, "value": turn * 0.3}).to_string());
            }
            for shape in ["sine", "tri", "ramp", "ramp_down", "square", "exp"] {
                lines.push(
                    json!({"type": "set_automation", "id": shape, "label": "b/freq", "shape": shape,
                           "lo": 30.0, "hi": 300.0 * turn, "period_secs": 0.01 * turn, "one_shot": turn > 3.0})
                    .to_string(),
                );
            }
            lines.push(json!({"type": "clear_automation", "id": "sine"}).to_string());
            lines.push(json!({"type": "set_master_gain", "gain": 0.2 * turn}).to_string());
            lines.push(json!({"cmd": "SetBpm", "bpm": 60.0 * turn}).to_string());
            lines.push(json!({"cmd": "SetBeatsPerCycle", "beats": turn}).to_string());
            let source = if turn == 3.0 { "internal" } else { "external" };
            lines.push(json!({"cmd": "SetClockSource", "source": source}).to_string());
            lines.push(
                json!({"type": "midi_map", "channel": 0, "cc": 7, "label": "a/freq", "lo": 50.0, "hi": 500.0})
                    .to_string(),
            );
        }
        lines
    }

    /// A graph with `voices` voices beside those of the patterns, and the sidechain in it.
    fn graph(voices: usize) -> String {
        let mut graph: Value = serde_json::from_str(&two_voices()).unwrap();
        let nodes = graph["nodes"].as_array_mut().unwrap();
        let mut wires = Vec::new();
        nodes.push(json!({"id": "side", "type_id": "adc_input"}));
        wires.push(wire("side", "out"));
        for voice in 0..voices {
            let (id, gain) = (format!("v{voice}"), format!("v{voice}_g"));
            nodes.push(json!({"id": id, "type_id": "oscillator",
                "controls": {"freq": 60.0 * (voice + 1) as f64, "waveform": voice % 3}}));
            nodes.push(json!({"id": gain, "type_id": "gain", "controls": {"gain": 0.01}}));
            wires.extend([wire(&id, &gain), wire(&gain, "out")]);
        }
        graph["connections"].as_array_mut().unwrap().extend(wires);
        graph.to_string()
    }

    /// Graphs loaded whole, and changed node by node; each line may follow each other.
    fn graphs() -> Vec<String> {
        let swap = |type_id: &str| {
            json!({"type": "graph_batch", "commands": [
                {"type": "remove_node", "id": "b"},
                {"type": "add_node", "id": "b", "type_id": type_id, "controls": {}},
                {"type": "connect", "from_node": "b", "from_port": "out", "to_node": "b_g", "to_port": "in"},
            ]})
            .to_string()
        };
        let cut = |verb: &str| {
            json!({"type": verb, "from_node": "a_g", "from_port": "out", "to_node": "out", "to_port": "in"})
                .to_string()
        };
        vec![
            graph(1),
            json!({"type": "start_input"}).to_string(),
            swap("gain"),
            graph(12),
            cut("disconnect"),
            cut("connect"),
            swap("oscillator"),
            graph(0),
            json!({"type": "expose_control", "label": "b/width", "node_id": "b", "control_name": "pulse_width"})
                .to_string(),
            graph(40),
        ]
    }

    /// Edits with a time: words, positions ahead, at hand, and long gone; some are overtaken.
    fn timed() -> Vec<String> {
        let mut lines = Vec::new();
        for turn in 0..8 {
            let ahead = f64::from(turn) * 0.7;
            for time in [json!("now"), json!("cycle"), json!("bar"), json!(ahead), json!(-3.25)] {
                lines.push(at(time.clone(), &play("timed", &hits("a/gate", 8))));
                lines.push(at(
                    time,
                    &json!({"type": "set_control", "label": "b/gate", "value": 0.2}).to_string(),
                ));
            }
            let both = json!({"cmd": "Batch", "commands": [
                {"cmd": "SetPattern", "slot": "timed", "pattern": hits("b/gate", 4)},
                {"cmd": "Hush", "slot": "a"},
                {"cmd": "SetBeatsPerCycle", "beats": 4},
            ]});
            lines.push(at(ahead + 0.5, &both.to_string()));
            lines.push(at(ahead, &graph(turn as usize)));
            lines.push(at("cycle", &json!({"cmd": "Hush", "slot": "timed"}).to_string()));
        }
        lines
    }

    /// Has the meters read as often as answers come: who begins to watch gets the levels at once, and then
    /// thirty times a second.
    fn watching() -> Vec<String> {
        let ask = |method: &str| {
            let topics = json!({"topics": ["meters", "transport"]});
            json!({"jsonrpc": "2.0", "id": 0, "method": method, "params": topics}).to_string()
        };
        vec![ask("subscribe"), json!({"cmd": "Status"}).to_string(), ask("unsubscribe")]
    }

    fn flood(lines: Vec<String>, clients: usize) -> Flood {
        Flood { lines, clients, read_replies: true }
    }

    /// A transport that does everything that a transport can do within ten seconds.
    fn restless() -> Script {
        let style = LoopStyle { announce: Announce::Silent, landing: Landing::Exact };
        let mut script = Script::playing(120.0).from_beat(-2.0).looping(1.0, 3.01, style);
        script.announce = Announce::Event;
        let mut dice = Dice(12);
        for turn in 1..60 {
            let when = When::Seconds(f64::from(turn) * 0.2);
            let action = match turn % 8 {
                0 => Action::Jump(dice.below(64) as f64 - 8.3),
                1 => Action::Tempo(40.0 + dice.below(200) as f64),
                2 => Action::Ramp { to: 60.0 + dice.below(100) as f64, seconds: 0.15 },
                3 => Action::Loop(Some((0.0, 0.05 + dice.below(4) as f64))),
                4 => Action::Stop,
                5 => Action::Play,
                6 => Action::Loop(None),
                _ => Action::Jump(0.5),
            };
            script = script.at(when, action);
        }
        script
    }

    /// Not a number, infinities, denormals, and sound.
    fn hostile_sidechain() -> Vec<Vec<f32>> {
        let odd = [f32::NAN, 0.5, f32::INFINITY, -0.5, f32::NEG_INFINITY, 1e-40, f32::MAX, 0.0];
        let side: Vec<f32> = (0..2048).map(|frame| odd[frame % 61 % odd.len()]).collect();
        vec![side.clone(), side]
    }

    /// Notes, controllers and parameters, every few blocks.
    fn events(frames: u64) -> Vec<TimedInput> {
        let mut dice = Dice(5);
        let kinds = |dice: &mut Dice| match dice.below(5) {
            0 => InputKind::NoteOn { channel: 0, key: dice.below(128) as u16, velocity: 0.8 },
            1 => InputKind::NoteOff { channel: 0, key: dice.below(128) as u16, velocity: 0.0 },
            2 => InputKind::Midi([0xb0, 7, dice.below(128) as u8]),
            3 => InputKind::Param { id: 3428, value: dice.below(1000) as f64 / 1000.0 },
            _ => InputKind::ParamMod { id: 3429, amount: dice.below(1000) as f64 / 1000.0 },
        };
        (0..frames / 700).map(|turn| TimedInput { frame: turn * 700, kind: kinds(&mut dice) }).collect()
    }

    /// Saves, loads what was saved, and tries to load damage.
    fn save_and_load(instance: &mut dyn MainThread, turn: u64) {
        let mut chunk = instance.save_state().expect("it saves");
        match turn % 3 {
            0 => instance.load_state(&chunk).expect("what was saved is a state"),
            1 => {
                let middle = chunk.len() / 2;
                chunk[middle] ^= 0x10;
                assert!(instance.load_state(&chunk).is_err(), "a damaged state was taken");
            }
            _ => {}
        }
    }

    pub fn assert_quiet_thread_and_sound(guarded: &Guarded) {
        guarded.assert_clean();
        let (left, right) = (&guarded.channels[0], &guarded.channels[1]);
        assert!(left.iter().chain(right).all(|sample| sample.is_finite()), "not a number came out");
        let sounding = left.iter().filter(|sample| **sample != 0.0).count();
        assert!(sounding > left.len() / 20, "only {sounding} of {} frames sound", left.len());
    }

    pub fn assert_all_taken(guarded: &Guarded) {
        for reply in &guarded.setup_replies {
            let refused = reply["status"] == "Error" || reply.get("error").is_some();
            assert!(!refused, "{reply}");
        }
    }

    pub fn own_home() -> Home {
        // SAFETY: each case runs in a process of its own that has no other thread yet.
        unsafe { Home::new() }
    }

    fn a_thousand_edits_of_every_kind_a_second_touch_nothing_forbidden() {
        let _home = own_home();
        let frames = 11 * SECOND;
        let setup: Vec<String> = [graphs(), patterns(), controls(), timed(), graphs()].concat();
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Random { seed: 9, min: 1, max: 200 },
            script: restless(),
            frames,
            events: events(frames),
            setup,
            floods: vec![
                flood(patterns(), 2),
                flood(controls(), 2),
                flood(graphs(), 1),
                flood(timed(), 1),
                flood(watching(), 1),
            ],
            requests_per_second: 1_000.0,
            main_work: Some(MainWork { every: SECOND / 5, act: save_and_load }),
            sidechain: hostile_sidechain(),
            speed: 2.0,
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.flooded >= 10_000, "only {} edits", guarded.flooded);
        assert!(guarded.main_turns >= 50, "only {} saves and loads", guarded.main_turns);
    }

    fn as_a_vst3_it_touches_nothing_forbidden_either() {
        let _home = own_home();
        let frames = 5 * SECOND;
        let setup: Vec<String> = [graphs(), patterns(), controls(), timed(), graphs()].concat();
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Random { seed: 10, min: 0, max: 200 },
            script: restless(),
            frames,
            events: events(frames),
            setup,
            floods: vec![flood(patterns(), 1), flood(controls(), 1), flood(graphs(), 1), flood(timed(), 1)],
            requests_per_second: 1_000.0,
            main_work: Some(MainWork { every: SECOND / 5, act: save_and_load }),
            speed: 2.0,
            ..Scenario::of(Format::Vst3.plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.flooded >= 4_000, "only {} edits", guarded.flooded);
        assert!(guarded.main_turns >= 20, "only {} saves and loads", guarded.main_turns);
    }

    /// Ready or not: loads, graphs and saves come between.
    fn ask_for_scenes(format: Format) {
        let _home = own_home();
        let frames = 3 * SECOND;
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Random { seed: 11, min: 1, max: 200 },
            script: restless(),
            frames,
            events: scenes::asked_for(frames).collect(),
            setup: [vec![graph(3), play("a", &hits("a/gate", 16))], scenes::edits()].concat(),
            floods: vec![flood(scenes::edits(), 2), flood(vec![graph(1), graph(4)], 1)],
            requests_per_second: 100.0,
            main_work: Some(MainWork { every: SECOND / 4, act: save_and_load }),
            ..Scenario::of(format.plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.flooded >= 250, "only {} edits", guarded.flooded);
    }

    fn scenes_that_are_asked_for_while_clients_edit_touch_nothing_forbidden() {
        ask_for_scenes(Format::Clap);
    }

    fn nor_do_they_as_a_vst3() {
        ask_for_scenes(Format::Vst3);
    }

    fn graphs_that_overtake_each_other_are_freed_elsewhere() {
        let _home = own_home();
        let guarded = run_guarded(&Scenario {
            // Long blocks: several graphs arrive while one is rendered, and overtake each other.
            blocks: Blocks::Fixed(2048),
            frames: 4 * SECOND,
            setup: vec![graph(3), play("a", &hits("a/gate", 32))],
            floods: vec![flood(vec![graph(3), graph(30)], 2), flood(graphs(), 2)],
            requests_per_second: 400.0,
            speed: 2.0,
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
    }

    fn states_loaded_while_playing_are_freed_elsewhere() {
        fn load(instance: &mut dyn MainThread, _turn: u64) {
            let chunk = instance.save_state().expect("it saves");
            instance.load_state(&chunk).expect("what was saved is a state");
        }
        let _home = own_home();
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Fixed(64),
            script: restless(),
            frames: 4 * SECOND,
            setup: vec![graph(20), play("a", &hits("a/gate", 64)), play("b", &hits("b/gate", 31))],
            floods: vec![flood(patterns(), 1)],
            // More often than the 20 ms in which an engine leaves.
            main_work: Some(MainWork { every: 480, act: load }),
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.main_turns >= 390, "only {} loads", guarded.main_turns);
    }

    fn full_rings_hold_nothing_up() {
        let _home = own_home();
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::Fixed(128),
            frames: 4 * SECOND,
            setup: [graphs(), vec![play("a", &hits("a/gate", 16))]].concat(),
            floods: vec![flood(patterns(), 1), flood(controls(), 1), flood(timed(), 1), flood(graphs(), 1)],
            // No block is processed while thousands of edits come in, four times.
            stalls: (0..4).map(|turn| Stall { frame: turn * SECOND, requests: 5_000 }).collect(),
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.flooded >= 20_000, "only {} edits", guarded.flooded);
    }

    /// What a sound renders after the reload of that number: a constant.
    fn level(reload: u64) -> f32 {
        0.25 + 0.01 * ((reload * 7) % 20) as f32
    }

    fn save_sound(reload: u64) {
        let folder = std::env::var("NOISE_DSP_DIR").expect("set by the case");
        let text = format!("process = {:?};\n", level(reload));
        std::fs::write(format!("{folder}/constant.dsp"), text).expect("our own file");
    }

    fn a_sounding_node_reloaded_500_times_is_never_more_than_its_crossfade() {
        const RELOADS: u64 = 500;
        const EVERY: u64 = 4096;
        /// Half a beat at 480 bpm.
        const FADE: f32 = 3000.0;

        thread_local! {
            static CLIENT: std::cell::RefCell<Option<krach_host::Client>> = const { std::cell::RefCell::new(None) };
            static HEARD: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
        }
        fn reload(instance: &mut dyn MainThread, turn: u64) {
            CLIENT.with_borrow_mut(|client| {
                let client = client.get_or_insert_with(|| {
                    let mut client = krach_host::Client::connect(instance.socket().unwrap()).unwrap();
                    let topics = json!({"jsonrpc": "2.0", "id": 0, "method": "subscribe", "params": {"topics": ["compiles"]}});
                    client.request(&topics.to_string()).unwrap();
                    client
                });
                save_sound(turn + 1);
                // Asking for the list makes the plugin look.
                client.send(&json!({"type": "list_nodes", "reply_port": 0}).to_string()).unwrap();
                let since = std::time::Instant::now();
                let mut listed = false;
                let mut compiled = 0;
                while !listed || compiled == 0 {
                    match client.poll().unwrap() {
                        Some(line) if line.contains("\"NodeTypes\"") => listed = true,
                        Some(line) if line.contains("\"compiles\"") => compiled += 1,
                        Some(line) => panic!("{line}"),
                        None => std::thread::sleep(std::time::Duration::from_micros(200)),
                    }
                    assert!(since.elapsed().as_secs() < 30, "reload {turn} was not heard of");
                }
                HEARD.set(HEARD.get() + compiled);
            });
        }
        let home = own_home();
        let folder = home.path().join("dsp");
        std::fs::create_dir(&folder).unwrap();
        // SAFETY: this process has no other thread yet.
        unsafe { std::env::set_var("NOISE_DSP_DIR", &folder) };
        save_sound(0);
        let mut nodes =
            vec![json!({"id": "out", "type_id": "dac"}), json!({"id": "x", "type_id": "faust:constant"})];
        // The load: they are rendered, and heard by nobody.
        nodes.extend((0..4).map(|pad| json!({"id": format!("pad{pad}"), "type_id": "faust:pad"})));
        let load = json!({"type": "load_graph", "nodes": nodes, "connections": [wire("x", "out")]});
        let pads: Vec<String> =
            (0..4).map(|pad| play(&format!("pad{pad}"), &hits(&format!("pad{pad}/gate"), 7))).collect();
        let guarded = run_guarded(&Scenario {
            script: Script::playing(480.0),
            frames: (RELOADS + 2) * EVERY,
            setup: [vec![load.to_string()], pads.clone()].concat(),
            floods: vec![flood(pads, 1)],
            main_work: Some(MainWork { every: EVERY, act: reload }),
            speed: f64::INFINITY,
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
        assert!(guarded.main_turns >= RELOADS, "only {} reloads", guarded.main_turns);
        assert!(HEARD.get() >= RELOADS, "only {} compiles were told of", HEARD.get());
        println!("worst block of {}: {:?}", guarded.blocks, guarded.worst_block);
        let left = &guarded.channels[0];
        // From where it first stands at a level: a node that is new comes in faster than a crossfade.
        let rests = |pair: &[f32]| pair[0] == pair[1] && (0..20).any(|at| level(at) == pair[0]);
        let begins = left.windows(2).position(rests).expect("it sounds");
        let (mut largest, mut least, mut most) = (0.0_f32, f32::MAX, 0.0_f32);
        for pair in left[begins..].windows(2) {
            largest = largest.max((pair[1] - pair[0]).abs());
            least = least.min(pair[1]);
            most = most.max(pair[1]);
        }
        assert!(largest <= 0.19 / FADE * 1.01, "a step of {largest}");
        assert!(least > 0.2499 && most < 0.4401, "from {least} to {most}");
        let heard: std::collections::BTreeSet<u32> =
            left.iter().filter(|x| (0..20).any(|at| level(at) == **x)).map(|x| x.to_bits()).collect();
        assert!(heard.len() >= 19, "only {} of 20 levels were reached", heard.len());
    }

    fn a_host_without_transport_or_with_odd_ports_is_no_exception() {
        let _home = own_home();
        let mut script = Script::playing(120.0).reporting(Report::null());
        for (second, report) in [(1.0, Report::seconds_only()), (2.0, Report::ardour())] {
            script = script.at(When::Seconds(second), Action::Report(report));
        }
        let guarded = run_guarded(&Scenario {
            blocks: Blocks::List(vec![0, 1, 17, 64, 333, 1024, 5000]),
            script,
            frames: 4 * SECOND,
            setup: vec![
                graph(2),
                json!({"cmd": "SetClockSource", "source": "internal"}).to_string(),
                play("a", &hits("a/gate", 16)),
            ],
            floods: vec![flood(patterns(), 1)],
            sidechain: hostile_sidechain(),
            ..Scenario::of(plugin())
        })
        .unwrap();
        assert_all_taken(&guarded);
        assert_quiet_thread_and_sound(&guarded);
    }

    fn an_allocation_in_this_plugin_would_be_caught() {
        let _home = own_home();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = Instance::create(&library, None).unwrap();
        alloc::take();
        let armed = alloc::Armed::new();
        // On the main thread, where it may allocate.
        let saved = instance.save_state();
        drop(armed);
        assert!(!saved.unwrap().is_empty());
        let caught = alloc::take();
        assert!(caught.calls > 0, "saving without allocating");
        let named = caught.callers.iter().any(|caller| caller.contains(".clap"));
        assert!(named, "{:?}", caught.callers);
    }

    fn a_system_call_in_this_plugins_process_would_be_caught() {
        fn go_offline(instance: &mut dyn MainThread, _turn: u64) {
            instance.set_offline(true).unwrap();
        }
        let _home = own_home();
        let guarded = run_guarded(&Scenario {
            frames: 20 * SECOND,
            setup: gate_session(4),
            floods: vec![flood(graphs(), 3)],
            // Offline, and only there, a block waits for edits, which takes a system call.
            main_work: Some(MainWork { every: SECOND / 2, act: go_offline }),
            ..Scenario::of(plugin())
        })
        .unwrap();
        let call = guarded.syscall.expect("an offline block waited for an edit");
        assert_eq!(call.name, "clock_nanosleep");
        assert!(call.callers.iter().any(|caller| caller.contains(".clap")), "{:?}", call.callers);
        assert!(guarded.first_caught_at.unwrap() >= SECOND / 4, "not before it was offline");
    }
}

//! Macros as hosts see and move them, in both formats.

use super::raw_host::vst3::{Asked, Input, Shape, Vst3, wide};
use super::requests::until;
use super::vst3::active;
use super::*;

use clap_sys::ext::params::{CLAP_PARAM_RESCAN_INFO, CLAP_PARAM_RESCAN_TEXT};

/// A level that macro 3 moves, as a wave that stands still.
fn moved() -> Vec<u8> {
    chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "osc", "type_id": "oscillator", "controls": {"amp": 0.5}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [{"from_node": "osc", "from_port": "out", "to_node": "out", "to_port": "in"}],
        })),
        serde_json::from_value(json!({"number": 3, "name": "Cutoff", "unit": "",
            "targets": [{"label": "osc/freq", "lo": 110.0, "hi": 1760.0}]}))
        .map(|state| Edit::Macro { number: 3, to: Some(Box::new(state)) })
        .unwrap(),
    ])
}

fn call(client: &mut BufReader<UnixStream>, method: &str, params: serde_json::Value) -> serde_json::Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    client.get_mut().write_all(format!("{request}\n").as_bytes()).unwrap();
    let mut line = String::new();
    client.read_line(&mut line).unwrap();
    let reply: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert!(reply["error"].is_null(), "{reply}");
    reply["result"].clone()
}

#[test]
fn a_macro_is_called_as_what_it_moves_while_active_and_automation_moves_the_sound_on_its_sample() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &moved(), 512);
    // The name comes with the session, on the main thread.
    assert!(until(|| {
        host.main_thread(&plugin);
        plugin.named("Cutoff").is_some()
    }));
    let cutoff = plugin.param("Cutoff");
    assert!(plugin.named("Macro 3").is_none() && plugin.named("Macro 2").is_some());
    assert_eq!(plugin.text(cutoff, 0.5), "440.0 Hz (110…1760)", "as the control's own scale has it");
    let all = CLAP_PARAM_RESCAN_INFO | CLAP_PARAM_RESCAN_TEXT | CLAP_PARAM_RESCAN_VALUES;
    assert!(host.heard.rescans.lock().unwrap().contains(&all));
    // A client maps another while it plays.
    let mut client = client();
    call(&mut client, "macro", json!({"macro": 1, "label": "osc/amp", "hi": 0.5, "curve": "s"}));
    assert!(until(|| {
        host.main_thread(&plugin);
        plugin.named("osc amp").is_some()
    }));
    assert!(until(|| {
        render(&plugin, &mut block, 512, &[512], &[]);
        let told = call(&mut client, "macros", json!({}));
        told["macros"][0]["macro"] == 1
    }));
    drop(client);
    plugin.destroy();

    let song = |sizes: &[usize], events: &[Event]| {
        let host = Host::new();
        let (plugin, mut block) = playing(&host, &moved(), 512);
        let sound = render(&plugin, &mut block, 4096, sizes, events);
        plugin.destroy();
        sound
    };
    let plain = song(&[512], &[]);
    let events = [Event::value(701, cutoff, 0.75), Event::value(2_222, cutoff, 0.25)];
    let whole = song(&[512], &events);
    let differs = |a: &[f32], b: &[f32]| a.iter().zip(b).position(|(a, b)| a.to_bits() != b.to_bits());
    let first = differs(&whole, &plain).expect("it moves the sound");
    assert!((701..=702).contains(&first), "{first}: a frequency is heard in the step behind its sample");
    for sizes in [&[17][..], &[333, 64], &[1]] {
        assert_eq!(differs(&song(sizes, &events), &whole), None, "blocks of {sizes:?}");
    }
    // VST3: the same samples. A point of its queue is a value from its frame on.
    let mut vst3 = active(&moved(), 512);
    let mut sound = Vec::new();
    while sound.len() < 4096 {
        let from = sound.len() as i32;
        let due = [(701, 0.75), (2_222, 0.25)].into_iter().filter(|(at, _)| (from..from + 512).contains(at));
        let points: Vec<_> = due.map(|(at, value)| (at - from, Input::Value(cutoff, value))).collect();
        sound.extend(vst3.render(512, &points, Shape::Whole).expect("it renders")[0].iter());
    }
    assert_eq!(differs(&sound, &whole), None);
}

#[test]
fn modulation_of_a_macro_is_heard_and_leaves_no_trace() {
    let _turn = alone();
    let host = Host::new();
    let chunk = chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "osc", "type_id": "oscillator", "controls": {"amp": 0.5}},
                {"id": "g", "type_id": "gain", "controls": {"gain": 0.75}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [
                {"from_node": "osc", "from_port": "out", "to_node": "g", "to_port": "in"},
                {"from_node": "g", "from_port": "out", "to_node": "out", "to_port": "in"},
            ],
        })),
        serde_json::from_value(json!({"number": 1, "targets": [{"label": "g/gain", "lo": 0.0, "hi": 1.0}]}))
            .map(|state| Edit::Macro { number: 1, to: Some(Box::new(state)) })
            .unwrap(),
    ]);
    let song = |modulated: bool| {
        let (plugin, mut block) = playing(&host, &chunk, 512);
        assert!(until(|| {
            host.main_thread(&plugin);
            plugin.named("g gain").is_some()
        }));
        let id = plugin.param("g gain");
        let mut sound = Vec::new();
        for n in 0..16 {
            block.frames = 512;
            block.events = match n {
                2 if modulated => vec![Event::modulation(100, id, 0.25)],
                5 if modulated => vec![Event::modulation(7, id, 0.0)],
                _ => Vec::new(),
            };
            assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
            sound.extend_from_slice(block.main());
        }
        let saved = plugin.save().unwrap();
        plugin.destroy();
        (sound, saved)
    };
    let (plain, saved) = song(false);
    let (heard, kept) = song(true);
    assert_eq!(heard[..1_124], plain[..1_124]);
    let ratio = peak(&heard[2_000..2_500]) / peak(&plain[2_000..2_500]);
    assert!((ratio - 1.0 / 0.75).abs() < 1e-3, "{ratio}");
    // 10 ms on the way back.
    assert!(heard[2_567 + 480..] == plain[2_567 + 480..], "to the bit");
    assert_eq!(saved, kept);
}

#[test]
fn a_state_sets_macros_without_moving_what_it_says_otherwise() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &moved(), 512);
    assert!(until(|| {
        host.main_thread(&plugin);
        plugin.named("Cutoff").is_some()
    }));
    let cutoff = plugin.param("Cutoff");
    render(&plugin, &mut block, 512, &[512], &[Event::value(9, cutoff, 0.75)]);
    let mut client = client();
    call(&mut client, "set", json!({"values": {"osc/freq": 220.0}}));
    let told = |client: &mut BufReader<UnixStream>| {
        let controls = call(client, "capture", json!({}))["module"]["controls"].clone();
        let freq = controls.as_array().unwrap().iter().find(|c| c["path"] == "osc/freq").cloned();
        freq.map(|c| c["value"].as_f64().unwrap())
    };
    let saved = plugin.save().expect("a state");
    render(&plugin, &mut block, 2_048, &[512], &[Event::value(9, cutoff, 0.5)]);
    assert!(until(|| told(&mut client) == Some(440.0)), "{:?}", told(&mut client));
    // While it plays: the value of the parameter comes back, and the control is what the state says.
    call(&mut client, "set", json!({"values": {"osc/freq": 330.0}}));
    assert!(plugin.load(&saved));
    assert_eq!(plugin.value(cutoff), 0.75);
    for _ in 0..8 {
        render(&plugin, &mut block, 512, &[512], &[]);
        assert_eq!(told(&mut client), Some(220.0));
    }
    render(&plugin, &mut block, 2_048, &[512], &[Event::value(9, cutoff, 1.0)]);
    assert!(until(|| told(&mut client) == Some(1_760.0)), "until it is moved: {:?}", told(&mut client));
    drop(client);
    plugin.destroy();
}

#[test]
fn a_vst3_host_is_told_of_titles_and_reads_them() {
    let _turn = alone();
    let plugin = active(&moved(), 512);
    let titled = |title: &str| plugin.infos().into_iter().find(|info| wide(&info.title) == title);
    assert!(until(|| {
        // The host calls the controller now and then, on the thread that gave it its handler.
        plugin.value(0);
        plugin.asked().contains(&Asked::Restart(TITLES))
    }));
    let info = titled("Cutoff").expect("macro 3");
    // Hosts put a unit behind a value's text, which has it already.
    assert_eq!((wide(&info.shortTitle), wide(&info.units)), ("Cutoff".into(), String::new()));
    assert!(titled("Macro 3").is_none());
    let restarts =
        |plugin: &Vst3| plugin.asked().iter().filter(|asked| **asked == Asked::Restart(TITLES)).count();
    let before = restarts(&plugin);
    let mut client = client();
    call(&mut client, "unmacro", json!({"macro": 3}));
    assert!(until(|| {
        plugin.value(0);
        restarts(&plugin) > before && titled("Macro 3").is_some()
    }));
    drop(client);
}

/// kParamTitlesChanged.
const TITLES: i32 = 1 << 4;

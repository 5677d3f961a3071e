//! The plugin as a host calls it, in good and in bad order: CLAP's side here, what VST3 has of its own in
//! `vst3`.

#![cfg(target_os = "linux")]

#[path = "clap_shell/busy.rs"]
mod busy;
#[path = "clap_shell/effect.rs"]
mod effect;
#[path = "clap_shell/events.rs"]
mod events;
#[path = "clap_shell/macros.rs"]
mod macros;
#[path = "clap_shell/presets.rs"]
mod presets;
mod raw_host;
#[path = "clap_shell/reproducible.rs"]
mod reproducible;
#[path = "clap_shell/requests.rs"]
mod requests;
#[path = "clap_shell/state.rs"]
mod state;
#[path = "clap_shell/time.rs"]
mod time;
#[path = "clap_shell/track.rs"]
mod track;
#[path = "clap_shell/vst3.rs"]
mod vst3;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use clap_sys::ext::params::{CLAP_PARAM_RESCAN_VALUES, clap_plugin_params};
use clap_sys::ext::render::{CLAP_EXT_RENDER, CLAP_RENDER_OFFLINE, clap_plugin_render};
use clap_sys::ext::state::{CLAP_EXT_STATE, clap_plugin_state};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::process::{CLAP_PROCESS_CONTINUE, CLAP_PROCESS_ERROR};
use krach::state::{Payload, encode};
use krach_core::edit::{At, Edit};
use krach_core::engine::Engine;
use krach_core::model::{InputState, Setting};
use krach_core::node::Registry;
use raw_host::block::{Block, Event, rolling};
use raw_host::{Host, Plugin, alone, our_threads, run_folder};
use serde_json::json;

const RATE: f64 = 48_000.0;
/// Frames of a quarter note at 120 bpm.
const BEAT: f64 = 24_000.0;

/// A chunk with a session that these edits make.
fn chunk(edits: Vec<Edit>) -> Vec<u8> {
    let mut engine = Engine::new(Registry::with_builtins());
    for edit in edits {
        engine.edit(edit, At::Now).expect("an edit that the engine accepts");
    }
    Payload::new(BTreeMap::new(), engine.save()).unwrap().encode().unwrap()
}

fn graph(graph: serde_json::Value) -> Edit {
    Edit::LoadGraph(serde_json::from_value(graph).unwrap())
}

/// A sine at -6 dB.
fn sine() -> Vec<u8> {
    chunk(vec![graph(json!({
        "nodes": [{"id": "osc", "type_id": "oscillator", "controls": {"amp": 0.5}}, {"id": "out", "type_id": "dac"}],
        "connections": [{"from_node": "osc", "from_port": "out", "to_node": "out", "to_port": "in"}],
    }))])
}

/// The sidechain, gated by a pattern: shut in the first half of each cycle, open in the second.
fn gated_input() -> Vec<u8> {
    let gate =
        |value| json!({"op": "Atom", "value": {"type": "Control", "label": "gate/gain", "value": value}});
    let pattern = json!({"op": "Cat", "children": [gate(0.0), gate(1.0)]});
    chunk(vec![
        graph(json!({
            "nodes": [
                {"id": "adc_in", "type_id": "adc_input"},
                {"id": "gate", "type_id": "gain", "controls": {"gain": 0.0}},
                {"id": "out", "type_id": "dac"},
            ],
            "connections": [
                {"from_node": "adc_in", "from_port": "out", "to_node": "gate", "to_port": "in"},
                {"from_node": "gate", "from_port": "out", "to_node": "out", "to_port": "in"},
            ],
            "exposed_controls": {"gate/gain": ["gate", "gain"]},
        })),
        Edit::Setting(Setting::Input(Some(InputState { channel: None }))),
        Edit::SetPattern {
            slot: "gate".into(),
            pattern: serde_json::from_value(pattern).unwrap(),
            from_zero: false,
            origin: None,
            swing: None,
        },
    ])
}

/// An active instance that plays a chunk, and a block for it.
fn playing(host: &Host, chunk: &[u8], max_frames: usize) -> (Plugin, Block) {
    let plugin = host.instance();
    assert!(plugin.load(chunk));
    assert!(plugin.activate(RATE, max_frames as u32));
    assert!(plugin.start());
    (plugin, Block::new(max_frames))
}

/// Main left of so many frames, in blocks of the given sizes over and over.
fn render(plugin: &Plugin, block: &mut Block, frames: usize, sizes: &[usize], events: &[Event]) -> Vec<f32> {
    let mut heard = Vec::new();
    let mut sizes = sizes.iter().cycle();
    while heard.len() < frames {
        let (from, size) = (heard.len(), (*sizes.next().unwrap()).min(frames - heard.len()));
        block.frames = size as u32;
        block.events = events.iter().filter_map(|event| shifted(event, from, size)).collect();
        assert_eq!(block.render(plugin, true), CLAP_PROCESS_CONTINUE);
        heard.extend_from_slice(block.main());
    }
    heard
}

/// A value event of a song in a block from `from` on, if it lies there.
fn shifted(event: &Event, from: usize, size: usize) -> Option<Event> {
    let Event::Value(mut value) = event.clone() else { panic!("only values") };
    let time = (value.header.time as usize).checked_sub(from).filter(|time| *time < size)?;
    value.header.time = time as u32;
    Some(Event::Value(value))
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

#[test]
fn nothing_starts_before_init_and_nothing_is_left_after_destroy() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.create();
    std::thread::sleep(Duration::from_millis(20));
    assert_eq!(our_threads(), [""; 0]);
    assert!(plugin.extension::<clap_plugin_params>(clap_sys::ext::params::CLAP_EXT_PARAMS).is_none());
    assert!(plugin.init());
    let named = (0..5000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        our_threads().iter().any(|name| name.starts_with("krach-control"))
    });
    assert!(named, "the control thread, once it has given itself its name");
    assert!(!sockets().is_empty());
    plugin.destroy();
    threads_are_gone();
    assert_eq!(sockets(), [""; 0]);
}

/// All threads have been joined. The system lists one that has just ended for a moment longer.
fn threads_are_gone() {
    for _ in 0..20 {
        if our_threads().is_empty() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("left behind: {:?}", our_threads());
}

/// Files that instances keep while they live.
fn sockets() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![run_folder()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if file.file_type().unwrap().is_dir() {
                folders.push(file.path());
            } else if file.path().extension().is_some_and(|end| end == "sock" || end == "json") {
                found.push(file.file_name().into_string().unwrap());
            }
        }
    }
    found
}

#[test]
fn calls_in_an_order_that_no_host_may_use_are_refused_or_harmless() {
    let _turn = alone();
    let host = Host::new();
    let mut block = Block::new(64);

    host.create().destroy();

    let plugin = host.create();
    assert!(!plugin.activate(RATE, 64), "before init");
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_ERROR, "before init");
    plugin.deactivate();
    plugin.reset();
    plugin.on_main_thread();
    assert!(!plugin.start());
    assert!(plugin.init());
    assert!(!plugin.init(), "twice");
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_ERROR, "before activate");
    for (rate, max) in [(0.0, 64), (f64::NAN, 64), (-1.0, 64), (RATE, 0)] {
        assert!(!plugin.activate(rate, max), "{rate} Hz, {max} frames");
    }
    assert!(plugin.activate(RATE, 64));
    assert!(plugin.activate(RATE, 32), "twice");
    assert_eq!(plugin.process(std::ptr::null()), CLAP_PROCESS_ERROR);
    block.output[0].fill(9.0);
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_ERROR, "more frames than agreed");
    assert_eq!(peak(&block.output[0]), 0.0);
    block.frames = 32;
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE, "the second activation counts");
    assert!(plugin.start() && plugin.start());
    plugin.stop();
    plugin.stop();
    plugin.deactivate();
    plugin.deactivate();
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_ERROR, "after deactivate");
    plugin.destroy();

    let plugin = host.instance();
    assert!(plugin.activate(RATE, 64) && plugin.start());
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
    plugin.destroy();
    threads_are_gone();
}

#[test]
fn a_host_without_ports_transport_or_events_is_served() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 256);
    for frames in [256, 0, 1, 255] {
        block.frames = frames;
        assert_eq!(block.render(&plugin, false), CLAP_PROCESS_CONTINUE);
    }
    // SAFETY: zero is a value of each field.
    let mut bare: clap_sys::process::clap_process = unsafe { std::mem::zeroed() };
    bare.frames_count = 256;
    assert_eq!(plugin.process(&bare), CLAP_PROCESS_CONTINUE);
    block.frames = 256;
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
    assert!(peak(block.main()) > 0.4, "it played all the while");
    plugin.destroy();
}

#[test]
fn tail_is_endless_and_offline_rendering_is_accepted() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 64);
    let tail = plugin.extension::<clap_plugin_tail>(CLAP_EXT_TAIL).unwrap();
    let mode = plugin.extension::<clap_plugin_render>(CLAP_EXT_RENDER).unwrap();
    // SAFETY: CLAP's calls.
    unsafe {
        assert_eq!(tail.get.unwrap()(plugin.raw), u32::MAX);
        assert!(!mode.has_hard_realtime_requirement.unwrap()(plugin.raw));
        assert!(mode.set.unwrap()(plugin.raw, CLAP_RENDER_OFFLINE));
    }
    assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
    assert!(plugin.extension::<u8>(c"no.such.extension").is_none());
    plugin.destroy();
}

#[test]
fn two_instances_know_nothing_of_each_other() {
    let _turn = alone();
    let host = Host::new();
    let (first, mut block) = playing(&host, &sine(), 256);
    let second = host.instance();
    assert!(second.activate(RATE, 256) && second.start());
    let master = second.param("Master");
    second.flush(&[Event::value(0, master, 0.0)]);
    assert_eq!((first.value(master), second.value(master)), (0.875, 0.0));
    assert_eq!(block.render(&second, true), CLAP_PROCESS_CONTINUE);
    assert_eq!(peak(block.main()), 0.0, "an empty session");
    second.destroy();
    assert_eq!(block.render(&first, true), CLAP_PROCESS_CONTINUE);
    assert!(peak(block.main()) > 0.4);
    let third = host.instance();
    first.destroy();
    assert!(third.activate(RATE, 256));
    assert_eq!(block.render(&third, true), CLAP_PROCESS_CONTINUE);
    third.destroy();
    threads_are_gone();
}

#[test]
fn the_master_at_0_db_changes_no_bit_and_moves_on_its_frame_without_a_click() {
    let _turn = alone();
    let host = Host::new();
    let song = |sizes: &[usize], moves: &[(u32, f64)]| {
        let (plugin, mut block) = playing(&host, &sine(), 1024);
        let master = plugin.param("Master");
        let events: Vec<_> = moves.iter().map(|&(time, value)| Event::value(time, master, value)).collect();
        let heard = render(&plugin, &mut block, 4096, sizes, &events);
        plugin.destroy();
        heard
    };
    let plain = song(&[1024], &[]);
    assert_eq!(song(&[1024], &[(0, 0.875), (700, 0.875)]), plain, "0 dB");
    let faded = song(&[1024], &[(700, 0.0)]);
    assert_eq!(faded[..700], plain[..700]);
    assert_ne!(faded[700..1180], plain[700..1180]);
    assert_eq!(peak(&faded[1180..]), 0.0, "silent 10 ms later");
    for sizes in [&[17][..], &[1], &[333, 64, 1000]] {
        assert_eq!(song(sizes, &[(700, 0.0)]), faded, "blocks of {sizes:?}");
    }
}

/// The first instance's socket, past its greeting.
fn client() -> BufReader<UnixStream> {
    let path = run_folder().join("krach-engine.sock");
    let mut client = BufReader::new(UnixStream::connect(path).expect("the fixed name"));
    client.read_line(&mut String::new()).unwrap();
    client
}

#[test]
fn destroying_while_a_client_edits_leaves_nothing_behind() {
    let _turn = alone();
    for _ in 0..20 {
        let host = Host::new();
        let (plugin, mut block) = playing(&host, &sine(), 64);
        let mut client = client();
        let editor = std::thread::spawn(move || {
            for bpm in 1.. {
                let line = format!("{{\"cmd\":\"SetBpm\",\"bpm\":{bpm}}}\n");
                if client.get_mut().write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
        block.render(&plugin, true);
        plugin.destroy();
        threads_are_gone();
        drop(host);
        editor.join().unwrap();
    }
}

#[test]
fn the_built_library_can_be_loaded_and_unloaded_again_and_again() {
    let _turn = alone();
    let exe = std::env::current_exe().unwrap();
    let library = exe.parent().unwrap().join("libkrach_bundle.so");
    for _ in 0..5 {
        // SAFETY: our own library, whose initialisers do nothing.
        let library =
            unsafe { libloading::Library::new(&library) }.expect("cargo builds the cdylib for its tests");
        // SAFETY: the symbol is of that type.
        let entry =
            unsafe { library.get::<*const clap_sys::entry::clap_plugin_entry>(b"clap_entry") }.unwrap();
        let host = Host::new();
        // SAFETY: a constant of the library.
        let plugin = host.create_from(unsafe { &**entry });
        assert!(plugin.init() && plugin.load(&sine()));
        assert!(plugin.activate(RATE, 64));
        let mut block = Block::new(64);
        assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
        assert!(peak(block.main()) > 0.1);
        plugin.destroy();
        // SAFETY: CLAP's last call.
        unsafe { (**entry).deinit.unwrap()() };
        threads_are_gone();
        library.close().unwrap();
    }
}

/// Counts what the watched thread allocates and frees.
struct Watched;

static COUNT: AtomicUsize = AtomicUsize::new(0);
thread_local!(static WATCH: Cell<bool> = const { Cell::new(false) });

fn count() {
    if WATCH.get() {
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: hands everything on to the system's allocator.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Watched = Watched;

#[test]
fn a_block_allocates_and_frees_nothing() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &gated_input(), 512);
    let ids: Vec<u32> = (1..=64).map(|n| plugin.param(&format!("Macro {n}"))).collect();
    let (master, panic, free) = (plugin.param("Master"), plugin.param("Panic"), plugin.param("Free Run"));
    COUNT.store(0, Ordering::SeqCst);
    for number in 0..400u32 {
        let t = number % 512;
        block.transport = (number % 3 > 0).then(|| rolling(f64::from(number) * 512.0 / BEAT, 120.0));
        block.events.clear();
        block.events.extend(ids.iter().map(|&id| Event::value(t, id, f64::from(number % 7) / 7.0)));
        block.events.extend((0..600).map(|n| Event::transport(n, rolling(f64::from(n), 90.0))));
        block.events.extend((0..600).map(|n| Event::value(511, master, f64::from(n) / 600.0)));
        block.events.extend([
            Event::value(511, panic, f64::from(number % 2)),
            Event::value(511, free, f64::from(number / 100 % 2)),
            Event::modulation(511, master, 0.1),
            Event::note_on(511, 60),
            Event::midi(511, [0xb0, 1, 2]),
        ]);
        WATCH.set(true);
        let status = block.render(&plugin, number % 5 > 0);
        WATCH.set(false);
        assert_eq!(status, CLAP_PROCESS_CONTINUE);
    }
    assert_eq!(COUNT.load(Ordering::SeqCst), 0);
    plugin.destroy();
}

//! Two thousand nodes, each of another FAUST text, while they arrive and once they are there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use krach::instance::Instance;
use krach_core::processor::{Block, MidiOut, Processor};
use serde_json::json;

use crate::wire_client::{Home, client_of};

/// Plays blocks on a thread of its own until it is told to stop.
fn play(mut processor: Processor, stop: Arc<AtomicBool>) -> std::thread::JoinHandle<()> {
    std::thread::spawn(move || {
        let (mut left, mut right) = ([0.0; 256], [0.0; 256]);
        let mut midi_out = MidiOut::with_capacity(64);
        while !stop.load(Ordering::Relaxed) {
            processor.process(Block {
                frames: 256,
                transport: &[],
                offline: false,
                input: [&[], &[]],
                main: [&mut left, &mut right],
                stems: &mut [],
                params: &[],
                played: &[],
                midi_out: &mut midi_out,
            });
            std::thread::sleep(Duration::from_millis(5));
        }
    })
}

fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells");
    let line = status.lines().find(|line| line.starts_with("VmHWM")).expect("known");
    line.split_whitespace().nth(1).expect("a number").parse::<u64>().expect("a number") >> 10
}

/// Adds `count` nodes and waits until all of them have their code; prints how long saves and `describe` took
/// meanwhile, and the memory.
pub fn run(count: usize) {
    let home = Home::new("crowd");
    let folder = home.path().join("dsp");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut addresses = home.addresses();
    addresses.dsp_folder = Some(folder);
    let instance = Instance::start_at(crate::wire_client::config(Default::default()), addresses);
    let stop = Arc::new(AtomicBool::new(false));
    let audio = play(instance.activate(48_000.0, 256).expect("it plays"), Arc::clone(&stop));
    let mut client = client_of(&instance);
    let node = |n: usize| {
        let text = format!("process = {}.0 : *(0.00001) : +~*(0.5);", n + 1);
        json!({"method": "node", "params": {"name": format!("n{n}"), "source": text}})
    };
    let requests: Vec<_> = (0..count).map(node).collect();
    let answer = client.call("batch", json!({"requests": requests}));
    assert!(answer.get("error").is_none(), "{answer}");
    let (mut save, mut describe) = (Duration::ZERO, Duration::ZERO);
    let began = Instant::now();
    loop {
        let before = Instant::now();
        assert!(instance.save_state_with([].into()).is_some(), "a save is the present session");
        save = save.max(before.elapsed());
        let before = Instant::now();
        let nodes = client.call("describe", json!({}));
        describe = describe.max(before.elapsed());
        let nodes = nodes["result"]["nodes"].as_array().expect("a list").clone();
        assert_eq!(nodes.len(), count);
        if let Some(failed) = nodes.iter().find(|node| node["state"] == "failed") {
            panic!("{failed}");
        }
        if nodes.iter().all(|node| node["state"] == "ready") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(3600), "they do not become ready");
        std::thread::sleep(Duration::from_millis(200));
    }
    println!(
        "{count} nodes ready after {:.1} s; longest save {save:.2?}, longest describe {describe:.2?}, {} MB at most",
        began.elapsed().as_secs_f64(),
        peak_memory()
    );
    stop.store(true, Ordering::Relaxed);
    audio.join().expect("it ends");
    instance.deactivate();
}

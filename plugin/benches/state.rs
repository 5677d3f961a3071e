//! Cost of a large project in the host's hands: the state chunk of a 4 MB session, saved and loaded.

use std::hint::black_box;
use std::time::Instant;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach_core::edit::{At, Edit};
use krach_core::node::Registry;
use krach_patterns::builders;

const RUNS: usize = 20;

fn instance() -> Instance {
    let config = InstanceConfig {
        format: "bench",
        host: None,
        registry: Registry::with_builtins(),
        hooks: HostHooks::default(),
    };
    // Without a folder there is no socket: nothing but the state is measured.
    Instance::start_at(config, Addresses::nowhere())
}

fn report<T>(name: &str, mut work: impl FnMut() -> T) -> T {
    let mut times = Vec::new();
    let mut result = None;
    for _ in 0..RUNS {
        let start = Instant::now();
        result = Some(black_box(work()));
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    println!("{name:<40} {:>8.2} ms median, {:>8.2} ms worst of {RUNS}", times[RUNS / 2], times[RUNS - 1]);
    result.expect("ran")
}

fn main() {
    let full = instance();
    for slot in 0..143 {
        let steps =
            (0..300).map(|k| builders::control(&format!("lead/control-{k}"), f64::from(k) / 7.0)).collect();
        let (slot, pattern) = (format!("slot {slot}"), builders::cat(steps));
        let edit = Edit::SetPattern { slot, pattern, from_zero: false, origin: None, swing: None };
        full.edit(edit, At::Now).expect("it answers").expect("it compiles");
    }
    let chunk = report("save a session of 4 MB to a chunk", || full.save_state());
    let size = krach::state::decode(&chunk).expect("our own").len();
    println!(
        "{:<40} {:>8.2} MB, as a chunk {:.2} MB",
        "the session",
        size as f64 / 1e6,
        chunk.len() as f64 / 1e6
    );
    let other = instance();
    report("load it, not active", || other.load_state(&chunk).expect("our own"));
    let playing = instance();
    let processor = playing.activate(48_000.0, 256).expect("it answers");
    report("load it, active (until the new engine is sent)", || playing.load_state(&chunk).expect("our own"));
    playing.deactivate();
    drop(processor);
}

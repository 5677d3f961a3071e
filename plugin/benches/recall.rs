//! Recall of a project with 32 nodes, each with a traced function of its own: until the processor is built
//! with all of their code, cold, from the disk, and from memory; against the `faust` command alone, which
//! compiles the same programs one by one.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach::state::Payload;
use krach_core::ir::Source;
use krach_core::node::Registry;
use serde_json::{Value, json};

const NODES: usize = 32;
const RUNS: usize = 7;

fn instance(folder: &Path) -> Instance {
    let config = InstanceConfig {
        format: "bench",
        host: None,
        registry: Registry::with_builtins(),
        hooks: HostHooks::default(),
    };
    // A folder for sounds that stays empty, and no socket.
    let dsp_folder = Some(folder.join("dsp"));
    Instance::start_at(config, Addresses { dsp_folder, ..Addresses::nowhere() })
}

/// The traced functions of the stored documents, each in as many variants as are needed.
fn functions() -> Vec<Value> {
    let here = env!("CARGO_MANIFEST_DIR");
    let read = |name: &str| -> Value {
        let text = std::fs::read(format!("{here}/../core/tests/documents/{name}.json")).expect("stored");
        serde_json::from_slice(&text).expect("JSON")
    };
    let (bass, band) = (read("bass_into_reverb"), read("full_band"));
    let kit = &band["sub_modules"][0]["module"]["sub_modules"][0]["module"]["nodes"];
    let traced = [&bass["nodes"][0], &bass["nodes"][1], &kit[0], &kit[1]].map(|node| node["source"].clone());
    (0..NODES)
        .map(|n| {
            let mut graph = traced[n % traced.len()].clone();
            let equations = graph["equations"].as_array_mut().expect("a list");
            // Another function: one of its constants, or where a control begins.
            let number = equations.iter_mut().find_map(|e| {
                let params = e["params"].as_object_mut()?;
                let key = ["value", "init"].into_iter().find(|key| params.contains_key(*key))?;
                params.get_mut(key)
            });
            let number = number.expect("every one has a number");
            *number = (number.as_f64().expect("a number") * (1.0 + n as f64 * 1e-4) + n as f64 * 1e-6).into();
            graph
        })
        .collect()
}

fn chunk_of(functions: &[Value]) -> Vec<u8> {
    let node = |(n, source)| json!({"name": format!("node {n}"), "source": source, "gain": 0.1});
    let nodes: Vec<Value> = functions.iter().enumerate().map(node).collect();
    let document = json!({"nodes": nodes}).to_string();
    Payload::new(Default::default(), document.into_bytes()).expect("JSON").encode().expect("small")
}

/// Processor time in seconds of this process and of the children that have ended.
fn cpu_seconds() -> f64 {
    [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN]
        .map(|who| {
            // SAFETY: all zeros is a value of this plain C struct, which the call fills.
            let usage = unsafe {
                let mut usage: libc::rusage = std::mem::zeroed();
                libc::getrusage(who, &raw mut usage);
                usage
            };
            [usage.ru_utime, usage.ru_stime]
                .map(|t| t.tv_sec as f64 + t.tv_usec as f64 * 1e-6)
                .iter()
                .sum::<f64>()
        })
        .iter()
        .sum()
}

/// Milliseconds by the clock and of processor time.
fn timed(work: impl FnOnce()) -> [f64; 2] {
    let (started, before) = (Instant::now(), cpu_seconds());
    work();
    [started.elapsed().as_secs_f64() * 1e3, (cpu_seconds() - before) * 1e3]
}

fn report(name: &str, runs: Vec<[f64; 2]>) -> [f64; 2] {
    let median = [0, 1].map(|part| {
        let mut times: Vec<f64> = runs.iter().map(|run| run[part]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!("{name:<58} {:>9.1} ms, CPU {:>9.1} ms", median[0], median[1]);
    median
}

/// Load and activate: the processor comes when all of its code is there.
fn recall(instance: &Instance, chunk: &[u8]) {
    instance.load_state(chunk).expect("our own");
    let processor = instance.activate(48_000.0, 512).expect("it answers");
    assert_eq!(instance.problems(), Vec::<String>::new());
    instance.deactivate();
    drop(processor);
}

fn main() {
    let folder: PathBuf = std::env::temp_dir().join(format!("krach-recall-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("dsp")).expect("makes a folder");
    let functions = functions();
    let chunk = chunk_of(&functions);
    let cache = |number: usize| {
        // SAFETY: no instance lives, and with the last one its threads have ended.
        unsafe { std::env::set_var("XDG_CACHE_HOME", folder.join(format!("cache {number}"))) };
    };
    let cold = |number: usize| {
        cache(number);
        let instance = instance(&folder);
        let times = timed(|| recall(&instance, &chunk));
        // Optimised code follows; what comes of it is in the cache next time.
        std::thread::sleep(std::time::Duration::from_secs(if number == 0 { 10 } else { 0 }));
        times
    };
    let warm = |_| {
        cache(0);
        let instance = instance(&folder);
        timed(|| recall(&instance, &chunk))
    };
    let first = cold(0);
    let cold = report("cold: nothing is cached, quick code", (1..RUNS).map(cold).chain([first]).collect());
    let disk = report("warm: from the disk, as after a restart of the host", (0..RUNS).map(warm).collect());
    cache(0);
    let owner = instance(&folder);
    recall(&owner, &chunk);
    let memory = |_| {
        let instance = instance(&folder);
        timed(|| recall(&instance, &chunk))
    };
    let memory = report("warm: another instance has it", (0..RUNS).map(memory).collect());
    drop(owner);
    let faust = report(
        "the faust command alone, one program after the other",
        vec![faust_alone(&folder, &functions)],
    );
    println!(
        "CPU of a cold recall is {:.2} of that; warm, 32 nodes take {:.1} ms from the disk and {:.1} ms from memory (aim: 100)",
        cold[1] / faust[1],
        disk[0],
        memory[0]
    );
    std::fs::remove_dir_all(&folder).expect("removes");
}

/// What the command takes for bitcode of each.
fn faust_alone(folder: &Path, functions: &[Value]) -> [f64; 2] {
    let texts: Vec<PathBuf> = functions
        .iter()
        .enumerate()
        .map(|(n, graph)| {
            let Ok(Source::Graph(graph)) = serde_json::from_value::<Source>(graph.clone()) else {
                panic!("a traced function")
            };
            let path = folder.join(format!("program{n}.dsp"));
            std::fs::write(&path, krach_faust::lower(&graph).text).expect("writes");
            path
        })
        .collect();
    timed(|| {
        for path in &texts {
            let flags = ["-lang", "llvm", "-single", "-ct", "1", "-cn", "mydsp", "-o"];
            let run = Command::new("faust").args(flags).arg(folder.join("out.bc")).arg(path).output();
            assert!(run.expect("the faust command is installed").status.success());
        }
    })
}

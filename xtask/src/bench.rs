//! `bench`: the plain benchmark programs of every crate in one run, kept with the machine they ran on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bundle::bundle;
use crate::failure::{Failure, Result};
use crate::python::{self, CLIENT};
use crate::setup::{EVERYTHING, setup};
use crate::workspace::{Workspace, line, output, run};

/// Runs the benchmarks and writes what they print to `target/bench/bench.txt`.
///
/// # Errors
/// If a benchmark does not build or fails, or the file cannot be written.
pub fn bench(workspace: &Workspace) -> Result<()> {
    setup(EVERYTHING)?;
    let metadata = output(&mut workspace.cargo(["metadata", "--format-version", "1", "--no-deps"]))?;
    let benches = benches(&metadata);
    // Built first, so that the CPU time below is that of the benchmarks alone.
    for (package, bench) in &benches {
        run(&mut workspace.cargo(["bench", "--package", package, "--bench", bench, "--no-run"]))?;
    }
    let mut report = format!("{}\n", machine());
    print!("{report}");
    for (package, bench) in &benches {
        let mut command = workspace.cargo(["bench", "--package", package, "--bench", bench]);
        command.stdin(Stdio::null());
        println!("$ {}", line(&command));
        report.push_str(&timed(&mut command)?);
    }
    bundle(workspace)?;
    let interpreter = python::interpreter(workspace, CLIENT)?;
    let mut client = python::module(workspace, CLIENT, &interpreter, "benches.client");
    client.env("CARGO_TARGET_DIR", &workspace.target);
    println!("$ {}", line(&client));
    report.push_str(&timed(&mut client)?);
    let folder = workspace.target.join("bench");
    let path = folder.join("bench.txt");
    fs::create_dir_all(&folder).map_err(|source| Failure::file("create", &folder, source))?;
    fs::write(&path, report).map_err(|source| Failure::file("write", &path, source))?;
    println!("bench: {}", path.display());
    Ok(())
}

/// Runs a benchmark, and shows what it prints and the CPU time that it took.
fn timed(command: &mut Command) -> Result<String> {
    let before = children_seconds();
    let text = output(command)?;
    let cpu = match (before, children_seconds()) {
        (Some(before), Some(after)) => format!("CPU time: {:.2} s\n", after - before),
        _ => String::new(),
    };
    print!("{text}{cpu}");
    Ok(format!("$ {}\n{text}{cpu}\n", line(command)))
}

/// Package and name of every benchmark in what `cargo metadata` says.
fn benches(metadata: &str) -> Vec<(String, String)> {
    let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let name = |value: &Value| value["name"].as_str().unwrap_or_default().to_owned();
    let mut benches = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).contains(&Value::from("bench")) {
                benches.push((name(&package), name(&target)));
            }
        }
    }
    benches
}

/// What the figures depend on: processor, number of cores, how busy they are.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(Path::new(path)).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!(
        "CPU: {}, {cores} cores\nload (1, 5, 15 min): {}",
        cpu_model(&read("/proc/cpuinfo")).unwrap_or("unknown"),
        load(&read("/proc/loadavg")).unwrap_or("unknown"),
    )
}

fn cpu_model(cpuinfo: &str) -> Option<&str> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim())
}

fn load(loadavg: &str) -> Option<&str> {
    let end = loadavg.match_indices(' ').nth(2)?.0;
    Some(&loadavg[..end])
}

/// Processor time in seconds of all programs that this one ran and that have ended.
fn children_seconds() -> Option<f64> {
    children_seconds_of(&fs::read_to_string("/proc/self/stat").ok()?)
}

/// Fields 16 and 17 of `/proc/<pid>/stat` (proc(5)), in ticks of 1/100 s on every Linux of today.
fn children_seconds_of(stat: &str) -> Option<f64> {
    // The program's name, in parentheses, may hold blanks; the third field comes after it.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_benchmark_of_every_package_is_found() {
        let metadata = r#"{"packages":[
            {"name":"a","targets":[{"kind":["lib"],"name":"a"},{"kind":["bench"],"name":"query"}]},
            {"name":"b","targets":[{"kind":["test"],"name":"x"}]},
            {"name":"c","targets":[{"kind":["bench"],"name":"p"},{"kind":["bench"],"name":"q"}]}]}"#;
        let found = benches(metadata);
        let found: Vec<_> = found.iter().map(|(package, name)| (package.as_str(), name.as_str())).collect();
        assert_eq!(found, [("a", "query"), ("c", "p"), ("c", "q")]);
    }

    #[test]
    fn the_processor_is_named_as_it_names_itself() {
        let cpuinfo = "processor\t: 0\nmodel name\t: Some CPU @ 3 GHz\nmodel name\t: other\n";
        assert_eq!(cpu_model(cpuinfo), Some("Some CPU @ 3 GHz"));
        assert_eq!(cpu_model("processor : 0"), None);
    }

    #[test]
    fn the_load_is_the_three_averages() {
        assert_eq!(load("0.52 0.58 0.59 1/389 12345\n"), Some("0.52 0.58 0.59"));
    }

    #[test]
    fn cpu_time_is_that_of_the_children_even_if_the_name_has_blanks() {
        let stat = "7 (a (b) c) S 1 7 7 0 -1 4194304 100 200 0 0 11 12 250 150 20 0 1 0 9";
        assert_eq!(children_seconds_of(stat), Some(4.0));
    }
}

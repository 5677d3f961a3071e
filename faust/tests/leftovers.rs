//! Three hundred compiles leave nothing behind: no memory, no child, no thread, no file. Nor do ten thousand.
#![cfg(target_os = "linux")]

mod support;

use krach_faust::{Compiler, CpuLevel, JobKey, ObjectCache, Source, Standard, Tier, Workers};
use std::fs;
use std::sync::Arc;
use std::sync::mpsc::channel;
use support::*;

/// Resident memory in KiB.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").expect("there");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("a number") * 4
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").expect("there").count()
}

fn has_children() -> bool {
    // SAFETY: a null status is allowed; it reaps at most a zombie that should not be there.
    unsafe { libc::waitpid(-1, std::ptr::null_mut(), libc::WNOHANG) != -1 }
}

fn private_folders() -> usize {
    let ours = format!("krach-faust-{}-", std::process::id());
    fs::read_dir(std::env::temp_dir())
        .expect("there")
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&ours))
        .count()
}

#[test]
fn hundreds_of_compiles_leave_nothing_behind() {
    compiles_leave_nothing_behind(300);
}

#[test]
#[ignore = "soak: half an hour"]
fn soak_ten_thousand_compiles_leave_nothing_behind() {
    compiles_leave_nothing_behind(10_000);
}

fn compiles_leave_nothing_behind(wanted: u32) {
    let texts = wanted.div_ceil(2).max(50);
    let threads_before = threads();
    // A small cache is soon full; from then on nothing may grow.
    let (cache, cpu) = (ObjectCache::in_memory_of(256 << 10), CpuLevel::host().expect("a level"));
    let workers = Workers::start(Arc::new(Compiler::for_cpu(command().into(), cache, cpu))).expect("threads");
    let mut settled = 0;
    for number in 0..texts {
        // Each text twice over: quick and optimised code, linked and played.
        let text = format!("process = _ * {number} : @(100) : fmod(_, 3.5) : sin;");
        let (to, from) = channel();
        let key = JobKey { owner: 1, node: "a".to_owned() };
        // One by our own compiler, one by the command.
        let standard = if number % 2 == 0 { Standard::Own } else { Standard::Installed };
        workers.submit(key, Source { standard, ..Source::inline("a", &text) }, to);
        let outcomes: Vec<_> = from.iter().collect();
        assert_eq!(outcomes.len(), 2);
        for outcome in outcomes {
            let compiled = outcome.result.expect("compiles");
            assert!(!compiled.cached);
            assert_eq!(outcome.tier == Tier::Optimised, !outcome.more);
            perform(&compiled, 64, 32);
        }
        if number == (texts / 2).min(500) {
            settled = resident();
        }
        if number % 500 == 499 {
            println!("{} compiles: {} KiB resident, {} threads", 2 * (number + 1), resident(), threads());
        }
    }
    drop(workers);
    let grown = resident().saturating_sub(settled);
    assert!(grown < 6 << 10, "{grown} KiB more than when it had settled");
    assert!(!has_children());
    assert_eq!(private_folders(), 0);
    assert_eq!(threads(), threads_before);
}

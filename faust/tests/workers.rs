//! The compile threads: sound first, newest wins, nothing left behind.

mod support;

use krach_core::node::NodeType;
use krach_faust::{JobKey, Outcome, Purpose, Source, Tier, Workers};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use support::*;

const LONG: Duration = Duration::from_secs(20);
/// Takes far longer than any test.
const ENDLESS: &str = "process = par(i,10000000,_);";

fn workers() -> Workers {
    Workers::start(Arc::new(host_compiler())).expect("threads")
}

fn key(owner: u64, node: &str) -> JobKey {
    JobKey { owner, node: node.to_owned() }
}

fn next(from: &Receiver<Outcome>) -> Outcome {
    from.recv_timeout(LONG).expect("an outcome")
}

#[test]
fn quick_code_comes_first_then_optimised_code_then_only_what_is_cached() {
    let workers = workers();
    let (to, from) = channel();
    workers.submit(key(1, "a"), program("voice"), to.clone());
    let first = next(&from);
    assert_eq!((first.tier, first.more), (Tier::Quick, true));
    let second = next(&from);
    assert_eq!((second.tier, second.more), (Tier::Optimised, false));
    let (quick, optimised) = (first.result.expect("compiles"), second.result.expect("compiles"));
    assert_eq!(optimised.timings.front, Duration::ZERO, "the front half ran once for both");
    assert!(bits(&perform(&quick, 999, 64)) == bits(&perform(&optimised, 999, 64)));
    workers.submit(key(2, "b"), program("voice"), to);
    let again = next(&from);
    assert_eq!((again.tier, again.more), (Tier::Optimised, false));
    assert!(again.result.expect("is cached").cached);
}

#[test]
fn an_error_is_the_only_outcome() {
    let workers = workers();
    let (to, from) = channel();
    workers.submit(key(1, "a"), Source::inline("a", "process = foo;"), to);
    let outcome = next(&from);
    assert!(outcome.result.is_err() && !outcome.more);
    assert_eq!(from.recv_timeout(LONG).map(|_| ()), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn the_newest_text_of_a_node_wins_and_holds_nobody_up() {
    let workers = workers();
    let (to, from) = channel();
    let started = Instant::now();
    for number in 0..5 {
        for node in ["a", "b", "c"] {
            let text = format!("{ENDLESS} // {number}");
            workers.submit(key(1, node), Source::inline("endless", &text), to.clone());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    for node in ["a", "b", "c"] {
        workers.submit(key(1, node), Source::inline(node, "process = _ * 2;"), to.clone());
    }
    drop(to);
    let outcomes: Vec<Outcome> = from.iter().collect();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    for node in ["a", "b", "c"] {
        let of: Vec<_> = outcomes.iter().filter(|outcome| outcome.key.node == node).collect();
        assert_eq!(of.iter().map(|outcome| outcome.tier).collect::<Vec<_>>(), [Tier::Quick, Tier::Optimised]);
        for outcome in of {
            let object = outcome.result.as_ref().expect("compiles").object.clone();
            let ty = krach_faust::FaustType::new(object).expect("described");
            assert_eq!(ty.decl().type_id, format!("faust:{node}"));
        }
    }
}

#[test]
fn a_cancelled_owner_hears_nothing_and_others_go_on() {
    let workers = workers();
    let (to, from) = channel();
    workers.submit(key(1, "a"), Source::inline("endless", ENDLESS), to.clone());
    workers.submit(key(1, "b"), Source::inline("endless", ENDLESS), to);
    std::thread::sleep(Duration::from_millis(50));
    workers.cancel_owner(1);
    let (to, other) = channel();
    workers.submit(key(2, "a"), Source::inline("a", "process = _;"), to);
    assert!(next(&other).result.is_ok());
    assert_eq!(from.recv_timeout(LONG).map(|_| ()), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn an_instance_that_floods_the_threads_holds_no_other_up() {
    let workers = workers();
    let (flood, _from) = channel();
    for number in 0..50 {
        let key = key(1, &format!("node{number}"));
        workers.submit(key, Source::inline("endless", ENDLESS), flood.clone());
    }
    std::thread::sleep(Duration::from_millis(50));
    // Each endless job runs for 15 seconds of CPU time, two at a time: minutes for all of them.
    let (to, from) = channel();
    for owner in 2..5 {
        workers.submit(key(owner, "a"), Source::inline("a", &format!("process = _ * {owner};")), to.clone());
    }
    drop(to);
    let heard: Vec<Outcome> = from.iter().collect();
    assert_eq!(heard.iter().filter(|outcome| outcome.result.is_ok()).count(), 6, "quick and optimised, each");
    workers.cancel_owner(1);
}

#[test]
fn stopping_takes_no_longer_than_killing_a_child() {
    let workers = workers();
    let (to, from) = channel();
    for node in ["a", "b", "c"] {
        workers.submit(key(1, node), Source::inline("endless", ENDLESS), to.clone());
    }
    drop(to);
    std::thread::sleep(Duration::from_millis(50));
    let started = Instant::now();
    assert!(workers.stop(Duration::from_secs(1)));
    drop(workers);
    assert!(started.elapsed() < Duration::from_secs(1));
    assert_eq!(from.iter().count(), 0);
}

#[test]
fn a_process_has_one_set_of_workers_for_as_long_as_somebody_wants_it() {
    let make = || Ok::<_, std::io::Error>(host_compiler());
    let one = Workers::of_process(make).expect("starts");
    let other = Workers::of_process(|| -> std::io::Result<_> { panic!("made twice") }).expect("is there");
    assert!(Arc::ptr_eq(&one, &other));
    drop((one, other));
    let mut made = false;
    let _again = Workers::of_process(|| {
        made = true;
        make()
    })
    .expect("starts again");
    assert!(made);
}

const LEAVING: &str = "KRACH_TEST_LEAVING";

#[test]
fn a_process_may_end_in_the_middle_of_a_compile() {
    if let Some(wait) = std::env::var(LEAVING).ok().and_then(|wait| wait.parse().ok()) {
        let workers = Workers::of_process(|| Ok::<_, std::io::Error>(host_compiler())).expect("starts");
        let (to, from) = channel();
        for node in ["a", "b"] {
            workers.submit(key(1, node), program("additive"), to.clone());
        }
        if wait == 0 {
            // An optimisation has just begun.
            assert!(next(&from).more);
        }
        std::thread::sleep(Duration::from_millis(wait));
        std::process::exit(0);
    }
    for wait in [0, 1, 100] {
        let started = Instant::now();
        let status = std::process::Command::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "a_process_may_end_in_the_middle_of_a_compile"])
            .env(LEAVING, wait.to_string())
            .status()
            .expect("starts");
        assert!(status.success(), "after {wait} ms: {status}");
        assert!(started.elapsed() < LONG, "{:?}", started.elapsed());
    }
}

#[test]
fn a_check_makes_quick_code_only_and_waits_for_whatever_is_to_be_heard() {
    let workers = workers();
    let (to, from) = channel();
    let heed = |to: &std::sync::mpsc::Sender<Outcome>| -> krach_faust::Heed {
        let to = to.clone();
        Box::new(move |outcome| drop(to.send(outcome)))
    };
    for number in 0..4 {
        let text = format!("process = _ * 0.{number};");
        let source = Source::inline(&format!("check{number}"), &text);
        workers.submit_for(Purpose::Check, key(1, &format!("check{number}")), source, heed(&to));
    }
    workers.submit(key(2, "played"), program("voice"), to.clone());
    workers.submit_for(Purpose::Try, key(1, "try"), Source::inline("try", "process = _;"), heed(&to));
    drop(to);
    let heard: Vec<Outcome> = from.iter().collect();
    let of = |node: &str| heard.iter().filter(|outcome| outcome.key.node == node).collect::<Vec<_>>();
    assert_eq!(of("played").len(), 2);
    for node in ["try", "check0", "check3"] {
        assert_eq!(of(node).iter().map(|o| (o.tier, o.more)).collect::<Vec<_>>(), [(Tier::Quick, false)]);
    }
    // The first check may have begun before the others came; the last one cannot have.
    let at = |node: &str| heard.iter().rposition(|outcome| outcome.key.node == node);
    assert!(at("check3") > at("try") && at("check3") > at("played"));
}

//! The compile threads: sound first, newest wins, nothing left behind.

mod support;

use krach_core::node::NodeType;
use krach_faust::{JobKey, JobKind, Outcome, Source, Tier, Workers};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use support::stand_in::StandIn;
use support::*;

/// Longer than any machine takes; what waits for it hangs.
const LONG: Duration = Duration::from_secs(120);
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

/// All outcomes until nobody can send one any more.
fn rest(from: &Receiver<Outcome>) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    loop {
        match from.recv_timeout(LONG) {
            Ok(outcome) => outcomes.push(outcome),
            Err(RecvTimeoutError::Disconnected) => return outcomes,
            Err(RecvTimeoutError::Timeout) => panic!("nothing comes after {outcomes:?}"),
        }
    }
}

fn heed(to: &Sender<Outcome>) -> krach_faust::OnOutcome {
    let to = to.clone();
    Box::new(move |outcome| {
        let to = to.clone();
        Box::new(move || drop(to.send(outcome)))
    })
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
    let outcomes = rest(&from);
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
    let heard = rest(&from);
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
    // A child that is not killed takes fifteen seconds of processor time: three of them, on two processors
    // and beside other tests, more than this.
    assert!(workers.stop(Duration::from_secs(12)));
    drop(workers);
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
        let mut child = std::process::Command::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "a_process_may_end_in_the_middle_of_a_compile"])
            .env(LEAVING, wait.to_string())
            .spawn()
            .expect("starts");
        let since = std::time::Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().expect("waits") {
                break status;
            }
            if since.elapsed() > LONG {
                child.kill().expect("is killed");
                panic!("after {wait} ms it does not end");
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        assert!(status.success(), "after {wait} ms: {status}");
    }
}

#[test]
fn a_check_makes_quick_code_only_and_waits_for_whatever_is_to_be_heard() {
    let workers = workers();
    let (to, from) = channel();
    for number in 0..4 {
        let text = format!("process = _ * 0.{number};");
        let source = Source::inline(&format!("check{number}"), &text);
        workers.submit_for(JobKind::Check, key(1, &format!("check{number}")), source, heed(&to));
    }
    workers.submit(key(2, "played"), program("voice"), to.clone());
    workers.submit_for(JobKind::Try, key(1, "try"), Source::inline("try", "process = _;"), heed(&to));
    drop(to);
    let heard = rest(&from);
    let of = |node: &str| heard.iter().filter(|outcome| outcome.key.node == node).collect::<Vec<_>>();
    assert_eq!(of("played").len(), 2);
    for node in ["try", "check0", "check3"] {
        assert_eq!(of(node).iter().map(|o| (o.tier, o.more)).collect::<Vec<_>>(), [(Tier::Quick, false)]);
    }
    // The first check may have begun before the others came; the last one cannot have.
    let at = |node: &str| heard.iter().rposition(|outcome| outcome.key.node == node);
    assert!(at("check3") > at("try") && at("check3") > at("played"));
}

/// Workers whose command takes a while and writes a line for each run.
fn counted(name: &str) -> (StandIn, Workers) {
    let stand_in = StandIn::new(name, "echo run >> \"$LOG\"; sleep 0.3; exec \"$FAUST\" \"$@\"\n");
    let workers = Workers::start(Arc::new(stand_in.compiler())).expect("threads");
    (stand_in, workers)
}

fn runs(stand_in: &StandIn) -> usize {
    stand_in.logged().lines().count()
}

#[test]
fn one_text_is_compiled_once_whoever_wants_it_at_a_time() {
    let (stand_in, workers) = counted("once");
    for (text, works) in [("process = _ * 0.5;", true), ("process = nonsense;", false)] {
        let before = runs(&stand_in);
        let source = || Source::inline("a", text);
        let (to, from) = channel();
        // The folder's check comes first, then two instances that play it and a client that tries it.
        workers.submit_for(JobKind::Check, key(1, "a"), source(), heed(&to));
        workers.submit(key(2, "a"), source(), to.clone());
        workers.submit(key(3, "a"), source(), to.clone());
        workers.submit_for(JobKind::Try, key(3, "try"), source(), heed(&to));
        drop(to);
        let heard = rest(&from);
        assert!(heard.iter().all(|outcome| outcome.result.is_ok() == works), "{heard:?}");
        for (owner, node, outcomes) in [(1, "a", 1), (2, "a", 2), (3, "a", 2), (3, "try", 1)] {
            let expected = if works { outcomes } else { 1 };
            let of = heard.iter().filter(|outcome| outcome.key == key(owner, node)).count();
            assert_eq!(of, expected, "{owner} {node}");
        }
        assert_eq!(runs(&stand_in) - before, 1, "{text}");
    }
}

#[test]
fn one_text_is_compiled_once_for_its_check_and_for_who_plays_it_later() {
    let (stand_in, workers) = counted("later");
    for text in ["process = _ * 0.5;", "process = nonsense;"] {
        let before = runs(&stand_in);
        let (to, from) = channel();
        workers.submit_for(JobKind::Check, key(1, "a"), Source::inline("a", text), heed(&to));
        next(&from);
        workers.submit(key(2, "a"), Source::inline("a", text), to);
        // The optimised code is made of the bitcode that the check brought.
        rest(&from);
        assert_eq!(runs(&stand_in) - before, 1, "{text}");
    }
}

#[test]
fn when_the_first_who_wanted_a_text_goes_the_others_still_get_it() {
    let (stand_in, workers) = counted("goes");
    let (to, from) = channel();
    let source = || Source::inline("a", "process = _ * 0.5;");
    workers.submit(key(1, "a"), source(), to.clone());
    let since = std::time::Instant::now();
    while runs(&stand_in) == 0 {
        assert!(since.elapsed() < LONG, "it never began");
        std::thread::sleep(Duration::from_millis(1));
    }
    workers.submit(key(2, "a"), source(), to.clone());
    workers.submit(key(3, "a"), source(), to);
    std::thread::sleep(Duration::from_millis(50));
    workers.cancel_owner(1);
    let heard = rest(&from);
    for (owner, expected) in [(1, 0), (2, 2), (3, 2)] {
        let of = heard.iter().filter(|outcome| outcome.key.owner == owner && outcome.result.is_ok()).count();
        assert_eq!(of, expected, "{owner}: {heard:?}");
    }
    assert!(runs(&stand_in) <= 2, "{} runs", runs(&stand_in));
}

#[test]
fn those_who_wait_for_the_same_text_leave_a_thread_for_others() {
    let workers = workers();
    let (same, _from) = channel();
    for owner in 1..5 {
        workers.submit(key(owner, "a"), Source::inline("endless", ENDLESS), same.clone());
    }
    std::thread::sleep(Duration::from_millis(100));
    let (to, from) = channel();
    workers.submit(key(9, "a"), Source::inline("a", "process = _ * 0.25;"), to);
    let heard = rest(&from);
    assert_eq!(heard.iter().filter(|outcome| outcome.result.is_ok()).count(), 2);
    for owner in 1..5 {
        workers.cancel_owner(owner);
    }
}

#[test]
fn what_is_made_of_an_outcome_holds_no_queue_up() {
    let workers = Arc::new(workers());
    let (made, of) = channel();
    let (to, from) = channel();
    let queue = Arc::downgrade(&workers);
    let take = move |outcome: Outcome| -> krach_faust::Delivery {
        let Some(workers) = queue.upgrade() else { return Box::new(|| ()) };
        let (done, is_done) = channel();
        // Another instance submits and cancels while this one's outcome is being taken.
        std::thread::spawn(move || {
            workers.submit(key(2, "b"), Source::inline("b", "process = _ * 0.5;"), channel().0);
            workers.cancel(&key(2, "b"));
            workers.cancel_owner(2);
            let _ = done.send(());
        });
        let free = is_done.recv_timeout(Duration::from_secs(20)).is_ok();
        let (made, to) = (made.clone(), to.clone());
        Box::new(move || drop((made.send(free), to.send(outcome))))
    };
    workers.submit_for(JobKind::Play, key(1, "a"), program("sine"), Box::new(take));
    let first = next(&from);
    assert!(first.result.is_ok() && first.more, "{first:?}");
    assert_eq!(of.recv_timeout(LONG), Ok(true), "the queue was locked");
    // What is cancelled while it is taken is not delivered.
    let (begun, has_begun) = channel();
    let (go, may_go) = channel::<()>();
    let (to, from) = channel();
    let may_go = std::sync::Mutex::new(may_go);
    let take = move |outcome: Outcome| -> krach_faust::Delivery {
        let _ = begun.send(());
        let _ = may_go.lock().expect("one takes").recv_timeout(LONG);
        let to = to.clone();
        Box::new(move || drop(to.send(outcome)))
    };
    workers.submit_for(JobKind::Play, key(3, "a"), program("sine"), Box::new(take));
    has_begun.recv_timeout(LONG).expect("it is taken");
    workers.cancel_owner(3);
    drop(go);
    assert!(rest(&from).is_empty());
}

#[test]
fn a_panic_while_an_outcome_is_taken_is_its_error_and_costs_no_thread() {
    let workers = workers();
    for turn in 0..4 {
        let (to, from) = channel();
        let take = move |outcome: Outcome| -> krach_faust::Delivery {
            assert!(outcome.result.is_err(), "this one cannot be linked");
            let to = to.clone();
            Box::new(move || drop(to.send(outcome)))
        };
        workers.submit_for(JobKind::Play, key(1, "a"), program("sine"), Box::new(take));
        let heard = rest(&from);
        assert_eq!(heard.len(), 1, "{turn}: {heard:?}");
        assert!(heard[0].result.is_err() && !heard[0].more);
        // Neither does a client that takes nothing at all.
        let (gone, is_gone) = channel::<()>();
        let never = move |_| -> krach_faust::Delivery { panic!("whatever it is ({gone:?})") };
        workers.submit_for(JobKind::Play, key(1, "b"), program("sine"), Box::new(never));
        assert_eq!(is_gone.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    }
    let (to, from) = channel();
    workers.submit_for(JobKind::Check, key(2, "a"), program("sine"), heed(&to));
    drop(to);
    assert!(rest(&from).iter().all(|outcome| outcome.result.is_ok()), "checks wait until nothing runs");
    assert!(workers.stop(LONG), "nothing runs");
}

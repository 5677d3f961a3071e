//! krach without a DAW in a JACK server: in tune and in time at any rate and period, through the server's end
//! and return, and never longer than it is wanted.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

mod krach_support;

use krach_support::alone::{HUNG, Running};
use krach_support::display::soon;
use krach_support::gates::opens;
use krach_support::home;
use krach_support::jackd::{self, Jackd};
use krach_support::session::{gate_session, wire};
use serde_json::json;

const LEFT: &str = "krach:main_out_1";
const TEMPO: &str = "137";
/// Pitch of the tone in Hz.
const PITCH: f64 = 440.0;

/// A tone that sounds all the time. Its node is none of the gate's session, which would go on at its phase.
fn tone() -> Vec<String> {
    let graph = json!({
        "type": "load_graph",
        "nodes": [
            {"id": "out", "type_id": "dac"},
            {"id": "tone", "type_id": "oscillator", "controls": {"freq": PITCH, "amp": 0.5}},
        ],
        "connections": [wire("tone", "out")],
    });
    vec![graph.to_string()]
}

fn start(folder: &str, name: &str, more: &[&str]) -> Running {
    let arguments = [&["--tempo", TEMPO], more].concat();
    Running::start_with(folder, None, &arguments, &jackd::variables(name))
}

/// The pitch in Hz of what sounds, from the times at which it rises through zero.
fn pitch(samples: &[f32], rate: u32) -> f64 {
    let crossing = |(frame, pair): (usize, &[f32])| {
        let (before, after) = (f64::from(pair[0]), f64::from(pair[1]));
        (before < 0.0 && after >= 0.0).then(|| frame as f64 + before / (before - after))
    };
    let crossings: Vec<f64> = samples.windows(2).enumerate().filter_map(crossing).collect();
    let [first, .., last] = crossings.as_slice() else { return 0.0 };
    (crossings.len() - 1) as f64 * f64::from(rate) / (last - first)
}

/// Cents between what sounds and what should; infinite if nothing does.
fn off(samples: &[f32], rate: u32) -> f64 {
    // It may begin before the port is connected.
    let sounds = samples.iter().position(|sample| *sample != 0.0).unwrap_or(samples.len());
    let pitch = pitch(&samples[(sounds + 1024).min(samples.len())..], rate);
    if pitch > 0.0 { (1200.0 * (pitch / PITCH).log2()).abs() } else { f64::INFINITY }
}

fn plays_in_tune(running: &Running, server: &Jackd, rate: u32, what: &str) {
    running.tell(&tone());
    assert!(
        soon(HUNG, || off(&server.record(LEFT, 1, home::enter().path()), rate) < 0.5),
        "{what}: not in tune"
    );
}

fn plays_in_time(running: &Running, server: &Jackd, rate: u32, what: &str) {
    running.tell(&gate_session(8));
    // A whole 1 is out of range where samples are written as integers.
    let half = json!({"jsonrpc": "2.0", "id": 1, "method": "set", "params": {"values": {"x/amp": 0.5}}});
    running.tell(&[half.to_string()]);
    // The tone fades meanwhile.
    server.record(LEFT, 1, home::enter().path());
    let step = 30.0 / TEMPO.parse::<f64>().unwrap() * f64::from(rate);
    // The first of them may have begun before the port was connected.
    let found = opens(&server.record(LEFT, 3, home::enter().path()));
    let [_, onsets @ ..] = found.as_slice() else { panic!("{what}: nothing sounds") };
    assert!(onsets.len() >= 8, "{what}: {} onsets", onsets.len());
    for (count, onset) in onsets.iter().enumerate() {
        let due = onsets[0] as f64 + count as f64 * step;
        let late = *onset as f64 - due;
        assert!(late.abs() < 1.5, "{what}: onset {count} is {late} frames late: {onsets:?}");
    }
}

fn at(rate: u32, period: u32) {
    let (place, what) = (jackd::place(), format!("{rate} Hz, {period} frames"));
    let server = Jackd::start(place.name(), rate, period);
    let running = start(&format!("at-{rate}-{period}"), place.name(), &[]);
    assert!(server.has(LEFT), "{what}: it is not there: {}", running.stderr());
    // Nobody has told JACK's transport to roll.
    assert!(running.runs(), "{what}: time stands still");
    plays_in_tune(&running, &server, rate, &what);
    plays_in_time(&running, &server, rate, &what);
    running.end(&what);
}

#[test]
fn it_is_in_tune_and_in_time_at_the_servers_rate_and_period() {
    at(44_100, 1024);
    at(48_000, 64);
}

#[test]
#[ignore = "soak: a dozen JACK servers, one after another"]
fn soak_it_is_in_tune_and_in_time_at_every_rate_and_period() {
    for rate in [44_100, 48_000] {
        for period in [64, 128, 256, 512, 1024, 2048] {
            at(rate, period);
        }
    }
}

#[test]
fn a_period_that_changes_is_played() {
    let place = jackd::place();
    let name = place.name();
    let server = Jackd::start(name, 48_000, 256);
    let running = start("period", name, &[]);
    assert!(server.has(LEFT), "{}", running.stderr());
    for period in [2048, 4096, 128] {
        server.set_period(period);
        plays_in_tune(&running, &server, 48_000, &format!("{period} frames"));
    }
    running.end("period");
}

#[test]
fn a_server_that_dies_is_told_and_found_again_at_another_rate() {
    let place = jackd::place();
    let name = place.name();
    let mut server = Jackd::start(name, 48_000, 256);
    let running = start("dies", name, &[]);
    assert!(server.has(LEFT), "{}", running.stderr());
    running.tell(&tone());
    // One that dies while the program still registers its ports refuses instead.
    plays_in_tune(&running, &server, 48_000, "the first server");
    server.kill();
    assert!(running.reports("the JACK server has gone"), "{}", running.status());
    assert!(running.stderr().contains("krach: the JACK server has gone"), "{}", running.stderr());
    assert!(running.runs(), "time stands still without a server");
    let mut server = Jackd::start(name, 44_100, 512);
    assert!(server.has(LEFT), "it does not come back: {}", running.stderr());
    plays_in_tune(&running, &server, 44_100, "the second server");
    server.kill();
    running.end("after the second server's death");
}

#[test]
fn it_ends_when_asked_though_the_server_has_just_died_or_answers_nobody() {
    for (what, signal) in [("killed", libc::SIGKILL), ("frozen", libc::SIGSTOP)] {
        let place = jackd::place();
        let name = place.name();
        let server = Jackd::start(name, 48_000, 256);
        let running = start(what, name, &[]);
        assert!(server.has(LEFT), "{what}: {}", running.stderr());
        assert!(running.runs(), "{what}: time stands still");
        server.signal(signal);
        running.end(what);
    }
}

#[test]
fn two_programs_have_names_of_their_own() {
    let place = jackd::place();
    let name = place.name();
    let server = Jackd::start(name, 48_000, 256);
    let first = start("first", name, &[]);
    assert!(server.has(LEFT), "{}", first.stderr());
    let second = start("second", name, &[]);
    assert!(server.has("krach-01:main_out_1"), "{:?}: {}", server.ports(), second.stderr());
    let told = "krach-01 plays through JACK";
    assert!(soon(HUNG, || second.stderr().contains(told)), "{}", second.stderr());
    second.end("second");
    assert!(first.runs());
    first.end("first");
}

#[test]
fn where_no_server_runs_it_says_so_and_plays_when_one_does() {
    let place = jackd::place();
    let name = place.name();
    let running = start("none", name, &["--backend", "jack"]);
    assert!(running.reports("no JACK server runs"), "{}", running.status());
    assert!(running.runs(), "time stands still");
    let told = running.stderr();
    // The libraries' own words are not among ours, and nothing is said twice.
    let ours = |line: &str| line.starts_with("krach: ");
    assert!(told.lines().all(ours) && told.matches("no JACK server runs").count() == 1, "{told}");
    let server = Jackd::start(name, 48_000, 1024);
    assert!(server.has(LEFT), "it does not come: {}", running.stderr());
    plays_in_tune(&running, &server, 48_000, "the server that came later");
    running.end("none");
}

#[test]
fn without_a_server_and_a_card_only_its_own_words_are_on_the_terminal() {
    let place = jackd::place();
    let running = start("words", place.name(), &[]);
    assert!(soon(HUNG, || running.stderr().contains("there is no display")), "{}", running.stderr());
    // Where there is a card, it plays.
    let card = |told: &str| told.contains("there is no sound card") || told.contains("krach plays through");
    assert!(soon(HUNG, || card(&running.stderr())), "{}", running.stderr());
    // Long enough for it to have been looked for again.
    std::thread::sleep(std::time::Duration::from_millis(1500));
    let told = running.stderr();
    let foreign = ["ALSA", "snd_", "Cannot", "cannot connect", "server socket", "jack server"];
    assert!(!foreign.iter().any(|word| told.contains(word)), "{told}");
    running.end("words");
}

#[test]
fn time_follows_jack_where_that_is_asked_for() {
    let place = jackd::place();
    let name = place.name();
    let server = Jackd::start(name, 48_000, 256);
    let running = start("follow", name, &["--follow-jack"]);
    assert!(server.has(LEFT), "{}", running.stderr());
    assert!(!running.runs(), "time runs, and JACK's stands");
    server.transport("play");
    assert!(soon(HUNG, || running.runs()), "time stands, and JACK's runs");
    server.transport("stop");
    assert!(soon(HUNG, || !running.runs()), "time runs, and JACK's stands again");
    running.end("follow");
}

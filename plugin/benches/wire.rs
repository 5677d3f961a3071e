//! Requests over the socket, against a plain echo over a socket of the same kind in the same run: the round trip
//! of one request, and a thousand changes sent one after the other, sent at once, and as one batch.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Instant;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach_core::node::Registry;
use serde_json::{Value, json};

const ROUNDS: usize = 5000;
const EDITS: usize = 1000;
const RUNS: usize = 7;

struct Client(BufReader<UnixStream>);

impl Client {
    fn connect(path: &Path) -> Self {
        Self(BufReader::new(UnixStream::connect(path).expect("somebody listens")))
    }

    fn send(&mut self, lines: &str) {
        self.0.get_mut().write_all(lines.as_bytes()).expect("is read");
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("is answered");
        line
    }

    fn ask(&mut self, request: &str) -> String {
        self.send(request);
        self.line()
    }
}

fn request(method: &str, params: &Value) -> String {
    format!("{}\n", json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

/// Answers every line with itself.
fn echo(path: &Path) {
    let listener = UnixListener::bind(path).expect("a free path");
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let mut writer = stream.try_clone().expect("a second handle");
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if writer.write_all(format!("{line}\n").as_bytes()).is_err() {
                return;
            }
        }
    });
}

/// Microseconds of a round trip: half, and nineteen in twenty.
fn round_trip(client: &mut Client, request: &str) -> [f64; 2] {
    let mut times: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            std::hint::black_box(client.ask(request));
            began.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    [0.5, 0.95].map(|share| times[(share * (ROUNDS - 1) as f64) as usize])
}

fn round_trips(client: &mut Client, plain: &mut Client, requests: &[(&str, String)]) {
    for (name, line) in requests {
        let (ours, theirs) = (round_trip(client, line), round_trip(plain, line));
        let ratio = ours[0] / theirs[0];
        println!(
            "| {name} | {:.0} / {:.0} | {:.0} / {:.0} | {ratio:.1} |",
            ours[0], ours[1], theirs[0], theirs[1]
        );
    }
}

/// Least milliseconds of several runs of `work`, each after `prepare`, whose time does not count.
fn least(client: &mut Client, prepare: impl Fn(&mut Client), work: impl Fn(&mut Client)) -> f64 {
    let run = |_| {
        prepare(client);
        let began = Instant::now();
        work(client);
        began.elapsed().as_secs_f64() * 1e3
    };
    (0..RUNS).map(run).fold(f64::INFINITY, f64::min)
}

/// Times the same changes sent in three ways to a session of one node.
fn thousand(client: &mut Client, name: &str, change: impl Fn(usize) -> (&'static str, Value)) {
    let prepare = |client: &mut Client| {
        client.ask(&request("clear", &json!({})));
        client.ask(&request("node", &json!({"name": "bass", "source": "oscillator"})));
    };
    let (mut lines, mut parts) = (Vec::new(), Vec::new());
    for (method, params) in (0..EDITS).map(change) {
        lines.push(request(method, &params));
        parts.push(json!({"method": method, "params": params}));
    }
    let batch = request("batch", &json!({"requests": parts}));
    let all = lines.concat();
    let fine = |reply: &str| assert!(reply.contains("\"result\""), "{reply}");
    let single = least(client, prepare, |client| lines.iter().for_each(|line| fine(&client.ask(line))));
    let at_once = least(client, prepare, |client| {
        client.send(&all);
        (0..EDITS).for_each(|_| fine(&client.line()));
    });
    let together = least(client, prepare, |client| fine(&client.ask(&batch)));
    println!("| {name} | {single:.1} | {at_once:.1} | {together:.1} | {:.3} |", together / single);
}

/// A traced function of a hundred steps: a constant of its own, and sums.
fn traced(own: usize) -> Value {
    let signal = |id: usize| json!({"id": id});
    let constant = json!({
        "primitive": {"name": "const", "stateful": false}, "inputs": [], "outputs": [signal(0)],
        "params": {"type": "const", "value": own as f64 * 0.001}
    });
    let sum = |i: usize| {
        json!({
            "primitive": {"name": "add", "stateful": false}, "inputs": [signal(i), signal(0)],
            "outputs": [signal(i + 1)]
        })
    };
    let equations: Vec<Value> = std::iter::once(constant).chain((0..99).map(sum)).collect();
    json!({"type": "dsp_graph", "inputs": [], "outputs": [signal(99)], "equations": equations})
}

fn main() {
    let folder = PathBuf::from(format!("/tmp/krach-wire-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes a folder");
    let config = InstanceConfig {
        format: "bench",
        host: None,
        registry: Registry::with_builtins(),
        hooks: HostHooks::default(),
    };
    let addresses = Addresses { folders: vec![folder.join("run")], ..Addresses::nowhere() };
    let instance = Instance::start_at(config, addresses);
    let mut client = Client::connect(&instance.socket_path().expect("a socket"));
    client.line();
    let plain = folder.join("echo.sock");
    echo(&plain);
    let mut plain = Client::connect(&plain);
    client.ask(&request("node", &json!({"name": "bass", "source": "oscillator"})));

    println!(
        "Microseconds of a round trip, half / nineteen in twenty of {ROUNDS}, and the half against a plain echo:\n"
    );
    println!("| request | krach | echo | ratio |\n|---|---|---|---|");
    round_trips(
        &mut client,
        &mut plain,
        &[
            ("ping", "{\"cmd\":\"Ping\"}\n".to_owned()),
            ("history", request("history", &json!({}))),
            ("set one control", request("set", &json!({"values": {"bass/freq": 220}}))),
            (
                "play a pattern",
                request("play", &json!({"target": "bass", "pattern": "A1 . A1 A2 . A1 C2 G1"})),
            ),
            ("mute a node", request("mute", &json!({"node": "bass"}))),
        ],
    );

    println!("\nThe same in a session of 32 traced functions of 100 steps:\n");
    println!("| request | krach | echo | ratio |\n|---|---|---|---|");
    for i in 0..32 {
        let reply = client.ask(&request("node", &json!({"name": format!("fn{i}"), "source": traced(i)})));
        assert!(reply.contains("\"result\""), "{reply}");
    }
    round_trips(
        &mut client,
        &mut plain,
        &[
            ("set one control", request("set", &json!({"values": {"bass/freq": 220}}))),
            ("mute a node", request("mute", &json!({"node": "fn7"}))),
        ],
    );

    println!("\nMilliseconds of {EDITS} changes, least of {RUNS} runs:\n");
    println!(
        "| change | one after the other | sent at once | one batch | batch / one after the other |\n|---|---|---|---|---|"
    );
    thousand(&mut client, "set a control", |i| ("set", json!({"values": {"bass/freq": 100 + i}})));
    thousand(&mut client, "play a pattern", |i| {
        ("play", json!({"target": format!("s{}", i % 100), "pattern": "x . x x"}))
    });
    thousand(&mut client, "add a node", |i| {
        ("node", json!({"name": format!("n{i}"), "source": "oscillator"}))
    });
    // What a script that builds a session sends: each node with its pattern, its gain and its send.
    thousand(&mut client, "build a session of 250 nodes", |i| {
        let name = format!("n{}", i / 4);
        match i % 4 {
            0 => ("node", json!({"name": name, "source": "oscillator"})),
            1 => ("play", json!({"target": name, "pattern": "A1 . A1 A2"})),
            2 => ("gain", json!({"node": name, "gain": 0.25})),
            _ => ("connect", json!({"source": name, "target": "bass", "level": 0.5})),
        }
    });
    drop(instance);
    let _ = std::fs::remove_dir_all(&folder);
}

//! A modular patch that is saved again and again while it plays: what stays is untouched to the bit, and nothing forbidden
//! happens.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use krach_host::guard::{Guarded, MainWork, Scenario, run_guarded};
use krach_host::transport::Script;
use krach_host::{Client, MainThread};
use serde_json::json;

use super::cases::{assert_all_taken, assert_quiet_thread_and_sound, own_home};
use super::krach_support::plugin;
use super::scenes::call;

const SAVES: u64 = 500;
const EVERY: u64 = 2048;

thread_local! {
    static CLIENT: RefCell<Option<Client>> = const { RefCell::new(None) };
    static HEARD: Cell<u64> = const { Cell::new(0) };
}

/// A sine on the left that stays; on the right another module, name and frequency with each save.
fn patch(turn: u64) -> String {
    let (name, frequency) = (["one", "two", "three"][(turn % 3) as usize], 100 + turn);
    format!(
        "nodes:\n  stays:\n    module: SineOscillator\n    params: {{frequency: 331.0}}\n  {name}:\n    module: \
         SineOscillator\n    params: {{frequency: {frequency}.0}}\n  out: {{module: AudioOut}}\ncables:\n  - {{from: \
         stays, output: out, to: out, input: left, scale: 0.25}}\n  - {{from: {name}, output: out, to: out, input: \
         right, scale: 0.25}}\n"
    )
}

fn save(turn: u64) {
    let folder = std::env::var("NOISE_PATCH_DIR").expect("set by the case");
    std::fs::write(format!("{folder}/tone.yaml"), patch(turn)).expect("our own file");
}

fn reload(instance: &mut dyn MainThread, turn: u64) {
    CLIENT.with_borrow_mut(|client| {
        let client = client.get_or_insert_with(|| {
            let mut client = Client::connect(instance.socket().unwrap()).unwrap();
            client.request(&call("subscribe", &json!({"topics": ["compiles"]}))).unwrap();
            client
        });
        save(turn + 1);
        // Asking for the list makes the plugin look.
        client.send(&json!({"type": "list_nodes", "reply_port": 0}).to_string()).unwrap();
        let since = Instant::now();
        let (mut listed, mut compiled) = (false, 0);
        while !listed || compiled == 0 {
            match client.poll().unwrap() {
                Some(line) if line.contains("\"NodeTypes\"") => listed = true,
                Some(line) if line.contains("\"compiles\"") => compiled += 1,
                Some(line) => panic!("{line}"),
                None => std::thread::sleep(Duration::from_micros(200)),
            }
            assert!(since.elapsed().as_secs() < 30, "save {turn} was not heard of");
        }
        HEARD.set(HEARD.get() + compiled);
    });
}

fn run(main_work: Option<MainWork>) -> Guarded {
    let node = call("node", &json!({"name": "tone", "source": "patch:tone", "gain": 1.0}));
    let guarded = run_guarded(&Scenario {
        script: Script::playing(120.0),
        frames: (SAVES + 2) * EVERY,
        setup: vec![node],
        main_work,
        speed: f64::INFINITY,
        ..Scenario::of(plugin())
    });
    guarded.expect("it runs")
}

pub fn a_patch_saved_500_times_under_its_sound_touches_nothing_forbidden() {
    let home = own_home();
    let folder = home.path().join("patches");
    std::fs::create_dir(&folder).unwrap();
    // SAFETY: this process has no other thread yet.
    unsafe { std::env::set_var("NOISE_PATCH_DIR", &folder) };
    save(0);
    let saved = run(Some(MainWork { every: EVERY, act: reload }));
    assert_all_taken(&saved);
    assert_quiet_thread_and_sound(&saved);
    assert!(saved.main_turns >= SAVES, "only {} saves", saved.main_turns);
    assert!(HEARD.get() >= SAVES, "only {} were told of", HEARD.get());
    let [left, right] = [&saved.channels[0], &saved.channels[1]];
    assert!(left.iter().any(|x| *x > 0.2), "it sounds");
    // The one that stays, from where it is in: a sine whose next sample follows from the two before.
    let turn = std::f64::consts::TAU * 331.0 / 48_000.0;
    let off = |three: &[f32]| {
        let next = 2.0 * turn.cos() * f64::from(three[1]) - f64::from(three[0]);
        (f64::from(three[2]) - next).abs()
    };
    let begins = left.iter().position(|x| *x != 0.0).expect("it sounds") + 1_000;
    let worst = left[begins..].windows(3).map(off).fold(0.0, f64::max);
    assert!(worst < 1e-6, "its phase or its level was touched: {worst}");
    // The other is another sine each time, and comes and goes in 5 ms.
    let step = right[begins..].windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max);
    assert!(
        step < 0.25 * (600.0 / 48_000.0 * std::f32::consts::TAU) + 2.0 * 0.25 / 240.0,
        "a step of {step}"
    );
}

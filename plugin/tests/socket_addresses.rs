//! Where an instance listens: folders, permissions, entries, the contested name, what crashes left.
#![cfg(unix)]

mod wire_client;

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach::socket::Addresses;
use krach::socket::registry::{Entry, entries};
use krach_core::node::Registry;
use wire_client::{Client, Home, Voice, client_of, config, until};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// A socket file that nobody listens at, as a crash leaves it.
fn corpse(path: &Path) {
    drop(UnixListener::bind(path).unwrap());
    assert!(path.exists());
}

fn start(addresses: Addresses) -> Instance {
    Instance::start_at(config(HostHooks::default()), addresses)
}

/// Says in the gate's summary what cannot be checked here: past the harness, which holds back what is printed.
fn not_checked(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "not checked: {what}");
}

#[test]
fn the_socket_is_its_users_alone_in_a_folder_of_its_users_alone() {
    let home = Home::new("modes");
    let instance = home.instance();
    let own = instance.socket_path().unwrap();
    assert_eq!(own, home.run().join(format!("{}.sock", instance.id())));
    assert_eq!((mode(&home.run()), mode(&own)), (0o700, 0o600));
    assert_eq!(mode(&home.run().join(format!("{}.json", instance.id()))), 0o600);
    assert_eq!((mode(&home.fixed()), instance.contested_path()), (0o600, Some(home.fixed())));
    assert_eq!(instance.socket_problem(), None);
}

#[test]
fn the_entry_tells_who_listens_there() {
    let home = Home::new("entry");
    let instance = home.instance();
    let found = entries(&home.run());
    assert_eq!(found.len(), 1);
    let Entry { instance: id, pid, format, host, track, socket, started, .. } = &found[0];
    assert_eq!((id.as_str(), *pid, format.as_str()), (instance.id(), std::process::id(), "clap"));
    assert_eq!((host.as_deref(), track), (Some("test host"), &None));
    assert_eq!(Some(socket), instance.socket_path().as_ref());
    assert!(*started > 1_600_000_000);
    let mut client = Client::connect(socket);
    assert_eq!(client.hello["instance"], instance.id());
    assert_eq!((&client.hello["protocol"], &client.hello["engine"]), (&1.into(), &"krach-engine".into()));
    assert_eq!(client.ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
}

#[test]
fn the_first_folder_that_works_is_taken() {
    let home = Home::new("search");
    let real = home.path().join("real");
    std::fs::create_dir(&real).unwrap();
    let link = home.path().join("link");
    symlink(&real, &link).unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let long = home.path().join("x".repeat(90));
    let unmade = home.path().join("missing/missing/missing");
    let good = home.path().join(".krach/run");
    let folders = vec![link, file, long, unmade, good.clone(), home.run()];
    let instance = start(Addresses {
        folders,
        contested: None,
        named: false,
        dsp_folder: None,
        dsp_problem: None,
        patch_folder: None,
    });
    assert_eq!(instance.socket_path().unwrap().parent(), Some(good.as_path()));
    assert_eq!(instance.socket_problem(), None);
    assert!(!home.run().exists());
    assert_eq!(std::fs::read_dir(&real).unwrap().count(), 0, "links are not followed");
}

#[test]
fn an_instance_without_any_folder_still_lives_and_says_why() {
    let home = Home::new("nowhere");
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let instance = start(Addresses {
        folders: vec![file],
        contested: None,
        named: false,
        dsp_folder: None,
        dsp_problem: None,
        patch_folder: None,
    });
    assert_eq!(instance.socket_path(), None);
    assert!(instance.socket_problem().unwrap().contains("is not a folder"));
    assert!(instance.status().is_some(), "the engine answers its host all the same");
    let named = start(Addresses {
        folders: Vec::new(),
        contested: Some(home.fixed()),
        named: false,
        dsp_folder: None,
        dsp_problem: None,
        patch_folder: None,
    });
    assert_eq!(named.socket_path(), Some(home.fixed()), "one address is better than none");
    assert_eq!(client_of(&named).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
}

#[test]
fn what_crashed_instances_left_is_swept_and_what_lives_is_not() {
    let home = Home::new("sweep");
    let living = home.instance();
    corpse(&home.run().join("dead.sock"));
    std::fs::write(home.run().join("dead.json"), "{}").unwrap();
    std::fs::write(home.run().join("notes.txt"), "mine").unwrap();
    let newcomer = home.instance();
    let files = home.files();
    assert!(!files.iter().any(|name| name.starts_with("dead")), "{files:?}");
    assert!(files.iter().any(|name| name == "notes.txt"));
    assert_eq!(client_of(&living).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
    assert_eq!(entries(&home.run()).len(), 2);
    drop(newcomer);
    assert_eq!(entries(&home.run()).len(), 1);
}

#[test]
fn a_dead_socket_at_the_fixed_name_is_replaced() {
    let home = Home::new("corpse");
    corpse(&home.fixed());
    let instance = home.instance();
    assert_eq!(instance.contested_path(), Some(home.fixed()));
    assert_eq!(Client::connect(&home.fixed()).hello["instance"], instance.id());
}

#[test]
fn a_living_engine_at_the_fixed_name_is_never_unlinked() {
    let home = Home::new("foreign");
    let engine = UnixListener::bind(home.fixed()).unwrap();
    let inode = std::fs::metadata(home.fixed()).unwrap().ino();
    let instance = home.instance();
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(std::fs::metadata(home.fixed()).unwrap().ino(), inode);
    assert_eq!(instance.contested_path(), None);
    assert!(instance.socket_problem().unwrap().contains("another engine answers there"));
    assert_eq!(client_of(&instance).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong", "its own address works");
    drop(engine);
    until("the name is taken over from the dead engine", || instance.contested_path().is_some());
    assert_eq!(Client::connect(&home.fixed()).hello["instance"], instance.id());
    assert_eq!(instance.socket_problem(), None);
}

#[test]
fn a_file_at_the_fixed_name_is_left_alone() {
    let home = Home::new("file");
    std::fs::write(home.fixed(), "precious").unwrap();
    let instance = home.instance();
    assert!(instance.socket_problem().unwrap().contains("is not a socket"));
    drop(instance);
    assert_eq!(std::fs::read_to_string(home.fixed()).unwrap(), "precious");
}

#[test]
fn another_users_socket_or_lock_at_the_fixed_name_is_refused() {
    let home = Home::new("owner");
    let other = UnixListener::bind(home.fixed()).unwrap();
    if chown(home.fixed(), Some(12_345), None).is_err() {
        not_checked("only root can give files to another user");
        return;
    }
    drop(other);
    let instance = home.instance();
    assert_eq!(instance.contested_path(), None);
    assert!(instance.socket_problem().unwrap().contains("belongs to another user"));
    drop(instance);
    assert!(home.fixed().exists());
    std::fs::remove_file(home.fixed()).unwrap();
    let lock = home.path().join("krach-engine.sock.lock");
    std::fs::write(&lock, "").unwrap();
    chown(&lock, Some(12_345), None).unwrap();
    let instance = home.instance();
    assert_eq!(instance.contested_path(), None);
    assert!(instance.socket_problem().unwrap().contains("belongs to another user"));
}

#[test]
fn the_fixed_name_goes_to_the_next_when_its_holder_goes() {
    let home = Home::new("takeover");
    let (first, second) = (home.instance(), home.instance());
    assert_eq!(Client::connect(&home.fixed()).hello["instance"], first.id());
    assert_eq!((second.contested_path(), second.socket_problem()), (None, None));
    drop(first);
    until("the second takes the name", || {
        Client::try_connect(&home.fixed()).is_ok_and(|client| client.hello["instance"] == second.id())
    });
}

#[test]
fn deleted_names_come_back() {
    let home = Home::new("deleted");
    let instance = home.instance();
    let own = instance.socket_path().unwrap();
    for path in [home.fixed(), own] {
        std::fs::remove_file(&path).unwrap();
        until("the name is back", || Client::try_connect(&path).is_ok());
        assert_eq!(
            (mode(&path), Client::connect(&path).hello["instance"].as_str()),
            (0o600, Some(instance.id()))
        );
    }
}

#[test]
fn the_name_is_held_by_exactly_one_even_if_its_lock_file_is_deleted() {
    let home = Home::new("lock");
    let first = home.instance();
    std::fs::remove_file(home.path().join("krach-engine.sock.lock")).unwrap();
    let second = home.instance();
    std::thread::sleep(Duration::from_millis(700));
    assert_eq!(Client::connect(&home.fixed()).hello["instance"], first.id());
    assert_eq!(second.contested_path(), None);
}

#[test]
fn noise_socket_is_shown_by_its_holder_and_the_next_falls_back_to_its_own() {
    let home = Home::new("named");
    let named = home.path().join("noise.sock");
    let addresses = Addresses {
        folders: vec![home.run()],
        contested: Some(named.clone()),
        named: true,
        dsp_folder: None,
        dsp_problem: None,
        patch_folder: None,
    };
    let (first, second) = (start(addresses.clone()), start(addresses));
    assert_eq!(first.socket_path(), Some(named.clone()));
    assert_eq!(Client::connect(&named).hello["instance"], first.id());
    assert_eq!(second.socket_path(), Some(home.run().join(format!("{}.sock", second.id()))));
    assert_eq!(client_of(&second).hello["instance"], second.id());
}

#[test]
fn instances_that_go_leave_no_file() {
    let home = Home::new("leave");
    let instances: Vec<_> = (0..4).map(|_| home.instance()).collect();
    assert_eq!(home.files().len(), 4 * 2 + 3, "{:?}", home.files());
    drop(instances);
    assert_eq!(home.files(), ["run"]);
}

#[test]
fn eight_that_start_at_once_agree_on_one_holder_of_the_name() {
    let home = Home::new("race");
    let instances: Vec<Instance> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..8).map(|_| scope.spawn(|| home.instance())).collect();
        starting.into_iter().map(|instance| instance.join().unwrap()).collect()
    });
    let holders = || instances.iter().filter(|instance| instance.contested_path().is_some()).count();
    until("somebody holds the name", || holders() == 1);
    std::thread::sleep(Duration::from_millis(600));
    assert_eq!(holders(), 1);
    let holder = Client::connect(&home.fixed()).hello["instance"].take();
    assert!(instances.iter().any(|i| i.contested_path().is_some() && holder == i.id()));
    assert!(instances.iter().all(|instance| instance.socket_problem().is_none()));
    assert_eq!(entries(&home.run()).len(), 8, "nobody was swept for dead while it was born");
}

const HOLD: &str = "KRACH_TEST_HOLD";

/// Not a test by itself: what the next one runs as a process of its own, and kills.
#[test]
#[ignore = "run by the_files_of_a_killed_process_are_swept_and_its_name_goes_to_the_next"]
fn holder_process() {
    let Some(home) = std::env::var_os(HOLD).map(std::path::PathBuf::from) else { return };
    let contested = Some(home.join("krach-engine.sock"));
    let _held = start(Addresses {
        folders: vec![home.join("run")],
        contested,
        named: false,
        dsp_folder: None,
        dsp_problem: None,
        patch_folder: None,
    });
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn the_files_of_a_killed_process_are_swept_and_its_name_goes_to_the_next() {
    let home = Home::new("killed");
    let mut holder = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "holder_process", "--ignored"])
        .env(HOLD, home.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    until("the other process holds the name", || Client::try_connect(&home.fixed()).is_ok());
    let waiting = home.instance();
    assert_eq!(waiting.contested_path(), None);
    holder.kill().unwrap();
    holder.wait().unwrap();
    until("the name is free", || waiting.contested_path().is_some());
    assert_eq!(Client::connect(&home.fixed()).hello["instance"], waiting.id());
    let next = home.instance();
    let mut left: Vec<String> = entries(&home.run()).into_iter().map(|entry| entry.instance).collect();
    left.sort();
    let mut expected = vec![waiting.id().to_owned(), next.id().to_owned()];
    expected.sort();
    assert_eq!(left, expected, "the dead one's entry is gone");
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn fifos_and_endless_files_among_the_entries_hold_nobody_up() {
    let home = Home::new("fifos");
    let first = home.instance();
    fifo(&home.run().join("fifo.json"));
    std::fs::File::create(home.run().join("sparse.json")).unwrap().set_len(8 << 30).unwrap();
    symlink("/dev/zero", home.run().join("zero.json")).unwrap();
    // Looking for a free name reads every entry, on the control thread.
    let named = r#"{"jsonrpc":"2.0","id":1,"method":"name","params":{"name":"solo"}}"#;
    client_of(&first).ask(named);
    let second = home.instance();
    let chunk = first.save_state();
    second.load_state(&chunk).unwrap();
    assert!(second.status().is_some(), "the control thread answers");
    assert_eq!(client_of(&second).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
    assert_eq!(entries(&home.run()).len(), 2);
}

#[test]
fn a_lock_file_that_is_none_is_told_and_left_alone() {
    let home = Home::new("lockfifo");
    let lock = home.path().join("krach-engine.sock.lock");
    fifo(&lock);
    let instance = home.instance();
    assert_eq!(instance.contested_path(), None);
    let problem = instance.socket_problem().unwrap();
    assert!(problem.contains("is not a plain file"), "{problem}");
    assert_eq!(client_of(&instance).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong", "its own address works");
    assert!(lock.exists());
    std::fs::remove_file(&lock).unwrap();
    until("the name is taken", || instance.contested_path().is_some());
    assert_eq!(instance.socket_problem(), None);
}

/// This program again, for one test of the kind that others run.
fn process(test: &str, home: &Home) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(HOLD, home.path()).stdin(Stdio::null());
    command
}

fn succeeds(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Not a test by itself: see the next one.
#[test]
#[ignore = "run by an_instance_made_while_descriptors_are_short_gets_its_socket_later"]
fn short_process() {
    let Some(home) = std::env::var_os(HOLD).map(std::path::PathBuf::from) else { return };
    let limit = |soft: Option<u64>| {
        let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: plain system calls with a valid pointer.
        unsafe {
            assert_eq!(libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit), 0);
            let before = limit.rlim_cur;
            limit.rlim_cur = soft.unwrap_or(before);
            assert_eq!(libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit), 0);
            before
        }
    };
    let addresses = Addresses {
        folders: vec![home.join("run")],
        contested: Some(home.join("krach-engine.sock")),
        ..Addresses::default()
    };
    // None at all for one, and for the other enough to be woken, and not to listen.
    for spare in [0, 2] {
        let free = std::fs::File::open("/dev/null").unwrap();
        let next = u64::try_from(std::os::fd::AsRawFd::as_raw_fd(&free)).unwrap();
        drop(free);
        let usual = limit(Some(next + spare));
        let instance = start(addresses.clone());
        assert_eq!((instance.socket_path(), instance.contested_path()), (None, None));
        let problem = instance.socket_problem().unwrap();
        assert!(problem.contains("Too many open files"), "{problem}");
        limit(Some(usual));
        until("it has a socket", || instance.socket_path().is_some() && instance.contested_path().is_some());
        assert_eq!(client_of(&instance).ask(r#"{"cmd":"Ping"}"#)["status"], "Pong");
        until("nothing is wrong", || instance.socket_problem().is_none());
        assert_eq!(entries(&home.join("run")).len(), 1, "clients find it");
    }
    // One that goes while it still waits is gone at once.
    let usual = limit(Some(3));
    drop(start(addresses));
    limit(Some(usual));
}

#[test]
fn an_instance_made_while_descriptors_are_short_gets_its_socket_later() {
    let home = Home::new("short");
    succeeds(process("short_process", &home));
}

/// Not a test by itself: see the next one.
#[test]
#[ignore = "run by without_a_home_what_needs_no_folder_plays_and_the_rest_says_why"]
fn homeless_process() {
    let Some(home) = std::env::var_os(HOLD) else { return };
    let instance = Instance::start(InstanceConfig {
        registry: Registry::with_builtins(),
        ..config(HostHooks::default())
    });
    let mut client = client_of(&instance);
    let state = client.ask(r#"{"cmd":"Status"}"#);
    let problem = state["sounds"]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("neither NOISE_DSP_DIR nor HOME is set"), "{state}");
    // What is built in comes with its code.
    let node = serde_json::json!({"name": "bass", "source": "faust:bass"});
    let reply = client.call("node", node);
    assert!(reply["error"].is_null(), "{reply}");
    until("it has its code", || {
        let nodes = client.call("describe", serde_json::json!({}))["result"]["nodes"].clone();
        let state = nodes.as_array().and_then(|nodes| nodes.iter().find(|node| node["name"] == "bass"));
        let state = state.unwrap_or_else(|| panic!("{nodes}"))["state"].clone();
        assert_ne!(state, "failed");
        state == "ready"
    });
    // A project whose sound was a file elsewhere, and has no text of it.
    instance.load_state(&chunk_with_a_sound_that_is_nowhere(Path::new(&home))).unwrap();
    let mut failure = serde_json::Value::Null;
    until("the missing sound is told", || {
        let state = client.ask(r#"{"cmd":"Status"}"#);
        let failures = state["sounds"]["failures"].as_array().cloned().unwrap_or_default();
        failure = failures.into_iter().find(|failure| failure["type"] == "faust:gone").unwrap_or_default();
        !failure.is_null()
    });
    assert!(failure["text"].as_str().unwrap().contains("there is no gone.dsp"), "{failure}");
    let hint = failure["hint"].as_str().unwrap_or_default();
    assert!(hint.contains("start the host with one of them set"), "{failure}");
}

/// The state of an instance that has `faust:gone` from its registry, not from a text.
fn chunk_with_a_sound_that_is_nowhere(home: &Path) -> Vec<u8> {
    let mut registry = Registry::with_builtins();
    registry.add(Arc::new(Voice::named("faust:gone")));
    let config = InstanceConfig { registry, ..config(HostHooks::default()) };
    let instance =
        Instance::start_at(config, Addresses { folders: vec![home.join("maker")], ..Addresses::default() });
    let reply =
        client_of(&instance).call("node", serde_json::json!({"name": "lead", "source": "faust:gone"}));
    assert!(reply["error"].is_null(), "{reply}");
    instance.save_state()
}

#[test]
fn without_a_home_what_needs_no_folder_plays_and_the_rest_says_why() {
    let home = Home::new("homeless");
    let mut command = process("homeless_process", &home);
    command.env_remove("HOME").env_remove("NOISE_DSP_DIR").env("KRACH_FAUST", "none");
    command.env("XDG_RUNTIME_DIR", home.path()).env("NOISE_SOCKET", home.path().join("noise.sock"));
    succeeds(command);
}

/// Not a test by itself: see the next one.
#[test]
#[ignore = "run by sounds_need_nothing_installed"]
fn nothing_installed_process() {
    let Some(home) = std::env::var_os(HOLD).map(std::path::PathBuf::from) else { return };
    let instance = Instance::start(InstanceConfig {
        registry: Registry::with_builtins(),
        ..config(HostHooks::default())
    });
    let mut client = client_of(&instance);
    for sound in ["bass", "kick", "reverb", "mine"] {
        let source = format!("faust:{sound}");
        let reply = client.call("node", serde_json::json!({"name": sound, "source": source}));
        assert!(reply["error"].is_null(), "{reply}");
    }
    until("all have their code", || {
        let nodes = client.call("describe", serde_json::json!({}))["result"]["nodes"].clone();
        let nodes = nodes.as_array().expect("nodes");
        assert!(nodes.iter().all(|node| node["state"] != "failed"), "{nodes:?}");
        let ready = nodes.iter().filter(|node| node["state"] == "ready").count();
        ready >= 4
    });
    std::fs::write(
        home.join("mine.dsp"),
        "import(\"stdfaust.lib\");\nprocess = os.osc(440) : fi.lowpas(2, 500);\n",
    )
    .unwrap();
    let mut failure = serde_json::Value::Null;
    until("the mistake is told", || {
        let state = client.ask(r#"{"cmd":"Status"}"#);
        failure = state["sounds"]["failures"][0].clone();
        !failure.is_null()
    });
    assert_eq!(
        (&failure["file"], &failure["line"], &failure["column"]),
        (&"mine.dsp".into(), &2.into(), &25.into()),
        "{failure}"
    );
    assert!(failure["hint"].as_str().unwrap_or_default().contains("did you mean `lowpass`?"), "{failure}");
}

#[test]
fn sounds_need_nothing_installed() {
    let home = Home::new("nothing-installed");
    let text = "import(\"stdfaust.lib\");\nprocess = os.osc(440) : fi.lowpass(2, 500);\n";
    std::fs::write(home.path().join("mine.dsp"), text).unwrap();
    let mut command = process("nothing_installed_process", &home);
    command.env_remove("KRACH_FAUST").env("PATH", "").env("NOISE_DSP_DIR", home.path());
    command.env("XDG_CACHE_HOME", home.path().join("cache")).env("HOME", home.path());
    command.env("XDG_RUNTIME_DIR", home.path()).env("NOISE_SOCKET", home.path().join("noise.sock"));
    succeeds(command);
}

#[cfg(target_os = "linux")]
#[test]
fn another_user_who_may_open_the_socket_is_sent_away_unheard() {
    let home = Home::new("peer");
    let instance = home.instance();
    // SAFETY: plain system call.
    if unsafe { libc::geteuid() } != 0 {
        not_checked("only root can become another user");
        return;
    }
    // SAFETY: all zeros is a value of this plain C struct.
    let mut address: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    address.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let path = instance.socket_path().unwrap();
    for (to, from) in address.sun_path.iter_mut().zip(path.as_os_str().as_encoded_bytes()) {
        *to = *from as libc::c_char;
    }
    const FAILED: i32 = 10;
    const UNHEARD: i32 = 11;
    const GREETED: i32 = 12;
    // What becomes of a process of that user. Files see it as root, which opens what is closed to others; the
    // other end of a socket sees the user.
    // SAFETY: between fork and `_exit` the child makes system calls only, with pointers into its own copy of
    // this frame; the parent waits for it.
    let attempt = |user: libc::uid_t| unsafe {
        let child = libc::fork();
        if child == 0 {
            let mut byte = 0_u8;
            let became = libc::syscall(libc::SYS_setresuid, -1, user, -1) == 0 && libc::geteuid() == user;
            libc::setfsuid(0);
            let socket = libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0);
            let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
            if !became || libc::connect(socket, (&raw const address).cast(), size) != 0 {
                libc::_exit(FAILED);
            }
            let read = libc::read(socket, (&raw mut byte).cast(), 1);
            libc::_exit(if read > 0 { GREETED } else { UNHEARD });
        }
        let mut status = 0;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        libc::WEXITSTATUS(status)
    };
    assert_eq!(attempt(0), GREETED, "its own user");
    assert_eq!(attempt(65_534), UNHEARD, "another user");
    assert_eq!(attempt(0), GREETED, "its own user, afterwards");
}

//! Instances come and go, alone and in crowds, while clients talk at them: no thread, socket or file
//! stays behind, and the host's process ends as it wants.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod krach_support;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    cases::leave_in_the_middle_if_asked_to();
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use std::collections::BTreeSet;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::os::unix::process::ExitStatusExt;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, ExitStatus, Stdio};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    use krach_host::guard::Case;
    use krach_host::transport::{Blocks, Player, Script};
    use krach_host::{
        Client, Hosted, Instance, Length, Library, Processor, RenderOptions, Stage, Vst3Instance,
    };
    use serde_json::json;

    use super::krach_support::home::Home;
    use super::krach_support::session::{at, atom, gate_graph, hits, play, two_voices};
    use super::krach_support::{Dice, Format, ask_all, plugin};

    pub const ALL: [Case; 7] = [
        (
            "eight_instances_come_and_go_in_any_order_while_clients_flood_them",
            eight_instances_come_and_go_in_any_order_while_clients_flood_them,
        ),
        (
            "eight_instances_of_both_formats_come_and_go_in_any_order_while_they_play",
            eight_instances_of_both_formats_come_and_go_in_any_order_while_they_play,
        ),
        (
            "an_instance_goes_at_any_moment_of_a_clients_request",
            an_instance_goes_at_any_moment_of_a_clients_request,
        ),
        ("the_library_is_unloaded_and_loaded_again", the_library_is_unloaded_and_loaded_again),
        ("the_host_may_end_at_any_moment", the_host_may_end_at_any_moment),
        (
            "the_fixed_name_goes_from_one_instance_to_the_next",
            the_fixed_name_goes_from_one_instance_to_the_next,
        ),
        (
            "a_host_that_was_killed_leaves_its_name_and_files_to_the_next",
            a_host_that_was_killed_leaves_its_name_and_files_to_the_next,
        ),
    ];

    /// Longest that anything here may take before it counts as hung.
    const HUNG: Duration = Duration::from_secs(30);
    const SOCKET_WAIT: Duration = Duration::from_secs(10);
    /// Names the seed by which a process is to leave in the middle.
    const LEAVE: &str = "KRACH_LEAVE_IN_THE_MIDDLE";
    /// What it leaves with.
    const LEFT: i32 = 7;

    fn own_home() -> Home {
        // SAFETY: each case runs in a process of its own that has no other thread yet.
        unsafe { Home::new() }
    }

    /// The names of this process's threads that are the plugin's and still run. One that can be joined
    /// is listed a moment longer, but marked as exiting (`PF_EXITING`, see proc_pid_stat(5)).
    fn plugin_threads() -> Vec<String> {
        const PF_EXITING: u64 = 4;
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux").filter_map(Result::ok);
        let runs = |stat: &str| -> Option<String> {
            let (start, rest) = stat.rsplit_once(") ")?;
            // The fields after the name: state, five ids, flags.
            let flags: u64 = rest.split(' ').nth(6)?.parse().ok()?;
            let name = start.split_once('(')?.1;
            (name.starts_with("krach-") && flags & PF_EXITING == 0).then(|| name.to_owned())
        };
        tasks.filter_map(|task| runs(&std::fs::read_to_string(task.path().join("stat")).ok()?)).collect()
    }

    /// How many threads this process has.
    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").expect("Linux").count()
    }

    /// Waits until it holds.
    fn eventually(mut holds: impl FnMut() -> bool) -> bool {
        let end = Instant::now() + HUNG;
        while !holds() {
            if Instant::now() >= end {
                return false;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        true
    }

    #[track_caller]
    fn assert_nothing_is_left(home: &Home) {
        let left = plugin_threads();
        assert!(left.is_empty(), "threads are left: {left:?}");
        assert!(home.files().is_empty(), "files are left: {:?}", home.files());
    }

    fn lines() -> Vec<String> {
        vec![
            two_voices(),
            play("a", &hits("a/gate", 16)),
            json!({"type": "set_control", "label": "a/freq", "value": 333.0}).to_string(),
            at("cycle", &play("b", &hits("b/gate", 5))),
            at(2.5, &gate_graph()),
            "{\"cmd\":\"Status\"}".to_owned(),
            json!({"type": "set_automation", "id": "s", "label": "a/freq", "shape": "sine",
                   "lo": 100.0, "hi": 900.0, "period_secs": 0.3})
            .to_string(),
            "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"sync\"}".to_owned(),
            "not a request at all".to_owned(),
            "{\"cmd\":\"HushAll\"}".to_owned(),
        ]
    }

    /// How a client behaves.
    #[derive(Clone, Copy)]
    enum Manners {
        /// Reads every reply, from a thread of its own.
        Reads,
        /// Never reads.
        Deaf,
        /// Connects, says half a line, and is gone; again and again.
        Flighty,
    }

    /// A thread that talks to this socket until the other side is gone, or until told to stop.
    fn talk(
        socket: &Path,
        manners: Manners,
        stop: &Arc<AtomicBool>,
        said: &Arc<AtomicU64>,
    ) -> JoinHandle<()> {
        let (socket, stop, said) = (socket.to_owned(), Arc::clone(stop), Arc::clone(said));
        std::thread::spawn(move || {
            while !stop.load(Ordering::Acquire) {
                let Ok(mut stream) = UnixStream::connect(&socket) else { return };
                // A deaf client's requests are not read for ever: it must come back to see the end.
                stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
                if let Manners::Reads = manners {
                    let mut replies = stream.try_clone().unwrap();
                    std::thread::spawn(move || {
                        let mut bytes = [0; 4096];
                        while replies.read(&mut bytes).is_ok_and(|count| count > 0) {}
                    });
                }
                if let Manners::Flighty = manners {
                    let _ = stream.write_all(b"{\"cmd\":\"SetPattern\",\"slot\":\"a\",\"patt");
                    said.fetch_add(1, Ordering::AcqRel);
                    std::thread::sleep(Duration::from_millis(1));
                    continue;
                }
                for line in lines().iter().cycle() {
                    if stop.load(Ordering::Acquire)
                        || stream.write_all(format!("{line}\n").as_bytes()).is_err()
                    {
                        break;
                    }
                    said.fetch_add(1, Ordering::AcqRel);
                }
                let _ = stream.shutdown(std::net::Shutdown::Both);
            }
        })
    }

    /// An audio thread that processes one block after the other until it is told to stop.
    struct Playing {
        stop: Arc<AtomicBool>,
        blocks: Arc<AtomicU64>,
        thread: JoinHandle<Processor>,
    }

    impl Playing {
        fn start(mut processor: Processor, seed: u64) -> Self {
            let stop = Arc::new(AtomicBool::new(false));
            let blocks = Arc::new(AtomicU64::new(0));
            let (told, counted) = (Arc::clone(&stop), Arc::clone(&blocks));
            let thread = std::thread::spawn(move || {
                let cut = Blocks::Random { seed, min: 1, max: 512 };
                let mut player = Player::new(&Script::playing(120.0), &cut, 48_000.0);
                while !told.load(Ordering::Acquire) {
                    processor.process(&player.next_block(), &[]).expect("a block");
                    processor.clear_sent();
                    counted.fetch_add(1, Ordering::AcqRel);
                    std::thread::sleep(Duration::from_micros(500));
                }
                processor
            });
            Self { stop, blocks, thread }
        }

        fn stop(self) -> Processor {
            self.stop.store(true, Ordering::Release);
            self.thread.join().expect("the audio thread ends well")
        }
    }

    /// An instance with whatever is going on around it.
    struct Guest {
        instance: Instance,
        socket: PathBuf,
        playing: Option<Playing>,
        idle_processor: Option<Processor>,
    }

    impl Guest {
        /// Makes one; by `kind` it is inactive, active, or playing.
        fn arrive(library: &Library, kind: usize, seed: u64) -> Self {
            let mut instance = Instance::create_with_socket(library, None, SOCKET_WAIT).unwrap();
            let socket = instance.socket().unwrap().to_owned();
            let processor = (kind > 0).then(|| instance.activate(48_000.0, 512).unwrap());
            let (playing, idle_processor) = match processor {
                Some(processor) if kind > 1 => (Some(Playing::start(processor, seed)), None),
                other => (None, other),
            };
            Self { instance, socket, playing, idle_processor }
        }

        fn leave(mut self) {
            if let Some(processor) = self.playing.take().map(Playing::stop).or(self.idle_processor.take()) {
                self.instance.deactivate(processor);
            }
            drop(self.instance);
            assert!(!self.socket.exists(), "its socket is left");
            assert!(!self.socket.with_extension("json").exists(), "its registry file is left");
        }
    }

    fn eight_instances_come_and_go_in_any_order_while_clients_flood_them() {
        let home = own_home();
        let before = threads();
        let library = Library::load(&plugin()).unwrap();
        let mut dice = Dice(2026);
        let stop = Arc::new(AtomicBool::new(false));
        let said = Arc::new(AtomicU64::new(0));
        let mut talkers = Vec::new();
        let mut guests: Vec<Guest> = Vec::new();
        let mut sockets = BTreeSet::new();
        // Eight arrive, any of them leaves when it likes, another comes in its place; then all leave.
        for turn in 0..40_u64 {
            let full = guests.len() == 8;
            if full || turn > 30 || (!guests.is_empty() && dice.below(4) == 0) {
                if guests.is_empty() {
                    break;
                }
                guests.swap_remove(dice.below(guests.len())).leave();
            } else {
                let guest = Guest::arrive(&library, dice.below(3), turn);
                sockets.insert(guest.socket.clone());
                for manners in [Manners::Reads, Manners::Deaf, Manners::Flighty] {
                    talkers.push(talk(&guest.socket, manners, &stop, &said));
                }
                guests.push(guest);
            }
            for guest in &mut guests {
                guest.instance.idle();
            }
            std::thread::sleep(Duration::from_micros(dice.below(20_000) as u64));
        }
        while !guests.is_empty() {
            guests.swap_remove(dice.below(guests.len())).leave();
        }
        assert!(sockets.len() >= 16, "only {} instances", sockets.len());
        assert_nothing_is_left(&home);
        assert!(said.load(Ordering::Acquire) > 1_000, "the clients hardly spoke");
        stop.store(true, Ordering::Release);
        for talker in talkers {
            talker.join().unwrap();
        }
        drop(library);
        // Nor is a thread left that has another name; the clients' own readers end with their sockets.
        assert!(eventually(|| threads() == before), "{} threads instead of {before}", threads());
    }

    /// An instance on a stage of its own, that plays one endless tone while others come and go.
    trait Tone {
        /// Renders some blocks.
        fn play_on(&mut self, blocks: usize);
        /// Leaves, and hands out what was heard.
        fn leave(self: Box<Self>) -> Vec<f32>;
    }

    struct OnStage<I: Hosted>(Stage<I>, PathBuf);

    impl<I: Hosted> OnStage<I> {
        fn arrive(format: Format) -> Self {
            let options = RenderOptions {
                plugin: Some(format.plugin()),
                blocks: Blocks::Fixed(480),
                length: Length::Seconds(600.0),
                ..RenderOptions::default()
            };
            let mut stage = Stage::<I>::open(&options, true).unwrap();
            ask_all(&mut stage, &[two_voices(), play("on", &atom("a/gate", 1.0))]);
            let socket = stage.instance().socket().unwrap().to_owned();
            Self(stage, socket)
        }
    }

    impl<I: Hosted> Tone for OnStage<I> {
        fn play_on(&mut self, blocks: usize) {
            for _ in 0..blocks {
                self.0.advance().expect("a block");
            }
        }

        fn leave(self: Box<Self>) -> Vec<f32> {
            let Self(stage, socket) = *self;
            let heard = stage.finish().channels.swap_remove(0);
            assert!(!socket.exists() && !socket.with_extension("json").exists(), "its files are left");
            heard
        }
    }

    /// The largest step between neighbouring samples after the first 20 ms, in which the tone comes up.
    fn steepest(heard: &[f32]) -> f32 {
        let settled = heard.get(960..).unwrap_or(&[]);
        settled.windows(2).map(|two| (two[1] - two[0]).abs()).fold(0.0, f32::max)
    }

    fn eight_instances_of_both_formats_come_and_go_in_any_order_while_they_play() {
        let home = own_home();
        let before = threads();
        let arrive = |turn: usize| -> Box<dyn Tone> {
            if turn.is_multiple_of(2) {
                Box::new(OnStage::<Instance>::arrive(Format::Clap))
            } else {
                Box::new(OnStage::<Vst3Instance>::arrive(Format::Vst3))
            }
        };
        // What one sounds like that has the process to itself.
        let mut alone = arrive(1);
        alone.play_on(40);
        let steady = steepest(&alone.leave());
        assert!(steady > 0.0, "the tone sounds");
        assert_nothing_is_left(&home);

        let mut dice = Dice(88);
        let mut playing: Vec<Box<dyn Tone>> = Vec::new();
        let mut left = 0;
        let depart = |playing: &mut Vec<Box<dyn Tone>>, dice: &mut Dice| {
            let heard = playing.swap_remove(dice.below(playing.len())).leave();
            let click = steepest(&heard);
            assert!(click <= steady * 1.01, "a click of {click}, the tone's own steps are {steady}");
        };
        // The first arrivals fill the house; then one goes and another comes, of the other format.
        for turn in 0..32 {
            if playing.len() == 8 {
                depart(&mut playing, &mut dice);
                left += 1;
            }
            playing.push(arrive(turn));
            for tone in &mut playing {
                tone.play_on(dice.below(4));
            }
        }
        while !playing.is_empty() {
            depart(&mut playing, &mut dice);
            for tone in &mut playing {
                tone.play_on(2);
            }
            left += 1;
        }
        assert_eq!(left, 32);
        assert_nothing_is_left(&home);
        assert!(eventually(|| threads() == before), "{} threads instead of {before}", threads());
    }

    fn an_instance_goes_at_any_moment_of_a_clients_request() {
        let home = own_home();
        let library = Library::load(&plugin()).unwrap();
        let mut dice = Dice(3);
        for turn in 0..60_u64 {
            let guest = Guest::arrive(&library, 2, turn);
            let stop = Arc::new(AtomicBool::new(false));
            let said = Arc::new(AtomicU64::new(0));
            let talker = talk(&guest.socket, Manners::Reads, &stop, &said);
            let wait = dice.below(12) as u64;
            if wait > 3 {
                let spoken = || said.load(Ordering::Acquire) > wait * 5;
                assert!(eventually(spoken), "nobody listened");
                let blocks = Arc::clone(&guest.playing.as_ref().unwrap().blocks);
                assert!(eventually(|| blocks.load(Ordering::Acquire) > 1), "it does not play");
            }
            assert!(!plugin_threads().is_empty(), "its threads have other names");
            guest.leave();
            // At once: whatever still ran would run on in a library that may be unloaded now.
            assert_nothing_is_left(&home);
            stop.store(true, Ordering::Release);
            talker.join().unwrap();
        }
    }

    /// Whether a file of this name is mapped into this process.
    fn mapped(file: &Path) -> bool {
        let name = file.canonicalize().expect("the plugin is there").display().to_string();
        std::fs::read_to_string("/proc/self/maps").expect("Linux").contains(&name)
    }

    fn the_library_is_unloaded_and_loaded_again() {
        let home = own_home();
        let path = plugin();
        let before = threads();
        assert!(!mapped(&path));
        for turn in 0..5_u64 {
            // On a thread of its own: a library stays mapped while a thread lives that has used it.
            let (path, seen) = (path.clone(), Arc::new(AtomicBool::new(false)));
            let saw = Arc::clone(&seen);
            std::thread::spawn(move || {
                let library = Library::load(&path).unwrap();
                let mut guests: Vec<Guest> =
                    (0..2).map(|kind| Guest::arrive(&library, kind + 1, turn)).collect();
                let mut client = Client::connect(&guests[0].socket).unwrap();
                for line in [two_voices(), play("a", &hits("a/gate", 4))] {
                    assert_eq!(client.request(&line).unwrap()["status"], "Ok");
                }
                // A new library knows nothing of the sessions of the one before it.
                let fresh =
                    Client::connect(&guests[1].socket).unwrap().request("{\"cmd\":\"Status\"}").unwrap();
                assert_eq!(fresh["slots"], json!([]));
                saw.store(mapped(&path), Ordering::Release);
                while let Some(guest) = guests.pop() {
                    guest.leave();
                }
            })
            .join()
            .unwrap();
            assert!(seen.load(Ordering::Acquire), "it was loaded");
            assert_nothing_is_left(&home);
        }
        assert!(eventually(|| threads() == before), "{} threads instead of {before}", threads());
        // What the loader kept for a thread that has ended since, the next `dlclose` gives back.
        std::thread::spawn({
            let path = path.clone();
            move || drop(Library::load(&path).unwrap())
        })
        .join()
        .unwrap();
        assert!(!mapped(&path), "it is still there after everybody has left");
    }

    /// If the environment asks for it: a host in the middle of everything, that leaves.
    pub fn leave_in_the_middle_if_asked_to() {
        let Some(seed) = std::env::var(LEAVE).ok().and_then(|seed| seed.parse::<u64>().ok()) else { return };
        let mut dice = Dice(seed);
        let library = Library::load(&plugin()).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let said = Arc::new(AtomicU64::new(0));
        let leave_early = dice.below(4) == 0;
        let wait = Duration::from_micros(dice.below(60_000) as u64);
        if leave_early {
            // Another thread ends the process, whatever this one is doing.
            std::thread::spawn(move || {
                std::thread::sleep(wait);
                std::process::exit(LEFT);
            });
        }
        let guests: Vec<Guest> = (0..3)
            .map(|kind| {
                let guest = Guest::arrive(&library, kind, seed);
                for manners in [Manners::Reads, Manners::Deaf] {
                    talk(&guest.socket, manners, &stop, &said);
                }
                guest
            })
            .collect();
        println!("here");
        if leave_early {
            loop {
                std::thread::park();
            }
        }
        std::thread::sleep(wait);
        match dice.below(3) {
            // The host forgets its plugins, as many do.
            0 => {
                std::mem::forget(guests);
                std::mem::forget(library);
            }
            // It takes them down in the midst of it all.
            1 => guests.into_iter().for_each(Guest::leave),
            _ => guests.into_iter().take(2).for_each(Guest::leave),
        }
        std::process::exit(LEFT);
    }

    fn host_that_leaves(home: &Home, seed: u64) -> Child {
        let program = std::env::current_exe().unwrap();
        let mut command = Command::new(program);
        command.env(LEAVE, seed.to_string()).envs(home.variables()).env_remove("KRACH_GUARD_CASE");
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn wait_for(child: &mut Child) -> ExitStatus {
        let mut status = None;
        let ended = eventually(|| {
            status = child.try_wait().unwrap();
            status.is_some()
        });
        if !ended {
            child.kill().unwrap();
            panic!("the process hangs when it ends");
        }
        status.unwrap()
    }

    fn stderr_of(child: &mut Child) -> String {
        let mut text = String::new();
        let _ = child.stderr.take().unwrap().read_to_string(&mut text);
        text
    }

    /// After whatever happened before, a new instance is the only one that there are files of.
    fn assert_swept_by_the_next(home: &Home) {
        let library = Library::load(&plugin()).unwrap();
        let guest = Guest::arrive(&library, 1, 0);
        assert!(eventually(|| home.fixed_name().exists()), "nobody has the fixed name");
        let hello = Client::connect(&home.fixed_name()).unwrap().hello().clone();
        let own = guest.socket.file_stem().unwrap().to_str().unwrap().to_owned();
        assert_eq!(hello["instance"], own.as_str(), "the fixed name is another's");
        let strays: Vec<_> = std::fs::read_dir(home.registry())
            .unwrap()
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.file_stem() != guest.socket.file_stem())
            .collect();
        assert!(strays.is_empty(), "files of instances that are gone: {strays:?}");
        guest.leave();
        drop(library);
    }

    fn the_host_may_end_at_any_moment() {
        let home = own_home();
        for seed in 0..24 {
            let mut child = host_that_leaves(&home, seed);
            let status = wait_for(&mut child);
            let told = stderr_of(&mut child);
            assert_eq!(
                status.code(),
                Some(LEFT),
                "seed {seed}: {status}, signal {:?}: {told}",
                status.signal()
            );
        }
        assert_swept_by_the_next(&home);
        assert_nothing_is_left(&home);
    }

    fn instance_at(path: &Path) -> Option<String> {
        // Not `Client::connect`, which would be patient.
        UnixStream::connect(path).ok()?;
        let client = Client::connect(path).ok()?;
        Some(client.hello()["instance"].as_str()?.to_owned())
    }

    fn the_fixed_name_goes_from_one_instance_to_the_next() {
        let home = own_home();
        let library = Library::load(&plugin()).unwrap();
        let first = Guest::arrive(&library, 2, 1);
        let second = Guest::arrive(&library, 2, 2);
        let id = |guest: &Guest| guest.socket.file_stem().unwrap().to_str().unwrap().to_owned();
        let (first_id, second_id) = (id(&first), id(&second));
        assert_ne!(first_id, second_id);
        let name = home.fixed_name();
        let answers = |id: &str| eventually(|| instance_at(&name).as_deref() == Some(id));
        assert!(answers(&first_id), "the first one has the name");
        // Both answer at their own addresses meanwhile.
        assert_eq!(instance_at(&first.socket), Some(first_id.clone()));
        assert_eq!(instance_at(&second.socket), Some(second_id.clone()));
        // Deleted, as a launcher does that knows of one engine only, it comes back.
        std::fs::remove_file(&name).unwrap();
        assert!(answers(&first_id), "the name did not come back");
        first.leave();
        assert!(answers(&second_id), "the second one did not take the name over");
        let third = Guest::arrive(&library, 0, 3);
        assert!(answers(&second_id));
        second.leave();
        assert!(answers(&id(&third)), "the third one did not take the name over");
        third.leave();
        assert_nothing_is_left(&home);
    }

    fn a_host_that_was_killed_leaves_its_name_and_files_to_the_next() {
        let home = own_home();
        for seed in [100, 101, 102] {
            let mut child = host_that_leaves(&home, seed);
            // Once it has said that its instances are there, or sooner if it leaves sooner.
            let mut here = [0; 4];
            let _ = child.stdout.take().unwrap().read(&mut here);
            child.kill().unwrap();
            let _ = wait_for(&mut child);
        }
        assert_swept_by_the_next(&home);
        assert_nothing_is_left(&home);
    }
}

//! The window in a host: opened, typed into, resized, closed and closed carelessly, while the instance plays.
//! Each case has a virtual display of its own.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod krach_support;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
krach_host::interpose_malloc!();

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    krach_host::guard::run_cases(&cases::ALL);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod cases {
    use std::cell::RefCell;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;
    use std::time::{Duration, Instant};

    use krach_host::guard::{Case, MainWork, Scenario, run_guarded};
    use krach_host::transport::{Blocks, Player, Script};
    use krach_host::window::{Picture, Window};
    use krach_host::{Client, Instance, Library, MainThread, Processor};
    use x11rb::connection::Connection;
    use x11rb::protocol::Event;
    use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};

    use super::krach_support::display::{Display, soon};
    use super::krach_support::home::Home;
    use super::krach_support::session::{gate_session, play, two_voices};
    use super::krach_support::{Dice, assert_same_sound, plugin, session};

    pub const ALL: [Case; 9] = [
        (
            "it_opens_at_the_hosts_scale_and_shows_what_plays",
            it_opens_at_the_hosts_scale_and_shows_what_plays,
        ),
        ("it_opens_and_closes_200_times_while_playing", it_opens_and_closes_200_times_while_playing),
        (
            "typed_letters_reach_the_name_and_the_space_bar_the_host",
            typed_letters_reach_the_name_and_the_space_bar_the_host,
        ),
        ("it_is_resized_within_its_limits", it_is_resized_within_its_limits),
        (
            "it_paints_what_changes_and_at_most_30_frames_a_second",
            it_paints_what_changes_and_at_most_30_frames_a_second,
        ),
        ("free_run_is_a_parameter_that_the_host_hears_of", free_run_is_a_parameter_that_the_host_hears_of),
        ("without_a_display_there_is_a_message", without_a_display_there_is_a_message),
        ("a_host_may_destroy_its_own_window_first", a_host_may_destroy_its_own_window_first),
        (
            "the_audio_thread_makes_no_call_while_windows_open_and_close",
            the_audio_thread_makes_no_call_while_windows_open_and_close,
        ),
    ];

    const RATE: f64 = 48_000.0;
    const BLOCK: usize = 256;
    /// Longest that anything here may take before it counts as hung.
    const HUNG: Duration = Duration::from_secs(20);
    /// The colour of meters, and of the ground.
    const COOL: [u8; 3] = [0x58, 0xb4, 0xa2];
    const GROUND: [u8; 3] = [0x14, 0x16, 0x1b];

    fn places() -> (Home, Display) {
        // SAFETY: each case runs in a process of its own that has no other thread yet.
        unsafe { (Home::new(), Display::start()) }
    }

    fn tell(instance: &Instance, requests: &[String]) {
        let mut client = Client::connect(instance.socket().unwrap()).unwrap();
        for request in requests {
            let reply = client.request(request).unwrap();
            assert!(reply["status"] != "Error" && reply.get("error").is_none(), "{request}: {reply}");
        }
    }

    fn arrive(library: &Library) -> Instance {
        Instance::create_with_socket(library, None, HUNG).unwrap()
    }

    /// An audio thread that plays in about real time and keeps the sound.
    struct Playing {
        stop: Arc<AtomicBool>,
        thread: JoinHandle<(Processor, [Vec<f32>; 2])>,
    }

    impl Playing {
        fn start(mut processor: Processor, script: &Script) -> Self {
            let stop = Arc::new(AtomicBool::new(false));
            let told = Arc::clone(&stop);
            let mut player = Player::new(script, &Blocks::Fixed(BLOCK), RATE);
            let thread = std::thread::spawn(move || {
                let mut tape = [Vec::new(), Vec::new()];
                let began = Instant::now();
                while !told.load(Ordering::Acquire) {
                    processor.process(&player.next_block(), &[]).expect("a block");
                    processor.clear_sent();
                    for (side, tape) in tape.iter_mut().enumerate() {
                        tape.extend_from_slice(processor.output(0, side));
                    }
                    let due = began + Duration::from_secs_f64(tape[0].len() as f64 / RATE);
                    std::thread::sleep(due.saturating_duration_since(Instant::now()));
                }
                (processor, tape)
            });
            Self { stop, thread }
        }

        fn stop(self) -> (Processor, [Vec<f32>; 2]) {
            self.stop.store(true, Ordering::Release);
            self.thread.join().expect("the audio thread ends well")
        }
    }

    /// What the same session sounds like without a window, from its beginning.
    fn undisturbed(library: &Library, requests: &[String], frames: usize) -> [Vec<f32>; 2] {
        let mut instance = arrive(library);
        tell(&instance, requests);
        let mut processor = instance.activate(RATE, BLOCK).unwrap();
        let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(BLOCK), RATE);
        let mut tape = [Vec::new(), Vec::new()];
        while tape[0].len() < frames {
            processor.process(&player.next_block(), &[]).expect("a block");
            for (side, tape) in tape.iter_mut().enumerate() {
                tape.extend_from_slice(processor.output(0, side));
            }
        }
        instance.deactivate(processor);
        tape
    }

    /// Both sides of the host's main thread, until it holds.
    fn until(
        instance: &mut Instance,
        window: &mut Window,
        limit: Duration,
        mut holds: impl FnMut(&mut Instance, &mut Window) -> bool,
    ) -> bool {
        soon(limit, || {
            instance.idle();
            window.idle(instance).expect("the display is there");
            holds(instance, window)
        })
    }

    fn for_a_while(instance: &mut Instance, window: &mut Window, time: Duration) {
        let _ = until(instance, window, time, |_, _| false);
    }

    /// Pixels of about that colour.
    fn count(window: &Window, color: [u8; 3]) -> usize {
        let Ok(picture) = window.picture() else { return 0 };
        let near = |pixel: &[u8]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 2);
        picture.rgb.chunks_exact(3).filter(|pixel| near(pixel)).count()
    }

    fn it_opens_at_the_hosts_scale_and_shows_what_plays() {
        let (_home, _display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut natural = (0, 0);
        for scale in [None, Some(1.0), Some(2.0), Some(1.5)] {
            let mut instance = arrive(&library);
            tell(&instance, &gate_session(8));
            let mut window = Window::open(&mut instance, scale).unwrap();
            if scale.is_none() {
                natural = window.size();
            }
            let factor = scale.unwrap_or(1.0);
            let want = (natural.0 as f64 * factor, natural.1 as f64 * factor);
            assert_eq!(window.size(), (want.0 as u32, want.1 as u32), "at {scale:?}");
            let drawn = until(&mut instance, &mut window, HUNG, |_, w| count(w, GROUND) > 10_000);
            assert!(drawn, "nothing is painted at {scale:?}");
            for_a_while(&mut instance, &mut window, Duration::from_millis(300));
            let quiet = count(&window, COOL);
            let playing = Playing::start(instance.activate(RATE, BLOCK).unwrap(), &Script::playing(120.0));
            let most = (1500.0 * factor * factor) as usize;
            let moved = until(&mut instance, &mut window, HUNG, |_, w| count(w, COOL) > quiet + most);
            assert!(moved, "the meters stand at {scale:?}: {} pixels", count(&window, COOL));
            let picture = window.picture().unwrap();
            assert_eq!((picture.width, picture.height), window.size());
            let (processor, _) = playing.stop();
            // A host that does not call any more plays nothing.
            let fell = until(&mut instance, &mut window, HUNG, |_, w| count(w, COOL) <= quiet + 100);
            assert!(fell, "the meters stay up at {scale:?}");
            window.close(&mut instance).unwrap();
            instance.deactivate(processor);
        }
    }

    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").expect("Linux").count()
    }

    fn descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").expect("Linux").count()
    }

    /// Kilobytes that this process occupies.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is told");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Opens that many windows of these instances, several at a time, and closes them all.
    fn open_and_close(instances: &mut [Instance], dice: &mut Dice, windows: usize) {
        let mut open: Vec<Option<Window>> = instances.iter().map(|_| None).collect();
        let mut opened = 0;
        while opened < windows {
            let at = dice.below(open.len());
            let instance = &mut instances[at];
            match open[at].take() {
                Some(mut window) => {
                    // Some close at once, some after a frame or more.
                    if dice.below(3) > 0 {
                        for_a_while(instance, &mut window, Duration::from_millis(dice.below(60) as u64));
                    }
                    window.close(instance).unwrap();
                }
                None => {
                    let scale = [None, Some(1.0), Some(2.0)][dice.below(3)];
                    open[at] = Some(Window::open(instance, scale).unwrap());
                    opened += 1;
                }
            }
        }
        for (instance, window) in instances.iter_mut().zip(open) {
            if let Some(window) = window {
                window.close(instance).unwrap();
            }
        }
    }

    fn it_opens_and_closes_200_times_while_playing() {
        let (_home, display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut dice = Dice(7);
        let mut session = gate_session(8);
        session.extend([two_voices(), play("a", &session::hits("a/gate", 16))]);
        let mut instances: Vec<Instance> = (0..3).map(|_| arrive(&library)).collect();
        let mut players = Vec::new();
        for instance in &mut instances {
            tell(instance, &session);
            let processor = instance.activate(RATE, BLOCK).unwrap();
            players.push(Playing::start(processor, &Script::playing(120.0)));
        }
        open_and_close(&mut instances, &mut dice, 20);
        // What the driver needs once is there now and stays.
        let before = (threads(), descriptors(), resident(), display.windows());
        open_and_close(&mut instances, &mut dice, 180);
        let left = || (threads(), descriptors());
        assert!(
            soon(HUNG, || left().0 <= before.0 && left().1 <= before.1),
            "threads and open files: {:?} instead of {before:?}",
            left()
        );
        // Under llvmpipe each window leaves up to 1.5 MB behind; whose they are is not known, so this only
        // catches what is worse.
        let most = before.2 + 180 * 2_000;
        assert!(resident() < most, "{} kB instead of {} kB", resident(), before.2);
        assert!(soon(HUNG, || display.windows() <= before.3), "windows are left");

        for (instance, playing) in instances.iter_mut().zip(players) {
            let (processor, tape) = playing.stop();
            instance.deactivate(processor);
            let want = undisturbed(&library, &session, tape[0].len());
            let heard = tape[0].iter().any(|sample| *sample != 0.0);
            assert!(heard, "silence shows no click");
            assert_same_sound(&tape, &want.map(|side| side[..tape[0].len()].to_vec()), "with windows");
        }
    }

    /// Places in the window as it opens, in points.
    const NAME: (i16, i16) = (170, 25);
    const NOWHERE: (i16, i16) = (240, 330);
    const FREE_RUN: (i16, i16) = (70, 595);
    const SPACE: u32 = 0x20;
    const RETURN: u32 = 0xff0d;
    const ESCAPE: u32 = 0xff1b;

    fn name(instance: &Instance) -> String {
        let mut client = Client::connect(instance.socket().unwrap()).unwrap();
        let status = client.request(r#"{"cmd":"Status"}"#).unwrap();
        status["name"].as_str().unwrap_or_else(|| panic!("no name in {status}")).to_owned()
    }

    fn typed_letters_reach_the_name_and_the_space_bar_the_host() {
        let (_home, display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        let mut window = Window::open(&mut instance, None).unwrap();
        assert!(until(&mut instance, &mut window, HUNG, |_, w| count(w, GROUND) > 10_000));
        let a_moment = Duration::from_millis(250);
        window.focus().unwrap();

        // The pointer over the plugin's window, nothing clicked: keys are the host's.
        display.point(NOWHERE.0, NOWHERE.1);
        for_a_while(&mut instance, &mut window, a_moment);
        let space = display.press(SPACE);
        assert!(until(&mut instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "before a click");

        // After a click that hits no field they still are.
        display.click(NOWHERE.0, NOWHERE.1);
        for_a_while(&mut instance, &mut window, a_moment);
        display.press(SPACE);
        assert!(until(&mut instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "after a click");
        assert_eq!(display.focus(), window.id(), "the focus went back to where it was");

        // Into the field, in place of what stands there.
        display.click(NAME.0, NAME.1);
        for_a_while(&mut instance, &mut window, a_moment);
        display.type_text("x y");
        display.press(RETURN);
        let want = "x y";
        assert!(until(&mut instance, &mut window, HUNG, |i, _| name(i) == want), "it is {}", name(&instance));
        assert_eq!(window.take_keys(), [0; 0], "the host heard what was typed into the field");

        // Given up with Escape: the name stays; and keys are the host's again.
        display.click(NAME.0, NAME.1);
        for_a_while(&mut instance, &mut window, a_moment);
        display.type_text("q");
        display.press(ESCAPE);
        for_a_while(&mut instance, &mut window, a_moment);
        display.press(SPACE);
        assert!(until(&mut instance, &mut window, HUNG, |_, w| w.take_keys() == [space]), "after the field");
        assert_eq!(name(&instance), want);
        assert_eq!(display.focus(), window.id());
        window.close(&mut instance).unwrap();
    }

    fn it_is_resized_within_its_limits() {
        let (_home, _display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        tell(&instance, &gate_session(8));
        for scale in [1.0, 2.0] {
            let mut window = Window::open(&mut instance, Some(scale)).unwrap();
            let mut agreed = Vec::new();
            for (width, height) in [(600, 700), (10, 10), (5000, 5000), (480, 620), (401, 463), (1000, 1300)]
            {
                let size = window.resize(&mut instance, width, height).unwrap();
                agreed.push(size);
                // More than the screen has cannot be looked at.
                let on_screen = size.0 <= 1600 && size.1 <= 1800;
                let fits = !on_screen
                    || until(&mut instance, &mut window, HUNG, |_, w| {
                        let corner = |p: &Picture| p.pixel(p.width - 2, p.height - 2);
                        w.picture().is_ok_and(|p| (p.width, p.height) == size && corner(&p) == GROUND)
                    });
                assert!(fits, "{size:?} is not painted at {scale}");
            }
            let scaled = |points: f64| (points * scale) as u32;
            assert_eq!(agreed[1], (scaled(400.0), scaled(460.0)), "the least");
            assert_eq!(agreed[2], (scaled(1200.0), scaled(1600.0)), "the most");
            assert_eq!(agreed[5], (1000, 1300), "what is within is taken");
            // A size that was agreed on is kept for the next time.
            window.close(&mut instance).unwrap();
            let window = Window::open(&mut instance, Some(scale)).unwrap();
            assert_eq!(window.size(), (1000, 1300));
            window.close(&mut instance).unwrap();
        }
    }

    fn it_paints_what_changes_and_at_most_30_frames_a_second() {
        let (_home, _display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        tell(&instance, &gate_session(8));
        let mut window = Window::open(&mut instance, None).unwrap();
        assert!(until(&mut instance, &mut window, HUNG, |_, w| count(w, GROUND) > 10_000));
        for_a_while(&mut instance, &mut window, Duration::from_millis(700));

        let (x11, _) = x11rb::connect(None).unwrap();
        x11.damage_query_version(1, 1).unwrap().reply().unwrap();
        let damage = x11.generate_id().unwrap();
        let inner = window.inner().unwrap();
        x11.damage_create(damage, inner, ReportLevel::RAW_RECTANGLES).unwrap().check().unwrap();
        let frames = |instance: &mut Instance, window: &mut Window, time: Duration| {
            while x11.poll_for_event().unwrap().is_some() {}
            for_a_while(instance, window, time);
            let mut times = std::collections::BTreeSet::new();
            while let Some(event) = x11.poll_for_event().unwrap() {
                if let Event::DamageNotify(notify) = event {
                    times.insert(notify.timestamp);
                }
            }
            times.len()
        };
        let idle = frames(&mut instance, &mut window, Duration::from_secs(2));
        assert!(idle <= 2, "{idle} frames in two seconds in which nothing changed");
        let playing = Playing::start(instance.activate(RATE, BLOCK).unwrap(), &Script::playing(120.0));
        for_a_while(&mut instance, &mut window, Duration::from_millis(200));
        let busy = frames(&mut instance, &mut window, Duration::from_secs(3));
        assert!((10..=93).contains(&busy), "{busy} frames in three seconds of music");
        window.set_visible(&mut instance, false).unwrap();
        let hidden = frames(&mut instance, &mut window, Duration::from_secs(1));
        assert!(hidden <= 1, "{hidden} frames while hidden");
        window.set_visible(&mut instance, true).unwrap();
        let again = frames(&mut instance, &mut window, Duration::from_secs(1));
        assert!(again >= 5, "{again} frames after it was shown again");
        let (processor, _) = playing.stop();
        window.close(&mut instance).unwrap();
        instance.deactivate(processor);
    }

    fn free_run_is_a_parameter_that_the_host_hears_of() {
        let (_home, display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        tell(&instance, &gate_session(8));
        let mut window = Window::open(&mut instance, None).unwrap();
        assert!(until(&mut instance, &mut window, HUNG, |_, w| count(w, GROUND) > 10_000));
        let free_run = |instance: &mut Instance| {
            let params = instance.params();
            let param = params.iter().find(|param| param.name == "Free Run").expect("it is there");
            instance.param_value(param.id)
        };
        assert_eq!(free_run(&mut instance), Some(0.0));
        let flushes = instance.observed().flush_requests.load(Ordering::Acquire);
        display.click(FREE_RUN.0, FREE_RUN.1);
        assert!(until(&mut instance, &mut window, HUNG, |i, _| free_run(i) == Some(1.0)), "the button");
        let told = |i: &mut Instance| i.observed().flush_requests.load(Ordering::Acquire) > flushes;
        assert!(until(&mut instance, &mut window, HUNG, |i, _| told(i)), "the host was not told");
        // The host stands, and it sounds.
        let playing = Playing::start(instance.activate(RATE, BLOCK).unwrap(), &Script::stopped(120.0));
        for_a_while(&mut instance, &mut window, Duration::from_secs(1));
        display.click(FREE_RUN.0, FREE_RUN.1);
        assert!(until(&mut instance, &mut window, HUNG, |i, _| free_run(i) == Some(0.0)), "off again");
        for_a_while(&mut instance, &mut window, Duration::from_millis(300));
        let (processor, tape) = playing.stop();
        assert!(tape[0].iter().any(|sample| *sample != 0.0), "free run is silent");
        assert!(tape[0][tape[0].len() - BLOCK..].iter().all(|sample| *sample == 0.0), "it runs on");
        window.close(&mut instance).unwrap();
        instance.deactivate(processor);
    }

    fn without_a_display_there_is_a_message() {
        let (_home, display) = places();
        let real = std::env::var("DISPLAY").unwrap();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        tell(&instance, &gate_session(8));
        let playing = Playing::start(instance.activate(RATE, BLOCK).unwrap(), &Script::playing(120.0));
        // SAFETY: the plugin's threads read no environment meanwhile, nor does the audio thread.
        unsafe { std::env::set_var("DISPLAY", ":54321") };
        for _ in 0..5 {
            assert!(Window::open_on(&mut instance, None, Some(&real)).is_err());
        }
        let mut client = Client::connect(instance.socket().unwrap()).unwrap();
        let status = client.request(r#"{"cmd":"Status"}"#).unwrap();
        let problems = status["problems"].to_string();
        assert!(problems.contains("no window: "), "{problems}");
        // SAFETY: as above.
        unsafe { std::env::set_var("DISPLAY", &real) };
        let mut window = Window::open(&mut instance, None).unwrap();
        assert!(until(&mut instance, &mut window, HUNG, |_, w| count(w, GROUND) > 10_000), "it opens now");
        window.close(&mut instance).unwrap();
        let (processor, tape) = playing.stop();
        instance.deactivate(processor);
        let want = undisturbed(&library, &gate_session(8), tape[0].len());
        assert_same_sound(&tape, &want.map(|side| side[..tape[0].len()].to_vec()), "without a display");
        drop(display);
    }

    fn a_host_may_destroy_its_own_window_first() {
        let (_home, display) = places();
        let library = Library::load(&plugin()).unwrap();
        let mut instance = arrive(&library);
        tell(&instance, &gate_session(8));
        let playing = Playing::start(instance.activate(RATE, BLOCK).unwrap(), &Script::playing(120.0));
        let windows = display.windows();
        for turn in 0..10 {
            let mut window = Window::open(&mut instance, None).unwrap();
            for_a_while(&mut instance, &mut window, Duration::from_millis(40 * turn));
            window.destroy_first(&mut instance).unwrap();
        }
        assert!(soon(HUNG, || display.windows() == windows), "windows are left");
        // And one goes with its instance, which closes its window itself.
        let mut other = arrive(&library);
        let window = Window::open(&mut other, None).unwrap();
        drop(other);
        drop(window);
        assert!(soon(HUNG, || display.windows() == windows));
        let (processor, _) = playing.stop();
        instance.deactivate(processor);
    }

    fn the_audio_thread_makes_no_call_while_windows_open_and_close() {
        let (_home, _display) = places();
        thread_local! {
            static WINDOW: RefCell<Option<Window>> = const { RefCell::new(None) };
        }
        let act = |instance: &mut dyn MainThread, turn: u64| {
            let instance = instance.clap().expect("the scenario is one of CLAP");
            WINDOW.with_borrow_mut(|slot| match slot.take() {
                Some(window) if turn % 2 == 1 => window.close(instance).unwrap(),
                Some(window) => *slot = Some(window),
                None => *slot = Some(Window::open(instance, None).unwrap()),
            });
        };
        let scenario = Scenario {
            setup: gate_session(8),
            frames: 480_000,
            main_work: Some(MainWork { every: 24_000, act }),
            speed: 2.0,
            ..Scenario::of(plugin())
        };
        let guarded = run_guarded(&scenario).expect("it runs");
        guarded.assert_clean();
        assert!(guarded.main_turns >= 10, "only {} turns", guarded.main_turns);
        WINDOW.with_borrow_mut(|slot| *slot = None);
    }
}

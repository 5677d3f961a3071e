//! Windows that come and go, carefully and carelessly, while their instances play: nothing of them is left,
//! and nothing of it is heard. Each case has a virtual display of its own.

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
    use std::time::Duration;

    use krach_host::guard::{Case, MainWork, Scenario, run_guarded};
    use krach_host::transport::Script;
    use krach_host::window::Window;
    use krach_host::{Client, MainThread};

    use super::krach_support::display::soon;
    use super::krach_support::session::{gate_session, play, two_voices};
    use super::krach_support::windows::{Guest, HUNG, Playing, for_a_while, painted, places, undisturbed};
    use super::krach_support::{Dice, Format, assert_same_sound, plugin, session};

    pub const ALL: [Case; 4] = [
        (
            "windows_of_both_formats_open_and_close_200_times_while_all_play",
            windows_of_both_formats_open_and_close_200_times_while_all_play,
        ),
        ("without_a_display_there_is_a_message", without_a_display_there_is_a_message),
        ("a_host_may_destroy_its_own_window_first", a_host_may_destroy_its_own_window_first),
        (
            "the_audio_thread_makes_no_call_while_windows_open_and_close",
            the_audio_thread_makes_no_call_while_windows_open_and_close,
        ),
    ];

    fn threads() -> usize {
        std::fs::read_dir("/proc/self/task").expect("Linux").count()
    }

    fn descriptors() -> usize {
        std::fs::read_dir("/proc/self/fd").expect("Linux").count()
    }

    /// Kilobytes that are allocated. What was freed and glibc keeps for the next is not among them: each
    /// window's thread leaves holes in an arena of its own.
    fn allocated() -> u64 {
        // SAFETY: takes nothing and only reads what the allocator has counted.
        let info = unsafe { libc::mallinfo2() };
        (info.uordblks + info.hblkhd) as u64 / 1024
    }

    /// Kilobytes that this process occupies once the allocator has given back what it keeps.
    fn resident() -> u64 {
        // SAFETY: gives back what is free, of whatever thread.
        unsafe { libc::malloc_trim(0) };
        let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("it is told");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Opens that many windows of these instances, several at a time, and closes them all.
    fn open_and_close(guests: &mut [Guest], dice: &mut Dice, windows: usize) {
        let mut open: Vec<Option<Window>> = guests.iter().map(|_| None).collect();
        let mut opened = 0;
        while opened < windows {
            let at = dice.below(open.len());
            let guest = guests[at].it();
            match open[at].take() {
                Some(mut window) => {
                    // Some close at once, some after a frame or more.
                    if dice.below(3) > 0 {
                        for_a_while(guest, &mut window, Duration::from_millis(dice.below(60) as u64));
                    }
                    window.close(guest);
                }
                None => {
                    let scale = [None, Some(1.0), Some(2.0)][dice.below(3)];
                    open[at] = Some(Window::open(guest, scale).unwrap());
                    opened += 1;
                }
            }
        }
        for (guest, window) in guests.iter_mut().zip(open) {
            if let Some(window) = window {
                window.close(guest.it());
            }
        }
    }

    fn windows_of_both_formats_open_and_close_200_times_while_all_play() {
        let (_home, display) = places();
        let mut dice = Dice(7);
        let mut session = gate_session(8);
        session.extend([two_voices(), play("a", &session::hits("a/gate", 16))]);
        let formats = [Format::Clap, Format::Vst3, Format::Clap, Format::Vst3];
        let mut guests: Vec<Guest> = formats.into_iter().map(Guest::arrive).collect();
        let mut players = Vec::new();
        for guest in &mut guests {
            guest.tell(&session);
            players.push(guest.play(&Script::playing(120.0)));
        }
        open_and_close(&mut guests, &mut dice, 20);
        // What the driver needs once is there now and stays.
        let kept = |players: &[Playing]| players.iter().map(Playing::kept).sum::<u64>();
        let before = (threads(), descriptors(), allocated() - kept(&players), display.windows());
        let occupied = resident().saturating_sub(kept(&players));
        open_and_close(&mut guests, &mut dice, 180);
        let left = || (threads(), descriptors());
        assert!(
            soon(HUNG, || left().0 <= before.0 && left().1 <= before.1),
            "threads and open files: {:?} instead of {before:?}",
            left()
        );
        let grown = (allocated() - kept(&players)).saturating_sub(before.2);
        // baseview never gives back its keymap, which is 40 kB; a context of egui or a picture is 1 MB and more.
        assert!(grown < 180 * 100, "{grown} kB more than {} kB", before.2);
        // Holes in the arenas stay. A window's own picture has 1.2 to 4.8 MB.
        // What the last windows' threads had is free a moment after they ended.
        let more = || resident().saturating_sub(kept(&players)).saturating_sub(occupied);
        assert!(soon(HUNG, || more() < 180 * 500), "{} kB more than {occupied} kB are occupied", more());
        assert!(soon(HUNG, || display.windows() <= before.3), "windows are left");

        for (mut guest, playing) in guests.into_iter().zip(players) {
            let tape = guest.stop(playing);
            let heard = tape[0].iter().any(|sample| *sample != 0.0);
            assert!(heard, "silence shows no click");
            assert_same_sound(&tape, &undisturbed(&session, tape[0].len()), "with windows");
        }
    }

    fn without_a_display_there_is_a_message() {
        let (_home, display) = places();
        let real = std::env::var("DISPLAY").unwrap();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            guest.tell(&gate_session(8));
            let playing = guest.play(&Script::playing(120.0));
            // SAFETY: the plugin's threads read no environment meanwhile, nor does the audio thread.
            unsafe { std::env::set_var("DISPLAY", ":54321") };
            for _ in 0..5 {
                assert!(Window::open_on(guest.it(), None, Some(&real)).is_err());
            }
            let mut client = Client::connect(guest.it().socket().unwrap()).unwrap();
            let status = client.request(r#"{"cmd":"Status"}"#).unwrap();
            let problems = status["problems"].to_string();
            assert!(problems.contains("no window: "), "{format:?}: {problems}");
            // SAFETY: as above.
            unsafe { std::env::set_var("DISPLAY", &real) };
            let mut window = Window::open(guest.it(), None).unwrap();
            assert!(painted(guest.it(), &mut window), "it opens now");
            window.close(guest.it());
            let tape = guest.stop(playing);
            let want = undisturbed(&gate_session(8), tape[0].len());
            assert_same_sound(&tape, &want, "without a display");
        }
        drop(display);
    }

    fn a_host_may_destroy_its_own_window_first() {
        let (_home, display) = places();
        for format in Format::ALL {
            let mut guest = Guest::arrive(format);
            guest.tell(&gate_session(8));
            let playing = guest.play(&Script::playing(120.0));
            let windows = display.windows();
            for turn in 0..10 {
                let mut window = Window::open(guest.it(), None).unwrap();
                for_a_while(guest.it(), &mut window, Duration::from_millis(40 * turn));
                window.destroy_first(guest.it());
            }
            assert!(soon(HUNG, || display.windows() == windows), "{format:?}: windows are left");
            // And one goes with its instance, which closes its window itself.
            let mut other = Guest::arrive(format);
            let window = Window::open(other.it(), None).unwrap();
            drop(other);
            drop(window);
            assert!(
                soon(HUNG, || display.windows() == windows),
                "{format:?}: the window outlives its instance"
            );
            guest.stop(playing);
        }
    }

    fn the_audio_thread_makes_no_call_while_windows_open_and_close() {
        let (_home, _display) = places();
        thread_local! {
            static WINDOW: RefCell<Option<Window>> = const { RefCell::new(None) };
        }
        let act = |instance: &mut dyn MainThread, turn: u64| {
            let instance = instance.clap().expect("the scenario is one of CLAP");
            WINDOW.with_borrow_mut(|slot| match slot.take() {
                Some(window) if turn % 2 == 1 => window.close(instance),
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

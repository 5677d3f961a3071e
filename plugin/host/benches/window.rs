//! What an open window costs: processor time of this process, by thread, and frames per second, against the
//! same process without a window. The plugin is the bundle in `target/bundled`; OpenGL is done in software,
//! whose worker threads are listed apart.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[path = "../tests/krach_support/mod.rs"]
mod krach_support;

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn main() {
    linux::main();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod linux {
    use std::collections::BTreeMap;
    use std::time::{Duration, Instant};

    use krach_host::transport::Script;
    use krach_host::window::{Window, Windowed};
    use x11rb::connection::Connection;
    use x11rb::protocol::Event;
    use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
    use x11rb::rust_connection::RustConnection;

    use super::krach_support::Format;
    use super::krach_support::session::gate_session;
    use super::krach_support::windows::{Guest, for_a_while, painted, places};

    /// How long each state is watched.
    const WATCHED: Duration = Duration::from_secs(5);

    /// Processor time so far in nanoseconds, by thread: `schedstat` of proc(5).
    fn threads() -> BTreeMap<(u32, String), u64> {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
        let read = |task: std::fs::DirEntry| {
            let spent = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
            let id = task.file_name().to_str()?.parse().ok()?;
            Some(((id, name.trim().to_owned()), spent.split_whitespace().next()?.parse().ok()?))
        };
        tasks.filter_map(|task| read(task.ok()?)).collect()
    }

    /// Which part of the work a thread does.
    fn part(name: &str, main: bool) -> &'static str {
        match name {
            _ if main => "host",
            "krach-window" => "watcher",
            "krach-audio" | "audio" => "audio",
            _ if name.starts_with("llvmpipe") || name.contains(":disk$") || name.contains("gl") => {
                "software OpenGL"
            }
            _ if name.starts_with("krach") => "instance",
            _ => "window",
        }
    }

    struct Frames {
        x11: RustConnection,
    }

    impl Frames {
        fn of(window: &Window) -> Self {
            let (x11, _) = x11rb::connect(None).expect("the display is there");
            x11.damage_query_version(1, 1).unwrap().reply().unwrap();
            let damage = x11.generate_id().unwrap();
            let inner = window.inner().unwrap();
            x11.damage_create(damage, inner, ReportLevel::RAW_RECTANGLES).unwrap().check().unwrap();
            Self { x11 }
        }

        /// Frames since the last call.
        fn take(&self) -> usize {
            let mut times = std::collections::BTreeSet::new();
            while let Some(event) = self.x11.poll_for_event().unwrap() {
                if let Event::DamageNotify(notify) = event {
                    times.insert(notify.timestamp);
                }
            }
            times.len()
        }
    }

    /// Watches for a while and prints what it cost; percent of one core without the host's own thread.
    fn watch(title: &str, frames: Option<&Frames>, mut idle: impl FnMut(Duration)) -> f64 {
        if let Some(frames) = frames {
            frames.take();
        }
        let (before, began) = (threads(), Instant::now());
        idle(WATCHED);
        let (after, took) = (threads(), began.elapsed());
        let main = std::process::id();
        let mut parts: BTreeMap<&str, f64> = BTreeMap::new();
        for ((id, name), spent) in &after {
            let spent = spent - before.get(&(*id, name.clone())).unwrap_or(&0);
            let share = 100.0 * spent as f64 / took.as_nanos() as f64;
            *parts.entry(part(name, *id == main)).or_default() += share;
        }
        parts.remove("host");
        let all: f64 = parts.values().sum();
        let list: Vec<String> = parts.iter().map(|(part, share)| format!("{part} {share:.2}")).collect();
        let rate = frames.map(|frames| frames.take() as f64 / took.as_secs_f64());
        let rate = rate.map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
        println!("{title:<28} {all:6.2} % of a core, {rate:>5} frames/s ({})", list.join(", "));
        all
    }

    fn rest(instance: &mut dyn Windowed, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            instance.idle();
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn main() {
        let (_home, _display) = places();
        for (scale, natural) in [(1.0, "480 x 620"), (2.0, "960 x 1240")] {
            println!("\n{natural} pixels");
            let mut guest = Guest::arrive(Format::Clap);
            guest.tell(&gate_session(8));
            watch("closed, stopped", None, |time| rest(guest.it(), time));
            let mut window = Window::open(guest.it(), Some(scale)).unwrap();
            assert!(painted(guest.it(), &mut window));
            for_a_while(guest.it(), &mut window, Duration::from_secs(1));
            let frames = Frames::of(&window);
            watch("open, nothing changes", Some(&frames), |time| for_a_while(guest.it(), &mut window, time));
            let playing = guest.play(&Script::playing(120.0));
            for_a_while(guest.it(), &mut window, Duration::from_millis(500));
            let open =
                watch("open, playing", Some(&frames), |time| for_a_while(guest.it(), &mut window, time));
            window.close(guest.it());
            rest(guest.it(), Duration::from_millis(500));
            let closed = watch("closed, playing", None, |time| rest(guest.it(), time));
            println!("{:<28} {:6.2} % of a core", "the open window", open - closed);
            guest.stop(playing);
        }
    }
}

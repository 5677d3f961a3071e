//! Windows of instances that play: opened on a display of the test's own, looked at, timed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use krach_host::transport::{Blocks, Player, Script};
use krach_host::window::{Window, Windowed};
use krach_host::{Client, Hosted, Instance, Playing as _, Vst3Instance};

use super::Format;
use super::display::{Display, soon};
use super::home::Home;

pub const RATE: f64 = 48_000.0;
pub const BLOCK: usize = 256;
/// Longest that anything here may take before it counts as hung.
pub const HUNG: Duration = Duration::from_secs(20);
/// The colour of meters, and of the ground.
pub const COOL: [u8; 3] = [0x58, 0xb4, 0xa2];
pub const GROUND: [u8; 3] = [0x14, 0x16, 0x1b];

/// Files and a display of the process's own.
pub fn places() -> (Home, Display) {
    // SAFETY: each case runs in a process of its own that has no other thread yet.
    unsafe { (Home::new(), Display::start()) }
}

/// An instance of either format, as its main thread handles it.
pub enum Guest {
    Clap(Box<Instance>),
    Vst3(Box<Vst3Instance>),
}

impl Guest {
    /// The plugin under test, with its socket.
    pub fn arrive(format: Format) -> Self {
        match format {
            Format::Clap => Self::Clap(Box::new(open(format))),
            Format::Vst3 => Self::Vst3(Box::new(open(format))),
        }
    }

    pub fn it(&mut self) -> &mut dyn Windowed {
        match self {
            Self::Clap(instance) => instance.as_mut(),
            Self::Vst3(instance) => instance.as_mut(),
        }
    }

    /// Sends requests, each of which has to be taken.
    pub fn tell(&mut self, requests: &[String]) {
        let mut client = Client::connect(self.it().socket().unwrap()).unwrap();
        for request in requests {
            let reply = client.request(request).unwrap();
            assert!(reply["status"] != "Error" && reply.get("error").is_none(), "{request}: {reply}");
        }
    }

    /// Activates it and has a thread of its own play it.
    pub fn play(&mut self, script: &Script) -> Playing {
        match self {
            Self::Clap(instance) => Playing::start(instance.as_mut(), script),
            Self::Vst3(instance) => Playing::start(instance.as_mut(), script),
        }
    }

    /// Stops that thread; what was heard.
    pub fn stop(&mut self, playing: Playing) -> [Vec<f32>; 2] {
        let (processor, tape) = playing.stop();
        match self {
            Self::Clap(instance) => instance.deactivate(*processor.downcast().expect("its own")),
            Self::Vst3(instance) => {
                Hosted::deactivate(instance.as_mut(), *processor.downcast().expect("its own"))
            }
        }
        tape
    }
}

fn open<I: Hosted>(format: Format) -> I {
    I::open(&format.plugin(), None, Some(HUNG)).expect("the plugin opens its socket")
}

type Parked = Box<dyn std::any::Any + Send>;

/// An audio thread that plays in about real time and keeps the sound.
pub struct Playing {
    stop: Arc<AtomicBool>,
    kept: Arc<AtomicU64>,
    thread: JoinHandle<(Parked, [Vec<f32>; 2])>,
}

impl Playing {
    fn start<I: Hosted>(instance: &mut I, script: &Script) -> Self {
        let mut processor = instance.activate(RATE, BLOCK).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (told, kept) = (Arc::clone(&stop), Arc::new(AtomicU64::new(0)));
        let keeps = Arc::clone(&kept);
        let mut player = Player::new(script, &Blocks::Fixed(BLOCK), RATE);
        let thread = std::thread::Builder::new().name("audio".to_owned());
        let play = move || {
            let mut tape = [Vec::new(), Vec::new()];
            let began = Instant::now();
            while !told.load(Ordering::Acquire) {
                processor.process(&player.next_block(), &[]).expect("a block");
                processor.clear_sent();
                for (side, tape) in tape.iter_mut().enumerate() {
                    tape.extend_from_slice(processor.output(0, side));
                }
                let room = tape.iter().map(Vec::capacity).sum::<usize>() * size_of::<f32>();
                keeps.store(room as u64 / 1024, Ordering::Release);
                let due = began + Duration::from_secs_f64(tape[0].len() as f64 / RATE);
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
            (Box::new(processor) as Parked, tape)
        };
        Self { stop, kept, thread: thread.spawn(play).expect("a thread") }
    }

    /// Kilobytes that it has allocated for the sound by now.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Acquire)
    }

    fn stop(self) -> (Parked, [Vec<f32>; 2]) {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("the audio thread ends well")
    }
}

/// What the same session sounds like without a window, from its beginning.
pub fn undisturbed(requests: &[String], frames: usize) -> [Vec<f32>; 2] {
    let mut guest = Guest::arrive(Format::Clap);
    guest.tell(requests);
    let Guest::Clap(instance) = &mut guest else { unreachable!("it was asked for") };
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
    tape.map(|mut side| {
        side.truncate(frames);
        side
    })
}

/// Both sides of the host's main thread, until it holds.
pub fn until<I: Windowed + ?Sized>(
    instance: &mut I,
    window: &mut Window,
    limit: Duration,
    mut holds: impl FnMut(&mut I, &mut Window) -> bool,
) -> bool {
    soon(limit, || {
        instance.idle();
        window.idle(instance).expect("the display is there");
        holds(instance, window)
    })
}

pub fn for_a_while<I: Windowed + ?Sized>(instance: &mut I, window: &mut Window, time: Duration) {
    let _ = until(instance, window, time, |_, _| false);
}

/// Waits until the window is painted.
pub fn painted<I: Windowed + ?Sized>(instance: &mut I, window: &mut Window) -> bool {
    until(instance, window, HUNG, |_, window| count(window, GROUND) > 10_000)
}

/// Pixels of about that colour.
pub fn count(window: &Window, color: [u8; 3]) -> usize {
    let Ok(picture) = window.picture() else { return 0 };
    let near = |pixel: &[u8]| pixel.iter().zip(color).all(|(a, b)| a.abs_diff(b) <= 2);
    picture.rgb.chunks_exact(3).filter(|pixel| near(pixel)).count()
}

//! Takes pictures while the window is open, and has it repaint when one differs from the last.

use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nice_plug_egui::RepaintNotifier;

use super::Shared;
use super::files::Files;
use super::stall::{Again, Stall};
use super::view_model::ViewModelBuilder;
use crate::instance::{Snapshot, View};
use crate::params::KrachParams;

/// Between two pictures: 25 a second.
pub const FRAME: Duration = Duration::from_millis(40);
/// The same where there is no graphics card: 8 a second, and 5 of a large window.
const FRAME_IN_SOFTWARE: [Duration; 2] = [Duration::from_millis(125), Duration::from_millis(200)];
/// More pixels make a window large: the driver sends all of them to the display with every frame.
const LARGE: u32 = 600_000;
/// Shortest time between two questions to the control thread.
const ASK: Duration = Duration::from_millis(200);
/// Between two looks at the socket.
const KNOCK: Duration = Duration::from_millis(250);

/// The watching thread of an open window; ended and joined by `pause` and by being dropped.
pub struct Watcher {
    view: Arc<View>,
    shared: Arc<Shared>,
    params: Arc<KrachParams>,
    notifier: RepaintNotifier,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Stop {
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    fn set(&self, stopped: bool) {
        *self.stopped.lock().unwrap_or_else(PoisonError::into_inner) = stopped;
        self.changed.notify_all();
    }

    /// Waits; true if that was the end.
    fn wait(&self, time: Duration) -> bool {
        let stopped = self.stopped.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(stopped, time, |stopped| !*stopped);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Watcher {
    /// Takes the first picture, then watches. Without a thread the window stays as it is at first.
    pub fn start(
        view: Arc<View>,
        shared: Arc<Shared>,
        params: Arc<KrachParams>,
        notifier: RepaintNotifier,
    ) -> Self {
        let mut watcher = Self { view, shared, params, notifier, stop: Arc::default(), thread: None };
        watcher.resume();
        watcher
    }

    /// Watches, if it does not already.
    pub fn resume(&mut self) {
        if self.thread.is_some() {
            return;
        }
        self.stop.set(false);
        let mut round = Round::new(&self.view, &self.params);
        round.look(&self.shared, &self.notifier);
        let (stop, shared, notifier) =
            (Arc::clone(&self.stop), Arc::clone(&self.shared), self.notifier.clone());
        let watching = std::thread::Builder::new().name("krach-window".to_owned()).spawn(move || {
            let _watch = round.view.link().watch();
            let frame = |shared: &Shared| match shared.in_software.load(Ordering::Relaxed) {
                0 => FRAME,
                pixels => FRAME_IN_SOFTWARE[usize::from(pixels > LARGE)],
            };
            let (mut stall, mut again) = (Stall::default(), Again::default());
            // The first frame is wanted in any case.
            let mut wanted = true;
            while !stop.wait(frame(&shared)) {
                let (drawn, changed) = round.look(&shared, &notifier);
                let window = shared.window.load(Ordering::Relaxed);
                if stall.look(Instant::now(), drawn, wanted || changed) && window != 0 {
                    again.ask(window, drawn);
                }
                wanted = drawn == 0;
            }
        });
        match watching {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => self.view.report(format!("the window stands still: no thread: {error}")),
        }
    }

    /// Stops watching: nothing is measured and nothing runs any more.
    pub fn pause(&mut self) {
        self.stop.set(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.pause();
    }
}

/// What one watching remembers between two pictures.
struct Round {
    view: Arc<View>,
    builder: ViewModelBuilder,
    files: Files,
    answer: Option<Receiver<Box<Snapshot>>>,
    asked: Option<(u64, Instant)>,
    knocked: Option<Instant>,
}

impl Round {
    fn new(view: &Arc<View>, params: &Arc<KrachParams>) -> Self {
        let builder = ViewModelBuilder::new(Arc::clone(view), Arc::clone(params));
        let files = Files::new(view);
        Self { view: Arc::clone(view), builder, files, answer: None, asked: None, knocked: None }
    }

    /// Frames that were begun before the picture was taken, and whether it differs from the last.
    fn look(&mut self, shared: &Shared, notifier: &RepaintNotifier) -> (u64, bool) {
        let now = Instant::now();
        self.ask(now);
        if self.knocked.is_none_or(|then| now - then >= KNOCK) {
            self.knocked = Some(now);
            self.builder.poll_socket();
        }
        self.builder.sessions = Arc::clone(self.files.look(&shared.files, now));
        let picture = self.builder.take(now);
        let mut shown = shared.picture.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = *shown != picture;
        if changed {
            *shown = picture;
            notifier.request_repaint();
        }
        (shared.drawn.load(Ordering::Relaxed), changed)
    }

    fn ask(&mut self, now: Instant) {
        if let Some(answer) = &self.answer {
            match answer.try_recv() {
                Ok(seen) => {
                    self.builder.seen(&seen);
                    self.answer = None;
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => self.answer = None,
            }
        }
        let revision = self.view.revision();
        let due = self.asked.is_none_or(|(asked, then)| asked != revision && now - then >= ASK);
        if due {
            self.asked = Some((revision, now));
            self.answer = Some(self.view.ask());
        }
    }
}

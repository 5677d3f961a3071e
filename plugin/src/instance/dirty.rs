//! Does the session differ from what the host knows? Asked only after edits, and not more often than its
//! cost allows, so that a stream of edits becomes one report.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use krach_core::engine::Engine;

/// Shortest time between two looks.
const INTERVAL: Duration = Duration::from_millis(50);

/// A look may cost one part in this many of the control thread's time.
const SHARE: u32 = 20;

/// Watches the saved form of the session.
#[derive(Debug)]
pub(super) struct Dirty {
    known: u64,
    due: Option<Instant>,
    interval: Duration,
}

impl Dirty {
    /// The session as it is now is the one that the host knows.
    pub(super) fn new(engine: &Engine) -> Self {
        Self { known: digest(engine), due: None, interval: INTERVAL }
    }

    /// The host has just been given, or has just given, the session as it is now.
    pub(super) fn settle(&mut self, engine: &Engine) {
        self.known = digest(engine);
        self.due = None;
    }

    /// The host asked for the session and has not got it: it does not know it, whatever it knew before.
    pub(super) fn lost(&mut self) {
        self.known = self.known.wrapping_add(1);
        self.touch();
    }

    /// Something was edited.
    pub(super) fn touch(&mut self) {
        self.due.get_or_insert_with(|| Instant::now() + self.interval);
    }

    /// When to look next, if something was edited.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Looks, if it is time: has the session changed since the last look?
    pub(super) fn look(&mut self, engine: &Engine) -> bool {
        let start = Instant::now();
        if self.due.is_none_or(|due| due > start) {
            return false;
        }
        self.due = None;
        let now = digest(engine);
        self.interval = INTERVAL.max(start.elapsed() * SHARE);
        std::mem::replace(&mut self.known, now) != now
    }
}

fn digest(engine: &Engine) -> u64 {
    let mut hasher = DefaultHasher::new();
    engine.save().hash(&mut hasher);
    hasher.finish()
}

//! Time without a sound: a thread asks for blocks as a card would, and nobody hears them. Clients see the music
//! go on, and their edits act at their times.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::midi::Link;
use super::player::Player;

/// Frames of a block.
const FRAMES: usize = 512;
/// Behind by more, it does not catch up: the computer was asleep.
const LATEST: Duration = Duration::from_secs(1);

/// The thread, from its start to its drop.
pub struct Silence {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Silence {
    /// Has a thread ask `player` for blocks.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub fn play(player: Player, link: Link) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&stop);
        let thread = std::thread::Builder::new()
            .name("krach-silence".to_owned())
            .spawn(move || ask(player, &link, &told))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

#[cfg(test)]
impl Silence {
    /// True once it is to end.
    pub fn stop_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // It ends within a block, and panics end with it.
            let _ = thread.join();
        }
    }
}

fn ask(mut player: Player, link: &Link, stop: &AtomicBool) {
    let period = Duration::from_secs_f64(FRAMES as f64 / player.rate());
    let (mut left, mut right) = ([0.0; FRAMES], [0.0; FRAMES]);
    let mut due = Instant::now();
    while !stop.load(Ordering::Acquire) {
        link.hear(&mut player);
        player.play([&mut left, &mut right], None, |_, bytes| link.send(bytes));
        due += period;
        let now = Instant::now();
        match due.checked_duration_since(now) {
            Some(wait) => std::thread::sleep(wait),
            None if now - due > LATEST => due = now,
            None => {}
        }
    }
}

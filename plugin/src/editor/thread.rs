//! The end of the window's thread. baseview asks a window that is closed to show itself, and joins its thread
//! only if it answers; one that has stopped just before does not. OpenGL is then still being taken down, while
//! the host unloads the plugin, or the program without a DAW ends.

#[cfg(target_os = "linux")]
mod linux {
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicI32, Ordering};
    use std::time::{Duration, Instant};

    /// Between two looks; the thread has mostly gone at the first.
    const LOOK: Duration = Duration::from_millis(1);
    /// No window takes so long to go: whatever has that number now is not its thread.
    const LONGEST: Duration = Duration::from_secs(5);

    /// The thread of the window that is open or was last; none at first.
    #[derive(Default)]
    pub struct Number(AtomicI32);

    impl Number {
        /// It is the calling thread.
        pub fn tell(&self) {
            self.0.store(rustix::thread::gettid().as_raw_nonzero().get(), Ordering::Release);
        }

        /// Until it has ended and been forgotten by the system.
        pub fn wait(&self) {
            let number = self.0.swap(0, Ordering::AcqRel);
            if number == 0 {
                return;
            }
            let task = PathBuf::from(format!("/proc/self/task/{number}"));
            let end = Instant::now() + LONGEST;
            while task.exists() && Instant::now() < end {
                std::thread::sleep(LOOK);
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;

        #[test]
        fn a_thread_that_nobody_joins_is_waited_for() {
            let (number, done) = (Arc::new(Number::default()), Arc::new(AtomicBool::new(false)));
            number.wait();
            let (told, tells) = std::sync::mpsc::channel();
            let (of_thread, sets) = (Arc::clone(&number), Arc::clone(&done));
            drop(std::thread::spawn(move || {
                of_thread.tell();
                told.send(()).unwrap();
                std::thread::sleep(Duration::from_millis(50));
                sets.store(true, Ordering::Release);
            }));
            tells.recv().unwrap();
            number.wait();
            assert!(done.load(Ordering::Acquire));
        }
    }
}

#[cfg(target_os = "linux")]
pub use linux::Number;

/// The window is on the host's thread.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub struct Number;

#[cfg(not(target_os = "linux"))]
impl Number {
    pub fn tell(&self) {}

    pub fn wait(&self) {}
}

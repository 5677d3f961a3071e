//! Work that a request leaves to a thread of its own: a disk may take its time, and edits do not wait for it.

use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread::JoinHandle;

use crate::protocol::error::{INTERNAL, RpcError};

/// The threads of an instance's requests. What a client no longer waits for is finished all the same; the end of the
/// instance waits for it, since the plugin's code may be gone after that.
#[derive(Default)]
pub(crate) struct Threads(Vec<JoinHandle<()>>);

/// What a thread is at work on.
pub(super) struct Background<T>(Receiver<T>);

impl Threads {
    /// Has a thread of that name do the work.
    ///
    /// # Errors
    /// If there is no thread to be had.
    pub(super) fn start<T: Send + 'static>(
        &mut self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Background<T>, RpcError> {
        self.0.retain(|thread| !thread.is_finished());
        let (done, result) = mpsc::sync_channel(1);
        let work = move || {
            // Nobody may wait for it any more.
            let _ = done.send(work());
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(work);
        let thread =
            thread.map_err(|error| RpcError::new(INTERNAL, format!("no thread to write with: {error}")))?;
        self.0.push(thread);
        Ok(Background(result))
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        for thread in self.0.drain(..) {
            // A panic in it was told as the request's error.
            let _ = thread.join();
        }
    }
}

impl<T> Background<T> {
    /// What came of it, once it has; an error if it panicked.
    pub(super) fn result(&self) -> Option<Result<T, RpcError>> {
        match self.0.try_recv() {
            Ok(result) => Some(Ok(result)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err(RpcError::new(INTERNAL, "internal error: the file was not written")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn work_that_nobody_waits_for_holds_up_the_end_alone() {
        let (mut threads, finished) = (Threads::default(), Arc::new(AtomicBool::new(false)));
        let (go, wait) = mpsc::channel();
        let seen = Arc::clone(&finished);
        let work = move || {
            wait.recv().unwrap();
            seen.store(true, Ordering::SeqCst);
        };
        let background = threads.start("test", work).unwrap();
        assert!(background.result().is_none());
        // A client is gone: nothing is waited for.
        drop(background);
        assert!(!finished.load(Ordering::SeqCst));
        go.send(()).unwrap();
        drop(threads);
        assert!(finished.load(Ordering::SeqCst));
    }

    #[test]
    fn a_panic_is_an_error() {
        let mut threads = Threads::default();
        let background = threads.start("test", || -> u8 { panic!("on purpose") }).unwrap();
        let error = loop {
            match background.result() {
                Some(result) => break result.unwrap_err(),
                None => std::thread::yield_now(),
            }
        };
        assert!(error.message.contains("not written"), "{}", error.message);
    }
}

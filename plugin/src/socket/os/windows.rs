//! Windows: named pipes offer no wait that fits several of them and a wake, so waits are short sleeps
//! that a wake ends early.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use interprocess::local_socket::{Listener, Stream};

use super::{Interest, Ready};

/// Longest sleep between two looks at a pipe.
const LOOK: Duration = Duration::from_millis(5);

type Flag = Arc<(Mutex<bool>, Condvar)>;

/// Wakes the thread that waits on the matching [`WakeSource`].
#[derive(Debug)]
pub(crate) struct Waker(Flag);

/// The end that a thread waits on.
#[derive(Debug)]
pub(crate) struct WakeSource(Flag);

/// A connected pair.
pub(crate) fn waker() -> io::Result<(Waker, WakeSource)> {
    let flag = Flag::default();
    Ok((Waker(Arc::clone(&flag)), WakeSource(flag)))
}

impl Waker {
    /// Ends the current or the next wait.
    pub(crate) fn wake(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }
}

/// Waits for a wake alone.
pub(crate) fn wait_wake(wake: &WakeSource, timeout: Duration) -> io::Result<()> {
    let woken = wake.0.0.lock().unwrap_or_else(PoisonError::into_inner);
    let (mut woken, _) =
        wake.0.1.wait_timeout_while(woken, timeout, |woken| !*woken).unwrap_or_else(PoisonError::into_inner);
    *woken = false;
    Ok(())
}

/// Waits a little; the stream does not block, so trying is how to find out.
pub(crate) fn wait_stream(
    wake: &WakeSource,
    _stream: &Stream,
    interest: Interest,
    timeout: Duration,
) -> io::Result<Ready> {
    wait_wake(wake, timeout.min(LOOK))?;
    Ok(Ready { read: interest.read, write: interest.write, gone: false })
}

/// Waits a little; accepting does not block.
pub(crate) fn wait_listeners(
    wake: &WakeSource,
    _listeners: &[&Listener],
    timeout: Duration,
) -> io::Result<()> {
    wait_wake(wake, timeout.min(LOOK))
}

/// Writes what fits now.
pub(crate) fn send(stream: &Stream, bytes: &[u8]) -> io::Result<usize> {
    match io::Write::write(&mut &*stream, bytes) {
        Ok(0) => Err(io::ErrorKind::WouldBlock.into()),
        other => other,
    }
}

/// The pipe's access list admits its owner only, so whoever got here is that user.
pub(crate) fn admit(_stream: &Stream) -> io::Result<bool> {
    Ok(true)
}

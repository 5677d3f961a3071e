//! One connection: reads lines, hands them to the service, writes the replies that are due. Nothing that
//! a client does or leaves undone reaches beyond this thread.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use interprocess::local_socket::Stream;

use super::lines::{Line, LineReader};
use super::os::{self, Interest, WakeSource};
use super::{After, Replies, Service};

/// Bytes of replies that a client may leave unread. With more no requests of it are read, and it is let go if it takes
/// nothing for a while.
const MAX_UNREAD: usize = 8 << 20;

/// How long a client with too much to read may take none of it.
const STANDSTILL: Duration = Duration::from_secs(3);

/// How long a client that has said its last may take to read what it is owed.
const FAREWELL: Duration = Duration::from_secs(10);

/// Longest wait without looking around.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection on its thread.
pub(super) struct Client {
    pub(super) number: u64,
    pub(super) stream: Stream,
    pub(super) wake: WakeSource,
    pub(super) replies: Arc<Replies>,
    pub(super) service: Arc<dyn Service>,
    pub(super) stop: Arc<AtomicBool>,
}

#[derive(Default)]
struct Progress {
    lines: VecDeque<Line>,
    out: Vec<u8>,
    /// Bytes of `out` that the client has.
    sent: usize,
    /// Nothing more will be read: the client has ended its side, or is being let go.
    ended: Option<Instant>,
    /// While too much waits to be read: when the client last took some of it.
    moved: Option<Instant>,
    /// The client cannot hear us any more; what it said before still counts.
    deaf: bool,
}

impl Client {
    /// Serves until either side ends it.
    pub(super) fn run(self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.serve()));
        self.service.closed(self.number);
    }

    fn serve(&self) -> io::Result<()> {
        let mut reader = LineReader::default();
        let mut chunk = vec![0_u8; 64 << 10];
        let mut now = Progress::default();
        self.replies.say(self.service.hello());
        while !self.stop.load(Ordering::Acquire) {
            self.hand_over(&mut now);
            self.write_due(&mut now);
            // One answer may be longer than that: who takes it is behind and no more.
            let behind = now.out.len() - now.sent + self.replies.held_bytes() > MAX_UNREAD;
            match now.moved {
                _ if !behind => now.moved = None,
                None => now.moved = Some(Instant::now()),
                Some(moved) if moved.elapsed() > STANDSTILL => return Ok(()),
                Some(_) => {}
            }
            if let Some(since) = now.ended
                && now.lines.is_empty()
                && (now.deaf
                    || now.out.is_empty() && self.replies.is_empty()
                    || !now.out.is_empty() && since.elapsed() > FAREWELL)
            {
                return Ok(());
            }
            if !now.lines.is_empty() && !behind && !self.replies.is_full() {
                continue;
            }
            let reading = now.ended.is_none() && now.lines.is_empty() && !behind && !self.replies.is_full();
            let patience = if behind { STANDSTILL / 4 } else { PATIENCE };
            let interest = Interest { read: reading, write: !now.out.is_empty() && !now.deaf };
            let ready = if interest == Interest::default() && (now.ended.is_none() || now.deaf) {
                os::wait_wake(&self.wake, patience)?;
                os::Ready::default()
            } else {
                os::wait_stream(&self.wake, &self.stream, interest, patience)?
            };
            if ready.read {
                match (&self.stream).read(&mut chunk) {
                    Ok(0) => now.ended = Some(Instant::now()),
                    Ok(n) => reader.feed(&chunk[..n], &mut now.lines),
                    Err(error) if is_passing(&error) => {}
                    Err(_) => now.ended = Some(Instant::now()),
                }
            } else if ready.gone && now.ended.is_some() {
                now.deaf = true;
            }
        }
        Ok(())
    }

    /// Gives the service the lines it has room for.
    fn hand_over(&self, now: &mut Progress) {
        let behind = now.out.len() - now.sent > MAX_UNREAD;
        while !behind && !self.replies.is_full() && !self.stop.load(Ordering::Acquire) {
            let Some(line) = now.lines.pop_front() else { return };
            let outcome =
                catch_unwind(AssertUnwindSafe(|| self.service.line(self.number, line, &self.replies)));
            if outcome.unwrap_or(After::Close) == After::Close {
                now.lines.clear();
                now.ended.get_or_insert_with(Instant::now);
            }
        }
    }

    fn write_due(&self, now: &mut Progress) {
        loop {
            let more = self.replies.take_all_due(&mut now.out, |lost| self.service.lost(lost));
            while !now.out.is_empty() && !now.deaf {
                match os::send(&self.stream, &now.out[now.sent..]) {
                    Ok(sent) => {
                        now.sent += sent;
                        // Moved to the front now and then: a long answer leaves in many pieces.
                        if now.sent >= now.out.len() / 2 {
                            now.out.drain(..std::mem::take(&mut now.sent));
                        }
                        now.moved = now.moved.map(|_| Instant::now());
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                    Err(_) => now.deaf = true,
                }
            }
            if !more || now.deaf {
                break;
            }
        }
        if now.deaf {
            now.out.clear();
            now.sent = 0;
        }
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

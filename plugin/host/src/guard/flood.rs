//! What clients send while blocks are processed, and how blocks wait for it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::client::Client;
use crate::error::HostError;

/// What other threads send meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Flood {
    /// Request lines, sent over and over in this order.
    pub lines: Vec<String>,
    /// How many connections do so at once.
    pub clients: usize,
    /// Whether they read the replies, as good clients do; otherwise they only ever send.
    pub read_replies: bool,
}

/// A time in which the host processes no block while clients go on.
#[derive(Clone, Copy, Debug)]
pub struct Stall {
    /// The block that holds this frame is the first to wait.
    pub frame: u64,
    /// It waits until this many more requests of the floods were sent.
    pub requests: u64,
}

/// What the flooding threads share.
#[derive(Default)]
pub(super) struct Sending {
    stop: AtomicBool,
    count: AtomicU64,
}

impl Sending {
    /// Requests that all of them have sent.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }

    /// They are to end.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}

/// Connects all clients, and starts a thread for each.
pub(super) fn start(
    floods: &[Flood],
    socket: Option<&Path>,
    sending: &Arc<Sending>,
) -> Result<Vec<JoinHandle<()>>, HostError> {
    let Some(socket) = socket else {
        return Ok(Vec::new());
    };
    let each = floods.iter().flat_map(|flood| std::iter::repeat_n(flood, flood.clients));
    each.map(|flood| {
        let mut client = Client::connect(socket)?;
        let (flood, sending) = (flood.clone(), Arc::clone(sending));
        Ok(std::thread::spawn(move || {
            for line in flood.lines.iter().cycle() {
                if sending.stop.load(Ordering::Acquire) || client.send(line).is_err() {
                    break;
                }
                sending.count.fetch_add(1, Ordering::AcqRel);
                if flood.read_replies && client.wait(line, Duration::from_secs(5)).is_err() {
                    break;
                }
            }
        }))
    })
    .collect()
}

/// Holds blocks back while a stall lasts.
pub(super) struct Stalls<'a> {
    list: &'a [Stall],
    /// The number of requests that ends the present one.
    until: Option<u64>,
}

impl<'a> Stalls<'a> {
    /// None of them has begun.
    pub(super) fn new(list: &'a [Stall]) -> Self {
        Self { list, until: None }
    }

    /// How many of the `allowed` blocks may be processed, with `done` of them done and `sent` requests
    /// sent. A stall begins when all blocks before it are done.
    pub(super) fn hold_back(&mut self, allowed: usize, done: usize, sent: u64, starts: &[u64]) -> usize {
        while let Some((stall, rest)) = self.list.split_first() {
            let before = starts.partition_point(|start| *start <= stall.frame).saturating_sub(1);
            if done < before {
                return allowed.min(before);
            }
            if sent < *self.until.get_or_insert(sent + stall.requests) {
                return allowed.min(before);
            }
            (self.list, self.until) = (rest, None);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_lasts_until_its_requests_were_sent_and_the_next_one_follows() {
        let stalls = [Stall { frame: 0, requests: 10 }, Stall { frame: 250, requests: 5 }];
        let starts = [0, 100, 200, 300, 400];
        let mut stalls = Stalls::new(&stalls);
        // (allowed, done, sent) → allowed
        let steps = [
            ((1, 0, 3), 0),  // begins at 3 requests
            ((4, 0, 12), 0), // one too few
            ((2, 0, 13), 2), // over; the block at 200 holds frame 250
            ((4, 1, 20), 2), // not yet there
            ((4, 2, 20), 2), // begins at 20
            ((5, 2, 24), 2),
            ((5, 2, 25), 5),
            ((5, 4, 25), 5),
        ];
        for ((allowed, done, sent), expected) in steps {
            assert_eq!(stalls.hold_back(allowed, done, sent, &starts), expected, "{allowed} {done} {sent}");
        }
    }
}

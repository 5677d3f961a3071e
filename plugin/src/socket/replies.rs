//! The replies that a connection is owed, in the order of its requests, whoever answers first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::os::Waker;
use super::pushes::{Lost, Pushes, Urgency};

/// Requests that may wait for the engine at a time; reading goes on when it has answered some.
const MAX_ASKED: usize = 16;

/// Bytes of requests that may wait for the engine at a time (a single larger one may too).
const MAX_ASKED_BYTES: usize = 4 << 20;

/// Replies that may be held back behind one that takes its time (`sync`).
const MAX_HELD: usize = 4096;

/// The queue between those who answer and the thread that writes.
#[derive(Debug)]
pub(crate) struct Replies {
    queue: Mutex<Queue>,
    /// What the client has subscribed to; goes out between replies.
    pushes: Mutex<Pushes>,
    waker: Waker,
}

#[derive(Debug, Default)]
struct Queue {
    slots: VecDeque<Slot>,
    /// Number of the slot at the front.
    first: u64,
    asked: usize,
    asked_bytes: usize,
    ready_bytes: usize,
}

#[derive(Debug)]
enum Slot {
    Asked {
        weight: usize,
    },
    Parked,
    /// Without newline; empty where nothing is to be sent.
    Ready(String),
}

impl Replies {
    /// An empty queue that wakes its writer by `waker`.
    pub(crate) fn new(waker: Waker) -> Self {
        Self { queue: Mutex::default(), pushes: Mutex::default(), waker }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the writer's wait.
    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Queues a reply that is known already.
    pub(crate) fn say(&self, line: String) {
        let mut queue = self.queue();
        queue.ready_bytes += line.len();
        queue.slots.push_back(Slot::Ready(line));
    }

    /// A place for the reply to a request of `weight` bytes. Should nobody ever answer, `fallback` is
    /// sent (nothing if empty), since a client that waits for a line must get one.
    pub(crate) fn ask(self: &Arc<Self>, weight: usize, fallback: String) -> ReplySlot {
        let mut queue = self.queue();
        queue.slots.push_back(Slot::Asked { weight });
        queue.asked += 1;
        queue.asked_bytes += weight;
        let number = queue.first + queue.slots.len() as u64 - 1;
        drop(queue);
        ReplySlot { replies: Arc::clone(self), number, fallback: Some(fallback) }
    }

    fn put(&self, number: u64, slot: Slot) {
        let mut queue = self.queue();
        let index = usize::try_from(number - queue.first).unwrap_or(usize::MAX);
        if let Slot::Ready(line) = &slot {
            queue.ready_bytes += line.len();
        }
        let Some(place) = queue.slots.get_mut(index) else { return };
        let before = std::mem::replace(place, slot);
        if let Slot::Asked { weight } = before {
            queue.asked -= 1;
            queue.asked_bytes -= weight;
        }
        drop(queue);
        self.wake();
    }

    /// Queues a line that nobody asked for, to be sent when there is room. What a slow client leaves no
    /// room for is lost, the oldest first, and it is told how much.
    pub(crate) fn push(&self, urgency: Urgency<'_>, line: &str) {
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner).add(urgency, line);
        self.wake();
    }

    /// Moves the replies whose turn it is to `out`, a line each; pushed lines behind them, if the client
    /// reads what it gets. `true` if pushed lines are left. `lost` makes the line about those that found no room.
    pub(crate) fn take_all_due(&self, out: &mut Vec<u8>, lost: impl Fn(Lost) -> String) -> bool {
        self.take_due(out);
        self.pushes.lock().unwrap_or_else(PoisonError::into_inner).take(out, lost)
    }

    /// Moves the replies whose turn it is to `out`, a line each.
    fn take_due(&self, out: &mut Vec<u8>) {
        let mut queue = self.queue();
        while let Some(Slot::Ready(_)) = queue.slots.front() {
            let Some(Slot::Ready(line)) = queue.slots.pop_front() else {
                unreachable!("the front was ready")
            };
            queue.first += 1;
            queue.ready_bytes -= line.len();
            if !line.is_empty() {
                out.extend_from_slice(line.as_bytes());
                out.push(b'\n');
            }
        }
    }

    /// Should reading wait until some replies are in?
    pub(crate) fn is_full(&self) -> bool {
        let queue = self.queue();
        queue.asked >= MAX_ASKED || queue.asked_bytes >= MAX_ASKED_BYTES || queue.slots.len() >= MAX_HELD
    }

    /// Is nothing owed any more?
    pub(crate) fn is_empty(&self) -> bool {
        self.queue().slots.is_empty()
    }

    /// Bytes of replies that wait behind a slower one.
    pub(crate) fn held_bytes(&self) -> usize {
        self.queue().ready_bytes
    }
}

/// The duty to answer one request.
#[derive(Debug)]
pub(crate) struct ReplySlot {
    replies: Arc<Replies>,
    number: u64,
    fallback: Option<String>,
}

impl ReplySlot {
    /// Sends `line` (without newline; nothing if empty) when its turn comes.
    pub(crate) fn answer(mut self, line: String) {
        self.fallback = None;
        self.replies.put(self.number, Slot::Ready(line));
    }

    /// The queue that this reply goes through: lines can be pushed there too.
    pub(crate) fn queue(&self) -> Arc<Replies> {
        Arc::clone(&self.replies)
    }

    /// The answer will take its time: until then the connection reads on.
    pub(crate) fn park(&self) {
        self.replies.put(self.number, Slot::Parked);
    }
}

impl Drop for ReplySlot {
    fn drop(&mut self) {
        if let Some(fallback) = self.fallback.take() {
            self.replies.put(self.number, Slot::Ready(fallback));
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn replies() -> Arc<Replies> {
        Arc::new(Replies::new(crate::socket::os::waker().unwrap().0))
    }

    fn due(replies: &Replies) -> String {
        let mut out = Vec::new();
        replies.take_due(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_leave_in_the_order_of_the_requests() {
        let replies = replies();
        let first = replies.ask(1, String::new());
        let second = replies.ask(1, String::new());
        second.answer("two".into());
        replies.say("three".into());
        assert_eq!(due(&replies), "");
        first.answer("one".into());
        assert_eq!(due(&replies), "one\ntwo\nthree\n");
        assert!(replies.is_empty());
    }

    #[test]
    fn a_request_that_nobody_answers_gets_its_fallback() {
        let replies = replies();
        drop(replies.ask(1, "sorry".into()));
        assert_eq!(due(&replies), "sorry\n");
    }

    #[test]
    fn a_notification_takes_a_turn_but_no_line() {
        let replies = replies();
        replies.ask(1, "sorry".into()).answer(String::new());
        replies.say("next".into());
        assert_eq!(due(&replies), "next\n");
    }

    #[test]
    fn reading_waits_while_the_engine_is_behind_but_not_for_a_parked_reply() {
        let replies = replies();
        let parked = replies.ask(1, String::new());
        parked.park();
        let mut waiting: Vec<_> = (0..MAX_ASKED - 1).map(|_| replies.ask(1, String::new())).collect();
        assert!(!replies.is_full());
        waiting.push(replies.ask(1, String::new()));
        assert!(replies.is_full());
        drop(waiting);
        assert!(!replies.is_full());
    }

    #[test]
    fn a_large_request_keeps_the_next_from_being_read() {
        let replies = replies();
        let slot = replies.ask(MAX_ASKED_BYTES, String::new());
        assert!(replies.is_full());
        slot.answer(String::new());
        assert!(!replies.is_full());
    }
}

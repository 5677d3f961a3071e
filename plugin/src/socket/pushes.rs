//! Lines that a client has subscribed to: bounded, and never in anybody's way.
//!
//! What must not be missed has room of its own, so that a stream of pictures cannot push it out.

use std::collections::VecDeque;

/// Lines that may wait for a client, of those that the next ones make up for.
const MAX_PASSING: usize = 1024;
/// Bytes of such lines.
const MAX_PASSING_BYTES: usize = 1 << 20;
/// Lines that may wait for a client, of those that must not be missed.
const MAX_LASTING: usize = 1 << 16;
/// Bytes of such lines: a log may hold whole modules.
const MAX_LASTING_BYTES: usize = 64 << 20;
/// While so many bytes wait to be read by the client, pushed lines wait here.
const BEHIND: usize = 64 << 10;

/// How much it matters that a line arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Urgency<'a> {
    /// All of them: the client is wrong without.
    Lasting,
    /// As many as there is room for.
    Passing,
    /// The newest of this key, in place of one that has not left yet.
    Newest(&'a str),
}

/// A line, and its place among all.
#[derive(Debug)]
struct Waiting {
    number: u64,
    key: Option<String>,
    line: String,
}

/// Lines of one kind, and the room they have.
#[derive(Debug)]
struct Lane {
    lines: VecDeque<Waiting>,
    bytes: usize,
    max_lines: usize,
    max_bytes: usize,
}

impl Lane {
    fn new(max_lines: usize, max_bytes: usize) -> Self {
        Self { lines: VecDeque::new(), bytes: 0, max_lines, max_bytes }
    }

    /// Puts a line at the end; says how many had to go.
    fn add(&mut self, waiting: Waiting) -> u64 {
        self.bytes += waiting.line.len();
        self.lines.push_back(waiting);
        let mut lost = 0;
        while self.lines.len() > self.max_lines || self.bytes > self.max_bytes {
            if self.pop().is_none() {
                break;
            }
            lost += 1;
        }
        lost
    }

    fn pop(&mut self) -> Option<String> {
        let Waiting { line, .. } = self.lines.pop_front()?;
        self.bytes -= line.len();
        Some(line)
    }

    fn front(&self) -> u64 {
        self.lines.front().map_or(u64::MAX, |waiting| waiting.number)
    }

    /// Puts the line in the place of the one with that key; `false` if there is none.
    fn replace(&mut self, key: &str, line: &str) -> bool {
        let Some(old) = self.lines.iter_mut().find(|waiting| waiting.key.as_deref() == Some(key)) else {
            return false;
        };
        self.bytes = self.bytes - old.line.len() + line.len();
        line.clone_into(&mut old.line);
        true
    }
}

/// The queue of one connection.
#[derive(Debug)]
pub(super) struct Pushes {
    passing: Lane,
    lasting: Lane,
    number: u64,
    lost: Lost,
}

/// What a client has missed by not reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Lines that the next ones make up for.
    pub passing: u64,
    /// Lines without which it is wrong.
    pub lasting: u64,
}

impl Default for Pushes {
    fn default() -> Self {
        Self {
            passing: Lane::new(MAX_PASSING, MAX_PASSING_BYTES),
            lasting: Lane::new(MAX_LASTING, MAX_LASTING_BYTES),
            number: 0,
            lost: Lost::default(),
        }
    }
}

impl Pushes {
    /// Queues a line.
    pub(super) fn add(&mut self, urgency: Urgency<'_>, line: &str) {
        let key = if let Urgency::Newest(key) = urgency { Some(key) } else { None };
        if key.is_some_and(|key| self.passing.replace(key, line)) {
            return;
        }
        self.number += 1;
        let waiting = Waiting { number: self.number, key: key.map(str::to_owned), line: line.to_owned() };
        match urgency {
            Urgency::Lasting => self.lost.lasting += self.lasting.add(waiting),
            Urgency::Passing | Urgency::Newest(_) => self.lost.passing += self.passing.add(waiting),
        }
    }

    /// Moves lines to `out` while it is short; `true` if some are left. `say` makes the line about what was lost.
    pub(super) fn take(&mut self, out: &mut Vec<u8>, say: impl Fn(Lost) -> String) -> bool {
        while out.len() < BEHIND {
            let line = match std::mem::take(&mut self.lost) {
                Lost { passing: 0, lasting: 0 } => {
                    let lasting = self.lasting.front() < self.passing.front();
                    match if lasting { self.lasting.pop() } else { self.passing.pop() } {
                        Some(line) => line,
                        None => return false,
                    }
                }
                lost => say(lost),
            };
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        !(self.lasting.lines.is_empty() && self.passing.lines.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pushes: &mut Pushes) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let mut out = Vec::new();
            let more = pushes.take(&mut out, |lost| format!("{lost:?}"));
            all.extend(String::from_utf8(out).unwrap().lines().map(str::to_owned));
            if !more {
                return all;
            }
        }
    }

    #[test]
    fn of_lines_with_one_key_the_newest_leaves_in_the_place_of_the_oldest() {
        let mut pushes = Pushes::default();
        pushes.add(Urgency::Newest("meter"), "m1");
        pushes.add(Urgency::Lasting, "error");
        pushes.add(Urgency::Newest("meter"), "m2");
        assert_eq!(taken(&mut pushes), ["m2", "error"]);
        assert_eq!((pushes.passing.bytes, pushes.lasting.bytes), (0, 0));
    }

    #[test]
    fn lines_of_both_kinds_leave_in_the_order_they_came() {
        let mut pushes = Pushes::default();
        pushes.add(Urgency::Passing, "1");
        pushes.add(Urgency::Lasting, "2");
        pushes.add(Urgency::Newest("k"), "3");
        pushes.add(Urgency::Lasting, "4");
        assert_eq!(taken(&mut pushes), ["1", "2", "3", "4"]);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_newest_are_kept() {
        let mut pushes = Pushes::default();
        for number in 0..MAX_PASSING + 5 {
            pushes.add(Urgency::Passing, &number.to_string());
        }
        let lines = taken(&mut pushes);
        assert!(lines[0].contains("passing: 5, lasting: 0"), "{}", lines[0]);
        assert_eq!(lines[1], "5");
        let mut large = Pushes::default();
        (0..3).for_each(|_| large.add(Urgency::Passing, &"x".repeat(MAX_PASSING_BYTES / 2)));
        assert_eq!((large.passing.lines.len(), large.lost.passing), (2, 1));
    }

    #[test]
    fn pictures_never_push_out_what_must_not_be_missed() {
        let mut pushes = Pushes::default();
        for number in 0..3 * MAX_PASSING {
            pushes.add(Urgency::Passing, "onset");
            pushes.add(Urgency::Lasting, &number.to_string());
        }
        let kept: Vec<String> = taken(&mut pushes).into_iter().filter(|line| line != "onset").collect();
        assert!(kept[0].starts_with("Lost") && kept[0].contains("lasting: 0"), "{}", kept[0]);
        let all: Vec<String> = (0..3 * MAX_PASSING).map(|number| number.to_string()).collect();
        assert_eq!(kept[1..], all);
    }

    #[test]
    fn a_log_beyond_all_reason_is_cut_and_the_client_is_told() {
        let mut pushes = Pushes::default();
        (0..5).for_each(|_| pushes.add(Urgency::Lasting, &"x".repeat(MAX_LASTING_BYTES / 4)));
        assert_eq!((pushes.lasting.lines.len(), pushes.lost.lasting), (4, 1));
    }

    #[test]
    fn a_client_that_does_not_read_gets_nothing_on_top() {
        let mut pushes = Pushes::default();
        pushes.add(Urgency::Passing, "later");
        let mut behind = vec![b'x'; BEHIND];
        assert!(pushes.take(&mut behind, |_| String::new()));
        assert_eq!(behind.len(), BEHIND);
    }
}

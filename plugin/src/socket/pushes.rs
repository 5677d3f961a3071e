//! Lines that a client has subscribed to: bounded, and never in anybody's way.

use std::collections::VecDeque;

/// Lines that may wait for a client.
const MAX_LINES: usize = 1024;
/// Bytes of lines that may wait for a client.
const MAX_BYTES: usize = 1 << 20;
/// While so many bytes wait to be read by the client, pushed lines wait here.
const BEHIND: usize = 64 << 10;

/// The queue of one connection.
#[derive(Debug, Default)]
pub(super) struct Pushes {
    lines: VecDeque<(Option<String>, String)>,
    bytes: usize,
    lost: u64,
}

impl Pushes {
    /// Queues a line; in place of one with the same key that has not left yet.
    pub(super) fn add(&mut self, key: Option<&str>, line: &str) {
        let waiting = key.and_then(|key| self.lines.iter_mut().find(|(of, _)| of.as_deref() == Some(key)));
        if let Some((_, old)) = waiting {
            self.bytes = self.bytes - old.len() + line.len();
            line.clone_into(old);
            return;
        }
        self.bytes += line.len();
        self.lines.push_back((key.map(str::to_owned), line.to_owned()));
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            let Some((_, line)) = self.lines.pop_front() else { return };
            self.bytes -= line.len();
            self.lost += 1;
        }
    }

    /// Moves lines to `out` while it is short; `true` if some are left.
    pub(super) fn take(&mut self, out: &mut Vec<u8>) -> bool {
        while out.len() < BEHIND {
            let line = match std::mem::take(&mut self.lost) {
                0 => match self.lines.pop_front() {
                    Some((_, line)) => {
                        self.bytes -= line.len();
                        line
                    }
                    None => return false,
                },
                lost => crate::wire::events::lost(lost),
            };
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        !self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(pushes: &mut Pushes) -> Vec<String> {
        let mut out = Vec::new();
        while pushes.take(&mut out) {}
        String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn of_lines_with_one_key_the_newest_leaves_in_the_place_of_the_oldest() {
        let mut pushes = Pushes::default();
        pushes.add(Some("meter"), "m1");
        pushes.add(None, "error");
        pushes.add(Some("meter"), "m2");
        assert_eq!(taken(&mut pushes), ["m2", "error"]);
        assert_eq!(pushes.bytes, 0);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_newest_are_kept() {
        let mut pushes = Pushes::default();
        for number in 0..MAX_LINES + 5 {
            pushes.add(None, &number.to_string());
        }
        let mut out = Vec::new();
        pushes.take(&mut out);
        let text = String::from_utf8(out).unwrap();
        let mut lines = text.lines();
        assert!(lines.next().unwrap().contains(r#""lines":5"#), "{text}");
        assert_eq!(lines.next(), Some("5"));
        let mut large = Pushes::default();
        (0..3).for_each(|_| large.add(None, &"x".repeat(MAX_BYTES / 2)));
        assert_eq!((large.lines.len(), large.lost), (2, 1));
    }

    #[test]
    fn a_client_that_does_not_read_gets_nothing_on_top() {
        let mut pushes = Pushes::default();
        pushes.add(None, "later");
        let mut behind = vec![b'x'; BEHIND];
        assert!(pushes.take(&mut behind));
        assert_eq!(behind.len(), BEHIND);
    }
}

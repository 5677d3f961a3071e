//! Lines from bytes that arrive in any number of pieces, in bounded memory.

use std::collections::VecDeque;

/// Most bytes of a `cmd` or `type` line, without its newline.
pub const MAX_LOW_LINE: usize = 1 << 20;

/// Most bytes of a JSON-RPC line. Its `jsonrpc` tag must be within the first [`MAX_LOW_LINE`] bytes.
pub const MAX_RPC_LINE: usize = 64 << 20;

/// What some programs begin a text with.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A line as it came, without newline, carriage return and byte order mark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Not blank, and within the limit.
    Text(Vec<u8>),
    /// Longer than the limit; its bytes were thrown away.
    TooLarge {
        /// Its length.
        bytes: u64,
        /// The limit that applied.
        max: usize,
        /// It seemed to be JSON-RPC.
        rpc: bool,
    },
}

/// Collects pieces into lines.
#[derive(Debug, Default)]
pub(crate) struct LineReader {
    held: Vec<u8>,
    thrown: u64,
    rpc: bool,
}

impl LineReader {
    /// Takes in a piece and appends the lines that it completes.
    pub(crate) fn feed(&mut self, mut piece: &[u8], lines: &mut VecDeque<Line>) {
        while let Some(end) = piece.iter().position(|&byte| byte == b'\n') {
            self.hold(&piece[..end]);
            piece = &piece[end + 1..];
            lines.extend(self.finish());
        }
        self.hold(piece);
    }

    fn limit(&self) -> usize {
        if self.rpc { MAX_RPC_LINE } else { MAX_LOW_LINE }
    }

    fn hold(&mut self, piece: &[u8]) {
        if self.thrown > 0 {
            self.thrown += piece.len() as u64;
            return;
        }
        let before = self.held.len();
        self.held.extend_from_slice(piece);
        // A carriage return may still follow that does not count.
        if self.held.len() <= self.limit()
            || self.held.len() == self.limit() + 1 && self.held.ends_with(b"\r")
        {
            return;
        }
        if !self.rpc && before <= MAX_LOW_LINE + 1 {
            self.rpc = mentions_rpc(&self.held[..MAX_LOW_LINE]);
            if self.held.len() <= self.limit() {
                return;
            }
        }
        self.thrown = self.held.len() as u64;
        self.held = Vec::new();
    }

    fn finish(&mut self) -> Option<Line> {
        let mut line = std::mem::take(&mut self.held);
        let rpc = std::mem::take(&mut self.rpc);
        let thrown = std::mem::take(&mut self.thrown);
        if thrown > 0 {
            let max = if rpc { MAX_RPC_LINE } else { MAX_LOW_LINE };
            return Some(Line::TooLarge { bytes: thrown, max, rpc });
        }
        if line.ends_with(b"\r") {
            line.pop();
        }
        if line.starts_with(BYTE_ORDER_MARK) {
            line.drain(..BYTE_ORDER_MARK.len());
        }
        (!line.trim_ascii().is_empty()).then_some(Line::Text(line))
    }
}

/// Does the text look like JSON-RPC, whether or not it can be read?
pub(crate) fn mentions_rpc(bytes: &[u8]) -> bool {
    const TAG: &[u8] = b"\"jsonrpc\"";
    bytes.windows(TAG.len()).any(|window| window == TAG)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut reader = LineReader::default();
        let mut out = VecDeque::new();
        for piece in pieces {
            reader.feed(piece, &mut out);
        }
        out.into()
    }

    fn text(bytes: &[u8]) -> Line {
        Line::Text(bytes.to_vec())
    }

    #[test]
    fn blank_lines_and_carriage_returns_vanish() {
        assert_eq!(lines(&[b"\n  \r\na\r\n\t\nb", b"\n\nc"]), [text(b"a"), text(b"b")]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_line() {
        let mark = BYTE_ORDER_MARK;
        assert_eq!(lines(&[mark, b"{}\n", mark, b"\r\n", mark, b"a\r\n"]), [text(b"{}"), text(b"a")]);
        // One, and only before the line.
        let twice = [mark, mark, b"a"].concat();
        assert_eq!(lines(&[&twice, b"\n"]), [text(&twice[3..])]);
        assert_eq!(lines(&[b"a", mark, b"\n"]), [text(b"a\xef\xbb\xbf")]);
    }

    #[test]
    fn a_mebibyte_passes_and_one_byte_more_does_not() {
        let most = vec![b'x'; MAX_LOW_LINE];
        assert_eq!(lines(&[&most, b"\r\n"]), [text(&most)]);
        assert_eq!(lines(&[&most, b"\r", b"\n"]), [text(&most)]);
        let too_large = Line::TooLarge { bytes: 1_048_577, max: 1_048_576, rpc: false };
        assert_eq!(lines(&[&most, b"x", b"\n", b"next\n"]), [too_large, text(b"next")]);
    }

    #[test]
    fn the_rest_of_an_overlong_line_is_counted_but_not_kept() {
        let mut reader = LineReader::default();
        let mut out = VecDeque::new();
        for _ in 0..64 {
            reader.feed(&[b'x'; 1 << 16], &mut out);
        }
        assert!(reader.held.capacity() <= 2 * MAX_LOW_LINE + (1 << 16), "memory is bounded");
        reader.feed(b"\nok\n", &mut out);
        assert_eq!(out, [Line::TooLarge { bytes: 4 << 20, max: MAX_LOW_LINE, rpc: false }, text(b"ok")]);
    }

    #[test]
    fn json_rpc_may_be_longer_up_to_its_own_limit() {
        let mut long = br#"{"jsonrpc":"2.0","x":""#.to_vec();
        long.resize(3 << 20, b'x');
        let pieces: Vec<&[u8]> = long.chunks(1 << 16).chain([&b"\n"[..]]).collect();
        assert_eq!(lines(&pieces), [text(&long)]);
        let mut reader = LineReader::default();
        let mut out = VecDeque::new();
        reader.feed(&long, &mut out);
        // To the limit it is kept, a byte more is thrown away: no more than that is fed.
        while reader.held.len() + (1 << 20) <= MAX_RPC_LINE {
            reader.feed(&[b'x'; 1 << 20], &mut out);
        }
        assert_eq!((reader.held.len(), reader.thrown, out.len()), (MAX_RPC_LINE, 0, 0));
        reader.feed(b"xx", &mut out);
        assert!(reader.thrown > 0, "{} bytes are held", reader.held.len());
        reader.feed(b"\n", &mut out);
        assert!(matches!(out[0], Line::TooLarge { max: MAX_RPC_LINE, rpc: true, .. }));
    }

    proptest! {
        #[test]
        fn how_the_bytes_are_cut_makes_no_difference(
            bytes in "[ab\r\n ]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..8),
        ) {
            let bytes = bytes.into_bytes();
            let mut at: Vec<usize> = cuts.into_iter().filter(|&cut| cut < bytes.len()).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(lines(&pieces), lines(&[&bytes]));
        }
    }
}

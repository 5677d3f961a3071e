//! Noises that are independent of each other.
//!
//! FAUST has one `no.noise`: two uses of it are the same samples, and their difference is silence. So each
//! expression that mentions the library `no` gets a library of its own, in which the noise is another
//! stretch of the same generator, 2^32 samples long. The first keeps the original, so that a sound with
//! one noise is what it always was.

use std::fmt::Write;

/// Gives out libraries.
#[derive(Default)]
pub(super) struct Noises {
    given: u32,
}

impl Noises {
    /// The text with a library of its own, if it mentions one.
    pub fn rename(&mut self, text: &str) -> String {
        let places: Vec<usize> =
            text.match_indices("no.").map(|(at, _)| at).filter(|&at| is_word(text, at)).collect();
        if places.is_empty() {
            return text.to_owned();
        }
        let mine = self.given;
        self.given += 1;
        if mine == 0 {
            return text.to_owned();
        }
        let mut renamed = String::with_capacity(text.len() + 8);
        let mut from = 0;
        for at in places {
            let _ = write!(renamed, "{}no{mine}.", &text[from..at]);
            from = at + "no.".len();
        }
        renamed + &text[from..]
    }

    /// What the program must define.
    pub fn definitions(&self) -> String {
        if self.given < 2 {
            return String::new();
        }
        let mut text =
            "no_from(start) = (+(12345 + (1 - 1') * start) ~ *(1103515245)) / 2147483647.0;\n".to_owned();
        for n in 1..self.given {
            let _ = writeln!(text, "no{n} = no[noise = no_from({});];", start(n));
        }
        text
    }
}

/// Does a name of its own begin there?
fn is_word(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.')
}

/// Where the generator starts: anywhere in its period, by the finaliser of splitmix.
fn start(n: u32) -> i32 {
    let mut z = u64::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    // Not the smallest integer, which FAUST cannot write.
    ((z >> 33) as i32).max(1)
}

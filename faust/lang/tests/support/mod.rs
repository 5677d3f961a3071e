//! What several tests need.
#![allow(dead_code, reason = "each test program uses its part")]

use std::fs;
use std::path::{Path, PathBuf};

/// Where FAUST's own libraries and examples are.
pub const SHARE: &str = "/usr/share/faust";

fn walk(root: &Path, extension: &str, deep: bool) -> Vec<PathBuf> {
    let (mut found, mut open) = (Vec::new(), vec![root.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).expect("faust-common is installed").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                if deep {
                    open.push(path);
                }
            } else if path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// FAUST's own libraries.
pub fn libraries() -> Vec<PathBuf> {
    walk(Path::new(SHARE), "lib", false)
}

/// The examples that come with FAUST, by their path in its folder.
pub fn examples() -> Vec<(String, PathBuf)> {
    let root = Path::new(SHARE).join("examples");
    walk(&root, "dsp", true)
        .into_iter()
        .map(|path| (path.strip_prefix(&root).expect("inside").display().to_string(), path))
        .collect()
}

/// Numbers that look random and are the same each time.
pub struct Random(pub u64);

impl Random {
    /// The next number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    /// The text with a few places deleted, doubled, overwritten, or replaced by a piece of another.
    pub fn damage(&mut self, text: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        const PIECES: &[&str] = &[
            "(", ")", "{", "}", "[", "]", ";", ",", ":", "~", "<:", "\"", "'", "/*", "with", "0", "-1",
            "process",
        ];
        let mut text = text.to_vec();
        for _ in 0..=self.below(3) {
            let start = self.below(text.len() + 1);
            let end = (start + self.below(40)).min(text.len());
            match self.below(5) {
                0 => drop(text.drain(start..end)),
                1 => {
                    let piece = text[start..end].to_vec();
                    drop(text.splice(start..start, piece));
                }
                2 => drop(text.splice(start..start, PIECES[self.below(PIECES.len())].bytes())),
                3 => {
                    if let Some(byte) = text.get_mut(start) {
                        *byte = self.below(256) as u8;
                    }
                }
                _ => {
                    let other = &others[self.below(others.len())];
                    let from = self.below(other.len() + 1);
                    let to = (from + self.below(60)).min(other.len());
                    drop(text.splice(start..end, other[from..to].iter().copied()));
                }
            }
        }
        text
    }
}

//! Which of many names begin a path: `drums` and `drums/kick` begin `drums/kick/cutoff`.

use imbl::HashMap;
use std::hash::{BuildHasher, RandomState};

/// The modulus of the hash, a prime: sums and products of two numbers below it fit `u128`.
const PRIME: u64 = (1 << 61) - 1;

/// Names with something of each, found by the paths that they begin. One pass over a path finds them all, however
/// many `/` it has: the hash of each beginning follows from that of the one before (Rabin–Karp). Copies share what is equal in them.
#[derive(Clone)]
pub struct Beginnings<K, T> {
    /// Drawn at random, so that nobody can choose names of one hash.
    base: u64,
    by_hash: HashMap<u64, Vec<(K, T)>>,
    /// No name is longer, in bytes.
    longest: usize,
}

impl<K, T> Default for Beginnings<K, T> {
    fn default() -> Self {
        let base = RandomState::new().hash_one(0_u8) % (PRIME - 1) + 1;
        Self { base, by_hash: HashMap::new(), longest: 0 }
    }
}

impl<K: AsRef<str> + Clone, T: Clone> Beginnings<K, T> {
    /// What belongs to a name; `of_new` makes it where the name is new.
    pub fn entry(&mut self, name: K, of_new: impl FnOnce() -> T) -> &mut T {
        let bytes = name.as_ref().bytes();
        let hash = bytes.fold(0, |hash, byte| self.step(hash, byte));
        self.longest = self.longest.max(name.as_ref().len());
        let same = self.by_hash.entry(hash).or_default();
        let at = same.iter().position(|(known, _)| known.as_ref() == name.as_ref());
        let at = at.unwrap_or_else(|| {
            same.push((name, of_new()));
            same.len() - 1
        });
        &mut same[at].1
    }

    /// What belongs to a name.
    pub fn get(&self, name: &str) -> Option<&T> {
        if name.len() > self.longest {
            return None;
        }
        self.found(name.bytes().fold(0, |hash, byte| self.step(hash, byte)), name)
    }

    /// Forgets a name.
    pub fn remove(&mut self, name: &str) {
        let hash = name.bytes().fold(0, |hash, byte| self.step(hash, byte));
        let Some(same) = self.by_hash.get_mut(&hash) else { return };
        same.retain(|(known, _)| known.as_ref() != name);
        if same.is_empty() {
            self.by_hash.remove(&hash);
        }
    }

    /// The names that a `/` follows in the path, by length, the shortest first, with what belongs to each. Takes time
    /// in proportion to the length of the path and of the names that are found.
    pub fn of<'a>(&'a self, path: &str) -> impl Iterator<Item = (usize, &'a T)> {
        let mut hash = 0;
        let reach = path.bytes().take(self.longest + 1).enumerate();
        reach.filter_map(move |(at, byte)| {
            let found = (byte == b'/').then(|| self.found(hash, &path[..at])).flatten();
            hash = self.step(hash, byte);
            found.map(|entry| (at, entry))
        })
    }

    fn found(&self, hash: u64, name: &str) -> Option<&T> {
        let same = self.by_hash.get(&hash)?;
        same.iter().find(|(known, _)| known.as_ref() == name).map(|(_, entry)| entry)
    }

    /// The hash of a text with one more byte.
    fn step(&self, hash: u64, byte: u8) -> u64 {
        let product = u128::from(hash) * u128::from(self.base) + u128::from(byte) + 1;
        let folded = (product as u64 & PRIME) + (product >> 61) as u64;
        if folded >= PRIME { folded - PRIME } else { folded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&'static str]) -> Beginnings<&'static str, usize> {
        let mut all = Beginnings::default();
        for (number, name) in names.iter().enumerate() {
            all.entry(*name, || number);
        }
        all
    }

    #[test]
    fn every_name_that_a_slash_follows_is_found_the_shortest_first() {
        let names = of(&["drums", "drums/kick", "drum", "", "é/è", "drums/kick/cutoff", "/"]);
        let found = |path: &str| names.of(path).map(|(at, number)| (at, *number)).collect::<Vec<_>>();
        assert_eq!(found("drums/kick/cutoff"), [(5, 0), (10, 1)]);
        assert_eq!(found("drums/kick/cutoff/"), [(5, 0), (10, 1), (17, 5)]);
        assert_eq!(found("drums"), []);
        assert_eq!(found("é/è/x"), [(5, 4)]);
        assert_eq!(found("//x"), [(0, 3), (1, 6)]);
        assert_eq!(found(&"x/".repeat(3000)), []);
        assert_eq!(names.get("drums/kick"), Some(&1));
        assert_eq!(names.get("drums/"), None);
    }

    #[test]
    fn a_name_that_was_removed_is_found_no_more_and_a_copy_keeps_it() {
        let mut names = of(&["a", "a/b"]);
        let copy = names.clone();
        names.remove("a");
        names.remove("never");
        assert_eq!((names.get("a"), names.get("a/b")), (None, Some(&1)));
        assert_eq!(names.of("a/b/c").map(|(at, number)| (at, *number)).collect::<Vec<_>>(), [(3, 1)]);
        assert_eq!(copy.get("a"), Some(&0));
    }

    #[test]
    fn a_name_has_one_entry() {
        let mut names = of(&["a", "b"]);
        *names.entry("a", || unreachable!()) += 7;
        assert_eq!(names.get("a"), Some(&7));
    }

    #[test]
    fn any_names_are_found_as_by_comparing_each() {
        let mut dice = 1_u64;
        let mut text = || {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (mut bits, parts) = (dice >> 20, (dice >> 60) as usize);
            let mut text = String::new();
            for _ in 0..parts {
                text.push(['a', 'b', '/', 'é'][bits as usize % 4]);
                bits /= 4;
            }
            text
        };
        let names: Vec<String> = (0..200).map(|_| text()).collect();
        let mut all = Beginnings::default();
        names.iter().for_each(|name| *all.entry(name.as_str(), || 0) += 1);
        let mut found = 0;
        for _ in 0..5000 {
            let path = text() + "/" + &text();
            let slow = |at: usize| names.iter().filter(|name| **name == path[..at]).count();
            let cuts = path.match_indices('/').map(|(at, _)| (at, slow(at))).filter(|(_, count)| *count > 0);
            let expected: Vec<(usize, usize)> = cuts.collect();
            assert_eq!(all.of(&path).map(|(at, count)| (at, *count)).collect::<Vec<_>>(), expected, "{path}");
            found += expected.len();
        }
        assert!(found > 1000, "{found}");
    }
}

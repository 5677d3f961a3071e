//! Names as small numbers, under which the audio thread keeps what they stand for.

use std::collections::BTreeMap;

/// Numbers below a limit for names; a number that is given back is given out again.
pub(super) struct IndexPool {
    by_name: BTreeMap<String, u32>,
    taken: Vec<bool>,
    limit: usize,
}

impl IndexPool {
    /// None given out yet; all will be below `limit`.
    pub fn below(limit: usize) -> Self {
        Self { by_name: BTreeMap::new(), taken: Vec::new(), limit }
    }

    /// The number of a name that has one.
    pub fn of(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The number of a name, the lowest free one if it has none yet. If there is none left, names
    /// that are not `needed` give theirs back.
    pub fn assign(&mut self, name: &str, needed: impl Fn(&str) -> bool) -> Option<u32> {
        if let Some(number) = self.of(name) {
            return Some(number);
        }
        if self.by_name.len() >= self.limit {
            let idle: Vec<String> = self.by_name.keys().filter(|n| !needed(n)).cloned().collect();
            idle.iter().for_each(|name| self.free(name));
        }
        let free = self.taken.iter().position(|taken| !taken).unwrap_or(self.taken.len());
        if free >= self.limit {
            return None;
        }
        if free == self.taken.len() {
            self.taken.push(true);
        }
        self.taken[free] = true;
        self.by_name.insert(name.to_owned(), free as u32);
        Some(free as u32)
    }

    /// The name gives its number back.
    pub fn free(&mut self, name: &str) {
        if let Some(number) = self.by_name.remove(name) {
            self.taken[number as usize] = false;
        }
    }

    /// All names give theirs back.
    pub fn clear(&mut self) {
        self.by_name.clear();
        self.taken.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::IndexPool;

    #[test]
    fn numbers_are_reused_and_never_reach_the_limit() {
        let mut numbers = IndexPool::below(2);
        assert_eq!(numbers.assign("a", |_| true), Some(0));
        assert_eq!(numbers.assign("b", |_| true), Some(1));
        assert_eq!(numbers.assign("a", |_| true), Some(0));
        assert_eq!(numbers.assign("c", |_| true), None);
        assert_eq!(numbers.assign("c", |name| name == "b"), Some(0));
        numbers.free("b");
        assert_eq!((numbers.of("b"), numbers.assign("d", |_| true)), (None, Some(1)));
    }
}

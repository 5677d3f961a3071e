//! Into which blocks a host cuts time.

use std::str::FromStr;

/// A rule for block lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// Always this many frames.
    Fixed(usize),
    /// These lengths in turn, for ever.
    List(Vec<usize>),
    /// Uniformly distributed lengths, the same for the same seed.
    Random {
        /// Seed of the sequence.
        seed: u64,
        /// Shortest block.
        min: usize,
        /// Longest block.
        max: usize,
    },
}

impl Default for Blocks {
    fn default() -> Self {
        Self::Fixed(256)
    }
}

impl Blocks {
    /// Random lengths from 1 to 1024 frames.
    pub fn random(seed: u64) -> Self {
        Self::Random { seed, min: 1, max: 1024 }
    }

    /// The longest block that this rule makes: what the plugin has to be activated for.
    pub fn longest(&self) -> usize {
        match self {
            Self::Fixed(frames) => *frames,
            Self::List(lengths) => lengths.iter().copied().max().unwrap_or(0),
            Self::Random { max, .. } => *max,
        }
    }

    /// The lengths, one after the other. Lengths of 0 are kept only in lists that have others.
    pub fn lengths(&self) -> Lengths {
        Lengths {
            rule: self.clone(),
            next: 0,
            state: match self {
                Self::Random { seed, .. } => *seed,
                _ => 0,
            },
        }
    }
}

impl FromStr for Blocks {
    type Err = String;

    /// `256`, `1,17,64` or `random:SEED`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("blocks \"{text}\": give a length, a list such as 1,17,64, or random:SEED");
        if let Some(seed) = text.strip_prefix("random:") {
            return seed.parse().map(Self::random).map_err(|_| wrong());
        }
        let lengths: Vec<usize> = text
            .split(',')
            .map(|length| length.trim().parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        if lengths.iter().any(|&length| length == 0 || length > 65_536) {
            return Err(format!("blocks \"{text}\": lengths go from 1 to 65536"));
        }
        Ok(match lengths.as_slice() {
            [length] => Self::Fixed(*length),
            _ => Self::List(lengths),
        })
    }
}

/// An endless sequence of block lengths.
#[derive(Clone, Debug)]
pub struct Lengths {
    rule: Blocks,
    next: usize,
    state: u64,
}

impl Iterator for Lengths {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        Some(match &self.rule {
            Blocks::Fixed(frames) => (*frames).max(1),
            Blocks::List(lengths) if lengths.iter().all(|&length| length == 0) => 1,
            Blocks::List(lengths) => {
                let length = lengths[self.next % lengths.len()];
                self.next += 1;
                length
            }
            Blocks::Random { min, max, .. } => {
                let span = (max.saturating_sub(*min) + 1) as u64;
                let (min, draw) = (*min, split_mix(&mut self.state));
                (min + (draw % span) as usize).max(1)
            }
        })
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): one step of a seeded sequence.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_repeats_and_a_seed_repeats_itself() {
        let list: Vec<usize> = "1,17,64".parse::<Blocks>().unwrap().lengths().take(5).collect();
        assert_eq!(list, [1, 17, 64, 1, 17]);
        let once: Vec<usize> = Blocks::random(7).lengths().take(200).collect();
        let again: Vec<usize> = Blocks::random(7).lengths().take(200).collect();
        let other: Vec<usize> = Blocks::random(8).lengths().take(200).collect();
        assert_eq!(once, again);
        assert_ne!(once, other);
        assert!(once.iter().all(|length| (1..=1024).contains(length)));
        assert!(once.iter().any(|&length| length < 200) && once.iter().any(|&l| l > 800));
    }

    #[test]
    fn nonsense_is_refused_with_what_would_work() {
        for text in ["", "0", "12,x", "random:", "70000"] {
            let said = text.parse::<Blocks>().unwrap_err();
            assert!(said.starts_with("blocks \""), "{text:?}: {said}");
        }
    }
}

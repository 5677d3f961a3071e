//! Throws: numbers in `[0, 1)` that depend on where they are thrown, and on nothing else.
//!
//! `shape.rs` has the older hash, which documents of today depend on. In it neighbouring places and seeds
//! are correlated.

use crate::Time;

/// The last step of SplitMix64 (Steele, Lea, Flood 2014): each bit of the result depends on all bits.
fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The throw at two numbers for a place in the text and a session. What came before is mixed once more than what
/// comes next, so no two of them can stand for one another.
pub(crate) fn throw(seed: u64, session: u64, a: u64, b: u64) -> f64 {
    let hashed = [session, a, b].into_iter().fold(mix(seed), |hash, next| mix(hash ^ next));
    (hashed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The throw at a time.
pub(crate) fn at(seed: u64, session: u64, time: Time) -> f64 {
    throw(seed, session, *time.numer() as u64, *time.denom() as u64)
}

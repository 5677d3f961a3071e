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

/// Which piece of a cycle stands in which of `n` places, up to 64 of them: each piece once, or with `scramble` any.
pub(crate) fn order(seed: u64, session: u64, cycle: i64, n: usize, scramble: bool) -> [u8; 64] {
    let mut order = std::array::from_fn(|place| place as u8);
    let n = n.min(order.len());
    for place in 0..n {
        let throw = throw(seed, session, cycle as u64, 2 + place as u64);
        let of = if scramble { n } else { n - place };
        let pick = (throw * of as f64) as usize;
        if scramble {
            order[place] = pick as u8;
        } else {
            order.swap(place, place + pick);
        }
    }
    order
}

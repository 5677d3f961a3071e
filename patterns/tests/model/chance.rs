//! Operators of chance.

use super::*;

pub(super) fn hash(a: u64, b: u64) -> u64 {
    (a.wrapping_mul(6364136223846793005).wrapping_add(b)).wrapping_mul(1442695040888963407)
}

pub(super) fn splitmix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e3779b97f4a7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    z ^ (z >> 31)
}

pub(super) fn throw(own: u64, session: u64, a: u64, b: u64) -> f64 {
    let h = splitmix(splitmix(splitmix(splitmix(own) ^ session) ^ a) ^ b);
    (h >> 11) as f64 / 2_f64.powi(53)
}

pub(super) fn thrown(
    mut events: Vec<ModelEvent>,
    prob: f64,
    own: u64,
    invert: bool,
    seed: u64,
) -> Vec<ModelEvent> {
    events.retain(|e| {
        let onset = &e.unit.0;
        let num = onset.numer().to_i64().unwrap() as u64;
        let den = onset.denom().to_i64().unwrap() as u64;
        (throw(own, seed, num, den) < prob) == invert
    });
    events
}

/// The pieces of a cycle in the order of chance.
pub(super) fn order(own: u64, seed: u64, cycle: i64, n: usize, scramble: bool) -> Vec<usize> {
    let mut left: Vec<usize> = (0..n).collect();
    (0..n)
        .map(|place| {
            let thrown = throw(own, seed, cycle as u64, 2 + place as u64);
            if scramble {
                return (thrown * n as f64) as usize;
            }
            let pick = place + (thrown * (n - place) as f64) as usize;
            left.swap(place, pick);
            left[place]
        })
        .collect()
}

//! Fractions with checked arithmetic for the compiler, and the exact meaning of a float.

use num_rational::Ratio;
use num_traits::{CheckedAdd, CheckedMul};

/// A fraction of 128-bit integers: only at compile time.
pub(crate) type Wide = Ratio<i128>;

/// The largest numerator or denominator of any factor, offset or tick count.
pub(crate) const LIMIT: i128 = 1 << 62;

/// `[n, d]` as a reduced fraction with a positive denominator; `None` if `d` is 0.
pub(crate) fn wide([n, d]: [i64; 2]) -> Option<Wide> {
    (d != 0).then(|| Ratio::new(i128::from(n), i128::from(d)))
}

fn bounded(value: Wide) -> Option<Wide> {
    (value.numer().abs() <= LIMIT && *value.denom() <= LIMIT).then_some(value)
}

/// `a · b`, if it stays within [`LIMIT`].
pub(crate) fn mul(a: &Wide, b: &Wide) -> Option<Wide> {
    a.checked_mul(b).and_then(bounded)
}

/// `a + b`, if it stays within [`LIMIT`].
pub(crate) fn add(a: &Wide, b: &Wide) -> Option<Wide> {
    a.checked_add(b).and_then(bounded)
}

pub(crate) fn gcd(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a.abs(), b.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The least common multiple of two positive numbers, if it stays within [`LIMIT`].
pub(crate) fn lcm(a: i128, b: i128) -> Option<i128> {
    (a / gcd(a, b)).checked_mul(b).filter(|&l| l <= LIMIT)
}

/// The fraction with the smallest denominator among those that `x` is the nearest float to, for
/// `0 < x < 1`: 0.6 is 3/5 and 0.6666666666666666 is 2/3, where the bits of the float say
/// something with a denominator of 2^53.
pub(crate) fn simplest(x: f64) -> Option<(i64, i64)> {
    if x > 0.0 && x < 1.0 { between(x, 0) } else { None }
}

/// The same for any number up to 2^53; a whole number is itself.
pub(crate) fn exactly(x: f64) -> Option<Wide> {
    let size = x.abs();
    if x.is_nan() || size >= 9e15 {
        return None;
    }
    if size.fract() == 0.0 {
        return Some(Ratio::from_integer(x as i128));
    }
    let (n, d) = between(size, size.floor() as i64)?;
    let sign = if x < 0.0 { -1 } else { 1 };
    Some(Ratio::new(sign * i128::from(n), i128::from(d)))
}

/// [`simplest`] for a number between `floor` and the next whole number, both left out.
///
/// It is found on the Stern–Brocot tree with steps taken in bulk, so that tiny numbers need no
/// long walk. `None` when even that fraction does not fit into 53 bits.
fn between(x: f64, floor: i64) -> Option<(i64, i64)> {
    let same = |n: i64, d: i64| (n as f64) / (d as f64) == x;
    // left < x < right throughout, except where one of them is found to be x.
    let (mut left, mut right) = ((floor, 1_i64), (floor + 1, 1_i64));
    for _ in 0..256 {
        let middle = (left.0 + right.0, left.1 + right.1);
        if middle.1 >= 1 << 53 || middle.0 >= 1 << 53 {
            return None;
        }
        if same(middle.0, middle.1) {
            return Some(middle);
        }
        let go_right = (middle.0 as f64) / (middle.1 as f64) < x;
        let (from, by) = if go_right { (left, right) } else { (right, left) };
        // The most steps of `by` that stay on this side of x, by doubling and then halving.
        let at = |k: i64| -> Option<(i64, i64)> {
            let n = from.0.checked_add(by.0.checked_mul(k)?)?;
            let d = from.1.checked_add(by.1.checked_mul(k)?)?;
            (d < 1 << 53 && n < 1 << 53).then_some((n, d))
        };
        let stays = |k: i64| {
            at(k).is_some_and(|(n, d)| {
                let y = (n as f64) / (d as f64);
                if go_right { y < x } else { y > x }
            })
        };
        let mut low = 1;
        while stays(low * 2) {
            low *= 2;
        }
        let mut high = low * 2;
        while high - low > 1 {
            let k = low + (high - low) / 2;
            if stays(k) {
                low = k;
            } else {
                high = k;
            }
        }
        let moved = at(low)?;
        if go_right {
            left = moved;
        } else {
            right = moved;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_means_the_simplest_fraction_that_rounds_to_it() {
        for (x, fraction) in [
            (0.5, (1, 2)),
            (0.6, (3, 5)),
            (2.0 / 3.0, (2, 3)),
            (0.66, (33, 50)),
            (0.667, (667, 1000)),
            (1.0 / 3.0, (1, 3)),
            (0.999, (999, 1000)),
            (0.0001, (1, 10_000)),
            (355.0 / 1130.0, (71, 226)),
        ] {
            assert_eq!(simplest(x), Some(fraction), "{x}");
        }
    }

    #[test]
    fn numbers_above_one_and_below_zero_are_found_too() {
        for (x, n, d) in [(4.0 / 3.0, 4, 3), (-0.5, -1, 2), (7.0, 7, 1), (0.0, 0, 1), (100.01, 10_001, 100)] {
            assert_eq!(exactly(x), Some(Ratio::new(n, d)), "{x}");
        }
        for x in [f64::NAN, f64::INFINITY, 1e300, 1e16, f64::MIN_POSITIVE] {
            assert_eq!(exactly(x), None, "{x}");
        }
    }

    #[test]
    fn every_small_fraction_is_found_again() {
        for d in 2..300_i64 {
            for n in 1..d {
                let g = gcd(n.into(), d.into()) as i64;
                assert_eq!(simplest(n as f64 / d as f64), Some((n / g, d / g)));
            }
        }
    }

    #[test]
    fn a_float_outside_the_open_unit_interval_has_none() {
        for x in [0.0, 1.0, -0.5, f64::NAN, f64::MIN_POSITIVE] {
            assert_eq!(simplest(x), None, "{x}");
        }
    }
}

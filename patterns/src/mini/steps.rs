//! Steps of different lengths.

use crate::Pattern;
use crate::builders::{cat, rest};

/// How long a step is, compared with the others: `[n, d]`, both above 0.
pub(crate) type Weight = [i64; 2];

/// A step and how long it is, compared with the others.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub pattern: Pattern,
    pub weight: Weight,
    /// How many nodes its pattern has.
    pub size: usize,
    /// Where it stands in the text.
    pub at: usize,
}

/// The largest sum of the weights of a sequence, in the finest of them: what a float can say to the digit.
const MAX_TOTAL: i64 = 1 << 24;

/// The weights as whole numbers in the same proportion, as small as they can be; `None`: their sum would pass
/// [`MAX_TOTAL`].
fn whole_weights(steps: &[Step]) -> Option<Vec<i64>> {
    let mut den = 1_i64;
    for step in steps {
        den = (den / gcd(den, step.weight[1])).checked_mul(step.weight[1]).filter(|den| *den <= MAX_TOTAL)?;
    }
    let weights: Vec<i64> = steps.iter().map(|step| step.weight[0] * (den / step.weight[1])).collect();
    let common = weights.iter().copied().fold(0, gcd).max(1);
    let total = weights.iter().try_fold(0_i64, |sum, weight| sum.checked_add(weight / common))?;
    (total <= MAX_TOTAL).then(|| weights.into_iter().map(|weight| weight / common).collect())
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The sum of the weights; `None` if [`sequence`] cannot hold them either.
pub(super) fn total(steps: &[Step]) -> Option<Weight> {
    let mut sum = [0_i64, 1_i64];
    for Step { weight: [n, d], .. } in steps {
        let den = (sum[1] / gcd(sum[1], *d)).checked_mul(*d).filter(|den| *den <= MAX_TOTAL)?;
        sum = [sum[0].checked_mul(den / sum[1])?.checked_add(n * (den / d))?, den];
    }
    let common = gcd(sum[0], sum[1]).max(1);
    Some([sum[0] / common, sum[1] / common])
}

/// A sequence of steps within one cycle, each as long as its weight says; the place of a step if the weights
/// have no common measure that is coarse enough.
///
/// Equal weights make a `Cat`. For others the cycle is halved, each half being a sequence of its
/// own, and `Warp` moves the border between the halves: with a grid of two steps, swing gives the
/// first half `amount` of the cycle and the second the rest, exactly.
pub(super) fn sequence(steps: Vec<Step>) -> Result<Pattern, usize> {
    let Some(weights) = whole_weights(&steps) else {
        let finest = steps.iter().max_by_key(|step| step.weight[1]);
        return Err(finest.map_or(0, |step| step.at));
    };
    Ok(weighed(steps.into_iter().map(|step| step.pattern).zip(weights).collect()))
}

/// [`sequence`] of patterns with lengths; `None` if there is none.
pub(crate) fn weighted(steps: Vec<(Pattern, Weight)>) -> Option<Pattern> {
    let step = |(pattern, weight)| Step { pattern, weight, size: 0, at: 0 };
    sequence(steps.into_iter().map(step).collect()).ok()
}

fn weighed(mut steps: Vec<(Pattern, i64)>) -> Pattern {
    match steps.len() {
        0 => return rest(),
        1 => return steps.remove(0).0,
        _ => {}
    }
    if steps.iter().all(|(_, weight)| *weight == steps[0].1) {
        return cat(steps.into_iter().map(|(pattern, _)| pattern).collect());
    }
    let weigh = |steps: &[(Pattern, i64)]| steps.iter().map(|(_, weight)| weight).sum::<i64>();
    let total = weigh(&steps);
    let second = steps.split_off(steps.len() / 2);
    let first = weigh(&steps);
    cat(vec![weighed(steps), weighed(second)]).swing(first as f64 / total as f64, 2)
}

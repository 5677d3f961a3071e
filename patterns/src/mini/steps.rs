//! Steps of different lengths.

use crate::Pattern;
use crate::builders::{cat, rest};

/// A step and how long it is, compared with the others.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub pattern: Pattern,
    pub weight: u32,
    /// How many nodes its pattern has.
    pub size: usize,
}

/// A sequence of steps within one cycle, each as long as its weight says.
///
/// Equal weights make a `Cat`. For others the cycle is halved, each half being a sequence of its
/// own, and `Warp` moves the border between the halves: with a grid of two steps, swing gives the
/// first half `amount` of the cycle and the second the rest, exactly.
pub(super) fn sequence(mut steps: Vec<Step>) -> Pattern {
    match steps.len() {
        0 => return rest(),
        1 => return steps.remove(0).pattern,
        _ => {}
    }
    if steps.iter().all(|step| step.weight == steps[0].weight) {
        return cat(steps.into_iter().map(|step| step.pattern).collect());
    }
    let weigh = |steps: &[Step]| steps.iter().map(|s| u64::from(s.weight)).sum::<u64>();
    let total = weigh(&steps);
    let second = steps.split_off(steps.len() / 2);
    let first = weigh(&steps);
    cat(vec![sequence(steps), sequence(second)]).swing(first as f64 / total as f64, 2)
}

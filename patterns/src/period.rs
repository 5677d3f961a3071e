//! After how many cycles a pattern repeats.

use crate::draft::{Draft, DraftOp};
use crate::fraction::{gcd, lcm};

/// The fewest whole cycles after which the onsets of a draft come again as far as its operators tell;
/// `None` if chance decides, or if it takes longer than can be counted.
pub(crate) fn period(draft: &Draft, root: usize) -> Option<u64> {
    let mut periods: Vec<Option<i128>> = Vec::with_capacity(draft.nodes.len());
    for node in &draft.nodes {
        // Children come before their parents.
        let mut below = node.op.children().into_iter().map(|child| periods[child]);
        let below = below.try_fold(1, |all, one| lcm(all, one?));
        periods.push(below.and_then(|below| match &node.op {
            DraftOp::Degrade { .. }
            | DraftOp::Chance { .. }
            | DraftOp::Choose { .. }
            | DraftOp::Shuffle { .. } => None,
            DraftOp::Every { n, .. } => lcm(i128::from(*n), below),
            // After t cycles the child is factor · t further, and that has to be a multiple of its own.
            DraftOp::Line { factor, .. } => {
                let cycles = below.checked_mul(*factor.denom())?;
                Some(cycles / gcd(cycles, *factor.numer()))
            }
            _ => Some(below),
        }));
    }
    periods[root].and_then(|cycles| u64::try_from(cycles).ok())
}

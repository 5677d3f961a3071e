//! Bjorklund's algorithm: spreading pulses over steps as evenly as can be.

/// A row that the algorithm appends: so many rests, or hits each followed by so many rests.
#[derive(Clone)]
enum Row {
    Rest(u32),
    Hits(Vec<u32>),
}

impl Row {
    fn append(&mut self, other: &Row, times: u32) {
        match (self, other) {
            (Row::Rest(a), Row::Rest(b)) => *a += b * times,
            (Row::Hits(hits), Row::Rest(b)) => {
                if let Some(last) = hits.last_mut() {
                    *last += b * times;
                }
            }
            (Row::Hits(hits), Row::Hits(more)) => {
                for _ in 0..times {
                    hits.extend_from_slice(more);
                }
            }
            (Row::Rest(_), Row::Hits(_)) => unreachable!("the first row always begins with a hit"),
        }
    }
}

/// The steps that sound when `pulses` are spread over `steps` by Bjorklund's algorithm and the row
/// is rotated left by `rotation`, in rising order. More pulses than steps count as `steps`.
///
/// The work grows with the pulses, not with the steps. Source: E. Bjorklund, *The Theory of
/// Rep-Rate Pattern Generation in the SNS Timing System* (2003); G. Toussaint (2005).
///
/// ```
/// use krach_patterns::euclid_hits;
/// assert_eq!(euclid_hits(3, 8, 0), [0, 3, 6]);        // x..x..x.
/// assert_eq!(euclid_hits(5, 8, 0), [0, 2, 3, 5, 6]);  // x.xx.xx.
/// assert_eq!(euclid_hits(3, 8, 3), [0, 3, 5]);        // x..x.x..
/// ```
pub fn euclid_hits(pulses: u32, steps: u32, rotation: i64) -> Vec<u32> {
    let pulses = pulses.min(steps);
    if pulses == 0 {
        return Vec::new();
    }
    // `heads` copies of the row a, then `tails` copies of the row b.
    let (mut a, mut heads) = (Row::Hits(vec![0]), pulses);
    let (mut b, mut tails) = (Row::Rest(1), steps - pulses);
    while tails > 1 {
        if heads <= tails {
            // As many whole rounds at once as would come one by one.
            let rounds = (tails - heads.max(2)) / heads + 1;
            a.append(&b, rounds);
            tails -= rounds * heads;
        } else {
            let rest = a.clone();
            a.append(&b, 1);
            heads -= tails;
            (heads, tails) = (tails, heads);
            b = rest;
        }
    }
    let mut onsets = Vec::with_capacity(pulses as usize);
    let mut step = 0_u32;
    for (row, copies) in [(&a, heads), (&b, tails)] {
        for _ in 0..copies {
            match row {
                Row::Rest(rests) => step += rests,
                Row::Hits(hits) => {
                    for rests in hits {
                        onsets.push(step);
                        step += 1 + rests;
                    }
                }
            }
        }
    }
    let turn = rotation.rem_euclid(i64::from(steps)) as u32;
    let first = onsets.partition_point(|&onset| onset < turn);
    onsets.rotate_left(first);
    for onset in &mut onsets {
        *onset = if *onset >= turn { *onset - turn } else { *onset + (steps - turn) };
    }
    onsets
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The algorithm as the literature prints it: lists of lists, one round at a time.
    fn literal(pulses: usize, steps: usize) -> Vec<u32> {
        let mut a = vec![vec![true]; pulses];
        let mut b = vec![vec![false]; steps - pulses];
        while b.len() > 1 {
            let paired = a.len().min(b.len());
            let mut next: Vec<Vec<bool>> = Vec::new();
            for i in 0..paired {
                next.push([a[i].clone(), b[i].clone()].concat());
            }
            b = if a.len() > paired { a[paired..].to_vec() } else { b[paired..].to_vec() };
            a = next;
        }
        let row: Vec<bool> = a.into_iter().chain(b).flatten().collect();
        (0..steps as u32).filter(|&i| row[i as usize]).collect()
    }

    #[test]
    fn known_rhythms() {
        assert_eq!(euclid_hits(3, 8, 0), [0, 3, 6]);
        assert_eq!(euclid_hits(5, 8, 0), [0, 2, 3, 5, 6]);
        assert_eq!(euclid_hits(5, 16, 0), [0, 3, 6, 9, 12]);
        assert_eq!(euclid_hits(4, 4, 1), [0, 1, 2, 3]);
        assert_eq!(euclid_hits(0, 4, 1), [] as [u32; 0]);
    }

    #[test]
    fn whole_rounds_at_once_give_what_single_rounds_give() {
        for steps in 1..70 {
            for pulses in 1..=steps {
                assert_eq!(
                    euclid_hits(pulses, steps, 0),
                    literal(pulses as usize, steps as usize),
                    "E({pulses},{steps})"
                );
            }
        }
    }

    #[test]
    fn rotation_goes_left_and_wraps_both_ways() {
        assert_eq!(euclid_hits(3, 8, 2), [1, 4, 6]);
        assert_eq!(euclid_hits(3, 8, -6), euclid_hits(3, 8, 2));
        assert_eq!(euclid_hits(3, 8, 8), euclid_hits(3, 8, 0));
        assert_eq!(euclid_hits(3, 8, i64::MIN), euclid_hits(3, 8, 0));
    }

    #[test]
    fn four_billion_steps_cost_what_three_pulses_cost() {
        let hits = euclid_hits(3, u32::MAX, 7);
        assert_eq!(hits.len(), 3);
        assert!(hits.windows(2).all(|w| w[1] - w[0] >= u32::MAX / 3));
    }
}

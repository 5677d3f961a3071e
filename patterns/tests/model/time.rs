//! Operators that change when events are: repeated, played one by one, mirrored, warped.

use super::*;

pub(super) fn ply(child: &Pattern, n: u32, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
    let mut all = Vec::new();
    for event in go(child, from, to, seed) {
        let length = (&event.whole.1 - &event.whole.0) / int(n.into());
        for k in 0..n {
            let begin = &event.whole.0 + &length * int(k.into());
            let whole = (begin.clone(), begin + &length);
            let mut piece = ModelEvent { whole: whole.clone(), unit: whole.clone(), ..event.clone() };
            if cut(&mut piece, &whole) {
                all.push(piece);
            }
        }
    }
    all
}

/// At each moment the events of one whole are a chord: what is said here of the moment between two borders.
pub(super) fn arp(kind: &str, child: &Pattern, n: u32, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
    let events = go(child, from, to, seed);
    let wholes: std::collections::BTreeSet<Stretch> = events.iter().map(|e| e.whole.clone()).collect();
    let mut all = Vec::new();
    for whole in wholes {
        let same: Vec<&ModelEvent> = events.iter().filter(|e| e.whole == whole).collect();
        let borders: std::collections::BTreeSet<&Big> =
            same.iter().flat_map(|e| [&e.part.0, &e.part.1]).collect();
        let borders: Vec<&Big> = borders.into_iter().collect();
        for pair in borders.windows(2) {
            let piece = (pair[0].clone(), pair[1].clone());
            let chord: Vec<&&ModelEvent> =
                same.iter().filter(|e| e.part.0 <= piece.0 && piece.1 <= e.part.1).collect();
            if chord.is_empty() {
                continue;
            }
            let notes: Vec<usize> = (0..chord.len()).collect();
            let down: Vec<usize> = notes.iter().rev().copied().collect();
            let inner = |list: &[usize]| -> Vec<usize> {
                list.iter().skip(1).take(list.len().saturating_sub(2)).copied().collect()
            };
            let outside = || {
                let (mut order, mut left) = (Vec::new(), std::collections::VecDeque::from(notes.clone()));
                while !left.is_empty() {
                    order.extend(left.pop_front());
                    order.extend(left.pop_back());
                }
                order
            };
            let order = match kind {
                "up" | "rolled" => notes.clone(),
                "down" | "rolled_down" => down.clone(),
                "updown" => [notes.clone(), inner(&down)].concat(),
                "downup" => [down.clone(), inner(&notes)].concat(),
                "converge" => outside(),
                _ => outside().into_iter().rev().collect(),
            };
            let rolled = kind.starts_with("rolled");
            let order = if rolled { order } else { order.repeat(n as usize) };
            let divided = if rolled { order.len() * n as usize } else { order.len() };
            let length = (&whole.1 - &whole.0) / int(divided as i64);
            for (place, note) in order.iter().enumerate() {
                let begin = &whole.0 + &length * int(place as i64);
                let end = if rolled { whole.1.clone() } else { &begin + &length };
                let stretch = (begin, end);
                let mut event =
                    ModelEvent { whole: stretch.clone(), unit: stretch.clone(), ..(**chord[*note]).clone() };
                event.part = stretch;
                if cut(&mut event, &piece) {
                    all.push(event);
                }
            }
        }
    }
    all
}

/// The longest unit of a pattern, in cycles (an upper bound).
pub(super) fn longest_unit(p: &Pattern) -> Big {
    let below = p.children().into_iter().map(longest_unit).max().unwrap_or_else(|| int(0));
    match p {
        Pattern::Freeze { .. } => below.max(int(1)),
        Pattern::Fast { factor, .. } => below / big(*factor),
        Pattern::Slow { factor, .. } => below * big(*factor),
        Pattern::Warp { .. } => below * int(2) + int(2),
        // The tests slow down to a twelfth at most.
        Pattern::Vary { .. } => below * int(12),
        Pattern::Zoom { from, to, .. } => below / (big(*to) - big(*from)),
        _ => below,
    }
}

/// What of the bare events lies in a cycle is mirrored there; a unit as a whole in the cycle it begins
/// in, which may be a later one than it then stands in.
pub(super) fn rev(child: &Pattern, c: &Big, window: &Stretch, seed: u64) -> Vec<ModelEvent> {
    let mut all = Vec::new();
    let around = longest_unit(child);
    let mut cycle = c.clone();
    while cycle <= c + &around + int(1) {
        let end = &cycle + int(1);
        let axis = &cycle + &end;
        for mut event in go(child, &cycle, &(&end + &around), seed) {
            if event.frozen {
                if event.unit.0.floor() != cycle {
                    continue;
                }
                let by = &axis - &event.unit.0 - &event.unit.1;
                map(&mut event, |t| t + &by);
            } else {
                if &cycle != c || !cut(&mut event, &(cycle.clone(), end.clone())) {
                    continue;
                }
                map(&mut event, |t| &axis - t);
                for (a, b) in [&mut event.whole, &mut event.part, &mut event.unit] {
                    std::mem::swap(a, b);
                }
            }
            if cut(&mut event, window) {
                all.push(event);
            }
        }
        cycle = end;
    }
    all
}

pub(super) fn warp(
    child: &Pattern,
    amount: f64,
    grid: u32,
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    // The tests use amounts that are hundredths.
    let amount = Big::new(((amount * 100.0).round() as i64).into(), 100.into());
    let pair = Big::new(2.into(), grid.into());
    let half = int(1) / int(2);
    let bend = |t: &Big| {
        let number = (t / &pair).floor();
        let x = t / &pair - &number;
        let y = if x < half {
            &x * int(2) * &amount
        } else {
            &amount + (&x - &half) * int(2) * (int(1) - &amount)
        };
        (number + y) * &pair
    };
    let unbend = |t: &Big| {
        let number = (t / &pair).floor();
        let y = t / &pair - &number;
        let x = if y < amount {
            &y / (int(2) * &amount)
        } else {
            &half + (&y - &amount) / (int(2) * (int(1) - &amount))
        };
        (number + x) * &pair
    };
    let mut events = go(child, &unbend(from), &unbend(to), seed);
    for event in &mut events {
        map(event, bend);
    }
    events
}

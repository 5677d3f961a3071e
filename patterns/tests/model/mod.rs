//! The meaning of patterns, said as plainly as possible: big fractions, lists, no cleverness.
//!
//! The laws and the random trees hold the compiled queries to this.

#![allow(dead_code)] // each test binary uses its part

use krach_patterns::{Pattern, Span, Time, Value};
use num_bigint::BigInt;
use num_rational::Ratio;
use num_traits::ToPrimitive;

pub type Big = Ratio<BigInt>;
pub type Stretch = (Big, Big);

/// An event with exact times.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelEvent {
    pub whole: Stretch,
    pub part: Stretch,
    /// Outermost unit so far, and whether it is one.
    unit: Stretch,
    frozen: bool,
    pub value: String,
    pub shape: bool,
}

impl ModelEvent {
    pub fn has_onset(&self) -> bool {
        !self.shape && self.whole.0 == self.part.0
    }

    /// To sort and compare by.
    pub fn key(&self) -> (Big, Big, Big, Big, String) {
        let (w, p) = (self.whole.clone(), self.part.clone());
        (w.0, w.1, p.0, p.1, self.value.clone())
    }
}

pub fn big([n, d]: [i64; 2]) -> Big {
    Big::new(n.into(), d.into())
}

pub fn of(t: Time) -> Big {
    big([*t.numer(), *t.denom()])
}

pub fn int(n: i64) -> Big {
    Big::from_integer(n.into())
}

fn cycles(from: &Big, to: &Big) -> Vec<(Big, Stretch)> {
    let mut all = Vec::new();
    let mut begin = from.clone();
    while &begin < to {
        let cycle = begin.floor();
        let end = to.clone().min(&cycle + int(1));
        all.push((cycle, (begin, end.clone())));
        begin = end;
    }
    all
}

fn map(event: &mut ModelEvent, f: impl Fn(&Big) -> Big) {
    for (a, b) in [&mut event.whole, &mut event.part, &mut event.unit] {
        (*a, *b) = (f(a), f(b));
    }
}

fn cut(event: &mut ModelEvent, (from, to): &Stretch) -> bool {
    event.part.0 = event.part.0.clone().max(from.clone());
    event.part.1 = event.part.1.clone().min(to.clone());
    event.part.0 < event.part.1
}

fn hash(a: u64, b: u64) -> u64 {
    (a.wrapping_mul(6364136223846793005).wrapping_add(b)).wrapping_mul(1442695040888963407)
}

fn splitmix(z: u64) -> u64 {
    let z = z.wrapping_add(0x9e3779b97f4a7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
    z ^ (z >> 31)
}

fn throw(own: u64, session: u64, a: u64, b: u64) -> f64 {
    let h = splitmix(splitmix(splitmix(splitmix(own) ^ session) ^ a) ^ b);
    (h >> 11) as f64 / 2_f64.powi(53)
}

fn bjorklund(pulses: u32, steps: u32, rotation: i64) -> Vec<bool> {
    let mut a = vec![vec![true]; pulses as usize];
    let mut b = vec![vec![false]; (steps - pulses) as usize];
    while b.len() > 1 && !a.is_empty() {
        let paired = a.len().min(b.len());
        let next: Vec<Vec<bool>> = (0..paired).map(|i| [a[i].clone(), b[i].clone()].concat()).collect();
        b = if a.len() > paired { a[paired..].to_vec() } else { b[paired..].to_vec() };
        a = next;
    }
    let mut row: Vec<bool> = a.into_iter().chain(b).flatten().collect();
    row.rotate_left(rotation.rem_euclid(i64::from(steps)) as usize);
    row
}

/// All events of a pattern in a window, cycle by cycle.
pub fn query(p: &Pattern, window: Span, seed: u64) -> Vec<ModelEvent> {
    let pieces = cycles(&of(window.begin), &of(window.end));
    let events = pieces.into_iter().flat_map(|(_, (a, b))| go(p, &a, &b, seed));
    events.collect()
}

fn go(p: &Pattern, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
    match p {
        Pattern::Silence { .. } => Vec::new(),
        Pattern::Atom { value, .. } => leaf(from, to, text(value), false),
        Pattern::Shape { label, .. } => leaf(from, to, label.clone(), true),
        Pattern::Stack { children, .. } => children.iter().flat_map(|c| go(c, from, to, seed)).collect(),
        Pattern::Fast { factor, child, .. } => line(child, big(*factor), int(0), from, to, seed),
        Pattern::Slow { factor, child, .. } => line(child, big(*factor).recip(), int(0), from, to, seed),
        Pattern::Early { offset, child, .. } => line(child, int(1), big(*offset), from, to, seed),
        Pattern::Late { offset, child, .. } => line(child, int(1), -big(*offset), from, to, seed),
        Pattern::Cat { children, .. } => {
            let steps: Vec<Option<&Pattern>> = children.iter().map(Some).collect();
            steps_in(&steps, from, to, seed)
        }
        Pattern::Euclid { pulses, steps, rotation, child, .. } => {
            let row = bjorklund(*pulses, *steps, *rotation);
            let steps: Vec<Option<&Pattern>> =
                row.into_iter().map(|on| on.then_some(child.as_ref())).collect();
            steps_in(&steps, from, to, seed)
        }
        Pattern::Every { n, transform, child, .. } => cycles(from, to)
            .iter()
            .flat_map(|(c, (a, b))| {
                let n = int(i64::from(*n));
                let divisible = (c / &n).is_integer();
                go(if divisible { transform } else { child }, a, b, seed)
            })
            .collect(),
        Pattern::Freeze { child, .. } => cycles(from, to)
            .iter()
            .flat_map(|(c, (a, b))| {
                let mut events = go(child, a, b, seed);
                for event in &mut events {
                    event.unit = (c.clone(), c + int(1));
                    event.frozen = true;
                }
                events
            })
            .collect(),
        Pattern::Degrade { prob, seed: own, child, .. } => {
            let mut events = go(child, from, to, seed);
            events.retain(|e| {
                let onset = &e.unit.0;
                let num = onset.numer().to_i64().unwrap() as u64;
                let den = onset.denom().to_i64().unwrap() as u64;
                let h = hash(own.wrapping_add(seed), hash(num, den));
                (h % 10000) as f64 / 10000.0 >= *prob
            });
            events
        }
        Pattern::Chance { prob, seed: own, invert, child, .. } => {
            thrown(go(child, from, to, seed), *prob, *own, *invert, seed)
        }
        Pattern::Number { value, .. } => leaf(from, to, value.to_string(), false),
        Pattern::Name { name, .. } => leaf(from, to, name.clone(), false),
        Pattern::Vary { kind, by, seed: own, transform, child, .. } => {
            vary(kind, by, &mut Vec::new(), *own, transform.as_deref(), child, from, to, seed)
        }
        Pattern::Label { label, child, .. } => {
            let mut events = go(child, from, to, seed);
            events.iter_mut().for_each(|e| e.value = format!("{label}={}", f64::from(number(e) as f32)));
            events
        }
        Pattern::Combine { kind, structure, left, right, .. } if kind == "inv_stack" => {
            inv_stack(structure, [left, right], from, to, seed)
        }
        Pattern::Combine { kind, structure, left, right, .. } => {
            combine((kind, structure), [left, right], from, to, seed)
        }
        Pattern::Split { kind, n, child, .. } if kind == "ply" => ply(child, *n, from, to, seed),
        Pattern::Split { kind, n, child, .. } => arp(kind, child, *n, from, to, seed),
        Pattern::Tune { .. } => panic!("tunings are not in the model"),
        Pattern::Segment { n, child, .. } => {
            let mut all = Vec::new();
            for (c, window) in cycles(from, to) {
                for k in 0..*n {
                    let at = |k: u32| &c + int(k.into()) / int((*n).into());
                    let (begin, end) = (at(k), at(k + 1));
                    let soon = &begin + int(1) / int(1_000_003);
                    let mut now = go(child, &begin, &soon, seed);
                    now.retain(|event| event.part.0 == begin);
                    for event in &mut now {
                        let whole = (begin.clone(), end.clone());
                        (event.whole, event.part, event.unit) = (whole.clone(), whole.clone(), whole);
                    }
                    now.retain_mut(|event| cut(event, &window));
                    all.append(&mut now);
                }
            }
            all
        }
        // Where nothing changes from cycle to cycle, nothing is cut at their borders.
        Pattern::Zoom { from: [0, _], to: [1, 1], child, .. } => go(child, from, to, seed),
        Pattern::Shuffle { n: 1, child, .. } => go(child, from, to, seed),
        Pattern::Zoom { from: first, to: last, child, .. } => {
            let (first, last) = (big(*first), big(*last));
            let length = &last - &first;
            let mut all = Vec::new();
            for (c, (a, b)) in cycles(from, to) {
                let inside = |t: &Big| (t - &c) * &length + &c + &first;
                let mut events = go(child, &inside(&a), &inside(&b), seed);
                for event in &mut events {
                    map(event, |t| (t - &c - &first) / &length + &c);
                }
                all.append(&mut events);
            }
            all
        }
        Pattern::Shuffle { kind, n, seed: own, child, .. } => {
            let mut all = Vec::new();
            for (c, (a, b)) in cycles(from, to) {
                let cycle = c.to_integer().to_i64().unwrap();
                let pieces = order(*own, seed, cycle, *n as usize, kind == "scramble");
                for (place, piece) in pieces.into_iter().enumerate() {
                    let slot = |place: usize| &c + int(place as i64) / int((*n).into());
                    let (x, y) = (a.clone().max(slot(place)), b.clone().min(slot(place + 1)));
                    if x < y {
                        let by = slot(piece) - slot(place);
                        let mut events = go(child, &(&x + &by), &(&y + &by), seed);
                        events.iter_mut().for_each(|e| map(e, |t| t - &by));
                        all.append(&mut events);
                    }
                }
            }
            all
        }
        Pattern::Pick { index, children, .. } if matches!(index.as_ref(), Pattern::Number { .. }) => {
            let place = number(&go(index, &int(0), &int(1), seed)[0]).rem_euclid(children.len() as f64);
            go(&children[place as usize], from, to, seed)
        }
        Pattern::Pick { index, children, .. } => go(index, from, to, seed)
            .iter()
            .flat_map(|e| {
                let place = number(e).rem_euclid(children.len() as f64) as usize;
                go(&children[place], &e.part.0, &e.part.1, seed)
            })
            .collect(),
        Pattern::Choose { weights, seed: own, children, .. } => cycles(from, to)
            .iter()
            .flat_map(|(c, (a, b))| {
                let weights = weights.clone().unwrap_or_else(|| vec![1.0; children.len()]);
                let sum: f64 = weights.iter().sum();
                let thrown = throw(*own, seed, c.to_integer().to_i64().unwrap() as u64, 0);
                let mut end = 0.0;
                let kid = weights.iter().position(|weight| {
                    end += weight;
                    thrown < end / sum
                });
                go(&children[kid.expect("the weights of the tests add up")], a, b, seed)
            })
            .collect(),
        Pattern::Rev { child, .. } => {
            cycles(from, to).iter().flat_map(|(c, w)| rev(child, c, w, seed)).collect()
        }
        Pattern::Warp { amount, grid, child, .. } => warp(child, *amount, *grid, from, to, seed),
    }
}

fn thrown(mut events: Vec<ModelEvent>, prob: f64, own: u64, invert: bool, seed: u64) -> Vec<ModelEvent> {
    events.retain(|e| {
        let onset = &e.unit.0;
        let num = onset.numer().to_i64().unwrap() as u64;
        let den = onset.denom().to_i64().unwrap() as u64;
        (throw(own, seed, num, den) < prob) == invert
    });
    events
}

fn number(event: &ModelEvent) -> f64 {
    event.value.parse().unwrap()
}

/// The tests vary by multiples of a twelfth.
fn twelfths(number: f64) -> Big {
    Big::new(((number * 12.0).round() as i64).into(), 12.into())
}

#[allow(clippy::too_many_arguments)] // the fields of a node and of a question
fn vary(
    kind: &str,
    by: &[Pattern],
    numbers: &mut Vec<f64>,
    own: u64,
    transform: Option<&Pattern>,
    child: &Pattern,
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    if let Some(Pattern::Number { value, .. }) = by.get(numbers.len()) {
        numbers.push(*value);
        let all = vary(kind, by, numbers, own, transform, child, from, to, seed);
        numbers.pop();
        return all;
    }
    if let Some(next) = by.get(numbers.len()) {
        let mut all = Vec::new();
        for event in go(next, from, to, seed) {
            numbers.push(number(&event));
            let (from, to) = &event.part;
            all.append(&mut vary(kind, by, numbers, own, transform, child, from, to, seed));
            numbers.pop();
        }
        return all;
    }
    let first = twelfths(numbers[0]);
    match kind {
        "fast" => line(child, first, int(0), from, to, seed),
        "slow" => line(child, first.recip(), int(0), from, to, seed),
        "early" => line(child, int(1), first, from, to, seed),
        "late" => line(child, int(1), -first, from, to, seed),
        "chance" => thrown(go(child, from, to, seed), numbers[0], own, false, seed),
        "every" => {
            let each = cycles(from, to).into_iter().flat_map(|(c, (a, b))| {
                let divisible = (c / int(numbers[0] as i64)).is_integer();
                go(transform.filter(|_| divisible).unwrap_or(child), &a, &b, seed)
            });
            each.collect()
        }
        _ => {
            let rotation = numbers.get(2).map_or(0, |r| *r as i64);
            let row = bjorklund(numbers[0].abs() as u32, numbers[1] as u32, rotation);
            let steps: Vec<Option<&Pattern>> =
                row.into_iter().map(|on| (on != (numbers[0] < 0.0)).then_some(child)).collect();
            steps_in(&steps, from, to, seed)
        }
    }
}

/// Values that meet: the tests combine numbers.
fn combine(
    (kind, structure): (&str, &str),
    [left, right]: [&Pattern; 2],
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    let meet = |l: &ModelEvent, r: &ModelEvent| {
        let (a, b) = (number(l), number(r));
        match kind {
            "add" => Some(a + b),
            "sub" => Some(a - b),
            "mul" => Some(a * b),
            "div" => Some(a / b),
            "mod" => Some(a - b * (a / b).floor()),
            "set" => Some(b),
            "keep" => Some(a),
            "mask" => (b != 0.0).then_some(a),
            // Turned over no time, a note is as it was: -0 stays -0.
            "inv" => Some(if b == 0.0 { a } else { a + 12.0 * b }),
            "voicing" => Some(b - (b - a).rem_euclid(12.0)),
            other => panic!("{other} is not in the model"),
        }
    };
    let mut all = Vec::new();
    let mut add = |value: Option<f64>, event: ModelEvent| {
        let value = value.map(|value| ModelEvent { value: value.to_string(), ..event });
        all.extend(value);
    };
    match structure {
        "left" => {
            for l in go(left, from, to, seed) {
                for r in go(right, &l.part.0, &l.part.1, seed) {
                    add(meet(&l, &r), ModelEvent { part: r.part, ..l.clone() });
                }
            }
        }
        "right" => {
            for r in go(right, from, to, seed) {
                for l in go(left, &r.part.0, &r.part.1, seed) {
                    add(meet(&l, &r), ModelEvent { part: l.part, ..r.clone() });
                }
            }
        }
        _ => {
            let rights = go(right, from, to, seed);
            for l in go(left, from, to, seed) {
                for r in &rights {
                    let mut event = l.clone();
                    if cut(&mut event, &r.part) {
                        let (a, b) = (l.whole.clone(), r.whole.clone());
                        event.whole = (a.0.max(b.0), a.1.min(b.1));
                        event.unit = event.whole.clone();
                        add(meet(&l, r), event);
                    }
                }
            }
        }
    }
    all
}

/// What begins and ends together and has met one number is a chord, whose lowest note goes up as often: what is said
/// here of the moment between two borders.
fn inv_stack(
    structure: &str,
    [left, right]: [&Pattern; 2],
    from: &Big,
    to: &Big,
    seed: u64,
) -> Vec<ModelEvent> {
    let meeting = |kind: &str| combine((kind, structure), [left, right], from, to, seed);
    // The same events twice: with the numbers of the left, and with those of the right.
    let events: Vec<(ModelEvent, f64)> =
        meeting("keep").into_iter().zip(meeting("set").iter().map(number)).collect();
    let mut chords: Vec<(Stretch, f64)> = events.iter().map(|(e, by)| (e.whole.clone(), *by)).collect();
    chords.sort_by(|a, b| a.partial_cmp(b).unwrap());
    chords.dedup();
    let mut all = Vec::new();
    for chord in chords {
        let same: Vec<&ModelEvent> =
            events.iter().filter(|(e, by)| (&e.whole, by) == (&chord.0, &chord.1)).map(|(e, _)| e).collect();
        let borders: std::collections::BTreeSet<&Big> =
            same.iter().flat_map(|e| [&e.part.0, &e.part.1]).collect();
        let borders: Vec<&Big> = borders.into_iter().collect();
        for pair in borders.windows(2) {
            let there = same.iter().filter(|e| &e.part.0 <= pair[0] && pair[1] <= &e.part.1);
            let mut notes: Vec<(f64, &ModelEvent)> = there.map(|e| (number(e), *e)).collect();
            for _ in 0..chord.1.abs() as usize {
                let notes = notes.iter_mut().map(|(note, _)| note);
                // Of equal ones the first is the lowest, and the last the highest.
                match chord.1 > 0.0 {
                    true => {
                        notes.min_by(|a, b| a.partial_cmp(b).unwrap()).into_iter().for_each(|n| *n += 12.0)
                    }
                    false => {
                        notes.max_by(|a, b| a.partial_cmp(b).unwrap()).into_iter().for_each(|n| *n -= 12.0)
                    }
                }
            }
            // From the lowest to the highest.
            notes.sort_by(|a, b| a.0.partial_cmp(&b.0).unwrap());
            for (note, event) in notes {
                let part = (pair[0].clone(), pair[1].clone());
                all.push(ModelEvent { part, value: note.to_string(), ..event.clone() });
            }
        }
    }
    all
}

fn ply(child: &Pattern, n: u32, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
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
fn arp(kind: &str, child: &Pattern, n: u32, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
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

/// The pieces of a cycle in the order of chance.
fn order(own: u64, seed: u64, cycle: i64, n: usize, scramble: bool) -> Vec<usize> {
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

fn text(value: &Value) -> String {
    match value {
        Value::Control { label, value } => format!("{label}={}", *value as f32),
        other => format!("{other:?}"),
    }
}

fn leaf(from: &Big, to: &Big, value: String, shape: bool) -> Vec<ModelEvent> {
    let each = |(c, part): (Big, Stretch)| {
        let whole = (c.clone(), c + int(1));
        ModelEvent { whole: whole.clone(), part, unit: whole, frozen: false, value: value.clone(), shape }
    };
    cycles(from, to).into_iter().map(each).collect()
}

fn line(child: &Pattern, f: Big, o: Big, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
    let mut events = go(child, &(from * &f + &o), &(to * &f + &o), seed);
    for event in &mut events {
        map(event, |t| (t - &o) / &f);
    }
    events
}

fn steps_in(steps: &[Option<&Pattern>], from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
    let n = int(steps.len() as i64);
    let mut all = Vec::new();
    for (c, (a, b)) in cycles(from, to) {
        for (i, step) in steps.iter().enumerate() {
            let lo = &c + int(i as i64) / &n;
            let hi = &c + int(i as i64 + 1) / &n;
            let (x, y) = (a.clone().max(lo.clone()), b.clone().min(hi));
            if let Some(step) = step
                && x < y
            {
                let inside = |t: &Big| (t - &lo) * &n + &c;
                let mut events = go(step, &inside(&x), &inside(&y), seed);
                for event in &mut events {
                    map(event, |t| (t - &c) / &n + &lo);
                }
                all.append(&mut events);
            }
        }
    }
    all
}

/// The longest unit of a pattern, in cycles (an upper bound).
fn longest_unit(p: &Pattern) -> Big {
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
fn rev(child: &Pattern, c: &Big, window: &Stretch, seed: u64) -> Vec<ModelEvent> {
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

fn warp(child: &Pattern, amount: f64, grid: u32, from: &Big, to: &Big, seed: u64) -> Vec<ModelEvent> {
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

//! The meaning of patterns, said as plainly as possible: big fractions, lists, no cleverness.
//!
//! The laws and the random trees hold the compiled queries to this.

#![allow(dead_code)] // each test binary uses its part

mod chance;
mod meet;
mod time;

use chance::{hash, order, throw, thrown};
use krach_patterns::{Pattern, Span, Time, Value};
use meet::{combine, inv_stack, number, vary};
use num_bigint::BigInt;
use num_rational::Ratio;
use num_traits::ToPrimitive;
use time::{arp, ply, rev, warp};

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

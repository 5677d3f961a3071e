//! What kind of number each signal is, when it changes, and between which numbers it lies.

mod interval;

pub use interval::Interval;

use crate::eval::Outcome;
use crate::eval::foreign::FUNCTIONS;
use crate::meter::Meter;
use crate::prim::Prim;
use crate::signal::{Propagated, Sig, SigId, Signals, WidgetKind};

/// Kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Nature {
    /// Whole, 32 bits.
    Int,
    /// With a point.
    Real,
}

/// When a signal changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rate {
    /// When the sampling rate does.
    Constant,
    /// When a control does.
    Control,
    /// From sample to sample.
    Sample,
}

/// All that is known about a signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Type {
    /// Kind of number.
    pub nature: Nature,
    /// When it changes.
    pub rate: Rate,
    /// Where it lies.
    pub interval: Interval,
}

/// Rounds after which what still grows may be anything.
const ROUNDS: usize = 8;
/// Rounds after which all must be stable: each later one widens at least one signal of a group.
const WIDENING: usize = 3;

/// Types of all signals, in their order.
///
/// # Errors
/// If a limit is met.
pub fn infer(program: &Propagated, meter: &mut Meter<'_>) -> Outcome<Vec<Type>> {
    let signals = &program.signals;
    let nothing = Type { nature: Nature::Int, rate: Rate::Constant, interval: Interval::NONE };
    let mut types = vec![nothing; signals.count()];
    for round in 0.. {
        let mut changed = false;
        for (id, sig) in signals.all() {
            meter.spend(1)?;
            let at = id.0 as usize;
            let mut found = one(program, sig, &types);
            if let Sig::Proj(..) = sig {
                let before = types[at];
                found.interval = found.interval.join(before.interval);
                if round >= ROUNDS && found.interval != before.interval {
                    // What grew is widened to its side first, then to everything.
                    let (all, wide) = (full(found.nature), round >= ROUNDS + WIDENING);
                    found.interval = Interval {
                        low: if wide || found.interval.low < before.interval.low {
                            all.low
                        } else {
                            found.interval.low
                        },
                        high: if wide || found.interval.high > before.interval.high {
                            all.high
                        } else {
                            found.interval.high
                        },
                    };
                }
            }
            if found != types[at] {
                types[at] = found;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    Ok(types)
}

fn full(nature: Nature) -> Interval {
    match nature {
        Nature::Int => Interval::INT,
        Nature::Real => Interval::ALL,
    }
}

/// Whether a primitive of two signals takes whole numbers if both are, and what it gives.
pub fn natures(prim: Prim, a: Nature, b: Nature) -> (Nature, Nature) {
    use Prim::*;
    let both = a.max(b);
    match prim {
        And | Or | Xor | Shl | Shr => (Nature::Int, Nature::Int),
        Lt | Le | Gt | Ge | Eq | Ne => (both, Nature::Int),
        Div | Atan2 | Fmod | Remainder => (Nature::Real, Nature::Real),
        // The power of whole numbers is computed with a point and then made whole.
        _ => (both, both),
    }
}

fn one(program: &Propagated, sig: Sig, types: &[Type]) -> Type {
    let of = |id: SigId| types[id.0 as usize];
    let make = |nature, rate, interval| Type { nature, rate, interval };
    match sig {
        Sig::Int(value) => make(Nature::Int, Rate::Constant, Interval::one(f64::from(value))),
        Sig::Real(bits) => make(Nature::Real, Rate::Constant, Interval::one(f64::from_bits(bits))),
        Sig::Input(_) => make(Nature::Real, Rate::Sample, Interval::ALL),
        Sig::SampleRate => make(Nature::Int, Rate::Constant, Interval::new(0.0, Interval::INT.high)),
        Sig::Unary(prim, a) => {
            let a = of(a);
            let nature = match prim {
                Prim::Int => Nature::Int,
                Prim::Abs => a.nature,
                _ => Nature::Real,
            };
            make(nature, a.rate, interval::unary(prim, a.interval))
        }
        Sig::Binary(prim, x, y) => {
            let (a, b) = (of(x), of(y));
            let (_, nature) = natures(prim, a.nature, b.nature);
            let range = fraction(&program.signals, prim, x, y)
                .unwrap_or_else(|| interval::binary(prim, a.interval, b.interval, nature == Nature::Int));
            make(nature, a.rate.max(b.rate), range)
        }
        Sig::Foreign(at, list) => {
            let int = FUNCTIONS[at as usize].int;
            let nature = if int { Nature::Int } else { Nature::Real };
            let rate = program.signals.items(list).iter().map(|arg| of(*arg).rate).max();
            make(nature, rate.unwrap_or(Rate::Sample), full(nature))
        }
        Sig::Delay(a, _) => {
            let a = of(a);
            make(a.nature, Rate::Sample, a.interval.join(Interval::one(0.0)))
        }
        Sig::Prefix(a, b) => {
            let (a, b) = (of(a), of(b));
            make(a.nature.max(b.nature), Rate::Sample, a.interval.join(b.interval))
        }
        Sig::Select(choice, a, b) => {
            let (a, b) = (of(a), of(b));
            make(a.nature.max(b.nature), of(choice).rate.max(a.rate).max(b.rate), a.interval.join(b.interval))
        }
        Sig::Table(_, init, index) => {
            let (init, index) = (of(init), of(index));
            make(init.nature, index.rate, init.interval)
        }
        Sig::Written([_, init, _, value, _]) => {
            let (init, value) = (of(init), of(value));
            let written = if init.nature == Nature::Int {
                interval::unary(Prim::Int, value.interval)
            } else {
                value.interval
            };
            make(init.nature, Rate::Sample, init.interval.join(written))
        }
        Sig::Waveform(list) => {
            let items = program.signals.items(list).iter().map(|item| of(*item));
            let start = make(Nature::Int, Rate::Sample, Interval::NONE);
            items.fold(start, |all, item| {
                make(all.nature.max(item.nature), Rate::Sample, all.interval.join(item.interval))
            })
        }
        Sig::Widget(widget) => {
            let widget = &program.ui.widgets[widget.0 as usize];
            let range = match widget.kind {
                WidgetKind::Button | WidgetKind::Checkbox => Interval::TRUTH,
                _ => Interval::new(widget.range[1], widget.range[2]),
            };
            make(Nature::Real, Rate::Control, range)
        }
        Sig::Shown(_, a) => make(Nature::Real, of(a).rate, of(a).interval),
        Sig::Proj(group, at) => {
            let body = of(program.signals.groups[group.0 as usize].bodies[at as usize]);
            make(body.nature, body.rate, body.interval)
        }
        Sig::Attach(a, b) => make(of(a).nature, of(a).rate.max(of(b).rate), of(a).interval),
        Sig::Held(a, b) => {
            let held = of(a);
            make(held.nature, Rate::Sample.max(of(b).rate), held.interval.join(Interval::one(0.0)))
        }
        Sig::Lowest(a) => make(Nature::Real, Rate::Constant, Interval::one(of(a).interval.low)),
        Sig::Highest(a) => make(Nature::Real, Rate::Constant, Interval::one(of(a).interval.high)),
        Sig::Bounded(low, high, a) => {
            let (low, high, a) = (of(low).interval, of(high).interval, of(a));
            let range = Interval { low: a.interval.low.max(low.low), high: a.interval.high.min(high.high) };
            let kept = if range.is_none() { a.interval } else { range };
            make(a.nature, a.rate, kept)
        }
    }
}

/// `x - floor(x)` lies between 0 and 1.
fn fraction(signals: &Signals, prim: Prim, x: SigId, y: SigId) -> Option<Interval> {
    match (prim, signals.sig(y)) {
        (Prim::Sub, Sig::Unary(Prim::Floor, whole)) if whole == x => Some(Interval::new(0.0, 1.0)),
        _ => None,
    }
}

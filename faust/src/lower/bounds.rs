//! Between which numbers a signal stays, as far as that can be told: a delay needs a line as long as its
//! longest, and FAUST takes inputs to be within ±1, which they need not be.

use krach_core::ir::dsp::{Equation, Params, Primitive};

/// The smallest and the largest number that a signal may be.
pub(super) type Bounds = (f64, f64);

/// Nothing is known.
pub(super) const ANY: Bounds = (f64::NEG_INFINITY, f64::INFINITY);

/// The highest rate that `ma.SR` tells.
const HIGHEST_RATE: f64 = 192_000.0;

/// The bounds of an equation's output from those of its inputs.
pub(super) fn of(e: &Equation, inputs: &[Bounds]) -> Bounds {
    use Primitive::*;
    let a = inputs.first().copied().unwrap_or(ANY);
    let b = inputs.get(1).copied().unwrap_or(ANY);
    let bounds = match (e.primitive.name, &e.params) {
        (Const, Params::Const { value }) => (*value, *value),
        (Control, Params::Control { lo, hi, .. }) => (lo.min(0.0), hi.max(0.0)),
        (Sr, _) => (1.0, HIGHEST_RATE),
        (Add, _) => (a.0 + b.0, a.1 + b.1),
        (Sub, _) => (a.0 - b.1, a.1 - b.0),
        (Mul, _) => corners(a, b, |x, y| x * y),
        (Div, _) if b.0 > 0.0 || b.1 < 0.0 => corners(a, b, |x, y| x / y),
        (Min, _) => (a.0.min(b.0), a.1.min(b.1)),
        (Max, _) => (a.0.max(b.0), a.1.max(b.1)),
        (Abs, _) => (0.0, a.0.abs().max(a.1.abs())),
        (Floor, _) => (a.0.floor(), a.1.floor()),
        (Ceil, _) => (a.0.ceil(), a.1.ceil()),
        (Round, _) => (a.0.round_ties_even(), a.1.round_ties_even()),
        (Sin | Cos, _) => (-1.0, 1.0),
        (Gt | Lt | Ge | Le | Eq | Ne, _) => (0.0, 1.0),
        (Mod | Fmod, _) => {
            let most = b.0.abs().max(b.1.abs());
            (-most, most)
        }
        (Select2, _) => {
            let c = inputs.get(2).copied().unwrap_or(ANY);
            (b.0.min(c.0), b.1.max(c.1))
        }
        (Mem | Delay, _) => (a.0.min(0.0), a.1.max(0.0)),
        _ => ANY,
    };
    if bounds.0.is_nan() || bounds.1.is_nan() { ANY } else { bounds }
}

fn corners(a: Bounds, b: Bounds, f: impl Fn(f64, f64) -> f64) -> Bounds {
    let all = [f(a.0, b.0), f(a.0, b.1), f(a.1, b.0), f(a.1, b.1)];
    if all.iter().any(|x| x.is_nan()) {
        return ANY;
    }
    (all.iter().copied().fold(f64::INFINITY, f64::min), all.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use krach_core::ir::dsp::PrimitiveRef;

    fn bounds(name: Primitive, inputs: &[Bounds]) -> Bounds {
        let primitive = PrimitiveRef { name, stateful: false };
        of(&Equation { primitive, inputs: vec![], outputs: vec![], params: Params::No }, inputs)
    }

    #[test]
    fn what_is_not_known_stays_so_and_the_rest_is_as_tight_as_its_corners() {
        use Primitive::*;
        assert_eq!(bounds(Mul, &[(-2.0, 3.0), (-5.0, 1.0)]), (-15.0, 10.0));
        assert_eq!(bounds(Mul, &[ANY, (0.0, 1.0)]), ANY);
        assert_eq!(bounds(Sub, &[(0.0, 1.0), (2.0, 5.0)]), (-5.0, -1.0));
        assert_eq!(bounds(Div, &[(1.0, 2.0), (-1.0, 1.0)]), ANY);
        assert_eq!(bounds(Div, &[(1.0, 2.0), (4.0, 8.0)]), (0.125, 0.5));
        assert_eq!(bounds(Min, &[ANY, (0.0, 100.0)]), (f64::NEG_INFINITY, 100.0));
        assert_eq!(bounds(Mem, &[(3.0, 4.0)]), (0.0, 4.0));
        assert_eq!(bounds(Sin, &[ANY]), (-1.0, 1.0));
        assert_eq!(bounds(Exp, &[(0.0, 1.0)]), ANY);
    }
}

//! Swing: bending time within pairs of steps, exactly, in both directions.

use crate::arena::{Bend, RawEvent};
use crate::event::Full;
use crate::query::push;
use crate::tick::Tick;

impl<T: Tick> Bend<T> {
    /// A pair of steps, bent.
    fn pair(&self) -> T {
        (self.first + self.second) * self.step
    }

    /// From the child's time to the bent time. Exact.
    pub fn apply(&self, tick: T) -> T {
        let two = self.step + self.step;
        let pair = tick.floor_div(two);
        let within = tick - pair * two;
        let base = pair * self.pair();
        if within < self.step {
            base + within * self.first
        } else {
            base + self.first * self.step + (within - self.step) * self.second
        }
    }

    /// From the bent time back, rounded down or up to a tick of the child.
    pub fn undo(&self, tick: T, up: bool) -> T {
        let divide = |a: T, by: T| if up { a.ceil_div(by) } else { a.floor_div(by) };
        let pair = tick.floor_div(self.pair());
        let within = tick - pair * self.pair();
        let base = pair * (self.step + self.step);
        let first = self.first * self.step;
        if within < first {
            base + divide(within, self.first)
        } else {
            base + self.step + divide(within - first, self.second)
        }
    }
}

/// Bends the events from `start` on. A shape is cut at each step, so that its phase stays a
/// straight line within each piece.
pub(crate) fn bend<T: Tick>(
    bend: &Bend<T>,
    out: &mut Vec<RawEvent<T>>,
    start: usize,
    is_shape: impl Fn(u32) -> bool,
) -> Result<(), Full> {
    for i in start..out.len() {
        if is_shape(out[i].leaf) {
            cut(bend.step, out, i)?;
        }
    }
    for event in &mut out[start..] {
        let unit = event.unit.iter_mut().chain(&mut event.inner);
        for t in event.whole.iter_mut().chain(&mut event.part).chain(unit) {
            *t = bend.apply(*t);
        }
    }
    Ok(())
}

/// Replaces a shape event by the pieces of it between multiples of `step`.
fn cut<T: Tick>(step: T, out: &mut Vec<RawEvent<T>>, i: usize) -> Result<(), Full> {
    let event = out[i];
    let [begin, end] = event.whole;
    let phase = |t: T| {
        let way = (t - begin).float() / (end - begin).float();
        event.from + (event.to - event.from) * way
    };
    let mut border = event.part[0].floor_div(step) * step;
    let mut first = true;
    while border < event.part[1] {
        let whole = [begin.max(border), end.min(border + step)];
        let piece = RawEvent {
            whole,
            part: [event.part[0].max(border), event.part[1].min(border + step)],
            from: phase(whole[0]),
            to: phase(whole[1]),
            ..event
        };
        if first {
            out[i] = piece;
            first = false;
        } else {
            push(out, piece)?;
        }
        border = border + step;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bending_and_unbending_are_inverse_and_rounding_brackets_the_rest() {
        let bend = Bend { step: 6_i64, first: 4, second: 2 };
        for tick in -100..100 {
            let bent = bend.apply(tick);
            assert_eq!(bend.undo(bent, false), tick);
            assert_eq!(bend.undo(bent, true), tick);
            for between in bent + 1..bend.apply(tick + 1) {
                assert_eq!(bend.undo(between, false), tick);
                assert_eq!(bend.undo(between, true), tick + 1);
            }
        }
    }
}

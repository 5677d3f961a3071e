//! Whole ticks instead of fractions: the integers that a query computes with.

use std::fmt::Debug;
use std::ops::{Add, Mul, Neg, Sub};

use crate::Time;

/// An integer wide enough for the ticks of one program: `i64` for nearly all, `i128` for the rest.
pub(crate) trait Tick:
    Copy
    + Ord
    + Debug
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ZERO: Self;
    const ONE: Self;
    /// Rounds towards negative infinity; `by` is positive.
    fn floor_div(self, by: Self) -> Self;
    /// `self - by * self.floor_div(by)`.
    fn modulo(self, by: Self) -> Self;
    /// From a number that the compiler proved to fit.
    fn from_wide(wide: i128) -> Self;
    fn wide(self) -> i128;
    /// The low 64 bits, as a two's complement number.
    fn low(self) -> i64;
    fn float(self) -> f64;
    fn twos(self) -> u32;
    fn shift_right(self, by: u32) -> Self;

    /// Rounds towards positive infinity; `by` is positive.
    fn ceil_div(self, by: Self) -> Self {
        -((-self).floor_div(by))
    }
}

macro_rules! tick {
    ($int:ty) => {
        impl Tick for $int {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            #[inline]
            fn floor_div(self, by: Self) -> Self {
                self.div_euclid(by)
            }
            #[inline]
            fn modulo(self, by: Self) -> Self {
                self.rem_euclid(by)
            }
            #[inline]
            fn from_wide(wide: i128) -> Self {
                wide as $int
            }
            #[inline]
            fn wide(self) -> i128 {
                i128::from(self)
            }
            #[inline]
            fn low(self) -> i64 {
                self as i64
            }
            #[inline]
            fn float(self) -> f64 {
                self as f64
            }
            #[inline]
            fn twos(self) -> u32 {
                self.trailing_zeros()
            }
            #[inline]
            fn shift_right(self, by: u32) -> Self {
                self >> by
            }
        }
    };
}

tick!(i64);
tick!(i128);

/// How many ticks make a cycle, prepared for turning ticks back into reduced fractions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid<T> {
    pub cycle: T,
    twos: u32,
    odd: T,
}

impl<T: Tick> Grid<T> {
    pub fn new(cycle: T) -> Self {
        let twos = cycle.twos();
        Self { cycle, twos, odd: cycle.shift_right(twos) }
    }

    /// `tick / cycle`, reduced, denominator positive. Powers of two leave by a shift, so that the
    /// Euclidean algorithm runs on the odd part only, which is small in music.
    #[inline]
    pub fn time(&self, tick: T) -> Time {
        if tick == T::ZERO {
            return Time::new_raw(0, 1);
        }
        let twos = tick.twos().min(self.twos);
        let (mut num, mut den) = (tick.shift_right(twos), self.cycle.shift_right(twos));
        if self.odd > T::ONE {
            let (mut a, mut b) = (self.odd, num.modulo(self.odd));
            while b > T::ZERO {
                (a, b) = (b, a.modulo(b));
            }
            if a > T::ONE {
                num = num.floor_div(a);
                den = den.floor_div(a);
            }
        }
        Time::new_raw(num.low(), den.low())
    }

    /// The last tick at or before `time`.
    #[inline]
    pub fn floor(&self, time: Time) -> T {
        self.at(time, false)
    }

    /// The first tick at or after `time`.
    #[inline]
    pub fn ceil(&self, time: Time) -> T {
        self.at(time, true)
    }

    #[inline]
    fn at(&self, time: Time, up: bool) -> T {
        let (num, den) = (*time.numer(), *time.denom());
        let whole = num.div_euclid(den);
        // Below a cycle: at most 2^63 · 2^62, which 128 bits hold.
        let rest = i128::from(num.rem_euclid(den)) * self.cycle.wide();
        let den = i128::from(den);
        let rest = match (u64::try_from(rest), u64::try_from(den)) {
            (Ok(rest), Ok(den)) if up => i128::from(rest.div_ceil(den)),
            (Ok(rest), Ok(den)) => i128::from(rest / den),
            _ if up => -((-rest).div_euclid(den)),
            _ => rest.div_euclid(den),
        };
        T::from_wide(i128::from(whole)) * self.cycle + T::from_wide(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_reduced_fractions_on_both_sides_of_zero() {
        let grid = Grid::new(360_i64);
        for tick in -800..800 {
            let time = grid.time(tick);
            assert_eq!(time, Time::new(tick, 360));
            assert_eq!((*time.numer(), *time.denom()), (*time.reduced().numer(), *time.reduced().denom()));
        }
        assert_eq!(Grid::new(360_i128).time(-270), Time::new(-3, 4));
    }

    #[test]
    fn a_time_between_two_ticks_rounds_outwards_or_inwards() {
        let grid = Grid::new(8_i64);
        assert_eq!(grid.floor(Time::new(-1, 3)), -3);
        assert_eq!(grid.ceil(Time::new(-1, 3)), -2);
        assert_eq!(grid.floor(Time::new(3, 8)), 3);
        assert_eq!(grid.ceil(Time::new(3, 8)), 3);
        let fine = Grid::new(1_i128 << 62);
        assert_eq!(fine.floor(Time::new(i64::MAX - 1, i64::MAX)), (1 << 62) - 1);
        assert_eq!(fine.ceil(Time::new(i64::MAX - 1, i64::MAX)), 1 << 62);
    }
}

//! What a compile has used so far, and whether it is still wanted.

use crate::options::Limits;

/// Why work stops that found no mistake in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Nobody wants the result.
    Cancelled,
    /// A limit: what is too much, and what would help.
    Limit(String, &'static str),
}

/// Steps between two questions whether the result is still wanted.
const STRIDE: u64 = 2_048;

/// Counts steps and depth.
pub struct Meter<'a> {
    /// What may be used.
    pub limits: Limits,
    used: u64,
    asked: u64,
    depth: u32,
    deepest: u32,
    cancelled: &'a (dyn Fn() -> bool + Sync),
}

impl<'a> Meter<'a> {
    /// Nothing is used yet.
    pub fn new(limits: Limits, cancelled: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self { limits, used: 0, asked: 0, depth: 0, deepest: 0, cancelled }
    }

    /// Steps used so far.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// The deepest level so far.
    pub fn deepest(&self) -> u32 {
        self.deepest
    }

    /// Uses steps.
    ///
    /// # Errors
    /// If none are left, or nobody wants the result any more.
    pub fn spend(&mut self, steps: u64) -> Result<(), Halt> {
        self.used += steps;
        if self.used - self.asked >= STRIDE {
            self.asked = self.used;
            if (self.cancelled)() {
                return Err(Halt::Cancelled);
            }
        }
        if self.used > self.limits.fuel {
            let text = format!("the program takes more than {} steps to compile", self.limits.fuel);
            return Err(Halt::Limit(
                text,
                "look for a definition that uses itself, or a huge par, seq, sum or prod",
            ));
        }
        Ok(())
    }

    /// Goes one level deeper; [`Meter::leave`] comes back.
    ///
    /// # Errors
    /// As [`Meter::spend`], and if it is too deep.
    pub fn enter(&mut self) -> Result<(), Halt> {
        self.spend(1)?;
        if self.depth >= self.limits.depth {
            let text = format!("definitions go more than {} deep into each other", self.limits.depth);
            return Err(Halt::Limit(
                text,
                "look for a definition that uses itself without an end, or a par, seq or sum of thousands",
            ));
        }
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
        Ok(())
    }

    /// Comes back from [`Meter::enter`].
    pub fn leave(&mut self) {
        self.depth -= 1;
    }
}

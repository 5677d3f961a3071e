//! Where the edges of a pulse lie whose width moves.

/// One turn of a phase.
pub const TURN: f64 = 18_446_744_073_709_551_616.0;

/// A width (part of the period that the pulse is high), below 1, as a phase.
#[inline]
pub fn threshold(width: f64) -> u64 {
    // Half of it is an `i64`, to which the conversion is one instruction. Of a width from 2⁻¹⁰ on it drops no bit.
    ((width * (TURN / 2.0)) as i64 as u64) << 1
}

/// A phase below half a turn as a float.
#[inline]
pub fn signed(phase: u64) -> f64 {
    phase as i64 as f64
}

/// State and width of the pulse on the frame before.
#[derive(Clone, Copy, Debug)]
pub struct Pulse {
    high: bool,
    width: f64,
}

impl Pulse {
    /// The pulse on a frame.
    pub fn new(high: bool, width: f64) -> Self {
        Self { high, width }
    }

    /// The state on the frame that was reached last.
    #[inline]
    pub fn high(&self) -> bool {
        self.high
    }

    /// Calls `edge(since, height)` for the edges on the way of one frame to `phase`, by `step`, `since` frames before
    /// that frame: up where the phase wraps, down where it overtakes the width, and up again if the
    /// width, moving, overtakes the phase. `threshold` is the width as a phase.
    #[inline]
    pub fn arrive(
        &mut self,
        phase: u64,
        step: u64,
        width: f64,
        threshold: u64,
        mut edge: impl FnMut(f64, f32),
    ) {
        let wrapped = phase < step;
        let high = phase < threshold;
        if wrapped {
            edge(signed(phase) / signed(step), 2.0);
        }
        // high = (phase wraps) - (crossings of the width), so the crossing follows from the other two.
        let crossings = i32::from(wrapped) + i32::from(self.high) - i32::from(high);
        if crossings != 0 {
            let approach = signed(step) / TURN - (width - self.width);
            let beyond = (phase.wrapping_sub(threshold) >> 11) as f64 / (TURN / 2048.0);
            let since = if crossings > 0 { beyond / approach } else { (beyond - 1.0) / approach };
            // Rounding may carry it past either end, or leave 0/0.
            let since = if since > 0.0 { since.min(1.0) } else { 0.0 };
            edge(since, -2.0 * crossings as f32);
        }
        self.high = high;
        self.width = width;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_width_is_that_part_of_a_turn_to_the_bit() {
        for i in 1..100_000_u32 {
            let width = 0.001 + f64::from(i) * 0.998 / 100_000.0;
            assert_eq!(threshold(width), (width * TURN) as u64, "{width}");
        }
    }
}

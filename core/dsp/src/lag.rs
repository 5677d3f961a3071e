//! How late a saw's ramp must run to be as late as its band-limited edges.

/// Phase steps that are looked back over; more than the edges' delay in frames.
const TRAIL: usize = 4;

/// How far the saw's ramp must trail the phase so that it is as late as its edges, frame by frame,
/// while the frequency moves: without it the saw would carry a DC of 2 × delay × frequency / rate.
pub struct Lag {
    /// The latest phase steps in turns, newest first.
    trail: [f64; TRAIL],
    /// Share of each step that counts: 1 for whole frames of the delay, a fraction, then 0.
    shares: [f64; TRAIL],
    /// Frames until the trail is even again.
    unsettled: usize,
    turns: f32,
}

impl Lag {
    /// For edges that come `delay` frames late.
    pub fn new(delay: f64) -> Self {
        debug_assert!(delay <= TRAIL as f64);
        let shares = std::array::from_fn(|k| (delay - k as f64).clamp(0.0, 1.0));
        Self { trail: [0.0; TRAIL], shares, unsettled: 0, turns: 0.0 }
    }

    /// As if the phase had always advanced by `step` turns per frame.
    pub fn settle(&mut self, step: f64) {
        self.trail = [step; TRAIL];
        self.unsettled = 1;
        self.advance(step);
    }

    /// The frequency moves.
    #[inline]
    pub fn disturb(&mut self) {
        self.unsettled = TRAIL;
    }

    /// The phase advances by `step` turns to the next frame.
    #[inline]
    pub fn advance(&mut self, step: f64) {
        if self.unsettled > 0 {
            self.unsettled -= 1;
            self.trail.copy_within(..TRAIL - 1, 1);
            self.trail[0] = step;
            self.turns =
                self.trail.iter().zip(&self.shares).map(|(step, share)| step * share).sum::<f64>() as f32;
        }
    }

    /// How far the ramp must trail on the present frame, in turns.
    #[inline]
    pub fn turns(&self) -> f32 {
        self.turns
    }
}

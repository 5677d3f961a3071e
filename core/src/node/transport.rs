//! Where the frames of a `render` call are in musical time.

/// A stretch of musical time, from an anchor on. Calls of `render` are cut at every anchor (start, stop, jump, wrap of a
/// loop, change of tempo or meter), so that within one time runs at one tempo or on one straight ramp, or stands.
///
/// Where a frame is follows from the anchor alone. It is the same to the bit however the frames are cut into calls, and
/// so is what a node makes of it, as long as it asks by frame ([`Self::beats`]) and does not add up steps per call.
///
/// ```
/// use krach_core::node::Transport;
/// let transport = Transport { running: true, anchor: 4.0, frames: 100, step: 0.001, ..Transport::STANDING };
/// assert_eq!(transport.beats(0), 4.1);
/// assert_eq!(transport.after(7).beats(3), transport.beats(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// Time runs, by the host's transport or by an own clock.
    pub running: bool,
    /// Position at the anchor, in quarter notes.
    pub anchor: f64,
    /// Frames from the anchor to the first frame of the call.
    pub frames: i64,
    /// Quarter notes per frame at the anchor; 0 while time stands.
    pub step: f64,
    /// What the step grows by with every frame: a ramp of the tempo.
    pub ramp: f64,
    /// The position of a bar line, in quarter notes.
    pub bar: f64,
    /// Quarter notes from that bar line to the next; 0 where the host tells no meter.
    pub meter: f64,
}

impl Transport {
    /// Time that stands at 0.
    pub const STANDING: Self =
        Self { running: false, anchor: 0.0, frames: 0, step: 0.0, ramp: 0.0, bar: 0.0, meter: 0.0 };

    /// Position of a frame of the call, in quarter notes; 0 is the first.
    pub fn beats(&self, frame: usize) -> f64 {
        let n = (self.frames + frame as i64) as f64;
        // The integral of a tempo that changes evenly.
        self.anchor + n * (self.step + 0.5 * self.ramp * n)
    }

    /// Quarter notes from a frame of the call to the next, at the tempo of that frame.
    pub fn step_at(&self, frame: usize) -> f64 {
        self.step + self.ramp * (self.frames + frame as i64) as f64
    }

    /// The same stretch, so many frames later.
    #[must_use]
    pub fn after(self, frames: usize) -> Self {
        Self { frames: self.frames + frames as i64, ..self }
    }
}

//! What a host says about musical time.

/// Transport at an offset into the block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransportAt {
    /// Frame within the block.
    pub offset: u32,
    /// What the host says of that frame.
    pub transport: HostTransport,
}

/// What a host says of one frame; every field but `playing` may be missing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HostTransport {
    /// The transport rolls.
    pub playing: bool,
    /// Beats (quarter notes) per minute.
    pub tempo: Option<f64>,
    /// Change of tempo per frame, in bpm, until the next event.
    pub tempo_inc: f64,
    /// Position in quarter notes.
    pub beats: Option<f64>,
    /// Position in seconds.
    pub seconds: Option<f64>,
    /// Position in samples.
    pub samples: Option<i64>,
    /// Loop range in quarter notes, only while looping is on.
    pub loop_range: Option<(f64, f64)>,
    /// Time signature, numerator and denominator.
    pub time_signature: Option<(u32, u32)>,
    /// Start of the present bar in quarter notes.
    pub bar_start: Option<f64>,
    /// Number of the present bar; the one at zero has number 0.
    pub bar_number: Option<i32>,
}

//! Where the transport truly stood on every frame, and so where an onset has to sound.

/// An onset that lies this little (in frames) after a frame still plays on that frame.
pub const ONSET_TOLERANCE: f64 = 1e-6;

/// An onset at most this long before the point where a loop wrap lands plays on the landing frame:
/// hosts land a little late.
pub const LANDING_GRACE_SECONDS: f64 = 0.010;

/// Why a segment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The first frame of all.
    Begin,
    /// The transport was started.
    Play,
    /// The transport was stopped.
    Stop,
    /// It was located somewhere else.
    Jump,
    /// A loop came round.
    Wrap,
    /// The tempo changed; the position runs on.
    Tempo,
}

/// A stretch of frames over which the position follows one formula: `k` frames after `frame` it is
/// `beats + (tempo·k + tempo_inc·k²/2) / (60·rate)` quarter notes while playing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segment {
    /// First frame.
    pub frame: u64,
    /// Why it begins.
    pub cause: Cause,
    /// Whether the transport plays.
    pub playing: bool,
    /// Position of the first frame in quarter notes.
    pub beats: f64,
    /// Position of the first frame in seconds.
    pub seconds: f64,
    /// Quarter notes per minute on the first frame.
    pub tempo: f64,
    /// Change of tempo per frame.
    pub tempo_inc: f64,
    /// Onsets from here (at most `beats`) belong to this segment; less than `beats` only after a wrap.
    pub owns_from: f64,
    /// Onsets before here (quarter notes) belong to this segment; the loop end where it wraps there.
    pub owns_until: f64,
}

impl Segment {
    /// Quarter notes that pass in the first `frames` frames, as if playing.
    pub fn beats_in(&self, frames: f64, rate: f64) -> f64 {
        (self.tempo * frames + self.tempo_inc * frames * frames / 2.0) / (60.0 * rate)
    }

    /// Frames, not rounded, until the position is `beats`; negative before the segment. Nothing
    /// where a slowing ramp never gets there.
    pub fn frames_until(&self, beats: f64, rate: f64) -> Option<f64> {
        // Solves tempo·k + inc·k²/2 = 60·rate·distance in the form that is stable for inc → 0.
        let distance = (beats - self.beats) * 60.0 * rate;
        let discriminant = self.tempo * self.tempo + 2.0 * self.tempo_inc * distance;
        (discriminant >= 0.0).then(|| 2.0 * distance / (self.tempo + discriminant.sqrt()))
    }

    /// Position of a frame at or after the first one, quarter notes.
    pub fn beats_at(&self, frame: u64, rate: f64) -> f64 {
        if self.playing { self.beats + self.beats_in((frame - self.frame) as f64, rate) } else { self.beats }
    }

    /// Position of a frame at or after the first one, seconds.
    pub fn seconds_at(&self, frame: u64, rate: f64) -> f64 {
        if self.playing { self.seconds + (frame - self.frame) as f64 / rate } else { self.seconds }
    }
}

/// The positions of all frames that were handed out so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Truth {
    rate: f64,
    segments: Vec<Segment>,
    frames: u64,
}

impl Truth {
    pub(super) fn new(rate: f64, first: Segment) -> Self {
        Self { rate, segments: vec![first], frames: 0 }
    }

    /// Adds a segment. One that begins where the last began replaces it, and a break in the
    /// position is not forgotten because the tempo changed on the same frame.
    pub(super) fn push(&mut self, mut segment: Segment) {
        if let Some(last) = self.segments.last_mut() {
            if last.frame == segment.frame {
                if segment.cause == Cause::Tempo {
                    segment.cause = last.cause;
                    segment.owns_from = last.owns_from;
                }
                *last = segment;
                return;
            }
            let end = last.beats_at(segment.frame, self.rate);
            last.owns_until = if segment.cause == Cause::Wrap { end.min(last.owns_until) } else { end };
        }
        self.segments.push(segment);
    }

    pub(super) fn extend_to(&mut self, frames: u64) {
        self.frames = frames;
    }

    pub(super) fn close_before(&mut self, beats: f64) {
        if let Some(last) = self.segments.last_mut() {
            last.owns_until = beats;
        }
    }

    /// Frames per second.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Frames covered.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// The segments in order; each lasts to the next one's first frame.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segment that holds a frame.
    pub fn segment_at(&self, frame: u64) -> &Segment {
        let after = self.segments.partition_point(|segment| segment.frame <= frame);
        &self.segments[after.saturating_sub(1)]
    }

    /// Position of a frame in quarter notes.
    pub fn beats_at(&self, frame: u64) -> f64 {
        self.segment_at(frame).beats_at(frame, self.rate)
    }

    /// Position of a frame in seconds.
    pub fn seconds_at(&self, frame: u64) -> f64 {
        self.segment_at(frame).seconds_at(frame, self.rate)
    }

    /// Whether the transport plays on a frame.
    pub fn playing_at(&self, frame: u64) -> bool {
        self.segment_at(frame).playing
    }

    /// Tempo on a frame, quarter notes per minute.
    pub fn tempo_at(&self, frame: u64) -> f64 {
        let segment = self.segment_at(frame);
        segment.tempo + segment.tempo_inc * (frame - segment.frame) as f64
    }

    /// Every frame on which an onset at this position (quarter notes) has to sound: the first frame
    /// at or after its exact time, once per pass of the transport. What lies between the last frame
    /// before a wrap and the loop end sounds on the landing frame; what lies between the last frame
    /// before a stop or a jump and that stop or jump does not sound.
    pub fn onset_frames(&self, beats: f64) -> Vec<u64> {
        let mut found = Vec::new();
        for (index, segment) in self.segments.iter().enumerate() {
            let next = self.segments.get(index + 1);
            let end = next.map_or(self.frames, |next| next.frame);
            let grace = LANDING_GRACE_SECONDS * segment.tempo / 60.0;
            let from = segment.owns_from.max(segment.beats - grace);
            if !segment.playing || beats < from || (next.is_some() && beats >= segment.owns_until) {
                continue;
            }
            let Some(frames) = segment.frames_until(beats, self.rate) else {
                continue;
            };
            let frame = segment.frame + (frames - ONSET_TOLERANCE).ceil().max(0.0) as u64;
            let runs_on = next.is_some_and(|next| matches!(next.cause, Cause::Tempo | Cause::Wrap));
            let last = if runs_on && end < self.frames { end } else { end.saturating_sub(1) };
            if frame <= last && end > segment.frame {
                found.push(frame);
            }
        }
        found
    }

    /// [`Self::onset_frames`] of every position `first + n·step` from `first` to before `last`, in
    /// the order in which they sound.
    pub fn onset_frames_every(&self, first: f64, step: f64, last: f64) -> Vec<u64> {
        let count = ((last - first) / step - ONSET_TOLERANCE).ceil().max(0.0) as u64;
        let mut frames: Vec<u64> =
            (0..count).flat_map(|n| self.onset_frames(first + n as f64 * step)).collect();
        frames.sort_unstable();
        frames
    }
}

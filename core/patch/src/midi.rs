//! What is played on a patch.

/// A note, or a move of a controller. Sorted into time by whoever renders: it acts on the next sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MidiEvent {
    /// A key goes down.
    NoteOn {
        /// In semitones, 60 is C4; fractions are microtonal.
        note: f32,
        /// 0…1.
        velocity: f32,
    },
    /// A key goes up.
    NoteOff {
        /// As in its [`MidiEvent::NoteOn`].
        note: f32,
    },
    /// What sounds gets another pitch, without a new onset.
    Pitch(
        /// In semitones, 60 is C4.
        f32,
    ),
    /// The pitch bend wheel, -1…1.
    Bend(f32),
    /// The modulation wheel, 0…1.
    Mod(f32),
    /// All keys go up.
    AllOff,
}

//! Pitch names: `A4`, `C#4`, `eb3`.

/// Why a text is not a pitch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown pitch \"{name}\": a letter A to G, then # or b if needed, then the octave, such as A4, C#3 or Eb2, \
     within MIDI 0 to 127"
)]
pub struct PitchError {
    /// The text.
    pub name: String,
}

/// The frequency of a MIDI key (69 is A4 = 440 Hz), equal temperament.
///
/// ```
/// assert_eq!(krach_patterns::midi_to_hz(69.0), 440.0);
/// ```
pub fn midi_to_hz(key: f64) -> f64 {
    440.0 * ((key - 69.0) / 12.0).exp2()
}

/// The MIDI key of a frequency above 0, between keys too: the inverse of [`midi_to_hz`].
pub(crate) fn hz_to_midi(hz: f64) -> f64 {
    let key = 69.0 + 12.0 * (hz / 440.0).log2();
    // What was made of a whole key is that key again.
    if midi_to_hz(key.round()) == hz { key.round() } else { key }
}

/// The MIDI key of a pitch name, `[A-Ga-g][#sb]?octave`: C4 is 60, without an octave it is the
/// fourth.
///
/// ```
/// use krach_patterns::parse_pitch;
/// assert_eq!(parse_pitch("C4"), Ok(60));
/// assert_eq!(parse_pitch("eb3"), Ok(51));
/// assert_eq!(parse_pitch("Cs4"), parse_pitch("C#4"));
/// assert!(parse_pitch("H4").is_err());
/// ```
///
/// # Errors
/// [`PitchError`] for anything else, and for keys outside 0–127.
pub fn parse_pitch(name: &str) -> Result<u8, PitchError> {
    key(name).ok_or_else(|| PitchError { name: name.into() })
}

fn key(name: &str) -> Option<u8> {
    let mut rest = name.chars();
    let semitone = match rest.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let after_letter = rest.as_str();
    let (accidental, octave) = match rest.next() {
        Some('#' | 's') => (1, rest.as_str()),
        Some('b') => (-1, rest.as_str()),
        _ => (0, after_letter),
    };
    let digits = octave.strip_prefix('-').unwrap_or(octave);
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let octave: i32 = if octave.is_empty() { 4 } else { octave.parse().ok()? };
    let key = octave.checked_add(1)?.checked_mul(12)? + semitone + accidental;
    u8::try_from(key).ok().filter(|&key| key < 128)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_meet_their_keys() {
        for (name, key) in [
            ("C4", 60),
            ("c4", 60),
            ("A4", 69),
            ("A2", 45),
            ("C#4", 61),
            ("Cs4", 61),
            ("Db4", 61),
            ("eb3", 51),
            ("C-1", 0),
            ("G9", 127),
            ("Cb4", 59),
            ("B3", 59),
            ("bb3", 58),
            ("a", 69),
        ] {
            assert_eq!(parse_pitch(name), Ok(key), "{name}");
        }
    }

    #[test]
    fn what_is_no_pitch_is_refused_by_name() {
        for name in ["", "H4", "C##4", "G#9", "C-2", "C+4", "4", "C4x", "C99999999999", "é4"] {
            let error = parse_pitch(name).unwrap_err();
            assert!(error.to_string().contains(&format!("\"{name}\"")), "{error}");
        }
    }

    #[test]
    fn an_octave_doubles_the_frequency() {
        assert!((midi_to_hz(60.0) - 261.625_565_300_598_6).abs() < 1e-9);
        assert!((midi_to_hz(81.0) - 880.0).abs() < 1e-9);
    }
}

//! Pitch: names of notes, volts, hertz. 0 V is C2, and 1 V is an octave.

/// The frequency of 0 V.
pub const C2_HZ: f64 = 65.406_194;
/// MIDI's number for 0 V.
pub(crate) const C2_MIDI: f32 = 36.0;

/// An entry of a list parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// A note, in semitones above C2, or of a pitch class above C.
    Note(f32),
    /// `-`: nothing sounds.
    Rest,
    /// `_`: the note before sounds on.
    Tie,
}

/// The pitch class at the start of a name (`C`, `Eb`, `F#`), in semitones above C, and the rest of the name.
fn class(name: &str) -> Option<(i32, &str)> {
    let mut chars = name.chars();
    let base = match chars.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let rest = chars.as_str();
    match rest.chars().next() {
        Some('#') => Some((base + 1, &rest[1..])),
        Some('b') => Some((base - 1, &rest[1..])),
        _ => Some((base, rest)),
    }
}

/// A step: a note with its octave (`C3`, `Eb3`, `F#-1`), `-` or `_`. Octaves from -1 to 9.
pub(crate) fn step(name: &str) -> Option<Step> {
    match name {
        "-" => return Some(Step::Rest),
        "_" => return Some(Step::Tie),
        _ => {}
    }
    let (semitones, octave) = class(name)?;
    // "+3" and "03" are no octaves.
    let octave: i32 = octave.parse().ok().filter(|number: &i32| number.to_string() == octave)?;
    (-1..=9).contains(&octave).then(|| Step::Note((semitones + 12 * (octave - 2)) as f32))
}

/// MIDI's number of a note's name: 60 for `C4`.
pub fn midi_note(name: &str) -> Option<f32> {
    match step(name)? {
        Step::Note(semitones) => Some(C2_MIDI + semitones),
        Step::Rest | Step::Tie => None,
    }
}

/// A pitch class: `C`, `Eb`, `F#`.
pub(crate) fn pitch_class(name: &str) -> Option<Step> {
    let (semitones, rest) = class(name)?;
    rest.is_empty().then(|| Step::Note(semitones.rem_euclid(12) as f32))
}

/// 2ˣ for `x` within ±60, with a relative error below 1e-8 (2e-5 cents), the same to the bit on every machine.
///
/// The whole part goes into the exponent; Taylor's series to the seventh power for the rest, at most ½ in size,
/// whose remainder is below (ln 2 / 2)⁸/8! = 5.2e-9.
#[inline]
pub(crate) fn exp2(x: f64) -> f64 {
    // Adding it rounds to a whole number: the sum has no bits left for fractions.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let x = if x.abs() <= 60.0 { x } else { 60.0_f64.copysign(x) };
    let whole = (x + ROUND) - ROUND;
    let y = (x - whole) * std::f64::consts::LN_2;
    let (square, fourth) = (y * y, (y * y) * (y * y));
    // In pairs (Estrin's scheme): half as many steps wait for each other as in Horner's.
    let low = (1.0 + y) + square * (0.5 + y * (1.0 / 6.0));
    let high = (1.0 / 24.0 + y * (1.0 / 120.0)) + square * (1.0 / 720.0 + y * (1.0 / 5040.0));
    let sum = low + fourth * high;
    sum * f64::from_bits(((whole as i64 + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_within_2e_5_cents_and_whole_ones_are_exact() {
        for i in -60_000..60_000 {
            let x = f64::from(i) / 1_000.0;
            let error = (exp2(x) / libm::exp2(x) - 1.0).abs();
            assert!(error < 1e-8, "2^{x}: {error:e}");
        }
        for i in -60..=60 {
            assert_eq!(exp2(f64::from(i)), libm::exp2(f64::from(i)));
        }
        assert_eq!(exp2(1e9), exp2(60.0));
    }

    #[test]
    fn notes_are_counted_from_c2() {
        for (name, semitones) in
            [("C2", 0.0), ("C4", 24.0), ("Eb3", 15.0), ("a4", 33.0), ("B1", -1.0), ("F#-1", -30.0)]
        {
            assert_eq!(step(name), Some(Step::Note(semitones)), "{name}");
        }
        assert_eq!((step("-"), step("_")), (Some(Step::Rest), Some(Step::Tie)));
        for name in ["", "H3", "C", "C+3", "C03", "C10", "C-2", "Cb#3", "C3 ", "3"] {
            assert_eq!(step(name), None, "{name}");
        }
        assert_eq!(pitch_class("Cb"), Some(Step::Note(11.0)));
        assert_eq!(pitch_class("C3"), None);
    }
}

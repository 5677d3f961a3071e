//! Scales and chords by name, as semitones above a root.

/// A scale's names and its degrees, within an octave.
pub(crate) type Named = (&'static [&'static str], &'static [u8]);

/// Common scales of twelve equal steps to the octave, as theory books list them.
#[rustfmt::skip]
pub const SCALES: &[Named] = &[
    (&["major", "ionian"], &[0, 2, 4, 5, 7, 9, 11]),
    (&["minor", "aeolian"], &[0, 2, 3, 5, 7, 8, 10]),
    (&["dorian"], &[0, 2, 3, 5, 7, 9, 10]),
    (&["phrygian"], &[0, 1, 3, 5, 7, 8, 10]),
    (&["lydian"], &[0, 2, 4, 6, 7, 9, 11]),
    (&["mixolydian"], &[0, 2, 4, 5, 7, 9, 10]),
    (&["locrian"], &[0, 1, 3, 5, 6, 8, 10]),
    (&["harmonicMinor"], &[0, 2, 3, 5, 7, 8, 11]),
    (&["melodicMinor"], &[0, 2, 3, 5, 7, 9, 11]),
    (&["harmonicMajor"], &[0, 2, 4, 5, 7, 8, 11]),
    (&["melodicMajor", "mixolydianFlat6"], &[0, 2, 4, 5, 7, 8, 10]),
    (&["doubleHarmonic", "byzantine"], &[0, 1, 4, 5, 7, 8, 11]),
    (&["hungarianMinor"], &[0, 2, 3, 6, 7, 8, 11]),
    (&["hungarianMajor"], &[0, 3, 4, 6, 7, 9, 10]),
    (&["neapolitanMinor"], &[0, 1, 3, 5, 7, 8, 11]),
    (&["neapolitanMajor"], &[0, 1, 3, 5, 7, 9, 11]),
    (&["ukrainianDorian", "romanianMinor"], &[0, 2, 3, 6, 7, 9, 10]),
    (&["phrygianDominant", "freygish"], &[0, 1, 4, 5, 7, 8, 10]),
    (&["lydianDominant", "acoustic"], &[0, 2, 4, 6, 7, 9, 10]),
    (&["lydianAugmented"], &[0, 2, 4, 6, 8, 9, 11]),
    (&["lydianMinor"], &[0, 2, 4, 6, 7, 8, 10]),
    (&["locrianMajor"], &[0, 2, 4, 5, 6, 8, 10]),
    (&["superLocrian", "altered"], &[0, 1, 3, 4, 6, 8, 10]),
    (&["locrianNatural2", "halfDiminished"], &[0, 2, 3, 5, 6, 8, 10]),
    (&["locrianNatural6"], &[0, 1, 3, 5, 6, 9, 10]),
    (&["dorianFlat2"], &[0, 1, 3, 5, 7, 9, 10]),
    (&["ionianAugmented"], &[0, 2, 4, 5, 8, 9, 11]),
    (&["lydianSharp2"], &[0, 3, 4, 6, 7, 9, 11]),
    (&["ultraLocrian"], &[0, 1, 3, 4, 6, 8, 9]),
    (&["enigmatic"], &[0, 1, 4, 6, 8, 10, 11]),
    (&["persian"], &[0, 1, 4, 5, 6, 8, 11]),
    (&["oriental"], &[0, 1, 4, 5, 6, 9, 10]),
    (&["gypsy"], &[0, 2, 3, 6, 7, 8, 10]),
    (&["leadingWholeTone"], &[0, 2, 4, 6, 8, 10, 11]),
    (&["majorPentatonic", "pentatonic"], &[0, 2, 4, 7, 9]),
    (&["minorPentatonic"], &[0, 3, 5, 7, 10]),
    (&["suspendedPentatonic", "egyptian"], &[0, 2, 5, 7, 10]),
    (&["bluesMinorPentatonic"], &[0, 3, 5, 8, 10]),
    (&["bluesMajorPentatonic", "ritusen"], &[0, 2, 5, 7, 9]),
    (&["dominantPentatonic"], &[0, 2, 4, 7, 10]),
    (&["hirajoshi"], &[0, 2, 3, 7, 8]),
    (&["kumoi"], &[0, 2, 3, 7, 9]),
    (&["iwato"], &[0, 1, 5, 6, 10]),
    (&["in", "sakura"], &[0, 1, 5, 7, 8]),
    (&["insen"], &[0, 1, 5, 7, 10]),
    (&["chinese"], &[0, 4, 6, 7, 11]),
    (&["pelog"], &[0, 1, 3, 7, 8]),
    (&["scriabin"], &[0, 1, 4, 7, 9]),
    (&["blues", "minorBlues"], &[0, 3, 5, 6, 7, 10]),
    (&["majorBlues"], &[0, 2, 3, 4, 7, 9]),
    (&["whole", "wholeTone"], &[0, 2, 4, 6, 8, 10]),
    (&["augmented"], &[0, 3, 4, 7, 8, 11]),
    (&["augmented2", "sixTone"], &[0, 1, 4, 5, 8, 9]),
    (&["prometheus"], &[0, 2, 4, 6, 9, 10]),
    (&["tritone"], &[0, 1, 4, 6, 7, 10]),
    (&["diminished", "wholeHalf"], &[0, 2, 3, 5, 6, 8, 9, 11]),
    (&["halfWhole"], &[0, 1, 3, 4, 6, 7, 9, 10]),
    (&["bebopDominant", "bebop"], &[0, 2, 4, 5, 7, 9, 10, 11]),
    (&["bebopMajor"], &[0, 2, 4, 5, 7, 8, 9, 11]),
    (&["bebopMinor"], &[0, 2, 3, 4, 5, 7, 9, 10]),
    (&["messiaen3"], &[0, 2, 3, 4, 6, 7, 8, 10, 11]),
    (&["messiaen4"], &[0, 1, 2, 5, 6, 7, 8, 11]),
    (&["messiaen5"], &[0, 1, 5, 6, 7, 11]),
    (&["messiaen6"], &[0, 2, 4, 5, 6, 8, 10, 11]),
    (&["messiaen7"], &[0, 1, 2, 3, 5, 6, 7, 8, 9, 11]),
    (&["chromatic"], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
];

/// Common chords.
#[rustfmt::skip]
pub const CHORDS: &[Named] = &[
    (&["major", "maj", "M"], &[0, 4, 7]),
    (&["minor", "min", "m"], &[0, 3, 7]),
    (&["dim"], &[0, 3, 6]),
    (&["aug", "plus"], &[0, 4, 8]),
    (&["sus2"], &[0, 2, 7]),
    (&["sus4"], &[0, 5, 7]),
    (&["five", "5"], &[0, 7]),
    (&["one", "1"], &[0]),
    (&["six", "6", "maj6"], &[0, 4, 7, 9]),
    (&["m6", "min6"], &[0, 3, 7, 9]),
    (&["sixNine", "69"], &[0, 4, 7, 9, 14]),
    (&["m69"], &[0, 3, 7, 9, 14]),
    (&["dom7", "7"], &[0, 4, 7, 10]),
    (&["maj7", "major7"], &[0, 4, 7, 11]),
    (&["m7", "min7", "minor7"], &[0, 3, 7, 10]),
    (&["mM7", "minMaj7"], &[0, 3, 7, 11]),
    (&["dim7"], &[0, 3, 6, 9]),
    (&["m7b5", "halfDim"], &[0, 3, 6, 10]),
    (&["aug7", "7s5"], &[0, 4, 8, 10]),
    (&["maj7s5"], &[0, 4, 8, 11]),
    (&["7b5"], &[0, 4, 6, 10]),
    (&["maj7b5"], &[0, 4, 6, 11]),
    (&["7sus2"], &[0, 2, 7, 10]),
    (&["7sus4"], &[0, 5, 7, 10]),
    (&["add9"], &[0, 4, 7, 14]),
    (&["madd9"], &[0, 3, 7, 14]),
    (&["add11"], &[0, 4, 7, 17]),
    (&["madd11"], &[0, 3, 7, 17]),
    (&["dom9", "9"], &[0, 4, 7, 10, 14]),
    (&["maj9", "major9"], &[0, 4, 7, 11, 14]),
    (&["m9", "min9", "minor9"], &[0, 3, 7, 10, 14]),
    (&["mM9"], &[0, 3, 7, 11, 14]),
    (&["7b9"], &[0, 4, 7, 10, 13]),
    (&["7s9"], &[0, 4, 7, 10, 15]),
    (&["9sus4"], &[0, 5, 7, 10, 14]),
    (&["9b5"], &[0, 4, 6, 10, 14]),
    (&["9s5"], &[0, 4, 8, 10, 14]),
    (&["eleven", "11"], &[0, 4, 7, 10, 14, 17]),
    (&["maj11"], &[0, 4, 7, 11, 14, 17]),
    (&["m11", "min11"], &[0, 3, 7, 10, 14, 17]),
    (&["7s11"], &[0, 4, 7, 10, 18]),
    (&["maj7s11"], &[0, 4, 7, 11, 18]),
    (&["thirteen", "13"], &[0, 4, 7, 10, 14, 17, 21]),
    (&["maj13"], &[0, 4, 7, 11, 14, 17, 21]),
    (&["m13", "min13"], &[0, 3, 7, 10, 14, 17, 21]),
    (&["quartal"], &[0, 5, 10]),
];

fn find(table: &[Named], name: &str) -> Option<&'static [u8]> {
    // An exact name first: M is major and m is minor; else small and large letters and signs between are alike.
    let plain = |text: &str| -> String {
        text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
    };
    let exact = table.iter().find(|(names, _)| names.contains(&name));
    let alike = || {
        let name = plain(name);
        table.iter().find(|(names, _)| names.iter().any(|known| plain(known) == name))
    };
    exact.or_else(alike).map(|(_, degrees)| *degrees)
}

/// The root of a name such as `C:minor` or `Eb3:dorian`, a MIDI key, and what stands behind it; without a root 0.
fn rooted(name: &str) -> Option<(f64, &str)> {
    match name.split_once(':') {
        Some((root, rest)) => Some((f64::from(crate::parse_pitch(root).ok()?), rest)),
        None => Some((0.0, name)),
    }
}

/// A degree of a scale: 0 is the root, 7 of a scale of seven its octave, -1 the degree below the root.
pub(crate) fn degree(scale: &str, degree: f64) -> Option<f64> {
    let (root, name) = rooted(scale)?;
    let degrees = find(SCALES, name)?;
    let count = degrees.len() as f64;
    let octave = (degree / count).floor();
    let step = degrees.get((degree - octave * count) as usize)?;
    Some(root + 12.0 * octave + f64::from(*step))
}

/// The keys of a chord such as `C:maj7`; without a root semitones above 0.
pub(crate) fn chord(name: &str) -> Option<Vec<f64>> {
    let (root, name) = rooted(name)?;
    Some(find(CHORDS, name)?.iter().map(|step| root + f64::from(*step)).collect())
}

/// Is it the name of a scale, with or without a root?
pub(crate) fn is_scale(name: &str) -> bool {
    degree(name, 0.0).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixty_scales_and_forty_chords_in_rising_order_without_a_name_twice() {
        for (table, least, octave) in [(SCALES, 60, 12), (CHORDS, 40, 24)] {
            assert!(table.len() >= least, "{}", table.len());
            let names: Vec<&str> = table.iter().flat_map(|(names, _)| names.iter().copied()).collect();
            let once: std::collections::BTreeSet<&&str> = names.iter().collect();
            assert_eq!(once.len(), names.len());
            for (names, degrees) in table {
                assert_eq!(degrees[0], 0, "{names:?}");
                assert!(
                    degrees.windows(2).all(|w| w[0] < w[1]) && degrees.iter().all(|d| *d < octave),
                    "{names:?}"
                );
            }
        }
    }

    #[test]
    fn degrees_go_on_above_and_below_the_octave() {
        let c_minor: Vec<f64> = (-2..=8).map(|d| degree("C:minor", f64::from(d)).unwrap()).collect();
        assert_eq!(c_minor, [56.0, 58.0, 60.0, 62.0, 63.0, 65.0, 67.0, 68.0, 70.0, 72.0, 74.0]);
        assert_eq!(degree("Harmonic Minor", 6.0), Some(11.0));
        assert_eq!(degree("Eb3:majorPentatonic", 5.0), Some(63.0));
        for name in ["H:minor", "C:moonlight", "", "C:"] {
            assert_eq!(degree(name, 0.0), None, "{name}");
        }
    }

    #[test]
    fn large_and_small_m_are_two_chords() {
        assert_eq!(chord("C:M"), Some(vec![60.0, 64.0, 67.0]));
        assert_eq!(chord("C:m"), Some(vec![60.0, 63.0, 67.0]));
        assert_eq!(chord("A3:m7"), Some(vec![57.0, 60.0, 64.0, 67.0]));
        assert_eq!(chord("dom7"), Some(vec![0.0, 4.0, 7.0, 10.0]));
        assert_eq!(chord("C:nothing"), None);
    }
}

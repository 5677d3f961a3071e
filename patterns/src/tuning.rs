//! Tunings: which pitch a key has. By name, or from the texts of Scala files: a scale (.scl) and a keyboard mapping
//! (.kbm), as <https://www.huygens-fokker.org/scala/> describes them.

use crate::pitch::hz_to_midi;

/// The most degrees of a scale, and entries of a map.
const MAX_DEGREES: usize = 4096;

/// A tuning's names, and where its degrees come from.
type Named = (&'static [&'static str], Degrees);

/// How the degrees of a known tuning are found.
#[derive(Debug)]
enum Degrees {
    /// Cents above the first; the last is the period.
    Cents(&'static [f64]),
    /// Ratios to the first; the last is the period.
    Ratios(&'static [(u16, u16)]),
    /// So many fifths of so many cents, three down from the first and eight up, brought into one octave.
    Fifths(f64),
}

const QUARTER_COMMA_FIFTH: f64 = 696.578_428_466_209;
const PURE_FIFTH: f64 = 701.955_000_865_387_4;

/// Tunings by name, beside the equal ones such as `19edo`.
#[rustfmt::skip]
const KNOWN: &[Named] = &[
    (&["just"], Degrees::Ratios(&[
        (16, 15), (9, 8), (6, 5), (5, 4), (4, 3), (45, 32), (3, 2), (8, 5), (5, 3), (9, 5), (15, 8), (2, 1),
    ])),
    (&["pythagorean"], Degrees::Fifths(PURE_FIFTH)),
    (&["meantone", "quarterComma"], Degrees::Fifths(QUARTER_COMMA_FIFTH)),
    (&["werckmeister", "werckmeister3"], Degrees::Cents(&[
        90.225, 192.180, 294.135, 390.225, 498.045, 588.270, 696.090, 792.180, 888.270, 996.090, 1092.180, 1200.0,
    ])),
    (&["kirnberger", "kirnberger3"], Degrees::Cents(&[
        90.225, 193.157, 294.135, 386.314, 498.045, 590.224, 696.578, 792.180, 889.735, 996.090, 1088.269, 1200.0,
    ])),
    (&["vallotti"], Degrees::Cents(&[
        94.135, 196.090, 298.045, 392.180, 501.955, 592.180, 698.045, 796.090, 894.135, 1000.0, 1090.225, 1200.0,
    ])),
    (&["harmonics", "harmonic8"], Degrees::Ratios(&[
        (9, 8), (10, 8), (11, 8), (12, 8), (13, 8), (14, 8), (15, 8), (2, 1),
    ])),
    (&["partch", "partch43"], Degrees::Ratios(&[
        (81, 80), (33, 32), (21, 20), (16, 15), (12, 11), (11, 10), (10, 9), (9, 8), (8, 7), (7, 6), (32, 27),
        (6, 5), (11, 9), (5, 4), (14, 11), (9, 7), (21, 16), (4, 3), (27, 20), (11, 8), (7, 5), (10, 7), (16, 11),
        (40, 27), (3, 2), (32, 21), (14, 9), (11, 7), (8, 5), (18, 11), (5, 3), (27, 16), (12, 7), (7, 4), (16, 9),
        (9, 5), (20, 11), (11, 6), (15, 8), (40, 21), (64, 33), (160, 81), (2, 1),
    ])),
    (&["bohlenPierce"], Degrees::Cents(&[
        146.304, 292.608, 438.913, 585.217, 731.521, 877.825, 1024.130, 1170.434, 1316.738, 1463.042, 1609.347,
        1755.651, 1901.955,
    ])),
    (&["carlosAlpha"], Degrees::Cents(&[77.965])),
    (&["carlosBeta"], Degrees::Cents(&[63.833])),
    (&["carlosGamma"], Degrees::Cents(&[35.099])),
];

/// The names of the tunings that a `Tune` node knows, beside equal divisions of the octave such as `19edo`.
pub const TUNINGS: [&str; 12] = [
    "just",
    "pythagorean",
    "meantone",
    "werckmeister",
    "kirnberger",
    "vallotti",
    "harmonics",
    "partch",
    "bohlenPierce",
    "carlosAlpha",
    "carlosBeta",
    "carlosGamma",
];

/// Which pitch each key has.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Cents of each degree above the first; the first is 0.
    degrees: Vec<f64>,
    /// Cents after which the degrees come again.
    period: f64,
    map: Map,
}

/// Which degree a key has.
#[derive(Debug, Clone, PartialEq)]
struct Map {
    /// Degrees from `middle` on; `None` for a key without one. Empty: one after the other.
    degrees: Vec<Option<i64>>,
    /// Keys outside of these keep the pitch they have.
    keys: [i64; 2],
    middle: i64,
    /// A key, and the pitch it has: as a key of equal temperament.
    reference: (i64, f64),
    /// The degree by which the map goes on after its last entry.
    octave: i64,
}

impl Tuning {
    /// A tuning by name, or from the text of a Scala file, which has several lines; the map is the text of a keyboard
    /// mapping. Without a map key 60 has the first degree, and the pitch it has in equal temperament.
    ///
    /// # Errors
    /// What is wrong in which line, and what would be right.
    pub fn read(tuning: &str, map: Option<&str>) -> Result<Self, String> {
        let tuning = tuning.strip_prefix('\u{feff}').unwrap_or(tuning);
        let degrees = if tuning.trim_end().contains(['\n', '\r']) { scale(tuning)? } else { named(tuning)? };
        let count = degrees.len() as i64;
        let Some((period, below)) = degrees.split_last() else { return Err("a tuning has a degree".into()) };
        let degrees = [&[0.0], below].concat();
        let map = match map {
            Some(text) => Map::read(text, count)?,
            None => Map {
                degrees: Vec::new(),
                keys: [i64::MIN, i64::MAX],
                middle: 60,
                reference: (60, 60.0),
                octave: count,
            },
        };
        let tuning = Self { degrees, period: *period, map };
        match tuning.cents(tuning.map.reference.0) {
            Some(_) => Ok(tuning),
            None => Err(format!(
                "the map gives key {} a frequency, and no degree; it needs one, as the others follow it",
                tuning.map.reference.0
            )),
        }
    }

    /// The pitch of a key as a key of equal temperament, which may lie between two; `None` if the map leaves the key
    /// out. What lies between two keys lies as far between their pitches.
    pub fn pitch(&self, key: f64) -> Option<f64> {
        let below = key.floor();
        let low = self.whole(below as i64)?;
        if below == key {
            return Some(low);
        }
        Some(low + (self.whole(below as i64 + 1)? - low) * (key - below))
    }

    fn whole(&self, key: i64) -> Option<f64> {
        let [first, last] = self.map.keys;
        if !(first..=last).contains(&key) {
            return Some(key as f64);
        }
        let (reference, pitch) = self.map.reference;
        Some(pitch + (self.cents(key)? - self.cents(reference)?) / 100.0)
    }

    /// How many cents a key is above the one that the map begins with.
    fn cents(&self, key: i64) -> Option<f64> {
        let above = key.saturating_sub(self.map.middle);
        if self.map.degrees.is_empty() {
            return Some(self.degree(above));
        }
        let size = self.map.degrees.len() as i64;
        let degree = self.map.degrees[above.rem_euclid(size) as usize]?;
        Some(above.div_euclid(size) as f64 * self.degree(self.map.octave) + self.degree(degree))
    }

    fn degree(&self, degree: i64) -> f64 {
        let count = self.degrees.len() as i64;
        degree.div_euclid(count) as f64 * self.period + self.degrees[degree.rem_euclid(count) as usize]
    }
}

/// The degrees of a known tuning in cents, the period last.
fn named(name: &str) -> Result<Vec<f64>, String> {
    let name = name.trim();
    let plain = |text: &str| text.replace([' ', '-', '_'], "").to_lowercase();
    let found = KNOWN.iter().find(|(names, _)| names.iter().any(|known| plain(known) == plain(name)));
    if let Some((_, degrees)) = found {
        return Ok(match degrees {
            Degrees::Cents(cents) => cents.to_vec(),
            Degrees::Ratios(ratios) => {
                ratios.iter().map(|(n, d)| cents_of(f64::from(*n) / f64::from(*d))).collect()
            }
            Degrees::Fifths(fifth) => {
                let mut cents: Vec<f64> =
                    (-3..=8).filter(|n| *n != 0).map(|n| (f64::from(n) * fifth).rem_euclid(1200.0)).collect();
                cents.sort_by(f64::total_cmp);
                cents.push(1200.0);
                cents
            }
        });
    }
    let lower = name.to_lowercase();
    let equal = lower.strip_suffix("edo").and_then(|count| count.parse::<usize>().ok());
    match equal.filter(|count| (1..=MAX_DEGREES).contains(count)) {
        Some(count) => Ok((1..=count).map(|degree| 1200.0 * degree as f64 / count as f64).collect()),
        None => {
            let known = TUNINGS.join(", ");
            Err(format!(
                "unknown tuning {name:?}; known are {known}, 12edo, 19edo and the like; a Scala file has several lines"
            ))
        }
    }
}

fn cents_of(ratio: f64) -> f64 {
    1200.0 * ratio.log2()
}

/// The lines that count, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.starts_with('!'))
}

/// The degrees of a Scala file in cents, the period last.
fn scale(text: &str) -> Result<Vec<f64>, String> {
    let mut lines = lines(text);
    lines.next().ok_or("the tuning has no first line, which describes it")?;
    let (number, line) =
        lines.next().ok_or("the tuning has no second line, which is the number of its degrees")?;
    let wrong =
        || format!("line {number} of the tuning is no number of degrees: {line:?}; it is 1 to {MAX_DEGREES}");
    let count = line.split_whitespace().next().and_then(|word| word.parse::<usize>().ok());
    let count = count.filter(|count| (1..=MAX_DEGREES).contains(count)).ok_or_else(wrong)?;
    let mut degrees = Vec::with_capacity(count);
    for place in 1..=count {
        let Some((number, line)) = lines.next() else {
            return Err(format!("the tuning has {count} degrees, and a line for {} of them", place - 1));
        };
        let word = line.split_whitespace().next().unwrap_or("");
        let cents = pitch_of(word).filter(|cents| cents.is_finite() && cents.abs() <= 1e6);
        let wrong = || {
            format!(
                "line {number} of the tuning is no pitch: {line:?}; a pitch is a ratio such as 3/2, or cents with a point such as 701.955"
            )
        };
        degrees.push(cents.ok_or_else(wrong)?);
    }
    match degrees.last() {
        Some(period) if *period > 0.0 => Ok(degrees),
        _ => {
            Err("the last degree of the tuning is the interval after which it comes again, and above 1/1"
                .into())
        }
    }
}

/// Cents with a point, or a ratio, or a whole number.
fn pitch_of(word: &str) -> Option<f64> {
    if word.contains('.') {
        let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
        return digits.chars().all(|c| c.is_ascii_digit() || c == '.').then(|| word.parse().ok()).flatten();
    }
    let whole = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<f64>().ok()).flatten().filter(|number| *number > 0.0)
    };
    let (n, d) = word.split_once('/').unwrap_or((word, "1"));
    Some(cents_of(whole(n)? / whole(d)?))
}

impl Map {
    /// A keyboard mapping for a tuning of `count` degrees.
    fn read(text: &str, count: i64) -> Result<Self, String> {
        let mut lines = lines(text);
        let mut field = |what: &str| -> Result<(usize, &str), String> {
            let (number, line) = lines.next().ok_or_else(|| format!("the map has no line for {what}"))?;
            Ok((number, line.split_whitespace().next().unwrap_or("")))
        };
        let mut whole = |what: &str, range: std::ops::RangeInclusive<i64>| -> Result<i64, String> {
            let (number, word) = field(what)?;
            let wrong = || {
                let (from, to) = (range.start(), range.end());
                format!(
                    "line {number} of the map is no {what}: {word:?}; it is a whole number from {from} to {to}"
                )
            };
            word.parse().ok().filter(|number| range.contains(number)).ok_or_else(wrong)
        };
        let size = whole("number of its keys", 0..=MAX_DEGREES as i64)?;
        let keys = [whole("first key", -1_000_000..=1_000_000)?, whole("last key", -1_000_000..=1_000_000)?];
        let middle = whole("middle key", -1_000_000..=1_000_000)?;
        let reference = whole("key that has the frequency", -1_000_000..=1_000_000)?;
        let (number, word) = field("the frequency")?;
        let hz = word.parse::<f64>().ok().filter(|hz| hz.is_finite() && *hz > 0.0 && *hz < 1e6);
        let hz = hz.ok_or_else(|| format!("line {number} of the map is no frequency in Hz: {word:?}"))?;
        let (number, word) = field("the degree of its octave")?;
        let octave = word.parse::<i64>().ok().filter(|degree| (0..=1_000_000).contains(degree));
        let octave = octave.ok_or_else(|| format!("line {number} of the map is no degree: {word:?}"))?;
        let mut degrees = Vec::with_capacity(size as usize);
        for _ in 0..size {
            // What is missing at the end is left out.
            let Some((number, line)) = lines.next() else {
                degrees.push(None);
                continue;
            };
            let word = line.split_whitespace().next().unwrap_or("x");
            let degree = word.parse::<i64>().ok().filter(|degree| degree.abs() <= 1_000_000);
            if degree.is_none() && !word.eq_ignore_ascii_case("x") {
                return Err(format!(
                    "line {number} of the map is no degree: {word:?}; a key without one has an x"
                ));
            }
            degrees.push(degree);
        }
        let octave = if size == 0 { count } else { octave };
        Ok(Self { degrees, keys, middle, reference: (reference, hz_to_midi(hz)), octave })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-4
    }

    #[test]
    fn every_name_is_known_and_rises_to_its_period() {
        assert!(KNOWN.iter().map(|(names, _)| names[0]).eq(TUNINGS));
        for (names, _) in KNOWN {
            for name in *names {
                let degrees = named(name).unwrap();
                assert!(degrees[0] > 0.0 && degrees.windows(2).all(|w| w[0] < w[1]), "{name}: {degrees:?}");
            }
        }
        let counts: Vec<usize> = TUNINGS.iter().map(|name| named(name).unwrap().len()).collect();
        assert_eq!(counts, [12, 12, 12, 12, 12, 12, 8, 43, 13, 1, 1, 1]);
    }

    #[test]
    fn what_is_known_of_tunings_holds() {
        let degrees = |name: &str| named(name).unwrap();
        // Twelve pure fifths pass seven octaves by the Pythagorean comma: eight of them up make 6561/4096.
        assert!(close(degrees("pythagorean")[7], cents_of(6561.0 / 4096.0)));
        assert!(close(degrees("pythagorean")[2], cents_of(32.0 / 27.0)));
        // Four fifths of quarter-comma meantone make a pure third.
        assert!(close(degrees("meantone")[3], cents_of(1.25)));
        // The tempered fifths of the well temperaments come round: twelve make seven octaves.
        for name in ["werckmeister", "kirnberger", "vallotti"] {
            let cents = degrees(name);
            let at = |key: usize| if key.is_multiple_of(12) { 0.0 } else { cents[key % 12 - 1] };
            let sum: f64 = (0..12).map(|i| (at(7 * (i + 1)) - at(7 * i)).rem_euclid(1200.0)).sum();
            assert!(close(sum, 8400.0), "{name}: {sum}");
        }
        // Partch's scale is its own mirror image.
        let partch = degrees("partch");
        assert!((0..42).all(|i| close(partch[i] + partch[41 - i], 1200.0)));
        assert!(close(degrees("bohlenPierce")[12], cents_of(3.0)));
        assert!(close(degrees("19edo")[0], 1200.0 / 19.0));
    }

    #[test]
    fn equal_temperament_is_what_keys_have_anyway() {
        let equal = Tuning::read("12edo", None).unwrap();
        for key in [0.0, 45.0, 60.0, 69.0, 127.0, -3.0, 60.5, 59.25] {
            assert_eq!(equal.pitch(key), Some(key));
        }
        let just = Tuning::read("just", None).unwrap();
        assert_eq!(just.pitch(60.0), Some(60.0));
        assert!(close(just.pitch(67.0).unwrap(), 67.019_55));
        assert!(close(just.pitch(55.0).unwrap(), 55.019_55));
        assert!(close(just.pitch(66.5).unwrap(), (65.902_24 + 67.019_55) / 2.0));
        let nineteen = Tuning::read("19EDO", None).unwrap();
        assert!(close(nineteen.pitch(79.0).unwrap(), 72.0) && close(nineteen.pitch(41.0).unwrap(), 48.0));
    }

    const QUINTS: &str =
        "! fifths.scl\n!\nA scale with a comment\n 3\n!\n 9/8   a tone\n  701.955 cents\n2\n";

    #[test]
    fn scala_files_are_read_as_scala_says() {
        assert_eq!(scale(QUINTS).unwrap(), [cents_of(1.125), 701.955, 1200.0]);
        assert_eq!(scale("\n1\n2/1").unwrap(), [1200.0]);
        assert_eq!(scale("d\r\n2\r\n-5.0\r\n1200.\r\n").unwrap(), [-5.0, 1200.0]);
        let tuning = Tuning::read(QUINTS, None).unwrap();
        for (key, pitch) in
            [(60, 60.0), (61, 62.0391), (62, 67.01955), (63, 72.0), (59, 55.01955), (57, 48.0)]
        {
            assert!(close(tuning.pitch(f64::from(key)).unwrap(), pitch), "{key}");
        }
        // The white keys have the degrees, A4 has 432 Hz; keys beyond 100 stay as they are.
        let map = "! white.kbm\n12\n0\n100\n60\n69\n432.0\n7\n0\nx\n1\nx\n2\n3\nx\n4\nx\n5\nx\n6\n";
        let white = Tuning::read("seven\n7\n9/8\n5/4\n4/3\n3/2\n5/3\n15/8\n2/1\n", Some(map)).unwrap();
        let a = hz_to_midi(432.0);
        for (key, pitch) in [(69, a), (81, a + 12.0), (60, a - cents_of(5.0 / 3.0) / 100.0), (101, 101.0)] {
            assert!(close(white.pitch(f64::from(key)).unwrap(), pitch), "{key}");
        }
        assert_eq!((white.pitch(61.0), white.pitch(60.5)), (None, None));
        // Every two keys go on by the first degree, not by the period.
        let narrow = Tuning::read("12edo", Some("2\n0\n127\n60\n60\n261.6255653006\n1\n0\n7")).unwrap();
        for (key, pitch) in [(60, 60.0), (61, 67.0), (62, 61.0), (65, 69.0), (58, 59.0)] {
            assert!(close(narrow.pitch(f64::from(key)).unwrap(), pitch), "{key}");
        }
        // Without keys of its own a map goes on from degree to degree.
        let plain = Tuning::read("19edo", Some("0\n0\n127\n60\n60\n261.6255653006\n19\n")).unwrap();
        assert!(close(plain.pitch(79.0).unwrap(), 72.0));
    }

    #[test]
    fn what_is_no_tuning_is_refused_with_the_line() {
        let map = |map: &'static str| ("12edo", Some(map));
        for ((tuning, map), says) in [
            (("moonlight", None), "unknown tuning \"moonlight\""),
            (("0edo", None), "unknown tuning"),
            (("", None), "unknown tuning"),
            (("a\nb", None), "line 2 of the tuning is no number of degrees: \"b\""),
            (("a\n5000\n", None), "1 to 4096"),
            (("a\n2\n3/2\n", None), "2 degrees, and a line for 1"),
            (("a\n1\n3/0\n", None), "line 3 of the tuning is no pitch: \"3/0\""),
            (("a\n1\n-3/2\n", None), "no pitch"),
            (("a\n1\n1e5.0\n", None), "no pitch"),
            (("a\n1\n1/1\n", None), "above 1/1"),
            (map("x\n"), "line 1 of the map is no number of its keys: \"x\""),
            (map("12\n0\n"), "no line for last key"),
            (map("1\n0\n127\n60\n60\n-1\n1\n0\n"), "line 6 of the map is no frequency in Hz"),
            (map("1\n0\n127\n60\n60\n440\n1\ny\n"), "line 8 of the map is no degree: \"y\""),
            (map("2\n0\n127\n60\n61\n440\n1\n0\nx\n"), "key 61 a frequency, and no degree"),
        ] {
            let error = Tuning::read(tuning, map).unwrap_err();
            assert!(error.contains(says), "{says}: {error}");
        }
    }
}

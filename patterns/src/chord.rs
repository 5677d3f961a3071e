//! In which order the notes of a chord are played.

/// The most notes of one chord.
pub(crate) const MAX_CHORD: usize = 64;

/// How an event of several notes is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Up,
    Down,
    UpDown,
    DownUp,
    /// From the outer notes to the inner ones, the lowest first.
    Converge,
    /// The other way round.
    Diverge,
    /// All together but for their beginnings.
    Rolled,
    RolledDown,
}

impl Order {
    /// The order that a kind of `Split` names; `ply` is none.
    pub fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "up" => Self::Up,
            "down" => Self::Down,
            "updown" => Self::UpDown,
            "downup" => Self::DownUp,
            "converge" => Self::Converge,
            "diverge" => Self::Diverge,
            "rolled" => Self::Rolled,
            "rolled_down" => Self::RolledDown,
            _ => return None,
        })
    }

    /// Do the notes last to the end of the chord?
    pub fn rolls(self) -> bool {
        matches!(self, Self::Rolled | Self::RolledDown)
    }

    /// How many places the order of `count` notes has.
    pub fn places(self, count: usize) -> usize {
        match self {
            // The outer notes once each.
            Self::UpDown | Self::DownUp => count + count.saturating_sub(2),
            _ => count,
        }
    }

    /// Which of `count` notes is at a place.
    pub fn note(self, count: usize, place: usize) -> usize {
        let last = count - 1;
        match self {
            Self::Up | Self::Rolled => place,
            Self::Down | Self::RolledDown => last - place,
            Self::UpDown if place <= last => place,
            Self::UpDown => 2 * last - place,
            Self::DownUp if place <= last => last - place,
            Self::DownUp => place - last,
            Self::Converge if place.is_multiple_of(2) => place / 2,
            Self::Converge => last - place / 2,
            Self::Diverge => Self::Converge.note(count, last - place),
        }
    }
}

/// A chord that is turned over: by how many octaves each of its notes moves, and the notes from the lowest to the highest.
#[derive(Debug)]
pub(crate) struct Turned {
    octaves: [i32; MAX_CHORD],
    order: [u8; MAX_CHORD],
    count: usize,
}

impl Turned {
    /// The lowest note goes up an octave, `by` times over, or for a negative number the highest down. Of notes of one
    /// pitch the first is the lowest and the last the highest.
    pub fn new(pitches: &[f64], by: i32) -> Self {
        let count = pitches.len().min(MAX_CHORD);
        let mut turned = Self { octaves: [0; MAX_CHORD], order: [0; MAX_CHORD], count };
        for _ in 0..by.unsigned_abs() {
            let mut notes = 0..count;
            let Some(mut moves) = notes.next() else { break };
            for note in notes {
                let (pitch, other) = (turned.pitch(pitches, note), turned.pitch(pitches, moves));
                if if by > 0 { pitch < other } else { pitch >= other } {
                    moves = note;
                }
            }
            turned.octaves[moves] += by.signum();
        }
        for note in 0..count {
            let mut at = note;
            while at > 0 && turned.pitch(pitches, turned.order[at - 1] as usize) > turned.pitch(pitches, note)
            {
                turned.order[at] = turned.order[at - 1];
                at -= 1;
            }
            turned.order[at] = note as u8;
        }
        turned
    }

    fn pitch(&self, pitches: &[f64], note: usize) -> f64 {
        pitches[note] + 12.0 * f64::from(self.octaves[note])
    }

    /// The notes with the octaves that they move by, from the lowest to the highest.
    pub fn notes(&self) -> impl Iterator<Item = (usize, i32)> + '_ {
        self.order[..self.count].iter().map(|note| (*note as usize, self.octaves[*note as usize]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(kind: &str, count: usize) -> Vec<usize> {
        let order = Order::of(kind).unwrap();
        (0..order.places(count)).map(|place| order.note(count, place)).collect()
    }

    #[test]
    fn each_kind_goes_through_the_notes_as_its_name_says() {
        for (kind, four, three) in [
            ("up", vec![0, 1, 2, 3], vec![0, 1, 2]),
            ("down", vec![3, 2, 1, 0], vec![2, 1, 0]),
            ("updown", vec![0, 1, 2, 3, 2, 1], vec![0, 1, 2, 1]),
            ("downup", vec![3, 2, 1, 0, 1, 2], vec![2, 1, 0, 1]),
            ("converge", vec![0, 3, 1, 2], vec![0, 2, 1]),
            ("diverge", vec![2, 1, 3, 0], vec![1, 2, 0]),
            ("rolled_down", vec![3, 2, 1, 0], vec![2, 1, 0]),
        ] {
            assert_eq!((order(kind, 4), order(kind, 3)), (four, three), "{kind}");
            assert_eq!((order(kind, 1).len(), order(kind, 2).len()), (1, 2), "{kind}");
        }
    }

    #[test]
    fn a_chord_is_turned_over_note_by_note() {
        let turned =
            |pitches: &[f64], by: i32| -> Vec<(usize, i32)> { Turned::new(pitches, by).notes().collect() };
        assert_eq!(turned(&[67.0, 60.0, 64.0], 0), [(1, 0), (2, 0), (0, 0)]);
        assert_eq!(turned(&[67.0, 60.0, 64.0], 1), [(2, 0), (0, 0), (1, 1)]);
        assert_eq!(turned(&[67.0, 60.0, 64.0], 4), [(2, 1), (0, 1), (1, 2)]);
        assert_eq!(turned(&[67.0, 60.0, 64.0], -1), [(0, -1), (1, 0), (2, 0)]);
        // The lowest note may stay the lowest, and one of two that are the same goes first.
        assert_eq!(turned(&[30.0, 60.0], 2), [(0, 2), (1, 0)]);
        assert_eq!(turned(&[60.0, 60.0], 1), [(1, 0), (0, 1)]);
        assert_eq!(turned(&[60.0, 60.0], -1), [(1, -1), (0, 0)]);
        assert_eq!(turned(&[60.0, 60.0], 2), [(0, 1), (1, 1)]);
        assert_eq!(turned(&[], 3), []);
        assert_eq!(turned(&[7.5], -128), [(0, -128)]);
    }

    #[test]
    fn every_order_plays_each_note_of_any_chord() {
        for kind in crate::SPLIT_KINDS.iter().filter(|kind| **kind != "ply") {
            for count in 1..=MAX_CHORD {
                let met: std::collections::BTreeSet<usize> = order(kind, count).into_iter().collect();
                assert!(met.into_iter().eq(0..count), "{kind} of {count}");
            }
        }
    }
}

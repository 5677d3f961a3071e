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
    fn every_order_plays_each_note_of_any_chord() {
        for kind in crate::SPLIT_KINDS.iter().filter(|kind| **kind != "ply") {
            for count in 1..=MAX_CHORD {
                let met: std::collections::BTreeSet<usize> = order(kind, count).into_iter().collect();
                assert!(met.into_iter().eq(0..count), "{kind} of {count}");
            }
        }
    }
}

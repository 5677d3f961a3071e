//! Numbers that nodes show while they play: a level, an envelope, whatever a type wants to be seen of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// A number that nodes of a type show.
#[derive(Clone, Debug, PartialEq)]
pub struct Bargraph {
    /// Name within the node, as a control's.
    pub name: String,
    /// Unit for display, e.g. `dB`; may be empty.
    pub unit: String,
    /// Least value that it is made for; what is shown may lie beyond.
    pub min: f32,
    /// Largest value that it is made for.
    pub max: f32,
}

/// Where a node's numbers are seen: the audio thread stores, any thread reads. One for a node as long as it lives.
#[derive(Clone, Debug, Default)]
pub struct Shown(Option<Arc<[AtomicU32]>>);

impl Shown {
    /// Room for so many numbers, which are 0 until the node has played.
    pub fn of(count: usize) -> Self {
        Self((count > 0).then(|| (0..count).map(|_| AtomicU32::new(0)).collect()))
    }

    /// How many numbers there are.
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |places| places.len())
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Shows the numbers from `first` on. Realtime-safe: a store for each.
    pub fn store(&self, first: usize, numbers: impl Iterator<Item = f32>) {
        let Some(places) = self.0.as_ref().and_then(|places| places.get(first..)) else { return };
        for (place, number) in places.iter().zip(numbers) {
            place.store(number.to_bits(), Ordering::Relaxed);
        }
    }

    /// What is shown now.
    pub fn read(&self) -> impl Iterator<Item = f32> {
        let places = self.0.as_deref().unwrap_or_default();
        places.iter().map(|place| f32::from_bits(place.load(Ordering::Relaxed)))
    }
}

impl Bargraph {
    /// The number as it can be told: what is infinite is the end of the range, what is no number its beginning.
    pub fn told(&self, number: f32) -> f32 {
        match number {
            number if number.is_finite() => number,
            number if number > 0.0 => self.max,
            _ => self.min,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read_from_its_place_on_and_no_further() {
        let shown = Shown::of(3);
        shown.store(1, [0.5, 7.0, 9.0].into_iter());
        assert_eq!(shown.read().collect::<Vec<_>>(), [0.0, 0.5, 7.0]);
        shown.store(5, [1.0].into_iter());
        assert_eq!((shown.len(), shown.is_empty(), Shown::of(0).is_empty()), (3, false, true));
        assert_eq!(Shown::of(0).read().count(), 0);
    }

    #[test]
    fn what_is_infinite_is_told_as_the_end_of_the_range() {
        let level = Bargraph { name: "level".into(), unit: "dB".into(), min: -60.0, max: 6.0 };
        let told = [f32::NEG_INFINITY, f32::INFINITY, f32::NAN, -80.0].map(|number| level.told(number));
        assert_eq!(told, [-60.0, 6.0, -60.0, -80.0]);
    }
}

//! Which sizes can the window have, and which had it last? A host's own window may be of any size for a moment
//! while it opens, and so may ours inside it: what is smaller than the smallest is never kept, and never asked of
//! the host.

use std::error::Error;
use std::sync::{Mutex, PoisonError};

use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{HostCallbacks, HostMethods, ResizeHint};

/// Size at first, in points.
const FIRST: LogicalSize<f32> = LogicalSize { width: 480.0, height: 620.0 };
const SMALLEST: LogicalSize<f32> = LogicalSize { width: 400.0, height: 460.0 };
const LARGEST: LogicalSize<f32> = LogicalSize { width: 1200.0, height: 1600.0 };
/// Whole pixels at any scale come from points that are off by less.
const ROUNDING: f32 = 1.0;

/// What hosts are told of the sizes that there are.
pub fn hint() -> ResizeHint {
    ResizeHint::resizable().with_min_max_logical_size(Some(SMALLEST), Some(LARGEST))
}

/// Can the window have that size, in points?
pub fn can_be(size: LogicalSize<f32>) -> bool {
    let within = |size: f32, least: f32, most: f32| (least - ROUNDING..=most + ROUNDING).contains(&size);
    within(size.width, SMALLEST.width, LARGEST.width) && within(size.height, SMALLEST.height, LARGEST.height)
}

/// The size nearest to the one that a host asks for, both as the host counts. One that is too small both ways is
/// nobody's wish: the window stays as it is, which is `present`, in points.
pub fn nearest(asked: NativeSize<u32>, present: LogicalSize<f32>, scale: f64) -> NativeSize<u32> {
    let points: LogicalSize<f32> = asked.to_physical(scale).to_logical(scale);
    if points.width < SMALLEST.width - ROUNDING && points.height < SMALLEST.height - ROUNDING {
        return NativeSize::from_size(present.into(), scale);
    }
    hint().adjust_size(asked, asked, scale)
}

/// The size that the window has, or had when it was closed, in points.
pub struct Last(Mutex<LogicalSize<f32>>);

impl Default for Last {
    fn default() -> Self {
        Self(Mutex::new(FIRST))
    }
}

impl Last {
    /// It has that size now. One that it cannot have is somebody's for a moment.
    pub fn keep(&self, size: LogicalSize<f32>) {
        if can_be(size) {
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = size;
        }
    }

    /// The last one that was kept.
    pub fn get(&self) -> LogicalSize<f32> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A host that is asked for sizes that can be, and for no others: those the window gives back.
pub fn guarded(host: HostMethods) -> HostMethods {
    let HostMethods { callbacks, main_thread_caller } = host;
    HostMethods { callbacks: Box::new(Guarded(callbacks)), main_thread_caller }
}

struct Guarded(Box<dyn HostCallbacks>);

impl HostCallbacks for Guarded {
    fn request_resize(&mut self, size: Size, scale: f64) -> Result<(), Box<dyn Error>> {
        if !can_be(size.to_logical(scale)) {
            return Err("smaller or larger than the window can be".into());
        }
        self.0.request_resize(size, scale)
    }

    fn destroyed(&mut self) {
        self.0.destroyed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nice_plug::editor::dpi::PhysicalSize;
    use std::sync::Arc;

    #[test]
    fn what_is_smaller_than_the_smallest_is_never_kept() {
        let last = Last::default();
        for (width, height) in
            [(128.0, 128.0), (0.0, 0.0), (399.0 - 1.0, 620.0), (480.0, 458.0), (5000.0, 620.0)]
        {
            last.keep(LogicalSize::new(width, height));
            assert_eq!(last.get(), FIRST, "{width} x {height}");
        }
        last.keep(LogicalSize::new(700.0, 800.0));
        last.keep(LogicalSize::new(128.0, 128.0));
        assert_eq!(last.get(), LogicalSize::new(700.0, 800.0));
        last.keep(SMALLEST);
        assert_eq!(last.get(), SMALLEST);
    }

    #[test]
    fn what_whole_pixels_make_of_the_smallest_and_the_largest_is_kept() {
        for scale in [1.0, 1.25, 1.5, 1.75, 2.0, 3.0] {
            for size in [SMALLEST, LARGEST] {
                let pixels: PhysicalSize<u32> = size.to_physical(scale);
                assert!(can_be(pixels.to_logical(scale)), "{size:?} {scale}");
            }
            assert!(!can_be(PhysicalSize::new(128, 128).to_logical(scale)));
        }
    }

    #[test]
    fn a_host_that_asks_for_less_than_the_smallest_both_ways_gets_the_present_size() {
        let present = LogicalSize::new(700.0, 800.0);
        let nearest = |width, height, scale| {
            let asked = NativeSize::from_size(Size::Physical(PhysicalSize::new(width, height)), 1.0);
            let size: PhysicalSize<u32> = nearest(asked, present, scale).to_physical(scale);
            (size.width, size.height)
        };
        assert_eq!(nearest(128, 128, 1.0), (700, 800));
        assert_eq!(nearest(128, 128, 2.0), (1400, 1600));
        // Somebody who makes it small one way wants that.
        assert_eq!(nearest(128, 900, 1.0), (400, 900));
        assert_eq!(nearest(900, 128, 1.0), (900, 460));
        assert_eq!(nearest(400, 460, 1.0), (400, 460));
        assert_eq!(nearest(5000, 5000, 1.0), (1200, 1600));
    }

    struct Counts(Arc<Mutex<Vec<Size>>>);

    impl HostCallbacks for Counts {
        fn request_resize(&mut self, size: Size, _scale: f64) -> Result<(), Box<dyn Error>> {
            self.0.lock().unwrap().push(size);
            Ok(())
        }

        fn destroyed(&mut self) {}
    }

    #[test]
    fn a_host_is_asked_for_sizes_that_can_be_and_for_no_others() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut host = Guarded(Box::new(Counts(Arc::clone(&asked))));
        let pixels = |width, height| Size::Physical(PhysicalSize::new(width, height));
        assert!(host.request_resize(pixels(128, 128), 1.0).is_err());
        assert!(host.request_resize(pixels(480, 620), 2.0).is_err(), "too small at that scale");
        assert!(host.request_resize(pixels(960, 1240), 2.0).is_ok());
        assert_eq!(*asked.lock().unwrap(), [pixels(960, 1240)]);
    }
}

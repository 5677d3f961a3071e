//! A linked program at one sample rate: code, shared tables, and the state of a fresh instance.

use crate::back::link::{Compute, Linked};
use crate::error::CompileError;
use crate::interface::Interface;
use crate::object::Object;
use krach_core::processor::denormals::FlushDenormals;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Memory of one instance in lines of a cache's size, so that it is aligned for any vector.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Most bytes of state that all programs of the process have together: a thousand of them with seconds of
/// delay fit, sixteen with as much as one may have do not. Without a bound a handful of nodes with many
/// voices would take all of the machine's memory, and the host with it.
const ALL_STATES: usize = 1 << 30;

/// Bytes of them that may be taken when states are made ahead of their use: the rest is for what plays.
const AHEAD: usize = ALL_STATES / 2;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

/// State of one instance.
pub(crate) struct State(Box<[Line]>);

impl State {
    fn zeroed(bytes: usize) -> Result<Self, CompileError> {
        let lines = Self::taken_by(bytes) / 64;
        Self::take(lines * 64)?;
        Ok(Self(vec![Line([0; 64]); lines].into_boxed_slice()))
    }

    /// Another instance in the same state.
    pub(crate) fn another(&self) -> Result<Self, CompileError> {
        Self::take(self.0.len() * 64)?;
        Ok(Self(self.0.clone()))
    }

    fn take(bytes: usize) -> Result<(), CompileError> {
        let before = TAKEN.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > ALL_STATES {
            TAKEN.fetch_sub(bytes, Ordering::Relaxed);
            return Err(CompileError::TooLarge {
                what: "bytes of delay lines and tables in all programs together",
                size: (before + bytes) as u64,
                limit: ALL_STATES as u64,
            });
        }
        Ok(())
    }

    /// Bytes that an instance of a state of that size takes.
    pub(crate) fn taken_by(bytes: usize) -> usize {
        bytes.div_ceil(64).max(1) * 64
    }

    /// Bytes that may yet be taken ahead of use.
    pub(crate) fn room_ahead() -> usize {
        AHEAD.saturating_sub(TAKEN.load(Ordering::Relaxed))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.len() * 64
    }

    /// Equal to the bit?
    pub(crate) fn same(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a.0 == b.0)
    }

    pub(crate) fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    /// Sets the value at a byte offset that the interface checked, in the program's precision.
    pub(crate) fn set(&mut self, zone: usize, value: f32, double: bool) {
        if double {
            let bytes = f64::from(value).to_ne_bytes();
            // The state is packed: a value may begin in one line and end in the next.
            self.put(zone, &bytes[..4]);
            self.put(zone + 4, &bytes[4..]);
        } else {
            self.put(zone, &value.to_ne_bytes());
        }
    }

    /// The value at a byte offset that the interface checked, in the program's precision.
    pub(crate) fn get(&self, zone: usize, double: bool) -> f32 {
        let [low, high] = [zone, if double { zone + 4 } else { zone }].map(|at| {
            let mut bytes = [0; 4];
            bytes.copy_from_slice(&self.0[at / 64].0[at % 64..at % 64 + 4]);
            u32::from_ne_bytes(bytes)
        });
        match (double, cfg!(target_endian = "big")) {
            (false, _) => f32::from_bits(low),
            (true, false) => f64::from_bits(u64::from(high) << 32 | u64::from(low)) as f32,
            (true, true) => f64::from_bits(u64::from(low) << 32 | u64::from(high)) as f32,
        }
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.0[at / 64].0[at % 64..at % 64 + 4].copy_from_slice(bytes);
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.copy_from_slice(&other.0);
    }
}

impl Drop for State {
    fn drop(&mut self) {
        TAKEN.fetch_sub(self.0.len() * 64, Ordering::Relaxed);
    }
}

/// Code that is ready to run. Its tables are filled once, here, and only read afterwards.
pub(crate) struct Program {
    linked: Linked,
    /// A fresh instance with every control at its default.
    pub(crate) fresh: State,
}

impl Program {
    /// Links `object` and fills its tables for a sample rate.
    pub(crate) fn new(
        object: &Object,
        interface: &Interface,
        sample_rate: i32,
    ) -> Result<Self, CompileError> {
        let linked = Linked::new(&object.code)?;
        let mut fresh = State::zeroed(object.state as usize)?;
        let _flush = FlushDenormals::on();
        // SAFETY: the code is hardened and alive; `fresh` has the size that was measured, and nobody
        // else has this code yet, so that its tables may be written.
        unsafe {
            (linked.class_init)(sample_rate);
            (linked.constants)(fresh.pointer(), sample_rate);
            (linked.clear)(fresh.pointer());
        }
        for widget in &interface.widgets {
            fresh.set(widget.zone, widget.control.default, interface.double);
        }
        Ok(Self { linked, fresh })
    }

    /// Renders frames of one instance.
    ///
    /// # Safety
    /// `state` was made from [`Self::fresh`] of a program of the same layout; the arrays hold a pointer for
    /// each channel of the program, each to `frames` samples of the program's precision, inputs apart from
    /// outputs.
    pub(crate) unsafe fn compute(
        &self,
        state: &mut State,
        frames: i32,
        inputs: *const *const c_void,
        outputs: *const *mut c_void,
    ) {
        let compute: Compute = self.linked.compute;
        // SAFETY: as required above; the code lives as long as `self`.
        unsafe { compute(state.pointer(), frames, inputs, outputs) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_counted_and_given_back_and_more_than_a_gigabyte_is_refused() {
        let before = TAKEN.load(Ordering::Relaxed);
        assert!(State::take(ALL_STATES + 1).is_err());
        assert_eq!(TAKEN.load(Ordering::Relaxed), before, "what is refused is not counted");
        let state = State::zeroed(1 << 20).expect("fits");
        let other = state.another().expect("fits");
        assert_eq!(TAKEN.load(Ordering::Relaxed), before + (2 << 20));
        assert!(State::take(ALL_STATES - (1 << 20)).is_err(), "together they are too many");
        // Ahead of their use only so many are made that as much again can play.
        let ahead = State::room_ahead();
        assert_eq!(ahead, AHEAD - before - (2 << 20));
        State::take(ahead + (1 << 20)).expect("what plays may take more");
        assert_eq!(State::room_ahead(), 0);
        TAKEN.fetch_sub(ahead + (1 << 20), Ordering::Relaxed);
        drop((state, other));
        assert_eq!(TAKEN.load(Ordering::Relaxed), before);
    }
}

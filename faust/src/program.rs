//! A linked program at one sample rate: code, shared tables, and the state of a fresh instance.

use crate::back::link::{Compute, Linked};
use crate::error::CompileError;
use crate::interface::Interface;
use crate::object::Object;
use krach_core::processor::denormals::FlushDenormals;
use std::ffi::c_void;

/// Memory of one instance in lines of a cache's size, so that it is aligned for any vector.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// State of one instance.
#[derive(Clone)]
pub(crate) struct State(Box<[Line]>);

impl State {
    fn zeroed(bytes: usize) -> Self {
        Self(vec![Line([0; 64]); bytes.div_ceil(64).max(1)].into_boxed_slice())
    }

    pub(crate) fn pointer(&mut self) -> *mut c_void {
        self.0.as_mut_ptr().cast()
    }

    /// Sets the value at a byte offset that the interface checked.
    pub(crate) fn set(&mut self, zone: usize, value: f32) {
        let line = &mut self.0[zone / 64].0;
        line[zone % 64..zone % 64 + 4].copy_from_slice(&value.to_ne_bytes());
    }

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.copy_from_slice(&other.0);
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
        let mut fresh = State::zeroed(object.state as usize);
        let _flush = FlushDenormals::on();
        // SAFETY: the code is hardened and alive; `fresh` has the size that was measured, and nobody
        // else has this code yet, so that its tables may be written.
        unsafe {
            (linked.class_init)(sample_rate);
            (linked.constants)(fresh.pointer(), sample_rate);
            (linked.clear)(fresh.pointer());
        }
        for widget in &interface.widgets {
            fresh.set(widget.zone, widget.control.default);
        }
        Ok(Self { linked, fresh })
    }

    /// Renders frames of one instance.
    ///
    /// # Safety
    /// `state` was made from [`Self::fresh`] of a program of the same layout; the arrays hold a pointer for
    /// each channel of the program, each to `frames` samples, inputs apart from outputs.
    pub(crate) unsafe fn compute(
        &self,
        state: &mut State,
        frames: i32,
        inputs: *const *const f32,
        outputs: *const *mut f32,
    ) {
        let compute: Compute = self.linked.compute;
        // SAFETY: as required above; the code lives as long as `self`.
        unsafe { compute(state.pointer(), frames, inputs, outputs) }
    }
}

//! A stream of bytes in memory, as states travel.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;

use vst3::Class;
use vst3::Steinberg::IBStream_::IStreamSeekMode_::{kIBSeekCur, kIBSeekEnd, kIBSeekSet};
use vst3::Steinberg::{IBStream, IBStreamTrait, int32, int64, kInvalidArgument, kResultOk, tresult};

/// Bytes with a place at which the next are read or written.
#[derive(Default)]
pub struct Memory {
    bytes: RefCell<Vec<u8>>,
    at: Cell<usize>,
}

impl Memory {
    /// Stands at the first byte.
    pub fn of(bytes: &[u8]) -> Self {
        Self { bytes: RefCell::new(bytes.to_vec()), at: Cell::new(0) }
    }

    /// All bytes.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl Class for Memory {
    type Interfaces = (IBStream,);
}

impl IBStreamTrait for Memory {
    unsafe fn read(&self, to: *mut c_void, size: int32, read: *mut int32) -> tresult {
        let bytes = self.bytes.borrow();
        let rest = &bytes[self.at.get().min(bytes.len())..];
        let count = rest.len().min(usize::try_from(size).unwrap_or(0));
        // SAFETY: the plugin has room for `size` bytes.
        unsafe { std::ptr::copy_nonoverlapping(rest.as_ptr(), to.cast(), count) };
        self.at.set(self.at.get() + count);
        if !read.is_null() {
            // SAFETY: room for a count.
            unsafe { read.write(count as int32) };
        }
        kResultOk
    }

    unsafe fn write(&self, from: *mut c_void, size: int32, written: *mut int32) -> tresult {
        let count = usize::try_from(size).unwrap_or(0);
        // SAFETY: the plugin has `size` bytes there.
        let new = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), count) };
        let mut bytes = self.bytes.borrow_mut();
        let end = self.at.get() + count;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[self.at.get()..end].copy_from_slice(new);
        self.at.set(end);
        if !written.is_null() {
            // SAFETY: room for a count.
            unsafe { written.write(size) };
        }
        kResultOk
    }

    unsafe fn seek(&self, by: int64, mode: int32, result: *mut int64) -> tresult {
        let from = match mode {
            mode if mode == kIBSeekSet as int32 => 0,
            mode if mode == kIBSeekCur as int32 => self.at.get() as i64,
            mode if mode == kIBSeekEnd as int32 => self.bytes.borrow().len() as i64,
            _ => return kInvalidArgument,
        };
        let Ok(at) = usize::try_from(from + by) else { return kInvalidArgument };
        self.at.set(at);
        if !result.is_null() {
            // SAFETY: room for a position.
            unsafe { result.write(at as int64) };
        }
        kResultOk
    }

    unsafe fn tell(&self, at: *mut int64) -> tresult {
        if at.is_null() {
            return kInvalidArgument;
        }
        // SAFETY: room for a position.
        unsafe { at.write(self.at.get() as int64) };
        kResultOk
    }
}

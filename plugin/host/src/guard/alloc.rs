//! Catches allocation: `malloc` and its relatives, called on a thread that is not to call them.
//!
//! [`interpose_malloc!`](crate::interpose_malloc) defines the family in the executable. The dynamic
//! linker resolves a symbol in the executable first, so libraries that are loaded later call these
//! definitions, provided that the executable exports them (`-rdynamic`). Each counts itself if the
//! present thread is armed and hands over to glibc's own (`__libc_malloc` and so on).

use std::cell::Cell;
use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::stack::{self, Snapshot};

/// Members of the malloc family, as they are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Call {
    /// `malloc`
    Malloc = 1,
    /// `calloc`
    Calloc = 2,
    /// `realloc`
    Realloc = 3,
    /// `free` (of something that is not null)
    Free = 4,
    /// `posix_memalign`, `aligned_alloc`, `memalign`
    Aligned = 5,
}

const NAMES: [&str; 6] = ["", "malloc", "calloc", "realloc", "free", "aligned_alloc"];

static COUNT: AtomicUsize = AtomicUsize::new(0);
static FIRST: AtomicUsize = AtomicUsize::new(0);
static FIRST_SIZE: AtomicUsize = AtomicUsize::new(0);
/// Calls on all threads, armed or not: shows that the interposition is live.
static SEEN: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    // Constant and without a destructor, so that reading it never allocates.
    static ARMED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, allocations on this thread are caught. They still succeed.
pub struct Armed {
    _not_send: PhantomData<*const ()>,
}

impl Armed {
    /// Arms the present thread.
    pub fn new() -> Self {
        ARMED.with(|armed| armed.set(true));
        Self { _not_send: PhantomData }
    }
}

impl Default for Armed {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Armed {
    fn drop(&mut self) {
        ARMED.with(|armed| armed.set(false));
    }
}

static STACK: Snapshot = Snapshot::new();

/// What was caught, on all armed threads together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caught {
    /// How many calls.
    pub calls: usize,
    /// The first one's function, or "".
    pub first: &'static str,
    /// The first one's size in bytes; 0 for `free`.
    pub first_size: usize,
    /// Code on the stack of the first one's caller, innermost first.
    pub callers: Vec<String>,
}

/// How many calls were caught since the last [`take`]. Takes no time and allocates nothing.
pub fn count() -> usize {
    COUNT.load(Ordering::Acquire)
}

/// Takes what was caught since the last time.
pub fn take() -> Caught {
    let callers = if count() > 0 { STACK.describe() } else { Vec::new() };
    let first = FIRST.swap(0, Ordering::AcqRel);
    Caught {
        calls: COUNT.swap(0, Ordering::AcqRel),
        first: NAMES.get(first).copied().unwrap_or(""),
        first_size: FIRST_SIZE.swap(0, Ordering::AcqRel),
        callers,
    }
}

/// Whether this program's allocations come by here at all.
pub fn is_live() -> bool {
    let before = SEEN.load(Ordering::Acquire);
    drop(std::hint::black_box(Box::new([0_u8; 64])));
    SEEN.load(Ordering::Acquire) > before
}

/// Counts one call; for the functions that [`interpose_malloc!`](crate::interpose_malloc) defines.
/// Neither allocates nor panics, also while the thread is being torn down.
pub fn note(call: Call, size: usize) {
    SEEN.fetch_add(1, Ordering::Relaxed);
    let armed = ARMED.try_with(Cell::get).unwrap_or(false);
    if armed && COUNT.fetch_add(1, Ordering::AcqRel) == 0 {
        FIRST.store(call as usize, Ordering::Release);
        FIRST_SIZE.store(size, Ordering::Release);
        STACK.copy_from(stack::pointer());
    }
}

unsafe extern "C" {
    #[doc(hidden)]
    pub fn __libc_malloc(size: usize) -> *mut c_void;
    #[doc(hidden)]
    pub fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    #[doc(hidden)]
    pub fn __libc_realloc(pointer: *mut c_void, size: usize) -> *mut c_void;
    #[doc(hidden)]
    pub fn __libc_free(pointer: *mut c_void);
    #[doc(hidden)]
    pub fn __libc_memalign(alignment: usize, size: usize) -> *mut c_void;
}

/// Defines the malloc family in a test program, so that [`guard::alloc`](crate::guard::alloc) sees
/// every call. Once per program, at the top of the test file; Linux with glibc only.
#[macro_export]
macro_rules! interpose_malloc {
    () => {
        mod interposed_malloc {
            use std::ffi::{c_int, c_void};

            use $crate::guard::alloc::{self, Call};

            #[unsafe(no_mangle)]
            extern "C" fn malloc(size: usize) -> *mut c_void {
                alloc::note(Call::Malloc, size);
                // SAFETY: glibc's own malloc, with the caller's argument.
                unsafe { alloc::__libc_malloc(size) }
            }

            #[unsafe(no_mangle)]
            extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
                alloc::note(Call::Calloc, count.saturating_mul(size));
                // SAFETY: glibc's own calloc, with the caller's arguments.
                unsafe { alloc::__libc_calloc(count, size) }
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn realloc(pointer: *mut c_void, size: usize) -> *mut c_void {
                alloc::note(Call::Realloc, size);
                // SAFETY: the caller vouches for the pointer; all of them come from glibc.
                unsafe { alloc::__libc_realloc(pointer, size) }
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn free(pointer: *mut c_void) {
                if !pointer.is_null() {
                    alloc::note(Call::Free, 0);
                    // SAFETY: the caller vouches for the pointer; all of them come from glibc.
                    unsafe { alloc::__libc_free(pointer) }
                }
            }

            #[unsafe(no_mangle)]
            extern "C" fn memalign(alignment: usize, size: usize) -> *mut c_void {
                alloc::note(Call::Aligned, size);
                // SAFETY: glibc's own memalign, with the caller's arguments.
                unsafe { alloc::__libc_memalign(alignment, size) }
            }

            #[unsafe(no_mangle)]
            extern "C" fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
                memalign(alignment, size)
            }

            #[unsafe(no_mangle)]
            unsafe extern "C" fn posix_memalign(
                out: *mut *mut c_void,
                alignment: usize,
                size: usize,
            ) -> c_int {
                const EINVAL: c_int = 22;
                const ENOMEM: c_int = 12;
                if !alignment.is_power_of_two() || alignment % size_of::<*mut c_void>() != 0 {
                    return EINVAL;
                }
                let pointer = memalign(alignment, size);
                if pointer.is_null() {
                    return ENOMEM;
                }
                // SAFETY: the caller hands over a place for the result.
                unsafe { out.write(pointer) };
                0
            }
        }
    };
}

//! Who was it: the code addresses on the stack of the caller that was caught.

use std::ffi::CStr;
use std::sync::atomic::{AtomicUsize, Ordering};

const WORDS: usize = 384;

/// The top of a stack, copied by a thread that may do nothing but store words.
pub(super) struct Snapshot {
    words: [AtomicUsize; WORDS],
}

impl Snapshot {
    pub(super) const fn new() -> Self {
        Self { words: [const { AtomicUsize::new(0) }; WORDS] }
    }

    /// Copies what lies above `from`, an address in the present thread's stack frame.
    pub(super) fn copy_from(&self, from: *const usize) {
        for (index, word) in self.words.iter().enumerate() {
            // SAFETY: the stack of a thread that runs plugin code is deeper than these three
            // kilobytes above its innermost frame (the start of the thread alone takes more), so
            // the words are mapped and belong to this thread.
            let value = unsafe { from.add(index).read_volatile() };
            word.store(value, Ordering::Release);
        }
    }

    /// The addresses that lie in code of a loaded library, innermost first, as
    /// `library+offset (symbol)`. Some may be left over from calls that had ended.
    pub(super) fn describe(&self) -> Vec<String> {
        let words = self.words.iter().map(|word| word.load(Ordering::Acquire));
        let mut lines: Vec<String> = words.filter_map(code_at).collect();
        lines.dedup();
        lines.truncate(24);
        lines
    }
}

/// The present stack pointer. Not the address of a local variable: reading past that one is not
/// something the compiler allows.
#[inline(always)]
pub(super) fn pointer() -> *const usize {
    let address: usize;
    // SAFETY: copies a register and touches nothing else.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        std::arch::asm!("mov {}, rsp", out(reg) address, options(nomem, nostack, preserves_flags));
        #[cfg(target_arch = "aarch64")]
        std::arch::asm!("mov {}, sp", out(reg) address, options(nomem, nostack, preserves_flags));
    }
    std::ptr::with_exposed_provenance(address)
}

fn code_at(address: usize) -> Option<String> {
    if address < 0x1000 {
        return None;
    }
    // SAFETY: an all-zero Dl_info is valid, and dladdr only looks the address up.
    let (found, info) = unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        (libc::dladdr(address as *const libc::c_void, &mut info), info)
    };
    if found == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dladdr found a library, whose name stays valid while it is loaded.
    let library = unsafe { CStr::from_ptr(info.dli_fname) }.to_string_lossy();
    let library = library.rsplit('/').next().unwrap_or_default().to_owned();
    let offset = address - info.dli_fbase as usize;
    if info.dli_sname.is_null() {
        return Some(format!("{library}+{offset:#x}"));
    }
    // SAFETY: as above, for the symbol's name.
    let symbol = unsafe { CStr::from_ptr(info.dli_sname) }.to_string_lossy();
    Some(format!("{library}+{offset:#x} ({symbol})"))
}

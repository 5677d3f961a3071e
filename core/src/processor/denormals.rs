//! Flushes denormals to zero for as long as a guard lives, then restores the caller's mode.

/// Restores the floating-point mode when dropped.
pub struct FlushDenormals {
    before: u64,
}

#[cfg(target_arch = "x86_64")]
mod mode {
    use std::arch::asm;

    /// Flush-to-zero and denormals-are-zero.
    pub const FLUSH: u64 = 0x8040;

    pub fn get() -> u64 {
        let mut mxcsr = 0u32;
        // SAFETY: stmxcsr writes four bytes to the address given.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack, preserves_flags)) };
        u64::from(mxcsr)
    }

    pub fn set(mode: u64) {
        let mxcsr = mode as u32;
        // SAFETY: ldmxcsr reads four bytes; only the flush bits differ from a valid mode, and
        // flushing changes no result that this crate relies on.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const mxcsr, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod mode {
    use std::arch::asm;

    /// FPCR.FZ.
    pub const FLUSH: u64 = 1 << 24;

    pub fn get() -> u64 {
        let fpcr: u64;
        // SAFETY: reads a control register.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack, preserves_flags)) };
        fpcr
    }

    pub fn set(mode: u64) {
        // SAFETY: only the flush bit differs from a valid mode.
        unsafe { asm!("msr fpcr, {}", in(reg) mode, options(nomem, nostack, preserves_flags)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod mode {
    pub const FLUSH: u64 = 0;

    pub fn get() -> u64 {
        0
    }

    pub fn set(_: u64) {}
}

impl FlushDenormals {
    /// Switches flushing on.
    pub fn on() -> Self {
        let before = mode::get();
        mode::set(before | mode::FLUSH);
        Self { before }
    }
}

impl Drop for FlushDenormals {
    fn drop(&mut self) {
        mode::set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::FlushDenormals;
    use std::hint::black_box;

    #[test]
    fn denormals_vanish_while_the_guard_lives_and_come_back_after() {
        let tiny = black_box(f32::MIN_POSITIVE);
        {
            let _guard = FlushDenormals::on();
            if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
                assert_eq!(black_box(tiny * black_box(0.5)), 0.0);
            }
        }
        assert!(black_box(tiny * black_box(0.5)) > 0.0);
    }
}

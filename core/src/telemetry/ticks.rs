//! A clock for the audio thread: the processor's own counter, read by one instruction. No call into the
//! system, not even one that is usually none (docs/decisions/0020).

/// The counter now. Its rate is constant but unknown: measured by the reader's side.
#[cfg(target_arch = "x86_64")]
pub fn now() -> u64 {
    // SAFETY: every x86-64 has the instruction, and user space may use it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// The counter now. Its rate is constant but unknown: measured by the reader's side.
#[cfg(target_arch = "aarch64")]
pub fn now() -> u64 {
    let ticks: u64;
    // SAFETY: reads the virtual counter, which user space may.
    unsafe {
        core::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack, preserves_flags))
    };
    ticks
}

/// The counter now, in nanoseconds since the first call.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
pub fn now() -> u64 {
    use std::sync::OnceLock;
    use std::time::Instant;
    static FIRST: OnceLock<Instant> = OnceLock::new();
    FIRST.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

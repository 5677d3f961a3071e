//! How large a program may be.

use crate::error::CompileError;

/// Most that a program may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of bitcode. That of the largest of FAUST's own examples is about a megabyte.
    pub bitcode: u64,
    /// Instructions before optimisation. The largest of FAUST's own examples has about 60 000.
    pub instructions: u64,
    /// Instructions above which a program is not optimised: LLVM's scheduler takes time by the square of a
    /// block's length: at 33 000 instructions 1.6 s of CPU time, at 65 000 about 4 s, at 130 000 about 14 s.
    pub optimised_instructions: u64,
    /// Instructions of one block above which a program is not optimised.
    pub optimised_block: u64,
    /// Bytes of state of one instance: delay lines and tables that are written.
    pub state: u64,
    /// Bytes of tables that all instances share.
    pub tables: u64,
    /// Bytes that one call may take from the stack, registers that it spills included.
    pub stack: u64,
    /// Channels on one side.
    pub channels: u64,
    /// Controls.
    pub controls: u64,
    /// Steps that filling its tables takes, which nothing can interrupt: instructions times entries,
    /// a call of a maths function counting as 20.
    pub filling_steps: u64,
    /// Steps that one frame takes.
    pub frame_steps: u64,
}

impl Default for Budget {
    /// 64 MiB of state are 5.8 minutes of delay at 48 kHz: far more than music asks of one node,
    /// far less than what brings a host down. A thousand million steps are a second or two.
    fn default() -> Self {
        Self {
            bitcode: 16 << 20,
            instructions: 200_000,
            optimised_instructions: 65_000,
            optimised_block: 40_000,
            state: 64 << 20,
            tables: 64 << 20,
            stack: 256 << 10,
            channels: 64,
            controls: 4096,
            filling_steps: 1_000_000_000,
            frame_steps: 1_000_000,
        }
    }
}

/// The size, or the error that it is over its limit.
pub(crate) fn within(what: &'static str, size: u64, limit: u64) -> Result<u64, CompileError> {
    if size > limit { Err(CompileError::TooLarge { what, size, limit }) } else { Ok(size) }
}

//! How large a program may be: measured on the module before anything is compiled or allocated, since an
//! LLVM pass cannot be interrupted, nor can a program that fills its tables.

use super::llvm::{blocks, constant, functions, globals, instructions, name, operands};
use super::shape::{Shape, strange};
use super::work;
use crate::error::CompileError;
use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::{LLVMABISizeOfType, LLVMTargetDataRef};

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

/// What a call of a maths function counts as.
pub(super) const CALL_STEPS: u64 = 20;

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

/// What the module turned out to need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) instructions: u64,
    pub(super) largest_block: u64,
    pub(super) state: u64,
}

impl Budget {
    pub(super) fn allows_optimising(&self, needs: &Needs) -> bool {
        needs.instructions <= self.optimised_instructions && needs.largest_block <= self.optimised_block
    }
}

pub(crate) fn within(what: &'static str, size: u64, limit: u64) -> Result<u64, CompileError> {
    if size > limit { Err(CompileError::TooLarge { what, size, limit }) } else { Ok(size) }
}

/// Checks the shape of a verified module, and measures it.
pub(super) fn measure(shape: &Shape, budget: &Budget) -> Result<Needs, CompileError> {
    let (module, layout, state) = (shape.module, shape.layout, shape.state);
    let mut needs = Needs::default();
    // SAFETY: the module, its context and its layout are alive, and the values come from walking it;
    // each query is made on the kind of value that it is for.
    unsafe {
        if state.is_null() || LLVMTypeIsSized(state) == 0 {
            return Err(strange("its state has no shape"));
        }
        shape.check()?;
        needs.state = within(
            "bytes of delay lines and tables per instance",
            LLVMABISizeOfType(layout, state),
            budget.state,
        )?;
        let mut tables = 0u64;
        for global in globals(module) {
            tables = tables.saturating_add(LLVMABISizeOfType(layout, LLVMGlobalGetValueType(global)));
            within("bytes of tables", tables, budget.tables)?;
        }
    }
    for function in functions(module) {
        // SAFETY: as above.
        if unsafe { LLVMIsDeclaration(function) } != 0 {
            continue;
        }
        let mut taken = 0u64;
        for block in blocks(function) {
            let all = instructions(block);
            needs.largest_block = needs.largest_block.max(all.len() as u64);
            needs.instructions += all.len() as u64;
            within("instructions", needs.instructions, budget.instructions)?;
            for instruction in all {
                taken = taken.saturating_add(stack(instruction, layout)?);
                within("bytes on the stack", taken, budget.stack)?;
                within("bytes to fill a table", asked(instruction)?, budget.tables)?;
            }
        }
    }
    let steps = work::steps(module)?;
    within("steps to fill its tables", steps.filling, budget.filling_steps)?;
    within("steps per frame", steps.frame, budget.frame_steps)?;
    Ok(needs)
}

/// Bytes that an `alloca` takes from the stack.
fn stack(instruction: LLVMValueRef, layout: LLVMTargetDataRef) -> Result<u64, CompileError> {
    // SAFETY: as in `measure`.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMAlloca {
            return Ok(0);
        }
        let count = constant(LLVMGetOperand(instruction, 0))
            .and_then(|count| u64::try_from(count).ok())
            .ok_or_else(|| strange("it takes a changing amount of stack"))?;
        Ok(LLVMABISizeOfType(layout, LLVMGetAllocatedType(instruction)).saturating_mul(count))
    }
}

/// Bytes that a call of `calloc` asks for.
fn asked(instruction: LLVMValueRef) -> Result<u64, CompileError> {
    // SAFETY: as in `measure`.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMCall
            || name(LLVMGetCalledValue(instruction)) != "calloc"
        {
            return Ok(0);
        }
    }
    let parts: Vec<Option<u64>> = operands(instruction)
        .iter()
        .take(2)
        .map(|&size| constant(size).and_then(|size| u64::try_from(size).ok()))
        .collect();
    match parts[..] {
        [Some(count), Some(size)] => Ok(count.saturating_mul(size)),
        _ => Err(strange("it asks for memory of unknown size")),
    }
}

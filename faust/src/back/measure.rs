//! How large a program is: measured on the module before anything is compiled or allocated, since an
//! LLVM pass cannot be interrupted, nor can a program that fills its tables.

use super::llvm::{blocks, constant, functions, globals, instructions, name, operands};
use super::shape::Shape;
use super::work;
use crate::budget::{Budget, within};
use crate::error::{CompileError, strange};
use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::{LLVMABISizeOfType, LLVMTargetDataRef};

/// What the module turned out to need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) instructions: u64,
    pub(super) largest_block: u64,
    pub(super) state: u64,
}

impl Needs {
    /// Counts the instructions of a module.
    pub(super) fn count(&mut self, module: LLVMModuleRef, budget: &Budget) -> Result<(), CompileError> {
        for block in functions(module).into_iter().flat_map(blocks) {
            let count = instructions(block).len() as u64;
            self.largest_block = self.largest_block.max(count);
            self.instructions = within("instructions", self.instructions + count, budget.instructions)?;
        }
        Ok(())
    }

    /// Is it small enough to be optimised?
    pub(super) fn can_be_optimised(&self, budget: &Budget) -> bool {
        self.instructions <= budget.optimised_instructions && self.largest_block <= budget.optimised_block
    }
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

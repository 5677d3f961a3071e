//! How large a program may be, and that it consists only of what FAUST makes: measured on the module
//! before anything is compiled or allocated, since an LLVM pass cannot be interrupted.

use super::llvm::{blocks, c, constant, functions, globals, instructions, name, operands};
use super::maths;
use crate::error::CompileError;
use crate::front::flags::CLASS;
use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::{LLVMABISizeOfType, LLVMTargetDataRef};

/// Most that a program may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Instructions before optimisation. The largest of FAUST's own examples has about 60 000.
    pub instructions: u64,
    /// Instructions above which a program is not optimised: some passes take time by the square.
    pub optimised_instructions: u64,
    /// Instructions of one block above which a program is not optimised.
    pub optimised_block: u64,
    /// Bytes of state of one instance: delay lines and tables that are written.
    pub state: u64,
    /// Bytes of tables that all instances share.
    pub tables: u64,
    /// Bytes that one call may take from the stack.
    pub stack: u64,
    /// Channels on one side.
    pub channels: u64,
}

impl Default for Budget {
    /// 64 MiB of state are 5.8 minutes of delay at 48 kHz: far more than music asks of one node,
    /// far less than what brings a host down.
    fn default() -> Self {
        Self {
            instructions: 400_000,
            optimised_instructions: 150_000,
            optimised_block: 100_000,
            state: 64 << 20,
            tables: 64 << 20,
            stack: 256 << 10,
            channels: 64,
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

pub(super) fn within(what: &'static str, size: u64, limit: u64) -> Result<u64, CompileError> {
    if size > limit { Err(CompileError::TooLarge { what, size, limit }) } else { Ok(size) }
}

fn strange(what: impl Into<String>) -> CompileError {
    CompileError::Code(what.into())
}

/// Measures a verified module.
pub(super) fn measure(
    context: LLVMContextRef,
    module: LLVMModuleRef,
    layout: LLVMTargetDataRef,
    budget: &Budget,
) -> Result<Needs, CompileError> {
    let mut needs = Needs::default();
    // SAFETY: the module, its context and its layout are alive, and the values come from walking it;
    // each query is made on the kind of value that it is for.
    unsafe {
        let mut length = 0;
        LLVMGetModuleInlineAsm(module, &raw mut length);
        if length != 0
            || !LLVMGetFirstGlobalAlias(module).is_null()
            || !LLVMGetFirstGlobalIFunc(module).is_null()
        {
            return Err(strange("it holds assembler or aliases"));
        }
        let state = LLVMGetTypeByName2(context, c(&format!("struct.dsp{CLASS}")).as_ptr());
        if state.is_null() || LLVMTypeIsSized(state) == 0 {
            return Err(strange("its state has no shape"));
        }
        needs.state = within(
            "bytes of delay lines and tables per instance",
            LLVMABISizeOfType(layout, state),
            budget.state,
        )?;
        let mut tables = 0u64;
        for global in globals(module) {
            if LLVMIsDeclaration(global) != 0
                || LLVMIsThreadLocal(global) != 0
                || name(global).starts_with("llvm.")
            {
                return Err(strange(format!("it refers to {}", name(global))));
            }
            tables = tables.saturating_add(LLVMABISizeOfType(layout, LLVMGlobalGetValueType(global)));
            within("bytes of tables", tables, budget.tables)?;
        }
    }
    for function in functions(module) {
        // SAFETY: as above.
        if unsafe { LLVMIsDeclaration(function) } != 0 {
            may_be_declared(function)?;
            continue;
        }
        let mut stack = 0u64;
        for block in blocks(function) {
            let all = instructions(block);
            needs.largest_block = needs.largest_block.max(all.len() as u64);
            needs.instructions += all.len() as u64;
            within("instructions", needs.instructions, budget.instructions)?;
            for instruction in all {
                stack = stack.saturating_add(check(instruction, layout, budget)?);
                within("bytes on the stack", stack, budget.stack)?;
            }
        }
    }
    for function in functions(module) {
        if name(function) == format!("compute{CLASS}") {
            check_rendering(function, false)?;
        }
    }
    Ok(needs)
}

/// Intrinsics that are kept or lowered beside those of [`maths`].
pub(super) const PLAIN_INTRINSICS: &[&str] = &[
    "llvm.minnum.f32",
    "llvm.maxnum.f32",
    "llvm.fabs.f32",
    "llvm.floor.f32",
    "llvm.ceil.f32",
    "llvm.rint.f32",
    "llvm.sqrt.f32",
    "llvm.copysign.f32",
    "llvm.abs.i32",
    "llvm.smax.i32",
    "llvm.smin.i32",
];

fn may_be_declared(function: LLVMValueRef) -> Result<(), CompileError> {
    let name = name(function);
    if PLAIN_INTRINSICS.contains(&name.as_str()) || maths::lowering(&name).is_some() {
        return Ok(());
    }
    Err(strange(format!("it calls {name}, which programs may not (is -single the precision?)")))
}

/// Rendering must neither allocate nor recurse: `compute` calls maths, and helpers (FAUST makes one per
/// small integer power) that call nothing but maths.
fn check_rendering(compute: LLVMValueRef, is_helper: bool) -> Result<(), CompileError> {
    for instruction in blocks(compute).into_iter().flat_map(instructions) {
        // SAFETY: as in `measure`.
        unsafe {
            if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMCall {
                continue;
            }
            // `check` has seen that it is a function.
            let callee = LLVMGetCalledValue(instruction);
            let name = name(callee);
            let defined = LLVMIsDeclaration(callee) == 0;
            if matches!(name.as_str(), "calloc" | "free") || (defined && is_helper) {
                return Err(strange(format!("it calls {name} while it renders")));
            }
            if defined {
                check_rendering(callee, true)?;
            }
        }
    }
    Ok(())
}

/// Refuses what FAUST never makes; answers with the bytes that an `alloca` takes.
fn check(instruction: LLVMValueRef, layout: LLVMTargetDataRef, budget: &Budget) -> Result<u64, CompileError> {
    use LLVMOpcode::*;
    // SAFETY: as in `measure`.
    unsafe {
        let opcode = LLVMGetInstructionOpcode(instruction);
        match opcode {
            LLVMRet | LLVMBr | LLVMSwitch | LLVMFNeg | LLVMAdd | LLVMFAdd | LLVMSub | LLVMFSub | LLVMMul
            | LLVMFMul | LLVMUDiv | LLVMSDiv | LLVMFDiv | LLVMURem | LLVMSRem | LLVMFRem | LLVMShl
            | LLVMLShr | LLVMAShr | LLVMAnd | LLVMOr | LLVMXor | LLVMLoad | LLVMStore | LLVMGetElementPtr
            | LLVMTrunc | LLVMZExt | LLVMSExt | LLVMFPToUI | LLVMFPToSI | LLVMUIToFP | LLVMSIToFP
            | LLVMFPTrunc | LLVMFPExt | LLVMBitCast | LLVMICmp | LLVMFCmp | LLVMPHI | LLVMSelect => {}
            LLVMCall => {
                let callee = LLVMGetCalledValue(instruction);
                if LLVMIsAFunction(callee).is_null() {
                    return Err(strange("it calls what is not a function"));
                }
                if name(callee) == "calloc" {
                    let parts: Option<Vec<i64>> =
                        operands(instruction)[..2].iter().map(|&size| constant(size)).collect();
                    let [count, size] = parts.as_deref().unwrap_or_default() else {
                        return Err(strange("it asks for memory of unknown size"));
                    };
                    let bytes = u64::try_from(*count)
                        .ok()
                        .zip(u64::try_from(*size).ok())
                        .and_then(|(count, size)| count.checked_mul(size))
                        .unwrap_or(u64::MAX);
                    within("bytes to fill a table", bytes, budget.tables)?;
                }
            }
            LLVMAlloca => {
                let count = constant(LLVMGetOperand(instruction, 0))
                    .and_then(|count| u64::try_from(count).ok())
                    .ok_or_else(|| strange("it takes a changing amount of stack"))?;
                let size = LLVMABISizeOfType(layout, LLVMGetAllocatedType(instruction));
                return Ok(size.saturating_mul(count));
            }
            _ => return Err(strange(format!("it holds {opcode:?}"))),
        }
        for operand in operands(instruction) {
            if !LLVMIsAConstantExpr(operand).is_null() {
                let opcode = LLVMGetConstOpcode(operand);
                if !matches!(opcode, LLVMGetElementPtr | LLVMBitCast) {
                    return Err(strange(format!("it holds a constant {opcode:?}")));
                }
            }
        }
    }
    Ok(0)
}

//! How long a program can run: every loop that FAUST writes counts to a number that is known before.
//!
//! A loop's head compares its counter with a constant, or with the `count` that the function is
//! called with. Blocks stand in the order of the text, so that a jump backwards ends a loop.

use super::llvm::{blocks, constant, functions, instructions, name, operands, uses};
use crate::error::{CompileError, strange};
use crate::front::flags::CLASS;
use llvm_sys::LLVMOpcode;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use std::collections::HashMap;

/// What a call of a maths function counts as.
const CALL_STEPS: u64 = 20;

/// Steps of a program, counted high: what stands after a loop may count as if it were in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Steps {
    /// Before the first frame: tables, constants, clearing.
    pub(super) filling: u64,
    /// For every frame.
    pub(super) frame: u64,
}

/// Counts the steps of a module in which calls end (none calls itself).
pub(super) fn steps(module: LLVMModuleRef) -> Result<Steps, CompileError> {
    let mut known = HashMap::new();
    let mut steps = Steps::default();
    for function in functions(module) {
        // SAFETY: see `of`.
        if unsafe { LLVMIsDeclaration(function) } != 0 {
            continue;
        }
        let name = name(function);
        if name == format!("compute{CLASS}") {
            steps.frame = of(function, 1, &mut known)?;
        } else if ["classInit", "instanceConstants", "instanceClear"].contains(&name.trim_end_matches(CLASS))
        {
            steps.filling = steps.filling.saturating_add(of(function, 1, &mut known)?);
        }
    }
    Ok(steps)
}

/// Steps of one call of a function, whose `count`, if it has one, is this.
fn of(
    function: LLVMValueRef,
    count: u64,
    known: &mut HashMap<(LLVMValueRef, u64), u64>,
) -> Result<u64, CompileError> {
    if let Some(steps) = known.get(&(function, count)) {
        return Ok(*steps);
    }
    let all = blocks(function);
    let place: HashMap<LLVMBasicBlockRef, usize> = all.iter().copied().zip(0..).collect();
    let mut times = vec![1u64; all.len()];
    for (end, &block) in all.iter().enumerate() {
        // SAFETY: this holds for all blocks of this file. The function is alive, values come from walking it, and
        // each query is made on the kind of value that it is for.
        let targets: Vec<LLVMBasicBlockRef> = unsafe {
            let last = LLVMGetBasicBlockTerminator(block);
            (0..LLVMGetNumSuccessors(last)).map(|at| LLVMGetSuccessor(last, at)).collect()
        };
        for head in targets.into_iter().filter_map(|target| place.get(&target).copied()) {
            if head <= end {
                let turns = turns(function, all[head], count)?;
                for times in &mut times[head..=end] {
                    *times = times.saturating_mul(turns);
                }
            }
        }
    }
    let mut steps = 0u64;
    for (&block, times) in all.iter().zip(times) {
        for instruction in instructions(block) {
            steps = steps.saturating_add(times.saturating_mul(weight(instruction, known)?));
        }
    }
    known.insert((function, count), steps);
    Ok(steps)
}

fn weight(
    instruction: LLVMValueRef,
    known: &mut HashMap<(LLVMValueRef, u64), u64>,
) -> Result<u64, CompileError> {
    // SAFETY: see `of`.
    unsafe {
        if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMCall {
            return Ok(1);
        }
        let callee = LLVMGetCalledValue(instruction);
        if LLVMIsDeclaration(callee) != 0 {
            return Ok(if name(callee).starts_with("llvm.m") { 1 } else { CALL_STEPS });
        }
        let count = operands(instruction).get(1).and_then(|&count| constant(count)).unwrap_or(1);
        of(callee, u64::try_from(count).unwrap_or(1), known)
    }
}

/// How often a loop with this head turns at most.
fn turns(function: LLVMValueRef, head: LLVMBasicBlockRef, count: u64) -> Result<u64, CompileError> {
    let mut most = None;
    for compare in instructions(head) {
        // SAFETY: see `of`.
        unsafe {
            if LLVMGetInstructionOpcode(compare) != LLVMOpcode::LLVMICmp {
                continue;
            }
            let sides = operands(compare);
            let Some(counter) = sides.iter().copied().find(|&side| is_counter(side)) else { continue };
            let bound = sides.iter().find_map(|&side| match constant(side) {
                Some(bound) => Some(bound.unsigned_abs()),
                None => {
                    (!LLVMIsAArgument(side).is_null() && side == LLVMGetParam(function, 1)).then_some(count)
                }
            });
            let Some(bound) = bound else { continue };
            // Where it counts down, the number is where it starts.
            let turns = bound.max(start(counter)).max(1);
            most = Some(most.map_or(turns, |most: u64| most.max(turns)));
        }
    }
    most.ok_or_else(|| strange("it holds a loop without an end that is known"))
}

fn is_counter(value: LLVMValueRef) -> bool {
    // SAFETY: see `of`.
    unsafe {
        !LLVMIsAPHINode(value).is_null()
            || (!LLVMIsALoadInst(value).is_null() && !LLVMIsAAllocaInst(LLVMGetOperand(value, 0)).is_null())
    }
}

/// The largest constant that a counter is set to.
fn start(counter: LLVMValueRef) -> u64 {
    // SAFETY: see `of`.
    unsafe {
        let set: Vec<LLVMValueRef> = if LLVMIsAPHINode(counter).is_null() {
            uses(LLVMGetOperand(counter, 0))
                .into_iter()
                .map(|used| LLVMGetUser(used))
                .filter(|&user| LLVMGetInstructionOpcode(user) == LLVMOpcode::LLVMStore)
                .map(|store| LLVMGetOperand(store, 0))
                .collect()
        } else {
            (0..LLVMCountIncoming(counter)).map(|at| LLVMGetIncomingValue(counter, at)).collect()
        };
        set.into_iter().filter_map(constant).map(i64::unsigned_abs).max().unwrap_or(0)
    }
}

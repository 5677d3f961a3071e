//! `Program` → LLVM: what the compiler of our own makes of a text becomes the same kind of object as FAUST's bitcode.
//!
//! Nothing has to be made safe afterwards: arithmetic has no flags, an index is held inside before it is used, a division has an
//! answer for 0. What stands in the state is at an offset that is known here ([`places`]); small state is in registers
//! while a block is rendered. Operations mean what the interpreter of `krach-faust-lang` does with them.

mod build;
mod frames;
mod functions;
mod places;
mod steps;

use super::emit::{Checked, machine, prepare, verify};
use super::llvm::{Context, Module};
use super::measure::Needs;
use crate::budget::{Budget, within};
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use krach_faust_lang::Precision;
use krach_faust_lang::prim::Prim;
use krach_faust_lang::program::{Content, Op, Program};
use krach_faust_lang::types::Nature;
use llvm_sys::core::*;

/// Steps that a call of a maths function counts.
const CALL: u64 = 20;

fn cost(op: &Op) -> u64 {
    use Prim::{Abs, Atan2, Ceil, Float, Floor, Fmod, Int, Mod, Pow, Remainder, Rint, Sqrt};
    match op {
        Op::Unary(Int | Float | Abs | Ceil | Floor | Rint | Sqrt, _) => 1,
        Op::Unary(..) | Op::Foreign(..) | Op::Binary(Pow | Mod | Fmod | Remainder | Atan2, ..) => CALL,
        _ => 1,
    }
}

/// What a program needs is within the budget, before anything is made of it; tells the steps of a frame.
fn bounded(program: &Program, budget: &Budget) -> Result<u64, CompileError> {
    let frame: u64 = program.steps.iter().map(|step| cost(&step.op)).sum();
    within("steps per frame", frame, budget.frame_steps)?;
    let (mut filling, mut bytes) = (0u64, 0u64);
    for table in program.tables.iter().chain(&program.own) {
        let wide = if table.nature == Nature::Real && program.precision == Precision::Double { 8 } else { 4 };
        bytes = bytes.saturating_add(u64::from(table.size) * wide);
        within("bytes of tables", bytes, budget.tables)?;
        if let Content::Program(inner) = &table.content {
            filling = filling.saturating_add(bounded(inner, budget)?.saturating_mul(u64::from(table.size)));
        }
    }
    within("steps to fill its tables", filling, budget.filling_steps)?;
    Ok(frame.saturating_add(filling))
}

impl Checked {
    /// Makes code of a program for a CPU level and tier.
    ///
    /// # Errors
    /// If it is too large, or holds what no program of the compiler holds.
    pub(crate) fn generate(
        name: &str,
        program: &Program,
        cpu: CpuLevel,
        tier: Tier,
        budget: &Budget,
    ) -> Result<Self, CompileError> {
        bounded(program, budget)?;
        let machine = machine(cpu, tier)?;
        let context = Context::new();
        // SAFETY: the context is alive; the module is owned by what comes back.
        let module = Module(unsafe { LLVMModuleCreateWithNameInContext(c"program".as_ptr(), context.0) });
        let _layout = prepare(&module, &machine);
        let state = functions::write(context.0, module.0, program, (budget.stack, tier))?;
        within("bytes of delay lines and tables per instance", state, budget.state)?;
        let mut needs = Needs { state, ..Needs::default() };
        needs.count(module.0, budget)?;
        verify(module.0)?;
        let tier = if needs.can_be_optimised(budget) { tier } else { Tier::Quick };
        let json = program.describe(name);
        Ok(Self { module, machine, context, stack: budget.stack, needs, json, tier })
    }
}

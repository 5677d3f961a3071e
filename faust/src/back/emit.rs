//! Bitcode → object file.

use super::entries::ENTRIES;
use super::harden::harden;
use super::llvm::{Context, Layout, Machine, Module, c, check, functions, globals, message, name};
use super::measure::{Needs, measure};
use super::shape::Shape;
use crate::budget::{Budget, within};
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use crate::front::flags::CLASS;
use crate::interface::Description;
use llvm_sys::LLVMLinkage;
use llvm_sys::analysis::{LLVMVerifierFailureAction, LLVMVerifyModule};
use llvm_sys::bit_reader::LLVMParseBitcodeInContext2;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::LLVMSetModuleDataLayout;
use llvm_sys::target_machine::*;
use llvm_sys::transforms::pass_builder::*;

/// Changes whenever the code that comes out may: part of every cache key.
pub(crate) const GENERATOR: &str = "krach-faust 7, LLVM 19, pxfm 0.1.30, libm 0.2";

/// Passes of the quick tier: enough that values live in registers.
const QUICK_PASSES: &str = "function(sroa,early-cse,simplifycfg)";
const OPTIMISING_PASSES: &str = "default<O2>";

/// A module that was verified, measured and hardened. Fields are freed in this order.
pub(crate) struct Checked {
    pub(super) module: Module,
    pub(super) machine: Machine,
    pub(super) context: Context,
    pub(super) stack: u64,
    pub(super) needs: Needs,
    pub(super) json: String,
    pub(super) tier: Tier,
}

/// The machine that code of a tier is made for.
pub(super) fn machine(cpu: CpuLevel, tier: Tier) -> Result<Machine, CompileError> {
    let effort = match tier {
        Tier::Quick => LLVMCodeGenOptLevel::LLVMCodeGenLevelNone,
        Tier::Optimised => LLVMCodeGenOptLevel::LLVMCodeGenLevelDefault,
    };
    Machine::new(cpu.llvm_name(), effort).map_err(CompileError::Code)
}

/// Tells a module what machine it is for.
pub(super) fn prepare(module: &Module, machine: &Machine) -> Layout {
    // SAFETY: module and machine are alive; strings of LLVM's are freed once.
    unsafe {
        let triple = LLVMGetTargetMachineTriple(machine.0);
        LLVMSetTarget(module.0, triple);
        LLVMDisposeMessage(triple);
        let layout = Layout(LLVMCreateTargetDataLayout(machine.0));
        LLVMSetModuleDataLayout(module.0, layout.0);
        layout
    }
}

impl Checked {
    /// Reads bitcode, in double precision if `double`, for a CPU level and tier. A program above the optimising limits of the budget
    /// gets the quick tier whatever was asked for.
    pub(crate) fn read(
        bitcode: &[u8],
        double: bool,
        cpu: CpuLevel,
        tier: Tier,
        budget: &Budget,
    ) -> Result<Self, CompileError> {
        let code = CompileError::Code;
        let machine = machine(cpu, tier)?;
        let context = Context::new();
        within("bytes of bitcode", bitcode.len() as u64, budget.bitcode)?;
        // The reader asserts instead of answering on what is not bitcode at all.
        if !bitcode.starts_with(b"BC\xC0\xDE") || !bitcode.len().is_multiple_of(4) {
            return Err(code("it is not bitcode".to_owned()));
        }
        let mut module = std::ptr::null_mut();
        // SAFETY: the buffer is a copy that lives through the call and is freed once.
        let failed = unsafe {
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                bitcode.as_ptr().cast(),
                bitcode.len(),
                c"program".as_ptr(),
            );
            let failed = LLVMParseBitcodeInContext2(context.0, buffer, &raw mut module);
            LLVMDisposeMemoryBuffer(buffer);
            failed
        };
        if failed != 0 {
            return Err(code("its bitcode is damaged".to_owned()));
        }
        let module = Module(module);
        verify(module.0)?;
        let json = json(module.0, double)?;
        let description = Description::parse(&json)?;
        let layout = prepare(&module, &machine);
        // SAFETY: the context is alive.
        let state = unsafe { LLVMGetTypeByName2(context.0, c(&format!("struct.dsp{CLASS}")).as_ptr()) };
        let shape = Shape {
            module: module.0,
            layout: layout.0,
            state,
            channels: [description.inputs, description.outputs],
            double,
        };
        let needs = measure(&shape, budget)?;
        harden(context.0, &shape, budget.stack)?;
        keep_entries_only(module.0)?;
        verify(module.0)?;
        let tier = if needs.can_be_optimised(budget) { tier } else { Tier::Quick };
        Ok(Self { module, machine, context, stack: budget.stack, needs, json, tier })
    }

    /// What FAUST says about the program.
    pub(crate) fn json(&self) -> &str {
        &self.json
    }

    /// Bytes of state of one instance.
    pub(crate) fn state(&self) -> u64 {
        self.needs.state
    }

    /// Optimises and emits the object file.
    ///
    /// # Errors
    /// If LLVM fails, or if a call would take more of the stack than the budget allows.
    pub(crate) fn object(self) -> Result<Vec<u8>, CompileError> {
        self.optimise()?;
        // SAFETY: module and machine are alive; what LLVM hands out is freed once.
        unsafe {
            let (mut error, mut buffer) = (std::ptr::null_mut(), std::ptr::null_mut());
            let kind = LLVMCodeGenFileType::LLVMObjectFile;
            let failed = LLVMTargetMachineEmitToMemoryBuffer(
                self.machine.0,
                self.module.0,
                kind,
                &raw mut error,
                &raw mut buffer,
            );
            if failed != 0 {
                return Err(CompileError::Code(message(error)));
            }
            let start = LLVMGetBufferStart(buffer).cast::<u8>();
            let object = std::slice::from_raw_parts(start, LLVMGetBufferSize(buffer)).to_vec();
            LLVMDisposeMemoryBuffer(buffer);
            within("bytes on the stack", self.context.large_frame(), self.stack)?;
            Ok(object)
        }
    }

    /// Runs the passes of the tier.
    fn optimise(&self) -> Result<(), CompileError> {
        let passes = match self.tier {
            Tier::Quick => QUICK_PASSES,
            Tier::Optimised => OPTIMISING_PASSES,
        };
        // SAFETY: module and machine are alive; what LLVM hands out is freed once.
        unsafe {
            let options = LLVMCreatePassBuilderOptions();
            LLVMPassBuilderOptionsSetLoopVectorization(options, 1);
            LLVMPassBuilderOptionsSetSLPVectorization(options, 1);
            LLVMPassBuilderOptionsSetLoopUnrolling(options, 1);
            LLVMPassBuilderOptionsSetLoopInterleaving(options, 1);
            let ran = check(LLVMRunPasses(self.module.0, c(passes).as_ptr(), self.machine.0, options));
            LLVMDisposePassBuilderOptions(options);
            ran.map_err(CompileError::Code)
        }
    }

    /// The module as text.
    #[cfg(test)]
    pub(super) fn text(&self) -> String {
        // SAFETY: the module is alive; the text is ours to free.
        unsafe { message(LLVMPrintModuleToString(self.module.0)) }
    }

    /// Stores within the first loop of `compute`, once optimised.
    #[cfg(test)]
    pub(super) fn stores_per_frame(&self) -> usize {
        use super::llvm::{blocks, instructions};
        self.optimise().expect("has always worked");
        // SAFETY: the module is alive; each query is made on the kind of value it is for.
        unsafe {
            let compute = LLVMGetNamedFunction(self.module.0, c(&format!("compute{CLASS}")).as_ptr());
            let blocks = blocks(compute);
            let back = blocks.iter().enumerate().find_map(|(last, block)| {
                let end = LLVMGetBasicBlockTerminator(*block);
                let next = (0..LLVMGetNumSuccessors(end)).map(|at| LLVMGetSuccessor(end, at));
                let first = next.filter_map(|next| blocks[..=last].iter().position(|b| *b == next)).min()?;
                Some(first..=last)
            });
            let body = blocks[back.expect("a loop over frames")].iter().flat_map(|b| instructions(*b));
            body.filter(|at| LLVMGetInstructionOpcode(*at) == llvm_sys::LLVMOpcode::LLVMStore).count()
        }
    }
}

pub(super) fn verify(module: LLVMModuleRef) -> Result<(), CompileError> {
    let mut text = std::ptr::null_mut();
    // SAFETY: the module is alive; the message is ours to free.
    unsafe {
        let action = LLVMVerifierFailureAction::LLVMReturnStatusAction;
        let bad = LLVMVerifyModule(module, action, &raw mut text);
        let text = message(text);
        if bad != 0 { Err(CompileError::Code(text)) } else { Ok(()) }
    }
}

/// The part that we use of the text that `getJSON` would return, read without running it. The rest
/// names folders of this compile, and would make every object a different one.
fn json(module: LLVMModuleRef, double: bool) -> Result<String, CompileError> {
    let missing = || CompileError::Code("it does not describe itself".to_owned());
    // SAFETY: the module is alive; each query is made on the kind of value it is for, checked before.
    unsafe {
        let function = LLVMGetNamedFunction(module, c(&format!("getJSON{CLASS}")).as_ptr());
        if function.is_null() || LLVMIsDeclaration(function) != 0 {
            return Err(missing());
        }
        let end = LLVMGetBasicBlockTerminator(LLVMGetEntryBasicBlock(function));
        if end.is_null() || LLVMIsAReturnInst(end).is_null() || LLVMGetNumOperands(end) != 1 {
            return Err(missing());
        }
        let global = LLVMIsAGlobalVariable(LLVMGetOperand(end, 0));
        if global.is_null() {
            return Err(missing());
        }
        let data = LLVMIsAConstantDataArray(LLVMGetInitializer(global));
        if data.is_null() || LLVMIsConstantString(data) == 0 {
            return Err(missing());
        }
        let mut length = 0;
        let bytes = LLVMGetAsString(data, &raw mut length).cast::<u8>();
        let text = std::slice::from_raw_parts(bytes, length);
        let text = text.strip_suffix(b"\0").unwrap_or(text);
        let all: serde_json::Value = serde_json::from_slice(text).map_err(|_| missing())?;
        let used = ["inputs", "outputs", "ui"].map(|key| (key.to_owned(), all[key].clone()));
        let mut used: serde_json::Map<String, serde_json::Value> = used.into_iter().collect();
        if double {
            used.insert("double".to_owned(), true.into());
        }
        Ok(serde_json::Value::Object(used).to_string())
    }
}

/// Makes everything internal but the entry points, so that what nobody calls falls away.
fn keep_entries_only(module: LLVMModuleRef) -> Result<(), CompileError> {
    let entries = ENTRIES.map(|entry| format!("{entry}{CLASS}"));
    let mut found = 0;
    for function in functions(module) {
        // SAFETY: the module is alive; a function is deleted only when nothing uses it, and the walk
        // has collected all of them before.
        unsafe {
            if LLVMIsDeclaration(function) != 0 {
                if LLVMGetFirstUse(function).is_null() {
                    LLVMDeleteFunction(function);
                }
            } else if entries.contains(&name(function)) {
                found += 1;
                LLVMSetLinkage(function, LLVMLinkage::LLVMExternalLinkage);
            } else if LLVMGetFirstUse(function).is_null() {
                LLVMDeleteFunction(function);
            } else {
                LLVMSetLinkage(function, LLVMLinkage::LLVMInternalLinkage);
            }
        }
    }
    for global in globals(module) {
        // SAFETY: as above.
        unsafe {
            if LLVMGetFirstUse(global).is_null() {
                LLVMDeleteGlobal(global);
            }
        }
    }
    if found == ENTRIES.len() { Ok(()) } else { Err(CompileError::Code("it lacks a function".to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front::child::ChildLimits;
    use crate::front::closure::gather;
    use crate::front::command::FaustCommand;
    use crate::source::Source;

    #[test]
    fn bitcode_cut_anywhere_is_an_error() {
        let command = FaustCommand::find().expect("the faust command is installed (cargo xtask setup)");
        let source = Source::inline("cut", "process = *(hslider(\"gain\", 1, 0, 1, 0.1)) : @(100);");
        let closure = gather(&source, None, |_| false).expect("harmless");
        let bitcode = command.bitcode(&closure, ChildLimits::default(), &|| false).expect("compiles");
        let cpu = CpuLevel::host().expect("a level");
        let read =
            |bytes: &[u8]| Checked::read(bytes, false, cpu, Tier::Quick, &Budget::default()).map(|_| ());
        assert_eq!(read(&bitcode), Ok(()));
        for length in (0..bitcode.len()).step_by(64) {
            assert!(matches!(read(&bitcode[..length]), Err(CompileError::Code(_))), "{length} bytes");
        }
    }
}

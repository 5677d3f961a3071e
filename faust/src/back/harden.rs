//! Makes a module mean one thing only: the same samples at every effort, for every CPU level and block
//! size, and no way to crash.
//!
//! | FAUST wrote | becomes |
//! |---|---|
//! | `fast` arithmetic | exact IEEE arithmetic: reassociation and contraction differ by CPU and effort |
//! | a maths call | our function of the same name ([`super::maths`]), or an exact intrinsic |
//! | min, max | compare and select, as C++'s `std::min` and `std::max`: one answer for NaN and ±0 |
//! | integer a / b, a % b | 0 where b is 0; the smallest number by -1 wraps |
//! | float → int | saturates at what a signal can hold ([`SMALLEST`], [`LARGEST`]); NaN gives the smallest |
//! | a shift | by the distance modulo the width |
//! | an element of a delay line or table | index held within it |
//! | the block size as a value (`ma.BS`) | [`BLOCK_SIZE`], whatever the block |
//! | a number of 64 bits in the state | is read and written wherever it stands: the state is packed |
//! | a local variable | starts at 0 |
//! | a whole number kept as a signal (`prefix(2, _)`) | that number |
//! | attributes, metadata | none but ours |

use super::apart::tell_apart;
use super::llvm::{blocks, c, constant, functions, instructions, name, operands, uses};
use super::maths::{Lowering, lowering};
use super::shape::{PLAIN_INTRINSICS, Shape, is_number_for_signal};
use crate::error::CompileError;
use crate::front::flags::CLASS;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::LLVMABISizeOfType;
use llvm_sys::{LLVMGEPFlagInBounds, LLVMGEPFlagNUSW, LLVMIntPredicate, LLVMOpcode, LLVMRealPredicate};

/// What `ma.BS` is, since sound must not depend on the host's block size.
const BLOCK_SIZE: u64 = 512;

/// The smallest whole number of 32 bits.
const SMALLEST: f64 = -2_147_483_648.0;
/// The largest whole number of 32 bits that single precision has.
const LARGEST: f64 = 2_147_483_520.0;
/// The largest of all, which double precision has.
const LARGEST_DOUBLE: f64 = 2_147_483_647.0;
/// Where numbers of 64 bits may stand: FAUST's state is packed.
const ALIGNMENT: u32 = 4;

struct Hardening<'a> {
    context: LLVMContextRef,
    module: LLVMModuleRef,
    shape: &'a Shape,
    /// Bytes that one call may take from the stack, spilled registers included.
    stack: u64,
    builder: LLVMBuilderRef,
}

impl Drop for Hardening<'_> {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { LLVMDisposeBuilder(self.builder) }
    }
}

/// Hardens every function of a module that was measured and whose shape was checked. LLVM tells the
/// context when a function takes more than `stack` bytes of it.
pub(super) fn harden(context: LLVMContextRef, shape: &Shape, stack: u64) -> Result<(), CompileError> {
    let module = shape.module;
    // SAFETY: the context is alive.
    let builder = unsafe { LLVMCreateBuilderInContext(context) };
    let this = Hardening { context, module, shape, stack, builder };
    for function in functions(module) {
        // SAFETY: this holds for all blocks of this file. Context, module and builder are alive; values come from
        // walking the module, and each call is made on the kind of value that it is for. The walks
        // collect before anything changes, and only the instruction at hand is ever removed.
        unsafe {
            if LLVMIsDeclaration(function) != 0 {
                continue;
            }
            if name(function) == format!("compute{CLASS}") {
                this.fix_block_size(function);
                this.part_state(function);
            }
            this.tighten(function);
        }
        for block in blocks(function) {
            for instruction in instructions(block) {
                this.instruction(function, instruction)?;
            }
        }
        if name(function) == format!("compute{CLASS}") {
            // SAFETY: as above.
            unsafe { tell_apart(context, function, shape.state) };
        }
        let left = blocks(function).into_iter().flat_map(instructions).any(|instruction| {
            // SAFETY: as above.
            unsafe {
                LLVMCanValueUseFastMathFlags(instruction) != 0 && LLVMGetFastMathFlags(instruction) != 0
            }
        });
        if left {
            return Err(CompileError::Code("it holds loose arithmetic of an unknown kind".to_owned()));
        }
    }
    Ok(())
}

impl Hardening<'_> {
    /// The second parameter of `compute` may bound the loop, and nothing else.
    unsafe fn fix_block_size(&self, compute: LLVMValueRef) {
        // SAFETY: see `harden`.
        unsafe {
            let count = LLVMGetParam(compute, 1);
            let fixed = LLVMConstInt(LLVMTypeOf(count), BLOCK_SIZE, 0);
            for used in uses(count) {
                let user = LLVMGetUser(used);
                if bounds_the_loop(user, count) {
                    continue;
                }
                for (at, operand) in operands(user).into_iter().enumerate() {
                    if operand == count {
                        LLVMSetOperand(user, at as u32, fixed);
                    }
                }
            }
        }
    }

    /// Nothing but its first parameter leads `compute` to the state: without knowing that, LLVM reads and
    /// writes all of it for every frame, since an output might be the same memory.
    unsafe fn part_state(&self, compute: LLVMValueRef) {
        // SAFETY: see `harden`. Channels are apart from the state, which belongs to the node alone.
        unsafe {
            let size = LLVMABISizeOfType(self.shape.layout, self.shape.state);
            for (name, value) in [("noalias", 0), ("nocapture", 0), ("dereferenceable", size)] {
                let kind = LLVMGetEnumAttributeKindForName(c(name).as_ptr(), name.len());
                if name != "dereferenceable" || size > 0 {
                    LLVMAddAttributeAtIndex(compute, 1, LLVMCreateEnumAttribute(self.context, kind, value));
                }
            }
        }
    }

    /// Function attributes: none but that there are no exceptions, that denormals are flushed as at run
    /// time, and from which size of its stack frame on we want to be told.
    unsafe fn tighten(&self, function: LLVMValueRef) {
        const AT: llvm_sys::LLVMAttributeIndex = llvm_sys::LLVMAttributeFunctionIndex;
        // SAFETY: see `harden`; LLVM writes as many attributes as it says.
        unsafe {
            let mut attributes =
                vec![std::ptr::null_mut(); LLVMGetAttributeCountAtIndex(function, AT) as usize];
            LLVMGetAttributesAtIndex(function, AT, attributes.as_mut_ptr());
            for attribute in attributes {
                if LLVMIsStringAttribute(attribute) != 0 {
                    let mut length = 0;
                    let key = LLVMGetStringAttributeKind(attribute, &raw mut length);
                    LLVMRemoveStringAttributeAtIndex(function, AT, key, length);
                } else {
                    LLVMRemoveEnumAttributeAtIndex(function, AT, LLVMGetEnumAttributeKind(attribute));
                }
            }
            let kind = LLVMGetEnumAttributeKindForName(c"nounwind".as_ptr(), "nounwind".len());
            LLVMAddAttributeAtIndex(function, AT, LLVMCreateEnumAttribute(self.context, kind, 0));
            let stack = self.stack.to_string();
            for (key, value) in
                [("denormal-fp-math", "preserve-sign,preserve-sign"), ("warn-stack-size", stack.as_str())]
            {
                let attribute = LLVMCreateStringAttribute(
                    self.context,
                    c(key).as_ptr(),
                    key.len() as u32,
                    c(value).as_ptr(),
                    value.len() as u32,
                );
                LLVMAddAttributeAtIndex(function, AT, attribute);
            }
        }
    }

    /// Metadata may promise what does not hold (ranges, aliasing) or ask for less accuracy.
    unsafe fn forget_metadata(&self, at: LLVMValueRef) {
        // SAFETY: see `harden`; the list is freed once, after its last use.
        unsafe {
            if LLVMHasMetadata(at) == 0 {
                return;
            }
            let mut count = 0;
            let entries = LLVMInstructionGetAllMetadataOtherThanDebugLoc(at, &raw mut count);
            for entry in 0..count {
                let kind = LLVMValueMetadataEntriesGetKind(entries, entry as u32);
                LLVMSetMetadata(at, kind, std::ptr::null_mut());
            }
            LLVMDisposeValueMetadataEntries(entries);
        }
    }

    fn instruction(&self, function: LLVMValueRef, at: LLVMValueRef) -> Result<(), CompileError> {
        use LLVMOpcode::*;
        // SAFETY: see `harden`.
        unsafe {
            self.forget_metadata(at);
            LLVMPositionBuilderBefore(self.builder, at);
            let opcode = LLVMGetInstructionOpcode(at);
            let loose = LLVMCanValueUseFastMathFlags(at) != 0 && LLVMGetFastMathFlags(at) != 0;
            match opcode {
                LLVMFAdd | LLVMFSub | LLVMFMul | LLVMFDiv | LLVMFNeg | LLVMFCmp | LLVMSelect | LLVMPHI
                    if loose =>
                {
                    self.rebuild(at, opcode);
                }
                LLVMAdd | LLVMSub | LLVMMul | LLVMTrunc => self.wrap(at),
                LLVMShl => {
                    self.wrap(at);
                    self.shift(at);
                }
                LLVMLShr | LLVMAShr => {
                    LLVMSetExact(at, 0);
                    self.shift(at);
                }
                LLVMSDiv | LLVMUDiv => {
                    LLVMSetExact(at, 0);
                    self.divide(at);
                }
                LLVMSRem | LLVMURem => self.divide(at),
                LLVMFRem if is_double(LLVMTypeOf(at)) => self.call_own(at, "krach_fmod"),
                LLVMFRem => self.call_own(at, "krach_fmodf"),
                LLVMLoad if is_double(LLVMTypeOf(at)) => LLVMSetAlignment(at, ALIGNMENT),
                LLVMFPToSI | LLVMFPToUI => return self.saturate(at),
                LLVMStore => {
                    let (value, place) = (LLVMGetOperand(at, 0), LLVMGetOperand(at, 1));
                    let pointee = self.shape.pointee(function, place)?;
                    if is_number_for_signal(LLVMTypeOf(value), pointee) {
                        let signal = LLVMBuildSIToFP(self.builder, value, pointee, c"".as_ptr());
                        LLVMSetOperand(at, 0, signal);
                    }
                    if is_double(pointee) {
                        LLVMSetAlignment(at, ALIGNMENT);
                    }
                }
                LLVMOr => LLVMSetIsDisjoint(at, 0),
                LLVMZExt | LLVMUIToFP => LLVMSetNNeg(at, 0),
                LLVMGetElementPtr => return self.element(function, at),
                LLVMAlloca => self.start_at_zero(at),
                LLVMCall => self.call(at),
                _ => {}
            }
        }
        Ok(())
    }

    /// The same instruction without flags. They cannot be cleared in place: LLVM's setter only adds.
    unsafe fn rebuild(&self, at: LLVMValueRef, opcode: LLVMOpcode) {
        use LLVMOpcode::*;
        // SAFETY: see `harden`.
        unsafe {
            let (build, none) = (self.builder, c"".as_ptr());
            let parts = operands(at);
            let exact = match opcode {
                LLVMFNeg => LLVMBuildFNeg(build, parts[0], none),
                LLVMFCmp => LLVMBuildFCmp(build, LLVMGetFCmpPredicate(at), parts[0], parts[1], none),
                LLVMSelect => LLVMBuildSelect(build, parts[0], parts[1], parts[2], none),
                LLVMPHI => {
                    let phi = LLVMBuildPhi(build, LLVMTypeOf(at), none);
                    for from in 0..LLVMCountIncoming(at) {
                        let mut value = LLVMGetIncomingValue(at, from);
                        let mut block = LLVMGetIncomingBlock(at, from);
                        LLVMAddIncoming(phi, &raw mut value, &raw mut block, 1);
                    }
                    phi
                }
                _ => LLVMBuildBinOp(build, opcode, parts[0], parts[1], none),
            };
            self.replace(at, exact);
        }
    }

    unsafe fn wrap(&self, at: LLVMValueRef) {
        // SAFETY: see `harden`.
        unsafe {
            LLVMSetNSW(at, 0);
            LLVMSetNUW(at, 0);
        }
    }

    unsafe fn replace(&self, at: LLVMValueRef, with: LLVMValueRef) {
        // SAFETY: see `harden`.
        unsafe {
            LLVMReplaceAllUsesWith(at, with);
            LLVMInstructionEraseFromParent(at);
        }
    }

    unsafe fn shift(&self, at: LLVMValueRef) {
        // SAFETY: see `harden`.
        unsafe {
            let distance = LLVMGetOperand(at, 1);
            let ty = LLVMTypeOf(distance);
            let width = u64::from(LLVMGetIntTypeWidth(ty));
            let mask = LLVMConstInt(ty, width - 1, 0);
            LLVMSetOperand(at, 1, LLVMBuildAnd(self.builder, distance, mask, c"".as_ptr()));
        }
    }

    unsafe fn divide(&self, at: LLVMValueRef) {
        use LLVMIntPredicate::LLVMIntEQ;
        // SAFETY: see `harden`.
        unsafe {
            let (a, b) = (LLVMGetOperand(at, 0), LLVMGetOperand(at, 1));
            if constant(b).is_some_and(|b| b != 0 && b != -1) {
                return;
            }
            let (build, none) = (self.builder, c"".as_ptr());
            let ty = LLVMTypeOf(b);
            let (zero, one) = (LLVMConstNull(ty), LLVMConstInt(ty, 1, 0));
            let opcode = LLVMGetInstructionOpcode(at);
            let by_zero = LLVMBuildICmp(build, LLVMIntEQ, b, zero, none);
            let mut unsafe_divisor = by_zero;
            if matches!(opcode, LLVMOpcode::LLVMSDiv | LLVMOpcode::LLVMSRem) {
                let smallest = LLVMConstInt(ty, 1 << (LLVMGetIntTypeWidth(ty).clamp(1, 64) - 1), 0);
                let minus = LLVMBuildICmp(build, LLVMIntEQ, b, LLVMConstAllOnes(ty), none);
                let least = LLVMBuildICmp(build, LLVMIntEQ, a, smallest, none);
                let overflow = LLVMBuildAnd(build, minus, least, none);
                unsafe_divisor = LLVMBuildOr(build, by_zero, overflow, none);
            }
            let divisor = LLVMBuildSelect(build, unsafe_divisor, one, b, none);
            let result = LLVMBuildBinOp(build, opcode, a, divisor, none);
            self.replace(at, LLVMBuildSelect(build, by_zero, zero, result, none));
        }
    }

    /// Holds a number within the whole numbers of 32 bits before it becomes one: two instructions of any
    /// processor, where LLVM's own saturation takes seven. NaN, and what is too small, is the smallest.
    unsafe fn saturate(&self, at: LLVMValueRef) -> Result<(), CompileError> {
        // SAFETY: see `harden`.
        unsafe {
            let value = LLVMGetOperand(at, 0);
            let ty = LLVMTypeOf(value);
            let signed = LLVMGetInstructionOpcode(at) == LLVMOpcode::LLVMFPToSI;
            let single = LLVMGetTypeKind(ty) == llvm_sys::LLVMTypeKind::LLVMFloatTypeKind;
            if !(single || is_double(ty)) || LLVMGetIntTypeWidth(LLVMTypeOf(at)) != 32 || !signed {
                return Err(CompileError::Code("it makes whole numbers of an unknown kind".to_owned()));
            }
            let largest = if single { LARGEST } else { LARGEST_DOUBLE };
            let (low, high) = (LLVMConstReal(ty, SMALLEST), LLVMConstReal(ty, largest));
            let (build, none) = (self.builder, c"".as_ptr());
            let above = LLVMBuildFCmp(build, LLVMRealPredicate::LLVMRealOGT, value, low, none);
            let raised = LLVMBuildSelect(build, above, value, low, none);
            let below = LLVMBuildFCmp(build, LLVMRealPredicate::LLVMRealOLT, raised, high, none);
            let held = LLVMBuildSelect(build, below, raised, high, none);
            LLVMSetOperand(at, 0, held);
        }
        Ok(())
    }

    unsafe fn start_at_zero(&self, at: LLVMValueRef) {
        // SAFETY: see `harden`. A fresh `alloca` has an instruction behind it: its block's terminator.
        unsafe {
            LLVMPositionBuilderBefore(self.builder, LLVMGetNextInstruction(at));
            LLVMBuildStore(self.builder, LLVMConstNull(LLVMGetAllocatedType(at)), at);
        }
    }

    /// Holds the indices of array elements within their arrays.
    unsafe fn element(&self, function: LLVMValueRef, at: LLVMValueRef) -> Result<(), CompileError> {
        let (_, elements) = self.shape.address(function, at)?;
        // SAFETY: see `harden`. What is held is in bounds; what else the flags promise need not be so.
        unsafe {
            let kept = if LLVMIsInBounds(at) != 0 { LLVMGEPFlagInBounds | LLVMGEPFlagNUSW } else { 0 };
            LLVMGEPSetNoWrapFlags(at, kept);
        }
        for element in elements {
            // SAFETY: see `harden`.
            unsafe {
                let index = LLVMGetOperand(at, element.operand);
                let ty = LLVMTypeOf(index);
                let (last, zero) = (LLVMConstInt(ty, element.length - 1, 0), LLVMConstNull(ty));
                let low = self.pick(LLVMIntPredicate::LLVMIntSLT, index, zero, zero, index);
                let held = self.pick(LLVMIntPredicate::LLVMIntSGT, low, last, last, low);
                LLVMSetOperand(at, element.operand, held);
            }
        }
        Ok(())
    }

    unsafe fn pick(
        &self,
        by: LLVMIntPredicate,
        a: LLVMValueRef,
        b: LLVMValueRef,
        then: LLVMValueRef,
        other: LLVMValueRef,
    ) -> LLVMValueRef {
        // SAFETY: see `harden`.
        unsafe {
            let is = LLVMBuildICmp(self.builder, by, a, b, c"".as_ptr());
            LLVMBuildSelect(self.builder, is, then, other, c"".as_ptr())
        }
    }

    unsafe fn call(&self, at: LLVMValueRef) {
        // SAFETY: see `harden`.
        unsafe {
            let callee = LLVMGetCalledValue(at);
            let (function, ty) = (callee, LLVMGetCalledFunctionType(at));
            if LLVMIsDeclaration(callee) == 0 {
                self.call_instead(at, function, ty);
                return;
            }
            let name = name(callee);
            match name.as_str() {
                "llvm.minnum.f32" | "llvm.maxnum.f32" | "llvm.minnum.f64" | "llvm.maxnum.f64" => {
                    let (a, b) = (LLVMGetOperand(at, 0), LLVMGetOperand(at, 1));
                    let (left, right) = if name.contains("min") { (b, a) } else { (a, b) };
                    let is = LLVMBuildFCmp(
                        self.builder,
                        LLVMRealPredicate::LLVMRealOLT,
                        left,
                        right,
                        c"".as_ptr(),
                    );
                    self.replace(at, LLVMBuildSelect(self.builder, is, b, a, c"".as_ptr()));
                }
                known if PLAIN_INTRINSICS.contains(&known) => {
                    if known == "llvm.abs.i32" {
                        // The smallest number is its own absolute value, as it wraps, and not undefined.
                        LLVMSetOperand(at, 1, LLVMConstNull(LLVMTypeOf(LLVMGetOperand(at, 1))));
                    }
                    self.call_instead(at, function, ty);
                }
                _ => match lowering(&name) {
                    Some(Lowering::Own(own)) => self.call_own(at, own),
                    Some(Lowering::Intrinsic(intrinsic)) => {
                        let mut ty = LLVMTypeOf(at);
                        let id = LLVMLookupIntrinsicID(c(intrinsic).as_ptr(), intrinsic.len());
                        let function = LLVMGetIntrinsicDeclaration(self.module, id, &raw mut ty, 1);
                        self.call_instead(at, function, LLVMGlobalGetValueType(function));
                    }
                    None => {} // measured before: there is none
                },
            }
        }
    }

    /// Calls our function with the operands of `at`, a call or an arithmetic instruction.
    unsafe fn call_own(&self, at: LLVMValueRef, own: &str) {
        // SAFETY: see `harden`.
        unsafe {
            let mut function = LLVMGetNamedFunction(self.module, c(own).as_ptr());
            if function.is_null() {
                let is_call = LLVMGetInstructionOpcode(at) == LLVMOpcode::LLVMCall;
                let ty = if is_call {
                    LLVMGetCalledFunctionType(at)
                } else {
                    let float = LLVMTypeOf(at);
                    LLVMFunctionType(float, [float, float].as_mut_ptr(), 2, 0)
                };
                function = LLVMAddFunction(self.module, c(own).as_ptr(), ty);
                let touches_memory = matches!(own, "krach_calloc" | "krach_free");
                let pure: &[&str] =
                    if touches_memory { &[] } else { &["memory", "willreturn", "speculatable"] };
                for attribute in pure.iter().chain(&["nounwind"]) {
                    // `memory` with the value 0 is `memory(none)`.
                    let kind = LLVMGetEnumAttributeKindForName(c(attribute).as_ptr(), attribute.len());
                    let attribute = LLVMCreateEnumAttribute(self.context, kind, 0);
                    LLVMAddAttributeAtIndex(function, llvm_sys::LLVMAttributeFunctionIndex, attribute);
                }
            }
            self.call_instead(at, function, LLVMGlobalGetValueType(function));
        }
    }

    unsafe fn call_instead(&self, at: LLVMValueRef, function: LLVMValueRef, ty: LLVMTypeRef) {
        // SAFETY: see `harden`. The operands of a call end with its callee, which `LLVMCountParams`
        // leaves out.
        unsafe {
            let count = LLVMCountParams(function);
            let mut arguments = operands(at);
            arguments.truncate(count as usize);
            let call =
                LLVMBuildCall2(self.builder, ty, function, arguments.as_mut_ptr(), count, c"".as_ptr());
            self.replace(at, call);
        }
    }
}

fn is_double(ty: LLVMTypeRef) -> bool {
    // SAFETY: see `harden`.
    unsafe { LLVMGetTypeKind(ty) == llvm_sys::LLVMTypeKind::LLVMDoubleTypeKind }
}

/// Whether a comparison is that of a loop's counter with the block size, which decides whether to go on.
unsafe fn bounds_the_loop(compare: LLVMValueRef, count: LLVMValueRef) -> bool {
    // SAFETY: see `harden`; kinds are asked before they are relied upon.
    unsafe {
        if LLVMGetInstructionOpcode(compare) != LLVMOpcode::LLVMICmp || LLVMGetOperand(compare, 1) != count {
            return false;
        }
        let counter = LLVMGetOperand(compare, 0);
        let counts = !LLVMIsAPHINode(counter).is_null()
            || (!LLVMIsALoadInst(counter).is_null()
                && !LLVMIsAAllocaInst(LLVMGetOperand(counter, 0)).is_null());
        // FAUST turns the answer into a number and asks whether that is 0.
        let mut answer = compare;
        for _ in 0..3 {
            let all = uses(answer);
            let [only] = all[..] else { return false };
            answer = LLVMGetUser(only);
            match LLVMGetInstructionOpcode(answer) {
                LLVMOpcode::LLVMBr => return counts,
                LLVMOpcode::LLVMSelect | LLVMOpcode::LLVMZExt | LLVMOpcode::LLVMICmp => {}
                _ => return false,
            }
        }
        false
    }
}

//! Instructions of LLVM, one by one, without flags and with an answer for everything.

use crate::back::apart::Scopes;
use crate::back::llvm::c;
use crate::back::maths::{Lowering, lowering};
use crate::error::{CompileError, strange};
use krach_faust_lang::Precision;
use krach_faust_lang::types::Nature;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMIntPredicate, LLVMOpcode, LLVMRealPredicate};

/// The smallest whole number of 32 bits.
const SMALLEST: f64 = -2_147_483_648.0;

/// Writes instructions into a module.
///
/// SAFETY, for all blocks of this folder: context, module and builder are alive; every value was made in this
/// module; an instruction gets values of the types that it takes, which [`Program`](krach_faust_lang::program::Program) says.
pub(super) struct Build {
    pub(super) context: LLVMContextRef,
    pub(super) module: LLVMModuleRef,
    builder: LLVMBuilderRef,
    pub(super) int: LLVMTypeRef,
    pub(super) real: LLVMTypeRef,
    pub(super) byte: LLVMTypeRef,
    pub(super) pointer: LLVMTypeRef,
    pub(super) long: LLVMTypeRef,
    pub(super) void: LLVMTypeRef,
    double: bool,
    /// Bytes that one call may take from the stack.
    stack: u64,
}

impl Drop for Build {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { LLVMDisposeBuilder(self.builder) }
    }
}

const NONE: *const std::ffi::c_char = c"".as_ptr();

impl Build {
    pub(super) fn new(
        context: LLVMContextRef,
        module: LLVMModuleRef,
        precision: Precision,
        stack: u64,
    ) -> Self {
        let double = precision == Precision::Double;
        // SAFETY: see `Build`.
        unsafe {
            Self {
                context,
                module,
                builder: LLVMCreateBuilderInContext(context),
                int: LLVMInt32TypeInContext(context),
                real: if double { LLVMDoubleTypeInContext(context) } else { LLVMFloatTypeInContext(context) },
                byte: LLVMInt8TypeInContext(context),
                pointer: LLVMPointerTypeInContext(context, 0),
                long: LLVMInt64TypeInContext(context),
                void: LLVMVoidTypeInContext(context),
                double,
                stack,
            }
        }
    }

    pub(super) fn ty(&self, nature: Nature) -> LLVMTypeRef {
        if nature == Nature::Int { self.int } else { self.real }
    }

    pub(super) fn int(&self, value: i32) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMConstInt(self.int, i64::from(value) as u64, 1) }
    }

    pub(super) fn long(&self, value: u64) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMConstInt(self.long, value, 0) }
    }

    pub(super) fn real(&self, value: f64) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMConstReal(self.real, value) }
    }

    /// A function with its parameters' types.
    pub(super) fn function(
        &self,
        name: &str,
        result: LLVMTypeRef,
        params: &[LLVMTypeRef],
        own: bool,
    ) -> LLVMValueRef {
        let mut params = params.to_vec();
        // SAFETY: see `Build`.
        unsafe {
            let ty = LLVMFunctionType(result, params.as_mut_ptr(), params.len() as u32, 0);
            let function = LLVMAddFunction(self.module, c(name).as_ptr(), ty);
            if own {
                LLVMSetLinkage(function, llvm_sys::LLVMLinkage::LLVMInternalLinkage);
            }
            self.mark(function, "nounwind", 0);
            for (key, value) in [
                ("denormal-fp-math", "preserve-sign,preserve-sign".to_owned()),
                ("warn-stack-size", self.stack.to_string()),
            ] {
                let (key, value) = (c(key), c(&value));
                let attribute = LLVMCreateStringAttribute(
                    self.context,
                    key.as_ptr(),
                    key.count_bytes() as u32,
                    value.as_ptr(),
                    value.count_bytes() as u32,
                );
                LLVMAddAttributeAtIndex(function, llvm_sys::LLVMAttributeFunctionIndex, attribute);
            }
            let entry = LLVMAppendBasicBlockInContext(self.context, function, NONE);
            LLVMPositionBuilderAtEnd(self.builder, entry);
            function
        }
    }

    fn mark(&self, function: LLVMValueRef, name: &str, value: u64) {
        // SAFETY: see `Build`.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(c(name).as_ptr(), name.len());
            let attribute = LLVMCreateEnumAttribute(self.context, kind, value);
            LLVMAddAttributeAtIndex(function, llvm_sys::LLVMAttributeFunctionIndex, attribute);
        }
    }

    /// Nothing but its first parameter leads a function to the state.
    pub(super) fn part(&self, function: LLVMValueRef) {
        // SAFETY: see `Build`. Channels are apart from the state, which belongs to one node alone.
        unsafe {
            let kind = LLVMGetEnumAttributeKindForName(c"noalias".as_ptr(), "noalias".len());
            LLVMAddAttributeAtIndex(function, 1, LLVMCreateEnumAttribute(self.context, kind, 0));
        }
    }

    pub(super) fn param(&self, function: LLVMValueRef, at: u32) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMGetParam(function, at) }
    }

    pub(super) fn block(&self, function: LLVMValueRef) -> LLVMBasicBlockRef {
        // SAFETY: see `Build`.
        unsafe { LLVMAppendBasicBlockInContext(self.context, function, NONE) }
    }

    pub(super) fn at_end(&self, block: LLVMBasicBlockRef) {
        // SAFETY: see `Build`.
        unsafe { LLVMPositionBuilderAtEnd(self.builder, block) }
    }

    pub(super) fn jump(&self, to: LLVMBasicBlockRef) {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildBr(self.builder, to) };
    }

    pub(super) fn branch(&self, on: LLVMValueRef, then: LLVMBasicBlockRef, other: LLVMBasicBlockRef) {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildCondBr(self.builder, on, then, other) };
    }

    pub(super) fn leave(&self) {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildRetVoid(self.builder) };
    }

    /// A variable of the function, which LLVM keeps in a register. Made in the first block only.
    pub(super) fn variable(&self, ty: LLVMTypeRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildAlloca(self.builder, ty, NONE) }
    }

    pub(super) fn load(&self, ty: LLVMTypeRef, from: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildLoad2(self.builder, ty, from, NONE) }
    }

    pub(super) fn store(&self, value: LLVMValueRef, to: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildStore(self.builder, value, to) }
    }

    /// Says in which part of the memory a load or store is: a line or table of the state (from 1 on), the rest of the
    /// state (0), or a channel.
    pub(super) fn within(&self, scopes: &Scopes, access: LLVMValueRef, part: Option<usize>) {
        // SAFETY: see `Build`; the scopes are of the same context.
        unsafe { scopes.mark(access, part) }
    }

    /// Scopes for so many lines and tables.
    pub(super) fn scopes(&self, lines: usize) -> Scopes {
        // SAFETY: see `Build`.
        unsafe { Scopes::new(self.context, lines) }
    }

    /// The element of an array at `from`; the index, whole or long, is not negative and inside.
    pub(super) fn element(&self, ty: LLVMTypeRef, from: LLVMValueRef, index: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe {
            let mut index = if LLVMTypeOf(index) == self.int {
                LLVMBuildZExt(self.builder, index, self.long, NONE)
            } else {
                index
            };
            LLVMBuildInBoundsGEP2(self.builder, ty, from, &raw mut index, 1, NONE)
        }
    }

    pub(super) fn offset(&self, from: LLVMValueRef, bytes: u64) -> LLVMValueRef {
        self.element(self.byte, from, self.long(bytes))
    }

    pub(super) fn whole(&self, opcode: LLVMOpcode, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildBinOp(self.builder, opcode, a, b, NONE) }
    }

    pub(super) fn is(&self, by: LLVMIntPredicate, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildICmp(self.builder, by, a, b, NONE) }
    }

    pub(super) fn is_real(&self, by: LLVMRealPredicate, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildFCmp(self.builder, by, a, b, NONE) }
    }

    pub(super) fn select(&self, on: LLVMValueRef, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildSelect(self.builder, on, a, b, NONE) }
    }

    /// A truth as a whole number.
    pub(super) fn truth(&self, is: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildZExt(self.builder, is, self.int, NONE) }
    }

    pub(super) fn to_real(&self, value: LLVMValueRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildSIToFP(self.builder, value, self.real, NONE) }
    }

    /// Towards zero, held within the whole numbers of 32 bits; NaN is the smallest.
    pub(super) fn to_int(&self, value: LLVMValueRef) -> LLVMValueRef {
        let largest = if self.double { 2_147_483_647.0 } else { 2_147_483_520.0 };
        let (low, high) = (self.real(SMALLEST), self.real(largest));
        let raised = self.select(self.is_real(LLVMRealPredicate::LLVMRealOGT, value, low), value, low);
        let held = self.select(self.is_real(LLVMRealPredicate::LLVMRealOLT, raised, high), raised, high);
        // SAFETY: see `Build`.
        unsafe { LLVMBuildFPToSI(self.builder, held, self.int, NONE) }
    }

    /// An index, held between 0 and the last.
    pub(super) fn held(&self, index: LLVMValueRef, size: u32) -> LLVMValueRef {
        let (zero, last) = (self.int(0), self.int(size.saturating_sub(1) as i32));
        let low = self.select(self.is(LLVMIntPredicate::LLVMIntSLT, index, zero), zero, index);
        self.select(self.is(LLVMIntPredicate::LLVMIntSGT, low, last), last, low)
    }

    /// A quotient or remainder of whole numbers: 0 where `b` is 0; the smallest by -1 wraps.
    pub(super) fn divide(&self, opcode: LLVMOpcode, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
        use LLVMIntPredicate::LLVMIntEQ;
        let by_zero = self.is(LLVMIntEQ, b, self.int(0));
        let minus = self.is(LLVMIntEQ, b, self.int(-1));
        let least = self.is(LLVMIntEQ, a, self.int(i32::MIN));
        let overflow = self.whole(LLVMOpcode::LLVMAnd, minus, least);
        let odd = self.whole(LLVMOpcode::LLVMOr, by_zero, overflow);
        let result = self.whole(opcode, a, self.select(odd, self.int(1), b));
        self.select(by_zero, self.int(0), result)
    }

    /// A maths function of C by its name in double precision.
    pub(super) fn maths(
        &self,
        name: &str,
        args: &[LLVMValueRef],
        result: LLVMTypeRef,
    ) -> Result<LLVMValueRef, CompileError> {
        let single = if self.double || name == "abs" { "" } else { "f" };
        match lowering(&format!("{name}{single}")) {
            Some(Lowering::Own(own)) => Ok(self.own(own, args, result)),
            // SAFETY: see `Build`.
            Some(Lowering::Intrinsic(name)) => unsafe {
                let mut ty = result;
                let id = LLVMLookupIntrinsicID(c(name).as_ptr(), name.len());
                let function = LLVMGetIntrinsicDeclaration(self.module, id, &raw mut ty, 1);
                Ok(self.call(function, args))
            },
            None => Err(strange(format!("`{name}` is no function that programs may call"))),
        }
    }

    /// A function of our own, linked later.
    pub(super) fn own(&self, name: &str, args: &[LLVMValueRef], result: LLVMTypeRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe {
            let mut function = LLVMGetNamedFunction(self.module, c(name).as_ptr());
            if function.is_null() {
                let mut types: Vec<LLVMTypeRef> = args.iter().map(|arg| LLVMTypeOf(*arg)).collect();
                let ty = LLVMFunctionType(result, types.as_mut_ptr(), types.len() as u32, 0);
                function = LLVMAddFunction(self.module, c(name).as_ptr(), ty);
                let touches_memory = matches!(name, "krach_calloc" | "krach_free");
                // `memory` with the value 0 is `memory(none)`.
                let pure: &[&str] =
                    if touches_memory { &[] } else { &["memory", "willreturn", "speculatable"] };
                pure.iter().chain(&["nounwind"]).for_each(|name| self.mark(function, name, 0));
            }
            self.call(function, args)
        }
    }

    pub(super) fn call(&self, function: LLVMValueRef, args: &[LLVMValueRef]) -> LLVMValueRef {
        let mut args = args.to_vec();
        // SAFETY: see `Build`.
        unsafe {
            let ty = LLVMGlobalGetValueType(function);
            LLVMBuildCall2(self.builder, ty, function, args.as_mut_ptr(), args.len() as u32, NONE)
        }
    }

    /// A value that may differ by the block it comes from; [`Self::comes`] tells the values.
    pub(super) fn either(&self, ty: LLVMTypeRef) -> LLVMValueRef {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildPhi(self.builder, ty, NONE) }
    }

    pub(super) fn comes(&self, phi: LLVMValueRef, mut value: LLVMValueRef, mut from: LLVMBasicBlockRef) {
        // SAFETY: see `Build`.
        unsafe { LLVMAddIncoming(phi, &raw mut value, &raw mut from, 1) }
    }

    pub(super) fn here(&self) -> LLVMBasicBlockRef {
        // SAFETY: see `Build`.
        unsafe { LLVMGetInsertBlock(self.builder) }
    }

    pub(super) fn clear(&self, from: LLVMValueRef, bytes: u64) {
        // SAFETY: see `Build`.
        unsafe {
            let zero = LLVMConstInt(self.byte, 0, 0);
            LLVMBuildMemSet(self.builder, from, zero, self.long(bytes), 4);
        }
    }

    pub(super) fn copy(&self, to: LLVMValueRef, from: LLVMValueRef, bytes: u64) {
        // SAFETY: see `Build`.
        unsafe { LLVMBuildMemCpy(self.builder, to, 4, from, 4, self.long(bytes)) };
    }

    /// A table: with numbers a constant, else zeros that are filled later.
    pub(super) fn table(&self, nature: Nature, size: u32, numbers: Option<&[f64]>) -> LLVMValueRef {
        let ty = self.ty(nature);
        // SAFETY: see `Build`.
        unsafe {
            let array = LLVMArrayType2(ty, size.into());
            let global = LLVMAddGlobal(self.module, array, NONE);
            LLVMSetLinkage(global, llvm_sys::LLVMLinkage::LLVMInternalLinkage);
            LLVMSetAlignment(global, 64);
            let content = match numbers.filter(|numbers| !numbers.is_empty()) {
                None => LLVMConstNull(array),
                Some(numbers) => {
                    LLVMSetGlobalConstant(global, 1);
                    let number = |number: &f64| match nature {
                        Nature::Int => self.int(*number as i32),
                        Nature::Real => self.real(*number),
                    };
                    let mut all: Vec<LLVMValueRef> =
                        numbers.iter().cycle().take(size as usize).map(number).collect();
                    LLVMConstArray2(ty, all.as_mut_ptr(), all.len() as u64)
                }
            };
            LLVMSetInitializer(global, content);
            global
        }
    }
}

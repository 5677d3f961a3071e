//! What FAUST makes, and nothing else: every function, instruction and address of a module is of a kind that
//! its generator writes, so that running it touches its own state, its tables and its channels only.
//!
//! No text makes FAUST write anything else; a damaged file, or a mistake in FAUST, might. Addresses come
//! in these shapes, and [`super::harden`] holds the index of every element within its array:
//!
//! | address | index |
//! |---|---|
//! | field of the state, or of what fills a table | a constant |
//! | element of an array in one of those, in a static table or in a local variable | any: it is held |
//! | entry of the list of channels | a constant below their number |
//! | frame of a channel, entry of a table that is being filled | the number that the loop counts |

use super::entries::ENTRIES;
use super::llvm::{blocks, constant, functions, globals, instructions, name, operands};
use super::maths;
use crate::error::{CompileError, strange};
use crate::front::flags::CLASS;
use llvm_sys::core::*;
use llvm_sys::prelude::*;
use llvm_sys::target::LLVMTargetDataRef;
use llvm_sys::{LLVMAtomicOrdering, LLVMOpcode, LLVMTypeKind};

/// Intrinsics that are kept or lowered beside those of [`maths`].
pub(super) const PLAIN_INTRINSICS: &[&str] = &[
    "llvm.minnum.f32",
    "llvm.maxnum.f32",
    "llvm.fabs.f32",
    "llvm.floor.f32",
    "llvm.ceil.f32",
    "llvm.rint.f32",
    "llvm.trunc.f32",
    "llvm.sqrt.f32",
    "llvm.copysign.f32",
    "llvm.minnum.f64",
    "llvm.maxnum.f64",
    "llvm.fabs.f64",
    "llvm.floor.f64",
    "llvm.ceil.f64",
    "llvm.rint.f64",
    "llvm.trunc.f64",
    "llvm.sqrt.f64",
    "llvm.copysign.f64",
    "llvm.abs.i32",
    "llvm.smax.i32",
    "llvm.smin.i32",
];

/// An index that has to be held: operand of the address computation, and number of elements.
pub(super) struct Element {
    pub(super) operand: u32,
    pub(super) length: u64,
}

/// The module, its layout, and how many channels the program says it has.
pub(super) struct Shape {
    pub(super) module: LLVMModuleRef,
    pub(super) layout: LLVMTargetDataRef,
    pub(super) state: LLVMTypeRef,
    pub(super) channels: [u64; 2],
    /// Samples have 64 bits.
    pub(super) double: bool,
}

// SAFETY: this holds for all blocks of this file. The module and its layout are alive, values come from walking it,
// and each query is made on the kind of value that it is for, which is asked first.
impl Shape {
    /// Checks a verified module.
    pub(super) fn check(&self) -> Result<(), CompileError> {
        self.globals()?;
        for function in functions(self.module) {
            // SAFETY: see above.
            if unsafe { LLVMIsDeclaration(function) } != 0 {
                may_be_declared(function)?;
                continue;
            }
            self.function(function)?;
            for instruction in blocks(function).into_iter().flat_map(instructions) {
                self.instruction(function, instruction)?;
            }
            let mut path = vec![name(function)];
            calls_end(function, &mut path)?;
            if path[0] == format!("compute{CLASS}") {
                renders_only(function, false)?;
            }
        }
        Ok(())
    }

    fn globals(&self) -> Result<(), CompileError> {
        // SAFETY: see above.
        unsafe {
            let mut length = 0;
            LLVMGetModuleInlineAsm(self.module, &raw mut length);
            let aliases = !LLVMGetFirstGlobalAlias(self.module).is_null()
                || !LLVMGetFirstGlobalIFunc(self.module).is_null();
            if length != 0 || aliases {
                return Err(strange("it holds assembler or aliases"));
            }
            for global in globals(self.module) {
                if LLVMIsDeclaration(global) != 0
                    || LLVMIsThreadLocal(global) != 0
                    || !text(LLVMGetSection(global)).is_empty()
                    || name(global).starts_with("llvm.")
                {
                    return Err(strange(format!("it refers to {}", name(global))));
                }
            }
        }
        Ok(())
    }

    fn function(&self, function: LLVMValueRef) -> Result<(), CompileError> {
        // SAFETY: see above.
        unsafe {
            let odd = LLVMHasPersonalityFn(function) != 0
                || LLVMHasPrefixData(function) != 0
                || LLVMHasPrologueData(function) != 0
                || !LLVMGetGC(function).is_null()
                || !text(LLVMGetSection(function)).is_empty()
                || LLVMIsFunctionVarArg(LLVMGlobalGetValueType(function)) != 0;
            if odd {
                return Err(strange(format!("its function {} is of an unknown kind", name(function))));
            }
        }
        let entry = ENTRIES.iter().find(|entry| name(function) == format!("{entry}{CLASS}"));
        let Some(entry) = entry else { return Ok(()) };
        let wanted: &[LLVMTypeKind] = match *entry {
            "classInit" => &[LLVMTypeKind::LLVMIntegerTypeKind],
            "instanceConstants" => &[LLVMTypeKind::LLVMPointerTypeKind, LLVMTypeKind::LLVMIntegerTypeKind],
            "instanceClear" => &[LLVMTypeKind::LLVMPointerTypeKind],
            _ => &[
                LLVMTypeKind::LLVMPointerTypeKind,
                LLVMTypeKind::LLVMIntegerTypeKind,
                LLVMTypeKind::LLVMPointerTypeKind,
                LLVMTypeKind::LLVMPointerTypeKind,
            ],
        };
        // SAFETY: see above.
        unsafe {
            let ty = LLVMGlobalGetValueType(function);
            let fits = kinds(ty) == wanted
                && kind(LLVMGetReturnType(ty)) == LLVMTypeKind::LLVMVoidTypeKind
                && (0..LLVMCountParams(function))
                    .map(|at| LLVMTypeOf(LLVMGetParam(function, at)))
                    .all(|ty| kind(ty) != LLVMTypeKind::LLVMIntegerTypeKind || LLVMGetIntTypeWidth(ty) == 32);
            if fits { Ok(()) } else { Err(strange(format!("its function {entry} takes other values"))) }
        }
    }

    fn instruction(&self, function: LLVMValueRef, at: LLVMValueRef) -> Result<(), CompileError> {
        use LLVMOpcode::*;
        // SAFETY: see above.
        unsafe {
            let opcode = LLVMGetInstructionOpcode(at);
            self.value_type(LLVMTypeOf(at))?;
            for operand in operands(at) {
                if LLVMIsUndef(operand) != 0 || LLVMIsPoison(operand) != 0 {
                    return Err(strange("it holds a value that is not defined"));
                }
                if !LLVMIsAConstantExpr(operand).is_null() {
                    let opcode = LLVMGetConstOpcode(operand);
                    if !matches!(opcode, LLVMGetElementPtr | LLVMBitCast) {
                        return Err(strange(format!("it holds a constant {opcode:?}")));
                    }
                }
            }
            match opcode {
                LLVMRet | LLVMBr | LLVMSwitch | LLVMFNeg | LLVMAdd | LLVMFAdd | LLVMSub | LLVMFSub
                | LLVMMul | LLVMFMul | LLVMUDiv | LLVMSDiv | LLVMFDiv | LLVMURem | LLVMSRem | LLVMFRem
                | LLVMShl | LLVMLShr | LLVMAShr | LLVMAnd | LLVMOr | LLVMXor | LLVMTrunc | LLVMZExt
                | LLVMSExt | LLVMFPToUI | LLVMFPToSI | LLVMUIToFP | LLVMSIToFP | LLVMFPTrunc | LLVMFPExt
                | LLVMICmp | LLVMFCmp | LLVMAlloca | LLVMBitCast => Ok(()),
                LLVMPHI | LLVMSelect if !is_pointer(at) => Ok(()),
                LLVMLoad => self.access(function, at, LLVMGetOperand(at, 0), LLVMTypeOf(at)),
                LLVMStore => {
                    let (value, place) = (LLVMGetOperand(at, 0), LLVMGetOperand(at, 1));
                    let kept = LLVMIsALoadInst(value).is_null()
                        && LLVMIsACallInst(value).is_null()
                        && LLVMIsABitCastInst(value).is_null();
                    if is_pointer(value) && (kept || LLVMIsAAllocaInst(place).is_null()) {
                        return Err(strange("it keeps an address"));
                    }
                    self.access(function, at, place, LLVMTypeOf(value))
                }
                LLVMGetElementPtr => self.address(function, at).map(drop),
                LLVMCall => self.call(at),
                _ => Err(strange(format!("it holds {opcode:?}"))),
            }
        }
    }

    fn value_type(&self, ty: LLVMTypeRef) -> Result<(), CompileError> {
        use LLVMTypeKind::*;
        // SAFETY: see above.
        let fits = match unsafe { LLVMGetTypeKind(ty) } {
            LLVMVoidTypeKind | LLVMFloatTypeKind | LLVMDoubleTypeKind | LLVMPointerTypeKind => true,
            // SAFETY: see above.
            LLVMIntegerTypeKind => (unsafe { LLVMGetIntTypeWidth(ty) }) <= 64,
            _ => false,
        };
        if fits { Ok(()) } else { Err(strange("it computes with values of an unknown kind")) }
    }

    /// A load or store of `ty` at `place`.
    fn access(
        &self,
        function: LLVMValueRef,
        at: LLVMValueRef,
        place: LLVMValueRef,
        ty: LLVMTypeRef,
    ) -> Result<(), CompileError> {
        // SAFETY: see above.
        unsafe {
            let plain = LLVMGetVolatile(at) == 0
                && LLVMGetOrdering(at) == LLVMAtomicOrdering::LLVMAtomicOrderingNotAtomic;
            let pointee = self.pointee(function, place)?;
            let converted = is_number_for_signal(ty, pointee) && !LLVMIsAStoreInst(at).is_null();
            if !plain || (ty != pointee && !converted) {
                return Err(strange("it reads or writes beside a value"));
            }
        }
        Ok(())
    }

    /// The type of what is at an address.
    pub(super) fn pointee(
        &self,
        function: LLVMValueRef,
        place: LLVMValueRef,
    ) -> Result<LLVMTypeRef, CompileError> {
        // SAFETY: see above.
        unsafe {
            if !LLVMIsAGetElementPtrInst(place).is_null() || is_constant_address(place) {
                Ok(self.address(function, place)?.0)
            } else if !LLVMIsAAllocaInst(place).is_null() {
                Ok(LLVMGetAllocatedType(place))
            } else if !LLVMIsAGlobalVariable(place).is_null() {
                // The address of a table is that of its first entry.
                Ok(array(place)
                    .filter(|(_, length)| *length > 0)
                    .map_or_else(|| LLVMGlobalGetValueType(place), |(element, _)| element))
            } else {
                Err(strange("it reads or writes at an address of an unknown kind"))
            }
        }
    }

    /// The type that an address computation leads to, and the indices to be held.
    pub(super) fn address(
        &self,
        function: LLVMValueRef,
        at: LLVMValueRef,
    ) -> Result<(LLVMTypeRef, Vec<Element>), CompileError> {
        let beside = || strange("it reaches beside a table or its state");
        // SAFETY: see above.
        unsafe {
            let parts = operands(at);
            let (base, indices) = (parts[0], &parts[1..]);
            let source = LLVMGetGEPSourceElementType(at);
            if let [index] = indices {
                if let Some((array, length)) = array(base) {
                    if array != source {
                        return Err(beside());
                    }
                    return Ok((source, held(*index, 1, length)?.into_iter().collect()));
                }
                let is_channels = name(function) == format!("compute{CLASS}")
                    && (2..4).any(|side| {
                        base == LLVMGetParam(function, side)
                            && constant(*index).is_some_and(|index| {
                                u64::try_from(index)
                                    .is_ok_and(|index| index < self.channels[side as usize - 2])
                            })
                    });
                if is_channels && kind(source) == LLVMTypeKind::LLVMPointerTypeKind {
                    return Ok((source, Vec::new()));
                }
                let counted = !LLVMIsALoadInst(*index).is_null() || !LLVMIsAPHINode(*index).is_null();
                if counted && is_signal(function, base) && self.is_sample(function, source) {
                    return Ok((source, Vec::new()));
                }
                return Err(strange("it computes an address of an unknown kind"));
            }
            if indices.is_empty() || constant(indices[0]) != Some(0) || !self.is_of(function, base, source)? {
                return Err(beside());
            }
            let (mut ty, mut elements) = (source, Vec::new());
            for (operand, &index) in (2..).zip(&indices[1..]) {
                match kind(ty) {
                    LLVMTypeKind::LLVMStructTypeKind => {
                        let field = constant(index)
                            .and_then(|field| u32::try_from(field).ok())
                            .filter(|&field| field < LLVMCountStructElementTypes(ty))
                            .ok_or_else(beside)?;
                        ty = LLVMStructGetTypeAtIndex(ty, field);
                    }
                    LLVMTypeKind::LLVMArrayTypeKind => {
                        elements.extend(held(index, operand, LLVMGetArrayLength2(ty))?);
                        ty = LLVMGetElementType(ty);
                    }
                    _ => return Err(beside()),
                }
            }
            Ok((ty, elements))
        }
    }

    /// Whether channels (or tables, whose entries may be whole numbers) hold values of that type.
    fn is_sample(&self, function: LLVMValueRef, ty: LLVMTypeRef) -> bool {
        let sample = match self.double {
            true => LLVMTypeKind::LLVMDoubleTypeKind,
            false => LLVMTypeKind::LLVMFloatTypeKind,
        };
        let is_compute = name(function) == format!("compute{CLASS}");
        // SAFETY: see above; the width is asked of integers only.
        let whole =
            || unsafe { kind(ty) == LLVMTypeKind::LLVMIntegerTypeKind && LLVMGetIntTypeWidth(ty) == 32 };
        kind(ty) == sample || (!is_compute && whole())
    }

    /// Whether `base` leads to a whole value of that type.
    unsafe fn is_of(
        &self,
        function: LLVMValueRef,
        base: LLVMValueRef,
        ty: LLVMTypeRef,
    ) -> Result<bool, CompileError> {
        // SAFETY: see above.
        unsafe {
            if !LLVMIsAGlobalVariable(base).is_null() {
                return Ok(LLVMGlobalGetValueType(base) == ty);
            }
            if !LLVMIsAAllocaInst(base).is_null() {
                return Ok(LLVMGetAllocatedType(base) == ty);
            }
            if !LLVMIsAGetElementPtrInst(base).is_null() || is_constant_address(base) {
                return Ok(self.address(function, base)?.0 == ty);
            }
            if kind(ty) != LLVMTypeKind::LLVMStructTypeKind {
                return Ok(false);
            }
            let generator = name(function).contains("SIG");
            if !LLVMIsAArgument(base).is_null() {
                // The state, or in the functions that fill a table, what they keep meanwhile.
                return Ok(base == LLVMGetParam(function, 0) && (ty == self.state) != generator);
            }
            Ok(!LLVMIsALoadInst(base).is_null() && ty != self.state)
        }
    }

    /// Calls are to what is allowed, with the values that it takes; a table is as long as what fills it thinks.
    fn call(&self, at: LLVMValueRef) -> Result<(), CompileError> {
        // SAFETY: see above.
        unsafe {
            let callee = LLVMGetCalledValue(at);
            if LLVMIsAFunction(callee).is_null() {
                return Err(strange("it calls what is not a function"));
            }
            if LLVMGetCalledFunctionType(at) != LLVMGlobalGetValueType(callee) {
                return Err(strange(format!("it calls {} with other values than that takes", name(callee))));
            }
            if LLVMIsDeclaration(callee) != 0 {
                return Ok(());
            }
            let given = operands(at);
            if LLVMCountParams(callee) == 3 && is_pointer(given[0]) && is_pointer(given[2]) {
                let count = constant(given[1]).and_then(|count| u64::try_from(count).ok());
                let fits = count.zip(array(given[2])).is_some_and(|(count, (_, length))| count <= length);
                return if fits { Ok(()) } else { Err(strange("it fills more than a table")) };
            }
            let own = |pointer: &LLVMValueRef| {
                !LLVMIsALoadInst(*pointer).is_null() || !LLVMIsABitCastInst(*pointer).is_null()
            };
            let addresses =
                given[..LLVMCountParams(callee) as usize].iter().filter(|value| is_pointer(**value));
            if addresses.clone().all(own) { Ok(()) } else { Err(strange("it hands out an address")) }
        }
    }
}

fn held(index: LLVMValueRef, operand: u32, length: u64) -> Result<Option<Element>, CompileError> {
    match constant(index) {
        Some(index) if index >= 0 && (index as u64) < length => Ok(None),
        Some(_) => Err(strange("it reads beside a table")),
        None if length == 0 => Err(strange("it reads from a table without entries")),
        None => Ok(Some(Element { operand, length })),
    }
}

/// Type and number of elements behind a pointer to the first element of an array, if that is what it is.
fn array(base: LLVMValueRef) -> Option<(LLVMTypeRef, u64)> {
    // SAFETY: see above.
    unsafe {
        let array = if !LLVMIsAGlobalVariable(base).is_null() {
            LLVMGlobalGetValueType(base)
        } else if !LLVMIsAAllocaInst(base).is_null() {
            LLVMGetAllocatedType(base)
        } else if !LLVMIsABitCastInst(base).is_null() {
            return array(LLVMGetOperand(base, 0));
        } else if !LLVMIsAGetElementPtrInst(base).is_null() || is_constant_address(base) {
            // Of an array in something larger this is the type of that, and the indices are more than two.
            let indices = &operands(base)[1..];
            if indices.len() != 2 || indices.iter().any(|&index| constant(index) != Some(0)) {
                return None;
            }
            LLVMGetGEPSourceElementType(base)
        } else {
            return None;
        };
        (kind(array) == LLVMTypeKind::LLVMArrayTypeKind)
            .then(|| (LLVMGetElementType(array), LLVMGetArrayLength2(array)))
    }
}

fn is_constant_address(value: LLVMValueRef) -> bool {
    // SAFETY: see above.
    unsafe {
        !LLVMIsAConstantExpr(value).is_null() && LLVMGetConstOpcode(value) == LLVMOpcode::LLVMGetElementPtr
    }
}

/// Whether a pointer leads to the frames of a channel, or to the table that the function fills.
fn is_signal(function: LLVMValueRef, base: LLVMValueRef) -> bool {
    // SAFETY: see above.
    unsafe {
        let is_compute = name(function) == format!("compute{CLASS}");
        if is_compute {
            !LLVMIsALoadInst(base).is_null()
        } else {
            LLVMCountParams(function) == 3 && base == LLVMGetParam(function, 2)
        }
    }
}

/// FAUST means `prefix(2, _)` to start at 2.0, and writes the bits of the whole number 2 instead.
pub(super) fn is_number_for_signal(ty: LLVMTypeRef, pointee: LLVMTypeRef) -> bool {
    let real = matches!(kind(pointee), LLVMTypeKind::LLVMFloatTypeKind | LLVMTypeKind::LLVMDoubleTypeKind);
    kind(ty) == LLVMTypeKind::LLVMIntegerTypeKind && real
}

fn is_pointer(value: LLVMValueRef) -> bool {
    // SAFETY: see above.
    kind(unsafe { LLVMTypeOf(value) }) == LLVMTypeKind::LLVMPointerTypeKind
}

fn kind(ty: LLVMTypeRef) -> LLVMTypeKind {
    // SAFETY: see above.
    unsafe { LLVMGetTypeKind(ty) }
}

/// Kinds of the parameters of a function type.
pub(super) fn kinds(function: LLVMTypeRef) -> Vec<LLVMTypeKind> {
    // SAFETY: see above; LLVM writes as many types as it says.
    unsafe {
        let mut types = vec![std::ptr::null_mut(); LLVMCountParamTypes(function) as usize];
        LLVMGetParamTypes(function, types.as_mut_ptr());
        types.into_iter().map(kind).collect()
    }
}

unsafe fn text(pointer: *const std::ffi::c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: LLVM hands out a string that lives as long as the value.
    unsafe { std::ffi::CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

fn may_be_declared(function: LLVMValueRef) -> Result<(), CompileError> {
    let name = name(function);
    if PLAIN_INTRINSICS.contains(&name.as_str()) {
        return Ok(());
    }
    if maths::lowering(&name).is_none() {
        return Err(strange(format!("it calls {name}, which programs may not (is -single the precision?)")));
    }
    // SAFETY: see above.
    let ty = unsafe { LLVMGlobalGetValueType(function) };
    if maths::fits(&name, ty) {
        Ok(())
    } else {
        Err(strange(format!("its foreign function {name} takes or gives other values than the real one")))
    }
}

/// Refuses functions that call themselves, by whatever way.
fn calls_end(function: LLVMValueRef, path: &mut Vec<String>) -> Result<(), CompileError> {
    /// FAUST goes three deep: a table's generator that fills a table of its own.
    const DEEPEST: usize = 16;
    for callee in callees(function) {
        let callee_name = name(callee);
        if path.contains(&callee_name) || path.len() >= DEEPEST {
            return Err(strange(format!("its function {callee_name} calls itself")));
        }
        path.push(callee_name);
        calls_end(callee, path)?;
        path.pop();
    }
    Ok(())
}

/// Functions of the module that a function calls, each once.
fn callees(function: LLVMValueRef) -> Vec<LLVMValueRef> {
    let mut all = Vec::new();
    for instruction in blocks(function).into_iter().flat_map(instructions) {
        // SAFETY: see above.
        unsafe {
            if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMCall {
                continue;
            }
            let callee = LLVMGetCalledValue(instruction);
            if !LLVMIsAFunction(callee).is_null() && LLVMIsDeclaration(callee) == 0 && !all.contains(&callee)
            {
                all.push(callee);
            }
        }
    }
    all
}

/// Rendering must not allocate: `compute` calls maths, and helpers (FAUST makes one per small integer
/// power) that call nothing but maths.
fn renders_only(function: LLVMValueRef, is_helper: bool) -> Result<(), CompileError> {
    for instruction in blocks(function).into_iter().flat_map(instructions) {
        // SAFETY: see above.
        unsafe {
            if LLVMGetInstructionOpcode(instruction) != LLVMOpcode::LLVMCall {
                continue;
            }
            // `call` has seen that it is a function.
            let callee = LLVMGetCalledValue(instruction);
            let name = name(callee);
            let defined = LLVMIsDeclaration(callee) == 0;
            let takes_address =
                kinds(LLVMGlobalGetValueType(callee)).contains(&LLVMTypeKind::LLVMPointerTypeKind);
            if matches!(name.as_str(), "calloc" | "free") || (defined && (is_helper || takes_address)) {
                return Err(strange(format!("it calls {name} while it renders")));
            }
            if defined {
                renders_only(callee, true)?;
            }
        }
    }
    Ok(())
}

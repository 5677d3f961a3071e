//! LLVM's C objects as values that free themselves, and walks over them.

use llvm_sys::core::*;
use llvm_sys::error::{LLVMDisposeErrorMessage, LLVMErrorRef, LLVMGetErrorMessage};
use llvm_sys::prelude::*;
use llvm_sys::target::{LLVMDisposeTargetData, LLVMTargetDataRef};
use llvm_sys::target_machine::*;
use std::cell::Cell;
use std::ffi::{CStr, CString, c_char, c_void};
use std::sync::Once;

/// Prepares the code generator of the machine we run on, once.
pub(super) fn initialise() {
    static ONCE: Once = Once::new();
    // SAFETY: these functions have no requirements; `Once` keeps them from running twice at a time.
    ONCE.call_once(|| unsafe {
        #[cfg(target_arch = "x86_64")]
        {
            use llvm_sys::target::*;
            LLVMInitializeX86TargetInfo();
            LLVMInitializeX86Target();
            LLVMInitializeX86TargetMC();
            LLVMInitializeX86AsmPrinter();
        }
        #[cfg(target_arch = "aarch64")]
        {
            use llvm_sys::target::*;
            LLVMInitializeAArch64TargetInfo();
            LLVMInitializeAArch64Target();
            LLVMInitializeAArch64TargetMC();
            LLVMInitializeAArch64AsmPrinter();
        }
    });
}

/// A string for LLVM; our own never hold a NUL.
pub(super) fn c(text: &str) -> CString {
    CString::new(text).unwrap_or_default()
}

/// What LLVM complains about, or nothing.
pub(super) fn check(error: LLVMErrorRef) -> Result<(), String> {
    if error.is_null() {
        return Ok(());
    }
    // SAFETY: a non-null error is owned by us and consumed by reading its message.
    unsafe {
        let message = LLVMGetErrorMessage(error);
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeErrorMessage(message);
        Err(text)
    }
}

/// Takes over a message that LLVM allocated.
///
/// # Safety
/// `message` is null or comes from an LLVM function whose result is freed by `LLVMDisposeMessage`.
pub(super) unsafe fn message(message: *mut c_char) -> String {
    if message.is_null() {
        return String::new();
    }
    // SAFETY: as required above.
    unsafe {
        let text = CStr::from_ptr(message).to_string_lossy().into_owned();
        LLVMDisposeMessage(message);
        text
    }
}

/// An LLVM context. Without a handler of our own, LLVM would end the process on an error in it.
pub(super) struct Context(pub(super) LLVMContextRef, Box<Cell<u64>>);

/// Keeps the largest stack frame that LLVM complains about (`<unknown>:0:0: stack frame size (N) exceeds limit…`); the
/// rest is told where it fails.
extern "C" fn heed(info: LLVMDiagnosticInfoRef, frame: *mut c_void) {
    // SAFETY: LLVM hands out a live complaint and the pointer that the context was given; the text is ours.
    unsafe {
        let text = message(LLVMGetDiagInfoDescription(info));
        let size = text
            .split_once("stack frame size (")
            .and_then(|(_, rest)| rest.split(')').next())
            .and_then(|size| size.parse().ok());
        let frame = &*frame.cast::<Cell<u64>>();
        frame.set(frame.get().max(size.unwrap_or(0)));
    }
}

impl Context {
    pub(super) fn new() -> Self {
        let frame = Box::new(Cell::new(0));
        // SAFETY: a fresh context; the handler lives as long as the code, and what it writes to as long
        // as the context.
        unsafe {
            let context = LLVMContextCreate();
            LLVMContextSetDiagnosticHandler(context, Some(heed), (&raw const *frame).cast_mut().cast());
            Self(context, frame)
        }
    }

    /// Bytes of the largest stack frame that was too large; 0 if none was.
    pub(super) fn large_frame(&self) -> u64 {
        self.1.get()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: owned; everything made in it is freed before (fields drop in declaration order).
        unsafe { LLVMContextDispose(self.0) }
    }
}

/// A module.
pub(super) struct Module(pub(super) LLVMModuleRef);

impl Drop for Module {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { LLVMDisposeModule(self.0) }
    }
}

/// Sizes of types on a target.
pub(super) struct Layout(pub(super) LLVMTargetDataRef);

impl Drop for Layout {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { LLVMDisposeTargetData(self.0) }
    }
}

/// A target machine.
pub(super) struct Machine(pub(super) LLVMTargetMachineRef);

impl Machine {
    /// For the machine we run on, with the instructions of `cpu`.
    pub(super) fn new(cpu: &str, effort: LLVMCodeGenOptLevel) -> Result<Self, String> {
        initialise();
        // SAFETY: all strings live through the calls; what LLVM hands out is freed once.
        unsafe {
            let triple = LLVMGetDefaultTargetTriple();
            let mut target = std::ptr::null_mut();
            let mut error = std::ptr::null_mut();
            let machine = if LLVMGetTargetFromTriple(triple, &raw mut target, &raw mut error) == 0 {
                Ok(LLVMCreateTargetMachine(
                    target,
                    triple,
                    c(cpu).as_ptr(),
                    c"".as_ptr(),
                    effort,
                    LLVMRelocMode::LLVMRelocPIC,
                    LLVMCodeModel::LLVMCodeModelSmall,
                ))
            } else {
                Err(message(error))
            };
            LLVMDisposeMessage(triple);
            machine.map(Self)
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // SAFETY: owned.
        unsafe { LLVMDisposeTargetMachine(self.0) }
    }
}

macro_rules! walk {
    ($doc:literal $name:ident, $of:ty, $first:ident, $next:ident, $item:ty) => {
        #[doc = $doc]
        pub(super) fn $name(of: $of) -> Vec<$item> {
            let mut all = Vec::new();
            // SAFETY: `of` is alive: its owner is borrowed or owned by every caller, and nothing
            // is removed during the walk.
            let mut item = unsafe { $first(of) };
            while !item.is_null() {
                all.push(item);
                // SAFETY: as above.
                item = unsafe { $next(item) };
            }
            all
        }
    };
}

walk!("Functions of a module." functions, LLVMModuleRef, LLVMGetFirstFunction, LLVMGetNextFunction, LLVMValueRef);
walk!("Globals of a module." globals, LLVMModuleRef, LLVMGetFirstGlobal, LLVMGetNextGlobal, LLVMValueRef);
walk!("Blocks of a function." blocks, LLVMValueRef, LLVMGetFirstBasicBlock, LLVMGetNextBasicBlock, LLVMBasicBlockRef);
walk!("Instructions of a block." instructions, LLVMBasicBlockRef, LLVMGetFirstInstruction, LLVMGetNextInstruction, LLVMValueRef);
walk!("Uses of a value." uses, LLVMValueRef, LLVMGetFirstUse, LLVMGetNextUse, LLVMUseRef);

/// Name of a value.
pub(super) fn name(value: LLVMValueRef) -> String {
    let mut length = 0;
    // SAFETY: the value is alive; LLVM gives as many bytes as it says.
    unsafe {
        let bytes = LLVMGetValueName2(value, &raw mut length).cast::<u8>();
        String::from_utf8_lossy(std::slice::from_raw_parts(bytes, length)).into_owned()
    }
}

/// Operands of an instruction or constant.
pub(super) fn operands(value: LLVMValueRef) -> Vec<LLVMValueRef> {
    // SAFETY: the value is alive and has as many operands as it says.
    unsafe { (0..LLVMGetNumOperands(value).max(0) as u32).map(|at| LLVMGetOperand(value, at)).collect() }
}

/// The number, if the value is a constant integer of at most 64 bits.
pub(super) fn constant(value: LLVMValueRef) -> Option<i64> {
    // SAFETY: the value is alive.
    unsafe { (!LLVMIsAConstantInt(value).is_null()).then(|| LLVMConstIntGetSExtValue(value)) }
}

//! Object file → running code, in memory of its own.
//!
//! The object goes into a bare dylib: LLJIT's main one would also find every symbol of the host.

use super::entries::ENTRIES;
use super::llvm::{c, check, initialise};
use super::maths;
use crate::error::CompileError;
use crate::front::flags::CLASS;
use llvm_sys::core::LLVMCreateMemoryBufferWithMemoryRangeCopy;
use llvm_sys::error::LLVMErrorRef;
use llvm_sys::orc2::lljit::*;
use llvm_sys::orc2::*;
use std::ffi::{CStr, c_void};

/// Renders `count` frames of one instance; samples are of the program's precision.
pub(crate) type Compute = unsafe extern "C" fn(*mut c_void, i32, *const *const c_void, *const *mut c_void);
/// Fills the tables that instances share, for a sample rate.
pub(crate) type ClassInit = unsafe extern "C" fn(i32);
/// Sets what depends on the sample rate only.
pub(crate) type Constants = unsafe extern "C" fn(*mut c_void, i32);
/// Forgets signals.
pub(crate) type Clear = unsafe extern "C" fn(*mut c_void);

/// Code that can run for as long as this lives.
pub(crate) struct Linked {
    jit: LLVMOrcLLJITRef,
    pub(crate) class_init: ClassInit,
    pub(crate) constants: Constants,
    pub(crate) clear: Clear,
    pub(crate) compute: Compute,
}

// SAFETY: LLJIT may be used and disposed of from any thread; we touch it only in `new` and `drop`.
unsafe impl Send for Linked {}
// SAFETY: a shared `Linked` gives out function pointers only.
unsafe impl Sync for Linked {}

/// Disposes of the JIT unless it got its owner.
struct Jit(LLVMOrcLLJITRef);

impl Drop for Jit {
    fn drop(&mut self) {
        // SAFETY: owned; an error of the disposal has nobody to go to and is consumed by `check`.
        let _ = check(unsafe { LLVMOrcDisposeLLJIT(self.0) });
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        drop(Jit(self.jit));
    }
}

#[derive(Default)]
struct Answer {
    error: Option<String>,
    addresses: Vec<(String, u64)>,
}

extern "C" fn answer(error: LLVMErrorRef, pairs: LLVMOrcCSymbolMapPairs, count: usize, to: *mut c_void) {
    // SAFETY: `to` is the `Answer` that the lookup was given and waits for; on success there are
    // `count` pairs with live names.
    unsafe {
        let to = &mut *to.cast::<Answer>();
        if let Err(text) = check(error) {
            to.error = Some(text);
            return;
        }
        for pair in std::slice::from_raw_parts(pairs, count) {
            let name = CStr::from_ptr(LLVMOrcSymbolStringPoolEntryStr(pair.Name));
            to.addresses.push((name.to_string_lossy().into_owned(), pair.Sym.Address));
        }
    }
}

extern "C" fn silent(_: *mut c_void, error: LLVMErrorRef) {
    let _ = check(error);
}

impl Linked {
    /// Links an object that this crate's back half made.
    pub(crate) fn new(object: &[u8]) -> Result<Self, CompileError> {
        initialise();
        let code = CompileError::Code;
        let mut jit = std::ptr::null_mut();
        // SAFETY: a null builder stands for the default one.
        check(unsafe { LLVMOrcCreateLLJIT(&raw mut jit, std::ptr::null_mut()) }).map_err(code)?;
        let jit = Jit(jit);
        let entries = ENTRIES.map(|entry| format!("{entry}{CLASS}"));
        let mut found = Answer::default();
        // SAFETY: the JIT is alive through the block. Names given to a symbol map or a lookup, and the
        // buffer given to the JIT, are consumed by it. Without compile threads, which the default
        // builder has not, the lookup has called `answer` when it returns.
        unsafe {
            let session = LLVMOrcLLJITGetExecutionSession(jit.0);
            // The default reporter writes to the host's stderr; what matters reaches `answer`.
            LLVMOrcExecutionSessionSetErrorReporter(session, silent, std::ptr::null_mut());
            let dylib = LLVMOrcExecutionSessionCreateBareJITDylib(session, c"program".as_ptr());
            let mut allowed: Vec<LLVMOrcCSymbolMapPair> = maths::symbols()
                .iter()
                .map(|symbol| LLVMOrcCSymbolMapPair {
                    Name: LLVMOrcLLJITMangleAndIntern(jit.0, c(symbol.name).as_ptr()),
                    Sym: LLVMJITEvaluatedSymbol {
                        Address: symbol.address as u64,
                        Flags: LLVMJITSymbolFlags {
                            GenericFlags: LLVMJITSymbolGenericFlags::LLVMJITSymbolGenericFlagsExported as u8
                                | LLVMJITSymbolGenericFlags::LLVMJITSymbolGenericFlagsCallable as u8,
                            TargetFlags: 0,
                        },
                    },
                })
                .collect();
            let unit = LLVMOrcAbsoluteSymbols(allowed.as_mut_ptr(), allowed.len());
            check(LLVMOrcJITDylibDefine(dylib, unit)).map_err(code)?;
            let buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(
                object.as_ptr().cast(),
                object.len(),
                c"object".as_ptr(),
            );
            check(LLVMOrcLLJITAddObjectFile(jit.0, dylib, buffer)).map_err(code)?;
            let mut order = LLVMOrcCJITDylibSearchOrderElement {
                JD: dylib,
                JDLookupFlags: LLVMOrcJITDylibLookupFlags::LLVMOrcJITDylibLookupFlagsMatchAllSymbols,
            };
            let mut wanted = entries.each_ref().map(|entry| LLVMOrcCLookupSetElement {
                Name: LLVMOrcLLJITMangleAndIntern(jit.0, c(entry).as_ptr()),
                LookupFlags: LLVMOrcSymbolLookupFlags::LLVMOrcSymbolLookupFlagsRequiredSymbol,
            });
            LLVMOrcExecutionSessionLookup(
                session,
                LLVMOrcLookupKind::LLVMOrcLookupKindStatic,
                &raw mut order,
                1,
                wanted.as_mut_ptr(),
                wanted.len(),
                answer,
                (&raw mut found).cast(),
            );
        }
        if let Some(error) = found.error {
            return Err(code(error));
        }
        let address = |entry: &str| {
            let wanted = format!("{entry}{CLASS}");
            found
                .addresses
                .iter()
                .find(|(name, _)| name.trim_start_matches('_') == wanted)
                .map(|(_, address)| *address as *const c_void)
                .filter(|address| !address.is_null())
                .ok_or_else(|| code(format!("it lacks {entry}")))
        };
        let addresses = [
            address("classInit")?,
            address("instanceConstants")?,
            address("instanceClear")?,
            address("compute")?,
        ];
        // SAFETY: the objects are made by our back half (the cache checks where they come from), from
        // FAUST's entry points, which have these types.
        unsafe {
            let linked = Self {
                jit: jit.0,
                class_init: std::mem::transmute::<*const c_void, ClassInit>(addresses[0]),
                constants: std::mem::transmute::<*const c_void, Constants>(addresses[1]),
                clear: std::mem::transmute::<*const c_void, Clear>(addresses[2]),
                compute: std::mem::transmute::<*const c_void, Compute>(addresses[3]),
            };
            std::mem::forget(jit);
            Ok(linked)
        }
    }
}

//! The functions that compiled programs may call, and nothing else.
//!
//! All of them come from the `libm` crate: the same bits on every machine, whatever its C library and
//! whichever variant that picks for the CPU. In the module they get names of our own
//! (`krach_sinf`…): LLVM knows nothing about those, so that it cannot fold a call at compile time with
//! another library's result, which would make optimised code differ from quick code.
//!
//! The tangent is computed in double precision and rounded: filters set their poles by it, and the last
//! bit of the single one put a low-pass 1.4e-5 of its loudest sample off what the C library's gives.

use std::ffi::c_void;

/// What becomes of a call to a C maths function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lowering {
    /// An LLVM intrinsic that is exact on every target.
    Intrinsic(&'static str),
    /// Our function of this name.
    Own(&'static str),
}

/// A function that may be called.
pub(super) struct Symbol {
    /// Name in the linked object.
    pub(super) name: &'static str,
    /// Where it is.
    pub(super) address: *const c_void,
}

macro_rules! functions {
    ($($c:literal $own:literal $rust:ident($($arg:ident: $ty:ty),*) -> $out:ty = $body:expr;)*) => {
        $(extern "C" fn $rust($($arg: $ty),*) -> $out { $body })*

        /// C name and our name, for every function of our own.
        const OWN: &[(&str, &str)] = &[$(($c, $own)),*];

        /// Every symbol that an object may refer to.
        pub(super) fn symbols() -> Vec<Symbol> {
            let mut all = vec![$(Symbol { name: $own, address: $rust as *const c_void }),*];
            all.extend(memory_symbols());
            all
        }
    };
}

functions! {
    "sinf" "krach_sinf" sinf(x: f32) -> f32 = libm::sinf(x);
    "cosf" "krach_cosf" cosf(x: f32) -> f32 = libm::cosf(x);
    "tanf" "krach_tanf" tanf(x: f32) -> f32 = libm::tan(f64::from(x)) as f32;
    "asinf" "krach_asinf" asinf(x: f32) -> f32 = libm::asinf(x);
    "acosf" "krach_acosf" acosf(x: f32) -> f32 = libm::acosf(x);
    "atanf" "krach_atanf" atanf(x: f32) -> f32 = libm::atanf(x);
    "atan2f" "krach_atan2f" atan2f(y: f32, x: f32) -> f32 = libm::atan2f(y, x);
    "sinhf" "krach_sinhf" sinhf(x: f32) -> f32 = libm::sinhf(x);
    "coshf" "krach_coshf" coshf(x: f32) -> f32 = libm::coshf(x);
    "tanhf" "krach_tanhf" tanhf(x: f32) -> f32 = libm::tanhf(x);
    "asinhf" "krach_asinhf" asinhf(x: f32) -> f32 = libm::asinhf(x);
    "acoshf" "krach_acoshf" acoshf(x: f32) -> f32 = libm::acoshf(x);
    "atanhf" "krach_atanhf" atanhf(x: f32) -> f32 = libm::atanhf(x);
    // In double precision too: envelopes move by 1 - exp(-x), where the last bit is a thousandth of the rate.
    "expf" "krach_expf" expf(x: f32) -> f32 = libm::exp(f64::from(x)) as f32;
    "exp2f" "krach_exp2f" exp2f(x: f32) -> f32 = libm::exp2f(x);
    "exp10f" "krach_exp10f" exp10f(x: f32) -> f32 = libm::exp10f(x);
    "expm1f" "krach_expm1f" expm1f(x: f32) -> f32 = libm::expm1f(x);
    "logf" "krach_logf" logf(x: f32) -> f32 = libm::logf(x);
    "log2f" "krach_log2f" log2f(x: f32) -> f32 = libm::log2f(x);
    "log10f" "krach_log10f" log10f(x: f32) -> f32 = libm::log10f(x);
    "log1pf" "krach_log1pf" log1pf(x: f32) -> f32 = libm::log1pf(x);
    "powf" "krach_powf" powf(x: f32, y: f32) -> f32 = libm::powf(x, y);
    "fmodf" "krach_fmodf" fmodf(x: f32, y: f32) -> f32 = libm::fmodf(x, y);
    "remainderf" "krach_remainderf" remainderf(x: f32, y: f32) -> f32 = libm::remainderf(x, y);
    "roundf" "krach_roundf" roundf(x: f32) -> f32 = libm::roundf(x);
    "cbrtf" "krach_cbrtf" cbrtf(x: f32) -> f32 = libm::cbrtf(x);
    "hypotf" "krach_hypotf" hypotf(x: f32, y: f32) -> f32 = libm::hypotf(x, y);
    "erff" "krach_erff" erff(x: f32) -> f32 = libm::erff(x);
    "erfcf" "krach_erfcf" erfcf(x: f32) -> f32 = libm::erfcf(x);
    "tgammaf" "krach_tgammaf" tgammaf(x: f32) -> f32 = libm::tgammaf(x);
    "lgammaf" "krach_lgammaf" lgammaf(x: f32) -> f32 = libm::lgammaf(x);
    "ldexpf" "krach_ldexpf" ldexpf(x: f32, n: i32) -> f32 = libm::ldexpf(x, n);
    "scalbnf" "krach_scalbnf" scalbnf(x: f32, n: i32) -> f32 = libm::scalbnf(x, n);
    "ilogbf" "krach_ilogbf" ilogbf(x: f32) -> i32 = libm::ilogbf(x);
    "isnanf" "krach_isnanf" isnanf(x: f32) -> i32 = i32::from(x.is_nan());
    "isinff" "krach_isinff" isinff(x: f32) -> i32 = i32::from(x.is_infinite());
    "calloc" "krach_calloc" zeroed(count: usize, size: usize) -> *mut c_void = {
        // SAFETY: any two sizes are valid arguments; an overflow gives null.
        let memory = unsafe { libc::calloc(count.max(1), size.max(1)) };
        if memory.is_null() { std::process::abort() } else { memory }
    };
    "free" "krach_free" release(memory: *mut c_void) -> () = {
        // SAFETY: programs free what they got from `krach_calloc`, once, when their tables are filled.
        unsafe { libc::free(memory) }
    };
}

/// What LLVM itself makes calls to when it copies or clears memory.
fn memory_symbols() -> [Symbol; 3] {
    [
        Symbol { name: "memset", address: libc::memset as *const c_void },
        Symbol { name: "memcpy", address: libc::memcpy as *const c_void },
        Symbol { name: "memmove", address: libc::memmove as *const c_void },
    ]
}

/// Functions that the processor does exactly, with the intrinsic that says so.
const EXACT: &[(&str, &str)] = &[
    ("fabsf", "llvm.fabs"),
    ("floorf", "llvm.floor"),
    ("ceilf", "llvm.ceil"),
    ("rintf", "llvm.rint"),
    ("sqrtf", "llvm.sqrt"),
    ("copysignf", "llvm.copysign"),
];

/// LLVM intrinsics by which FAUST calls a maths function, and that function.
const INTRINSICS: &[(&str, &str)] = &[
    ("llvm.sin.f32", "sinf"),
    ("llvm.cos.f32", "cosf"),
    ("llvm.exp.f32", "expf"),
    ("llvm.exp2.f32", "exp2f"),
    ("llvm.log.f32", "logf"),
    ("llvm.log2.f32", "log2f"),
    ("llvm.log10.f32", "log10f"),
    ("llvm.pow.f32", "powf"),
    ("llvm.round.f32", "roundf"),
];

/// What becomes of a call to the function or intrinsic of that name; `None` if it may not be called.
pub(super) fn lowering(name: &str) -> Option<Lowering> {
    let name = INTRINSICS.iter().find(|(intrinsic, _)| *intrinsic == name).map_or(name, |(_, c)| c);
    let exact = EXACT.iter().find(|(c, _)| *c == name).map(|(_, intrinsic)| Lowering::Intrinsic(intrinsic));
    exact.or_else(|| OWN.iter().find(|(c, _)| *c == name).map(|(_, own)| Lowering::Own(own)))
}

/// Whether a FAUST text may name this foreign function: the maths above in any of its three widths.
pub(crate) fn may_be_named(name: &str) -> bool {
    let known = |name: &str| !matches!(name, "calloc" | "free") && lowering(name).is_some();
    known(name)
        || known(&format!("{name}f"))
        || name.strip_suffix('l').is_some_and(|n| known(&format!("{n}f")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maths_may_be_named_in_any_width_and_memory_or_the_system_may_not() {
        for name in ["sinhf", "sinh", "sinhl", "isnan", "copysignf", "copysignl"] {
            assert!(may_be_named(name), "{name}");
        }
        for name in ["system", "calloc", "free", "memcpy", "krach_sinf", "", "l", "arc4random"] {
            assert!(!may_be_named(name), "{name}");
        }
    }
}

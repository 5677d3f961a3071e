//! The functions that compiled programs may call, and nothing else.
//!
//! Those that round come from the `pxfm` crate, which computes in double precision and rounds once: to the
//! last bit, or so rarely not that it takes millions of numbers to see it. What the last bit is worth:
//! filters set their poles by the tangent, and that of another library put a low-pass 1.4e-5 of its
//! loudest sample off; envelopes move by 1 - exp(-x), where it is a thousandth of the rate. The others, and
//! those of programs in double precision, come from the `libm` crate: the same bits on every processor. No machine's C library is asked. In the module they get names of our own
//! (`krach_sinf`…): LLVM knows nothing about those, so that it cannot fold a call at compile time with
//! another library's result, which would make optimised code differ from quick code.

use llvm_sys::core::*;
use llvm_sys::prelude::*;
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

        /// C name, our name, and what it takes and gives, for every function of our own.
        const OWN: &[(&str, &str, &[&str], &str)] = &[$(($c, $own, &[$(stringify!($ty)),*], stringify!($out))),*];

        /// Every symbol that an object may refer to.
        pub(super) fn symbols() -> Vec<Symbol> {
            let mut all = vec![$(Symbol { name: $own, address: $rust as *const c_void }),*];
            all.extend(memory_symbols());
            all
        }
    };
}

functions! {
    "sinf" "krach_sinf" sinf(x: f32) -> f32 = pxfm::f_sinf(x);
    "cosf" "krach_cosf" cosf(x: f32) -> f32 = pxfm::f_cosf(x);
    "tanf" "krach_tanf" tanf(x: f32) -> f32 = pxfm::f_tanf(x);
    "asinf" "krach_asinf" asinf(x: f32) -> f32 = pxfm::f_asinf(x);
    "acosf" "krach_acosf" acosf(x: f32) -> f32 = pxfm::f_acosf(x);
    "atanf" "krach_atanf" atanf(x: f32) -> f32 = pxfm::f_atanf(x);
    "atan2f" "krach_atan2f" atan2f(y: f32, x: f32) -> f32 = pxfm::f_atan2f(y, x);
    "sinhf" "krach_sinhf" sinhf(x: f32) -> f32 = pxfm::f_sinhf(x);
    "coshf" "krach_coshf" coshf(x: f32) -> f32 = pxfm::f_coshf(x);
    "tanhf" "krach_tanhf" tanhf(x: f32) -> f32 = pxfm::f_tanhf(x);
    "asinhf" "krach_asinhf" asinhf(x: f32) -> f32 = pxfm::f_asinhf(x);
    "acoshf" "krach_acoshf" acoshf(x: f32) -> f32 = pxfm::f_acoshf(x);
    "atanhf" "krach_atanhf" atanhf(x: f32) -> f32 = pxfm::f_atanhf(x);
    "expf" "krach_expf" expf(x: f32) -> f32 = pxfm::f_expf(x);
    "exp2f" "krach_exp2f" exp2f(x: f32) -> f32 = pxfm::f_exp2f(x);
    "exp10f" "krach_exp10f" exp10f(x: f32) -> f32 = pxfm::f_exp10f(x);
    "expm1f" "krach_expm1f" expm1f(x: f32) -> f32 = pxfm::f_expm1f(x);
    "logf" "krach_logf" logf(x: f32) -> f32 = pxfm::f_logf(x);
    "log2f" "krach_log2f" log2f(x: f32) -> f32 = pxfm::f_log2f(x);
    "log10f" "krach_log10f" log10f(x: f32) -> f32 = pxfm::f_log10f(x);
    "log1pf" "krach_log1pf" log1pf(x: f32) -> f32 = pxfm::f_log1pf(x);
    "powf" "krach_powf" powf(x: f32, y: f32) -> f32 = pxfm::f_powf(x, y);
    "fmodf" "krach_fmodf" fmodf(x: f32, y: f32) -> f32 = libm::fmodf(x, y);
    "remainderf" "krach_remainderf" remainderf(x: f32, y: f32) -> f32 = libm::remainderf(x, y);
    "roundf" "krach_roundf" roundf(x: f32) -> f32 = libm::roundf(x);
    "cbrtf" "krach_cbrtf" cbrtf(x: f32) -> f32 = pxfm::f_cbrtf(x);
    "hypotf" "krach_hypotf" hypotf(x: f32, y: f32) -> f32 = pxfm::f_hypotf(x, y);
    "erff" "krach_erff" erff(x: f32) -> f32 = pxfm::f_erff(x);
    "erfcf" "krach_erfcf" erfcf(x: f32) -> f32 = pxfm::f_erfcf(x);
    "tgammaf" "krach_tgammaf" tgammaf(x: f32) -> f32 = libm::tgammaf(x);
    "lgammaf" "krach_lgammaf" lgammaf(x: f32) -> f32 = libm::lgammaf(x);
    "ldexpf" "krach_ldexpf" ldexpf(x: f32, n: i32) -> f32 = libm::ldexpf(x, n);
    "scalbnf" "krach_scalbnf" scalbnf(x: f32, n: i32) -> f32 = libm::scalbnf(x, n);
    "ilogbf" "krach_ilogbf" ilogbf(x: f32) -> i32 = libm::ilogbf(x);
    "abs" "krach_abs" abs(x: i32) -> i32 = x.wrapping_abs();
    "isnanf" "krach_isnanf" isnanf(x: f32) -> i32 = i32::from(x.is_nan());
    "isinff" "krach_isinff" isinff(x: f32) -> i32 = i32::from(x.is_infinite());
    "sin" "krach_sin" sin(x: f64) -> f64 = libm::sin(x);
    "cos" "krach_cos" cos(x: f64) -> f64 = libm::cos(x);
    "tan" "krach_tan" tan(x: f64) -> f64 = libm::tan(x);
    "asin" "krach_asin" asin(x: f64) -> f64 = libm::asin(x);
    "acos" "krach_acos" acos(x: f64) -> f64 = libm::acos(x);
    "atan" "krach_atan" atan(x: f64) -> f64 = libm::atan(x);
    "sinh" "krach_sinh" sinh(x: f64) -> f64 = libm::sinh(x);
    "cosh" "krach_cosh" cosh(x: f64) -> f64 = libm::cosh(x);
    "tanh" "krach_tanh" tanh(x: f64) -> f64 = libm::tanh(x);
    "asinh" "krach_asinh" asinh(x: f64) -> f64 = libm::asinh(x);
    "acosh" "krach_acosh" acosh(x: f64) -> f64 = libm::acosh(x);
    "atanh" "krach_atanh" atanh(x: f64) -> f64 = libm::atanh(x);
    "exp" "krach_exp" exp(x: f64) -> f64 = libm::exp(x);
    "exp2" "krach_exp2" exp2(x: f64) -> f64 = libm::exp2(x);
    "exp10" "krach_exp10" exp10(x: f64) -> f64 = libm::exp10(x);
    "expm1" "krach_expm1" expm1(x: f64) -> f64 = libm::expm1(x);
    "log" "krach_log" log(x: f64) -> f64 = libm::log(x);
    "log2" "krach_log2" log2(x: f64) -> f64 = libm::log2(x);
    "log10" "krach_log10" log10(x: f64) -> f64 = libm::log10(x);
    "log1p" "krach_log1p" log1p(x: f64) -> f64 = libm::log1p(x);
    "round" "krach_round" round(x: f64) -> f64 = libm::round(x);
    "cbrt" "krach_cbrt" cbrt(x: f64) -> f64 = libm::cbrt(x);
    "erf" "krach_erf" erf(x: f64) -> f64 = libm::erf(x);
    "erfc" "krach_erfc" erfc(x: f64) -> f64 = libm::erfc(x);
    "tgamma" "krach_tgamma" tgamma(x: f64) -> f64 = libm::tgamma(x);
    "lgamma" "krach_lgamma" lgamma(x: f64) -> f64 = libm::lgamma(x);
    "atan2" "krach_atan2" atan2(y: f64, x: f64) -> f64 = libm::atan2(y, x);
    "pow" "krach_pow" pow(x: f64, y: f64) -> f64 = libm::pow(x, y);
    "fmod" "krach_fmod" fmod(x: f64, y: f64) -> f64 = libm::fmod(x, y);
    "remainder" "krach_remainder" remainder(x: f64, y: f64) -> f64 = libm::remainder(x, y);
    "hypot" "krach_hypot" hypot(x: f64, y: f64) -> f64 = libm::hypot(x, y);
    "ldexp" "krach_ldexp" ldexp(x: f64, n: i32) -> f64 = libm::ldexp(x, n);
    "scalbn" "krach_scalbn" scalbn(x: f64, n: i32) -> f64 = libm::scalbn(x, n);
    "ilogb" "krach_ilogb" ilogb(x: f64) -> i32 = libm::ilogb(x);
    "isnan" "krach_isnan" isnan(x: f64) -> i32 = i32::from(x.is_nan());
    "isinf" "krach_isinf" isinf(x: f64) -> i32 = i32::from(x.is_infinite());
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
    ("truncf", "llvm.trunc"),
    ("sqrtf", "llvm.sqrt"),
    ("copysignf", "llvm.copysign"),
    ("fabs", "llvm.fabs"),
    ("floor", "llvm.floor"),
    ("ceil", "llvm.ceil"),
    ("rint", "llvm.rint"),
    ("trunc", "llvm.trunc"),
    ("sqrt", "llvm.sqrt"),
    ("copysign", "llvm.copysign"),
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
    ("llvm.exp10.f32", "exp10f"),
    ("llvm.round.f32", "roundf"),
    ("llvm.tan.f32", "tanf"),
    ("llvm.asin.f32", "asinf"),
    ("llvm.acos.f32", "acosf"),
    ("llvm.atan.f32", "atanf"),
    ("llvm.sinh.f32", "sinhf"),
    ("llvm.cosh.f32", "coshf"),
    ("llvm.tanh.f32", "tanhf"),
    ("llvm.sin.f64", "sin"),
    ("llvm.cos.f64", "cos"),
    ("llvm.exp.f64", "exp"),
    ("llvm.exp2.f64", "exp2"),
    ("llvm.log.f64", "log"),
    ("llvm.log2.f64", "log2"),
    ("llvm.log10.f64", "log10"),
    ("llvm.pow.f64", "pow"),
    ("llvm.exp10.f64", "exp10"),
    ("llvm.round.f64", "round"),
    ("llvm.tan.f64", "tan"),
    ("llvm.asin.f64", "asin"),
    ("llvm.acos.f64", "acos"),
    ("llvm.atan.f64", "atan"),
    ("llvm.sinh.f64", "sinh"),
    ("llvm.cosh.f64", "cosh"),
    ("llvm.tanh.f64", "tanh"),
];

fn c_name(name: &str) -> &str {
    INTRINSICS.iter().find(|(intrinsic, _)| *intrinsic == name).map_or(name, |(_, c)| c)
}

/// What becomes of a call to the function or intrinsic of that name; `None` if it may not be called.
pub(super) fn lowering(name: &str) -> Option<Lowering> {
    let name = c_name(name);
    let exact = EXACT.iter().find(|(c, _)| *c == name).map(|(_, intrinsic)| Lowering::Intrinsic(intrinsic));
    exact.or_else(|| OWN.iter().find(|(c, ..)| *c == name).map(|(_, own, ..)| Lowering::Own(own)))
}

/// Whether a declaration of the function or intrinsic of that name takes and gives what ours does. A
/// text may declare `atan2f` with one argument, and would then hand ours a register of somebody else's.
pub(super) fn fits(name: &str, ty: LLVMTypeRef) -> bool {
    let name = c_name(name);
    let (takes, gives): (&[&str], &str) = match (name, OWN.iter().find(|(c, ..)| *c == name)) {
        (_, Some((_, _, takes, gives))) => (takes, gives),
        ("copysignf", None) => (&["f32", "f32"], "f32"),
        ("copysign", None) => (&["f64", "f64"], "f64"),
        (single, None) if single.ends_with('f') => (&["f32"], "f32"),
        (_, None) => (&["f64"], "f64"),
    };
    // SAFETY: the type is a live function's; LLVM writes as many types as it says.
    unsafe {
        let mut types = vec![std::ptr::null_mut(); LLVMCountParamTypes(ty) as usize];
        LLVMGetParamTypes(ty, types.as_mut_ptr());
        types.len() == takes.len()
            && types.into_iter().zip(takes).all(|(ty, name)| is_type(ty, name))
            && is_type(LLVMGetReturnType(ty), gives)
    }
}

fn is_type(ty: LLVMTypeRef, name: &str) -> bool {
    use llvm_sys::LLVMTypeKind::*;
    // SAFETY: a live type; the width is asked of integers only.
    unsafe {
        match (LLVMGetTypeKind(ty), name) {
            (LLVMFloatTypeKind, "f32") | (LLVMDoubleTypeKind, "f64") | (LLVMVoidTypeKind, "()") => true,
            (LLVMIntegerTypeKind, "i32") => LLVMGetIntTypeWidth(ty) == 32,
            (LLVMIntegerTypeKind, "usize") => LLVMGetIntTypeWidth(ty) == usize::BITS,
            (LLVMPointerTypeKind, name) => name.starts_with('*'),
            _ => false,
        }
    }
}

/// Whether a FAUST text may name this foreign function: the maths above in any of its three widths.
pub(crate) fn may_be_named(name: &str) -> bool {
    let known = |name: &str| !matches!(name, "calloc" | "free") && lowering(name).is_some();
    // With an `f` behind, other words are names too: `er` and `isin` are no functions.
    let both = |name: &str| known(name) && known(&format!("{name}f"));
    known(name) || name.strip_suffix('l').is_some_and(both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn maths_may_be_named_in_any_width_and_memory_or_the_system_may_not() {
        for name in ["sinhf", "sinh", "sinhl", "isnan", "copysignf", "copysignl"] {
            assert!(may_be_named(name), "{name}");
        }
        for name in ["system", "calloc", "free", "memcpy", "krach_sinf", "", "l", "arc4random"] {
            assert!(!may_be_named(name), "{name}");
        }
    }

    #[test]
    fn what_may_be_named_is_this_list_and_nothing_else() {
        let in_three_widths = "acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp \
            exp10 exp2 expm1 fabs floor fmod hypot ilogb isinf isnan ldexp lgamma log log10 log1p log2 pow \
            remainder rint round scalbn sin sinh sqrt tan tanh tgamma trunc";
        // The whole number's, and the names under which FAUST itself calls some: no text can write a dot.
        let mut expected = BTreeSet::from(["abs".to_owned()]);
        for name in in_three_widths.split_whitespace() {
            expected.extend(["", "f", "l"].map(|width| format!("{name}{width}")));
        }
        // Every name that stands in a table here, and those next to it.
        let own = OWN.iter().flat_map(|(c, own, ..)| [*c, *own]);
        let linked = symbols().into_iter().map(|symbol| symbol.name);
        let exact = EXACT.iter().flat_map(|(c, intrinsic)| [*c, *intrinsic]);
        let tables: BTreeSet<&str> = own.chain(exact).chain(linked).collect();
        let mut allowed = BTreeSet::new();
        for name in tables {
            let stem = &name[..name.len() - 1];
            let near = [
                name.to_owned(),
                stem.to_owned(),
                format!("{name}f"),
                format!("{name}l"),
                format!("{stem}l"),
            ];
            let further = [format!("{name}ff"), format!("{name}ll"), format!("{name}fl"), format!("_{name}")];
            allowed.extend(near.into_iter().chain(further).filter(|name| may_be_named(name)));
        }
        assert_eq!(allowed, expected);
    }

    #[test]
    fn no_number_makes_a_function_of_ours_panic_or_loop() {
        let mut numbers = vec![0.0, -0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MIN, f32::MAX];
        numbers.extend((0..=u32::MAX).step_by(0x0040_1235).map(f32::from_bits));
        let mut whole = vec![i32::MIN, i32::MAX, 0, -1];
        whole.extend((-400..400).step_by(37));
        for &x in &numbers {
            for one in [
                sinf, cosf, tanf, asinf, acosf, atanf, sinhf, coshf, tanhf, asinhf, acoshf, atanhf, expf,
                exp2f, exp10f, expm1f, logf, log2f, log10f, log1pf, roundf, cbrtf, erff, erfcf, tgammaf,
                lgammaf,
            ] {
                one(x);
            }
            for two in [atan2f, powf, fmodf, remainderf, hypotf] {
                for &y in numbers.iter().step_by(29) {
                    two(x, y);
                }
            }
            for &n in &whole {
                ldexpf(x, n);
                scalbnf(x, n);
            }
            ilogbf(x);
            isnanf(x);
            isinff(x);
        }
    }

    #[test]
    fn nor_one_of_double_precision() {
        let mut numbers = vec![0.0, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, f64::MAX];
        numbers.extend((0..=u64::MAX).step_by(0x0040_1235_0000_0001).map(f64::from_bits));
        for &x in &numbers {
            for one in [
                sin, cos, tan, asin, acos, atan, sinh, cosh, tanh, asinh, acosh, atanh, exp, exp2, exp10,
                expm1, log, log2, log10, log1p, round, cbrt, erf, erfc, tgamma, lgamma,
            ] {
                one(x);
            }
            for two in [atan2, pow, fmod, remainder, hypot] {
                for &y in numbers.iter().step_by(29) {
                    two(x, y);
                }
            }
            for n in [i32::MIN, i32::MAX, 0, -1, 40, -1080, 2000] {
                ldexp(x, n);
                scalbn(x, n);
            }
            ilogb(x);
            isnan(x);
            isinf(x);
        }
    }

    /// Against double precision, whose error is far below the last bit of single precision.
    #[test]
    fn what_rounds_is_the_nearest_number_but_for_one_in_many_thousands() {
        type Exact = fn(f64) -> f64;
        let functions: [(&str, extern "C" fn(f32) -> f32, Exact, f32, f32); 14] = [
            ("sin", sinf, libm::sin, -100.0, 100.0),
            ("cos", cosf, libm::cos, -100.0, 100.0),
            ("tan", tanf, libm::tan, -1.5, 1.5),
            ("asin", asinf, libm::asin, -1.0, 1.0),
            ("acos", acosf, libm::acos, -1.0, 1.0),
            ("atan", atanf, libm::atan, -10.0, 10.0),
            ("sinh", sinhf, libm::sinh, -5.0, 5.0),
            ("cosh", coshf, libm::cosh, -5.0, 5.0),
            ("tanh", tanhf, libm::tanh, -5.0, 5.0),
            ("exp", expf, libm::exp, -20.0, 20.0),
            ("exp2", exp2f, libm::exp2, -20.0, 20.0),
            ("expm1", expm1f, libm::expm1, -1.0, 1.0),
            ("log", logf, libm::log, 1e-6, 100.0),
            ("log10", log10f, libm::log10, 1e-6, 100.0),
        ];
        const COUNT: u32 = 50_000;
        for (name, ours, exact, from, to) in functions {
            let place = |at: u32| from + (to - from) * (at as f32 / COUNT as f32);
            let off = (0..COUNT).filter(|&at| ours(place(at)) != exact(f64::from(place(at))) as f32).count();
            assert!(off <= 2, "{name}: {off} of {COUNT} numbers");
        }
        for at in 1..COUNT {
            let (x, y) = (at as f32 * 1e-3, (at % 97) as f32 * 0.1 - 4.0);
            assert_eq!(powf(x, y), libm::pow(f64::from(x), f64::from(y)) as f32, "{x} to the {y}");
        }
    }
}

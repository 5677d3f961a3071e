//! Which processors code is made for: a level, not a model, so that cached objects travel.

/// A set of instructions that a family of processors has in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CpuLevel {
    /// x86-64-v2: SSE4.2, since about 2009.
    X86V2,
    /// x86-64-v3: AVX2, since about 2013.
    X86V3,
    /// x86-64-v4: AVX-512.
    X86V4,
    /// Any 64-bit ARM.
    Aarch64,
}

impl CpuLevel {
    /// The level of this machine whose code is fastest; `None` if it is below all of them.
    ///
    /// That is never the one with AVX-512: LLVM 19 packs what it should leave alone there (a pad took 116 ns a frame, 74
    /// for x86-64-v3; sixteen additive voices 338 and 307), and nothing was faster.
    pub fn host() -> Option<Self> {
        Self::of_host().into_iter().rfind(|level| *level != Self::X86V4)
    }

    /// Every level whose code runs on this machine, lowest first.
    #[cfg(target_arch = "x86_64")]
    pub fn of_host() -> Vec<Self> {
        let v2 = is_x86_feature_detected!("sse4.2")
            && is_x86_feature_detected!("ssse3")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("cmpxchg16b");
        let v3 = v2
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("f16c")
            && is_x86_feature_detected!("fma")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("movbe");
        let v4 = v3
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512cd")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        [(v2, Self::X86V2), (v3, Self::X86V3), (v4, Self::X86V4)]
            .into_iter()
            .filter_map(|(has, level)| has.then_some(level))
            .collect()
    }

    /// Every level whose code runs on this machine, lowest first.
    #[cfg(target_arch = "aarch64")]
    pub fn of_host() -> Vec<Self> {
        vec![Self::Aarch64]
    }

    /// LLVM's name for it.
    pub fn llvm_name(self) -> &'static str {
        match self {
            Self::X86V2 => "x86-64-v2",
            Self::X86V3 => "x86-64-v3",
            Self::X86V4 => "x86-64-v4",
            Self::Aarch64 => "generic",
        }
    }
}

/// How much work goes into the code. Both give the same samples, bit for bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tier {
    /// Soon: little optimisation.
    Quick,
    /// Fast: LLVM's O2.
    Optimised,
}

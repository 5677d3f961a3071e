//! Compiling and playing the programs of `tests/programs`.
#![allow(dead_code, reason = "each test file uses its part")]

pub mod own;
pub mod stand_in;

use krach_core::node::{Change, CreateContext, Node, NodeType};
use krach_faust::{
    Compiled, Compiler, CpuLevel, FaustCommand, FaustType, Front, Libraries, ObjectCache, Source, Tier,
};

pub const RATE: f64 = 48_000.0;
pub const PROGRAMS: [&str; 6] = ["sine", "voice", "room", "bass", "additive", "big"];

pub fn program(name: &str) -> Source {
    Source::file(format!("{}/tests/programs/{name}.dsp", env!("CARGO_MANIFEST_DIR")))
}

pub fn command() -> FaustCommand {
    FaustCommand::find().expect("the faust command is installed (cargo xtask setup)")
}

pub fn compiler(cpu: CpuLevel) -> Compiler {
    Compiler::for_cpu(command().into(), ObjectCache::in_memory(), cpu)
}

/// The `faust` command before our back half.
pub fn host_compiler() -> Compiler {
    compiler(CpuLevel::host().expect("a CPU of at least x86-64-v2"))
}

/// The compiler of our own, with these libraries of FAUST's.
pub fn own_compiler(libraries: Libraries) -> Compiler {
    let cpu = CpuLevel::host().expect("a CPU of at least x86-64-v2");
    Compiler::for_cpu(Front::Own(libraries), ObjectCache::in_memory(), cpu)
}

/// Both front halves, with what this machine has.
pub fn both_compilers() -> [Compiler; 2] {
    [own_compiler(Libraries::find()), host_compiler()]
}

pub fn compile(compiler: &Compiler, source: &Source, tier: Tier) -> Compiled {
    compiler.compile(source, tier, &|| false).unwrap_or_else(|error| panic!("{}: {error}", source.name))
}

pub fn node(compiled: &Compiled) -> (FaustType, Box<dyn Node>) {
    let ty = FaustType::new(compiled.object.clone()).expect("described");
    let node = ty.create(&CreateContext { sample_rate: RATE, max_frames: 4096 }).expect("can be created");
    (ty, node)
}

/// White noise in ±0.25, the same every time.
pub fn noise(frames: usize, channel: usize) -> Vec<f32> {
    let mut seed = 1 + channel as u32;
    (0..frames)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed as i32 as f32) / 2_147_483_648.0 * 0.25
        })
        .collect()
}

/// Denormals are flushed, as they are while the engine renders.
pub fn flushed<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::asm;
        let (mut before, flush) = (0u32, 0x8040);
        // SAFETY: reads and writes the control register by way of four bytes of ours.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut before) };
        let during = before | flush;
        // SAFETY: as above; the mode is put back below.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const during) };
        let result = work();
        // SAFETY: as above.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const before) };
        result
    }
    #[cfg(not(target_arch = "x86_64"))]
    work()
}

/// Plays frames `from..to` in blocks of `block`, onto `heard`.
pub fn play(
    ty: &FaustType,
    node: &mut dyn Node,
    block: usize,
    inputs: &[Vec<f32>],
    (from, to): (usize, usize),
    heard: &mut [Vec<f32>],
) {
    assert_eq!(heard.len(), channels(&ty.decl().outputs));
    flushed(|| {
        let mut at = from;
        while at < to {
            let frames = block.min(to - at);
            let ins: Vec<&[f32]> = inputs.iter().map(|channel| &channel[at..at + frames]).collect();
            let mut outs: Vec<&mut [f32]> =
                heard.iter_mut().map(|channel| &mut channel[at..at + frames]).collect();
            node.render(&krach_core::node::Transport::STANDING, frames, &ins, &mut outs);
            at += frames;
        }
    });
}

pub fn channels(ports: &[krach_core::node::Port]) -> usize {
    ports.iter().map(|port| port.channels).sum()
}

/// Plays a program with noise at its inputs, a gate that opens, closes and opens again, and a ramp on
/// its first continuous control.
pub fn perform(compiled: &Compiled, frames: usize, block: usize) -> Vec<Vec<f32>> {
    let (ty, mut node) = node(compiled);
    let inputs: Vec<Vec<f32>> = (0..channels(&ty.decl().inputs)).map(|at| noise(frames, at)).collect();
    let mut heard = vec![vec![f32::NAN; frames]; channels(&ty.decl().outputs)];
    let control = |name: &str| ty.decl().controls.iter().position(|c| c.name == name);
    let freq = ty.decl().controls.iter().position(|c| c.name.ends_with("freq"));
    let (second, third) = (frames / 3 + 1, frames / 2 + 3);
    let set = |node: &mut Box<dyn Node>, which: Option<usize>, value: f32, ramp: u32| {
        if let Some(which) = which {
            node.set(which, Change { value, ramp });
        }
    };
    set(&mut node, control("gate"), 1.0, 0);
    play(&ty, &mut *node, block, &inputs, (0, second), &mut heard);
    set(&mut node, freq, 220.0, 1001);
    set(&mut node, control("gate"), 0.0, 0);
    set(&mut node, control("gate"), 1.0, 0);
    play(&ty, &mut *node, block, &inputs, (second, third), &mut heard);
    set(&mut node, control("gate"), 0.0, 0);
    play(&ty, &mut *node, block, &inputs, (third, frames), &mut heard);
    heard
}

pub fn bits(sound: &[Vec<f32>]) -> Vec<Vec<u32>> {
    sound.iter().map(|channel| channel.iter().map(|sample| sample.to_bits()).collect()).collect()
}

pub fn is_sound(sound: &[Vec<f32>]) -> bool {
    sound.iter().flatten().all(|sample| sample.is_finite())
        && sound.iter().any(|channel| channel.iter().any(|sample| sample.abs() > 1e-3))
}

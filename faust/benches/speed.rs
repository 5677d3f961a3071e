//! How long text takes to become code, and what the code costs to run against FAUST's C++, in one run.
//!
//! The C++ is built with `g++ -O3 -march=native`, so it may fuse multiply and add, which ours may not; a second
//! figure is for the same with `-ffast-math`: what equal sound everywhere costs at most.

#[path = "../tests/support/cpp.rs"]
mod cpp;
#[path = "../tests/support/mod.rs"]
mod support;

use krach_core::edit::{NodeEdit, NodeSpec};
use krach_core::engine::{At, Edit, Engine};
use krach_core::graph::Rest;
use krach_core::ir::{NodeIr, Source as NodeSource};
use krach_core::node::{Change, ControlKind, CreateContext, NodeType, Registry};
use krach_core::processor::{Block, MidiOut};
use krach_faust::{Budget, Compiled, CpuLevel, FaustType, Libraries, Object, Source, Standard, Tier};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use support::*;

/// Compiles of each program.
const COMPILES: usize = 11;
const SILENT_BLOCK: usize = 512;
/// Runs of which the least counts: what is above it is the machine's other work.
const RUNS: usize = 15;
const FRAMES: usize = 12_288;
const EXACT: &[&str] = &["-O3", "-march=native", "-w"];
const FAST: &[&str] = &["-O3", "-march=native", "-w", "-ffast-math"];

/// Milliseconds in the middle, and that which one in twenty exceeds.
fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    format!("{:.1} / {:.1}", at(0.5), at(0.95))
}

fn milliseconds<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed().as_secs_f64() * 1e3
}

fn nanoseconds_per_frame(compiled: &Compiled) -> f64 {
    nanoseconds_of(compiled.object.clone())
}

fn nanoseconds_of(object: Arc<Object>) -> f64 {
    let ty = FaustType::new(object).expect("described");
    let mut node = ty.create(&CreateContext { sample_rate: RATE, max_frames: 4096 }).expect("can be created");
    let gates =
        ty.decl().controls.iter().enumerate().filter(|(_, control)| control.kind == ControlKind::Gate);
    gates.for_each(|(at, _)| node.set(at, Change { value: 1.0, ramp: 0 }));
    let inputs: Vec<Vec<f32>> = (0..channels(&ty.decl().inputs)).map(|at| noise(FRAMES, at)).collect();
    let mut heard = vec![vec![0.0; FRAMES]; channels(&ty.decl().outputs)];
    let run = |_| milliseconds(|| play(&ty, &mut *node, 512, &inputs, (0, FRAMES), &mut heard));
    (0..RUNS).map(run).fold(f64::INFINITY, f64::min) * 1e6 / FRAMES as f64
}

fn latency() {
    println!("Milliseconds until there is code, half / nineteen in twenty of {COMPILES}:\n");
    println!("| program | faust command | quick tier | O2 | cached: link and create | state B | code B |");
    println!("|---|---|---|---|---|---|---|");
    for name in PROGRAMS {
        let compiles = |tier| -> Vec<Compiled> {
            (0..COMPILES).map(|_| compile(&host_compiler(), &program(name), tier)).collect()
        };
        let (quick, optimised) = (compiles(Tier::Quick), compiles(Tier::Optimised));
        let times = |of: &[Compiled], part: fn(&Compiled) -> std::time::Duration| {
            spread(of.iter().map(|compiled| part(compiled).as_secs_f64() * 1e3).collect())
        };
        let object = &optimised[0].object;
        let link = || {
            let ty = FaustType::new(object.clone()).expect("described");
            ty.create(&CreateContext { sample_rate: RATE, max_frames: 512 }).expect("creates")
        };
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            times(&quick, |compiled| compiled.timings.front),
            times(&quick, |compiled| compiled.timings.back),
            times(&optimised, |compiled| compiled.timings.back),
            spread((0..COMPILES).map(|_| milliseconds(link)).collect()),
            object.state_size(),
            object.code_size(),
        );
    }
}

/// The six programs, then the sounds that come with krach.
fn timed_programs() -> Vec<PathBuf> {
    let here = env!("CARGO_MANIFEST_DIR");
    let factory = std::fs::read_dir(format!("{here}/../dsp")).expect("is there");
    let mut factory: Vec<PathBuf> = factory.map(|entry| entry.expect("can be read").path()).collect();
    factory.retain(|path| path.extension().is_some_and(|extension| extension == "dsp"));
    factory.sort();
    let six = PROGRAMS.iter().map(|name| PathBuf::from(format!("{here}/tests/programs/{name}.dsp")));
    six.chain(factory).collect()
}

fn speed(folder: &Path) {
    println!("\nNanoseconds per frame, blocks of 512, least of {RUNS} runs:\n");
    println!(
        "| program | ours quick | ours O2 | C++ | C++ -ffast-math | ours / C++ | fast-math would give |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (at, path) in timed_programs().iter().enumerate() {
        let name = path.file_stem().expect("a name").to_string_lossy();
        let program_cpp = cpp::translate(folder, path, at, "-single").expect("compiles");
        let timed = |flags, kind: &str| {
            cpp::Timed::build(folder, &format!("{name}-{at}-{kind}"), &program_cpp, 1, FRAMES, flags)
        };
        let (exact, fast) = (timed(EXACT, "exact"), timed(FAST, "fast"));
        let ours = |tier| compile(&host_compiler(), &Source::file(path), tier);
        let (quick, optimised) = (ours(Tier::Quick), ours(Tier::Optimised));
        let (quick, ours) = (nanoseconds_per_frame(&quick), nanoseconds_per_frame(&optimised));
        let (exact, fast) = (exact.run(), fast.run());
        println!(
            "| {name} | {quick:.1} | {ours:.1} | {exact:.1} | {fast:.1} | {:.2} | {:.2} |",
            ours / exact,
            fast / exact
        );
    }
}

/// One voice, and a program with so many of them.
fn voices(count: usize) -> String {
    let voice = "import(\"stdfaust.lib\");\n\
        voice(v) = os.sawtooth(110 + 7 * v) : fi.lowpass(2, 1200 + 50 * v) : *(en.adsr(0.01, 0.1, 0.6, 0.3, button(\"gate\")));\n";
    format!("{voice}process = sum(v, {count}, voice(v)) / {count};\n")
}

fn many_voices(folder: &Path) {
    println!(
        "\nNanoseconds per frame for all voices: one node against as many instances of C++ rendered in turn:\n"
    );
    println!("| voices | ours, one node | C++, instances | ours / C++ |");
    println!("|---|---|---|---|");
    let path = folder.join("one.dsp");
    std::fs::write(&path, voices(1)).expect("writes");
    let one = cpp::translate(folder, &path, 100, "-single").expect("compiles");
    for count in [1, 16, 32] {
        let theirs = cpp::Timed::build(folder, &format!("voices{count}"), &one, count, FRAMES, EXACT);
        let ours = compile(&host_compiler(), &Source::inline("voices", &voices(count)), Tier::Optimised);
        let (ours, theirs) = (nanoseconds_per_frame(&ours), theirs.run());
        println!("| {count} | {ours:.1} | {theirs:.1} | {:.2} |", ours / theirs);
    }
}

/// The compiler of our own against the command: the front half, LLVM, the code.
fn both_front_halves() {
    let host = CpuLevel::host().expect("a level");
    println!(
        "\nThe compiler of our own / the `faust` command with its bitcode; milliseconds in the middle of {COMPILES}:\n"
    );
    println!("| program | front half | quick tier | O2 | ns per frame, quick | ns per frame, O2 |");
    println!("|---|---|---|---|---|---|");
    let middle = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let shelf = krach_faust_lang::Shelf::default();
    for name in PROGRAMS {
        let path = format!("{}/tests/programs/{name}.dsp", env!("CARGO_MANIFEST_DIR"));
        let front = || own::program_of(&shelf, Path::new(&path), krach_faust_lang::Precision::Single);
        let program = front().expect("compiles");
        let theirs = [Tier::Quick, Tier::Optimised]
            .map(|tier| compile(&host_compiler(), &support::program(name), tier));
        let object = |tier| {
            Object::from_program(name, &program, (host, tier), &Budget::default()).expect("is emitted")
        };
        let times = |work: &dyn Fn()| middle((0..COMPILES).map(|_| milliseconds(work)).collect());
        let fronts = [times(&|| drop(front())), theirs[0].timings.front.as_secs_f64() * 1e3];
        print!("| {name} | {:.1} / {:.1} |", fronts[0], fronts[1]);
        let tiers = [Tier::Quick, Tier::Optimised];
        for (tier, theirs) in tiers.into_iter().zip(&theirs) {
            print!(
                " {:.1} / {:.1} |",
                times(&|| drop(object(tier))),
                theirs.timings.back.as_secs_f64() * 1e3
            );
        }
        for (tier, theirs) in tiers.into_iter().zip(&theirs) {
            print!(" {:.1} / {:.1} |", nanoseconds_of(Arc::new(object(tier))), nanoseconds_per_frame(theirs));
        }
        println!();
    }
}

/// The sounds that come with krach, in a process that has compiled nothing: until the first has its quick code, and each after
/// the others.
fn cold() {
    println!("\nMilliseconds until a sound that comes with krach has its quick code, nothing cached:\n");
    println!("| sound | front half | quick tier |");
    println!("|---|---|---|");
    let compiler = own_compiler(Libraries::in_folders([]));
    let mut sum = [0.0; 2];
    for path in timed_programs().into_iter().skip(PROGRAMS.len()) {
        let source = Source { standard: Standard::Own, ..Source::file(path) };
        let timings = compile(&compiler, &source, Tier::Quick).timings;
        let times = [timings.front, timings.back].map(|part| part.as_secs_f64() * 1e3);
        println!("| {} | {:.1} | {:.1} |", source.name, times[0], times[1]);
        (0..2).for_each(|part| sum[part] += times[part]);
    }
    println!("| all | {:.1} | {:.1} |", sum[0], sum[1]);
}

/// What silent nodes of one voice cost: FAUST sounds with their faders into the master, no note, for long enough to rest, and
/// always rendered. Share of one core at 48 kHz.
fn silence() {
    println!(
        "\nSilent nodes of one voice, each with its fader, blocks of {SILENT_BLOCK}, share of a core:\n"
    );
    println!("| nodes | at rest | never resting |");
    println!("|---|---|---|");
    let text = voices(1);
    let compiled = compile(&host_compiler(), &Source::inline("voice", &text), Tier::Optimised);
    for count in [64, 1_000] {
        let shares = [Rest::Auto, Rest::Never].map(|rest| {
            let mut registry = Registry::with_builtins();
            registry.add(Arc::new(FaustType::new(compiled.object.clone()).expect("described")));
            let mut engine = Engine::new(registry);
            let mut processor = engine.activate(RATE, SILENT_BLOCK);
            let mut edits = Vec::new();
            for n in 0..count {
                let node = NodeIr {
                    name: format!("n{n}"),
                    source: NodeSource::Type("faust:voice".into()),
                    ..NodeIr::default()
                };
                let spec = NodeSpec { node, rest: Some(Some(rest)), ..NodeSpec::default() };
                edits.push(NodeEdit::Set(Box::new(spec)));
            }
            engine.edit(Edit::Nodes(edits), At::Now).expect("the edit is right");
            let mut midi = MidiOut::with_capacity(16);
            let mut block = || {
                let (mut left, mut right) = ([0.0; SILENT_BLOCK], [0.0; SILENT_BLOCK]);
                processor.process(Block {
                    frames: SILENT_BLOCK,
                    transport: &[],
                    offline: false,
                    input: [&[], &[]],
                    main: [&mut left, &mut right],
                    stems: &mut [],
                    params: &[],
                    played: &[],
                    midi_out: &mut midi,
                });
            };
            while engine.busy() {
                block();
                engine.tick();
            }
            (0..100).for_each(|_| block());
            // The least of many: what is above it is the machine's other work.
            let blocks = if rest == Rest::Auto { 100 } else { 10 };
            let run = |_| milliseconds(|| (0..blocks).for_each(|_| block())) / f64::from(blocks);
            let least = (0..RUNS).map(run).fold(f64::INFINITY, f64::min);
            100.0 * least / (SILENT_BLOCK as f64 / RATE * 1e3)
        });
        println!("| {count} | {:.2} % | {:.1} % |", shares[0], shares[1]);
    }
}

/// All parts, or the one that is named on the command line.
fn main() {
    let folder: PathBuf = std::env::temp_dir().join(format!("krach-speed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes a folder");
    let wanted = std::env::args().skip(1).find(|word| !word.starts_with('-'));
    let is_wanted = |part: &str| wanted.as_deref().is_none_or(|wanted| wanted == part);
    if is_wanted("silence") {
        silence();
    }
    if is_wanted("latency") {
        latency();
    }
    if is_wanted("own") {
        both_front_halves();
    }
    if is_wanted("cold") {
        cold();
    }
    if is_wanted("speed") {
        speed(&folder);
    }
    if is_wanted("voices") {
        many_voices(&folder);
    }
    std::fs::remove_dir_all(&folder).expect("removes");
}

//! Every sound against FAUST's own C++, built without -ffast-math.

use crate::sounds::{Take, all, folder, is_effect, source};
use crate::support::{compile, noise};
use krach_faust::{FaustType, Tier};
use std::fmt::Write;
use std::fs;
use std::process::Command;

const FRAMES: usize = 24_000;
/// Largest difference, as a share of the loudest sample: the maths libraries differ in the last bit, and ours sums and
/// multiplies in another order.
const TOLERANCE: f32 = 1e-5;
/// Plays every class at its defaults: notes as [`take`] has them, or noise.
const HARNESS: &str = r#"
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>
#define FAUSTFLOAT float
struct Soundfile;
struct Meta { void declare(const char*, const char*) {} };
struct UI {
  float *gate = nullptr, *vel = nullptr;
  void openTabBox(const char*) {} void openHorizontalBox(const char*) {} void openVerticalBox(const char*) {} void closeBox() {}
  void addButton(const char* name, float* z) { if (!strcmp(name, "gate")) gate = z; } void addCheckButton(const char*, float*) {}
  void addVerticalSlider(const char*, float*, float, float, float, float) {}
  void addHorizontalSlider(const char* name, float* z, float, float, float, float) { if (!strcmp(name, "vel")) vel = z; }
  void addNumEntry(const char*, float*, float, float, float, float) {}
  void addHorizontalBargraph(const char*, float*, float, float) {} void addVerticalBargraph(const char*, float*, float, float) {}
  void addSoundfile(const char*, const char*, Soundfile**) {} void declare(float*, const char*, const char*) {}
};
struct dsp { virtual ~dsp() {} };
template<class Program> void play() {
  auto program = std::make_unique<Program>(); UI ui; program->init(48000); program->buildUserInterface(&ui);
  std::vector<std::vector<float>> in(program->getNumInputs(), std::vector<float>(FRAMES)), out(program->getNumOutputs(), std::vector<float>(FRAMES));
  for (size_t c = 0; c < in.size(); c++) { uint32_t s = 1 + c; for (auto& x : in[c]) { s = s * 1664525u + 1013904223u; x = (float)(int32_t)s / 2147483648.0f * 0.25f; } }
  auto until = [&](int from, int to, float gate, float vel) {
    if (ui.gate) { *ui.gate = gate; *ui.vel = vel; }
    std::vector<float*> i, o;
    for (auto& c : in) i.push_back(c.data() + from);
    for (auto& c : out) o.push_back(c.data() + from);
    program->compute(to - from, i.data(), o.data());
  };
  until(0, 9600, 1, 1.0f); until(9600, 14400, 0, 1.0f); until(14400, 19200, 1, 0.5f); until(19200, FRAMES, 0, 0.5f);
  for (auto& c : out) fwrite(c.data(), 4, FRAMES, stdout);
}
"#;

fn take(name: &str) -> Take {
    let mut take = Take::new(48_000.0, FRAMES as f64 / 48_000.0);
    if is_effect(name) {
        take.inputs = (0..2).map(|at| noise(FRAMES, at)).collect();
        return take;
    }
    take.set(0.0, "vel", 1.0)
        .set(0.0, "gate", 1.0)
        .set(0.2, "gate", 0.0)
        .set(0.3, "vel", 0.5)
        .set(0.3, "gate", 1.0)
        .set(0.4, "gate", 0.0)
}

/// What C++ plays in a precision, all sounds one after the other, with 32 bits.
fn reference(precision: &str) -> Vec<f32> {
    let room = std::env::temp_dir().join(format!("krach-factory{precision}-{}", std::process::id()));
    fs::create_dir_all(&room).expect("makes a folder");
    let run = |program: &str, args: &[&str]| {
        let out = Command::new(program).args(args).current_dir(&room).output().expect(program);
        assert!(out.status.success(), "{program}: {}", String::from_utf8_lossy(&out.stderr));
        out.stdout
    };
    let mut harness = HARNESS.to_owned();
    let mut main = String::new();
    for name in all() {
        let dsp = format!("{}/{name}.dsp", folder());
        let class = format!("{name}_class");
        run("faust", &["-lang", "cpp", precision, "-cn", &class, "-o", &format!("{name}.h"), &dsp]);
        writeln!(harness, "#undef FAUSTCLASS\n#include \"{name}.h\"").expect("text");
        write!(main, "play<{class}>(); ").expect("text");
    }
    writeln!(harness, "int main() {{ {main} }}").expect("text");
    fs::write(room.join("harness.cpp"), harness).expect("writes");
    let frames = format!("-DFRAMES={FRAMES}");
    run("g++", &["-O1", "-w", "-ffp-contract=off", &frames, "harness.cpp", "-o", "harness"]);
    let bytes = run(&room.join("harness").display().to_string(), &[]);
    fs::remove_dir_all(&room).expect("removes");
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// Largest difference, as a share of the loudest sample of the second.
fn apart(heard: &[f32], from: &[f32]) -> f32 {
    let loudest = from.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
    heard.iter().zip(from).fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / loudest
}

/// Where single precision itself is further off, so many times as far as C++ at most.
const OWN_ERROR: f32 = 2.0;

#[test]
fn every_sound_is_what_cpp_plays_or_as_near_to_double_precision() {
    let (single, double) = (reference("-single"), reference("-double"));
    let (mut theirs, mut exact) = (single.as_slice(), double.as_slice());
    let (compiler, mut wrong) = (crate::front::alone(), Vec::new());
    for name in all() {
        let compiled = compile(&compiler, &source(name), Tier::Quick);
        let heard = take(name).play(&FaustType::new(compiled.object).expect("described")).concat();
        let (single, after) = theirs.split_at(heard.len());
        let (double, after_it) = exact.split_at(heard.len());
        (theirs, exact) = (after, after_it);
        let (from, own, cpp) = (apart(&heard, single), apart(&heard, double), apart(single, double));
        println!("{name}: {from:e} from C++; from double precision {own:e}, C++ {cpp:e}");
        if !(from <= TOLERANCE || own <= OWN_ERROR * cpp) {
            wrong.push(format!("{name}: {from:e} from C++; from double precision {own:e}, C++ {cpp:e}"));
        }
    }
    assert!(theirs.is_empty() && wrong.is_empty(), "{wrong:?}");
}

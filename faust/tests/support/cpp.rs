//! FAUST's own C++ as a second opinion: many programs in few executables, so that g++ is quick about it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that the `faust` command turned into C++.
pub struct Program {
    /// Its file.
    pub path: PathBuf,
    /// Name of its class.
    class: String,
}

/// Turns a program into C++ in `folder`, or tells what the command said. `number` makes its class unique,
/// `precision` is `-single` or `-double`.
pub fn translate(folder: &Path, path: &Path, number: usize, precision: &str) -> Result<Program, String> {
    let class = format!("Program{number}");
    let out = Command::new("timeout")
        .args(["60", "faust", "-lang", "cpp", precision, "-ct", "1", "-cn", &class, "-o"])
        .arg(folder.join(format!("{class}.h")))
        .arg(path)
        .current_dir(path.parent().expect("a folder"))
        .output()
        .expect("runs");
    let foreign = || {
        let text = fs::read_to_string(folder.join(format!("{class}.h"))).expect("text");
        let known = ["cmath", "algorithm", "cstdint", "math.h", "stdlib.h"];
        let header = |line: &str| {
            line.strip_prefix("#include ").map(|name| name.trim_matches(['<', '>', '"']).to_owned())
        };
        text.lines().filter_map(header).find(|name| !known.contains(&name.as_str()))
    };
    if let Some(header) = out.status.success().then(foreign).flatten() {
        Err(format!("its C++ includes {header}"))
    } else if out.status.success() {
        Ok(Program { path: path.to_owned(), class })
    } else {
        Err(format!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim()))
    }
}

/// What every executable begins with: the classes that FAUST's C++ expects, and a control surface that
/// opens every gate.
const HEAD: &str = r#"
#include <algorithm>
#include <cmath>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>
#define FAUSTFLOAT float
struct Soundfile;
struct Meta { void declare(const char*, const char*) {} };
struct UI {
  void number(const char* label, float* z, float low, float high) { if (!strcmp(label, "gate")) *z = std::min(std::max(1.0f, low), high); }
  void openTabBox(const char*) {} void openHorizontalBox(const char*) {} void openVerticalBox(const char*) {} void closeBox() {}
  void addButton(const char*, float* z) { *z = 1; } void addCheckButton(const char* l, float* z) { number(l, z, 0, 1); }
  void addVerticalSlider(const char* l, float* z, float, float a, float b, float) { number(l, z, a, b); }
  void addHorizontalSlider(const char* l, float* z, float, float a, float b, float) { number(l, z, a, b); }
  void addNumEntry(const char* l, float* z, float, float a, float b, float) { number(l, z, a, b); }
  void addHorizontalBargraph(const char*, float*, float, float) {} void addVerticalBargraph(const char*, float*, float, float) {}
  void addSoundfile(const char*, const char*, Soundfile**) {} void declare(float*, const char*, const char*) {}
};
struct dsp {
  virtual ~dsp() {} virtual int getNumInputs() = 0; virtual int getNumOutputs() = 0; virtual void init(int) = 0;
  virtual void buildUserInterface(UI*) = 0; virtual void compute(int, float**, float**) = 0;
};
typedef std::vector<std::vector<float>> Signal;
static Signal noise(int channels, int frames) {
  Signal all(channels, std::vector<float>(frames));
  for (int c = 0; c < channels; c++) { uint32_t s = 1 + c; for (auto& x : all[c]) { s = s * 1664525u + 1013904223u; x = (float)(int32_t)s / 2147483648.0f * 0.25f; } }
  return all;
}
static std::vector<float*> at(Signal& of, int frame) { std::vector<float*> p; for (auto& c : of) p.push_back(c.data() + frame); return p; }
"#;

/// Plays each program and writes its channels to standard output, with their number before.
const PLAY: &str = r"
static void play(dsp* d) {
  d->init(48000); UI ui; d->buildUserInterface(&ui);
  Signal in = noise(d->getNumInputs(), FRAMES), out(d->getNumOutputs(), std::vector<float>(FRAMES));
  for (int f = 0; f < FRAMES; f += 512) d->compute(std::min(512, FRAMES - f), at(in, f).data(), at(out, f).data());
  uint32_t channels = out.size(); fwrite(&channels, 4, 1, stdout);
  for (auto& c : out) fwrite(c.data(), 4, FRAMES, stdout);
}
";

/// What, beside a program, its sound depends on.
pub const HARNESS: (&str, &str) = (HEAD, PLAY);

fn build(folder: &Path, name: &str, text: &str, flags: &[&str]) -> PathBuf {
    let (source, program) = (folder.join(format!("{name}.cpp")), folder.join(name));
    fs::write(&source, text).expect("writes");
    let out =
        Command::new("g++").args(flags).arg(&source).arg("-o").arg(&program).output().expect("g++ runs");
    assert!(out.status.success(), "g++: {}", String::from_utf8_lossy(&out.stderr));
    program
}

fn includes(programs: &[&Program]) -> String {
    programs.iter().map(|program| format!("#include \"{}.h\"\n", program.class)).collect()
}

/// Sound of each program: channels of so many frames, in blocks of 512, at 48 kHz, with open gates and the
/// noise of `support::noise` at the inputs.
pub fn sounds(folder: &Path, name: &str, programs: &[&Program], frames: usize) -> Vec<Vec<Vec<f32>>> {
    let plays: String = programs
        .iter()
        .map(|program| format!("  play(std::make_unique<{}>().get());\n", program.class))
        .collect();
    let text =
        format!("#define FRAMES {frames}\n{HEAD}{}{PLAY}int main() {{\n{plays}}}\n", includes(programs));
    let program = build(folder, name, &text, &["-O1", "-w", "-ffp-contract=off"]);
    let out = Command::new(program).output().expect("runs");
    assert!(out.status.success(), "{}", out.status);
    let mut bytes = out.stdout.as_slice();
    let mut word = || {
        let (first, rest) = bytes.split_first_chunk().expect("as many as it said");
        bytes = rest;
        *first
    };
    programs
        .iter()
        .map(|_| {
            let channels = u32::from_le_bytes(word());
            (0..channels).map(|_| (0..frames).map(|_| f32::from_le_bytes(word())).collect()).collect()
        })
        .collect()
}

/// Renders with so many instances of a class in turn, each for a block, their first channels added up;
/// prints the least time of a run per frame in nanoseconds.
const TIME: &str = r#"
template<class Program> static void time(int copies) {
  std::vector<std::unique_ptr<Program>> all;
  for (int n = 0; n < copies; n++) { all.push_back(std::make_unique<Program>()); all.back()->init(48000); UI ui; all.back()->buildUserInterface(&ui); }
  Signal in = noise(all[0]->getNumInputs(), FRAMES), out(all[0]->getNumOutputs(), std::vector<float>(512)), mix(all[0]->getNumOutputs(), std::vector<float>(512));
  double least = 1e30;
#ifdef __x86_64__
  unsigned flush; asm volatile("stmxcsr %0" : "=m"(flush)); flush |= 0x8040; asm volatile("ldmxcsr %0" :: "m"(flush));
#endif
  for (int run = 0; run < RUNS; run++) {
    auto started = std::chrono::steady_clock::now();
    for (int f = 0; f < FRAMES; f += 512) {
      int count = std::min(512, FRAMES - f);
      for (auto& p : all) {
        p->compute(count, at(in, f).data(), at(out, 0).data());
        if (copies > 1) for (size_t c = 0; c < out.size(); c++) for (int i = 0; i < count; i++) mix[c][i] += out[c][i];
      }
    }
    least = std::min(least, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - started).count() / FRAMES);
  }
  printf("%f\n", least);
}
"#;

/// Executables that time programs, built with these flags of g++.
pub struct Timed(PathBuf);

impl Timed {
    /// Builds one for each program, which plays so many instances of it.
    pub fn build(
        folder: &Path,
        name: &str,
        program: &Program,
        copies: usize,
        frames: usize,
        flags: &[&str],
    ) -> Self {
        let class = &program.class;
        let text = format!(
            "#define FRAMES {frames}\n#define RUNS 15\n{HEAD}{}{}int main() {{ time<{class}>({copies}); }}\n",
            includes(&[program]),
            TIME,
        );
        Self(build(folder, name, &text, flags))
    }

    /// Nanoseconds per frame.
    pub fn run(&self) -> f64 {
        let out = Command::new(&self.0).output().expect("runs");
        String::from_utf8_lossy(&out.stdout).trim().parse().expect("a number")
    }
}

//! FAUST's own C++ as a second opinion: many programs in few executables, so that g++ is quick about it.
#![allow(dead_code, reason = "each test program uses its part")]

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

/// Turns a program into C++ with 64 bits in `folder`, or tells what the command said against it. `number` makes
/// its class unique.
pub fn translate(folder: &Path, path: &Path, number: usize) -> Result<Program, String> {
    let class = format!("Program{number}");
    let out = Command::new("timeout")
        .args(["60", "faust", "-lang", "cpp", "-double", "-ct", "1", "-cn", &class, "-o"])
        .arg(folder.join(format!("{class}.h")))
        .arg(path)
        .current_dir(path.parent().expect("a folder"))
        .output()
        .expect("runs");
    if !out.status.success() {
        return Err(format!("{}: {}", out.status, String::from_utf8_lossy(&out.stderr).trim()));
    }
    let text = fs::read_to_string(folder.join(format!("{class}.h"))).expect("text");
    let known = ["cmath", "algorithm", "cstdint", "math.h", "stdlib.h"];
    let header =
        |line: &str| line.strip_prefix("#include ").map(|name| name.trim_matches(['<', '>', '"']).to_owned());
    match text.lines().filter_map(header).find(|name| !known.contains(&name.as_str())) {
        Some(header) => Err(format!("its C++ includes {header}")),
        None => Ok(Program { path: path.to_owned(), class }),
    }
}

/// What every executable begins with: the classes that FAUST's C++ expects, and a control surface that opens
/// every gate.
const HEAD: &str = r#"
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>
#define FAUSTFLOAT double
struct Soundfile;
struct Meta { void declare(const char*, const char*) {} };
struct UI {
  void number(const char* label, double* z, double low, double high) { if (!strcmp(label, "gate")) *z = std::min(std::max(1.0, low), high); }
  void openTabBox(const char*) {} void openHorizontalBox(const char*) {} void openVerticalBox(const char*) {} void closeBox() {}
  void addButton(const char*, double* z) { *z = 1; } void addCheckButton(const char* l, double* z) { number(l, z, 0, 1); }
  void addVerticalSlider(const char* l, double* z, double, double a, double b, double) { number(l, z, a, b); }
  void addHorizontalSlider(const char* l, double* z, double, double a, double b, double) { number(l, z, a, b); }
  void addNumEntry(const char* l, double* z, double, double a, double b, double) { number(l, z, a, b); }
  void addHorizontalBargraph(const char*, double*, double, double) {} void addVerticalBargraph(const char*, double*, double, double) {}
  void addSoundfile(const char*, const char*, Soundfile**) {} void declare(double*, const char*, const char*) {}
};
struct dsp {
  virtual ~dsp() {} virtual int getNumInputs() = 0; virtual int getNumOutputs() = 0; virtual void init(int) = 0;
  virtual void buildUserInterface(UI*) = 0; virtual void compute(int, double**, double**) = 0;
};
typedef std::vector<std::vector<double>> Signal;
static Signal noise(int channels, int frames) {
  Signal all(channels, std::vector<double>(frames));
  for (int c = 0; c < channels; c++) { uint32_t s = 1 + c; for (auto& x : all[c]) { s = s * 1664525u + 1013904223u; x = (double)(int32_t)s / 2147483648.0 * 0.25; } }
  return all;
}
static std::vector<double*> at(Signal& of, int frame) { std::vector<double*> p; for (auto& c : of) p.push_back(c.data() + frame); return p; }
"#;

/// Plays each program and writes its channels to standard output, with their number before.
const PLAY: &str = r"
static void play(dsp* d) {
  d->init(48000); UI ui; d->buildUserInterface(&ui);
  Signal in = noise(d->getNumInputs(), FRAMES), out(d->getNumOutputs(), std::vector<double>(FRAMES));
  for (int f = 0; f < FRAMES; f += 512) d->compute(std::min(512, FRAMES - f), at(in, f).data(), at(out, f).data());
  uint32_t channels = out.size(); fwrite(&channels, 4, 1, stdout);
  for (auto& c : out) fwrite(c.data(), 8, FRAMES, stdout);
}
";

/// What, beside a program, its sound depends on.
pub const HARNESS: (&str, &str) = (HEAD, PLAY);

/// The noise that every program gets, as the C++ makes it.
pub fn noise(frames: usize, channel: usize) -> Vec<f64> {
    let mut state = 1 + channel as u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        f64::from(state as i32) / 2_147_483_648.0 * 0.25
    };
    std::iter::repeat_with(next).take(frames).collect()
}

/// Sound of each program: channels of so many frames, in blocks of 512, at 48 kHz, with open gates and noise at
/// the inputs.
pub fn sounds(folder: &Path, name: &str, programs: &[&Program], frames: usize) -> Vec<Vec<Vec<f64>>> {
    let includes: String =
        programs.iter().map(|program| format!("#include \"{}.h\"\n", program.class)).collect();
    let plays: String = programs
        .iter()
        .map(|program| format!("  play(std::make_unique<{}>().get());\n", program.class))
        .collect();
    let text = format!("#define FRAMES {frames}\n{HEAD}{includes}{PLAY}int main() {{\n{plays}}}\n");
    let (source, program) = (folder.join(format!("{name}.cpp")), folder.join(name));
    fs::write(&source, text).expect("writes");
    let out = Command::new("g++")
        .args(["-O1", "-w", "-ffp-contract=off"])
        .arg(&source)
        .arg("-o")
        .arg(&program)
        .output()
        .expect("g++ runs");
    assert!(out.status.success(), "g++: {}", String::from_utf8_lossy(&out.stderr));
    let out = Command::new(program).output().expect("runs");
    assert!(out.status.success(), "{}", out.status);
    let mut bytes = out.stdout.as_slice();
    let sample = |bytes: &mut &[u8]| {
        let (first, rest) = bytes.split_first_chunk().expect("as many as it said");
        *bytes = rest;
        f64::from_le_bytes(*first)
    };
    programs
        .iter()
        .map(|_| {
            let (count, rest) = bytes.split_first_chunk().expect("a number of channels");
            bytes = rest;
            let channels = u32::from_le_bytes(*count);
            (0..channels).map(|_| (0..frames).map(|_| sample(&mut bytes)).collect()).collect()
        })
        .collect()
}

//! From the save of a file to its sound: from the end of the write until the first sample of the new code comes out of
//! the plugin, through the watcher, the compiler and the swap; against the `faust` command's translation of the same text
//! to bitcode, which is a part of the way only.

#[path = "../tests/krach_support/mod.rs"]
mod krach_support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use krach_host::transport::{Blocks, Script};
use krach_host::{Length, RenderOptions, Stage};
use serde_json::json;

use krach_support::ask_all;
use krach_support::sounds::{save_by_renaming, sound_stage, write};

/// Saves of each kind.
const SAVES: usize = 60;

/// What the sound of save number `n` puts out: below the limiter, and exact.
fn mark(n: usize) -> f32 {
    (n + 1) as f32 / 256.0
}

/// A text that puts out its mark, and has a whole instrument to compile beside it.
fn marked(instrument: &str, n: usize) -> String {
    let inner = instrument.replace("process", "instrument");
    // Too small to be heard, and not left out.
    format!("{inner}\nprocess = {} + 1e-20 * (instrument :> _);\n", mark(n))
}

fn report(name: &str, mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!("{name:<44} p50 {:>7.1} ms, p95 {:>7.1} ms", at(0.5), at(0.95));
    at(0.5)
}

/// Renders until that level is the last sample.
fn hear(stage: &mut Stage, level: f32) {
    loop {
        stage.advance().expect("it renders");
        if stage.recorded(0, 0).last() == Some(&level) {
            return;
        }
        // Not much faster than a host, or what is recorded fills the memory.
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// Milliseconds of each save: `save` puts the text into the place of the file.
fn saves(stage: &mut Stage, texts: &[String], first: usize, save: impl Fn(&str)) -> Vec<f64> {
    let times = texts.iter().enumerate().map(|(n, text)| {
        // The quick code's successor has come, and nothing is under way.
        std::thread::sleep(Duration::from_millis(150));
        save(text);
        let since = Instant::now();
        hear(stage, mark(first + n));
        since.elapsed().as_secs_f64() * 1e3
    });
    times.collect()
}

/// Milliseconds that the command takes; `None` if there is none.
fn translate(text: &str) -> Option<f64> {
    let apart = std::env::temp_dir().join("alone");
    std::fs::create_dir_all(&apart).expect("our own folder");
    let path = apart.join("alone.dsp");
    std::fs::write(&path, text).expect("our own file");
    let since = Instant::now();
    let flags = ["-lang", "llvm", "-single", "-ct", "1", "-cn", "mydsp", "-o"];
    let run = Command::new("faust").args(flags).arg(apart.join("alone.bc")).arg(&path).output().ok()?;
    run.status.success().then(|| since.elapsed().as_secs_f64() * 1e3)
}

fn main() {
    let options = RenderOptions {
        script: Script::playing(120.0),
        blocks: Blocks::Fixed(64),
        length: Length::Seconds(36_000.0),
        ..RenderOptions::default()
    };
    let sounds = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dsp");
    for name in ["kick", "bass"] {
        let instrument =
            std::fs::read_to_string(sounds.join(format!("{name}.dsp"))).expect("it comes with krach");
        let texts: Vec<String> = (0..2 * SAVES + 1).map(|n| marked(&instrument, n)).collect();
        let mut stage = sound_stage(&options);
        let file = format!("marked {name}.dsp");
        write(&file, &texts[2 * SAVES]);
        let params = json!({"name": "n", "source": format!("faust:marked {name}")});
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "node", "params": params});
        ask_all(&mut stage, &[request.to_string()]);
        hear(&mut stage, mark(2 * SAVES));
        let written = saves(&mut stage, &texts[..SAVES], 0, |text| write(&file, text));
        let renamed =
            saves(&mut stage, &texts[SAVES..2 * SAVES], SAVES, |text| save_by_renaming(&file, text));
        let written = report(&format!("{name}: written over, heard"), written);
        let renamed = report(&format!("{name}: renamed into place, heard"), renamed);
        let command: Vec<f64> = texts[..7].iter().filter_map(|text| translate(text)).collect();
        if command.is_empty() {
            println!("{name}: there is no faust command to compare with");
        } else {
            let command = report(&format!("{name}: the faust command's translation alone"), command);
            println!(
                "{name}: of that, a save takes {:.2}, a rename {:.2}",
                written / command,
                renamed / command
            );
        }
    }
}

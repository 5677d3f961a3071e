//! The project's own commands: `cargo xtask <command>`.

mod apt;
#[cfg(test)]
mod arrows;
mod bench;
mod bundle;
mod counts;
mod demo;
mod docs;
mod environment;
mod failure;
mod gate;
#[cfg(test)]
mod ignored;
mod licences;
mod mutants;
mod programs;
mod python;
mod setup;
mod soak;
mod standalone;
mod suites;
mod symbols;
mod test;
mod validate;
mod wheel;
#[cfg(test)]
mod words;
mod workspace;

use std::env;
use std::process::ExitCode;

use failure::{Failure, Result};
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask <command>
  setup    installs the system packages that the build needs (Debian, Ubuntu)
  bundle   builds the plugin into target/bundled and checks it
  install  bundles and copies the plugin to where DAWs look
  wheel    builds the Python client, alone and with the plugin, and the extension for VS Code into target/wheels
  run      builds krach with a window and a sound card, without a DAW, and runs it; --help lists its options
  validate bundles and runs clap-validator, pluginval and Steinberg's validator, as far as they are installed
  demo     renders a live-coded performance through the plugin and measures it
  docs     builds the documentation site, with the sound of every recipe, into target/docs
  schema   writes docs/module.schema.json anew from the types
  test     checks form and runs every test; ends with \"N passed, N failed\"
  soak     runs the tests that take longer than a minute; soak WORD… those in whose names the words occur
  mutants  puts known faults into a copy of the sources one by one and sees that their tests fail; mutants WORD…
  audit    runs cargo-deny, and builds it first where it is not installed
  bench    runs the benchmarks into target/bench";

fn main() -> ExitCode {
    match dispatch() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => {
            eprintln!("{text}");
            ExitCode::from(2)
        }
        Err(Failure::Told) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch() -> Result<()> {
    let mut arguments = env::args().skip(1);
    let command = arguments.next();
    let rest: Vec<String> = arguments.collect();
    let is_taken = |word: &String| match command.as_deref() {
        Some("run") => true,
        Some("soak" | "mutants") => !word.starts_with('-'),
        _ => false,
    };
    if let Some(extra) = rest.iter().find(|word| !is_taken(word)) {
        return Err(Failure::Usage(format!("unexpected argument `{extra}`\n\n{USAGE}")));
    }
    match command.as_deref() {
        Some("setup") => setup::setup(setup::EVERYTHING),
        Some("bundle") => bundle::bundle(&Workspace::find()?).map(drop),
        Some("install") => bundle::install(&Workspace::find()?),
        Some("wheel") => wheel::wheel(&Workspace::find()?),
        Some("run") => standalone::standalone(&Workspace::find()?, &rest),
        Some("validate") => validate::validate(&Workspace::find()?),
        Some("demo") => demo::demo(&Workspace::find()?),
        Some("docs") => docs::docs(&Workspace::find()?),
        Some("schema") => test::schema(&Workspace::find()?),
        Some("test") => test::test(&Workspace::find()?),
        Some("soak") => soak::soak(&Workspace::find()?, &rest),
        Some("mutants") => mutants::mutants(&Workspace::find()?, &rest),
        Some("audit") => licences::audit(&Workspace::find()?),
        Some("bench") => bench::bench(&Workspace::find()?),
        Some("help" | "-h" | "--help") => {
            println!("{USAGE}");
            Ok(())
        }
        Some(other) => Err(Failure::Usage(format!("unknown command `{other}`\n\n{USAGE}"))),
        None => Err(Failure::Usage(USAGE.to_owned())),
    }
}

//! krach without a DAW: a window, a sound card or a JACK server, MIDI ports, and time that runs.
//!
//! | file | question it answers |
//! |---|---|
//! | `options` | what did the command line ask for? |
//! | `player` | what becomes of a block of any length? |
//! | `time` | where is the music, whoever plays it? |
//! | `sound` | who plays, and what if it is lost? |
//! | `jack`, `card`, `silence` | how does each of the three ask for blocks? |
//! | `midi` | how do messages pass between MIDI ports and the audio thread? |
//! | `window` | when does the program end? |
//!
//! nice-plug has a program for this, too. It agrees on a rate and a period before it knows those of JACK, and
//! waits for ever for a server that has died ([decision 54](../../../docs/decisions/0054-own-program-around-jack-and-cards.md)).

mod card;
mod jack;
mod midi;
mod options;
mod player;
mod silence;
mod sound;
mod time;
mod window;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use krach_core::node::Registry;

use crate::instance::{Document, HostHooks, Instance, InstanceConfig, Opener};
use crate::params::KrachParams;
use crate::session_file;
use crate::signals;
use options::{Asked, Options};
use sound::Sound;

/// The program, with the command line of this process.
pub fn run() -> ExitCode {
    let mut options = match Options::read(std::env::args_os()) {
        Ok(Asked::ToPlay(options)) => options,
        Ok(Asked::ForHelp) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Ok(Asked::ForVersion) => {
            println!("krach {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("krach: {problem}; --help lists the options");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = signals::listen() {
        eprintln!("krach: Ctrl-C ends it where it stands: {error}");
    }
    let params = Arc::new(KrachParams::default());
    let instance = Instance::start(InstanceConfig {
        format: "standalone",
        host: None,
        registry: Registry::with_builtins(),
        hooks: HostHooks::default(),
    });
    if let Some(file) = &options.file {
        match open(&instance, file) {
            Ok((tempo, beats)) => {
                options.tempo = options.tempo.or(tempo);
                options.meter = options.meter.or(beats.map(|beats| (beats, 4)));
            }
            Err(problem) => {
                eprintln!("krach: {problem}");
                return ExitCode::FAILURE;
            }
        }
    }
    params.view.set(Some(Arc::clone(instance.view())));
    let scale = options.scale;
    let sound = Sound::start(instance, Arc::clone(&params), options);
    window::until_the_end(&params, scale);
    params.view.set(None);
    sound.end();
    ExitCode::SUCCESS
}

/// Opens a session before anything is played; gives its tempo, and quarter notes per bar.
fn open(instance: &Instance, file: &Path) -> Result<(Option<f64>, Option<u32>), String> {
    let text = session_file::read(file).map_err(|fault| fault.to_string())?;
    let time = session_file::time_of(&text);
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
    instance.open_file(Document { name, text }, Opener::Window)?;
    Ok(time)
}

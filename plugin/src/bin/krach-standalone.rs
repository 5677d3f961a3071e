//! krach with a window and a sound card, without a DAW. `--help` lists what can be chosen.

use cpal::traits::{DeviceTrait, HostTrait};
use krach::standalone::Standalone;
use nice_plug::prelude::nice_export_standalone;

const SILENT: &str = "\
krach: there is no sound card and no JACK server, so nothing will be heard; window, socket and patterns
work all the same. To hear it, render it to a file:
  cargo run --release -p krach-host -- serve --record out.wav    what clients play, while they play it
  cargo run --release -p krach-host -- render --help             a file of requests, faster than real time";

const BLIND: &str = "\
krach: there is no display, so there is no window; sound, socket and patterns work all the same. Ctrl-C ends it.";

fn main() -> std::process::ExitCode {
    if let Err(error) = krach::end::listen() {
        eprintln!("krach: Ctrl-C ends it where it stands: {error}");
    }
    let chosen = std::env::args().any(|argument| argument == "-b" || argument.starts_with("--backend"));
    let asked = std::env::args().any(|argument| matches!(argument.as_str(), "-h" | "--help"));
    if !chosen && !asked && !can_sound() {
        eprintln!("{SILENT}");
    }
    if !asked && !krach::editor::has_display() {
        eprintln!("{BLIND}");
    }
    // Its own words on backends go to a log that nobody reads: failing is all that it says.
    if nice_export_standalone::<Standalone>() {
        std::process::ExitCode::SUCCESS
    } else {
        eprintln!(
            "krach: the sound card or the window could not be opened; `--backend dummy` needs no sound card"
        );
        std::process::ExitCode::FAILURE
    }
}

/// Is there a JACK server that runs, or a sound card?
fn can_sound() -> bool {
    let jack = jack::Client::new("krach-looks", jack::ClientOptions::NO_START_SERVER);
    // ALSA has a default device also where there is no card; such a one has no format.
    let device = || cpal::default_host().default_output_device();
    jack.is_ok() || device().is_some_and(|device| device.default_output_config().is_ok())
}

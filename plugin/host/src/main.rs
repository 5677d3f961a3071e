//! `krach-host`: renders a performance to a file, or keeps an instance running.

mod args;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use args::{Command, RenderCommand};
use krach_host::presets::{Place, Preset};
use krach_host::serve::{ServeOptions, serve};
use krach_host::wav::stem_path;
use krach_host::{HostError, Library, Record, default_plugin, render_performance, use_private_socket};

/// Outputs beside the main one.
const STEMS: usize = 8;

fn main() -> ExitCode {
    let done = match args::parse(lexopt::Parser::from_env()) {
        Ok(Command::Help) => {
            print!("{}", args::HELP);
            Ok(ExitCode::SUCCESS)
        }
        Ok(Command::Render(command)) => render(*command),
        Ok(Command::Presets(plugin)) => list_presets(plugin),
        Ok(Command::Serve(options)) => run_serve(&options),
        Err(error) => Err(HostError::Usage(format!("{error}\n{}", args::HELP))),
    };
    done.unwrap_or_else(|error| {
        eprintln!("krach-host: {error}");
        ExitCode::FAILURE
    })
}

/// Tempo of the preset of that key, and quarter notes per bar.
fn time_of(key: &str, plugin: Option<&PathBuf>) -> Result<(Option<f64>, Option<u16>), HostError> {
    let found = Library::load(&plugin.cloned().map_or_else(default_plugin, Ok)?)?.presets()?;
    let of_key = |preset: &&Preset| preset.place == Place::Bundled(key.to_owned());
    Ok(found.presets.iter().find(of_key).map_or((None, None), |preset| (preset.tempo, preset.meter)))
}

fn list_presets(plugin: Option<PathBuf>) -> Result<ExitCode, HostError> {
    let found = Library::load(&plugin.map_or_else(default_plugin, Ok)?)?.presets()?;
    for Preset { name, about, tempo, place, .. } in &found.presets {
        let place = match place {
            Place::Bundled(key) => format!("--preset {key}"),
            Place::File(file) => file.display().to_string(),
        };
        let tempo = tempo.map(|tempo| format!("{tempo} bpm")).unwrap_or_default();
        println!("{name}\t{tempo}\t{place}\t{about}");
    }
    found.errors.iter().for_each(|error| eprintln!("krach-host: no preset: {error}"));
    Ok(ExitCode::SUCCESS)
}

fn render(mut command: RenderCommand) -> Result<ExitCode, HostError> {
    // SAFETY: the first thing that this process does; no other thread is running yet.
    let _socket = unsafe { use_private_socket() }?;
    if let Some(Place::Bundled(key)) = &command.options.preset {
        let (tempo, meter) = time_of(key, command.options.plugin.as_ref())?;
        let script = &mut command.options.script;
        script.tempo = tempo.filter(|_| command.own_tempo).unwrap_or(script.tempo);
        script.time_signature = meter.map_or(script.time_signature, |beats| (beats, 4));
    }
    let rendered = render_performance(&command.options)?;
    if let Some(path) = &command.replies {
        let lines: String = rendered.replies.iter().map(|reply| format!("{}\n", reply.reply)).collect();
        std::fs::write(path, lines)
            .map_err(|error| HostError::File { path: path.clone(), reason: error.to_string() })?;
    }
    for save in &rendered.saves {
        let milliseconds = save.took.as_secs_f64() * 1e3;
        let came = match &save.refused {
            None => format!("new sound after {milliseconds:.1} ms"),
            Some(why) => format!("refused after {milliseconds:.1} ms: {}", why.replace('\n', " ")),
        };
        println!("krach-host: line {}: {} saved at beat {:.2}: {came}", save.line, save.file, save.beats);
    }
    let mut refused = 0;
    for reply in rendered.refused() {
        refused += 1;
        eprintln!("krach-host: line {} was refused: {}", reply.line, reply.reply);
    }
    println!(
        "{} frames ({:.2} s), peak {:.4}, {} requests ({refused} refused), {} events out, {:.2} s of work, {:.1} times real time",
        rendered.frames,
        rendered.seconds(),
        rendered.peak(),
        rendered.replies.len(),
        rendered.midi_out.len(),
        rendered.elapsed.as_secs_f64(),
        rendered.time_factor(),
    );
    if let Record::Files { stems: Some(folder), .. } = &command.options.record
        && !(1..=STEMS).any(|number| stem_path(folder, number).exists())
    {
        println!("krach-host: nothing sounded at a stem; `stem` of a node, 1 to 8, has it leave there");
    }
    Ok(if refused == 0 || command.replies.is_some() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

fn run_serve(options: &ServeOptions) -> Result<ExitCode, HostError> {
    let stop = Arc::new(AtomicBool::new(false));
    let on_signal = Arc::clone(&stop);
    ctrlc::set_handler(move || on_signal.store(true, Ordering::Release))
        .map_err(|error| HostError::Usage(format!("cannot listen for signals: {error}")))?;
    let served = serve(options, &stop, |socket| {
        if let Some(socket) = socket {
            println!("socket: {}", socket.display());
            println!("attach: NOISE_SOCKET={} krach", socket.display());
        }
        println!("end:    Ctrl-C");
    })?;
    println!(
        "{} frames, peak {:.4}, {} dropouts, slowest block {:.2} ms",
        served.frames,
        served.peak,
        served.dropouts,
        served.slowest_block.as_secs_f64() * 1000.0
    );
    Ok(ExitCode::SUCCESS)
}

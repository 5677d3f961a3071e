//! The command line.

use std::path::{Path, PathBuf};

use krach_host::presets::Place;
use krach_host::serve::ServeOptions;
use krach_host::transport::Blocks;
use krach_host::{HostError, Length, Performance, Record, RenderOptions, wav};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

/// What `--help` prints.
pub const HELP: &str = "\
krach-host: a CLAP host for tests, renders and screenshots

krach-host render [FILE] [-o|--out OUT.wav]   play a performance (JSON lines) into a file,
                                              which is written as it sounds: one that ends early can be read
krach-host render FILE.krach.json OUT.wav     play a session, at its own tempo and meter
    --preset KEY      play a session that comes with the plugin
    --bars N          length in bars of the host's time (16)
    --seconds N       length in seconds instead
    --replies FILE    write the replies as JSON lines; refused requests are then left to its reader
    --stems DIR       also write the other outputs that sound, as DIR/stem-1.wav and so on, all of one length;
                      without -o the main output is DIR/main.wav
    --rate HZ         frames per second (48000)
    --block N         frames per block (256)
    --blocks RULE     a list such as 1,17,64, or random:SEED
    --bpm X           tempo of the transport (120, or the session's)
    --from BEAT       position of the first frame in quarter notes (0; may be negative)
    --input IN.wav    what goes into the audio input: the sidechain, or what an effect works on
    --online          in real time, as a host that plays
    --quiet           no progress on standard error
krach-host presets                            list the presets that a CLAP offers
krach-host serve                              keep an instance running; clients attach to its socket
    --bpm X  --rate HZ  --block N
    --seconds N       end by itself
    --stopped         the transport stands
    --record OUT.wav  record the main output
    --window          open the plugin's window (X11); closing it ends
    --scale X         its size, 1 being natural
    --picture OUT.png write what it shows at the end
All: --plugin FILE.clap or FILE.vst3 ($KRACH_CLAP, else target/bundled/krach.clap), --id PLUGIN-ID (io.krach.krach;
io.krach.krach-fx is the effect)

Exit status: 0 done, 1 failed, 2 rendered, but requests were refused (standard error names them; not
with --replies).
";

/// What is to be done.
#[derive(Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Render.
    Render(Box<RenderCommand>),
    /// List the presets of a plugin.
    Presets(Option<PathBuf>),
    /// Keep running.
    Serve(Box<ServeOptions>),
}

/// `render`, and where the replies go.
#[derive(Debug)]
pub struct RenderCommand {
    /// What and how.
    pub options: RenderOptions,
    /// Where the replies go.
    pub replies: Option<PathBuf>,
    /// The tempo is that of the preset that comes with the plugin.
    pub own_tempo: bool,
}

/// Reads the command line.
pub fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        Some(Value(verb)) if verb == "render" => parse_render(&mut parser),
        Some(Value(verb)) if verb == "serve" => parse_serve(&mut parser),
        Some(Value(verb)) if verb == "presets" => parse_presets(&mut parser),
        None | Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

fn parse_render(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = RenderOptions { progress: true, ..RenderOptions::default() };
    let (mut output, mut replies, mut stems, mut file) = (None, None, None, None);
    let mut input: Option<PathBuf> = None;
    let (mut preset, mut said_tempo) = (None, None);
    while let Some(argument) = parser.next()? {
        match argument {
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            Value(path) if output.is_none() && file.as_deref().is_some_and(is_session) => {
                output = Some(PathBuf::from(path));
            }
            Value(path) if output.is_none() => {
                let (file, sound) = (file.unwrap_or_default(), PathBuf::from(path));
                let (file, sound) = (file.display(), sound.display());
                let message = format!(
                    "{file} is no session, whose name ends in .krach.json; a performance is rendered by: render {file} -o {sound}"
                );
                return Err(message.into());
            }
            Long("preset") => preset = Some(parser.value()?.string()?),
            Short('o') | Long("out") => output = Some(PathBuf::from(parser.value()?)),
            Long("bars") => options.length = Length::Bars(amount(parser, "bars")?),
            Long("seconds") => options.length = Length::Seconds(amount(parser, "seconds")?),
            Long("replies") => replies = Some(PathBuf::from(parser.value()?)),
            Long("stems") => stems = Some(PathBuf::from(parser.value()?)),
            Long("rate") => options.sample_rate = rate(parser)?,
            Long("block" | "blocks") => {
                let text = parser.value()?.string()?;
                options.blocks = text.parse::<Blocks>().map_err(lexopt::Error::from)?;
            }
            Long("bpm") => said_tempo = Some(tempo(parser)?),
            Long("from") => options.script.start_beats = parser.value()?.parse()?,
            Long("input") => input = Some(PathBuf::from(parser.value()?)),
            Long("online") => options.realtime = true,
            Long("quiet") => options.progress = false,
            Long("plugin") => options.plugin = Some(PathBuf::from(parser.value()?)),
            Long("id") => options.plugin_id = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    match (file, &preset) {
        (Some(file), None) if is_session(&file) => session(&mut options, &file).map_err(refused)?,
        (Some(file), _) if is_session(&file) => return Err("give a session or a preset, not both".into()),
        (Some(file), _) if file.extension().is_some_and(|ending| ending == "py") => {
            return Err(format!("{0} is a Python file: krach render {0} -o OUT.wav", file.display()).into());
        }
        (Some(file), _) => options.performance = Performance::load(&file).map_err(refused)?,
        (None, _) => {}
    }
    if let Some(path) = input {
        let (rate, channels) = wav::read(&path).map_err(refused)?;
        if rate != options.sample_rate {
            let (path, wanted) = (path.display(), options.sample_rate);
            let message = format!("{path} has {rate} frames per second, not {wanted}: give --rate {rate}");
            return Err(message.into());
        }
        options.sidechain = Some(channels);
    }
    let own_tempo = preset.is_some() && said_tempo.is_none();
    if let Some(key) = preset {
        options.preset = Some(Place::Bundled(key));
    }
    options.script.tempo = said_tempo.unwrap_or(options.script.tempo);
    let main = output.or_else(|| stems.as_deref().map(|folder: &Path| folder.join("main.wav")));
    options.record = main.map_or(Record::Nothing, |main| Record::Files { main, stems });
    Ok(Command::Render(Box::new(RenderCommand { options, replies, own_tempo })))
}

fn is_session(file: &Path) -> bool {
    file.to_string_lossy().ends_with(".krach.json")
}

/// The session in a file is played, at its own tempo and meter.
fn session(options: &mut RenderOptions, file: &Path) -> Result<(), HostError> {
    let failed = |reason: String| HostError::File { path: file.to_owned(), reason };
    let path = file.canonicalize().map_err(|error| failed(error.to_string()))?;
    let text = krach_files::read_text(&path, krach_files::Links::Follow, 64 << 20)
        .map_err(|error| failed(error.to_string()))?;
    let (tempo, meter) = krach_host::presets::time_of(&text);
    options.script.tempo = tempo.unwrap_or(options.script.tempo);
    options.script.time_signature = meter.map_or(options.script.time_signature, |beats| (beats, 4));
    options.preset = Some(Place::File(path));
    Ok(())
}

fn parse_presets(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut plugin = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("plugin") => plugin = Some(PathBuf::from(parser.value()?)),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Presets(plugin))
}

fn parse_serve(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = ServeOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bpm") => options.script.tempo = tempo(parser)?,
            Long("stopped") => options.script.playing = false,
            Long("rate") => options.sample_rate = rate(parser)?,
            Long("block") => match parser.value()?.string()?.parse().map_err(lexopt::Error::from)? {
                Blocks::Fixed(frames) => options.block = frames,
                _ => return Err("serve takes one block length".into()),
            },
            Long("seconds") => options.seconds = Some(amount(parser, "seconds")?),
            Long("record") => options.record = Some(PathBuf::from(parser.value()?)),
            Long("window") => options.window = true,
            Long("scale") => options.scale = Some(within(parser, "scale", 0.5, 4.0)?),
            Long("picture") => options.picture = Some(PathBuf::from(parser.value()?)),
            Long("plugin") => options.plugin = Some(PathBuf::from(parser.value()?)),
            Long("id") => options.plugin_id = Some(parser.value()?.string()?),
            Short('h') | Long("help") => return Ok(Command::Help),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Serve(Box::new(options)))
}

fn refused(error: HostError) -> lexopt::Error {
    lexopt::Error::Custom(Box::new(error))
}

fn within(parser: &mut lexopt::Parser, what: &str, low: f64, high: f64) -> Result<f64, lexopt::Error> {
    let value: f64 = parser.value()?.parse()?;
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(format!("--{what} {value}: give {low} to {high}").into())
    }
}

fn tempo(parser: &mut lexopt::Parser) -> Result<f64, lexopt::Error> {
    within(parser, "bpm", 1.0, 1000.0)
}

fn rate(parser: &mut lexopt::Parser) -> Result<f64, lexopt::Error> {
    within(parser, "rate", 8000.0, 768_000.0)
}

fn amount(parser: &mut lexopt::Parser, what: &str) -> Result<f64, lexopt::Error> {
    within(parser, what, 0.001, 1_000_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use krach_host::transport::Script;

    fn render(arguments: &[&str]) -> RenderCommand {
        let all = ["render"].iter().chain(arguments);
        match parse(lexopt::Parser::from_args(all)).unwrap() {
            Command::Render(command) => *command,
            other => panic!("{other:?}"),
        }
    }

    fn wrong(arguments: &[&str]) -> String {
        parse(lexopt::Parser::from_args(arguments)).unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_sixteen_bars_at_120_in_blocks_of_256() {
        let options = render(&[]).options;
        assert_eq!(options.length, Length::Bars(16.0));
        assert_eq!(options.script, Script::playing(120.0));
        assert_eq!((options.sample_rate, options.blocks), (48_000.0, Blocks::Fixed(256)));
        assert!(!options.realtime);
    }

    #[test]
    fn a_host_that_serves_may_stand_whatever_its_tempo() {
        let options = ["serve", "--stopped", "--bpm", "90"];
        let Command::Serve(command) = parse(lexopt::Parser::from_args(options)).unwrap() else { panic!() };
        assert_eq!(command.script, Script::stopped(90.0));
    }

    #[test]
    fn every_option_lands_where_it_belongs() {
        let command = render(&[
            "--bars",
            "8",
            "-o",
            "x/song.wav",
            "--stems",
            "x/stems",
            "--rate=44100",
            "--blocks",
            "random:7",
            "--bpm",
            "137.5",
            "--from=-4",
            "--online",
            "--plugin",
            "p.clap",
            "--id",
            "a.b",
        ]);
        let options = command.options;
        assert_eq!(options.length, Length::Bars(8.0));
        assert_eq!(options.blocks, Blocks::random(7));
        assert_eq!((options.sample_rate, options.script.tempo), (44_100.0, 137.5));
        assert_eq!(options.script.start_beats, -4.0);
        assert!(options.realtime);
        assert_eq!(options.plugin, Some(PathBuf::from("p.clap")));
        assert_eq!(options.plugin_id.as_deref(), Some("a.b"));
        let files = |main: &str| Record::Files { main: main.into(), stems: Some("x/stems".into()) };
        assert_eq!(options.record, files("x/song.wav"));
        assert_eq!(render(&["--stems", "x/stems"]).options.record, files("x/stems/main.wav"));
        assert_eq!(render(&[]).options.record, Record::Nothing);
    }

    #[test]
    fn what_is_no_performance_is_told_how_it_is_rendered() {
        assert!(wrong(&["render", "song", "x.wav"]).contains(".krach.json"));
        assert!(wrong(&["render", "song.py", "-o", "x.wav"]).contains("krach render song.py"));
    }

    #[test]
    fn a_session_is_played_at_its_own_tempo_and_meter() {
        let file = std::env::temp_dir().join(format!("krach-args-{}.krach.json", std::process::id()));
        std::fs::write(&file, r#"{"tempo": 96.5, "meter": 3}"#).unwrap();
        let name = file.to_str().unwrap();
        let options = render(&[name, "x.wav", "--bars", "2"]).options;
        assert_eq!((options.script.tempo, options.script.time_signature), (96.5, (3, 4)));
        assert_eq!(options.preset, Some(Place::File(file.canonicalize().unwrap())));
        assert!(matches!(options.record, Record::Files { main, .. } if main == Path::new("x.wav")));
        assert_eq!(render(&[name, "--bpm", "80"]).options.script.tempo, 80.0);
        let command = render(&["--preset", "acid"]);
        assert_eq!(command.options.preset, Some(Place::Bundled("acid".to_owned())));
        assert!(command.own_tempo && !render(&["--preset", "acid", "--bpm", "80"]).own_tempo);
        std::fs::remove_file(file).unwrap();
    }

    #[test]
    fn nonsense_is_refused_with_what_would_work() {
        assert!(wrong(&["render", "--bpm", "0"]).contains("give 1 to 1000"));
        assert!(wrong(&["render", "--blocks", "x"]).contains("random:SEED"));
        assert!(wrong(&["render", "--stems"]).contains("--stems"));
        assert!(wrong(&["render", "/no/such/file.jsonl"]).contains("/no/such/file.jsonl"));
        let input = std::env::temp_dir().join(format!("krach-input-{}.wav", std::process::id()));
        wav::write(&input, 44_100.0, &[vec![0.5; 4], vec![0.25; 4]]).unwrap();
        let path = input.to_str().unwrap();
        assert!(wrong(&["render", "--input", path]).contains("give --rate 44100"));
        let sidechain = render(&["--input", path, "--rate", "44100"]).options.sidechain;
        assert_eq!(sidechain, Some(vec![vec![0.5; 4], vec![0.25; 4]]));
        std::fs::remove_file(&input).unwrap();
        assert!(wrong(&["render", "--input", path]).contains("krach-input"));
        assert!(wrong(&["render", "/no/such.krach.json", "x.wav"]).contains("/no/such.krach.json"));
        assert!(wrong(&["render", "a.jsonl", "x.wav"]).contains("x.wav"));
        assert!(wrong(&["render", "a.krach.json", "--preset", "b"]).contains("not both"));
        assert!(wrong(&["serve", "--block", "1,2"]).contains("one block length"));
        assert!(wrong(&["dance"]).contains("dance"));
    }
}

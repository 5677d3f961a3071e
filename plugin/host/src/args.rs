//! The command line.

use std::path::PathBuf;

use krach_host::serve::ServeOptions;
use krach_host::transport::{Blocks, Script};
use krach_host::{HostError, Length, Performance, Record, RenderOptions, wav};
use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

/// What `--help` prints.
pub const HELP: &str = "\
krach-host: a CLAP host for tests, renders and screenshots

krach-host render [FILE] [-o|--out OUT.wav]   play a performance (JSON lines) into a file,
                                              which is written as it sounds: one that ends early can be read
    --bars N          length in bars of the host's time (16)
    --seconds N       length in seconds instead
    --replies FILE    write the replies as JSON lines; refused requests are then left to its reader
    --stems           also write the other outputs, as OUT-stem-1.wav and so on
    --rate HZ         frames per second (48000)
    --block N         frames per block (256)
    --blocks RULE     a list such as 1,17,64, or random:SEED
    --bpm X           tempo of the transport (120)
    --from BEAT       position of the first frame in quarter notes (0; may be negative)
    --input IN.wav    what goes into the audio input: the sidechain, or what an effect works on
    --online          in real time, as a host that plays
    --quiet           no progress on standard error
krach-host serve                              keep an instance running; clients attach to its socket
    --bpm X  --rate HZ  --block N
    --seconds N       end by itself
    --record OUT.wav  record the main output
    --window          open the plugin's window (X11); closing it ends
    --scale X         its size, 1 being natural
    --picture OUT.png write what it shows at the end
Both: --plugin FILE.clap ($KRACH_CLAP, else target/bundled/krach.clap), --id PLUGIN-ID (io.krach.krach;
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
}

/// Reads the command line.
pub fn parse(mut parser: lexopt::Parser) -> Result<Command, lexopt::Error> {
    match parser.next()? {
        Some(Value(verb)) if verb == "render" => parse_render(&mut parser),
        Some(Value(verb)) if verb == "serve" => parse_serve(&mut parser),
        None | Some(Long("help") | Short('h')) => Ok(Command::Help),
        Some(other) => Err(other.unexpected()),
    }
}

fn parse_render(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = RenderOptions { progress: true, ..RenderOptions::default() };
    let (mut output, mut replies, mut stems, mut file) = (None, None, false, None);
    let mut input: Option<PathBuf> = None;
    while let Some(argument) = parser.next()? {
        match argument {
            Value(path) if file.is_none() => file = Some(PathBuf::from(path)),
            Short('o') | Long("out") => output = Some(PathBuf::from(parser.value()?)),
            Long("bars") => options.length = Length::Bars(amount(parser, "bars")?),
            Long("seconds") => options.length = Length::Seconds(amount(parser, "seconds")?),
            Long("replies") => replies = Some(PathBuf::from(parser.value()?)),
            Long("stems") => stems = true,
            Long("rate") => options.sample_rate = rate(parser)?,
            Long("block" | "blocks") => {
                let text = parser.value()?.string()?;
                options.blocks = text.parse::<Blocks>().map_err(lexopt::Error::from)?;
            }
            Long("bpm") => options.script.tempo = tempo(parser)?,
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
    if let Some(file) = file {
        options.performance = Performance::load(&file).map_err(refused)?;
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
    if stems && output.is_none() {
        return Err("--stems needs an output file: -o OUT.wav".into());
    }
    options.record = output.map_or(Record::Nothing, |main| Record::Files { main, stems });
    Ok(Command::Render(Box::new(RenderCommand { options, replies })))
}

fn parse_serve(parser: &mut lexopt::Parser) -> Result<Command, lexopt::Error> {
    let mut options = ServeOptions::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("bpm") => options.script = Script::playing(tempo(parser)?),
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
    fn every_option_lands_where_it_belongs() {
        let command = render(&[
            "--bars",
            "8",
            "-o",
            "x/song.wav",
            "--stems",
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
        let Record::Files { main, stems: true } = options.record else { panic!("{:?}", options.record) };
        assert_eq!(krach_host::wav::stem_path(&main, 3), PathBuf::from("x/song-stem-3.wav"));
    }

    #[test]
    fn nonsense_is_refused_with_what_would_work() {
        assert!(wrong(&["render", "--bpm", "0"]).contains("give 1 to 1000"));
        assert!(wrong(&["render", "--blocks", "x"]).contains("random:SEED"));
        assert!(wrong(&["render", "--stems"]).contains("-o OUT.wav"));
        assert!(wrong(&["render", "/no/such/file.jsonl"]).contains("/no/such/file.jsonl"));
        let input = std::env::temp_dir().join(format!("krach-input-{}.wav", std::process::id()));
        wav::write(&input, 44_100.0, &[vec![0.5; 4], vec![0.25; 4]]).unwrap();
        let path = input.to_str().unwrap();
        assert!(wrong(&["render", "--input", path]).contains("give --rate 44100"));
        let sidechain = render(&["--input", path, "--rate", "44100"]).options.sidechain;
        assert_eq!(sidechain, Some(vec![vec![0.5; 4], vec![0.25; 4]]));
        std::fs::remove_file(&input).unwrap();
        assert!(wrong(&["render", "--input", path]).contains("krach-input"));
        assert!(wrong(&["serve", "--block", "1,2"]).contains("one block length"));
        assert!(wrong(&["dance"]).contains("dance"));
    }
}

//! What the command line asks for.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = include_str!("help.txt");

/// What there is to do.
#[derive(Debug, PartialEq)]
pub enum Asked {
    /// Play.
    ToPlay(Options),
    /// Print [`HELP`].
    ForHelp,
    /// Print the version.
    ForVersion,
}

/// Who is to play.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Backend {
    /// JACK where a server runs, else the card.
    #[default]
    Auto,
    /// JACK.
    Jack,
    /// The sound card.
    Card,
    /// Nobody.
    Dummy,
}

/// Quarter notes per minute where nobody says any.
pub const TEMPO: f64 = 120.0;
/// Time signature where nothing says another.
pub const METER: (u32, u32) = (4, 4);

/// How to play.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Who plays.
    pub backend: Backend,
    /// Rate of the card in Hz, if one is asked for.
    pub rate: Option<u32>,
    /// Frames per period of the card, if so many are asked for.
    pub period: Option<u32>,
    /// The session that is opened at the start.
    pub file: Option<PathBuf>,
    /// Quarter notes per minute; `None` is that of the file, else [`TEMPO`].
    pub tempo: Option<f64>,
    /// Time signature; where it is left out, that of the session file, else 4/4.
    pub meter: Option<(u32, u32)>,
    /// JACK's transport is ours.
    pub follow_jack: bool,
    /// Part of the card's name.
    pub card: Option<String>,
    /// Name of the MIDI port to hear.
    pub midi_input: Option<String>,
    /// Name of the MIDI port to send to.
    pub midi_output: Option<String>,
    /// JACK ports for left and right; `None` are the card's.
    pub connect: Option<Vec<String>>,
    /// Pixels per point.
    pub scale: Option<f64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            backend: Backend::Auto,
            rate: None,
            period: None,
            file: None,
            tempo: None,
            meter: None,
            follow_jack: false,
            card: None,
            midi_input: None,
            midi_output: None,
            connect: None,
            scale: None,
        }
    }
}

/// What is wrong with the command line.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// An option that there is not, or one without its value.
    #[error("{0}")]
    Syntax(#[from] lexopt::Error),
    /// A value that the option does not take.
    #[error("{option} {value}: it has to be {wanted}")]
    Value { option: &'static str, value: String, wanted: &'static str },
}

impl Options {
    /// Reads a command line, the program's name first.
    ///
    /// # Errors
    /// If it has an option or a value that there is not.
    pub fn read(line: impl IntoIterator<Item = OsString>) -> Result<Asked, Problem> {
        use lexopt::prelude::{Long, Short, Value, ValueExt as _};
        let mut parser = lexopt::Parser::from_iter(line);
        let mut options = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(Asked::ForHelp),
                Short('V') | Long("version") => return Ok(Asked::ForVersion),
                Short('b') | Long("backend") => {
                    options.backend = backend(parser.value()?.string()?)?;
                }
                Short('r') | Long("sample-rate") => {
                    let text = parser.value()?.string()?;
                    let wanted = "a whole number of Hz from 8000 to 384000";
                    options.rate = Some(number("--sample-rate", text, wanted, 8000..=384_000)?);
                }
                Short('p') | Long("period-size") => {
                    let text = parser.value()?.string()?;
                    let wanted = "a whole number of frames from 16 to 8192";
                    options.period = Some(number("--period-size", text, wanted, 16..=8192)?);
                }
                Long("tempo") => {
                    let text = parser.value()?.string()?;
                    options.tempo = Some(real("--tempo", text, "a number from 10 to 999", 10.0..=999.0)?);
                }
                Long("timesig-num") => {
                    let text = parser.value()?.string()?;
                    options.meter.get_or_insert(METER).0 =
                        number("--timesig-num", text, "a whole number from 1 to 64", 1..=64)?;
                }
                Long("timesig-denom") => {
                    let text = parser.value()?.string()?;
                    let wanted = "1, 2, 4, 8, 16 or 32";
                    let note: u32 = number("--timesig-denom", text.clone(), wanted, 1..=32)?;
                    if !note.is_power_of_two() {
                        return Err(Problem::Value { option: "--timesig-denom", value: text, wanted });
                    }
                    options.meter.get_or_insert(METER).1 = note;
                }
                Long("follow-jack") => options.follow_jack = true,
                Long("output-device") => options.card = Some(parser.value()?.string()?),
                Long("midi-input") => options.midi_input = Some(parser.value()?.string()?),
                Long("midi-output") => options.midi_output = Some(parser.value()?.string()?),
                Long("connect-jack") => {
                    let text = parser.value()?.string()?;
                    let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                    let names: Vec<String> = names.map(str::to_owned).collect();
                    options.connect = Some(if names == ["none"] { Vec::new() } else { names });
                }
                Long("dpi-scale") => {
                    let text = parser.value()?.string()?;
                    options.scale = Some(real("--dpi-scale", text, "a number from 0.5 to 4", 0.5..=4.0)?);
                }
                Value(file) if options.file.is_none() => options.file = Some(file.into()),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Asked::ToPlay(options))
    }
}

fn backend(text: String) -> Result<Backend, Problem> {
    Ok(match text.as_str() {
        "auto" => Backend::Auto,
        "jack" => Backend::Jack,
        "card" | "alsa" | "coreaudio" | "wasapi" => Backend::Card,
        "dummy" => Backend::Dummy,
        _ => {
            let wanted = "auto, jack, card or dummy";
            return Err(Problem::Value { option: "--backend", value: text, wanted });
        }
    })
}

fn number(
    option: &'static str,
    text: String,
    wanted: &'static str,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32, Problem> {
    let read = text.parse().ok().filter(|number| range.contains(number));
    read.ok_or(Problem::Value { option, value: text, wanted })
}

fn real(
    option: &'static str,
    text: String,
    wanted: &'static str,
    range: std::ops::RangeInclusive<f64>,
) -> Result<f64, Problem> {
    let read = text.parse().ok().filter(|number| range.contains(number));
    read.ok_or(Problem::Value { option, value: text, wanted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Asked, String> {
        let words = std::iter::once("krach").chain(line.split_whitespace());
        Options::read(words.map(OsString::from)).map_err(|problem| problem.to_string())
    }

    #[test]
    fn what_is_left_out_has_a_default_and_what_is_said_counts() {
        assert_eq!(read(""), Ok(Asked::ToPlay(Options::default())));
        let line = "-b jack -r 44100 --period-size=64 --tempo 137.5 --timesig-num 7 --timesig-denom 8 \
                    --follow-jack --connect-jack a:1,b:2 --dpi-scale 2 song.krach.json";
        let options = Options {
            backend: Backend::Jack,
            file: Some("song.krach.json".into()),
            rate: Some(44_100),
            period: Some(64),
            tempo: Some(137.5),
            meter: Some((7, 8)),
            follow_jack: true,
            connect: Some(vec!["a:1".to_owned(), "b:2".to_owned()]),
            scale: Some(2.0),
            ..Options::default()
        };
        assert_eq!(read(line), Ok(Asked::ToPlay(options)));
        let Ok(Asked::ToPlay(options)) = read("--connect-jack none") else { panic!("it plays") };
        assert_eq!(options.connect, Some(Vec::new()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_what_can() {
        for (line, wanted) in [
            ("-b oss", "auto, jack, card or dummy"),
            ("-r 12", "8000 to 384000"),
            ("-p 9000", "16 to 8192"),
            ("--tempo nan", "10 to 999"),
            ("--tempo fast", "10 to 999"),
            ("--timesig-denom 3", "1, 2, 4, 8, 16 or 32"),
            ("--timesig-num 0", "1 to 64"),
            ("--dpi-scale 9", "0.5 to 4"),
            ("--loud", "--loud"),
            ("one.krach.json stray", "stray"),
            ("--tempo", "--tempo"),
        ] {
            let problem = read(line).expect_err(line);
            assert!(problem.contains(wanted), "{line}: {problem}");
        }
    }
}

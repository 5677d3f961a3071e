//! A performance file: what a client would send, and what the host is told to do meanwhile.
//!
//! JSON lines. Blank lines and lines that start with `#` are skipped. A line with a `"host"` field
//! is for the host itself and acts on the scripted transport; every other line is one request for
//! the plugin's socket, sent as it stands:
//!
//! | line | what the transport does |
//! |---|---|
//! | `{"host":"play"}` | starts |
//! | `{"host":"stop"}` | stops |
//! | `{"host":"jump","to":16.0}` | goes to this position |
//! | `{"host":"loop","start":0,"end":8}` | loops over this range; `{"host":"loop","off":true}` ends that |
//! | `{"host":"tempo","bpm":140}` | changes the tempo; with `"ramp_seconds":4` it gets there on a line |
//! | `{"host":"save","file":"bass.dsp","text":"…"}` | renders on to exactly this position, saves a FAUST program into `NOISE_DSP_DIR`, and waits until the plugin says what came of it |
//!
//! Positions are in quarter notes. Each of them takes `"at"`: the position at or after which it
//! happens while playing, or `"at_seconds"`, counted from the first frame; without either it
//! happens at the next block. A directive with `at` is known to the transport from where it stands
//! in the file: put it before the `sync` that renders up to there.
//!
//! At a request `sync` the host first renders on, see [`crate::render`].

use std::path::Path;

use serde_json::Value;

use crate::error::HostError;
use crate::transport::{Action, When};

/// One line of a performance.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A request for the socket.
    Request {
        /// Line number in the file, from 1.
        line: usize,
        /// The line as it is sent.
        text: String,
        /// Whether it is a JSON-RPC `sync`.
        sync: bool,
        /// Beats per cycle that it sets (`SetBeatsPerCycle`), which is what positions in later
        /// replies are measured in.
        beats_per_cycle: Option<f64>,
    },
    /// A FAUST program is saved into the folder of sounds, see [`crate::Save`].
    Save {
        /// Line number in the file, from 1.
        line: usize,
        /// Position in quarter notes up to which is rendered first; without one, none is.
        at: Option<f64>,
        /// Name of the file within the folder.
        file: String,
        /// What it holds from then on.
        text: String,
    },
    /// A change of the transport; without a time it happens at the next block.
    Host {
        /// When.
        when: Option<When>,
        /// What.
        action: Action,
    },
}

/// A whole performance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Performance {
    /// Its lines in order.
    pub steps: Vec<Step>,
}

impl Performance {
    /// Reads a file.
    ///
    /// # Errors
    /// [`HostError::File`], or as [`Self::parse`].
    pub fn load(path: &Path) -> Result<Self, HostError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| HostError::File { path: path.to_owned(), reason: error.to_string() })?;
        Self::parse(&text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`HostError::Performance`] with the first line that is not a JSON object or not understood.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        let mut steps = Vec::new();
        for (index, raw) in text.lines().enumerate() {
            let trimmed = raw.trim();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                continue;
            }
            let line = index + 1;
            let refused = |reason: String| HostError::Performance { line, reason };
            let value: Value =
                serde_json::from_str(trimmed).map_err(|error| refused(format!("not JSON: {error}")))?;
            if !value.is_object() {
                return Err(refused("give one JSON object per line".to_owned()));
            }
            steps.push(match value.get("host") {
                Some(verb) if verb == "save" => save(line, &value).map_err(refused)?,
                Some(verb) => directive(verb, &value).map_err(refused)?,
                None => Step::Request {
                    line,
                    text: trimmed.to_owned(),
                    sync: value.get("jsonrpc").is_some() && value.get("method") == Some(&"sync".into()),
                    beats_per_cycle: beats_per_cycle(&value),
                },
            });
        }
        Ok(Self { steps })
    }
}

/// What the last `SetBeatsPerCycle` in a request sets: alone, in a batch, or wrapped in `at`.
fn beats_per_cycle(request: &Value) -> Option<f64> {
    if request.get("cmd") == Some(&"SetBeatsPerCycle".into()) {
        return request
            .get("beats")
            .and_then(Value::as_f64)
            .filter(|beats| *beats > 0.0 && beats.is_finite());
    }
    if let Some(commands) = request.get("commands").and_then(Value::as_array) {
        return commands.iter().filter_map(beats_per_cycle).next_back();
    }
    beats_per_cycle(request.get("params")?.get("request")?)
}

fn save(line: usize, value: &Value) -> Result<Step, String> {
    let text = |name: &str| {
        let text = value.get(name).and_then(Value::as_str).map(str::to_owned);
        text.ok_or_else(|| format!("\"save\" needs a text \"{name}\""))
    };
    let at = match value.get("at") {
        None => None,
        Some(at) => Some(at.as_f64().ok_or("\"save\" acts at a number of quarter notes")?),
    };
    let file = text("file")?;
    let inside = Path::new(&file).components().all(|part| matches!(part, std::path::Component::Normal(_)));
    if !inside || !file.ends_with(".dsp") {
        return Err(format!("\"save\": give a .dsp file within the folder of sounds, not {file}"));
    }
    Ok(Step::Save { line, at, file, text: text("text")? })
}

fn directive(verb: &Value, line: &Value) -> Result<Step, String> {
    let number = |name: &str| -> Result<f64, String> {
        line.get(name).and_then(Value::as_f64).ok_or_else(|| format!("{verb} needs a number \"{name}\""))
    };
    let action = match verb.as_str() {
        Some("play") => Action::Play,
        Some("stop") => Action::Stop,
        Some("jump") => Action::Jump(number("to")?),
        Some("loop") if line.get("off") == Some(&Value::Bool(true)) => Action::Loop(None),
        Some("loop") => {
            let (start, end) = (number("start")?, number("end")?);
            if end <= start {
                return Err(format!("a loop from {start} to {end} has no length"));
            }
            Action::Loop(Some((start, end)))
        }
        Some("tempo") => {
            let bpm = number("bpm")?;
            if !(1.0..=1000.0).contains(&bpm) {
                return Err(format!("tempo {bpm}: give 1 to 1000 bpm"));
            }
            match line.get("ramp_seconds") {
                Some(_) => Action::Ramp { to: bpm, seconds: number("ramp_seconds")? },
                None => Action::Tempo(bpm),
            }
        }
        _ => {
            return Err(format!(
                "unknown host directive {verb}: there are play, stop, jump, loop, tempo and save"
            ));
        }
    };
    let when = match (line.get("at"), line.get("at_seconds")) {
        (None, None) => None,
        (Some(_), None) => Some(When::Beat(number("at")?)),
        (None, Some(_)) => Some(When::Seconds(number("at_seconds")?)),
        (Some(_), Some(_)) => return Err("give at or at_seconds, not both".to_owned()),
    };
    Ok(Step::Host { when, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_kept_as_they_stand_and_comments_skipped() {
        let text =
            "# a bass line\n\n  {\"cmd\":\"Ping\"}\n{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"sync\"}\n";
        let steps = Performance::parse(text).unwrap().steps;
        assert_eq!(steps.len(), 2);
        assert!(
            matches!(&steps[0], Step::Request { line: 3, text, sync: false, .. } if text == "{\"cmd\":\"Ping\"}")
        );
        assert!(matches!(&steps[1], Step::Request { line: 4, sync: true, .. }));
    }

    #[test]
    fn host_directives_act_on_the_transport() {
        let text = r#"{"host":"tempo","bpm":140,"at":48.0}
            {"host":"loop","start":0,"end":8}
            {"host":"jump","to":-2,"at_seconds":1.5}
            {"host":"tempo","bpm":90,"ramp_seconds":2}"#;
        let steps = Performance::parse(text).unwrap().steps;
        let host = |when, action| Step::Host { when, action };
        assert_eq!(
            steps,
            [
                host(Some(When::Beat(48.0)), Action::Tempo(140.0)),
                host(None, Action::Loop(Some((0.0, 8.0)))),
                host(Some(When::Seconds(1.5)), Action::Jump(-2.0)),
                host(None, Action::Ramp { to: 90.0, seconds: 2.0 }),
            ]
        );
    }

    #[test]
    fn a_sound_is_saved_at_a_position() {
        let text = r#"{"host":"save","file":"a/bass.dsp","text":"process = 0;","at":32}"#;
        let (file, text_of_file) = ("a/bass.dsp".to_owned(), "process = 0;".to_owned());
        let saved = Step::Save { line: 1, at: Some(32.0), file, text: text_of_file };
        assert_eq!(Performance::parse(text).unwrap().steps, [saved]);
    }

    #[test]
    fn the_cycle_length_is_followed_through_batches_and_timed_requests() {
        let of = |text: &str| beats_per_cycle(&serde_json::from_str(text).unwrap());
        assert_eq!(of(r#"{"cmd":"SetBeatsPerCycle","beats":3}"#), Some(3.0));
        assert_eq!(
            of(r#"{"cmd":"Batch","commands":[{"cmd":"Ping"},{"cmd":"SetBeatsPerCycle","beats":6}]}"#),
            Some(6.0)
        );
        let timed = r#"{"jsonrpc":"2.0","id":1,"method":"at","params":{"at":8,
            "request":{"cmd":"SetBeatsPerCycle","beats":5}}}"#;
        assert_eq!(of(timed), Some(5.0));
        assert_eq!(of(r#"{"cmd":"SetBpm","bpm":3}"#), None);
    }

    #[test]
    fn a_bad_line_is_named_with_what_would_work() {
        let said = |text: &str| Performance::parse(text).unwrap_err().to_string();
        assert!(said("{\"cmd\":\"Ping\"}\nnonsense").starts_with("performance line 2: not JSON"));
        assert!(said(r#"{"host":"rewind"}"#).contains("play, stop, jump, loop, tempo and save"));
        assert!(said(r#"{"host":"jump"}"#).contains("needs a number \"to\""));
        assert!(said(r#"{"host":"loop","start":4,"end":4}"#).contains("no length"));
        assert!(said(r#"{"host":"save","file":"../x.dsp","text":""}"#).contains("within the folder"));
        assert!(said(r#"{"host":"save","file":"x.dsp"}"#).contains("needs a text \"text\""));
        assert!(said(r#"[1]"#).contains("one JSON object per line"));
    }
}

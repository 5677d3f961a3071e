//! The `cmd` family: pattern commands.

use krach_core::edit::Edit;
use krach_core::model::{ClockSource, Setting};
use krach_patterns::{JsonError, Pattern, Swing};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::reply;
use crate::protocol::json::string;
use crate::protocol::legacy::{LegacyEdit, LegacyRequest, RefusalPrefix};
use crate::protocol::request::tagged;

#[derive(Deserialize)]
struct SetPattern<'a> {
    slot: String,
    #[serde(borrow)]
    pattern: &'a RawValue,
    #[serde(borrow, default)]
    swing: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Hush {
    slot: String,
}

#[derive(Deserialize)]
struct SetBpm {
    bpm: f64,
}

#[derive(Deserialize)]
struct SetBeatsPerCycle {
    beats: f64,
}

#[derive(Deserialize)]
struct SetClockSource {
    source: String,
}

#[derive(Deserialize)]
struct Batch<'a> {
    #[serde(borrow)]
    commands: Vec<&'a RawValue>,
}

fn fields<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Reads the command that `text` holds; `None` if it is not understood.
pub(super) fn read(cmd: &str, text: &str) -> Option<LegacyRequest> {
    let change =
        |edit, ok| Some(LegacyRequest::Edit(LegacyEdit { edit, ok, refused: RefusalPrefix::AsPattern }));
    match cmd {
        "SetPattern" => set_pattern(text, false),
        "SetPatternFromZero" => set_pattern(text, true),
        "Hush" => {
            let Hush { slot } = fields(text)?;
            let ok = format!("{slot} hushed");
            change(Edit::Hush { slot }, ok)
        }
        "HushAll" => change(Edit::HushAll, "all slots hushed".to_owned()),
        "SetBpm" => {
            let SetBpm { bpm } = fields(text)?;
            change(Edit::Setting(Setting::Bpm(bpm)), format!("bpm set to {bpm}"))
        }
        "SetBeatsPerCycle" => {
            let SetBeatsPerCycle { beats } = fields(text)?;
            change(Edit::Setting(Setting::BeatsPerCycle(beats)), format!("beats per cycle set to {beats}"))
        }
        "SetClockSource" => {
            let SetClockSource { source } = fields(text)?;
            let (clock, ok) = match source.as_str() {
                "internal" => (ClockSource::Internal, "clock source set to Internal"),
                "midi" | "external" => (ClockSource::External, "clock source set to External"),
                _ => {
                    let unknown =
                        format!("unknown clock source: \"{source}\" (expected \"internal\" or \"midi\")");
                    return Some(LegacyRequest::Known(reply::error(&unknown)));
                }
            };
            change(Edit::Setting(Setting::ClockSource(clock)), ok.to_owned())
        }
        "Batch" => batch(text),
        "Ping" => Some(LegacyRequest::Known(reply::pong())),
        "Status" => Some(LegacyRequest::Status),
        _ => None,
    }
}

fn set_pattern(text: &str, from_zero: bool) -> Option<LegacyRequest> {
    let SetPattern { slot, pattern, swing } = serde_json::from_str(text).ok()?;
    let pattern = match Pattern::from_json_str(pattern.get()) {
        Ok(pattern) => pattern,
        Err(error @ JsonError::TooDeep { .. }) => {
            return Some(LegacyRequest::Known(reply::error(&format!("compile error: {error}"))));
        }
        Err(_) => return None,
    };
    let swing = match swing.map(|swing| serde_json::from_str::<Swing>(swing.get())).transpose() {
        Ok(swing) => swing,
        Err(error) => {
            return Some(LegacyRequest::Known(reply::error(&format!("compile error: swing: {error}"))));
        }
    };
    let ok = format!("pattern set on {slot}{}", if from_zero { " (from zero)" } else { "" });
    let edit = Edit::SetPattern { slot, pattern, from_zero, origin: None, swing };
    Some(LegacyRequest::Edit(LegacyEdit { edit, ok, refused: RefusalPrefix::AsPattern }))
}

/// All commands are read before any is run; the engine then validates all before it applies any.
fn batch(text: &str) -> Option<LegacyRequest> {
    let Batch { commands } = serde_json::from_str(text).ok()?;
    let count = commands.len();
    let mut edits = Vec::with_capacity(count);
    for command in commands {
        let text = command.get();
        let cmd = string(tagged(text)?.cmd?)?;
        match cmd.as_str() {
            "Batch" => return Some(LegacyRequest::Known(reply::error("nested Batch is not allowed"))),
            "Status" => return Some(LegacyRequest::Known(reply::error("Status is not allowed in a Batch"))),
            "Ping" => continue,
            _ => {}
        }
        match read(&cmd, text)? {
            LegacyRequest::Edit(change) => edits.push(change.edit),
            refused => return Some(refused),
        }
    }
    let ok = format!("batch applied ({count} commands)");
    Some(LegacyRequest::Edit(LegacyEdit { edit: Edit::Batch(edits), ok, refused: RefusalPrefix::AsPattern }))
}

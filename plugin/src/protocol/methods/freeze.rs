//! `freeze`: what slots play over some bars, as a MIDI file.

use std::path::{Path, PathBuf};

use krach_core::ir::which_names;
use krach_patterns::compile_swung;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::midi_file::{self, Frozen, Stretch, Take, TooMuch};
use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::params::read_params;
use crate::protocol::refusal::refused_pattern;
use crate::session_file::{self, FileFault};

methods! {
    /// writes what slots play over some bars into a MIDI file, whole or not at all; [what is in it](#what-freeze-writes)
    Patterns "freeze" Ask(read_freeze) (Freeze) => (Written);
}

/// Most bars of a file.
const MAX_BARS: f64 = 1024.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Freeze {
    /// A slot, or a group (`drums` is `drums/kick` and its kin); default: all that play.
    #[serde(default)]
    target: Option<String>,
    /// How many bars of the host, 1024 at most.
    bars: f64,
    /// The bar of the song where they begin. Default: 0, its first.
    #[serde(default)]
    from: f64,
    /// An absolute path that ends in `.mid`.
    path: String,
    /// A file that is there is kept as `.bak`; else it stays, and nothing is written.
    #[serde(default)]
    overwrite: bool,
}

/// `freeze {target?, bars, from?, path, overwrite?}`: a MIDI file of what slots play.
fn read_freeze(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let Freeze { target, bars, from, path, overwrite } = read_params(raw)?;
    let no_bars =
        |place, hint: String| RpcError::new(INVALID_PARAMS, "no bars to freeze").at(place).hint(hint);
    if !(bars > 0.0 && bars <= MAX_BARS) {
        return Err(no_bars("params.bars", format!("expected a number above 0 and up to {MAX_BARS}")));
    }
    let furthest = krach_patterns::MAX_CYCLE as f64 / 1e3;
    if !(-furthest..=furthest).contains(&from) {
        return Err(no_bars("params.from", format!("expected a bar between -{furthest} and {furthest}")));
    }
    let path = path_of(&path)?;
    Ok(Box::new(move |context| {
        let file = shown(&path);
        let writing = takes(target.as_deref(), context).and_then(|takes| {
            let stretch = stretch(bars, from, context);
            context.threads.start("krach-freeze", move || write(&takes, &stretch, &path, overwrite))
        });
        let writing = match writing {
            Ok(writing) => writing,
            Err(error) => return Answer::Now(Err(error)),
        };
        Answer::Later(Box::new(move |_| {
            let written = writing.result()?.and_then(|written| written);
            Some(written.map(|(frozen, kept)| {
                to_json(&Written {
                    path: file.clone(),
                    bytes: frozen.bytes.len(),
                    notes: frozen.notes,
                    detuned: frozen.detuned,
                    slots: frozen.slots,
                    kept: kept.as_deref().map(shown),
                })
            }))
        }))
    }))
}

fn path_of(text: &str) -> Result<PathBuf, RpcError> {
    let path = PathBuf::from(text);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_midi = name.strip_suffix(".mid").is_some_and(|stem| !stem.is_empty());
    if path.is_absolute() && is_midi && !text.chars().any(char::is_control) {
        return Ok(path);
    }
    let error = RpcError::new(INVALID_PARAMS, format!("{text:?} is not the path of a MIDI file"));
    Err(error.at("params.path").hint("expected an absolute path that ends in .mid"))
}

/// The slots that are meant, compiled anew; those that are hushed play nothing.
fn takes(target: Option<&str>, context: &RequestContext<'_>) -> Result<Vec<Take>, RpcError> {
    let session = context.engine.session();
    let within = |slot: &str| match target {
        None => true,
        Some(target) => slot == target || slot.strip_prefix(target).is_some_and(|rest| rest.starts_with('/')),
    };
    let meant: Vec<_> = session.slots.iter().filter(|(slot, _)| within(slot)).collect();
    if let (Some(target), true) = (target, meant.is_empty()) {
        let error = RpcError::new(REFUSED, format!("nothing was ever played on {target}"));
        let known = session.slots.keys().map(String::as_str);
        return Err(error.at("params.target").hint(which_names(target, "slots", known)));
    }
    let playing = meant.into_iter().filter(|(_, slot)| slot.playing);
    let take = |(name, slot): (&String, &krach_core::model::SlotState)| {
        let program =
            compile_swung(&slot.pattern, slot.swing).map_err(|error| refused_pattern(&error, None))?;
        let origin = if slot.from_zero { slot.origin.unwrap_or(0.0) } else { 0.0 };
        Ok(Take { slot: name.clone(), program, origin })
    };
    playing.map(take).collect()
}

fn stretch(bars: f64, from: f64, context: &RequestContext<'_>) -> Stretch {
    let session = context.engine.session();
    let position = context.engine.status().position;
    let settings = &session.settings;
    let beats_per_cycle =
        if position.beats_per_cycle > 0.0 { position.beats_per_cycle } else { settings.beats_per_cycle };
    let bar_cycles = if position.bar_cycles > 0.0 { position.bar_cycles } else { 1.0 };
    Stretch {
        from: from * bar_cycles,
        cycles: bars * bar_cycles,
        beats_per_cycle,
        bar_beats: bar_cycles * beats_per_cycle,
        tempo: if position.tempo > 0.0 { position.tempo } else { settings.bpm },
        seed: settings.seed,
    }
}

/// Makes the file and writes it; gives what is in it, and where the file is now that was there before.
fn write(
    takes: &[Take],
    stretch: &Stretch,
    path: &Path,
    overwrite: bool,
) -> Result<(Frozen, Option<PathBuf>), RpcError> {
    let frozen = midi_file::freeze(takes, stretch).map_err(|TooMuch| {
        let error = RpcError::new(REFUSED, "more notes than a file may have");
        error.at("params.bars").hint("freeze fewer bars, or one slot at a time")
    })?;
    let kept =
        session_file::replace(path, &frozen.bytes, overwrite).map_err(|FileFault { message, hint }| {
            RpcError::new(REFUSED, message).at("params.path").hint(hint)
        })?;
    Ok((frozen, kept))
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Written {
    /// Its absolute path.
    pub path: String,
    /// Its length.
    pub bytes: usize,
    /// How many notes it has.
    pub notes: usize,
    /// How many of them are not in tune with their keys.
    pub detuned: usize,
    /// The slots that have a track.
    pub slots: Vec<String>,
    /// Where the file is now that was there before; null if there was none.
    pub kept: Option<String>,
}

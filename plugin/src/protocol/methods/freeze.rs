//! `freeze`: what slots play over some bars, as a MIDI file.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use krach_files::{Existing, SaveError};
use krach_patterns::compile_swung;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::midi_file::{self, Frozen, Stretch, Take, TooMuch};
use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INTERNAL, INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::params::read_params;
use crate::protocol::refusal::refused_pattern;

methods! {
    /// writes what slots play over some bars into a MIDI file, whole or not at all; [what is in it](#freeze)
    Patterns "freeze" Ask(read_freeze) (Freeze) => (Written);
}

/// Most bars of a file.
const MAX_BARS: f64 = 1024.0;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Freeze {
    /// A slot, or a group (`drums` is `drums/kick` and its kin); all that play without.
    #[serde(default)]
    target: Option<String>,
    /// How many bars of the host, 1024 at most.
    bars: f64,
    /// The bar of the song where they begin; 0, its first, without.
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
        let mut writing = match takes(target.as_deref(), context) {
            Ok(takes) => Writing::start(takes, stretch(bars, from, context), path, overwrite),
            Err(error) => Err(error),
        };
        Answer::Later(Box::new(move |_| match &mut writing {
            Ok(writing) => writing.answer(),
            Err(error) => Some(Err(error.clone())),
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
        let known: Vec<&str> = session.slots.keys().take(32).map(String::as_str).collect();
        return Err(error.at("params.target").hint(format!("slots are: {}", known.join(", "))));
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

/// What was written, and where the file is now that was there before.
type Outcome = Result<(Frozen, Option<PathBuf>), RpcError>;

/// A file that is made and written on a thread of its own: edits do not wait for it.
struct Writing {
    path: PathBuf,
    thread: Option<JoinHandle<Outcome>>,
}

impl Writing {
    fn start(takes: Vec<Take>, stretch: Stretch, path: PathBuf, overwrite: bool) -> Result<Self, RpcError> {
        let to = path.clone();
        let existing = if overwrite { Existing::Keep } else { Existing::Refuse };
        let write = move || {
            let frozen = midi_file::freeze(&takes, &stretch).map_err(|TooMuch| {
                let error = RpcError::new(REFUSED, "more notes than a file may have");
                error.at("params.bars").hint("freeze fewer bars, or one slot at a time")
            })?;
            let kept =
                krach_files::save(&to, &frozen.bytes, existing).map_err(|error| refused(&to, error))?;
            Ok((frozen, kept))
        };
        let thread = std::thread::Builder::new().name("krach-freeze".to_owned()).spawn(write);
        let thread =
            thread.map_err(|error| RpcError::new(INTERNAL, format!("no thread to write with: {error}")))?;
        Ok(Self { path, thread: Some(thread) })
    }

    /// The answer, once it is written or not.
    fn answer(&mut self) -> Option<Result<Value, RpcError>> {
        let thread = self.thread.take_if(|thread| thread.is_finished())?;
        let Ok(written) = thread.join() else {
            return Some(Err(RpcError::new(INTERNAL, "internal error: the file was not written")));
        };
        Some(written.map(|(frozen, kept)| {
            to_json(&Written {
                path: shown(&self.path),
                bytes: frozen.bytes.len(),
                notes: frozen.notes,
                detuned: frozen.detuned,
                slots: frozen.slots,
                kept: kept.as_deref().map(shown),
            })
        }))
    }
}

/// Whatever becomes of the client, no thread is left behind.
impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn refused(path: &Path, error: SaveError) -> RpcError {
    let shown = path.display();
    let (message, hint) = match error {
        SaveError::Exists => (format!("there is a file {shown}"), "give another name, or `overwrite`"),
        SaveError::NotPlain => (format!("{shown} is not a plain file"), "give another name"),
        SaveError::Io(error) => {
            (format!("{shown}: {error}"), "is the folder there, and may you write in it?")
        }
    };
    RpcError::new(REFUSED, message).at("params.path").hint(hint)
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

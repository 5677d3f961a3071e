//! Sessions as files: saved and opened by path, or by name in `~/.krach/sessions`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use krach_core::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared};
use crate::protocol::params::{read_object, read_params};
use crate::protocol::refusal::refused_file;
use crate::session_file::{self, FileFault};

methods! {
    /// writes the session into a file, whole or not at all; [what `file` may be](#files). The reply comes once it is
    /// written
    Session "save_file" Ask(read_save) (SaveFile) => (Saved);
    /// the session becomes that of the file, as one change: also its scenes and macros, none where it has none. The file is
    /// read when the request arrives: wait for the reply of a `save_file` before. A `batch` may have one
    Session "open_file" Change(read_open) (OpenFile) => (Opened);
}

/// How long a save waits for sounds that are being compiled: with their code come the texts that they import.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct SaveFile {
    /// An absolute path, or a name.
    file: String,
    /// A file that is there is kept as `.bak`; else it stays, and nothing is saved.
    #[serde(default)]
    overwrite: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct OpenFile {
    /// An absolute path, or a name.
    file: String,
}

/// `save_file {file, overwrite?}`: the session into a file.
fn read_save(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    let SaveFile { file, overwrite } = read_params(raw)?;
    let path = path_of(&file)?;
    Ok(Box::new(move |_| {
        let until = Instant::now() + PATIENCE;
        let mut writing = None;
        Answer::Later(Box::new(move |context| {
            if writing.is_none() {
                let awaits = awaits_sounds(context);
                if awaits && Instant::now() < until {
                    return None;
                }
                let document = context.engine.save();
                let (path, bytes) = (path.clone(), document.len());
                let file = shown(&path);
                let write = move || session_file::write(&path, &document, overwrite);
                match context.threads.start("krach-save", write) {
                    Ok(thread) => {
                        writing = Some((thread, Saved { file, bytes, kept: None, complete: !awaits }))
                    }
                    Err(error) => return Some(Err(error)),
                }
            }
            let (thread, saved) = writing.as_mut()?;
            let written =
                thread.result()?.and_then(|written| written.map_err(|fault| refused(REFUSED, fault)));
            Some(written.map(|kept| {
                saved.kept = kept.as_deref().map(shown);
                to_json(saved)
            }))
        }))
    }))
}

fn awaits_sounds(context: &RequestContext<'_>) -> bool {
    context.sounds.as_ref().is_some_and(|sounds| sounds.awaited(context.engine))
}

/// `open_file {file}`: the session becomes that of the file.
fn read_open(rest: &str) -> Result<Mutation, RpcError> {
    let OpenFile { file } = read_object(rest)?;
    let path = path_of(&file)?;
    let text = session_file::read(&path).map_err(|fault| refused(REFUSED, fault))?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let module = Session::read_module(&text).map_err(|error| refused_file(&error, &name))?;
    let file = shown(&path);
    let change = Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let edit = session.opening(module, registry).map_err(|error| refused_file(&error, &name))?;
        Ok(Prepared::and(edit, &Opened { file }))
    });
    Ok(change.within("params.file"))
}

fn path_of(file: &str) -> Result<PathBuf, RpcError> {
    session_file::path_of(file).map_err(|fault| refused(INVALID_PARAMS, fault))
}

fn refused(code: i32, FileFault { message, hint }: FileFault) -> RpcError {
    RpcError::new(code, message).at("params.file").hint(hint)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Saved {
    /// Its absolute path.
    pub file: String,
    /// Its length.
    pub bytes: usize,
    /// Where the file is now that was there before; null if there was none.
    pub kept: Option<String>,
    /// False where a sound was still being compiled after 10 s: the texts that it imports are not in the file. Save again.
    pub complete: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Opened {
    /// Its absolute path.
    pub file: String,
}

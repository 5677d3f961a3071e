//! Sessions as files: saved and opened by path, or by name in `~/.krach/sessions`.

use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use krach_core::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INTERNAL, INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared};
use crate::protocol::params::{read_object, read_params};
use crate::protocol::refusal::refused_file;
use crate::session_file::{self, FileFault};

methods! {
    /// writes the session into a file, whole or not at all; [what `file` may be](#files)
    Session "save_file" Ask(read_save) (SaveFile) => (Saved);
    /// the session becomes that of the file, as one change
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
        let mut writing: Option<Writing> = None;
        Answer::Later(Box::new(move |context| {
            if writing.is_none() {
                if awaits_sounds(context) && Instant::now() < until {
                    return None;
                }
                let document = context.engine.save();
                writing = Some(match Writing::start(path.clone(), document, overwrite) {
                    Ok(writing) => writing,
                    Err(error) => return Some(Err(error)),
                });
            }
            writing.as_mut()?.answer()
        }))
    }))
}

fn awaits_sounds(context: &RequestContext<'_>) -> bool {
    context.sounds.as_ref().is_some_and(|sounds| sounds.awaited(context.engine))
}

/// A file that is being written, on a thread of its own: a disk may take its time, and edits do not wait for it.
struct Writing {
    path: PathBuf,
    bytes: usize,
    thread: Option<JoinHandle<Result<Option<PathBuf>, FileFault>>>,
}

impl Writing {
    fn start(path: PathBuf, document: Vec<u8>, overwrite: bool) -> Result<Self, RpcError> {
        let (to, bytes) = (path.clone(), document.len());
        let write = move || session_file::write(&to, &document, overwrite);
        let thread = std::thread::Builder::new().name("krach-save".to_owned()).spawn(write);
        let thread =
            thread.map_err(|error| RpcError::new(INTERNAL, format!("no thread to write with: {error}")))?;
        Ok(Self { path, bytes, thread: Some(thread) })
    }

    /// The answer, once it is written or not.
    fn answer(&mut self) -> Option<Result<Value, RpcError>> {
        let thread = self.thread.take_if(|thread| thread.is_finished())?;
        let (file, bytes) = (shown(&self.path), self.bytes);
        Some(match thread.join() {
            Ok(Ok(kept)) => Ok(to_json(&Saved { file, bytes, kept: kept.as_deref().map(shown) })),
            Ok(Err(fault)) => Err(refused(REFUSED, fault)),
            Err(_) => Err(RpcError::new(INTERNAL, "internal error: the file was not written")),
        })
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
        let edit = session.loading(module, registry).map_err(|error| refused_file(&error, &name))?;
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
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Opened {
    /// Its absolute path.
    pub file: String,
}

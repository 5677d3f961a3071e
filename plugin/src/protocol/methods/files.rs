//! Sessions as files: saved and opened by path, or by name in `~/.krach/sessions`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use krach_core::session::Session;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::factory_sessions::{self, FACTORY};
use crate::folders;
use crate::protocol::answer::{Answer, Work};
use crate::protocol::context::RequestContext;
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::json::to_json;
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared};
use crate::protocol::params::{read_object, read_params};
use crate::protocol::refusal::refused_file;
use crate::session_file::{self, FileFault, SUFFIX};

methods! {
    /// writes the session into a file, whole or not at all; [what `file` may be](#files). The reply comes once it is
    /// written
    Session "save_file" Ask(read_save) (SaveFile) => (Saved);
    /// the session becomes that of the file, as one change: also its scenes and macros, none where it has none. The file is
    /// read when the request arrives: wait for the reply of a `save_file` before. A `batch` may have one
    Session "open_file" Change(read_open) (OpenFile) => (Opened);
    /// what `open_file` opens by name: the sessions in `~/.krach/sessions`, and those that come with krach
    Session "session_files" Ask(read_list) () => (SessionFiles);
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
    /// An absolute path, a name, or `factory:NAME` of one that comes with krach.
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
    let (text, name, file) = text_of(file)?;
    let module = Session::read_module(&text).map_err(|error| refused_file(&error, &name))?;
    let change = Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let edit = session.opening(module, registry).map_err(|error| refused_file(&error, &name))?;
        let title = format!("open {}", name.strip_suffix(SUFFIX).unwrap_or(&name));
        Ok(Prepared::and(edit.titled(title), &Opened { file }))
    });
    Ok(change.within("params.file").anew())
}

/// The text of a file, what it is called where something in it is wrong, and where it is.
fn text_of(file: String) -> Result<(Cow<'static, str>, String, String), RpcError> {
    if let Some(key) = file.strip_prefix(factory_sessions::MARK) {
        let session = factory_sessions::find(key).map_err(|hint| {
            let error = RpcError::new(REFUSED, format!("no session that comes with krach is called {key}"));
            error.at("params.file").hint(hint)
        })?;
        return Ok((session.text.into(), key.to_owned(), file));
    }
    let path = path_of(&file)?;
    let text = session_file::read(&path).map_err(|fault| {
        let with_krach = factory_sessions::find(&file).ok();
        let hint = with_krach
            .map(|session| format!("{file} comes with krach: {}{}", factory_sessions::MARK, session.key));
        refused(REFUSED, FileFault { hint: hint.unwrap_or(fault.hint), message: fault.message })
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((text.into(), name, shown(&path)))
}

/// `session_files {}`: what `open_file` opens by name.
fn read_list(_: Option<&RawValue>) -> Result<Work, RpcError> {
    let folder = folders::sessions();
    let own = folder.map(|folder| session_file::names_in(&folder)).unwrap_or_default();
    let own = own.into_iter().map(|file| Listed { name: file.clone(), file, about: None });
    let factory = FACTORY.iter().map(|session| Listed {
        file: format!("{}{}", factory_sessions::MARK, session.key),
        name: session.name.to_owned(),
        about: Some(session.about.to_owned()),
    });
    let sessions = SessionFiles { sessions: own.chain(factory).collect() };
    Ok(Box::new(move |_| Answer::Now(Ok(to_json(&sessions)))))
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
    /// Its absolute path, or its name if it comes with krach.
    pub file: String,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SessionFiles {
    /// All of them: the musician's own first.
    pub sessions: Vec<Listed>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Listed {
    /// What `open_file` takes.
    pub file: String,
    /// What it is called.
    pub name: String,
    /// What it is, in a line; null of the musician's own.
    pub about: Option<String>,
}

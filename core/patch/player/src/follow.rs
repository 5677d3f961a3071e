//! A patch file that is followed: what is saved there plays, if it is a patch.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};

use krach_files::{Links, read_text};
use krach_patch::yaml::MAX_TEXT;
use krach_patch::{PatchEngine, factory, yaml_to_graph};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// Seconds without another change before a file is read: editors write in several steps.
const QUIET: f64 = 0.05;

/// A file, or a factory patch.
pub struct Followed {
    name: String,
    file: Option<Watched>,
    /// What was loaded last, or refused.
    text: Option<String>,
    changed: Option<f64>,
}

struct Watched {
    path: PathBuf,
    changes: Receiver<()>,
    _watcher: RecommendedWatcher,
}

impl Followed {
    /// The file of that name; if there is none, the factory patch (`demo_synth` or `demo_synth.yaml`).
    ///
    /// # Errors
    /// If there is neither, or the file's folder cannot be watched.
    pub fn find(path: &Path) -> Result<Self, String> {
        let name = path.display().to_string();
        if path.is_file() {
            let watched = watch(path).map_err(|error| format!("{name}: it cannot be watched: {error}"))?;
            return Ok(Self { name, file: Some(watched), text: None, changed: Some(-QUIET) });
        }
        let factory =
            if path.extension() == Some(OsStr::new("yaml")) { path.file_stem() } else { path.file_name() };
        let is_bare = path.parent().is_none_or(|folder| folder.as_os_str().is_empty());
        match factory.and_then(OsStr::to_str).filter(|_| is_bare).and_then(factory::find) {
            Some(text) => {
                println!("{name} is not in this folder: plays the patch of that name that comes with krach");
                Ok(Self { name, file: None, text: Some(text.to_owned()), changed: Some(-QUIET) })
            }
            None => {
                let known: Vec<&str> = factory::PATCHES.iter().map(|(name, _)| *name).collect();
                Err(format!("there is no file {name}; these patches come with krach: {}", known.join(", ")))
            }
        }
    }

    /// Loads what was saved, once it is quiet. What does not load is told, and what plays plays on. `true`: something
    /// was loaded.
    pub fn follow(&mut self, seconds: f64, engine: &mut PatchEngine) -> bool {
        if let Some(file) = &self.file {
            while file.changes.try_recv().is_ok() {
                self.changed = Some(seconds);
            }
        }
        if self.changed.is_none_or(|changed| seconds - changed < QUIET) {
            return false;
        }
        self.changed = None;
        let text = match &self.file {
            None => self.text.clone().unwrap_or_default(),
            Some(file) => match read(&file.path) {
                // Saved as it was.
                Ok(text) if self.text.as_ref() == Some(&text) => return false,
                Ok(text) => text,
                Err(why) => {
                    eprintln!("{}: {why}; what plays plays on", self.name);
                    return false;
                }
            },
        };
        let loaded = yaml_to_graph(&text).map_err(|wrong| wrong.to_string()).and_then(|graph| {
            engine.load(&graph).map_err(|fault| fault.to_string())?;
            Ok(graph.nodes().count())
        });
        self.text = Some(text);
        match loaded {
            Ok(nodes) => println!("{}: {nodes} nodes", self.name),
            Err(why) => {
                let told: Vec<String> = why.lines().map(|line| format!("{}: {line}", self.name)).collect();
                eprintln!("{}\n{}: what plays plays on", told.join("\n"), self.name);
                return false;
            }
        }
        true
    }
}

fn read(path: &Path) -> Result<String, String> {
    read_text(path, Links::Follow, MAX_TEXT as u64).map_err(|error| error.to_string())
}

/// Watches the folder, since many editors replace the file.
fn watch(path: &Path) -> notify::Result<Watched> {
    let (sender, changes) = channel();
    let path = path.canonicalize()?;
    let name = path.file_name().map(OsStr::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let concerns = |event: notify::Event| {
            let is_read = matches!(event.kind, EventKind::Access(_));
            !is_read
                && (event.paths.is_empty()
                    || event.paths.iter().any(|path| path.file_name() == name.as_deref()))
        };
        // Where something is lost (an error), it may have been this.
        if event.map_or(true, concerns) {
            let _ = sender.send(());
        }
    })?;
    watcher.watch(path.parent().unwrap_or(Path::new("/")), RecursiveMode::NonRecursive)?;
    Ok(Watched { path, changes, _watcher: watcher })
}

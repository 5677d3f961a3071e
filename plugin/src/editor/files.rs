//! Session files in the window: which are there, and what came of opening or saving one. Read and written by the watching
//! thread, so that a slow disk holds up neither the host, the sound nor the frames.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::folders;
use crate::instance::{Saved, View};
use crate::presets::{self, FACTORY};
use crate::session_file;

/// Between two looks at the folders while the list is shown.
const LIST: Duration = Duration::from_secs(1);
/// How long a save waits for sounds that are being compiled: with their code come the texts that they import.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the list shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sessions {
    /// Names in `~/.krach/sessions`, sorted.
    pub yours: Vec<String>,
    /// Names in `~/.krach/presets`, sorted.
    pub presets: Vec<String>,
    /// What came of the last wish.
    pub outcome: Option<Outcome>,
}

/// What came of a wish: a line for the musician.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done(String),
    /// Nothing has changed.
    Failed(String),
}

/// What a frame wishes of the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileCommand {
    /// The session becomes that one.
    Open(Choice),
    /// The session is written into `~/.krach/sessions` under a name. With `replace` a file that is there is kept as
    /// `.bak`; else it stays, and nothing is saved.
    Save { name: String, replace: bool },
}

/// A session that can be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A name in `~/.krach/sessions`.
    Yours(String),
    /// A name in `~/.krach/presets`.
    Preset(String),
    /// The key of one that comes with krach.
    Factory(&'static str),
}

/// Where the frames and the watching thread meet.
#[derive(Debug, Default)]
pub struct Desk {
    /// The list is shown.
    pub shown: AtomicBool,
    wishes: Mutex<Vec<FileCommand>>,
}

impl Desk {
    /// Leaves a wish.
    pub fn ask(&self, wish: FileCommand) {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner).push(wish);
    }

    fn take(&self) -> Vec<FileCommand> {
        std::mem::take(&mut self.wishes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A save that waits for its document.
struct Saving {
    path: PathBuf,
    replace: bool,
    document: Receiver<Saved>,
    since: Instant,
}

/// The files of one window.
pub struct Files {
    view: Arc<View>,
    folders: [Option<PathBuf>; 2],
    shown: Arc<Sessions>,
    listed: Option<Instant>,
    opening: Option<(String, Receiver<Result<(), String>>)>,
    saving: Option<Saving>,
}

impl Files {
    /// Those of the musician who runs the program.
    pub fn new(view: &Arc<View>) -> Self {
        Self::within(view, [folders::sessions(), folders::presets()])
    }

    /// Those in the folders of sessions and of presets.
    fn within(view: &Arc<View>, folders: [Option<PathBuf>; 2]) -> Self {
        let view = Arc::clone(view);
        Self { view, folders, shown: Arc::default(), listed: None, opening: None, saving: None }
    }

    /// What is to be shown. Does what was wished for meanwhile.
    pub fn look(&mut self, desk: &Desk, now: Instant) -> &Arc<Sessions> {
        for wish in desk.take() {
            match wish {
                FileCommand::Open(choice) => self.open(&choice),
                FileCommand::Save { name, replace } => self.save(&name, replace, now),
            }
        }
        self.hear();
        self.hear_document(now);
        if !desk.shown.load(Ordering::Relaxed) {
            (self.shown, self.listed) = (Arc::default(), None);
        } else if self.listed.is_none_or(|then| now - then >= LIST) {
            self.listed = Some(now);
            let names =
                |folder: &Option<PathBuf>| folder.as_deref().map(session_file::names_in).unwrap_or_default();
            let [yours, presets] = self.folders.each_ref().map(names);
            let sessions = Sessions { yours, presets, outcome: self.shown.outcome.clone() };
            self.show(sessions);
        }
        &self.shown
    }

    fn show(&mut self, sessions: Sessions) {
        if *self.shown != sessions {
            self.shown = Arc::new(sessions);
        }
    }

    fn tell(&mut self, outcome: Outcome) {
        let sessions = Sessions { outcome: Some(outcome), ..Sessions::clone(&self.shown) };
        self.show(sessions);
    }

    fn fail(&mut self, why: String) {
        self.tell(Outcome::Failed(why));
    }

    fn open(&mut self, choice: &Choice) {
        let in_folder = |folder: &Option<PathBuf>, name: &str| {
            let folder = folder.as_deref().ok_or("there is no home folder")?;
            presets::in_file(&file_in(folder, name))
        };
        let [yours, presets] = &self.folders;
        let document = match choice {
            Choice::Yours(name) => in_folder(yours, name),
            Choice::Preset(name) => in_folder(presets, name),
            Choice::Factory(key) => presets::factory(key),
        };
        match document {
            Ok(document) => {
                let name = document.name.clone();
                self.opening = Some((name, self.view.open(document)));
            }
            Err(why) => self.fail(why),
        }
    }

    /// Has a session that was handed over been opened?
    fn hear(&mut self) {
        let Some((name, answer)) = &self.opening else { return };
        let outcome = match answer.try_recv() {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => Outcome::Failed("the instance has ended".to_owned()),
            Ok(Ok(())) => Outcome::Done(format!("{name} is open; undo brings back what was there")),
            Ok(Err(why)) => Outcome::Failed(why),
        };
        self.opening = None;
        self.tell(outcome);
    }

    fn save(&mut self, name: &str, replace: bool, now: Instant) {
        let path = session_file::path_of(name).map(|path| match (&self.folders[0], path.file_name()) {
            (Some(folder), Some(file)) => folder.join(file),
            _ => path,
        });
        match path {
            Ok(path) => {
                self.saving = Some(Saving { path, replace, document: self.view.document(), since: now });
            }
            Err(fault) => self.fail(fault.to_string()),
        }
    }

    /// Writes the document that a save waits for, once it is there and whole.
    fn hear_document(&mut self, now: Instant) {
        let Some(saving) = &mut self.saving else { return };
        let saved = match saving.document.try_recv() {
            Err(TryRecvError::Empty) => return,
            Err(TryRecvError::Disconnected) => {
                self.saving = None;
                return self.fail("the instance has ended: nothing was saved".to_owned());
            }
            Ok(saved) if !saved.complete && now - saving.since < PATIENCE => {
                saving.document = self.view.document();
                return;
            }
            Ok(saved) => saved,
        };
        let Saving { path, replace, .. } = saving;
        let made = path.parent().map_or(Ok(()), krach_files::make_folder).map_err(|error| error.to_string());
        let written = made.and_then(|()| {
            let kept = session_file::replace(path, &saved.document, *replace);
            kept.map_err(|fault| fault.to_string())
        });
        let name = presets::name_of(path);
        let outcome = match written {
            Err(why) => Outcome::Failed(why),
            Ok(_) if !saved.complete => Outcome::Done(format!(
                "{name} is saved, without the texts that a sound imports which still compiles: save again"
            )),
            Ok(None) => Outcome::Done(format!("{name} is saved")),
            Ok(Some(_)) => Outcome::Done(format!("{name} is saved; what was there is kept as .bak")),
        };
        (self.saving, self.listed) = (None, None);
        self.tell(outcome);
    }
}

fn file_in(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}{}", session_file::SUFFIX))
}

/// Sessions that come with krach: key and name.
pub fn factory() -> impl Iterator<Item = (&'static str, &'static str)> {
    FACTORY.iter().map(|session| (session.key, session.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{HostHooks, Instance};
    use krach_core::edit::{At, Edit};
    use krach_core::model::Setting;

    struct Home(PathBuf);

    impl Home {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("krach-window-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&folder);
            Self(folder)
        }

        fn files(&self, view: &Arc<View>) -> Files {
            Files::within(view, [Some(self.0.join("sessions")), Some(self.0.join("presets"))])
        }
    }

    impl Drop for Home {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn instance() -> Instance {
        Instance::of_tests(HostHooks::default())
    }

    /// What comes of a wish.
    fn outcome(files: &mut Files, desk: &Desk, wish: FileCommand) -> Outcome {
        desk.ask(wish);
        let before = files.look(desk, Instant::now()).outcome.clone();
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let after = files.look(desk, Instant::now()).outcome.clone();
            if let Some(outcome) = after.filter(|_| files.opening.is_none() && files.saving.is_none()) {
                return outcome;
            }
            assert!(Instant::now() < until, "nothing came of it: {before:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn save(name: &str, replace: bool) -> FileCommand {
        FileCommand::Save { name: name.to_owned(), replace }
    }

    fn tempo(instance: &Instance) -> f64 {
        let chunk = instance.save_state();
        let payload = crate::state::Payload::decode(&chunk).unwrap();
        let session: serde_json::Value = serde_json::from_slice(payload.session()).unwrap();
        session["tempo"].as_f64().unwrap()
    }

    #[test]
    fn a_session_is_saved_listed_opened_and_replaced_only_where_that_is_wished() {
        let home = Home::new("files");
        let instance = instance();
        let (desk, mut files) = (Desk::default(), home.files(instance.view()));
        assert_eq!(**files.look(&desk, Instant::now()), Sessions::default(), "nothing is listed unseen");
        desk.shown.store(true, Ordering::Relaxed);
        let set = |bpm: f64| instance.edit(Edit::Setting(Setting::Bpm(bpm)), At::Now).unwrap().unwrap();
        set(99.0);
        let done = |text: &str| Outcome::Done(text.to_owned());
        assert_eq!(outcome(&mut files, &desk, save("song", false)), done("song is saved"));
        assert_eq!(files.look(&desk, Instant::now()).yours, ["song"]);
        set(77.0);
        let Outcome::Failed(why) = outcome(&mut files, &desk, save("song", false)) else {
            panic!("written over")
        };
        assert!(why.contains("there is a file"), "{why}");
        let opened = outcome(&mut files, &desk, FileCommand::Open(Choice::Yours("song".to_owned())));
        assert_eq!(opened, done("song is open; undo brings back what was there"));
        assert_eq!(tempo(&instance), 99.0);
        set(66.0);
        let replaced = outcome(&mut files, &desk, save("song", true));
        assert_eq!(replaced, done("song is saved; what was there is kept as .bak"));
        outcome(&mut files, &desk, FileCommand::Open(Choice::Factory(FACTORY[0].key)));
        assert_ne!(tempo(&instance), 66.0, "a session of krach's plays");
    }

    #[test]
    fn what_is_no_session_is_told_and_changes_nothing() {
        let home = Home::new("faults");
        let presets = home.0.join("presets");
        std::fs::create_dir_all(&presets).unwrap();
        std::fs::write(presets.join("broken.krach.json"), "{\"tempo\": \"fast\"}").unwrap();
        let instance = instance();
        let (desk, mut files) = (Desk::default(), home.files(instance.view()));
        desk.shown.store(true, Ordering::Relaxed);
        assert_eq!(files.look(&desk, Instant::now()).presets, ["broken"]);
        let before = instance.save_state();
        let preset = |name: &str| FileCommand::Open(Choice::Preset(name.to_owned()));
        for (wish, part) in [
            (preset("broken"), "tempo"),
            (preset("absent"), "there is no file"),
            (save("../out", false), "is no name of a session"),
            (save("", false), "is no name of a session"),
        ] {
            let Outcome::Failed(why) = outcome(&mut files, &desk, wish.clone()) else { panic!("{wish:?}") };
            assert!(why.contains(part), "{wish:?}: {why}");
        }
        assert_eq!(instance.save_state(), before);
    }
}

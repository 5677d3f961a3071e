//! FAUST sounds as one instance has them: **each `faust:` type that its session uses is compiled from the
//! session's own text, the folder's file or what is built in, in this order, and swapped in under the
//! sound whenever that text changes.**
//!
//! The session's text is the one that came with a project or from a client. It plays until the file of
//! that name is saved: the last one counts.
//!
//! Nodes whose source stands in the session itself (a traced function, a text) have types of their own,
//! which come and go with the nodes: see [`inline`].
//!
//! `patch:` types are the other family, with the same rules: see [`patches`].

mod compile;
mod compile_checks;
mod events;
mod factory;
mod folder;
mod inline;
mod listing;
mod patches;
mod pinned;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use krach_core::edit::{Edit, EditError};
use krach_core::engine::Engine;
use krach_core::model::TypeSource;
use krach_core::node::is_inline;
use krach_faust::{
    CompileError, Delivery, Interface, JobKey, JobKind, Outcome, ProgramText, Source, Standard, Tier,
    Timings, Workers, read_program,
};

pub(crate) use compile::Failure;
use compile::{Linked, Mistake, program_name};
pub(crate) use compile_checks::CompileCheck;
use compile_checks::CompileChecks;
use folder::{Contents, Folder, FolderEvent, new_owner, source_of};
use inline::{InlineSource, KnownBad};
use listing::{Stamp, file_of, path_of, why_no_file};
pub(crate) use patches::{FAMILY as PATCHES, PatchCheck};
use patches::{Patches, is_patch};
use pinned::Pinned;

/// What all type ids of FAUST sounds begin with.
pub(crate) const FAMILY: &str = "faust:";
/// Things to tell that may wait to be told.
const MAX_TOLD: usize = 256;

/// What comes from other threads, to be handed to [`Library::handle`] on the control thread.
pub(crate) struct LibraryEvent(EventKind);

enum EventKind {
    FolderEvent(FolderEvent),
    PatchFolderEvent(FolderEvent),
    Outcome {
        type_id: String,
        ticket: u64,
        outcome: Box<Outcome>,
        linked: Option<Result<Box<Linked>, String>>,
    },
    Tried {
        number: u64,
        name: String,
        outcome: Box<Outcome>,
    },
    Surveyed {
        name: String,
        outcome: Box<Outcome>,
    },
}

/// How events come to the control thread. Must return at once.
pub(crate) type Notify = Arc<dyn Fn(LibraryEvent) + Send + Sync>;

/// What clients and the window are told.
#[derive(Clone, Debug)]
pub(crate) enum LibraryReport {
    /// A sound is not what it should be; what it was before plays on.
    Failed(Failure),
    /// A sound was compiled, and plays.
    Compiled {
        /// Its type id.
        type_id: String,
        /// CRC-32 of its text, without imports: tells which of two saves in a row this is about.
        crc32: u32,
        /// Which code.
        tier: Tier,
        /// It had been compiled before.
        cached: bool,
        /// How long it took.
        timings: Timings,
        /// Better code follows.
        more: bool,
    },
    /// Something to know.
    Note(String),
}

/// Where the text of a sound comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The session has it.
    Session,
    /// A file of the folder.
    File,
    /// It is built in.
    Factory,
    /// Nodes of the session have it as their source.
    Node,
}

/// A sound that the session has to do with.
#[derive(Default)]
struct Sound {
    /// What it is made from, if that stands in the session's nodes.
    held: Option<Arc<InlineSource>>,
    /// The session's own text, while that is what plays.
    pinned: Option<Pinned>,
    /// What the session had as its text when we last looked: if it is another now, somebody else changed it.
    known: Option<Arc<TypeSource>>,
    /// Number of its newest compile; what older ones bring is of no interest.
    ticket: u64,
    /// Nothing has come of that compile yet.
    awaited: bool,
    /// Its file was touched while it was being compiled.
    again: bool,
    /// The file as it was when it was last compiled.
    stamp: Option<Stamp>,
    /// What plays.
    playing: Option<Playing>,
    /// The session has its text before the first compile has shown that it is one: see [`Library::hold_text`].
    unproved: bool,
    /// Why the newest text does not play.
    failure: Option<Failure>,
}

struct Playing {
    text: Arc<ProgramText>,
    interface: Arc<Interface>,
}

/// The sounds of one instance, FAUST programs and patches. Owned by its control thread.
pub(crate) struct Library {
    owner: u64,
    post: Notify,
    place: Option<PathBuf>,
    /// Why there is no place for files, if there is none.
    no_place: Option<&'static str>,
    folder: Option<(Arc<Folder>, u64)>,
    workers: Option<Arc<Workers>>,
    tickets: u64,
    sounds: BTreeMap<String, Sound>,
    trials: CompileChecks,
    known_bad: KnownBad,
    /// Libraries of FAUST's, other than ours, that the project was made with, as was told.
    other_libraries: Option<String>,
    told: VecDeque<LibraryReport>,
    patches: Patches,
}

impl Drop for Library {
    fn drop(&mut self) {
        if let Some((folder, number)) = self.folder.take() {
            folder.leave(number);
        }
        if let Some(workers) = self.workers.take() {
            workers.cancel_owner(self.owner);
            Workers::leave(workers, compile::PATIENCE);
        }
    }
}

impl Library {
    /// The sounds built in and those in `place`, or the reason why there is none, and the patches in `patches`; nothing
    /// is looked at before [`Library::start`].
    pub(crate) fn new(place: Result<&Path, &'static str>, patches: Option<&Path>, post: Notify) -> Self {
        Self {
            owner: new_owner(),
            post,
            place: place.ok().map(Path::to_owned),
            no_place: place.err(),
            folder: None,
            workers: None,
            tickets: 0,
            sounds: BTreeMap::new(),
            trials: CompileChecks::default(),
            known_bad: KnownBad::default(),
            other_libraries: None,
            told: VecDeque::new(),
            patches: Patches::new(patches),
        }
    }

    /// Lists what there is, and watches the folder from now on.
    pub(crate) fn start(&mut self, engine: &mut Engine) {
        if let Some(place) = &self.place {
            let folder = Folder::open(place, Contents::Sounds);
            let post = self.post.clone();
            let number =
                folder.listen(Box::new(move |news| post(LibraryEvent(EventKind::FolderEvent(news)))));
            self.folder = Some((folder, number));
        }
        self.relist(engine);
        let post = self.post.clone();
        self.patches.start(move |news| post(LibraryEvent(EventKind::PatchFolderEvent(news))), engine);
    }

    /// Looks into the folder now: what was just written is listed without waiting for the system.
    pub(crate) fn rescan(&mut self, engine: &mut Engine) {
        if let Some((folder, _)) = &self.folder {
            folder.rescan();
        }
        self.relist(engine);
        self.patches.rescan(engine);
    }

    /// Before an edit is checked: the types that it brings may be in files that were written a moment ago.
    ///
    /// # Errors
    /// If a node is to have a source of which it is known that it does not compile.
    pub(crate) fn prepare_edit(&mut self, edit: &Edit, engine: &mut Engine) -> Result<(), EditError> {
        self.known_bad.check(edit, engine)?;
        self.patches.prepare_edit(edit, engine)?;
        for id in &engine.types_of(edit) {
            let Some(name) = id.strip_prefix(FAMILY).filter(|_| !is_inline(id)) else { continue };
            if engine.registry().type_status(id).is_none() {
                self.rescan(engine);
            }
            let Some((folder, _)) = &self.folder else { continue };
            let now = Stamp::of(&path_of(folder.path(), &file_of(name)));
            match self.sounds.get_mut(id) {
                Some(sound) if now.is_some() && sound.stamp.is_some() && sound.stamp != now => {
                    sound.pinned = None;
                    self.compile(id, engine);
                }
                Some(_) => {}
                None if now.is_some() && now != folder.listing().stamp(&file_of(name)) => {
                    engine.expect_type(id)
                }
                None => {}
            }
        }
        Ok(())
    }

    /// After edits and loads: what is used now and has no code is compiled; what the session says about
    /// its texts counts.
    pub(crate) fn sync_with_session(&mut self, engine: &mut Engine) {
        let wanted = engine.types_wanted().into_iter();
        let (patches, wanted): (Vec<_>, Vec<_>) = wanted.partition(|(id, _)| is_patch(id));
        self.patches.sync_with_session(patches, engine);
        for (id, source) in wanted {
            let held = InlineSource::of(&source).map(Arc::new);
            self.sounds.entry(id).or_default().held = held;
        }
        let mut used: BTreeSet<String> = engine.types_in_use();
        used.retain(|id| id.starts_with(FAMILY));
        let own = engine.session().sources.iter().filter(|(id, source)| source.own && id.starts_with(FAMILY));
        let own: Vec<String> = own.map(|(id, _)| id.clone()).collect();
        let ids: BTreeSet<String> =
            used.iter().cloned().chain(own).chain(self.sounds.keys().cloned()).collect();
        for id in ids {
            let saved = engine.session().sources.get(&id).cloned();
            let sound = self.sounds.entry(id.clone()).or_default();
            let news = saved != sound.known;
            if news {
                sound.known.clone_from(&saved);
                let file = file_of(id.strip_prefix(FAMILY).unwrap_or(&id));
                sound.pinned = saved.map(|saved| Pinned::new(saved, self.place.as_deref(), &file));
                sound.failure = None;
            }
            let idle = sound.playing.is_none() && !sound.awaited && sound.failure.is_none();
            if used.contains(&id) {
                if news || idle {
                    self.compile(&id, engine);
                }
            } else if news || is_inline(&id) {
                self.forget(&id, engine);
            }
        }
    }

    /// A sound that nothing uses: it is compiled anew when something does.
    fn forget(&mut self, id: &str, engine: &mut Engine) {
        self.drop_text(id, engine);
        let Some(sound) = self.sounds.get_mut(id) else { return };
        let pinned = sound.pinned.take();
        if let Some(workers) = &self.workers {
            workers.cancel(&self.key(id));
        }
        if !engine.remove_type(id) {
            return;
        }
        match pinned {
            Some(pinned) if !is_inline(id) => {
                let known = Some(pinned.source.clone());
                let sound = Sound { known, pinned: Some(pinned), ..Sound::default() };
                self.sounds.insert(id.to_owned(), sound);
                engine.expect_type(id);
            }
            _ => {
                self.sounds.remove(id);
                self.list(id, engine);
            }
        }
    }

    /// Is anything that the session uses still being compiled?
    pub(crate) fn awaited(&self, engine: &Engine) -> bool {
        self.sounds.iter().any(|(id, sound)| sound.awaited && engine.uses_type(id))
    }

    /// Why there is no sound of that type id, if something lies where its file would be.
    pub(crate) fn why_no_sound(&self, id: &str) -> Option<String> {
        if is_patch(id) {
            return self.patches.why_no_patch(id);
        }
        let name = id.strip_prefix(FAMILY).filter(|_| !is_inline(id))?;
        let (folder, _) = self.folder.as_ref()?;
        why_no_file(&path_of(folder.path(), &file_of(name)))
    }

    /// What is wrong with sounds now.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        let mut failures: BTreeMap<&str, Failure> = BTreeMap::new();
        let listing = self.folder.as_ref().map(|(folder, _)| (folder, folder.listing()));
        let mut checked = Vec::new();
        if let Some((folder, listing)) = &listing {
            for name in listing.names() {
                if let Some(Err(error)) = folder.check(name)
                    && error != CompileError::NoFaust
                {
                    checked.push(Failure::of(&format!("{FAMILY}{name}"), name, &error));
                }
            }
        }
        failures.extend(checked.iter().map(|failure| (failure.type_id.as_str(), failure.clone())));
        let own = self.sounds.iter().filter_map(|(id, sound)| Some((id.as_str(), sound.failure.clone()?)));
        failures.extend(own);
        failures.into_values().chain(self.patches.failures()).collect()
    }

    /// What is wrong with the folder, if anything is.
    pub(crate) fn problem(&self) -> Option<String> {
        let missing = self.no_place.map(str::to_owned);
        missing.or_else(|| self.folder.as_ref().and_then(|(folder, _)| folder.problem()))
    }

    /// What there is to tell since the last time.
    pub(crate) fn take_told(&mut self) -> impl Iterator<Item = LibraryReport> {
        std::mem::take(&mut self.told).into_iter().chain(self.patches.take_reports())
    }

    fn tell(&mut self, told: LibraryReport) {
        if self.told.len() == MAX_TOLD {
            self.told.pop_front();
        }
        self.told.push_back(told);
    }

    fn key(&self, id: &str) -> JobKey {
        JobKey { owner: self.owner, node: id.to_owned() }
    }

    /// Every name is a type, with or without code.
    fn relist(&mut self, engine: &mut Engine) {
        let listing = self.folder.as_ref().map(|(folder, _)| folder.listing()).unwrap_or_default();
        let factory = factory::FACTORY.iter().map(|sound| sound.name);
        let names: BTreeSet<String> =
            listing.names().chain(factory).map(|name| format!("{FAMILY}{name}")).collect();
        let ours = |id: &&String| id.starts_with(FAMILY);
        for id in engine.type_ids().iter().filter(ours) {
            if !names.contains(id) && !self.sounds.contains_key(id) {
                engine.remove_type(id);
            }
        }
        for id in names {
            if engine.registry().type_status(&id).is_none() {
                self.list(&id, engine);
            }
        }
    }

    /// A sound that is not played: listed if it is anywhere, and refused if its file is known not to compile.
    fn list(&self, id: &str, engine: &mut Engine) {
        let name = id.strip_prefix(FAMILY).unwrap_or(id);
        let checked = self
            .folder
            .as_ref()
            .and_then(|(folder, _)| folder.listing().has(name).then(|| folder.check(name)));
        match checked {
            Some(Some(Err(error))) if error != CompileError::NoFaust => {
                engine.fail_type(id, &Failure::of(id, name, &error).reason());
            }
            Some(_) => engine.expect_type(id),
            None if factory::find(name).is_some() => engine.expect_type(id),
            None => {}
        }
    }

    /// Where the text of a sound comes from now; `None` if there is none.
    pub(crate) fn origin(&self, id: &str) -> Option<Origin> {
        if is_patch(id) {
            return self.patches.origin(id);
        }
        let name = id.strip_prefix(FAMILY)?;
        if is_inline(id) {
            return self.sounds.get(id)?.held.as_ref().map(|_| Origin::Node);
        }
        if self.sounds.get(id).is_some_and(|sound| sound.pinned.is_some()) {
            return Some(Origin::Session);
        }
        if self.folder.as_ref().is_some_and(|(folder, _)| folder.listing().has(name)) {
            return Some(Origin::File);
        }
        factory::find(name).map(|_| Origin::Factory)
    }

    /// Compiles the present text of a sound, in place of whatever is being compiled for it.
    fn compile(&mut self, id: &str, engine: &mut Engine) {
        let name = id.strip_prefix(FAMILY).unwrap_or(id).to_owned();
        let origin = self.origin(id);
        let sound = self.sounds.entry(id.to_owned()).or_default();
        self.tickets += 1;
        (sound.ticket, sound.stamp, sound.again) = (self.tickets, None, false);
        let source = match origin {
            Some(Origin::Session) => {
                sound.pinned.as_ref().map(|pinned| session_source(&name, &pinned.source))
            }
            Some(Origin::File) => self.folder.as_ref().map(|(folder, _)| {
                sound.stamp = Stamp::of(&path_of(folder.path(), &file_of(&name)));
                source_of(folder.path(), &name)
            }),
            Some(Origin::Factory) => factory_source(&name),
            Some(Origin::Node) => {
                let saved = sound.pinned.as_ref().map(|pinned| &*pinned.source);
                sound.held.as_ref().map(|held| held.source(saved, self.place.as_deref()))
            }
            None => None,
        };
        let Some(source) = source else {
            let place =
                self.place.as_ref().map(|place| format!(" in {}", place.display())).unwrap_or_default();
            let failure = Failure::new(
                id,
                format!("there is no {}{place}, and no such sound is built in", file_of(&name)),
            );
            let hint = self.no_place.map(str::to_owned);
            let failure = Failure { first: Mistake { hint, ..failure.first }, ..failure };
            return self.fail(id, failure, engine);
        };
        engine.expect_type(id);
        self.hold_text(id, &source, origin == Some(Origin::Factory), engine);
        self.submit(id, source, engine);
    }

    /// The session gets the text of a sound as soon as a node uses it: whoever saves before the first compile is done
    /// saves the text, too. A text that then does not compile is taken out again.
    fn hold_text(&mut self, id: &str, source: &Source, factory: bool, engine: &mut Engine) {
        let Some(sound) = self.sounds.get_mut(id) else { return };
        let has_text = engine.session().sources.contains_key(id) && !sound.unproved;
        if is_inline(id) || has_text || sound.playing.is_some() {
            return;
        }
        let Ok(text) = read_program(source) else { return };
        let source = Arc::new(TypeSource { text: text.main, imports: text.imports, own: false, factory });
        if engine.room_for_source(id, &source).is_err() {
            return;
        }
        engine.set_source(id, Some(source.clone()));
        (sound.known, sound.unproved) = (Some(source), true);
    }

    /// Takes out the text that [`Library::hold_text`] put into the session.
    fn drop_text(&mut self, id: &str, engine: &mut Engine) {
        if let Some(sound) = self.sounds.get_mut(id)
            && std::mem::take(&mut sound.unproved)
        {
            sound.known = None;
            engine.set_source(id, None);
        }
    }

    fn submit(&mut self, id: &str, source: Source, engine: &mut Engine) {
        if self.workers.is_none() {
            match compile::workers() {
                Ok(workers) => self.workers = Some(workers),
                Err(why) => return self.fail(id, Failure::new(id, why), engine),
            }
        }
        let key = self.key(id);
        let (Some(workers), Some(sound)) = (&self.workers, self.sounds.get_mut(id)) else { return };
        sound.awaited = true;
        let (post, type_id, ticket) = (self.post.clone(), id.to_owned(), sound.ticket);
        let (held, sample_rate) = (sound.held.clone(), engine.sample_rate());
        let heed = move |outcome: Outcome| -> Delivery {
            let compiled = outcome.result.as_ref().ok();
            let linked = compiled
                .map(|compiled| Linked::new(&type_id, compiled, held.as_deref(), sample_rate).map(Box::new));
            let (post, type_id, outcome) = (post.clone(), type_id.clone(), Box::new(outcome));
            Box::new(move || post(LibraryEvent(EventKind::Outcome { type_id, ticket, outcome, linked })))
        };
        workers.submit_for(JobKind::Play, key, source, Box::new(heed));
    }

    /// The newest text of a sound does not play; what it was before plays on.
    fn fail(&mut self, id: &str, failure: Failure, engine: &mut Engine) {
        engine.fail_type(id, &failure.reason());
        let sound = self.sounds.entry(id.to_owned()).or_default();
        sound.awaited = false;
        if sound.failure.as_ref() != Some(&failure) {
            sound.failure = Some(failure.clone());
            self.tell(LibraryReport::Failed(failure));
        }
    }
}

fn session_source(name: &str, pinned: &TypeSource) -> Source {
    let mut source = Source::inline(&program_name(name), &pinned.text);
    source.imports.clone_from(&pinned.imports);
    // What came with krach, with this release or an earlier one, gets what krach comes with.
    if pinned.factory || factory::find(name).is_some_and(|factory| factory.text == pinned.text) {
        source.standard = Standard::Own;
    }
    source
}

fn factory_source(name: &str) -> Option<Source> {
    let factory = factory::find(name)?;
    Some(Source { standard: Standard::Own, ..Source::inline(&program_name(name), factory.text) })
}

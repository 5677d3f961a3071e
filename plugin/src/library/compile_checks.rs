//! Texts that are compiled to be told about: by a client that asks, or because nothing has played them yet.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use krach_core::engine::Engine;
use krach_core::model::TypeSource;
use krach_core::node::NodeDecl;
use krach_faust::{CompileError, Delivery, FaustType, Interface, JobKey, JobKind, Outcome, Source, Timings};
use krach_files::{Links, read_text};

use super::compile::{Failure, program_name};
use super::listing::{file_of, path_of};
use super::patches::{PatchCheck, is_patch};
use super::pinned::Pinned;
use super::{EventKind, FAMILY, Library, LibraryEvent, Origin, compile, factory, factory_source};

/// CompileChecks that may be under way; a client that asks for more loses its oldest.
const MAX_TRIALS: usize = 64;
/// Bytes of a file that is shown: a longer one does not compile either.
const MAX_SHOWN: u64 = 1 << 20;

/// What came of a text.
#[derive(Clone, Debug)]
pub(crate) struct CompileCheck {
    /// Its ports and controls.
    pub interface: Arc<Interface>,
    /// How long it took.
    pub timings: Timings,
    /// It had been compiled before.
    pub cached: bool,
    /// Bytes of memory of one instance.
    pub state: u64,
}

/// What is known of trials and surveys.
#[derive(Default)]
pub(super) struct CompileChecks {
    /// By number; `None` while they run.
    trials: BTreeMap<u64, Option<Result<CompileCheck, Failure>>>,
    /// What is built in, by name; `None` while it is being compiled.
    surveyed: BTreeMap<String, Option<Arc<Interface>>>,
}

fn tried(outcome: Outcome) -> Result<CompileCheck, CompileError> {
    let compiled = outcome.result?;
    let state = compiled.object.state_size();
    let interface = Arc::new(FaustType::new(compiled.object)?.interface().clone());
    Ok(CompileCheck { interface, timings: compiled.timings, cached: compiled.cached, state })
}

impl Library {
    fn begin(
        &mut self,
        purpose: JobKind,
        node: String,
        source: Source,
        said: impl Fn(Box<Outcome>) -> EventKind + Send + 'static,
    ) -> Result<(), String> {
        if self.workers.is_none() {
            self.workers = Some(compile::workers()?);
        }
        let Some(workers) = &self.workers else { return Ok(()) };
        let post = self.post.clone();
        let heed = move |outcome| -> Delivery {
            let (post, said) = (post.clone(), said(Box::new(outcome)));
            Box::new(move || post(LibraryEvent(said)))
        };
        workers.submit_for(purpose, JobKey { owner: self.owner, node }, source, Box::new(heed));
        Ok(())
    }

    /// Compiles a text to tell what comes of it; its number is for [`Library::take_trial`].
    pub(crate) fn try_text(&mut self, name: &str, text: &TypeSource) -> Result<u64, Box<Failure>> {
        self.tickets += 1;
        let number = self.tickets;
        while self.trials.trials.len() >= MAX_TRIALS
            && let Some((&oldest, _)) = self.trials.trials.first_key_value()
        {
            self.drop_trial(oldest);
        }
        let mut source = Source::inline(&program_name(name), &text.text);
        source.imports.clone_from(&text.imports);
        source.folders.extend(self.place.clone());
        let (type_id, owned) = (format!("{FAMILY}{name}"), name.to_owned());
        let said = move |outcome| EventKind::Tried { number, name: owned.clone(), outcome };
        self.begin(JobKind::Try, format!("try {number}"), source, said)
            .map_err(|why| Box::new(Failure::new(&type_id, why)))?;
        self.trials.trials.insert(number, None);
        Ok(number)
    }

    /// What came of a trial, once, if it is over. One that nobody knows any more has failed.
    pub(crate) fn take_trial(&mut self, number: u64) -> Option<Result<CompileCheck, Failure>> {
        match self.trials.trials.get(&number) {
            Some(None) => None,
            Some(Some(_)) => self.trials.trials.remove(&number).flatten(),
            None => Some(Err(Failure::new(FAMILY, "too many texts are being compiled at once"))),
        }
    }

    /// Nobody waits for a trial any more.
    pub(crate) fn drop_trial(&mut self, number: u64) {
        self.trials.trials.remove(&number);
        if let Some(workers) = &self.workers {
            workers.cancel(&JobKey { owner: self.owner, node: format!("try {number}") });
        }
    }

    pub(super) fn tried(&mut self, number: u64, name: &str, outcome: Outcome) {
        if let Some(trial) = self.trials.trials.get_mut(&number) {
            let type_id = format!("{FAMILY}{name}");
            *trial = Some(tried(outcome).map_err(|error| Failure::of(&type_id, name, &error)));
        }
    }

    /// Makes the interfaces of these types known; `true` if they are, as far as they can be.
    pub(crate) fn survey(&mut self, ids: &[String]) -> bool {
        let mut done = true;
        for id in ids {
            let Some(name) = id.strip_prefix(FAMILY) else { continue };
            if self.interface(id).is_some() || self.failure(id).is_some() {
                continue;
            }
            match self.origin(id) {
                Some(Origin::Factory) if self.trials.surveyed.contains_key(name) => done = false,
                Some(Origin::Factory) => {
                    let Some(source) = factory_source(name) else { continue };
                    let owned = name.to_owned();
                    let said = move |outcome| EventKind::Surveyed { name: owned.clone(), outcome };
                    if self.begin(JobKind::Check, format!("survey {name}"), source, said).is_ok() {
                        self.trials.surveyed.insert(name.to_owned(), None);
                        done = false;
                    }
                }
                Some(Origin::File) => {
                    let checked = self.folder.as_ref().is_none_or(|(folder, _)| folder.check(name).is_some());
                    done &= checked;
                }
                Some(Origin::Session | Origin::Node) | None => {}
            }
        }
        done
    }

    pub(super) fn surveyed(&mut self, name: &str, outcome: Outcome) {
        match tried(outcome) {
            Ok(trial) => drop(self.trials.surveyed.insert(name.to_owned(), Some(trial.interface))),
            Err(_) => drop(self.trials.surveyed.remove(name)),
        }
    }

    /// Ports and controls of a sound, as far as they are known.
    pub(crate) fn interface(&self, id: &str) -> Option<Arc<Interface>> {
        let name = id.strip_prefix(FAMILY)?;
        if let Some(playing) = self.sounds.get(id).and_then(|sound| sound.playing.as_ref()) {
            return Some(playing.interface.clone());
        }
        match self.origin(id)? {
            Origin::File => {
                let check = self.folder.as_ref()?.0.check(name)?;
                Some(check.ok()?.interface)
            }
            Origin::Factory => self.trials.surveyed.get(name)?.clone(),
            Origin::Session | Origin::Node => None,
        }
    }

    /// Ports and controls of a patch that nothing plays.
    pub(crate) fn patch_decl(&self, id: &str) -> Option<NodeDecl> {
        self.patches.decl(id)
    }

    /// What comes of the text of a patch? Nothing uses it.
    pub(crate) fn check_patch(&self, id: &str, text: &str) -> Result<PatchCheck, Box<Failure>> {
        self.patches.check(id, text)
    }

    /// Where patches are looked for, and what is wrong there.
    pub(crate) fn patch_place(&self) -> (Option<&Path>, Option<String>) {
        self.patches.place()
    }

    /// Why the newest text of a sound does not play, if it does not.
    pub(crate) fn failure(&self, id: &str) -> Option<Failure> {
        if is_patch(id) {
            return self.patches.failure(id);
        }
        if let Some(sound) = self.sounds.get(id) {
            return sound.failure.clone();
        }
        let name = id.strip_prefix(FAMILY)?;
        let check = self.folder.as_ref()?.0.check(name)?;
        Some(Failure::of(id, name, &check.err()?))
    }

    /// How far a sound is, in a word.
    pub(crate) fn state(&self, id: &str) -> &'static str {
        if is_patch(id) {
            return self.patches.state(id);
        }
        match self.sounds.get(id) {
            Some(sound) if sound.awaited => "compiling",
            _ if self.failure(id).is_some() => "failed",
            Some(sound) if sound.playing.is_some() => "ready",
            _ => "listed",
        }
    }

    /// The text of a sound.
    pub(crate) fn text(&self, id: &str) -> Option<TypeSource> {
        if is_patch(id) {
            return self.patches.text(id);
        }
        let name = id.strip_prefix(FAMILY)?;
        match self.origin(id)? {
            Origin::Session => Some((*self.sounds.get(id)?.pinned.as_ref()?.source).clone()),
            Origin::Node => {
                let sound = self.sounds.get(id)?;
                let imports = sound.playing.as_ref().map(|playing| playing.text.imports.clone());
                let text = sound.held.as_ref()?.text().to_owned();
                Some(TypeSource { text, imports: imports.unwrap_or_default(), ..TypeSource::default() })
            }
            Origin::Factory => {
                let text = factory::find(name)?.text.to_owned();
                Some(TypeSource { text, factory: true, ..TypeSource::default() })
            }
            Origin::File => {
                let path = path_of(self.folder.as_ref()?.0.path(), &file_of(name));
                let text = read_text(&path, Links::Follow, MAX_SHOWN).ok()?;
                let check = self.folder.as_ref()?.0.check(name).and_then(Result::ok);
                let imports =
                    check.filter(|check| check.text.main == text).map(|check| check.text.imports.clone());
                Some(TypeSource { text, imports: imports.unwrap_or_default(), ..TypeSource::default() })
            }
        }
    }

    /// Where files are looked for.
    pub(crate) fn place(&self) -> Option<&std::path::Path> {
        self.place.as_deref()
    }

    /// A text for this type is being compiled: graphs may use it.
    pub(crate) fn promise(&mut self, id: &str, engine: &mut Engine) {
        if engine.registry().find(id).is_none() {
            engine.expect_type(id);
        }
    }

    /// The text that was promised does not compile; what there was before stays.
    pub(crate) fn break_promise(&mut self, id: &str, why: &str, engine: &mut Engine) {
        let has_text = self.origin(id).is_some();
        if engine.registry().find(id).is_some() || has_text || engine.remove_type(id) {
            return;
        }
        engine.fail_type(id, why);
    }

    /// From now on this text, which compiles, is the session's own for that type.
    pub(crate) fn define(&mut self, id: &str, mut source: TypeSource, engine: &mut Engine) {
        if is_patch(id) {
            return self.patches.define(id, source, engine);
        }
        let name = id.strip_prefix(FAMILY).unwrap_or(id);
        source.own = !self.folder.as_ref().is_some_and(|(folder, _)| folder.listing().has(name));
        let source = Arc::new(source);
        engine.set_source(id, Some(source.clone()));
        let sound = self.sounds.entry(id.to_owned()).or_default();
        let pinned = Pinned::new(source.clone(), self.place.as_deref(), &file_of(name));
        (sound.pinned, sound.known, sound.failure) = (Some(pinned), Some(source), None);
        self.compile(id, engine);
    }

    /// The session's own text of a type goes: the file's, or what is built in, is in its place.
    ///
    /// # Errors
    /// If there is none and a node uses it, or the session has no text of its own for it.
    pub(crate) fn undefine(&mut self, id: &str, engine: &mut Engine) -> Result<(), String> {
        if is_patch(id) {
            return self.patches.undefine(id, engine);
        }
        let Some(sound) = self.sounds.get_mut(id).filter(|sound| sound.pinned.is_some()) else {
            return Err(format!("the session has no text of its own for {id}"));
        };
        let pinned = sound.pinned.take();
        let other = self.origin(id);
        if other.is_none() && engine.uses_type(id) {
            if let Some(sound) = self.sounds.get_mut(id) {
                sound.pinned = pinned;
            }
            return Err(format!("{id} is used, and there is neither a file of that name nor one built in"));
        }
        engine.set_source(id, None);
        if let Some(sound) = self.sounds.get_mut(id) {
            sound.known = None;
        }
        if engine.uses_type(id) {
            self.compile(id, engine);
        } else {
            self.forget(id, engine);
        }
        Ok(())
    }
}

//! What the workers and the folder report, and what becomes of it: compiled code is handed to the engine,
//! changed files are compiled anew.

use std::collections::BTreeSet;
use std::sync::Arc;

use krach_core::engine::Engine;
use krach_core::model::TypeSource;
use krach_faust::{CompileError, Interface, Outcome};

use super::compile::{Failure, Linked};
use super::folder::FolderEvent;
use super::inline::InlineSource;
use super::listing::{self, Stamp, file_of, path_of, reads};
use super::pinned::Pinned;
use super::{EventKind, FAMILY, Library, LibraryEvent, LibraryReport, Origin, Playing};

impl Library {
    /// Takes in what other threads have to say.
    pub(crate) fn handle(&mut self, event: LibraryEvent, engine: &mut Engine) {
        match event.0 {
            EventKind::FolderEvent(FolderEvent::Changed(files)) => self.changed(&files, engine),
            EventKind::FolderEvent(FolderEvent::Checked(name)) => self.checked(&name, engine),
            EventKind::PatchFolderEvent(event) => self.patches.handle(&event, engine),
            EventKind::Tried { number, name, outcome } => self.tried(number, &name, *outcome),
            EventKind::Surveyed { name, outcome } => self.surveyed(&name, *outcome),
            EventKind::Outcome { type_id, ticket, outcome, linked } => {
                self.compiled(&type_id, ticket, *outcome, linked, engine);
            }
        }
    }

    fn compiled(
        &mut self,
        id: &str,
        ticket: u64,
        outcome: Outcome,
        linked: Option<Result<Box<Linked>, String>>,
        engine: &mut Engine,
    ) {
        let Some(sound) = self.sounds.get_mut(id).filter(|sound| sound.ticket == ticket) else { return };
        let name = id.strip_prefix(FAMILY).unwrap_or(id).to_owned();
        let (first, held) = (std::mem::take(&mut sound.awaited), sound.held.clone());
        if std::mem::take(&mut sound.again) {
            return self.compile(id, engine);
        }
        let compiled = match outcome.result {
            Ok(compiled) => compiled,
            // Its quick code plays, and sounds the same.
            Err(_) if !first => return,
            Err(CompileError::Cancelled) => return,
            Err(error) => {
                let failure = match &held {
                    Some(held) => held.failure(id, &error, engine),
                    None => Failure::of(id, &name, &error),
                };
                self.known_bad.remember(&failure);
                // Another machine may have the command.
                if error != CompileError::NoFaust {
                    self.drop_text(id, engine);
                }
                return self.fail(id, failure, engine);
            }
        };
        let (cached, timings, text) = (compiled.cached, compiled.timings, compiled.text.clone());
        let origin = self.origin(id);
        let sound = self.sounds.entry(id.to_owned()).or_default();
        let source = match &sound.pinned {
            Some(pinned) => Some(pinned.source.clone()),
            // The node itself has the text.
            None if held.is_some() && text.imports.is_empty() => None,
            None => Some(Arc::new(TypeSource {
                text: text.main.clone(),
                imports: text.imports.clone(),
                own: false,
                factory: origin == Some(Origin::Factory),
            })),
        };
        if let Some(source) = &source
            && engine.session().sources.get(id) != Some(source)
            && let Err(error) = engine.room_for_source(id, source)
        {
            return self.fail(id, Failure::new(id, error.to_string()), engine);
        }
        let linked = linked.unwrap_or_else(|| Err("it was not linked".to_owned()));
        let interface = match linked.and_then(|linked| play(*linked, engine)) {
            Ok(interface) => interface,
            Err(why) => return self.fail(id, Failure::new(id, why), engine),
        };
        let sound = self.sounds.entry(id.to_owned()).or_default();
        sound.failure = None;
        sound.playing = Some(Playing { text: text.clone(), interface });
        if engine.session().sources.get(id) != source.as_ref() {
            engine.set_source(id, source.clone());
        }
        let came_with_us = source.as_ref().is_some_and(|source| source.factory);
        (sound.known, sound.unproved) = (source, false);
        if !came_with_us && !text.standard.is_empty() {
            self.note_libraries(engine);
        }
        self.tell(LibraryReport::Compiled {
            type_id: id.to_owned(),
            crc32: crc32fast::hash(text.main.as_bytes()),
            tier: outcome.tier,
            cached,
            timings,
            more: outcome.more,
        });
    }

    /// A sound was compiled with FAUST's own libraries: those that the project was made with?
    fn note_libraries(&mut self, engine: &mut Engine) {
        let workers = self.workers.as_ref();
        let Some(ours) = workers.and_then(|workers| workers.compiler().library_version()) else { return };
        let Err(first) = engine.compiled_with(ours) else { return };
        if self.other_libraries.as_ref() != Some(&first) {
            let note = format!(
                "the project was made with FAUST's libraries {first}, and those here are {ours}: its sounds may differ"
            );
            self.other_libraries = Some(first);
            self.tell(LibraryReport::Note(note));
        }
    }

    /// Files are new, changed or gone.
    fn changed(&mut self, files: &BTreeSet<String>, engine: &mut Engine) {
        let Some((folder, _)) = &self.folder else { return };
        let (place, listing) = (folder.path().to_owned(), folder.listing());
        for id in self.sounds.keys().cloned().collect::<Vec<_>>() {
            let name = id.strip_prefix(FAMILY).unwrap_or(&id).to_owned();
            let Some(sound) = self.sounds.get_mut(&id) else { continue };
            let file = file_of(&name);
            let pinned = sound.pinned.as_ref();
            let counts = |file: &&String| pinned.is_none_or(|pinned| pinned.is_older_than(&place, file));
            let own = files.get(&file).filter(counts).is_some();
            let saved = pinned.iter().flat_map(|pinned| pinned.source.imports.keys());
            let read = sound
                .playing
                .iter()
                .flat_map(|playing| playing.text.imports.keys().chain(&playing.text.standard));
            let names: BTreeSet<&String> = saved.chain(read).collect();
            let imports =
                files.iter().filter(|file| reads(names.iter().copied(), file)).any(|file| counts(&file));
            if sound.awaited && pinned.is_none() && !own && !imports {
                // What is being compiled may import what is known of it when it is done.
                let graph = matches!(sound.held.as_deref(), Some(InlineSource::Graph(_)));
                sound.again |= !graph && files.iter().any(|file| listing::name_of(file).is_none());
                continue;
            }
            let there = listing.has(&name);
            // What a text of the session imports is a file of the folder, even if the text is none.
            let there = there || sound.held.is_some();
            if !(own || imports && there || sound.failure.is_some()) {
                continue;
            }
            let found = sound.stamp.is_some() && sound.stamp == Stamp::of(&path_of(&place, &file));
            if own && !imports && found && sound.awaited {
                // A client's request has found it before us. Was it read before or after the last change?
                sound.again = true;
                continue;
            }
            if there && (own || imports) {
                sound.pinned = None;
            } else if own && sound.pinned.is_none() {
                // Its file is gone: the session's copy is what is left.
                let known = sound.known.clone();
                sound.pinned = known.map(|known| Pinned::new(known, Some(&place), &file));
                if sound.failure.is_none() {
                    continue;
                }
                // What was wrong with it has gone with it.
            }
            sound.failure = None;
            if engine.uses_type(&id) {
                self.compile(&id, engine);
            } else {
                self.forget(&id, engine);
            }
        }
        for name in files.iter().filter_map(|file| listing::name_of(file)) {
            let id = format!("{FAMILY}{name}");
            if !self.sounds.contains_key(&id) && listing.has(name) {
                engine.expect_type(&id);
            }
        }
        self.relist(engine);
    }

    /// A file was checked.
    fn checked(&mut self, name: &str, engine: &mut Engine) {
        let Some((folder, _)) = &self.folder else { return };
        let Some(check) = folder.check(name) else { return };
        let id = format!("{FAMILY}{name}");
        let path = path_of(folder.path(), &file_of(name));
        match (check, self.sounds.get_mut(&id)) {
            (Ok(checked), Some(sound)) => {
                let Some(pinned) = &sound.pinned else { return };
                if pinned.source.text == checked.text.main && pinned.source.imports == checked.text.imports {
                    sound.pinned = None;
                    sound.stamp = Stamp::of(&path);
                } else if !pinned.source.own {
                    let file = path.display();
                    self.tell(LibraryReport::Note(format!(
                        "{id}: the project's text is not that of {file}; the project's plays until the file is saved"
                    )));
                }
            }
            // Whoever plays it hears of the error by playing it.
            (Err(_), Some(_)) | (Ok(_), None) => {}
            (Err(CompileError::NoFaust), None) => {}
            (Err(error), None) => {
                let failure = Failure::of(&id, name, &error);
                engine.fail_type(&id, &failure.reason());
                self.tell(LibraryReport::Failed(failure));
            }
        }
    }
}

/// Hands a compiled sound to the engine.
fn play(linked: Linked, engine: &mut Engine) -> Result<Arc<Interface>, String> {
    let Linked { ty, ready } = linked;
    let interface = Arc::new(ty.interface().clone());
    engine.set_type(Arc::new(ty)).map_err(|error| error.to_string())?;
    // The first node has been created.
    drop(ready);
    Ok(interface)
}

//! Patches as one instance has them: **each `patch:` type that its session uses is made from the session's own text,
//! the folder's file or what is built in, in this order, and swapped in under the sound whenever that text changes.**
//!
//! They follow the rules of FAUST sounds (see [`super`]), but nothing has to wait: a text is read where it is needed,
//! within a millisecond.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use krach_core::edit::{Edit, EditError, NodeEdit, SessionNode};
use krach_core::engine::Engine;
use krach_core::ir::{Fault, Source as NodeSource};
use krach_core::model::TypeSource;
use krach_core::node::{NodeDecl, NodeType, is_inline};
use krach_core::session::check_settings;
use krach_faust::{Tier, Timings};
use krach_files::{Links, read_text};
use krach_patch::node::{PatchType, Versions};
use krach_patch::yaml::MAX_TEXT;
use krach_patch::{factory, yaml_to_graph};

use super::compile::{Failure, Mistake};
use super::folder::{Contents, Folder, FolderEvent};
use super::listing::{Stamp, patch_file, patch_of, path_of, why_no_file};
use super::pinned::Pinned;
use super::{LibraryReport, Origin};

/// What all type ids of patches begin with.
pub(crate) const FAMILY: &str = "patch:";

/// Is that the type id of a patch?
pub(super) fn is_patch(id: &str) -> bool {
    id.starts_with(FAMILY)
}

/// A patch that the session has to do with.
#[derive(Default)]
struct Patch {
    /// The text that stands in the session's nodes.
    held: Option<Arc<str>>,
    /// The session's own text, while that is what plays.
    pinned: Option<Pinned>,
    /// What the session had as its text when we last looked.
    known: Option<Arc<TypeSource>>,
    /// The file as it was when it was last read.
    stamp: Option<Stamp>,
    /// A text of it plays.
    playing: bool,
    /// Why the newest text does not.
    failure: Option<Failure>,
}

/// What came of a text that nothing uses.
pub(crate) struct PatchCheck {
    /// Its ports and controls.
    pub decl: NodeDecl,
    /// How long it took.
    pub timings: Timings,
    /// Bytes of memory of one instance.
    pub state: u64,
}

/// The patches of one instance.
pub(super) struct Patches {
    place: Option<PathBuf>,
    folder: Option<(Arc<Folder>, u64)>,
    versions: Arc<Versions>,
    patches: BTreeMap<String, Patch>,
    reports: Vec<LibraryReport>,
}

impl Drop for Patches {
    fn drop(&mut self) {
        if let Some((folder, number)) = self.folder.take() {
            folder.leave(number);
        }
    }
}

impl Patches {
    pub(super) fn new(place: Option<&Path>) -> Self {
        Self {
            place: place.map(Path::to_owned),
            folder: None,
            versions: Arc::default(),
            patches: BTreeMap::new(),
            reports: Vec::new(),
        }
    }

    /// Lists what there is, and watches the folder from now on.
    pub(super) fn start(
        &mut self,
        listener: impl Fn(FolderEvent) + Send + Sync + 'static,
        engine: &mut Engine,
    ) {
        if let Some(place) = &self.place {
            let folder = Folder::open(place, Contents::Patches);
            let number = folder.listen(Box::new(listener));
            self.folder = Some((folder, number));
        }
        self.relist(engine);
    }

    /// Looks into the folder now.
    pub(super) fn rescan(&mut self, engine: &mut Engine) {
        if let Some((folder, _)) = &self.folder {
            folder.rescan();
        }
        self.relist(engine);
    }

    /// Before an edit is checked: the patches that it brings may be in files that were written a moment ago.
    ///
    /// # Errors
    /// If a node is to have a text that is no patch, or settings that its patch does not take.
    pub(super) fn prepare_edit(&mut self, edit: &Edit, engine: &mut Engine) -> Result<(), EditError> {
        check_texts(edit)?;
        self.refresh(edit, engine);
        self.check_settings(edit, engine)
    }

    /// The patches that an edit brings are those of the folder now.
    fn refresh(&mut self, edit: &Edit, engine: &mut Engine) {
        for id in engine.types_of(edit).iter().filter(|id| is_patch(id) && !is_inline(id)) {
            if engine.registry().type_status(id).is_none() {
                self.rescan(engine);
            }
            let (Some((folder, _)), Some(name)) = (&self.folder, id.strip_prefix(FAMILY)) else { continue };
            let file = patch_file(name);
            let now = Stamp::of(&path_of(folder.path(), &file));
            match self.patches.get_mut(id) {
                Some(patch) if now.is_some() && patch.stamp.is_some() && patch.stamp != now => {
                    patch.pinned = None;
                    self.compile(id, engine);
                }
                Some(_) => {}
                // What was wrong with it may have been mended a moment ago.
                None if now.is_some() && now != folder.listing().stamp(&file) => engine.expect_type(id),
                None => {}
            }
        }
    }

    /// Do patches take the settings that an edit gives their nodes? Those that play already are asked by the engine.
    fn check_settings(&self, edit: &Edit, engine: &Engine) -> Result<(), EditError> {
        let edits = match edit {
            Edit::Batch(edits) => return edits.iter().try_for_each(|edit| self.check_settings(edit, engine)),
            Edit::Nodes(edits) => edits,
            _ => return Ok(()),
        };
        for (i, edit) in edits.iter().enumerate() {
            let NodeEdit::Set(spec) = edit else { continue };
            let Some(settings) = spec.settings.as_ref().filter(|settings| !settings.is_empty()) else {
                continue;
            };
            let id = SessionNode::of_source(spec.node.source.clone()).type_id();
            if !is_patch(&id) || engine.registry().find(&id).is_some() {
                continue;
            }
            let text = match &spec.node.source {
                NodeSource::Text(text) => Some(text.to_string()),
                _ => self.read(&id).ok(),
            };
            // What is wrong with the patch itself is said elsewhere.
            let Some(ty) = text.and_then(|text| self.make(&id, None, &text).ok()) else { continue };
            let at = if edits.len() == 1 { String::new() } else { format!("[{i}]") };
            check_settings(&ty, settings).map_err(|fault| fault.within(&format!("${at}.settings")))?;
        }
        Ok(())
    }

    /// After edits and loads: what is used now and does not play is made; what the session says about its texts
    /// counts. `wanted` are the texts of nodes.
    pub(super) fn sync_with_session(&mut self, wanted: Vec<(String, NodeSource)>, engine: &mut Engine) {
        for (id, source) in wanted {
            if let NodeSource::Text(text) = source {
                self.patches.entry(id).or_default().held = Some(text);
            }
        }
        let mut used: BTreeSet<String> = engine.types_in_use();
        used.retain(|id| is_patch(id));
        let own = engine.session().sources.iter().filter(|(id, source)| source.own && is_patch(id));
        let own: Vec<String> = own.map(|(id, _)| id.clone()).collect();
        let ids: BTreeSet<String> =
            used.iter().cloned().chain(own).chain(self.patches.keys().cloned()).collect();
        for id in ids {
            let saved = engine.session().sources.get(&id).cloned();
            let patch = self.patches.entry(id.clone()).or_default();
            let news = saved != patch.known;
            if news {
                patch.known.clone_from(&saved);
                let file = patch_file(id.strip_prefix(FAMILY).unwrap_or(&id));
                patch.pinned = saved.map(|saved| Pinned::new(saved, self.place.as_deref(), &file));
                patch.failure = None;
            }
            let idle = !patch.playing && patch.failure.is_none();
            if used.contains(&id) {
                if news || idle {
                    self.compile(&id, engine);
                }
            } else if news || is_inline(&id) {
                self.forget(&id, engine);
            }
        }
    }

    /// A patch that nothing uses: it is made anew when something does.
    fn forget(&mut self, id: &str, engine: &mut Engine) {
        let Some(patch) = self.patches.get_mut(id) else { return };
        if !engine.remove_type(id) {
            return;
        }
        match patch.pinned.take() {
            Some(pinned) if !is_inline(id) => {
                let known = Some(pinned.source.clone());
                let patch = Patch { known, pinned: Some(pinned), ..Patch::default() };
                self.patches.insert(id.to_owned(), patch);
                engine.expect_type(id);
            }
            _ => {
                self.patches.remove(id);
                self.list(id, engine);
            }
        }
    }

    fn path(&self, id: &str) -> Option<PathBuf> {
        let name = id.strip_prefix(FAMILY).filter(|_| !is_inline(id))?;
        Some(path_of(self.place.as_deref()?, &patch_file(name)))
    }

    fn has_file(&self, name: &str) -> bool {
        let has = |folder: &Folder| folder.listing().stamp(&patch_file(name)).is_some();
        self.folder.as_ref().is_some_and(|(folder, _)| has(folder))
    }

    /// Why there is no patch of that type id, if something lies where its file would be.
    pub(super) fn why_no_patch(&self, id: &str) -> Option<String> {
        why_no_file(&self.path(id)?)
    }

    /// What is wrong with patches now.
    pub(super) fn failures(&self) -> Vec<Failure> {
        let mut failures = BTreeMap::new();
        if let Some((folder, _)) = &self.folder {
            for name in folder.listing().patches() {
                failures.extend(folder.fault(name).map(|fault| (fault.type_id.clone(), fault)));
            }
        }
        for (id, patch) in &self.patches {
            match &patch.failure {
                Some(failure) => drop(failures.insert(id.clone(), failure.clone())),
                None => drop(failures.remove(id)),
            }
        }
        failures.into_values().collect()
    }

    /// Where files are looked for, and what is wrong there.
    pub(super) fn place(&self) -> (Option<&Path>, Option<String>) {
        (self.place.as_deref(), self.folder.as_ref().and_then(|(folder, _)| folder.problem()))
    }

    pub(super) fn take_reports(&mut self) -> Vec<LibraryReport> {
        std::mem::take(&mut self.reports)
    }

    /// Every name is a type, with or without a node.
    fn relist(&mut self, engine: &mut Engine) {
        let listing = self.folder.as_ref().map(|(folder, _)| folder.listing()).unwrap_or_default();
        let built_in = factory::PATCHES.iter().map(|(name, _)| *name);
        let names: BTreeSet<String> =
            listing.patches().chain(built_in).map(|name| format!("{FAMILY}{name}")).collect();
        for id in engine.type_ids().iter().filter(|id| is_patch(id)) {
            if !names.contains(id) && !self.patches.contains_key(id) {
                engine.remove_type(id);
            }
        }
        for id in names {
            if engine.registry().type_status(&id).is_none() {
                self.list(&id, engine);
            }
        }
    }

    /// A patch that is not played: listed if it is anywhere, and refused if its file is known to be wrong.
    fn list(&self, id: &str, engine: &mut Engine) {
        let Some(name) = id.strip_prefix(FAMILY) else { return };
        if self.has_file(name) {
            match self.folder.as_ref().and_then(|(folder, _)| folder.fault(name)) {
                Some(fault) => engine.fail_type(id, &fault.reason()),
                None => engine.expect_type(id),
            }
        } else if factory::find(name).is_some() {
            engine.expect_type(id);
        }
    }

    /// Where the text of a patch comes from now; `None` if there is none.
    pub(super) fn origin(&self, id: &str) -> Option<Origin> {
        let name = id.strip_prefix(FAMILY)?;
        let patch = self.patches.get(id);
        if is_inline(id) {
            return patch?.held.as_ref().map(|_| Origin::Node);
        }
        if patch.is_some_and(|patch| patch.pinned.is_some()) {
            return Some(Origin::Session);
        }
        if self.has_file(name) {
            return Some(Origin::File);
        }
        factory::find(name).map(|_| Origin::Factory)
    }

    /// The text of a patch as it is now.
    ///
    /// # Errors
    /// If there is none, or its file cannot be read.
    fn read(&self, id: &str) -> Result<String, String> {
        let name = id.strip_prefix(FAMILY).unwrap_or(id);
        let patch = self.patches.get(id);
        let text = match self.origin(id) {
            Some(Origin::Session) => patch.and_then(|patch| Some(patch.pinned.as_ref()?.source.text.clone())),
            Some(Origin::Node) => patch.and_then(|patch| Some(patch.held.as_ref()?.to_string())),
            Some(Origin::Factory) => factory::find(name).map(str::to_owned),
            Some(Origin::File) => {
                let path = self.path(id).unwrap_or_default();
                // One byte more than a patch may have: the reader says how many are allowed.
                let text = read_text(&path, Links::Follow, MAX_TEXT as u64 + 1);
                return text.map_err(|error| format!("{}: {error}", patch_file(name)));
            }
            None => None,
        };
        let place = self.place.as_ref().map(|place| format!(" in {}", place.display())).unwrap_or_default();
        text.ok_or_else(|| format!("there is no {}{place}, and no such patch is built in", patch_file(name)))
    }

    /// The present text of a patch plays, if it is one; else what played before plays on.
    fn compile(&mut self, id: &str, engine: &mut Engine) {
        let since = Instant::now();
        let origin = self.origin(id);
        let stamp = self.path(id).filter(|_| origin == Some(Origin::File)).and_then(|path| Stamp::of(&path));
        let text = self.read(id);
        self.patches.entry(id.to_owned()).or_default().stamp = stamp;
        let made = text.map_err(|why| Box::new(Failure::new(id, why))).and_then(|text| {
            let name = id.strip_prefix(FAMILY).unwrap_or(id);
            let file = (origin == Some(Origin::File)).then(|| patch_file(name));
            Ok((self.make(id, file.as_deref(), &text)?, text))
        });
        let (ty, text) = match made {
            Ok(made) => made,
            Err(failure) => return self.fail(id, *failure, engine),
        };
        let patch = self.patches.entry(id.to_owned()).or_default();
        let source = match &patch.pinned {
            Some(pinned) => Some(pinned.source.clone()),
            // The node itself has the text.
            None if patch.held.is_some() => None,
            None => Some(Arc::new(TypeSource {
                text: text.clone(),
                factory: origin == Some(Origin::Factory),
                ..TypeSource::default()
            })),
        };
        let other = engine.session().sources.get(id) != source.as_ref();
        if let Some(source) = source.as_ref().filter(|_| other)
            && let Err(error) = engine.room_for_source(id, source)
        {
            return self.fail(id, Failure::new(id, error.to_string()), engine);
        }
        if let Err(error) = engine.set_type(Arc::new(ty)) {
            return self.fail(id, Failure::new(id, error.to_string()), engine);
        }
        if other {
            engine.set_source(id, source.clone());
        }
        let patch = self.patches.entry(id.to_owned()).or_default();
        (patch.playing, patch.failure, patch.known) = (true, None, source);
        self.reports.push(LibraryReport::Compiled {
            type_id: id.to_owned(),
            crc32: crc32fast::hash(text.as_bytes()),
            tier: Tier::Optimised,
            cached: false,
            timings: Timings { front: since.elapsed(), ..Timings::default() },
            more: false,
        });
    }

    fn make(&self, id: &str, file: Option<&str>, text: &str) -> Result<PatchType, Box<Failure>> {
        let graph = yaml_to_graph(text).map_err(|wrong| Box::new(Failure::of_patch(id, file, &wrong)))?;
        let failed = |fault: krach_patch::Fault| {
            let mistake = Mistake { hint: Some(fault.hint), ..Mistake::new(fault.problem) };
            Box::new(Failure::of_mistake(id, mistake))
        };
        PatchType::new(id, graph, &self.versions).map_err(failed)
    }

    /// The newest text of a patch does not play; what it was before plays on.
    fn fail(&mut self, id: &str, mut failure: Failure, engine: &mut Engine) {
        if is_inline(id) {
            let nodes = engine.session().graph.nodes.iter().filter(|node| node.type_id == id);
            failure.nodes = nodes.map(|node| node.id.clone()).collect();
        }
        engine.fail_type(id, &failure.reason());
        let patch = self.patches.entry(id.to_owned()).or_default();
        if patch.failure.as_ref() != Some(&failure) {
            patch.failure = Some(failure.clone());
            self.reports.push(LibraryReport::Failed(failure));
        }
    }

    /// Why the newest text of a patch does not play, if it does not.
    pub(super) fn failure(&self, id: &str) -> Option<Failure> {
        match self.patches.get(id) {
            Some(patch) => patch.failure.clone(),
            None => self.folder.as_ref()?.0.fault(id.strip_prefix(FAMILY)?),
        }
    }

    /// How far a patch is, in a word.
    pub(super) fn state(&self, id: &str) -> &'static str {
        match self.patches.get(id) {
            _ if self.failure(id).is_some() => "failed",
            Some(patch) if patch.playing => "ready",
            _ => "listed",
        }
    }

    /// The text of a patch.
    pub(super) fn text(&self, id: &str) -> Option<TypeSource> {
        let factory = self.origin(id)? == Origin::Factory;
        Some(TypeSource { text: self.read(id).ok()?, factory, ..TypeSource::default() })
    }

    /// Ports and controls of a patch that nothing plays.
    pub(super) fn decl(&self, id: &str) -> Option<NodeDecl> {
        let text = self.read(id).ok()?;
        Some(self.check(id, &text).ok()?.decl)
    }

    /// What comes of a text that nothing uses?
    ///
    /// # Errors
    /// If it is no patch.
    pub(super) fn check(&self, id: &str, text: &str) -> Result<PatchCheck, Box<Failure>> {
        let since = Instant::now();
        let ty = self.make(id, None, text)?;
        let timings = Timings { front: since.elapsed(), ..Timings::default() };
        Ok(PatchCheck { decl: ty.decl().clone(), timings, state: ty.state_bytes() })
    }

    /// From now on this text is the session's own for that type.
    pub(super) fn define(&mut self, id: &str, mut source: TypeSource, engine: &mut Engine) {
        let name = id.strip_prefix(FAMILY).unwrap_or(id);
        source.own = !self.has_file(name);
        let source = Arc::new(source);
        engine.set_source(id, Some(source.clone()));
        let pinned = Pinned::new(source.clone(), self.place.as_deref(), &patch_file(name));
        let patch = self.patches.entry(id.to_owned()).or_default();
        (patch.pinned, patch.known, patch.failure) = (Some(pinned), Some(source), None);
        self.compile(id, engine);
    }

    /// The session's own text of a type goes: the file's, or what is built in, is in its place.
    ///
    /// # Errors
    /// If there is none and a node uses it, or the session has no text of its own for it.
    pub(super) fn undefine(&mut self, id: &str, engine: &mut Engine) -> Result<(), String> {
        let Some(patch) = self.patches.get_mut(id).filter(|patch| patch.pinned.is_some()) else {
            return Err(format!("the session has no text of its own for {id}"));
        };
        let pinned = patch.pinned.take();
        let other = self.origin(id);
        let patch = self.patches.entry(id.to_owned()).or_default();
        if other.is_none() && engine.uses_type(id) {
            patch.pinned = pinned;
            return Err(format!("{id} is used, and there is neither a file of that name nor one built in"));
        }
        engine.set_source(id, None);
        patch.known = None;
        if engine.uses_type(id) {
            self.compile(id, engine);
        } else {
            self.forget(id, engine);
        }
        Ok(())
    }

    /// Files are new, changed or gone, or were read.
    pub(super) fn handle(&mut self, event: &FolderEvent, engine: &mut Engine) {
        match event {
            FolderEvent::Changed(files) => self.changed(files, engine),
            FolderEvent::Checked(name) => self.checked(name, engine),
        }
    }

    fn changed(&mut self, files: &BTreeSet<String>, engine: &mut Engine) {
        for id in self.patches.keys().filter(|id| !is_inline(id)).cloned().collect::<Vec<_>>() {
            let Some(name) = id.strip_prefix(FAMILY) else { continue };
            let there = self.has_file(name);
            let Some(patch) = self.patches.get_mut(&id) else { continue };
            let file = patch_file(name);
            let place = self.place.as_deref().unwrap_or(Path::new(""));
            let counts = patch.pinned.as_ref().is_none_or(|pinned| pinned.is_older_than(place, &file));
            if !(files.contains(&file) && counts) {
                continue;
            }
            if there {
                patch.pinned = None;
            } else if patch.pinned.is_none() {
                // Its file is gone: the session's copy is what is left.
                let known = patch.known.clone();
                patch.pinned = known.map(|known| Pinned::new(known, Some(place), &file));
                if patch.failure.is_none() {
                    continue;
                }
                // What was wrong with it has gone with it.
            }
            patch.failure = None;
            if engine.uses_type(&id) {
                self.compile(&id, engine);
            } else {
                self.forget(&id, engine);
            }
        }
        for name in files.iter().filter_map(|file| patch_of(file)) {
            let id = format!("{FAMILY}{name}");
            if !self.patches.contains_key(&id) && self.has_file(name) {
                engine.expect_type(&id);
            }
        }
        self.relist(engine);
    }

    fn checked(&mut self, name: &str, engine: &mut Engine) {
        let id = format!("{FAMILY}{name}");
        let Some((folder, _)) = &self.folder else { return };
        let fault = folder.fault(name);
        if !self.patches.contains_key(&id) {
            // Whoever plays it hears of the error by playing it.
            if let Some(failure) = fault {
                engine.fail_type(&id, &failure.reason());
                self.reports.push(LibraryReport::Failed(failure));
            }
            return;
        }
        let Some(path) = self.path(&id) else { return };
        let Some(patch) = self.patches.get_mut(&id) else { return };
        let Some(pinned) = patch.pinned.as_ref().filter(|_| fault.is_none()) else { return };
        let Ok(text) = read_text(&path, Links::Follow, MAX_TEXT as u64) else { return };
        if pinned.source.text == text {
            patch.pinned = None;
            patch.stamp = Stamp::of(&path);
        } else if !pinned.source.own {
            let file = path.display();
            self.reports.push(LibraryReport::Note(format!(
                "{id}: the project's text is not that of {file}; the project's plays until the file is saved"
            )));
        }
    }
}

/// What is wrong with the patch of that name in a folder, if anything is.
pub(super) fn read_patch(folder: &Path, name: &str) -> Option<Failure> {
    let (id, file) = (format!("{FAMILY}{name}"), patch_file(name));
    let path = path_of(folder, &file);
    Stamp::of(&path)?;
    let text = match read_text(&path, Links::Follow, MAX_TEXT as u64 + 1) {
        Ok(text) => text,
        Err(error) => {
            let mistake = Mistake { file: Some(file), ..Mistake::new(error.to_string()) };
            return Some(Failure::of_mistake(&id, mistake));
        }
    };
    Some(Failure::of_patch(&id, Some(&file), &yaml_to_graph(&text).err()?))
}

/// Are the texts that nodes are to have patches, where they look like one? What an undo or a load brings plays as far
/// as it can.
///
/// # Errors
/// If not, with the place in the edit, the line and the column.
fn check_texts(edit: &Edit) -> Result<(), EditError> {
    match edit {
        Edit::Batch(edits) | Edit::Titled { edits, .. } | Edit::Transition { edits, .. } => {
            edits.iter().try_for_each(check_texts)
        }
        Edit::Nodes(edits) => {
            for (i, edit) in edits.iter().enumerate() {
                let NodeEdit::Set(spec) = edit else { continue };
                let NodeSource::Text(text) = &spec.node.source else { continue };
                if !krach_core::node::is_patch(text) {
                    continue;
                }
                let Err(wrong) = yaml_to_graph(text) else { continue };
                let at = if edits.len() == 1 { String::new() } else { format!("[{i}]") };
                let (message, hint) = match &*wrong.0 {
                    [one] => {
                        let Mistake { text, hint, .. } = Failure::of_patch(FAMILY, None, &wrong).first;
                        (format!("line {}, column {}: {text}", one.line, one.column), hint)
                    }
                    _ => (wrong.to_string(), None),
                };
                return Err(Fault { hint, ..Fault::new(format!("${at}.source"), message) }.into());
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

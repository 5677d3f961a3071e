//! Modules put into a session that plays: as the whole of it, or under a name.

use super::{Adoption, Session, automations_of};
use crate::address::{self, Part};
use crate::edit::{Edit, EditError, LoadError, NodeEdit, NodeSpec, Scene, SceneEdit};
use crate::graph::{GraphEdit, Meant, RawGraph};
use crate::ir::{Fault, ModuleIr, Source, flatten, prefix_ir};
use crate::model::TypeSource;
use crate::node::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Texts of types that a document brings into a session.
#[derive(Default)]
struct Texts {
    /// Those that the session lacks.
    new: BTreeMap<String, TypeSource>,
    /// Those of names that mean something else here: each node takes its text with it.
    held: BTreeMap<String, Arc<str>>,
}

impl Session {
    /// The edit that makes the session that of the module. A module that says nothing of our settings
    /// (name, clock, limiter, MIDI…) leaves them as they are, and so for tempo, meter and master; one that says nothing of
    /// macros leaves those.
    ///
    /// # Errors
    /// What is wrong with the module, with its JSON path.
    pub fn loading(&self, module: ModuleIr, registry: &Registry) -> Result<Edit, LoadError> {
        self.becoming(module, false, registry)
    }

    /// The same for a whole session, as a file or a preset has it: what its `krach` does not say, scenes and macros among
    /// it, is empty. A module without `krach` is part of a session, and loaded as one.
    ///
    /// # Errors
    /// What is wrong with the module, with its JSON path.
    pub fn opening(&self, module: ModuleIr, registry: &Registry) -> Result<Edit, LoadError> {
        self.becoming(module, true, registry)
    }

    fn becoming(&self, module: ModuleIr, is_file: bool, registry: &Registry) -> Result<Edit, LoadError> {
        let now = self;
        let (tempo, meter, master) = (module.tempo, module.meter, module.master);
        let own = module.krach.is_some();
        let says_macros = module.krach.as_ref().is_some_and(|krach| !krach.macros.is_empty());
        let brings_scenes = module.krach.as_ref().is_some_and(|krach| krach.scenes.is_some());
        let (mut target, _) = Session::of_module(module, registry)?;
        target.settings.bpm = tempo.unwrap_or(now.settings.bpm);
        target.settings.beats_per_cycle = meter.unwrap_or(now.settings.beats_per_cycle);
        target.settings.master = master.unwrap_or(now.settings.master);
        // Two instances of one name could not be told apart.
        target.settings.name.clone_from(&now.settings.name);
        if !own {
            target.take_settings(now);
        }
        let is_whole = is_file && own;
        if !says_macros && !is_whole {
            target.macros.clone_from(&now.macros);
        }
        if !brings_scenes && !is_whole {
            target.scenes = Arc::clone(&now.scenes);
        }
        let other = target.sources.iter().filter(|(id, source)| now.sources.get(*id) != Some(source));
        let sources: BTreeMap<_, _> = other.map(|(id, source)| (id.clone(), (**source).clone())).collect();
        let texts = (!sources.is_empty()).then_some(Edit::SetSources(sources));
        let ends = [Edit::EndTransitions(None)].into_iter();
        Ok(Edit::Batch(ends.chain(texts).chain(now.difference(&target)).collect()))
    }

    /// The edit that leaves nothing that sounds: no nodes, patterns, automations, raw graph. Settings stay.
    pub fn clearing(&self) -> Edit {
        let now = self;
        let mut target = Session::default();
        target.take_settings(now);
        target.settings.clone_from(&now.settings);
        target.scenes = Arc::clone(&now.scenes);
        Edit::Batch([Edit::EndTransitions(None)].into_iter().chain(now.difference(&target)).collect())
    }

    /// The edit that adds a module under `prefix`, and the names of its nodes. Its tempo and settings are
    /// not taken.
    ///
    /// # Errors
    /// What is wrong with the module, with its JSON path.
    pub fn instantiating(
        &self,
        module: &ModuleIr,
        prefix: &str,
        registry: &Registry,
    ) -> Result<(Edit, Vec<String>), LoadError> {
        let (alone, _) = Session::of_module(module.clone(), registry)?;
        // As it would be by itself, then under its name.
        let flat = flatten(&prefix_ir(&ModuleIr { other: Default::default(), ..alone.to_module() }, prefix));
        let automations = automations_of(&flat).map_err(|fault| LoadError::Invalid {
            place: fault.place.clone(),
            error: EditError::Fault(fault),
        })?;
        let mut nodes: Vec<NodeEdit> = Vec::new();
        let mut names = Vec::new();
        let krach = *flat.krach.unwrap_or_default();
        let Texts { new, held } = self.texts_of(&krach.sources, &krach.raw_graph)?;
        for mut node in flat.nodes {
            if let Source::Type(id) = &node.source
                && let Some(text) = held.get(id)
            {
                node.source = Source::Text(Arc::clone(text));
            }
            let entry = krach.nodes.get(&node.name).cloned().unwrap_or_default();
            names.push(node.name.clone());
            let gain = Some(node.gain);
            let (stereo, to_master) = (Some(entry.stereo), Some(!entry.off_master));
            let (stem, legato, rest) = (Some(entry.stem), Some(entry.legato), Some(entry.rest));
            let (settings, keeps_values) = (Some(entry.settings), false);
            let spec = NodeSpec { gain, stereo, to_master, stem, legato, rest, settings, node, keeps_values };
            nodes.push(NodeEdit::Set(Box::new(spec)));
        }
        nodes.extend(flat.routing.into_iter().map(NodeEdit::Connect));
        nodes.extend(flat.muted.into_iter().map(|m| NodeEdit::Mute { name: m.name, on: true }));
        let mut edits = Vec::new();
        if !new.is_empty() {
            edits.push(Edit::SetSources(new));
        }
        if !nodes.is_empty() {
            edits.push(Edit::Nodes(nodes));
        }
        let raw = krach.raw_graph;
        let mut graph: Vec<GraphEdit> = raw.nodes.into_iter().map(GraphEdit::AddNode).collect();
        graph.extend(raw.connections.into_iter().map(GraphEdit::Connect));
        graph.extend(raw.exposed_controls.into_iter().map(|(label, (node_id, control_name))| {
            GraphEdit::ExposeControl { label, node_id, control_name }
        }));
        if !graph.is_empty() {
            edits.push(Edit::Graph(graph));
        }
        edits.extend(flat.controls.into_iter().map(|c| Edit::SetControl { label: c.path, value: c.value }));
        for p in flat.patterns {
            let hushed = krach.slots.get(&p.target).is_some_and(|s| s.hushed);
            let from_zero = krach.slots.get(&p.target).is_some_and(|s| s.from_zero);
            let pattern = (*p.pattern).clone();
            edits.push(Edit::SetPattern {
                slot: p.target.clone(),
                pattern,
                from_zero,
                origin: None,
                swing: p.swing,
            });
            if hushed {
                edits.push(Edit::Hush { slot: p.target });
            }
        }
        edits.extend(automations.iter().map(|(id, a)| Edit::from((&**id, a))));
        Ok((Edit::Batch(edits), names))
    }

    /// The edit that makes a scene of a document; the session stays as it is. A document that says no master has the
    /// session's. Tempo and meter are part of the scene if `transport` says so, or the document where it says nothing.
    ///
    /// # Errors
    /// What is wrong with the document, with its JSON path.
    pub fn saving(
        &self,
        (number, name): (u8, String),
        module: ModuleIr,
        transport: Option<bool>,
        registry: &Registry,
    ) -> Result<Edit, LoadError> {
        let (tempo, meter, master) = (module.tempo, module.meter, module.master);
        let (mut alone, _) = Session::of_module(module, registry)?;
        let (now, settings) = (&self.settings, &mut alone.settings);
        settings.master = master.unwrap_or(now.master);
        settings.bpm = tempo.unwrap_or(now.bpm);
        if meter.is_none() && !settings.host_meter {
            (settings.beats_per_cycle, settings.host_meter) = (now.beats_per_cycle, now.host_meter);
        }
        let Texts { new, held } = self.texts_of(&alone.sources_in_use(), &alone.raw)?;
        let nodes: Vec<_> = alone.nodes.iter().map(|node| (node.name.clone(), node.type_id())).collect();
        for (node, id) in nodes {
            if let Some(text) = held.get(&id) {
                alone.nodes.update(&node, |node| node.source = Source::Text(Arc::clone(text)));
            }
        }
        let state = alone.scene_state(transport.unwrap_or(tempo.is_some() || meter.is_some()));
        let scene = Arc::new(Scene { kept: Arc::clone(&alone.kept), ..Scene::new(name, state) });
        let put = Edit::from(SceneEdit::Put { number, scene });
        Ok(if new.is_empty() { put } else { Edit::Batch(vec![Edit::SetSources(new), put]) })
    }

    /// What becomes of the texts that a document brings.
    ///
    /// # Errors
    /// A type that is another text here, and cannot be held by its nodes.
    fn texts_of(&self, theirs: &BTreeMap<String, TypeSource>, raw: &RawGraph) -> Result<Texts, LoadError> {
        let (ours, mut texts) = (self.sources_in_use(), Texts::default());
        for (id, theirs) in theirs {
            match ours.get(id) {
                None => drop(texts.new.insert(id.clone(), theirs.clone())),
                Some(ours) if ours.text == theirs.text && ours.imports == theirs.imports => {}
                Some(_) if !theirs.imports.is_empty() || raw.nodes.iter().any(|node| node.type_id == *id) => {
                    let message = format!("{id} is another text in this session");
                    let fault = Fault::new(format!("$.krach.sources.{id}"), message);
                    let fault = fault.hint("give one of the two another name");
                    return Err(LoadError::Invalid { place: fault.place.clone(), error: fault.into() });
                }
                Some(ours) if ours.text == theirs.text => {}
                Some(_) => drop(texts.held.insert(id.clone(), theirs.text.as_str().into())),
            }
        }
        Ok(texts)
    }

    /// The edit that makes nodes of the session of raw nodes: of those of these names, or of all that are
    /// recognised if there are none; and what becomes of each.
    pub fn adopting(&self, names: &[String], registry: &Registry) -> (Edit, Adoption) {
        let (foundation, adoption) = self.adopted(names, registry);
        let mut edits = Vec::new();
        if !adoption.anew.is_empty() {
            // Else the old one would have the new level while it still hears what is before the fader.
            let gone = adoption.anew.iter().map(|id| GraphEdit::RemoveNode { id: id.clone() });
            edits.push(Edit::Graph(gone.collect()));
        }
        if !adoption.adopted.is_empty() {
            edits.push(Edit::ReplaceGraph(Box::new(foundation)));
        }
        (Edit::Batch(edits), adoption)
    }

    /// The edits that remove a node with its patterns and automations.
    pub fn removing(&self, name: &str, registry: &Registry) -> Edit {
        let mut edits = vec![Edit::Nodes(vec![NodeEdit::Remove { name: name.to_owned() }])];
        let raw = self.raw.nodes.iter().map(|node| &*node.id);
        let names: Vec<&str> = self.nodes.iter().map(|node| &*node.name).chain(raw).collect();
        let of_it = |slot: &&String| address::slot_owner(slot, names.iter().copied()) == Some(name);
        let slots = self.slots.keys().filter(of_it);
        edits.extend(slots.map(|slot| Edit::RemoveSlot { slot: slot.clone() }));
        let controls = self.controls(registry);
        let gone = |label: &str| {
            if let Some((node, part)) = address::parse(label) {
                return node == name || part == Part::Send(name);
            }
            let id = match controls.find(label) {
                Meant::Control { node, .. } | Meant::Unsure { node, .. } => &*node.id,
                Meant::Several { node, .. } | Meant::Lacks { node, .. } => &*node.id,
                Meant::Nothing => return false,
            };
            id == name || id.strip_suffix("_g") == Some(name)
        };
        let automations = self.automations.iter().filter(|(_, a)| gone(&a.label));
        edits.extend(automations.map(|(id, _)| Edit::ClearAutomation { id: id.clone() }));
        Edit::Batch(edits)
    }
}

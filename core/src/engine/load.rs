//! Modules put into a session that plays: as the whole of it, or under a name.

use super::Engine;
use crate::edit::{Edit, EditError, GraphEdit, LoadError, NodeEdit, NodeSpec};
use crate::ir::{ModuleIr, flatten, prefix_ir};
use crate::session::{Adoption, Session, automations_of};

impl Engine {
    /// The session, frozen. Edits that wait for their position are not in it.
    pub fn capture(&self) -> ModuleIr {
        self.session.to_module()
    }

    /// The edit that makes the session that of the module. A module that says nothing of our settings
    /// (name, clock, limiter, MIDI…) leaves them as they are, and so for tempo, meter and master.
    ///
    /// # Errors
    /// What is wrong with the module, with its JSON path.
    pub fn loading(&self, module: ModuleIr) -> Result<Edit, LoadError> {
        let now = &self.session;
        let (tempo, meter, master) = (module.tempo, module.meter, module.master);
        let own = module.krach.is_some();
        let (mut target, _) = Session::of_module(module, &self.registry)?;
        target.bpm = tempo.unwrap_or(now.bpm);
        target.beats_per_cycle = meter.unwrap_or(now.beats_per_cycle);
        target.master = master.unwrap_or(now.master);
        // Two instances of one name could not be told apart.
        target.name.clone_from(&now.name);
        if !own {
            target.take_settings(now);
        }
        Ok(Edit::Batch(now.difference(&target)))
    }

    /// The edit that leaves nothing that sounds: no nodes, patterns, automations, raw graph. Settings stay.
    pub fn clearing(&self) -> Edit {
        let now = &self.session;
        let mut target = Session::default();
        (target.name, target.master) = (now.name.clone(), now.master);
        (target.bpm, target.beats_per_cycle) = (now.bpm, now.beats_per_cycle);
        target.take_settings(now);
        Edit::Batch(now.difference(&target))
    }

    /// The edit that adds a module under `prefix`, and the names of its nodes. Its tempo and settings are
    /// not taken.
    ///
    /// # Errors
    /// What is wrong with the module, with its JSON path.
    pub fn instantiating(&self, module: &ModuleIr, prefix: &str) -> Result<(Edit, Vec<String>), LoadError> {
        let (alone, _) = Session::of_module(module.clone(), &self.registry)?;
        // As it would be by itself, then under its name.
        let flat = flatten(&prefix_ir(&ModuleIr { other: Default::default(), ..alone.to_module() }, prefix));
        let automations = automations_of(&flat).map_err(|fault| LoadError::Invalid {
            place: fault.place.clone(),
            error: EditError::Fault(fault),
        })?;
        let mut nodes: Vec<NodeEdit> = Vec::new();
        let mut names = Vec::new();
        let krach = *flat.krach.unwrap_or_default();
        for node in flat.nodes {
            let entry = krach.nodes.get(&node.name).copied().unwrap_or_default();
            names.push(node.name.clone());
            let gain = Some(node.gain);
            let spec =
                NodeSpec { gain, stereo: Some(entry.stereo), to_master: Some(!entry.off_master), node };
            nodes.push(NodeEdit::Set(Box::new(spec)));
        }
        nodes.extend(flat.routing.into_iter().map(NodeEdit::Connect));
        nodes.extend(flat.muted.into_iter().map(|m| NodeEdit::Mute { name: m.name, on: true }));
        let mut edits = Vec::new();
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
            edits.push(Edit::SetPattern { slot: p.target.clone(), pattern, from_zero, swing: p.swing });
            if hushed {
                edits.push(Edit::Hush { slot: p.target });
            }
        }
        edits.extend(automations.iter().map(|(id, a)| a.edit(id)));
        Ok((Edit::Batch(edits), names))
    }

    /// The edit that makes nodes of the session of raw nodes: of those of these names, or of all that are
    /// recognised if there are none; and what becomes of each.
    pub fn adopting(&self, names: &[String]) -> (Edit, Adoption) {
        let (foundation, adoption) = self.session.adopting(names, &self.registry);
        let mut edits = Vec::new();
        if !adoption.anew.is_empty() {
            // Else the old one would have the new level while it still hears what is before the fader.
            let gone = adoption.anew.iter().map(|id| GraphEdit::RemoveNode { id: id.clone() });
            edits.push(Edit::Graph(gone.collect()));
        }
        if !adoption.adopted.is_empty() {
            edits.push(Edit::Become(Box::new(foundation)));
        }
        (Edit::Batch(edits), adoption)
    }

    /// The edits that remove a node with its patterns and automations.
    pub fn removing(&self, name: &str) -> Edit {
        let mut edits = vec![Edit::Nodes(vec![NodeEdit::Remove { name: name.to_owned() }])];
        let control_slots = format!("_ctrl_{name}_");
        let of_it = |slot: &&String| *slot == name || slot.starts_with(&control_slots);
        let slots = self.session.slots.keys().filter(of_it);
        edits.extend(slots.map(|slot| Edit::RemoveSlot { slot: slot.clone() }));
        let gone = |label: &str| {
            let path = self.session.path_of(label);
            let id = path.as_deref().and_then(|path| path.rsplit_once('/')).map(|(id, _)| id.to_owned());
            id.is_some_and(|id| id == name || id == format!("{name}_g"))
        };
        let automations = self.session.automations.iter().filter(|(_, a)| gone(&a.label));
        edits.extend(automations.map(|(id, _)| Edit::ClearAutomation { id: id.clone() }));
        Edit::Batch(edits)
    }
}

//! The versions of patches that may play somewhere, so that the next one can be planned as what follows each of them.
//!
//! Which version plays in a node is known on the audio thread only. So a node is made with a plan for every version
//! that anything still holds, and takes the one that fits when it succeeds.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::controls::{Controls, Lead};
use crate::descriptor::Role;
use crate::fault::Fault;
use crate::graph::{GraphNode, ModuleGraph};
use crate::modules;
use crate::plan::ExecutionPlan;
use crate::planner::{build_patch, layout_of};

/// A patch as it was written once.
pub(super) struct Version {
    /// No other version has it; the number of every plan that ends in this patch.
    pub number: u64,
    pub graph: ModuleGraph,
    pub controls: Controls,
}

/// The versions of the patches of one session: those of which a type or a node is still there.
#[derive(Default)]
pub struct Versions(Mutex<Vec<Weak<Version>>>);

impl Versions {
    /// A version is there from now on, as long as somebody holds it.
    pub(super) fn add(&self, graph: ModuleGraph) -> Arc<Version> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let controls = Controls::of(&graph);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let version = Arc::new(Version { number, graph, controls });
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|version| version.strong_count() > 0);
        all.push(Arc::downgrade(&version));
        version
    }

    /// The ways to `version` from all others that it has a sounding module in common with.
    ///
    /// # Errors
    /// If no patch is played at that sample rate.
    pub(super) fn ways_to(&self, version: &Arc<Version>, sample_rate: f64) -> Result<Vec<Way>, Fault> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let others = all.iter().filter_map(Weak::upgrade).filter(|other| other.number != version.number);
        let alike = others.filter(|other| has_common(&version.graph, &other.graph));
        alike.map(|other| Way::between(&other, version, sample_rate)).collect()
    }
}

/// Does a module survive from one to the other that makes more than a way out?
fn has_common(graph: &ModuleGraph, other: &ModuleGraph) -> bool {
    graph.nodes().any(|(id, node)| {
        let same = |other: &GraphNode| {
            other.descriptor().name == node.descriptor().name && other.shape() == node.shape()
        };
        node.descriptor().role != Role::Sink && other.node_of(id).is_some_and(same)
    })
}

/// How a version follows another.
pub(super) struct Way {
    /// Number of the other.
    pub from: u64,
    /// The version that it leads to; once it has been taken, the other.
    pub version: Arc<Version>,
    /// The plan; what was retired once it has been taken.
    pub plan: Option<Box<ExecutionPlan>>,
    /// What the controls of the version have told its modules, once the way was taken.
    pub applied: Box<[f32]>,
    /// Controls of modules that survive: index here, and in the other.
    carried: Box<[(u32, u32)]>,
}

impl Way {
    fn between(old: &Version, new: &Arc<Version>, sample_rate: f64) -> Result<Self, Fault> {
        let base = layout_of(&old.graph, sample_rate, old.number);
        let (mut plan, _) = build_patch(&new.graph, sample_rate, Some(&base), new.number)?;
        // Numbers come from the controls; only they know what a module was told last.
        plan.forget_numbers();
        let survives = |module: usize| plan.survives(module);
        // The modules of a graph come first in every plan, in its order.
        let played = new.graph.nodes().enumerate().any(|(module, (_, node))| {
            std::ptr::eq(node.descriptor(), &modules::MIDI_IN) && survives(module)
        });
        let mut carried = Vec::new();
        new.controls.common(&old.controls, |here, there| {
            let same = match new.controls.leads[here] {
                Lead::Param { module, .. } => survives(module),
                _ => played,
            };
            if same {
                carried.push((here as u32, there as u32));
            }
        });
        let applied = new.controls.controls.iter().map(|control| control.default).collect();
        Ok(Self {
            from: old.number,
            version: Arc::clone(new),
            plan: Some(plan),
            applied,
            carried: carried.into(),
        })
    }

    /// Modules that survive have been told what their controls held in the other version.
    pub fn carry(&mut self, before: &[f32]) {
        for &(here, there) in &self.carried {
            if let (Some(here), Some(there)) =
                (self.applied.get_mut(here as usize), before.get(there as usize))
            {
                *here = *there;
            }
        }
    }
}

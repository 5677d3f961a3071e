//! Which node types there are, and whose code is still on its way.

use super::builtin::builtin_types;
use super::contract::NodeType;
use super::settings::{NodeSettings, Settled};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the engine finds node types. The built-in ones are [`builtin_types`]; `plugin` introduces others (programs,
/// patches) without `core` knowing them.
///
/// A type whose code is still on its way is *expected*: graphs may use it, with any port names, and it
/// is silent until its code is there.
///
/// ```
/// use krach_core::node::{Registry, TypeStatus};
///
/// let mut registry = Registry::with_builtins();
/// assert_eq!(registry.type_status("gain"), Some(&TypeStatus::Ready));
/// assert_eq!(registry.type_status("patch:bass"), None);
/// // Its code is on its way: graphs may use it, and it is silent.
/// registry.expect("patch:bass");
/// assert!(registry.find("patch:bass").is_none());
/// assert_eq!(registry.type_status("patch:bass"), Some(&TypeStatus::Compiling));
/// ```
pub struct Registry {
    types: BTreeMap<String, Entry>,
    /// What plays under a node whose type has no code yet, by type and node.
    stand_ins: BTreeMap<String, BTreeMap<String, Arc<dyn NodeType>>>,
    state: RegistryState,
    /// The last change of each type, by id.
    changed: BTreeMap<String, u64>,
    /// Changes up to this one are forgotten.
    forgotten: u64,
}

/// Tells whether a registry has changed since: that very registry, after so many changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistryState {
    registry: u64,
    changes: u64,
}

/// Ids of types that only lowered graphs use begin so.
pub(super) const HIDDEN: &str = "_";
/// Types whose last change is remembered; when there are more, all changes are forgotten.
const MAX_CHANGED: usize = 4096;

impl Default for Registry {
    fn default() -> Self {
        static REGISTRIES: AtomicU64 = AtomicU64::new(0);
        let registry = REGISTRIES.fetch_add(1, Ordering::Relaxed);
        Self {
            types: BTreeMap::new(),
            stand_ins: BTreeMap::new(),
            state: RegistryState { registry, changes: 0 },
            changed: BTreeMap::new(),
            forgotten: 0,
        }
    }
}

impl Clone for Registry {
    /// A copy is another registry: its changes are its own.
    fn clone(&self) -> Self {
        Self { types: self.types.clone(), stand_ins: self.stand_ins.clone(), ..Self::default() }
    }
}

#[derive(Clone)]
struct Entry {
    /// The code to play, if there is any yet.
    ty: Option<Arc<dyn NodeType>>,
    /// The same code with settings of single nodes.
    settled: Settled,
    status: TypeStatus,
}

/// Whether a type's code is available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeStatus {
    /// Its code is there and current.
    Ready,
    /// Other code is on its way: what is played meanwhile may have other ports.
    Compiling,
    /// The code that was on its way has not come, and why, for the musician. What was there before plays on.
    Failed(String),
}

impl Registry {
    /// An empty registry.
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry with the built-in types.
    pub fn with_builtins() -> Self {
        let mut registry = Self::new();
        for ty in builtin_types() {
            registry.add(ty);
        }
        registry
    }

    /// Adds a type, or replaces the one of that name.
    pub fn add(&mut self, ty: Arc<dyn NodeType>) {
        let type_id = ty.decl().type_id.clone();
        self.note_change(&type_id);
        self.stand_ins.remove(&type_id);
        self.types
            .insert(type_id, Entry { ty: Some(ty), settled: Settled::default(), status: TypeStatus::Ready });
    }

    /// Code for a type of that id is on its way; what there is plays on meanwhile.
    pub fn expect(&mut self, type_id: &str) {
        self.set_status(type_id, TypeStatus::Compiling);
    }

    /// No code is on its way any more, and why; what there is plays on.
    pub fn fail(&mut self, type_id: &str, why: &str) {
        self.set_status(type_id, TypeStatus::Failed(why.to_owned()));
    }

    /// What there is stays after all. A type without code goes.
    pub fn keep(&mut self, type_id: &str) {
        self.note_change(type_id);
        match self.types.get_mut(type_id) {
            Some(entry) if entry.ty.is_some() => entry.status = TypeStatus::Ready,
            _ => self.remove(type_id),
        }
    }

    fn set_status(&mut self, type_id: &str, status: TypeStatus) {
        self.note_change(type_id);
        let entry = self.types.entry(type_id.to_owned());
        let new = Entry { ty: None, settled: Settled::default(), status: TypeStatus::Compiling };
        entry.or_insert(new).status = status;
    }

    /// Forgets a type.
    pub fn remove(&mut self, type_id: &str) {
        self.note_change(type_id);
        self.types.remove(type_id);
        self.stand_ins.remove(type_id);
    }

    /// Until that type has code, this plays under the node: what it was before it got the type.
    pub fn stand_in(&mut self, node: &str, type_id: &str, ty: Arc<dyn NodeType>) {
        if self.find(type_id).is_none() {
            self.note_change(type_id);
            self.stand_ins.entry(type_id.to_owned()).or_default().insert(node.to_owned(), ty);
        }
    }

    /// No node is played by anything but its own type any more.
    pub fn forget_stand_ins(&mut self) {
        for type_id in std::mem::take(&mut self.stand_ins).into_keys() {
            self.note_change(&type_id);
        }
    }

    fn note_change(&mut self, type_id: &str) {
        self.state.changes += 1;
        if self.changed.len() >= MAX_CHANGED && !self.changed.contains_key(type_id) {
            self.changed.clear();
            self.forgotten = self.state.changes - 1;
        }
        self.changed.insert(type_id.to_owned(), self.state.changes);
    }

    /// The registry as it is now, to be compared with later.
    pub fn state(&self) -> RegistryState {
        self.state
    }

    /// The ids of the types that have other code, or are more or less sure, than they were then; `None`: any may,
    /// because that was another registry or is too long ago.
    pub fn changed_since(&self, then: RegistryState) -> Option<BTreeSet<&str>> {
        if then.registry != self.state.registry || then.changes < self.forgotten {
            return None;
        }
        if then == self.state {
            return Some(BTreeSet::new());
        }
        let since = self.changed.iter().filter(|(_, at)| **at > then.changes);
        Some(since.map(|(type_id, _)| type_id.as_str()).collect())
    }

    /// What plays under a node of that type: the type's code, else what was there before it, if anything.
    pub fn playing(&self, node: &str, type_id: &str) -> Option<&Arc<dyn NodeType>> {
        self.find(type_id).or_else(|| self.stand_ins.get(type_id)?.get(node))
    }

    /// The same with the node's settings.
    pub fn playing_with(
        &self,
        node: &str,
        type_id: &str,
        settings: &NodeSettings,
    ) -> Option<Arc<dyn NodeType>> {
        let own =
            self.types.get(type_id).and_then(|entry| Some(entry.settled.of(entry.ty.as_ref()?, settings)));
        own.or_else(|| self.stand_ins.get(type_id)?.get(node).cloned())
    }

    /// The code of the type of that id, if there is any yet.
    pub fn find(&self, type_id: &str) -> Option<&Arc<dyn NodeType>> {
        self.types.get(type_id)?.ty.as_ref()
    }

    /// Whether that type's code is available; `None` if there is no such type.
    pub fn type_status(&self, type_id: &str) -> Option<&TypeStatus> {
        Some(&self.types.get(type_id)?.status)
    }

    /// The ids of all types that can be asked for, sorted.
    pub fn type_ids(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str).filter(|id| !id.starts_with(HIDDEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_knows_which_types_have_changed_since() {
        let mut registry = Registry::with_builtins();
        let before = registry.state();
        assert_eq!(registry.changed_since(before), Some(BTreeSet::new()));
        registry.expect("text:a");
        registry.fail("text:b", "why");
        let between = registry.state();
        registry.remove("text:a");
        assert_eq!(registry.changed_since(before), Some(BTreeSet::from(["text:a", "text:b"])));
        assert_eq!(registry.changed_since(between), Some(BTreeSet::from(["text:a"])));
        // A copy goes its own way.
        let mut copy = registry.clone();
        copy.expect("text:c");
        assert_eq!(copy.changed_since(between), None);
        assert_eq!(registry.changed_since(copy.state()), None);
    }

    #[test]
    fn what_is_too_long_ago_may_be_any_type() {
        let mut registry = Registry::new();
        let before = registry.state();
        (0..=MAX_CHANGED).for_each(|n| registry.expect(&format!("text:{n}")));
        assert_eq!(registry.changed_since(before), None);
        let now = registry.state();
        registry.expect("text:0");
        assert_eq!(registry.changed_since(now), Some(BTreeSet::from(["text:0"])));
    }
}

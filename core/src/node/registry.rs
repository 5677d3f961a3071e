//! Which node types there are, and whose code is still on its way.

use super::builtin::builtin_types;
use super::contract::NodeType;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where the engine finds node types. The built-in ones are [`builtin_types`]; `plugin` introduces others (FAUST,
/// patches) without `core` knowing them.
///
/// A type whose code is still on its way is *expected*: graphs may use it, with any port names, and it
/// is silent until its code is there.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<String, Entry>,
    /// What plays under a node whose type has no code yet, by type and node.
    stand_ins: BTreeMap<String, BTreeMap<String, Arc<dyn NodeType>>>,
}

#[derive(Clone)]
struct Entry {
    /// The code to play, if there is any yet.
    ty: Option<Arc<dyn NodeType>>,
    standing: Standing,
}

/// How sure it is what a type is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is what it is, until it is replaced.
    Settled,
    /// Other code is on its way: what is played meanwhile may have other ports.
    Expected,
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
        self.stand_ins.remove(&type_id);
        self.types.insert(type_id, Entry { ty: Some(ty), standing: Standing::Settled });
    }

    /// Code for a type of that id is on its way; what there is plays on meanwhile.
    pub fn expect(&mut self, type_id: &str) {
        self.stand(type_id, Standing::Expected);
    }

    /// No code is on its way any more, and why; what there is plays on.
    pub fn fail(&mut self, type_id: &str, why: &str) {
        self.stand(type_id, Standing::Failed(why.to_owned()));
    }

    /// What there is stays after all. A type without code goes.
    pub fn keep(&mut self, type_id: &str) {
        match self.types.get_mut(type_id) {
            Some(entry) if entry.ty.is_some() => entry.standing = Standing::Settled,
            _ => self.remove(type_id),
        }
    }

    fn stand(&mut self, type_id: &str, standing: Standing) {
        let entry = self.types.entry(type_id.to_owned());
        entry.or_insert(Entry { ty: None, standing: Standing::Expected }).standing = standing;
    }

    /// Forgets a type.
    pub fn remove(&mut self, type_id: &str) {
        self.types.remove(type_id);
        self.stand_ins.remove(type_id);
    }

    /// Until that type has code, this plays under the node: what it was before it got the type.
    pub fn stand_in(&mut self, node: &str, type_id: &str, ty: Arc<dyn NodeType>) {
        if self.find(type_id).is_none() {
            self.stand_ins.entry(type_id.to_owned()).or_default().insert(node.to_owned(), ty);
        }
    }

    /// No node is played by anything but its own type any more.
    pub fn forget_stand_ins(&mut self) {
        self.stand_ins.clear();
    }

    /// What plays under a node of that type: the type's code, else what was there before it, if anything.
    pub fn playing(&self, node: &str, type_id: &str) -> Option<&Arc<dyn NodeType>> {
        self.find(type_id).or_else(|| self.stand_ins.get(type_id)?.get(node))
    }

    /// The code of the type of that id, if there is any yet.
    pub fn find(&self, type_id: &str) -> Option<&Arc<dyn NodeType>> {
        self.types.get(type_id)?.ty.as_ref()
    }

    /// How sure it is what that type is; `None` if there is no such type.
    pub fn standing(&self, type_id: &str) -> Option<&Standing> {
        Some(&self.types.get(type_id)?.standing)
    }

    /// All type ids, sorted.
    pub fn type_ids(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}

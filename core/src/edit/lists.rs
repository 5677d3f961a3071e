//! The nodes and the routes of a session: lists in the order in which entries were added, found by name.
//!
//! Copies share what is equal in them. Each entry has a key that rises from entry to entry and stays with it, so that
//! two copies can be compared by what they do not share.

use super::{Route, SessionNode};
use crate::bus::Bus;
use crate::limits::BUSES;
use imbl::ordmap::DiffItem;
use imbl::{HashMap, OrdMap};
use std::ops::Index;
use std::sync::Arc;

/// The place of an entry in its list: rises from entry to entry.
pub type Key = u64;

/// What becomes of one entry from one copy of a list to another.
#[derive(Clone, Copy, Debug)]
pub struct Difference<'a, T> {
    /// Its key.
    pub key: Key,
    /// The entry as it was; `None`: it is new.
    pub old: Option<&'a Arc<T>>,
    /// The entry as it is; `None`: it is gone.
    pub new: Option<&'a Arc<T>>,
}

fn changes<'a, T: PartialEq>(
    old: &'a OrdMap<Key, Arc<T>>,
    new: &'a OrdMap<Key, Arc<T>>,
) -> impl Iterator<Item = Difference<'a, T>> {
    old.diff(new).map(|item| match item {
        DiffItem::Add(key, new) => Difference { key: *key, old: None, new: Some(new) },
        DiffItem::Remove(key, old) => Difference { key: *key, old: Some(old), new: None },
        DiffItem::Update { old: (key, old), new: (_, new) } => {
            Difference { key: *key, old: Some(old), new: Some(new) }
        }
    })
}

fn equal<T: PartialEq>(a: &OrdMap<Key, Arc<T>>, b: &OrdMap<Key, Arc<T>>) -> bool {
    // Keys are no part of what a list says.
    a.ptr_eq(b) || a.len() == b.len() && a.values().zip(b.values()).all(|(a, b)| Arc::ptr_eq(a, b) || a == b)
}

/// The nodes of a session in the order they were added.
#[derive(Clone, Debug, Default)]
pub struct Nodes {
    entries: OrdMap<Key, Arc<SessionNode>>,
    keys: HashMap<String, Key>,
    next: Key,
    /// Nodes that are solo.
    solo: usize,
    /// Nodes by the output where they leave.
    leave: [usize; BUSES],
    /// Values that nodes begin with.
    init: usize,
}

impl Nodes {
    /// No nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The nodes in order.
    pub fn iter(
        &self,
    ) -> imbl::ordmap::Values<'_, Key, Arc<SessionNode>, imbl::shared_ptr::DefaultSharedPtr> {
        self.entries.values()
    }

    /// The nodes in order, with their keys.
    pub fn entries(&self) -> impl Iterator<Item = (Key, &Arc<SessionNode>)> {
        self.entries.iter().map(|(key, node)| (*key, node))
    }

    /// The node of that name.
    pub fn get(&self, name: &str) -> Option<&Arc<SessionNode>> {
        self.entries.get(self.keys.get(name)?)
    }

    /// The key of the node of that name.
    pub fn key(&self, name: &str) -> Option<Key> {
        self.keys.get(name).copied()
    }

    /// The node of that key.
    pub fn at(&self, key: Key) -> Option<&Arc<SessionNode>> {
        self.entries.get(&key)
    }

    /// Adds a node behind the others.
    pub fn push(&mut self, node: SessionNode) {
        self.count(&node, true);
        self.keys.insert(node.name.clone(), self.next);
        self.entries.insert(self.next, Arc::new(node));
        self.next += 1;
    }

    /// Changes the node of that name, but not its name; `false` if there is none.
    pub fn update(&mut self, name: &str, change: impl FnOnce(&mut SessionNode)) -> bool {
        let Some(key) = self.keys.get(name).copied() else { return false };
        let Some(node) = self.entries.get(&key).cloned() else { return false };
        self.count(&node, false);
        let mut node = SessionNode::clone(&node);
        change(&mut node);
        debug_assert_eq!(node.name, name);
        self.count(&node, true);
        self.entries.insert(key, Arc::new(node));
        true
    }

    /// Removes the node of that name; `false` if there is none.
    pub fn remove(&mut self, name: &str) -> bool {
        let Some(node) = self.keys.remove(name).and_then(|key| self.entries.remove(&key)) else {
            return false;
        };
        self.count(&node, false);
        true
    }

    fn count(&mut self, node: &SessionNode, add: bool) {
        let (solo, init) = (usize::from(node.solo), node.init.len());
        let leave = &mut self.leave[node.stem.index()];
        match add {
            true => (self.solo, self.init, *leave) = (self.solo + solo, self.init + init, *leave + 1),
            false => (self.solo, self.init, *leave) = (self.solo - solo, self.init - init, *leave - 1),
        }
    }

    /// Is any node solo?
    pub fn any_solo(&self) -> bool {
        self.solo > 0
    }

    /// The outputs that a session with these nodes has: the main one, and the stems where nodes leave.
    pub fn outputs(&self) -> impl Iterator<Item = Bus> {
        Bus::all().filter(|bus| !self.is_empty() && (*bus == Bus::MAIN || self.leave[bus.index()] > 0))
    }

    /// How many values nodes begin with, in all.
    pub fn init_values(&self) -> usize {
        self.init
    }

    /// What differs in another copy of the list.
    pub fn changes<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Difference<'a, SessionNode>> {
        changes(&self.entries, &other.entries)
    }

    /// The same list, without looking at what is in it.
    pub fn ptr_eq(&self, other: &Self) -> bool {
        self.entries.ptr_eq(&other.entries)
    }
}

impl PartialEq for Nodes {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.entries, &other.entries)
    }
}

impl Index<usize> for Nodes {
    type Output = Arc<SessionNode>;

    fn index(&self, at: usize) -> &Self::Output {
        self.entries.values().nth(at).expect("an index within the list")
    }
}

impl<'a> IntoIterator for &'a Nodes {
    type Item = &'a Arc<SessionNode>;
    type IntoIter = imbl::ordmap::Values<'a, Key, Arc<SessionNode>, imbl::shared_ptr::DefaultSharedPtr>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The routes of a session in the order they were made.
#[derive(Clone, Debug, Default)]
pub struct Routes {
    entries: OrdMap<Key, Arc<Route>>,
    from: HashMap<String, Vec<Key>>,
    to: HashMap<String, Vec<Key>>,
    next: Key,
}

impl Routes {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The routes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Route>> {
        self.entries.values()
    }

    /// The routes in order, with their keys.
    pub fn entries(&self) -> impl Iterator<Item = (Key, &Arc<Route>)> {
        self.entries.iter().map(|(key, route)| (*key, route))
    }

    /// The route of that key.
    pub fn at(&self, key: Key) -> Option<&Arc<Route>> {
        self.entries.get(&key)
    }

    /// The routes that leave a node, in order, with their keys.
    pub fn from(&self, node: &str) -> impl Iterator<Item = (Key, &Arc<Route>)> {
        self.of(&self.from, node)
    }

    /// The routes that lead to a node, in order, with their keys.
    pub fn to(&self, node: &str) -> impl Iterator<Item = (Key, &Arc<Route>)> {
        self.of(&self.to, node)
    }

    fn of<'a>(
        &'a self,
        index: &'a HashMap<String, Vec<Key>>,
        node: &str,
    ) -> impl Iterator<Item = (Key, &'a Arc<Route>)> {
        let keys = index.get(node).into_iter().flatten();
        keys.filter_map(|key| Some((*key, self.entries.get(key)?)))
    }

    /// Adds a route behind the others.
    pub fn push(&mut self, route: Route) {
        self.from.entry(route.source.clone()).or_default().push(self.next);
        self.to.entry(route.target.clone()).or_default().push(self.next);
        self.entries.insert(self.next, Arc::new(route));
        self.next += 1;
    }

    /// Puts another route between the same two nodes in the place of one.
    pub fn replace(&mut self, key: Key, route: Route) {
        self.entries.insert(key, Arc::new(route));
    }

    /// Removes those routes from one node to another that `which` selects; how many there were.
    pub fn remove_between(&mut self, source: &str, target: &str, which: impl Fn(&Route) -> bool) -> usize {
        let those = self.from(source).filter(|(_, route)| route.target == target && which(route));
        let keys: Vec<Key> = those.map(|(key, _)| key).collect();
        self.remove(&keys);
        keys.len()
    }

    /// Removes all routes of a node.
    pub fn remove_of(&mut self, node: &str) {
        let keys: Vec<Key> = self.from(node).chain(self.to(node)).map(|(key, _)| key).collect();
        self.remove(&keys);
    }

    fn remove(&mut self, keys: &[Key]) {
        for key in keys {
            let Some(route) = self.entries.remove(key) else { continue };
            for (index, node) in [(&mut self.from, &route.source), (&mut self.to, &route.target)] {
                let Some(of_node) = index.get_mut(node) else { continue };
                of_node.retain(|other| other != key);
                if of_node.is_empty() {
                    index.remove(node);
                }
            }
        }
    }

    /// What differs in another copy of the list.
    pub fn changes<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = Difference<'a, Route>> {
        changes(&self.entries, &other.entries)
    }
}

impl PartialEq for Routes {
    fn eq(&self, other: &Self) -> bool {
        equal(&self.entries, &other.entries)
    }
}

impl Index<usize> for Routes {
    type Output = Arc<Route>;

    fn index(&self, at: usize) -> &Self::Output {
        self.entries.values().nth(at).expect("an index within the list")
    }
}

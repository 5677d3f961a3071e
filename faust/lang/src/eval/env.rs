//! Environments: what a name means at a place. Frames are kept once, so that what was evaluated in one is
//! known when it is met again.

use super::boxes::BoxId;
use super::files::{Def, TableId, Tables};
use super::names::Sym;
use crate::hash::Map;

/// An environment, by its innermost frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Env(pub u32);

/// One step from the inside to the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Frame {
    /// Outside everything.
    Root,
    /// A parameter and its value.
    Bind(Env, Sym, BoxId),
    /// A block of definitions.
    Scope(Env, TableId),
    /// The block of an environment with some definitions replaced; those are evaluated in the last.
    Override(Env, TableId, Env),
}

/// What a name means.
pub enum Meaning {
    /// A value.
    Value(BoxId),
    /// A definition and where its right side is evaluated.
    Definition(Def, Env),
}

/// All frames of a compile.
pub struct Frames {
    frames: Vec<Frame>,
    ids: Map<Frame, Env>,
}

impl Default for Frames {
    fn default() -> Self {
        Self { frames: vec![Frame::Root], ids: [(Frame::Root, Env(0))].into_iter().collect() }
    }
}

impl Frames {
    /// Outside everything.
    pub const ROOT: Env = Env(0);

    /// The environment with this frame inside.
    pub fn push(&mut self, frame: Frame) -> Env {
        if let Some(id) = self.ids.get(&frame) {
            return *id;
        }
        let id = Env(self.frames.len() as u32);
        self.frames.push(frame);
        self.ids.insert(frame, id);
        id
    }

    /// The innermost frame.
    pub fn frame(&self, env: Env) -> Frame {
        self.frames[env.0 as usize]
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.frames.len()
    }

    /// What a name means, and how many frames were looked at.
    pub fn look_up(&self, tables: &Tables, name: Sym, env: Env) -> (Option<Meaning>, u64) {
        let (mut at, mut steps) = (env, 0);
        loop {
            steps += 1;
            match self.frame(at) {
                Frame::Root => return (None, steps),
                Frame::Bind(_, bound, value) if bound == name => return (Some(Meaning::Value(value)), steps),
                Frame::Bind(outer, ..) => at = outer,
                Frame::Scope(..) | Frame::Override(..) => {
                    // Definitions of the block see the replaced ones.
                    let block = at;
                    loop {
                        match self.frame(at) {
                            Frame::Override(base, table, own) => {
                                if let Some(def) = tables.get(table, name) {
                                    return (Some(Meaning::Definition(def, own)), steps);
                                }
                                at = base;
                                steps += 1;
                            }
                            Frame::Scope(outer, table) => {
                                if let Some(def) = tables.get(table, name) {
                                    return (Some(Meaning::Definition(def, block)), steps);
                                }
                                at = outer;
                                break;
                            }
                            Frame::Bind(..) | Frame::Root => break,
                        }
                    }
                }
            }
        }
    }

    /// The environment with definitions of its innermost block replaced.
    pub fn replace(&mut self, env: Env, table: TableId, own: Env) -> Option<Env> {
        // From the outside in: binds that stand inside the block are set again.
        let (mut inside, mut at) = (Vec::new(), env);
        while let Frame::Bind(outer, name, value) = self.frame(at) {
            inside.push((name, value));
            at = outer;
        }
        if at == Self::ROOT {
            return None;
        }
        let mut made = self.push(Frame::Override(at, table, own));
        for (name, value) in inside.into_iter().rev() {
            made = self.push(Frame::Bind(made, name, value));
        }
        Some(made)
    }

    /// Tables of the blocks from the inside to the outside.
    pub fn tables(&self, env: Env) -> Vec<TableId> {
        let (mut at, mut all) = (env, Vec::new());
        loop {
            at = match self.frame(at) {
                Frame::Root => return all,
                Frame::Bind(outer, ..) => outer,
                Frame::Scope(outer, table) => {
                    all.push(table);
                    outer
                }
                Frame::Override(base, table, _) => {
                    all.push(table);
                    base
                }
            };
        }
    }
}

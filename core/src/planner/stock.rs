//! Voices for nodes that scenes bring: made ahead, and kept in the audio thread's pool until a scene is recalled.
//!
//! A node of two scenes is one entry: only one scene is recalled at a time. An entry keeps its number and its uid until its
//! voices have been taken by a recall; then new ones are made for it.

use super::shape::ShapeNode;
use super::{create, empty_voices, prepare};
use crate::node::CreateContext;
use crate::plan::{Pool, Waiting};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What makes two nodes one entry.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    id: Arc<str>,
    type_id: String,
    code: u64,
    voices: usize,
    keeps_keys: bool,
}

struct Entry {
    number: u32,
    uid: u64,
    /// The last round in which a scene needed it.
    round: u64,
}

/// The entries, as the audio thread has them once what was made has been sent.
#[derive(Default)]
pub struct Stock {
    entries: HashMap<Key, Entry>,
    free: Vec<u32>,
    next: u32,
    round: u64,
    last_uid: u64,
    /// What was made and has not been sent: voices by number.
    made: BTreeMap<u32, Waiting>,
}

impl Stock {
    /// Scenes are planned anew: what none of them needs by the end of it can go.
    pub fn begin_round(&mut self) {
        self.round += 1;
    }

    /// Uid and number in the pool of a node's voices; they are made if there are none.
    pub(super) fn take(
        &mut self,
        node: &ShapeNode,
        context: &CreateContext,
        next_uid: &mut u64,
    ) -> Result<(u64, u32), String> {
        let key = Key {
            id: Arc::clone(&node.id),
            type_id: node.ty.decl().type_id.clone(),
            code: node.ty.code_key(),
            voices: node.voices,
            keeps_keys: node.keeps_keys(),
        };
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.round = self.round;
            return Ok((entry.uid, entry.number));
        }
        let mut voices = empty_voices(node);
        for voice in &mut voices {
            let instance = create(node.ty.as_ref(), context)?;
            let defaults = node.ty.decl().controls.iter().enumerate().map(|(i, c)| (i, c.default));
            voice.instance = Some(prepare(instance, defaults, &node.id)?);
        }
        let number = match self.free.pop() {
            Some(number) => number,
            None if (self.next as usize) < Pool::SIZE => {
                self.next += 1;
                self.next - 1
            }
            None => return Err(format!("scenes have more than {} nodes in all", Pool::SIZE)),
        };
        *next_uid += 1;
        let uid = *next_uid;
        self.last_uid = uid;
        self.made.insert(number, Waiting { uid, voices });
        self.entries.insert(key, Entry { number, uid, round: self.round });
        Ok((uid, number))
    }

    /// What is to be put into the pool, by number: new voices, and nothing where none are needed any more. Those go
    /// only once no plan that was sent takes from them (`idle`).
    pub fn changes(&mut self, idle: bool) -> Vec<(u32, Waiting)> {
        let mut changes: Vec<_> = std::mem::take(&mut self.made).into_iter().collect();
        if idle {
            let (round, free) = (self.round, &mut self.free);
            self.entries.retain(|_, entry| {
                let kept = entry.round == round;
                if !kept {
                    changes.retain(|(number, _)| *number != entry.number);
                    changes.push((entry.number, Waiting::default()));
                    free.push(entry.number);
                }
                kept
            });
        }
        changes
    }

    /// The plan of a scene was adopted, and took the voices of these numbers.
    pub fn taken(&mut self, numbers: impl Fn(u32) -> bool) {
        let free = &mut self.free;
        self.entries.retain(|_, entry| {
            let taken = numbers(entry.number);
            if taken {
                free.push(entry.number);
            }
            !taken
        });
    }

    /// The last uid that it gave to a node.
    pub fn last_uid(&self) -> u64 {
        self.last_uid
    }

    /// Entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// None?
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

//! Voices for nodes that scenes bring: made ahead, and kept in the audio thread's pool until a scene is recalled.
//!
//! A node of two scenes is one entry: only one scene is recalled at a time. An entry keeps its number and its uid until its
//! voices have been taken by a recall; then new ones are made for it.
//!
//! Entries take memory, and of that scenes have so much. A scene's entries are made if all of them find room, or none.

use super::shadow::ShadowNode;
use super::{PlanError, create, empty_voices, prepare};
use crate::node::CreateContext;
use crate::plan::{Pool, Waiting};
use crate::voice::Voice;
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

impl Key {
    fn of(node: &ShadowNode) -> Self {
        Self {
            id: Arc::clone(&node.id),
            type_id: node.ty.decl().type_id.clone(),
            code: node.ty.code_key(),
            voices: node.voices,
            keeps_keys: node.keeps_keys(),
        }
    }
}

/// Bytes that the voices of a node take.
fn bytes_of(node: &ShadowNode) -> usize {
    let controls = node.ty.decl().controls.len() * std::mem::size_of::<Option<f32>>();
    node.voices.saturating_mul(VOICE + controls + node.ty.memory())
}

struct Entry {
    number: u32,
    uid: u64,
    /// The last round in which a scene needed it.
    round: u64,
    bytes: usize,
}

/// Bytes of a voice beside what its instance says: the instance itself, what its controls hold.
const VOICE: usize = std::mem::size_of::<Voice>() + 512;

/// The entries, as the audio thread has them once what was made has been sent.
#[derive(Default)]
pub struct Stock {
    entries: HashMap<Key, Entry>,
    free: Vec<u32>,
    next: u32,
    round: u64,
    last_uid: u64,
    /// Bytes that the scenes of this round may have, and have.
    limit: usize,
    bytes: usize,
    /// What the scene that is being planned takes: entries with the round in which they were needed before it, 0 for new
    /// ones, and bytes beside them.
    taking: (Vec<(Key, u64)>, usize),
    /// What was made and has not been sent: voices by number.
    made: BTreeMap<u32, Waiting>,
}

impl Stock {
    /// Scenes are planned anew, in so many bytes: what none of them needs by the end of it can go.
    pub fn begin_round(&mut self, limit: usize) {
        self.round += 1;
        (self.limit, self.bytes) = (limit, 0);
    }

    /// The next scene is planned.
    pub fn begin_scene(&mut self) {
        self.taking = Default::default();
    }

    /// The plan of the scene takes so many bytes beside its voices.
    ///
    /// # Errors
    /// If that is more than there is room for.
    pub fn add(&mut self, bytes: usize) -> Result<(), PlanError> {
        if self.bytes.saturating_add(bytes) > self.limit {
            return Err(self.full());
        }
        self.bytes += bytes;
        self.taking.1 += bytes;
        Ok(())
    }

    /// The scene that is being planned cannot be prepared: all is as it was before it.
    pub fn give_back(&mut self) {
        let (entries, bytes) = std::mem::take(&mut self.taking);
        self.bytes -= bytes;
        for (key, round) in entries {
            let Some(entry) = self.entries.get_mut(&key) else { continue };
            self.bytes -= entry.bytes;
            entry.round = round;
            if round == 0 {
                self.made.remove(&entry.number);
                self.free.push(entry.number);
                self.entries.remove(&key);
            }
        }
    }

    fn full(&self) -> PlanError {
        PlanError::SceneMemory { megabytes: self.limit >> 20 }
    }

    /// Is there room for the voices of all these nodes?
    ///
    /// # Errors
    /// Which room there is not.
    pub(super) fn has_room<'a>(&self, nodes: impl Iterator<Item = &'a ShadowNode>) -> Result<(), PlanError> {
        let (mut bytes, mut ahead) = (self.bytes, 0_usize);
        for node in nodes {
            let entry = self.entries.get(&Key::of(node));
            if entry.is_none_or(|entry| entry.round != self.round) {
                bytes = bytes.saturating_add(bytes_of(node));
            }
            let room = node.ty.room_ahead();
            if entry.is_none() && room < usize::MAX {
                ahead = ahead.saturating_add(bytes_of(node));
                if ahead > room {
                    return Err(PlanError::NoRoomAhead(node.id.to_string()));
                }
            }
        }
        if bytes > self.limit { Err(self.full()) } else { Ok(()) }
    }

    /// Uid and number in the pool of a node's voices; they are made if there are none.
    pub(super) fn take(
        &mut self,
        node: &ShadowNode,
        context: &CreateContext,
        next_uid: &mut u64,
    ) -> Result<(u64, u32), PlanError> {
        let key = Key::of(node);
        if let Some(entry) = self.entries.get_mut(&key) {
            if entry.round != self.round {
                self.bytes += entry.bytes;
                self.taking.0.push((key, std::mem::replace(&mut entry.round, self.round)));
            }
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
            None => return Err(PlanError::SceneNodes { most: Pool::SIZE }),
        };
        *next_uid += 1;
        let uid = *next_uid;
        self.last_uid = uid;
        self.made.insert(number, Waiting { uid, voices });
        let bytes = bytes_of(node);
        self.bytes += bytes;
        self.taking.0.push((key.clone(), 0));
        self.entries.insert(key, Entry { number, uid, round: self.round, bytes });
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

    /// Is something there that no scene of this round needs?
    pub fn has_unused(&self) -> bool {
        self.entries.values().any(|entry| entry.round != self.round)
    }

    /// Bytes of the scenes of this round, and of all voices that wait.
    pub fn bytes(&self) -> (usize, usize) {
        (self.bytes, self.entries.values().map(|entry| entry.bytes).sum())
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

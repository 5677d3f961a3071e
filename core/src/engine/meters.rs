//! Which node has which meter. A number stays with its node for as long as the node is in a plan.

use crate::limits::NONE;
use crate::plan::Plan;
use crate::telemetry::METERS;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Each change of the graph looks up all nodes, and uids are numbers of our own: nobody chooses them so that they collide.
type Quick = BuildHasherDefault<OfUid>;

/// Spreads a uid over all bits by one multiplication, by the golden ratio of 2^64.
#[derive(Default)]
struct OfUid(u64);

impl Hasher for OfUid {
    fn write_u64(&mut self, uid: u64) {
        self.0 = uid.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(self.0 ^ u64::from(*byte));
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// The meters in use.
#[derive(Default)]
pub(super) struct MeterBook {
    of: HashMap<u64, u32, Quick>,
    free: Vec<u32>,
    /// Numbers from here on were never given away.
    next: u32,
}

impl MeterBook {
    /// Gives the plan's nodes their meters; new ones as long as there are any, ghosts none.
    pub fn assign(&mut self, plan: &mut Plan) {
        for node in &mut plan.nodes {
            node.meter = match self.of.get(&node.uid) {
                Some(meter) => *meter,
                None if node.ghost => NONE,
                None => self.take(node.uid),
            };
        }
    }

    fn take(&mut self, uid: u64) -> u32 {
        let fresh = (self.next < METERS as u32).then_some(self.next);
        let Some(meter) = self.free.pop().or(fresh) else { return NONE };
        self.next = self.next.max(meter + 1);
        self.of.insert(uid, meter);
        meter
    }

    /// The meter of a node.
    pub fn of(&self, uid: u64) -> Option<u32> {
        self.of.get(&uid).copied()
    }

    /// Takes back the meters of all nodes but these.
    pub fn retain(&mut self, in_use: impl Iterator<Item = u64>) {
        let in_use: HashSet<u64, Quick> = in_use.collect();
        let free = &mut self.free;
        self.of.retain(|uid, meter| {
            let kept = in_use.contains(uid);
            if !kept {
                free.push(*meter);
            }
            kept
        });
    }
}

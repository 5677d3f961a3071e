//! Who writes a control: base value ← pattern ← automation, decided in the order of time.

use super::core::Core;
use crate::node::Change;
use crate::plan::{ControlState, NONE};
use crate::planner::range;

/// Something that one of a control's writers does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Write {
    /// A new base value.
    Base(f32),
    /// A pattern's event.
    Pattern { value: f32, slot: u32, gate: bool, ramp: u32 },
    /// The pattern that held it was hushed.
    Hushed,
    /// An open gate closes because time jumped or stopped.
    Close,
    /// The next stretch of an automation.
    Automation { index: u32, value: f32, ramp: u32 },
    /// The automation ended; a one-shot leaves its last value as the base.
    AutomationEnds { index: u32, arrived: Option<f32> },
}

/// What the queue of a stretch holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct ControlEvent {
    /// Sample since activation.
    pub sample: i64,
    /// Exact time within it, in beats.
    pub beats: f64,
    /// Order among equals: slot (automations after all slots) and number.
    pub order: (u32, u32),
    /// Control index in the active plan; [`NONE`] is the master gain.
    pub control: u32,
    /// What happens to it.
    pub write: Write,
}

/// A change for a node at an offset into the stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeChange {
    pub node: u32,
    pub number: u32,
    pub offset: u32,
    pub control: u32,
    pub change: Change,
}

/// Applies a write to a control's state; what the node is to be told, if anything.
fn resolve(c: &mut ControlState, write: Write) -> Option<Change> {
    let jump = |value| Some(Change { value, ramp: 0 });
    match write {
        Write::Base(value) => {
            (c.base, c.set) = (value, true);
            if c.pattern.is_some() { None } else { unless_automated(c) }
        }
        Write::Pattern { value, slot, gate, ramp } => {
            c.pattern = Some(value);
            c.slot = slot;
            c.open = (gate || c.gate) && value > 0.0;
            unless_automated(c).map(|change| Change { ramp, ..change })
        }
        Write::Hushed => {
            c.pattern = None;
            c.slot = NONE;
            c.open = false;
            unless_automated(c)
        }
        Write::Close => {
            c.open = false;
            c.pattern = Some(0.0);
            unless_automated(c)
        }
        Write::Automation { index, value, ramp } => {
            if c.automation == NONE {
                c.automation = index;
            }
            (c.automation == index).then(|| Change { value: c.clamp(value), ramp })
        }
        Write::AutomationEnds { index, arrived } => {
            if c.automation != index {
                return None;
            }
            c.automation = NONE;
            if let Some(value) = arrived {
                (c.base, c.set) = (value, true);
            }
            jump(c.held())
        }
    }
}

fn unless_automated(c: &ControlState) -> Option<Change> {
    (c.automation == NONE).then(|| Change { value: c.held(), ramp: 0 })
}

impl Core {
    /// Writes to a control between two stretches: the node hears of it at once.
    pub(super) fn write(&mut self, control: u32, write: Write) {
        let c = &mut self.plan.controls[control as usize];
        let (node, index) = (c.node as usize, c.index as usize);
        if let Some(change) = resolve(c, write)
            && let Some(instance) = &mut self.plan.nodes[node].instance
        {
            instance.set(index, change);
        }
    }

    /// Gates that patterns opened are closed.
    pub(super) fn close_gates(&mut self) {
        for control in 0..self.plan.controls.len() {
            if self.plan.controls[control].open {
                self.write(control as u32, Write::Close);
            }
        }
    }

    /// The same for the gates of one slot.
    pub(super) fn close_gates_of(&mut self, slot: u32) {
        for control in 0..self.plan.controls.len() {
            let c = &self.plan.controls[control];
            if c.open && c.slot == slot {
                self.write(control as u32, Write::Close);
            }
        }
    }

    /// What any slot held goes back to its base value.
    pub(super) fn release_all_controls(&mut self) {
        for control in 0..self.plan.controls.len() {
            if self.plan.controls[control].pattern.is_some() {
                self.write(control as u32, Write::Hushed);
            }
        }
    }

    /// What a slot held goes back to its base value.
    pub(super) fn release_controls(&mut self, slot: u32) {
        for control in 0..self.plan.controls.len() {
            let c = &self.plan.controls[control];
            if c.slot == slot && c.pattern.is_some() {
                self.write(control as u32, Write::Hushed);
            }
        }
    }

    /// After an adoption: nodes that are new hear what their controls hold by now, and controls
    /// that were set anew are told.
    pub(super) fn bring_nodes_up_to_date(&mut self) {
        self.release_lost_controls();
        let plan = &mut *self.plan;
        for &(control, _) in &plan.control_moves {
            let c = &plan.controls[control as usize];
            let node = &mut plan.nodes[c.node as usize];
            if node.fresh
                && let Some(instance) = &mut node.instance
            {
                instance.set(c.index as usize, Change { value: c.held(), ramp: 0 });
            }
        }
        for &(control, _) in &plan.resets {
            let c = &plan.controls[control as usize];
            if c.automation == NONE
                && let Some(instance) = &mut plan.nodes[c.node as usize].instance
            {
                instance.set(c.index as usize, Change { value: c.held(), ramp: 0 });
            }
        }
    }

    /// Labels may lead elsewhere in a new plan: automations let go of what is no longer theirs.
    fn release_lost_controls(&mut self) {
        for control in 0..self.plan.controls.len() as u32 {
            let index = self.plan.controls[control as usize].automation;
            if index == NONE {
                continue;
            }
            let running = self.automations.get(index as usize).and_then(Option::as_ref);
            if running.and_then(|r| self.plan.control(r.target)) != Some(control) {
                self.write(control, Write::AutomationEnds { index, arrived: None });
            }
        }
    }

    /// Decides the queue in the order of time and sorts what follows by node.
    pub(super) fn resolve_queue(&mut self, at: i64) {
        self.queue.sort_unstable_by(|a, b| {
            a.sample.cmp(&b.sample).then(a.beats.total_cmp(&b.beats)).then(a.order.cmp(&b.order))
        });
        self.changes.clear();
        for (number, event) in self.queue.iter().enumerate() {
            let offset = (event.sample - at) as u32;
            let number = number as u32;
            if event.control == NONE {
                if let Write::Base(value) = event.write {
                    let change = Change { value, ramp: 0 };
                    self.changes.push(NodeChange { node: NONE, number, offset, control: 0, change });
                }
                continue;
            }
            let c = &mut self.plan.controls[event.control as usize];
            let (node, control) = (c.node, c.index);
            if let Some(change) = resolve(c, event.write) {
                self.changes.push(NodeChange { node, number, offset, control, change });
            }
        }
        self.changes.sort_unstable_by_key(|c| (c.node, c.number));
    }

    /// The changes of one node, by time.
    pub(super) fn changes_of(changes: &[NodeChange], node: u32) -> &[NodeChange] {
        let first = changes.partition_point(|c| c.node < node);
        let len = changes[first..].partition_point(|c| c.node == node);
        &changes[range((first as u32, len as u32))]
    }
}

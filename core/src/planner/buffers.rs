//! Which output of a node is in which buffer.

use super::{PlannedNode, channels, range};
use crate::limits::NONE;
use crate::plan::Plan;

/// Gives each output channel a buffer, and takes it back after the last node that reads it. `known`: so many buffers
/// come from the base.
pub(super) fn assign(plan: &mut Plan, members: &[PlannedNode], frames: usize, known: usize) {
    let nodes = plan.nodes.len();
    let mut last_reader: Vec<usize> = (0..nodes).collect();
    for (n, node) in plan.nodes.iter().enumerate() {
        for port in &plan.ports[range(node.ports)] {
            for wire in &plan.wires[range(port.wires)] {
                let source = wire.source as usize;
                last_reader[source] = last_reader[source].max(n);
            }
        }
    }
    let (mut free, mut buffers, mut widest) = (Vec::new(), 0u32, 0usize);
    // The nodes that are read last by the same, in a chain: the newest, and the one before each.
    let (mut newest, mut before) = (vec![NONE; nodes], vec![NONE; nodes]);
    for n in 0..nodes {
        let decl = members[n].node.ty.decl();
        widest = widest.max(channels(&decl.inputs));
        plan.nodes[n].outputs = (plan.outputs.len() as u32, channels(&decl.outputs) as u32);
        for _ in 0..channels(&decl.outputs) {
            let buffer = free.pop().unwrap_or_else(|| {
                buffers += 1;
                buffers - 1
            });
            plan.outputs.push(buffer);
        }
        let reader = last_reader[n];
        (before[n], newest[reader]) = (newest[reader], n as u32);
        let mut done = newest[n];
        while done != NONE {
            free.extend(plan.outputs[range(plan.nodes[done as usize].outputs)].iter().rev());
            done = before[done as usize];
        }
    }
    let count = buffers as usize;
    plan.buffer_count = count;
    plan.buffers = Vec::with_capacity(count);
    plan.buffers.extend((known..count).map(|_| vec![0.0; frames].into_boxed_slice()));
    plan.mix = (0..widest).map(|_| vec![0.0; frames].into_boxed_slice()).collect();
}

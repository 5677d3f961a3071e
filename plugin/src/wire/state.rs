//! The State object: what `Status` tells.

use serde_json::Value;

use super::answers::{State, StateSounds, StateTransport};
use super::desk::Desk;
use super::rpc::told;

/// The object of `{"cmd":"Status"}`; fields beyond those that existing clients know are ours.
pub(super) fn state(desk: &Desk<'_>) -> Value {
    let now = desk.engine.status();
    let position = now.position;
    told(&State {
        status: "State",
        nodes: now.nodes.into_iter().map(|status| status.node).collect(),
        connections: now.connections,
        exposed_controls: now.exposed_controls,
        control_values: now.control_values,
        slots: now.slots,
        transport: StateTransport {
            bpm: now.bpm,
            meter: now.meter,
            master: now.master,
            clock_source: now.clock_source,
            running: position.running,
            free_run: now.free_run,
            free_running: position.free_run,
            cycles: position.cycles,
            tempo: position.tempo,
        },
        instance: desk.instance,
        name: now.name,
        stopped: now.poisoned,
        silenced: now.silenced,
        socket_problem: desk.announcer.problem(),
        problems: desk.problems.texts().collect(),
        sounds: desk
            .sounds
            .as_ref()
            .map(|sounds| StateSounds { failures: sounds.failures(), problem: sounds.problem() }),
    })
}

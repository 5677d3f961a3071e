//! The State object: what `Status` tells.

use serde_json::{Value, json};

use super::desk::Desk;

/// The object of `{"cmd":"Status"}`; fields beyond those that existing clients know are ours.
pub(super) fn state(desk: &Desk<'_>) -> Value {
    let now = desk.engine.status();
    let position = now.position;
    json!({
        "status": "State",
        "nodes": now.nodes,
        "connections": now.connections,
        "exposed_controls": now.exposed_controls,
        "control_values": now.control_values,
        "slots": now.slots,
        "transport": {
            "bpm": now.bpm,
            "meter": now.meter,
            "master": now.master,
            "clock_source": now.clock_source,
            "running": position.running,
            "free_run": now.free_run,
            "free_running": position.free_run,
            "cycles": position.cycles,
            "tempo": position.tempo,
        },
        "instance": desk.instance,
        "name": now.name,
        "stopped": now.poisoned,
        "silenced": now.silenced,
        "socket_problem": desk.announcer.problem(),
        "problems": desk.problems,
        "sounds": desk.sounds.as_ref().map(|sounds| json!({
            "failures": sounds.failures(),
            "problem": sounds.problem(),
        })),
    })
}

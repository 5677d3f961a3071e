//! The State object: what `Status` tells.

use std::collections::BTreeMap;

use krach_core::graph::{Connection, GraphNode};
use krach_core::model::ClockSource;
use krach_core::notice::SlotStatus;
use serde::Serialize;
use serde_json::Value;

use crate::library::Failure;
use crate::protocol::context::RequestContext;
use crate::protocol::json::to_json;

/// The object of `{"cmd":"Status"}`; fields beyond those that existing clients know are ours.
pub(super) fn state_of(context: &RequestContext<'_>) -> Value {
    let now = context.engine.status();
    let position = now.position;
    to_json(&State {
        status: "State",
        nodes: now.nodes.into_iter().map(|status| status.node).collect(),
        connections: now.connections,
        exposed_controls: now.exposed_controls,
        control_values: now.control_values,
        slots: now.slots,
        transport: StateTransport {
            bpm: now.settings.bpm,
            meter: now.meter,
            master: now.settings.master,
            clock_source: now.settings.clock_source,
            running: position.running,
            free_run: now.settings.free_run,
            free_running: position.free_run,
            cycles: position.cycles,
            tempo: position.tempo,
        },
        instance: context.instance,
        name: now.settings.name,
        stopped: now.poisoned,
        silenced: now.silenced,
        socket_problem: context.announcer.problem(),
        problems: context.problems.texts().collect(),
        sounds: context
            .sounds
            .as_ref()
            .map(|sounds| StateSounds { failures: sounds.failures(), problem: sounds.problem() }),
    })
}

/// The State object; fields beyond those that existing clients know are ours.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct State<'a> {
    /// `State`.
    pub status: &'static str,
    /// The nodes: those of a raw graph, then those of the session by their names.
    pub nodes: Vec<GraphNode>,
    /// Connections between these; a send is one of its node.
    pub connections: Vec<Connection>,
    /// Label to node and control.
    pub exposed_controls: BTreeMap<String, (String, String)>,
    /// Base values by label.
    pub control_values: BTreeMap<String, f64>,
    /// All slots ever played, hushed ones too.
    pub slots: Vec<SlotStatus>,
    /// Tempo, meter, master.
    pub transport: StateTransport,
    /// The instance's id.
    pub instance: &'a str,
    /// Its name.
    pub name: String,
    /// The engine panicked and is silent.
    pub stopped: bool,
    /// Names of nodes that are silenced.
    pub silenced: Vec<String>,
    /// What is wrong with the socket.
    pub socket_problem: Option<String>,
    /// What is wrong, and what went wrong lately, newest last. What is over is not listed.
    pub problems: Vec<&'a str>,
    /// What is wrong with sounds, FAUST programs and patches; null where there are none.
    pub sounds: Option<StateSounds>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StateTransport {
    /// Free-run tempo.
    pub bpm: f64,
    /// Quarter notes per cycle.
    pub meter: f64,
    /// Loudness of everything, linear.
    pub master: f64,
    /// Whose clock.
    pub clock_source: ClockSource,
    /// Time moves.
    pub running: bool,
    /// Time is kept while the host stands.
    pub free_run: bool,
    /// The clock that moves is our own.
    pub free_running: bool,
    /// Position in cycles.
    pub cycles: f64,
    /// Quarter notes per minute, now.
    pub tempo: f64,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StateSounds {
    /// Sounds that do not compile.
    pub failures: Vec<Failure>,
    /// What is wrong with their folder.
    pub problem: Option<String>,
}

//! Names of values in a pattern (`saw` of a waveform): does each control that is known have them?

use crate::graph::{Controls, Meant};
use crate::ir::{Fault, did_you_mean};
use krach_patterns::{Program, Value};

/// A name that a control does not have, as far as is known now. What is not there yet is asked when the pattern plays.
pub(super) fn unnamed(program: &Program, slot: &str, controls: &Controls<'_>) -> Option<Fault> {
    program.values().iter().find_map(|value| {
        let Value::Named { label, name } = value else { return None };
        let Meant::Control { node, index, path } = controls.of_pattern(slot, label) else { return None };
        let control = &controls.decl(node)?.controls[index];
        if control.value_of(name).is_some() {
            return None;
        }
        let fault = Fault::new("$.pattern", format!("{path} takes {}, not the name {name}", control.takes()));
        let hint = did_you_mean(name, control.labels.iter().map(|label| label.name.as_str()));
        Some(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        })
    })
}

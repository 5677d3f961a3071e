//! Names of values in a pattern (`saw` of a waveform): does each control that is known have them?

use crate::graph::{Controls, GraphNode, Meant};
use crate::ir::{Fault, did_you_mean};
use crate::node::Control;
use krach_patterns::{Pattern, Program, Value};

/// A value by its name, where its control is known.
pub(super) struct NamedValue<'a> {
    /// Which value of the program it is.
    pub which: usize,
    pub label: &'a str,
    pub name: &'a str,
    pub node: &'a GraphNode,
    pub control: &'a Control,
    pub path: String,
}

/// The values that a program says by their names to controls that are known.
pub(super) fn named_values<'a>(
    program: &'a Program,
    slot: &'a str,
    controls: &'a Controls<'_>,
) -> impl Iterator<Item = NamedValue<'a>> {
    program.values().iter().enumerate().filter_map(move |(which, value)| {
        let Value::Named { label, name } = value else { return None };
        let Meant::Control { node, index, path } = controls.of_pattern(slot, label) else { return None };
        let control = &controls.decl(node)?.controls[index];
        Some(NamedValue { which, label, name, node, control, path })
    })
}

/// A name that a control does not have, as far as is known now. What is not there yet is asked when the pattern plays.
pub(super) fn unnamed(program: &Program, slot: &str, controls: &Controls<'_>) -> Option<Fault> {
    let lost = |value: &NamedValue<'_>| value.control.value_of(value.name).is_none();
    let NamedValue { which, name, control, path, .. } = named_values(program, slot, controls).find(lost)?;
    let fault = Fault::new("$.pattern", format!("{path} takes {}, not the name {name}", control.takes()))
        .in_text(program.source_of(which));
    let hint = did_you_mean(name, control.labels.iter().map(|label| label.name.as_str()));
    Some(match hint {
        Some(hint) => fault.hint(hint),
        None => fault,
    })
}

/// May a pattern say values by their names? A walk through the tree: patterns without names are not compiled for it.
pub(super) fn may_name(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::Name { .. }) || pattern.children().into_iter().any(may_name)
}

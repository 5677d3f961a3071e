//! The settings of a patch as a node: the lists among the parameters of its modules.

use krach_core::node::{SettingDecl, SettingFault, SettingValue};

use crate::descriptor::{Kind, Value};
use crate::fault::{Fault, Part};
use crate::graph::ModuleGraph;

/// Every list of a patch under the address that a control would have.
pub(super) fn of(graph: &ModuleGraph) -> Vec<SettingDecl> {
    let mut settings = Vec::new();
    for (id, node) in graph.nodes() {
        let shape = node.shape();
        let names = node.descriptor().param_names(&shape);
        for (index, (param, name)) in node.descriptor().params(&shape).zip(names).enumerate() {
            if !matches!(param.kind, Kind::List { .. }) {
                continue;
            }
            let given = node.values().find(|(at, _)| *at == index).map(|(_, value)| value.clone());
            let Value::List(list) = given.unwrap_or_else(|| param.kind.default()) else { continue };
            let (default, takes) = (SettingValue::List(list), param.kind.allowed(&shape));
            settings.push(SettingDecl { name: format!("{id}/{name}"), default, takes });
        }
    }
    settings
}

/// Gives a list of a patch these entries.
pub(super) fn put(graph: &mut ModuleGraph, name: &str, value: &SettingValue) -> Result<(), SettingFault> {
    let wrong = |fault: Fault| SettingFault {
        entry: if let Part::Entry(entry) = fault.part { Some(entry) } else { None },
        problem: fault.problem,
        hint: fault.hint,
    };
    let unknown =
        || Fault::new(Part::Param, format!("there is no list {name}"), "lists are `node/parameter`");
    let (id, param) = name.split_once('/').ok_or_else(unknown).map_err(wrong)?;
    let value = match value {
        SettingValue::List(list) => Value::List(list.clone()),
        SettingValue::Text(text) => Value::Name(text.clone()),
    };
    let is_list = |node: &crate::graph::GraphNode| {
        let found = node.descriptor().param(&node.shape(), param);
        found.is_ok_and(|(_, param)| matches!(param.kind, Kind::List { .. }))
    };
    if !graph.node_of(id).is_some_and(is_list) {
        return Err(wrong(unknown()));
    }
    graph.set(id, param, value).map_err(wrong)
}

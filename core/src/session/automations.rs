//! Automations in a document: the list that every reader knows, and what we know beyond it.
//!
//! The list says path, shape by name, `lo`, `hi` and bars. An automation that is all of that, under the path
//! as its id, stands there alone; one that repeats over bars but has an id, a duty or a table of its own
//! stands there and whole under `krach`; one in seconds, or drawn once, under `krach` alone. Read back, an
//! entry of the list that says the same as one of ours is ours; one that says something else of the same
//! path was changed by another program, and its word counts.

use crate::automation::ShapeSpec;
use crate::ir::{AutomationIr, Fault, ModuleIr};
use crate::model::{AutomationState, Period};
use imbl::OrdMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// By id.
type Automations = BTreeMap<String, AutomationState>;

/// The list, and what it does not say. What was not understood of `kept` entries goes along.
pub(super) fn write(
    automations: &OrdMap<String, AutomationState>,
    kept: &[AutomationIr],
) -> (Vec<AutomationIr>, Automations) {
    let mut list: Vec<AutomationIr> = automations.values().filter_map(entry_of).collect();
    for entry in kept {
        let same = |e: &&mut AutomationIr| e.path == entry.path && e.other.is_empty();
        if let Some(written) = list.iter_mut().find(same) {
            written.other.clone_from(&entry.other);
        }
    }
    let plain =
        |id: &String, a: &AutomationState| entry_of(a).is_some() && *id == a.label && a.shape.is_plain();
    let rest = automations.iter().filter(|(id, a)| !plain(id, a));
    (list, rest.map(|(id, a)| (id.clone(), a.clone())).collect())
}

/// All automations of a document: of the list, with what our own section knows of them.
///
/// # Errors
/// A shape that needs more than its name, at its place.
pub(crate) fn read(module: &ModuleIr) -> Result<Automations, Fault> {
    let mut all = module.krach.as_ref().map(|krach| krach.automations.clone()).unwrap_or_default();
    let mut open: BTreeSet<String> =
        all.iter().filter(|(_, a)| entry_of(a).is_some()).map(|(id, _)| id.clone()).collect();
    let mut changed = Vec::new();
    for (i, entry) in module.automations.iter().enumerate() {
        let same = |id: &&String| {
            let ours = entry_of(&all[*id]);
            ours.is_some_and(|ours| AutomationIr { other: Map::new(), ..entry.clone() } == ours)
        };
        match open.iter().find(same).cloned() {
            Some(id) => drop(open.remove(&id)),
            None => changed.push((i, entry)),
        }
    }
    for (i, entry) in changed {
        let state = state_of(entry).map_err(|fault| fault.within(&format!("$.automations[{i}]")))?;
        // One of ours that drives the same control was this one, before another program changed it.
        let id = open.iter().find(|id| all[*id].label == entry.path).cloned();
        let id = match id {
            Some(id) => {
                open.remove(&id);
                id
            }
            None => free_id(&entry.path, &all),
        };
        all.insert(id, state);
    }
    Ok(all)
}

fn free_id(path: &str, taken: &Automations) -> String {
    let mut candidates = (2..).map(|n| format!("{path}-{n}"));
    let first = std::iter::once(path.to_owned());
    first.chain(&mut candidates).find(|id| !taken.contains_key(id)).expect("numbers do not end")
}

/// What the list says of an automation; `None` if it cannot.
fn entry_of(a: &AutomationState) -> Option<AutomationIr> {
    let Period::Bars(bars) = a.period else { return None };
    (!a.one_shot).then(|| AutomationIr {
        path: a.label.clone(),
        shape: a.shape.name().to_owned(),
        lo: a.lo,
        hi: a.hi,
        bars,
        other: Map::new(),
    })
}

/// Entries with something that this version does not know.
pub(super) fn kept(module: &ModuleIr) -> Vec<AutomationIr> {
    let unknown = |e: &&AutomationIr| e.other.keys().any(|key| key != "duty" && key != "table");
    let strip = |e: &AutomationIr| {
        let mut e = e.clone();
        e.other.retain(|key, _| key != "duty" && key != "table");
        e
    };
    module.automations.iter().filter(unknown).map(strip).collect()
}

/// What an entry means by itself. Others write duty and table beside the name, if anywhere.
fn state_of(entry: &AutomationIr) -> Result<AutomationState, Fault> {
    #[derive(Default, Deserialize)]
    struct Beside {
        duty: Option<f64>,
        table: Option<Vec<f32>>,
    }
    let AutomationIr { path, shape, lo, hi, bars, other } = entry;
    let beside = Beside::deserialize(Value::Object(other.clone()))
        .map_err(|error| Fault::new("$", format!("duty or table: {error}")))?;
    let shape = ShapeSpec::named(shape, beside.duty, beside.table)
        .map_err(|error| Fault::new("$.shape", error.to_string()))?;
    Ok(AutomationState {
        label: path.clone(),
        shape,
        lo: *lo,
        hi: *hi,
        period: Period::Bars(*bars),
        one_shot: false,
    })
}

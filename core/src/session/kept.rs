//! What of a document this version does not know: kept, and written again where it stood.
//!
//! Fields of nodes and routes stand in the nodes and routes themselves. The rest is one module that holds
//! nothing but unknown fields: entries by the name of their slot, path or node, and modules within by their
//! prefix, since their nodes are the outer module's from the load on. They are written while there is an
//! entry of that name.

use super::Session;
use crate::ir::{ControlIr, Krach, ModuleIr, MutedIr, PatternIr, SubModuleIr};
use crate::node::Registry;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Unknown fields of an object.
type Fields = Map<String, Value>;

/// Modules within, without all that is known in them; those without unknown fields are not there.
pub(super) fn inner(modules: &[SubModuleIr]) -> Vec<SubModuleIr> {
    let unknown = |sub: &SubModuleIr| {
        let SubModuleIr { prefix, module, other } = sub;
        let module = ModuleIr {
            sub_modules: inner(&module.sub_modules),
            krach: settings(module.krach.as_deref().map(|krach| krach.other.clone())),
            other: module.other.clone(),
            ..ModuleIr::default()
        };
        let any = !other.is_empty() || module != ModuleIr::default();
        any.then(|| SubModuleIr { prefix: prefix.clone(), module, other: other.clone() })
    };
    modules.iter().filter_map(unknown).collect()
}

/// The section `krach` with these unknown fields alone; none without any.
fn settings(other: Option<Fields>) -> Option<Box<Krach>> {
    let other = other.filter(|other| !other.is_empty())?;
    Some(Box::new(Krach { other, ..Krach::default() }))
}

/// Unknown fields of the entries of a flat module, moved out of them; `inner` is what those within it had.
pub(super) fn take(module: &mut ModuleIr, inner: Vec<SubModuleIr>) -> ModuleIr {
    let patterns = fields_by(&mut module.patterns, |p| (&p.target, &mut p.other));
    let controls = fields_by(&mut module.controls, |c| (&c.path, &mut c.other));
    let muted = fields_by(&mut module.muted, |m| (&m.name, &mut m.other));
    let pattern = |(target, other)| PatternIr { target, other, ..PatternIr::default() };
    let mute = |(name, other)| MutedIr { name, other, ..MutedIr::default() };
    ModuleIr {
        patterns: patterns.into_iter().map(pattern).collect(),
        controls: controls_of(controls),
        muted: muted.into_iter().map(mute).collect(),
        automations: super::automations::kept(module),
        inputs: module.inputs.take(),
        outputs: module.outputs.take(),
        sub_modules: inner,
        krach: settings(module.krach.as_deref_mut().map(|krach| std::mem::take(&mut krach.other))),
        other: std::mem::take(&mut module.other),
        ..ModuleIr::default()
    }
}

fn controls_of(fields: BTreeMap<String, Fields>) -> Vec<ControlIr> {
    let control = |(path, other)| ControlIr { path, other, ..ControlIr::default() };
    fields.into_iter().map(control).collect()
}

/// Of entries of one name, the last says what a field is.
fn fields_by<T>(entries: &mut [T], parts: fn(&mut T) -> (&String, &mut Fields)) -> BTreeMap<String, Fields> {
    let mut by_name: BTreeMap<String, Fields> = BTreeMap::new();
    for entry in entries {
        let (name, other) = parts(entry);
        if !other.is_empty() {
            by_name.entry(name.clone()).or_default().append(other);
        }
    }
    by_name
}

/// Unknown fields of the entries of one section, by name.
pub(super) struct ByName<'a>(HashMap<&'a str, &'a Fields>);

impl<'a> ByName<'a> {
    pub(super) fn of<T>(entries: &'a [T], parts: fn(&'a T) -> (&'a String, &'a Fields)) -> Self {
        Self(entries.iter().map(parts).map(|(name, other)| (name.as_str(), other)).collect())
    }

    /// Has an entry of that name any?
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Those of the entry of that name.
    pub(super) fn fields(&self, name: &str) -> Fields {
        self.0.get(name).map(|other| (*other).clone()).unwrap_or_default()
    }
}

impl Session {
    /// Values have other paths now, and so have the unknown fields beside them: (then, now).
    pub(super) fn rename_kept_controls(&mut self, paths: &BTreeMap<String, String>) {
        if paths.is_empty() || !self.kept.controls.iter().any(|control| paths.contains_key(&control.path)) {
            return;
        }
        let controls = &mut Arc::make_mut(&mut self.kept).controls;
        for control in &mut *controls {
            if let Some(now) = paths.get(&control.path) {
                control.path.clone_from(now);
            }
        }
        *controls = controls_of(fields_by(controls, |c| (&c.path, &mut c.other)));
    }

    /// Automations are kept by the whole path of their control, and so are the unknown fields beside them.
    pub(super) fn lengthen_kept_automations(&mut self, registry: &Registry) {
        if self.kept.automations.is_empty() {
            return;
        }
        let paths = self.kept.automations.iter().map(|a| self.long_form(&a.path, registry));
        let paths: Vec<String> = paths.collect();
        let automations = &mut Arc::make_mut(&mut self.kept).automations;
        automations.iter_mut().zip(paths).for_each(|(automation, path)| automation.path = path);
    }

    /// Unknown settings of another session in place of one's own.
    pub(super) fn take_kept_settings(&mut self, from: &Self) {
        if self.kept.krach != from.kept.krach {
            Arc::make_mut(&mut self.kept).krach.clone_from(&from.kept.krach);
        }
    }
}

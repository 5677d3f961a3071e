//! Settings of nodes: whether a type takes them.

use super::Session;
use crate::edit::{NodeEdit, SessionNode};
use crate::ir::{Fault, which_names};
use crate::limits::MAX_ID;
use crate::node::{NodeSettings, NodeType, Registry, TypeStatus};

/// Most settings of a node.
const MAX_SETTINGS: usize = 256;
/// Most bytes of all settings of a node.
const MAX_BYTES: usize = 1 << 18;

/// Has a type these settings, and can they have these values?
///
/// # Errors
/// The first that it has not or that cannot, with its place within the settings.
pub fn check_settings(ty: &dyn NodeType, settings: &NodeSettings) -> Result<(), Fault> {
    let fault = unfit(ty, settings).into_iter().next().map(|(_, fault)| fault);
    fault.map_or(Ok(()), Err)
}

/// The settings that a type does not have, or that cannot have their values, by name.
pub fn unfit(ty: &dyn NodeType, settings: &NodeSettings) -> Vec<(String, Fault)> {
    let known = &ty.decl().settings;
    let wrong = settings.iter().filter_map(|(name, value)| {
        let place = format!("$[{name:?}]");
        if !known.iter().any(|setting| setting.name == name) {
            let fault = Fault::new(place, format!("{} has no setting {name}", ty.decl().type_id));
            let names = known.iter().map(|setting| setting.name.as_str());
            let hint = match known.is_empty() {
                true => "it has no settings".to_owned(),
                false => which_names(name, "its settings", names),
            };
            return Some((name.to_owned(), fault.hint(hint)));
        }
        let fault = ty.check_setting(name, value).err()?;
        let entry = fault.entry.map(|entry| format!("[{entry}]")).unwrap_or_default();
        Some((name.to_owned(), Fault::new(format!("{place}{entry}"), fault.problem).hint(fault.hint)))
    });
    wrong.collect()
}

/// Is that as much as settings of a node can be?
///
/// # Errors
/// If it is more.
pub(super) fn check_amount(settings: &NodeSettings) -> Result<(), Fault> {
    if settings.len() > MAX_SETTINGS || settings.bytes() > MAX_BYTES {
        let message = format!("a node has at most {MAX_SETTINGS} settings and {MAX_BYTES} bytes of them");
        return Err(Fault::new("$.settings", message));
    }
    match settings.iter().find(|(name, _)| name.len() > MAX_ID) {
        Some(_) => Err(Fault::new("$.settings", format!("a name is longer than {MAX_ID} bytes"))),
        None => Ok(()),
    }
}

impl Session {
    /// Do the types of nodes take the settings that edits give them? What other code is on its way to is not known yet.
    pub(super) fn check_settings_of(&self, edits: &[NodeEdit], registry: &Registry) -> Result<(), Fault> {
        for (i, edit) in edits.iter().enumerate() {
            let NodeEdit::Set(spec) = edit else { continue };
            let Some(settings) = spec.settings.as_ref().filter(|settings| !settings.is_empty()) else {
                continue;
            };
            let type_id = self.node(&spec.node.name).map(SessionNode::type_id).unwrap_or_default();
            if registry.type_status(&type_id) == Some(&TypeStatus::Compiling) {
                continue;
            }
            let Some(ty) = registry.find(&type_id) else { continue };
            let place = if edits.len() == 1 { "$.settings".to_owned() } else { format!("$[{i}].settings") };
            check_settings(ty.as_ref(), settings).map_err(|fault| fault.within(&place))?;
        }
        Ok(())
    }
}

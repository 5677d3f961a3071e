//! Settings: texts and lists that a node has beside its controls, such as the steps of a sequencer. They are part of
//! what a node is made from: other settings are another instance, which takes over from the one before.

use super::contract::NodeType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The value of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text or a list of texts")]
pub enum SettingValue {
    /// A text.
    Text(String),
    /// A list of texts.
    List(Vec<String>),
}

/// A setting that nodes of a type have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingDecl {
    /// Its name within the node, e.g. `seq/steps`.
    pub name: String,
    /// Its value where the node says nothing.
    pub default: SettingValue,
    /// What it takes, for the musician.
    pub takes: String,
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingFault {
    /// The entry of the list that it is about, if it is about one.
    pub entry: Option<usize>,
    /// What is wrong.
    pub problem: String,
    /// What would work.
    pub hint: String,
}

/// The settings that a node says, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NodeSettings(Arc<BTreeMap<String, SettingValue>>);

impl NodeSettings {
    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&SettingValue> {
        self.0.get(name)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SettingValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Bytes of names and values, each with the header of its text.
    pub fn bytes(&self) -> usize {
        const TEXT: usize = std::mem::size_of::<String>();
        let value = |value: &SettingValue| match value {
            SettingValue::Text(text) => text.len(),
            SettingValue::List(list) => list.iter().map(|entry| TEXT + entry.len()).sum(),
        };
        self.iter().map(|(name, v)| 2 * TEXT + name.len() + value(v)).sum()
    }
}

impl FromIterator<(String, SettingValue)> for NodeSettings {
    fn from_iter<I: IntoIterator<Item = (String, SettingValue)>>(settings: I) -> Self {
        Self(Arc::new(settings.into_iter().collect()))
    }
}

/// The types that nodes with settings of their own have, beside the one that all others have. One that no plan holds any
/// more is forgotten.
#[derive(Clone, Default)]
pub(super) struct Settled(Arc<Mutex<Vec<Of>>>);

/// A type with the settings that it was made for.
type Of = (NodeSettings, Arc<dyn NodeType>);

impl Settled {
    /// The type with those settings: the same one each time, as long as anything holds it.
    pub fn of(&self, ty: &Arc<dyn NodeType>, settings: &NodeSettings) -> Arc<dyn NodeType> {
        if settings.is_empty() {
            return Arc::clone(ty);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, settled)) = known.iter().find(|(other, _)| other == settings) {
            return Arc::clone(settled);
        }
        let Some(settled) = ty.with_settings(settings) else { return Arc::clone(ty) };
        known.retain(|(_, other)| Arc::strong_count(other) > 1);
        known.push((settings.clone(), Arc::clone(&settled)));
        settled
    }
}

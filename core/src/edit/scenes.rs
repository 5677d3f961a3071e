//! Scenes: sounds of the whole session under fixed numbers, and the changes to them.

use super::{GraphState, Nodes, Routes};
use crate::graph::RawGraph;
use crate::ir::{Fault, ModuleIr, Source, which_names};
use crate::limits::{MAX_NAME, SCENES};
use crate::model::{AutomationState, Crossfade, SlotState, Values};
use imbl::OrdMap;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longest crossfade that a recall takes, in its unit.
pub const LONGEST_FADE: f64 = 1e6;

/// What a recall puts in place. Copies share what is equal in them.
#[derive(Clone, Debug, PartialEq)]
pub struct SceneState {
    /// The raw graph.
    pub raw: Arc<RawGraph>,
    /// The nodes, with their mutes and solos.
    pub nodes: Nodes,
    /// The routes.
    pub routes: Routes,
    /// Base values by path.
    pub values: Values,
    /// Slots by name, hushed ones too.
    pub slots: OrdMap<String, SlotState>,
    /// Automations by id.
    pub automations: OrdMap<String, AutomationState>,
    /// Master gain of the session, linear.
    pub master: f64,
    /// Tempo and meter, if they were saved with the scene.
    pub transport: Option<SceneTransport>,
}

/// Tempo and meter of a scene.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SceneTransport {
    /// Tempo of free run in bpm.
    pub bpm: f64,
    /// Quarter notes per cycle.
    pub beats_per_cycle: f64,
    /// A cycle is a bar of the host instead.
    pub host_meter: bool,
}

/// A scene: a state under a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Its name, which no other scene has.
    pub name: String,
    /// What a recall puts in place.
    pub state: Arc<SceneState>,
    /// The types of its nodes. Those that are made from what a node itself holds come with that.
    pub types: Arc<BTreeMap<String, Option<Source>>>,
    /// Fields of its entry in a document that this version does not know.
    pub other: Arc<Map<String, Value>>,
    /// Those of its module, and sections that are not played.
    pub kept: Arc<ModuleIr>,
}

impl Scene {
    /// A scene of that name.
    pub fn new(name: String, state: SceneState) -> Self {
        let raw = state.raw.nodes.iter().map(|node| (node.type_id.clone(), None));
        let own = state.nodes.iter().map(|node| {
            let held = !matches!(node.source, Source::Type(_));
            (node.type_id(), held.then(|| node.played_source()))
        });
        let types = Arc::new(raw.chain(own).collect());
        Self { name, state: Arc::new(state), types, other: Arc::default(), kept: Arc::default() }
    }
}

impl SceneState {
    /// The part of it that a graph is made of; `kept` is what documents say beyond that.
    pub fn graph(&self, kept: Arc<ModuleIr>) -> GraphState {
        GraphState {
            raw: Arc::clone(&self.raw),
            nodes: self.nodes.clone(),
            routes: self.routes.clone(),
            values: self.values.clone(),
            kept,
        }
    }
}

/// All scenes of a session, in the order in which they are shown. A number stays with its scene for ever: host automation
/// means it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scenes {
    list: Vec<(u8, Scene)>,
    current: u8,
}

impl Scenes {
    /// No scenes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Numbers and scenes, as they are shown.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &Scene)> {
        self.list.iter().map(|(number, scene)| (*number, scene))
    }

    /// Are there none?
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The scene of a number, 1 to 127.
    pub fn get(&self, number: u8) -> Option<&Scene> {
        self.list.iter().find(|(other, _)| *other == number).map(|(_, scene)| scene)
    }

    /// The number of the scene of that name.
    pub fn number_of(&self, name: &str) -> Option<u8> {
        self.list.iter().find(|(_, scene)| scene.name == name).map(|(number, _)| *number)
    }

    /// Number of the scene that was recalled or saved last; 0: none.
    pub fn current(&self) -> u8 {
        self.current
    }

    /// That scene was recalled; 0: none is current.
    pub fn set_current(&mut self, number: u8) {
        self.current = number;
    }

    /// Puts a scene under a number: in place of the one that has it, or behind all others.
    pub fn put(&mut self, number: u8, scene: Scene) {
        match self.list.iter_mut().find(|(other, _)| *other == number) {
            Some((_, old)) => *old = scene,
            None => self.list.push((number, scene)),
        }
    }

    /// The lowest number that no scene has.
    pub fn free_number(&self) -> Option<u8> {
        (1..SCENES as u8).find(|number| self.get(*number).is_none())
    }

    /// The name that a scene gets under this number if nobody gives one: its own, or the first free of `Scene 3`,
    /// `Scene 4`…
    pub fn name_for(&self, number: u8) -> String {
        if let Some(scene) = self.get(number) {
            return scene.name.clone();
        }
        let mut names = (u16::from(number)..=u16::MAX).map(|number| format!("Scene {number}"));
        names.find(|name| self.number_of(name).is_none()).unwrap_or_default()
    }

    /// The number of the scene that is meant, or what is wrong.
    ///
    /// # Errors
    /// If there is no scene of that number.
    pub fn known(&self, number: u8, place: &str) -> Result<&Scene, Fault> {
        self.get(number).ok_or_else(|| {
            let names: Vec<String> = self.iter().map(|(n, scene)| format!("{n} ({})", scene.name)).collect();
            let fault = Fault::new(place, format!("there is no scene {number}"));
            match names.is_empty() {
                true => fault.hint("save one first"),
                false => fault.hint(format!("scenes: {}", names.join(", "))),
            }
        })
    }

    /// The number of a scene by its name.
    ///
    /// # Errors
    /// If there is none of that name.
    pub fn named(&self, name: &str, place: &str) -> Result<u8, Fault> {
        self.number_of(name).ok_or_else(|| {
            let fault = Fault::new(place, format!("there is no scene {name}"));
            match self.is_empty() {
                true => fault.hint("save one first"),
                false => fault.hint(which_names(name, "scenes", self.iter().map(|(_, s)| s.name.as_str()))),
            }
        })
    }

    fn check_name(&self, name: &str, number: u8) -> Result<(), Fault> {
        if name.trim().is_empty() || name.len() > MAX_NAME || name.chars().any(char::is_control) {
            let fault = Fault::new("$.name", "a scene's name is a text without line breaks");
            return Err(fault.hint(format!("1 to {MAX_NAME} bytes, as in verse")));
        }
        match self.number_of(name) {
            Some(other) if other != number => {
                let fault = Fault::new("$.name", format!("scene {other} has the name {name} already"));
                Err(fault.hint("choose another name, or delete that scene first"))
            }
            _ => Ok(()),
        }
    }
}

/// A change to the scenes, or the recall of one.
#[derive(Clone, Debug, PartialEq)]
pub enum SceneEdit {
    /// The session as it is becomes the scene of that number.
    Save {
        /// 1 to 127.
        number: u8,
        /// Its name.
        name: String,
        /// Tempo and meter are part of it.
        transport: bool,
    },
    /// A scene that was made elsewhere gets that number. The session is not it.
    Put {
        /// 1 to 127.
        number: u8,
        /// The scene.
        scene: Arc<Scene>,
    },
    /// A scene once more, under another number and name.
    Duplicate {
        /// The scene.
        number: u8,
        /// The new number, which no scene has.
        to: u8,
        /// The new name.
        name: String,
    },
    /// A scene gets another name.
    Rename {
        /// The scene.
        number: u8,
        /// Its new name.
        name: String,
    },
    /// A scene is no more.
    Delete {
        /// The scene.
        number: u8,
    },
    /// The scenes are shown in this order: all their numbers, each once.
    Order(Vec<u8>),
    /// These scenes in place of all, with the one that is current.
    All(Arc<Scenes>),
    /// The session becomes what the scene is.
    Recall {
        /// The scene.
        number: u8,
        /// Length of the crossfade; the session's own without it.
        fade: Option<Crossfade>,
    },
}

impl SceneEdit {
    /// What is wrong with it for these scenes.
    ///
    /// # Errors
    /// An unknown scene, a number out of range or in use, a name that cannot be or is another's.
    pub fn check(&self, scenes: &Scenes) -> Result<(), Fault> {
        let in_range = |number: u8, place: &str| match number {
            1..=127 => Ok(()),
            _ => Err(Fault::new(place, format!("{number} is no number of a scene")).hint("1 to 127")),
        };
        match self {
            Self::Save { number, name, .. } => {
                in_range(*number, "$.number")?;
                scenes.check_name(name, *number)
            }
            Self::Put { number, scene } => {
                in_range(*number, "$.number")?;
                scenes.check_name(&scene.name, *number)
            }
            Self::Duplicate { number, to, name } => {
                scenes.known(*number, "$.scene")?;
                in_range(*to, "$.to")?;
                if let Some(scene) = scenes.get(*to) {
                    let fault = Fault::new("$.to", format!("{to} is the number of {}", scene.name));
                    return Err(fault.hint("leave it out for the next free number"));
                }
                scenes.check_name(name, *to)
            }
            Self::Rename { number, name } => {
                scenes.known(*number, "$.scene")?;
                scenes.check_name(name, *number)
            }
            Self::Delete { number } => scenes.known(*number, "$.scene").map(drop),
            Self::Recall { number, fade } => {
                scenes.known(*number, "$.scene")?;
                let length = fade.map_or(0.0, |fade| match fade {
                    Crossfade::Beats(x) | Crossfade::Seconds(x) => x,
                });
                if (0.0..=LONGEST_FADE).contains(&length) {
                    return Ok(());
                }
                let fault = Fault::new("$.fade", format!("{length} is no length of a crossfade"));
                Err(fault.hint(format!("0 to {LONGEST_FADE}")))
            }
            Self::Order(order) => {
                let mut sorted = order.clone();
                sorted.sort_unstable();
                let mut all: Vec<u8> = scenes.iter().map(|(number, _)| number).collect();
                all.sort_unstable();
                if sorted == all {
                    return Ok(());
                }
                let fault = Fault::new("$.order", "the order names each scene once");
                Err(fault.hint(format!("the numbers of all scenes: {all:?}")))
            }
            Self::All(_) => Ok(()),
        }
    }

    /// What it is, for people.
    pub fn label(&self, name_of: impl Fn(u8) -> String) -> String {
        match self {
            Self::Save { name, .. } => format!("save scene {name}"),
            Self::Put { scene, .. } => format!("save scene {}", scene.name),
            Self::Duplicate { number, .. } => format!("duplicate scene {}", name_of(*number)),
            Self::Rename { name, .. } => format!("rename scene {name}"),
            Self::Delete { number } => format!("delete scene {}", name_of(*number)),
            Self::Order(_) => "order of scenes".to_owned(),
            Self::All(_) => "scenes".to_owned(),
            Self::Recall { number, .. } => format!("recall {}", name_of(*number)),
        }
    }

    /// It makes the session another one, at a time.
    pub fn is_recall(&self) -> bool {
        matches!(self, Self::Recall { .. })
    }
}

impl Scenes {
    /// Carries out a change that was checked and needs nothing of the session.
    pub fn apply(&mut self, edit: &SceneEdit) {
        match edit {
            SceneEdit::Put { number, scene } => self.put(*number, (**scene).clone()),
            SceneEdit::Duplicate { number, to, name } => {
                if let Some(scene) = self.get(*number).cloned() {
                    self.put(*to, Scene { name: name.clone(), ..scene });
                }
            }
            SceneEdit::Rename { number, name } => {
                if let Some((_, scene)) = self.list.iter_mut().find(|(other, _)| other == number) {
                    scene.name.clone_from(name);
                }
            }
            SceneEdit::Delete { number } => {
                self.list.retain(|(other, _)| other != number);
                if self.current == *number {
                    self.current = 0;
                }
            }
            SceneEdit::Order(order) => {
                let place = |number: u8| order.iter().position(|other| *other == number);
                self.list.sort_by_key(|(number, _)| place(*number));
            }
            SceneEdit::All(scenes) => *self = (**scenes).clone(),
            SceneEdit::Save { .. } | SceneEdit::Recall { .. } => {}
        }
    }
}

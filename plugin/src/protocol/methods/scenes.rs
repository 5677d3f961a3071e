//! JSON-RPC methods for scenes: `scenes`, `scene_save`, `scene_recall` and their kin.

use krach_core::edit::{Edit, LONGEST_FADE, SceneEdit, Scenes};
use krach_core::model::Crossfade;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::protocol::answer::{Answer, Work};
use crate::protocol::error::{INVALID_PARAMS, REFUSED, RpcError};
use crate::protocol::method::methods;
use crate::protocol::mutation::{Mutation, Prepared, SessionPreview};
use crate::protocol::params;
use crate::protocol::params::read_object;
use crate::protocol::refusal::{read_module, refused_document, refused_edit};

methods! {
    /// the scenes in the order in which they are shown, and which one plays
    Session "scenes" Ask(read_scenes) () => (SceneList);
    /// the session as it is becomes a scene: nodes, routes, patterns, values, automations, mutes and master; or a document
    /// does, and the session stays as it is. Under a name that a scene has, that one is overwritten. It acts at once, also
    /// where `at` is given
    Session "scene_save" Change(read_save) (Save<'_>) => (Saved);
    /// the session becomes what the scene holds, on the sample: what both have plays on untouched, to the bit. The texts of
    /// sounds, the instance's name, clock, seed, limiter, MIDI maps, macros and scenes stay, and so do tempo and meter
    /// unless they were saved with the scene. A pattern that waits for the next cycle to start is cancelled. With
    /// `groups` only these nodes, and what is within them, become what the
    /// scene has of them, with the session's own crossfade
    Session "scene_recall" Change(read_recall) (Recall) => (Recalled);
    /// another name for a scene; its number stays
    Session "scene_rename" Change(read_rename) (Rename) => ();
    /// the scene is no more; its number is free
    Session "scene_delete" Change(read_delete) (Delete) => ();
    /// the scene once more, under another name
    Session "scene_duplicate" Change(read_duplicate) (Duplicate) => (Saved);
    /// the order in which scenes are shown; numbers stay
    Session "scene_order" Change(read_order) (Order) => ();
}

/// A scene by its name, or by its number.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, expecting = "expected a scene: 1 to 127, or its name")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
enum SceneRef {
    /// Its number, 1 to 127.
    Number(u8),
    /// Its name.
    Name(String),
}

impl SceneRef {
    fn find(&self, scenes: &Scenes) -> Result<u8, RpcError> {
        let found = match self {
            Self::Number(number) => scenes.known(*number, "params.scene").map(|_| *number),
            Self::Name(name) => scenes.named(name, "params.scene"),
        };
        found.map_err(|fault| {
            let error = RpcError::new(REFUSED, fault.message).at("params.scene");
            error.or_hint(|| fault.hint)
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Save<'a> {
    /// Its name. Default: that of the scene of this number, or the first free of `Scene 3`, `Scene 4`…
    #[serde(default)]
    name: Option<String>,
    /// Its number, 1 to 127; a scene that has it is overwritten. Default: that of the scene of this name, or the lowest free
    /// one. A name that a scene of another number has is refused. The number is the value of the host's parameter Scene
    /// and never changes.
    #[serde(default, deserialize_with = "params::scene")]
    number: Option<u8>,
    /// Tempo and meter are part of the scene. Default: those that `module` says; without it as in the scene that is
    /// overwritten, and of a new one they are not.
    #[serde(default)]
    transport: Option<bool>,
    /// A ModuleIr ([ir.md](ir.md)) instead of the session. Of its settings, macros and scenes nothing is taken; the texts
    /// of its sounds come along.
    #[serde(borrow, default)]
    #[cfg_attr(test, schemars(with = "Option<serde_json::Value>"))]
    module: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Recall {
    /// Its name or number.
    scene: SceneRef,
    /// Length of the crossfade in quarter notes. Default: the session's own.
    #[serde(default)]
    beats: Option<f64>,
    /// Length of the crossfade in seconds.
    #[serde(default)]
    secs: Option<f64>,
    /// Nodes, or groups of nodes: only these become what the scene has of them.
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Rename {
    /// Its name or number.
    scene: SceneRef,
    /// Its new name.
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Delete {
    /// Its name or number.
    scene: SceneRef,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Duplicate {
    /// Its name or number.
    scene: SceneRef,
    /// The name of the new one.
    name: String,
    /// The number of the new one. Default: the lowest free one.
    #[serde(default, deserialize_with = "params::scene")]
    to: Option<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Order {
    /// Names or numbers of all scenes.
    order: Vec<SceneRef>,
}

/// `scenes`: all scenes.
fn read_scenes(raw: Option<&RawValue>) -> Result<Work, RpcError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    let Nothing {} = read_object(raw.map_or("{}", RawValue::get))?;
    Ok(Box::new(|context| {
        let session = context.engine.session();
        let current = session.scenes.current();
        let scenes = session.scenes.iter().map(|(number, scene)| SceneEntry {
            number,
            name: scene.name.clone(),
            nodes: scene.state.nodes.len(),
            transport: scene.state.transport.is_some(),
            ready: context.engine.scene_is_ready(number),
        });
        let name = session.scenes.get(current).map(|scene| scene.name.clone());
        let changed = context.engine.scene_is_changed();
        Answer::with(&SceneList { scenes: scenes.collect(), current: name, changed })
    }))
}

/// The lowest free number, unless there is one already.
fn number_for(wanted: Option<u8>, scenes: &Scenes) -> Result<u8, RpcError> {
    wanted.or_else(|| scenes.free_number()).ok_or_else(|| {
        let error = RpcError::new(REFUSED, "all 127 numbers have their scene").at("params.number");
        error.hint("delete a scene first, or save over one")
    })
}

/// `scene_save {name?, number?, transport?, module?}`: the session as it is becomes a scene, or a document does.
fn read_save(rest: &str) -> Result<Mutation, RpcError> {
    let Save { name, number, transport, module } = read_object(rest)?;
    let module = module.map(read_module).transpose()?;
    Ok(Mutation::new(move |session_preview| {
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let scenes = &session.scenes;
        let known = name.as_deref().and_then(|name| scenes.number_of(name));
        let number = number_for(number.or(known), scenes)?;
        let name = name.unwrap_or_else(|| scenes.name_for(number));
        let saved = Saved { name: name.clone(), number };
        let edit = match module {
            None => {
                let before = || scenes.get(number).is_some_and(|scene| scene.state.transport.is_some());
                let transport = transport.unwrap_or_else(before);
                SceneEdit::Save { number, name, transport }.into()
            }
            Some(module) => session
                .saving((number, name), module, transport, registry)
                .map_err(|error| refused_document(&error))?,
        };
        Ok(Prepared::and(edit, &saved))
    }))
}

/// `scene_recall {scene, beats? | secs?, groups?, at?, dry_run?}`: the session becomes what the scene holds.
fn read_recall(rest: &str) -> Result<Mutation, RpcError> {
    let Recall { scene, beats, secs, groups } = read_object(rest)?;
    let fade = match (beats, secs) {
        (None, None) => None,
        (Some(beats), None) => Some(Crossfade::Beats(beats)),
        (None, Some(secs)) => Some(Crossfade::Seconds(secs)),
        _ => {
            let error = RpcError::new(INVALID_PARAMS, "a crossfade has one length").at("params.secs");
            return Err(error.hint("give beats or secs"));
        }
    };
    if let Some((Crossfade::Beats(length) | Crossfade::Seconds(length), name)) =
        fade.zip(Some(if beats.is_some() { "beats" } else { "secs" }))
        && !(0.0..=LONGEST_FADE).contains(&length)
    {
        let error = RpcError::new(INVALID_PARAMS, format!("{length} is no length of a crossfade"));
        return Err(error.at(format!("params.{name}")).hint(format!("0 to {LONGEST_FADE}")));
    }
    if fade.is_some() && !groups.is_empty() {
        let error = RpcError::new(INVALID_PARAMS, "groups fade as the session does").at("params.groups");
        return Err(error.hint("leave the length out, or set it with crossfade"));
    }
    Ok(Mutation::new(move |session_preview| {
        let (number, name) = known(&scene, session_preview)?;
        let recalled = Recalled { name, number };
        if groups.is_empty() {
            return Ok(Prepared::and(SceneEdit::Recall { number, fade }.into(), &recalled));
        }
        let registry = session_preview.engine().registry();
        let session = session_preview.session()?;
        let Some(scene) = session.scenes.get(number) else {
            return Err(RpcError::new(REFUSED, "the scene is gone").at("params.scene"));
        };
        let target = session
            .with_groups_of(&scene.state, &groups, registry)
            .map_err(|error| refused_edit(&error, "params", None))?;
        let ends = [Edit::EndTransitions(Some(groups.clone()))].into_iter();
        let edit = Edit::Batch(ends.chain(session.difference(&target)).collect());
        Ok(Prepared::and(edit.titled(format!("recall {} of {}", groups.join(", "), scene.name)), &recalled))
    }))
}

/// `scene_rename {scene, name}`.
fn read_rename(rest: &str) -> Result<Mutation, RpcError> {
    let Rename { scene, name } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let (number, _) = known(&scene, session_preview)?;
        Ok(Edit::from(SceneEdit::Rename { number, name }).into())
    }))
}

/// `scene_delete {scene}`.
fn read_delete(rest: &str) -> Result<Mutation, RpcError> {
    let Delete { scene } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let (number, _) = known(&scene, session_preview)?;
        Ok(Edit::from(SceneEdit::Delete { number }).into())
    }))
}

/// `scene_duplicate {scene, name, to?}`.
fn read_duplicate(rest: &str) -> Result<Mutation, RpcError> {
    let Duplicate { scene, name, to } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let (number, _) = known(&scene, session_preview)?;
        let to = number_for(to, &session_preview.session()?.scenes)?;
        let saved = Saved { name: name.clone(), number: to };
        Ok(Prepared::and(SceneEdit::Duplicate { number, to, name }.into(), &saved))
    }))
}

/// `scene_order {order}`.
fn read_order(rest: &str) -> Result<Mutation, RpcError> {
    let Order { order } = read_object(rest)?;
    Ok(Mutation::new(move |session_preview| {
        let scenes = &session_preview.session()?.scenes;
        let order = order.iter().map(|scene| scene.find(scenes)).collect::<Result<Vec<u8>, _>>()?;
        Ok(Edit::from(SceneEdit::Order(order)).into())
    }))
}

/// Number and name of the scene that is meant.
fn known(scene: &SceneRef, session_preview: &mut SessionPreview<'_>) -> Result<(u8, String), RpcError> {
    let scenes = &session_preview.session()?.scenes;
    let number = scene.find(scenes)?;
    Ok((number, scenes.get(number).map_or_else(String::new, |scene| scene.name.clone())))
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct SceneList {
    /// All scenes, as they are shown.
    pub scenes: Vec<SceneEntry>,
    /// Name of the scene that was recalled or saved last; null: none.
    pub current: Option<String>,
    /// The session has changed since.
    pub changed: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
pub(crate) struct SceneEntry {
    /// Its number: the value of the host's parameter Scene.
    pub number: u8,
    /// Its name.
    pub name: String,
    /// How many nodes it has.
    pub nodes: usize,
    /// Tempo and meter are part of it.
    pub transport: bool,
    /// It switches on its sample. Where it does not, it begins as soon as it can.
    pub ready: bool,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Saved {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u8,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Recalled {
    /// Its name.
    pub name: String,
    /// Its number.
    pub number: u8,
}

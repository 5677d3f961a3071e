//! Scenes in a document: each is a module of its own, and the texts of nodes stand once for all of them.

use super::Session;
use crate::edit::{EditError, LoadError, Scene, SceneEdit, SceneState, Scenes};
use crate::ir::{FORMAT, Fault, Krach, MeterSource, ModuleIr, SceneIr, Source};
use crate::limits::SCENES;
use crate::node::Registry;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Texts by the type that they make.
type Texts = BTreeMap<String, String>;

/// The scenes as a document has them, and the texts of their nodes.
pub(super) fn write(scenes: &Scenes) -> (Option<Vec<SceneIr>>, Texts) {
    if scenes.is_empty() {
        return (None, Texts::new());
    }
    let mut texts = Texts::new();
    let list = scenes.iter().map(|(number, scene)| SceneIr {
        number,
        name: scene.name.clone(),
        module: module_of(&scene.state, &scene.kept, &mut texts),
        other: (*scene.other).clone(),
    });
    (Some(list.collect()), texts)
}

/// A scene's state as a module, with what it holds beside that, and with the texts of its nodes among `texts`.
pub(super) fn module_of(state: &SceneState, kept: &ModuleIr, texts: &mut Texts) -> ModuleIr {
    let SceneState { raw, nodes, routes, values, slots, automations, master, transport } = state;
    let mut alone = Session {
        raw: Arc::clone(raw),
        nodes: nodes.clone(),
        routes: routes.clone(),
        values: values.clone(),
        slots: slots.clone(),
        automations: automations.clone(),
        ..Session::default()
    };
    alone.settings.master = *master;
    let mut module = alone.module_with(kept);
    (module.tempo, module.meter) = (None, None);
    let mut host_meter = false;
    if let Some(transport) = transport {
        (module.tempo, module.meter) = (Some(transport.bpm), Some(transport.beats_per_cycle));
        host_meter = transport.host_meter;
    }
    let Krach { raw_graph, nodes, slots, automations, other, .. } = *module.krach.take().unwrap_or_default();
    let meter = if host_meter { MeterSource::Host } else { MeterSource::Fixed };
    let own =
        Krach { version: FORMAT, raw_graph, nodes, slots, automations, meter, other, ..Krach::default() };
    module.krach = Some(Box::new(own));
    for (entry, node) in module.nodes.iter_mut().zip(state.nodes.iter()) {
        if let Source::Text(text) = &entry.source {
            let id = node.type_id();
            texts.entry(id.clone()).or_insert_with(|| text.to_string());
            entry.source = Source::Type(id);
        }
    }
    module
}

/// The scenes of a document; `current` is the number of the one that was recalled last.
///
/// # Errors
/// A number or name that is wrong or there twice, modules or scenes within a scene, or what cannot play.
pub(super) fn read(
    list: Vec<SceneIr>,
    texts: &Texts,
    current: u8,
    registry: &Registry,
) -> Result<Scenes, LoadError> {
    let texts: BTreeMap<&str, Arc<str>> =
        texts.iter().map(|(id, text)| (id.as_str(), text.as_str().into())).collect();
    let mut scenes = Scenes::new();
    for (at, SceneIr { number, name, mut module, other }) in list.into_iter().enumerate() {
        let place = format!("$.krach.scenes[{at}]");
        let refused = |field: &str, message: String, hint: &str| {
            let place = format!("{place}{field}");
            let fault = Fault::new(place.clone(), message).hint(hint);
            Err(LoadError::Invalid { place, error: EditError::Fault(fault) })
        };
        if !(1..SCENES as u8).contains(&number) {
            return refused(".number", format!("{number} is no number of a scene"), "1 to 127");
        }
        if scenes.get(number).is_some() {
            return refused(".number", format!("two scenes have the number {number}"), "each has its own");
        }
        let save = SceneEdit::Save { number, name: name.clone(), transport: false };
        if let Err(fault) = save.check(&scenes) {
            let place = format!("{place}.name");
            return Err(LoadError::Invalid { place, error: fault.into() });
        }
        let nested = module.krach.as_ref().is_some_and(|krach| krach.scenes.is_some());
        if nested || !module.sub_modules.is_empty() {
            let hint = "put its nodes and patterns in it themselves";
            return refused(".module", "a scene holds modules or scenes".to_owned(), hint);
        }
        for node in &mut module.nodes {
            if let Source::Type(id) = &node.source
                && let Some(text) = texts.get(id.as_str())
            {
                node.source = Source::Text(Arc::clone(text));
            }
        }
        let with_tempo = module.tempo.is_some() || module.meter.is_some();
        let within = |inner: LoadError| match inner {
            LoadError::Invalid { place: inner, error } => {
                let inner = format!("{place}.module{}", inner.strip_prefix('$').unwrap_or(&inner));
                LoadError::Invalid { place: inner, error }
            }
            other => other,
        };
        let (session, _) = Session::of_module(module, registry).map_err(within)?;
        let state = session.scene_state(with_tempo);
        let (other, kept) = (Arc::new(other), Arc::clone(&session.kept));
        scenes.put(number, Scene { other, kept, ..Scene::new(name, state) });
    }
    if scenes.get(current).is_some() {
        scenes.set_current(current);
    }
    Ok(scenes)
}

//! Settings: texts and lists that are part of what a node is made from.

use super::*;
use krach_core::node::{
    Change, CreateContext, CreateError, Node, NodeDecl, NodeSettings, NodeType, Port, Registry, Role,
    SettingDecl, SettingFault, SettingValue, Succession, Transport,
};
use std::any::Any;
use std::sync::Arc;

/// Counts up from the sum of its list `levels`. Its list has at most `most` entries.
struct RampType {
    decl: NodeDecl,
    base: f32,
    most: usize,
}

fn levels(value: &SettingValue, most: usize) -> Result<f32, SettingFault> {
    let fault = |entry, problem: String| SettingFault { entry, problem, hint: "up to some numbers".into() };
    let SettingValue::List(list) = value else { return Err(fault(None, "found a text".into())) };
    if list.len() > most {
        return Err(fault(None, format!("{} entries", list.len())));
    }
    let parsed = list
        .iter()
        .enumerate()
        .map(|(at, entry)| entry.parse::<f32>().map_err(|_| fault(Some(at), format!("found {entry}"))));
    parsed.sum()
}

fn ramp_type(type_id: &str, most: usize) -> Arc<dyn NodeType> {
    let setting = SettingDecl {
        name: "levels".into(),
        default: SettingValue::List(Vec::new()),
        takes: "a list of numbers".into(),
    };
    let decl = NodeDecl {
        type_id: type_id.into(),
        inputs: Vec::new(),
        outputs: vec![Port::mono("out")],
        controls: Vec::new(),
        settings: vec![setting],
        role: Role::Process,
    };
    Arc::new(RampType { decl, base: 0.0, most })
}

impl NodeType for RampType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        77 + (u64::from(self.base.to_bits()) << 20) + self.most as u64
    }

    fn check_setting(&self, _: &str, value: &SettingValue) -> Result<(), SettingFault> {
        levels(value, self.most).map(|_| ())
    }

    fn with_settings(&self, settings: &NodeSettings) -> Option<Arc<dyn NodeType>> {
        let base = settings.get("levels").and_then(|value| levels(value, self.most).ok()).unwrap_or(0.0);
        Some(Arc::new(Self { decl: self.decl.clone(), base, most: self.most }))
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        if self.base > 100.0 {
            return Err(CreateError("too high".into()));
        }
        Ok(Box::new(Ramp { base: self.base, count: 0 }))
    }
}

struct Ramp {
    base: f32,
    count: u32,
}

/// How much it rises per frame.
const STEP: f32 = 1.0 / 1_048_576.0;

impl Node for Ramp {
    fn reset(&mut self) {
        self.count = 0;
    }

    fn set(&mut self, _: usize, _: Change) {}

    fn render(&mut self, _: &Transport, frames: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for out in &mut outputs[0][..frames] {
            *out = self.base + self.count as f32 * STEP;
            self.count += 1;
        }
    }

    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        let Some(old) = old.as_any().downcast_mut::<Self>() else { return Succession::None };
        self.count = old.count;
        Succession::Whole
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

const RAMP: &str = "patch:ramp";

fn rig() -> Rig {
    let mut registry: Registry = registry();
    registry.add(ramp_type(RAMP, 4));
    Rig::with(registry)
}

fn list(entries: &[&str]) -> NodeSettings {
    let list = entries.iter().map(|entry| (*entry).to_owned()).collect();
    [("levels".to_owned(), SettingValue::List(list))].into_iter().collect()
}

fn set_to(settings: Option<NodeSettings>) -> Edit {
    of_source(RAMP, settings)
}

fn of_source(type_id: &str, settings: Option<NodeSettings>) -> Edit {
    let node = NodeIr { name: "lead".into(), source: Source::Type(type_id.into()), ..NodeIr::default() };
    let spec = NodeSpec { node, gain: Some(1.0), settings, ..NodeSpec::default() };
    Edit::Nodes(vec![NodeEdit::Set(Box::new(spec))])
}

fn settings(rig: &Rig) -> NodeSettings {
    rig.engine.session().node("lead").expect("there").settings.clone()
}

/// Where the ramp stands above where counting alone would have it.
fn base(rig: &mut Rig, frames: usize) -> f32 {
    let [left, _] = rig.render(frames, &[256]);
    let wrong = left.windows(2).position(|w| ((w[1] - w[0]) / STEP - 1.0).abs() > 0.1);
    assert_eq!(wrong, None, "{:?}", wrong.map(|at| &left[at..at + 2]));
    left[frames - 1] - (rig.rendered - 1) as f32 * STEP
}

#[test]
fn other_settings_take_over_under_the_sound_and_a_step_back_brings_the_first_ones() {
    let mut rig = rig();
    rig.edit(set_to(Some(list(&["0.25", "0.25"]))));
    // As any new node it comes in, within 5 ms.
    rig.render(4_096, &[256]);
    assert_eq!(base(&mut rig, 1_024), 0.5);
    rig.settle();
    // The state goes on and nothing is crossfaded: one step, and the ramp as before.
    rig.edit(set_to(Some(list(&["0.75"]))));
    assert_eq!(base(&mut rig, 4_096), 0.75);
    rig.settle();
    // What says nothing of them leaves them, and the instance too.
    rig.edit(set_to(None));
    assert_eq!(base(&mut rig, 1_024), 0.75);
    rig.edit(set_to(Some(NodeSettings::default())));
    assert_eq!(base(&mut rig, 1_024), 0.0);
    rig.settle();
    step_back(&mut rig);
    assert_eq!((base(&mut rig, 1_024), settings(&rig)), (0.75, list(&["0.75"])));
    // What says nothing of them is no step.
    step_back(&mut rig);
    assert_eq!(base(&mut rig, 1_024), 0.5);
    rig.settle();
    rig.engine.redo(At::Now).expect("possible").expect("a step");
    rig.engine.tick();
    assert_eq!(base(&mut rig, 1_024), 0.75);
}

fn step_back(rig: &mut Rig) {
    rig.settle();
    rig.engine.undo(At::Now).expect("possible").expect("a step");
    rig.engine.tick();
}

#[test]
fn settings_that_a_type_does_not_take_are_refused_with_their_place_and_nothing_changes() {
    let mut rig = rig();
    rig.edit(set_to(Some(list(&["0.5"]))));
    rig.render(1_024, &[256]);
    let before = rig.engine.save();
    let strange = [("level".to_owned(), SettingValue::Text("1".into()))].into_iter().collect();
    let text = [("levels".to_owned(), SettingValue::Text("1".into()))].into_iter().collect();
    for (wrong, place, message, hint) in [
        (list(&["1", "x"]), "$.settings[\"levels\"][1]", "found x", "up to some numbers"),
        (list(&["1"; 5]), "$.settings[\"levels\"]", "5 entries", "up to some numbers"),
        (text, "$.settings[\"levels\"]", "found a text", "up to some numbers"),
        (strange, "$.settings[\"level\"]", "patch:ramp has no setting level", "did you mean levels?"),
    ] {
        let refused = rig.engine.edit(set_to(Some(wrong)), At::Now).unwrap_err();
        let EditError::Fault(fault) = refused else { panic!("{refused}") };
        assert_eq!((&*fault.place, &*fault.message, fault.hint.as_deref()), (place, message, Some(hint)));
    }
    // Nor those with which no instance can be made.
    let refused = rig.engine.edit(set_to(Some(list(&["101"]))), At::Now).unwrap_err();
    assert!(refused.to_string().contains("too high"), "{refused}");
    let other = of_source("dc", Some(list(&["1"])));
    let refused = rig.engine.edit(other, At::Now).unwrap_err().to_string();
    assert!(refused.contains("dc has no setting levels"), "{refused}");
    // In a batch the others do not act either.
    let batch = Edit::Batch(vec![set_to(Some(list(&["0.25"]))), set_to(Some(list(&["x"])))]);
    rig.engine.edit(batch, At::Now).unwrap_err();
    assert_eq!(rig.engine.save(), before);
    assert_eq!(base(&mut rig, 4_096), 0.5);
}

#[test]
fn settings_are_saved_belong_to_their_source_and_come_with_scenes() {
    let mut rig = rig();
    rig.edit(set_to(Some(list(&["0.25"]))));
    rig.edit(SceneEdit::Save { number: 1, name: "low".into(), transport: false }.into());
    rig.edit(set_to(Some(list(&["0.75"]))));
    rig.edit(SceneEdit::Save { number: 2, name: "high".into(), transport: false }.into());
    rig.render(4_096, &[256]);
    rig.settle();
    let saved = rig.engine.save();
    let document: serde_json::Value = serde_json::from_slice(&saved).expect("JSON");
    assert_eq!(document["krach"]["nodes"]["lead"]["settings"], serde_json::json!({"levels": ["0.75"]}));
    let mut other = self::rig();
    other.engine.load(&saved).expect("loads");
    assert_eq!(settings(&other), list(&["0.75"]));
    // A recall is on its sample, and the state goes on there too.
    rig.edit(SceneEdit::Recall { number: 1, fade: None }.into());
    let [left, _] = rig.render(30_000, &[256]);
    rig.settle();
    assert!(left[29_999] < 0.75, "{}", left[29_999]);
    assert_eq!(settings(&rig), list(&["0.25"]));
    // A module under a name brings its own.
    let module = rig.engine.session().to_module();
    let (edit, _) = rig.engine.session().instantiating(&module, "sub", rig.engine.registry()).expect("fits");
    rig.edit(edit);
    assert_eq!(rig.engine.session().node("sub/lead").expect("there").settings, list(&["0.25"]));
    // With another source they are gone.
    rig.edit(of_source("dc", None));
    assert!(settings(&rig).is_empty());
    rig.edit(set_to(None));
    assert!(settings(&rig).is_empty());
}

#[test]
fn settings_that_new_code_does_not_take_are_told_and_wait_for_code_that_does() {
    let mut rig = rig();
    rig.edit(set_to(Some(list(&["0.25", "0.25"]))));
    rig.render(1_024, &[256]);
    rig.settle();
    rig.engine.set_type(ramp_type(RAMP, 1)).expect("plays");
    let told = messages(&mut rig);
    assert_eq!(told, ["the setting levels of node 'lead' is not played: 2 entries; the rest plays on"]);
    assert_eq!(base(&mut rig, 1_024), 0.0);
    rig.settle();
    // Nothing else is held up by it, and it is not lost.
    rig.edit(set("lead/gain", 1.0));
    rig.engine.set_type(ramp_type(RAMP, 3)).expect("plays");
    rig.engine.tick();
    assert_eq!(base(&mut rig, 1_024), 0.5);
}

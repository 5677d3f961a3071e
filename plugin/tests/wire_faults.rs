//! A node that fails, seen from a client: it is told, the instance lives, and a command brings the sound back.
#![cfg(unix)]

mod wire_client;

use std::sync::Arc;

use krach::instance::{HostHooks, Instance, InstanceConfig};
use krach_core::node::{
    Change, Control, CreateContext, CreateError, Node, NodeDecl, NodeType, Port, Registry, Role,
};
use krach_core::processor::{Block, MidiOut, Processor};
use serde_json::{Value, json};
use wire_client::{Client, Home, client_of};

/// Gives 0.25, NaN at `mood` 1, and panics at `mood` 2.
struct Moody(NodeDecl);

impl NodeType for Moody {
    fn decl(&self) -> &NodeDecl {
        &self.0
    }

    fn code_key(&self) -> u64 {
        1
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Mood(0.0)))
    }
}

struct Mood(f32);

impl Node for Mood {
    fn reset(&mut self) {}

    fn set(&mut self, _: usize, change: Change) {
        self.0 = change.value;
    }

    fn render(
        &mut self,
        _: &krach_core::node::Transport,
        _: usize,
        _: &[&[f32]],
        outputs: &mut [&mut [f32]],
    ) {
        assert!(self.0 < 2.0, "in a bad mood");
        outputs[0].fill(if self.0 == 1.0 { f32::NAN } else { 0.25 });
    }

    fn as_any(&mut self) -> &mut dyn std::any::Any {
        self
    }
}

fn registry() -> Registry {
    let mood = Control::continuous("mood", 0.0, 2.0, 0.0);
    let mut registry = Registry::with_builtins();
    registry.add(Arc::new(Moody(NodeDecl {
        type_id: "moody".into(),
        inputs: Vec::new(),
        outputs: vec![Port::mono("out")],
        controls: vec![mood],
        settings: Vec::new(),
        role: Role::Process,
    })));
    registry
}

struct Stage {
    instance: Instance,
    processor: Processor,
    client: Client,
}

impl Stage {
    fn new(home: &Home) -> Self {
        let config =
            InstanceConfig { format: "test", host: None, registry: registry(), hooks: HostHooks::default() };
        let instance = Instance::start_at(config, home.addresses());
        let processor = instance.activate(48_000.0, 256).expect("the engine answers");
        let mut client = client_of(&instance);
        let graph = json!({"type": "load_graph",
            "nodes": [{"id": "m", "type_id": "moody"}, {"id": "out", "type_id": "dac"}],
            "connections": [{"from_node": "m", "from_port": "out", "to_node": "out", "to_port": "in"}]});
        assert_eq!(client.ask(&graph.to_string())["status"], "Ok");
        let mut stage = Self { instance, processor, client };
        stage.until_level(0.25);
        stage
    }

    /// Offline, so that what was asked before has happened.
    fn block(&mut self) -> [f32; 256] {
        let (mut left, mut right) = ([9.0; 256], [9.0; 256]);
        self.processor.process(Block {
            frames: 256,
            transport: &[],
            offline: true,
            input: [&[], &[]],
            main: [&mut left, &mut right],
            stems: &mut [],
            params: &[],
            played: &[],
            midi_out: &mut MidiOut::with_capacity(64),
        });
        assert_eq!(left, right);
        left
    }

    fn until_level(&mut self, level: f32) {
        for _ in 0..400 {
            if self.block()[255] == level {
                return;
            }
        }
        panic!("the level never came to {level}");
    }

    fn set_mood(&mut self, mood: u8) {
        let set = json!({"type": "set_control", "label": "m/mood", "value": mood});
        assert_eq!(self.client.ask(&set.to_string())["status"], "Ok");
    }

    fn status(&mut self) -> Value {
        self.client.call("status", json!({}))["result"].clone()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.instance.deactivate();
    }
}

#[test]
fn after_a_panic_the_instance_is_silent_answers_and_comes_back_when_told() {
    let home = Home::new("panic");
    let mut stage = Stage::new(&home);
    stage.set_mood(2);
    assert!(stage.block().iter().all(|x| *x == 0.0));
    wire_client::until("the panic is reported", || stage.status()["stopped"] == true);
    let problems = stage.status()["problems"].to_string();
    assert!(problems.contains("in a bad mood"), "{problems}");
    // Edits are taken meanwhile, and the engine that comes has them.
    stage.set_mood(0);
    assert!(stage.block().iter().all(|x| *x == 0.0));
    let rebuilt = stage.client.call("rebuild", json!({}));
    assert!(rebuilt["result"]["seq"].is_u64(), "{rebuilt}");
    stage.until_level(0.25);
    assert_eq!(stage.status()["stopped"], false);
    let over = |stage: &mut Stage| !stage.status()["problems"].to_string().contains("in a bad mood");
    wire_client::until("what is over is not listed", || over(&mut stage));
}

#[test]
fn a_node_that_gives_nan_is_silenced_named_and_comes_back_when_told() {
    let home = Home::new("nan");
    let mut stage = Stage::new(&home);
    stage.set_mood(1);
    for _ in 0..40 {
        assert!(stage.block().iter().all(|x| x.is_finite()));
    }
    wire_client::until("it is named", || stage.status()["silenced"] == json!(["m"]));
    stage.set_mood(0);
    assert!(stage.block().iter().all(|x| *x == 0.0));
    assert!(stage.client.call("rebuild", json!({}))["error"].is_null());
    stage.until_level(0.25);
    assert_eq!(stage.status()["silenced"], json!([]));
    let over = |stage: &mut Stage| !stage.status()["problems"].to_string().contains("is silenced");
    wire_client::until("what is over is not listed", || over(&mut stage));
}

#[test]
fn the_limiter_can_be_switched_off_and_on() {
    let home = Home::new("limiter");
    let mut stage = Stage::new(&home);
    assert_eq!(stage.client.ask(r#"{"type":"set_master_gain","gain":16}"#)["status"], "Ok");
    stage.until_level(2.0);
    assert!(stage.client.call("limiter", json!({"on": false}))["error"].is_null());
    stage.until_level(4.0);
    assert!(stage.client.call("limiter", json!({"on": true}))["error"].is_null());
    stage.until_level(2.0);
    let wrong = stage.client.call("limiter", json!({"on": "yes"}));
    assert_eq!(wrong["error"]["code"], -32602, "{wrong}");
}

#[test]
fn a_name_is_kept_with_the_session_and_nonsense_is_refused() {
    let home = Home::new("name");
    let mut stage = Stage::new(&home);
    assert!(stage.client.call("name", json!({"name": "bass"}))["error"].is_null());
    assert_eq!(stage.status()["name"], "bass");
    for nonsense in ["", "a\nb", &"x".repeat(65)] {
        assert_eq!(stage.client.call("name", json!({"name": nonsense}))["error"]["code"], -32602);
    }
    assert_eq!(stage.status()["name"], "bass");
}

#[test]
fn panic_may_have_a_time_and_a_rebuild_may_not() {
    let home = Home::new("times");
    let mut stage = Stage::new(&home);
    assert_eq!(stage.client.call("panic", json!({"at": 3}))["result"]["position"], 3.0);
    assert_eq!(stage.client.call("panic", json!({"at": "soon"}))["error"]["code"], -32602);
    assert_eq!(stage.client.call("rebuild", json!({"at": 3}))["error"]["code"], -32602);
}

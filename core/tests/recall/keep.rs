//! A document loaded into a session that plays: the session is the document's, and what is equal in both is not touched.

use super::support::Rig;
use super::support::probes::registry;
use krach_core::engine::*;
use krach_core::node::*;
use krach_core::session::Session;
use serde_json::{Value, json};
use std::any::Any;
use std::sync::{Arc, Mutex};

const NODES: usize = 5;

/// What happens to the instances of one type while they render: which of them (in the order in which they began), after how
/// many frames, which control, its value and its ramp.
#[derive(Clone, Debug, Default, PartialEq)]
struct Log {
    begun: u32,
    frames: u64,
    told: Vec<(u32, u64, usize, u32, u32)>,
}

type Shared = Arc<Mutex<Log>>;

struct WitnessType(NodeDecl, u64, Shared);

struct Witness {
    log: Shared,
    life: Option<u32>,
    frames: u64,
}

/// A reset, among the controls.
const RESET: usize = 99;

impl NodeType for WitnessType {
    fn decl(&self) -> &NodeDecl {
        &self.0
    }
    fn code_key(&self) -> u64 {
        self.1
    }
    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Witness { log: self.2.clone(), life: None, frames: 0 }))
    }
}

impl Witness {
    fn note(&mut self, control: usize, value: f32, ramp: u32) {
        if let Some(life) = self.life {
            self.log.lock().unwrap().told.push((life, self.frames, control, value.to_bits(), ramp));
        }
    }
}

impl Node for Witness {
    fn reset(&mut self) {
        self.note(RESET, 0.0, 0);
    }
    fn set(&mut self, control: usize, change: Change) {
        self.note(control, change.value, change.ramp);
    }
    fn render(&mut self, _: &Transport, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let mut log = self.log.lock().unwrap();
        if self.life.is_none() {
            self.life = Some(log.begun);
            log.begun += 1;
        }
        self.frames += frames as u64;
        log.frames += frames as u64;
        outputs[0].copy_from_slice(inputs[0]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// An engine that knows two types for each node, and what happens to them.
fn watched() -> (Rig, Vec<Shared>) {
    let mut types = registry();
    let mut logs = Vec::new();
    for number in 0..2 * NODES {
        let log = Shared::default();
        let decl = NodeDecl {
            type_id: format!("w{number}"),
            inputs: vec![Port::mono("in")],
            outputs: vec![Port::mono("out")],
            controls: vec![Control::gate("gate"), Control::continuous("freq", 0.0, 1000.0, 100.0)],
            settings: Vec::new(),
            role: Role::Process,
        };
        types.add(Arc::new(WitnessType(decl, 0x717 + number as u64, log.clone())));
        logs.push(log);
    }
    (Rig::with(types), logs)
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// What a document says of one node: each part one of a few, 0 for nothing.
#[derive(Clone, Debug, PartialEq)]
struct Piece {
    /// The node: none, or one of two types with one of two values.
    node: u64,
    pattern: u64,
    automation: u64,
    fader: u64,
    muted: bool,
    send: u64,
}

impl Piece {
    fn any(dice: &mut Dice) -> Self {
        Self {
            node: dice.below(5),
            pattern: dice.below(4),
            automation: dice.below(3),
            fader: dice.below(3),
            muted: dice.below(4) == 0,
            send: dice.below(3),
        }
    }

    /// The same, or a little different.
    fn like(&self, dice: &mut Dice) -> Self {
        let other = Self::any(dice);
        let mut piece = self.clone();
        match dice.below(12) {
            0 => piece.node = other.node,
            1 => piece.pattern = other.pattern,
            2 => piece.automation = other.automation,
            3 => (piece.fader, piece.muted) = (other.fader, other.muted),
            4 => piece.send = other.send,
            5 => piece = other,
            _ => {}
        }
        piece
    }

    /// What concerns the instance: its faders and what it feeds do not.
    fn of_instance(&self) -> (u64, u64, u64) {
        (self.node, self.pattern, if self.node > 0 { self.automation } else { 0 })
    }
}

fn document(pieces: &[Piece], seed: u64) -> Value {
    let there = |at: usize| pieces.get(at).is_some_and(|piece| piece.node > 0);
    let (mut nodes, mut patterns, mut automations, mut muted, mut routing) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (at, piece) in pieces.iter().enumerate().filter(|(at, _)| there(*at)) {
        let name = format!("n{at}");
        let ty = 2 * at as u64 + (piece.node - 1) % 2;
        let freq = 100.0 + 50.0 * ((piece.node - 1) / 2) as f64;
        let gain = 0.25 * (1 + piece.fader) as f64;
        nodes.push(json!({"name": name, "source": format!("w{ty}"), "gain": gain, "init": [["freq", freq]]}));
        if piece.pattern > 0 {
            let gate = |value: f64| json!({"op": "Atom", "value": {"type": "Control", "label": "gate", "value": value}});
            let hit = json!({"op": "Freeze", "child": {"op": "Cat", "children": [gate(1.0), gate(0.0)]}});
            patterns.push(json!({"target": name,
                "pattern": {"op": "Fast", "factor": [16 * piece.pattern, 1], "child": hit}}));
        }
        if piece.automation > 0 {
            automations.push(json!({"path": format!("{name}/freq"), "shape": "tri", "lo": 0.0,
                "hi": 100.0 * piece.automation as f64, "bars": 1.0}));
        }
        if piece.muted {
            muted.push(json!({"name": name, "saved_gain": gain}));
        }
        if piece.send > 0 && at > 0 && there(0) {
            routing.push(
                json!({"source": name, "target": "n0", "kind": "send", "level": 0.25 * piece.send as f64}),
            );
        }
    }
    json!({"nodes": nodes, "routing": routing, "muted": muted, "patterns": patterns, "automations": automations,
        "tempo": 120.0, "meter": 4.0, "master": 0.5, "krach": {"seed": seed}})
}

fn load(rig: &mut Rig, document: &Value) {
    let module = Session::read_module(&document.to_string()).expect("it is a document");
    let edit = rig.engine.session().loading(module, rig.engine.registry()).expect("it is a session");
    rig.edit(edit);
}

fn captured(engine: &Engine) -> Value {
    serde_json::to_value(engine.capture()).expect("it is written")
}

#[test]
fn a_load_makes_the_session_that_of_the_document_and_touches_nothing_that_is_equal() {
    let mut dice = Dice(7);
    let (mut shared, mut changed) = (0, 0);
    for pair in 0..500 {
        let first: Vec<Piece> = (0..NODES).map(|_| Piece::any(&mut dice)).collect();
        let second: Vec<Piece> = match pair % 10 {
            // Nothing in common, and all.
            0 => (0..NODES).map(|_| Piece::any(&mut dice)).collect(),
            1 => first.clone(),
            _ => first.iter().map(|piece| piece.like(&mut dice)).collect(),
        };
        // Another seed would be other chance for every pattern.
        let (before, after) = (document(&first, 3), document(&second, 3));
        let run = |loaded: Option<&Value>| {
            let (mut rig, logs) = watched();
            load(&mut rig, &before);
            rig.settle();
            (rig.played, rig.start_beats) = (0, 0.0);
            rig.render(7_200, &[480, 17]);
            let steps = rig.engine.history().1;
            if let Some(after) = loaded {
                load(&mut rig, after);
                assert!(rig.engine.history().1 - steps <= 1, "one step at most");
            } else {
                rig.engine.tick();
            }
            rig.render(14_400, &[480, 17]);
            let logs: Vec<Log> = logs.iter().map(|log| log.lock().unwrap().clone()).collect();
            (rig, logs)
        };
        let (mut rig, logs) = run(Some(&after));
        let (_, untouched) = run(None);
        let mut plain = Engine::new(watched().0.engine.registry().clone());
        plain.load(after.to_string().as_bytes()).expect("it is a session");
        assert_eq!(captured(&rig.engine), captured(&plain), "pair {pair}");
        for (at, (a, b)) in first.iter().zip(&second).enumerate() {
            // A send into it is what it hears, and no touch.
            if a.of_instance() == b.of_instance() {
                shared += usize::from(a.node > 0);
                for ty in [2 * at, 2 * at + 1] {
                    assert_eq!(logs[ty], untouched[ty], "pair {pair}, node {at}: {a:?} to {b:?}");
                }
            } else {
                changed += 1;
            }
        }
        // Back in one step.
        let mut original = Engine::new(plain.registry().clone());
        original.load(before.to_string().as_bytes()).expect("it is a session");
        if before != after {
            rig.engine.undo(At::Now).expect("it goes back").expect("there is a step");
        }
        assert_eq!(captured(&rig.engine), captured(&original), "pair {pair}");
    }
    assert!(shared > 1_000 && changed > 500, "{shared} {changed}");
}

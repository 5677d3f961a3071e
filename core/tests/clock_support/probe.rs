//! A node that notes what it is told and when, in samples since it was created.

use krach_core::node::*;
use std::any::Any;
use std::sync::{Arc, Mutex};

pub const GATE: usize = 0;
pub const FREQ: usize = 1;

/// (sample, control, value) in the order heard.
pub type Log = Arc<Mutex<Vec<(i64, usize, f32)>>>;

/// A gate that opened (again) or closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gate {
    pub sample: i64,
    pub open: bool,
}

/// Drops closings of what is closed; an opening always counts.
pub fn transitions(all: impl IntoIterator<Item = Gate>) -> Vec<Gate> {
    let mut open = false;
    all.into_iter().filter(|g| std::mem::replace(&mut open, g.open) || g.open).collect()
}

/// The gates in a log.
pub fn gates(log: &Log) -> Vec<Gate> {
    let log = log.lock().unwrap();
    let gates = log.iter().filter(|(_, control, _)| *control == GATE);
    transitions(gates.map(|&(sample, _, value)| Gate { sample, open: value > 0.0 }))
}

/// The value of a control at a sample, by a log.
pub fn held(log: &Log, control: usize, sample: i64) -> Option<f32> {
    let log = log.lock().unwrap();
    log.iter().rev().find(|(s, c, _)| *c == control && *s <= sample).map(|(_, _, value)| *value)
}

/// The type `probe`: controls `gate` and `freq`; its output is gate · freq / 1000.
pub struct ProbeType {
    decl: NodeDecl,
    log: Log,
}

impl ProbeType {
    pub fn new(log: Log) -> Self {
        let control =
            |name: &str, max, default, kind| Control { kind, ..Control::continuous(name, 0.0, max, default) };
        let decl = NodeDecl {
            type_id: "probe".into(),
            inputs: vec![],
            outputs: vec![Port::mono("out")],
            controls: vec![
                control("gate", 1.0, 0.0, ControlKind::Gate),
                control("freq", 1000.0, 500.0, ControlKind::Continuous),
            ],
            settings: Vec::new(),
            role: Role::Process,
        };
        Self { decl, log }
    }
}

impl NodeType for ProbeType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        0x70_726f_6265
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(Probe { log: self.log.clone(), now: 0, held: [0.0, 500.0] }))
    }
}

struct Probe {
    log: Log,
    now: i64,
    held: [f32; 2],
}

impl Node for Probe {
    fn reset(&mut self) {}

    fn set(&mut self, control: usize, change: Change) {
        self.held[control] = change.value;
        self.log.lock().unwrap().push((self.now, control, change.value));
    }

    fn render(&mut self, _: &Transport, frames: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(self.held[GATE] * self.held[FREQ] / 1000.0);
        self.now += frames as i64;
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// Where each frame was, as a node was told: position in quarter notes, and whether time ran.
pub type Positions = Arc<Mutex<Vec<(f64, bool)>>>;

/// The type `position`: notes where each of its frames is.
pub struct PositionType {
    decl: NodeDecl,
    log: Positions,
}

impl PositionType {
    pub fn new(log: Positions) -> Self {
        let decl = NodeDecl {
            type_id: "position".into(),
            inputs: vec![],
            outputs: vec![Port::mono("out")],
            controls: vec![],
            settings: Vec::new(),
            role: Role::Process,
        };
        Self { decl, log }
    }
}

impl NodeType for PositionType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn code_key(&self) -> u64 {
        0x706f_7369
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        Ok(Box::new(PositionNode(self.log.clone())))
    }
}

struct PositionNode(Positions);

impl Node for PositionNode {
    fn reset(&mut self) {}

    fn set(&mut self, _: usize, _: Change) {}

    fn render(&mut self, time: &Transport, frames: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(0.0);
        let mut log = self.0.lock().unwrap();
        for frame in 0..frames {
            // A step further is where the next frame is, but for half of what the tempo changes meanwhile.
            let (here, next) = (time.beats(frame), time.after(frame + 1).beats(0));
            assert!((here + time.step_at(frame) + 0.5 * time.ramp - next).abs() < 1e-9, "{time:?}");
            log.push((here, time.running));
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

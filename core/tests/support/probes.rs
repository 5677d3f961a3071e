//! Node types that show what the engine does to them: a constant, a counter, a wire, a fault, a panic.
#![allow(dead_code)]

use krach_core::node::{
    Bargraph, Bus, Change, Control, ControlKind, CreateContext, CreateError, Node, NodeDecl, NodeType, Port,
    Registry, Role, Succession, Transport,
};
use std::any::Any;
use std::panic::PanicHookInfo;
use std::sync::{Arc, Once};

type Make = fn() -> Box<dyn Node>;

struct ProbeType {
    decl: NodeDecl,
    key: u64,
    make: Make,
    refuses: bool,
    bargraphs: Vec<Bargraph>,
}

impl NodeType for ProbeType {
    fn decl(&self) -> &NodeDecl {
        &self.decl
    }

    fn bargraphs(&self) -> &[Bargraph] {
        &self.bargraphs
    }

    fn code_key(&self) -> u64 {
        self.key
    }

    fn create(&self, _: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        if self.refuses { Err(CreateError("out of tubes".into())) } else { Ok((self.make)()) }
    }
}

fn ty(type_id: &str, inputs: usize, controls: &[(&str, f32)], make: Make) -> ProbeType {
    let controls = controls.iter().map(|(name, default)| Control::continuous(name, -1e9, 1e9, *default));
    let decl = NodeDecl {
        type_id: type_id.into(),
        inputs: (0..inputs).map(|_| Port::mono("in")).collect(),
        outputs: vec![Port::mono("out")],
        controls: controls.collect(),
        settings: Vec::new(),
        role: Role::Process,
    };
    let key = type_id.bytes().fold(7u64, |k, b| k.wrapping_mul(31).wrapping_add(u64::from(b)));
    ProbeType { decl, key, make, refuses: false, bargraphs: Vec::new() }
}

/// A type that renders its control `level`, of 0 to 4, whose values have these names.
pub fn named_values(type_id: &str, names: &[(&str, f32)]) -> Arc<dyn NodeType> {
    let mut ty = ty(type_id, 0, &[], || Box::new(Dc { level: 0.0 }));
    ty.decl.controls = vec![Control::continuous("level", 0.0, 4.0, 0.0).labels(names.iter().copied())];
    ty.key = ty.key.wrapping_add(names.len() as u64);
    Arc::new(ty)
}

/// A type that renders its one control.
pub fn scaled(type_id: &str, control: Control) -> Arc<dyn NodeType> {
    summing(type_id, vec![control])
}

/// A type that renders the sum of its controls.
pub fn summing(type_id: &str, controls: Vec<Control>) -> Arc<dyn NodeType> {
    let mut ty = ty(type_id, 0, &[], || Box::new(Total(Vec::new())));
    ty.key =
        controls.iter().flat_map(|c| c.name.bytes()).fold(ty.key, |k, b| k.wrapping_mul(31) ^ u64::from(b));
    ty.decl.controls = controls;
    Arc::new(ty)
}

/// The sum of its controls.
struct Total(Vec<f32>);

impl Node for Total {
    fn reset(&mut self) {}
    fn set(&mut self, control: usize, change: Change) {
        if self.0.len() <= control {
            // On the control side: a node is told all its controls before it is rendered.
            self.0.resize(control + 1, 0.0);
        }
        self.0[control] = change.value;
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let sum: f32 = self.0.iter().sum();
        outputs.iter_mut().for_each(|out| out.fill(sum));
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A type of any name that renders its control `level`: what its code is, is how many inputs it has and
/// the level it starts with.
pub fn text_type(type_id: &str, inputs: usize, level: f32) -> Arc<dyn NodeType> {
    let mut probe = ty(type_id, inputs, &[("level", level)], || Box::new(Dc { level: 0.0 }));
    probe.key ^= u64::from(level.to_bits()) ^ (inputs as u64) << 40;
    Arc::new(probe)
}

/// As [`text_type`], but no instance of it can be made.
pub fn text_type_that_refuses(type_id: &str) -> Arc<dyn NodeType> {
    let mut probe = ty(type_id, 0, &[], || Box::new(Thru));
    probe.refuses = true;
    Arc::new(probe)
}

/// A type that feeds a stem, 1…8, as `dac` feeds the main output.
pub fn stem_type(number: usize) -> Arc<dyn NodeType> {
    let mut probe = ty(&format!("stem{number}"), 0, &[], || Box::new(Thru));
    probe.decl.inputs = vec![Port::stereo("in")];
    probe.decl.outputs.clear();
    probe.decl.role = Role::Output(Bus::stem(number).expect("there are eight"));
    Arc::new(probe)
}

/// A type that counts frames: `whole` says that it takes over from another.
pub fn counting_type(type_id: &str, key: u64, whole: bool) -> Arc<dyn NodeType> {
    let make: Make = if whole {
        || Box::new(Count { frames: 0, whole: true })
    } else {
        || Box::new(Count { frames: 0, whole: false })
    };
    let mut probe = ty(type_id, 0, &[], make);
    probe.key = key;
    Arc::new(probe)
}

/// A type whose output is its control with its ramps; one with another key takes over whole.
pub fn following_type(type_id: &str, key: u64) -> Arc<dyn NodeType> {
    let mut probe = ty(type_id, 0, &[("level", 0.0)], || Box::new(Level { now: 0.0, to: 0.0, left: 0 }));
    probe.key = key;
    Arc::new(probe)
}

/// The built-in types and the probes.
pub fn registry() -> Registry {
    let mut registry = Registry::with_builtins();
    for probe in [
        ty("dc", 0, &[("level", 1.0)], || Box::new(Dc { level: 1.0 })),
        ty("level", 0, &[("level", 0.0)], || Box::new(Level { now: 0.0, to: 0.0, left: 0 })),
        ty("dc_other", 0, &[("level", 0.25)], || Box::new(Dc { level: 0.25 })),
        ty("count", 0, &[], || Box::new(Count { frames: 0, whole: false })),
        ty("count_better", 0, &[], || Box::new(Count { frames: 0, whole: true })),
        ty("thru", 1, &[], || Box::new(Thru)),
        ty("faulty", 0, &[("after", 0.0), ("level", 0.5)], || {
            Box::new(Faulty { frames: 0, after: 0, level: 0.5 })
        }),
        ty("panicky", 0, &[("when", 0.0)], || Box::new(Panicky { when: 0 })),
        ty("panicky_heir", 0, &[("when", 0.0)], || Box::new(Panicky { when: 4 })),
    ] {
        registry.add(Arc::new(probe));
    }
    registry.add(Arc::new(pipe("pipe")));
    registry.add(Arc::new(pipe("pipe_better")));
    registry.add(Arc::new(seen_pipe("pipe_seen", "freq")));
    registry.add(Arc::new(seen_pipe("pipe_seen_again", "tone")));
    let mut struck = ty("struck", 0, &[("freq", 1.0), ("gate", 0.0)], || {
        Box::new(Struck { freq: 1.0, open: false, times: 0 })
    });
    struck.decl.controls[1].kind = ControlKind::Gate;
    registry.add(Arc::new(struck));
    let mut refuses = ty("refuses", 0, &[], || Box::new(Thru));
    refuses.refuses = true;
    registry.add(Arc::new(refuses));
    registry
}

/// A constant: its control, at once.
struct Dc {
    level: f32,
}

impl Node for Dc {
    fn reset(&mut self) {}
    fn set(&mut self, _: usize, change: Change) {
        self.level = change.value;
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(self.level);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A constant that follows ramps.
struct Level {
    now: f32,
    to: f32,
    left: u32,
}

impl Node for Level {
    fn reset(&mut self) {
        (self.now, self.left) = (self.to, 0);
    }
    fn set(&mut self, _: usize, change: Change) {
        (self.to, self.left) = (change.value, change.ramp);
        if change.ramp == 0 {
            self.now = self.to;
        }
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for x in outputs[0].iter_mut() {
            self.now =
                if self.left > 1 { self.now + (self.to - self.now) / self.left as f32 } else { self.to };
            self.left = self.left.saturating_sub(1);
            *x = self.now;
        }
    }
    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        let Some(old) = old.as_any().downcast_mut::<Level>() else { return Succession::None };
        std::mem::swap(self, old);
        Succession::Whole
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// Frames since creation or reset, in 2⁻²⁰: shows any restart, any frame rendered twice.
struct Count {
    frames: u32,
    whole: bool,
}

impl Node for Count {
    fn reset(&mut self) {
        self.frames = 0;
    }
    fn set(&mut self, _: usize, _: Change) {}
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for x in outputs[0].iter_mut() {
            *x = self.frames as f32 / 1_048_576.0;
            self.frames += 1;
        }
    }
    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        match old.as_any().downcast_mut::<Count>() {
            Some(old) if self.whole => {
                self.frames = old.frames;
                Succession::Whole
            }
            _ => Succession::None,
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A wire.
struct Thru;

impl Node for Thru {
    fn reset(&mut self) {}
    fn set(&mut self, _: usize, _: Change) {}
    fn render(&mut self, _: &Transport, _: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].copy_from_slice(inputs[0]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// A constant with one NaN `after` that many frames since creation or reset; never, if 0.
struct Faulty {
    frames: u32,
    after: u32,
    level: f32,
}

impl Node for Faulty {
    fn reset(&mut self) {
        self.frames = 0;
    }
    fn set(&mut self, control: usize, change: Change) {
        match control {
            0 => (self.after, self.frames) = (change.value as u32, 0),
            _ => self.level = change.value,
        }
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        for x in outputs[0].iter_mut() {
            self.frames += 1;
            let odd = [f32::NAN, f32::INFINITY][self.frames as usize % 2];
            *x = if self.frames == self.after { odd } else { self.level };
        }
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// What the panics of probes say, and no other.
const HURTS: &str = " hurts\n";

type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// From now on panics of probes are not reported on the terminal; all others are.
pub fn hush_probes() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(hushing(std::panic::take_hook())));
}

/// A hook that leaves panics of probes out, and calls `next` for the others.
pub fn hushing(next: Hook) -> Hook {
    Box::new(move |info| {
        if !message_of(info).contains(HURTS) {
            next(info);
        }
    })
}

/// What a panic says.
pub fn message_of<'a>(info: &'a PanicHookInfo<'_>) -> &'a str {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or_default()
}

/// Silence that panics: 1 in render, 2 in set, 3 in reset, 4 in succeed.
struct Panicky {
    when: u32,
}

impl Node for Panicky {
    fn reset(&mut self) {
        assert_ne!(self.when, 3, "reset hurts");
    }
    fn set(&mut self, _: usize, change: Change) {
        if self.when != 4 {
            self.when = change.value as u32;
        }
        assert_ne!(self.when, 2, "set hurts");
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        assert_ne!(self.when, 1, "render hurts");
        outputs[0].fill(0.125);
    }
    fn succeed(&mut self, _: &mut dyn Node) -> Succession {
        assert_ne!(self.when, 4, "succeed hurts");
        Succession::None
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// An instrument: `freq` × `vel` while `gate` is open, a quarter of that for `tail` frames after it has
/// closed, then silence. `other` is added while it is open.
fn pipe(type_id: &str) -> ProbeType {
    let controls =
        [("freq", 1.0), ("vel", 1.0), ("gate", 0.0), ("tail", 1000.0), ("other", 0.0), ("pressure", 0.0)];
    let mut pipe = ty(type_id, 0, &controls, || {
        Box::new(Pipe { values: [1.0, 1.0, 0.0, 1000.0, 0.0, 0.0], left: 0, seen: 0.0 })
    });
    pipe.decl.controls[2].kind = ControlKind::Gate;
    pipe
}

/// A pipe that shows what its `freq` is.
fn seen_pipe(type_id: &str, name: &str) -> ProbeType {
    let freq = Bargraph { name: name.into(), unit: "Hz".into(), min: 0.0, max: 100.0 };
    ProbeType { bargraphs: vec![freq], ..pipe(type_id) }
}

/// A pipe whose controls have these names, in its order.
pub fn pipe_named(type_id: &str, names: [&str; 6]) -> Arc<dyn NodeType> {
    let mut pipe = pipe(type_id);
    pipe.decl.controls.iter_mut().zip(names).for_each(|(c, name)| c.name = name.into());
    // Other names are other code.
    pipe.key ^= names.iter().flat_map(|name| name.bytes()).fold(1, |k, b| k * 31 % 1_000_003 + u64::from(b));
    Arc::new(pipe)
}

/// A constant, the sum of two controls of these names.
pub fn sum_named(type_id: &str, names: [&str; 2]) -> Arc<dyn NodeType> {
    let mut sum = ty(type_id, 0, &[(names[0], 0.0), (names[1], 0.0)], || Box::new(Sum([0.0; 2])));
    sum.key ^= names.iter().flat_map(|name| name.bytes()).fold(2, |k, b| k * 31 % 1_000_003 + u64::from(b));
    Arc::new(sum)
}

struct Sum([f32; 2]);

impl Node for Sum {
    fn reset(&mut self) {}
    fn set(&mut self, control: usize, change: Change) {
        self.0[control] = change.value;
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(self.0[0] + self.0[1]);
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

struct Pipe {
    values: [f32; 6],
    left: u32,
    /// `freq` as it was rendered last.
    seen: f32,
}

/// While its gate is open: `freq` and 10,000 for each time that the gate has opened.
struct Struck {
    freq: f32,
    open: bool,
    times: u32,
}

impl Node for Struck {
    fn reset(&mut self) {
        self.times = u32::from(self.open);
    }
    fn set(&mut self, control: usize, change: Change) {
        if control == 0 {
            self.freq = change.value;
        } else {
            self.times += u32::from(change.value > 0.0 && !self.open);
            self.open = change.value > 0.0;
        }
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        outputs[0].fill(if self.open { self.freq + 10_000.0 * self.times as f32 } else { 0.0 });
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl Node for Pipe {
    fn reset(&mut self) {
        self.left = 0;
    }
    fn set(&mut self, control: usize, change: Change) {
        if control == 2 && self.values[2] > 0.0 && change.value <= 0.0 {
            self.left = self.values[3] as u32;
        }
        self.values[control] = change.value;
    }
    fn render(&mut self, _: &Transport, _: usize, _: &[&[f32]], outputs: &mut [&mut [f32]]) {
        self.seen = self.values[0];
        let [freq, vel, gate, _, other, pressure] = self.values;
        for x in outputs[0].iter_mut() {
            *x = if gate > 0.0 {
                freq * vel + other + pressure
            } else if self.left > 0 {
                self.left -= 1;
                0.25 * freq * vel
            } else {
                0.0
            };
        }
    }
    fn shown(&self, _: usize) -> f32 {
        self.seen
    }
    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

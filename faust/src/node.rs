//! A compiled program as a node type of the engine.

use crate::controls::ParamRamp;
use crate::error::CompileError;
use crate::interface::{Interface, ports_of};
use crate::object::Object;
use crate::program::{Program, State};
use crate::stillness::Stillness;
use krach_core::node::{
    Bargraph, Change, ControlKind, CreateContext, CreateError, Node, NodeDecl, NodeType, Succession,
    Transport,
};
use std::any::Any;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Most channels on one side; the budget allows no more.
const CHANNELS: usize = 64;
/// Frames that a program in double precision renders at a time.
const WIDE: usize = 256;

/// A compiled program that the engine can make nodes of.
///
/// Code is linked once per sample rate, when the first node is created, and shared by all nodes of
/// that rate; it is freed with the last of them.
pub struct FaustType {
    object: Arc<Object>,
    interface: Interface,
    programs: Mutex<BTreeMap<i32, Weak<Program>>>,
}

impl FaustType {
    /// The type of a compiled program.
    ///
    /// # Errors
    /// If its description is damaged.
    pub fn new(object: Arc<Object>) -> Result<Self, CompileError> {
        let interface = object.interface()?;
        Ok(Self { object, interface, programs: Mutex::default() })
    }

    /// The same under another type id than `faust:<name of the program>`.
    #[must_use]
    pub fn called(mut self, type_id: &str) -> Self {
        type_id.clone_into(&mut self.interface.decl.type_id);
        self
    }

    /// The same channels as other ports: so many of so many channels (1 or 2) each.
    ///
    /// # Errors
    /// If the program has not so many channels.
    pub fn with_ports(mut self, inputs: &[usize], outputs: &[usize]) -> Result<Self, CompileError> {
        for (ports, wanted, name) in [
            (&mut self.interface.decl.inputs, inputs, "in"),
            (&mut self.interface.decl.outputs, outputs, "out"),
        ] {
            let has: usize = ports.iter().map(|port| port.channels).sum();
            let sum: usize = wanted.iter().sum();
            if has != sum {
                return Err(CompileError::Code(format!("it has {has} {name}puts where {sum} are meant")));
            }
            *ports = ports_of(name, wanted);
        }
        Ok(self)
    }

    /// Ports and controls with what the program says about their looks.
    pub fn interface(&self) -> &Interface {
        &self.interface
    }

    /// Links the code for a sample rate now, on whichever thread this is, for nodes that are created while
    /// what comes back is there: creating them is quick then.
    ///
    /// # Errors
    /// If it cannot be linked.
    pub fn link(&self, sample_rate: f64) -> Result<Ready, CompileError> {
        self.program(sample_rate.round() as i32).map(Ready)
    }

    fn program(&self, sample_rate: i32) -> Result<Arc<Program>, CompileError> {
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(&sample_rate).and_then(Weak::upgrade) {
            return Ok(program);
        }
        let program = Arc::new(Program::new(&self.object, &self.interface, sample_rate)?);
        programs.retain(|_, program| program.strong_count() > 0);
        programs.insert(sample_rate, Arc::downgrade(&program));
        Ok(program)
    }
}

/// Linked code that waits for its first node.
pub struct Ready(#[expect(dead_code, reason = "it is only held")] Arc<Program>);

impl NodeType for FaustType {
    fn decl(&self) -> &NodeDecl {
        &self.interface.decl
    }

    fn bargraphs(&self) -> &[Bargraph] {
        &self.interface.bargraphs
    }

    fn code_key(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.object.key.0[..8]);
        u64::from_le_bytes(first)
    }

    /// What has no audio inputs is made to sound by its gates, if it has any. With inputs it may hold back what it was
    /// fed for longer than any rule waits: an echo.
    fn rests(&self) -> bool {
        let decl = &self.interface.decl;
        decl.inputs.is_empty() && decl.controls.iter().any(|control| control.kind == ControlKind::Gate)
    }

    fn memory(&self) -> usize {
        let state = State::taken_by(self.object.state as usize);
        state + Stillness::room_for(state)
    }

    fn room_ahead(&self) -> usize {
        State::room_ahead()
    }

    fn create(&self, ctx: &CreateContext) -> Result<Box<dyn Node>, CreateError> {
        let name = &self.object.name;
        let rate = ctx.sample_rate.round();
        if !(1.0..=1e6).contains(&rate) {
            return Err(CreateError(format!("{name}: no sound at a sample rate of {rate} Hz")));
        }
        let failed = |error| CreateError(format!("{name}: {error}"));
        let program = self.program(rate as i32).map_err(failed)?;
        let ramps = self
            .interface
            .widgets
            .iter()
            .map(|widget| {
                let control = &widget.control;
                let gate = control.kind == ControlKind::Gate;
                (widget.zone, ParamRamp::new(control.min, control.max, control.default, gate))
            })
            .collect();
        let channels =
            |ports: &[krach_core::node::Port]| -> usize { ports.iter().map(|port| port.channels).sum() };
        let (inputs, outputs) =
            (channels(&self.interface.decl.inputs), channels(&self.interface.decl.outputs));
        let wide = if self.interface.double { (inputs + outputs) * WIDE } else { 0 };
        Ok(Box::new(FaustNode {
            state: program.fresh.another().map_err(failed)?,
            stillness: Stillness::of(&program.fresh).map_err(failed)?,
            program,
            sample_rate: rate as i32,
            layout: self.object.layout,
            ramps,
            inputs,
            outputs,
            shown: self.interface.shown.as_slice().into(),
            double: self.interface.double,
            wide: vec![0.0; wide].into_boxed_slice(),
        }))
    }
}

/// A running program.
struct FaustNode {
    state: State,
    stillness: Stillness,
    program: Arc<Program>,
    sample_rate: i32,
    layout: [u8; 32],
    /// Place in the state and value over time, per control.
    ramps: Box<[(usize, ParamRamp)]>,
    /// Places of the bargraphs in the state.
    shown: Box<[usize]>,
    inputs: usize,
    outputs: usize,
    /// It computes in 64 bits, between these: [`WIDE`] samples per channel, inputs first.
    double: bool,
    wide: Box<[f64]>,
}

impl FaustNode {
    /// Renders `count` frames from `start` on, at most [`WIDE`] if in double precision.
    fn compute(&mut self, start: usize, count: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let mut from = [std::ptr::null::<c_void>(); CHANNELS];
        let mut to = [std::ptr::null_mut::<c_void>(); CHANNELS];
        if self.double {
            let (ins, outs) = self.wide.split_at_mut(self.inputs * WIDE);
            let ins = ins.chunks_exact_mut(WIDE).zip(inputs);
            for (pointer, (wide, channel)) in from.iter_mut().zip(ins) {
                wide.iter_mut().zip(&channel[start..start + count]).for_each(|(w, x)| *w = f64::from(*x));
                *pointer = wide.as_ptr().cast();
            }
            for (pointer, wide) in to.iter_mut().zip(outs.chunks_exact_mut(WIDE)) {
                *pointer = wide.as_mut_ptr().cast();
            }
        } else {
            for (pointer, channel) in from.iter_mut().zip(inputs) {
                *pointer = channel[start..].as_ptr().cast();
            }
            for (pointer, channel) in to.iter_mut().zip(outputs.iter_mut()) {
                *pointer = channel[start..].as_mut_ptr().cast();
            }
        }
        // SAFETY: the state was cloned from this program's, or swapped with one of the same layout; every
        // channel of the program has a pointer to at least `count` samples of its precision (`render` has
        // checked), and slices that may be written never overlap others.
        unsafe { self.program.compute(&mut self.state, count as i32, from.as_ptr(), to.as_ptr()) };
        if self.double {
            let outs = self.wide[self.inputs * WIDE..].chunks_exact(WIDE);
            for (channel, wide) in outputs.iter_mut().zip(outs) {
                channel[start..start + count].iter_mut().zip(wide).for_each(|(x, w)| *x = *w as f32);
            }
        }
    }
}

impl Node for FaustNode {
    fn reset(&mut self) {
        // Tables that the program writes are signal state too: everything starts afresh.
        self.stillness.disturbed();
        self.state.copy_from(&self.program.fresh);
        for (zone, ramp) in &mut self.ramps {
            ramp.finish();
            let (value, _) = ramp.next();
            ramp.is_news(value);
            self.state.set(*zone, value, self.double);
        }
    }

    fn set(&mut self, control: usize, change: Change) {
        if let Some((_, ramp)) = self.ramps.get_mut(control) {
            self.stillness.disturbed();
            ramp.set(change);
        }
    }

    fn render(&mut self, _: &Transport, frames: usize, inputs: &[&[f32]], outputs: &mut [&mut [f32]]) {
        let fits = inputs.len() == self.inputs
            && outputs.len() == self.outputs
            && self.inputs.max(self.outputs) <= CHANNELS
            && inputs.iter().all(|channel| channel.len() >= frames)
            && outputs.iter().all(|channel| channel.len() >= frames);
        if !fits {
            outputs.iter_mut().for_each(|channel| channel.fill(0.0));
            return;
        }
        let silence = inputs.iter().all(|channel| channel[..frames].iter().all(|x| *x == 0.0));
        let mut start = 0;
        while start < frames {
            let looks = silence && self.stillness.looks();
            if looks {
                self.stillness.before(&self.state);
            }
            let mut count = u32::try_from(frames - start).unwrap_or(u32::MAX).min(i32::MAX as u32);
            for (zone, ramp) in &mut self.ramps {
                let (value, hold) = ramp.next();
                count = count.min(hold);
                if ramp.is_news(value) {
                    self.state.set(*zone, value, self.double);
                }
            }
            if self.double {
                count = count.min(WIDE as u32);
            }
            if looks {
                count = 1;
            }
            self.compute(start, count as usize, inputs, outputs);
            for (_, ramp) in &mut self.ramps {
                ramp.advance(count);
            }
            let end = start + count as usize;
            let zeros =
                silence && outputs.iter().all(|channel| channel[start..end].iter().all(|x| *x == 0.0));
            let moves = self.ramps.iter().any(|(_, ramp)| ramp.moves());
            self.stillness.after(&self.state, zeros && !moves, u64::from(count), looks);
            start += count as usize;
        }
    }

    /// The same program in another tier goes on with the old one's state, which changes hands.
    fn succeed(&mut self, old: &mut dyn Node) -> Succession {
        let Some(old) = old.as_any().downcast_mut::<Self>() else { return Succession::None };
        if old.layout != self.layout || old.sample_rate != self.sample_rate {
            return Succession::None;
        }
        self.stillness.disturbed();
        std::mem::swap(&mut self.state, &mut old.state);
        std::mem::swap(&mut self.ramps, &mut old.ramps);
        Succession::Whole
    }

    fn shown(&self, bargraph: usize) -> f32 {
        self.shown.get(bargraph).map_or(0.0, |zone| self.state.get(*zone, self.double))
    }

    fn is_still(&self) -> bool {
        self.stillness.still
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

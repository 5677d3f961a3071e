//! Macros of the host: which controls each moves, at its sample.
//!
//! A macro's value writes base values, as a controller does, where it changes and not before: what a load or an edit
//! has set since stands until then. The host's modulation of a macro writes none: what it adds lies on top of whoever
//! writes the control, and goes without a trace.

use super::Returns;
use super::control_writes::{ControlEvent, ControlWrite, EventQueue};
use super::params::{ParamId, ParamState, Params};
use super::renderer::Renderer;
use crate::limits::{MACRO_TARGETS, MACROS, NONE};
use crate::model::Curve;
use crate::plan::{Modulation, Plan};
use crate::processor::FromAudio;
use crate::symbol::Symbol;
use krach_patterns::Full;

/// Orders of macros among what is written on one sample: behind keys and controllers.
const BEHIND: u32 = 1 << 24;

/// What a macro moves, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MacroWay {
    /// The control, by label or path.
    pub target: Symbol,
    /// Value where the macro is at 0.
    pub lo: f64,
    /// Value where it is at 1.
    pub hi: f64,
    /// How the values between lie.
    pub curve: Curve,
}

/// A target, as far as the plan that plays knows it.
#[derive(Clone, Copy, Debug)]
struct Bound {
    way: MacroWay,
    /// Index of the control in the plan; [`NONE`]: there is none.
    control: u32,
    /// The value it was set to last, until the control side knows.
    unreported: Option<f32>,
}

/// The targets of one macro.
#[derive(Debug, Default)]
pub struct MacroTargets(Vec<Bound>);

impl MacroTargets {
    /// Of these ways; beyond [`MACRO_TARGETS`] they move nothing.
    pub fn new(ways: impl IntoIterator<Item = MacroWay>) -> Self {
        let bound = ways.into_iter().map(|way| Bound { way, control: NONE, unreported: None });
        Self(bound.take(MACRO_TARGETS).collect())
    }
}

/// All macros, and what each moves.
pub(super) struct Macros {
    targets: [MacroTargets; MACROS],
    /// (control, macro, target) of all targets that the plan has, sorted: those of one control stand together.
    order: Vec<(u32, u8, u8)>,
    /// Some target's value is not told yet.
    unreported: bool,
    /// The next macro that moves is to be told.
    learning: bool,
    /// It has moved.
    learned: Option<u8>,
}

impl Macros {
    pub fn new() -> Self {
        Self {
            targets: std::array::from_fn(|_| MacroTargets::default()),
            order: Vec::with_capacity(MACROS * MACRO_TARGETS),
            unreported: false,
            learning: false,
            learned: None,
        }
    }

    /// Values that were set until now are not told.
    pub fn forget_moves(&mut self) {
        self.targets.iter_mut().flat_map(|targets| &mut targets.0).for_each(|bound| bound.unreported = None);
        self.unreported = false;
    }

    /// Puts the targets of a macro, counted from 0, in place; those that it had stand in `targets` then. Values that
    /// were not told yet are.
    fn put(&mut self, index: u8, targets: &mut MacroTargets) {
        let Some(place) = self.targets.get_mut(usize::from(index)) else { return };
        std::mem::swap(place, targets);
        for bound in &mut place.0 {
            let before = targets.0.iter().find(|old| old.way.target == bound.way.target);
            bound.unreported = before.and_then(|old| old.unreported);
        }
    }

    /// Finds all targets in a plan.
    fn bind(&mut self, plan: &Plan) {
        self.order.clear();
        for (number, targets) in self.targets.iter_mut().enumerate() {
            for (at, bound) in targets.0.iter_mut().enumerate() {
                bound.control = plan.control(bound.way.target).unwrap_or(NONE);
                if bound.control != NONE {
                    self.order.push((bound.control, number as u8, at as u8));
                }
            }
        }
        self.order.sort_unstable();
    }

    /// What all macros together add to a control where they stand there.
    fn modulation(&self, plan: &Plan, control: u32, stand: impl Fn(u8) -> ParamState) -> Modulation {
        let first = self.order.partition_point(|(of, ..)| *of < control);
        let same = self.order[first..].iter().take_while(|(of, ..)| *of == control);
        let (mut times, mut add) = (1.0, 0.0);
        for &(_, number, at) in same {
            let state = stand(number);
            if state.modulation == 0.0 {
                continue;
            }
            let Some(declared) = plan.declared(control) else { continue };
            let MacroWay { lo, hi, curve, .. } = self.targets[usize::from(number)].0[usize::from(at)].way;
            let plain = curve.along(declared, lo, hi, f64::from(state.value));
            let moved = curve.along(declared, lo, hi, f64::from(state.sum()));
            match curve.is_by_factors(declared, lo, hi) {
                true => times *= moved / plain,
                false => add += moved - plain,
            }
        }
        Modulation { times: times as f32, add: add as f32 }
    }

    /// Queues what the macros do before sample `until`.
    pub fn collect(
        &mut self,
        plan: &Plan,
        params: &Params,
        until: i64,
        queue: &mut EventQueue,
    ) -> Result<(), Full> {
        let macros = params.moves(until).filter_map(|(param, state)| match param {
            ParamId::Macro(number) if usize::from(number) < MACROS => Some((number, state)),
            _ => None,
        });
        if macros.clone().next().is_none() {
            return Ok(());
        }
        let mut now: [ParamState; MACROS] = std::array::from_fn(|n| params.state(ParamId::Macro(n as u8)));
        let mut rest = macros;
        let mut order = BEHIND;
        while let Some((number, state)) = rest.next() {
            // Of several changes on one sample the last counts.
            let mut same_sample = rest.clone().take_while(|(_, later)| later.since == state.since);
            if same_sample.any(|(other, _)| other == number) {
                continue;
            }
            let before = std::mem::replace(&mut now[usize::from(number)], state);
            let moves = before.value != state.value;
            let modulates = before.modulation != state.modulation || moves && state.modulation != 0.0;
            if moves && self.learning && self.learned.is_none() {
                self.learned = Some(number);
            }
            for at in 0..self.targets[usize::from(number)].0.len() {
                let Bound { way: MacroWay { lo, hi, curve, .. }, control, .. } =
                    self.targets[usize::from(number)].0[at];
                let Some(declared) = plan.declared(control) else { continue };
                // Before the patterns of the same sample.
                let time = (state.since, f64::NEG_INFINITY);
                if moves {
                    let value = curve.along(declared, lo, hi, f64::from(state.value)) as f32;
                    let value = plan.controls[control as usize].finite(value);
                    order += 1;
                    queue.push(ControlEvent::new(
                        plan,
                        control,
                        time,
                        (0, order),
                        ControlWrite::Base(value),
                    ))?;
                    self.targets[usize::from(number)].0[at].unreported = Some(value);
                    self.unreported = true;
                }
                if modulates {
                    let modulation = self.modulation(plan, control, |n| now[usize::from(n)]);
                    order += 1;
                    let write = ControlWrite::Modulate(modulation);
                    queue.push(ControlEvent::new(plan, control, time, (0, order), write))?;
                }
            }
        }
        Ok(())
    }
}

impl Renderer {
    /// Puts the targets of a macro in place of those that it had, which come back. No control moves.
    pub fn put_macro(&mut self, index: u8, targets: &mut MacroTargets) {
        self.macros.put(index, targets);
        self.bind_macros();
    }

    /// Waits for a macro that moves, or no more.
    pub fn learn_macro(&mut self, on: bool) {
        (self.macros.learning, self.macros.learned) = (on, None);
    }

    /// The plan, or what macros move, is another: targets are found again, and controls have the modulation of those
    /// that move them now.
    pub(super) fn bind_macros(&mut self) {
        self.macros.bind(&self.plan);
        self.place_modulation();
    }

    /// Every control has the modulation that the macros add where they stand.
    pub(super) fn place_modulation(&mut self) {
        for control in 0..self.plan.controls.len() {
            if self.plan.controls[control].modulation != Modulation::NONE {
                self.modulate(control as u32);
            }
        }
        for at in 0..self.macros.order.len() {
            let (control, number, _) = self.macros.order[at];
            if self.params.state(ParamId::Macro(number)).modulation != 0.0 {
                self.modulate(control);
            }
        }
    }

    fn modulate(&mut self, control: u32) {
        let stand = |number| self.params.state(ParamId::Macro(number));
        let modulation = self.macros.modulation(&self.plan, control, stand);
        if self.plan.controls[control as usize].modulation != modulation {
            self.write(control, ControlWrite::Modulate(modulation));
        }
    }

    /// Tells the control side which base values macros have set, and which one was waited for.
    pub(super) fn report_macros(&mut self, returns: &mut Returns) {
        if let Some(index) = self.macros.learned
            && returns.try_send(FromAudio::MacroLearned { index })
        {
            (self.macros.learning, self.macros.learned) = (false, None);
        }
        if !self.macros.unreported {
            return;
        }
        self.macros.unreported = false;
        for bound in self.macros.targets.iter_mut().flat_map(|targets| &mut targets.0) {
            let Some(value) = bound.unreported else { continue };
            // Others may have set it since.
            let value = self.plan.controls.get(bound.control as usize).map_or(value, |control| control.base);
            let target = bound.way.target;
            match returns.try_send(FromAudio::Moved { target, value }) {
                true => bound.unreported = None,
                false => self.macros.unreported = true,
            }
        }
    }
}

//! The body of a function over the state: where values come from, and the loop over frames.

use super::build::Build;
use super::places::{LinePlace, Places, has_no_value};
use crate::back::apart::{MAX_LINES, Scopes};
use crate::cpu::Tier;
use crate::error::{CompileError, strange};
use krach_faust_lang::program::{Op, Program, Value};
use krach_faust_lang::signal::WidgetKind;
use krach_faust_lang::types::Nature;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMIntPredicate, LLVMOpcode};
use std::collections::BTreeMap;

/// A function that is being written.
pub(super) struct Body<'a> {
    pub(super) build: &'a Build,
    pub(super) program: &'a Program,
    pub(super) places: &'a Places,
    /// Tables that instances share, and waveforms.
    pub(super) tables: &'a [LLVMValueRef],
    pub(super) waveforms: &'a [LLVMValueRef],
    pub(super) function: LLVMValueRef,
    pub(super) state: LLVMValueRef,
    /// What of the state is in a variable, by its place.
    pub(super) variables: BTreeMap<u64, (LLVMValueRef, Nature)>,
    /// How far back a line is read where that does not change with every sample, held inside the line.
    pub(super) amounts: BTreeMap<(u32, Value), LLVMValueRef>,
    pub(super) values: Vec<LLVMValueRef>,
    /// Input channels, and the frame at hand.
    pub(super) ins: Vec<LLVMValueRef>,
    pub(super) frame: LLVMValueRef,
    /// Parts of the memory that are apart.
    pub(super) scopes: &'a Scopes,
}

/// A part of the memory that is apart from the others.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Channel,
    Line(u32),
    Own(u32),
}

impl Body<'_> {
    /// Says in which part of the memory a load or store is. Lines and tables are told apart as far as there are scopes; an
    /// index is held within each.
    pub(super) fn within(&self, access: LLVMValueRef, part: Part) -> LLVMValueRef {
        let scope = |number: usize| Some(1 + number.min(MAX_LINES - 1));
        let part = match part {
            Part::Channel => None,
            Part::Line(line) => scope(line as usize),
            Part::Own(table) => scope(self.program.lines.len() + table as usize),
        };
        self.build.within(self.scopes, access, part);
        access
    }

    pub(super) fn get(&self, place: u64, nature: Nature) -> LLVMValueRef {
        let from = self.variables.get(&place).map(|(variable, _)| *variable);
        let from = from.unwrap_or_else(|| self.build.offset(self.state, place));
        self.build.load(self.build.ty(nature), from)
    }

    pub(super) fn put(&self, place: u64, value: LLVMValueRef, nature: Nature) {
        debug_assert!(self.variables.get(&place).is_none_or(|(_, known)| *known == nature));
        let to = self.variables.get(&place).map(|(variable, _)| *variable);
        self.build.store(value, to.unwrap_or_else(|| self.build.offset(self.state, place)));
    }

    /// What follows the sampling rate alone was computed before.
    pub(super) fn recall(&mut self) -> Result<(), CompileError> {
        for at in 0..self.program.controls {
            let step = self.program.steps[at];
            self.values[at] = match (self.places.kept[at], step.op) {
                (Some(place), _) => self.get(place, step.nature),
                (None, Op::Int(value)) => self.build.int(value),
                (None, Op::Real(value)) => self.build.real(value),
                (None, _) => return Err(strange("its constants write")),
            };
        }
        Ok(())
    }

    /// What is done for every block comes to the same however often it is done.
    pub(super) fn controls(&mut self) -> Result<(), CompileError> {
        let steps = self.program.controls..self.program.samples;
        let counts = |op: Op| {
            has_no_value(op)
                || matches!(
                    op,
                    Op::First(..)
                        | Op::Waveform(_)
                        | Op::Read(..)
                        | Op::ReadNow(..)
                        | Op::Load(..)
                        | Op::Input(_)
                )
        };
        if self.program.steps[..steps.end].iter().any(|step| counts(step.op)) {
            return Err(strange("its controls count samples"));
        }
        self.run(steps)
    }

    /// Takes what is small of the state into variables. Code of the quick tier has few registers to spare from frame to frame: there
    /// the counter alone is one.
    pub(super) fn enter(&mut self, tier: Tier) {
        let mut small: Vec<(u64, Nature)> =
            self.places.count.map(|place| (place, Nature::Int)).into_iter().collect();
        if tier == Tier::Optimised {
            small.extend(self.small());
        }
        for (place, nature) in small {
            self.variables
                .entry(place)
                .or_insert_with(|| (self.build.variable(self.build.ty(nature)), nature));
        }
        for (place, (variable, nature)) in &self.variables {
            let from = self.build.offset(self.state, *place);
            self.build.store(self.build.load(self.build.ty(*nature), from), *variable);
        }
    }

    /// What is small of the state.
    fn small(&self) -> Vec<(u64, Nature)> {
        let (program, places) = (self.program, self.places);
        let mut small = Vec::new();
        let kept = places.kept.iter().enumerate().skip(program.controls);
        small.extend(kept.filter_map(|(at, place)| Some(((*place)?, program.steps[at].nature))));
        small.extend(places.holds.iter().zip(&program.holds).map(|(place, (nature, _))| (*place, *nature)));
        small.extend(places.firsts.iter().chain(&places.waveforms).map(|place| (*place, Nature::Int)));
        for (line, place) in program.lines.iter().zip(&places.lines) {
            let wide = if line.nature == Nature::Real { places.real } else { 4 };
            match *place {
                LinePlace::Short { at, count } => {
                    small.extend((0..u64::from(count)).map(|sample| (at + sample * wide, line.nature)));
                }
                LinePlace::Ring { next, .. } => small.push((next, Nature::Int)),
            }
        }
        let widgets = program.ui.widgets.iter().enumerate();
        let shown = widgets.filter(|(_, widget)| matches!(widget.kind, WidgetKind::Bargraph(_)));
        small.extend(shown.map(|(at, _)| (at as u64 * places.real, Nature::Real)));
        small
    }

    /// Holds the delays that stay as they are for the whole block.
    fn amounts(&mut self) {
        for step in &self.program.steps[self.program.samples..] {
            if let Op::Read(line, amount) | Op::ReadNow(line, amount, _) = step.op
                && (amount.0 as usize) < self.program.samples
            {
                self.amounts.insert((line, amount), self.held(line, self.value(amount)));
            }
        }
    }

    fn exit(&self) {
        for (place, (variable, nature)) in &self.variables {
            let value = self.build.load(self.build.ty(*nature), *variable);
            self.build.store(value, self.build.offset(self.state, *place));
        }
    }

    /// Renders frames. The outputs are written as whole numbers where `whole` says so.
    pub(super) fn frames(&mut self, whole: bool, tier: Tier) -> Result<(), CompileError> {
        let build = self.build;
        let count = build.param(self.function, 1);
        let channel = |from: u32, at: usize| {
            let list = build.param(self.function, from);
            build.load(build.pointer, build.element(build.pointer, list, build.long(at as u64)))
        };
        let outs: Vec<LLVMValueRef> = (0..self.program.outputs.len()).map(|at| channel(3, at)).collect();
        let ins = (0..self.program.inputs as usize).map(|at| channel(2, at)).collect();
        self.ins = ins;
        self.enter(tier);
        self.recall()?;
        self.controls()?;
        self.amounts();
        let (each, done) = (build.block(self.function), build.block(self.function));
        let before = build.here();
        build.branch(build.is(LLVMIntPredicate::LLVMIntSGT, count, build.int(0)), each, done);
        build.at_end(each);
        self.frame = build.either(build.int);
        build.comes(self.frame, build.int(0), before);
        self.run(self.program.samples..self.program.steps.len())?;
        for (channel, value) in outs.iter().zip(&self.program.outputs) {
            let (value, ty) = match (self.value(*value), whole) {
                (value, true) => (build.to_int(value), build.int),
                (value, false) => (value, build.real),
            };
            self.within(build.store(value, build.element(ty, *channel, self.frame)), Part::Channel);
        }
        if let Some(count) = self.places.count {
            let written = build.whole(LLVMOpcode::LLVMAdd, self.get(count, Nature::Int), build.int(1));
            self.put(count, written, Nature::Int);
        }
        let next = build.whole(LLVMOpcode::LLVMAdd, self.frame, build.int(1));
        build.comes(self.frame, next, build.here());
        build.branch(build.is(LLVMIntPredicate::LLVMIntSLT, next, count), each, done);
        build.at_end(done);
        self.exit();
        build.leave();
        Ok(())
    }
}

//! Operations of a program as instructions.

use super::build::Build;
use super::frames::{Body, Part};
use super::places::{LinePlace, has_no_value, is_literal};
use crate::error::CompileError;
use krach_faust_lang::eval::foreign::FUNCTIONS;
use krach_faust_lang::prim::Prim;
use krach_faust_lang::program::{Op, Step, Value};
use krach_faust_lang::types::Nature;
use llvm_sys::prelude::*;
use llvm_sys::{LLVMIntPredicate, LLVMOpcode, LLVMRealPredicate};
use std::ops::Range;

impl Body<'_> {
    /// Does the steps in their order; what has the same condition and stands together is one block.
    pub(super) fn run(&mut self, steps: Range<usize>) -> Result<(), CompileError> {
        let all = &self.program.steps;
        let mut at = steps.start;
        while at < steps.end {
            let Some(when) = all[at].when else {
                self.values[at] = self.step(all[at])?;
                at += 1;
                continue;
            };
            let end = (at..steps.end).find(|next| all[*next].when != Some(when)).unwrap_or(steps.end);
            let (then, after) = (self.build.block(self.function), self.build.block(self.function));
            let is = self.build.is(LLVMIntPredicate::LLVMIntNE, self.value(when), self.build.int(0));
            self.build.branch(is, then, after);
            self.build.at_end(then);
            for (step, it) in (at..).zip(&all[at..end]) {
                self.values[step] = self.step(*it)?;
                if let Some(place) = self.places.kept[step] {
                    self.put(place, self.values[step], it.nature);
                }
            }
            self.build.jump(after);
            self.build.at_end(after);
            for (step, it) in (at..).zip(&all[at..end]) {
                if let Some(place) = self.places.kept[step] {
                    self.values[step] = self.get(place, it.nature);
                }
            }
            at = end;
        }
        Ok(())
    }

    pub(super) fn value(&self, value: Value) -> LLVMValueRef {
        self.values[value.0 as usize]
    }

    fn step(&mut self, step: Step) -> Result<LLVMValueRef, CompileError> {
        let build = self.build;
        Ok(match step.op {
            Op::Int(value) => build.int(value),
            Op::Real(value) => build.real(value),
            Op::Input(input) => {
                let from = build.element(build.real, self.ins[input as usize], self.frame);
                self.within(build.load(build.real, from), Part::Channel)
            }
            Op::SampleRate => build.load(build.int, build.offset(self.state, self.places.rate)),
            Op::Control(widget) => {
                build.load(build.real, build.offset(self.state, u64::from(widget) * self.places.real))
            }
            Op::Unary(Prim::Int, a) => build.to_int(self.value(a)),
            Op::Unary(Prim::Float, a) => build.to_real(self.value(a)),
            Op::Unary(_, a) if step.nature == Nature::Int => {
                build.maths("abs", &[self.value(a)], build.int)?
            }
            Op::Unary(prim, a) => {
                let name = if prim == Prim::Abs { "fabs" } else { prim.name() };
                build.maths(name, &[self.value(a)], build.real)?
            }
            Op::Binary(prim, Nature::Int, a, b) => whole(build, prim, self.value(a), self.value(b)),
            Op::Binary(prim, Nature::Real, a, b) if step.nature == Nature::Int => {
                build.truth(compare(build, prim, self.value(a), self.value(b)))
            }
            Op::Binary(prim, Nature::Real, a, b) => real(build, prim, self.value(a), self.value(b))?,
            Op::Foreign(function, args) => self.foreign(function, args)?,
            Op::Select(choice, a, b) => {
                let is = build.is(LLVMIntPredicate::LLVMIntEQ, self.value(choice), build.int(0));
                build.select(is, self.value(a), self.value(b))
            }
            Op::Read(line, amount) => self.read(line, amount, step.nature),
            Op::ReadNow(line, amount, now) => {
                let is_now = build.is(LLVMIntPredicate::LLVMIntSLT, self.value(amount), build.int(1));
                let before = self.read(line, amount, step.nature);
                build.select(is_now, self.value(now), before)
            }
            Op::Write(line, value) => self.write(line, self.value(value)),
            Op::First(slot, a, b) => {
                let place = self.places.firsts[slot as usize];
                let first = self.get(place, Nature::Int);
                self.put(place, build.int(0), Nature::Int);
                let is = build.is(LLVMIntPredicate::LLVMIntNE, first, build.int(0));
                build.select(is, self.value(a), self.value(b))
            }
            Op::Waveform(form) => {
                let (place, table) = (self.places.waveforms[form as usize], self.waveforms[form as usize]);
                let size = self.program.waveforms[form as usize].numbers.len() as u32;
                let at = self.get(place, Nature::Int);
                let ty = build.ty(step.nature);
                let value = build.load(ty, build.element(ty, table, build.held(at, size)));
                let next = build.whole(LLVMOpcode::LLVMAdd, at, build.int(1));
                let over = build.is(LLVMIntPredicate::LLVMIntSGE, next, build.int(size as i32));
                self.put(place, build.select(over, build.int(0), next), Nature::Int);
                value
            }
            Op::Table(table, index) => {
                let size = self.program.tables[table as usize].size;
                let ty = build.ty(step.nature);
                let index = build.held(self.value(index), size);
                build.load(ty, build.element(ty, self.tables[table as usize], index))
            }
            Op::Store(table, index, value) => {
                let place = self.entry(table, index);
                self.within(build.store(self.value(value), place), Part::Own(table));
                build.int(0)
            }
            Op::Load(table, _, index) => {
                self.within(build.load(build.ty(step.nature), self.entry(table, index)), Part::Own(table))
            }
            Op::Show(widget, value) => {
                let value = self.value(value);
                self.put(u64::from(widget) * self.places.real, value, Nature::Real);
                value
            }
            Op::Hold(slot, value, when) => {
                let place = self.places.holds[slot as usize];
                let is = build.is(LLVMIntPredicate::LLVMIntNE, self.value(when), build.int(0));
                let held = build.select(is, self.value(value), self.get(place, step.nature));
                self.put(place, held, step.nature);
                held
            }
        })
    }

    /// Where an entry of an own table is.
    fn entry(&self, table: u32, index: Value) -> LLVMValueRef {
        let it = &self.program.own[table as usize];
        let start = self.build.offset(self.state, self.places.own[table as usize]);
        self.build.element(self.build.ty(it.nature), start, self.build.held(self.value(index), it.size))
    }

    /// A delay, held between 1 and the longest of the line.
    pub(super) fn held(&self, line: u32, amount: LLVMValueRef) -> LLVMValueRef {
        let (build, longest) = (self.build, self.program.lines[line as usize].longest.max(1));
        let (one, most) = (build.int(1), build.int(longest.min(i32::MAX as u32) as i32));
        let low = build.select(build.is(LLVMIntPredicate::LLVMIntSLT, amount, one), one, amount);
        build.select(build.is(LLVMIntPredicate::LLVMIntSGT, low, most), most, low)
    }

    /// What was written so many writes before: at least 1.
    fn read(&self, line: u32, amount: Value, nature: Nature) -> LLVMValueRef {
        let build = self.build;
        let held = self.amounts.get(&(line, amount)).copied();
        let amount = held.unwrap_or_else(|| self.held(line, self.value(amount)));
        match self.places.lines[line as usize] {
            LinePlace::Short { at, count } => {
                let amount = crate::back::llvm::constant(amount).unwrap_or(1).clamp(1, count.into()) as u64;
                let wide = if nature == Nature::Real { self.places.real } else { 4 };
                self.get(at + (amount - 1) * wide, nature)
            }
            LinePlace::Ring { at, mask, next } => {
                let back = build.whole(LLVMOpcode::LLVMSub, self.get(next, Nature::Int), amount);
                let place = build.whole(LLVMOpcode::LLVMAnd, back, build.int(mask as i32));
                let (ty, start) = (build.ty(nature), build.offset(self.state, at));
                self.within(build.load(ty, build.element(ty, start, place)), Part::Line(line))
            }
        }
    }

    fn write(&mut self, line: u32, value: LLVMValueRef) -> LLVMValueRef {
        let (build, nature) = (self.build, self.program.lines[line as usize].nature);
        match self.places.lines[line as usize] {
            LinePlace::Short { at, count } => {
                let wide = if nature == Nature::Real { self.places.real } else { 4 };
                for place in (1..u64::from(count)).rev() {
                    self.put(at + place * wide, self.get(at + (place - 1) * wide, nature), nature);
                }
                self.put(at, value, nature);
            }
            LinePlace::Ring { at, mask, next } => {
                let now = self.get(next, Nature::Int);
                let place = build.whole(LLVMOpcode::LLVMAnd, now, build.int(mask as i32));
                let (ty, start) = (build.ty(nature), build.offset(self.state, at));
                self.within(build.store(value, build.element(ty, start, place)), Part::Line(line));
                if Some(next) != self.places.count {
                    self.put(next, build.whole(LLVMOpcode::LLVMAdd, now, build.int(1)), Nature::Int);
                }
            }
        }
        build.int(0)
    }

    fn foreign(&self, function: u32, args: [Value; 2]) -> Result<LLVMValueRef, CompileError> {
        let (build, it) = (self.build, FUNCTIONS[function as usize]);
        let values: Vec<LLVMValueRef> = args.iter().take(it.args.len()).map(|arg| self.value(*arg)).collect();
        if let ("fmin" | "fmax", [a, b]) = (it.name, &values[..]) {
            let (left, right) = if it.name == "fmin" { (*a, *b) } else { (*b, *a) };
            let is = build.is_real(LLVMRealPredicate::LLVMRealOLE, left, right);
            let odd = build.is_real(LLVMRealPredicate::LLVMRealUNO, *b, *b);
            return Ok(build.select(build.whole(LLVMOpcode::LLVMOr, is, odd), *a, *b));
        }
        build.maths(it.name, &values, if it.int { build.int } else { build.real })
    }
}

fn whole(build: &Build, prim: Prim, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
    use LLVMIntPredicate::*;
    let plain = |opcode| build.whole(opcode, a, b);
    let pick = |by| build.select(build.is(by, a, b), a, b);
    let truth = |by| build.truth(build.is(by, a, b));
    let by = |opcode| build.whole(opcode, a, build.whole(LLVMOpcode::LLVMAnd, b, build.int(31)));
    match prim {
        Prim::Add => plain(LLVMOpcode::LLVMAdd),
        Prim::Sub => plain(LLVMOpcode::LLVMSub),
        Prim::Mul => plain(LLVMOpcode::LLVMMul),
        Prim::Mod => build.divide(LLVMOpcode::LLVMSRem, a, b),
        Prim::Div => build.divide(LLVMOpcode::LLVMSDiv, a, b),
        Prim::And => plain(LLVMOpcode::LLVMAnd),
        Prim::Or => plain(LLVMOpcode::LLVMOr),
        Prim::Xor => plain(LLVMOpcode::LLVMXor),
        Prim::Shl => by(LLVMOpcode::LLVMShl),
        Prim::Shr => by(LLVMOpcode::LLVMAShr),
        Prim::Min => pick(LLVMIntSLT),
        Prim::Max => pick(LLVMIntSGT),
        Prim::Lt => truth(LLVMIntSLT),
        Prim::Le => truth(LLVMIntSLE),
        Prim::Gt => truth(LLVMIntSGT),
        Prim::Ge => truth(LLVMIntSGE),
        Prim::Eq => truth(LLVMIntEQ),
        _ => truth(LLVMIntNE),
    }
}

fn compare(build: &Build, prim: Prim, a: LLVMValueRef, b: LLVMValueRef) -> LLVMValueRef {
    use LLVMRealPredicate::*;
    let by = match prim {
        Prim::Lt => LLVMRealOLT,
        Prim::Le => LLVMRealOLE,
        Prim::Gt => LLVMRealOGT,
        Prim::Ge => LLVMRealOGE,
        Prim::Eq => LLVMRealOEQ,
        _ => LLVMRealUNE,
    };
    build.is_real(by, a, b)
}

fn real(build: &Build, prim: Prim, a: LLVMValueRef, b: LLVMValueRef) -> Result<LLVMValueRef, CompileError> {
    use LLVMRealPredicate::LLVMRealOLT;
    Ok(match prim {
        Prim::Add => build.whole(LLVMOpcode::LLVMFAdd, a, b),
        Prim::Sub => build.whole(LLVMOpcode::LLVMFSub, a, b),
        Prim::Mul => build.whole(LLVMOpcode::LLVMFMul, a, b),
        Prim::Div => build.whole(LLVMOpcode::LLVMFDiv, a, b),
        // As `std::min` and `std::max` treat what is no number.
        Prim::Min => build.select(build.is_real(LLVMRealOLT, b, a), b, a),
        Prim::Max => build.select(build.is_real(LLVMRealOLT, a, b), b, a),
        Prim::Mod => build.maths("fmod", &[a, b], build.real)?,
        _ => build.maths(prim.name(), &[a, b], build.real)?,
    })
}

/// Whether a step of the constant part is read from the state by the parts behind it.
pub(super) fn is_kept(step: &Step) -> bool {
    !is_literal(step) && !has_no_value(step.op)
}

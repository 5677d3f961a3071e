//! Typed signals to a program: what is needed, in which order, at which rate, with which state.

mod budget;
mod guards;
mod keys;
mod order;
mod tables;

use crate::eval::{Files, Outcome, Stop};
use crate::hash::Map;
use crate::meter::Meter;
use crate::options::Precision;
use crate::prim::Prim;
use crate::program::{Line, Op, Program, Step, Table, Value, Waveform};
use crate::signal::{Propagated, Sig, SigId, Ui};
use crate::types::{Nature, Rate, Type, natures};

/// Longest delay in samples.
const LONGEST: f64 = (1u64 << 28) as f64;

/// Makes programs.
pub(crate) struct Layout<'p, 'm, 'a> {
    source: &'p Propagated,
    types: &'p [Type],
    keys: &'p [u64],
    files: &'p Files<'a>,
    precision: Precision,
    meter: &'m mut Meter<'a>,
    /// The value of each signal.
    values: Map<SigId, Value>,
    casts: Map<(SigId, Nature), Value>,
    zeros: Map<Value, Value>,
    guards: Map<SigId, guards::Guard>,
    guard_values: Map<guards::Guard, Value>,
    guard_now: Option<Value>,
    /// Steps with their rates.
    steps: Vec<(Rate, Step)>,
    line_of: Map<SigId, u32>,
    lines: Vec<Line>,
    /// For each line the signal that asks for its length.
    askers: Vec<SigId>,
    tables: Vec<Table>,
    table_of: Map<(SigId, SigId), u32>,
    own: Vec<Table>,
    stores: Map<[SigId; 4], (u32, Value)>,
    waveforms: Vec<Waveform>,
    holds: Vec<(Nature, u64)>,
    firsts: Vec<u64>,
    used_keys: Map<u64, u64>,
    table_bytes: u64,
    filling: u64,
}

/// What a program is made from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'p, 'a> {
    /// Its signals.
    pub(crate) propagated: &'p Propagated,
    /// Their types.
    pub(crate) types: &'p [Type],
    /// Its texts.
    pub(crate) files: &'p Files<'a>,
    /// Width of its numbers.
    pub(crate) precision: Precision,
}

/// Lays a program out.
///
/// # Errors
/// If a delay has no bound, a table no known size, or a limit is met.
pub(crate) fn lay_out<'a>(from: Source<'_, 'a>, meter: &mut Meter<'a>) -> Outcome<Program> {
    let keys = keys::keys(from.propagated, meter)?;
    let made = program(from, &keys, &from.propagated.outputs, from.propagated.inputs, meter)?;
    Ok(Program { ui: from.propagated.ui.clone(), ..made })
}

/// The program of some signals.
fn program<'a>(
    from: Source<'_, 'a>,
    keys: &[u64],
    outputs: &[SigId],
    inputs: u32,
    meter: &mut Meter<'a>,
) -> Outcome<Program> {
    let mut layout = Layout {
        source: from.propagated,
        types: from.types,
        keys,
        files: from.files,
        precision: from.precision,
        meter,
        values: Map::default(),
        casts: Map::default(),
        zeros: Map::default(),
        guards: Map::default(),
        guard_values: Map::default(),
        guard_now: None,
        steps: Vec::new(),
        line_of: Map::default(),
        lines: Vec::new(),
        askers: Vec::new(),
        tables: Vec::new(),
        table_of: Map::default(),
        own: Vec::new(),
        stores: Map::default(),
        waveforms: Vec::new(),
        holds: Vec::new(),
        firsts: Vec::new(),
        used_keys: Map::default(),
        table_bytes: 0,
        filling: 0,
    };
    layout.guards = layout.find_guards(outputs)?;
    let order = layout.ordered(outputs)?;
    layout.size_lines(&order)?;
    layout.check_state()?;
    for id in order {
        layout.emit(id)?;
    }
    let mut results = Vec::with_capacity(outputs.len());
    layout.guard_now = None;
    for output in outputs {
        results.push(layout.value_as(*output, Nature::Real)?);
    }
    // Lines are written when nothing reads them any more.
    let mut lines: Vec<(SigId, u32)> = layout.line_of.iter().map(|(id, line)| (*id, *line)).collect();
    lines.sort_by_key(|(_, line)| *line);
    for (id, line) in lines {
        let id = layout.resolved(id);
        layout.guard_now = layout.guard_of(id)?;
        let value = layout.value(id)?;
        let nature = layout.types[id.0 as usize].nature;
        layout.push(Rate::Sample, Op::Write(line, value), nature);
    }
    layout.check_state()?;
    layout.finish(results, inputs)
}

impl Layout<'_, '_, '_> {
    fn ty(&self, id: SigId) -> Type {
        self.types[id.0 as usize]
    }

    /// What stands behind names and `attach`.
    fn resolved(&self, id: SigId) -> SigId {
        let mut at = id;
        loop {
            at = match self.source.signals.sig(at) {
                Sig::Proj(group, index) => {
                    self.source.signals.groups[group.0 as usize].bodies[index as usize]
                }
                Sig::Attach(a, _) | Sig::Bounded(_, _, a) => a,
                _ => return at,
            };
        }
    }

    /// A key that no other state of this program has.
    fn key(&mut self, id: SigId) -> u64 {
        let key = self.keys[id.0 as usize];
        let count = self.used_keys.entry(key).or_insert(0);
        *count += 1;
        keys::mix(key, *count)
    }

    fn push(&mut self, rate: Rate, op: Op, nature: Nature) -> Value {
        let value = Value(self.steps.len() as u32);
        let when = if rate == Rate::Sample { self.guard_now } else { None };
        self.steps.push((rate, Step { op, nature, when }));
        value
    }

    fn value(&self, id: SigId) -> Outcome<Value> {
        match self.values.get(&self.resolved(id)) {
            Some(value) => Ok(*value),
            None => Err(Stop::limit("a signal has no value".into(), "this is a fault of the compiler")),
        }
    }

    /// The value of a signal as a kind of number.
    fn value_as(&mut self, id: SigId, nature: Nature) -> Outcome<Value> {
        let id = self.resolved(id);
        let value = self.value(id)?;
        let is = self.ty(id).nature;
        if is == nature {
            return Ok(value);
        }
        if let Some(cast) = self.casts.get(&(id, nature)) {
            return Ok(*cast);
        }
        let op = match (self.source.signals.number(id), nature) {
            (Some(number), Nature::Real) => Op::Real(number.real()),
            (Some(number), Nature::Int) => Op::Int(number.int()),
            (None, Nature::Int) => Op::Unary(Prim::Int, value),
            (None, Nature::Real) => Op::Unary(Prim::Float, value),
        };
        // Whoever asks first may be done less often than the next.
        let guard = self.guard_of(id)?;
        let before = std::mem::replace(&mut self.guard_now, guard);
        let cast = self.push(self.ty(id).rate, op, nature);
        self.guard_now = before;
        self.casts.insert((id, nature), cast);
        Ok(cast)
    }

    /// Lines for everything that is delayed, as long as the longest delay.
    fn size_lines(&mut self, needed: &[SigId]) -> Outcome<()> {
        for id in needed {
            let (of, longest) = match self.source.signals.sig(*id) {
                Sig::Delay(a, by) => (a, self.longest(*id, by)?),
                Sig::Prefix(_, b) => (b, 1),
                _ => continue,
            };
            let of = self.resolved(of);
            if let Some(line) = self.line_of.get(&of) {
                let at = *line as usize;
                if longest > self.lines[at].longest {
                    (self.lines[at].longest, self.askers[at]) = (longest, *id);
                }
                continue;
            }
            let (nature, key) = (self.ty(of).nature, self.key(of));
            self.line_of.insert(of, self.lines.len() as u32);
            self.lines.push(Line { nature, longest, key });
            self.askers.push(*id);
        }
        Ok(())
    }

    fn longest(&self, id: SigId, by: SigId) -> Outcome<u32> {
        let range = self.ty(by).interval;
        if range.high.is_finite() && range.high < LONGEST {
            return Ok(range.high.max(1.0) as u32);
        }
        let text = if range.high.is_finite() {
            format!("this delay may become {} samples long; {LONGEST} is the most", range.high)
        } else {
            "this delay has no longest length".to_owned()
        };
        self.fault(id, text, "hold its length with min(longest, ...)")
    }

    /// Makes the steps of a signal; its operands have theirs.
    fn emit(&mut self, id: SigId) -> Outcome<()> {
        self.meter.spend(1)?;
        self.guard_now = self.guard_of(id)?;
        let Type { nature, rate, .. } = self.ty(id);
        let op = match self.source.signals.sig(id) {
            Sig::Int(value) => Op::Int(value),
            Sig::Real(bits) => Op::Real(f64::from_bits(bits)),
            Sig::Input(input) => Op::Input(input),
            Sig::SampleRate => Op::SampleRate,
            Sig::Widget(widget) => Op::Control(widget.0),
            Sig::Lowest(_) => Op::Real(self.ty(id).interval.low),
            Sig::Highest(_) => Op::Real(self.ty(id).interval.high),
            Sig::Unary(prim, a) => {
                let takes = match prim {
                    Prim::Abs => nature,
                    Prim::Int => Nature::Int,
                    _ => Nature::Real,
                };
                let value = self.value_as(a, takes)?;
                if matches!(prim, Prim::Int | Prim::Float) {
                    self.values.insert(id, value);
                    return Ok(());
                }
                Op::Unary(prim, value)
            }
            Sig::Binary(prim, a, b) => {
                let (takes, _) = natures(prim, self.ty(a).nature, self.ty(b).nature);
                let takes = if prim == Prim::Pow { Nature::Real } else { takes };
                let (a, b) = (self.value_as(a, takes)?, self.value_as(b, takes)?);
                let op = Op::Binary(prim, takes, a, b);
                if prim == Prim::Pow && nature == Nature::Int {
                    let power = self.push(rate, op, Nature::Real);
                    Op::Unary(Prim::Int, power)
                } else {
                    op
                }
            }
            Sig::Foreign(at, list) => {
                let args = self.source.signals.items(list).to_vec();
                let function = crate::eval::foreign::FUNCTIONS[at as usize];
                let mut values = [Value(0); 2];
                for ((slot, arg), int) in values.iter_mut().zip(args).zip(function.args) {
                    *slot = self.value_as(arg, if *int { Nature::Int } else { Nature::Real })?;
                }
                Op::Foreign(at, values)
            }
            Sig::Select(choice, a, b) => {
                let choice = self.value_as(choice, Nature::Int)?;
                Op::Select(choice, self.value_as(a, nature)?, self.value_as(b, nature)?)
            }
            Sig::Delay(a, by) => {
                let line = self.line_of[&self.resolved(a)];
                let amount = self.value_as(by, Nature::Int)?;
                if self.is_later(by) {
                    Op::Read(line, amount)
                } else {
                    Op::ReadNow(line, amount, self.value(a)?)
                }
            }
            Sig::Prefix(a, b) => {
                let line = self.line_of[&self.resolved(b)];
                let one = self.push(Rate::Constant, Op::Int(1), Nature::Int);
                let before = self.push(Rate::Sample, Op::Read(line, one), self.ty(b).nature);
                let before = if self.ty(b).nature == nature {
                    before
                } else {
                    self.push(Rate::Sample, Op::Unary(Prim::Float, before), nature)
                };
                let key = self.key(id);
                self.firsts.push(key);
                Op::First(self.firsts.len() as u32 - 1, self.value_as(a, nature)?, before)
            }
            Sig::Table(size, init, index) => {
                let table = self.table(id, size, init)?;
                Op::Table(table, self.value_as(index, Nature::Int)?)
            }
            Sig::Written(parts) => self.written(id, parts)?,
            Sig::Waveform(list) => {
                let items = self.source.signals.items(list).to_vec();
                let number = |item| self.source.signals.number(item).map_or(0.0, crate::num::Num::real);
                let numbers = items.into_iter().map(number).collect();
                let key = self.key(id);
                self.waveforms.push(Waveform { numbers, key });
                Op::Waveform(self.waveforms.len() as u32 - 1)
            }
            Sig::Shown(widget, a) => Op::Show(widget.0, self.value_as(a, Nature::Real)?),
            Sig::Held(a, when) => {
                let key = self.key(id);
                self.holds.push((nature, key));
                let (a, when) = (self.value(a)?, self.truth(when)?);
                Op::Hold(self.holds.len() as u32 - 1, a, when)
            }
            Sig::Proj(..) | Sig::Attach(..) | Sig::Bounded(..) => return Ok(()),
        };
        let value = self.push(rate, op, nature);
        self.values.insert(id, value);
        Ok(())
    }

    /// Whether a value is not 0, whole.
    fn truth(&mut self, id: SigId) -> Outcome<Value> {
        let id = self.resolved(id);
        let value = self.value(id)?;
        if let Some(known) = self.zeros.get(&value) {
            return Ok(*known);
        }
        let Type { nature, rate, .. } = self.ty(id);
        let guard = self.guard_of(id)?;
        let before = std::mem::replace(&mut self.guard_now, guard);
        let zero = match nature {
            Nature::Int => self.push(Rate::Constant, Op::Int(0), nature),
            Nature::Real => self.push(Rate::Constant, Op::Real(0.0), nature),
        };
        let truth = self.push(rate, Op::Binary(Prim::Ne, nature, value, zero), Nature::Int);
        self.guard_now = before;
        self.zeros.insert(value, truth);
        Ok(truth)
    }

    /// A delay that is never 0.
    fn is_later(&self, by: SigId) -> bool {
        self.ty(by).interval.low >= 1.0
    }

    /// Which steps something depends on.
    fn needed(&self, outputs: &[Value]) -> Vec<bool> {
        let mut needed = vec![false; self.steps.len()];
        outputs.iter().for_each(|output| needed[output.0 as usize] = true);
        for (at, (_, step)) in self.steps.iter().enumerate().rev() {
            needed[at] |= matches!(step.op, Op::Write(..) | Op::Store(..) | Op::Show(..));
            if needed[at] {
                step.when.iter().for_each(|when| needed[when.0 as usize] = true);
                let _ = step.op.map(|operand| {
                    needed[operand.0 as usize] = true;
                    operand
                });
            }
        }
        needed
    }

    /// Leaves out what nothing needs, sorts the steps by rate and numbers them anew.
    fn finish(mut self, outputs: Vec<Value>, inputs: u32) -> Outcome<Program> {
        let needed = self.needed(&outputs);
        let mut order: Vec<u32> = (0..self.steps.len() as u32).filter(|at| needed[*at as usize]).collect();
        order.sort_by_key(|at| self.steps[*at as usize].0);
        let mut place = vec![Value(0); self.steps.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old as usize] = Value(new as u32);
        }
        let count = |rate| order.iter().filter(|at| self.steps[**at as usize].0 < rate).count();
        let (controls, samples) = (count(Rate::Control), count(Rate::Sample));
        let moved = |value: Value| place[value.0 as usize];
        let steps: Vec<Step> = order
            .iter()
            .map(|old| {
                let step = self.steps[*old as usize].1;
                Step { op: step.op.map(moved), when: step.when.map(moved), ..step }
            })
            .collect();
        let program = Program {
            precision: self.precision,
            inputs,
            outputs: outputs.into_iter().map(moved).collect(),
            steps,
            controls,
            samples,
            lines: std::mem::take(&mut self.lines),
            tables: std::mem::take(&mut self.tables),
            own: std::mem::take(&mut self.own),
            waveforms: std::mem::take(&mut self.waveforms),
            holds: std::mem::take(&mut self.holds),
            firsts: std::mem::take(&mut self.firsts),
            ui: Ui::default(),
            metadata: Vec::new(),
        };
        self.check_counts(&program)?;
        Ok(program)
    }
}

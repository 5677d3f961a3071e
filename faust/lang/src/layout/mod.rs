//! Typed signals to a program: what is needed, in which order, at which rate, with which state.

mod budget;
mod emit;
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
use crate::signal::{Propagated, Sig, SigId, Ui, WidgetId};
use crate::types::{Nature, Rate, Type};

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
    /// 1 by a signal that changes less often than every sample.
    inverses: Map<SigId, Value>,
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
        inverses: Map::default(),
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
    let used = layout.widgets(&order);
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
    layout.finish(results, inputs, used)
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

    /// The widgets among some signals.
    fn widgets(&self, needed: &[SigId]) -> Vec<WidgetId> {
        let widget = |id: &SigId| match self.source.signals.sig(*id) {
            Sig::Widget(widget) | Sig::Shown(widget, _) => Some(widget),
            _ => None,
        };
        let mut used: Vec<WidgetId> = needed.iter().filter_map(widget).collect();
        used.sort_unstable();
        used.dedup();
        used
    }

    fn longest(&self, id: SigId, by: SigId) -> Outcome<u32> {
        let range = self.ty(by).interval;
        if range.high < 0.0 {
            let text = format!("this delay is {} samples long at most", range.high);
            return self.fault(id, text, "a delay is 0 or more: what comes later is not known yet");
        }
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

    /// Moves each write to a line up to where its value is known and nothing reads the line any more: what waits to be
    /// written takes a register.
    fn write_early(&self, order: Vec<u32>) -> Vec<u32> {
        let mut place = vec![0; self.steps.len()];
        let mut read = vec![0; self.lines.len()];
        let (mut writes, mut rest) = (Vec::new(), Vec::with_capacity(order.len()));
        for old in order {
            let step = &self.steps[old as usize].1;
            if let Op::Write(line, value) = step.op {
                writes.push((old, line, [Some(value), step.when]));
                continue;
            }
            place[old as usize] = rest.len();
            if let Op::Read(line, _) | Op::ReadNow(line, ..) = step.op {
                read[line as usize] = rest.len();
            }
            rest.push(old);
        }
        let mut behind: Vec<Vec<u32>> = vec![Vec::new(); rest.len()];
        for (old, line, needs) in writes {
            let known = needs.into_iter().flatten().map(|value| place[value.0 as usize]).max();
            let samples = rest.partition_point(|at| self.steps[*at as usize].0 < Rate::Sample);
            let last = known.unwrap_or(0).max(read[line as usize]).max(samples.saturating_sub(1));
            behind[last].push(old);
        }
        rest.into_iter().zip(behind).flat_map(|(step, writes)| std::iter::once(step).chain(writes)).collect()
    }

    /// Leaves out what nothing needs, sorts the steps by rate and numbers them anew.
    fn finish(mut self, outputs: Vec<Value>, inputs: u32, used: Vec<WidgetId>) -> Outcome<Program> {
        let needed = self.needed(&outputs);
        let mut order: Vec<u32> = (0..self.steps.len() as u32).filter(|at| needed[*at as usize]).collect();
        order.sort_by_key(|at| self.steps[*at as usize].0);
        let order = self.write_early(order);
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
            used,
            metadata: Vec::new(),
        };
        self.check_counts(&program)?;
        Ok(program)
    }
}

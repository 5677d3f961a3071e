//! The operations of one signal.

use super::Layout;
use crate::eval::Outcome;
use crate::options::Precision;
use crate::prim::Prim;
use crate::program::{Op, Value, Waveform};
use crate::signal::{Sig, SigId};
use crate::types::{Nature, Rate, Type, natures};

impl Layout<'_, '_, '_> {
    /// Makes the steps of a signal; its operands have theirs.
    pub(super) fn emit(&mut self, id: SigId) -> Outcome<()> {
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
                if (prim, takes, rate) == (Prim::Div, Nature::Real, Rate::Sample)
                    && let Some(inverse) = self.inverse(b)?
                {
                    let op = Op::Binary(Prim::Mul, takes, self.value_as(a, takes)?, inverse);
                    let value = self.push(rate, op, nature);
                    self.values.insert(id, value);
                    return Ok(());
                }
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

    /// 1 by a signal that changes less often than every sample, or by a quotient of such a signal: what is divided by it is
    /// multiplied with this instead, which takes a quarter of the time. `None` for a number without an inverse that is as exact as
    /// the number, and for everything else.
    fn inverse(&mut self, by: SigId) -> Outcome<Option<Value>> {
        let by = self.resolved(by);
        if let Some(known) = self.inverses.get(&by) {
            return Ok(Some(*known));
        }
        if self.ty(by).rate == Rate::Sample {
            return self.inverse_of_quotient(by);
        }
        let inverse = match self.source.signals.number(by) {
            Some(number) => {
                let single = self.precision == Precision::Single;
                let inverse =
                    if single { f64::from(1.0 / number.real() as f32) } else { 1.0 / number.real() };
                let is_normal = if single { (inverse as f32).is_normal() } else { inverse.is_normal() };
                if !is_normal {
                    return Ok(None);
                }
                self.push(Rate::Constant, Op::Real(inverse), Nature::Real)
            }
            None => {
                let value = self.value_as(by, Nature::Real)?;
                let one = self.push(Rate::Constant, Op::Real(1.0), Nature::Real);
                let rate = self.ty(by).rate;
                self.push(rate, Op::Binary(Prim::Div, Nature::Real, one, value), Nature::Real)
            }
        };
        self.inverses.insert(by, inverse);
        Ok(Some(inverse))
    }

    /// 1 by `a / b`, where `a` changes less often than every sample: `b` times 1 by `a`.
    fn inverse_of_quotient(&mut self, by: SigId) -> Outcome<Option<Value>> {
        let Sig::Binary(Prim::Div, above, below) = self.source.signals.sig(by) else { return Ok(None) };
        let above = self.resolved(above);
        if self.ty(above).rate == Rate::Sample {
            return Ok(None);
        }
        let Some(inverse) = self.inverse(above)? else { return Ok(None) };
        let guard = self.guard_of(by)?;
        let before = std::mem::replace(&mut self.guard_now, guard);
        let below = self.value_as(below, Nature::Real)?;
        let op = Op::Binary(Prim::Mul, Nature::Real, below, inverse);
        let value = self.push(Rate::Sample, op, Nature::Real);
        self.guard_now = before;
        self.inverses.insert(by, value);
        Ok(Some(value))
    }

    /// Whether a value is not 0, whole.
    pub(super) fn truth(&mut self, id: SigId) -> Outcome<Value> {
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
}

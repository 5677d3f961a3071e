//! Where in the state of an instance everything stands.

use krach_faust_lang::Precision;
use krach_faust_lang::program::{Op, Program, Step, Value};
use krach_faust_lang::types::Nature;

/// Longest delay line that is kept in registers, where every delay is known.
const SHORT: u32 = 8;

/// A delay line.
#[derive(Clone, Copy, Debug)]
pub(super) enum LinePlace {
    /// Newest sample first.
    Short { at: u64, count: u32 },
    /// A ring of `mask + 1` samples; where the next is written is kept at `next`.
    Ring { at: u64, mask: u32, next: u64 },
}

/// Byte offsets.
pub(super) struct Places {
    /// Bytes of a number with a point.
    pub(super) real: u64,
    /// The sampling rate.
    pub(super) rate: u64,
    /// Values of steps that are kept: what follows the sampling rate, and what is not always done.
    pub(super) kept: Vec<Option<u64>>,
    /// From here on everything is forgotten when signals are.
    pub(super) signals: u64,
    pub(super) holds: Vec<u64>,
    pub(super) firsts: Vec<u64>,
    pub(super) waveforms: Vec<u64>,
    pub(super) lines: Vec<LinePlace>,
    /// Writes of the rings that are always written; none where there is no such ring, so that the state of a program that has
    /// rung out stays as it is.
    pub(super) count: Option<u64>,
    pub(super) own: Vec<u64>,
    /// Bytes of all.
    pub(super) size: u64,
}

/// A value that is the same wherever it stands, and needs no place.
pub(super) fn is_literal(step: &Step) -> bool {
    step.when.is_none() && matches!(step.op, Op::Int(_) | Op::Real(_))
}

/// A step that is done for what it does, and has no value.
pub(super) fn has_no_value(op: Op) -> bool {
    matches!(op, Op::Write(..) | Op::Store(..))
}

struct Room {
    end: u64,
    real: u64,
}

impl Room {
    fn wide(&self, nature: Nature) -> u64 {
        if nature == Nature::Real { self.real } else { 4 }
    }

    fn take(&mut self, nature: Nature, count: u64) -> u64 {
        let wide = self.wide(nature);
        let at = self.end.next_multiple_of(wide);
        self.end = at.saturating_add(wide.saturating_mul(count));
        at
    }
}

impl Places {
    pub(super) fn new(program: &Program) -> Self {
        let real = if program.precision == Precision::Double { 8 } else { 4 };
        let steps = &program.steps;
        let mut room = Room { end: program.ui.widgets.len() as u64 * real, real };
        let rate = room.take(Nature::Int, 1);
        let mut kept = vec![None; steps.len()];
        let keeps = |at: usize| !is_literal(&steps[at]) && !has_no_value(steps[at].op);
        for at in (0..program.controls).filter(|at| keeps(*at)) {
            kept[at] = Some(room.take(steps[at].nature, 1));
        }
        room.end = room.end.next_multiple_of(8);
        let signals = room.end;
        for at in (program.controls..steps.len()).filter(|at| keeps(*at) && steps[*at].when.is_some()) {
            kept[at] = Some(room.take(steps[at].nature, 1));
        }
        let holds = program.holds.iter().map(|(nature, _)| room.take(*nature, 1)).collect();
        let firsts = program.firsts.iter().map(|_| room.take(Nature::Int, 1)).collect();
        let waveforms = program.waveforms.iter().map(|_| room.take(Nature::Int, 1)).collect();
        let mut count = None;
        let (mut known, mut always) = (vec![true; program.lines.len()], vec![true; program.lines.len()]);
        let is_known =
            |amount: Value| matches!(steps[amount.0 as usize], Step { op: Op::Int(_), when: None, .. });
        for step in steps {
            match step.op {
                Op::Read(line, amount) | Op::ReadNow(line, amount, _) => {
                    known[line as usize] &= is_known(amount)
                }
                Op::Write(line, _) => always[line as usize] &= step.when.is_none(),
                _ => {}
            }
        }
        let lines = program.lines.iter().enumerate().map(|(line, it)| {
            let longest = it.longest.max(1);
            if longest == 1 || (longest <= SHORT && known[line]) {
                return LinePlace::Short { at: room.take(it.nature, longest.into()), count: longest };
            }
            let next = match count {
                Some(count) if always[line] => count,
                _ => room.take(Nature::Int, 1),
            };
            if always[line] {
                count = Some(next);
            }
            let size = u64::from(longest).next_power_of_two();
            LinePlace::Ring { at: room.take(it.nature, size), mask: (size - 1) as u32, next }
        });
        let lines: Vec<LinePlace> = lines.collect();
        let own = program.own.iter().map(|table| room.take(table.nature, table.size.into())).collect();
        let size = room.end.next_multiple_of(8);
        Self { real, rate, kept, signals, holds, firsts, waveforms, lines, count, own, size }
    }
}

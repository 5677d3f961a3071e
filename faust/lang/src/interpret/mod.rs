//! Plays programs, operation by operation. This is what a program means; compiled code is held to it.

mod maths;

pub use maths::Number;

use crate::eval::foreign::FUNCTIONS;
use crate::prim::Prim;
use crate::program::{Content, Op, Program, Step, Table, Value};
use crate::types::Nature;

/// Entries of a table, of one kind.
#[derive(Clone, Debug)]
enum Cells<F> {
    Ints(Vec<i32>),
    Reals(Vec<F>),
}

impl<F: Number> Cells<F> {
    fn zeros(nature: Nature, count: usize) -> Self {
        match nature {
            Nature::Int => Self::Ints(vec![0; count]),
            Nature::Real => Self::Reals(vec![F::from_f64(0.0); count]),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Ints(all) => all.len(),
            Self::Reals(all) => all.len(),
        }
    }
}

/// A delay line.
#[derive(Clone, Debug)]
struct Ring<F> {
    cells: Cells<F>,
    /// Where the next sample is written.
    next: usize,
    longest: i32,
}

/// An instance of a program, with numbers of width `F`.
#[derive(Clone, Debug)]
pub struct Instance<'p, F> {
    program: &'p Program,
    rate: i32,
    ints: Vec<i32>,
    reals: Vec<F>,
    rings: Vec<Ring<F>>,
    tables: Vec<Cells<F>>,
    own: Vec<Cells<F>>,
    waveforms: Vec<(Cells<F>, usize)>,
    held: Vec<(i32, F)>,
    /// Values of the widgets: controls are read, bargraphs written.
    pub widgets: Vec<F>,
    first: Vec<bool>,
}

impl<'p, F: Number> Instance<'p, F> {
    /// An instance at a sampling rate, with its tables filled and its controls at their first values.
    pub fn new(program: &'p Program, rate: u32) -> Self {
        let waveform = |numbers: &[f64], nature| fill(nature, numbers.len(), numbers.iter().copied());
        let widgets = program.ui.widgets.iter().map(|widget| F::from_f64(widget.range[0])).collect();
        let natures: Vec<Nature> =
            (0..program.waveforms.len()).map(|at| waveform_nature(program, at)).collect();
        let rings = program.lines.iter().map(|line| Ring {
            cells: Cells::zeros(line.nature, line.longest as usize),
            next: 0,
            longest: line.longest as i32,
        });
        let mut instance = Self {
            program,
            rate: rate as i32,
            ints: vec![0; program.steps.len()],
            reals: vec![F::from_f64(0.0); program.steps.len()],
            rings: rings.collect(),
            tables: program.tables.iter().map(|table| filled(table, rate)).collect(),
            own: program.own.iter().map(|table| filled(table, rate)).collect(),
            waveforms: program
                .waveforms
                .iter()
                .zip(natures)
                .map(|(form, nature)| (waveform(&form.numbers, nature), 0))
                .collect(),
            held: vec![(0, F::from_f64(0.0)); program.holds.len()],
            widgets,
            first: vec![true; program.firsts.len()],
        };
        instance.run(0..program.controls, &[]);
        instance.controls();
        instance
    }

    /// Takes over what was written to the controls.
    pub fn controls(&mut self) {
        self.run(self.program.controls..self.program.samples, &[]);
    }

    /// Plays one sample.
    pub fn frame(&mut self, inputs: &[F], outputs: &mut [F]) {
        self.run(self.program.samples..self.program.steps.len(), inputs);
        for (output, value) in outputs.iter_mut().zip(&self.program.outputs) {
            *output = self.reals[value.0 as usize];
        }
    }

    fn run(&mut self, steps: std::ops::Range<usize>, inputs: &[F]) {
        for at in steps {
            let step = self.program.steps[at];
            if step.when.is_none_or(|when| self.int(when) != 0) {
                self.step(at, step, inputs);
            }
        }
    }

    fn int(&self, value: Value) -> i32 {
        self.ints[value.0 as usize]
    }

    fn real(&self, value: Value) -> F {
        self.reals[value.0 as usize]
    }

    fn copy(&mut self, to: usize, from: Value, nature: Nature) {
        match nature {
            Nature::Int => self.ints[to] = self.int(from),
            Nature::Real => self.reals[to] = self.real(from),
        }
    }

    fn load(&mut self, to: usize, cells: &Cells<F>, at: usize) {
        match cells {
            Cells::Ints(all) => self.ints[to] = all[at],
            Cells::Reals(all) => self.reals[to] = all[at],
        }
    }

    fn step(&mut self, at: usize, step: Step, inputs: &[F]) {
        match step.op {
            Op::Int(value) => self.ints[at] = value,
            Op::Real(value) => self.reals[at] = F::from_f64(value),
            Op::Input(input) => self.reals[at] = inputs[input as usize],
            Op::SampleRate => self.ints[at] = self.rate,
            Op::Control(widget) => self.reals[at] = self.widgets[widget as usize],
            Op::Unary(Prim::Int, a) => self.ints[at] = self.real(a).to_i32(),
            Op::Unary(Prim::Float, a) => self.reals[at] = F::from_i32(self.int(a)),
            Op::Unary(prim, a) => match step.nature {
                Nature::Int => self.ints[at] = self.int(a).wrapping_abs(),
                Nature::Real => self.reals[at] = self.real(a).unary(prim),
            },
            Op::Binary(prim, Nature::Int, a, b) => {
                self.ints[at] = maths::whole(prim, self.int(a), self.int(b))
            }
            Op::Binary(prim, Nature::Real, a, b) => match step.nature {
                Nature::Int => self.ints[at] = i32::from(self.real(a).compare(prim, self.real(b))),
                Nature::Real => self.reals[at] = self.real(a).binary(prim, self.real(b)),
            },
            Op::Foreign(function, args) => self.foreign(at, function, args),
            Op::Select(choice, a, b) => {
                let chosen = if self.int(choice) == 0 { a } else { b };
                self.copy(at, chosen, step.nature);
            }
            Op::Read(line, amount) => self.read(at, line, self.int(amount).max(1)),
            Op::ReadNow(line, amount, now) => match self.int(amount) {
                ..=0 => self.copy(at, now, step.nature),
                amount => self.read(at, line, amount),
            },
            Op::Write(line, value) => {
                let (int, real) = (self.ints[value.0 as usize], self.reals[value.0 as usize]);
                let ring = &mut self.rings[line as usize];
                match &mut ring.cells {
                    Cells::Ints(all) => all[ring.next] = int,
                    Cells::Reals(all) => all[ring.next] = real,
                }
                ring.next = (ring.next + 1) % ring.cells.len();
            }
            Op::First(slot, a, b) => {
                let first = std::mem::replace(&mut self.first[slot as usize], false);
                self.copy(at, if first { a } else { b }, step.nature);
            }
            Op::Waveform(form) => {
                let (cells, next) = &mut self.waveforms[form as usize];
                match cells {
                    Cells::Ints(all) => self.ints[at] = all[*next],
                    Cells::Reals(all) => self.reals[at] = all[*next],
                }
                *next = (*next + 1) % cells.len();
            }
            Op::Table(table, index) => {
                let index = self.int(index);
                let cells = std::mem::replace(&mut self.tables[table as usize], Cells::Ints(Vec::new()));
                self.load(at, &cells, held(index, cells.len()));
                self.tables[table as usize] = cells;
            }
            Op::Store(table, index, value) => {
                let (index, int, real) =
                    (self.int(index), self.ints[value.0 as usize], self.reals[value.0 as usize]);
                let cells = &mut self.own[table as usize];
                let place = held(index, cells.len());
                match cells {
                    Cells::Ints(all) => all[place] = int,
                    Cells::Reals(all) => all[place] = real,
                }
            }
            Op::Load(table, _, index) => {
                let index = self.int(index);
                let cells = std::mem::replace(&mut self.own[table as usize], Cells::Ints(Vec::new()));
                self.load(at, &cells, held(index, cells.len()));
                self.own[table as usize] = cells;
            }
            Op::Show(widget, value) => {
                self.reals[at] = self.real(value);
                self.widgets[widget as usize] = self.real(value);
            }
            Op::Hold(slot, value, when) => {
                if self.int(when) != 0 {
                    self.held[slot as usize] = (self.ints[value.0 as usize], self.reals[value.0 as usize]);
                }
                (self.ints[at], self.reals[at]) = self.held[slot as usize];
            }
        }
    }

    fn read(&mut self, at: usize, line: u32, amount: i32) {
        let ring = &self.rings[line as usize];
        let size = ring.cells.len();
        let place = (ring.next + size - amount.min(ring.longest) as usize) % size;
        match &ring.cells {
            Cells::Ints(all) => self.ints[at] = all[place],
            Cells::Reals(all) => self.reals[at] = all[place],
        }
    }

    fn foreign(&mut self, at: usize, function: u32, args: [Value; 2]) {
        let function = FUNCTIONS[function as usize];
        match (function.int, function.args) {
            (true, [true]) => self.ints[at] = self.int(args[0]).wrapping_abs(),
            (true, _) => self.ints[at] = self.real(args[0]).whole_of(function.name),
            (false, [_, true]) => self.reals[at] = self.real(args[0]).scaled(self.int(args[1])),
            (false, [_, _]) => {
                self.reals[at] = self.real(args[0]).named_two(function.name, self.real(args[1]))
            }
            (false, _) => self.reals[at] = self.real(args[0]).named(function.name),
        }
    }
}

/// An index inside a table.
fn held(index: i32, size: usize) -> usize {
    usize::try_from(index).unwrap_or(0).min(size - 1)
}

fn waveform_nature(program: &Program, form: usize) -> Nature {
    let makes = |step: &&Step| step.op == Op::Waveform(form as u32);
    program.steps.iter().find(makes).map_or(Nature::Real, |step| step.nature)
}

fn fill<F: Number>(nature: Nature, size: usize, numbers: impl Iterator<Item = f64>) -> Cells<F> {
    match nature {
        Nature::Int => Cells::Ints(numbers.take(size).map(|number| number as i32).collect()),
        Nature::Real => Cells::Reals(numbers.take(size).map(F::from_f64).collect()),
    }
}

/// A table as it is before the first sample.
fn filled<F: Number>(table: &Table, rate: u32) -> Cells<F> {
    let size = table.size as usize;
    match &table.content {
        Content::Numbers(numbers) => fill(table.nature, size, numbers.iter().copied().cycle()),
        Content::Program(program) => {
            let mut instance = Instance::<F>::new(program, rate);
            let mut cells = Cells::zeros(table.nature, size);
            for at in 0..size {
                let mut value = [F::from_f64(0.0)];
                instance.frame(&[], &mut value);
                match &mut cells {
                    Cells::Ints(all) => all[at] = value[0].to_i32(),
                    Cells::Reals(all) => all[at] = value[0],
                }
            }
            cells
        }
    }
}

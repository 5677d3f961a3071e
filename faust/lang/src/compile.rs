//! All stages one after the other, on a stack of their own.

use crate::error::{Diagnostic, Error};
use crate::eval::{Evaluator, File, Outcome, Stop};
use crate::layout::{Source, lay_out};
use crate::meter::{Halt, Meter};
use crate::options::{Limits, Precision};
use crate::program::Program;
use crate::signal::propagate;
use crate::texts::{Shelf, Text, Texts};
use crate::types::{Rate, infer};

/// Bytes of stack for each level that [`Limits::depth`] allows: measured without optimisation, doubled.
const STACK_PER_LEVEL: usize = 24 << 10;
/// Bytes of stack beyond that.
const STACK: usize = 4 << 20;

/// How to compile.
pub struct Compiler<'a> {
    /// Texts that were read before.
    pub shelf: &'a Shelf,
    /// What a compile may use.
    pub limits: Limits,
    /// Width of the program's numbers.
    pub precision: Precision,
    /// Nobody wants the result any more.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
}

/// A program as a diagram, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Signals that go in.
    pub inputs: u32,
    /// Signals that come out.
    pub outputs: u32,
    /// Diagrams and values that were made.
    pub boxes: usize,
    /// Steps that it took.
    pub steps: u64,
    /// How deep evaluation went into itself.
    pub depth: u32,
}

/// A program as signals, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Signals that were made.
    pub signals: usize,
    /// How many are constant, change with controls, change from sample to sample.
    pub rates: [usize; 3],
    /// Widgets.
    pub widgets: usize,
    /// Steps that it took.
    pub steps: u64,
}

impl Compiler<'_> {
    /// Evaluates a text.
    ///
    /// # Errors
    /// What is wrong with it, or that a limit was met, or that nobody wants it any more.
    pub fn evaluate(&self, text: Text, texts: &mut (dyn Texts + Send)) -> Result<Evaluated, Error> {
        self.run(texts, move |evaluator| {
            let (_, inputs, outputs) = evaluator.process(text)?;
            let (steps, depth) = (evaluator.meter.used(), evaluator.meter.deepest());
            Ok(Evaluated { inputs, outputs, boxes: evaluator.boxes.count(), steps, depth })
        })
    }

    /// Evaluates and propagates a text.
    ///
    /// # Errors
    /// As [`Compiler::evaluate`].
    pub fn propagate(&self, text: Text, texts: &mut (dyn Texts + Send)) -> Result<Counted, Error> {
        self.run(texts, move |evaluator| {
            let (root, inputs, _) = evaluator.process(text)?;
            let found = propagate(evaluator, root, inputs)?;
            let types = infer(&found, &mut evaluator.meter)?;
            let of = |rate| types.iter().filter(|ty| ty.rate == rate).count();
            Ok(Counted {
                signals: found.signals.count(),
                rates: [of(Rate::Constant), of(Rate::Control), of(Rate::Sample)],
                widgets: found.ui.widgets.len(),
                steps: evaluator.meter.used(),
            })
        })
    }

    /// Compiles a text.
    ///
    /// # Errors
    /// As [`Compiler::evaluate`].
    pub fn compile(&self, text: Text, texts: &mut (dyn Texts + Send)) -> Result<Program, Error> {
        self.run(texts, move |evaluator| {
            let (root, inputs, _) = evaluator.process(text)?;
            let found = propagate(evaluator, root, inputs)?;
            let types = infer(&found, &mut evaluator.meter)?;
            let Evaluator { files, meter, .. } = &mut *evaluator;
            let from = Source { propagated: &found, types: &types, files, precision: self.precision };
            let mut program = lay_out(from, meter)?;
            let declared = &evaluator.files.all()[0].syntax.declarations;
            program.metadata =
                declared.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
            Ok(program)
        })
    }

    /// Works on a stack of its own, so that no text can overflow the caller's.
    fn run<T: Send>(
        &self,
        texts: &mut (dyn Texts + Send),
        work: impl FnOnce(&mut Evaluator<'_>) -> Outcome<T> + Send,
    ) -> Result<T, Error> {
        let stack = STACK + STACK_PER_LEVEL * self.limits.depth as usize;
        let job = || {
            let meter = Meter::new(self.limits, self.cancelled);
            let mut evaluator = Evaluator::new(texts, self.shelf, self.precision, meter);
            work(&mut evaluator).map_err(|stop| explain(stop, evaluator.files.all()))
        };
        let failed = |what: &str| {
            let text = format!("the compiler {what}");
            Error::Text(vec![Diagnostic { place: None, via: None, text, hint: None }])
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("faust".into()).stack_size(stack);
            match thread.spawn_scoped(scope, job) {
                Ok(running) => running.join().unwrap_or_else(|_| Err(failed("panicked"))),
                Err(error) => Err(failed(&format!("got no thread: {error}"))),
            }
        })
    }
}

fn explain(stop: Stop, files: &[File]) -> Error {
    match stop {
        Stop::Raised(all) => Error::Text(all.iter().map(|one| one.diagnostic(files)).collect()),
        Stop::Halted(Halt::Cancelled) => Error::Cancelled,
        Stop::Halted(Halt::Limit(text, hint)) => {
            Error::Text(vec![Diagnostic { place: None, via: None, text, hint: Some(hint.to_owned()) }])
        }
    }
}

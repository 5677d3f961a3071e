//! All stages one after the other, on a stack of their own.

use crate::error::{Diagnostic, Error};
use crate::eval::{Evaluator, File, Outcome, Stop};
use crate::meter::{Halt, Meter};
use crate::options::{Limits, Precision};
use crate::texts::{Shelf, Text, Texts};

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

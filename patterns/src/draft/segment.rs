//! `Segment`: what there is at equal distances. Below an operator on values the values of shapes are worked out here.

use std::sync::Arc;

use super::notes::{is_of_note, own_name};
use super::{Draft, DraftOp};
use crate::error::CompileErrorKind as Kind;
use crate::ir::{Pattern, SourceSpan};
use crate::shape::ShapeKind;
use crate::{CompileError, Event, EventBuffer, MAX_EVENTS_PER_CYCLE, Program, Span, Time, Value, compile};

/// The most values of shapes: so many that a query finds them in reasonable time.
const MAX_VALUES: u64 = 1024;

/// What stands in the place of a shape that cannot be worked out.
const REPEATING: &str = "shapes that come again within 1024 values (numbers by chance come from Choose)";

impl Draft {
    pub(super) fn segment(
        &mut self,
        n: u32,
        child: &Pattern,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Result<Option<usize>, CompileError> {
        // A shape that plays is read by whoever plays it.
        if self.valued > 0 && has_shape(child) {
            // Copies of a node have the same values.
            let key = (std::ptr::from_ref(child), n);
            let values = match self.sampled.get(&key) {
                Some(values) => values.clone(),
                None => Arc::new(self.values_of(n, child, path)?),
            };
            if self.copying > 0 {
                self.sampled.insert(key, values.clone());
            }
            return self.lower(&values, Some(path), source);
        }
        let Some(child) = self.lower_values(child, Some(path), source)? else { return Ok(None) };
        self.check_values(child)?;
        Ok(self.push(DraftOp::Segment { n, child }, path))
    }

    /// The values of shapes as a sequence of numbers, labelled as the shapes are.
    fn values_of(&mut self, n: u32, child: &Pattern, path: usize) -> Result<Pattern, CompileError> {
        let refused = |draft: &Self, given: &str| {
            let (op, takes, given) = ("Segment", REPEATING, given.to_owned());
            draft.error_at(path, Kind::Takes { op, takes, given })
        };
        let placed = |draft: &Self, error: CompileError| {
            let way = draft.error_at(path, Kind::TimeTooFine).path;
            CompileError { path: format!("{way} > {}", error.path), ..error }
        };
        let answers = self.answers.take();
        let mut below = Self::below(child, 1, self.copied, answers).map_err(|error| placed(self, error))?;
        self.copied = below.copied + below.copied_before;
        let most = MAX_EVENTS_PER_CYCLE as usize;
        let mut out = below.answers.take().unwrap_or_else(|| EventBuffer::with_capacity(most));
        let program = compile::assembled(below).map_err(|error| placed(self, error))?;
        if program.shapes().iter().any(|shape| shape.kind == ShapeKind::Rand) {
            return Err(refused(self, "the shape rand"));
        }
        let count = program.period().and_then(|period| period.checked_mul(u64::from(n)));
        let Some(count) = count.filter(|count| *count <= MAX_VALUES) else {
            return Err(refused(self, "more"));
        };
        // Each question is work in proportion to what a cycle holds.
        self.count_copies(count as usize, count as usize * program.events_per_cycle() as usize, path)?;
        let mut steps = Vec::with_capacity(count as usize);
        for step in 0..count as i64 {
            let at = Time::new(step, i64::from(n));
            out.clear();
            let end = at + Time::new(1, i64::from(n) << 10);
            if program.query(Span::new(at, end), 0, &mut out).is_err() {
                return Err(refused(self, "more"));
            }
            let now = out.as_slice().iter().filter(|event| event.part.begin == at);
            let mut now: Vec<Pattern> = now.filter_map(|event| value_of(&program, event, at)).collect();
            self.count_copies(now.len().saturating_sub(1), 0, path)?;
            steps.push(match now.len() {
                0 => Pattern::Silence { span: None },
                1 => now.remove(0),
                _ => Pattern::Stack { children: now, span: None },
            });
        }
        self.answers = Some(out);
        let cycles = i64::try_from(count / u64::from(n)).unwrap_or(1);
        let child = Box::new(Pattern::Cat { children: steps, span: None });
        Ok(Pattern::Slow { factor: [cycles, 1], child, span: None })
    }
}

/// Is there a shape among the nodes?
fn has_shape(root: &Pattern) -> bool {
    let mut pending = vec![root];
    while let Some(node) = pending.pop() {
        if matches!(node, Pattern::Shape { .. }) {
            return true;
        }
        pending.extend(node.children());
    }
    false
}

/// What an event says at a time. Shapes without a label are numbers.
fn value_of(program: &Program, event: &Event, at: Time) -> Option<Pattern> {
    let (label, value) = match &program.values()[event.value as usize] {
        Value::Control { label, value } => (label, value),
        Value::Named { label, name } => {
            let child = Box::new(Pattern::Name { name: name.clone(), span: None });
            // Such a name is no part of a note, whatever its control is called.
            let plain = is_of_note(own_name(label));
            return Some(Pattern::Label { label: label.clone(), plain, child, span: None });
        }
        _ => return None,
    };
    let value = match event.shape {
        None => *value,
        Some(shape) => {
            let length = event.whole.end - event.whole.begin;
            let way = (at - event.whole.begin) / length;
            let phase = shape.phase(*way.numer() as f64 / *way.denom() as f64);
            program.shapes()[shape.index as usize].value(shape.period, phase, 0)
        }
    };
    let number = Pattern::Number { value, span: None };
    Some(match label.as_str() {
        "" => number,
        label => {
            Pattern::Label { label: label.to_owned(), plain: false, child: Box::new(number), span: None }
        }
    })
}

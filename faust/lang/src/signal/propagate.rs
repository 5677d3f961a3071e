//! Diagrams to signals: what comes out when these signals go in.

use super::build::Signals;
use super::widgets::{Ui, WidgetKind};
use super::{Sig, SigId, SigList};
use crate::eval::{BoxId, Evaluator, Node, Outcome};
use crate::hash::Map;
use crate::num::Num;
use crate::prim::Prim;
use crate::syntax::Composition;

/// What the parameters around a diagram are: a chain, each link kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Scope(u32);

/// A program as signals.
pub struct Propagated {
    /// All signals.
    pub signals: Signals,
    /// Those that come out.
    pub outputs: Vec<SigId>,
    /// Its widgets.
    pub ui: Ui,
    /// How many go in.
    pub inputs: u32,
}

/// Facts about a diagram that decide what its signals depend on.
#[derive(Clone, Copy)]
struct Uses {
    slots: bool,
    widgets: bool,
}

struct Propagation<'e, 'a> {
    evaluator: &'e mut Evaluator<'a>,
    signals: Signals,
    ui: Ui,
    scopes: Vec<Option<(Scope, u32, SigId)>>,
    scope_ids: Map<(Scope, u32, SigId), Scope>,
    uses: Map<BoxId, Uses>,
    memo: Map<(BoxId, Scope, u32, SigList), SigList>,
}

/// Propagates a diagram with this many inputs.
///
/// # Errors
/// If a limit is met.
pub fn propagate(evaluator: &mut Evaluator<'_>, root: BoxId, inputs: u32) -> Outcome<Propagated> {
    let limit = evaluator.meter.limits.signals;
    let mut work = Propagation {
        evaluator,
        signals: Signals::new(limit),
        ui: Ui::default(),
        scopes: vec![None],
        scope_ids: Map::default(),
        uses: Map::default(),
        memo: Map::default(),
    };
    let mut given = Vec::new();
    for input in 0..inputs {
        given.push(work.signals.add(Sig::Input(input))?);
    }
    let outputs = work.run(root, Scope(0), 0, &given)?;
    Ok(Propagated { signals: work.signals, outputs, ui: work.ui, inputs })
}

impl Propagation<'_, '_> {
    /// What a diagram depends on. A parameter that is bound inside counts as well.
    fn uses(&mut self, id: BoxId) -> Outcome<Uses> {
        if let Some(known) = self.uses.get(&id) {
            return Ok(*known);
        }
        let found = match self.evaluator.boxes.node(id) {
            Node::Slot(_) => Uses { slots: true, widgets: false },
            Node::Button(_) | Node::Checkbox(_) | Node::Slider(..) | Node::Bargraph(..) => {
                Uses { slots: false, widgets: true }
            }
            Node::Symbolic(_, body) | Node::Group(_, _, body) => self.deeper(|work| work.uses(body))?,
            Node::Compose(_, a, b) => {
                let (a, b) = self.deeper(|work| Ok((work.uses(a)?, work.uses(b)?)))?;
                Uses { slots: a.slots || b.slots, widgets: a.widgets || b.widgets }
            }
            _ => Uses { slots: false, widgets: false },
        };
        self.uses.insert(id, found);
        Ok(found)
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Outcome<T>) -> Outcome<T> {
        self.evaluator.meter.enter()?;
        let result = work(self);
        self.evaluator.meter.leave();
        result
    }

    fn run(&mut self, id: BoxId, scope: Scope, folder: u32, inputs: &[SigId]) -> Outcome<Vec<SigId>> {
        self.evaluator.meter.spend(1 + inputs.len() as u64)?;
        match self.evaluator.boxes.node(id) {
            Node::Wire => return Ok(inputs.to_vec()),
            Node::Cut | Node::Empty => return Ok(Vec::new()),
            Node::Slot(slot) => return Ok(vec![self.slot(slot, scope)?]),
            Node::Int(value) => return Ok(vec![self.signals.add(Sig::Int(value))?]),
            Node::Real(bits) => return Ok(vec![self.signals.add(Sig::Real(bits))?]),
            Node::Prim(prim) => return Ok(vec![self.primitive(prim, inputs)?]),
            _ => {}
        }
        // Equal work is done once: parameters and folders count only where they are used.
        let Uses { slots, widgets } = self.uses(id)?;
        let (scope, folder) = (if slots { scope } else { Scope(0) }, if widgets { folder } else { 0 });
        let key = (id, scope, folder, self.signals.list(inputs));
        if let Some(known) = self.memo.get(&key) {
            return Ok(self.signals.items(*known).to_vec());
        }
        let before = self.signals.at;
        if let Some(origin) = self.evaluator.origins.get(&id) {
            self.signals.at = Some(*origin);
        }
        let outputs = self.deeper(|work| work.node(id, scope, folder, inputs))?;
        self.signals.at = before;
        let list = self.signals.list(&outputs);
        self.memo.insert(key, list);
        Ok(outputs)
    }

    fn slot(&mut self, slot: u32, scope: Scope) -> Outcome<SigId> {
        let mut at = scope;
        while let Some((outer, bound, value)) = self.scopes[at.0 as usize] {
            self.evaluator.meter.spend(1)?;
            if bound == slot {
                return Ok(value);
            }
            at = outer;
        }
        // A parameter that nothing binds has no value.
        self.signals.add(Sig::Int(0))
    }

    fn bind(&mut self, outer: Scope, slot: u32, value: SigId) -> Scope {
        let next = Scope(self.scopes.len() as u32);
        let (scopes, key) = (&mut self.scopes, (outer, slot, value));
        *self.scope_ids.entry(key).or_insert_with(|| {
            scopes.push(Some(key));
            next
        })
    }

    fn node(&mut self, id: BoxId, scope: Scope, folder: u32, inputs: &[SigId]) -> Outcome<Vec<SigId>> {
        match self.evaluator.boxes.node(id) {
            Node::Compose(how, a, b) => self.composed(how, (a, b), scope, folder, inputs),
            Node::Symbolic(slot, body) => {
                let inner = self.bind(scope, slot, inputs[0]);
                self.run(body, inner, folder, &inputs[1..])
            }
            Node::Group(kind, label, body) => {
                let label = self.evaluator.names.text(label).to_owned();
                let inner = self.ui.folder(folder, kind, &label);
                self.run(body, scope, inner, inputs)
            }
            Node::Button(label) => self.control(folder, WidgetKind::Button, label, [0.0, 0.0, 1.0, 1.0]),
            Node::Checkbox(label) => self.control(folder, WidgetKind::Checkbox, label, [0.0, 0.0, 1.0, 1.0]),
            Node::Slider(kind, label, list) => {
                let range = self.range(list);
                self.control(folder, WidgetKind::Slider(kind), label, range)
            }
            Node::Bargraph(horizontal, label, list) => {
                let [least, most, ..] = self.range(list);
                let kind = WidgetKind::Bargraph(horizontal);
                let widget =
                    self.ui.widget(folder, kind, label, [0.0, least, most, 0.0], &self.evaluator.names);
                Ok(vec![self.signals.add(Sig::Shown(widget, inputs[0]))?])
            }
            Node::Foreign(foreign) => {
                let list = self.signals.list(inputs);
                Ok(vec![self.signals.add(Sig::Foreign(foreign.0, list))?])
            }
            Node::SampleRate => Ok(vec![self.signals.add(Sig::SampleRate)?]),
            Node::Waveform(list) => {
                let mut numbers = Vec::new();
                for item in self.evaluator.boxes.items(list).to_vec() {
                    let number = self.evaluator.boxes.as_number(item).unwrap_or(Num::Int(0));
                    numbers.push(self.signals.constant(number)?);
                }
                self.evaluator.meter.spend(numbers.len() as u64)?;
                let size = self.signals.add(Sig::Int(numbers.len() as i32))?;
                let numbers = self.signals.list(&numbers);
                Ok(vec![size, self.signals.add(Sig::Waveform(numbers))?])
            }
            Node::Route(_, outs, list) => {
                let mut outputs: Vec<Option<SigId>> = vec![None; outs as usize];
                for pair in self.evaluator.boxes.items(list).to_vec().chunks_exact(2) {
                    let place = |id| match self.evaluator.boxes.node(id) {
                        Node::Int(at) => at.checked_sub(1).and_then(|at| usize::try_from(at).ok()),
                        _ => None,
                    };
                    let (Some(from), Some(to)) = (place(pair[0]), place(pair[1])) else { continue };
                    if let (Some(source), true) = (inputs.get(from), to < outputs.len()) {
                        outputs[to] = Some(match outputs[to] {
                            Some(before) => self.signals.binary(Prim::Add, before, *source)?,
                            None => *source,
                        });
                    }
                }
                let zero = self.signals.add(Sig::Int(0))?;
                Ok(outputs.into_iter().map(|signal| signal.unwrap_or(zero)).collect())
            }
            // Everything else has been taken away by the evaluator, or is done in `run`.
            _ => Ok(vec![self.signals.add(Sig::Int(0))?]),
        }
    }

    fn range(&self, list: crate::eval::List) -> [f64; 4] {
        let mut range = [0.0; 4];
        for (value, item) in range.iter_mut().zip(self.evaluator.boxes.items(list)) {
            *value = self.evaluator.boxes.as_number(*item).map_or(0.0, Num::real);
        }
        range
    }

    fn control(
        &mut self,
        folder: u32,
        kind: WidgetKind,
        label: crate::eval::Sym,
        range: [f64; 4],
    ) -> Outcome<Vec<SigId>> {
        let widget = self.ui.widget(folder, kind, label, range, &self.evaluator.names);
        Ok(vec![self.signals.add(Sig::Widget(widget))?])
    }

    fn composed(
        &mut self,
        how: Composition,
        (a, b): (BoxId, BoxId),
        scope: Scope,
        folder: u32,
        inputs: &[SigId],
    ) -> Outcome<Vec<SigId>> {
        let ((a_in, _), (b_in, b_out)) = (self.evaluator.arity(a)?, self.evaluator.arity(b)?);
        let count = b_in as usize;
        match how {
            Composition::Par => {
                let (left, right) = inputs.split_at(a_in as usize);
                let mut outputs = self.run(a, scope, folder, left)?;
                outputs.extend(self.run(b, scope, folder, right)?);
                Ok(outputs)
            }
            Composition::Seq => {
                let middle = self.run(a, scope, folder, inputs)?;
                self.run(b, scope, folder, &middle)
            }
            Composition::Split => {
                let middle = self.run(a, scope, folder, inputs)?;
                let fed: Vec<SigId> = middle.iter().copied().cycle().take(count).collect();
                self.run(b, scope, folder, &fed)
            }
            Composition::Merge => {
                let middle = self.run(a, scope, folder, inputs)?;
                let mut fed = Vec::with_capacity(count);
                for at in 0..count {
                    let mut sum = middle[at];
                    for other in middle.iter().skip(at + count).step_by(count) {
                        sum = self.signals.binary(Prim::Add, sum, *other)?;
                    }
                    fed.push(sum);
                }
                self.run(b, scope, folder, &fed)
            }
            Composition::Rec => {
                let group = self.signals.group();
                let mut back = Vec::with_capacity(count);
                for at in 0..b_in {
                    let signal = self.signals.add(Sig::Proj(group, at))?;
                    back.push(self.signals.unary(Prim::Mem, signal)?);
                }
                let mut fed = self.run(b, scope, folder, &back)?;
                debug_assert_eq!(fed.len(), b_out as usize);
                fed.extend_from_slice(inputs);
                let bodies = self.run(a, scope, folder, &fed)?;
                let mut outputs = Vec::with_capacity(bodies.len());
                for at in 0..bodies.len() {
                    outputs.push(self.signals.add(Sig::Proj(group, at as u32))?);
                }
                self.signals.groups[group.0 as usize].bodies = bodies;
                Ok(outputs)
            }
        }
    }

    fn primitive(&mut self, prim: Prim, inputs: &[SigId]) -> Outcome<SigId> {
        let signals = &mut self.signals;
        match (prim, inputs) {
            (Prim::Select2, [choice, a, b]) => signals.select(*choice, *a, *b),
            (Prim::Select3, [choice, a, b, c]) => {
                let (zero, one) = (signals.add(Sig::Int(0))?, signals.add(Sig::Int(1))?);
                let choice = signals.unary(Prim::Int, *choice)?;
                let (first, second) =
                    (signals.binary(Prim::Eq, choice, zero)?, signals.binary(Prim::Eq, choice, one)?);
                let rest = signals.select(second, *c, *b)?;
                signals.select(first, rest, *a)
            }
            (Prim::Rdtable, [size, init, index]) => signals.add(Sig::Table(*size, *init, *index)),
            (Prim::Rwtable, [size, init, to, value, from]) => {
                signals.add(Sig::Written([*size, *init, *to, *value, *from]))
            }
            (Prim::Attach, [a, b]) => {
                // A number needs no computing.
                if signals.number(*b).is_some() { Ok(*a) } else { signals.add(Sig::Attach(*a, *b)) }
            }
            (Prim::Control, [a, b]) => signals.add(Sig::Held(*a, *b)),
            (Prim::Enable, [a, b]) => {
                let product = signals.binary(Prim::Mul, *a, *b)?;
                signals.add(Sig::Held(product, *b))
            }
            (Prim::Prefix, [a, b]) => signals.add(Sig::Prefix(*a, *b)),
            (Prim::Assertbounds, [a, b, c]) => signals.add(Sig::Bounded(*a, *b, *c)),
            (prim, [a]) => signals.unary(prim, *a),
            (prim, [a, b]) => signals.binary(prim, *a, *b),
            _ => signals.add(Sig::Int(0)),
        }
    }
}

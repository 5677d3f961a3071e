//! Widget modulation: `["label": circuit -> diagram]`.
//!
//! A circuit without inputs takes the widget's place, one with one input comes behind it, one with two inputs
//! (multiplication if none is written) gets a new input of the whole beside it.

use super::*;
use crate::hash::Map;
use crate::prim::Prim;
use crate::syntax::{Composition, Modulator};

/// A target with its circuit.
struct Target {
    label: String,
    circuit: BoxId,
    /// The new input.
    slot: Option<u32>,
    used: bool,
}

impl Evaluator<'_> {
    pub(super) fn modulate(
        &mut self,
        code: Code,
        modulators: &[Modulator],
        body: Code,
        env: Env,
    ) -> Outcome<BoxId> {
        let value = self.eval(body, env)?;
        let diagram = self.diagram(value)?;
        let mut targets = Vec::new();
        for modulator in modulators {
            let circuit = match modulator.circuit {
                Some(expr) => {
                    let value = self.eval(Code { file: code.file, expr }, env)?;
                    self.diagram(value)?
                }
                None => self.boxes.add(Node::Prim(Prim::Mul)),
            };
            let slot = match self.arity(circuit)? {
                (0 | 1, 1) => None,
                (2, 1) => {
                    self.slots += 1;
                    Some(self.slots - 1)
                }
                (inputs, outputs) => {
                    let text =
                        format!("a modulation has 0 to 2 inputs and 1 output, not {inputs} and {outputs}");
                    return self.raise(code, text);
                }
            };
            let label = self.label(&modulator.label, env)?;
            let label = plain(self.names.text(label)).to_owned();
            targets.push(Target { label, circuit, slot, used: false });
        }
        let mut done = Map::default();
        let changed = self.modulated(diagram, &mut targets, &mut done)?;
        if let Some(missing) = targets.iter().find(|target| !target.used) {
            let text = format!("there is no widget \"{}\" in `{}`", missing.label, self.files.snippet(body));
            return self.raise(code, text);
        }
        let slots: Vec<u32> = targets.iter().filter_map(|target| target.slot).collect();
        Ok(slots.iter().rev().fold(changed, |all, slot| self.boxes.add(Node::Symbolic(*slot, all))))
    }

    fn modulated(
        &mut self,
        id: BoxId,
        targets: &mut [Target],
        done: &mut Map<BoxId, BoxId>,
    ) -> Outcome<BoxId> {
        if let Some(made) = done.get(&id) {
            return Ok(*made);
        }
        let made = match self.boxes.node(id) {
            Node::Compose(how, a, b) => self.deeper(|evaluator| {
                let (a, b) = (evaluator.modulated(a, targets, done)?, evaluator.modulated(b, targets, done)?);
                Ok(evaluator.compose(how, a, b))
            })?,
            Node::Symbolic(slot, body) => {
                let body = self.deeper(|evaluator| evaluator.modulated(body, targets, done))?;
                self.boxes.add(Node::Symbolic(slot, body))
            }
            Node::Group(kind, label, body) => {
                let body = self.deeper(|evaluator| evaluator.modulated(body, targets, done))?;
                self.boxes.add(Node::Group(kind, label, body))
            }
            Node::Button(label) | Node::Checkbox(label) | Node::Slider(_, label, _) => {
                let label = plain(self.names.text(label)).to_owned();
                let mut made = id;
                for target in targets.iter_mut().filter(|target| target.label == label) {
                    target.used = true;
                    let fed = match (target.slot, self.arity(target.circuit)?.0) {
                        (_, 0) => {
                            made = target.circuit;
                            continue;
                        }
                        (Some(slot), _) => {
                            let slot = self.boxes.add(Node::Slot(slot));
                            self.compose(Composition::Par, made, slot)
                        }
                        (None, _) => made,
                    };
                    made = self.compose(Composition::Seq, fed, target.circuit);
                }
                made
            }
            _ => id,
        };
        done.insert(id, made);
        Ok(made)
    }
}

/// A label without its metadata.
fn plain(label: &str) -> &str {
    let end = label.find('[').unwrap_or(label.len());
    let start = label.rfind(']').filter(|_| end == 0).map_or(0, |at| at + 1);
    if start > 0 { label[start..].trim() } else { label[..end].trim() }
}

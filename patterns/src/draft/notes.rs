//! Controls as notes: what a pattern of values plays in the end.

use super::{Control, Datum, Draft, DraftOp, Given, NoteDraft};
use crate::error::CompileErrorKind as Kind;
use crate::fraction::{Wide, exactly};
use crate::ir::Pattern;
use crate::pitch::hz_to_midi;
use crate::{CompileError, Value, midi_to_hz};

/// The control that says for how much of an event the gate is open.
const LEGATO: &str = "legato";

/// The last part of a label.
pub(super) fn own_name(label: &str) -> &str {
    label.rsplit('/').next().unwrap_or(label)
}

/// What notes are made of has numbers alone.
pub(super) fn is_of_note(name: &str) -> bool {
    matches!(name, "note" | "chord" | "freq" | "vel" | LEGATO) || is_gate(name)
}

fn is_gate(label: &str) -> bool {
    ["gate", "trig", "trigger"].iter().any(|gate| own_name(label).ends_with(gate))
}

/// The label of another control of the same node.
fn beside(label: &str, name: &str) -> String {
    match label.rsplit_once('/') {
        Some((node, _)) => format!("{node}/{name}"),
        None => name.to_owned(),
    }
}

/// The controls of a finished note, such as the notation makes: controls at its beginning, a gate among them that closes
/// at half of it. A frequency is the key it belongs to. `None` for anything else that is frozen.
pub(super) fn note_controls(pattern: &Pattern) -> Option<Vec<Control>> {
    let Pattern::Freeze { child, .. } = pattern else { return None };
    let Pattern::Cat { children, .. } = child.as_ref() else { return None };
    let [begins, ends] = children.as_slice() else { return None };
    let begins = match begins {
        Pattern::Stack { children, .. } => children.iter().map(control).collect::<Option<Vec<_>>>()?,
        one => vec![control(one)?],
    };
    let (gate, closed) = control(ends)?;
    let opens = begins.iter().filter(|(label, value)| *label == gate && *value == 1.0).count() == 1;
    let gates = begins.iter().filter(|(label, _)| is_gate(label)).count();
    if !(opens && gates == 1 && closed == 0.0) {
        return None;
    }
    let key = |(label, value): (&str, f64)| match own_name(label) {
        "freq" if value > 0.0 => (beside(label, "note").into(), Given::Numbers(vec![hz_to_midi(value)])),
        _ => (label.into(), Given::Numbers(vec![value])),
    };
    Some(begins.into_iter().map(key).collect())
}

/// The label and the value of an atom that is a control.
fn control(pattern: &Pattern) -> Option<(&str, f64)> {
    match pattern {
        Pattern::Atom { value: Value::Control { label, value }, .. } => Some((label, *value)),
        _ => None,
    }
}

fn sets(label: String, value: f64) -> Value {
    Value::Control { label, value }
}

impl Draft {
    /// Around the root, if it has controls to play.
    pub(super) fn notes(&mut self, root: usize) -> Result<usize, CompileError> {
        let leaves = self.sounding(root);
        let speaks = |leaf: &u32| matches!(self.data[*leaf as usize], Datum::Controls(_));
        if !leaves.iter().any(speaks) {
            return Ok(root);
        }
        // Notes have the whole limit for themselves.
        self.copied_before = self.copied;
        self.copied = 0;
        let first = leaves[0];
        let mut notes = vec![Vec::new(); (leaves[leaves.len() - 1] - first + 1) as usize];
        for leaf in leaves {
            if let Datum::Controls(controls) = self.data[leaf as usize].clone() {
                notes[(leaf - first) as usize] = self.notes_of(leaf, &controls)?;
            }
        }
        let path = self.nodes[root].path;
        Ok(self.push(DraftOp::Notes { child: root, first, notes }, path).unwrap_or(root))
    }

    /// The notes of one event: one for each pitch, or one without.
    fn notes_of(&mut self, leaf: u32, controls: &[Control]) -> Result<Vec<NoteDraft>, CompileError> {
        let place = self.places[leaf as usize];
        let legato = controls.iter().find(|(label, _)| own_name(label) == LEGATO);
        let half = Wide::new(1, 2);
        let gate = match legato.and_then(|(_, given)| given.numbers().first()) {
            None => half,
            Some(&share) if share > 0.0 && share <= 1.0 => {
                exactly(share).ok_or_else(|| self.error_at(place, Kind::TimeTooFine))?
            }
            Some(share) => {
                let (op, takes, given) =
                    ("legato", "a share of the event, above 0 and up to 1", share.to_string());
                return Err(self.error_at(place, Kind::Takes { op, takes, given }));
            }
        };
        let count = controls.iter().map(|(_, given)| given.count()).max().unwrap_or(0);
        let mut notes = Vec::with_capacity(count);
        for note in 0..count {
            let mut begins: Vec<Value> = Vec::new();
            let mut gates: Vec<String> = Vec::new();
            for (label, given) in controls.iter().filter(|(label, _)| own_name(label) != LEGATO) {
                let value = match given.of_note(note) {
                    Given::Numbers(numbers) => numbers[0],
                    Given::Name(name) => {
                        begins.push(Value::Named { label: label.to_string(), name: name.to_string() });
                        continue;
                    }
                };
                match own_name(label) {
                    "note" => {
                        begins.push(sets(beside(label, "freq"), midi_to_hz(value)));
                        gates.push(beside(label, "gate"));
                    }
                    "freq" => {
                        begins.push(sets(label.to_string(), value));
                        gates.push(beside(label, "gate"));
                    }
                    _ if is_gate(label) => gates.push(label.to_string()),
                    _ => begins.push(sets(label.to_string(), value)),
                }
            }
            gates.sort();
            gates.dedup();
            begins.extend(gates.iter().map(|gate| sets(gate.clone(), 1.0)));
            let too_large = |begin: &&Value| matches!(begin, Value::Control { value, .. } if !(*value as f32).is_finite());
            if let Some(Value::Control { label, value }) = begins.iter().find(too_large) {
                let given = format!("{label} = {value}");
                let takes = "numbers that 32 bits hold";
                return Err(self.error_at(place, Kind::Takes { op: "a control", takes, given }));
            }
            // Each event has a note; the further ones of chords multiply. Each value of a program has its own label.
            let text = |begin: &Value| match begin {
                Value::Control { label, .. } => label.len(),
                Value::Named { label, name } => label.len() + name.len(),
                _ => 0,
            };
            let texts = begins.iter().map(text).chain(gates.iter().map(String::len));
            let carried = texts.map(|text| 8 + text).sum();
            let things = if note == 0 { 1 } else { begins.len() + gates.len() };
            self.count_copies(things, carried, place)?;
            self.freezes += 1;
            let unit = if gates.is_empty() { 0 } else { self.freezes };
            let said = |draft: &mut Self, value: &Value| {
                let value = draft.value(value);
                draft.units[value as usize] = unit;
                let source = draft.leaves[leaf as usize].source;
                draft.leaves.push(super::Leaf { value, shape: None, source });
                draft.data.push(Datum::Played);
                draft.places.push(place);
                (draft.leaves.len() - 1) as u32
            };
            let begins = begins.iter().map(|value| said(self, value)).collect();
            let ends = gates.into_iter().map(|gate| said(self, &sets(gate, 0.0))).collect();
            notes.push(NoteDraft { begins, ends, gate });
        }
        Ok(notes)
    }
}

//! Values that meet: `Label`, `Combine` and `Split` over what their leaves say. Everything that can come of two
//! leaves is worked out here, so a query only looks it up.

use super::notes::{is_of_note, own_name};
use super::{
    Control, Datum, Draft, DraftOp, FEW, Given, Leaf, MAX_CONTROLS, NO_LEAF, NO_VALUE, Structure, Table,
};
use crate::chord::{MAX_CHORD, Order};
use crate::error::CompileErrorKind as Kind;
use crate::ir::{Pattern, SourceSpan};
use crate::{CompileError, Value, parse_pitch, scales};
use std::sync::Arc;

type Lowered = Result<Option<usize>, CompileError>;

/// Why two values do not meet.
struct Refused {
    /// Is it the right one that does not fit?
    right: bool,
    op: &'static str,
    takes: &'static str,
    given: String,
}

impl Draft {
    /// What an operator on values has below it.
    pub(super) fn lower_values(
        &mut self,
        child: &Pattern,
        below: Option<usize>,
        source: Option<SourceSpan>,
    ) -> Lowered {
        self.valued += 1;
        let lowered = self.lower(child, below, source);
        self.valued -= 1;
        lowered
    }

    pub(super) fn label(&mut self, pattern: &Pattern, path: usize, source: Option<SourceSpan>) -> Lowered {
        let Pattern::Label { label, plain, child, .. } = pattern else { return Ok(None) };
        let Some(child) = self.lower_values(child, Some(path), source)? else { return Ok(None) };
        if *plain {
            self.plain_values(label, child)?;
            return Ok(Some(child));
        }
        let name = own_name(label);
        let note: Arc<str> = format!("{}note", &label[..label.len() - name.len()]).into();
        let label: Arc<str> = label.as_str().into();
        for leaf in self.sounding(child) {
            let values = match (&self.data[leaf as usize], name) {
                (Datum::Number(number), _) => Some((label.clone(), Given::Numbers(vec![*number]))),
                (Datum::Name(word), "note") => {
                    let key = parse_pitch(word).ok();
                    key.map(|key| (label.clone(), Given::Numbers(vec![f64::from(key)])))
                }
                (Datum::Name(word), "chord") => {
                    scales::chord(word).map(|keys| (note.clone(), Given::Numbers(keys)))
                }
                (Datum::Name(word), name) if !is_of_note(name) => {
                    Some((label.clone(), Given::Name(word.clone())))
                }
                _ => None,
            };
            let Some(values) = values else {
                let takes = match name {
                    "note" => "keys such as 60 and notes such as C#4",
                    "chord" => "chords such as C:m7 and Eb3:maj7",
                    name if is_of_note(name) => "numbers",
                    _ => "numbers and names",
                };
                let (op, given) = ("Label", self.data[leaf as usize].to_string());
                return Err(self.error_at(self.places[leaf as usize], Kind::Takes { op, takes, given }));
            };
            self.data[leaf as usize] = Datum::Controls(vec![values]);
        }
        Ok(Some(child))
    }

    /// The values below become those of a control, each of them one event.
    fn plain_values(&mut self, label: &str, child: usize) -> Result<(), CompileError> {
        for leaf in self.sounding(child) {
            let place = self.places[leaf as usize];
            let value = match &self.data[leaf as usize] {
                Datum::Number(value) if (*value as f32).is_finite() => {
                    Value::Control { label: label.to_owned(), value: *value }
                }
                Datum::Number(value) => {
                    let (op, takes, given) =
                        ("a control", "numbers that 32 bits hold", format!("{label} = {value}"));
                    return Err(self.error_at(place, Kind::Takes { op, takes, given }));
                }
                Datum::Name(name) => Value::Named { label: label.to_owned(), name: name.to_string() },
                other => {
                    let (op, takes, given) = ("Label", "numbers and names", other.to_string());
                    return Err(self.error_at(place, Kind::Takes { op, takes, given }));
                }
            };
            // Each value of a program has its own label.
            self.count_copies(0, label.len(), place)?;
            self.leaves[leaf as usize].value = self.value(&value);
            self.data[leaf as usize] = Datum::Played;
        }
        Ok(())
    }

    pub(super) fn combine(
        &mut self,
        pattern: &Pattern,
        above: Option<usize>,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Lowered {
        let Pattern::Combine { kind, structure, left, right, .. } = pattern else { return Ok(None) };
        let branch = self.branch(pattern, above, 0);
        let left = self.lower_values(left, branch, source)?;
        let branch = self.branch(pattern, above, 1);
        let right = self.lower_values(right, branch, source)?;
        let (Some(left), Some(right)) = (left, right) else { return Ok(None) };
        self.check_values(left)?;
        self.check_values(right)?;
        let (lefts, rights) = (self.sounding(left), self.sounding(right));
        if structure != "left" {
            self.check_events(&lefts)?;
            self.check_events(&rights)?;
        }
        let (first, width) = ([lefts[0], rights[0]], rights[rights.len() - 1] - rights[0] + 1);
        let height = lefts[lefts.len() - 1] - lefts[0] + 1;
        // The table has room for the leaves between too, such as those of selectors.
        let room = (height as usize).saturating_mul(width as usize);
        let pairs = lefts.len().saturating_mul(rights.len());
        self.count_copies(pairs, room - pairs.min(room), path)?;
        let mut cells = vec![NO_LEAF; room];
        let mut leaves = Vec::new();
        let mut turned = Vec::new();
        let mut holes = false;
        for &l in &lefts {
            for &r in &rights {
                self.count_copies(0, work(&self.data[l as usize], &self.data[r as usize]), path)?;
                let met = meet(kind, &self.data[l as usize], &self.data[r as usize]);
                let cell = match met {
                    Ok(Met::Nothing) => {
                        holes = true;
                        continue;
                    }
                    Ok(Met::Left) => l,
                    Ok(Met::New(datum)) => {
                        let structured = if structure == "right" { r } else { l };
                        let Leaf { source, .. } = self.leaves[structured as usize];
                        self.leaves.push(Leaf { value: NO_VALUE, shape: None, source });
                        self.data.push(datum);
                        self.places.push(self.places[l as usize]);
                        (self.leaves.len() - 1) as u32
                    }
                    Err(Refused { right, op, takes, given }) => {
                        let place = self.places[if right { r } else { l } as usize];
                        return Err(self.error_at(place, Kind::Takes { op, takes, given }));
                    }
                };
                cells[(l - first[0]) as usize * width as usize + (r - first[1]) as usize] = cell;
                leaves.push(cell);
                if kind == "inv_stack"
                    && let Datum::Number(by) = self.data[r as usize]
                {
                    turned.push((cell, by as i32));
                }
            }
        }
        leaves.sort_unstable();
        leaves.dedup();
        if leaves.is_empty() {
            return Ok(None);
        }
        let structure = match structure.as_str() {
            "left" => Structure::Left,
            "right" => Structure::Right,
            _ => Structure::Both,
        };
        let table = Table { left: first[0], right: first[1], width, cells };
        let met = self.push(DraftOp::Combine { structure, left, right, table, leaves, holes }, path);
        match met {
            Some(met) if kind == "inv_stack" => self.invert(met, &turned, path),
            met => Ok(met),
        }
    }

    pub(super) fn split(&mut self, pattern: &Pattern, path: usize, source: Option<SourceSpan>) -> Lowered {
        let Pattern::Split { kind, n, child, .. } = pattern else { return Ok(None) };
        let Some(child) = self.lower_values(child, Some(path), source)? else { return Ok(None) };
        self.check_values(child)?;
        let leaves = self.sounding(child);
        self.check_events(&leaves)?;
        if let Some(order) = Order::of(kind) {
            return self.arpeggio(order, *n, child, &leaves, path);
        }
        let first = leaves[0];
        let room = (leaves[leaves.len() - 1] - first + 1) as usize;
        self.count_copies(0, room - leaves.len(), path)?;
        let mut parts = vec![Vec::new(); room];
        for leaf in leaves {
            self.count_copies(*n as usize, 0, path)?;
            parts[(leaf - first) as usize] = vec![leaf; *n as usize];
        }
        Ok(self.push(DraftOp::Split { child, first, parts }, path))
    }

    /// Chords in pieces: the notes of each leaf as leaves of their own.
    fn arpeggio(&mut self, order: Order, n: u32, child: usize, leaves: &[u32], path: usize) -> Lowered {
        let first = leaves[0];
        let room = (leaves[leaves.len() - 1] - first + 1) as usize;
        self.count_copies(0, room - leaves.len(), path)?;
        let mut notes = vec![Vec::new(); room];
        for &leaf in leaves {
            notes[(leaf - first) as usize] = self.single_notes(leaf, path)?;
        }
        let lengths: Vec<usize> = leaves.iter().map(|leaf| notes[(leaf - first) as usize].len()).collect();
        let chords = self.chords(child);
        let totals = chords.totals(&lengths);
        if totals.last().is_none_or(|most| *most > MAX_CHORD) {
            let takes = "chords of up to 64 notes at once";
            return Err(self.error_at(path, Kind::Takes { op: "Split", takes, given: "more".to_owned() }));
        }
        let each = chords.pieces(order, n, &lengths);
        let totals = totals.into_iter().map(|total| total as u32).collect();
        Ok(self.push(DraftOp::Arp { child, first, notes, order, n, totals, each }, path))
    }

    /// The notes of a chord, each as a leaf. What has no notes is one.
    pub(super) fn single_notes(&mut self, leaf: u32, path: usize) -> Result<Vec<u32>, CompileError> {
        let Datum::Controls(controls) = &self.data[leaf as usize] else { return Ok(vec![leaf]) };
        let count = controls.iter().map(|(_, given)| given.count()).max().unwrap_or(1);
        if count == 1 {
            return Ok(vec![leaf]);
        }
        let controls = controls.clone();
        self.count_copies(0, 4 * count * controls.len(), path)?;
        let leaves = (0..count).map(|note| {
            let one = controls.iter().map(|(label, given)| (label.clone(), given.of_note(note)));
            let Leaf { source, .. } = self.leaves[leaf as usize];
            self.leaves.push(Leaf { value: NO_VALUE, shape: None, source });
            self.data.push(Datum::Controls(one.collect()));
            self.places.push(self.places[leaf as usize]);
            (self.leaves.len() - 1) as u32
        });
        Ok(leaves.collect())
    }

    /// A shape has no events whose lengths could be others.
    fn check_events(&self, leaves: &[u32]) -> Result<(), CompileError> {
        match leaves.iter().find(|leaf| self.leaves[**leaf as usize].shape.is_some()) {
            None => Ok(()),
            Some(&leaf) => {
                let (op, takes, given) =
                    ("an operator that makes new lengths", "events", "a shape".to_owned());
                Err(self.error_at(self.places[leaf as usize], Kind::Takes { op, takes, given }))
            }
        }
    }

    /// A unit of several events has no one value.
    pub(super) fn check_values(&self, node: usize) -> Result<(), CompileError> {
        let mut pending = vec![node];
        while let Some(node) = pending.pop() {
            match &self.nodes[node].op {
                DraftOp::Freeze(_) => {
                    let (op, takes) = ("an operator on values", "values and notes");
                    let given = "a unit of several events".to_owned();
                    return Err(self.error(node, Kind::Takes { op, takes, given }));
                }
                op => pending.extend(op.children()),
            }
        }
        Ok(())
    }
}

/// What comes of two values.
enum Met {
    Nothing,
    Left,
    New(Datum),
}

fn meet(kind: &str, left: &Datum, right: &Datum) -> Result<Met, Refused> {
    let refused =
        |right: bool, op, takes, given: &Datum| Refused { right, op, takes, given: given.to_string() };
    Ok(match (kind, left, right) {
        ("mask", _, Datum::Number(number)) => {
            if *number == 0.0 {
                Met::Nothing
            } else {
                Met::Left
            }
        }
        ("mask", _, Datum::Name(name)) => {
            if &**name == "f" {
                Met::Nothing
            } else {
                Met::Left
            }
        }
        ("mask", ..) => Met::Left,
        ("keep", Datum::Number(_) | Datum::Name(_) | Datum::Played, _) => Met::Left,
        ("scale", left, Datum::Name(name)) if scales::is_scale(name) => match left {
            Datum::Number(number) => Met::New(Datum::Number(in_scale(*number, name, left)?)),
            Datum::Controls(controls) => {
                let mut controls = controls.clone();
                let notes = controls.iter_mut().filter(|(label, _)| own_name(label) == "note");
                for note in notes.flat_map(|(_, given)| given.numbers_mut()) {
                    *note = in_scale(*note, name, left)?;
                }
                Met::New(Datum::Controls(controls))
            }
            other => return Err(refused(false, "scale", DEGREES, other)),
        },
        ("scale", _, other) => {
            return Err(refused(true, "scale", "scales such as minor and C:dorian", other));
        }
        ("inv" | "voicing" | "inv_stack", left, right) => moved(kind, left, right)?,
        ("set", Datum::Number(_) | Datum::Name(_), Datum::Number(_) | Datum::Name(_)) => {
            Met::New(right.clone())
        }
        (_, Datum::Number(a), Datum::Number(b)) => Met::New(Datum::Number(calculate(kind, *a, *b, right)?)),
        (_, Datum::Controls(a), Datum::Controls(b)) => Met::New(Datum::Controls(joined(kind, a, b, right)?)),
        // A bare number is meant for the pitch, or for the one control there is.
        (_, Datum::Controls(controls), Datum::Number(number)) => {
            let pitch = controls.iter().find(|(label, _)| own_name(label) == "note");
            match (pitch, controls.as_slice()) {
                (Some((label, _)), _) | (None, [(label, _)]) => {
                    let number = vec![(label.clone(), Given::Numbers(vec![*number]))];
                    Met::New(Datum::Controls(joined(kind, controls, &number, right)?))
                }
                _ => {
                    let takes = "a control by name, since there are several and none is a note";
                    return Err(refused(true, "Combine", takes, right));
                }
            }
        }
        (_, Datum::Played, _) => {
            return Err(refused(false, "Combine", "numbers, names, notes and labelled values", left));
        }
        (_, _, Datum::Played) => {
            return Err(refused(true, "Combine", "numbers, names, notes and labelled values", right));
        }
        _ => return Err(refused(true, "Combine", "the same kind of value on both sides", right)),
    })
}

/// What a pair takes to meet beyond one value: the labels that are compared, and the numbers that are copied.
fn work(left: &Datum, right: &Datum) -> usize {
    let (Datum::Controls(left), Datum::Controls(right)) = (left, right) else {
        return [left, right].into_iter().map(numbers).sum();
    };
    let values = |controls: &[Control]| controls.iter().map(|(_, given)| given.count()).sum::<usize>();
    left.len() * right.len() + values(left) + values(right)
}

/// The numbers of the controls that a leaf says.
fn numbers(datum: &Datum) -> usize {
    match datum {
        Datum::Controls(controls) => controls.iter().map(|(_, given)| given.count()).sum(),
        _ => 0,
    }
}

/// What `scale` takes on its left side.
const DEGREES: &str = "degrees, which are numbers below a million";

fn in_scale(number: f64, name: &str, given: &Datum) -> Result<f64, Refused> {
    let within = number.abs() < 1e6;
    // Between two degrees it is the upper one.
    within.then(|| scales::degree(name, number.ceil())).flatten().ok_or_else(|| Refused {
        right: false,
        op: "scale",
        takes: DEGREES,
        given: format!("{given}, {number}"),
    })
}

/// A chord with other notes of the same names: see [`inverted`] and [`voiced`]. What `inv_stack` turns over stays.
fn moved(kind: &str, left: &Datum, right: &Datum) -> Result<Met, Refused> {
    let by = match right {
        Datum::Number(number) => Some(*number),
        Datum::Name(name) => parse_pitch(name).ok().map(f64::from),
        _ => None,
    };
    let whole = |number: &f64| number.fract() == 0.0 && number.abs() <= MAX_INVERSION;
    let (op, takes) = match kind {
        "inv" => ("inv", "whole numbers from -128 to 128"),
        "inv_stack" => ("inv_stack", "whole numbers from -128 to 128"),
        _ => ("voicing", "keys such as 72 and notes such as C5"),
    };
    let fits = |by: &f64| kind == "voicing" || (matches!(right, Datum::Number(_)) && whole(by));
    let Some(by) = by.filter(fits) else {
        return Err(Refused { right: true, op, takes, given: right.to_string() });
    };
    let change = |notes: &[f64]| match kind {
        "inv" => inverted(notes, by as i64),
        "voicing" => voiced(notes, by),
        // How far each note moves is known when the chord is.
        _ => notes.to_vec(),
    };
    let no_chord = || Refused { right: false, op, takes: "notes and chords", given: left.to_string() };
    Ok(Met::New(match left {
        Datum::Number(number) => Datum::Number(change(&[*number])[0]),
        Datum::Controls(controls) => {
            let mut controls = controls.clone();
            let note = controls.iter_mut().find(|(label, _)| own_name(label) == "note");
            let (_, notes) = note.ok_or_else(no_chord)?;
            *notes = Given::Numbers(change(notes.numbers()));
            Datum::Controls(controls)
        }
        _ => return Err(no_chord()),
    }))
}

/// The lowest notes an octave up, `by` times one; for a negative number the highest down.
fn inverted(notes: &[f64], by: i64) -> Vec<f64> {
    let mut notes = notes.to_vec();
    notes.sort_by(f64::total_cmp);
    let last = notes.len() - 1;
    for _ in 0..by.unsigned_abs() {
        if by > 0 {
            notes[0] += 12.0;
            notes.rotate_left(1);
        } else {
            notes[last] -= 12.0;
            notes.rotate_right(1);
        }
        notes.sort_by(f64::total_cmp);
    }
    notes
}

/// Each note in the octave that ends with `top`; what falls together is one.
fn voiced(notes: &[f64], top: f64) -> Vec<f64> {
    let mut notes: Vec<f64> = notes.iter().map(|note| top - (top - note).rem_euclid(12.0)).collect();
    notes.sort_by(f64::total_cmp);
    notes.dedup();
    notes
}

/// The furthest that `inv` goes.
const MAX_INVERSION: f64 = 128.0;

fn calculate(kind: &str, a: f64, b: f64, right: &Datum) -> Result<f64, Refused> {
    let refused = |takes| Refused { right: true, op: "Combine", takes, given: right.to_string() };
    let result = match kind {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" | "mod" if b == 0.0 => return Err(refused("numbers other than 0 to divide by")),
        "div" => a / b,
        "mod" => a - b * (a / b).floor(),
        "keep" => a,
        _ => b,
    };
    if result.is_finite() { Ok(result) } else { Err(refused("numbers whose result is finite")) }
}

/// Controls of both sides; those of one name meet, each number of one with each of the other.
fn joined(kind: &str, left: &[Control], right: &[Control], given: &Datum) -> Result<Vec<Control>, Refused> {
    let mut controls = left.to_vec();
    for (label, given_right) in right {
        let Some((_, known)) = controls.iter_mut().find(|(known, _)| known == label) else {
            if controls.len() == MAX_CONTROLS {
                let given = "more".to_owned();
                return Err(Refused { right: true, op: "Combine", takes: FEW, given });
            }
            controls.push((label.clone(), given_right.clone()));
            continue;
        };
        *known = match (kind, &*known, given_right) {
            ("keep", ..) => continue,
            ("set", ..) => given_right.clone(),
            (_, Given::Numbers(left), Given::Numbers(right)) => {
                let pairs = left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b)));
                let results = pairs.map(|(a, b)| calculate(kind, a, b, given));
                Given::Numbers(results.collect::<Result<_, _>>()?)
            }
            (_, Given::Name(name), _) | (_, _, Given::Name(name)) => {
                let takes = "numbers to calculate with, and names with set and keep alone";
                return Err(Refused { right: true, op: "Combine", takes, given: format!("the name {name}") });
            }
        };
        if known.count() > MAX_CHORD {
            let takes = "chords of up to 64 notes";
            return Err(Refused {
                right: true,
                op: "Combine",
                takes,
                given: format!("{} notes", known.count()),
            });
        }
    }
    Ok(controls)
}

//! Chords that are turned over, of events with one whole: which notes a leaf can have in them, and in which octaves.

use super::notes::own_name;
use super::{Control, Datum, Draft, DraftOp, Given, Inversion, Leaf, NO_VALUE, Octaves};
use crate::CompileError;
use crate::chord::{MAX_CHORD, Order};
use crate::error::CompileErrorKind as Kind;

impl Draft {
    /// Around a node whose events have met how often their chord is turned over: its leaves with these numbers.
    pub(super) fn invert(
        &mut self,
        child: usize,
        met: &[(u32, i32)],
        path: usize,
    ) -> Result<Option<usize>, CompileError> {
        let first = met.iter().map(|(leaf, _)| *leaf).min().unwrap_or(0);
        let last = met.iter().map(|(leaf, _)| *leaf).max().unwrap_or(0);
        let room = (last - first + 1) as usize;
        self.count_copies(0, room - met.len(), path)?;
        let mut turned = vec![None; room];
        let mut lengths = Vec::with_capacity(met.len());
        for &(leaf, by) in met {
            let notes = self.octaves(leaf, by, path)?;
            lengths.push(notes.len());
            turned[(leaf - first) as usize] = Some(Inversion { by, notes });
        }
        let chords = self.chords(child);
        if chords.totals(&lengths).last().is_none_or(|most| *most > MAX_CHORD) {
            let takes = "chords of up to 64 notes at once";
            let (op, given) = ("inv_stack", "more".to_owned());
            return Err(self.error_at(path, Kind::Takes { op, takes, given }));
        }
        // All that sounds is cut where one of several begins or ends, as in a rolled chord.
        let each = chords.pieces(Order::Rolled, 1, &lengths);
        Ok(self.push(DraftOp::Invert { child, first, turned, each }, path))
    }

    /// The notes of a leaf, each in all octaves that it may come into. Each turned chord has leaves of its own, as each
    /// of its notes is one by itself.
    fn octaves(&mut self, leaf: u32, by: i32, path: usize) -> Result<Vec<Octaves>, CompileError> {
        let notes = self.single_notes(leaf, path)?;
        let mut octaves = Vec::with_capacity(notes.len());
        for note in notes {
            let pitch = pitch_of(&self.data[note as usize]);
            let mut leaves = Vec::new();
            for octave in by.min(0)..=by.max(0) {
                leaves.push(if octave == 0 { note } else { self.moved_leaf(note, octave, path)? });
            }
            octaves.push(Octaves { pitch, lowest: by.min(0), leaves });
        }
        Ok(octaves)
    }

    /// A note so many octaves higher.
    fn moved_leaf(&mut self, note: u32, octave: i32, path: usize) -> Result<u32, CompileError> {
        let mut datum = self.data[note as usize].clone();
        match &mut datum {
            Datum::Number(number) => *number += 12.0 * f64::from(octave),
            Datum::Controls(controls) => {
                let keys = pitch_among(controls).map(|(_, given)| given.numbers_mut());
                keys.into_iter().flatten().for_each(|key| *key += 12.0 * f64::from(octave));
            }
            _ => {}
        }
        let controls = if let Datum::Controls(controls) = &datum { controls.len() } else { 0 };
        self.count_copies(1, 4 * controls, path)?;
        let Leaf { source, .. } = self.leaves[note as usize];
        self.leaves.push(Leaf { value: NO_VALUE, shape: None, source });
        self.data.push(datum);
        self.places.push(self.places[note as usize]);
        Ok((self.leaves.len() - 1) as u32)
    }
}

/// The control that a note's pitch is.
fn pitch_among(controls: &mut [Control]) -> Option<&mut Control> {
    controls.iter_mut().find(|(label, _)| own_name(label) == "note")
}

/// The pitch of one note.
fn pitch_of(datum: &Datum) -> f64 {
    match datum {
        Datum::Number(number) => *number,
        Datum::Controls(controls) => {
            let note = controls.iter().find(|(label, _)| own_name(label) == "note");
            note.and_then(|(_, given): &(_, Given)| given.numbers().first().copied()).unwrap_or(0.0)
        }
        _ => 0.0,
    }
}

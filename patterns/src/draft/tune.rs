//! `Tune`: keys become the pitches of a tuning.

use super::notes::own_name;
use super::{Datum, Draft};
use crate::CompileError;
use crate::error::CompileErrorKind as Kind;
use crate::ir::{Pattern, SourceSpan};
use crate::tuning::Tuning;

impl Draft {
    pub(super) fn tune(
        &mut self,
        pattern: &Pattern,
        path: usize,
        source: Option<SourceSpan>,
    ) -> Result<Option<usize>, CompileError> {
        let Pattern::Tune { tuning, map, child, .. } = pattern else { return Ok(None) };
        let tuning = Tuning::read(tuning, map.as_deref());
        let tuning = tuning.map_err(|what| self.error_at(path, Kind::Tuning(what)))?;
        let Some(child) = self.lower_values(child, Some(path), source)? else { return Ok(None) };
        self.check_values(child)?;
        for leaf in self.sounding(child) {
            let place = self.places[leaf as usize];
            let keys = match &mut self.data[leaf as usize] {
                Datum::Number(number) => vec![number],
                Datum::Controls(controls) => {
                    let notes = controls.iter_mut().filter(|(label, _)| own_name(label) == "note");
                    notes.flat_map(|(_, keys)| keys.numbers_mut()).collect()
                }
                Datum::Played | Datum::Name(_) => Vec::new(),
            };
            for key in keys {
                let Some(pitch) = tuning.pitch(*key).filter(|pitch| pitch.is_finite()) else {
                    let given = format!("the key {key}");
                    let (op, takes) = ("Tune", "keys to which the map gives a degree");
                    return Err(self.error_at(place, Kind::Takes { op, takes, given }));
                };
                *key = pitch;
            }
        }
        Ok(Some(child))
    }
}

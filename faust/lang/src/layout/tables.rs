//! Tables: their sizes, what fills them, and how they are written.

use super::{Layout, Source, program};
use crate::eval::Outcome;
use crate::num::Num;
use crate::program::{Content, Op, Table, Value};
use crate::signal::{Sig, SigId};
use crate::types::{Nature, Rate};

/// Most entries of a table.
const MOST: i32 = 1 << 26;

impl Layout<'_, '_, '_> {
    fn size(&self, at: SigId, size: SigId) -> Outcome<u32> {
        match self.source.signals.number(self.resolved(size)).map(Num::int) {
            Some(size) if (1..=MOST).contains(&size) => Ok(size as u32),
            Some(size) => {
                self.fault(at, format!("a table has 1 to {MOST} entries, not {size}"), "give it another size")
            }
            None => self.fault(
                at,
                "the size of a table must be known when the program is compiled".into(),
                "it may not depend on a signal, a widget or the sampling rate",
            ),
        }
    }

    fn content(&mut self, at: SigId, size: u32, init: SigId) -> Outcome<Content> {
        let init = self.resolved(init);
        let number = |item: &SigId| self.source.signals.number(*item).map_or(0.0, Num::real);
        match self.source.signals.sig(init) {
            Sig::Int(_) | Sig::Real(_) => Ok(Content::Numbers(vec![number(&init)])),
            Sig::Waveform(list) => {
                Ok(Content::Numbers(self.source.signals.items(list).iter().map(number).collect()))
            }
            _ => {
                self.meter.enter()?;
                let (propagated, types, files) = (self.source, self.types, self.files);
                let from = Source { propagated, types, files, precision: self.precision };
                let filled = program(from, self.keys, &[init], 0, self.meter)?;
                self.meter.leave();
                let reads = |step: &crate::program::Step| matches!(step.op, Op::Input(_) | Op::Control(_));
                if filled.steps.iter().any(reads) {
                    let text = format!("a table of {size} entries is filled from an input or a widget");
                    return self.fault(at, text, "a table is filled before the program has any of them");
                }
                Ok(Content::Program(Box::new(filled)))
            }
        }
    }

    /// The shared table of this size and content.
    pub(super) fn table(&mut self, at: SigId, size: SigId, init: SigId) -> Outcome<u32> {
        if let Some(table) = self.table_of.get(&(size, init)) {
            return Ok(*table);
        }
        let entries = self.size(at, size)?;
        let (content, nature) = (self.content(at, entries, init)?, self.ty(init).nature);
        self.check_table(init, entries, &content)?;
        let key = self.key(init);
        self.tables.push(Table { nature, size: entries, content, key });
        let table = self.tables.len() as u32 - 1;
        self.table_of.insert((size, init), table);
        Ok(table)
    }

    /// Reads an own table after this sample's write; reads of one table share the write.
    pub(super) fn written(&mut self, at: SigId, [size, init, to, value, from]: [SigId; 5]) -> Outcome<Op> {
        let nature = self.ty(init).nature;
        let (table, store) = match self.stores.get(&[size, init, to, value]) {
            Some(known) => *known,
            None => {
                let entries = self.size(at, size)?;
                let content = self.content(at, entries, init)?;
                let key = self.key(value);
                self.own.push(Table { nature, size: entries, content, key });
                let table = self.own.len() as u32 - 1;
                let (place, written) = (self.value_as(to, Nature::Int)?, self.value_as(value, nature)?);
                let store: Value = self.push(Rate::Sample, Op::Store(table, place, written), nature);
                self.stores.insert([size, init, to, value], (table, store));
                (table, store)
            }
        };
        Ok(Op::Load(table, store, self.value_as(from, Nature::Int)?))
    }
}

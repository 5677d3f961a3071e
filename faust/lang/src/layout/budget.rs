//! What a program may need: told with what asks for the most of it.

use super::Layout;
use crate::error::Fault;
use crate::eval::{Origin, Outcome, Raised, Stop};
use crate::options::Precision;
use crate::program::{Content, Program};
use crate::signal::SigId;
use crate::types::Nature;

/// Most groups of widgets that stand in each other.
const MOST_FOLDERS: u64 = 60;

impl Layout<'_, '_, '_> {
    /// A fault at the expression that made a signal.
    pub(super) fn fault<T>(&self, id: SigId, text: String, hint: &'static str) -> Outcome<T> {
        match self.source.signals.origin(id) {
            Some(Origin { code, via }) => {
                let fault = Fault::new(self.files.span(code), text).hint(hint);
                Err(Stop::Raised(vec![Raised { file: code.file, fault, via }]))
            }
            None => Err(Stop::limit(text, hint)),
        }
    }

    /// Bytes of a number.
    pub(super) fn wide(&self, nature: Nature) -> u64 {
        if nature == Nature::Real && self.precision == Precision::Double { 8 } else { 4 }
    }

    /// Lines and own tables.
    pub(super) fn check_state(&self) -> Outcome<()> {
        let lines = self.lines.iter().zip(&self.askers).map(|(line, id)| {
            let what = format!("a delay of {} samples", line.longest);
            (*id, u64::from(line.longest) * self.wide(line.nature), what)
        });
        let tables = self.stores.iter().map(|(parts, (table, _))| {
            let table = &self.own[*table as usize];
            (
                parts[3],
                u64::from(table.size) * self.wide(table.nature),
                format!("a table of {} entries", table.size),
            )
        });
        let most = self.meter.limits.state;
        let all: Vec<(SigId, u64, String)> = lines.chain(tables).collect();
        let sum: u64 = all.iter().map(|(_, bytes, _)| bytes).sum();
        match all.into_iter().max_by_key(|(id, bytes, _)| (*bytes, *id)) {
            Some((id, _, what)) if sum > most => {
                let text = format!(
                    "delays and tables take {sum} bytes for one voice, {most} is the most; {what} takes the most of it"
                );
                self.fault(id, text, "make it shorter")
            }
            _ => Ok(()),
        }
    }

    /// A table that instances share, and what it takes to fill it.
    pub(super) fn check_table(&mut self, id: SigId, size: u32, content: &Content) -> Outcome<()> {
        self.table_bytes += u64::from(size) * self.wide(self.ty(id).nature);
        if let Content::Program(program) = content {
            self.filling = self.filling.saturating_add(filling(program, size));
        }
        let limits = self.meter.limits;
        if self.table_bytes > limits.tables {
            let text = format!(
                "tables take {} bytes, {} is the most; this one has {size} entries",
                self.table_bytes, limits.tables
            );
            return self.fault(id, text, "make it smaller");
        }
        if self.filling > limits.filling {
            let text = format!(
                "it takes {} operations to fill the tables, {} is the most; this one has {size} entries",
                self.filling, limits.filling
            );
            return self.fault(id, text, "make it smaller, or what fills it simpler");
        }
        Ok(())
    }

    /// Numbers of signals, widgets and operations.
    pub(super) fn check_counts(&self, program: &Program) -> Outcome<()> {
        let limits = self.meter.limits;
        let samples = program.steps.len() - program.samples;
        let folders = &self.source.ui.folders;
        // A folder comes after the one around it.
        let mut depths: Vec<u64> = Vec::with_capacity(folders.len());
        for folder in folders {
            depths.push(folder.parent.map_or(0, |parent| depths[parent as usize] + 1));
        }
        let deepest = depths.iter().copied().max().unwrap_or(0);
        for (count, most, what, hint) in [
            (u64::from(program.inputs), u64::from(limits.channels), "inputs", "end some of them with !"),
            (program.outputs.len() as u64, u64::from(limits.channels), "outputs", "add some of them with :>"),
            (
                self.source.ui.widgets.len() as u64,
                u64::from(limits.widgets),
                "widgets",
                "look for a huge par, seq or sum",
            ),
            (deepest, MOST_FOLDERS, "groups in each other", "take some groups away"),
            (
                samples as u64,
                u64::from(limits.steps),
                "operations for one sample",
                "look for a huge par, seq or sum",
            ),
        ] {
            if count > most {
                return Err(Stop::limit(format!("the program has {count} {what}; {most} is the most"), hint));
            }
        }
        Ok(())
    }
}

/// Operations to run a program so often, tables of its own included.
fn filling(program: &Program, times: u32) -> u64 {
    let inner = program.tables.iter().chain(&program.own).map(|table| match &table.content {
        Content::Program(inner) => filling(inner, table.size),
        Content::Numbers(_) => u64::from(table.size),
    });
    let own = (program.steps.len() as u64).saturating_mul(u64::from(times));
    inner.fold(own, u64::saturating_add)
}

//! The texts of a compile, and their blocks of definitions with what they import.

use super::names::{Names, Sym};
use super::{Code, Outcome, Raised, Stop};
use crate::error::Fault;
use crate::hash::Map;
use crate::meter::Meter;
use crate::options::Precision;
use crate::own;
use crate::syntax::{Definition, Expr, ExprId, ScopeId, Span, Syntax, WordId};
use crate::texts::{Shelf, Text, Texts};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A text of a compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// A definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Def {
    /// Its text.
    pub file: FileId,
    /// The block it is written in.
    pub scope: ScopeId,
    /// Its name there.
    pub word: WordId,
}

/// A block of definitions with what it imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TableId(pub u32);

/// All blocks that were used.
#[derive(Default)]
pub struct Tables {
    tables: Vec<Map<Sym, Def>>,
    ids: Map<(FileId, ScopeId), TableId>,
    owners: Vec<(FileId, ScopeId)>,
}

impl Tables {
    /// The definition of a name.
    pub fn get(&self, table: TableId, name: Sym) -> Option<Def> {
        self.tables[table.0 as usize].get(&name).copied()
    }

    /// Every name.
    pub fn names(&self, table: TableId) -> impl Iterator<Item = Sym> + '_ {
        self.tables[table.0 as usize].keys().copied()
    }

    /// Where the block is written.
    pub fn owner(&self, table: TableId) -> (FileId, ScopeId) {
        self.owners[table.0 as usize]
    }
}

/// A text that was read.
pub struct File {
    /// Its name.
    pub name: String,
    /// What is written.
    pub text: Arc<str>,
    /// As a tree.
    pub syntax: Arc<Syntax>,
    /// Names of its words.
    syms: Vec<Sym>,
}

/// All texts of a compile; the first is the one that was asked for.
pub struct Files<'a> {
    texts: &'a mut (dyn Texts + Send),
    shelf: &'a Shelf,
    precision: Precision,
    all: Vec<File>,
    by_name: HashMap<String, FileId>,
    bytes: usize,
    pub(super) tables: Tables,
}

impl<'a> Files<'a> {
    pub(super) fn new(texts: &'a mut (dyn Texts + Send), shelf: &'a Shelf, precision: Precision) -> Self {
        let (all, by_name) = (Vec::new(), HashMap::new());
        Self { texts, shelf, precision, all, by_name, bytes: 0, tables: Tables::default() }
    }

    /// Every text.
    pub fn all(&self) -> &[File] {
        &self.all
    }

    /// A text.
    pub fn file(&self, id: FileId) -> &File {
        &self.all[id.0 as usize]
    }

    /// An expression.
    pub fn expr(&self, code: Code) -> &Expr {
        self.file(code.file).syntax.expr(code.expr)
    }

    /// Where it is written.
    pub fn span(&self, code: Code) -> Span {
        self.file(code.file).syntax.span(code.expr)
    }

    /// An expression as it is written, in one line, shortened.
    pub fn snippet(&self, code: Code) -> String {
        let Span { start, end } = self.span(code);
        let text = self.file(code.file).text.get(start as usize..end as usize).unwrap_or_default();
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() <= 40 { line } else { line.chars().take(37).chain("...".chars()).collect() }
    }

    /// The name that a word of a text is.
    pub fn sym(&self, file: FileId, word: WordId) -> Sym {
        self.file(file).syms[word.0 as usize]
    }

    /// The right side of a definition.
    pub fn definition(&self, def: Def) -> (&Definition, Span) {
        let (definition, span) = &self.file(def.file).syntax.scope(def.scope).definitions[&def.word];
        (definition, *span)
    }

    /// Takes a text in, unless it is there.
    pub(super) fn add(&mut self, text: Text, names: &mut Names, meter: &mut Meter<'_>) -> Outcome<FileId> {
        if let Some(id) = self.by_name.get(&text.name) {
            return self.read(*id);
        }
        let limits = meter.limits;
        self.bytes += text.text.len();
        if self.all.len() as u32 >= limits.files || self.bytes > limits.text {
            let (files, most) = (limits.files, limits.text);
            let told = format!("the program draws in more than {files} files or {most} bytes");
            return Err(Stop::limit(told, "import less"));
        }
        meter.spend(1 + text.text.len() as u64 / 64)?;
        let syntax = self.shelf.read(&text.text, self.precision);
        let id = FileId(self.all.len() as u32);
        let syms = syntax.words.iter().map(|word| names.intern(word)).collect();
        self.by_name.insert(text.name.clone(), id);
        self.all.push(File { name: text.name, text: text.text, syntax, syms });
        self.read(id)
    }

    /// A text without mistakes in it, whoever asks for it.
    fn read(&self, id: FileId) -> Outcome<FileId> {
        let faults = &self.file(id).syntax.faults;
        let faults: Vec<Raised> = faults.iter().map(|fault| Raised::in_text(id, fault.clone())).collect();
        if faults.is_empty() { Ok(id) } else { Err(Stop::Raised(faults)) }
    }

    /// The text of an import, a library or a component that is written in `from`.
    pub(super) fn load(
        &mut self,
        name: &str,
        (from, span): (FileId, Span),
        names: &mut Names,
        meter: &mut Meter<'_>,
    ) -> Outcome<FileId> {
        let stop = |text: String| {
            let hint = match own::is_elsewhere(name) {
                true => format!("it is one of FAUST's own libraries: {}", own::remedy(name)),
                false => "it is looked for beside the text and in the folders for libraries".to_owned(),
            };
            let fault = Fault::new(span, text).hint(hint);
            Err(Stop::Raised(vec![Raised::in_text(from, fault)]))
        };
        match self.texts.find(name, &self.all[from.0 as usize].name) {
            Ok(Some(text)) => self.add(text, names, meter),
            Ok(None) => stop(format!("there is no file {name}")),
            Err(reason) => stop(format!("{name} cannot be read: {reason}")),
        }
    }

    /// The definitions of a block with what it imports, loops of imports included.
    pub(super) fn table(
        &mut self,
        file: FileId,
        scope: ScopeId,
        names: &mut Names,
        meter: &mut Meter<'_>,
    ) -> Outcome<TableId> {
        if let Some(id) = self.tables.ids.get(&(file, scope)) {
            return Ok(*id);
        }
        let (mut table, mut seen, mut open) = (Map::default(), HashSet::new(), vec![(file, scope, None)]);
        while let Some((from, block, import)) = open.pop() {
            if !seen.insert((from, block)) {
                continue;
            }
            let syntax = Arc::clone(&self.file(from).syntax);
            let here = syntax.scope(block);
            meter.spend(1 + here.order.len() as u64)?;
            for word in &here.order {
                let (name, def) = (self.sym(from, *word), Def { file: from, scope: block, word: *word });
                match table.get(&name) {
                    None => drop(table.insert(name, def)),
                    Some(first) if self.same(*first, def) => {}
                    Some(first) => {
                        return Err(self.twice(*first, def, import.unwrap_or((from, Span::default()))));
                    }
                }
            }
            // The first import is taken in first.
            for (import_name, span) in here.imports.iter().rev() {
                let to = self.load(import_name, (from, *span), names, meter)?;
                open.push((to, Syntax::TOP, Some(import.unwrap_or((from, *span)))));
            }
        }
        let id = TableId(self.tables.tables.len() as u32);
        self.tables.tables.push(table);
        self.tables.owners.push((file, scope));
        self.tables.ids.insert((file, scope), id);
        Ok(id)
    }

    /// Two definitions that are written in the same words.
    fn same(&self, a: Def, b: Def) -> bool {
        let written = |def: Def| {
            let file = self.file(def.file);
            let right = match self.definition(def).0 {
                Definition::Plain(expr) => *expr,
                Definition::Lambda(_, expr) => *expr,
                Definition::Case(_) => return None,
            };
            let start = self.definition(def).1.start as usize;
            let text = file.text.get(start..file.syntax.span(right).end as usize)?;
            Some(text.split_whitespace().collect::<String>())
        };
        written(a).is_some_and(|text| written(b) == Some(text))
    }

    fn twice(&self, first: Def, second: Def, (file, span): (FileId, Span)) -> Stop {
        let word = self.file(second.file).syntax.word(second.word);
        let other = if second.file == file { first } else { second };
        let text = format!("`{word}` is defined in {} as well", self.file(other.file).name);
        // In the musician's own text, if one of the two is there.
        let own = [first, second]
            .into_iter()
            .find(|def| def.file == FileId(0) && self.file(def.file).name != self.file(other.file).name);
        let (at, span) = own.map_or((file, span), |def| (def.file, self.definition(def).1));
        Stop::Raised(vec![Raised::in_text(
            at,
            Fault::new(span, text).hint("give one of the two another name"),
        )])
    }

    /// A place in the tree of a text.
    pub fn code(&self, file: FileId, expr: ExprId) -> Code {
        Code { file, expr }
    }
}

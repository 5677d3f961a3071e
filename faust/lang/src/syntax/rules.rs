//! Definitions of one block: the rules of one name are put together.

use super::parse::Parser;
use super::tree::*;
use crate::error::Fault;
use std::collections::HashMap;

/// A definition as it is written.
pub(super) struct RawRule {
    pub(super) name: WordId,
    pub(super) patterns: Option<Vec<ExprId>>,
    pub(super) body: ExprId,
    pub(super) span: Span,
}

impl RawRule {
    fn rule(self) -> Rule {
        Rule { patterns: self.patterns.unwrap_or_default(), body: self.body }
    }
}

impl Parser<'_> {
    /// Puts the rules of one name together.
    pub(super) fn close(&mut self, id: ScopeId, rules: Vec<RawRule>) {
        let mut by_name: HashMap<WordId, Vec<RawRule>> = HashMap::new();
        let mut order = Vec::new();
        for rule in rules {
            let of_name = by_name.entry(rule.name).or_default();
            if of_name.is_empty() {
                order.push(rule.name);
            }
            of_name.push(rule);
        }
        for name in &order {
            let mut all = by_name.remove(name).unwrap_or_default();
            let span = all[0].span;
            let word = self.tree.word(*name).to_owned();
            let count = |rule: &RawRule| rule.patterns.as_ref().map(Vec::len);
            if let Some(odd) =
                all.iter().skip(1).find(|rule| count(rule).is_none() || count(rule) != count(&all[0]))
            {
                let (text, at) = if count(odd).is_none() || count(&all[0]).is_none() {
                    (format!("`{word}` is defined twice"), odd.span)
                } else {
                    let counts = (count(&all[0]).unwrap_or(0), count(odd).unwrap_or(0));
                    (
                        format!(
                            "this rule of `{word}` has {} parameters, the first has {}",
                            counts.1, counts.0
                        ),
                        odd.span,
                    )
                };
                self.tree.faults.push(Fault::new(at, text));
            }
            let definition = match (all.len(), &all[0].patterns) {
                (_, None) => Definition::Plain(all[0].body),
                (1, Some(patterns)) => match self.plain_names(patterns) {
                    Some(names) => Definition::Lambda(names, all[0].body),
                    None => Definition::Case(all.drain(..).map(RawRule::rule).collect()),
                },
                _ => Definition::Case(all.drain(..).map(RawRule::rule).collect()),
            };
            self.tree.scopes[id.0 as usize].definitions.insert(*name, (definition, span));
        }
        self.tree.scopes[id.0 as usize].order = order;
    }

    /// The patterns as names, if all are names and no two the same.
    pub(super) fn plain_names(&self, patterns: &[ExprId]) -> Option<Vec<WordId>> {
        let mut names = Vec::new();
        for pattern in patterns {
            match self.tree.expr(*pattern) {
                Expr::Word(name) if !names.contains(name) => names.push(*name),
                _ => return None,
            }
        }
        Some(names)
    }
}

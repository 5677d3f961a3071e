//! Makes signals, and makes them simple where that is exact.

use super::{GroupId, Sig, SigId, SigList};
use crate::eval::{Origin, Outcome, Stop};
use crate::hash::Map;
use crate::num::{Num, apply};
use crate::prim::Prim;

/// Signals that are defined by one another.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// What each is.
    pub bodies: Vec<SigId>,
}

/// All signals of a program.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    sigs: Vec<Sig>,
    ids: Map<Sig, SigId>,
    lists: Vec<Vec<SigId>>,
    list_ids: Map<Vec<SigId>, SigList>,
    origins: Vec<Option<Origin>>,
    /// Where the signals that are made come from.
    pub(super) at: Option<Origin>,
    /// Every group.
    pub groups: Vec<Group>,
    limit: usize,
}

impl Signals {
    /// No signals; at most so many.
    pub fn new(limit: u32) -> Self {
        Self { limit: limit as usize, ..Self::default() }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sigs.len()
    }

    /// What a signal is.
    pub fn sig(&self, id: SigId) -> Sig {
        self.sigs[id.0 as usize]
    }

    /// The expression that made a signal first.
    pub fn origin(&self, id: SigId) -> Option<Origin> {
        self.origins[id.0 as usize]
    }

    /// Every signal, in the order in which they were made.
    pub fn all(&self) -> impl Iterator<Item = (SigId, Sig)> + '_ {
        (0..).map(SigId).zip(self.sigs.iter().copied())
    }

    /// The list of these.
    pub fn list(&mut self, items: &[SigId]) -> SigList {
        if let Some(id) = self.list_ids.get(items) {
            return *id;
        }
        let id = SigList(self.lists.len() as u32);
        self.lists.push(items.to_vec());
        self.list_ids.insert(items.to_vec(), id);
        id
    }

    /// What is in a list.
    pub fn items(&self, list: SigList) -> &[SigId] {
        &self.lists[list.0 as usize]
    }

    /// The operands of a signal.
    pub fn operands(&self, id: SigId) -> Vec<SigId> {
        match self.sig(id) {
            Sig::Int(_)
            | Sig::Real(_)
            | Sig::Input(_)
            | Sig::SampleRate
            | Sig::Widget(_)
            | Sig::Waveform(_) => Vec::new(),
            Sig::Unary(_, a) | Sig::Shown(_, a) | Sig::Lowest(a) | Sig::Highest(a) => vec![a],
            Sig::Binary(_, a, b)
            | Sig::Delay(a, b)
            | Sig::Prefix(a, b)
            | Sig::Attach(a, b)
            | Sig::Held(a, b) => {
                vec![a, b]
            }
            Sig::Select(a, b, c) | Sig::Table(a, b, c) | Sig::Bounded(a, b, c) => vec![a, b, c],
            Sig::Written(all) => all.to_vec(),
            Sig::Foreign(_, list) => self.items(list).to_vec(),
            Sig::Proj(group, at) => vec![self.groups[group.0 as usize].bodies[at as usize]],
        }
    }

    /// The number that a signal is.
    pub fn number(&self, id: SigId) -> Option<Num> {
        match self.sig(id) {
            Sig::Int(value) => Some(Num::Int(value)),
            Sig::Real(bits) => Some(Num::Real(f64::from_bits(bits))),
            _ => None,
        }
    }

    /// The signal that is this.
    ///
    /// # Errors
    /// If there are too many.
    pub fn add(&mut self, sig: Sig) -> Outcome<SigId> {
        if let Some(id) = self.ids.get(&sig) {
            return Ok(*id);
        }
        if self.sigs.len() >= self.limit {
            let text = format!("the program has more than {} signals", self.limit);
            return Err(Stop::limit(text, "look for a huge par, seq, sum or prod"));
        }
        let id = SigId(self.sigs.len() as u32);
        self.sigs.push(sig);
        self.origins.push(self.at);
        self.ids.insert(sig, id);
        Ok(id)
    }

    /// A number.
    ///
    /// # Errors
    /// If there are too many signals; so are those of all that follow.
    pub fn constant(&mut self, value: Num) -> Outcome<SigId> {
        self.add(match value {
            Num::Int(value) => Sig::Int(value),
            Num::Real(value) => Sig::Real(value.to_bits()),
        })
    }

    /// A group whose signals are not known yet.
    pub fn group(&mut self) -> GroupId {
        self.groups.push(Group::default());
        GroupId(self.groups.len() as u32 - 1)
    }

    /// A primitive of one input.
    pub fn unary(&mut self, prim: Prim, a: SigId) -> Outcome<SigId> {
        if let Some(value) = self.number(a).and_then(|a| apply(prim, &[a])) {
            return self.constant(value);
        }
        match (prim, self.sig(a)) {
            (Prim::Mem, _) => {
                let one = self.add(Sig::Int(1))?;
                self.delay(a, one)
            }
            (Prim::Int, Sig::Unary(Prim::Int, _))
            | (Prim::Float, Sig::Unary(Prim::Float, _) | Sig::Input(_)) => Ok(a),
            (Prim::Lowest, _) => self.add(Sig::Lowest(a)),
            (Prim::Highest, _) => self.add(Sig::Highest(a)),
            _ => self.add(Sig::Unary(prim, a)),
        }
    }

    /// A primitive of two inputs.
    pub fn binary(&mut self, prim: Prim, a: SigId, b: SigId) -> Outcome<SigId> {
        let (x, y) = (self.number(a), self.number(b));
        if let (Some(x), Some(y)) = (x, y)
            && let Some(value) = apply(prim, &[x, y])
        {
            return self.constant(value);
        }
        if let Some(simple) = self.simple(prim, (a, x), (b, y))? {
            return Ok(simple);
        }
        if prim == Prim::Delay { self.delay(a, b) } else { self.add(Sig::Binary(prim, a, b)) }
    }

    /// What a function of a signal and a number, or of a signal and itself, is. The language takes what might be no
    /// number for one here: 0 times anything is 0, anything by itself is 1.
    fn simple(
        &mut self,
        prim: Prim,
        (a, x): (SigId, Option<Num>),
        (b, y): (SigId, Option<Num>),
    ) -> Outcome<Option<SigId>> {
        let is = |number: Option<Num>, value: f64| number.is_some_and(|number| number.real() == value);
        let kept = |number: Option<Num>| matches!(number, Some(Num::Int(_)));
        let as_real = |signals: &mut Self, id| signals.unary(Prim::Float, id).map(Some);
        match prim {
            // A whole number takes no part in what kind of number the result is.
            Prim::Add if is(x, 0.0) => {
                if kept(x) {
                    Ok(Some(b))
                } else {
                    as_real(self, b)
                }
            }
            Prim::Add | Prim::Sub if is(y, 0.0) => {
                if kept(y) {
                    Ok(Some(a))
                } else {
                    as_real(self, a)
                }
            }
            Prim::Sub if a == b => self.add(Sig::Int(0)).map(Some),
            Prim::Mul if is(x, 0.0) => Ok(Some(a)),
            Prim::Mul if is(y, 0.0) => Ok(Some(b)),
            Prim::Mul if is(x, 1.0) => {
                if kept(x) {
                    Ok(Some(b))
                } else {
                    as_real(self, b)
                }
            }
            Prim::Mul if is(y, 1.0) => {
                if kept(y) {
                    Ok(Some(a))
                } else {
                    as_real(self, a)
                }
            }
            Prim::Div if is(y, 1.0) => as_real(self, a),
            Prim::Div if is(x, 0.0) && !is(y, 0.0) => self.add(Sig::Real(0)).map(Some),
            Prim::Div if a == b => self.constant(Num::Real(1.0)).map(Some),
            Prim::Pow if is(y, 1.0) => {
                if kept(y) {
                    Ok(Some(a))
                } else {
                    as_real(self, a)
                }
            }
            Prim::And if is(x, 0.0) || is(y, 0.0) => self.add(Sig::Int(0)).map(Some),
            Prim::Or | Prim::Xor | Prim::Shl | Prim::Shr if is(y, 0.0) => self.unary(Prim::Int, a).map(Some),
            _ => Ok(None),
        }
    }

    /// A signal later.
    pub fn delay(&mut self, a: SigId, by: SigId) -> Outcome<SigId> {
        let amount = self.number(by).map(Num::int);
        if amount == Some(0) || self.number(a).is_some_and(Num::is_zero) {
            return Ok(a);
        }
        // Two known delays are one.
        if let (Some(amount), Sig::Delay(inner, before)) = (amount, self.sig(a))
            && let Some(sum) = self.number(before).and_then(|before| before.int().checked_add(amount))
            && amount > 0
        {
            let by = self.add(Sig::Int(sum))?;
            return self.add(Sig::Delay(inner, by));
        }
        match amount {
            Some(amount) => {
                let by = self.add(Sig::Int(amount))?;
                self.add(Sig::Delay(a, by))
            }
            None => self.add(Sig::Delay(a, by)),
        }
    }

    /// `select2`
    pub fn select(&mut self, choice: SigId, a: SigId, b: SigId) -> Outcome<SigId> {
        match self.number(choice) {
            Some(choice) => Ok(if choice.int() == 0 { a } else { b }),
            None if a == b => Ok(a),
            None => self.add(Sig::Select(choice, a, b)),
        }
    }
}

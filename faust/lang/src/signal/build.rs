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
        let is = |number: Option<Num>, value: i32| number == Some(Num::Int(value));
        let zero = |number: Option<Num>| number.is_some_and(Num::is_zero);
        match prim {
            Prim::Delay => self.delay(a, b),
            // A whole number takes no part in what the result is.
            Prim::Add if is(x, 0) => Ok(b),
            Prim::Add | Prim::Sub | Prim::Or | Prim::Xor | Prim::Shl | Prim::Shr
                if is(y, 0) && self.stays(prim, a) =>
            {
                Ok(a)
            }
            Prim::Mul if is(x, 1) => Ok(b),
            Prim::Mul if is(y, 1) => Ok(a),
            Prim::Mul if zero(x) => Ok(a),
            Prim::Mul if zero(y) => Ok(b),
            _ => self.add(Sig::Binary(prim, a, b)),
        }
    }

    /// Bits of a number with a point are those of its whole part: that is another signal.
    fn stays(&self, prim: Prim, a: SigId) -> bool {
        matches!(prim, Prim::Add | Prim::Sub) || matches!(self.sig(a), Sig::Unary(Prim::Int, _) | Sig::Int(_))
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

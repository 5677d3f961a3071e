//! Who writes a control, and what it holds.

use crate::symbol::Symbol;
use crate::voice::{BY_BASE, NoteKey, Phase, Voice};

/// A control with everyone who writes it.
///
/// From the weakest: base value, pattern, automation.
#[derive(Clone, Copy, Debug)]
pub struct ControlState {
    /// Its node.
    pub node: u32,
    /// Its index on the node.
    pub index: u32,
    /// Range.
    pub min: f32,
    /// Range.
    pub max: f32,
    /// Somebody set the base value; otherwise it is the type's default.
    pub set: bool,
    /// Nobody did, and that default is another than before this plan: who took over whole has yet to be told.
    pub renewed: bool,
    /// Opens and closes notes.
    pub gate: bool,
    /// A gate of one instance that was told last to be open, by whomever.
    pub opened: bool,
    /// Base value.
    pub base: f32,
    /// The value a pattern holds.
    pub pattern: Option<f32>,
    /// A shape of the pattern draws it, line by line.
    pub drawn: bool,
    /// The slot that wrote it.
    pub slot: u32,
    /// The label by which the slot found it.
    pub via: Symbol,
    /// The automation that owns it, or [`NONE`](crate::limits::NONE).
    pub automation: u32,
    /// What that said last.
    pub automated: f32,
    /// What the host adds on top of whoever writes it.
    pub modulation: Modulation,
    /// A gate that a pattern opened.
    pub open: bool,
    /// The note that opened it, if one did.
    pub note: NoteKey,
    /// Where that began in its pattern, in cycles.
    pub onset: f64,
}

/// What the host adds to a control, on top of base value, pattern and automation; never stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Modulation {
    /// Factor.
    pub times: f32,
    /// Added after that.
    pub add: f32,
}

impl Modulation {
    /// Nothing is added.
    pub const NONE: Self = Self { times: 1.0, add: 0.0 };
}

impl ControlState {
    /// What the node should have, automations aside, within the range.
    pub fn held(&self) -> f32 {
        self.clamp(self.pattern.unwrap_or(self.base))
    }

    /// What the node is told where its writers say `value`: with the host's modulation, within the range. To the
    /// bit the same where there is none. Gates are not modulated.
    pub fn modulated(&self, value: f32) -> f32 {
        if self.modulation == Modulation::NONE || self.gate {
            return value;
        }
        self.clamp(value * self.modulation.times + self.modulation.add)
    }

    /// The value as it is, also beyond the range; what is no number of that precision is brought into the range.
    pub fn finite(&self, value: f32) -> f32 {
        if value.is_finite() { value } else { self.clamp(value) }
    }

    /// A value brought into the range; NaN becomes the lower bound.
    pub fn clamp(&self, value: f32) -> f32 {
        if value.is_nan() { self.min } else { value.clamp(self.min, self.max) }
    }
}

/// What a control of a new instance holds. A gate whose base value is open is a note, and that is the first voice's.
pub fn first_value(voiced: bool, first: bool, control: &ControlState) -> f32 {
    if !voiced || first || !control.gate { control.held() } else { control.clamp(0.0) }
}

impl Voice {
    /// A new voice of a node begins: it plays the gates whose base values are open, if it is the first.
    pub fn begin(&mut self, voiced: bool, first: bool, controls: &[ControlState]) {
        let open = |c: &&ControlState| voiced && first && c.gate && c.held() > 0.0;
        for c in controls.iter().filter(open) {
            (self.phase, self.note) = (Phase::Held, BY_BASE);
            self.held[c.index as usize] = Some(c.held());
            self.open += 1;
        }
    }
}

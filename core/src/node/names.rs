//! Which control of a type a name means: the one of exactly that name, else the only one whose path ends with it.

use super::contract::NodeDecl;
use super::control::{Control, ControlKind};
use std::collections::HashMap;

/// What a name means among the controls of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// That control, by its index.
    One(usize),
    /// Any of several, by their indices.
    Several(Vec<usize>),
    /// None.
    Nothing,
}

impl Named {
    /// The control, if it is one.
    pub fn one(&self) -> Option<usize> {
        match self {
            Self::One(index) => Some(*index),
            _ => None,
        }
    }
}

impl NodeDecl {
    /// The control of exactly that name.
    pub fn control_at(&self, name: &str) -> Option<usize> {
        self.controls.iter().position(|c| c.name == name)
    }

    /// The controls that the host's MIDI moves by itself.
    pub fn listening(&self) -> impl Iterator<Item = &Control> {
        self.controls.iter().filter(|control| !control.midi.is_empty())
    }

    /// What a name means: the control of exactly that name, else of those whose path ends with it after a `/`.
    pub fn control_named(&self, name: &str) -> Named {
        if let Some(index) = self.control_at(name) {
            return Named::One(index);
        }
        let ends = |path: &str| path.strip_suffix(name).is_some_and(|rest| rest.ends_with('/'));
        let all: Vec<usize> = (0..self.controls.len()).filter(|&i| ends(&self.controls[i].name)).collect();
        match *all {
            [] => Named::Nothing,
            [one] => Named::One(one),
            _ => Named::Several(all),
        }
    }

    /// Ends of paths and what they mean; `None`: several controls. Names that are those of a control are not
    /// among them.
    pub fn short_names(&self) -> HashMap<&str, Option<usize>> {
        let mut short: HashMap<&str, Option<usize>> = HashMap::new();
        for (index, control) in self.controls.iter().enumerate() {
            for (at, _) in control.name.match_indices('/') {
                let end = &control.name[at + 1..];
                short.entry(end).and_modify(|meant| *meant = None).or_insert(Some(index));
            }
        }
        if !short.is_empty() {
            for control in &self.controls {
                short.remove(control.name.as_str());
            }
        }
        short
    }

    /// What the velocity of a note sets: `vel`, else `gain`.
    pub fn velocity(&self) -> Option<usize> {
        self.control_named("vel").one().or_else(|| self.control_named("gain").one())
    }

    /// What opens a note whose pattern says `gate`: the control of that name, else the only gate there is.
    pub fn gate(&self) -> Option<usize> {
        let mut gates = (0..self.controls.len()).filter(|&i| self.controls[i].kind == ControlKind::Gate);
        let only = || gates.next().filter(|_| gates.next().is_none());
        self.control_named("gate").one().or_else(only)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Control, Role};

    fn decl(controls: &[(&str, ControlKind)]) -> NodeDecl {
        let control = |&(name, kind): &(&str, ControlKind)| Control {
            kind,
            ..Control::continuous(name, 0.0, 1.0, 0.0)
        };
        NodeDecl {
            type_id: "t".into(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            controls: controls.iter().map(control).collect(),
            settings: Vec::new(),
            role: Role::Process,
        }
    }

    fn continuous(names: &[&str]) -> NodeDecl {
        decl(&names.iter().map(|name| (*name, ControlKind::Continuous)).collect::<Vec<_>>())
    }

    #[test]
    fn an_exact_name_wins_over_the_end_of_a_path_and_only_one_end_is_a_name() {
        let decl = continuous(&["reed/midi/freq", "freq", "reed/cut", "a/res", "b/res", "x/a/res", "xfreq"]);
        assert_eq!(decl.control_named("freq"), Named::One(1));
        assert_eq!(decl.control_named("midi/freq"), Named::One(0));
        assert_eq!(decl.control_named("cut"), Named::One(2));
        assert_eq!(decl.control_named("res"), Named::Several(vec![3, 4, 5]));
        // Exactly that, though another ends with it.
        assert_eq!(decl.control_named("a/res"), Named::One(3));
        for nothing in ["req", "", "/cut", "eed/cut", "reed/cut/"] {
            assert_eq!(decl.control_named(nothing), Named::Nothing, "{nothing}");
        }
        let short = decl.short_names();
        let mut names: Vec<_> = short.iter().map(|(name, meant)| (*name, *meant)).collect();
        names.sort_unstable();
        assert_eq!(names, [("cut", Some(2)), ("midi/freq", Some(0)), ("res", None)]);
    }

    #[test]
    fn a_velocity_is_vel_or_gain_and_a_gate_is_gate_or_the_only_one() {
        assert_eq!(continuous(&["midi/gain", "vel"]).velocity(), Some(1));
        assert_eq!(continuous(&["freq", "midi/gain"]).velocity(), Some(1));
        assert_eq!(continuous(&["a/gain", "b/gain"]).velocity(), None);
        let gates = |names: &[&str]| {
            decl(&names.iter().map(|name| (*name, ControlKind::Gate)).collect::<Vec<_>>()).gate()
        };
        assert_eq!(gates(&["midi/gate", "other"]), Some(0));
        assert_eq!(gates(&["play"]), Some(0));
        assert_eq!(gates(&["a/gate", "b/gate"]), None);
        assert_eq!(continuous(&["play"]).gate(), None);
    }
}

//! What the values of a pattern do: labels become symbols, and what is chased after a jump gets a number.

use super::osc;
use crate::limits::NONE;
use crate::node::is_gate_label;
use crate::planner::labels;
use crate::processor::MAX_CHASED;
use crate::slot::{BoundPattern, ChaseTable, MAX_AHEAD, Target};
use crate::symbol::Symbol;
use krach_patterns::{OscArg, Program, Value};
use std::collections::{BTreeMap, HashSet};

/// What is told something that lasts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Lasting<'a> {
    Label(&'a str),
    Controller { channel: u8, controller: u8 },
}

/// A compiled pattern with its labels resolved to symbols: `label` as it is, or within the slot. `seed`
/// is the session's.
pub(crate) fn slot_pattern(slot: &str, program: Program, serial: u64, seed: u64) -> BoundPattern {
    let mut chased: BTreeMap<Lasting<'_>, u32> = BTreeMap::new();
    let mut targets = Vec::with_capacity(program.values().len());
    let opens = |value: &Value| matches!(value, Value::Control { label, .. } if is_gate_label(label));
    let units = program.values().iter().zip(program.units());
    let notes: HashSet<u32> =
        units.clone().filter(|(v, unit)| **unit != 0 && opens(v)).map(|(_, unit)| *unit).collect();
    let closing = |(value, unit): (&Value, &u32)| match value {
        Value::Control { label, value } if *unit != 0 && *value <= 0.0 && is_gate_label(label) => Some(*unit),
        _ => None,
    };
    // Units that close a gate, where they may be torn.
    let closes: HashSet<u32> =
        if program.tears() { units.clone().filter_map(closing).collect() } else { HashSet::new() };
    let mut number_of = |what| {
        let next = chased.len() as u32;
        match chased.get(&what) {
            Some(&number) => number,
            None if next as usize >= MAX_CHASED => NONE,
            None => *chased.entry(what).or_insert(next),
        }
    };
    for (value, unit) in units {
        let set = match value {
            Value::Note { channel, note, velocity, dur } => {
                targets.push(Target::Note {
                    channel: *channel,
                    key: *note,
                    velocity: *velocity,
                    cycles: *dur,
                });
                continue;
            }
            Value::Cc { channel, controller, value } => {
                let (channel, controller, value) = (*channel, *controller, *value);
                let chase = number_of(Lasting::Controller { channel, controller });
                targets.push(Target::Cc { channel, controller, value, chase });
                continue;
            }
            Value::Control { label, value } => Some((label.as_str(), *value, None)),
            Value::Named { label, name } => Some((label.as_str(), 0.0, Some(Symbol::of(name)))),
            Value::Osc { address, args } => match (address.as_str(), args.as_slice()) {
                ("/audio/set", [OscArg::Str(label), value]) => {
                    number(value).map(|v| (label.as_str(), v, None))
                }
                ("/audio/gain", [value]) => {
                    targets.push(number(value).map_or(Target::Ignored, |v| Target::MasterGain(v as f32)));
                    continue;
                }
                _ => None,
            },
        };
        if osc::packet(value).is_some() {
            targets.push(Target::Osc);
            continue;
        }
        let Some((label, value, name)) = set else {
            targets.push(Target::Ignored);
            continue;
        };
        let gate = is_gate_label(label);
        targets.push(Target::Control {
            label: Symbol::of(label),
            within: Symbol::control(slot, label),
            part: Symbol::control(slot, part_of_note(label)),
            or: Symbol::control(slot, if label == "vel" { "gain" } else { label }),
            note: notes.contains(unit),
            ends: gate && value > 0.0 && closes.contains(unit),
            value: value as f32,
            name,
            gate,
            chase: if gate { NONE } else { number_of(Lasting::Label(label)) },
        });
    }
    let chased = chased.len() as u32;
    let chase = Box::new(ChaseTable::of(&program, &targets, seed));
    let ahead = Vec::with_capacity(MAX_AHEAD);
    BoundPattern { program, targets, chased, chase, ahead, origin: Some(0.0), from: None, serial, content: 0 }
}

/// The name of what a label is in a note.
fn part_of_note(label: &str) -> &str {
    match label {
        "vel" => labels::VELOCITY,
        "gate" => labels::GATE,
        label => label,
    }
}

fn number(arg: &OscArg) -> Option<f64> {
    match arg {
        OscArg::Float(x) => Some(*x),
        OscArg::Int(i) => Some(*i as f64),
        OscArg::Str(_) => None,
    }
}

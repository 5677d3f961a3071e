//! Keys of states: what a signal is made of, so that the same state is found again in an edited program.

use crate::eval::Outcome;
use crate::eval::foreign::FUNCTIONS;
use crate::meter::Meter;
use crate::num::Num;
use crate::signal::{Propagated, Sig, SigId};

/// How often a key looks around a loop of signals.
const ROUNDS: usize = 3;

/// Two numbers into one.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mixed = (a.rotate_left(23) ^ b).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn text(text: &str) -> u64 {
    text.bytes().fold(1, |all, byte| mix(all, u64::from(byte)))
}

/// A number for each signal that depends on what it is made of and not on when it was made.
pub(super) fn keys(source: &Propagated, meter: &mut Meter<'_>) -> Outcome<Vec<u64>> {
    let signals = &source.signals;
    let mut keys = vec![0; signals.count()];
    for _ in 0..ROUNDS {
        for (id, sig) in signals.all() {
            meter.spend(1)?;
            let own = match sig {
                Sig::Int(_) | Sig::Real(_) => match signals.number(id) {
                    Some(Num::Int(value)) => mix(1, value as u64),
                    Some(Num::Real(value)) => mix(2, value.to_bits()),
                    None => 0,
                },
                Sig::Input(input) => mix(3, u64::from(input)),
                Sig::SampleRate => 4,
                Sig::Unary(prim, _) => mix(5, text(prim.name())),
                Sig::Binary(prim, ..) => mix(6, text(prim.name())),
                Sig::Foreign(at, _) => mix(7, text(FUNCTIONS[at as usize].name)),
                Sig::Delay(..) => 8,
                Sig::Prefix(..) => 9,
                Sig::Select(..) => 10,
                Sig::Table(..) => 11,
                Sig::Written(_) => 12,
                Sig::Waveform(list) => {
                    let items = signals.items(list).iter().map(|item| keys[item.0 as usize]);
                    items.fold(13, mix)
                }
                Sig::Widget(widget) | Sig::Shown(widget, _) => {
                    let widget = &source.ui.widgets[widget.0 as usize];
                    let mut key = mix(14, text(&widget.label));
                    let mut folder = Some(widget.folder);
                    while let Some(at) = folder {
                        let around = &source.ui.folders[at as usize];
                        key = mix(key, text(&around.label));
                        folder = around.parent;
                    }
                    key
                }
                Sig::Proj(_, at) => mix(15, u64::from(at)),
                Sig::Attach(..) => 16,
                Sig::Held(..) => 17,
                Sig::Lowest(_) => 18,
                Sig::Highest(_) => 19,
                Sig::Bounded(..) => 20,
            };
            let of = |operand: &SigId| keys[operand.0 as usize];
            keys[id.0 as usize] = signals.operands(id).iter().map(of).fold(own, mix);
        }
    }
    Ok(keys)
}

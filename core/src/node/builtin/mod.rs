//! The built-in node types, one file each.

mod adc_input;
mod dac;
mod gain;
mod oscillator;

use super::contract::{Change, NodeType};
use crate::bus::Bus;
use std::sync::Arc;

pub use adc_input::INPUT_TYPE;
pub use dac::output_type;
pub use gain::GAIN_TYPE;

/// All built-in types: `adc_input`, `dac`, `gain`, `oscillator`, and those of the stems.
pub fn builtin_types() -> Vec<Arc<dyn NodeType>> {
    let mut types: Vec<Arc<dyn NodeType>> = vec![
        Arc::new(adc_input::AdcInputType::new()),
        Arc::new(gain::GainType::new()),
        Arc::new(oscillator::OscillatorType::new()),
    ];
    types.extend(Bus::all().map(|bus| Arc::new(dac::DacType::new(bus)) as Arc<dyn NodeType>));
    types
}

/// A code key from a name and a version that grows whenever the type's sound or shape changes
/// (FNV-1a, 64 bits: stable across builds).
const fn code_key(name: &str, version: u64) -> u64 {
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    let bytes = name.as_bytes();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut i = 0;
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(PRIME);
        i += 1;
    }
    (hash ^ version).wrapping_mul(PRIME)
}

/// The value of a change within `min..=max`, or nothing if it is not a number: then the control stays.
fn within(change: Change, min: f32, max: f32) -> Option<f64> {
    (!change.value.is_nan()).then(|| f64::from(change.value.clamp(min, max)))
}

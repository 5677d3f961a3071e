//! One program, one sound: whatever the effort, the CPU level and the block size, to the bit.

mod support;

use krach_faust::{CpuLevel, Source, Tier};
use support::*;

/// Frames that are compared; a little more than half a second.
const FRAMES: usize = 26_000;

fn one_sound(name: &str) {
    is_one_sound(&program(name));
}

fn is_one_sound(source: &Source) {
    let name = &source.name;
    let levels = CpuLevel::of_host();
    let quick = compile(&compiler(levels[0]), source, Tier::Quick);
    let reference = perform(&quick, FRAMES, 512);
    assert!(is_sound(&reference), "{name} is silent or broken");
    for block in [1, 17] {
        assert!(
            bits(&perform(&quick, FRAMES, block)) == bits(&reference),
            "{name}: quick in blocks of {block}"
        );
    }
    for level in levels {
        let optimised = compile(&compiler(level), source, Tier::Optimised);
        for block in [1, 17, 512] {
            let heard = perform(&optimised, FRAMES, block);
            assert!(bits(&heard) == bits(&reference), "{name}: optimised for {level:?} in blocks of {block}");
        }
    }
}

#[test]
fn a_sine_is_one_sound() {
    one_sound("sine");
}

#[test]
fn a_voice_is_one_sound() {
    one_sound("voice");
}

#[test]
fn a_room_is_one_sound() {
    one_sound("room");
}

#[test]
fn a_bass_with_effects_is_one_sound() {
    one_sound("bass");
}

#[test]
fn sixteen_additive_voices_are_one_sound() {
    one_sound("additive");
}

#[test]
fn a_big_program_is_one_sound() {
    one_sound("big");
}

#[test]
fn in_double_precision_too_it_is_one_sound() {
    for name in ["voice", "room", "bass", "additive"] {
        is_one_sound(&Source { double: true, ..program(name) });
    }
}

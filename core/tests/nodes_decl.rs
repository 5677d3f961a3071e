//! What a client sees of the built-in nodes.

use krach_core::node::{Bus, Registry, Role, builtin_types};

#[test]
fn the_built_in_types_are_these_four() {
    let registry = Registry::with_builtins();
    assert_eq!(registry.type_ids().collect::<Vec<_>>(), ["adc_input", "dac", "gain", "oscillator"]);
}

#[test]
fn dac_takes_stereo_and_adc_input_gives_it() {
    let registry = Registry::with_builtins();
    let dac = registry.find("dac").expect("built in").decl().clone();
    assert_eq!(
        (dac.role, dac.inputs[0].name.as_str(), dac.inputs[0].channels),
        (Role::Output(Bus::MAIN), "in", 2)
    );
    assert!(dac.outputs.is_empty());
    let adc = registry.find("adc_input").expect("built in").decl().clone();
    assert_eq!(
        (adc.role, adc.outputs[0].name.as_str(), adc.outputs[0].channels),
        (Role::HostInput, "out", 2)
    );
    assert!(adc.inputs.is_empty());
}

#[test]
fn every_default_lies_in_its_range() {
    for ty in builtin_types() {
        for control in &ty.decl().controls {
            assert!(
                (control.min..=control.max).contains(&control.default),
                "{}/{}",
                ty.decl().type_id,
                control.name
            );
        }
    }
}

#[test]
fn code_keys_tell_the_types_apart_and_stay_the_same() {
    let keys: Vec<u64> = builtin_types().iter().map(|ty| ty.code_key()).collect();
    assert_eq!(keys, builtin_types().iter().map(|ty| ty.code_key()).collect::<Vec<_>>());
    let mut unique = keys.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), keys.len());
}

#[test]
fn an_oscillator_without_a_sample_rate_says_so() {
    let registry = Registry::with_builtins();
    let ctx = krach_core::node::CreateContext { sample_rate: 0.0, max_frames: 64 };
    let error = registry.find("oscillator").expect("built in").create(&ctx).err().expect("no sound at 0 Hz");
    assert_eq!(error.to_string(), "oscillator: no sound at a sample rate of 0 Hz");
}

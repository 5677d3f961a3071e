//! Each module alone, on the bench: its outputs against closed forms.

#[path = "modules/envelopes.rs"]
mod envelopes;
#[path = "modules/oscillators.rs"]
mod oscillators;
#[path = "modules/pitch.rs"]
mod pitch;
#[path = "modules/signals.rs"]
mod signals;
#[path = "modules/time.rs"]
mod time;

use krach_patch::{Kind, modules};

#[test]
fn descriptors_are_sound() {
    for (at, module) in modules::ALL.iter().enumerate() {
        assert_eq!(modules::ALL.iter().position(|other| other.name == module.name), Some(at));
        assert!(module.about.ends_with('.'), "{}", module.name);
        let ports = module.inputs.iter().chain(module.outputs);
        let indexed =
            module.params.iter().any(|param| param.indexed) || ports.clone().any(|port| port.indexed);
        assert_eq!(indexed, module.channels.is_some(), "{}", module.name);
        assert!(
            ports.clone().all(|port| !port.name.contains('/') && !port.about.is_empty()),
            "{}",
            module.name
        );
        for param in module.params {
            let is_sound = match param.kind {
                Kind::Float { min, max, default, log } => {
                    min < max && (min..=max).contains(&default) && (!log || min > 0.0)
                }
                Kind::Int { min, max, default } => min < max && (min..=max).contains(&default),
                Kind::Bool { .. } => true,
                Kind::Enum { names, default } => default < names.len(),
                // Two lists of one module need not be told apart by their kind; their entries are checked when read.
                Kind::List { .. } => true,
            };
            assert!(is_sound && !param.about.is_empty(), "{} {}", module.name, param.name);
        }
    }
}

/// Whatever is fed, and whatever the parameters: numbers, none of them denormal, and silence in the end.
#[test]
fn every_module_stays_finite_and_ends_without_denormal_numbers() {
    use krach_patch::harness::Harness;
    for module in modules::ALL {
        let mut harness = Harness::new(module.name);
        let feed: Vec<f32> = (0..4_000).map(|at| ((at * 7919) % 2_003) as f32 / 1_000.0 - 1.0).collect();
        for input in harness.inputs() {
            harness.feed(&input, &feed);
        }
        harness.run(200_000);
        let shape = krach_patch::Shape {
            channels: module.channels.map_or(0, |extent| extent.default),
            length: module.length.map_or(0, |extent| extent.default),
        };
        for output in module.output_names(&shape) {
            let fine = |sample: &f32| sample.is_finite() && !sample.is_subnormal();
            assert!(harness.output(&output).iter().all(fine), "{} {output}", module.name);
        }
    }
}

//! Optimised code takes over from quick code, and a reset node is a new one.

mod support;

use krach_core::node::{Change, CreateContext, NodeType, Succession};
use krach_faust::{FaustType, Source, Tier};
use support::*;

const FRAMES: usize = 9_000;

#[test]
fn optimised_code_goes_on_where_quick_code_was_to_the_bit() {
    let compiler = host_compiler();
    for name in ["voice", "room", "bass"] {
        let quick = compile(&compiler, &program(name), Tier::Quick);
        let optimised = compile(&compiler, &program(name), Tier::Optimised);
        let heard = |change_at: Option<usize>| {
            let (ty, mut playing) = node(&quick);
            let gate = ty.decl().controls.iter().position(|c| c.name == "gate");
            if let Some(gate) = gate {
                playing.set(gate, Change { value: 1.0, ramp: 0 });
            }
            if let Some(freq) = ty.decl().controls.iter().position(|c| c.name == "freq") {
                playing.set(freq, Change { value: 200.0, ramp: 8_000 });
            }
            let inputs: Vec<Vec<f32>> =
                (0..channels(&ty.decl().inputs)).map(|at| noise(FRAMES, at)).collect();
            let mut heard = vec![vec![f32::NAN; FRAMES]; channels(&ty.decl().outputs)];
            let middle = change_at.unwrap_or(0);
            play(&ty, &mut *playing, 64, &inputs, (0, middle), &mut heard);
            if change_at.is_some() {
                let (new_ty, mut new) = node(&optimised);
                assert_ne!(new_ty.code_key(), ty.code_key());
                assert_eq!(new.succeed(&mut *playing), Succession::Whole);
                playing = new;
            }
            play(&ty, &mut *playing, 64, &inputs, (middle, FRAMES), &mut heard);
            heard
        };
        let unchanged = heard(None);
        assert!(is_sound(&unchanged));
        assert!(bits(&heard(Some(4_321))) == bits(&unchanged), "{name}");
    }
}

#[test]
fn another_program_or_sample_rate_takes_nothing_over() {
    let compiler = host_compiler();
    let one = compile(&compiler, &Source::inline("a", "process = _ : @(10);"), Tier::Quick);
    let other = compile(&compiler, &Source::inline("a", "process = _ : @(11);"), Tier::Quick);
    let (_, mut old) = node(&one);
    let (_, mut new) = node(&other);
    assert_eq!(new.succeed(&mut *old), Succession::None);
    let ty = FaustType::new(one.object.clone()).expect("described");
    let mut slow = ty.create(&CreateContext { sample_rate: 44_100.0, max_frames: 64 }).expect("creates");
    assert_eq!(slow.succeed(&mut *old), Succession::None);
}

#[test]
fn a_reset_node_is_a_new_one_even_with_tables_that_it_wrote() {
    let text = "i = (+(1) ~ _) % 64; process = rwtable(64, 0.25, i, _, (i + 32) % 64);";
    let compiled = compile(&host_compiler(), &Source::inline("loop", text), Tier::Optimised);
    let (ty, mut node) = node(&compiled);
    let inputs = vec![noise(200, 0)];
    let mut first = vec![vec![0.0; 200]];
    play(&ty, &mut *node, 50, &inputs, (0, 200), &mut first);
    node.reset();
    let mut again = vec![vec![0.0; 200]];
    play(&ty, &mut *node, 50, &inputs, (0, 200), &mut again);
    assert_eq!(bits(&first), bits(&again));
    assert!(first[0].contains(&0.25), "the table's first content is heard");
}

#[test]
fn two_sample_rates_of_one_program_play_side_by_side() {
    let text = "import(\"stdfaust.lib\"); process = ma.SR * rdtable(4, 1.0, 0);";
    let compiled = compile(&host_compiler(), &Source::inline("rate", text), Tier::Quick);
    let ty = FaustType::new(compiled.object).expect("described");
    let mut nodes = [44_100.0, 96_000.0].map(|sample_rate| {
        (sample_rate, ty.create(&CreateContext { sample_rate, max_frames: 8 }).expect("creates"))
    });
    for (rate, node) in &mut nodes {
        let mut heard = vec![vec![0.0; 8]];
        play(&ty, &mut **node, 8, &[], (0, 8), &mut heard);
        assert_eq!(heard[0][7], *rate as f32);
    }
}

//! What the safety limiter promises: transparent below +6 dBFS, a wall above.

use krach_core::limiter::{Limiter, THRESHOLD};
use proptest::prelude::*;

const RATE: f64 = 48_000.0;

fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|x| x.to_bits()).collect()
}

/// Both sides through a fresh limiter.
fn limited(left: &[f32], right: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    Limiter::new(RATE).process(&mut left, &mut right);
    (left, right)
}

#[test]
fn a_peak_is_brought_down_on_its_own_sample_on_both_sides_alike() {
    let (left, right) = limited(&[1.0, 4.0, 1.0], &[0.5, 1.0, 0.5]);
    assert_eq!((left[0], right[0]), (1.0, 0.5));
    assert_eq!((left[1], right[1]), (2.0, 0.5));
    assert!((left[2] - 0.5).abs() < 1e-3, "{}", left[2]);
    assert!((left[2] / right[2] - 2.0).abs() < 1e-5, "the stereo image stays");
}

#[test]
fn the_reduction_falls_to_1_over_e_in_100_ms_and_ends_at_exactly_nothing() {
    let mut limiter = Limiter::new(RATE);
    limiter.process(&mut [8.0], &mut [0.0]);
    assert_eq!(limiter.gain(), 0.25);
    let mut quiet = vec![0.0; 4_800];
    limiter.process(&mut quiet.clone(), &mut quiet);
    let expected = 1.0 - 0.75 * (-1.0_f32).exp();
    assert!((limiter.gain() - expected).abs() < 1e-3, "{} not {expected}", limiter.gain());
    // From 0.75 down to -100 dB takes ln(0.75e5) time constants: 1.1225 s, of which 0.1 s is over.
    let mut long = vec![0.3; 48_000];
    limiter.process(&mut long.clone(), &mut long);
    assert!(limiter.gain() < 1.0);
    limiter.process(&mut [0.3; 1_200], &mut [0.3; 1_200]);
    assert_eq!(limiter.gain(), 1.0);
}

#[test]
fn the_gain_never_falls_while_the_sound_stays_below_the_threshold() {
    let mut limiter = Limiter::new(RATE);
    limiter.process(&mut [20.0], &mut [-3.0]);
    let mut before = limiter.gain();
    for _ in 0..100_000 {
        limiter.process(&mut [1.9], &mut [-1.9]);
        assert!(limiter.gain() >= before);
        before = limiter.gain();
    }
    assert_eq!(before, 1.0);
}

#[test]
fn switched_off_it_lets_loud_samples_through_but_nothing_that_is_not_a_number() {
    let mut limiter = Limiter::new(RATE);
    limiter.set_enabled(false);
    assert!(!limiter.enabled());
    let (mut left, mut right) = ([5.0, f32::NAN, -7.5], [f32::INFINITY, 3.0, f32::NEG_INFINITY]);
    limiter.process(&mut left, &mut right);
    assert_eq!((left, right), ([5.0, 0.0, -7.5], [0.0, 3.0, 0.0]));
}

#[test]
fn switching_it_off_while_it_works_does_not_jump() {
    let mut limiter = Limiter::new(RATE);
    limiter.process(&mut [4.0; 100], &mut [4.0; 100]);
    limiter.set_enabled(false);
    let mut after = [4.0_f32; 2];
    limiter.process(&mut after, &mut [4.0; 2]);
    assert!((after[0] - 2.0).abs() < 0.01, "{}", after[0]);
}

#[test]
fn reset_forgets_the_reduction() {
    let mut limiter = Limiter::new(RATE);
    limiter.process(&mut [100.0], &mut [0.0]);
    limiter.reset();
    let mut next = [1.5_f32];
    limiter.process(&mut next, &mut [0.0]);
    assert_eq!(next, [1.5]);
}

fn any_sample() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -2.0_f32..2.0,
        2 => -50.0_f32..50.0,
        1 => prop::num::f32::ANY,
    ]
}

proptest! {
    #[test]
    fn nothing_beyond_the_threshold_and_no_fault_ever_leaves(
        sides in prop::collection::vec((any_sample(), any_sample()), 1..400)
    ) {
        let (left, right): (Vec<f32>, Vec<f32>) = sides.into_iter().unzip();
        let (left, right) = limited(&left, &right);
        prop_assert!(left.iter().chain(&right).all(|x| x.abs() <= THRESHOLD));
    }

    #[test]
    fn up_to_the_threshold_every_bit_passes(
        sides in prop::collection::vec((-2.0_f32..=2.0, -2.0_f32..=2.0), 1..400)
    ) {
        let (left, right): (Vec<f32>, Vec<f32>) = sides.into_iter().unzip();
        let (out_left, out_right) = limited(&left, &right);
        prop_assert_eq!(bits(&out_left), bits(&left));
        prop_assert_eq!(bits(&out_right), bits(&right));
    }

    #[test]
    fn a_sample_is_never_made_louder_nor_turned_over(
        sides in prop::collection::vec((-50.0_f32..50.0, -50.0_f32..50.0), 1..400)
    ) {
        let (left, right): (Vec<f32>, Vec<f32>) = sides.into_iter().unzip();
        let (out_left, out_right) = limited(&left, &right);
        for (x, y) in left.iter().chain(&right).zip(out_left.iter().chain(&out_right)) {
            prop_assert!(y.abs() <= x.abs() && x * y >= 0.0);
        }
    }
}

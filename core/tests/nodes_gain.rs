//! What the gain promises: nothing lost at rest, no click on the way.

mod nodes_support;

use nodes_support::{Bench, bits, noise};

const RATE: f64 = 44_100.0;

fn ones(frames: usize) -> Vec<f32> {
    vec![1.0; frames]
}

#[test]
fn at_one_every_bit_passes() {
    let mut odd = noise(1, 1_000);
    odd[..6].copy_from_slice(&[-0.0, f32::MIN_POSITIVE / 8.0, f32::INFINITY, f32::NAN, f32::MAX, -1e-30]);
    let other = noise(2, 1_000);
    let [left, right] = Bench::new("gain", RATE).stereo(&odd, &other);
    assert_eq!(bits(&left), bits(&odd));
    assert_eq!(bits(&right), bits(&other));
}

#[test]
fn at_zero_nothing_passes_not_even_a_fault() {
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 0.0, 0);
    bench.node.reset();
    let [left, right] = bench.stereo(&[1.0, f32::NAN, f32::INFINITY, -1.0], &noise(3, 4));
    assert_eq!(bits(&left), vec![0; 4]);
    assert_eq!(bits(&right), vec![0; 4]);
}

#[test]
fn a_jump_is_a_line_of_ten_milliseconds_that_begins_on_the_first_frame() {
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 0.0, 0);
    bench.node.reset();
    bench.set("gain", 1.0, 0);
    let [left, right] = bench.stereo(&ones(600), &ones(600));
    for (n, &x) in left.iter().enumerate() {
        let expected = ((n + 1) as f32 / 441.0).min(1.0);
        assert!((x - expected).abs() < 1e-6, "frame {n}: {x}");
    }
    assert!(left[0] > 0.0, "an onset sounds on its own sample");
    assert!(left[439] < 1.0);
    assert_eq!(left[440], 1.0);
    assert_eq!(bits(&left), bits(&right));
}

#[test]
fn a_change_on_the_way_sets_off_from_where_the_gain_is() {
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 0.0, 441);
    let before = bench.stereo(&ones(200), &ones(200))[0][199];
    bench.set("gain", 2.0, 0);
    let [after, _] = bench.stereo(&ones(500), &ones(500));
    assert!((before - (1.0 - 200.0 / 441.0)).abs() < 1e-6);
    for (n, &x) in after.iter().enumerate() {
        let expected = before + (2.0 - before) * ((n + 1) as f32 / 441.0).min(1.0);
        assert!((x - expected).abs() < 1e-5, "frame {n}: {x}, not {expected}");
    }
    assert_eq!(after[440], 2.0);
}

#[test]
fn a_ramp_takes_the_time_it_was_given() {
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 3.0, 10);
    let [out, _] = bench.stereo(&ones(12), &ones(12));
    for (n, x) in out.iter().enumerate() {
        assert!((x - (1.0 + 0.2 * (n + 1).min(10) as f32)).abs() < 1e-6);
    }
    assert_eq!(out[9], 3.0);
}

#[test]
fn the_same_value_again_changes_no_bit() {
    let input = noise(4, 700);
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 1.0, 0);
    assert_eq!(bits(&bench.stereo(&input, &input)[0]), bits(&input));
}

#[test]
fn reset_ends_a_ramp_at_its_target() {
    let mut bench = Bench::new("gain", RATE);
    bench.set("gain", 0.5, 10_000);
    bench.stereo(&ones(10), &ones(10));
    bench.node.reset();
    assert_eq!(bench.stereo(&ones(1), &ones(1))[0], [0.5]);
}

#[test]
fn values_beyond_the_range_are_held_at_its_ends() {
    let mut bench = Bench::new("gain", RATE);
    for (asked, got) in [(99.0, 16.0), (-1.0, 0.0), (f32::NAN, 0.0)] {
        bench.set("gain", asked, 0);
        bench.node.reset();
        assert_eq!(bench.stereo(&ones(1), &ones(1))[0], [got]);
    }
}

#[test]
fn before_its_first_frame_nothing_clicks_so_a_value_is_there_at_once() {
    let mut used = Bench::new("gain", RATE);
    used.stereo(&ones(100), &ones(100));
    used.node.reset();
    for mut bench in [Bench::new("gain", RATE), used] {
        assert!(!bench.node.is_still(), "resting or not, what comes after the first frame must be the same");
        bench.set("gain", 0.75, 0);
        bench.set("mute", 0.5, 0);
        bench.node.settle();
        let [left, _] = bench.stereo(&ones(10), &ones(10));
        assert_eq!(left, vec![0.375; 10]);
        bench.set("gain", 0.0, 0);
        bench.node.settle();
        let [left, _] = bench.stereo(&ones(10), &ones(10));
        assert!(left[9] > 0.3, "from then on a jump is a line");
    }
}

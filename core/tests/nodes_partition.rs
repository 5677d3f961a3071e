//! However a stretch is cut into renders, it sounds the same to the bit.

mod nodes_support;

use krach_core::limiter::Limiter;
use krach_core::node::Change;
use nodes_support::{Bench, bits, noise};
use proptest::prelude::*;

const FRAMES: usize = 6_000;

/// A change due before a frame: (frame, control, value, ramp).
type Due = (usize, usize, f32, u32);

/// Renders `FRAMES` frames in cuts of the given lengths, over and over, and where a change is due.
fn render(type_id: &str, changes: &[Due], cuts: &[usize]) -> Vec<u32> {
    let mut bench = Bench::new(type_id, 44_100.0);
    let inputs = [noise(5, FRAMES), noise(6, FRAMES)];
    let mut outs = vec![vec![f32::NAN; FRAMES]; bench.decl.outputs.iter().map(|p| p.channels).sum()];
    let (mut at, mut pending, mut cuts) = (0, changes, cuts.iter().cycle());
    while at < FRAMES {
        while let [(frame, control, value, ramp), later @ ..] = pending
            && *frame <= at
        {
            bench.node.set(*control, Change { value: *value, ramp: *ramp });
            pending = later;
        }
        let due = pending.first().map_or(FRAMES, |change| change.0);
        let end = (at + cuts.next().expect("a cut")).min(due).min(FRAMES);
        let ins: Vec<&[f32]> =
            if bench.decl.inputs.is_empty() { vec![] } else { inputs.iter().map(|i| &i[at..end]).collect() };
        let mut slices: Vec<&mut [f32]> = outs.iter_mut().map(|out| &mut out[at..end]).collect();
        bench.node.render(&krach_core::node::Transport::STANDING, end - at, &ins, &mut slices);
        at = end;
    }
    outs.iter().flat_map(|out| bits(out)).collect()
}

fn all_cuts_agree(type_id: &str, changes: &[Due]) {
    let whole = render(type_id, changes, &[4_096]);
    assert!(whole.iter().all(|&x| f32::from_bits(x).is_finite()));
    for cuts in [&[1][..], &[17], &[64], &[333], &[2_048], &[1, 2, 3, 500, 63, 65]] {
        assert!(render(type_id, changes, cuts) == whole, "{type_id} in cuts of {cuts:?} with {changes:?}");
    }
}

#[test]
fn each_waveform_at_rest_is_the_same_in_any_cuts() {
    for waveform in [0.0, 1.0, 2.0] {
        for freq in [0.5, 97.3, 4_000.0, 19_000.0] {
            all_cuts_agree("oscillator", &[(0, 0, freq, 0), (0, 1, waveform, 0)]);
        }
    }
}

#[test]
fn an_oscillator_whose_controls_move_is_the_same_in_any_cuts() {
    all_cuts_agree(
        "oscillator",
        &[
            (0, 1, 1.0, 0),
            (10, 0, 880.0, 1_000),
            (500, 2, 0.3, 0),
            (505, 1, 2.0, 0),
            (600, 3, 0.1, 700),
            (601, 1, 0.0, 0),
            (1_500, 0, 55.0, 0),
            (1_500, 1, 2.0, 0),
            (1_500, 1, 1.0, 0),
            (2_500, 2, 0.0, 0),
            (3_333, 2, 1.0, 77),
            (4_000, 3, 0.9, 1),
        ],
    );
}

#[test]
fn the_frame_on_which_a_fade_ends_is_the_same_in_any_cuts() {
    // Silence is +0 and x × 0 may be -0: only the frame's own place may decide which it is.
    for waveform in [0.0, 1.0, 2.0] {
        for start in 0..40 {
            all_cuts_agree(
                "oscillator",
                &[(0, 1, waveform, 0), (500 + 7 * start, 2, 0.0, 0), (2_000, 1, 1.0, 0), (2_100, 2, 1.0, 0)],
            );
        }
    }
}

#[test]
fn a_gain_that_moves_is_the_same_in_any_cuts() {
    all_cuts_agree(
        "gain",
        &[
            (3, 0, 0.0, 0),
            (300, 0, 1.0, 0),
            (1_000, 0, 0.7, 5),
            (1_002, 0, 16.0, 3_000),
            (4_500, 0, 0.0, 100),
        ],
    );
}

fn oscillator_change() -> impl Strategy<Value = Due> {
    let ramp = prop_oneof![Just(0_u32), 1..2_000_u32];
    let change = prop_oneof![
        (Just(0_usize), prop_oneof![0.01_f32..200.0, 200.0_f32..20_000.0]),
        (Just(1_usize), 0.0_f32..2.0),
        (Just(2_usize), 0.0_f32..1.0),
        (Just(3_usize), 0.01_f32..0.99),
    ];
    (0..FRAMES, change, ramp).prop_map(|(frame, (control, value), ramp)| (frame, control, value, ramp))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn any_changes_in_any_cuts_give_the_same_oscillator(
        mut changes in prop::collection::vec(oscillator_change(), 0..24),
        cuts in prop::collection::vec(1..700_usize, 1..12),
    ) {
        changes.sort_by_key(|change| change.0);
        prop_assert!(render("oscillator", &changes, &cuts) == render("oscillator", &changes, &[4_096]));
    }

    #[test]
    fn any_changes_in_any_cuts_give_the_same_gain(
        mut changes in prop::collection::vec((0..FRAMES, Just(0_usize), 0.0_f32..16.0, 0..1_500_u32), 0..24),
        cuts in prop::collection::vec(1..700_usize, 1..12),
    ) {
        changes.sort_by_key(|change| change.0);
        prop_assert!(render("gain", &changes, &cuts) == render("gain", &changes, &[4_096]));
    }

    #[test]
    fn the_limiter_is_the_same_in_any_cuts(
        loud in 0.5_f32..8.0,
        cuts in prop::collection::vec(1..700_usize, 1..12),
    ) {
        let source = [noise(7, FRAMES), noise(8, FRAMES)].map(|side| side.iter().map(|x| x * loud).collect::<Vec<_>>());
        let [mut left, mut right] = source.clone();
        Limiter::new(44_100.0).process(&mut left, &mut right);
        let [mut cut_left, mut cut_right] = source;
        let mut limiter = Limiter::new(44_100.0);
        let (mut at, mut cuts) = (0, cuts.iter().cycle());
        while at < FRAMES {
            let end = (at + cuts.next().expect("a cut")).min(FRAMES);
            limiter.process(&mut cut_left[at..end], &mut cut_right[at..end]);
            at = end;
        }
        prop_assert!(bits(&left) == bits(&cut_left) && bits(&right) == bits(&cut_right));
    }
}

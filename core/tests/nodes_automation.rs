//! What an automation promises: exact ends, one line per grid cell, no dependence on blocks.

mod nodes_support;

use krach_core::automation::{Automation, GRID, MAX_TABLE, Segment, ShapeError, ShapeSpec, Waveform};
use nodes_support::{Bench, bits};
use proptest::prelude::*;

fn automation(shape: Waveform, period_frames: f64, one_shot: bool, start_frame: i64) -> Automation {
    Automation { shape, lo: 0.2, hi: 0.7, period_frames, one_shot, start_frame }
}

fn table(values: &[f32]) -> Waveform {
    ShapeSpec::Custom { table: values.to_vec() }.build().expect("a good table")
}

#[test]
fn each_shape_passes_through_its_landmarks() {
    let pulse = Waveform::Pulse { duty: 0.25 };
    for (shape, landmarks) in [
        (Waveform::Sine, [(0.0, 0.5), (0.25, 1.0), (0.5, 0.5), (0.75, 0.0)]),
        (Waveform::Tri, [(0.0, 0.0), (0.25, 0.5), (0.5, 1.0), (0.75, 0.5)]),
        (Waveform::Ramp, [(0.0, 0.0), (0.25, 0.25), (0.5, 0.5), (0.75, 0.75)]),
        (Waveform::RampDown, [(0.0, 1.0), (0.25, 0.75), (0.5, 0.5), (0.75, 0.25)]),
        (Waveform::Exp, [(0.0, 0.0), (0.1, 0.01), (0.5, 0.25), (0.75, 0.5625)]),
        (pulse, [(0.0, 1.0), (0.24, 1.0), (0.25, 0.0), (0.99, 0.0)]),
        (ShapeSpec::Square.build().expect("a square"), [(0.0, 1.0), (0.49, 1.0), (0.5, 0.0), (0.99, 0.0)]),
        (table(&[0.0, 1.0, 0.5, 0.5]), [(0.0, 0.0), (0.25, 1.0), (0.375, 0.75), (0.875, 0.25)]),
    ] {
        for (phase, value) in landmarks {
            assert!(
                (shape.value(phase) - value).abs() < 1e-12,
                "{shape:?} at {phase}: {}",
                shape.value(phase)
            );
        }
    }
}

#[test]
fn a_one_shot_arrives_exactly_at_its_end_and_stays() {
    for period in [1.0, 31.0, 32.0, 100.0, 1_000.5, 48_000.0, 0.3] {
        for (shape, end) in [
            (Waveform::Ramp, 0.7_f32),
            (Waveform::RampDown, 0.2),
            (Waveform::Exp, 0.7),
            (Waveform::Tri, 0.2),
            (Waveform::Pulse { duty: 0.5 }, 0.2),
            (Waveform::Pulse { duty: 1.0 }, 0.7),
            (table(&[0.3, 0.0, 1.0]), 0.7),
            (table(&[1.0]), 0.7),
        ] {
            let one = automation(shape, period, true, 77);
            let last = one.end_frame().expect("a one-shot ends");
            assert_eq!(last, 77 + period.ceil() as i64);
            for frame in [last, last + 1, last + 1_000_000, i64::MAX / 2] {
                assert_eq!(one.value_at(frame), end, "{one:?} at {frame}");
                let segment = one.segment(5, frame);
                assert_eq!(segment.value_at(frame), end, "{one:?} at {frame}: {segment:?}");
            }
            assert_eq!(one.segment(5, last).end, last + 1, "a cell is cut where the automation ends");
            assert_eq!(one.segment(5, last + 1).end, i64::MAX);
        }
    }
}

#[test]
fn a_one_shot_that_falls_arrives_too() {
    let fade = Automation { lo: 1_200.0, hi: 400.0, ..automation(Waveform::Ramp, 180_000.0, true, 0) };
    assert_eq!(fade.value_at(0), 1_200.0);
    assert_eq!(fade.value_at(90_000), 800.0);
    assert_eq!(fade.value_at(180_000), 400.0);
}

#[test]
fn a_table_drawn_once_ends_at_its_last_entry_and_one_that_repeats_leads_back() {
    let shape = table(&[0.0, 1.0]);
    assert_eq!(automation(shape.clone(), 100.0, true, 0).value_at(50), 0.45);
    assert_eq!(automation(shape.clone(), 100.0, false, 0).value_at(50), 0.7);
    assert_eq!(automation(shape, 100.0, false, 0).value_at(75), 0.45);
}

#[test]
fn before_its_start_an_automation_holds_its_first_value() {
    let tri = automation(Waveform::RampDown, 100.0, false, 1_000);
    for frame in [i64::MIN / 2, -5, 0, 999, 1_000] {
        assert_eq!(tri.value_at(frame), 0.7);
        assert_eq!(tri.segment(3, frame).end, 1_001);
        assert_eq!(tri.segment(3, frame).change_at(frame).value, 0.7);
    }
}

#[test]
fn a_period_of_broken_frames_does_not_drift() {
    // 100 periods of 441.01 frames are 44101 frames.
    let ramp = automation(Waveform::Tri, 441.01, false, 0);
    for round in 1..50 {
        for frame in 0..100 {
            assert!((ramp.value_at(frame) - ramp.value_at(frame + 44_101 * round)).abs() < 1e-6);
        }
    }
}

#[test]
fn a_cell_is_a_straight_line_that_meets_the_shape_on_its_last_frame() {
    let sine = automation(Waveform::Sine, 2_000.0, false, 0);
    let segment = sine.segment(10, 500);
    assert_eq!((segment.begin, segment.end), (490, 522));
    assert_eq!(segment.from, sine.value_at(489));
    assert_eq!(segment.to, sine.value_at(521));
    for frame in segment.begin..segment.end {
        let along = (frame - 489) as f32 / 32.0;
        assert!(
            (segment.value_at(frame) - (segment.from + (segment.to - segment.from) * along)).abs() < 1e-6
        );
        assert!((segment.value_at(frame) - sine.value_at(frame)).abs() < 1e-3, "32 frames are fine enough");
    }
}

#[test]
fn a_gain_set_at_each_segment_follows_the_automation_in_any_blocks() {
    let wobble = automation(Waveform::Tri, 700.0, false, 45);
    let anchor = -7;
    let follow = |block: i64| -> Vec<f32> {
        let mut bench = Bench::new("gain", 48_000.0);
        bench.set("gain", 0.2, 0);
        bench.node.reset();
        let (mut frame, mut due, mut out) = (0, 0, Vec::new());
        while frame < 3_000 {
            if frame == due {
                let segment = wobble.segment(anchor, frame);
                let change = segment.change_at(frame);
                bench.node.set(0, change);
                due = segment.end;
            }
            let block_end = (frame / block + 1) * block;
            let end = due.min(block_end).min(3_000);
            let ones = vec![1.0; (end - frame) as usize];
            out.extend(&bench.stereo(&ones, &ones)[0]);
            frame = end;
        }
        out
    };
    let whole = follow(2_048);
    for block in [1, 17, 64, 333] {
        assert_eq!(bits(&follow(block)), bits(&whole), "blocks of {block}");
    }
    for frame in 46..3_000 {
        let expected = wobble.segment(anchor, frame).value_at(frame);
        assert!((whole[frame as usize] - expected).abs() < 1e-6, "frame {frame}");
    }
}

#[test]
fn shapes_are_read_from_their_names_and_written_back() {
    for (json, spec) in [
        ("\"ramp_down\"", ShapeSpec::RampDown),
        ("\"square\"", ShapeSpec::Square),
        ("{\"pulse\":{\"duty\":0.25}}", ShapeSpec::Pulse { duty: 0.25 }),
        ("{\"custom\":{\"table\":[0.0,0.5,1.0]}}", ShapeSpec::Custom { table: vec![0.0, 0.5, 1.0] }),
    ] {
        assert_eq!(serde_json::from_str::<ShapeSpec>(json).expect(json), spec);
        assert_eq!(serde_json::to_string(&spec).expect(json), json);
    }
    assert_eq!(
        serde_json::from_str::<ShapeSpec>("\"pulse\"").expect("a pulse"),
        ShapeSpec::Pulse { duty: 0.5 }
    );
    let two = serde_json::from_str::<ShapeSpec>("{\"pulse\":{\"duty\":0.2},\"sine\":{}}");
    assert!(two.is_err(), "one shape at a time: {two:?}");
}

#[test]
fn a_shape_that_cannot_be_says_what_would_work() {
    let text = |name: &str, duty, table| ShapeSpec::named(name, duty, table).expect_err(name).to_string();
    assert!(text("saw", None, None).starts_with("unknown shape 'saw': use sine, tri,"));
    assert_eq!(text("pulse", Some(1.5), None), "pulse: duty 1.5 is not between 0 and 1");
    assert!(text("pulse", Some(f64::NAN), None).contains("NaN"));
    assert!(text("custom", None, None).contains("needs a table"));
    assert!(text("custom", None, Some(vec![])).contains("needs a table"));
    assert!(text("custom", None, Some(vec![0.0, 1.7])).contains("entry 1 is 1.7"));
    assert_eq!(
        ShapeSpec::named("custom", None, Some(vec![0.5; MAX_TABLE + 1])),
        Err(ShapeError::LongTable { len: MAX_TABLE + 1 })
    );
}

fn any_automation() -> impl Strategy<Value = Automation> {
    let shape = prop_oneof![
        Just(Waveform::Sine),
        Just(Waveform::Tri),
        Just(Waveform::Ramp),
        Just(Waveform::RampDown),
        Just(Waveform::Exp),
        (0.0..=1.0).prop_map(|duty| Waveform::Pulse { duty }),
        prop::collection::vec(0.0_f32..=1.0, 1..9).prop_map(|values| table(&values)),
    ];
    (shape, -5_000.0..5_000.0, -5_000.0..5_000.0, 0.1..10_000.0, any::<bool>(), -3_000_i64..3_000).prop_map(
        |(shape, lo, hi, period_frames, one_shot, start_frame)| Automation {
            shape,
            lo,
            hi,
            period_frames,
            one_shot,
            start_frame,
        },
    )
}

proptest! {
    #[test]
    fn values_stay_between_lo_and_hi(automation in any_automation(), frame in -100_000_i64..1_000_000_000) {
        let (low, high) = (automation.lo.min(automation.hi), automation.lo.max(automation.hi));
        let slack = 1e-3;
        let value = f64::from(automation.value_at(frame));
        prop_assert!(value >= low - slack && value <= high + slack);
    }

    #[test]
    fn segments_join_without_gap_or_overlap(automation in any_automation(), anchor in -10_000_i64..10_000) {
        let mut frame = automation.start_frame - 40;
        let mut before: Option<Segment> = None;
        while frame < automation.start_frame + 12_000 {
            let segment = automation.segment(anchor, frame);
            prop_assert!(segment.begin <= frame && frame < segment.end);
            prop_assert!(segment.end == i64::MAX || segment.begin == i64::MIN || segment.end - segment.begin <= GRID);
            if let Some(before) = before {
                prop_assert_eq!(before.end, segment.begin);
                prop_assert_eq!(before.to.to_bits(), segment.from.to_bits());
            }
            for inside in [segment.end - 1, frame + (segment.end.min(frame + GRID) - frame) / 2] {
                prop_assert_eq!(automation.segment(anchor, inside), segment, "asked for elsewhere it is the same");
            }
            before = Some(segment);
            frame = segment.end;
        }
    }

    #[test]
    fn borders_lie_on_the_grid_of_the_anchor(automation in any_automation(), anchor in -10_000_i64..10_000, offset in 50_i64..5_000) {
        let segment = automation.segment(anchor, automation.start_frame + offset);
        let end = automation.end_frame().map(|last| last + 1);
        prop_assert!(segment.end == i64::MAX || (segment.end - anchor).rem_euclid(GRID) == 0 || Some(segment.end) == end);
    }
}

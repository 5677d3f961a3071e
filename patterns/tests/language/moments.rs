//! Values at equal distances, tunings, and operators whose numbers change.

use super::{numbers, program, said, v};
use krach_patterns::language::{irand, number};
use krach_patterns::{EventBuffer, Pattern, Span, Time, compile, midi_to_hz, mini};

fn shape(kind: &str, label: &str, lo: f64, hi: f64) -> Pattern {
    Pattern::Shape {
        kind: kind.into(),
        lo,
        hi,
        label: label.into(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    }
}

#[test]
fn segments_hold_what_there_is_when_they_begin() {
    assert_eq!(numbers(v("0 1 2 3").segment(2), 0), "0 0, 1/2 2");
    assert_eq!(numbers(v("0 1").segment(4), -1), "0 0, 1/4 0, 1/2 1, 3/4 1");
    assert_eq!(numbers(v("<0 [1 2 3]>").segment(2), 1), "0 1, 1/2 2");
    assert_eq!(numbers(v("[~ 1] 2").segment(4), 0), "1/4 1, 1/2 2, 3/4 2");
    assert_eq!(numbers(v("[0,7]").segment(2), 0), "0 0, 0 7, 1/2 0, 1/2 7");
    assert_eq!(numbers(v("0 1 2").rev().segment(3).fast(2.0), 0), "0 2, 1/6 1, 1/3 0, 1/2 2, 2/3 1, 5/6 0");
    let notes = mini("A2 C3").unwrap().segment(4);
    assert_eq!(said(&notes, 0).iter().filter(|s| s.contains("freq")).count(), 4);
    assert_eq!(said(&notes, 0).iter().filter(|s| s.contains("gate=0")).count(), 4);
}

#[test]
fn shapes_are_numbers_for_operators_that_take_them() {
    assert_eq!(numbers(shape("sine", "", 0.0, 8.0).segment(4), 3), "0 4, 1/4 8, 1/2 4, 3/4 0");
    let slow = || shape("ramp", "", 0.0, 8.0).over(2.0).segment(4);
    assert_eq!(numbers(slow(), 0), "0 0, 1/4 1, 1/2 2, 3/4 3");
    assert_eq!(numbers(slow(), 1), "0 4, 1/4 5, 1/2 6, 3/4 7");
    // A melody of a shape.
    let tune = slow().degree(v("C:minor"));
    let hz = |key: f64| format!("freq={}", f64::from(midi_to_hz(key) as f32));
    assert!(said(&tune, 1).contains(&format!("0 {}", hz(67.0))));
    // A labelled one sets its control where notes begin.
    let filter = v("60 62").control("note").set(shape("ramp", "cutoff", 200.0, 600.0).segment(8));
    let cutoffs: Vec<String> = said(&filter, 0).into_iter().filter(|s| s.contains("cutoff")).collect();
    assert_eq!(cutoffs, ["0 cutoff=200", "1/2 cutoff=400"]);
    // One that is there half of the time.
    let half = krach_patterns::builders::cat(vec![number(5.0), shape("ramp_down", "", 0.0, 1.0)]);
    let error = compile(&half.segment(4).control("c")).unwrap_err();
    assert!(error.to_string().contains("the number 5 plays nothing by itself"), "{error}");
    assert_eq!(error.path, "Label > Segment > Cat[0] > Number");
    let rest = krach_patterns::builders::cat(vec![
        krach_patterns::builders::rest(),
        shape("ramp_down", "", 0.0, 1.0),
    ]);
    assert_eq!(numbers(rest.segment(4), 0), "1/2 1, 3/4 0.5");
}

#[test]
fn a_shape_that_plays_stands_still_within_a_segment() {
    let stepped = shape("rand", "cutoff", 0.0, 1.0).fast(2.0).segment(8);
    let moving = program(&shape("rand", "cutoff", 0.0, 1.0).fast(2.0));
    let stepped = program(&stepped);
    let value = |program: &krach_patterns::Program, at: Time| {
        let mut out = EventBuffer::with_capacity(8);
        program.query(Span::new(at, at + Time::new(1, 10_000)), 0, &mut out).unwrap();
        let event = out.as_slice()[0];
        let shape = event.shape.unwrap();
        let way = (at - event.whole.begin) / (event.whole.end - event.whole.begin);
        let phase = shape.phase(*way.numer() as f64 / *way.denom() as f64);
        program.shapes()[shape.index as usize].value(shape.period, phase, 0)
    };
    for eighth in -20..20 {
        let at = Time::new(eighth, 8);
        for within in 0..4 {
            let inside = at + Time::new(within, 32);
            assert_eq!(value(&stepped, inside), value(&moving, at), "{inside}");
        }
    }
    let mut out = EventBuffer::with_capacity(64);
    stepped.onsets(Span::cycle(0), 0, &mut out).unwrap();
    assert!(out.is_empty() && stepped.events_per_cycle() == 8);
}

#[test]
fn shapes_that_do_not_come_again_are_no_numbers() {
    let chance = |p| Pattern::Chance { prob: 0.5, seed: 0, invert: false, child: Box::new(p), span: None };
    for (pattern, says) in [
        (shape("rand", "", 0.0, 1.0).segment(4), "Segment takes shapes that come again"),
        (chance(shape("sine", "", 0.0, 1.0)).segment(4), "Segment takes shapes that come again"),
        (shape("sine", "", 0.0, 1.0).over(64.0).segment(17), "within 1024 values"),
        (v("1").segment(0), "Segment: n must be 1 to 4096"),
        (v("1").segment(5000), "Segment: n must be 1 to 4096"),
        (krach_patterns::builders::freeze(mini("x x").unwrap()).segment(2), "a unit of several events"),
    ] {
        let error = compile(&pattern.control("c")).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    assert!(compile(&shape("sine", "", 0.0, 1.0).over(64.0).segment(16).control("c")).is_ok());
}

#[test]
fn every_takes_a_pattern_of_numbers() {
    let varied = v("1").every_by(v("<2 3>"), |p| p.ply(2));
    let changed: Vec<bool> = (0..12).map(|cycle| numbers(varied.clone(), cycle).contains("1/2")).collect();
    // Even cycles have 2, odd ones 3.
    let want: Vec<bool> = (0..12).map(|cycle| cycle % 2 == 0 || cycle % 3 == 0).collect();
    assert_eq!(changed, want);
    let halves = v("1 2").every_by(v("1 2"), |p| p.combine("add", "left", number(10.0)));
    assert_eq!(numbers(halves.clone(), 0), "0 11, 1/2 12");
    assert_eq!(numbers(halves, 1), "0 11, 1/2 2");
    assert_eq!(numbers(v("1").fast_by(v("<1 2>")), 1), "0 1, 1/2 1");
    assert_eq!(numbers(v("1 2").slow_by(v("2")), 1), "0 2");
    assert_eq!(numbers(v("1 2").early_by(v("0.5")), 0), numbers(v("1 2").late_by(v("0.5")), 0));
}

#[test]
fn notes_have_the_pitch_that_a_tuning_gives_their_key() {
    let hz = |pattern: Pattern| -> Vec<f64> {
        let begins = said(&pattern.control("note"), 0);
        let begins = begins.iter().filter_map(|s| s.split_once("freq=")?.1.parse().ok());
        begins.collect()
    };
    let near = |pattern: Pattern, want: &[f64]| {
        let got = hz(pattern);
        let close = got.len() == want.len() && got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(close, "{got:?} {want:?}");
    };
    let c4 = midi_to_hz(60.0);
    near(v("60 61 79").tuned("19edo", None), &[c4, c4 * (1.0_f64 / 19.0).exp2(), 2.0 * c4]);
    near(v("60 64 67 72").tuned("just", None), &[c4, c4 * 1.25, c4 * 1.5, c4 * 2.0]);
    near(v("60 45").tuned("12edo", None), &[c4, 110.0]);
    let fifths = "! f.scl\nfifths\n2\n3/2\n2/1\n";
    near(v("60 61 62 59").tuned(fifths, None), &[c4, c4 * 1.5, c4 * 2.0, c4 * 0.75]);
    // A4 = 432 Hz, one degree to a key.
    let lower = "0\n0\n127\n60\n69\n432.0\n12\n";
    near(v("69 81").tuned("12edo", Some(lower)), &[432.0, 864.0]);
    // Chords, notes of the notation and labelled notes alike.
    let chord = v("C:major").control("chord").tuned("just", None);
    let freqs = said(&chord, 0).into_iter().filter(|s| s.contains("freq")).count();
    assert_eq!(freqs, 3);
    let notes = mini("C4 E4").unwrap().tuned("just", None);
    assert!(said(&notes, 0).iter().any(|s| s.contains("1/2 freq=327.0")), "{:?}", said(&notes, 0));
    let hole = "2\n0\n127\n60\n60\n261.63\n1\n0\nx\n";
    for (pattern, says) in [
        (
            v("60 61").tuned("12edo", Some(hole)),
            "Tune takes keys to which the map gives a degree, not the key 61",
        ),
        (v("60").tuned("moonlight", None), "Tune: unknown tuning \"moonlight\""),
        (v("60").tuned("a\n1\nfifth\n", None), "line 3 of the tuning is no pitch: \"fifth\""),
        (v("60").tuned(&"a\n".repeat(40_000), None), "tuning must be at most 65536 bytes"),
    ] {
        let error = compile(&pattern.control("note")).unwrap_err();
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
}

#[test]
fn random_whole_numbers_are_a_choice_between_all() {
    let program = program(&irand(8, 3).fast(16.0).control("c"));
    let mut counts = [0_u32; 8];
    for cycle in 0..100 {
        let mut out = EventBuffer::with_capacity(64);
        program.onsets(Span::cycle(cycle), 0, &mut out).unwrap();
        for event in out.as_slice() {
            let krach_patterns::Value::Control { value, .. } = &program.values()[event.value as usize] else {
                panic!("a control");
            };
            counts[*value as usize] += 1;
        }
    }
    // 1600 throws: 200 each.
    assert!(counts.iter().all(|count| (150..250).contains(count)), "{counts:?}");
}

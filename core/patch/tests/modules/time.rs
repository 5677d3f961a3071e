//! The clock: by itself, and by the host's time through tempo changes, loops and jumps.

use krach_patch::Transport;
use krach_patch::harness::Harness;

const RATE: f64 = 48_000.0;

fn pulses(clock: &Harness, output: &str) -> Vec<usize> {
    clock.output(output).iter().enumerate().filter(|(_, sample)| **sample >= 0.5).map(|(at, _)| at).collect()
}

/// The first sample at or after each multiple of `length` quarter notes.
fn grid(length: f64, bpm: f64, samples: usize) -> Vec<usize> {
    let step = bpm / 60.0 / RATE;
    (0..)
        .map(|n| (f64::from(n) * length / step - 1e-6).ceil() as usize)
        .take_while(|&at| at < samples)
        .collect()
}

#[test]
fn a_free_clock_pulses_on_the_first_sample_at_or_after_each_time() {
    for (bpm, beats, quavers) in [(120.0, 4, 2), (133.7, 3, 3), (300.0, 1, 4), (61.0, 7, 1)] {
        let mut clock = Harness::new("ClockSequencer")
            .with("bpm", bpm)
            .with("beats_per_bar", beats)
            .with("quavers_per_beat", quavers)
            .with("sync", "free");
        // A host that stands still does not matter.
        clock.host(Some(Transport { playing: false, ..Transport::playing(3.3, 90.0, RATE) }));
        clock.run(400_000);
        let (bpm, quaver) = (f64::from(bpm), 1.0 / f64::from(quavers));
        assert_eq!(pulses(&clock, "bar"), grid(beats.into(), bpm, 400_000), "{bpm}");
        assert_eq!(pulses(&clock, "beat"), grid(1.0, bpm, 400_000), "{bpm}");
        assert_eq!(pulses(&clock, "quaver"), grid(quaver, bpm, 400_000), "{bpm}");
        assert_eq!(pulses(&clock, "semiquaver"), grid(quaver / 2.0, bpm, 400_000), "{bpm}");
        assert!(clock.output("bar").iter().all(|sample| [0.0, 1.0].contains(sample)));
    }
}

#[test]
fn a_new_tempo_goes_on_from_where_the_clock_is() {
    let mut clock = Harness::new("ClockSequencer").with("bpm", 120.0);
    clock.run(30_000);
    clock.set("bpm", 60.0).run(100_000);
    // 1.25 quarter notes are over; the next beats come after 0.75 and 1.75 more, at 48000 samples each.
    assert_eq!(pulses(&clock, "beat"), [36_000, 84_000]);
}

#[test]
fn the_hosts_position_moves_it_and_a_host_that_stands_still_stops_it() {
    let mut clock = Harness::new("ClockSequencer");
    clock.host(Some(Transport::playing(1.75, 120.0, RATE))).run(24_000);
    assert_eq!(pulses(&clock, "beat"), [6_000]);
    // At 1.75 itself, and then.
    assert_eq!(pulses(&clock, "semiquaver"), [0, 6_000, 12_000, 18_000]);
    clock.host(Some(Transport { playing: false, ..Transport::playing(2.75, 120.0, RATE) })).run(50_000);
    assert_eq!(pulses(&clock, "semiquaver"), [0; 0]);
    clock.host(Some(Transport::playing(0.0, 120.0, RATE))).run(10);
    assert_eq!(pulses(&clock, "bar"), [0]);
}

/// Two bars that loop over beats 1 to 3, the wrap between two samples: each step is where the bar says, each once.
#[test]
fn a_loop_inside_a_bar_plays_each_step_once_per_pass() {
    let mut clock = Harness::new("ClockSequencer");
    let step = 123.0 / 60.0 / RATE;
    let (mut at, mut position, mut found, mut expected) = (0, 0.3, Vec::new(), Vec::new());
    for pass in 0..20 {
        let length = ((3.0 - position) / step).ceil() as usize;
        clock.host(Some(Transport::playing(position, 123.0, RATE))).run(length);
        found.extend(pulses(&clock, "semiquaver").into_iter().map(|sample| at + sample));
        for n in 0..12 {
            let sample = ((f64::from(n) * 0.25 - position) / step - 1e-6).ceil();
            if sample >= 0.0 || (pass > 0 && f64::from(n) * 0.25 == 1.0) {
                expected.push(at + sample.max(0.0) as usize);
            }
        }
        at += length;
        // What is beyond the end of the loop is kept: it lands a part of a sample after beat 1.
        position = 1.0 + (position + length as f64 * step - 3.0);
    }
    assert_eq!(found, expected);
}

#[test]
fn a_tempo_that_changes_all_the_time_neither_doubles_nor_loses_a_pulse() {
    let mut clock = Harness::new("ClockSequencer");
    let (mut position, mut count) = (0.0, 0);
    for part in 0..5_000 {
        // Up to a hundredfold from one stretch to the next.
        let bpm = [20.0, 300.0, 3.0, 77.7][part % 4];
        let transport = Transport::playing(position, bpm, RATE);
        clock.host(Some(transport)).run(137);
        count += pulses(&clock, "semiquaver").len();
        position = transport.anchor + 137.0 * transport.step;
    }
    assert_eq!(count, (position * 4.0).ceil() as usize);
}

#[test]
fn bars_are_counted_from_where_the_host_counts_them() {
    let mut clock = Harness::new("ClockSequencer").with("beats_per_bar", 3);
    let mut transport = Transport::playing(0.0, 120.0, RATE);
    clock.host(Some(Transport { bar: 1.0, ..transport })).run(120_000);
    assert_eq!(pulses(&clock, "bar"), [24_000, 96_000]);
    // The meter changes at beat 5: a bar begins there, and the beat sounds once.
    transport = transport.after(120_000);
    clock.host(Some(Transport { bar: 5.0, ..transport })).run(24_000);
    assert_eq!((pulses(&clock, "bar"), pulses(&clock, "beat")), (vec![0], vec![0]));
}

/// In which bar, and how far into it, in quarter notes: the plain way to tell, without rounding for whole ticks.
fn pulses_in(meter: f64, line: f64, from: f64, beats: f64) -> Vec<f64> {
    let first = ((from - line) / meter).floor() as i64;
    let bars = (first..).map(|n| line + n as f64 * meter).take_while(|begin| *begin < from + beats);
    let within = bars.flat_map(|bar| {
        (0..64).map(|n| f64::from(n) * 0.25).take_while(|at| *at < meter).map(move |at| bar + at)
    });
    within.filter(|at| *at >= from && *at < from + beats).collect()
}

#[test]
fn in_the_hosts_meter_bars_and_all_that_divides_them_begin_at_its_bar_lines() {
    // 120 bpm: 24000 samples a quarter note.
    for (meter, line) in [(3.5, 0.0), (2.5, 1.25), (4.0, 0.0), (5.25, -3.0), (0.75, 0.5)] {
        let mut clock = Harness::new("ClockSequencer").with("beats_per_bar", 3);
        let transport = Transport { bar: line, meter, ..Transport::playing(2.0, 120.0, RATE) };
        clock.host(Some(transport)).run(480_000);
        let at = |output: &str| -> Vec<f64> {
            pulses(&clock, output).into_iter().map(|sample| 2.0 + sample as f64 / 24_000.0).collect()
        };
        let all = pulses_in(meter, line, 2.0, 20.0);
        assert_eq!(at("semiquaver"), all, "{meter} from {line}");
        let in_bar = |at: &f64| (at - line).rem_euclid(meter);
        let of = |length: f64| {
            all.iter().copied().filter(|at| in_bar(at).rem_euclid(length) == 0.0).collect::<Vec<_>>()
        };
        assert_eq!((at("quaver"), at("beat")), (of(0.5), of(1.0)), "{meter} from {line}");
        let bars: Vec<f64> = all.iter().copied().filter(|at| in_bar(at) == 0.0).collect();
        assert_eq!(at("bar"), bars, "{meter} from {line}");
    }
}

#[test]
fn a_meter_that_changes_at_a_bar_line_loses_and_repeats_no_pulse_and_own_bars_do_not_change() {
    let (mut host, mut song) =
        (Harness::new("ClockSequencer"), Harness::new("ClockSequencer").with("sync", "song"));
    let (mut bars, mut beats, mut own, mut at) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut position = 0.0;
    // Two bars each; then one that is cut short by a bar line of the host's, and the loop back into 7/8.
    for (begin, meter, length) in [
        (0.0, 4.0, 8.0),
        (8.0, 3.5, 7.0),
        (15.0, 3.0, 6.0),
        (21.0, 3.0, 2.0),
        (23.0, 4.0, 4.0),
        (8.0, 3.5, 3.5),
    ] {
        if begin < position {
            position = begin;
        }
        assert_eq!(position, begin);
        let transport = Transport { bar: begin, meter, ..Transport::playing(begin, 120.0, RATE) };
        let samples = (length * 24_000.0) as usize;
        for clock in [&mut host, &mut song] {
            clock.host(Some(transport)).run(samples);
        }
        let add = |to: &mut Vec<f64>, clock: &Harness, output: &str| {
            to.extend(pulses(clock, output).into_iter().map(|sample| (at + sample) as f64 / 24_000.0));
        };
        add(&mut bars, &host, "bar");
        add(&mut beats, &host, "beat");
        add(&mut own, &song, "bar");
        at += samples;
        position += length;
    }
    assert_eq!(bars, [0.0, 4.0, 8.0, 11.5, 15.0, 18.0, 21.0, 23.0, 27.0]);
    let expected = [
        0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 11.5, 12.5, 13.5, 14.5, 15.0, 16.0,
        17.0, 18.0, 19.0, 20.0, 21.0, 22.0, 23.0, 24.0, 25.0, 26.0, 27.0, 28.0, 29.0, 30.0,
    ];
    assert_eq!(beats, expected);
    // Bars of four from position 0 on; the loop goes back to 8, which is one.
    assert_eq!(own, [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 27.0]);
}

#[test]
fn every_cut_of_a_stretch_gives_the_same_pulses() {
    let whole = {
        let mut clock = Harness::new("ClockSequencer");
        clock.host(Some(Transport::playing(0.1, 97.3, RATE))).run(50_000);
        clock.output("semiquaver").to_vec()
    };
    let mut clock = Harness::new("ClockSequencer");
    clock.host(Some(Transport::playing(0.1, 97.3, RATE)));
    let mut parts = Vec::new();
    for length in [1, 2, 63, 65, 1_000].into_iter().cycle() {
        let length = length.min(50_000 - parts.len());
        if length == 0 {
            break;
        }
        parts.extend_from_slice(clock.run(length).output("semiquaver"));
    }
    assert_eq!(parts, whole);
}

//! The language of live coders: values that meet, notes that come of them, and what is put together from operators.
//! Answers worked out by hand.

#[path = "language/chords.rs"]
mod chords;
#[path = "language/moments.rs"]
mod moments;

use krach_patterns::language::{arrange, choose, number, timecat, turns};
use krach_patterns::{
    Event, EventBuffer, Pattern, Program, Span, Time, Value, builders, compile, mini, mini_values,
};

fn v(text: &str) -> Pattern {
    mini_values(text).unwrap_or_else(|e| panic!("{e}"))
}

fn program(pattern: &Pattern) -> Program {
    compile(pattern).unwrap_or_else(|e| panic!("{e}"))
}

fn onsets(program: &Program, cycle: i64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(4096);
    program.onsets(Span::cycle(cycle), 0, &mut out).unwrap();
    out.as_slice().to_vec()
}

/// What begins in a cycle: `at label=value`, in the order of time, labels and values.
fn said(pattern: &Pattern, cycle: i64) -> Vec<String> {
    let program = program(pattern);
    let mut said: Vec<(Time, String)> = onsets(&program, cycle)
        .iter()
        .map(|e| match &program.values()[e.value as usize] {
            Value::Control { label, value } => {
                (e.whole.begin - Time::from_integer(cycle), format!("{label}={value}"))
            }
            Value::Named { label, name } => {
                (e.whole.begin - Time::from_integer(cycle), format!("{label}='{name}'"))
            }
            other => panic!("{other:?}"),
        })
        .collect();
    said.sort();
    said.into_iter().map(|(at, what)| format!("{at} {what}")).collect()
}

/// The values of a pattern of numbers, as `at value`.
fn numbers(pattern: Pattern, cycle: i64) -> String {
    let said = said(&pattern.control("c"), cycle);
    said.iter().map(|s| s.replace("c=", "")).collect::<Vec<_>>().join(", ")
}

#[test]
fn two_patterns_of_numbers_meet_in_the_structure_of_the_left_the_right_or_both() {
    let sum = |structure: &str| numbers(v("1 2").combine("add", structure, v("10 20 30")), 0);
    // 2 begins at 1/2, where the right is 20.
    assert_eq!(sum("left"), "0 11, 1/2 22");
    // 20 begins at 1/3, where the left is 1.
    assert_eq!(sum("right"), "0 11, 1/3 21, 2/3 32");
    assert_eq!(sum("both"), "0 11, 1/3 21, 1/2 22, 2/3 32");
    for (kind, want) in [
        ("sub", "0 -2, 1/2 5"),
        ("mul", "0 -1, 1/2 6"),
        ("div", "0 -1, 1/2 6"),
        ("mod", "0 0, 1/2 0"),
        ("set", "0 1, 1/2 1"),
        ("keep", "0 -1, 1/2 6"),
    ] {
        assert_eq!(numbers(v("-1 6").combine(kind, "left", v("1")), 0), want, "{kind}");
    }
    assert_eq!(numbers(v("-1 7 5.5").combine("mod", "left", v("4")), 0), "0 3, 1/3 3, 2/3 1.5");
    assert_eq!(numbers(v("1 ~ 3").combine("add", "left", v("<10 20>")), 1), "0 21, 2/3 23");
}

#[test]
fn controls_meet_by_name_and_the_others_are_joined() {
    let tune = v("0 2 4").scale(v("C:minor")).control("note").set(v("<400 800>").control("cutoff"));
    let hz = |key: f64| f64::from(krach_patterns::midi_to_hz(key) as f32);
    for (cycle, cutoff) in [(0, 400), (1, 800)] {
        let mut want = Vec::new();
        for (begin, end, key) in [("0", "1/6", 60.0), ("1/3", "1/2", 63.0), ("2/3", "5/6", 67.0)] {
            want.push(format!("{begin} cutoff={cutoff}"));
            want.push(format!("{begin} freq={}", hz(key)));
            want.push(format!("{begin} gate=1"));
            want.push(format!("{end} gate=0"));
        }
        assert_eq!(said(&tune, cycle), want);
    }
    let both = v("1 2").control("a").combine("add", "left", v("10").control("a").set(v("5").control("b")));
    assert_eq!(said(&both, 0), ["0 a=11", "0 b=5", "1/2 a=12", "1/2 b=5"]);
    // A bare number is meant for the pitch.
    let higher = v("60").control("note").set(v("1").control("vel")).transpose(9.0);
    assert!(said(&higher, 0).contains(&"0 freq=440".to_owned()));
}

#[test]
fn a_note_of_the_notation_and_one_of_values_play_the_same() {
    for (notation, values) in
        [("A2 C#4 ~ 60", "A2 C#4 ~ 60"), ("<A2 B2>(3,8)", "<45 47>(3,8)"), ("[A2,C3]*2", "[45,48]*2")]
    {
        for cycle in [0, 1, -3] {
            let values = v(values).control("note");
            assert_eq!(said(&values, cycle), said(&mini(notation).unwrap(), cycle), "{notation}");
            // A finished note under an operator is taken apart and put together again.
            let apart = mini(notation).unwrap().transpose(0.0);
            assert_eq!(said(&apart, cycle), said(&values, cycle), "{notation}");
        }
    }
    let hits = mini("x x").unwrap().set(v("0.5 1").control("vel"));
    assert_eq!(
        said(&hits, 0),
        ["0 gate=1", "0 vel=0.5", "1/4 gate=0", "1/2 gate=1", "1/2 vel=1", "3/4 gate=0"]
    );
}

#[test]
fn each_note_of_a_chord_is_a_unit_and_legato_says_when_it_ends() {
    let chord = v("C:m7").control("chord").set(v("0.75").control("legato"));
    let program = program(&chord);
    let all = onsets(&program, 0);
    assert_eq!(all.len(), 4 * 3);
    let units: std::collections::BTreeSet<_> = all.iter().map(|e| e.unit_key).collect();
    assert_eq!(units.len(), 4);
    let closing: Vec<_> = all.iter().filter(|e| e.whole.begin > Time::from_integer(0)).collect();
    assert!(closing.len() == 4 && closing.iter().all(|e| e.whole.begin == Time::new(3, 4)));
    assert!(all.iter().all(|e| e.unit_end == Time::from_integer(1)));
    // The values of a unit say that they are of one: a voice is chosen by it.
    let of: std::collections::BTreeSet<u32> = program.units().iter().copied().collect();
    assert_eq!(of.len(), 4);
    let arpeggio = |kind: &str| {
        let keys = said(&v("C:m").control("chord").arp(kind), 0);
        keys.iter().filter(|s| s.contains("freq")).cloned().collect::<Vec<_>>()
    };
    let freq =
        |at: &str, key: f64| format!("{at} freq={}", f64::from(krach_patterns::midi_to_hz(key) as f32));
    assert_eq!(arpeggio("up"), [freq("0", 60.0), freq("1/3", 63.0), freq("2/3", 67.0)]);
    assert_eq!(arpeggio("down"), [freq("0", 67.0), freq("1/3", 63.0), freq("2/3", 60.0)]);
    assert_eq!(
        arpeggio("updown"),
        [freq("0", 60.0), freq("1/4", 63.0), freq("1/2", 67.0), freq("3/4", 63.0)]
    );
}

#[test]
fn between_two_degrees_a_scale_takes_the_upper_one() {
    let degrees = v("0 0.2 1.5 -0.5 -1.01 6.001 7");
    let keys = "0 60, 1/7 62, 2/7 63, 3/7 60, 4/7 58, 5/7 72, 6/7 72";
    assert_eq!(numbers(degrees.scale(v("C:minor")), 0), keys);
}

#[test]
fn masks_and_structures_take_what_is_not_nothing() {
    assert_eq!(numbers(v("1 2 3 4").mask(v("1 0")), 0), "0 1, 1/4 2");
    assert_eq!(numbers(v("1 2 3 4").mask(v("f t")), 0), "1/2 3, 3/4 4");
    assert_eq!(numbers(v("1 2").structured(v("x x ~ x")), 0), "0 1, 1/4 1, 3/4 2");
    assert_eq!(numbers(v("1 2").structured(v("x(3,8)")), 0), "0 1, 3/8 1, 3/4 2");
    let hits = mini("x*4").unwrap().mask(v("<1 0>"));
    assert_eq!((said(&hits, 0).len(), said(&hits, 1).len()), (8, 0));
}

#[test]
fn pieces_of_cycles_go_where_they_are_put() {
    assert_eq!(numbers(v("1 2 3 4").zoom(0.25, 0.75), 0), "0 2, 1/2 3");
    assert_eq!(numbers(v("<1 5> 2 3 4").zoom(0.0, 0.5), 1), "0 5, 1/2 2");
    assert_eq!(numbers(v("1 2").compress(0.25, 0.75).unwrap(), 3), "1/4 1, 1/2 2");
    assert!(v("1").compress(0.5, 0.5).is_none());
    assert_eq!(numbers(v("1 2 3 4").linger(0.25).unwrap(), 0), "0 1, 1/4 1, 1/2 1, 3/4 1");
    assert_eq!(numbers(v("<1 2> 3").linger(0.5).unwrap(), 1), "0 2, 1/2 2");
    // Three tenths go into a cycle three times, and a third of them once more.
    assert_eq!(
        numbers(v("1 [2 3] 4 5 6").linger(0.3).unwrap(), 0),
        "0 1, 1/5 2, 3/10 1, 1/2 2, 3/5 1, 4/5 2, 9/10 1"
    );
    assert_eq!(numbers(v("<0 1> 2 3 4").linger(0.75).unwrap(), 1), "0 1, 1/4 2, 1/2 3, 3/4 1");
    assert_eq!(numbers(v("1 2 3 <4 5>").linger(-0.25).unwrap(), 1), "0 5, 1/4 5, 1/2 5, 3/4 5");
    assert_eq!(numbers(v("1 2 3 4").linger(-0.375).unwrap(), 0), "1/8 4, 1/2 4, 7/8 4");
    assert_eq!(v("1 2").linger(1.0), Some(v("1 2").zoom(0.0, 1.0)));
    for none in [0.0, 1.5, -2.0, 1e-9, f64::NAN, f64::INFINITY] {
        assert!(v("1").linger(none).is_none(), "{none}");
    }
    assert_eq!(numbers(v("0 1 2 3").iter(4), 0), "0 0, 1/4 1, 1/2 2, 3/4 3");
    assert_eq!(numbers(v("0 1 2 3").iter(4), 1), "0 1, 1/4 2, 1/2 3, 3/4 0");
    let further: Vec<String> = (0..5).map(|cycle| numbers(v("<0 1> 1 2 3").iter(4), cycle)).collect();
    let at_0 = ["0 0, 1/4 1, 1/2 2, 3/4 3", "0 1, 1/4 2, 1/2 3, 3/4 1", "0 2, 1/4 3, 1/2 1, 3/4 1"];
    assert_eq!(further[..3], at_0);
    assert_eq!(further[3..], ["0 3, 1/4 1, 1/2 1, 3/4 2", "0 1, 1/4 1, 1/2 2, 3/4 3"]);
    assert_eq!(numbers(v("0 1").iter(0), 3), "0 0, 1/2 1");
    assert_eq!(numbers(v("0 1 2").palindrome(), 0), "0 0, 1/3 1, 2/3 2");
    assert_eq!(numbers(v("0 1 2").palindrome(), 1), "0 2, 1/3 1, 2/3 0");
    assert_eq!(numbers(v("1 2").ply(2), 0), "0 1, 1/4 1, 1/2 2, 3/4 2");
    let chunked = v("0 1 2 3").chunk(4, |p| p.combine("add", "left", number(10.0)));
    assert_eq!(numbers(chunked.clone(), 0), "0 10, 1/4 1, 1/2 2, 3/4 3");
    assert_eq!(numbers(chunked, 6), "0 0, 1/4 1, 1/2 12, 3/4 3");
    let chunked = v("<0 5> 1").chunk(2, |p| p.combine("add", "left", number(10.0)));
    let played: Vec<String> = (0..4).map(|cycle| numbers(chunked.clone(), cycle)).collect();
    assert_eq!(played, ["0 10, 1/2 1", "0 0, 1/2 11", "0 15, 1/2 1", "0 5, 1/2 11"]);
    let when = v("1").when(v("<0 1>"), |p| p.ply(2));
    assert_eq!((numbers(when.clone(), 0), numbers(when, 1)), ("0 1".into(), "0 1, 1/2 1".into()));
    assert_eq!(numbers(timecat(vec![(3.0, v("1")), (0.5, v("2 3"))]).unwrap(), 0), "0 1, 6/7 2, 13/14 3");
    assert!(timecat(vec![(0.0, v("1"))]).is_none());
    let song = arrange(vec![(2, v("<1 2 3 4 5 6>")), (1, v("7"))]).unwrap();
    let played: Vec<String> = (0..6).map(|cycle| numbers(song.clone(), cycle)).collect();
    assert_eq!(played, ["0 1", "0 2", "0 7", "0 3", "0 4", "0 7"]);
    let song = arrange(vec![(1, v("7")), (2, v("<1 2>"))]).unwrap();
    let played: Vec<String> = (-3..6).map(|cycle| numbers(song.clone(), cycle)).collect();
    assert_eq!(played, ["0 7", "0 1", "0 2", "0 7", "0 1", "0 2", "0 7", "0 1", "0 2"]);
    // What lasts longer than a cycle sounds as long as in its part.
    let long = arrange(vec![(1, v("7")), (2, v("9/2"))]).unwrap().control("c");
    let whole = onsets(&program(&long), 1)[0].whole;
    assert_eq!(whole, Span::new(Time::from_integer(1), Time::from_integer(3)));
    assert_eq!(numbers(turns(vec![v("1"), v("2 3")]), 1), "0 2, 1/2 3");
}

#[test]
fn layers_are_the_pattern_and_a_changed_one() {
    let sum = |p: Pattern| p.combine("add", "left", number(7.0));
    assert_eq!(numbers(v("1 2").superimpose(sum), 0), "0 1, 0 8, 1/2 2, 1/2 9");
    assert_eq!(numbers(v("1 ~").off(0.25, sum), 0), "0 1, 1/4 8");
    let two = v("60").control("note").jux("pan", |p| p.ply(2));
    let sides: Vec<String> = said(&two, 0).into_iter().filter(|s| s.contains("pan")).collect();
    assert_eq!(sides, ["0 pan=0", "0 pan=1", "1/2 pan=1"]);
    let echoes = v("1 ~ ~ ~").control("a").echo(3, 0.125, "vel", 0.5);
    assert_eq!(said(&echoes, 0), ["0 a=1", "0 vel=1", "1/8 a=1", "1/8 vel=0.5", "1/4 a=1", "1/4 vel=0.25"]);
    let hurried = v("1 2").control("a").hurry(2.0, "speed");
    assert_eq!(said(&hurried, 0)[..2], ["0 a=1", "0 speed=2"]);
    let shape = builders::rest().range(1.0, 2.0);
    assert_eq!(shape, builders::rest());
}

#[test]
fn sometimes_changes_its_share_and_leaves_the_rest() {
    let negated = |p: Pattern| p.combine("mul", "left", number(-1.0));
    let count = |p: Pattern| {
        let program = program(&p.control("c"));
        let mut changed = 0;
        for cycle in 0..500 {
            let all = onsets(&program, cycle);
            assert_eq!(all.len(), 8);
            let values = all.iter().map(|e| &program.values()[e.value as usize]);
            changed += values.filter(|v| matches!(v, Value::Control { value, .. } if *value < 0.0)).count();
        }
        changed as f64 / 4000.0
    };
    let eight = || v("1*8");
    for (share, changed) in [
        (0.25, count(eight().rarely(1, negated))),
        (0.75, count(eight().often(1, negated))),
        (0.9, count(eight().almost_always(1, negated))),
        (0.4, count(eight().sometimes_by(0.4, 9, negated))),
    ] {
        assert!((share - changed).abs() < 0.03, "{share}: {changed}");
    }
}

#[test]
fn a_shuffled_cycle_has_each_piece_once_and_a_scrambled_one_any() {
    let orders = |p: Pattern| {
        let program = program(&p.control("c"));
        let order = |cycle| {
            let mut all = onsets(&program, cycle);
            all.sort_by_key(|e| e.whole.begin);
            let value = |e: &Event| match &program.values()[e.value as usize] {
                Value::Control { value, .. } => *value as usize,
                _ => unreachable!(),
            };
            all.iter().map(value).collect::<Vec<_>>()
        };
        (0..960).map(order).collect::<Vec<_>>()
    };
    let mut met = std::collections::BTreeMap::new();
    for order in orders(v("0 1 2 3").shuffle(4, 5)) {
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3]);
        *met.entry(order).or_insert(0_u32) += 1;
    }
    // Each of 24 orders is expected 40 times.
    assert_eq!(met.len(), 24);
    assert!(met.values().all(|count| (15..75).contains(count)), "{met:?}");
    let scrambled = orders(v("0 1 2 3").scramble(4, 5));
    assert!(scrambled.iter().all(|order| order.len() == 4));
    for piece in 0..4 {
        let count = scrambled.iter().flatten().filter(|value| **value == piece).count();
        assert!((860..1060).contains(&count), "{piece}: {count}");
    }
    let chosen = choose(vec![v("0"), v("1"), v("2")], Some(vec![2.0, 0.0, 1.0]), 3);
    let count = |value| orders(chosen.clone()).iter().filter(|order| order[..] == [value]).count();
    assert!(count(1) == 0 && (560..720).contains(&count(0)), "{}", count(0));
}

#[test]
fn a_control_takes_names_and_they_go_where_numbers_go() {
    assert_eq!(said(&v("saw <sine 2>").control("wave"), 0), ["0 wave='saw'", "1/2 wave='sine'"]);
    assert_eq!(said(&v("saw <sine 2>").control("wave"), 1), ["0 wave='saw'", "1/2 wave=2"]);
    // Set over a number, kept before one, and with the notes of a chord.
    let both = v("1 2").control("a/wave").set(v("saw").control("a/wave"));
    assert_eq!(said(&both, 0), ["0 a/wave='saw'", "1/2 a/wave='saw'"]);
    let kept = v("saw").control("wave").combine("keep", "left", v("3").control("wave"));
    assert_eq!(said(&kept, 0), ["0 wave='saw'"]);
    let chord = v("[60,67]").control("note").set(v("saw").control("wave"));
    let begins: Vec<String> = said(&chord, 0).into_iter().filter(|said| said.contains("wave")).collect();
    assert_eq!(begins, ["0 wave='saw'", "0 wave='saw'"]);
    let broken = v("C:m").control("chord").set(v("saw").control("wave")).arp("up");
    let begins: Vec<String> = said(&broken, 0).into_iter().filter(|said| said.contains("wave")).collect();
    assert_eq!(begins, ["0 wave='saw'", "1/3 wave='saw'", "2/3 wave='saw'"]);
    // Looked at in the middle, it says the same.
    assert_eq!(said(&v("saw sine").control("wave").segment(2), 0), ["0 wave='saw'", "1/2 wave='sine'"]);
}

#[test]
fn what_does_not_meet_is_refused_with_what_would() {
    let frozen = || builders::freeze(builders::cat(vec![builders::control("a", 1.0); 3]));
    let shape = || Pattern::Shape {
        kind: "sine".into(),
        lo: 0.0,
        hi: 1.0,
        label: "c".into(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    };
    let chords = || v("C:m").control("chord");
    for (pattern, says) in [
        (v("1 2").control("c").combine("div", "left", v("1 0")), "numbers other than 0 to divide by"),
        (v("e1").control("vel"), "Label takes numbers, not the name e1"),
        (v("e1").control("a/gate"), "Label takes numbers, not the name e1"),
        (
            v("e1").control("c").combine("add", "left", v("1")),
            "names with set and keep alone, not the name e1",
        ),
        (v("1").control("c").combine("mul", "left", v("e1").control("c")), "names with set and keep alone"),
        (v("H4").control("note"), "notes such as C#4, not the name H4"),
        (v("C:moonlight").control("chord"), "chords such as C:m7"),
        (v("1").scale(v("C:moonlight")).control("note"), "scales such as minor"),
        (v("1000000").scale(v("minor")).control("note"), "degrees, which are numbers below a million"),
        (v("1").combine("add", "left", v("minor")).control("c"), "the same kind of value"),
        (frozen().ply(2), "a unit of several events"),
        (frozen().set(v("1").control("b")), "a unit of several events"),
        (shape().ply(2), "events, not a shape"),
        (shape().structured(v("1 1")), "events, not a shape"),
        (v("1").ply(300).control("c"), "Split: n must be 1 to 256"),
        (v("60").control("note").set(v("1.5").control("legato")), "a share of the event"),
        (v("1").control("a").set(v("1").control("b")).combine("add", "left", v("1")), "a control by name"),
        (v("1 2").control("note"), ""),
        (
            chords().combine(
                "add",
                "left",
                v("C:thirteen").control("chord").combine("add", "left", chords()),
            ),
            "",
        ),
        (number(1e300).control("c"), "numbers that 32 bits hold"),
    ] {
        match (compile(&pattern), says) {
            (Ok(_), "") => {}
            (Err(error), says) if !says.is_empty() => {
                assert!(error.to_string().contains(says), "{says}: {error}")
            }
            (compiled, _) => panic!("{says}: {compiled:?}"),
        }
    }
    let many = |n: usize| builders::cat(vec![number(1.0); n]);
    let chords = |n: usize| builders::cat(vec![v("C:thirteen").control("chord"); n]);
    let error = compile(&chords(30).combine("add", "left", chords(30))).unwrap_err();
    assert!(error.to_string().contains("copies"), "{error}");
    let error = compile(&many(300).combine("add", "left", many(300)).control("c")).unwrap_err();
    assert!(error.to_string().contains("copies"), "{error}");
}

#[test]
fn a_song_of_many_operators_stays_within_the_bounds() {
    let tune = v("0 2 <4 7>").scale(v("C:minor")).control("note").set(v("<400 800>").control("cutoff"));
    let song = tune.superimpose(|p| p.transpose(12.0)).often(0, |p| p.ply(2)).chunk(4, Pattern::rev);
    let program = program(&song);
    assert!(program.events_per_cycle() < 2000, "{}", program.events_per_cycle());
    assert!((0..8).all(|cycle| onsets(&program, cycle).len() >= 12));
}

#[test]
fn an_echo_further_off_than_64_bits_hold_is_refused() {
    let far = builders::hit("gate").echo(20, 9e18, "vel", 0.5);
    assert!(compile(&far).unwrap_err().to_string().contains("cannot be represented exactly"));
    let loud = builders::hit("gate").echo(3, 0.25, "vel", -1e300);
    assert!(compile(&loud).unwrap_err().to_string().contains("finite"));
}

//! Chords: their notes one after the other, spread, turned over and moved together.

use super::{numbers, onsets, program, said, v};
use krach_patterns::language::number;
use krach_patterns::{Pattern, Time, compile, midi_to_hz, mini};

/// The keys of the notes that begin in a cycle, with their beginnings.
fn keys(pattern: &Pattern, cycle: i64) -> String {
    let program = program(pattern);
    let mut keys: Vec<(Time, i64)> = onsets(&program, cycle)
        .iter()
        .filter_map(|e| match &program.values()[e.value as usize] {
            krach_patterns::Value::Control { label, value } if label == "freq" => {
                let key = 69.0 + 12.0 * (value / 440.0).log2();
                Some((e.whole.begin - Time::from_integer(cycle), key.round() as i64))
            }
            _ => None,
        })
        .collect();
    keys.sort();
    keys.iter().map(|(at, key)| format!("{at} {key}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn what_begins_and_ends_together_is_a_chord_however_it_is_written() {
    let written = [
        v("C:m").control("chord"),
        v("[60,63,67]").control("note"),
        v("[0,2,4]").scale(v("C:minor")).control("note"),
        mini("[C4,Eb4,G4]").unwrap(),
        v("60").control("note").combine("add", "left", v("[0,3,7]")),
    ];
    for (kind, want) in [
        ("up", "0 60, 1/3 63, 2/3 67"),
        ("down", "0 67, 1/3 63, 2/3 60"),
        ("updown", "0 60, 1/4 63, 1/2 67, 3/4 63"),
        ("downup", "0 67, 1/4 63, 1/2 60, 3/4 63"),
        ("converge", "0 60, 1/3 67, 2/3 63"),
        ("diverge", "0 63, 1/3 67, 2/3 60"),
    ] {
        for chord in &written {
            assert_eq!(keys(&chord.clone().arp(kind), 5), want, "{kind} of {chord:?}");
        }
    }
    // In the order in which they stand, whatever their pitch.
    assert_eq!(numbers(v("[7,0,4]").arp("up"), 0), "0 7, 1/3 0, 2/3 4");
    assert_eq!(numbers(v("[0,4,7] 12").arp("up"), 0), "0 0, 1/6 4, 1/3 7, 1/2 12");
    assert_eq!(numbers(v("<[0,4] [0,4,7]>").arp("up"), 0), "0 0, 1/2 4");
    assert_eq!(numbers(v("<[0,4] [0,4,7]>").arp("up"), 1), "0 0, 1/3 4, 2/3 7");
    // Three notes in one cycle, five in another: both divide it exactly.
    let lengths = v("<[0,4,7] [0,2,4,7,9]>").arp("up");
    assert_eq!(numbers(lengths.clone(), 0), "0 0, 1/3 4, 2/3 7");
    assert_eq!(numbers(lengths, 1), "0 0, 1/5 2, 2/5 4, 3/5 7, 4/5 9");
    // Twice over.
    let twice = Pattern::Split { kind: "up".into(), n: 2, child: Box::new(v("[0,4]")), span: None };
    assert_eq!(numbers(twice, 0), "0 0, 1/4 4, 1/2 0, 3/4 4");
    // A chord by name and a note beside it.
    let beside = v("C:m").control("chord").superimpose(|p| p.set(v("72").control("note")));
    assert_eq!(keys(&beside.arp("up"), 0), "0 60, 1/4 63, 1/2 67, 3/4 72");
}

#[test]
fn what_is_longer_or_ends_elsewhere_is_another_chord() {
    assert_eq!(numbers(v("[0,4] , 7").arp("up"), 0), "0 0, 1/3 4, 2/3 7");
    assert_eq!(numbers(v("0 4 , 7").arp("up"), 0), "0 0, 0 7, 1/2 4");
    let late = v("[0,4]").superimpose(|p| p.shift(0.5));
    assert_eq!(numbers(late.arp("up"), 1), "0 0, 0 4, 1/2 0, 1/2 4");
}

#[test]
fn a_chord_that_changes_while_it_sounds_changes_what_begins_then() {
    // At 1/2 the right is 12: the second note begins as 4 + 12. What began before is not begun again.
    let changing = v("[0,4]").combine("add", "left", v("0 12 24")).arp("up");
    assert_eq!(numbers(changing, 0), "0 0, 1/2 16");
    // Of the two notes one is there for the first third only; the other has the rest for itself, and began before.
    let thinned = v("0").superimpose(|p| p.combine("add", "left", number(4.0)).mask(v("1 0 0"))).arp("up");
    assert_eq!(numbers(thinned, 0), "0 0");
    let back = v("0").mask(v("0 1 1")).superimpose(|_| v("4")).arp("up");
    assert_eq!(numbers(back, 0), "0 4, 1/2 4");
}

#[test]
fn a_rolled_chord_begins_note_by_note_and_ends_together() {
    for chord in [v("[60,63,67]"), v("60").combine("add", "left", v("[0,3,7]"))] {
        let rolled = chord.control("note").rolled(4);
        assert_eq!(keys(&rolled, 2), "0 60, 1/12 63, 1/6 67");
        let program = program(&rolled);
        let ends: Vec<Time> = onsets(&program, 0).iter().map(|e| e.unit_end).collect();
        assert!(ends.iter().all(|end| *end == Time::from_integer(1)), "{ends:?}");
    }
    let down = Pattern::Split {
        kind: "rolled_down".into(),
        n: 1,
        child: Box::new(v("C:m").control("chord")),
        span: None,
    };
    assert_eq!(keys(&down, 0), "0 67, 1/3 63, 2/3 60");
    // A gate closes at half of what is left of the chord.
    let gates: Vec<String> = said(&down, 0).into_iter().filter(|s| s.contains("gate=0")).collect();
    assert_eq!(gates, ["1/2 gate=0", "2/3 gate=0", "5/6 gate=0"]);
}

#[test]
fn inversions_and_voicings_move_notes_by_octaves() {
    let chord = |name: &str| v(name).control("chord");
    for (by, want) in [
        ("0", "0 60, 0 64, 0 67"),
        ("1", "0 64, 0 67, 0 72"),
        ("2", "0 67, 0 72, 0 76"),
        ("3", "0 72, 0 76, 0 79"),
        ("-1", "0 55, 0 60, 0 64"),
        ("-4", "0 43, 0 48, 0 52"),
    ] {
        assert_eq!(keys(&chord("C:major").inv(v(by)), 0), want, "{by}");
    }
    assert_eq!(keys(&chord("C:major").inv(v("<1 -1>")), 1), "0 55, 0 60, 0 64");
    // The highest note of the chord at or below C5 is on top.
    for (name, top, want) in [
        ("C:major", "C5", "0 64, 0 67, 0 72"),
        ("F:major", "C5", "0 65, 0 69, 0 72"),
        ("G:major", "C5", "0 62, 0 67, 0 71"),
        ("A:m", "72", "0 64, 0 69, 0 72"),
        ("C:dom9", "C5", "0 62, 0 64, 0 67, 0 70, 0 72"),
        ("C:major", "B4", "0 60, 0 64, 0 67"),
        ("C:major", "C3", "0 40, 0 43, 0 48"),
    ] {
        assert_eq!(keys(&chord(name).voicing(v(top)), 0), want, "{name} below {top}");
    }
    // The same note an octave apart is one.
    let doubled = chord("C:m").combine("add", "left", v("[0]").control("note")).superimpose(|p| p);
    assert_eq!(keys(&doubled, 0), "0 60, 0 60, 0 63, 0 63, 0 67, 0 67");
    let octaves = v("60").control("note").combine("add", "left", v("C:five").control("chord"));
    assert_eq!(keys(&octaves.voicing(v("C5")), 0), "0 67, 0 72");
    assert_eq!(numbers(v("14 -1").voicing(v("12")), 0), "0 2, 1/2 11");
    let hz = f64::from(midi_to_hz(72.0) as f32);
    assert!(
        said(&chord("C:one").set(v("72").control("note")).inv(v("0")), 0).contains(&format!("0 freq={hz}"))
    );
}

#[test]
fn what_begins_and_ends_together_is_turned_over_as_one_chord() {
    let written = [
        v("C:m").control("chord"),
        v("[60,63,67]").control("note"),
        v("[67,60,63]").control("note"),
        v("[0,2,4]").scale(v("C:minor")).control("note"),
        mini("[C4,Eb4,G4]").unwrap(),
        v("60").control("note").combine("add", "left", v("[0,3,7]")),
        v("C:five").control("chord").superimpose(|_| v("63").control("note")),
    ];
    for (by, want) in [
        ("0", "0 60, 0 63, 0 67"),
        ("1", "0 63, 0 67, 0 72"),
        ("2", "0 67, 0 72, 0 75"),
        ("3", "0 72, 0 75, 0 79"),
        ("4", "0 75, 0 79, 0 84"),
        ("-1", "0 55, 0 60, 0 63"),
        ("-4", "0 43, 0 48, 0 51"),
    ] {
        for chord in &written {
            assert_eq!(keys(&chord.clone().inv_stack(v(by)), 3), want, "{by} of {chord:?}");
        }
    }
    let numbers = |pattern: Pattern, cycle| keys(&pattern.control("note"), cycle);
    // From the lowest to the highest, as they sound then.
    assert_eq!(numbers(v("[7,0,4]").inv_stack(v("1")).arp("up"), 0), "0 4, 1/3 7, 2/3 12");
    // The lowest of two that are far apart stays the lowest; of two that are the same, one moves.
    assert_eq!(numbers(v("[0,30]").inv_stack(v("2")), 0), "0 24, 0 30");
    assert_eq!(numbers(v("[5,5]").inv_stack(v("1")), 0), "0 5, 0 17");
    assert_eq!(numbers(v("[5,5]").inv_stack(v("-1")), 0), "0 -7, 0 5");
    // Each chord of a line by itself, by the number that there is when it begins.
    assert_eq!(numbers(v("[0,4,7] <5 [2,9]>").inv_stack(v("1 -1")), 1), "0 4, 0 7, 0 12, 1/2 -3, 1/2 2");
    assert_eq!(numbers(v("[0,4,7]").inv_stack(v("<0 1 2> 1")), 2), "0 7, 0 12, 0 16");
    // What is longer or ends elsewhere is another chord.
    assert_eq!(numbers(v("0 4 , 7").inv_stack(v("1")), 0), "0 12, 0 19, 1/2 16");
    // Two numbers at once turn the chord twice.
    assert_eq!(numbers(v("[0,4]").inv_stack(v("[0,1]")), 0), "0 0, 0 4, 0 4, 0 12");
    // In the rhythm of the numbers, and in both.
    let rhythm = |structure: &str| v("[0,4,7]").combine("inv_stack", structure, v("0 1 [2 ~]"));
    assert_eq!(numbers(rhythm("right"), 0), "0 0, 0 4, 0 7, 1/3 4, 1/3 7, 1/3 12, 2/3 7, 2/3 12, 2/3 16");
    assert_eq!(numbers(rhythm("both"), 0), numbers(rhythm("right"), 0));
    assert_eq!(numbers(rhythm("left"), 0), "0 0, 0 4, 0 7");
    // A note that chance leaves out is not in the chord: what is the lowest without it moves.
    let thinned = v("0").mask(v("0 1")).superimpose(|_| v("[4,7]")).segment(2).inv_stack(v("1"));
    assert_eq!(numbers(thinned, 0), "0 7, 0 16, 1/2 4, 1/2 7, 1/2 12");
}

#[test]
fn a_note_of_a_chord_takes_what_is_said_of_it_along() {
    let chord = v("[60,64]").control("note").set(v("0.5").control("vel"));
    let other = v("67").control("note").set(v("0.25").control("vel"));
    let chord = chord.superimpose(|_| other).inv_stack(v("2"));
    let program = program(&chord);
    let mut notes: std::collections::BTreeMap<u32, Vec<String>> = std::collections::BTreeMap::new();
    for event in onsets(&program, 0) {
        if let krach_patterns::Value::Control { label, value } = &program.values()[event.value as usize] {
            notes.entry(event.unit).or_default().push(format!("{label}={value:.0}, {value:.2}"));
        }
    }
    let velocity = |hz: &str| {
        let note = notes.values().find(|note| note.iter().any(|said| said.starts_with(hz)));
        note.unwrap_or_else(|| panic!("{hz}: {notes:?}")).iter().find(|said| said.starts_with("vel")).cloned()
    };
    assert_eq!(velocity("freq=392").as_deref(), Some("vel=0, 0.25"));
    assert_eq!(velocity("freq=523").as_deref(), Some("vel=0, 0.50"));
    assert_eq!(velocity("freq=659").as_deref(), Some("vel=0, 0.50"));
}

#[test]
fn plain_values_are_one_event_each_whatever_their_control_is_called() {
    let names = ["freq", "osc/freq", "gate", "a/gate", "note", "chord", "legato", "vel", "cutoff", "a/trig"];
    for label in names {
        let plain = v("200 [400.5 <-1 7>] ~ 0").plain(label);
        let want = [format!("0 {label}=200"), format!("1/4 {label}=400.5"), format!("3/8 {label}=7")];
        assert_eq!(said(&plain, 1), [&want[..], &[format!("3/4 {label}=0")]].concat());
        let program = program(&plain);
        assert!(onsets(&program, 1).iter().all(|event| event.unit == 0), "{label}: no note");
        let words = program_of_names(&v("C:m7 minor").plain(label));
        assert_eq!(words, [format!("{label} C:m7"), format!("{label} minor")]);
    }
    // An operator above takes it for what plays.
    let error = compile(&v("1").plain("a").combine("add", "left", v("1"))).unwrap_err().to_string();
    assert!(error.contains("takes numbers, names, notes and labelled values, not what plays"), "{error}");
    let error = compile(&v("1").control("a").plain("b")).unwrap_err().to_string();
    assert!(error.contains("Label takes numbers and names, not the controls a"), "{error}");
    let huge = number(1e39).plain("a");
    let error = compile(&huge).unwrap_err().to_string();
    assert!(error.contains("a control takes numbers that 32 bits hold, not a = "), "{error}");
}

fn program_of_names(pattern: &Pattern) -> Vec<String> {
    let program = program(pattern);
    let names = onsets(&program, 0).into_iter().map(|e| match &program.values()[e.value as usize] {
        krach_patterns::Value::Named { label, name } => format!("{label} {name}"),
        other => panic!("{other:?}"),
    });
    names.collect()
}

#[test]
fn chords_that_cannot_be_are_refused_with_the_reason() {
    let stack = |n: usize| krach_patterns::builders::stack((0..n).map(|i| number(i as f64)).collect());
    let loose =
        |n: usize| krach_patterns::builders::stack((0..n).map(|i| v("1 2").shift(i as f64 / 64.0)).collect());
    let chord = || v("C:m").control("chord");
    for (pattern, says) in [
        (stack(64).arp("up").control("c"), ""),
        (stack(65).arp("up").control("c"), "chords of up to 64 notes at once"),
        (loose(12).arp("up").control("c"), ""),
        (loose(60).arp("up").control("c"), "cannot be represented exactly"),
        (loose(70).arp("updown").control("c"), "chords of up to 64 notes at once"),
        (chord().inv(v("0.5")), "inv takes whole numbers from -128 to 128"),
        (chord().inv(v("200")), "inv takes whole numbers"),
        (chord().inv(v("C5")), "inv takes whole numbers"),
        (chord().voicing(v("moonlight")), "voicing takes keys such as 72"),
        (v("1").control("cutoff").voicing(v("C5")), "voicing takes notes and chords"),
        (v("minor").inv(v("1")).control("c"), "inv takes notes and chords"),
        (chord().inv_stack(v("0.5")), "inv_stack takes whole numbers from -128 to 128, not the number 0.5"),
        (chord().inv_stack(v("-129")), "inv_stack takes whole numbers"),
        (chord().inv_stack(v("C5")), "inv_stack takes whole numbers"),
        (mini("x").unwrap().inv_stack(v("1")), "inv_stack takes notes and chords, not the controls gate"),
        (stack(64).inv_stack(v("-128 128")).control("c"), ""),
        (stack(65).inv_stack(v("1")).control("c"), "inv_stack takes chords of up to 64 notes at once"),
        (loose(12).inv_stack(v("1")).control("c"), ""),
        (loose(65).inv_stack(v("1")).control("c"), "inv_stack takes chords of up to 64 notes at once"),
        // A note by itself would leave what can be said.
        (chord().inv_stack(v("128")), "numbers that 32 bits hold"),
        (chord().inv_stack(v("40")), ""),
    ] {
        match (compile(&pattern), says) {
            (Ok(_), "") => {}
            (Err(error), says) if !says.is_empty() => {
                assert!(error.to_string().contains(says), "{says}: {error}")
            }
            (compiled, _) => panic!("{says}: {compiled:?}"),
        }
    }
}

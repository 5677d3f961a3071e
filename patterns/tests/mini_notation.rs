//! Mini-notation: what a line means, and where it points when it means nothing.

use krach_patterns::{Event, EventBuffer, Program, Span, Time, Value, compile, mini, mini_values};

fn program(line: &str) -> Program {
    compile(&mini(line).unwrap_or_else(|e| panic!("{e}"))).unwrap()
}

fn onsets(program: &Program, cycle: i64) -> Vec<Event> {
    let mut out = EventBuffer::with_capacity(4096);
    program.onsets(Span::cycle(cycle), 0, &mut out).unwrap();
    out.as_slice().to_vec()
}

/// Where gates open in a cycle, as fractions of it, with the text that opened them.
fn gates(line: &str, cycle: i64) -> Vec<(String, String)> {
    let program = program(line);
    let mut gates: Vec<(Time, String)> = onsets(&program, cycle)
        .iter()
        .filter(|e| {
            matches!(&program.values()[e.value as usize],
                Value::Control { label, value } if label == "gate" && *value == 1.0)
        })
        .map(|e| {
            let [a, b] = e.source.unwrap();
            let word = &line[a as usize..b as usize];
            (e.whole.begin - Time::from_integer(cycle), word.to_string())
        })
        .collect();
    gates.sort();
    gates.into_iter().map(|(t, w)| (t.to_string(), w)).collect()
}

#[track_caller]
fn means(line: &str, cycle: i64, want: &[(&str, &str)]) {
    let want: Vec<(String, String)> = want.iter().map(|(t, w)| (t.to_string(), w.to_string())).collect();
    assert_eq!(gates(line, cycle), want, "{line:?} in cycle {cycle}");
}

#[test]
fn steps_share_the_cycle_and_rests_keep_their_place() {
    means("x ~ A2 .", 0, &[("0", "x"), ("1/2", "A2")]);
    means("x..x..x.", 3, &[("0", "x"), ("3/8", "x"), ("3/4", "x")]);
    means("", 0, &[]);
}

#[test]
fn brackets_divide_a_step_and_commas_stack() {
    means("x [A2 B2]", 0, &[("0", "x"), ("1/2", "A2"), ("3/4", "B2")]);
    means("x x, A2 B2 C3", 0, &[("0", "A2"), ("0", "x"), ("1/3", "B2"), ("1/2", "x"), ("2/3", "C3")]);
    means("x [A2, B2]", 0, &[("0", "x"), ("1/2", "A2"), ("1/2", "B2")]);
}

#[test]
fn angles_take_turns_cycle_by_cycle() {
    for (cycle, note) in [(0, "A2"), (1, "B2"), (2, "C3"), (3, "A2"), (-1, "C3")] {
        means("x <A2 B2 C3>", cycle, &[("0", "x"), ("1/2", note)]);
    }
    means("<A2 B2, C3>", 1, &[("0", "B2"), ("0", "C3")]);
    for (cycle, note) in [(0, Some("A2")), (1, None), (2, Some("B2"))] {
        let want: Vec<(&str, &str)> = note.iter().map(|n| ("0", *n)).collect();
        means("<A2@2 B2>", cycle, &want);
    }
}

#[test]
fn factors_repeat_and_stretch() {
    means("x*4", 0, &[("0", "x"), ("1/4", "x"), ("1/2", "x"), ("3/4", "x")]);
    means("[A2 B2]/2", 0, &[("0", "A2")]);
    means("[A2 B2]/2", 1, &[("0", "B2")]);
    means("x*1.5", 0, &[("0", "x"), ("2/3", "x")]);
    means("x*1.5", 1, &[("1/3", "x")]);
}

#[test]
fn exclamation_marks_add_steps() {
    means("A2!3 x", 0, &[("0", "A2"), ("1/4", "A2"), ("1/2", "A2"), ("3/4", "x")]);
    means("x!0 A2", 0, &[("0", "A2")]);
    means("x!3!0 A2", 0, &[("0", "A2")]);
    means("[x!0] A2", 0, &[("1/2", "A2")]);
    means("A2! x", 0, &[("0", "A2"), ("1/3", "A2"), ("2/3", "x")]);
}

#[test]
fn a_weight_makes_a_step_exactly_that_long() {
    means("A2@3 B2", 0, &[("0", "A2"), ("3/4", "B2")]);
    means("A2@3 B2@2 C3@2 D3", 0, &[("0", "A2"), ("3/8", "B2"), ("5/8", "C3"), ("7/8", "D3")]);
    means("x@1.5 A2", 0, &[("0", "x"), ("3/5", "A2")]);
    means("x@0.5 A2", 0, &[("0", "x"), ("1/3", "A2")]);
    means("x@0.25 A2@0.75 B2@1.5", 0, &[("0", "x"), ("1/10", "A2"), ("2/5", "B2")]);
    for (cycle, hits) in [(0, vec!["0"]), (1, vec![]), (2, vec![]), (3, vec!["0"])] {
        let hits: Vec<(&str, &str)> = hits.into_iter().map(|at| (at, "A2")).collect();
        means("<A2@1.5 .@1.5>", cycle, &hits);
    }
    means("<A2@1.5 B2>", 1, &[("1/2", "B2")]);
    let program = program("A2@3 B2 C3@3");
    let ends: Vec<String> = onsets(&program, 0).iter().map(|e| e.whole.end.to_string()).collect();
    // Each note twice (freq and gate on), then its gate off: half the step each.
    assert_eq!(ends, ["3/14", "3/14", "3/7", "1/2", "1/2", "4/7", "11/14", "11/14", "1"]);
}

#[test]
fn a_range_is_its_keys_one_by_one() {
    let keys = |line: &str| {
        let program = program(line);
        let heard = onsets(&program, 0);
        let freq = heard.iter().filter_map(|e| match &program.values()[e.value as usize] {
            Value::Control { label, value } if label == "freq" => Some((e.whole.begin.to_string(), *value)),
            _ => None,
        });
        freq.collect::<Vec<_>>()
    };
    for (range, list) in [
        ("60 .. 63", "60 61 62 63"),
        ("60..63", "60 61 62 63"),
        ("63 .. 60 x", "63 62 61 60 x"),
        ("x [60 .. 62]*2 60 .. 60", "x [60 61 62]*2 60"),
    ] {
        assert_eq!(keys(range), keys(list), "{range}");
    }
    // Without a key at both ends the points are rests.
    assert_eq!(keys("60 .. x"), keys("60 ~ ~ x"));
    assert_eq!(keys("60 . . 63"), keys("60 ~ ~ 63"));
}

#[test]
fn a_byte_order_mark_says_nothing() {
    means("\u{feff}x A2", 0, &[("0", "x"), ("1/2", "A2")]);
    means("\u{feff}", 0, &[]);
    assert_eq!(mini("x \u{feff}").unwrap_err().column(), 3);
}

#[test]
fn ties_and_lone_marks_belong_to_the_step_before() {
    means("A2 _ _ B2", 0, &[("0", "A2"), ("3/4", "B2")]);
    means("A2@1.5 _ B2@0.5", 0, &[("0", "A2"), ("5/6", "B2")]);
    means("<A2 _ B2>", 2, &[("0", "B2")]);
    means("<A2 _ B2>", 1, &[]);
    means("A2 ! B2 !", 0, &[("0", "A2"), ("1/4", "A2"), ("1/2", "B2"), ("3/4", "B2")]);
    means("A2@2 ! B2", 0, &[("0", "A2"), ("2/5", "A2"), ("4/5", "B2")]);
    means("x - A2 -", 0, &[("0", "x"), ("1/2", "A2")]);
}

#[test]
fn a_polymeter_gives_every_layer_the_same_number_of_steps() {
    means("{A2 B2 C3}%4", 0, &[("0", "A2"), ("1/4", "B2"), ("1/2", "C3"), ("3/4", "A2")]);
    means("{A2 B2 C3}%4", 1, &[("0", "B2"), ("1/4", "C3"), ("1/2", "A2"), ("3/4", "B2")]);
    means("{A2 B2, x x x}", 0, &[("0", "A2"), ("0", "x"), ("1/2", "B2"), ("1/2", "x")]);
    means("{A2 B2, x ~ x}", 1, &[("0", "A2"), ("0", "x"), ("1/2", "B2"), ("1/2", "x")]);
    means("{A2 B2, x ~ x}", 2, &[("0", "A2"), ("1/2", "B2"), ("1/2", "x")]);
    means("{A2@3 B2}", 0, &[("0", "A2"), ("3/4", "B2")]);
    means("{A2 B2 C3}%<3 2>", 0, &[("0", "A2"), ("1/3", "B2"), ("2/3", "C3")]);
    means("{A2 B2 C3}%<3 2>", 1, &[("0", "C3"), ("1/2", "A2")]);
    means("x {}", 0, &[("0", "x")]);
}

#[test]
fn numbers_may_be_patterns() {
    let thirds = [("0", "x"), ("1/3", "x"), ("2/3", "x")];
    let halves = [("0", "x"), ("1/2", "x")];
    means("x*<2 3>", 0, &halves);
    means("x*<2 3>", 1, &thirds);
    // Of three in a cycle the one that begins in the second half.
    means("x*[2 3]", 0, &[("0", "x"), ("2/3", "x")]);
    means("[x x x]/<1 3>", 0, &thirds);
    means("[A2 B2 C3]/<1 3>", 1, &[("0", "B2")]);
    means("x(<3 5>,8,<0 2>)", 0, &[("0", "x"), ("3/8", "x"), ("3/4", "x")]);
    // x.xx.xx. turned left by 2.
    means("x(<3 5>,8,<0 2>)", 1, &[("0", "x"), ("1/8", "x"), ("3/8", "x"), ("1/2", "x"), ("3/4", "x")]);
    means("x(-3,8)", 0, &[("1/8", "x"), ("1/4", "x"), ("1/2", "x"), ("5/8", "x"), ("7/8", "x")]);
    means("x(-8,8) A2", 0, &[("1/2", "A2")]);
    means("x*<2 [3 ~]>", 1, &[("0", "x"), ("1/3", "x")]);
    let often = |line: &str, odd: i64| (0..200).map(|c| gates(line, 2 * c + odd).len()).sum::<usize>();
    assert_eq!((often("x?<0 1>", 0), often("x?<0 1>", 1)), (200, 0));
    let few = often("x?<0.2 0.8>", 1);
    assert!((20..60).contains(&few), "{few}");
}

#[test]
fn one_of_several_is_chosen_each_cycle() {
    let mut met = [0; 3];
    for cycle in 0..300 {
        match gates("A2 | B2 C3 | ~", cycle).as_slice() {
            [] => met[0] += 1,
            [(_, a)] if a == "A2" => met[1] += 1,
            [(_, b), (half, c)] if b == "B2" && half == "1/2" && c == "C3" => met[2] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(met.iter().all(|count| (70..130).contains(count)), "{met:?}");
    let same = |line: &str| (0..100).filter(|&c| gates(line, c).iter().any(|(_, word)| word == "A2")).count();
    assert!((20..80).contains(&same("[x | A2]")) && same("[A2 | A2]") == 100);
}

#[test]
fn values_are_numbers_and_names() {
    let json = |text: &str| serde_json::to_value(mini_values(text).unwrap()).unwrap();
    assert_eq!(json("-0.5")["value"], -0.5);
    assert_eq!(json("C:minor")["name"], "C:minor");
    assert_eq!(json("bd:3 x")["children"][0]["name"], "bd:3");
    let range = json("-1 .. 2");
    let numbers: Vec<f64> =
        range["children"].as_array().unwrap().iter().map(|n| n["value"].as_f64().unwrap()).collect();
    assert_eq!(numbers, [-1.0, 0.0, 1.0, 2.0]);
    assert_eq!(mini_values("0 .. 5000").unwrap_err().column(), 6);
    assert_eq!(mini_values("1 2e3").unwrap_err().column(), 4);
    let error = compile(&mini_values("0 <2 minor>").unwrap()).unwrap_err();
    assert_eq!(error.span, Some([0, 1]), "{error}");
    assert!(error.to_string().contains("plays nothing by itself"), "{error}");
}

#[test]
fn rhythms_spread_and_rotate() {
    means("x(3,8)", 0, &[("0", "x"), ("3/8", "x"), ("3/4", "x")]);
    means("x(3,8,2)", 0, &[("1/8", "x"), ("1/2", "x"), ("3/4", "x")]);
    means("x( 3 , 8 , -6 )", 0, &[("1/8", "x"), ("1/2", "x"), ("3/4", "x")]);
    means("<A2 B2>(2,4)", 1, &[("0", "B2"), ("1/2", "B2")]);
}

#[test]
fn chance_is_the_same_every_time_and_different_for_each_mark() {
    let often = |line: &str| (0..200).map(|c| gates(line, c).len()).sum::<usize>();
    let one = often("x?");
    assert!((70..130).contains(&one), "{one}");
    assert_eq!(one, often("x?"));
    assert!((140..180).contains(&often("x?0.2")));
    assert_eq!((often("x?0"), often("x?1")), (200, 0));
    let program = program("[x?, x?]");
    assert!((0..50).any(|c| onsets(&program, c).len() == 2), "both marks agree for 50 cycles");
}

#[test]
fn numbers_are_keys_or_frequencies() {
    for (line, hz) in [("69", 440.0), ("440.0", 440.0), ("A4", 440.0), ("60", 261.625_58)] {
        let program = program(line);
        let Value::Control { label, value } = &program.values()[0] else {
            panic!("not a control");
        };
        assert_eq!(label, "freq");
        assert!((value - hz).abs() < 1e-4, "{line}: {value}");
    }
}

#[test]
fn an_error_points_at_its_character_and_says_what_would_work() {
    for (line, column, says) in [
        ("x [x x", 3, "not closed"),
        ("x x]", 4, "closes nothing"),
        ("[x >", 4, "cannot close"),
        ("x H2 x", 3, "unknown word \"H2\""),
        ("äh", 1, "unknown word"),
        ("A2 äö x", 4, "unknown word \"äö\""),
        ("x *2", 3, "nothing before"),
        ("x*", 3, "number"),
        ("x*0", 3, "no factor"),
        ("x(3)", 4, "comma"),
        ("x(9,8)", 5, "do not fit"),
        ("x(3,8", 2, "not closed"),
        ("x@0", 3, "1/256 to 1024"),
        ("x@1024.5", 3, "1/256 to 1024"),
        ("x A2@0.001", 6, "1/256 to 1024"),
        ("x@1.00398 x@1.00402 x@1.0042", 1, "no common measure"),
        ("<x@1.00398 x@1.00402 x@1.0042>", 2, "no common measure"),
        ("x 1e3", 4, "without a blank"),
        ("60C4", 3, "without a blank"),
        ("57x", 3, "without a blank"),
        ("x57", 2, "without a blank"),
        ("xA2", 2, "without a blank"),
        ("x*2A2", 4, "without a blank"),
        ("440.0x", 6, "without a blank"),
        ("60 .. 128", 7, "no note"),
        ("60 .. 63x", 9, "without a blank"),
        ("60 .. 63*2", 9, "cannot follow a range"),
        ("_ x", 1, "no step before"),
        ("x [_ x]", 4, "no step before"),
        ("x _A2", 4, "without a blank"),
        ("x !3", 4, "stands by itself"),
        ("! x", 1, "nothing before"),
        ("x | A2, B2", 7, "side by side"),
        ("x, A2 | B2", 7, "side by side"),
        ("<x | A2>", 4, "cannot stand between"),
        ("{x | A2}%4", 4, "cannot stand between"),
        ("{x A2}%0", 8, "no factor"),
        ("{x A2", 1, "not closed"),
        ("x*<2 0>", 6, "no factor"),
        ("x*<2 fast>", 6, "name cannot stand here"),
        ("x?[0.2 1.8]", 8, "between 0 and 1"),
        ("x(<3 2.5>,8)", 6, "no whole number"),
        ("x(3,<8 0>)", 8, "no number of steps"),
        ("x(3,-8)", 5, "whole number"),
        ("x(-9,8)", 6, "do not fit"),
        ("%4", 1, "nothing before"),
        ("x A2:3", 5, "means nothing"),
        ("\u{feff}x H2", 4, "unknown word"),
        ("x?7", 3, "between 0 and 1"),
        ("200", 1, "no note"),
        ("x .5", 3, "begins with a digit"),
        ("-3", 1, "negative"),
        ("x $", 3, "means nothing"),
        ("[x!9999]!9999", 1, "steps"),
        ("60 .. 63 .. 65", 10, "two ends"),
        ("60.5 .. 63", 1, "ends of a range are whole numbers"),
        ("60 .. 63.5", 7, "ends of a range are whole numbers"),
        ("x!99999999999", 3, "too large"),
        ("x!3.5", 3, "whole number"),
        ("x(3,4294967296)", 5, "too large"),
        ("x(3,8,1.5)", 7, "whole number"),
        ("x(3,8,2,1)", 8, "should be a \")\""),
        ("x%4", 2, "follows { } only"),
        ("x?-1", 3, "without a blank"),
        ("60-62", 3, "without a blank"),
        // The first is Cyrillic, the second a wide digit, the third an operator of mathematics.
        ("A2 \u{445}", 4, "is U+0445"),
        ("A\u{ff12}", 1, "is U+FF12"),
        ("x \u{2217} x", 3, "(U+2217) means nothing"),
    ] {
        let error = mini(line).unwrap_err();
        assert_eq!(error.column(), column, "{error}");
        assert!(error.message.contains(says), "{error}");
        assert!(!error.hint.is_empty());
        let marked = error.to_string().lines().nth(2).unwrap().chars().count();
        assert_eq!(marked, column + 2, "{error}");
    }
}

#[test]
fn values_stand_apart_and_their_points_are_ranges() {
    for (line, column, says) in [
        ("1-1", 2, "without a blank"),
        ("saw-pulse", 4, "without a blank"),
        ("1?-1", 3, "without a blank"),
        ("[1 2]-1", 6, "without a blank"),
        ("0 .. 3 .. 5", 8, "two ends"),
        ("0.5 .. 3", 1, "ends of a range are whole numbers"),
        ("0 .. 3.5", 6, "ends of a range are whole numbers"),
        ("a .. c", 3, "between two whole numbers"),
        ("0 .. <3 5>", 3, "between two whole numbers"),
        ("0 .. 99999999999", 6, "too large"),
    ] {
        let error = mini_values(line).unwrap_err();
        assert_eq!(error.column(), column, "{error}");
        assert!(error.message.contains(says) && !error.hint.is_empty(), "{error}");
    }
    for (line, steps) in [("1 -1", "1,-1"), ("1- 1", "1,~,1"), ("1 . . 3", "1,~,~,3"), ("-1 .. 1", "-1,0,1")]
    {
        let tree = serde_json::to_value(mini_values(line).unwrap()).unwrap();
        let step = |step: &serde_json::Value| step["value"].as_f64().map_or("~".into(), |x| x.to_string());
        let read: Vec<String> = tree["children"].as_array().unwrap().iter().map(step).collect();
        assert_eq!(read.join(","), steps, "{line}");
    }
    let huge = "9".repeat(309);
    for line in [huge.clone(), format!("-{huge}.5"), format!("1*{huge}"), format!("1*<{huge}>")] {
        assert!(mini_values(&line).unwrap_err().message.contains("too large"));
    }
}

#[test]
fn endless_brackets_are_refused_without_a_crash() {
    let error = mini(&"[".repeat(100_000)).unwrap_err();
    assert!(error.message.contains("nest deeper"));
    assert!(mini(&("[".repeat(40) + "x" + &"]".repeat(40))).is_ok());
}

#[test]
fn in_a_text_of_several_lines_the_place_is_a_line_and_a_column() {
    let error = mini("x . A2\n[x\tö4] x").unwrap_err();
    assert_eq!((error.line(), error.column(), error.span), (2, 4, [10, 13]));
    let shown = error.to_string();
    let want =
        "mini-notation, line 2, character 4: unknown word \"ö4\", whose ö is U+00F6\n  [x ö4] x\n     ^\n";
    assert!(shown.starts_with(want), "{shown}");
    let open = mini("[x x").unwrap_err();
    assert_eq!(open.span, [0, 1]);
    let crossed = mini("x x\n<x ]").unwrap_err();
    assert!(crossed.message.contains("the \"<\" at character 1"), "{crossed}");
    assert_eq!(mini("x*").unwrap_err().span, [2, 2], "at the end there is nothing to mark");
}

#[test]
fn what_does_not_compile_points_at_its_piece_of_the_text() {
    let line = "A2 [x x*5000] x";
    let error = compile(&mini(line).unwrap()).unwrap_err();
    let [a, b] = error.span.unwrap().map(|at| at as usize);
    assert_eq!(&line[a..b], "x*5000", "{error}");
    let both = "x*3000, x*2500";
    let error = compile(&mini(both).unwrap()).unwrap_err();
    assert_eq!(error.span, Some([0, 6]), "{error}");
}

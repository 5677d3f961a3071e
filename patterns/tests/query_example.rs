//! The example `query`, with which any pattern can be checked from outside, on the recorded patterns.

#[allow(dead_code, reason = "its main is not run")]
#[path = "../examples/query.rs"]
mod query;

use serde_json::{Value as Json, json};

fn sorted(cycle: &Json) -> Vec<String> {
    let mut events: Vec<String> = cycle.as_array().expect("a list").iter().map(Json::to_string).collect();
    events.sort();
    events
}

#[test]
fn it_answers_the_recorded_patterns_in_their_own_form() {
    let recorded = include_str!("vectors/patterns.jsonl");
    for line in recorded.lines() {
        let want: Json = krach_patterns::parse_json(line).expect("recorded");
        let got = query::answer(line, 0, 4, 0).expect("it compiles");
        for cycle in 0..4 {
            assert_eq!(sorted(&got["cycles"][cycle]), sorted(&want["cycles"][cycle]), "{line}");
        }
    }
}

#[test]
fn it_takes_mini_notation_and_says_what_is_wrong() {
    let got = query::answer(r#"{"pattern":"x*2"}"#, -1, 1, 0).expect("it compiles");
    assert_eq!(got["cycles"][0][0]["whole"], json!([[-1, 1], [-3, 4]]));
    for wrong in ["{}", "x", r#"{"pattern":"[x"}"#, r#"{"pattern":{"op":"Cat","children":[]}}"#, ""] {
        assert!(!query::answer(wrong, 0, 1, 0).expect_err("it is wrong").to_string().is_empty());
    }
}

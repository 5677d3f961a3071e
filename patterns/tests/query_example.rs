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

#[test]
fn a_window_has_units_spans_and_the_values_of_shapes() {
    let got =
        query::answer(r#"{"pattern":"x x","window":[[1,8],[1,2]],"seed":3}"#, 0, 1, 0).expect("it compiles");
    let events = got["events"].as_array().expect("a list");
    let told: Vec<Json> =
        events.iter().map(|e| json!([e["part"], e["onset"], e["unit"], e["span"]])).collect();
    assert_eq!(
        told,
        [json!([[[1, 8], [1, 4]], false, 1, [0, 1]]), json!([[[1, 4], [1, 2]], true, 1, [0, 1]])]
    );
    let ramp = r#"{"op":"Shape","kind":"ramp","lo":2,"hi":4,"label":"a"}"#;
    let got =
        query::answer(&format!(r#"{{"pattern":{ramp},"window":[[0,1],[1,4]]}}"#), 0, 1, 0).expect("a shape");
    assert_eq!(got["events"][0]["values"], json!([2.0, 4.0]));
    let wrong = r#"{"pattern":"x","window":[[0,0],[1,1]]}"#;
    assert!(query::answer(wrong, 0, 1, 0).expect_err("no time").to_string().contains("denominator"));
}

#[test]
fn notation_becomes_the_pattern_it_means() {
    let got = query::answer(r#"{"notation":"3 minor","values":true}"#, 0, 1, 0).expect("it reads");
    assert_eq!(got["pattern"]["children"][1], json!({"op":"Name","name":"minor","span":[2,7]}));
    assert!(query::answer(r#"{"notation":"3 minor"}"#, 0, 1, 0).is_err());
}

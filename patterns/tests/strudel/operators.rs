//! Patterns that operators make; operators.mjs has Strudel's under the same names.

use krach_patterns::language::{arrange, timecat};
use krach_patterns::{Pattern, mini_values};

fn v(text: &str) -> Pattern {
    mini_values(text).unwrap_or_else(|e| panic!("{e}"))
}

/// Each plays numbers as the control `c`.
pub fn operators() -> Vec<(&'static str, Pattern)> {
    let seven = |p: Pattern| p.transpose(7.0);
    let saw = |lo, hi| Pattern::Shape {
        kind: "ramp".into(),
        lo,
        hi,
        label: String::new(),
        duty: None,
        seed: None,
        table: None,
        span: None,
    };
    // Strudel takes the middle of a segment, and ours its beginning.
    let middle = |p: Pattern, n: u32| p.shift(-0.5 / f64::from(n)).segment(n);
    let song = arrange(vec![(1, v("7")), (2, v("<1 2 3>")), (3, v("<4 5> [6 <8 9>]"))]).expect("lengths");
    let patterns = vec![
        ("add", v("1 2").combine("add", "left", v("10 20 30"))),
        ("add out", v("1 2").combine("add", "right", v("10 20 30"))),
        ("add mix", v("1 2 ~").combine("add", "both", v("10 20 30 <40 50>"))),
        ("sub", v("1 [2 5]").combine("sub", "left", v("<10 20> 3"))),
        ("mul mix", v("1 2 3").combine("mul", "both", v("2 <3 4>"))),
        ("div", v("6 9").combine("div", "left", v("<2 3>"))),
        ("mod", v("-1 7 5.5").combine("mod", "left", v("4"))),
        ("set", v("1 2*2").combine("set", "left", v("10 <20 30> 40"))),
        ("set out", v("1 2").combine("set", "right", v("10 <20 30> 40"))),
        ("keep", v("1 2*2").combine("keep", "left", v("10 20 30"))),
        ("fast by", v("<1 5> [2 3]").fast_by(v("<2 3>"))),
        ("slow by", v("<1 5> [2 3]").slow_by(v("<2 3>"))),
        ("early by", v("<1 5> [2 3]").early_by(v("<0 0.25>"))),
        ("late by", v("<1 5> [2 3]").late_by(v("<0 0.25>"))),
        ("euclid by", v("<1 5>(<3 5>,8)")),
        ("every by", v("<1 5> 2").every_by(v("<2 3>"), Pattern::rev)),
        ("every of many", v("<1 5> 2 3").every(4, |p| p.fast(2.0))),
        ("ply", v("<1 5> [2 3]").ply(3)),
        ("iter", v("<0 5> 1 2 3").iter(4)),
        ("palindrome", v("<0 5> [1 2] 3").palindrome()),
        ("chunk", v("<0 5> 1 2 3").chunk(4, seven)),
        ("linger", v("<0 5> 1 2 3").linger(0.25).expect("a part")),
        ("linger at the end", v("<0 5> 1 2 <3 7>").linger(-0.25).expect("a part")),
        ("zoom", v("<1 6> 2 <3 5> 4").zoom(0.25, 0.75)),
        ("compress", v("<1 4> <2 3>").compress(0.25, 0.75).expect("a piece")),
        ("when", v("<1 5 6> 2").when(v("<0 1>"), seven)),
        ("mask", v("<1 5> 2 3 4").mask(v("1 0 <0 1>"))),
        ("struct", v("<1 5> 2").structured(v("1 [1 1] ~ 1"))),
        ("superimpose", v("<1 5> 2").superimpose(seven)),
        ("off", v("<1 5> [2 3]").off(0.125, seven)),
        ("segment", middle(saw(0.0, 8.0).over(2.0), 8)),
        ("segment of steps", v("<0 5> [1 2] <3 4>").segment(6)),
        ("arp", v("<[0,4,7] [2,5,9]>").arp("up")),
        ("arp down", v("[0,<3 4>,7,10]").arp("down")),
        ("timecat", timecat(vec![(3.0, v("<1 5>")), (1.0, v("2 <3 4>"))]).expect("lengths")),
        ("arrange", song),
        ("inside", v("<0 5> 1 2 3").over(2.0).rev().fast(2.0)),
        ("swing", v("<1 9> 2 3 4 5 6 7 8").swing(0.75, 8)),
        ("swing of sixteenths", v("<1 9> 2 3 4 5 6 7 <8 ~> 1 2 3 4 5 6 7 8").swing(0.625, 16)),
    ];
    patterns.into_iter().map(|(name, pattern)| (name, pattern.control("c"))).collect()
}

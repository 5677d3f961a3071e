//! What programs show of themselves while they play.

mod support;

use krach_core::node::{Bargraph, Change, NodeType};
use krach_faust::{Source, Tier};
use support::*;

const FRAMES: usize = 1_000;

/// Shows what goes out, how many frames there were, and a constant.
const TEXT: &str = "count = +(1) ~ _; show(x) = attach(x, x : hbargraph(\"h:seen/level[unit:dB]\", -60, 6));
    process = *(hslider(\"gain\", 0.5, 0, 1, 0.01)) : show : attach(_, count : vbargraph(\"count\", 0, 100)),
    (7 : hbargraph(\"seven\", 0, 10));";

#[test]
fn bargraphs_show_the_last_frame_in_every_tier_precision_and_partition() {
    for compiler in both_compilers() {
        for (double, tier) in
            [(false, Tier::Quick), (false, Tier::Optimised), (true, Tier::Quick), (true, Tier::Optimised)]
        {
            let source = Source { double, ..Source::inline("shown", TEXT) };
            let compiled = compile(&compiler, &source, tier);
            let inputs = vec![noise(FRAMES, 0)];
            let mut first: Option<Vec<Vec<u32>>> = None;
            for block in [1, 64, 1_000] {
                let (ty, mut node) = node(&compiled);
                let names: Vec<_> = ty.bargraphs().iter().map(|shown| shown.name.as_str()).collect();
                assert_eq!(names, ["count", "seen/level", "seven"]);
                let level = Bargraph { name: "seen/level".into(), unit: "dB".into(), min: -60.0, max: 6.0 };
                assert_eq!(ty.bargraphs()[1], level);
                assert_eq!([0, 1, 9].map(|at| node.shown(at)), [0.0; 3], "it has not played");
                node.set(0, Change { value: 0.25, ramp: 0 });
                let mut heard = vec![vec![0.0; FRAMES]; 2];
                play(&ty, &mut *node, block, &inputs, (0, FRAMES), &mut heard);
                let shown = [0, 1, 2].map(|at| node.shown(at));
                assert_eq!(shown, [FRAMES as f32, heard[0][FRAMES - 1], 7.0], "{block}");
                assert_eq!(first.get_or_insert_with(|| bits(&heard)), &bits(&heard), "{block}");
                node.reset();
                assert_eq!(node.shown(0), 0.0);
            }
        }
    }
}

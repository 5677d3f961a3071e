//! What nodes show while they play, as whoever asks the engine sees it.

use super::support::{Rig, graph, node, play, probes, set};
use super::{CYCLE, seq};
use krach_core::engine::*;

/// A pipe `p` of so many voices that shows its `freq`.
fn seen(count: u32, type_id: &str) -> RawGraph {
    let pipe = GraphNode { count, ..node("p", type_id, &[]) };
    graph(vec![node("out", "dac", &[]), pipe, node("q", "pipe", &[])], &[("p", "out"), ("q", "out")])
}

/// Names and values of what `p` shows.
fn shown(rig: &Rig) -> Vec<(String, f32)> {
    let mut all = rig.engine.bargraphs();
    assert!(all.keys().all(|node| node == "p"), "a node without bargraphs shows nothing: {all:?}");
    let told = all.remove("p").unwrap_or_default();
    told.into_iter().map(|(bargraph, value)| (bargraph.name, value)).collect()
}

fn of(name: &str, value: f32) -> Vec<(String, f32)> {
    vec![(name.to_owned(), value)]
}

#[test]
fn of_several_voices_the_note_that_began_last_is_shown_whatever_the_blocks() {
    for blocks in [&[64][..], &[1, 500], &[2048]] {
        let mut rig = Rig::with(probes::registry());
        rig.edit(Edit::LoadGraph(seen(3, "pipe_seen")));
        assert_eq!(shown(&rig), [], "audio has not said that it plays");
        rig.settle();
        rig.played = 0;
        rig.edit(play("p", seq(&[3.0, 5.0, 7.0, 9.0])));
        for hz in [3.0, 5.0, 7.0, 9.0] {
            rig.render(CYCLE / 4, blocks);
            assert_eq!(shown(&rig), of("freq", hz), "{blocks:?}");
        }
        // The voices have ended, and show what they did last.
        rig.edit(Edit::Hush { slot: "p".into() });
        rig.render(CYCLE / 4, blocks);
        assert_eq!(shown(&rig), of("freq", 9.0));
    }
}

#[test]
fn what_is_shown_stays_over_changes_beside_it_and_is_that_of_new_code() {
    let mut rig = Rig::with(probes::registry());
    rig.edit(Edit::LoadGraph(seen(1, "pipe_seen")));
    rig.settle();
    rig.edit(set("p/freq", 42.0));
    rig.render(4096, &[512]);
    assert_eq!(shown(&rig), of("freq", 42.0));
    let other = GraphNode { count: 2, ..node("p", "pipe_seen", &[]) };
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[]), other], &[("p", "out")])));
    rig.render(4096, &[512]);
    assert_eq!(shown(&rig), of("freq", 42.0), "more voices, without the other node");
    rig.edit(Edit::LoadGraph(seen(1, "pipe_seen_again")));
    rig.render(96_000, &[512]);
    rig.edit(set("p/freq", 43.0));
    rig.render(4096, &[512]);
    assert_eq!(shown(&rig), of("tone", 43.0));
    rig.edit(Edit::LoadGraph(graph(vec![node("out", "dac", &[])], &[])));
    rig.render(4096, &[512]);
    assert_eq!(shown(&rig), []);
}

//! Nodes that go take what waits for them with them: nothing acts on a node that is gone, and nothing is said to have failed.

use super::transitions::{BEAT, gain_of, level, nodes, removal, transition, whole_band};
use super::*;
use krach_core::automation::ShapeSpec;
use krach_core::model::Period;

/// All that may wait for the hat, and for others beside it.
fn for_the_hat(rig: &mut Rig, at: At) {
    let sweep = |label: &str| Edit::SetAutomation {
        id: label.into(),
        label: label.into(),
        shape: ShapeSpec::Sine,
        lo: 0.0,
        hi: 1.0,
        period: Period::Secs(1.0),
        one_shot: false,
    };
    let fade = |label: &str| Edit::Fade { label: label.into(), value: 0.5, length: FadeLength::Beats(1.0) };
    for edit in [
        play("hat", level(0.25)),
        play("hat/level", level(0.25)),
        play("_ctrl_hat_level", level(0.25)),
        play("bass", level(0.25)),
        set("hat/level", 0.5),
        set("hat_g/gain", 0.5),
        set("hat/@gain", 0.5),
        fade("hat/gain"),
        fade("hat/level"),
        sweep("hat/@gain"),
        sweep("hat/level"),
        nodes(vec![mute("hat", true)]),
        nodes(vec![send("hat", "verb", 0.5), put("pad", "dc", 0.25, &[]), send("pad", "verb", 0.5)]),
        Edit::Batch(vec![play("hat", level(0.5)), set("bass/gain", 0.25)]).titled("both"),
        transition(1.0, vec![play("hat", level(0.5)), set("hat/gain", 0.1), set("verb/gain", 0.25)]),
        transition(1.0, vec![nodes(vec![removal("hat")])]),
        transition(1.0, vec![play("hat", level(0.5))]),
        nodes(vec![put("hat", "thru", 0.5, &[])]),
    ] {
        rig.edit_at(edit, at);
    }
}

#[test]
fn what_waits_for_a_node_that_goes_is_withdrawn_with_it_and_the_rest_acts() {
    type Goes = fn(&mut Rig);
    let ways: [Goes; 4] = [
        |rig| {
            rig.edit(nodes(vec![removal("hat")]));
        },
        |rig| {
            rig.edit_at(nodes(vec![removal("hat")]), At::Position(1.0));
        },
        |rig| {
            rig.edit(transition(2.0, vec![nodes(vec![removal("hat")])]));
        },
        |rig| {
            let foundation = Box::new(krach_core::edit::GraphState {
                nodes: rig.engine.session().nodes.iter().filter(|n| n.name != "hat").fold(
                    krach_core::edit::Nodes::default(),
                    |mut all, node| {
                        all.push((**node).clone());
                        all
                    },
                ),
                ..rig.engine.session().foundation()
            });
            rig.edit_at(Edit::ReplaceGraph(foundation), At::Position(1.0));
        },
    ];
    for (way, goes) in ways.into_iter().enumerate() {
        let mut rig = band();
        rig.edit(nodes(vec![put("hat", "dc", 0.5, &[("level", 0.125)])]));
        for_the_hat(&mut rig, At::Position(2.0));
        goes(&mut rig);
        rig.render(20 * BEAT, &[512]);
        rig.settle();
        let session = rig.engine.session();
        assert_eq!(rig.notices, [], "{way}");
        assert!(session.node("hat").is_none(), "{way}");
        let slots: Vec<&str> = session.slots.keys().map(String::as_str).collect();
        assert_eq!(slots, ["bass"], "{way}");
        assert!(session.automations.is_empty(), "{way}");
        let left: Vec<&String> = session.values.keys().filter(|path| path.starts_with("hat")).collect();
        assert!(left.is_empty(), "{way}: {left:?}");
        assert_eq!((gain_of(&rig, "bass"), gain_of(&rig, "verb"), gain_of(&rig, "pad")), (0.25, 0.25, 0.25));
        assert_eq!((rig.engine.waiting(), rig.engine.busy()), (0, false), "{way}");
        // The pad has its own level, 1.
        assert_eq!(level_of(&mut rig), (0.25 * 0.25 + 0.25) * (1.0 + 0.5 * 0.25), "{way}");
    }
}

#[test]
fn an_undo_brings_the_node_back_and_not_what_waited() {
    let mut rig = whole_band();
    let before = rig.engine.save();
    rig.edit_at(play("hat", level(0.5)), At::Position(2.0));
    rig.edit(nodes(vec![removal("hat")]));
    let undone = rig.engine.undo(At::Now).expect("it can be undone").expect("there is a step").0;
    assert_eq!((undone.as_str(), rig.engine.waiting()), ("remove hat", 0));
    rig.render(10 * BEAT, &[512]);
    rig.settle();
    assert_eq!(rig.engine.save(), before);
}

#[test]
fn what_is_asked_for_after_a_node_goes_is_for_the_next_one_of_its_name() {
    let mut rig = whole_band();
    rig.edit_at(nodes(vec![removal("hat")]), At::Position(1.0));
    rig.edit_at(nodes(vec![put("hat", "dc", 0.5, &[("level", 0.125)])]), At::Position(2.0));
    rig.edit_at(play("hat", level(0.5)), At::Position(2.0));
    rig.render(10 * BEAT, &[512]);
    rig.settle();
    assert!(rig.engine.session().node("hat").is_some());
    assert!(rig.engine.session().slots["hat"].playing);
    assert_eq!(rig.notices, []);
}

#[test]
fn a_node_that_is_removed_takes_the_slots_of_its_controls_and_no_others() {
    let mut rig = whole_band();
    rig.edit(nodes(vec![put("hat_2", "dc", 0.5, &[]), put("hat/open", "dc", 0.5, &[])]));
    let own = ["hat", "hat/level", "_ctrl_hat_level"];
    let others = ["_ctrl_hat_2_level", "bass", "hat/open", "hat/open/level", "hat_2", "hat_2/level"];
    for slot in own.iter().chain(&others) {
        rig.edit(play(slot, level(0.25)));
    }
    let edit = rig.engine.session().removing("hat", rig.engine.registry());
    rig.edit(edit);
    rig.render(10 * BEAT, &[512]);
    rig.settle();
    let slots: Vec<&str> = rig.engine.session().slots.keys().map(String::as_str).collect();
    assert_eq!(slots, others);
}

#[test]
fn history_says_the_musicians_names() {
    let mut rig = band();
    for (edit, label) in [
        (set("bass_g/gain", 0.25), "set bass/@gain"),
        (set("bass_send_verb/gain", 0.25), "set bass/@send/verb"),
        (play("_ctrl_bass_level", level(0.5)), "play bass/level"),
        (transition(1.0, vec![set("bass_g/gain", 0.5)]), "transition: set bass/@gain"),
        (Edit::Batch(vec![nodes(vec![put("pad", "dc", 0.5, &[])]), set("pad_g/gain", 0.5)]), "node pad"),
        (Edit::Batch(vec![set("pad_g/gain", 0.25), set("pad/level", 0.25)]), "set pad/@gain and 1 more"),
    ] {
        rig.edit(edit);
        let (steps, _) = rig.engine.history();
        let last = steps.last().copied().unwrap_or_default();
        assert!(last.starts_with(label), "{last} and not {label}");
        assert!(!last.contains("_g") && !last.contains("_send_"), "{last}");
        rig.render(2 * BEAT, &[512]);
    }
}

#[test]
fn where_a_fader_is_now_is_known_while_a_line_takes_it_elsewhere() {
    let now = |rig: &Rig| rig.engine.present(&gain_path("bass"), gain_of(rig, "bass"));
    let close = |rig: &Rig, wanted: f64| {
        let found = now(rig);
        assert!((found - wanted).abs() < 0.01, "{found} and not {wanted}");
    };
    let fade = |value: f64, length: FadeLength| Edit::Fade { label: "bass/gain".into(), value, length };
    for length in [FadeLength::Beats(8.0), FadeLength::Secs(4.0), FadeLength::Cycles(2.0)] {
        let mut rig = band();
        rig.render(BEAT, &[512]);
        rig.edit(fade(1.0, length));
        rig.render(4 * BEAT, &[512]);
        rig.settle();
        assert_eq!(gain_of(&rig, "bass"), 1.0);
        close(&rig, 0.75);
        // Another one sets off from there.
        rig.edit(fade(0.0, length));
        rig.render(4 * BEAT, &[512]);
        close(&rig, 0.375);
        rig.edit(set("bass/gain", 0.0));
        close(&rig, 0.0);
        rig.edit_at(fade(1.0, length), At::Position(4.0));
        close(&rig, 0.0);
        rig.render(11 * BEAT, &[512]);
        rig.settle();
        close(&rig, 0.5);
        rig.render(5 * BEAT, &[512]);
        assert_eq!(now(&rig), 1.0);
    }
    let mut rig = whole_band();
    rig.render(BEAT, &[512]);
    rig.edit(transition(8.0, vec![set("bass/gain", 1.0), nodes(vec![removal("hat")])]));
    rig.render(4 * BEAT, &[512]);
    close(&rig, 0.75);
    let hat = rig.engine.present(&gain_path("hat"), gain_of(&rig, "hat"));
    assert!((hat - 0.25).abs() < 0.01, "{hat}");
    rig.engine.undo(At::Now).expect("it can be undone");
    close(&rig, 0.5);
}

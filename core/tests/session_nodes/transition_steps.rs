//! Steps, captures and scenes beside transitions that are under way.

use super::transitions::{BEAT, gain_of, level, nodes, removal, transition, whole_band};
use super::*;
use krach_core::edit::SceneEdit;

fn pad() -> Edit {
    nodes(vec![put("pad", "dc", 0.25, &[("level", 0.25)])])
}

/// The hat goes within eight beats; two have passed.
fn hat_goes() -> Rig {
    let mut rig = whole_band();
    let parts = vec![nodes(vec![removal("hat")]), Edit::RemoveSlot { slot: "hat".into() }];
    rig.edit(transition(8.0, parts));
    rig.render(2 * BEAT, &[512]);
    assert!(rig.engine.session().node("hat").is_some(), "it is on its way out");
    rig
}

fn undo(rig: &mut Rig) -> String {
    rig.engine.undo(At::Now).expect("it can be undone").expect("there is a step").0
}

fn redo(rig: &mut Rig) -> String {
    rig.engine.redo(At::Now).expect("it can be redone").expect("there is a step").0
}

fn names(rig: &Rig) -> Vec<String> {
    rig.engine.capture().nodes.iter().map(|node| node.name.clone()).collect()
}

#[test]
fn a_step_back_beside_a_transition_lets_it_go_on_and_brings_nothing_back() {
    for undone_after in [1, 20] {
        let mut rig = hat_goes();
        rig.edit(pad());
        rig.render(undone_after * BEAT, &[512]);
        assert_eq!(undo(&mut rig), "node pad");
        let goes_on = rig.engine.session().node("hat").is_some();
        assert_eq!(goes_on, undone_after == 1, "it is not cut short");
        rig.render(20 * BEAT, &[512]);
        rig.settle();
        assert_eq!((names(&rig), rig.engine.waiting()), (vec!["bass".into(), "verb".into()], 0));
        assert_eq!(redo(&mut rig), "node pad");
        assert_eq!(undo(&mut rig), "node pad");
        assert!(undo(&mut rig).starts_with("transition"));
        assert_eq!(gain_of(&rig, "hat"), 0.5, "the step is the whole transition");
        assert!(rig.engine.session().slots["hat"].playing);
    }
}

#[test]
fn the_fader_goes_on_to_its_end_beside_a_step_back() {
    let plain = hat_goes().render(8 * BEAT, &[512])[0].clone();
    let mut rig = hat_goes();
    rig.edit(Edit::Setting(Setting::Seed(7)));
    rig.edit(nodes(vec![put("pad", "dc", 0.25, &[("level", 0.0)])]));
    let mut heard = rig.render(BEAT, &[512])[0].clone();
    undo(&mut rig);
    heard.extend(rig.render(7 * BEAT, &[512])[0].iter());
    let most = plain.iter().zip(&heard).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most < 1e-4, "{most}");
}

#[test]
fn what_is_captured_meanwhile_is_what_it_becomes() {
    let mut rig = hat_goes();
    let meanwhile = rig.engine.save();
    rig.edit(SceneEdit::Save { number: 1, name: "after".into(), transport: false }.into());
    assert!(!rig.engine.scene_is_changed());
    let with_scene = rig.engine.save();
    rig.render(20 * BEAT, &[512]);
    rig.settle();
    assert_eq!(rig.engine.save(), with_scene);
    assert!(!rig.engine.scene_is_changed());
    let mut other = Rig::with(probes::registry());
    other.engine.load(&meanwhile).expect("it is whole");
    assert_eq!(names(&other), ["bass", "verb"]);
    assert!(!other.engine.session().slots.contains_key("hat"));
    rig.edit(SceneEdit::Recall { number: 1, fade: None }.into());
    assert_eq!(names(&rig), ["bass", "verb"]);
}

#[test]
fn a_node_that_is_set_while_it_goes_comes_with_the_default_fader_and_is_a_step() {
    for at in [At::Now, At::Position(1.0)] {
        let mut rig = hat_goes();
        let spec = NodeSpec { node: of_type("hat", "dc"), ..NodeSpec::default() };
        rig.edit_at(nodes(vec![NodeEdit::Set(Box::new(spec))]), at);
        rig.render(20 * BEAT, &[512]);
        rig.settle();
        assert_eq!(gain_of(&rig, "hat"), 0.5, "{at:?}");
        assert_eq!(undo(&mut rig), "node hat");
        assert_eq!(names(&rig), ["bass", "verb"]);
    }
}

#[test]
fn a_step_counts_the_parts_of_its_batches() {
    let mut rig = whole_band();
    let remove = Edit::Batch(vec![nodes(vec![removal("hat")]), Edit::RemoveSlot { slot: "hat".into() }]);
    rig.edit(transition(8.0, vec![remove, set("bass/gain", 1.0)]));
    assert_eq!(undo(&mut rig), "transition: remove hat and 2 more");
}

#[test]
fn clear_and_load_end_what_is_left_and_their_steps_lead_to_what_it_becomes() {
    let mut rig = hat_goes();
    rig.edit(rig.engine.session().clearing().titled("clear"));
    assert_eq!(rig.engine.waiting(), 0);
    assert_eq!(undo(&mut rig), "clear");
    assert_eq!(names(&rig), ["bass", "verb"]);
    assert!(undo(&mut rig).starts_with("transition"));
    assert_eq!((names(&rig).len(), gain_of(&rig, "hat")), (3, 0.5));
    // The pattern of the document is the one that plays: it stays, although a transition was to change it.
    let mut rig = whole_band();
    let document = rig.engine.capture();
    rig.edit(transition(8.0, vec![play("bass", level(0.25))]));
    rig.render(BEAT, &[512]);
    let edit = rig.engine.session().loading(document.clone(), rig.engine.registry()).expect("it fits");
    rig.edit(edit.titled("load"));
    rig.render(20 * BEAT, &[512]);
    rig.settle();
    assert_eq!(rig.engine.capture(), document);
}

#[test]
fn a_recall_of_a_group_ends_what_concerns_it_and_nothing_else() {
    let mut rig = whole_band();
    rig.edit(SceneEdit::Save { number: 1, name: "whole".into(), transport: false }.into());
    rig.edit(transition(8.0, vec![play("bass", level(0.25)), nodes(vec![removal("hat")])]));
    rig.render(BEAT, &[512]);
    let session = rig.engine.session();
    let groups = ["bass".to_owned()];
    let state = session.scenes.get(1).expect("saved").state.clone();
    let target = session.with_groups_of(&state, &groups, rig.engine.registry()).expect("it has it");
    let mut edits = vec![Edit::EndTransitions(Some(groups.to_vec()))];
    edits.extend(session.difference(&target));
    rig.edit(Edit::Batch(edits).titled("recall bass"));
    rig.render(20 * BEAT, &[512]);
    rig.settle();
    assert_eq!(names(&rig), ["bass", "verb"], "the hat has gone");
    assert_eq!(rig.engine.session().slots["bass"].pattern, state.slots["bass"].pattern);
}

#[test]
fn a_transition_that_waits_for_its_time_stays_whole() {
    // What is changed before it begins cancels nothing of it, and what is saved before it begins has nothing of it.
    let mut rig = whole_band();
    let parts = vec![nodes(vec![removal("hat")]), Edit::RemoveSlot { slot: "hat".into() }];
    rig.edit_at(transition(4.0, parts), At::Position(2.0));
    rig.render(BEAT, &[512]);
    rig.edit(set("hat/gain", 0.75));
    rig.edit(SceneEdit::Save { number: 1, name: "before".into(), transport: false }.into());
    assert_eq!(names(&rig).len(), 3);
    assert_eq!(rig.engine.session().scenes.get(1).expect("saved").state.nodes.len(), 3);
    rig.render(20 * BEAT, &[512]);
    rig.settle();
    assert_eq!(names(&rig), ["bass", "verb"]);
    assert!(undo(&mut rig).starts_with("transition"));
    assert_eq!(gain_of(&rig, "hat"), 0.75);
}

#[test]
fn a_fader_that_is_left_half_way_is_the_shortest_number_that_it_is() {
    let mut rig = whole_band();
    rig.edit(Edit::Fade { label: "bass/gain".into(), value: 0.6, length: FadeLength::Beats(4.0) });
    rig.edit(Edit::Fade { label: "hat/gain".into(), value: 0.35, length: FadeLength::Beats(4.0) });
    rig.render(6 * BEAT, &[512]);
    rig.edit(transition(4.0, vec![set("hat/gain", 0.1), nodes(vec![put("hat", "dc_other", 0.35, &[])])]));
    rig.render(8 * BEAT, &[512]);
    rig.settle();
    for (path, value) in rig.engine.session().values.iter() {
        assert!(value.to_string().len() < 8, "{path}: {value}");
    }
}

#[test]
fn undo_cancels_what_waits_if_it_was_asked_for_last_and_redo_asks_for_it_again() {
    let mut rig = whole_band();
    rig.edit(set("bass/gain", 0.25));
    rig.edit_at(play("bass", level(0.25)), At::Position(2.0));
    let parts = vec![nodes(vec![removal("hat")]), Edit::RemoveSlot { slot: "hat".into() }];
    rig.edit_at(transition(2.0, parts).titled("the hat goes"), At::Position(3.0));
    rig.edit(Edit::Setting(Setting::Seed(7)));
    let next = |rig: &Rig| rig.engine.next_steps().0.expect("a step");
    assert_eq!(undo(&mut rig), "seed 7");
    assert_eq!(next(&rig), "the hat goes");
    assert_eq!(undo(&mut rig), "the hat goes");
    assert_eq!(undo(&mut rig), "play bass");
    rig.settle();
    assert_eq!((rig.engine.waiting(), rig.engine.busy()), (0, false));
    assert_eq!(undo(&mut rig), "set bass/gain");
    for label in ["set bass/gain", "play bass", "the hat goes"] {
        assert_eq!(rig.engine.next_steps().1.as_deref(), Some(label));
        assert_eq!(redo(&mut rig), label);
    }
    rig.render(9 * BEAT, &[512]);
    assert!(rig.engine.session().node("hat").is_some(), "its time is bar 3");
    rig.render(8 * BEAT, &[512]);
    rig.settle();
    assert_eq!(names(&rig), ["bass", "verb"]);
    assert_eq!(level_of(&mut rig), 0.25 * 0.25 + 0.25 * 0.25 * 0.5 * 0.5);
    // What has passed acts now, and what was undone before it follows.
    rig.edit_at(set("bass/gain", 0.5), At::Position(6.0));
    rig.edit(Edit::Setting(Setting::Seed(8)));
    undo(&mut rig);
    undo(&mut rig);
    rig.render(12 * BEAT, &[512]);
    assert_eq!((redo(&mut rig), redo(&mut rig)), ("set bass/gain".into(), "seed 8".into()));
    assert_eq!((gain_of(&rig, "bass"), rig.engine.session().settings.seed), (0.5, 8));
    // A step of now after it: nothing is asked for again.
    rig.edit_at(set("bass/gain", 0.5), At::Position(90.0));
    undo(&mut rig);
    rig.edit(set("bass/gain", 0.125));
    assert!(rig.engine.redo(At::Now).expect("it can be").is_none());
    assert_eq!(rig.engine.waiting(), 0);
}

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn name(&mut self) -> &'static str {
        ["bass", "hat", "pad", "verb"][self.roll(4) as usize]
    }

    fn number(&mut self) -> f64 {
        self.roll(16) as f64 / 16.0
    }

    fn change(&mut self) -> Edit {
        let (name, number) = (self.name(), self.number());
        match self.roll(9) {
            0 => nodes(vec![put(name, if name == "verb" { "thru" } else { "dc" }, number, &[])]),
            1 | 2 => nodes(vec![removal(name)]),
            3 => set(&format!("{name}/gain"), number),
            4 => play(name, level(number)),
            5 => Edit::RemoveSlot { slot: name.into() },
            6 => nodes(vec![send(name, "verb", number)]),
            7 => nodes(vec![NodeEdit::Disconnect { source: name.into(), target: "verb".into(), port: None }]),
            _ => Edit::Setting(Setting::Master(number)),
        }
    }

    fn edit(&mut self) -> Edit {
        if self.roll(2) == 0 {
            return self.change();
        }
        let parts = (0..=self.roll(3)).map(|_| self.change()).collect();
        transition([0.5, 2.0, 8.0][self.roll(3) as usize], parts)
    }
}

#[test]
fn a_transition_of_one_node_alone_fades_it_in_and_out() {
    let mut rig = whole_band();
    let all = level_of(&mut rig);
    rig.edit(transition(4.0, vec![pad()]));
    let [left, _] = rig.render(8 * BEAT, &[512]);
    let half = left[2 * BEAT] - all;
    assert!((half - 0.5 * 0.0625).abs() < 1e-3, "{half}");
    assert_eq!(left[7 * BEAT], all + 0.0625);
    rig.edit(transition(4.0, vec![nodes(vec![removal("pad")])]));
    let [left, _] = rig.render(8 * BEAT, &[512]);
    let half = left[2 * BEAT] - all;
    assert!((half - 0.5 * 0.0625).abs() < 1e-3, "{half}");
    assert_eq!(level_of(&mut rig), all);
    assert_eq!(names(&rig).len(), 3);
}

/// What a session becomes is known as soon as an edit is there, steps lead there and back, and nothing is left over.
fn at_random(seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut dice = Dice(seed);
        let timed = seed % 2 == 1;
        let mut rig = whole_band();
        let begun = rig.engine.history().1;
        let first = rig.engine.save();
        let mut did = Vec::new();
        for _ in 0..12 {
            let what = match dice.roll(8) {
                0 => rig.engine.undo(At::Now).map(|done| done.map(|(label, _)| format!("undo {label}"))),
                1 => rig.engine.redo(At::Now).map(|done| done.map(|(label, _)| format!("redo {label}"))),
                2 => {
                    rig.engine
                        .edit(
                            SceneEdit::Save { number: 1, name: "one".into(), transport: false }.into(),
                            At::Now,
                        )
                        .expect("it can be saved");
                    Ok(Some("save".to_owned()))
                }
                _ => {
                    let edit = dice.edit();
                    let at = if timed && dice.roll(3) == 0 { At::Cycle } else { At::Now };
                    // Some cannot be.
                    let done = rig.engine.edit(edit.clone(), at).is_ok();
                    Ok(done.then(|| format!("{at:?} {edit:?}")))
                }
            };
            did.push(what.unwrap_or_else(|error| panic!("seed {seed}: {error}: {did:#?}")));
            if rig.engine.history().1 < begun {
                rig.engine.redo(At::Now).expect("it can be redone");
            }
            rig.render(dice.roll(3) as usize * BEAT / 2, &[512]);
        }
        if timed {
            // All have begun.
            rig.render(5 * BEAT, &[512]);
        }
        // After a step nothing that undo has cancelled is asked for again.
        rig.edit(Edit::Setting(Setting::Seed(99)));
        let becomes = rig.engine.save();
        rig.render(30 * BEAT, &[2048]);
        rig.settle();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert_eq!(text(&rig.engine.save()), text(&becomes), "seed {seed}: {did:#?}");
        assert_eq!(rig.engine.save(), rig.engine.session().to_json(), "seed {seed}: {did:#?}");
        // An edit with a time may find that what it is about has gone.
        let wrong = |notice: &&Notice| !timed || !matches!(notice, Notice::EditFailed { .. });
        let wrong: Vec<&Notice> = rig.notices.iter().filter(wrong).collect();
        assert_eq!((rig.engine.waiting(), wrong), (0, Vec::new()), "seed {seed}: {did:#?}");
        let done = rig.engine.history().1;
        for _ in begun..done {
            undo(&mut rig);
        }
        assert_eq!(text(&rig.engine.save()), text(&first), "seed {seed}: back: {did:#?}");
        for _ in begun..done {
            redo(&mut rig);
        }
        assert_eq!(text(&rig.engine.save()), text(&becomes), "seed {seed}: forth: {did:#?}");
    }
}

#[test]
fn at_random_a_session_becomes_what_was_captured_and_steps_lead_back_and_forth() {
    at_random(0..120);
}

#[test]
#[ignore = "soak: some thousand sessions with transitions"]
fn soak_transitions_at_random() {
    at_random(0..5_000);
}

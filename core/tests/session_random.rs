//! Thousands of edits at random, half of them wrong, against the session as a pure function.

mod support;
use krach_core::model::{Curve, MacroState, MacroTarget, Setting};

use krach_core::automation::ShapeSpec;
use krach_core::engine::*;
use krach_core::ir::{NodeIr, RouteIr, RouteKind, Source};
use krach_core::node::Bus;
use krach_core::session::{Gone, Session};
use krach_patterns::builders;
use support::*;

struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn name(&mut self) -> String {
        ["a", "b", "c", "grp/d", "out"][self.roll(5) as usize].into()
    }

    fn value(&mut self) -> f64 {
        if self.roll(12) == 0 { f64::NAN } else { self.roll(1000) as f64 / 1000.0 }
    }

    fn node(&mut self) -> GraphNode {
        let id = self.name();
        let ty = ["dc", "dc_other", "gain", "thru", "dac", "count", "refuses", "nonsense"];
        let ty = if id == "out" { "dac" } else { ty[self.roll(8) as usize] };
        let level = self.value();
        let set: &[(&str, f64)] = &[("level", level)];
        node(&id, ty, if self.roll(2) == 0 { set } else { &[] })
    }

    fn wire(&mut self) -> Connection {
        wire(&self.name(), &self.name())
    }

    fn change(&mut self) -> GraphEdit {
        match self.roll(6) {
            0 | 1 => GraphEdit::AddNode(self.node()),
            2 => GraphEdit::RemoveNode { id: self.name() },
            3 => GraphEdit::Disconnect(self.wire()),
            4 => GraphEdit::ExposeControl {
                label: ["x", "y", "a/level"][self.roll(3) as usize].into(),
                node_id: self.name(),
                control_name: "level".into(),
            },
            _ => GraphEdit::Connect(self.wire()),
        }
    }

    fn label(&mut self) -> String {
        match self.roll(5) {
            0 => "x".into(),
            1 => "nobody/level".into(),
            _ => format!("{}/level", self.name()),
        }
    }

    fn session_node(&mut self) -> String {
        ["n", "m", "grp/k", "a"][self.roll(4) as usize].into()
    }

    fn bus(&mut self) -> Bus {
        Bus::stem(self.roll(3) as usize).unwrap_or_default()
    }

    fn node_edit(&mut self) -> NodeEdit {
        let name = self.session_node();
        match self.roll(8) {
            0..=2 => {
                let ty = ["dc", "dc_other", "thru", "count", "nonsense", "refuses"][self.roll(6) as usize];
                let node = NodeIr {
                    name,
                    source: Source::Type(ty.into()),
                    init: if self.roll(2) == 0 { vec![("level".into(), self.value())] } else { vec![] },
                    ..NodeIr::default()
                };
                let gain = (self.roll(2) == 0).then(|| self.value() * 2.0);
                let stem = (self.roll(2) == 0).then(|| self.bus());
                NodeEdit::Set(Box::new(NodeSpec { node, gain, stem, ..NodeSpec::default() }))
            }
            3 => NodeEdit::Remove { name },
            4 => NodeEdit::Mute { name, on: self.roll(2) == 0 },
            5 => NodeEdit::Solo { name, on: self.roll(3) == 0 },
            6 => NodeEdit::Disconnect { source: name, target: self.session_node(), port: None },
            _ => NodeEdit::Connect(RouteIr {
                source: name,
                target: self.session_node(),
                kind: if self.roll(2) == 0 { RouteKind::Send } else { RouteKind::Wire },
                level: self.value(),
                ..RouteIr::default()
            }),
        }
    }

    fn edit(&mut self, patterns: bool) -> Edit {
        if self.roll(4) == 0 {
            return Edit::Nodes((0..1 + self.roll(2)).map(|_| self.node_edit()).collect());
        }
        match self.roll(if patterns { 19 } else { 9 }) {
            0..=2 => Edit::Graph((0..1 + self.roll(3)).map(|_| self.change()).collect()),
            3 => Edit::LoadGraph(RawGraph {
                nodes: (0..self.roll(4)).map(|_| self.node()).chain([node("out", "dac", &[])]).collect(),
                connections: (0..self.roll(3)).map(|_| self.wire()).collect(),
                exposed_controls: Default::default(),
            }),
            4..=6 => set(&self.label(), self.value()),
            7 => Edit::Setting(Setting::Master(self.value())),
            8 => Edit::Batch((0..self.roll(4)).map(|_| self.edit(false)).collect()),
            9 | 10 => play(
                &self.name(),
                builders::control(&self.label(), self.roll(9) as f64) * (1 + self.roll(4) as usize),
            ),
            11 => Edit::Hush { slot: self.name() },
            12 => Edit::HushAll,
            13 => Edit::SetAutomation {
                id: self.name(),
                label: self.label(),
                shape: ShapeSpec::Tri,
                lo: self.value(),
                hi: 0.5,
                period: Period::Secs(0.1 + self.roll(10) as f64 / 10.0),
                one_shot: false,
            },
            14 => Edit::ClearAutomation { id: self.name() },
            15 => Edit::RemoveSlot { slot: self.name() },
            16 => Edit::MidiMap {
                channel: 0,
                cc: self.roll(4) as u8,
                label: self.label(),
                lo: 0.0,
                hi: self.value(),
            },
            17 => {
                let number = self.roll(4) as u8;
                let target = |dice: &mut Self| MacroTarget {
                    label: dice.label(),
                    lo: 0.0,
                    hi: dice.value(),
                    curve: Curve::Auto,
                };
                let targets = (0..self.roll(3)).map(|_| target(self)).collect();
                let to = MacroState { targets, ..MacroState::new(number) };
                Edit::Macro { number, to: (self.roll(3) > 0).then(|| Box::new(to)) }
            }
            _ => Edit::Setting(Setting::Seed(self.roll(5))),
        }
    }
}

/// The session as it must be: a pure function of the edits and their order.
struct Model {
    session: Session,
    waiting: Vec<(i64, usize, Edit)>,
}

impl Model {
    /// An edit of that number acts. A node that goes takes what was asked for it before and waits.
    fn act(&mut self, edit: &Edit, number: usize) -> bool {
        let before = self.session.clone();
        let applied = self.session.apply(edit, &probes::registry()).is_ok();
        if let Some(gone) = Gone::between(&before, &self.session) {
            let left = |(sample, asked, edit): (i64, usize, Edit)| {
                let left = if asked < number { gone.without(&edit)? } else { edit };
                Some((sample, asked, left))
            };
            self.waiting = std::mem::take(&mut self.waiting).into_iter().filter_map(left).collect();
        }
        applied
    }

    fn played(&mut self, until: i64) {
        self.waiting.sort_by_key(|(sample, number, _)| (*sample, *number));
        while self.waiting.first().is_some_and(|(sample, ..)| *sample < until) {
            let (_, number, edit) = self.waiting.remove(0);
            self.act(&edit, number);
        }
    }
}

fn flat(edit: Edit) -> Vec<Edit> {
    if let Edit::Batch(edits) = edit { edits.into_iter().flat_map(flat).collect() } else { vec![edit] }
}

fn perform(seed: u64, edits: usize, patterns: bool) -> (Rig, usize) {
    let mut dice = Dice(seed);
    let mut rig = Rig::with(probes::registry());
    let mut model = Model { session: Session::default(), waiting: Vec::new() };
    let mut refused = 0;
    for number in 0..edits {
        let edit = dice.edit(patterns);
        if dice.roll(5) == 0 {
            // Whole steps of 1500 samples: 120 bpm, 4 beats per cycle.
            let step = rig.played / 1500 + dice.roll(6) as i64;
            match rig.engine.edit(edit.clone(), At::Position(step as f64 / 64.0)) {
                Ok(_) => {
                    let each = flat(edit).into_iter();
                    model.waiting.extend(each.map(|e| (step * 1500, number, e)));
                }
                Err(_) => refused += 1,
            }
        } else {
            let accepted = rig.engine.edit(edit.clone(), At::Now).is_ok();
            refused += usize::from(!accepted);
            if accepted {
                assert!(model.act(&edit, number), "the engine took what the session refuses: {edit:?}");
            }
        }
        assert_eq!(rig.engine.session().to_json(), model.session.to_json(), "edit {number} of seed {seed}");
        if dice.roll(3) == 0 {
            rig.notices.extend(rig.engine.tick());
            rig.block(1 + dice.roll(700) as usize);
            model.played(rig.played);
            let text = |s: &Session| String::from_utf8(s.to_json()).expect("text");
            let after = format!("after edit {number} of seed {seed}");
            assert_eq!(text(rig.engine.session()), text(&model.session), "{after}");
            let (a, b) = (rig.engine.session(), &model.session);
            assert_eq!((&a.graph, &a.values), (&b.graph, &b.values), "{after}");
            assert!(a == b, "{after}");
        }
    }
    rig.render(20_000, &[500]);
    model.played(rig.played);
    assert_eq!(rig.engine.save(), model.session.to_json());
    rig.settle();
    back_and_forth(&mut rig);
    (rig, refused)
}

/// Undo leads to the empty session, redo to where it was.
fn back_and_forth(rig: &mut Rig) {
    let (after, steps) = (rig.engine.save(), rig.engine.history().1);
    for _ in 0..steps {
        rig.engine.undo(At::Now).expect("can be taken back").expect("there is a step");
        rig.notices.extend(rig.engine.tick());
    }
    assert!(rig.engine.undo(At::Now).expect("nothing to refuse").is_none());
    assert_eq!(rig.engine.save(), Session::default().to_json());
    rig.block(333);
    for _ in 0..steps {
        rig.engine.redo(At::Now).expect("can be done again").expect("there is a step");
        rig.notices.extend(rig.engine.tick());
    }
    assert_eq!(rig.engine.save(), after);
    rig.render(20_000, &[500]);
    rig.settle();
}

fn reloaded(rig: &Rig) -> Rig {
    let mut engine = Engine::new(probes::registry());
    engine.load(&rig.engine.save()).unwrap();
    let mut fresh = Rig::of(engine);
    fresh.played = rig.played;
    fresh
}

#[test]
fn the_session_is_a_pure_function_of_the_edits_and_a_rebuild_sounds_like_a_fresh_engine() {
    let mut refused = 0;
    for seed in 0..6 {
        let (mut rig, no) = perform(seed, 1200, true);
        refused += no;
        rig.edit(Edit::Rebuild);
        let mut fresh = reloaded(&rig);
        let (a, b) = (rig.render(48_000, &[512]), fresh.render(48_000, &[512]));
        // The old engine is gone after 20 ms.
        assert_eq!(first_difference(&a[0][960..], &b[0][960..]), None, "seed {seed}");
        assert!(rig.notices.iter().all(|n| !matches!(n, Notice::Panicked { .. })));
    }
    assert!(refused > 1000, "a test of wrong edits too: {refused}");
}

#[test]
fn without_state_in_its_nodes_the_engine_that_played_on_sounds_like_a_fresh_one() {
    for seed in 100..112 {
        let (mut rig, _) = perform(seed, 400, false);
        let keep = |n: &&NodeStatus| n.node.type_id == "count";
        let counters: Vec<_> =
            rig.engine.status().nodes.iter().filter(keep).map(|n| n.node.id.clone()).collect();
        for id in counters {
            match rig.engine.session().node(&id) {
                Some(_) => rig.edit(Edit::Nodes(vec![NodeEdit::Remove { name: id }])),
                None => rig.edit(Edit::Graph(vec![GraphEdit::RemoveNode { id }])),
            };
        }
        rig.render(40_000, &[512]);
        rig.settle();
        let mut fresh = reloaded(&rig);
        let (a, b) = (rig.render(9_600, &[512]), fresh.render(9_600, &[512]));
        assert_eq!(first_difference(&a[0], &b[0]), None, "seed {seed}");
    }
}

/// Changes of nodes whose names and controls lie within each other, of types with and without code.
fn tangled(dice: &mut Dice) -> NodeEdit {
    const NAMES: [&str; 8] = ["a", "b", "a/b", "a/b/c", "a_g", "a_send_b", "c", "_stem1"];
    const TYPES: [&str; 8] = ["dc", "thru", "within", "within_b", "faust:x", "faust:y", "dac", "gain"];
    let mut name = || NAMES[dice.roll(8) as usize].to_owned();
    let (name, target) = (name(), name());
    match dice.roll(12) {
        0..=3 => {
            let node = NodeIr {
                name,
                source: Source::Type(TYPES[dice.roll(8) as usize].into()),
                init: if dice.roll(2) == 0 { vec![("level".into(), 0.5)] } else { vec![] },
                count: 1 + dice.roll(2) as u32,
                ..NodeIr::default()
            };
            let gain = (dice.roll(2) == 0).then_some(0.5);
            let to_master = (dice.roll(3) == 0).then(|| dice.roll(2) == 0);
            let stem = (dice.roll(2) == 0).then(|| dice.bus());
            NodeEdit::Set(Box::new(NodeSpec { node, gain, to_master, stem, ..NodeSpec::default() }))
        }
        4 => NodeEdit::Remove { name },
        5 => NodeEdit::Mute { name, on: dice.roll(2) == 0 },
        6 => NodeEdit::Solo { name, on: dice.roll(4) == 0 },
        7 => NodeEdit::Disconnect { source: name, target, port: None },
        kind => NodeEdit::Connect(RouteIr {
            source: name,
            target,
            kind: if kind < 10 { RouteKind::Send } else { RouteKind::Wire },
            level: 0.25,
            port: if kind < 10 { String::new() } else { "in".into() },
            ..RouteIr::default()
        }),
    }
}

#[test]
fn what_an_edit_changes_is_lowered_as_the_whole_graph_would_be() {
    let mut dice = Dice(17);
    let (mut accepted, mut refused, mut types) = (0, 0, 0);
    for _ in 0..12 {
        let mut registry = probes::registry();
        registry.add(probes::sum_named("within", ["b/level", "level"]));
        registry.add(probes::sum_named("within_b", ["b/c/level", "x/level"]));
        let (mut session, mut states) = (Session::default(), Vec::new());
        for _ in 0..500 {
            match dice.roll(20) {
                0 => registry.expect("faust:x"),
                1 => registry.add(probes::text_type("faust:x", dice.roll(2) as usize, 0.5)),
                2 => registry.add(probes::sum_named("faust:y", ["b/level", "c/level"])),
                3 => registry.fail("faust:x", "why"),
                4 => registry.add(probes::pipe_named(
                    "faust:x",
                    ["m/level", "tail", "m/gate", "other", "b/level", "x"],
                )),
                _ => types -= 1,
            }
            types += 1;
            let edit = match dice.roll(12) {
                0 => set(&format!("a/{}", ["level", "b/level", "b/c/level"][dice.roll(3) as usize]), 0.75),
                1 if !states.is_empty() => {
                    let at = dice.roll(states.len() as u64) as usize;
                    Edit::ReplaceGraph(Box::new(GraphState::clone(&states[at])))
                }
                2 => Edit::Graph(vec![GraphEdit::AddNode(node(
                    ["raw", "a/b/c"][dice.roll(2) as usize],
                    "dc",
                    &[],
                ))]),
                3 => Edit::Graph(vec![GraphEdit::RemoveNode { id: "raw".into() }]),
                _ => Edit::Nodes((0..1 + dice.roll(3)).map(|_| tangled(&mut dice)).collect()),
            };
            // A copy of the registry is another one: nothing is known of what has changed since.
            let (mut whole, mut part) = (session.clone(), session.clone());
            let outcomes = (whole.apply(&edit, &registry.clone()), part.apply(&edit, &registry));
            assert_eq!(outcomes.0.is_ok(), outcomes.1.is_ok(), "{outcomes:?} of {edit:?}");
            assert_eq!(whole.graph, part.graph, "{edit:?}");
            assert_eq!(whole.values, part.values, "{edit:?}");
            assert!(whole == part, "{edit:?}");
            match outcomes.1 {
                Ok(()) => accepted += 1,
                Err(_) => refused += 1,
            }
            session = part;
            if dice.roll(8) == 0 {
                states.push(session.foundation());
            }
        }
    }
    assert!(accepted > 1500 && refused > 500 && types > 500, "{accepted} {refused} {types}");
}

#[test]
fn plans_of_what_has_changed_sound_like_plans_of_the_whole() {
    let mut accepted = 0;
    for seed in 0..8 {
        let mut dice = Dice(900 + seed);
        let mut registry = probes::registry();
        registry.add(probes::sum_named("within", ["b/level", "level"]));
        registry.add(probes::sum_named("within_b", ["b/c/level", "x/level"]));
        registry.add(probes::text_type("faust:x", 1, 0.3));
        registry.add(probes::text_type("faust:y", 0, 0.7));
        let mut rigs = [Rig::with(registry.clone()), Rig::with(registry)];
        let mut raw =
            graph(vec![node("raw", "dc", &[]), node("raw_thru", "thru", &[])], &[("raw", "raw_thru")]);
        if seed % 4 == 0 {
            raw.exposed_controls.insert("x".into(), ("raw".into(), "level".into()));
        }
        for rig in &mut rigs {
            rig.stems = vec![[Vec::new(), Vec::new()]; 2];
            rig.edit(Edit::Setting(Setting::Limiter(false)));
            if seed % 2 == 0 {
                // Wires of the raw graph beside the nodes, and labels.
                rig.edit(Edit::LoadGraph(raw.clone()));
            }
        }
        for number in 0..300 {
            let name = ["a", "b", "a/b", "a/b/c", "a_g", "raw"][dice.roll(6) as usize];
            let control = ["level", "b/level", "gain", "b/c/level", "x/level"][dice.roll(5) as usize];
            let edit = match dice.roll(8) {
                0 => set(&format!("{name}/{control}"), dice.roll(1000) as f64 / 997.0),
                1 => play(name, builders::control(control, dice.roll(9) as f64 / 7.0)),
                _ => Edit::Nodes((0..1 + dice.roll(2)).map(|_| tangled(&mut dice)).collect()),
            };
            let (undo, frames) = (dice.roll(12) == 0, [0, 0, 333, 7000, 48_000][dice.roll(5) as usize]);
            // Who hears that a type may be another looks at the whole.
            let [part, whole] = &mut rigs;
            whole.engine.keep_type("faust:nothing");
            let outcomes =
                (part.engine.edit(edit.clone(), At::Now), whole.engine.edit(edit.clone(), At::Now));
            assert_eq!(outcomes.0.is_ok(), outcomes.1.is_ok(), "{outcomes:?} of {edit:?}");
            accepted += usize::from(outcomes.0.is_ok());
            if undo {
                whole.engine.keep_type("faust:nothing");
                let undone = (part.engine.undo(At::Now), whole.engine.undo(At::Now));
                assert_eq!(undone.0.is_ok(), undone.1.is_ok(), "{undone:?}");
            }
            let mut left = frames;
            while left > 0 {
                whole.engine.keep_type("faust:nothing");
                let now = left.min(256);
                let (a, b) = (part.render(now, &[256]), whole.render(now, &[256]));
                assert_eq!(part.stems, whole.stems, "edit {number} of seed {seed}: {edit:?}");
                for side in 0..2 {
                    let difference = first_difference(&a[side], &b[side]);
                    assert_eq!(difference, None, "edit {number} of seed {seed}: {edit:?}");
                }
                left -= now;
            }
        }
        for rig in &mut rigs {
            let failed = |n: &Notice| matches!(n, Notice::Panicked { .. } | Notice::EditFailed { .. });
            assert!(!rig.notices.iter().any(failed));
        }
        assert_eq!(rigs[0].engine.save(), rigs[1].engine.save());
    }
    assert!(accepted > 1000, "{accepted}");
}

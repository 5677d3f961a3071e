//! How much of two patterns is compared, and that what is not compared ends.

use super::*;

/// Frames of a number of cycles.
fn cycles(rig: &mut Rig, cycles: usize) -> f32 {
    *rig.render(cycles * CYCLE, &[1024])[0].last().unwrap()
}

/// A unit over `length` cycles that says something in each of them; its gate closes with the last.
fn long(length: usize, says: impl Fn(usize) -> f64) -> Pattern {
    let other = |cycle| builders::control("other", says(cycle));
    let first =
        builders::stack(vec![builders::control("freq", 8.0), builders::control("gate", 1.0), other(0)]);
    let end = builders::stack(vec![builders::control("gate", 0.0), other(length - 1)]);
    let steps = std::iter::once(first).chain((1..length - 1).map(other)).chain([end]).collect();
    builders::freeze(builders::cat(steps)).over(length as f64)
}

#[test]
fn of_a_note_over_forty_cycles_the_first_and_the_last_sixteen_are_compared() {
    // In which cycle the other pattern says something else, and whether the note goes on in cycle 30.
    for (differs, goes_on) in [(0, false), (5, true), (12, true), (15, false), (29, false), (35, true)] {
        let mut rig = rig();
        rig.edit(set("many/tail", 0.0));
        rig.edit(play("many", long(40, |cycle| cycle as f64)));
        rig.settle();
        (rig.played, rig.playing) = (0, true);
        assert_eq!(cycles(&mut rig, 30), 8.0 + 29.0);
        let other = long(40, |cycle| if cycle == differs { 500.0 } else { cycle as f64 });
        rig.edit(play("many", other));
        assert_eq!(cycles(&mut rig, 1), if goes_on { 8.0 + 30.0 } else { 0.0 }, "cycle {differs}");
        let later = cycles(&mut rig, 5);
        assert_eq!(
            later,
            if !goes_on {
                0.0
            } else if differs == 35 {
                508.0
            } else {
                43.0
            },
            "cycle {differs}"
        );
        // The next one begins at 40, and nothing is left of this one.
        assert_eq!(cycles(&mut rig, 5), if differs == 0 { 508.0 } else { 8.0 }, "cycle {differs}");
    }
}

#[test]
fn of_three_hundred_notes_at_the_host_256_go_on_and_the_others_end_once() {
    let note = |number: u64| {
        let (channel, note) = ((number / 100) as u8, (number % 100) as u8);
        Pattern::Atom { value: Value::Note { channel, note, velocity: 90, dur: 2.5 }, span: None }
    };
    let notes = || builders::stack((0..300).map(note).collect()).over(4.0);
    let mut rig = rig();
    rig.edit(play("many", notes()));
    rig.render(CYCLE, &[64]);
    let begun = rig.midi.len();
    assert_eq!(begun, 300);
    rig.edit(play("many", notes()));
    rig.render(CYCLE, &[64]);
    assert_eq!(rig.midi.len() - begun, 44, "these were not compared");
    // 2.5 cycles of the note are 0.5 from here on.
    rig.render(CYCLE, &[64]);
    let mut sounding = std::collections::BTreeSet::new();
    for (_, [status, key, _]) in &rig.midi {
        let note = (status & 15, *key);
        assert!(if status & 0xf0 == 0x90 { sounding.insert(note) } else { sounding.remove(&note) });
    }
    assert!(sounding.is_empty() && rig.midi.len() == 600, "{}", rig.midi.len());
}

#[test]
fn a_unit_behind_more_than_512_others_of_its_onset_is_not_found() {
    let hit = |n: usize| {
        let label = format!("nobody{n}/gate");
        builders::hit(&label).over(4.0)
    };
    for (others, goes_on) in [(511, true), (512, false)] {
        let mut rig = rig();
        rig.edit(set("many/tail", 0.0));
        rig.edit(play("many", builders::note(8.0).over(4.0)));
        rig.render(CYCLE, &[64]);
        let mut layers: Vec<Pattern> = (0..others).map(hit).collect();
        layers.push(builders::note(8.0).over(4.0));
        rig.edit(play("many", builders::stack(layers)));
        assert_eq!(cycles(&mut rig, 1), if goes_on { 8.0 } else { 0.0 }, "{others} others");
        // The next of it plays as any other.
        assert_eq!(cycles(&mut rig, 3), 8.0);
    }
}

//! MPE: what comes on the manager channel counts for its zone, and for nothing else.

use super::*;

/// A zone of so many members below, or above.
fn zone(manager: u8, members: u8) -> Vec<HostEvent> {
    [[101, 0], [100, 6], [6, members]].map(|[n, value]| midi(0, [0xb0 | manager, n, value])).into()
}

fn semitones(key: i16, bend: f64) -> f32 {
    (440.0 * libm_exp2((f64::from(key) - 69.0 + bend) / 12.0)) as f32
}

/// A rig with a zone of three members below the manager on channel 0, one note on its first member and
/// one on a channel outside.
fn zoned() -> Rig {
    let mut rig = rig(4);
    let mut events = zone(0, 3);
    events.extend([on(0, 1, A4, 1), on(0, 5, A5, 2)]);
    assert_eq!(last(&mut rig, &events), 1320.0);
    rig
}

#[test]
fn the_pedal_of_the_manager_holds_the_notes_of_its_zone_alone() {
    let mut rig = zoned();
    let pedal = |channel: u8, value| midi(0, [0xb0 | channel, 64, value]);
    assert_eq!(last(&mut rig, &[pedal(0, 127), off(1, 1, A4, 1), off(1, 5, A5, 2)]), 440.0 + 220.0);
    rig.render(2000, &[333]);
    assert_eq!(last(&mut rig, &[]), 440.0, "held by the manager's pedal");
    // A pedal of its own holds it still, and then does not any more.
    assert_eq!(last(&mut rig, &[pedal(1, 127), pedal(0, 0)]), 440.0);
    assert_eq!(last(&mut rig, &[pedal(0, 127), pedal(1, 0)]), 440.0);
    assert_eq!(last(&mut rig, &[pedal(0, 0)]), 110.0);
    // Without a zone channel 0 is a channel like any other.
    let mut rig = self::rig(4);
    assert_eq!(last(&mut rig, &[pedal(0, 127), on(0, 1, A4, 1), off(1, 1, A4, 1)]), 110.0);
}

#[test]
fn the_upper_zone_counts_down_from_its_manager_and_zones_share_no_channel() {
    let mut rig = rig(4);
    let mut events = zone(15, 2);
    events.extend([midi(0, [0xbf, 64, 127]), on(0, 14, A3, 1), on(0, 13, A4, 2), on(0, 12, A5, 3)]);
    events.extend([off(1, 14, A3, 1), off(1, 13, A4, 2), off(1, 12, A5, 3)]);
    assert_eq!(last(&mut rig, &events), 220.0 + 440.0 + 220.0);
    rig.render(2000, &[333]);
    assert_eq!(last(&mut rig, &[]), 660.0);
    // A lower zone of all channels leaves the upper one none: its pedal holds nothing any more.
    assert_eq!(last(&mut rig, &zone(0, 15)), 165.0);
}

#[test]
fn the_bend_of_the_manager_is_added_to_that_of_each_member() {
    let mut rig = zoned();
    let up = |channel: u8| midi(0, [0xe0 | channel, 127, 127]);
    assert_eq!(last(&mut rig, &[up(0)]), semitones(A4, 2.0) + 880.0);
    assert_eq!(last(&mut rig, &[up(1)]), semitones(A4, 50.0) + 880.0);
    // A note that begins is bent by both, too; the manager's range is its own.
    let range = [[101, 0], [100, 0], [6, 12]].map(|[n, value]| midi(0, [0xb0, n, value]));
    assert_eq!(last(&mut rig, &range), semitones(A4, 60.0) + 880.0);
    assert_eq!(last(&mut rig, &[on(0, 2, A3, 3)]), semitones(A4, 60.0) + 880.0 + 440.0);
    // The range of one member is that of all: 24 instead of 48 on channel 1, said on channel 3.
    let range = [[101, 0], [100, 0], [6, 24]].map(|[n, value]| midi(0, [0xb3, n, value]));
    assert_eq!(last(&mut rig, &range), semitones(A4, 36.0) + 880.0 + 440.0);
    // The zone goes: what was a member bends by two semitones, and by itself.
    assert_eq!(last(&mut rig, &zone(0, 0)), semitones(A4, 2.0) + 880.0 + 220.0);
}

#[test]
fn pressure_of_the_manager_is_the_pressure_of_its_notes_also_of_those_to_come() {
    let mut rig = zoned();
    assert_eq!(last(&mut rig, &[midi(0, [0xd0, 127, 0])]), 1321.0);
    assert_eq!(last(&mut rig, &[on(0, 3, A3, 3)]), 1321.0 + 221.0);
    assert_eq!(last(&mut rig, &[midi(0, [0xd1, 0, 0])]), 1320.0 + 221.0, "a member has the last word");
}

#[test]
fn all_off_and_all_controllers_of_the_manager_are_those_of_its_zone() {
    // All sound off.
    let mut rig = zoned();
    assert_eq!(hear(&mut rig, 512, &[midi(0, [0xb0, 120, 0])])[511], 880.0);
    // All notes off, as the pedal allows.
    let mut rig = zoned();
    assert_eq!(last(&mut rig, &[midi(0, [0xb0, 123, 0])]), 110.0 + 880.0);
    // All controllers: pedals and bends of the zone, not those of others.
    let mut rig = zoned();
    let events = [
        midi(0, [0xe1, 127, 127]),
        midi(0, [0xe5, 127, 127]),
        midi(0, [0xb1, 64, 127]),
        midi(0, [0xb5, 64, 127]),
        off(1, 1, A4, 1),
        off(1, 5, A5, 2),
    ];
    assert_eq!(last(&mut rig, &events), semitones(A4, 48.0) + semitones(A5, 2.0));
    assert_eq!(last(&mut rig, &[midi(0, [0xb0, 121, 0])]), 110.0 + semitones(A5, 2.0));
}

#[test]
fn many_bends_of_a_manager_leave_room_for_the_ends_of_notes() {
    let mut rig = rig(4);
    let mut events = zone(0, 15);
    events.push(on(0, 1, A4, 1));
    assert_eq!(last(&mut rig, &events), 440.0);
    let mut events = vec![midi(1, [0xe0, 0, 64]); 300];
    events.push(off(2, 1, A4, 1));
    assert_eq!(last(&mut rig, &events), 110.0);
}

#[test]
fn a_zone_that_goes_takes_no_member_from_the_other() {
    let mut rig = rig(4);
    let mut events = zone(15, 15);
    events.extend(zone(0, 0));
    // Channel 0 is the fifteenth member.
    events.extend([midi(0, [0xbf, 64, 127]), on(0, 0, A4, 1), off(1, 0, A4, 1)]);
    assert_eq!(last(&mut rig, &events), 440.0);
}

//! Onsets through CLAP and VST3: each sounds once, on the first frame at or after its time, never early,
//! whatever the host's transport does; and no gate stays open.
//!
//! VST3 tells a transport once per block. What changes within a block and is told there, and tempo ramps,
//! are CLAP's alone.

mod krach_support;

use krach_host::transport::{Action, Announce, Blocks, Landing, LoopStyle, Report, Script, When};
use krach_host::{InputKind, Instance, Length, Library, RenderOptions, Rendered, TimedInput};
use krach_support::gates::{assert_opens_where_the_transport_was, assert_shut, closes, expected, opens};
use krach_support::session::gate_session;
use krach_support::{Dice, Format, home, plugin, render_in};
use serde_json::json;

const RATE: f64 = 48_000.0;
/// The transport stands still for this long first, in which the voice comes to rest.
const PREPARE: u64 = 4_800;
/// Hits per cycle.
const HITS: usize = 16;

/// Blocks of one frame and of a few, of odd and of large sizes, and a mixture.
fn partitions() -> [Blocks; 5] {
    [
        Blocks::Fixed(17),
        Blocks::Fixed(256),
        Blocks::Fixed(333),
        Blocks::Fixed(2048),
        Blocks::Random { seed: 5, min: 1, max: 1500 },
    ]
}

/// A format, and how the host cuts time.
#[derive(Clone, Debug)]
struct Way {
    format: Format,
    blocks: Blocks,
}

/// Every partition, in every format that has words for what the script does.
fn ways(script: &Script) -> Vec<Way> {
    partitions().iter().flat_map(|blocks| in_blocks(script, blocks)).collect()
}

/// One partition, in every format that has words for what the script does.
fn in_blocks(script: &Script, blocks: &Blocks) -> Vec<Way> {
    let formats = Format::ALL.into_iter().filter(|format| *format == Format::Clap || vst3_can_tell(script));
    formats.map(|format| Way { format, blocks: blocks.clone() }).collect()
}

/// Blocks of that many frames, in every format that has words for what the script does.
fn in_frames(script: &Script, frames: u64) -> impl Iterator<Item = (u64, Way)> {
    let ways = in_blocks(script, &Blocks::Fixed(frames as usize));
    ways.into_iter().map(move |way| (frames, way))
}

fn vst3_can_tell(script: &Script) -> bool {
    let inside = [script.announce, script.loop_style.announce].contains(&Announce::Event);
    !inside && !script.actions.iter().any(|(_, action)| matches!(action, Action::Ramp { .. }))
}

/// Frames that time runs before the preparation ends: where it starts every node begins as after a reset, and
/// a voice needs some frames to come to rest.
const LEAD: u64 = 75;

/// A transport that starts a moment before the preparation ends, and is at `beats` then.
fn from(beats: f64, tempo: f64) -> Script {
    let lead = LEAD as f64 / RATE * tempo / 60.0;
    Script::stopped(tempo).from_beat(beats - lead).at(When::Frame(PREPARE - LEAD), Action::Play)
}

fn options(script: &Script, way: &Way, seconds: f64) -> RenderOptions {
    RenderOptions {
        script: script.clone(),
        blocks: way.blocks.clone(),
        sample_rate: RATE,
        length: Length::Seconds(seconds),
        ..RenderOptions::default()
    }
}

fn render(script: &Script, way: &Way, seconds: f64) -> Rendered {
    render_in(way.format, &options(script, way, seconds), &gate_session(HITS))
}

/// Every onset on its frame in every partition.
#[track_caller]
fn assert_exact(script: &Script, seconds: f64, what: &str) {
    for way in ways(script) {
        let rendered = render(script, &way, seconds);
        assert_opens_where_the_transport_was(&rendered, HITS, &format!("{what}, {way:?}"));
    }
}

/// A wrap inside a block, told in each way there is.
fn wraps() -> [(Announce, &'static str); 3] {
    [
        (Announce::Silent, "predicted, and confirmed by the next block"),
        (Announce::Event, "told by an event"),
        (Announce::Split, "told by a block that ends there"),
    ]
}

#[test]
fn straight_on_every_onset_falls_on_its_frame() {
    for tempo in [120.0, 137.0, 61.7] {
        assert_exact(&from(0.0, tempo), 4.0, &format!("{tempo} bpm"));
    }
}

#[test]
fn a_loop_wrap_inside_a_block_fires_each_onset_once() {
    for (announce, how) in wraps() {
        let style = LoopStyle { announce, landing: Landing::Exact };
        // The end falls between two frames at 137 bpm.
        assert_exact(&from(1.0, 137.0).looping(2.0, 6.0, style), 7.0, how);
    }
}

#[test]
fn a_loop_shorter_than_a_block_fires_each_onset_once() {
    for (announce, how) in wraps() {
        let style = LoopStyle { announce, landing: Landing::Exact };
        // 1920 frames with two hits; the second one's gate is shut for 120 frames before the wrap.
        let script = from(2.0, 150.0).looping(2.0, 2.1, style);
        for way in ways(&script) {
            let rendered = render_in(way.format, &options(&script, &way, 2.0), &gate_session(64));
            assert_opens_where_the_transport_was(&rendered, 64, &format!("{how}, {way:?}"));
        }
    }
}

#[test]
fn a_loop_that_begins_and_ends_off_the_grid_plays_only_what_lies_within() {
    for (announce, how) in wraps() {
        let style = LoopStyle { announce, landing: Landing::Exact };
        assert_exact(&from(0.0, 120.0).looping(1.1, 3.3, style), 6.0, how);
    }
}

#[test]
fn a_host_that_lands_on_the_loop_start_and_says_so_is_followed_to_the_frame() {
    for announce in [Announce::Event, Announce::Split] {
        let style = LoopStyle { announce, landing: Landing::OnStart };
        assert_exact(&from(1.0, 137.0).looping(2.0, 6.0, style), 7.0, &format!("{announce:?}"));
    }
}

#[test]
fn a_host_that_lands_ten_milliseconds_late_still_plays_the_downbeat() {
    for announce in [Announce::Event, Announce::Split] {
        let style = LoopStyle { announce, landing: Landing::Late(0.0099) };
        assert_exact(&from(1.0, 120.0).looping(2.0, 6.0, style), 7.0, &format!("{announce:?}"));
    }
}

#[test]
fn a_late_landing_that_is_only_seen_at_the_next_block_loses_and_repeats_nothing() {
    let style = LoopStyle { announce: Announce::Silent, landing: Landing::Late(0.0099) };
    let script = from(1.0, 120.0).looping(2.0, 6.0, style);
    for way in ways(&script) {
        let rendered = render(&script, &way, 7.0);
        let (found, expected) = (opens(&rendered.channels[0]), expected(&rendered, HITS));
        assert_eq!(found.len(), expected.len(), "{way:?}: {found:?} for {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            // Between the wrap and the next block it cannot be known that the host stands 475 frames
            // further on than predicted.
            let late = 476;
            assert!(
                found >= &expected.saturating_sub(1) && *found <= expected + late,
                "{way:?}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn a_host_that_wraps_at_the_end_of_the_block_repeats_and_loses_nothing() {
    let style = LoopStyle { announce: Announce::NextBlock, landing: Landing::OnStart };
    let script = from(1.0, 120.0).looping(2.0, 6.0, style);
    let sizes = [17_u64, 64, 333, 480];
    for (frames, way) in sizes.into_iter().flat_map(|frames| in_frames(&script, frames)) {
        let rendered = render(&script, &way, 7.0);
        let found = opens(&rendered.channels[0]);
        // Hits are 6000 frames apart, sixteen to a pass; each pass is that much longer as the block
        // in which the loop ended went on. The downbeat sounds where the loop ended: as predicted.
        let wraps: Vec<u64> = rendered
            .transport
            .segments()
            .iter()
            .filter(|segment| segment.cause == krach_host::transport::Cause::Wrap)
            .map(|segment| segment.frame)
            .collect();
        assert!(wraps.len() >= 2, "{frames}: {wraps:?}");
        let mut expected: Vec<u64> = (0..20).map(|hit| PREPARE + hit * 6_000).collect();
        let mut end = PREPARE + 20 * 6_000;
        for wrap in &wraps {
            expected.push(end);
            expected.extend((1..16).map(|hit| wrap + hit * 6_000));
            end = wrap + 16 * 6_000;
        }
        expected.push(end);
        expected.retain(|frame| *frame < rendered.frames as u64);
        assert_eq!(found, expected, "{way:?}");
    }
}

#[test]
fn jumps_both_ways_and_inside_blocks_play_each_onset_once() {
    for announce in [Announce::Split, Announce::Event] {
        let script = from(0.0, 133.0)
            .announced(announce)
            .at(When::Beat(3.44), Action::Jump(11.07))
            .at(When::Beat(14.41), Action::Jump(1.06))
            .at(When::Beat(2.93), Action::Jump(-3.2));
        assert_exact(&script, 6.0, &format!("{announce:?}"));
    }
}

#[test]
fn a_jump_while_a_gate_is_open_shuts_it_on_that_frame() {
    for announce in [Announce::Split, Announce::Event] {
        // A sixteenth of a beat into a hit, to a sixteenth before one.
        let script = from(0.0, 120.0)
            .announced(announce)
            .at(When::Beat(2.0 + 1.0 / 16.0), Action::Jump(8.0 - 1.0 / 8.0 + 1.0 / 16.0));
        for way in ways(&script) {
            let rendered = render(&script, &way, 4.0);
            let jump = PREPARE + 49_500;
            assert!(closes(&rendered.channels[0]).contains(&jump), "{announce:?} {way:?}");
            assert_shut(&rendered, jump + 480..jump + 1_500, "after the jump");
        }
    }
}

#[test]
fn a_stop_shuts_the_gate_at_once_and_leaves_silence() {
    for announce in [Announce::Split, Announce::Event] {
        // In the middle of an open gate.
        let script = from(0.0, 120.0).announced(announce).at(When::Beat(5.05), Action::Stop);
        for way in ways(&script) {
            let rendered = render(&script, &way, 4.0);
            let stop = PREPARE + 121_200;
            let what = format!("{announce:?} {way:?}");
            assert_opens_where_the_transport_was(&rendered, HITS, &what);
            assert_eq!(closes(&rendered.channels[0]).last(), Some(&stop), "{what}");
            assert_shut(&rendered, stop + 480..rendered.frames as u64, &what);
        }
    }
}

#[test]
fn starts_after_stops_go_on_where_the_transport_stands() {
    let script = from(0.0, 137.0)
        .at(When::Seconds(1.3), Action::Stop)
        .at(When::Seconds(1.55), Action::Play)
        .at(When::Seconds(2.2), Action::Stop)
        .at(When::Seconds(2.3), Action::Jump(7.03))
        .at(When::Seconds(2.4), Action::Play)
        .at(When::Seconds(3.6), Action::Stop);
    for announce in [Announce::Split, Announce::Event] {
        assert_exact(&script.clone().announced(announce), 4.5, &format!("{announce:?}"));
    }
    for way in in_blocks(&script, &Blocks::Fixed(256)) {
        let rendered = render(&script, &way, 4.5);
        assert_shut(&rendered, 173_280..rendered.frames as u64, "after the last stop");
    }
}

#[test]
fn tempo_steps_between_and_inside_blocks_are_exact() {
    for announce in [Announce::Split, Announce::Event] {
        let script = from(0.0, 120.0)
            .announced(announce)
            .at(When::Seconds(0.9), Action::Tempo(60.0))
            .at(When::Seconds(2.01), Action::Tempo(250.5))
            .at(When::Seconds(3.33), Action::Tempo(137.0));
        assert_exact(&script, 5.0, &format!("{announce:?}"));
    }
}

#[test]
fn tempo_ramps_are_exact() {
    for announce in [Announce::Split, Announce::Event] {
        let script = from(0.0, 120.0)
            .announced(announce)
            .at(When::Seconds(0.51), Action::Ramp { to: 187.0, seconds: 2.2 })
            .at(When::Seconds(3.1), Action::Ramp { to: 90.0, seconds: 1.1 });
        assert_exact(&script, 5.0, &format!("{announce:?}"));
    }
}

#[test]
fn a_tempo_step_that_only_the_next_block_tells_loses_and_repeats_nothing() {
    let script = Script::playing(120.0)
        .from_beat(-0.2)
        .announced(Announce::Silent)
        .at(When::Seconds(0.903), Action::Tempo(60.0))
        .at(When::Seconds(2.013), Action::Tempo(180.0));
    let sizes = [64_u64, 333, 2048];
    for (frames, way) in sizes.into_iter().flat_map(|frames| in_frames(&script, frames)) {
        let rendered = render(&script, &way, 4.0);
        let (found, expected) = (opens(&rendered.channels[0]), expected(&rendered, HITS));
        assert_eq!(found.len(), expected.len(), "{frames}: {found:?} for {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            assert!(found.abs_diff(*expected) <= frames, "{frames}: {found} for {expected}");
        }
        assert_eq!(found.last(), expected.last(), "{frames}: once told, it is exact again");
    }
}

#[test]
fn negative_positions_count_up_to_zero() {
    assert_exact(&from(-5.3, 137.0), 5.0, "from before the song's start");
    // As an export does that begins with a count-in and is playing from the first frame on.
    let script = Script::playing(120.0).from_beat(-2.2);
    for way in ways(&script) {
        let rendered = render(&script, &way, 3.0);
        assert_opens_where_the_transport_was(&rendered, HITS, &format!("{way:?}"));
    }
}

#[test]
fn positions_rounded_as_in_ardour_move_no_onset() {
    // From a position on its grid: then nothing but the tempo's last digits is wrong.
    for tempo in [120.0, 137.0] {
        let script = from(0.0, tempo).reporting(Report::ardour());
        assert_exact(&script, 8.0, &format!("{tempo} bpm in steps of 1/1920"));
    }
}

#[test]
fn positions_rounded_as_in_ardour_lose_and_repeat_nothing_in_loops() {
    let style = LoopStyle { announce: Announce::Split, landing: Landing::Exact };
    let script = from(1.0, 137.0).looping(2.0, 6.0, style).reporting(Report::ardour());
    for way in ways(&script) {
        let rendered = render(&script, &way, 7.0);
        let (found, expected) = (opens(&rendered.channels[0]), expected(&rendered, HITS));
        assert_eq!(found.len(), expected.len(), "{way:?}: {found:?} for {expected:?}");
        for (found, expected) in found.iter().zip(&expected) {
            // Half a step of the grid at 137 bpm is 5.5 frames.
            assert!(found.abs_diff(*expected) <= 7, "{way:?}: {found} for {expected}");
        }
    }
}

/// The pulses of a patch's clock, at half of full scale: semiquavers on the left, bars on the right.
fn clock_session() -> Vec<String> {
    let text = "nodes:\n  clock: {module: ClockSequencer}\n  out: {module: AudioOut}\ncables:\n  \
                - {from: clock, output: semiquaver, to: out, input: left, scale: 0.5}\n  \
                - {from: clock, output: bar, to: out, input: right, scale: 0.5}\n";
    let request = |method: &str, params: serde_json::Value| {
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
    };
    vec![
        request("node", json!({"name": "clock", "source": text, "gain": 1.0})),
        request("master", json!({"gain": 1.0})),
    ]
}

/// Each pulse of a patch sounds once, on its frame, and a frame later by its cable.
#[test]
fn the_clock_of_a_patch_is_in_step_with_the_hosts_position_and_its_bars() {
    let style = LoopStyle { announce: Announce::Silent, landing: Landing::Exact };
    let scripts = [
        ("a loop from bar to bar", (7, 8), from(0.0, 137.0).looping(3.5, 10.5, style)),
        ("a loop inside a bar", (4, 4), from(1.0, 137.0).looping(1.5, 2.75, style)),
        (
            "jumps",
            (5, 4),
            from(0.0, 133.0)
                .at(When::Beat(3.44), Action::Jump(11.07))
                .at(When::Beat(14.41), Action::Jump(1.06)),
        ),
    ];
    for (what, time_signature, script) in scripts {
        let script = Script { time_signature, ..script };
        let bar = f64::from(time_signature.0) * 4.0 / f64::from(time_signature.1);
        for way in ways(&script) {
            let rendered = render_in(way.format, &options(&script, &way, 6.0), &clock_session());
            for (side, step) in [(0, 0.25), (1, bar)] {
                let mut wanted = rendered.transport.onset_frames_every(-20.0 * bar, step, 256.0);
                wanted.iter_mut().for_each(|frame| *frame += 1);
                wanted.retain(|frame| *frame < rendered.frames as u64);
                let found: Vec<u64> =
                    (0..).zip(&rendered.channels[side]).filter(|(_, x)| **x > 0.4).map(|(n, _)| n).collect();
                assert_eq!(found, wanted, "{what}, {way:?}, side {side}");
                assert!(wanted.len() > 1 || (what, side) == ("a loop inside a bar", 1), "{what}: {wanted:?}");
            }
        }
    }
}

/// Frames of `HITS` per cycle at 120 bpm, from this frame on.
fn at_120(from: u64, until: u64) -> Vec<u64> {
    (0..).map(|hit| from + hit * 6_000).take_while(|frame| *frame < until).collect()
}

#[test]
fn a_host_without_tempo_and_beats_is_played_at_the_sessions_own_tempo() {
    let script = from(0.0, 77.0).reporting(Report::seconds_only());
    for way in ways(&script) {
        let rendered = render(&script, &way, 3.0);
        assert_eq!(opens(&rendered.channels[0]), at_120(PREPARE, 144_000), "{way:?}");
    }
}

#[test]
fn a_host_without_tempo_that_tells_beats_is_measured() {
    let script = from(0.0, 137.0).reporting(Report { tempo: false, ..Report::default() });
    let sizes = [64_u64, 333, 2048];
    for (frames, way) in sizes.into_iter().flat_map(|frames| in_frames(&script, frames)) {
        let rendered = render(&script, &way, 4.0);
        let (found, expected) = (opens(&rendered.channels[0]), expected(&rendered, HITS));
        assert_eq!(found.len(), expected.len(), "{frames}: {found:?} for {expected:?}");
        let settled = |frames_: &[u64]| -> Vec<u64> {
            let after = PREPARE + 3 * frames;
            frames_.iter().copied().filter(|frame| *frame > after).collect()
        };
        assert_eq!(settled(&found), settled(&expected), "{way:?}");
    }
}

/// Turns the host's parameter for free run on and off: each acts on its frame.
fn free_run(events: &[(u64, f64)]) -> Vec<TimedInput> {
    home::enter();
    let library = Library::load(&plugin()).expect("the plugin loads");
    let mut instance = Instance::create(&library, None).expect("an instance");
    let params = instance.params();
    let id = params.iter().find(|param| param.name == "Free Run").expect("a parameter of that name").id;
    let event = |&(frame, value)| TimedInput { frame, kind: InputKind::Param { id, value } };
    events.iter().map(event).collect()
}

/// Openings but the first, which is on the frame where time starts: every node begins as after a reset there,
/// and the voice's own edge rings in it for some frames. It is open at the end of its ramp.
fn later_opens(rendered: &Rendered, start: u64) -> Vec<u64> {
    let left = &rendered.channels[0];
    assert!(left[..start as usize].iter().all(|x| *x == 0.0) && left[start as usize + 480] > 0.9);
    opens(left).into_iter().filter(|frame| *frame >= start + LEAD).collect()
}

#[test]
fn without_any_transport_it_idles_until_free_run_is_switched_on() {
    let events = free_run(&[(48_000, 1.0), (154_000, 0.0)]);
    let script = Script::playing(120.0).reporting(Report::null());
    for way in ways(&script) {
        let options = RenderOptions { events: events.clone(), ..options(&script, &way, 4.0) };
        let rendered = render_in(way.format, &options, &gate_session(HITS));
        let (on, off) = (48_000, 154_000);
        assert_eq!(later_opens(&rendered, on), at_120(on, off)[1..], "{way:?}");
        assert_shut(&rendered, off + 480..rendered.frames as u64, "after free run");
    }
}

#[test]
fn free_run_fills_the_time_in_which_the_host_stands_still() {
    let events = free_run(&[(4_800, 1.0)]);
    // The host plays two seconds at 90 bpm, to beat 3; before and after our own 120 bpm hold.
    let (play, stop) = (50_400, 50_400 + 96_000);
    let script =
        Script::stopped(90.0).at(When::Frame(play), Action::Play).at(When::Frame(stop), Action::Stop);
    for way in ways(&script) {
        let options = RenderOptions { events: events.clone(), ..options(&script, &way, 4.0) };
        let rendered = render_in(way.format, &options, &gate_session(HITS));
        let on = 4_800;
        let mut wanted = at_120(on, play);
        wanted.extend(expected(&rendered, HITS));
        wanted.extend(at_120(stop, rendered.frames as u64));
        assert_eq!(later_opens(&rendered, on), wanted[1..], "{way:?}");
    }
}

/// A transport that does one thing after the other, at moments and positions that nothing else shares.
fn any_script(seed: u64) -> Script {
    let mut dice = Dice(seed);
    let mut part = |end: f64| dice.below(1_000_003) as f64 / 1_000_003.0 * end;
    let announce = if part(2.0) < 1.0 { Announce::Split } else { Announce::Event };
    let wraps = LoopStyle {
        announce: [Announce::Split, Announce::Event, Announce::Silent][part(3.0) as usize],
        landing: Landing::Exact,
    };
    let mut script = from(part(16.0) - 4.0, 60.0 + part(120.0)).announced(announce);
    script.loop_style = wraps;
    let mut now = 0.3;
    while now < 5.5 {
        now += 0.05 + part(0.5);
        let action = match part(8.0) as usize {
            0 | 1 => Action::Jump(part(20.0) - 4.0),
            2 => Action::Tempo(40.0 + part(200.0)),
            3 => Action::Ramp { to: 50.0 + part(150.0), seconds: 0.05 + part(0.6) },
            4 => {
                let start = part(12.0);
                Action::Loop(Some((start, start + 0.2 + part(3.0))))
            }
            5 => Action::Loop(None),
            6 => Action::Stop,
            _ => Action::Play,
        };
        script = script.at(When::Seconds(now), action);
        if part(2.0) < 1.0 {
            script = script.at(When::Seconds(now + part(0.04)), Action::Play);
        }
    }
    script
}

#[test]
fn whatever_the_transport_does_each_onset_sounds_once_on_its_frame() {
    for seed in 0..40 {
        let script = any_script(seed);
        for way in in_blocks(&script, &partitions()[seed as usize % 5]) {
            let rendered = render(&script, &way, 6.0);
            assert_opens_where_the_transport_was(&rendered, HITS, &format!("seed {seed}, {way:?}"));
        }
    }
}

//! What the scripted transport does to time, checked against arithmetic done by hand.

use clap_sys::events::{CLAP_TRANSPORT_IS_LOOP_ACTIVE, CLAP_TRANSPORT_IS_PLAYING, clap_event_transport};
use krach_host::transport::{
    Action, Announce, BlockPlan, Blocks, Cause, Landing, LoopStyle, Player, Report, Script, When, beat_time,
};

const RATE: f64 = 48_000.0;
/// Frames per quarter note at 120 bpm and 48 kHz.
const BEAT: u64 = 24_000;

fn play(script: &Script, blocks: Blocks, frames: u64) -> (Player, Vec<BlockPlan>) {
    let mut player = Player::new(script, &blocks, RATE);
    let plans = player.plan(frames);
    (player, plans)
}

fn told(plan: &BlockPlan) -> clap_event_transport {
    plan.transport.expect("a transport")
}

fn some_partitions() -> [Blocks; 6] {
    [
        Blocks::Fixed(1),
        Blocks::Fixed(17),
        Blocks::Fixed(333),
        Blocks::Fixed(2048),
        Blocks::List(vec![1, 17, 64, 0, 2048]),
        Blocks::random(11),
    ]
}

#[test]
fn blocks_cover_time_without_a_gap_whatever_the_partition() {
    let script = Script::playing(137.0)
        .looping(1.0, 2.3, LoopStyle::default())
        .at(When::Beat(0.7), Action::Tempo(99.0))
        .at(When::Seconds(1.0), Action::Stop)
        .at(When::Seconds(1.1), Action::Play);
    for blocks in some_partitions() {
        let (player, plans) = play(&script, blocks.clone(), 200_000);
        let mut frame = 0;
        for plan in &plans {
            assert_eq!(plan.start, frame, "{blocks:?}");
            frame += plan.frames as u64;
        }
        assert!(frame >= 200_000);
        assert_eq!(player.frame(), frame);
        assert_eq!(player.truth().frames(), frame);
    }
}

#[test]
fn the_position_is_the_same_for_every_partition_where_changes_act_on_their_frame() {
    for announce in [Announce::Split, Announce::Event, Announce::Silent] {
        let style = LoopStyle { announce, landing: Landing::Exact };
        let script = Script::playing(137.0)
            .from_beat(-1.3)
            .announced(announce)
            .looping(0.5, 3.3, style)
            .at(When::Beat(1.7), Action::Ramp { to: 90.0, seconds: 0.77 })
            .at(When::Seconds(2.01), Action::Jump(0.123))
            .at(When::Frame(150_001), Action::Tempo(180.0));
        let reference = play(&script, Blocks::Fixed(1), 250_000).0.into_truth();
        for blocks in some_partitions() {
            let truth = play(&script, blocks.clone(), 250_000).0.into_truth();
            for frame in (0..250_000).step_by(997) {
                let (one, other) = (reference.beats_at(frame), truth.beats_at(frame));
                assert!((one - other).abs() < 1e-10, "{announce:?} {blocks:?} {frame}: {one} {other}");
            }
            assert_eq!(truth.onset_frames(2.0), reference.onset_frames(2.0));
        }
    }
}

#[test]
fn an_onset_sounds_on_the_first_frame_at_or_after_it() {
    let truth = play(&Script::playing(120.0), Blocks::Fixed(256), 10 * BEAT).0.into_truth();
    assert_eq!(truth.onset_frames(0.0), [0]);
    assert_eq!(truth.onset_frames(3.0), [3 * BEAT]);
    // A third of a beat is frame 8000 exactly; a seventh is 3428.57, so 3429.
    assert_eq!(truth.onset_frames(1.0 / 3.0), [8_000]);
    assert_eq!(truth.onset_frames(1.0 / 7.0), [3_429]);
    assert_eq!(truth.onset_frames(-0.001), [0_u64; 0]);
    assert_eq!(truth.onset_frames_every(0.0, 0.5, 2.0), [0, 12_000, 24_000, 36_000]);
}

#[test]
fn a_negative_start_counts_up_to_zero() {
    let script = Script::playing(120.0).from_beat(-2.0);
    let (player, plans) = play(&script, Blocks::Fixed(480), 4 * BEAT);
    assert_eq!(told(&plans[0]).song_pos_beats, beat_time(-2.0));
    assert_eq!(told(&plans[1]).song_pos_beats, beat_time(-2.0 + 0.02));
    assert_eq!(player.truth().onset_frames(0.0), [2 * BEAT]);
    assert_eq!(player.truth().onset_frames(-2.0), [0]);
}

#[test]
fn a_stop_holds_the_position_and_play_goes_on_from_there() {
    let script =
        Script::playing(120.0).at(When::Beat(2.0), Action::Stop).at(When::Frame(5 * BEAT), Action::Play);
    let truth = play(&script, Blocks::Fixed(100), 8 * BEAT).0.into_truth();
    assert_eq!(truth.beats_at(4 * BEAT), 2.0);
    assert!(!truth.playing_at(4 * BEAT));
    assert_eq!(truth.onset_frames(1.5), [36_000]);
    // The onset on the very position of the stop sounds when playing goes on.
    assert_eq!(truth.onset_frames(2.0), [5 * BEAT]);
    assert_eq!(truth.onset_frames(3.0), [6 * BEAT]);
}

#[test]
fn a_loop_plays_its_onsets_once_a_round_and_never_its_end() {
    let style = |announce| LoopStyle { announce, landing: Landing::Exact };
    for announce in [Announce::Split, Announce::Event, Announce::Silent] {
        let script = Script::playing(120.0).looping(1.0, 3.0, style(announce));
        for blocks in some_partitions() {
            let truth = play(&script, blocks, 8 * BEAT).0.into_truth();
            // The last block may reach further than the eight beats that are looked at.
            let heard = |beats: f64| {
                let mut frames = truth.onset_frames(beats);
                frames.retain(|frame| *frame < 8 * BEAT);
                frames
            };
            let beats = |list: &[u64]| list.iter().map(|beat| beat * BEAT).collect::<Vec<_>>();
            assert_eq!(heard(0.0), [0]);
            assert_eq!(heard(1.0), beats(&[1, 3, 5, 7]));
            assert_eq!(heard(2.0), beats(&[2, 4, 6]));
            assert_eq!(heard(3.0), [0_u64; 0]);
        }
    }
}

#[test]
fn a_wrap_between_two_frames_keeps_its_fraction() {
    // 137 bpm: a beat is 21021.8978 frames, so the wrap lies inside a frame.
    let script = Script::playing(137.0).looping(0.0, 1.0, LoopStyle::default());
    let truth = play(&script, Blocks::Fixed(512), 2_200_000).0.into_truth();
    let beat = 60.0 * RATE / 137.0;
    let expected: Vec<u64> = (0..100).map(|round| (f64::from(round) * beat).ceil() as u64).collect();
    assert_eq!(truth.onset_frames(0.0)[..100], expected);
    // What lies between the last frame and the loop's end sounds on the landing frame.
    let late = 1.0 - 0.3 / beat;
    assert_eq!(truth.onset_frames(late)[0], (late * beat).ceil() as u64);
    assert_eq!(truth.onset_frames(late)[0], truth.onset_frames(0.0)[1]);
}

#[test]
fn a_wrap_is_split_told_or_left_to_be_guessed() {
    let at = |announce| {
        let style = LoopStyle { announce, landing: Landing::Exact };
        play(&Script::playing(120.0).looping(0.0, 1.0, style), Blocks::Fixed(1000), 2 * BEAT).1
    };
    // The wrap is at frame 24000 = block 24 · 1000: move it inside with blocks of 1024.
    let inside = |announce| {
        let style = LoopStyle { announce, landing: Landing::Exact };
        play(&Script::playing(120.0).looping(0.0, 1.0, style), Blocks::Fixed(1024), 2 * BEAT).1
    };
    assert!(at(Announce::Event).iter().all(|plan| plan.changes.is_empty()));

    let split = inside(Announce::Split);
    assert_eq!((split[23].start, split[23].frames), (23_552, 448));
    assert_eq!((split[24].start, split[24].frames), (24_000, 576));
    assert_eq!(told(&split[24]).song_pos_beats, 0);

    let event = inside(Announce::Event);
    assert_eq!((event[23].frames, event[23].changes.len()), (1024, 1));
    assert_eq!(event[23].changes[0].header.time, 448);
    assert_eq!(event[23].changes[0].song_pos_beats, 0);

    let silent = inside(Announce::Silent);
    assert_eq!((silent[23].frames, silent[23].changes.len()), (1024, 0));
    assert_eq!(told(&silent[24]).song_pos_beats, beat_time(576.0 / 24_000.0));
    assert_ne!(told(&silent[24]).flags & CLAP_TRANSPORT_IS_LOOP_ACTIVE, 0);
    assert_eq!(told(&silent[24]).loop_end_beats, beat_time(1.0));
}

#[test]
fn a_host_that_wraps_at_block_ends_runs_past_the_loop_end() {
    let style = LoopStyle { announce: Announce::NextBlock, landing: Landing::OnStart };
    let script = Script::playing(120.0).looping(0.0, 1.0, style);
    let (player, plans) = play(&script, Blocks::Fixed(1024), 3 * BEAT);
    assert_eq!(told(&plans[23]).song_pos_beats, beat_time(23_552.0 / 24_000.0));
    assert_eq!(plans[24].start, 24_576);
    assert_eq!(told(&plans[24]).song_pos_beats, 0);
    assert_eq!(player.truth().beats_at(24_575), 24_575.0 / 24_000.0);
    assert_eq!(player.truth().segments()[1].cause, Cause::Wrap);
}

#[test]
fn a_host_that_lands_late_still_plays_the_onset_on_the_loop_start() {
    let landing = |seconds| {
        let style = LoopStyle { announce: Announce::Event, landing: Landing::Late(seconds) };
        let script = Script::playing(120.0).looping(0.0, 1.0, style);
        play(&script, Blocks::Fixed(1024), 3 * BEAT).0.into_truth()
    };
    let truth = landing(0.005);
    assert_eq!(truth.beats_at(BEAT), 0.01);
    assert_eq!(truth.onset_frames(0.0)[..2], [0, BEAT]);
    // Ten milliseconds are the most that is forgiven.
    assert_eq!(landing(0.011).onset_frames(0.0), [0]);
}

#[test]
fn a_tempo_step_changes_the_pace_and_not_the_place() {
    let script = Script::playing(120.0).at(When::Beat(2.0), Action::Tempo(60.0));
    let (player, plans) = play(&script, Blocks::Fixed(1024), 8 * BEAT);
    let truth = player.truth();
    assert_eq!(truth.onset_frames(2.0), [2 * BEAT]);
    assert_eq!(truth.onset_frames(3.0), [4 * BEAT]);
    let split = plans.iter().find(|plan| plan.start == 2 * BEAT).expect("a split at the change");
    assert_eq!(told(split).tempo, 60.0);
    assert_eq!(told(split).song_pos_seconds, 1_i64 << 31);
}

#[test]
fn a_ramp_is_told_with_its_slope_and_ends_on_its_tempo() {
    // From 120 to 60 bpm in two seconds: a mean of 90 bpm, so three beats.
    let script = Script::playing(120.0)
        .announced(Announce::Event)
        .at(When::Frame(0), Action::Ramp { to: 60.0, seconds: 2.0 });
    let (player, plans) = play(&script, Blocks::Fixed(1000), 8 * BEAT);
    assert_eq!(told(&plans[0]).tempo_inc, -60.0 / 96_000.0);
    assert!((told(&plans[48]).tempo - 90.0).abs() < 1e-9);
    assert!((player.truth().beats_at(96_000) - 3.0).abs() < 1e-12);
    assert_eq!(told(&plans[96]).tempo, 60.0);
    assert_eq!(told(&plans[96]).tempo_inc, 0.0);
    assert_eq!(player.truth().onset_frames(4.0), [96_000 + 48_000]);
    // The law of an onset holds inside the ramp, too.
    let half = player.truth().onset_frames(1.5)[0];
    let position = |frame: u64| player.truth().beats_at(frame);
    assert!(position(half) >= 1.5 && position(half - 1) < 1.5);
}

#[test]
fn changes_for_the_next_block_wait_for_it() {
    let script = Script::playing(120.0).announced(Announce::NextBlock).at(When::Beat(1.0), Action::Jump(8.0));
    let (player, plans) = play(&script, Blocks::Fixed(1024), 2 * BEAT);
    assert!(plans.iter().all(|plan| plan.frames == 1024));
    let jump = player.truth().segments()[1];
    assert_eq!((jump.frame, jump.cause, jump.beats), (24_576, Cause::Jump, 8.0));
    assert_eq!(player.truth().onset_frames(1.0), [BEAT]);
}

#[test]
fn what_the_host_tells_can_change_on_the_way() {
    // One stopped block without tempo first, then everything: seen in dawdreamer.
    let bare = Report { tempo: false, beats: false, seconds: false, ..Report::default() };
    let script = Script::stopped(120.0)
        .reporting(bare)
        .at(When::Frame(512), Action::Report(Report { recording: true, ..Report::default() }))
        .at(When::Frame(512), Action::Play);
    let (_, plans) = play(&script, Blocks::Fixed(512), 2048);
    assert_eq!(told(&plans[0]).tempo, 0.0);
    assert_eq!(told(&plans[0]).flags & CLAP_TRANSPORT_IS_PLAYING, 0);
    assert_eq!(told(&plans[1]).tempo, 120.0);
    assert_ne!(told(&plans[1]).flags & CLAP_TRANSPORT_IS_PLAYING, 0);
    assert_eq!(told(&plans[1]).song_pos_beats, 0);
}

#[test]
fn host_time_passes_at_the_tempo_even_while_stopped() {
    let script = Script::stopped(120.0).at(When::Frame(2 * BEAT), Action::Tempo(60.0));
    let (player, _) = play(&script, Blocks::Fixed(1000), 4 * BEAT);
    assert_eq!(player.elapsed_beats(), 3.0);
    assert_eq!(player.frame_of_elapsed(5.0), 8 * BEAT);
    assert_eq!(player.beats(), 0.0);
}

#[test]
fn the_frame_after_so_many_beats_is_known_before_and_after_it_was_played() {
    let script = Script::playing(120.0)
        .at(When::Beat(4.0), Action::Tempo(60.0))
        .at(When::Seconds(4.0), Action::Stop)
        .at(When::Seconds(6.0), Action::Jump(0.0))
        .at(When::Seconds(7.0), Action::Tempo(240.0));
    let mut player = Player::new(&script, &Blocks::Fixed(100), RATE);
    let of = |player: &Player, beats| player.frame_of_elapsed(beats);
    assert_eq!(of(&player, 3.0), 3 * BEAT, "ahead");
    player.plan(10 * 2 * BEAT);
    // Two seconds of 120 bpm, five of 60, standing or not, then 240.
    let half_seconds =
        [(0.0, 0.0), (1.0, 1.0), (3.5, 3.5), (4.0, 4.0), (5.0, 6.0), (9.0, 14.0), (13.0, 16.0)];
    for (beats, half_seconds) in half_seconds {
        assert_eq!(of(&player, beats), (half_seconds * BEAT as f64) as u64, "{beats} beats");
    }
    assert_eq!(of(&player, 101.0), 60 * BEAT, "ahead again");
}

//! The host plays the clicker: what goes in, what comes out, and when.

mod common;

use std::sync::atomic::Ordering;
use std::time::Duration;

use common::clicker;
use krach_host::transport::{Action, Announce, Blocks, Landing, LoopStyle, Player, Report, Script, When};
use krach_host::{
    Feed, HostError, InputEvent, InputKind, Instance, Length, Library, OutputKind, RenderOptions, Rendered,
    Status, TimedInput, render_performance,
};

const LEVEL: u32 = 1;
const MISBEHAVE: u32 = 2;
const TICKS: u32 = 3;

fn instance() -> Instance {
    let library = Library::load(&clicker()).expect("the clicker loads");
    Instance::create(&library, None).expect("an instance")
}

fn options(script: Script, blocks: Blocks) -> RenderOptions {
    RenderOptions {
        plugin: Some(clicker()),
        script,
        blocks,
        length: Length::Bars(4.0),
        ..RenderOptions::default()
    }
}

fn render(script: Script, blocks: Blocks) -> Rendered {
    render_performance(&options(script, blocks)).expect("it renders")
}

/// Frames with a click on the left.
fn clicks(rendered: &Rendered) -> Vec<u64> {
    let left = rendered.channels[0].iter().enumerate();
    left.filter(|(_, sample)| **sample != 0.0).map(|(frame, _)| frame as u64).collect()
}

fn expected(rendered: &Rendered) -> Vec<u64> {
    let mut frames = rendered.transport.onset_frames_every(-8.0, 1.0, 64.0);
    frames.retain(|frame| *frame < rendered.frames as u64);
    frames
}

#[test]
fn a_library_lists_its_plugins_and_ports() {
    let library = Library::load(&clicker()).unwrap();
    assert_eq!(library.plugin(None).unwrap().id, "io.krach.test.clicker");
    let error = library.plugin(Some("io.krach.nothing")).unwrap_err();
    assert!(error.to_string().contains("io.krach.test.clicker"), "{error}");
    let ports = instance().ports();
    let names: Vec<&str> = ports.outputs.iter().map(|port| port.name.as_str()).collect();
    assert_eq!(names, ["Main", "Stem 1"]);
    assert!(ports.outputs[0].main && ports.outputs[0].channels == 2);
    assert_eq!(ports.inputs[0].name, "Sidechain");
    assert_eq!(
        (ports.note_inputs, ports.note_outputs),
        (vec!["Notes in".to_owned()], vec!["Notes out".to_owned()])
    );
}

#[test]
fn a_file_that_is_no_plugin_is_refused_by_name() {
    let missing = Library::load("/nowhere/at/all.clap".as_ref()).err().unwrap();
    assert!(missing.to_string().contains("/nowhere/at/all.clap"));
    let wrong = Library::load(&std::env::current_exe().unwrap()).err().unwrap();
    assert!(matches!(wrong, HostError::Load { .. }), "{wrong}");
}

#[test]
fn a_click_falls_on_every_beat_for_any_partition() {
    let reference = render(Script::playing(137.0), Blocks::Fixed(256));
    assert_eq!(clicks(&reference), expected(&reference));
    assert_eq!(clicks(&reference).len(), 16);
    // Four bars at 137 bpm, to the frame.
    assert_eq!(reference.frames, (16.0 * 60.0 * 48_000.0 / 137.0_f64).ceil() as usize);
    for blocks in [Blocks::Fixed(1), Blocks::Fixed(333), Blocks::Fixed(4096), Blocks::random(3)] {
        let other = render(Script::playing(137.0), blocks.clone());
        assert_eq!(other.channels, reference.channels, "{blocks:?}");
    }
}

#[test]
fn jumps_loops_and_tempo_changes_reach_the_plugin_where_they_happen() {
    for announce in [Announce::Split, Announce::Event] {
        for landing in [Landing::Exact, Landing::OnStart] {
            let script = Script::playing(133.0)
                .from_beat(-1.5)
                .announced(announce)
                .looping(0.25, 5.5, LoopStyle { announce, landing })
                .at(When::Beat(3.3), Action::Ramp { to: 97.0, seconds: 0.9 })
                .at(When::Seconds(3.21), Action::Jump(0.8))
                .at(When::Seconds(5.0), Action::Stop)
                .at(When::Seconds(5.2), Action::Play);
            let rendered = render(script, Blocks::random(5));
            assert_eq!(clicks(&rendered), expected(&rendered), "{announce:?} {landing:?}");
            assert!(clicks(&rendered).len() > 10);
        }
    }
}

#[test]
fn without_transport_or_beats_the_clicker_is_silent() {
    for report in [Report::null(), Report::seconds_only()] {
        let rendered = render(Script::playing(120.0).reporting(report), Blocks::Fixed(64));
        assert_eq!(clicks(&rendered), [0_u64; 0]);
        assert_eq!(rendered.peak(), 0.0);
    }
    // Ardour's rounding moves the clicks, but by no more than its grid: 1/1920 beat is 12.5 frames.
    let ardour = render(Script::playing(137.0).reporting(Report::ardour()), Blocks::Fixed(256));
    assert_ne!(clicks(&ardour), expected(&ardour));
    for (heard, exact) in clicks(&ardour).iter().zip(expected(&ardour)) {
        assert!(heard.abs_diff(exact) <= 13, "{heard} {exact}");
    }
}

#[test]
fn notes_and_midi_come_back_on_the_frame_on_which_they_went_in() {
    let note = InputKind::NoteOn { channel: 2, key: 60, velocity: 0.5 };
    let midi = InputKind::Midi([0xb0, 7, 99]);
    let rendered = render_performance(&RenderOptions {
        events: vec![TimedInput { frame: 70_001, kind: midi }, TimedInput { frame: 12_345, kind: note }],
        ..options(Script::playing(120.0), Blocks::random(9))
    })
    .unwrap();
    let heard: Vec<(u64, OutputKind)> =
        rendered.midi_out.iter().map(|event| (event.frame, event.kind)).collect();
    assert_eq!(
        heard,
        [
            (12_345, OutputKind::NoteOn { channel: 2, key: 60, velocity: 0.5 }),
            (70_001, OutputKind::Midi([0xb0, 7, 99])),
        ]
    );
}

#[test]
fn a_parameter_event_acts_on_its_frame() {
    let rendered = render_performance(&RenderOptions {
        events: vec![TimedInput { frame: 36_000, kind: InputKind::Param { id: LEVEL, value: 0.25 } }],
        ..options(Script::playing(120.0), Blocks::Fixed(1000))
    })
    .unwrap();
    assert_eq!(rendered.channels[0][24_000], 1.0);
    assert_eq!(rendered.channels[1][48_000], 0.25);
}

#[test]
fn the_sidechain_is_fed_and_the_stem_recorded() {
    let tone = |gain: f32| (0..50_000).map(|frame| gain * (frame % 100) as f32).collect::<Vec<f32>>();
    let rendered = render_performance(&RenderOptions {
        sidechain: Some(vec![tone(0.01), tone(-0.02)]),
        ..options(Script::playing(120.0), Blocks::random(4))
    })
    .unwrap();
    let stem = &rendered.stems[0];
    assert_eq!(stem.name, "Stem 1");
    assert_eq!(stem.channels[0][..50_000], tone(0.01));
    assert_eq!(stem.channels[1][..50_000], tone(-0.02));
    assert!(stem.channels[0][50_000..].iter().all(|sample| *sample == 0.0));
}

#[test]
fn parameters_are_listed_read_written_and_put_into_words() {
    let mut instance = instance();
    let params = instance.params();
    assert_eq!(params.len(), 3);
    assert_eq!((params[0].id, params[0].name.as_str(), params[0].default), (LEVEL, "Level", 1.0));
    assert!(params[0].automatable && params[1].stepped && params[2].hidden);
    let half = InputEvent { offset: 0, kind: InputKind::Param { id: LEVEL, value: 0.5 } };
    instance.flush_params(&[half]).unwrap();
    assert_eq!(instance.param_value(LEVEL), Some(0.5));
    assert_eq!(instance.param_text(LEVEL, 0.5).as_deref(), Some("50 %"));
    assert_eq!(instance.param_from_text(LEVEL, "75 %"), Some(0.75));
    assert_eq!(instance.param_value(99), None);
}

#[test]
fn state_is_saved_and_loaded_at_rest_and_while_a_block_is_due() {
    let mut first = instance();
    let half = InputEvent { offset: 0, kind: InputKind::Param { id: LEVEL, value: 0.5 } };
    first.flush_params(&[half]).unwrap();
    let chunk = first.save_state().unwrap();
    let mut second = instance();
    let mut processor = second.activate(48_000.0, 512).unwrap();
    let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(512), 48_000.0);
    processor.process(&player.next_block(), &[]).unwrap();
    assert_eq!(processor.output(0, 0)[0], 1.0);
    second.load_state(&chunk).unwrap();
    assert_eq!(second.param_value(LEVEL), Some(0.5));
    assert_eq!(second.save_state().unwrap(), chunk);
    processor
        .process(&Player::new(&Script::playing(120.0), &Blocks::Fixed(64), 48_000.0).next_block(), &[])
        .unwrap();
    assert_eq!(processor.output(0, 0)[0], 0.5);
    let refused = second.load_state(b"nonsense").unwrap_err();
    assert!(matches!(refused, HostError::State { action: "load", bytes: 8 }));
    second.deactivate(processor);
}

#[test]
fn what_the_plugin_asks_of_the_main_thread_is_done_there_and_counted() {
    let mut instance = instance();
    assert!(instance.observed().logs().iter().any(|(_, text)| text == "clicker made"));
    let mut processor = instance.activate(48_000.0, 64).unwrap();
    let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(64), 48_000.0);
    let level = InputEvent { offset: 3, kind: InputKind::Param { id: LEVEL, value: 0.3 } };
    processor.process(&player.next_block(), &[level]).unwrap();
    let observed = std::sync::Arc::clone(instance.observed());
    assert_eq!(observed.callbacks.load(Ordering::Acquire), 1);
    assert_eq!(observed.dirty.load(Ordering::Acquire), 0);
    instance.idle();
    assert_eq!(observed.dirty.load(Ordering::Acquire), 1);
    assert_eq!(observed.param_rescans.load(Ordering::Acquire), 1);
    assert_eq!(observed.wrong_thread.load(Ordering::Acquire), 0);
    let ticked = instance.idle_until(Duration::from_secs(5), |instance| {
        instance.param_value(TICKS).is_some_and(|ticks| ticks >= 2.0)
    });
    assert!(ticked, "the timer came round");
    instance.deactivate(processor);
}

#[test]
fn a_processor_runs_on_another_thread_and_comes_back() {
    let mut instance = instance();
    let mut processor = instance.activate(44_100.0, 441).unwrap();
    let worker = std::thread::spawn(move || {
        let mut player = Player::new(&Script::playing(60.0), &Blocks::Fixed(441), 44_100.0);
        let mut heard = 0;
        for plan in player.plan(44_100 * 3) {
            assert_eq!(processor.process(&plan, &[]).unwrap(), Status::Continue);
            heard += processor.output(0, 1).iter().filter(|sample| **sample > 0.0).count();
        }
        (processor, heard)
    });
    let (processor, heard) = worker.join().unwrap();
    assert_eq!(heard, 3);
    instance.deactivate(processor);
    assert!(!instance.is_active());
}

#[test]
fn ports_that_a_host_leaves_out_harm_nobody() {
    let mut instance = instance();
    let mut processor = instance.activate(48_000.0, 256).unwrap();
    let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(256), 48_000.0);
    for feed in [Feed::First(1), Feed::First(0), Feed::NullFrom(1), Feed::NullChannelsFrom(1)] {
        for inputs in [Feed::All, Feed::First(0), Feed::NullFrom(0), Feed::NullChannelsFrom(0)] {
            processor.feed(inputs, feed);
            // The clicker does not defend itself against null channel arrays of outputs: only the
            // inputs are taken away from it in that way.
            if matches!(feed, Feed::First(_)) {
                processor.process(&player.next_block(), &[]).unwrap();
                let written = !processor.output(0, 0)[0].is_nan();
                assert_eq!(written, feed == Feed::First(1));
                assert!(processor.output(1, 0)[0].is_nan(), "the stem was not handed over");
            }
        }
    }
    instance.deactivate(processor);
}

#[test]
fn blocks_of_no_frames_and_blocks_too_long_are_told_apart() {
    let mut instance = instance();
    let mut processor = instance.activate(48_000.0, 256).unwrap();
    let mut player = Player::new(&Script::playing(120.0), &Blocks::List(vec![0, 256, 257]), 48_000.0);
    assert!(processor.process(&player.next_block(), &[]).is_ok());
    assert_eq!(processor.output(0, 0).len(), 0);
    assert!(processor.process(&player.next_block(), &[]).is_ok());
    let long = processor.process(&player.next_block(), &[]).unwrap_err();
    assert!(matches!(long, HostError::BlockTooLong { frames: 257, max: 256 }));
    let fail = InputEvent { offset: 0, kind: InputKind::Param { id: MISBEHAVE, value: 3.0 } };
    let mut player = Player::new(&Script::playing(120.0), &Blocks::Fixed(64), 48_000.0);
    processor.process(&player.next_block(), &[fail]).unwrap();
    let failed = processor.process(&player.next_block(), &[]).unwrap_err();
    assert!(matches!(failed, HostError::Process { at: 64, frames: 64 }), "{failed}");
    instance.deactivate(processor);
}

#[test]
fn instances_come_and_go_in_any_order_and_the_library_after_them() {
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let library = Library::load(&clicker()).unwrap();
        let mut instances: Vec<Option<Instance>> =
            (0..3).map(|_| Some(Instance::create(&library, None).unwrap())).collect();
        drop(library);
        let mut processors: Vec<_> = instances
            .iter_mut()
            .flatten()
            .map(|instance| Some(instance.activate(48_000.0, 64).unwrap()))
            .collect();
        let plan = Player::new(&Script::playing(120.0), &Blocks::Fixed(64), 48_000.0).next_block();
        for index in order {
            for processor in processors.iter_mut().flatten() {
                processor.process(&plan, &[]).unwrap();
                assert_eq!(processor.output(0, 0)[0], 1.0);
            }
            let mut instance = instances[index].take().unwrap();
            instance.deactivate(processors[index].take().unwrap());
            let again = instance.activate(96_000.0, 32).unwrap();
            instance.deactivate(again);
        }
    }
}

/// On the thread that used the plugin the library may stay until that thread ends: its standard
/// library keeps thread-locals with destructors there.
#[cfg(target_os = "linux")]
#[test]
fn the_library_is_unloaded_with_its_last_instance() {
    let copy = std::env::temp_dir().join(format!("krach-unload-{}.clap", std::process::id()));
    std::fs::copy(clicker(), &copy).unwrap();
    let mapped = || std::fs::read_to_string("/proc/self/maps").unwrap().contains("krach-unload-");
    let path = copy.clone();
    std::thread::spawn(move || {
        let library = Library::load(&path).unwrap();
        let mut first = Instance::create(&library, None).unwrap();
        let mut second = Instance::create(&library, None).unwrap();
        let processor = first.activate(48_000.0, 64).unwrap();
        second.save_state().unwrap();
        drop(library);
        drop(second);
        first.deactivate(processor);
        assert!(std::fs::read_to_string("/proc/self/maps").unwrap().contains("krach-unload-"));
    })
    .join()
    .unwrap();
    std::fs::remove_file(&copy).unwrap();
    assert!(!mapped());
}

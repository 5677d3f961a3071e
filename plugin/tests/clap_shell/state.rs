//! What is saved, and what the parameters stand at.

use super::*;

#[test]
fn a_state_brings_back_sound_and_parameters() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 512);
    let scene = plugin.param("Scene");
    let [macro_1, macro_64, master, free] =
        ["Macro 1", "Macro 64", "Master", "Free Run"].map(|name| plugin.param(name));
    let panic = plugin.param("Panic");
    let set = [(macro_1, 0.25), (macro_64, 1.0), (master, 0.75), (scene, 37.0), (free, 1.0), (panic, 1.0)];
    plugin.flush(&set.map(|(id, value)| Event::value(0, id, value)));
    let saved = plugin.save().expect("a state");
    let heard = render(&plugin, &mut block, 512, &[512], &[]);

    let copy = host.instance();
    assert!(copy.load(&saved), "before activate");
    assert_eq!(host.heard.rescans.lock().unwrap().last(), Some(&CLAP_PARAM_RESCAN_VALUES));
    assert!(copy.activate(RATE, 512));
    for (id, value) in &set[..5] {
        assert_eq!(copy.value(*id), *value);
    }
    assert_eq!(copy.value(panic), 0.0, "a moment is not a state");
    assert_eq!(copy.save().as_ref(), Some(&saved), "the same bytes");
    assert_eq!(render(&copy, &mut block, 512, &[512], &[])[480..], heard[480..], "the same sound");

    assert!(copy.load(&chunk(vec![])), "while active");
    render(&copy, &mut block, 9600, &[512], &[]);
    assert_eq!(peak(block.main()), 0.0, "an empty session");
    assert_eq!(copy.value(master), 0.75, "a chunk without parameters changes none");
    plugin.destroy();
    copy.destroy();
}

#[test]
fn a_state_that_cannot_be_read_changes_nothing_and_is_saved_back() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 512);
    let master = plugin.param("Master");
    plugin.flush(&[Event::value(0, master, 0.75)]);
    let good = plugin.save().unwrap();
    let mut newer = good.clone();
    newer[8] = 99;
    let mut damaged = good.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let params = BTreeMap::from([("master".to_owned(), 0.0)]);
    let unplayable = Payload::new(params, br#"{"tempo":-1}"#.to_vec()).unwrap().encode().unwrap();
    for refused in
        [newer, damaged, good[..good.len() / 2].to_vec(), unplayable, encode(b"[]"), b"VST preset".to_vec()]
    {
        assert!(!plugin.load(&refused));
        assert_eq!(plugin.save(), Some(refused), "verbatim");
        assert_eq!(plugin.value(master), 0.75);
        render(&plugin, &mut block, 9600, &[512], &[]);
        assert!(peak(block.main()) > 0.05, "the old session plays on");
    }
    assert!(plugin.load(&good));
    assert_eq!(plugin.save(), Some(good));
    plugin.destroy();
}

#[test]
fn a_stream_that_fails_fails_the_call() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    let state = plugin.extension::<clap_plugin_state>(CLAP_EXT_STATE).unwrap();
    // SAFETY: CLAP's calls, with the null that none may send.
    unsafe {
        assert!(!state.save.unwrap()(plugin.raw, std::ptr::null()));
        assert!(!state.load.unwrap()(plugin.raw, std::ptr::null()));
    }
    assert!(!plugin.load(b""), "an empty state");
    plugin.destroy();
}

#[test]
fn modulation_is_heard_but_neither_shown_nor_saved() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 1024);
    let master = plugin.param("Master");
    block.events = vec![Event::modulation(0, master, -1.0)];
    block.render(&plugin, true);
    assert_eq!(peak(&block.main()[480..]), 0.0, "modulated to silence");
    assert_eq!(plugin.value(master), 0.875);
    let saved = Payload::decode(&plugin.save().unwrap()).unwrap();
    assert_eq!(saved.params["master"], 0.875);
    // The base moves while modulation holds the sum at the bottom, and counts when it lets go.
    block.events = vec![Event::value(0, master, 0.75)];
    block.render(&plugin, true);
    assert_eq!(plugin.value(master), 0.75);
    block.events = vec![Event::modulation(0, master, 0.0)];
    block.render(&plugin, true);
    let twelve_down = 0.5 * 10f32.powf(-12.0 / 20.0);
    assert!((peak(&block.main()[480..]) - twelve_down).abs() < 1e-3);
    plugin.destroy();
}

#[test]
fn values_that_make_no_sense_are_ignored() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    let (master, scene) = (plugin.param("Master"), plugin.param("Scene"));
    plugin.flush(&[
        Event::value(0, master, f64::NAN),
        Event::modulation(0, master, f64::INFINITY),
        Event::value(0, scene, f64::NEG_INFINITY),
        Event::value(0, 123_456, 1.0),
        Event::note_on(0, 60),
        Event::midi(0, [0xb0, 1, 64]),
    ]);
    assert_eq!((plugin.value(master), plugin.value(scene)), (0.875, 0.0));
    plugin.flush(&[Event::value(0, scene, 1e9), Event::value(0, master, -5.0)]);
    assert_eq!((plugin.value(master), plugin.value(scene)), (0.0, 127.0));
    plugin.destroy();
}

/// Room for a block is taken when the host says how long one may be.
#[test]
fn blocks_longer_than_any_are_refused_and_what_played_can_play_again() {
    let _turn = alone();
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &sine(), 512);
    plugin.deactivate();
    assert!(!plugin.activate(RATE, u32::MAX) && !plugin.activate(RATE, i32::MAX as u32));
    assert!(plugin.activate(RATE, 512) && plugin.start());
    render(&plugin, &mut block, 4096, &[512], &[]);
    assert!(peak(block.main()) > 0.1);
    plugin.destroy();
    let vst3 = crate::raw_host::vst3::Vst3::new();
    assert!(!vst3.set_up(RATE, i32::MAX) && vst3.set_up(RATE, 512));
}

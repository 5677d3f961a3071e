//! States are reproducible as validators ask it (clap-validator's `state-reproducibility-*`, pluginval's
//! "plugin state restoration"): all parameters at random, saved, loaded into a fresh instance, all values and
//! texts compared; the same through `flush`, without cookies, and in VST3.

use super::raw_host::vst3::{Input, Shape, Vst3};
use super::*;

/// A seeded sequence (SplitMix64: Steele, Lea, Flood 2014).
struct Dice(u64);

impl Dice {
    /// The next number, 0…1.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Every parameter at a random value of its range; a cookie where the plugin gave one, or none.
fn at_random(plugin: &Plugin, dice: &mut Dice, cookies: bool) -> Vec<Event> {
    let params = plugin.params();
    // SAFETY: CLAP's calls; an info is numbers and text, for which zero is a value.
    let info = |index| unsafe {
        let mut info: clap_sys::ext::params::clap_param_info = std::mem::zeroed();
        assert!(params.get_info.unwrap()(plugin.raw, index, &mut info));
        info
    };
    // SAFETY: CLAP's call.
    let infos = (0..unsafe { params.count.unwrap()(plugin.raw) }).map(info);
    let event = |info: clap_sys::ext::params::clap_param_info| {
        let value = info.min_value + dice.roll() * (info.max_value - info.min_value);
        let stepped = info.flags & clap_sys::ext::params::CLAP_PARAM_IS_STEPPED != 0;
        let Event::Value(mut event) = Event::value(0, info.id, if stepped { value.round() } else { value })
        else {
            unreachable!()
        };
        event.cookie = if cookies { info.cookie } else { std::ptr::null_mut() };
        Event::Value(event)
    };
    infos.map(event).collect()
}

#[test]
fn a_fresh_instance_with_the_saved_state_has_all_values_and_texts() {
    let _turn = alone();
    let host = Host::new();
    for (seed, cookies) in [(1, true), (2, false), (3, true), (4, false)] {
        let mut dice = Dice(seed);
        let (plugin, mut block) = playing(&host, &sine(), 512);
        let events = at_random(&plugin, &mut dice, cookies);
        block.events = events.clone();
        assert_eq!(block.render(&plugin, true), CLAP_PROCESS_CONTINUE);
        let values = plugin.all_values();
        assert_ne!(values, host.instance().all_values(), "something has changed");
        let saved = plugin.save().expect("a state");

        let copy = host.instance();
        assert!(copy.load(&saved));
        assert_eq!(copy.all_values(), values, "seed {seed}");
        assert_eq!(copy.save(), Some(saved.clone()));
        // A state loaded over other values, panic among them, brings all back, too.
        copy.flush(&at_random(&copy, &mut dice, cookies));
        copy.flush(&[Event::value(0, copy.param("Panic"), 1.0)]);
        assert!(copy.load(&saved));
        assert_eq!(copy.all_values(), values, "seed {seed}");

        // The same values by a flush, active or not.
        for active in [false, true] {
            let other = host.instance();
            assert!(other.load(&sine()));
            if active {
                assert!(other.activate(RATE, 512) && other.start());
            }
            other.flush(&events);
            assert_eq!(other.all_values(), values, "flushed, active: {active}");
            assert_eq!(other.save(), Some(saved.clone()));
        }
        // And in the other format.
        let vst3 = Vst3::new();
        assert!(vst3.load(&saved));
        assert_eq!(vst3.save(), Some(saved.clone()));
    }
}

#[test]
fn a_fresh_vst3_with_the_saved_state_has_all_values_and_texts() {
    let _turn = alone();
    for seed in [1, 2, 3, 4] {
        let mut dice = Dice(seed);
        let mut plugin = Vst3::new();
        assert!(plugin.load(&sine()) && plugin.set_up(RATE, 512) && plugin.active(true));
        plugin.processing(true);
        let fresh = plugin.all_values();
        // By the controller and by `process`, as hosts do, those of MIDI controllers included.
        let mut set = |plugin: &mut Vst3| {
            let rolled: Vec<_> = plugin.infos().iter().map(|info| (info.id, dice.roll())).collect();
            assert!(rolled.iter().all(|&(id, value)| plugin.set(id, value)));
            let points: Vec<_> = rolled.iter().map(|&(id, value)| (0, Input::Value(id, value))).collect();
            for points in [&points[..], &[], &[], &[]] {
                assert!(plugin.render(512, points, Shape::Whole).is_some());
            }
        };
        set(&mut plugin);
        let values = plugin.all_values();
        assert_ne!(values, fresh, "something has changed");
        let saved = plugin.save().expect("a state");

        let copy = Vst3::new();
        assert!(copy.load(&saved));
        assert_eq!(copy.all_values(), values, "seed {seed}");
        assert_eq!(copy.save(), Some(saved.clone()));

        // pluginval's way: other values, and back to the state.
        set(&mut plugin);
        assert!(plugin.load(&saved));
        assert_eq!(plugin.all_values(), values, "seed {seed}");
        // By the controller alone, while nothing is rendered.
        for processing in [true, false] {
            plugin.processing(processing);
            for info in plugin.infos() {
                assert!(plugin.set(info.id, dice.roll()));
            }
            assert!(plugin.load(&saved));
            assert_eq!(plugin.all_values(), values, "seed {seed}, processing: {processing}");
        }
    }
}

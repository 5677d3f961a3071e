//! What a host sees and stores may never change once released: ids, names, ranges, flags, ports.
//! `UPDATE_GOLDEN=1` rewrites the file; that is right only for what was never released.

mod raw_host;

use std::ffi::{CStr, c_char};
use std::fmt::Write;

use clap_sys::ext::audio_ports::{CLAP_EXT_AUDIO_PORTS, clap_plugin_audio_ports};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::note_ports::{CLAP_EXT_NOTE_PORTS, clap_plugin_note_ports};
use clap_sys::ext::params::*;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use krach::ports::Kind;
use raw_host::vst3::{Vst3, wide};
use raw_host::{Host, Plugin};

fn text<'a>(text: *const c_char) -> &'a str {
    // SAFETY: strings of the plugin, or of an info that lives as long as it is looked at.
    unsafe { CStr::from_ptr(text) }.to_str().expect("UTF-8")
}

fn descriptors(out: &mut String) {
    // SAFETY: CLAP's calls in CLAP's order; everything handed out is constant.
    unsafe {
        let entry = &krach::clap::ENTRY;
        assert!(entry.init.unwrap()(c"/nowhere".as_ptr()));
        assert!(entry.get_factory.unwrap()(c"no.such.factory".as_ptr()).is_null());
        let factory =
            entry.get_factory.unwrap()(CLAP_PLUGIN_FACTORY_ID.as_ptr()).cast::<clap_plugin_factory>();
        for index in 0..(*factory).get_plugin_count.unwrap()(factory) {
            let desc = &*(*factory).get_plugin_descriptor.unwrap()(factory, index);
            let features = (0..).map(|i| *desc.features.add(i)).take_while(|feature| !feature.is_null());
            let features: Vec<_> = features.map(text).collect();
            writeln!(
                out,
                "plugin {} \"{}\" by {}: {}",
                text(desc.id),
                text(desc.name),
                text(desc.vendor),
                features.join(" ")
            )
            .unwrap();
            assert_eq!(text(desc.version), env!("CARGO_PKG_VERSION"));
        }
        entry.deinit.unwrap()();
    }
    writeln!(out, "reserved clap id {}", krach::shell::CLAP_ID_FX.to_str().unwrap()).unwrap();
    for (name, id) in
        [("instrument", krach::shell::VST3_CLASS_ID), ("effect", krach::shell::VST3_CLASS_ID_FX)]
    {
        let hex: String = id.iter().map(|byte| format!("{byte:02X}")).collect();
        writeln!(out, "reserved vst3 class {name} {hex}").unwrap();
    }
}

fn parameters(plugin: &Plugin, out: &mut String) {
    const FLAGS: [(u32, &str); 4] = [
        (CLAP_PARAM_IS_STEPPED, "stepped"),
        (CLAP_PARAM_IS_AUTOMATABLE, "automatable"),
        (CLAP_PARAM_IS_MODULATABLE, "modulatable"),
        (CLAP_PARAM_IS_ENUM, "enum"),
    ];
    let params = plugin.params();
    // SAFETY: CLAP's calls; an info is numbers and text, for which zero is a value.
    unsafe {
        let count = params.count.unwrap()(plugin.raw);
        for index in 0..count {
            let mut info: clap_param_info = std::mem::zeroed();
            assert!(params.get_info.unwrap()(plugin.raw, index, &mut info));
            let known = FLAGS.iter().filter(|(flag, _)| info.flags & flag != 0);
            let rest = info.flags & !FLAGS.iter().map(|(flag, _)| flag).sum::<u32>();
            assert_eq!(rest, 0, "flags that this test does not know");
            let flags: Vec<_> = known.map(|(_, name)| *name).collect();
            let shown =
                [info.min_value, info.default_value, info.max_value].map(|value| plugin.text(info.id, value));
            writeln!(
                out,
                "param {index} {} \"{}\" in \"{}\": {}..{} default {} ({}) shown {}",
                info.id,
                text(info.name.as_ptr()),
                text(info.module.as_ptr()),
                info.min_value,
                info.max_value,
                info.default_value,
                flags.join(" "),
                shown.join(" | "),
            )
            .unwrap();
            assert_eq!(plugin.value(info.id), info.default_value, "a fresh instance has the defaults");
        }
        let mut info = std::mem::zeroed();
        assert!(!params.get_info.unwrap()(plugin.raw, count, &mut info), "one past the end");
    }
}

fn ports(plugin: &Plugin, out: &mut String) {
    let audio = plugin.extension::<clap_plugin_audio_ports>(CLAP_EXT_AUDIO_PORTS).unwrap();
    let notes = plugin.extension::<clap_plugin_note_ports>(CLAP_EXT_NOTE_PORTS).unwrap();
    let latency = plugin.extension::<clap_plugin_latency>(CLAP_EXT_LATENCY).unwrap();
    // SAFETY: CLAP's calls; an info is numbers and text, for which zero is a value.
    unsafe {
        for (is_input, way) in [(true, "in"), (false, "out")] {
            let count = audio.count.unwrap()(plugin.raw, is_input);
            for index in 0..count {
                let mut info = std::mem::zeroed();
                assert!(audio.get.unwrap()(plugin.raw, index, is_input, &mut info));
                writeln!(
                    out,
                    "audio {way} {index} id {} \"{}\" {} channels {} flags {} pair {}",
                    info.id,
                    text(info.name.as_ptr()),
                    info.channel_count,
                    text(info.port_type),
                    info.flags,
                    info.in_place_pair as i32,
                )
                .unwrap();
            }
            let mut info = std::mem::zeroed();
            assert!(!audio.get.unwrap()(plugin.raw, count, is_input, &mut info), "one past the end");
        }
        for (is_input, way) in [(true, "in"), (false, "out")] {
            for index in 0..notes.count.unwrap()(plugin.raw, is_input) {
                let mut info = std::mem::zeroed();
                assert!(notes.get.unwrap()(plugin.raw, index, is_input, &mut info));
                writeln!(
                    out,
                    "notes {way} {index} id {} \"{}\" dialects {} preferred {}",
                    info.id,
                    text(info.name.as_ptr()),
                    info.supported_dialects,
                    info.preferred_dialect,
                )
                .unwrap();
            }
        }
        writeln!(out, "latency {}", latency.get.unwrap()(plugin.raw)).unwrap();
    }
}

/// What VST3 lists after the parameters that both formats have.
fn controllers(out: &mut String) {
    let vst3 = Vst3::new();
    let infos = vst3.infos();
    let shared = out.lines().filter(|line| line.starts_with("param ")).count();
    for (index, info) in infos.iter().enumerate().skip(shared) {
        let stands_for = (0..16).flat_map(|channel| (0..130).map(move |number| (channel, number)));
        let stands_for: Vec<_> =
            stands_for.filter(|&(ch, number)| vst3.controller_id(0, ch, number) == Some(info.id)).collect();
        writeln!(
            out,
            "vst3 param {index} {} \"{}\" default {:.4} steps {} flags {} stands for {stands_for:?}",
            info.id,
            wide(&info.title),
            info.defaultNormalizedValue,
            info.stepCount,
            info.flags,
        )
        .unwrap();
    }
}

#[test]
fn what_hosts_store_has_not_changed() {
    let _turn = raw_host::alone();
    let host = Host::new();
    let plugin = host.instance();
    let mut seen = String::new();
    descriptors(&mut seen);
    parameters(&plugin, &mut seen);
    ports(&plugin, &mut seen);
    let of_the_instrument = seen.clone();
    plugin.destroy();
    controllers(&mut seen);

    // The effect has the same parameters.
    let effect = host.create_kind(Kind::Effect);
    assert!(effect.init());
    let (mut params, mut audio) = (String::new(), String::new());
    parameters(&effect, &mut params);
    assert!(params.lines().count() > 64 && of_the_instrument.contains(&params), "{params}");
    ports(&effect, &mut audio);
    audio.lines().for_each(|line| writeln!(seen, "effect {line}").unwrap());
    effect.destroy();

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/host_visible.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(file, &seen).expect("the golden file can be written");
    }
    let golden = std::fs::read_to_string(file).expect("the golden file is there");
    for (line, (seen, golden)) in seen.lines().zip(golden.lines()).enumerate() {
        assert_eq!(seen, golden, "line {}", line + 1);
    }
    assert_eq!(seen.lines().count(), golden.lines().count());
}

/// nice-plug keeps a description of its own (the editor shows it); it must not say anything else.
#[test]
fn both_descriptions_of_the_plugin_agree() {
    let mut seen = String::new();
    descriptors(&mut seen);
    let nice = nice_plug::wrapper::clap::PluginDescriptor::for_plugin::<krach::shell::Shell>();
    let desc = nice.clap_plugin_descriptor();
    // SAFETY: the list ends in null.
    let features = (0..).map(|i| unsafe { *desc.features.add(i) }).take_while(|feature| !feature.is_null());
    let features: Vec<_> = features.map(text).collect();
    let line = format!(
        "plugin {} \"{}\" by {}: {}",
        text(desc.id),
        text(desc.name),
        text(desc.vendor),
        features.join(" ")
    );
    assert_eq!(seen.lines().next(), Some(line.as_str()));
}

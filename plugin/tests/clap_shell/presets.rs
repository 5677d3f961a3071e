//! Presets: those that come with krach and the musician's own, listed, loaded and refused; and states that a host
//! saves as presets or for copies.

use clap_sys::ext::state_context::{
    CLAP_STATE_CONTEXT_FOR_DUPLICATE, CLAP_STATE_CONTEXT_FOR_PRESET, CLAP_STATE_CONTEXT_FOR_PROJECT,
};
use clap_sys::factory::preset_discovery::{
    CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
    CLAP_PRESET_DISCOVERY_LOCATION_FILE, CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN,
};
use raw_host::presets::Presets;

use super::*;

/// The folder for presets of this program, removed at the end: other tests look at what lies beside it.
struct Own(std::path::PathBuf);

/// With these files in it.
fn own(files: &[(&str, &str)]) -> Own {
    let folder = Own(run_folder().join(".krach").join("presets"));
    std::fs::create_dir_all(&folder.0).unwrap();
    for (name, text) in files {
        std::fs::write(folder.0.join(name), text).unwrap();
    }
    folder
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A node that sounds by itself.
const TONE: &str =
    r#"{"nodes":[{"name":"tone","source":"oscillator","gain":0.5}],"tempo":99,"krach":{"name":"theirs"}}"#;
const LOST: &str = r#"{"nodes":[{"name":"a","source":"gain"}],"routing":[{"source":"a","target":"b"}]}"#;

fn name_in(chunk: &[u8]) -> String {
    let payload = Payload::decode(chunk).unwrap();
    let session: serde_json::Value = serde_json::from_slice(payload.session()).unwrap();
    session["krach"]["name"].as_str().unwrap_or_default().to_owned()
}

fn named(name: &str) -> Vec<u8> {
    let mut edits = vec![Edit::Setting(Setting::Name(name.to_owned()))];
    edits.push(graph(json!({"nodes": [{"id": "o", "type_id": "oscillator"}]})));
    chunk(edits)
}

#[test]
fn a_host_lists_what_comes_with_krach_and_what_lies_in_the_folder() {
    let _turn = alone();
    let folder =
        own(&[("my tone.krach.json", TONE), ("broken.krach.json", "{"), ("lost.json", LOST), ("x.txt", "")]);
    let presets = Presets::look();
    assert_eq!(presets.endings, ["json"]);
    let places = [
        (CLAP_PRESET_DISCOVERY_LOCATION_PLUGIN, CLAP_PRESET_DISCOVERY_IS_FACTORY_CONTENT, String::new()),
        (
            CLAP_PRESET_DISCOVERY_LOCATION_FILE,
            CLAP_PRESET_DISCOVERY_IS_USER_CONTENT,
            folder.0.to_str().unwrap().to_owned(),
        ),
    ];
    assert_eq!(presets.places, places);
    let (bundled, own): (Vec<_>, Vec<_>) = presets.listed.iter().partition(|preset| !preset.key.is_empty());
    assert_eq!(bundled.len(), krach::presets::FACTORY.len());
    for (preset, session) in bundled.iter().zip(krach::presets::FACTORY) {
        assert_eq!((preset.name.as_str(), preset.key.as_str()), (session.name, session.key));
        assert_eq!(preset.about, session.about);
        assert_eq!(preset.plugins, ["clap:io.krach.krach", "clap:io.krach.krach-fx"]);
    }
    let [tone] = own[..] else { panic!("{own:?}") };
    assert_eq!((tone.name.as_str(), tone.plugins.len()), ("my tone", 2));
    assert_eq!(tone.extra, ["Tempo: 99 bpm"]);
    assert!(tone.changed > 0);
    let [broken, lost] = &presets.errors[..] else { panic!("{:?}", presets.errors) };
    assert!(broken.starts_with("broken: ") && broken.contains("line 1"), "{broken}");
    assert!(lost.contains("$.routing[0].target: there is no node b"), "{lost}");
    // Without the folder there is no place to look.
    std::fs::remove_dir_all(&folder.0).unwrap();
    assert_eq!(Presets::look().places.len(), 1);
}

#[test]
fn a_preset_is_loaded_and_a_broken_one_is_refused_with_its_reason() {
    let _turn = alone();
    let folder =
        own(&[("tone.krach.json", TONE), ("broken.krach.json", "{\"tempo\":-1}"), ("lost.krach.json", LOST)]);
    let host = Host::new();
    let (plugin, mut block) = playing(&host, &named("mine"), 512);
    assert_eq!(peak(&render(&plugin, &mut block, 4800, &[512], &[])), 0.0, "nothing is heard of the first");
    let before = plugin.save().unwrap();
    let heard = || std::mem::take(&mut *host.heard.presets.lock().unwrap());
    for (file, why) in [
        ("broken.krach.json", "$.tempo"),
        ("lost.krach.json", "there is no node b"),
        ("none.krach.json", "there is no file"),
    ] {
        assert!(!plugin.load_file(&folder.0.join(file)), "{file}");
        let told = heard();
        assert!(matches!(&told[..], [Err(told)] if told.contains(file) && told.contains(why)), "{told:?}");
        assert_eq!(plugin.save().as_ref(), Some(&before), "{file}: nothing has changed");
    }
    assert!(!plugin.load_bundled("elephant"));
    assert!(!plugin.load_location(7, std::ptr::null(), std::ptr::null()), "a kind that is not known");
    assert!(!plugin.load_location(CLAP_PRESET_DISCOVERY_LOCATION_FILE, std::ptr::null(), std::ptr::null()));
    let told = heard();
    assert!(told.len() == 3 && told.iter().all(Result::is_err), "{told:?}");
    assert!(told[0].as_ref().is_err_and(|why| why.contains("elephant")), "{told:?}");
    assert_eq!(plugin.save(), Some(before));

    assert!(plugin.load_file(&folder.0.join("tone.krach.json")), "while it plays");
    assert_eq!(heard(), [Ok(folder.0.join("tone.krach.json").to_str().unwrap().to_owned())]);
    render(&plugin, &mut block, 9600, &[512], &[]);
    assert!(peak(block.main()) > 0.05, "it is heard");
    assert_eq!(name_in(&plugin.save().unwrap()), "mine", "the instance has its name still");
    for session in krach::presets::FACTORY {
        assert!(plugin.load_bundled(session.key), "{}", session.key);
        assert_eq!(heard(), [Ok(session.key.to_owned())]);
    }
    plugin.destroy();
}

#[test]
fn a_preset_of_the_host_carries_no_name_and_a_copy_carries_all() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    assert!(plugin.load(&named("mine")));
    let save = |context| plugin.save_for(context).expect("a state");
    assert_eq!(Some(save(CLAP_STATE_CONTEXT_FOR_PROJECT)), plugin.save());
    assert_eq!(Some(save(CLAP_STATE_CONTEXT_FOR_DUPLICATE)), plugin.save());
    let preset = save(CLAP_STATE_CONTEXT_FOR_PRESET);
    assert_eq!((name_in(&preset), name_in(&plugin.save().unwrap())), (String::new(), "mine".to_owned()));

    let other = host.instance();
    assert!(other.load(&named("other")));
    assert!(other.load_for(&preset, CLAP_STATE_CONTEXT_FOR_PRESET));
    assert_eq!(name_in(&other.save().unwrap()), "other", "a preset leaves the name");
    // Also one that has a name, as a project's chunk that was kept as a preset has.
    assert!(other.load_for(&named("theirs"), CLAP_STATE_CONTEXT_FOR_PRESET));
    assert_eq!(name_in(&other.save().unwrap()), "other");
    let before = other.save();
    let broken = Payload::new(BTreeMap::new(), b"{\"tempo\":-1}".to_vec()).unwrap().encode().unwrap();
    assert!(!other.load_for(&broken, CLAP_STATE_CONTEXT_FOR_PRESET));
    assert_eq!(other.save(), before, "a preset that is refused is not the project");
    assert!(!other.load_for(&broken, CLAP_STATE_CONTEXT_FOR_PROJECT));
    assert_eq!(other.save().as_ref(), Some(&broken), "a project that is refused is kept");
    assert_ne!(other.save_for(CLAP_STATE_CONTEXT_FOR_PRESET), Some(broken), "a preset is what sounds");
    let preset = other.save_for(CLAP_STATE_CONTEXT_FOR_PRESET).expect("a state");
    assert!(host.instance().load_for(&preset, CLAP_STATE_CONTEXT_FOR_PRESET), "and can be loaded");

    let copy = host.instance();
    assert!(copy.load_for(&save(CLAP_STATE_CONTEXT_FOR_DUPLICATE), CLAP_STATE_CONTEXT_FOR_DUPLICATE));
    assert_eq!(name_in(&copy.save().unwrap()), "mine-2", "all of it, and its name is its own");
    for plugin in [plugin, other, copy] {
        plugin.destroy();
    }
}

/// What the host knows is the project: a preset that it saves on the way leaves an edit to be told.
#[test]
fn a_preset_that_is_saved_does_not_make_the_project_clean() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    assert!(plugin.load(&named("mine")));
    let folder = own(&[("tone.krach.json", TONE)]);
    assert!(plugin.load_file(&folder.0.join("tone.krach.json")));
    assert!(plugin.save_for(CLAP_STATE_CONTEXT_FOR_PRESET).is_some());
    assert!(host.main_thread(&plugin), "the edit is told");
    assert!(host.heard.dirty.load(Ordering::SeqCst) > 0);
    plugin.destroy();
}

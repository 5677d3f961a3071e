//! The host's track: what an instance is called that nobody has named.

use super::raw_host::vst3::Vst3;
use super::requests::until;
use super::*;

/// Name, track and colour in the entries beside the sockets, sorted by name.
fn entries() -> Vec<[serde_json::Value; 3]> {
    let mut found = Vec::new();
    let mut folders = vec![run_folder()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap().flatten() {
            if file.file_type().unwrap().is_dir() {
                folders.push(file.path());
            } else if file.path().extension().is_some_and(|end| end == "json") {
                let Ok(entry) =
                    serde_json::from_slice::<serde_json::Value>(&std::fs::read(file.path()).unwrap())
                else {
                    continue;
                };
                found.push(["name", "track", "colour"].map(|key| entry[key].clone()));
            }
        }
    }
    found.sort_by_key(|[name, ..]| name.to_string());
    found
}

fn within(what: &str, step: impl FnMut() -> bool) {
    assert!(until(step), "{what}: {:?}", entries());
}

fn named(session: &str) -> Vec<u8> {
    chunk(vec![Edit::Setting(Setting::Name(session.to_owned()))])
}

#[test]
fn an_instance_is_called_as_its_clap_track_until_its_session_has_a_name() {
    let _turn = alone();
    let host = Host::with_track("Bass", [255, 128, 0]);
    let are = |names: &[&str]| {
        let names = names.iter().map(|name| json!(name));
        within("they are called so", || entries().iter().map(|[name, ..]| name.clone()).eq(names.clone()));
    };
    // One after the other: whichever is announced first has the name.
    let first = host.instance();
    are(&["Bass"]);
    let second = host.instance();
    are(&["Bass", "Bass-2"]);
    assert_eq!(entries()[0], [json!("Bass"), json!("Bass"), json!("#ff8000")]);
    host.rename_track(&second, "Pad");
    are(&["Bass", "Pad"]);
    assert!(first.load(&named("lead")));
    are(&["Pad", "lead"]);
    host.rename_track(&first, "Keys");
    within("the track is told", || entries()[1][1] == "Keys");
    assert_eq!(entries()[1][0], "lead", "the session's name is above the track's");
    assert!(first.load(&named("")));
    are(&["Keys", "Pad"]);
    first.destroy();
    second.destroy();
}

#[test]
fn a_host_without_tracks_has_instances_called_by_their_ids() {
    let _turn = alone();
    let host = Host::new();
    let plugin = host.instance();
    within("there is an entry", || entries().len() == 1);
    let [name, track, colour] = entries().remove(0);
    assert_eq!((name.as_str().map(str::len), track, colour), (Some(12), json!(null), json!(null)));
    plugin.destroy();
}

#[test]
fn a_vst3_host_says_what_it_knows_of_the_track_bit_by_bit() {
    let _turn = alone();
    let plugin = Vst3::new();
    let is = |entry: [serde_json::Value; 3]| {
        within("it is told", || entries() == [entry.clone()]);
    };
    assert!(plugin.track(Some("Drums"), None));
    is([json!("Drums"), json!("Drums"), json!(null)]);
    assert!(plugin.track(None, Some(0xff10_20f0)));
    is([json!("Drums"), json!("Drums"), json!("#1020f0")]);
    let long = "x".repeat(200);
    assert!(plugin.track(Some(&long), None));
    is([json!("x".repeat(64)), json!("x".repeat(64)), json!("#1020f0")]);
}

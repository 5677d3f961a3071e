//! Session files over the socket: saved, opened, refused.

use serde_json::{Value, json};

use super::wire_client::{Home, client_of};
use super::{band, capture, ok, refused};

/// What is in the home, but for sockets and entries: name and length.
fn session_files(home: &Home) -> Vec<(String, u64)> {
    let files = std::fs::read_dir(home.path()).unwrap().map(|file| file.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.metadata().unwrap().len()));
    let mut sessions: Vec<_> = named.filter(|(name, _)| name.contains(".krach.json")).collect();
    sessions.sort();
    sessions
}

#[test]
fn a_session_goes_into_a_file_and_comes_back_as_one_step() {
    let home = Home::new("files");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    ok(&mut client, "name", json!({"name": "first"}));
    let full = capture(&mut client);
    let file = home.path().join("song.krach.json");
    let saved = ok(&mut client, "save_file", json!({"file": file}));
    let written = std::fs::read(&file).unwrap();
    assert_eq!(saved, json!({"file": file, "bytes": written.len(), "kept": null, "complete": true}));
    assert_eq!(serde_json::from_slice::<Value>(&written).unwrap(), full);
    // In another instance, which keeps its name.
    let other_home = Home::new("files-2");
    let other = other_home.instance();
    let mut there = client_of(&other);
    ok(&mut there, "name", json!({"name": "second"}));
    let before = capture(&mut there);
    let tried = ok(&mut there, "open_file", json!({"file": file, "dry_run": true}));
    assert_eq!((&tried["file"], &tried["dry_run"]), (&json!(file), &json!(true)));
    assert_eq!(capture(&mut there), before, "only tried");
    let opened = ok(&mut there, "open_file", json!({"file": file}));
    assert_eq!(opened["file"], json!(file));
    let mut wanted = full.clone();
    wanted["krach"]["name"] = "second".into();
    assert_eq!(capture(&mut there), wanted);
    ok(&mut there, "undo", json!({}));
    assert_eq!(capture(&mut there), before);
    ok(&mut there, "redo", json!({}));
    assert_eq!(capture(&mut there), wanted);
    // As a part of a batch.
    let open = json!({"method": "open_file", "params": {"file": file}});
    ok(&mut there, "batch", json!({"requests": [{"method": "clear"}, open]}));
    assert_eq!(capture(&mut there), wanted);
    let (place, _, _) = refused(&mut there, "batch", json!({"requests": [open, open]}));
    assert_eq!(place, "params.requests[1].method", "each is in memory, whole");
    // Scenes and macros that the file does not have are not there any more, as all else.
    ok(&mut there, "scene_save", json!({"name": "verse"}));
    ok(&mut there, "macro", json!({"macro": 1, "label": "bass/gain"}));
    ok(&mut there, "open_file", json!({"file": file}));
    assert_eq!(capture(&mut there), wanted);
}

#[test]
fn a_file_that_is_there_stays_or_is_kept_beside_the_new_one() {
    let home = Home::new("overwrite");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let file = home.path().join("song.krach.json");
    let first = ok(&mut client, "save_file", json!({"file": file}))["bytes"].as_u64().unwrap();
    band(&mut client);
    let (place, message, hint) = refused(&mut client, "save_file", json!({"file": file}));
    assert_eq!(place, "params.file");
    assert!(message.contains("there is a file") && hint.contains("overwrite"), "{message}: {hint}");
    assert_eq!(session_files(&home), [("song.krach.json".to_owned(), first)]);
    let saved = ok(&mut client, "save_file", json!({"file": file, "overwrite": true}));
    let second = saved["bytes"].as_u64().unwrap();
    assert_eq!(saved["kept"], json!(home.path().join("song.krach.json.bak")));
    let both = [("song.krach.json".to_owned(), second), ("song.krach.json.bak".to_owned(), first)];
    assert_eq!(session_files(&home), both);
    // Neither a link nor what it leads to is written, and nothing is left of the try.
    let link = home.path().join("link.krach.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for overwrite in [false, true] {
        let (_, message, _) =
            refused(&mut client, "save_file", json!({"file": link, "overwrite": overwrite}));
        assert!(message.contains("not a plain file"), "{message}");
    }
    std::fs::remove_file(link).unwrap();
    assert_eq!(session_files(&home), both);
}

#[test]
fn a_file_that_cannot_be_opened_says_where_and_changes_nothing() {
    let home = Home::new("bad-files");
    let instance = home.instance();
    let mut client = client_of(&instance);
    band(&mut client);
    let file = home.path().join("song.krach.json");
    let newer = json!({"krach": {"version": 999}}).to_string();
    let lost = json!({"nodes": [{"name": "a", "source": "gain"}],
        "routing": [{"source": "a", "target": "b"}]})
    .to_string();
    let fifo = home.path().join("fifo.krach.json");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for (text, wanted, said) in [
        ("", "song.krach.json: line 1", "not understood"),
        ("{\"tempo\": [1]}", "song.krach.json: $.tempo (line 1", "not understood"),
        (&lost, "song.krach.json: $.routing[0].target", "there is no node b"),
        ("{\"tempo\": -1}", "song.krach.json: $.tempo", "tempo"),
        (&newer, "song.krach.json: $.krach.version", "newer"),
    ] {
        std::fs::write(&file, text).unwrap();
        let (place, message, hint) = refused(&mut client, "open_file", json!({"file": file}));
        assert!(place.starts_with(wanted), "{text}: {place}");
        assert!(message.contains(said), "{text}: {message}");
        assert!(!hint.is_empty(), "{text}: {message}");
    }
    std::fs::write(&file, [0xff]).unwrap();
    for (file, said) in [
        (json!(file), "UTF-8"),
        (json!(fifo), "not a plain file"),
        (json!(home.path().join("none.krach.json")), "there is no file"),
        (json!("/etc/passwd"), "not the path of a session"),
        (json!("../song"), "no name of a session"),
        (json!("factory:hous"), "no session that comes with krach"),
        (json!(7), "not understood"),
    ] {
        let (place, message, hint) = refused(&mut client, "open_file", json!({"file": file}));
        assert_eq!(place, "params.file", "{file}");
        assert!(message.contains(said), "{file}: {message}");
        assert!(!hint.is_empty(), "{file}: {message}");
    }
    let (_, message, _) =
        refused(&mut client, "save_file", json!({"file": "/etc/passwd", "overwrite": true}));
    assert!(message.contains("not the path of a session"), "{message}");
    let (_, message, _) = refused(&mut client, "save_file", json!({"file": "/no/folder/a.krach.json"}));
    assert!(message.contains("/no/folder"), "{message}");
}

#[test]
fn what_comes_with_krach_is_listed_and_opened_by_its_key() {
    let home = Home::new("factory-session");
    let instance = home.instance();
    let mut client = client_of(&instance);
    let listed = ok(&mut client, "session_files", json!({}));
    let sessions = listed["sessions"].as_array().expect("a list");
    let files: Vec<&str> = sessions.iter().filter_map(|session| session["file"].as_str()).collect();
    let factory: Vec<String> =
        krach::presets::FACTORY.iter().map(|session| format!("factory:{}", session.key)).collect();
    assert!(files.ends_with(&factory.iter().map(String::as_str).collect::<Vec<_>>()), "{files:?}");
    assert!(sessions.iter().all(|s| s["file"].as_str().is_some_and(|f| !f.starts_with("factory:")) || s["about"].is_string()));
    let opened = ok(&mut client, "open_file", json!({"file": "factory:house"}));
    assert_eq!(opened["file"], "factory:house");
    assert!(!ok(&mut client, "describe", json!({}))["nodes"].as_array().expect("nodes").is_empty());
    ok(&mut client, "clear", json!({}));
    let mut undone = || ok(&mut client, "undo", json!({}))["undone"].clone();
    assert_eq!([undone(), undone()], ["clear", "open house"], "a step is what was done");
    for (file, hint) in [("factory:hous", "did you mean house?"), ("factory:zzzzzz", "there are acid")] {
        let (_, _, said) = refused(&mut client, "open_file", json!({"file": file}));
        assert!(said.starts_with(hint), "{file}: {said}");
    }
    let (_, _, said) = refused(&mut client, "open_file", json!({"file": "house"}));
    assert_eq!(said, "house comes with krach: factory:house");
}

//! Which words the sources of a folder do not say: `xtask/words.toml` lists them, with the files that may.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

const TABLE: &str = "xtask/words.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    word: Vec<Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    /// In small letters.
    word: String,
    /// The folder whose sources do not say it, in the checkout.
    folder: PathBuf,
    /// What to do instead.
    instead: String,
    /// The files that may say it, in the folder.
    places: BTreeSet<PathBuf>,
}

impl Word {
    /// The places that say it and may not, and those that may and do not.
    fn faults<'a>(&self, sources: impl IntoIterator<Item = (&'a Path, &'a str)>) -> Vec<String> {
        let Self { word, folder, instead, places } = self;
        let mut faults = Vec::new();
        let mut needed = BTreeSet::new();
        for (path, text) in sources {
            let Some(place) = within(path, folder) else { continue };
            let lines = text.lines().enumerate().filter(|(_, line)| line.to_lowercase().contains(word));
            let found: Vec<usize> = lines.map(|(at, _)| at + 1).collect();
            if places.contains(place) {
                needed.extend((!found.is_empty()).then_some(place));
                continue;
            }
            let fault = |line| format!("{}:{line}: says `{word}`: {instead} ({TABLE})", path.display());
            faults.extend(found.into_iter().map(fault));
        }
        let idle = places.iter().filter(|place| !needed.contains(place.as_path()));
        faults.extend(idle.map(|place| {
            format!(
                "{TABLE}: {} does not say `{word}`: take it out of the list",
                folder.join(place).display()
            )
        }));
        faults
    }
}

/// The path within a folder of the checkout, if it lies there.
fn within<'a>(path: &'a Path, folder: &Path) -> Option<&'a Path> {
    if folder == Path::new(".") { Some(path) } else { path.strip_prefix(folder).ok() }
}

/// All Rust sources of the checkout with their texts, by paths within it.
fn sources(root: &Path, folder: &Path, into: &mut Vec<(PathBuf, String)>) -> Result<()> {
    let path = root.join(folder);
    let entries = fs::read_dir(&path).map_err(|source| Failure::file("list", &path, source))?;
    for entry in entries.filter_map(std::result::Result::ok) {
        let (name, path) = (entry.file_name(), entry.path());
        let inner = folder.join(&name);
        if path.is_dir() {
            // What a build leaves, and what begins with a dot, is not ours.
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                sources(root, &inner, into)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
            into.push((inner, text));
        }
    }
    Ok(())
}

#[test]
fn words_stand_only_where_they_belong() {
    let root = Workspace::of_tests().root;
    let text = fs::read_to_string(root.join(TABLE)).unwrap();
    let table: Table = basic_toml::from_str(&text).unwrap();
    let mut all = Vec::new();
    sources(&root, Path::new(""), &mut all).unwrap();
    let of_word = |word: &Word| word.faults(all.iter().map(|(path, text)| (path.as_path(), text.as_str())));
    let faults: Vec<String> = table.word.iter().flat_map(of_word).collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_word_is_found_in_any_case_and_only_in_its_folder_and_an_idle_place_is_a_fault() {
    let word = Word {
        word: "cello".to_owned(),
        folder: PathBuf::from("a/src"),
        instead: "say viola".to_owned(),
        places: ["may.rs", "idle.rs"].map(PathBuf::from).into(),
    };
    let sources = [
        ("a/src/b/x.rs", "fn viola() {}\n// A Cello.\nfn cello_of() {}\n"),
        ("a/src/may.rs", "cello"),
        ("a/src/idle.rs", "viola"),
        ("a/tests/x.rs", "cello"),
        ("b/src/x.rs", "cello"),
    ];
    assert_eq!(
        word.faults(sources.map(|(path, text)| (Path::new(path), text))),
        [
            "a/src/b/x.rs:2: says `cello`: say viola (xtask/words.toml)",
            "a/src/b/x.rs:3: says `cello`: say viola (xtask/words.toml)",
            "xtask/words.toml: a/src/idle.rs does not say `cello`: take it out of the list",
        ]
    );
}

//! Which part of a package may use which: `xtask/arrows.toml` lists the parts of each folder from the bottom up, and
//! a part uses only what stands below it. The tests of a file are left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::workspace::Workspace;

const TABLE: &str = "xtask/arrows.toml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    folder: Vec<Folder>,
    package: Vec<Package>,
}

/// A package that uses only some parts of another.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    /// The folder of its sources, in the checkout.
    path: PathBuf,
    /// The other, as sources name it.
    uses: String,
    /// What of it.
    parts: Vec<String>,
}

impl Package {
    fn look(&self, root: &Path, faults: &mut Vec<String>) -> Result<()> {
        let mut files = Vec::new();
        sources(&root.join(&self.path), &mut Vec::new(), &mut files)?;
        let mut uses = 0;
        for (_, path) in files {
            let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            for (line, part) in used_of(&text, &self.uses) {
                uses += 1;
                if !self.parts.contains(&part) {
                    let parts = self.parts.join(", ");
                    faults.push(format!(
                        "{shown}:{line}: of {} only {parts} may be used here, not {part} ({TABLE})",
                        self.uses
                    ));
                }
            }
        }
        if uses == 0 {
            faults.push(format!("{TABLE}: {} uses nothing of {}", self.path.display(), self.uses));
        }
        Ok(())
    }
}

/// The parts of another package that a file names, each with its line.
fn used_of(text: &str, package: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let start = format!("{package}::");
    for (at, _) in text.match_indices(&start) {
        let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let before = text[line_start..at].trim_start();
        if before.starts_with("//") || before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = text[..at].matches('\n').count() + 1;
        let firsts = firsts(&text[at + start.len()..]);
        found.extend(firsts.into_iter().filter_map(|path| Some((line, path.into_iter().next()?))));
    }
    found
}

/// A folder of sources and its parts: files and folders directly within it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    /// In the checkout.
    path: PathBuf,
    /// Where the folder stands in its package's tree of modules: none for the package itself.
    #[serde(default)]
    module: Vec<String>,
    /// From the bottom up; parts of one floor do not use each other.
    floors: Vec<Vec<String>>,
}

/// Every arrow that goes up or sideways, and every part that has no floor.
fn faults(root: &Path) -> Result<Vec<String>> {
    let path = root.join(TABLE);
    let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
    let table: Table = basic_toml::from_str(&text).map_err(|error| Failure::Content {
        path,
        line: None,
        problem: error.to_string(),
    })?;
    let mut faults = Vec::new();
    for folder in &table.folder {
        folder.look(root, &mut faults)?;
    }
    for package in &table.package {
        package.look(root, &mut faults)?;
    }
    Ok(faults)
}

impl Folder {
    fn look(&self, root: &Path, faults: &mut Vec<String>) -> Result<()> {
        let mut floor_of = BTreeMap::new();
        for (floor, parts) in self.floors.iter().enumerate() {
            for part in parts {
                if floor_of.insert(part.as_str(), floor).is_some() {
                    faults.push(format!("{TABLE}: {part} of {} has two floors", self.path.display()));
                }
            }
        }
        let mut files = Vec::new();
        sources(&root.join(&self.path), &mut Vec::new(), &mut files)?;
        let mut seen = BTreeMap::new();
        for (module, path) in files {
            let Some(part) = module.first() else { continue };
            let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            let Some(&floor) = floor_of.get(part.as_str()) else {
                faults.push(format!("{shown}: {TABLE} does not say on which floor {part} stands"));
                continue;
            };
            seen.insert(part.clone(), ());
            for (line, used) in used(&text, &self.module, &module) {
                let Some(&below) = floor_of.get(used.as_str()).filter(|_| used != *part) else { continue };
                if below >= floor {
                    faults.push(format!(
                        "{shown}:{line}: {part} may not use {used}, which does not stand below it; what both need \
                         belongs to a part below both ({TABLE})"
                    ));
                }
            }
        }
        let gone = floor_of.keys().filter(|part| !seen.contains_key(**part));
        faults.extend(gone.map(|part| format!("{TABLE}: there is no {part} in {}", self.path.display())));
        Ok(())
    }
}

/// The sources of a folder with the modules that they are.
fn sources(folder: &Path, module: &mut Vec<String>, into: &mut Vec<(Vec<String>, PathBuf)>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(|source| Failure::file("list", folder, source))?;
    for entry in entries.filter_map(std::result::Result::ok) {
        let path = entry.path();
        let Some(name) = path.file_stem().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        if path.is_dir() {
            module.push(name);
            sources(&path, module, into)?;
            module.pop();
        } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
            let mut own = module.clone();
            if name != "mod" && !(module.is_empty() && name == "lib") {
                own.push(name);
            }
            into.push((own, path));
        }
    }
    Ok(())
}

/// The parts that a file of the module `own` names, each with its line. `base` is the module of the folder itself.
fn used(text: &str, base: &[String], own: &[String]) -> Vec<(usize, String)> {
    let text = text.split("\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some((at, start)) = ["crate::", "super::"]
        .iter()
        .filter_map(|start| text[rest..].find(start).map(|at| (rest + at, *start)))
        .min_by_key(|(at, _)| *at)
    {
        rest = at + start.len();
        let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let before = text[line_start..at].trim_start();
        // `super::super::` is looked at from its first word; comments and the ends of other words are no paths.
        let is_path = !before.starts_with("//")
            && !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if !is_path {
            continue;
        }
        let full: Vec<String> = base.iter().chain(own).cloned().collect();
        let (mut module, mut tail) = (full, &text[at..]);
        if let Some(after) = tail.strip_prefix("crate::") {
            (module, tail) = (Vec::new(), after);
        }
        while let Some(after) = tail.strip_prefix("super::") {
            module.pop();
            tail = after;
        }
        let line = text[..at].matches('\n').count() + 1;
        for first in firsts(tail) {
            let path: Vec<&str> =
                module.iter().map(String::as_str).chain(first.iter().map(String::as_str)).collect();
            if path.len() > base.len() && path.iter().zip(base).all(|(a, b)| a == b) {
                found.push((line, path[base.len()].to_owned()));
            }
        }
    }
    found
}

/// The words with which the paths of a tail begin: `a::{b, c::d}` gives `a b` and `a c d`, at most three words each.
fn firsts(tail: &str) -> Vec<Vec<String>> {
    let word = tail.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(tail.len());
    if word > 0 {
        let (first, after) = (tail[..word].to_owned(), &tail[word..]);
        return match after.strip_prefix("::") {
            Some(after) if after.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '{') => {
                let inner = firsts(after);
                inner
                    .into_iter()
                    .map(|path| [vec![first.clone()], path].concat().into_iter().take(3).collect())
                    .collect()
            }
            _ => vec![vec![first]],
        };
    }
    let Some(list) = tail.strip_prefix('{') else { return vec![Vec::new()] };
    let (mut depth, mut start, mut paths) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                paths.extend(firsts(list[start..at].trim_start()));
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                paths.extend(firsts(list[start..at].trim_start()));
                start = at + 1;
            }
            _ => {}
        }
    }
    paths
}

#[test]
fn parts_use_only_what_stands_below_them() {
    let faults = faults(&Workspace::of_tests().root).unwrap();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_a_file_uses_of_another_package_is_read_in_every_way_of_writing_it() {
    let text = "use other::{node::{self, Port}, plan::Plan};\n// other::engine\nlet x = other::voice::get();\nmy_other::a();\n";
    let names: Vec<(usize, String)> = used_of(text, "other");
    let expected = [(1, "node"), (1, "node"), (1, "plan"), (3, "voice")];
    assert_eq!(names, expected.map(|(line, part)| (line, part.to_owned())));
}

#[test]
fn what_a_file_uses_is_read_in_every_way_of_writing_it() {
    let own = ["plan".to_owned(), "adopt".to_owned()];
    let names = |text: &str| used(text, &[], &own).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names("use crate::node::Node;\n"), ["node"]);
    assert_eq!(names("use crate::{node::{Node, Port}, graph};\n"), ["node", "node", "graph"]);
    assert_eq!(names("use super::super::voice::Voice;\n"), ["voice"]);
    assert_eq!(names("use super::shadow;\n"), ["plan"]);
    assert_eq!(names("fn f() -> crate::clock::Clock {}\n"), ["clock"]);
    assert_eq!(names("// crate::engine\nlet x = my_crate::a;\n"), [""; 0]);
    assert_eq!(names("#[cfg(test)]\nmod tests {\n    use crate::engine::Engine;\n}\n"), [""; 0]);
    let base = ["wire".to_owned()];
    let within: Vec<_> = used("use super::rpc::Error;\nuse crate::socket::Lost;\n", &base, &own[..1]);
    assert_eq!(within, [(1, "rpc".to_owned())]);
}

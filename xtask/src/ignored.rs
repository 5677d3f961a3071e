//! Holds the sources to the rule of ignored tests: what takes longer than a minute, or a body for another process.

use std::fs;

use crate::soak::PREFIX;
use crate::workspace::Workspace;

/// What is wrong with the ignored tests of a source file.
///
/// A reason begins `soak: `, and the test's name `soak_`; or it begins `run by `, and the name does not. A test of
/// that name is ignored: else each run of the gate would have it.
fn faults(source: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let (mut reason, mut is_test) = (None, false);
    for line in source.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("#[ignore") {
            let text = rest.strip_prefix(" = \"").and_then(|rest| rest.strip_suffix("\"]"));
            reason = Some(text.unwrap_or_default().to_owned());
        } else if line == "#[test]" {
            is_test = true;
        } else if let Some(name) = name(line) {
            let is_soak = name.starts_with(PREFIX);
            match reason.take().as_deref() {
                Some(text) if text.starts_with("soak: ") && is_soak => {}
                Some(text) if text.starts_with("run by ") && !is_soak => {}
                Some(text) => faults.push(format!("{name} is ignored for {text:?}")),
                None if is_test && is_soak => faults.push(format!("{name} is not ignored")),
                None => {}
            }
            is_test = false;
        }
    }
    faults
}

/// The function that a line begins.
fn name(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("fn ")?;
    Some(&rest[..rest.find(['(', '<'])?])
}

#[test]
fn every_ignored_test_says_who_runs_it() {
    let workspace = Workspace::of_tests();
    let files = workspace.files().unwrap();
    let (mut sources, mut soaks) = (0, 0);
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
        let source = fs::read_to_string(workspace.root.join(file)).unwrap();
        assert_eq!(faults(&source), [""; 0], "{}", file.display());
        sources += 1;
        soaks += source.matches("#[ignore = \"soak: ").count();
        // The harness holds back what a test prints that passes. This program is none.
        let held_back = source.contains(concat!("println!(\"", "not checked")) && !file.starts_with("xtask");
        assert!(!held_back, "{}: written to stderr it reaches the summary", file.display());
    }
    assert!(sources > 100, "{sources}");
    assert!(soaks > 0, "there is something to soak");
}

#[test]
fn a_test_that_nobody_would_run_is_found() {
    let test = |attribute: &str, name: &str| faults(&format!("#[test]\n{attribute}\nfn {name}() {{"));
    assert_eq!(test("#[ignore = \"soak: four minutes\"]", "soak_all"), [""; 0]);
    assert_eq!(test("#[ignore = \"run by another\"]", "child"), [""; 0]);
    assert_eq!(test("", "short"), [""; 0]);
    assert_eq!(test("#[ignore]", "lost"), ["lost is ignored for \"\""]);
    assert_eq!(test("#[ignore = \"flaky\"]", "lost"), ["lost is ignored for \"flaky\""]);
    assert_eq!(test("#[ignore = \"soak: long\"]", "all"), ["all is ignored for \"soak: long\""]);
    assert_eq!(test("#[ignore = \"run by x\"]", "soak_x"), ["soak_x is ignored for \"run by x\""]);
    assert_eq!(test("", "soak_all"), ["soak_all is not ignored"]);
}

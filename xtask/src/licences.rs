//! What others wrote and krach is built with: its licences are on the list of `deny.toml`, and all of it comes
//! from crates.io. Reads what cargo knows offline; known faults (advisories) are cargo-deny's: `cargo xtask audit`.

use std::fs;

use serde::Deserialize;
use spdx::{Expression, ParseMode};

use crate::failure::{Failure, Result};
use crate::workspace::{Workspace, output, run};

const LIST: &str = "deny.toml";
/// Where packages may come from, as cargo names it whatever mirror it asks.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// `deny.toml`, as far as it is read here.
#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

/// Licences that one package alone may have.
#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    package: String,
    allow: Vec<String>,
}

impl Licenses {
    fn allows(&self, package: &str, license: &str) -> bool {
        // "Or later": the one of the list may be chosen.
        let earliest = license.strip_suffix('+').unwrap_or(license);
        let is_in = |list: &[String]| list.iter().any(|allowed| allowed == license || allowed == earliest);
        is_in(&self.allow)
            || self.exceptions.iter().any(|except| except.package == package && is_in(&except.allow))
    }
}

/// `cargo metadata`, as far as it is read here.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    /// None: part of the workspace.
    source: Option<String>,
}

/// Holds every package of the lock file, of all features and platforms, to the list.
///
/// # Errors
/// If one has no licence of the list, or comes from elsewhere.
pub fn check(workspace: &Workspace) -> Result<()> {
    let path = workspace.root.join(LIST);
    let list = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
    let mut metadata = workspace.cargo(["metadata", "--format-version", "1", "--all-features", "--locked"]);
    let checked = faults(&list, &output(&mut metadata)?)?;
    if checked.faults.is_empty() {
        println!("licences: {} packages are under licences of {LIST}", checked.packages);
        return Ok(());
    }
    Err(Failure::Check(checked.faults.join("\n       ")))
}

/// Gets cargo-deny into the target folder where it is not there yet, and runs all of its checks.
///
/// # Errors
/// If it cannot be built, or finds fault.
pub fn audit(workspace: &Workspace) -> Result<()> {
    if !crate::workspace::on_path("cargo-deny") {
        let tools = workspace.target.join("tools");
        let mut install = workspace.cargo(["install", "--locked", "cargo-deny@0.20.2", "--root"]);
        run(install.arg(&tools))?;
        let program = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
        let mut deny = std::process::Command::new(program);
        return run(deny.arg("check").current_dir(&workspace.root));
    }
    run(&mut workspace.cargo(["deny", "check"]))
}

struct Checked {
    packages: usize,
    faults: Vec<String>,
}

fn faults(list: &str, metadata: &str) -> Result<Checked> {
    let unreadable = |what: &str, error: &dyn std::fmt::Display| Failure::Check(format!("{what}: {error}"));
    let deny: Deny = basic_toml::from_str(list).map_err(|error| unreadable(LIST, &error))?;
    let metadata: Metadata =
        serde_json::from_str(metadata).map_err(|error| unreadable("cargo metadata", &error))?;
    let others: Vec<&Package> = metadata.packages.iter().filter(|package| package.source.is_some()).collect();
    if others.is_empty() {
        return Err(Failure::Check("licences: `cargo metadata` names no package of others".to_owned()));
    }
    let faults = others.iter().filter_map(|package| fault(package, &deny.licenses)).collect();
    Ok(Checked { packages: others.len(), faults })
}

/// What is wrong with a package, if anything.
fn fault(package: &Package, licenses: &Licenses) -> Option<String> {
    let named = |what: &str| Some(format!("{} {}: {what}", package.name, package.version));
    if package.source.as_deref() != Some(CRATES_IO) {
        return named(&format!("comes from {:?}, not from crates.io", package.source));
    }
    let Some(license) = &package.license else {
        return named("names no licence");
    };
    match Expression::parse_mode(license, ParseMode::LAX) {
        // "MIT/Apache-2.0" is the older way to write OR.
        Ok(expression) => {
            let is_allowed =
                expression.evaluate(|wanted| licenses.allows(&package.name, &wanted.to_string()));
            if is_allowed { None } else { named(&format!("`{license}` is not allowed by {LIST}")) }
        }
        Err(error) => named(&format!("`{license}` is no licence expression: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "[licenses]\nallow = [\"MIT\", \"Apache-2.0\", \"Apache-2.0 WITH LLVM-exception\"]";

    fn of(license: &str, source: &str) -> Vec<String> {
        let metadata = format!(
            r#"{{"packages":[{{"name":"krach","version":"0.1.0","license":null,"source":null}},
                {{"name":"x","version":"1.2.3","license":{license},"source":"{source}"}}]}}"#
        );
        faults(LIST, &metadata).unwrap().faults
    }

    #[test]
    fn a_choice_needs_one_licence_of_the_list_and_a_sum_needs_all() {
        let fine = [
            "MIT",
            "MIT OR GPL-3.0-only",
            "MIT/Apache-2.0",
            "(GPL-2.0-only OR MIT) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception",
            "Apache-2.0+",
        ];
        for license in fine {
            assert_eq!(of(&format!("\"{license}\""), CRATES_IO), [""; 0], "{license}");
        }
        for license in
            ["GPL-3.0-only", "MIT AND GPL-3.0-or-later", "LGPL-2.1-or-later", "MPL-2.0", "GPL-2.0+"]
        {
            let faults = of(&format!("\"{license}\""), CRATES_IO);
            assert_eq!(faults, [format!("x 1.2.3: `{license}` is not allowed by deny.toml")]);
        }
    }

    #[test]
    fn an_exception_is_for_its_package_alone() {
        let list =
            |name: &str| format!("{LIST}\nexceptions = [{{ crate = \"{name}\", allow = [\"OFL-1.1\"] }}]");
        let metadata = format!(
            r#"{{"packages":[{{"name":"fonts","version":"1.0.0","license":"MIT AND OFL-1.1","source":"{CRATES_IO}"}}]}}"#
        );
        assert_eq!(faults(&list("fonts"), &metadata).unwrap().faults, [""; 0]);
        assert_eq!(faults(&list("other"), &metadata).unwrap().faults.len(), 1);
    }

    #[test]
    fn a_package_without_a_licence_or_from_elsewhere_is_refused() {
        assert_eq!(of("null", CRATES_IO), ["x 1.2.3: names no licence"]);
        let faults = of("\"MIT\"", "git+https://example.org/x");
        assert!(faults[0].contains("not from crates.io"), "{faults:?}");
        assert!(of("\"My Own\"", CRATES_IO)[0].contains("is no licence expression"));
    }

    #[test]
    fn a_list_of_nothing_is_not_taken_for_a_clean_one() {
        assert!(faults(LIST, r#"{"packages":[]}"#).is_err());
        assert!(faults("[bans]", r#"{"packages":[]}"#).is_err());
    }
}

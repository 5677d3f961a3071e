//! `validate`: the bundles before the validators that others have written, as far as they are installed.

use std::path::Path;
use std::process::Command;

use crate::bundle::{Bundles, bundle};
use crate::failure::{Failure, Result};
use crate::workspace::{Workspace, line, on_path, run};

/// A program that judges plugins by its exit status.
pub struct Validator {
    /// Its name on the search path.
    pub program: &'static str,
    /// Arguments before the bundle.
    arguments: &'static [&'static str],
    /// Which bundle it understands.
    format: Format,
    /// Where it comes from.
    home: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Clap,
    Vst3,
}

/// All that are known.
pub const VALIDATORS: &[Validator] = &[
    Validator {
        program: "clap-validator",
        arguments: &["validate"],
        format: Format::Clap,
        home: "https://github.com/free-audio/clap-validator",
    },
    Validator {
        program: "pluginval",
        arguments: &["--strictness-level", "10", "--validate"],
        format: Format::Vst3,
        home: "https://github.com/Tracktion/pluginval",
    },
    Validator {
        // Of Steinberg's VST3 SDK.
        program: "validator",
        arguments: &[],
        format: Format::Vst3,
        home: "https://github.com/steinbergmedia/vst3sdk",
    },
];

/// Bundles, runs every validator that is on the search path, and tells which were not found.
///
/// # Errors
/// If bundling fails, a validator finds fault, or none is there: then nothing was checked.
pub fn validate(workspace: &Workspace) -> Result<()> {
    let (found, missing): (Vec<_>, Vec<_>) = VALIDATORS.iter().partition(|validator| validator.is_here());
    for validator in &missing {
        println!("not checked: {}", validator.missing());
    }
    let ran = some(found.len())?;
    let bundles = bundle(workspace)?;
    judge(found.iter().map(|validator| validator.command(&bundles)))?;
    println!("validate: {ran} of {} validators ran and found no fault", VALIDATORS.len());
    Ok(())
}

/// Of no validator there is no verdict.
fn some(found: usize) -> Result<usize> {
    match found {
        0 => Err(Failure::Check("validate: nothing was checked: no validator is installed".to_owned())),
        found => Ok(found),
    }
}

impl Validator {
    /// Is it on the search path?
    pub fn is_here(&self) -> bool {
        on_path(self.program)
    }

    /// Says that it is not there, and where it comes from.
    pub fn missing(&self) -> String {
        format!("{} is not on the search path ({})", self.program, self.home)
    }

    /// Runs it on the bundle that it understands.
    ///
    /// # Errors
    /// If it finds fault.
    pub fn run(&self, bundles: &Bundles) -> Result<()> {
        judge(std::iter::once(self.command(bundles)))
    }

    fn command(&self, bundles: &Bundles) -> Command {
        let bundle: &Path = match self.format {
            Format::Clap => &bundles.clap,
            Format::Vst3 => &bundles.vst3,
        };
        let mut command = Command::new(self.program);
        command.args(self.arguments).arg(bundle);
        command
    }
}

/// Runs all, also after one that failed.
fn judge(commands: impl Iterator<Item = Command>) -> Result<()> {
    let mut failed = Vec::new();
    for mut command in commands {
        if let Err(failure) = run(&mut command) {
            eprintln!("validate: {failure}");
            failed.push(line(&command));
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::Check(format!("faults found by {}", failed.join(", "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_validator_gets_the_bundle_that_it_understands() {
        let bundles = Bundles { clap: "b/krach.clap".into(), vst3: "b/krach.vst3".into() };
        let lines: Vec<_> = VALIDATORS.iter().map(|validator| line(&validator.command(&bundles))).collect();
        let expected = [
            "clap-validator validate b/krach.clap",
            "pluginval --strictness-level 10 --validate b/krach.vst3",
            "validator b/krach.vst3",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn where_no_validator_is_nothing_was_checked_and_that_is_no_success() {
        assert_eq!(some(2).unwrap(), 2);
        assert!(some(0).unwrap_err().to_string().contains("nothing was checked"));
        assert!(VALIDATORS[0].missing().starts_with("clap-validator is not on the search path (https://"));
    }

    #[test]
    fn one_fault_fails_the_whole_and_the_others_still_run() {
        let cargo = |argument: &str| {
            let mut command = Command::new(env!("CARGO"));
            command.arg(argument).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            command
        };
        let fine = || cargo("--version");
        assert!(judge([fine(), fine()].into_iter()).is_ok());
        let text =
            judge([cargo("no-such-1"), fine(), cargo("no-such-2")].into_iter()).unwrap_err().to_string();
        assert!(text.contains("no-such-1") && text.contains("no-such-2"), "{text}");
        assert!(!text.contains("--version"), "{text}");
    }
}

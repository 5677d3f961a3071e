//! `run`: krach with a window and a sound card, without a DAW.

use crate::failure::Result;
use crate::setup::{Need, setup};
use crate::workspace::{Workspace, run};

/// What the program says of its options.
const HELP: &str = include_str!("../../plugin/src/standalone/help.txt");

/// The help, where it is asked for: nothing needs to be built for that.
fn help_for(arguments: &[String]) -> Option<&'static str> {
    let options = arguments.iter().take_while(|word| *word != "--");
    options.into_iter().any(|word| word == "-h" || word == "--help").then_some(HELP)
}

/// Builds the program and runs it with the arguments given. It ends with its window, or by Ctrl-C.
///
/// # Errors
/// If a package is missing and cannot be installed, the build fails, or the program reports failure.
pub fn standalone(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    if let Some(help) = help_for(arguments) {
        print!("{help}");
        return Ok(());
    }
    setup(&[Need::Plugin, Need::Window, Need::Sound])?;
    let mut command = workspace.cargo(["run", "--release", "--package", "krach-plugin"]);
    command.args(["--features", "standalone", "--bin", "krach-standalone", "--"]).args(arguments);
    // Here they are the musician's own: where the socket and the sounds are.
    command.envs(std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NOISE_")));
    run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_help_gets_it_without_a_build() {
        let asked = |words: &[&str]| help_for(&words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
        for words in [&["--help"][..], &["-h"], &["--tempo", "90", "--help"]] {
            let help = asked(words).expect("the help");
            assert!(help.contains("--period-size N") && help.ends_with("every second.\n"), "{words:?}");
        }
        assert_eq!(asked(&[]), None);
        assert_eq!(asked(&["--tempo", "90", "song.krach.json"]), None);
        assert_eq!(asked(&["--", "--help"]), None, "a file of that name");
    }
}

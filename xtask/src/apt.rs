//! `apt-get`, as root, asking nothing, and waiting where another one runs.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::failure::{Failure, Result};
use crate::workspace::line;

/// Between two tries of a lock.
const PAUSE: Duration = Duration::from_secs(5);
/// Half an hour.
const TRIES: u32 = 360;
/// Every minute it says that it still waits.
const SAID: u32 = 12;

/// What apt and dpkg say, in English, where another process has one of their locks: on the lists (`update`), on
/// the archives (download), on dpkg itself. apt's own `DPkg::Lock::Timeout` waits for the last only.
const LOCKED: &[&str] = &["Could not get lock", "Unable to lock", "Unable to acquire the dpkg frontend lock"];

/// Runs `apt-get` with these arguments. Where another apt holds a lock, says so and waits for it.
///
/// # Errors
/// If apt fails for another reason, or half an hour passes.
pub fn apt_get(arguments: &[&str]) -> Result<()> {
    patiently(|| command(arguments), || std::thread::sleep(PAUSE))
}

fn patiently(command: impl Fn() -> Command, mut pause: impl FnMut()) -> Result<()> {
    println!("$ {}", line(&command()));
    for tried in 0..TRIES {
        let mut command = command();
        let attempt = attempt(&mut command);
        let failed = |how: String| Failure::Program { line: line(&command), ended: how };
        let (ended_well, how, holder) =
            attempt.map_err(|error| failed(format!("could not start: {error}")))?;
        match holder {
            _ if ended_well => return Ok(()),
            None => return Err(failed(format!("ended with {how}"))),
            Some(holder) if tried % SAID == 0 => println!("setup: waits for another apt ({holder})"),
            Some(_) => {}
        }
        pause();
    }
    let waited = PAUSE * TRIES;
    Err(Failure::Check(format!("setup: another apt still runs after {} minutes", waited.as_secs() / 60)))
}

/// Runs it once: whether and how it ended, and what it says of a lock. Its other complaints stay on our terminal.
fn attempt(command: &mut Command) -> std::io::Result<(bool, String, Option<String>)> {
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let (mut holder, mut after) = (None, Vec::new());
    if let Some(stderr) = child.stderr.take() {
        for bytes in BufReader::new(stderr).split(b'\n') {
            let bytes = bytes?;
            let text = String::from_utf8_lossy(&bytes);
            if holder.is_none() && LOCKED.iter().any(|words| text.contains(words)) {
                holder = Some(text.trim_start_matches("E: ").to_owned());
            }
            // What follows on a lock's complaint is its consequence.
            if holder.is_some() {
                after.push(text.into_owned());
            } else {
                eprintln!("{text}");
            }
        }
    }
    let status = child.wait()?;
    // It went on all the same (it waited by itself): nothing is kept back.
    if status.success() {
        after.iter().for_each(|text| eprintln!("{text}"));
    }
    Ok((status.success(), status.to_string(), holder))
}

/// `apt-get` that asks nothing and speaks English, as root: by itself or through sudo.
fn command(arguments: &[&str]) -> Command {
    let mut command = if is_root() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get"]);
        sudo
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").args(arguments);
    command
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn nothing_is_asked_while_installing() {
        let command = command(&["install", "--yes", "zip"]);
        let line = line(&command);
        assert!(line.ends_with("apt-get install --yes zip"), "{line}");
        for (name, value) in [("DEBIAN_FRONTEND", "noninteractive"), ("LC_ALL", "C")] {
            let set = command.get_envs().find(|(key, _)| *key == name);
            assert_eq!(set.unwrap().1.unwrap(), value);
        }
    }

    #[test]
    fn each_lock_of_another_apt_is_waited_for() {
        let locks = [
            "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)",
            "E: Could not get lock /var/cache/apt/archives/lock. It is held by process 7 (apt-get)",
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (dpkg)",
            "E: Unable to lock directory /var/lib/apt/lists/",
            "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        ];
        for lock in locks {
            let file = std::env::temp_dir().join(format!("krach-apt-{}", std::process::id()));
            std::fs::write(&file, "").unwrap();
            let script = format!("[ -e {0} ] || exit 0; echo '{lock}' >&2; exit 100", file.display());
            let mut pauses = 0;
            let held = patiently(
                || shell(&script),
                || {
                    pauses += 1;
                    if pauses == 3 {
                        std::fs::remove_file(&file).unwrap();
                    }
                },
            );
            held.unwrap();
            assert_eq!(pauses, 3, "{lock}");
        }
    }

    #[test]
    fn another_fault_is_not_waited_for() {
        let missing = || shell("echo 'E: Unable to locate package zip' >&2; exit 100");
        let error = patiently(missing, || panic!("it waits")).unwrap_err().to_string();
        assert!(error.contains("100"), "{error}");
    }

    #[test]
    fn the_wait_has_an_end() {
        let locked = || shell("echo 'E: Could not get lock /x' >&2; exit 100");
        let mut pauses = 0;
        let error = patiently(locked, || pauses += 1).unwrap_err().to_string();
        assert!(error.contains("30 minutes"), "{error}");
        assert_eq!(pauses, TRIES);
    }
}

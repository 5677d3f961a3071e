//! The small file beside each socket by which clients find instances, and the sweeping of what crashed
//! processes left behind.

use std::io;
use std::path::{Path, PathBuf};

use krach_files::{Links, list, read, write_private};
use serde::{Deserialize, Serialize};

/// Most bytes of an entry that are read: ours have a few hundred.
const MAX_ENTRY: u64 = 64 << 10;
/// Most files of a folder that are looked at.
const MAX_FILES: usize = 4096;

/// Longest name of an instance, in characters.
pub const MAX_NAME: usize = 64;

/// What `<instance id>.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The instance's id, as in the name of the file.
    pub instance: String,
    /// The instance's name, by which clients attach.
    pub name: String,
    /// Process that the instance lives in.
    pub pid: u32,
    /// Plugin format: `clap`, `vst3`, `standalone`.
    pub format: String,
    /// Name of the host, if it said.
    pub host: Option<String>,
    /// Name of the host's track, if known.
    pub track: Option<String>,
    /// Colour of the host's track as `#rrggbb`, if known.
    pub colour: Option<String>,
    /// Where to connect.
    pub socket: PathBuf,
    /// Seconds since 1970 at which the instance was made.
    pub started: u64,
}

impl Entry {
    fn path(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.json", self.instance))
    }

    /// Writes the file in one step: readers see the old one or the new one, never half of it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let birth = folder.join(format!("{}.json.new", self.instance));
        write_private(&birth, &serde_json::to_vec(self)?)?;
        std::fs::rename(&birth, self.path(folder))
    }

    /// Removes the file.
    pub fn remove(&self, folder: &Path) {
        let _ = std::fs::remove_file(self.path(folder));
    }
}

/// The entries in a folder; whatever is no plain file of a few hundred bytes, or no entry, is left out.
pub fn entries(folder: &Path) -> Vec<Entry> {
    let Ok((files, _)) = list(folder, MAX_FILES) else { return Vec::new() };
    files
        .into_iter()
        .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
        .filter_map(|path| serde_json::from_slice(&read(&path, Links::Refuse, MAX_ENTRY).ok()?).ok())
        .collect()
}

/// The first of `name`, `name-2`, `name-3`, … that no entry but that of `own` has.
pub fn free_name(folder: &Path, own: &str, name: &str) -> String {
    let taken: Vec<String> =
        entries(folder).into_iter().filter(|entry| entry.instance != own).map(|entry| entry.name).collect();
    if !taken.iter().any(|other| other == name) {
        return name.to_owned();
    }
    let stem = match name.rsplit_once('-') {
        Some((stem, number)) if !stem.is_empty() && number.parse::<u32>().is_ok() => stem,
        _ => name,
    };
    let mut candidates = (2_u64..).map(|number| {
        let end = format!("-{number}");
        let stem: String = stem.chars().take(MAX_NAME - end.len()).collect();
        stem + &end
    });
    candidates.find(|name| !taken.contains(name)).unwrap_or_else(|| name.to_owned())
}

/// Runs `work` while no other instance, of any process, runs such work on that folder. After a fifth of a
/// second it runs anyway: a name that occurs twice is better than a host that hangs.
#[cfg(unix)]
pub(crate) fn one_at_a_time<T>(folder: &Path, work: impl FnOnce() -> T) -> T {
    use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let lock = open(folder, flags, Mode::empty());
    if let Ok(lock) = &lock {
        for _ in 0..100 {
            if flock(lock, FlockOperation::NonBlockingLockExclusive) != Err(rustix::io::Errno::WOULDBLOCK) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
    work()
}

/// Runs `work`; nothing on Windows locks a folder.
#[cfg(windows)]
pub(crate) fn one_at_a_time<T>(_folder: &Path, work: impl FnOnce() -> T) -> T {
    work()
}

/// Removes the sockets of a folder that nobody listens at, their entries, and what was left half made.
#[cfg(unix)]
pub fn sweep(folder: &Path) {
    use super::endpoint::{Probe, probe};
    let Ok((files, _)) = list(folder, MAX_FILES) else { return };
    for path in files {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.ends_with(".sock") {
            if matches!(probe(&path), Ok(Probe::Dead(_))) {
                let _ = std::fs::remove_file(&path);
                let _ = std::fs::remove_file(path.with_extension("json"));
            }
        } else if (name.ends_with(".json") && !path.with_extension("sock").exists() || name.ends_with(".new"))
            && older_than_a_minute(&path)
        {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Removes the entries of a folder whose pipe is gone.
#[cfg(windows)]
pub fn sweep(folder: &Path) {
    for entry in entries(folder) {
        if !entry.socket.exists() {
            entry.remove(folder);
        }
    }
}

/// Something that young may be in the making by a process that lives.
#[cfg(unix)]
fn older_than_a_minute(path: &Path) -> bool {
    let age = std::fs::symlink_metadata(path)
        .and_then(|found| found.modified())
        .ok()
        .and_then(|at| at.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_made_unique_is_no_longer_than_a_name_may_be() {
        let folder = std::env::temp_dir().join(format!("krach-names-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let entry = |number: u32, name: String| Entry {
            instance: number.to_string(),
            name,
            pid: 0,
            format: String::new(),
            host: None,
            track: None,
            colour: None,
            socket: PathBuf::new(),
            started: 0,
        };
        let name = "ä".repeat(MAX_NAME);
        for number in 0..12 {
            let free = free_name(&folder, "own", &name);
            assert_eq!(free.chars().count(), MAX_NAME, "{free}");
            assert_eq!(free.ends_with(&format!("ä-{}", number + 1)), number > 0, "{free}");
            entry(number, free).write(&folder).unwrap();
        }
        std::fs::remove_dir_all(folder).unwrap();
    }
}

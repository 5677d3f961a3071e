//! `mutants`: a standing set of faults, put into a copy of the sources one by one, to see that its test fails.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::failure::{Failure, Result};
use crate::programs::{self, TestProgram};
use crate::test::STANDALONE;
use crate::workspace::{self, Workspace, line};

const SET: &str = "xtask/mutants.toml";
/// How long a test may take beside a fault, in its own times, and beyond that: then it hangs, which is noticed, too.
const LONGER: (u32, Duration) = (10, Duration::from_secs(60));

#[derive(Deserialize)]
struct Set {
    mutant: Vec<Mutant>,
}

/// A fault, and the test that must notice it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    /// What can be broken.
    what: String,
    /// The source file, in the checkout.
    file: PathBuf,
    /// Text that stands once in it.
    find: String,
    /// What stands there instead.
    put: String,
    /// The test's package.
    package: String,
    /// The program of tests; none: the library's own, or the program's where there is no library.
    program: Option<String>,
    /// The test's full name.
    test: String,
    /// The test starts the program without a DAW.
    #[serde(default)]
    alone: bool,
}

/// What became of a mutant.
enum Verdict {
    Caught(&'static str),
    Survived,
    /// It could not be tried.
    Untried(String),
}

/// Tries all mutants in whose text a word occurs, and tells how many were caught.
///
/// # Errors
/// If one survives, does not build, or the set does not fit the sources.
pub fn mutants(workspace: &Workspace, words: &[String]) -> Result<()> {
    let set = read(&workspace.root)?;
    let faults = faults(&set, &workspace.root);
    if !faults.is_empty() {
        return Err(Failure::Check(format!("{SET} is out of date:\n{}", faults.join("\n"))));
    }
    let mut chosen: Vec<Mutant> =
        set.into_iter().filter(|mutant| words.iter().all(|word| mutant.is_named(word))).collect();
    // A file that changes back is built anew, too: less of it where the next fault is in the same file.
    chosen.sort_by(|a, b| a.file.cmp(&b.file));
    let scratch = Scratch::new(workspace)?;
    scratch.copy(workspace)?;
    let times = scratch.times(&chosen)?;
    let (mut caught, mut open) = (0, Vec::new());
    for (at, mutant) in chosen.iter().enumerate() {
        println!("\nmutants: {} of {}: {}", at + 1, chosen.len(), mutant.what);
        let verdict = scratch.try_one(mutant, &times[&mutant.of_test()])?;
        let told = match verdict {
            Verdict::Caught(how) => {
                caught += 1;
                format!("caught ({how})")
            }
            Verdict::Survived => "SURVIVED".to_owned(),
            Verdict::Untried(why) => format!("NOT TRIED: {why}"),
        };
        println!("mutants: {told}");
        if !told.starts_with("caught") {
            open.push(format!("{told}: {} ({})", mutant.what, mutant.test));
        }
    }
    open.iter().for_each(|line| println!("{line}"));
    println!("{caught} caught of {} tried", chosen.len());
    if open.is_empty() && caught > 0 { Ok(()) } else { Err(Failure::Told) }
}

fn read(root: &Path) -> Result<Vec<Mutant>> {
    let path = root.join(SET);
    let text = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
    let set: Set = basic_toml::from_str(&text).map_err(|error| Failure::Content {
        path,
        line: None,
        problem: error.to_string(),
    })?;
    Ok(set.mutant)
}

/// Where the set does not fit the sources: each text that is looked for stands once, each test is there.
fn faults(set: &[Mutant], root: &Path) -> Vec<String> {
    let mut faults = Vec::new();
    for mutant in set {
        let source = fs::read_to_string(root.join(&mutant.file)).unwrap_or_default();
        match source.matches(&mutant.find).count() {
            1 if mutant.find == mutant.put => faults.push(format!("{}: changes nothing", mutant.what)),
            1 => {}
            count => faults.push(format!(
                "{}: `{}` stands {count} times in {}",
                mutant.what,
                mutant.find.trim(),
                mutant.file.display()
            )),
        }
        let function = format!("fn {}(", mutant.test.rsplit("::").next().unwrap_or_default());
        if !is_in(&root.join(folder(&mutant.package)), &function) {
            faults.push(format!("{}: there is no `{function}…)` in {}", mutant.what, mutant.package));
        }
    }
    faults
}

/// The folder of a package of the workspace.
fn folder(package: &str) -> &str {
    match package {
        "krach-host" => "plugin/host",
        "krach-files" => "faust/files",
        "krach-patch" => "core/patch",
        "krach-faust-lang" => "faust/lang",
        other => other.strip_prefix("krach-").unwrap_or(other),
    }
}

/// Does a text stand in a Rust source of the folder?
fn is_in(folder: &Path, text: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.filter_map(std::result::Result::ok).map(|entry| entry.path()).any(|path| {
        if path.is_dir() {
            path.file_name().is_some_and(|name| name != "target") && is_in(&path, text)
        } else {
            path.extension().is_some_and(|extension| extension == "rs")
                && fs::read_to_string(&path).is_ok_and(|source| source.contains(text))
        }
    })
}

/// A test: package, program, name.
type OfTest = (String, Option<String>, String);
/// How long a test takes without a fault, or why it cannot be tried.
type Own = std::result::Result<Duration, String>;

impl Mutant {
    fn of_test(&self) -> OfTest {
        (self.package.clone(), self.program.clone(), self.test.clone())
    }

    fn is_named(&self, word: &str) -> bool {
        let file = self.file.to_string_lossy();
        [&self.what, &self.package, &self.test, &*file].iter().any(|text| text.contains(word))
    }
}

/// A copy of the checkout with a target folder of its own: faulty programs lie nowhere else.
struct Scratch {
    /// Where cargo is run.
    copy: Workspace,
}

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self> {
        let folder = workspace.target.join("mutants");
        Ok(Self { copy: workspace.elsewhere(folder.join("checkout"), folder.join("target")) })
    }

    /// Makes the copy like the checkout. What is alike already keeps its time, so that cargo builds little anew.
    fn copy(&self, workspace: &Workspace) -> Result<()> {
        let root = &self.copy.root;
        fs::create_dir_all(root).map_err(|source| Failure::file("create", root, source))?;
        let wanted = workspace.files()?;
        for file in self.copy.files()?.iter().filter(|file| wanted.binary_search(file).is_err()) {
            let path = root.join(file);
            fs::remove_file(&path).map_err(|source| Failure::file("remove", &path, source))?;
        }
        for file in wanted {
            let (from, to) = (workspace.root.join(&file), root.join(&file));
            let bytes = fs::read(&from).map_err(|source| Failure::file("read", &from, source))?;
            if fs::read(&to).is_ok_and(|there| there == bytes) {
                continue;
            }
            let parent = to.parent().unwrap_or(root);
            fs::create_dir_all(parent).map_err(|source| Failure::file("create", parent, source))?;
            write(&to, &bytes)?;
        }
        Ok(())
    }

    /// How long each test takes without a fault, or why it cannot be tried. All of them run before the first fault:
    /// a program is then built once for its tests, and not after each fault.
    fn times(&self, chosen: &[Mutant]) -> Result<BTreeMap<OfTest, Own>> {
        let mut times = BTreeMap::new();
        for mutant in chosen {
            let test = mutant.of_test();
            if times.contains_key(&test) {
                continue;
            }
            println!("mutants: without a fault: {} in {}", test.2, test.1.as_deref().unwrap_or(&test.0));
            let own = match self.build(mutant) {
                Err(failure) => Err(failure.to_string()),
                Ok(program) => {
                    let began = Instant::now();
                    match run(&program, mutant, Duration::from_secs(3600), &self.told())? {
                        Ended::Held => Ok(began.elapsed()),
                        _ => Err("its test does not hold without it".to_owned()),
                    }
                }
            };
            times.insert(test, own);
        }
        Ok(times)
    }

    /// Sees what the test does with the fault.
    fn try_one(&self, mutant: &Mutant, own: &Own) -> Result<Verdict> {
        let own = match own {
            Ok(own) => *own,
            Err(why) => return Ok(Verdict::Untried(why.clone())),
        };
        let path = self.copy.root.join(&mutant.file);
        let sound = fs::read_to_string(&path).map_err(|source| Failure::file("read", &path, source))?;
        write(&path, sound.replacen(&mutant.find, &mutant.put, 1).as_bytes())?;
        let limit = own * LONGER.0 + LONGER.1;
        let ended = self.build(mutant).map(|program| run(&program, mutant, limit, &self.told()));
        write(&path, sound.as_bytes())?;
        Ok(match ended {
            Err(failure) => Verdict::Untried(format!("it does not build: {failure}")),
            Ok(ended) => match ended? {
                Ended::Held => Verdict::Survived,
                Ended::Failed => Verdict::Caught("the test failed"),
                Ended::Died => Verdict::Caught("the test's process died"),
                Ended::Hung => Verdict::Caught("the test hung"),
            },
        })
    }

    /// The file that takes what a test prints.
    fn told(&self) -> PathBuf {
        self.copy.target.join("told")
    }

    fn build(&self, mutant: &Mutant) -> Result<TestProgram> {
        if mutant.alone {
            // Where its tests look for it: beside their own programs.
            let mut alone = self.copy.cargo(["build", "--quiet", "--locked", "--profile", "test"]);
            alone.args(["--package", "krach-plugin", "--features", STANDALONE, "--bin", "krach-standalone"]);
            workspace::run(alone.env("CARGO_TARGET_DIR", &self.copy.target))?;
        }
        let mut test = self.copy.cargo(["test", "--quiet", "--locked", "--package", &mutant.package]);
        match &mutant.program {
            Some(program) => test.args(["--test", program]),
            None if self.copy.root.join(folder(&mutant.package)).join("src/lib.rs").is_file() => {
                test.arg("--lib")
            }
            None => test.arg("--bins"),
        };
        test.env("CARGO_TARGET_DIR", &self.copy.target);
        programs::only(programs::build(&mut test)?, &mutant.package)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|source| Failure::file("write", path, source))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Held,
    Failed,
    Died,
    Hung,
}

/// Runs the one test; what it prints goes to a file.
fn run(program: &TestProgram, mutant: &Mutant, limit: Duration, told: &Path) -> Result<Ended> {
    let mut command = program.command(&["--exact", &mutant.test, "--include-ignored"]);
    let name = line(&command);
    watch(&mut command, limit, told)
        .map_err(|error| Failure::Program { line: name, ended: format!("could not be watched: {error}") })
}

fn watch(command: &mut Command, limit: Duration, told: &Path) -> std::io::Result<Ended> {
    // A group of its own, so that what the test starts ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    let mut child = command.stdout(fs::File::create(told)?).stderr(Stdio::null()).spawn()?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if began.elapsed() > limit => {
                end(&mut child)?;
                return Ok(Ended::Hung);
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let text = String::from_utf8_lossy(&fs::read(told)?).into_owned();
    match status.code() {
        Some(0) if text.contains("1 passed") => Ok(Ended::Held),
        // Where no test has the name, all of none hold.
        Some(0) => Err(std::io::Error::other("there is no such test in it")),
        Some(_) => Ok(Ended::Failed),
        None => Ok(Ended::Died),
    }
}

fn end(child: &mut Child) -> std::io::Result<()> {
    #[cfg(unix)]
    Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status()?;
    #[cfg(not(unix))]
    child.kill()?;
    child.wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(find: &str, put: &str, test: &str) -> Mutant {
        let what = "the wait for apt has no end".to_owned();
        let (find, put, test) = (find.to_owned(), put.to_owned(), test.to_owned());
        let file = "xtask/src/apt.rs".into();
        Mutant { what, file, find, put, package: "xtask".to_owned(), program: None, test, alone: false }
    }

    #[test]
    fn the_set_fits_the_sources() {
        let root = Workspace::of_tests().root;
        let set = read(&root).unwrap();
        assert!(set.len() > 5, "{}", set.len());
        assert_eq!(faults(&set, &root), [""; 0], "xtask/mutants.toml is out of date");
    }

    #[test]
    fn a_set_that_does_not_fit_is_told() {
        let root = Workspace::of_tests().root;
        let of = |mutant| faults(&[mutant], &root);
        let test = "apt::tests::the_wait_has_an_end";
        assert_eq!(of(mutant("const TRIES: u32", "const TRIES: u64", test)), [""; 0]);
        assert!(of(mutant("no such text", "", test))[0].contains("stands 0 times"));
        assert!(of(mutant("fn ", "fn  ", test))[0].contains("times in xtask/src/apt.rs"));
        assert!(of(mutant("const TRIES: u32", "const TRIES: u32", test))[0].contains("changes nothing"));
        // Put together, so that it does not stand here.
        let lost = ["no_such", "test"].join("_");
        let told = of(mutant("const TRIES: u32", "const TRIES: u64", &lost));
        assert!(told[0].contains(&format!("there is no `fn {lost}(…)`")), "{told:?}");
    }

    #[test]
    #[cfg(unix)]
    fn how_a_test_ends_is_told_apart() {
        let told = std::env::temp_dir().join(format!("krach-mutants-{}", std::process::id()));
        let of = |script: &str, limit: u64| {
            watch(Command::new("sh").args(["-c", script]), Duration::from_secs(limit), &told)
        };
        assert_eq!(of("echo 'test result: ok. 1 passed; 0 failed'", 60).unwrap(), Ended::Held);
        assert_eq!(
            of("echo 'test result: FAILED. 0 passed; 1 failed'; exit 101", 60).unwrap(),
            Ended::Failed
        );
        assert_eq!(of("kill -SEGV $$", 60).unwrap(), Ended::Died);
        assert_eq!(of("sleep 600 & wait", 0).unwrap(), Ended::Hung);
        assert!(of("echo 'test result: ok. 0 passed; 0 failed'", 60).is_err());
        fs::remove_file(told).unwrap();
    }
}

//! What was compiled once is not compiled again, and nothing else is ever run.

mod support;

use krach_faust::{CompileError, Compiler, CpuLevel, Front, Libraries, ObjectCache, Source, Standard, Tier};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-cache-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn objects(&self) -> Vec<PathBuf> {
        let mut found: Vec<PathBuf> = fs::read_dir(&self.0)
            .expect("there")
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|ext| ext == "object"))
            .collect();
        found.sort();
        found
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A compiler of a fresh process: its memory is empty.
fn fresh(folder: &Path, with_command: bool) -> Compiler {
    let cpu = CpuLevel::host().expect("a level");
    let find = move || with_command.then(command);
    Compiler::for_cpu(Front::Command(Box::new(find)), ObjectCache::in_folder(folder), cpu)
}

fn gain(number: u32) -> Source {
    Source::inline("gain", &format!("process = *({number});"))
}

#[test]
fn a_project_recalls_without_compiling_and_without_the_faust_command() {
    let folder = Folder::new("recall");
    let first = compile(&fresh(&folder.0, true), &program("voice"), Tier::Optimised);
    assert!(!first.cached);
    for with_command in [true, false] {
        let again = compile(&fresh(&folder.0, with_command), &program("voice"), Tier::Optimised);
        assert!(again.cached);
        assert_eq!(again.object, first.object);
        assert!(is_sound(&perform(&again, 2_000, 100)));
    }
    let error = fresh(&folder.0, false).compile(&gain(3), Tier::Quick, &|| false).map(|_| ());
    assert_eq!(error, Err(CompileError::NoFaust));
}

#[test]
fn a_change_of_an_import_is_a_new_program() {
    let folder = Folder::new("import");
    let texts = Folder::new("texts");
    fs::create_dir_all(&texts.0).expect("makes");
    let mut source = Source::inline("uses", "import(\"a.lib\"); process = *(level);");
    source.folders = vec![texts.0.clone()];
    let compiler = fresh(&folder.0, true);
    for (text, inner, cached) in [
        ("import(\"b.lib\");", "level = 1;", false),
        ("import(\"b.lib\");", "level = 1;", true),
        ("import(\"b.lib\");", "level = 2;", false),
        ("import(\"b.lib\"); // .", "level = 2;", false),
    ] {
        fs::write(texts.0.join("a.lib"), text).expect("writes");
        fs::write(texts.0.join("b.lib"), inner).expect("writes");
        assert_eq!(compile(&compiler, &source, Tier::Quick).cached, cached, "{text} {inner}");
    }
}

#[test]
fn damaged_foreign_and_open_files_are_compiled_again() {
    let folder = Folder::new("damage");
    let first = compile(&fresh(&folder.0, true), &gain(1), Tier::Quick);
    let path = folder.objects().remove(0);
    let whole = fs::read(&path).expect("reads");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let other = {
        let elsewhere = Folder::new("damage-other");
        compile(&fresh(&elsewhere.0, true), &gain(2), Tier::Quick);
        fs::read(elsewhere.objects().remove(0)).expect("reads")
    };
    for (what, bytes) in
        [("flipped", &flipped[..]), ("cut", &whole[..100]), ("empty", &[]), ("of another program", &other)]
    {
        fs::write(&path, bytes).expect("writes");
        let again = compile(&fresh(&folder.0, true), &gain(1), Tier::Quick);
        assert!(!again.cached, "{what}");
        assert_eq!(again.object, first.object, "{what}");
        assert_eq!(fs::read(&path).expect("written anew"), whole, "{what}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("opens it to all");
    assert!(!compile(&fresh(&folder.0, true), &gain(1), Tier::Quick).cached);
    assert!(compile(&fresh(&folder.0, true), &gain(1), Tier::Quick).cached);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let folder = Folder::new("open");
    fs::create_dir_all(&folder.0).expect("makes");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o777)).expect("opens it to all");
    compile(&fresh(&folder.0, true), &gain(1), Tier::Quick);
    assert!(folder.objects().is_empty());
}

#[test]
fn the_disk_holds_so_much_and_the_oldest_goes_first() {
    let folder = Folder::new("bounded");
    let cpu = CpuLevel::host().expect("a level");
    let one = compile(&fresh(&folder.0, true), &gain(1), Tier::Quick);
    let size = fs::metadata(folder.objects().remove(0)).expect("there").len();
    let small = || Compiler::for_cpu(command().into(), ObjectCache::bounded(&folder.0, size * 5 / 2), cpu);
    compile(&small(), &gain(2), Tier::Quick);
    assert!(compile(&small(), &gain(1), Tier::Quick).cached, "used again: now the younger");
    compile(&small(), &gain(3), Tier::Quick);
    assert_eq!(folder.objects().len(), 2);
    let again = compile(&small(), &gain(1), Tier::Quick);
    assert!(again.cached && again.object == one.object);
    assert!(!compile(&small(), &gain(2), Tier::Quick).cached);
}

const SHARED: &str = "KRACH_TEST_SHARED_CACHE";

#[test]
fn two_processes_share_a_cache() {
    if let Some(folder) = std::env::var_os(SHARED) {
        // We are one of the two.
        for number in 1..=8 {
            let compiled = compile(&fresh(Path::new(&folder), true), &gain(number), Tier::Quick);
            assert!(is_sound(&perform(&compiled, 100, 10)));
        }
        return;
    }
    let folder = Folder::new("shared");
    let me = std::env::current_exe().expect("a program");
    let children: Vec<_> = (0..2)
        .map(|_| {
            Command::new(&me)
                .args(["--exact", "two_processes_share_a_cache"])
                .env(SHARED, &folder.0)
                .spawn()
                .expect("starts")
        })
        .collect();
    for mut child in children {
        assert!(child.wait().expect("ends").success());
    }
    assert_eq!(folder.objects().len(), 8);
    let left = fs::read_dir(&folder.0).expect("there").count();
    assert_eq!(left, 9, "eight objects and the front half's identity, no drafts");
    for number in 1..=8 {
        assert!(compile(&fresh(&folder.0, false), &gain(number), Tier::Quick).cached);
    }
}

#[test]
fn a_program_given_back_with_its_imports_is_the_same_object_without_any_folder() {
    let (folder, texts) = (Folder::new("given"), Folder::new("given-texts"));
    fs::create_dir_all(&texts.0).expect("makes");
    fs::write(texts.0.join("half.lib"), "half = _ * 0.5;").expect("writes");
    let path = texts.0.join("quiet.dsp");
    fs::write(&path, "import(\"half.lib\"); process = half;").expect("writes");
    let first = compile(&fresh(&folder.0, true), &Source::file(&path), Tier::Quick);
    let mut given = Source::inline("quiet", &first.text.main);
    given.imports.clone_from(&first.text.imports);
    let again = compile(&fresh(&folder.0, false), &given, Tier::Quick);
    assert!(again.cached);
    assert_eq!((again.object, &again.text), (first.object, &first.text));
}

#[test]
fn what_gets_our_library_alone_needs_no_command_and_is_the_same_whatever_translates_the_rest() {
    let folder = Folder::new("own");
    let text = "import(\"stdfaust.lib\"); process = _ * 0.5 : fi.dcblocker;";
    let source = Source { standard: Standard::Own, ..Source::inline("quiet", text) };
    let without = compile(&fresh(&folder.0, false), &source, Tier::Quick);
    assert!(!without.cached);
    let cpu = CpuLevel::host().expect("a level");
    let own = Compiler::for_cpu(Front::Own(Libraries::find()), ObjectCache::in_memory(), cpu);
    assert_eq!(compile(&own, &source, Tier::Quick).object, without.object);
    let with = compile(&fresh(&folder.0, true), &source, Tier::Quick);
    assert!(with.cached && with.object == without.object);
}

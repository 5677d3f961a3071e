//! Programs that mean harm, or do it by mistake: each is an error in time, and the process lives.

mod support;

use krach_core::node::NodeType;
use krach_faust::{
    Budget, ChildLimits, CompileError, Compiler, CpuLevel, Front, FrontEnd, Object, ObjectCache, Source, Tier,
};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;
use support::stand_in::StandIn;
use support::*;

/// Longer than any machine takes; what waits for it hangs.
const LONG: Duration = Duration::from_secs(120);

/// What `work` gives, or a failure if it hangs.
fn ends<T: Send + 'static>(what: &str, work: impl FnOnce() -> T + Send + 'static) -> T {
    let (to, from) = mpsc::channel();
    std::thread::spawn(move || to.send(work()));
    from.recv_timeout(LONG).unwrap_or_else(|_| panic!("{what} hangs"))
}

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("krach-hostile-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("makes a folder");
        Self(path)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).expect("writes");
        path
    }

    fn fifo(&self, name: &str) -> PathBuf {
        let path = self.0.join(name);
        assert!(Command::new("mkfifo").arg(&path).status().expect("runs").success());
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn error_of(compiler: &Compiler, source: &Source) -> CompileError {
    compiler.compile(source, Tier::Quick, &|| false).map(drop).expect_err("is refused")
}

/// Says in the gate's summary what cannot be checked here: past the harness, which holds back what is printed.
fn not_checked(what: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "not checked: {what}");
}

fn refusal(text: &str) -> CompileError {
    let mut compiler = host_compiler();
    compiler.limits = ChildLimits { cpu: 2, wall: LONG, memory: 512 << 20, ..ChildLimits::default() };
    let source = Source::inline("bad", text);
    ends(text, move || compiler.compile(&source, Tier::Quick, &|| false).map(drop))
        .expect_err(&format!("refuses {text}"))
}

#[test]
fn what_crashes_the_front_half_is_an_error() {
    for text in ["process = (-2147483647-1)%(-1);", "process = seq(i,20000,sin);"] {
        let error = refusal(text);
        assert!(
            matches!(error, CompileError::Front { end: FrontEnd::Signal(_) | FrontEnd::CpuTime(2), .. }),
            "{text}: {error}"
        );
    }
}

#[test]
fn what_never_ends_is_stopped() {
    for text in
        ["process = par(i,10000000,_);", "process = sum(i,100000,_*i);", "o=\\(x).(x(x)); process=o(o);"]
    {
        let error = refusal(text);
        assert!(matches!(error, CompileError::Front { .. } | CompileError::Program(_)), "{text}: {error}");
    }
}

#[test]
fn what_computes_for_ever_and_what_sleeps_are_told_apart_with_their_limits() {
    let mut compiler = host_compiler();
    compiler.limits = ChildLimits { cpu: 1, wall: LONG, ..ChildLimits::default() };
    let endless = Source::inline("endless", "process = par(i,10000000,_);");
    let error = ends("an endless text", move || error_of(&compiler, &endless));
    assert!(matches!(error, CompileError::Front { end: FrontEnd::CpuTime(1), .. }), "{error:?}");
    assert!(error.to_string().contains("took more than 1 s of processor time"), "{error}");
    let asleep = StandIn::new("asleep", "echo waiting for a licence >&2; exec sleep 1000\n");
    let mut compiler = asleep.compiler();
    compiler.limits = ChildLimits { wall: Duration::from_secs(1), ..ChildLimits::default() };
    let error = ends("a command that sleeps", move || error_of(&compiler, &program("sine")));
    let told = error.to_string();
    assert!(matches!(error, CompileError::Front { end: FrontEnd::WallTime(1), .. }), "{error:?}");
    assert!(told.contains("did not end within 1 s") && told.contains("waiting for a licence"), "{told}");
    // The command may be done before its limits are set, or be stopped by them.
    for start in ["", "sleep 0.2; "] {
        let large = StandIn::new("large", &format!("{start}exec head -c 1000000 /dev/zero > out.bc\n"));
        let mut compiler = large.compiler();
        compiler.limits = ChildLimits { file: 1000, ..ChildLimits::default() };
        let error = error_of(&compiler, &program("sine"));
        assert!(matches!(error, CompileError::Front { end: FrontEnd::FileSize(1000), .. }), "{error:?}");
    }
}

#[test]
fn a_command_that_leaves_nothing_half_of_it_or_a_pipe_is_told_as_that() {
    for (script, expected) in [
        ("exit 0\n", FrontEnd::NoOutput),
        ("\"$FAUST\" \"$@\"; head -c 1000 out.bc > half; mv half out.bc\n", FrontEnd::NoOutput),
        ("exit 3\n", FrontEnd::Silent(3)),
    ] {
        let stand_in = StandIn::new("half", script);
        match error_of(&stand_in.compiler(), &program("sine")) {
            CompileError::Front { end, .. } => assert_eq!(end, expected, "{script}"),
            other => panic!("{script}: {other}"),
        }
    }
    for script in ["mkfifo out.bc\n", "rm said; mkfifo said; exit 1\n", "ln -s /dev/zero out.bc\n"] {
        let stand_in = StandIn::new("pipe", script);
        let compiler = stand_in.compiler();
        let error = ends(script, move || error_of(&compiler, &program("sine")));
        assert!(error.to_string().contains("is not a plain file"), "{script}: {error}");
    }
}

#[test]
fn the_command_sees_nothing_of_the_hosts_environment_or_folders() {
    let script = "env > \"$LOG\"; pwd >> \"$LOG\"; exec \"$FAUST\" \"$@\"\n";
    let stand_in = StandIn::new("env", script);
    assert!(
        std::env::var_os("PATH").is_some() && std::env::vars_os().count() > 3,
        "there is something to see"
    );
    compile(&stand_in.compiler(), &program("sine"), Tier::Quick);
    let logged = stand_in.logged();
    let room = logged.lines().last().expect("where it ran").to_owned();
    assert!(room.contains("krach-faust-"), "{logged}");
    for line in logged.lines().filter(|line| *line != room) {
        let (name, value) = line.split_once('=').expect("a variable");
        // The shell itself sets some.
        let ours = matches!(name, "HOME" | "TMPDIR" | "PWD") && value == room;
        assert!(ours || matches!(name, "SHLVL" | "_" | "OLDPWD"), "{line}");
    }
}

const FULL: &str = "KRACH_TEST_FULL_DISK";

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_as_one() {
    if std::env::var_os(FULL).is_some() {
        // TMPDIR is a small disk. The bitcode of this program has some 8 KiB.
        let folder = std::env::temp_dir();
        for left in [0, 4, 8] {
            let filler = folder.join("filler");
            let mut bytes = std::fs::File::create(&filler).expect("makes a file");
            while std::io::Write::write_all(&mut bytes, &[0; 1024]).is_ok() {}
            drop(bytes);
            let filled = std::fs::metadata(&filler).expect("there").len();
            let shorter = std::fs::File::options().write(true).open(&filler).expect("opens");
            shorter.set_len(filled - left * 1024).expect("is made shorter");
            let error = error_of(&host_compiler(), &program("voice"));
            assert!(matches!(error, CompileError::DiskFull(_)), "{left} KiB are left: {error}");
            std::fs::remove_file(filler).expect("is removed");
        }
        compile(&host_compiler(), &program("voice"), Tier::Quick);
        return;
    }
    let folder = Folder::new("full");
    let me = std::env::current_exe().expect("this program");
    let script = format!(
        "mount -t tmpfs -o size=256k none {0} && exec {1} --exact a_full_disk_is_told_as_one --nocapture",
        folder.0.display(),
        me.display()
    );
    let may_mount =
        Command::new("unshare").args(["-Urm", "true"]).output().is_ok_and(|out| out.status.success());
    if !may_mount {
        not_checked("this system lets nobody mount a small disk to fill");
        return;
    }
    let output = Command::new("unshare")
        .args(["-Urm", "sh", "-c", &script])
        .env(FULL, "1")
        .env("TMPDIR", &folder.0)
        .output()
        .expect("starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

const REAPED: &str = "KRACH_TEST_REAPED";

#[test]
fn where_the_host_ignores_sigchld_programs_compile_and_mistakes_are_told() {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(REAPED).is_some() {
        let compiler = host_compiler();
        assert!(is_sound(&perform(&compile(&compiler, &program("sine"), Tier::Quick), 1_000, 100)));
        let mistake = error_of(&compiler, &Source::inline("bad", "\nprocess = nonsense;"));
        assert!(matches!(&mistake, CompileError::Program(at) if at.line == Some(2)), "{mistake}");
        let silent = StandIn::new("silent", "exit 1\n");
        let error = error_of(&silent.compiler(), &program("sine"));
        assert!(matches!(error, CompileError::Front { end: FrontEnd::Unknown, .. }), "{error}");
        return;
    }
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let ignore = || {
        // SAFETY: may be called between fork and exec.
        unsafe { libc::signal(libc::SIGCHLD, libc::SIG_IGN) };
        Ok(())
    };
    // SAFETY: as above.
    unsafe { command.pre_exec(ignore) };
    let test = "where_the_host_ignores_sigchld_programs_compile_and_mistakes_are_told";
    let output = command.args(["--exact", test, "--nocapture"]).env(REAPED, "1").output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn a_command_that_comes_later_is_found() {
    let there = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let look = there.clone();
    let find = move || look.load(std::sync::atomic::Ordering::Relaxed).then(command);
    let compiler = Compiler::new(Front::Command(Box::new(find)), ObjectCache::in_memory()).expect("a level");
    assert_eq!(error_of(&compiler, &program("sine")), CompileError::NoFaust);
    there.store(true, std::sync::atomic::Ordering::Relaxed);
    compile(&compiler, &program("sine"), Tier::Quick);
}

#[test]
fn what_reaches_outside_is_refused_at_its_line() {
    for text in [
        "\nprocess = ffunction(float system(float),<stdlib.h>,\"\");",
        "\nimport(\"http://example.org/a.lib\"); process = _;",
        "\nimport(\"/etc/passwd\"); process = _;",
        "\nprocess = component(\"../../secret.dsp\");",
        "\nl = library(\"file:///etc/passwd\"); process = _;",
        "\nprocess = 0, 0 : soundfile(\"s[url:{'/etc/passwd'}]\", 1);",
        "\nprocess = fvariable(int environ, <unistd.h>);",
        // FAUST ends a comment at a carriage return.
        "\n// a comment\rimport(\"http://example.org/a.lib\"); process = _;",
        "\n// a comment\rprocess = ffunction(float system(float),<stdlib.h>,\"\");",
    ] {
        match refusal(text) {
            CompileError::Program(diagnostic) => assert_eq!(diagnostic.line, Some(2), "{diagnostic}"),
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn a_gigabyte_of_delay_or_table_is_too_much_before_any_of_it_exists() {
    let mut compiler = host_compiler();
    // Each is refused for what it is, not for the time that it would take to fill.
    compiler.budget.filling_steps = u64::MAX;
    for (text, expected) in [
        ("process = @(300000000);", "bytes of delay lines and tables per instance"),
        ("process = rdtable(300000000, 1.0, int(_));", "bytes of tables"),
        ("process = rdtable(32, (+(1)~_) : @(30000000), int(_));", "bytes to fill a table"),
    ] {
        match error_of(&compiler, &Source::inline("large", text)) {
            CompileError::TooLarge { what, size, limit } => {
                assert_eq!((what, limit), (expected, 64 << 20), "{text}");
                assert!(size > limit, "{text}: {size}");
            }
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn a_maths_function_that_is_declared_wrongly_is_refused() {
    for (name, arguments) in [
        ("float copysignf", "float"),
        ("float atan2f", "float"),
        ("float sinf", "float, float"),
        ("int floorf", "int"),
        ("float ldexpf", "float, float"),
        ("int sinf", "float"),
    ] {
        let inputs = arguments.split(',').map(|_| "_").collect::<Vec<_>>().join(",");
        let text = format!("process = {inputs} : ffunction({name} ({arguments}), <math.h>, \"\");");
        let error = refusal(&text);
        assert!(
            matches!(&error, CompileError::Code(what) if what.contains("foreign function")),
            "{text}: {error}"
        );
    }
}

#[test]
fn tables_that_take_hours_to_fill_are_refused() {
    let error = refusal("process = rdtable(16000000, seq(i, 40, sin)(+(0.1) ~ _), int(_));");
    assert!(matches!(error, CompileError::TooLarge { what: "steps to fill its tables", .. }), "{error}");
}

#[test]
fn thousands_of_controls_and_endless_groups_are_refused() {
    let mut compiler = host_compiler();
    compiler.budget.controls = 200;
    let many = |count: u32| {
        let text = format!("process = par(i, {count}, hslider(\"a%i\", i, 0, 10000, 1)) :> _;");
        compiler.compile(&Source::inline("many", &text), Tier::Quick, &|| false).map(|_| ())
    };
    assert_eq!(many(200), Ok(()));
    assert!(matches!(many(201), Err(CompileError::TooLarge { what: "controls", .. })));
    refusal("g(0) = hslider(\"a\", 0, 0, 1, 0.1); g(n) = vgroup(\"g%n\", g(n - 1)); process = g(200);");
}

#[test]
fn one_block_of_too_many_instructions_is_refused_in_time() {
    // 60 000 products of 60 000 numbers: one block of half a million instructions.
    let error = refusal("process = _ <: par(i, 30000, *(i + 0.5) : sin : *(i + 0.1)) :> _;");
    let known = matches!(
        error,
        CompileError::TooLarge { what: "instructions", .. }
            | CompileError::Front { end: FrontEnd::CpuTime(2) | FrontEnd::Signal(_), .. }
    );
    assert!(known, "{error:?}");
    let mut compiler = host_compiler();
    compiler.budget.instructions = 1_000;
    let many = Source::inline("many", "process = _ <: par(i, 300, *(i + 0.5) : sin : *(i + 0.1)) :> _;");
    let error = error_of(&compiler, &many);
    assert!(matches!(error, CompileError::TooLarge { what: "instructions", limit: 1_000, .. }), "{error:?}");
}

#[test]
fn a_pipe_is_not_waited_for_whoever_names_it() {
    let folder = Folder::new("pipe");
    let (pipe, library) = (folder.fifo("pipe.dsp"), folder.fifo("pipe.lib"));
    let named = Source::file(&pipe);
    let mut imported = Source::inline("imports", "import(\"pipe.lib\"); process = _;");
    imported.folders.push(folder.0.clone());
    for (source, path) in [(named, pipe), (imported, library)] {
        let error = ends("reading a pipe", move || error_of(&host_compiler(), &source));
        assert_eq!(error, CompileError::File { path, error: "is not a plain file".to_owned() });
    }
}

#[test]
fn a_file_of_a_mebibyte_is_read_and_one_byte_more_is_refused_whoever_names_it() {
    let folder = Folder::new("large");
    let text = |size: usize| format!("process = _; //{}", " ".repeat(size - 15));
    assert_eq!(text(1 << 20).len(), 1 << 20);
    let main = folder.write("main.dsp", text(1 << 20));
    compile(&host_compiler(), &Source::file(&main), Tier::Quick);
    folder.write("main.dsp", text((1 << 20) + 1));
    folder.write("large.lib", text((1 << 20) + 1));
    let sparse = std::fs::File::create(folder.0.join("sparse.lib")).expect("makes a file");
    sparse.set_len(8 << 30).expect("is sparse");
    let importing = |name: &str| {
        let mut source = Source::inline("imports", &format!("import(\"{name}\"); process = _;"));
        source.folders.push(folder.0.clone());
        source
    };
    for (source, expected) in [
        (Source::file(&main), (1 << 20) + 1),
        (importing("large.lib"), (1 << 20) + 1),
        (importing("sparse.lib"), 8 << 30),
    ] {
        let error = error_of(&host_compiler(), &source);
        let CompileError::TooLarge { what: "bytes in one file", size, limit } = error else {
            panic!("{error}");
        };
        assert_eq!((size, limit), (expected, 1 << 20));
    }
}

#[test]
fn libraries_of_fausts_that_are_pipes_or_endless_are_left_alone_until_they_are_imported() {
    let folder = Folder::new("libraries");
    let (bin, libraries) = (folder.0.join("bin"), folder.0.join("share/faust"));
    std::fs::create_dir_all(&bin).expect("makes a folder");
    std::fs::create_dir_all(&libraries).expect("makes a folder");
    for file in
        std::fs::read_dir(command().libraries()).expect("lists").map(|file| file.expect("a file").path())
    {
        let link = libraries.join(file.file_name().expect("a name"));
        std::os::unix::fs::symlink(&file, link).expect("links");
    }
    // Not a link: that would lead to the real command and its own libraries.
    std::fs::copy(real_command(), bin.join("faust")).expect("copies");
    folder.fifo("share/faust/pipe.lib");
    let sparse = std::fs::File::create(libraries.join("sparse.lib")).expect("makes a file");
    sparse.set_len(8 << 30).expect("is sparse");
    let at = bin.join("faust");
    let found = ends("identifying the command", move || krach_faust::FaustCommand::at(&at)).expect("is one");
    let cpu = CpuLevel::host().expect("a level");
    let compiler = Compiler::for_cpu(found.into(), ObjectCache::in_memory(), cpu);
    compile(
        &compiler,
        &Source::inline("fine", "import(\"stdfaust.lib\"); process = os.osc(1);"),
        Tier::Quick,
    );
    let importing = |name: &str| Source::inline("bad", &format!("import(\"{name}\"); process = _;"));
    let error = error_of(&compiler, &importing("pipe.lib"));
    assert!(error.to_string().contains("is not a plain file"), "{error}");
    let error = error_of(&compiler, &importing("sparse.lib"));
    assert!(matches!(error, CompileError::TooLarge { what: "bytes in one file", .. }), "{error}");
}

/// The file of the command.
fn real_command() -> PathBuf {
    command().libraries().parent().and_then(Path::parent).expect("a prefix").join("bin/faust")
}

#[test]
fn mistakes_are_told_with_their_place() {
    let place = |text: &str| match refusal(text) {
        CompileError::Program(diagnostic) => diagnostic,
        other => panic!("{text}: {other}"),
    };
    let symbol = place("import(\"stdfaust.lib\");\nprocess = 1 + os.nonsense(2) + foo;");
    assert_eq!(symbol.line, Some(2), "{symbol}");
    assert!(symbol.hint.is_some());
    let syntax = place("a = 1;\nprocess = _ _;");
    assert_eq!((syntax.file.as_str(), syntax.line), ("bad.dsp", Some(2)), "{syntax}");
    let missing = place("import(\"nope.lib\"); process = _;");
    assert_eq!((missing.line, missing.column), (Some(1), Some(8)), "{missing}");
}

#[test]
fn text_that_is_not_utf8_is_an_error_with_its_line() {
    let path = std::env::temp_dir().join(format!("krach-latin-{}.dsp", std::process::id()));
    std::fs::write(&path, b"// a\n// \xe9\nprocess = _;").expect("writes");
    let result = host_compiler().compile(&Source::file(&path), Tier::Quick, &|| false);
    std::fs::remove_file(&path).expect("removes");
    match result {
        Err(CompileError::Program(diagnostic)) => assert_eq!(diagnostic.line, Some(2)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_link_out_of_the_folder_is_not_followed() {
    let folder = std::env::temp_dir().join(format!("krach-link-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("makes");
    std::os::unix::fs::symlink("/etc/passwd", folder.join("a.lib")).expect("links");
    let mut source = Source::inline("bad", "import(\"a.lib\"); process = _;");
    source.folders = vec![folder.clone()];
    let result = host_compiler().compile(&source, Tier::Quick, &|| false);
    std::fs::remove_dir_all(&folder).expect("removes");
    match result {
        Err(CompileError::Program(diagnostic)) => assert!(diagnostic.text.contains("no file a.lib")),
        other => panic!("{other:?}"),
    }
}

/// One frame of a program with these values on its inputs.
fn one_frame(compiler: &Compiler, text: &str, tier: Tier, values: &[f32]) -> f32 {
    let compiled = compile(compiler, &Source::inline("edge", text), tier);
    let (ty, mut node) = node(&compiled);
    assert_eq!(channels(&ty.decl().inputs), values.len());
    let inputs: Vec<Vec<f32>> = values.iter().map(|&value| vec![value]).collect();
    let mut heard = vec![vec![f32::NAN]];
    play(&ty, &mut *node, 1, &inputs, (0, 1), &mut heard);
    heard[0][0]
}

#[test]
fn integer_arithmetic_has_an_answer_for_everything() {
    let least = -2_147_483_648.0;
    let tiers = [Tier::Quick, Tier::Optimised];
    for (compiler, tier) in both_compilers().iter().flat_map(|compiler| tiers.map(|tier| (compiler, tier))) {
        for (text, values, answer) in [
            ("process = int(_) % int(_);", [7.0, 0.0], 0.0),
            ("process = int(_) % int(_);", [7.0, 4.0], 3.0),
            ("process = int(_) % int(_);", [least, -1.0], 0.0),
            ("process = int(int(_) / int(_));", [7.0, 0.0], 2_147_483_520.0),
            ("process = int(_) + 0*_;", [1e30, 0.0], 2_147_483_520.0),
            ("process = int(_) + 0*_;", [f32::NAN, 0.0], least),
            ("process = int(_) + 0*_;", [f32::NEG_INFINITY, 0.0], least),
            ("process = int(_) + int(_);", [-2.9, 3.9], 1.0),
            ("process = int(_) << int(_);", [1.0, 33.0], 2.0),
            ("process = int(_) << int(_);", [1.0, -1.0], least),
            ("process = int(_) >> int(_);", [least, 63.0], -1.0),
            ("process = abs(int(_)) + 0*_;", [least, 0.0], least),
            ("process = (int(_) * int(_)) & 255;", [65537.0, 65537.0], 1.0),
            ("process = (0-int(_)) + int(_);", [least, 0.0], least),
            ("process = @(_, min(9, max(0, int(_))));", [3.0, 1e30], 0.0),
            ("process = @(_, int(_) & 15);", [3.0, -16.0], 3.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [1e9, 0.0], 10.0),
            ("t = +(1) ~ _; process = rdtable(10, float(t), int(_)) + 0*_;", [-1e9, 0.0], 1.0),
        ] {
            assert_eq!(one_frame(compiler, text, tier, &values), answer, "{text} {values:?} {tier:?}");
        }
    }
}

#[test]
fn every_primitive_of_the_language_is_there() {
    let compilers = both_compilers();
    for (text, values, answer) in [
        ("acos(_) + 0*_", [0.5, 0.0], 0.5f32.acos()),
        ("asin(_) + 0*_", [0.5, 0.0], 0.5f32.asin()),
        ("atan(_) + 0*_", [0.5, 0.0], 0.5f32.atan()),
        ("atan2(_, _)", [0.5, -2.0], 0.5f32.atan2(-2.0)),
        ("cos(_) + 0*_", [0.5, 0.0], 0.5f32.cos()),
        ("sin(_) + 0*_", [0.5, 0.0], 0.5f32.sin()),
        ("tan(_) + 0*_", [0.5, 0.0], 0.5f32.tan()),
        ("exp(_) + 0*_", [0.5, 0.0], 0.5f32.exp()),
        ("log(_) + 0*_", [0.5, 0.0], 0.5f32.ln()),
        ("log10(_) + 0*_", [0.5, 0.0], 0.5f32.log10()),
        ("pow(_, _)", [0.5, 2.5], 0.5f32.powf(2.5)),
        ("pow(_, 3) + 0*_", [0.5, 0.0], 0.125),
        ("pow(int(_), 3) + 0*_", [5.0, 0.0], 125.0),
        ("sqrt(_) + 0*_", [2.0, 0.0], 2f32.sqrt()),
        ("abs(_) + 0*_", [-0.5, 0.0], 0.5),
        ("abs(int(_)) + 0*_", [-5.0, 0.0], 5.0),
        ("min(_, _)", [-0.5, 0.5], -0.5),
        ("max(_, _)", [-0.5, 0.5], 0.5),
        ("min(int(_), int(_))", [-5.0, 5.0], -5.0),
        ("max(int(_), int(_))", [-5.0, 5.0], 5.0),
        ("fmod(_, _)", [5.5, 2.0], 1.5),
        ("remainder(_, _)", [5.5, 2.0], -0.5),
        ("floor(_) + 0*_", [-0.5, 0.0], -1.0),
        ("ceil(_) + 0*_", [0.5, 0.0], 1.0),
        ("rint(_) + 0*_", [2.5, 0.0], 2.0),
        ("xor(int(_), int(_))", [5.0, 3.0], 6.0),
        ("int(_) & int(_)", [5.0, 3.0], 1.0),
        ("int(_) | int(_)", [5.0, 3.0], 7.0),
        ("_ <= _", [1.0, 1.0], 1.0),
        ("_ % _", [5.5, 2.0], 1.5),
        ("select2(_, 3, 4) + 0*_", [1.0, 0.0], 4.0),
        ("select3(_, 3, 4, 5) + 0*_", [2.0, 0.0], 5.0),
        ("attach(_, _)", [1.0, 2.0], 1.0),
        ("prefix(2, _) + 0*_", [1.0, 0.0], 2.0),
        ("(waveform {1.5, 2.5} : !, _) + 0*_ + 0*_", [0.0, 0.0], 1.5),
    ] {
        for compiler in &compilers {
            let heard = one_frame(compiler, &format!("process = {text};"), Tier::Optimised, &values);
            assert!(
                (heard - answer).abs() <= 1e-6 * answer.abs(),
                "{text} {values:?}: {heard}, not {answer}"
            );
        }
    }
}

#[test]
fn the_block_size_cannot_be_heard() {
    let compilers = both_compilers();
    for (text, answer) in [
        ("import(\"stdfaust.lib\"); process = ma.BS;", 512.0),
        ("process = fvariable(int count, <math.h>) > 300;", 1.0),
        ("process = 300 < fvariable(int count, <math.h>);", 1.0),
        ("process = select2(fvariable(int count, <math.h>) == 512, 3, 7);", 7.0),
        ("t = +(1) ~ _; process = select2(t < fvariable(int count, <math.h>), 3, 7);", 7.0),
        ("process = enable(5, fvariable(int count, <math.h>) > 300);", 5.0),
    ] {
        for compiler in &compilers {
            let compiled = compile(compiler, &Source::inline("bs", text), Tier::Optimised);
            let (ty, mut node) = node(&compiled);
            for block in [1, 100] {
                let mut heard = vec![vec![0.0; 100]];
                play(&ty, &mut *node, block, &[], (0, 100), &mut heard);
                assert!(heard[0].iter().all(|&sample| sample == answer), "{text} in blocks of {block}");
            }
        }
    }
}

#[test]
fn a_program_above_the_optimising_limits_still_sounds() {
    let mut compiler =
        Compiler::for_cpu(command().into(), ObjectCache::in_memory(), CpuLevel::host().expect("a level"));
    compiler.budget = Budget { optimised_instructions: 10, ..Budget::default() };
    let heard = perform(&compile(&compiler, &program("sine"), Tier::Optimised), 1000, 100);
    assert!(is_sound(&heard));
    compiler.budget = Budget { instructions: 10, ..Budget::default() };
    let error = compiler.compile(&program("voice"), Tier::Quick, &|| false).map(|_| ());
    assert!(matches!(error, Err(CompileError::TooLarge { what: "instructions", .. })), "{error:?}");
}

#[test]
fn a_program_of_our_own_compiler_that_is_too_large_is_refused_with_the_limit_that_it_meets() {
    let text = "n = 1 : + ~ _; process(x) = x@1000, rdtable(500, sin(n), n % 500), rwtable(9, n, 1, 2, 3);";
    let text = krach_faust_lang::Text { name: "x.dsp".into(), text: text.into() };
    let precision = krach_faust_lang::Precision::Single;
    let program = own::program_from(&krach_faust_lang::Shelf::default(), text, precision).expect("compiles");
    let made = |budget: &Budget| {
        let to = (CpuLevel::host().expect("a level"), Tier::Quick);
        Object::from_program("x", &program, to, budget).map(|object| object.state_size())
    };
    let fine = Budget::default();
    let state = made(&fine).expect("fits");
    assert!((4_096..4_400).contains(&state), "1024 samples and little else: {state}");
    assert!(made(&Budget { state, tables: 4 * 509, ..fine }).is_ok(), "as much as it may");
    for (what, budget) in [
        ("bytes of delay lines and tables per instance", Budget { state: state - 1, ..fine }),
        ("bytes of tables", Budget { tables: 4 * 509 - 1, ..fine }),
        ("steps to fill its tables", Budget { filling_steps: 5_000, ..fine }),
        ("steps per frame", Budget { frame_steps: 10, ..fine }),
        ("instructions", Budget { instructions: 50, ..fine }),
        ("outputs", Budget { channels: 2, ..fine }),
    ] {
        match made(&budget) {
            Err(CompileError::TooLarge { what: named, size, limit }) => {
                assert_eq!(named, what);
                assert!(size > limit, "{what}: {size} of {limit}");
            }
            other => panic!("{what}: {other:?}"),
        }
    }
}

//! Modules that no FAUST text makes: what FAUST wrote, with one thing changed to reach for the host.

use super::budget::Budget;
use super::emit::Checked;
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use crate::front::child::ChildLimits;
use crate::front::closure::gather;
use crate::front::command::FaustCommand;
use crate::source::Source;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// A delay line, a table that is filled before, one that is written, two channels in and two out.
const PROGRAM: &str =
    "process = (_ : @(100)), rwtable(64, 0.5, int(_), _, 3) + rdtable(32, sin(1), int(button(\"gate\")));";

struct Room(PathBuf);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Runs a tool of LLVM 19 on a file.
fn tool(name: &str, input: &[u8]) -> Result<Vec<u8>, String> {
    let folder = std::env::temp_dir().join(format!(
        "krach-attack-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    let room = Room(folder);
    std::fs::create_dir_all(&room.0).expect("makes a folder");
    let (from, to) = (room.0.join("in"), room.0.join("out"));
    std::fs::write(&from, input).expect("writes");
    let candidates = [format!("{name}-19"), format!("/usr/lib/llvm-19/bin/{name}")];
    let out = candidates
        .iter()
        .find_map(|tool| Command::new(tool).arg(&from).arg("-o").arg(&to).output().ok())
        .expect("LLVM's tools are installed (cargo xtask setup)");
    if out.status.success() {
        Ok(std::fs::read(&to).expect("was written"))
    } else {
        Err(String::from_utf8_lossy(&out.stderr).into_owned())
    }
}

/// The text of the module that FAUST makes of [`PROGRAM`].
fn module() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let command = FaustCommand::find().expect("the faust command is installed (cargo xtask setup)");
        let closure = gather(&Source::inline("attack", PROGRAM), None, |_| false).expect("harmless");
        let bitcode = command.bitcode(&closure, ChildLimits::default(), &|| false).expect("compiles");
        String::from_utf8(tool("llvm-dis", &bitcode).expect("is bitcode")).expect("is text")
    })
}

fn read(text: &str) -> Result<(), CompileError> {
    let bitcode = tool("llvm-as", text.as_bytes()).unwrap_or_else(|said| panic!("{said}\n{text}"));
    let cpu = CpuLevel::host().expect("a level");
    let object = |tier| Checked::read(&bitcode, false, cpu, tier, &Budget::default())?.object();
    object(Tier::Quick).and(object(Tier::Optimised)).map(drop)
}

/// The module with `instructions` at the start of a function, and `more` behind everything.
fn with(function: &str, instructions: &str, more: &str) -> String {
    let text = module();
    let start = text.find(&format!("@{function}(")).expect("has the function");
    let body = start + text[start..].find("  br label").expect("has a first jump");
    format!("{}{instructions}\n{}\n{more}\n", &text[..body], &text[body..])
}

fn refused(what: &str, text: &str) {
    match read(text) {
        // For the reason that it is, and not because LLVM or the tools find it broken.
        Err(CompileError::Code(reason)) if !reason.contains("bitcode") && !reason.contains("broken") => {
            println!("{what}: {reason}");
        }
        Err(error @ CompileError::TooLarge { .. }) => println!("{what}: {error}"),
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn what_faust_writes_is_accepted() {
    assert_eq!(read(module()), Ok(()));
}

#[test]
fn code_that_reaches_for_the_host_is_refused() {
    for (what, instructions, more) in [
        ("assembler", "call void asm sideeffect \"syscall\", \"\"()", ""),
        ("assembler of the module", "", "module asm \"nop\""),
        ("a system call", "%bad = call i32 @system(ptr null)", "declare i32 @system(ptr)"),
        ("memory of the host", "%bad = load ptr, ptr @environ", "@environ = external global ptr"),
        (
            "a constructor",
            "",
            "define void @early() { ret void }\n@llvm.global_ctors = appending global [1 x { i32, ptr, ptr }] [{ i32, ptr, ptr } { i32 1, ptr @early, ptr null }]",
        ),
        ("a section that the loader runs", "", "define void @early() section \".init_array\" { ret void }"),
        (
            "data in a section of its own",
            "store i32 1, ptr @data",
            "@data = internal global i32 0, section \".fini_array\"",
        ),
        ("a thread's own data", "store i32 1, ptr @data", "@data = internal thread_local global i32 0"),
        ("an alias", "", "@other = alias void (i32), ptr @classInitmydsp"),
        ("an address from a number", "%bad = inttoptr i64 4096 to ptr\nstore i32 1, ptr %bad", ""),
        ("an address as a constant", "store i32 1, ptr inttoptr (i64 4096 to ptr)", ""),
        ("nowhere", "store i32 1, ptr null", ""),
        ("a call of data", "%bad = load ptr, ptr %inputs\ncall void %bad()", ""),
        ("a call with other values", "call void @instanceClearmydsp(ptr %dsp, ptr %dsp)", ""),
        (
            "copying memory",
            "call void @llvm.memcpy.p0.p0.i64(ptr %dsp, ptr %inputs, i64 4096, i1 false)",
            "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)",
        ),
        (
            "the return address",
            "%bad = call ptr @llvm.returnaddress(i32 0)",
            "declare ptr @llvm.returnaddress(i32)",
        ),
        ("memory while it renders", "%bad = call ptr @calloc(i64 1, i64 8)", ""),
        (
            "an exception",
            "call void @throws()",
            "define void @throws() personality ptr @who { ret void }\ndeclare i32 @who(...)",
        ),
        ("an atomic", "fence seq_cst", ""),
        ("a volatile store", "%v = alloca i32\nstore volatile i32 1, ptr %v", ""),
    ] {
        refused(what, &with("computemydsp", instructions, more));
    }
}

#[test]
fn addresses_outside_the_program_are_refused() {
    for (what, instructions) in [
        (
            "the next instance",
            "%bad = getelementptr %struct.dspmydsp, ptr %dsp, i32 1, i32 0\nstore i32 1, ptr %bad",
        ),
        ("bytes from the state", "%bad = getelementptr i8, ptr %dsp, i32 100000\nstore i8 1, ptr %bad"),
        (
            "a channel that is not there",
            "%list = getelementptr ptr, ptr %inputs, i32 7\n%bad = load ptr, ptr %list",
        ),
        (
            "a channel by number",
            "%list = getelementptr ptr, ptr %inputs, i32 %count\n%bad = load ptr, ptr %list",
        ),
        (
            "a frame by number",
            "%list = getelementptr ptr, ptr %outputs, i32 0\n%out = load ptr, ptr %list\n%bad = getelementptr float, ptr %out, i32 1000000\nstore float 1.0, ptr %bad",
        ),
        (
            "the last frame and more",
            "%list = getelementptr ptr, ptr %outputs, i32 0\n%out = load ptr, ptr %list\n%more = add i32 %count, 1\n%bad = getelementptr float, ptr %out, i32 %more\nstore float 1.0, ptr %bad",
        ),
        (
            "samples of another size",
            "%from = alloca i32\n%frame = load i32, ptr %from\n%list = getelementptr ptr, ptr %outputs, i32 0\n%out = load ptr, ptr %list\n%bad = getelementptr double, ptr %out, i32 %frame\nstore double 1.0, ptr %bad",
        ),
        (
            "a wide read",
            "%field = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 0\n%bad = load i64, ptr %field",
        ),
        (
            "an address kept",
            "%field = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 0\nstore ptr %inputs, ptr %field",
        ),
        (
            "an address behind a variable",
            "%keep = alloca ptr\nstore ptr %dsp, ptr %keep\n%again = load ptr, ptr %keep\n%bad = getelementptr %struct.dspmydsp, ptr %again, i32 0, i32 0\nstore i32 1, ptr %bad",
        ),
        ("one of two addresses", "%bad = select i1 true, ptr %dsp, ptr %inputs\nstore i32 1, ptr %bad"),
        (
            "a table beside its end",
            "%bad = getelementptr [64 x float], ptr @beside, i32 0, i32 64\nstore float 1.0, ptr %bad",
        ),
    ] {
        refused(
            what,
            &with("computemydsp", instructions, "@beside = internal global [64 x float] zeroinitializer"),
        );
    }
}

#[test]
fn values_that_mean_nothing_are_refused() {
    for (what, instructions) in [
        ("undefined", "%bad = add i32 undef, 1"),
        ("poison", "%bad = add i32 poison, 1"),
        ("more than double", "%bad = fpext float 1.0 to x86_fp80"),
        ("vectors", "%bad = add <4 x i32> zeroinitializer, zeroinitializer"),
        ("large numbers", "%bad = zext i32 1 to i128"),
    ] {
        refused(what, &with("computemydsp", instructions, ""));
    }
    let text = module().replacen("  ret void\n}", "  unreachable\n}", 1);
    refused("an end that is not reached", &text);
}

#[test]
fn what_never_ends_or_takes_too_long_is_refused() {
    for (what, function, instructions, more) in [
        (
            "a function that calls itself",
            "computemydsp",
            "%bad = call float @again(float 1.0)",
            "define float @again(float %x) {\n%y = call float @again(float %x)\nret float %y\n}",
        ),
        (
            "two that call each other",
            "instanceClearmydsp",
            "call void @one()",
            "define void @one() {\ncall void @two()\nret void\n}\ndefine void @two() {\ncall void @one()\nret void\n}",
        ),
        (
            "a loop without an end",
            "instanceClearmydsp",
            "br label %for_ever\nfor_ever:\nbr label %for_ever\nafter:",
            "",
        ),
        (
            "a loop of hours",
            "instanceClearmydsp",
            "%i = alloca i32\nstore i32 0, ptr %i\nbr label %turn\nturn:\n%now = load i32, ptr %i\n%next = add i32 %now, 1\nstore i32 %next, ptr %i\n%go = icmp slt i32 %next, 2000000000\n%still = icmp slt i32 %now, 2000000000\nbr i1 %still, label %turn, label %done\ndone:",
            "",
        ),
        ("a stack of megabytes", "computemydsp", "%bad = alloca [1000000 x float]", ""),
        ("a stack of unknown size", "computemydsp", "%bad = alloca float, i32 %count", ""),
    ] {
        refused(what, &with(function, instructions, more));
    }
    let text = module();
    let at = text.find("call void @fillmydspSIG").expect("fills a table");
    let filled = format!(
        "{}{}",
        &text[..at],
        text[at..].replacen("i32 64", "i32 6400", 1).replacen("i32 32", "i32 3200", 1)
    );
    assert_ne!(filled, text);
    refused("a table filled beyond its end", &filled);
}

#[test]
fn foreign_functions_with_other_values_are_refused() {
    for declared in [
        "float @sinf(float, float)",
        "i32 @sinf(float)",
        "float @sinf(i32)",
        "float @floorf()",
        "float @copysignf(float)",
    ] {
        let (result, call) = declared.split_once(' ').expect("two words");
        let arguments =
            call[call.find('(').expect("arguments")..].replace("float", "float 1.0").replace("i32", "i32 1");
        let name = &call[..call.find('(').expect("arguments")];
        let text = module().replace("declare float @sinf(float)", "");
        let start = text.find("@computemydsp(").expect("renders");
        let body = start + text[start..].find("  br label").expect("has a first jump");
        let text = format!(
            "{}%bad = call {result} {name}{arguments}\n{}\ndeclare {declared}\n",
            &text[..body],
            &text[body..]
        );
        // The program calls the sine itself: its declaration is replaced by the false one.
        let text = text.replace("call fast float @sinf(float ", "call fast float @cosf(float ");
        refused(declared, &format!("{text}\ndeclare float @cosf(float)\n"));
    }
}

#[test]
fn promises_are_forgotten_not_believed() {
    let text = with("computemydsp", "%v = alloca i32\n%r = load i32, ptr %v, !range !{i32 1, i32 2}", "");
    assert_eq!(read(&text), Ok(()));
    let text = module().replace(
        "attributes #0 = { nounwind }",
        "attributes #0 = { nounwind noinline optnone noreturn \"unsafe-fp-math\"=\"true\" }",
    );
    assert_eq!(read(&text), Ok(()));
}

#[test]
fn the_stack_is_measured_with_the_registers_that_are_spilled() {
    // Two hundred numbers, all of them wanted again when the last is there.
    let state = module().split("%struct.dspmydsp = type <{ ").nth(1).expect("has a state");
    let field = state.split(", ").position(|field| field == "i32").expect("has a whole number");
    let place = format!("%place = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 {field}");
    let mut lines = vec![place, "%seed = load i32, ptr %place\n%v0 = sitofp i32 %seed to float".to_owned()];
    lines.extend((1..200).map(|at| format!("%v{at} = fmul float %v{}, 0x3FF0{at:03}020000000", at - 1)));
    lines.push("%s0 = fadd float %v0, %v199".to_owned());
    lines.extend((1..200).map(|at| format!("%s{at} = fsub float %v{at}, %s{}", at - 1)));
    lines.push("%sum = fptosi float %s199 to i32\nstore i32 %sum, ptr %place".to_owned());
    let text = with("computemydsp", &lines.join("\n"), "");
    let bitcode = tool("llvm-as", text.as_bytes()).unwrap_or_else(|said| panic!("{said}"));
    let cpu = CpuLevel::host().expect("a level");
    let read =
        |stack| Checked::read(&bitcode, false, cpu, Tier::Quick, &Budget { stack, ..Budget::default() });
    // The variables alone fit; what LLVM makes of them does not.
    let variables = (0..).map(|eights| eights * 8).find(|&stack| read(stack).is_ok()).expect("some day");
    let object = read(variables).and_then(Checked::object).map(drop);
    assert!(matches!(object, Err(CompileError::TooLarge { what: "bytes on the stack", .. })), "{object:?}");
    assert!(read(variables + 4096).and_then(Checked::object).is_ok());
}

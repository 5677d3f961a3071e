//! Modules that no FAUST text makes: what FAUST wrote, with one thing changed to reach for the host.

use super::emit::Checked;
use super::link::Linked;
use crate::budget::Budget;
use crate::cpu::{CpuLevel, Tier};
use crate::error::CompileError;
use crate::front::child::ChildLimits;
use crate::front::closure::gather;
use crate::front::command::FaustCommand;
use crate::source::Source;
use std::ffi::c_void;
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

/// Where the fields of the program's state begin: the two whole numbers, the delay line of 128 samples and
/// the table of 64.
const NUMBER: usize = 0;
const DELAY: usize = 4;
const TABLE: usize = DELAY + 4 * 128;
const RATE: usize = TABLE + 4 * 64 + 4;
const STATE: usize = RATE + 4;
/// Bytes around the state that nothing may touch.
const GUARD: usize = 1 << 20;
const UNTOUCHED: u8 = 0xa5;

/// The state after one frame of silence, in each tier, where its two numbers were these before.
fn one_frame(text: &str, number: i32, rate: i32) -> [Vec<u8>; 2] {
    let layout = "%struct.dspmydsp = type <{ i32, [128 x float], [64 x float], float, i32 }>";
    assert!(text.contains(layout), "the fields are where they were");
    let bitcode = tool("llvm-as", text.as_bytes()).unwrap_or_else(|said| panic!("{said}\n{text}"));
    let cpu = CpuLevel::host().expect("a level");
    [Tier::Quick, Tier::Optimised].map(|tier| {
        let checked = Checked::read(&bitcode, false, cpu, tier, &Budget::default())
            .unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(checked.state(), STATE as u64);
        let linked = Linked::new(&checked.object().expect("compiles")).expect("links");
        let mut memory = vec![UNTOUCHED; GUARD + STATE + GUARD];
        let state = GUARD..GUARD + STATE;
        memory[state.clone()].fill(0);
        memory[GUARD + NUMBER..][..4].copy_from_slice(&number.to_ne_bytes());
        memory[GUARD + RATE..][..4].copy_from_slice(&rate.to_ne_bytes());
        let (inputs, mut outputs) = ([[0f32; 1]; 3], [[0f32; 1]; 2]);
        let inputs = inputs.each_ref().map(|channel| channel.as_ptr().cast::<c_void>());
        let outputs = outputs.each_mut().map(|channel| channel.as_mut_ptr().cast::<c_void>());
        // SAFETY: the state has the size and the fields that were asserted, and a guard on each side that
        // is larger than what the attacks reach for; there are as many channels as the program has.
        unsafe {
            (linked.class_init)(48_000);
            let place = memory.as_mut_ptr().add(GUARD).cast::<c_void>();
            (linked.compute)(place, 1, inputs.as_ptr(), outputs.as_ptr());
        }
        let guards = memory[..GUARD].iter().chain(&memory[GUARD + STATE..]);
        assert!(guards.into_iter().all(|&byte| byte == UNTOUCHED), "it wrote beside its state\n{text}");
        memory[state].to_vec()
    })
}

fn number_at(state: &[u8], at: usize) -> i32 {
    i32::from_ne_bytes(state[at..at + 4].try_into().expect("four bytes"))
}

fn sample_at(state: &[u8], at: usize) -> f32 {
    f32::from_bits(number_at(state, at) as u32)
}

const READ_NUMBERS: &str = "%pa = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 0
%a = load i32, ptr %pa
%pb = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 4
%b = load i32, ptr %pb
";

#[test]
fn an_index_that_is_known_only_when_it_runs_stays_within_its_array() {
    let decayed = "%line = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 1
%first = getelementptr [128 x float], ptr %line, i32 0, i32 0
%place = getelementptr float, ptr %first, i32 %a";
    let direct = "%place = getelementptr %struct.dspmydsp, ptr %dsp, i32 0, i32 1, i32 %a";
    let promised = "%place = getelementptr inbounds nuw %struct.dspmydsp, ptr %dsp, i32 0, i32 1, i32 %a";
    for address in [decayed, direct, promised] {
        let text = with("computemydsp", &format!("{READ_NUMBERS}{address}\nstore float 2.0, ptr %place"), "");
        for (index, held) in [
            (128, 127),
            (130, 127),
            (100_000, 127),
            (i32::MAX, 127),
            (-1, 0),
            (-100_000, 0),
            (i32::MIN, 0),
            (5, 5),
        ] {
            // Far enough to leave the guards: a crash says as much.
            for state in one_frame(&text, index, 0) {
                // The program itself writes its input, silence, at the index modulo 128.
                let written: Vec<usize> =
                    (0..128 + 64).filter(|at| sample_at(&state, DELAY + 4 * at) == 2.0).collect();
                let over = (index & 127) as usize == held as usize;
                assert_eq!(written, if over { vec![] } else { vec![held as usize] }, "{address} at {index}");
            }
        }
    }
    // A table that instances share, and an array of a function: their neighbours are not ours to look at,
    // but reading them gives the entry at the end.
    let local = "%list = alloca [4 x i32]
%e0 = getelementptr [4 x i32], ptr %list, i32 0, i32 0
%e3 = getelementptr [4 x i32], ptr %list, i32 0, i32 3
store i32 70, ptr %e0
store i32 73, ptr %e3
%place = getelementptr [4 x i32], ptr %list, i32 0, i32 %a
%found = load i32, ptr %place
store i32 %found, ptr %pb";
    let shared = "%place = getelementptr [4 x i32], ptr @beside, i32 0, i32 %a
%found = load i32, ptr %place
store i32 %found, ptr %pb";
    let beside = "@beside = internal global [4 x i32] [i32 70, i32 71, i32 72, i32 73]";
    for (instructions, more) in [(local, ""), (shared, beside)] {
        let text = with("computemydsp", &format!("{READ_NUMBERS}{instructions}"), more);
        for (index, entry) in [(4, 73), (100_000_000, 73), (-1, 70), (i32::MIN, 70), (3, 73), (0, 70)] {
            for state in one_frame(&text, index, 0) {
                assert_eq!(number_at(&state, RATE), entry, "{instructions} at {index}");
            }
        }
    }
}

#[test]
fn whole_numbers_are_divided_by_anything_without_a_trap() {
    let least = i32::MIN;
    for (opcode, answers) in [
        ("sdiv", [(7, 0, 0), (least, -1, least), (least, 0, 0), (-7, 2, -3), (7, -1, -7)]),
        ("srem", [(7, 0, 0), (least, -1, 0), (least, 0, 0), (-7, 2, -1), (7, -1, 0)]),
        ("udiv", [(7, 0, 0), (least, -1, 0), (least, 0, 0), (-7, 2, 2_147_483_644), (-1, -1, 1)]),
        ("urem", [(7, 0, 0), (least, -1, least), (least, 0, 0), (-7, 2, 1), (-1, -1, 0)]),
    ] {
        let computed = format!("{READ_NUMBERS}%q = {opcode} i32 %a, %b\nstore i32 %q, ptr %pb");
        let computed = with("computemydsp", &computed, "");
        for (a, b, answer) in answers {
            for state in one_frame(&computed, a, b) {
                assert_eq!(number_at(&state, RATE), answer, "{opcode} {a}, {b}");
            }
        }
        // The same with numbers that stand in the text: LLVM may compute with them before it runs.
        for (a, b, answer) in &answers[..3] {
            for built in [format!("{opcode} i32 %a, {b}"), format!("{opcode} i32 {a}, {b}")] {
                let text =
                    with("computemydsp", &format!("{READ_NUMBERS}%q = {built}\nstore i32 %q, ptr %pb"), "");
                for state in one_frame(&text, *a, *b) {
                    assert_eq!(number_at(&state, RATE), *answer, "{built}");
                }
            }
        }
    }
    let wide = format!(
        "{READ_NUMBERS}%wa = sext i32 %a to i64\n%shifted = shl i64 %wa, 32\n%wb = sext i32 %b to i64
%wq = sdiv i64 %shifted, %wb\n%high = lshr i64 %wq, 32\n%q = trunc i64 %high to i32\nstore i32 %q, ptr %pb"
    );
    let wide = with("computemydsp", &wide, "");
    for (a, b, answer) in [(least, -1, least), (7, 0, 0), (8, 2, 4)] {
        for state in one_frame(&wide, a, b) {
            assert_eq!(number_at(&state, RATE), answer, "64 bits: {a}, {b}");
        }
    }
}

#[test]
fn no_instruction_keeps_a_flag_that_makes_a_promise() {
    // Every opcode that has flags, with all of them.
    let flagged = format!(
        "{READ_NUMBERS}%f1 = add nuw nsw i32 %a, %b\n%f2 = sub nuw nsw i32 %f1, %b\n%f3 = mul nuw nsw i32 %f2, %b
%f4 = shl nuw nsw i32 %f3, 3\n%f5 = lshr exact i32 %f4, 1\n%f6 = ashr exact i32 %f5, 1
%f7 = sdiv exact i32 %f6, %b\n%f8 = udiv exact i32 %f7, %b\n%f9 = or disjoint i32 %f8, %b
%g1 = zext nneg i32 %f9 to i64\n%g2 = trunc nuw nsw i64 %g1 to i32\n%g3 = uitofp nneg i32 %g2 to float
%h1 = fadd fast float %g3, 1.0\n%h2 = fsub fast float %h1, 2.0\n%h3 = fmul nnan ninf float %h2, 3.0
%h4 = fdiv arcp contract float %h3, 4.0\n%h5 = frem afn reassoc nsz float %h4, 5.0\n%h6 = fneg fast float %h5
%h7 = fcmp fast olt float %h6, 1.0\n%h8 = select fast i1 %h7, float %h6, float 2.0
%h9 = call fast float @llvm.fabs.f32(float %h8)
%k1 = getelementptr inbounds nuw %struct.dspmydsp, ptr %dsp, i32 0, i32 1, i32 %a
%k2 = getelementptr nusw nuw %struct.dspmydsp, ptr %dsp, i32 0, i32 1, i32 %b
store float %h9, ptr %k1\nstore float %h9, ptr %k2
br label %joins\njoins:\n%p1 = phi fast float [ %h9, %entry_block ]\nstore float %p1, ptr %k1"
    );
    let text = with("computemydsp", &flagged, "declare float @llvm.fabs.f32(float)");
    let flags = [
        "fast", "nnan", "ninf", "nsz", "arcp", "contract", "afn", "reassoc", "nuw", "nsw", "exact",
        "disjoint", "nneg", "nusw", "samesign", "tail", "musttail",
    ];
    let kept = |text: &str| -> Vec<String> {
        let has_flag = |line: &&str| line.split_whitespace().any(|word| flags.contains(&word));
        text.lines().filter(|line| line.starts_with("  ")).filter(has_flag).map(str::to_owned).collect()
    };
    let bitcode = tool("llvm-as", text.as_bytes()).unwrap_or_else(|said| panic!("{said}\n{text}"));
    let before = String::from_utf8(tool("llvm-dis", &bitcode).expect("is bitcode")).expect("is text");
    assert!(kept(&before).len() >= 24, "there is something to clear:\n{}", kept(&before).join("\n"));
    let cpu = CpuLevel::host().expect("a level");
    let checked = Checked::read(&bitcode, false, cpu, Tier::Quick, &Budget::default())
        .unwrap_or_else(|error| panic!("{error}\n{text}"));
    let after = checked.text();
    assert_eq!(kept(&after), Vec::<String>::new());
    assert!(after.contains("getelementptr inbounds"), "what is held is in bounds, and LLVM may know");
}

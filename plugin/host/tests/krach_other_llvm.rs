//! Another LLVM in the host's process changes nothing: neither the very version that the plugin is built
//! with, its symbols open to everybody, nor the one with which Mesa compiles shaders.
#![cfg(target_os = "linux")]

mod krach_support;

use std::ffi::{CStr, CString, c_char, c_void};
use std::process::{Command, Stdio};

use krach_host::transport::{Blocks, Script};
use krach_host::{Length, RenderOptions};
use krach_support::ask_all;
use krach_support::sounds::{graph, sound_stage, types, write};

/// Set in a process of ours that plays with these libraries around it.
const AROUND: &str = "KRACH_TEST_AROUND";
/// What such a process says last: how often it compiled, and a digest of what it played.
const PLAYED: &str = "played ";

/// A program that uses everything that is linked: tables, maths, delay lines.
const PROGRAM: &str = "import(\"stdfaust.lib\");\n\
    process = os.sawtooth(110 + 5 * os.osc(3)) : fi.lowpass(4, 900) <: re.stereo_freeverb(0.6, 0.5, 0.4, 23);\n";

/// Opens a library so that everything loaded later could bind to its symbols.
fn open(name: &str) -> *mut c_void {
    let name = CString::new(name).expect("a name");
    // SAFETY: libraries of the system, whose constructors may run at any time.
    let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    // SAFETY: after a failure the message is there until the next call.
    assert!(!library.is_null(), "{:?}", unsafe { CStr::from_ptr(libc::dlerror()) });
    library
}

fn symbol(library: *mut c_void, name: &CStr) -> *mut c_void {
    // SAFETY: the library is open.
    let symbol = unsafe { libc::dlsym(library, name.as_ptr()) };
    assert!(!symbol.is_null(), "{name:?}");
    symbol
}

/// A picture that Mesa draws in software, without a window: its shaders are compiled by its LLVM. The
/// context stays, and so does its LLVM.
fn draw() {
    type Get = unsafe extern "C" fn(*const c_char) -> *mut c_void;
    let egl = open("libEGL.so.1");
    // SAFETY: the types are those of EGL's and OpenGL's functions; EGL answers with zero or null on failure,
    // which is checked before the result is used, and the context is current for all calls of OpenGL.
    unsafe {
        let get: Get = std::mem::transmute(symbol(egl, c"eglGetProcAddress"));
        let function = |name: &CStr| {
            let function = get(name.as_ptr());
            assert!(!function.is_null(), "{name:?}");
            function
        };
        macro_rules! call {
            ($name:literal ($($ty:ty: $value:expr),*) -> $out:ty) => {{
                let function: unsafe extern "C" fn($($ty),*) -> $out = std::mem::transmute(function($name));
                function($($value),*)
            }};
        }
        const SURFACELESS: u32 = 0x31DD;
        const OPENGL: u32 = 0x30A2;
        let null = std::ptr::null_mut::<c_void>();
        let display = call!(c"eglGetPlatformDisplay" (u32: SURFACELESS, *mut c_void: null, *mut c_void: null) -> *mut c_void);
        assert!(!display.is_null(), "a display without a screen");
        assert_ne!(
            call!(c"eglInitialize" (*mut c_void: display, *mut c_void: null, *mut c_void: null) -> u32),
            0
        );
        assert_ne!(call!(c"eglBindAPI" (u32: OPENGL) -> u32), 0);
        let (config, attributes) = (null, [0x3038i32]);
        let context = call!(c"eglCreateContext" (*mut c_void: display, *mut c_void: config, *mut c_void: null, *const i32: attributes.as_ptr()) -> *mut c_void);
        assert!(!context.is_null(), "a context");
        assert_ne!(
            call!(c"eglMakeCurrent" (*mut c_void: display, *mut c_void: null, *mut c_void: null, *mut c_void: context) -> u32),
            0
        );
        const RENDERER: u32 = 0x1F01;
        let renderer = call!(c"glGetString" (u32: RENDERER) -> *const c_char);
        let renderer = CStr::from_ptr(renderer).to_string_lossy().into_owned();
        assert!(renderer.contains("llvmpipe"), "{renderer} draws, not LLVM");
        // A picture of 16 by 16, drawn by a fragment shader.
        const FRAMEBUFFER: u32 = 0x8D40;
        const RENDERBUFFER: u32 = 0x8D41;
        let (mut picture, mut frame) = (0u32, 0u32);
        call!(c"glGenRenderbuffers" (i32: 1, *mut u32: &raw mut picture) -> ());
        call!(c"glBindRenderbuffer" (u32: RENDERBUFFER, u32: picture) -> ());
        call!(c"glRenderbufferStorage" (u32: RENDERBUFFER, u32: 0x8058, i32: 16, i32: 16) -> ());
        call!(c"glGenFramebuffers" (i32: 1, *mut u32: &raw mut frame) -> ());
        call!(c"glBindFramebuffer" (u32: FRAMEBUFFER, u32: frame) -> ());
        call!(c"glFramebufferRenderbuffer" (u32: FRAMEBUFFER, u32: 0x8CE0, u32: RENDERBUFFER, u32: picture) -> ());
        call!(c"glViewport" (i32: 0, i32: 0, i32: 16, i32: 16) -> ());
        let shader = call!(c"glCreateShader" (u32: 0x8B30) -> u32);
        let text =
            c"void main() { gl_FragColor = vec4(0.5 + 0.5 * sin(gl_FragCoord.x), 0.0, 1.0, 1.0); }".as_ptr();
        call!(c"glShaderSource" (u32: shader, i32: 1, *const *const c_char: &raw const text, *const i32: std::ptr::null()) -> ());
        call!(c"glCompileShader" (u32: shader) -> ());
        let program = call!(c"glCreateProgram" () -> u32);
        call!(c"glAttachShader" (u32: program, u32: shader) -> ());
        call!(c"glLinkProgram" (u32: program) -> ());
        call!(c"glUseProgram" (u32: program) -> ());
        call!(c"glBegin" (u32: 7) -> ());
        for (x, y) in [(-1.0f32, -1.0f32), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)] {
            call!(c"glVertex2f" (f32: x, f32: y) -> ());
        }
        call!(c"glEnd" () -> ());
        let mut pixel = [0u8; 4];
        call!(c"glReadPixels" (i32: 8, i32: 8, i32: 1, i32: 1, u32: 0x1908, u32: 0x1401, *mut u8: pixel.as_mut_ptr()) -> ());
        assert_eq!(pixel[2], 255, "it was drawn");
    }
}

/// Plays a compiled sound with what was asked for around it, and tells what was heard.
fn play_among(around: &str) {
    for library in around.split(',') {
        match library {
            "" => {}
            "mesa" => draw(),
            name => drop(open(name)),
        }
    }
    let options = RenderOptions {
        script: Script::playing(120.0),
        blocks: Blocks::Fixed(256),
        length: Length::Seconds(4.0),
        ..RenderOptions::default()
    };
    let mut stage = sound_stage(&options);
    write("among.dsp", PROGRAM);
    types(&mut stage);
    ask_all(&mut stage, &[graph(&["among", "kick"]).to_string()]);
    stage.render_to_end().expect("it renders");
    let rendered = stage.recorded(0, 0).to_vec();
    let loudest = rendered.iter().fold(0.0f32, |most, sample| most.max(sample.abs()));
    assert!(loudest > 0.01, "it is heard");
    let digest = rendered.iter().fold(0xcbf2_9ce4_8422_2325u64, |digest, sample| {
        (digest ^ u64::from(sample.to_bits())).wrapping_mul(0x0100_0000_01b3)
    });
    drop(stage);
    if around.contains("mesa") {
        draw();
    }
    println!("{PLAYED}{} {digest:x}", rendered.len());
}

#[test]
fn another_llvm_in_the_process_changes_nothing() {
    if let Some(around) = std::env::var_os(AROUND) {
        play_among(&around.to_string_lossy());
        return;
    }
    let played = |around: &str| {
        let output = Command::new(std::env::current_exe().expect("a program"))
            .args(["--exact", "another_llvm_in_the_process_changes_nothing", "--nocapture"])
            .env(AROUND, around)
            .stdin(Stdio::null())
            .output()
            .expect("starts");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "with {around}: {}\n{said}{errors}", output.status);
        let played = said.lines().find_map(|line| line.strip_prefix(PLAYED)).expect("it tells");
        played.to_owned()
    };
    let alone = played("");
    for around in ["libLLVM.so.19.1", "mesa", "libLLVM.so.19.1,mesa"] {
        assert_eq!(played(around), alone, "with {around}");
    }
}

//! Links LLVM 19 statically: just the components that the back half uses, for the target's
//! architecture only.
//!
//! `llvm-config-19` is looked for in `LLVM_SYS_191_PREFIX/bin`, then on the path, then where Debian
//! puts it. Symbols stay hidden only if the final library is linked with `--exclude-libs,ALL` and
//! `-Bsymbolic`: `cargo:rustc-link-arg` of a dependency does not reach the crate that links, so the
//! build script of `plugin/bundle` passes them itself.

use std::path::PathBuf;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=LLVM_SYS_191_PREFIX");
    println!("cargo:rerun-if-changed=build.rs");
    let config = llvm_config();
    let arch = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let target = match arch.as_str() {
        "x86_64" => "x86",
        "aarch64" => "aarch64",
        other => panic!("krach-faust: no code generator is linked for {other}; x86_64 and aarch64 work"),
    };
    println!("cargo:rustc-link-search=native={}", ask(&config, &["--libdir"]));
    let components = ["--link-static", "--libs", target, "orcjit", "passes", "bitreader"];
    for library in ask(&config, &components).split_whitespace() {
        println!("cargo:rustc-link-lib=static={}", library.trim_start_matches("-l"));
    }
    let mut system = vec!["--link-static", "--system-libs"];
    system.extend(&components[2..]);
    for library in ask(&config, &system).split_whitespace() {
        // LLVM's own list names libz3 by path; only the static analyser calls it, and the linker
        // drops it again (`--as-needed`).
        if let Some(name) = library.strip_prefix("-l") {
            println!("cargo:rustc-link-lib=dylib={name}");
        }
    }
    for library in ["tinfo", "z3"] {
        println!("cargo:rustc-link-lib=dylib={library}");
    }
    let cxx = if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("macos") { "c++" } else { "stdc++" };
    println!("cargo:rustc-link-lib=dylib={cxx}");
}

fn llvm_config() -> PathBuf {
    let prefix = std::env::var_os("LLVM_SYS_191_PREFIX").map(|p| PathBuf::from(p).join("bin/llvm-config"));
    let candidates = prefix.into_iter().chain(
        ["llvm-config-19", "/usr/lib/llvm-19/bin/llvm-config", "/opt/homebrew/opt/llvm@19/bin/llvm-config"]
            .map(PathBuf::from),
    );
    for candidate in candidates {
        if Command::new(&candidate).arg("--version").output().is_ok_and(|out| out.stdout.starts_with(b"19."))
        {
            return candidate;
        }
    }
    panic!(
        "krach-faust: LLVM 19 not found; on Debian: apt-get install llvm-19-dev libpolly-19-dev libzstd-dev"
    )
}

fn ask(config: &PathBuf, args: &[&str]) -> String {
    let out = Command::new(config).args(args).output().expect("llvm-config runs");
    assert!(out.status.success(), "llvm-config {args:?}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).expect("llvm-config prints text").trim().to_owned()
}

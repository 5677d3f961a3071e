//! Keeps what is linked statically out of sight: LLVM's symbols stay inside, whatever else in the host's process
//! has an LLVM.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        for argument in ["--exclude-libs,ALL", "-Bsymbolic", "--gc-sections", "--as-needed"] {
            println!("cargo:rustc-link-arg-cdylib=-Wl,{argument}");
        }
    }
}

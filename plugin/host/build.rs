//! Test programs that define the malloc family export it, so that the plugins they load use it.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if linux {
        println!("cargo::rustc-link-arg-tests=-rdynamic");
    }
}

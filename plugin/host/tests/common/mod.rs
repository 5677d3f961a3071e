//! Where the tests find the plugin that they play.

use std::path::PathBuf;

/// The built example `clicker`: `cargo test` leaves it in `examples`, beside the tests' own folder.
/// With `cargo test --test NAME` alone it is as old as the last build of the examples.
pub fn clicker() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test.ancestors().nth(2).expect("target/<profile>/deps/<test>");
    let name = format!("{}clicker{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    let path = profile.join("examples").join(name);
    assert!(
        path.exists(),
        "{} is not built: run `cargo build -p krach-host --example clicker` in this profile",
        path.display()
    );
    path
}

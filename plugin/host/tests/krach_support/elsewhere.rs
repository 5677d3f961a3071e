//! One test in a process of its own, as on another machine.

use std::ffi::OsStr;

/// Runs one test of this program in a process of its own, as on another machine: with a home of its own
/// and these variables. A test that is only a body for such a process is ignored, else it would count here, too.
pub fn elsewhere(test: &str, variables: &[(&str, &OsStr)]) {
    let mut child = std::process::Command::new(std::env::current_exe().expect("this program"));
    child
        .args(["--exact", test, "--include-ignored", "--nocapture"])
        .env_remove("NOISE_DSP_DIR")
        .env("KRACH_TEST_ELSEWHERE", "1");
    let output = child.envs(variables.iter().copied()).output().expect("starts");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Is this such a process?
pub fn is_elsewhere() -> bool {
    std::env::var_os("KRACH_TEST_ELSEWHERE").is_some()
}

//! krach with a window and a sound card, without a DAW. `--help` lists what can be chosen.

fn main() -> std::process::ExitCode {
    krach::standalone::run()
}

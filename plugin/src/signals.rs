//! Who ends the program without a DAW, other than by closing its window: Ctrl-C, the terminal that closes, or
//! whoever asks the system to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two looks of an open window whether somebody has asked.
pub(crate) const LOOK: Duration = Duration::from_millis(50);
/// What shells call a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);

/// From now on somebody may ask. Who asks a second time ends the program where it stands; so does the first
/// where the window's loop is the system's.
///
/// # Errors
/// If the system does not let us listen.
pub fn listen() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if ASKED.swap(true, Ordering::Relaxed) || cfg!(not(target_os = "linux")) {
            std::process::exit(INTERRUPTED);
        }
    })
}

/// Somebody has asked.
pub(crate) fn asked() -> bool {
    ASKED.load(Ordering::Relaxed)
}

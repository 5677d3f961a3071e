//! Who ends the program without a DAW while its window is open: Ctrl-C, or whoever asks the system to.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// Between two looks whether somebody has asked.
pub const LOOK: Duration = Duration::from_millis(50);

/// From now on true once somebody has asked; whoever asks a second time ends the program where it stands.
/// nice-plug listens to Ctrl-C, too, and is still told; with a window open it does nothing about it.
pub fn asked() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_shutdown(signal, 128 + signal, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    Ok(asked)
}

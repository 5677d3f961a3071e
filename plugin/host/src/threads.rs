//! Which thread may call what: the role of the present thread, for CLAP's thread-check.

use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static AUDIO: Cell<u32> = const { Cell::new(0) };
}

/// Whether the present thread is inside an [`AudioScope`].
pub fn on_audio_thread() -> bool {
    AUDIO.with(|depth| depth.get() > 0)
}

/// While it lives, the present thread is the audio thread. Entering and leaving neither allocates
/// nor makes a system call.
pub struct AudioScope {
    _not_send: PhantomData<*const ()>,
}

impl AudioScope {
    /// The present thread becomes the audio thread.
    pub fn enter() -> Self {
        AUDIO.with(|depth| depth.set(depth.get() + 1));
        Self { _not_send: PhantomData }
    }
}

impl Drop for AudioScope {
    fn drop(&mut self) {
        AUDIO.with(|depth| depth.set(depth.get() - 1));
    }
}

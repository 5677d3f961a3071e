//! The host starts the sound: a processor for it, once the sounds of the session are compiled.

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use krach_core::processor::Processor;

use super::{Control, TOO_LATE};
use crate::instance::Claim;
use crate::problems::About;

/// How long an activation waits for the sounds of its session to be compiled: those that come later fade in
/// when they are there. What was compiled on this machine before takes a millisecond.
pub(super) const COMPILE_PATIENCE: Duration = Duration::from_secs(5);

/// An activation that waits for sounds.
pub(super) struct Activating {
    pub sample_rate: f64,
    pub max_frames: usize,
    pub reply: SyncSender<Box<Processor>>,
    pub claim: Arc<Claim>,
    /// From when on it waits no longer.
    pub until: Instant,
}

impl Control {
    /// Is the session waiting for a sound to be compiled?
    pub(super) fn awaits_sounds(&self) -> bool {
        self.sounds.as_ref().is_some_and(|sounds| sounds.awaited(&self.engine))
    }

    /// Builds the processor that the host waits for, once everything in it has its code.
    pub(super) fn activate_when_ready(&mut self) {
        let awaits = self.awaits_sounds();
        let ready = |activating: &mut Activating| !awaits || Instant::now() >= activating.until;
        let Some(Activating { sample_rate, max_frames, reply, claim, .. }) = self.activating.take_if(ready)
        else {
            return;
        };
        if !claim.take() {
            return self
                .report(format!("{TOO_LATE} the start of the sound, which stays off; activate again"));
        }
        if awaits {
            let seconds = COMPILE_PATIENCE.as_secs();
            let problem = format!(
                "some sounds are still being compiled after {seconds} s; they fade in when they are there"
            );
            self.report_about(None, problem, About::Compiling);
        }
        let processor = self.engine.activate(sample_rate, max_frames);
        self.active = true;
        self.feed.activated(max_frames as f64 / sample_rate);
        self.naming.hello().sample_rate = Some(sample_rate);
        let _ = reply.try_send(Box::new(processor));
    }
}

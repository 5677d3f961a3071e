//! Frames that never come. Under X11 a frame waits for the display's answer to a Present request, and none is
//! asked for while one is on its way; where an answer is lost, the window stands still for good, often before
//! its first frame. Whoever looks on asks the display for that answer again.

use std::time::{Duration, Instant};

/// A frame that was asked for so long ago is overdue.
const OVERDUE: Duration = Duration::from_millis(500);

/// Whether frames that are asked for come.
#[derive(Default)]
pub struct Stall {
    drawn: u64,
    since: Option<Instant>,
}

impl Stall {
    /// After a look: `drawn` frames were begun so far; `wanted` says that another one was asked for after them. True
    /// if that one is overdue; then again after as long.
    pub fn look(&mut self, now: Instant, drawn: u64, wanted: bool) -> bool {
        if self.drawn != drawn {
            (self.drawn, self.since) = (drawn, None);
        }
        if wanted && self.since.is_none() {
            self.since = Some(now);
        }
        let overdue = self.since.is_some_and(|since| now - since >= OVERDUE);
        if overdue {
            self.since = Some(now);
        }
        overdue
    }
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::time::{Duration, Instant};

    use x11rb::connection::{Connection, RequestConnection};
    use x11rb::protocol::Event;
    use x11rb::protocol::present::{self, ConnectionExt as _, EventMask};
    use x11rb::protocol::xproto::{ConnectionExt as _, CreateWindowAux, MapState, Window, WindowClass};
    use x11rb::rust_connection::RustConnection;

    /// Answers to requests that were not counted as frames: as many as these may have come before.
    const SPARE: u64 = 8;
    /// How long a display may take to answer its first Present request.
    const PATIENCE: Duration = Duration::from_millis(500);
    /// Between two looks whether it has.
    const LOOK: Duration = Duration::from_millis(2);
    /// One lost answer is no proof.
    const ASKED: u32 = 3;

    /// Asks the display again for the answer that a window waits for.
    #[derive(Default)]
    pub struct Again {
        connection: Option<RustConnection>,
    }

    impl Again {
        /// For a window that has begun `drawn` frames. Its answers are numbered, and go to whoever listens to the
        /// window, whoever has asked. A window that nobody can see is let be.
        pub fn ask(&mut self, window: Window, drawn: u64) {
            if self.connection.is_none() {
                self.connection = x11rb::connect(None).ok().map(|(connection, _)| connection);
            }
            // Without a display there is no window either.
            if self.connection.as_ref().and_then(|display| ask(display, window, drawn)).is_none() {
                self.connection = None;
            }
        }
    }

    fn ask(display: &RustConnection, window: Window, drawn: u64) -> Option<()> {
        let attributes = display.get_window_attributes(window).ok()?.reply().ok()?;
        if attributes.map_state == MapState::VIEWABLE {
            for number in drawn..=drawn + SPARE {
                display.present_notify_msc(window, number as u32, 0, 1, 0).ok()?;
            }
            display.flush().ok()?;
        }
        Some(())
    }

    /// Does the display answer Present requests at all? Asked with a window of its own, which is never shown. True
    /// also where there is no Present: that is known without asking.
    pub fn answers() -> bool {
        let Ok((display, screen)) = x11rb::connect(None) else { return true };
        answers_on(&display, screen).unwrap_or(true)
    }

    fn answers_on(display: &RustConnection, screen: usize) -> Option<bool> {
        display.extension_information(present::X11_EXTENSION_NAME).ok()??;
        let root = display.setup().roots.get(screen)?.root;
        let (window, events) = (display.generate_id().ok()?, display.generate_id().ok()?);
        let (class, same) = (WindowClass::INPUT_OUTPUT, x11rb::COPY_FROM_PARENT);
        let aux = CreateWindowAux::new();
        display.create_window(0, window, root, 0, 0, 1, 1, 0, class, same, &aux).ok()?;
        display.present_select_input(events, window, EventMask::COMPLETE_NOTIFY).ok()?.check().ok()?;
        for number in 0..ASKED {
            display.present_notify_msc(window, number, 0, 1, 0).ok()?;
        }
        display.flush().ok()?;
        let end = Instant::now() + PATIENCE;
        loop {
            // A look after the last wait counts, however long that took.
            let over = Instant::now() >= end;
            while let Some(event) = display.poll_for_event().ok()? {
                if matches!(event, Event::PresentCompleteNotify(_)) {
                    return Some(true);
                }
            }
            if over {
                return Some(false);
            }
            std::thread::sleep(LOOK);
        }
    }
}

#[cfg(target_os = "linux")]
pub use x11::{Again, answers};

/// Elsewhere the window's system asks for frames.
#[cfg(not(target_os = "linux"))]
#[derive(Default)]
pub struct Again;

#[cfg(not(target_os = "linux"))]
impl Again {
    /// Nothing has to be asked for twice.
    pub fn ask(&mut self, _window: u32, _drawn: u64) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_frame_that_was_asked_for_and_does_not_come_is_overdue_every_half_second() {
        let (start, mut stall) = (Instant::now(), Stall::default());
        assert!(!stall.look(start, 0, true));
        assert!(!stall.look(after(start, 499), 0, true), "what is asked for again is not younger");
        assert!(stall.look(after(start, 500), 0, false));
        assert!(!stall.look(after(start, 540), 0, false));
        assert!(stall.look(after(start, 1000), 0, false));
    }

    #[test]
    fn frames_that_come_are_never_overdue_and_neither_are_those_that_nobody_wants() {
        let (start, mut stall) = (Instant::now(), Stall::default());
        for look in 0..100 {
            assert!(!stall.look(after(start, look * 400), look, true), "look {look}");
        }
        let mut stall = Stall::default();
        for look in 0..100 {
            assert!(!stall.look(after(start, look * 400), 7, false), "look {look}");
        }
    }

    #[test]
    fn a_later_frame_that_is_lost_is_overdue_too() {
        let (start, mut stall) = (Instant::now(), Stall::default());
        assert!(!stall.look(start, 0, true));
        assert!(!stall.look(after(start, 40), 1, false));
        assert!(!stall.look(after(start, 5000), 1, true), "nobody wanted one until now");
        assert!(stall.look(after(start, 5500), 1, false));
    }
}

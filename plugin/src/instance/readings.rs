//! What the audio thread has published, read at one moment: the window and the subscribers of events see the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use krach_core::link::{Link, Position};
use krach_core::telemetry::{Level, Load};

/// A host that has not called `process` for so long does not call it: longer than any block.
pub(super) const SILENCE: Duration = Duration::from_millis(400);

/// What is shown of one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Readings {
    /// The host calls `process`. If not, time stands and every level is zero.
    pub called: bool,
    /// Where the clock stands.
    pub position: Position,
    /// Bars of the host from 0; `None` before it has said any.
    pub bars: Option<f64>,
    /// Main output, left and right.
    pub output: [Level; 2],
    /// A level for each node that was asked for; `None` if it has no meter.
    pub nodes: Vec<Option<Level>>,
    /// Time that blocks take.
    pub load: Load,
}

/// Takes readings of one instance.
pub struct Reader {
    link: Arc<Link>,
    /// Blocks at the last reading, and when there was last a new one.
    blocks: (u64, Option<Instant>),
}

impl Reader {
    /// Nothing has been read yet.
    pub fn new(link: Arc<Link>) -> Self {
        let blocks = (link.blocks(), None);
        Self { link, blocks }
    }

    /// The readings of now, for nodes with these numbers of meters.
    pub fn read(&mut self, now: Instant, meters: impl Iterator<Item = Option<u32>>) -> Readings {
        let called = self.is_called(now);
        let mut position = self.link.position();
        position.running &= called;
        let bars = (position.bar_cycles > 0.0)
            .then(|| position.bar_count + (position.cycles - position.bar_start) / position.bar_cycles);
        let telemetry = self.link.telemetry();
        let level = |meter: u32| if called { telemetry.node(meter) } else { Level::default() };
        let nodes = meters.map(|meter| meter.map(level)).collect();
        let (output, load) = if called { (telemetry.output(), telemetry.load()) } else { Default::default() };
        Readings { called, position, bars, output, nodes, load }
    }

    fn is_called(&mut self, now: Instant) -> bool {
        let blocks = self.link.blocks();
        if self.blocks.0 != blocks {
            self.blocks = (blocks, Some(now));
        }
        self.blocks.1.is_some_and(|last| now - last < SILENCE)
    }
}

#[cfg(test)]
mod tests {
    use krach_core::engine::Engine;
    use krach_core::node::Registry;

    use super::*;

    #[test]
    fn a_host_that_does_not_call_has_no_levels_and_no_time() {
        let link = Engine::new(Registry::with_builtins()).link();
        let mut reader = Reader::new(Arc::clone(&link));
        let now = Instant::now();
        let never = reader.read(now, [Some(0), None].into_iter());
        assert_eq!((never.called, never.nodes), (false, vec![Some(Level::default()), None]));
        reader.blocks = (link.blocks().wrapping_sub(1), None);
        assert!(reader.read(now, std::iter::empty()).called);
        assert!(reader.read(now + SILENCE / 2, std::iter::empty()).called);
        assert!(!reader.read(now + SILENCE, std::iter::empty()).called);
    }
}

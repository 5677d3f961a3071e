//! The audio side: plays one plan after the other.

use crate::midi::MidiEvent;
use crate::plan::ExecutionPlan;
use crate::transport::{Stretch, Transport};

/// Plays a patch. Lives on the audio thread; nothing here allocates, frees, locks or waits.
#[derive(Default)]
pub struct Processor {
    plan: Option<Box<ExecutionPlan>>,
}

/// Why a plan was not adopted: it follows another one than that which plays.
pub struct Unfit(
    /// The plan, as it was.
    pub Box<ExecutionPlan>,
);

impl Processor {
    /// Silent, until there is a plan.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of the plan that plays; 0: none.
    pub fn serial(&self) -> u64 {
        self.plan.as_ref().map_or(0, |plan| plan.serial)
    }

    /// Plays by this plan from the next sample on. What comes back holds all that is retired, to be dropped elsewhere.
    ///
    /// The first plan follows number 0: it fits only where nothing plays yet.
    ///
    /// # Errors
    /// Gives the plan back if it follows another one than that which plays.
    pub fn adopt(&mut self, mut plan: Box<ExecutionPlan>) -> Result<Option<Box<ExecutionPlan>>, Unfit> {
        if plan.base != self.serial() {
            return Err(Unfit(plan));
        }
        let old = if plan.anew { None } else { self.plan.as_deref_mut() };
        plan.take_over(old);
        Ok(self.plan.replace(plan))
    }

    /// Has every fade ended?
    pub fn is_settled(&self) -> bool {
        self.plan.as_ref().is_none_or(|plan| plan.unsettled == 0)
    }

    /// Samples until every fade has ended.
    #[cfg(feature = "node")]
    pub(crate) fn unsettled(&self) -> u32 {
        self.plan.as_ref().map_or(0, |plan| plan.unsettled)
    }

    /// Forgets what has faded out. Does nothing while something fades.
    #[cfg(feature = "node")]
    pub(crate) fn compact(&mut self) {
        if let Some(plan) = &mut self.plan {
            plan.compact();
        }
    }

    /// Calls `tell` with the plan's number when its fades have ended, until it answers that this has got through.
    pub fn settled(&mut self, tell: impl FnOnce(u64) -> bool) {
        if let Some(plan) = self.plan.as_mut().filter(|plan| plan.owes_settled && plan.unsettled == 0) {
            plan.owes_settled = !tell(plan.serial);
        }
    }

    /// Sets a float, int, bool or enum parameter; the indices are those of the plan's [`Layout`](crate::Layout) and
    /// the module's descriptor, the value is within its range.
    pub fn set(&mut self, module: usize, param: usize, value: f32) {
        let plan = self.plan.as_mut();
        if let Some(module) = plan.and_then(|plan| plan.modules.get_mut(module)?.module.as_mut()) {
            module.set(param, value);
        }
    }

    /// A note or a controller, before the next sample.
    pub fn midi(&mut self, event: MidiEvent) {
        if let Some(plan) = &mut self.plan {
            plan.modules
                .iter_mut()
                .filter_map(|slot| slot.module.as_mut())
                .for_each(|module| module.midi(event));
        }
    }

    /// Goes back to the start.
    pub fn reset(&mut self) {
        if let Some(plan) = &mut self.plan {
            plan.reset();
        }
    }

    /// Renders the next samples. `transport` is the host's time at the first of them, if there is a host that tells
    /// it; `input` is what AudioIn gives. All slices are of one length.
    pub fn render(&mut self, transport: Option<Transport>, input: [&[f32]; 2], output: [&mut [f32]; 2]) {
        let [left, right] = output;
        left.fill(0.0);
        right.fill(0.0);
        let Some(plan) = &mut self.plan else { return };
        let mut done = 0;
        while done < left.len() {
            let end = left.len().min(done + plan.longest());
            let stretch = Stretch(transport.map(|transport| transport.after(done)));
            let input = input.map(|channel| channel.get(done..end).unwrap_or_default());
            plan.chunk(stretch, input, [&mut left[done..end], &mut right[done..end]]);
            done = end;
        }
    }
}

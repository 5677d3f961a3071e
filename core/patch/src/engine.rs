//! Plans to the audio thread and home, for programs that have no engine of their own.

use rtrb::{Consumer, Producer, RingBuffer};

use crate::fault::Fault;
use crate::graph::ModuleGraph;
use crate::midi::MidiEvent;
use crate::plan::ExecutionPlan;
use crate::planner::Planner;
use crate::processor::{Processor, Unfit};
use crate::transport::Transport;

/// Plans that may be on their way.
const PLANS: usize = 4;
/// What may be on its way home.
const RETURNS: usize = 8;
/// Notes that may be on their way.
const EVENTS: usize = 256;

/// What the audio thread sends home.
enum Return {
    /// A plan plays; here is the one before.
    Adopted(u64, Option<Box<ExecutionPlan>>),
    /// A plan was overtaken by a newer one, or by one that was adopted meanwhile.
    Overtaken(Box<ExecutionPlan>),
    /// All fades of a plan have ended.
    Settled(u64),
}

/// The control side: takes graphs, sends plans, drops what is retired.
///
/// ```
/// use krach_patch::{ModuleGraph, PatchEngine};
///
/// let mut graph = ModuleGraph::new();
/// graph.add("osc", "SineOscillator")?;
/// graph.add("out", "AudioOut")?;
/// graph.connect("osc", "out", "out", "left", 0.5)?;
/// let (mut engine, mut player) = PatchEngine::new(48_000.0);
/// engine.load(&graph)?;
/// // On the audio thread:
/// let (mut left, mut right) = ([0.0; 256], [0.0; 256]);
/// player.render(None, [&[], &[]], [&mut left, &mut right]);
/// assert!(left[10] > 0.0);
/// # Ok::<(), krach_patch::Fault>(())
/// ```
pub struct PatchEngine {
    planner: Planner,
    /// What is to play, until it does.
    wanted: Option<ModuleGraph>,
    /// The newest plan that is on its way with what is wanted.
    newest: u64,
    plans: Producer<Box<ExecutionPlan>>,
    returns: Consumer<Return>,
    events: Producer<MidiEvent>,
}

/// The audio side.
pub struct PatchPlayer {
    processor: Processor,
    plans: Consumer<Box<ExecutionPlan>>,
    returns: Producer<Return>,
    events: Consumer<MidiEvent>,
}

impl PatchEngine {
    /// Both sides. The player is silent until a graph is loaded.
    pub fn new(sample_rate: f64) -> (Self, PatchPlayer) {
        let (plans, plans_out) = RingBuffer::new(PLANS);
        let (returns_in, returns) = RingBuffer::new(RETURNS);
        let (events, events_out) = RingBuffer::new(EVENTS);
        let engine =
            Self { planner: Planner::new(sample_rate), wanted: None, newest: 0, plans, returns, events };
        let processor = Processor::new();
        (engine, PatchPlayer { processor, plans: plans_out, returns: returns_in, events: events_out })
    }

    /// Has the graph play. The last one loaded wins, also if the audio thread does not run for a while.
    ///
    /// # Errors
    /// If it cannot play; then what plays plays on.
    pub fn load(&mut self, graph: &ModuleGraph) -> Result<(), Fault> {
        self.collect();
        let before = self.wanted.replace(graph.clone());
        let newest = std::mem::replace(&mut self.newest, 0);
        self.send().inspect_err(|_| {
            self.wanted = before;
            self.newest = newest;
        })
    }

    /// Takes in what came home, and sends what had no room before. To be called now and then, say 50 times a second.
    pub fn poll(&mut self) {
        self.collect();
        // It was planned once before: a graph that plays cannot become one that does not.
        let _ = self.send();
    }

    /// Plays a note or moves a controller; `false`: there is no room now.
    pub fn midi(&mut self, event: MidiEvent) -> bool {
        self.events.push(event).is_ok()
    }

    /// Does the graph that was loaded last play?
    pub fn is_up_to_date(&self) -> bool {
        self.wanted.is_none()
    }

    /// What it knows of the plan that plays.
    pub fn planner(&self) -> &Planner {
        &self.planner
    }

    fn collect(&mut self) {
        while let Ok(home) = self.returns.pop() {
            match home {
                Return::Adopted(serial, _retired) => {
                    self.planner.adopted(serial);
                    if serial == self.newest {
                        self.wanted = None;
                    }
                }
                Return::Overtaken(plan) => {
                    self.planner.dropped(plan.serial());
                    if plan.serial() == self.newest {
                        // It followed a plan that was overtaken itself: made anew.
                        self.newest = 0;
                    }
                }
                Return::Settled(serial) => self.planner.settled(serial),
            }
        }
    }

    /// Sends a plan of what is wanted, unless one is on its way.
    fn send(&mut self) -> Result<(), Fault> {
        let Some(wanted) = self.wanted.as_ref().filter(|_| self.newest == 0) else { return Ok(()) };
        if self.plans.slots() == 0 {
            return wanted.check();
        }
        let Some(plan) = self.planner.plan(wanted)? else { return Ok(()) };
        let serial = plan.serial();
        match self.plans.push(plan) {
            Ok(()) => self.newest = serial,
            Err(_) => self.planner.dropped(serial),
        }
        Ok(())
    }
}

impl PatchPlayer {
    /// Renders the next samples, by the newest plan that fits. See [`Processor::render`].
    pub fn render(&mut self, transport: Option<Transport>, input: [&[f32]; 2], output: [&mut [f32]; 2]) {
        self.take_plans();
        while let Ok(event) = self.events.pop() {
            self.processor.midi(event);
        }
        self.processor.render(transport, input, output);
        let returns = &mut self.returns;
        self.processor.settled(|serial| returns.push(Return::Settled(serial)).is_ok());
    }

    /// What plays, for a caller that sets parameters by itself.
    pub fn processor(&mut self) -> &mut Processor {
        &mut self.processor
    }

    /// The newest plan wins; those before it go home as they are. Nothing is taken while there is no room for what
    /// would go home.
    fn take_plans(&mut self) {
        while self.returns.slots() > 0 {
            let Ok(plan) = self.plans.pop() else { return };
            let home = if self.plans.is_empty() {
                let serial = plan.serial();
                match self.processor.adopt(plan) {
                    Ok(retired) => Return::Adopted(serial, retired),
                    Err(Unfit(plan)) => Return::Overtaken(plan),
                }
            } else {
                Return::Overtaken(plan)
            };
            if let Err(rtrb::PushError::Full(home)) = self.returns.push(home) {
                // There was room, and only this thread fills it.
                std::mem::forget(home);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Harness;

    fn sine(hz: f32) -> ModuleGraph {
        let mut graph = ModuleGraph::new();
        graph.add("osc", "SineOscillator").unwrap();
        graph.add("out", "AudioOut").unwrap();
        graph.set("osc", "frequency", hz).unwrap();
        graph.connect("osc", "out", "out", "left", 1.0).unwrap();
        graph
    }

    fn left(player: &mut PatchPlayer) -> [f32; 100] {
        let (mut left, mut right) = ([0.0; 100], [0.0; 100]);
        player.render(None, [&[], &[]], [&mut left, &mut right]);
        left
    }

    /// The audio thread adopts a plan just after the control side has looked for word of it: what is planned then is
    /// planned against what played before.
    #[test]
    fn a_plan_against_what_does_not_play_any_more_comes_back_and_is_made_anew() {
        let (mut engine, mut player) = PatchEngine::new(48_000.0);
        let mut osc = Harness::new("SineOscillator");
        for (at, hz) in [500.0, 600.0, 700.0].into_iter().enumerate() {
            engine.load(&sine(hz)).unwrap();
            let first = left(&mut player);
            // Without having looked.
            engine.wanted = Some(sine(hz + 50.0));
            engine.newest = 0;
            engine.send().unwrap();
            let second = left(&mut player);
            engine.poll();
            let third = left(&mut player);
            engine.poll();
            assert!(engine.is_up_to_date());
            let mut expected = if at == 0 { vec![0.0] } else { Vec::new() };
            if at > 0 {
                expected.push(osc.output("out")[99]);
            }
            let run = |osc: &mut Harness, hz: f32, samples: usize| {
                osc.set("frequency", hz).run(samples).output("out").to_vec()
            };
            expected.extend(run(&mut osc, hz, 200));
            expected.extend(run(&mut osc, hz + 50.0, 100));
            let found: Vec<f32> = first.into_iter().chain(second).chain(third).collect();
            assert_eq!(found, expected[..300], "{hz}");
        }
    }
}

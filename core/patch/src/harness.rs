//! A module on the bench: named ports, one module, no patch.
//!
//! ```
//! use krach_patch::harness::Harness;
//!
//! let mut vca = Harness::new("Vca");
//! vca.feed("in", &[1.0, 0.5, -1.0]).hold("cv", 0.5);
//! assert_eq!(vca.run(3).output("out"), [0.5, 0.25, -0.5]);
//! ```

use crate::descriptor::{Descriptor, Setting, Shape, Value};
use crate::fault::Fault;
use crate::graph::ModuleGraph;
use crate::midi::MidiEvent;
use crate::module::{Arrived, CHUNK, Connected, Io, Line, Module, NOTHING};
use crate::modules;
use crate::plan::{ExecutionPlan, silent_lines};
use crate::planner::build_patch;
use crate::transport::{Stretch, Transport};

/// A module with named ports.
pub struct Harness {
    descriptor: &'static Descriptor,
    shape: Shape,
    settings: Vec<Setting>,
    module: Box<dyn Module>,
    sample_rate: f64,
    /// By input: what is fed, and what comes after that.
    feeds: Vec<(Vec<f32>, f32, bool)>,
    outputs: Vec<Vec<f32>>,
    arrived: Vec<Arrived>,
    lines: Vec<Line>,
    transport: Option<Transport>,
    /// Outputs with a cable: all, unless told otherwise.
    connected: u64,
    done: usize,
}

impl Harness {
    /// A module of its usual shape at 48 kHz, with every parameter at its default.
    ///
    /// # Panics
    /// If there is no such module, as the other methods do at names that do not exist.
    pub fn new(module: &str) -> Self {
        Self::build(module, None, None, &[], 48_000.0).unwrap_or_else(|fault| panic!("{fault}"))
    }

    /// A module of any shape, with parameters.
    ///
    /// # Errors
    /// If there is no such module, or it cannot be so.
    pub fn build(
        module: &str,
        channels: Option<i64>,
        length: Option<i64>,
        params: &[(&str, Value)],
        sample_rate: f64,
    ) -> Result<Self, Fault> {
        let mut graph = ModuleGraph::new();
        graph.add_shaped("it", module, channels, length)?;
        for (name, value) in params {
            graph.set("it", name, value.clone())?;
        }
        Ok(Self::of(&graph, "it", sample_rate))
    }

    /// A node of a graph, alone.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn of(graph: &ModuleGraph, id: &str, sample_rate: f64) -> Self {
        let (_, node) = graph.nodes().find(|(other, _)| *other == id).expect("the node is there");
        let (descriptor, shape, settings) = (node.descriptor(), node.shape(), node.settings());
        let inputs = descriptor.input_names(&shape).len();
        let outputs = descriptor.output_names(&shape).len();
        let mut harness = Self {
            descriptor,
            shape,
            module: modules::create(descriptor, &shape, &settings, sample_rate),
            settings,
            sample_rate,
            feeds: vec![(Vec::new(), 0.0, false); inputs],
            outputs: vec![Vec::new(); outputs],
            arrived: vec![NOTHING; inputs],
            lines: silent_lines(outputs),
            transport: None,
            connected: u64::MAX,
            done: 0,
        };
        harness.connect();
        harness
    }

    /// The names of the inputs, by index.
    pub fn inputs(&self) -> Vec<std::borrow::Cow<'static, str>> {
        self.descriptor.input_names(&self.shape)
    }

    /// Samples per second.
    pub fn sample_rate(&self) -> f64 {
        self.sample_rate
    }

    /// Sets parameters before anything has run.
    ///
    /// # Panics
    /// If a parameter cannot have that value.
    #[must_use]
    pub fn with(mut self, param: &str, value: impl Into<Value>) -> Self {
        let (index, setting) = self.check(param, &value.into());
        self.settings[index] = setting;
        self.module = modules::create(self.descriptor, &self.shape, &self.settings, self.sample_rate);
        self.connect();
        self
    }

    /// Sets a parameter while it runs, as a saved file does.
    ///
    /// # Panics
    /// If the parameter cannot have that value.
    pub fn set(&mut self, param: &str, value: impl Into<Value>) -> &mut Self {
        let (index, setting) = self.check(param, &value.into());
        match setting {
            Setting::Number(value) => self.module.set(index, value),
            Setting::List(mut list) => self.module.set_list(index, &mut list),
        }
        self
    }

    /// Takes every parameter of a node of a graph that differs from its own, as a survivor of a reload does.
    ///
    /// # Panics
    /// If there is no such node.
    pub fn follow(&mut self, graph: &ModuleGraph, id: &str) -> &mut Self {
        let (_, node) = graph.nodes().find(|(other, _)| *other == id).expect("the node is there");
        for (param, setting) in node.settings().into_iter().enumerate() {
            if self.settings[param] != setting {
                self.settings[param] = setting.clone();
                match setting {
                    Setting::Number(value) => self.module.set(param, value),
                    Setting::List(mut list) => self.module.set_list(param, &mut list),
                }
            }
        }
        self
    }

    /// Feeds an input from the next sample on; after the last it is 0.
    pub fn feed(&mut self, input: &str, samples: &[f32]) -> &mut Self {
        self.plug(input, samples, 0.0)
    }

    /// Holds an input at a value.
    pub fn hold(&mut self, input: &str, value: f32) -> &mut Self {
        self.plug(input, &[], value)
    }

    fn plug(&mut self, input: &str, samples: &[f32], after: f32) -> &mut Self {
        let port = self.descriptor.input(&self.shape, input).unwrap_or_else(|fault| panic!("{fault}"));
        let (feed, last, plugged) = &mut self.feeds[port];
        // What is fed from now on lies behind what has run.
        feed.resize(self.done, 0.0);
        feed.extend_from_slice(samples);
        (*last, *plugged) = (after, true);
        self.connect();
        self
    }

    /// The host's time from the next sample on.
    pub fn host(&mut self, transport: Option<Transport>) -> &mut Self {
        self.transport = transport;
        self
    }

    /// A note or controller before the next sample.
    pub fn midi(&mut self, event: MidiEvent) -> &mut Self {
        self.module.midi(event);
        self
    }

    /// Back to the start.
    pub fn reset(&mut self) -> &mut Self {
        self.module.reset();
        self
    }

    /// Runs some samples; the outputs before are forgotten.
    pub fn run(&mut self, samples: usize) -> &mut Self {
        self.outputs.iter_mut().for_each(Vec::clear);
        let mut left = samples;
        while left > 0 {
            let count = left.min(CHUNK);
            for (arrived, (feed, last, _)) in self.arrived.iter_mut().zip(&self.feeds) {
                for (at, sample) in arrived.iter_mut().enumerate().take(count) {
                    *sample = feed.get(self.done + at).copied().unwrap_or(*last);
                }
            }
            let mut io = Io {
                inputs: &self.arrived,
                outputs: &mut self.lines,
                at: 0,
                stretch: Stretch(self.transport),
            };
            self.module.render(&mut io, 0..count);
            for (output, line) in self.outputs.iter_mut().zip(&self.lines) {
                output.extend_from_slice(&line[1..=count]);
            }
            self.transport = self.transport.map(|transport| transport.after(count));
            self.done += count;
            left -= count;
        }
        self
    }

    /// Runs one sample with these values at the inputs, and gives the outputs. [`Harness::plugged`] tells which of
    /// the inputs have a cable.
    pub fn step(&mut self, inputs: &[f32]) -> Vec<f32> {
        for (arrived, value) in self.arrived.iter_mut().zip(inputs) {
            arrived[0] = *value;
        }
        let mut io =
            Io { inputs: &self.arrived, outputs: &mut self.lines, at: 0, stretch: Stretch(self.transport) };
        self.module.render(&mut io, 0..1);
        self.transport = self.transport.map(|transport| transport.after(1));
        self.done += 1;
        self.lines.iter().map(|line| line[1]).collect()
    }

    /// Tells the module which inputs and outputs have a cable.
    pub fn plugged(&mut self, inputs: &[bool], outputs: &[bool]) -> &mut Self {
        self.connected = outputs.iter().enumerate().fold(0, |mask, (port, is)| mask | u64::from(*is) << port);
        for (feed, plugged) in self.feeds.iter_mut().zip(inputs) {
            feed.2 = *plugged;
        }
        self.connect();
        self
    }

    /// What an output gave in the last [`Harness::run`].
    pub fn output(&self, output: &str) -> &[f32] {
        let port = self.descriptor.output(&self.shape, output).unwrap_or_else(|fault| panic!("{fault}"));
        &self.outputs[port]
    }

    fn check(&self, param: &str, value: &Value) -> (usize, Setting) {
        let (index, param) =
            self.descriptor.param(&self.shape, param).unwrap_or_else(|fault| panic!("{fault}"));
        let (_, setting) = param.kind.check(value, &self.shape).unwrap_or_else(|fault| panic!("{fault}"));
        (index, setting)
    }

    fn connect(&mut self) {
        let inputs =
            self.feeds.iter().enumerate().fold(0, |mask, (port, feed)| mask | u64::from(feed.2) << port);
        self.module.connect(Connected { inputs, outputs: self.connected });
    }
}

/// A patch without a plan's order and blocks: on each sample one virtual call for each module, whatever it leads to,
/// over a pool with the last sample of each output. What [`Processor`](crate::Processor) gains is measured
/// against it.
pub struct Bare {
    plan: Box<ExecutionPlan>,
    /// By line: the sample before, and this one; they change places.
    pools: [Vec<f32>; 2],
    arrived: Vec<Arrived>,
    outputs: Vec<Line>,
}

impl Bare {
    /// A patch at a sample rate.
    ///
    /// # Panics
    /// If the graph is not one that can play.
    pub fn new(graph: &ModuleGraph, sample_rate: f64) -> Self {
        let (mut plan, _) =
            build_patch(graph, sample_rate, None, 1).unwrap_or_else(|fault| panic!("{fault}"));
        plan.take_over(None);
        let pool = vec![0.0; plan.lines.len()];
        let most =
            |count: fn(&crate::plan::Slot) -> u32| plan.modules.iter().map(count).max().unwrap_or(0) as usize;
        let (inputs, outputs) = (most(|slot| slot.inputs), most(|slot| slot.outputs));
        Self {
            pools: [pool.clone(), pool],
            arrived: vec![NOTHING; inputs],
            outputs: silent_lines(outputs),
            plan,
        }
    }

    /// The next sample, without host and input.
    pub fn step(&mut self) -> [f32; 2] {
        let plan = &mut *self.plan;
        let [before, now] = &mut self.pools;
        for (index, slot) in plan.modules.iter_mut().enumerate() {
            if plan.sources.contains(&(index as u32)) {
                continue;
            }
            let (first, count) = (slot.first_input as usize, slot.inputs as usize);
            for (arrived, input) in self.arrived.iter_mut().zip(&plan.inputs[first..first + count]) {
                arrived[0] = before[input.line as usize] * input.scale;
            }
            let (line, outputs) = (slot.first_output as usize, slot.outputs as usize);
            let (inputs, written) = (&self.arrived[..count], &mut self.outputs[..outputs]);
            if let Some(module) = &mut slot.module {
                module.process(&mut Io { inputs, outputs: written, at: 0, stretch: Stretch(None) });
            }
            for (now, output) in now[line..line + outputs].iter_mut().zip(&*written) {
                *now = output[1];
            }
        }
        let mut out = [0.0; 2];
        for &sink in &plan.sinks {
            let first = plan.modules[sink as usize].first_input as usize;
            for (out, input) in out.iter_mut().zip(&plan.inputs[first..]) {
                *out += before[input.line as usize] * input.scale;
            }
        }
        self.pools.swap(0, 1);
        out
    }
}

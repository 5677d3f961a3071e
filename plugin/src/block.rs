//! One block, once the format has said what it is: the engine fills the channels. The same for every
//! format; nothing here allocates, locks or makes a system call but [`BlockProcessor::new`].

use krach_core::clock::TransportAt;
use krach_core::processor::{
    Block, HostEventKind, HostEvents, MAX_PARAM_EVENTS, MidiEvent, MidiOut, ParamEvent, ParamId, Processor,
    scene_at,
};

use crate::param_values::{ParamValues, Standing};
use crate::ports::{Kind, STEMS};

/// MIDI messages that one block may send.
const MIDI_OUT: usize = 4096;

/// Everything that renders, while the plugin is active.
pub struct BlockProcessor {
    /// `None` if the engine could not be built in time: silence until the next activation.
    processor: Option<Processor>,
    /// Changes of parameters in this block, sorted by frame.
    params: Vec<ParamEvent>,
    /// What the engine has been told that the parameters stand at, by [`ParamId::index`].
    told: [(f32, f32); ParamId::COUNT],
    /// The last load whose values have been taken.
    seen: u64,
    played: HostEvents,
    midi_out: MidiOut,
    /// The block before had no frames: what came with it acts on the first frame of the next that has.
    waiting: bool,
    /// Panic was asked for between blocks.
    panic: bool,
    /// The plugin is an effect.
    effect: bool,
}

/// What the format knows of a block beside its events.
pub struct Surroundings<'a> {
    /// The host's transport at offsets into the block, sorted; empty if the host gives none.
    pub transport: &'a [TransportAt],
    /// The host renders offline.
    pub offline: bool,
    /// Sidechain, or what an effect works on, left and right; empty slices where there is none.
    pub sidechain: [&'a [f32]; 2],
}

impl BlockProcessor {
    /// Allocates all that a block may need; the parameters stand where `values` say, and nothing moves.
    pub fn new(mut processor: Option<Processor>, values: &ParamValues, kind: Kind) -> Self {
        let effect = kind == Kind::Effect;
        if let Some(processor) = processor.as_mut().filter(|_| effect) {
            processor.pass_input_through();
        }
        let mut new = Self {
            processor,
            told: [(0.0, 0.0); ParamId::COUNT],
            params: Vec::with_capacity(MAX_PARAM_EVENTS),
            seen: 0,
            played: HostEvents::new(),
            midi_out: MidiOut::with_capacity(MIDI_OUT),
            waiting: false,
            panic: false,
            effect,
        };
        new.settle(values);
        new
    }

    /// The format has no stems: what leaves there leaves at the main output.
    pub fn without_stems(mut self) -> Self {
        if let Some(processor) = &mut self.processor {
            processor.fold_stems();
        }
        self
    }

    fn settle(&mut self, values: &ParamValues) {
        // What a state has said is taken with the rest.
        values.sweep(&mut self.seen, |_, _| ());
        for param in ParamId::all() {
            self.settle_one(values.standing(param));
        }
    }

    fn settle_one(&mut self, Standing { param, value, modulation }: Standing) {
        self.told[param.index()] = (value, modulation);
        if let Some(processor) = &mut self.processor {
            processor.settle_param(param, value, modulation);
        }
    }

    /// Blocks come again after a time without any.
    pub fn resume(&mut self) {
        if let Some(processor) = &mut self.processor {
            processor.resume();
        }
    }

    /// Forgets all signal state; the parameters stand where `values` say, and nothing moves.
    pub fn reset(&mut self, values: &ParamValues) {
        self.waiting = false;
        self.settle(values);
        if let Some(processor) = &mut self.processor {
            processor.reset();
        }
    }

    /// All gates shut and tails cut, from the next frame on.
    pub fn panic(&mut self) {
        self.panic = true;
    }

    /// Begins a block. Parameters that were moved between blocks, by the host, the window or a state, act on its
    /// first frame, and so does what came with blocks without frames.
    pub fn begin(&mut self, values: &ParamValues) {
        if !std::mem::take(&mut self.waiting) {
            self.params.clear();
            self.played.clear();
        }
        self.midi_out.clear();
        let mut seen = self.seen;
        values.sweep(&mut seen, |standing, settled| match settled {
            true => self.settle_one(standing),
            false => self.change(0, standing),
        });
        self.seen = seen;
        if std::mem::take(&mut self.panic) {
            self.change(0, Standing::PANIC);
        }
    }

    /// A parameter stands there from the frame `offset` on: every format hands its changes over here. Frames
    /// need not rise: hosts list one parameter after the other. Without room the last change of the parameter
    /// gets the value, or the first frame of the next block.
    pub fn change(&mut self, offset: u32, Standing { param, value, modulation }: Standing) {
        let now = (value, modulation);
        let told = &mut self.told[param.index()];
        if *told == now && param != ParamId::Panic {
            return;
        }
        let event = ParamEvent { offset, param, value, modulation };
        if self.params.len() < self.params.capacity() {
            let at = self.params.partition_point(|event| event.offset <= offset);
            self.params.insert(at, event);
            *told = now;
        } else if let Some(last) = self.params.iter_mut().rfind(|event| event.param == param) {
            *last = ParamEvent { offset: last.offset, ..event };
            *told = now;
        } else if param == ParamId::Panic {
            // Late rather than never.
            self.panic = true;
        }
    }

    /// Something that the host plays; frames rise. A note for which there is no room ends at once.
    pub fn hear(&mut self, frame: u32, what: HostEventKind) {
        self.played.push(frame, what);
    }

    /// Ends a block of which no frame is rendered; what came with it waits for the next.
    pub fn skip(&mut self) {
        // The last value of each counts, and one panic is as good as many.
        let mut later = [false; ParamId::COUNT];
        self.params.reverse();
        self.params.retain(|event| !std::mem::replace(&mut later[event.param.index()], true));
        self.params.reverse();
        self.params.iter_mut().for_each(|event| event.offset = 0);
        self.played.wait();
        self.waiting = true;
    }

    /// Fills the channels, which are all of one length, of at least one frame.
    pub fn render(
        &mut self,
        around: &Surroundings<'_>,
        mut main: [&mut [f32]; 2],
        mut stems: [[&mut [f32]; 2]; STEMS],
    ) {
        let frames = main[0].len();
        if let Some(processor) = &mut self.processor {
            let [left, right] = &mut main;
            // A binding of its own, as short-lived as the borrow of `main`: a block has one lifetime.
            let mut stems: [[&mut [f32]; 2]; STEMS] =
                stems.each_mut().map(|stem| stem.each_mut().map(|channel| &mut **channel));
            processor.process(Block {
                frames,
                transport: around.transport,
                offline: around.offline,
                input: around.sidechain,
                main: [left, right],
                stems: &mut stems,
                params: &self.params,
                played: self.played.as_slice(),
                midi_out: &mut self.midi_out,
            });
        } else {
            self.played.refuse_all();
            for (channel, input) in main.iter_mut().zip(around.sidechain) {
                match self.effect && input.len() == channel.len() {
                    true => channel.copy_from_slice(input),
                    false => channel.fill(0.0),
                }
            }
            stems.iter_mut().flatten().for_each(|channel| channel.fill(0.0));
        }
        self.played.end_refused(frames.saturating_sub(1) as u32, &mut self.midi_out);
    }

    /// A scene was recalled by somebody else than its parameter: that stands there from now on. Its number, if so.
    /// After [`BlockProcessor::render`].
    pub fn scene_moved(&mut self, values: &ParamValues) -> Option<u8> {
        let number = self.processor.as_ref()?.scene();
        let (value, modulation) = self.told[ParamId::Scene.index()];
        let standing = values.standing(ParamId::Scene);
        // What the host has said meanwhile is newer.
        if scene_at(value + modulation) == number || standing.value != value {
            return None;
        }
        let (_, value) = values.scene_recalled(number)?;
        self.told[ParamId::Scene.index()].0 = value as f32;
        Some(number)
    }

    /// What the block sends: MIDI and ends of notes, each sorted by frame.
    pub fn notes_out(&self) -> &MidiOut {
        &self.midi_out
    }

    /// The MIDI that the block sends, sorted by frame.
    pub fn midi_out(&self) -> &[MidiEvent] {
        self.midi_out.events()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use krach_core::engine::{At, Edit, Engine, GraphEdit, GraphNode};
    use krach_core::model::{Curve, MacroState, MacroTarget};
    use krach_core::node::Registry;
    use krach_core::processor::ParamState;

    use super::*;
    use crate::params::{KrachParams, host_id};

    struct Bench {
        block: BlockProcessor,
        values: ParamValues,
        _engine: Engine,
    }

    fn bench() -> Bench {
        let values = ParamValues::new(Arc::new(KrachParams::default()));
        let mut engine = Engine::new(Registry::with_builtins());
        let block = BlockProcessor::new(Some(engine.activate(48_000.0, 64)), &values, Kind::Instrument);
        Bench { block, values, _engine: engine }
    }

    impl Bench {
        /// Renders 64 frames in which these parameters get values.
        fn render(&mut self, values: impl IntoIterator<Item = (u32, u32, f64)>) {
            self.block.begin(&self.values);
            for (frame, id, value) in values {
                self.block.change(frame, self.values.set(id, value).expect("it is one"));
            }
            self.finish();
        }

        fn finish(&mut self) {
            let mut memory = [[0.0_f32; 64]; 18];
            let mut sides = memory.iter_mut().map(|side| &mut side[..]);
            let mut pair = || [sides.next().expect("18"), sides.next().expect("18")];
            let main = pair();
            let stems = std::array::from_fn(|_| pair());
            let around = Surroundings { transport: &[], offline: false, sidechain: [&[]; 2] };
            self.block.render(&around, main, stems);
        }

        fn state(&self, param: ParamId) -> (f32, f32, i64) {
            let processor = self.block.processor.as_ref().expect("there is one");
            let ParamState { value, modulation, since } = processor.param(param);
            (value, modulation, since)
        }
    }

    #[test]
    fn each_change_reaches_the_engine_on_its_frame_with_its_modulation() {
        let mut bench = bench();
        let (m1, m64, scene) = (host_id("m1"), host_id("m64"), host_id("scene"));
        // One parameter after the other, as VST3 lists them.
        bench.block.begin(&bench.values);
        for (frame, standing) in [
            (50, bench.values.set(m64, 0.75)),
            (10, bench.values.set(m1, 0.25)),
            (20, bench.values.modulate(m1, 0.5)),
            (3, bench.values.set(scene, 1.0)),
        ] {
            bench.block.change(frame, standing.expect("it is one"));
        }
        bench.finish();
        assert_eq!(bench.state(ParamId::Macro(63)), (0.75, 0.0, 50));
        assert_eq!(bench.state(ParamId::Macro(0)), (0.25, 0.5, 20));
        assert_eq!(bench.state(ParamId::Scene), (1.0, 0.0, 3));
        // Moved between blocks: on the next one's first frame.
        bench.values.set(m1, 0.5);
        bench.values.load(&[("master".to_owned(), 0.125)].into());
        bench.render([]);
        assert_eq!(bench.state(ParamId::Macro(0)), (0.5, 0.5, 64));
        assert_eq!(bench.state(ParamId::Master), (0.125, 0.0, 64));
        assert_eq!(bench.state(ParamId::Scene), (1.0, 0.0, 3), "what does not move is not said again");
    }

    #[test]
    fn a_macro_that_a_state_sets_stands_there_and_moves_nothing_until_it_is_moved() {
        let target = MacroTarget { label: "a/gain".into(), lo: 0.0, hi: 1.0, curve: Curve::Auto };
        let state = MacroState { targets: vec![target], ..MacroState::new(1) };
        let mut engine = Engine::new(Registry::with_builtins());
        let node = GraphEdit::AddNode(GraphNode::new("a", "gain"));
        for edit in [
            Edit::Graph(vec![node]),
            Edit::Macro { number: 1, to: Some(Box::new(state)) },
            Edit::SetControl { label: "a/gain".into(), value: 0.25 },
        ] {
            engine.edit(edit, At::Now).expect("it is right");
        }
        let values = ParamValues::new(Arc::new(KrachParams::default()));
        let block = BlockProcessor::new(Some(engine.activate(48_000.0, 64)), &values, Kind::Instrument);
        let mut bench = Bench { block, values, _engine: engine };
        let next = |bench: &mut Bench| {
            bench.render([]);
            bench._engine.tick();
            bench._engine.session().values["a/gain"]
        };
        let load = |bench: &Bench, value: f64| bench.values.load(&[("m1".to_owned(), value)].into());
        load(&bench, 0.75);
        assert_eq!((next(&mut bench), bench.state(ParamId::Macro(0)).0), (0.25, 0.75));
        assert_eq!(next(&mut bench), 0.25);
        bench.values.set(host_id("m1"), 0.5);
        assert_eq!(next(&mut bench), 0.5, "the host's hand");
        // A hand on it behind the state, before a block comes.
        load(&bench, 0.75);
        bench.values.set(host_id("m1"), 0.875);
        assert_eq!(next(&mut bench), 0.875);
        // A state before the activation is as old as the session in it.
        load(&bench, 0.125);
        bench.block.reset(&bench.values);
        assert_eq!(next(&mut bench), 0.875);
        bench.values.set(host_id("m1"), 0.625);
        assert_eq!(next(&mut bench), 0.625);
    }

    #[test]
    fn a_change_without_room_acts_in_the_next_block() {
        let mut bench = bench();
        let (m1, m2) = (host_id("m1"), host_id("m2"));
        let flood = (0..2_000).map(|n| (9, m1, f64::from(n) / 2_000.0));
        bench.render(flood.chain([(10, m2, 0.5)]));
        assert_eq!(bench.state(ParamId::Macro(0)), (1_999.0 / 2_000.0, 0.0, 9));
        assert_eq!(bench.state(ParamId::Macro(1)).0, 0.0);
        bench.render([]);
        assert_eq!(bench.state(ParamId::Macro(1)), (0.5, 0.0, 64));
    }

    #[test]
    fn what_was_moved_before_the_activation_or_a_reset_stands_at_once() {
        let mut bench = bench();
        bench.values.set(host_id("master"), 0.5);
        bench.values.modulate(host_id("m3"), 0.25);
        bench.block.reset(&bench.values);
        assert_eq!(bench.state(ParamId::Master), (0.5, 0.0, 0));
        assert_eq!(bench.state(ParamId::Macro(2)), (0.0, 0.25, 0));
        let fresh = BlockProcessor::new(bench.block.processor.take(), &bench.values, Kind::Instrument);
        assert_eq!(fresh.told[ParamId::Master.index()], (0.5, 0.0));
    }
}

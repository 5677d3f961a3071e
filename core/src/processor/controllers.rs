//! Controllers from the host: which control each moves, at its sample.

use super::control_writes::{ControlEvent, ControlWrite, EventQueue};
use super::open_notes::OpenNotes;
use super::renderer::Renderer;
use super::{HostEvent, HostEventKind, Returns};
use crate::limits::MAX_MIDI_MAPS;
use crate::node::{Control, MidiInput};
use crate::plan::{Listener, Plan};
use crate::processor::{ControllerMap, FromAudio};
use crate::symbol::Symbol;
use krach_patterns::Full;

/// Controllers of one block that are heard; more change nothing.
const MAX_MOVES: usize = 2048;
const CONTROL_CHANGE: u8 = 0xb0;
/// Status of a program change, without its channel.
pub(super) const PROGRAM_CHANGE: u8 = 0xc0;

/// Controls moved as their types say whose values the control side does not know yet; of more it is not told.
const MAX_UNREPORTED: usize = 512;
const PITCH_BEND: u8 = 0xe0;

/// A controller, or the pitch wheel, at a sample.
#[derive(Clone, Copy, Debug)]
struct Move {
    sample: i64,
    channel: u8,
    input: MidiInput,
    /// 0…127 of a controller, 0…16383 of the wheel.
    position: u16,
}

impl Move {
    fn of(sample: i64, [status, low, high]: [u8; 3]) -> Option<Self> {
        let (input, position) = match status & 0xf0 {
            CONTROL_CHANGE => (MidiInput::Controller(low & 127), u16::from(high & 127)),
            PITCH_BEND => (MidiInput::PitchWheel, u16::from(low & 127) | u16::from(high & 127) << 7),
            _ => return None,
        };
        Some(Self { sample, channel: status & 15, input, position })
    }

    /// Where it leads a control whose type says that it moves it.
    fn value(&self, control: &Control) -> f32 {
        let share = f64::from(self.position) / 127.0;
        match self.input {
            MidiInput::Controller(_) => control.along(control.min.into(), control.max.into(), share) as f32,
            MidiInput::PitchWheel => control.at_wheel(self.position),
        }
    }
}

struct Mapped {
    map: ControllerMap,
    /// The value it set last, until the control side knows.
    unreported: Option<f32>,
}

/// The maps, and what came with this block.
pub(super) struct Controllers {
    maps: Vec<Mapped>,
    moves: Vec<Move>,
    /// The controls that moved as their types say, by path.
    unreported: Vec<(Symbol, f32)>,
    /// The next one that moves is to be told.
    learning: bool,
    /// It has moved.
    learned: Option<(u8, u8)>,
}

impl Controllers {
    pub fn new() -> Self {
        Self {
            maps: Vec::with_capacity(MAX_MIDI_MAPS),
            moves: Vec::with_capacity(MAX_MOVES),
            unreported: Vec::with_capacity(MAX_UNREPORTED),
            learning: false,
            learned: None,
        }
    }

    /// Adds a map, or replaces the one of the same channel, controller and label.
    pub fn map(&mut self, map: ControllerMap) {
        let same =
            |m: &&mut Mapped| (m.map.channel, m.map.cc, m.map.target) == (map.channel, map.cc, map.target);
        if let Some(mapped) = self.maps.iter_mut().find(same) {
            mapped.map = map;
        } else if self.maps.len() < self.maps.capacity() {
            self.maps.push(Mapped { map, unreported: None });
        }
    }

    /// Queues what controllers set in `[at, until)`.
    pub fn collect(
        &mut self,
        plan: &Plan,
        (at, until): (i64, i64),
        queue: &mut EventQueue,
    ) -> Result<(), Full> {
        let Self { maps, moves, unreported, .. } = self;
        for (number, m) in moves.iter().enumerate().filter(|(_, m)| m.sample >= at && m.sample < until) {
            // Before the patterns of the same sample.
            let (time, order) = ((m.sample, f64::NEG_INFINITY), (0, number as u32));
            let its =
                |map: &ControllerMap| map.channel == m.channel && MidiInput::Controller(map.cc) == m.input;
            let mut mapped_here = false;
            for mapped in maps.iter_mut().filter(|x| its(&x.map)) {
                mapped_here = true;
                let Some(control) = plan.control(mapped.map.target) else { continue };
                let Some(declared) = plan.declared(control) else { continue };
                let value =
                    plan.controls[control as usize].finite(mapped.map.value(m.position as u8, declared));
                queue.push(ControlEvent::new(plan, control, time, order, ControlWrite::Base(value)))?;
                mapped.unreported = Some(value);
            }
            // What the session maps does what the session says, and nothing else.
            if mapped_here {
                continue;
            }
            for Listener { midi, control, path } in plan.listeners(m.input) {
                let is_mapped = || maps.iter().any(|x| plan.control(x.map.target) == Some(*control));
                if midi.channel.is_some_and(|channel| channel != m.channel) || is_mapped() {
                    continue;
                }
                let Some(declared) = plan.declared(*control) else { continue };
                let value = plan.controls[*control as usize].finite(m.value(declared));
                queue.push(ControlEvent::new(plan, *control, time, order, ControlWrite::Base(value)))?;
                match unreported.iter().position(|(known, _)| known == path) {
                    Some(at) => unreported[at].1 = value,
                    None if unreported.len() < unreported.capacity() => unreported.push((*path, value)),
                    None => {}
                }
            }
        }
        Ok(())
    }
}

/// Not what a keyboard sends by itself: bank, data entry and its parameters, channel modes.
fn can_be_learned(cc: u8) -> bool {
    !matches!(cc, 0 | 32 | 6 | 38 | 96..=101 | 120..)
}

impl Renderer {
    /// Puts these maps in place of all.
    pub(super) fn replace_controllers(&mut self, maps: &[ControllerMap]) {
        self.controllers.maps.clear();
        for map in maps {
            self.controllers.map(*map);
        }
    }

    /// Puts a map in place.
    pub fn map_controller(&mut self, map: ControllerMap) {
        self.controllers.map(map);
    }

    /// Takes a map away; without a target, all of that controller.
    pub(super) fn unmap_controller(&mut self, channel: u8, cc: u8, target: Option<Symbol>) {
        let its = |m: &ControllerMap| m.channel == channel && m.cc == cc;
        let named = |m: &ControllerMap| target.is_none_or(|target| m.target == target);
        self.controllers.maps.retain(|m| !(its(&m.map) && named(&m.map)));
    }

    /// Waits for a controller that moves, or no more.
    pub fn learn(&mut self, on: bool) {
        (self.controllers.learning, self.controllers.learned) = (on, None);
    }

    /// Takes what the host plays in the block that begins at sample `begin`.
    pub(super) fn hear(&mut self, begin: i64, played: &[HostEvent], open: &mut OpenNotes) {
        self.controllers.moves.clear();
        self.host_notes.clear();
        for event in played {
            if let HostEventKind::NoteOn { note, .. } = event.what
                && !open.begin(note, self.host_notes.has_room())
            {
                continue;
            }
            self.host_notes.hear(begin, event);
            let HostEventKind::Midi([status, cc, value]) = event.what else { continue };
            if status & 0xf0 == PROGRAM_CHANGE {
                self.hear_program(begin + i64::from(event.offset), status & 15, cc & 127);
            }
            let moves = status & 0xf0 == CONTROL_CHANGE && can_be_learned(cc);
            if moves && self.controllers.learning && self.controllers.learned.is_none() {
                self.controllers.learned = Some((status & 15, cc));
            }
            let room = self.controllers.moves.len() < self.controllers.moves.capacity();
            if let Some(moved) = Move::of(begin + i64::from(event.offset), [status, cc, value])
                && room
            {
                self.controllers.moves.push(moved);
            }
        }
    }

    /// Values that controllers and macros have set until now are not told: a scene has put others in their place.
    pub(super) fn forget_moves(&mut self) {
        self.controllers.maps.iter_mut().for_each(|mapped| mapped.unreported = None);
        self.controllers.unreported.clear();
        self.macros.forget_moves();
    }

    /// Tells the control side which base values controllers have set.
    pub(super) fn report_controllers(&mut self, returns: &mut Returns) {
        if let Some((channel, cc)) = self.controllers.learned
            && returns.try_send(FromAudio::Learned { channel, cc })
        {
            (self.controllers.learning, self.controllers.learned) = (false, None);
        }
        self.controllers
            .unreported
            .retain(|(target, value)| !returns.try_send(FromAudio::Moved { target: *target, value: *value }));
        for mapped in &mut self.controllers.maps {
            if let Some(value) = mapped.unreported {
                let target = mapped.map.target;
                // Others may have set it since.
                let control = self.plan.control(target).and_then(|at| self.plan.controls.get(at as usize));
                let value = control.map_or(value, |control| control.base);
                if returns.try_send(FromAudio::Moved { target, value }) {
                    mapped.unreported = None;
                }
            }
        }
    }
}

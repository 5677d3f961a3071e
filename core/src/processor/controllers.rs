//! Controllers from the host: which control each moves, at its sample.

use super::controls::{ControlEvent, EventQueue, Write};
use super::open_notes::OpenNotes;
use super::renderer::Renderer;
use super::{HostEvent, HostEventKind, Returns};
use crate::limits::MAX_MIDI_MAPS;
use crate::plan::Plan;
use crate::processor::{ControllerMap, Return};
use crate::symbol::Symbol;
use krach_patterns::Full;

/// Controllers of one block that are heard; more change nothing.
const MAX_MOVES: usize = 2048;
const CONTROL_CHANGE: u8 = 0xb0;
/// Status of a program change, without its channel.
const PROGRAM_CHANGE: u8 = 0xc0;

/// A controller at a sample.
#[derive(Clone, Copy, Debug)]
struct Move {
    sample: i64,
    channel: u8,
    cc: u8,
    value: u8,
}

struct Mapped {
    map: ControllerMap,
    /// The value it set last, until the control side knows.
    untold: Option<f32>,
}

/// The maps, and what came with this block.
pub(super) struct Controllers {
    maps: Vec<Mapped>,
    moves: Vec<Move>,
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
            self.maps.push(Mapped { map, untold: None });
        }
    }

    /// Queues what controllers set in `[at, until)`.
    pub fn collect(
        &mut self,
        plan: &Plan,
        (at, until): (i64, i64),
        queue: &mut EventQueue,
    ) -> Result<(), Full> {
        let Self { maps, moves, .. } = self;
        for (number, m) in moves.iter().enumerate().filter(|(_, m)| m.sample >= at && m.sample < until) {
            for mapped in maps.iter_mut().filter(|x| x.map.channel == m.channel && x.map.cc == m.cc) {
                let Some(control) = plan.control(mapped.map.target) else { continue };
                let Some(declared) = plan.declared(control) else { continue };
                let value = plan.controls[control as usize].finite(mapped.map.value(m.value, declared));
                // Before the patterns of the same sample.
                let (time, order) = ((m.sample, f64::NEG_INFINITY), (0, number as u32));
                let event = ControlEvent::new(plan, control, time, order, Write::Base(value));
                queue.push(event)?;
                mapped.untold = Some(value);
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
        self.keyboard.clear();
        for event in played {
            if let HostEventKind::NoteOn { note, .. } = event.what
                && !open.begin(note, self.keyboard.has_room())
            {
                continue;
            }
            self.keyboard.hear(begin, event);
            let HostEventKind::Midi([status, cc, value]) = event.what else { continue };
            if status & 0xf0 == PROGRAM_CHANGE {
                self.hear_program(begin + i64::from(event.offset), status & 15, cc & 127);
            }
            let moves = status & 0xf0 == CONTROL_CHANGE && can_be_learned(cc);
            if moves && self.controllers.learning && self.controllers.learned.is_none() {
                self.controllers.learned = Some((status & 15, cc));
            }
            let room = self.controllers.moves.len() < self.controllers.moves.capacity();
            if room && status & 0xf0 == CONTROL_CHANGE {
                let sample = begin + i64::from(event.offset);
                self.controllers.moves.push(Move { sample, channel: status & 15, cc, value });
            }
        }
    }

    /// Tells the control side which base values controllers have set.
    pub(super) fn report_controllers(&mut self, returns: &mut Returns) {
        if let Some((channel, cc)) = self.controllers.learned
            && returns.try_send(Return::Learned { channel, cc })
        {
            (self.controllers.learning, self.controllers.learned) = (false, None);
        }
        for mapped in &mut self.controllers.maps {
            if let Some(value) = mapped.untold {
                let target = mapped.map.target;
                // Others may have set it since.
                let control = self.plan.control(target).and_then(|at| self.plan.controls.get(at as usize));
                let value = control.map_or(value, |control| control.base);
                if returns.try_send(Return::Moved { target, value }) {
                    mapped.untold = None;
                }
            }
        }
    }
}

//! What the host has told each MIDI channel, and what its notes are told of that.
//!
//! Notes come as CLAP notes or as MIDI, the latter per channel as MPE has it: bend, pressure and
//! controller 74 (brightness) of a channel are those of its notes, and what comes on the manager channel
//! of an MPE zone counts for the whole zone. What a channel was told before a note is worked out for the
//! whole block when it comes, in the order of its events.

use super::host_events::{Expression, HostEvent, HostEventKind, MAX_PLAYED, NoteAddress};
use crate::processor::NoteRoute;
use crate::symbol::Symbol;
use crate::voice::HostNote;

/// Semitones of a full bend, unless the host says otherwise (RPN 0).
const BEND_RANGE: f64 = 2.0;
/// The same on the member channels of an MPE zone.
const MPE_BEND_RANGE: f64 = 48.0;
const PEDAL: u8 = 64;
const TIMBRE: u8 = 74;

/// Notes of the host that an event concerns: those of an address, on some channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Selection {
    note: NoteAddress,
    /// A bit for each channel.
    channels: u16,
}

impl Selection {
    fn of(note: NoteAddress) -> Self {
        Self { note, channels: u16::MAX }
    }

    fn on(channels: u16) -> Self {
        Self { note: NoteAddress::ALL, channels }
    }

    pub(super) fn matches(&self, note: &HostNote) -> bool {
        self.channels & bit(note.channel) != 0 && self.note.matches(note)
    }
}

/// The bit of a channel.
pub(super) fn bit(channel: i16) -> u16 {
    1 << (channel & 15)
}

/// What a node is told of what is played.
#[derive(Clone, Copy, Debug)]
pub(super) enum NoteCommand {
    On {
        note: HostNote,
        velocity: f32,
        pressure: Option<f32>,
        brightness: Option<f32>,
    },
    /// `pedals`: a bit for each channel whose pedal is down.
    Off {
        notes: Selection,
        pedals: u16,
    },
    Choke(Selection),
    Express {
        notes: Selection,
        which: Expression,
        value: f64,
    },
    /// `channels`: a bit for each channel whose bend has changed; how far its notes are bent.
    Bend {
        channels: u16,
        semitones: [f64; 16],
    },
    /// A bit for each channel whose pedal went up.
    PedalUp {
        channels: u16,
    },
}

/// What a channel has been told.
#[derive(Clone, Copy)]
struct Channel {
    /// -1…1.
    bend: f64,
    /// Semitones of a full bend.
    range: f64,
    pedal: bool,
    pressure: Option<f32>,
    brightness: Option<f32>,
    /// The parameter that data entry speaks of, if it is a registered one.
    parameter: [u8; 2],
    registered: bool,
}

impl Channel {
    const FRESH: Self = Self {
        bend: 0.0,
        range: BEND_RANGE,
        pedal: false,
        pressure: None,
        brightness: None,
        parameter: [127; 2],
        registered: false,
    };
}

/// Manager channels of the lower and the upper MPE zone.
const MANAGERS: [i16; 2] = [0, 15];

/// What the host plays in this block, and where it goes.
pub(super) struct HostNotes {
    channels: [Channel; 16],
    /// Member channels of the lower and the upper MPE zone.
    zones: [u8; 2],
    pub routes: [Option<Symbol>; 16],
    pub omni: Option<Symbol>,
    /// (sample, what), in order.
    pub played: Vec<(i64, NoteCommand)>,
    /// Nodes that what is not a beginning concerns.
    pub concerned: Vec<u32>,
}

impl HostNotes {
    pub fn new() -> Self {
        Self {
            channels: [Channel::FRESH; 16],
            zones: [0; 2],
            routes: [None; 16],
            omni: None,
            played: Vec::with_capacity(3 * MAX_PLAYED),
            concerned: Vec::with_capacity(2 * crate::limits::MAX_NODES),
        }
    }

    /// Notes of one channel, or of all without a route of their own, go to a node, or nowhere.
    pub fn route(&mut self, route: NoteRoute) {
        match route.channel {
            Some(channel) => self.routes[usize::from(channel & 15)] = route.node,
            None => self.omni = route.node,
        }
    }

    /// The node that a channel plays.
    pub fn target(&self, channel: i16) -> Option<Symbol> {
        self.routes[(channel & 15) as usize].or(self.omni)
    }

    pub fn what(&self, index: u32) -> Option<NoteCommand> {
        self.played.get(index as usize).map(|(_, what)| *what)
    }

    /// What channels have been told before counts for another engine too.
    pub fn take_over(&mut self, old: &Self) {
        (self.channels, self.zones) = (old.channels, old.zones);
    }

    pub fn clear(&mut self) {
        self.played.clear();
    }

    /// Takes an event of the block that begins at sample `begin`.
    pub fn hear(&mut self, begin: i64, event: &HostEvent) {
        let sample = begin + i64::from(event.offset);
        match event.what {
            HostEventKind::Midi(bytes) => self.hear_midi(sample, bytes),
            HostEventKind::NoteOn { note, velocity } => self.note_on(sample, note, velocity as f32, true),
            HostEventKind::NoteOff(note) => self.note_off(sample, Selection::of(note)),
            HostEventKind::Choke(note) => self.push(sample, NoteCommand::Choke(Selection::of(note))),
            HostEventKind::Expression { note, which, value } => {
                self.push(sample, NoteCommand::Express { notes: Selection::of(note), which, value });
            }
        }
    }

    /// For one entry more of the block that ends no note?
    pub fn has_room(&self) -> bool {
        self.played.len() < MAX_PLAYED
    }

    /// What ends notes has room of its own, for all events that [`super::HostEvents`] holds.
    fn push(&mut self, sample: i64, what: NoteCommand) {
        let ends =
            matches!(what, NoteCommand::Off { .. } | NoteCommand::Choke(_) | NoteCommand::PedalUp { .. });
        if self.has_room() || ends && self.played.len() < self.played.capacity() {
            self.played.push((sample, what));
        }
    }

    fn note_on(&mut self, sample: i64, note: NoteAddress, velocity: f32, wants_end: bool) {
        let channel = self.channels[(note.channel & 15) as usize];
        let host = HostNote {
            port: note.port,
            channel: note.channel,
            key: note.key,
            note_id: note.note_id,
            wants_end,
            sustained: false,
            tuning: 0.0,
            bend: self.semitones(note.channel),
        };
        let (pressure, brightness) = (channel.pressure, channel.brightness);
        self.push(sample, NoteCommand::On { note: host, velocity, pressure, brightness });
    }

    /// The members of a zone.
    fn members(&self, zone: usize) -> u16 {
        let members = self.zones[zone].min(15);
        let lower = ((1_u32 << members) - 1) as u16;
        if zone == 0 { lower << 1 } else { lower << (15 - members) }
    }

    /// The channels that a message on this one counts for: a manager's zone, or the channel alone.
    fn reach(&self, channel: i16) -> u16 {
        let zone = MANAGERS.iter().position(|manager| *manager == channel);
        bit(channel) | zone.map_or(0, |zone| self.members(zone))
    }

    /// The zone that a channel is a member of.
    fn zone_of(&self, channel: i16) -> Option<usize> {
        (0..MANAGERS.len()).find(|zone| self.members(*zone) & bit(channel) != 0)
    }

    /// The channel that manages this one.
    fn manager_of(&self, channel: i16) -> Option<&Channel> {
        self.zone_of(channel).map(|zone| &self.channels[MANAGERS[zone] as usize])
    }

    /// How far notes of the channel are bent: by its own bend and its manager's.
    fn semitones(&self, channel: i16) -> f64 {
        let own = &self.channels[(channel & 15) as usize];
        own.bend * own.range + self.manager_of(channel).map_or(0.0, |manager| manager.bend * manager.range)
    }

    /// A bit for each channel whose notes a pedal holds.
    fn pedals(&self) -> u16 {
        let down = |channel: &i16| {
            let own = self.channels[*channel as usize].pedal;
            own || self.manager_of(*channel).is_some_and(|manager| manager.pedal)
        };
        (0..16).filter(down).fold(0, |pedals, channel| pedals | bit(channel))
    }

    fn note_off(&mut self, sample: i64, notes: Selection) {
        let pedals = self.pedals();
        self.push(sample, NoteCommand::Off { notes, pedals });
    }

    fn hear_midi(&mut self, sample: i64, [status, first, second]: [u8; 3]) {
        let channel = i16::from(status & 15);
        let (first, second) = (first & 127, second & 127);
        let key = NoteAddress { channel, key: i16::from(first), ..NoteAddress::ALL };
        let share = |value: u8| f64::from(value) / 127.0;
        match status & 0xf0 {
            0x90 if second > 0 => {
                self.note_on(sample, NoteAddress { port: 0, ..key }, share(second) as f32, false);
            }
            0x80 | 0x90 => self.note_off(sample, Selection::of(key)),
            0xa0 => {
                let (notes, which, value) = (Selection::of(key), Expression::Pressure, share(second));
                self.push(sample, NoteCommand::Express { notes, which, value });
            }
            0xb0 => self.controller(sample, channel, first, second),
            0xd0 => self.express(sample, channel, Expression::Pressure, share(first)),
            0xe0 => {
                let position = i32::from(second) << 7 | i32::from(first);
                // Down has one step more than up.
                let bend = f64::from(position - 8192) / if position < 8192 { 8192.0 } else { 8191.0 };
                self.channels[channel as usize].bend = bend;
                self.tell_bend(sample, self.reach(channel));
            }
            _ => {}
        }
    }

    /// Pressure or brightness of a channel, and of what it manages: of notes that sound and of those to come.
    fn express(&mut self, sample: i64, channel: i16, which: Expression, value: f64) {
        let reach = self.reach(channel);
        for (_, state) in self.within(reach) {
            match which {
                Expression::Pressure => state.pressure = Some(value as f32),
                _ => state.brightness = Some(value as f32),
            }
        }
        self.push(sample, NoteCommand::Express { notes: Selection::on(reach), which, value });
    }

    /// The channels of that set.
    fn within(&mut self, channels: u16) -> impl Iterator<Item = (i16, &mut Channel)> {
        (0..).zip(&mut self.channels).filter(move |(channel, _)| channels & bit(*channel) != 0)
    }

    fn tell_bend(&mut self, sample: i64, channels: u16) {
        let semitones = std::array::from_fn(|channel| self.semitones(channel as i16));
        self.push(sample, NoteCommand::Bend { channels, semitones });
    }

    /// After a change of pedals: those that are up now and were down.
    fn lift_pedals(&mut self, sample: i64, before: u16) {
        let channels = before & !self.pedals();
        if channels != 0 {
            self.push(sample, NoteCommand::PedalUp { channels });
        }
    }

    fn controller(&mut self, sample: i64, channel: i16, number: u8, value: u8) {
        let reach = self.reach(channel);
        let pedals = self.pedals();
        let state = &mut self.channels[channel as usize];
        match number {
            PEDAL => {
                state.pedal = value >= 64;
                self.lift_pedals(sample, pedals);
            }
            TIMBRE => self.express(sample, channel, Expression::Brightness, f64::from(value) / 127.0),
            101 => (state.parameter[0], state.registered) = (value, true),
            100 => (state.parameter[1], state.registered) = (value, true),
            98 | 99 => state.registered = false,
            6 | 38 if state.registered => self.parameter(sample, channel, number == 6, value),
            // All sound off; all controllers as they were at first; all notes off and its kin.
            120 => self.push(sample, NoteCommand::Choke(Selection::on(reach))),
            121 => {
                for (_, state) in self.within(reach) {
                    *state = Channel { range: state.range, ..Channel::FRESH };
                }
                self.lift_pedals(sample, pedals);
                self.tell_bend(sample, reach);
            }
            123..=127 => self.note_off(sample, Selection::on(reach)),
            _ => {}
        }
    }

    /// Data entry for a registered parameter: the range of bend (0), or an MPE zone (6).
    fn parameter(&mut self, sample: i64, channel: i16, coarse: bool, value: u8) {
        let state = &self.channels[channel as usize];
        match state.parameter {
            [0, 0] => {
                let (semitones, cents) = (state.range.trunc(), state.range.fract());
                let range = if coarse {
                    f64::from(value) + cents
                } else {
                    semitones + f64::from(value.min(99)) / 100.0
                };
                // The members of a zone have one range.
                let kin = self.zone_of(channel).map_or(bit(channel), |zone| self.members(zone));
                self.within(kin).for_each(|(_, state)| state.range = range);
                self.tell_bend(sample, kin | self.reach(channel));
            }
            [0, 6] if coarse => {
                if let Some(zone) = MANAGERS.iter().position(|manager| *manager == channel) {
                    self.set_zone(sample, zone, value.min(15));
                }
            }
            _ => {}
        }
    }

    /// A zone has so many members. The other one gives up those that it loses; to one without members it
    /// loses none.
    fn set_zone(&mut self, sample: i64, zone: usize, members: u8) {
        let pedals = self.pedals();
        let before = self.members(0) | self.members(1);
        self.zones[zone] = members;
        if members > 0 {
            self.zones[1 - zone] = self.zones[1 - zone].min(14_u8.saturating_sub(members));
        }
        let now = self.members(0) | self.members(1);
        let joined = self.members(zone);
        self.within(joined).for_each(|(_, state)| state.range = MPE_BEND_RANGE);
        self.within(before & !now).for_each(|(_, state)| state.range = BEND_RANGE);
        self.lift_pedals(sample, pedals);
        self.tell_bend(sample, before | now);
    }
}

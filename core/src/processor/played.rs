//! What the host plays: notes with their expressions, bend and pedal, each at its sample on the node
//! that its channel is routed to.
//!
//! Notes come as CLAP notes or as MIDI, the latter per channel as MPE has it: bend, pressure and
//! controller 74 (brightness) of a channel are those of its notes, and what comes on the manager channel
//! of an MPE zone counts for the whole zone. What a channel was told before a note is worked out for the
//! whole block when it comes, in the order of its events. What a single voice does with several keys
//! is in `keys`.

use super::controls::{ControlEvent, Write};
use super::keys::Pressed;
use super::renderer::Renderer;
use super::voices::Player;
use crate::limits::NONE;
use crate::plan::NoteParts;
use crate::processor::NoteRoute;
use crate::symbol::Symbol;
use crate::voice::{BY_HOST, HeldKey, HostNote, Phase, Voice};
use krach_patterns::Full;

/// Entries of one block beside those that end notes; more are lost.
pub const MAX_PLAYED: usize = 4096;
/// Semitones of a full bend, unless the host says otherwise (RPN 0).
const BEND_RANGE: f64 = 2.0;
/// The same on the member channels of an MPE zone.
const MPE_BEND_RANGE: f64 = 48.0;
const PEDAL: u8 = 64;
const TIMBRE: u8 = 74;

/// Something that the host plays, at a frame of the block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HostEvent {
    /// Frame within the block.
    pub offset: u32,
    /// What it is.
    pub what: HostEventKind,
}

/// What the host plays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum HostEventKind {
    /// A MIDI message: notes, bend, pressure, controllers.
    Midi([u8; 3]),
    /// A note begins; its end is told with [`NoteEnd`].
    NoteOn {
        /// Which; no field is -1 but, perhaps, the id.
        note: NoteAddress,
        /// 0…1.
        velocity: f64,
    },
    /// Notes let go.
    NoteOff(NoteAddress),
    /// Notes are cut off.
    Choke(NoteAddress),
    /// Something about notes that sound.
    Expression {
        /// Which notes.
        note: NoteAddress,
        /// What of them.
        which: Expression,
        /// Its value.
        value: f64,
    },
}

/// Notes of the host; -1 matches all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteAddress {
    /// Port of the plugin.
    pub port: i16,
    /// 0…15.
    pub channel: i16,
    /// 0…127.
    pub key: i16,
    /// The host's number for the note.
    pub note_id: i32,
}

impl NoteAddress {
    /// All notes.
    const ALL: Self = Self { port: -1, channel: -1, key: -1, note_id: -1 };

    fn matches(&self, note: &HostNote) -> bool {
        let same = |a: i16, b: i16| a < 0 || a == b;
        let id = self.note_id < 0 || note.note_id < 0 || self.note_id == note.note_id;
        same(self.port, note.port) && same(self.channel, note.channel) && same(self.key, note.key) && id
    }
}

/// An expression of single notes, in CLAP's units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expression {
    /// Linear gain, 0…4.
    Volume,
    /// 0 left, ½ middle, 1 right.
    Pan,
    /// 0…1.
    Vibrato,
    /// 0…1.
    Expression,
    /// 0…1.
    Brightness,
    /// 0…1.
    Pressure,
    /// Semitones, -120…120.
    Tuning,
}

/// A CLAP note of the host has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoteEnd {
    /// Frame within the block.
    pub offset: u32,
    /// The note.
    pub note: NoteAddress,
}

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

    fn matches(&self, note: &HostNote) -> bool {
        self.channels & bit(note.channel) != 0 && self.note.matches(note)
    }
}

/// The bit of a channel.
fn bit(channel: i16) -> u16 {
    1 << (channel & 15)
}

/// What a node is told of what is played.
#[derive(Clone, Copy, Debug)]
pub(super) enum Played {
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
pub(super) struct Keyboard {
    channels: [Channel; 16],
    /// Member channels of the lower and the upper MPE zone.
    zones: [u8; 2],
    routes: [Option<Symbol>; 16],
    omni: Option<Symbol>,
    /// (sample, what), in order.
    played: Vec<(i64, Played)>,
    /// Nodes that what is not a beginning concerns.
    concerned: Vec<u32>,
}

impl Keyboard {
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
    fn target(&self, channel: i16) -> Option<Symbol> {
        self.routes[(channel & 15) as usize].or(self.omni)
    }

    pub fn what(&self, index: u32) -> Option<Played> {
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
            HostEventKind::Choke(note) => self.push(sample, Played::Choke(Selection::of(note))),
            HostEventKind::Expression { note, which, value } => {
                self.push(sample, Played::Express { notes: Selection::of(note), which, value });
            }
        }
    }

    /// For one entry more of the block that ends no note?
    pub fn has_room(&self) -> bool {
        self.played.len() < MAX_PLAYED
    }

    /// What ends notes has room of its own, for all events that [`super::HostEvents`] holds.
    fn push(&mut self, sample: i64, what: Played) {
        let ends = matches!(what, Played::Off { .. } | Played::Choke(_) | Played::PedalUp { .. });
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
        self.push(sample, Played::On { note: host, velocity, pressure, brightness });
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
        self.push(sample, Played::Off { notes, pedals });
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
                self.push(sample, Played::Express { notes, which, value });
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
        self.push(sample, Played::Express { notes: Selection::on(reach), which, value });
    }

    /// The channels of that set.
    fn within(&mut self, channels: u16) -> impl Iterator<Item = (i16, &mut Channel)> {
        (0..).zip(&mut self.channels).filter(move |(channel, _)| channels & bit(*channel) != 0)
    }

    fn tell_bend(&mut self, sample: i64, channels: u16) {
        let semitones = std::array::from_fn(|channel| self.semitones(channel as i16));
        self.push(sample, Played::Bend { channels, semitones });
    }

    /// After a change of pedals: those that are up now and were down.
    fn lift_pedals(&mut self, sample: i64, before: u16) {
        let channels = before & !self.pedals();
        if channels != 0 {
            self.push(sample, Played::PedalUp { channels });
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
            120 => self.push(sample, Played::Choke(Selection::on(reach))),
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

impl Renderer {
    /// Where notes of the host go. Those that no longer lead where they sound let go.
    pub fn route_notes(&mut self, route: NoteRoute) {
        self.keyboard.route(route);
        for at in 0..self.plan.ids.len() {
            let (id, node) = self.plan.ids[at];
            let mut lost = [false; 16];
            for (channel, lost) in lost.iter_mut().enumerate() {
                *lost = self.keyboard.target(channel as i16) != Some(id);
            }
            let elsewhere = |note: &HostNote| lost[(note.channel & 15) as usize];
            if self.plan.nodes[node as usize].voices.iter().any(|v| v.hosts().any(elsewhere)) {
                self.with_player(node as usize, |player| player.let_go(elsewhere));
            }
        }
    }

    /// Queues what the host plays in `[at, until)`.
    pub(super) fn gather_notes(&mut self, at: i64, until: i64) -> Result<(), Full> {
        let first = self.keyboard.played.partition_point(|(sample, _)| *sample < at);
        let last = self.keyboard.played.partition_point(|(sample, _)| *sample < until);
        if first == last {
            return Ok(());
        }
        let Self { keyboard, plan, queue, .. } = self;
        let is_routed = |node: u32| {
            let targets = keyboard.routes.iter().chain([&keyboard.omni]);
            targets.flatten().any(|target| plan.node(*target) == Some(node))
        };
        let mut concerned = std::mem::take(&mut keyboard.concerned);
        concerned.clear();
        for (n, node) in plan.nodes.iter().enumerate().filter(|(_, n)| n.voiced && !n.ghost) {
            let plays = node.voices.iter().any(|v| v.hosts().next().is_some()) || is_routed(n as u32);
            if plays && concerned.len() < concerned.capacity() {
                concerned.push(n as u32);
            }
        }
        let queued = (first..last).try_for_each(|number| {
            let (sample, what) = keyboard.played[number];
            // Before the patterns of the same sample.
            let (beats, order) = (f64::NEG_INFINITY, (0, number as u32));
            let write = Write::Host(number as u32);
            let event = |node| ControlEvent { sample, beats, order, node, control: 0, write };
            if let Played::On { note, .. } = what {
                let node = keyboard.target(note.channel).and_then(|id| plan.node(id));
                let node = node.filter(|n| plan.nodes[*n as usize].voiced);
                queue.push(event(node.unwrap_or(NONE)))
            } else {
                concerned.iter().try_for_each(|node| queue.push(event(*node)))
            }
        });
        keyboard.concerned = concerned;
        queued
    }

    /// A note that no node plays is over before it begins.
    pub(super) fn refuse(&mut self, played: u32, sample: i64) {
        if let Some(Played::On { note, .. }) = self.keyboard.what(played) {
            self.notes.at = sample;
            self.notes.end(note);
        }
    }

    /// Notes at sample `at` that found no room in the queue are over before they begin. The queue takes
    /// what is played in order.
    pub(super) fn refuse_unqueued(&mut self, at: i64) {
        let number =
            |event: &ControlEvent| if let Write::Host(number) = event.write { Some(number) } else { None };
        let queued = self.queue.events().iter().filter_map(number).max();
        let first = self.keyboard.played.partition_point(|(sample, _)| *sample < at);
        let last = self.keyboard.played.partition_point(|(sample, _)| *sample <= at);
        for number in first.max(queued.map_or(0, |n| n as usize + 1))..last {
            self.refuse(number as u32, at);
        }
    }

    /// Nodes on their way out play no note of the host any more.
    pub(super) fn end_notes_of_ghosts(&mut self) {
        for node in self.plan.nodes.iter_mut().filter(|n| n.ghost) {
            for host in node.voices.iter_mut().flat_map(Voice::take_hosts) {
                self.notes.end(host);
            }
        }
    }

    /// The engine before this one plays the host's notes no longer.
    pub(super) fn inherit_keyboard(&mut self, old: &mut Self) {
        self.keyboard.take_over(&old.keyboard);
        self.notes.at = self.timeline.clock.now();
        self.notes.ends.append(&mut old.notes.ends);
        self.notes.ends.iter_mut().for_each(|(at, _)| *at = self.notes.at);
        for node in &mut old.plan.nodes {
            for host in node.voices.iter_mut().flat_map(Voice::take_hosts) {
                self.notes.end(host);
            }
        }
    }

    /// Hands over which notes have ended, as frames of the block `begin..end`. What ends with its last
    /// frame has ended on the first of the next.
    pub(super) fn flush_ends(&mut self, begin: i64, end: i64, block: &mut super::MidiOut) {
        let ends = &mut self.notes.ends;
        ends.sort_unstable_by_key(|(sample, note)| (*sample, note.channel, note.key, note.note_id));
        let mut told = 0;
        for (sample, note) in ends.iter().take_while(|(sample, _)| *sample < end) {
            let HostNote { port, channel, key, note_id, .. } = *note;
            let note = NoteAddress { port, channel, key, note_id };
            if !block.push_end(NoteEnd { offset: (sample - begin).max(0) as u32, note }) {
                break;
            }
            told += 1;
        }
        ends.drain(..told);
    }
}

impl Player<'_> {
    /// Does what the host plays.
    pub fn play(&mut self, what: Played) {
        match what {
            Played::On { note, velocity, pressure, brightness } => {
                let parts = self.parts;
                let key = HeldKey { note, pressure, brightness };
                let at = match self.press(&key) {
                    Pressed::Onto(at) => return self.sound_key(at, &key),
                    Pressed::Again(at) => self.begin_at(at, BY_HOST, NONE),
                    Pressed::Apart => self.begin(BY_HOST, NONE),
                };
                self.voices[at].host = Some(note);
                self.hold_part(at, parts.velocity, velocity);
                self.sound_key(at, &key);
                if parts.gate != NONE {
                    self.gate_of(at, parts.gate as usize, 1.0);
                }
            }
            Played::Off { notes, pedals } => {
                let held = |host: &HostNote| pedals & bit(host.channel) != 0;
                for voice in self.voices.iter_mut() {
                    let sounding = voice.host.as_mut().filter(|_| voice.phase == Phase::Held);
                    let all = sounding.into_iter().chain(voice.keys.iter_mut().map(|key| &mut key.note));
                    for host in all.filter(|host| held(host) && notes.matches(host)) {
                        host.sustained = true;
                    }
                }
                self.let_go(|host| !held(host) && !host.sustained && notes.matches(host));
            }
            Played::PedalUp { channels } => {
                self.let_go(|host| host.sustained && channels & bit(host.channel) != 0);
            }
            Played::Choke(notes) => {
                self.forget_keys(|host| notes.matches(host));
                self.of_notes(|host| notes.matches(host), Self::cut);
            }
            Played::Express { notes, which: Expression::Tuning, value } => {
                self.retune(|host| notes.matches(host), |host| host.tuning = value);
            }
            Played::Express { notes, which, value } => {
                self.express_keys(|host| notes.matches(host), which, value as f32);
                let part = part_of(&self.parts, which);
                let Some(c) = self.controls.get(part as usize) else { return };
                // Where the middle is 0, left is below it.
                let centred = which == Expression::Pan && c.min < 0.0;
                let value = if centred { 2.0 * value - 1.0 } else { value };
                self.of_notes(
                    |host| notes.matches(host),
                    |player, at| player.hold(at, part as usize, value as f32),
                );
            }
            Played::Bend { channels, semitones } => {
                let bent = |host: &HostNote| channels & bit(host.channel) != 0;
                self.retune(bent, |host| host.bend = semitones[(host.channel & 15) as usize]);
            }
        }
    }

    /// Notes of the host let go, pedal or not. A single voice goes back to a key that is still held.
    pub fn let_go(&mut self, which: impl Fn(&HostNote) -> bool) {
        self.forget_keys(&which);
        self.of_notes(which, |player, at| {
            if player.go_back(at) {
                return;
            }
            if let Some(host) = &mut player.voices[at].host {
                host.sustained = false;
            }
            player.release(at);
        });
    }

    fn of_notes(&mut self, which: impl Fn(&HostNote) -> bool, act: impl Fn(&mut Self, usize)) {
        for at in 0..self.voices.len() {
            if self.voices[at].host.as_ref().is_some_and(&which) {
                act(self, at);
            }
        }
    }

    fn retune(&mut self, which: impl Fn(&HostNote) -> bool, change: impl Fn(&mut HostNote)) {
        let freq = self.parts.freq;
        for at in 0..self.voices.len() {
            let keys = self.voices[at].keys.iter_mut().map(|key| &mut key.note);
            keys.filter(|host| which(host)).for_each(&change);
            let Some(host) = self.voices[at].host.as_mut().filter(|host| which(host)) else { continue };
            change(host);
            let frequency = host.frequency();
            self.hold_part(at, freq, frequency);
        }
    }

    pub(super) fn hold_part(&mut self, at: usize, part: u32, value: f32) {
        if part != NONE {
            self.hold(at, part as usize, value);
        }
    }
}

pub(super) fn part_of(parts: &NoteParts, which: Expression) -> u32 {
    let index = match which {
        Expression::Volume => 0,
        Expression::Pan => 1,
        Expression::Vibrato => 2,
        Expression::Expression => 3,
        Expression::Brightness => 4,
        Expression::Pressure => 5,
        Expression::Tuning => return parts.freq,
    };
    parts.expressions[index]
}

//! Notes of the host at their sample on the node that their channel is routed to, with their expressions, bend and
//! pedal. What channels have been told is in `host_notes`, what a single voice does with several keys in `keys`.

use super::control_writes::{ControlEvent, ControlWrite};
use super::host_events::{Expression, NoteAddress, NoteEnd};
use super::keys::Pressed;
use super::mpe::{NoteCommand, bit};
use super::renderer::Renderer;
use super::voice_allocation::VoiceAllocator;
use crate::limits::NONE;
use crate::plan::NoteParts;
use crate::processor::NoteRoute;
use crate::voice::{BY_HOST, HeldKey, HostNote, Phase, Voice};
use krach_patterns::Full;

impl Renderer {
    /// Where notes of the host go. Those that no longer lead where they sound let go.
    pub fn route_notes(&mut self, route: NoteRoute) {
        self.host_notes.route(route);
        for at in 0..self.plan.ids.len() {
            let (id, node) = self.plan.ids[at];
            let mut lost = [false; 16];
            for (channel, lost) in lost.iter_mut().enumerate() {
                *lost = self.host_notes.target(channel as i16) != Some(id);
            }
            let elsewhere = |note: &HostNote| lost[(note.channel & 15) as usize];
            if self.plan.nodes[node as usize].voices.iter().any(|v| v.hosts().any(elsewhere)) {
                self.with_allocator(node as usize, |player| player.let_go(elsewhere));
            }
        }
    }

    /// Queues what the host plays in `[at, until)`.
    pub(super) fn gather_notes(&mut self, at: i64, until: i64) -> Result<(), Full> {
        let first = self.host_notes.played.partition_point(|(sample, _)| *sample < at);
        let last = self.host_notes.played.partition_point(|(sample, _)| *sample < until);
        if first == last {
            return Ok(());
        }
        let Self { host_notes, plan, queue, .. } = self;
        let is_routed = |node: u32| {
            let targets = host_notes.routes.iter().chain([&host_notes.omni]);
            targets.flatten().any(|target| plan.node(*target) == Some(node))
        };
        let mut concerned = std::mem::take(&mut host_notes.concerned);
        concerned.clear();
        for (n, node) in plan.nodes.iter().enumerate().filter(|(_, n)| n.voiced && !n.ghost) {
            let plays = node.voices.iter().any(|v| v.hosts().next().is_some()) || is_routed(n as u32);
            if plays && concerned.len() < concerned.capacity() {
                concerned.push(n as u32);
            }
        }
        let queued = (first..last).try_for_each(|number| {
            let (sample, what) = host_notes.played[number];
            // Before the patterns of the same sample.
            let (beats, order) = (f64::NEG_INFINITY, (0, number as u32));
            let write = ControlWrite::Host(number as u32);
            let event = |node| ControlEvent { sample, beats, order, node, control: 0, write };
            if let NoteCommand::On { note, .. } = what {
                let node = host_notes.target(note.channel).and_then(|id| plan.node(id));
                let node = node.filter(|n| plan.nodes[*n as usize].voiced);
                queue.push(event(node.unwrap_or(NONE)))
            } else {
                concerned.iter().try_for_each(|node| queue.push(event(*node)))
            }
        });
        host_notes.concerned = concerned;
        queued
    }

    /// A note that no node plays is over before it begins.
    pub(super) fn refuse(&mut self, played: u32, sample: i64) {
        if let Some(NoteCommand::On { note, .. }) = self.host_notes.what(played) {
            self.notes.at = sample;
            self.notes.end(note);
        }
    }

    /// Notes at sample `at` that found no room in the queue are over before they begin. The queue takes
    /// what is played in order.
    pub(super) fn refuse_unqueued(&mut self, at: i64) {
        let number = |event: &ControlEvent| {
            if let ControlWrite::Host(number) = event.write { Some(number) } else { None }
        };
        let queued = self.queue.events().iter().filter_map(number).max();
        let first = self.host_notes.played.partition_point(|(sample, _)| *sample < at);
        let last = self.host_notes.played.partition_point(|(sample, _)| *sample <= at);
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
        self.host_notes.take_over(&old.host_notes);
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

impl VoiceAllocator<'_> {
    /// Does what the host plays.
    pub fn play(&mut self, what: NoteCommand) {
        match what {
            NoteCommand::On { note, velocity, pressure, brightness } => {
                let parts = self.parts;
                let note = if parts.wheel { HostNote { bend: 0.0, ..note } } else { note };
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
            NoteCommand::Off { notes, pedals } => {
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
            NoteCommand::PedalUp { channels } => {
                self.let_go(|host| host.sustained && channels & bit(host.channel) != 0);
            }
            NoteCommand::Choke(notes) => {
                self.forget_keys(|host| notes.matches(host));
                self.of_notes(|host| notes.matches(host), Self::cut);
            }
            NoteCommand::Express { notes, which: Expression::Tuning, value } => {
                self.retune(|host| notes.matches(host), |host| host.tuning = value);
            }
            NoteCommand::Express { notes, which, value } => {
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
            NoteCommand::Bend { .. } if self.parts.wheel => {}
            NoteCommand::Bend { channels, semitones } => {
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

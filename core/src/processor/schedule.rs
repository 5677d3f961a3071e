//! Edits and plans that wait for their position, and what each does when it comes.

use super::Returns;
use super::control_writes::{ControlWrite, SlotSet};
use super::handover::Next;
use super::renderer::{ActiveAutomation, MAX_FADES, Renderer};
use super::scene::Recall;
use super::slots::Slot;
use crate::clock::{Bars, Epoch, Mode, Segment};
use crate::limits::{MAX_AUTOMATIONS, NONE};
use crate::model::FadeLength;
use crate::plan::Plan;
use crate::processor::{Action, FromAudio, Garbage, TimedAction};

/// Most edits that wait on the audio thread; more wait on the control side.
const MAX_WAITING: usize = 8192;

/// Where in time something acts.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    /// Sample since activation.
    pub at: i64,
    /// The position, in cycles.
    pub position: f64,
    /// Time runs.
    pub running: bool,
    /// How position and sample hang together.
    pub epoch: &'a Epoch,
}

enum Scheduled {
    Action(Action),
    Plan(Box<Plan>),
}

struct Waiting {
    /// Position in cycles; −∞ is at once.
    due: f64,
    seq: u64,
    relative: bool,
    /// It waits for the start of its slot.
    starts: bool,
    /// It is due once time has moved so far: jumps move its position with them.
    moved: Option<f64>,
    /// It was called back, and is given back when there is room.
    void: bool,
    what: Scheduled,
}

impl Waiting {
    /// By position, then by the order of the edits; a plan of the same edit before its action.
    fn before(&self, other: &Self) -> std::cmp::Ordering {
        let kind = |w: &Self| matches!(w.what, Scheduled::Action(_));
        let by_seq = self.seq.cmp(&other.seq).then(kind(self).cmp(&kind(other)));
        self.due.total_cmp(&other.due).then(by_seq)
    }

    fn is_plan_for_now(&self, base: u64) -> bool {
        self.due == f64::NEG_INFINITY
            && matches!(&self.what, Scheduled::Plan(p) if p.due.is_none() && p.base == base)
    }
}

/// What waits.
pub(super) struct Schedule {
    /// The next is the last: what is for now comes and goes without moving what waits for later.
    waiting: Vec<Waiting>,
    /// A plan for this edit came back because its base had changed: what was to act after it waits
    /// until it is built anew.
    blocked: Option<u64>,
    /// Number of the newest edit that has come.
    newest: u64,
    /// The meter, and what jumps had skipped, when positions of what waits for time to move were last looked at.
    placed: (Bars, f64),
}

impl Schedule {
    pub fn new() -> Self {
        Self {
            waiting: Vec::with_capacity(MAX_WAITING),
            blocked: None,
            newest: 0,
            placed: (Bars::of(4.0), 0.0),
        }
    }

    pub fn has_room(&self) -> bool {
        self.waiting.len() < MAX_WAITING
    }

    /// The earliest position that something waits for.
    pub fn next_due(&self) -> Option<f64> {
        self.next().map(|w| w.due)
    }

    fn next(&self) -> Option<&Waiting> {
        self.waiting.last()
    }

    fn is_blocked(&self) -> bool {
        let Some(next) = self.next() else { return false };
        let action = matches!(next.what, Scheduled::Action(_));
        self.blocked.is_some_and(|seq| action && next.due > f64::NEG_INFINITY && next.seq > seq)
    }

    fn insert(&mut self, item: Waiting) {
        let at = self.waiting.partition_point(|w| w.before(&item).is_gt());
        self.waiting.insert(at, item);
    }

    /// Time jumped: what waited for "the next" cycle or bar is due, and so is what waited for a
    /// position up to the loop's end, in cycles.
    pub fn release_relative(&mut self, wrapped_at: Option<f64>) {
        let mut moved = false;
        for w in self.waiting.iter_mut().filter(|w| w.moved.is_none()) {
            if w.relative || wrapped_at.is_some_and(|end| w.due <= end + 1e-9) {
                w.due = f64::NEG_INFINITY;
                moved = true;
            }
        }
        if moved {
            self.waiting.sort_unstable_by(|a, b| b.before(a));
        }
    }
}

impl Schedule {
    /// Finds anew where it is due what waits for time to move, if jumps or another meter have changed that.
    fn place(&mut self, meter: Bars, skipped: f64) {
        if self.placed == (meter, skipped) {
            return;
        }
        self.placed = (meter, skipped);
        let mut found = false;
        for w in &mut self.waiting {
            if let Some(moved) = w.moved {
                w.due = meter.count_at(moved + skipped);
                found = true;
            }
        }
        if found {
            self.waiting.sort_unstable_by(|a, b| b.before(a));
        }
    }

    /// What waits under these numbers, which are in order, does not act: it is given back as what comes next.
    fn cancel_all(&mut self, numbers: &[u64]) {
        let mut found = false;
        for w in &mut self.waiting {
            if matches!(w.what, Scheduled::Action(_)) && numbers.binary_search(&w.seq).is_ok() {
                (w.due, w.moved, w.void) = (f64::NEG_INFINITY, None, true);
                found = true;
            }
        }
        if found {
            self.waiting.sort_unstable_by(|a, b| b.before(a));
        }
    }

    /// The number of the newest edit that has come.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// What waits for the start of a slot up to that number does not act. Patterns go into `garbage` as far as there is
    /// room; the others are given back when there is.
    pub fn cancel_starts(&mut self, heard: u64, garbage: &mut Vec<Garbage>) {
        let mut at = 0;
        while at < self.waiting.len() {
            let waits = &mut self.waiting[at];
            let is_start = waits.starts && waits.seq <= heard && !waits.void;
            if is_start && garbage.len() < garbage.capacity() {
                if let Scheduled::Action(Action::Slot { pattern, .. }) = self.waiting.remove(at).what {
                    garbage.push(Garbage::Slot(pattern));
                }
                continue;
            }
            waits.void |= is_start;
            at += 1;
        }
    }

    /// What waits for time to move under that number, and does not act.
    fn cancel(&mut self, which: impl Fn(u64, &Action) -> bool) -> Option<Action> {
        let is_it = |w: &Waiting| match &w.what {
            Scheduled::Action(action) => (w.moved.is_some() || w.starts) && which(w.seq, action),
            Scheduled::Plan(_) => false,
        };
        let at = self.waiting.iter().position(is_it)?;
        match self.waiting.remove(at).what {
            Scheduled::Action(action) => Some(action),
            Scheduled::Plan(_) => None,
        }
    }
}

impl Renderer {
    /// Can one more edit wait here?
    pub fn has_room(&self) -> bool {
        self.scheduled.has_room()
    }

    /// Takes an edit; it acts at its position, or at the next sample.
    pub fn take(&mut self, edit: TimedAction) {
        let standing = self.timeline.clock.mode() == Mode::Stopped && edit.relative;
        let due = if standing { f64::NEG_INFINITY } else { edit.due.unwrap_or(f64::NEG_INFINITY) };
        let TimedAction { seq, relative, starts, moved, action, .. } = edit;
        self.scheduled.newest = self.scheduled.newest.max(seq);
        match moved {
            Some(moved) => self.act_once_moved(moved, seq, action),
            None => {
                let what = Scheduled::Action(action);
                self.scheduled.insert(Waiting { due, seq, relative, starts, moved, void: false, what });
            }
        }
    }

    /// An action waits until time has moved so far.
    fn act_once_moved(&mut self, moved: f64, seq: u64, action: Action) {
        self.scheduled.place(self.timeline.meter, self.timeline.skipped);
        let due = self.timeline.meter.count_at(moved + self.timeline.skipped);
        let (moved, what) = (Some(moved), Scheduled::Action(action));
        let (relative, starts) = (false, false);
        self.scheduled.insert(Waiting { due, seq, relative, starts, moved, void: false, what });
    }

    /// Takes a plan; it is adopted at its position, or at the next sample.
    pub(super) fn schedule(&mut self, plan: Box<Plan>, returns: &mut Returns) {
        let active = self.plan.generation;
        if plan.due.is_none() && plan.base == active {
            // The newest plan wins.
            let overtaken = self.scheduled.waiting.iter().rposition(|w| w.is_plan_for_now(active));
            if let Some(Scheduled::Plan(old)) = overtaken.map(|at| self.scheduled.waiting.remove(at).what) {
                returns.send(FromAudio::Stale(old));
            }
        }
        let standing = self.timeline.clock.mode() == Mode::Stopped && plan.relative;
        let due = if standing { f64::NEG_INFINITY } else { plan.due.unwrap_or(f64::NEG_INFINITY) };
        let (seq, relative) = (plan.seq, plan.relative);
        let what = Scheduled::Plan(plan);
        let starts = false;
        self.scheduled.insert(Waiting { due, seq, relative, starts, moved: None, void: false, what });
    }

    /// Gives plans that wait for a position back: newer ones follow.
    pub(super) fn drop_scheduled(&mut self, returns: &mut Returns) {
        let mut at = 0;
        while at < self.scheduled.waiting.len() {
            let waits = &mut self.scheduled.waiting[at];
            let called_back = waits.due > f64::NEG_INFINITY && matches!(waits.what, Scheduled::Plan(_));
            waits.void |= called_back;
            if called_back && returns.has_room() {
                if let Scheduled::Plan(plan) = self.scheduled.waiting.remove(at).what {
                    returns.send(FromAudio::Stale(plan));
                }
            } else {
                at += 1;
            }
        }
        self.scheduled.blocked = None;
    }

    /// Does what is due at sample `at`. `true`: time itself changed, or offline the control side is to answer
    /// first: the rest of the segment is void.
    pub(super) fn act_on_due(&mut self, at: i64, segment: &Segment, returns: &mut Returns) -> bool {
        if self.retired {
            return false;
        }
        let running = segment.mode != Mode::Stopped;
        let beats = if running { segment.epoch.beats_at(at) } else { segment.epoch.beats };
        self.end_master_line(segment, at);
        self.scheduled.place(self.timeline.meter, self.timeline.skipped);
        let mut time_changed = false;
        while let Some(first) = self.scheduled.next() {
            let at_once = first.due == f64::NEG_INFINITY;
            let sample = segment.epoch.sample_of(self.timeline.meter.beats_at(first.due));
            if !(at_once || running && sample <= at) || !returns.has_room() || self.scheduled.is_blocked() {
                break;
            }
            let late = !at_once && sample < at;
            let Some(item) = self.scheduled.waiting.pop() else { break };
            // What was timed acts at its own position, what was not at this sample's.
            let position = if at_once || late { self.timeline.meter.count_at(beats) } else { item.due };
            match item.what {
                Scheduled::Plan(plan) if item.void => returns.send(FromAudio::Stale(plan)),
                Scheduled::Plan(plan) => self.adopt(plan, late, returns),
                Scheduled::Action(action) if item.void => {
                    returns.send(FromAudio::Unheard { seq: item.seq, action })
                }
                Scheduled::Action(action) => {
                    let moment = Moment { at, position, running, epoch: &segment.epoch };
                    let serial =
                        if let Action::Slot { pattern, .. } = &action { Some(pattern.serial) } else { None };
                    let (garbage, changed) = match action {
                        Action::Recall { number, fade } => {
                            // One of now counts where it was asked for, one with a time where it acts.
                            let heard = if at_once { item.seq } else { self.scheduled.newest() };
                            let recall = Recall { number, seq: item.seq, fade, late, heard };
                            (None, self.recall(recall, moment, returns))
                        }
                        action => self.act(action, moment),
                    };
                    let position = if running { position } else { f64::NAN };
                    returns.send(FromAudio::Applied { seq: item.seq, position, late, serial, garbage });
                    time_changed |= changed;
                }
            }
            if time_changed || returns.must_wait() {
                break;
            }
        }
        // Offline the rest acts once the control side has answered.
        time_changed |= returns.must_wait();
        // Where something is left that is due on this sample, a pattern may still come to a hushed slot.
        let left = time_changed
            || self.scheduled.next().is_some_and(|next| {
                let sample = segment.epoch.sample_of(self.timeline.meter.beats_at(next.due));
                next.due == f64::NEG_INFINITY || running && sample <= at
            });
        if self.hushing && !left {
            self.hushing = false;
            self.let_hushed_go(at, returns);
        }
        time_changed
    }

    /// What slots hold that were hushed on this sample, and got no other pattern on it.
    pub(super) fn let_hushed_go(&mut self, at: i64, returns: &mut Returns) {
        let mut hushed = SlotSet::NONE;
        for index in self.slots.held() {
            if !self.slots.get_mut(index).is_some_and(|slot| std::mem::take(&mut slot.hushed)) {
                continue;
            }
            hushed.add(index);
            // Without room it is freed when the slot gets another one.
            if returns.has_room()
                && let Some(slot) = self.slots.take(index)
            {
                returns.send(FromAudio::Hushed(Garbage::Slot(slot.pattern)));
            }
        }
        self.midi.end(at, |slot| hushed.has(slot));
        self.release_controls(hushed);
    }

    fn adopt(&mut self, plan: Box<Plan>, late: bool, returns: &mut Returns) {
        if plan.base != self.plan.generation {
            if plan.due.is_some() {
                self.scheduled.blocked = Some(plan.seq);
            }
            returns.send(FromAudio::Stale(plan));
            return;
        }
        let timed = plan.due.is_some();
        let old = self.exchange(plan);
        let (generation, seq) = (self.plan.generation, self.plan.seq);
        if timed {
            returns.expect_heed();
        }
        returns.send(FromAudio::Adopted { generation, seq, late, timed, old });
    }

    /// Puts a plan in place of its base; returns that.
    pub(super) fn exchange(&mut self, plan: Box<Plan>) -> Box<Plan> {
        let mut old = std::mem::replace(&mut self.plan, plan);
        let lengths = [self.fade_frames(crate::plan::Fade::Short), self.fade_frames(crate::plan::Fade::Long)];
        self.plan.adopt(&mut old, &mut self.scenes.pool, |fade| match fade {
            crate::plan::Fade::Cut => 0,
            crate::plan::Fade::Short => lengths[0],
            crate::plan::Fade::Long => lengths[1],
        });
        self.bring_nodes_up_to_date();
        self.bind_macros();
        old
    }

    /// Adopts a plan that is for now, between two stretches: offline a scene may wait for the plan that brings it.
    pub(super) fn adopt_what_is_due(&mut self, returns: &mut Returns) {
        let active = self.plan.generation;
        let newest = self.scheduled.waiting.iter().position(|w| w.is_plan_for_now(active) && !w.void);
        if let Some(at) = newest.filter(|_| returns.has_room())
            && let Scheduled::Plan(plan) = self.scheduled.waiting.remove(at).what
        {
            self.adopt(plan, false, returns);
        }
    }

    /// Does one action; returns what is to be freed, and whether time changed.
    pub(super) fn act(&mut self, action: Action, moment: Moment<'_>) -> (Option<Garbage>, bool) {
        let at = moment.at;
        let mut garbage = None;
        let mut time_changed = false;
        match action {
            Action::Set { control, path, value } => {
                if let Some(control) = self.plan.find(control, path) {
                    self.write(control, ControlWrite::Base(value));
                    self.settle(control);
                }
            }
            Action::Slot { slot, pattern } => {
                garbage = self.start_slot(slot, pattern, moment).map(Garbage::Slot);
            }
            Action::Hush(slot) => self.hush(slot as usize),
            Action::HushAll => self.slots.held().for_each(|slot| self.hush(slot)),
            Action::Bpm(bpm) => {
                self.forget_tempo_line();
                self.timeline.set_bpm(at, bpm);
                time_changed = true;
            }
            Action::Internal(on) => {
                self.timeline.set_internal(at, on);
                time_changed = true;
            }
            Action::FreeRun(on) => {
                self.timeline.set_free_run(at, on);
                time_changed = true;
            }
            Action::BeatsPerCycle(beats) => self.timeline.count_beats(beats),
            Action::HostMeter => self.timeline.count_bars(),
            Action::MidiClock(on) => self.set_midi_clock(on),
            Action::Start(start) => self.start = start,
            Action::Programs(programs) => self.programs = programs,
            Action::CurrentScene(number) => self.params.set_scene(number),
            Action::TempoLine { bpm, moved } => {
                self.forget_tempo_line();
                let beats = moved - self.moved_at(moment);
                if beats > 0.0 {
                    self.timeline.draw_tempo(at, bpm, beats);
                    self.act_once_moved(moved, 0, Action::Bpm(bpm));
                } else {
                    self.timeline.set_bpm(at, bpm);
                }
                time_changed = true;
            }
            Action::MasterGain(gain) => {
                self.master_line = None;
                self.output.set_own_master(gain);
            }
            Action::MasterLine { gain, moved } => self.draw_master(gain, moved, moment),
            Action::Cancel { seq } => {
                if let Some(Action::Slot { pattern, .. }) = self.scheduled.cancel(|other, _| other == seq) {
                    garbage = Some(Garbage::Slot(pattern));
                }
            }
            Action::CancelAll(numbers) => {
                self.scheduled.cancel_all(&numbers);
                garbage = Some(Garbage::Numbers(numbers));
            }
            Action::Limiter(on) => self.output.set_limiter(on),
            Action::Automate { index, target, mut automation, serial, bars, content } => {
                automation.start_frame = at;
                let running = ActiveAutomation::new(automation, target, serial, bars).with_content(content);
                garbage = self.automate(index, running).map(Garbage::Automation);
            }
            Action::Fade { index, control, path, length, mut line, serial } => {
                line.start_frame = at;
                line.period_frames = self.frames_of(length).max(1.0);
                let (mut span, mut from) = (None, None);
                if let FadeLength::Until { moved, from: begins } = length {
                    (span, from) = (Some((self.moved_at(moment), moved)), begins);
                }
                let running =
                    ActiveAutomation { path, span, ..ActiveAutomation::new(line, control, serial, None) };
                garbage = self.fade(index, running, from, moment).map(Garbage::Automation);
            }
            Action::ClearAutomation(index) => {
                garbage = self.clear_automation(index).map(Garbage::Automation);
            }
            Action::ClearArrived { index, serial } => {
                let running = self.automations.get(index as usize).and_then(Option::as_ref);
                if running.is_some_and(|r| r.serial == serial) {
                    garbage = self.clear_automation(index).map(Garbage::Automation);
                }
            }
            Action::Input(route) => self.input = route,
            Action::Map(map) => self.map_controller(map),
            Action::Unmap { channel, cc, target } => self.unmap_controller(channel, cc, target),
            Action::Learn(on) => self.learn(on),
            Action::Maps(maps) => {
                self.replace_controllers(&maps);
                garbage = Some(Garbage::Maps(maps));
            }
            Action::Macro { index, mut targets } => {
                self.put_macro(index, &mut targets);
                garbage = Some(Garbage::Macro(targets));
            }
            Action::LearnMacro(on) => self.learn_macro(on),
            Action::RouteNotes(route) => self.route_notes(route),
            Action::Crossfade(length) => self.plan.crossfade = length,
            Action::Seed(seed) => {
                self.seed = seed;
                self.slots.forget_quiet();
            }
            Action::Chase { slot, serial, mut table } => {
                let pattern = self.slots.get_mut(slot as usize).map(|s| &mut s.pattern);
                if let Some(pattern) = pattern.filter(|pattern| pattern.serial == serial) {
                    std::mem::swap(&mut pattern.chase, &mut table);
                }
                garbage = Some(Garbage::Chase(table));
            }
            Action::Panic => self.panic(at),
            // A recall is more than one action: see `act_on_due`.
            Action::Recall { .. } | Action::AtTime => {}
        }
        (garbage, time_changed)
    }

    pub(super) fn start_slot(
        &mut self,
        index: u32,
        pattern: Box<crate::slot::BoundPattern>,
        Moment { at, position, running, epoch }: Moment<'_>,
    ) -> Option<Box<crate::slot::BoundPattern>> {
        if index as usize >= self.slots.len() {
            return Some(pattern);
        }
        let epoch = running.then_some(epoch);
        // What takes over from another takes over on this sample, also what comes a part of a sample earlier.
        let old = self.slots.get(index as usize);
        let takes_over =
            pattern.origin.is_some() && old.is_some_and(|old| old.hushed || old.from < f64::INFINITY);
        let from = if running && !takes_over { position } else { f64::NEG_INFINITY };
        let from = pattern.from.unwrap_or(from);
        // Where time stands still, "from zero" means from wherever it starts.
        let origin = pattern.origin.unwrap_or(if running { position } else { f64::NAN });
        self.hand_over(index, Next { pattern: &pattern, origin, from }, epoch, at);
        let slot = index as usize;
        let old = self.slots.put(slot, Slot::new(pattern, origin, from));
        old.map(|slot| slot.pattern)
    }

    /// A slot plays no more. What it holds goes when all that is due on this sample has acted: a pattern
    /// that comes to it on the same sample takes over.
    pub(super) fn hush(&mut self, slot: usize) {
        if let Some(held) = self.slots.get_mut(slot).filter(|held| held.from < f64::INFINITY) {
            (held.from, held.hushed) = (f64::INFINITY, true);
            self.slots.told(slot);
            self.hushing = true;
        }
    }

    pub(super) fn automate(
        &mut self,
        index: u32,
        running: ActiveAutomation,
    ) -> Option<Box<crate::automation::Automation>> {
        let at = index as usize;
        if at >= MAX_AUTOMATIONS {
            return Some(running.automation);
        }
        let old = self.clear_automation(index);
        self.used_automations = self.used_automations.max(at + 1);
        self.own(index, running);
        old
    }

    /// The automation has its control from now on.
    fn own(&mut self, index: u32, running: ActiveAutomation) {
        if let Some(control) = self.plan.find(running.target, running.path) {
            let c = &mut self.plan.controls[control as usize];
            if c.automation == NONE {
                c.automated = c.held();
            }
            c.automation = index;
        }
        self.automations[index as usize] = Some(running);
    }

    /// A fade sets off from where its control is, or from what it is to begin with.
    fn fade(
        &mut self,
        index: u32,
        mut running: ActiveAutomation,
        from: Option<f64>,
        moment: Moment<'_>,
    ) -> Option<Box<crate::automation::Automation>> {
        let slot = MAX_AUTOMATIONS + index as usize;
        if index as usize >= MAX_FADES {
            return Some(running.automation);
        }
        if let Some(control) = self.plan.find(running.target, running.path) {
            // Beyond the range it would be there at once, and not in that time.
            let asked = running.automation.hi as f32;
            let target = self.plan.controls[control as usize].clamp(asked);
            if target != asked {
                running.automation.hi = f64::from(target);
            }
            if let Some(from) = from {
                self.write(control, ControlWrite::Base(from as f32));
                self.settle(control);
            }
            running.automation.lo = f64::from(self.value_before(control, moment));
        }
        let old = self.automations[slot].take().map(|old| old.automation);
        self.used_fades = self.used_fades.max(index as usize + 1);
        self.own(slot as u32, running);
        old
    }

    /// The node of a control begins with what was just set, before its first sample.
    fn settle(&mut self, control: u32) {
        let node = &mut self.plan.nodes[self.plan.controls[control as usize].node as usize];
        let instances = node.voices.iter_mut().filter_map(|voice| voice.instance.as_mut());
        instances.for_each(|instance| instance.settle());
    }

    /// What draws the own clock's tempo ends nowhere.
    fn forget_tempo_line(&mut self) {
        while self.scheduled.cancel(|_, action| matches!(action, Action::Bpm(_))).is_some() {}
    }

    /// What a control had on the sample before this one, for all voices alike.
    fn value_before(&self, control: u32, moment: Moment<'_>) -> f32 {
        let c = &self.plan.controls[control as usize];
        let running = self.automations.get(c.automation as usize).and_then(Option::as_ref);
        running.map_or(c.held(), |running| {
            let before = match (running.bars, running.span) {
                (None, Some(span)) => {
                    let step = if moment.running { moment.epoch.rate_at(moment.at - 1) } else { 0.0 };
                    running.value_on_line(span, self.moved_at(moment) - step)
                }
                (None, None) => running.automation.value_at(moment.at - 1),
                (Some(_), _) => {
                    running.value_over_bars(self.timeline.clock.bars().count_at(self.timeline.clock.beats()))
                }
            };
            c.clamp(before)
        })
    }

    fn frames_of(&self, length: FadeLength) -> f64 {
        let beat = 60.0 * self.sample_rate / self.timeline.clock.bpm();
        match length {
            FadeLength::Secs(secs) => secs * self.sample_rate,
            FadeLength::Beats(beats) => beats * beat,
            FadeLength::Cycles(cycles) => cycles * self.timeline.meter.length * beat,
            FadeLength::Until { .. } => 0.0,
        }
    }

    pub(super) fn clear_automation(&mut self, index: u32) -> Option<Box<crate::automation::Automation>> {
        let old = self.automations.get_mut(index as usize)?.take()?;
        if let Some(control) = self.plan.find(old.target, old.path) {
            self.write(control, ControlWrite::AutomationEnds { index, arrived: None });
        }
        Some(old.automation)
    }
}

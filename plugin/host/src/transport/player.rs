//! Plays a script: one block plan after the other, and the truth on the side.

use clap_sys::events::clap_event_transport;

use super::blocks::{Blocks, Lengths};
use super::report::{Moment, Report};
use super::script::{Action, Announce, Landing, LoopStyle, Script, When};
use super::truth::{Cause, ONSET_TOLERANCE, Segment, Truth};

/// One call of `process`, as far as time goes.
#[derive(Clone, Debug, Default)]
pub struct BlockPlan {
    /// First frame, counted from the first frame ever; also the steady time.
    pub start: u64,
    /// Length in frames; may be 0 where the partition says so.
    pub frames: usize,
    /// The transport at the block's start; nothing is a null pointer.
    pub transport: Option<clap_event_transport>,
    /// The same for formats with words of their own: what is told, and of which moment.
    pub told: Option<(Report, Moment)>,
    /// Transport events inside the block; `header.time` is the offset.
    pub changes: Vec<clap_event_transport>,
}

/// A transport that follows a [`Script`]. It may be given more to do while it runs.
#[derive(Clone, Debug)]
pub struct Player {
    rate: f64,
    lengths: Lengths,
    /// What is left of a block that was split.
    rest: usize,
    /// Where a block ends whatever its length: see [`Player::cut_at`].
    cut: Option<u64>,
    frame: u64,
    anchor: Segment,
    /// Quarter notes of host time, playing or not, up to the anchor.
    elapsed: f64,
    looping: Option<(f64, f64)>,
    /// Whether the transport was below the loop end since it was last located, so that it can wrap.
    below_end: bool,
    ramp_end: Option<(u64, f64)>,
    pending: Vec<(When, Action)>,
    announce: Announce,
    loop_style: LoopStyle,
    time_signature: (u16, u16),
    report: Report,
    truth: Truth,
}

/// What happens next on its own or by the script.
enum Change {
    Pending(usize),
    RampEnd,
    Wrap,
}

impl Player {
    /// A transport at its first frame.
    pub fn new(script: &Script, blocks: &Blocks, rate: f64) -> Self {
        let anchor = Segment {
            frame: 0,
            cause: Cause::Begin,
            playing: script.playing,
            beats: script.start_beats,
            seconds: script.start_beats * 60.0 / script.tempo,
            tempo: script.tempo,
            tempo_inc: 0.0,
            owns_from: script.start_beats,
            owns_until: f64::INFINITY,
        };
        let mut player = Self {
            rate,
            lengths: blocks.lengths(),
            rest: 0,
            cut: None,
            frame: 0,
            anchor,
            elapsed: 0.0,
            looping: None,
            below_end: false,
            ramp_end: None,
            pending: script.actions.clone(),
            announce: script.announce,
            loop_style: script.loop_style,
            time_signature: script.time_signature,
            report: script.report,
            truth: Truth::new(rate, anchor),
        };
        player.set_loop(0, script.looping);
        player
    }

    /// Adds something to do. Anything that is already due is done at the next block start.
    pub fn schedule(&mut self, when: When, action: Action) {
        self.pending.push((when, action));
    }

    /// The next frame that will be handed out.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    /// Whether the transport plays on the next frame.
    pub fn playing(&self) -> bool {
        self.anchor.playing
    }

    /// Position of the next frame in quarter notes.
    pub fn beats(&self) -> f64 {
        self.anchor.beats_at(self.frame, self.rate)
    }

    /// Tempo on the next frame, quarter notes per minute.
    pub fn tempo(&self) -> f64 {
        self.moment(self.frame).tempo
    }

    /// Quarter notes that have passed at the host's tempo since the first frame, playing or not.
    pub fn elapsed_beats(&self) -> f64 {
        self.elapsed_at(self.frame)
    }

    /// The first frame at which `elapsed_beats` is at least this: where that was, or where it will be
    /// if the tempo goes on as it does since the last change; `u64::MAX` where a slowing ramp would
    /// never get there.
    pub fn frame_of_elapsed(&self, beats: f64) -> u64 {
        let (mut anchor, mut elapsed) = (&self.anchor, self.elapsed);
        if beats < self.elapsed {
            elapsed = 0.0;
            for pair in self.truth.segments().windows(2) {
                let passed = elapsed + pair[0].beats_in((pair[1].frame - pair[0].frame) as f64, self.rate);
                anchor = &pair[0];
                if passed >= beats {
                    break;
                }
                elapsed = passed;
            }
        }
        match anchor.frames_until(anchor.beats + (beats - elapsed), self.rate) {
            Some(frames) => anchor.frame + (frames - ONSET_TOLERANCE).ceil().max(0.0) as u64,
            None => u64::MAX,
        }
    }

    /// The positions of everything handed out so far.
    pub fn truth(&self) -> &Truth {
        &self.truth
    }

    /// The truth, at the end.
    pub fn into_truth(self) -> Truth {
        self.truth
    }

    /// The next block.
    pub fn next_block(&mut self) -> BlockPlan {
        let mut plan = BlockPlan::default();
        self.next_block_into(&mut plan);
        plan
    }

    /// As many whole blocks as it takes to cover `frames`, prepared in advance, for a thread that
    /// must not allocate.
    pub fn plan(&mut self, frames: u64) -> Vec<BlockPlan> {
        let end = self.frame + frames;
        let mut plans = Vec::new();
        while self.frame < end {
            plans.push(self.next_block());
        }
        plans
    }

    /// The frame of a position, as tempo and loop stand now; `None` if time does not get there.
    pub fn frame_of(&self, beats: f64) -> Option<u64> {
        self.due(&When::Beat(beats), self.frame)
    }

    /// A block ends at this frame, whatever the blocks' lengths: what was cut off is the next one.
    pub fn cut_at(&mut self, frame: u64) {
        self.cut = Some(frame);
    }

    /// The next block, into a plan whose list is reused.
    pub fn next_block_into(&mut self, plan: &mut BlockPlan) {
        let start = self.frame;
        plan.start = start;
        plan.changes.clear();
        while let Some((_, change)) = self.next_change(start).filter(|(due, _)| *due <= start) {
            self.make(start, &change);
        }
        let moment = self.moment(start);
        plan.transport = self.report.tell(&moment, 0);
        plan.told = self.report.present.then_some((self.report, moment));
        let length = match std::mem::take(&mut self.rest) {
            0 => self.lengths.next().unwrap_or(1),
            rest => rest,
        } as u64;
        let mut end = start + length;
        if let Some(cut) = self.cut.take_if(|cut| *cut < end)
            && cut > start
        {
            self.rest = (end - cut) as usize;
            end = cut;
        }
        let mut cursor = start;
        while let Some((due, change)) = self.next_change(cursor) {
            let announce = self.announcement(&change);
            if due >= end || announce == Announce::NextBlock {
                break;
            }
            if announce == Announce::Split {
                self.rest += (end - due) as usize;
                end = due;
                break;
            }
            cursor = due;
            self.make(due, &change);
            if announce == Announce::Event {
                let offset = (due - start) as u32;
                plan.changes.retain(|earlier| earlier.header.time != offset);
                plan.changes.extend(self.report.tell(&self.moment(due), offset));
            }
        }
        plan.frames = (end - start) as usize;
        self.frame = end;
        self.truth.extend_to(end);
    }

    fn announcement(&self, change: &Change) -> Announce {
        match change {
            Change::Wrap => self.loop_style.announce,
            Change::Pending(_) | Change::RampEnd => self.announce,
        }
    }

    /// The earliest change from `cursor` on: its frame and what it is. Changes that wait for a block
    /// start come last, so that they do not hide those that do not.
    fn next_change(&self, cursor: u64) -> Option<(u64, Change)> {
        let pending = self
            .pending
            .iter()
            .enumerate()
            .filter_map(|(index, (when, _))| Some((self.due(when, cursor)?, Change::Pending(index))));
        let ramp_end = self.ramp_end.map(|(frame, _)| (frame.max(cursor), Change::RampEnd));
        let wrap = self
            .looping
            .filter(|_| self.below_end)
            .and_then(|(_, end)| Some((self.due(&When::Beat(end), cursor)?, Change::Wrap)));
        ramp_end.into_iter().chain(wrap).chain(pending).min_by_key(|(due, change)| {
            (self.announcement(change) == Announce::NextBlock && *due > cursor, *due)
        })
    }

    /// The frame, at or after `cursor`, on which this is due as things stand.
    fn due(&self, when: &When, cursor: u64) -> Option<u64> {
        match *when {
            When::Frame(frame) => Some(frame.max(cursor)),
            When::Seconds(seconds) => {
                Some(((seconds * self.rate - ONSET_TOLERANCE).ceil().max(0.0) as u64).max(cursor))
            }
            When::Beat(beats) if self.anchor.playing => {
                let frames = self.anchor.frames_until(beats, self.rate)?;
                let frame = self.anchor.frame + (frames - ONSET_TOLERANCE).ceil().max(0.0) as u64;
                Some(frame.max(cursor))
            }
            When::Beat(_) => None,
        }
    }

    fn make(&mut self, frame: u64, change: &Change) {
        match change {
            Change::Wrap => self.wrap(frame),
            Change::RampEnd => {
                if let Some((_, tempo)) = self.ramp_end.take() {
                    self.set_tempo(frame, tempo, 0.0);
                }
            }
            Change::Pending(index) => {
                let (_, action) = self.pending.remove(*index);
                self.act(frame, action);
            }
        }
    }

    fn act(&mut self, frame: u64, action: Action) {
        let now = self.moment(frame);
        match action {
            Action::Play if !now.playing => self.locate(frame, Cause::Play, now.beats, true),
            Action::Stop if now.playing => self.locate(frame, Cause::Stop, now.beats, false),
            Action::Play | Action::Stop => {}
            Action::Jump(beats) => {
                self.locate(frame, Cause::Jump, beats, now.playing);
                self.below_end = self.looping.is_some_and(|(_, end)| beats < end);
            }
            Action::Loop(range) => self.set_loop(frame, range),
            Action::Tempo(tempo) => {
                self.ramp_end = None;
                self.set_tempo(frame, tempo, 0.0);
            }
            Action::Ramp { to, seconds } => {
                let frames = (seconds * self.rate).round().max(1.0);
                self.ramp_end = Some((frame + frames as u64, to));
                self.set_tempo(frame, now.tempo, (to - now.tempo) / frames);
            }
            Action::Report(report) => self.report = report,
        }
    }

    fn set_loop(&mut self, frame: u64, range: Option<(f64, f64)>) {
        // A loop shorter than a frame could not be played; it counts as none.
        let shortest = self.anchor.tempo / (60.0 * self.rate);
        self.looping = range.filter(|(start, end)| end - start > shortest);
        let beats = self.anchor.beats_at(frame, self.rate);
        self.below_end = self.looping.is_some_and(|(_, end)| beats < end);
    }

    fn wrap(&mut self, frame: u64) {
        let Some((start, end)) = self.looping else {
            return;
        };
        let now = self.moment(frame);
        if self.loop_style.announce != Announce::NextBlock {
            self.truth.close_before(end);
        }
        let landing = match self.loop_style.landing {
            Landing::Exact => start + (now.beats - start).rem_euclid(end - start),
            Landing::OnStart => start,
            Landing::Late(seconds) => start + seconds * now.tempo / 60.0,
        };
        // Within the tolerance the wrap may come a hair before the end: that is the start, too.
        let hair = 2.0 * ONSET_TOLERANCE * now.tempo / (60.0 * self.rate);
        let landing = if end - landing < hair { start } else { landing };
        self.begin(Segment {
            owns_from: start.min(landing),
            ..self.segment(frame, Cause::Wrap, landing, true)
        });
        self.below_end = landing < end;
    }

    fn locate(&mut self, frame: u64, cause: Cause, beats: f64, playing: bool) {
        let segment = self.segment(frame, cause, beats, playing);
        self.begin(segment);
    }

    fn set_tempo(&mut self, frame: u64, tempo: f64, tempo_inc: f64) {
        let now = self.moment(frame);
        self.begin(Segment {
            tempo,
            tempo_inc,
            seconds: now.seconds,
            ..self.segment(frame, Cause::Tempo, now.beats, now.playing)
        });
    }

    /// A segment from here on with the tempo as it is. A new place in beats is a new place in
    /// seconds as if the present tempo had held from 0 on; otherwise seconds run on.
    fn segment(&self, frame: u64, cause: Cause, beats: f64, playing: bool) -> Segment {
        let now = self.moment(frame);
        let moved = matches!(cause, Cause::Jump | Cause::Wrap);
        Segment {
            frame,
            cause,
            playing,
            beats,
            seconds: if moved { beats * 60.0 / now.tempo } else { now.seconds },
            tempo: now.tempo,
            tempo_inc: now.tempo_inc,
            owns_from: beats,
            owns_until: f64::INFINITY,
        }
    }

    fn begin(&mut self, segment: Segment) {
        self.elapsed = self.elapsed_at(segment.frame);
        self.anchor = segment;
        self.truth.push(segment);
    }

    fn elapsed_at(&self, frame: u64) -> f64 {
        self.elapsed + self.anchor.beats_in((frame - self.anchor.frame) as f64, self.rate)
    }

    fn moment(&self, frame: u64) -> Moment {
        Moment {
            playing: self.anchor.playing,
            beats: self.anchor.beats_at(frame, self.rate),
            seconds: self.anchor.seconds_at(frame, self.rate),
            tempo: self.anchor.tempo + self.anchor.tempo_inc * (frame - self.anchor.frame) as f64,
            tempo_inc: self.anchor.tempo_inc,
            looping: self.looping,
            time_signature: self.time_signature,
        }
    }
}

//! What is written to a node reaches its voices: notes one of them, all else all.

use super::control_writes::{ControlWrite, end_fade, is_fade, loose, resolve};
use crate::limits::NONE;
use crate::node::Change;
use crate::plan::{ControlState, NoteParts, PlanNode};
use crate::planner::range;
use crate::voice::{
    self, BY_AUTOMATION, BY_BASE, CUT_TIME, HostNote, LONGEST_TAIL, NOBODY, NoteKey, Phase, QUIET_TIME,
    Repose, Voice,
};

/// Notes of the host that have ended and whose end the host is still to get: all that are open find room.
const MAX_ENDS: usize = super::open_notes::MAX_OPEN;

/// What the voices of all nodes have in common.
pub(super) struct VoiceClock {
    /// How many notes have begun.
    pub begun: u64,
    /// The sample up to which the voices at hand have been rendered.
    pub at: i64,
    /// Notes of the host that have ended, and where.
    pub ends: Vec<(i64, HostNote)>,
    /// Frames of a cut.
    pub cut: u32,
    /// Frames that a released voice must be quiet.
    pub quiet: u64,
    /// Frames that a released voice may sound.
    pub longest: u64,
}

impl VoiceClock {
    pub fn new(sample_rate: f64) -> Self {
        Self {
            begun: 0,
            at: 0,
            ends: Vec::with_capacity(MAX_ENDS),
            cut: ((CUT_TIME * sample_rate) as u32).max(1),
            quiet: ((QUIET_TIME * sample_rate) as u64).max(1),
            longest: ((LONGEST_TAIL * sample_rate) as u64).max(1),
        }
    }

    /// A note of the host is over.
    pub fn end(&mut self, note: HostNote) {
        if note.wants_end && self.ends.len() < self.ends.capacity() {
            self.ends.push((self.at, note));
        }
    }
}

/// The voices of one node, and what is known of its controls.
pub(super) struct VoiceAllocator<'a> {
    pub voices: &'a mut [Voice],
    pub controls: &'a mut [ControlState],
    pub notes: &'a mut VoiceClock,
    pub limit: usize,
    pub legato: Option<bool>,
    pub voiced: bool,
    pub rests: bool,
    pub parts: NoteParts,
}

impl<'a> VoiceAllocator<'a> {
    /// For a node whose voices have been taken out of it.
    pub fn new(
        node: &PlanNode,
        controls: &'a mut [ControlState],
        voices: &'a mut [Voice],
        notes: &'a mut VoiceClock,
    ) -> Self {
        let (limit, voiced, parts) = (node.limit as usize, node.voiced, node.parts);
        let rests = node.rests;
        let controls = &mut controls[range(node.controls)];
        Self { voices, controls, notes, limit, legato: node.legato, voiced, rests, parts }
    }

    /// One of a control's writers does something.
    pub fn write(&mut self, control: usize, write: ControlWrite) {
        if !self.voiced {
            let gate = matches!(write, ControlWrite::Modulate(_)) && self.controls[control].gate;
            if let Some(change) = resolve(&mut self.controls[control], write).filter(|_| !gate) {
                self.tell(None, control, change);
            }
            return;
        }
        let c = &mut self.controls[control];
        let (gate, slot_of) = (c.gate, c.slot);
        match write {
            ControlWrite::Note { value, slot, gate: label, note, .. } if (gate || label) && value <= 0.0 => {
                let missed_note_off =
                    || self.voices.iter().position(|v| v.missed_note_off && v.slot == slot && v.open > 0);
                if let Some(at) = self.find(note).or_else(missed_note_off) {
                    self.gate_of(at, control, value);
                }
            }
            ControlWrite::Over { note } => {
                if let Some(at) = self.find(note) {
                    self.gate_of(at, control, 0.0);
                }
            }
            ControlWrite::Note { value, slot, gate: label, note, onset, missed_note_off, .. } => {
                let at = self.voice_for(note, slot);
                self.voices[at].missed_note_off |= missed_note_off;
                self.voices[at].onset = onset;
                if gate || label {
                    self.gate_of(at, control, value);
                } else {
                    self.hold(at, control, value);
                }
            }
            ControlWrite::Pattern { value, slot, gate: label, onset, .. } if gate || label => {
                self.gate(control, loose(slot), slot, value);
                if let Some(at) = self.find(loose(slot)).filter(|_| value > 0.0) {
                    let voice = &mut self.voices[at];
                    // Of several gates that are open, where the first opened.
                    voice.onset = if voice.open > 1 { voice.onset.min(onset) } else { onset };
                }
            }
            ControlWrite::Base(value) if gate => {
                (c.base, c.set) = (value, true);
                end_fade(c);
                self.gate(control, BY_BASE, NONE, value);
            }
            ControlWrite::Automation { index, value, .. } if gate => {
                if c.automation == NONE && !is_fade(index) {
                    c.automation = index;
                }
                if c.automation == index {
                    let opens = |v: &Voice| v.note == BY_AUTOMATION && v.phase == Phase::Held;
                    // One value after the other above nothing is one note.
                    if (value > 0.0) != self.voices.iter().any(opens) {
                        self.gate(control, BY_AUTOMATION, NONE, value);
                    }
                }
            }
            ControlWrite::AutomationEnds { index, arrived } if gate => {
                if c.automation == index {
                    c.automation = NONE;
                    if let Some(value) = arrived {
                        (c.base, c.set) = (value, true);
                    }
                    self.gate(control, BY_AUTOMATION, NONE, 0.0);
                }
            }
            ControlWrite::Hushed | ControlWrite::Close if gate => {
                self.gate(control, loose(slot_of), slot_of, 0.0)
            }
            ControlWrite::Automation { .. } => {
                if let Some(change) = resolve(c, write) {
                    self.tell(None, control, change);
                }
            }
            // Gates are not modulated.
            ControlWrite::Modulate(_) if gate => _ = resolve(c, write),
            ControlWrite::Modulate(_) => {
                let change = resolve(c, write);
                match change.filter(|_| self.controls[control].automation != NONE) {
                    Some(change) => self.tell(None, control, change),
                    None => (0..self.voices.len()).for_each(|at| self.refresh(at, control)),
                }
            }
            ControlWrite::Pattern { .. } => {
                // The last to write among the patterns.
                self.voices.iter_mut().for_each(|v| v.held[control] = None);
                if let Some(change) = resolve(c, write) {
                    self.tell(None, control, change);
                }
            }
            ControlWrite::Host(_) => {}
            ControlWrite::Base(_)
            | ControlWrite::Hushed
            | ControlWrite::Close
            | ControlWrite::AutomationEnds { .. } => {
                let told = resolve(c, write).is_some();
                if matches!(write, ControlWrite::Base(_)) {
                    let orphaned = |v: &&mut Voice| v.note == NOBODY;
                    self.voices.iter_mut().filter(orphaned).for_each(|v| v.held[control] = None);
                }
                for at in (0..self.voices.len()).filter(|_| told) {
                    self.refresh(at, control);
                }
            }
        }
    }

    /// Sets a control of one voice, or of all.
    fn tell(&mut self, at: Option<usize>, control: usize, change: Change) {
        let voices = match at {
            Some(at) => &mut self.voices[at..=at],
            None => &mut *self.voices,
        };
        let c = &mut self.controls[control];
        if c.gate {
            c.opened = change.value > 0.0;
            if c.opened {
                // Before it hears of the gate: what it has heard is forgotten with the rest of its state.
                voices.iter_mut().for_each(Voice::wake);
            }
        }
        let change = Change { value: c.modulated(change.value), ..change };
        for instance in voices.iter_mut().filter_map(|v| v.instance.as_mut()) {
            instance.set(control, change);
        }
    }

    /// Tells a voice what a control holds for it, unless an automation has it.
    fn refresh(&mut self, at: usize, control: usize) {
        let c = &self.controls[control];
        if c.automation != NONE && !c.gate {
            return;
        }
        let shared = if c.gate { 0.0 } else { c.held() };
        let value = c.clamp(self.voices[at].held[control].unwrap_or(shared));
        self.tell(Some(at), control, Change { value, ramp: 0 });
    }

    /// A note sets a control of its voice.
    pub fn hold(&mut self, at: usize, control: usize, value: f32) {
        self.voices[at].held[control] = Some(value);
        self.refresh(at, control);
    }

    /// The voice that plays a note.
    pub fn find(&self, note: NoteKey) -> Option<usize> {
        self.voices.iter().position(|v| v.note == note && v.is_played())
    }

    /// The voice that plays a note; one is found for it if there is none yet.
    pub fn voice_for(&mut self, note: NoteKey, slot: u32) -> usize {
        self.find(note).unwrap_or_else(|| self.begin(note, slot))
    }

    /// Gives a voice to a new note.
    pub fn begin(&mut self, note: NoteKey, slot: u32) -> usize {
        self.begin_at(voice::allocate(self.voices, self.limit), note, slot)
    }

    /// Gives this voice to a new note.
    pub fn begin_at(&mut self, at: usize, note: NoteKey, slot: u32) -> usize {
        if matches!(self.voices[at].phase, Phase::Cut { .. })
            && let Some(instance) = &mut self.voices[at].instance
        {
            instance.reset();
        }
        self.leave(at);
        self.notes.begun += 1;
        let voice = &mut self.voices[at];
        (voice.phase, voice.note, voice.slot) = (Phase::Held, note, slot);
        (voice.started, voice.missed_note_off, voice.onset) = (self.notes.begun, false, f64::NAN);
        at
    }

    /// Nothing is left of a voice's note.
    fn leave(&mut self, at: usize) {
        if let Some(host) = self.voices[at].host.take() {
            self.notes.end(host);
        }
        (self.voices[at].note, self.voices[at].slot) = (NOBODY, NONE);
        self.voices[at].open = 0;
        for control in 0..self.controls.len() {
            let Some(value) = self.voices[at].held[control].take() else { continue };
            // A gate that is shut already is not shut again: a node would take that for an edge.
            if !self.controls[control].gate || value > 0.0 {
                self.refresh(at, control);
            }
        }
    }

    /// A voice's sound has come to its end, at `notes.at`.
    pub fn free(&mut self, at: usize) {
        self.leave(at);
        self.voices[at].phase = Phase::Free;
        self.voices[at].health.last.fill(0.0);
    }

    /// A gate opens with a value above 0, or else closes, for a note.
    pub fn gate(&mut self, control: usize, note: NoteKey, slot: u32, value: f32) {
        let opens = value > 0.0;
        let at = if opens { Some(self.voice_for(note, slot)) } else { self.find(note) };
        if let Some(at) = at {
            self.gate_of(at, control, value);
        }
    }

    /// A gate of a voice opens or closes.
    pub fn gate_of(&mut self, at: usize, control: usize, value: f32) {
        let voice = &mut self.voices[at];
        let (was, is) = (voice.held[control].is_some_and(|v| v > 0.0), value > 0.0);
        voice.open = (voice.open + u32::from(is && !was)) - u32::from(was && !is);
        if is {
            voice.phase = Phase::Held;
        }
        self.hold(at, control, value);
        if was && !is && self.voices[at].open == 0 {
            self.voices[at].release();
        }
    }

    /// A voice's note lets go: its gates close. Without any it is cut.
    pub fn release(&mut self, at: usize) {
        if self.voices[at].phase != Phase::Held {
            return;
        }
        let gates = self.controls.iter().any(|c| c.gate);
        for control in 0..self.controls.len() {
            if self.controls[control].gate && self.voices[at].held[control].is_some_and(|v| v > 0.0) {
                self.gate_of(at, control, 0.0);
            }
        }
        if gates {
            self.voices[at].release();
        } else {
            self.cut(at);
        }
    }

    /// A voice fades out at once.
    pub fn cut(&mut self, at: usize) {
        if self.voices[at].is_played() {
            self.voices[at].phase = Phase::Cut { left: self.notes.cut };
        }
    }

    /// Notes that `which` selects let go and are forgotten: what they set does not outlive a new base
    /// value, and one of the same unit is another note.
    pub fn release_notes(&mut self, which: impl Fn(&Voice) -> bool) {
        for at in 0..self.voices.len() {
            if which(&self.voices[at]) {
                self.release(at);
                (self.voices[at].note, self.voices[at].slot) = (NOBODY, NONE);
            }
        }
    }

    /// Everything stops; what notes have set is forgotten.
    pub fn silence(&mut self) {
        self.forget_keys(|_| true);
        for at in 0..self.voices.len() {
            if self.voiced {
                self.free(at);
            }
            self.voices[at].repose = Repose::default();
            if let Some(instance) = &mut self.voices[at].instance {
                instance.reset();
            }
        }
    }

    /// Is a gate of the one instance open?
    pub fn is_open(&self) -> bool {
        match self.voiced {
            true => self.voices.iter().any(|voice| voice.phase == Phase::Held),
            false => self.controls.iter().any(|c| c.gate && c.opened),
        }
    }

    /// Voices from `first` on are new: they hear what their controls hold.
    pub fn tell_new_voices(&mut self, first: usize) {
        for at in first..self.voices.len() {
            for control in 0..self.controls.len() {
                if !self.controls[control].gate || self.voices[at].held[control].is_some() {
                    self.refresh(at, control);
                }
            }
        }
    }
}

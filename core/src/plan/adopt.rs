//! How a plan takes over from the one before it: instances, voices and what they hold move over, nodes succeed each
//! other, and wires begin to fade. Realtime-safe: walks over lists that the control side has drawn up.

use super::{DeclickOrigin, Fade, Plan, PlanNode, Pool, Wire, first_value};
use crate::limits::NONE;
use crate::node::{Change, Succession};
use crate::voice::{BY_BASE, Phase, Voice};

/// How often a way out may begin anew: bounds how many nodes can be on their way out at a time, also
/// where they are replaced faster than they fade for ever.
const MAX_RESTARTS: u8 = 16;

impl Plan {
    /// Takes over from `old`, the base, with voices from the pool, and starts the fades. `fade_frames(fade)` tells
    /// their length.
    ///
    /// Realtime-safe: bounded by the sizes of both plans.
    pub fn adopt(&mut self, old: &mut Plan, pool: &mut Pool, fade_frames: impl Fn(Fade) -> u32) {
        self.take_voices(pool);
        self.take_declicks(old, fade_frames(Fade::Short));
        while self.buffers.len() < self.buffer_count {
            let Some(buffer) = old.buffers.pop() else { break };
            self.buffers.push(buffer);
        }
        for &(new, then) in &self.node_moves {
            let (new, then) = (&mut self.nodes[new as usize], &mut old.nodes[then as usize]);
            if new.voices.is_empty() {
                // They are the same, and so is the room in them.
                std::mem::swap(&mut new.voices, &mut then.voices);
            }
            for (new, then) in new.voices.iter_mut().zip(&mut then.voices) {
                std::mem::swap(new, then);
                if new.keys.capacity() < then.keys.capacity() {
                    // Without room there is none in it.
                    std::mem::swap(&mut new.keys, &mut then.keys);
                }
            }
            if new.voiced
                && !then.voiced
                && let Some(voice) = new.voices.first_mut()
            {
                // What sounded without being a note sounds on until notes need the voice.
                (voice.phase, voice.note) = (Phase::Held, BY_BASE);
            }
        }
        for &(new, then) in &self.control_moves {
            let (was, is) = (old.controls[then as usize], &mut self.controls[new as usize]);
            is.renewed = !was.set && !is.set && was.base != is.base;
            // What was never set has the default of the type it has now.
            if was.set {
                (is.base, is.set) = (was.base, true);
            }
            (is.pattern, is.drawn) = (was.pattern, was.drawn);
            (is.slot, is.via) = (was.slot, was.via);
            (is.automation, is.automated) = (was.automation, was.automated);
            is.modulation = was.modulation;
            // Also if its label went elsewhere: a stop or a jump still closes it.
            (is.open, is.note, is.onset, is.opened) = (was.open, was.note, was.onset, was.opened);
        }
        for &(control, value) in &self.resets {
            let control = &mut self.controls[control as usize];
            (control.base, control.set) = (value, true);
        }
        for &(new, then) in &self.wire_moves {
            let (was, is) = (&old.wires[then as usize], &mut self.wires[new as usize]);
            (is.gain, is.restarts) = (was.gain, was.restarts);
            if is.target == was.target {
                (is.step, is.left) = (was.step, was.left);
            } else {
                is.start_fade(fade_frames(is.fade));
            }
        }
        // New wires were built with gain 0 and no frames left: give those that fade their length.
        for wire in &mut self.wires {
            if wire.left == 0 && wire.gain != wire.target {
                wire.start_fade(fade_frames(wire.fade));
            }
        }
        self.succeed(old, fade_frames(Fade::Long));
        self.keep_sums(fade_frames(Fade::Long));
        self.fading |= self.wires.iter().any(|w| w.left > 0);
    }

    /// Takes voices from the pool: as new instances whose controls hold what this plan says.
    fn take_voices(&mut self, pool: &mut Pool) {
        for node in &mut self.nodes {
            if node.pool == NONE {
                continue;
            }
            node.voices = pool.take(node.pool);
            let (first, count) = node.controls;
            let controls = &self.controls[first as usize..(first + count) as usize];
            for (at, voice) in node.voices.iter_mut().enumerate() {
                voice.begin(node.voiced, at == 0, controls);
                let Some(instance) = &mut voice.instance else { continue };
                for control in controls {
                    let value = first_value(node.voiced, at == 0, control);
                    instance.set(control.index as usize, Change { value, ramp: 0 });
                }
            }
        }
    }

    /// Where a fade is overtaken, all that fades out there goes as long as the newest comes in, or their
    /// gains would not add up to what they replace.
    fn keep_sums(&mut self, frames: u32) {
        let nodes = &self.nodes;
        for wire in &mut self.wires {
            let overtaken = wire.successor != NONE && !nodes[wire.successor as usize].took_over;
            if overtaken && wire.left > 0 && wire.restarts < MAX_RESTARTS {
                wire.restarts += 1;
                wire.start_fade(frames);
            }
        }
    }

    /// What the base's wires carried last lives on in the tails. Before the instances move.
    fn take_declicks(&mut self, old: &Plan, frames: u32) {
        for tail in &mut self.declicks {
            match tail.origin {
                DeclickOrigin::Declick(then) => {
                    let was = &old.declicks[then as usize];
                    (tail.last, tail.frames, tail.left) = (was.last, was.frames, was.left);
                }
                DeclickOrigin::Wire(then) => {
                    let wire = &old.wires[then as usize];
                    let source = &old.nodes[wire.source as usize];
                    let side =
                        |c: u32| wire.gain * source.last((wire.channel + c.min(wire.channels - 1)) as usize);
                    tail.last = [side(0), side(1)];
                    if wire.channels == 2 && self.ports[tail.port as usize].channels == 1 {
                        tail.last[0] = 0.5 * (tail.last[0] + tail.last[1]);
                    }
                    (tail.frames, tail.left) = (frames, frames);
                }
            }
        }
    }

    /// Lets each new node take over from the ghost that it replaces; what takes over whole needs no fade.
    fn succeed(&mut self, old: &Plan, fade: u32) {
        for new in 0..self.nodes.len() {
            let ghost = self.nodes[new].replaces;
            if ghost == NONE {
                continue;
            }
            let mut successors = std::mem::take(&mut self.nodes[new].voices);
            let mut before = std::mem::take(&mut self.nodes[ghost as usize].voices);
            let notes = self.nodes[new].voiced && self.nodes[ghost as usize].voiced;
            if notes {
                successors.iter_mut().for_each(|successor| successor.phase = Phase::Free);
            }
            let mut whole = !successors.is_empty();
            let mut newest = u64::MAX;
            // Voice for voice, so that they are summed in the same order; where there are fewer, the
            // newest notes.
            let in_place = before.len() <= successors.len();
            for (at, successor) in successors.iter_mut().enumerate() {
                let next = match in_place {
                    true => before.get_mut(at),
                    false => {
                        let older = |v: &&mut Voice| v.is_played() && v.started < newest;
                        before.iter_mut().filter(older).max_by_key(|v| v.started)
                    }
                };
                let Some(next) = next else { break };
                newest = next.started;
                if let (Some(instance), Some(before)) = (&mut successor.instance, &mut next.instance) {
                    let took_over = instance.succeed(before.as_mut()) == Succession::Whole;
                    whole &= took_over;
                    if took_over {
                        // What rests goes on resting: when better code comes must not be heard.
                        successor.repose = next.repose;
                    }
                }
                if notes {
                    successor.inherit(next);
                    self.transfer_note(new, successor, next, old);
                }
            }
            // What finds no heir fades out with the ghost.
            whole &= in_place || !before.iter().any(|v| v.is_played() && v.started < newest);
            let inherited = successors.len().min(before.len());
            self.nodes[new].voices = successors;
            self.nodes[ghost as usize].voices = before;
            if whole {
                self.nodes[new].took_over = true;
                // They know what their controls hold, and how far ramps have come.
                self.nodes[new].fresh_from = inherited as u32;
                self.take_over_wires(old, ghost, new as u32, fade);
            }
        }
    }

    /// The heir of a note keeps what the note has set, by path.
    fn transfer_note(&self, node: usize, successor: &mut Voice, before: &Voice, old: &Plan) {
        let (first, count) = self.nodes[node].controls;
        let begin = self.control_moves.partition_point(|(new, _)| *new < first);
        let moves = self.control_moves[begin..].iter().take_while(|(new, _)| *new < first + count);
        for &(new, then) in moves {
            let (new, then) = (&self.controls[new as usize], &old.controls[then as usize]);
            successor.held[new.index as usize] = before.held.get(then.index as usize).copied().flatten();
        }
    }

    /// Where both the ghost and its whole successor lead, the successor goes on at the gain that the
    /// ghost had reached, and on the line that it was on.
    fn take_over_wires(&mut self, old: &Plan, ghost: u32, new: u32, fade: u32) {
        for port in &self.ports {
            let wires = port.wires.0 as usize..(port.wires.0 + port.wires.1) as usize;
            for at in wires.clone() {
                if self.wires[at].source != new {
                    continue;
                }
                let channel = self.wires[at].channel;
                let same = |w: &Wire| w.source == ghost && w.channel == channel;
                let Some(twin) = wires.clone().find(|&w| same(&self.wires[w])) else { continue };
                let gain = self.wires[twin].gain;
                (self.wires[twin].gain, self.wires[twin].left) = (self.wires[twin].target, 0);
                let moved = self.wire_moves.binary_search_by_key(&(twin as u32), |&(new, _)| new);
                let was = moved.ok().map(|at| &old.wires[self.wire_moves[at].1 as usize]);
                let wire = &mut self.wires[at];
                (wire.gain, wire.left) = (gain, 0);
                match was {
                    Some(was) if was.target == wire.target => (wire.step, wire.left) = (was.step, was.left),
                    _ if gain != wire.target => wire.start_fade(fade),
                    _ => {}
                }
            }
        }
    }
}

impl PlanNode {
    /// The last sample of an output channel: of all voices.
    fn last(&self, channel: usize) -> f32 {
        self.voices.iter().filter_map(|v| v.health.last.get(channel)).sum()
    }
}

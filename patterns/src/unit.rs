//! Units under `Rev` and `Degrade`: what `Freeze` holds together.

use crate::Time;
use crate::arena::RawEvent;
use crate::shape::hash;
use crate::tick::{Grid, Tick};

/// Marks the events from `start` on as one unit that stands on `[begin, end)`.
///
/// Above this `Freeze` the new unit is the one that counts; voices go by the innermost.
pub(crate) fn freeze<T: Tick>(events: &mut [RawEvent<T>], node: u32, begin: T, end: T) {
    for event in events {
        event.unit = [begin, end];
        if event.freeze == 0 {
            event.freeze = node + 1;
            event.inner = [begin, end];
        }
    }
}

/// How to mirror.
pub(crate) struct Turn<T> {
    /// The cycle to mirror in.
    pub cycle: [T; 2],
    /// What is wanted of the result.
    pub window: [T; 2],
    /// Only what begins there.
    pub onsets: bool,
}

/// Mirrors the units that begin in a cycle, keeping the order inside each, and what of the bare events
/// lies in it, and keeps what then lies in the window.
pub(crate) fn mirror<T: Tick>(
    out: &mut Vec<RawEvent<T>>,
    start: usize,
    &Turn { cycle: [begin, end], window, onsets }: &Turn<T>,
    is_shape: impl Fn(u32) -> bool,
) {
    let axis = begin + end;
    retain(out, start, |event| {
        if event.freeze == 0 {
            event.part = [event.part[0].max(begin), event.part[1].min(end)];
            if event.part[0] >= event.part[1] {
                return false;
            }
            let flip = |[a, b]: [T; 2]| [axis - b, axis - a];
            event.whole = flip(event.whole);
            event.part = flip(event.part);
            event.unit = event.whole;
            (event.from, event.to) = (event.to, event.from);
        } else {
            if event.unit[0] < begin || event.unit[0] >= end {
                return false;
            }
            event.translate(axis - event.unit[0] - event.unit[1]);
        }
        let starts = event.part[0] == event.whole[0] && !is_shape(event.leaf);
        event.part = [event.part[0].max(window[0]), event.part[1].min(window[1])];
        event.part[0] < event.part[1] && (!onsets || (starts && event.part[0] == event.whole[0]))
    });
}

/// Drops each unit (or bare event) whose hash falls below `prob`; times are `shift` ahead of the
/// node's own, whose `grid` this is.
pub(crate) fn degrade<T: Tick>(
    out: &mut Vec<RawEvent<T>>,
    start: usize,
    prob: f64,
    seed: u64,
    shift: T,
    grid: &Grid<T>,
) {
    keep(out, start, shift, grid, |time| {
        let h = hash(seed, hash(*time.numer() as u64, *time.denom() as u64));
        (h % 10_000) as f64 / 10_000.0 >= prob
    });
}

/// Keeps the units (and bare events) whose onset `keeps` says yes to. The times of the events are `shift` ahead of
/// the node's own, whose `grid` this is.
pub(crate) fn keep<T: Tick>(
    out: &mut Vec<RawEvent<T>>,
    start: usize,
    shift: T,
    grid: &Grid<T>,
    keeps: impl Fn(Time) -> bool,
) {
    let mut last: Option<(T, bool)> = None;
    retain(out, start, |event| {
        let onset = event.unit[0] - shift;
        if let Some((tick, kept)) = last
            && tick == onset
        {
            return kept;
        }
        let kept = keeps(grid.time(onset));
        last = Some((onset, kept));
        kept
    });
}

/// `Vec::retain_mut` for the tail of a list.
pub(crate) fn retain<T: Tick>(
    out: &mut Vec<RawEvent<T>>,
    start: usize,
    mut keep: impl FnMut(&mut RawEvent<T>) -> bool,
) {
    let mut kept = start;
    for i in start..out.len() {
        let mut event = out[i];
        if keep(&mut event) {
            out[kept] = event;
            kept += 1;
        }
    }
    out.truncate(kept);
}

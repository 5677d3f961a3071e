"""Events in the time of the node that has them in hand, and what becomes of one of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from .chords import order
from .draft import Arpeggio, Voice


@dataclass(slots=True)
class Raw:
    """An event in the time of the node that has it in hand."""

    whole: tuple[Fraction, Fraction]
    part: tuple[Fraction, Fraction]
    unit: tuple[Fraction, Fraction]
    inner: tuple[Fraction, Fraction]
    freeze: int
    leaf: int
    period: int
    phase: tuple[float, float] = (0.0, 1.0)

    def map(self, time: Callable[[Fraction], Fraction]) -> None:
        """Move all its times."""
        whole = self.whole
        self.whole = (time(whole[0]), time(whole[1]))
        self.part = self.whole if self.part == whole else (time(self.part[0]), time(self.part[1]))
        self.unit = self.whole if self.unit == whole else (time(self.unit[0]), time(self.unit[1]))
        self.inner = self.unit if self.inner == self.unit else (time(self.inner[0]), time(self.inner[1]))

    def cut(self, begin: Fraction, end: Fraction) -> bool:
        """Keep what lies in a window; return whether there is any."""
        self.part = (max(self.part[0], begin), min(self.part[1], end))
        return self.part[0] < self.part[1]


def cycles(begin: Fraction, end: Fraction) -> Iterator[tuple[int, Fraction, Fraction]]:
    """Split a window at the borders of cycles."""
    while begin < end:
        cycle = math.floor(begin)
        border = Fraction(cycle + 1)
        yield cycle, begin, min(end, border)
        begin = border


def mapped(events: list[Raw], time: Callable[[Fraction], Fraction]) -> list[Raw]:
    """Move all times of events."""
    for event in events:
        event.map(time)
    return events


def played(event: Raw, node: Arpeggio, notes: list[int]) -> Iterator[Raw]:
    """Play a chord whose events have the whole and the part of ``event``."""
    (begin, end), places = event.whole, order(node.kind, len(notes))
    length = (end - begin) / (len(places) * node.n)
    rolls = node.kind.startswith("rolled")
    for i, place in enumerate(places if rolls else places * node.n):
        whole = (begin + i * length, end if rolls else begin + (i + 1) * length)
        piece = replace(event, whole=whole, unit=whole, leaf=notes[place])
        if piece.cut(*whole):
            yield piece


def sounded(event: Raw, voice: Voice) -> Iterator[Raw]:
    """Return the events of a note: its controls at its beginning, and its gate at its end."""
    begin, end = event.whole
    border = begin + (end - begin) * voice.gate
    # Without a gate nothing ends.
    halves = (
        [(voice.begins, (begin, border)), (voice.ends, (border, end))] if voice.unit else [(voice.begins, (begin, end))]
    )
    for leaves, whole in halves:
        for leaf in leaves:
            each = replace(event, whole=whole, leaf=leaf, unit=event.whole)
            if voice.unit:
                each.freeze, each.inner = voice.unit, event.whole
            if each.cut(*whole):
                yield each


def pieces(event: Raw, step: Fraction) -> Iterator[Raw]:
    """Cut a shape at multiples of a step."""
    begin, end = event.whole
    phase_begin, phase_end = event.phase

    def phase(t: Fraction) -> float:
        return phase_begin + (phase_end - phase_begin) * float((t - begin) / (end - begin))

    for place in range(math.floor(event.part[0] / step), math.ceil(event.part[1] / step)):
        border = (place * step, (place + 1) * step)
        whole = (max(begin, border[0]), min(end, border[1]))
        piece = replace(event, whole=whole, phase=(phase(whole[0]), phase(whole[1])))
        if piece.cut(*border):
            yield piece

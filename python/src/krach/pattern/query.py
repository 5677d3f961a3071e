"""What happens when: the events of a pattern in a window of time, in exact fractions.

Each node is asked for a window of its own time and answers with events in that time; the node above maps them into
its own. The plugin walks whole ticks instead; both give the same events.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from . import chance, ir
from .chords import turned_over
from .draft import (
    MAX_EVENTS,
    Arpeggio,
    At,
    Chosen,
    Controls,
    Divided,
    Draft,
    Frozen,
    Held,
    Inverted,
    Join,
    Layers,
    Line,
    Meet,
    Mirrored,
    Notes,
    Piece,
    Program,
    Shuffled,
    Spread,
    Steps,
    Swung,
    Thinned,
    Turns,
    path_of,
    too_many,
)
from .error import PatternError
from .event import Event, Moving, Stretch
from .raw import Raw, cycles, mapped, pieces, played, sounded
from .units import Units, units_of

MAX_CYCLE = 1 << 31
"""Queries reach from ``-MAX_CYCLE`` to ``MAX_CYCLE`` cycles."""

_MAX_VISITS = MAX_EVENTS * ir.MAX_DEPTH
"""A pattern that visits more nodes than that in one cycle has too many events, or none for too long."""


def query(program: Program, begin: Fraction, end: Fraction, seed: int = 0) -> tuple[Event, ...]:
    """Return the events whose part lies in the window, cycle by cycle."""
    begin, end = max(begin, Fraction(-MAX_CYCLE)), min(end, Fraction(MAX_CYCLE))
    units: dict[tuple[int, Fraction], int] = {}
    events: list[Event] = []
    for _, a, b in cycles(begin, end) if program.root else ():
        for raw in _Walk(program, seed).visit(program.root, a, b):
            unit = units.setdefault((raw.freeze, raw.inner[0]), len(units) + 1) if raw.freeze else 0
            leaf = program.leaves[raw.leaf]
            whole, part = Stretch(*raw.whole), Stretch(*raw.part)
            datum, moving = leaf.datum, None
            if isinstance(datum, ir.Shape):
                moving = Moving(datum, raw.period, *raw.phase, seed)
                datum = ir.Control(datum.label, datum.lo)
            if not isinstance(datum, Controls):
                events.append(Event(whole, part, datum, unit, leaf.source, moving))
    # In the order of time; what begins at once in the order of the tree.
    return tuple(sorted(events, key=lambda event: event.part.begin))


class _Walk:
    """A walk through a draft for one piece of a cycle."""

    def __init__(self, program: Program, seed: int) -> None:
        self.leaves = program.leaves
        self.seed = seed
        self.visits = 0
        self.units: dict[int, Units] = {}

    def visit(self, node: Draft | None, a: Fraction, b: Fraction) -> list[Raw]:
        """Return the events of a node in a window of its time."""
        if node is None or a >= b:
            return []
        events = self._events(node, a, b)
        self._check(events, node)
        return events

    def tick(self, node: Draft) -> None:
        """Count one more step of work."""
        self.visits += 1
        if self.visits > _MAX_VISITS:
            raise _too_many(node)

    def _events(  # noqa: PLR0912
        self, node: Draft, a: Fraction, b: Fraction
    ) -> list[Raw]:
        self.tick(node)
        match node:
            case At(leaf=leaf):
                return self._at(node, leaf, a, b)
            case Layers(kids=kids):
                return [event for kid in kids for event in self.visit(kid, a, b)]
            case Steps():
                return self._steps(node, a, b)
            case Spread():
                return self._spread(node, a, b)
            case Line(factor=factor, offset=offset, kid=kid):
                events = self.visit(kid, a * factor + offset, b * factor + offset)
                return mapped(events, lambda t: (t - offset) / factor)
            case Join(selector=selector, kids=kids):
                met = self.visit(selector, a, b)
                return [event for at in met for event in self.visit(kids[at.leaf], *at.part)]
            case Meet():
                return self._both(node, a, b) if node.structure == "both" else self._meet(node, a, b)
            case Divided():
                return self._divided(node, a, b)
            case Arpeggio():
                return self._arpeggio(node, a, b)
            case Inverted():
                return self._inverted(node, a, b)
            case Notes():
                return self._notes(node, a, b)
            case Swung():
                return self._swung(node, a, b)
            case Thinned():
                return self._thinned(node, a, b)
            case _:
                return self._cycle_by_cycle(node, a, b)

    def _cycle_by_cycle(self, node: Draft, a: Fraction, b: Fraction) -> list[Raw]:
        events: list[Raw] = []
        for cycle, x, y in cycles(a, b):
            events += self._in_cycle(node, cycle, x, y)
            self._check(events, node)
        return events

    def _in_cycle(self, node: Draft, cycle: int, a: Fraction, b: Fraction) -> list[Raw]:
        """Return the events of what differs from cycle to cycle."""
        self.tick(node)
        match node:
            case Turns(n=n, kids=kids):
                return self.visit(kids[0 if cycle % n == 0 else 1], a, b)
            case Chosen(shares=shares, seed=seed, kids=kids):
                thrown = chance.throw(seed, self.seed, cycle, 0)
                # The last share ends at 1, above every throw.
                return self.visit(kids[sum(share <= thrown for share in shares)], a, b)
            case Piece(begin=begin, end=end, kid=kid):
                length = end - begin
                events = self.visit(kid, (a - cycle) * length + cycle + begin, (b - cycle) * length + cycle + begin)
                return mapped(events, lambda t: (t - cycle - begin) / length + cycle)
            case Shuffled():
                return self._shuffled(node, cycle, a, b)
            case Held():
                return self._held(node, cycle, a, b)
            case Mirrored():
                return self._mirrored(node, cycle, a, b)
            case Frozen(number=number, kid=kid):
                events = self.visit(kid, a, b)
                whole = (Fraction(cycle), Fraction(cycle + 1))
                for event in events:
                    event.unit = whole
                    if event.freeze == 0:
                        event.freeze, event.inner = number, whole
                return events
            case _:
                return []

    def _at(self, node: Draft, leaf: int, a: Fraction, b: Fraction) -> list[Raw]:
        events: list[Raw] = []
        for cycle, x, y in cycles(a, b):
            self.tick(node)
            whole = (Fraction(cycle), Fraction(cycle + 1))
            events.append(Raw(whole, (x, y), whole, whole, 0, leaf, cycle))
            self._check(events, node)
        return events

    def _step(self, kid: Draft | None, cycle: int, place: int, of: int, a: Fraction, b: Fraction) -> list[Raw]:  # noqa: PLR0917
        """Return the events of a step: the cycle of the child, compressed."""
        begin = cycle + Fraction(place, of)
        x, y = max(a, begin), min(b, cycle + Fraction(place + 1, of))
        events = self.visit(kid, (x - begin) * of + cycle, (y - begin) * of + cycle)
        return mapped(events, lambda t: (t - cycle) / of + begin)

    def _steps(self, node: Steps, a: Fraction, b: Fraction) -> list[Raw]:
        of, events = len(node.kids), list[Raw]()
        for cycle, x, y in cycles(a, b):
            for place in range(math.floor((x - cycle) * of), math.ceil((y - cycle) * of)):
                events += self._step(node.kids[place], cycle, place, of, x, y)
            self._check(events, node)
        return events

    def _spread(self, node: Spread, a: Fraction, b: Fraction) -> list[Raw]:
        of, events = node.steps, list[Raw]()
        for cycle, x, y in cycles(a, b):
            self.tick(node)
            first, last = math.floor((x - cycle) * of), math.ceil((y - cycle) * of)
            for place in node.hits[bisect_left(node.hits, first) : bisect_left(node.hits, last)]:
                events += self._step(node.kid, cycle, place, of, x, y)
            self._check(events, node)
        return events

    def _check(self, events: list[Raw], node: Draft) -> None:
        if len(events) > MAX_EVENTS:
            raise _too_many(node)

    def _shuffled(self, node: Shuffled, cycle: int, a: Fraction, b: Fraction) -> list[Raw]:
        order = chance.order(node.seed, self.seed, cycle, node.n, node.scramble)
        events: list[Raw] = []
        for place in range(math.floor((a - cycle) * node.n), math.ceil((b - cycle) * node.n)):
            x = max(a, cycle + Fraction(place, node.n))
            y = min(b, cycle + Fraction(place + 1, node.n))
            by = Fraction(order[place] - place, node.n)
            events += mapped(self.visit(node.kid, x + by, y + by), lambda t, by=by: t - by)
        return events

    def _meet(self, node: Meet, a: Fraction, b: Fraction) -> list[Raw]:
        """Return the events of one side, each cut into pieces by those of the other."""
        events: list[Raw] = []
        mine, other = (node.left, node.right) if node.structure == "left" else (node.right, node.left)
        for event in self.visit(mine, a, b):
            for met in self.visit(other, *event.part):
                pair = (event.leaf, met.leaf) if node.structure == "left" else (met.leaf, event.leaf)
                if pair in node.cells:
                    events.append(replace(event, part=met.part, leaf=node.cells[pair]))
        return events

    def _both(self, node: Meet, a: Fraction, b: Fraction) -> list[Raw]:
        """Return what is common to an event of the left and one of the right."""
        events: list[Raw] = []
        rights = self.visit(node.right, a, b)
        for left in self.visit(node.left, a, b):
            for right in rights:
                self.tick(node)
                leaf = node.cells.get((left.leaf, right.leaf))
                if leaf is not None:
                    whole = (max(left.whole[0], right.whole[0]), min(left.whole[1], right.whole[1]))
                    event = replace(left, whole=whole, unit=whole, leaf=leaf)
                    if event.cut(*right.part):
                        events.append(event)
        return events

    def _divided(self, node: Divided, a: Fraction, b: Fraction) -> list[Raw]:
        events: list[Raw] = []
        for event in self.visit(node.kid, a, b):
            cells = node.parts[event.leaf]
            begin, length = event.whole[0], (event.whole[1] - event.whole[0]) / len(cells)
            for place, leaf in enumerate(cells):
                whole = (begin + place * length, begin + (place + 1) * length)
                piece = replace(event, whole=whole, unit=whole, leaf=leaf)
                if piece.cut(*whole):
                    events.append(piece)
        return events

    def _arpeggio(self, node: Arpeggio, a: Fraction, b: Fraction) -> list[Raw]:
        """At each moment the events with one whole are a chord, and its notes divide the whole."""
        events: list[Raw] = []
        for part, there in self._chords(node, node.kid, a, b, lambda _: 0):
            notes = [note for event in there for note in node.notes[event.leaf]]
            events += played(replace(there[0], part=part), node, notes)
            self._check(events, node)
        return events

    def _inverted(self, node: Inverted, a: Fraction, b: Fraction) -> list[Raw]:
        """Turn over the chords of events with one whole that were given one number."""
        events: list[Raw] = []
        for part, there in self._chords(node, node.kid, a, b, lambda leaf: node.turned[leaf].by):
            notes = [(event, note) for event in there for note in node.turned[event.leaf].notes]
            for place, octave in turned_over([pitch for _, (pitch, _) in notes], node.turned[there[0].leaf].by):
                event, (_, octaves) = notes[place]
                events.append(replace(event, part=part, leaf=octaves[octave]))
            self._check(events, node)
        return events

    def _chords(
        self, node: Draft, kid: Draft, a: Fraction, b: Fraction, kind: Callable[[int], int]
    ) -> Iterator[tuple[tuple[Fraction, Fraction], list[Raw]]]:
        """Return from moment to moment the events with one whole of which ``kind`` says the same."""
        wholes: dict[tuple[tuple[Fraction, Fraction], int], list[Raw]] = {}
        for event in self.visit(kid, a, b):
            wholes.setdefault((event.whole, kind(event.leaf)), []).append(event)
        for key in sorted(wholes):
            chord = wholes[key]
            borders = sorted({border for event in chord for border in event.part})
            for now, until in pairwise(borders):
                there = [event for event in chord if event.part[0] <= now < event.part[1]]
                if there:
                    self.tick(node)
                    yield (now, until), there

    def _held(self, node: Held, cycle: int, a: Fraction, b: Fraction) -> list[Raw]:
        """Hold what there is at each of some moments until the next."""
        events: list[Raw] = []
        for place in range(math.floor((a - cycle) * node.n), math.ceil((b - cycle) * node.n)):
            begin = cycle + Fraction(place, node.n)
            whole = (begin, begin + Fraction(1, node.n))
            for event in self.visit(node.kid, begin, begin + Fraction(1, node.n << 10)):
                if event.part[0] > begin:
                    continue
                if isinstance(self.leaves[event.leaf].datum, ir.Shape):
                    first, last = event.whole
                    way = float((begin - first) / (last - first))
                    phase = event.phase[0] + (event.phase[1] - event.phase[0]) * way
                    event.phase = (phase, phase)
                event.whole = event.unit = event.part = whole
                event.cut(a, b)
                events.append(event)
            self._check(events, node)
        return events

    def _notes(self, node: Notes, a: Fraction, b: Fraction) -> list[Raw]:
        events: list[Raw] = []
        for event in self.visit(node.kid, a, b):
            voices = node.notes.get(event.leaf, ())
            if not voices:
                events.append(event)
            for voice in voices:
                events += sounded(event, voice)
        return events

    def _thinned(self, node: Thinned, a: Fraction, b: Fraction) -> list[Raw]:
        throw = chance.old_throw_at if node.old else chance.throw_at
        kept: dict[Fraction, bool] = {}
        events: list[Raw] = []
        for event in self.visit(node.kid, a, b):
            onset = event.unit[0]
            if onset not in kept:
                kept[onset] = (throw(node.seed, self.seed, onset) < node.prob) == node.invert
            if kept[onset]:
                events.append(event)
        return events

    def _mirrored(self, node: Mirrored, cycle: int, a: Fraction, b: Fraction) -> list[Raw]:
        """Mirror a unit as a whole in the cycle it begins in, and what of the bare events lies in that cycle.

        A unit that reaches beyond that cycle stands before it then: what stands here may have begun in a later one.
        """
        kind = units_of(node.kid, self.units)
        reach = kind.longest if kind.longest is not None and not kind.aligned else Fraction(0)
        events: list[Raw] = []
        for turned in range(cycle, cycle + math.ceil(reach) + 1):
            begin, end = Fraction(turned), Fraction(turned + 1)
            axis = begin + end
            # A unit keeps its inner order: where in it the window falls is not known before it is placed.
            window = (axis - b, axis - a) if kind.longest is None else (begin, end + reach)
            for event in self.visit(node.kid, *window):
                if event.freeze == 0:
                    if not event.cut(begin, end):
                        continue
                    event.whole = (axis - event.whole[1], axis - event.whole[0])
                    event.part = (axis - event.part[1], axis - event.part[0])
                    event.unit = event.whole
                    event.phase = (event.phase[1], event.phase[0])
                else:
                    if not begin <= event.unit[0] < end:
                        continue
                    by = axis - event.unit[0] - event.unit[1]
                    event.map(lambda t, by=by: t + by)
                if event.cut(a, b):
                    events.append(event)
        return events

    def _swung(self, node: Swung, a: Fraction, b: Fraction) -> list[Raw]:
        pair = Fraction(2, node.grid)
        first, second = 2 * node.amount, 2 * (1 - node.amount)

        def bend(t: Fraction) -> Fraction:
            number = math.floor(t / pair)
            way = t / pair - number
            bent = way * first if way < Fraction(1, 2) else node.amount + (way - Fraction(1, 2)) * second
            return (number + bent) * pair

        def unbend(t: Fraction) -> Fraction:
            number = math.floor(t / pair)
            way = t / pair - number
            straight = way / first if way < node.amount else Fraction(1, 2) + (way - node.amount) / second
            return (number + straight) * pair

        events: list[Raw] = []
        for event in self.visit(node.kid, unbend(a), unbend(b)):
            moving = isinstance(self.leaves[event.leaf].datum, ir.Shape)
            # A shape is cut at each step, so that its phase stays a straight line within each piece.
            events += pieces(event, Fraction(1, node.grid)) if moving else [event]
            self.tick(node)
        return mapped(events, bend)


def _too_many(node: Draft) -> PatternError:
    return too_many(f"more than {MAX_EVENTS}").at(*path_of(node.way))

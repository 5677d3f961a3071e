"""``Segment`` below operators on values: what shapes are at equal distances, as numbers."""

from __future__ import annotations

import math
from fractions import Fraction

from . import ir
from .draft import Chosen, Draft, Line, Program, Shuffled, Thinned, Turns, Way
from .drafting import Drafting
from .event import Event
from .notes import is_of_note, own_name
from .query import query

_MAX_VALUES = 1024
_REPEATING = "shapes that come again within 1024 values (numbers by chance come from Choose)"


def period(node: Draft | None, known: dict[int, int | None] | None = None) -> int | None:
    """Return after how many cycles a draft comes again; ``None`` if chance decides."""
    if node is None:
        return 1
    known = {} if known is None else known
    if node.number not in known:
        below: int | None = 1
        for kid in node.below():
            cycles = period(kid, known)
            below = None if below is None or cycles is None else math.lcm(below, cycles)
        match node:
            case _ if below is None:
                pass
            case Thinned() | Chosen() | Shuffled():
                below = None
            case Turns(n=n):
                below = math.lcm(n, below)
            case Line(factor=factor):
                below *= factor.denominator
                below //= math.gcd(below, factor.numerator)
            case _:
                pass
        known[node.number] = below
    return known[node.number]


def values_of(draft: Drafting, program: Program, n: int, way: Way) -> ir.Node:
    """Return the values of shapes as a sequence of numbers, labelled as the shapes are."""
    if any(isinstance(leaf.datum, ir.Shape) and leaf.datum.kind == "rand" for leaf in program.leaves):
        raise draft.takes(way, "Segment", _REPEATING, "the shape rand")
    cycles = period(program.root)
    if cycles is None or cycles * n > _MAX_VALUES:
        raise draft.takes(way, "Segment", _REPEATING, "more")
    draft.count_copies(cycles * n, 0, way)
    steps: list[ir.Node] = []
    for step in range(cycles * n):
        at = Fraction(step, n)
        events = [event for event in query(program, at, at + Fraction(1, n << 10)) if event.part.begin == at]
        now = [node for event in events if (node := _value_of(event, at)) is not None]
        draft.count_copies(max(len(now) - 1, 0), 0, way)
        steps.append(ir.Silence() if not now else now[0] if len(now) == 1 else ir.Stack(tuple(now)))
    return ir.Slow((cycles, 1), ir.Cat(tuple(steps)))


def _value_of(event: Event, at: Fraction) -> ir.Node | None:
    """Return the value of an event at a time. Shapes without a label are numbers."""
    if isinstance(event.value, ir.Named):
        # Such a name is no part of a note, whatever its control is called.
        plain = is_of_note(own_name(event.value.label))
        return ir.Label(event.value.label, ir.Name(event.value.name), plain)
    if not isinstance(event.value, ir.Control):
        return None
    value = event.value.value
    if event.moving is not None:
        value = event.moving.value(float((at - event.whole.begin) / (event.whole.end - event.whole.begin)))
    return ir.Label(event.value.label, ir.Number(value)) if event.value.label else ir.Number(value)

"""Events: what a query answers with, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from . import ir
from .shape import value_at


class Stretch(NamedTuple):
    """A half-open stretch of time, in cycles.

    >>> krp.rest().query(0, 1)
    ()
    >>> krp.hit().query(0, 1)[0].whole
    (0>1/2)
    """

    begin: Fraction
    end: Fraction

    def __repr__(self) -> str:
        """Draw it."""
        return f"({self.begin}>{self.end})"


@dataclass(frozen=True, slots=True)
class Moving:
    """Where in its shape an event lies: the phase goes in a straight line over the whole.

    >>> krp.ramp("cutoff", 0, 1).query(0, 1)[0].moving.value(0.25)
    0.25
    """

    shape: ir.Shape
    period: int
    begin: float
    end: float
    seed: int

    def value(self, part: float) -> float:
        """Return the value at a part of the way through the whole, from 0 to 1.

        >>> krp.sine("cutoff", 200, 400).query(0, 1)[0].moving.value(0.25)
        400.0
        """
        return value_at(self.shape, self.period, self.begin + (self.end - self.begin) * part, self.seed)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a query.

    ``part`` is the piece of ``whole`` that lies in the window and in the steps around. ``unit`` counts from 1 what
    belongs together, such as a gate and its end; 0: it stands alone. ``span`` is the piece of text it came from.

    >>> krp.hit().query(0, 1)[0]
    (0>1/2)|gate=1
    """

    whole: Stretch
    part: Stretch
    value: ir.Value | float | str
    unit: int = 0
    span: ir.Span | None = None
    moving: Moving | None = None

    @property
    def has_onset(self) -> bool:
        """Whether it begins in the window. Shapes never do: they only go on.

        >>> [event.has_onset for event in krp.hit().query(Fraction(1, 4), 1)]
        [False, True]
        """
        return self.moving is None and self.whole.begin == self.part.begin

    def __repr__(self) -> str:
        """Draw it: a piece of a whole has what is missing outside of the bracket."""
        before = f"{self.whole.begin}-" if self.whole.begin < self.part.begin else ""
        after = f"-{self.whole.end}" if self.part.end < self.whole.end else ""
        if self.moving is None:
            return f"{before}{self.part!r}{after}|{written(self.value)}"
        shape = self.moving.shape
        return f"~{before}{self.part!r}{after}~|{shape.label}={shape.kind}({_number(shape.lo)},{_number(shape.hi)})"


def written(value: ir.Value | float | str) -> str:
    """Write the value of an event."""
    match value:
        case ir.Control(label, number):
            return f"{label}={_number(number)}"
        case ir.Named(label, name):
            return f"{label}={name}"
        case ir.Note(channel, note, velocity, dur):
            return f"note={note},{velocity},{_number(dur)},ch{channel}"
        case ir.Cc(channel, controller, level):
            return f"cc{controller}={level},ch{channel}"
        case ir.Osc(address, args):
            return f"{address}({','.join(arg if isinstance(arg, str) else _number(arg) for arg in args)})"
        case str():
            return value
        case _:
            return _number(value)


def _number(x: float) -> str:
    return f"{x:.7g}"

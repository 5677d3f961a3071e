"""What a pattern becomes before it is queried: nodes that say what they do, and what each leaf of them holds.

Silence falls away, runs of ``Fast``, ``Slow``, ``Early`` and ``Late`` become one straight line of time each, values
that meet are worked out. ``lower.py`` makes it, ``query.py`` walks it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from . import ir
from .error import Refused
from .ratio import plain
from .validate import step

Given: TypeAlias = "tuple[float, ...] | str"
"""What a control is given: numbers, of a pitch there may be several, a chord; or one of its names."""

ControlValues: TypeAlias = "tuple[tuple[str, Given], ...]"
"""Controls with what they are given."""


def count(given: Given) -> int:
    """Return how many notes it makes at least."""
    return 1 if isinstance(given, str) else len(given)


def of_note(given: Given, note: int) -> Given:
    """Return what is given to one note of a chord: what is given once is given to every note."""
    return given if isinstance(given, str) else (given[note % len(given)],)


@dataclass(frozen=True, slots=True)
class Controls:
    """Values that have become controls."""

    controls: ControlValues


Datum: TypeAlias = "ir.Value | ir.Shape | float | str | Controls"
"""What a leaf holds: what plays, or a number, a name, controls, which operators take."""


def describe(datum: Datum) -> str:
    """Put into words what a leaf holds, for errors."""
    match datum:
        case float():
            return f"the number {plain(datum)}"
        case str():
            return f"the name {datum}"
        case Controls(controls):
            labels = ", ".join(label for label, _ in controls[:8])
            return f"the controls {labels}{', …' if len(controls) > 8 else ''}"
        case _:
            return "what plays"


@dataclass(frozen=True, slots=True)
class Leaf:
    """What an event holds, where that stands in the tree, and in the text."""

    datum: Datum
    place: Way | None
    source: ir.Span | None


@dataclass(frozen=True, slots=True)
class Way:
    """One step of the way to a node, put into words only when something is wrong there."""

    above: Way | None
    op: str
    place: int | None
    span: ir.Span | None


@dataclass(frozen=True, slots=True)
class Voice:
    """A note: its controls at its beginning, and those after the share ``gate`` of it."""

    begins: tuple[int, ...]
    ends: tuple[int, ...]
    gate: Fraction
    unit: int


# Nodes


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A node; ``number`` tells it from others."""

    number: int
    way: Way

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return ()


@dataclass(frozen=True, slots=True, eq=False)
class At(Draft):
    """An atom or a shape: one event of a leaf per cycle."""

    leaf: int


@dataclass(frozen=True, slots=True, eq=False)
class Layers(Draft):
    """All at once."""

    kids: tuple[Draft, ...]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return self.kids


@dataclass(frozen=True, slots=True, eq=False)
class Steps(Draft):
    """One after the other within a cycle."""

    kids: tuple[Draft | None, ...]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return some(self.kids)


@dataclass(frozen=True, slots=True, eq=False)
class Spread(Draft):
    """The child on some of so many steps."""

    steps: int
    hits: tuple[int, ...]
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Turns(Draft):
    """In each cycle divisible by ``n`` the first, in others the second."""

    n: int
    kids: tuple[Draft | None, Draft | None]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return some(self.kids)


@dataclass(frozen=True, slots=True, eq=False)
class Line(Draft):
    """The time of the child is ``factor * time + offset``."""

    factor: Fraction
    offset: Fraction
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Join(Draft):
    """While the selector has an event of a leaf, the kid of that leaf plays."""

    selector: Draft
    kids: dict[int, Draft | None]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below, each once."""
        return tuple({id(n): n for n in (*some(self.kids.values()), self.selector)}.values())


@dataclass(frozen=True, slots=True, eq=False)
class Meet(Draft):
    """Each event of one side meets those of the other: the leaf of each pair of leaves; ``holes``: some make none."""

    structure: str
    left: Draft
    right: Draft
    cells: dict[tuple[int, int], int]
    holes: bool

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.left, self.right)


@dataclass(frozen=True, slots=True, eq=False)
class Divided(Draft):
    """Each event of a leaf becomes parts, one after the other, equally long."""

    kid: Draft
    parts: dict[int, tuple[int, ...]]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Arpeggio(Draft):
    """All events with one whole are a chord: its notes in an order, ``n`` times, or rolled."""

    kid: Draft
    kind: str
    n: int
    notes: dict[int, tuple[int, ...]]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True)
class Inversion:
    """How often a chord is turned over, and the notes of a leaf in it: each its pitch and its leaf in each octave."""

    by: int
    notes: tuple[tuple[float, dict[int, int]], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Inverted(Draft):
    """All events with one whole that were given the same number are a chord, which is turned over as often."""

    kid: Draft
    turned: dict[int, Inversion]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Held(Draft):
    """``n`` times per cycle what the child has then, held until the next."""

    n: int
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Notes(Draft):
    """Each event of a leaf becomes notes; other events stay."""

    kid: Draft
    notes: dict[int, tuple[Voice, ...]]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Piece(Draft):
    """A piece of each cycle of the child, in the whole cycle."""

    begin: Fraction
    end: Fraction
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Shuffled(Draft):
    """``n`` pieces of each cycle in an order that chance decides."""

    n: int
    scramble: bool
    seed: int
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen(Draft):
    """Each cycle one kid: the first whose share is above the throw."""

    shares: tuple[float, ...]
    seed: int
    kids: tuple[Draft | None, ...]

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return some(self.kids)


@dataclass(frozen=True, slots=True, eq=False)
class Mirrored(Draft):
    """Each cycle mirrored."""

    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Frozen(Draft):
    """Each cycle one unit."""

    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Thinned(Draft):
    """Units that the throw keeps; ``old``: by the older hash."""

    prob: float
    seed: int
    invert: bool
    old: bool
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


@dataclass(frozen=True, slots=True, eq=False)
class Swung(Draft):
    """Of each two steps of the grid the first takes the share ``amount``."""

    amount: Fraction
    grid: int
    kid: Draft

    def below(self) -> tuple[Draft, ...]:
        """Return the nodes right below."""
        return (self.kid,)


def some(nodes: Iterable[Draft | None]) -> tuple[Draft, ...]:
    """Return those that there are."""
    return tuple(node for node in nodes if node is not None)


MAX_EVENTS = 4096
"""Most events of a cycle."""


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A pattern made ready for queries."""

    root: Draft | None
    leaves: tuple[Leaf, ...]


def too_many(events: int | str) -> Refused:
    """Return what is wrong with too many events."""
    return Refused(
        f"too many events per cycle: {events} at ",
        after=f" (at most {MAX_EVENTS}); slow the pattern down or play parts of it in several slots",
    )


def path_of(way: Way | None) -> tuple[str, ir.Span | None]:
    """Return a way in words, and the piece of text of the nearest node that has one."""
    steps: list[str] = []
    nearest: ir.Span | None = None
    while way is not None:
        steps.append(step(way.op, way.place))
        nearest = nearest or way.span
        way = way.above
    steps.reverse()
    if len(steps) > 12:
        steps[8 : len(steps) - 3] = ["…"]
    return " > ".join(steps), nearest


def sounding(node: Draft) -> list[int]:
    """Return the leaves that events of a node can have, in rising order."""
    leaves: set[int] = set()
    seen: set[int] = set()
    pending = [node]
    while pending:
        node = pending.pop()
        if node.number in seen:
            continue
        seen.add(node.number)
        match node:
            case At(leaf=leaf):
                leaves.add(leaf)
            case Join(kids=kids):
                pending.extend(some(kids.values()))
            case Meet(cells=cells):
                leaves.update(cells.values())
            case Divided(parts=parts) | Arpeggio(notes=parts):
                for part in parts.values():
                    leaves.update(part)
            case Inverted(turned=turned):
                for inversion in turned.values():
                    for _, octaves in inversion.notes:
                        leaves.update(octaves.values())
            case _:
                pending.extend(node.below())
    return sorted(leaves)

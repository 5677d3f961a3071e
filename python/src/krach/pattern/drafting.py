"""A draft being made: its leaves, what was counted so far, and what is wrong where."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field, replace
from fractions import Fraction

from . import ir
from .draft import Datum, Draft, Leaf, Way, path_of
from .error import PatternError, Refused
from .validate import single

MAX_COPIES = 1 << 16
"""Most copies of what is in the tree once."""

SMALL = 64
"""So many bytes of text, numbers of a table or entries of a list count as one copy more."""

MAX_CONTROLS = 256
"""Most controls of one event."""

FEW = "up to 256 controls of one event"

TOO_FINE = (
    "the fractions of the nodes on the way multiply to more than 64 bits hold within 2147483648 cycles; use factors, "
    "offsets and step counts with fewer different primes, or nest less"
)


@dataclass
class Drafting(ABC):
    """A draft being made: its leaves, and what was counted so far."""

    leaves: list[Leaf] = field(default_factory=list[Leaf])
    nodes: int = 0
    units: int = 0
    copying: int = 0
    copied: int = 0
    # What was counted before the notes.
    copied_before: int = 0
    # The values of shapes below a `Segment`, by the node below it and how many there are per cycle.
    sampled: dict[tuple[int, int], ir.Node] = field(default_factory=dict[tuple[int, int], ir.Node])
    valued: int = 0

    @abstractmethod
    def lower(self, node: ir.Node, above: Way | None, source: ir.Span | None) -> Draft | None:
        """Return the draft of a node; ``None`` for silence."""

    @abstractmethod
    def thin(
        self, node: ir.Vary | ir.Chance, prob: float, invert: bool, way: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a chance."""

    @abstractmethod
    def line(  # noqa: PLR0917
        self, factor: Fraction, offset: Fraction, child: ir.Node, way: Way, below: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a child in another time."""

    @abstractmethod
    def spread(  # noqa: PLR0917
        self, pulses: int, steps: int, rotation: int, child: ir.Node, way: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a Euclidean rhythm."""

    def number(self) -> int:
        """Return another number for a node."""
        self.nodes += 1
        return self.nodes

    def branch(self, node: ir.Node, above: Way | None, place: int) -> Way:
        """Return the way into one of several children."""
        return Way(above, node.op, place, node.span)

    def leaf(self, datum: Datum, place: Way | None, source: ir.Span | None) -> int:
        """Add a leaf; return its number."""
        if isinstance(datum, ir.Control):
            # Validated: 32 bits hold it.
            rounded = single(datum.value)
            datum = datum if rounded is None else replace(datum, value=rounded)
        self.leaves.append(Leaf(datum, place, source))
        return len(self.leaves) - 1

    def put(self, leaf: int, datum: Datum) -> None:
        """Give a leaf another value."""
        self.leaves[leaf] = replace(self.leaves[leaf], datum=datum)

    def count_copies(self, things: int, carried: int, way: Way | None) -> None:
        """Count what is about to be copied, and what it carries besides."""
        self.copied += things + carried // SMALL
        if self.copied > MAX_COPIES:
            text = f"the pattern makes more than {MAX_COPIES} copies of nodes, values and notes at "
            after = "; use fewer different numbers, shorter labels, or nest less"
            raise self.error(way, Refused(text, after=after))

    def error(self, way: Way | None, refused: Refused) -> PatternError:
        """Return the error of a place."""
        return refused.at(*path_of(way))

    def too_fine(self, way: Way | None) -> PatternError:
        """Return the error of a time that cannot be told."""
        return self.error(way, Refused("time cannot be represented exactly at ", after=f": {TOO_FINE}"))

    def takes(self, way: Way | None, op: str, takes: str, given: str) -> PatternError:
        """Return the error of a value that an operator cannot take."""
        return self.error(way, Refused(f"{op} takes {takes}, not {given}", with_path=True))

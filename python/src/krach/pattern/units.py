"""How far units reach: what a mirror has to know before it looks."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from .draft import Draft, Frozen, Line, Piece, Shuffled, Spread, Steps, Swung


@dataclass(frozen=True, slots=True)
class Units:
    """The longest unit of a node, in cycles of its own, and whether each lies within one cycle."""

    longest: Fraction | None
    aligned: bool


def units_of(node: Draft, known: dict[int, Units]) -> Units:
    """Return what is known of the units of a node."""
    if node.number not in known:
        below = [units_of(kid, known) for kid in node.below()]
        longest = max((kind.longest for kind in below if kind.longest is not None), default=None)
        aligned = all(kind.longest is None or kind.aligned for kind in below)
        match node:
            case Frozen():
                found = Units(Fraction(1), True)
            case _ if longest is None:
                found = Units(None, aligned)
            case Steps(kids=kids):
                found = Units(longest / len(kids), aligned)
            case Spread(steps=steps):
                found = Units(longest / steps, aligned)
            case Line(factor=factor, offset=offset):
                whole = factor.denominator == 1 and offset.denominator == 1
                found = Units(longest / factor, aligned and whole)
            case Piece(begin=begin, end=end):
                found = Units(longest / (end - begin), False)
            case Shuffled():
                found = Units(longest, False)
            case Swung(amount=amount):
                found = Units(longest * 2 * max(amount, 1 - amount), aligned)
            case _:
                found = Units(longest, aligned)
        known[node.number] = found
    return known[node.number]

"""Operators whose numbers are patterns: the child once for each number, and a join that plays the right one."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from . import ir
from .draft import At, Draft, Join, Turns, Way, describe, sounding
from .drafting import Drafting
from .error import Refused
from .ratio import exactly, plain

_WHOLE = (1 << 32) - 1


@dataclass(slots=True)
class _Varied:
    """A ``Vary`` on its way down, with the numbers that are decided and the leaves they come from."""

    node: ir.Vary
    above: Way | None
    way: Way
    source: ir.Span | None
    numbers: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])


def varied(draft: Drafting, node: ir.Vary, above: Way | None, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Vary``."""
    return _decide(draft, _Varied(node, above, way, source))


def _decide(draft: Drafting, varied: _Varied) -> Draft | None:
    """Decide the next number in every way there is, and join the ways."""
    by, place = varied.node.by, len(varied.numbers)
    if place == len(by):
        return _child(draft, varied)
    selector = draft.lower(by[place], draft.branch(varied.node, varied.above, place), varied.source)
    if selector is None:
        return None
    kids: dict[int, Draft | None] = {}
    made: dict[float, Draft | None] = {}
    for leaf in sounding(selector):
        number = _number(draft, leaf, "Vary")
        if number not in made:
            varied.numbers.append((number, leaf))
            again = bool(made)
            draft.copying += again
            kid = _decide(draft, varied)
            draft.copying -= again
            varied.numbers.pop()
            made[number] = kid
        kids[leaf] = made[number]
    return _join(draft, selector, kids, varied.way)


def _child(draft: Drafting, varied: _Varied) -> Draft | None:
    """Return the child under numbers that are all decided."""
    node, way, source = varied.node, varied.way, varied.source
    first, leaf = varied.numbers[0]
    at = draft.leaves[leaf].place
    below = draft.branch(node, varied.above, len(node.by) + (node.transform is not None))

    def exact() -> Fraction:
        found = exactly(first)
        if found is None:
            raise draft.too_fine(at)
        return found

    match node.kind:
        case "fast" | "slow":
            factor = exact()
            if factor <= 0:
                raise draft.error(at, Refused("fast/slow factor must be positive"))
            return draft.line(
                factor if node.kind == "fast" else 1 / factor, Fraction(0), node.child, way, below, source
            )
        case "early":
            return draft.line(Fraction(1), exact(), node.child, way, below, source)
        case "late":
            return draft.line(Fraction(1), -exact(), node.child, way, below, source)
        case "every":
            return _every(draft, varied, below)
        case "chance":
            if not 0.0 <= first <= 1.0:
                raise draft.error(at, Refused("chance: prob must be in [0, 1]"))
            return draft.thin(node, first, False, way, source)
        case _:
            return _euclid(draft, varied)


def _every(draft: Drafting, varied: _Varied, below: Way) -> Draft | None:
    n, leaf = varied.numbers[0]
    if not (n.is_integer() and 1 <= n <= _WHOLE):
        raise draft.takes(draft.leaves[leaf].place, "every", "whole numbers from 1 on", plain(n))
    node, source = varied.node, varied.source
    above = draft.branch(node, varied.above, len(node.by))
    transform = None if node.transform is None else draft.lower(node.transform, above, source)
    child = draft.lower(node.child, below, source)
    if transform is None and child is None:
        return None
    return Turns(draft.number(), varied.way, int(n), (transform, child))


def _euclid(draft: Drafting, varied: _Varied) -> Draft | None:
    for number, leaf in varied.numbers:
        if not number.is_integer() or abs(number) > _WHOLE:
            raise draft.takes(draft.leaves[leaf].place, "euclid", "whole numbers", plain(number))
    pulses, steps, rotation, *_ = [int(number) for number, _ in varied.numbers] + [0]
    if steps <= 0:
        raise draft.error(draft.leaves[varied.numbers[1][1]].place, Refused("euclid: steps must be > 0"))
    if abs(pulses) > steps:
        raise draft.error(draft.leaves[varied.numbers[0][1]].place, Refused("euclid: pulses must be <= steps"))
    return draft.spread(pulses, steps, rotation, varied.node.child, varied.way, varied.source)


def picked(draft: Drafting, node: ir.Pick, above: Way | None, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Pick``."""
    selector = draft.lower(node.index, draft.branch(node, above, 0), source)
    if selector is None:
        return None
    lowered: dict[int, Draft | None] = {}
    kids: dict[int, Draft | None] = {}
    for leaf in sounding(selector):
        number = _number(draft, leaf, "Pick")
        if not number.is_integer() or abs(number) > 1e9:
            raise draft.takes(draft.leaves[leaf].place, "Pick", "whole numbers as index", plain(number))
        place = int(number) % len(node.children)
        if place not in lowered:
            lowered[place] = draft.lower(node.children[place], draft.branch(node, above, place + 1), source)
        kids[leaf] = lowered[place]
    return _join(draft, selector, kids, way)


def _join(draft: Drafting, selector: Draft, kids: dict[int, Draft | None], way: Way) -> Draft | None:
    if all(kid is None for kid in kids.values()):
        return None
    # One number all the time.
    if isinstance(selector, At) and len(kids) == 1:
        return next(iter(kids.values()))
    # The plugin's table has room for the leaves between too.
    draft.count_copies(0, max(kids) - min(kids) + 1 - len(kids), way)
    return Join(draft.number(), way, selector, kids)


def _number(draft: Drafting, leaf: int, op: str) -> float:
    said = draft.leaves[leaf]
    if isinstance(said.datum, float):
        return said.datum
    raise draft.takes(said.place, op, "numbers", describe(said.datum))

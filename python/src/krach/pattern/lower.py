"""From the tree to a draft."""

from __future__ import annotations

import sys
from fractions import Fraction

from . import ir
from .combine import check_values, combined, divided, labelled, lower_values, tuned
from .draft import (
    MAX_EVENTS,
    At,
    Chosen,
    Controls,
    Draft,
    Frozen,
    Held,
    Layers,
    Line,
    Mirrored,
    Piece,
    Program,
    Shuffled,
    Spread,
    Steps,
    Swung,
    Thinned,
    Turns,
    Way,
    describe,
    path_of,
    some,
    sounding,
    too_many,
)
from .drafting import FEW, MAX_CONTROLS, Drafting
from .error import PatternError, Refused
from .euclid import euclid_hits
from .notes import note_controls, with_notes
from .ratio import LIMIT, simplest
from .segment import values_of
from .validate import validate
from .vary import picked, varied

_FLAT = 32
"""Trees that are no deeper need no more calls than Python allows anyway."""

_FRAMES = 12
"""At most so many calls go one step down a tree."""


def make_room() -> None:
    """Let Python nest calls as deep as the deepest pattern needs."""
    sys.setrecursionlimit(max(sys.getrecursionlimit(), _FRAMES * ir.MAX_DEPTH))


def program(pattern: ir.Node, *, played: bool = True) -> Program:
    """Make a pattern ready. Raises ``PatternError``; with ``played`` also for values that nothing plays."""
    if validate(pattern) > _FLAT:
        make_room()
    return Lowering().program(pattern, None, played=played)


class Lowering(Drafting):
    """A draft being made of a tree."""

    def program(self, pattern: ir.Node, above: Way | None, *, played: bool = True) -> Program:
        """Make a pattern ready that was validated."""
        root = self.lower(pattern, above, None)
        if root is not None:
            root = with_notes(self, root)
            for leaf in sounding(root) if played else ():
                said = self.leaves[leaf]
                if isinstance(said.datum, float | str):
                    text = f"{describe(said.datum)} plays nothing by itself: it stands where an operator takes a value"
                    raise self.error(said.place, Refused(text, with_path=True))
        return Program(root, tuple(self.leaves))

    def lower(  # noqa: PLR0912
        self, node: ir.Node, above: Way | None, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a node; ``None`` for silence."""
        source = node.span or source
        way = Way(above, node.op, None, node.span)
        if self.copying:
            self.count_copies(1, _carried(node), way)
        match node:
            case ir.Atom(value):
                return self._at(value, way, source)
            case ir.Shape():
                return self._at(node, way, source)
            case ir.Number(value):
                return self._at(float(value), way, source)
            case ir.Name(name):
                return self._at(name, way, source)
            case ir.Vary():
                return varied(self, node, above, way, source)
            case ir.Pick():
                return picked(self, node, above, way, source)
            case ir.Label():
                return labelled(self, node, way, source)
            case ir.Combine():
                return combined(self, node, above, way, source)
            case ir.Split():
                return divided(self, node, way, source)
            case ir.Segment():
                return self._segment(node, way, source)
            case ir.Tune():
                return tuned(self, node, way, source)
            case ir.Cat(children) | ir.Stack(children) | ir.Choose(_, _, children):
                return self._several(node, self._all(node, children, way, source), way)
            case ir.Every(n, transform, child):
                return self._every(n, (transform, child), node, way, source)
            case ir.Fast(factor, child):
                return self.line(Fraction(*factor), Fraction(0), child, way, way, source)
            case ir.Slow(factor, child):
                return self.line(1 / Fraction(*factor), Fraction(0), child, way, way, source)
            case ir.Early(offset, child):
                return self.line(Fraction(1), Fraction(*offset), child, way, way, source)
            case ir.Late(offset, child):
                return self.line(Fraction(1), -Fraction(*offset), child, way, way, source)
            case ir.Euclid(pulses, steps, rotation, child):
                return self.spread(pulses, steps, rotation, child, way, source)
            case ir.Chance(prob, _, invert, _):
                return self.thin(node, prob, invert, way, source)
            case _:
                return self._one(node, way, source)

    def _one(self, node: ir.Node, way: Way, source: ir.Span | None) -> Draft | None:
        """Return the draft of a node with one child."""
        match node:
            case ir.Freeze(child):
                return self._freeze(node, child, way, source)
            case ir.Degrade(prob, seed, child):
                # The hash gives 0.0 to 0.9999: nothing is below 0, everything below 1.
                kid = None if prob == 1.0 else self.lower(child, way, source)
                return Thinned(self.number(), way, prob, seed, False, True, kid) if kid and prob > 0.0 else kid
            case ir.Rev(child):
                kid = self.lower(child, way, source)
                return kid and self._mirror(kid, way)
            case ir.Zoom(begin, end, child):
                kid = self.lower(child, way, source)
                piece = Fraction(*begin), Fraction(*end)
                return kid if kid is None or piece == (0, 1) else Piece(self.number(), way, *piece, kid)
            case ir.Shuffle(kind, n, seed, child):
                kid = self.lower(child, way, source)
                return kid if kid is None or n == 1 else Shuffled(self.number(), way, n, kind == "scramble", seed, kid)
            case ir.Warp(_, amount, grid, child):
                kid = self.lower(child, way, source)
                if kid is None:
                    return None
                share = simplest(amount)
                if share is None:
                    raise self.too_fine(way)
                return kid if share == Fraction(1, 2) else Swung(self.number(), way, share, grid, kid)
            case _:
                return None

    def _at(self, datum: ir.Value | ir.Shape | float | str, way: Way, source: ir.Span | None) -> Draft:
        return At(self.number(), way, self.leaf(datum, way, source))

    def _all(
        self, node: ir.Node, children: tuple[ir.Node, ...], way: Way, source: ir.Span | None
    ) -> tuple[Draft | None, ...]:
        above = way.above
        return tuple(self.lower(kid, self.branch(node, above, i), source) for i, kid in enumerate(children))

    def _several(self, node: ir.Node, kids: tuple[Draft | None, ...], way: Way) -> Draft | None:
        there = some(kids)
        if not there:
            return None
        match node:
            case ir.Stack():
                return there[0] if len(there) == 1 else Layers(self.number(), way, there)
            case ir.Choose(weights, seed):
                return Chosen(self.number(), way, _shares(weights, len(kids)), seed, kids)
            case _:
                return Steps(self.number(), way, kids)

    def _every(
        self, n: int, kids: tuple[ir.Node, ir.Node], node: ir.Node, way: Way, source: ir.Span | None
    ) -> Draft | None:
        transform, child = self._all(node, kids, way, source)
        return None if transform is None and child is None else Turns(self.number(), way, n, (transform, child))

    def _freeze(self, node: ir.Freeze, child: ir.Node, way: Way, source: ir.Span | None) -> Draft | None:
        controls = note_controls(node) if self.valued else None
        if controls is None:
            kid = self.lower(child, way, source)
            return kid and Frozen(self.number(), way, kid)
        if len(controls) > MAX_CONTROLS:
            raise self.takes(way, "an operator on values", FEW, str(len(controls)))
        if self.copying:
            self.count_copies(len(controls), sum(len(label.encode()) for label, _ in controls), way)
        return At(self.number(), way, self.leaf(Controls(controls), way, source))

    def _segment(self, node: ir.Segment, way: Way, source: ir.Span | None) -> Draft | None:
        # A shape that plays is read by whoever plays it.
        if self.valued and any(isinstance(each, ir.Shape) for each in node.child.walk()):
            # Copies of a node have the same values.
            key = (id(node.child), node.n)
            values = self.sampled.get(key) or self._values_of(node, way)
            if self.copying:
                self.sampled[key] = values
            return self.lower(values, way, source)
        kid = lower_values(self, node.child, way, source)
        if kid is None:
            return None
        check_values(self, kid)
        return Held(self.number(), way, node.n, kid)

    def _values_of(self, node: ir.Segment, way: Way) -> ir.Node:
        """Return the values of shapes as a sequence of numbers, labelled as the shapes are."""
        below = Lowering(copying=1, copied=self.copied)
        try:
            made = below.program(node.child, None)
        except PatternError as error:
            # The way to here stands in front of the way below.
            if error.refused is None:
                raise
            raise error.refused.at(f"{path_of(way)[0]} > {error.place}", error.span) from None
        self.copied = below.copied + below.copied_before
        return values_of(self, made, node.n, way)

    def _mirror(self, kid: Draft, way: Way) -> Draft:
        """Mirror a node, layers one by one; an atom or a unit fills its cycle and is its own mirror image."""
        match kid:
            case Frozen():
                return kid
            case At(leaf=leaf) if not isinstance(self.leaves[leaf].datum, ir.Shape):
                return kid
            case Layers(kids=kids):
                mirrored: list[Draft] = []
                for layer in kids:
                    self.count_copies(1, 0, way)
                    mirrored.append(self._mirror(layer, way))
                return Layers(self.number(), kid.way, tuple(mirrored))
            case _:
                return Mirrored(self.number(), way, kid)

    def thin(
        self, node: ir.Vary | ir.Chance, prob: float, invert: bool, way: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a chance: a throw is 0 or more and below 1."""
        everything, nothing = (1.0, 0.0) if invert else (0.0, 1.0)
        if prob == nothing:
            return None
        kid = self.lower(node.child, way, source)
        if kid is None or prob == everything:
            return kid
        return Thinned(self.number(), way, prob, node.seed, invert, False, kid)

    def line(  # noqa: PLR0917
        self, factor: Fraction, offset: Fraction, child: ir.Node, way: Way, below: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a child in another time, joined with such a line right below."""
        kid = self.lower(child, below, source)
        if kid is None:
            return None
        if isinstance(kid, Line):
            product, sum_ = factor * kid.factor, kid.factor * offset
            if not all(map(_fits, (product, sum_, sum_ + kid.offset))):
                raise self.too_fine(kid.way)
            factor, offset, kid = product, sum_ + kid.offset, kid.kid
        return kid if (factor, offset) == (1, 0) else Line(self.number(), way, factor, offset, kid)

    def spread(  # noqa: PLR0917
        self, pulses: int, steps: int, rotation: int, child: ir.Node, way: Way, source: ir.Span | None
    ) -> Draft | None:
        """Return the draft of a Euclidean rhythm; with negative pulses the steps that positive ones leave out."""
        spread = abs(pulses)
        there = steps - spread if pulses < 0 else spread
        kid = self.lower(child, way, source) if there else None
        if kid is None:
            return None
        if there > MAX_EVENTS or (pulses < 0 and spread > MAX_EVENTS):
            raise self.error(way, too_many(there))
        self.count_copies(0, max(there, spread), way)
        hits = euclid_hits(spread, steps, rotation)
        if pulses < 0:
            hits = sorted(set(range(steps)) - set(hits))
        return Spread(self.number(), way, steps, tuple(hits), kid)


def _fits(x: Fraction) -> bool:
    return abs(x.numerator) <= LIMIT and x.denominator <= LIMIT


def _carried(node: ir.Node) -> int:
    """Return the bytes of text and the numbers that a node has by itself."""
    match node:
        case ir.Atom(ir.Control(label, _)) | ir.Label(label):
            return len(label.encode())
        case ir.Atom(ir.Osc(address, args)):
            texts = [len(arg.encode()) for arg in args if isinstance(arg, str)]
            return len(address.encode()) + len(args) + sum(texts)
        case ir.Name(name):
            return len(name.encode())
        case ir.Tune(tuning, keys):
            return len(tuning.encode()) + len((keys or "").encode())
        case ir.Shape(label=label, table=table):
            return len(label.encode()) + len(table or ())
        case _:
            return 0


def _shares(weights: tuple[float, ...] | None, kids: int) -> tuple[float, ...]:
    """Return where the share of each kid ends, of a throw in [0, 1)."""
    each = [1.0] * kids if weights is None else list(weights)
    total = 0.0
    for weight in each:
        total += weight
    end = 0.0
    shares: list[float] = []
    for weight in each:
        end += weight
        shares.append(end / total)
    # Rounding must not leave a throw without a kid; kids of no weight at the end have no share.
    last = max((i for i, weight in enumerate(each) if weight > 0.0), default=0)
    return tuple(shares[:last] + [1.0] * (kids - last))

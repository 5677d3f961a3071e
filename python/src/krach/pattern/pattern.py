"""``Pattern``: what is put together from operators, and the operators of Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Self

from krach.arguments import guarded

from . import ir
from .base import Base, Numbers, Values, copies, finite, power, seed_of, times_of, values_node
from .error import PatternError
from .meeting import Meeting
from .ratio import Cycles, ratio
from .steps import weighted


@guarded(PatternError, pure=True)
class Pattern(Meeting):
    """A pattern: an immutable value that says what happens when.

    It has no beginning and no end; cycle 0 is the first bar of the song. ``a + b`` plays one after the other within
    one cycle, ``a | b`` both at once, ``a * n`` n copies within one cycle. Two patterns are equal if they are built
    of the same operators and values.

    >>> beat = krp.hit() * 4 | krp.hit().spread(3, 8)
    >>> beat.every(4, lambda p: p.fast(2)).query(0, 1) == beat.fast(2).query(0, 1)
    True
    """

    __slots__ = ()

    def __add__(self, other: object) -> Pattern:
        """Play one after the other; sequences of sequences become one."""
        if isinstance(other, int | float | str):
            raise PatternError(
                f"a pattern + {other!r}: + plays two patterns one after the other",
                hint=f"numbers are added by .add({other!r}), keys by .transpose({other!r})",
            )
        if not isinstance(other, Pattern):
            return NotImplemented
        return Pattern(ir.Cat((*_flat(self.node, ir.Cat), *_flat(other.node, ir.Cat))))

    def __or__(self, other: object) -> Pattern:
        """Play both at once; stacks of stacks become one."""
        if not isinstance(other, Pattern):
            return NotImplemented
        return Pattern(ir.Stack((*_flat(self.node, ir.Stack), *_flat(other.node, ir.Stack))))

    def __mul__(self, times: object) -> Pattern:
        """Play so many copies within one cycle."""
        if isinstance(times, bool) or not isinstance(times, int):
            return NotImplemented
        if times < 1:
            raise PatternError(f"{times} copies play nothing", hint="rest() is a pattern that plays nothing")
        return Pattern(ir.Cat((self.node,) * copies(times, "the number of copies")))

    __rmul__ = __mul__

    # Changes now and then

    def every(self, n: Numbers, change: Callable[[Self], Self]) -> Self:
        """Change each cycle whose number ``n`` divides, beginning with cycle 0; ``n`` may be a pattern.

        >>> krp.values("0 1").every(2, lambda p: p.fast(2)) == krp.values("0 1").every(2, lambda p: p.fast(2.0))
        True
        """
        changed = self._changed(change)
        if isinstance(n, str | Base):
            return self._with(ir.Vary("every", (values_node(n),), 0, self.node, transform=changed))
        return self._with(ir.Every(times_of(n, "n"), changed, self.node))

    def sometimes_by(self, prob: float, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change each event with a probability.

        >>> len((krp.hit() * 8).sometimes_by(0.3, lambda p: p.fast(2)).query())
        22
        """
        prob, seed = finite(prob), seed_of(seed)
        kept, others = (self._with(ir.Chance(prob, seed, invert, self.node)) for invert in (False, True))
        return self._with(ir.Stack((kept.node, others._changed(change))))

    def almost_never(self, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change one event of ten.

        >>> krp.hit().almost_never(krp.Pattern.rev) == krp.hit().sometimes_by(0.1, krp.Pattern.rev)
        True
        """
        return self.sometimes_by(0.1, change, seed)

    def rarely(self, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change one event of four.

        >>> krp.hit().rarely(krp.Pattern.rev) == krp.hit().sometimes_by(0.25, krp.Pattern.rev)
        True
        """
        return self.sometimes_by(0.25, change, seed)

    def sometimes(self, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change one event of two.

        >>> krp.hit().sometimes(krp.Pattern.rev) == krp.hit().sometimes_by(0.5, krp.Pattern.rev)
        True
        """
        return self.sometimes_by(0.5, change, seed)

    def often(self, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change three events of four.

        >>> krp.hit().often(krp.Pattern.rev) == krp.hit().sometimes_by(0.75, krp.Pattern.rev)
        True
        """
        return self.sometimes_by(0.75, change, seed)

    def almost_always(self, change: Callable[[Self], Self], seed: int = 0) -> Self:
        """Change nine events of ten.

        >>> krp.hit().almost_always(krp.Pattern.rev) == krp.hit().sometimes_by(0.9, krp.Pattern.rev)
        True
        """
        return self.sometimes_by(0.9, change, seed)

    def when(self, index: Values, change: Callable[[Self], Self]) -> Self:
        """Change while a pattern of 0 and 1 is 1.

        >>> krp.values("5").when("0 1", lambda p: p.add(1))
        (0>1/2)-1|5 0-(1/2>1)|6
        """
        return self._with(ir.Pick(values_node(index), (self.node, self._changed(change))))

    def chunk(self, n: int, change: Callable[[Self], Self]) -> Self:
        """Play each cycle ``n`` times, every time with another of its ``n`` pieces changed, from the first to the last.

        >>> krp.values("5 5").chunk(2, lambda p: p.add(1))
        (0>1/2)|6 (1/2>1)|5
        """
        n = copies(n, "n")
        copies(n * n, "n times n")
        pieces = [ir.Cat(tuple(ir.Number(float(k == i)) for k in range(n))) for i in range(n)]
        both = (self.node, self._changed(change))
        return self._with(_turns([ir.Pick(piece, both) for piece in pieces]))

    def iter(self, n: int) -> Self:
        """Play each cycle ``n`` times, every time 1/n further in.

        >>> krp.values("0 1 2 3").iter(4).control("a").query(1, 2)[0]
        (1>5/4)|a=1
        """
        n = copies(n, "n")
        return self._with(_turns([ir.Early((i, n), self.node) for i in range(n)]))

    def palindrome(self) -> Self:
        """Play one cycle forwards, the next backwards.

        >>> krp.values("0 1").palindrome().control("a").query(1, 2)
        ((1>3/2)|a=1, (3/2>2)|a=0)
        """
        return self._with(ir.Every(2, self.node, ir.Rev(self.node)))

    # Layers

    def superimpose(self, change: Callable[[Self], Self]) -> Self:
        """Play it as it is and changed, at once.

        >>> krp.values("0").superimpose(lambda p: p.add(7))
        (0>1)|0 (0>1)|7
        """
        return self._with(ir.Stack((self.node, self._changed(change))))

    def off(self, cycles: Cycles, change: Callable[[Self], Self]) -> Self:
        """Play it as it is and, later by so many cycles, changed.

        >>> krp.values("0 1").off(0.5, lambda p: p.add(7)).control("a").query(0, 0.5)
        ((0>1/2)|a=0, (0>1/2)|a=8)
        """
        return self._with(ir.Stack((self.node, self.shift(cycles)._changed(change))))

    def jux(self, change: Callable[[Self], Self], label: str = "pan") -> Self:
        """Play it as it is on the left and changed on the right, at the same time.

        What is as it was sets the control ``label`` to 0, what is changed sets it to 1. The sound needs a control of
        that name in which 0 is left and 1 is right, and voices for both sides, such as ``count=2``. Sounds that come
        with krach have no ``pan``; the recipe "Left and right" of the cookbook makes one that has.

        >>> krp.p("x").jux(krp.Pattern.rev).query(0, 0.5)[0]
        (0>1/2)|pan=0
        """
        sides = (self._side(self.node, label, 0.0), self._side(self._changed(change), label, 1.0))
        return self._with(ir.Stack(sides))

    def _side(self, node: ir.Node, label: str, side: float) -> ir.Node:
        return ir.Combine("set", "left", node, ir.Label(label, ir.Number(side)))

    def echo(self, n: int, cycles: Cycles, factor: float, label: str = "vel") -> Self:
        """Play ``n`` times, each later by so many cycles and with the control ``label`` times ``factor``.

        A value without ``label`` counts as 1.

        >>> [e.value.value for e in krp.p("x").echo(2, 0.25, 0.5).query() if e.value.label == "vel" and e.has_onset]
        [1.0, 0.5]
        """
        num, den = ratio(cycles)
        layers = [
            ir.Combine(
                "mul",
                "left",
                ir.Late((num * i, den), self.node),
                ir.Label(label, ir.Number(power(finite(factor), i))),
            )
            for i in range(copies(n, "n"))
        ]
        return self._with(ir.Stack(tuple(layers)))

    stut = echo

    def hurry(self, factor: float, label: str) -> Self:
        """Play faster, and multiply the control ``label`` (a playback speed) by the same factor.

        >>> krp.ctrl("speed", 1).hurry(2, "speed").node.op
        'Combine'
        """
        by = ir.Label(label, ir.Number(finite(factor)))
        return self._with(ir.Combine("mul", "left", ir.Fast(ratio(factor), self.node), by))

    # Pieces

    def compress(self, begin: Cycles, end: Cycles) -> Self:
        """Play each cycle in the piece from ``begin`` to ``end`` of it, the rest silent.

        >>> krp.ctrl("a", 1).compress(0.25, 0.75)
        (1/4>3/4)|a=1
        """
        if not 0 <= begin < end <= 1:
            raise PatternError(f"{begin} to {end} is no piece of a cycle: 0 <= begin < end <= 1")
        steps = [(ratio(begin), ir.Silence()), (ratio(end - begin), self.node), (ratio(1 - end), ir.Silence())]
        return self._with(of_lengths([(length, node) for length, node in steps if length[0]]))

    def linger(self, part: Cycles) -> Self:
        """Play the first part of each cycle over and over until the cycle ends; for a negative part the last.

        >>> krp.values("0 1 2 3").linger(0.5)
        (0>1/4)|0 (1/4>1/2)|1 (1/2>3/4)|0 (3/4>1)|1
        >>> krp.values("0 1 2 3").linger(-0.25)
        (0>1/4)|3 (1/4>1/2)|3 (1/2>3/4)|3 (3/4>1)|3
        """
        n, d = ratio(abs(part))
        if not 0 < n <= d:
            raise PatternError(f"{part} is no part of a cycle: above 0 up to 1, or below 0 down to -1")
        begin = d - n if part < 0 else 0

        def piece(length: int) -> tuple[ir.Ratio, ir.Node]:
            ends = (Fraction(begin, d), Fraction(begin + length, d))
            first, last = ((end.numerator, end.denominator) for end in ends)
            return (length, 1), ir.Zoom(first, last, self.node)

        cut = [piece(d % n)] if d % n else []
        return self._with(of_lengths([piece(n)] * copies(d // n, "the number of parts") + cut))

    def range(self, lo: float, hi: float) -> Self:
        """Set the bounds of shapes; anything else stays as it is.

        >>> krp.sine("cutoff").range(200, 400)
        ~(0>1)~|cutoff=sine(200,400)
        """
        return self._with(_ranged(self.node, finite(lo), finite(hi)))


def _flat(node: ir.Node, kind: type[ir.Cat | ir.Stack]) -> tuple[ir.Node, ...]:
    return node.children if isinstance(node, kind) else (node,)


def _ranged(node: ir.Node, lo: float, hi: float) -> ir.Node:
    if isinstance(node, ir.Shape):
        return ir.Shape(node.kind, lo, hi, node.label, node.duty, node.seed, node.table, span=node.span)
    below = node.below()
    return node.with_below(tuple(_ranged(child, lo, hi) for child in below)) if below else node


def _turns(nodes: Sequence[ir.Node]) -> ir.Node:
    return ir.Slow((len(nodes), 1), ir.Cat(tuple(nodes)))


def of_lengths(steps: Sequence[tuple[ir.Ratio, ir.Node]]) -> ir.Node:
    """Return a sequence of different lengths. Raises ``PatternError`` for lengths that cannot be."""
    for n, d in (length for length, _ in steps):
        if Fraction(n, d) <= 0:
            raise PatternError(f"a step of {n}/{d} cycles plays nothing: lengths are above 0")
    node = weighted([node for _, node in steps], [length for length, _ in steps])
    if node is None:
        raise PatternError("the lengths of these steps have no common measure that is coarse enough")
    return node

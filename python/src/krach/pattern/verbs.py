"""Methods that change when things happen, and whether."""

from __future__ import annotations

from typing import Self

from krach.arguments import guarded

from . import ir
from .base import Base, Numbers, fixed, floating, seed_of, times_of, values_node, whole
from .error import PatternError
from .ratio import Cycles, ratio


@guarded(PatternError, pure=True)
class Verbs(Base):
    """Time and chance. Where a number may be a pattern, a text such as ``"<2 3>"`` is one."""

    __slots__ = ()

    def over(self, cycles: Cycles) -> Self:
        """Stretch over so many cycles; below 1, as often as fits.

        >>> krp.hit().over(2).query(1, 2)
        ((1>2)|gate=0,)
        """
        n, d = ratio(cycles)
        return self._with(ir.Fast((d, n), self.node) if cycles < 1 else ir.Slow((n, d), self.node))

    def fast(self, factor: Numbers) -> Self:
        """Play ``factor`` times as fast.

        >>> krp.ctrl("cutoff", 1).fast(2)
        (0>1/2)|cutoff=1 (1/2>1)|cutoff=1
        >>> krp.hit().fast("<2 3>") == krp.p("x*<2 3>")
        True
        """
        number = fixed(factor)
        return self._vary("fast", factor) if number is None else self._with(ir.Fast(ratio(number), self.node))

    def slow(self, factor: Numbers) -> Self:
        """Play ``factor`` times as slow.

        >>> krp.seq("A2", "A3").slow(2) == krp.p("[A2 A3]/2")
        True
        """
        number = fixed(factor)
        return self._vary("slow", factor) if number is None else self._with(ir.Slow(ratio(number), self.node))

    def early(self, cycles: Numbers) -> Self:
        """Play sooner by so many cycles.

        >>> krp.ctrl("cutoff", 1).early(0.25)
        -1/4-(0>3/4)|cutoff=1 (3/4>1)-7/4|cutoff=1
        """
        number = fixed(cycles)
        return self._vary("early", cycles) if number is None else self._with(ir.Early(ratio(number), self.node))

    def late(self, cycles: Numbers) -> Self:
        """Play later by so many cycles.

        >>> krp.hit().fast(2).late(1 / 8).query(0, 1)[1]
        (1/8>3/8)|gate=1
        """
        number = fixed(cycles)
        return self._vary("late", cycles) if number is None else self._with(ir.Late(ratio(number), self.node))

    def shift(self, cycles: Cycles) -> Self:
        """Play later by so many cycles; sooner by a negative number.

        >>> krp.hit().shift(-0.25) == krp.hit().early(0.25)
        True
        """
        return self.early(-cycles) if cycles < 0 else self.late(cycles)

    def reverse(self) -> Self:
        """Mirror each cycle. Notes change places but still begin with their beginning.

        >>> krp.p("A2 . x").reverse() == krp.p("A2 . x").rev()
        True
        """
        return self._with(ir.Rev(self.node))

    def rev(self) -> Self:
        """Do as ``reverse``.

        >>> krp.values("0 1 2").rev()
        (0>1/3)|2 (1/3>2/3)|1 (2/3>1)|0
        """
        return self.reverse()

    def spread(self, pulses: Numbers, steps: Numbers, rotation: Numbers = 0) -> Self:
        """Play on ``pulses`` of ``steps`` steps, spread evenly (Bjorklund); the row is turned to the left.

        Negative pulses are the steps that positive ones leave out.

        >>> krp.hit().spread(3, 8) == krp.p("x(3,8)")
        True
        >>> [str(e.whole.begin) for e in krp.ctrl("a", 1).spread(3, 8).query()]
        ['0', '3/8', '3/4']
        """
        numbers = [fixed(pulses), fixed(steps), fixed(rotation)]
        if None not in numbers:
            hits, of, turn = (
                whole(number, what) for number, what in zip(numbers, ("pulses", "steps", "rotation"), strict=True)
            )
            if hits >= 0:
                return self._with(ir.Euclid(hits, of, turn, self.node))
        by = (pulses, steps) if numbers[2] == 0 else (pulses, steps, rotation)
        return self._with(ir.Vary("euclid", tuple(map(values_node, by)), 0, self.node))

    def swing(self, amount: float, grid: int = 8) -> Self:
        """Swing: of each two steps of the grid the first takes the share ``amount``; 0.5 is straight.

        >>> [str(e.whole.begin) for e in krp.ctrl("a", 1).fast(4).swing(0.6, 4).query()]
        ['0', '3/10', '1/2', '4/5']
        """
        return self._with(ir.Warp("swing", floating(amount), times_of(grid, "grid"), self.node))

    def zoom(self, begin: Cycles, end: Cycles) -> Self:
        """Let a piece of each cycle fill the cycle.

        >>> krp.values("0 1 2 3").zoom(0.25, 0.75)
        (0>1/2)|1 (1/2>1)|2
        """
        return self._with(ir.Zoom(ratio(begin), ratio(end), self.node))

    def freeze(self) -> Self:
        """Make each cycle one indivisible unit, for chance and ``reverse``.

        >>> len({e.unit for e in krp.p("A2 x").freeze().query()})
        2
        """
        return self._with(ir.Freeze(self.node))

    def thin(self, prob: float, seed: int = 0) -> Self:
        """Leave out units with a probability, by the older chance, which comes in clumps; see ``chance``.

        >>> len((krp.hit() * 8).thin(0.2).query())
        8
        """
        if isinstance(prob, str | Base):
            raise PatternError("thin takes one probability", hint="chance takes a pattern of them")
        return self._with(ir.Degrade(floating(prob), seed_of(seed), self.node))

    def chance(self, prob: Numbers, seed: int = 0, *, invert: bool = False) -> Self:
        """Leave out units with a probability, always the same ones; with ``invert`` keep just those.

        >>> krp.hit().fast(8).chance(0.2) == krp.p("x*8?0.2")
        True
        """
        number = fixed(prob)
        if number is not None:
            return self._with(ir.Chance(floating(number), seed_of(seed), invert, self.node))
        if invert:
            raise PatternError("invert goes with one probability, not with a pattern of them")
        return self._with(ir.Vary("chance", (values_node(prob),), seed_of(seed), self.node))

    def shuffle(self, n: int, seed: int = 0) -> Self:
        """Play ``n`` pieces of each cycle in another order, each once.

        >>> krp.values("0 1 2").shuffle(3, seed=2)
        (0>1/3)|0 (1/3>2/3)|2 (2/3>1)|1
        """
        return self._with(ir.Shuffle("shuffle", times_of(n, "n"), seed_of(seed), self.node))

    def scramble(self, n: int, seed: int = 0) -> Self:
        """Play any of ``n`` pieces of each cycle at each place.

        >>> krp.values("0 1 2").scramble(3)
        (0>1/3)|0 (1/3>2/3)|1 (2/3>1)|0
        """
        return self._with(ir.Shuffle("scramble", times_of(n, "n"), seed_of(seed), self.node))

    def _vary(self, kind: str, by: Numbers) -> Self:
        return self._with(ir.Vary(kind, (values_node(by),), 0, self.node))

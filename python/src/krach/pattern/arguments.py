"""Signs of mini-notation that take numbers: ``x*<2 3>``, ``x(<3 5>,8)``, ``x?[0.2 0.8]``, ``{a b c}%<3 4>``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from fractions import Fraction

from . import ir
from .ratio import limited, plain
from .scanner import Step, is_digit
from .steps import total
from .words import Words

EUCLID = "(pulses,steps) or (pulses,steps,rotation), such as x(3,8)"
TOO_FINE = "the lengths of these steps have no common measure that is coarse enough"
_U32 = (1 << 32) - 1
_I64 = (1 << 63) - 1


class Must(Enum):
    """What a number in this place must be."""

    FACTOR = auto()
    PROBABILITY = auto()
    WHOLE = auto()
    STEPS = auto()


@dataclass(frozen=True, slots=True)
class Varied:
    """A pattern of numbers, and how many nodes it has."""

    node: ir.Node
    size: int


class Arguments(Words):
    """Reads signs and their numbers."""

    def applied(self, sign: str, start: int, step: Step) -> Step:
        """Put around a step what the sign after it says."""
        self.at += 1
        if sign == "?":
            return self._chance(start, step)
        if sign == "(":
            return self._euclid(start, step)
        fast = sign == "*"
        by = self._argument(Must.FACTOR, f"how many times {'faster, such as x*2' if fast else 'slower, such as x/2'}")
        span = self.span(start)
        if isinstance(by, Varied):
            node = ir.Vary("fast" if fast else "slow", (by.node,), 0, step.node, span=span)
            return replace(step, node=node, size=step.size + 1 + by.size)
        node = (ir.Fast if fast else ir.Slow)(limited(by), step.node, span=span)
        return replace(step, node=node, size=step.size + 1)

    def _chance(self, start: int, step: Step) -> Step:
        seed = self.chances
        self.chances += 1
        following = self.peek()
        prob: float | Varied = 0.5
        if following is not None and (is_digit(following) or following in "[<{"):
            prob = self._argument(Must.PROBABILITY, "a probability, such as x?0.3")
        span = self.span(start)
        if isinstance(prob, Varied):
            node = ir.Vary("chance", (prob.node,), seed, step.node, span=span)
            return replace(step, node=node, size=step.size + 1 + prob.size)
        return replace(step, node=ir.Chance(prob, seed, False, step.node, span=span), size=step.size + 1)

    def _euclid(self, start: int, step: Step) -> Step:
        opening = self.at - 1
        self.spaces()
        pulses = self._argument(Must.WHOLE, EUCLID)
        self.spaces()
        if not self.eat(","):
            raise self.error("here should be a comma and the number of steps", EUCLID)
        self.spaces()
        number = self.at
        steps = self._argument(Must.STEPS, EUCLID)
        if isinstance(pulses, float) and isinstance(steps, float) and abs(pulses) > steps:
            raise self.error(f"{plain(pulses)} pulses do not fit into {plain(steps)} steps", EUCLID, number)
        self.spaces()
        arguments = [pulses, steps]
        if self.eat(","):
            self.spaces()
            arguments.append(self._argument(Must.WHOLE, EUCLID))
            self.spaces()
        if not self.eat(")"):
            if self.peek() is not None:
                raise self.error('here should be a ")"', EUCLID)
            raise self.error('this "(" is not closed', EUCLID, opening)
        span = self.span(start)
        fixed = [int(x) for x in arguments if isinstance(x, float)]
        if len(fixed) == len(arguments) and fixed[0] >= 0:
            rotation = fixed[2] if len(fixed) == 3 else 0
            return replace(step, node=ir.Euclid(fixed[0], fixed[1], rotation, step.node, span=span), size=step.size + 1)
        by = tuple(x.node if isinstance(x, Varied) else ir.Number(x) for x in arguments)
        size = step.size + 1 + sum(1 + (x.size if isinstance(x, Varied) else 0) for x in arguments)
        return replace(step, node=ir.Vary("euclid", by, 0, step.node, span=span), size=size)

    def polymeter(self, layers: list[list[Step]], size: int, start: int) -> tuple[ir.Node, int]:
        """Return ``{a b c, d e}%4``: each layer with so many steps per cycle, else as many as the first has."""
        base: float | Varied | None = None
        if self.eat("%"):
            base = self._argument(Must.FACTOR, "how many steps per cycle, such as {A2 B2 C3}%4")
        metered: list[ir.Node] = []
        for steps in (steps for steps in layers if steps):
            length = total([step.weight for step in steps])
            if length is None:
                raise self.too_fine(steps[0].at)
            if base is None:
                base = length.numerator / length.denominator
            child, span = self.sequence(steps), self.span(start)
            if isinstance(base, Varied):
                size += base.size + 1

                def scale(value: float, _: ir.Span | None, length: Fraction = length) -> float:
                    n, d = _scaled(value, length)
                    return n / d

                metered.append(ir.Vary("fast", (numbers(base.node, scale),), 0, child, span=span))
            else:
                factor = _scaled(base, length)
                metered.append(child if factor == (1, 1) else ir.Fast(factor, child, span=span))
        if len(metered) > 1:
            return ir.Stack(tuple(metered)), size
        return (metered[0] if metered else ir.Silence()), size

    def too_fine(self, at: int) -> Exception:
        """Return the error of lengths without a common measure."""
        return self.error(TOO_FINE, "use lengths with fewer digits", at)

    def _argument(self, must: Must, what: str) -> float | Varied:
        """Read a number, or a pattern of numbers in brackets."""
        start, opening = self.at, self.peek()
        if opening is None or opening not in "[<{":
            negative = must is Must.WHOLE and self.eat("-")
            number = float(self.whole(what)) if must in (Must.WHOLE, Must.STEPS) else self.number(what)
            number = -number if negative else number
            self._check(number, must, start)
            return number
        values, self.values = self.values, True
        node, size = self.bracket(opening)
        self.values = values

        def checked(value: float, span: ir.Span | None) -> float:
            self._check(value, must, start if span is None else self.character(span[0]))
            return value

        numbers(node, checked)
        name = next((each for each in node.walk() if isinstance(each, ir.Name)), None)
        if name is not None and name.span is not None:
            raise self.error("a name cannot stand here", what, self.character(name.span[0]))
        return Varied(node, size)

    def _check(self, number: float, must: Must, at: int) -> None:
        match must:
            case Must.FACTOR:
                fits = number <= 1e9 and limited(number)[0] > 0
                message, hint = f"{plain(number)} is no factor", "a factor is 1/256 to 1000000000"
            case Must.PROBABILITY:
                fits = 0.0 <= number <= 1.0
                message, hint = "a probability is between 0 and 1", "such as x?0.3"
            case Must.WHOLE:
                fits = number.is_integer() and abs(number) <= _U32
                message, hint = f"{plain(number)} is no whole number", EUCLID
            case Must.STEPS:
                fits = number.is_integer() and 1 <= number <= _U32
                message = f"{plain(number)} is no number of steps: there is at least one, so nothing fits into it"
                hint = EUCLID
        if not fits:
            raise self.error(message, hint, at)


def _scaled(base: float, length: Fraction) -> ir.Ratio:
    """Return how much faster a sequence of ``length`` steps is played with ``base`` steps per cycle."""
    factor = Fraction(*limited(base)) / length
    return min(factor.numerator, _I64), min(factor.denominator, _I64)


def numbers(node: ir.Node, change: Callable[[float, ir.Span | None], float]) -> ir.Node:
    """Return a pattern with its numbers changed; those of arguments within it are their own."""
    if isinstance(node, ir.Number):
        return replace(node, value=change(node.value, node.span))
    below = node.below()
    if isinstance(node, ir.Vary):
        return node.with_below((*below[:-1], numbers(below[-1], change)))
    return node.with_below(tuple(numbers(child, change) for child in below)) if below else node

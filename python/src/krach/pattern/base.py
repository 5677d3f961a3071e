"""What every pattern can do: be compared, drawn, asked what it plays, written as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self, TypeAlias, cast

from krach.arguments import guarded, shown
from krach.elsewhere import here
from krach.names import did_you_mean, no_such_name

from . import ir, notation
from .error import PatternError
from .event import Event
from .ratio import Cycles, ratio
from .serialize import dict_to_pattern_node, pattern_node_to_dict

# How many copies of a pattern a method makes at most.
MAX_COPIES = 1 << 16

_DRAWN = 24
"""So many events are drawn."""

LONGEST = 4096
"""Most cycles of a query."""


@guarded(PatternError, pure=True)
@dataclass(frozen=True, slots=True, repr=False)
class Base:
    """A pattern: an immutable value around a tree of operators."""

    node: ir.Node

    def __post_init__(self) -> None:
        """Refuse what is no tree."""
        if not isinstance(cast("object", self.node), ir.Node):
            hint = 'krp.p("x . x .") reads a text, krp.seq and krp.hit build'
            raise PatternError(f"a pattern is not made of {shown(self.node)}\n{hint}", hint=hint)

    @staticmethod
    def _called() -> str:
        return "pattern"

    if not TYPE_CHECKING:  # What is typed is checked against the names that there are.

        def __getattr__(self, name: str) -> Any:
            """Raise ``NoSuchName``: this is asked only for what is not there."""
            if name.startswith("_") or hasattr(type(self), name):
                return object.__getattribute__(self, name)
            known = [each for each in dir(type(self)) if not each.startswith("_")]
            raise no_such_name(f"a pattern has no {name}", name, here(name) or did_you_mean(name, known))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read the JSON form, as the plugin takes it. Raises ``PatternError`` with the place.

        >>> krp.Pattern.from_dict({"op": "Silence"}) == krp.rest()
        True
        """
        return cls(dict_to_pattern_node(data))

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as the plugin takes it.

        >>> krp.ctrl("cutoff", 800).to_dict()
        {'op': 'Atom', 'value': {'type': 'Control', 'label': 'cutoff', 'value': 800.0}}
        """
        return pattern_node_to_dict(self.node)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the JSON form from a text.

        >>> krp.Pattern.from_json('{"op": "Silence"}') == krp.rest()
        True
        """
        from .lower import make_room  # noqa: PLC0415

        make_room()
        try:
            return cls.from_dict(json.loads(text))
        except ValueError as error:
            if isinstance(error, PatternError):
                raise
            raise PatternError(f"no JSON: {error}", hint="such as Pattern.to_json writes it") from None

    def to_json(self) -> str:
        """Return the JSON form as a text.

        >>> krp.rest().to_json()
        '{"op":"Silence"}'
        """
        from .lower import make_room  # noqa: PLC0415

        make_room()
        return json.dumps(self.to_dict(), separators=(",", ":"))

    def query(self, begin: Cycles = 0, end: Cycles = 1, *, seed: int = 0) -> tuple[Event, ...]:
        """Return what happens from ``begin`` to ``end``, in cycles, as the plugin plays it.

        ``seed`` is the session's. Raises ``PatternError`` for what cannot be played. The plugin refuses more: times
        that 64 bits do not hold, and patterns that may have more than 4096 events in some cycle.

        >>> krp.p("x x").query(0, Fraction(1, 4))
        ((0>1/4)|gate=1,)
        """
        start, stop = Fraction(*ratio(begin)), Fraction(*ratio(end))
        if stop - start > LONGEST:
            raise PatternError(f"a query of more than {LONGEST} cycles\nask for fewer cycles at once", place="end")
        # What plays a pattern here is read when it is asked for: a prompt is there sooner.
        from .lower import program  # noqa: PLC0415
        from .query import query  # noqa: PLC0415

        return query(program(self.node), start, stop, seed)

    def __repr__(self) -> str:
        """Draw cycle 0: each event as ``(begin>end)|what``; a pattern of values as its values.

        >>> krp.hit() * 2
        (0>1/4)|gate=1 (1/4>1/2)|gate=0 (1/2>3/4)|gate=1 (3/4>1)|gate=0
        >>> krp.rest()
        nothing in cycle 0
        """
        from .lower import program  # noqa: PLC0415
        from .query import query  # noqa: PLC0415

        try:
            events = query(program(self.node, played=False), Fraction(0), Fraction(1))
        except PatternError as error:
            return f"<refused: {error}>"
        drawn = " ".join(map(repr, events[:_DRAWN]))
        more = f" … {len(events) - _DRAWN} more" if len(events) > _DRAWN else ""
        return f"{drawn}{more}" if events else "nothing in cycle 0"

    def _with(self, node: ir.Node) -> Self:
        return type(self)(node)

    def _changed(self, change: Callable[[Self], Self]) -> ir.Node:
        """Return the tree of what a function makes of this pattern."""
        changed = cast(object, change(self))
        if not isinstance(changed, Base):
            raise PatternError(f"a change returns a pattern, not {changed!r}", hint="such as lambda p: p.reverse()")
        return changed.node


Numbers: TypeAlias = "int | float | Fraction | str | Base"
"""A number, or a pattern of numbers: as a pattern, or as text such as ``"<2 3>"``."""

Values: TypeAlias = "int | float | str | Base"
"""A pattern of values, or its text (``"0 2 <4 7>"``, ``"C:minor"``), or one number."""


def values_node(given: Values | Fraction) -> ir.Node:
    """Return the tree of values."""
    match given:
        case Base():
            return given.node
        case str():
            return notation.read(given, values=True)
        case _:
            return ir.Number(finite(given))


def played_node(given: Base | str | None) -> ir.Node:
    """Return the tree of what plays: a pattern, a text of mini-notation, or ``None`` for a rest."""
    match given:
        case Base():
            return given.node
        case str():
            return notation.read(given)
        case None:
            return ir.Silence()


def finite(number: object) -> float:
    """Return a number as a float. Raises ``PatternError`` for what is none."""
    if isinstance(number, bool) or not isinstance(number, int | float | Fraction):
        raise PatternError(f"{number!r} is no number and no pattern of numbers")
    return floating(number)


def floating(number: float | Fraction) -> float:
    """Return a number as a float. Raises ``PatternError`` for one that is too large."""
    try:
        return float(number)
    except OverflowError:
        raise PatternError("this number is too large for 64 bits") from None


def fixed(given: Numbers) -> int | float | Fraction | None:
    """Return a number; ``None`` for a pattern of numbers."""
    if isinstance(given, Base | str):
        return None
    finite(given)
    return given


def seed_of(number: object) -> int:
    """Return a seed. Raises ``PatternError`` for what is none."""
    seed = whole(number, "seed")
    if not 0 <= seed < 1 << 64:
        raise PatternError("a seed is 0 to 18446744073709551615")
    return seed


def times_of(number: object, what: str) -> int:
    """Return a number of times or steps. Raises ``PatternError`` for what is none."""
    times = whole(number, what)
    if not 0 <= times < 1 << 32:
        raise PatternError(f"{what} is 0 to 4294967295")
    return times


def copies(number: object, what: str) -> int:
    """Return how many copies of a pattern something makes, at least one. Raises ``PatternError`` for too many."""
    n = max(whole(number, what), 1)
    if n > MAX_COPIES:
        raise PatternError(f"{what} is {n}, and a pattern holds at most {MAX_COPIES} copies")
    return n


def power(number: float, n: int) -> float:
    """Return a power; one that no float holds is infinite, and refused where it is played."""
    try:
        return number**n
    except OverflowError:
        return -math.inf if number < 0 and n % 2 else math.inf


def whole(number: object, what: str) -> int:
    """Return a whole number. Raises ``PatternError`` for what is none."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise PatternError(f"{what} is a whole number, not {number!r}")
    return number

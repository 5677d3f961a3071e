"""Tracing: a Python function of signals is called once and leaves a DspGraph behind.

``Signal`` has Python's arithmetic and comparisons. Each operation adds an equation to the trace that is
open. A loop (``feedback``) opens a trace within the trace; signals from outside become its free variables.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NoReturn, TypeAlias, cast

from krach.error import KrachError
from krach.ir import signal as ir

Operand: TypeAlias = "Signal | float"
"""A signal, or a number that becomes a constant one."""

Outputs: TypeAlias = "Operand | Sequence[Operand]"
"""What a traced function returns: one signal, or several channels."""

MAX_EQUATIONS = 1 << 16
"""Most equations of a graph, bodies of loops included."""

MAX_CHANNELS = 64
"""Most inputs, and most outputs, of a graph."""


class TraceError(KrachError, TypeError):
    """A function that cannot become a DspGraph. The text says why, and what to write instead.

    >>> krs.graph(lambda x: 1.0 if x > 0 else 0.0)
    Traceback (most recent call last):
    krach.signal.trace.TraceError: a Signal has no single truth value: ...
    """


class Signal:
    """A signal inside a function that is being traced.

    It has ``+ - * / % ** abs()`` and comparisons with signals and numbers; comparisons give 1 or 0. It has
    no truth value: a function is traced once, so ``if`` cannot choose per sample. Use ``select2``.

    >>> krs.render(lambda x: (x > 0.5) * 2 - abs(x), 3 / 48000, [[0.0, 0.5, 1.0]])
    [[0.0, -0.5, 1.0]]
    """

    __slots__ = ("ref", "trace")

    def __init__(self, trace: Trace, ref: ir.Signal) -> None:
        """Make the handle of a signal of a trace."""
        self.trace = trace
        self.ref = ref

    def __repr__(self) -> str:
        """Name the signal."""
        return f"<Signal {self.ref.id}>"

    def __bool__(self) -> NoReturn:
        """Refuse: a signal is another number at each sample."""
        raise TraceError(
            "a Signal has no single truth value: `if`, `and`, `or`, `not` and chained comparisons cannot choose "
            "per sample; use select2(condition, when_zero, when_one)"
        )

    def __float__(self) -> NoReturn:
        """Refuse: a signal is another number at each sample."""
        raise TraceError("a Signal is no number yet: use the functions of krs in place of those of math")

    __int__ = __index__ = __round__ = __trunc__ = __floor__ = __ceil__ = __float__

    def __iter__(self) -> NoReturn:
        """Refuse: a signal is one channel."""
        raise TraceError("a Signal is one channel and cannot be unpacked")

    __hash__ = object.__hash__

    def __add__(self, other: Operand) -> Signal:
        """Return the sum."""
        return apply("add", self, other)

    def __radd__(self, other: Operand) -> Signal:
        """Return the sum."""
        return apply("add", other, self)

    def __sub__(self, other: Operand) -> Signal:
        """Return the difference."""
        return apply("sub", self, other)

    def __rsub__(self, other: Operand) -> Signal:
        """Return the difference."""
        return apply("sub", other, self)

    def __mul__(self, other: Operand) -> Signal:
        """Return the product."""
        return apply("mul", self, other)

    def __rmul__(self, other: Operand) -> Signal:
        """Return the product."""
        return apply("mul", other, self)

    def __truediv__(self, other: Operand) -> Signal:
        """Return the quotient."""
        return apply("div", self, other)

    def __rtruediv__(self, other: Operand) -> Signal:
        """Return the quotient."""
        return apply("div", other, self)

    def __mod__(self, other: Operand) -> Signal:
        """Return the remainder as Python has it, with the sign of the divisor."""
        return _python_mod(self, other)

    def __rmod__(self, other: Operand) -> Signal:
        """Return the remainder as Python has it, with the sign of the divisor."""
        return _python_mod(other, self)

    def __floordiv__(self, other: Operand) -> Signal:
        """Return the quotient, rounded down."""
        return apply("floor", apply("div", self, other))

    def __rfloordiv__(self, other: Operand) -> Signal:
        """Return the quotient, rounded down."""
        return apply("floor", apply("div", other, self))

    def __pow__(self, other: Operand) -> Signal:
        """Return the power."""
        return apply("pow", self, other)

    def __rpow__(self, other: Operand) -> Signal:
        """Return the power."""
        return apply("pow", other, self)

    def __neg__(self) -> Signal:
        """Return the signal with the other sign."""
        return apply("mul", self, -1.0)

    def __pos__(self) -> Signal:
        """Return the signal itself."""
        return self

    def __abs__(self) -> Signal:
        """Return the signal without its sign."""
        return apply("abs", self)

    def __gt__(self, other: Operand) -> Signal:
        """Return 1 where it is greater, else 0."""
        return apply("gt", self, other)

    def __lt__(self, other: Operand) -> Signal:
        """Return 1 where it is less, else 0."""
        return apply("lt", self, other)

    def __ge__(self, other: Operand) -> Signal:
        """Return 1 where it is greater or equal, else 0."""
        return apply("ge", self, other)

    def __le__(self, other: Operand) -> Signal:
        """Return 1 where it is less or equal, else 0."""
        return apply("le", self, other)

    def __eq__(self, other: object) -> Signal:  # type: ignore[override]
        """Return 1 where both are equal, else 0."""
        return apply("eq", self, _operand(other))

    def __ne__(self, other: object) -> Signal:  # type: ignore[override]
        """Return 1 where both differ, else 0."""
        return apply("ne", self, _operand(other))


class Trace:
    """The equations of one graph while its function runs."""

    def __init__(self, parent: Trace | None) -> None:
        """Open a trace, within another for the body of a loop."""
        self.parent = parent
        self.root: Trace = parent.root if parent else self
        self.inputs: list[ir.Signal] = []
        self.equations: list[ir.Equation] = []
        self.free: list[Signal] = []
        self._stand_ins: dict[int, Signal] = {}
        self._constants: dict[tuple[bool, float], Signal] = {}
        self._once: dict[tuple[str, str], Signal] = {}
        self._next = 0
        # Of the root only: what all loops share.
        self.controls: dict[str, ir.Control] = {}
        self.noises = 0
        self.size = 0

    def input(self) -> Signal:
        """Add an input."""
        ref = self._new()
        self.inputs.append(ref)
        return Signal(self, ref)

    def add(self, primitive: str, inputs: Sequence[Operand], params: ir.Params | None = None) -> Signal:
        """Add an equation and return its signal."""
        refs = tuple(self.own(x).ref for x in inputs)
        self.root.size += 1
        if self.root.size > MAX_EQUATIONS:
            raise TraceError(f"the function makes more than {MAX_EQUATIONS} equations")
        ref = self._new()
        self.equations.append(ir.Equation(primitive, refs, (ref,), params or ir.NoParams()))
        return Signal(self, ref)

    def once(self, key: tuple[str, str], make: Callable[[], Signal]) -> Signal:
        """Return the signal of that key, made at its first use."""
        if key not in self._once:
            self._once[key] = make()
        return self._once[key]

    def own(self, x: Operand) -> Signal:
        """Return the signal as one of this trace: a number as a constant, one from outside as a free input."""
        if not isinstance(x, Signal):
            return self._constant(_number(x))
        if x.trace is self:
            return x
        if x.trace.root is not self.root:
            raise TraceError("this Signal belongs to another function: each function is traced by itself")
        if self.parent is None or x.trace not in self._above():
            raise TraceError("this Signal was made inside a loop that has ended: return it from the loop")
        outer = self.parent.own(x)
        stand_in = self._stand_ins.get(outer.ref.id)
        if stand_in is None:
            stand_in = self.input()
            self.free.append(outer)
            self._stand_ins[outer.ref.id] = stand_in
        return stand_in

    def graph(self, outputs: Sequence[Signal]) -> ir.DspGraph:
        """Return the finished graph."""
        return ir.DspGraph(tuple(self.inputs), tuple(s.ref for s in outputs), tuple(self.equations))

    def _above(self) -> list[Trace]:
        above: list[Trace] = []
        trace = self.parent
        while trace is not None:
            above.append(trace)
            trace = trace.parent
        return above

    def _constant(self, value: float) -> Signal:
        key = (math.copysign(1.0, value) < 0, value)
        if key not in self._constants:
            self._constants[key] = self.add("const", (), ir.Const(value))
        return self._constants[key]

    def _new(self) -> ir.Signal:
        ref = ir.Signal(self._next)
        self._next += 1
        return ref


_open: ContextVar[Trace | None] = ContextVar("krach_trace", default=None)


def current() -> Trace:
    """Return the trace that is open.

    Raises ``TraceError`` outside of a traced function.
    """
    trace = _open.get()
    if trace is None:
        raise TraceError(
            "there is nothing to trace: call this inside a function that you give to kr.node, krs.graph or krs.render"
        )
    return trace


def apply(primitive: str, *inputs: Operand, params: ir.Params | None = None) -> Signal:
    """Add an equation to the trace that is open."""
    return current().add(primitive, inputs, params)


def trace(function: Callable[..., Any]) -> ir.DspGraph:
    """Trace a function: its positional parameters are the audio inputs, what it returns the outputs."""
    outer = Trace(None)
    token = _open.set(outer)
    try:
        arguments = [outer.input() for _ in range(_arity(function))]
        outputs = channels(function(*arguments), f"{name_of(function)} returns")
        if not outputs:
            raise TraceError(f"{name_of(function)} returns no signal: return a Signal or a tuple of them")
        graph = outer.graph([outer.own(x) for x in outputs])
    finally:
        _open.reset(token)
    return graph


def loop(function: Callable[..., Any], free: Sequence[Operand]) -> Signal:
    """Trace the body of a feedback loop and add its equation to the trace that is open."""
    outer = current()
    inner = Trace(outer)
    fed_back = inner.input()
    given = [inner.own(outer.own(x)) for x in free]
    arity = _arity(function)
    if arity != 1 + len(given):
        raise TraceError(
            f"the body of a feedback takes the fed-back signal and {len(given)} free ones, "
            f"{1 + len(given)} in all; {name_of(function)} takes {arity}"
        )
    token = _open.set(inner)
    try:
        outputs = channels(function(fed_back, *given), f"{name_of(function)} returns")
        if len(outputs) not in (1, 2):
            raise TraceError(
                f"the body of a feedback returns one signal, or two (heard, fed back); "
                f"{name_of(function)} returns {len(outputs)}"
            )
        body = inner.graph([inner.own(x) for x in outputs])
    finally:
        _open.reset(token)
    refs = tuple(s.ref for s in inner.free)
    return outer.add("feedback", inner.free, ir.Feedback(body, 0, refs))


def channels(value: object, who: str) -> list[Operand]:
    """Return the channels of what a function returned."""
    if isinstance(value, Signal | int | float):
        return [value]
    if isinstance(value, tuple | list):
        items: list[Any] = list(cast("Sequence[Any]", value))
        if all(isinstance(x, Signal | int | float) for x in items):
            return items
    kind = "nothing (is a `return` missing?)" if value is None else f"a {type(cast(object, value)).__name__}"
    raise TraceError(f"{who} {kind}: return a Signal or a tuple of them")


def name_of(function: Callable[..., Any]) -> str:
    """Return the function's name for messages."""
    return getattr(function, "__name__", type(function).__name__)


def _arity(function: Callable[..., Any]) -> int:
    """Count the parameters without a default: those are signals."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError) as error:
        raise TraceError(f"{name_of(function)} is no function that can be traced") from error
    count = 0
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            raise TraceError(f"{name_of(function)} takes *{p.name}: name each audio input")
        if p.default is not p.empty or p.kind is p.VAR_KEYWORD:
            continue
        if p.kind is p.KEYWORD_ONLY:
            raise TraceError(f"{name_of(function)} needs {p.name}=…: give it a default, or bind it first")
        count += 1
    return count


def _number(x: object) -> float:
    if not isinstance(x, int | float):
        raise TraceError(f"expected a Signal or a number, got a {type(x).__name__}")
    if not math.isfinite(x):
        raise TraceError(f"{x} cannot be a constant: it is not finite")
    return float(x)


def _operand(x: object) -> Operand:
    return x if isinstance(x, Signal) else _number(x)


def _python_mod(a: Operand, b: Operand) -> Signal:
    quotient = apply("floor", apply("div", a, b))
    return apply("sub", a, apply("mul", quotient, b))

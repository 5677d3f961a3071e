"""A DspGraph computed in plain Python, in double precision: for tests and plots, not for sound.

The graph becomes the source of one Python function with a loop over frames; loops of the graph are written
out inside it. FAUST text (``faust_expr``) cannot be computed here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from krach.ir import signal as ir

MAX_DELAY = (1 << 18) - 1
"""Longest delay that is not a constant, in samples."""

Render = Callable[[int, float, Sequence[Sequence[float]], Mapping[str, float]], list[list[float]]]
"""(frames, sample rate, samples by input, values by control) to samples by output."""


def compile_graph(graph: ir.DspGraph) -> Render:
    """Return a function that computes the graph.

    Raises ``ValueError`` if the graph holds FAUST text.
    """
    writer = _Writer()
    names = {s.id: f"i{i}" for i, s in enumerate(graph.inputs)}
    for i, name in enumerate(names.values()):
        writer.line(f"{name} = inputs[{i}][n] if n < len(inputs[{i}]) else 0.0")
    writer.graph(graph, names)
    for i, s in enumerate(graph.outputs):
        writer.line(f"out[{i}].append({names[s.id]})")
    source = "\n".join(
        [
            "def run(frames, rate, inputs, values):",
            f"    out = [[] for _ in range({len(graph.outputs)})]",
            *(f"    {line}" for line in writer.state),
            "    for n in range(frames):",
            *(f"        {line}" for line in writer.body),
            "        pass",
            "    return out",
        ]
    )
    scope: dict[str, Any] = {**_HELPERS, "tables": writer.tables}
    exec(source, scope)
    return scope["run"]


class _Writer:
    """Lines of the function: state before the loop, the body of the loop, and constant tables."""

    def __init__(self) -> None:
        self.state: list[str] = []
        self.body: list[str] = []
        self.tables: list[list[float]] = []
        self._names = 0

    def line(self, text: str) -> None:
        self.body.append(text)

    def name(self, kind: str) -> str:
        self._names += 1
        return f"{kind}{self._names}"

    def graph(self, graph: ir.DspGraph, names: dict[int, str]) -> None:
        constants: dict[int, float] = {}
        for e in graph.equations:
            made = self.name("s")
            names[e.outputs[0].id] = made
            if isinstance(e.params, ir.Const):
                constants[e.outputs[0].id] = e.params.value
            self.equation(e, [names[s.id] for s in e.inputs], made, constants)

    def equation(self, e: ir.Equation, args: list[str], made: str, constants: Mapping[int, float]) -> None:
        if e.primitive in _INFIX:
            self.line(f"{made} = {args[0]} {_INFIX[e.primitive]} {args[1]}")
            return
        if e.primitive in _COMPARE:
            self.line(f"{made} = 1.0 if {args[0]} {_COMPARE[e.primitive]} {args[1]} else 0.0")
            return
        match e.params:
            case ir.Const(value):
                self.line(f"{made} = {value!r}")
            case ir.Control() as control:
                self._control(control, made)
            case ir.Feedback() as feedback:
                self._feedback(feedback, args, made)
            case ir.RwTable(size):
                table = self.name("t")
                self.state.append(f"{table} = None")
                self.line(f"if {table} is None: {table} = [{args[0]}] * {size}")
                self.line(f"{table}[index({args[1]}, {size})] = {args[2]}")
                self.line(f"{made} = {table}[index({args[3]}, {size})]")
            case ir.RdTable(data):
                self.tables.append(list(data))
                self.line(f"{made} = tables[{len(self.tables) - 1}][index({args[0]}, {len(data)})]")
            case ir.FaustExpr(template):
                raise ValueError(f"FAUST text cannot be computed offline: {template!r}; play it instead")
            case _:
                self._other(e, args, made, constants)

    def _other(self, e: ir.Equation, args: list[str], made: str, constants: Mapping[int, float]) -> None:
        match e.primitive:
            case "sr":
                self.line(f"{made} = rate")
            case "mem":
                state = self.name("m")
                self.state.append(f"{state} = 0.0")
                self.line(f"{made} = {state}")
                self.line(f"{state} = {args[0]}")
            case "delay":
                constant = constants.get(e.inputs[1].id)
                longest = MAX_DELAY if constant is None else max(0, int(constant))
                ring, size = self.name("d"), longest + 1
                self.state.append(f"{ring} = [0.0] * {size}")
                self.line(f"{ring}[n % {size}] = {args[0]}")
                self.line(f"{made} = {ring}[(n - index({args[1]}, {size})) % {size}]")
            case "select2":
                self.line(f"{made} = {args[1]} if int({args[0]}) == 0 else {args[2]}")
            case name:
                self.line(f"{made} = f_{name}({', '.join(args)})")

    def _control(self, control: ir.Control, made: str) -> None:
        value = f"values.get({control.name!r}, {control.init!r})"
        lowered = control.name.lower()
        if "gate" in lowered or "trig" in lowered:
            self.line(f"{made} = {value}")
            return
        # FAUST's si.smoo: one pole at 1 - 44.1 / rate.
        state = self.name("c")
        self.state.append(f"{state} = 0.0")
        self.line(f"{state} += ({value} - {state}) * min(1.0, 44.1 / rate)")
        self.line(f"{made} = {state}")

    def _feedback(self, feedback: ir.Feedback, args: list[str], made: str) -> None:
        body, at = feedback.body_graph, feedback.feedback_input_index
        state = self.name("f")
        self.state.append(f"{state} = 0.0")
        given = [*args[:at], state, *args[at:]]
        names = {s.id: name for s, name in zip(body.inputs, given, strict=True)}
        self.graph(body, names)
        self.line(f"{made} = {names[body.outputs[0].id]}")
        self.line(f"{state} = {names[body.outputs[-1].id]}")


_INFIX = {"add": "+", "sub": "-", "mul": "*"}
_COMPARE = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "eq": "==", "ne": "!="}


def _index(x: float, size: int) -> int:
    return int(max(0.0, min(size - 1.0, x)))


def _div(a: float, b: float) -> float:
    try:
        return a / b
    except ZeroDivisionError:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1.0, b)


def _guarded(function: Callable[..., float]) -> Callable[..., float]:
    """Give NaN or infinity, as C does, where Python raises."""

    def call(*args: float) -> float:
        try:
            return function(*args)
        except OverflowError:
            return math.inf
        except ValueError:
            return math.nan

    return call


def _log(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda x: -math.inf if x == 0 else _guarded(function)(x)


# Zero keeps its sign: `atan2` and divisions tell.
def _floor(x: float) -> float:
    return math.copysign(math.floor(x), x) if math.isfinite(x) else x


def _ceil(x: float) -> float:
    return math.copysign(math.ceil(x), x) if math.isfinite(x) else x


def _round(x: float) -> float:
    return math.copysign(round(x), x) if math.isfinite(x) else x


_HELPERS: dict[str, Any] = {
    "index": _index,
    "f_div": _div,
    "f_mod": _guarded(math.fmod),
    "f_fmod": _guarded(math.fmod),
    "f_remainder": _guarded(math.remainder),
    "f_min": min,
    "f_max": max,
    "f_pow": _guarded(math.pow),
    "f_atan2": math.atan2,
    "f_abs": abs,
    "f_floor": _floor,
    "f_ceil": _ceil,
    "f_round": _round,
    "f_log": _log(math.log),
    "f_log10": _log(math.log10),
    **{f"f_{name}": _guarded(getattr(math, name)) for name in ["sin", "cos", "tan", "asin", "acos", "atan"]},
    **{f"f_{name}": _guarded(getattr(math, name)) for name in ["exp", "sqrt"]},
}

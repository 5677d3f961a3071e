"""Looking at traced functions: as a graph, as a drawing, as samples."""

from __future__ import annotations

import inspect as _inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from krach.ir import signal as ir

from .evaluate import compile_graph
from .trace import trace

Traceable: TypeAlias = "Callable[..., Any] | ir.DspGraph"
"""A function of signals, or the graph of one."""


def graph(f: Traceable) -> ir.DspGraph:
    """Return the DspGraph of a function.

    >>> len(krs.graph(lambda x: x * 0.5).equations)
    2
    """
    return f if isinstance(f, ir.DspGraph) else trace(f)


def render(
    f: Traceable,
    seconds: float,
    inputs: Sequence[Sequence[float]] | None = None,
    *,
    controls: Mapping[str, float] | None = None,
    sample_rate: float = 48000.0,
) -> list[list[float]]:
    """Compute a function in plain Python, in double precision: for tests and plots.

    ``inputs`` are samples by audio input (silence where they end), ``controls`` values by name. Returns
    samples by output. Raises ``ValueError`` if the function holds FAUST text.

    >>> krs.render(lambda x: x + 1, 3 / 48000, [[0.0, 0.5]])
    [[1.0, 1.5, 1.0]]
    """
    made = graph(f)
    given = [list(samples) for samples in inputs or []]
    if len(given) > len(made.inputs):
        raise ValueError(f"{len(given)} inputs for a function that takes {len(made.inputs)}")
    unknown = set(controls or {}) - set(made.control_names())
    if unknown:
        raise ValueError(f"there is no control {sorted(unknown)[0]}; there are {', '.join(made.control_names())}")
    given += [[] for _ in range(len(made.inputs) - len(given))]
    frames = round(seconds * sample_rate)
    return compile_graph(made)(frames, float(sample_rate), given, dict(controls or {}))


def inspect(f: Traceable) -> str:
    """Draw a function's graph as text: a line per equation, loops indented.

    >>> print(krs.inspect(lambda x: x * 0.5))
    in   s0
    s1 = const 0.5
    s2 = mul s0 s1
    out  s2
    """
    return "\n".join(_lines(graph(f), "s"))


def source_text(f: Callable[..., Any]) -> str:
    """Return the text of the function, empty where Python does not have it.

    >>> krs.source_text(krs.saw).splitlines()[0]
    'def saw(freq: Operand) -> Signal:'
    """
    try:
        return textwrap.dedent(_inspect.getsource(f))
    except (OSError, TypeError):
        return ""


def _lines(graph: ir.DspGraph, prefix: str) -> list[str]:
    def names(signals: Sequence[ir.Signal]) -> str:
        return " ".join(f"{prefix}{s.id}" for s in signals)

    lines = [f"in   {names(graph.inputs)}".rstrip()] if graph.inputs else []
    for e in graph.equations:
        parts = [names(e.outputs), "=", e.primitive]
        parts += [text for text in (_detail(e.params), names(e.inputs)) if text]
        lines.append(" ".join(parts))
        if isinstance(e.params, ir.Feedback):
            inner = _lines(e.params.body_graph, f"{prefix}{e.outputs[0].id}.")
            lines += [f"  {line}" for line in inner]
    return [*lines, f"out  {names(graph.outputs)}"]


def _detail(params: ir.Params) -> str:
    match params:
        case ir.Const(value):
            return f"{value:g}"
        case ir.Control(name, init, lo, hi, _, unit, scale):
            parts = [f"{init:g}, {lo:g}…{hi:g}", unit, "" if scale == "linear" else scale]
            return f"{name} ({' '.join(each for each in parts if each)})"
        case ir.FaustExpr(template):
            return f'"{template}"'
        case ir.RwTable(size):
            return f"[{size}]"
        case ir.RdTable(data):
            return f"[{len(data)}]"
        case _:
            return ""

"""DspGraph: one DSP function as a list of equations over signals.

A graph is a frozen value. Each signal is made once, by an input or an equation, before it is used. The body
of a ``feedback`` is a graph with ids of its own. The format is described in ``docs/ir.md``.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, cast

from krach.error import KrachError

Precision: TypeAlias = Literal["float", "double"]
"""Numbers of 32 or 64 bits."""

Scale: TypeAlias = Literal["linear", "log", "exp"]
"""How a controller or a macro spreads the values of a control."""

SCALES: tuple[Scale, ...] = ("linear", "log", "exp")
"""The scales, in the order of their numbers in the key."""

ARITY: Mapping[str, int | None] = {
    **dict.fromkeys(["add", "sub", "mul", "div", "mod", "min", "max", "pow", "fmod", "remainder", "atan2"], 2),
    **dict.fromkeys(["gt", "lt", "ge", "le", "eq", "ne", "delay"], 2),
    **dict.fromkeys(["sin", "cos", "tan", "asin", "acos", "atan", "exp", "log", "log10", "sqrt"], 1),
    **dict.fromkeys(["abs", "floor", "ceil", "round", "mem", "rdtable"], 1),
    **dict.fromkeys(["const", "sr", "control"], 0),
    "select2": 3,
    "rwtable": 4,
    "feedback": None,
    "faust_expr": None,
}
"""The 41 primitives and how many inputs each takes; ``None``: as many as its body or text needs."""

STATEFUL = frozenset({"mem", "delay", "feedback", "rwtable", "rdtable"})
"""Primitives whose output depends on more than their inputs of the same sample."""

MAX_TABLE = 1 << 24
"""Most entries of a table."""


class IrError(KrachError, ValueError):
    """A document that is not well formed: ``place`` is its JSON path.

    >>> krach.DspGraph.from_dict({"inputs": 3})
    Traceback (most recent call last):
    krach.ir.signal.IrError: $.type: expected "dsp_graph"
    """

    place: str

    def __init__(self, place: str, message: str) -> None:
        """Make the error of a place."""
        super().__init__(f"{place}: {message}", place=place)
        self.message = message


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of a graph: its number, its channels (1, or 2 for a pair) and its precision.

    >>> krs.graph(lambda x: x * 0.5).outputs
    (Signal(id=2, channels=1, precision='float'),)
    """

    id: int
    channels: int = 1
    precision: Precision = "float"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form.

        >>> krach.ir.signal.Signal(3).to_dict()
        {'id': 3, 'channels': 1, 'precision': 'float'}
        """
        return {"id": self.id, "channels": self.channels, "precision": self.precision}


@dataclass(frozen=True, slots=True)
class NoParams:
    """A primitive that needs nothing but its inputs.

    >>> krs.graph(lambda x: x * x).equations[0].params
    NoParams()
    """


@dataclass(frozen=True, slots=True)
class Const:
    """A number.

    >>> krs.graph(lambda x: x * 0.5).equations[0].params
    Const(value=0.5)
    """

    value: float


@dataclass(frozen=True, slots=True)
class Delay:
    """Marks a delay.

    >>> krs.graph(lambda x: krs.delay(x, 2)).equations[1].params
    Delay()
    """


@dataclass(frozen=True, slots=True)
class FaustExpr:
    """FAUST text with ``{0}``, ``{1}``… where the inputs go.

    >>> krs.graph(lambda x: krs.faust_expr("{0} : ma.tanh", x)).equations[0].params
    FaustExpr(template='{0} : ma.tanh')
    """

    template: str


@dataclass(frozen=True, slots=True)
class Control:
    """A control of the node: name, initial value, range, distance between neighbouring values, unit, scale.

    >>> krs.graph(lambda: krs.control("cutoff", 800, 50, 8000, unit="Hz", scale="log")).equations[0].params
    Control(name='cutoff', init=800.0, lo=50.0, hi=8000.0, step=0.0, unit='Hz', scale='log')
    """

    name: str
    init: float
    lo: float
    hi: float
    step: float
    unit: str = ""
    scale: Scale = "linear"


@dataclass(frozen=True, slots=True)
class Feedback:
    """A loop through one sample of delay.

    ``free_var_signals`` are the inputs of the equation. They stand for all inputs of the body but the one
    that is fed back.

    >>> loop = krs.graph(lambda x: krs.feedback(lambda before: before + x)).equations[-1].params
    >>> len(loop.body_graph.equations)
    1
    """

    body_graph: DspGraph
    feedback_input_index: int = 0
    free_var_signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True)
class RwTable:
    """A table of ``size`` entries that is written while it plays.

    >>> table = krs.graph(lambda x: krs.rwtable(64, 0, 0, x, 0)).equations[-1]
    >>> table.params
    RwTable(size=64)
    """

    size: int


@dataclass(frozen=True, slots=True)
class RdTable:
    """A table of constants.

    >>> krs.graph(lambda x: krs.rdtable([0, 1], x)).equations[0].params
    RdTable(data=(0.0, 1.0))
    """

    data: tuple[float, ...]


Params: TypeAlias = NoParams | Const | Delay | FaustExpr | Control | Feedback | RwTable | RdTable
"""What a primitive needs beyond signals."""


@dataclass(frozen=True, slots=True)
class Equation:
    """A signal made of others by a primitive.

    >>> krs.graph(lambda x: x * x).equations[0].primitive
    'mul'
    """

    primitive: str
    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    params: Params = field(default_factory=NoParams)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form.

        >>> krs.graph(lambda x: x * x).equations[0].to_dict()["primitive"]
        {'name': 'mul', 'stateful': False}
        """
        return {
            "primitive": {"name": self.primitive, "stateful": self.primitive in STATEFUL},
            "inputs": [s.to_dict() for s in self.inputs],
            "outputs": [s.to_dict() for s in self.outputs],
            "params": _params_to_dict(self.params),
        }


@dataclass(frozen=True, slots=True, repr=False)
class DspGraph:
    """A DSP function: its inputs, its outputs, and the equations between them.

    >>> one = Equation("const", (), (Signal(0),), Const(1.0))
    >>> DspGraph((), (Signal(0),), (one,)).graph_key()[:8]
    'a5951f56'
    """

    inputs: tuple[Signal, ...]
    outputs: tuple[Signal, ...]
    equations: tuple[Equation, ...]
    precision: Precision = "float"

    def __repr__(self) -> str:
        """Say how large it is; ``krs.inspect`` draws it, ``to_dict`` has all of it."""
        size = f"{len(self.inputs)} in, {len(self.outputs)} out, {len(self.equations)} equations"
        controls = ", ".join(self.control_names())
        return f"<graph: {size}{controls and f', controls {controls}'}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form.

        >>> sorted(krs.graph(lambda x: x * x).to_dict())
        ['equations', 'inputs', 'outputs', 'precision', 'type']
        """
        return {
            "type": "dsp_graph",
            "inputs": [s.to_dict() for s in self.inputs],
            "outputs": [s.to_dict() for s in self.outputs],
            "equations": [e.to_dict() for e in self.equations],
            "precision": self.precision,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any], place: str = "$") -> DspGraph:
        """Read the JSON form.

        Raises ``IrError`` with the JSON path of what cannot be read.

        >>> square = krs.graph(lambda x: x * x)
        >>> krach.DspGraph.from_dict(square.to_dict()) == square
        True
        """
        if not isinstance(cast("object", data), Mapping) or data.get("type") != "dsp_graph":
            raise IrError(f"{place}.type", 'expected "dsp_graph"')
        equations = _list(data, "equations", place)
        return DspGraph(
            _signals(data, "inputs", place),
            _signals(data, "outputs", place),
            tuple(_equation(e, f"{place}.equations[{i}]") for i, e in enumerate(equations)),
            _precision(data, place),
        )

    def canonicalize(self) -> DspGraph:
        """Return the graph in canonical form.

        Signals are numbered 0, 1, 2… within each graph in the order in which they are first met: inputs, then
        inputs and outputs of each equation, then outputs. Bodies of loops count for themselves. Zeros have no
        sign, NaN has one form.

        >>> square = krs.graph(lambda x: x * x)
        >>> square.canonicalize().canonicalize() == square.canonicalize()
        True
        """
        ids: dict[int, int] = {}

        def rename(signals: Iterable[Signal]) -> tuple[Signal, ...]:
            return tuple(Signal(ids.setdefault(s.id, len(ids)), s.channels, s.precision) for s in signals)

        inputs = rename(self.inputs)
        equations: list[Equation] = []
        for e in self.equations:
            made_of, made = rename(e.inputs), rename(e.outputs)
            equations.append(Equation(e.primitive, made_of, made, _canonical_params(e.params, rename)))
        return DspGraph(inputs, rename(self.outputs), tuple(equations), self.precision)

    def canonical_bytes(self) -> bytes:
        """Return the binary form of the canonical form, which ``docs/ir.md`` describes.

        >>> len(krs.graph(lambda x: x * x).canonical_bytes())
        78
        """
        form = bytearray(b"KDG1")
        _put_graph(form, self.canonicalize())
        return bytes(form)

    def graph_key(self) -> str:
        """Return the key: graphs with equal keys share compiled code. 32 hexadecimal digits.

        >>> square, product = krs.graph(lambda x: x * x), krs.graph(lambda y: y * y)
        >>> square.graph_key() == product.graph_key()
        True
        >>> len(square.graph_key())
        32
        """
        return hashlib.blake2b(self.canonical_bytes(), digest_size=16).hexdigest()

    def control_names(self) -> tuple[str, ...]:
        """Return the names of the controls, each once, in the order in which they are met.

        >>> krs.graph(lambda: krs.control("cutoff", 800, 50, 8000) * krs.control("gain", 1, 0, 1)).control_names()
        ('cutoff', 'gain')
        """
        names: dict[str, None] = {}
        for e in self.equations:
            if isinstance(e.params, Control):
                names[e.params.name] = None
            elif isinstance(e.params, Feedback):
                names.update(dict.fromkeys(e.params.body_graph.control_names()))
        return tuple(names)


def _canonical_params(params: Params, rename: Any) -> Params:
    match params:
        case Const(value):
            return Const(_plain(value))
        case Control(name, init, lo, hi, step, unit, scale):
            return Control(name, _plain(init), _plain(lo), _plain(hi), _plain(step), unit, scale)
        case RdTable(data):
            return RdTable(tuple(_plain(x) for x in data))
        case Feedback(body, index, free):
            return Feedback(body.canonicalize(), index, rename(free))
        case _:
            return params


def _plain(x: float) -> float:
    """Return the number without what makes equal numbers differ in their bits."""
    return math.nan if math.isnan(x) else x + 0.0


def _put_graph(form: bytearray, graph: DspGraph) -> None:
    form.append(_precision_byte(graph.precision))
    _put_signals(form, graph.inputs)
    _put_signals(form, graph.outputs)
    form += struct.pack("<I", len(graph.equations))
    for e in graph.equations:
        _put_text(form, e.primitive)
        _put_signals(form, e.inputs)
        _put_signals(form, e.outputs)
        _put_params(form, e.params)


def _put_params(form: bytearray, params: Params) -> None:
    match params:
        case NoParams():
            form.append(0)
        case Const(value):
            form.append(1)
            form += struct.pack("<d", value)
        case Delay():
            form.append(2)
        case FaustExpr(template):
            form.append(3)
            _put_text(form, template)
        case Control(name, init, lo, hi, step, unit, scale):
            # One of which only the range is said has the form that it always had.
            is_more = bool(unit) or scale != "linear"
            form.append(8 if is_more else 4)
            _put_text(form, name)
            form += struct.pack("<4d", init, lo, hi, step)
            if is_more:
                _put_text(form, unit)
                form.append(SCALES.index(scale))
        case Feedback(body, index, free):
            form.append(5)
            form += struct.pack("<I", index)
            _put_signals(form, free)
            _put_graph(form, body)
        case RwTable(size):
            form.append(6)
            form += struct.pack("<I", size)
        case RdTable(data):
            form.append(7)
            form += struct.pack(f"<I{len(data)}d", len(data), *data)


def _put_signals(form: bytearray, signals: Sequence[Signal]) -> None:
    form += struct.pack("<I", len(signals))
    for s in signals:
        form += struct.pack("<IIB", s.id, s.channels, _precision_byte(s.precision))


def _put_text(form: bytearray, text: str) -> None:
    data = text.encode()
    form += struct.pack("<I", len(data)) + data


def _precision_byte(precision: Precision) -> int:
    return 1 if precision == "double" else 0


def _params_to_dict(params: Params) -> dict[str, Any]:
    match params:
        case NoParams():
            return {"type": "no"}
        case Const(value):
            return {"type": "const", "value": value}
        case Delay():
            return {"type": "delay"}
        case FaustExpr(template):
            return {"type": "faust_expr", "template": template}
        case Control(name, init, lo, hi, step, unit, scale):
            plain = {"type": "control", "name": name, "init": init, "lo": lo, "hi": hi, "step": step}
            return plain | ({"unit": unit} if unit else {}) | ({"scale": scale} if scale != "linear" else {})
        case Feedback(body, index, free):
            return {
                "type": "feedback",
                "body_graph": body.to_dict(),
                "feedback_input_index": index,
                "free_var_signals": [s.to_dict() for s in free],
            }
        case RwTable(size):
            return {"type": "rwtable", "size": size}
        case RdTable(data):
            return {"type": "rdtable", "data": list(data)}


def _equation(data: object, place: str) -> Equation:
    fields = _object(data, place)
    primitive = _object(fields.get("primitive"), f"{place}.primitive").get("name")
    if primitive not in ARITY:
        raise IrError(f"{place}.primitive.name", f"there is no primitive {primitive}")
    params = fields.get("params", {"type": "no"})
    return Equation(
        cast(str, primitive),
        _signals(fields, "inputs", place),
        _signals(fields, "outputs", place),
        _params(_object(params, f"{place}.params"), f"{place}.params"),
    )


def _params(data: Mapping[str, Any], place: str) -> Params:
    def given(name: str) -> Any:
        if data.get(name) is None:
            raise IrError(place, f"missing field `{name}`")
        return data[name]

    match data.get("type"):
        case "no":
            return NoParams()
        case "delay":
            return Delay()
        case "const":
            return Const(float(given("value")))
        case "faust_expr":
            return FaustExpr(str(given("template")))
        case "control":
            init, lo, hi, step = (float(given(name)) for name in ("init", "lo", "hi", "step"))
            scale = data.get("scale", "linear")
            if scale not in SCALES:
                raise IrError(f"{place}.scale", f"expected one of {', '.join(SCALES)}")
            return Control(str(given("name")), init, lo, hi, step, str(data.get("unit", "")), scale)
        case "feedback":
            body = DspGraph.from_dict(_object(given("body_graph"), f"{place}.body_graph"), f"{place}.body_graph")
            index = int(data.get("feedback_input_index", 0))
            return Feedback(body, index, _signals({"free_var_signals": [], **data}, "free_var_signals", place))
        case "rwtable":
            return RwTable(int(given("size")))
        case "rdtable":
            return RdTable(tuple(float(x) for x in given("data")))
        case other:
            raise IrError(f"{place}.type", f"there are no parameters of type {other}")


def _signals(data: Mapping[str, Any], name: str, place: str) -> tuple[Signal, ...]:
    return tuple(_signal(s, f"{place}.{name}[{i}]") for i, s in enumerate(_list(data, name, place)))


def _signal(data: object, place: str) -> Signal:
    fields = _object(data, place)
    if not isinstance(fields.get("id"), int):
        raise IrError(f"{place}.id", "expected a whole number")
    return Signal(int(fields["id"]), int(fields.get("channels", 1)), _precision(fields, place))


def _precision(data: Mapping[str, Any], place: str) -> Precision:
    precision = data.get("precision", "float")
    if precision not in ("float", "double"):
        raise IrError(f"{place}.precision", 'expected "float" or "double"')
    return precision


def _list(data: Mapping[str, Any], name: str, place: str) -> list[Any]:
    items = data.get(name)
    if not isinstance(items, list):
        raise IrError(f"{place}.{name}", "expected a list")
    return cast("list[Any]", items)


def _object(data: object, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise IrError(place, "expected an object")
    return cast("Mapping[str, Any]", data)

"""The checks that need only one node: fields in range, in the words of the plugin."""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from . import ir
from .error import Refused
from .tuning import read_tuning

_SHORT = "at most 2049 bytes long"
_FLOAT = "a number that 32 bits hold"


def step(op: str, place: int | None) -> str:
    """Return one step of a path: the operator and, where it has several children, which one the path enters."""
    match op, place:
        case ("Cat" | "Stack" | "Choose" | "Vary", int(place)):
            return f"{op}[{place}]"
        case ("Pick", int(place)):
            return "Pick[index]" if place == 0 else f"Pick[{place - 1}]"
        case ("Combine", int(place)):
            return f"Combine[{'right' if place else 'left'}]"
        case ("Every", int(place)):
            return f"Every[{'child' if place else 'transform'}]"
        case _:
            return op


def validate(root: ir.Node) -> int:
    """Check every node from the root down, in order; return how deep they nest. Raises ``PatternError``."""
    deepest = 0
    pending: list[tuple[ir.Node, int, int]] = [(root, 0, 0)]
    trail: list[tuple[ir.Node, int]] = []
    while pending:
        node, depth, place = pending.pop()
        del trail[depth:]
        trail.append((node, place))
        try:
            if depth > ir.MAX_DEPTH:
                raise Refused(f"IR tree exceeds maximum depth of {ir.MAX_DEPTH}")
            _check(node)
        except Refused as refused:
            span = next((n.span for n, _ in reversed(trail) if n.span), None)
            raise refused.at(_path(trail), span) from None
        deepest = max(deepest, depth)
        pending.extend(reversed([(below, depth + 1, i) for i, below in enumerate(node.below())]))
    return deepest


def _path(trail: list[tuple[ir.Node, int]]) -> str:
    steps: list[str] = []
    for i, (node, _) in enumerate(trail):
        last = i + 1 == len(trail)
        steps.append(step(node.op, None if last else trail[i + 1][1]))
        if i >= 8 and not last and len(trail) > 12:
            steps += ["…", trail[-1][0].op]
            break
    return " > ".join(steps)


def _require(holds: bool, text: str, *, with_path: bool = False) -> None:
    if not holds:
        raise Refused(text, with_path=with_path)


def _field(holds: bool, what: str, field: str, must: str) -> None:
    _require(holds, f"{what}: {field} must be {must}", with_path=True)


def _short(text: str) -> bool:
    return len(text.encode()) <= ir.MAX_LABEL


def single(x: float) -> float | None:
    """Return the number as 32 bits hold it; ``None`` where they do not."""
    try:
        (rounded,) = struct.unpack("<f", struct.pack("<f", x))
    except OverflowError:
        return None
    return rounded if math.isfinite(rounded) else None


def _check(node: ir.Node) -> None:
    match node:
        case ir.Atom(value):
            _check_value(value)
        case ir.Shape():
            _check_shape(node)
        case ir.Number() | ir.Name() | ir.Label() | ir.Combine() | ir.Split() | ir.Vary() | ir.Pick() | ir.Choose():
            _check_values(node)
        case _:
            _check_times(node)


def _check_times(node: ir.Node) -> None:
    match node:
        case ir.Cat(children) | ir.Stack(children):
            _require(bool(children), f"{node.op} requires at least one child")
        case ir.Zoom(begin, end):
            within = 0 <= _fraction(begin) < _fraction(end) <= 1
            _field(within, "Zoom", "from", "below to, both from 0 to 1")
        case ir.Segment(n):
            _field(1 <= n <= 4096, "Segment", "n", "1 to 4096")
        case ir.Tune(tuning, keys):
            _field(len(tuning.encode()) <= ir.MAX_TUNING, "Tune", "tuning", "at most 65536 bytes long")
            _field(len((keys or "").encode()) <= ir.MAX_TUNING, "Tune", "map", "at most 65536 bytes long")
            read_tuning(tuning, keys)
        case ir.Shuffle(kind, n):
            _field(kind in ir.SHUFFLE_KINDS, "Shuffle", "kind", "shuffle or scramble")
            _field(1 <= n <= 64, "Shuffle", "n", "1 to 64")
        case ir.Fast(factor) | ir.Slow(factor):
            _require(_fraction(factor) > 0, "fast/slow factor must be positive")
        case ir.Early(offset) | ir.Late(offset):
            _fraction(offset)
        case ir.Every(n):
            _require(n > 0, "every: n must be > 0")
        case ir.Euclid(pulses, steps):
            _require(steps > 0, "euclid: steps must be > 0")
            _require(pulses <= steps, "euclid: pulses must be <= steps")
        case ir.Degrade(prob) | ir.Chance(prob):
            _require(0.0 <= prob <= 1.0, f"{node.op.lower()}: prob must be in [0, 1]")
        case ir.Warp(kind, amount, grid):
            _require(kind == "swing", f"warp: unknown warp kind: {kind}")
            _require(grid > 0 and grid % 2 == 0, "warp: grid must be even and > 0")
            _require(0.0 < amount < 1.0, "warp: amount must be in (0, 1)")
        case _:
            pass


def _check_values(node: ir.Node) -> None:
    match node:
        case ir.Pick(_, children):
            _require(bool(children), "Pick requires at least one child")
        case ir.Choose(weights, _, children):
            _require(bool(children), "Choose requires at least one child")
            if weights is not None:
                _field(len(weights) == len(children), "Choose", "weights", "as many as children")
                _field(all(weight >= 0 for weight in weights), "Choose", "weights", "0 or more each")
                _field(0 < sum(weights) < math.inf, "Choose", "weights", "more than 0 together")
        case ir.Number(value):
            _field(math.isfinite(value), "Number", "value", "a finite number")
        case ir.Label(label):
            _field(bool(label), "Label", "label", "the name of a control")
            _field(_short(label), "Label", "label", _SHORT)
        case ir.Name(name):
            _field(_short(name), "Name", "name", _SHORT)
        case ir.Combine(kind, structure):
            kinds = "add, sub, mul, div, mod, set, keep, mask, scale, inv, voicing or inv_stack"
            _field(kind in ir.COMBINE_KINDS, "Combine", "kind", kinds)
            _field(structure in ir.STRUCTURES, "Combine", "structure", "left, right or both")
        case ir.Split(kind, n):
            kinds = "ply, up, down, updown, downup, converge, diverge, rolled or rolled_down"
            _field(kind in ir.SPLIT_KINDS, "Split", "kind", kinds)
            _field(1 <= n <= 256, "Split", "n", "1 to 256")
        case ir.Vary(kind, by):
            _field(kind in ir.VARY_KINDS, "Vary", "kind", "fast, slow, early, late, chance, euclid or every")
            numbers = (2, 3) if kind == "euclid" else (1,)
            must = "pulses, steps and perhaps rotation" if kind == "euclid" else "one pattern"
            _field(len(by) in numbers, "Vary", "by", must)
            must = "there with the kind every, and with no other"
            _field((node.transform is not None) == (kind == "every"), "Vary", "transform", must)
        case _:
            pass


def _fraction(ratio: ir.Ratio) -> Fraction:
    _require(ratio[1] != 0, "time value has zero denominator")
    return Fraction(*ratio)


def _check_value(value: ir.Value) -> None:
    match value:
        case ir.Note(channel, note, velocity, dur):
            _field(0 <= channel < 16, "Note", "channel", "0 to 15")
            _field(0 <= note < 128, "Note", "note", "0 to 127")
            _field(0 <= velocity < 128, "Note", "velocity", "0 to 127")
            _field(0 <= dur < math.inf, "Note", "dur", "0 or more cycles")
        case ir.Cc(channel, controller, level):
            _field(0 <= channel < 16, "Cc", "channel", "0 to 15")
            _field(0 <= controller < 128, "Cc", "controller", "0 to 127")
            _field(0 <= level < 128, "Cc", "value", "0 to 127")
        case ir.Control(label, number):
            _field(_short(label), "Control", "label", _SHORT)
            _field(single(number) is not None, "Control", "value", _FLOAT)
        case ir.Osc():
            pass
        case ir.Named():
            _field(False, "Control", "value", "a number; a name is a Name below a Label")


def _check_shape(shape: ir.Shape) -> None:
    if shape.kind not in ir.SHAPE_KINDS:
        known = f"; known are {', '.join(ir.SHAPE_KINDS)}"
        raise Refused(f"shape: unknown shape kind: {shape.kind}", with_path=True, after=known)
    _field(_short(shape.label), "shape", "label", _SHORT)
    _field(single(shape.lo) is not None, "shape", "lo", _FLOAT)
    _field(single(shape.hi) is not None, "shape", "hi", _FLOAT)
    _field(shape.duty is None or 0.0 <= shape.duty <= 1.0, "shape", "duty", "in [0, 1]")
    if shape.kind == "custom":
        _field(bool(shape.table), "shape", "table", "a list of at least one value")
        _field(all(single(x) is not None for x in shape.table or ()), "shape", "table", "numbers that 32 bits hold")

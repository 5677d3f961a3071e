"""Patterns from JSON values and to them, of any depth that a pattern may have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, cast

from . import ir
from .error import PatternError

_MAX_DEEP = 2 * ir.MAX_DEPTH
"""A tree that is a little too deep is still refused as a pattern, with its place."""


def pattern_node_to_dict(node: ir.Node) -> dict[str, Any]:
    """Return the JSON form of a tree.

    >>> krp.serialize.pattern_node_to_dict(krp.rest().node)
    {'op': 'Silence'}
    """
    done: list[dict[str, Any]] = []
    for each in reversed(list(node.walk())):
        # The children of a node are the last that were done, the first of them on top.
        below = [done.pop() for _ in each.below()]
        data: dict[str, Any] = {"op": each.op}
        for f in fields(each):
            value = getattr(each, f.name)
            if value is not None and not (f.name in {"invert", "plain"} and not value):
                data[f.name.rstrip("_")] = _written(value)
        # In the order of their places, which is not that of the fields.
        for name in ir.BELOW[type(each)]:
            value = getattr(each, name)
            if value is None:
                continue
            count = len(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else None
            data[name] = below.pop(0) if count is None else [below.pop(0) for _ in range(count)]
        if "span" in data:
            data["span"] = data.pop("span")
        done.append(data)
    return done.pop()


def _written(value: Any) -> Any:
    match value:
        case tuple():
            return list(cast("tuple[Any, ...]", value))
        case ir.Osc(address, args):
            return {"type": "Osc", "address": address, "args": [_argument(arg) for arg in args]}
        case ir.Named(label, name):
            return {"type": "Control", "label": label, "value": name}
        case ir.Note() | ir.Cc() | ir.Control():
            return {"type": type(value).__name__} | {f.name: getattr(value, f.name) for f in fields(value)}
        case _:
            return value


def _argument(arg: float | str) -> dict[str, Any]:
    kind = "Str" if isinstance(arg, str) else "Int" if isinstance(arg, int) else "Float"
    return {kind: arg}


def dict_to_pattern_node(data: Mapping[str, Any]) -> ir.Node:
    """Read the JSON form of a tree; unknown fields are ignored. Raises ``PatternError`` with the place.

    >>> krp.serialize.dict_to_pattern_node({"op": "Cat", "children": [{"op": "Fats"}]})
    Traceback (most recent call last):
    krach.pattern.error.PatternError: not a pattern (at /children/0): unknown op `Fats`
    """
    # Down: nodes before those below them; each with its kind and its place.
    opened: list[tuple[Mapping[str, Any], type[ir.Node], str]] = []
    pending: list[tuple[object, str, int]] = [(data, "", 0)]
    while pending:
        given, place, depth = pending.pop()
        kind = _kind(given, place)
        if depth > _MAX_DEEP:
            raise PatternError(f"IR tree exceeds maximum depth of {ir.MAX_DEPTH}", place=place or "/")
        node = cast("Mapping[str, Any]", given)
        opened.append((node, kind, place))
        for name in ir.BELOW[kind]:
            for at, child in _children(node, kind, name, place):
                pending.append((child, at, depth + 1))
    # Up: the last child stands first in the list, so going backwards finishes children in order.
    done: list[ir.Node] = []
    for node, kind, place in reversed(opened):
        done.append(_finished(node, kind, place, done))
    return done.pop()


def _wrong(place: str, message: str) -> PatternError:
    return PatternError(f"not a pattern (at {place or '/'}): {message}", place=place or "/")


def _kind(given: object, place: str) -> type[ir.Node]:
    if not isinstance(given, Mapping):
        raise _wrong(place, 'a pattern is an object with an "op"')
    op = cast("Mapping[str, Any]", given).get("op")
    if not isinstance(op, str):
        raise _wrong(place, "missing field `op`")
    if op not in ir.OPERATORS:
        raise _wrong(place, f"unknown op `{op}`")
    return ir.OPERATORS[op]


def _children(node: Mapping[str, Any], kind: type[ir.Node], name: str, place: str) -> list[tuple[str, object]]:
    if kind is ir.Vary and name == "transform" and node.get(name) is None:
        return []
    if name not in node:
        raise _wrong(place, f"missing field `{name}`")
    value = node[name]
    if name not in ("children", "by"):
        return [(f"{place}/{name}", value)]
    if not isinstance(value, list | tuple):
        raise _wrong(place, f"`{name}` is a list of patterns")
    return [(f"{place}/{name}/{i}", child) for i, child in enumerate(cast("list[object]", value))]


def _finished(node: Mapping[str, Any], kind: type[ir.Node], place: str, done: list[ir.Node]) -> ir.Node:
    values: dict[str, Any] = {}
    for name in reversed(ir.BELOW[kind]):
        if name in ("children", "by"):
            count = len(node[name])
            values[name] = tuple(done[len(done) - count :])
            del done[len(done) - count :]
        elif name != "transform" or node.get(name) is not None:
            values[name] = done.pop()
    for f in fields(kind):
        if f.name in values or f.name in ("span", "transform"):
            continue
        key = f.name.rstrip("_")
        try:
            values[f.name] = _read(kind, f.name, node.get(key), key in node)
        except KeyError:
            raise _wrong(place, f"missing field `{key}`") from None
        except _Unfit as unfit:
            raise _wrong(place, f"`{key}`: {unfit}") from None
    return kind(span=_span(node.get("span")), **values)


class _Unfit(Exception):
    """A value that does not fit its field."""


def _span(value: object) -> ir.Span | None:
    """A span that is not understood changes nothing, so it refuses nothing."""
    try:
        start, end = _pair(value, 0, (1 << 32) - 1)
    except _Unfit:
        return None
    return start, end


def _pair(value: object, least: int, most: int) -> ir.Ratio:
    if not isinstance(value, list | tuple) or len(cast("list[object]", value)) != 2:
        raise _Unfit("expected two whole numbers")
    a, b = cast("list[object]", value)
    return _whole(a, least, most), _whole(b, least, most)


def _whole(value: object, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise _Unfit(f"expected a whole number from {least} to {most}")
    return value


def _float(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Unfit("expected a number")
    try:
        return float(value)
    except OverflowError:
        raise _Unfit("number out of range") from None


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit("expected a text")
    return value


def _floats(value: object) -> tuple[float, ...]:
    if not isinstance(value, list | tuple):
        raise _Unfit("expected a list of numbers")
    return tuple(_float(x) for x in cast("list[object]", value))


def _bool(value: object) -> bool:
    if not isinstance(value, bool):
        raise _Unfit("expected true or false")
    return value


_U8, _U32, _U64 = (1 << 8) - 1, (1 << 32) - 1, (1 << 64) - 1
_I64 = (-(1 << 63), (1 << 63) - 1)

_FIELDS: dict[str, Callable[[object], Any]] = {
    **dict.fromkeys(["factor", "offset", "from_", "to"], lambda value: _pair(value, *_I64)),
    **dict.fromkeys(["n", "pulses", "steps", "grid"], lambda value: _whole(value, 0, _U32)),
    **dict.fromkeys(["prob", "amount", "lo", "hi", "duty", "value"], _float),
    **dict.fromkeys(["kind", "label", "name", "structure", "tuning", "map"], _text),
    **dict.fromkeys(["weights", "table"], _floats),
    "rotation": lambda value: _whole(value, *_I64),
    "seed": lambda value: _whole(value, 0, _U64),
    "invert": _bool,
    "plain": _bool,
}
"""How each field is read."""

_LEFT_OUT: dict[str, Any] = {
    **{"rotation": 0, "seed": 0, "invert": False, "plain": False},
    **dict.fromkeys(["weights", "duty", "table", "map"]),
}
"""Fields that may be left out, or null, and what they are then."""


def _read(kind: type[ir.Node], name: str, value: object, given: bool) -> Any:
    if value is None and name in _LEFT_OUT:
        return None if kind is ir.Shape else _LEFT_OUT[name]
    if not given:
        raise KeyError(name)
    return _value(value) if kind is ir.Atom else _FIELDS[name](value)


def _value(value: object) -> ir.Value:
    if not isinstance(value, Mapping):
        raise _Unfit('expected a value, which is an object with a "type"')
    data = cast("Mapping[str, Any]", value)

    def get(name: str, read: Callable[[object], Any]) -> Any:
        if name not in data:
            raise _Unfit(f"missing field `{name}`")
        try:
            return read(data[name])
        except _Unfit as unfit:
            raise _Unfit(f"`{name}`: {unfit}") from None

    def small(value: object) -> int:
        return _whole(value, 0, _U8)

    match data.get("type"):
        case "Control":
            return ir.Control(get("label", _text), get("value", _float))
        case "Note":
            return ir.Note(get("channel", small), get("note", small), get("velocity", small), get("dur", _float))
        case "Cc":
            return ir.Cc(get("channel", small), get("controller", small), get("value", small))
        case "Osc":
            return ir.Osc(get("address", _text), get("args", _arguments) if "args" in data else ())
        case None:
            raise _Unfit("missing field `type`")
        case other:
            raise _Unfit(f"unknown variant `{other}`, expected one of `Note`, `Cc`, `Osc`, `Control`")


def _arguments(value: object) -> tuple[float | int | str, ...]:
    if not isinstance(value, list | tuple):
        raise _Unfit("expected a list of arguments")
    return tuple(_read_argument(arg) for arg in cast("list[object]", value))


def _read_argument(arg: object) -> float | int | str:
    if isinstance(arg, Mapping) and len(cast("Mapping[str, Any]", arg)) == 1:
        match next(iter(cast("Mapping[str, object]", arg).items())):
            case "Float", value:
                return _float(value)
            case "Int", value:
                return _whole(value, *_I64)
            case "Str", value:
                return _text(value)
            case _:
                pass
    raise _Unfit('expected {"Float": x}, {"Int": i} or {"Str": s}')

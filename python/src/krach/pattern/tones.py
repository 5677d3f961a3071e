"""The trees that hits and notes are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from . import ir
from .error import PatternError


def control_node(label: str, value: float) -> ir.Atom:
    """Return a control that takes a value once per cycle."""
    try:
        return ir.Atom(ir.Control(label, float(value)))
    except OverflowError:
        raise PatternError(f"{label}: this number is too large for 64 bits") from None


def hit_node(label: str, begins: Iterable[ir.Node] = ()) -> ir.Freeze:
    """Return a gate that opens and closes, with other controls at its beginning."""
    start = (*begins, control_node(label, 1.0))
    first = start[0] if len(start) == 1 else ir.Stack(start)
    return ir.Freeze(ir.Cat((first, control_node(label, 0.0))))


def note_node(hz: float, vel: float = 1.0, params: Mapping[str, float] | None = None) -> ir.Freeze:
    """Return a frequency and a gate that closes after half the step."""
    begins = [control_node("freq", hz)]
    if vel != 1.0:
        begins.append(control_node("vel", vel))
    begins += [control_node(name, value) for name, value in (params or {}).items()]
    return hit_node("gate", begins)

"""Continuous controls: a value as a function of the phase."""

from __future__ import annotations

import math

from .chance import noise
from .ir import Shape


def value_at(shape: Shape, period: int, phase: float, session: int = 0) -> float:
    """Return the value at a phase in [0, 1] of a period."""
    return shape.lo + (shape.hi - shape.lo) * _unit(shape, period, phase, session)


def _unit(shape: Shape, period: int, phase: float, session: int) -> float:
    match shape.kind:
        case "sine":
            return 0.5 + 0.5 * _sine(phase)
        case "tri":
            return 1.0 - abs(2.0 * phase - 1.0)
        case "ramp":
            return phase
        case "ramp_down":
            return 1.0 - phase
        case "square":
            return float(phase < 0.5)
        case "exp":
            return phase * phase
        case "pulse":
            return float(phase < (0.5 if shape.duty is None else shape.duty))
        case "custom":
            return _lookup(shape.table or (), phase)
        case _:
            seed = (shape.seed or 0) + session
            a, b = noise(seed, period), noise(seed, period + 1)
            # smoothstep: no corners where one period meets the next
            return a + (b - a) * (phase * phase * (3.0 - 2.0 * phase))


# From the last term of each series to the first: each is the one before it times -x² / (n (n - 1)).
_SINE = [1.0 / (n * (n - 1)) for n in range(17, 1, -2)]
_COSINE = [1.0 / (n * (n - 1)) for n in range(16, 1, -2)]


def _sine(phase: float) -> float:
    """Return sin(2πp) with the sums of the plugin in their order (``patterns/src/shape.rs``), so the same to the bit.

    Around the nearest quarter of the period the Taylor series of sine or cosine.
    """
    quarter = math.floor(4.0 * phase + 0.5)
    x = math.tau * (phase - 0.25 * quarter)
    is_cosine = quarter & 1
    square = x * x
    total = 1.0
    for term in _COSINE if is_cosine else _SINE:
        total = 1.0 - total * (square * term)
    value = total if is_cosine else x * total
    return value if quarter & 2 == 0 else -value


def _lookup(table: tuple[float, ...], phase: float) -> float:
    if not table:
        return 0.0
    at = min(max(phase, 0.0), 1.0) * len(table)
    i = min(int(at), len(table) - 1)
    a, b = table[i], table[(i + 1) % len(table)]
    return a + (b - a) * (at - i)

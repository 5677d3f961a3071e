"""Numbers as fractions, as the plugin takes them."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

from .error import PatternError
from .ir import Ratio

Cycles: TypeAlias = int | float | Fraction
"""A number: whole, exact or a float. A float becomes the nearest fraction with a denominator up to 256."""

MAX_DENOMINATOR = 256
"""Largest denominator that a float becomes a fraction with."""

LIMIT = 1 << 62
"""Largest numerator and denominator of a factor or an offset."""


def ratio(number: Cycles) -> Ratio:
    """Return a number as numerator and denominator. Raises ``PatternError`` for NaN and infinity.

    >>> from krach.pattern.ratio import ratio
    >>> ratio(0.1), ratio(1 / 3), ratio(Fraction(1, 1000))
    ((1, 10), (1, 3), (1, 1000))
    """
    if isinstance(number, int):
        return number, 1
    if isinstance(number, Fraction):
        return number.numerator, number.denominator
    if not math.isfinite(number):
        raise PatternError(f"{number} is no number of cycles")
    return limited(number)


def limited(x: float) -> Ratio:
    """Return the nearest fraction with a denominator up to 256, by continued fractions."""
    if abs(x) >= 1e15:
        return int(x), 1
    sign, x = (-1, -x) if x < 0 else (1, x)
    n0, d0, n1, d1 = 0, 1, 1, 0
    rest = x

    def off(n: int, d: int) -> float:
        return abs(n / d - x)

    while True:
        a = math.floor(rest)
        if d1 > 0 and d0 + a * d1 > MAX_DENOMINATOR:
            k = (MAX_DENOMINATOR - d0) // d1
            shorter = (n0 + k * n1, d0 + k * d1)
            n, d = (n1, d1) if off(n1, d1) <= off(*shorter) else shorter
            return sign * n, d
        n0, d0, n1, d1 = n1, d1, n0 + a * n1, d0 + a * d1
        part = rest - a
        if part < 1e-9:
            return sign * n1, d1
        rest = 1.0 / part


def exactly(x: float) -> Fraction | None:
    """Return the fraction with the smallest denominator that ``x`` is the nearest float to.

    0.6 is 3/5, though its bits say something with a denominator of 2^53. ``None`` where even that fraction does
    not fit into 53 bits.

    >>> from krach.pattern.ratio import exactly
    >>> exactly(2 / 3)
    Fraction(2, 3)
    """
    size = abs(x)
    if math.isnan(x) or size >= 9e15:
        return None
    if size == math.floor(size):
        return Fraction(int(x))
    found = _between(size, math.floor(size))
    if found is None:
        return None
    return Fraction(-found[0] if x < 0 else found[0], found[1])


def simplest(x: float) -> Fraction | None:
    """Return ``exactly(x)`` for 0 < x < 1, else ``None``."""
    return exactly(x) if 0.0 < x < 1.0 else None


def _between(x: float, floor: int) -> Ratio | None:
    # The Stern-Brocot tree, with steps taken in bulk.
    left, right = (floor, 1), (floor + 1, 1)
    for _ in range(256):
        n, d = left[0] + right[0], left[1] + right[1]
        if not _small((n, d)):
            return None
        if n / d == x:
            return n, d
        go_right = n / d < x
        moved = _moved(x, left, right) if go_right else _moved(x, right, left)
        if moved is None:
            return None
        left, right = (moved, right) if go_right else (left, moved)
    return None


def _small(ratio: Ratio) -> bool:
    return max(ratio) < 1 << 53


def _moved(x: float, start: Ratio, by: Ratio) -> Ratio | None:
    """Return where the most steps of ``by`` lead that stay on this side of ``x``."""

    def at(k: int) -> Ratio:
        return start[0] + by[0] * k, start[1] + by[1] * k

    below = start[0] / start[1] < x

    def stays(k: int) -> bool:
        n, d = at(k)
        return _small((n, d)) and (n / d < x if below else n / d > x)

    low = 1
    while stays(low * 2):
        low *= 2
    high = low * 2
    while high - low > 1:
        k = low + (high - low) // 2
        low, high = (k, high) if stays(k) else (low, k)
    return at(low) if _small(at(low)) else None


def plain(x: float) -> str:
    """Write a number in full, without an exponent, as short as it can be."""
    if not math.isfinite(x):
        return {"inf": "inf", "-inf": "-inf"}.get(repr(x), "NaN")
    return format(Decimal(repr(x)), "f").removesuffix(".0")

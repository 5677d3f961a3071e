"""Sequences of steps that are not equally long."""

from __future__ import annotations

import math
from fractions import Fraction

from . import ir

_MAX_TOTAL = 1 << 24
"""Largest sum of the weights of a sequence, in the finest of them."""


def _whole(weights: list[ir.Ratio]) -> list[int] | None:
    """Return weights as whole numbers in the same proportion, as small as they can be."""
    den = 1
    for _, d in weights:
        den = math.lcm(den, d)
        if den > _MAX_TOTAL:
            return None
    scaled = [n * (den // d) for n, d in weights]
    common = math.gcd(*scaled) or 1
    scaled = [weight // common for weight in scaled]
    return scaled if sum(scaled) <= _MAX_TOTAL else None


def total(weights: list[ir.Ratio]) -> Fraction | None:
    """Return the sum of weights; ``None`` if they have no common measure that is coarse enough."""
    den = math.lcm(*(d for _, d in weights))
    return None if den > _MAX_TOTAL else sum((Fraction(*weight) for weight in weights), Fraction(0))


def weighted(nodes: list[ir.Node], weights: list[ir.Ratio]) -> ir.Node | None:
    """Return a sequence within one cycle, each step as long as its weight says.

    Equal weights make a ``Cat``. For others the cycle is halved, each half being a sequence of its own, and ``Warp``
    moves the border between the halves. ``None``: the weights have no common measure that is coarse enough.
    """
    whole = _whole(weights)
    return None if whole is None else _weighed(nodes, whole)


def _weighed(nodes: list[ir.Node], weights: list[int]) -> ir.Node:
    if not nodes:
        return ir.Silence()
    if len(nodes) == 1:
        return nodes[0]
    if len(set(weights)) == 1:
        return ir.Cat(tuple(nodes))
    half = len(nodes) // 2
    halves = (_weighed(nodes[:half], weights[:half]), _weighed(nodes[half:], weights[half:]))
    return ir.Warp("swing", sum(weights[:half]) / sum(weights), 2, ir.Cat(halves))

"""Throws: numbers in [0, 1) that depend on where they are thrown, and on nothing else."""

from __future__ import annotations

from fractions import Fraction

_MASK = (1 << 64) - 1


def _mix(z: int) -> int:
    """Return the last step of SplitMix64 (Steele, Lea, Flood 2014)."""
    z = (z + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def throw(seed: int, session: int, a: int, b: int) -> float:
    """Return the throw at two numbers, for a place in the text and a session."""
    mixed = _mix(seed & _MASK)
    for following in (session, a, b):
        mixed = _mix(mixed ^ (following & _MASK))
    return (mixed >> 11) / (1 << 53)


def throw_at(seed: int, session: int, time: Fraction) -> float:
    """Return the throw at a time."""
    return throw(seed, session, time.numerator, time.denominator)


def order(seed: int, session: int, cycle: int, n: int, scramble: bool) -> list[int]:
    """Return which piece of a cycle stands in which of ``n`` places: each once, or with ``scramble`` any."""
    pieces = list(range(n))
    for place in range(n):
        thrown = throw(seed, session, cycle, 2 + place)
        if scramble:
            pieces[place] = int(thrown * n)
        else:
            pick = place + int(thrown * (n - place))
            pieces[place], pieces[pick] = pieces[pick], pieces[place]
    return pieces


def old_hash(a: int, b: int) -> int:
    """Return the hash of ``Degrade`` and of random shapes."""
    return ((a * 6364136223846793005 + b) * 1442695040888963407) & _MASK


def old_throw_at(seed: int, session: int, time: Fraction) -> float:
    """Return the throw of ``Degrade`` at a time."""
    mixed = old_hash(seed + session, old_hash(time.numerator, time.denominator))
    return (mixed % 10_000) / 10_000.0


def noise(seed: int, period: int) -> float:
    """Return the value of a random shape at the beginning of a period."""
    seed &= _MASK
    h = old_hash(seed, old_hash(period, 1))
    h ^= h >> 32
    h = old_hash(h, seed)
    h ^= h >> 29
    return (h >> 11) / (1 << 53)

"""Bjorklund's algorithm: pulses spread over steps as evenly as can be."""

from __future__ import annotations


def euclid_hits(pulses: int, steps: int, rotation: int = 0) -> list[int]:
    """Return the steps that sound, in rising order; the row is rotated left.

    Source: E. Bjorklund, *The Theory of Rep-Rate Pattern Generation in the SNS Timing System* (2003). The work
    grows with the pulses, not with the steps: a row is the numbers of rests after each of its hits.

    >>> krp.euclid_hits(3, 8), krp.euclid_hits(3, 8, 3)
    ([0, 3, 6], [0, 3, 5])
    """
    pulses = min(pulses, steps)
    if pulses <= 0:
        return []
    # So many copies of the row a, then so many of b; b is rests alone as long as it has no hit.
    a, heads = [0], pulses
    b: list[int] | int = 1
    tails = steps - pulses
    while tails > 1:
        if heads <= tails:
            # As many whole rounds at once as would come one by one.
            rounds = (tails - max(heads, 2)) // heads + 1
            a = _joined(a, b, rounds)
            tails -= rounds * heads
        else:
            before = a
            a = _joined(a, b, 1)
            heads, tails = tails, heads - tails
            b = before
    hits: list[int] = []
    step = 0
    for row, copies in ((a, heads), (b, tails)):
        for _ in range(copies):
            if isinstance(row, int):
                step += row
                continue
            for rests in row:
                hits.append(step)
                step += 1 + rests
    return sorted((hit - rotation) % steps for hit in hits)


def _joined(row: list[int], other: list[int] | int, times: int) -> list[int]:
    if isinstance(other, int):
        return [*row[:-1], row[-1] + other * times]
    return row + other * times

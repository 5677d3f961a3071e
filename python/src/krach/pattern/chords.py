"""Chords: in which order their notes are played, and how many events can have one whole at one moment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from .draft import Arpeggio, At, Chosen, Divided, Draft, Held, Inverted, Join, Layers, Meet, Steps, Turns, some

MAX_CHORD = 64
"""Most notes of one chord."""


def order(kind: str, count: int) -> list[int]:
    """Return which of the notes of a chord are played after one another.

    >>> from krach.pattern.chords import order
    >>> order("updown", 4), order("converge", 4)
    ([0, 1, 2, 3, 2, 1], [0, 3, 1, 2])
    """
    up = list(range(count))
    match kind:
        case "down" | "rolled_down":
            return up[::-1]
        case "updown":
            # The outer notes once each.
            return up + up[-2:0:-1]
        case "downup":
            return up[::-1] + up[1:-1]
        case "converge":
            return [place // 2 if place % 2 == 0 else count - 1 - place // 2 for place in up]
        case "diverge":
            return order("converge", count)[::-1]
        case _:
            return up


def turned_over(pitches: list[float], by: int) -> list[tuple[int, int]]:
    """Return the notes of a chord that is turned over, from the lowest on, and by how many octaves each moves.

    Of notes of one pitch the first is the lowest and the last the highest.

    >>> from krach.pattern.chords import turned_over
    >>> turned_over([67, 60, 64], 1), turned_over([60, 60], -1)
    ([(2, 0), (0, 0), (1, 1)], [(1, -1), (0, 0)])
    """
    notes, octaves = range(len(pitches)), [0] * len(pitches)

    def pitch(note: int) -> float:
        return pitches[note] + 12.0 * octaves[note]

    for _ in range(abs(by)):
        if by > 0:
            octaves[min(notes, key=pitch)] += 1
        else:
            octaves[max(reversed(notes), key=pitch)] -= 1
    return [(note, octaves[note]) for note in sorted(notes, key=pitch)]


@dataclass(frozen=True, slots=True)
class Chords:
    """What is known of the events of a node at any one moment.

    ``layers`` is how many there are at most, ``most`` how many of them can have the same whole; ``solid``: all of
    them have it always, and it is the node's cycle; ``even``: those that have it have the same part.
    """

    layers: int = 1
    most: int = 1
    solid: bool = True
    even: bool = True

    def loose(self) -> Chords:
        """Return the same where events may be shorter than the cycle, or not be."""
        return replace(self, solid=False)


def _any(layers: int) -> Chords:
    """Return so many layers, any of which may make a chord."""
    return Chords(layers, layers, False, layers == 1)


def _either(kids: Iterable[Chords]) -> Chords:
    kids = list(kids)
    even = all(kid.even for kid in kids)
    return Chords(max(kid.layers for kid in kids), max(kid.most for kid in kids), False, even)


def _stacked(kids: list[Chords]) -> Chords:
    layers = sum(kid.layers for kid in kids)
    solid = all(kid.solid for kid in kids)
    return Chords(layers, layers if solid else sum(kid.most for kid in kids), solid, solid or layers <= 1)


def _cut(first: Chords, second: Chords, holes: bool) -> Chords:
    """Return what is known of the events of the first cut by those of the second."""
    layers = first.layers * second.layers
    if second.layers > 1 or (holes and first.layers > 1):
        return replace(_any(layers), even=False)
    return Chords(layers, first.most, first.solid and second.solid and not holes, first.even)


def _noted(below: Chords, lengths: set[int]) -> Chords:
    """Return what is known where each event becomes notes with its whole, as many as one of these numbers says."""
    layers = below.layers * max(lengths)
    if not below.even and layers > 1:
        # What sounds is cut where the others begin and end.
        return replace(_any(layers), even=False)
    return Chords(layers, below.most * max(lengths), below.solid and len(lengths) == 1)


def chords_of(node: Draft, known: dict[int, Chords] | None = None) -> Chords:
    """Return what is known of the events of a node without units."""
    known = {} if known is None else known
    if node.number not in known:
        known[node.number] = _chords(node, known)
    return known[node.number]


def _chords(node: Draft, known: dict[int, Chords]) -> Chords:
    def of(node: Draft) -> Chords:
        return chords_of(node, known)

    match node:
        case At():
            return Chords()
        case Layers(kids=kids):
            return _stacked([of(kid) for kid in kids])
        case Steps(kids=kids) | Chosen(kids=kids) | Turns(kids=kids):
            return _either(of(kid) for kid in some(kids))
        case Join(selector=selector, kids=kids):
            either, layers = _either(of(kid) for kid in some(kids.values())), of(selector).layers
            return either if layers == 1 else _any(layers * either.layers)
        case Meet(structure=structure, left=left, right=right, holes=holes):
            if structure == "both":
                return _any(of(left).layers * of(right).layers)
            return _cut(of(left), of(right), holes) if structure == "left" else _cut(of(right), of(left), holes)
        case Divided(kid=kid):
            below = of(kid)
            return below.loose() if below.solid or below.layers <= 1 else _any(below.layers)
        case Arpeggio(kid=kid, kind=kind, notes=notes):
            below = of(kid)
            longest = max(map(len, notes.values()), default=1) if kind.startswith("rolled") else 1
            layers = below.layers * longest
            # Notes of one chord never have the same whole.
            if below.solid or below.layers <= 1:
                return Chords(layers, 1, False)
            return _any(layers)
        case Inverted(kid=kid, turned=turned):
            return _noted(of(kid), {len(inversion.notes) for inversion in turned.values()})
        case Held(kid=kid):
            below = of(kid)
            return below.loose() if below.solid else replace(_any(below.layers), even=True)
        case _:
            return of(node.below()[0]).loose()

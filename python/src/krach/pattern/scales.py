"""Scales and chords by name, as semitones above a root."""

from __future__ import annotations

import difflib
import math
import re

from .pitch import key_of

# Scales of twelve equal steps to the octave, as theory books list them: names and degrees.
# fmt: off
_SCALES = (
    (("major", "ionian"), (0, 2, 4, 5, 7, 9, 11)),
    (("minor", "aeolian"), (0, 2, 3, 5, 7, 8, 10)),
    (("dorian",), (0, 2, 3, 5, 7, 9, 10)),
    (("phrygian",), (0, 1, 3, 5, 7, 8, 10)),
    (("lydian",), (0, 2, 4, 6, 7, 9, 11)),
    (("mixolydian",), (0, 2, 4, 5, 7, 9, 10)),
    (("locrian",), (0, 1, 3, 5, 6, 8, 10)),
    (("harmonicMinor",), (0, 2, 3, 5, 7, 8, 11)),
    (("melodicMinor",), (0, 2, 3, 5, 7, 9, 11)),
    (("harmonicMajor",), (0, 2, 4, 5, 7, 8, 11)),
    (("melodicMajor", "mixolydianFlat6"), (0, 2, 4, 5, 7, 8, 10)),
    (("doubleHarmonic", "byzantine"), (0, 1, 4, 5, 7, 8, 11)),
    (("hungarianMinor",), (0, 2, 3, 6, 7, 8, 11)),
    (("hungarianMajor",), (0, 3, 4, 6, 7, 9, 10)),
    (("neapolitanMinor",), (0, 1, 3, 5, 7, 8, 11)),
    (("neapolitanMajor",), (0, 1, 3, 5, 7, 9, 11)),
    (("ukrainianDorian", "romanianMinor"), (0, 2, 3, 6, 7, 9, 10)),
    (("phrygianDominant", "freygish"), (0, 1, 4, 5, 7, 8, 10)),
    (("lydianDominant", "acoustic"), (0, 2, 4, 6, 7, 9, 10)),
    (("lydianAugmented",), (0, 2, 4, 6, 8, 9, 11)),
    (("lydianMinor",), (0, 2, 4, 6, 7, 8, 10)),
    (("locrianMajor",), (0, 2, 4, 5, 6, 8, 10)),
    (("superLocrian", "altered"), (0, 1, 3, 4, 6, 8, 10)),
    (("locrianNatural2", "halfDiminished"), (0, 2, 3, 5, 6, 8, 10)),
    (("locrianNatural6",), (0, 1, 3, 5, 6, 9, 10)),
    (("dorianFlat2",), (0, 1, 3, 5, 7, 9, 10)),
    (("ionianAugmented",), (0, 2, 4, 5, 8, 9, 11)),
    (("lydianSharp2",), (0, 3, 4, 6, 7, 9, 11)),
    (("ultraLocrian",), (0, 1, 3, 4, 6, 8, 9)),
    (("enigmatic",), (0, 1, 4, 6, 8, 10, 11)),
    (("persian",), (0, 1, 4, 5, 6, 8, 11)),
    (("oriental",), (0, 1, 4, 5, 6, 9, 10)),
    (("gypsy",), (0, 2, 3, 6, 7, 8, 10)),
    (("leadingWholeTone",), (0, 2, 4, 6, 8, 10, 11)),
    (("majorPentatonic", "pentatonic"), (0, 2, 4, 7, 9)),
    (("minorPentatonic",), (0, 3, 5, 7, 10)),
    (("suspendedPentatonic", "egyptian"), (0, 2, 5, 7, 10)),
    (("bluesMinorPentatonic",), (0, 3, 5, 8, 10)),
    (("bluesMajorPentatonic", "ritusen"), (0, 2, 5, 7, 9)),
    (("dominantPentatonic",), (0, 2, 4, 7, 10)),
    (("hirajoshi",), (0, 2, 3, 7, 8)),
    (("kumoi",), (0, 2, 3, 7, 9)),
    (("iwato",), (0, 1, 5, 6, 10)),
    (("in", "sakura"), (0, 1, 5, 7, 8)),
    (("insen",), (0, 1, 5, 7, 10)),
    (("chinese",), (0, 4, 6, 7, 11)),
    (("pelog",), (0, 1, 3, 7, 8)),
    (("scriabin",), (0, 1, 4, 7, 9)),
    (("blues", "minorBlues"), (0, 3, 5, 6, 7, 10)),
    (("majorBlues",), (0, 2, 3, 4, 7, 9)),
    (("whole", "wholeTone"), (0, 2, 4, 6, 8, 10)),
    (("augmented",), (0, 3, 4, 7, 8, 11)),
    (("augmented2", "sixTone"), (0, 1, 4, 5, 8, 9)),
    (("prometheus",), (0, 2, 4, 6, 9, 10)),
    (("tritone",), (0, 1, 4, 6, 7, 10)),
    (("diminished", "wholeHalf"), (0, 2, 3, 5, 6, 8, 9, 11)),
    (("halfWhole",), (0, 1, 3, 4, 6, 7, 9, 10)),
    (("bebopDominant", "bebop"), (0, 2, 4, 5, 7, 9, 10, 11)),
    (("bebopMajor",), (0, 2, 4, 5, 7, 8, 9, 11)),
    (("bebopMinor",), (0, 2, 3, 4, 5, 7, 9, 10)),
    (("messiaen3",), (0, 2, 3, 4, 6, 7, 8, 10, 11)),
    (("messiaen4",), (0, 1, 2, 5, 6, 7, 8, 11)),
    (("messiaen5",), (0, 1, 5, 6, 7, 11)),
    (("messiaen6",), (0, 2, 4, 5, 6, 8, 10, 11)),
    (("messiaen7",), (0, 1, 2, 3, 5, 6, 7, 8, 9, 11)),
    (("chromatic",), (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)),
)

_CHORDS = (
    (("major", "maj", "M"), (0, 4, 7)),
    (("minor", "min", "m"), (0, 3, 7)),
    (("dim",), (0, 3, 6)),
    (("aug", "plus"), (0, 4, 8)),
    (("sus2",), (0, 2, 7)),
    (("sus4",), (0, 5, 7)),
    (("five", "5"), (0, 7)),
    (("one", "1"), (0,)),
    (("six", "6", "maj6"), (0, 4, 7, 9)),
    (("m6", "min6"), (0, 3, 7, 9)),
    (("sixNine", "69"), (0, 4, 7, 9, 14)),
    (("m69",), (0, 3, 7, 9, 14)),
    (("dom7", "7"), (0, 4, 7, 10)),
    (("maj7", "major7"), (0, 4, 7, 11)),
    (("m7", "min7", "minor7"), (0, 3, 7, 10)),
    (("mM7", "minMaj7"), (0, 3, 7, 11)),
    (("dim7",), (0, 3, 6, 9)),
    (("m7b5", "halfDim"), (0, 3, 6, 10)),
    (("aug7", "7s5"), (0, 4, 8, 10)),
    (("maj7s5",), (0, 4, 8, 11)),
    (("7b5",), (0, 4, 6, 10)),
    (("maj7b5",), (0, 4, 6, 11)),
    (("7sus2",), (0, 2, 7, 10)),
    (("7sus4",), (0, 5, 7, 10)),
    (("add9",), (0, 4, 7, 14)),
    (("madd9",), (0, 3, 7, 14)),
    (("add11",), (0, 4, 7, 17)),
    (("madd11",), (0, 3, 7, 17)),
    (("dom9", "9"), (0, 4, 7, 10, 14)),
    (("maj9", "major9"), (0, 4, 7, 11, 14)),
    (("m9", "min9", "minor9"), (0, 3, 7, 10, 14)),
    (("mM9",), (0, 3, 7, 11, 14)),
    (("7b9",), (0, 4, 7, 10, 13)),
    (("7s9",), (0, 4, 7, 10, 15)),
    (("9sus4",), (0, 5, 7, 10, 14)),
    (("9b5",), (0, 4, 6, 10, 14)),
    (("9s5",), (0, 4, 8, 10, 14)),
    (("eleven", "11"), (0, 4, 7, 10, 14, 17)),
    (("maj11",), (0, 4, 7, 11, 14, 17)),
    (("m11", "min11"), (0, 3, 7, 10, 14, 17)),
    (("7s11",), (0, 4, 7, 10, 18)),
    (("maj7s11",), (0, 4, 7, 11, 18)),
    (("thirteen", "13"), (0, 4, 7, 10, 14, 17, 21)),
    (("maj13",), (0, 4, 7, 11, 14, 17, 21)),
    (("m13", "min13"), (0, 3, 7, 10, 14, 17, 21)),
    (("quartal",), (0, 5, 10)),
)
# fmt: on


def _plain(name: str) -> str:
    return "".join(c for c in name if c.isalnum()).lower()


def _table(rows: tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]) -> tuple[dict[str, tuple[int, ...]], ...]:
    exact = {name: steps for names, steps in rows for name in names}
    # Of names that differ in letters' size alone the first counts.
    alike = {_plain(name): steps for names, steps in reversed(rows) for name in names}
    return exact, alike


SCALES = _table(_SCALES)
CHORDS = _table(_CHORDS)


def _find(tables: tuple[dict[str, tuple[int, ...]], ...], name: str) -> tuple[int, ...] | None:
    # An exact name first: M is major and m is minor; else small and large letters and signs between are alike.
    exact, alike = tables
    return exact.get(name) or alike.get(_plain(name))


def _rooted(name: str) -> tuple[float, str] | None:
    root, colon, rest = name.partition(":")
    if not colon:
        return 0.0, name
    key = key_of(root)
    return None if key is None else (float(key), rest)


def degree(scale: str, number: float) -> float | None:
    """Return a degree of a scale: 0 is its root; ``None`` for what is no scale."""
    rooted = _rooted(scale)
    steps = None if rooted is None else _find(SCALES, rooted[1])
    if rooted is None or steps is None:
        return None
    octave = math.floor(number / len(steps))
    return rooted[0] + 12.0 * octave + steps[int(number - octave * len(steps))]


def chord(name: str) -> tuple[float, ...] | None:
    """Return the keys of a chord such as C:maj7; without a root semitones above 0; ``None`` for what is none."""
    rooted = _rooted(name)
    steps = None if rooted is None else _find(CHORDS, rooted[1])
    return None if rooted is None or steps is None else tuple(rooted[0] + step for step in steps)


def likely(what: str, name: str) -> str | None:
    """Return the chord or the scale that a name may mean, as it is written here; ``what`` is one of the two.

    >>> from krach.pattern.scales import likely
    >>> likely("chords", "Am"), likely("chords", "C#maj7"), likely("scales", "C"), likely("scales", "D3:phrigian")
    ('A:m', 'C#:maj7', 'C:major', 'D3:phrygian')
    """
    tables = CHORDS if what == "chords" else SCALES
    parts = re.fullmatch(r"([A-Ga-g][#b]?-?\d*)[:\s_-]*(.*)", name)
    root, rest = ("C", name) if parts is None else parts.groups()
    if not rest:
        rest = "major"
    if _find(tables, rest) is None:
        near = difflib.get_close_matches(rest.lower(), {each.lower(): each for each in tables[0]}, 1)
        if not near:
            return None
        rest = next(each for each in tables[0] if each.lower() == near[0])
    return f"{root}:{rest}"

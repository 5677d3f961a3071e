"""Pitches: names, MIDI keys, frequencies."""

from __future__ import annotations

import math
import re
from typing import TypeAlias

from .error import PatternError

Pitch: TypeAlias = str | int | float
"""A name such as ``"A2"``, a MIDI key (a whole number) or a frequency in Hz (a float)."""

_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAME = re.compile(r"([A-Ga-g])([#sb]?)(-?[0-9]*)\Z")


def mtof(key: float) -> float:
    """Return the frequency of a MIDI key in equal temperament; 69 is A4 at 440 Hz.

    >>> krp.mtof(69)
    440.0
    """
    try:
        return 440.0 * math.exp2((key - 69.0) / 12.0)
    except OverflowError:
        return math.inf


def ftom(hz: float) -> float:
    """Return the MIDI key of a frequency above 0, between keys too.

    >>> krp.ftom(440)
    69.0
    """
    if not hz > 0 or not _is_finite(hz):
        raise PatternError(f"{hz} is no frequency: it is above 0 Hz")
    key = 69.0 + 12.0 * math.log2(hz / 440.0)
    # What was made of a whole key is that key again.
    nearest = math.floor(key + 0.5)
    return float(nearest) if mtof(nearest) == hz else key


def parse_note(name: str) -> int:
    """Return the MIDI key of a name: a letter, then # or b, then the octave (the fourth if there is none).

    >>> krp.parse_note("C4"), krp.parse_note("eb3")
    (60, 51)
    """
    key = key_of(name)
    if key is None:
        raise PatternError(
            f'unknown pitch "{name}": a letter A to G, then # or b if needed, then the octave, such as '
            "A4, C#3 or Eb2, within MIDI 0 to 127"
        )
    return key


def key_of(name: str) -> int | None:
    """Return the MIDI key of a name; ``None`` for what is none."""
    found = _NAME.match(name)
    if not found:
        return None
    letter, sign, octave = found.groups()
    if octave == "-" or len(octave) > 10:
        return None
    accidental = {"": 0, "b": -1}.get(sign, 1)
    key = ((int(octave) if octave else 4) + 1) * 12 + _SEMITONES[letter.upper()] + accidental
    return key if 0 <= key < 128 else None


def hertz(pitch: Pitch) -> float:
    """Return the frequency of a pitch. Raises ``PatternError`` for what is none."""
    if isinstance(pitch, str):
        return mtof(parse_note(pitch))
    if isinstance(pitch, bool) or not _is_finite(pitch):
        raise PatternError(
            f"{pitch!r} is no pitch: a name such as A2, a MIDI key such as 60 or a frequency such as 440.0"
        )
    return mtof(pitch) if isinstance(pitch, int) else pitch


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # A whole number that no float holds.
        return False

"""Tunings: which pitch a key has, by name or from the texts of Scala files (.scl, .kbm).

The files are as <https://www.huygens-fokker.org/scala/> describes them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .error import Refused
from .pitch import ftom

MAX_DEGREES = 4096
"""Most degrees of a scale, and entries of a map."""

_FAR = 1_000_000


def _cents(ratio: float) -> float:
    return 1200.0 * math.log2(ratio)


def _ratios(*ratios: tuple[int, int]) -> tuple[float, ...]:
    return tuple(_cents(n / d) for n, d in ratios)


def _fifths(fifth: float) -> tuple[float, ...]:
    """Return three fifths down from the first degree and eight up, brought into one octave."""
    return (*sorted(n * fifth % 1200.0 for n in range(-3, 9) if n), 1200.0)


_QUARTER_COMMA_FIFTH = 696.578428466209
_PURE_FIFTH = 701.9550008653874

# Names, and cents of the degrees above the first; the last is the period.
_KNOWN: dict[tuple[str, ...], tuple[float, ...]] = {
    ("just",): _ratios(
        (16, 15), (9, 8), (6, 5), (5, 4), (4, 3), (45, 32), (3, 2), (8, 5), (5, 3), (9, 5), (15, 8), (2, 1)
    ),
    ("pythagorean",): _fifths(_PURE_FIFTH),
    ("meantone", "quarterComma"): _fifths(_QUARTER_COMMA_FIFTH),
    ("werckmeister", "werckmeister3"): (
        90.225,
        192.180,
        294.135,
        390.225,
        498.045,
        588.270,
        696.090,
        792.180,
        888.270,
        996.090,
        1092.180,
        1200.0,
    ),
    ("kirnberger", "kirnberger3"): (
        90.225,
        193.157,
        294.135,
        386.314,
        498.045,
        590.224,
        696.578,
        792.180,
        889.735,
        996.090,
        1088.269,
        1200.0,
    ),
    ("vallotti",): (
        94.135,
        196.090,
        298.045,
        392.180,
        501.955,
        592.180,
        698.045,
        796.090,
        894.135,
        1000.0,
        1090.225,
        1200.0,
    ),
    ("harmonics", "harmonic8"): _ratios((9, 8), (10, 8), (11, 8), (12, 8), (13, 8), (14, 8), (15, 8), (2, 1)),
    ("partch", "partch43"): _ratios(
        (81, 80),
        (33, 32),
        (21, 20),
        (16, 15),
        (12, 11),
        (11, 10),
        (10, 9),
        (9, 8),
        (8, 7),
        (7, 6),
        (32, 27),
        (6, 5),
        (11, 9),
        (5, 4),
        (14, 11),
        (9, 7),
        (21, 16),
        (4, 3),
        (27, 20),
        (11, 8),
        (7, 5),
        (10, 7),
        (16, 11),
        (40, 27),
        (3, 2),
        (32, 21),
        (14, 9),
        (11, 7),
        (8, 5),
        (18, 11),
        (5, 3),
        (27, 16),
        (12, 7),
        (7, 4),
        (16, 9),
        (9, 5),
        (20, 11),
        (11, 6),
        (15, 8),
        (40, 21),
        (64, 33),
        (160, 81),
        (2, 1),
    ),
    ("bohlenPierce",): (
        146.304,
        292.608,
        438.913,
        585.217,
        731.521,
        877.825,
        1024.130,
        1170.434,
        1316.738,
        1463.042,
        1609.347,
        1755.651,
        1901.955,
    ),
    ("carlosAlpha",): (77.965,),
    ("carlosBeta",): (63.833,),
    ("carlosGamma",): (35.099,),
}

TUNINGS = tuple(names[0] for names in _KNOWN)
"""Tunings that are known by name, beside equal divisions of the octave such as 19edo."""


@dataclass(frozen=True, slots=True)
class _Map:
    """Which degree a key has."""

    degrees: tuple[int | None, ...]
    keys: tuple[int, int] | None
    middle: int
    reference: int
    pitch: float
    octave: int


@dataclass(frozen=True, slots=True)
class Tuning:
    """Which pitch each key has, as a key of equal temperament, which may lie between two."""

    degrees: tuple[float, ...]
    period: float
    map: _Map

    def pitch(self, key: float) -> float | None:
        """Return the pitch of a key; ``None`` if the map leaves it out."""
        below = math.floor(key)
        low = self._whole(below)
        if low is None or below == key:
            return low
        high = self._whole(below + 1)
        return None if high is None else low + (high - low) * (key - below)

    def _whole(self, key: int) -> float | None:
        keys = self.map.keys
        if keys is not None and not keys[0] <= key <= keys[1]:
            return float(key)
        cents, reference = self.cents(key), self.cents(self.map.reference)
        return None if cents is None or reference is None else self.map.pitch + (cents - reference) / 100.0

    def cents(self, key: int) -> float | None:
        """Return how many cents a key is above the one that the map begins with."""
        above = key - self.map.middle
        if not self.map.degrees:
            return self._degree(above)
        rounds, place = divmod(above, len(self.map.degrees))
        degree = self.map.degrees[place]
        return None if degree is None else rounds * self._degree(self.map.octave) + self._degree(degree)

    def _degree(self, degree: int) -> float:
        rounds, place = divmod(degree, len(self.degrees))
        return rounds * self.period + self.degrees[place]


def read_tuning(tuning: str, keys: str | None) -> Tuning:
    """Read a tuning, a name or the text of a Scala file, and the text of a keyboard mapping. Raises ``Refused``."""
    tuning = tuning.removeprefix("\ufeff")
    several = "\n" in tuning.rstrip() or "\r" in tuning.rstrip()
    degrees = _scale(tuning) if several else _named(tuning)
    plain = _Map((), None, 60, 60, 60.0, len(degrees))
    read = Tuning((0.0, *degrees[:-1]), degrees[-1], plain if keys is None else _read_map(keys, len(degrees)))
    if read.cents(read.map.reference) is None:
        key = read.map.reference
        raise _wrong(f"the map gives key {key} a frequency, and no degree; it needs one, as the others follow it")
    return read


def _wrong(text: str) -> Refused:
    return Refused(f"Tune: {text}", with_path=True)


def quoted(text: str) -> str:
    """Write a text in quotes, what cannot be seen as the plugin does."""
    signs = {"\0": "\\0", "\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(signs.get(c, c if c.isprintable() else f"\\u{{{ord(c):x}}}") for c in text) + '"'


def _named(name: str) -> tuple[float, ...]:
    name = name.strip()

    def plain(text: str) -> str:
        return re.sub("[ _-]", "", text).lower()

    for names, degrees in _KNOWN.items():
        if plain(name) in map(plain, names):
            return degrees
    equal = re.fullmatch(r"\+?([0-9]+)edo", name.lower())
    count = int(equal[1]) if equal and len(equal[1].lstrip("0")) <= 4 else 0
    if not 1 <= count <= MAX_DEGREES:
        raise _wrong(
            f"unknown tuning {quoted(name)}; known are {', '.join(TUNINGS)}, 12edo, 19edo and the like; a Scala file "
            "has several lines"
        )
    return tuple(1200.0 * degree / count for degree in range(1, count + 1))


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Go through the lines that count, with their numbers from 1."""
    lines = text.removeprefix("\ufeff").split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        if not line.startswith("!"):
            yield number, line.removesuffix("\r")


def _word(line: str, otherwise: str = "") -> str:
    return next(iter(line.split()), otherwise)


def _scale(text: str) -> tuple[float, ...]:
    lines = _lines(text)
    if next(lines, None) is None:
        raise _wrong("the tuning has no first line, which describes it")
    number, line = next(lines, (0, ""))
    if number == 0:
        raise _wrong("the tuning has no second line, which is the number of its degrees")
    count = _int(_word(line))
    if count is None or not 1 <= count <= MAX_DEGREES:
        raise _wrong(f"line {number} of the tuning is no number of degrees: {quoted(line)}; it is 1 to {MAX_DEGREES}")
    degrees: list[float] = []
    for place in range(count):
        number, line = next(lines, (0, ""))
        if number == 0:
            raise _wrong(f"the tuning has {count} degrees, and a line for {place} of them")
        cents = _pitch_of(_word(line))
        if cents is None or not abs(cents) <= _FAR:
            raise _wrong(
                f"line {number} of the tuning is no pitch: {quoted(line)}; a pitch is a ratio such as 3/2, or cents "
                "with a point such as 701.955"
            )
        degrees.append(cents)
    if not degrees[-1] > 0.0:
        raise _wrong("the last degree of the tuning is the interval after which it comes again, and above 1/1")
    return tuple(degrees)


def _pitch_of(word: str) -> float | None:
    """Return cents with a point, a ratio, or a whole number, in cents."""
    if "." in word:
        return float(word) if re.fullmatch(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+)", word) else None
    found = re.fullmatch(r"([0-9]+)(?:/([0-9]+))?", word)
    if not found:
        return None
    n, d = float(found[1]), float(found[2] or "1")
    if n <= 0.0 or d <= 0.0:
        return None
    ratio = n / d if math.isfinite(n) or math.isfinite(d) else math.nan
    return _cents(ratio) if ratio > 0.0 else -math.inf


def _int(word: str) -> int | None:
    return int(word) if re.fullmatch(r"[-+]?[0-9]{1,30}", word) else None


def _read_map(text: str, count: int) -> _Map:
    lines = _lines(text)

    def field(what: str) -> tuple[int, str]:
        number, line = next(lines, (0, ""))
        if number == 0:
            raise _wrong(f"the map has no line for {what}")
        return number, _word(line)

    def whole(what: str, least: int, most: int) -> int:
        number, word = field(what)
        value = _int(word)
        if value is None or not least <= value <= most:
            raise _wrong(
                f"line {number} of the map is no {what}: {quoted(word)}; it is a whole number from {least} to {most}"
            )
        return value

    size = whole("number of its keys", 0, MAX_DEGREES)
    keys = whole("first key", -_FAR, _FAR), whole("last key", -_FAR, _FAR)
    middle = whole("middle key", -_FAR, _FAR)
    reference = whole("key that has the frequency", -_FAR, _FAR)
    number, word = field("the frequency")
    hz = float(word) if re.fullmatch(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?", word) else 0.0
    if not 0.0 < hz < 1e6:
        raise _wrong(f"line {number} of the map is no frequency in Hz: {quoted(word)}")
    number, word = field("the degree of its octave")
    octave = _int(word)
    if octave is None or not 0 <= octave <= _FAR:
        raise _wrong(f"line {number} of the map is no degree: {quoted(word)}")
    degrees = tuple(_degrees(lines, size))
    return _Map(degrees, keys, middle, reference, ftom(hz), octave if size else count)


def _degrees(lines: Iterator[tuple[int, str]], size: int) -> Iterator[int | None]:
    for _ in range(size):
        number, line = next(lines, (0, ""))
        # What is missing at the end is left out.
        word = _word(line, "x")
        degree = _int(word)
        fits = degree is not None and abs(degree) <= _FAR
        if not fits and word not in ("x", "X"):
            raise _wrong(f"line {number} of the map is no degree: {quoted(word)}; a key without one has an x")
        yield degree if fits else None

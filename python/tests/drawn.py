"""Drawings of patterns, as docs/patterns.md has them: onsets on a grid or in a list, shapes as curves.

Each takes its form from a line of the page (how many steps, which cycle, whose row, with or without ends), and all
else from the query.
"""

import math
import re
from collections.abc import Iterable
from fractions import Fraction
from itertools import groupby

from krach.pattern import Event, Pattern, ir
from krach.pattern.event import written

LEVELS = "▁▂▃▄▅▆▇█"
NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def redrawn(pattern: Pattern, tag: str, text: str) -> list[str]:
    """Return the lines of a drawing, a ``cycle`` or a ``curve``, as the pattern has them."""
    lines, listed = [line.rstrip() for line in text.splitlines() if line.strip()], 0
    drawn: list[str] = []
    for line in lines:
        numbered = re.match(r"(-?\d+): ", line)
        rest = line[numbered.end() :] if numbered else line
        first = int(numbered[1]) if numbered else 0
        if not rest.endswith("|"):
            if tag == "curve":
                told = _samples(pattern, [each.split()[0] for each in rest.split("|")])
            else:
                told = _list(pattern, first if numbered else listed, ">" in rest)
            listed += 1
        else:
            row, _, cells = rest.removesuffix("|").partition("|")
            if tag == "curve":
                told = "|" + "".join(_curve(pattern, *each) for each in enumerate(map(len, cells.split("|")), first))
            else:
                steps = [len(cell.split()) for cell in cells.split("|")]
                told = f"{row.strip()} |".lstrip() + "".join(
                    _grid(pattern, *each, row.strip()) for each in enumerate(steps, first)
                )
        drawn.append((numbered[0] if numbered else "") + told)
    return drawn


def _onsets(pattern: Pattern, cycle: int) -> list[Event]:
    events = [event for event in pattern.query(cycle, cycle + 1) if event.has_onset]
    return sorted(events, key=lambda event: event.whole.begin)


def _list(pattern: Pattern, cycle: int, ends: bool) -> str:
    items = [
        f"{each.whole.begin}{f'>{each.whole.end}' if ends else ''} {written(each.value)}"
        for each in _onsets(pattern, cycle)
    ]
    return " | ".join(items) or "nothing"


def _grid(pattern: Pattern, cycle: int, steps: int, row: str) -> str:
    cells: list[list[str]] = [[] for _ in range(steps)]
    numbered = enumerate(_onsets(pattern, cycle))
    # What begins at once in one unit is one mark.
    for (begin, _), group in groupby(numbered, lambda each: (each[1].whole.begin, each[1].unit or f"{each[0]} alone")):
        mark = _mark([event.value for _, event in group], row)
        step = (begin - cycle) * steps
        if mark:
            assert step.denominator == 1, f"{begin} is not on a grid of {steps}"
            cells[int(step)].append(mark)
    return "".join("+".join(cell or ["."]) + " " for cell in cells) + "|"


def _mark(values: Iterable[ir.Value | float | str], row: str) -> str:
    """Return `x` for a gate that opens, the pitch for a note, else the values; nothing for a gate that closes."""
    numbers = {each.label.rsplit("/")[-1]: each for each in values if isinstance(each, ir.Control)}
    marks: list[str] = []
    for value in values:
        if not isinstance(value, ir.Control):
            marks += [] if row else [written(value)]
            continue
        if row and not value.label.startswith(f"{row}/"):
            continue
        match value.label.rsplit("/")[-1]:
            case "gate" if value.value == 1.0:
                marks += [] if "freq" in numbers else ["x"]
            case "gate" if value.value == 0.0:
                pass
            case "freq":
                marks.append(_pitch(value.value))
            case last:
                marks.append(written(ir.Control(last if row else value.label, value.value)))
    return ",".join(marks)


def _pitch(hz: float) -> str:
    """Return the name of a frequency in equal temperament, or the frequency."""
    key = 69 + 12 * math.log2(hz / 440)
    if abs(key - round(key)) > 1e-4:
        return f"{hz:.7g}Hz"
    return f"{NAMES[round(key) % 12]}{round(key) // 12 - 1}"


def _shape_at(pattern: Pattern, time: Fraction) -> tuple[float, float] | None:
    """Return the value that moves at a time, and where it lies between its bounds."""
    for event in pattern.query(time, time + Fraction(1, 1 << 20)):
        if event.moving is not None:
            begin, end = event.whole
            value, shape = event.moving.value(float((time - begin) / (end - begin))), event.moving.shape
            low, high = min(shape.lo, shape.hi), max(shape.lo, shape.hi)
            return value, (value - low) / (high - low)
    return None


def _curve(pattern: Pattern, cycle: int, points: int) -> str:
    marks: list[str] = []
    for i in range(points):
        moving = _shape_at(pattern, cycle + Fraction(i, points))
        # A hair above, so that a border between two levels is always the upper one.
        marks.append("·" if moving is None else LEVELS[max(0, min(7, int(moving[1] * 8 + 1e-9)))])
    return "".join(marks) + "|"


def _samples(pattern: Pattern, times: list[str]) -> str:
    items: list[str] = []
    for time in times:
        moving = _shape_at(pattern, Fraction(time))
        items.append(f"{time} nothing" if moving is None else f"{time} {round(moving[0], 3):.7g}")
    return " | ".join(items)

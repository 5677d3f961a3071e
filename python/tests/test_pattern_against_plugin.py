"""Patterns offline and in the plugin's own code: random ones are read, refused and played alike, to the fraction."""

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from random_patterns import CONTROLLED, LINES, PLAYED, SEEDS, WILD_TREES, WINDOWS, WRITTEN, Nodes, examples

import krach.pattern as krp
from krach.pattern import ir
from krach.pattern.error import PatternError
from krach.pattern.serialize import dict_to_pattern_node, pattern_node_to_dict

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))

# What the plugin alone refuses, since its numbers are of a size.
OF_A_SIZE = ("time cannot be represented exactly", "too many events per cycle")


class Plugin:
    """The example `query` of the plugin's patterns: a line in, a line out."""

    def __init__(self) -> None:
        # As the gate builds it, so nothing is built twice.
        chosen = ["--workspace", "--locked", "--features", "krach-plugin/standalone", "--example", "query"]
        subprocess.run(["cargo", "build", "--quiet", *chosen], cwd=ROOT, check=True)
        program = TARGET / "debug/examples" / ("query.exe" if os.name == "nt" else "query")
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    plugin = Plugin()
    yield plugin
    assert plugin.process.stdin is not None
    plugin.process.stdin.close()
    assert plugin.process.wait(10) == 0


# What both say


def as_said(events: list[dict[str, Any]]) -> tuple[Counter[str], Counter[str]]:
    """Return the events without their order, and which of them belong together."""
    units: dict[int, list[str]] = {}
    said: list[str] = []
    for event in events:
        unit = event.pop("unit")
        text = json.dumps(event, sort_keys=True)
        said.append(text)
        units.setdefault(unit, []).append(text)
    alone = units.pop(0, [])
    return Counter(said), Counter(["\n".join(sorted(unit)) for unit in units.values()] + alone)


def offline(pattern: krp.Pattern, window: tuple[Fraction, Fraction], seed: int) -> list[dict[str, Any]]:
    def time(t: Fraction) -> list[int]:
        return [t.numerator, t.denominator]

    events: list[dict[str, Any]] = []
    for event in pattern.query(*window, seed=seed):
        assert not isinstance(event.value, float | str)
        data: dict[str, Any] = {
            "onset": event.has_onset,
            "part": [time(event.part.begin), time(event.part.end)],
            "whole": [time(event.whole.begin), time(event.whole.end)],
            "value": pattern_node_to_dict(ir.Atom(event.value))["value"],
            "unit": event.unit,
            "span": None if event.span is None else list(event.span),
        }
        if event.moving is not None:
            data["values"] = [event.moving.value(0.0), event.moving.value(1.0)]
        events.append(data)
    return events


def compare(plugin: Plugin, pattern: krp.Pattern, window: tuple[Fraction, Fraction], seed: int = 0) -> str:
    """Compare what both say of a window; return ``"played"``, ``"refused"`` or ``"of a size"``."""
    times = [[t.numerator, t.denominator] for t in window]
    theirs = plugin.ask(pattern=pattern.to_dict(), window=times, seed=seed)
    if "error" in theirs and theirs["error"].startswith(OF_A_SIZE):
        return "of a size"
    try:
        ours = offline(pattern, window, seed)
    except PatternError as error:
        span = None if error.span is None else list(error.span)
        assert theirs == {"error": str(error), "place": error.place, "span": span}
        return "refused"
    assert "error" not in theirs, theirs
    assert as_said(ours) == as_said(theirs["events"])
    return "played"


def play_alike(plugin: Plugin, count: int, nodes: Nodes) -> Counter[str]:
    met: Counter[str] = Counter()

    @examples(count)
    @given(nodes, WINDOWS, SEEDS)
    def each(node: ir.Node, window: tuple[Fraction, Fraction], seed: int) -> None:
        met[compare(plugin, krp.Pattern(node), window, seed)] += 1

    each()
    print(dict(met))
    return met


def test_random_patterns_play_alike(plugin: Plugin) -> None:
    met = play_alike(plugin, 120, PLAYED)
    assert met["played"] > 80, met


def test_random_values_that_meet_play_alike(plugin: Plugin) -> None:
    met = play_alike(plugin, 80, CONTROLLED)
    assert met["played"] > 60, met


@pytest.mark.parametrize("kind", ir.SHAPE_KINDS)
def test_shapes_have_the_same_values_to_the_bit(plugin: Plugin, kind: str) -> None:
    table = (0.1, 0.7, 1 / 3) if kind == "custom" else (0.0, 1.0)
    shape = ir.Shape(kind, -1.0, 7.0, "", 0.3, None, table)
    # As it moves: values at the ends of what the window leaves of its period.
    moving = krp.Pattern(ir.Early((1, 7), ir.Slow((3, 2), ir.Shape(kind, -1.0, 7.0, "cutoff", 0.3, 5, table))))
    assert compare(plugin, moving, (Fraction(1, 11), Fraction(23, 13))) == "played"
    if kind != "rand":  # Which is no number.
        steps = krp.Pattern(ir.Label("cutoff", ir.Segment(97, ir.Slow((3, 2), shape))))
        assert compare(plugin, steps, (Fraction(0), Fraction(3))) == "played"


def test_what_is_refused_says_the_same_number_of_a_shape(plugin: Plugin) -> None:
    shape = ir.Slow((3, 2), ir.Shape("sine", -1.0, 7.0, "", 0.3, None, (0.0, 1.0)))
    degrees = ir.Combine("scale", "left", ir.Segment(1, shape), ir.Name("minor"))
    eight = ir.Cat((ir.Number(8.0), ir.Number(7.0)))
    pattern = krp.Pattern(ir.Vary("euclid", (degrees, eight), 0, ir.Atom(ir.Osc("/x", (1.5, 2, "three")))))
    assert compare(plugin, pattern, (Fraction(9), Fraction(41, 4)), (1 << 64) - 1) == "refused"


@pytest.mark.soak
def test_two_thousand_random_patterns_play_alike(plugin: Plugin) -> None:
    met = play_alike(plugin, 1200, PLAYED) + play_alike(plugin, 800, CONTROLLED)
    assert met["played"] > 1500 and met["refused"] > 20, met


def read_alike(plugin: Plugin, text: str, values: bool) -> bool:
    theirs = plugin.ask(notation=text, values=values)
    try:
        ours = (krp.values if values else krp.p)(text)
    except krp.NotationError as error:
        assert error.span is not None
        assert theirs == {"error": str(error), "span": list(error.span)}
        return False
    assert theirs == {"pattern": ours.to_dict()}
    return True


@pytest.mark.parametrize("lines", [LINES, WRITTEN], ids=["of any signs", "that mean something"])
def test_random_lines_are_read_alike(plugin: Plugin, lines: st.SearchStrategy[str]) -> None:
    met: Counter[bool] = Counter()

    @examples(300)
    @given(lines, st.booleans())
    def each(text: str, values: bool) -> None:
        met[read_alike(plugin, text, values)] += 1

    each()
    assert min(met.values()) > 20, met


def test_random_lines_play_alike(plugin: Plugin) -> None:
    met: Counter[str] = Counter()

    @examples(60)
    @given(WRITTEN, WINDOWS)
    def each(text: str, window: tuple[Fraction, Fraction]) -> None:
        met[compare(plugin, krp.p(text), window)] += 1

    each()
    assert met["played"] > 50, met


def test_events_say_the_same_places_in_the_text(plugin: Plugin) -> None:
    met: Counter[str] = Counter()
    values = st.sampled_from(["1 2", "<3 4> 5", "1 .. 3", "1(3,8)", "0.5?", "1 | 2"])

    @examples(60)
    @given(WRITTEN, values, st.sampled_from(ir.STRUCTURES), WINDOWS)
    def each(text: str, other: str, structure: str, window: tuple[Fraction, Fraction]) -> None:
        pattern = krp.p(text).set(krp.values(other).control("cutoff"), structure)
        met[compare(plugin, pattern, window)] += 1

    each()
    assert met["played"] > 50, met


def test_trees_of_any_numbers_are_played_or_refused_alike(plugin: Plugin) -> None:
    met: Counter[str] = Counter()

    @examples(300)
    @given(WILD_TREES)
    def each(data: dict[str, Any]) -> None:
        theirs = plugin.ask(pattern=data, window=[[0, 1], [1, 1]])
        try:
            node = dict_to_pattern_node(data)
        except PatternError as error:
            # A field of another kind of value is said in the words of each reader, at the same place.
            assert theirs["error"].startswith(str(error).split(": ", 1)[0]), theirs
            met["unread"] += 1
            return
        assert not theirs.get("error", "").startswith("not a pattern"), theirs
        met[compare(plugin, krp.Pattern(node), (Fraction(0), Fraction(1)))] += 1

    each()
    assert met["refused"] > 30 and met["played"] > 20, met

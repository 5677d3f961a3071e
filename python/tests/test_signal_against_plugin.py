"""Random functions of ``krs``, compiled by the plugin, against the plain Python of ``krs.render``."""

import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hosted import bundle, host, lines, read_wav

from krach import krs

RATE = 48000
SLICE = 1000
BIN = RATE / 4096
"""A frequency whose phase has no rounding in single precision: others drift from those in double."""

FADED_IN = 2400
"""Samples until a new node has faded in."""

SOURCES = [
    "krs.phasor({f})",
    "krs.sine_osc({f}, {c})",
    "krs.saw({f})",
    "krs.square({f}, 0.3)",
    "krs.triangle({f})",
    "krs.wavetable([0, 1, 0.3, -1], {f})",
    "krs.white_noise()",
    "krs.pink_noise()",
    "krs.control('c', 0.4, 0, 1)",
    "{c}",
]
OPERATORS = [
    *["({a} + {b})", "({a} - {b})", "({a} * {b})", "({a} / ({b} * {b} + 1.1))", "({a} % 0.7)", "(-{a})", "abs({a})"],
    *["({a} > {b})", "({a} <= {b})", "krs.min_({a}, {b})", "krs.max_({a}, {b})", "krs.select2({a} > {b}, {b}, {c})"],
    *["krs.sin({a})", "krs.cos({a})", "krs.tan(krs.clip({a}, -1, 1))", "krs.asin(krs.clip({a}, -1, 1))"],
    *["krs.acos(krs.clip({a}, -1, 1))", "krs.atan({a})", "krs.atan2({a}, {b})", "krs.exp(krs.clip({a}, -2, 2))"],
    *["krs.log(abs({a}) + 0.1)", "krs.log10(abs({a}) + 0.1)", "krs.sqrt(abs({a}))", "krs.pow_(abs({a}) + 0.1, 1.3)"],
    *["krs.floor({a} * 3.3)", "krs.ceil({a} * 3.3)", "krs.round_({a} * 3.3)", "krs.fmod({a}, 0.37)"],
    *["krs.remainder({a}, 0.37)", "krs.mem({a})", "krs.delay({a}, 37)", "krs.delay({a}, 50 + 40 * krs.sin({b}))"],
    *["krs.feedback(lambda y: y * 0.5 + {a})", "krs.feedback(lambda y: (y, krs.sin(y * 0.9 + {a})))"],
    *["krs.rdtable([0.1, 0.7, -0.4, 0.2], abs({a}) * 3.3)", "krs.rwtable(64, 0.5, {n}, {a}, ({n} + 40) % 64)"],
    *["krs.lowpass({a}, 900)", "krs.lowpass({a}, 400 + 300 * krs.sin({b}), 3)", "krs.highpass({a}, 300, 1)"],
    *["krs.bandpass({a}, 700, 3)", "krs.resonant({a}, 500, 4)", "krs.drive({a}, 2)", "krs.echo({a}, 0.003)"],
    *["krs.chorus({a})", "krs.reverb({a})", "krs.pan({a}, {b})[1]", "krs.ar(0.002, 0.01, {a} > 0)"],
    "krs.adsr(0.002, 0.003, 0.5, 0.01, {a} > 0.2)",
]
COUNTER = "krs.feedback(lambda y: (y, y + 1))"


def function(chance: random.Random, deep: int) -> str:
    """Return the text of a random function."""
    if deep == 0:
        template = chance.choice(SOURCES)
        return template.format(f=chance.randrange(2, 340) * BIN, c=round(chance.uniform(-1.5, 1.5), 3))
    template = chance.choice(OPERATORS)
    parts = {each: function(chance, chance.randrange(deep)) for each in "ab"}
    return template.format(**parts, c=round(chance.uniform(-1, 1), 3), n=f"({COUNTER} % 64)")


def one_after_another(texts: list[str]) -> Any:
    """Return a function that gives out each of some functions for a while; all of them run all the time."""

    def multiplexed() -> krs.Signal:
        at, total = eval(COUNTER, {"krs": krs}), 0.0
        for number, text in enumerate(texts):
            begin = FADED_IN + number * SLICE
            is_on = (at >= begin) * (at < begin + SLICE)
            total = total + krs.select2(is_on, 0.0, krs.clip(eval(text, {"krs": krs}), -1, 1))
        return total * 0.5

    return krs.graph(multiplexed)


def compiled(graph: Any, seconds: float, tmp_path: Path) -> list[float]:
    """Return what a graph sounds like as a node of the plugin."""
    performance, out = tmp_path / "performance.jsonl", tmp_path / "out.wav"
    node = {"name": "f", "source": graph.to_dict(), "gain": 1.0}
    asked = [("limiter", {"on": False}), ("node", node), ("sync", {"timeout": 60})]
    performance.write_text(
        lines(
            *(
                {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
                for id, (method, params) in enumerate(asked)
            )
        )
    )
    # Once to have it compiled: the first block waits for two seconds at most.
    for length in (0.01, seconds):
        line = [host(), "render", str(performance), "--out", str(out), "--seconds", str(length), "--plugin", bundle()]
        done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0 and "(0 refused)" in done.stdout, done.stdout + done.stderr
    rate, (left, right) = read_wav(out)
    assert rate == RATE and left == right
    return left


def play_alike(texts: list[str], tmp_path: Path) -> None:
    graph, seconds = one_after_another(texts), (FADED_IN + SLICE * len(texts)) / RATE
    theirs, [ours] = compiled(graph, seconds, tmp_path), krs.render(graph, seconds)
    assert len(theirs) == len(ours)
    apart: list[str] = []
    silent = 0
    for number, text in enumerate(texts):
        stretch = range(FADED_IN + number * SLICE, FADED_IN + (number + 1) * SLICE)
        far = [at for at in stretch if abs(theirs[at] - ours[at]) > 1e-2]
        # A step may come a sample sooner or later, and the swing of a chorus drifts in single precision.
        if len(far) > SLICE // 50:
            apart.append(f"{text}: {len(far)} samples, at {far[0]} {theirs[far[0]]} is not {ours[far[0]]}")
        silent += all(abs(theirs[at]) < 1e-6 for at in stretch)
    assert not apart, "\n".join(apart)
    assert silent < len(texts) // 3, silent


# What sounded otherwise once: lengths that are whole but for the rounding of single precision, and the sign of zero.
FOUND = [
    "krs.reverb(krs.white_noise())",
    "krs.echo(krs.white_noise(), 101 / 48000)",
    "krs.atan2(krs.ceil(krs.sine_osc(117.1875) * 0.9 - 0.95), -1.0)",
    "krs.atan2(krs.round_(krs.sine_osc(117.1875) * 0.4), -1.0)",
]


def test_random_functions_sound_as_python_computes_them(tmp_path: Path) -> None:
    chance = random.Random(1)
    play_alike(FOUND + [function(chance, 3) for _ in range(8)], tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(25))
def test_five_hundred_random_functions_sound_as_python_computes_them(seed: int, tmp_path: Path) -> None:
    chance = random.Random(1000 + seed)
    play_alike([function(chance, 4) for _ in range(20)], tmp_path)

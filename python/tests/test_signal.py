"""``krs``: traced functions against closed forms and plain loops."""

import cmath
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import krach.signal as krs
from krach.ir.signal import DspGraph
from krach.signal import TraceError

RATE = 48000
Function = Callable[..., Any]


def play(f: Function, frames: int = 64, *inputs: list[float], **controls: float) -> list[float]:
    (out,) = krs.render(f, frames / RATE, list(inputs), controls=controls)
    return out


def gain(f: Function, freq: float, frames: int = 4800) -> float:
    """Gain of a filter at a frequency, from its impulse response."""
    response = play(f, frames, [1.0])
    return abs(sum(y * cmath.exp(-2j * math.pi * freq * n / RATE) for n, y in enumerate(response)))


@pytest.mark.parametrize(
    ("f", "expected"),
    [
        (lambda x: x + 2, 2.75),
        (lambda x: 2 - x, 1.25),
        (lambda x: x * 3, 2.25),
        (lambda x: 3 / x, 4.0),
        (lambda x: (x - 3) % 2, (0.75 - 3) % 2),
        (lambda x: -5 // (x + 0.25), -5.0),
        (lambda x: x**2, 0.5625),
        (lambda x: 2**x, 2**0.75),
        (lambda x: -x, -0.75),
        (lambda x: abs(-x), 0.75),
        (lambda x: x > 0.5, 1.0),
        (lambda x: x <= 0.5, 0.0),
        (lambda x: x == 0.75, 1.0),
        (lambda x: x != 0.75, 0.0),
        (krs.sin, math.sin(0.75)),
        (krs.cos, math.cos(0.75)),
        (krs.tan, math.tan(0.75)),
        (krs.asin, math.asin(0.75)),
        (krs.acos, math.acos(0.75)),
        (krs.atan, math.atan(0.75)),
        (krs.exp, math.exp(0.75)),
        (krs.log, math.log(0.75)),
        (krs.log10, math.log10(0.75)),
        (krs.sqrt, math.sqrt(0.75)),
        (krs.abs_, 0.75),
        (krs.floor, 0.0),
        (krs.ceil, 1.0),
        (krs.round_, 1.0),
        (lambda x: krs.round_(x + 1.75), 2.0),
        (lambda x: krs.min_(x, 0.5), 0.5),
        (lambda x: krs.max_(x, 0.5), 0.75),
        (lambda x: krs.pow_(x, 3), 0.75**3),
        (lambda x: krs.atan2(x, -1), math.atan2(0.75, -1)),
        (lambda x: krs.fmod(-x, 0.5), math.fmod(-0.75, 0.5)),
        (lambda x: krs.remainder(x, 0.5), math.remainder(0.75, 0.5)),
        (lambda x: krs.clip(x, -1, 0.25), 0.25),
        (lambda x: krs.select2(x + 0.5, 7, 9), 9.0),
        (lambda x: krs.select2(x, 7, 9), 7.0),
    ],
)
def test_arithmetic_is_pythons(f: Function, expected: float) -> None:
    assert play(f, 1, [0.75])[0] == pytest.approx(expected, abs=1e-12)


def test_a_loop_goes_through_one_sample() -> None:
    assert play(lambda: krs.feedback(lambda y: y + 1), 4) == [1, 2, 3, 4]
    assert play(lambda: krs.feedback(lambda y: (y, y + 1)), 4) == [0, 1, 2, 3]
    assert play(lambda x: krs.feedback(lambda y, x: y * 0.5 + x, x), 4, [1.0]) == [1, 0.5, 0.25, 0.125]
    # A signal from outside by name, through two loops.
    nested = play(lambda x: krs.feedback(lambda a: a + krs.feedback(lambda b: b + x)), 4, [1.0, 1.0, 1.0, 1.0])
    assert nested == [1, 3, 6, 10]


def test_memory_and_tables() -> None:
    ramp = [1.0, 2.0, 3.0, 4.0]
    assert play(krs.mem, 4, ramp) == [0, 1, 2, 3]
    assert play(lambda x: krs.delay(x, 2), 4, ramp) == [0, 0, 1, 2]
    assert play(lambda x: krs.delay(x, x - 1), 4, ramp) == [1, 1, 1, 1]
    assert play(lambda x: krs.rdtable([5, 6, 7], x), 4, ramp) == [6, 7, 7, 7]
    count = krs.feedback

    def write_then_read(x: krs.Signal) -> krs.Signal:
        at = count(lambda y: (y, krs.fmod(y + 1, 2)))
        return krs.rwtable(2, 9, at, x, 1 - at)

    assert play(write_then_read, 4, ramp) == [9, 1, 2, 3]


@pytest.mark.parametrize("freq", [1.0, 100.0, 440.0, 3000.0])
def test_phase_and_sine_have_their_closed_form(freq: float) -> None:
    phase = play(lambda: krs.phasor(freq), 400)
    assert phase == pytest.approx([n * freq / RATE % 1 for n in range(400)], abs=1e-9)
    sine = play(lambda: krs.sine_osc(freq, 0.25), 400)
    assert sine == pytest.approx([math.cos(2 * math.pi * freq * n / RATE) for n in range(400)], abs=1e-8)


def spectrum(samples: list[float], period: int, harmonic: int) -> float:
    return abs(sum(y * cmath.exp(-2j * math.pi * harmonic * n / period) for n, y in enumerate(samples))) / len(samples)


@pytest.mark.parametrize(
    ("osc", "series"),
    [
        (krs.saw, lambda k: 1 / (math.pi * k)),
        (krs.square, lambda k: 2 / (math.pi * k) if k % 2 else 0.0),
        (krs.triangle, lambda k: 4 / (math.pi * k) ** 2 if k % 2 else 0.0),
    ],
)
def test_oscillators_have_the_harmonics_of_their_shape(osc: Function, series: Callable[[int], float]) -> None:
    period = 480
    samples = play(lambda: osc(RATE / period), period * 2)
    for k in range(1, 12):
        assert spectrum(samples, period, k) == pytest.approx(series(k), abs=0.002), k


def test_band_limiting_lowers_what_folds_back() -> None:
    # 37 periods in 480 samples: partials above half the rate land between the partials.
    def aliases(f: Function) -> float:
        samples = play(f, 480)
        partials = {k * 37 for k in range(1, 7)}
        lines = [spectrum(samples, 480, k) for k in range(1, 120) if k not in partials]
        return max(lines)

    freq = 37 * RATE / 480
    assert aliases(lambda: krs.saw(freq)) < 0.25 * aliases(lambda: 2 * krs.phasor(freq) - 1)
    assert aliases(lambda: krs.square(freq)) < 0.25 * aliases(lambda: 2 * (krs.phasor(freq) >= 0.5) - 1)


def test_duty_sets_the_mean_of_a_square() -> None:
    samples = play(lambda: krs.square(100, 0.25), 480)
    assert sum(samples) / 480 == pytest.approx(-0.5, abs=0.005)


def test_a_wavetable_goes_in_straight_lines() -> None:
    assert play(lambda: krs.wavetable([0, 1, 0, -1], RATE / 8), 8) == pytest.approx([0, 0.5, 1, 0.5, 0, -0.5, -1, -0.5])


@pytest.mark.parametrize("order", [1, 2, 3, 4, 7])
def test_butterworth_gains(order: int) -> None:
    def warped(freq: float) -> float:
        return math.tan(math.pi * freq / RATE) / math.tan(math.pi * 1000 / RATE)

    for freq in (250.0, 1000.0, 2500.0):
        low = 1 / math.sqrt(1 + warped(freq) ** (2 * order))
        high = 1 / math.sqrt(1 + warped(freq) ** (-2 * order))
        assert gain(lambda x: krs.lowpass(x, 1000, order), freq) == pytest.approx(low, abs=1e-4)
        assert gain(lambda x: krs.highpass(x, 1000, order), freq) == pytest.approx(high, abs=1e-4)


def test_resonance_and_band() -> None:
    assert gain(lambda x: krs.bandpass(x, 1000, 5), 1000) == pytest.approx(1, abs=1e-4)
    assert gain(lambda x: krs.resonant(x, 1000, 5), 1000) == pytest.approx(5, abs=1e-3)
    assert gain(lambda x: krs.resonant(x, 1000, 5), 1) == pytest.approx(1, abs=1e-3)


def test_envelope_goes_in_straight_lines() -> None:
    def voice(gate: krs.Signal) -> krs.Signal:
        return krs.adsr(0.01, 0.02, 0.5, 0.03, gate)

    out = play(voice, 4800, [1.0] * 2400)
    assert out[239] == pytest.approx(0.5)
    # Rounding may reach the top one sample late.
    assert max(out[479:481]) == 1
    assert out[479 + 480] == pytest.approx(0.75, abs=1e-3)
    assert out[1440:2400] == pytest.approx([0.5] * 960)
    assert out[2400 + 719] == pytest.approx(0.25, abs=1e-6)
    assert out[2400 + 1440] == pytest.approx(0, abs=1e-9)
    # A new gate rises from where it is, and a gate that ends early falls from where it is.
    again = play(voice, 800, [1.0] * 240 + [0.0] * 240 + [1.0] * 320)
    assert max(abs(b - a) for a, b in pairwise(again)) < 0.003
    assert play(lambda g: krs.ar(0.001, 0.001, g), 200, [1.0] * 100)[99] == 1


def test_noises_are_even_white_and_each_another() -> None:
    left, right = krs.render(lambda: (krs.white_noise(), krs.white_noise()), 0.25)
    assert min(left) > -1 and max(left) < 1
    assert sum(x * x for x in left) / len(left) == pytest.approx(1 / 3, rel=0.05)

    def correlation(a: list[float], b: list[float]) -> float:
        return 3 * sum(x * y for x, y in zip(a, b, strict=False)) / len(b)

    assert abs(correlation(left, right)) < 0.05
    assert abs(correlation(left, left[1:])) < 0.05


def test_pink_noise_falls_by_three_decibels_an_octave() -> None:
    # The filter alone: its response to one sample of noise, by difference of two runs, is not seen from
    # outside; its poles are. So: power of the noise in octaves.
    samples = play(krs.pink_noise, 24000)
    size = 2000

    def power(lo: int, hi: int) -> float:
        blocks = [samples[i : i + size] for i in range(0, len(samples), size)]
        lines = [spectrum(b, size, k) ** 2 for b in blocks for k in range(lo, hi, max(1, lo // 8))]
        return sum(lines) / len(lines)

    slope = 10 * math.log10(power(16, 32) / power(256, 512)) / 4
    assert slope == pytest.approx(3, abs=0.6)


def test_effects() -> None:
    impulse = [1.0]
    echoes = play(lambda x: krs.echo(x, 0.01, 0.5), 1500, impulse)
    assert {n: y for n, y in enumerate(echoes) if y} == {0: 1, 480: 0.5, 960: 0.25, 1440: 0.125}
    assert play(lambda x: krs.drive(x, 2), 1, [0.4])[0] == pytest.approx(math.tanh(0.8))
    dry = play(lambda x: krs.chorus(x, mix=0), 10, impulse)
    assert dry == [1] + [0] * 9
    wet = play(lambda x: krs.chorus(x, depth=0, mix=1), 200, impulse)
    assert wet[96] == pytest.approx(1)
    left, right = krs.render(lambda x: krs.pan(x, -1), 1 / RATE, [[1.0]])
    assert (left[0], right[0]) == (pytest.approx(1), pytest.approx(0))
    middle = krs.render(lambda x: krs.pan(x, 0), 1 / RATE, [[1.0]])
    assert middle[0] == pytest.approx([math.sqrt(0.5)]) and middle[1] == pytest.approx([math.sqrt(0.5)])
    tail = play(krs.reverb, 9600, impulse)
    early, late = (sum(y * y for y in tail[a:b]) for a, b in ((1000, 5300), (5300, 9600)))
    assert 0 < late < early


def test_controls_are_smoothed_gates_are_not() -> None:
    smooth = play(lambda: krs.control("cutoff", 1, 0, 10), 3)
    assert smooth == pytest.approx([1 - (1 - 44.1 / RATE) ** n for n in (1, 2, 3)])
    assert play(lambda: krs.control("gate", 0, 0, 1), 2, gate=1.0) == [1, 1]


def test_one_control_used_in_two_places_is_one() -> None:
    def two() -> krs.Signal:
        return krs.feedback(lambda y: y + krs.control("a", 1, 0, 2)) + krs.control("a", 1, 0, 2)

    graph = krs.graph(two)
    assert graph.control_names() == ("a",)
    assert sum(e.primitive == "control" for e in graph.equations) == 1


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: 1 if x > 0 else 0, "select2"),
        (lambda x: x and 1, "select2"),
        (lambda x: 0 < x < 1, "select2"),
        (math.sin, "functions of krs"),
        (lambda x: None, "return a Signal"),
        (lambda x: "x", "a str"),
        (lambda x: (), "no signal"),
        (lambda x: x + float("nan"), "finite"),
        (lambda x: x + "1", "a str"),
        (lambda *x: x[0], "name each audio input"),
        (lambda x: krs.feedback(lambda a, b: a), "1 in all"),
        (lambda x: krs.feedback(lambda a: (a, a, a)), "returns 3"),
        (lambda x: krs.delay(x, -1), "look ahead"),
        (lambda x: krs.rwtable(0, 0, 0, x, 0), "entries"),
        (lambda x: krs.rwtable((1 << 24) + 1, 0, 0, x, 0), "16777216"),
        (lambda x: krs.rdtable([], x), "entries"),
        (lambda x: krs.lowpass(x, 100, 0), "1 to 16"),
        (lambda x: krs.control("a", 1, 0, 2) + krs.control("a", 1, 0, 3), "twice with other ranges"),
        (lambda x: krs.control("a", 1, 0, 2) + krs.control("a", 1, 0, 2, unit="Hz"), "twice with other ranges"),
        (lambda x: krs.control("a", 1, 0, 2, unit="H]z"), "no unit"),
        (lambda x: krs.control("a", 1, 0, 2, unit="beats per minute!"), "no unit"),
        (lambda x: krs.control("a", 1, 0, 2, scale=cast(Any, "db")), "scale is linear, log or exp"),
        (lambda x: krs.control("a", 5, 0, 2), "lo <= init <= hi"),
        (lambda x: krs.control("a[b]", 1, 0, 2), "no name"),
    ],
)
def test_what_cannot_be_traced_says_what_to_write(f: Function, message: str) -> None:
    with pytest.raises(TraceError, match=message):
        krs.graph(f)


def test_signals_do_not_leave_their_function() -> None:
    kept: list[krs.Signal] = []
    krs.graph(lambda x: (kept.append(x), x)[1])
    with pytest.raises(TraceError, match="another function"):
        krs.graph(lambda x: x + kept[0])
    with pytest.raises(TraceError, match="nothing to trace"):
        krs.sr()

    def leak(x: krs.Signal) -> krs.Signal:
        def body(y: krs.Signal) -> krs.Signal:
            kept.append(y)
            return y + x

        krs.feedback(body)
        return kept[-1]

    with pytest.raises(TraceError, match="inside a loop"):
        krs.graph(leak)


def test_parameters_with_a_default_are_no_inputs() -> None:
    def voice(x: krs.Signal, level: float = 0.5) -> krs.Signal:
        return x * level

    assert len(krs.graph(voice).inputs) == 1
    assert "level: float = 0.5" in krs.source_text(voice)


def test_text_is_not_rendered_offline() -> None:
    with pytest.raises(ValueError, match="cannot be computed offline"):
        krs.render(lambda: krs.faust_expr("no.noise"), 0.01)
    with pytest.raises(ValueError, match="no control volume"):
        krs.render(lambda: krs.control("gain", 1, 0, 1), 0.01, controls={"volume": 1})


LEAVES = st.one_of(st.floats(-4, 4).map(lambda v: f"{v:.3f}"), st.sampled_from(["x", "y"]))
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"abs({e})"),
        inner.map(lambda e: f"(-{e})"),
        st.tuples(inner, st.sampled_from(["<", ">", "<=", ">="]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    ),
    max_leaves=20,
)


@given(EXPRESSIONS, st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_any_expression_is_what_python_computes(text: str, points: list[tuple[float, float]]) -> None:
    f = eval(f"lambda x, y: {text} + 0 * x * y")
    out = play(f, len(points), [p[0] for p in points], [p[1] for p in points])
    assert out == pytest.approx([float(f(*p)) for p in points], abs=1e-9)
    # The graph survives JSON, and its key does not depend on the numbers of signals.
    graph = krs.graph(f)
    assert DspGraph.from_dict(graph.to_dict()) == graph
    assert graph.canonicalize().graph_key() == graph.graph_key()

"""What functions of ``krs`` are made of: oscillators, filters, noise, envelopes and effects.

All are written with the primitives of a DspGraph, so that they sound the same wherever a graph is computed.
Times are in seconds, frequencies in Hz, levels linear.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from krach.ir import signal as ir

from .trace import Operand, Signal, TraceError, apply, current, loop

_LONGEST_UNIT = 16

# Inputs


def control(  # noqa: PLR0917
    name: str, init: float, lo: float, hi: float, step: float = 0.0, unit: str = "", scale: ir.Scale = "linear"
) -> Signal:
    """Return a control of the node, smoothed over some milliseconds unless its name says gate or trig.

    ``unit`` is shown beside its values; ``scale`` (``linear``, ``log``, ``exp``) is how MIDI controllers and macros
    spread them.

    >>> krs.render(lambda: krs.control("gate", 1, 0, 1), 2 / 48000)
    [[1.0, 1.0]]

    Raises ``TraceError`` for a name, a range, a unit or a scale that cannot be, or a second control of that name
    that says something else.
    """
    if not name or len(name.encode()) > 256 or any(c in '"[]\\:' or not c.isprintable() for c in name):
        raise TraceError(f"{name!r} is no name for a control: use letters, digits, _ and -")
    numbers = [float(x) for x in (init, lo, hi, step)]
    if not all(map(math.isfinite, numbers)) or not lo <= init <= hi or step < 0:
        raise TraceError(
            f"control {name}: lo <= init <= hi and step >= 0; got init={init}, lo={lo}, hi={hi}, step={step}"
        )
    if len(unit.encode()) > _LONGEST_UNIT or any(c in '"[]\\:' or not c.isprintable() for c in unit):
        raise TraceError(f"control {name}: {unit!r} is no unit: use a short text such as Hz, at most 16 bytes")
    if scale not in ir.SCALES:
        raise TraceError(f"control {name}: there is no scale {scale!r}: use {', '.join(ir.SCALES)}")
    declared = ir.Control(name, float(init), float(lo), float(hi), float(step), unit, scale)
    root = current().root
    before = root.controls.setdefault(name, declared)
    if before != declared:
        raise TraceError(
            f"control {name} is declared twice with other ranges: {_range(before)} and {_range(declared)}; "
            "give them different names, or say the same of both: then they are one"
        )
    # At the outermost level, so that all uses share one smoother.
    made = root.once(("control", name), lambda: root.add("control", (), declared))
    return current().own(made)


def _range(c: ir.Control) -> str:
    unit = f" {c.unit}" if c.unit else ""
    scale = f" {c.scale}" if c.scale != "linear" else ""
    return f"{c.init:g} in {c.lo:g}…{c.hi:g} step {c.step:g}{unit}{scale}"


def sr() -> Signal:
    """Return the sample rate in Hz.

    >>> krs.render(lambda: krs.sr(), 1 / 48000)
    [[48000.0]]
    """
    root = current().root
    return current().own(root.once(("sr", ""), lambda: root.add("sr", ())))


# Memory


def mem(x: Operand) -> Signal:
    """Return the sample before; 0 at first.

    >>> krs.render(krs.mem, 3 / 48000, [[1.0, 2.0, 3.0]])
    [[0.0, 1.0, 2.0]]
    """
    return apply("mem", x)


def delay(x: Operand, samples: Operand) -> Signal:
    """Return the signal ``samples`` before, without the fraction of that number; 0 at first.

    A delay that is not a constant is held between 0 and 262,143 samples.

    >>> krs.render(lambda x: krs.delay(x, 2), 4 / 48000, [[1.0, 2.0, 3.0, 4.0]])
    [[0.0, 0.0, 1.0, 2.0]]
    """
    if not isinstance(samples, Signal) and samples < 0:
        raise TraceError(f"a delay of {samples} samples would look ahead: 0 is the least")
    return apply("delay", x, samples, params=ir.Delay())


def feedback(fn: Callable[..., Any], *free: Operand) -> Signal:
    """Return a loop through one sample of delay.

    ``fn(fed_back, *free)`` returns the output, which is fed back, or a pair: what is heard and what is fed
    back. Signals from outside may also be used inside it by name.

    >>> krs.render(lambda: krs.feedback(lambda before: before + 1), 3 / 48000)
    [[1.0, 2.0, 3.0]]
    """
    return loop(fn, free)


def rwtable(size: int, init: Operand, write_index: Operand, value: Operand, read_index: Operand) -> Signal:
    """Return an entry of a table that is written, then read, at each sample.

    ``size`` is 1 to 2^24 entries, ``init`` a constant, the value of each entry at first. Indices are held
    within the table.

    >>> krs.render(lambda x: krs.rwtable(4, 0, 1, x, 1), 3 / 48000, [[1.0, 2.0, 3.0]])
    [[1.0, 2.0, 3.0]]
    """
    _table_size(size)
    return apply("rwtable", init, write_index, value, read_index, params=ir.RwTable(size))


def rdtable(data: Sequence[float], index: Operand) -> Signal:
    """Return an entry of a table of constants; the index is held within it, without its fraction.

    >>> krs.render(lambda x: krs.rdtable([10, 20, 30], x), 3 / 48000, [[0.0, 1.9, 7.0]])
    [[10.0, 20.0, 30.0]]
    """
    _table_size(len(data))
    entries = tuple(float(x) for x in data)
    if not all(map(math.isfinite, entries)):
        raise TraceError("a table has finite entries only")
    return apply("rdtable", index, params=ir.RdTable(entries))


def _table_size(size: int) -> None:
    if not 1 <= size <= ir.MAX_TABLE:
        raise TraceError(f"a table has 1 to {ir.MAX_TABLE} entries, not {size}")


# Oscillators


def phasor(freq: Operand) -> Signal:
    """Return a phase that goes from 0 to 1 ``freq`` times a second, beginning at 0. Not band-limited.

    >>> krs.render(lambda: krs.phasor(12000), 5 / 48000)
    [[0.0, 0.25, 0.5, 0.75, 0.0]]
    """
    step = freq / sr()

    def body(phase: Signal) -> tuple[Signal, Signal]:
        return phase, _frac(phase + step)

    return feedback(body)


def sine_osc(freq: Operand, phase: Operand = 0.0) -> Signal:
    """Return a sine; ``phase`` is in cycles.

    >>> [round(x, 6) for x in krs.render(lambda: krs.sine_osc(12000, 0.25), 4 / 48000)[0]]
    [1.0, 0.0, -1.0, -0.0]
    """
    return apply("sin", _TAU * (phasor(freq) + phase))


def saw(freq: Operand) -> Signal:
    """Return a rising saw from -1 to 1, band-limited (two-point polyBLEP, Välimäki 2007).

    >>> [round(x, 3) for x in krs.render(lambda: krs.saw(4800), 10 / 48000)[0]]
    [0.0, -0.8, -0.6, -0.4, -0.2, 0.0, 0.2, 0.4, 0.6, 0.8]
    """
    phase = phasor(freq)
    return 2.0 * phase - 1.0 - _blep(phase, _step(freq))


def square(freq: Operand, duty: Operand = 0.5) -> Signal:
    """Return 1 for the share ``duty`` (0.01…0.99) of a period, else -1; band-limited (polyBLEP).

    >>> [round(x, 3) for x in krs.render(lambda: krs.square(4800, 0.3), 10 / 48000)[0]]
    [0.0, 1.0, 1.0, -0.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0]
    """
    phase, step, duty = phasor(freq), _step(freq), clip(duty, 0.01, 0.99)
    naive = select2(phase < duty, -1.0, 1.0)
    return naive + _blep(phase, step) - _blep(_frac(phase - duty), step)


def triangle(freq: Operand) -> Signal:
    """Return a triangle that rises from 0; band-limited (two-point polyBLAMP).

    >>> [round(x, 3) for x in krs.render(lambda: krs.triangle(4800), 10 / 48000)[0]]
    [0.0, 0.4, 0.783, 0.783, 0.4, 0.0, -0.4, -0.783, -0.783, -0.4]
    """
    phase, step = phasor(freq), _step(freq)
    naive = 1.0 - 4.0 * abs(_frac(phase + 0.25) - 0.5)
    top, bottom = _blamp(_frac(phase - 0.25), step), _blamp(_frac(phase - 0.75), step)
    return naive + 8.0 * step * (bottom - top)


def wavetable(table: Sequence[float], freq: Operand) -> Signal:
    """Return one period, given as a table, ``freq`` times a second; linear between entries, not band-limited.

    >>> krs.render(lambda: krs.wavetable([0, 1, 0, -1], 6000), 8 / 48000)
    [[0.0, 0.5, 1.0, 0.5, 0.0, -0.5, -1.0, -0.5]]
    """
    size = len(table)
    _table_size(size)
    at = phasor(freq) * float(size)
    entries = [*table, table[0]]
    low = apply("floor", at)
    a, b = rdtable(entries, low), rdtable(entries, low + 1.0)
    return a + (b - a) * (at - low)


_TAU = 2.0 * math.pi


def _frac(x: Operand) -> Signal:
    return apply("sub", x, apply("floor", x))


def _step(freq: Operand) -> Signal:
    """Cycles per sample, never 0."""
    return max_(abs_(freq) / sr(), 1e-9)


def _blep(phase: Signal, step: Signal) -> Signal:
    """Residual of a step from -1 to 1 at phase 0, over one sample on each side."""
    after = phase / step
    before = (phase - 1.0) / step
    tail = select2(before > -1.0, 0.0, before * before + 2.0 * before + 1.0)
    return select2(after < 1.0, tail, 2.0 * after - after * after - 1.0)


def _blamp(phase: Signal, step: Signal) -> Signal:
    """Residual of a corner at phase 0 whose slope changes by 1 per sample: (1 - |t|)^3 / 6, t in samples."""
    distance = min_(phase, 1.0 - phase) / step
    rest = max_(1.0 - distance, 0.0)
    return rest * rest * rest / 6.0


# Filters: state variable with trapezoidal integrators (Zavalishin, The Art of VA Filter Design, chapter 3)


def lowpass(x: Operand, cutoff: Operand, order: int = 2) -> Signal:
    """Return what is below ``cutoff``: Butterworth of order 1 to 16, -3 dB at the cutoff.

    >>> low = krs.render(lambda: krs.lowpass(krs.sine_osc(8000), 100), 0.1)[0]
    >>> max(low[2400:]) < 0.001
    True
    """
    return _butterworth(x, cutoff, order, _one_pole_low, _svf_low)


def highpass(x: Operand, cutoff: Operand, order: int = 2) -> Signal:
    """Return what is above ``cutoff``: Butterworth of order 1 to 16, -3 dB at the cutoff.

    >>> high = krs.render(lambda: krs.highpass(krs.sine_osc(100), 8000), 0.1)[0]
    >>> max(high[2400:]) < 0.001
    True
    """
    return _butterworth(x, cutoff, order, _one_pole_high, _svf_high)


def bandpass(x: Operand, freq: Operand, q: Operand = 1.0) -> Signal:
    """Return what is around ``freq``, at unit gain there; ``q`` is freq / bandwidth, 0.05 or more.

    >>> band = krs.render(lambda: krs.bandpass(krs.sine_osc(1000), 1000, 5), 0.1)[0]
    >>> round(max(band[2400:]), 2)
    1.0
    """
    damping = 1.0 / max_(q, 0.05)
    return _svf(x, _warp(freq), damping, lambda _x, band, _low: damping * band)


def resonant(x: Operand, freq: Operand, q: Operand = 1.0) -> Signal:
    """Return a low-pass of second order with gain ``q`` at ``freq``; ``q`` is 0.05 or more.

    >>> peak = krs.render(lambda: krs.resonant(krs.sine_osc(1000), 1000, 5), 0.1)[0]
    >>> round(max(peak[2400:]), 1)
    5.0
    """
    return _svf_low(x, _warp(freq), 1.0 / max_(q, 0.05))


def _butterworth(x: Operand, cutoff: Operand, order: int, one_pole: Any, two_poles: Any) -> Signal:
    if not isinstance(order, int) or not 1 <= order <= 16:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TraceError(f"the order of a filter is a whole number from 1 to 16, not {order}")
    g = _warp(cutoff)
    for k in range(order // 2):
        # Poles of a Butterworth filter: damping 2 sin of their angles.
        x = two_poles(x, g, 2.0 * math.sin(math.pi * (2 * k + 1) / (2 * order)))
    return one_pole(x, g) if order % 2 else current().own(x)


def _warp(freq: Operand) -> Signal:
    """Gain of the integrators: tan(pi f / sr), f held within 0.1 Hz and 0.49 sr."""
    return apply("tan", math.pi * min_(max_(freq / sr(), 0.1 / 48000.0), 0.49))


def _one_pole_low(x: Operand, g: Signal) -> Signal:
    def body(state: Signal, x: Signal, g: Signal) -> tuple[Signal, Signal]:
        v = (x - state) * g / (1.0 + g)
        low = v + state
        return low, low + v

    return feedback(body, x, g)


def _one_pole_high(x: Operand, g: Signal) -> Signal:
    return apply("sub", x, _one_pole_low(x, g))


def _svf_low(x: Operand, g: Signal, damping: Operand) -> Signal:
    return _svf(x, g, damping, lambda _x, _band, low: low)


def _svf_high(x: Operand, g: Signal, damping: Operand) -> Signal:
    return _svf(x, g, damping, lambda x, band, low: x - damping * band - low)


def _svf(x: Operand, g: Signal, damping: Operand, output: Callable[[Operand, Signal, Signal], Signal]) -> Signal:
    """State variable filter; ``output`` is given the input, the band (gain 1 / damping at the centre), the low.

    The outer loop holds the second integrator, the loop within it the first.
    """
    scale = 1.0 / (1.0 + g * (g + damping))

    def outer(second: Signal) -> tuple[Signal, Signal]:
        def inner(first: Signal) -> tuple[Signal, Signal]:
            v = scale * (first + g * (x - second))
            return v, 2.0 * v - first

        band = feedback(inner)
        low = second + g * band
        return output(x, band, low), 2.0 * low - second

    return feedback(outer)


# Noise


def white_noise() -> Signal:
    """Return white noise, even between -1 and 1; each call another one.

    Wichmann and Hill's generator (Applied Statistics AS 183): its numbers stay below 2^24, so that they are
    exact in single precision. The period is 7e12 samples.

    >>> noise, other = krs.render(lambda: (krs.white_noise(), krs.white_noise()), 0.01)
    >>> noise != other, -1 <= min(noise) < max(noise) <= 1
    (True, True)
    """
    root = current().root
    root.noises += 1
    total: Operand = 0.0
    for i, (factor, prime) in enumerate(_WICHMANN_HILL):
        seed = 1.0 + _mix(root.noises * 3 + i) % (prime - 1)
        total = total + _congruence(float(factor), float(prime), seed) / float(prime)
    return 2.0 * _frac(total) - 1.0


_WICHMANN_HILL = ((171, 30269), (172, 30307), (170, 30323))


def _congruence(factor: float, prime: float, seed: float) -> Signal:
    def body(before: Signal) -> Signal:
        return apply("fmod", factor * select2(before < 0.5, before, seed), prime)

    return feedback(body)


def _mix(x: int) -> int:
    """Spread a counter over 64 bits (splitmix64)."""
    mask = (1 << 64) - 1
    x = (x * 0x9E3779B97F4A7C15) & mask
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & mask
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & mask
    return x ^ (x >> 31)


def pink_noise() -> Signal:
    """Return noise of equal power per octave (-3 dB per octave within 0.1 dB from 10 Hz at 44.1 and 48 kHz).

    Paul Kellet's six poles (musicdsp.org, 1999).

    >>> noise = krs.render(lambda: krs.pink_noise(), 0.1)[0]
    >>> max(map(abs, noise)) > 0
    True
    """
    white = white_noise()
    total: Operand = 0.5362 * white + 0.115926 * mem(white)
    for pole, gain in _KELLET:
        total = total + _leak(gain * white, pole)
    return 0.11 * current().own(total)


def _leak(x: Signal, pole: Operand) -> Signal:
    """One pole: y = x + pole y'."""

    def body(before: Signal) -> Signal:
        return x + pole * before

    return feedback(body)


_KELLET = (
    (0.99886, 0.0555179),
    (0.99332, 0.0750759),
    (0.96900, 0.1538520),
    (0.86650, 0.3104856),
    (0.55000, 0.5329522),
    (-0.7616, -0.0168980),
)


# Envelopes


def adsr(attack: Operand, decay: Operand, sustain: Operand, release: Operand, gate: Operand) -> Signal:
    """Return an envelope of straight lines while and after ``gate`` is above 0.

    It rises to 1 in ``attack``, falls to ``sustain`` (0…1) in ``decay``, and from wherever it is to 0 in
    ``release``; a new gate rises from where it is.

    >>> gate = [1.0] * 480 + [0.0] * 480
    >>> env = krs.render(lambda x: krs.adsr(0.005, 0.005, 0.5, 0.01, x), 0.02, [gate])[0]
    >>> [round(env[at], 2) for at in (120, 240, 360, 479, 959)]
    [0.5, 1.0, 0.75, 0.5, 0.0]
    """
    sustain = clip(sustain, 0.0, 1.0)
    rise, fall = _pace(attack), (1.0 - sustain) * _pace(decay)
    out = _pace(release)
    held = apply("gt", gate, 0.0)

    def at_release(level: Signal) -> Signal:
        def body(before: Signal) -> Signal:
            return select2(held, before, level)

        return feedback(body)

    # One state for level and stage: below 1 it is the level; from 1 it is 2 - level, falling to the sustain.
    def body(state: Signal) -> tuple[Signal, Signal]:
        level = _level(state)
        start = at_release(level)
        rising = min_(state + rise, 1.0)
        falling = min_(state + fall, 2.0 - sustain)
        on = select2(state >= 1.0, rising, falling)
        off = max_(level - max_(start, 1e-6) * out, 0.0)
        after = select2(held, off, on)
        return _level(after), after

    return feedback(body)


def ar(attack: Operand, release: Operand, gate: Operand) -> Signal:
    """Return an envelope that rises to 1 in ``attack`` while ``gate`` is above 0, and falls in ``release``.

    >>> gate = [1.0] * 480 + [0.0] * 480
    >>> env = krs.render(lambda x: krs.ar(0.005, 0.01, x), 0.02, [gate])[0]
    >>> [round(env[at], 2) for at in (120, 479, 719, 959)]
    [0.5, 1.0, 0.5, 0.0]
    """
    return adsr(attack, 0.0, 1.0, release, gate)


def _pace(seconds: Operand) -> Signal:
    """Change per sample of a line of length 1, at most 1."""
    return 1.0 / max_(seconds * sr(), 1.0)


def _level(state: Signal) -> Signal:
    return select2(state >= 1.0, state, 2.0 - state)


# Effects


def reverb(x: Operand, room: Operand = 0.5, damp: Operand = 0.5) -> Signal:
    """Return a room's reverberation, without the dry sound: Freeverb (Jezar at Dreampoint), one channel.

    ``room`` and ``damp`` are 0…1: how long it rings, and how dull.

    >>> wet = krs.render(lambda x: krs.reverb(x, room=0.8), 0.1, [[1.0]])[0]
    >>> wet[0] == 0, max(map(abs, wet[2400:])) > 0.001
    (True, True)
    """
    ring = 0.7 + 0.28 * clip(room, 0.0, 1.0)
    dull = 0.4 * clip(damp, 0.0, 1.0)
    total: Operand = 0.0
    fed = 0.015 * current().own(x)
    for length in _COMBS:
        total = total + _comb(fed, length, ring, dull)
    for length in _ALLPASSES:
        total = _allpass(total, length)
    return current().own(total)


_COMBS = (1116, 1188, 1277, 1356, 1422, 1491, 1557, 1617)
_ALLPASSES = (556, 441, 341, 225)


def _samples_at_44100(length: int) -> Signal:
    """Samples that last as long as ``length`` at 44.1 kHz, less the one that a loop takes."""
    # To the nearest: what is whole up to rounding is the same number in single and in double precision.
    return min_(round_(sr() * (length / 44100.0)) - 1.0, length * 4.5)


def _comb(x: Operand, length: int, ring: Signal, dull: Signal) -> Signal:
    def body(before: Signal) -> tuple[Signal, Signal]:
        late = delay(before, _samples_at_44100(length))
        soft = _leak(late * (1.0 - dull), dull)
        return late, x + soft * ring

    return feedback(body)


def _allpass(x: Operand, length: int) -> Signal:
    def body(before: Signal) -> tuple[Signal, Signal]:
        late = delay(before, _samples_at_44100(length))
        return late - x, x + 0.5 * late

    return feedback(body)


def echo(x: Operand, time: Operand, feedback: Operand = 0.4) -> Signal:
    """Return the signal and its echoes, each ``feedback`` times the one before.

    ``time`` is the distance between them in seconds, to the nearest sample, up to 262,143 samples.

    >>> wet = krs.render(lambda x: krs.echo(x, 0.01, 0.5), 0.025, [[1.0]])[0]
    >>> [round(wet[at], 3) for at in (0, 480, 960)]
    [1.0, 0.5, 0.25]
    """
    samples = max_(round_(time * sr()) - 1.0, 0.0)
    back = clip(feedback, -0.999, 0.999)

    def body(before: Signal) -> Signal:
        return x + back * delay(before, samples)

    return loop(body, ())


def chorus(x: Operand, rate: Operand = 0.8, depth: Operand = 0.003, mix: Operand = 0.5) -> Signal:
    """Return the signal mixed with a copy whose delay swings.

    It swings by ``depth`` seconds (up to 0.05) ``rate`` times a second; ``mix`` is the copy's share, 0…1.

    >>> krs.render(lambda x: krs.chorus(x, mix=0), 2 / 48000, [[1.0, 0.5]])
    [[1.0, 0.5]]
    """
    swing = clip(depth, 0.0, 0.05) * sr()
    at = 0.5 * swing * (1.0 + sine_osc(rate)) + 0.002 * sr()
    low = apply("floor", at)
    early, late = delay(x, low), delay(x, low + 1.0)
    wet = early + (late - early) * (at - low)
    part = clip(mix, 0.0, 1.0)
    return x + part * (wet - x)


def drive(x: Operand, amount: Operand = 1.0) -> Signal:
    """Return tanh(amount x): saturation towards -1 and 1.

    >>> [round(x, 3) for x in krs.render(lambda x: krs.drive(x, 2), 3 / 48000, [[0.0, 0.5, 1.0]])[0]]
    [0.0, 0.762, 0.964]
    """
    z = clip(amount * current().own(x), -20.0, 20.0)
    return 1.0 - 2.0 / (apply("exp", 2.0 * z) + 1.0)


def pan(x: Operand, position: Operand) -> tuple[Signal, Signal]:
    """Return left and right at equal power; ``position`` is -1 (left) to 1.

    >>> [[round(side[0], 3)] for side in krs.render(lambda x: krs.pan(x, 0), 1 / 48000, [[1.0]])]
    [[0.707], [0.707]]
    """
    angle = (clip(position, -1.0, 1.0) + 1.0) * (math.pi / 4.0)
    return apply("mul", x, apply("cos", angle)), apply("mul", x, apply("sin", angle))


# Choice and maths


def select2(selector: Operand, when_zero: Operand, when_one: Operand) -> Signal:
    """Return ``when_zero`` where the selector, without its fraction, is 0, else ``when_one``.

    >>> krs.render(lambda x: krs.select2(x > 0.5, -1, 1), 2 / 48000, [[0.0, 1.0]])
    [[-1.0, 1.0]]
    """
    return apply("select2", selector, when_zero, when_one)


def _unary(name: str, text: str, x: float, y: float, python: str = "") -> Callable[[Operand], Signal]:
    """Return a function of one signal; that of ``x`` is ``y``, which is its example."""

    def call(x: Operand) -> Signal:
        return apply(name, x)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{text}\n\n>>> krs.render(krs.{python or name}, 1 / 48000, [[{x}]])\n[[{y}]]\n"
    return call


sin = _unary("sin", "Return the sine of an angle in radians.", 0.0, 0.0)
cos = _unary("cos", "Return the cosine of an angle in radians.", 0.0, 1.0)
tan = _unary("tan", "Return the tangent of an angle in radians.", 0.0, 0.0)
asin = _unary("asin", "Return the arc sine, in radians.", 0.0, 0.0)
acos = _unary("acos", "Return the arc cosine, in radians.", 1.0, 0.0)
atan = _unary("atan", "Return the arc tangent, in radians.", 0.0, 0.0)
exp = _unary("exp", "Return e to the power of x.", 0.0, 1.0)
log = _unary("log", "Return the natural logarithm.", 1.0, 0.0)
log10 = _unary("log10", "Return the logarithm to base 10.", 1000.0, 3.0)
sqrt = _unary("sqrt", "Return the square root.", 9.0, 3.0)
abs_ = _unary("abs", "Return x without its sign.", -0.5, 0.5, "abs_")
floor = _unary("floor", "Return the nearest whole number below.", 1.7, 1.0)
ceil = _unary("ceil", "Return the nearest whole number above.", 1.2, 2.0)
round_ = _unary("round", "Return the nearest whole number; of two, the even one.", 2.5, 2.0, "round_")


def min_(a: Operand, b: Operand) -> Signal:
    """Return the smaller.

    >>> krs.render(lambda x: krs.min_(x, 0.5), 2 / 48000, [[0.0, 1.0]])
    [[0.0, 0.5]]
    """
    return apply("min", a, b)


def max_(a: Operand, b: Operand) -> Signal:
    """Return the larger.

    >>> krs.render(lambda x: krs.max_(x, 0.5), 2 / 48000, [[0.0, 1.0]])
    [[0.5, 1.0]]
    """
    return apply("max", a, b)


def pow_(a: Operand, b: Operand) -> Signal:
    """Return a to the power of b.

    >>> krs.render(lambda x: krs.pow_(x, 2), 2 / 48000, [[3.0, 4.0]])
    [[9.0, 16.0]]
    """
    return apply("pow", a, b)


def atan2(y: Operand, x: Operand) -> Signal:
    """Return the angle of the point (x, y), in radians.

    >>> krs.render(lambda x: krs.atan2(x, 1), 1 / 48000, [[0.0]])
    [[0.0]]
    """
    return apply("atan2", y, x)


def fmod(a: Operand, b: Operand) -> Signal:
    """Return the remainder of a / b, with the sign of a.

    >>> krs.render(lambda x: krs.fmod(x, 3), 2 / 48000, [[7.0, -7.0]])
    [[1.0, -1.0]]
    """
    return apply("fmod", a, b)


def remainder(a: Operand, b: Operand) -> Signal:
    """Return a less the nearest whole multiple of b.

    >>> krs.render(lambda x: krs.remainder(x, 3), 2 / 48000, [[7.0, 8.0]])
    [[1.0, -1.0]]
    """
    return apply("remainder", a, b)


def clip(x: Operand, lo: Operand, hi: Operand) -> Signal:
    """Return x held between ``lo`` and ``hi``.

    >>> krs.render(lambda x: krs.clip(x, -1, 1), 3 / 48000, [[-2.0, 0.5, 2.0]])
    [[-1.0, 0.5, 1.0]]
    """
    return min_(max_(x, lo), hi)


def faust_expr(template: str, *inputs: Operand) -> Signal:
    """Return a FAUST expression with ``{0}``, ``{1}``… for the inputs. It cannot be rendered offline.

    >>> print(krs.inspect(lambda x: krs.faust_expr("{0} : ma.tanh", x)))
    in   s0
    s1 = faust_expr "{0} : ma.tanh" s0
    out  s1
    """
    return apply("faust_expr", *inputs, params=ir.FaustExpr(template))

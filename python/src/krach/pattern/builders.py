"""Functions that make patterns."""

from __future__ import annotations

from typing import cast

from . import ir, notation, scales
from .base import Base, Cycles, Values, copies, finite, played_node, seed_of, values_node, whole
from .error import PatternError
from .pattern import Pattern, of_lengths
from .pitch import Pitch, hertz, parse_note
from .ratio import ratio
from .tones import control_node, hit_node, note_node


def p(text: str) -> Pattern:
    """Read a line of mini-notation. Raises ``NotationError``, which points at the character.

    >>> krp.p("x . [x x]")
    (0>1/6)|gate=1 (1/6>1/3)|gate=0 (2/3>3/4)|gate=1 (3/4>5/6)|gate=0 (5/6>11/12)|gate=1 (11/12>1)|gate=0
    """
    return Pattern(notation.read(text))


def values(text: str) -> Pattern:
    """Read a line of mini-notation whose words are numbers and names, for operators that take them.

    >>> krp.values("0 2 <4 7>").scale("C:minor").control("note").query(0, 1)[1]
    (0>1/6)|gate=1
    """
    return Pattern(notation.read(text, values=True))


def hit(label: str = "gate", **params: float) -> Pattern:
    """Open a gate and close it after half the step; ``params`` are controls beside it.

    >>> krp.hit()
    (0>1/2)|gate=1 (1/2>1)|gate=0
    >>> krp.hit("kick/gate")
    (0>1/2)|kick/gate=1 (1/2>1)|kick/gate=0
    """
    return Pattern(hit_node(label, [control_node(name, value) for name, value in params.items()]))


def note(pitch: Pitch, vel: float = 1.0, **params: float) -> Pattern:
    """Play a note: a name such as ``"A2"``, a MIDI key (a whole number) or a frequency in Hz (a float).

    >>> krp.note("A2", cutoff=800)
    (0>1/2)|freq=110 (0>1/2)|cutoff=800 (0>1/2)|gate=1 (1/2>1)|gate=0
    >>> krp.note(45) == krp.note(110.0) == krp.p("A2")
    True
    """
    return Pattern(note_node(hertz(pitch), finite(vel), params))


def chord(*pitches: Pitch, vel: float = 1.0, **params: float) -> Pattern:
    """Play several notes as one unit; each still gets a voice of its own. A name such as ``"A2:m7"`` is a chord.

    >>> krp.chord("A2", "C3") == krp.freeze(krp.note("A2") | krp.note("C3"))
    True
    >>> krp.chord("A2:m") == krp.chord("A2", "C3", "E3")
    True
    """
    keys: list[Pitch] = []
    for pitch in pitches:
        named = scales.chord(pitch) if isinstance(pitch, str) and ":" in pitch else None
        keys += [pitch] if named is None else [int(key) for key in named]
    return freeze(stack(*(note(key, vel, **params) for key in keys)))


def rest() -> Pattern:
    """Play nothing for a cycle.

    >>> krp.rest().query()
    ()
    """
    return Pattern(ir.Silence())


def seq(*steps: Pitch | Base | None, vel: float = 1.0, **params: float) -> Pattern:
    """Play one step after the other within one cycle: pitches, patterns, ``None`` for a rest.

    >>> krp.seq("A2", "D3", None, "E2") == krp.p("A2 D3 ~ E2")
    True
    """
    return cat(*(_step(step, vel, params) for step in steps))


def _step(step: Pitch | Base | None, vel: float, params: dict[str, float]) -> Base:
    if step is None or isinstance(step, Base):
        return step or rest()
    return note(step, vel, **params)


def cat(*patterns: Base | str | None) -> Pattern:
    """Play patterns one after the other within one cycle. A text is mini-notation, ``None`` a rest.

    >>> krp.cat("x", None) == krp.p("x ~")
    True
    """
    return Pattern(ir.Cat(tuple(map(played_node, patterns))))


def stack(*patterns: Base | str | None) -> Pattern:
    """Play patterns at once.

    >>> krp.stack("x", "A2 C3") == krp.p("x, A2 C3")
    True
    """
    return Pattern(ir.Stack(tuple(map(played_node, patterns))))


def turns(*patterns: Base | str | None) -> Pattern:
    """Play one pattern per cycle, in turn, each going on where it stopped.

    >>> krp.turns("A2", "C3") == krp.p("<A2 C3>")
    True
    """
    return Pattern(ir.Slow((len(patterns), 1), cat(*patterns).node))


def timecat(*steps: tuple[Cycles, Base | str | None]) -> Pattern:
    """Play patterns of different lengths within one cycle.

    >>> krp.timecat((3, "A2"), (1, "C3")) == krp.p("A2@3 C3")
    True
    """
    return Pattern(of_lengths([(ratio(length), played_node(step)) for length, step in steps]))


def arrange(*parts: tuple[int, Base | str | None]) -> Pattern:
    """Play parts of a song, each for so many cycles, over and over: each goes on where it stopped.

    >>> krp.arrange((2, "A2"), (1, "x")).query(2, 3)[0]
    (2>5/2)|gate=1
    """
    cycles = [whole(length, "a number of cycles") for length, _ in parts]
    sections = [ir.Fast((length, 1), played_node(part)) for length, (_, part) in zip(cycles, parts, strict=True)]
    song = of_lengths([((length, 1), section) for length, section in zip(cycles, sections, strict=True)])
    return Pattern(ir.Slow((sum(cycles), 1), song))


def pick(index: Values, *patterns: Base | str | None) -> Pattern:
    """Play one of several by number, counted from 0 and around. It plays what it plays at that time.

    >>> krp.pick("<0 1>", "A2", "x").query(1, 2)[0]
    (1>3/2)|gate=1
    """
    return Pattern(ir.Pick(values_node(index), tuple(map(played_node, patterns))))


def choose(*patterns: Base | str | None, weights: tuple[float, ...] | None = None, seed: int = 0) -> Pattern:
    """Play each cycle one of several by chance, all alike or in proportion to weights.

    >>> krp.choose("A2", "x*4") == krp.p("A2 | x*4")
    True
    """
    shares = None if weights is None else tuple(map(finite, weights))
    return Pattern(ir.Choose(shares, seed_of(seed), tuple(map(played_node, patterns))))


def randcat(*patterns: Base | str | None, seed: int = 0) -> Pattern:
    """Play each cycle one of several by chance, all alike.

    >>> krp.randcat("A2", "C3") == krp.choose("A2", "C3")
    True
    """
    return choose(*patterns, seed=seed)


def wchoose(*parts: tuple[float, Base | str | None], seed: int = 0) -> Pattern:
    """Play each cycle one of several by chance, in proportion to weights.

    >>> krp.wchoose((3, "A2"), (1, "x")) == krp.choose("A2", "x", weights=(3, 1))
    True
    """
    return choose(*(part for _, part in parts), weights=tuple(weight for weight, _ in parts), seed=seed)


def irand(n: int, seed: int = 0) -> Pattern:
    """Give each cycle a whole number from 0 to below ``n`` by chance.

    >>> krp.irand(3) == krp.values("0 | 1 | 2")
    True
    """
    return choose(*(number(i) for i in range(copies(n, "n"))), seed=seed)


def struct(rhythm: Values, pattern: Values) -> Pattern:
    """Play the values of a pattern at the events of a rhythm that are not 0.

    >>> krp.struct("x ~ x x", "1 2") == krp.values("1 2").struct("x ~ x x")
    True
    """
    return Pattern(values_node(pattern)).struct(rhythm)


def freeze(pattern: Base | str) -> Pattern:
    """Make each cycle of a pattern one indivisible unit, for chance and ``reverse``.

    >>> krp.freeze("A2 x") == krp.p("A2 x").freeze()
    True
    """
    return Pattern(ir.Freeze(played_node(pattern)))


def number(value: float) -> Pattern:
    """Give a number once per cycle to operators that take one.

    >>> krp.number(3) == krp.values("3")
    True
    """
    return Pattern(ir.Number(finite(value)))


def name(text: str) -> Pattern:
    """Give a name once per cycle to operators that take one.

    >>> krp.name("C:minor") == krp.values("C:minor")
    True
    """
    return Pattern(ir.Name(text))


def scale(degrees: Values, names: Values) -> Pattern:
    """Play degrees of a scale as notes.

    >>> krp.scale("0 2 4 7", "A2:minor").query(0, 1)[0]
    (0>1/8)|freq=110
    """
    return Pattern(values_node(degrees)).scale(names).control("note")


def arp(chords: Values, kind: str = "up", times: int = 1) -> Pattern:
    """Play the notes of chords one after the other: ``up``, ``down`` or ``updown``.

    >>> krp.arp("A2:m") == krp.values("A2:m").control("chord").arp("up")
    True
    """
    pattern = Pattern(values_node(chords))
    return (pattern if isinstance(chords, Base) else pattern.control("chord")).arp(kind, times)


# What goes elsewhere than to a node's voices


def ctrl(label: str, value: float) -> Pattern:
    """Let a control take a value once per cycle.

    >>> krp.cat(krp.ctrl("cutoff", 400), krp.ctrl("cutoff", 800))
    (0>1/2)|cutoff=400 (1/2>1)|cutoff=800
    """
    return Pattern(control_node(label, finite(value)))


def midi_note(note: int | str, velocity: int = 100, dur: float = 0.125, channel: int = 0) -> Pattern:
    """Play a MIDI note of the host; ``dur`` is in cycles.

    >>> krp.midi_note("C1", dur=0.25)
    (0>1)|note=24,100,0.25,ch0
    """
    key = parse_note(note) if isinstance(note, str) else whole(note, "a MIDI note")
    return Pattern(ir.Atom(ir.Note(whole(channel, "channel"), key, whole(velocity, "velocity"), finite(dur))))


def cc(controller: int, value: int, channel: int = 0) -> Pattern:
    """Send a MIDI controller to the host.

    >>> krp.cc(74, 20)
    (0>1)|cc74=20,ch0
    """
    numbers = whole(channel, "channel"), whole(controller, "controller"), whole(value, "value")
    return Pattern(ir.Atom(ir.Cc(*numbers)))


def osc(address: str, *args: float | str) -> Pattern:
    """Send an OSC message; ``/audio/set`` with a label and a number sets a control.

    >>> krp.osc("/audio/set", "bass/cutoff", 800)
    (0>1)|/audio/set(bass/cutoff,800)
    """
    return Pattern(ir.Atom(ir.Osc(address, args)))


# Shapes: controls that move


def sine(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control as a sine, one period per cycle, from the middle up.

    >>> krp.sine("cutoff", 200, 400).query(0, 1)[0].moving.value(0.25)
    400.0
    """
    return _shape("sine", label, lo, hi)


def tri(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control up and down in straight lines.

    >>> krp.tri("cutoff").query(0, 1)[0].moving.value(0.5)
    1.0
    """
    return _shape("tri", label, lo, hi)


def ramp(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control up in a straight line.

    >>> krp.ramp("cutoff", 0, 8).over(2).query(1, 2)[0].moving.value(0.75)
    6.0
    """
    return _shape("ramp", label, lo, hi)


def ramp_down(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control down in a straight line.

    >>> krp.ramp_down("cutoff").query(0, 1)[0].moving.value(0.25)
    0.75
    """
    return _shape("ramp_down", label, lo, hi)


def square(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Hold a control up for half of the period, then down.

    >>> krp.square("cutoff").query(0, 1)[0].moving.value(0.75)
    0.0
    """
    return _shape("square", label, lo, hi)


def exp(label: str, lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control up slowly, then fast: a square of the phase.

    >>> krp.exp("cutoff").query(0, 1)[0].moving.value(0.5)
    0.25
    """
    return _shape("exp", label, lo, hi)


def pulse(label: str, lo: float = 0.0, hi: float = 1.0, duty: float = 0.5) -> Pattern:
    """Hold a control up for a share of the period, then down.

    >>> krp.pulse("cutoff", duty=0.25).query(0, 1)[0].moving.value(0.3)
    0.0
    """
    return _shape("pulse", label, lo, hi, duty=finite(duty))


def custom(label: str, table: tuple[float, ...] | list[float], lo: float = 0.0, hi: float = 1.0) -> Pattern:
    """Move a control through a table in straight lines and back to its first value.

    >>> krp.custom("cutoff", [0, 1, 0.5, 0.5]).query(0, 1)[0].moving.value(0.25)
    1.0
    """
    return _shape("custom", label, lo, hi, table=tuple(map(finite, table)))


def rand(label: str, lo: float = 0.0, hi: float = 1.0, seed: int = 0) -> Pattern:
    """Move a control at random: a value per period, gently led into the next one's.

    >>> 0 <= krp.rand("cutoff", seed=1).query(5, 6)[0].moving.value(0.5) <= 1
    True
    """
    return _shape("rand", label, lo, hi, seed=seed_of(seed) or None)


def _shape(
    kind: str,
    label: str,
    lo: float,
    hi: float,
    *,
    duty: float | None = None,
    seed: int | None = None,
    table: tuple[float, ...] | None = None,
) -> Pattern:
    if not isinstance(cast(object, label), str):
        raise PatternError(f"{label!r} is no label: a shape moves a control, such as {kind}('cutoff', 0, 1)")
    return Pattern(ir.Shape(kind, finite(lo), finite(hi), label, duty, seed, table))

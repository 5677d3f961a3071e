"""``krp``: patterns, which say what happens when.

A pattern is an immutable value. Builders make them, methods change them, ``p`` reads them from a line of text, and
``query`` says offline, in exact fractions, what the plugin plays. ``docs/patterns.md`` has the language.

>>> beat = krp.p("x . x .") | krp.hit("hat/gate").fast(8).chance(0.2)
>>> tune = krp.values("0 2 <4 7>").scale("C:minor").control("note")
>>> (beat | tune.late(1 / 8)).query(0, Fraction(1, 8))[0]
(0>1/8)|gate=1
"""

from types import ModuleType
from typing import TYPE_CHECKING

from krach.arguments import guard_all
from krach.elsewhere import here
from krach.names import of_module

from . import serialize
from .builders import (
    arp,
    arrange,
    cat,
    cc,
    choose,
    chord,
    ctrl,
    custom,
    exp,
    freeze,
    hit,
    irand,
    midi_note,
    name,
    note,
    number,
    osc,
    p,
    pick,
    pulse,
    ramp,
    ramp_down,
    rand,
    randcat,
    rest,
    scale,
    seq,
    sine,
    square,
    stack,
    struct,
    timecat,
    tri,
    turns,
    values,
    wchoose,
)
from .error import NotationError, PatternError
from .euclid import euclid_hits
from .event import Event, Moving, Stretch
from .pattern import Pattern
from .pitch import ftom, mtof, parse_note
from .source import source

__all__ = [
    "Event",
    "Moving",
    "NotationError",
    "Pattern",
    "PatternError",
    "Stretch",
    "arp",
    "arrange",
    "cat",
    "cc",
    "choose",
    "chord",
    "ctrl",
    "custom",
    "euclid_hits",
    "exp",
    "freeze",
    "ftom",
    "hit",
    "irand",
    "midi_note",
    "mtof",
    "name",
    "note",
    "number",
    "osc",
    "p",
    "parse_note",
    "pick",
    "pulse",
    "ramp",
    "ramp_down",
    "rand",
    "randcat",
    "rest",
    "scale",
    "seq",
    "serialize",
    "sine",
    "source",
    "square",
    "stack",
    "struct",
    "timecat",
    "tri",
    "turns",
    "values",
    "wchoose",
]

guard_all(__name__, "krp", __all__, PatternError, pure=True)

if not TYPE_CHECKING:  # What is typed is checked against the names that there are.
    # Files of this package that are called as a method, or as a name of another program, are no builders.
    for _file in [each for each, given in globals().items() if isinstance(given, ModuleType)]:
        if _file not in __all__ and (hasattr(Pattern, _file) or here(_file)):
            del globals()[_file]
    __getattr__ = of_module(__name__, "krp", Pattern, "patterns")

"""``krs``: instruments and effects as Python functions.

A function of signals is traced into a DspGraph, which the plugin compiles. It is called once; its
positional parameters are audio inputs, what it returns are the outputs. Seconds, Hz and linear levels,
unless a function says otherwise.

>>> def tone():
...     freq = krs.control("freq", 220, 20, 4000)
...     gate = krs.control("gate", 0, 0, 1)
...     return krs.saw(freq) * krs.adsr(0.005, 0.1, 0.7, 0.2, gate)
>>> krs.graph(tone).control_names()
('freq', 'gate')
"""

from typing import TYPE_CHECKING

from krach.arguments import guard_all
from krach.names import of_module

if TYPE_CHECKING:
    from .library import (
        abs_,
        acos,
        adsr,
        ar,
        asin,
        atan,
        atan2,
        bandpass,
        ceil,
        chorus,
        clip,
        control,
        cos,
        delay,
        drive,
        echo,
        exp,
        faust_expr,
        feedback,
        floor,
        fmod,
        highpass,
        log,
        log10,
        lowpass,
        max_,
        mem,
        min_,
        pan,
        phasor,
        pink_noise,
        pow_,
        rdtable,
        remainder,
        resonant,
        reverb,
        round_,
        rwtable,
        saw,
        select2,
        sin,
        sine_osc,
        sqrt,
        square,
        sr,
        tan,
        triangle,
        wavetable,
        white_noise,
    )
    from .show import graph, inspect, render, source_text
    from .trace import Operand, Signal, TraceError

__all__ = [
    "Operand",
    "Signal",
    "TraceError",
    "abs_",
    "acos",
    "adsr",
    "ar",
    "asin",
    "atan",
    "atan2",
    "bandpass",
    "ceil",
    "chorus",
    "clip",
    "control",
    "cos",
    "delay",
    "drive",
    "echo",
    "exp",
    "faust_expr",
    "feedback",
    "floor",
    "fmod",
    "graph",
    "highpass",
    "inspect",
    "log",
    "log10",
    "lowpass",
    "max_",
    "mem",
    "min_",
    "pan",
    "phasor",
    "pink_noise",
    "pow_",
    "rdtable",
    "remainder",
    "render",
    "resonant",
    "reverb",
    "round_",
    "rwtable",
    "saw",
    "select2",
    "sin",
    "sine_osc",
    "source_text",
    "sqrt",
    "square",
    "sr",
    "tan",
    "triangle",
    "wavetable",
    "white_noise",
]

if not TYPE_CHECKING:  # What is typed is checked against the names that there are.
    _missing = of_module(__name__, "krs")

    def __getattr__(name):
        """Return a name; with the first of them all are there. Who traces nothing does without."""
        if name not in __all__:
            return _missing(name)
        from . import library, show, trace  # noqa: PLC0415

        homes = (library, show, trace)
        globals().update((each, next(getattr(home, each) for home in homes if each in vars(home))) for each in __all__)
        guard_all(__name__, "krs", __all__, trace.TraceError)
        return globals()[name]

    def __dir__():
        """Return what is there once it is asked for, too."""
        return sorted({*globals(), *__all__})

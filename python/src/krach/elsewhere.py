"""Names that others know from TidalCycles and Strudel, and what is written here."""

from __future__ import annotations

import re

_CHANCE = ".chance(0.3)"
_NODE = 'a node: kick = kr.node("kick", "faust:kick"), kick @ "x*4"'
_SEND = "a node and a send: keys >> (room, 0.3)"
_TEMPO = 'kr.tempo = 90, or kr.transport(clock="internal", tempo=90)'

# As methods of a pattern, as builders, or in words. Names are in snake case.
_HERE = {
    "degrade": ".chance(0.5)",
    "degrade_by": _CHANCE,
    "un_degrade_by": ".chance(0.3, invert=True)",
    "undegrade_by": ".chance(0.3, invert=True)",
    "euclid": ".spread(3, 8)",
    "euclid_rot": ".spread(3, 8, 2)",
    "euclid_inv": ".spread(-3, 8)",
    "swing_by": ".swing(0.6)",
    "nudge": ".late(0.01)",
    "density": ".fast(2)",
    "sparsity": ".slow(2)",
    "rot_l": ".early(1 / 4)",
    "rot_r": ".late(1 / 4)",
    "stutter": ".echo(4, 1 / 8, 1)",
    "fast_gap": ".compress(0, 1 / 2)",
    "discretise": ".segment(8)",
    "first_of": ".every(4, lambda p: p.rev())",
    "whenmod": '.when("<0 0 1 1>", lambda p: p.rev())',
    "while": '.when("0 1", lambda p: p.rev())',
    "trunc": ".compress(0, 3 / 4)",
    "arpeggiate": '.arp("up")',
    "rolled_by": ".rolled()",
    "layer": ".superimpose(lambda p: p.fast(2))",
    "up": ".transpose(12)",
    "pan": '.controls(pan="0 1")',
    "gain": '.controls(vel="1 0.5")',
    "velocity": '.controls(vel="1 0.5")',
    "legato": ".controls(legato=1)",
    "clip": ".controls(legato=1)",
    "cutoff": '.controls(cutoff="200 2000")',
    "lpf": '.controls(cutoff="200 2000")',
    "resonance": ".controls(resonance=0.5)",
    "fastcat": 'krp.cat("A2", "C3")',
    "slowcat": 'krp.turns("A2", "C3")',
    "stepcat": 'krp.timecat((3, "A2"), (1, "C3"))',
    "wrandcat": 'krp.wchoose((3, "A2"), (1, "C3"))',
    "cycle_choose": 'krp.choose("A2", "C3")',
    "choose_cycles": 'krp.choose("A2", "C3")',
    "overlay": 'krp.stack("A2", "x x")',
    "polymeter": 'krp.p("{A2 C3 E3}%4")',
    "silence": "krp.rest()",
    "pure": 'krp.values("5")',
    "run": 'krp.values("0 .. 7")',
    "saw": 'krp.ramp("cutoff", 200, 2000)',
    "isaw": 'krp.ramp_down("cutoff", 200, 2000)',
    "perlin": 'krp.rand("cutoff", 200, 2000)',
    "n": 'krp.p("0 2 4").scale("A2:minor")',
    "s": _NODE,
    "sound": _NODE,
    "d1": _NODE,
    "room": _SEND,
    "delay": _SEND,
    "orbit": _SEND,
    "cps": _TEMPO,
    "setcps": _TEMPO,
    "setcpm": _TEMPO,
}


def snake(name: str) -> str:
    """Return a name in snake case.

    >>> krach.elsewhere.snake("degradeBy")
    'degrade_by'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def here(name: str) -> str | None:
    """Return what is written here for a name of TidalCycles or Strudel.

    >>> krach.elsewhere.here("degradeBy")
    'degradeBy is .chance(0.3) here'
    >>> krp.p("x").euclid(3, 8)
    Traceback (most recent call last):
    krach.names.NoSuchName: a pattern has no euclid
    euclid is .spread(3, 8) here
    """
    ours = _HERE.get(snake(name))
    return None if ours is None else f"{name} is {ours} here"


def names() -> dict[str, str]:
    """Return all of these names, and what is written here.

    >>> krach.elsewhere.names()["euclid"]
    '.spread(3, 8)'
    """
    return dict(_HERE)

"""A sketch of a song for a DAW: its parts are scenes, and what moves in them are macros.

The parts stand ready after `krach run song.py`: automate the parameter Scene (1 to 4) on the track for the arrangement,
and the macros Open and Room for what moves. `krach run song.py play` plays an arrangement without a DAW.
"""

import sys

from krach import kr, krs


def strings():
    """Two saws, a little apart, behind a filter."""
    freq, gate = krs.control("freq", 220, 20, 4000), krs.control("gate", 0, 0, 1)
    bright = krs.control("bright", 900, 100, 8000)
    both = krs.saw(freq * 0.997) + krs.saw(freq * 1.003)
    return krs.lowpass(both, bright) * krs.adsr(0.2, 0.3, 0.7, 0.6, gate) * 0.1


CHORDS = "<[A3,C4,E4] [F3,A3,C4] [C3,E4,G4] [G3,B3,D4]>"


def players(m):
    """Put in what every part has."""
    m.node("kick", "faust:kick", gain=0.8)
    m.node("snare", "faust:snare", gain=0.5)
    m.node("hat", "faust:hat", gain=0.25)
    m.node("bass", "faust:bass", gain=0.5)
    m.node("strings", strings, count=4, gain=0.5)
    m.node("room", "faust:reverb", gain=0.4)
    m.send("strings", "room", 0.5)
    m.send("snare", "room", 0.2)
    m.play("strings", CHORDS)
    m.tempo = 120


@kr.module
def intro(m):
    """Strings alone, that open."""
    players(m)
    m.mod("strings/bright", "ramp", lo=300, hi=2000, bars=4)


@kr.module
def verse(m):
    """Kick and bass."""
    players(m)
    m.play("kick", "x . . . x . . . x . . . x . x .")
    m.play("bass", "<A1 F1 C2 G1>*4")


@kr.module
def chorus(m):
    """Everything."""
    players(m)
    m.play("kick", "x*4")
    m.play("snare", ". x . x")
    m.play("hat", "[. x]*4", swing=0.56)
    m.play("bass", "[<A1 F1 C2 G1> . <A2 F2 C3 G2> .]*2")
    m.set("strings/bright", 3000)


@kr.module
def ending(m):
    """A chord that stays."""
    players(m)
    m.play("strings", "[A3,C4,E4]")
    m.play("bass", "A1 . . .")


PARTS = {"intro": intro, "verse": verse, "chorus": chorus, "ending": ending}
ARRANGEMENT = {"verse": 2, "chorus": 4, "ending": 6}  # The bar that each begins with, after the intro.

with kr.batch():
    kr.load(intro())
    for number, (name, part) in enumerate(PARTS.items(), 1):
        kr.save(name, ir=part(), number=number)
    kr.macro(1, "strings/bright", 300, 6000, name="Open")
    kr.macro(1, "bass/cutoff", 150, 2000)
    kr.macro(2, "room/gain", 0.1, 0.8, name="Room")

if sys.argv[1:] == ["play"]:
    for name, bar in ARRANGEMENT.items():
        kr.recall(name, at=bar)

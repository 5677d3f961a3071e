"""Writes the sessions that come with krach: each is a module of the Python client, 16 bars long.

Run it with the client on the path: ``PYTHONPATH=python/src python dsp/sessions/make.py``. A test holds the files to it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

import krach
from krach import krp
from krach.ir.module import Frozen, ModuleIr
from krach.module_settings import FORMAT

SESSIONS: dict[str, Callable[[krach.ModuleProxy], None]] = {}

# A struck tube: two tones that bend each other, and a breath of noise.
TUBE = """import("stdfaust.lib");
gate = button("[0]gate");
freq = hslider("[1]freq[unit:Hz][scale:log]", 220, 20, 4000, 0.01);
vel = hslider("[2]vel", 0.8, 0, 1, 0.01);
ratio = hslider("[3]ratio", 1.41, 0.5, 8, 0.01);
index = hslider("[4]index", 3, 0, 12, 0.01) : si.smoo;
decay = hslider("[5]decay[unit:ms][scale:log]", 220, 20, 3000, 1) / 1000;
hit = en.are(0.001, decay, gate);
process = os.osc(freq + os.osc(freq * ratio) * index * freq * hit * hit) * hit * vel
  + no.noise * en.are(0.0005, 0.012, gate) * 0.06 * vel : *(0.5) : fi.dcblockerat(20);
"""

# Wind over a wire: noise through resonances that wander.
WIND = """import("stdfaust.lib");
color = hslider("[0]color[unit:Hz][scale:log]", 700, 80, 6000, 1) : si.smoo;
narrow = hslider("[1]narrow", 12, 1, 60, 0.1) : si.smoo;
level = hslider("[2]level", 0.3, 0, 1, 0.01) : si.smoo;
gust(rate) = 0.5 + 0.5 * os.osc(rate);
side(r, a) = no.multinoise(2) : ba.selector(a, 2) : fi.resonbp(color * (0.6 + 0.8 * gust(r)), narrow, 1) * gust(r * 0.7);
process = side(0.043, 0) * level * 0.6, side(0.031, 1) * level * 0.6;
"""

# Two detuned saws that grind against each other through a notch that moves.
REESE = """import("stdfaust.lib");
gate = button("[0]gate");
freq = hslider("[1]freq[unit:Hz][scale:log]", 55, 20, 1000, 0.01);
vel = hslider("[2]vel", 0.8, 0, 1, 0.01);
detune = hslider("[3]detune[unit:cent]", 18, 0, 60, 0.1);
cutoff = hslider("[4]cutoff[unit:Hz][scale:log]", 900, 60, 8000, 1) : si.smoo;
spread(c) = freq * pow(2, c / 1200);
body = (os.sawtooth(spread(detune)) + os.sawtooth(spread(0 - detune)) + os.square(freq / 2) * 0.6) / 3;
process = body : fi.notchw(cutoff * 0.3, cutoff * 0.6 + 20) : fi.lowpass(3, cutoff)
  : *(gate * vel : si.lag_ud(0.006, 0.06)) : ma.tanh : *(0.6) : fi.dcblockerat(20);
"""


def session(make: Callable[[krach.ModuleProxy], None]) -> Callable[[krach.ModuleProxy], None]:
    """Take a session under the name of its function."""
    SESSIONS[make.__name__] = make
    return make


@session
def acid(m: krach.ModuleProxy) -> None:
    """Basement acid: one line, a filter that opens over eight bars, a room that answers."""
    m.tempo = 130
    m.node("kick", "faust:kick", gain=0.62, init={"tune": 48, "decay": 380})
    m.node("hat", "faust:hat", gain=0.36, init={"decay": 60})
    m.node("open", "faust:hat", gain=0.3, init={"decay": 320})
    m.node("clap", "faust:clap", gain=0.34)
    line = {"sub": 0, "resonance": 0.82, "decay": 190, "sustain": 0.05, "glide": 55, "env": 2.6, "drive": 12}
    m.node("acid", "faust:bass", gain=0.42, init=line)
    m.node("echo", "faust:delay", gain=0.9, init={"time": 0.3462, "feedback": 0.5, "pingpong": 1})
    m.node("room", "faust:reverb", gain=0.7, init={"decay": 1.4, "lowcut": 250})
    m.send("acid", "echo", 0.35)
    m.send("clap", "room", 0.5)
    m.send("echo", "room", 0.2)
    m.play("kick", krp.arrange((15, "x*4"), (1, "x x x [x x]")))
    m.play("hat", krp.arrange((2, None), (14, "[x x x x]*4")).chance(0.12, seed=4), swing=0.54)
    m.play("open", krp.arrange((4, None), (12, "[~ x]*4")))
    m.play("clap", krp.arrange((4, None), (11, "~ x ~ x"), (1, "~ x ~ [x x x]")))
    m.play("acid", "A1 A1 A2 [A1 C2] A1 G1 <A1 E2> A1 A1 C2 A1 [A2 A1] <D2 A1> A1 G1 [E1 G1]")
    m.mod("acid/cutoff", "tri", lo=160, hi=1500, bars=8)


@session
def dub(m: krach.ModuleProxy) -> None:
    """Dub chamber: one chord, many echoes, and a bass that leaves room for them."""
    m.tempo = 118
    m.node("kick", "faust:kick", gain=0.6, init={"tune": 45, "click": 0.12, "drive": 3})
    m.node("hat", "faust:hat", gain=0.5, init={"decay": 55, "tone": 9000})
    m.node("rim", "faust:snare", gain=0.28, init={"tune": 420, "decay": 60, "rattle": 40, "snares": 0.2})
    m.node("sub", "faust:bass", gain=0.42, init={"cutoff": 140, "env": 0.8, "drive": 2, "sub": 0.9, "sustain": 0.8})
    stab = {"attack": 6, "release": 260, "cutoff": 1400, "motion": 0.2}
    m.node("stab", "faust:pad", gain=0.5, count=6, init=stab, to_master=False)
    m.node("band", "faust:filter", gain=1.25, init={"mode": 1, "cutoff": 900, "resonance": 0.4})
    m.node("echo", "faust:delay", gain=1.3, init={"time": 0.3814, "feedback": 0.68, "tone": 2600, "lowcut": 260})
    m.node("hall", "faust:reverb", gain=1.2, init={"decay": 4.5, "damping": 3500, "lowcut": 220})
    m.wire("stab", "band")
    m.send("band", "echo", 1.0)
    m.send("echo", "hall", 0.45)
    m.send("rim", "echo", 0.4)
    m.play("kick", "x*4")
    m.play("hat", krp.arrange((2, None), (14, "[~ x]*4")), swing=0.56)
    m.play("rim", krp.arrange((4, None), (12, "~ ~ ~ [~ ~ x ~]")).chance(0.2, seed=2))
    m.play("sub", krp.arrange((4, None), (12, "D1 ~ ~ [~ D1] ~ ~ <F1 C1> ~")))
    m.play("stab", "~ [[D3,F3,A3,C4]@1 ~ ~ ~] ~ <~ [~ [D3,F3,A3,E4] ~ ~]>")
    m.mod("band/cutoff", "sine", lo=450, hi=2200, bars=6)
    m.mod("echo/feedback", "tri", lo=0.5, hi=0.78, bars=16)


@session
def slow_light(m: krach.ModuleProxy) -> None:
    """Slow light: chords that breathe, bells by chance, wind, and a very long room."""
    m.tempo = 66
    swell = {"attack": 1800, "release": 7000, "cutoff": 900, "motion": 1.2}
    m.node("pad", "faust:pad", gain=0.3, count=8, init=swell, to_master=False)
    m.node("bell", "faust:bell", gain=0.24, count=6, init={"decay": 5, "bright": 0.35})
    m.node("pluck", "faust:pluck", gain=0.32, count=6, init={"bright": 2600, "decay": 6})
    m.node("wind", WIND, gain=0.35)
    m.node("wide", "faust:chorus", gain=0.9, init={"depth": 4, "rate": 0.23})
    m.node("hall", "faust:reverb", gain=0.55, init={"decay": 9, "damping": 4500, "predelay": 40, "lowcut": 180})
    m.wire("pad", "wide")
    m.send("wide", "hall", 0.35)
    m.send("bell", "hall", 0.7)
    m.send("pluck", "hall", 0.5)
    m.send("wind", "hall", 0.25)
    chords = krp.p("<[D3,A3,C4,F4] [Bb2,F3,A3,D4] [F3,C4,E4,G4] [C3,G3,Bb3,E4]>").slow(2)
    m.play("pad", chords)
    m.play("bell", krp.irand(6, seed=3).fast(2).scale("A5:minor pentatonic").control("note").chance(0.4, seed=4))
    tune = krp.irand(8, seed=1).fast(4).scale("D4:dorian").control("note").chance(0.35, seed=9)
    m.play("pluck", krp.arrange((4, None), (12, tune)))
    m.mod("wind/color", "sine", lo=350, hi=1500, bars=8)
    m.mod("pad/cutoff", "tri", lo=600, hi=1900, bars=16)


@session
def house(m: krach.ModuleProxy) -> None:
    """Pumping house: the pad and the bass make room for each kick, by an automation of their faders."""
    m.tempo = 124
    m.node("kick", "faust:kick", gain=0.64, init={"tune": 52, "decay": 300, "drive": 8})
    m.node("clap", "faust:clap", gain=0.34)
    m.node("hat", "faust:hat", gain=0.45, init={"decay": 90})
    m.node("shaker", "faust:hat", gain=0.4, init={"attack": 18, "decay": 60, "noise": 0.9})
    m.node("bass", "faust:bass", gain=0.4, init={"cutoff": 320, "decay": 220, "sustain": 0.5})
    m.node("pad", "faust:pad", gain=0.4, count=6, init={"attack": 60, "release": 500, "cutoff": 2400})
    m.node("keys", "faust:keys", gain=0.26, count=8, init={"bark": 1.6})
    m.node("room", "faust:reverb", gain=0.35, init={"decay": 1.8, "lowcut": 300})
    m.send("keys", "room", 0.35)
    m.send("clap", "room", 0.3)
    m.send("pad", "room", 0.2)
    m.play("kick", krp.arrange((15, "x*4"), (1, "x x x ~")))
    m.play("clap", krp.arrange((2, None), (14, "~ x ~ x")))
    m.play("hat", krp.arrange((4, None), (12, "[~ x]*4")))
    m.play("shaker", krp.arrange((8, None), (8, "x*16")), swing=0.57)
    m.play("bass", krp.arrange((4, None), (12, "<[~ F1 ~ F1 [~ F1] F2 ~ F1] [~ Ab1 ~ Ab1 [~ Eb1] Eb2 ~ Eb1]>")))
    m.play("pad", "<[F3,Ab3,C4,Eb4] [Ab3,C4,Eb4,G4] [Bb3,Db4,F4,Ab4] [Eb3,G3,Bb3,Db4]>")
    riff = "[~ [C5,Eb5]] ~ [~ [Ab4,C5]] [[Bb4,Db5] ~] ~ [~ [Ab4,C5]] ~ ~"
    m.play("keys", krp.arrange((8, None), (8, riff)), swing=0.57)
    m.mod("pad/gain", "ramp", lo=0.06, hi=0.4, bars=0.25)
    m.mod("bass/gain", "ramp", lo=0.1, hi=0.42, bars=0.25)
    m.mod("pad/cutoff", "tri", lo=900, hi=4200, bars=16)


@session
def breaks(m: krach.ModuleProxy) -> None:
    """Broken glass: a break that is never twice the same, over a bass that grinds."""
    m.tempo = 172
    m.node("kick", "faust:kick", gain=0.6, init={"tune": 58, "decay": 220, "click": 0.5})
    m.node("snare", "faust:snare", gain=0.52, init={"tune": 210, "rattle": 260})
    m.node("ghost", "faust:snare", gain=0.15, init={"tune": 240, "decay": 90, "rattle": 90})
    m.node("hat", "faust:hat", gain=0.45, init={"decay": 70})
    m.node("reese", REESE, gain=0.36)
    m.node("pad", "faust:pad", gain=0.26, count=5, init={"attack": 400, "release": 1800, "cutoff": 1300})
    m.node("bell", "faust:bell", gain=0.16, count=4, init={"decay": 2.2, "bright": 0.7})
    m.node("room", "faust:reverb", gain=0.35, init={"decay": 2.6, "lowcut": 260})
    m.send("snare", "room", 0.22)
    m.send("pad", "room", 0.35)
    m.send("bell", "room", 0.5)
    m.play("kick", krp.p("x ~ ~ ~ ~ x ~ ~").every(4, lambda bar: bar.rev()))
    m.play("snare", krp.p("~ ~ x ~ ~ ~ x ~").every(8, lambda bar: bar.fast(2)))
    m.play("ghost", krp.arrange((2, None), (14, "[~ x]*8")).chance(0.5, seed=6))
    m.play("hat", krp.p("x*8").sometimes(lambda hits: hits.fast(2), seed=11))
    m.play("reese", krp.arrange((4, None), (12, "<[E1@3 ~] [E1 ~ G1 ~] [D1@3 ~] [C1@2 D1@2]>")))
    m.play("pad", "<[E3,G3,B3,F#4] [C3,E3,G3,B3]>/2")
    notes = krp.irand(7, seed=5).scale("E5:minor").control("note")
    m.play("bell", krp.arrange((8, None), (8, krp.struct("x(3,8)", notes))))
    m.mod("reese/cutoff", "tri", lo=250, hi=1700, bars=4)


@session
def five_eight(m: krach.ModuleProxy) -> None:
    """Five against eight: rhythms of Euclid on four drums and two strings, each of another length."""
    m.tempo = 108
    m.node("drums/low", "faust:kick", gain=0.56, init={"tune": 62, "sweep": 1.2, "decay": 420, "click": 0.2})
    m.node("drums/mid", TUBE, gain=0.36, init={"ratio": 1.5, "index": 1.2, "decay": 260})
    m.node("drums/high", TUBE, gain=0.28, init={"ratio": 2.76, "index": 2.4, "decay": 120})
    m.node("drums/rattle", "faust:hat", gain=0.4, init={"attack": 10, "decay": 90, "noise": 0.8})
    m.node("strings/a", "faust:pluck", gain=0.38, count=4)
    m.node("strings/b", "faust:pluck", gain=0.34, count=4, init={"bright": 6500, "pick": 0.09})
    m.node("bass", "faust:pluck", gain=0.44, init={"bright": 1500, "decay": 3})
    m.node("room", "faust:reverb", gain=0.4, init={"decay": 1.9, "damping": 5200})
    for name, level in {"mid": 0.25, "high": 0.35, "rattle": 0.2}.items():
        m.send(f"drums/{name}", "room", level)
    m.send("strings/a", "room", 0.3)
    m.send("strings/b", "room", 0.4)
    m.play("drums/low", "x(3,8)")
    m.play("drums/mid", krp.arrange((2, None), (14, "146.83(5,16)")))
    m.play("drums/high", krp.arrange((4, None), (12, "<392.0 440.0>(7,16,2)")))
    m.play("drums/rattle", krp.arrange((4, None), (12, "x(9,16)")), swing=0.55)
    m.play("strings/a", krp.p("{A3 C4 E4 G4 D4}%8"))
    m.play("strings/b", krp.arrange((6, None), (10, "{E5 ~ A5 G5 ~ C5 D5}%8")))
    m.play("bass", krp.arrange((2, None), (14, "<A1 A1 F1 G1>(3,8)")))
    m.mod("strings/a/bright", "sine", lo=2200, hi=7000, bars=5)


@session
def glass_waltz(m: krach.ModuleProxy) -> None:
    """Glass waltz: three quarters, voices led from chord to chord, a bell that answers the keys."""
    m.tempo = 132
    m.meter = 3
    m.node("keys", "faust:keys", gain=0.38, count=16, init={"bark": 0.8, "depth": 0.2})
    m.node("bass", "faust:bass", gain=0.34, init={"cutoff": 260, "env": 1.4, "drive": 1, "decay": 600, "sustain": 0.2})
    m.node("bell", "faust:bell", gain=0.24, count=6, init={"decay": 3})
    m.node("strings", "faust:pad", gain=0.24, count=6, init={"attack": 500, "release": 1200, "cutoff": 2600, "detune": 8})
    m.node("brush", "faust:hat", gain=0.45, init={"attack": 24, "decay": 130, "noise": 1, "tone": 4500})
    m.node("hall", "faust:reverb", gain=0.45, init={"decay": 3.2})
    m.send("keys", "hall", 0.3)
    m.send("bell", "hall", 0.55)
    m.send("strings", "hall", 0.35)
    chords = "<[F3,A3,C4,E4] [D3,F3,A3,C4] [G3,Bb3,D4,F4] [C3,E3,G3,Bb3] [A3,C4,E4,G4] [D3,F#3,A3,C4] [G3,Bb3,D4,F4] [C4,E4,G4,A4]>"
    m.play("keys", f"~ {chords} {chords}")
    m.play("bass", "<F1 D1 G1 C1 A1 D1 G1 C1> ~ ~")
    m.play("bell", krp.arrange((4, None), (12, "<[C5 ~ A5] [F5 E5 D5] [D5 ~ Bb5] [G5@2 E5]>")))
    m.play("strings", krp.arrange((8, None), (8, chords)))
    m.play("brush", krp.arrange((4, None), (12, "~ x [x x]")))
    m.mod("strings/cutoff", "tri", lo=1200, hi=3600, bars=8)


@session
def machine_room(m: krach.ModuleProxy) -> None:
    """Machine room: struck tubes, a drum bus that is driven and pressed, and values thrown at every sixteenth."""
    m.tempo = 136
    m.node("kick", "faust:kick", gain=0.6, init={"tune": 44, "drive": 14, "decay": 340}, to_master=False)
    m.node("snare", "faust:snare", gain=0.5, init={"tone": 3200}, to_master=False)
    m.node("tubes", TUBE, gain=0.34, count=4)
    m.node("zap", TUBE, gain=0.22, init={"ratio": 7.1, "index": 9, "decay": 70})
    m.node("bass", REESE, gain=0.32, init={"detune": 8, "cutoff": 500})
    m.node("heat", "faust:drive", gain=1.0, init={"drive": 8, "level": -6, "mix": 0.6}, to_master=False)
    m.node("press", "faust:compressor", gain=0.75, init={"threshold": -24, "ratio": 6, "attack": 12, "makeup": 4})
    m.node("echo", "faust:delay", gain=0.7, init={"time": 0.3309, "feedback": 0.4, "pingpong": 1})
    m.node("plate", "faust:reverb", gain=0.3, init={"decay": 1.1, "damping": 9000, "lowcut": 400})
    m.send("kick", "heat", 1.0)
    m.send("snare", "heat", 1.0)
    m.wire("heat", "press")
    m.send("tubes", "echo", 0.4)
    m.send("zap", "plate", 0.5)
    m.send("snare", "plate", 0.25)
    m.play("kick", krp.arrange((8, "x ~ ~ x ~ ~ x ~"), (7, "x x ~ x ~ x x ~"), (1, "x*8")))
    m.play("snare", krp.arrange((2, None), (14, "~ x ~ <x [x x]>")))
    m.play("tubes", krp.struct("[x x]*8", krp.irand(5, seed=8).fast(16).scale("D3:minor pentatonic").control("note")).chance(0.4, seed=3))
    m.play("zap", krp.arrange((4, None), (12, "~ ~ ~ 880.0 ~ ~ <1320.0 660.0> ~")))
    m.play("bass", krp.arrange((4, None), (12, "D1 ~ [D1 D1] ~ <F1 C1> ~ D1 ~")))
    m.mod("tubes/index", "tri", lo=1, hi=7, bars=4)
    m.mod("tubes/ratio", "square", lo=1.41, hi=2.02, bars=8)
    m.mod("bass/cutoff", "sine", lo=250, hi=1400, bars=3)


def built(make: Callable[[krach.ModuleProxy], None]) -> ModuleIr:
    """Return a session as a document that begins anew at every start of the host."""
    proxy = krach.ModuleProxy()
    make(proxy)
    ir = proxy.build()
    settings = (ir.krach.to_dict() if ir.krach is not None else {}) | {"version": FORMAT, "start": "restart"}
    return ModuleIr.from_dict(ir.to_dict() | {"krach": settings})


def text(name: str) -> str:
    """Return the file of a session."""
    return json.dumps(built(SESSIONS[name]).to_dict(), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    here = Path(__file__).parent
    for name in sys.argv[1:] or SESSIONS:
        (here / f"{name}.krach.json").write_text(text(name), "utf-8")
        print(name)

"""What a model reads first: the pattern language on one page, and the sounds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .desk import Desk

_READ = 10.0

PAGE = """\
# Patterns

A pattern says what happens in each cycle, over and over. A cycle is one bar of 4/4 (the tool set_meter changes that).
The tool play takes two forms.

## Notation

Steps share the cycle equally.

| text | what it plays |
|---|---|
| `x . x .` | hits on the first and the third quarter; a rest is `.` or `~` |
| `x..x..x.` | hits and rests need no spaces between |
| `A2 ~ C#4 eb3` | notes: letter, # or b, octave; C4 is middle C |
| `57 60` | MIDI keys: whole numbers |
| `220.0` | a frequency in Hz: a number with a point |
| `x [x x] x x` | brackets: a sequence within one step |
| `[A3, C4, E4]` | a chord: a comma is "at once"; the node needs count=3 or more |
| `x x x x, [. x]*4` | layers at once |
| `<A2 C3 E3>` | one per cycle, in turn |
| `<A2*4 C3*4>` | each four times, in its own cycle; `<A2 C3>*4` would go through both twice in one |
| `x*4` `[A2 C3]/2` | faster, slower |
| `x!3 A2` | three steps of it |
| `A2@3 C3` | a step three times as long |
| `A2 _ _ C3` | a step held for more steps |
| `x(3,8)` `x(3,8,2)` | 3 hits spread over 8 steps; begun 2 steps later |
| `x*8?0.2` | each left out with probability 0.2, always the same ones |
| `[A2 | C3]` | one of them by chance, each cycle |
| `{A2 B2 C3}%4` | four of the three steps per cycle, going round |
| `A2*<2 3>` | a number that changes from cycle to cycle |
| `60 .. 63` | all keys from one to the other |

On a control (`bass/cutoff`) words are its values, one event each: `<400 800> 1200`, or names where it has them.

## Builders

An expression in Python's form; it is read, and not run. A text in it is notation, `None` a rest.

| expression | what it plays |
|---|---|
| `seq("A2", None, "E2").over(2)` | steps, over two cycles |
| `hit() * 4` `hit() + hit().fast(2)` | four hits; one after the other |
| `p("x*4") | p("A2 C3")` | both at once |
| `p("x . x x").fast(2)` | notation, changed by methods |
| `note("A2", vel=0.6)` `chord("A2:m7")` | a note with other controls; a chord by name |
| `cat("x", None, "x*2", "x")` `stack("x*4", "[. x]*4")` | one after the other; at once |
| `turns("A2*4", "C3*4")` | one per cycle |
| `arrange((3, "x*4"), (1, "x*8"))` | parts for so many cycles each |
| `values("0 2 4 7").scale("A2:minor").control("note")` | degrees of a scale as notes |
| `values("A2:m C3:major").control("chord").arp("up")` | chords, note by note |
| `hit().spread(3, 8)` | Euclid, as `x(3,8)` |
| `p("A2 C3").every(4, lambda q: q.rev())` | changed in every fourth cycle |
| `p("x*8").chance(0.3)` `p("x*8").sometimes(lambda q: q.fast(2))` | left out, or changed, by chance |
| `p("A2 C3 E3").off(1 / 8, lambda q: q.transpose(12))` | with a copy later and an octave up |
| `p("A2 C3").controls(cutoff="<400 800>", vel=0.7)` | other controls with the notes |
| `p("x*8").swing(0.6)` | swing; or the parameter swing of play |
| `sine("cutoff", 300, 900).over(4)` | a control that moves, on the node that plays it |

Methods beside these: early late slow shift zoom ply palindrome iter chunk shuffle scramble mask struct add sub mul div
mod set keep inv voicing segment superimpose jux echo linger compress freeze degree tuned rolled when.

## Which notes move what

A node that plays `A2` sets its `freq` and opens its `gate`. Drums (kick, snare, hat, clap) are hit: `x`.
`vel` is how hard. Chords need voices: `count` of the node.
"""
"""What the resource ``krach://patterns`` says; a test plays every example."""


def sounds(desk: Desk) -> str:
    """Return each type: what it is, whether it has inputs, its controls with ranges, how it is played."""
    lines = [
        "# Sounds: what `source` of the tool `node` takes",
        "",
        "Each control: name, range and unit (default). Instruments are played by patterns of notes or hits; effects",
        "have inputs: connect other nodes to them. Drums are hit with x, and stay at their own pitch.",
        "",
    ]
    until = time.monotonic() + _READ
    types = desk.session.types()
    while any(each.inputs is None for each in types) and time.monotonic() < until:
        time.sleep(0.05)  # They are read as the plugin starts.
        types = desk.session.types()
    for each in types:
        if each.origin == "builtin":
            continue
        about = [] if each.origin not in ("factory", "session", "file") else _about(desk, each.type)
        kind = "effect" if each.inputs else "instrument"
        lines += [f"## {each.type} ({kind}, {each.origin})", *about]
        lines += ["controls: " + ", ".join(_control(control) for control in each.controls or ()), ""]
    return "\n".join(lines)


def _about(desk: Desk, type_id: str) -> list[str]:
    """Return the comment that the text of a sound begins with."""
    found: list[str] = []
    for line in desk.session.source(type_id).splitlines():
        mark = next((mark for mark in ("//", "#") if line.startswith(mark)), None)
        if mark is None:
            break
        found += [line.removeprefix(mark).strip()] if line.removeprefix(mark).strip() else []
    return found[:4]


def _control(control: dict[str, Any]) -> str:
    unit = f" {control['unit']}" if control.get("unit") else ""
    return f"{control['name']} {control['min']:g}…{control['max']:g}{unit} ({control['default']:g})"

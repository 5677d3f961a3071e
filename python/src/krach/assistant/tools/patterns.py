"""What plays."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.expression import MAX_TEXT
from krach.assistant.registry import Answer, At, DryRun, Tool, tool
from krach.error import KrachError
from krach.names import nearest
from krach.pattern import ftom, mtof

TOOLS: dict[str, Tool] = {}

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@tool(TOOLS)
def play(
    desk: Desk,
    *,
    target: Annotated[
        str,
        Field(
            description='A node ("bass"), or a control ("bass/cutoff") that takes values from the pattern.',
            max_length=400,
        ),
    ],
    pattern: Annotated[
        str,
        Field(
            description='What happens in each cycle (one bar of 4/4). Notation: "x . x ." hits and rests, "A2 . C3 E3" '
            'notes, numbers are MIDI keys (60 is C4; no grids of 1 and 0), "[A3, C4, E4]" a chord, "x [x x]" a step '
            'divided, "x*4", "x(3,8)", "<A2 C3>" one per cycle ("<A2*4 C3*4>": each four times in its own), "x?0.3" by '
            'chance. On a control: values, "<400 800> 1200". Or an expression: seq("A2", None, "E2").over(2), '
            'hit().spread(3, 8).every(4, lambda p: p.fast(2)), values("0 2 4").scale("A2:minor").control("note"), '
            'turns(chord("A3:m7"), chord("F3:major7")). Resource krach://patterns has the language on a page.',
            min_length=1,
            max_length=MAX_TEXT,
        ),
    ],
    swing: Annotated[
        float | None,
        Field(gt=0, lt=1, description="Share of the first of two eighths: 0.5 is straight, 0.6 swings."),
    ] = None,
    from_zero: Annotated[bool, Field(description="The pattern begins with its cycle 0 where it comes in.")] = False,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Play a pattern on a node, over and over; it takes the place of the one that played there.

    What was silent begins at the next cycle, what plays is swapped in phase. hush ends it.
    """
    made = desk.pattern(pattern)
    try:
        done = desk.session.play(target, made, from_zero or None, swing, at=at, dry_run=dry_run)
    except KrachError as error:
        error.hint = error.hint or "the resource krach://patterns has what can be played"
        raise
    events = done.get("events_per_cycle")
    heard = desk.session.query(target) if not dry_run and at is None else None
    data = {"target": target, "pattern": pattern, "events_per_cycle": events}
    text = f"{target} plays {pattern if len(pattern) < 200 else pattern[:200] + '…'}"
    if heard is not None:
        shown = _begun(heard.events)
        data["onsets_of_this_cycle"] = shown
        listed = ", ".join(f"{time} {' '.join(names)}" for time, names in list(shown.items())[:64])
        text += f"\nin this cycle, position and what begins: {listed or 'nothing'}"
    return Answer(text, data)


def _begun(events: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return what begins when: notes by name, hits as x, other values with their control."""
    notes: dict[tuple[str, object], str] = {}
    found: dict[str, list[str]] = {}
    for each in events:
        value, time = each["value"], _time(each["whole"][0])
        label = str(value.get("label", "")).rpartition("/")[2]
        if label == "freq" and each["onset"]:
            notes[time, each.get("unit")] = ""
            found.setdefault(time, []).append(_pitch(value["value"]))
    for each in events:
        value, time = each["value"], _time(each["whole"][0])
        label = str(value.get("label", "")).rpartition("/")[2]
        if not each["onset"] or label == "freq":
            continue
        if label == "gate":
            if value["value"] and (time, each.get("unit")) not in notes:
                found.setdefault(time, []).append("x")
        elif value.get("type") == "Control":
            found.setdefault(time, []).append(f"{label}={value['value']:g}")
        else:
            found.setdefault(time, []).append(str(value.get("type", "?")).lower())
    return dict(sorted(found.items(), key=lambda each: Fraction(each[0])))


def _pitch(hz: float) -> str:
    """Return a frequency as a note, where it is one."""
    key = round(ftom(hz)) if hz > 0 else -1
    is_note = 0 <= key < 128 and abs(mtof(key) / hz - 1) < 1e-4
    return f"{_NAMES[key % 12]}{key // 12 - 1}" if is_note else f"{hz:.1f}Hz"


def _time(fraction: list[int]) -> str:
    n, d = fraction
    return f"{n}/{d}" if d != 1 else str(n)


@tool(TOOLS)
def hush(
    desk: Desk,
    *,
    target: Annotated[str, Field(description="A node, a group, or a control whose pattern ends.", max_length=400)],
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """End the pattern of a node, a group or a control. What rings on fades by itself."""
    slots = desk.session.slots
    meant = [each for each in slots if each == target or each.startswith(f"{target}/")]
    if not meant:
        near = nearest(target, slots)
        hint = f"did you mean {near}?" if near else f"patterns are on: {', '.join(slots) or 'no node'}"
        raise KrachError(f"nothing plays on {target}", place=target, hint=hint)
    desk.session.hush(target, at=at, dry_run=dry_run)
    return Answer(f"hushed {', '.join(meant)}", {"slots": meant})


@tool(TOOLS)
def stop(desk: Desk, *, at: At = None, dry_run: DryRun = False) -> Answer:
    """End all patterns. Nodes, values and modulations stay; what rings on fades by itself."""
    playing = [name for name, plays in desk.session.slots.items() if plays]
    desk.session.stop(at=at, dry_run=dry_run)
    return Answer(f"stopped {', '.join(playing) or 'nothing: nothing played'}", {"slots": playing})

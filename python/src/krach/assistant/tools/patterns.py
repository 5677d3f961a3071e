"""What plays."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.expression import MAX_TEXT
from krach.assistant.registry import Answer, At, DryRun, Tool, tool
from krach.error import KrachError
from krach.names import nearest

TOOLS: dict[str, Tool] = {}


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
            'notes, "[A3, C4, E4]" a chord, "x*4", "x(3,8)", "<A2 C3>" one per cycle, "x?0.3" by chance. On a control: '
            'values, "<400 800> 1200". Or an expression of builders: seq("A2", None, "E2").over(2), '
            'hit().spread(3, 8).every(4, lambda p: p.fast(2)), values("0 2 4").scale("A2:minor").control("note"). '
            "Resource krach://patterns has the language on a page.",
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
        begins = [_time(each["whole"][0]) for each in heard.events if each["onset"] and _begins(each)]
        shown = list(dict.fromkeys(begins))
        data["onsets_of_this_cycle"] = shown
        text += f"\nonsets in this cycle, in cycles: {', '.join(shown[:64]) or 'none'}"
    return Answer(text, data)


def _begins(event: dict[str, Any]) -> bool:
    """Whether something begins, and no gate closes."""
    value: dict[str, Any] = event["value"]
    is_gate = str(value.get("label", "")).rpartition("/")[2] == "gate"
    return not (is_gate and value.get("value") == 0)


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

"""Controls, and what moves them."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.page import sounds
from krach.assistant.registry import Answer, At, ControlPath, DryRun, Tool, tool
from krach.error import KrachError
from krach.names import nearest
from krach.session.info import Info

TOOLS: dict[str, Tool] = {}

Value = Annotated[float, Field(description="In the unit of the control; list_controls has unit and range.")]
Bars = Annotated[float | None, Field(gt=0, le=4096, description="Length in cycles (bars of 4/4).")]
Seconds = Annotated[float | None, Field(gt=0, le=36000, description="Length in seconds, instead of bars.")]


@tool(TOOLS)
def set_control(desk: Desk, *, path: ControlPath, value: Value, at: At = None, dry_run: DryRun = False) -> Answer:
    """Set the base value of a control. A pattern or a modulation on it is stronger: it goes on."""
    found = desk.within(path, value=value)
    desk.session.set(path, value, at=at, dry_run=dry_run)
    if found is None:
        return Answer(f"{path} -> {value:g}", {"path": path, "value": value})
    unit = f" {found.unit}" if found.unit else ""
    moved = f"; it is moved by {_mover(found)}, which goes on" if found.moved_by else ""
    data = {"path": path, "before": found.value, "value": value, "unit": found.unit}
    return Answer(f"{path} {found.value:g} -> {value:g}{unit}{moved}", data)


def _mover(control: Info) -> str:
    by: Any = control.moved_by
    return (
        " ".join(f"{kind} {name}" for kind, name in cast("dict[str, Any]", by).items())
        if isinstance(by, dict)
        else str(by)
    )


@tool(TOOLS, changes=False)
def list_controls(
    desk: Desk,
    *,
    node: Annotated[
        str | None,
        Field(
            description='A node or a group; a type such as "faust:bass"; "sounds": every type. Left out: all nodes.',
            max_length=200,
        ),
    ] = None,
) -> Answer:
    """List controls with value, range, default, unit and what moves them: of nodes, or of a type before it is used."""
    if node == "sounds":
        return Answer(sounds(desk))
    if node is not None and ":" in node:
        types = {each.type: each for each in desk.session.types()}
        if node not in types:
            near = nearest(node, types)
            hint = f"did you mean {near}?" if near else f"types: {', '.join(types)}"
            raise KrachError(f"there is no type {node}", place=node, hint=hint)
        data = {each["name"]: _facts(each) for each in types[node].controls or ()}
        return Answer("\n".join(_line(name, each) for name, each in data.items()) or "no controls", {"controls": data})
    found = desk.session.describe(node)
    data = {each["path"]: _facts(each) for one in found for each in one.controls or ()}
    text = "\n".join(_line(path, each) for path, each in data.items())
    return Answer(text or "no controls", {"controls": data})


def _facts(control: dict[str, Any]) -> dict[str, Any]:
    facts = {key: control[key] for key in ("value", "min", "max", "default", "unit", "scale") if key in control}
    if control.get("moved_by"):
        facts["moved_by"] = _mover(Info(control))
    if control.get("labels"):
        facts["names"] = {each["name"]: each["value"] for each in control["labels"]}
    return facts


def _line(path: str, facts: dict[str, Any]) -> str:
    unit = f" {facts['unit']}" if facts.get("unit") else ""
    value = f" = {facts['value']:g}{unit}" if "value" in facts else ""
    names = f", names {' '.join(facts['names'])}" if "names" in facts else ""
    moved = f", moved by {facts['moved_by']}" if "moved_by" in facts else ""
    return f"{path}{value}: {facts['min']:g} to {facts['max']:g}{unit}, default {facts['default']:g}{names}{moved}"


@tool(TOOLS)
def fade(
    desk: Desk,
    *,
    path: ControlPath,
    value: Value,
    bars: Bars = None,
    secs: Seconds = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Let a control go on a straight line from where it is to a value, and stay there; 4 bars if no length is given."""
    _one_length(bars, secs)
    found = desk.within(path, value=value)
    desk.session.fade(path, value, bars=bars, secs=secs, at=at, dry_run=dry_run)
    length = f"{secs:g} s" if secs is not None else f"{4 if bars is None else bars:g} bars"
    before = "" if found is None else f" from {found.value:g}"
    return Answer(f"{path} goes{before} to {value:g} in {length}", {"path": path, "value": value, "length": length})


def _one_length(bars: float | None, secs: float | None) -> None:
    if bars is not None and secs is not None:
        raise KrachError("bars and secs are two lengths of one thing", place="secs", hint="give one of them")


@tool(TOOLS)
def mod(
    desk: Desk,
    *,
    path: ControlPath,
    shape: Annotated[
        Literal["sine", "tri", "ramp", "ramp_down", "square", "exp", "pulse", "none"],
        Field(description='One period after the other between lo and hi; "none" ends it.'),
    ],
    lo: Annotated[
        float | None, Field(description="Lowest value, in the unit of the control; needed but for none.")
    ] = None,
    hi: Annotated[
        float | None, Field(description="Highest value, in the unit of the control; needed but for none.")
    ] = None,
    bars: Bars = None,
    secs: Seconds = None,
    duty: Annotated[float | None, Field(ge=0, le=1, description="Of a pulse: the share that is high.")] = None,
    one_shot: Annotated[bool, Field(description="One period only; the control keeps its last value.")] = False,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Modulate a control: it moves by itself, a period in 4 bars if no length is given.

    For other motions play a pattern on the control.
    """
    if shape == "none":
        desk.control(path)
        desk.session.unmod(path, at=at, dry_run=dry_run)
        return Answer(f"{path} is not modulated any more", {"path": path, "shape": None})
    _one_length(bars, secs)
    if lo is None or hi is None:
        found = desk.control(path)
        hint = "give lo and hi" if found is None else f"lo and hi within {found.min:g} to {found.max:g} {found.unit}"
        raise KrachError("a modulation goes between two values", place="lo", hint=hint.rstrip())
    desk.within(path, lo=lo, hi=hi)
    desk.session.mod(path, shape, lo, hi, bars, secs, duty, one_shot=one_shot, at=at, dry_run=dry_run)
    length = f"{secs:g} s" if secs is not None else f"{4 if bars is None else bars:g} bars"
    data = {"path": path, "shape": shape, "lo": lo, "hi": hi, "period": length}
    return Answer(f"{path} moves as {shape} between {lo:g} and {hi:g}, a period is {length}", data)


@tool(TOOLS)
def macro(
    desk: Desk,
    *,
    number: Annotated[int, Field(ge=1, le=64, description="Number of the macro: a parameter of the host.")],
    path: Annotated[
        str | None, Field(description="A control, fader or send that it moves, too.", max_length=400)
    ] = None,
    lo: Annotated[float | None, Field(description="Value of the control where the macro is at 0.")] = None,
    hi: Annotated[float | None, Field(description="Value of the control where the macro is at 1.")] = None,
    curve: Annotated[
        Literal["auto", "linear", "log", "exp", "s"], Field(description="auto: the control's own scale.")
    ] = "auto",
    name: Annotated[str | None, Field(description="What the host calls it.", max_length=64)] = None,
    remove: Annotated[bool, Field(description="It moves this path no more; without a path nothing.")] = False,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Let a macro of the host, a knob of the DAW, move a control; several paths may hang on one macro."""
    if remove:
        desk.session.unmacro(number, path, at=at, dry_run=dry_run)
        return Answer(f"macro {number} moves {path or 'nothing'}{' no more' if path else ''}", {"macro": number})
    if path is None and name is None:
        raise KrachError(f"macro {number}: nothing to change", place="path", hint='path="bass/cutoff", or a name')
    if path is not None:
        desk.within(path, lo=lo, hi=hi)
    desk.session.macro(number, path, lo, hi, curve, name, at=at, dry_run=dry_run)
    moves = "" if path is None else f" moves {path}"
    called = "" if name is None else f", called {name}"
    return Answer(f"macro {number}{moves}{called}", {"macro": number, "path": path, "lo": lo, "hi": hi, "name": name})

"""Nodes, routes, faders."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.registry import Answer, At, DryRun, NodeName, Tool, tool
from krach.error import KrachError

TOOLS: dict[str, Tool] = {}

Gain = Annotated[float, Field(ge=0, le=16, description="Fader, linear: 1 is unity, 0.5 is -6 dB, 0 is silence.")]


@tool(TOOLS)
def node(
    desk: Desk,
    *,
    name: Annotated[
        str,
        Field(
            description='A short name; "/" makes groups: "drums/kick".',
            min_length=1,
            max_length=200,
        ),
    ],
    source: Annotated[
        str | None,
        Field(
            description="A type: faust: and kick snare hat clap (drums), bass lead pad pluck keys bell (notes), reverb "
            'delay filter drive chorus compressor (effects), as in "faust:kick"; list_controls with node="sounds" has '
            "all. Or a whole text of FAUST, or the YAML of a patch. Left out: a node that is there keeps its sound.",
            max_length=1 << 18,
        ),
    ] = None,
    gain: Annotated[Gain | None, Field(description="Fader, linear, 0 to 16; a new node has 0.5.")] = None,
    count: Annotated[
        int | None, Field(ge=1, le=64, description="Voices: as many as notes sound at once; chords need 3 or more.")
    ] = None,
    controls: Annotated[
        dict[str, float] | None,
        Field(description='Values that its controls begin with, each in its own unit: {"cutoff": 900}.'),
    ] = None,
    to_master: Annotated[
        bool | None, Field(description="false: it is heard only through the nodes that it is connected to.")
    ] = None,
    stem: Annotated[int | None, Field(ge=0, le=8, description="Output of the plugin; 0 is the main one.")] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Add a node, which is one sound with a fader, or change the one of that name while it plays.

    What is not given stays as it was. It waits until the sound is compiled. An effect is a node,
    too: connect others to it.
    """
    if source is not None and source.endswith((".dsp", ".yaml")) and "\n" not in source:
        hint = 'a type such as "faust:bass", or the text itself; define_sound gives a text a name'
        raise KrachError(f"{source} is a path, which is not read", place="source", hint=hint)
    is_new = name not in desk.session.nodes
    if is_new and source is None:
        raise KrachError(f"there is no node {name} yet: it needs a source", place="source", hint='such as "faust:bass"')
    known: list[Any] | None = None
    if source is not None and ("\n" in source or "process" in source):
        known = desk.session.compile(source).controls  # What does not compile changes nothing.
    elif source is not None:
        known = next((each.controls for each in desk.session.types() if each.type == source), None)
    elif controls:
        known = desk.node(name).controls
    _check(known, controls or {})
    desk.session.node(name, source, gain, count, init=controls, to_master=to_master, stem=stem, at=at, dry_run=dry_run)
    what = {"source": source, "gain": gain, "count": count, "controls": controls, "to_master": to_master, "stem": stem}
    given = {key: value for key, value in what.items() if value is not None}
    shown = ", ".join(f"{key} {_short(value)}" for key, value in given.items())
    if dry_run or at is not None:
        return Answer(f"node {name} {'added' if is_new else 'changed'}: {shown}", {"node": name, "changed": given})
    made = desk.node(name)
    has = ", ".join(_control(each) for each in made.controls or ())
    text = f"node {name} {'added' if is_new else 'changed'}: {shown or 'nothing'}\ncontrols: {has or 'none'}"
    return Answer(text, {"node": name, "changed": given, "is_new": is_new, "state": made.state})


def _check(known: list[Any] | None, given: dict[str, float]) -> None:
    """Refuse values of controls that a sound does not have, or out of their range."""
    if known is None:
        return
    ranges = {each["name"]: each for each in known}
    for name, value in given.items():
        if name not in ranges:
            hint = f"its controls: {', '.join(ranges) or 'none'}"
            raise KrachError(f"there is no control {name}", place=f"controls.{name}", hint=hint)
        lo, hi = ranges[name]["min"], ranges[name]["max"]
        if not lo <= value <= hi:
            unit = ranges[name].get("unit") or ""
            raise KrachError(
                f"{name} {value:g} is out of its range",
                place=f"controls.{name}",
                hint=f"{lo:g} to {hi:g} {unit}".strip(),
            )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) < 60 and "\n" not in text else "a text of its own"


def _control(control: dict[str, object]) -> str:
    unit = f" {control['unit']}" if control.get("unit") else ""
    return f"{control['name']} {control['min']:g} to {control['max']:g}{unit} ({control['value']:g})"


@tool(TOOLS)
def gain(desk: Desk, *, node: NodeName, gain: Gain, at: At = None, dry_run: DryRun = False) -> Answer:
    """Set the fader of a node or a group."""
    before = {each.name: each.gain for each in desk.session.describe(node)}
    done = desk.session.gain(node, gain, at=at, dry_run=dry_run)
    meant = done.get("nodes") or list(before)
    text = ", ".join(f"{each} {before.get(each, 0):g} -> {gain:g}" for each in meant)
    return Answer(f"gain: {text}", {"nodes": meant, "before": before, "gain": gain})


@tool(TOOLS)
def connect(
    desk: Desk,
    *,
    source: Annotated[str, Field(description="The node that sounds.", max_length=200)],
    target: Annotated[str, Field(description="The node that hears it, such as a reverb.", max_length=200)],
    level: Annotated[
        float, Field(ge=0, le=16, description="Level of the send, linear; behind the fader of the source.")
    ] = 1.0,
    port: Annotated[
        str | None,
        Field(description='An input of the target, "in": a wire before the fader, without a level.', max_length=100),
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Send a node into another one, beside what it sounds like by itself.

    To hear it through the effect alone, also set to_master=false with the tool node.
    """
    desk.session.connect(source, target, level, port, at=at, dry_run=dry_run)
    how = f"level {level:g}" if port is None else f"port {port}"
    return Answer(f"connected {source} -> {target}, {how}", {"source": source, "target": target, "level": level})


@tool(TOOLS, destructive=True)
def disconnect(
    desk: Desk,
    *,
    source: Annotated[str, Field(description="The node that sounds.", max_length=200)],
    target: Annotated[str, Field(description="The node that hears it.", max_length=200)],
    port: Annotated[str | None, Field(description="Only the wire into this input.", max_length=100)] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Take the routes from one node to another away."""
    desk.session.disconnect(source, target, port, at=at, dry_run=dry_run)
    return Answer(f"disconnected {source} from {target}", {"source": source, "target": target})


@tool(TOOLS, destructive=True)
def remove(desk: Desk, *, node: NodeName, at: At = None, dry_run: DryRun = False) -> Answer:
    """Remove a node or a group, with its routes, patterns and modulations."""
    meant = [each.name for each in desk.session.describe(node)]
    desk.session.remove(node, at=at, dry_run=dry_run)
    return Answer(f"removed {', '.join(meant)}", {"nodes": meant})


@tool(TOOLS)
def mute(desk: Desk, *, node: NodeName, at: At = None, dry_run: DryRun = False) -> Answer:
    """Silence a node or a group, its sends too. Its pattern goes on unheard."""
    meant = [each.name for each in desk.session.describe(node)]
    desk.session.mute(node, at=at, dry_run=dry_run)
    return Answer(f"muted {', '.join(meant)}", {"nodes": meant})


@tool(TOOLS)
def unmute(desk: Desk, *, node: NodeName, at: At = None, dry_run: DryRun = False) -> Answer:
    """Take the mute of a node or a group back: it is heard again."""
    meant = [each.name for each in desk.session.describe(node)]
    desk.session.unmute(node, at=at, dry_run=dry_run)
    return Answer(f"unmuted {', '.join(meant)}", {"nodes": meant})

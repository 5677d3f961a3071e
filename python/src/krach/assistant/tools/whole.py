"""The session as a whole: attaching, time, steps, scenes, what there is."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from krach.assistant.desk import Desk, shortened, written
from krach.assistant.registry import Answer, At, DryRun, Tool, tool
from krach.client import instances
from krach.error import KrachError
from krach.names import nearest

TOOLS: dict[str, Tool] = {}


@tool(TOOLS)
def start(
    desk: Desk,
    *,
    instance: Annotated[
        str | None,
        Field(
            description="Name, or beginning of the id, of the plugin that is meant; left out: the only one.",
            max_length=200,
        ),
    ] = None,
    free_run: Annotated[
        bool | None, Field(description="true: time runs though the host stands; false: it follows the host again.")
    ] = None,
) -> Answer:
    """Attach to a running plugin, and list those that run. Call it first, or where several run.

    It starts no program: somebody inserts krach on a track of a DAW, or runs `krach serve` in a terminal.
    """
    if instance is not None and any(c in instance for c in "/\\"):
        raise KrachError("a path is no name of an instance", place="instance", hint=_listed())
    desk.session.attach(instance)
    if free_run is not None:
        desk.session.transport(free_run=free_run)
    live = [str(each) for each in instances()]
    name = desk.session.name or desk.session.id
    text = f"attached to {name}; running: {'; '.join(live) or desk.session.id}"
    return Answer(text, {"instance": desk.session.id, "name": name, "instances": live})


def _listed() -> str:
    return "; ".join(map(str, instances())) or "none is running: insert krach on a track, or run `krach serve`"


@tool(TOOLS, changes=False)
def status(desk: Desk) -> Answer:
    """Say what there is and what plays: nodes, routes, patterns as text, modulations, scenes, time, problems."""
    data = desk.playing()
    document = desk.session.capture()
    data["patterns"] = {each.target: written(each.pattern.to_dict()) for each in document.patterns}
    data["routes"] = [
        {"source": source, "target": target, "kind": kind, "level": level}
        for source, target, kind, level, _ in desk.session.routing
    ]
    data["scenes"] = desk.session.ask("scenes")["scenes"]
    data["macros"] = desk.session.macros
    data["problems"] = list(desk.session.problems)
    data["master"] = desk.session.master
    return Answer("\n".join(_lines(data)), data)


def _lines(data: dict[str, Any]) -> list[str]:
    running = "running" if data["running"] else "standing"
    lines = [
        f"time: {running} at cycle {data['position_cycles']:g}, {data['tempo_bpm']:g} bpm, "
        f"{data['beats_per_cycle']:g} beats per cycle; master {data['master']:g}"
    ]
    for name, node in data["nodes"].items():
        state = "" if node["state"] == "ready" else f", {node['state']}"
        silenced = ", silenced" if node["silenced"] else ""
        lines.append(f"node {name}: {node['type']}, gain {node['gain']:g}{silenced}{state}")
    for target, pattern in data["patterns"].items():
        hushed = "" if target in data["slots"] else " (hushed)"
        lines.append(f"pattern on {target}{hushed}: {shortened(pattern)}")
    lines += [
        f"route {each['source']} -> {each['target']} ({each['kind']} {each['level']:g})" for each in data["routes"]
    ]
    lines += [f"moving: {', '.join(data['moving'])}"] if data["moving"] else []
    lines += [f"scenes: {', '.join(each['name'] for each in data['scenes'])}"] if data["scenes"] else []
    lines += [f"macro {each['macro']}: {', '.join(to['label'] for to in each['targets'])}" for each in data["macros"]]
    lines += [f"problem: {each}" for each in data["problems"]]
    return lines if data["nodes"] else [*lines, "no nodes yet: the tool node adds one"]


# Time


@tool(TOOLS)
def set_tempo(
    desk: Desk,
    *,
    bpm: Annotated[float, Field(ge=10, le=999, description="Quarter notes per minute.")],
    clock: Annotated[
        Literal["internal", "external"] | None,
        Field(description='"internal": this tempo counts though the host has its own; "external": the host\'s counts.'),
    ] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Set the tempo. While a DAW plays, its own tempo counts, unless the clock is "internal"."""
    before = desk.session.tempo
    settings: dict[str, Any] = {"tempo": bpm} | ({} if clock is None else {"clock": clock})
    done = desk.session.exact("transport", settings, at, dry_run)
    position: dict[str, Any] = done.get("position") or {}
    is_the_hosts = done.get("clock") == "external" and position.get("running") and not position.get("free_running")
    text = f"tempo {before:g} -> {bpm:g} bpm"
    if is_the_hosts and position["tempo"] != bpm:
        text += f'; but the host plays at {position["tempo"]:g} bpm, which counts: clock="internal" takes {bpm:g}'
    return Answer(text, {"before": before, "tempo_bpm": bpm, "clock": done.get("clock", clock)})


@tool(TOOLS)
def set_meter(
    desk: Desk,
    *,
    beats: Annotated[
        Annotated[float, Field(ge=0.25, le=64)] | Literal["host"],
        Field(
            description="Quarter notes per cycle, 0.25 to 64: 4 is a bar of 4/4, 3 of 3/4, 2.5 of 5/8; "
            '"host": a bar of the host.'
        ),
    ],
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Set how long a cycle is, which is what every pattern fills."""
    before = desk.session.meter
    desk.session.transport(at=at, dry_run=dry_run, meter=beats)
    return Answer(f"meter {before} -> {beats} quarter notes per cycle", {"before": before, "beats": beats})


# Steps


@tool(TOOLS, destructive=True)
def undo(
    desk: Desk,
    *,
    redo: Annotated[bool, Field(description="true: do again what was undone last.")] = False,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Take the last step back, whoever made it; or do it again. history lists the steps."""
    call = desk.session.redo if redo else desk.session.undo
    done = call(at=at, dry_run=dry_run)
    what = done.get("redone" if redo else "undone")
    if what is None:
        raise KrachError(f"nothing to {'redo' if redo else 'undo'}", place="redo", hint="history lists the steps")
    return Answer(f"{'redone' if redo else 'undone'}: {what}", {"redone" if redo else "undone": what})


@tool(TOOLS, changes=False)
def history(
    desk: Desk, last: Annotated[int, Field(ge=1, le=1000, description="So many of the newest steps.")] = 20
) -> Answer:
    """List the steps that were made, the newest last, and what undo and redo would do."""
    answer = desk.session.ask("history")
    steps = answer["steps"][: answer["done"] - answer["first"]][-last:]
    lines = [*steps, f"undo would take back: {answer['undo'] or 'nothing'}", f"redo: {answer['redo'] or 'nothing'}"]
    return Answer("\n".join(lines), {"steps": steps, "undo": answer["undo"], "redo": answer["redo"]})


# Scenes

SceneName = Annotated[str, Field(description='Name of a scene, such as "verse".', min_length=1, max_length=64)]


@tool(TOOLS)
def save(
    desk: Desk,
    *,
    name: SceneName,
    tempo: Annotated[bool | None, Field(description="true: tempo and meter are part of the scene.")] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Keep what sounds now as a scene: nodes, routes, patterns, values, modulations, mutes.

    One of that name is replaced. Scenes are part of the session; export_session writes it into a file.
    """
    is_there = name in desk.session.scenes
    done = desk.session.save(name, transport=tempo, at=at, dry_run=dry_run)
    how = "replaced" if is_there else "saved"
    return Answer(f"scene {name} {how}, number {done.get('number')}", {"scene": name, "number": done.get("number")})


@tool(TOOLS, destructive=True)
def recall(
    desk: Desk,
    *,
    name: SceneName,
    fade: Annotated[float | None, Field(ge=0, le=64, description="Crossfade in seconds.")] = None,
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Let the session become what a scene holds; what both have plays on untouched."""
    names = desk.session.scenes
    if name not in names:
        near = nearest(name, names)
        hint = f"did you mean {near}?" if near else f"scenes: {', '.join(names) or 'none, save makes one'}"
        raise KrachError(f"there is no scene {name}", place=name, hint=hint)
    done = desk.session.recall(name, fade, at=at, dry_run=dry_run)
    return Answer(f"scene {name} recalled", {"scene": name, "position": done.get("position")})


@tool(TOOLS, changes=False)
def capture(
    desk: Desk,
    *,
    full: Annotated[bool, Field(description="true: the whole document as JSON; else a summary.")] = False,
) -> Answer:
    """Take the session as a document, as export_session would write it: to look at it, and changes nothing."""
    document = desk.session.capture()
    data = document.to_dict()
    krach: dict[str, Any] = dict(data.get("krach") or {})
    if not full:
        patterns = {each.target: written(each.pattern.to_dict()) for each in document.patterns}
        nodes = {each.name: each.source if isinstance(each.source, str) else "a graph" for each in document.nodes}
        shown = {"nodes": {name: shortened(text) for name, text in nodes.items()}, "patterns": patterns}
        shown |= {"tempo_bpm": document.tempo, "scenes": [each["name"] for each in krach.get("scenes", ())]}
        return Answer(repr(document), shown)
    # The texts of sounds that come with krach are long, and known.
    krach["sources"] = {key: each for key, each in krach.get("sources", {}).items() if not each.get("factory")}
    return Answer(repr(document), {"module": data | {"krach": krach}})

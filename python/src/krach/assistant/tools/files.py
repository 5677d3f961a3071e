"""Sessions and modules as files, below the stated folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from krach.assistant.desk import Desk
from krach.assistant.folders import SCRIPT, SESSION, PathError
from krach.assistant.registry import Answer, At, DryRun, FileName, Overwrite, Tool, tool
from krach.client.files import read_plain, write_whole
from krach.error import KrachError
from krach.ir.module import ModuleIr

TOOLS: dict[str, Tool] = {}

_MOST = 16 << 20
_FACTORY = "factory:"


@tool(TOOLS)
def export_session(
    desk: Desk,
    *,
    file: FileName,
    kind: Annotated[
        Literal["session", "script"],
        Field(description='"session": NAME.krach.json, which load_session opens; "script": NAME.py, readable Python.'),
    ] = "session",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
) -> Answer:
    """Write the whole session, scenes and macros too, into a file of ~/.krach/sessions."""
    place = desk.folders.place(file, "sessions", SESSION if kind == "session" else SCRIPT)
    if place.exists() and not overwrite:
        raise PathError(
            f"{place} is there already", place=file, hint="another name, or overwrite=true: it is kept as .bak"
        )
    data = {"file": str(place), "kind": kind}
    if dry_run:
        return Answer(f"the session goes into {place}", data)
    if kind == "session":
        place.parent.mkdir(parents=True, exist_ok=True)
        done = desk.session.save_file(place, overwrite)
        return Answer(f"the session is in {place}, {done.bytes} bytes", data | {"bytes": done.bytes, "kept": done.kept})
    text = str(desk.session.export())
    place.parent.mkdir(parents=True, exist_ok=True)
    kept = write_whole(place, text, overwrite)
    return Answer(f"the script is in {place}: krach run {place}", data | {"kept": kept and str(kept)})


@tool(TOOLS, destructive=True)
def load_session(desk: Desk, *, file: FileName, at: At = None, dry_run: DryRun = False) -> Answer:
    """Make the session that of a file NAME.krach.json, scenes and macros too; undo takes it back.

    What is equal in both plays on. "factory:house" and its kin are sessions that come with krach.
    """
    if file.startswith(_FACTORY):
        names = [each for each in desk.session.session_files() if each.startswith(_FACTORY)]
        if file not in names:
            hint = f"sessions that come with krach: {', '.join(names)}"
            raise PathError(f"there is no session {file}", place=file, hint=hint)
        desk.session.open_file(file, at=at, dry_run=dry_run)
        return Answer(f"the session is {file}", {"file": file})
    place = desk.folders.existing(file, "sessions", SESSION)
    desk.session.open_file(place, at=at, dry_run=dry_run)
    return Answer(f"the session is that of {place}", {"file": str(place)})


@tool(TOOLS)
def export_module(
    desk: Desk,
    *,
    file: FileName,
    nodes: Annotated[
        list[str] | None,
        Field(
            description="Nodes or groups that it has, with what plays on them and between them; left out: all.",
            max_length=256,
        ),
    ] = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
) -> Answer:
    """Write nodes with their routes, patterns, values and modulations as a module into ~/.krach/modules.

    load_module puts it beside what another session has. Scenes, macros and tempo stay out.
    """
    place = desk.folders.place(file, "modules", SESSION)
    if place.exists() and not overwrite:
        raise PathError(
            f"{place} is there already", place=file, hint="another name, or overwrite=true: it is kept as .bak"
        )
    module = _part(desk.session.capture().to_dict(), _meant(desk, nodes))
    names = [each["name"] for each in module["nodes"]]
    if not dry_run:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(place, json.dumps(module, ensure_ascii=False, indent=1) + "\n", overwrite)
    return Answer(f"module {place}: {', '.join(names)}", {"file": str(place), "nodes": names})


def _meant(desk: Desk, nodes: list[str] | None) -> set[str]:
    found = {each.name for name in nodes or () for each in desk.session.describe(name)}
    if nodes is None:
        found = set(desk.session.nodes)
    if not found:
        raise KrachError("a module without nodes", place="nodes", hint="the tool node adds one")
    return found


def _part(document: dict[str, Any], names: set[str]) -> dict[str, Any]:
    """Return what belongs to some nodes of a document."""

    def is_of(path: str) -> bool:
        return path in names or any(path.startswith(f"{name}/") for name in names)

    keys = {"nodes": "name", "patterns": "target", "controls": "path", "automations": "path", "muted": "name"}
    made = {key: [each for each in document.get(key, []) if is_of(each[name])] for key, name in keys.items()}
    routes = document.get("routing", [])
    made["routing"] = [each for each in routes if is_of(each["source"]) and is_of(each["target"])]
    own: dict[str, Any] = document.get("krach") or {}
    krach: dict[str, Any] = {"version": own.get("version", 3)}
    used = {each["source"] for each in made["nodes"] if isinstance(each["source"], str)}
    krach["sources"] = {key: each for key, each in own.get("sources", {}).items() if key in used}
    for key in ("nodes", "slots"):
        krach[key] = {name: each for name, each in own.get(key, {}).items() if is_of(name)}
    krach["automations"] = {key: each for key, each in own.get("automations", {}).items() if is_of(each["label"])}
    return {key: each for key, each in made.items() if each} | {
        "krach": {key: each for key, each in krach.items() if each}
    }


@tool(TOOLS)
def load_module(
    desk: Desk,
    *,
    file: FileName,
    prefix: Annotated[
        str,
        Field(
            description='Name of the group that its nodes get: "drums" makes "drums/kick".',
            min_length=1,
            max_length=100,
        ),
    ],
    at: At = None,
    dry_run: DryRun = False,
) -> Answer:
    """Put the nodes of a module or a session file beside those that there are, under a name of their own."""
    place = _found(desk, file)
    try:
        read: Any = json.loads(read_plain(place, _MOST))
    except (OSError, ValueError, RecursionError) as error:
        raise KrachError(f"{place}: {error}", place=file, hint="export_module writes such a file") from None
    if not isinstance(read, dict):
        raise KrachError(f"{place}: this is no module", place=file, hint="export_module writes such a file")
    document = cast("dict[str, Any]", read)
    handle = desk.session.instantiate(ModuleIr.from_dict(document), prefix, at=at, dry_run=dry_run)
    names = (
        [f"{prefix}/{each['name']}" for each in document.get("nodes", ())]
        if dry_run
        else sorted(each.name for each in handle.nodes.values())
    )
    return Answer(f"{place} as {prefix}: {', '.join(names)}", {"file": str(place), "nodes": names})


def _found(desk: Desk, file: str) -> Path:
    """Return a module, or else a session of that name."""
    try:
        return desk.folders.existing(file, "modules", SESSION)
    except PathError as error:
        if not str(error).startswith("there is no file"):
            raise
        try:
            return desk.folders.existing(file, "sessions", SESSION)
        except PathError:
            raise error from None

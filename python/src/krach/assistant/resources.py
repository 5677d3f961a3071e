"""What a model can read: the session, the pattern language on a page, the sounds with their controls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .desk import Desk
from .page import PAGE
from .tools import TOOLS

_READ = 10.0


@dataclass(frozen=True, slots=True)
class Resource:
    """A text that can be read."""

    uri: str
    name: str
    description: str
    mime_type: str
    read: Callable[[Desk], str]


def _session(desk: Desk) -> str:
    """Return what `status` answers, and every control."""
    data = TOOLS["status"].run(desk).data
    controls: dict[str, Any] = TOOLS["list_controls"].run(desk).data
    return json.dumps(data | controls, indent=1, ensure_ascii=False)


def _sounds(desk: Desk) -> str:
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


_ALL = (
    Resource(
        "krach://session",
        "session",
        "What there is and what plays now, with every control.",
        "application/json",
        _session,
    ),
    Resource("krach://patterns", "patterns", "The pattern language on one page.", "text/markdown", lambda _: PAGE),
    Resource(
        "krach://sounds", "sounds", "The sounds, with their controls, ranges and units.", "text/markdown", _sounds
    ),
)

RESOURCES = {each.uri: each for each in _ALL}
"""Every resource, by its address."""

"""What tools work with: the attached session, the folders, and what plays now."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from krach.error import KrachError
from krach.names import nearest
from krach.pattern import Pattern, source
from krach.session import Session
from krach.session.info import Info

from .expression import is_expression, read
from .folders import Folders
from .registry import Answer, Tool

_TEXT_OR_MODULE = re.compile(r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|krp\.""")
_SHOWN = 160
"""So many characters of a pattern are shown."""


class Attached(Session):
    """A session whose notes are part of answers."""

    def __init__(self, name: str | None = None) -> None:
        """Attach at the first use; a script waits for compiles, and so does a model."""
        super().__init__(name, wait=True)
        self._notes: list[str] = []

    def note(self, text: str) -> None:
        """Keep what is said beside a change."""
        self._notes.append(text)

    def taken_notes(self) -> list[str]:
        """Return what was said since the last call."""
        notes, self._notes = self._notes, []
        return notes


class Desk:
    """One assistant at one session."""

    def __init__(self, name: str | None = None, folders: Folders | None = None) -> None:
        """Begin, attached at the first use."""
        self.session = Attached(name)
        self.folders = folders or Folders()
        # Changes are made in the order in which they were asked for.
        self._changing = threading.Lock()

    def close(self) -> None:
        """Let go of the plugin."""
        self.session.close()

    def answer(self, tool: Tool, given: Mapping[str, Any]) -> Answer:
        """Call a tool, and say what plays after a change."""
        if tool.slow:
            return tool.run(self, **given)
        with self._changing:
            self.session.taken_notes()
            made = tool.run(self, **given)
            notes = self.session.taken_notes()
            lines = [made.text, *(f"note: {each}" for each in notes)]
            if notes:
                made.data["notes"] = notes
            if given.get("dry_run"):
                lines.append("dry run: it would be accepted, and nothing has changed")
                made.data["dry_run"] = True
            if tool.changes:
                playing = self.playing()
                made.data["playing"] = playing
                lines.append(told(playing))
            made.text = "\n".join(lines)
            return made

    def playing(self) -> dict[str, Any]:
        """Return what plays now."""
        status = self.session.ask("status")
        transport, moving = status["transport"], set[str]()
        nodes = self.session.describe()
        for node in nodes:
            moving |= {
                each["path"] for each in node.controls or () if each["moved_by"] and "automation" in each["moved_by"]
            }
        silenced = set(status["silenced"])
        return {
            "position_cycles": round(transport["cycles"], 3),
            "running": transport["running"],
            "tempo_bpm": transport["tempo"],
            "beats_per_cycle": transport["meter"],
            "slots": [each["name"] for each in status["slots"] if each["playing"]],
            "moving": sorted(moving),
            "nodes": {
                each.name: {
                    "type": each.type if each.source == "type" else each.source,
                    "gain": each.gain,
                    "state": each.state,
                    "silenced": each.name in silenced or each.muted,
                }
                for each in nodes
            },
        }

    # What tools need

    def pattern(self, text: str) -> Pattern | str:
        """Return what a text of a pattern means: notation goes to the plugin as it is."""
        return read(text) if is_expression(text) else text

    def control(self, path: str) -> Info | None:
        """Return a control by its path; ``None`` for a fader, a send, or one that nobody knows yet."""
        nodes = self.session.describe()
        controls = {each["path"]: each for node in nodes for each in node.controls or ()}
        if path in controls:
            return Info(controls[path])
        names = {each.name for each in nodes}
        node, _, what = path.rpartition("/")
        if "@" in path or "_send_" in path or (what == "gain" and node in names):
            return None
        if any(each.state != "ready" and path.startswith(f"{each.name}/") for each in nodes):
            return None
        near = nearest(path, [*controls, *(f"{each}/gain" for each in names)])
        own = [each.split("/")[-1] for each in controls if each.rpartition("/")[0] == node]
        hint = f"did you mean {near}?" if near else f"nodes: {', '.join(sorted(names)) or 'none'}"
        if node in names:
            hint = f"controls of {node}: {', '.join([*own, 'gain'])}"
        raise KrachError(f"there is no control {path}", place=path, hint=hint)

    def within(self, path: str, **values: float | None) -> Info | None:
        """Return a control; refuse values that are out of its range."""
        found = self.control(path)
        lo, hi = (0.0, 16.0) if found is None else (found.min, found.max)
        unit = "" if found is None or not found.unit else f" {found.unit}"
        for name, value in values.items():
            if value is not None and not lo <= value <= hi:
                hint = f"{path} is {lo:g} to {hi:g}{unit}"
                raise KrachError(f"{name} {value:g} is out of the range of {path}", place=path, hint=hint)
        return found

    def node(self, name: str) -> Info:
        """Return a node by its name."""
        nodes = self.session.describe()
        for each in nodes:
            if each.name == name:
                return each
        near = nearest(name, [each.name for each in nodes])
        names = ", ".join(each.name for each in nodes) or "none"
        hint = f"did you mean {near}?" if near else f"nodes: {names}"
        raise KrachError(f"there is no node {name}", place=name, hint=hint)


def told(playing: Mapping[str, Any]) -> str:
    """Return what plays in two lines.

    >>> krach.assistant.desk.told({"slots": [], "running": False, "position_cycles": 0, "tempo_bpm": 120.0,
    ...     "beats_per_cycle": 4.0, "moving": [], "nodes": {}})
    'now: no pattern plays; time stands at cycle 0, 120 bpm, 4 beats per cycle'
    """
    nodes: Mapping[str, Any] = playing["nodes"]

    def shown(slot: str) -> str:
        found = nodes.get(slot)
        return f"{slot} (silenced)" if found is not None and found["silenced"] else slot

    plays = ", ".join(map(shown, playing["slots"])) or "no pattern"
    time = "time runs at" if playing["running"] else "time stands at"
    meter = f"{playing['tempo_bpm']:g} bpm, {playing['beats_per_cycle']:g} beats per cycle"
    verb = "play" if len(playing["slots"]) > 1 else "plays"
    line = f"now: {plays} {verb}; {time} cycle {playing['position_cycles']:g}, {meter}"
    if playing["moving"]:
        line += f"; moving: {', '.join(playing['moving'])}"
    broken = [name for name, each in nodes.items() if each["state"] == "failed"]
    return line + (f"; do not compile: {', '.join(broken)}" if broken else "")


def written(pattern: Mapping[str, Any]) -> str:
    """Return a pattern as an expression that ``play`` takes, of its JSON.

    >>> krach.assistant.desk.written(krp.p("A2 . C3*2").to_dict())
    'cat(note("A2"), None, note("C3").fast(2))'
    """
    return _TEXT_OR_MODULE.sub(lambda found: found["text"] or "", source(Pattern.from_dict(pattern)))


def shortened(text: str) -> str:
    """Return a text that is not too long to be read in a list.

    >>> len(krach.assistant.desk.shortened("x" * 1000))
    161
    """
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

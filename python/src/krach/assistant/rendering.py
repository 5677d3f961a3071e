"""What plays now, rendered by ``krach-host`` beside the plugin that plays: the whole, and each node by itself."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from krach import places
from krach.error import KrachError

from .desk import Desk

RATE = 48000
"""Frames per second: the coefficients of the loudness are those for this rate."""

MOST_SECONDS = 120.0
"""Longest piece that is rendered."""

MOST_NODES = 32
"""So many nodes are listened to one by one."""

_STEMS = 8
_LEAD = RATE // 4
_PATIENCE = 600.0

Sound: TypeAlias = NDArray[np.float64]
"""Frames of two channels: an array of the shape (frames, 2)."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """What was rendered."""

    begin: float
    """Position of its first frame, in cycles."""
    cycles: float
    seconds_per_cycle: float
    main: Sound
    nodes: dict[str, Sound]
    lead: int
    """So many frames of nodes are of before; the whole begins with its first frame."""


def rendered(desk: Desk, bars: float, begin: float | None) -> Rendered:
    """Render so many cycles of what plays now, from a position on; ``None``: the cycle in which time is."""
    program, plugin = places.host(), places.bundle("clap")
    document = desk.session.capture().to_dict()
    transport = desk.session.ask("transport")
    is_the_hosts = transport["clock"] == "external" and not transport["position"]["free_running"]
    tempo = float(transport["position"]["tempo"] if is_the_hosts else transport["tempo"])
    beats = float(transport["beats_per_cycle"])
    per_cycle = beats * 60 / tempo
    if bars * per_cycle > MOST_SECONDS:
        most = int(MOST_SECONDS / per_cycle)
        raise KrachError(
            f"{bars:g} cycles are longer than {MOST_SECONDS:g} s", place="bars", hint=f"at most {most} cycles"
        )
    if begin is None:
        begin = max(0.0, transport["position"]["cycles"] // 1)
    # What rings on from before is heard, too.
    before = min(begin, max(1.0, float(np.ceil(2 / per_cycle))))
    names = [each["name"] for each in document.get("nodes", ())][:MOST_NODES]
    groups = [names[at : at + _STEMS] for at in range(0, len(names), _STEMS)]
    first, frames = round(before * per_cycle * RATE), round(bars * per_cycle * RATE)
    lead = min(first, _LEAD)
    with tempfile.TemporaryDirectory(prefix="krach-") as folder:
        timing = ["--rate", str(RATE), "--bpm", repr(tempo), "--from", repr((begin - before) * beats)]
        timing += ["--seconds", repr((before + bars) * per_cycle + 0.01)]
        command = [str(program), "render"]
        running: list[subprocess.Popen[bytes]] = []
        try:
            for number, group in enumerate([None, *groups]):
                place = Path(folder) / str(number)
                place.mkdir()
                file = place / "now.krach.json"
                file.write_text(json.dumps(_measured(document, group)), "utf-8")
                out = [str(file), str(place / "main.wav"), "--stems", str(place / "stems"), *timing, "--quiet"]
                running.append(_started([*command, *out, "--plugin", str(plugin)], place))
            for each in running:
                _, said = each.communicate(timeout=_PATIENCE)
                if each.returncode:
                    lines = said.decode(errors="replace").strip().splitlines()
                    why = lines[-1] if lines else f"it ended with {each.returncode}"
                    raise KrachError(f"krach-host could not render this: {why}", place=str(program))
        finally:
            for each in running:
                each.kill()
        whole = _read(Path(folder) / "0" / "main.wav", first, frames)
        nodes: dict[str, Sound] = {}
        for number, group in enumerate(groups, 1):
            for stem, name in enumerate(group, 1):
                nodes[name] = _read(
                    Path(folder) / str(number) / "stems" / f"stem-{stem}.wav", first - lead, frames + lead
                )
    return Rendered(begin, bars, per_cycle, whole, nodes, lead)


def _started(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """Start a host that no client finds."""
    socket = rf"\\.\pipe\krach-listen-{os.getpid()}-{folder.name}" if sys.platform == "win32" else str(folder / "s")
    environment = os.environ | {"XDG_RUNTIME_DIR": str(folder), "NOISE_SOCKET": socket}
    return subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def _measured(document: dict[str, Any], apart: list[str] | None) -> dict[str, Any]:
    """Return the document to render: without scenes, at the host's clock; ``apart`` are nodes on stems of their own."""
    made = copy.deepcopy(document)
    own: dict[str, Any] = made.setdefault("krach", {})
    for key in ("scenes", "scene", "scene_texts", "name", "osc_target"):
        own.pop(key, None)
    own |= {"clock_source": "external", "free_run": False}
    if apart is not None:
        nodes: dict[str, Any] = own.setdefault("nodes", {})
        for stem, name in enumerate(apart, 1):
            nodes[name] = nodes.get(name, {}) | {"stem": stem, "off_master": False}
    return made


def _read(file: Path, first: int, frames: int) -> Sound:
    """Return frames of a WAV of 32-bit floats; a stem that is not there is silent."""
    if not file.is_file():
        return np.zeros((frames, 2))
    data, at, channels = file.read_bytes(), 12, 2
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"fmt ":
            channels = int.from_bytes(data[at + 10 : at + 12], "little")
        elif kind == b"data":
            values = np.frombuffer(data[at + 8 : at + 8 + size], "<f4").astype(np.float64)
            sound = values[: len(values) // channels * channels].reshape(-1, channels)[first : first + frames, :2]
            sound = np.repeat(sound, 2, axis=1) if channels == 1 else sound
            return np.vstack([sound, np.zeros((frames - len(sound), 2))])
        at += 8 + size + size % 2
    raise KrachError(f"{file.name} has no samples", place=str(file))

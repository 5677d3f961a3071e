"""Which instances there are: the registry of ``docs/protocol.md``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from krach.error import NothingPlays

from .files import read_plain
from .stream import open_stream

WINDOWS = sys.platform == "win32"


class NoInstance(NothingPlays):
    """There is no instance of that name, or more than one.

    >>> krach.attach("nobody")
    Traceback (most recent call last):
    krach.client.discovery.NoInstance: no instance is called nobody
    ...
    """

    def __init__(self, message: str, *, place: str | None = None, hint: str | None = None) -> None:
        """Make it; the hint stands below."""
        super().__init__(message if hint is None else f"{message}\n{hint}", place=place, hint=hint)


@dataclass(frozen=True, slots=True)
class Instance:
    """An instance of the plugin: what its entry in the registry says.

    >>> print(krach.client.Instance("7a3c", "bass", "/run/krach/7a3c.sock", 4711, "clap", "Bitwig Studio"))
    bass (7a3c): CLAP in Bitwig Studio, process 4711
    """

    id: str
    name: str
    socket: str
    pid: int = 0
    format: str = ""
    host: str = ""
    started: float = 0.0

    def __str__(self) -> str:
        """Say it in one line."""
        name = self.id if self.name in ("", self.id) else f"{self.name} ({self.id})"
        return f"{name}: {self.format.upper()} in {self.host}, process {self.pid}"


def folders(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Return the folders in which instances leave their entries, the preferred one first.

    >>> [str(folder) for folder in krach.client.folders({"XDG_RUNTIME_DIR": "/run/user/7", "HOME": "/home/mo"})]
    ['/run/user/7/krach', '/home/mo/.krach/run']
    """
    found: list[Path] = []
    runtime = environment.get("XDG_RUNTIME_DIR", "")
    if Path(runtime).is_absolute():
        found.append(Path(runtime) / "krach")
        # Flatpaks share this folder with the system, each under its own name.
        app = environment.get("FLATPAK_ID")
        apps = [Path(runtime) / "app" / app] if app else sorted((Path(runtime) / "app").glob("*"))
        found += [each / "krach" for each in apps]
    home = environment.get("USERPROFILE" if WINDOWS else "HOME", "")
    if Path(home).is_absolute():
        found.append(Path(home) / ".krach" / "run")
    return found


def fixed_socket(environment: Mapping[str, str] = os.environ) -> str:
    """Return the name at which one live instance answers."""
    named = environment.get("NOISE_SOCKET")
    if named:
        return named
    if WINDOWS:
        return r"\\.\pipe\krach-engine.sock"
    return str(Path(environment.get("TMPDIR") or "/tmp") / "krach-engine.sock")


def instances() -> list[Instance]:
    """Return the live instances of this user, the oldest first.

    >>> [instance.format for instance in krach.client.instances()]
    ['clap']
    """
    found: dict[str, Instance] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            entry = _entry(path)
            if entry is not None and entry.id not in found and is_live(entry.socket):
                found[entry.id] = entry
    return sorted(found.values(), key=lambda each: (each.started, each.id))


def _entry(path: Path) -> Instance | None:
    try:
        data: Any = json.loads(read_plain(path))
    except (OSError, ValueError):
        return None  # It is being written, or was taken away meanwhile.
    if not isinstance(data, dict):
        return None
    entry = cast("dict[str, Any]", data)
    if not isinstance(entry.get("instance"), str) or not isinstance(entry.get("socket"), str):
        return None
    return Instance(
        entry["instance"],
        str(entry.get("name") or ""),
        entry["socket"],
        int(entry.get("pid") or 0),
        str(entry.get("format") or ""),
        str(entry.get("host") or ""),
        float(entry.get("started") or 0),
    )


def is_live(address: str) -> bool:
    """Does anybody listen there?"""
    try:
        open_stream(address).close()
    except OSError:
        return False
    return True


def find(name: str | None) -> str:
    """Return the socket of an instance: by its name, the beginning of its id, or the path of its socket.

    Without a name ``$KRACH_INSTANCE`` or ``$NOISE_SOCKET`` says it, or there is only one. Raises ``NoInstance`` with
    the list of those that there are.

    >>> krach.client.find("nobody")
    Traceback (most recent call last):
    krach.client.discovery.NoInstance: no instance is called nobody
    ...
    """
    name = name or os.environ.get("KRACH_INSTANCE") or None
    if name is None and os.environ.get("NOISE_SOCKET"):
        name = os.environ["NOISE_SOCKET"]
    if name is not None and ("/" in name or "\\" in name):
        if is_live(name):
            return name
        raise NoInstance(f"nobody listens at {name}", place=name, hint=_list(instances()))
    live = instances()
    if name is None:
        if len(live) == 1:
            return live[0].socket
        if not live and is_live(fixed_socket()):
            return fixed_socket()
        what = f"{len(live)} instances are there: say which" if live else "no instance of krach is running"
        raise NoInstance(what, hint=_list(live))
    for fits in (
        [each for each in live if each.id == name],
        [each for each in live if each.name == name],
        [each for each in live if each.id.startswith(name)],
    ):
        if len(fits) == 1:
            return fits[0].socket
        if fits:
            raise NoInstance(f"{len(fits)} instances are called {name}", place=name, hint=_list(fits))
    raise NoInstance(f"no instance is called {name}", place=name, hint=_list(live))


def _list(live: list[Instance]) -> str:
    if not live:
        return "insert krach on a track of your DAW, or start one with `krach serve`"
    lines = [f"  krach attach {each.id}    {each}" for each in live]
    if len(live) > 1:
        lines.append(f"a file is run by `krach --instance {live[0].id} run FILE`")
    return "\n".join(lines)

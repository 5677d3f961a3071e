"""Running files: once, at each save, and offline into a WAV."""

from __future__ import annotations

import io
import json
import os
import queue
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import krach

from . import places
from .client import instances
from .error import KrachError
from .saving import looks_at, saves
from .session import Session
from .unquoted import unquoted

_POLL = 0.05
_UP = 30.0


def names(session: Session) -> dict[str, Any]:
    """Return the names that a file finds.

    >>> sorted(krach.run.names(kr))
    ['kr', 'krach', 'krp', 'krs']
    """
    return {"kr": session, "krs": krach.krs, "krp": krach.krp, "krach": krach}


def told(error: BaseException, file: str | None = None, plays: bool = True) -> str:
    """Return what went wrong: of krach what, where, and what would work; of Python the traceback of the file.

    ``plays``: whether there is a plugin that plays on, and is not one that only renders.

    >>> print(krach.run.told(krach.KrachError("there is nothing called kik", hint="did you mean kick?")))
    there is nothing called kik
    did you mean kick?
    what played plays on
    """
    if not isinstance(error, KrachError):
        trace = error.__traceback__
        while trace is not None and file is not None and trace.tb_frame.f_code.co_filename != file:
            trace = trace.tb_next
        text = "".join(traceback.format_exception(type(error), error, trace or error.__traceback__)).rstrip()
        last = traceback.extract_tb(error.__traceback__)[-1:]
        found = unquoted(error, (last[0].line or "").strip()) if isinstance(error, NameError) and last else None
        return text if found is None else f"{text}\n{found.hint}"
    where = [each for each in traceback.extract_tb(error.__traceback__) if each.filename == file]
    lines = [f"{file}, line {where[-1].lineno}: {where[-1].line}"] if where else []
    text = str(error)
    lines.append(text)
    if error.hint and error.hint not in text:
        lines.append(error.hint)
    return "\n".join([*lines, *(["what played plays on"] if plays and error.still_playing else [])])


def run_file(
    session: Session, path: str, arguments: list[str] | None = None, data: bytes | None = None
) -> dict[str, Any]:
    """Run a file (``-``: standard input) with the three names; return its names. ``data``: it has been read already."""
    file = "<stdin>" if path == "-" else path
    try:
        given = _read(path) if data is None else data
        # Ends of lines are those of the system that wrote it.
        text = io.TextIOWrapper(io.BytesIO(given), "utf-8").read()
    except (OSError, UnicodeDecodeError) as error:
        raise KrachError(f"{path}: {error}", place=path) from None
    made = names(session) | {"__name__": "__main__", "__file__": file}
    before_arguments, before_path = sys.argv, list(sys.path)
    sys.argv = [path, *(arguments or [])]
    sys.path.insert(0, str(Path(path).resolve().parent) if path != "-" else "")
    # Functions that are traced are looked up by their lines.
    import linecache  # noqa: PLC0415

    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    try:
        exec(compile(text, file, "exec"), made)
    finally:
        sys.argv, sys.path[:] = before_arguments, before_path
    return made


def _read(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()


# At each save


class Made:
    """What the calls of one run have made: nodes, slots, automations, routes, mutes."""

    def __init__(self, requests: list[dict[str, Any]]) -> None:
        """Read the requests of a batch."""
        self.nodes: set[str] = set()
        self.slots: set[str] = set()
        self.automations: set[str] = set()
        self.routes: set[tuple[str, str, str | None]] = set()
        self.mutes: set[str] = set()
        for each in requests:
            params: Mapping[str, Any] = each["params"]
            match each["method"]:
                case "node":
                    self.nodes.add(params["name"])
                case "play":
                    self.slots.add(params["target"])
                case "automate":
                    self.automations.add(params.get("id", params["label"]))
                case "connect":
                    self.routes.add((params["source"], params["target"], params.get("port")))
                case "mute" if params.get("on", True):
                    self.mutes.add(params["node"])
                case _:
                    pass

    def gone(self, now: Made, session: Session) -> list[dict[str, Any]]:
        """Return the requests that take away what a later run has made no more, as far as it is there."""
        there, slots = set(session.nodes), session.slots
        removed = (self.nodes - now.nodes) & there
        kept = there - removed
        found: list[dict[str, Any]] = [{"method": "remove", "params": {"node": each}} for each in sorted(removed)]
        for each in sorted(self.slots - now.slots):
            if slots.get(each) and not any(each == node or each.startswith(f"{node}/") for node in removed):
                found.append({"method": "hush", "params": {"target": each}})
        moved = {str(each.moved_by.get("automation")) for each in _moved(session)}
        for each in sorted((self.automations - now.automations) & moved):
            if any(each.startswith(f"{node}/") for node in kept):
                found.append({"method": "clear_automation", "params": {"id": each}})
        routes = {(source, target, port) for source, target, _, _, port in session.routing}
        for source, target, port in sorted((self.routes - now.routes) & routes, key=str):
            if {source, target} <= kept:
                params = {"source": source, "target": target} | ({} if port is None else {"port": port})
                found.append({"method": "disconnect", "params": params})
        for each in sorted((self.mutes - now.mutes) & kept):
            found.append({"method": "mute", "params": {"node": each, "on": False}})
        return found


def _moved(session: Session) -> list[Any]:
    nodes = session.describe()
    return [each for node in nodes for each in session.node_controls(node.name) if isinstance(each.moved_by, dict)]


def rerun(session: Session, path: str, before: Made | None = None, data: bytes | None = None) -> Made:
    """Run a file as one change: what an earlier run made and this one does not goes; an error changes nothing."""
    with session.batch(), session.recorded() as requests:
        run_file(session, path, data=data)
        now = Made(requests)
        if before is not None:
            requests.extend(before.gone(now, session))
    return now


def watch(session: Session, path: str) -> None:
    """Run a file at each save, until it is interrupted."""
    made = None
    for data in saves(looks_at(path)):
        try:
            made = rerun(session, path, made, data)
            print(f"{time.strftime('%H:%M:%S')} {path}: played", flush=True)
        except Exception as error:
            print(told(error, path), file=sys.stderr, flush=True)


# Offline


def render(  # noqa: PLR0917
    path: str,
    out: str,
    bars: float = 16,
    bpm: float = 120,
    arguments: list[str] | None = None,
    stems: str | None = None,
) -> None:
    """Run a file against a plugin of its own, and play all that it asked for offline into a WAV.

    What has a time acts then; all else acts at the start, whatever time passes while the file runs. ``out`` is the main
    output; each stem that sounds is written into the folder ``stems``.
    """
    program, plugin = places.host(), places.bundle("clap")
    if not (path == "-" or Path(path).is_file()):
        raise KrachError(f"{path} is not there", place=path)
    with tempfile.TemporaryDirectory(prefix="krach-") as folder:
        socket = rf"\\.\pipe\krach-render-{os.getpid()}" if sys.platform == "win32" else f"{folder}/s"
        environment = os.environ | {"XDG_RUNTIME_DIR": folder, "NOISE_SOCKET": socket}
        command = [str(program), "serve", "--plugin", str(plugin), "--bpm", str(bpm)]
        served = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = os.environ.get("NOISE_SOCKET")
        os.environ["NOISE_SOCKET"] = socket  # For what the file attaches to.
        try:
            requests = _recorded(served, socket, path, arguments)
        finally:
            del os.environ["NOISE_SOCKET"]
            if before is not None:
                os.environ["NOISE_SOCKET"] = before
            served.terminate()
            served.wait(30)
        performance = Path(folder) / "performance.jsonl"
        performance.write_text("".join(json.dumps(each) + "\n" for each in requests), "utf-8")
        command = [str(program), "render", str(performance), "--out", out, "--bars", str(bars), "--bpm", str(bpm)]
        if stems is not None:
            command += ["--stems", stems]
        elif _has_stems(requests):
            print(f"what leaves at stems is not in {out}: --stems DIR writes each of them into a file", file=sys.stderr)
        done = subprocess.run([*command, "--plugin", str(plugin), "--quiet"], env=environment, check=False)
        if done.returncode:
            raise KrachError(f"krach-host ended with {done.returncode}", place=path)


def _has_stems(requests: list[dict[str, Any]]) -> bool:
    inner = [each for request in requests for each in request["params"].get("requests") or [request]]
    return any(each["method"] == "node" and each["params"].get("stem") for each in inner)


def _recorded(
    served: subprocess.Popen[bytes], socket: str, path: str, arguments: list[str] | None
) -> list[dict[str, Any]]:
    """Run a file against an instance; return every request that was accepted, with its time."""
    until = time.monotonic() + _UP
    while True:
        try:
            krach.kr.wait(True)
            krach.kr.attach(socket)
            session = krach.kr
            break
        except KrachError:
            if served.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(_POLL)
    entries: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    session.listen(lambda topic, event: entries.put(event) if topic == "log" else None, "log")
    run_file(session, path, arguments)
    session.compiled()  # And not `sync`: what has a time far ahead acts while it is rendered.
    session.close()
    found: list[dict[str, Any]] = []
    while not entries.empty():
        entry = entries.get()
        if entry["family"] != "jsonrpc":
            continue
        params: dict[str, Any] = dict(entry["params"] or {})
        asked: Any = params.pop("at", None)
        # A swap that waits for the next cycle does so at the start, too.
        if entry["position"] is not None and asked is not None:
            params["at"] = entry["position"]
        found.append({"jsonrpc": "2.0", "id": len(found) + 1, "method": entry["method"], "params": params})
    return [*found, {"jsonrpc": "2.0", "id": 0, "method": "sync", "params": {"timeout": _UP}}]


def serve(arguments: list[str]) -> NoReturn:
    """Become ``krach-host serve``."""
    program = str(places.host())
    command = [program, "serve", *arguments]
    if "--plugin" not in arguments:
        command += ["--plugin", str(places.bundle("clap"))]
    if sys.platform == "win32":
        sys.exit(subprocess.run(command, check=False).returncode)
    os.execv(program, command)


def listed() -> str:
    """Return the instances, one a line.

    >>> "CLAP in krach-host" in krach.run.listed()
    True
    """
    live = instances()
    if not live:
        return "no instance of krach is running\ninsert krach on a track of your DAW, or start one with `krach serve`"
    return "\n".join(map(str, live))

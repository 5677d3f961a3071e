"""What every call of a session goes through: the connection, the time of a change, batches, waiting."""

from __future__ import annotations

import re
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from krach.arguments import guarded
from krach.client import Connection, Listener, NoInstance, Refusal
from krach.client.connection import attach as connect
from krach.error import KrachError
from krach.names import OwnNames
from krach.pattern.scales import likely

from .answers import Change, said, told_each
from .gone import gone
from .handles import Modulation, ModuleHandle, NodeHandle
from .info import Info
from .reach import Names, documents_of, named_by, named_in, reached, without_root

if TYPE_CHECKING:
    from .session import Session

At: TypeAlias = "str | float | None"
"""When a change acts: ``"now"``, ``"cycle"``, ``"bar"`` (the next one), or a number of cycles."""

COMPILE = 10.0
"""Seconds that a script waits for a sound to compile."""

_NO_TYPE = re.compile(r"(.*there is no node type ([^\s:]+))$", re.M)
_NO_NODE = re.compile(r"there is no node (\S+) to play\nsay free ")
_NO_CHORD = re.compile(r"takes (chords|scales) such as .*, not the name (\S+) \(")
_POLL = 0.01
_SLOW = 0.3
_MEASURED = 2.0


class _Scope(threading.local):
    """Per thread: the time of changes, and the batch that is open."""

    at: At = None
    batch: list[dict[str, Any]] | None = None


@guarded()
class Base(OwnNames):
    """The connection of a session, made at its first use."""

    def __init__(self, name: str | None = None, wait: bool | None = None) -> None:
        """Remember which instance is meant, see ``krach.attach``."""
        self._name = name
        self._wait = wait
        self._made: Connection | None = None
        self._making = threading.RLock()
        self._scope = _Scope()
        self._progress: Callable[[str | None], None] = _on_standard_error
        self._meters: dict[str, Any] | None = None
        self._listeners: list[tuple[Listener, tuple[str, ...]]] = []
        # What changes named while the sound of its node was being compiled.
        self._awaited: list[Names] = []
        # Nodes that come or change at a time, by that time.
        self._to_come: dict[str, float] = {}
        # The prefixes of documents that were brought, and when each comes, if at a time.
        self._brought: list[tuple[str | None, float | None]] = []

    # The connection

    @property
    def connection(self) -> Connection:
        """The connection to the plugin.

        >>> kr.connection.connected
        True
        """
        with self._making:
            if self._made is None:
                made = connect(self._name)
                made.listen(self._keep_meters)
                for listener, topics in self._listeners:
                    made.listen(listener, topics)
                self._made = made
            return self._made

    def attach(self, name: str | None = None) -> None:
        """Go over to another instance: by name, id or socket path. If there is none, the session stays where it was.

        >>> kr.attach(kr.id)
        """
        with self._making:
            before, self._made, kept = self._made, None, self._name
            self._name = name
            try:
                _ = self.connection
            except KrachError:
                self._made, self._name = before, kept
                raise
        if before is not None:
            before.close()

    def close(self) -> None:
        """Let go of the plugin: the music plays on, and the next call attaches again.

        >>> kr.close()
        >>> kr.tempo
        120.0
        """
        with self._making:
            made, self._made = self._made, None
        if made is not None:
            made.close()

    def listen(self, listener: Listener, *topics: str) -> None:
        """Hand events of topics to ``listener(topic, event)``, in a thread of the connection.

        >>> import queue
        >>> events = queue.Queue()
        >>> kr.listen(lambda topic, event: events.put((topic, event)), "session")
        >>> kr.tempo = 99
        >>> events.get(timeout=10)[0]
        'session'
        """
        with self._making:
            is_new = self._made is None
            self._listeners.append((listener, topics))
            connection = self.connection  # One that is new has all listeners.
        if not is_new:
            connection.listen(listener, topics)

    def has(self, method: str) -> bool:
        """Whether this plugin has a method of the wire.

        >>> kr.has("play")
        True
        """
        return self.connection.has(method)

    def ask(self, method: str, /, **params: Any) -> Any:
        """Call a method of the wire (docs/protocol.md) and return its answer.

        >>> kr.ask("midi_list")
        {'learning': None, 'maps': [], 'routes': []}
        """
        try:
            return self.connection.call(method, params)
        except Refusal as error:
            raise self._of_what_is_gone(error) or error from None

    # Changes

    def change(self, method: str, params: Mapping[str, Any], at: At = None, dry_run: bool = False) -> Change:
        """Call a method that changes the session; within ``kr.batch()`` it becomes a part of the batch.

        Parameters that are ``None`` are left out.

        >>> kr.change("master", {"gain": 0.8}, dry_run=True).dry_run
        True
        """
        given = {key: value for key, value in params.items() if value is not None}
        return self.exact(method, given, at, dry_run)

    def exact(self, method: str, params: dict[str, Any], at: At = None, dry_run: bool = False) -> Change:
        """As ``change``, with parameters that may be null.

        >>> kr.exact("transport", {"osc_target": None}).osc_target
        """
        scope = self._scope
        if scope.batch is not None:
            if at is not None or dry_run:
                raise KrachError("a batch is one change, with one time", hint="with kr.batch(at=…)")
            scope.batch.append({"method": method, "params": params})
            return Change()
        at = scope.at if at is None else at
        if at is not None:
            params = params | {"at": at}
        if dry_run:
            params = params | {"dry_run": True}
        try:
            answer = self.connection.call(method, params)
            done = Change(answer).told_as(said(method, params, answer))
        except Refusal as error:
            raise self._with_a_hint(error) from None
        self._remember_times(method, params, done)
        self._note_unreached(named_by(method, params))
        self._note_tempo(method, params)
        for scale in without_root(method, params):
            self.note(f"the scale {scale} has no root and begins at key 0, 8 Hz, unless it is transposed: A3:{scale}")
        return done

    def _note_tempo(self, method: str, params: Mapping[str, Any]) -> None:
        """Note a tempo that does not count, since that of the host plays."""
        requests: list[Mapping[str, Any]] = params.get("requests") or [{"method": method, "params": params}]
        settings = [each["params"] for each in requests if each["method"] == "transport"]
        given = [each["tempo"] for each in settings if "tempo" in each]
        if not given:
            return
        now = self.ask("transport")
        position, clock = now["position"], [now["clock"], *(each["clock"] for each in settings if "clock" in each)][-1]
        if clock != "external" or not position["running"] or position["free_running"] or position["tempo"] == given[-1]:
            return
        self.note(
            f'the host\'s clock counts: {position["tempo"]:g} plays; kr.transport(clock="internal") takes {given[-1]:g}'
        )

    def _remember_times(self, method: str, params: Mapping[str, Any], done: Change) -> None:
        """Keep which nodes and documents come at a time: until then nobody knows what they have."""
        position = done.get("position") if params.get("at") is not None else None
        if not params.get("dry_run"):
            self._brought += [(prefix, position) for prefix in documents_of(method, params)]
        if position is None:
            return
        requests: list[Mapping[str, Any]] = params.get("requests") or [{"method": method, "params": params}]
        self._to_come |= {each["params"]["name"]: position for each in requests if each["method"] == "node"}

    def _note_unreached(self, named: Sequence[Names]) -> None:
        """Note what changes named and nothing has; what is still being compiled is looked at again later."""
        brought = self._named_by_documents()
        named = list(dict.fromkeys([*self._awaited, *named, *brought]))
        if not named:
            return
        self._awaited = []
        if self._to_come:
            now = self.ask("transport")["position"]["cycles"]
            self._to_come = {name: when for name, when in self._to_come.items() if when > now}
        nodes, status = self._nodes(), self.ask("status")
        own = {each.name for each in nodes}
        others = [*status["exposed_controls"], *(each["id"] for each in status["nodes"] if each["id"] not in own)]
        for each in named:
            lines, waits = reached(each, nodes, others)
            if waits or not each.nodes().isdisjoint(self._to_come):
                self._awaited.append(each)
                continue
            for line in lines:
                self.note(line)

    def _named_by_documents(self) -> list[Names]:
        """Return what documents name that have come."""
        if not self._brought:
            return []
        now = self.ask("transport")["position"]["cycles"]
        come = [prefix for prefix, when in self._brought if when is None or when <= now]
        self._brought = [each for each in self._brought if each[1] is not None and each[1] > now]
        if not come:
            return []
        document = self.ask("capture")["module"]
        if None in come:
            self._awaited = []  # Another session: it alone is what can be reached.
            come = [None]
        return [each for prefix in come for each in named_in(document, prefix)]

    def note_what_was_awaited(self) -> None:
        """Note what patterns named and a sound that has been compiled since does not have.

        >>> kr.note_what_was_awaited()
        """
        self._note_unreached(())

    def _with_a_hint(self, error: Refusal) -> Refusal:
        """Return a refusal with what would work here: a node that is made, the type whose family was left out."""
        lost = self._of_what_is_gone(error)
        if lost is not None:
            return lost
        nobody = _NO_NODE.search(str(error))
        if nobody is not None:
            hint = f'make the node first: kr.node("{nobody[1]}", …)'
            return Refusal(str(error).replace(str(error.hint), hint), place=error.place, hint=hint)
        unnamed = _NO_CHORD.search(str(error))
        if unnamed is not None:
            near = likely(unnamed[1], unnamed[2])
            hint = (f"did you mean {near}? " if near else "") + f"docs/patterns.md lists the names of {unnamed[1]}"
            return Refusal(f"{str(error).splitlines()[0]}\n{hint}", place=error.place, hint=hint)
        found = _NO_TYPE.match(str(error))
        if found is None:
            return error
        types: list[str] = [each["type"] for each in self.ask("types")["types"]]
        near = next((each for each in types if each.endswith(f":{found[2]}")), None)
        if near is None:
            return error
        hint = f"did you mean {near}?"
        return Refusal(f"{found[1]}\n{hint}", place=error.place, hint=hint)

    def _of_what_is_gone(self, error: KrachError) -> Refusal | None:
        """Return the refusal of a name that a node had: that it is gone, and what brings it back."""
        if type(error) is not Refusal and type(error) is not KrachError:
            return None
        try:
            history = self.connection.call("history", {})
        except KrachError:
            return None
        done = history["done"] - history["first"]
        found = gone(str(error), history["steps"][:done], history["steps"][done:])
        if found is None:
            return None
        name, text, hint = found
        return Refusal(f"{text}\n{hint}", place=name, hint=hint)

    def note(self, text: str) -> None:
        """Say something about a change that was made and may not be what was meant, on standard error.

        >>> kr.note("macro 2 waits for bass/cutof")
        """
        print(text, file=sys.stderr, flush=True)

    @contextmanager
    def at(self, when: str | float) -> Generator[None]:
        """Give all changes within a time.

        >>> kick = kr.node("kick", "faust:kick")
        >>> with kr.at(1000):
        ...     kr.mute("kick").position
        1000.0
        """
        scope = self._scope
        before, scope.at = scope.at, when
        try:
            yield
        finally:
            scope.at = before

    @contextmanager
    def batch(self, at: At = None, dry_run: bool = False) -> Generator[list[Any]]:
        """Make one change of all within: all or nothing, one step of undo. An exception inside sends nothing.

        The list has the answers afterwards.

        >>> with kr.batch() as answers:
        ...     kick = kr.node("kick", "faust:kick")
        ...     _ = kr.play("kick", "x . x .")
        >>> kr.undo().undone
        'node kick and 1 more'
        """
        scope = self._scope
        if scope.batch is not None:
            yield []  # A batch in a batch is part of it.
            return
        requests: list[dict[str, Any]] = []
        answers: list[Any] = []
        scope.batch = requests
        try:
            yield answers
        finally:
            scope.batch = None
        if requests:
            done = self.change("batch", {"requests": requests}, at, dry_run)
            answers += told_each(requests, done)
            if not dry_run:
                self._settle({each["params"]["name"] for each in requests if each["method"] == "node"})

    @contextmanager
    def recorded(self) -> Generator[list[dict[str, Any]]]:
        """Give the requests of the open batch, which may be changed.

        >>> with kr.batch(), kr.recorded() as requests:
        ...     _ = kr.stop()
        ...     requests
        [{'method': 'stop', 'params': {}}]
        """
        if self._scope.batch is None:
            raise KrachError("no batch is open", hint="with kr.batch():")
        yield self._scope.batch

    # Waiting

    def wait(self, wait: bool | None) -> None:
        """Choose whether ``kr.node`` waits for the compile; ``None``: in scripts, and not at a prompt.

        >>> kr.wait(True)
        """
        self._wait = wait

    @property
    def waits(self) -> bool:
        """Whether ``kr.node`` waits for the compile: in scripts, unless ``attach(wait=False)``.

        >>> kr.waits
        True
        """
        if self._wait is not None:
            return self._wait
        prompt: Any = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
        return not hasattr(sys, "ps1") and prompt() is None

    def _settle(self, names: set[str]) -> None:
        """In a script, wait until nodes are compiled and raise what failed."""
        if names and self.waits:
            self._compiled(names)

    def _compiled(self, names: set[str] | None, timeout: float = COMPILE) -> None:
        """Wait until nodes, or all of them, are compiled; raise what failed."""
        begin, told = time.monotonic(), False
        try:
            while True:
                nodes = [each for each in self._nodes() if names is None or each.name in names]
                waits = [each.name for each in nodes if each.state == "pending"]
                if not waits:
                    break
                spent = time.monotonic() - begin
                if spent > timeout:
                    late = ", ".join(waits)
                    raise KrachError(f"{late}: not compiled after {timeout:g} s", place=waits[0])
                if spent > _SLOW:
                    told = True
                    self._progress(f"compiling {', '.join(waits)} ({spent:.1f} s)")
                time.sleep(_POLL)
        finally:
            if told:
                self._progress(None)
        self._note_unreached(())
        failed = [each for each in nodes if each.state == "failed"]
        if failed:
            raise self.failure(failed[0].name)

    def failure(self, name: str) -> KrachError:
        """Return why a node does not sound.

        >>> print(kr.failure("nobody"))
        nobody does not compile
        """
        for each in self.ask("status")["sounds"]["failures"]:
            if name in (each.get("nodes") or [each["type"]]) or each["type"] in self._types_of(name):
                return self.compile_error(each, name)
        return KrachError(f"{name} does not compile", place=name)

    def _types_of(self, name: str) -> set[str]:
        return {each.type for each in self._nodes() if each.name == name}

    def compile_error(self, event: Mapping[str, Any], name: str | None = None) -> KrachError:
        """Make an exception of a failure of ``status`` or an event of the topic ``errors``.

        >>> print(kr.compile_error({"message": "no", "type": "faust:x", "hint": "yes"}))
        faust:x: no
        yes
        """
        from krach.client.refusal import mistakes  # noqa: PLC0415

        who = name or str(event.get("type") or "krach")
        line, column, span = event.get("line"), event.get("column"), event.get("span")
        place = event.get("place") or (who if line is None else f"{who}:{line}:{column or 1}")
        kind = str(event.get("type"))

        @cache
        def program(file: str | None) -> str:
            return self._program(kind, file)

        told = mistakes({"text": event.get("message"), **event}, program, who)
        made = KrachError(told, place=place, hint=event.get("hint"), span=span and (span[0], span[1]))
        if line is not None:
            made.line, made.column = int(line), int(column or 1)
        return made

    def _program(self, kind: str, file: str | None) -> str:
        """Return the text of a sound, or of a file that it imports; none if nobody has it."""
        try:
            source = cast("dict[str, Any]", self.ask("source", type=kind))
        except KrachError:
            return ""
        return str(source["text"] if file is None else source["imports"].get(file) or "")

    def sync(self, timeout: float = COMPILE) -> None:
        """Wait for everything before this, compiles too, and raise what failed.

        >>> bass = kr.node("bass", "process = 1;")
        >>> kr.sync()
        """
        answer = self.ask("sync", timeout=timeout)
        if answer["failed"]:
            raise KrachError("\n".join(each["message"] for each in answer["failed"]))
        self.compiled(timeout)

    def compiled(self, timeout: float = COMPILE) -> None:
        """Wait until every sound is compiled, and raise what failed. Changes may wait for their time still.

        >>> bass = kr.node("bass", "process = 1;")
        >>> _ = kr.mute("bass", at=1000)
        >>> kr.compiled()
        """
        self._compiled(None, timeout)

    # Handles

    def handle(self, name: str) -> NodeHandle:
        """Return the handle of a node that may come later.

        >>> kr.handle("bass").name
        'bass'
        """
        return NodeHandle(cast("Session", self), name)

    def module_handle(self, prefix: str, done: Change) -> ModuleHandle:
        """Return the handle of a module, of what ``instantiate`` answers.

        >>> kr.module_handle("kit", krach.session.Change(nodes=["kit/kick"])).output.name
        'kit/kick'
        """
        prefix = done.get("prefix", prefix)
        return ModuleHandle(
            cast("Session", self), prefix, done.get("nodes", []), done.get("inputs"), done.get("outputs") or []
        )

    def modulation(self, path: str, is_pattern: bool = False) -> Modulation:
        """Return the handle of what moves a control.

        >>> kr.modulation("bass/cutoff").path
        'bass/cutoff'
        """
        return Modulation(cast("Session", self), path, is_pattern)

    # What others need

    def _nodes(self, name: str | None = None) -> list[Info]:
        answer = self.ask("describe", **({} if name is None else {"node": name}))
        return [Info(each) for each in answer["nodes"]]

    def _keep_meters(self, topic: str, event: dict[str, Any]) -> None:
        if topic == "meters":
            self._meters = event
        elif topic in ("gone", "back"):
            self._meters = None

    def _measured(self) -> dict[str, Any]:
        """Return the newest levels; nothing is measured before the first call."""
        self.connection.subscribe(["meters"])
        # The first ones come when a block has been measured, or when the host is known to call nobody.
        until = time.monotonic() + _MEASURED
        while self._meters is None and time.monotonic() < until:
            time.sleep(_POLL)
        return self._meters or {}

    @property
    def id(self) -> str:
        """The instance's id.

        >>> kr.id == krach.client.instances()[0].id
        True
        """
        return str(self.connection.greeting["instance"])


def _on_standard_error(line: str | None) -> None:
    """Show a line that is written over, or take it away."""
    if sys.stderr.isatty():
        print("\r\x1b[K" + (line or ""), end="", file=sys.stderr, flush=True)


__all__ = ["At", "Base", "Change", "NoInstance"]

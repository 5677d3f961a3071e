"""The whole session: documents, undo, time, sounds."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from krach.arguments import guarded
from krach.client.files import write_whole
from krach.error import KrachError
from krach.export import Script, export
from krach.ir.module import Frozen, ModuleIr

from .answers import told_each
from .base import COMPILE, At, Change
from .documents import document_of, session_file
from .handles import ModuleHandle
from .info import Info, Lines, Table
from .nodes import Named, name_of
from .scenes import Scenes

_LOADS = """

if __name__ == "__main__":
    krach.attach().load(session)
"""


@guarded()
class Whole(Scenes):
    """What concerns all nodes at once."""

    # Documents

    def capture(self) -> ModuleIr:
        """Return the session as a document, once nothing is being compiled any more.

        >>> kick = kr.node("kick", "faust:kick", gain=0.8)
        >>> kr.capture() == kr.capture(), kr.capture().nodes[0].gain
        (True, 0.8)
        """
        self._quiet()
        return ModuleIr.from_dict(self.ask("capture")["module"])

    def _quiet(self) -> None:
        """Wait until nothing is being compiled; what failed is part of the session, too."""
        failed: KrachError | None = None
        try:
            self._compiled(None, COMPILE)
        except KrachError as error:
            failed = error
        if failed is not None and any(each.state == "pending" for each in self._nodes()):
            raise failed

    def load(
        self,
        ir: ModuleIr | Mapping[str, Any] | str | Path,
        keep: bool = False,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Make the session that of a document, or of a JSON file with one, as one change.

        What waits for its time does not act any more.

        >>> kick = kr.node("kick", "faust:kick")
        >>> ir = kr.capture()
        >>> _ = kr.clear()
        >>> _ = kr.load(ir)
        >>> kr.capture() == ir
        True
        """
        done = self.change("load", {"module": document_of(ir), "keep": keep or None}, at, dry_run)
        self._settle_all(at, dry_run)
        return done

    def replay(self, ir: ModuleIr | Mapping[str, Any] | str | Path, *, at: At = None, dry_run: bool = False) -> Change:
        """Load a document: a name of the older program.

        >>> _ = kr.replay(kr.capture())
        """
        return self.load(ir, at=at, dry_run=dry_run)

    def save_file(self, file: str | Path, overwrite: bool = False) -> Info:
        """Write the session into ``NAME.krach.json``: a name in ``~/.krach/sessions``, or a path.

        A file that is there stays, and nothing is saved; with ``overwrite`` it is kept as ``.bak``.

        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.save_file(f"{folder}/song").file.endswith("/song.krach.json")
        True
        """
        self._quiet()
        done = Change(self.ask("save_file", file=session_file(file), overwrite=overwrite))
        return done.told_as(f"the session is in {done.file}")

    def open_file(self, file: str | Path, *, at: At = None, dry_run: bool = False) -> Change:
        """Make the session that of a file, as one change: a name in ``~/.krach/sessions``, or a path.

        ``factory:NAME`` is one that comes with krach; ``kr.session_files()`` lists them. What waits for its time does
        not act any more.

        >>> _ = kr.open_file("factory:house")
        >>> kr.undo().undone
        'open house'
        >>> kr.open_file("/nowhere/song")
        Traceback (most recent call last):
        krach.client.refusal.Refusal: there is no file /nowhere/song.krach.json
        ...
        """
        done = self.change("open_file", {"file": session_file(file)}, at, dry_run)
        self._settle_all(at, dry_run)
        return done

    def session_files(self) -> list[str]:
        """Return what ``kr.open_file`` opens by name: your own sessions, and those that come with krach.

        >>> [each for each in kr.session_files() if each.startswith("factory:")][:3]
        ['factory:acid', 'factory:breaks', 'factory:dub']
        """
        return [each["file"] for each in self.ask("session_files")["sessions"]]

    def instantiate(
        self,
        ir: ModuleIr | Mapping[str, Any] | str | Path,
        prefix: str,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> ModuleHandle:
        """Put a document's nodes beside the session's, under a name.

        >>> @kr.module
        ... def drums(m):
        ...     m.node("kick", "faust:kick", gain=0.8)
        ...     m.node("hat", "faust:hat", gain=0.3)
        ...     m.outputs("kick", "hat")
        >>> d = kr.instantiate(drums(), "drums")
        >>> list(d.nodes), list(kr.nodes)
        (['kick', 'hat'], ['drums/kick', 'drums/hat'])
        """
        done = self.change("instantiate", {"module": document_of(ir), "prefix": prefix}, at, dry_run)
        self._settle_all(at, dry_run)
        return self.module_handle(prefix, done)

    def _settle_all(self, at: At, dry_run: bool) -> None:
        if not dry_run and at is None and self._scope.batch is None and self.waits:
            self._compiled(None)

    def clear(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Leave nothing that sounds; settings stay. What waits for its time does not act any more.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.clear()
        >>> kr.nodes
        {}
        """
        return self.change("clear", {}, at, dry_run)

    def export(self, path: str | Path | None = None, texts: bool = False, overwrite: bool = False) -> Script:
        """Return a readable script that makes the session again in a fresh plugin, or write it into a file.

        A file that is there stays, and nothing is written; with ``overwrite`` it is kept as ``.bak``. Texts of sounds
        that come with this krach are left out. With ``texts`` they stand in it, too, and it sounds the same where krach
        has others.

        >>> kick = kr.node("kick", "faust:kick", gain=0.8)
        >>> print([line for line in kr.export().splitlines() if "m.node" in line][0].strip())
        m.node("kick", "faust:kick", gain=0.8, legato=False, rest="auto")
        """
        document = self.capture()
        made = export(document if texts else self._without_factory_texts(document))
        text = Script(made + _LOADS, None if path is None else str(path))
        if path is not None:
            place = Path(path).expanduser()
            try:
                write_whole(place, text, overwrite)
            except (OSError, ValueError) as error:
                hint = "is the folder there, and may you write into it?"
                raise KrachError(
                    f"{place}: {getattr(error, 'strerror', None) or error}\n{hint}", place=str(place), hint=hint
                ) from None
        return text

    def _without_factory_texts(self, ir: ModuleIr) -> ModuleIr:
        """Return a document without the texts that the plugin has itself."""
        krach: dict[str, Any] = {} if ir.krach is None else ir.krach.to_dict()
        sources: dict[str, Any] = krach.get("sources", {})
        krach["sources"] = {
            type_id: entry for type_id, entry in sources.items() if not self._comes_with(type_id, entry)
        }
        return replace(ir, krach=Frozen(krach))

    def _comes_with(self, type_id: str, entry: Mapping[str, Any]) -> bool:
        if not entry.get("factory"):
            return False
        ours = self.ask("source", type=type_id)
        return ours["origin"] == "factory" and ours["text"] == entry["text"]

    # Steps

    def undo(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Take the last step back, whoever made it, or cancel what was asked for since and waits for its time.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kick.play("x*4", at=1000)
        >>> kr.undo().undone, kr.undo().undone
        ('play kick', 'node kick')
        """
        return self.change("undo", {}, at, dry_run)

    def redo(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Do again what was undone last.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.undo()
        >>> kr.redo().redone
        'node kick'
        """
        return self.change("redo", {}, at, dry_run)

    def history(self) -> list[str]:
        """Return the steps, the oldest first.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.history()[-1]
        'node kick'
        """
        answer = self.ask("history")
        return answer["steps"][: answer["done"] - answer["first"]]

    # Time and the whole

    def transport(self, *, at: At = None, dry_run: bool = False, **settings: Any) -> Info:
        """Set what is given, all or nothing, and return all settings; see ``transport`` in docs/protocol.md.

        >>> kr.transport(tempo=128, free_run=True).tempo
        128.0
        """
        return self.exact("transport", settings, at, dry_run)

    @property
    def tempo(self) -> float:
        """Quarter notes per minute while time is our own; while the host plays, its tempo holds.

        >>> kr.tempo = 128
        >>> kr.tempo
        128.0
        """
        return self.ask("transport")["tempo"]

    @tempo.setter
    def tempo(self, value: float) -> None:
        self.transport(tempo=value)

    @property
    def meter(self) -> float | str:
        """Quarter notes per cycle, or ``"host"``: every bar of the host is a cycle.

        >>> kr.meter = 3
        >>> kr.meter
        3.0
        >>> kr.meter = 4
        """
        return self.ask("transport")["meter"]

    @meter.setter
    def meter(self, value: float | str) -> None:
        self.transport(meter=value)

    @property
    def free_run(self) -> bool:
        """Whether time is kept while the host stands.

        >>> kr.free_run = True
        >>> kr.free_run
        True
        """
        return self.ask("transport")["free_run"]

    @free_run.setter
    def free_run(self, value: bool) -> None:
        self.transport(free_run=value)

    @property
    def seed(self) -> int:
        """What is added to the seeds of all patterns.

        >>> kr.seed = 7
        >>> kr.seed
        7
        """
        return self.ask("transport")["seed"]

    @seed.setter
    def seed(self, value: int) -> None:
        self.transport(seed=value)

    @property
    def start(self) -> str:
        """What nodes do where time starts from standstill: ``"restart"`` or ``"continue"``.

        >>> kr.start = "continue"
        >>> kr.start
        'continue'
        """
        return self.ask("transport")["start"]

    @start.setter
    def start(self, value: str) -> None:
        self.transport(start=value)

    @property
    def position(self) -> Info:
        """Where time is: ``cycles``, ``running``, ``free_running``, ``tempo`` (now), ``bar``.

        >>> kr.position.tempo
        120.0
        """
        return Info(self.ask("transport")["position"])

    @property
    def master(self) -> float:
        """Loudness of everything, linear.

        >>> kr.master = 0.8
        >>> kr.master
        0.8
        """
        return self.ask("status")["transport"]["master"]

    @master.setter
    def master(self, value: float) -> None:
        self.change("master", {"gain": value})

    @property
    def name(self) -> str:
        """What the instance is called.

        >>> kr.name = "bass"
        >>> kr.name
        'bass'
        """
        return self.ask("status")["name"]

    @name.setter
    def name(self, value: str) -> None:
        self.change("name", {"name": value})

    @property
    def problems(self) -> Lines:
        """What is wrong: sounds that do not compile, the folder for sounds, the socket, what failed lately.

        A sound that does not compile stands there once, with its line, until it is mended or gone. What failed once,
        such as a change whose node was gone at its time, is there for five minutes. That something began late is told
        by the topic ``errors`` and at the prompt, and is not a problem.

        >>> all(isinstance(each, str) for each in kr.problems)
        True
        """
        status = self.ask("status")
        sounds: Mapping[str, Any] = status["sounds"] or {"failures": [], "problem": None}
        failures: list[dict[str, Any]] = sounds["failures"]
        found = [str(each) for each in status["problems"] if not any(_is_of(each, failure) for failure in failures)]
        for failure in failures:
            found.append(str(self.compile_error(failure, ", ".join(failure.get("nodes") or ()) or None)))
        # A folder that nobody has made is none: there are no sounds of one's own yet.
        found += [each for each in (sounds["problem"], status["socket_problem"]) if each and _NOT_YET not in each]
        return Lines(dict.fromkeys(found))

    def crossfade(
        self, beats: float | None = None, secs: float | None = None, *, at: At = None, dry_run: bool = False
    ) -> Change:
        """Set how long what is replaced fades into what replaces it.

        >>> _ = kr.crossfade(beats=1)
        """
        return self.change("crossfade", {"beats": beats, "secs": secs}, at, dry_run)

    def limiter(self, on: bool, *, at: At = None, dry_run: bool = False) -> Change:
        """Turn the safety limiter at +6 dBFS on or off.

        >>> _ = kr.limiter(True)
        """
        return self.change("limiter", {"on": on}, at, dry_run)

    def panic(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Shut every gate, end every note, cut every tail; patterns go on.

        >>> _ = kr.panic()
        """
        return self.change("panic", {}, at, dry_run)

    def rebuild(self) -> Change:
        """Build the whole engine anew from the session: the way back after a fault.

        It changes nothing of the session, so it is no step and has no time.

        >>> _ = kr.rebuild()
        """
        return Change(self.ask("rebuild")).told_as("the engine is built anew")

    # Sounds

    def types(self, type: str | None = None) -> Table:
        """Return what nodes can be: a list, which a prompt shows as a table.

        >>> kr.types("faust:hat")
        faust:hat  factory  gate vel tune decay attack tone noise
        >>> kr.types("faust:kick")[0].origin
        'factory'

        A text or a function that was given to one node belongs to that node, and is not among them.
        """
        answer = self.ask("types", **({} if type is None else {"type": type}))
        rows = [Info(each) for each in answer["types"] if type is not None or not is_of_one_node(each["type"])]
        return Table(rows, _shown)

    def source(self, type: str) -> str:
        """Return the text of a sound.

        >>> kr.source("faust:kick").startswith("//")
        True
        """
        return self.ask("source", type=type)["text"]

    def compile(self, text: str, name: str | None = None) -> Info:
        """Say whether a FAUST text compiles, or the YAML of a patch is one, and what it has. Nothing uses it.

        >>> kr.compile('process = hslider("level", 0, 0, 1, 0.1);').controls[0]["name"]
        'level'
        >>> kr.compile("process = foo;")
        Traceback (most recent call last):
        krach.client.refusal.Refusal: line 1: `foo` is not defined
          process = foo;
                    ^^^
        say what it is (foo = ...;), or import the file that does
        """
        return Info(self.ask("compile", text=text, **({} if name is None else {"name": name})))

    def define(self, name: str, text: str | None) -> Change:
        """Let ``faust:<name>`` be this text in this session; ``None``: what it was before.

        With ``patch:`` in front of the name, or the YAML of a patch as text, it is ``patch:<name>``.

        >>> kr.define("tick", "process = 1;").type
        'faust:tick'
        >>> _ = kr.define("tick", None)
        """
        done = Change(self.ask("define", name=name, **({} if text is None else {"text": text})))
        return done.told_as(f"{done.type} is {'what it was' if text is None else 'this text'}")

    # Notes as a file

    def bounce(
        self,
        target: Named | ModuleHandle | None = None,
        bars: float = 4,
        path: str | Path | None = None,
        begin: float = 0,
        overwrite: bool = False,
    ) -> Info:
        """Write what a slot, a group or all play over some bars into a MIDI file, ``bass.mid`` here without a path.

        ``begin`` is the bar of the song where they begin. A file that is there stays, and nothing is written; with
        ``overwrite`` it is kept as ``.bak``. On the wire the method is `freeze`, which here is a builder of patterns.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.play("bass", "A2 D3")
        >>> import pathlib, tempfile
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "bass.mid"
        >>> kr.bounce(bass, bars=4, path=file).notes
        8
        >>> kr.bounce("bass", bars=1, path=file, begin=8, overwrite=True).notes
        2
        """
        name = target.prefix if isinstance(target, ModuleHandle) else None if target is None else name_of(target)
        file = Path(f"{(name or 'song').replace('/', '-')}.mid" if path is None else path)
        given = {"target": name, "bars": bars, "path": str(file.expanduser().absolute())}
        given |= {"from": begin or None, "overwrite": overwrite or None}
        done = Change(self.ask("freeze", **{key: value for key, value in given.items() if value is not None}))
        return done.told_as(f"{done.notes} note{'' if done.notes == 1 else 's'} in {file}")

    @contextmanager
    def transition(
        self, bars: float | None = None, beats: float | None = None, *, at: At = None, dry_run: bool = False
    ) -> Generator[list[Any]]:
        """Let all changes within take so many bars (8) or beats: all or nothing, one step of undo.

        Values, faders, sends, the master and the own tempo go on lines and arrive together. Nodes that come fade in
        and play at once, nodes that go fade out and are removed at the end; other patterns change at the end. What is
        set again meanwhile ends its own part. A bar is a cycle here. The list has the answers afterwards.

        >>> pad = kr.node("pad", "faust:pad", gain=0.4)
        >>> with kr.transition(bars=8):
        ...     _ = pad.gain(0.1)
        ...     kr.tempo = 90
        ...     bass = kr.node("bass", "faust:bass")
        ...     _ = bass @ "A1 . A1 A2"
        >>> kr.undo().undone
        'transition: set pad/@gain and 3 more'
        >>> with kr.transition(beats=16):
        ...     _ = pad.mute()
        Traceback (most recent call last):
        krach.client.refusal.Refusal: mute cannot be part of a transition
        ...
        """
        scope = self._scope
        if scope.batch is not None:
            hint = "with kr.transition(bars=8): is itself one change"
            raise KrachError(f"a transition is no part of a batch\n{hint}", hint=hint)
        if bars is None and beats is None:
            bars = 8
        requests: list[dict[str, Any]] = []
        answers: list[Any] = []
        scope.batch = requests
        try:
            yield answers
        finally:
            scope.batch = None
        if not requests:
            return
        params = {"requests": requests, "cycles": bars, "beats": beats}
        done = self.change("transition", params, at, dry_run)
        answers += told_each(requests, done)
        if dry_run:
            return
        position = self.position
        if not position.running:
            self.note("time stands: the transition begins when it moves")
        self._settle({each["params"]["name"] for each in requests if each["method"] == "node"})


def is_of_one_node(type_id: str) -> bool:
    """Whether it is the id of a text or a function that a node was given, and no name.

    >>> krach.session.whole.is_of_one_node("faust:graph-0123"), krach.session.whole.is_of_one_node("faust:kick")
    (True, False)
    """
    return type_id.startswith(("faust:graph-", "faust:text-", "patch:text-"))


_SHOWN = 12
"""So many controls of a type are shown."""


def _shown(type: Info) -> list[str]:
    names = [each["name"] for each in type.controls or ()]
    more = len(names) - _SHOWN
    return [type.type, type.origin, " ".join([*names[:_SHOWN], *([f"and {more} more"] if more > 0 else [])])]


_NOT_YET = " is not there yet: "


def _is_of(problem: str, failure: Mapping[str, Any]) -> bool:
    """Whether a problem of ``status`` is one of its failures, which has the line beside it."""
    names = [*(failure.get("nodes") or ()), failure["type"]]
    return failure["text"] in problem and any(problem.startswith(f"{name}: ") for name in names)

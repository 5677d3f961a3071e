"""Nodes, routes, faders."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from krach.arguments import guarded
from krach.error import KrachError
from krach.ir.signal import DspGraph
from krach.modules import Source, settings_of, source_of
from krach.names import did_you_mean

from .base import At, Base, Change
from .info import Control, Info, Table, fader

if TYPE_CHECKING:
    from .handles import NodeHandle

Named: TypeAlias = "str | NodeHandle"
"""A node by its name or its handle."""


def name_of(node: Named) -> str:
    """Return the name of a node.

    >>> krach.session.nodes.name_of("kick")
    'kick'
    """
    return node if isinstance(node, str) else node.name


@guarded()
class Nodes(Base):
    """What sounds, and where it goes."""

    def node(  # noqa: PLR0917
        self,
        name: str,
        source: Source | Path | None = None,
        gain: float | None = None,
        count: int | None = None,
        init: Mapping[str, float] | None = None,
        stereo: bool | None = None,
        to_master: bool | None = None,
        stem: int | None = None,
        settings: Mapping[str, str | Sequence[str]] | None = None,
        rest: str | None = None,
        legato: bool | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
        **controls: float,
    ) -> NodeHandle:
        """Add a node, or change the one of that name: what is not given stays as it was.

        The source is a type (``"faust:bass"``, ``"patch:acid"``), FAUST text, the YAML of a patch, a function of
        signals, a DspGraph, or the path of a ``.dsp`` or ``.yaml``; a node that there is keeps its own without. A new
        node has a fader of 0.5, one voice, and is heard by itself on the main output; with ``stem=1`` to 8 on that
        stem instead. ``controls`` and ``init`` are the values that its controls begin with. ``settings`` are all the
        texts and lists that its source takes beside controls, such as the steps of a patch. With ``rest="never"`` one
        voice that has fallen silent is rendered all the same. In a script it waits for the compile, 10 s at most.

        >>> bass = kr.node("bass", "faust:bass", gain=0.3, cutoff=900)
        >>> bass["cutoff"]
        900.0
        >>> def beep(freq=440.0):
        ...     return krs.sine_osc(krs.control("freq", 440, 20, 4000)) * 0.2
        >>> acid = kr.node("acid", "patch:acid", settings={"seq/steps": "A1 - A2 _".split()})
        >>> acid["filter/cutoff"], acid.settings["seq/steps"]
        (220.0, ['A1', '-', 'A2', '_'])
        >>> kr.node("beep", lambda: krs.sine_osc(krs.control("freq", 440, 20, 4000)) * 0.2).type
        'graph'
        """
        made, text = (None, "") if source is None else _source(source)
        inputs = len(made.inputs) if isinstance(made, DspGraph) else None
        params = {
            "name": name,
            "source": made.to_dict() if isinstance(made, DspGraph) else made,
            "gain": gain,
            "count": count,
            "init": {**(init or {}), **controls} or None,
            "stereo": stereo,
            "to_master": to_master,
            "stem": stem,
            "settings": settings_of(settings),
            "rest": rest,
            "legato": legato,
            "num_inputs": inputs or None,
            "source_text": text or None,
        }
        self.change("node", params, at, dry_run)
        if not dry_run and self._scope.batch is None:
            self._settle({name})
        return self.handle(name)

    def stem(self, node: Named, stem: int, *, at: At = None, dry_run: bool = False) -> Change:
        """Let a node leave at a stem of the plugin, 1 to 8, instead of the main output, which is 0. Its sends stay.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.stem("kick", 2)
        >>> kr.describe("kick")[0].stem
        2
        """
        return self.change("node", {"name": name_of(node), "stem": stem}, at, dry_run)

    def voice(self, name: str, source: Source | Path, gain: float | None = None, **more: Any) -> NodeHandle:
        """Add a node: the name that the older program had for one without inputs.

        >>> kr.voice("kick", "faust:kick", gain=0.8).gain_now
        0.8
        """
        return self.node(name, source, gain, **more)

    def bus(self, name: str, source: Source | Path, gain: float | None = None, **more: Any) -> NodeHandle:
        """Add a node: the name that the older program had for one with inputs.

        >>> kr.bus("verb", "faust:reverb").name
        'verb'
        """
        return self.node(name, source, gain, **more)

    def remove(self, node: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Remove a node or a group with its routes, patterns and automations.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.remove("kick").nodes
        ['kick']
        """
        return self.change("remove", {"node": name_of(node)}, at, dry_run)

    def connect(
        self,
        source: Named,
        target: Named,
        level: float = 1.0,
        port: str | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Send a node into another, behind its fader; with a port wire it there, before its fader.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = kr.connect("pad", "verb", level=0.4)
        >>> kr.routing
        [('pad', 'verb', 'send', 0.4, None)]
        """
        params = {"source": name_of(source), "target": name_of(target), "level": level, "port": port}
        if port is not None and level == 1.0:
            params["level"] = None
        return self.change("connect", params, at, dry_run)

    def send(self, source: Named, target: Named, level: float = 1.0, *, at: At = None, dry_run: bool = False) -> Change:
        """Send a node into another, behind its fader.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = kr.send(pad, verb, 0.4)
        """
        return self.connect(source, target, level, at=at, dry_run=dry_run)

    def wire(self, source: Named, target: Named, port: str = "in", *, at: At = None, dry_run: bool = False) -> Change:
        """Wire a node into a port of another, before its fader.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = kr.wire(pad, verb)
        """
        return self.connect(source, target, 1.0, port, at=at, dry_run=dry_run)

    def disconnect(
        self, source: Named, target: Named, port: str | None = None, *, at: At = None, dry_run: bool = False
    ) -> Change:
        """Take the routes from one to another away; with a port only the wire into it.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = pad >> verb
        >>> _ = kr.disconnect(pad, verb)
        >>> kr.routing
        []
        """
        params = {"source": name_of(source), "target": name_of(target), "port": port}
        return self.change("disconnect", params, at, dry_run)

    def unsend(self, source: Named, target: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Take the routes from one to another away.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = pad >> verb
        >>> _ = kr.unsend(pad, verb)
        """
        return self.disconnect(source, target, at=at, dry_run=dry_run)

    def gain(self, node: Named, gain: float, *, at: At = None, dry_run: bool = False) -> Change:
        """Set the fader of a node or a group, linear, 0 to 16.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.gain("kick", 0.3).nodes
        ['kick']
        """
        return self.change("gain", {"node": name_of(node), "gain": gain}, at, dry_run)

    def mute(self, node: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Silence a node or a group, its sends too.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.mute("kick")
        >>> kr.is_muted("kick")
        True
        """
        return self.change("mute", {"node": name_of(node)}, at, dry_run)

    def unmute(self, node: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Take a mute back.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.mute("kick"), kr.unmute("kick")
        >>> kr.is_muted("kick")
        False
        """
        return self.change("mute", {"node": name_of(node), "on": False}, at, dry_run)

    def solo(self, node: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Hear only what is solo, what it feeds, and what feeds it through it.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.solo("kick")
        >>> kr.describe("kick")[0].solo
        True
        """
        return self.change("solo", {"node": name_of(node)}, at, dry_run)

    def unsolo(self, node: Named, *, at: At = None, dry_run: bool = False) -> Change:
        """Take a solo back.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kr.solo("kick"), kr.unsolo("kick")
        """
        return self.change("solo", {"node": name_of(node), "on": False}, at, dry_run)

    def is_muted(self, node: Named) -> bool:
        """Whether a node, or every node of a group, is muted.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.is_muted(kick)
        False
        """
        return all(each.muted for each in self._nodes(name_of(node)))

    def describe(self, name: Named | None = None) -> Table:
        """Return what nodes are: of one, of a group, or all; see ``describe`` in docs/protocol.md.

        It is a list, which a prompt shows as a table.

        >>> kick = kr.node("kick", "faust:kick")
        >>> [(each.name, each.state) for each in kr.describe()]
        [('kick', 'ready')]
        """
        return Table(self._nodes(None if name is None else name_of(name)), _shown)

    def node_controls(self, name: Named) -> list[Control]:
        """Return the controls of a node; none while it is being compiled.

        >>> kick = kr.node("kick", "faust:kick")
        >>> [each.name for each in kr.node_controls("kick")][:3]
        ['gate', 'vel', 'tune']
        """
        return [Control.of(each) for node in self._nodes(name_of(name)) for each in node.controls or ()]

    def input(self, on: bool = True, channel: int | None = None, *, at: At = None, dry_run: bool = False) -> Change:
        """Let the plugin's audio input reach ``adc_input`` nodes: both sides, or one channel on both.

        >>> _ = kr.input(channel=0)
        """
        return self.change("input", {"on": on, "channel": channel}, at, dry_run)

    # Looking

    @property
    def nodes(self) -> dict[str, NodeHandle]:
        """The nodes by name, in the order they were added.

        >>> kick, hat = kr.node("kick", "faust:kick"), kr.node("hat", "faust:hat")
        >>> list(kr.nodes)
        ['kick', 'hat']
        """
        return {each.name: self.handle(each.name) for each in self._nodes()}

    @property
    def routing(self) -> list[tuple[str, str, str, float, str | None]]:
        """The routes: source, target, ``send`` or ``wire``, level, port.

        >>> pad, verb = kr.node("pad", "faust:pad"), kr.node("verb", "faust:reverb")
        >>> _ = pad >> (verb, 0.4)
        >>> kr.routing
        [('pad', 'verb', 'send', 0.4, None)]
        """
        found: list[tuple[str, str, str, float, str | None]] = []
        for node in self._nodes():
            found += [(node.name, each["target"], "send", each["level"], None) for each in node.sends]
            found += [(node.name, each["target"], "wire", 1.0, each["port"]) for each in node.wires]
        return found

    @property
    def sources(self) -> list[str]:
        """The nodes that hear nobody: a name of the older program.

        >>> kick, verb = kr.node("kick", "faust:kick"), kr.node("verb", "faust:reverb")
        >>> kr.sources, kr.effects
        (['kick'], ['verb'])
        """
        return [each.name for each in self._nodes() if not self._hears(each)]

    @property
    def effects(self) -> list[str]:
        """The nodes with audio inputs: a name of the older program.

        >>> verb = kr.node("verb", "faust:reverb")
        >>> kr.effects
        ['verb']
        """
        return [each.name for each in self._nodes() if self._hears(each)]

    def _hears(self, node: Info) -> bool:
        types = self.ask("types", type=node.type)["types"]
        return bool(types and types[0]["inputs"])

    def missing(self, name: str) -> KrachError:
        """Return the error of a name that nothing has, with the nearest one.

        >>> kick = kr.node("kick", "faust:kick")
        >>> print(kr.missing("kik"))
        there is nothing called kik
        did you mean kick?
        """
        nodes = self._nodes()
        known = [each.name for each in nodes] + [each["path"] for node in nodes for each in node.controls or ()]
        hint = did_you_mean(name, known)
        text = f"there is nothing called {name}"
        lost = self._of_what_is_gone(KrachError(text))
        if lost is not None:
            return lost
        return KrachError(text if hint is None else f"{text}\n{hint}", place=name, hint=hint)


def _shown(node: Info) -> list[str]:
    states = [each for each in ("muted", "solo", "playing") if node[each]]
    states += [] if node.state == "ready" else [node.state]
    return [node.name, node.type if node.source == "type" else node.source, fader(node), " ".join(states)]


def _source(source: Source | Path | Callable[..., Any]) -> tuple[str | DspGraph, str]:
    """Return what the wire takes as a source, and the text of a function."""
    is_text = isinstance(source, str)
    if isinstance(source, Path) or (is_text and source.endswith((".dsp", ".yaml")) and "\n" not in source):
        try:
            return Path(source).expanduser().read_text("utf-8"), ""
        except (OSError, UnicodeDecodeError) as error:
            raise KrachError(f"{source}: {error}", place=str(source)) from None
    return source_of(source)

"""Handles: nodes and modules with operators. A handle is a name: what it says is asked when it is said."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self, cast

from krach.arguments import ArgumentError, guarded, shown
from krach.error import KrachError
from krach.names import OwnNames, did_you_mean, nearest
from krach.pattern import Pattern

from .info import Control, Info, fader
from .settings import Settings

if TYPE_CHECKING:
    from .base import At, Change
    from .session import Session


_PAIR = 2


class _Operators(OwnNames):
    """What node and module handles have in common."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _from(self) -> str:
        raise NotImplementedError

    def _into(self) -> str:
        raise NotImplementedError

    def __rshift__(self, target: Any) -> Any:
        """Send into another node: ``bass >> verb``, ``bass >> (verb, 0.4)``. Returns the other, so chains work."""
        level: Any = 1.0
        into: Any = target
        if isinstance(target, tuple) and len(cast("tuple[Any, ...]", target)) == _PAIR:
            into, level = cast("tuple[Any, Any]", target)
        if not isinstance(into, str | _Operators):
            hint = f"{self._called()} >> verb, or {self._called()} >> (verb, 0.4)"
            raise ArgumentError(
                f"{self._called()} cannot be sent into {shown(cast('object', target))}\n{hint}", hint=hint
            )
        self._session.connect(self._from(), into if isinstance(into, str) else into._into(), level)
        return cast("Any", into)

    def __matmul__(self, pattern: Any) -> Self:
        """Play: a pattern, a text, ``("cutoff", pattern)`` on a control, ``None`` to hush."""
        name = self._into()
        if pattern is None:
            self._session.hush(name)
        elif isinstance(pattern, tuple):
            pair = cast("tuple[Any, ...]", pattern)
            if len(pair) != _PAIR or not isinstance(pair[0], str):
                hint = f'{self._called()} @ ("cutoff", "<400 800>")'
                raise ArgumentError(f"{self._called()} @ {shown(pair)} names no control\n{hint}", hint=hint)
            control, moved = pair
            path = f"{name}/{control}"
            if moved is None:
                self._session.hush(path)
            else:
                self._session.play(path, moved)
        else:
            self._session.play(name, pattern)
        return self


@guarded()
class NodeHandle(_Operators):
    """A node, or a group of nodes, by its name.

    >>> bass, verb = kr.node("bass", "faust:bass", gain=0.3), kr.node("verb", "faust:reverb")
    >>> _ = bass >> (verb, 0.4)
    >>> _ = bass @ kr.seq("A2", "D3", None, "E2").over(2)
    >>> _ = bass @ ("cutoff", kr.values("<400 800>"))
    >>> bass["cutoff"] = 1200
    >>> bass["cutoff"], bass.playing, verb.playing
    (1200.0, True, False)
    >>> _ = bass @ None
    >>> bass.playing
    False
    """

    _set_once = frozenset({"name"})

    def __init__(self, session: Session, name: str) -> None:
        """Name it; ``kr["bass"]`` does so."""
        super().__init__(session)
        self.name = name

    def _from(self) -> str:
        return self.name

    def _into(self) -> str:
        return self.name

    def _called(self) -> str:
        return self.name

    def _control_names(self) -> list[str]:
        try:
            return [each.name for each in self.controls]
        except KrachError:
            return []

    def _read_hint(self, name: str) -> str | None:
        controls = self._control_names()
        if name in controls:
            return f'{self.name}["{name}"]'
        return did_you_mean(name, [*self._public(), *controls])

    def _set_hint(self, name: str, value: Any) -> str | None:
        if callable(getattr(type(self), name, None)):
            return f"{self.name}.{name}({'' if isinstance(value, bool) else repr(value)})"
        return f'{self.name}["{nearest(name, self._control_names()) or name}"] = {value!r}'

    def __getitem__(self, control: str) -> float:
        """Return the base value of a control."""
        return self._session.get_ctrl(f"{self.name}/{control}")

    def __setitem__(self, control: str, value: float) -> None:
        """Set a control."""
        self._session.set(f"{self.name}/{control}", value)

    def _ipython_key_completions_(self) -> list[str]:
        return [each.name for each in self.controls]

    def __eq__(self, other: object) -> bool:
        """Compare: two handles of one node of one session are equal."""
        return isinstance(other, NodeHandle) and (other.name, other._session) == (self.name, self._session)

    def __hash__(self) -> int:
        """Return the hash of its name."""
        return hash(self.name)

    # Changes

    def gain(self, gain: float, *, at: At = None, dry_run: bool = False) -> Change:
        """Set the fader, linear.

        >>> kick = kr.node("kick", "faust:kick")
        >>> _ = kick.gain(0.3)
        >>> kick.gain_now
        0.3
        """
        return self._session.gain(self.name, gain, at=at, dry_run=dry_run)

    def stem(self, stem: int, *, at: At = None, dry_run: bool = False) -> Change:
        """Let it leave at a stem of the plugin, 1 to 8, or at the main output, 0.

        >>> _ = kr.node("kick", "faust:kick").stem(2)
        """
        return self._session.stem(self.name, stem, at=at, dry_run=dry_run)

    def mute(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Silence it.

        >>> _ = kr.node("kick", "faust:kick").mute()
        """
        return self._session.mute(self.name, at=at, dry_run=dry_run)

    def unmute(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Take the mute back.

        >>> _ = kr.node("kick", "faust:kick").unmute()
        """
        return self._session.unmute(self.name, at=at, dry_run=dry_run)

    def solo(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Hear only it, what it feeds, and what feeds it through it.

        >>> _ = kr.node("kick", "faust:kick").solo()
        """
        return self._session.solo(self.name, at=at, dry_run=dry_run)

    def unsolo(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Take the solo back.

        >>> _ = kr.node("kick", "faust:kick").unsolo()
        """
        return self._session.unsolo(self.name, at=at, dry_run=dry_run)

    def play(self, pattern: Pattern | str, **how: Any) -> Change:
        """Play a pattern, as ``kr.play``.

        >>> _ = kr.node("kick", "faust:kick").play("x . x .", swing=0.6)
        """
        return self._session.play(self.name, pattern, **how)

    def hush(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Let its pattern fall silent.

        >>> kick = kr.node("kick", "faust:kick") @ "x . x ."
        >>> _ = kick.hush()
        """
        return self._session.hush(self.name, at=at, dry_run=dry_run)

    def fade(self, control: str, target: float, bars: float | None = None, **how: Any) -> Change:
        """Go to a value on a straight line; ``"gain"`` is the fader.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = bass.fade("cutoff", 2000, bars=8)
        >>> _ = bass.fade("gain", 0, secs=2)
        """
        return self._session.fade(f"{self.name}/{control}", target, bars, **how)

    def mod(self, control: str, shape: str | Pattern, lo: float | None = None, **how: Any) -> Modulation:
        """Let a control move by itself, as ``kr.mod``.

        >>> bass = kr.node("bass", "faust:bass")
        >>> bass.mod("cutoff", "sine", 200, hi=2000)
        <what moves bass/cutoff>
        """
        return self._session.mod(f"{self.name}/{control}", shape, lo, **how)

    def remove(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Remove it with its routes, patterns and automations.

        >>> _ = kr.node("kick", "faust:kick").remove()
        >>> kr.nodes
        {}
        """
        return self._session.remove(self.name, at=at, dry_run=dry_run)

    # What it is

    def _all(self) -> list[Info]:
        return self._session.describe(self.name)

    @property
    def type(self) -> str:
        """What its sound is: a type, ``graph`` (a traced function), ``faust`` or ``patch`` (its own text), or
        ``group``.

        >>> kr.node("kick", "faust:kick").type
        'faust:kick'
        """
        found = self._all()
        if len(found) != 1 or found[0].name != self.name:
            return "group"
        return found[0].type if found[0].source == "type" else found[0].source

    @property
    def controls(self) -> list[Control]:
        """Its controls; none while it is being compiled.

        >>> [each.name for each in kr.node("kick", "faust:kick").controls][:2]
        ['gate', 'vel']
        """
        return self._session.node_controls(self.name)

    @property
    def bargraphs(self) -> dict[str, float]:
        """What its text shows with ``hbargraph`` and ``vbargraph``, by name; nothing before the host has played it.

        Of several voices it is what the note that began last shows.

        >>> text = 'process = hslider("drive", 0.5, 0, 1, 0.01) : hbargraph("level", 0, 1);'
        >>> kr.node("drive", text).bargraphs in ({}, {"level": 0.0}, {"level": 0.5})
        True
        """
        return {each["name"]: each["value"] for node in self._all() for each in node.get("bargraphs") or ()}

    @property
    def settings(self) -> Settings:
        """Its settings: texts and lists that its source takes beside controls.

        >>> acid = kr.node("acid", "patch:acid")
        >>> acid.settings["seq/steps"] = "A1 - A2 _".split()
        """
        return Settings(self)

    @property
    def gain_now(self) -> float:
        """Where its fader stands now, linear: also while a fade or a transition takes it elsewhere.

        >>> kr.node("kick", "faust:kick", gain=0.8).gain_now
        0.8
        """
        node = self._all()[0]
        return node.get("gain_now", node.gain)

    @property
    def peak(self) -> float | None:
        """Its level after the fader in dBFS; ``None`` while nothing is measured.

        >>> kr.node("kick", "faust:kick").peak in (None, float("-inf"))
        True
        """
        _ = self._all()  # One that is gone is said to be.
        level = self._session.levels().get(self.name)
        if level is None:
            return None
        return 20 * math.log10(level["peak"]) if level["peak"] > 0 else -math.inf

    @property
    def playing(self) -> bool:
        """Whether a pattern plays on it.

        >>> (kr.node("kick", "faust:kick") @ "x . x .").playing
        True
        """
        return any(each.playing for each in self._all())

    @property
    def error(self) -> KrachError | None:
        """Why it does not sound, if it does not compile.

        >>> kr.node("kick", "faust:kick").error
        """
        failed = [each.name for each in self._all() if each.state == "failed"]
        return self._session.failure(failed[0]) if failed else None

    def __repr__(self) -> str:
        """Say what it is, whether it plays, how loud, what is wrong."""
        try:
            nodes = self._all()
        except KrachError as error:
            return f"<{self.name}: {str(error).splitlines()[0]}>"
        if len(nodes) != 1 or nodes[0].name != self.name:
            return f"<{self.name}: {len(nodes)} nodes: {', '.join(each.name for each in nodes)}>"
        node = nodes[0]
        parts = [node.type if node.source == "type" else node.source, fader(node)]
        parts += ["muted"] if node.muted else []
        parts += ["solo"] if node.solo else []
        parts += ["playing"] if node.playing else []
        level = self._session.levels(wait=False).get(self.name)
        if level is not None and level["peak"] > 0:
            parts.append(f"{20 * math.log10(level['peak']):.1f} dBFS")
        if node.state == "pending":
            parts.append("compiling")
        if node.state == "failed":
            parts.append(str(self._session.failure(node.name)).splitlines()[0])
        return f"<{self.name}: {', '.join(parts)}>"


@guarded()
class ModuleHandle(_Operators):
    """A module that was put into the session: the operators act on its first declared output or input.

    >>> @kr.module
    ... def kit(m):
    ...     m.node("kick", "faust:kick", gain=0.8)
    ...     m.node("verb", "faust:reverb")
    ...     m.inputs("verb")
    ...     m.outputs("kick", "verb")
    >>> kit = kr.instantiate(kit(), "kit")
    >>> out = kr.node("out", "faust:reverb")
    >>> _ = kit >> (out, 0.3)
    >>> kit["kick/tune"] = 60
    >>> kit
    <module kit: kick, verb; input verb, output kick>
    """

    _set_once = frozenset({"prefix"})

    def __init__(
        self, session: Session, prefix: str, nodes: Sequence[str], inputs: Sequence[str] | None, outputs: Sequence[str]
    ) -> None:
        """Make it of what ``instantiate`` answers."""
        super().__init__(session)
        self.prefix = prefix
        self._node_names = list(nodes)
        self._inputs = inputs
        self._outputs = list(outputs)

    def _called(self) -> str:
        return self.prefix

    def _set_hint(self, name: str, value: Any) -> str | None:
        return f'{self.prefix}["node/{name}"] = {value!r}'

    def _from(self) -> str:
        return self.output.name

    def _into(self) -> str:
        return self.input.name

    @property
    def inputs(self) -> list[NodeHandle]:
        """What is sent into the module goes there.

        >>> module = krach.ModuleIr(nodes=(krach.Node("verb", "faust:reverb"),), inputs=("verb",))
        >>> [each.name for each in kr.instantiate(module, "room").inputs]
        ['room/verb']
        """
        return [NodeHandle(self._session, each) for each in self._inputs or ()]

    @property
    def outputs(self) -> list[NodeHandle]:
        """What the module gives out comes from there.

        >>> module = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),), outputs=("kick",))
        >>> [each.name for each in kr.instantiate(module, "drums").outputs]
        ['drums/kick']
        """
        return [NodeHandle(self._session, each) for each in self._outputs]

    @property
    def input(self) -> NodeHandle:
        """The first declared input; of a module that declares none its only node, else its first output.

        >>> module = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),))
        >>> kr.instantiate(module, "drums").input.name
        'drums/kick'
        """
        if self._inputs:
            return NodeHandle(self._session, self._inputs[0])
        if len(self._node_names) == 1:
            return NodeHandle(self._session, self._node_names[0])
        if self._outputs:
            return NodeHandle(self._session, self._outputs[0])
        raise KrachError(f"{self.prefix} declares no input and no output", place=self.prefix, hint='m.inputs("…")')

    @property
    def output(self) -> NodeHandle:
        """The first declared output; of a module that declares none its only node.

        >>> module = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),))
        >>> kr.instantiate(module, "drums").output.name
        'drums/kick'
        """
        if self._outputs:
            return NodeHandle(self._session, self._outputs[0])
        if len(self._node_names) == 1:
            return NodeHandle(self._session, self._node_names[0])
        raise KrachError(f"{self.prefix} declares no output", place=self.prefix, hint='m.outputs("…")')

    @property
    def nodes(self) -> dict[str, NodeHandle]:
        """Its nodes by their names within it.

        >>> module = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),))
        >>> list(kr.instantiate(module, "drums").nodes)
        ['kick']
        """
        start = len(self.prefix) + 1
        return {each[start:]: NodeHandle(self._session, each) for each in self._node_names}

    def __getitem__(self, path: str) -> float:
        """Return a control of one of its nodes."""
        return self._session.get_ctrl(f"{self.prefix}/{path}")

    def __setitem__(self, path: str, value: float) -> None:
        """Set a control of one of its nodes."""
        self._session.set(f"{self.prefix}/{path}", value)

    def _ipython_key_completions_(self) -> list[str]:
        start = len(self.prefix) + 1
        return [each.path[start:] for each in self._session.node_controls(self.prefix)]

    def __repr__(self) -> str:
        """Say what it has, and what stands for an input that it does not declare."""
        ends: list[str] = []
        for what, undeclared in (("input", not self._inputs), ("output", not self._outputs)):
            try:
                end = getattr(self, what).name[len(self.prefix) + 1 :]
            except KrachError:
                ends.append(f"no {what}")
            else:
                ends.append(f"{what} {end}" + (" (not declared)" if undeclared else ""))
        return f"<module {self.prefix}: {', '.join(self.nodes)}; {', '.join(ends)}>"


@guarded()
class Modulation(OwnNames):
    """What moves a control.

    >>> bass = kr.node("bass", "faust:bass")
    >>> sweep = kr.mod("bass/cutoff", "tri", 200, 2000)
    >>> sweep
    <what moves bass/cutoff>
    >>> _ = sweep.stop()
    """

    _set_once = frozenset({"path"})

    def __init__(self, session: Session, path: str, is_pattern: bool) -> None:
        """Name the control."""
        self._session = session
        self.path = path
        self._is_pattern = is_pattern

    def _called(self) -> str:
        return f"what moves {self.path}"

    def stop(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Let the control go back to what it was.

        >>> bass = kr.node("bass", "faust:bass")
        >>> sweep = kr.mod("bass/cutoff", "tri", 200, 2000)
        >>> _ = sweep.stop()
        >>> kr.describe("bass")[0].controls[3]["moved_by"]
        """
        take = self._session.hush if self._is_pattern else self._session.unmod
        return take(self.path, at=at, dry_run=dry_run)

    def __repr__(self) -> str:
        """Say what moves."""
        return f"<what moves {self.path}>"

"""Modules as functions: calls are recorded as a ModuleIr, and nothing sounds.

>>> @krach.module
... def drums(m, tempo=128):
...     m.node("kick", "faust:kick", gain=0.8)
...     m.node("verb", "faust:reverb", gain=0.3)
...     m.send("kick", "verb", level=0.2)
...     m.play("kick", krp.hit() * 4)
...     m.tempo = tempo
...     m.outputs("kick", "verb")
>>> ir = drums(tempo=140)
>>> [node.name for node in ir.nodes], ir.tempo, ir.outputs
(['kick', 'verb'], 140, ('kick', 'verb'))
"""

from __future__ import annotations

import ast
import functools
import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeAlias

import krach.pattern as krp
import krach.signal as krs
from krach.arguments import guarded
from krach.error import ModuleError
from krach.ir.module import (
    DEFAULT_GAIN,
    Automation,
    ControlValue,
    Frozen,
    ModuleIr,
    Muted,
    Node,
    PatternEntry,
    Route,
    SubModule,
    check_name,
    flatten,
)
from krach.ir.signal import DspGraph
from krach.names import did_you_mean
from krach.pattern import Pattern, PatternError, p

from .module_settings import ModuleSettings

Source: TypeAlias = "str | DspGraph | Callable[..., Any]"
"""A type such as ``"faust:kick"``, FAUST text, the YAML of a patch, a DspGraph, or a function of signals."""

P = ParamSpec("P")


def _missing(what: str, name: str, known: Iterable[str]) -> ModuleError:
    hint = did_you_mean(name, known)
    return ModuleError(f"there is no {what} {name}" + ("" if hint is None else f" ({hint})"), place=name, hint=hint)


@dataclass(frozen=True, slots=True)
class SubModuleRef:
    """A module within another: its declared inputs and outputs as names of the outer one.

    >>> m = krach.ModuleProxy()
    >>> kit = m.sub("drums", krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),), outputs=("kick",)))
    >>> kit.output("kick")
    'drums/kick'
    """

    prefix: str
    module: ModuleIr

    def input(self, name: str) -> str:
        """Return the name of a declared input in the outer module. Raises ``ModuleError`` with the nearest name.

        >>> m = krach.ModuleProxy()
        >>> room = m.sub("room", krach.ModuleIr(nodes=(krach.Node("verb", "faust:reverb"),), inputs=("verb",)))
        >>> room.input("verb")
        'room/verb'
        >>> room.input("vreb")
        Traceback (most recent call last):
        krach.error.ModuleError: there is no input room/vreb (did you mean room/verb?)
        """
        return self._port("input", name, self.module.inputs)

    def output(self, name: str) -> str:
        """Return the name of a declared output in the outer module. Raises ``ModuleError`` with the nearest name.

        >>> m = krach.ModuleProxy()
        >>> kit = m.sub("drums", krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),), outputs=("kick",)))
        >>> kit.output("kick")
        'drums/kick'
        """
        return self._port("output", name, self.module.outputs)

    def _port(self, what: str, name: str, declared: tuple[str, ...] | None) -> str:
        if name not in (declared or ()):
            raise _missing(what, f"{self.prefix}/{name}", [f"{self.prefix}/{known}" for known in declared or ()])
        return f"{self.prefix}/{name}"


@guarded(ModuleError)
class ModuleProxy(ModuleSettings):
    """Records calls as a ModuleIr.

    >>> m = krach.ModuleProxy()
    >>> m.node("bass", lambda: krs.saw(krs.control("freq", 55, 20, 2000)), gain=0.3)
    >>> m.play("bass", "A2 D3 ~ E2")
    >>> m.mod("bass/freq", "sine", lo=50, hi=60, bars=4)
    >>> m.build().automations
    (Automation(path='bass/freq', shape='sine', lo=50, hi=60, bars=4, other=Frozen({})),)
    """

    _set_freely = frozenset({"tempo", "meter", "master"})

    def __init__(self) -> None:
        """Begin an empty module."""
        super().__init__()
        self.tempo: float | None = None
        self.meter: float | None = None
        self.master: float | None = None
        self._nodes: dict[str, Node] = {}
        self._routes: dict[tuple[str, str, str, str], Route] = {}
        self._patterns: dict[str, PatternEntry] = {}
        self._controls: dict[str, float] = {}
        self._automations: dict[str, Automation] = {}
        self._muted: dict[str, Muted] = {}
        self._subs: dict[str, ModuleIr] = {}
        self._inputs: tuple[str, ...] | None = None
        self._outputs: tuple[str, ...] | None = None

    def node(  # noqa: PLR0917
        self,
        name: str,
        source: Source,
        gain: float = DEFAULT_GAIN,
        count: int = 1,
        init: Mapping[str, float] | None = None,
        stereo: bool | None = None,
        to_master: bool = True,
        legato: bool | None = None,
        rest: str | None = None,
        stem: int = 0,
        source_text: str = "",
        settings: Mapping[str, str | Sequence[str]] | None = None,
        **controls: float,
    ) -> None:
        """Add a node; ``controls`` and ``init`` are the values that its controls begin with.

        ``settings`` are the texts and lists that its source takes, such as the steps of a patch's sequencer.

        ``source_text`` is the text of the function that a graph was traced from.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass", gain=0.3, cutoff=900)
        >>> m.build().nodes[0].init
        (('cutoff', 900),)
        """
        check_name(name)
        if name in self._names():
            raise ModuleError(f"there is a node {name} already", place=name)
        made, traced_text = source_of(source)
        text = source_text or traced_text
        inputs = len(made.inputs) if isinstance(made, DspGraph) else 0
        values = tuple({**(init or {}), **controls}.items())
        self._nodes[name] = Node(name, made, gain, count, inputs, values, text)
        more = {
            "stereo": stereo or None,
            "off_master": None if to_master else True,
            "stem": stem or None,
            "legato": legato,
            "rest": rest,
            "settings": settings_of(settings) or None,
        }
        given = {key: value for key, value in more.items() if value is not None}
        if given:
            self._nodes_more[name] = given

    def send(self, source: str, target: str, level: float = 1.0) -> None:
        """Send a node into another, behind its fader.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.node("verb", "faust:reverb")
        >>> m.send("bass", "verb", level=0.4)
        >>> m.build().routing[0].level
        0.4
        """
        self._route(Route(self._there(source), self._there(target), "send", level))

    def connect(self, source: str, target: str, level: float = 1.0, port: str | None = None) -> None:
        """Send a node into another; with a port wire it there, before its fader.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.node("verb", "faust:reverb")
        >>> m.connect("bass", "verb", port="in0")
        >>> m.build().routing[0].kind
        'wire'
        """
        if port is None:
            self.send(source, target, level)
        else:
            self._route(Route(self._there(source), self._there(target), "wire", level, port))

    def wire(self, source: str, target: str, port: str = "in0") -> None:
        """Wire a node into a port of another, before its fader.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.node("verb", "faust:reverb")
        >>> m.wire("bass", "verb")
        >>> m.build().routing[0].port
        'in0'
        """
        self.connect(source, target, 1.0, port)

    def _route(self, route: Route) -> None:
        self._routes[route.source, route.target, route.kind, route.port] = route

    def play(
        self,
        target: str,
        pattern: Pattern | str,
        from_zero: bool = False,
        swing: float | Mapping[str, float] | None = None,
    ) -> None:
        """Play a pattern, or a text of mini-notation, on a node, a group or a control (``bass/cutoff``).

        On a control a pattern or a text of numbers and names is its values. The node has to be there by then: what is
        played on a name that nothing has yet is read as notes.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.play("bass", "A2 D3 ~ E2", swing=0.6)
        >>> m.play("bass/cutoff", "<400 800>")
        >>> [entry.target for entry in m.build().patterns]
        ['bass', 'bass/cutoff']
        """
        names = self._names()
        of_control = target not in names and any(target.startswith(f"{name}/") for name in names)
        if isinstance(pattern, str):
            made = krp.values(pattern).plain(target) if of_control else p(pattern)
        else:
            made = labelled(pattern, target) if of_control else pattern
        made.query(0, 1)  # raises what is wrong with it
        shape = Frozen(swing) if isinstance(swing, Mapping) else swing
        self._patterns[target] = PatternEntry(target, Frozen(made.to_dict()), shape)
        self._slots_more.pop(target, None)
        if from_zero:
            self._slots_more[target] = {"from_zero": True}

    def set(self, path: str | Mapping[str, float], value: float | None = None) -> None:
        """Set a control, ``node/control``, or several at once.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.set({"bass/cutoff": 900, "bass/resonance": 0.4})
        >>> [value.path for value in m.build().controls]
        ['bass/cutoff', 'bass/resonance']
        """
        values = {path: value} if isinstance(path, str) else path
        for each, number in values.items():
            if number is None:
                raise ModuleError(f"{each} is set to a number", place=each)
            self._there(each.rpartition("/")[0], each)
            self._controls[each] = float(number)

    def fade(self, path: str, target: float, bars: float = 4) -> None:
        """Set a control where a fade would take it: a document holds where fades go, not the way.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.fade("bass/cutoff", 2000, bars=8)
        >>> m.build().controls[0].value
        2000.0
        """
        if not bars > 0:
            raise ModuleError(f"a fade lasts longer than {bars} bars", place=path)
        self.set(path, target)

    def mod(  # noqa: PLR0917
        self,
        path: str,
        shape: str,
        lo: float = 0.0,
        hi: float = 1.0,
        bars: float | None = None,
        secs: float | None = None,
        duty: float | None = None,
        table: Iterable[float] | None = None,
        one_shot: bool = False,
    ) -> None:
        """Let a control move by itself, a period every so many bars (4) or seconds.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.mod("bass/cutoff", "tri", lo=200, hi=2000, bars=8)
        >>> m.build().automations[0].bars
        8
        """
        self._there(path.rpartition("/")[0], path)
        if bars is not None and secs is not None:
            raise ModuleError("a period lasts so many bars or so many seconds, not both", place=path)
        self._automations.pop(path, None)
        self._own_automations.pop(path, None)
        if secs is None and duty is None and table is None and not one_shot:
            self._automations[path] = Automation(path, shape, lo, hi, 4.0 if bars is None else bars)
            return
        form: Any = shape if duty is None else {"pulse": {"duty": duty}}
        form = form if table is None else {"custom": {"table": [float(x) for x in table]}}
        length = {"bars": 4.0 if bars is None else bars} if secs is None else {"period_secs": secs}
        entry = {"label": path, "shape": form, "lo": lo, "hi": hi, **length}
        self._own_automations[path] = entry | ({"one_shot": True} if one_shot else {})

    def mute(self, name: str) -> None:
        """Mute a node.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass", gain=0.3)
        >>> m.mute("bass")
        >>> m.build().muted[0].saved_gain
        0.3
        """
        node = self._nodes.get(self._there(name))
        self._muted[name] = Muted(name, DEFAULT_GAIN if node is None else node.gain)

    def inputs(self, *names: str) -> None:
        """Declare the nodes that what is routed into the module goes to.

        >>> m = krach.ModuleProxy()
        >>> m.node("verb", "faust:reverb")
        >>> m.inputs("verb")
        >>> m.build().inputs
        ('verb',)
        """
        self._inputs = tuple(map(self._there, names))

    def outputs(self, *names: str) -> None:
        """Declare the nodes that stand for the module's sound.

        >>> m = krach.ModuleProxy()
        >>> m.node("kick", "faust:kick")
        >>> m.outputs("kick")
        >>> m.build().outputs
        ('kick',)
        """
        self._outputs = tuple(map(self._there, names))

    def sub(self, prefix: str, ir: ModuleIr) -> SubModuleRef:
        """Put a module into this one: its names get the prefix.

        >>> m = krach.ModuleProxy()
        >>> kit = m.sub("drums", krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),)))
        >>> m.play("drums/kick", "x*4")
        """
        check_name(prefix)
        if prefix in self._subs:
            raise ModuleError(f"there is a module {prefix} already", place=prefix)
        self._subs[prefix] = ir
        return SubModuleRef(prefix, ir)

    def build(self) -> ModuleIr:
        """Return what was recorded.

        >>> m = krach.ModuleProxy()
        >>> m.tempo = 140
        >>> m.build().tempo
        140
        """
        return ModuleIr(
            nodes=tuple(self._nodes.values()),
            routing=tuple(self._routes.values()),
            patterns=tuple(self._patterns.values()),
            controls=tuple(ControlValue(path, value) for path, value in self._controls.items()),
            automations=tuple(self._automations.values()),
            muted=tuple(self._muted.values()),
            tempo=self.tempo,
            meter=self.meter,
            master=self.master,
            inputs=self._inputs,
            outputs=self._outputs,
            sub_modules=tuple(SubModule(prefix, ir) for prefix, ir in self._subs.items()),
            krach=self._section(),
        )

    def _names(self) -> set[str]:
        inner = flatten(ModuleIr(sub_modules=tuple(SubModule(prefix, ir) for prefix, ir in self._subs.items())))
        return {*self._nodes, *(node.name for node in inner.nodes)}

    def _there(self, name: str, place: str | None = None) -> str:
        known = self._names()
        if name not in known:
            raise _missing("node", name or place or name, sorted(known))
        return name


# Functions that were traced here, by the keys of their graphs: names by texts, the newest last.
_traced: dict[str, dict[str, str]] = {}


def known_function(graph: DspGraph, text: str = "") -> tuple[str, str] | None:
    """Return the name and the text of a function that was traced in this process and needs nothing but ``krs``.

    With a text it is that one: two functions may be one graph.

    >>> def half(x):
    ...     return x * 0.5
    >>> m = krach.ModuleProxy()
    >>> m.node("half", half)
    >>> krach.modules.known_function(krs.graph(half))
    ('half', 'def half(x):\\n    return x * 0.5\\n')
    >>> krach.modules.known_function(krs.graph(half), "def other(x): ...")
    """
    texts = _traced.get(graph.graph_key(), {})
    found = text or next(reversed(texts), "")
    return (texts[found], found) if found in texts else None


def _remember(function: Callable[..., Any], graph: DspGraph, text: str) -> None:
    """Keep the text of a function that can be written somewhere else."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    match tree.body:
        case [ast.FunctionDef(name=name, decorator_list=[])]:
            names = set(inspect.getclosurevars(function).globals) | set(inspect.getclosurevars(function).nonlocals)
            modules = {"krs": krs, "krp": krp, "math": math}
            if all(getattr(function, "__globals__", {}).get(each) is modules.get(each, _traced) for each in names):
                texts = _traced.setdefault(graph.graph_key(), {})
                texts.pop(text, None)
                texts[text] = name
        case _:
            pass


def source_of(source: Source) -> tuple[str | DspGraph, str]:
    """Return what a document has as a source, and the text of a function."""
    if isinstance(source, str | DspGraph):
        return source, ""
    made, text = krs.graph(source), krs.source_text(source)
    _remember(source, made, text)
    return made, text


def settings_of(settings: Mapping[str, str | Sequence[str]] | None) -> dict[str, str | list[str]] | None:
    """Return settings as a document has them: texts, and lists of texts.

    >>> krach.modules.settings_of({"seq/steps": ("C3", "-")})
    {'seq/steps': ['C3', '-']}
    """
    if settings is None:
        return None
    return {name: value if isinstance(value, str) else [*value] for name, value in settings.items()}


def labelled(pattern: Pattern, path: str) -> Pattern:
    """Return a pattern of numbers and names as the values of a control; another as it is.

    >>> print(krach.modules.labelled(krp.number(400), "bass/cutoff"))
    (0>1)|bass/cutoff=400
    """
    try:
        pattern.query(0, 1)
    except PatternError as error:
        values = pattern.plain(path)
        try:
            values.query(0, 1)
        except PatternError:
            raise error from None  # It is wrong whatever it is played on.
        return values
    return pattern


def module(define: Callable[Concatenate[ModuleProxy, P], object]) -> Callable[P, ModuleIr]:
    """Make a function that returns a ModuleIr of one that takes a proxy first.

    >>> @krach.module
    ... def kit(m, gain=0.8):
    ...     m.node("kick", "faust:kick", gain=gain)
    >>> kit(gain=0.5).nodes[0].gain
    0.5
    """

    @functools.wraps(define)
    def build(*args: P.args, **kwargs: P.kwargs) -> ModuleIr:
        proxy = ModuleProxy()
        define(proxy, *args, **kwargs)
        return proxy.build()

    return build

"""ModuleIr: one whole session, frozen. The format is described in ``docs/ir.md``.

Values are immutable. Fields that this version does not know are kept in ``other`` and written again. A
pattern stands as its JSON (``krach.pattern`` reads and writes that), and so does the section ``krach``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, TypeAlias, TypeVar, cast

from krach.error import ModuleError

from .signal import DspGraph, IrError

Source: TypeAlias = str | DspGraph
"""The id of a type (``faust:bass``), a FAUST program or the YAML of a patch (texts with ``=``, ``;``, ``{`` or a line
break), or a graph."""

MAX_NAME = 256
"""Longest name, in bytes of UTF-8."""

MAX_MODULES_DEEP = 32
"""Most modules within modules."""

DEFAULT_GAIN = 0.5
"""Fader of a node that says none."""

T = TypeVar("T")


class Frozen(Mapping[str, Any]):
    """A JSON object as a value: it cannot change, and equal ones have one hash.

    >>> one, two = krach.Frozen({"a": [1]}), krach.Frozen({"a": [1]})
    >>> one == two, one["a"], len({one, two})
    (True, [1], 1)
    """

    __slots__ = ("_data", "_text")

    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        """Copy an object of JSON values."""
        self._text = json.dumps(_thawed(data or {}), sort_keys=True, separators=(",", ":"))
        self._data: dict[str, Any] = _thawed(data or {})

    def __getitem__(self, key: str) -> Any:
        """Return a copy of an entry."""
        return _thawed(self._data[key])

    def __iter__(self) -> Any:
        """Go through the keys."""
        return iter(self._data)

    def __len__(self) -> int:
        """Count the entries."""
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return self._text == (other if isinstance(other, Frozen) else Frozen(cast(Any, other)))._text

    def __hash__(self) -> int:
        """Return the hash of the value."""
        return hash(self._text)

    def __repr__(self) -> str:
        """Show the JSON."""
        return f"Frozen({self._text})"

    def to_dict(self) -> dict[str, Any]:
        """Return a copy that may be changed.

        >>> krach.Frozen({"a": [1]}).to_dict()
        {'a': [1]}
        """
        return _thawed(self._data)


def _thawed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _thawed(v) for k, v in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_thawed(v) for v in cast("list[Any]", value)]
    return value


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its name, what makes its sound, its fader, its voices, and the values its controls begin with.

    >>> krach.Node("kick", "faust:kick", gain=0.8).count
    1
    """

    name: str
    source: Source
    gain: float = DEFAULT_GAIN
    count: int = 1
    num_inputs: int = 0
    init: tuple[tuple[str, float], ...] = ()
    source_text: str = ""
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class Route:
    """A route: a ``send`` behind the fader at a level, or a ``wire`` before it into a port.

    >>> krach.ir.module.Route("bass", "verb", level=0.4).kind
    'send'
    """

    source: str
    target: str
    kind: Literal["send", "wire"] = "send"
    level: float = 1.0
    port: str = "in0"
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class PatternEntry:
    """A pattern, as its JSON, on a slot.

    >>> entry = krach.ir.module.PatternEntry("kick", krach.Frozen(krp.hit().to_dict()))
    >>> entry.target, entry.pattern["op"]
    ('kick', 'Freeze')
    """

    target: str
    pattern: Frozen
    swing: float | Frozen | None = None
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class ControlValue:
    """The value of the control ``node/control``.

    >>> krach.ir.module.ControlValue("bass/cutoff", 900.0).path
    'bass/cutoff'
    """

    path: str
    value: float
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class Automation:
    """A control that moves by itself: a period of a shape between ``lo`` and ``hi`` every so many bars.

    >>> krach.ir.module.Automation("bass/cutoff", "tri", lo=200, hi=2000, bars=4).shape
    'tri'
    """

    path: str
    shape: str
    lo: float = 0.0
    hi: float = 1.0
    bars: float = 1.0
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class Muted:
    """A muted node and the gain that it comes back to.

    >>> krach.ir.module.Muted("kick").saved_gain
    0.5
    """

    name: str
    saved_gain: float = DEFAULT_GAIN
    other: Frozen = field(default_factory=Frozen)


@dataclass(frozen=True, slots=True)
class SubModule:
    """A module within another, under a prefix.

    >>> inner = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),))
    >>> krach.ir.module.SubModule("drums", inner).module.nodes[0].name
    'kick'
    """

    prefix: str
    module: ModuleIr
    other: Frozen = field(default_factory=Frozen)


def counted(**counts: int) -> str:
    """Return what there is some of, in words.

    >>> krach.ir.module.counted(nodes=5, routes=0, patterns=1)
    '5 nodes, 1 pattern'
    """
    return ", ".join(f"{count} {what[:-1] if count == 1 else what}" for what, count in counts.items() if count)


@dataclass(frozen=True, slots=True, repr=False)
class ModuleIr:
    """One whole session.

    >>> ir = ModuleIr(nodes=(Node("kick", "faust:kick", gain=0.8),), tempo=140, outputs=("kick",))
    >>> ModuleIr.from_dict(ir.to_dict()) == ir
    True
    >>> prefix_ir(ir, "drums").nodes[0].name
    'drums/kick'
    """

    nodes: tuple[Node, ...] = ()
    routing: tuple[Route, ...] = ()
    patterns: tuple[PatternEntry, ...] = ()
    controls: tuple[ControlValue, ...] = ()
    automations: tuple[Automation, ...] = ()
    muted: tuple[Muted, ...] = ()
    tempo: float | None = None
    meter: float | None = None
    master: float | None = None
    inputs: tuple[str, ...] | None = None
    outputs: tuple[str, ...] | None = None
    sub_modules: tuple[SubModule, ...] = ()
    krach: Frozen | None = None
    other: Frozen = field(default_factory=Frozen)

    def __repr__(self) -> str:
        """Say how much there is of what; ``to_dict`` has all of it."""
        scenes = () if self.krach is None else self.krach.get("scenes", ())
        what = counted(
            nodes=len(self.nodes),
            patterns=len(self.patterns),
            routes=len(self.routing),
            automations=len(self.automations),
            modules=len(self.sub_modules),
            scenes=len(scenes),
        )
        return f"<session: {what or 'empty'}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; sections that are empty or not given are left out.

        >>> krach.ModuleIr(tempo=140, outputs=("kick",)).to_dict()
        {'tempo': 140, 'outputs': ['kick']}
        """
        data: dict[str, Any] = {}
        for name, write in _SECTIONS.items():
            items: tuple[Any, ...] = getattr(self, name)
            if items:
                data[name] = [write(item) for item in items]
        for name in ("tempo", "meter", "master"):
            if getattr(self, name) is not None:
                data[name] = getattr(self, name)
        for name in ("inputs", "outputs"):
            if getattr(self, name) is not None:
                data[name] = list(getattr(self, name))
        if self.krach is not None:
            data["krach"] = self.krach.to_dict()
        return data | self.other.to_dict()

    @staticmethod
    def from_dict(data: Mapping[str, Any], place: str = "$") -> ModuleIr:
        """Read the JSON form. Raises ``IrError`` with the JSON path of what cannot be read.

        >>> krach.ModuleIr.from_dict({"tempo": 140}).tempo
        140.0
        >>> krach.ModuleIr.from_dict({"tempo": "fast"})
        Traceback (most recent call last):
        krach.ir.signal.IrError: $.tempo: expected a number
        """
        return _module(data, place, 0)


def _entry(item: Any) -> dict[str, Any]:
    """Write the fields of an entry in order."""
    data: dict[str, Any] = {}
    for f in fields(item):
        value = getattr(item, f.name)
        if f.name == "other" or (f.name == "swing" and value is None):
            continue
        data[f.name] = _json(value)
    return data | item.other.to_dict()


def _json(value: Any) -> Any:
    if isinstance(value, DspGraph | ModuleIr | Frozen):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_json(v) for v in cast("tuple[Any, ...]", value)]
    return value


_SECTIONS: dict[str, Callable[[Any], dict[str, Any]]] = dict.fromkeys(
    ["nodes", "routing", "patterns", "controls", "automations", "muted", "sub_modules"], _entry
)


def _module(data: object, place: str, depth: int) -> ModuleIr:
    if depth > MAX_MODULES_DEEP:
        raise IrError(place, f"modules nest more than {MAX_MODULES_DEEP} deep")
    given = dict(_object(data, place))
    if "sub_graphs" in given:
        if "sub_modules" in given:
            raise IrError(f"{place}.sub_graphs", "sub_modules and sub_graphs are one section, given twice")
        given["sub_modules"] = given.pop("sub_graphs")

    def section(name: str, read: Callable[[Mapping[str, Any], str], T]) -> tuple[T, ...]:
        items = given.pop(name, [])
        if not isinstance(items, list):
            raise IrError(f"{place}.{name}", "expected a list")
        places = ((item, f"{place}.{name}[{i}]") for i, item in enumerate(cast("list[Any]", items)))
        return tuple(read(_object(item, at), at) for item, at in places)

    def names(name: str) -> tuple[str, ...] | None:
        value = given.pop(name, None)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(v, str) for v in cast("list[Any]", value)):
            raise IrError(f"{place}.{name}", "expected a list of names")
        return tuple(cast("list[str]", value))

    def number(name: str) -> float | None:
        value = given.pop(name, None)
        return None if value is None else _number(value, f"{place}.{name}")

    krach = given.pop("krach", None)
    return ModuleIr(
        nodes=section("nodes", _node),
        routing=section("routing", lambda d, at: _read(Route, d, at)),
        patterns=section("patterns", _pattern),
        controls=section("controls", lambda d, at: _read(ControlValue, d, at)),
        automations=section("automations", lambda d, at: _read(Automation, d, at)),
        muted=section("muted", lambda d, at: _read(Muted, d, at)),
        tempo=number("tempo"),
        meter=number("meter"),
        master=number("master"),
        inputs=names("inputs"),
        outputs=names("outputs"),
        sub_modules=section("sub_modules", lambda d, at: _sub_module(d, at, depth)),
        krach=None if krach is None else Frozen(_object(krach, f"{place}.krach")),
        other=Frozen(given),
    )


def _node(data: Mapping[str, Any], place: str) -> Node:
    data = dict(data)
    source = data.get("source", "")
    if not isinstance(source, str):
        data["source"] = DspGraph.from_dict(_object(source, f"{place}.source"), f"{place}.source")
    pairs = data.get("init", [])
    try:
        data["init"] = tuple((str(name), float(value)) for name, value in pairs)
    except (TypeError, ValueError) as error:
        raise IrError(f"{place}.init", "expected pairs of a control and its value") from error
    return _read(Node, data, place)


def _pattern(data: Mapping[str, Any], place: str) -> PatternEntry:
    pattern = _object(data.get("pattern"), f"{place}.pattern")
    swing = data.get("swing")
    frozen = {"pattern": Frozen(pattern), "swing": Frozen(cast(Any, swing)) if isinstance(swing, dict) else swing}
    return _read(PatternEntry, {**data, **frozen}, place)


def _sub_module(data: Mapping[str, Any], place: str, depth: int) -> SubModule:
    return _read(SubModule, {**data, "module": _module(data.get("module"), f"{place}.module", depth + 1)}, place)


_NUMBERS = {"gain", "level", "value", "lo", "hi", "bars", "saved_gain"}
_WHOLE = {"count", "num_inputs"}
_TEXTS = {"name", "source_text", "target", "kind", "port", "path", "shape", "prefix"}
_REQUIRED = {"name", "path", "prefix", "target", "source"}


def _read(kind: Callable[..., T], data: Mapping[str, Any], place: str) -> T:
    """Make an entry of its fields; those that it does not have go to ``other``."""
    known = {f.name for f in fields(cast(Any, kind))} - {"other"}
    for name in sorted(known & _REQUIRED):
        if name not in data:
            raise IrError(place, f"missing field `{name}`")
    values: dict[str, Any] = {}
    for name, value in data.items():
        if name not in known:
            continue
        at = f"{place}.{name}"
        if name in _NUMBERS:
            value = _number(value, at)  # noqa: PLW2901
        elif name in _WHOLE and (not isinstance(value, int) or isinstance(value, bool)):
            raise IrError(at, "expected a whole number")
        elif name in _TEXTS and not isinstance(value, str):
            raise IrError(at, "expected a text")
        values[name] = value
    if "kind" in values and values["kind"] not in ("send", "wire"):
        raise IrError(f"{place}.kind", "expected send or wire")
    return kind(**values, other=Frozen({k: v for k, v in data.items() if k not in known}))


def _number(value: object, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IrError(place, "expected a number")
    return float(value)


def _object(data: object, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise IrError(place, "expected an object")
    return cast("Mapping[str, Any]", data)


# Modules within modules


def check_name(name: str) -> None:
    """Raise ``ModuleError`` if a node cannot have this name, or a module this prefix.

    >>> krach.ir.module.check_name("drums/kick")
    >>> krach.ir.module.check_name("drums//kick")
    Traceback (most recent call last):
    krach.error.ModuleError: 'drums//kick' is no name: 1 to 256 bytes, ...
    """
    parts_empty = any(not part for part in name.split("/"))
    if parts_empty or len(name.encode(errors="surrogatepass")) > MAX_NAME or re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        raise ModuleError(
            f"{name!r} is no name: 1 to {MAX_NAME} bytes, without control characters or empty parts between /"
        )


def prefix_ir(ir: ModuleIr, prefix: str) -> ModuleIr:
    """Return the module with every name under ``prefix/``; ports keep their names.

    Nodes, the ends of routes, targets of patterns, mutes, paths, inputs, outputs and the prefixes of modules
    within get it. Labels in patterns that are bound to a node of the module go with the node; others stay.
    Raises ``ValueError`` for a prefix that is no name.

    >>> ir = krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),), outputs=("kick",))
    >>> krach.ir.module.prefix_ir(ir, "drums").outputs
    ('drums/kick',)
    """
    check_name(prefix)
    own = set(_names(ir, ""))

    def name(text: str) -> str:
        return f"{prefix}/{text}"

    def under(texts: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return None if texts is None else tuple(map(name, texts))

    return replace(
        ir,
        nodes=tuple(replace(n, name=name(n.name)) for n in ir.nodes),
        routing=tuple(replace(r, source=name(r.source), target=name(r.target)) for r in ir.routing),
        patterns=tuple(
            replace(p, target=name(p.target), pattern=_prefixed_labels(p.pattern, prefix, own)) for p in ir.patterns
        ),
        controls=tuple(replace(c, path=name(c.path)) for c in ir.controls),
        automations=tuple(replace(a, path=name(a.path)) for a in ir.automations),
        muted=tuple(replace(m, name=name(m.name)) for m in ir.muted),
        inputs=under(ir.inputs),
        outputs=under(ir.outputs),
        sub_modules=tuple(replace(s, prefix=name(s.prefix)) for s in ir.sub_modules),
        krach=None if ir.krach is None else _prefixed_krach(ir.krach, name),
    )


def flatten(ir: ModuleIr) -> ModuleIr:
    """Return the module without modules within: each is flattened, gets its prefix and is appended, in order.

    Of tempo, meter and master the outermost that is given counts, then the first within; of inputs, outputs
    and settings only the outermost.

    >>> m = krach.ModuleProxy()
    >>> drums = m.sub("drums", krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),)))
    >>> [node.name for node in krach.ir.module.flatten(m.build()).nodes]
    ['drums/kick']
    """
    flat = replace(ir, sub_modules=())
    for sub in ir.sub_modules:
        inner = prefix_ir(flatten(sub.module), sub.prefix)
        flat = replace(
            flat,
            nodes=flat.nodes + inner.nodes,
            routing=flat.routing + inner.routing,
            patterns=flat.patterns + inner.patterns,
            controls=flat.controls + inner.controls,
            automations=flat.automations + inner.automations,
            muted=flat.muted + inner.muted,
            tempo=inner.tempo if flat.tempo is None else flat.tempo,
            meter=inner.meter if flat.meter is None else flat.meter,
            master=inner.master if flat.master is None else flat.master,
            krach=flat.krach if inner.krach is None else _merged_krach(flat.krach, inner.krach),
        )
    return flat


def _names(ir: ModuleIr, prefix: str) -> Iterable[str]:
    yield from (f"{prefix}{n.name}" for n in ir.nodes)
    raw: dict[str, Any] = {} if ir.krach is None else ir.krach.to_dict().get("raw_graph", {})
    yield from (f"{prefix}{n['id']}" for n in raw.get("nodes", []))
    for sub in ir.sub_modules:
        yield from _names(sub.module, f"{prefix}{sub.prefix}/")


def _prefixed_labels(pattern: Frozen, prefix: str, own: set[str]) -> Frozen:
    def is_own(label: str) -> bool:
        return any(label[: at.start()] in own for at in re.finditer("/", label))

    changed = False

    def visit(value: Any) -> Any:
        nonlocal changed
        if isinstance(value, dict):
            entries = {k: visit(v) for k, v in cast("dict[str, Any]", value).items()}
            label = entries.get("label")
            if isinstance(label, str) and is_own(label):
                changed = True
                entries["label"] = f"{prefix}/{label}"
            return entries
        if isinstance(value, list):
            return [visit(v) for v in cast("list[Any]", value)]
        return value

    prefixed = visit(pattern.to_dict())
    return Frozen(prefixed) if changed else pattern


def _prefixed_krach(krach: Frozen, name: Callable[[str], str]) -> Frozen:
    data = krach.to_dict()
    raw = data.get("raw_graph", {})
    for node in raw.get("nodes", []):
        node["id"] = name(node["id"])
    for c in raw.get("connections", []):
        c["from_node"], c["to_node"] = name(c["from_node"]), name(c["to_node"])
    if "exposed_controls" in raw:
        exposed = raw["exposed_controls"].items()
        raw["exposed_controls"] = {name(label): [name(node), control] for label, (node, control) in exposed}
    for section in ("nodes", "slots", "automations"):
        if section in data:
            data[section] = {name(key): entry for key, entry in data[section].items()}
    for entry in [*data.get("automations", {}).values(), *data.get("midi_maps", [])]:
        entry["label"] = name(entry["label"])
    for target in (target for macro in data.get("macros", []) for target in macro.get("targets", [])):
        target["label"] = name(target["label"])
    for route in data.get("note_routes", []):
        route["node"] = name(route["node"])
    return Frozen(data)


def _merged_krach(outer: Frozen | None, inner: Frozen) -> Frozen:
    """Take over what belongs to nodes; settings stay the outer module's."""
    data = {} if outer is None else outer.to_dict()
    within = inner.to_dict()
    raw, raw_within = data.setdefault("raw_graph", {}), within.get("raw_graph", {})
    for section in ("nodes", "connections"):
        if raw_within.get(section):
            raw[section] = raw.get(section, []) + raw_within[section]
    if raw_within.get("exposed_controls"):
        raw["exposed_controls"] = raw.get("exposed_controls", {}) | raw_within["exposed_controls"]
    if not raw:
        del data["raw_graph"]
    for section in ("nodes", "slots", "automations"):
        if within.get(section):
            data[section] = data.get(section, {}) | within[section]
    if within.get("midi_maps"):
        data["midi_maps"] = data.get("midi_maps", []) + within["midi_maps"]
    if within.get("macros"):
        ours = data.get("macros", [])
        numbers = {macro["number"] for macro in ours}
        data["macros"] = ours + [macro for macro in within["macros"] if macro["number"] not in numbers]
    if within.get("sources"):
        data["sources"] = within["sources"] | data.get("sources", {})
    if within.get("libraries") and not data.get("libraries"):
        data["libraries"] = within["libraries"]
    return Frozen(data)

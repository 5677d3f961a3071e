"""A document as a readable script that makes it again."""

from __future__ import annotations

import json
import pprint
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, cast

from krach.ir.module import DEFAULT_GAIN, Frozen, ModuleIr, Node, PatternEntry
from krach.ir.signal import DspGraph
from krach.pattern import Pattern
from krach.pattern.source import source

from .modules import ModuleProxy, known_function

_HEAD = '''"""Made by krach.export: run it with `krach run`, or import `session` from it."""

import math
from dataclasses import replace
from fractions import Fraction

import krach
from krach import krp, krs
'''

_LINE = 110


def export(ir: ModuleIr) -> str:
    """Return a Python script whose ``session`` is the document.

    Patterns are the calls that build them. A function is its text, if it was traced in this process and needs nothing
    but ``krs``; else it is its graph, and the text that a document has of it becomes a comment, which is not run.
    What no call holds (settings, fields of later versions) is put in as it is.

    >>> m = krach.ModuleProxy()
    >>> m.node("kick", "faust:kick", gain=0.8)
    >>> m.play("kick", krp.hit() * 4)
    >>> m.tempo = 128
    >>> script = krach.export(m.build())
    >>> print(script[script.index("@") :])
    @krach.module
    def make(m):
        m.node("kick", "faust:kick", gain=0.8)
        m.play("kick", krp.hit() * 4)
        m.tempo = 128
    <BLANKLINE>
    <BLANKLINE>
    session = make()
    <BLANKLINE>
    >>> made = {}
    >>> exec(script, made)
    >>> made["session"] == m.build()
    True
    """
    writer = _Writer(ir)
    body = "".join(f"    {line}\n" for line in writer.lines) or "    pass\n"
    texts = "".join(f"\n\n{text.rstrip()}\n" for text in writer.functions.values())
    script = f"{_HEAD}{texts}\n\n@krach.module\ndef make(m):\n{body}\n\nsession = make()\n"
    rest = _difference(ir, writer.proxy.build())
    if rest:
        inner = ",\n".join(f"    {name}={text}" for name, text in rest.items())
        script += f"# What no call holds.\nsession = replace(\n    session,\n{inner},\n)\n"
    return script


class _Writer:
    """Writes calls, and makes them of a proxy of its own."""

    def __init__(self, ir: ModuleIr) -> None:  # noqa: PLR0912
        self.proxy = ModuleProxy()
        self.lines: list[str] = []
        self.functions: dict[str, str] = {}
        self.settings: Mapping[str, Any] = {} if ir.krach is None else ir.krach.to_dict()
        for sub in ir.sub_modules:
            text = f"krach.ModuleIr.from_dict({_json(sub.module.to_dict())})"
            self._call("sub", [_text(sub.prefix), text], lambda m, sub=sub: m.sub(sub.prefix, sub.module))
        for node in ir.nodes:
            self._node(node)
        for r in ir.routing:
            if r.kind == "send":
                args = [_text(r.source), _text(r.target), *([] if r.level == 1 else [f"level={_text(r.level)}"])]
                self._call("send", args, lambda m, r=r: m.send(r.source, r.target, r.level))
            else:
                args = [_text(r.source), _text(r.target), *([] if r.level == 1 else [f"level={_text(r.level)}"])]
                args += [f"port={_text(r.port)}"]
                self._call("connect", args, lambda m, r=r: m.connect(r.source, r.target, r.level, r.port))
        for entry in ir.patterns:
            self._play(entry)
        for c in ir.controls:
            self._call("set", [_text(c.path), _text(c.value)], lambda m, c=c: m.set(c.path, c.value))
        for a in ir.automations:
            args = [_text(a.path), _text(a.shape), *(f"{n}={_text(getattr(a, n))}" for n in ("lo", "hi", "bars"))]
            self._call("mod", args, lambda m, a=a: m.mod(a.path, a.shape, a.lo, a.hi, a.bars))
        for muted in ir.muted:
            self._call("mute", [_text(muted.name)], lambda m, muted=muted: m.mute(muted.name))
        for name in ("tempo", "meter", "master"):
            value = getattr(ir, name)
            if value is not None:
                setattr(self.proxy, name, value)
                self.lines.append(f"m.{name} = {_text(value)}")
        for name in ("inputs", "outputs"):
            names: tuple[str, ...] | None = getattr(ir, name)
            if names is not None:
                self._call(name, [_text(each) for each in names], lambda m, n=name, s=names: getattr(m, n)(*s))

    def _call(self, name: str, args: list[str], call: Callable[[ModuleProxy], object]) -> None:
        """Write a call, if the proxy takes it: what it refuses is put in as it is."""
        try:
            call(self.proxy)
        except ValueError:
            return
        line = f"m.{name}({', '.join(args)})"
        if len(line) > _LINE and not any("\n" in arg for arg in args):
            line = f"m.{name}(\n" + "".join(f"        {arg},\n" for arg in args) + "    )"
        self.lines.append(line)

    def _node(self, node: Node) -> None:
        args = [_text(node.name), self._source(node)]
        args += [] if node.gain == DEFAULT_GAIN else [f"gain={_text(node.gain)}"]
        args += [] if node.count == 1 else [f"count={node.count}"]
        args += [f"init={_text(dict(node.init))}"] if node.init else []
        said = self.settings.get("nodes", {}).get(node.name, {})
        options: dict[str, Any] = {
            name: said[name] for name in ("stereo", "stem", "legato") if said.get(name) is not None
        }
        options |= {"rest": f'"{said["rest"]}"'} if said.get("rest") is not None else {}
        options |= {"to_master": False} if said.get("off_master") else {}
        args += [f"{name}={value}" for name, value in options.items()]

        def call(m: ModuleProxy) -> None:
            m.node(node.name, node.source, node.gain, node.count, dict(node.init), **options)

        self._call("node", args, call)

    def _source(self, node: Node) -> str:
        if not isinstance(node.source, DspGraph):
            return _text(node.source)
        known = known_function(node.source)
        if known is None or self.functions.get(known[0], known[1]) != known[1]:
            self.lines += [f"# {line}".rstrip() for line in node.source_text.splitlines()]
            return f"krach.DspGraph.from_dict({_json(node.source.to_dict())})"
        self.functions[known[0]] = known[1]
        return known[0]

    def _play(self, entry: PatternEntry) -> None:
        try:
            pattern = Pattern.from_dict(entry.pattern)
            swing = entry.swing if isinstance(entry.swing, int | float | None) else entry.swing.to_dict()
        except ValueError:
            return
        from_zero = bool(self.settings.get("slots", {}).get(entry.target, {}).get("from_zero"))
        args = [_text(entry.target), source(pattern), *(["from_zero=True"] if from_zero else [])]
        args += [] if swing is None else [f"swing={_text(swing)}"]
        self._call("play", args, lambda m: m.play(entry.target, pattern, from_zero, swing))


def _difference(ir: ModuleIr, made: ModuleIr) -> dict[str, str]:
    """Return the fields that the calls have not made, as texts."""
    wanted = ir.to_dict()
    rest: dict[str, str] = {}
    for f in fields(ir):
        if _plain(getattr(ir, f.name)) == _plain(getattr(made, f.name)):
            continue
        if f.name == "other":
            known = {each.name for each in fields(ir)}
            rest["other"] = f"krach.Frozen({_json({k: v for k, v in wanted.items() if k not in known})})"
        else:
            section = {f.name: wanted[f.name]} if f.name in wanted else {}
            rest[f.name] = f"krach.ModuleIr.from_dict({_json(section)}).{f.name}"
    return rest


def _plain(value: Any) -> Any:
    """Return a section without what does not sound: texts of functions, and the pieces of text of patterns."""
    if not isinstance(value, tuple):
        return value
    plain: list[Any] = []
    for entry in cast("tuple[Any, ...]", value):
        match entry:
            case Node():
                plain.append(replace(entry, source_text="", num_inputs=0))
            case PatternEntry():
                plain.append((entry.target, _pattern(entry.pattern), entry.swing, entry.other))
            case _:
                plain.append(entry)
    return plain


def _pattern(data: Frozen) -> Any:
    try:
        return Pattern.from_dict(data)
    except ValueError:
        return data


def _text(value: Any) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return repr(value)


def _json(value: Any) -> str:
    return pprint.pformat(value, width=_LINE, compact=True, sort_dicts=False).replace("\n", "\n        ")

"""Names and texts of an exported script: traced functions, modules, and what stands once for all of them."""

from __future__ import annotations

import builtins
import json
import keyword
import pprint
import re
import unicodedata
from collections.abc import Iterator
from typing import Any, cast

from krach.ir.module import ModuleIr
from krach.ir.scenes import scenes_of
from krach.ir.signal import DspGraph

from .modules import known_function

LINE = 110
"""Longest line that is written, if it can be broken."""

_TAKEN = {"json", "krach", "krp", "krs", "m", "math", "replace", "session", "Fraction", *dir(builtins)}
_SHORT = 60
_FEW = 2


class Names:
    """The names at the margin of a script, and what they mean."""

    def __init__(self, ir: ModuleIr) -> None:
        """Give the functions of a document their names: each has its own."""
        self.functions: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self._named: dict[str, str] = {}
        for graph, text in _graphs(ir):
            known = known_function(graph, text)
            if known is not None and known[0] not in _TAKEN:
                self.functions.setdefault(*known)
        self._taken = _TAKEN | set(self.functions)

    def new(self, wanted: str, otherwise: str) -> str:
        """Return a name like the one that is wanted, which nothing has yet."""
        plain = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", wanted)).strip("_") or otherwise
        plain = plain if plain.isidentifier() else f"{otherwise}_{plain}"
        base = plain if plain.isidentifier() else otherwise
        name, count = base, 1
        while name in self._taken or keyword.iskeyword(name):
            count += 1
            name = f"{base}_{count}"
        self._taken.add(name)
        return name

    def graph(self, graph: DspGraph, text: str, node: str) -> tuple[str, bool]:
        """Return what stands for a graph that was traced from a text, and whether that is its function.

        Else it is a name for its JSON.
        """
        known = known_function(graph, text)
        if known is not None and self.functions.get(known[0]) == known[1]:
            return known[0], True
        return self._constant(graph.graph_key(), node, f"krach.DspGraph.from_dict({_wrapped(graph)})"), False

    def text(self, text: str, node: str) -> str:
        """Return what stands for the text of a sound: a name, if it is long."""
        if "\n" not in text and len(text) <= _SHORT:
            return literal(text)
        return self._constant(text, node, _block(text))

    def _constant(self, key: str, wanted: str, made: str) -> str:
        if key not in self._named:
            name = self.new(wanted.upper(), "SOUND")
            self._named[key] = name
            self.constants[name] = f"{name} = {made}"
        return self._named[key]


def literal(value: Any) -> str:
    """Return a value as Python reads it.

    >>> krach.export_names.literal({"seed": 7.0, "name": "x"})
    '{"seed": 7, "name": "x"}'
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, dict):
        entries = cast("dict[str, Any]", value)
        if len(entries) <= _FEW and all(isinstance(each, str | int | float) for each in entries.values()):
            return "{" + ", ".join(f"{literal(key)}: {literal(each)}" for key, each in entries.items()) + "}"
    if isinstance(value, dict | list):
        return pprint.pformat(cast("Any", value), width=LINE, compact=True, sort_dicts=False).replace(
            "\n", "\n        "
        )
    return repr(value)


def _graphs(ir: ModuleIr) -> Iterator[tuple[DspGraph, str]]:
    yield from ((node.source, node.source_text) for node in ir.nodes if isinstance(node.source, DspGraph))
    for inner in (*(sub.module for sub in ir.sub_modules), *(scene.module for scene in scenes_of(ir))):
        yield from _graphs(inner)


def _wrapped(graph: DspGraph) -> str:
    """Return a graph as JSON in lines."""
    text = json.dumps(graph.to_dict(), separators=(",", ":"))
    pieces = (text[at : at + LINE] for at in range(0, len(text), LINE))
    return "json.loads(\n" + "".join(f"    {piece!r}\n" for piece in pieces) + ")"


def _block(text: str) -> str:
    """Return a text in triple quotes, its lines as they are."""
    if not all(c.isprintable() or c == "\n" for c in text):
        return repr(text)
    inner = text.replace("\\", "\\\\").replace('"""', '\\"""')
    inner = inner[:-1] + '\\"' if inner.endswith('"') else inner
    return f'"""\\\n{inner}"""'

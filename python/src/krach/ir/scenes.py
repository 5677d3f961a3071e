"""Scenes of a document: each a module of its own, whose FAUST texts stand once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .module import Frozen, ModuleIr, Node

OF_THE_SESSION = (
    "name",
    "clock_source",
    "free_run",
    "limiter",
    "seed",
    "input",
    "midi_clock",
    "programs",
    "start",
    "osc_target",
    "midi_maps",
    "macros",
    "note_routes",
    "crossfade",
    "sources",
    "scenes",
    "scene",
    "scene_texts",
    "libraries",
)
"""Fields of the section ``krach`` that no scene has."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene: its number, which the host's automation means, its name, and what a recall makes of the session.

    >>> krach.ir.scenes.Scene(1, "verse", krach.ModuleIr()).name
    'verse'
    """

    number: int
    name: str
    module: ModuleIr
    other: Frozen = field(default_factory=Frozen)


def scenes_of(ir: ModuleIr) -> tuple[Scene, ...]:
    """Return the scenes of a document, in the order in which they are shown; their nodes have their FAUST texts.

    >>> m = krach.ModuleProxy()
    >>> m.save("verse", krach.ModuleIr(nodes=(krach.Node("kick", "faust:kick"),)))
    >>> [(scene.number, scene.name) for scene in krach.ir.scenes.scenes_of(m.build())]
    [(1, 'verse')]
    """
    krach: Mapping[str, Any] = {} if ir.krach is None else ir.krach.to_dict()
    texts: Mapping[str, str] = krach.get("scene_texts", {})
    found: list[Scene] = []
    for at, entry in enumerate(krach.get("scenes") or []):
        module = ModuleIr.from_dict(entry["module"], f"$.krach.scenes[{at}].module")
        nodes = tuple(_with_text(node, texts) for node in module.nodes)
        other = Frozen({k: v for k, v in entry.items() if k not in ("number", "name", "module")})
        found.append(Scene(entry["number"], entry["name"], scene_module(replace(module, nodes=nodes)), other))
    return tuple(found)


def scene_module(ir: ModuleIr) -> ModuleIr:
    """Return what a scene keeps of a document: what sounds. Settings, macros and scenes stay the session's.

    >>> ir = krach.ModuleIr(tempo=98, krach=krach.Frozen({"version": 3, "seed": 7, "nodes": {}}))
    >>> krach.ir.scenes.scene_module(ir).krach
    Frozen({"nodes":{},"version":3})
    """
    if ir.krach is None:
        return ir
    kept = {key: value for key, value in ir.krach.to_dict().items() if key not in OF_THE_SESSION}
    return replace(ir, krach=Frozen(kept))


def _with_text(node: Node, texts: Mapping[str, str]) -> Node:
    text = texts.get(node.source) if isinstance(node.source, str) else None
    return node if text is None else replace(node, source=text)

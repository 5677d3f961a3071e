"""Scenes: what sounds, under a name and a number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias

from krach.arguments import guarded
from krach.error import KrachError
from krach.ir.module import Frozen, ModuleIr
from krach.ir.scenes import scenes_of
from krach.names import nearest

from .base import At, Change
from .controls import Controls
from .documents import document_of
from .handles import ModuleHandle, NodeHandle
from .nodes import name_of

Group: TypeAlias = "str | NodeHandle | ModuleHandle"
"""A node, or a group of nodes."""


@guarded()
class Scenes(Controls):
    """What concerns scenes."""

    def save(
        self,
        name: str,
        ir: ModuleIr | Mapping[str, Any] | str | Path | None = None,
        number: int | None = None,
        transport: bool | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Keep what sounds as a scene, or a document ``ir``: of its settings, macros and scenes nothing is taken.

        Under a name that a scene has, that one is overwritten. ``number`` (1 to 127) is what the host's automation
        means, for ever; the lowest free one without, and under one that a scene has, that one is overwritten. A name
        that a scene of another number has is refused. With ``transport`` tempo and meter are part of it; by default as
        in the scene that is overwritten, and of a document those that it says.

        >>> bass = kr.node("bass", "faust:bass")
        >>> kr.save("verse").number
        1
        >>> @kr.module
        ... def drop(m):
        ...     m.node("kick", "faust:kick")
        ...     m.tempo = 140
        >>> _ = kr.save("drop", ir=drop())
        >>> kr.scenes, list(kr.nodes), kr.scene("drop").tempo
        (['verse', 'drop'], ['bass'], 140.0)
        """
        module = None if ir is None else document_of(ir)
        params = {"name": name, "module": module, "number": number, "transport": transport}
        return self.change("scene_save", params, at, dry_run)

    def recall(
        self,
        name: str | int,
        fade: float | None = None,
        groups: Group | Iterable[Group] = (),
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Let the session become what a scene holds, on the sample; ``fade`` is the crossfade in seconds.

        What both have plays on untouched. With ``groups`` only these nodes, and what is within them: a name, a handle,
        or several.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.save("verse")
        >>> bass["cutoff"] = 3000
        >>> _ = kr.recall("verse")
        >>> kr.sync()
        >>> kr["bass/cutoff"]
        220.0
        """
        chosen = [groups] if isinstance(groups, str | NodeHandle | ModuleHandle) else groups
        names = [each.prefix if isinstance(each, ModuleHandle) else name_of(each) for each in chosen]
        params = {"scene": name, "secs": fade, "groups": names or None}
        return self.change("scene_recall", params, at, dry_run)

    def scene(self, scene: str | int) -> ModuleIr:
        """Return a scene, by its name or number, as a document; the texts of its sounds come along.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.save("verse")
        >>> [node.name for node in kr.scene("verse").nodes], kr.scene(1) == kr.scene("verse")
        (['bass'], True)
        >>> kr.scene("vers")
        Traceback (most recent call last):
        krach.error.KrachError: there is no scene vers
        did you mean verse?
        """
        document = ModuleIr.from_dict(self.ask("capture")["module"])
        found = scenes_of(document)
        for each in found:
            if scene in (each.name, each.number):
                return _with_sources(each.module, document)
        names = [each.name for each in found]
        near = nearest(scene, names) if isinstance(scene, str) else None
        hint = f"scenes: {', '.join(names) or 'none'}" if near is None else f"did you mean {near}?"
        raise KrachError(f"there is no scene {scene}\n{hint}", place=str(scene), hint=hint)

    @property
    def scenes(self) -> list[str]:
        """Names of the scenes, as they are shown.

        >>> kr.scenes
        []
        """
        return [scene["name"] for scene in self.ask("scenes")["scenes"]]

    def rename_scene(self, name: str | int, to: str, *, at: At = None, dry_run: bool = False) -> Change:
        """Call a scene something else; its number stays.

        >>> _ = kr.save("verse")
        >>> _ = kr.rename_scene("verse", "chorus")
        >>> kr.scenes
        ['chorus']
        """
        return self.change("scene_rename", {"scene": name, "name": to}, at, dry_run)

    def delete_scene(self, name: str | int, *, at: At = None, dry_run: bool = False) -> Change:
        """Forget a scene; its number is free.

        >>> _ = kr.save("verse")
        >>> _ = kr.delete_scene("verse")
        >>> kr.scenes
        []
        """
        return self.change("scene_delete", {"scene": name}, at, dry_run)


def _with_sources(module: ModuleIr, document: ModuleIr) -> ModuleIr:
    """Return the document of a scene with the texts of its types, which stand in that of the session."""
    session: dict[str, Any] = {} if document.krach is None else document.krach.to_dict()
    own: dict[str, Any] = {} if module.krach is None else module.krach.to_dict()
    raw = own.get("raw_graph", {}).get("nodes", [])
    used = {node.source for node in module.nodes} | {node["type_id"] for node in raw}
    sources = {type_id: entry for type_id, entry in session.get("sources", {}).items() if type_id in used}
    return replace(module, krach=Frozen(own | {"sources": sources})) if sources else module

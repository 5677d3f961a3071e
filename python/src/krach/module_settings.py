"""What a module says beside its nodes, routes and patterns: scenes, macros, controllers, texts of sounds, settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krach.arguments import guarded
from krach.error import ModuleError
from krach.ir.module import Frozen, ModuleIr, flatten
from krach.ir.scenes import OF_THE_SESSION, scene_module
from krach.names import OwnNames

FORMAT = 3
"""Version of the section ``krach`` that is written."""

_MAX_SCENE = 127
_MAX_MACRO = 64
_CALLS = ("scenes", "scene_texts", "macros", "midi_maps", "note_routes", "sources")
SETTINGS = (*(each for each in OF_THE_SESSION if each not in _CALLS), "meter")
"""Fields of the section ``krach`` that `settings` takes."""


@guarded(ModuleError)
class ModuleSettings(OwnNames):
    """The part of ``ModuleProxy`` that records what stands in the section ``krach``."""

    def __init__(self) -> None:
        """Begin without any."""
        self._nodes_more: dict[str, dict[str, Any]] = {}
        self._slots_more: dict[str, dict[str, Any]] = {}
        self._own_automations: dict[str, dict[str, Any]] = {}
        self._scenes: dict[int, dict[str, Any]] = {}
        self._macros: dict[int, dict[str, Any]] = {}
        self._midi_maps: list[dict[str, Any]] = []
        self._note_routes: list[dict[str, Any]] = []
        self._sources: dict[str, Any] = {}
        self._settings: dict[str, Any] = {}
        self._raw: dict[str, Any] = {}

    def _called(self) -> str:
        return "a module"

    def save(self, name: str, ir: ModuleIr, number: int | None = None) -> None:
        """Let a document be a scene; under a name that a scene has, that one is overwritten.

        Tempo and meter are part of it where the document says them. ``number`` as with ``kr.save``.

        >>> @krach.module
        ... def verse(m):
        ...     m.node("bass", "faust:bass")
        >>> m = krach.ModuleProxy()
        >>> m.save("verse", verse())
        >>> m.build().krach["scenes"][0]["name"]
        'verse'
        """
        known = next((each for each, scene in self._scenes.items() if scene["name"] == name), None)
        if number is None:
            free = (each for each in range(1, _MAX_SCENE + 1) if each not in self._scenes)
            number = next(free, 0) if known is None else known
        if not 1 <= number <= _MAX_SCENE:
            raise ModuleError(f"{number} is no number of a scene", place=name, hint="1 to 127")
        if known not in (None, number):
            raise ModuleError(f"scene {known} has the name {name} already", place=name)
        flat = flatten(ir)
        for type_id, source in ({} if flat.krach is None else flat.krach.to_dict()).get("sources", {}).items():
            if self._sources.setdefault(type_id, source) != source:
                raise ModuleError(
                    f"{type_id} is another text in this module", place=name, hint="give one of the two another name"
                )
        self._scenes[number] = {"number": number, "name": name, "module": scene_module(flat).to_dict()}

    def macro(  # noqa: PLR0917
        self,
        n: int,
        path: str | None = None,
        lo: float = 0.0,
        hi: float = 1.0,
        curve: str = "auto",
        name: str | None = None,
        unit: str | None = None,
    ) -> None:
        """Let macro ``n`` of the host (1 to 64) move a control, fader or send beside what it moves.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.macro(1, "bass/cutoff", 200, 4000, name="Cutoff")
        >>> m.build().krach["macros"][0]["targets"]
        [{'label': 'bass/cutoff', 'lo': 200, 'hi': 4000}]
        """
        if not 1 <= n <= _MAX_MACRO:
            raise ModuleError(f"there is no macro {n}", hint="1 to 64")
        entry = self._macros.setdefault(n, {"number": n})
        entry |= {key: value for key, value in (("name", name), ("unit", unit)) if value}
        if path is not None:
            target = {"label": path, "lo": lo, "hi": hi} | ({} if curve == "auto" else {"curve": curve})
            entry["targets"] = [each for each in entry.get("targets", []) if each["label"] != path] + [target]

    def midi_map(self, cc: int, path: str, lo: float, hi: float, channel: int = 0) -> None:
        """Let a controller of the host move a control from ``lo`` to ``hi``.

        >>> m = krach.ModuleProxy()
        >>> m.midi_map(74, "bass/cutoff", 200, 4000)
        >>> m.build().krach["midi_maps"][0]["cc"]
        74
        """
        self._midi_maps.append({"channel": channel, "cc": cc, "label": path, "lo": lo, "hi": hi})

    def midi_route(self, node: str, channel: int | str = "omni") -> None:
        """Let the host's notes of a channel play a node.

        >>> m = krach.ModuleProxy()
        >>> m.midi_route("keys", 2)
        >>> m.build().krach["note_routes"]
        [{'node': 'keys', 'channel': 2}]
        """
        self._note_routes.append({"node": node} | ({} if channel == "omni" else {"channel": channel}))

    def define(
        self,
        name: str,
        text: str,
        imports: Mapping[str, str] | None = None,
        own: bool = True,
        factory: bool = False,
    ) -> None:
        """Let ``faust:<name>`` be this text. ``own``: there is no file of it; ``factory``: it came with krach.

        >>> m = krach.ModuleProxy()
        >>> m.define("tick", "process = 1;")
        >>> m.build().krach["sources"]
        {'faust:tick': {'text': 'process = 1;', 'own': True}}
        """
        more = {"imports": dict(imports or {}), "own": own, "factory": factory}
        self._sources[f"faust:{name}"] = {"text": text} | {key: value for key, value in more.items() if value}

    def settings(self, **fields: Any) -> None:
        """Set what belongs to the session alone: ``seed``, ``clock_source``, ``limiter`` and more (docs/ir.md).

        >>> m = krach.ModuleProxy()
        >>> m.settings(seed=7, programs="off")
        >>> m.build().krach["seed"]
        7
        """
        for name, value in fields.items():
            if name not in SETTINGS:
                raise ModuleError(f"there is no setting {name}", place=name, hint=", ".join(SETTINGS))
            self._settings[name] = value

    def krach(self, fields: Mapping[str, Any]) -> None:
        """Put fields of the section ``krach`` in as they are, in place of what calls have made.

        >>> m = krach.ModuleProxy()
        >>> m.krach({"raw_graph": {"nodes": [{"id": "tone", "type_id": "oscillator"}]}})
        >>> list(m.build().krach)
        ['version', 'raw_graph']
        """
        self._raw |= fields

    def solo(self, name: str) -> None:
        """Let a node be heard alone, with others that are solo.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.solo("bass")
        >>> m.build().krach["nodes"]
        {'bass': {'solo': True}}
        """
        self._nodes_more.setdefault(self._there(name), {})["solo"] = True

    def hush(self, target: str) -> None:
        """Let a slot keep its pattern and not play it.

        >>> m = krach.ModuleProxy()
        >>> m.node("bass", "faust:bass")
        >>> m.play("bass", "A1")
        >>> m.hush("bass")
        >>> m.build().krach["slots"]
        {'bass': {'hushed': True}}
        """
        self._slots_more.setdefault(target, {})["hushed"] = True

    def _there(self, name: str, place: str | None = None) -> str:
        raise NotImplementedError

    def _section(self) -> Frozen | None:
        """Return the section ``krach``; none if it would be empty."""
        sections: dict[str, Any] = {
            "nodes": self._nodes_more,
            "slots": self._slots_more,
            "automations": self._own_automations,
            "macros": [self._macros[n] for n in sorted(self._macros)],
            "midi_maps": self._midi_maps,
            "note_routes": self._note_routes,
            "sources": self._sources,
            "scenes": list(self._scenes.values()),
        }
        krach = {name: value for name, value in sections.items() if value}
        krach |= self._settings | self._raw
        return Frozen({"version": FORMAT, **krach}) if krach else None

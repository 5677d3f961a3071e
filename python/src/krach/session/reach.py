"""What a change names and nothing has: it is noted, with the nearest name that there is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from krach.names import did_you_mean, nearest
from krach.pattern.notes import is_of_note

from .info import Info

_NAMED = {"hush": "target", "midi_map": "label", "macro": "label", "clear_automation": "id", "midi_route": "node"}
"""Methods that take a name which need not be there, and where they say it."""

_WHOLE = ("load", "open_file", "instantiate")
"""Methods that bring a document."""

_PAN = 'sounds that come with krach have none; "Left and right" in the cookbook makes one'


@dataclass(frozen=True)
class Names:
    """Names that a change spoke of: in patterns of a slot, or by themselves."""

    target: str | None
    labels: tuple[str, ...]

    def nodes(self) -> set[str]:
        """Return the beginnings of all paths, one of which is the node's name."""
        paths = [self.target or "", *self.labels]
        return {"/".join(parts[:count]) for parts in (path.split("/") for path in paths) for count in _counts(parts)}


def _counts(parts: Sequence[str]) -> range:
    return range(1, len(parts) + 1)


def named_by(method: str, params: Mapping[str, Any]) -> list[Names]:
    """Return the names of a request that may be those of nothing.

    >>> krach.session.reach.named_by("play", {"target": "bass", "pattern": krp.p("A1").controls(cutoff=9).to_dict()})
    [Names(target='bass', labels=('cutoff',))]
    """
    if method in ("batch", "transition"):
        requests: list[Mapping[str, Any]] = params["requests"]
        return [each for request in requests for each in named_by(request["method"], request["params"])]
    if method == "play":
        labels = tuple(dict.fromkeys(each for each in _labels(params["pattern"]) if not _is_plain_note(each)))
        return [Names(params["target"], labels)] if labels else []
    name = params.get(_NAMED.get(method, ""))
    return [] if name is None else [Names(None, (name,))]


def documents_of(method: str, params: Mapping[str, Any]) -> list[str | None]:
    """Return the prefix of each document that a request brings; none where it makes the whole session.

    >>> krach.session.reach.documents_of("instantiate", {"module": {}, "prefix": "kit"})
    ['kit']
    >>> krach.session.reach.documents_of("open_file", {"file": "song"})
    [None]
    """
    requests: list[Mapping[str, Any]] = params.get("requests") or [{"method": method, "params": params}]
    return [each["params"].get("prefix") for each in requests if each["method"] in _WHOLE]


def named_in(document: Mapping[str, Any], prefix: str | None) -> list[Names]:
    """Return the names in a document that has no others within, as ``capture`` gives it, that may be those of nothing.

    With a prefix, of what has it alone.

    >>> song = {"patterns": [{"target": "bass", "pattern": krp.p("A1").controls(cutoff=9).to_dict()}]}
    >>> krach.session.reach.named_in(song, None)
    [Names(target='bass', labels=('cutoff',))]
    >>> krach.session.reach.named_in(song, "kit")
    []
    """
    krach: Mapping[str, Any] = document.get("krach", {})
    maps: list[Mapping[str, Any]] = [
        *(target for macro in krach.get("macros", ()) for target in macro.get("targets", ())),
        *krach.get("midi_maps", ()),
        *krach.get("automations", {}).values(),
    ]
    paths: list[str] = [
        *(each["label"] for each in maps),
        *(each["node"] for each in krach.get("note_routes", ())),
        *(each["path"] for each in document.get("automations", ())),
    ]
    named = [name for each in document.get("patterns", ()) for name in named_by("play", each)]
    named += [Names(None, (path,)) for path in dict.fromkeys(paths)]
    return [each for each in named if prefix is None or (each.target or each.labels[0]).startswith(f"{prefix}/")]


def without_root(method: str, params: Mapping[str, Any]) -> list[str]:
    """Return the scales of a request that say no root, where nothing is added to the notes.

    >>> low = krp.values("0 2").scale("minor").control("note")
    >>> krach.session.reach.without_root("play", {"target": "bass", "pattern": low.to_dict()})
    ['minor']
    """
    if method in ("batch", "transition"):
        requests: list[Mapping[str, Any]] = params["requests"]
        return [each for request in requests for each in without_root(request["method"], request["params"])]
    if method != "play":
        return []
    operators = [each for each in _fields(params["pattern"]) if each.get("op") == "Combine"]
    if any(each["kind"] in ("add", "sub") for each in operators):
        return []
    scales = [each["right"] for each in operators if each["kind"] == "scale"]
    names = [str(each["name"]) for scale in scales for each in _fields(scale) if each.get("op") == "Name"]
    return [each for each in dict.fromkeys(names) if ":" not in each]


def _is_plain_note(label: str) -> bool:
    """Whether it is what a note says to the node that is played; a drum has no `freq`, and is played all the same."""
    return "/" not in label and is_of_note(label)


def _labels(pattern: Any) -> Iterator[str]:
    """Go through the labels of a pattern as it goes over the wire; a text has none."""
    for fields in _fields(pattern):
        label = fields.get("label")
        if isinstance(label, str) and label:
            yield label


def _fields(pattern: Any) -> Iterator[Mapping[str, Any]]:
    """Go through the nodes of a pattern as it goes over the wire."""
    pending = [pattern]
    while pending:
        each = pending.pop()
        if isinstance(each, Mapping):
            fields = cast("Mapping[str, Any]", each)
            yield fields
            pending += reversed([*fields.values()])
        elif isinstance(each, list):
            pending += reversed(cast("list[Any]", each))


def reached(named: Names, nodes: Iterable[Info], others: Sequence[str]) -> tuple[list[str], bool]:
    """Return a line for each name that nothing has, and whether one may yet come, since its node is being compiled.

    ``others`` are labels and nodes beside the session's own, of older clients.
    """
    nodes = list(nodes)
    lines: list[str] = []
    waits = False
    for label in named.labels:
        found = _found(named.target, label, nodes)
        if found == "pending":
            waits = True
        elif found is None and label not in others and not label.startswith(tuple(f"{each}/" for each in others)):
            lines.append(_said(named.target, label, nodes))
    return lines, waits


def _found(target: str | None, label: str, nodes: list[Info]) -> str | None:
    """Return the state of the node that has the label; none if no node has it."""
    parts = (target or "").split("/")
    paths = [label, *(f"{'/'.join(parts[:count])}/{label}" for count in _counts(parts) if target)]
    waits = None
    for node in nodes:
        for path in paths:
            # A name by itself is that of a node, or of a group.
            if target is None and (path == node.name or node.name.startswith(f"{path}/")):
                return "ready"
            if path.startswith((f"{node.name}_g/", f"{node.name}_send_")):
                return "ready"  # As the lowered graph calls its fader and its sends.
            if not path.startswith(f"{node.name}/"):
                continue
            control = path[len(node.name) + 1 :]
            if _has(node, control) or (target is not None and "/" not in control and is_of_note(control)):
                return "ready"
            if node.state != "ready":
                waits = "pending" if node.state == "pending" else "failed"
    return waits


def _has(node: Info, control: str) -> bool:
    if control in ("gain", "@gain", "@mute") or "@send/" in control or control.endswith("_send"):
        return True
    names = [each["name"] for each in node.controls or ()]
    return any(each == control or each.endswith(f"/{control}") for each in names)


def _said(target: str | None, label: str, nodes: list[Info]) -> str:
    path = label if target is None or "/" in label else f"{target}/{label}"
    hint = _PAN if path.endswith("/pan") else _likely(path, nodes)
    return f"there is no {path} now" + ("" if hint is None else f": {hint}")


def _likely(path: str, nodes: list[Info]) -> str | None:
    """Return the nearest control of the node that the path begins with; if there is no such node, of all."""
    own = [each for each in nodes if path.startswith(f"{each.name}/")]
    for node in own:
        near = nearest(path[len(node.name) + 1 :], ["gain", *(each["name"] for each in node.controls or ())])
        if near is not None:
            return f"did you mean {node.name}/{near}?"
    names = [each.name for each in nodes]
    known = [*names, *(each["path"] for node in nodes for each in node.controls or ())]
    return None if own else did_you_mean(path, [*known, *(f"{name}/gain" for name in names)])

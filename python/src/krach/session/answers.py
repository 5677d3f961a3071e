"""What a change says at the prompt: what has happened, in plain words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .info import Info

Words = Callable[[Mapping[str, Any], Mapping[str, Any]], str]
"""Makes words of the parameters of a request and of its answer."""


class Change(Info):
    """What a change answers: where it acts (``position`` in cycles, ``None`` for at once) and its number ``seq``.

    >>> kick = kr.node("kick", "faust:kick")
    >>> kr.gain("kick", 0.3)
    kick has gain 0.3
    >>> kr.mute("kick", at=1000)
    kick is muted from cycle 1000
    >>> kr.mute("kick", dry_run=True)
    nothing is changed; it would be: kick is muted
    >>> kr.panic().position is None
    True
    """

    def __repr__(self) -> str:
        """Say what has happened."""
        return self.__dict__.get("words") or ("part of one change" if not self else "done")

    def told_as(self, words: str) -> Change:
        """Say it so at the prompt.

        >>> krach.session.Change(seq=1).told_as("the master is 0.8")
        the master is 0.8
        """
        self.__dict__["words"] = words
        return self


def told_each(requests: Sequence[Mapping[str, Any]], done: Mapping[str, Any]) -> list[Change]:
    """Return what the parts of one change answer.

    >>> krach.session.answers.told_each([{"method": "stop", "params": {}}], {"results": [{"seq": 3}]})
    [all patterns are silent]
    """
    results: list[dict[str, Any]] = done.get("results", [])
    parts = zip(requests, results, strict=False)
    return [Change(each).told_as(said(request["method"], request["params"], each)) for request, each in parts]


def said(method: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Return what a change has done, in a few words.

    >>> krach.session.answers.said("play", {"target": "kick"}, {"position": 3.0, "seq": 7})
    'kick plays from cycle 3'
    """
    words = WORDS.get(method)
    what = "done" if words is None else words(_Given(params), _Given(answer))
    if answer.get("dry_run"):
        return f"nothing is changed; it would be: {what}"
    position = answer.get("position")
    return what + (f" from cycle {round(position, 3):g}" if isinstance(position, float | int) else "")


class _Given(dict[str, Any]):
    """Parameters or an answer; what is not there is nothing."""

    def __missing__(self, name: str) -> Any:
        return None


def _number(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float | int) and not isinstance(value, bool) else str(value)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} is {_number(value)}" for name, value in values.items() if name not in ("at", "dry_run"))


def _switched(on: str, off: str) -> Words:
    return lambda params, _: f"{params['node']} is {on if params.get('on', True) else off}"


def _connected(params: Mapping[str, Any], _: Mapping[str, Any]) -> str:
    port = "" if params.get("port") is None else f" at {params['port']}"
    level = "" if params.get("level") in (None, 1.0) else f" with level {_number(params['level'])}"
    return f"{params['source']} goes into {params['target']}{port}{level}"


def _stepped(field: str) -> Words:
    return lambda _, answer: (
        f"there is nothing to {field[:-2]}" if answer[field] is None else f"{field}: {answer[field]}"
    )


def _counted(what: str) -> Words:
    def words(params: Mapping[str, Any], _: Mapping[str, Any]) -> str:
        count = len(params["requests"] or ())
        return f"{what} of {count} part{'' if count == 1 else 's'}"

    return words


WORDS: dict[str, Words] = {
    "play": lambda params, _: f"{params['target']} plays",
    "hush": lambda params, _: f"{params['target']} is silent",
    "stop": lambda _, __: "all patterns are silent",
    "node": lambda params, _: f"{params['name']} is there",
    "remove": lambda params, _: f"{params['node']} is gone",
    "connect": _connected,
    "disconnect": lambda params, _: f"{params['source']} goes into {params['target']} no more",
    "gain": lambda params, _: f"{params['node']} has gain {_number(params['gain'])}",
    "mute": _switched("muted", "no more muted"),
    "solo": _switched("solo", "no more solo"),
    "set": lambda params, _: _listed(params["values"] or {}),
    "fade": lambda params, _: f"{params['label']} goes to {_number(params['value'])}",
    "automate": lambda params, _: f"{params['label']} moves by itself",
    "clear_automation": lambda params, _: f"nothing moves {params['id']} by itself",
    "input": lambda params, _: f"the audio input is {'on' if params['on'] else 'off'}",
    "master": lambda params, _: f"the master is {_number(params['gain'])}",
    "name": lambda params, _: f"the instance is called {params['name']}",
    "crossfade": lambda _, __: "the crossfade is set",
    "limiter": lambda params, _: f"the limiter is {'on' if params['on'] else 'off'}",
    "panic": lambda _, __: "every note has ended; patterns go on",
    "transport": lambda params, _: _listed(params) or "nothing is set",
    "midi_map": lambda params, _: f"controller {params['cc']} moves {params['label']}",
    "midi_unmap": lambda params, _: (
        f"controller {params['cc']} moves {params.get('label') or 'nothing'}"
        + (" no more" if params.get("label") else "")
    ),
    "midi_route": lambda params, _: f"notes of {params['channel']} play {params['node'] or 'nobody'}",
    "macro": lambda params, _: (
        f"macro {params['macro']} " + (f"moves {params['label']}" if params.get("label") else "is set")
    ),
    "unmacro": lambda params, _: (
        f"macro {params['macro']} moves {params.get('label') or 'nothing'}"
        + (" no more" if params.get("label") else "")
    ),
    "scene_save": lambda params, answer: (
        f"scene {params['name']} is saved" + (f" as number {answer['number']}" if "number" in answer else "")
    ),
    "scene_recall": lambda params, _: f"scene {params['scene']} plays",
    "scene_rename": lambda params, _: f"scene {params['scene']} is called {params['name']}",
    "scene_delete": lambda params, _: f"scene {params['scene']} is forgotten",
    "load": lambda _, __: "the session is that of the document",
    "open_file": lambda params, _: f"the session is that of {params['file']}",
    "instantiate": lambda params, _: f"{params['prefix']} is there",
    "clear": lambda _, __: "the session is empty",
    "undo": _stepped("undone"),
    "redo": _stepped("redone"),
    "batch": _counted("one change"),
    "transition": _counted("a transition"),
}
"""What each method says that changes the session."""

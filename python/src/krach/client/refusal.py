"""What the plugin refuses, with the line and a caret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from krach.error import KrachError

NO_METHOD = -32601
NOT_UNDERSTOOD = -32602

_UNKNOWN_FIELD = re.compile(r"unknown field `([^`]+)`")
# `program.dsp:2:4: `, as FAUST says a place.
_IN_PROGRAM = re.compile(r"^[^\s:]*:(\d+):(?:(\d+):?)? *")

# As a patch says it.
_IN_PATCH = re.compile(r"^line (\d+) column (\d+): ")


class Refusal(KrachError):
    """The plugin refuses a request: nothing has changed, and what played plays on.

    >>> kr.play("bass", "A2 [H2 x")
    Traceback (most recent call last):
    krach.client.refusal.Refusal: unknown word "H2"
      A2 [H2 x
          ^
    a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or .
    """


class Unsupported(Refusal):
    """The plugin's version does not have it.

    >>> kr.connection.call("node", {"name": "kick", "source": "faust:kick", "colour": "red"})
    Traceback (most recent call last):
    krach.client.refusal.Unsupported: this plugin (krach 0.1.0) has no `colour` of `node`
    """


def refusal(
    method: str, params: Mapping[str, Any], error: Mapping[str, Any], version: str, capabilities: list[str]
) -> Refusal:
    """Make the exception of an answer that is an error."""
    data = cast("dict[str, Any]", error.get("data") or {})
    message, hint, place = str(error.get("message", "")), data.get("hint"), data.get("place")
    code = error.get("code")
    if code == NO_METHOD:
        known = sorted(each.removeprefix("jsonrpc:") for each in capabilities if each.startswith("jsonrpc:"))
        hint = "it has: " + ", ".join(known) if known else hint
        return Unsupported(
            _text(f"this plugin (krach {version}) has no `{method}`", None, hint), place=place, hint=hint
        )
    unknown = _UNKNOWN_FIELD.search(message)
    if code == NOT_UNDERSTOOD and unknown is not None:
        what = f"this plugin (krach {version}) has no `{unknown[1]}` of `{method}`"
        return Unsupported(what, place=place)
    span = data.get("span")
    text = at_place(params, place)
    mark, where = None, None
    if data.get("line") is not None:
        where = int(data["line"]), int(data.get("column") or 1)
        mark = None if text is None else caret(text, *where)
    elif text is not None:
        where = program_place(message)
        mark, message = program_mark(text, message)
    made = Refusal(
        _text(message, mark, hint),
        place=place,
        hint=hint,
        span=None if span is None else (int(span[0]), int(span[1])),
    )
    made.line, made.column = where or (None, None)
    return made


def _text(message: str, mark: str | None, hint: str | None) -> str:
    # Some messages end with their hint.
    tail = [hint] if hint and hint not in message else []
    return "\n".join([message, *([mark] if mark else []), *tail])


def at_place(params: Mapping[str, Any], place: str | None) -> str | None:
    """Return the text that a JSON path such as ``params.requests[1].params.pattern`` means, if it is one.

    >>> batch = {"requests": [{"params": {"pattern": "x ["}}]}
    >>> krach.client.refusal.at_place(batch, "params.requests[0].params.pattern")
    'x ['
    """
    found: Any = {"params": params}
    for step in re.findall(r"[^.\[\]]+", place or ""):
        if isinstance(found, list) and step.isdecimal():
            items = cast("list[Any]", found)
            found = items[int(step)] if int(step) < len(items) else None
        elif isinstance(found, Mapping):
            found = cast("Mapping[str, Any]", found).get(step)
        else:
            found = None
    if isinstance(found, str):
        return found
    text = params.get("text")
    return text if isinstance(text, str) else None


def caret(text: str, line: int, column: int) -> str | None:
    """Return a line of a text with a mark under a column; both count from 1.

    >>> print(krach.client.refusal.caret("x\\ny + foo", 2, 5))
      y + foo
          ^
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return None
    shown = "".join(each if each.isprintable() else " " for each in lines[line - 1])
    return f"  {shown}\n  {'^'.rjust(max(1, column))}"


def program_place(message: str) -> tuple[int, int] | None:
    """Return the line and the column of a message that begins with its place in a program, both from 1.

    >>> krach.client.refusal.program_place("tone.dsp:2:4: undefined symbol")
    (2, 4)
    >>> krach.client.refusal.program_place("line 2 column 15: node `a`: unknown module `Foo`")
    (2, 15)
    """
    found = _IN_PROGRAM.match(message) or _IN_PATCH.match(message)
    return None if found is None else (int(found[1]), int(found[2] or 1))


def program_mark(text: str, message: str) -> tuple[str | None, str]:
    """Return the mark in a program of a message that begins with its place, and the message without it."""
    found = _IN_PROGRAM.match(message)
    if found is None:
        return None, message
    mark = caret(text, int(found[1]), int(found[2] or 1))
    return mark, message if mark is None else f"line {found[1]}: {message[found.end() :]}"

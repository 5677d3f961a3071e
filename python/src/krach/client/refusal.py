"""What the plugin refuses, with the line and a caret."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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
    span = None if data.get("span") is None else (int(data["span"][0]), int(data["span"][1]))
    failure = cast("dict[str, Any] | None", data.get("failure"))
    if failure is not None:
        imports = cast("dict[str, str]", params.get("imports") or {})
        program = str(params.get("text") or "")
        told = mistakes(failure, lambda file: program if file is None else imports.get(file, ""), "")
        made = Refusal(told, place=place, hint=hint, span=span)
        made.line, made.column = failure.get("line"), failure.get("column")
        return made
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
        span=span,
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


def caret(text: str, line: int, column: int, length: int = 1) -> str | None:
    """Return a line of a text with a mark under characters of it; line and column count from 1.

    >>> print(krach.client.refusal.caret("x\\ny + foo", 2, 5, 3))
      y + foo
          ^^^
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return None
    shown = "".join(each if each.isprintable() else " " for each in lines[line - 1])
    column = max(1, column)
    return f"  {shown}\n  {' ' * (column - 1)}{'^' * max(1, min(length, len(shown) + 1 - column))}"


def mistakes(failure: Mapping[str, Any], text_of: Callable[[str | None], str], who: str) -> str:
    """Return all that is wrong with a program, as a failure of the wire says it, each with its mark.

    ``text_of`` returns the text of a file that is imported, or of the program itself; ``who`` is the program's name.

    >>> further = {"text": "no b", "line": 2, "column": 1, "span": [12, 13], "file": None, "hint": None}
    >>> first = {"text": "no a", "line": 1, "column": 11, "file": None, "hint": "say what a is"}
    >>> print(krach.client.refusal.mistakes({**first, "further": [further]}, lambda _: "process = a\\nb;", "x"))
    x, line 1: no a
      process = a
                ^
    say what a is
    x, line 2: no b
      b;
      ^
    """
    own = str(failure.get("type", "")).partition(":")[2]
    parts: list[str] = []
    for each in (failure, *cast("list[dict[str, Any]]", failure.get("further") or [])):
        what, line, hint, file = str(each.get("text")), each.get("line"), each.get("hint"), each.get("file")
        imported = file if file not in {None, f"{own}.dsp", f"{own}.yaml"} else None
        at = imported or who
        if line is None:
            parts.append(f"{at}: {what}" if at else what)
        else:
            text = text_of(imported)
            column = int(each.get("column") or 1)
            parts.append(f"{at}, line {line}: {what}" if at else f"line {line}: {what}")
            mark = caret(text, int(line), column, _length(text, each.get("span"))) if text else None
            parts += [mark] if mark else []
        parts += [hint] if hint and hint not in what else []
    return "\n".join(parts)


def _length(text: str, span: Sequence[int] | None) -> int:
    """Return the number of characters that a span of bytes has on its first line."""
    if span is None:
        return 1
    return len(text.encode()[span[0] : span[1]].decode(errors="ignore").split("\n", 1)[0])


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

"""Why a pattern is refused."""

from __future__ import annotations

from krach.error import KrachError


class PatternError(KrachError, ValueError):
    """A pattern that cannot be built, read or played. The text says why, in the words of the plugin.

    >>> krp.hit().spread(9, 8).query(0, 1)
    Traceback (most recent call last):
    krach.pattern.error.PatternError: euclid: pulses must be <= steps
    """


class NotationError(PatternError):
    """Mini-notation that cannot be read: ``line`` and ``column`` count from 1, ``span`` is in bytes.

    >>> try:
    ...     krp.p("x(9,8)")
    ... except krp.NotationError as error:
    ...     print(error.line, error.column, error.message)
    1 5 9 pulses do not fit into 8 steps
    """

    def __init__(self, text: str, at: int, end: int, message: str, hint: str) -> None:
        """Make the error of the characters from ``at`` to ``end``."""
        before = text[:at]
        self.text = text
        self.message = message
        self.line = before.count("\n") + 1
        self.column = at - (before.rfind("\n") + 1) + 1
        start = len(before.encode(errors="surrogatepass"))
        span = (start, start + len(text[at:end].encode(errors="surrogatepass")))
        where = f"line {self.line}, character" if "\n" in text else "character"
        line = text.split("\n")[self.line - 1]
        shown = "".join(" " if _is_control(c) else c for c in line)
        mark = "^".rjust(self.column)
        super().__init__(
            f"mini-notation, {where} {self.column}: {message}\n  {shown}\n  {mark}\n{hint}", hint=hint, span=span
        )


def _is_control(c: str) -> bool:
    return c < " " or "\x7f" <= c <= "\x9f"


class Refused(Exception):
    """What is wrong with a node. ``with_path``: its text ends with the way there."""

    def __init__(self, text: str, *, with_path: bool = False, after: str = "") -> None:
        """Make it of its text."""
        super().__init__(text)
        self.text = text
        self.with_path = with_path
        self.after = after

    def at(self, path: str, span: tuple[int, int] | None) -> PatternError:
        """Return the error of a place."""
        end = f" (at {path}{self.after})" if self.with_path else ""
        return PatternError(self.text + end, place=path, span=span)

"""Why a pattern is refused."""

from __future__ import annotations

from krach.error import KrachError


class PatternError(KrachError, ValueError):
    """A pattern that cannot be built, read or played. The text says why, in the words of the plugin.

    >>> krp.hit().spread(9, 8).query(0, 1)
    Traceback (most recent call last):
    krach.pattern.error.PatternError: euclid: pulses must be <= steps
    """

    # What is wrong without the place, where a way was gone.
    refused: Refused | None = None


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
    """What is wrong with a node, before it is known where: the way there stands between ``text`` and ``after``."""

    def __init__(self, text: str, *, with_path: bool = False, after: str | None = None) -> None:
        """Make it of its text; ``with_path``: the way follows in brackets."""
        super().__init__(text)
        self.text = f"{text} (at " if with_path else text
        self.after = f"{after or ''})" if with_path else after

    def at(self, path: str, span: tuple[int, int] | None) -> PatternError:
        """Return the error of a place."""
        error = PatternError(
            self.text if self.after is None else f"{self.text}{path}{self.after}", place=path, span=span
        )
        error.refused = self
        return error

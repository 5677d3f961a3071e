"""What goes wrong, with its place and a way out."""

from __future__ import annotations


class KrachError(Exception):
    """Something that krach refuses: nothing has changed.

    ``place`` says where (a path), ``span`` which bytes of a text, ``hint`` what would work; each may be ``None``.

    >>> try:
    ...     krp.p("x [x H2] x")
    ... except krach.KrachError as error:
    ...     print(error.span)
    ...     print(error)
    (5, 7)
    mini-notation, character 6: unknown word "H2"
      x [x H2] x
           ^
    a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or .
    """

    still_playing = True
    """Whether there is a plugin that what played plays on in."""

    line: int | None = None
    """Of a text, the line where it is wrong, from 1."""
    column: int | None = None
    """The character in that line, from 1."""

    def __init__(
        self,
        message: str,
        *,
        place: str | None = None,
        hint: str | None = None,
        span: tuple[int, int] | None = None,
    ) -> None:
        """Make the error of a place."""
        super().__init__(message)
        self.place = place
        self.hint = hint
        self.span = span


class NothingPlays(KrachError):
    """What is missing before anything can play: a program, an instance, a prompt.

    >>> print(krach.run.told(krach.error.NothingPlays("no prompt is running")))
    no prompt is running
    """

    still_playing = False


class ModuleError(KrachError, ValueError):
    """A call that a module cannot hold.

    >>> krach.ModuleProxy().send("kick", "verb")
    Traceback (most recent call last):
    krach.error.ModuleError: there is no node kick
    """

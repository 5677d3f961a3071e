"""Reading mini-notation sign by sign: places, errors, numbers. ``notation.py`` has the grammar."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from . import ir
from .error import NotationError

_SPACES = frozenset("\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
_DIGITS = frozenset("0123456789")
_U32 = (1 << 32) - 1
TOO_LARGE = "this number is too large"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a sequence: how long it is compared with others, how many nodes it has, where it stands."""

    node: ir.Node
    weight: ir.Ratio
    size: int
    at: int


def is_digit(c: str | None) -> bool:
    """Return whether it is a digit from 0 to 9."""
    return c in _DIGITS


def is_space(c: str) -> bool:
    """Return whether it is white space."""
    return c in _SPACES


class Scanner(ABC):
    """A text and how far it is read, in characters."""

    def __init__(self, text: str, *, values: bool) -> None:
        """Begin at the beginning; with ``values`` words are numbers and names, else hits and notes."""
        self.text = text
        self.at: int = 0
        self.values = values
        self.nesting = 0
        # How many `?` and `|` there were: each gets a seed of its own.
        self.chances: int = 0
        self._bytes = None if text.isascii() else [0]
        if self._bytes is not None:
            for c in text:
                self._bytes.append(self._bytes[-1] + len(c.encode(errors="surrogatepass")))

    @abstractmethod
    def bracket(self, opening: str) -> tuple[ir.Node, int]:
        """Read what stands between brackets; return it with the number of its nodes."""

    @abstractmethod
    def sequence(self, steps: list[Step]) -> ir.Node:
        """Return steps as one pattern."""

    def peek(self, ahead: int = 0) -> str | None:
        """Return the next character, or one after it."""
        at = self.at + ahead
        return self.text[at] if at < len(self.text) else None

    def eat(self, c: str) -> bool:
        """Go on if this is the next character."""
        found = self.peek() == c
        self.at += int(found)
        return found

    def spaces(self) -> None:
        """Go on to what is no white space."""
        self.take(is_space)

    def take(self, fits: Callable[[str], bool]) -> None:
        """Go on as long as characters fit."""
        while self.at < len(self.text) and fits(self.text[self.at]):
            self.at += 1

    def span(self, start: int) -> ir.Span:
        """Return the piece that was read since, in bytes."""
        return self.byte(start), self.byte(self.at)

    def byte(self, at: int) -> int:
        """Return the place of a character in bytes."""
        return at if self._bytes is None else self._bytes[at]

    def character(self, byte: int) -> int:
        """Return the character at a place in bytes."""
        return byte if self._bytes is None else self._bytes.index(byte)

    def error(self, message: str, hint: str, at: int | None = None) -> NotationError:
        """Return the error of the word at a place; without one, of the next word."""
        at = self.at if at is None else at
        end = at
        if at < len(self.text):
            end = at + 1
            if self.text[at].isalnum():
                while end < len(self.text) and (self.text[end].isalnum() or self.text[end] in "#."):
                    end += 1
        return NotationError(self.text, at, end, message, hint)

    def number(self, what: str) -> float:
        """Read digits, and with a point more digits."""
        start = self.at
        self.take(is_digit)
        if self.peek() == "." and is_digit(self.peek(1)):
            self.at += 1
            self.take(is_digit)
        if self.at == start:
            raise self.error("here should be a number", what, start)
        number = float(self.text[start : self.at])
        if number == math.inf:
            raise self.error(TOO_LARGE, what, start)
        return number

    def whole(self, what: str) -> int:
        """Read digits."""
        start = self.at
        self.take(is_digit)
        digits = self.text[start : self.at].lstrip("0")
        if self.at == start or (self.peek() == "." and is_digit(self.peek(1))):
            raise self.error("here should be a whole number", what, start)
        if len(digits) > 10 or int(digits or "0") > _U32:
            raise self.error(TOO_LARGE, what, start)
        return int(digits or "0")

    def apart(self, start: int) -> None:
        """Check that a blank, a sign or a bracket stands between two words; hits may follow one another."""
        written, following = self.text[start : self.at], self.peek()
        last = written[-1:]
        if last == following == "x" and not self.values:
            return
        # A sign of a number, not a rest.
        second = self.peek(1)
        minus = following == "-" and second is not None and (second.isalnum() if self.values else is_digit(second))
        if minus or (last and following and _in_word(last) and _in_word(following)):
            raise self.error(f'"{written}" goes on without a blank', "put a blank between two steps")


def _in_word(c: str) -> bool:
    return c.isalnum() or c == "_"

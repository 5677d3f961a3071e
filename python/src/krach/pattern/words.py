"""The words of mini-notation: hits, notes, rests, numbers, names and ranges."""

from __future__ import annotations

from dataclasses import replace

from . import ir
from .pitch import key_of, mtof
from .scanner import TOO_LARGE, Scanner, Step, is_digit, is_space
from .tones import hit_node, note_node

_NOTES = "a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or ."
_VALUES = "a value is a number such as 3 or -0.5, or a name such as minor; a rest is ~ or ."
_MAX_RANGE = 1023
_I32 = (1 << 31) - 1


class Words(Scanner):
    """Reads what may stand as a step."""

    def element(self) -> tuple[ir.Node, int]:
        """Read a word, a rest or a bracket; return it with the number of its nodes."""
        start, c = self.at, self.peek()
        digit_follows = is_digit(self.peek(1))
        if c == "." and digit_follows:
            raise self.error("a number begins with a digit", "write 0.5, not .5")
        if c == "-" and digit_follows and not self.values:
            hint = "MIDI keys go from 0 to 127, frequencies are above 0"
            raise self.error("there are no negative notes", hint)
        if c == "." and self.peek(1) == "." and self.values:
            # Two points between values are meant as a range.
            raise self.error('".." stands between two whole numbers', "such as 0 .. 7; two rests are ~ ~")
        if c is not None and c in "~.-" and not (c == "-" and digit_follows):
            self.at += 1
            return ir.Silence(span=self.span(start)), 1
        if c == "x" and not self.values:
            self.at += 1
            return replace(hit_node("gate"), span=self.span(start)), 4
        if c is not None and c in "[<{":
            return self.bracket(c)
        if c is not None and (c == "-" or c.isalnum()):
            return self._word()
        hint = _VALUES if self.values else _NOTES
        if c is None:
            raise self.error("here should be a step", hint)
        if c in "*/!@?(%":
            raise self.error(f'"{c}" has nothing before it', "it follows a step without a space, such as x*2")
        code = "" if c.isascii() else f" (U+{ord(c):04X})"
        raise self.error(f'"{c}"{code} means nothing here', hint)

    def _word(self) -> tuple[ir.Node, int]:
        start, first = self.at, self.peek()
        begins_number = is_digit(first) or first == "-"
        if begins_number and not self.values:
            hz = self._key_or_frequency()
            return replace(note_node(hz), span=self.span(start)), 6
        if begins_number:
            sign = -1.0 if self.eat("-") else 1.0
            value = sign * self.number("a number, such as 3 or -0.5")
            return ir.Number(value, span=self.span(start)), 1
        if self.values:
            # A name may have parts, such as C:minor or bd:3.
            self.take(lambda c: c.isalnum() or c in "#_:")
            return ir.Name(self.text[start : self.at], span=self.span(start)), 1
        self.take(lambda c: c.isalnum() or c in "#-")
        word = self.text[start : self.at]
        key = key_of(word)
        if key is None:
            # Letters of other alphabets look like these.
            other = next((c for c in word if not c.isascii()), None)
            code = "" if other is None else f", whose {other} is U+{ord(other):04X}"
            raise self.error(f'unknown word "{word}"{code}', _NOTES, start)
        return replace(note_node(mtof(key)), span=self.span(start)), 6

    def _key_or_frequency(self) -> float:
        start = self.at
        number = self.number("a note")
        digits = self.text[start : self.at]
        is_frequency = "." in digits
        if not (number > 0.0 if is_frequency else number <= 127.0):
            hint = "MIDI keys go from 0 to 127; a frequency has a point, such as 440.0"
            raise self.error(f"{digits} is no note", hint, start)
        return number if is_frequency else mtof(number)

    def range(self) -> list[Step] | None:
        """Read ``60 .. 63``: the numbers from one to the other, each a step; ``None`` if no such thing stands here."""
        start = self.at
        first = self._length_of_number(start)
        dots = self._after_spaces(start + first)
        if first == 0 or not self.text.startswith("..", dots):
            return None
        second = self._after_spaces(dots + 2)
        last = self._length_of_number(second)
        if last == 0:
            return None
        for at, length in ((start, first), (second, last)):
            if "." in self.text[at : at + length]:
                hint = "such as 60 .. 67; two rests are ~ ~"
                raise self.error("the ends of a range are whole numbers", hint, at)
        begin = self._bound()
        self.at = second
        end = self._bound()
        if abs(begin - end) > _MAX_RANGE:
            message = f"{abs(begin - end) + 1} steps are too many"
            raise self.error(message, "a range has at most 1024 steps", second)
        for key, at in ((begin, start), (end, second)):
            if not self.values and key > 127:
                raise self.error(f"{key} is no note", "MIDI keys go from 0 to 127", at)
        self.apart(second)
        following = self.peek()
        if following is not None and following in "*/!@?(":
            hint = "put the range into brackets, such as [60 .. 63]*2"
            raise self.error(f'"{following}" cannot follow a range', hint)
        third = self._after_spaces(self.at)
        if self.text.startswith("..", third) and self._length_of_number(self._after_spaces(third + 2)) > 0:
            hint = "put the range into brackets, such as [60 .. 63] ~ ~ 65"
            raise self.error("a range has two ends", hint, third)
        span = self.span(start)
        numbers = range(begin, end + 1) if begin <= end else range(begin, end - 1, -1)
        if self.values:
            return [Step(ir.Number(float(number), span=span), (1, 1), 1, start) for number in numbers]
        return [Step(replace(note_node(mtof(number)), span=span), (1, 1), 6, start) for number in numbers]

    def _length_of_number(self, at: int) -> int:
        """Return how long the number there is, its sign included where values have one; 0: there is none."""
        digits = at + (self.values and self.text.startswith("-", at))
        whole = self._after_digits(digits)
        if whole == digits:
            return 0
        decimals = self._after_digits(whole + 1) if self.text.startswith(".", whole) else whole + 1
        return max(whole, decimals if decimals > whole + 1 else 0) - at

    def _after_digits(self, at: int) -> int:
        while at < len(self.text) and is_digit(self.text[at]):
            at += 1
        return at

    def _after_spaces(self, at: int) -> int:
        while at < len(self.text) and is_space(self.text[at]):
            at += 1
        return at

    def _bound(self) -> int:
        start = self.at
        negative = self.eat("-")
        number = self.whole("a whole number")
        if number > _I32:
            raise self.error(TOO_LARGE, "such as 0 .. 7", start)
        return -number if negative else number

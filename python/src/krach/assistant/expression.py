"""Patterns as a model writes them: notation, or calls of builders that are read and never run as Python.

What is read is a tree of Python's own parser. Few of its nodes are known here, names and methods are those of
``vocabulary``, and texts, brackets, calls and what they make are bounded, before anything is made of them.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import fields
from fractions import Fraction
from typing import Any, cast

from krach.elsewhere import here
from krach.error import KrachError
from krach.names import did_you_mean
from krach.pattern import NotationError, Pattern, PatternError, ir

from .vocabulary import BUILDERS, METHODS, usage

MAX_TEXT = 8192
"""Longest text of a pattern, in characters."""

MAX_WORDS = 2000
"""Most words and signs of an expression."""

MAX_BRACKETS = 40
"""Deepest brackets of an expression."""

MAX_SIZE = 1 << 14
"""Most operators and values of a pattern, each counted as often as it plays; 64 characters of a name are one more."""

MAX_DEPTH = 200
"""Most operators around a value."""

MAX_NESTED = 100
"""Most calls and signs within one another, a method being around what it is called on."""

MAX_COPIES = 256
"""Most copies that one call or ``*`` makes."""

_MAX_NUMBER = 1 << 64
_COPY = {"chunk", "iter", "echo", "stut", "irand"}
_MODULES = ("krp", "kr")

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<text>"(?:[^"\\\r\n]|\\[\\"'nt])*"|'(?:[^'\\\r\n]|\\[\\"'nt])*')
    | (?P<number>\d[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?\d+)?|\.\d[\d_]*(?:[eE][+-]?\d+)?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>[()\[\],.=|+\-*/:])""",
    re.X,
)
_BEGINS = re.compile(r"[\s(]*(?:(?P<module>krp|kr)\s*\.|(?P<name>[A-Za-z_]\w*)\s*\()")
_NEVER_NOTATION = re.compile(r"[\"'=\\;`$]|__|\blambda\b|\bimport\b")


class ExpressionError(PatternError):
    """An expression that is refused: ``line`` and ``column`` count from 1.

    >>> krach.assistant.expression.read('hit() | p("x [H2 x]")')
    Traceback (most recent call last):
    krach.assistant.expression.ExpressionError: unknown word "H2"
      hit() | p("x [H2 x]")
                    ^
    a hit is x, a note A2 or C#4, a MIDI key 60, a frequency 440.0, a rest ~ or .
    """

    def __init__(self, text: str, line: int, column: int, message: str, hint: str) -> None:
        """Make the error of a place."""
        lines = text.split("\n")
        shown = "".join(c if c.isprintable() else " " for c in lines[line - 1]) if line <= len(lines) else ""
        # Of a long line the part around the place is shown.
        begin = max(0, column - 60)
        mark = "^".rjust(column - begin)
        super().__init__(f"{message}\n  {shown[begin : begin + 100]}\n  {mark}\n{hint}", hint=hint)
        self.line, self.column, self.message = line, column, message


def is_expression(text: str) -> bool:
    """Whether a text means calls of builders; else it is notation.

    >>> [krach.assistant.expression.is_expression(each) for each in ("x(3,8) A2", 'seq("A2")', "krp.hit() * 4")]
    [False, True, True]
    """
    begins = _BEGINS.match(text)
    if begins is not None and (begins["module"] or begins["name"] in BUILDERS):
        return True
    return _NEVER_NOTATION.search(text) is not None


def read(text: str) -> Pattern:
    """Return the pattern of an expression. Raises ``ExpressionError``.

    >>> krach.assistant.expression.read('hit().spread(3, 8).every(4, lambda p: p.fast(2))') == (
    ...     krp.hit().spread(3, 8).every(4, lambda p: p.fast(2)))
    True
    """
    if len(text) > MAX_TEXT:
        raise ExpressionError(text, 1, MAX_TEXT + 1, f"this is longer than {MAX_TEXT} characters", "play parts of it")
    _words(text)
    try:
        # In brackets it may have several lines.
        tree = ast.parse(f"({text}\n)", mode="eval").body
    except SyntaxError as error:
        line, column = min(error.lineno or 1, text.count("\n") + 1), error.offset or 1
        hint = "a call is written name(value, name=value), a text in quotes"
        raise ExpressionError(text, line, max(1, column - (line == 1)), f"{error.msg}", hint) from None
    except (RecursionError, MemoryError, ValueError) as error:
        raise ExpressionError(text, 1, 1, f"this cannot be read: {error}", "write it shorter") from None
    return _Reader(text).pattern(tree)


def _words(text: str) -> None:
    """Refuse what no word of an expression is, before Python reads any of it."""
    at, count = 0, 0
    open_brackets: list[int] = []
    while at < len(text):
        found = _WORD.match(text, at)
        if found is None:
            raise _at(text, at, *_no_word(text[at]))
        if found.lastgroup != "space":
            count += 1
            word = found.group()
            if count > MAX_WORDS:
                raise _at(text, at, f"more than {MAX_WORDS} words and signs", "play parts of it in several slots")
            if found.lastgroup == "number" and len(word) > 40:
                raise _at(text, at, "a number of more than 40 digits", "numbers are up to 18446744073709551616")
            if word in "([":
                open_brackets.append(at)
                if len(open_brackets) > MAX_BRACKETS:
                    raise _at(text, at, f"brackets nest deeper than {MAX_BRACKETS}", "make several patterns of it")
            elif word in ")]":
                if not open_brackets:
                    raise _at(text, at, f'"{word}" closes nothing', "remove it, or open a bracket before")
                open_brackets.pop()
        at = found.end()
    if open_brackets:
        raise _at(text, open_brackets[-1], f'this "{text[open_brackets[-1]]}" is not closed', "close it")
    if not count:
        raise _at(text, 0, "an expression is empty", 'such as hit() or seq("A2", None)')


def _no_word(c: str) -> tuple[str, str]:
    if ord(c) > 127:
        name = unicodedata.name(c, "a character without a name")
        return f"{name} (U+{ord(c):04X}) is no part of a name", "names are written in plain letters a to z"
    if c in "\"'":
        return (
            "this text is not closed, or has another sign behind a \\",
            "close it with the same quote; \\n is a new line",
        )
    return f"{c!r} has no meaning here", "an expression is calls, texts, numbers, and + | * between patterns"


def _at(text: str, at: int, message: str, hint: str) -> ExpressionError:
    line = text.count("\n", 0, at) + 1
    return ExpressionError(text, line, at - (text.rfind("\n", 0, at) + 1) + 1, message, hint)


class _Reader:
    """Makes patterns of the tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        # How large and how deep each node is; the node is kept, so that its number stays its own.
        self.sizes: dict[int, tuple[ir.Node, int, int]] = {}
        self.nested = 0

    def pattern(self, node: ast.expr) -> Pattern:
        """Return what the whole makes."""
        made = self.value(node, {})
        if not isinstance(made, Pattern):
            raise self.error(node, f"this makes {made!r}, and no pattern", 'such as hit() or seq("A2", None)')
        return made

    def error(self, node: ast.AST, message: str, hint: str) -> ExpressionError:
        """Make the error of a place."""
        line: int = cast("Any", node).lineno
        column: int = cast("Any", node).col_offset
        before = self.text.split("\n")[line - 1] if line <= self.text.count("\n") + 1 else ""
        # The parser counts bytes, and the bracket before the first line.
        offset = column - (line == 1)
        return ExpressionError(
            self.text, line, len(before.encode()[: max(0, offset)].decode(errors="ignore")) + 1, message, hint
        )

    def value(self, node: ast.expr, names: Mapping[str, Pattern]) -> Any:
        """Return what a node makes: a pattern, a number, a text, ``None``, or several of these."""
        self.nested += 1
        if self.nested > MAX_NESTED:
            raise self.error(node, f"calls and signs nest deeper than {MAX_NESTED}", "make several patterns of it")
        made = self._value(node, names)
        self.nested -= 1
        return made

    def _value(self, node: ast.expr, names: Mapping[str, Pattern]) -> Any:
        match node:
            case ast.Constant(value=None | bool() | str() as value):
                return value
            case ast.Constant(value=int() | float() as value):
                return self._number(node, value)
            case ast.Name(id=name):
                return self._name(node, name, names)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd() as sign, operand=operand):
                number = self._is_number(operand, self.value(operand, names))
                return -number if isinstance(sign, ast.USub) else number
            case ast.BinOp(left=left, op=operator, right=right):
                return self._operator(node, operator, self.value(left, names), self.value(right, names))
            case ast.List(elts=items):
                return [self.value(item, names) for item in items]
            case ast.Tuple(elts=items):
                return tuple(self.value(item, names) for item in items)
            case ast.Call():
                return self._call(node, names)
            case ast.Lambda():
                raise self.error(
                    node, "a lambda stands where a method takes a change", ".every(4, lambda p: p.fast(2))"
                )
            case ast.Attribute(attr=name):
                hint = did_you_mean(name, METHODS) or f"methods are called, as in hit().fast(2); {name} is not"
                raise self.error(node, f".{name} is not called", hint)
            case _:
                what = type(node).__name__
                hint = "an expression is calls of builders and methods, texts, numbers, and + | * between patterns"
                raise self.error(node, f"Python's {what} has no meaning here", hint)

    def _name(self, node: ast.AST, name: str, names: Mapping[str, Pattern]) -> Pattern:
        if name in names:
            return names[name]
        if name in BUILDERS:
            raise self.error(node, f"{name} is not called", usage(name, BUILDERS[name]))
        hint = did_you_mean(name, [*BUILDERS, *names]) or f"builders are {', '.join(BUILDERS)}"
        raise self.error(node, f"there is no name {name}", hint)

    def _number(self, node: ast.AST, value: Any) -> Any:
        if not abs(value) <= _MAX_NUMBER:
            raise self.error(node, "this number is too large", f"numbers are up to {_MAX_NUMBER}")
        return value

    def _is_number(self, node: ast.AST, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float | Fraction):
            raise self.error(node, f"a sign stands before a number, not before {_shown(value)}", ".reverse(), .sub(12)")
        return value

    def _operator(self, node: ast.BinOp, operator: ast.operator, left: Any, right: Any) -> Any:
        if isinstance(left, Pattern) or isinstance(right, Pattern):
            match operator:
                case ast.Add():
                    return self._made(node, lambda: left + right, "+")
                case ast.BitOr():
                    return self._made(node, lambda: left | right, "|")
                case ast.Mult():
                    times = right if isinstance(left, Pattern) else left
                    self._copies(node, times)
                    return self._made(node, lambda: left * right, "*")
                case _:
                    hint = "a + b one after the other, a | b at once, a * 4 four copies; numbers: .add(12)"
                    raise self.error(node, "this sign does not stand between patterns", hint)
        for each in (left, right):
            self._is_number(node, each)
        if isinstance(operator, ast.Div) and right == 0:
            raise self.error(node, "a division by 0", "1 / 8 is an eighth")
        match operator:
            case ast.Add():
                made = left + right
            case ast.Sub():
                made = left - right
            case ast.Mult():
                made = left * right
            case ast.Div():
                made = left / right
            case _:
                raise self.error(node, "this sign does not stand between numbers", "numbers are counted by + - * /")
        return self._number(node, made)

    def _copies(self, node: ast.AST, times: Any) -> None:
        if isinstance(times, int) and times > MAX_COPIES:
            raise self.error(
                node, f"{times} copies: at most {MAX_COPIES}", ".fast(n) plays so many times as fast, without copies"
            )

    # Calls

    def _call(self, node: ast.Call, names: Mapping[str, Pattern]) -> Any:
        name, call, on = self._called(node, names)
        args: list[Any] = [self._argument(each, names, name) for each in node.args]
        options: dict[str, Any] = {}
        for each in node.keywords:
            if each.arg is None or each.arg.startswith("_"):
                raise self.error(each.value, "values by name are written name=value", usage(name, call))
            options[each.arg] = self._argument(each.value, names, name)
        if name in _COPY:
            for each in (*args, *options.values()):
                self._copies(node, each)
        if on is None:
            return self._made(node, lambda: call(*args, **options), name)
        return self._made(node, lambda: call(on, *args, **options), name)

    def _called(self, node: ast.Call, names: Mapping[str, Pattern]) -> tuple[str, Callable[..., Any], Pattern | None]:
        """Return what is called: its name, the function, and the pattern that it is called on."""
        match node.func:
            case ast.Name(id=name) if name not in names:
                pass
            case ast.Attribute(value=ast.Name(id=module), attr=name) if module in _MODULES and module not in names:
                pass
            case ast.Attribute(value=ast.Attribute(value=ast.Name(id=module), attr="Pattern"), attr="from_json") if (
                module in _MODULES
            ):
                return "from_json", Pattern.from_json, None
            case ast.Attribute(value=below, attr=name):
                on = self.value(below, names)
                if not isinstance(on, Pattern):
                    hint = 'methods are those of patterns: p("x . x .").fast(2)'
                    raise self.error(node.func, f"{_shown(on)} has no .{name} here", hint)
                if name not in METHODS:
                    hint = here(name) or did_you_mean(name, METHODS) or f"methods are {', '.join(sorted(METHODS))}"
                    raise self.error(node.func, f"a pattern has no {name}", hint)
                return name, getattr(Pattern, name), on
            case _:
                raise self.error(node.func, "this is not called", "builders and methods of patterns are called")
        if name not in BUILDERS:
            near = here(name) or did_you_mean(name, [*BUILDERS, *METHODS])
            hint = near or f"builders are {', '.join(BUILDERS)}"
            raise self.error(node.func, f"there is no builder {name}", hint)
        return name, BUILDERS[name], None

    def _argument(self, node: ast.expr, names: Mapping[str, Pattern], name: str) -> Any:
        if not isinstance(node, ast.Lambda):
            return self.value(node, names)
        given = node.args
        is_plain = len(given.args) == 1 and not (
            given.posonlyargs or given.kwonlyargs or given.vararg or given.kwarg or given.defaults
        )
        if not is_plain or given.args[0].arg in (*_MODULES, *BUILDERS) or given.args[0].arg.startswith("_"):
            if is_plain and given.args[0].arg == "p":  # The usual name, though `p` is a builder, too.
                pass
            else:
                raise self.error(node, "a change takes one pattern", "lambda p: p.fast(2)")

        def change(pattern: Pattern) -> Pattern:
            made = self.value(node.body, {**names, given.args[0].arg: pattern})
            if not isinstance(made, Pattern):
                raise self.error(node.body, f"a change makes a pattern, not {_shown(made)}", "lambda p: p.reverse()")
            return made

        return change

    def _made(self, node: ast.expr, call: Callable[[], Any], name: str) -> Any:
        """Make something, and check how large it is."""
        how = BUILDERS.get(name) or getattr(Pattern, name, None) if name not in "+|*" else None
        hint = "a + b, a | b, a * 4" if how is None else usage(name, how)
        try:
            made = call()
        except ExpressionError:
            raise
        except NotationError as error:
            raise self._in_text(node, error) from None
        except KrachError as error:
            message = str(error).split("\n", 1)[0]
            raise self.error(node, message, error.hint or hint) from None
        except (TypeError, ValueError, AttributeError, ArithmeticError, LookupError, RecursionError):
            raise self.error(node, f"{name} takes other values", hint) from None
        if isinstance(made, Pattern):
            size, depth = self._size(made.node)
            if size > MAX_SIZE:
                hint = f"at most {MAX_SIZE} operators and values: .fast(n) repeats without copies"
                raise self.error(node, f"this pattern is too large: {size} operators and values", hint)
            if depth > MAX_DEPTH:
                raise self.error(node, f"operators nest deeper than {MAX_DEPTH}", "make several patterns of it")
        elif isinstance(made, int | float):
            return self._number(node, made)
        return made

    def _in_text(self, node: ast.expr, error: NotationError) -> ExpressionError:
        """Return the error of a place within a text, where that text stands in the expression as it is."""
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and each.value == error.text:
                whole = ast.get_source_segment(f"({self.text}\n)", each) or ""
                if "\\" not in whole:
                    found = self.error(each, error.message, error.hint or "")
                    line, column = found.line or 1, (found.column or 1) + (error.column or 1)
                    return ExpressionError(self.text, line, column, error.message, error.hint or "")
        return self.error(node, f"{error.message} (character {error.column})", error.hint or "")

    def _size(self, node: ir.Node) -> tuple[int, int]:
        """Return how many nodes a tree has, each counted as often as it is there, and how deep it is."""
        known = self.sizes.get(id(node))
        if known is not None:
            return known[1:]
        size, depth = 1, 0
        texts = (getattr(node, each.name) for each in fields(cast("Any", node)))
        size += sum(len(each) for each in texts if isinstance(each, str)) // 64
        for below in node.below():
            more, deep = self._size(below)
            size, depth = size + more, max(depth, deep + 1)
        self.sizes[id(node)] = (node, size, depth)
        return size, depth


def _shown(value: object) -> str:
    return "a pattern" if isinstance(value, Pattern) else repr(value)[:40]

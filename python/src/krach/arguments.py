"""What calls are given, held against what they are declared to take: what is wrong is said by its name.

The annotations of a function are read at its first call.
"""

from __future__ import annotations

import ast
import functools
import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, signature, unwrap
from numbers import Real
from types import UnionType
from typing import Any, Literal, NamedTuple, ParamSpec, TypeVar, cast, get_args, get_origin

from .error import KrachError
from .names import did_you_mean

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound=type)

_SHOWN = 60
"""So many characters of a wrong value are shown."""


class ArgumentError(KrachError, TypeError, ValueError):
    """A value that a call does not take.

    >>> krach.export("song")
    Traceback (most recent call last):
    krach.arguments.ArgumentError: krach.export: ir cannot be 'song'
    ir is a document
    """


class Kind(NamedTuple):
    """What a parameter takes: ``fits`` returns what does not fit, with its place in the value; ``None``: all does."""

    fits: Callable[[Any], tuple[str, Any] | None]
    said: str


def _by(test: Callable[[Any], bool], said: str) -> Kind:
    def fits(value: Any) -> tuple[str, Any] | None:
        return None if test(value) else ("", value)

    return Kind(fits, said)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _all_fits(_: Any) -> tuple[str, Any] | None:
    return None


_ANY = Kind(_all_fits, "anything")
_PLAIN = {
    "None": _by(lambda value: value is None, "nothing"),
    "bool": _by(lambda value: isinstance(value, bool), "True or False"),
    "int": _by(_is_whole, "a whole number"),
    "float": _by(_is_number, "a number"),
    "Fraction": _by(_is_number, "a number"),
    "str": _by(_is_text, "a text"),
    "Callable": _by(callable, "a function"),
}
_REAL = _by(lambda value: not isinstance(value, bool) and isinstance(value, Real), "a number")
_SAID = {
    "NodeHandle": "a node", "ModuleHandle": "a module in the session", "Pattern": "a pattern", "Base": "a pattern",
    "ModuleIr": "a document", "DspGraph": "a graph", "Path": "a path", "Signal": "a signal", "Session": "a session",
    "Node": "a node",
}  # fmt: skip


_OPERAND = _by(
    lambda value: isinstance(value, bool) or _is_number(value) or type(value).__name__ == "Signal",
    "a signal or a number",
)


def _named(name: str) -> Kind:
    """Return the kind of a class by its name: those that are imported for types only are none at runtime."""
    return _by(lambda value: any(each.__name__ == name for each in type(value).__mro__), _SAID.get(name, name))


def _many(said: str) -> str:
    return re.sub(r"\ban? ((?:whole )?\w+)", r"\1s", said)


def _or(said: Sequence[str]) -> str:
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} or {said[-1]}"


def _union(kinds: Sequence[Kind]) -> Kind:
    def fits(value: Any) -> tuple[str, Any] | None:
        found = [each.fits(value) for each in kinds]
        if None in found:
            return None
        # What is wrong deep within says more.
        return max((each for each in found if each is not None), key=lambda each: len(each[0]))

    if any(each is _ANY for each in kinds):
        return _ANY
    said = list(dict.fromkeys(each.said for each in kinds))
    return Kind(fits, _or(said))


def _mapping(key: Kind, value: Kind) -> Kind:
    def fits(given: Any) -> tuple[str, Any] | None:
        if not isinstance(given, Mapping):
            return "", given
        for name, each in cast("Mapping[Any, Any]", given).items():
            if key.fits(name) is not None:
                return f" key {shown(name)}", name
            found = value.fits(each)
            if found is not None:
                return f"[{shown(name)}]{found[0]}", found[1]
        return None

    return Kind(fits, f"a dict from {_many(key.said)} to {_many(value.said)}")


def _several(item: Kind, kind: type, said: str) -> Kind:
    def fits(given: Any) -> tuple[str, Any] | None:
        # A dict would be read as its keys, and a text as its letters.
        if not isinstance(given, kind) or isinstance(given, str | bytes | Mapping | set):
            return "", cast("Any", given)
        if not isinstance(given, Sequence):
            return None  # It can be gone through once.
        for index, each in enumerate(cast("Sequence[Any]", given)):
            found = item.fits(each)
            if found is not None:
                return f"[{index}]{found[0]}", found[1]
        return None

    return Kind(fits, f"{said} of {_many(item.said)}" if item is not _ANY else said)


def _tuple(items: Sequence[Kind]) -> Kind:
    def fits(given: Any) -> tuple[str, Any] | None:
        if not isinstance(given, tuple | list) or len(cast("Sequence[Any]", given)) != len(items):
            return "", cast("Any", given)
        for index, (kind, each) in enumerate(zip(items, cast("Sequence[Any]", given), strict=True)):
            found = kind.fits(each)
            if found is not None:
                return f"[{index}]{found[0]}", found[1]
        return None

    return Kind(fits, f"({', '.join(each.said for each in items)})")


class _Reader:
    """Reads annotations in the names of a module."""

    def __init__(self, names: Mapping[str, Any], finite: bool) -> None:
        self.names = names
        self.plain = _PLAIN if finite else _PLAIN | dict.fromkeys(("float", "Fraction"), _REAL)

    def text(self, annotation: str) -> Kind:
        return self.read(ast.parse(annotation, mode="eval").body)

    def read(self, node: ast.expr) -> Kind:
        match node:
            case ast.Constant(value=None):
                return _PLAIN["None"]
            case ast.Constant(value=str(text)):
                return self.text(text)
            case ast.BinOp(op=ast.BitOr()):
                return _union(self._alternatives(node))
            case ast.Name(id=name):
                return self.name(name)
            case ast.Subscript(value=ast.Name(id="Mapping" | "dict"), slice=ast.Tuple(elts=[key, value])):
                return _mapping(self.read(key), self.read(value))
            case ast.Subscript(value=ast.Name(id="Sequence" | "list"), slice=item):
                return _several(self.read(item), Sequence, "a list")
            case ast.Subscript(value=ast.Name(id="Iterable"), slice=item):
                return _several(self.read(item), Iterable, "a list")
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=[item, ast.Constant(value=each)])) if (
                each is ...
            ):
                return _several(self.read(item), Sequence, "a list")
            case ast.Subscript(value=ast.Name(id="tuple"), slice=ast.Tuple(elts=items)):
                return _tuple([self.read(each) for each in items])
            case ast.Subscript(value=ast.Name(id="Callable")):
                return _PLAIN["Callable"]
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                return self.thing(name, getattr(self.names.get(owner), name, None))
            case _:
                return _ANY

    def _alternatives(self, node: ast.expr) -> list[Kind]:
        match node:
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return [*self._alternatives(left), *self._alternatives(right)]
            case _:
                return [self.read(node)]

    def name(self, name: str) -> Kind:
        if name in self.plain:
            return self.plain[name]
        return self.thing(name, self.names[name] if name in self.names else self.of_ours(name))

    def of_ours(self, name: str) -> object:
        """Return what a name that is imported for types only stands for: in its own package, or else in another."""
        ours = [(path, vars(module)) for path, module in list(sys.modules.items()) if path.startswith("krach.")]
        package = f"{self.names.get('__package__')}."
        ours.sort(key=lambda each: not each[0].startswith(package))
        return next((names[name] for _, names in ours if name in names), None)

    def thing(self, name: str, found: object) -> Kind:
        """Return the kind of what a name stands for, if it does at runtime."""
        if get_origin(found) is Literal:
            members = get_args(found)
            return _by(lambda value: isinstance(value, str) and value in members, _or([str(each) for each in members]))
        if isinstance(found, UnionType):
            return _union([self.name(each.__name__) for each in found.__args__])
        if isinstance(found, str):  # An alias.
            return self.text(found)
        if name == "Operand":
            return _OPERAND
        if getattr(found, "__origin__", None) is Callable:
            return _PLAIN["Callable"]
        if name in ("Any", "object") or (found is not None and not isinstance(found, type)):
            return _ANY
        return _named(name)


class _Call(NamedTuple):
    kinds: dict[str, Kind]
    names: list[str]
    rest: str | None
    """The parameter that takes all further positions, and of those that takes all further names."""
    more: str | None
    needed: list[str]
    others: set[str]
    """Those that are given by name alone."""


def _read(function: Callable[..., Any], finite: bool) -> _Call:
    reader = _Reader(getattr(unwrap(function), "__globals__", {}), finite)
    kinds: dict[str, Kind] = {}
    names: list[str] = []
    needed: list[str] = []
    others: set[str] = set()
    rest = more = None
    for each in signature(function).parameters.values():
        if isinstance(each.annotation, str):
            kind = reader.text(each.annotation)
            if kind is not _ANY:
                kinds[each.name] = kind
        if each.kind is Parameter.VAR_POSITIONAL:
            rest = each.name
        elif each.kind is Parameter.VAR_KEYWORD:
            more = each.name
        else:
            if each.kind is Parameter.KEYWORD_ONLY:
                others.add(each.name)
            else:
                names.append(each.name)
            if each.default is Parameter.empty:
                needed.append(each.name)
    return _Call(kinds, names, rest, more, needed, others)


def shown(value: object) -> str:
    """Return a value as it is shown in errors, in one short line.

    >>> krach.arguments.shown(["x" * 100])[-10:], krach.arguments.shown(object())
    ('xxxxxxxxx…', 'an object')
    """
    try:
        text = repr(value)
    except Exception:
        text = " object at 0x"
    if " at 0x" in text:
        called = getattr(value, "__name__", None)
        kind = type(value).__name__
        text = str(called) if called is not None else f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def refused(called: str, name: str, value: object, said: str, error: type[KrachError] = ArgumentError) -> KrachError:
    """Make the error of a parameter.

    >>> print(krach.arguments.refused("kr.gain", "gain", None, "a number"))
    kr.gain: gain cannot be None
    gain is a number
    """
    hint = f"{name.partition('[')[0]} is {said}"
    return error(f"{called}: {name} cannot be {shown(value)}\n{hint}", place=name, hint=hint)


def checked(
    called: str, error: type[KrachError] = ArgumentError, pure: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Hold what a function is given against its annotations, before it is called.

    A name that begins with a dot is that of a method; what it is of is asked when something is wrong. ``pure``: the
    function does nothing beside its answer. If it refuses the same in words of its own, these are said, and it sees
    itself whether numbers are finite.

    >>> @krach.arguments.checked("fader")
    ... def fader(node: "str", gain: "float") -> None:
    ...     pass
    >>> fader("kick", float("nan"))
    Traceback (most recent call last):
    krach.arguments.ArgumentError: fader: gain cannot be nan
    gain is a number
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        known: list[_Call] = []

        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if not known:
                known.append(_read(function, not pure))
            about = known[0]
            if wrong := _misplaced(about, args, kwargs):
                raise error(f"{_owned(called, args)}{wrong}", place=called.removeprefix("."))
            fault = _fault(about, args, kwargs)
            if fault is None:
                return function(*args, **kwargs)
            raise (_own_words(function, args, kwargs) if pure else None) or _error(called, args, fault, error)

        return call

    return wrap


class _Fault(NamedTuple):
    name: str
    where: str
    """The place in what was given for it."""
    wrong: object
    said: str


def _fault(about: _Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Fault | None:
    """Return the first argument that does not fit."""
    kinds, names, rest, more = about[:4]
    for index, value in enumerate(args):
        name = names[index] if index < len(names) else rest
        if name in kinds and (found := kinds[name].fits(value)) is not None:
            return _Fault(name, *found, kinds[name].said)
    for name, value in kwargs.items():
        kind = kinds.get(name if name in kinds or more is None else more)
        if kind is not None and (found := kind.fits(value)) is not None:
            return _Fault(name, *found, kind.said)
    return None


def _own_words(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> KrachError | None:
    try:
        function(*args, **kwargs)
    except KrachError as error:
        return None if " at 0x" in str(error) else error
    except Exception:
        return None
    return None


def _error(called: str, args: tuple[Any, ...], fault: _Fault, error: type[KrachError]) -> KrachError:
    name, where, wrong, said = fault
    owned = _owned(called, args)
    if name == "value" and called.startswith("."):  # It is set: an item or a property.
        name = f"{owned}[{shown(args[1])}]" if called == "." else owned
        hint = f"{name} is {said}"
        return error(f"{name}{where} cannot be {shown(wrong)}\n{hint}", place=name, hint=hint)
    return refused(owned, f"{name}{where}", wrong, said, error)


def _owned(called: str, args: tuple[Any, ...]) -> str:
    """Return what is called, a method with what it is of."""
    if not called.startswith("."):
        return called
    owner = args[0].__name__ if isinstance(args[0], type) else str(args[0]._called()).removeprefix("a ")
    return owner if called == "." else f"{owner}{called}"


def _misplaced(about: _Call, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """Return what is wrong with how many arguments there are, and with their names."""
    names = about.names
    known = about.others.union(names) - {"self", "cls"}
    takes = f"it takes {', '.join(each for each in [*names, *sorted(about.others)] if each in known)}"
    if about.rest is None and len(args) > len(names):
        return f" has no place for {shown(args[len(names)])}\n{takes}"
    if about.more is None:
        for name in kwargs:
            if name not in known:
                return f" takes no {name}\n{did_you_mean(name, known) or takes}"
    given = names[: len(args)]
    for name in about.needed:
        if name not in given and name not in kwargs:
            return f" needs {name}\n{takes}"
    twice = next((name for name in given if name in kwargs), None)
    return None if twice is None else f" is given {twice} twice\n{takes}"


_ITEMS = ("__getitem__", "__setitem__", "__delitem__")


def guarded(error: type[KrachError] = ArgumentError, pure: bool = False) -> Callable[[T], T]:
    """Check the arguments of the public methods that a class defines, of its items and its setters.

    >>> krp.hit().fast(None)
    Traceback (most recent call last):
    krach.pattern.error.PatternError: None is no number and no pattern of numbers
    >>> krach.ModuleProxy().node("kick", "faust:kick", gain=float("nan"))
    Traceback (most recent call last):
    krach.error.ModuleError: module.node: gain cannot be nan
    gain is a number
    """

    def guard(kind: T) -> T:
        own: dict[str, Any] = dict(vars(kind))
        for name, there in own.items():
            public = not name.startswith("_")
            if isinstance(there, property) and there.fset is not None and public:
                setter = cast("Callable[..., Any]", there.fset)
                setattr(kind, name, there.setter(checked(f".{name}", error, pure)(setter)))
            elif _is_function(there) and (public or name in _ITEMS):
                inner = cast("Any", there)
                setattr(kind, name, checked(f".{name}" if public else ".", error, pure)(inner))
            elif isinstance(there, classmethod) and public:
                inner = cast("Any", there).__func__
                setattr(kind, name, classmethod(checked(f".{name}", error, pure)(inner)))
        return kind

    return guard


def _is_function(there: object) -> bool:
    return type(there).__name__ == "function"


def guard_all(module: str, called: str, names: Iterable[str], error: type[KrachError], pure: bool = False) -> None:
    """Check the arguments of the public functions of a module."""
    there = vars(sys.modules[module])
    for name in names:
        if _is_function(there.get(name)):
            there[name] = checked(f"{called}.{name}", error, pure)(there[name])

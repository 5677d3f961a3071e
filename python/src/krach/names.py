"""Names that nothing has: the error, with the nearest name that there is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from .elsewhere import here, snake
from .error import KrachError

_LIKE = 3
"""Letters that two names have at least, where one begins with the other."""


class NoSuchName(KrachError, AttributeError):
    """A name that an object or a module does not have.

    >>> krp.revers
    Traceback (most recent call last):
    krach.names.NoSuchName: krp has no revers
    did you mean the method reverse of patterns?
    """


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the most similar of some names, if one is similar.

    >>> krach.names.nearest("vreb", ["kick", "verb"])
    'verb'
    >>> krach.names.nearest("sometimesBy", ["sometimes", "sometimes_by"])
    'sometimes_by'
    >>> krach.names.nearest("kick", ["faust:kick", "faust:bass"])
    'faust:kick'
    """
    import difflib  # noqa: PLC0415

    names = list(known)
    plain = snake(name)
    for exact in (plain, f"faust:{name}"):
        if exact in names:
            return exact
    close = difflib.get_close_matches(plain, names, 1)
    begun = [
        each
        for each in names
        if min(len(each), len(plain)) >= _LIKE and (plain.startswith(each) or each.startswith(plain))
    ]
    return next(iter(close + sorted(begun, key=len, reverse=True)), None)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return the hint for a name that is not there, if a similar one is.

    >>> krach.names.did_you_mean("kik", ["kick", "verb"])
    'did you mean kick?'
    """
    near = nearest(name, known)
    return None if near is None else f"did you mean {near}?"


def no_such_name(message: str, place: str, hint: str | None) -> NoSuchName:
    """Make the error; the hint stands below.

    >>> print(krach.names.no_such_name("kr has no nod", "nod", "did you mean node?"))
    kr has no nod
    did you mean node?
    """
    return NoSuchName(message if hint is None else f"{message}\n{hint}", place=place, hint=hint)


def of_module(module: str, called: str, kind: type | None = None, what: str = "") -> Callable[[str], Any]:
    """Return what a module's ``__getattr__`` is: it is asked for names that the module does not have.

    What has methods of the nearest name is named, too: ``kind``, and ``what`` it is called. Beside patterns stand the
    names of other programs.

    >>> krs.sawtooth
    Traceback (most recent call last):
    krach.names.NoSuchName: krs has no sawtooth
    did you mean saw?
    """

    def missing(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module {module} has no attribute {name}")
        own: list[str] = list(vars(sys.modules[module]).get("__all__", ()))
        methods = [each for each in dir(kind) if not each.startswith("_")]
        near = nearest(name, [*own, *methods])
        is_method = near in methods and near not in own
        likely = f"did you mean the method {near} of {what}?" if is_method else did_you_mean(name, own)
        hint = likely if kind is None else here(name) or likely
        raise no_such_name(f"{called} has no {name}", name, hint)

    return missing


class OwnNames:
    """An object that has the names of its class and no others: what is read or set under another name is an error.

    >>> m = krach.ModuleProxy()
    >>> m.tempoo = 140
    Traceback (most recent call last):
    krach.names.NoSuchName: a module has no tempoo to set
    did you mean tempo?
    """

    __slots__ = ()

    _set_once: ClassVar[frozenset[str]] = frozenset()
    """Fields that are set where the object is made."""
    _set_freely: ClassVar[frozenset[str]] = frozenset()
    """Fields that may be set at any time, beside properties."""

    if not TYPE_CHECKING:  # What is typed is checked against the names that there are.

        def __getattr__(self, name: str) -> Any:
            """Raise ``NoSuchName``: this is asked only for what is not there."""
            if name.startswith("_"):
                raise AttributeError(f"{type(self).__name__} has no attribute {name}")
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)  # Raises again what its property raised.
            raise no_such_name(f"{self._called()} has no {name}", name, self._read_hint(name))

        def __setattr__(self, name: str, value: Any) -> None:
            """Set what can be set."""
            there = getattr(type(self), name, None)
            is_new = name in self._set_once and name not in vars(self)
            if name.startswith("_") or is_new or name in self._set_freely or getattr(there, "fset", None) is not None:
                object.__setattr__(self, name, value)
                return
            if isinstance(there, property) or name in self._set_once:
                raise no_such_name(f"{name} of {self._called()} is only read", name, None)
            raise no_such_name(f"{self._called()} has no {name} to set", name, self._set_hint(name, value))

    def _called(self) -> str:
        return type(self).__name__

    def _public(self) -> list[str]:
        return [each for each in dir(type(self)) if not each.startswith("_")]

    def _read_hint(self, name: str) -> str | None:
        return did_you_mean(name, self._public())

    def _set_hint(self, name: str, value: Any) -> str | None:
        if callable(getattr(type(self), name, None)):
            return f"{self._called()}.{name}({value!r})"
        kind = type(self)
        known = [each for each in self._public() if getattr(getattr(kind, each), "fset", None) is not None]
        return did_you_mean(name, [*known, *self._set_freely])

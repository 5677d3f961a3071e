"""Every public call, with what nobody means: it works, or krach says what is wrong."""

from __future__ import annotations

import functools
import inspect
import math
import traceback
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import krach
import krach.pattern as krp
import krach.signal as krs

ODD: dict[str, Any] = {
    "None": None,
    "nan": math.nan,
    "inf": -math.inf,
    "object": object(),
    "dict": {"a": 1},
    "list": [1, "a", None],
    "set": {1},
    "huge": 10**400,
    "negative": -(10**19),
    "bytes": b"x",
    "nul": "a\0b",
    "surrogate": "\ud800",
    "empty": "",
    "bool": True,
    "complex": 1j,
    "type": int,
    "fails": lambda *_: 1 / 0,
}

PACKAGE = str(Path(krach.__file__).parent)


def ours(error: BaseException) -> str | None:
    """Return what is wrong with an error; none if a musician can read it."""
    if isinstance(error, ZeroDivisionError) and _raised_by_the_value(error):
        return None
    if not isinstance(error, krach.KrachError):
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} of {Path(last.filename).name}:{last.lineno}: {str(error)[:120]}"
    text = str(error)
    if not text or "Traceback" in text or " object at 0x" in text or len(text) > 2000:
        return f"{type(error).__name__}: {text[:200]!r}"
    return None


def _raised_by_the_value(error: BaseException) -> bool:
    return traceback.extract_tb(error.__traceback__)[-1].filename == __file__


# What each parameter is, where only one is odd.

PLAIN: dict[str, Any] = {
    "name": "bass", "node": "bass", "target": "verb", "source": "bass", "path": "bass/cutoff", "value": 400.0,
    "gain": 0.5, "level": 0.5, "stem": 1, "number": 3, "n": 1, "cc": 74, "label": "bass/cutoff", "control": "cutoff",
    "shape": "sine", "pattern": "A2", "text": "process = 1;", "type": "faust:kick", "begin": 0, "end": 1,
    "scene": "verse", "to": "chorus", "ir": krach.ModuleIr(), "prefix": "group", "on": True, "file": "odd", "bars": 1,
    "method": "history", "params": {}, "when": "now", "listener": print, "fields": {}, "define": lambda m: None,
    "session": None, "event": {"message": "x"}, "timeout": 5.0, "wait": True, "function": krs.sr,
    "x": 0.5, "freq": 220.0, "samples": 4, "fn": lambda x: x, "gate": 1.0, "template": "{0}", "data": [0.0, 1.0],
    "table": [0.0, 1.0], "size": 8, "init": 0.0, "lo": 0.0, "hi": 1.0, "index": 0, "write_index": 0, "read_index": 0,
    "time": 0.1, "cutoff": 300.0, "position": 0.0, "selector": 0, "when_zero": 0.0, "when_one": 1.0,
    "attack": 0.1, "decay": 0.1, "sustain": 0.5, "release": 0.1, "a": 1.0, "b": 2.0, "y": 2.0, "seconds": 0.01,
    "module": krach.ModuleIr(), "requests": [], "secs": 1.0, "line": None,
}  # fmt: skip


def parameters(call: Callable[..., Any]) -> list[inspect.Parameter]:
    return [each for each in inspect.signature(call).parameters.values() if each.name not in ("self", "kind")]


def tries(call: Callable[..., Any], plain: dict[str, Any]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give each call with one odd value, and what it is."""
    given = parameters(call)
    needed = {each.name: plain[each.name] for each in given if each.default is each.empty and each.name in plain}
    for each in given:
        for what, odd in ODD.items():
            if odd is int and "Callable" in str(each.annotation):
                continue  # What a function raises that one gives is its own.
            args: list[Any] = []
            kwargs: dict[str, Any] = {}
            for other in given:
                value = odd if other is each else needed.get(other.name)
                if other.kind is other.VAR_POSITIONAL:
                    args += [odd] if other is each else [0.5]
                elif other.kind is other.VAR_KEYWORD:
                    kwargs |= {"cutoff": odd} if other is each else {}
                elif other is each or other.default is other.empty:
                    if other.kind is other.KEYWORD_ONLY:
                        kwargs[other.name] = value
                    elif other.default is other.empty:
                        args.append(value)
                    else:
                        kwargs[other.name] = value
            yield f"{each.name}={what}", lambda args=args, kwargs=kwargs: call(*args, **kwargs)


def methods_of(kind: type) -> list[str]:
    names = [each for each in dir(kind) if not each.startswith("_")]
    return [each for each in names if callable(getattr(kind, each)) and not isinstance(vars(kind).get(each), type)]


def wrong(name: str, call: Callable[..., Any], plain: dict[str, Any] | None = None) -> Iterator[str]:
    for what, attempt in tries(call, PLAIN | (plain or {})):
        try:
            done = attempt()
            if inspect.isgenerator(done) or hasattr(done, "__enter__"):
                with done:
                    pass
            repr(done)
        except BaseException as error:
            said = ours(error)
            if said is not None:
                yield f"{name}({what}): {said}"


def told(found: Iterator[str]) -> None:
    lines = list(found)
    assert not lines, f"{len(lines)}:\n" + "\n".join(lines)


def test_patterns() -> None:
    def found() -> Iterator[str]:
        for name in krp.__all__:
            call = getattr(krp, name)
            if callable(call) and (call is krp.Pattern or not isinstance(call, type)):
                yield from wrong(f"krp.{name}", call, {"pattern": krp.p("A2 C3"), "children": krp.p("A2")})
        for name in methods_of(krp.Pattern):
            yield from wrong(f"Pattern.{name}", getattr(krp.p("A2 <C3 E3>"), name), {"pattern": krp.p("x x")})
        for what, odd in ODD.items():
            for name in ("__add__", "__or__", "__mul__", "__radd__", "__ror__", "__rmul__"):
                if hasattr(krp.Pattern, name):
                    yield from wrong_operator(f"Pattern.{name}({what})", krp.p("A2"), name, odd)

    told(found())


OPERATORS = {
    "__add__": lambda a, b: a + b, "__radd__": lambda a, b: b + a, "__sub__": lambda a, b: a - b,
    "__rsub__": lambda a, b: b - a, "__mul__": lambda a, b: a * b, "__rmul__": lambda a, b: b * a,
    "__truediv__": lambda a, b: a / b, "__rtruediv__": lambda a, b: b / a, "__mod__": lambda a, b: a % b,
    "__rmod__": lambda a, b: b % a, "__pow__": lambda a, b: a**b, "__rpow__": lambda a, b: b**a,
    "__lt__": lambda a, b: a < b, "__le__": lambda a, b: a <= b, "__gt__": lambda a, b: a > b,
    "__ge__": lambda a, b: a >= b, "__or__": lambda a, b: a | b, "__ror__": lambda a, b: b | a,
    "__and__": lambda a, b: a & b, "__xor__": lambda a, b: a ^ b, "__eq__": lambda a, b: a == b,
    "__ne__": lambda a, b: a != b, "__getitem__": lambda a, b: a[b], "__rshift__": lambda a, b: a >> b,
    "__matmul__": lambda a, b: a @ b,
}  # fmt: skip


def wrong_operator(name: str, value: Any, operator: str, odd: Any) -> Iterator[str]:
    try:
        OPERATORS[operator](value, odd)
    except BaseException as error:
        # Python's own words for two values that do not go together.
        if isinstance(error, TypeError) and _raised_by_the_value(error):
            return
        said = ours(error)
        if said is not None:
            yield f"{name}: {said}"


def traced(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let a call be made while a function is traced."""

    @functools.wraps(call)
    def graph(*args: Any, **kwargs: Any) -> Any:
        return krs.graph(lambda: call(*args, **kwargs))

    return graph


def test_signals() -> None:
    def found() -> Iterator[str]:
        for name in krs.__all__:
            call = getattr(krs, name)
            if callable(call) and not (isinstance(call, type) and issubclass(call, BaseException)) and name != "Signal":
                yield from wrong(f"krs.{name}", traced(call))
                yield from wrong(f"krs.{name}", call)

    told(found())


def test_modules() -> None:
    def made() -> krach.ModuleProxy:
        proxy = krach.ModuleProxy()
        proxy.node("bass", "faust:bass")
        proxy.node("verb", "faust:reverb")
        return proxy

    def found() -> Iterator[str]:
        for name in methods_of(krach.ModuleProxy):
            call = getattr(krach.ModuleProxy, name)
            bound = lambda *a, call=call, **k: call(made(), *a, **k)  # noqa: E731
            bound.__signature__ = inspect.signature(getattr(made(), name))  # pyright: ignore[reportFunctionMemberAccess]
            yield from wrong(f"m.{name}", bound, {"name": "other"} if name in ("node", "sub") else None)
        for name in ("tempo", "meter", "master"):
            for what, odd in ODD.items():
                proxy = made()
                try:
                    setattr(proxy, name, odd)
                    proxy.build()
                except BaseException as error:
                    said = ours(error)
                    if said is not None:
                        yield f"m.{name} = {what}: {said}"
        yield from wrong("krach.export", krach.export)
        yield from wrong("krach.module", krach.module)
        for kind in (krach.ModuleIr, krach.DspGraph):
            yield from wrong(f"{kind.__name__}.from_dict", lambda data, kind=kind: kind.from_dict(data))

    told(found())


LEFT = {"attach", "close", "connection", "wait", "recorded", "ask", "change", "exact", "listen", "name", "instances"}
"""Of the session: what would end the test itself, and what hands the wire through."""


def fresh(kr: krach.Session) -> None:
    with kr.batch():
        kr.clear()
        kr.node("bass", "faust:bass")
        kr.node("verb", "faust:reverb")
    kr.save("verse", number=3)


def test_session(kr: krach.Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def found() -> Iterator[str]:
        fresh(kr)
        for name in methods_of(krach.Session):
            if name in LEFT or hasattr(krach.session.words.Words, name):
                continue
            yield from wrong(f"kr.{name}", getattr(kr, name), {"source": "faust:bass"} if name in NODES else None)
            fresh(kr)
        for handle in (kr["bass"], kr.module_handle("bass", krach.session.Change(nodes=["bass"]))):
            for name in methods_of(type(handle)):
                yield from wrong(f"{type(handle).__name__}.{name}", getattr(handle, name), {"target": 0.5})
                fresh(kr)
            for what, odd in ODD.items():
                for operator in ("__matmul__", "__rshift__", "__getitem__", "__eq__"):
                    yield from wrong_operator(f"{type(handle).__name__}.{operator}({what})", handle, operator, odd)
                for value in (odd, ("cutoff", odd), (odd, "A2"), (odd,), (kr["verb"], odd)):
                    yield from wrong_operator(f"handle @ {what} {value!r}", handle, "__matmul__", value)
                    yield from wrong_operator(f"handle >> {what} {value!r}", handle, "__rshift__", value)
                yield from wrong_set(
                    f"handle[cutoff] = {what}", lambda handle=handle, odd=odd: handle.__setitem__("cutoff", odd)
                )
                yield from wrong_set(f"handle[{what}]", lambda handle=handle, odd=odd: handle.__setitem__(odd, 1.0))
                yield from wrong_operator(f"kr[{what}]", kr, "__getitem__", odd)
                yield from wrong_set(f"kr[{what}] = 1", lambda odd=odd: kr.__setitem__(odd, 1.0))
        acid = kr.node("acid", "patch:acid")
        for what, odd in ODD.items():
            yield from wrong_set(f"settings = {what}", lambda odd=odd: acid.settings.__setitem__("seq/steps", odd))
            yield from wrong_set(f"settings[{what}]", lambda odd=odd: acid.settings.__setitem__(odd, "A1"))
            yield from wrong_set(f"settings[{what}]", lambda odd=odd: acid.settings[odd])
            yield from wrong_set(f"del settings[{what}]", lambda odd=odd: acid.settings.__delitem__(odd))
            for name in ("tempo", "meter", "master", "free_run", "seed", "start", "name"):
                yield from wrong_set(f"kr.{name} = {what}", lambda name=name, odd=odd: setattr(kr, name, odd))

    told(found())


NODES = ("node", "voice", "bus")


def wrong_set(name: str, attempt: Callable[[], Any]) -> Iterator[str]:
    try:
        attempt()
    except BaseException as error:
        said = ours(error)
        if said is not None:
            yield f"{name}: {said}"


def test_exact_numbers_are_numbers(kr: krach.Session) -> None:
    """What is a number to Python is one here, too."""
    kr.node("bass", "faust:bass", gain=Fraction(1, 2))
    kr.set("bass/cutoff", Fraction(800))
    assert (kr["bass"].gain_now, kr["bass/cutoff"]) == (0.5, 800.0)


def test_what_has_a_time_takes_every_kind_of_time(kr: krach.Session) -> None:
    kick = kr.node("kick", "faust:kick")
    kr.tempo = 120
    for at in (None, "now", "cycle", "bar", 1000, 1000.5):
        for call in (kick.mute, kick.unmute, kick.hush, kick.solo, kick.unsolo):
            call(at=at, dry_run=True)
        kick.gain(0.5, at=at, dry_run=True)
        kick.play("x*4", at=at, dry_run=True)
        kr.mute("kick", at=at, dry_run=True)

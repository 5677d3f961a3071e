"""A pattern as the text of the calls that build it.

A call is made while it is written: where it gives another pattern than it should, the tree is written as JSON.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

from . import builders, ir
from .pattern import Pattern
from .pitch import ftom, mtof
from .ratio import plain, ratio

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9#_:]*\Z")
_MAX_BRACKETS = 60
"""Calls stand in one another up to here: Python reads no more than 200 brackets."""


@dataclass(frozen=True, slots=True)
class _Made:
    """A text and what it makes."""

    text: str
    value: Any


def source(pattern: Pattern) -> str:
    """Return a Python expression that builds the pattern, with ``krp`` for ``krach.pattern``.

    >>> print(krp.source(krp.p("A2 . C3*2")))
    krp.cat(krp.note("A2"), None, krp.note("C3").fast(2))
    >>> print(krp.source(krp.hit("kick/gate").spread(3, 8).every(4, lambda p: p.fast(2))))
    krp.hit("kick/gate").spread(3, 8).every(4, lambda p: p.fast(2))
    """
    return _Writer().made(pattern.node).text


class _Writer:
    def __init__(self) -> None:
        # What stands for which pattern inside of functions.
        self.known: list[tuple[ir.Node, str]] = []
        self.depth = 0

    def made(self, node: ir.Node) -> _Made:
        """Write a node."""
        for known, name in reversed(self.known):
            if known == node:
                return _Made(name, Pattern(node))
        self.depth += 1
        made = self._call(node) if self.depth <= _MAX_BRACKETS else None
        self.depth -= 1
        if made is not None and made.value == Pattern(node):
            return made
        pattern = Pattern(node)
        # A tree of brackets would be too deep, too.
        return _Made(f"krp.Pattern.from_json({pattern.to_json()!r})", pattern)

    def _call(self, node: ir.Node) -> _Made | None:
        match node:
            case ir.Atom():
                return self._atom(node.value)
            case ir.Silence():
                return _builder("rest")
            case ir.Number(value):
                return _builder("number", _literal(value))
            case ir.Name(name):
                return _builder("name", _literal(name))
            case ir.Cat(children):
                return self._cat(node, children)
            case ir.Stack(children):
                return _builder("stack", *map(self._step, children))
            case ir.Slow((n, 1), ir.Cat(children)) if n == len(children) and n > 1:
                return self._values(node) or _builder("turns", *map(self._step, children))
            case ir.Pick(index, children):
                return _builder("pick", self._argument(index), *map(self._step, children))
            case ir.Choose(weights, seed, children):
                options = {"weights": weights, "seed": seed or None}
                return _builder("choose", *map(self._step, children), **_given(options))
            case ir.Shape():
                return self._shape(node)
            case ir.Freeze(child):
                return self._tone(node) or _method(self.made(child), "freeze")
            case _:
                return self._method(node)

    def _atom(self, value: ir.Value) -> _Made:
        match value:
            case ir.Control(label, number):
                return _builder("ctrl", _literal(label), _literal(number))
            case ir.Note(channel, note, velocity, dur):
                return _builder("midi_note", *map(_literal, (note, velocity, dur, channel)))
            case ir.Cc(channel, controller, level):
                return _builder("cc", *map(_literal, (controller, level, channel)))
            case ir.Osc(address, args):
                return _builder("osc", *map(_literal, (address, *args)))
            case ir.Named(label, name):
                return _method(_builder("name", _literal(name)), "control", _literal(label))

    def _shape(self, node: ir.Shape) -> _Made:
        args = [_literal(node.label), *([] if node.table is None else [_literal(list(node.table))])]
        args += [_literal(node.lo), _literal(node.hi)]
        return _builder(node.kind, *args, **_given({"duty": node.duty, "seed": node.seed}))

    def _cat(self, node: ir.Cat, children: tuple[ir.Node, ...]) -> _Made | None:
        values = self._values(node)
        if values is not None:
            return values
        if len(children) > 1 and len(set(children)) == 1:
            one = self.made(children[0])
            # A lambda would take the product in.
            text = f"({one.text})" if one.text.startswith("lambda") else one.text
            return _Made(f"{text} * {len(children)}", one.value * len(children))
        steps = [_literal(None) if isinstance(child, ir.Silence) else _pitch(child) for child in children]
        if None not in steps and any(not isinstance(child, ir.Silence) for child in children):
            return _builder("seq", *(step for step in steps if step is not None))
        return _builder("cat", *map(self._step, children))

    def _step(self, node: ir.Node) -> _Made:
        """Write one of several; a rest is ``None``."""
        return _literal(None) if node == ir.Silence() else self.made(node)

    def _tone(self, node: ir.Freeze) -> _Made | None:
        """Write a hit, a note or a chord, if it is one."""
        match node.child:
            case ir.Stack(children):
                pitches = [_pitch(child) for child in children]
                return (
                    None if None in pitches else _builder("chord", *(pitch for pitch in pitches if pitch is not None))
                )
            case ir.Cat((begins, ir.Atom(ir.Control(gate, _)))):
                said = begins.children if isinstance(begins, ir.Stack) else (begins,)
            case _:
                return None
        controls = [kid.value for kid in said if isinstance(kid, ir.Atom) and isinstance(kid.value, ir.Control)]
        if len(controls) != len(said) or not controls:
            return None
        params = {control.label: control.value for control in controls[:-1]}
        if not all(name.isidentifier() and not keyword.iskeyword(name) for name in params) or "label" in params:
            return None
        hz = params.pop("freq", None) if gate == "gate" else None
        options = {name: _literal(value) for name, value in params.items()}
        if hz is None:
            return _builder("hit", *([] if gate == "gate" else [_literal(gate)]), **options)
        return None if "pitch" in params else _builder("note", _tone_of(hz), **options)

    def _values(self, node: ir.Node) -> _Made | None:
        """Write a line of numbers and names, if it is one."""
        text = _line(node)
        return None if text is None else _builder("values", _literal(text))

    def _argument(self, node: ir.Node) -> _Made:
        """Write values where a number or a text of them may stand."""
        if isinstance(node, ir.Number):
            return _literal(node.value)
        text = _line(node)
        return self.made(node) if text is None else _literal(text)

    def _change(self, node: ir.Node, child: ir.Node) -> _Made:
        """Write a function that makes a node of a child."""
        name = "pqrstuvw"[len(self.known) % 8]
        self.known.append((child, name))
        text = self.made(node).text
        self.known.pop()

        def change(_: Pattern) -> Pattern:
            return Pattern(node)

        return _Made(f"lambda {name}: {text}", change)

    def _method(self, node: ir.Node) -> _Made | None:  # noqa: PLR0912
        match node:
            case ir.Fast(factor, child) | ir.Slow(factor, child):
                return _method(self.made(child), node.op.lower(), _ratio(factor))
            case ir.Early(offset, child) | ir.Late(offset, child):
                return _method(self.made(child), node.op.lower(), _ratio(offset))
            case ir.Rev(child):
                return _method(self.made(child), "reverse")
            case ir.Every(n, transform, child):
                return _method(self.made(child), "every", _literal(n), self._change(transform, child))
            case ir.Euclid(pulses, steps, rotation, child):
                turn = [_literal(rotation)] if rotation else []
                return _method(self.made(child), "spread", _literal(pulses), _literal(steps), *turn)
            case ir.Degrade(prob, seed, child):
                return _method(self.made(child), "thin", _literal(prob), *([_literal(seed)] if seed else []))
            case ir.Chance(prob, seed, invert, child):
                options = _given({"seed": seed or None, "invert": invert or None})
                return _method(self.made(child), "chance", _literal(prob), **options)
            case ir.Vary():
                return self._vary(node)
            case ir.Label(label, child, plain):
                return _method(self.made(child), "plain" if plain else "control", _literal(label))
            case ir.Combine(kind, structure, left, right):
                return self._combine(kind, structure, left, right)
            case ir.Split(kind, n, child):
                return self._split(kind, n, child)
            case ir.Zoom(begin, end, child):
                return _method(self.made(child), "zoom", _ratio(begin), _ratio(end))
            case ir.Segment(n, child):
                return _method(self.made(child), "segment", _literal(n))
            case ir.Tune(tuning, keys, child):
                return _method(self.made(child), "tuned", _literal(tuning), *([] if keys is None else [_literal(keys)]))
            case ir.Shuffle(kind, n, seed, child):
                return _method(self.made(child), kind, _literal(n), *([_literal(seed)] if seed else []))
            case ir.Warp(_, amount, grid, child):
                return _method(self.made(child), "swing", _literal(amount), *([] if grid == 8 else [_literal(grid)]))
            case _:
                return None

    def _vary(self, node: ir.Vary) -> _Made:
        by = [self._pattern_of_numbers(each) for each in node.by]
        child = self.made(node.child)
        match node.kind, node.transform:
            case "every", ir.Node() as transform:
                return _method(child, "every", *by, self._change(transform, node.child))
            case "euclid", _:
                return _method(child, "spread", *map(self._argument, node.by))
            case kind, _:
                return _method(child, kind, *by, **_given({"seed": node.seed or None}))

    def _pattern_of_numbers(self, node: ir.Node) -> _Made:
        """Write a pattern of numbers where a number by itself would mean another operator."""
        return self.made(node) if isinstance(node, ir.Number) else self._argument(node)

    def _combine(self, kind: str, structure: str, left: ir.Node, right: ir.Node) -> _Made:
        made, other = self.made(left), self._argument(right)
        if kind == "mask" and structure == "right":
            return _method(made, "struct", other)
        if structure == "left" and kind in ("mask", "scale", "inv", "voicing", "inv_stack"):
            return _method(made, kind, other)
        if kind in ("add", "sub", "mul", "div", "mod", "set", "keep"):
            return _method(made, kind, other, *([] if structure == "left" else [_literal(structure)]))
        return _method(made, "combine", _literal(kind), other, _literal(structure))

    def _split(self, kind: str, n: int, child: ir.Node) -> _Made:
        made = self.made(child)
        if kind == "ply":
            return _method(made, "ply", _literal(n))
        if kind.startswith("rolled"):
            return _method(made, "rolled", _literal(n), **_given({"down": kind == "rolled_down" or None}))
        return _method(made, "arp", _literal(kind), *([] if n == 1 else [_literal(n)]))


def _literal(value: object) -> _Made:
    if isinstance(value, str):
        quoted = repr(value)
        double = '"' + quoted[1:-1] + '"' if quoted[0] == "'" and '"' not in quoted else quoted
        return _Made(double, value)
    if isinstance(value, list | tuple):
        items = [_literal(item) for item in cast("list[object]", value)]
        texts = ", ".join(item.text for item in items)
        made = [item.value for item in items]
        if isinstance(value, list):
            return _Made(f"[{texts}]", made)
        return _Made(f"({texts},)" if len(items) == 1 else f"({texts})", tuple(made))
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 and str(value) != "-0.0":
        return _Made(str(int(value)), int(value))
    return _Made(repr(value), value)


def _given(options: Mapping[str, object]) -> dict[str, _Made]:
    return {name: _literal(value) for name, value in options.items() if value is not None}


def _written(args: tuple[_Made, ...], options: dict[str, _Made]) -> str:
    return ", ".join([*(arg.text for arg in args), *(f"{name}={value.text}" for name, value in options.items())])


def _made(text: str, call: Callable[..., Any], args: tuple[_Made, ...], options: dict[str, _Made]) -> _Made:
    try:
        value = call(*(arg.value for arg in args), **{name: each.value for name, each in options.items()})
    except (ValueError, TypeError, ArithmeticError):
        value = None
    return _Made(f"{text}({_written(args, options)})", value)


def _builder(name: str, *args: _Made, **options: _Made) -> _Made:
    return _made(f"krp.{name}", getattr(builders, name), args, options)


def _method(on: _Made, name: str, *args: _Made, **options: _Made) -> _Made:
    # A product binds less than a method.
    text = f"({on.text})" if re.search(r"\) \* \d+\Z", on.text) else on.text
    return _made(f"{text}.{name}", getattr(on.value, name), args, options)


def _ratio(given: ir.Ratio) -> _Made:
    n, d = given
    if d == 1:
        return _Made(str(n), n)
    if d > 1 and ratio(n / d) == given:
        return _Made(f"{n} / {d}", n / d)
    return _Made(f"Fraction({n}, {d})", Fraction(n, d) if d else None)


def _pitch(node: ir.Node) -> _Made | None:
    """Write the pitch of a note that says nothing else."""
    match node:
        case ir.Freeze(ir.Cat((ir.Stack((ir.Atom(ir.Control("freq", hz)), _)), _))):
            made = _tone_of(hz)
            return made if builders.note(made.value).node == node else None
        case _:
            return None


def _tone_of(hz: float) -> _Made:
    key = round(ftom(hz)) if 0 < hz < 1e6 else -1
    if 0 <= key < 128 and mtof(key) == hz:
        return _literal(f"{_NAMES[key % 12]}{key // 12 - 1}")
    return _Made(repr(float(hz)), float(hz))


def _line(node: ir.Node) -> str | None:
    """Return a pattern of values as a line of them, if it is one."""
    match node:
        case ir.Cat(children) if len(children) > 1:
            words = [_word(child) for child in children]
        case ir.Slow((n, 1), ir.Cat(children)) if n == len(children) > 1:
            words = [_word(node)]
        case ir.Name(name) if _WORD.match(name):
            words = [name]
        case _:
            return None
    text = " ".join(word for word in words if word is not None)
    if None in words or not any(isinstance(each, ir.Number | ir.Name) for each in node.walk()):
        return None
    return text if builders.values(text).node == node else None


def _word(node: ir.Node) -> str | None:
    match node:
        case ir.Number(value):
            return plain(value)
        case ir.Name(name) if _WORD.match(name):
            return name
        case ir.Silence():
            return "~"
        case ir.Cat(children) if len(children) > 1:
            brackets = "[]"
        case ir.Slow((n, 1), ir.Cat(children)) if n == len(children) > 1:
            brackets = "<>"
        case _:
            return None
    words = [_word(child) for child in children]
    return (
        None if None in words else f"{brackets[0]}{' '.join(word for word in words if word is not None)}{brackets[1]}"
    )

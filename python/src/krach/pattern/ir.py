"""The pattern tree as values: what the plugin takes and documents keep.

Nodes are immutable. Two are equal if they play the same by the same operators: the ``span`` of text that a node came
from does not count. Fractions are pairs ``(numerator, denominator)``, as in JSON, not reduced and not checked:
``query`` does that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeAlias, cast

Ratio: TypeAlias = tuple[int, int]
"""Numerator and denominator."""

Span: TypeAlias = tuple[int, int]
"""A piece ``[start, end)`` of a text, in bytes."""

MAX_DEPTH = 256
"""Most steps from the root of a tree to its lowest node."""

MAX_LABEL = 2049
"""Longest label or name, in bytes."""

MAX_TUNING = 1 << 16
"""Longest text of a tuning or of its map, in bytes."""

VARY_KINDS = ("fast", "slow", "early", "late", "chance", "euclid", "every")
"""Kinds of a ``Vary``."""

COMBINE_KINDS = ("add", "sub", "mul", "div", "mod", "set", "keep", "mask", "scale", "inv", "voicing", "inv_stack")
"""Kinds of a ``Combine``."""

STRUCTURES = ("left", "right", "both")
"""Whose events those of a ``Combine`` are."""

SPLIT_KINDS = ("ply", "up", "down", "updown", "downup", "converge", "diverge", "rolled", "rolled_down")
"""Kinds of a ``Split``."""

SHUFFLE_KINDS = ("shuffle", "scramble")
"""Kinds of a ``Shuffle``."""

SHAPE_KINDS = ("sine", "tri", "ramp", "ramp_down", "square", "exp", "pulse", "custom", "rand")
"""Kinds of a ``Shape``."""

# Values of events


@dataclass(frozen=True, slots=True)
class Control:
    """A control takes a value and holds it. Without ``/`` the label is a control of the node that is played.

    >>> krp.ctrl("cutoff", 800).query(0, 1)[0].value
    Control(label='cutoff', value=800.0)
    """

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Note:
    """A MIDI note to the host; ``dur`` is in cycles.

    >>> krp.midi_note(36).query(0, 1)[0].value
    Note(channel=0, note=36, velocity=100, dur=0.125)
    """

    channel: int
    note: int
    velocity: int
    dur: float


@dataclass(frozen=True, slots=True)
class Cc:
    """A MIDI controller to the host.

    >>> krp.cc(74, 20).query(0, 1)[0].value
    Cc(channel=0, controller=74, value=20)
    """

    channel: int
    controller: int
    value: int


@dataclass(frozen=True, slots=True)
class Osc:
    """An OSC message.

    >>> krp.osc("/audio/gain", 0.5).query(0, 1)[0].value
    Osc(address='/audio/gain', args=(0.5,))
    """

    address: str
    args: tuple[float | int | str, ...] = ()


@dataclass(frozen=True, slots=True)
class Named:
    """A control takes the value of one of its names. Events alone have it: in a tree it is a name below a label.

    >>> krp.values("saw").control("waveform").query(0, 1)[0].value
    Named(label='waveform', name='saw')
    """

    label: str
    name: str


Value: TypeAlias = Control | Note | Cc | Osc | Named
"""The value of an event."""

# Operators


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """What all operators have: perhaps the piece of text they came from."""

    span: Span | None = field(default=None, kw_only=True)

    @property
    def op(self) -> str:
        """The operator, as JSON spells it."""
        return type(self).__name__

    def below(self) -> tuple[Node, ...]:
        """Return the nodes right below, in the order of their places."""
        nodes: list[Node] = []
        for name in BELOW[type(self)]:
            value = getattr(self, name)
            if value is not None:
                nodes.extend(cast("tuple[Node, ...]", value) if isinstance(value, tuple) else (cast(Node, value),))
        return tuple(nodes)

    def with_below(self, nodes: tuple[Node, ...]) -> Node:
        """Return the node with others below it, as many as it has."""
        left = iter(nodes)
        new: dict[str, Any] = {}
        for name in BELOW[type(self)]:
            value = getattr(self, name)
            if isinstance(value, tuple):
                new[name] = tuple(next(left) for _ in cast("tuple[Node, ...]", value))
            elif value is not None:
                new[name] = next(left)
        return replace(self, **new)

    def walk(self) -> Iterator[Node]:
        """Go through the tree, each node before those below it."""
        pending: list[Node] = [self]
        while pending:
            node = pending.pop()
            yield node
            pending.extend(reversed(node.below()))

    def key(self) -> tuple[object, ...]:
        """Return what two equal trees have in common."""
        return tuple((n.op, len(n.below()), *(getattr(n, name) for name in own_fields(n))) for n in self.walk())

    def __eq__(self, other: object) -> bool:
        """Compare all but spans."""
        return isinstance(other, Node) and self.key() == other.key()

    def __hash__(self) -> int:
        """Return a hash of all but spans."""
        return hash(self.key())


@dataclass(frozen=True, slots=True, eq=False)
class Atom(Node):
    """One event per cycle, filling it."""

    value: Value


@dataclass(frozen=True, slots=True, eq=False)
class Silence(Node):
    """Nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Cat(Node):
    """All children within one cycle, one after the other, each getting the same share."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Stack(Node):
    """All children at once."""

    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Fast(Node):
    """``factor`` cycles of the child in one cycle."""

    factor: Ratio
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Slow(Node):
    """One cycle of the child in ``factor`` cycles."""

    factor: Ratio
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Early(Node):
    """The child ``offset`` cycles sooner."""

    offset: Ratio
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Late(Node):
    """The child ``offset`` cycles later."""

    offset: Ratio
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Rev(Node):
    """Every cycle mirrored in itself; frozen units change place but stay as they are inside."""

    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Every(Node):
    """Cycles divisible by ``n`` take ``transform``, the others ``child``."""

    n: int
    transform: Node
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Euclid(Node):
    """The child on ``pulses`` of ``steps`` steps, spread evenly, the row rotated left."""

    pulses: int
    steps: int
    rotation: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Degrade(Node):
    """The older chance, which documents keep."""

    prob: float
    seed: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Chance(Node):
    """Drops units with probability ``prob``, or with ``invert`` keeps just those."""

    prob: float
    seed: int
    invert: bool
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Number(Node):
    """A number once per cycle, for operators that take one."""

    value: float


@dataclass(frozen=True, slots=True, eq=False)
class Name(Node):
    """A name once per cycle, for operators that take one."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Vary(Node):
    """An operator whose numbers are the patterns in ``by``; ``every`` has a ``transform`` as well."""

    kind: str
    by: tuple[Node, ...]
    seed: int
    child: Node
    transform: Node | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True, eq=False)
class Pick(Node):
    """While ``index`` has the number k, child k plays, counted from 0 and around."""

    index: Node
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Choose(Node):
    """Each cycle one child at random, in proportion to its weight."""

    weights: tuple[float, ...] | None
    seed: int
    children: tuple[Node, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Label(Node):
    """The child's numbers and names become the control ``label``; with ``plain`` one event each, whatever its name."""

    label: str
    child: Node
    plain: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Combine(Node):
    """Each event of one pattern meets the values that the other has then."""

    kind: str
    structure: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True, eq=False)
class Split(Node):
    """Each event divided: repeated within itself, or the notes of a chord one by one or rolled."""

    kind: str
    n: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Zoom(Node):
    """The piece from ``from_`` to ``to`` of each cycle of the child fills the cycle."""

    from_: Ratio
    to: Ratio
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Segment(Node):
    """``n`` times per cycle what the child has at that moment, held until the next."""

    n: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Tune(Node):
    """The child's notes in a tuning: a name, or the text of a Scala file; ``map`` is that of a keyboard mapping."""

    tuning: str
    map: str | None
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Shuffle(Node):
    """Each cycle cut into ``n`` pieces that chance puts into another order."""

    kind: str
    n: int
    seed: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Freeze(Node):
    """Each cycle of the child is one indivisible unit."""

    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Warp(Node):
    """Bends time within each pair of ``grid`` steps; the one kind is ``swing``."""

    kind: str
    amount: float
    grid: int
    child: Node


@dataclass(frozen=True, slots=True, eq=False)
class Shape(Node):
    """A control that moves continuously, one period per cycle."""

    kind: str
    lo: float
    hi: float
    label: str
    duty: float | None = None
    seed: int | None = None
    table: tuple[float, ...] | None = None


OPERATORS: dict[str, type[Node]] = {
    kind.__name__: kind
    for kind in (
        *(Atom, Silence, Cat, Stack, Fast, Slow, Early, Late, Rev, Every, Euclid, Degrade, Chance, Number, Name),
        *(Vary, Pick, Choose, Label, Combine, Split, Zoom, Segment, Tune, Shuffle, Freeze, Warp, Shape),
    )
}
"""All operators by name."""

_IN_ORDER = ("index", "left", "right", "by", "transform", "child", "children")

BELOW: dict[type[Node], tuple[str, ...]] = {
    kind: tuple(name for name in _IN_ORDER if name in {f.name for f in fields(kind)}) for kind in OPERATORS.values()
}
"""The fields of each operator that hold nodes, in the order of their places."""

_OWN: dict[type[Node], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind) if f.name not in (*_IN_ORDER, "span")) for kind in OPERATORS.values()
}


def own_fields(node: Node) -> tuple[str, ...]:
    """Return the names of the fields that hold neither nodes nor the span."""
    return _OWN[type(node)]

"""Answers of the plugin as values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from krach.names import no_such_name


class Info(dict[str, Any]):
    """An answer: its fields are there as attributes, too.

    >>> kick = kr.node("kick", "faust:kick")
    >>> kr.describe("kick")[0].type
    'faust:kick'
    """

    def __getattr__(self, name: str) -> Any:
        """Return a field."""
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the answer has no {name}: it has {', '.join(self)}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse: an answer is what the plugin has said, and setting it changes nothing."""
        raise no_such_name(f"an answer is only read: {name} = {value!r} changes nothing", name, None)


class Table(list[Info]):
    """A list of answers that is shown as a table.

    >>> kick = kr.node("kick", "faust:kick", gain=0.8)
    >>> kr.describe()
    kick  faust:kick  gain 0.8
    """

    def __init__(self, rows: Iterable[Info], cells: Callable[[Info], list[str]]) -> None:
        """Make it of its rows, and of what is shown of each."""
        super().__init__(rows)
        self._cells = cells

    def __repr__(self) -> str:
        """Show it."""
        rows = [self._cells(row) for row in self]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines) or "none"


def fader(node: Info) -> str:
    """Return where the fader of a node is, and where it goes.

    >>> krach.session.info.fader(krach.session.Info(gain=0.8, gain_now=0.412))
    'gain 0.41 to 0.8'
    """
    now = node.get("gain_now", node.gain)
    return f"gain {node.gain:g}" if now == node.gain else f"gain {now:.2g} to {node.gain:g}"


class Lines(list[str]):
    """A list of texts that are shown as they are, one below the other.

    >>> krach.session.info.Lines(["one", "two\\n  ^"])
    one
    two
      ^
    """

    def __repr__(self) -> str:
        """Show them."""
        return "\n".join(self) or "no problems"


@dataclass(frozen=True, slots=True)
class Control:
    """A control of a node.

    >>> kick = kr.node("kick", "faust:kick")
    >>> [(each.path, each.min, each.max, each.unit) for each in kick.controls if each.name == "tune"]
    [('kick/tune', 25.0, 120.0, 'Hz')]
    """

    name: str
    path: str
    value: float
    min: float
    max: float
    default: float
    unit: str = ""
    scale: str = "linear"
    step: float = 0.0
    labels: tuple[str, ...] = ()
    moved_by: Any = None

    @staticmethod
    def of(data: dict[str, Any]) -> Control:
        """Make it of a control of ``describe``.

        >>> kick = kr.node("kick", "faust:kick")
        >>> krach.session.Control.of(kr.describe("kick")[0].controls[0]).path
        'kick/gate'
        """
        return Control(
            data["name"],
            data["path"],
            data["value"],
            data["min"],
            data["max"],
            data["default"],
            data.get("unit") or "",
            data.get("scale") or "linear",
            data.get("step") or 0.0,
            tuple(data.get("labels") or ()),
            data.get("moved_by"),
        )

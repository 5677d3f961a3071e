"""The settings of a node: texts and lists that its source takes beside controls."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from krach.arguments import guarded
from krach.error import KrachError
from krach.names import did_you_mean

if TYPE_CHECKING:
    from .handles import NodeHandle


class NoSuchSetting(KrachError, KeyError):
    """A setting that a node does not have.

    >>> kr.node("acid", "patch:acid").settings["seq/step"]
    Traceback (most recent call last):
    krach.session.settings.NoSuchSetting: acid has no setting seq/step
    did you mean seq/steps?
    """

    def __str__(self) -> str:
        """Say what is wrong, not its repr, as a KeyError does."""
        return str(self.args[0])


@guarded()
class Settings(MutableMapping[str, "str | Sequence[str]"]):
    """The settings of a node by name. What is set plays on from where the old ones were.

    >>> acid = kr.node("acid", "patch:acid")
    >>> acid.settings["seq/steps"][:3]
    ['C2', 'C3', '_']
    >>> acid.settings["seq/steps"] = ["A1", "-", "A2", "_"]
    >>> acid.settings
    {'seq/steps': ['A1', '-', 'A2', '_']}
    >>> del acid.settings["seq/steps"]
    >>> acid.settings["seq/steps"][:3]
    ['C2', 'C3', '_']
    """

    def __init__(self, node: NodeHandle) -> None:
        """Name their node; ``node.settings`` does so."""
        self._node = node

    def _called(self) -> str:
        return f"{self._node.name}.settings"

    def _missing(self, name: str, known: Mapping[str, Any]) -> NoSuchSetting:
        hint = did_you_mean(name, known) or (f"it has {', '.join(known)}" if known else None)
        text = f"{self._node.name} has no setting {name}"
        return NoSuchSetting(text if hint is None else f"{text}\n{hint}", place=name, hint=hint)

    def _now(self) -> dict[str, dict[str, Any]]:
        found = self._node._all()  # pyright: ignore[reportPrivateUsage]
        if len(found) != 1 or found[0].name != self._node.name:
            raise KrachError(f"{self._node.name} is a group: its nodes have settings", place=self._node.name)
        return {each["name"]: each for each in found[0].settings or ()}

    def _change(self, given: dict[str, Any]) -> None:
        self._node._session.node(self._node.name, settings=given)  # pyright: ignore[reportPrivateUsage]

    def _given(self) -> dict[str, Any]:
        return {name: each["value"] for name, each in self._now().items() if each["given"]}

    def __getitem__(self, name: str) -> str | list[str]:
        """Return a text or a list of texts."""
        now = self._now()
        if name not in now:
            raise self._missing(name, now)
        return now[name]["value"]

    def __setitem__(self, name: str, value: str | Sequence[str]) -> None:
        """Set one; the others stay."""
        self._change({**self._given(), name: value})

    def __delitem__(self, name: str) -> None:
        """Leave it to the node's source again."""
        given = self._given()
        if name not in given:
            raise self._missing(name, given)
        del given[name]
        self._change(given)

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._now())

    def __len__(self) -> int:
        """Count them."""
        return len(self._now())

    def __repr__(self) -> str:
        """Show them as a dict."""
        return repr({name: each["value"] for name, each in self._now().items()})

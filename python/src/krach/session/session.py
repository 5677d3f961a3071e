"""``Session``: all of it under one name."""

from __future__ import annotations

from typing import Any

from krach.arguments import guarded
from krach.client import Instance, instances
from krach.elsewhere import here
from krach.error import KrachError

from .handles import NodeHandle
from .whole import Whole
from .words import Words


@guarded()
class Session(Whole, Words):
    """The session of one instance. It keeps no copy: what it says, the plugin has just said.

    >>> bass = kr.node("bass", "faust:bass", gain=0.3)
    >>> _ = bass @ "A2 D3 ~ E2"
    >>> kr["bass/cutoff"] = 1200
    >>> kr["bass/cutoff"], kr["bass"].playing
    (1200.0, True)
    """

    def _called(self) -> str:
        return "kr"

    def _read_hint(self, name: str) -> str | None:
        names = [] if self._made is None else list(self.nodes)
        return f'kr["{name}"]' if name in names else here(name) or super()._read_hint(name)

    def __getitem__(self, name: str) -> Any:
        """Return the handle of a node or a group, or the base value of a control.

        >>> kr["nobody"]
        Traceback (most recent call last):
        krach.error.KrachError: there is nothing called nobody
        """
        names = {each.name for each in self._nodes()} | self._pending_names()
        if name in names or any(each.startswith(f"{name}/") for each in names):
            return NodeHandle(self, name)
        if "/" in name:
            return self.get_ctrl(name)
        raise self.missing(name)

    def __setitem__(self, path: str, value: float) -> None:
        """Set a control.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr["kick/tune"] = 60
        >>> kick["tune"]
        60.0
        """
        self.set(path, value)

    def _ipython_key_completions_(self) -> list[str]:
        nodes = self._nodes()
        return [each.name for each in nodes] + [each["path"] for node in nodes for each in node.controls or ()]

    def levels(self, wait: bool = True) -> dict[str, Any]:
        """Return the newest levels of nodes by name, linear; without waiting only if they are measured already.

        >>> kr.levels(wait=False)
        {}
        """
        measured = self._measured() if wait else self._meters or {}
        return measured.get("nodes") or {}

    def meters(self) -> dict[str, Any]:
        """Return what was measured last: levels of ``master`` and ``nodes``, linear, what ``bargraphs`` show by
        ``node/bargraph``, and ``load``, the time of blocks.

        >>> sorted(kr.meters())
        ['bargraphs', 'load', 'master', 'nodes']
        """
        return {name: value for name, value in self._measured().items() if name != "topic"}

    @staticmethod
    def instances() -> list[Instance]:
        """Return the instances that are there.

        >>> [each.format for each in kr.instances()]
        ['clap']
        """
        return instances()

    def __repr__(self) -> str:
        """Say whose session it is, and what is in it."""
        try:
            status = self.ask("status")
            nodes = self._nodes()
        except KrachError as error:
            return f"<krach: {str(error).splitlines()[0]}>"
        time = status["transport"]
        playing = sum(each.playing for each in nodes)
        name = status["name"] or status["instance"]
        clock = "runs" if time["running"] else "stands"
        return f"<krach {name}: {len(nodes)} nodes, {playing} playing, {time['tempo']:g} bpm, time {clock}>"


def attach(name: str | None = None, wait: bool | None = None) -> Session:
    """Attach to an instance: by name, id or socket path.

    Without a name: ``$KRACH_INSTANCE``, ``$NOISE_SOCKET``, or the only live one. ``wait``: whether ``kr.node`` waits
    for the compile and raises what is wrong; without it, it does in scripts and not at a prompt.

    >>> session = krach.attach()
    >>> session.tempo
    120.0
    >>> session.close()
    """
    session = Session(name, wait)
    _ = session.connection
    return session

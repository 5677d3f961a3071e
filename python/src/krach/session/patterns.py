"""What plays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krach.arguments import guarded
from krach.modules import labelled
from krach.pattern import Pattern

from .base import At, Change
from .info import Info
from .nodes import Named, Nodes, name_of


@guarded()
class Patterns(Nodes):
    """Slots and their patterns."""

    def play(
        self,
        target: Named,
        pattern: Pattern | str,
        from_zero: bool | None = None,
        swing: float | Mapping[str, float] | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Play a pattern, or a text of mini-notation, on a node, a group or a control.

        What was silent begins at the next cycle; what plays is swapped in phase. On a control (``bass/cutoff``) a
        pattern or a text of numbers and names is its values, one event each.

        >>> bass = kr.node("bass", "faust:bass")
        >>> kr.play("bass", "A2 D3 ~ E2", swing=0.6).events_per_cycle
        9
        >>> _ = kr.play("bass/cutoff", "<400 800> 1200")
        >>> [event["value"]["value"] for event in kr.query("bass/cutoff", 0, 1).events]
        [400.0, 1200.0]
        >>> _ = kr.play("bass", kr.hit().spread(3, 8), at="bar")
        """
        name = name_of(target)
        made: Any = pattern
        # What a text means on its target is known where that is.
        if isinstance(pattern, Pattern) and "/" in name:
            nodes = {each.name for each in self._nodes()} | self._pending_names()
            made = pattern if name in nodes else labelled(pattern, name)
        params = {
            "target": name,
            "pattern": made.to_dict() if isinstance(made, Pattern) else made,
            "from_zero": from_zero,
            "swing": dict(swing) if isinstance(swing, Mapping) else swing,
        }
        return self.change("play", params, at, dry_run)

    def _pending_names(self) -> set[str]:
        """Return the nodes that the open batch adds."""
        requests = self._scope.batch or ()
        return {each["params"]["name"] for each in requests if each["method"] == "node"}

    def hush(self, target: Named | None = None, *, at: At = None, dry_run: bool = False) -> Change:
        """Let a slot, or every slot of a group, fall silent; without a name all.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.play("bass", "A2 D3"), kr.hush("bass")
        >>> kr.slots
        {'bass': False}
        """
        if target is None:
            return self.stop(at=at, dry_run=dry_run)
        return self.change("hush", {"target": name_of(target)}, at, dry_run)

    def stop(self, *, at: At = None, dry_run: bool = False) -> Change:
        """Let all slots fall silent.

        >>> _ = kr.stop()
        """
        return self.change("stop", {}, at, dry_run)

    def query(self, target: Named | Pattern, begin: Any = None, end: Any = None) -> Info:
        """Return what a slot, or a pattern that need not play, plays in a window of cycles.

        >>> [event["onset"] for event in kr.query(kr.hit("kick/gate"), 0, 1).events]
        [True, True]
        """
        params: dict[str, Any] = {"from": _time(begin), "to": _time(end)}
        if isinstance(target, Pattern):
            params["pattern"] = target.to_dict()
        else:
            params["target"] = name_of(target)
        return Info(self.ask("query", **{key: value for key, value in params.items() if value is not None}))

    @property
    def slots(self) -> dict[str, bool]:
        """Every slot that has played, and whether it plays.

        >>> kick = kr.node("kick", "faust:kick") @ "x . x ."
        >>> kr.slots
        {'kick': True}
        """
        return {each["name"]: each["playing"] for each in self.ask("status")["slots"]}

    def pull(self) -> None:
        """Do nothing: a name of the older program, whose client kept a copy of the session. This one keeps none.

        >>> kr.pull()
        nothing is to be pulled: the plugin has the session, and every answer is its own
        """
        print("nothing is to be pulled: the plugin has the session, and every answer is its own")


def _time(value: Any) -> Any:
    if hasattr(value, "numerator") and not isinstance(value, int | bool):
        return [value.numerator, value.denominator]
    return value

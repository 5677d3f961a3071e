"""Controls, and what moves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from krach.arguments import guarded
from krach.error import KrachError
from krach.pattern import Pattern

from .base import At, Change
from .nodes import Named, name_of
from .patterns import Patterns
from .reach import Names

if TYPE_CHECKING:
    from .handles import Modulation


@guarded()
class Controls(Patterns):
    """Values and their motion."""

    def set(
        self,
        path: str | Mapping[str, float],
        value: float | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Set a control, ``node/control``, in its unit; or several at once.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.set("bass/cutoff", 1200)
        >>> _ = kr.set({"bass/cutoff": 800, "bass/resonance": 0.5})
        >>> kr["bass/cutoff"], kr["bass/resonance"]
        (800.0, 0.5)
        """
        values = {path: value} if isinstance(path, str) else dict(path)
        for each, number in values.items():
            if number is None:
                raise KrachError(f"{each} is set to a number", place=each)
        return self.change("set", {"values": values}, at, dry_run)

    def get_ctrl(self, path: str) -> float:
        """Return the base value of a control.

        >>> bass = kr.node("bass", "faust:bass", cutoff=700)
        >>> kr.get_ctrl("bass/cutoff")
        700.0
        """
        node, _, _ = path.rpartition("/")
        while node:
            for each in self._nodes():
                if each.name == node:
                    found = [control for control in each.controls or () if control["path"] == path]
                    if found:
                        return float(found[0]["value"])
            node = node.rpartition("/")[0]
        values = self.ask("status")["control_values"]
        if path in values:
            return float(values[path])
        raise self.missing(path)

    @property
    def ctrl_values(self) -> dict[str, float]:
        """Base values of every control, by path.

        >>> kick = kr.node("kick", "faust:kick")
        >>> kr.ctrl_values["kick/tune"]
        50.0
        """
        known = {each["path"]: float(each["value"]) for node in self._nodes() for each in node.controls or ()}
        return known | {path: float(value) for path, value in self.ask("status")["control_values"].items()}

    def fade(
        self,
        path: str,
        target: float,
        bars: float | None = None,
        beats: float | None = None,
        secs: float | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Go on a straight line to a value and stay there, in so many bars (4), beats or seconds.

        A bar is a cycle here. ``node/gain`` is the fader.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.fade("bass/cutoff", 2000, bars=8)
        >>> _ = kr.fade("bass/gain", 0.8, secs=2)
        """
        if bars is None and beats is None and secs is None:
            bars = 4
        params = {"label": path, "value": target, "cycles": bars, "beats": beats, "secs": secs}
        return self.change("fade", params, at, dry_run)

    def mod(  # noqa: PLR0917
        self,
        path: str,
        shape: str | Pattern,
        lo: float | None = None,
        hi: float | None = None,
        bars: float | None = None,
        secs: float | None = None,
        duty: float | None = None,
        table: Iterable[float] | None = None,
        one_shot: bool = False,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Modulation:
        """Let a control move by itself between ``lo`` (0) and ``hi`` (1): a period every so many bars (4) or seconds.

        Shapes are ``sine tri ramp ramp_down square exp pulse custom``. A pattern of numbers plays on the control
        with the values that it has.

        >>> bass = kr.node("bass", "faust:bass")
        >>> sweep = kr.mod("bass/cutoff", "tri", lo=200, hi=2000, bars=8)
        >>> kr.describe("bass")[0].controls[3]["moved_by"]
        {'automation': 'bass/cutoff'}
        >>> _ = sweep.stop()
        """
        if isinstance(shape, Pattern):
            if not (lo is hi is bars is secs is duty is table is None) or one_shot:
                raise KrachError("a pattern has its own values and times", place=path, hint=f"kr.mod({path!r}, p)")
            self.play(path, shape, at=at, dry_run=dry_run)
            return self.modulation(path, is_pattern=True)
        if bars is None and secs is None:
            bars = 4
        params = {
            "label": path,
            "shape": shape,
            "lo": 0.0 if lo is None else lo,
            "hi": 1.0 if hi is None else hi,
            "bars": bars,
            "secs": secs,
            "duty": duty,
            "table": None if table is None else [float(each) for each in table],
            "one_shot": one_shot or None,
        }
        self.change("automate", params, at, dry_run)
        return self.modulation(path)

    def unmod(self, path: str, *, at: At = None, dry_run: bool = False) -> Change:
        """Let a control go back to its pattern or its base value.

        >>> bass = kr.node("bass", "faust:bass")
        >>> sweep = kr.mod_sine("bass/cutoff", 200, 2000)
        >>> _ = kr.unmod("bass/cutoff")
        """
        return self.change("clear_automation", {"id": path}, at, dry_run)

    def mod_sine(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Move a control along a sine.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_sine("bass/cutoff", 200, 2000, bars=2)
        """
        return self.mod(path, "sine", lo, hi, bars, **more)

    def mod_tri(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Move a control up and down on straight lines.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_tri("bass/cutoff", 200, 2000)
        """
        return self.mod(path, "tri", lo, hi, bars, **more)

    def mod_ramp(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Move a control up on a straight line, again and again.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_ramp("bass/cutoff", 200, 2000)
        """
        return self.mod(path, "ramp", lo, hi, bars, **more)

    def mod_ramp_down(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Move a control down on a straight line, again and again.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_ramp_down("bass/cutoff", 200, 2000)
        """
        return self.mod(path, "ramp_down", lo, hi, bars, **more)

    def mod_square(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Let a control jump between two values.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_square("bass/cutoff", 200, 2000, bars=1)
        """
        return self.mod(path, "square", lo, hi, bars, **more)

    def mod_exp(self, path: str, lo: float = 0.0, hi: float = 1.0, bars: float = 4, **more: Any) -> Modulation:
        """Move a control along an exponential.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.mod_exp("bass/cutoff", 200, 2000)
        """
        return self.mod(path, "exp", lo, hi, bars, **more)

    # MIDI

    def midi_map(
        self,
        cc: int,
        path: str,
        lo: float | None = None,
        hi: float | None = None,
        channel: int = 0,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Let a controller of the host move a control, over its whole range or from ``lo`` to ``hi``.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.midi_map(74, "bass/cutoff", 200, 4000)
        """
        params = {"cc": cc, "label": path, "lo": lo, "hi": hi, "channel": channel}
        return self.change("midi_map", params, at, dry_run)

    def midi_unmap(
        self, cc: int, path: str | None = None, channel: int = 0, *, at: At = None, dry_run: bool = False
    ) -> Change:
        """Let a controller move a control, or all that it moved, no more.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.midi_map(74, "bass/cutoff"), kr.midi_unmap(74)
        """
        return self.change("midi_unmap", {"cc": cc, "label": path, "channel": channel}, at, dry_run)

    def midi_learn(self, path: str | None, lo: float | None = None, hi: float | None = None) -> Any:
        """Map the next controller that moves; ``None`` waits no longer.

        >>> bass = kr.node("bass", "faust:bass")
        >>> kr.midi_learn("bass/cutoff")["learning"]["label"]
        'bass/cutoff'
        >>> kr.midi_learn(None)["learning"]
        """
        given = {key: value for key, value in {"lo": lo, "hi": hi}.items() if value is not None}
        done = self.ask("midi_learn", label=path, **given)
        self._note_unreached([Names(None, (path,))] if path is not None else [])
        words = "no controller is waited for" if path is None else f"the next controller that moves is to move {path}"
        return Change(done).told_as(words)

    def midi_route(
        self, node: Named | None, channel: int | str = "omni", *, at: At = None, dry_run: bool = False
    ) -> Change:
        """Let the host's notes of a channel play a node; ``None``: nobody.

        >>> keys = kr.node("keys", "faust:keys", count=8)
        >>> _ = kr.midi_route("keys")
        """
        name = None if node is None else name_of(node)
        return self.exact("midi_route", {"channel": channel, "node": name}, at, dry_run)

    # Macros

    def macro(  # noqa: PLR0917
        self,
        n: int | str,
        path: str | None = None,
        lo: float | None = None,
        hi: float | None = None,
        curve: str = "auto",
        name: str | None = None,
        unit: str | None = None,
        *,
        at: At = None,
        dry_run: bool = False,
    ) -> Change:
        """Let macro ``n`` of the host (1 to 64, or by its name) move a control, fader or send beside what it moves.

        Without ``lo`` and ``hi`` it is the control's range, of faders and sends 0 to 1; ``lo`` may be the larger one.
        ``curve`` is ``auto`` (the control's own scale), ``linear``, ``log``, ``exp`` or ``s``.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.macro(1, "bass/cutoff", 200, 4000, name="Cutoff")
        >>> _ = kr.macro("Cutoff", "bass/gain", 0.4, 0.2)
        >>> [target["label"] for target in kr.macros[0]["targets"]]
        ['bass/cutoff', 'bass/@gain']
        >>> kr.macro(1, lo=100)
        Traceback (most recent call last):
        krach.error.KrachError: lo, hi and curve are those of a control
        kr.macro(1, "bass/cutoff", 200, 4000)
        """
        if path is None and (lo is not None or hi is not None or curve != "auto"):
            hint = 'kr.macro(1, "bass/cutoff", 200, 4000)'
            raise KrachError(f"lo, hi and curve are those of a control\n{hint}", hint=hint)
        params = {
            "macro": n,
            "label": path,
            "lo": lo,
            "hi": hi,
            "curve": curve if path is not None else None,
            "name": name,
            "unit": unit,
        }
        return self.change("macro", params, at, dry_run)

    def unmacro(self, n: int | str, path: str | None = None, *, at: At = None, dry_run: bool = False) -> Change:
        """Let macro ``n`` move a control no more; without one nothing, and it has no name.

        >>> bass = kr.node("bass", "faust:bass")
        >>> _ = kr.macro(1, "bass/cutoff"), kr.unmacro(1)
        >>> kr.macros
        []
        """
        return self.change("unmacro", {"macro": n, "label": path}, at, dry_run)

    def macro_learn(
        self,
        n: int | str | None = None,
        path: str | None = None,
        lo: float | None = None,
        hi: float | None = None,
        curve: str | None = None,
    ) -> Any:
        """Let macro ``n`` move the next control that is set, or the next macro that the host moves move ``path``.

        Without both nothing waits any more.

        >>> bass = kr.node("bass", "faust:bass")
        >>> kr.macro_learn(2)["learning"]
        {'macro': 2}
        >>> bass["cutoff"] = 900
        >>> kr.macros[0]["title"]
        'bass cutoff'
        >>> kr.macro_learn(path="bass/drive", curve="s")["learning"]["label"]
        'bass/drive'
        """
        given = {"macro": n, "label": path, "lo": lo, "hi": hi, "curve": curve}
        done = self.ask("macro_learn", **{key: value for key, value in given.items() if value is not None})
        if n is None and path is None:
            return Change(done).told_as("no macro and no control is waited for")
        what = f"the next control that is set belongs to macro {n}" if path is None else ""
        return Change(done).told_as(what or f"the next macro that the host moves is to move {path}")

    @property
    def macros(self) -> Any:
        """The macros of the host that move something or have a name, by rising number.

        >>> kr.macros
        []
        """
        return self.ask("macros")["macros"]

"""Methods on values: patterns that meet, and values that become controls and notes."""

from __future__ import annotations

from typing import Self

from krach.arguments import guarded

from . import ir, scales
from .base import Values, times_of, values_node
from .error import PatternError
from .verbs import Verbs


@guarded(PatternError, pure=True)
class Meeting(Verbs):
    """Values. A text is a line of values, such as ``"0 2 <4 7>"`` or ``"C:minor"``."""

    __slots__ = ()

    def control(self, label: str) -> Self:
        """Let the numbers become a control: ``note``, ``chord``, ``cutoff``, ``bass/cutoff``, …

        >>> krp.values("400 800").control("cutoff")
        (0>1/2)|cutoff=400 (1/2>1)|cutoff=800
        >>> krp.values("A2:m").control("chord").query(0, 1)[0]
        (0>1/2)|freq=110
        """
        return self._with(ir.Label(label, self.node))

    def plain(self, label: str) -> Self:
        """Let numbers and names become the values of a control, each of them one event, whatever the control's name.

        >>> krp.values("200 <400 800>").plain("osc/freq")
        (0>1/2)|osc/freq=200 (1/2>1)|osc/freq=400
        """
        return self._with(ir.Label(label, self.node, plain=True))

    def combine(self, kind: str, other: Values, structure: str = "left") -> Self:
        """Let two patterns meet, with the events of this one (``left``), of the other (``right``), or ``both``.

        Kinds: ``add``, ``sub``, ``mul``, ``div``, ``mod``, ``set``, ``keep``, ``mask``, ``scale``, ``inv``,
        ``voicing`` and ``inv_stack``.

        >>> krp.values("1 2").combine("add", "10 20 30", "both")
        (0>1/3)|11 (1/3>1/2)|21 (1/2>2/3)|22 (2/3>1)|32
        """
        node = _scale_of_words(other) if kind == "scale" and isinstance(other, str) else None
        node = values_node(other) if node is None else node
        return self._with(ir.Combine(kind, structure, self.node, node))

    def add(self, other: Values, structure: str = "left") -> Self:
        """Add numbers; controls meet by name, and a bare number is meant for the note.

        >>> krp.values("1 2").add(10)
        (0>1/2)|11 (1/2>1)|12
        """
        return self.combine("add", other, structure)

    def sub(self, other: Values, structure: str = "left") -> Self:
        """Subtract numbers.

        >>> krp.values("1 2").sub("0 1")
        (0>1/2)|1 (1/2>1)|1
        """
        return self.combine("sub", other, structure)

    def mul(self, other: Values, structure: str = "left") -> Self:
        """Multiply numbers.

        >>> krp.values("1 2").mul(3)
        (0>1/2)|3 (1/2>1)|6
        """
        return self.combine("mul", other, structure)

    def div(self, other: Values, structure: str = "left") -> Self:
        """Divide numbers.

        >>> krp.values("1 2").div(2)
        (0>1/2)|0.5 (1/2>1)|1
        """
        return self.combine("div", other, structure)

    def mod(self, other: Values, structure: str = "left") -> Self:
        """Take the remainder of numbers, 0 or more for divisors above 0.

        >>> krp.values("-1 7").mod(4)
        (0>1/2)|3 (1/2>1)|3
        """
        return self.combine("mod", other, structure)

    def set(self, other: Values, structure: str = "left") -> Self:
        """Take the other's controls as well; of one that both have, the other's value.

        >>> krp.p("x").set(krp.values("<0.5 1>").control("vel"))
        (0>1/2)|vel=0.5 (0>1/2)|gate=1 (1/2>1)|gate=0
        """
        return self.combine("set", other, structure)

    def controls(self, **values: Values) -> Self:
        """Take controls by name: each is a line of values, or a pattern of them, and they are set as by ``set``.

        >>> krp.scale("0 2 4", "C:minor").controls(cutoff="<400 800>", vel=0.5).query(0, 1)[1]
        (0>1/6)|cutoff=400
        """
        node = self.node
        for label, value in values.items():
            node = ir.Combine("set", "left", node, ir.Label(label, values_node(value)))
        return self._with(node)

    def keep(self, other: Values, structure: str = "left") -> Self:
        """Take the other's controls as well; of one that both have, this one's value.

        >>> krp.values("1 2").keep("3 4 5", "right")
        (0>1/3)|1 (1/3>1/2)-2/3|1 1/3-(1/2>2/3)|2 (2/3>1)|2
        """
        return self.combine("keep", other, structure)

    def mask(self, other: Values) -> Self:
        """Play while the other is not 0 (nor ``f``).

        >>> krp.values("1 2 3 4").mask("1 0")
        (0>1/4)|1 (1/4>1/2)|2
        """
        return self.combine("mask", other)

    def struct(self, rhythm: Values) -> Self:
        """Play the values of this at the events of a rhythm that are not 0.

        >>> krp.values("1 2").struct("x ~ x x")
        (0>1/4)|1 (1/2>3/4)|2 (3/4>1)|2
        """
        return self.combine("mask", rhythm, "right")

    def scale(self, names: Values) -> Self:
        """Make numbers and notes degrees of a scale: 0 is its root, 7 of a scale of seven its octave.

        >>> krp.values("0 2 7").scale("C:minor")
        (0>1/3)|60 (1/3>2/3)|63 (2/3>1)|72
        >>> krp.values("0 1 5").scale("C4:minor pentatonic")
        (0>1/3)|60 (1/3>2/3)|63 (2/3>1)|72
        """
        return self.combine("scale", names)

    def degree(self, names: Values) -> Self:
        """Play numbers as degrees of a scale, as notes.

        >>> krp.values("0 2").degree("A2:minor").query(0, 1)[0]
        (0>1/4)|freq=110
        """
        return self.scale(names).control("note")

    def inv(self, by: Values) -> Self:
        """Move the lowest notes of chords up an octave, as many as ``by`` says; for a negative number the highest down.

        >>> krp.values("C:major").control("chord").inv(1).query(0, 1)[0]
        (0>1/2)|freq=329.6276
        """
        return self.combine("inv", by)

    def inv_stack(self, by: Values) -> Self:
        """Do the same to what begins and ends together, as one chord: notes with commas between them, and layers.

        >>> [e.value.value for e in krp.p("[A2,C#3,E3]").inv_stack(1).query(0, 1) if e.value.label == "freq"][-1]
        220.0
        """
        return self.combine("inv_stack", by)

    def voicing(self, top: Values) -> Self:
        """Move the notes of chords by octaves into the octave that ends with a note such as ``"C5"``.

        >>> krp.values("A4:m").control("chord").voicing("C5").query(0, 1)[0]
        (0>1/2)|freq=329.6276
        """
        return self.combine("voicing", top)

    def tuned(self, tuning: str, keys: str | None = None) -> Self:
        """Play notes in a tuning: ``"19edo"``, ``"just"``, or the text of a Scala file, perhaps with that of a map.

        >>> krp.seq(61).tuned("24edo").query(0, 1)[0]
        (0>1/2)|freq=269.2918
        """
        return self._with(ir.Tune(tuning, keys, self.node))

    def segment(self, n: int) -> Self:
        """Hold what there is at ``n`` moments of each cycle until the next; a melody of a curve.

        >>> krp.ramp("", 0, 8).segment(4).scale("C:major")
        (0>1/4)|60 (1/4>1/2)|64 (1/2>3/4)|67 (3/4>1)|71
        """
        return self._with(ir.Segment(times_of(n, "n"), self.node))

    def transpose(self, semitones: Values) -> Self:
        """Play notes higher by so many semitones.

        >>> krp.seq("A2").transpose(12) == krp.seq("A2").add(12)
        True
        """
        return self.add(semitones)

    def ply(self, n: int) -> Self:
        """Play each event ``n`` times within itself.

        >>> krp.values("1 2").ply(2)
        (0>1/4)|1 (1/4>1/2)|1 (1/2>3/4)|2 (3/4>1)|2
        """
        return self._with(ir.Split("ply", times_of(n, "n"), self.node))

    def arp(self, kind: str = "up", times: int = 1) -> Self:
        """Play the notes of each chord one after the other; what begins and ends together is a chord.

        Kinds: ``up``, ``down``, ``updown``, ``downup``, ``converge`` (from the outer notes to the inner ones) and
        ``diverge``.

        >>> [str(e.whole.begin) for e in krp.values("A2:m").control("chord").arp().query() if e.value.label == "freq"]
        ['0', '1/3', '2/3']
        """
        return self._with(ir.Split(kind, times_of(times, "times"), self.node))

    def rolled(self, n: int = 4, *, down: bool = False) -> Self:
        """Let the notes of each chord begin one after the other within the first 1/n of it.

        >>> chord = krp.values("A2:m").control("chord").rolled(2)
        >>> [str(e.whole.begin) for e in chord.query() if e.value.label == "freq"]
        ['0', '1/6', '1/3']
        """
        return self._with(ir.Split("rolled_down" if down else "rolled", times_of(n, "n"), self.node))


def _scale_of_words(text: str) -> ir.Name | None:
    """Return a scale whose name has several words, which a line of values would take for several scales."""
    is_one = len(text.split()) > 1 and scales.degree(text, 0) is not None
    return ir.Name(text, span=(0, len(text))) if is_one else None

"""Values that meet: ``Label``, ``Combine`` and ``Split`` over what their leaves hold."""

from __future__ import annotations

import math
from dataclasses import dataclass

from . import ir, scales
from .chords import MAX_CHORD, chords_of
from .draft import (
    Arpeggio,
    Controls,
    ControlValues,
    Datum,
    Divided,
    Draft,
    Frozen,
    Given,
    Inversion,
    Inverted,
    Meet,
    Way,
    count,
    describe,
    of_note,
    sounding,
)
from .drafting import FEW, MAX_CONTROLS, Drafting
from .notes import beside, is_of_note, own_name
from .pitch import key_of
from .ratio import plain
from .tuning import read_tuning
from .validate import single

MAX_INVERSION = 128
"""The furthest that ``inv`` goes."""

_DIVISORS = "numbers other than 0 to divide by"
_VALUES = "numbers, names, notes and labelled values"
_DEGREES = "degrees, which are numbers below a million"


@dataclass
class _Refused(Exception):
    """Why two values do not meet; ``right``: it is the right one that does not fit."""

    right: bool
    op: str
    takes: str
    given: str


def lower_values(draft: Drafting, child: ir.Node, below: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of what an operator on values has below it."""
    draft.valued += 1
    lowered = draft.lower(child, below, source)
    draft.valued -= 1
    return lowered


def labelled(draft: Drafting, node: ir.Label, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Label``."""
    kid = lower_values(draft, node.child, way, source)
    if kid is None:
        return None
    if node.plain:
        _plain_values(draft, node.label, kid)
        return kid
    name = own_name(node.label)
    for leaf in sounding(kid):
        said = draft.leaves[leaf]
        controls = _as_control(node.label, name, said.datum)
        if controls is None:
            takes = {
                "note": "keys such as 60 and notes such as C#4",
                "chord": "chords such as C:m7 and Eb3:maj7",
            }.get(name, "numbers" if is_of_note(name) else "numbers and names")
            raise draft.takes(said.place, "Label", takes, describe(said.datum))
        draft.put(leaf, Controls((controls,)))
    return kid


def _plain_values(draft: Drafting, label: str, kid: Draft) -> None:
    """Let the values below become those of a control, each of them one event."""
    for leaf in sounding(kid):
        said = draft.leaves[leaf]
        match said.datum:
            case float(value):
                rounded = single(value)
                if rounded is None:
                    given = f"{label} = {plain(value)}"
                    raise draft.takes(said.place, "a control", "numbers that 32 bits hold", given)
                made = ir.Control(label, rounded)
            case str(name):
                made = ir.Named(label, name)
            case other:
                raise draft.takes(said.place, "Label", "numbers and names", describe(other))
        # Each value of a program has its own label.
        draft.count_copies(0, len(label.encode()), said.place)
        draft.put(leaf, made)


def _as_control(label: str, name: str, datum: Datum) -> tuple[str, Given] | None:
    if isinstance(datum, float):
        return label, (datum,)
    if isinstance(datum, str) and name == "note":
        key = key_of(datum)
        return None if key is None else (label, (float(key),))
    if isinstance(datum, str) and name == "chord":
        keys = scales.chord(datum)
        return None if keys is None else (beside(label, "note"), keys)
    if isinstance(datum, str) and not is_of_note(name):
        return label, datum
    return None


def combined(draft: Drafting, node: ir.Combine, above: Way | None, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Combine``."""
    left = lower_values(draft, node.left, draft.branch(node, above, 0), source)
    right = lower_values(draft, node.right, draft.branch(node, above, 1), source)
    if left is None or right is None:
        return None
    check_values(draft, left)
    check_values(draft, right)
    lefts, rights = sounding(left), sounding(right)
    if node.structure != "left":
        _check_events(draft, lefts)
        _check_events(draft, rights)
    # The plugin's table has room for the leaves between too.
    room = (lefts[-1] - lefts[0] + 1) * (rights[-1] - rights[0] + 1)
    pairs = len(lefts) * len(rights)
    draft.count_copies(pairs, room - pairs, way)
    cells: dict[tuple[int, int], int] = {}
    turned: list[tuple[int, int]] = []
    holes = False
    for l in lefts:  # noqa: E741
        for r in rights:
            a, b = draft.leaves[l], draft.leaves[r]
            draft.count_copies(0, _work(a.datum, b.datum), way)
            try:
                met = _meet(node.kind, a.datum, b.datum)
            except _Refused as refused:
                place = b.place if refused.right else a.place
                raise draft.takes(place, refused.op, refused.takes, refused.given) from None
            if met is None:
                holes = True
                continue
            if met is a.datum:
                cells[l, r] = l
            else:
                structured = b if node.structure == "right" else a
                cells[l, r] = draft.leaf(met, a.place, structured.source)
            if node.kind == "inv_stack" and isinstance(b.datum, float):
                turned.append((cells[l, r], int(b.datum)))
    if not cells:
        return None
    meet = Meet(draft.number(), way, node.structure, left, right, cells, holes)
    return _inverted(draft, meet, turned, way) if node.kind == "inv_stack" else meet


def _inverted(draft: Drafting, kid: Draft, met: list[tuple[int, int]], way: Way) -> Draft:
    """Return chords that are turned over, of events that have met how often: their leaves with these numbers."""
    first, last = min(leaf for leaf, _ in met), max(leaf for leaf, _ in met)
    draft.count_copies(0, last - first + 1 - len(met), way)
    turned: dict[int, Inversion] = {}
    for leaf, by in met:
        # Each turned chord has leaves of its own, as each of its notes is one by itself.
        octaves = range(min(by, 0), max(by, 0) + 1)
        notes = (_octaves(draft, note, octaves, way) for note in _single_notes(draft, leaf, way))
        turned[leaf] = Inversion(by, tuple(notes))
    if chords_of(kid).most * max(len(each.notes) for each in turned.values()) > MAX_CHORD:
        raise draft.takes(way, "inv_stack", f"chords of up to {MAX_CHORD} notes at once", "more")
    return Inverted(draft.number(), way, kid, turned)


def _octaves(draft: Drafting, note: int, octaves: range, way: Way) -> tuple[float, dict[int, int]]:
    """Return the pitch of a note, and its leaf in each of these octaves."""
    said = draft.leaves[note]
    controls = said.datum.controls if isinstance(said.datum, Controls) else ()
    place = next((i for i, (label, _) in enumerate(controls) if own_name(label) == "note"), None)
    pitch = controls[place][1][0] if place is not None else said.datum
    if not isinstance(pitch, float):
        return 0.0, dict.fromkeys(octaves, note)
    leaves: dict[int, int] = {}
    for octave in octaves:
        if octave == 0:
            leaves[octave] = note
            continue
        moved = pitch + 12.0 * octave
        datum: Datum = moved
        if place is not None:
            datum = Controls((*controls[:place], (controls[place][0], (moved,)), *controls[place + 1 :]))
        draft.count_copies(1, 4 * len(controls), way)
        leaves[octave] = draft.leaf(datum, said.place, said.source)
    return pitch, leaves


def divided(draft: Drafting, node: ir.Split, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Split``."""
    kid = lower_values(draft, node.child, way, source)
    if kid is None:
        return None
    check_values(draft, kid)
    leaves = sounding(kid)
    _check_events(draft, leaves)
    draft.count_copies(0, leaves[-1] - leaves[0] + 1 - len(leaves), way)
    if node.kind != "ply":
        return _arpeggio(draft, node, kid, leaves, way)
    parts: dict[int, tuple[int, ...]] = {}
    for leaf in leaves:
        draft.count_copies(node.n, 0, way)
        parts[leaf] = (leaf,) * node.n
    return Divided(draft.number(), way, kid, parts)


def _arpeggio(draft: Drafting, node: ir.Split, kid: Draft, leaves: list[int], way: Way) -> Draft:
    """Return chords in pieces: the notes of each leaf as leaves of their own."""
    notes = {leaf: _single_notes(draft, leaf, way) for leaf in leaves}
    if chords_of(kid).most * max(map(len, notes.values())) > MAX_CHORD:
        raise draft.takes(way, "Split", f"chords of up to {MAX_CHORD} notes at once", "more")
    return Arpeggio(draft.number(), way, kid, node.kind, node.n, notes)


def _single_notes(draft: Drafting, leaf: int, way: Way) -> tuple[int, ...]:
    """Return the notes of a chord, each as a leaf. What has no notes is one."""
    said = draft.leaves[leaf]
    if not isinstance(said.datum, Controls):
        return (leaf,)
    controls = said.datum.controls
    most = max((count(given) for _, given in controls), default=1)
    if most == 1:
        return (leaf,)
    draft.count_copies(0, 4 * most * len(controls), way)
    return tuple(
        draft.leaf(
            Controls(tuple((label, of_note(given, note)) for label, given in controls)),
            said.place,
            said.source,
        )
        for note in range(most)
    )


def tuned(draft: Drafting, node: ir.Tune, way: Way, source: ir.Span | None) -> Draft | None:
    """Return the draft of a ``Tune``: keys become the pitches of a tuning."""
    tuning = read_tuning(node.tuning, node.map)
    kid = lower_values(draft, node.child, way, source)
    if kid is None:
        return None
    check_values(draft, kid)

    def pitch(key: float, place: Way | None) -> float:
        found = tuning.pitch(key)
        if found is None or not math.isfinite(found):
            raise draft.takes(place, "Tune", "keys to which the map gives a degree", f"the key {plain(key)}")
        return found

    for leaf in sounding(kid):
        said = draft.leaves[leaf]
        match said.datum:
            case float():
                draft.put(leaf, pitch(said.datum, said.place))
            case Controls(controls):
                pitched = (
                    (label, keys)
                    if isinstance(keys, str) or own_name(label) != "note"
                    else (label, tuple(pitch(key, said.place) for key in keys))
                    for label, keys in controls
                )
                draft.put(leaf, Controls(tuple(pitched)))
            case _:
                pass
    return kid


def _check_events(draft: Drafting, leaves: list[int]) -> None:
    """A shape has no events whose lengths could be others."""
    for leaf in leaves:
        if isinstance(draft.leaves[leaf].datum, ir.Shape):
            op = "an operator that makes new lengths"
            raise draft.takes(draft.leaves[leaf].place, op, "events", "a shape")


def check_values(draft: Drafting, node: Draft) -> None:
    """Refuse a unit of several events, which has no one value."""
    seen: set[int] = set()
    pending = [node]
    while pending:
        node = pending.pop()
        if isinstance(node, Frozen):
            raise draft.takes(node.way, "an operator on values", "values and notes", "a unit of several events")
        if node.number not in seen:
            seen.add(node.number)
            pending.extend(node.below())


def _meet(kind: str, left: Datum, right: Datum) -> Datum | None:
    """Return what comes of two values: ``left`` itself, another, or ``None``."""
    if kind == "mask":
        return None if right in (0.0, "f") and isinstance(right, float | str) else left
    if kind == "keep" and not isinstance(left, Controls):
        return left
    if kind == "scale":
        return _scaled(left, right)
    if kind in ("inv", "voicing", "inv_stack"):
        return _moved(kind, left, right)
    if kind == "set" and isinstance(left, float | str) and isinstance(right, float | str):
        return right
    match left, right:
        case float(), float():
            return _calculate(kind, left, right, right)
        case Controls(a), Controls(b):
            return Controls(_joined(kind, a, b, right))
        case Controls(a), float():
            # A bare number is meant for the pitch, or for the one control there is.
            pitch = next((label for label, _ in a if own_name(label) == "note"), None)
            label = pitch if pitch is not None else a[0][0] if len(a) == 1 else None
            if label is None:
                takes = "a control by name, since there are several and none is a note"
                raise _Refused(True, "Combine", takes, describe(right))
            return Controls(_joined(kind, a, ((label, (right,)),), right))
        case ((ir.Control() | ir.Named() | ir.Note() | ir.Cc() | ir.Osc() | ir.Shape()), _):
            raise _Refused(False, "Combine", _VALUES, describe(left))
        case _, (ir.Control() | ir.Named() | ir.Note() | ir.Cc() | ir.Osc() | ir.Shape()):
            raise _Refused(True, "Combine", _VALUES, describe(right))
        case _:
            raise _Refused(True, "Combine", "the same kind of value on both sides", describe(right))


def _scaled(left: Datum, right: Datum) -> Datum:
    if not isinstance(right, str) or scales.degree(right, 0.0) is None:
        raise _Refused(True, "scale", "scales such as minor and C:dorian", describe(right))
    match left:
        case float():
            return _in_scale(left, right, left)
        case Controls(controls):
            return Controls(
                tuple(
                    (label, values)
                    if isinstance(values, str) or own_name(label) != "note"
                    else (label, tuple(_in_scale(x, right, left) for x in values))
                    for label, values in controls
                )
            )
        case _:
            raise _Refused(False, "scale", _DEGREES, describe(left))


def _in_scale(number: float, name: str, given: Datum) -> float:
    # Between two degrees it is the upper one.
    found = scales.degree(name, float(math.ceil(number))) if abs(number) < 1e6 else None
    if found is None:
        raise _Refused(False, "scale", _DEGREES, f"{describe(given)}, {plain(number)}")
    return found


def _moved(kind: str, left: Datum, right: Datum) -> Datum:
    """Return a chord with other notes of the same names."""
    by: float | None = right if isinstance(right, float) else None
    if isinstance(right, str) and kind == "voicing":
        key = key_of(right)
        by = None if key is None else float(key)
    if kind != "voicing" and by is not None and not (by.is_integer() and abs(by) <= MAX_INVERSION):
        by = None
    if by is None:
        takes = "keys such as 72 and notes such as C5" if kind == "voicing" else "whole numbers from -128 to 128"
        raise _Refused(True, kind, takes, describe(right))
    if isinstance(left, float):
        return _changed(kind, (left,), by)[0]
    place = None
    if isinstance(left, Controls):
        place = next((i for i, (label, _) in enumerate(left.controls) if own_name(label) == "note"), None)
    if place is None or not isinstance(left, Controls):
        raise _Refused(False, kind, "notes and chords", describe(left))
    controls = list(left.controls)
    label, notes = controls[place]
    controls[place] = (label, notes if isinstance(notes, str) else _changed(kind, notes, by))
    return Controls(tuple(controls))


def _changed(kind: str, notes: tuple[float, ...], by: float) -> tuple[float, ...]:
    if kind == "inv_stack":
        # How far each note moves is known when the chord is.
        return notes
    if kind == "voicing":
        # Each note in the octave that ends with `by`; what falls together is one.
        return tuple(sorted({by - _remainder(by - note) for note in notes}))
    moved = sorted(notes)
    for _ in range(abs(int(by))):
        if by > 0:
            moved[0] += 12.0
        else:
            moved[-1] -= 12.0
        moved.sort()
    return tuple(moved)


def _remainder(x: float) -> float:
    """Return the remainder of a division by 12 as the plugin computes it."""
    rest = math.fmod(x, 12.0)
    return rest + 12.0 if rest < 0.0 else rest


def _work(left: Datum, right: Datum) -> int:
    """Return what a pair takes to meet beyond one value: labels that are compared, numbers that are copied."""
    a = left.controls if isinstance(left, Controls) else ()
    b = right.controls if isinstance(right, Controls) else ()
    return len(a) * len(b) + sum(count(given) for _, given in a + b)


def _calculate(kind: str, a: float, b: float, right: Datum) -> float:
    if kind in ("div", "mod") and b == 0.0:
        raise _Refused(True, "Combine", _DIVISORS, describe(right))
    match kind:
        case "add":
            result = a + b
        case "sub":
            result = a - b
        case "mul":
            result = a * b
        case "div":
            result = a / b
        case "mod":
            quotient = a / b
            result = a - b * (math.floor(quotient) if math.isfinite(quotient) else quotient)
        case "keep":
            result = a
        case _:
            result = b
    if not math.isfinite(result):
        raise _Refused(True, "Combine", "numbers whose result is finite", describe(right))
    return result


def _joined(kind: str, left: ControlValues, right: ControlValues, given: Datum) -> ControlValues:
    """Return the controls of both sides; those of one name meet, each number of one with each of the other."""
    controls = list(left)
    places = {label: i for i, (label, _) in reversed(list(enumerate(left)))}
    for label, values in right:
        place = places.get(label)
        if place is None:
            if len(controls) == MAX_CONTROLS:
                raise _Refused(True, "Combine", FEW, "more")
            places[label] = len(controls)
            controls.append((label, values))
            continue
        known = controls[place][1]
        if kind == "keep":
            continue
        met: Given
        if kind == "set":
            met = values
        elif isinstance(known, str) or isinstance(values, str):
            takes = "numbers to calculate with, and names with set and keep alone"
            raise _Refused(True, "Combine", takes, f"the name {known if isinstance(known, str) else values}")
        else:
            met = tuple(_calculate(kind, a, b, given) for a in known for b in values)
        controls[place] = (label, met)
        if count(met) > MAX_CHORD:
            raise _Refused(True, "Combine", f"chords of up to {MAX_CHORD} notes", f"{count(met)} notes")
    return tuple(controls)

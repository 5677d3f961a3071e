"""Controls as notes: what a pattern of values plays in the end."""

from __future__ import annotations

from fractions import Fraction

from . import ir
from .draft import Controls, ControlValues, Draft, Notes, Voice, count, of_note, sounding
from .drafting import Drafting
from .pitch import ftom, mtof
from .ratio import exactly, plain
from .validate import single


def own_name(label: str) -> str:
    """Return the last part of a label."""
    return label.rpartition("/")[2]


def beside(label: str, name: str) -> str:
    """Return the label of another control of the same node."""
    node, slash, _ = label.rpartition("/")
    return f"{node}{slash}{name}"


def _is_gate(label: str) -> bool:
    return own_name(label).endswith(("gate", "trig", "trigger"))


def is_of_note(name: str) -> bool:
    """Return whether it is what notes are made of, which has numbers alone."""
    return name in {"note", "chord", "freq", "vel", "legato"} or _is_gate(name)


def _control(node: ir.Node) -> tuple[str, float] | None:
    match node:
        case ir.Atom(ir.Control(label, value)):
            return label, value
        case _:
            return None


def note_controls(node: ir.Freeze) -> ControlValues | None:
    """Return the controls of a finished note, such as the notation makes; ``None`` for anything else that is frozen.

    They stand at its beginning, a gate among them that closes at half of it. A frequency is the key it belongs to.
    """
    match node.child:
        case ir.Cat((begins, ends)):
            pass
        case _:
            return None
    begun = [_control(kid) for kid in (begins.children if isinstance(begins, ir.Stack) else (begins,))]
    closing = _control(ends)
    if closing is None or None in begun:
        return None
    said = [control for control in begun if control is not None]
    opens = sum(label == closing[0] and value == 1.0 for label, value in said)
    gates = sum(_is_gate(label) for label, _ in said)
    if opens != 1 or gates != 1 or closing[1] != 0.0:
        return None
    return tuple(
        (beside(label, "note"), (ftom(value),))
        if own_name(label) == "freq" and value > 0.0
        else (label, (float(value),))
        for label, value in said
    )


def with_notes(draft: Drafting, root: Draft) -> Draft:
    """Return the root, with notes around it if it has controls to play."""
    leaves = sounding(root)
    if not any(isinstance(draft.leaves[leaf].datum, Controls) for leaf in leaves):
        return root
    # Notes have the whole limit for themselves.
    draft.copied_before = draft.copied
    draft.copied = 0
    notes: dict[int, tuple[Voice, ...]] = {}
    for leaf in leaves:
        datum = draft.leaves[leaf].datum
        if isinstance(datum, Controls):
            notes[leaf] = tuple(_notes_of(draft, leaf, datum.controls))
    return Notes(draft.number(), root.way, root, notes)


def _gate_share(draft: Drafting, leaf: int, controls: ControlValues) -> Fraction:
    """Return for how much of an event the gate is open."""
    place = draft.leaves[leaf].place
    legato = next((values for label, values in controls if own_name(label) == "legato"), ())
    if not legato or isinstance(legato, str):
        return Fraction(1, 2)
    if not 0.0 < legato[0] <= 1.0:
        raise draft.takes(place, "legato", "a share of the event, above 0 and up to 1", plain(legato[0]))
    share = exactly(legato[0])
    if share is None:
        raise draft.too_fine(place)
    return share


def _notes_of(draft: Drafting, leaf: int, controls: ControlValues) -> list[Voice]:
    """Return the notes of one event: one for each pitch, or one without."""
    place, source = draft.leaves[leaf].place, draft.leaves[leaf].source
    gate = _gate_share(draft, leaf, controls)
    voices: list[Voice] = []
    for note in range(max((count(given) for _, given in controls), default=0)):
        begins: list[ir.Control | ir.Named] = []
        gates: set[str] = set()
        for label, values in controls:
            given = of_note(values, note)
            if isinstance(given, str):
                begins.append(ir.Named(label, given))
                continue
            (value,) = given
            match own_name(label):
                case "legato":
                    continue
                case "note":
                    begins.append(ir.Control(beside(label, "freq"), mtof(value)))
                    gates.add(beside(label, "gate"))
                case "freq":
                    begins.append(ir.Control(label, value))
                    gates.add(beside(label, "gate"))
                case _ if _is_gate(label):
                    gates.add(label)
                case _:
                    begins.append(ir.Control(label, value))
        begins += [ir.Control(label, 1.0) for label in sorted(gates, key=str.encode)]
        for begun in begins:
            if isinstance(begun, ir.Control) and single(begun.value) is None:
                said = f"{begun.label} = {plain(begun.value)}"
                raise draft.takes(place, "a control", "numbers that 32 bits hold", said)
        texts = [b.label + (b.name if isinstance(b, ir.Named) else "") for b in begins] + list(gates)
        carried = sum(8 + len(label.encode()) for label in texts)
        draft.count_copies(1 if note == 0 else len(texts), carried, place)
        draft.units += 1

        def control_leaf(control: ir.Control | ir.Named) -> int:
            return draft.leaf(control, place, source)

        voices.append(
            Voice(
                tuple(map(control_leaf, begins)),
                tuple(control_leaf(ir.Control(label, 0.0)) for label in sorted(gates, key=str.encode)),
                gate,
                -draft.units if gates else 0,
            )
        )
    return voices

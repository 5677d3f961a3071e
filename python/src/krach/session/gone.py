"""A name of a node that there was: it is said that it has gone, and what brings it back."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NAMED = re.compile(
    r"^(?:.*: )?(?:there is no node|there is nothing called|no control is called|nothing was ever played on) (\S+)"
)
_ENDS = ("clear", "open ", "load", "scene ", "recall ")
"""Steps that take nodes away without naming them: told where one is the last step."""


def gone(message: str, steps: Sequence[str], undone: Sequence[str]) -> tuple[str, str, str] | None:
    """Return the node that an error speaks of, what is said of it, and the hint; none if there never was such a node.

    ``steps`` are those of the history, the oldest first; ``undone`` those that redo does, the next one first.

    >>> krach.session.gone.gone("no control is called x/tune", ["node x", "remove x"], [])
    ('x', 'x is gone: remove x', 'kr.undo() brings it back')
    >>> krach.session.gone.gone("there is no node x", ["node x", "remove x", "node y"], [])
    ('x', 'x is gone: remove x', 'kr.node("x", …) makes it again')
    >>> krach.session.gone.gone("there is no node x", [], ["node x"])
    ('x', 'x is gone: it was undone', 'kr.redo() brings it back')
    """
    found = _NAMED.match(message)
    if found is None:
        return None
    parts = found[1].split("/")
    for count in range(len(parts), 0, -1):
        name = "/".join(parts[:count])
        if any(_is("node", name, step) for step in undone[:1]):
            return name, f"{name} is gone: it was undone", "kr.redo() brings it back"
        taken = _taken(name, steps)
        if taken is not None:
            hint = "kr.undo() brings it back" if taken == len(steps) - 1 else f'kr.node("{name}", …) makes it again'
            return name, f"{name} is gone: {steps[taken]}", hint
    return None


def _taken(name: str, steps: Sequence[str]) -> int | None:
    """Return the number of the step that took a node or a group away, if one did."""
    for at in range(len(steps) - 1, -1, -1):
        if _is("remove", name, steps[at]):
            return at
        if _is("node", name, steps[at]):
            return len(steps) - 1 if steps[-1].startswith(_ENDS) else None
    return None


def _is(what: str, name: str, step: str) -> bool:
    return step == f"{what} {name}" or step.startswith(f"{what} {name} and ")

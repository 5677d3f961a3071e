"""What may be called in an expression: the builders and the methods of patterns."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from krach.pattern import Pattern, builders
from krach.pattern.pitch import ftom, mtof

BUILDERS: dict[str, Callable[..., Any]] = {
    name: getattr(builders, name)
    for name in (
        *("p", "values", "hit", "note", "chord", "rest", "seq", "cat", "stack", "turns", "timecat", "arrange"),
        *("pick", "choose", "randcat", "wchoose", "irand", "struct", "freeze", "number", "name", "scale", "arp"),
        *("ctrl", "midi_note", "cc", "osc", "sine", "tri", "ramp", "ramp_down", "square", "exp", "pulse"),
        *("custom", "rand"),
    )
} | {"mtof": mtof, "ftom": ftom, "Fraction": Fraction}
"""Functions that an expression begins with."""

METHODS = frozenset(
    (
        *("over", "fast", "slow", "early", "late", "shift", "reverse", "rev", "spread", "swing", "zoom", "freeze"),
        *("thin", "chance", "shuffle", "scramble", "control", "plain", "combine", "add", "sub", "mul", "div", "mod"),
        *("set", "controls", "keep", "mask", "struct", "scale", "degree", "inv", "inv_stack", "voicing", "tuned"),
        *("segment", "transpose", "ply", "arp", "rolled", "every", "sometimes_by", "almost_never", "rarely"),
        *("sometimes", "often", "almost_always", "when", "chunk", "iter", "palindrome", "superimpose", "off", "jux"),
        *("echo", "stut", "hurry", "compress", "linger", "range"),
    )
)
"""Methods that patterns have in an expression."""

_NOT_CALLED = frozenset(("from_dict", "to_dict", "from_json", "to_json", "query"))
"""Methods of patterns that make no pattern of one, or take no text of music."""


def unlisted() -> set[str]:
    """Return the public methods of patterns that are neither callable here nor left out on purpose.

    >>> krach.assistant.vocabulary.unlisted()
    set()
    """
    return {name for name in dir(Pattern) if not name.startswith("_")} - METHODS - _NOT_CALLED - {"node"}


def usage(name: str, call: Callable[..., Any]) -> str:
    """Return how something is called.

    >>> krach.assistant.vocabulary.usage("fast", krp.Pattern.fast)
    'fast(factor): Play ``factor`` times as fast.'
    """
    given = list(inspect.signature(call).parameters.values())
    if given and given[0].name == "self":
        given = given[1:]
    shown = [each.replace(annotation=inspect.Parameter.empty) for each in given]
    what = (inspect.getdoc(call) or "").split("\n")[0]
    return f"{name}{inspect.Signature(shown)}: {what}"

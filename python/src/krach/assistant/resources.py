"""What a model can read: the session, the pattern language on a page, the sounds with their controls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .desk import Desk
from .page import PAGE, sounds
from .tools import TOOLS


@dataclass(frozen=True, slots=True)
class Resource:
    """A text that can be read."""

    uri: str
    name: str
    description: str
    mime_type: str
    read: Callable[[Desk], str]


def _session(desk: Desk) -> str:
    """Return what `status` answers, and every control."""
    data = TOOLS["status"].run(desk).data
    controls: dict[str, Any] = TOOLS["list_controls"].run(desk).data
    return json.dumps(data | controls, indent=1, ensure_ascii=False)


_ALL = (
    Resource(
        "krach://session",
        "session",
        "What there is and what plays now, with every control.",
        "application/json",
        _session,
    ),
    Resource("krach://patterns", "patterns", "The pattern language on one page.", "text/markdown", lambda _: PAGE),
    Resource("krach://sounds", "sounds", "The sounds, with their controls, ranges and units.", "text/markdown", sounds),
)

RESOURCES = {each.uri: each for each in _ALL}
"""Every resource, by its address."""

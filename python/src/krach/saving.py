"""When a file that is watched counts as saved."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from .error import KrachError

Look: TypeAlias = "tuple[bytes, bool] | None"
"""What a look at a file sees: its bytes, and whether somebody has it open to write; ``None``: there is no file."""

_POLL = 0.05
_TWICE = 2
_OPEN = 100
"""Looks after which a file counts that somebody keeps open to write: five seconds."""


def saves(looks: Iterable[Look]) -> Iterator[bytes]:
    """Return each text that a file is saved with, of looks at it: a text counts once two looks in a row see it.

    An editor empties a file and then writes it, in pieces, or replaces it. However long that takes, no piece counts:
    where the system says who has a file open, one that is being written does not count, and an empty one never does,
    since all that it had made would go.

    >>> def closed(*texts):
    ...     return [(text, False) for text in texts]
    >>> list(krach.saving.saves(closed(b"a", b"a", b"", b"", b"b", b"b") + [None] + closed(b"b", b"b", b"c", b"c")))
    [b'a', b'b', b'c']
    >>> list(krach.saving.saves(closed(b"a", b"a", *[b" "] * 1000)))
    [b'a']
    >>> list(krach.saving.saves([(b"half", True)] * 50 + closed(b"half and half", b"half and half")))
    [b'half and half']
    """
    seen, last, times = None, None, 0
    for look in looks:
        times = times + 1 if look == last else 1
        last = look
        if look is None:
            continue
        text, is_open = look
        if text.strip() and text != seen and times >= (_OPEN if is_open else _TWICE):
            seen = text
            yield text


def looks_at(path: str) -> Iterator[Look]:
    """Look at a file again and again. One that is not there at first is a mistake."""
    may_lease, is_first = _ignores_leases(), True
    while True:
        try:
            with Path(path).open("rb") as file:
                yield _look(file, may_lease)
        except OSError as error:
            if is_first:
                raise KrachError(f"{path}: {error}", place=path) from None
            yield None
        is_first = False
        time.sleep(_POLL)


def _ignores_leases() -> bool:
    """Whether a lease can be taken: whoever opens a leased file sends a signal, which ends a process by default."""
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return False
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    return True


def _look(file: IO[bytes], may_lease: bool) -> tuple[bytes, bool]:
    """Read a file; under a lease, which nobody gets while somebody can write, and while which nobody can begin to."""
    if sys.platform != "linux" or not may_lease:
        return file.read(), False
    import fcntl  # noqa: PLC0415

    try:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return file.read(), True
    except OSError:  # Somebody else's file, or a system of files without leases.
        return file.read(), False
    try:
        return file.read(), False
    finally:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)

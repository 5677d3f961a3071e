"""Whether an instance sounds, and if not, why: what `krach doctor` says of it."""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

from .session import Session

_LISTENS, _POLL = 1.0, 0.02
_USUAL = {
    "win32": ("C:\\Program Files\\Faust\\share\\faust",),
}.get(sys.platform, ("/usr/share/faust", "/usr/local/share/faust", "/opt/homebrew/share/faust"))


def libraries() -> Path | None:
    """Return the folder of FAUST's own libraries, where the plugin looks for them, too; it needs none.

    >>> krach.sounding.libraries() is None or (krach.sounding.libraries() / "stdfaust.lib").is_file()
    True
    """
    named = os.environ.get("FAUST_LIB_PATH", "").split(os.pathsep)
    folders = (Path(each) for each in (*named, *_USUAL))
    return next((each for each in folders if each.is_absolute() and (each / "stdfaust.lib").is_file()), None)


def sounding(session: Session) -> list[str]:
    """Return what keeps an instance silent, and how loud it is.

    >>> krach.sounding.sounding(kr)[0]
    'nothing is in the session: kr.node("kick", "faust:kick") @ "x*4" is a beginning'
    >>> krach.sounding.sounding(kr)[-1]
    'the output is silent'
    """
    status = session.ask("status")
    transport = status["transport"]
    nodes = session.describe()
    muted = [each.name for each in nodes if session.is_muted(each.name)]
    waits = [each.name for each in nodes if each.state == "pending"]
    told: list[str] = []
    if status["stopped"]:
        told.append("the engine has stopped: kr.rebuild() begins it anew")
    if not transport["running"]:
        told.append("time stands: press play in the DAW, or say kr.free_run = True")
    if not nodes:
        told.append('nothing is in the session: kr.node("kick", "faust:kick") @ "x*4" is a beginning')
    elif not any(session.slots.values()):
        told.append("no pattern plays")
    if waits:
        told.append(f"still compiling: {', '.join(waits)}")
    if muted:
        told.append(f"muted: {', '.join(muted)}")
    if status["silenced"]:
        told.append(f"silenced, since no number came out: {', '.join(status['silenced'])}")
    if transport["master"] == 0:
        told.append("the master is at 0: kr.master = 1")
    return [*told, *_measured(session)]


def _measured(session: Session) -> list[str]:
    """Say how long blocks take, and how loud the main output is within a second."""
    peak, until = 0.0, time.monotonic() + _LISTENS
    while time.monotonic() < until:
        peak = max((peak, *(each["peak"] for each in session.meters().get("master") or ())))
        time.sleep(_POLL)
    meters = session.meters()
    load = meters.get("load")
    told: list[str] = []
    if load and load["overruns"]:
        told.append(f"{load['overruns']} blocks took longer than they last: clicks, and notes that come late")
    if load:
        told.append(f"a block takes {100 * load['mean']:.0f} % of its time, at worst {100 * load['worst']:.0f} %")
    return [*told, f"the output peaks at {20 * math.log10(peak):.1f} dBFS" if peak > 1e-6 else "the output is silent"]

"""Opens the window in pedalboard many times; prints what it saw of each opening as JSON.

A program of its own, since JUCE meets one display per process: `openings_in_pedalboard.py PLUGIN COUNT`.
"""

import gc
import json
import os
import sys
import tempfile
import threading
import time
from pathlib import Path

from krach_display import Display
from Xlib.error import BadDrawable, BadMatch, BadWindow

GROUND = (0x14, 0x16, 0x1B)
# Longest that an opening is watched.
HUNG = 20.0


def shown(screen: Display):
    """The window and its picture, if it is there; hosts make and drop windows while it is looked for."""
    try:
        found = screen.find("krach")
        return found and (found[0], screen.picture(found[0]).astype(int))
    except (BadDrawable, BadMatch, BadWindow):
        return None


def watched(screen: Display, close: threading.Event) -> dict:
    """One opening: seconds from the window's being there to its being painted, and its size after that."""
    seen: dict = {"painted": None, "size": None}
    try:
        end, began, window = time.monotonic() + HUNG, None, None
        while seen["painted"] is None and time.monotonic() < end:
            found = shown(screen)
            if found is None:
                time.sleep(0.02)
                continue
            began = began or time.monotonic()
            window, picture = found
            if int((abs(picture - GROUND).max(axis=2) <= 2).sum()) > 10_000:
                seen["painted"] = round(time.monotonic() - began, 3)
            else:
                time.sleep(0.05)
        if window is None:
            return {**seen, "error": "no window"}
        # JUCE puts it in its place after it has opened it.
        time.sleep(0.5)
        at = window.get_geometry()
        seen["size"] = [at.width, at.height]
    except Exception as error:  # noqa: BLE001
        seen["error"] = repr(error)
    finally:
        close.set()
    return seen


def main(bundle: str, count: int) -> list[dict]:
    home = Path(tempfile.mkdtemp(prefix="krach-o-"))
    for name in ("HOME", "XDG_RUNTIME_DIR", "TMPDIR"):
        os.environ[name] = str(home)
    screen = Display(home)
    import pedalboard

    plugin = pedalboard.load_plugin(bundle, plugin_name="krach", initialization_timeout=0.05)
    openings: list[dict] = []
    for _ in range(count):
        close = threading.Event()
        hand = threading.Thread(target=lambda: openings.append(watched(screen, close)))
        hand.start()
        plugin.show_editor(close)
        hand.join()
    del plugin
    gc.collect()
    screen.close()
    return openings


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]))), flush=True)
